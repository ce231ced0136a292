/* timer_create and its kin: timers that send signals. */
#include <mach/mach.h>
#include <signal.h>
#include <string.h>
#include <time.h>

#include "base/user.h"
#include "process/proc.h"
#include "signal/posixtimer.h"
#include "unix_server.h"

#define SECOND     1000000000ull
#define TIMERS_MAX 64 /* of a process */
#define NO_CLOCK   10 /* between those that Linux has */

struct posix_timer {
	struct list link;
	struct process *process;
	struct user *user; /* counted there as a queued signal, which it may become at any time */
	int id;
	int clock;
	bool of_processor;    /* its clock is one of processor time: */
	struct cpu_timer cpu; /* that, else */
	struct timer timer;   /* this; not set when nobody is told (SIGEV_NONE) */
	uint64_t due;       /* when it ends next; 0: it does not */
	uint64_t interval;
	int notify, signal, tid;
	uint64_t value;
	int overrun; /* since the last signal was sent */
};

/* struct sigevent as the call takes it. */
struct event {
	uint64_t value;
	int32_t signal, notify, tid;
	int32_t padding[11];
};

_Static_assert(sizeof(struct event) == 64, "sigevent has 64 bytes");

static struct posix_timer *find(struct process *process, int id)
{
	list_for_each (link, &process->posix_timers) {
		struct posix_timer *timer = list_entry(link, struct posix_timer, link);

		if (timer->id == id)
			return timer;
	}
	return NULL;
}

static void stop(struct posix_timer *timer)
{
	timer_cancel(&timer->timer);
	cpu_timer_cancel(&timer->cpu);
}

/* Ends when its clock (the monotonic one for those of time) is at `due`. False: no memory. */
static bool start(struct posix_timer *timer, uint64_t due)
{
	timer->due = due;
	if (timer->notify == SIGEV_NONE)
		return true;
	return timer->of_processor ? cpu_timer_set(&timer->cpu, due) : timer_set(&timer->timer, due);
}

static uint64_t clock_now(const struct posix_timer *timer)
{
	uint64_t now = 0;

	if (timer->of_processor)
		return cpu_clock_read(timer->cpu.clock, &now) ? now : 0;
	return clock_monotonic();
}

static void destroy(struct posix_timer *timer)
{
	struct user *user = timer->user;

	stop(timer);
	list_remove(&timer->link);
	user_free(timer);
	user_uncharge(user, USER_SIGNALS, 1);
	user_release(user);
}

void posix_timers_delete(struct process *process)
{
	while (!list_empty(&process->posix_timers))
		destroy(list_entry(process->posix_timers.next, struct posix_timer, link));
}

/* `due` has come, and it is `now` by its clock. */
static void expired(struct posix_timer *timer, uint64_t due, uint64_t now)
{
	struct process *process = timer->process;
	struct thread *thread = timer->notify == SIGEV_THREAD_ID ? thread_find(timer->tid) : NULL;
	struct signal_info info;
	bool pending = ((thread != NULL ? thread->pending.set : process->pending.set) & SIGNAL_BIT(timer->signal)) != 0;
	uint64_t missed = 0;

	if (!signal_has_taker(process, thread, timer->signal))
		now += SIGNAL_UNTAKEN_NS;

	timer->due = 0;
	if (timer->interval != 0) {
		due = timer_next(due, timer->interval, now, &missed);
		timer->overrun += missed < 1000000 ? (int)missed : 1000000;
		start(timer, due);
	}
	if (pending) {
		timer->overrun++;
		return;
	}
	memset(&info, 0, sizeof info);
	info.code = SI_TIMER;
	info.timer_id = timer->id;
	info.overrun = timer->overrun;
	info.timer_value = timer->value;
	timer->overrun = 0;
	/* The process, and the timer with it, may end by this. */
	if (thread != NULL && thread->process == process)
		signal_thread(thread, timer->signal, &info);
	else if (timer->notify != SIGEV_THREAD_ID)
		signal_process(process, timer->signal, &info);
}

static void fired(struct timer *at)
{
	expired(list_entry(at, struct posix_timer, timer), at->deadline, clock_monotonic());
}

static void used_up(struct cpu_timer *at, uint64_t now)
{
	expired(list_entry(at, struct posix_timer, cpu), at->due, now);
}

/* 0, -EINVAL, or -EOPNOTSUPP: of this clock are no timers. */
static int check_clock(const struct call *call, int clock, bool *of_processor, struct cpu_clock *processor)
{
	*of_processor = clock < 0 || clock == CLOCK_PROCESS_CPUTIME_ID || clock == CLOCK_THREAD_CPUTIME_ID;
	if (*of_processor)
		return cpu_clock_of(call, clock, processor) ? 0 : -EINVAL;
	if (clock == CLOCK_REALTIME || clock == CLOCK_MONOTONIC || clock == CLOCK_BOOTTIME || clock == CLOCK_TAI)
		return 0;
	return clock == NO_CLOCK || clock > CLOCK_TAI ? -EINVAL : -EOPNOTSUPP;
}

