/* Names, queues, notifications, and what the end of a right brings about: the ground of the model. */
#include "model_parts.h"

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

struct name *name_for(int space, const struct port *port)
{
	for (unsigned i = 0; i < NAMES; i++)
		if (names[space][i].name != 0 && names[space][i].port == port &&
			(names[space][i].type & MACH_PORT_TYPE_SEND_RECEIVE))
			return &names[space][i];
	return NULL;
}

/* --- Notifications. */

void notify(struct port *to, mach_msg_id_t id, uint64_t word, struct port *receive_right)
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

struct port *take_notice(struct port **slot)
{
	struct port *port = *slot;

	*slot = NULL;
	return port;
}

void cancel_requests(struct name *n)
{
	notify(take_notice(&n->dead), MACH_NOTIFY_PORT_DELETED, n->name, NULL);
	notify(take_notice(&n->possible), MACH_NOTIFY_PORT_DELETED, n->name, NULL);
	n->requested = false;
}

/* --- Ends of rights. */

bool circle(const struct port *port, const struct port *destination)
{
	for (; destination != NULL; destination = destination->destination)
		if (destination == port)
			return true;
	return false;
}

void clear_receiver(struct port *port)
{
	port->receiver = -1;
	port->set = MACH_PORT_NULL;
	port->mscount = port->seqno = 0;
	port->has_payload = false;
}

void release_send(struct port *port)
{
	if (--port->send == 0 && port->alive)
		notify(take_notice(&port->no_senders), MACH_NOTIFY_NO_SENDERS, port->mscount, NULL);
}

void release_send_once(struct port *port)
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

void port_ends(struct port *port)
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
