/*
 * The longest time that an interrupt waits for the kernel, in instructions (under icount): a boot module that does what
 * takes the kernel long, with the timer's interrupt coming all the time, and prints "row NAME COUNT" for each, and the
 * longest of all as interrupts-off.
 */
#include "../interface/test.h"

#include <mach/message.h>
#include <mach/pager.h>
#include <mach/server.h>
#include <stdlib.h>
#include <string.h>

#define MIB        (1024ull * 1024)
#define PROBE_NS   2000 /* between two interrupts: by so much a figure may be too small */
#define BIG        (256 * MIB)
#define PAGERS     (128 * MIB)
#define ENTRIES    4000
#define NAMES      10000
#define THREADS    1000
#define MESSAGES   1000
#define CHUNK      (MIB / 2) /* supplied by the pager at once */
#define MESSAGE_ID 4711

static mach_port_t host_priv;
static uint64_t longest_of_all;

static void wrong(const char *what, kern_return_t result)
{
	printf("failed %s: %d\n", what, result);
}

static void begin(void)
{
	uint64_t before;

	host_interrupt_delay(host_priv, PROBE_NS, &before);
}

static void end(const char *name, kern_return_t result)
{
	uint64_t longest = 0;

	if (result != KERN_SUCCESS)
		wrong(name, result);
	host_interrupt_delay(host_priv, 0, &longest);
	printf("row delay-%s %llu\n", name, (unsigned long long)longest);
	longest_of_all = longest > longest_of_all ? longest : longest_of_all;
}

#define MEASURED(name, operation)                                                                                      \
	do {                                                                                                           \
		begin();                                                                                               \
		kern_return_t result_ = (operation);                                                                   \
		end(name, result_);                                                                                    \
	} while (0)

static vm_address_t memory(vm_size_t size, bool touched)
{
	vm_address_t address = 0;

	if (vm_allocate(mach_task_self(), &address, size, TRUE) != KERN_SUCCESS)
		wrong("vm_allocate", KERN_RESOURCE_SHORTAGE);
	for (vm_offset_t at = 0; touched && at < size; at += VM_PAGE_SIZE)
		((volatile char *)address)[at] = 1;
	return address;
}

static kern_return_t forget(vm_address_t address, vm_size_t size)
{
	return vm_deallocate(mach_task_self(), address, size);
}

/* Every second page with another protection: as many entries as pages. */
static void split(vm_address_t address)
{
	for (unsigned i = 0; i < ENTRIES; i += 2)
		vm_protect(mach_task_self(), address + i * VM_PAGE_SIZE, VM_PAGE_SIZE, FALSE, VM_PROT_READ);
}

/* --- Memory. */

static void plain_memory(void)
{
	vm_address_t big, other;
	task_t child = MACH_PORT_NULL;

	begin();
	big = memory(BIG, true);
	end("touch-256m", KERN_SUCCESS);
	MEASURED("protect-256m", vm_protect(mach_task_self(), big, BIG, FALSE, VM_PROT_READ));
	MEASURED("protect-back-256m", vm_protect(mach_task_self(), big, BIG, FALSE, VM_PROT_DEFAULT));
	MEASURED("inherit-256m", vm_inherit(mach_task_self(), big, BIG, VM_INHERIT_COPY));
	MEASURED("fork-256m", task_create(mach_task_self(), TRUE, &child));
	MEASURED("forked-end-256m", task_terminate(child));
	mach_port_deallocate(mach_task_self(), child);
	MEASURED("unmap-256m", forget(big, BIG));
	big = memory(ENTRIES * VM_PAGE_SIZE, true);
	MEASURED("split-entries", (split(big), KERN_SUCCESS));
	MEASURED("fork-entries", task_create(mach_task_self(), TRUE, &child));
	MEASURED("forked-end-entries", task_terminate(child));
	mach_port_deallocate(mach_task_self(), child);
	MEASURED("protect-entries", vm_protect(mach_task_self(), big, ENTRIES * VM_PAGE_SIZE, FALSE, VM_PROT_READ));
	MEASURED("unmap-entries", forget(big, ENTRIES * VM_PAGE_SIZE));
	big = memory(64 * MIB, true);
	MEASURED("wire-64m", vm_wire(host_priv, mach_task_self(), big, 64 * MIB, VM_PROT_DEFAULT));
	MEASURED("unwire-64m", vm_wire(host_priv, mach_task_self(), big, 64 * MIB, VM_PROT_NONE));
	other = memory(64 * MIB, true);
	MEASURED("vm-copy-64m", vm_copy(mach_task_self(), big, 64 * MIB, other));
	forget(other, 64 * MIB);
	forget(big, 64 * MIB);
}

static volatile vm_address_t child_area;
static volatile vm_size_t child_size;

