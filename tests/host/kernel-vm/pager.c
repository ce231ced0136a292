/* Pagers: the memory-object protocol with a scripted pager, its failures, caching, page-out, and the copying traps. */
#include "world.h"
#include <kern/host.h>
#include <kern/processor.h>
#include <mach/trap.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <stubs/mach_server.h>
#include <stubs/portolan_server.h>
#include <vm/pmap.h>
#include <vm/vm_copy.h>

#define FILE_PAGES 192

/* A pager with one file; requests are answered by serve(). */
struct pager {
	struct ipc_port *port;
	struct ipc_port *control;
	uint8_t file[FILE_PAGES][VM_PAGE_SIZE];
	unsigned requests, pages_asked, returns, pages_returned, terminated, completions;
	bool may_cache;
	vm_prot_t lock_value;
	bool mute;         /* answers nothing */
	struct task *task; /* sends data from its memory; null: the kernel's bytes */
};

static struct task *task_a, *task_b;

static void pager_make(struct pager *pager)
{
	memset(pager, 0, sizeof(*pager));
	pager->port = world_port();
	for (unsigned i = 0; i < FILE_PAGES; i++)
		memset(pager->file[i], (int)(i + 1), VM_PAGE_SIZE);
}

static vm_object_t control_object(struct pager *pager)
{
	return pager->control == NULL ? NULL : convert_port_to_object(pager->control);
}

static vm_map_copy_t data_of(struct pager *pager, unsigned page, vm_size_t size)
{
	vm_address_t address = 0;
	vm_map_copy_t copy = NULL;

	if (pager->task == NULL)
		return vm_map_copy_from_kernel(pager->file[page], size);
	CHECK_EQUAL(vm_allocate(pager->task->map, &address, size, true), KERN_SUCCESS);
	for (vm_offset_t at = 0; at < size; at += VM_PAGE_SIZE) {
		kern_return_t error = KERN_SUCCESS;
		void *bytes = world_access(pager->task, address + at, VM_PROT_WRITE, &error);

		memcpy(bytes, pager->file[page] + at, VM_PAGE_SIZE);
	}
	CHECK_EQUAL(vm_map_copyin(pager->task->map, address, size, true, &copy), KERN_SUCCESS);
	return copy;
}

static void answer(struct pager *pager, struct pager_message *message)
{
	vm_object_t object;
	unsigned first = (unsigned)(message->offset / VM_PAGE_SIZE), count = (unsigned)(message->length / VM_PAGE_SIZE);

	switch (message->kind) {
	case PAGER_INIT:
		pager->control = message->control;
		object = control_object(pager);
		CHECK_EQUAL(memory_object_ready(object, pager->may_cache, MEMORY_OBJECT_COPY_DELAY), KERN_SUCCESS);
		vm_object_deallocate(object);
		break;
	case PAGER_TERMINATE:
		pager->terminated++;
		CHECK(control_object(pager) == NULL);
		ipc_port_release_send(pager->control);
		pager->control = NULL;
		break;
	case PAGER_REQUEST:
		pager->requests++;
		pager->pages_asked += count;
		if (pager->mute)
			break;
		object = control_object(pager);
		if (first >= FILE_PAGES) {
			CHECK_EQUAL(memory_object_data_error(object, message->offset, message->length, KERN_FAILURE),
				KERN_SUCCESS);
		} else {
			if (first + count > FILE_PAGES) {
				memory_object_data_error(object, FILE_PAGES * VM_PAGE_SIZE,
					(first + count - FILE_PAGES) * VM_PAGE_SIZE, KERN_FAILURE);
				count = FILE_PAGES - first;
			}
			CHECK_EQUAL(memory_object_data_supply(object, message->offset,
					    data_of(pager, first, count * VM_PAGE_SIZE), count * VM_PAGE_SIZE,
					    pager->lock_value, false, NULL),
				KERN_SUCCESS);
		}
		vm_object_deallocate(object);
		break;
	case PAGER_UNLOCK:
		object = control_object(pager);
		memory_object_lock_request(
			object, message->offset, message->length, MEMORY_OBJECT_RETURN_NONE, false, VM_PROT_NONE, NULL);
		vm_object_deallocate(object);
		break;
	case PAGER_RETURN:
		pager->returns++;
		pager->pages_returned += count;
		CHECK_EQUAL(vm_map_copy_size(message->data), message->length);
		vm_map_copy_read(message->data, 0, pager->file[first], message->length);
		vm_map_copy_discard(message->data);
		break;
	case PAGER_COMPLETED:
		pager->completions++;
		break;
	}
}

