/* fork, vfork, clone: new processes and threads. */
#include <mach/mach.h>
#include <sched.h>
#include <servers/unix.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>

#include "call/dispatch.h"
#include "file/file.h"
#include "memory/mm.h"
#include "process/deaths.h"
#include "process/claim.h"
#include "process/proc.h"
#include "process/ptrace.h"
#include "process/rlimit.h"
#include "process/seccomp.h"
#include "program/fork.h"
#include "program/schedule.h"
#include "signal/deliver.h"
#include "unix_server.h"
#include "vfs/vfs.h"

#ifndef CLONE_CLEAR_SIGHAND
#define CLONE_CLEAR_SIGHAND 0x100000000ull
#endif
#define CLONE_THREAD_NEEDS (CLONE_VM | CLONE_SIGHAND)

struct clone_request {
	uint64_t flags; /* without the signal */
	int exit_signal;
	uint64_t stack; /* the new thread's stack pointer, 0: the caller's */
	uint64_t parent_tid, child_tid, tls;
	int event;      /* of ptrace: what it is told as */
	uint64_t pidfd; /* CLONE_PIDFD: where the descriptor goes */
};

struct clone_arguments {
	uint64_t flags, pidfd, child_tid, parent_tid, exit_signal, stack, stack_size, tls, set_tid, set_tid_size,
		cgroup;
};

int process_own_port(struct process *process)
{
	process->port = server_port_create(process->serial);
	return process->port == MACH_PORT_NULL ? -ENOMEM : 0;
}

/* The server's own way to the name service. */
static kern_return_t give_bootstrap_port(mach_port_t task)
{
	mach_port_t bootstrap;
	kern_return_t result = task_get_special_port(mach_task_self(), TASK_BOOTSTRAP_PORT, &bootstrap);

	if (result == KERN_SUCCESS) {
		result = task_set_special_port(task, TASK_BOOTSTRAP_PORT, bootstrap);
		mach_port_deallocate(mach_task_self(), bootstrap);
	}
	return result;
}

int task_attach(mach_port_t port, mach_port_t task, unsigned mach)
{
	int setting = mach != 0 ? FOREIGN_PORT : FOREIGN_PORT | FOREIGN_ONLY;
	foreign_bitmap_t none = {0};

	if (task_set_foreign(task, setting, 0, port, none) != KERN_SUCCESS ||
		task_set_special_port(task, TASK_EXCEPTION_PORT, port) != KERN_SUCCESS)
		return -ENOMEM;
	if ((mach & PORTOLAN_MACH_BOOTSTRAP) && give_bootstrap_port(task) != KERN_SUCCESS)
		return -ENOMEM;
	return 0;
}

int thread_start(
	struct thread *thread, const x86_thread_state64_t *registers, const uint64_t *floating, unsigned floats)
{
	x86_thread_state64_t copy = *registers;

	if (thread_set_word(thread->port, (uint64_t)thread->id) != KERN_SUCCESS ||
		thread_set_state_trap(thread->port, x86_THREAD_STATE64, (uint64_t *)&copy, x86_THREAD_STATE64_WORDS) !=
			KERN_SUCCESS)
		return -ENOMEM;
	if (floats != 0 && thread_set_state_trap(thread->port, x86_XSAVE_STATE64, (uint64_t *)(uintptr_t)floating,
				   floats) != KERN_SUCCESS)
		return -ENOMEM;
	/* Traced from its start, it stops before it runs. */
	if (thread->trace != NULL && deliver_start(thread))
		return 0;
	if (thread_resume(thread->port) != KERN_SUCCESS)
		return -ENOMEM;
	thread_put(thread);
	return 0;
}

/* What a new thread has from the one that made it. */
static void inherit_thread(struct thread *thread, const struct thread *from, const struct clone_request *request)
{
	thread->blocked = from->blocked;
	schedule_inherit(thread, from);
	thread->no_new_privileges = from->no_new_privileges;
	thread->persona = from->persona;
	thread->memory_policy = from->memory_policy;
	seccomp_inherit(thread, from);
	memcpy(thread->name, from->name, sizeof thread->name);
	if (!(request->flags & CLONE_VM) || (request->flags & CLONE_VFORK)) {
		thread->alt_stack = from->alt_stack;
		thread->alt_stack_size = from->alt_stack_size;
		thread->alt_stack_flags = from->alt_stack_flags;
	}
	if (!(request->flags & CLONE_VM))
		thread->rseq = from->rseq;
	if (request->flags & CLONE_CHILD_CLEARTID)
		thread->clear_tid = request->child_tid;
}

