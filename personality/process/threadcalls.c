/* What a thread says about itself: arch_prctl, prctl, tid address, robust list, rseq; odds and ends of the C library.
 */
#include <asm/prctl.h>
#include <linux/prctl.h>
#include <mach/mach.h>
#include <servers/unix.h>
#include <string.h>

#include "process/proc.h"
#include "unix_server.h"

#define NON_CANONICAL(address) ((address) >> 47 != 0)
#define CAPABILITIES           41

int64_t sys_arch_prctl(uint64_t caller, unsigned code, uint64_t address)
{
	struct call *call = call_of(caller);
	x86_thread_state64_t registers;
	mach_msg_type_number_t count = x86_THREAD_STATE64_WORDS;
	uint64_t *base;

	if (code != ARCH_SET_FS && code != ARCH_GET_FS && code != ARCH_SET_GS && code != ARCH_GET_GS)
		return -EINVAL;
	if (thread_get_state_trap(call->thread->port, x86_THREAD_STATE64, (uint64_t *)&registers, &count) !=
		KERN_SUCCESS)
		return -EINVAL;
	base = code == ARCH_SET_FS || code == ARCH_GET_FS ? &registers.fs_base : &registers.gs_base;
	if (code == ARCH_GET_FS || code == ARCH_GET_GS)
		return call_result(copy_out(call, address, base, sizeof *base));
	if (NON_CANONICAL(address))
		return -EPERM;
	*base = address;
	return thread_set_state_trap(call->thread->port, x86_THREAD_STATE64, (uint64_t *)&registers,
		       x86_THREAD_STATE64_WORDS) == KERN_SUCCESS
		       ? 0
		       : -EINVAL;
}

int64_t sys_prctl(
	uint64_t caller, int option, uint64_t argument2, uint64_t argument3, uint64_t argument4, uint64_t argument5)
{
	struct call *call = call_of(caller);
	struct process *process = call->process;
	char name[16] = {0};
	int value, error;

	switch (option) {
	case PR_SET_NAME:
		error = copy_string(call, name, argument2, sizeof name);
		if (error == -EFAULT || error == CALL_ERROR_RESTART)
			return call_result(error);
		name[sizeof name - 1] = 0;
		memcpy(call->thread->name, name, sizeof name);
		if (call->thread->id == process->id)
			memcpy(process->command, name, sizeof name);
		return 0;
	case PR_GET_NAME:
		return call_result(copy_out(call, argument2, call->thread->name, sizeof call->thread->name));
	case PR_SET_PDEATHSIG:
		if (argument2 > SIGNALS)
			return -EINVAL;
		process->parent_death_signal = (int)argument2;
		return 0;
	case PR_GET_PDEATHSIG:
		return call_result(copy_out(call, argument2, &process->parent_death_signal, sizeof(int)));
	case PR_SET_DUMPABLE:
		if (argument2 > 1)
			return -EINVAL;
		process->dumpable = argument2 != 0;
		return 0;
	case PR_GET_DUMPABLE:
		return process->dumpable;
	case PR_SET_CHILD_SUBREAPER:
		process->child_subreaper = argument2 != 0;
		return 0;
	case PR_GET_CHILD_SUBREAPER:
		value = process->child_subreaper;
		return call_result(copy_out(call, argument2, &value, sizeof value));
	case PR_SET_NO_NEW_PRIVS:
		if (argument2 != 1 || argument3 != 0 || argument4 != 0 || argument5 != 0)
			return -EINVAL;
		call->thread->no_new_privileges = true;
		return 0;
	case PR_GET_NO_NEW_PRIVS:
		if (argument2 != 0 || argument3 != 0 || argument4 != 0 || argument5 != 0)
			return -EINVAL;
		return call->thread->no_new_privileges;
	case PR_CAPBSET_READ:
		return argument2 < CAPABILITIES ? 1 : -EINVAL;
	case PR_GET_KEEPCAPS:
	case PR_GET_SECCOMP:
	case PR_GET_TIMERSLACK:
		return 0;
	case PR_PORTOLAN_MACH:
		if (!capable(process))
			return -EPERM;
		if (argument2 & ~(uint64_t)(PORTOLAN_MACH_TRAPS | PORTOLAN_MACH_BOOTSTRAP))
			return -EINVAL;
		process->mach_program = (unsigned)argument2;
		return 0;
	default:
		return -EINVAL;
	}
}

int64_t sys_set_tid_address(uint64_t caller, uint64_t address)
{
	struct thread *thread = call_of(caller)->thread;

	thread->clear_tid = address;
	return thread->id;
}

int64_t sys_set_robust_list(uint64_t caller, uint64_t head, uint64_t size)
{
	struct thread *thread = call_of(caller)->thread;

	if (size != 24)
		return -EINVAL;
	thread->robust_list = head;
	thread->robust_list_size = size;
	return 0;
}

int64_t sys_get_robust_list(uint64_t caller, int pid, uint64_t head, uint64_t size)
{
	struct call *call = call_of(caller);
	struct thread *thread = pid == 0 ? call->thread : thread_find(pid);
	int error;

	if (thread == NULL)
		return -ESRCH;
	if (thread->process != call->process && !capable(call->process))
		return -EPERM;
	error = copy_out(call, size, &thread->robust_list_size, sizeof thread->robust_list_size);
	if (error == 0)
		error = copy_out(call, head, &thread->robust_list, sizeof thread->robust_list);
	return call_result(error);
}

/* Restartable sequences need the kernel's scheduler to watch for them; the C library does without. */
int64_t sys_rseq(uint64_t caller, uint64_t area, int size, unsigned flags, unsigned signature)
{
	(void)caller;
	(void)area;
	(void)size;
	(void)flags;
	(void)signature;
	return -ENOSYS;
}

int64_t sys_restart_syscall(uint64_t caller)
{
	(void)caller;
	return -EINTR;
}

int64_t sys_personality(uint64_t caller, uint64_t persona)
{
	(void)caller;
	return persona == 0 || (uint32_t)persona == 0xffffffffu ? 0 : -EINVAL;
}

/* Query: nothing is offered; threads that need barriers find another way. */
int64_t sys_membarrier(uint64_t caller, int command, unsigned flags, int processor)
{
	(void)caller;
	(void)processor;
	return command == 0 && flags == 0 ? 0 : -EINVAL;
}
