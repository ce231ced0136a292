/* Floating-point state, for x86_64/thread.c. */
#ifndef X86_64_THREAD_PRIVATE_H
#define X86_64_THREAD_PRIVATE_H

#include <kern/kernel_types.h>
#include <kern/machine.h>
#include <mach/kern_return.h>

/* The XSAVE area, from a word of the state on; *count: words there is room for, then its words. */
kern_return_t fpu_get_state(struct thread *thread, const struct state_memory *to, unsigned word, unsigned *count);
/* If the state cannot be read to its end, what it leaves is harmless. */
kern_return_t fpu_set_state(struct thread *thread, const struct state_memory *from, unsigned word, unsigned count);

/* Words to or from a state. */
kern_return_t state_put(const struct state_memory *to, unsigned word, const void *data, unsigned words);
kern_return_t state_take(const struct state_memory *from, unsigned word, void *data, unsigned words);

#endif
