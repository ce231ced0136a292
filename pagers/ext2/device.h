/* The device below a file system: bytes by offset, on the target a disk's partition, on the host an image file. */
#ifndef EXT2_DEVICE_H
#define EXT2_DEVICE_H

#include <stddef.h>
#include <stdint.h>

/* Functions return 0 or an errno. Offsets and sizes are multiples of 512 and lie inside the device. */
struct ext2_device {
	uint64_t size; /* bytes */
	int read_only;
	void *kept; /* memory that outlives the program, of EXT2_KEPT_SIZE bytes, zero at first (cache.h); or null */
	int (*read)(struct ext2_device *device, uint64_t offset, size_t size, void *buffer);
	/* The same into fresh memory of whole pages, see pk_pages_allocate; size is a multiple of the page. */
	int (*read_pages)(struct ext2_device *device, uint64_t offset, size_t size, void **pages);
	int (*write)(struct ext2_device *device, uint64_t offset, size_t size, const void *data);
	int (*flush)(struct ext2_device *device);
};

#endif
