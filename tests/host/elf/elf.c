/* The ELF reader: programs as they are, each kind of damage, and many thousand random ones. */
#include "../check.h"

#include <elf.h>
#include <mach/elf_image.h>
#include <stdlib.h>
#include <string.h>

static struct {
	Elf64_Ehdr header;
	Elf64_Phdr segment[20];
	char rest[8192];
} file;

/* A program of two segments, text and data with bss, as the linker makes it. */
static void make(void)
{
	memset(&file, 0, sizeof(file));
	memcpy(file.header.e_ident, ELFMAG, SELFMAG);
	file.header.e_ident[EI_CLASS] = ELFCLASS64;
	file.header.e_ident[EI_DATA] = ELFDATA2LSB;
	file.header.e_ident[EI_VERSION] = EV_CURRENT;
	file.header.e_type = ET_EXEC;
	file.header.e_machine = EM_X86_64;
	file.header.e_version = EV_CURRENT;
	file.header.e_entry = 0x400100;
	file.header.e_phoff = sizeof(file.header);
	file.header.e_phentsize = sizeof(Elf64_Phdr);
	file.header.e_phnum = 3;
	file.segment[0] = (Elf64_Phdr){
		.p_type = PT_LOAD, .p_flags = PF_R | PF_X, .p_vaddr = 0x400000, .p_filesz = 0x1000, .p_memsz = 0x1000};
	file.segment[1] = (Elf64_Phdr){.p_type = PT_LOAD,
		.p_flags = PF_R | PF_W,
		.p_offset = 0x1000,
		.p_vaddr = 0x402000,
		.p_filesz = 0x200,
		.p_memsz = 0x3000};
	file.segment[2] = (Elf64_Phdr){.p_type = PT_GNU_STACK, .p_flags = PF_R | PF_W};
}

static struct elf_image image;

static enum elf_result parse(size_t head)
{
	/* A copy of exactly that size, so that the sanitizer sees every byte too far. */
	void *copy = malloc(head ? head : 1);
	enum elf_result result;

	memcpy(copy, &file, head);
	result = elf_image_parse(copy, head, sizeof(file), &image);
	free(copy);
	return result;
}

static void expect(enum elf_result wanted, const char *name)
{
	check(parse(4096) == wanted, name);
	make();
}

static bool is_sound(void)
{
	if (image.segments == 0 || image.segments > ELF_SEGMENTS_MAX || image.entry < image.low ||
		image.entry >= image.high)
		return false;
	for (unsigned i = 0; i < image.segments; i++) {
		const struct elf_segment *s = &image.segment[i];

		if (s->file_size > s->memory_size || s->file_offset + s->file_size > sizeof(file) ||
			s->address + s->memory_size > VM_MAX_ADDRESS || s->address + s->memory_size < s->address)
			return false;
		if (i && s->address < s[-1].address + s[-1].memory_size)
			return false;
	}
	return true;
}

