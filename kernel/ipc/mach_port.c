/* The routines of mach_port.defs: what a task may do with a name space. */
#include <ipc/ipc_internal.h>
#include <kern/kalloc.h>
#include <stubs/mach_port_server.h>
#include <stubs/notify_user.h>
#include <vm/vm.h>

/* Locks the space if it is one and alive. */
static inline bool space_lock(struct ipc_space *space)
{
	if (space == NULL)
		return false;
	lock_acquire(&space->lock);
	if (space->active)
		return true;
	lock_release(&space->lock);
	return false;
}

/* Unlocks, and does what the locks have kept from being done. */
static kern_return_t space_done(struct ipc_space *space, kern_return_t result)
{
	lock_release(&space->lock);
	ipc_deferred_run();
	return result;
}

/* The same where rights have left the space. */
static kern_return_t loss_done(struct ipc_space *space, kern_return_t result, struct ipc_right_loss *loss)
{
	lock_release(&space->lock);
	ipc_right_finish(loss);
	return result;
}

/* The entry for a name that has one of the types: KERN_INVALID_NAME, KERN_INVALID_RIGHT. Space locked. */
static kern_return_t entry_of(
	struct ipc_space *space, mach_port_name_t name, mach_port_type_t types, struct ipc_entry **entry)
{
	*entry = ipc_right_lookup(space, name);
	if (*entry == NULL)
		return KERN_INVALID_NAME;
	return ipc_entry_type(*entry) & types ? KERN_SUCCESS : KERN_INVALID_RIGHT;
}

/* The port whose receive right has the name, locked, and the space not any more; receive_done when it was found. */
static kern_return_t receive_port(struct ipc_space *space, mach_port_name_t name, struct ipc_port **port)
{
	struct ipc_entry *entry;
	kern_return_t result;

	if (!space_lock(space))
		return KERN_INVALID_TASK;
	result = entry_of(space, name, MACH_PORT_TYPE_RECEIVE, &entry);
	if (result != KERN_SUCCESS)
		return space_done(space, result);
	*port = ipc_object_port(entry->object);
	lock_acquire(&(*port)->object.lock);
	lock_release(&space->lock);
	return KERN_SUCCESS;
}

static kern_return_t receive_done(struct ipc_port *port)
{
	lock_release(&port->object.lock);
	ipc_deferred_run();
	return KERN_SUCCESS;
}

static mach_port_type_t type_reported(const struct ipc_entry *entry)
{
	return ipc_entry_type(entry) | (entry->request != NULL ? MACH_PORT_TYPE_DNREQUEST : 0);
}

kern_return_t mach_port_names(ipc_space_t task, vm_map_copy_t *names, mach_msg_type_number_t *namesCnt,
	vm_map_copy_t *types, mach_msg_type_number_t *typesCnt)
{
	uint32_t *list, count = 0, room;

	*names = *types = NULL;
	*namesCnt = *typesCnt = 0;
	if (!space_lock(task))
		return KERN_INVALID_TASK;
	room = task->chunks * IPC_ENTRIES_PER_CHUNK;
	list = kalloc(2 * (size_t)room * sizeof(*list) + sizeof(*list));
	if (list == NULL)
		return space_done(task, KERN_RESOURCE_SHORTAGE);
	for (uint32_t i = 0; i < room; i++) {
		struct ipc_entry *chunk = task->chunk[i / IPC_ENTRIES_PER_CHUNK], *entry;

		if (chunk == ipc_entry_none)
			continue;
		entry = &chunk[i % IPC_ENTRIES_PER_CHUNK];
		if (ipc_entry_type(entry) == 0)
			continue;
		list[count] = i << 8 | (entry->bits & IPC_ENTRY_GENERATION);
		list[room + count] = type_reported(ipc_right_lookup(task, list[count]));
		count++;
	}
	(void)space_done(task, KERN_SUCCESS);
	if (count != 0) {
		*names = vm_map_copy_from_kernel(list, count * sizeof(*list));
		*types = vm_map_copy_from_kernel(list + room, count * sizeof(*list));
	}
	kfree(list, 2 * (size_t)room * sizeof(*list) + sizeof(*list));
	if (count != 0 && (*names == NULL || *types == NULL)) {
		if (*names != NULL)
			vm_map_copy_discard(*names);
		if (*types != NULL)
			vm_map_copy_discard(*types);
		*names = *types = NULL;
		return KERN_RESOURCE_SHORTAGE;
	}
	*namesCnt = *typesCnt = count;
	return KERN_SUCCESS;
}

