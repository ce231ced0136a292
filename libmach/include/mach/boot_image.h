/*
 * The first task's program as the kernel takes it: no format, only memory. The file is this structure, alone in a page,
 * then the memory from `start` on, without the zeros at its end. tools/flatten makes it of a static ELF program.
 */
#ifndef MACH_BOOT_IMAGE_H
#define MACH_BOOT_IMAGE_H

#include <stdint.h>

#define BOOT_IMAGE_MAGIC 0x4547414d49544f42ull /* "BOTIMAGE", lowest byte first */

struct boot_image {
	uint64_t magic;
	uint64_t start, data, end; /* read and executed; read and written from `data`, a page's; to `end`, zeros where the file ends */
	uint64_t entry;
	uint64_t headers, header_size, header_count; /* for the auxiliary vector: the C library finds its TLS by them */
};

#endif