/* Takes all messages of a pager. */
static void serve(struct pager *pager)
{
	struct pager_message *message;

	while ((message = world_receive(pager->port)) != NULL) {
		answer(pager, message);
		free(message);
	}
}

/* A program's access that the pager serves. Null when it fails. */
static uint8_t *touch(
	struct task *task, struct pager *pager, vm_address_t address, vm_prot_t access, kern_return_t *error)
{
	struct thread *self = current_thread();

	self->task = task;
	for (unsigned i = 0; i < 20; i++) {
		uint8_t *byte = world_access(task, address, access, error);

		if (byte != NULL)
			return byte;
		if (*error != KERN_RESTART)
			return NULL;
		serve(pager);
		if (host_waits(self)) {
			CHECK(pager->mute);
			return NULL;
		}
	}
	CHECK(!"the fault never ends");
	return NULL;
}

static vm_address_t map_file(struct task *task, struct pager *pager, unsigned pages, bool copy)
{
	vm_address_t address = 0;

	ipc_port_copy_send(pager->port);
	CHECK_EQUAL(vm_map(task->map, &address, pages * VM_PAGE_SIZE, 0, true, pager->port, 0, copy, VM_PROT_DEFAULT,
			    VM_PROT_ALL, VM_INHERIT_COPY),
		KERN_SUCCESS);
	return address;
}

static void unmap(struct task *task, vm_address_t address, unsigned pages)
{
	CHECK_EQUAL(vm_deallocate(task->map, address, pages * VM_PAGE_SIZE), KERN_SUCCESS);
}

