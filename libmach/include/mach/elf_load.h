/* Puts a static program into a new task: segments, initial stack, registers. */
#ifndef MACH_ELF_LOAD_H
#define MACH_ELF_LOAD_H

#include <mach/elf_image.h>
#include <mach/mach.h>

#define ELF_STACK_SIZE (1ull << 20)
#define ELF_STACK_TOP  (VM_MAX_ADDRESS - (1ull << 24))

/*
 * Loads the static, position-dependent program at image (size bytes) into the empty task and sets the suspended
 * thread's registers to its start. argv and envp end in null. Returns the kernel's error, KERN_INVALID_ARGUMENT for a
 * program that cannot be loaded (*why then says in words), KERN_NO_SPACE when arguments exceed 64 KiB.
 */
kern_return_t elf_load(mach_port_t task, mach_port_t thread, const void *image, size_t size, const char *const argv[],
	const char *const envp[], const char **why);

#endif
