/* Ports that are only counted, tasks that are only a map, and the messages to pagers in lists. */
#include "world.h"
#include <kern/assert.h>
#include <kern/kalloc.h>
#include <kern/processor.h>
#include <kern/trap.h>
#include <mach/trap.h>
#include <stdlib.h>
#include <string.h>
#include <stubs/memory_object_user.h>
#include <vm/pmap.h>
#include <vm/memory_object.h>
#include <vm/vm_object.h>

#define TASKS_MAX 4096

static struct task *tasks[TASKS_MAX];
struct account *world_pager_account;
uint64_t world_pager_bytes = ACCOUNT_REFERENCE;
struct task kernel_task = {.account = &kernel_account};

void world_start(uint64_t memory)
{
	host_start(memory);
	world_pager_account = account_make(&kernel_account, VM_PAGE_FOR_SERVER, UINT64_MAX, UINT64_MAX);
	host_set_current(host_thread(&kernel_task));
}

/* --- Tasks. */

struct task *world_task(void)
{
	struct task *task = calloc(1, sizeof(*task));
	size_t fails = host_fail_after;

	for (unsigned i = 1; i < TASKS_MAX; i++)
		if (tasks[i] == NULL) {
			tasks[i] = task;
			task->id = i;
			host_fail_after = SIZE_MAX;
			task->account = account_make(&kernel_account, VM_PAGE_FOR_USER, UINT64_MAX, UINT64_MAX);
			host_fail_after = fails;
			strcpy(task->name, "test");
			return task;
		}
	abort();
}

mach_port_name_t world_name(struct task *task)
{
	return task->id;
}

void world_task_end(struct task *task)
{
	if (current_thread()->task == task)
		current_thread()->task = &kernel_task;
	tasks[task->id] = NULL;
	if (task->map != NULL) {
		vm_map_terminate(task->map);
		vm_map_deallocate(task->map);
	}
	account_uncharge(task->account, ACCOUNT_REFERENCE);
	free(task);
}

bool world_policy;
uint32_t world_asked;

bool shortage_may_end(const struct account *account, bool at_limit)
{
	(void)at_limit;
	world_asked = account->id;
	return world_policy;
}

bool shortage_tell(void)
{
	return false;
}

vm_map_t convert_name_to_map(mach_port_name_t name)
{
	if (name >= TASKS_MAX || tasks[name] == NULL)
		return NULL;
	ref_take(&tasks[name]->map->refs);
	return tasks[name]->map;
}

struct thread *kernel_thread_create(continuation_t fn, uint8_t priority, const char *name)
{
	struct thread *thread = host_thread(&kernel_task);

	(void)priority;
	(void)name;
	thread->continuation = fn;
	return thread;
}

/* --- Accounts. */

/* The pages that an account has, by the table of all pages. */
static void count_pages(uint64_t pages[ACCOUNTS_MAX], uint64_t cached[ACCOUNTS_MAX])
{
	memset(pages, 0, ACCOUNTS_MAX * sizeof(*pages));
	memset(cached, 0, ACCOUNTS_MAX * sizeof(*cached));
	for (uint64_t i = 0; i < vm_page_counts.total; i++) {
		const struct vm_page *page = &vm_pages[i];

		if (page->object != NULL)
			*(page->cached ? &cached[page->account] : &pages[page->account]) += 1;
		if (page->object != NULL)
			CHECK_EQUAL(page->cached, page->object->pager != NULL);
	}
}

void world_check_accounts(void)
{
	static uint64_t pages[ACCOUNTS_MAX], cached[ACCOUNTS_MAX];
	uint64_t sum = 0;

	count_pages(pages, cached);
	for (unsigned i = 0; i < ACCOUNTS_MAX; i++) {
		const struct account *account = accounts[i];

		if (account == NULL)
			continue;
		CHECK_EQUAL(account->pages - account->swapped, pages[i]);
		CHECK_EQUAL(account->cached, cached[i]);
		CHECK(account->pages <= account->pages_limit && account->bytes <= account->bytes_limit);
		sum += account->pages - account->swapped + account->cached;
	}
	CHECK_EQUAL(sum, vm_page_counts.total - vm_page_counts.free);
}

