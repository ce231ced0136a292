/* Page-out when memory is short, and pagers that take over from one that has ended. */
#include "file_pager.h"
#include <task/host.h>
#include <kern/processor.h>
#include <stdlib.h>
#include <stubs/mach_server.h>
#include <stubs/portolan_server.h>
#include <vm/vm_copy.h>
#include <vm/vm_pageout.h>

static struct pager pager;

/* The page-out thread's continuation, run until it waits. */
static void run_pageout(void *argument)
{
	(void)argument;
	((continuation_t)host_processor->thread->continuation)(host_processor->thread);
}

static void page_out(struct thread *pageout_thread, struct thread *self)
{
	for (unsigned i = 0; i < 200; i++) {
		thread_go(pageout_thread, WAIT_AWAKENED);
		host_set_current(pageout_thread);
		host_call(run_pageout, NULL);
		host_set_current(self);
		if (host_waits(pageout_thread))
			return;
	}
	CHECK(!"page-out never rests");
}

void test_pageout(struct thread *pageout_thread)
{
	static struct pager big;
	struct thread *self = current_thread();
	vm_address_t file, memory = 0;
	uint64_t pages = vm_page_counts.free, i;
	kern_return_t error = KERN_SUCCESS;

	pager_make(&big);
	file = map_file(task_a, &big, FILE_PAGES, false);
	for (i = 0; i < FILE_PAGES; i++)
		*touch(task_a, &big, file + i * VM_PAGE_SIZE, VM_PROT_WRITE, &error) = (uint8_t)(100 + i);
	CHECK_EQUAL(vm_allocate(task_a->map, &memory, pages * VM_PAGE_SIZE, true), KERN_SUCCESS);
	for (i = 0; i < pages; i++) {
		if (world_access(task_a, memory + i * VM_PAGE_SIZE, VM_PROT_WRITE, &error) != NULL)
			continue;
		if (error != KERN_RESTART)
			break;
		page_out(pageout_thread, self);
		serve(&big);
		vm_page_balance();
		host_now += 1000000000;
		host_expire();
		if (!CHECK(!host_waits(self)))
			break;
		i--;
	}
	/* The file's pages went first but for the part that is kept, then the asker gets an error, and the reserve
	 * remains. */
	CHECK_EQUAL(error, KERN_RESOURCE_SHORTAGE);
	CHECK(big.pages_returned > 0 && big.pages_returned + vm_page_counts.total / 32 + 1 >= FILE_PAGES);
	CHECK(vm_page_counts.free >= vm_page_counts.total / 64);
	unmap(task_a, memory, (unsigned)pages);
	for (i = 0; i < FILE_PAGES; i++)
		CHECK_EQUAL(*touch(task_a, &big, file + i * VM_PAGE_SIZE, VM_PROT_READ, &error), (uint8_t)(100 + i));
	CHECK_EQUAL(*touch(task_a, &big, file + 9 * VM_PAGE_SIZE, VM_PROT_READ, &error), 109);
	unmap(task_a, file, FILE_PAGES);
	pager_end(&big);
	world_check_accounts();
	host_report("memory runs short: dirty pages go to their pager, then the asker gets an error");
}

/* The pages of a data_return, in the map of the pager's task, as its server loop has them before it writes them. */
static vm_address_t received(struct task *task)
{
	struct pager_message *message = world_receive(pager.port);
	vm_address_t address = 0;

	CHECK(message != NULL && message->kind == PAGER_RETURN);
	CHECK_EQUAL(vm_map_copyout(task->map, &address, message->data), KERN_SUCCESS);
	free(message);
	return address;
}

/* A pager's task ends in the middle of things, another takes its port over. */
void test_takeover(void)
{
	struct task *first = world_task();
	vm_address_t address, waiting;
	kern_return_t error = KERN_SUCCESS;
	struct ipc_port *old;
	vm_map_copy_t copy;
	vm_object_t object;

	CHECK_EQUAL(vm_map_create(first->account, &first->map), KERN_SUCCESS);
	first->account->level = VM_PAGE_FOR_SERVER;
	pager_make(&pager);
	address = map_file(task_a, &pager, 16, false);
	for (unsigned i = 0; i < 4; i++)
		*touch(task_a, &pager, address + i * VM_PAGE_SIZE, VM_PROT_WRITE, &error) = (uint8_t)(200 + i);
	/* Returned and received, not written: two that the kernel keeps, one that it dropped, one that is being sent
	 * on. */
	object = control_object(&pager);
	CHECK_EQUAL(memory_object_lock_request(
			    object, 0, 2 * VM_PAGE_SIZE, MEMORY_OBJECT_RETURN_DIRTY, false, VM_PROT_NO_CHANGE, NULL),
		KERN_SUCCESS);
	(void)received(first);
	CHECK_EQUAL(memory_object_lock_request(object, 2 * VM_PAGE_SIZE, VM_PAGE_SIZE, MEMORY_OBJECT_RETURN_DIRTY, true,
			    VM_PROT_NO_CHANGE, NULL),
		KERN_SUCCESS);
	(void)received(first);
	CHECK_EQUAL(memory_object_lock_request(object, 3 * VM_PAGE_SIZE, VM_PAGE_SIZE, MEMORY_OBJECT_RETURN_DIRTY, true,
			    VM_PROT_NO_CHANGE, NULL),
		KERN_SUCCESS);
	waiting = received(first);
	CHECK_EQUAL(vm_map_copyin(first->map, waiting, VM_PAGE_SIZE, false, &copy), KERN_SUCCESS);
	/* Asked for and received, not answered. */
	CHECK(world_access(task_a, address + 9 * VM_PAGE_SIZE, VM_PROT_READ, &error) == NULL);
	CHECK_EQUAL(error, KERN_RESTART);
	free(world_receive(pager.port));
	CHECK_EQUAL(object->pager->returning, 3);

	memory_object_put_back(first->map);
	vm_map_terminate(first->map);
	vm_map_copy_discard(copy);
	CHECK_EQUAL(object->pager->returning, 0);
	CHECK_EQUAL(pager.file[2][0], 3);
	old = pager.control;
	world_receive_right = pager.port;
	CHECK_EQUAL(memory_object_take_over((ipc_space_t)task_a, 1), KERN_SUCCESS);
	serve(&pager);
	ipc_port_release_send(old);
	CHECK_EQUAL(*touch(task_a, &pager, address + 9 * VM_PAGE_SIZE, VM_PROT_READ, &error), 10);
	for (unsigned i = 0; i < 4; i++)
		CHECK_EQUAL(*touch(task_a, &pager, address + i * VM_PAGE_SIZE, VM_PROT_READ, &error), 200 + i);
	CHECK_EQUAL(memory_object_lock_request(
			    object, 0, 16 * VM_PAGE_SIZE, MEMORY_OBJECT_RETURN_DIRTY, false, VM_PROT_NO_CHANGE, NULL),
		KERN_SUCCESS);
	serve(&pager);
	for (unsigned i = 0; i < 4; i++)
		CHECK_EQUAL(pager.file[i][0], 200 + i);
	vm_object_deallocate(object);
	unmap(task_a, address, 16);
	serve(&pager);
	CHECK_EQUAL(memory_object_take_over((ipc_space_t)task_a, 1), KERN_ABSENT);
	pager_end(&pager);
	world_task_end(first);
	host_report("what a pager had not done when its task ended is asked of the next");
}
