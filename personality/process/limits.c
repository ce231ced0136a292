/* Priorities, scheduling parameters. */
#include <mach/mach.h>
#include <sched.h>
#include <string.h>
#include <sys/resource.h>

#include "process/proc.h"
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

/* The first of those selected, or the next after one; null: none. */
static struct process *next_selected(const struct process *after, int which, int who, const struct call *call)
{
	struct list *link = after == NULL ? processes.next : after->link.next;

	if (which == PRIO_PROCESS) {
		struct process *process = after == NULL ? process_find(who == 0 ? call->process->id : who) : NULL;

		return process != NULL && selected(process, which, who, call) ? process : NULL;
	}
	while (link != &processes && !selected(list_entry(link, struct process, link), which, who, call))
		link = link->next;
	return link == &processes ? NULL : list_entry(link, struct process, link);
}

int64_t sys_getpriority(uint64_t caller, int which, int who)
{
	const struct process *process = NULL;
	int64_t best = -ESRCH;

	if (which < PRIO_PROCESS || which > PRIO_USER)
		return -EINVAL;
	while ((process = next_selected(process, which, who, call_of(caller))) != NULL) {
		/* The call gives 20 - nice: 1 to 40. */
		if (20 - process->nice > best)
			best = 20 - process->nice;
	}
	return best;
}

/* Whether the other is root or could become it, and the process not. */
static bool has_more(const struct process *process, const struct process *target)
{
	const struct credentials *own = &process->credentials, *its = &target->credentials;

	return (its->uid == 0 || its->euid == 0 || its->suid == 0) && own->uid != 0 && own->suid != 0;
}

/* 0, or why the process may not change the other's nice value. */
static int check_nice(const struct process *process, const struct process *target, int nice)
{
	const struct credentials *own = &process->credentials, *its = &target->credentials;

	if (capable(process))
		return 0;
	if (its->uid != own->euid && its->euid != own->euid)
		return -EPERM;
	if (nice < target->nice && !limit_allows(target, nice))
		return -EACCES;
	return has_more(process, target) ? -EPERM : 0;
}

int64_t sys_setpriority(uint64_t caller, int which, int who, int nice)
{
	struct call *call = call_of(caller);
	struct process *process = NULL;
	int64_t result = -ESRCH;
	int error;

	if (which < PRIO_PROCESS || which > PRIO_USER)
		return -EINVAL;
	if (nice > NICE_LOWEST)
		nice = NICE_LOWEST;
	if (nice < NICE_HIGHEST)
		nice = NICE_HIGHEST;
	while ((process = next_selected(process, which, who, call)) != NULL) {
		error = check_nice(call->process, process, nice);
		if (error == 0)
			process->nice = nice;
		if (error != 0 || result == -ESRCH)
			result = error;
	}
	return result;
}

/* --- Scheduling: policies are kept and shown; none is in real time. */

int64_t sys_sched_yield(uint64_t caller)
{
	(void)caller;
	thread_switch(MACH_PORT_NULL, SWITCH_OPTION_NONE, 0); /* the caller's slice: this thread works on it */
	return 0;
}

/* The thread that a call is about; null: there is none. */
static struct thread *named(struct call *call, int pid)
{
	return pid == 0 ? call->thread : thread_find(pid);
}

static bool may_schedule(const struct call *call, const struct thread *thread)
{
	const struct credentials *who = &call->process->credentials, *whom = &thread->process->credentials;

	return capable(call->process) ||
	       ((who->euid == whom->euid || who->euid == whom->uid) && !has_more(call->process, thread->process));
}

int64_t sys_sched_getscheduler(uint64_t caller, int pid)
{
	const struct thread *thread = named(call_of(caller), pid);

	return pid < 0 ? -EINVAL : thread == NULL ? -ESRCH : thread->policy;
}

