/* The signal calls: actions, masks, waiting for signals, sending. */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "process/claim.h"
#include "process/proc.h"
#include "unix_server.h"

#define UNBLOCKABLE     (SIGNAL_BIT(SIGKILL) | SIGNAL_BIT(SIGSTOP))
#define SET_SIZE        8
#define ALT_STACK_LEAST 2048u /* MINSIGSTKSZ */

struct alt_stack {
	uint64_t base;
	int32_t flags;
	int32_t pad;
	uint64_t size;
};

int64_t sys_rt_sigaction(uint64_t caller, int signal, uint64_t action_address, uint64_t old, uint64_t set_size)
{
	struct call *call = call_of(caller);
	struct signal_action *slot, action;
	int error;

	if (set_size != SET_SIZE || signal < 1 || signal > SIGNALS)
		return -EINVAL;
	if (action_address != 0 && (signal == SIGKILL || signal == SIGSTOP))
		return -EINVAL;
	slot = &call->process->actions->action[signal - 1];
	error = action_address == 0 ? 0 : copy_in(call, &action, action_address, sizeof action);
	if (error == 0 && old != 0)
		error = copy_out(call, old, slot, sizeof *slot);
	if (error != 0)
		return call_result(error);
	if (action_address != 0) {
		action.mask &= ~UNBLOCKABLE;
		*slot = action;
	}
	return 0;
}

int64_t sys_rt_sigprocmask(uint64_t caller, int how, uint64_t set_address, uint64_t old, uint64_t set_size)
{
	struct call *call = call_of(caller);
	struct thread *thread = call->thread;
	uint64_t set = 0;
	int error;

	if (set_size != SET_SIZE || (set_address != 0 && (how < SIG_BLOCK || how > SIG_SETMASK)))
		return -EINVAL;
	error = set_address == 0 ? 0 : copy_in(call, &set, set_address, sizeof set);
	if (error == 0 && old != 0)
		error = copy_out(call, old, &thread->blocked, sizeof thread->blocked);
	if (error != 0)
		return call_result(error);
	if (set_address == 0)
		return 0;
	set &= ~UNBLOCKABLE;
	if (how == SIG_BLOCK)
		set |= thread->blocked;
	else if (how == SIG_UNBLOCK)
		set = thread->blocked & ~set;
	/*
	 * Who sends a signal that is blocked enters it, then reads the mask again (signal.c); this writes the mask,
	 * then reads what is entered. Sequentially consistent: one of the two sees what the other has written.
	 */
	__atomic_store_n(&thread->blocked, set, __ATOMIC_SEQ_CST);
	if (!call_is_locked(call) && signals_unblocked(thread) != 0)
		thread_want(thread);
	return 0;
}

int64_t sys_rt_sigpending(uint64_t caller, uint64_t set_address, uint64_t set_size)
{
	struct call *call = call_of(caller);
	uint64_t set = (call->thread->pending.set | call->process->pending.set) & call->thread->blocked;

	if (set_size > SET_SIZE)
		return -EINVAL;
	return call_result(copy_out(call, set_address, &set, set_size));
}

int64_t sys_pause(uint64_t caller)
{
	struct call *call = call_of(caller);

	call->no_restart = true;
	return call_wait(call);
}

int64_t sys_rt_sigsuspend(uint64_t caller, uint64_t set_address, uint64_t set_size)
{
	struct call *call = call_of(caller);
	struct thread *thread = call->thread;
	uint64_t set;
	int error;

	if (set_size != SET_SIZE)
		return -EINVAL;
	error = copy_in(call, &set, set_address, sizeof set);
	if (error != 0)
		return call_result(error);
	if (!thread->restore_mask) {
		thread->saved_mask = thread->blocked;
		thread->restore_mask = true;
	}
	thread->blocked = set & ~UNBLOCKABLE;
	call->no_restart = true;
	return call_wait(call);
}

int64_t sys_rt_sigtimedwait(
	uint64_t caller, uint64_t set_address, uint64_t info_address, uint64_t timeout, uint64_t set_size)
{
	struct call *call = call_of(caller);
	struct signal_info info;
	struct timespec time;
	uint64_t set;
	int error, signal;

	if (set_size != SET_SIZE)
		return -EINVAL;
	error = copy_in(call, &set, set_address, sizeof set);
	if (error == 0 && timeout != 0)
		error = copy_in(call, &time, timeout, sizeof time);
	/* A page for the information before the signal is taken. */
	memset(&info, 0, sizeof info);
	if (error == 0 && info_address != 0)
		error = copy_out(call, info_address, &info, sizeof info);
	if (error != 0)
		return call_result(error);
	if (timeout != 0 && (time.tv_sec < 0 || time.tv_nsec < 0 || time.tv_nsec >= 1000000000))
		return -EINVAL;
	signal = signal_take(call->thread, set & ~UNBLOCKABLE, &info);
	if (signal != 0) {
		if (info_address != 0)
			copy_out(call, info_address, &info, sizeof info);
		return signal;
	}
	if (call->timed_out)
		return -EAGAIN;
	if (timeout != 0)
		call_set_deadline(
			call, clock_monotonic() + (uint64_t)time.tv_sec * 1000000000ull + (uint64_t)time.tv_nsec);
	call->no_restart = true;
	return call_wait_for(call, &call->process->signal_queue);
}

