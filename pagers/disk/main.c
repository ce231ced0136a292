/* The disk server: virtio block devices and their partitions, by block.defs and as memory objects; and what else is on
 * the PCI bus of virtio that is driven (channel.c). */
#include "channel.h"
#include "disk.h"
#include "partition.h"

#include <mach/keep.h>
#include <servers/block_server.h>
#include <servers/bootstrap_user.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CALL_THREADS = 6 };
/* Of one call; the answer's count has 32 bits. */
#define TRANSFER_MAX (64ull << 20)

struct device devices[DEVICES_MAX];
unsigned device_count;
mach_port_t call_set, object_set;
static mach_port_t device_master;

/* --- Finding disks. */

static int read_sector(void *context, uint64_t sector, uint8_t buffer[PARTITION_SECTOR])
{
	return virtio_blk_read(context, sector * PARTITION_SECTOR, buffer, PARTITION_SECTOR) == KERN_SUCCESS;
}

static void add(struct virtio_blk *disk, const char *name, uint64_t start, uint64_t size)
{
	struct device *device = &devices[device_count];

	if (device_count == DEVICES_MAX) {
		fprintf(stderr, "%s is left out: more than %d devices\n", name, DEVICES_MAX);
		return;
	}
	strcpy(device->name, name);
	device->disk = disk;
	device->start = start;
	device->size = size;
	pthread_mutex_init(&device->lock, NULL);
	if (mach_server_port(call_set, device, &device->port) != KERN_SUCCESS ||
		mach_keep_port(device->port) != KERN_SUCCESS) {
		fprintf(stderr, "%s is left out: no port\n", name);
		return;
	}
	device_count++;
	printf("%s: %llu KiB%s\n", name, (unsigned long long)(size >> 10),
		virtio_blk_read_only(disk) ? ", read-only" : "");
}

void device_add_disk(struct virtio_blk *disk, unsigned number)
{
	static struct partition list[PARTITIONS_MAX];
	const char *complaint;
	device_name_t name;
	unsigned count;

	snprintf(name, sizeof(name), "disk%u", number);
	add(disk, name, 0, virtio_blk_sectors(disk) * DISK_SECTOR);
	count = partitions_find(read_sector, disk, virtio_blk_sectors(disk), list, &complaint);
	if (complaint)
		fprintf(stderr, "%s: bad partition table: %s\n", name, complaint);
	for (unsigned i = 0; i < count; i++) {
		snprintf(name, sizeof(name), "disk%up%u", number, list[i].number);
		add(disk, name, list[i].start * DISK_SECTOR, list[i].sectors * DISK_SECTOR);
	}
}

static void found_function(const struct pci_function *f)
{
	static unsigned seen, disks;
	struct virtio_blk *disk;
	const char *why;

	if (channel_matches(f) && (why = channel_start(f, device_master)))
		fprintf(stderr, "the channel at PCI %02x:%02x.%x is left out: %s\n", f->bus, f->device, f->function,
			why);
	if (!virtio_blk_matches(f))
		return;
	disk = virtio_blk_start(f, device_master, seen++, &why);
	if (disk)
		device_add_disk(disk, disks++);
	else
		fprintf(stderr, "the disk at PCI %02x:%02x.%x is left out: %s\n", f->bus, f->device, f->function, why);
}

/*
 * Clients of an earlier instance have rights to its ports: they are the devices' from now on. A device has the same
 * place in the array each time, and so the same payload, since the bus and the partitions are looked at in order.
 */
static void take_over(void)
{
	mach_port_t port;
	uint64_t payload;

	while (mach_kept_port(&port, &payload) == KERN_SUCCESS) {
		struct device *device = NULL;

		for (unsigned i = 0; i < device_count && !device; i++)
			if (payload == (uintptr_t)&devices[i] || payload == (uintptr_t)&devices[i].object)
				device = &devices[i];
		if (device && payload == (uintptr_t)device) {
			mach_unkeep_port(device->port);
			mach_port_mod_refs(mach_task_self(), device->port, MACH_PORT_RIGHT_RECEIVE, -1);
			device->port = port;
			mach_port_set_protected_payload(mach_task_self(), port, payload);
			mach_port_move_member(mach_task_self(), port, call_set);
			mach_keep_port(port);
		} else if (device) {
			device_object_take_over(device, port);
		} else {
			mach_port_mod_refs(mach_task_self(), port, MACH_PORT_RIGHT_RECEIVE, -1);
		}
	}
}

/* --- block.defs. */

/* The device of the port the request came to; null when it is another port. */
static struct device *request_device(void)
{
	for (unsigned i = 0; i < device_count; i++)
		if (mach_request_object() == &devices[i])
			return &devices[i];
	return NULL;
}

static bool is_range(const struct device *device, uint64_t offset, uint64_t size)
{
	return offset % DISK_SECTOR == 0 && size % DISK_SECTOR == 0 && size && size <= TRANSFER_MAX &&
	       offset < device->size && size <= device->size - offset;
}

/*
 * Writes under way, each with a number in order. A flush waits for those before it: also for the ones of a client that
 * has died, whose next instance so has the disk to itself.
 */
static pthread_mutex_t writes_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t write_ended = PTHREAD_COND_INITIALIZER;
static uint64_t writes_begun, running[CALL_THREADS]; /* 0: none */

