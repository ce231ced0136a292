/* Clocks, sleeping, processor times. */
#include <mach/mach.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <sys/times.h>
#include <time.h>

#include "base/rights.h"
#include "call/call.h"
#include "memory/mm.h"
#include "process/proc.h"
#include "process/times.h"
#include "program/vdso.h"
#include "system/system.h"
#include "unix_server.h"

#define SECOND   1000000000ull
#define NO_CLOCK 10             /* between those that Linux has */
#define TICK   (SECOND / 100) /* what times() counts in */

static int64_t put_timespec(struct call *call, uint64_t address, uint64_t ns)
{
	struct timespec time = {(time_t)(ns / SECOND), (long)(ns % SECOND)};

	return call_result(copy_out(call, address, &time, sizeof time));
}

struct timeval timeval_of(uint64_t ns)
{
	return (struct timeval){(time_t)(ns / SECOND), (suseconds_t)(ns % SECOND / 1000)};
}

/* --- Processor times. */

void times_of(struct process *process, uint64_t *user, uint64_t *system)
{
	struct portolan_task_info info;
	mach_msg_type_number_t count = PORTOLAN_TASK_INFO_COUNT;

	*user = process->dead_user_ns;
	*system = process->dead_system_ns;
	if (process->memory == NULL || process->vfork_thread != NULL ||
		portolan_task_info(process_task(process), PORTOLAN_TASK_INFO, (uint64_t *)&info, &count) != KERN_SUCCESS)
		return;
	*user += info.user_ns;
	*system += info.system_ns;
	if (info.resident_size > process->max_resident)
		process->max_resident = info.resident_size;
}

void times_of_thread(const struct thread *thread, uint64_t *user, uint64_t *system)
{
	struct portolan_thread_info info;
	mach_msg_type_number_t count = PORTOLAN_THREAD_INFO_COUNT;

	if (portolan_thread_info(thread->port, PORTOLAN_THREAD_INFO, (uint64_t *)&info, &count) != KERN_SUCCESS)
		return;
	*user = info.user_ns;
	*system = info.system_ns;
}

static void fill_usage(struct rusage *usage, uint64_t user, uint64_t system, uint64_t resident)
{
	memset(usage, 0, sizeof *usage);
	usage->ru_utime = timeval_of(user);
	usage->ru_stime = timeval_of(system);
	usage->ru_maxrss = (long)(resident / 1024);
}

void times_of_ended(struct process *process, struct rusage *usage)
{
	uint64_t user, system;

	times_of(process, &user, &system);
	fill_usage(usage, user + process->children_user_ns, system + process->children_system_ns,
		process->max_resident > process->children_max_resident ? process->max_resident
								       : process->children_max_resident);
}

int64_t sys_getrusage(uint64_t caller, int who, uint64_t address)
{
	struct call *call = call_of(caller);
	struct process *process = call->process;
	struct rusage usage;
	uint64_t user, system;

	if (who == RUSAGE_CHILDREN) {
		fill_usage(
			&usage, process->children_user_ns, process->children_system_ns, process->children_max_resident);
	} else if (who == RUSAGE_SELF || who == RUSAGE_THREAD) {
		times_of(process, &user, &system);
		if (who == RUSAGE_THREAD)
			times_of_thread(call->thread, &user, &system);
		fill_usage(&usage, user, system, process->max_resident);
	} else {
		return -EINVAL;
	}
	return call_result(copy_out(call, address, &usage, sizeof usage));
}

int64_t sys_times(uint64_t caller, uint64_t address)
{
	struct call *call = call_of(caller);
	struct process *process = call->process;
	uint64_t user, system;
	struct tms times;
	int error = 0;

	if (address != 0) {
		times_of(process, &user, &system);
		times.tms_utime = (clock_t)(user / TICK);
		times.tms_stime = (clock_t)(system / TICK);
		times.tms_cutime = (clock_t)(process->children_user_ns / TICK);
		times.tms_cstime = (clock_t)(process->children_system_ns / TICK);
		error = copy_out(call, address, &times, sizeof times);
	}
	return error != 0 ? call_result(error) : (int64_t)(clock_monotonic() / TICK);
}

/* --- Clocks. */

