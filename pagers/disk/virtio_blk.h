/* One virtio block device: requests of several threads at once, each waiting for its own. */
#ifndef DISK_VIRTIO_BLK_H
#define DISK_VIRTIO_BLK_H

#include "drivers/pci.h"

#define DISK_SECTOR 512

struct virtio_blk;

/* Whether the function is one, of the modern kind. */
bool virtio_blk_matches(const struct pci_function *f);

/*
 * Starts the device, the number-th of the system, after what an earlier driver of it may have left under way was ended;
 * null after *why was set. Never stopped again.
 */
struct virtio_blk *virtio_blk_start(
	const struct pci_function *f, mach_port_t device_master, unsigned number, const char **why);

uint64_t virtio_blk_sectors(const struct virtio_blk *disk);
bool virtio_blk_read_only(const struct virtio_blk *disk);

/*
 * Moves size bytes (a multiple of the sector) from or to the disk; the range is inside the disk. Waits until it is
 * done. KERN_MEMORY_ERROR: the device reports an error, or does not answer; KERN_NO_ACCESS: it is read-only.
 */
kern_return_t virtio_blk_read(struct virtio_blk *disk, uint64_t offset, void *data, uint64_t size);
kern_return_t virtio_blk_write(struct virtio_blk *disk, uint64_t offset, const void *data, uint64_t size);
/* All that was written before is on the medium. */
kern_return_t virtio_blk_flush(struct virtio_blk *disk);

#endif