static void toucher(uint64_t argument)
{
	(void)argument;
	for (vm_offset_t at = 0; at < child_size; at += VM_PAGE_SIZE)
		((volatile char *)child_area)[at] = 1;
	for (;;)
		mach_thread_exit(NULL);
}

/* Memory that a child has written since it was forked, and what stays of it when the parent's is gone. */
static void inherited_memory(void)
{
	struct child child;

	child_size = 64 * MIB;
	child_area = memory(child_size, true);
	if (!child_create(&child, toucher, 0, MACH_PORT_NULL)) {
		wrong("child", KERN_FAILURE);
		return;
	}
	begin();
	thread_resume(child.thread);
	nap(3000);
	end("copy-on-write-64m", KERN_SUCCESS);
	MEASURED("task-end-64m", task_terminate(child.task));
	mach_port_deallocate(mach_task_self(), child.thread);
	mach_port_deallocate(mach_task_self(), child.task);
	/* The parent takes its own pages over from the object below that both saw. */
	MEASURED("write-again-64m", ({
		for (vm_offset_t at = 0; at < child_size; at += VM_PAGE_SIZE)
			((volatile char *)child_area)[at] = 2;
		KERN_SUCCESS;
	}));
	forget(child_area, child_size);
	child_size = BIG;
	if (!child_create(&child, toucher, 0, MACH_PORT_NULL)) {
		wrong("child", KERN_FAILURE);
		return;
	}
	/* Its own memory at an address that it has written down already. */
	vm_address_t address = 0;
	kern_return_t result = vm_allocate(child.task, &address, BIG, TRUE);
	if (result == KERN_SUCCESS)
		result = task_copy_to(child.task, (vm_address_t)&child_area, sizeof address, &address, 0, NULL);
	if (result != KERN_SUCCESS)
		wrong("child's memory", result);
	thread_resume(child.thread);
	nap(3000);
	MEASURED("task-end-256m", task_terminate(child.task));
	mach_port_deallocate(mach_task_self(), child.thread);
	mach_port_deallocate(mach_task_self(), child.task);
}

/* --- Messages with memory. */

struct memory_message {
	mach_msg_header_t header;
	mach_msg_body_t body;
	mach_msg_ool_descriptor_t data;
	mach_msg_trailer_t trailer;
};

static kern_return_t send_memory(mach_port_t to, vm_address_t address, vm_size_t size, bool give)
{
	struct memory_message m = {
		.header = {.msgh_bits = MACH_MSGH_BITS(MACH_MSG_TYPE_COPY_SEND, 0) | MACH_MSGH_BITS_COMPLEX,
			.msgh_size = offsetof(struct memory_message, trailer),
			.msgh_remote_port = to,
			.msgh_id = MESSAGE_ID},
		.body = {.msgh_descriptor_count = 1},
		.data = {.address = (void *)address,
			.size = (mach_msg_size_t)size,
			.deallocate = give,
			.copy = MACH_MSG_VIRTUAL_COPY,
			.type = MACH_MSG_OOL_DESCRIPTOR}};

	return mach_msg_trap(&m.header, MACH_SEND_MSG, m.header.msgh_size, 0, MACH_PORT_NULL, 0, MACH_PORT_NULL);
}

static void sent_memory(void)
{
	mach_port_t port = new_port();
	vm_address_t area = memory(64 * MIB, true), data = 0;
	mach_msg_type_number_t count = 0;

	MEASURED("send-64m", send_memory(port, area, 64 * MIB, false));
	MEASURED("send-given-64m", send_memory(port, area, 64 * MIB, true));
	MEASURED("port-end-64m", (free_port(port), KERN_SUCCESS));
	area = memory(16 * MIB, true);
	vm_inherit(mach_task_self(), area, 16 * MIB, VM_INHERIT_SHARE);
	task_t child = MACH_PORT_NULL;
	task_create(mach_task_self(), TRUE, &child);
	MEASURED("read-shared-16m", vm_read(mach_task_self(), area, 16 * MIB, &data, &count));
	MEASURED("write-16m", vm_write(mach_task_self(), area, data, count));
	forget(data, count);
	task_terminate(child);
	mach_port_deallocate(mach_task_self(), child);
	forget(area, 16 * MIB);
	port = new_port();
	static char body[MACH_MSG_SIZE_MAX] __attribute__((aligned(8)));
	mach_msg_header_t *header = (mach_msg_header_t *)body;

	header->msgh_bits = MACH_MSGH_BITS(MACH_MSG_TYPE_COPY_SEND, 0);
	header->msgh_size = MACH_MSG_SIZE_MAX;
	header->msgh_remote_port = port;
	MEASURED("send-inline",
		mach_msg_trap(header, MACH_SEND_MSG, MACH_MSG_SIZE_MAX, 0, MACH_PORT_NULL, 0, MACH_PORT_NULL));
	MEASURED("port-end-inline", (free_port(port), KERN_SUCCESS));
}

