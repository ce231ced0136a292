/* The routines of mach_port.defs about receive rights, sets of them, and notifications. */
#include <ipc/mach_port.h>
#include <stubs/mach_port_server.h>

/* The port whose receive right has the name, locked, and the space not any more; receive_done when it was found. */
static kern_return_t receive_port(struct ipc_space *space, mach_port_name_t name, struct ipc_port **port)
{
	struct ipc_entry *entry;
	kern_return_t result = space_lock_entry(space, name, MACH_PORT_TYPE_RECEIVE, &entry);

	if (result != KERN_SUCCESS)
		return result;
	*port = ipc_object_port(entry->object);
	lock_acquire(&(*port)->object.lock);
	lock_release(&space->lock);
	return KERN_SUCCESS;
}

static kern_return_t receive_done(struct ipc_port *port)
{
	lock_release(&port->object.lock);
	deferred_run();
	return KERN_SUCCESS;
}

kern_return_t mach_port_set_qlimit(ipc_space_t task, mach_port_name_t name, mach_port_msgcount_t qlimit)
{
	struct ipc_port *port;
	kern_return_t result;

	if (qlimit > MACH_PORT_QLIMIT_MAX)
		return KERN_INVALID_VALUE;
	result = receive_port(task, name, &port);
	if (result != KERN_SUCCESS)
		return result;
	port->qlimit = qlimit;
	/* Each wakes one, or tells who asked for room when none waits; who finds the room taken waits again. */
	for (uint32_t room = port->msgcount, waiting = 1; room < qlimit && waiting; room++) {
		waiting = !list_empty(&port->senders);
		ipc_mqueue_wake_sender(port);
	}
	return receive_done(port);
}

static kern_return_t set_count(struct ipc_space *space, mach_port_name_t name, bool messages, uint32_t count)
{
	struct ipc_port *port;
	kern_return_t result = receive_port(space, name, &port);

	if (result != KERN_SUCCESS)
		return result;
	*(messages ? &port->seqno : &port->mscount) = count;
	return receive_done(port);
}

kern_return_t mach_port_set_mscount(ipc_space_t task, mach_port_name_t name, mach_port_mscount_t mscount)
{
	return set_count(task, name, false, mscount);
}

kern_return_t mach_port_set_seqno(ipc_space_t task, mach_port_name_t name, mach_port_seqno_t seqno)
{
	return set_count(task, name, true, seqno);
}

kern_return_t mach_port_get_set_status(
	ipc_space_t task, mach_port_name_t name, vm_map_copy_t *members, mach_msg_type_number_t *membersCnt)
{
	mach_port_name_t *names;
	struct ipc_entry *entry;
	struct ipc_pset *set;
	struct list *link;
	uint32_t count = 0, room = 0;
	kern_return_t result = space_lock_entry(task, name, MACH_PORT_TYPE_PORT_SET, &entry);

	if (result != KERN_SUCCESS)
		return result;
	set = ipc_object_set(entry->object);
	/* Ports join and leave with the space locked, or while they leave it: the second count may only be less. */
	lock_acquire(&set->object.lock);
	list_for_each (link, &set->members)
		room++;
	lock_release(&set->object.lock);
	names = kalloc(task->account, (room + 1) * sizeof(*names));
	lock_acquire(&set->object.lock);
	if (names != NULL) {
		list_for_each (link, &set->members)
			names[count++] = container_of(link, struct ipc_port, set_link)->receiver_name;
	}
	lock_release(&set->object.lock);
	(void)space_done(task, KERN_SUCCESS);
	if (names == NULL)
		return KERN_RESOURCE_SHORTAGE;
	result = array_out(names, count, members, membersCnt);
	kfree(task->account, names, (room + 1) * sizeof(*names));
	return result;
}

