/* The memory-object protocol: requests, answers and failures, caching, locks, ends of objects. */
#include "file_pager.h"
#include <task/host.h>
#include <kern/processor.h>
#include <stdlib.h>
#include <string.h>
#include <stubs/mach_server.h>
#include <stubs/portolan_server.h>
#include <vm/pmap.h>
#include <vm/vm_copy.h>

static struct pager pager;

static void read_and_write(bool moving)
{
	vm_address_t shared, other;
	kern_return_t error = KERN_SUCCESS;

	pager_make(&pager);
	pager.task = moving ? task_b : NULL;
	shared = map_file(task_a, &pager, FILE_PAGES, false);
	for (unsigned i = 0; i < FILE_PAGES; i++) {
		uint8_t *byte = touch(task_a, &pager, shared + i * VM_PAGE_SIZE + 77, VM_PROT_READ, &error);

		CHECK(byte != NULL && *byte == i + 1);
	}
	/* Read in order: 4, 8, then 16 pages at a time. */
	CHECK_EQUAL(pager.pages_asked, FILE_PAGES);
	CHECK(pager.requests <= FILE_PAGES / 16 + 2);
	other = map_file(task_b, &pager, FILE_PAGES, false);
	*touch(task_a, &pager, shared + 5 * VM_PAGE_SIZE, VM_PROT_WRITE, &error) = 200;
	CHECK_EQUAL(*touch(task_b, &pager, other + 5 * VM_PAGE_SIZE, VM_PROT_READ, &error), 200);
	/* It waits for the pager to free the page. */
	CHECK_EQUAL(vm_msync(task_a->map, shared, FILE_PAGES * VM_PAGE_SIZE, false), KERN_RESTART);
	CHECK(host_waits(current_thread()));
	serve(&pager);
	CHECK(!host_waits(current_thread()));
	CHECK_EQUAL(vm_msync(task_a->map, shared, FILE_PAGES * VM_PAGE_SIZE, false), KERN_SUCCESS);
	CHECK_EQUAL(pager.pages_returned, 1);
	CHECK_EQUAL(pager.file[5][0], 200);
	CHECK_EQUAL(pager.file[5][1], 6);
	/* Clean now; a second write is found again. */
	CHECK_EQUAL(vm_msync(task_a->map, shared, FILE_PAGES * VM_PAGE_SIZE, false), KERN_SUCCESS);
	serve(&pager);
	CHECK_EQUAL(pager.pages_returned, 1);
	*touch(task_b, &pager, other + 6 * VM_PAGE_SIZE, VM_PROT_WRITE, &error) = 201;
	unmap(task_a, shared, FILE_PAGES);
	CHECK_EQUAL(pager.terminated, 0);
	unmap(task_b, other, FILE_PAGES);
	serve(&pager);
	CHECK_EQUAL(pager.terminated, 1);
	CHECK_EQUAL(pager.file[6][0], 201);
	CHECK_EQUAL(pager.pages_returned, 2);
	pager_end(&pager);
	world_check_accounts();
	host_report(moving ? "a pager's pages are moved, shared, and come back when dirty"
			   : "a pager's data is read, shared, and comes back when dirty");
}