static int write_tid(mach_port_t task, uint64_t address, int id)
{
	return copy_out_task(task, address, &id, sizeof id);
}

static int64_t clone_thread(struct call *call, const struct clone_request *request)
{
	struct process *process = call->process;
	uint64_t floating[THREAD_STATE_MAX];
	x86_thread_state64_t registers;
	mach_msg_type_number_t count = x86_THREAD_STATE64_WORDS, floats = THREAD_STATE_MAX;
	struct thread *thread;
	mach_port_t port;
	int id = allocate_id();

	if (id == 0 || process->exiting || !rlimit_may_add_process(process))
		return -EAGAIN;
	thread = thread_create_for(process, id);
	if (thread == NULL)
		return -ENOMEM;
	inherit_thread(thread, call->thread, request);
	process->files->shared = true;
	if (thread_create(process_task(process), &port) != KERN_SUCCESS)
		goto fail;
	thread_set_port(thread, port);
	schedule_new(thread);
	if (process->is_mach && death_watch(thread->port) != 0)
		goto fail;
	if (thread_get_state_trap(call->thread->port, x86_THREAD_STATE64, (uint64_t *)&registers, &count) !=
			KERN_SUCCESS ||
		thread_get_state_trap(call->thread->port, x86_XSAVE_STATE64, floating, &floats) != KERN_SUCCESS)
		goto fail;
	registers.rax = 0;
	if (request->stack != 0)
		registers.rsp = request->stack;
	if (request->flags & CLONE_SETTLS)
		registers.fs_base = request->tls;
	if (request->flags & CLONE_PARENT_SETTID)
		write_tid(process_task(process), request->parent_tid, id);
	if (request->flags & CLONE_CHILD_SETTID)
		write_tid(process_task(process), request->child_tid, id);
	trace_inherit(thread, call->thread, request->event);
	if (thread_start(thread, &registers, floating, floats) == 0)
		return id;
fail:
	thread_free(thread);
	return -ENOMEM;
}

/* Gives the parent's thread back, as it was when it called vfork, with the child's id as result. */
void vfork_finish(struct process *child)
{
	struct thread *parent_thread = child->vfork_thread;
	x86_thread_state64_t *registers;
	struct call *call;

	if (parent_thread == NULL)
		return;
	child->vfork_thread = NULL;
	parent_thread->lent = NULL;
	call = &parent_thread->call;
	if (parent_thread->dead) {
		thread_free(parent_thread);
		return;
	}
	/* The kernel's thread is in the child's last call (exec, exit) or in user mode (killed): take it out and put it
	 * back. */
	registers = call->scratch;
	registers->rax = (uint64_t)child->id;
	if (!child->vfork_suspended)
		thread_suspend(parent_thread->port);
	thread_abort(parent_thread->port);
	thread_set_state_trap(parent_thread->port, x86_THREAD_STATE64, call->scratch, x86_THREAD_STATE64_WORDS);
	call_answered(call, child->id);
	if (child->stopped)
		thread_resume(parent_thread->port);
	if (parent_thread->process->stopped)
		thread_suspend(parent_thread->port);
	thread_resume(parent_thread->port);
	if (signal_due(parent_thread))
		deliver_kick(parent_thread);
}

