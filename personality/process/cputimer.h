/* Timers of processor time: they end when a process, or a thread of it, has used so much. */
#ifndef PERSONALITY_CPUTIMER_H
#define PERSONALITY_CPUTIMER_H

#include <stdbool.h>
#include <stdint.h>

#include "call/timer.h"

struct call;

/* A clock of processor time: of a process, or (thread) of one thread. By id, for either may end. */
struct cpu_clock {
	int id;
	bool thread;
};

/*
 * Nobody tells when time is used: it is looked at again as soon as it can be used up, when all processors work for the
 * process; and while it is not used, more and more seldom.
 */
struct cpu_timer {
	struct timer timer;
	struct cpu_clock clock;
	uint64_t due;  /* ns of the clock */
	uint64_t seen; /* what it was when it was last looked at, */
	uint64_t wait; /* and how long that waited: ns */
	void (*fire)(struct cpu_timer *timer, uint64_t now);
};

/* What the number of a clock means for the caller; false: it is no clock of processor time, or there is none such. */
bool cpu_clock_of(const struct call *call, int number, struct cpu_clock *clock);
/* ns; false: its process or thread has ended. */
bool cpu_clock_read(struct cpu_clock clock, uint64_t *ns);
/* fire is called when the clock is at `due`, with the clock's time; not if its process ends before. False: no memory.
 */
bool cpu_timer_set(struct cpu_timer *timer, uint64_t due);
void cpu_timer_cancel(struct cpu_timer *timer); /* harmless when it is not set */
bool cpu_timer_is_set(const struct cpu_timer *timer);

#endif
