/* Rights, their counts, and what becomes of them: the rules of the model. */
#include "model.h"

#include <stdlib.h>
#include <string.h>

enum { PORTS = 4000, MESSAGES = 8000, MARGIN = 200 };

unsigned long step;
struct name names[SPACES][NAMES];
struct port *specials[SPACES][SPECIALS];
struct port *task_port[SPACES];

static struct port ports[PORTS];
static struct message messages[MESSAGES];
static unsigned ports_used, messages_used;

/* Put off until an operation has let go of what it holds, as the kernel does: messages to be sent, then to be
 * destroyed.
 */
static struct queue {
	struct message *first, *last;
} to_send, to_destroy;

void model_reset(void)
{
	memset(names, 0, sizeof names);
	memset(specials, 0, sizeof specials);
	memset(task_port, 0, sizeof task_port);
	/* All of it, so that its pages are there from the first round on. */
	memset(ports, 0, sizeof ports);
	memset(messages, 0, sizeof messages);
	ports_used = messages_used = 0;
}

bool model_has_room(void)
{
	return ports_used < PORTS - MARGIN && messages_used < MESSAGES - MARGIN;
}

struct port *model_new_port(int receiver)
{
	struct port *port = &ports[ports_used++];

	if (ports_used > PORTS)
		abort();
	*port = (struct port){.alive = true, .receiver = receiver, .qlimit = MACH_PORT_QLIMIT_DEFAULT};
	return port;
}

struct message *model_new_message(void)
{
	struct message *message = &messages[messages_used++];

	if (messages_used > MESSAGES)
		abort();
	*message = (struct message){0};
	return message;
}

static void append(struct message **first, struct message **last, struct message *message)
{
	message->next = NULL;
	if (*first == NULL)
		*first = message;
	else
		(*last)->next = message;
	*last = message;
}

static struct message *pop(struct queue *queue)
{
	struct message *message = queue->first;

	if (message != NULL)
		queue->first = message->next;
	return message;
}

bool port_full(const struct port *port)
{
	return port->alive && !port->kernel && port->count >= port->qlimit;
}

/* --- Names. */

struct name *name_of(int space, mach_port_name_t name)
{
	for (unsigned i = 0; i < NAMES && name != 0; i++)
		if (names[space][i].name == name)
			return &names[space][i];
	return NULL;
}

unsigned names_used(int space)
{
	unsigned used = 0;

	for (unsigned i = 0; i < NAMES; i++)
		used += names[space][i].name != 0;
	return used;
}

struct name *name_add(int space, mach_port_name_t name, mach_port_type_t type, struct port *port)
{
	for (unsigned i = 0; i < NAMES; i++) {
		struct name *n = &names[space][i];

		if (n->name != 0)
			continue;
		*n = (struct name){.name = name,
			.type = type,
			.port = port,
			.urefs = (type & (MACH_PORT_TYPE_RECEIVE | MACH_PORT_TYPE_PORT_SET)) == 0};
		return n;
	}
	abort();
}

/* The name by which a space knows the port; send-once rights have names of their own. */
static struct name *name_for(int space, const struct port *port)
{
	for (unsigned i = 0; i < NAMES; i++)
		if (names[space][i].name != 0 && names[space][i].port == port &&
			(names[space][i].type & MACH_PORT_TYPE_SEND_RECEIVE))
			return &names[space][i];
	return NULL;
}

/* --- Notifications. */

static void notify(struct port *to, mach_msg_id_t id, uint64_t word, struct port *receive_right)
{
	struct message *message;

	if (to == NULL)
		return;
	message = model_new_message();
	*message = (struct message){.id = id, .to = to, .once = true, .first = word};
	message->words = id == MACH_NOTIFY_DEAD_NAME || id == MACH_NOTIFY_NO_SENDERS ||
			 id == MACH_NOTIFY_PORT_DELETED || id == MACH_NOTIFY_SEND_POSSIBLE;
	if (receive_right != NULL) {
		message->parts = 1;
		message->part[0] = (struct part){.type = MACH_MSG_PORT_DESCRIPTOR,
			.count = 1,
			.right = {{.port = receive_right, .as = MACH_MSG_TYPE_PORT_RECEIVE}}};
	}
	append(&to_send.first, &to_send.last, message);
}

