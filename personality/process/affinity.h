/* Where threads run: program/schedule.c. */
#ifndef PERSONALITY_AFFINITY_H
#define PERSONALITY_AFFINITY_H

#include <stdint.h>

struct thread;

/* The processor where it runs or ran last. */
unsigned thread_processor(const struct thread *thread);
/* Those where it may run, a bit each; null: all that there are. */
uint64_t thread_processors(const struct thread *thread);

#endif