static void private_mapping(void)
{
	vm_address_t shared, own;
	kern_return_t error = KERN_SUCCESS;
	vm_map_copy_t copy;
	uint8_t bytes[2];

	pager_make(&pager);
	shared = map_file(task_a, &pager, 8, false);
	own = map_file(task_b, &pager, 8, true);
	*touch(task_b, &pager, own + VM_PAGE_SIZE, VM_PROT_WRITE, &error) = 99;
	CHECK_EQUAL(*touch(task_b, &pager, own + VM_PAGE_SIZE + 1, VM_PROT_READ, &error), 2);
	CHECK_EQUAL(*touch(task_a, &pager, shared + VM_PAGE_SIZE, VM_PROT_READ, &error), 2);
	*touch(task_a, &pager, shared + VM_PAGE_SIZE, VM_PROT_WRITE, &error) = 55;
	CHECK_EQUAL(*touch(task_b, &pager, own + VM_PAGE_SIZE, VM_PROT_READ, &error), 99);
	/* A snapshot of the pager's memory does not change with it. */
	current_thread()->task = task_a;
	while ((error = vm_map_copyin(task_a->map, shared, 4 * VM_PAGE_SIZE, false, &copy)) == KERN_RESTART)
		serve(&pager);
	CHECK_EQUAL(error, KERN_SUCCESS);
	*touch(task_a, &pager, shared + VM_PAGE_SIZE, VM_PROT_WRITE, &error) = 56;
	vm_map_copy_read(copy, VM_PAGE_SIZE, bytes, 2);
	CHECK_EQUAL(bytes[0], 55);
	CHECK_EQUAL(bytes[1], 2);
	vm_map_copy_discard(copy);
	unmap(task_b, own, 8);
	unmap(task_a, shared, 8);
	serve(&pager);
	CHECK_EQUAL(pager.file[1][0], 56);
	pager_end(&pager);
	world_check_accounts();
	host_report("private mappings and snapshots of a pager's object keep their bytes");
}

static void errors(void)
{
	vm_address_t address;
	kern_return_t error = KERN_SUCCESS;

	pager_make(&pager);
	address = map_file(task_a, &pager, FILE_PAGES + 8, false);
	CHECK(touch(task_a, &pager, address + (FILE_PAGES + 2) * VM_PAGE_SIZE, VM_PROT_READ, &error) == NULL);
	CHECK_EQUAL(error, KERN_FAILURE);
	/* The last pages of the file are there though the request went beyond. */
	CHECK(touch(task_a, &pager, address + (FILE_PAGES - 1) * VM_PAGE_SIZE, VM_PROT_READ, &error) != NULL);
	/* After a while the pager is asked again. */
	pager.requests = 0;
	CHECK(touch(task_a, &pager, address + (FILE_PAGES + 2) * VM_PAGE_SIZE, VM_PROT_READ, &error) == NULL);
	CHECK_EQUAL(pager.requests, 0);
	host_now += PAGER_ERROR_NS + 1;
	CHECK(touch(task_a, &pager, address + (FILE_PAGES + 2) * VM_PAGE_SIZE, VM_PROT_READ, &error) == NULL);
	CHECK_EQUAL(pager.requests, 1);
	unmap(task_a, address, FILE_PAGES + 8);
	pager_end(&pager);
	world_check_accounts();
	host_report("a pager's error reaches who asked, and does not last");

	/* No memory for the request itself: the pager is not dead for that. */
	pager_make(&pager);
	address = map_file(task_a, &pager, 8, false);
	CHECK(touch(task_a, &pager, address, VM_PROT_READ, &error) != NULL);
	pager.port->no_memory = true;
	CHECK(touch(task_a, &pager, address + 6 * VM_PAGE_SIZE, VM_PROT_READ, &error) == NULL);
	CHECK_EQUAL(error, KERN_RESOURCE_SHORTAGE);
	CHECK(!host_waits(current_thread()));
	pager.port->no_memory = false;
	host_now += PAGER_ERROR_NS + 1;
	CHECK(touch(task_a, &pager, address + 6 * VM_PAGE_SIZE, VM_PROT_READ, &error) != NULL);
	unmap(task_a, address, 8);
	pager_end(&pager);
	world_check_accounts();
	host_report("a request that there is no memory for costs who asked an error, and no more");
}

