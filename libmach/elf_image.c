/* What of an ELF file a loader needs, checked (System V ABI, AMD64 supplement). Linked into kernel, bootstrap and Unix
 * server. */
#include <mach/elf_image.h>

/* Offsets and values of the ELF64 headers (System V ABI, chapters 4 and 5). */
enum {
	EHDR_SIZE = 64,
	EH_CLASS = 4,
	EH_DATA = 5,
	EH_VERSION = 6,
	EH_TYPE = 16,
	EH_MACHINE = 18,
	EH_ENTRY = 24,
	EH_PHOFF = 32,
	EH_PHENTSIZE = 54,
	EH_PHNUM = 56,
	PHDR_SIZE = 56,
	PH_TYPE = 0,
	PH_FLAGS = 4,
	PH_OFFSET = 8,
	PH_VADDR = 16,
	PH_FILESZ = 32,
	PH_MEMSZ = 40,
	CLASS_64 = 2,
	DATA_LITTLE = 1,
	TYPE_EXEC = 2,
	TYPE_DYN = 3,
	MACHINE_X86_64 = 62,
	SEGMENT_LOAD = 1,
	SEGMENT_INTERP = 3,
	FLAG_X = 1,
	FLAG_W = 2,
	FLAG_R = 4,
	INTERPRETER_MAX = 4096,
};
#define SEGMENT_GNU_STACK 0x6474e551u

static uint64_t get(const uint8_t *p, unsigned bytes)
{
	uint64_t value = 0;

	for (unsigned i = 0; i < bytes; i++)
		value |= (uint64_t)p[i] << (8 * i);
	return value;
}

static enum elf_result add_segment(const uint8_t *ph, uint64_t file_size, struct elf_image *image)
{
	struct elf_segment *s = &image->segment[image->segments];
	uint64_t flags = get(ph + PH_FLAGS, 4);

	if (get(ph + PH_MEMSZ, 8) == 0)
		return ELF_OK;
	if (image->segments == ELF_SEGMENTS_MAX)
		return ELF_MALFORMED;

	s->address = get(ph + PH_VADDR, 8);
	s->file_offset = get(ph + PH_OFFSET, 8);
	s->file_size = get(ph + PH_FILESZ, 8);
	s->memory_size = get(ph + PH_MEMSZ, 8);
	if (s->file_size > s->memory_size)
		return ELF_MALFORMED;
	if (s->address >= VM_MAX_ADDRESS || s->memory_size > VM_MAX_ADDRESS - s->address)
		return ELF_MALFORMED;
	/* Mapped by pages, so both must agree within one. */
	if ((s->address & VM_PAGE_MASK) != (s->file_offset & VM_PAGE_MASK))
		return ELF_MALFORMED;
	if (s->file_offset > file_size || s->file_size > file_size - s->file_offset)
		return ELF_TRUNCATED;
	if (!image->position_independent && s->address < VM_MIN_ADDRESS)
		return ELF_MALFORMED;
	if (image->segments) {
		const struct elf_segment *last = s - 1;

		if (s->address < last->address + last->memory_size)
			return ELF_MALFORMED;
	} else {
		image->low = trunc_page(s->address);
	}
	image->high = round_page(s->address + s->memory_size);
	s->protection = (flags & FLAG_R ? VM_PROT_READ : 0) | (flags & FLAG_W ? VM_PROT_WRITE : 0) |
			(flags & FLAG_X ? VM_PROT_EXECUTE : 0);
	image->segments++;
	return ELF_OK;
}

enum elf_result elf_image_parse(const void *head, size_t head_size, uint64_t file_size, struct elf_image *image)
{
	const uint8_t *bytes = head;
	uint64_t table, table_size;
	unsigned count;

	*image = (struct elf_image){.executable_stack = 1};
	if (head_size > file_size)
		head_size = (size_t)file_size;
	if (head_size < 4 || get(bytes, 4) != 0x464c457f /* "\177ELF" */)
		return ELF_NOT_ELF;
	if (file_size < EHDR_SIZE)
		return ELF_TRUNCATED;
	if (head_size < EHDR_SIZE)
		return ELF_NEED_MORE;
	if (bytes[EH_CLASS] != CLASS_64 || bytes[EH_DATA] != DATA_LITTLE || bytes[EH_VERSION] != 1 ||
		get(bytes + EH_MACHINE, 2) != MACHINE_X86_64)
		return ELF_FOREIGN;
	switch (get(bytes + EH_TYPE, 2)) {
	case TYPE_EXEC:
		break;
	case TYPE_DYN:
		image->position_independent = 1;
		break;
	default:
		return ELF_FOREIGN;
	}
	count = (unsigned)get(bytes + EH_PHNUM, 2);
	table = get(bytes + EH_PHOFF, 8);
	table_size = (uint64_t)count * PHDR_SIZE;
	if (count == 0 || get(bytes + EH_PHENTSIZE, 2) != PHDR_SIZE)
		return ELF_MALFORMED;
	if (table > file_size || table_size > file_size - table)
		return ELF_TRUNCATED;
	if (table > head_size || table_size > head_size - table)
		return ELF_NEED_MORE;

	image->entry = get(bytes + EH_ENTRY, 8);
	image->header_count = (uint16_t)count;
	image->header_size = PHDR_SIZE;
	for (unsigned i = 0; i < count; i++) {
		const uint8_t *ph = bytes + table + (uint64_t)i * PHDR_SIZE;
		enum elf_result result;

		switch ((uint32_t)get(ph + PH_TYPE, 4)) {
		case SEGMENT_LOAD:
			result = add_segment(ph, file_size, image);
			if (result != ELF_OK)
				return result;
			break;
		case SEGMENT_INTERP:
			image->interpreter_offset = get(ph + PH_OFFSET, 8);
			image->interpreter_size = get(ph + PH_FILESZ, 8);
			if (image->interpreter_size == 0 || image->interpreter_size > INTERPRETER_MAX)
				return ELF_MALFORMED;
			if (image->interpreter_offset > file_size ||
				image->interpreter_size > file_size - image->interpreter_offset)
				return ELF_TRUNCATED;
			break;
		case SEGMENT_GNU_STACK:
			image->executable_stack = (get(ph + PH_FLAGS, 4) & FLAG_X) != 0;
			break;
		default:
			break;
		}
	}
	if (image->segments == 0 || image->entry < image->low || image->entry >= image->high)
		return ELF_MALFORMED;
	/* The program headers are in memory if a segment's file bytes hold them. */
	for (unsigned i = 0; i < image->segments; i++) {
		const struct elf_segment *s = &image->segment[i];

		if (table >= s->file_offset && table - s->file_offset <= s->file_size &&
			table_size <= s->file_size - (table - s->file_offset))
			image->headers = s->address + (table - s->file_offset);
	}
	return ELF_OK;
}
