/*
 * The owner of an open file: a process, a group or a thread that gets SIGIO when it can be read or written (O_ASYNC),
 * or a lease is to be given up. What happens to a file happens in the middle of some call, where no process may end:
 * the signal is sent by a timer that is due at once.
 */
#include "file/owner.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>

#include "base/user.h"
#include "call/timer.h"
#include "file/file.h"
#include "file/poll.h"
#include "process/proc.h"

/* Of fcntl(2); the C library keeps some of them to itself. */
enum { SET_OWNER_EXTENDED = 15, GET_OWNER_EXTENDED = 16 };
enum { OWNER_THREAD, OWNER_PROCESS, OWNER_GROUP };

struct owner_extended {
	int32_t type, id;
};

#define REASONS 7

struct file_owner {
	struct file *file;
	int type, id;       /* id 0: nobody */
	int signal;         /* 0: SIGIO, without saying of what */
	int fd;             /* that it was asked for by */
	uint32_t uid, euid; /* of who asked: what they may signal */
	unsigned reasons;   /* to be told of: a bit for each POLL_* */
	bool changed;       /* to be told of what can be done now */
	struct timer timer;
	struct waiter waiter[2]; /* on the file's queues, while O_ASYNC is set */
	unsigned waiters;
};

static bool may_hear(const struct file_owner *owner, const struct process *process)
{
	const struct credentials *whom = &process->credentials;

	return owner->euid == 0 || owner->euid == whom->suid || owner->euid == whom->uid || owner->uid == whom->suid ||
	       owner->uid == whom->uid;
}

static void send_one(const struct file_owner *owner, struct process *process, struct thread *thread, int reason)
{
	/* Bands as poll(2) says them, by reason. */
	static const uint64_t bands[REASONS] = {0, POLLIN | POLLRDNORM, POLLOUT | POLLWRNORM | POLLWRBAND,
		POLLIN | POLLRDNORM | POLLMSG, POLLERR, POLLPRI | POLLRDBAND, POLLHUP | POLLERR};
	const int signal = owner->signal != 0 ? owner->signal : SIGIO;
	struct signal_info info = {.code = reason};
	const struct signal_info *said = owner->signal != 0 ? &info : NULL;

	if (!may_hear(owner, process))
		return;
	info.words[0] = bands[reason];
	info.words[1] = (uint32_t)owner->fd;
	if (thread != NULL)
		signal_thread(thread, signal, said);
	else
		signal_process(process, signal, said);
}

/* A copy of the owner: the file may go by this. */
static void send(struct file_owner owner, int reason)
{
	struct process_group *group = owner.type == OWNER_GROUP ? group_find(owner.id) : NULL;
	struct thread *thread = owner.type == OWNER_THREAD ? thread_find(owner.id) : NULL;
	struct process *process = thread != NULL                ? thread->process
				  : owner.type == OWNER_PROCESS ? process_find(owner.id)
								: NULL;
	unsigned count;
	int *ids;

	if (process != NULL)
		send_one(&owner, process, thread, reason);
	if (group == NULL)
		return;
	ids = process_ids(group, &count);
	for (unsigned i = 0; i < count; i++) {
		process = process_find(ids[i]);
		if (process != NULL)
			send_one(&owner, process, NULL, reason);
	}
	free(ids);
}

static void tell(struct timer *timer)
{
	struct file_owner *owner = list_entry(timer, struct file_owner, timer);
	const struct file_owner copy = *owner;
	unsigned reasons = owner->reasons;

	owner->reasons = 0;
	owner->changed = false;
	if (copy.changed && owner->waiters != 0) {
		const unsigned ready = file_poll(owner->file);

		reasons |= (ready & POLLIN ? 1u << POLL_IN : 0) | (ready & POLLOUT ? 1u << POLL_OUT : 0) |
			   (ready & POLLERR ? 1u << POLL_ERR : 0) | (ready & POLLPRI ? 1u << POLL_PRI : 0) |
			   (ready & POLLHUP ? 1u << POLL_HUP : 0);
	}
	for (int reason = POLL_IN; reason < REASONS && copy.id != 0; reason++) {
		if (reasons & 1u << reason)
			send(copy, reason);
	}
}

static void queue_woken(struct waiter *waiter, unsigned events)
{
	/* The call field carries the owner: the waiter is no call's. */
	struct file_owner *owner = (struct file_owner *)(void *)waiter->call;

	(void)events;
	owner->changed = true;
	if (owner->timer.index == 0)
		timer_set(&owner->timer, clock_monotonic());
}

