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
/*
 * When a timer of a period (not 0) whose end was due ends next: first after `now`. What lies between is not made up for
 * one by one, since ends may come faster than anybody serves them; *missed says how many it were.
 */
uint64_t timer_next(uint64_t due, uint64_t period, uint64_t now, uint64_t *missed);
/* Starts the thread that waits for them. */
void timers_start(void);

#endif
