/* Scheduling: policies, their priorities, and on which processors threads run. sched(7). */
#include "program/schedule.h"

#include <mach/mach.h>
#include <mach/priority.h>
#include <sched.h>
#include <string.h>
#include <sys/resource.h>

#include "base/rights.h"
#include "memory/mm.h"
#include "process/affinity.h"
#include "process/proc.h"
#include "unix_server.h"

#define PRIORITY_REAL_MAX   99
#define PRIORITY_BACKGROUND (PRIORITY_USER / 2) /* SCHED_IDLE: when nobody else wants to run */
#define RESET_ON_FORK       0x40000000

/* struct sched_attr of sched_setattr(2). */
struct attributes {
	uint32_t size, policy;
	uint64_t flags;
	int32_t nice;
	uint32_t priority;
	uint64_t runtime, deadline, period;
	uint32_t least, most;
};
#define ATTRIBUTES_FIRST 48 /* bytes of the first version */
enum { ATTRIBUTE_RESET_ON_FORK = 1, ATTRIBUTE_KEEP_POLICY = 8, ATTRIBUTE_KEEP_PARAMETERS = 16 };

_Static_assert(sizeof(struct attributes) == 56, "sched_attr with the limits of use");

/* The thread that a call is about; null: there is none. */
static struct thread *named(struct call *call, int pid)
{
	return pid == 0 ? call->thread : thread_find(pid);
}

static bool is_real(int policy)
{
	return policy == SCHED_FIFO || policy == SCHED_RR;
}

/* Tells the kernel of its policy. 0 or -EPERM. */
static int tell_kernel(const struct thread *thread)
{
	int priority = PRIORITY_USER;

	if (is_real(thread->policy))
		priority += 1 + (thread->real_priority - 1) * (PRIORITY_SERVER - PRIORITY_USER - 1) / PRIORITY_REAL_MAX;
	else if (thread->policy == SCHED_IDLE)
		priority = PRIORITY_BACKGROUND;
	if (priority > PRIORITY_USER && portolan_task_max_priority(host_privileged(), process_task(thread->process),
						PRIORITY_SERVER - 1) != KERN_SUCCESS)
		return -EPERM;
	return portolan_thread_priority(thread->port, priority) == KERN_SUCCESS ? 0 : -EPERM;
}

void schedule_new(const struct thread *thread)
{
	if (thread->policy != SCHED_OTHER)
		tell_kernel(thread);
	if (thread->affinity != 0)
		thread_bind(thread->port, thread->affinity);
}

void schedule_inherit(struct thread *thread, const struct thread *from)
{
	thread->affinity = from->affinity;
	thread->io_priority = from->io_priority;
	thread->timer_slack = from->timer_slack;
	if (from->reset_on_fork)
		return;
	thread->policy = from->policy;
	thread->real_priority = from->real_priority;
}

/* What a thread shall have. */
struct wanted {
	int policy, priority, nice;
	bool reset_on_fork, set_nice;
};

/* 0, or why these cannot be, or not by the caller. In Linux's order. */
static int check(const struct call *call, const struct thread *thread, const struct wanted *wanted)
{
	const struct process *process = thread->process;
	const int policy = wanted->policy;
	uint64_t limit = process->limit[RLIMIT_RTPRIO].rlim_cur;

	/* There are no deadlines, which root may have elsewhere. */
	if (policy == SCHED_DEADLINE && !capable(call->process, CAP_SYS_NICE))
		return -EPERM;
	if (!is_real(policy) && policy != SCHED_OTHER && policy != SCHED_BATCH && policy != SCHED_IDLE)
		return -EINVAL;
	if (wanted->priority < 0 || wanted->priority > PRIORITY_REAL_MAX || is_real(policy) != (wanted->priority != 0))
		return -EINVAL;
	if (capable(call->process, CAP_SYS_NICE))
		return 0;
	if (!is_real(policy) && wanted->set_nice && wanted->nice < process->nice &&
		(uint64_t)(20 - wanted->nice) > process->limit[RLIMIT_NICE].rlim_cur)
		return -EPERM;
	if (is_real(policy) &&
		((policy != thread->policy && limit == 0) ||
			(wanted->priority > thread->real_priority && (uint64_t)wanted->priority > limit)))
		return -EPERM;
	/* What asks for less than any other comes back from that only as far as it may raise its nice value. */
	if (thread->policy == SCHED_IDLE && policy != SCHED_IDLE &&
		(uint64_t)(20 - process->nice) > process->limit[RLIMIT_NICE].rlim_cur)
		return -EPERM;
	if (!may_schedule(call->process, process) || (thread->reset_on_fork && !wanted->reset_on_fork))
		return -EPERM;
	return 0;
}

