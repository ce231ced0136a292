/* Futexes as other files use them. */
#ifndef PERSONALITY_FUTEX_H
#define PERSONALITY_FUTEX_H

#include <stdint.h>

struct process;

struct thread;

/* A thread ends: mutexes of its robust list that it holds get a dead owner. */
/* Once, before the first call. The table is there from then on, whatever memory is left later. */
void futex_start(void);
void futex_owner_died(struct thread *thread);
/* Wakes at most `most` threads of the process that wait on the word. How many. */
int futex_wake_address(struct process *process, uint64_t address, int most);

#endif
