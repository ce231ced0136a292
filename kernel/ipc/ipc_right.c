/*
 * Rights in a space: taking them out, putting them in, counting references, and what becomes of them when a port dies.
 *
 * A port's death does not look for names. An entry turns into a dead name when somebody next looks at it
 * (ipc_right_lookup), so every look goes through that function, except the fast path's, which finds the port inactive.
 */
#include <ipc/ipc_internal.h>
#include <kern/kalloc.h>
#include <kern/piece.h>

#define REQUEST_COST 400 /* instructions for one of many, about (kern/piece.h) */

static struct ipc_port *entry_port(const struct ipc_entry *entry)
{
	return ipc_object_port(entry->object);
}

static void request_end(struct ipc_space *space, struct ipc_request *request)
{
	struct ipc_port *port = request->port;

	lock_acquire(&port->object.lock);
	list_remove(&request->link);
	lock_release(&port->object.lock);
	ipc_notify_port_deleted(request->dead, request->name);
	ipc_notify_port_deleted(request->possible, request->name);
	kfree(space->account, request, sizeof(*request));
}

/* The entry loses its right: what was requested for it is told so, at once or when that is certain. */
static void request_cancel(struct ipc_space *space, struct ipc_entry *entry)
{
	struct ipc_request *request = entry->request;

	if (request == NULL)
		return;
	entry->request = NULL;
	if (space->holds_requests) {
		request->next = space->held;
		space->held = request;
	} else {
		request_end(space, request);
	}
}

void ipc_right_hold_requests(struct ipc_space *space)
{
	space->holds_requests = true;
}

void ipc_right_settle_requests(struct ipc_space *space, bool gone)
{
	struct ipc_request *request;

	space->holds_requests = false;
	while ((request = space->held) != NULL) {
		space->held = request->next;
		piece_spend(REQUEST_COST);
		if (gone)
			request_end(space, request);
		else
			ipc_entry_lookup(space, request->name)->request = request;
	}
}

/* The entry's only right goes: out of the hash, and free. The right itself is the caller's. */
static void entry_clear(struct ipc_space *space, mach_port_name_t name, struct ipc_entry *entry)
{
	if (ipc_entry_type(entry) & MACH_PORT_TYPE_SEND_RECEIVE)
		ipc_entry_unhash(space, name, entry);
	entry->object = NULL;
	ipc_entry_free(space, name, entry);
}

/* The send right leaves the entry, which goes unless it has the receive right too. */
static void entry_lose_send(struct ipc_space *space, mach_port_name_t name, struct ipc_entry *entry)
{
	request_cancel(space, entry);
	entry->urefs = 0;
	if (ipc_entry_type(entry) & MACH_PORT_TYPE_RECEIVE)
		entry->bits &= ~MACH_PORT_TYPE_SEND;
	else
		entry_clear(space, name, entry);
}

static void entry_lose_receive(struct ipc_space *space, mach_port_name_t name, struct ipc_entry *entry)
{
	if (ipc_entry_type(entry) & MACH_PORT_TYPE_SEND)
		entry->bits &= ~MACH_PORT_TYPE_RECEIVE;
	else
		entry_clear(space, name, entry);
}

void ipc_right_died(struct ipc_space *space, mach_port_name_t name, struct ipc_entry *entry)
{
	struct ipc_port *port = entry_port(entry);
	uint32_t fired = 0;

	/* Taken after the port became inactive, the lock also shows what its death wrote into the request. */
	lock_acquire(&port->object.lock);
	if (ipc_entry_type(entry) & MACH_PORT_TYPE_SEND)
		port->srights--;
	else
		port->sorights--;
	/* The port's end may not have come to it yet. */
	if (entry->request != NULL && list_linked(&entry->request->link))
		ipc_request_fire(entry->request);
	lock_release(&port->object.lock);
	if (entry->request != NULL) {
		fired = entry->request->fired;
		kfree(space->account, entry->request, sizeof(*entry->request));
		entry->request = NULL;
	}
	if (ipc_entry_type(entry) & MACH_PORT_TYPE_SEND)
		ipc_entry_unhash(space, name, entry);
	entry->object = NULL;
	entry->bits = (entry->bits & IPC_ENTRY_GENERATION) | MACH_PORT_TYPE_DEAD_NAME;
	entry->urefs = entry->urefs > IPC_UREFS_MAX - fired ? IPC_UREFS_MAX : entry->urefs + fired;
	ipc_object_release(&port->object);
}

