/* flatten PROGRAM OUT: makes of a static ELF program what the kernel takes as the first task (mach/boot_image.h). */
#include <mach/boot_image.h>
#include <mach/elf_image.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static _Noreturn void fail(const char *file, const char *what)
{
	fprintf(stderr, "flatten: %s: %s\n", file, what);
	exit(1);
}

static char *read_all(const char *path, size_t *size)
{
	FILE *file = fopen(path, "rb");
	struct stat status;
	char *bytes;

	if (file == NULL || fstat(fileno(file), &status) != 0)
		fail(path, "cannot be opened");
	*size = (size_t)status.st_size;
	bytes = malloc(*size + 1);
	if (bytes == NULL || fread(bytes, 1, *size, file) != *size)
		fail(path, "cannot be read");
	fclose(file);
	return bytes;
}

int main(int argc, char **argv)
{
	struct boot_image header = {.magic = BOOT_IMAGE_MAGIC};
	const struct elf_segment *last;
	char page[VM_PAGE_SIZE] = {0}, *program, *memory;
	struct elf_image image;
	size_t size;
	FILE *out;

	if (argc != 3)
		fail("usage", "flatten PROGRAM OUT");
	program = read_all(argv[1], &size);
	if (elf_image_parse(program, size, size, &image) != ELF_OK || image.position_independent ||
		image.interpreter_size != 0)
		fail(argv[1], "is no static ELF program");
	last = &image.segment[image.segments - 1];
	header.start = image.low;
	header.end = image.high;
	header.data = image.high;
	header.entry = image.entry;
	header.headers = image.headers;
	header.header_size = image.header_size;
	header.header_count = image.header_count;
	memory = calloc(1, image.high - image.low);
	if (memory == NULL)
		fail(argv[1], "is too large");
	for (unsigned i = 0; i < image.segments; i++) {
		const struct elf_segment *segment = &image.segment[i];

		memcpy(memory + (segment->address - image.low), program + segment->file_offset, segment->file_size);
		if (segment->protection & VM_PROT_WRITE)
			header.data = header.data < segment->address ? header.data : trunc_page(segment->address);
		else if (header.data != image.high)
			fail(argv[1], "has what is not written behind what is");
	}
	memcpy(page, &header, sizeof header);
	out = fopen(argv[2], "wb");
	size = last->address + last->file_size - image.low;
	if (out == NULL || fwrite(page, sizeof page, 1, out) != 1 || fwrite(memory, size, 1, out) != 1 || fclose(out) != 0)
		fail(argv[2], "cannot be written");
	free(memory);
	free(program);
	return 0;
}