static void pager_end(struct pager *pager)
{
	serve(pager);
	CHECK(pager->control == NULL);
	CHECK_EQUAL(pager->port->send_rights, 1);
	free(pager->port);
}

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
	CHECK(pmap_host_access(vm_map_pmap(task_a->map), address, VM_PROT_READ) != NULL);
	CHECK(pmap_host_access(vm_map_pmap(task_a->map), address, VM_PROT_WRITE) == NULL);

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
	CHECK(pmap_host_access(vm_map_pmap(task_a->map), address, VM_PROT_WRITE) == NULL);
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
	CHECK(pmap_host_access(vm_map_pmap(task_a->map), address, VM_PROT_WRITE) == NULL);
	CHECK(pmap_host_access(vm_map_pmap(task_a->map), address, VM_PROT_READ) != NULL);

	/* Flush: gone from the map, read again. */
	memset(pager.file[0], 88, VM_PAGE_SIZE);
	CHECK_EQUAL(memory_object_lock_request(
			    object, 0, 8 * VM_PAGE_SIZE, MEMORY_OBJECT_RETURN_DIRTY, true, VM_PROT_NO_CHANGE, NULL),
		KERN_SUCCESS);
	CHECK_EQUAL(object->resident, 0);
	CHECK_EQUAL(*touch(task_a, &pager, address, VM_PROT_READ, &error), 88);
	CHECK_EQUAL(pager.pages_returned, 2);

	/* Bad ranges and objects. */
	CHECK_EQUAL(memory_object_lock_request(object, UINT64_MAX - 10, 100, MEMORY_OBJECT_RETURN_ALL, true, 0, NULL),
		KERN_INVALID_ARGUMENT);
	CHECK_EQUAL(memory_object_lock_request(NULL, 0, 100, MEMORY_OBJECT_RETURN_ALL, true, 0, NULL),
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
	CHECK_EQUAL(memory_object_data_supply(
			    object, 0, data_of(&pager, 0, BYTES), BYTES, pager.lock_value, false, NULL),
		KERN_SUCCESS);
	CHECK_EQUAL(*touch(task_a, &pager, address + BYTES - 1, VM_PROT_READ, &error), 1);
	for (unsigned at = BYTES; at < VM_PAGE_SIZE; at++)
		CHECK_EQUAL(*touch(task_a, &pager, address + at, VM_PROT_READ, &error), 0);
	vm_object_deallocate(object);
	unmap(task_a, address, 8);
	pager_end(&pager);
	host_report("behind the end of short data are zeros");
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

static void memory_short(struct thread *pageout_thread)
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

static void traps(void)
{
	struct thread *self = current_thread();
	vm_address_t file, buffer = 0, done_at;
	kern_return_t error = KERN_SUCCESS;
	vm_size_t *done;
	uint64_t flags;

	pager_make(&pager);
	file = map_file(task_b, &pager, FILE_PAGES, false);
	CHECK_EQUAL(vm_allocate(task_a->map, &buffer, 64 * VM_PAGE_SIZE, true), KERN_SUCCESS);
	done_at = buffer + 60 * VM_PAGE_SIZE;
	done = (vm_size_t *)world_access(task_a, done_at, VM_PROT_WRITE, &error);
	*touch(task_b, &pager, file, VM_PROT_READ, &error) = 1;

	/* Without waiting: as far as pages are there. */
	self->task = task_a;
	self->regs.rdi = world_name(task_b);
	self->regs.rsi = file + 10;
	self->regs.rdx = 40 * VM_PAGE_SIZE;
	self->regs.r10 = buffer + 100;
	self->regs.r8 = VM_COPY_NOWAIT;
	self->regs.r9 = done_at;
	CHECK_EQUAL(vm_trap_read_overwrite(self), KERN_ABSENT);
	CHECK(!host_waits(self));
	CHECK_EQUAL(*done, 4 * VM_PAGE_SIZE - 10);
	CHECK_EQUAL(self->regs.r8, VM_COPY_NOWAIT);

	/* With waiting: restarted until all is copied; registers are as before. */
	self->regs.r8 = 0;
	for (unsigned i = 0; i < 40; i++) {
		int64_t result = vm_trap_read_overwrite(self);

		if (result == KERN_SUCCESS)
			break;
		CHECK_EQUAL(result, KERN_RESTART);
		serve(&pager);
		CHECK(!host_waits(self));
	}
	CHECK_EQUAL(*done, 40 * VM_PAGE_SIZE);
	CHECK_EQUAL(self->regs.r8, 0);
	for (unsigned i = 0; i < 40; i++)
		CHECK_EQUAL(*(uint8_t *)world_access(task_a, buffer + 90 + i * VM_PAGE_SIZE + 20, VM_PROT_READ, &error),
			i + 1);

	/* A write into a pager's page marks it dirty. */
	self->regs.rsi = file + 3 * VM_PAGE_SIZE;
	self->regs.r10 = buffer + 100;
	self->regs.rdx = 5;
	CHECK_EQUAL(vm_trap_write(self), KERN_SUCCESS);
	while (vm_msync(task_b->map, file, FILE_PAGES * VM_PAGE_SIZE, false) == KERN_RESTART)
		serve(&pager);
	CHECK_EQUAL(pager.file[3][0], 1);
	CHECK_EQUAL(pager.file[3][5], 4);

	/* Touched for writing, nothing is written: it is only writable, and a read cannot be that. */
	flags = self->regs.r8;
	self->regs.r8 = flags | VM_COPY_TOUCH;
	self->regs.r10 = buffer;
	CHECK_EQUAL(vm_trap_write(self), KERN_SUCCESS);
	CHECK_EQUAL(vm_trap_read_overwrite(self), KERN_INVALID_ARGUMENT);
	self->regs.r8 = flags;
	CHECK(pmap_host_access(vm_map_pmap(task_b->map), file + 3 * VM_PAGE_SIZE, VM_PROT_WRITE) != NULL);

	/* Wild arguments: an error, and how far it got. */
	self->regs.rsi = file + (FILE_PAGES - 1) * VM_PAGE_SIZE;
	self->regs.rdx = 2 * VM_PAGE_SIZE;
	for (unsigned i = 0; i < 4 && vm_trap_read_overwrite(self) == KERN_RESTART; i++)
		serve(&pager);
	CHECK_EQUAL(vm_trap_read_overwrite(self), KERN_INVALID_ADDRESS);
	CHECK_EQUAL(*done, VM_PAGE_SIZE);
	self->regs.rsi = 0xffff800000000000ull;
	CHECK_EQUAL(vm_trap_read_overwrite(self), KERN_INVALID_ADDRESS);
	self->regs.rsi = UINT64_MAX - 10;
	CHECK_EQUAL(vm_trap_read_overwrite(self), KERN_INVALID_ADDRESS);
	self->regs.rsi = file;
	self->regs.rdx = UINT64_MAX;
	CHECK_EQUAL(vm_trap_write(self), KERN_INVALID_ARGUMENT);
	self->regs.rdx = 10;
	self->regs.r9 = 1;
	CHECK_EQUAL(vm_trap_read_overwrite(self), KERN_INVALID_ADDRESS);
	self->regs.rdi = 4000;
	self->regs.r9 = 0;
	self->regs.r8 = 0;
	CHECK_EQUAL(vm_trap_read_overwrite(self), KERN_INVALID_TASK);
	unmap(task_b, file, FILE_PAGES);
	unmap(task_a, buffer, 64);
	pager_end(&pager);
	world_check_accounts();
	host_report("the copying traps copy, restart, stop at missing pages, and refuse wild arguments");
}

static void unaligned(void)
{
	static uint8_t big[5 * VM_PAGE_SIZE], back[5 * VM_PAGE_SIZE];
	vm_address_t address = 0, received;
	kern_return_t error = KERN_SUCCESS;
	vm_map_copy_t copy;

	for (unsigned i = 0; i < sizeof(big); i++)
		big[i] = (uint8_t)(i * 7 + i / 251);
	CHECK_EQUAL(vm_allocate(task_a->map, &address, sizeof(big), true), KERN_SUCCESS);
	for (unsigned i = 0; i < 5; i++)
		memcpy(world_access(task_a, address + i * VM_PAGE_SIZE, VM_PROT_WRITE, &error), big + i * VM_PAGE_SIZE,
			VM_PAGE_SIZE);
	for (unsigned round = 0; round < 60; round++) {
		vm_size_t first = host_random(sizeof(big)), size = 1 + host_random(sizeof(big) - first), at;

		CHECK_EQUAL(vm_map_copyin(task_a->map, address + first, size, false, &copy), KERN_SUCCESS);
		CHECK_EQUAL(vm_map_copy_size(copy), size);
		CHECK_EQUAL(vm_map_copy_read(copy, 0, back, size), KERN_SUCCESS);
		CHECK(memcmp(back, big + first, size) == 0);
		CHECK_EQUAL(vm_map_copy_read(copy, size, back, 1), KERN_INVALID_ARGUMENT);
		CHECK_EQUAL(vm_map_copyout(task_b->map, &received, copy), KERN_SUCCESS);
		CHECK_EQUAL((received ^ first) & VM_PAGE_MASK, 0);
		for (at = 0; at < size; at += VM_PAGE_SIZE)
			CHECK_EQUAL(
				*(uint8_t *)world_access(task_b, received + at, VM_PROT_READ, &error), big[first + at]);
		/* Nothing of the sender's around it. */
		for (at = trunc_page(received); at < received; at++)
			CHECK_EQUAL(*(uint8_t *)world_access(task_b, at, VM_PROT_READ, &error), 0);
		for (at = received + size; at < round_page(received + size); at++)
			CHECK_EQUAL(*(uint8_t *)world_access(task_b, at, VM_PROT_READ, &error), 0);
		CHECK_EQUAL(vm_deallocate(task_b->map, received, size), KERN_SUCCESS);
	}
	unmap(task_a, address, 5);
	world_check_accounts();
	host_report("unaligned memory arrives at its offset, with none of its neighbours");
}

static bool same_word(const struct word_key *a, const struct word_key *b)
{
	return a->id == b->id && a->word == b->word;
}

static void word_keys(void)
{
	vm_address_t own = 0, shared = 0, high = 1ull << 46;
	struct task *child = world_task();
	struct word_key before, after, theirs;

	CHECK_EQUAL(vm_allocate(task_a->map, &own, VM_PAGE_SIZE, true), KERN_SUCCESS);
	CHECK_EQUAL(vm_allocate(task_a->map, &shared, VM_PAGE_SIZE, true), KERN_SUCCESS);
	CHECK_EQUAL(vm_inherit(task_a->map, shared, VM_PAGE_SIZE, VM_INHERIT_SHARE), KERN_SUCCESS);
	CHECK_EQUAL(vm_word_key(task_a->map, shared + 8, true, &before), KERN_SUCCESS);
	CHECK_EQUAL(vm_map_fork(task_a->map, child->account, &child->map), KERN_SUCCESS);
	CHECK_EQUAL(vm_word_key(task_a->map, shared + 8, true, &after), KERN_SUCCESS);
	CHECK_EQUAL(vm_word_key(child->map, shared + 8, true, &theirs), KERN_SUCCESS);
	CHECK(same_word(&before, &after) && same_word(&before, &theirs));
	CHECK_EQUAL(vm_word_key(child->map, shared + 12, true, &theirs), KERN_SUCCESS);
	CHECK(!same_word(&before, &theirs));
	CHECK_EQUAL(vm_word_key(task_a->map, own, true, &before), KERN_SUCCESS);
	CHECK_EQUAL(vm_word_key(task_a->map, own, false, &after), KERN_SUCCESS);
	CHECK_EQUAL(vm_word_key(child->map, own, true, &theirs), KERN_SUCCESS);
	CHECK(same_word(&before, &after) && !same_word(&before, &theirs));
	CHECK_EQUAL(vm_word_key(task_a->map, 0, true, &before), KERN_INVALID_ADDRESS);
	host_report("a word's key is one for those who share it, before and after the fork");

	/* Nobody's key is a stranger's, however many maps there have been and wherever the word is. */
	CHECK_EQUAL(vm_word_key(task_a->map, own, false, &before), KERN_SUCCESS);
	for (unsigned bit = 1; bit < 64; bit++) {
		uint64_t number = child->map->number;

		child->map->number = task_a->map->number + (1ull << bit);
		CHECK_EQUAL(vm_word_key(child->map, own, false, &theirs), KERN_SUCCESS);
		CHECK(!same_word(&before, &theirs));
		child->map->number = number;
	}
	CHECK_EQUAL(vm_word_key(task_a->map, own + high, false, &after), KERN_SUCCESS);
	CHECK(!same_word(&before, &after));
	unmap(task_a, own, 1);
	/* An object that follows one which has gone, perhaps at its address in the kernel, is another. */
	CHECK_EQUAL(vm_word_key(task_a->map, shared, true, &before), KERN_SUCCESS);
	CHECK_EQUAL(vm_deallocate(child->map, shared, VM_PAGE_SIZE), KERN_SUCCESS);
	unmap(task_a, shared, 1);
	CHECK_EQUAL(vm_allocate(task_a->map, &shared, VM_PAGE_SIZE, false), KERN_SUCCESS);
	CHECK_EQUAL(vm_inherit(task_a->map, shared, VM_PAGE_SIZE, VM_INHERIT_SHARE), KERN_SUCCESS);
	CHECK_EQUAL(vm_word_key(task_a->map, shared, true, &after), KERN_SUCCESS);
	CHECK(!same_word(&before, &after));
	unmap(task_a, shared, 1);
	world_task_end(child);
	world_check_accounts();
	host_report("no two words have one key");
}

/* A long call that pauses whenever a better thread is ready, and what that may do meanwhile. */
static void pauses(void)
{
	enum { MANY = 1500 };
	vm_address_t range = 0, end;
	uint64_t free_before = vm_page_counts.free;
	kern_return_t error = KERN_SUCCESS, result;
	unsigned rounds = 0;

	current_thread()->task = task_a;
	CHECK_EQUAL(vm_allocate(task_a->map, &range, MANY * VM_PAGE_SIZE, true), KERN_SUCCESS);
	end = range + MANY * VM_PAGE_SIZE;
	for (vm_address_t at = range; at < end; at += VM_PAGE_SIZE)
		*(uint8_t *)world_access(task_a, at, VM_PROT_WRITE, &error) = 1;
	host_processor->need_reschedule = true;
	while ((result = vm_protect(task_a->map, range, end - range, false, VM_PROT_READ)) == KERN_RESTART)
		rounds++;
	CHECK_EQUAL(result, KERN_SUCCESS);
	CHECK(rounds >= 2);
	for (vm_address_t at = range; at < end; at += VM_PAGE_SIZE)
		CHECK(pmap_host_access(task_a->map->pmap, at, VM_PROT_WRITE) == NULL);
	host_report("a protection that pauses lowers every page");

	CHECK_EQUAL(vm_deallocate(task_a->map, range, end - range), KERN_RESTART);
	CHECK(world_access(task_a, range, VM_PROT_READ, &error) == NULL);
	CHECK_EQUAL(error, KERN_INVALID_ADDRESS);
	CHECK(world_access(task_a, end - VM_PAGE_SIZE, VM_PROT_READ, &error) != NULL);
	/* Another maps memory in the part that has gone. */
	CHECK_EQUAL(vm_allocate(task_a->map, &range, VM_PAGE_SIZE, false), KERN_SUCCESS);
	*(uint8_t *)world_access(task_a, range, VM_PROT_WRITE, &error) = 7;
	for (rounds = 0; vm_deallocate(task_a->map, range, end - range) == KERN_RESTART; rounds++)
		CHECK(world_access(task_a, end - VM_PAGE_SIZE, VM_PROT_READ, &error) != NULL);
	CHECK(rounds >= 5);
	CHECK(world_access(task_a, end - VM_PAGE_SIZE, VM_PROT_READ, &error) == NULL);
	CHECK_EQUAL(*(uint8_t *)world_access(task_a, range, VM_PROT_READ, &error), 7);
	host_processor->need_reschedule = false;
	/* The call is over: the same again is a new one. */
	unmap(task_a, range, MANY);
	CHECK(world_access(task_a, range, VM_PROT_READ, &error) == NULL);
	CHECK_EQUAL(vm_page_counts.free, free_before);
	host_report("a deallocation that pauses takes what was there, and nothing that others map meanwhile");

	pager_make(&pager);
	range = map_file(task_a, &pager, FILE_PAGES, false);
	for (unsigned i = 0; i < FILE_PAGES; i++)
		*touch(task_a, &pager, range + i * VM_PAGE_SIZE, VM_PROT_WRITE, &error) = 99;
	host_processor->need_reschedule = true;
	vm_object_t object = control_object(&pager);
	for (rounds = 0; (result = memory_object_lock_request(object, 0, FILE_PAGES * VM_PAGE_SIZE,
				  MEMORY_OBJECT_RETURN_DIRTY, true, VM_PROT_NO_CHANGE, pager.port)) == KERN_RESTART;
		rounds++)
		;
	vm_object_deallocate(object);
	host_processor->need_reschedule = false;
	CHECK_EQUAL(result, KERN_SUCCESS);
	CHECK(rounds >= 1);
	serve(&pager);
	CHECK_EQUAL(pager.completions, 1);
	CHECK_EQUAL(pager.pages_returned, FILE_PAGES);
	unmap(task_a, range, FILE_PAGES);
	pager_end(&pager);
	host_report("a lock request that pauses is completed once, after all its data");
}

/* vm_write and vm_copy over a range of which the last page refuses. */
static void refuse_last(vm_address_t range, unsigned pages, kern_return_t wanted, const char *name)
{
	vm_address_t source = 0;
	vm_map_copy_t data = NULL;
	kern_return_t error = KERN_SUCCESS, result;

	current_thread()->task = task_a;
	CHECK_EQUAL(vm_allocate(task_a->map, &source, pages * VM_PAGE_SIZE, true), KERN_SUCCESS);
	for (unsigned i = 0; i < pages; i++)
		*(uint8_t *)world_access(task_a, source + i * VM_PAGE_SIZE, VM_PROT_WRITE, &error) = 0xee;
	CHECK_EQUAL(vm_map_copyin(task_a->map, source, pages * VM_PAGE_SIZE, false, &data), KERN_SUCCESS);
	while ((result = vm_write(task_a->map, range, data, pages * VM_PAGE_SIZE)) == KERN_RESTART)
		serve(&pager);
	CHECK_EQUAL(result, wanted);
	vm_map_copy_discard(data);
	while ((result = vm_copy(task_a->map, source, pages * VM_PAGE_SIZE, range)) == KERN_RESTART)
		serve(&pager);
	CHECK_EQUAL(result, wanted);
	for (unsigned i = 0; i + 1 < pages; i++)
		CHECK(*touch(task_a, &pager, range + i * VM_PAGE_SIZE, VM_PROT_READ, &error) != 0xee);
	unmap(task_a, source, pages);
	host_report(name);
}

static void whole_or_nothing(void)
{
	vm_address_t range = 0;
	kern_return_t error = KERN_SUCCESS;

	CHECK_EQUAL(vm_allocate(task_a->map, &range, 6 * VM_PAGE_SIZE, true), KERN_SUCCESS);
	*(uint8_t *)world_access(task_a, range, VM_PROT_WRITE, &error) = 1;
	CHECK_EQUAL(vm_protect(task_a->map, range + 4 * VM_PAGE_SIZE, VM_PAGE_SIZE, false, VM_PROT_READ), KERN_SUCCESS);
	refuse_last(range, 5, KERN_PROTECTION_FAILURE, "what a protected page refuses is not written in part");
	unmap(task_a, range + 4 * VM_PAGE_SIZE, 1);
	refuse_last(range, 5, KERN_INVALID_ADDRESS, "what a hole refuses is not written in part");
	unmap(task_a, range, 6);
	pager_make(&pager);
	range = map_file(task_a, &pager, FILE_PAGES + 8, false) + (FILE_PAGES - 3) * VM_PAGE_SIZE;
	refuse_last(range, 4, KERN_FAILURE, "what a pager refuses is not written in part");
	unmap(task_a, range - (FILE_PAGES - 3) * VM_PAGE_SIZE, FILE_PAGES + 8);
	pager_end(&pager);
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
static void taken_over(void)
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

static void physical_and_dma(void)
{
	vm_address_t address = 0, mapped = 0;
	uint64_t physical = 0;
	vm_object_t object;
	kern_return_t error = KERN_SUCCESS;
	struct task *child = world_task();

	CHECK_EQUAL(vm_allocate_dma(3 * VM_PAGE_SIZE, &object, &physical), KERN_SUCCESS);
	CHECK_EQUAL(vm_map_enter_object(task_a->map, &address, 3 * VM_PAGE_SIZE, true, object, 0, VM_PROT_DEFAULT,
			    VM_PROT_DEFAULT, VM_INHERIT_NONE),
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
	CHECK_EQUAL(vm_map_enter_object(task_b->map, &mapped, 3 * VM_PAGE_SIZE, true, object, 0, VM_PROT_DEFAULT,
			    VM_PROT_DEFAULT, VM_INHERIT_SHARE),
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
	vm_start_threads();
	pageout_thread = host_last_thread();
	task_a = world_task();
	task_b = world_task();
	CHECK_EQUAL(vm_map_create(task_a->account, &task_a->map), KERN_SUCCESS);
	CHECK_EQUAL(vm_map_create(task_b->account, &task_b->map), KERN_SUCCESS);
	self->task = task_a;
	free_pages = vm_page_counts.free;
	objects = host_kalloc_used;

	read_and_write(false);
	read_and_write(true);
	private_mapping();
	errors();
	late();
	death();
	caching();
	lock_requests();
	short_supply();
	locked_before_they_come();
	unavailable_and_destroy();
	memory_short(pageout_thread);
	traps();
	unaligned();
	word_keys();
	taken_over();
	whole_or_nothing();
	pauses();
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
