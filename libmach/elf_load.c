/* Puts a static program into a new task. */
#include <mach/elf_load.h>
#include <stdlib.h>
#include <string.h>

/* Auxiliary vector (System V ABI, AMD64 supplement 3.4.3). */
enum { AT_NULL, AT_PHDR = 3, AT_PHENT = 4, AT_PHNUM = 5, AT_PAGESZ = 6, AT_ENTRY = 9, AT_RANDOM = 25 };

#define ARGUMENTS_MAX  65536
#define RANDOM_BYTES   16
#define INITIAL_RFLAGS 0x202 /* interrupts on, and the bit that is always one */

static const char *elf_words(enum elf_result result)
{
	switch (result) {
	case ELF_OK:
		return "is a program";
	case ELF_NOT_ELF:
		return "is no ELF file";
	case ELF_TRUNCATED:
		return "is shorter than its headers say";
	case ELF_FOREIGN:
		return "is for another machine";
	default:
		return "is malformed";
	}
}

static kern_return_t load_segment(
	mach_port_t task, const struct elf_segment *s, const char *image, vm_address_t *mapped)
{
	vm_address_t from = trunc_page(s->address), end = round_page(s->address + s->memory_size);
	kern_return_t result;

	/* Two segments may share a page. */
	if (from < *mapped)
		from = *mapped;
	if (from < end) {
		result = vm_allocate(task, &from, end - from, FALSE);
		if (result != KERN_SUCCESS)
			return result;
		*mapped = end;
	}
	if (s->file_size == 0)
		return KERN_SUCCESS;
	return task_copy_to(task, s->address, s->file_size, image + s->file_offset, 0, NULL);
}

static uint64_t random_word(uint64_t salt)
{
	uint32_t low, high;

	__asm__ volatile("rdtsc" : "=a"(low), "=d"(high));
	salt ^= ((uint64_t)high << 32 | low) * 0x9e3779b97f4a7c15ull;
	salt ^= salt >> 29;
	return salt * 0xbf58476d1ce4e5b9ull;
}

/*
 * The stack of a new program in a buffer whose end will be at `top`: from below argc, argv, envp, auxv, then the
 * strings. Returns the bytes used, 0 when they exceed the buffer.
 */
static size_t build_stack(char *buffer, size_t size, vm_address_t top, const char *const argv[],
	const char *const envp[], const struct elf_image *image)
{
	size_t argc = 0, envc = 0, strings = RANDOM_BYTES, words, used;

	while (argv[argc])
		strings += strlen(argv[argc++]) + 1;
	while (envp[envc])
		strings += strlen(envp[envc++]) + 1;
	strings = (strings + 15) & ~(size_t)15;
	words = 1 + argc + 1 + envc + 1 + 2 * 7;
	used = (words * 8 + strings + 15) & ~(size_t)15;
	if (used > size)
		return 0;

	uint64_t *word = (uint64_t *)(buffer + size - used);
	char *text = buffer + size - strings;
	uint64_t random[2] = {random_word(image->entry), random_word(top)};
#define ADDRESS_OF(p) (top - (uint64_t)(buffer + size - (p)))

	*word++ = argc;
	memcpy(text, random, sizeof(random));
	uint64_t random_address = ADDRESS_OF(text);
	text += RANDOM_BYTES;
	for (int list = 0; list < 2; list++) {
		for (const char *const *s = list ? envp : argv; *s; s++) {
			size_t length = strlen(*s) + 1;

			*word++ = ADDRESS_OF(text);
			memcpy(text, *s, length);
			text += length;
		}
		*word++ = 0;
	}

	const uint64_t auxv[][2] = {
		{AT_PAGESZ, VM_PAGE_SIZE},
		{AT_ENTRY, image->entry},
		{AT_RANDOM, random_address},
		{AT_PHDR, image->headers},
		{AT_PHENT, image->header_size},
		{AT_PHNUM, image->header_count},
		{AT_NULL, 0},
	};
	memcpy(word, auxv, sizeof(auxv));
	return used;
}

static kern_return_t make_stack(mach_port_t task, const char *const argv[], const char *const envp[],
	const struct elf_image *image, vm_address_t *stack)
{
	vm_address_t base = ELF_STACK_TOP - ELF_STACK_SIZE;
	kern_return_t result = vm_allocate(task, &base, ELF_STACK_SIZE, FALSE);
	char *buffer;
	size_t used;

	if (result != KERN_SUCCESS)
		return result;
	buffer = calloc(1, ARGUMENTS_MAX);
	if (!buffer)
		return KERN_RESOURCE_SHORTAGE;
	used = build_stack(buffer, ARGUMENTS_MAX, ELF_STACK_TOP, argv, envp, image);
	*stack = ELF_STACK_TOP - used;
	result = used ? task_copy_to(task, *stack, used, buffer + ARGUMENTS_MAX - used, 0, NULL) : KERN_NO_SPACE;
	free(buffer);
	return result;
}

kern_return_t elf_load(mach_port_t task, mach_port_t thread, const void *image, size_t size, const char *const argv[],
	const char *const envp[], const char **why)
{
	struct elf_image elf;
	enum elf_result parsed = elf_image_parse(image, size, size, &elf);
	kern_return_t result = KERN_SUCCESS;
	vm_address_t mapped = 0;
	x86_thread_state64_t state = {.rflags = INITIAL_RFLAGS};

	*why = elf_words(parsed);
	if (parsed != ELF_OK)
		return KERN_INVALID_ARGUMENT;
	*why = "is not a static program at a fixed address";
	if (elf.position_independent || elf.interpreter_size || !elf.headers)
		return KERN_INVALID_ARGUMENT;
	*why = "does not fit into a task";
	for (unsigned i = 0; i < elf.segments && result == KERN_SUCCESS; i++)
		result = load_segment(task, &elf.segment[i], image, &mapped);
	/* Protections last: a page that two segments share gets the later one's, which is the writable one. */
	for (unsigned i = 0; i < elf.segments && result == KERN_SUCCESS; i++) {
		const struct elf_segment *s = &elf.segment[i];
		vm_address_t from = trunc_page(s->address);

		result = vm_protect(task, from, round_page(s->address + s->memory_size) - from, FALSE, s->protection);
	}
	if (result == KERN_SUCCESS)
		result = make_stack(task, argv, envp, &elf, &state.rsp);
	if (result != KERN_SUCCESS)
		return result;
	state.rip = elf.entry;
	return portolan_thread_set_state(thread, x86_THREAD_STATE64, (uint64_t *)&state, x86_THREAD_STATE64_WORDS);
}