kern_return_t mach_port_move_member(ipc_space_t task, mach_port_name_t member, mach_port_name_t after)
{
	struct ipc_entry *entry, *set_entry = NULL;
	struct ipc_port *port;
	kern_return_t result = space_lock_entry(task, member, MACH_PORT_TYPE_RECEIVE, &entry);

	if (result != KERN_SUCCESS)
		return result;
	if (after != MACH_PORT_NULL)
		result = entry_of(task, after, MACH_PORT_TYPE_PORT_SET, &set_entry);
	if (result != KERN_SUCCESS)
		return space_done(task, result);
	port = ipc_object_port(entry->object);
	lock_acquire(&port->object.lock);
	if (port->set != NULL)
		ipc_pset_remove(port);
	else if (after == MACH_PORT_NULL)
		result = KERN_NOT_IN_SET;
	if (set_entry != NULL)
		ipc_pset_add(ipc_object_set(set_entry->object), port);
	lock_release(&port->object.lock);
	return space_done(task, result);
}

/* Port-destroyed and no-senders: one notice each, on the port. */
static kern_return_t request_on_receive(struct ipc_space *space, struct ipc_entry *entry, mach_msg_id_t id,
	mach_port_mscount_t sync, struct ipc_port *notify, struct ipc_port **previous)
{
	struct ipc_port *port = ipc_object_port(entry->object);
	bool destroyed = id == MIG_ID_mach_notify_port_destroyed;
	struct ipc_notice *slot = destroyed ? &port->pd_notice : &port->ns_notice, notice;

	if (!ipc_notice_make(&notice, notify, space->account))
		return KERN_RESOURCE_SHORTAGE;
	lock_acquire(&port->object.lock);
	*previous = ipc_notice_cancel(ipc_notice_take(slot));
	if (!destroyed && port->srights == 0 && sync <= port->mscount)
		ipc_notify_no_senders(notice, port->mscount); /* at once */
	else
		*slot = notice;
	if (destroyed)
		port->kept = false;
	lock_release(&port->object.lock);
	return KERN_SUCCESS;
}

/* Dead-name and send-possible: at once if it is so already and the caller wants to know (sync). */
static kern_return_t request_on_send(struct ipc_space *space, mach_port_name_t name, struct ipc_entry *entry,
	mach_msg_id_t id, mach_port_mscount_t sync, struct ipc_port *notify, struct ipc_port **previous)
{
	uint32_t type = ipc_entry_type(entry);
	bool possible = id == MIG_ID_mach_notify_send_possible;
	struct ipc_notice notice;

	if (type == MACH_PORT_TYPE_DEAD_NAME) {
		if (sync == 0 || notify == NULL)
			return KERN_INVALID_ARGUMENT;
		if (entry->urefs == IPC_UREFS_MAX)
			return KERN_UREFS_OVERFLOW;
		if (!ipc_notice_make(&notice, notify, space->account))
			return KERN_RESOURCE_SHORTAGE;
		entry->urefs++; /* as a notification that comes later would add */
		ipc_notify_name(notice, mach_notify_dead_name, name);
		return KERN_SUCCESS;
	}
	if (!(type & (MACH_PORT_TYPE_SEND | MACH_PORT_TYPE_SEND_ONCE)))
		return KERN_INVALID_RIGHT;
	if (possible && notify != NULL && sync != 0 &&
		(type == MACH_PORT_TYPE_SEND_ONCE || !ipc_mqueue_full(ipc_object_port(entry->object)))) {
		if (!ipc_notice_make(&notice, notify, space->account))
			return KERN_RESOURCE_SHORTAGE;
		ipc_notify_name(notice, mach_notify_send_possible, name);
		return KERN_SUCCESS;
	}
	return ipc_right_request(space, name, entry, notify, possible, previous);
}

kern_return_t mach_port_request_notification(ipc_space_t task, mach_port_name_t name, mach_msg_id_t id,
	mach_port_mscount_t sync, ipc_port_t notify, ipc_port_t *previous)
{
	struct ipc_entry *entry;
	kern_return_t result = space_lock_entry(task, name, IPC_ENTRY_TYPES, &entry);

	*previous = NULL;
	if (result != KERN_SUCCESS)
		return result;
	switch (id) {
	case MIG_ID_mach_notify_port_destroyed:
	case MIG_ID_mach_notify_no_senders:
		result = ipc_entry_type(entry) & MACH_PORT_TYPE_RECEIVE
				 ? request_on_receive(task, entry, id, sync, notify, previous)
				 : KERN_INVALID_RIGHT;
		break;
	case MIG_ID_mach_notify_dead_name:
	case MIG_ID_mach_notify_send_possible:
		result = request_on_send(task, name, entry, id, sync, notify, previous);
		break;
	default:
		result = KERN_INVALID_VALUE;
	}
	return space_done(task, result);
}

