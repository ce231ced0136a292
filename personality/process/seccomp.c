/*
 * seccomp(2): threads that gave up making all calls but some. A thread with filters is `confined`: the dispatcher asks
 * here before each of its calls, and of nobody else's. Filters are never changed and form a tree: each refers to the
 * one that was there before, so that children and threads share them.
 */
#include "process/seccomp.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/seccomp.h>
#include <mach/mach.h>
#include <signal.h>
#include <string.h>

#include "base/user.h"
#include "process/bpf.h"
#include "process/proc.h"
#include "process/ptrace.h"
#include "unix_server.h"

#define INSTRUCTIONS_MAX 32768 /* of all filters of a thread, each 4 more than it has */
#define FILTER_OVERHEAD  4
#define MODES                                                                                                          \
	(unsigned)(SECCOMP_FILTER_FLAG_TSYNC | SECCOMP_FILTER_FLAG_LOG | SECCOMP_FILTER_FLAG_SPEC_ALLOW |              \
		   SECCOMP_FILTER_FLAG_TSYNC_ESRCH)
#define ERRNO_MAX 4095
#define TRAP_CODE 1 /* SYS_SECCOMP of siginfo */

struct seccomp_filter {
	unsigned references; /* threads, and later filters */
	unsigned length, total;
	struct seccomp_filter *before;
	struct sock_filter program[];
};

static void filter_release(struct seccomp_filter *filter)
{
	while (filter != NULL && --filter->references == 0) {
		struct seccomp_filter *before = filter->before;

		user_free(filter);
		filter = before;
	}
}

static void take_filter(struct thread *thread, struct seccomp_filter *filter)
{
	struct seccomp_filter *old = thread->filter;

	filter->references++;
	thread->filter = filter;
	thread->confined = true;
	filter_release(old);
}

void seccomp_inherit(struct thread *thread, const struct thread *from)
{
	thread->confined = from->confined;
	thread->filter = from->filter;
	if (thread->filter != NULL)
		thread->filter->references++;
}

void seccomp_release(struct thread *thread)
{
	filter_release(thread->filter);
	thread->filter = NULL;
}

int seccomp_mode(const struct thread *thread)
{
	return !thread->confined        ? SECCOMP_MODE_DISABLED
	       : thread->filter != NULL ? SECCOMP_MODE_FILTER
					: SECCOMP_MODE_STRICT;
}

/* --- Before a call. */

/* What a filter reads. The address of the call's instruction is asked for only when one wants it. */
struct facts {
	struct call *call;
	struct seccomp_data data;
	bool has_address;
};

static uint64_t address_of_call(const struct call *call)
{
	x86_thread_state64_t registers;
	mach_msg_type_number_t count = x86_THREAD_STATE64_COUNT;

	if (thread_get_state_trap(call->thread->port, x86_THREAD_STATE64, (uint64_t *)&registers, &count) !=
		KERN_SUCCESS)
		return 0;
	return registers.rip;
}

static uint32_t load(void *context, unsigned index)
{
	struct facts *facts = context;
	uint32_t word;

	if (index / 2 == offsetof(struct seccomp_data, instruction_pointer) / 8 && !facts->has_address) {
		facts->data.instruction_pointer = address_of_call(facts->call);
		facts->has_address = true;
	}
	memcpy(&word, (const char *)&facts->data + index * sizeof word, sizeof word);
	return word;
}

/* The strictest answer of all filters, the newest first. */
static uint32_t ask(struct call *call)
{
	struct facts facts = {.call = call, .data = {.nr = (int)call->number, .arch = AUDIT_ARCH_X86_64}};
	uint32_t strictest = SECCOMP_RET_ALLOW;

	memcpy(facts.data.args, call->argument, sizeof facts.data.args);
	for (const struct seccomp_filter *filter = call->thread->filter; filter != NULL; filter = filter->before) {
		const uint32_t answer = bpf_run(filter->program, load, &facts);

		/* Killing the process is the lowest as a signed number. */
		if ((int32_t)(answer & SECCOMP_RET_ACTION_FULL) < (int32_t)(strictest & SECCOMP_RET_ACTION_FULL))
			strictest = answer;
	}
	return strictest;
}

