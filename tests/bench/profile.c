/*
 * A plugin of QEMU's that says where the instructions of each measured row went (tests/bench/profile): how many were
 * executed in each function of the programs named by image=FILE, between the marks of measure.h.
 *
 * Code is recognised by its address and its bytes, for all servers are linked to the same place.
 */
#include <elf.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "qemu_plugin.h"

int qemu_plugin_version = 1;

/* --- The programs. */

enum { IMAGES_MAX = 32, PLACES_MAX = 8192 };

struct function {
	uint64_t start, size;
	const char *name;
	uint64_t count, before; /* instructions until now, and until the row began */
	uint64_t calls, calls_before;
};

struct image {
	const char *name;
	const char *bytes; /* the ELF file */
	const Elf64_Phdr *segments;
	unsigned segment_count, function_count;
	struct function *functions; /* by address */
};

static struct image images[IMAGES_MAX];
static unsigned image_count;
static const char *detail; /* the function whose instructions are counted each, or null */
static struct place {
	char name[40];
	struct function function;
} places[PLACES_MAX];
static unsigned place_count;
static struct function unknown = {.name = "?"};
static FILE *out;
static uint64_t operations, row;
static int inside;

static int by_start(const void *a, const void *b)
{
	const struct function *x = a, *y = b;

	return x->start < y->start ? -1 : x->start > y->start;
}

static void read_symbols(struct image *image)
{
	const Elf64_Ehdr *elf = (const void *)image->bytes;
	const Elf64_Shdr *sections = (const void *)(image->bytes + elf->e_shoff);

	for (unsigned i = 0; i < elf->e_shnum; i++) {
		const Elf64_Sym *symbols = (const void *)(image->bytes + sections[i].sh_offset);
		size_t count = sections[i].sh_size / sizeof(*symbols);
		const char *names;

		if (sections[i].sh_type != SHT_SYMTAB)
			continue;
		names = image->bytes + sections[sections[i].sh_link].sh_offset;
		image->functions = calloc(count, sizeof(*image->functions));
		for (size_t s = 0; image->functions != NULL && s < count; s++) {
			unsigned section = symbols[s].st_shndx, type = ELF64_ST_TYPE(symbols[s].st_info);

			if ((type != STT_FUNC && type != STT_NOTYPE) || section == SHN_UNDEF || section >= elf->e_shnum ||
				!(sections[section].sh_flags & SHF_EXECINSTR) || names[symbols[s].st_name] == 0)
				continue;
			image->functions[image->function_count++] = (struct function){
				.start = symbols[s].st_value, .size = symbols[s].st_size, .name = names + symbols[s].st_name};
		}
		qsort(image->functions, image->function_count, sizeof(*image->functions), by_start);
	}
}

static int add_image(const char *file)
{
	struct image *image = &images[image_count];
	const Elf64_Ehdr *elf;
	struct stat status;
	int fd = open(file, O_RDONLY);

	if (fd < 0 || image_count == IMAGES_MAX || fstat(fd, &status) != 0)
		return 0;
	elf = mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	close(fd);
	if (elf == MAP_FAILED || memcmp(elf->e_ident, ELFMAG, SELFMAG) != 0)
		return 0;
	image->bytes = (const void *)elf;
	image->name = strrchr(file, '/') != NULL ? strrchr(file, '/') + 1 : file;
	image->segments = (const void *)(image->bytes + elf->e_phoff);
	image->segment_count = elf->e_phnum;
	read_symbols(image);
	image_count++;
	return 1;
}

/* Whether the image has these bytes as code at the address. */
static int has_code(const struct image *image, uint64_t address, const void *bytes, size_t size)
{
	for (unsigned i = 0; i < image->segment_count; i++) {
		const Elf64_Phdr *segment = &image->segments[i];

		if (segment->p_type == PT_LOAD && (segment->p_flags & PF_X) && address >= segment->p_vaddr &&
			address - segment->p_vaddr + size <= segment->p_filesz)
			return memcmp(image->bytes + segment->p_offset + (address - segment->p_vaddr), bytes, size) == 0;
	}
	return 0;
}

static struct function *function_at(struct image *image, uint64_t address)
{
	unsigned low = 0, high = image->function_count;

