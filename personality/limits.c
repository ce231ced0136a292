/* Priorities, scheduling parameters. */
#include <sched.h>
#include <string.h>
#include <sys/resource.h>

#include "proc.h"
#include "unix_server.h"

#define NICE_LOWEST  19
#define NICE_HIGHEST (-20)

/* --- Nice values. They are kept and shown; the kernel's priorities are left alone. */

/* RLIMIT_NICE counts from the other end: 20 - nice, 1 to 40. */
static bool limit_allows(const struct process *process, int nice)
{
	return (uint64_t)(20 - nice) <= process->limit[RLIMIT_NICE].rlim_cur;
}

static bool selected(const struct process *process, int which, int who, const struct call *call)
{
	if (process->state == PROCESS_ZOMBIE)
		return false;
	if (which == PRIO_PROCESS)
		return process->id == (who == 0 ? call->process->id : who);
	if (which == PRIO_PGRP)
		return process->group->id == (who == 0 ? call->process->group->id : who);
	return process->credentials.uid == (who == 0 ? call->process->credentials.uid : (uint32_t)who);
}

int64_t sys_getpriority(uint64_t caller, int which, int who)
{
	int64_t best = -ESRCH;

	if (which < PRIO_PROCESS || which > PRIO_USER)
		return -EINVAL;
	list_for_each (link, &processes) {
		struct process *process = list_entry(link, struct process, link);

		/* The call gives 20 - nice: 1 to 40. */
		if (selected(process, which, who, call_of(caller)) && 20 - process->nice > best)
			best = 20 - process->nice;
	}
	return best;
}

/* 0, or why the process may not change the other's nice value: it is another user's, or could become root. */
static int check_nice(const struct process *process, const struct process *target, int nice)
{
	const struct credentials *own = &process->credentials, *its = &target->credentials;

	if (capable(process))
		return 0;
	if (its->uid != own->euid && its->euid != own->euid)
		return -EPERM;
	if (nice < target->nice && !limit_allows(target, nice))
		return -EACCES;
	return (its->uid == 0 || its->euid == 0 || its->suid == 0) && own->uid != 0 && own->suid != 0 ? -EPERM : 0;
}

int64_t sys_setpriority(uint64_t caller, int which, int who, int nice)
{
	struct call *call = call_of(caller);
	int64_t result = -ESRCH;
	int error;

	if (which < PRIO_PROCESS || which > PRIO_USER)
		return -EINVAL;
	if (nice > NICE_LOWEST)
		nice = NICE_LOWEST;
	if (nice < NICE_HIGHEST)
		nice = NICE_HIGHEST;
	list_for_each (link, &processes) {
		struct process *process = list_entry(link, struct process, link);

		if (!selected(process, which, who, call))
			continue;
		error = check_nice(call->process, process, nice);
		if (error == 0)
			process->nice = nice;
		if (error != 0 || result == -ESRCH)
			result = error;
	}
	return result;
}

/* --- Scheduling: everything is SCHED_OTHER. */

int64_t sys_sched_yield(uint64_t caller)
{
	(void)caller;
	return 0;
}

static bool exists(struct call *call, int pid)
{
	return pid == 0 || pid == call->thread->id || thread_find(pid) != NULL;
}

int64_t sys_sched_getscheduler(uint64_t caller, int pid)
{
	return pid < 0 ? -EINVAL : exists(call_of(caller), pid) ? SCHED_OTHER : -ESRCH;
}

int64_t sys_sched_setscheduler(uint64_t caller, int pid, int policy, uint64_t parameters)
{
	struct sched_param value;
	int error;

	if (pid < 0)
		return -EINVAL;
	error = copy_in(call_of(caller), &value, parameters, sizeof value);
	if (error != 0)
		return call_result(error);
	if (!exists(call_of(caller), pid))
		return -ESRCH;
	if (policy == SCHED_FIFO || policy == SCHED_RR)
		return -EPERM;
	return (policy == SCHED_OTHER || policy == SCHED_BATCH || policy == SCHED_IDLE) && value.sched_priority == 0
		       ? 0
		       : -EINVAL;
}

int64_t sys_sched_getparam(uint64_t caller, int pid, uint64_t parameters)
{
	struct sched_param value = {0};

	if (pid < 0)
		return -EINVAL;
	return exists(call_of(caller), pid) ? call_result(copy_out(call_of(caller), parameters, &value, sizeof value))
					    : -ESRCH;
}

int64_t sys_sched_setparam(uint64_t caller, int pid, uint64_t parameters)
{
	return sys_sched_setscheduler(caller, pid, SCHED_OTHER, parameters);
}

int64_t sys_sched_get_priority_max(uint64_t caller, int policy)
{
	(void)caller;
	return policy == SCHED_FIFO || policy == SCHED_RR                               ? 99
	       : policy == SCHED_OTHER || policy == SCHED_BATCH || policy == SCHED_IDLE ? 0
											: -EINVAL;
}

int64_t sys_sched_get_priority_min(uint64_t caller, int policy)
{
	(void)caller;
	return policy == SCHED_FIFO || policy == SCHED_RR                               ? 1
	       : policy == SCHED_OTHER || policy == SCHED_BATCH || policy == SCHED_IDLE ? 0
											: -EINVAL;
}

int64_t sys_sched_rr_get_interval(uint64_t caller, int pid, uint64_t address)
{
	struct timespec interval = {0, 0};

	if (pid < 0)
		return -EINVAL;
	return exists(call_of(caller), pid)
		       ? call_result(copy_out(call_of(caller), address, &interval, sizeof interval))
		       : -ESRCH;
}

int64_t sys_sched_getaffinity(uint64_t caller, int pid, uint64_t size, uint64_t address)
{
	struct call *call = call_of(caller);
	uint64_t mask = processors_available() >= 64 ? ~0ull : (1ull << processors_available()) - 1;
	int error;

	if (size < sizeof mask || (size & 7))
		return -EINVAL;
	if (!exists(call, pid))
		return -ESRCH;
	error = copy_out(call, address, &mask, sizeof mask);
	return error != 0 ? call_result(error) : (int64_t)sizeof mask;
}

int64_t sys_sched_setaffinity(uint64_t caller, int pid, uint64_t size, uint64_t address)
{
	struct call *call = call_of(caller);
	uint64_t mask = 0, all = processors_available() >= 64 ? ~0ull : (1ull << processors_available()) - 1;
	int error;

	if (!exists(call, pid))
		return -ESRCH;
	error = copy_in(call, &mask, address, size < sizeof mask ? size : sizeof mask);
	if (error != 0)
		return call_result(error);
	/* Only what is the case already: all processors. */
	return (mask & all) == 0 ? -EINVAL : (mask & all) == all ? 0 : -EPERM;
}

int64_t sys_getcpu(uint64_t caller, uint64_t processor, uint64_t node)
{
	uint32_t zero = 0;
	int error = processor == 0 ? 0 : copy_out(call_of(caller), processor, &zero, sizeof zero);

	if (error == 0 && node != 0)
		error = copy_out(call_of(caller), node, &zero, sizeof zero);
	return call_result(error);
}

int64_t sys_ioprio_get(uint64_t caller, int which, int who)
{
	if (which < 1 || which > 3)
		return -EINVAL;
	return which == 1 && !exists(call_of(caller), who) ? -ESRCH : 4; /* no class of its own, middle level */
}

int64_t sys_ioprio_set(uint64_t caller, int which, int who, int priority)
{
	(void)caller;
	(void)who;
	return which < 1 || which > 3 || priority >> 13 > 3 ? -EINVAL : -EPERM;
}