static unsigned write_begin(void)
{
	unsigned i = 0;

	pthread_mutex_lock(&writes_lock);
	while (running[i])
		i++; /* each thread has one at most */
	running[i] = ++writes_begun;
	pthread_mutex_unlock(&writes_lock);
	return i;
}

static void write_end(unsigned ticket)
{
	pthread_mutex_lock(&writes_lock);
	running[ticket] = 0;
	pthread_cond_broadcast(&write_ended);
	pthread_mutex_unlock(&writes_lock);
}

static void writes_wait(void)
{
	uint64_t last;

	pthread_mutex_lock(&writes_lock);
	last = writes_begun;
	for (unsigned i = 0; i < CALL_THREADS; i++)
		while (running[i] && running[i] <= last)
			pthread_cond_wait(&write_ended, &writes_lock);
	pthread_mutex_unlock(&writes_lock);
}

kern_return_t S_block_open(mach_port_t disk, const char *name, mach_port_t *port)
{
	(void)disk;
	for (unsigned i = 0; i < device_count; i++) {
		if (strcmp(devices[i].name, name) != 0)
			continue;
		*port = devices[i].port;
		return mach_port_insert_right(mach_task_self(), *port, *port, MACH_MSG_TYPE_MAKE_SEND);
	}
	return KERN_INVALID_NAME;
}

kern_return_t S_block_info(mach_port_t port, uint64_t *size, uint64_t *block_size)
{
	const struct device *device = request_device();

	(void)port;
	if (!device)
		return KERN_INVALID_ARGUMENT;
	*size = device->size;
	*block_size = DISK_SECTOR;
	return KERN_SUCCESS;
}

kern_return_t S_block_read(
	mach_port_t port, uint64_t offset, uint64_t size, pointer_t *data, mach_msg_type_number_t *count)
{
	const struct device *device = request_device();
	vm_address_t address = 0;
	kern_return_t result;

	(void)port;
	if (!device || !is_range(device, offset, size))
		return KERN_INVALID_ARGUMENT;
	result = vm_allocate(mach_task_self(), &address, round_page(size), TRUE);
	if (result != KERN_SUCCESS)
		return result;
	device_objects_clean(device, device->start + offset, size, false);
	result = virtio_blk_read(device->disk, device->start + offset, (void *)address, size);
	if (result != KERN_SUCCESS) {
		vm_deallocate(mach_task_self(), address, round_page(size));
		return result;
	}
	*data = address;
	*count = (mach_msg_type_number_t)size;
	return KERN_SUCCESS;
}

kern_return_t S_block_write(mach_port_t port, uint64_t offset, pointer_t data, mach_msg_type_number_t count)
{
	const struct device *device = request_device();
	unsigned ticket;
	kern_return_t result;

	(void)port;
	if (!device || !is_range(device, offset, count))
		return KERN_INVALID_ARGUMENT;
	ticket = write_begin();
	device_objects_clean(device, device->start + offset, count, true);
	result = virtio_blk_write(device->disk, device->start + offset, (const void *)data, count);
	write_end(ticket);
	if (result == KERN_SUCCESS)
		mig_deallocate(data, count);
	return result;
}

kern_return_t S_block_flush(mach_port_t port)
{
	const struct device *device = request_device();

	(void)port;
	if (!device)
		return KERN_INVALID_ARGUMENT;
	writes_wait();
	device_objects_clean(device, device->start, device->size, false);
	return virtio_blk_flush(device->disk);
}

kern_return_t S_block_memory_object(mach_port_t port, mach_port_t *object)
{
	struct device *device = request_device();

	(void)port;
	return device ? device_object(device, object) : KERN_INVALID_ARGUMENT;
}

/* --- Start. */

static void check(const char *what, kern_return_t result)
{
	if (result == KERN_SUCCESS)
		return;
	fprintf(stderr, "cannot go on: %s: %s\n", what, mach_error_string(result));
	exit(1);
}

int main(void)
{
	static const struct mig_subsystem *const calls[] = {&block_subsystem, NULL};
	mach_msg_type_name_t disposition;
	mach_port_t bootstrap, service;

	check("no bootstrap port", task_get_special_port(mach_task_self(), TASK_BOOTSTRAP_PORT, &bootstrap));
	check("no device privilege",
		portolan_mach_ports_lookup(mach_task_self(), REGISTERED_DEVICE_MASTER, &device_master, &disposition));
	check("no port set", mach_port_allocate(mach_task_self(), MACH_PORT_RIGHT_PORT_SET, &call_set));
	check("no port set", mach_port_allocate(mach_task_self(), MACH_PORT_RIGHT_PORT_SET, &object_set));
	check("no access to PCI", pci_start(device_master));
	pci_scan(found_function);
	if (device_count == 0)
		fprintf(stderr, "there is no disk: no virtio block device (1af4:1042) is on the PCI bus\n");
	take_over();
	channel_serve(bootstrap);
	check("no service port", bootstrap_check_in(bootstrap, "disk", &service));
	check("no service port", mach_port_move_member(mach_task_self(), service, call_set));
	check("no threads", mach_server_start_threads(call_set, calls, CALL_THREADS - 1));
	check("no threads", pk_serve(object_set));
	check("no calls", mach_server_run(call_set, calls));
}
