/* ptrace: what tracers ask for. */
#include <elf.h>
#include <errno.h>
#include <mach/mach.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/uio.h>

#include "call/call.h"
#include "memory/mm.h"
#include "process/proc.h"
#include "process/ptrace.h"
#include "signal/deliver.h"
#include "signal/traceregs.h"
#include "unix_server.h"

#define OPTIONS_KNOWN                                                                                                  \
	(PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK | PTRACE_O_TRACECLONE | PTRACE_O_TRACEEXEC | \
		PTRACE_O_TRACEVFORKDONE | PTRACE_O_TRACEEXIT | PTRACE_O_TRACESECCOMP | PTRACE_O_EXITKILL)
#ifndef AUDIT_ARCH_X86_64
#define AUDIT_ARCH_X86_64 0xc000003eu
#endif

static const uint64_t word_size = sizeof(uint64_t);

/* --- Attaching. */

static int64_t trace_me(struct call *call)
{
	struct process *parent = call->process->parent;

	if (parent == NULL || parent->exiting)
		return -EPERM;
	if (!process_may_attach(parent, call->process))
		return -EPERM;
	return trace_attach(parent, call->thread, 0, false);
}

static int64_t attach(struct call *call, int id, uint64_t options, bool seize)
{
	struct thread *thread = thread_find(id);
	int error;

	if (thread == NULL || thread->dead || thread->process->exiting)
		return -ESRCH;
	if (thread->process == call->process || !process_may_attach(call->process, thread->process))
		return -EPERM;
	error = trace_attach(call->process, thread, options, seize);
	if (error != 0 || seize)
		return error;
	/* It stops for its tracer instead. */
	process_continue(thread->process);
	return signal_thread(thread, SIGSTOP, &(struct signal_info){.code = SI_USER, .pid = call->process->id});
}

/* --- Memory. */

/* What the processor has to be allowed for it to go; the area is as it was afterwards. */
static int forced(struct process *process, uint64_t address, void *data, uint64_t size, bool write)
{
	struct vm_area *area = address_space_area(process->memory, address);
	const int needs = write ? PROT_READ | PROT_WRITE : PROT_READ;
	const uint64_t start = trunc_page(address), length = round_page(address + size) - start;
	mach_port_t task = process_task(process);
	int error;

	/* A program's text is its own once it is written. What is shared is others', too. */
	if (area == NULL || address + size > area->end || (area->flags & MAP_SHARED) || (needs & ~area->maximum))
		return -EFAULT;
	if (vm_protect(task, start, length, FALSE, area->protection | needs) != KERN_SUCCESS)
		return -EFAULT;
	error = write ? copy_out_task(task, address, data, size) : copy_in_task(task, data, address, size);
	vm_protect(task, start, length, FALSE,
		area->protection == PROT_NONE ? VM_PROT_NONE : (area->protection & 7) | VM_PROT_READ);
	return error;
}

static int access_memory(struct process *process, uint64_t address, void *data, uint64_t size, bool write)
{
	mach_port_t task = process_task(process);
	int error;

	if (process->memory == NULL)
		return -ESRCH;
	if (address > VM_MAX_ADDRESS - size)
		return -EFAULT;
	error = write ? copy_out_task(task, address, data, size) : copy_in_task(task, data, address, size);
	if (error == -EFAULT)
		error = forced(process, address, data, size, write);
	/* A page that a pager has to bring: the tracer waits for it. */
	if (error == CALL_ERROR_RESTART)
		error = write ? copy_out_waiting(task, address, data, size)
			      : copy_in_waiting(task, data, address, size);
	return error;
}

static int64_t peek(struct call *call, struct process *process, uint64_t address, uint64_t to)
{
	uint64_t word;

	if (access_memory(process, address, &word, sizeof word, false) != 0)
		return -EIO;
	return call_result(copy_out(call, to, &word, sizeof word));
}

/* --- What it stopped for. */

