/* Mapping memory objects by their ports, and writing what is mapped back to their pagers. */
#include <ipc/ipc.h>
#include <kern/checked.h>
#include <kern/piece.h>
#include <kern/task.h>
#include <stubs/mach_server.h>
#include <stubs/portolan_server.h>
#include <vm/vm.h>
#include <vm/vm_map.h>

static void memory_no_senders(struct ipc_port *port, void *object)
{
	ipc_port_destroy(port);
	vm_object_deallocate(object);
}

struct ipc_port *vm_object_port(vm_object_t object)
{
	struct ipc_port *port = ipc_kernel_port_create(IKOT_MEMORY, object, object->account);

	if (port == NULL) {
		vm_object_deallocate(object);
		return NULL;
	}
	ipc_kernel_port_set_no_senders(port, memory_no_senders);
	return ipc_port_make_send(port);
}

kern_return_t host_memory(host_t, vm_size_t size, struct ipc_port **memory)
{
	vm_object_t object;

	if (size == 0 || size > VM_MAX_ADDRESS)
		return KERN_INVALID_ARGUMENT;
	object = vm_object_create(current_account(), round_page(size));
	if (object == NULL)
		return KERN_RESOURCE_SHORTAGE;
	object->shared = true;
	*memory = vm_object_port(object);
	return *memory == NULL ? KERN_RESOURCE_SHORTAGE : KERN_SUCCESS;
}

/* The object behind a port, with a reference; the right is borrowed. */
static kern_return_t object_of_port(struct ipc_port *port, vm_offset_t offset, vm_size_t size, vm_object_t *out)
{
	vm_object_t object = ipc_kernel_port_lookup(port, IKOT_MEMORY, memory_object_referenced);

	if (object != NULL) {
		if (!object->sized &&
			offset + size > (object->physical_size != 0 ? object->physical_size : object->size)) {
			vm_object_deallocate(object);
			return KERN_INVALID_ARGUMENT;
		}
		*out = object;
		return KERN_SUCCESS;
	}
	return memory_object_enter(port, out);
}

/*
 * copy: writes go to private pages; what others write to the object is seen in pages not written yet (Linux's
 * MAP_PRIVATE), whatever the object's copy strategy. The port is consumed on success.
 */
kern_return_t vm_map(vm_map_t map, vm_address_t *address, vm_size_t size, vm_address_t mask, boolean_t anywhere,
	struct ipc_port *memory_object, vm_offset_t offset, boolean_t copy, vm_prot_t cur_protection,
	vm_prot_t max_protection, vm_inherit_t inheritance)
{
	const struct vm_map_attributes attributes = {.protection = cur_protection,
		.max_protection = max_protection,
		.inheritance = inheritance,
		.needs_copy = copy && memory_object != NULL};
	vm_object_t object = NULL;
	vm_offset_t end;
	kern_return_t result;

	if (((cur_protection | max_protection) & ~VM_PROT_ALL) != 0 ||
		(cur_protection & ~max_protection) != 0 || inheritance > VM_INHERIT_NONE)
		return KERN_INVALID_ARGUMENT;
	if (size == 0 || (offset & VM_PAGE_MASK) != 0 || !checked_add(offset, size, &end) ||
		end > UINT64_MAX - VM_PAGE_MASK)
		return KERN_INVALID_ARGUMENT;
	size = round_page(size);
	if (memory_object != NULL) {
		result = object_of_port(memory_object, offset, size, &object);
		if (result != KERN_SUCCESS)
			return result;
	}
	result = vm_map_enter(map, address, size, mask, anywhere & VM_FLAGS_ANYWHERE, object,
		object == NULL ? 0 : offset, &attributes);
	if (result != KERN_SUCCESS)
		vm_object_deallocate(object);
	else
		ipc_port_release_send(memory_object);
	return result;
}

/*
 * Returns when the pagers have freed the pages they were sent, which they do when they have written them; KERN_TIMEDOUT
 * when one does nothing for too long. Private pages stay where they are. Run again after a wait it goes on waiting and
 * sends nothing again: what a pager has refused meanwhile is dirty, and would be for ever.
 */
#define MSYNC_SENT 1 /* with where it has come to: what is there has been sent */

kern_return_t vm_msync(vm_map_t map, vm_address_t address, vm_size_t size, boolean_t invalidate)
{
	vm_address_t start, at, end;
	kern_return_t result;
	bool sent;

	if (!checked_page_range(address, size, &at, &end))
		return KERN_INVALID_ARGUMENT;
	lock_acquire(&map->lock);
	result = vm_map_check(map, at, end, VM_PROT_NONE);
	start = at;
	at = piece_resume(map, start, end);
	sent = (at & MSYNC_SENT) != 0;
	at -= sent;
	while (result == KERN_SUCCESS && at < end) {
		struct vm_map_entry *entry = vm_map_lookup(map, at);
		vm_address_t stop;
		vm_object_t object;

		if (entry == NULL || entry->start >= end)
			break;
		at = at > entry->start ? at : entry->start;
		stop = end < entry->end ? end : entry->end;
		object = entry->object;
		if (object != NULL && object->pager != NULL) {
			vm_offset_t first = entry->offset + (at - entry->start);

			vm_object_reference(object);
			lock_release(&map->lock);
			lock_acquire(&object->lock);
			if (!sent)
				result = memory_object_clean(
					object, first, first + (stop - at), MEMORY_OBJECT_RETURN_DIRTY, invalidate);
			lock_release(&object->lock);
			if (result == KERN_SUCCESS) {
				result = memory_object_wait_returned(object);
				if (result == KERN_RESTART)
					piece_stop(map, start, end, at | MSYNC_SENT);
			}
			if (result == KERN_SUCCESS) {
				lock_acquire(&object->lock);
				result = object->pager->refused;
				object->pager->refused = KERN_SUCCESS;
				lock_release(&object->lock);
			}
			vm_object_deallocate(object);
			lock_acquire(&map->lock);
		}
		at = stop;
		sent = false;
	}
	lock_release(&map->lock);
	return result;
}
