/*
 * The default pager: users' private memory on disks and partitions that have mkswap's header.
 *
 * Each is a memory object whose pages are the device's. The kernel gives them out (host_swap_on) and remembers whose
 * they are; here they are only read and written. This task waits for the disk's driver and for nobody else: not for a
 * file system, nor for Unix, nor for memory that goes out, for its own does not. One that does not answer stops who
 * waits for his memory, and nobody else.
 *
 * It has no restart: what the kernel would ask a second instance that had been asked of the first could be answered
 * with what was in a slot before. When it ends, what is out is lost, and who wants it gets an exception.
 */
#include <mach/pager.h>
#include <servers/block_user.h>
#include <servers/bootstrap_user.h>
#include <servers/swap_server.h>

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	AREAS_MAX = 4, /* as many as the kernel takes */
	DISKS_MAX = 8,
	PARTITIONS_MAX = 16,
	/* mkswap(8): the header is in the first page. */
	HEADER_VERSION = 1024,
	HEADER_LAST_PAGE = 1028,
	HEADER_SIGNATURE = VM_PAGE_SIZE - 10,
};

struct area {
	struct pager_object pager; /* first: what its functions get */
	device_name_t name;
	mach_port_t device;
	uint64_t pages;
	mach_port_t right; /* to the object; null: none yet */
};

static struct area areas[AREAS_MAX];
static mach_port_t disk, object_set, host_priv;

/* --- The disk. A driver that died is asked again: its next instance has the port. */

static bool again(kern_return_t result)
{
	return result == MIG_SERVER_DIED;
}

/* Memory with what is there, or its error. */
static kern_return_t read_device(mach_port_t device, vm_offset_t offset, vm_size_t length, vm_address_t *data)
{
	mach_msg_type_number_t count = 0;
	pointer_t pages = 0;
	kern_return_t result;

	do
		result = block_read(device, offset, length, &pages, &count);
	while (again(result));
	if (result == KERN_SUCCESS && count != length) {
		vm_deallocate(mach_task_self(), pages, count);
		result = KERN_MEMORY_ERROR;
	}
	*data = pages;
	return result;
}

static kern_return_t write_device(mach_port_t device, vm_offset_t offset, vm_address_t data, vm_size_t length)
{
	kern_return_t result;

	do
		result = block_write(device, offset, data, (mach_msg_type_number_t)length);
	while (again(result));
	return result;
}

/* --- The kernel's requests. What fails as a whole is tried page by page. */

static void data_request(struct pager_object *object, vm_offset_t offset, vm_size_t length, vm_prot_t access)
{
	const struct area *area = (const struct area *)object;
	vm_address_t data;
	kern_return_t result = read_device(area->device, offset, length, &data);

	if (result == KERN_SUCCESS) {
		pager_supply(object, offset, data, length, VM_PROT_NONE, FALSE);
	} else if (length > VM_PAGE_SIZE) {
		for (vm_size_t at = 0; at < length; at += VM_PAGE_SIZE)
			data_request(object, offset + at, VM_PAGE_SIZE, access);
	} else {
		fprintf(stderr, "%s: page %llu cannot be read: %s\n", area->name,
			(unsigned long long)(offset / VM_PAGE_SIZE), mach_error_string(result));
		pager_error(object, offset, length, KERN_MEMORY_ERROR);
	}
}

/* What cannot be written the kernel keeps, and does not use its place again. */
static void data_return(struct pager_object *object, vm_offset_t offset, vm_address_t data, vm_size_t length,
	boolean_t dirty, boolean_t kernel_copy)
{
	const struct area *area = (const struct area *)object;
	kern_return_t result = dirty ? write_device(area->device, offset, data, length) : KERN_SUCCESS;

	if (result == KERN_SUCCESS) {
		vm_deallocate(mach_task_self(), data, length);
	} else if (length > VM_PAGE_SIZE) {
		for (vm_size_t at = 0; at < length; at += VM_PAGE_SIZE)
			data_return(object, offset + at, data + at, VM_PAGE_SIZE, dirty, kernel_copy);
	} else {
		fprintf(stderr, "%s: page %llu cannot be written: %s\n", area->name,
			(unsigned long long)(offset / VM_PAGE_SIZE), mach_error_string(result));
		pager_refuse(object, offset, data, length, KERN_MEMORY_ERROR);
	}
}

static const struct pager_ops ops = {.data_request = data_request, .data_return = data_return};

/* --- Areas. */

