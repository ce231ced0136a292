/* What the routines of mach_port.defs begin and end with. */
#ifndef IPC_MACH_PORT_H
#define IPC_MACH_PORT_H

#include <ipc/ipc_internal.h>

/* Locks the space if it is alive. */
static inline bool space_lock(struct ipc_space *space)
{
	lock_acquire(&space->lock);
	if (space->active)
		return true;
	lock_release(&space->lock);
	return false;
}

/* Unlocks, and does what the locks have kept from being done. */
static inline kern_return_t space_done(struct ipc_space *space, kern_return_t result)
{
	lock_release(&space->lock);
	deferred_run();
	return result;
}

/* The entry for a name that has one of the types: KERN_INVALID_NAME, KERN_INVALID_RIGHT. Space locked. */
static inline kern_return_t entry_of(
	struct ipc_space *space, mach_port_name_t name, mach_port_type_t types, struct ipc_entry **entry)
{
	*entry = ipc_right_lookup(space, name);
	if (*entry == NULL)
		return KERN_INVALID_NAME;
	return ipc_entry_type(*entry) & types ? KERN_SUCCESS : KERN_INVALID_RIGHT;
}

/* The same; the space is locked here, and stays so when the entry was found. */
static inline kern_return_t space_lock_entry(
	struct ipc_space *space, mach_port_name_t name, mach_port_type_t types, struct ipc_entry **entry)
{
	kern_return_t result;

	if (!space_lock(space))
		return KERN_INVALID_TASK;
	result = entry_of(space, name, types, entry);
	return result == KERN_SUCCESS ? result : space_done(space, result);
}

/* An array out of line for the caller, if it is not empty. */
static inline kern_return_t array_out(
	const uint32_t *list, uint32_t count, vm_map_copy_t *copy, mach_msg_type_number_t *copy_count)
{
	*copy_count = 0;
	*copy = count == 0 ? NULL : vm_map_copy_from_kernel(list, count * sizeof(*list));
	if (count != 0 && *copy == NULL)
		return KERN_RESOURCE_SHORTAGE;
	*copy_count = count;
	return KERN_SUCCESS;
}

#endif
