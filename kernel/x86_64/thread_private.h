/* Floating-point state, for x86_64/thread.c. */
#ifndef X86_64_THREAD_PRIVATE_H
#define X86_64_THREAD_PRIVATE_H

#include <kern/kernel_types.h>
#include <mach/kern_return.h>

void fpu_destroy(struct thread *thread);
kern_return_t fpu_get_state(struct thread *thread, uint64_t *state, unsigned *count);
kern_return_t fpu_set_state(struct thread *thread, const uint64_t *state, unsigned count);

#endif