int clock_read(struct call *call, int clock, uint64_t *ns)
{
	struct cpu_clock processor;

	switch (clock) {
	case CLOCK_REALTIME:
	case CLOCK_REALTIME_COARSE:
	case CLOCK_TAI:
		*ns = clock_realtime();
		return 0;
	case CLOCK_MONOTONIC:
	case CLOCK_MONOTONIC_RAW:
	case CLOCK_MONOTONIC_COARSE:
	case CLOCK_BOOTTIME:
		*ns = clock_monotonic();
		return 0;
	default:
		if (clock > CLOCK_THREAD_CPUTIME_ID)
			return -EINVAL;
		call_lock(call);
		return cpu_clock_of(call, clock, &processor) && cpu_clock_read(processor, ns) ? 0 : -EINVAL;
	}
}

int64_t sys_clock_gettime(uint64_t caller, int clock, uint64_t address)
{
	uint64_t ns;
	int error = clock_read(call_of(caller), clock, &ns);

	return error != 0 ? error : put_timespec(call_of(caller), address, ns);
}

int64_t sys_clock_getres(uint64_t caller, int clock, uint64_t address)
{
	uint64_t ns;
	int error = clock_read(call_of(caller), clock, &ns);

	return error != 0 || address == 0 ? error : put_timespec(call_of(caller), address, 1);
}

int64_t clock_set(struct call *call, uint64_t seconds, uint64_t nanoseconds)
{
	time_value64_t time = {(int64_t)seconds, (int64_t)nanoseconds};

	if (!capable(call->process, CAP_SYS_TIME))
		return -EPERM;
	if (host_set_time64(host_privileged(), time) != KERN_SUCCESS)
		return -EINVAL;
	vdso_time_was_set();
	return 0;
}

int64_t sys_clock_settime(uint64_t caller, int clock, uint64_t address)
{
	struct timespec time;
	uint64_t ns;
	int error = copy_in(call_of(caller), &time, address, sizeof time);

	if (error != 0)
		return call_result(error);
	if (clock < 0 && clock_read(call_of(caller), clock, &ns) == 0)
		return -EPERM;
	if (clock != CLOCK_REALTIME || time.tv_sec < 0 || (uint64_t)time.tv_nsec >= SECOND)
		return -EINVAL;
	return clock_set(call_of(caller), (uint64_t)time.tv_sec, (uint64_t)time.tv_nsec);
}

int64_t sys_settimeofday(uint64_t caller, uint64_t address, uint64_t zone)
{
	struct timeval time;
	int error;

	(void)zone;
	if (address == 0)
		return 0;
	error = copy_in(call_of(caller), &time, address, sizeof time);
	if (error != 0)
		return call_result(error);
	if (time.tv_sec < 0 || (uint64_t)time.tv_usec >= 1000000)
		return -EINVAL;
	return clock_set(call_of(caller), (uint64_t)time.tv_sec, (uint64_t)time.tv_usec * 1000);
}

int64_t sys_gettimeofday(uint64_t caller, uint64_t address, uint64_t zone)
{
	struct call *call = call_of(caller);
	struct timeval time = timeval_of(clock_realtime());
	struct timezone utc = {0, 0};
	int error = address == 0 ? 0 : copy_out(call, address, &time, sizeof time);

	if (error == 0 && zone != 0)
		error = copy_out(call, zone, &utc, sizeof utc);
	return call_result(error);
}

int64_t sys_time(uint64_t caller, uint64_t address)
{
	int64_t seconds = (int64_t)(clock_realtime() / SECOND);
	int error = address == 0 ? 0 : copy_out(call_of(caller), address, &seconds, sizeof seconds);

	return error != 0 ? call_result(error) : seconds;
}

/* --- Sleeping. */

/* A handler ends the sleep: what is left of it goes to where the caller asked. */
static void sleep_interrupted(struct call *call)
{
	uint64_t address = call->argument[call->number == MIG_ID_nanosleep ? 1 : 3], now = clock_monotonic();

	if (address != 0)
		put_timespec(call, address, call->deadline > now ? call->deadline - now : 0);
}

