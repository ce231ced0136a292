/* Interval timers: getitimer, setitimer, alarm. */
#include <signal.h>
#include <sys/time.h>

#include "process/proc.h"
#include "process/times.h"
#include "system/system.h"
#include "unix_server.h"

#define SECOND 1000000000ull

/* --- The real-time interval timer. */

static void alarm_fired(struct timer *timer)
{
	struct process *process = list_entry(timer, struct process, alarm);

	uint64_t now = clock_monotonic(), missed;

	if (!signal_has_taker(process, NULL, SIGALRM))
		now += SIGNAL_UNTAKEN_NS;
	if (process->alarm_interval != 0)
		timer_set(timer, timer_next(timer->deadline, process->alarm_interval, now, &missed));
	signal_process(process, SIGALRM, NULL);
}

/* ns until it fires; 0: not set. */
static uint64_t alarm_left(const struct process *process)
{
	uint64_t now = clock_monotonic();

	if (process->alarm.index == 0)
		return 0;
	return process->alarm.deadline > now ? process->alarm.deadline - now : 1;
}

static void alarm_set(struct process *process, uint64_t first, uint64_t interval)
{
	timer_cancel(&process->alarm);
	process->alarm_interval = interval;
	process->alarm.fire = alarm_fired;
	if (first != 0)
		timer_set(&process->alarm, clock_monotonic() + first);
}

int64_t sys_alarm(uint64_t caller, int seconds)
{
	struct process *process = call_of(caller)->process;
	uint64_t left = alarm_left(process);

	alarm_set(process, (uint64_t)(unsigned)seconds * SECOND, 0);
	return (int64_t)((left + SECOND - 1) / SECOND);
}

/* --- Of processor time. What servers do for the process counts as its own, so both timers are of one clock. */

static struct processor_interval *processor_interval(struct process *process, int which)
{
	return which == ITIMER_VIRTUAL ? &process->virtual_alarm : &process->profiling_alarm;
}

static void interval_over(struct cpu_timer *timer, uint64_t now)
{
	struct processor_interval *interval = list_entry(timer, struct processor_interval, timer);
	struct process *process = process_find(timer->clock.id);
	uint64_t missed;

	if (interval->interval != 0)
		cpu_timer_set(timer, timer_next(timer->due, interval->interval, now, &missed));
	/* The process may end by this. */
	if (process != NULL)
		signal_process(process, interval == &process->virtual_alarm ? SIGVTALRM : SIGPROF, NULL);
}

static uint64_t interval_left(struct processor_interval *interval)
{
	uint64_t now;

	if (!cpu_timer_is_set(&interval->timer) || !cpu_clock_read(interval->timer.clock, &now))
		return 0;
	return interval->timer.due > now ? interval->timer.due - now : 1;
}

static void interval_set(struct process *process, struct processor_interval *interval, uint64_t first, uint64_t period)
{
	uint64_t now;

	cpu_timer_cancel(&interval->timer);
	interval->interval = period;
	interval->timer.clock = (struct cpu_clock){process->id, false};
	interval->timer.fire = interval_over;
	if (first != 0 && cpu_clock_read(interval->timer.clock, &now))
		cpu_timer_set(&interval->timer, now + first);
}

void intervals_forget(struct process *process)
{
	cpu_timer_cancel(&process->virtual_alarm.timer);
	cpu_timer_cancel(&process->profiling_alarm.timer);
}

/* --- The calls. */

static void current(struct process *process, int which, struct itimerval *value)
{
	struct processor_interval *interval = processor_interval(process, which);
	const uint64_t left = which == ITIMER_REAL ? alarm_left(process) : interval_left(interval);

	value->it_interval = timeval_of(which == ITIMER_REAL ? process->alarm_interval : interval->interval);
	value->it_value = timeval_of(left);
	if (left != 0 && value->it_value.tv_sec == 0 && value->it_value.tv_usec == 0)
		value->it_value.tv_usec = 1;
}

int64_t sys_getitimer(uint64_t caller, int which, uint64_t address)
{
	struct itimerval value = {0};

	if (which < ITIMER_REAL || which > ITIMER_PROF)
		return -EINVAL;
	current(call_of(caller)->process, which, &value);
	return call_result(copy_out(call_of(caller), address, &value, sizeof value));
}

/* The most that one may be set to is as good as never. */
static bool is_valid(const struct timeval *time)
{
	return time->tv_sec >= 0 && time->tv_sec <= 1ll << 32 && (uint64_t)time->tv_usec < 1000000;
}

static uint64_t to_ns(const struct timeval *time)
{
	return (uint64_t)time->tv_sec * SECOND + (uint64_t)time->tv_usec * 1000;
}

int64_t sys_setitimer(uint64_t caller, int which, uint64_t address, uint64_t old)
{
	struct call *call = call_of(caller);
	struct process *process = call->process;
	struct itimerval value = {0}, before = {0};
	int error = address == 0 ? 0 : copy_in(call, &value, address, sizeof value);

	if (error != 0)
		return call_result(error);
	if (!is_valid(&value.it_value) || !is_valid(&value.it_interval) || which < ITIMER_REAL || which > ITIMER_PROF)
		return -EINVAL;
	current(process, which, &before);
	if (old != 0) {
		error = copy_out(call, old, &before, sizeof before);
		if (error != 0)
			return call_result(error);
	}
	if (which == ITIMER_REAL)
		alarm_set(process, to_ns(&value.it_value), to_ns(&value.it_interval));
	else
		interval_set(
			process, processor_interval(process, which), to_ns(&value.it_value), to_ns(&value.it_interval));
	return 0;
}