static int64_t tell_call(struct call *call, struct thread *thread, uint64_t size, uint64_t to)
{
	const struct tracee *trace = thread->trace;
	struct __ptrace_syscall_info info = {.op = PTRACE_SYSCALL_INFO_NONE, .arch = AUDIT_ARCH_X86_64};
	uint64_t have = offsetof(struct __ptrace_syscall_info, entry);
	x86_thread_state64_t registers;
	int error;

	if (!trace_get_registers(thread, &registers))
		return -ESRCH;
	info.instruction_pointer = registers.rip;
	info.stack_pointer = registers.rsp;
	if (trace->where == TRACE_ENTRY) {
		info.op = PTRACE_SYSCALL_INFO_ENTRY;
		info.entry.nr = trace->call->number;
		for (unsigned i = 0; i < 6; i++)
			info.entry.args[i] = trace->call->argument[i];
		have += sizeof info.entry;
	} else if (trace->where == TRACE_FILTERED) {
		info.op = PTRACE_SYSCALL_INFO_SECCOMP;
		info.seccomp.nr = trace->call->number;
		memcpy(info.seccomp.args, trace->call->argument, sizeof info.seccomp.args);
		info.seccomp.ret_data = (uint32_t)trace->message;
		have = offsetof(struct __ptrace_syscall_info, seccomp.ret_data) + sizeof info.seccomp.ret_data;
	} else if (trace->where == TRACE_EXIT) {
		const int64_t result = trace->shown == TRACE_SHOWN_AS_IS ? (int64_t)registers.rax : trace->shown;

		info.op = PTRACE_SYSCALL_INFO_EXIT;
		info.exit.rval = result;
		info.exit.is_error = result < 0 && result >= -4095;
		have = offsetof(struct __ptrace_syscall_info, exit.is_error) + 1;
	}
	error = copy_out(call, to, &info, size < have ? size : have);
	return error != 0 ? call_result(error) : (int64_t)have;
}

static int64_t signal_information(struct call *call, struct tracee *trace, uint64_t address, bool set)
{
	struct signal_info info;
	int error;

	if (!trace->has_info)
		return -EINVAL;
	if (!set)
		return call_result(copy_out(call, address, &trace->info, sizeof trace->info));
	error = copy_in(call, &info, address, sizeof info);
	if (error == 0)
		trace->info = info;
	return call_result(error);
}

static int64_t mask(struct call *call, struct thread *thread, uint64_t size, uint64_t address, bool set)
{
	uint64_t value = thread->restore_mask ? thread->saved_mask : thread->blocked;
	int error;

	if (size != sizeof value)
		return -EINVAL;
	error = set ? copy_in(call, &value, address, sizeof value) : copy_out(call, address, &value, sizeof value);
	if (error == 0 && set) {
		thread->restore_mask = false;
		thread->blocked = value & ~(SIGNAL_BIT(SIGKILL) | SIGNAL_BIT(SIGSTOP));
	}
	return call_result(error);
}

static int64_t peek_signals(struct call *call, struct thread *thread, uint64_t address, uint64_t to)
{
	struct __ptrace_peeksiginfo_args wanted;
	const struct signal_queue *queue = &thread->pending;
	struct signal_info info;
	int64_t count = 0;
	int error = copy_in(call, &wanted, address, sizeof wanted);

	if (error != 0)
		return call_result(error);
	if (wanted.flags & ~(uint32_t)PTRACE_PEEKSIGINFO_SHARED || wanted.nr < 0)
		return -EINVAL;
	if (wanted.flags & PTRACE_PEEKSIGINFO_SHARED)
		queue = &thread->process->pending;
	while (count < wanted.nr && signal_queue_look(queue, wanted.off + (uint64_t)count, &info)) {
		error = copy_out(call, to + (uint64_t)count * sizeof info, &info, sizeof info);
		if (error != 0)
			return count > 0 && error != CALL_ERROR_RESTART ? count : call_result(error);
		count++;
	}
	return count;
}

/* --- Registers. */

static int64_t register_set(struct call *call, struct thread *thread, uint64_t kind, uint64_t address, bool set)
{
	struct iovec vector;
	int64_t result;
	int error = copy_in(call, &vector, address, sizeof vector);

	if (error != 0)
		return call_result(error);
	if (vector.iov_len % word_size != 0)
		return -EINVAL;
	result = set ? trace_write_registers(
			       call, thread, (int)kind, (uint64_t)(uintptr_t)vector.iov_base, vector.iov_len)
		     : trace_read_registers(
			       call, thread, (int)kind, (uint64_t)(uintptr_t)vector.iov_base, vector.iov_len);
	if (result < 0)
		return result;
	vector.iov_len = (size_t)result;
	return call_result(copy_out(call, address, &vector, sizeof vector));
}

static int64_t registers(struct call *call, struct thread *thread, int kind, uint64_t address, bool set)
{
	int64_t result = set ? trace_write_registers(call, thread, kind, address, UINT64_MAX)
			     : trace_read_registers(call, thread, kind, address, UINT64_MAX);

	return result < 0 ? result : 0;
}

/* --- Going on. */