void world_check_no_accounts(void)
{
	world_check_accounts();
	for (unsigned i = 1; i < ACCOUNTS_MAX; i++)
		if (accounts[i] != NULL && accounts[i] != world_pager_account)
			CHECK_EQUAL(accounts[i]->bytes, 0);
	CHECK_EQUAL(world_pager_account->bytes, world_pager_bytes);
	CHECK_EQUAL(kernel_account.bytes, ACCOUNT_REFERENCE + kalloc_bytes(sizeof(struct account))); /* that one */
}

/* --- Programs' memory. */

void *world_access(struct task *task, vm_address_t address, vm_prot_t access, kern_return_t *error)
{
	for (unsigned tries = 0; tries < 20; tries++) {
		void *bytes = pmap_host_access(task->map->pmap, address, access);

		if (bytes != NULL)
			return bytes;
		*error = vm_fault(task->map, address, access);
		if (*error != KERN_SUCCESS)
			return NULL;
	}
	CHECK(!"a fault succeeded and the page is still not there");
	*error = KERN_FAILURE;
	return NULL;
}

static vm_size_t user_copy(void *kernel, vm_address_t address, vm_size_t size, bool to_user)
{
	struct pmap *pmap = current_thread()->task->map->pmap;

	while (size > 0) {
		vm_size_t part = VM_PAGE_SIZE - (address & VM_PAGE_MASK);
		void *user = pmap_host_access(pmap, address, to_user ? VM_PROT_WRITE : VM_PROT_READ);

		if (user == NULL)
			return size;
		part = part < size ? part : size;
		memcpy(to_user ? user : kernel, to_user ? kernel : user, part);
		kernel = (char *)kernel + part;
		address += part;
		size -= part;
	}
	return 0;
}

vm_size_t machine_copy_from_user(void *kernel, vm_address_t address, vm_size_t size)
{
	return user_copy(kernel, address, size, false);
}

vm_size_t machine_copy_to_user(vm_address_t address, const void *kernel, vm_size_t size)
{
	return user_copy((void *)(uintptr_t)kernel, address, size, true);
}

kern_return_t copyin(vm_address_t address, void *kernel, vm_size_t size)
{
	for (;;) {
		vm_size_t left = machine_copy_from_user(kernel, address, size);
		kern_return_t result;

		if (left == 0)
			return KERN_SUCCESS;
		result = vm_fault(current_thread()->task->map, address + size - left, VM_PROT_READ);
		if (result != KERN_SUCCESS)
			return result;
	}
}

kern_return_t copyout(const void *kernel, vm_address_t address, vm_size_t size)
{
	for (;;) {
		vm_size_t left = machine_copy_to_user(address, kernel, size);
		kern_return_t result;

		if (left == 0)
			return KERN_SUCCESS;
		result = vm_fault(current_thread()->task->map, address + size - left, VM_PROT_WRITE);
		if (result != KERN_SUCCESS)
			return result;
	}
}

/* --- Ports. */

struct ipc_port *world_port(void)
{
	struct ipc_port *port = calloc(1, sizeof(*port));

	port->send_rights = 1;
	return port;
}

void world_port_die(struct ipc_port *port)
{
	void (*fn)(struct ipc_port *) = port->on_death;

	port->dead = true;
	port->on_death = NULL;
	if (fn != NULL)
		fn(port);
}

struct pager_message *world_receive(struct ipc_port *port)
{
	struct pager_message *message = port->first;

	if (message != NULL) {
		port->first = message->next;
		if (port->first == NULL)
			port->last = NULL;
	}
	return message;
}

struct ipc_port *ipc_kernel_port_create(enum ipc_kobject_type type, void *object, struct account *account)
{
	struct ipc_port *port = host_allocation_fails() ? NULL : calloc(1, sizeof(*port));

	if (port != NULL) {
		port->type = type;
		(void)account;
		port->object = object;
	}
	return port;
}

/* The structure stays while the pager has its right. */
void ipc_port_destroy(struct ipc_port *port)
{
	port->dead = true;
	port->object = NULL;
	if (port->send_rights == 0)
		free(port);
}

void *ipc_kernel_port_lookup(struct ipc_port *port, enum ipc_kobject_type type, void *(*reference)(void *object))
{
	return port->type == type && port->object != NULL ? reference(port->object) : NULL;
}

struct account *ipc_port_account(const struct ipc_port *port)
{
	(void)port;
	return world_pager_account;
}

bool ipc_port_active(struct ipc_port *port)
{
	return !port->dead;
}

struct ipc_port *ipc_port_make_send(struct ipc_port *port)
{
	port->send_rights++;
	return port;
}

