/* What a thread says about itself: arch_prctl, tid address, robust list, rseq; odds and ends of the C library.
 */
#include <asm/prctl.h>
#include <mach/mach.h>

#include "process/proc.h"
#include "unix_server.h"

#define PERSONA_ASK            0xffffffffu
#define NON_CANONICAL(address) ((address) >> 47 != 0)

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
	if (thread->process != call->process && !capable(call->process, CAP_SYS_PTRACE))
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

/* Kept, shown, and handed on; of what it may ask for, uname does it (PER_LINUX32). */
int64_t sys_personality(uint64_t caller, uint64_t persona)
{
	struct thread *thread = call_of(caller)->thread;
	const uint32_t old = thread->persona;

	if ((uint32_t)persona != PERSONA_ASK)
		thread->persona = (uint32_t)persona;
	return old;
}

/* Query: nothing is offered; threads that need barriers find another way. */
int64_t sys_membarrier(uint64_t caller, int command, unsigned flags, int processor)
{
	(void)caller;
	(void)processor;
	return command == 0 && flags == 0 ? 0 : -EINVAL;
}
