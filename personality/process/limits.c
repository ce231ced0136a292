/* Priorities: nice values, and of input and output. */
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

bool may_schedule(const struct process *process, const struct process *target)
{
	const struct credentials *who = &process->credentials, *whom = &target->credentials;

	return capable(process, CAP_SYS_NICE) ||
	       ((who->euid == whom->euid || who->euid == whom->uid) && (whom->permitted & ~who->permitted) == 0);
}

/* 0, or why the process may not change the other's nice value. */
static int check_nice(const struct process *process, const struct process *target, int nice)
{
	const struct credentials *own = &process->credentials, *its = &target->credentials;

	if (capable(process, CAP_SYS_NICE))
		return 0;
	if (its->uid != own->euid && its->euid != own->euid)
		return -EPERM;
	if (nice < target->nice && !limit_allows(target, nice))
		return -EACCES;
	return may_schedule(process, target) ? 0 : -EPERM;
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

/* --- Priorities of input and output: kept and shown. A class of 0 to 3 and a level of 0 to 7. */

#define IO_CLASS_SHIFT     13
#define IO_CLASS(priority) ((priority) >> IO_CLASS_SHIFT)
#define IO_LEVELS          8
enum { IO_OF_PROCESS = 1, IO_OF_GROUP, IO_OF_USER };
enum { IO_NONE, IO_REAL_TIME, IO_BEST_EFFORT, IO_IDLE };
#define IO_DEFAULT 4 /* no class of its own, middle level */

/* What a thread without a priority of its own has: of its policy and nice value. */
static int shown(const struct thread *thread)
{
	return thread->io_priority != 0 ? thread->io_priority : IO_DEFAULT;
}

static bool io_selected(const struct call *call, const struct thread *thread, int which, int who)
{
	if (which == IO_OF_PROCESS)
		return thread->id == (who == 0 ? call->thread->id : who);
	/* The numbers of the others are those of setpriority, one more. */
	return selected(thread->process, which - IO_OF_PROCESS, who, call);
}

/* The next after one (null: the first) of the threads that are selected. */
static struct thread *next_io_selected(const struct call *call, struct thread *after, int which, int who)
{
	struct list *link = after == NULL ? processes.next : &after->process->link, *at;

	if (which == IO_OF_PROCESS)
		return after != NULL ? NULL : who == 0 ? call->thread : thread_find(who);
	for (; link != &processes; link = link->next) {
		struct process *process = list_entry(link, struct process, link);

		at = after != NULL && process == after->process ? after->link.next : process->threads.next;
		if (at != &process->threads && io_selected(call, list_entry(at, struct thread, link), which, who))
			return list_entry(at, struct thread, link);
	}
	return NULL;
}

int64_t sys_ioprio_get(uint64_t caller, int which, int who)
{
	struct call *call = call_of(caller);
	struct thread *thread = NULL;
	int64_t best = -ESRCH;

	if (which < IO_OF_PROCESS || which > IO_OF_USER)
		return -EINVAL;
	/* The highest: the lowest number. */
	while ((thread = next_io_selected(call, thread, which, who)) != NULL) {
		if (best < 0 || shown(thread) < best)
			best = shown(thread);
	}
	return best;
}

int64_t sys_ioprio_set(uint64_t caller, int which, int who, int priority)
{
	struct call *call = call_of(caller);
	int level = priority & ((1 << IO_CLASS_SHIFT) - 1), class = IO_CLASS(priority);
	struct thread *thread = NULL;
	int64_t result = -ESRCH;

	if (class == IO_REAL_TIME && !capable(call->process, CAP_SYS_ADMIN) && !capable(call->process, CAP_SYS_NICE))
		return -EPERM;
	if (class < IO_NONE || class > IO_IDLE || (class == IO_NONE && level != 0) ||
		((class == IO_REAL_TIME || class == IO_BEST_EFFORT) && level >= IO_LEVELS))
		return -EINVAL;
	if (which < IO_OF_PROCESS || which > IO_OF_USER)
		return -EINVAL;
	while ((thread = next_io_selected(call, thread, which, who)) != NULL) {
		if (!may_schedule(call->process, thread->process))
			return -EPERM;
		thread->io_priority = priority;
		result = 0;
	}
	return result;
}