/* --- A pager's memory. */

static void on_request(struct pager_object *object, vm_offset_t offset, vm_size_t length, vm_prot_t access)
{
	(void)access;
	pager_supply(object, offset, memory(length, true), length, VM_PROT_NONE, FALSE);
}

static void on_return(struct pager_object *object, vm_offset_t offset, vm_address_t data, vm_size_t length,
	boolean_t dirty, boolean_t kernel_copy)
{
	(void)object;
	(void)offset;
	(void)dirty;
	(void)kernel_copy;
	vm_deallocate(mach_task_self(), data, length);
}

static void pagers_memory(void)
{
	static struct pager_object object;
	static const struct pager_ops ops = {.data_request = on_request, .data_return = on_return};
	static const struct mig_subsystem *const subsystems[] = {&memory_object_subsystem, &notify_subsystem, NULL};
	mach_port_t set = MACH_PORT_NULL, right = MACH_PORT_NULL;
	vm_address_t mapped = 0;

	mach_port_allocate(mach_task_self(), MACH_PORT_RIGHT_PORT_SET, &set);
	if (pager_object_init(&object, &ops, set, TRUE, MEMORY_OBJECT_COPY_DELAY) != KERN_SUCCESS ||
		mach_server_start_threads(set, subsystems, 1) != KERN_SUCCESS ||
		pager_object_send_right(&object, &right) != KERN_SUCCESS ||
		vm_map(mach_task_self(), &mapped, PAGERS, 0, TRUE, right, 0, FALSE, VM_PROT_DEFAULT, VM_PROT_ALL,
			VM_INHERIT_DEFAULT) != KERN_SUCCESS) {
		wrong("pager", KERN_FAILURE);
		return;
	}
	(void)*(volatile char *)mapped;
	begin();
	for (vm_offset_t at = 0; at < PAGERS; at += CHUNK)
		pager_supply(&object, at, memory(CHUNK, true), CHUNK, VM_PROT_NONE, FALSE);
	for (vm_offset_t at = 0; at < PAGERS; at += VM_PAGE_SIZE)
		((volatile char *)mapped)[at] = 1;
	end("supply-128m", KERN_SUCCESS);
	MEASURED("lock-128m", memory_object_lock_request(object.control, 0, PAGERS, MEMORY_OBJECT_RETURN_NONE, FALSE,
				      VM_PROT_WRITE, MACH_PORT_NULL));
	MEASURED("unlock-128m", memory_object_lock_request(object.control, 0, PAGERS, MEMORY_OBJECT_RETURN_NONE, FALSE,
					VM_PROT_NONE, MACH_PORT_NULL));
	MEASURED("clean-16m", memory_object_lock_request(object.control, 0, 16 * MIB, MEMORY_OBJECT_RETURN_DIRTY, FALSE,
				      VM_PROT_NO_CHANGE, MACH_PORT_NULL));
	MEASURED("clean-part", memory_object_lock_request(object.control, 0, VM_PAGE_SIZE, MEMORY_OBJECT_RETURN_DIRTY,
				       FALSE, VM_PROT_NO_CHANGE, MACH_PORT_NULL));
	MEASURED("flush-128m", memory_object_lock_request(object.control, 0, PAGERS, MEMORY_OBJECT_RETURN_NONE, TRUE,
				       VM_PROT_NO_CHANGE, MACH_PORT_NULL));
	MEASURED("sync-128m", portolan_vm_msync(mach_task_self(), mapped, PAGERS, FALSE));
	for (vm_offset_t at = 0; at < PAGERS; at += CHUNK)
		pager_supply(&object, at, memory(CHUNK, true), CHUNK, VM_PROT_NONE, FALSE);
	forget(mapped, PAGERS);
	MEASURED("object-end-128m", memory_object_destroy(object.control, KERN_FAILURE));
}

/* --- Names, rights, threads. */

static mach_port_name_t rights[NAMES];

