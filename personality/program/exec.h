/* A program's image and first stack. */
#ifndef PERSONALITY_EXEC_H
#define PERSONALITY_EXEC_H

#include <mach/elf_image.h>
#include <stdbool.h>
#include <stdint.h>

struct call;
struct address_space;
struct vnode;
struct process;
struct credentials;

/* Strings of argv and envp, one after the other, each with its NUL. */
struct exec_strings {
	char *data;
	uint64_t size, room;
	unsigned arguments, environment; /* how many of each: first all arguments */
};

#define EXEC_STRINGS_MAX (2ull << 20)
#define EXEC_COUNT_MAX   131072u

/* Appends a string. 0, -E2BIG, -ENOMEM. */
int exec_strings_add(struct exec_strings *strings, const char *string, uint64_t length);
/* Replaces the first `drop` arguments by others (of a script's interpreter). 0, -E2BIG, -ENOMEM. */
int exec_strings_replace(struct exec_strings *strings, unsigned drop, const char *const *with, unsigned count);
/* A quarter of RLIMIT_STACK may be strings and pointers to them. 0, -E2BIG. */
int exec_strings_check(const struct process *process, const struct exec_strings *strings);

struct exec_image {
	struct elf_image program;
	uint64_t bias;  /* added to the program's addresses */
	uint64_t base;  /* where the interpreter is, or 0 */
	uint64_t entry; /* where the thread begins */
	uint64_t stack; /* its stack pointer */
	uint64_t vdso;  /* the ELF header of the shared object in every process, or 0 */
	uint64_t argument_start, argument_end, environment_start, environment_end, auxiliary_start, auxiliary_end;
};

/* Maps a program's segments at bias. 0 or -errno; *end: the page after the last. In a worker, releases the lock. */
int exec_map(struct call *call, struct address_space *space, struct vnode *vnode, const struct elf_image *elf,
	uint64_t bias, uint64_t *end);
/* Bytes of stack: the process's limit, more when the strings need it, not too many when the program gains ids (secure). */
uint64_t exec_stack_size(const struct process *process, const struct exec_strings *strings, bool secure);
/* Maps the stack and writes what a program finds there. In a worker, releases the lock. */
int exec_stack(struct address_space *space, struct exec_image *image, const struct exec_strings *strings,
	const char *path, const struct credentials *who, bool secure, uint64_t stack_size);
/* Starts pid 1 or anything else in a process that has no task yet: path and strings from the server. In a worker
 * context: lock held. */
int64_t exec_run(struct call *call, const char *path, struct exec_strings *strings);

#endif