static int64_t clone_process(struct call *call, const struct clone_request *request)
{
	struct process *parent = call->process, *child;
	struct thread *thread;
	mach_port_t port;
	uint64_t floating[THREAD_STATE_MAX];
	x86_thread_state64_t registers;
	mach_msg_type_number_t count = x86_THREAD_STATE64_WORDS, floats = THREAD_STATE_MAX;
	bool borrow = (request->flags & CLONE_VFORK) != 0;
	int64_t descriptor = -1;
	int number;

	if (!rlimit_may_add_process(parent) || thread_get_state_trap(call->thread->port, x86_THREAD_STATE64,
						       (uint64_t *)&registers, &count) != KERN_SUCCESS)
		return -EAGAIN;
	child = process_create(parent);
	if (child == NULL)
		return -EAGAIN;
	if (parent->executable != NULL)
		child->executable = vnode_run(parent->executable);
	thread = thread_create_for(child, child->id);
	if (thread == NULL)
		goto fail;
	inherit_thread(thread, call->thread, request);
	child->exit_signal = request->exit_signal;
	child->actions = signal_actions_copy(parent->actions, (request->flags & CLONE_CLEAR_SIGHAND) != 0);
	if (request->flags & CLONE_FILES) {
		child->files = parent->files;
		child->files->references++;
		child->files->shared = true;
	} else {
		child->files = file_table_copy(parent->files);
	}
	if (request->flags & CLONE_FS) {
		child->fs = parent->fs;
		child->fs->references++;
	} else {
		child->fs = fs_context_copy(parent->fs);
	}
	if (child->actions == NULL || child->files == NULL || child->fs == NULL)
		goto fail;
	if (borrow) {
		child->memory = parent->memory;
		child->memory->references++;
	} else {
		child->memory = address_space_fork(parent->memory, parent->credentials.uid);
		if (child->memory != NULL)
			address_space_own(child->memory, child);
		if (child->memory == NULL || process_own_port(child) != 0 ||
			task_attach(child->port, child->memory->task, 0) != 0)
			goto fail;
	}
	if (request->flags & CLONE_PIDFD) {
		descriptor = pidfd_make(call, child, 0);
		number = (int)descriptor;
		if (descriptor < 0 ||
			copy_out_task(process_task(parent), request->pidfd, &number, sizeof number) != 0)
			goto fail;
	}
	if (request->flags & CLONE_PARENT_SETTID)
		write_tid(process_task(parent), request->parent_tid, child->id);
	if (request->flags & CLONE_CHILD_SETTID)
		write_tid(process_task(child), request->child_tid, child->id);
	if (!borrow) {
		registers.rax = 0;
		if (request->stack != 0)
			registers.rsp = request->stack;
		if (request->flags & CLONE_SETTLS)
			registers.fs_base = request->tls;
		if (thread_create(process_task(child), &port) != KERN_SUCCESS)
			goto fail;
		thread_set_port(thread, port);
		schedule_new(thread);
		if (thread_get_state_trap(call->thread->port, x86_XSAVE_STATE64, floating, &floats) != KERN_SUCCESS)
			goto fail;
		trace_inherit(thread, call->thread, request->event);
		if (thread_start(thread, &registers, floating, floats) != 0)
			goto fail;
		return child->id;
	}
	/*
	 * vfork: the child runs on the caller's thread. The call stays unanswered; what the thread was when it called
	 * is kept for vfork_finish.
	 */
	call->scratch = malloc(sizeof registers);
	if (call->scratch == NULL)
		goto fail;
	memcpy(call->scratch, &registers, sizeof registers);
	thread->port = call->thread->port;
	thread->borrowed = true;
	child->vfork_thread = call->thread;
	call->thread->lent = thread;
	thread_put(thread);
	if (request->stack != 0)
		registers.rsp = request->stack;
	if (request->flags & CLONE_SETTLS)
		registers.fs_base = request->tls;
	if (request->stack != 0 || (request->flags & CLONE_SETTLS))
		thread_set_state_trap(
			thread->port, x86_THREAD_STATE64, (uint64_t *)&registers, x86_THREAD_STATE64_WORDS);
	return CALL_LENT;
fail:
	process_abandon(child);
	if (descriptor >= 0)
		fd_close(call, (int)descriptor);
	return descriptor < -1 ? descriptor : -EAGAIN;
}

/* The words that will be written are there then: nothing can be waited for once the child is half made. */
static int words_there(struct call *call, const struct clone_request *request)
{
	uint32_t word;
	int error = 0;

	if (request->flags & CLONE_PARENT_SETTID)
		error = copy_in(call, &word, request->parent_tid, sizeof word);
	if (error != CALL_ERROR_RESTART && (request->flags & CLONE_PIDFD))
		error = copy_in(call, &word, request->pidfd, sizeof word);
	if (error == -EFAULT && (request->flags & CLONE_PIDFD))
		return error;
	if (error != CALL_ERROR_RESTART && (request->flags & CLONE_CHILD_SETTID))
		error = copy_in(call, &word, request->child_tid, sizeof word);
	return error == CALL_ERROR_RESTART ? error : 0;
}

/* Its tracer hears of what a traced thread has made. */
static int64_t tell_of(struct call *call, const struct clone_request *request, int64_t id)
{
	if (id <= 0 || call->thread->trace == NULL)
		return id;
	trace_event(call->thread, request->event, (uint64_t)id);
	if (request->event == PTRACE_EVENT_VFORK && !call->thread->dead)
		trace_event(call->thread, PTRACE_EVENT_VFORK_DONE, (uint64_t)id);
	return id;
}