static struct port *take_notice(struct port **slot)
{
	struct port *port = *slot;

	*slot = NULL;
	return port;
}

static void cancel_requests(struct name *n)
{
	notify(take_notice(&n->dead), MACH_NOTIFY_PORT_DELETED, n->name, NULL);
	notify(take_notice(&n->possible), MACH_NOTIFY_PORT_DELETED, n->name, NULL);
	n->requested = false;
}

/* --- Ends of rights. */

static bool circle(const struct port *port, const struct port *destination)
{
	for (; destination != NULL; destination = destination->destination)
		if (destination == port)
			return true;
	return false;
}

static void clear_receiver(struct port *port)
{
	port->receiver = -1;
	port->set = MACH_PORT_NULL;
	port->mscount = port->seqno = 0;
	port->has_payload = false;
}

static void release_send(struct port *port)
{
	if (--port->send == 0 && port->alive)
		notify(take_notice(&port->no_senders), MACH_NOTIFY_NO_SENDERS, port->mscount, NULL);
}

static void release_send_once(struct port *port)
{
	if (port->alive && !port->kernel) {
		notify(port, MACH_NOTIFY_SEND_ONCE, 0, NULL); /* by the right itself */
		return;
	}
	port->send_once--;
	if (port->alive && port->caller != 0)
		call_ended(port->caller, MIG_SERVER_DIED);
}

static void names_die(struct port *port)
{
	for (int s = 0; s < SPACES; s++) {
		for (unsigned i = 0; i < NAMES; i++) {
			struct name *n = &names[s][i];

			if (n->name == 0 || n->port != port)
				continue;
			n->urefs += (n->dead != NULL) + (n->possible != NULL);
			notify(take_notice(&n->dead), MACH_NOTIFY_DEAD_NAME, n->name, NULL);
			notify(take_notice(&n->possible), MACH_NOTIFY_DEAD_NAME, n->name, NULL);
			n->requested = false;
			n->type = MACH_PORT_TYPE_DEAD_NAME;
			n->port = NULL;
		}
	}
}

void model_port_dies(struct port *port)
{
	port->alive = false;
	names_die(port);
}

/* The receive right ends; nobody has a name with it any more. */
static void port_ends(struct port *port)
{
	struct port *told, *unsent;

	port->destination = NULL;
	clear_receiver(port);
	told = take_notice(&port->destroyed);
	if (told != NULL) {
		notify(told, MACH_NOTIFY_PORT_DESTROYED, 0, port);
		return;
	}
	port->alive = false;
	while (port->first != NULL) {
		struct message *message = port->first;

		port->first = message->next;
		append(&to_destroy.first, &to_destroy.last, message);
	}
	port->count = 0;
	names_die(port);
	unsent = take_notice(&port->no_senders);
	if (unsent != NULL)
		release_send_once(unsent);
}

void model_release(struct right right)
{
	if (right.port == NULL)
		return;
	if (right.as == MACH_MSG_TYPE_PORT_RECEIVE)
		port_ends(right.port);
	else if (right.as == MACH_MSG_TYPE_PORT_SEND)
		release_send(right.port);
	else
		release_send_once(right.port);
}

static void destroy_now(struct message *message)
{
	if (message->caller != 0) {
		call_ended(message->caller, message->ended);
		return;
	}
	if (message->once)
		message->to->send_once--;
	else
		release_send(message->to);
	model_release(message->reply);
	for (unsigned i = 0; i < message->parts; i++)
		for (unsigned k = 0; k < message->part[i].count && message->part[i].type != MACH_MSG_OOL_DESCRIPTOR;
			k++)
			model_release(message->part[i].right[k]);
}

void model_destroy_message(struct message *message)
{
	append(&to_destroy.first, &to_destroy.last, message);
}

static void queue_message(struct message *message)
{
	struct port *to = message->to;

	if (!to->alive) {
		append(&to_destroy.first, &to_destroy.last, message);
		return;
	}
	if (to->kernel) {
		call_answered(message);
		return;
	}
	message->step = step;
	append(&to->first, &to->last, message);
	to->count += message->caller == 0;
}

void model_post(struct message *message)
{
	queue_message(message);
	model_settle();
}

