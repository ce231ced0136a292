/* Clocks and timers of processor time. */
#include "process/cputimer.h"

#include <time.h>

#include "process/proc.h"
#include "process/times.h"

#define LOOK_SOONEST 1000000ull  /* ns between two looks at least, */
#define LOOK_LATEST  50000000ull /* and at most while nothing is used */

/* Linux's numbers of clocks that are not fixed: the complement of an id, shifted by this, and what it is about. */
#define ID_SHIFT  3
#define OF_THREAD 4
#define KINDS     3 /* a mask; all time, user time, and all as the scheduler knows it; the fourth is no clock */

bool cpu_clock_of(const struct call *call, int number, struct cpu_clock *clock)
{
	const struct process *process = call->process;

	*clock = (struct cpu_clock){process->id, false};
	if (number == CLOCK_PROCESS_CPUTIME_ID)
		return true;
	if (number == CLOCK_THREAD_CPUTIME_ID) {
		*clock = (struct cpu_clock){call->thread->id, true};
		return true;
	}
	if (number >= 0 || (number & KINDS) == KINDS)
		return false;
	clock->thread = (number & OF_THREAD) != 0;
	clock->id = ~(number >> ID_SHIFT);
	if (clock->thread) {
		const struct thread *thread = clock->id == 0 ? call->thread : thread_find(clock->id);

		clock->id = thread != NULL ? thread->id : 0;
		return thread != NULL && thread->process == process;
	}
	if (clock->id == 0 || clock->id == call->thread->id)
		clock->id = process->id;
	process = process_find(clock->id);
	return process != NULL && process->state == PROCESS_RUNNING;
}

bool cpu_clock_read(struct cpu_clock clock, uint64_t *ns)
{
	uint64_t user = 0, system = 0;
	const struct thread *thread;
	struct process *process;

	if (clock.thread) {
		thread = thread_find(clock.id);
		if (thread == NULL)
			return false;
		times_of_thread(thread, &user, &system);
	} else {
		process = process_find(clock.id);
		if (process == NULL || process->state != PROCESS_RUNNING)
			return false;
		times_of(process, &user, &system);
	}
	*ns = user + system;
	return true;
}

static void look(struct timer *at);

/* When to look next, now that the clock is at `now`. */
static bool wait_for(struct cpu_timer *timer, uint64_t now)
{
	uint64_t left = (timer->due - now) / (timer->clock.thread ? 1 : processors_available());

	timer->wait = now != timer->seen ? LOOK_SOONEST : timer->wait < LOOK_LATEST / 2 ? timer->wait * 2 : LOOK_LATEST;
	timer->seen = now;
	timer->timer.fire = look;
	return timer_set(&timer->timer, clock_monotonic() + (left > timer->wait ? left : timer->wait));
}

static void look(struct timer *at)
{
	struct cpu_timer *timer = list_entry(at, struct cpu_timer, timer);
	uint64_t now;

	if (!cpu_clock_read(timer->clock, &now))
		return;
	if (now >= timer->due)
		timer->fire(timer, now);
	else
		wait_for(timer, now);
}

bool cpu_timer_set(struct cpu_timer *timer, uint64_t due)
{
	uint64_t now;

	timer->due = due;
	timer->seen = UINT64_MAX;
	timer->timer.fire = look;
	if (!cpu_clock_read(timer->clock, &now))
		return true; /* it will never be */
	/* One that is due already ends at once, but not in here. */
	return now >= due ? timer_set(&timer->timer, clock_monotonic()) : wait_for(timer, now);
}

void cpu_timer_cancel(struct cpu_timer *timer)
{
	timer_cancel(&timer->timer);
}

bool cpu_timer_is_set(const struct cpu_timer *timer)
{
	return timer->timer.index != 0;
}
