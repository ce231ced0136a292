/* Disks and partitions as memory objects. */
#include "disk.h"

#include <stdio.h>
#include <string.h>

static struct device *device_of(struct pager_object *object)
{
	return (struct device *)((char *)object - offsetof(struct device, object));
}

/* How much of the range is inside the device: its last page may reach beyond its end. */
static uint64_t inside(const struct device *device, vm_offset_t offset, vm_size_t length)
{
	if (offset >= device->size)
		return 0;
	return length < device->size - offset ? length : device->size - offset;
}

static void data_request(struct pager_object *object, vm_offset_t offset, vm_size_t length, vm_prot_t access)
{
	struct device *device = device_of(object);
	uint64_t size = inside(device, offset, length);
	vm_address_t data = 0;
	kern_return_t result;

	(void)access;
	result = vm_allocate(mach_task_self(), &data, length, TRUE);
	if (result == KERN_SUCCESS && size) {
		result = virtio_blk_read(device->disk, device->start + offset, (void *)data, size);
		if (result != KERN_SUCCESS)
			vm_deallocate(mach_task_self(), data, length);
	}
	if (result == KERN_SUCCESS)
		pager_supply(object, offset, data, length, VM_PROT_NONE, FALSE);
	else
		pager_error(object, offset, length, result);
}

static void data_return(struct pager_object *object, vm_offset_t offset, vm_address_t data, vm_size_t length,
	boolean_t dirty, boolean_t kernel_copy)
{
	struct device *device = device_of(object);
	uint64_t size = inside(device, offset, length);

	(void)kernel_copy;
	if (dirty && size &&
		virtio_blk_write(device->disk, device->start + offset, (const void *)data, size) != KERN_SUCCESS)
		fprintf(stderr, "%s: %llu bytes at %llu cannot be written; they are lost\n", device->name,
			(unsigned long long)size, (unsigned long long)offset);
	vm_deallocate(mach_task_self(), data, length);
}

static const struct pager_ops ops = {.data_request = data_request, .data_return = data_return};

kern_return_t device_object(struct device *device, mach_port_t *object)
{
	kern_return_t result = KERN_SUCCESS;

	pthread_mutex_lock(&device->lock);
	if (!device->has_object) {
		result = pager_object_init(&device->object, &ops, object_set, TRUE, MEMORY_OBJECT_COPY_DELAY);
		device->has_object = result == KERN_SUCCESS;
		if (device->has_object && pager_object_keep(&device->object) != KERN_SUCCESS)
			fprintf(stderr, "%s: its memory would end with this server\n", device->name);
	}
	pthread_mutex_unlock(&device->lock);
	return result == KERN_SUCCESS ? pager_object_send_right(&device->object, object) : result;
}

void device_object_take_over(struct device *device, mach_port_t port)
{
	if (pager_object_take(&device->object, &ops, object_set, port, (uintptr_t)&device->object, TRUE,
		    MEMORY_OBJECT_COPY_DELAY) != KERN_SUCCESS)
		return;
	device->has_object = true;
	pager_object_keep(&device->object);
	pager_object_go_on(&device->object);
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
		pager_lock_range(&other->object, trunc_page(from), round_page(to) - trunc_page(from),
			MEMORY_OBJECT_RETURN_DIRTY, forget, VM_PROT_NO_CHANGE);
	}
}
