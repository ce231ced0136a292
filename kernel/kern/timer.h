/* One-shot timers, on the processor that set them. */
#ifndef KERN_TIMER_H
#define KERN_TIMER_H

#include <kern/list.h>
#include <stdint.h>

struct processor;

struct timer {
	struct list link;
	uint64_t deadline; /* ns since boot */
	void (*fn)(struct timer *timer);
	struct processor *processor; /* whose list it is on, null when not set */
};

void timer_init(struct timer *timer, void (*fn)(struct timer *timer));
/* fn runs at the deadline with interrupts off, no locks held. Setting a set timer moves it. */
void timer_set(struct timer *timer, uint64_t deadline);
/* After this fn does not start any more (it may be running on another processor). */
void timer_cancel(struct timer *timer);
/* After this fn is over, too: the timer may be freed. No lock held that fn takes; not from fn. */
void timer_cancel_and_wait(struct timer *timer);
/* The machine's timer is set so that timer_interrupt comes by then on this processor: for the end of a slice. */
void timer_arm(uint64_t when);
/* From the machine, at or after the deadline it was given. Runs what is due, sets the next deadline. */
void timer_interrupt(void);
/* From now on an interrupt comes so many ns after the last one (0: when one is due), on this processor at once. */
void timer_probe(uint64_t period);

#endif
