/* A pager with one file that answers as it is told, and what its clients do. */
#include "file_pager.h"
#include <stdlib.h>
#include <string.h>
#include <stubs/mach_server.h>

struct task *task_a, *task_b;

void pager_make(struct pager *pager)
{
	memset(pager, 0, sizeof(*pager));
	pager->port = world_port();
	for (unsigned i = 0; i < FILE_PAGES; i++)
		memset(pager->file[i], (int)(i + 1), VM_PAGE_SIZE);
}

vm_object_t control_object(struct pager *pager)
{
	return pager->control == NULL ? NULL : convert_port_to_object(pager->control);
}

vm_map_copy_t data_of(struct pager *pager, unsigned page, vm_size_t size)
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

void answer(struct pager *pager, struct pager_message *message)
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
		if (object != NULL) /* the kernel's stub looks */
			memory_object_lock_request(object, message->offset, message->length,
				MEMORY_OBJECT_RETURN_NONE, false, VM_PROT_NONE, NULL);
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

void serve(struct pager *pager)
{
	struct pager_message *message;

	while ((message = world_receive(pager->port)) != NULL) {
		answer(pager, message);
		free(message);
	}
}

uint8_t *touch(struct task *task, struct pager *pager, vm_address_t address, vm_prot_t access, kern_return_t *error)
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

vm_address_t map_file(struct task *task, struct pager *pager, unsigned pages, bool copy)
{
	vm_address_t address = 0;

	ipc_port_copy_send(pager->port);
	CHECK_EQUAL(vm_map(task->map, &address, pages * VM_PAGE_SIZE, 0, true, pager->port, 0, copy, VM_PROT_DEFAULT,
			    VM_PROT_ALL, VM_INHERIT_COPY),
		KERN_SUCCESS);
	return address;
}

void unmap(struct task *task, vm_address_t address, unsigned pages)
{
	CHECK_EQUAL(vm_deallocate(task->map, address, pages * VM_PAGE_SIZE), KERN_SUCCESS);
}

void pager_end(struct pager *pager)
{
	serve(pager);
	CHECK(pager->control == NULL);
	CHECK_EQUAL(pager->port->send_rights, 1);
	free(pager->port);
}