static int apply(const struct call *call, struct thread *thread, const struct wanted *wanted)
{
	const int old_policy = thread->policy, old_priority = thread->real_priority;
	int error = check(call, thread, wanted);

	if (error != 0)
		return error;
	thread->policy = wanted->policy;
	thread->real_priority = wanted->priority;
	if (old_policy != thread->policy || old_priority != thread->real_priority)
		error = tell_kernel(thread);
	if (error != 0) {
		thread->policy = old_policy;
		thread->real_priority = old_priority;
		return error;
	}
	thread->reset_on_fork = wanted->reset_on_fork;
	if (wanted->set_nice && !is_real(wanted->policy))
		thread->process->nice = wanted->nice;
	return 0;
}

/* policy negative: as it is. */
static int64_t set(struct call *call, int pid, int policy, uint64_t parameters)
{
	struct thread *thread;
	struct wanted wanted = {0};
	int error;

	if (pid < 0 || parameters == 0)
		return -EINVAL;
	error = copy_in(call, &wanted.priority, parameters, sizeof wanted.priority);
	if (error != 0)
		return call_result(error);
	thread = named(call, pid);
	if (thread == NULL)
		return -ESRCH;
	wanted.policy = policy < 0 ? thread->policy : policy & ~RESET_ON_FORK;
	wanted.reset_on_fork = policy < 0 ? thread->reset_on_fork : (policy & RESET_ON_FORK) != 0;
	return apply(call, thread, &wanted);
}

int64_t sys_sched_setscheduler(uint64_t caller, int pid, int policy, uint64_t parameters)
{
	return policy < 0 ? -EINVAL : set(call_of(caller), pid, policy, parameters);
}

int64_t sys_sched_setparam(uint64_t caller, int pid, uint64_t parameters)
{
	return set(call_of(caller), pid, -1, parameters);
}

int64_t sys_sched_getscheduler(uint64_t caller, int pid)
{
	const struct thread *thread = pid < 0 ? NULL : named(call_of(caller), pid);

	return pid < 0          ? -EINVAL
	       : thread == NULL ? -ESRCH
				: thread->policy | (thread->reset_on_fork ? RESET_ON_FORK : 0);
}

int64_t sys_sched_getparam(uint64_t caller, int pid, uint64_t parameters)
{
	struct call *call = call_of(caller);
	const struct thread *thread;
	struct sched_param value;

	if (pid < 0 || parameters == 0)
		return -EINVAL;
	thread = named(call, pid);
	if (thread == NULL)
		return -ESRCH;
	value.sched_priority = thread->real_priority;
	return call_result(copy_out(call, parameters, &value, sizeof value));
}

int64_t sys_sched_getattr(uint64_t caller, int pid, uint64_t address, unsigned size, unsigned flags)
{
	struct call *call = call_of(caller);
	struct attributes value = {.size = size < sizeof value ? size : sizeof value};
	const struct thread *thread;

	if (address == 0 || pid < 0 || size > VM_PAGE_SIZE || size < ATTRIBUTES_FIRST || flags != 0)
		return -EINVAL;
	thread = named(call, pid);
	if (thread == NULL)
		return -ESRCH;
	value.policy = (uint32_t)thread->policy;
	value.flags = thread->reset_on_fork ? ATTRIBUTE_RESET_ON_FORK : 0;
	value.priority = (uint32_t)thread->real_priority;
	value.nice = is_real(thread->policy) ? 0 : thread->process->nice;
	return call_result(copy_out(call, address, &value, value.size));
}

/* The caller's structure, which may be of another version: then it is told the one that is known. */
static int take_attributes(struct call *call, uint64_t address, struct attributes *value)
{
	const uint32_t known = sizeof *value;
	uint32_t size;
	int error = copy_in(call, &size, address, sizeof size);

	memset(value, 0, sizeof *value);
	if (error != 0)
		return error;
	if (size == 0)
		size = ATTRIBUTES_FIRST;
	error = size < ATTRIBUTES_FIRST || size > VM_PAGE_SIZE
			? -E2BIG
			: call_copy_struct(call, value, sizeof *value, address, size);
	if (error == -E2BIG) {
		error = copy_out(call, address, &known, sizeof known);
		return error != 0 ? error : -E2BIG;
	}
	return error;
}

