/* The routines of device.defs about I/O ports and memory. */
#include <ipc/ipc.h>
#include <kern/checked.h>
#include <kern/kalloc.h>
#include <kern/task.h>
#include <string.h>
#include <stubs/device_server.h>
#include <task/host.h>
#include <vm/vm.h>
#include <x86_64/cpu.h>

#define PORTS          65536u
#define PHYSICAL_LIMIT (1ull << 46)

kern_return_t device_io_ports(host_t, task_t target_task, unsigned first, unsigned last)
{
	uint8_t *bitmap, *fresh = NULL;

	if (first > last || last >= PORTS)
		return KERN_INVALID_ARGUMENT;
	if (target_task->io_bitmap == NULL) {
		fresh = kalloc(target_task->account, PORTS / 8);
		if (fresh == NULL)
			return KERN_RESOURCE_SHORTAGE;
		memset(fresh, 0xff, PORTS / 8);
	}
	lock_acquire(&target_task->lock);
	if (target_task->io_bitmap == NULL && fresh != NULL) {
		target_task->io_bitmap = fresh;
		fresh = NULL;
	}
	bitmap = target_task->io_bitmap;
	for (unsigned port = first; port <= last; port++)
		bitmap[port / 8] &= (uint8_t) ~(1u << port % 8);
	lock_release(&target_task->lock);
	kfree(target_task->account, fresh, PORTS / 8);
	/* Copied again at the task's next fault on a port. */
	if (current_processor()->io_task == target_task)
		io_bitmap_drop();
	return KERN_SUCCESS;
}

kern_return_t device_physical(
	host_t, uint64_t address, vm_size_t size, boolean_t cached, struct ipc_port **object)
{
	uint64_t start, end;
	vm_object_t memory;

	if (size == 0 || !checked_page_range(address, size, &start, &end) || end > PHYSICAL_LIMIT)
		return KERN_INVALID_ARGUMENT;
	if (memory_is_ram(start, end))
		return KERN_NO_ACCESS;
	memory = vm_object_physical(current_account(), start, end - start, cached);
	if (memory == NULL)
		return KERN_RESOURCE_SHORTAGE;
	*object = vm_object_port(memory);
	return *object == NULL ? KERN_RESOURCE_SHORTAGE : KERN_SUCCESS;
}

kern_return_t device_dma_memory(host_t, vm_size_t size, struct ipc_port **memory, uint64_t *physical)
{
	vm_object_t object;
	kern_return_t result = vm_allocate_dma(size, &object, physical);

	if (result != KERN_SUCCESS)
		return result;
	*memory = vm_object_port(object);
	return *memory == NULL ? KERN_RESOURCE_SHORTAGE : KERN_SUCCESS;
}
