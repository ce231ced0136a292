/* What the files of the disk server share: the devices (disks and partitions) it serves. */
#ifndef DISK_DISK_H
#define DISK_DISK_H

#include "pagers/kit/kit.h"
#include "virtio_blk.h"

#include <servers/block_types.h>

/* A disk or a partition, for ever: a range of a disk, a port, a memory object once someone wants it. */
struct device {
	device_name_t name;
	struct virtio_blk *disk;
	uint64_t start, size; /* bytes */
	mach_port_t port;     /* of block.defs; payload: this */

	pthread_mutex_t lock; /* has_object */
	bool has_object;
	struct pk_object object; /* its pages are those of the range; may be more at its end */
};

#define DEVICES_MAX 64
extern struct device devices[DEVICES_MAX];
extern unsigned device_count;

/* Ports of calls and of memory objects are in different sets with different threads: a call may wait for a memory
 * object. */
extern mach_port_t call_set, object_set;

/* Adds the disk and its partitions. */
void device_add_disk(struct virtio_blk *disk, unsigned number);

/* object.c: a send right to the memory object of the device. */
kern_return_t device_object(struct device *device, mach_port_t *object);
/* The port of the object of an instance before, with what the kernel has of it; consumed. */
void device_object_take_over(struct device *device, mach_port_t port);
/* What memory objects hold of the range (absolute, on the disk) goes to the disk first; for a write they also forget
 * it. */
void device_objects_clean(const struct device *device, uint64_t offset, uint64_t size, bool forget);

#endif