kern_return_t mach_port_type(ipc_space_t task, mach_port_name_t name, mach_port_type_t *ptype)
{
	struct ipc_entry *entry;

	if (!space_lock(task))
		return KERN_INVALID_TASK;
	entry = ipc_right_lookup(task, name);
	*ptype = entry != NULL ? type_reported(entry) : 0;
	return space_done(task, entry != NULL ? KERN_SUCCESS : KERN_INVALID_NAME);
}

kern_return_t mach_port_rename(ipc_space_t task, mach_port_name_t old_name, mach_port_name_t new_name)
{
	struct ipc_entry *from, *to;
	struct ipc_port *port;
	uint32_t type;
	kern_return_t result;

	if (!space_lock(task))
		return KERN_INVALID_TASK;
	from = ipc_right_lookup(task, old_name);
	if (from == NULL)
		return space_done(task, KERN_INVALID_NAME);
	result = ipc_entry_alloc_name(task, new_name, &to);
	if (result != KERN_SUCCESS)
		return space_done(task, result);
	type = ipc_entry_type(from);
	port = type & (MACH_PORT_TYPE_SEND_RECEIVE | MACH_PORT_TYPE_SEND_ONCE) ? ipc_object_port(from->object) : NULL;
	if (type & MACH_PORT_TYPE_SEND_RECEIVE)
		ipc_entry_unhash(task, old_name, from);
	to->object = from->object;
	to->bits |= type;
	to->urefs = from->urefs;
	to->request = from->request;
	from->object = NULL;
	from->request = NULL;
	ipc_entry_free(task, old_name, from);
	if (type & MACH_PORT_TYPE_SEND_RECEIVE)
		ipc_entry_hash(task, new_name, to);
	if (type == MACH_PORT_TYPE_PORT_SET)
		ipc_object_set(to->object)->name = new_name;
	if (port != NULL) {
		lock_acquire(&port->object.lock);
		if (to->request != NULL)
			to->request->name = new_name;
		if (type & MACH_PORT_TYPE_RECEIVE) {
			port->receiver_name = new_name;
			ipc_port_set_label(port, port->has_payload, port->label);
		}
		lock_release(&port->object.lock);
	}
	return space_done(task, KERN_SUCCESS);
}

/* An entry of the wanted name, or of any with MACH_PORT_NULL, and the right in it. */
static kern_return_t allocate(
	struct ipc_space *space, mach_port_right_t right, mach_port_name_t wanted, mach_port_name_t *name)
{
	struct ipc_port *port = NULL;
	struct ipc_pset *set = NULL;
	struct ipc_entry *entry;
	struct task *owner;
	kern_return_t result;

	if (right != MACH_PORT_RIGHT_RECEIVE && right != MACH_PORT_RIGHT_PORT_SET && right != MACH_PORT_RIGHT_DEAD_NAME)
		return KERN_INVALID_VALUE;
	if (!space_lock(space))
		return KERN_INVALID_TASK;
	owner = space->task;
	if (right == MACH_PORT_RIGHT_RECEIVE) {
		port = ipc_port_alloc(owner);
		result = port == NULL ? KERN_RESOURCE_SHORTAGE
				      : ipc_right_copyout(space, port, MACH_MSG_TYPE_PORT_RECEIVE, wanted, name);
	} else {
		if (right == MACH_PORT_RIGHT_PORT_SET)
			set = ipc_pset_alloc(owner);
		*name = wanted;
		if (right == MACH_PORT_RIGHT_PORT_SET && set == NULL)
			result = KERN_RESOURCE_SHORTAGE;
		else if (wanted == MACH_PORT_NULL)
			result = ipc_entry_alloc(space, name, &entry);
		else
			result = ipc_entry_alloc_name(space, wanted, &entry);
		if (result == KERN_SUCCESS) {
			entry->bits |= MACH_PORT_TYPE(right);
			entry->urefs = right == MACH_PORT_RIGHT_DEAD_NAME;
			entry->object = set != NULL ? &set->object : NULL;
			if (set != NULL)
				set->name = *name;
		}
	}
	lock_release(&space->lock);
	if (result != KERN_SUCCESS && port != NULL)
		ipc_port_destroy(port);
	if (result != KERN_SUCCESS && set != NULL)
		ipc_pset_destroy(set);
	ipc_deferred_run();
	return result;
}

kern_return_t mach_port_allocate_name(ipc_space_t task, mach_port_right_t right, mach_port_name_t name)
{
	mach_port_name_t same;

	return MACH_PORT_VALID(name) ? allocate(task, right, name, &same) : KERN_INVALID_VALUE;
}

kern_return_t mach_port_allocate(ipc_space_t task, mach_port_right_t right, mach_port_name_t *name)
{
	return allocate(task, right, MACH_PORT_NULL, name);
}

