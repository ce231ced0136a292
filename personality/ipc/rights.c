/*
 * Descriptors on their way in messages (SCM_RIGHTS).
 *
 * A file in a message has a reference from it. Each is counted for the user who sent it (RLIMIT_NOFILE of them,
 * unix(7)). A socket can be on its way to itself, or two to one another: then nobody can ever receive it, and it would
 * stay for ever. So when a socket on its way has lost another reference, all of those are looked through
 * (rights_collect): a socket is alive that has references besides those of messages which wait with sockets on their
 * way; so is what waits with a live one. The messages of all others are thrown away, and with them they end.
 */
#include "base/user.h"
#include "file/file.h"
#include "ipc/socket.h"
#include "process/proc.h"

/* Sockets on their way, by fly. */
static struct list flying = LIST_INITIALIZER(flying);
static bool may_be_lost; /* one has lost a reference since they were looked through */

static void rights_collect(void);

int rights_add(struct call *call, struct rights **rights, const int *fd, unsigned count)
{
	struct process *process = call->process;
	unsigned i;

	if (count > RIGHTS_MOST || (*rights != NULL && (*rights)->count + count > RIGHTS_MOST))
		return -EINVAL;
	if (count == 0)
		return 0;
	if (*rights == NULL) {
		if (!capable(process, CAP_SYS_RESOURCE) && !capable(process, CAP_SYS_ADMIN) &&
			process->user->count[USER_FLYING] > process->limit[RLIMIT_NOFILE].rlim_cur) {
			rights_collect();
			if (process->user->count[USER_FLYING] > process->limit[RLIMIT_NOFILE].rlim_cur)
				return -ETOOMANYREFS;
		}
		*rights = user_alloc(process->user, sizeof **rights + count * sizeof(struct file *));
		if (*rights == NULL)
			return -ENOMEM;
		(*rights)->user = user_reference(process->user);
	} else {
		struct rights *larger =
			user_resize(*rights, sizeof **rights + ((*rights)->count + count) * sizeof(struct file *));

		if (larger == NULL)
			return -ENOMEM;
		*rights = larger;
	}
	for (i = 0; i < count; i++) {
		struct file *file = fd_file_path(call, fd[i]);

		if (file == NULL)
			return -EBADF;
		user_charge((*rights)->user, USER_FLYING, 1, USER_NO_LIMIT);
		(*rights)->file[(*rights)->count++] = file_reference(file);
	}
	return 0;
}

void rights_fly(struct rights *rights)
{
	unsigned i;

	for (i = 0; i < rights->count; i++) {
		struct socket *socket = socket_of(rights->file[i]);

		if (socket != NULL && socket->flying++ == 0)
			list_append(&flying, &socket->fly);
	}
	rights->flies = true;
}

static void land(struct rights *rights)
{
	unsigned i;

	for (i = 0; i < rights->count && rights->flies; i++) {
		struct socket *socket = socket_of(rights->file[i]);

		if (socket != NULL && --socket->flying == 0)
			list_remove(&socket->fly);
	}
	rights->flies = false;
}

/* Moves the rights of all that waits with a socket, and with connections to it that nobody accepted, to the list. */
static void take_all(struct socket *socket, struct list *to)
{
	list_for_each (link, &socket->messages) {
		struct message *message = list_entry(link, struct message, link);

		if (message->rights != NULL) {
			land(message->rights);
			list_append(to, &message->rights->link);
			message->rights = NULL;
		}
	}
	list_for_each (link, &socket->pending)
		take_all(list_entry(link, struct socket, link), to);
}

/*
 * One after the other, not one within the other: a socket that ends here gives what waits with it to the list first, so
 * that a long chain of them takes no more stack than a short one.
 */
static void free_all(struct list *list)
{
	while (!list_empty(list)) {
		struct rights *rights = list_entry(list->next, struct rights, link);
		unsigned i;

		list_remove(&rights->link);
		for (i = 0; i < rights->count; i++) {
			struct file *file = rights->file[i];
			struct socket *socket = socket_of(file);

			/* Acquire: nobody else has it. */
			if (socket != NULL && __atomic_load_n(&file->references, __ATOMIC_ACQUIRE) == 1)
				take_all(socket, list);
			else if (socket != NULL && socket->flying > 0)
				may_be_lost = true;
			file_release(file);
		}
		user_uncharge(rights->user, USER_FLYING, rights->count);
		user_release(rights->user);
		user_free(rights);
	}
}

void rights_free(struct rights *rights)
{
	struct list list;

	if (rights == NULL)
		return;
	list_init(&list);
	land(rights);
	list_append(&list, &rights->link);
	free_all(&list);
}

/* Calls the function with each socket on its way with which a message of this one's is. */
static void each_waiting(
	struct socket *socket, void (*function)(struct socket *waiting, struct list *list), struct list *list)
{
	list_for_each (link, &socket->messages) {
		const struct rights *rights = list_entry(link, struct message, link)->rights;
		unsigned i;

		for (i = 0; rights != NULL && i < rights->count; i++) {
			struct socket *waiting = socket_of(rights->file[i]);

			if (waiting != NULL)
				function(waiting, list);
		}
	}
	list_for_each (link, &socket->pending)
		each_waiting(list_entry(link, struct socket, link), function, list);
}

static void count_inner(struct socket *socket, struct list *list)
{
	(void)list;
	socket->inner++;
}

/* A socket is alive: to the end of the list of those to go through, which is the second part of `flying`. */
static void reach(struct socket *socket, struct list *list)
{
	if (socket->reached || socket->flying == 0)
		return;
	socket->reached = true;
	list_remove(&socket->fly);
	list_append(list, &socket->fly);
}

static void rights_collect(void)
{
	struct list alive, dead, ended, *link, *next;

	may_be_lost = false;
	if (list_empty(&flying))
		return;
	list_init(&alive);
	list_init(&ended);
	list_for_each (at, &flying) {
		struct socket *socket = list_entry(at, struct socket, fly);

		socket->inner = 0;
		socket->reached = false;
	}
	list_for_each (at, &flying)
		each_waiting(list_entry(at, struct socket, fly), count_inner, NULL);
	for (link = flying.next; link != &flying; link = next) {
		struct socket *socket = list_entry(link, struct socket, fly);

		next = link->next;
		/* Relaxed: who comes and goes meanwhile has it by a table, whose reference is there as well. */
		if (__atomic_load_n(&socket->file->references, __ATOMIC_RELAXED) > socket->inner)
			reach(socket, &alive);
	}
	for (link = alive.next; link != &alive; link = link->next)
		each_waiting(list_entry(link, struct socket, fly), reach, &alive);
	/* Their messages go, and each of them with the one that it is in. */
	list_init(&dead);
	while (!list_empty(&flying)) {
		struct socket *socket = list_entry(flying.next, struct socket, fly);

		list_remove(&socket->fly);
		list_append(&dead, &socket->fly);
		take_all(socket, &ended);
	}
	while (!list_empty(&alive)) {
		link = alive.next;
		list_remove(link);
		list_append(&flying, link);
	}
	free_all(&ended);
}

void rights_closed(struct file *file)
{
	const struct socket *socket = socket_of(file);

	if (socket != NULL && socket->flying > 0)
		may_be_lost = true;
	file_release(file);
	if (may_be_lost)
		rights_collect();
}
