/*
 * Rights in a space: taking them out, putting them in, counting references, and what becomes of them when a port dies.
 *
 * A port's death does not look for names. An entry turns into a dead name when somebody next looks at it
 * (ipc_right_lookup), so every look goes through that function, except the fast path's, which finds the port inactive.
 */
#include <ipc/ipc_internal.h>

/* The entry loses its right: what was requested for it is told so. */
static void request_cancel(struct ipc_space *space, struct ipc_entry *entry)
{
	struct ipc_request *request = entry->request;
	struct ipc_port *port;

	if (request == NULL)
		return;
	entry->request = NULL;
	port = request->port;
	lock_acquire(&port->object.lock);
	list_remove(&request->link);
	lock_release(&port->object.lock);
	ipc_notify_name(request->dead, mach_notify_port_deleted, request->name);
	ipc_notify_name(request->possible, mach_notify_port_deleted, request->name);
	kfree(space->account, request, sizeof(*request));
}

/* The entry's only right goes: out of the hash, and free. The right itself is the caller's. */
static void entry_clear(struct ipc_space *space, mach_port_name_t name, struct ipc_entry *entry)
{
	if (ipc_entry_type(entry) != MACH_PORT_TYPE_SEND_ONCE && ipc_entry_type(entry) != MACH_PORT_TYPE_PORT_SET)
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
	struct ipc_port *port = ipc_object_port(entry->object);
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
static inline uint32_t type_wanted(mach_msg_type_name_t disposition)
{
	static const uint32_t wanted[8] = {
		[MACH_MSG_TYPE_MOVE_RECEIVE & 7] = MACH_PORT_TYPE_RECEIVE,
		[MACH_MSG_TYPE_MOVE_SEND & 7] = MACH_PORT_TYPE_SEND,
		[MACH_MSG_TYPE_MOVE_SEND_ONCE & 7] = MACH_PORT_TYPE_SEND_ONCE,
		[MACH_MSG_TYPE_COPY_SEND & 7] = MACH_PORT_TYPE_SEND,
		[MACH_MSG_TYPE_MAKE_SEND & 7] = MACH_PORT_TYPE_RECEIVE,
		[MACH_MSG_TYPE_MAKE_SEND_ONCE & 7] = MACH_PORT_TYPE_RECEIVE,
	};

	return MACH_MSG_TYPE_PORT_ANY(disposition) ? wanted[disposition & 7] : 0;
}

kern_return_t ipc_right_reserve(struct ipc_space *space, mach_port_name_t name, mach_msg_type_name_t disposition,
	struct ipc_port **port, bool *dead)
{
	uint32_t wanted = type_wanted(disposition), type;
	struct ipc_entry *entry;

	*port = NULL;
	*dead = name == MACH_PORT_DEAD;
	if (wanted == 0)
		return KERN_INVALID_RIGHT;
	if (!MACH_PORT_VALID(name))
		return KERN_SUCCESS;
	entry = ipc_right_lookup(space, name);
	if (entry == NULL)
		return KERN_INVALID_NAME;
	type = ipc_entry_type(entry);
	*dead = type == MACH_PORT_TYPE_DEAD_NAME && wanted != MACH_PORT_TYPE_RECEIVE;
	if (!(type & wanted) && !*dead)
		return KERN_INVALID_RIGHT;
	if (disposition == MACH_MSG_TYPE_MOVE_RECEIVE) {
		entry->bits &= ~MACH_PORT_TYPE_RECEIVE;
	} else if (wanted != MACH_PORT_TYPE_RECEIVE) {
		if (entry->urefs == 0)
			return KERN_INVALID_NAME; /* all are reserved */
		if (disposition != MACH_MSG_TYPE_COPY_SEND)
			entry->urefs--;
	}
	entry->bits |= IPC_ENTRY_RESERVED;
	if (!*dead)
		*port = ipc_object_port(entry->object);
	return KERN_SUCCESS;
}

void ipc_right_unreserve(
	struct ipc_space *space, mach_port_name_t name, mach_msg_type_name_t disposition, struct ipc_port **port)
{
	struct ipc_entry *entry = ipc_entry_at(space, name);

	*port = NULL;
	if (!MACH_PORT_VALID(name))
		return;
	entry->bits &= ~IPC_ENTRY_RESERVED;
	if (disposition == MACH_MSG_TYPE_MOVE_RECEIVE)
		entry->bits |= MACH_PORT_TYPE_RECEIVE;
	else if (disposition == MACH_MSG_TYPE_MOVE_SEND || disposition == MACH_MSG_TYPE_MOVE_SEND_ONCE)
		entry->urefs++;
}

/* A receive right leaves the space. Its entry has gone already if it lost a send right, too. */
static void take_receive(struct ipc_space *space, mach_port_name_t name, struct ipc_entry *entry, struct ipc_port *port)
{
	if ((uint8_t)entry->bits == (uint8_t)name && ipc_entry_type(entry) == 0)
		entry_clear(space, name, entry);
	lock_acquire(&port->object.lock);
	ipc_port_clear_receiver(port);
	lock_release(&port->object.lock);
}

void ipc_right_take(
	struct ipc_space *space, mach_port_name_t name, mach_msg_type_name_t disposition, struct ipc_port *port)
{
	struct ipc_entry *entry = ipc_entry_at(space, name);
	uint32_t type;

	if (!MACH_PORT_VALID(name))
		return;
	entry->bits &= ~IPC_ENTRY_RESERVED;
	switch (disposition) {
	case MACH_MSG_TYPE_MAKE_SEND:
		(void)ipc_port_make_send(port);
		return;
	case MACH_MSG_TYPE_MAKE_SEND_ONCE:
		(void)ipc_port_make_send_once(port);
		return;
	case MACH_MSG_TYPE_COPY_SEND:
		(void)ipc_port_copy_send(port);
		return;
	case MACH_MSG_TYPE_MOVE_RECEIVE:
		take_receive(space, name, entry, port);
		return;
	}
	/* The first that finds no reference left takes the entry's own right. */
	type = (uint8_t)entry->bits == (uint8_t)name ? ipc_entry_type(entry) : 0;
	if (entry->urefs != 0 ||
		!(type & (MACH_PORT_TYPE_SEND | MACH_PORT_TYPE_SEND_ONCE | MACH_PORT_TYPE_DEAD_NAME))) {
		(void)ipc_port_copy_send(port);
	} else if (type & MACH_PORT_TYPE_SEND) {
		entry_lose_send(space, name, entry);
	} else if (type == MACH_PORT_TYPE_SEND_ONCE) {
		request_cancel(space, entry);
		entry_clear(space, name, entry);
	} else {
		ipc_entry_free(space, name, entry);
	}
}

kern_return_t ipc_right_copyin(struct ipc_space *space, mach_port_name_t name, mach_msg_type_name_t disposition,
	struct ipc_port **port, bool *dead)
{
	kern_return_t result = ipc_right_reserve(space, name, disposition, port, dead);

	if (result == KERN_SUCCESS)
		ipc_right_take(space, name, disposition, *port);
	return result;
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
	if (type != MACH_PORT_TYPE_RECEIVE && !ipc_object_active(&port->object)) {
		if (wanted != MACH_PORT_NULL)
			return KERN_INVALID_CAPABILITY;
		*name = MACH_PORT_DEAD;
		if (type == MACH_PORT_TYPE_SEND)
			drop_extra_send(port);
		else
			ipc_port_drop_send_once(port);
		return KERN_SUCCESS;
	}
	/* A name for it has its receive right or is one of its send rights; more are made only of the receive right, which
	 * is here. */
	if (type == MACH_PORT_TYPE_SEND || (type == MACH_PORT_TYPE_RECEIVE && port->srights != 0))
		entry = ipc_entry_find(space, &port->object, name);
	if (entry != NULL) {
		if (wanted != MACH_PORT_NULL && *name != wanted)
			return KERN_RIGHT_EXISTS;
		return copyout_merge(space, entry, *name, port, disposition, wanted != MACH_PORT_NULL);
	}
	result = wanted == MACH_PORT_NULL ? ipc_entry_alloc(space, name, &entry)
					  : ipc_entry_alloc_name(space, *name = wanted, &entry);
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
			loss->send = ipc_object_port(entry->object);
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
		loss->receive = ipc_object_port(entry->object);
		entry_lose_receive(space, name, entry);
		break;
	case MACH_PORT_RIGHT_SEND_ONCE:
		loss->send_once = ipc_object_port(entry->object);
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
		struct ipc_port *port = ipc_object_port(entry->object);

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
	deferred_run();
}

kern_return_t ipc_right_request(struct ipc_space *space, mach_port_name_t name, struct ipc_entry *entry,
	struct ipc_port *notify, bool possible, struct ipc_port **previous)
{
	struct ipc_port *port = ipc_object_port(entry->object);
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
