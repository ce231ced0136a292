/* The routines of mach_port.defs about names and the rights they stand for. */
#include <ipc/mach_port.h>
#include <kern/piece.h>
#include <stubs/mach_port_server.h>

/* What an entry, and one with a right, take when the names are listed, about (kern/piece.h). */
#define ENTRY_COST 10
#define RIGHT_COST 60

/* Unlocks the space that rights have left. */
static kern_return_t loss_done(struct ipc_space *space, kern_return_t result, struct ipc_right_loss *loss)
{
	lock_release(&space->lock);
	ipc_right_finish(loss);
	return result;
}

static mach_port_type_t type_reported(const struct ipc_entry *entry)
{
	return ipc_entry_type(entry) | (entry->request != NULL ? MACH_PORT_TYPE_DNREQUEST : 0);
}

kern_return_t mach_port_names(ipc_space_t task, vm_map_copy_t *names, mach_msg_type_number_t *namesCnt,
	vm_map_copy_t *types, mach_msg_type_number_t *typesCnt)
{
	uint32_t *list, count = 0, room = 0;
	kern_return_t result;

	if (!space_lock(task))
		return KERN_INVALID_TASK;
	/* Of the table only a little may be there: names can be chosen. */
	for (uint32_t i = 0; i < task->chunks; i++)
		room += task->chunk[i] != ipc_entry_none ? IPC_ENTRIES_PER_CHUNK : 0;
	piece_spend((int32_t)task->chunks);
	list = kalloc(task->account, 2 * (size_t)room * sizeof(*list) + sizeof(*list));
	if (list == NULL)
		return space_done(task, KERN_RESOURCE_SHORTAGE);
	for (uint32_t i = 0; i < task->chunks * IPC_ENTRIES_PER_CHUNK; i++) {
		struct ipc_entry *chunk = task->chunk[i / IPC_ENTRIES_PER_CHUNK], *entry;

		if (chunk == ipc_entry_none) {
			i += IPC_ENTRIES_PER_CHUNK - 1;
			continue;
		}
		entry = &chunk[i % IPC_ENTRIES_PER_CHUNK];
		piece_spend(ENTRY_COST);
		if (ipc_entry_type(entry) == 0)
			continue;
		piece_spend(RIGHT_COST);
		list[count] = i << 8 | (entry->bits & IPC_ENTRY_GENERATION);
		list[room + count] = type_reported(ipc_right_lookup(task, list[count]));
		count++;
	}
	(void)space_done(task, KERN_SUCCESS);
	result = array_out(list, count, names, namesCnt);
	if (result == KERN_SUCCESS) {
		result = array_out(list + room, count, types, typesCnt);
		if (result != KERN_SUCCESS)
			vm_map_copy_discard(*names);
	}
	kfree(task->account, list, 2 * (size_t)room * sizeof(*list) + sizeof(*list));
	return result;
}

kern_return_t mach_port_type(ipc_space_t task, mach_port_name_t name, mach_port_type_t *ptype)
{
	struct ipc_entry *entry;
	kern_return_t result = space_lock_entry(task, name, IPC_ENTRY_TYPES, &entry);

	if (result != KERN_SUCCESS)
		return result;
	*ptype = type_reported(entry);
	return space_done(task, result);
}

kern_return_t mach_port_rename(ipc_space_t task, mach_port_name_t old_name, mach_port_name_t new_name)
{
	struct ipc_entry *from, *to;
	struct ipc_port *port;
	uint32_t type;
	kern_return_t result = space_lock_entry(task, old_name, IPC_ENTRY_TYPES, &from);

	if (result != KERN_SUCCESS)
		return result;
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
	kern_return_t result;

	if (right != MACH_PORT_RIGHT_RECEIVE && right != MACH_PORT_RIGHT_PORT_SET && right != MACH_PORT_RIGHT_DEAD_NAME)
		return KERN_INVALID_VALUE;
	if (!space_lock(space))
		return KERN_INVALID_TASK;
	if (right == MACH_PORT_RIGHT_RECEIVE) {
		port = ipc_port_alloc(space->account);
		result = port == NULL ? KERN_RESOURCE_SHORTAGE
				      : ipc_right_copyout(space, port, MACH_MSG_TYPE_PORT_RECEIVE, wanted, name);
	} else {
		if (right == MACH_PORT_RIGHT_PORT_SET)
			set = ipc_pset_alloc(space->account);
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
	deferred_run();
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
	kern_return_t result = space_lock_entry(task, name, IPC_ENTRY_TYPES, &entry);

	if (result != KERN_SUCCESS)
		return result;
	ipc_right_destroy(task, name, entry, &loss);
	return loss_done(task, result, &loss);
}

kern_return_t mach_port_deallocate(ipc_space_t task, mach_port_name_t name)
{
	struct ipc_right_loss loss = {0};
	mach_port_right_t right = MACH_PORT_RIGHT_SEND;
	struct ipc_entry *entry;
	kern_return_t result = space_lock_entry(
		task, name, MACH_PORT_TYPE_SEND | MACH_PORT_TYPE_SEND_ONCE | MACH_PORT_TYPE_DEAD_NAME, &entry);

	if (result != KERN_SUCCESS)
		return result;
	if (ipc_entry_type(entry) == MACH_PORT_TYPE_SEND_ONCE)
		right = MACH_PORT_RIGHT_SEND_ONCE;
	else if (ipc_entry_type(entry) == MACH_PORT_TYPE_DEAD_NAME)
		right = MACH_PORT_RIGHT_DEAD_NAME;
	return loss_done(task, ipc_right_delta(task, name, entry, right, -1, &loss), &loss);
}

kern_return_t mach_port_get_refs(
	ipc_space_t task, mach_port_name_t name, mach_port_right_t right, mach_port_urefs_t *refs)
{
	struct ipc_entry *entry;
	kern_return_t result;

	if (right > MACH_PORT_RIGHT_DEAD_NAME)
		return KERN_INVALID_VALUE;
	result = space_lock_entry(task, name, IPC_ENTRY_TYPES, &entry);
	if (result != KERN_SUCCESS)
		return result;
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
	kern_return_t result = space_lock_entry(task, name, IPC_ENTRY_TYPES, &entry);

	if (result != KERN_SUCCESS)
		return result;
	return loss_done(task, ipc_right_delta(task, name, entry, right, delta, &loss), &loss);
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
	result = ipc_right_copyin(task, name, msgt_name, poly, &dead);
	*polyPoly = msgt_name;
	if (result == KERN_SUCCESS && dead)
		result = KERN_INVALID_RIGHT;
	return space_done(task, result);
}