/* The type an entry must have for a disposition; 0 for no such disposition. */
static uint32_t type_wanted(mach_msg_type_name_t disposition)
{
	switch (disposition) {
	case MACH_MSG_TYPE_MOVE_RECEIVE:
	case MACH_MSG_TYPE_MAKE_SEND:
	case MACH_MSG_TYPE_MAKE_SEND_ONCE:
		return MACH_PORT_TYPE_RECEIVE;
	case MACH_MSG_TYPE_MOVE_SEND:
	case MACH_MSG_TYPE_COPY_SEND:
		return MACH_PORT_TYPE_SEND;
	case MACH_MSG_TYPE_MOVE_SEND_ONCE:
		return MACH_PORT_TYPE_SEND_ONCE;
	default:
		return 0;
	}
}

kern_return_t ipc_right_copyin(struct ipc_space *space, mach_port_name_t name, mach_msg_type_name_t disposition,
	struct ipc_port **out, bool *dead)
{
	uint32_t wanted = type_wanted(disposition), type;
	struct ipc_entry *entry;
	struct ipc_port *port;

	*out = NULL;
	*dead = name == MACH_PORT_DEAD;
	if (wanted == 0)
		return KERN_INVALID_RIGHT;
	if (!MACH_PORT_VALID(name))
		return KERN_SUCCESS;
	entry = ipc_right_lookup(space, name);
	if (entry == NULL)
		return KERN_INVALID_NAME;
	type = ipc_entry_type(entry);
	if (type == MACH_PORT_TYPE_DEAD_NAME && wanted != MACH_PORT_TYPE_RECEIVE) {
		*dead = true;
		if (disposition != MACH_MSG_TYPE_COPY_SEND && --entry->urefs == 0)
			ipc_entry_free(space, name, entry);
		return KERN_SUCCESS;
	}
	if (!(type & wanted))
		return KERN_INVALID_RIGHT;
	port = entry_port(entry);
	*out = port;
	switch (disposition) {
	case MACH_MSG_TYPE_MAKE_SEND:
		(void)ipc_port_make_send(port);
		break;
	case MACH_MSG_TYPE_MAKE_SEND_ONCE:
		(void)ipc_port_make_send_once(port);
		break;
	case MACH_MSG_TYPE_COPY_SEND:
		(void)ipc_port_copy_send(port);
		break;
	case MACH_MSG_TYPE_MOVE_SEND:
		if (entry->urefs > 1) {
			entry->urefs--;
			(void)ipc_port_copy_send(port);
		} else {
			entry_lose_send(space, name, entry);
		}
		break;
	case MACH_MSG_TYPE_MOVE_SEND_ONCE:
		request_cancel(space, entry);
		entry_clear(space, name, entry);
		break;
	case MACH_MSG_TYPE_MOVE_RECEIVE:
		entry_lose_receive(space, name, entry);
		break;
	}
	return KERN_SUCCESS;
}

/* A send right goes where another of the same port is: the count only. */
static void drop_extra_send(struct ipc_port *port)
{
	lock_acquire(&port->object.lock);
	debug_assert(port->srights > 1 || !port->object.active);
	port->srights--;
	lock_release(&port->object.lock);
	ipc_object_release(&port->object);
}

static void become_receiver(struct ipc_space *space, struct ipc_port *port, mach_port_name_t name)
{
	ipc_port_settle(port);
	lock_acquire(&port->object.lock);
	port->receiver = space;
	port->receiver_name = name;
	ipc_port_set_label(port, port->has_payload, port->label);
	lock_release(&port->object.lock);
}

/* Gives a fresh entry its right. */
static void entry_fill(
	struct ipc_space *space, mach_port_name_t name, struct ipc_entry *entry, struct ipc_port *port, uint32_t type)
{
	entry->object = &port->object;
	entry->bits |= type;
	entry->urefs = type == MACH_PORT_TYPE_RECEIVE ? 0 : 1;
	if (type != MACH_PORT_TYPE_SEND_ONCE)
		ipc_entry_hash(space, name, entry);
	if (type == MACH_PORT_TYPE_RECEIVE)
		become_receiver(space, port, name);
}

static void restore_name(struct ipc_space *space, mach_port_name_t name, struct ipc_port *port, uint32_t type)
{
	struct ipc_entry *entry;
	kern_return_t result = ipc_entry_alloc_name(space, name, &entry);

	assert(result == KERN_SUCCESS); /* the index was freed in this hold of the lock */
	entry_fill(space, name, entry, port, type);
}

void ipc_right_restore(
	struct ipc_space *space, mach_port_name_t name, mach_msg_type_name_t disposition, struct ipc_port *port)
{
	struct ipc_entry *entry;
	mach_port_name_t found;