kern_return_t mach_port_destroy(ipc_space_t task, mach_port_name_t name)
{
	struct ipc_right_loss loss = {0};
	struct ipc_entry *entry;

	if (!space_lock(task))
		return KERN_INVALID_TASK;
	entry = ipc_right_lookup(task, name);
	if (entry == NULL)
		return space_done(task, KERN_INVALID_NAME);
	ipc_right_destroy(task, name, entry, &loss);
	return loss_done(task, KERN_SUCCESS, &loss);
}

kern_return_t mach_port_deallocate(ipc_space_t task, mach_port_name_t name)
{
	struct ipc_right_loss loss = {0};
	struct ipc_entry *entry;
	kern_return_t result;

	if (!space_lock(task))
		return KERN_INVALID_TASK;
	result =
		entry_of(task, name, MACH_PORT_TYPE_SEND | MACH_PORT_TYPE_SEND_ONCE | MACH_PORT_TYPE_DEAD_NAME, &entry);
	if (result == KERN_SUCCESS) {
		uint32_t type = ipc_entry_type(entry);
		mach_port_right_t right = MACH_PORT_RIGHT_DEAD_NAME;

		if (type & MACH_PORT_TYPE_SEND)
			right = MACH_PORT_RIGHT_SEND;
		else if (type == MACH_PORT_TYPE_SEND_ONCE)
			right = MACH_PORT_RIGHT_SEND_ONCE;
		result = ipc_right_delta(task, name, entry, right, -1, &loss);
	}
	return loss_done(task, result, &loss);
}

kern_return_t mach_port_get_refs(
	ipc_space_t task, mach_port_name_t name, mach_port_right_t right, mach_port_urefs_t *refs)
{
	struct ipc_entry *entry;

	if (right > MACH_PORT_RIGHT_DEAD_NAME)
		return KERN_INVALID_VALUE;
	if (!space_lock(task))
		return KERN_INVALID_TASK;
	entry = ipc_right_lookup(task, name);
	if (entry == NULL)
		return space_done(task, KERN_INVALID_NAME);
	*refs = 0;
	if (ipc_entry_type(entry) & MACH_PORT_TYPE(right))
		*refs = right == MACH_PORT_RIGHT_SEND || right == MACH_PORT_RIGHT_DEAD_NAME ? entry->urefs : 1;
	return space_done(task, KERN_SUCCESS);
}

kern_return_t mach_port_mod_refs(
	ipc_space_t task, mach_port_name_t name, mach_port_right_t right, mach_port_delta_t delta)
{
	struct ipc_right_loss loss = {0};
	struct ipc_entry *entry;
	kern_return_t result = KERN_INVALID_NAME;

	if (!space_lock(task))
		return KERN_INVALID_TASK;
	entry = ipc_right_lookup(task, name);
	if (entry != NULL)
		result = ipc_right_delta(task, name, entry, right, delta, &loss);
	return loss_done(task, result, &loss);
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
	/* Each wakes one; who finds the room taken waits again. */
	for (uint32_t room = port->msgcount; room < qlimit && !list_empty(&port->senders); room++)
		ipc_mqueue_wake_sender(port);
	return receive_done(port);
}

kern_return_t mach_port_set_mscount(ipc_space_t task, mach_port_name_t name, mach_port_mscount_t mscount)
{
	struct ipc_port *port;
	kern_return_t result = receive_port(task, name, &port);

	if (result != KERN_SUCCESS)
		return result;
	port->mscount = mscount;
	return receive_done(port);
}

kern_return_t mach_port_set_seqno(ipc_space_t task, mach_port_name_t name, mach_port_seqno_t seqno)
{
	struct ipc_port *port;
	kern_return_t result = receive_port(task, name, &port);

	if (result != KERN_SUCCESS)
		return result;
	port->seqno = seqno;
	return receive_done(port);
}

kern_return_t mach_port_get_set_status(
	ipc_space_t task, mach_port_name_t name, vm_map_copy_t *members, mach_msg_type_number_t *membersCnt)
{
	mach_port_name_t *names;
	struct ipc_entry *entry;
	struct ipc_pset *set;
	struct list *link;
	uint32_t count = 0, room = 0;
	kern_return_t result;

	*members = NULL;
	*membersCnt = 0;
	if (!space_lock(task))
		return KERN_INVALID_TASK;
	result = entry_of(task, name, MACH_PORT_TYPE_PORT_SET, &entry);
	if (result != KERN_SUCCESS)
		return space_done(task, result);
	set = ipc_object_set(entry->object);
	/* Ports join and leave with the space locked, or while they leave it: the second count may only be less. */
	lock_acquire(&set->object.lock);
	list_for_each (link, &set->members)
		room++;
	names = kalloc((room + 1) * sizeof(*names));
	if (names != NULL) {
		list_for_each (link, &set->members)
			names[count++] = container_of(link, struct ipc_port, set_link)->receiver_name;
	}
	lock_release(&set->object.lock);
	(void)space_done(task, KERN_SUCCESS);
	if (names == NULL)
		return KERN_RESOURCE_SHORTAGE;
	if (count != 0)
		*members = vm_map_copy_from_kernel(names, count * sizeof(*names));
	kfree(names, (room + 1) * sizeof(*names));
	if (count != 0 && *members == NULL)
		return KERN_RESOURCE_SHORTAGE;
	*membersCnt = count;
	return KERN_SUCCESS;
}

