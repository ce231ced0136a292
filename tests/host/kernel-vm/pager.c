/* Pagers and what they serve: the tests of file_pager.h, physical memory; at the end nothing is lost. */
#include "file_pager.h"
#include <task/host.h>
#include <kern/processor.h>
#include <stubs/mach_server.h>
#include <stubs/portolan_server.h>
#include <vm/vm_pageout.h>
#include <vm/vm_copy.h>

static void physical_and_dma(void)
{
	vm_address_t address = 0, mapped = 0;
	uint64_t physical = 0;
	vm_object_t object;
	kern_return_t error = KERN_SUCCESS;
	struct task *child = world_task();

	CHECK_EQUAL(vm_allocate_dma(3 * VM_PAGE_SIZE, &object, &physical), KERN_SUCCESS);
	CHECK_EQUAL(vm_map_enter(task_a->map, &address, 3 * VM_PAGE_SIZE, 0, true, object, 0,
			    &(struct vm_map_attributes){VM_PROT_DEFAULT, VM_PROT_DEFAULT, VM_INHERIT_NONE, false}),
		KERN_SUCCESS);
	for (unsigned i = 0; i < 3; i++)
		*(uint8_t *)world_access(task_a, address + i * VM_PAGE_SIZE, VM_PROT_WRITE, &error) = (uint8_t)(i + 1);
	CHECK_EQUAL(((uint8_t *)physical_to_virtual(physical))[2 * VM_PAGE_SIZE], 3);
	/* A fork and a message leave the device's pages where they are. */
	CHECK_EQUAL(vm_map_fork(task_a->map, child->account, &child->map), KERN_SUCCESS);
	vm_map_copy_t copy;
	CHECK_EQUAL(vm_map_copyin(task_a->map, address, 3 * VM_PAGE_SIZE, false, &copy), KERN_SUCCESS);
	*(uint8_t *)world_access(task_a, address, VM_PROT_WRITE, &error) = 9;
	CHECK_EQUAL(((uint8_t *)physical_to_virtual(physical))[0], 9);
	vm_map_copy_discard(copy);
	CHECK(world_access(child, address, VM_PROT_READ, &error) == NULL);

	object = vm_object_physical(&kernel_account, physical, 3 * VM_PAGE_SIZE, true);
	CHECK_EQUAL(vm_map_enter(task_b->map, &mapped, 3 * VM_PAGE_SIZE, 0, true, object, 0,
			    &(struct vm_map_attributes){VM_PROT_DEFAULT, VM_PROT_DEFAULT, VM_INHERIT_SHARE, false}),
		KERN_SUCCESS);
	CHECK_EQUAL(*(uint8_t *)world_access(task_b, mapped, VM_PROT_READ, &error), 9);
	unmap(task_b, mapped, 3);
	unmap(task_a, address, 3);
	world_task_end(child);
	world_check_accounts();
	host_report("physical and DMA memory");
}

int main(void)
{
	struct thread *self, *pageout_thread;
	uint64_t free_pages;
	size_t objects;

	world_start(16 << 20);
	self = current_thread();
	vm_pageout_start();
	pageout_thread = host_last_thread();
	task_a = world_task();
	task_b = world_task();
	CHECK_EQUAL(vm_map_create(task_a->account, &task_a->map), KERN_SUCCESS);
	CHECK_EQUAL(vm_map_create(task_b->account, &task_b->map), KERN_SUCCESS);
	self->task = task_a;
	free_pages = vm_page_counts.free;
	objects = host_kalloc_used;

	test_requests();
	test_pageout(pageout_thread);
	test_copies();
	test_takeover();
	test_forward();
	physical_and_dma();
	CHECK_EQUAL(vm_page_counts.free, free_pages);
	CHECK_EQUAL(vm_page_counts.active + vm_page_counts.inactive, 0);
	CHECK_EQUAL(host_kalloc_used, objects);
	world_task_end(task_a);
	world_task_end(task_b);
	world_check_no_accounts();
	host_report("nothing is lost");
	return host_result();
}