int64_t sys_timer_create(uint64_t caller, int clock, uint64_t event_address, uint64_t id_address)
{
	struct call *call = call_of(caller);
	struct event event = {.signal = SIGALRM, .notify = SIGEV_SIGNAL};
	struct user *user = call->process->user;
	struct cpu_clock processor = {0};
	struct posix_timer *timer;
	bool of_processor;
	int error = check_clock(call, clock, &of_processor, &processor), id = 0;

	if (error != 0)
		return error;
	if (event_address != 0)
		error = copy_in(call, &event, event_address, sizeof event);
	while (find(call->process, id) != NULL)
		id++;
	if (error == 0)
		error = copy_out(call, id_address, &id, sizeof id);
	if (error != 0)
		return call_result(error);
	if (event.notify != SIGEV_NONE && (event.signal < 1 || event.signal > SIGNALS))
		return -EINVAL;
	if (event.notify != SIGEV_NONE && event.notify != SIGEV_SIGNAL && event.notify != SIGEV_THREAD_ID)
		return -EINVAL;
	if (event.notify == SIGEV_THREAD_ID &&
		(thread_find(event.tid) == NULL || thread_find(event.tid)->process != call->process))
		return -EINVAL;
	if (id >= TIMERS_MAX || !user_charge(user, USER_SIGNALS, 1, call->process->limit[RLIMIT_SIGPENDING].rlim_cur))
		return -EAGAIN;
	timer = user_alloc(user, sizeof *timer);
	if (timer == NULL) {
		user_uncharge(user, USER_SIGNALS, 1);
		return -EAGAIN;
	}
	timer->user = user_reference(user);
	timer->process = call->process;
	timer->id = id;
	timer->clock = clock;
	timer->timer.fire = fired;
	timer->of_processor = of_processor;
	timer->cpu.clock = processor;
	timer->cpu.fire = used_up;
	timer->notify = event.notify;
	timer->signal = event.signal;
	timer->tid = event.tid;
	timer->value = event_address != 0 ? event.value : (uint64_t)id;
	list_append(&call->process->posix_timers, &timer->link);
	return 0;
}

static void current(struct posix_timer *timer, struct itimerspec *value)
{
	uint64_t now = clock_now(timer), left = 0, missed;

	if (timer->notify == SIGEV_NONE && timer->due != 0 && timer->due <= now)
		timer->due = timer->interval != 0 ? timer_next(timer->due, timer->interval, now, &missed) : 0;
	if (timer->due != 0)
		left = timer->due > now ? timer->due - now : 1;
	value->it_value = (struct timespec){(time_t)(left / SECOND), (long)(left % SECOND)};
	value->it_interval = (struct timespec){(time_t)(timer->interval / SECOND), (long)(timer->interval % SECOND)};
}

int64_t sys_timer_gettime(uint64_t caller, int id, uint64_t address)
{
	struct posix_timer *timer = find(call_of(caller)->process, id);
	struct itimerspec value;

	if (timer == NULL)
		return -EINVAL;
	current(timer, &value);
	return call_result(copy_out(call_of(caller), address, &value, sizeof value));
}

static bool valid(const struct timespec *time)
{
	return time->tv_sec >= 0 && time->tv_sec <= 1ll << 32 && time->tv_nsec >= 0 && (uint64_t)time->tv_nsec < SECOND;
}

int64_t sys_timer_settime(uint64_t caller, int id, unsigned flags, uint64_t address, uint64_t old)
{
	struct call *call = call_of(caller);
	struct posix_timer *timer = find(call->process, id);
	struct itimerspec value, before;
	uint64_t first, now;
	int error;

	if (timer == NULL || address == 0)
		return -EINVAL;
	error = copy_in(call, &value, address, sizeof value);
	if (error != 0)
		return call_result(error);
	if (!valid(&value.it_value) || !valid(&value.it_interval))
		return -EINVAL;
	if (old != 0) {
		current(timer, &before);
		error = copy_out(call, old, &before, sizeof before);
		if (error != 0)
			return call_result(error);
	}
	stop(timer);
	timer->overrun = 0;
	timer->interval = (uint64_t)value.it_interval.tv_sec * SECOND + (uint64_t)value.it_interval.tv_nsec;
	timer->due = 0;
	first = (uint64_t)value.it_value.tv_sec * SECOND + (uint64_t)value.it_value.tv_nsec;
	if (first == 0)
		return 0;
	now = clock_now(timer);
	if (!(flags & TIMER_ABSTIME))
		first += now;
	else if (timer->clock == CLOCK_REALTIME || timer->clock == CLOCK_TAI)
		first = first > clock_realtime() ? now + (first - clock_realtime()) : now;
	return start(timer, first) ? 0 : -ENOMEM;
}

int64_t sys_timer_getoverrun(uint64_t caller, int id)
{
	struct posix_timer *timer = find(call_of(caller)->process, id);

	return timer == NULL ? -EINVAL : timer->overrun;
}

int64_t sys_timer_delete(uint64_t caller, int id)
{
	struct posix_timer *timer = find(call_of(caller)->process, id);

	if (timer == NULL)
		return -EINVAL;
	destroy(timer);
	return 0;
}