kern_return_t mach_port_move_member(ipc_space_t task, mach_port_name_t member, mach_port_name_t after)
{
	struct ipc_entry *entry, *set_entry = NULL;
	struct ipc_port *port;
	kern_return_t result;

	if (!space_lock(task))
		return KERN_INVALID_TASK;
	result = entry_of(task, member, MACH_PORT_TYPE_RECEIVE, &entry);
	if (result == KERN_SUCCESS && after != MACH_PORT_NULL)
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
		(void)ipc_pset_add(ipc_object_set(set_entry->object), port);
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

	if (!ipc_notice_make(&notice, notify, space->task))
		return KERN_RESOURCE_SHORTAGE;
	lock_acquire(&port->object.lock);
	*previous = ipc_notice_cancel(ipc_notice_take(slot));
	if (!destroyed && port->srights == 0 && sync <= port->mscount)
		ipc_notify_no_senders(notice, port->mscount); /* at once */
	else
		*slot = notice;
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
		if (!ipc_notice_make(&notice, notify, space->task))
			return KERN_RESOURCE_SHORTAGE;
		entry->urefs++; /* as a notification that comes later would add */
		ipc_notify_dead_name(notice, name);
		return KERN_SUCCESS;
	}
	if (!(type & (MACH_PORT_TYPE_SEND | MACH_PORT_TYPE_SEND_ONCE)))
		return KERN_INVALID_RIGHT;
	if (possible && notify != NULL && sync != 0 &&
		(type == MACH_PORT_TYPE_SEND_ONCE || !ipc_mqueue_full(ipc_object_port(entry->object)))) {
		if (!ipc_notice_make(&notice, notify, space->task))
			return KERN_RESOURCE_SHORTAGE;
		ipc_notify_send_possible(notice, name);
		return KERN_SUCCESS;
	}
	return ipc_right_request(space, name, entry, notify, possible, previous);
}

kern_return_t mach_port_request_notification(ipc_space_t task, mach_port_name_t name, mach_msg_id_t id,
	mach_port_mscount_t sync, ipc_port_t notify, ipc_port_t *previous)
{
	struct ipc_entry *entry;
	kern_return_t result = KERN_INVALID_NAME;

	*previous = NULL;
	if (!space_lock(task))
		return KERN_INVALID_TASK;
	entry = ipc_right_lookup(task, name);
	if (entry == NULL)
		return space_done(task, result);
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

kern_return_t mach_port_insert_right(
	ipc_space_t task, mach_port_name_t name, ipc_port_t poly, mach_msg_type_name_t polyPoly)
{
	mach_port_name_t same;

	if (!MACH_PORT_VALID(name))
		return KERN_INVALID_VALUE;
	if (poly == NULL)
		return KERN_INVALID_CAPABILITY;
	if (!space_lock(task))
		return KERN_INVALID_TASK;
	return space_done(task, ipc_right_copyout(task, poly, polyPoly, name, &same));
}

kern_return_t mach_port_extract_right(ipc_space_t task, mach_port_name_t name, mach_msg_type_name_t msgt_name,
	ipc_port_t *poly, mach_msg_type_name_t *polyPoly)
{
	kern_return_t result;
	bool dead;

	if (!MACH_MSG_TYPE_PORT_ANY(msgt_name))
		return KERN_INVALID_VALUE;
	if (!MACH_PORT_VALID(name))
		return KERN_INVALID_NAME;
	if (!space_lock(task))
		return KERN_INVALID_TASK;
	result = ipc_right_copyin(task, name, msgt_name, false, poly, &dead);
	*polyPoly = msgt_name;
	if (result == KERN_SUCCESS && msgt_name == MACH_MSG_TYPE_MOVE_RECEIVE) {
		lock_acquire(&(*poly)->object.lock);
		ipc_port_clear_receiver(*poly);
		lock_release(&(*poly)->object.lock);
	}
	if (result == KERN_SUCCESS && dead)
		result = KERN_INVALID_RIGHT;
	return space_done(task, result);
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

kern_return_t mach_port_clear_protected_payload(ipc_space_t task, mach_port_name_t name)
{
	return set_payload(task, name, false, 0);
}
