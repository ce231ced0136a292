/* Rights that move: taken out of a space, and put into one. */
#include "model_parts.h"

#include <string.h>

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
