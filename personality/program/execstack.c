/* The first stack of a program: strings, auxiliary vector, pointers, as the x86-64 ABI lays them out. */
#include <cpuid.h>
#include <elf.h>
#include <mach/mach.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "call/call.h"
#include "device/random.h"
#include "memory/mm.h"
#include "process/proc.h"
#include "process/rlimit.h"
#include "program/exec.h"

#define STACK_LEAST   (128ull << 10)
#define STACK_MOST    (64ull << 20)
#define STRINGS_LEAST (128ull << 10)
#define AUXV_MAX      24
#define CLOCK_TICKS   100 /* AT_CLKTCK: what times() counts in */

int exec_strings_add(struct exec_strings *strings, const char *string, uint64_t length)
{
	if (length + 1 > EXEC_STRINGS_MAX || strings->size > EXEC_STRINGS_MAX - (length + 1))
		return -E2BIG;
	if (strings->size + length + 1 > strings->room) {
		uint64_t room = (strings->room + length + 1) * 2;
		char *bigger = realloc(strings->data, room);

		if (bigger == NULL)
			return -ENOMEM;
		strings->data = bigger;
		strings->room = room;
	}
	memcpy(strings->data + strings->size, string, length);
	strings->data[strings->size + length] = 0;
	strings->size += length + 1;
	return 0;
}

int exec_strings_replace(struct exec_strings *strings, unsigned drop, const char *const *with, unsigned count)
{
	struct exec_strings next = {0};
	const char *rest = strings->data, *end = strings->data + strings->size;
	unsigned i;
	int error = 0;

	if (drop > strings->arguments)
		drop = strings->arguments;
	for (i = 0; i < drop; i++)
		rest += strlen(rest) + 1;
	for (i = 0; i < count && error == 0; i++)
		error = exec_strings_add(&next, with[i], strlen(with[i]));
	while (rest < end && error == 0) {
		error = exec_strings_add(&next, rest, strlen(rest));
		rest += strlen(rest) + 1;
	}
	if (error != 0) {
		free(next.data);
		return error;
	}
	next.arguments = strings->arguments - drop + count;
	next.environment = strings->environment;
	free(strings->data);
	*strings = next;
	return 0;
}

static int put(struct address_space *space, uint64_t address, const void *data, uint64_t size)
{
	return copy_out_waiting(space->task, address, data, size) == 0 ? 0 : -ENOMEM;
}

static unsigned hardware_capabilities(unsigned *more)
{
	unsigned a, b, c, d;

	*more = 2; /* HWCAP2_FSGSBASE */
	if (!__get_cpuid_count(7, 0, &a, &b, &c, &d) || !(b & 1))
		*more = 0;
	return __get_cpuid(1, &a, &b, &c, &d) ? d : 0;
}

int exec_strings_check(const struct process *process, const struct exec_strings *strings)
{
	uint64_t room = process->limit[RLIMIT_STACK].rlim_cur / 4;
	uint64_t pointers = (strings->arguments + strings->environment) * sizeof(uint64_t);

	if (room < STRINGS_LEAST)
		room = STRINGS_LEAST;
	return strings->size + pointers >= room ? -E2BIG : 0;
}

uint64_t exec_stack_size(const struct process *process, const struct exec_strings *strings, bool secure)
{
	uint64_t most = secure ? SECURE_STACK_MOST : STACK_MOST;
	uint64_t size = process->limit[RLIMIT_STACK].rlim_cur;
	uint64_t least = strings->size + (strings->arguments + strings->environment) * 8ull + STACK_LEAST;

	if (size > most)
		size = most;
	return round_page(size < least ? least : size);
}

int exec_stack(struct address_space *space, struct exec_image *image, const struct exec_strings *strings,
	const char *path, const struct credentials *who, bool secure, uint64_t stack_size)
{
	static const char platform[] = "x86_64";
	const struct elf_image *elf = &image->program;
	uint64_t at = STACK_TOP - 8, strings_at, path_at, platform_at, random_at, words, *vector;
	unsigned i, n = 0, auxiliary, capabilities2, capabilities = hardware_capabilities(&capabilities2);
	unsigned char random[16];
	const char *string;
	int error;

	error = address_space_map(space, STACK_TOP - stack_size, stack_size,
		PROT_READ | PROT_WRITE | (elf->executable_stack ? PROT_EXEC : 0), PROT_READ | PROT_WRITE | PROT_EXEC,
		MAP_PRIVATE | MAP_ANONYMOUS, NULL, MACH_PORT_NULL, 0, "[stack]");
	if (error != 0)
		return error;

	path_at = at -= strlen(path) + 1;
	error = put(space, path_at, path, strlen(path) + 1);
	strings_at = at -= strings->size;
	if (error == 0)
		error = put(space, strings_at, strings->data, strings->size);
	platform_at = at -= sizeof platform;
	if (error == 0)
		error = put(space, platform_at, platform, sizeof platform);
	random_bytes(random, sizeof random);
	at &= ~15ull;
	random_at = at -= sizeof random;
	if (error == 0)
		error = put(space, random_at, random, sizeof random);
	if (error != 0)
		return error;

	words = 1 + strings->arguments + 1 + strings->environment + 1 + 2 * AUXV_MAX;
	vector = calloc(words + 1, 8);
	if (vector == NULL)
		return -ENOMEM;
	vector[n++] = strings->arguments;
	string = strings->data;
	image->argument_start = strings_at;
	for (i = 0; i < strings->arguments + strings->environment; i++) {
		if (i == strings->arguments) {
			n++;
			image->argument_end = image->environment_start =
				strings_at + (uint64_t)(string - strings->data);
		}
		vector[n++] = strings_at + (uint64_t)(string - strings->data);
		string += strlen(string) + 1;
	}
	if (strings->environment == 0) {
		n++;
		image->argument_end = image->environment_start = strings_at + strings->size;
	}
	image->environment_end = strings_at + strings->size;
	n++;
	auxiliary = n;
#define AUX(type, value) (vector[n++] = (type), vector[n++] = (value))
	if (image->vdso != 0)
		AUX(AT_SYSINFO_EHDR, image->vdso);
	AUX(AT_HWCAP, capabilities);
	AUX(AT_PAGESZ, VM_PAGE_SIZE);
	AUX(AT_CLKTCK, CLOCK_TICKS);
	if (elf->headers != 0) {
		AUX(AT_PHDR, elf->headers + image->bias);
		AUX(AT_PHENT, elf->header_size);
		AUX(AT_PHNUM, elf->header_count);
	}
	AUX(AT_BASE, image->base);
	AUX(AT_FLAGS, 0);
	AUX(AT_ENTRY, elf->entry + image->bias);
	AUX(AT_UID, who->uid);
	AUX(AT_EUID, who->euid);
	AUX(AT_GID, who->gid);
	AUX(AT_EGID, who->egid);
	AUX(AT_SECURE, secure);
	AUX(AT_RANDOM, random_at);
	AUX(AT_HWCAP2, capabilities2);
	AUX(AT_EXECFN, path_at);
	AUX(AT_PLATFORM, platform_at);
	AUX(AT_NULL, 0);
#undef AUX
	image->stack = (random_at - n * 8ull) & ~15ull;
	image->auxiliary_start = image->stack + auxiliary * 8ull;
	image->auxiliary_end = image->stack + n * 8ull;
	error = put(space, image->stack, vector, n * 8ull);
	free(vector);
	return error;
}
