/* Disks and partitions as memory objects. */
#include "disk.h"

#include <errno.h>
#include <stdio.h>

static int read_pages(void *self, uint64_t offset, void *pages, size_t length)
{
	const struct device *device = self;

	return virtio_blk_read(device->disk, device->start + offset, pages, length) == KERN_SUCCESS ? 0 : EIO;
}

static int write_pages(void *self, uint64_t offset, const void *pages, size_t length)
{
	const struct device *device = self;

	return virtio_blk_write(device->disk, device->start + offset, pages, length) == KERN_SUCCESS ? 0 : EIO;
}

static const struct pk_ops ops = {.read = read_pages, .write = write_pages};
/* Of a disk that takes no writes: nobody makes pages dirty. */
static const struct pk_ops read_only_ops = {.read = read_pages};

/* Keeps the object's port for the next instance; device locked, or nobody else has it yet. */
static kern_return_t made(struct device *device, kern_return_t result)
{
	device->has_object = result == KERN_SUCCESS;
	if (device->has_object && pager_object_keep(&device->object.pager) != KERN_SUCCESS)
		fprintf(stderr, "%s: its memory would end with this server\n", device->name);
	return result;
}

static const struct pk_ops *ops_of(const struct device *device)
{
	return virtio_blk_read_only(device->disk) ? &read_only_ops : &ops;
}

kern_return_t device_object(struct device *device, mach_port_t *object)
{
	kern_return_t result = KERN_SUCCESS;

	pthread_mutex_lock(&device->lock);
	if (!device->has_object)
		result = made(device,
			pk_object_init(&device->object, ops_of(device), device, device->size, 0, object_set, true));
	pthread_mutex_unlock(&device->lock);
	return result == KERN_SUCCESS ? pager_object_send_right(&device->object.pager, object) : result;
}

void device_object_take_over(struct device *device, mach_port_t port)
{
	if (made(device, pk_object_take(&device->object, ops_of(device), device, device->size, 0, object_set, true,
				 port, (uintptr_t)&device->object)) == KERN_SUCCESS)
		pager_object_go_on(&device->object.pager);
}

void device_objects_clean(const struct device *device, uint64_t offset, uint64_t size, bool forget)
{
	for (unsigned i = 0; i < device_count; i++) {
		struct device *other = &devices[i];
		uint64_t from, to;
		bool has_object;

		pthread_mutex_lock(&other->lock);
		has_object = other->has_object;
		pthread_mutex_unlock(&other->lock);
		if (!has_object || other->disk != device->disk || offset >= other->start + other->size ||
			offset + size <= other->start)
			continue;
		from = offset > other->start ? offset - other->start : 0;
		to = offset + size - other->start;
		if (to > other->size)
			to = other->size;
		pk_clean(&other->object, trunc_page(from), round_page(to) - trunc_page(from), forget);
	}
}
