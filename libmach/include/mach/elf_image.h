/* What of an ELF file a loader needs, checked: pure functions shared by kernel, bootstrap and Unix server. */
#ifndef MACH_ELF_IMAGE_H
#define MACH_ELF_IMAGE_H

#include <mach/vm_types.h>
#include <stddef.h>
#include <stdint.h>

#define ELF_SEGMENTS_MAX 16

struct elf_segment {
	uint64_t address; /* as linked */
	uint64_t file_offset;
	uint64_t file_size;
	uint64_t memory_size; /* >= file_size; the rest is zeros */
	vm_prot_t protection;
};

struct elf_image {
	uint64_t entry;
	uint64_t low, high; /* pages the segments span */
	uint64_t headers;   /* address of the program headers in memory, or 0 */
	uint16_t header_count, header_size;
	uint8_t position_independent; /* ET_DYN */
	uint8_t executable_stack;
	uint64_t interpreter_offset, interpreter_size; /* 0: none */
	unsigned segments;
	struct elf_segment segment[ELF_SEGMENTS_MAX];
};

enum elf_result {
	ELF_OK,
	ELF_NOT_ELF,   /* another kind of file */
	ELF_TRUNCATED, /* says it is longer than it is */
	ELF_MALFORMED, /* overlapping, wrapping or absurd segments */
	ELF_FOREIGN,   /* other machine, class or type */
	ELF_NEED_MORE, /* program headers lie beyond the bytes given */
};

/* head: the first head_size bytes of a file of file_size bytes (4096 usually suffice). Segments do not overlap, are in
 * ascending order, lie below VM_MAX_ADDRESS. */
enum elf_result elf_image_parse(const void *head, size_t head_size, uint64_t file_size, struct elf_image *image);

#endif