/* The handler of SIGSYS finds which call it was, and may put its result where the number is. */
static int64_t trap(struct call *call, uint32_t data)
{
	struct thread *thread = call->thread;
	struct signal_info info = {.signal = SIGSYS, .error = (int)data, .code = TRAP_CODE};
	const uint64_t number = call->number;

	if (thread->blocked & SIGNAL_BIT(SIGSYS) || call->process->actions->action[SIGSYS - 1].handler <= 1) {
		process_exit(call->process, SIGSYS);
		return CALL_GONE;
	}
	info.address = address_of_call(call);
	info.words[1] = (uint32_t)call->number | (uint64_t)AUDIT_ARCH_X86_64 << 32;
	signal_thread(thread, SIGSYS, &info);
	return (int64_t)number;
}

static bool is_strict_call(uint64_t number)
{
	return number == MIG_ID_read || number == MIG_ID_write || number == MIG_ID_exit ||
	       number == MIG_ID_rt_sigreturn;
}

int64_t seccomp_run(struct call *call, int64_t (*run)(struct call *call))
{
	uint32_t answer;
	int64_t result;

	if (call->thread->filter == NULL) {
		if (is_strict_call(call->number))
			return run(call);
		thread_exit(call->thread, SIGKILL);
		return CALL_GONE;
	}
	answer = ask(call);
	if ((answer & SECCOMP_RET_ACTION_FULL) == SECCOMP_RET_TRACE) {
		if (!trace_call_filtered(call, answer & SECCOMP_RET_DATA, &result))
			return result;
		if (call->thread->dead)
			return CALL_GONE;
		/* The tracer may have made another call of it, but is not asked about that one. */
		answer = ask(call);
		if ((answer & SECCOMP_RET_ACTION_FULL) == SECCOMP_RET_TRACE)
			answer = SECCOMP_RET_ALLOW;
	}
	switch (answer & SECCOMP_RET_ACTION_FULL) {
	case SECCOMP_RET_ALLOW:
	case SECCOMP_RET_LOG:
		return run(call);
	case SECCOMP_RET_ERRNO:
		answer &= SECCOMP_RET_DATA;
		return -(int64_t)(answer < ERRNO_MAX ? answer : ERRNO_MAX);
	case SECCOMP_RET_TRAP:
		return trap(call, answer & SECCOMP_RET_DATA);
	case SECCOMP_RET_USER_NOTIF: /* there is nobody who listens */
		return -ENOSYS;
	case SECCOMP_RET_KILL_THREAD:
		thread_exit(call->thread, SIGSYS);
		return CALL_GONE;
	default:
		process_exit(call->process, SIGSYS);
		return CALL_GONE;
	}
}

/* --- The calls. */

static int64_t set_strict(struct call *call)
{
	if (call->thread->filter != NULL)
		return -EINVAL;
	call->thread->confined = true;
	return 0;
}

/* The caller's program, checked. 0 or -errno. */
static int read_program(struct call *call, uint64_t address, struct seccomp_filter **out)
{
	struct {
		uint16_t length;
		uint64_t filter;
	} program;
	struct seccomp_filter *before = call->thread->filter, *filter;
	int error = copy_in(call, &program, address, sizeof program);

	*out = NULL;
	if (error != 0)
		return error;
	if (program.length == 0 || program.length > BPF_MAXINSNS)
		return -EINVAL;
	if (!call->thread->no_new_privileges && !capable(call->process, CAP_SYS_ADMIN))
		return -EACCES;
	filter = user_alloc(user_now(), sizeof *filter + program.length * sizeof filter->program[0]);
	if (filter == NULL)
		return -ENOMEM;
	error = copy_in(call, filter->program, program.filter, program.length * sizeof filter->program[0]);
	if (error == 0 && !bpf_check(filter->program, program.length))
		error = -EINVAL;
	filter->length = program.length;
	filter->total = filter->length + (before != NULL ? before->total + FILTER_OVERHEAD : 0);
	if (error == 0 && filter->total > INSTRUCTIONS_MAX)
		error = -ENOMEM;
	if (error != 0) {
		user_free(filter);
		return error;
	}
	filter->references = 1;
	filter->before = before;
	if (before != NULL)
		before->references++;
	*out = filter;
	return 0;
}