static void late(void)
{
	vm_address_t address;
	kern_return_t error = KERN_SUCCESS;

	pager_make(&pager);
	address = map_file(task_a, &pager, 8, false);
	touch(task_a, &pager, address, VM_PROT_READ, &error);
	pager.mute = true;
	CHECK(touch(task_a, &pager, address + 7 * VM_PAGE_SIZE, VM_PROT_READ, &error) == NULL);
	CHECK_EQUAL(error, KERN_RESTART);
	CHECK(host_waits(current_thread()));
	host_now += PAGER_DEADLINE_NS;
	host_expire();
	CHECK(!host_waits(current_thread()));
	CHECK(touch(task_a, &pager, address + 7 * VM_PAGE_SIZE, VM_PROT_READ, &error) == NULL);
	CHECK_EQUAL(error, KERN_MEMORY_ERROR);
	/* Other pages are served as before. */
	CHECK(touch(task_a, &pager, address, VM_PROT_READ, &error) != NULL);
	/* So is one that keeps what is returned to it. */
	*touch(task_a, &pager, address, VM_PROT_WRITE, &error) = 3;
	CHECK_EQUAL(vm_msync(task_a->map, address, 8 * VM_PAGE_SIZE, false), KERN_RESTART);
	host_now += PAGER_DEADLINE_NS;
	host_expire();
	CHECK_EQUAL(vm_msync(task_a->map, address, 8 * VM_PAGE_SIZE, false), KERN_TIMEDOUT);
	CHECK(!host_waits(current_thread()));
	/* An answer that comes after all is taken. */
	pager.mute = false;
	answer(&pager,
		&(struct pager_message){.kind = PAGER_REQUEST, .offset = 7 * VM_PAGE_SIZE, .length = VM_PAGE_SIZE});
	CHECK(touch(task_a, &pager, address + 7 * VM_PAGE_SIZE, VM_PROT_READ, &error) != NULL);
	unmap(task_a, address, 8);
	pager_end(&pager);
	world_check_accounts();
	host_report("a late pager costs its client an error after the deadline");
}

static void death(void)
{
	vm_address_t address;
	kern_return_t error = KERN_SUCCESS;

	pager_make(&pager);
	address = map_file(task_a, &pager, 8, false);
	*touch(task_a, &pager, address, VM_PROT_WRITE, &error) = 7;
	pager.mute = true;
	CHECK(touch(task_a, &pager, address + 6 * VM_PAGE_SIZE, VM_PROT_READ, &error) == NULL);
	CHECK(host_waits(current_thread()));
	world_port_die(pager.port);
	CHECK(!host_waits(current_thread()));
	CHECK(touch(task_a, &pager, address + 6 * VM_PAGE_SIZE, VM_PROT_READ, &error) == NULL);
	CHECK_EQUAL(error, KERN_MEMORY_FAILURE);
	/* What is there stays usable; what is not fails at once. */
	CHECK(touch(task_a, &pager, address, VM_PROT_READ, &error) != NULL);
	unmap(task_a, address, 8);
	CHECK(control_object(&pager) == NULL);
	ipc_port_release_send(pager.control);
	pager.control = NULL;
	pager_end(&pager);

	/* Asked to undo a lock. */
	pager_make(&pager);
	pager.lock_value = VM_PROT_WRITE;
	address = map_file(task_a, &pager, 8, false);
	CHECK(touch(task_a, &pager, address, VM_PROT_READ, &error) != NULL);
	current_thread()->task = task_a;
	CHECK_EQUAL(vm_fault(task_a->map, address, VM_PROT_WRITE), KERN_RESTART);
	CHECK(host_waits(current_thread()));
	world_port_die(pager.port);
	CHECK(!host_waits(current_thread()));
	CHECK_EQUAL(vm_fault(task_a->map, address, VM_PROT_WRITE), KERN_MEMORY_FAILURE);
	unmap(task_a, address, 8);
	ipc_port_release_send(pager.control);
	pager.control = NULL;
	pager_end(&pager);

	/* Dead before it was ready. */
	pager_make(&pager);
	pager.port->dead = true;
	ipc_port_copy_send(pager.port);
	address = 0;
	CHECK_EQUAL(vm_map(task_a->map, &address, VM_PAGE_SIZE, 0, true, pager.port, 0, false, VM_PROT_READ,
			    VM_PROT_READ, VM_INHERIT_COPY),
		KERN_INVALID_ARGUMENT);
	ipc_port_release_send(pager.port); /* as the stub does with what was not consumed */
	pager_end(&pager);
	world_check_accounts();
	host_report("a dead pager's clients get errors, and nothing waits");
}