	if (port == NULL) { /* a null name, or a dead one that lost a reference */
		if (!MACH_PORT_VALID(name) || disposition == MACH_MSG_TYPE_COPY_SEND)
			return;
		entry = ipc_entry_lookup(space, name);
		if (entry == NULL) {
			if (ipc_entry_alloc_name(space, name, &entry) != KERN_SUCCESS)
				return;
			entry->bits |= MACH_PORT_TYPE_DEAD_NAME;
		}
		entry->urefs++;
		return;
	}
	switch (disposition) {
	case MACH_MSG_TYPE_MAKE_SEND:
		lock_acquire(&port->object.lock);
		port->srights--;
		port->mscount--;
		lock_release(&port->object.lock);
		ipc_object_release(&port->object);
		break;
	case MACH_MSG_TYPE_COPY_SEND:
		drop_extra_send(port);
		break;
	case MACH_MSG_TYPE_MAKE_SEND_ONCE:
		ipc_port_drop_send_once(port);
		break;
	case MACH_MSG_TYPE_MOVE_SEND:
		entry = ipc_entry_find(space, &port->object, &found);
		if (entry == NULL) {
			restore_name(space, name, port, MACH_PORT_TYPE_SEND);
		} else if (ipc_entry_type(entry) & MACH_PORT_TYPE_SEND) {
			entry->urefs++;
			drop_extra_send(port);
		} else {
			entry->bits |= MACH_PORT_TYPE_SEND;
			entry->urefs = 1;
		}
		break;
	case MACH_MSG_TYPE_MOVE_SEND_ONCE:
		restore_name(space, name, port, MACH_PORT_TYPE_SEND_ONCE);
		break;
	case MACH_MSG_TYPE_MOVE_RECEIVE:
		entry = ipc_entry_find(space, &port->object, &found);
		if (entry == NULL) {
			restore_name(space, name, port, MACH_PORT_TYPE_RECEIVE);
		} else {
			entry->bits |= MACH_PORT_TYPE_RECEIVE;
			become_receiver(space, port, found);
		}
		break;
	default:
		panic("disposition %u was not copied in", disposition);
	}
}

static kern_return_t entry_for(
	struct ipc_space *space, mach_port_name_t wanted, mach_port_name_t *name, struct ipc_entry **entry)
{
	if (wanted == MACH_PORT_NULL)
		return ipc_entry_alloc(space, name, entry);
	*name = wanted;
	return ipc_entry_alloc_name(space, wanted, entry);
}

/* The port's name gets a second kind of right. */
static kern_return_t copyout_merge(struct ipc_space *space, struct ipc_entry *entry, mach_port_name_t name,
	struct ipc_port *port, mach_msg_type_name_t disposition, bool exactly)
{
	if (disposition == MACH_MSG_TYPE_PORT_RECEIVE) {
		entry->bits |= MACH_PORT_TYPE_RECEIVE;
		become_receiver(space, port, name);
	} else if (ipc_entry_type(entry) & MACH_PORT_TYPE_SEND) {
		if (entry->urefs >= IPC_UREFS_MAX && exactly)
			return KERN_UREFS_OVERFLOW;
		if (entry->urefs < IPC_UREFS_MAX)
			entry->urefs++;
		drop_extra_send(port);
	} else {
		entry->bits |= MACH_PORT_TYPE_SEND;
		entry->urefs = 1;
	}
	return KERN_SUCCESS;
}

kern_return_t ipc_right_copyout(struct ipc_space *space, struct ipc_port *port, mach_msg_type_name_t disposition,
	mach_port_name_t wanted, mach_port_name_t *name)
{
	struct ipc_entry *entry = NULL;
	kern_return_t result;
	uint32_t type = MACH_PORT_TYPE_SEND;

	if (disposition == MACH_MSG_TYPE_PORT_RECEIVE)
		type = MACH_PORT_TYPE_RECEIVE;
	else if (disposition == MACH_MSG_TYPE_PORT_SEND_ONCE)
		type = MACH_PORT_TYPE_SEND_ONCE;
	if (type != MACH_PORT_TYPE_RECEIVE && !ipc_port_active(port)) {
		if (wanted != MACH_PORT_NULL)
			return KERN_INVALID_CAPABILITY;
		*name = MACH_PORT_DEAD;
		if (type == MACH_PORT_TYPE_SEND)
			drop_extra_send(port);
		else
			ipc_port_drop_send_once(port);
		return KERN_SUCCESS;
	}
	if (type != MACH_PORT_TYPE_SEND_ONCE)
		entry = ipc_entry_find(space, &port->object, name);
	if (entry != NULL) {
		if (wanted != MACH_PORT_NULL && *name != wanted)
			return KERN_RIGHT_EXISTS;
		return copyout_merge(space, entry, *name, port, disposition, wanted != MACH_PORT_NULL);
	}
	result = entry_for(space, wanted, name, &entry);
	if (result == KERN_SUCCESS)
		entry_fill(space, *name, entry, port, type);
	return result;
}