/* From the kernel: its receive right must not come into its own queue. */
static void deliver(struct message *message)
{
	struct right *right = &message->part[0].right[0];

	if (message->parts == 1 && right->as == MACH_MSG_TYPE_PORT_RECEIVE) {
		if (circle(right->port, message->to)) {
			append(&to_destroy.first, &to_destroy.last, message);
			return;
		}
		right->port->destination = message->to;
	}
	queue_message(message);
}

void model_settle(void)
{
	struct message *message;

	for (;;) {
		if ((message = pop(&to_send)) != NULL)
			deliver(message);
		else if ((message = pop(&to_destroy)) != NULL)
			destroy_now(message);
		else
			return;
	}
}

void model_room_made(struct port *port, uint32_t room)
{
	if (port_full(port) || senders_waiting(port) >= room)
		return;
	for (int s = 0; s < SPACES; s++)
		for (unsigned i = 0; i < NAMES; i++)
			if (names[s][i].name != 0 && names[s][i].port == port)
				notify(take_notice(&names[s][i].possible), MACH_NOTIFY_SEND_POSSIBLE, names[s][i].name,
					NULL);
}

void model_leave(struct message *message)
{
	struct port *port = message->to;
	struct message **link = &port->first, *last = NULL;

	while (*link != message) {
		last = *link;
		link = &(*link)->next;
	}
	*link = message->next;
	if (port->last == message)
		port->last = last;
	if (message->caller != 0)
		return;
	port->count--;
	model_room_made(port, 1);
}

/* --- Counting references. */

static void name_lose_send(struct name *n)
{
	cancel_requests(n);
	n->urefs = 0;
	n->type &= ~MACH_PORT_TYPE_SEND;
	if (n->type == 0)
		*n = (struct name){0};
}

static void name_lose_receive(struct name *n)
{
	n->type &= ~MACH_PORT_TYPE_RECEIVE;
	if (n->type == 0)
		*n = (struct name){0};
}

static void set_ends(int space, mach_port_name_t set)
{
	for (unsigned i = 0; i < NAMES; i++)
		if (names[space][i].name != 0 && (names[space][i].type & MACH_PORT_TYPE_RECEIVE) &&
			names[space][i].port->set == set)
			names[space][i].port->set = MACH_PORT_NULL;
}

static kern_return_t delta_of_one(int space, struct name *n, mach_port_right_t right)
{
	struct port *port = n->port;
	mach_port_name_t name = n->name;

	switch (right) {
	case MACH_PORT_RIGHT_RECEIVE:
		name_lose_receive(n);
		port_ends(port);
		break;
	case MACH_PORT_RIGHT_SEND_ONCE:
		cancel_requests(n);
		*n = (struct name){0};
		release_send_once(port);
		break;
	default:
		*n = (struct name){0};
		set_ends(space, name);
	}
	model_settle();
	return KERN_SUCCESS;
}

kern_return_t model_delta(int space, mach_port_name_t name, mach_port_right_t right, int delta)
{
	struct name *n = name_of(space, name);
	struct port *port;

	if (n == NULL)
		return KERN_INVALID_NAME;
	if (right > MACH_PORT_RIGHT_DEAD_NAME)
		return KERN_INVALID_VALUE;
	if (!(n->type & MACH_PORT_TYPE(right)))
		return KERN_INVALID_RIGHT;
	if (right == MACH_PORT_RIGHT_SEND || right == MACH_PORT_RIGHT_DEAD_NAME) {
		if ((int)n->urefs + delta < 0)
			return KERN_INVALID_VALUE;
		n->urefs += (uint32_t)delta;
		if (n->urefs != 0)
			return KERN_SUCCESS;
		port = n->port;
		if (right == MACH_PORT_RIGHT_SEND) {
			name_lose_send(n);
			release_send(port);
		} else {
			*n = (struct name){0};
		}
		model_settle();
		return KERN_SUCCESS;
	}
	if (delta == 0)
		return KERN_SUCCESS;
	return delta == -1 ? delta_of_one(space, n, right) : KERN_INVALID_VALUE;
}