static void caching(void)
{
	vm_address_t address;
	kern_return_t error = KERN_SUCCESS;

	pager_make(&pager);
	pager.may_cache = true;
	address = map_file(task_a, &pager, 8, false);
	*touch(task_a, &pager, address, VM_PROT_WRITE, &error) = 77;
	unmap(task_a, address, 8);
	serve(&pager);
	CHECK_EQUAL(pager.terminated, 0);
	pager.requests = 0;
	address = map_file(task_a, &pager, 8, false);
	CHECK_EQUAL(*touch(task_a, &pager, address, VM_PROT_READ, &error), 77);
	CHECK_EQUAL(pager.requests, 0);
	unmap(task_a, address, 8);
	CHECK(memory_object_uncache_one());
	serve(&pager);
	CHECK_EQUAL(pager.terminated, 1);
	CHECK_EQUAL(pager.file[0][0], 77);
	pager_end(&pager);

	/* A cached object goes when its pager says so. */
	pager_make(&pager);
	pager.may_cache = true;
	address = map_file(task_a, &pager, 8, false);
	touch(task_a, &pager, address, VM_PROT_READ, &error);
	unmap(task_a, address, 8);
	vm_object_t object = control_object(&pager);
	CHECK_EQUAL(memory_object_change_attributes(object, false, MEMORY_OBJECT_COPY_DELAY, NULL), KERN_SUCCESS);
	vm_object_deallocate(object);
	serve(&pager);
	CHECK_EQUAL(pager.terminated, 1);
	pager_end(&pager);
	world_check_accounts();
	host_report("an unused object stays with its pages while its pager allows it");
}

/* A lock on a page that was asked for holds when zeros come, or an error: the error is then of that access only. */
static void locked_before_they_come(void)
{
	vm_address_t address;
	kern_return_t error = KERN_SUCCESS;
	vm_object_t object;
	struct pager_message *message;

	pager_make(&pager);
	address = map_file(task_a, &pager, 8, false);
	CHECK(touch(task_a, &pager, address + 7 * VM_PAGE_SIZE, VM_PROT_READ, &error) != NULL);
	object = control_object(&pager);

	CHECK_EQUAL(vm_fault(task_a->map, address, VM_PROT_READ), KERN_RESTART);
	message = world_receive(pager.port);
	CHECK(message != NULL && message->kind == PAGER_REQUEST);
	CHECK_EQUAL(memory_object_lock_request(
			    object, 0, message->length, MEMORY_OBJECT_RETURN_NONE, false, VM_PROT_WRITE, NULL),
		KERN_SUCCESS);
	CHECK_EQUAL(memory_object_data_unavailable(object, 0, message->length), KERN_SUCCESS);
	free(message);
	CHECK_EQUAL(vm_fault(task_a->map, address, VM_PROT_READ), KERN_SUCCESS);
	CHECK(pmap_host_access(task_a->map->pmap, address, VM_PROT_READ) != NULL);
	CHECK(pmap_host_access(task_a->map->pmap, address, VM_PROT_WRITE) == NULL);

	/* The pager has no room: the page goes, and its next request is answered by an error for writers. */
	CHECK_EQUAL(vm_fault(task_a->map, address, VM_PROT_WRITE), KERN_RESTART);
	message = world_receive(pager.port);
	CHECK(message != NULL && message->kind == PAGER_UNLOCK && message->length == VM_PAGE_SIZE);
	free(message);
	CHECK_EQUAL(memory_object_lock_request(
			    object, 0, VM_PAGE_SIZE, MEMORY_OBJECT_RETURN_NONE, true, VM_PROT_NO_CHANGE, NULL),
		KERN_SUCCESS);
	CHECK_EQUAL(vm_fault(task_a->map, address, VM_PROT_WRITE), KERN_RESTART);
	message = world_receive(pager.port);
	CHECK(message != NULL && message->kind == PAGER_REQUEST && (message->access & VM_PROT_WRITE) != 0);
	CHECK_EQUAL(memory_object_lock_request(
			    object, 0, message->length, MEMORY_OBJECT_RETURN_NONE, false, VM_PROT_WRITE, NULL),
		KERN_SUCCESS);
	CHECK_EQUAL(memory_object_data_error(object, 0, message->length, KERN_NO_SPACE), KERN_SUCCESS);
	free(message);
	CHECK_EQUAL(vm_fault(task_a->map, address, VM_PROT_WRITE), KERN_NO_SPACE);
	CHECK(touch(task_a, &pager, address, VM_PROT_READ, &error) != NULL);
	vm_object_deallocate(object);
	unmap(task_a, address, 8);
	pager_end(&pager);
	host_report("what a pager locks before it answers comes locked");
}