/*
 * The keeper is named by a send right, of which the kernel makes the send-once right: who can send to a port can have
 * it hear this, too.
 */
kern_return_t mach_port_keep(ipc_space_t task, mach_port_name_t name, ipc_port_t keeper)
{
	struct ipc_port *port, *right, *unused, *previous = NULL;
	struct ipc_entry *entry;
	bool was_kept;
	kern_return_t result = space_lock_entry(task, name, MACH_PORT_TYPE_RECEIVE, &entry);

	if (result != KERN_SUCCESS)
		return result;
	port = ipc_object_port(entry->object);
	was_kept = port->kept;
	right = keeper != NULL ? ipc_port_make_send_once(keeper) : NULL;
	result = request_on_receive(task, entry, MIG_ID_mach_notify_port_destroyed, 0, right, &previous);
	/* Nobody else sets it meanwhile: the space is locked, and the receive right in it. */
	if (result == KERN_SUCCESS)
		port->kept = right != NULL;
	(void)space_done(task, result);
	unused = result == KERN_SUCCESS ? previous : right;
	/* Nobody waits for the end of a right that was made here. */
	if (unused != NULL && (result != KERN_SUCCESS || was_kept))
		ipc_port_drop_send_once(unused);
	else
		ipc_port_release_send_once(unused);
	if (result == KERN_SUCCESS)
		ipc_port_release_send(keeper);
	return result;
}

struct ipc_port *ipc_space_receive_right(struct ipc_space *space, mach_port_name_t name)
{
	struct ipc_port *port = NULL;

	if (receive_port(space, name, &port) != KERN_SUCCESS)
		return NULL;
	ipc_object_reference(&port->object);
	(void)receive_done(port);
	return port;
}

kern_return_t mach_port_get_receive_status(ipc_space_t task, mach_port_name_t name, mach_port_status_t *status)
{
	struct ipc_port *port;
	kern_return_t result = receive_port(task, name, &port);

	if (result != KERN_SUCCESS)
		return result;
	*status = (mach_port_status_t){.mps_seqno = port->seqno,
		.mps_mscount = port->mscount,
		.mps_qlimit = port->qlimit,
		.mps_msgcount = port->msgcount,
		.mps_sorights = port->sorights,
		.mps_srights = port->srights != 0,
		.mps_pdrequest = port->pd_notice.right != NULL,
		.mps_nsrequest = port->ns_notice.right != NULL};
	if (port->set != NULL)
		status->mps_pset = port->set->name;
	return receive_done(port);
}

static kern_return_t set_payload(struct ipc_space *space, mach_port_name_t name, bool has, uint64_t payload)
{
	struct ipc_port *port;
	kern_return_t result = receive_port(space, name, &port);

	if (result != KERN_SUCCESS)
		return result;
	ipc_port_set_label(port, has, payload);
	return receive_done(port);
}

kern_return_t mach_port_set_protected_payload(ipc_space_t task, mach_port_name_t name, uint64_t payload)
{
	return set_payload(task, name, true, payload);
}

kern_return_t mach_port_get_protected_payload(ipc_space_t task, mach_port_name_t name, uint64_t *payload)
{
	struct ipc_port *port;
	kern_return_t result = receive_port(task, name, &port);

	if (result != KERN_SUCCESS)
		return result;
	*payload = port->has_payload ? port->label : 0;
	return receive_done(port);
}

kern_return_t mach_port_clear_protected_payload(ipc_space_t task, mach_port_name_t name)
{
	return set_payload(task, name, false, 0);
}