/* Whether the filter is the thread's, or one before its. */
static bool is_ancestor(const struct seccomp_filter *filter, const struct thread *thread)
{
	const struct seccomp_filter *at = thread->filter;

	while (at != NULL && at != filter)
		at = at->before;
	return at == filter;
}

/* A thread that has confined itself otherwise; null: all can have the caller's filters. */
static const struct thread *stranger(const struct thread *self)
{
	list_for_each (link, &self->process->threads) {
		const struct thread *thread = list_entry(link, struct thread, link);

		if (thread == self || thread->dead || !thread->confined)
			continue;
		/* Its filters must be among the caller's. */
		if (thread->filter == NULL || !is_ancestor(thread->filter, self))
			return thread;
	}
	return NULL;
}

static int64_t set_filter(struct call *call, unsigned flags, uint64_t address)
{
	struct thread *self = call->thread;
	const struct thread *other;
	struct seccomp_filter *filter;
	int error;

	if (flags & ~MODES || (flags & SECCOMP_FILTER_FLAG_TSYNC_ESRCH && !(flags & SECCOMP_FILTER_FLAG_TSYNC)))
		return -EINVAL;
	error = read_program(call, address, &filter);
	if (error != 0)
		return call_result(error);
	other = flags & SECCOMP_FILTER_FLAG_TSYNC ? stranger(self) : NULL;
	if (other != NULL || (self->confined && self->filter == NULL)) {
		filter_release(filter);
		return other == NULL ? -EINVAL : flags & SECCOMP_FILTER_FLAG_TSYNC_ESRCH ? -ESRCH : other->id;
	}
	list_for_each (link, &self->process->threads) {
		struct thread *thread = list_entry(link, struct thread, link);

		if (thread == self || (flags & SECCOMP_FILTER_FLAG_TSYNC && !thread->dead)) {
			take_filter(thread, filter);
			thread->no_new_privileges = thread->no_new_privileges || self->no_new_privileges;
		}
	}
	filter_release(filter);
	return 0;
}

static int64_t action_available(struct call *call, uint64_t address)
{
	uint32_t action;
	int error = copy_in(call, &action, address, sizeof action);

	if (error != 0)
		return call_result(error);
	switch (action) {
	case SECCOMP_RET_KILL_PROCESS:
	case SECCOMP_RET_KILL_THREAD:
	case SECCOMP_RET_TRAP:
	case SECCOMP_RET_ERRNO:
	case SECCOMP_RET_TRACE:
	case SECCOMP_RET_LOG:
	case SECCOMP_RET_ALLOW:
		return 0;
	default:
		return -EOPNOTSUPP;
	}
}

int64_t sys_seccomp(uint64_t caller, unsigned operation, unsigned flags, uint64_t address)
{
	struct call *call = call_of(caller);

	switch (operation) {
	case SECCOMP_SET_MODE_STRICT:
		return flags != 0 || address != 0 ? -EINVAL : set_strict(call);
	case SECCOMP_SET_MODE_FILTER:
		return set_filter(call, flags, address);
	case SECCOMP_GET_ACTION_AVAIL:
		return flags != 0 ? -EINVAL : action_available(call, address);
	default:
		return -EINVAL;
	}
}

int64_t seccomp_prctl(struct call *call, uint64_t mode, uint64_t argument)
{
	return mode == SECCOMP_MODE_STRICT   ? set_strict(call)
	       : mode == SECCOMP_MODE_FILTER ? set_filter(call, 0, argument)
					     : -EINVAL;
}