static void lock_requests(void)
{
	vm_address_t address;
	kern_return_t error = KERN_SUCCESS;
	struct ipc_port *reply = world_port();
	struct pager_message *message;
	vm_object_t object;

	pager_make(&pager);
	pager.lock_value = VM_PROT_WRITE;
	address = map_file(task_a, &pager, 8, false);
	CHECK(touch(task_a, &pager, address, VM_PROT_READ, &error) != NULL);
	CHECK(pmap_host_access(task_a->map->pmap, address, VM_PROT_WRITE) == NULL);
	*touch(task_a, &pager, address, VM_PROT_WRITE, &error) = 50; /* unlocked by data_unlock */
	*touch(task_a, &pager, address + VM_PAGE_SIZE, VM_PROT_WRITE, &error) = 51;

	/* Clean and keep, locked against writing again. */
	object = control_object(&pager);
	CHECK_EQUAL(memory_object_lock_request(
			    object, 0, 8 * VM_PAGE_SIZE, MEMORY_OBJECT_RETURN_DIRTY, false, VM_PROT_WRITE, reply),
		KERN_SUCCESS);
	serve(&pager);
	message = world_receive(reply);
	CHECK(message != NULL && message->kind == PAGER_COMPLETED && message->length == 8 * VM_PAGE_SIZE);
	free(message);
	CHECK_EQUAL(pager.returns, 1);
	CHECK_EQUAL(pager.pages_returned, 2);
	CHECK_EQUAL(pager.file[1][0], 51);
	CHECK(pmap_host_access(task_a->map->pmap, address, VM_PROT_WRITE) == NULL);
	CHECK(pmap_host_access(task_a->map->pmap, address, VM_PROT_READ) != NULL);

	/* All that there is, whether changed or not: each page once. */
	CHECK_EQUAL(memory_object_lock_request(
			    object, 0, 8 * VM_PAGE_SIZE, MEMORY_OBJECT_RETURN_ALL, false, VM_PROT_NO_CHANGE, NULL),
		KERN_SUCCESS);
	serve(&pager);
	CHECK(object->resident >= 2);
	CHECK_EQUAL(pager.pages_returned, 2 + object->resident);
	pager.pages_returned = 2;

	/* Flush: gone from the map, read again. */
	memset(pager.file[0], 88, VM_PAGE_SIZE);
	CHECK_EQUAL(memory_object_lock_request(
			    object, 0, 8 * VM_PAGE_SIZE, MEMORY_OBJECT_RETURN_DIRTY, true, VM_PROT_NO_CHANGE, NULL),
		KERN_SUCCESS);
	CHECK_EQUAL(object->resident, 0);
	CHECK_EQUAL(*touch(task_a, &pager, address, VM_PROT_READ, &error), 88);
	CHECK_EQUAL(pager.pages_returned, 2);

	/* Bad ranges. */
	CHECK_EQUAL(memory_object_lock_request(object, UINT64_MAX - 10, 100, MEMORY_OBJECT_RETURN_ALL, true, 0, NULL),
		KERN_INVALID_ARGUMENT);
	vm_object_deallocate(object);
	unmap(task_a, address, 8);
	pager_end(&pager);
	free(reply);
	world_check_accounts();
	host_report("lock requests clean, flush and lock, and say when they are done");
}