int64_t sys_sched_setattr(uint64_t caller, int pid, uint64_t address, unsigned flags)
{
	struct call *call = call_of(caller);
	struct attributes value;
	struct wanted wanted;
	struct thread *thread;
	int error;

	if (address == 0 || pid < 0 || flags != 0)
		return -EINVAL;
	error = take_attributes(call, address, &value);
	if (error != 0)
		return call_result(error);
	if ((int32_t)value.policy < 0)
		return -EINVAL;
	thread = named(call, pid);
	if (thread == NULL)
		return -ESRCH;
	if (value.flags & ~(uint64_t)(ATTRIBUTE_RESET_ON_FORK | ATTRIBUTE_KEEP_POLICY | ATTRIBUTE_KEEP_PARAMETERS))
		return -EINVAL;
	wanted = (struct wanted){.policy = value.flags & ATTRIBUTE_KEEP_POLICY ? thread->policy : (int)value.policy,
		.priority = (int)value.priority,
		.nice = value.nice < -20  ? -20
			: value.nice > 19 ? 19
					  : value.nice,
		.reset_on_fork = (value.flags & ATTRIBUTE_RESET_ON_FORK) != 0,
		.set_nice = true};
	if (value.flags & ATTRIBUTE_KEEP_PARAMETERS) {
		wanted.priority = thread->real_priority;
		wanted.nice = thread->process->nice;
	}
	return apply(call, thread, &wanted);
}

static int64_t priority_bound(int policy, int64_t of_real)
{
	return is_real(policy) ? of_real
	       : policy == SCHED_OTHER || policy == SCHED_BATCH || policy == SCHED_IDLE || policy == SCHED_DEADLINE
		       ? 0
		       : -EINVAL;
}

int64_t sys_sched_get_priority_max(uint64_t caller, int policy)
{
	(void)caller;
	return priority_bound(policy, PRIORITY_REAL_MAX);
}

int64_t sys_sched_get_priority_min(uint64_t caller, int policy)
{
	(void)caller;
	return priority_bound(policy, 1);
}

int64_t sys_sched_rr_get_interval(uint64_t caller, int pid, uint64_t address)
{
	struct timespec interval = {0, SLICE_NS};
	const struct thread *thread;

	if (pid < 0)
		return -EINVAL;
	thread = named(call_of(caller), pid);
	if (thread == NULL)
		return -ESRCH;
	if (thread->policy == SCHED_FIFO)
		interval.tv_nsec = 0;
	return call_result(copy_out(call_of(caller), address, &interval, sizeof interval));
}

int64_t sys_sched_yield(uint64_t caller)
{
	(void)caller;
	thread_switch(MACH_PORT_NULL, SWITCH_OPTION_NONE, 0); /* the caller's slice: this thread works on it */
	return 0;
}

/* --- Processors. */

static uint64_t all_processors(void)
{
	return processors_available() >= 64 ? ~0ull : (1ull << processors_available()) - 1;
}

unsigned thread_processor(const struct thread *thread)
{
	struct portolan_thread_info info = {0};
	mach_msg_type_number_t words = PORTOLAN_THREAD_INFO_COUNT;

	portolan_thread_info(thread->port, PORTOLAN_THREAD_INFO, (uint64_t *)&info, &words);
	return (unsigned)info.processor;
}

uint64_t thread_processors(const struct thread *thread)
{
	return thread != NULL && thread->affinity != 0 ? thread->affinity : all_processors();
}

int64_t sys_sched_getaffinity(uint64_t caller, int pid, uint64_t size, uint64_t address)
{
	struct call *call = call_of(caller);
	const struct thread *thread;
	uint64_t mask;
	int error;

	size = (uint32_t)size;
	if (size < sizeof mask || (size & 7))
		return -EINVAL;
	thread = pid < 0 ? NULL : named(call, pid);
	if (thread == NULL)
		return -ESRCH;
	mask = thread_processors(thread);
	error = copy_out(call, address, &mask, sizeof mask);
	return error != 0 ? call_result(error) : (int64_t)sizeof mask;
}

int64_t sys_sched_setaffinity(uint64_t caller, int pid, uint64_t size, uint64_t address)
{
	struct call *call = call_of(caller);
	uint64_t mask = 0, all = all_processors();
	struct thread *thread;
	int error;

	size = (uint32_t)size;
	error = copy_in(call, &mask, address, size < sizeof mask ? size : sizeof mask);
	if (error != 0)
		return call_result(error);
	thread = pid < 0 ? NULL : named(call, pid);
	if (thread == NULL)
		return -ESRCH;
	if (!may_schedule(call->process, thread->process))
		return -EPERM;
	mask &= all;
	if (mask == 0)
		return -EINVAL;
	thread->affinity = mask == all ? 0 : mask;
	thread_bind(thread->port, mask);
	return 0;
}

int64_t sys_getcpu(uint64_t caller, uint64_t processor, uint64_t node)
{
	struct call *call = call_of(caller);
	uint32_t number = thread_processor(call->thread), zero = 0;
	int error = 0;

	if (processor != 0)
		error = copy_out(call, processor, &number, sizeof number);
	if (error == 0 && node != 0)
		error = copy_out(call, node, &zero, sizeof zero);
	return call_result(error);
}
