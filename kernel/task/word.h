/* The traps that wait on a word of memory and wake those who do. */
#ifndef KERN_WORD_H
#define KERN_WORD_H

#include <stdint.h>

struct thread;

int64_t trap_word_wait(struct thread *self);
int64_t trap_word_wake(struct thread *self);
int64_t trap_word_requeue(struct thread *self);
/* Ends the thread; the word at rdi, if any, is cleared and one waiter woken. */
int64_t trap_thread_exit(struct thread *self);

#endif