static int64_t resume(struct tracee *trace, int request, uint64_t signal)
{
	if (signal > SIGNALS)
		return -EIO;
	trace->calls = request == PTRACE_SYSCALL;
	trace->emulates = request == PTRACE_SYSEMU || request == PTRACE_SYSEMU_SINGLESTEP;
	trace->step = request == PTRACE_SINGLESTEP || request == PTRACE_SYSEMU_SINGLESTEP;
	trace->inject = (int)signal;
	trace_resume(trace);
	return 0;
}

static int64_t interrupt(struct tracee *trace)
{
	if (!trace->seized)
		return -EIO;
	trace->interrupt = true;
	if (trace->stopped && trace->listens)
		trace_resume(trace);
	else if (!trace->stopped)
		signal_wake(trace->thread);
	return 0;
}

/* Of a thread that is stopped. */
static int64_t ask(struct call *call, int request, struct tracee *trace, uint64_t address, uint64_t data)
{
	struct thread *thread = trace->thread;
	struct process *process = thread->process;
	uint64_t word = 0;
	int error;

	switch (request) {
	case PTRACE_PEEKTEXT:
	case PTRACE_PEEKDATA:
		return peek(call, process, address, data);
	case PTRACE_POKETEXT:
	case PTRACE_POKEDATA:
		return access_memory(process, address, &data, sizeof data, true) != 0 ? -EIO : 0;
	case PTRACE_PEEKUSER:
		error = trace_peek_user(thread, address, &word);
		return error != 0 ? error : call_result(copy_out(call, data, &word, sizeof word));
	case PTRACE_POKEUSER:
		return trace_poke_user(thread, address, data);
	case PTRACE_GETREGS:
	case PTRACE_SETREGS:
		return registers(call, thread, NT_PRSTATUS, data, request == PTRACE_SETREGS);
	case PTRACE_GETFPREGS:
	case PTRACE_SETFPREGS:
		return registers(call, thread, NT_PRFPREG, data, request == PTRACE_SETFPREGS);
	case PTRACE_GETREGSET:
	case PTRACE_SETREGSET:
		return register_set(call, thread, address, data, request == PTRACE_SETREGSET);
	case PTRACE_SETOPTIONS:
		if (data & ~(uint64_t)OPTIONS_KNOWN)
			return -EINVAL;
		trace->options = data;
		return 0;
	case PTRACE_GETEVENTMSG:
		return call_result(copy_out(call, data, &trace->message, sizeof trace->message));
	case PTRACE_GETSIGINFO:
	case PTRACE_SETSIGINFO:
		return signal_information(call, trace, data, request == PTRACE_SETSIGINFO);
	case PTRACE_GETSIGMASK:
	case PTRACE_SETSIGMASK:
		return mask(call, thread, address, data, request == PTRACE_SETSIGMASK);
	case PTRACE_PEEKSIGINFO:
		return peek_signals(call, thread, address, data);
	case PTRACE_GET_SYSCALL_INFO:
		return tell_call(call, thread, address, data);
	case PTRACE_CONT:
	case PTRACE_SYSCALL:
	case PTRACE_SINGLESTEP:
	case PTRACE_SYSEMU:
	case PTRACE_SYSEMU_SINGLESTEP:
		return resume(trace, request, data);
	case PTRACE_LISTEN:
		if (!trace->seized || trace->status >> 16 == 0 || trace->has_info)
			return -EIO;
		trace->listens = true;
		return 0;
	case PTRACE_DETACH:
		if (data > SIGNALS)
			return -EIO;
		trace_detach(trace, (int)data);
		return 0;
	default:
		return -EIO;
	}
}

int64_t sys_ptrace(uint64_t caller, int64_t request, int id, uint64_t address, uint64_t data)
{
	struct call *call = call_of(caller);
	struct tracee *trace;
	struct thread *thread;

	if (request == PTRACE_TRACEME)
		return trace_me(call);
	if (request == PTRACE_SEIZE && (address != 0 || data & ~(uint64_t)OPTIONS_KNOWN))
		return -EIO;
	if (request == PTRACE_ATTACH || request == PTRACE_SEIZE)
		return attach(call, id, request == PTRACE_SEIZE ? data : 0, request == PTRACE_SEIZE);
	thread = thread_find(id);
	trace = thread == NULL ? NULL : thread->trace;
	if (trace == NULL || trace->tracer != call->process)
		return -ESRCH;
	if (request == PTRACE_KILL)
		return signal_process(thread->process, SIGKILL, NULL);
	if (request == PTRACE_INTERRUPT)
		return interrupt(trace);
	return trace->stopped && !trace->listens ? ask(call, (int)request, trace, address, data) : -ESRCH;
}