/* All rights under the name. */
static void name_ends(int space, struct name *n)
{
	struct name was = *n;

	if (was.type & (MACH_PORT_TYPE_SEND | MACH_PORT_TYPE_SEND_ONCE))
		cancel_requests(n);
	*n = (struct name){0};
	if (was.type & MACH_PORT_TYPE_RECEIVE)
		port_ends(was.port);
	if (was.type & MACH_PORT_TYPE_SEND)
		release_send(was.port);
	if (was.type == MACH_PORT_TYPE_SEND_ONCE)
		release_send_once(was.port);
	if (was.type == MACH_PORT_TYPE_PORT_SET)
		set_ends(space, was.name);
	model_settle();
}

kern_return_t model_destroy(int space, mach_port_name_t name)
{
	struct name *n = name_of(space, name);

	if (n == NULL)
		return KERN_INVALID_NAME;
	name_ends(space, n);
	return KERN_SUCCESS;
}

kern_return_t model_rename(int space, mach_port_name_t from, mach_port_name_t to, bool taken)
{
	struct name *n = name_of(space, from);

	if (n == NULL)
		return KERN_INVALID_NAME;
	if (taken)
		return KERN_NAME_EXISTS;
	if (n->type == MACH_PORT_TYPE_PORT_SET)
		for (unsigned i = 0; i < NAMES; i++)
			if (names[space][i].name != 0 && (names[space][i].type & MACH_PORT_TYPE_RECEIVE) &&
				names[space][i].port->set == from)
				names[space][i].port->set = to;
	n->name = to;
	return KERN_SUCCESS;
}

kern_return_t model_move_member(int space, mach_port_name_t member, mach_port_name_t set)
{
	struct name *n = name_of(space, member), *to = name_of(space, set);

	if (n == NULL)
		return KERN_INVALID_NAME;
	if (!(n->type & MACH_PORT_TYPE_RECEIVE))
		return KERN_INVALID_RIGHT;
	if (set != MACH_PORT_NULL && to == NULL)
		return KERN_INVALID_NAME;
	if (to != NULL && to->type != MACH_PORT_TYPE_PORT_SET)
		return KERN_INVALID_RIGHT;
	if (set == MACH_PORT_NULL && n->port->set == MACH_PORT_NULL)
		return KERN_NOT_IN_SET;
	n->port->set = set;
	return KERN_SUCCESS;
}

/* --- Requests. */

static kern_return_t request_on_send(
	struct name *n, bool possible, uint32_t sync, struct port *told, struct port **previous)
{
	struct port **slot = possible ? &n->possible : &n->dead;

	if (n->type == MACH_PORT_TYPE_DEAD_NAME) {
		if (sync == 0 || told == NULL)
			return KERN_INVALID_ARGUMENT;
		n->urefs++;
		notify(told, MACH_NOTIFY_DEAD_NAME, n->name, NULL);
		return KERN_SUCCESS;
	}
	if (!(n->type & (MACH_PORT_TYPE_SEND | MACH_PORT_TYPE_SEND_ONCE)))
		return KERN_INVALID_RIGHT;
	if (possible && told != NULL && sync != 0 && (n->type == MACH_PORT_TYPE_SEND_ONCE || !port_full(n->port))) {
		notify(told, MACH_NOTIFY_SEND_POSSIBLE, n->name, NULL);
		return KERN_SUCCESS;
	}
	if (!n->requested && told == NULL)
		return KERN_SUCCESS;
	*previous = *slot;
	*slot = told;
	n->requested = true;
	return KERN_SUCCESS;
}

kern_return_t model_request(
	int space, mach_port_name_t name, mach_msg_id_t id, uint32_t sync, struct port *told, struct port **previous)
{
	struct name *n = name_of(space, name);
	kern_return_t result = KERN_SUCCESS;

	*previous = NULL;
	if (n == NULL)
		return KERN_INVALID_NAME;
	if (id == MACH_NOTIFY_DEAD_NAME || id == MACH_NOTIFY_SEND_POSSIBLE) {
		result = request_on_send(n, id == MACH_NOTIFY_SEND_POSSIBLE, sync, told, previous);
	} else if (!(n->type & MACH_PORT_TYPE_RECEIVE)) {
		result = KERN_INVALID_RIGHT;
	} else if (id == MACH_NOTIFY_PORT_DESTROYED) {
		*previous = n->port->destroyed;
		n->port->destroyed = told;
	} else {
		*previous = n->port->no_senders;
		n->port->no_senders = told;
		if (n->port->send == 0 && sync <= n->port->mscount)
			notify(take_notice(&n->port->no_senders), MACH_NOTIFY_NO_SENDERS, n->port->mscount, NULL);
	}
	return result;
}