kern_return_t ipc_right_delta(struct ipc_space *space, mach_port_name_t name, struct ipc_entry *entry,
	mach_port_right_t right, int32_t delta, struct ipc_right_loss *loss)
{
	uint32_t type = ipc_entry_type(entry);
	int64_t urefs = (int64_t)entry->urefs + delta;

	if (right > MACH_PORT_RIGHT_DEAD_NAME)
		return KERN_INVALID_VALUE;
	if (!(type & MACH_PORT_TYPE(right)))
		return KERN_INVALID_RIGHT;
	switch (right) {
	case MACH_PORT_RIGHT_SEND:
	case MACH_PORT_RIGHT_DEAD_NAME:
		if (urefs < 0)
			return KERN_INVALID_VALUE;
		if (urefs > IPC_UREFS_MAX)
			return KERN_UREFS_OVERFLOW;
		if (urefs != 0) {
			entry->urefs = (uint32_t)urefs;
		} else if (right == MACH_PORT_RIGHT_SEND) {
			loss->send = entry_port(entry);
			entry_lose_send(space, name, entry);
		} else {
			ipc_entry_free(space, name, entry);
		}
		return KERN_SUCCESS;
	}
	if (delta == 0)
		return KERN_SUCCESS;
	if (delta != -1)
		return KERN_INVALID_VALUE;
	switch (right) {
	case MACH_PORT_RIGHT_RECEIVE:
		loss->receive = entry_port(entry);
		entry_lose_receive(space, name, entry);
		break;
	case MACH_PORT_RIGHT_SEND_ONCE:
		loss->send_once = entry_port(entry);
		request_cancel(space, entry);
		entry_clear(space, name, entry);
		break;
	case MACH_PORT_RIGHT_PORT_SET:
		loss->set = ipc_object_set(entry->object);
		entry_clear(space, name, entry);
		break;
	}
	return KERN_SUCCESS;
}

void ipc_right_destroy(
	struct ipc_space *space, mach_port_name_t name, struct ipc_entry *entry, struct ipc_right_loss *loss)
{
	uint32_t type = ipc_entry_type(entry);

	if (type & MACH_PORT_TYPE_SEND_RECEIVE) {
		struct ipc_port *port = entry_port(entry);

		if (type & MACH_PORT_TYPE_SEND) {
			loss->send = port;
			request_cancel(space, entry);
		}
		if (type & MACH_PORT_TYPE_RECEIVE)
			loss->receive = port;
		entry_clear(space, name, entry);
	} else if (type == MACH_PORT_TYPE_SEND_ONCE) {
		(void)ipc_right_delta(space, name, entry, MACH_PORT_RIGHT_SEND_ONCE, -1, loss);
	} else if (type == MACH_PORT_TYPE_PORT_SET) {
		(void)ipc_right_delta(space, name, entry, MACH_PORT_RIGHT_PORT_SET, -1, loss);
	} else {
		ipc_entry_free(space, name, entry);
	}
}

void ipc_right_finish(struct ipc_right_loss *loss)
{
	if (loss->receive != NULL)
		ipc_port_destroy(loss->receive);
	ipc_port_release_send(loss->send);
	ipc_port_release_send_once(loss->send_once);
	if (loss->set != NULL)
		ipc_pset_destroy(loss->set);
	ipc_deferred_run();
}

kern_return_t ipc_right_request(struct ipc_space *space, mach_port_name_t name, struct ipc_entry *entry,
	struct ipc_port *notify, bool possible, struct ipc_port **previous)
{
	struct ipc_port *port = entry_port(entry);
	struct ipc_request *request = entry->request;
	struct ipc_notice notice, *slot;
	kern_return_t result = KERN_SUCCESS;

	*previous = NULL;
	if (request == NULL && notify == NULL)
		return KERN_SUCCESS;
	if (!ipc_notice_make(&notice, notify, space->account))
		return KERN_RESOURCE_SHORTAGE;
	if (request == NULL) {
		request = kalloc(space->account, sizeof(*request));
		if (request == NULL) {
			(void)ipc_notice_cancel(notice);
			return KERN_RESOURCE_SHORTAGE;
		}
		request->name = name;
		request->port = port;
	}
	lock_acquire(&port->object.lock);
	if (port->object.active) {
		slot = possible ? &request->possible : &request->dead;
		*previous = ipc_notice_cancel(ipc_notice_take(slot));
		*slot = notice;
		if (entry->request == NULL)
			list_add_tail(&port->requests, &request->link);
		entry->request = request;
	} else {
		result = KERN_INVALID_RIGHT;
	}
	lock_release(&port->object.lock);
	if (result == KERN_SUCCESS)
		return KERN_SUCCESS;
	(void)ipc_notice_cancel(notice);
	if (entry->request == NULL)
		kfree(space->account, request, sizeof(*request));
	return result;
}