	while (high - low > 1) {
		unsigned middle = (low + high) / 2;

		if (image->functions[middle].start <= address)
			low = middle;
		else
			high = middle;
	}
	return low < image->function_count ? &image->functions[low] : &unknown;
}

/* The counter of one instruction of the function that is looked at closely. */
static struct function *place_at(struct function *function, uint64_t address)
{
	struct place *place;

	for (place = places; place < places + place_count; place++)
		if (place->function.start == address)
			return &place->function;
	if (place_count == PLACES_MAX)
		return function;
	place_count++;
	snprintf(place->name, sizeof(place->name), "%.20s@%lx", function->name, address);
	place->function.name = place->name;
	place->function.start = address;
	return &place->function;
}

static int image_has_block(const struct image *image, const struct qemu_plugin_tb *block)
{
	for (size_t i = 0; i < qemu_plugin_tb_n_insns(block); i++) {
		const struct qemu_plugin_insn *insn = qemu_plugin_tb_get_insn(block, i);

		if (!has_code(image, qemu_plugin_insn_vaddr(insn), qemu_plugin_insn_data(insn), qemu_plugin_insn_size(insn)))
			return 0;
	}
	return 1;
}

/* --- Counting. */

static void each_function(void (*call)(const char *image, struct function *function))
{
	for (unsigned i = 0; i < image_count; i++)
		for (unsigned f = 0; f < images[i].function_count; f++)
			call(images[i].name, &images[i].functions[f]);
	for (unsigned i = 0; i < place_count; i++)
		call("at", &places[i].function);
	call("?", &unknown);
}

static void begin_function(const char *image, struct function *function)
{
	(void)image;
	function->before = function->count;
	function->calls_before = function->calls;
}

static void print_function(const char *image, struct function *function)
{
	if (function->count != function->before)
		fprintf(out, "%lu %lu %lu %lu %s %s\n", row, operations, function->count - function->before,
			function->calls - function->calls_before, image, function->name);
}

static void at_mark(unsigned vcpu, void *data)
{
	(void)vcpu;
	(void)data;
	if (!inside) {
		operations = 0;
		each_function(begin_function);
	} else {
		each_function(print_function);
		fflush(out);
		row++;
	}
	inside = !inside;
}

static void translated(plugin_id id, struct qemu_plugin_tb *block)
{
	struct image *image = NULL;

	(void)id;
	for (unsigned i = 0; i < image_count && image == NULL; i++)
		if (image_has_block(&images[i], block))
			image = &images[i];
	for (size_t i = 0; i < qemu_plugin_tb_n_insns(block); i++) {
		struct qemu_plugin_insn *insn = qemu_plugin_tb_get_insn(block, i);
		struct function *function =
			image != NULL ? function_at(image, qemu_plugin_insn_vaddr(insn)) : &unknown;

		if (function->start == qemu_plugin_insn_vaddr(insn))
			qemu_plugin_register_vcpu_insn_exec_inline(insn, INLINE_ADD_U64, &function->calls, 1);
		if (detail != NULL && strcmp(function->name, detail) == 0)
			function = place_at(function, qemu_plugin_insn_vaddr(insn));
		if (is_mark(insn, row_mark))
			qemu_plugin_register_vcpu_insn_exec_cb(insn, at_mark, NO_REGISTERS, NULL);
		else if (is_mark(insn, operation_mark))
			qemu_plugin_register_vcpu_insn_exec_inline(insn, INLINE_ADD_U64, &operations, 1);
		qemu_plugin_register_vcpu_insn_exec_inline(insn, INLINE_ADD_U64, &function->count, 1);
	}
}

int qemu_plugin_install(plugin_id id, const void *info, int argc, char **argv)
{
	(void)info;
	for (int i = 0; i < argc; i++) {
		char *value = strchr(argv[i], '=');

		if (value == NULL)
			return -1;
		value++;
		if (strncmp(argv[i], "out=", 4) == 0)
			out = fopen(value, "w");
		else if (strncmp(argv[i], "detail=", 7) == 0)
			detail = strdup(value);
		else if (!add_image(value))
			fprintf(stderr, "profile: %s is no program\n", value);
	}
	if (out == NULL)
		return -1;
	qemu_plugin_register_vcpu_tb_trans_cb(id, translated);
	return 0;
}
