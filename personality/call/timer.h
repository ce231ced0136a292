/* Deadlines: functions called with the server lock held when their time has come. */
#ifndef PERSONALITY_TIMER_H
#define PERSONALITY_TIMER_H

#include <stdbool.h>
#include <stdint.h>

struct timer {
	uint64_t deadline; /* ns, monotonic */
	unsigned index;    /* place in the heap from 1; 0: not set */
	void (*fire)(struct timer *timer);
};

/* Sets (or moves) a timer. False: no memory. */
bool timer_set(struct timer *timer, uint64_t deadline);
/* Harmless when it is not set. It does not fire after this. */
void timer_cancel(struct timer *timer);
/* Starts the thread that waits for them. */
void timers_start(void);

#endif