static struct file_owner *owner_of(struct file *file)
{
	struct file_owner *owner = file->owner;

	if (owner == NULL) {
		owner = file->owner = user_alloc(user_now(), sizeof *owner);
		if (owner != NULL) {
			owner->file = file;
			owner->type = OWNER_PROCESS;
			owner->timer.fire = tell;
		}
	}
	return owner;
}

static void watch_end(struct file_owner *owner)
{
	for (unsigned i = 0; i < owner->waiters; i++)
		list_remove(&owner->waiter[i].link);
	owner->waiters = 0;
}

void file_owner_gone(struct file *file)
{
	struct file_owner *owner = file->owner;

	if (owner == NULL)
		return;
	watch_end(owner);
	timer_cancel(&owner->timer);
	user_free(owner);
	file->owner = NULL;
}

int file_owner_watch(struct call *call, struct file *file, int fd, bool on)
{
	struct wait_queue *queues[2];
	struct file_owner *owner;

	(void)call;
	if (!on) {
		if (file->owner != NULL)
			watch_end(file->owner);
		return 0;
	}
	owner = file->ops->poll_queues != NULL ? owner_of(file) : NULL;
	if (owner == NULL)
		return file->ops->poll_queues != NULL ? -ENOMEM : 0;
	owner->fd = fd;
	if (owner->waiters != 0)
		return 0;
	owner->waiters = file->ops->poll_queues(file, queues);
	for (unsigned i = 0; i < owner->waiters; i++) {
		owner->waiter[i] =
			(struct waiter){.queue = queues[i], .call = (struct call *)(void *)owner, .wake = queue_woken};
		list_append(&queues[i]->waiters, &owner->waiter[i].link);
	}
	/* Who looks is told of changes from then on. */
	(void)file_poll(file);
	return 0;
}

void file_owner_tell(struct file *file, int fd, int reason)
{
	struct file_owner *owner = file->owner;

	if (owner == NULL)
		return;
	owner->fd = fd;
	owner->reasons |= 1u << reason;
	if (owner->timer.index == 0)
		timer_set(&owner->timer, clock_monotonic());
}

/* 0, -EINVAL, -ESRCH, -ENOMEM. */
static int set(struct call *call, struct file *file, int type, int id)
{
	struct file_owner *owner;

	if (id != 0 && (type == OWNER_GROUP           ? group_find(id) == NULL
			       : type == OWNER_THREAD ? thread_find(id) == NULL
						      : process_find(id) == NULL))
		return -ESRCH;
	owner = owner_of(file);
	if (owner == NULL)
		return -ENOMEM;
	owner->type = type;
	owner->id = id;
	owner->uid = call->process->credentials.uid;
	owner->euid = call->process->credentials.euid;
	return 0;
}

int file_owner_default(struct call *call, struct file *file)
{
	return file->owner != NULL && file->owner->id != 0 ? 0 : set(call, file, OWNER_PROCESS, call->process->id);
}

int64_t file_owner_control(struct call *call, struct file *file, int command, uint64_t argument)
{
	struct file_owner *owner = file->owner;
	struct owner_extended said = {OWNER_PROCESS, 0};
	const int id = (int)argument;
	int error;

	switch (command) {
	case F_SETOWN:
		if (id == INT32_MIN)
			return -EINVAL;
		return set(call, file, id < 0 ? OWNER_GROUP : OWNER_PROCESS, id < 0 ? -id : id);
	case F_GETOWN:
		return owner == NULL ? 0 : owner->type == OWNER_GROUP ? -owner->id : owner->id;
	case SET_OWNER_EXTENDED:
		error = copy_in(call, &said, argument, sizeof said);
		if (error != 0)
			return call_result(error);
		return said.type < OWNER_THREAD || said.type > OWNER_GROUP ? -EINVAL
									   : set(call, file, said.type, said.id);
	case GET_OWNER_EXTENDED:
		if (owner != NULL)
			said = (struct owner_extended){owner->type, owner->id};
		return call_result(copy_out(call, argument, &said, sizeof said));
	case F_SETSIG:
		if (argument > SIGNALS)
			return -EINVAL;
		owner = owner_of(file);
		if (owner == NULL)
			return -ENOMEM;
		owner->signal = id;
		return 0;
	case F_GETSIG:
		return owner == NULL ? 0 : owner->signal;
	default:
		return -EINVAL;
	}
}