static int64_t do_clone(struct call *call, struct clone_request *request)
{
	int error;

	if ((request->flags & CLONE_SIGHAND) &&
		(!(request->flags & CLONE_VM) || (request->flags & CLONE_CLEAR_SIGHAND)))
		return -EINVAL;
	if ((request->flags & CLONE_PIDFD) && (request->flags & (CLONE_THREAD | CLONE_DETACHED)))
		return -EINVAL;
	request->event = request->flags & CLONE_VFORK ? PTRACE_EVENT_VFORK
			 : !(request->flags & CLONE_THREAD) && request->exit_signal == SIGCHLD ? PTRACE_EVENT_FORK
											       : PTRACE_EVENT_CLONE;
	/* Parent and child would be one thread for the tracer, too: here each has its own, and its memory. */
	if (call->thread->trace != NULL && (request->flags & CLONE_VFORK))
		request->flags &= ~(uint64_t)CLONE_VM;
	error = words_there(call, request);
	if (error != 0)
		return call_result(error);
	if (request->flags & CLONE_THREAD) {
		if ((request->flags & CLONE_THREAD_NEEDS) != CLONE_THREAD_NEEDS)
			return -EINVAL;
		/* Until it has memory of its own, a child of vfork is the one thread that its parent lent: calls of
		 * another would come as the parent's. */
		if (call->thread->borrowed)
			return -EINVAL;
		return tell_of(call, request, clone_thread(call, request));
	}
	if (request->flags & (CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWUSER | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS |
				     CLONE_NEWCGROUP))
		return -EINVAL;
	/* Two processes with one memory: only as long as the parent waits. */
	if ((request->flags & CLONE_VM) && !(request->flags & CLONE_VFORK))
		return -EINVAL;
	if (!(request->flags & CLONE_VM))
		request->flags &= ~(uint64_t)CLONE_VFORK;
	if (request->exit_signal < 0 || request->exit_signal > SIGNALS)
		return -EINVAL;
	return tell_of(call, request, clone_process(call, request));
}

int64_t sys_clone(
	uint64_t caller, uint64_t flags, uint64_t stack, uint64_t parent_tid, uint64_t child_tid, uint64_t tls)
{
	struct clone_request request = {
		.flags = flags & 0xffffff00u,
		.exit_signal = (int)(flags & 0xff),
		.stack = stack,
		.parent_tid = parent_tid,
		.child_tid = child_tid,
		.tls = tls,
		.pidfd = parent_tid,
	};

	/* Both are written to the same place. */
	if ((flags & CLONE_PIDFD) && (flags & CLONE_PARENT_SETTID))
		return -EINVAL;
	return do_clone(call_of(caller), &request);
}

int64_t sys_clone3(uint64_t caller, uint64_t address, uint64_t size)
{
	struct call *call = call_of(caller);
	struct clone_arguments arguments = {0};
	struct clone_request request;
	int error;

	if (size < 64 || size > VM_PAGE_SIZE)
		return size < 64 ? -EINVAL : -E2BIG;
	error = copy_in(call, &arguments, address, size < sizeof arguments ? size : sizeof arguments);
	if (error != 0)
		return call_result(error);
	if ((arguments.flags & 0xff) || (arguments.stack == 0) != (arguments.stack_size == 0) ||
		arguments.set_tid_size != 0 || arguments.exit_signal > SIGNALS)
		return -EINVAL;
	request = (struct clone_request){
		.flags = arguments.flags,
		.exit_signal = (int)arguments.exit_signal,
		.stack = arguments.stack == 0 ? 0 : arguments.stack + arguments.stack_size,
		.parent_tid = arguments.parent_tid,
		.child_tid = arguments.child_tid,
		.tls = arguments.tls,
		.pidfd = arguments.pidfd,
	};
	return do_clone(call, &request);
}

int64_t sys_fork(uint64_t caller)
{
	struct clone_request request = {.exit_signal = SIGCHLD};

	return do_clone(call_of(caller), &request);
}

int64_t sys_vfork(uint64_t caller)
{
	struct clone_request request = {.flags = CLONE_VM | CLONE_VFORK, .exit_signal = SIGCHLD};

	return do_clone(call_of(caller), &request);
}