static int64_t sleep_until(struct call *call, int clock, bool absolute, uint64_t request)
{
	struct timespec time;
	uint64_t now, length;
	int error;

	if (call->timed_out)
		return 0;
	if (!call->has_deadline) {
		error = copy_in(call, &time, request, sizeof time);
		if (error != 0)
			return call_result(error);
		if (time.tv_sec < 0 || (uint64_t)time.tv_nsec >= SECOND)
			return -EINVAL;
		if (time.tv_sec > 1ll << 32)
			time.tv_sec = 1ll << 32;
		length = (uint64_t)time.tv_sec * SECOND + (uint64_t)time.tv_nsec;
		if (absolute) {
			error = clock_read(call, clock, &now);
			if (error != 0)
				return error;
			length = length > now ? length - now : 0;
		}
		if (length == 0)
			return 0;
		call_set_deadline(call, clock_monotonic() + length);
		call->no_restart = true;
		if (!absolute)
			call->interrupted = sleep_interrupted;
	}
	return call_wait(call);
}

/* --- On a clock of processor time: its timer in call->scratch. */

struct processor_sleep {
	struct cpu_timer timer;
	struct call *call;
	bool over, absolute;
};

static void processor_slept(struct cpu_timer *timer, uint64_t now)
{
	struct processor_sleep *sleep = list_entry(timer, struct processor_sleep, timer);

	(void)now;
	sleep->over = true;
	call_make_ready(sleep->call);
}

static void forget_sleep(struct call *call)
{
	struct processor_sleep *sleep = call->scratch;

	cpu_timer_cancel(&sleep->timer);
}

static void processor_sleep_interrupted(struct call *call)
{
	const struct processor_sleep *sleep = call->scratch;
	uint64_t now = 0;

	if (call->argument[3] != 0 && !sleep->absolute && cpu_clock_read(sleep->timer.clock, &now))
		put_timespec(call, call->argument[3], sleep->timer.due > now ? sleep->timer.due - now : 0);
}

static int64_t sleep_processor(struct call *call, int number, bool absolute, uint64_t request)
{
	struct processor_sleep *sleep = call->scratch;
	struct cpu_clock clock;
	struct timespec time;
	uint64_t now, length;
	int error;

	call->no_restart = true;
	if (sleep != NULL)
		return sleep->over ? 0 : call_wait(call);
	error = copy_in(call, &time, request, sizeof time);
	if (error != 0)
		return call_result(error);
	if (time.tv_sec < 0 || (uint64_t)time.tv_nsec >= SECOND || time.tv_sec > 1ll << 32)
		return -EINVAL;
	/* Of itself nobody waits for its own work. */
	if (!cpu_clock_of(call, number, &clock) || !cpu_clock_read(clock, &now) ||
		(clock.thread && clock.id == call->thread->id))
		return -EINVAL;
	length = (uint64_t)time.tv_sec * SECOND + (uint64_t)time.tv_nsec;
	if (length <= (absolute ? now : 0))
		return 0;
	sleep = calloc(1, sizeof *sleep);
	if (sleep == NULL)
		return -ENOMEM;
	*sleep = (struct processor_sleep){
		.timer = {.clock = clock, .fire = processor_slept}, .call = call, .absolute = absolute};
	call->scratch = sleep;
	call->scratch_release = forget_sleep;
	call->interrupted = processor_sleep_interrupted;
	return cpu_timer_set(&sleep->timer, absolute ? length : now + length) ? call_wait(call) : -ENOMEM;
}

int64_t sys_nanosleep(uint64_t caller, uint64_t request, uint64_t remaining)
{
	(void)remaining;
	return sleep_until(call_of(caller), CLOCK_MONOTONIC, false, request);
}

int64_t sys_clock_nanosleep(uint64_t caller, int clock, unsigned flags, uint64_t request, uint64_t remaining)
{
	(void)remaining;
	if (clock == CLOCK_PROCESS_CPUTIME_ID || clock < 0)
		return sleep_processor(call_of(caller), clock, (flags & TIMER_ABSTIME) != 0, request);
	if (clock != CLOCK_REALTIME && clock != CLOCK_MONOTONIC && clock != CLOCK_BOOTTIME && clock != CLOCK_TAI)
		return clock == NO_CLOCK || clock > CLOCK_TAI ? -EINVAL : -EOPNOTSUPP;
	return sleep_until(call_of(caller), clock, (flags & TIMER_ABSTIME) != 0, request);
}