/* --- Rights that move. */

static mach_port_type_t type_for(mach_msg_type_name_t disposition)
{
	switch (disposition) {
	case MACH_MSG_TYPE_MOVE_SEND:
	case MACH_MSG_TYPE_COPY_SEND:
		return MACH_PORT_TYPE_SEND;
	case MACH_MSG_TYPE_MOVE_SEND_ONCE:
		return MACH_PORT_TYPE_SEND_ONCE;
	default:
		return MACH_PORT_TYPE_RECEIVE;
	}
}

static mach_msg_type_name_t received_as(mach_msg_type_name_t disposition)
{
	if (disposition == MACH_MSG_TYPE_MOVE_RECEIVE)
		return MACH_MSG_TYPE_PORT_RECEIVE;
	if (disposition == MACH_MSG_TYPE_MOVE_SEND_ONCE || disposition == MACH_MSG_TYPE_MAKE_SEND_ONCE)
		return MACH_MSG_TYPE_PORT_SEND_ONCE;
	return MACH_MSG_TYPE_PORT_SEND;
}

/* One that the space has for the disposition, or a dead name; *dead says which. */
static kern_return_t find_right(struct name *n, mach_msg_type_name_t disposition, bool *dead)
{
	mach_port_type_t wanted = type_for(disposition);

	*dead = false;
	if (n == NULL)
		return KERN_INVALID_NAME;
	*dead = n->type == MACH_PORT_TYPE_DEAD_NAME && wanted != MACH_PORT_TYPE_RECEIVE;
	return *dead || (n->type & wanted) ? KERN_SUCCESS : KERN_INVALID_RIGHT;
}

kern_return_t model_take(
	int space, mach_port_name_t name, mach_msg_type_name_t disposition, struct port *to, struct right *right)
{
	struct name *n = name_of(space, name);
	kern_return_t result;

	*right = (struct right){.as = received_as(disposition)};
	if (!MACH_PORT_VALID(name)) {
		right->dead = name == MACH_PORT_DEAD;
		return KERN_SUCCESS;
	}
	result = find_right(n, disposition, &right->dead);
	if (result != KERN_SUCCESS)
		return result;
	if (right->dead) {
		if (disposition != MACH_MSG_TYPE_COPY_SEND && --n->urefs == 0)
			*n = (struct name){0};
		return KERN_SUCCESS;
	}
	right->port = n->port;
	switch (disposition) {
	case MACH_MSG_TYPE_MAKE_SEND:
		n->port->mscount++;
		/* fall through */
	case MACH_MSG_TYPE_COPY_SEND:
		n->port->send++;
		break;
	case MACH_MSG_TYPE_MAKE_SEND_ONCE:
		n->port->send_once++;
		break;
	case MACH_MSG_TYPE_MOVE_SEND:
		if (n->urefs > 1) {
			n->urefs--;
			n->port->send++;
		} else {
			name_lose_send(n);
		}
		break;
	case MACH_MSG_TYPE_MOVE_SEND_ONCE:
		cancel_requests(n);
		*n = (struct name){0};
		break;
	default:
		clear_receiver(n->port);
		n->port->destination = to;
		name_lose_receive(n);
	}
	return KERN_SUCCESS;
}

int model_check_rights(int space, const struct wanted_right *rights, unsigned count)
{
	struct name kept[NAMES];
	const struct port *to = NULL;
	int failed = -1;

	memcpy(kept, names[space], sizeof kept);
	for (unsigned i = 0; i < count && failed < 0; i++) {
		struct name *n = name_of(space, rights[i].name);
		bool dead;

		if (!MACH_PORT_VALID(rights[i].name) && i != 0)
			continue;
		if (find_right(n, rights[i].disposition, &dead) != KERN_SUCCESS || (i == 0 && dead)) {
			failed = (int)i;
			break;
		}
		if (i == 0)
			to = n->port;
		switch (rights[i].disposition) {
		case MACH_MSG_TYPE_MOVE_RECEIVE:
			if (circle(n->port, to))
				failed = (int)i;
			n->type &= ~MACH_PORT_TYPE_RECEIVE;
			break;
		case MACH_MSG_TYPE_MOVE_SEND:
		case MACH_MSG_TYPE_MOVE_SEND_ONCE:
			if (--n->urefs == 0)
				n->type &= MACH_PORT_TYPE_RECEIVE;
			break;
		}
		if (n->type == 0)
			n->name = 0;
	}
	memcpy(names[space], kept, sizeof kept);
	return failed;
}