int64_t sys_sched_setscheduler(uint64_t caller, int pid, int policy, uint64_t parameters)
{
	struct call *call = call_of(caller);
	struct thread *thread = named(call, pid);
	struct sched_param value;
	int error;

	if (pid < 0 || policy < 0 || parameters == 0)
		return -EINVAL;
	error = copy_in(call, &value, parameters, sizeof value);
	if (error != 0)
		return call_result(error);
	if (thread == NULL)
		return -ESRCH;
	if (policy == SCHED_FIFO || policy == SCHED_RR)
		return -EPERM;
	if ((policy != SCHED_OTHER && policy != SCHED_BATCH && policy != SCHED_IDLE) || value.sched_priority != 0)
		return -EINVAL;
	if (!may_schedule(call, thread))
		return -EPERM;
	thread->policy = policy;
	return 0;
}

int64_t sys_sched_getparam(uint64_t caller, int pid, uint64_t parameters)
{
	struct call *call = call_of(caller);
	struct sched_param value = {0};

	if (pid < 0 || parameters == 0)
		return -EINVAL;
	return named(call, pid) != NULL ? call_result(copy_out(call, parameters, &value, sizeof value)) : -ESRCH;
}

int64_t sys_sched_setparam(uint64_t caller, int pid, uint64_t parameters)
{
	const struct thread *thread = named(call_of(caller), pid);

	return sys_sched_setscheduler(caller, pid, thread == NULL ? SCHED_OTHER : thread->policy, parameters);
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
	return named(call_of(caller), pid) != NULL
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
	if (named(call, pid) == NULL)
		return -ESRCH;
	error = copy_out(call, address, &mask, sizeof mask);
	return error != 0 ? call_result(error) : (int64_t)sizeof mask;
}

int64_t sys_sched_setaffinity(uint64_t caller, int pid, uint64_t size, uint64_t address)
{
	struct call *call = call_of(caller);
	uint64_t mask = 0, all = processors_available() >= 64 ? ~0ull : (1ull << processors_available()) - 1;
	const struct thread *thread = named(call, pid);
	int error;

	if (thread == NULL)
		return -ESRCH;
	if (!may_schedule(call, thread))
		return -EPERM;
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

/* --- Priorities of input and output: kept and shown. A class of 0 to 3 and a level of 0 to 7. */

#define IO_CLASS(priority) ((priority) >> 13)
#define IO_LEVELS          8
enum { IO_OF_PROCESS = 1, IO_OF_GROUP, IO_OF_USER };
enum { IO_NONE, IO_REAL_TIME, IO_BEST_EFFORT, IO_IDLE };
#define IO_DEFAULT 4 /* no class of its own, middle level */

int64_t sys_ioprio_get(uint64_t caller, int which, int who)
{
	struct call *call = call_of(caller);
	struct thread *thread = named(call, who);

	if (which < IO_OF_PROCESS || which > IO_OF_USER)
		return -EINVAL;
	if (which != IO_OF_PROCESS)
		return IO_DEFAULT;
	return thread == NULL ? -ESRCH : thread->io_priority == 0 ? IO_DEFAULT : thread->io_priority;
}

int64_t sys_ioprio_set(uint64_t caller, int which, int who, int priority)
{
	struct call *call = call_of(caller);
	int level = priority & ((1 << 13) - 1), class = IO_CLASS(priority);
	int64_t result = -ESRCH;

	if (class < IO_NONE || class > IO_IDLE || (class == IO_NONE && level != 0) ||
		((class == IO_REAL_TIME || class == IO_BEST_EFFORT) && level >= IO_LEVELS))
		return -EINVAL;
	if (class == IO_REAL_TIME && !capable(call->process))
		return -EPERM;
	if (which < IO_OF_PROCESS || which > IO_OF_USER)
		return -EINVAL;
	list_for_each (link, &processes) {
		struct process *process = list_entry(link, struct process, link);

		list_for_each (at, &process->threads) {
			struct thread *thread = list_entry(at, struct thread, link);

			/* The numbers of what is selected are those of setpriority, one more. */
			if (which == IO_OF_PROCESS ? thread != named(call, who)
						   : !selected(process, which - IO_OF_PROCESS, who, call))
				continue;
			if (!may_schedule(call, thread))
				return -EPERM;
			thread->io_priority = priority;
			result = 0;
		}
	}
	return result;
}