static uint32_t get(const uint8_t *p)
{
	return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

/* The pages of the area, with the header's; 0: it has none, or none that is known. */
static uint64_t header_pages(mach_port_t device)
{
	uint64_t size = 0, block_size, pages = 0;
	vm_address_t data;

	if (block_info(device, &size, &block_size) != KERN_SUCCESS || size < 2 * VM_PAGE_SIZE ||
		read_device(device, 0, VM_PAGE_SIZE, &data) != KERN_SUCCESS)
		return 0;
	if (memcmp((const char *)data + HEADER_SIGNATURE, "SWAPSPACE2", 10) == 0 &&
		get((const uint8_t *)data + HEADER_VERSION) == 1)
		pages = get((const uint8_t *)data + HEADER_LAST_PAGE) + 1ull;
	vm_deallocate(mach_task_self(), data, VM_PAGE_SIZE);
	return pages < size / VM_PAGE_SIZE ? pages : size / VM_PAGE_SIZE;
}

static struct area *area_named(const char *name)
{
	for (unsigned i = 0; i < AREAS_MAX; i++)
		if (strcmp(areas[i].name, name) == 0)
			return &areas[i];
	return NULL;
}

kern_return_t S_swap_on(mach_port_t swap, const char *name)
{
	struct area *area = area_named(name), *unused = area_named("");
	mach_port_t device = MACH_PORT_NULL;
	kern_return_t result = KERN_SUCCESS;

	(void)swap;
	if (*name == 0)
		return KERN_INVALID_NAME;
	if (!area) {
		result = block_open(disk, name, &device);
		if (result != KERN_SUCCESS)
			return result;
		area = unused;
	}
	if (!area) {
		mach_port_deallocate(mach_task_self(), device);
		return KERN_RESOURCE_SHORTAGE;
	}
	if (area == unused)
		area->device = device;
	area->pages = header_pages(area->device);
	if (area->pages < 2)
		result = KERN_INVALID_VALUE;
	if (result == KERN_SUCCESS && area->right == MACH_PORT_NULL) {
		result = pager_object_init(&area->pager, &ops, object_set, FALSE, MEMORY_OBJECT_COPY_NONE);
		if (result == KERN_SUCCESS)
			result = pager_object_send_right(&area->pager, &area->right);
	}
	if (result == KERN_SUCCESS)
		result = host_swap_on(host_priv, area->right, area->pages, name);
	if (result == KERN_SUCCESS) {
		strcpy(area->name, name);
		printf("%s: %llu KiB for memory that goes out\n", name,
			(unsigned long long)(area->pages - 1) * VM_PAGE_SIZE >> 10);
	} else if (area == unused && area->right == MACH_PORT_NULL) {
		mach_port_deallocate(mach_task_self(), device);
	}
	return result;
}

kern_return_t S_swap_off(mach_port_t swap, const char *name)
{
	(void)swap;
	return host_swap_off(host_priv, name);
}

/* --- Start. */

static void check(const char *what, kern_return_t result)
{
	if (result == KERN_SUCCESS)
		return;
	fprintf(stderr, "cannot go on: %s: %s\n", what, mach_error_string(result));
	exit(1);
}

/* Every disk and partition with a header. */
static void all_on(void)
{
	device_name_t name;
	kern_return_t result = KERN_SUCCESS;

	for (unsigned number = 0; number < DISKS_MAX && result != KERN_INVALID_NAME; number++) {
		snprintf(name, sizeof(name), "disk%u", number);
		result = S_swap_on(MACH_PORT_NULL, name);
		for (unsigned part = 1; result != KERN_INVALID_NAME && part <= PARTITIONS_MAX; part++) {
			snprintf(name, sizeof(name), "disk%up%u", number, part);
			(void)S_swap_on(MACH_PORT_NULL, name);
		}
	}
}

int main(void)
{
	static const struct mig_subsystem *const calls[] = {&swap_subsystem, NULL};
	static const struct mig_subsystem *const objects[] = {&memory_object_subsystem, &notify_subsystem, NULL};
	mach_msg_type_name_t disposition;
	mach_port_t bootstrap, service;

	check("no bootstrap port", task_get_special_port(mach_task_self(), TASK_BOOTSTRAP_PORT, &bootstrap));
	check("no host privilege", portolan_mach_ports_lookup(mach_task_self(), REGISTERED_HOST_PRIV, &host_priv, &disposition));
	check("no disk", bootstrap_look_up(bootstrap, "disk", &disk));
	check("no port set", mach_port_allocate(mach_task_self(), MACH_PORT_RIGHT_PORT_SET, &object_set));
	check("no service port", bootstrap_check_in(bootstrap, "swap", &service));
	check("no threads", mach_server_start_threads(object_set, objects, 1));
	all_on();
	check("no calls", mach_server_run(service, calls));
}