/* The name gets one more right to its port. */
static void merge(struct name *n, struct right right)
{
	if (right.as == MACH_MSG_TYPE_PORT_RECEIVE) {
		n->type |= MACH_PORT_TYPE_RECEIVE;
	} else if (n->type & MACH_PORT_TYPE_SEND) {
		n->urefs++;
		right.port->send--;
	} else {
		n->type |= MACH_PORT_TYPE_SEND;
		n->urefs = 1;
	}
}

static void arrive(int space, struct right right)
{
	if (right.as == MACH_MSG_TYPE_PORT_RECEIVE) {
		right.port->receiver = space;
		right.port->destination = NULL;
	}
}

static mach_port_type_t type_of_right(struct right right)
{
	return right.as == MACH_MSG_TYPE_PORT_RECEIVE ? MACH_PORT_TYPE_RECEIVE
	       : right.as == MACH_MSG_TYPE_PORT_SEND  ? MACH_PORT_TYPE_SEND
						      : MACH_PORT_TYPE_SEND_ONCE;
}

kern_return_t model_insert(int space, struct right right, mach_port_name_t wanted, bool taken)
{
	struct name *n = NULL;

	if (right.port == NULL || (right.as != MACH_MSG_TYPE_PORT_RECEIVE && !right.port->alive))
		return KERN_INVALID_CAPABILITY;
	if (right.as != MACH_MSG_TYPE_PORT_SEND_ONCE)
		n = name_for(space, right.port);
	if (n != NULL && n->name != wanted)
		return KERN_RIGHT_EXISTS;
	if (n == NULL && taken)
		return KERN_NAME_EXISTS;
	arrive(space, right);
	if (n != NULL)
		merge(n, right);
	else
		name_add(space, wanted, type_of_right(right), right.port);
	return KERN_SUCCESS;
}

bool model_put(int space, struct right right, mach_port_name_t name)
{
	struct name *n = NULL;

	if (right.port == NULL)
		return name == (right.dead ? MACH_PORT_DEAD : MACH_PORT_NULL);
	if (right.as != MACH_MSG_TYPE_PORT_RECEIVE && !right.port->alive) {
		if (right.as == MACH_MSG_TYPE_PORT_SEND)
			right.port->send--;
		else
			right.port->send_once--;
		return name == MACH_PORT_DEAD;
	}
	if (right.as != MACH_MSG_TYPE_PORT_SEND_ONCE)
		n = name_for(space, right.port);
	if (n != NULL ? n->name != name : !MACH_PORT_VALID(name) || name_of(space, name) != NULL)
		return false;
	arrive(space, right);
	if (n != NULL)
		merge(n, right);
	else
		name_add(space, name, type_of_right(right), right.port);
	return true;
}

/* --- The end of a task. */

static int by_index(const void *a, const void *b)
{
	const mach_port_name_t one = *(const mach_port_name_t *)a, other = *(const mach_port_name_t *)b;

	return one < other ? -1 : one > other;
}

void model_task_ends(int space)
{
	mach_port_name_t order[NAMES];
	unsigned count = 0;

	call_forgotten(space);
	model_settle();

	for (unsigned i = 0; i < SPECIALS; i++) {
		if (specials[space][i] != NULL)
			release_send(specials[space][i]);
		specials[space][i] = NULL;
		model_settle();
	}
	for (unsigned i = 0; i < NAMES; i++)
		if (names[space][i].name != 0)
			order[count++] = names[space][i].name;
	qsort(order, count, sizeof order[0], by_index);
	for (unsigned i = 0; i < count; i++)
		(void)model_destroy(space, order[i]);
	model_port_dies(task_port[space]);
	model_settle();
	task_port[space] = NULL;
}
