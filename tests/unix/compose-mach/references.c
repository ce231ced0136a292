/* Counting references, names that end and move, requests for notifications, the end of a task. */
#include "model_parts.h"

#include <stdlib.h>

void name_lose_send(struct name *n)
{
	cancel_requests(n);
	n->urefs = 0;
	n->type &= ~MACH_PORT_TYPE_SEND;
	if (n->type == 0)
		*n = (struct name){0};
}

void name_lose_receive(struct name *n)
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