static void names_and_rights(void)
{
	struct child child;
	vm_address_t names = 0, types = 0;
	mach_msg_type_number_t name_count = 0, type_count = 0;
	mach_port_t port = new_port();

	if (!child_create(&child, toucher, 0, MACH_PORT_NULL)) {
		wrong("child", KERN_FAILURE);
		return;
	}
	begin();
	for (unsigned i = 0; i < NAMES; i++)
		mach_port_allocate(child.task, MACH_PORT_RIGHT_RECEIVE, &rights[i]);
	end("allocate-names", KERN_SUCCESS);
	MEASURED("port-names", mach_port_names(child.task, (mach_port_name_t **)&names, &name_count,
				       (mach_port_type_t **)&types, &type_count));
	if (name_count < NAMES)
		wrong("names", (kern_return_t)name_count);
	forget(names, name_count * sizeof(mach_port_name_t));
	forget(types, type_count * sizeof(mach_port_type_t));
	MEASURED("space-end", task_terminate(child.task));
	mach_port_deallocate(mach_task_self(), child.thread);
	mach_port_deallocate(mach_task_self(), child.task);

	struct {
		mach_msg_header_t header;
		mach_msg_body_t body;
		mach_msg_ool_ports_descriptor_t ports;
		mach_msg_trailer_t trailer;
	} m = {.header = {.msgh_bits = MACH_MSGH_BITS(MACH_MSG_TYPE_COPY_SEND, 0) | MACH_MSGH_BITS_COMPLEX,
		       .msgh_size = sizeof m - sizeof m.trailer,
		       .msgh_remote_port = port},
		.body = {.msgh_descriptor_count = 1},
		.ports = {.address = rights,
			.count = NAMES,
			.disposition = MACH_MSG_TYPE_MAKE_SEND,
			.type = MACH_MSG_OOL_PORTS_DESCRIPTOR}};
	for (unsigned i = 0; i < NAMES; i++)
		mach_port_allocate(mach_task_self(), MACH_PORT_RIGHT_RECEIVE, &rights[i]);
	MEASURED("send-rights",
		mach_msg_trap(&m.header, MACH_SEND_MSG, m.header.msgh_size, 0, MACH_PORT_NULL, 0, MACH_PORT_NULL));
	MEASURED("receive-rights", mach_msg_trap(&m.header, MACH_RCV_MSG, 0, sizeof m, port, 0, MACH_PORT_NULL));
	m.header.msgh_bits = MACH_MSGH_BITS(MACH_MSG_TYPE_COPY_SEND, 0) | MACH_MSGH_BITS_COMPLEX;
	m.header.msgh_remote_port = port;
	m.header.msgh_local_port = MACH_PORT_NULL;
	m.ports.disposition = MACH_MSG_TYPE_MOVE_SEND;
	m.ports.deallocate = TRUE;
	MEASURED("send-given-rights", mach_msg_trap(&m.header, MACH_SEND_MSG, sizeof m - sizeof m.trailer, 0,
					      MACH_PORT_NULL, 0, MACH_PORT_NULL));
	MEASURED("port-end-rights", (free_port(port), KERN_SUCCESS));
	for (unsigned i = 0; i < NAMES; i++)
		mach_port_mod_refs(mach_task_self(), rights[i], MACH_PORT_RIGHT_RECEIVE, -1);

	port = new_port();
	mach_port_set_qlimit(mach_task_self(), port, MESSAGES);
	for (unsigned i = 0; i < MESSAGES; i++)
		send_words(port, MACH_PORT_NULL, MESSAGE_ID, NULL, 0, MACH_SEND_TIMEOUT, 0);
	MEASURED("queue-end", (free_port(port), KERN_SUCCESS));
}

static void many_threads(void)
{
	struct child child;
	thread_array_t list = NULL;
	mach_msg_type_number_t count = 0;

	if (!child_create(&child, toucher, 0, MACH_PORT_NULL)) {
		wrong("child", KERN_FAILURE);
		return;
	}
	begin();
	for (unsigned i = 0; i < THREADS; i++) {
		thread_t thread = MACH_PORT_NULL;

		if (thread_create(child.task, &thread) == KERN_SUCCESS)
			mach_port_deallocate(mach_task_self(), thread);
	}
	end("make-threads", KERN_SUCCESS);
	MEASURED("list-threads", task_threads(child.task, &list, &count));
	if (count != THREADS + 1)
		wrong("threads", (kern_return_t)count);
	for (unsigned i = 0; i < count; i++)
		mach_port_deallocate(mach_task_self(), list[i]);
	forget((vm_address_t)list, count * sizeof *list);
	MEASURED("suspend-threads", task_suspend(child.task));
	begin();
	task_terminate(child.task);
	nap(100);
	end("task-end-threads", KERN_SUCCESS);
	mach_port_deallocate(mach_task_self(), child.thread);
	mach_port_deallocate(mach_task_self(), child.task);
}

int main(void)
{
	portolan_mach_ports_lookup(mach_task_self(), REGISTERED_HOST_PRIV, &host_priv, &(mach_msg_type_name_t){0});
	plain_memory();
	inherited_memory();
	sent_memory();
	names_and_rights();
	many_threads();
	pagers_memory();
	printf("row interrupts-off %llu\n", (unsigned long long)longest_of_all);
	printf("bench: end\n");
	power_off();
	return 0;
}
