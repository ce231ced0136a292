/* The end of the system. */
#ifndef PERSONALITY_SYSTEM_H
#define PERSONALITY_SYSTEM_H

#include <stdbool.h>
#include <stdint.h>

#include "call/call.h"

/* Kills all processes, stops the file systems, ends the machine. Releases the lock; does not come back. */
_Noreturn void system_end(bool restart);

struct timeval;
struct timeval timeval_of(uint64_t ns);
/* A clock's time in ns; 0 or -EINVAL: there is none. */
int clock_read(struct call *call, int clock, uint64_t *ns);
/* Sets the time of day, if the caller may. What the call returns. */
int64_t clock_set(struct call *call, uint64_t seconds, uint64_t nanoseconds);

#endif
