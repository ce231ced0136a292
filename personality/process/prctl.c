/* prctl: what a process says about itself and asks for, option by option. */
#include <linux/prctl.h>
#include <servers/unix.h>
#include <signal.h>
#include <string.h>

#include "process/proc.h"
#include "process/seccomp.h"
#include "unix_server.h"

#define TIMER_SLACK_NS   50000 /* what Linux begins with */
#define MCE_KILL_DEFAULT 2     /* PR_MCE_KILL_DEFAULT */

static bool all_zero(const uint64_t argument[4], unsigned from)
{
	for (; from < 4; from++) {
		if (argument[from] != 0)
			return false;
	}
	return true;
}

static int64_t put_int(struct call *call, uint64_t address, int value)
{
	return call_result(copy_out(call, address, &value, sizeof value));
}

static int64_t set_name(struct call *call, uint64_t address)
{
	char name[16] = {0};
	int error = copy_string(call, name, address, sizeof name);

	if (error == -EFAULT || error == CALL_ERROR_RESTART)
		return call_result(error);
	name[sizeof name - 1] = 0;
	memcpy(call->thread->name, name, sizeof name);
	if (call->thread->id == call->process->id)
		memcpy(call->process->command, name, sizeof name);
	return 0;
}

static int64_t set_mach(struct process *process, uint64_t what)
{
	if (!capable(process, CAP_SYS_RAWIO))
		return -EPERM;
	if (what & ~(uint64_t)(PORTOLAN_MACH_TRAPS | PORTOLAN_MACH_BOOTSTRAP))
		return -EINVAL;
	process->mach_program = (unsigned)what;
	return 0;
}

/* Of options with their own rules about arguments that must be 0; they are kept and shown. */
static int64_t kept(struct call *call, int option, const uint64_t argument[4])
{
	struct process *process = call->process;

	switch (option) {
	case PR_SET_NO_NEW_PRIVS:
		if (argument[0] != 1 || !all_zero(argument, 1))
			return -EINVAL;
		call->thread->no_new_privileges = true;
		return 0;
	case PR_GET_NO_NEW_PRIVS:
		return all_zero(argument, 0) ? call->thread->no_new_privileges : -EINVAL;
	case PR_SET_THP_DISABLE:
		if (!all_zero(argument, 1))
			return -EINVAL;
		process->no_huge_pages = argument[0] != 0;
		return 0;
	case PR_GET_THP_DISABLE:
		return all_zero(argument, 0) ? process->no_huge_pages : -EINVAL;
	case PR_MCE_KILL_GET:
		return all_zero(argument, 0) ? MCE_KILL_DEFAULT : -EINVAL;
	case PR_SET_IO_FLUSHER:
		if (!capable(process, CAP_SYS_RESOURCE))
			return -EPERM;
		if (argument[0] > 1 || !all_zero(argument, 1))
			return -EINVAL;
		process->io_flusher = argument[0] != 0;
		return 0;
	case PR_GET_IO_FLUSHER:
		if (!capable(process, CAP_SYS_RESOURCE))
			return -EPERM;
		return all_zero(argument, 0) ? process->io_flusher : -EINVAL;
	default:
		return -EINVAL;
	}
}

int64_t sys_prctl(
	uint64_t caller, int option, uint64_t argument2, uint64_t argument3, uint64_t argument4, uint64_t argument5)
{
	const uint64_t argument[4] = {argument2, argument3, argument4, argument5};
	struct call *call = call_of(caller);
	struct process *process = call->process;
	struct thread *thread = call->thread;
	int64_t result;

	if (capabilities_prctl(call, option, argument, &result))
		return result;
	switch (option) {
	case PR_SET_NAME:
		return set_name(call, argument2);
	case PR_GET_NAME:
		return call_result(copy_out(call, argument2, thread->name, sizeof thread->name));
	case PR_SET_PDEATHSIG:
		if (argument2 > SIGNALS)
			return -EINVAL;
		process->parent_death_signal = (int)argument2;
		return 0;
	case PR_GET_PDEATHSIG:
		return put_int(call, argument2, process->parent_death_signal);
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
		return put_int(call, argument2, process->child_subreaper);
	case PR_GET_TIMERSLACK:
		return (int64_t)(thread->timer_slack != 0 ? thread->timer_slack : TIMER_SLACK_NS);
	case PR_SET_TIMERSLACK:
		thread->timer_slack = argument2;
		return 0;
	case PR_GET_TIMING:
		return PR_TIMING_STATISTICAL;
	case PR_SET_TIMING:
		return argument2 == PR_TIMING_STATISTICAL ? 0 : -EINVAL;
	case PR_GET_TID_ADDRESS:
		return call_result(copy_out(call, argument2, &thread->clear_tid, sizeof thread->clear_tid));
	case PR_GET_TSC:
		return put_int(call, argument2, PR_TSC_ENABLE);
	case PR_SET_TSC:
		return argument2 == PR_TSC_ENABLE ? 0 : -EINVAL;
	case PR_TASK_PERF_EVENTS_DISABLE: /* there are none */
	case PR_TASK_PERF_EVENTS_ENABLE:
		return 0;
	case PR_GET_SECCOMP:
		return seccomp_mode(thread);
	case PR_SET_SECCOMP:
		return seccomp_prctl(call, argument2, argument3);
	case PR_GET_SPECULATION_CTRL:
		return all_zero(argument, 1) ? -ENODEV : -EINVAL;
	case PR_SET_SPECULATION_CTRL:
		return argument4 == 0 && argument5 == 0 ? -ENODEV : -EINVAL;
	case PR_SET_MM:
		return argument5 != 0 ? -EINVAL : capable(process, CAP_SYS_RESOURCE) ? -EINVAL : -EPERM;
	case PR_PORTOLAN_MACH:
		return set_mach(process, argument2);
	default:
		return kept(call, option, argument);
	}
}