static void cases(void)
{
	make();
	check(parse(4096) == ELF_OK && image.segments == 2 && image.entry == 0x400100, "a program is read");
	check(image.low == 0x400000 && image.high == 0x405000, "its pages span both segments and the zeros after them");
	check(image.headers == 0x400040 && image.header_count == 3, "its program headers are found in memory");
	check(image.segment[0].protection == (VM_PROT_READ | VM_PROT_EXECUTE) &&
			image.segment[1].protection == (VM_PROT_READ | VM_PROT_WRITE),
		"protections are the segments'");
	check(!image.executable_stack && !image.position_independent && image.interpreter_size == 0,
		"nothing else is seen in it");
	file.header.e_ident[1] = 'X';
	expect(ELF_NOT_ELF, "another kind of file is told from an ELF file");
	file.header.e_ident[EI_CLASS] = ELFCLASS32;
	expect(ELF_FOREIGN, "a 32-bit program is foreign");
	file.header.e_machine = EM_AARCH64;
	expect(ELF_FOREIGN, "another machine's program is foreign");
	file.header.e_type = ET_REL;
	expect(ELF_FOREIGN, "an object file is no program");
	file.header.e_phnum = 0;
	expect(ELF_MALFORMED, "a program needs segments");
	file.header.e_phentsize = 40;
	expect(ELF_MALFORMED, "program headers have one size");
	file.header.e_phoff = sizeof(file) - 8;
	expect(ELF_TRUNCATED, "program headers after the end are noticed");
	file.header.e_phoff = UINT64_MAX - 20;
	expect(ELF_TRUNCATED, "an offset that wraps is noticed");
	file.header.e_phoff = 8000;
	expect(ELF_NEED_MORE, "headers beyond the bytes given are asked for");
	check(parse(10) == ELF_NEED_MORE, "half an ELF header is too little");
	check(elf_image_parse(&file, 40, 40, &image) == ELF_TRUNCATED, "a file of half a header is truncated");
	check(elf_image_parse(&file, 3, 3, &image) == ELF_NOT_ELF, "a file of three bytes is no program");
	check(elf_image_parse(&file, 4096, 0x1100, &image) == ELF_TRUNCATED,
		"a file that ends inside a segment is truncated");
	file.segment[1].p_filesz = 0x4000;
	expect(ELF_MALFORMED, "more bytes in the file than in memory are refused");
	file.segment[1].p_vaddr = 0x400800;
	file.segment[1].p_offset = 0x800;
	expect(ELF_MALFORMED, "overlapping segments are refused");
	file.segment[1].p_vaddr = 0x300000;
	expect(ELF_MALFORMED, "segments out of order are refused");
	file.segment[1].p_vaddr = 0x402008;
	expect(ELF_MALFORMED, "a segment that pages cannot map is refused");
	file.segment[1].p_memsz = UINT64_MAX;
	expect(ELF_MALFORMED, "a segment that wraps is refused");
	file.segment[1].p_vaddr = VM_MAX_ADDRESS - 0x1000;
	expect(ELF_MALFORMED, "a segment above a task's addresses is refused");
	file.segment[0].p_vaddr = 0;
	file.header.e_entry = 0x100;
	expect(ELF_MALFORMED, "a program at address 0 is refused");
	file.header.e_entry = 0x900000;
	expect(ELF_MALFORMED, "an entry outside the segments is refused");
	file.segment[2] = (Elf64_Phdr){.p_type = PT_INTERP, .p_offset = 0x100, .p_filesz = 28};
	check(parse(4096) == ELF_OK && image.interpreter_offset == 0x100 && image.interpreter_size == 28 &&
			image.executable_stack,
		"an interpreter is found; without a stack header the stack is executable");
	file.segment[2].p_filesz = 1 << 20;
	expect(ELF_MALFORMED, "an absurd interpreter is refused");
	file.header.e_type = ET_DYN;
	file.segment[0].p_vaddr = 0;
	file.segment[1].p_vaddr = 0x2000;
	file.header.e_entry = 0x100;
	check(parse(4096) == ELF_OK && image.position_independent, "a position-independent program may start at 0");
	make();
	file.header.e_phnum = 20;
	for (unsigned i = 0; i < 20; i++)
		file.segment[i] = (Elf64_Phdr){.p_type = PT_LOAD, .p_vaddr = 0x400000 + i * 0x1000, .p_memsz = 0x1000};
	expect(ELF_MALFORMED, "too many segments are refused");
}

static void random_files(void)
{
	uint64_t state = 1;
	unsigned accepted = 0, unsound = 0;

	for (unsigned round = 0; round < 200000; round++) {
		unsigned changes = 1 + check_random(&state) % 6;

		make();
		while (changes--) {
			size_t at = check_random(&state) % (sizeof(file.header) + 3 * sizeof(Elf64_Phdr));

			((unsigned char *)&file)[at] = (unsigned char)check_random(&state);
		}
		if (parse(check_random(&state) % 2 ? 4096 : check_random(&state) % sizeof(file)) == ELF_OK) {
			accepted++;
			unsound += !is_sound();
		}
	}
	check(accepted > 1000, "random damage leaves some files acceptable");
	check(unsound == 0, "what is accepted of 200000 damaged files is sound");
}

int main(void)
{
	cases();
	random_files();
	return check_failures != 0;
}