/* The end of a file in the middle of a page: nobody sees what the page held before. */
static void short_supply(void)
{
	enum { BYTES = 100 };
	vm_address_t address;
	kern_return_t error = KERN_SUCCESS;
	vm_object_t object;

	pager_make(&pager);
	address = map_file(task_a, &pager, 8, false);
	CHECK(touch(task_a, &pager, address + 4 * VM_PAGE_SIZE, VM_PROT_READ, &error) != NULL);
	pager.mute = true;
	CHECK(touch(task_a, &pager, address, VM_PROT_READ, &error) == NULL);
	object = control_object(&pager);
	CHECK_EQUAL(
		memory_object_data_supply(object, 0, data_of(&pager, 0, BYTES), BYTES, pager.lock_value, false, NULL),
		KERN_SUCCESS);
	CHECK_EQUAL(*touch(task_a, &pager, address + BYTES - 1, VM_PROT_READ, &error), 1);
	for (unsigned at = BYTES; at < VM_PAGE_SIZE; at++)
		CHECK_EQUAL(*touch(task_a, &pager, address + at, VM_PROT_READ, &error), 0);
	vm_object_deallocate(object);
	unmap(task_a, address, 8);
	pager_end(&pager);
	host_report("behind the end of short data are zeros");
}

/* More of nothing than there is memory: a user's pager takes what users may, and servers and the kernel have theirs. */
static void hollow_supply(void)
{
	struct account *before = world_pager_account;
	vm_address_t address, hollow = 0;
	kern_return_t error = KERN_SUCCESS;
	vm_map_copy_t data = NULL;
	struct vm_page *page;
	vm_object_t object;
	vm_size_t size;

	world_pager_account = task_b->account;
	pager_make(&pager);
	address = map_file(task_a, &pager, 8, false);
	CHECK(touch(task_a, &pager, address, VM_PROT_READ, &error) != NULL);
	object = control_object(&pager);
	size = (vm_page_counts.free + 1) * VM_PAGE_SIZE;
	CHECK_EQUAL(vm_allocate(task_b->map, &hollow, size, true), KERN_SUCCESS);
	CHECK_EQUAL(vm_map_copyin(task_b->map, hollow, size, true, &data), KERN_SUCCESS);
	CHECK_EQUAL(memory_object_data_supply(object, 0, data, 0, VM_PROT_NONE, true, NULL), KERN_SUCCESS);
	page = vm_page_grab_for(&kernel_account, VM_PAGE_FOR_SERVER, false);
	CHECK(page != NULL);
	if (page != NULL)
		vm_page_free(page);
	CHECK_EQUAL(memory_object_destroy(object, KERN_SUCCESS), KERN_SUCCESS);
	vm_object_deallocate(object);
	unmap(task_a, address, 8);
	pager_end(&pager);
	world_pager_account = before;
	unmap(task_b, hollow, (unsigned)(size / VM_PAGE_SIZE));
	world_check_accounts();
	host_report("a user's pager that supplies more than there is leaves servers their memory");
}

static void unavailable_and_destroy(void)
{
	vm_address_t address;
	kern_return_t error = KERN_SUCCESS;
	vm_object_t object;

	pager_make(&pager);
	address = map_file(task_a, &pager, 8, false);
	CHECK(touch(task_a, &pager, address + 4 * VM_PAGE_SIZE, VM_PROT_READ, &error) != NULL);
	pager.mute = true;
	CHECK(touch(task_a, &pager, address, VM_PROT_READ, &error) == NULL);
	object = control_object(&pager);
	CHECK_EQUAL(memory_object_data_unavailable(object, 0, 4 * VM_PAGE_SIZE), KERN_SUCCESS);
	CHECK_EQUAL(*touch(task_a, &pager, address, VM_PROT_READ, &error), 0);
	CHECK_EQUAL(*touch(task_a, &pager, address + 4 * VM_PAGE_SIZE, VM_PROT_READ, &error), 5);
	CHECK_EQUAL(memory_object_destroy(object, KERN_SUCCESS), KERN_SUCCESS);
	CHECK(touch(task_a, &pager, address, VM_PROT_READ, &error) == NULL);
	CHECK_EQUAL(error, KERN_MEMORY_FAILURE);
	vm_object_deallocate(object);
	unmap(task_a, address, 8);
	pager_end(&pager);
	world_check_accounts();
	host_report("unavailable data reads as zeros, a destroyed object fails");
}

void test_requests(void)
{
	read_and_write(false);
	read_and_write(true);
	private_mapping();
	errors();
	late();
	death();
	caching();
	lock_requests();
	short_supply();
	hollow_supply();
	locked_before_they_come();
	unavailable_and_destroy();
}
