/* Load averages: the number of threads that are not waiting, smoothed every five seconds. */
#include "process/loadavg.h"

#include "process/proc.h"

#define PERIOD 5000000000ull
#define ONE    (1ul << LOAD_SHIFT)

unsigned long load_average[3];

/* exp(-5 s / 1, 5, 15 min) in fixed point. */
static const unsigned long decay[3] = {1884, 2014, 2037};
static struct timer timer;

unsigned load_running(void)
{
	unsigned count = 0;

	list_for_each (link, &processes) {
		struct process *process = list_entry(link, struct process, link);

		if (process->stopped)
			continue;
		list_for_each (thread_link, &process->threads) {
			struct thread *thread = list_entry(thread_link, struct thread, link);

			if (thread->lent == NULL && thread->call.state != CALL_WAITING)
				count++;
		}
	}
	return count;
}

static void sample(struct timer *fired)
{
	unsigned long now = load_running() * ONE;
	unsigned i;

	for (i = 0; i < 3; i++)
		load_average[i] = (load_average[i] * decay[i] + now * (ONE - decay[i])) >> LOAD_SHIFT;
	timer_set(fired, clock_monotonic() + PERIOD);
}

void load_start(void)
{
	timer.fire = sample;
	timer_set(&timer, clock_monotonic() + PERIOD);
}
