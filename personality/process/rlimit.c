/* Resource limits: the calls that change them, and the limits on processes and processor time. */
#include "process/rlimit.h"

#include <signal.h>
#include <string.h>
#include <sys/resource.h>

#include "base/user.h"
#include "process/proc.h"
#include "process/times.h"
#include "unix_server.h"

#define SECOND       1000000000ull
#define LOOK_SOONEST 1000000ull /* ns until processor time is looked at again, at least */

/* --- The calls. */

/* All ids of the other must be the caller's real ones: a program that has become more is not to be starved. */
static bool may_limit(const struct process *process, const struct process *other)
{
	const struct credentials *who = &process->credentials, *whom = &other->credentials;

	return process == other || capable(process, CAP_SYS_RESOURCE) ||
	       (who->uid == whom->uid && who->uid == whom->euid && who->uid == whom->suid && who->gid == whom->gid &&
		       who->gid == whom->egid && who->gid == whom->sgid);
}

/* With the server's lock. */
static void set_limit(struct process *process, struct rlimit64 *slot, struct rlimit64 value)
{
	lock_order_has(ORDER_SERVER);
	lock_take(&process->lock, ORDER_PROCESS);
	*slot = value;
	lock_give(&process->lock, ORDER_PROCESS);
}

/* wanted, old: null when not asked for. */
static int change_limit(
	struct call *call, struct process *process, int resource, const struct rlimit64 *wanted, struct rlimit64 *old)
{
	struct rlimit64 *slot;

	if (resource < 0 || resource >= (int)RLIM_NLIMITS)
		return -EINVAL;
	slot = &process->limit[resource];
	if (old != NULL) {
		lock_take(&process->lock, ORDER_PROCESS);
		*old = *slot;
		lock_give(&process->lock, ORDER_PROCESS);
	}
	if (wanted == NULL)
		return 0;
	if (wanted->rlim_cur > wanted->rlim_max)
		return -EINVAL;
	if (resource == RLIMIT_NOFILE && wanted->rlim_max > FD_LIMIT_MAX)
		return -EPERM;
	if (wanted->rlim_max > slot->rlim_max && !capable(call->process, CAP_SYS_RESOURCE))
		return -EPERM;
	set_limit(process, slot, *wanted);
	if (resource == RLIMIT_CPU)
		rlimit_watch_processor(process);
	return 0;
}

int64_t sys_prlimit64(uint64_t caller, int pid, int resource, uint64_t value, uint64_t old_address)
{
	struct call *call = call_of(caller);
	struct process *process = call->process;
	struct rlimit64 wanted, old;
	int error = value == 0 ? 0 : copy_in(call, &wanted, value, sizeof wanted);

	if (error != 0)
		return call_result(error);
	if (value != 0 || (pid != 0 && pid != process->id))
		call_lock(call);
	if (pid != 0 && pid != process->id) {
		const struct thread *thread = thread_find(pid);

		process = thread != NULL ? thread->process : process_find(pid);
	}
	if (process == NULL)
		return -ESRCH;
	if (!may_limit(call->process, process))
		return -EPERM;
	error = change_limit(call, process, resource, NULL, &old);
	/* Before the change, which is not to be made twice when the copy makes the call run again. */
	if (error == 0 && old_address != 0)
		error = copy_out(call, old_address, &old, sizeof old);
	if (error == 0 && value != 0)
		error = change_limit(call, process, resource, &wanted, NULL);
	return call_result(error);
}

int64_t sys_getrlimit(uint64_t caller, int resource, uint64_t value)
{
	struct call *call = call_of(caller);
	struct rlimit64 limit;
	int error = change_limit(call, call->process, resource, NULL, &limit);

	return error != 0 ? error : call_result(copy_out(call, value, &limit, sizeof limit));
}

int64_t sys_setrlimit(uint64_t caller, int resource, uint64_t value)
{
	struct call *call = call_of(caller);
	struct rlimit64 limit;
	int error = copy_in(call, &limit, value, sizeof limit);

	return error != 0 ? call_result(error) : change_limit(call, call->process, resource, &limit, NULL);
}

void rlimit_secure_stack(struct process *process)
{
	struct rlimit64 *limit = &process->limit[RLIMIT_STACK];

	if (limit->rlim_cur > SECURE_STACK_MOST)
		set_limit(process, limit, (struct rlimit64){SECURE_STACK_MOST, limit->rlim_max});
}

/* --- Processes. */

/* Whether `count` of them are more than the process's user may have. */
static bool too_many(const struct process *process, uint64_t count)
{
	uint64_t limit = process->limit[RLIMIT_NPROC].rlim_cur;

	return process->credentials.uid != 0 && !capable(process, CAP_SYS_RESOURCE) &&
	       !capable(process, CAP_SYS_ADMIN) && limit != RLIM64_INFINITY && count > limit;
}

bool rlimit_may_add_process(const struct process *process)
{
	return !too_many(process, process->user->count[USER_PROCESSES] + 1);
}

void rlimit_user_changed(struct process *process)
{
	/* As on Linux those count that the user had before this one came. */
	process->too_many = too_many(process, process->user->count[USER_PROCESSES] - process->counted);
}

int rlimit_check_exec(struct process *process)
{
	process->too_many = process->too_many && too_many(process, process->user->count[USER_PROCESSES]);
	return process->too_many ? -EAGAIN : 0;
}

/* --- Processor time. It is looked at as soon as it can be used up: when all processors work for the process. */

static void look(struct timer *timer)
{
	struct process *process = list_entry(timer, struct process, processor_timer);
	struct rlimit64 *limit = &process->limit[RLIMIT_CPU];
	uint64_t user, system, used;
	int signal = 0;

	times_of(process, &user, &system);
	used = (user + system) / SECOND;
	if (used >= limit->rlim_max) {
		signal_process(process, SIGKILL, NULL);
		return;
	}
	if (used >= limit->rlim_cur) {
		signal = SIGXCPU;
		set_limit(process, limit, (struct rlimit64){used + 1, limit->rlim_max});
	}
	rlimit_watch_processor(process);
	/* The process may end by this. */
	if (signal != 0)
		signal_process(process, signal, NULL);
}

void rlimit_watch_processor(struct process *process)
{
	const struct rlimit64 *limit = &process->limit[RLIMIT_CPU];
	uint64_t next = limit->rlim_cur < limit->rlim_max ? limit->rlim_cur : limit->rlim_max;
	uint64_t user, system, left;

	timer_cancel(&process->processor_timer);
	if (next > UINT64_MAX / SECOND || process->exiting)
		return;
	times_of(process, &user, &system);
	left = next * SECOND > user + system ? (next * SECOND - user - system) / processors_available() : 0;
	process->processor_timer.fire = look;
	timer_set(&process->processor_timer, clock_monotonic() + (left < LOOK_SOONEST ? LOOK_SOONEST : left));
}

void rlimit_forget_processor(struct process *process)
{
	timer_cancel(&process->processor_timer);
}
