/* Entries from user mode, after the machine's code has saved the registers in the thread. */
#ifndef KERN_TRAP_H
#define KERN_TRAP_H

#include <kern/kernel_types.h>
#include <mach/kern_return.h>
#include <mach/vm_types.h>

/* Any `syscall`, and a foreign one that the fast path left. Interrupts off, on the processor's empty stack. */
_Noreturn void trap_syscall(struct thread *self);
_Noreturn void trap_foreign(struct thread *self);
/* A page fault in user mode. */
_Noreturn void trap_page_fault(struct thread *self, vm_address_t address, vm_prot_t access);

/*
 * A plain trap (TRAP_MACH_MSG on): sets registers through self->regs and returns what goes to rax. KERN_RESTART: it has
 * arranged a wait (assert_wait), holds nothing, and will run again from the start.
 */
typedef int64_t (*trap_fn)(struct thread *self);

/* task/word.c: those that wait on a word of memory and wake who does. */
int64_t trap_word_wait(struct thread *self);
int64_t trap_word_wake(struct thread *self);
int64_t trap_word_requeue(struct thread *self);
/* Ends the thread; the word at rdi, if any, is cleared and one waiter woken. */
int64_t trap_thread_exit(struct thread *self);

/*
 * Copies from and to the current task, faulting pages in. KERN_RESTART as above; KERN_INVALID_ADDRESS etc. when the
 * memory is not there.
 */
kern_return_t copyin(vm_address_t address, void *kernel, vm_size_t size);
kern_return_t copyout(const void *kernel, vm_address_t address, vm_size_t size);

#endif