struct ipc_port *ipc_port_copy_send(struct ipc_port *port)
{
	port->send_rights++;
	return port;
}

void ipc_port_release_send(struct ipc_port *port)
{
	if (port == NULL)
		return;
	if (port->send_rights <= 0)
		panic("a send right is released that nobody has");
	port->send_rights--;
	if (port->dead && port->type == IKOT_MEMORY_CONTROL && port->send_rights == 0)
		free(port);
}

/* The pretended space has one receive right, whatever the name. */
struct ipc_port *world_receive_right;

struct ipc_port *ipc_space_receive_right(struct ipc_space *space, mach_port_name_t name)
{
	(void)space;
	(void)name;
	return world_receive_right;
}

void ipc_port_release(struct ipc_port *port)
{
	(void)port;
}

void ipc_kernel_port_set_no_senders(struct ipc_port *port, void (*fn)(struct ipc_port *port, void *object))
{
	(void)port;
	(void)fn;
}

bool ipc_port_watch_death(struct ipc_port *port, void (*fn)(struct ipc_port *port))
{
	if (port->dead)
		return false;
	port->on_death = fn;
	return true;
}

/* --- What the kernel's stubs would send. */

static kern_return_t post(struct ipc_port *port, struct pager_message message)
{
	struct pager_message *sent = malloc(sizeof(*sent));

	if (port->dead || port->no_memory) {
		vm_map_copy_discard(message.data);
		free(sent);
		return port->dead ? MACH_SEND_INVALID_DEST : MACH_SEND_NO_BUFFER;
	}
	*sent = message;
	sent->next = NULL;
	if (port->last != NULL)
		port->last->next = sent;
	else
		port->first = sent;
	port->last = sent;
	return KERN_SUCCESS;
}

kern_return_t memory_object_init(ipc_port_t memory_object, ipc_port_t memory_control, vm_size_t page_size)
{
	if (memory_object->dead)
		ipc_port_release_send(memory_control);
	return post(memory_object,
		(struct pager_message){.kind = PAGER_INIT, .control = memory_control, .length = page_size});
}

kern_return_t memory_object_terminate(ipc_port_t memory_object)
{
	return post(memory_object, (struct pager_message){.kind = PAGER_TERMINATE});
}

kern_return_t memory_object_data_request(
	ipc_port_t memory_object, vm_offset_t offset, vm_size_t length, vm_prot_t desired_access)
{
	return post(memory_object,
		(struct pager_message){
			.kind = PAGER_REQUEST, .offset = offset, .length = length, .access = desired_access});
}

kern_return_t memory_object_data_unlock(
	ipc_port_t memory_object, vm_offset_t offset, vm_size_t length, vm_prot_t desired_access)
{
	return post(memory_object,
		(struct pager_message){
			.kind = PAGER_UNLOCK, .offset = offset, .length = length, .access = desired_access});
}

kern_return_t memory_object_data_return(ipc_port_t memory_object, vm_offset_t offset, vm_map_copy_t data,
	mach_msg_type_number_t dataCnt, boolean_t dirty, boolean_t kernel_copy)
{
	return post(memory_object, (struct pager_message){.kind = PAGER_RETURN,
					   .offset = offset,
					   .length = dataCnt,
					   .data = data,
					   .dirty = dirty,
					   .kernel_copy = kernel_copy});
}

static kern_return_t completed(struct ipc_port *port, vm_offset_t offset, vm_size_t length, kern_return_t result)
{
	return post(port,
		(struct pager_message){.kind = PAGER_COMPLETED, .offset = offset, .length = length, .result = result});
}

kern_return_t memory_object_lock_completed(ipc_port_t reply_to, vm_offset_t offset, vm_size_t length)
{
	return completed(reply_to, offset, length, KERN_SUCCESS);
}

kern_return_t memory_object_supply_completed(
	ipc_port_t reply_to, vm_offset_t offset, vm_size_t length, kern_return_t result, vm_offset_t error_offset)
{
	(void)error_offset;
	return completed(reply_to, offset, length, result);
}

kern_return_t memory_object_change_completed(
	ipc_port_t reply_to, boolean_t may_cache, memory_object_copy_strategy_t copy_strategy)
{
	(void)may_cache;
	(void)copy_strategy;
	return completed(reply_to, 0, 0, KERN_SUCCESS);
}
