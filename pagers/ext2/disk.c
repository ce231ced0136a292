/* A device that is a disk's partition: block.defs behind struct ext2_device. */
#include "pagers/ext2/disk.h"
#include "pagers/filekit/filekit.h"

#include <errno.h>
#include <servers/block_user.h>
#include <servers/bootstrap_user.h>
#include <stdlib.h>
#include <string.h>

enum { TRANSFER_LIMIT = 1 << 20 }; /* bytes of one request */

struct disk {
	struct ext2_device device;
	mach_port_t port;
};

static int disk_errno(kern_return_t result, const char *what)
{
	if (result == KERN_SUCCESS)
		return 0;
	pk_log("ext2: the disk cannot be %s: %s", what, mach_error_string(result));
	return FILE_ERRNO(result);
}

/*
 * The disk died with a request of ours. Its port lives on and the next instance serves it, so the request is made
 * again; none of them does harm when it is done twice. Somebody gives it up when it dies again and again: then the port
 * dies.
 */
static bool again(kern_return_t result)
{
	return result == MIG_SERVER_DIED;
}

static int disk_read_pages(struct ext2_device *device, uint64_t offset, size_t size, void **pages)
{
	struct disk *disk = (struct disk *)device;
	mach_msg_type_number_t count = 0;
	pointer_t data = 0;
	kern_return_t result;

	do
		result = block_read(disk->port, offset, size, &data, &count);
	while (again(result));

	if (result == KERN_SUCCESS && count != size) {
		pk_pages_free((void *)(uintptr_t)data, count);
		return EIO;
	}
	*pages = (void *)(uintptr_t)data;
	return disk_errno(result, "read");
}

static int disk_read(struct ext2_device *device, uint64_t offset, size_t size, void *buffer)
{
	char *to = buffer;

	while (size) {
		size_t n = size < TRANSFER_LIMIT ? size : TRANSFER_LIMIT;
		void *pages;
		int error = disk_read_pages(device, offset, n, &pages);

		if (error)
			return error;
		memcpy(to, pages, n);
		pk_pages_free(pages, FK_ROUND_PAGE(n));
		to += n;
		offset += n;
		size -= n;
	}
	return 0;
}

static int disk_write(struct ext2_device *device, uint64_t offset, size_t size, const void *data)
{
	struct disk *disk = (struct disk *)device;
	const char *from = data;

	while (size) {
		size_t n = size < TRANSFER_LIMIT ? size : TRANSFER_LIMIT;
		kern_return_t result;

		do
			result = block_write(disk->port, offset, (pointer_t)(uintptr_t)from, (mach_msg_type_number_t)n);
		while (again(result));
		if (result != KERN_SUCCESS)
			return disk_errno(result, "written");
		from += n;
		offset += n;
		size -= n;
	}
	return 0;
}

static int disk_flush(struct ext2_device *device)
{
	kern_return_t result;

	do
		result = block_flush(((struct disk *)device)->port);
	while (again(result));
	return disk_errno(result, "flushed");
}

kern_return_t disk_open(const char *service, const char *name, struct ext2_device **device)
{
	struct disk *disk = calloc(1, sizeof(*disk));
	mach_port_t bootstrap, server;
	service_name_t service_name = {0};
	device_name_t device_name = {0};
	uint64_t block_size;
	kern_return_t result;

	if (!disk)
		return KERN_RESOURCE_SHORTAGE;
	strncpy(service_name, service, sizeof(service_name) - 1);
	strncpy(device_name, name, sizeof(device_name) - 1);
	result = task_get_special_port(mach_task_self(), TASK_BOOTSTRAP_PORT, &bootstrap);
	if (result == KERN_SUCCESS)
		result = bootstrap_look_up(bootstrap, service_name, &server);
	if (result == KERN_SUCCESS) {
		do
			result = block_open(server, device_name, &disk->port);
		while (again(result));
	}
	if (result == KERN_SUCCESS) {
		do
			result = block_info(disk->port, &disk->device.size, &block_size);
		while (again(result));
	}
	if (result != KERN_SUCCESS) {
		free(disk);
		return result;
	}
	disk->device.read = disk_read;
	disk->device.read_pages = disk_read_pages;
	disk->device.write = disk_write;
	disk->device.flush = disk_flush;
	*device = &disk->device;
	return KERN_SUCCESS;
}