int64_t sys_sigaltstack(uint64_t caller, uint64_t stack_address, uint64_t old)
{
	struct call *call = call_of(caller);
	struct thread *thread = call->thread;
	struct alt_stack stack = {0}, current = {.base = thread->alt_stack, .size = thread->alt_stack_size};
	int error;

	bool inside = on_alt_stack(thread, call->argument[CALL_STACK]);

	current.flags = thread->alt_stack_size == 0 ? SS_DISABLE : inside ? SS_ONSTACK : 0;
	if (thread->alt_stack_size != 0)
		current.flags |= (int32_t)(thread->alt_stack_flags & ALT_STACK_AUTODISARM);
	error = stack_address == 0 ? 0 : copy_in(call, &stack, stack_address, sizeof stack);
	if (error == 0 && old != 0)
		error = copy_out(call, old, &current, sizeof current);
	if (error != 0)
		return call_result(error);
	if (stack_address == 0)
		return 0;
	if (inside)
		return -EPERM;
	if ((stack.flags & ~(1 << 31)) != 0 && (stack.flags & ~(1 << 31)) != SS_DISABLE &&
		(stack.flags & ~(1 << 31)) != SS_ONSTACK)
		return -EINVAL;
	if (stack.flags & SS_DISABLE) {
		thread->alt_stack = thread->alt_stack_size = 0;
	} else {
		if (stack.size < ALT_STACK_LEAST)
			return -ENOMEM;
		thread->alt_stack = stack.base;
		thread->alt_stack_size = stack.size;
	}
	thread->alt_stack_flags = (unsigned)stack.flags;
	return 0;
}

/* --- Sending. */

static void sender_info(const struct call *call, struct signal_info *info, int signal, int code)
{
	memset(info, 0, sizeof *info);
	info->signal = signal;
	info->code = code;
	info->pid = call->process->id;
	info->uid = call->process->credentials.uid;
}

static int send_one(struct call *call, struct process *target, int signal, const struct signal_info *info)
{
	if (!may_signal(call->process, target, signal))
		return -EPERM;
	return signal == 0 ? 0 : signal_process(target, signal, info);
}

/* To the processes of a group, or to all but pid 1 and the caller (group null). */
static int send_many(struct call *call, const struct process_group *group, int signal, const struct signal_info *info)
{
	int result = -ESRCH, self = call->process->id;
	unsigned count, i;
	int *ids = process_ids(group, &count);

	if (ids == NULL)
		return -EAGAIN;
	for (i = 0; i < count; i++) {
		struct process *process = process_find(ids[i]);

		if (process == NULL || (group == NULL && (process == init_process || ids[i] == self)))
			continue;
		if (send_one(call, process, signal, info) == 0)
			result = 0;
		else if (result == -ESRCH)
			result = -EPERM;
	}
	free(ids);
	return result;
}

static int64_t send_by_id(struct call *call, int pid, int signal, const struct signal_info *info)
{
	struct process_group *group;
	struct process *process;

	if (signal < 0 || signal > SIGNALS)
		return -EINVAL;
	if (pid > 0) {
		process = process_find(pid);
		if (process == NULL && thread_find(pid) != NULL)
			process = thread_find(pid)->process;
		return process == NULL ? -ESRCH : send_one(call, process, signal, info);
	}
	if (pid == -1)
		return send_many(call, NULL, signal, info);
	group = pid == 0 ? call->process->group : pid == INT32_MIN ? NULL : group_find(-pid);
	return group == NULL ? -ESRCH : send_many(call, group, signal, info);
}

int64_t sys_kill(uint64_t caller, int pid, int signal)
{
	struct signal_info info;

	sender_info(call_of(caller), &info, signal, SI_USER);
	return send_by_id(call_of(caller), pid, signal, &info);
}

static int64_t send_to_thread(struct call *call, int pid, int tid, int signal, const struct signal_info *info)
{
	struct thread *thread;

	if (tid <= 0 || pid == 0 || signal < 0 || signal > SIGNALS)
		return -EINVAL;
	thread = thread_find(tid);
	if (thread == NULL || thread->dead || (pid > 0 && thread->process->id != pid))
		return -ESRCH;
	if (!may_signal(call->process, thread->process, signal))
		return -EPERM;
	return signal == 0 ? 0 : signal_thread(thread, signal, info);
}

int64_t sys_tgkill(uint64_t caller, int pid, int tid, int signal)
{
	struct signal_info info;

	if (pid <= 0)
		return -EINVAL;
	sender_info(call_of(caller), &info, signal, SI_TKILL);
	return send_to_thread(call_of(caller), pid, tid, signal, &info);
}

int64_t sys_tkill(uint64_t caller, int tid, int signal)
{
	struct signal_info info;

	sender_info(call_of(caller), &info, signal, SI_TKILL);
	return send_to_thread(call_of(caller), -1, tid, signal, &info);
}

/* Information from a program may not pretend to come from the kernel or from kill. */
static int queued_info(struct call *call, int pid, uint64_t address, int signal, struct signal_info *info)
{
	int error = copy_in(call, info, address, sizeof *info);

	if (error != 0)
		return error;
	info->signal = signal;
	return (info->code >= 0 || info->code == SI_TKILL) && pid != call->process->id ? -EPERM : 0;
}

int64_t sys_rt_sigqueueinfo(uint64_t caller, int pid, int signal, uint64_t address)
{
	struct signal_info info;
	int error = queued_info(call_of(caller), pid, address, signal, &info);

	if (error != 0)
		return call_result(error);
	return pid <= 0 ? -ESRCH : send_by_id(call_of(caller), pid, signal, &info);
}

int64_t sys_rt_tgsigqueueinfo(uint64_t caller, int pid, int tid, int signal, uint64_t address)
{
	struct signal_info info;
	int error = queued_info(call_of(caller), pid, address, signal, &info);

	if (error != 0)
		return call_result(error);
	return pid <= 0 ? -EINVAL : send_to_thread(call_of(caller), pid, tid, signal, &info);
}
