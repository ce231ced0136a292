/* How threads and processes end. */
#include <mach/mach.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/wait.h>

#include "base/user.h"
#include "call/dispatch.h"
#include "call/fiber.h"
#include "call/trace.h"
#include "device/tty.h"
#include "file/file.h"
#include "ipc/futex.h"
#include "ipc/sysv.h"
#include "memory/mm.h"
#include "process/claim.h"
#include "process/proc.h"
#include "process/ptrace.h"
#include "process/seccomp.h"
#include "process/times.h"
#include "process/rlimit.h"
#include "program/fork.h"
#include "signal/posixtimer.h"
#include "unix_server.h"
#include "vfs/vfs.h"

static void process_finish(struct process *process);

void thread_free(struct thread *thread)
{
	struct process *process = thread->process;
	bool waits = thread->call.reply != MACH_PORT_NULL;

	if (current_call == &thread->call)
		current_call = NULL;
	timer_cancel(&thread->kick);
	/* A caller whose right to a reply dies raises an exception: it leaves its call first. */
	if (waits && thread->borrowed) {
		thread_suspend(thread->port);
		thread_abort(thread->port);
		process->vfork_suspended = true;
	} else if (waits) {
		thread_terminate(thread->port);
	}
	call_forget(&thread->call);
	if (thread->trace != NULL)
		trace_thread_ends(thread);
	signal_queue_flush(&thread->pending, ~0ull);
	seccomp_release(thread);
	thread_unhash(thread);
	list_remove(&thread->link);
	process->thread_count--;
	if (thread->counted)
		process_count(process, -1);
	if (!thread->borrowed && thread->port != MACH_PORT_NULL) {
		/* The last one goes with the process's task. */
		if (!waits && (process->thread_count > 0 || !process->exiting || process->memory == NULL ||
				      process->memory->references > 1))
			thread_terminate(thread->port);
		mach_port_deallocate(mach_task_self(), thread->port);
	}
	user_free(thread);
	wait_queue_wake(&process->child_queue, 0);
	if (process->thread_count == 0 && process->exiting)
		process_finish(process);
}

/* One that is not busy has been taken (claim.h): no call of it begins any more. */
static bool busy(struct thread *thread)
{
	return thread->lent != NULL || thread->call.state == CALL_RUNNING ||
	       (thread->call.state == CALL_IDLE && !thread_take(thread));
}

static void end_thread(struct thread *thread)
{
	if (!busy(thread)) {
		thread_free(thread);
		return;
	}
	thread->dead = true;
	if (thread->call.fiber != NULL)
		fiber_give_up(thread->call.fiber);
}

bool process_end_other_threads(struct process *process, struct thread *thread)
{
	list_for_each_safe (link, &process->threads) {
		struct thread *other = list_entry(link, struct thread, link);

		if (other != thread)
			end_thread(other);
	}
	return process->thread_count == 1;
}

/*
 * A child of vfork that still runs on a thread of a process that ends goes with it: Linux would let it live on, but the
 * thread is the parent's, whose end would have to wait for it. Each look starts anew, for the lock is released.
 */
static void end_borrowers(struct process *process)
{
	struct process *child;

	do {
		child = NULL;
		list_for_each (link, &process->threads) {
			const struct thread *lent = list_entry(link, struct thread, link)->lent;

			if (lent != NULL && !lent->process->exiting)
				child = lent->process;
		}
		if (child != NULL)
			process_exit(child, SIGKILL);
	} while (child != NULL);
}

void process_exit(struct process *process, int status)
{
	if (process->exiting)
		return;
	/* Mutexes in shared memory; the process's own go with it. */
	list_for_each (link, &process->threads)
		futex_owner_died(list_entry(link, struct thread, link));
	process->exiting = true;
	process->exit_status = status;
	timer_cancel(&process->alarm);
	intervals_forget(process);
	rlimit_forget_processor(process);
	posix_timers_delete(process);
	trace_tracer_ends(process);
	/* Held so that the process outlives the loop. */
	process->thread_count++;
	list_for_each_safe (link, &process->threads)
		end_thread(list_entry(link, struct thread, link));
	end_borrowers(process);
	if (--process->thread_count == 0)
		process_finish(process);
}

/* Clears and wakes the word that pthread_join waits for. */
static void clear_tid(struct thread *thread)
{
	uint32_t zero = 0;
	mach_port_t task = process_task(thread->process);

	if (thread->clear_tid == 0)
		return;
	if (task_copy_to(task, thread->clear_tid, sizeof zero, &zero, VM_COPY_NOWAIT, NULL) == KERN_SUCCESS)
		futex_wake_address(thread->process, thread->clear_tid, 1);
	thread->clear_tid = 0;
}

void thread_exit(struct thread *thread, int status)
{
	struct process *process = thread->process;

	if (process->thread_count == 1 || process->exiting) {
		process_exit(process, status);
		return;
	}
	futex_owner_died(thread);
	clear_tid(thread);
	end_thread(thread);
}

void process_add_times(struct process *process)
{
	struct portolan_task_info info;
	mach_msg_type_number_t count = PORTOLAN_TASK_INFO_COUNT;

	if (process->vfork_thread != NULL || process->memory == NULL ||
		portolan_task_info(process_task(process), PORTOLAN_TASK_INFO, (uint64_t *)&info, &count) != KERN_SUCCESS)
		return;
	process->dead_user_ns += info.user_ns;
	process->dead_system_ns += info.system_ns;
	if (info.resident_size > process->max_resident)
		process->max_resident = info.resident_size;
}

/* The session's leader has ended: the terminal goes, its foreground group hears of it. */
static void leave_terminal(struct process *process)
{
	struct session *session = process->group->session;

	if (session->leader != process)
		return;
	session->leader = NULL;
	tty_session_leaves(session, true);
}

static struct process *new_parent_for(struct process *process)
{
	struct process *parent;

	for (parent = process->parent; parent != NULL; parent = parent->parent) {
		if (parent->child_subreaper && !parent->exiting)
			return parent;
	}
	return init_process;
}

static void give_children_away(struct process *process)
{
	struct process *parent = new_parent_for(process);

	while (!list_empty(&process->children) || !list_empty(&process->reporting)) {
		struct list *of = list_empty(&process->children) ? &process->reporting : &process->children;
		struct process *child = list_entry(of->next, struct process, sibling);

		list_remove(&child->sibling);
		child->parent = parent == process ? NULL : parent;
		child->exit_signal = SIGCHLD;
		if (child->parent != NULL)
			list_append(child->reports ? &parent->reporting : &parent->children, &child->sibling);
		if (child->parent_death_signal != 0 && child->state == PROCESS_RUNNING)
			signal_process(child, child->parent_death_signal, NULL);
		if (child->state == PROCESS_ZOMBIE && child->parent != NULL) {
			wait_queue_wake(&child->parent->child_queue, 0);
			signal_process(child->parent, SIGCHLD, NULL);
		} else {
			group_check_orphaned(child->group);
		}
	}
}

static void tell_parent(struct process *process)
{
	struct process *parent = process->parent;
	struct signal_action *action;
	struct signal_info info;
	int status = process->exit_status, signal;
	bool discard;

	if (parent == NULL) {
		if (process != init_process)
			process_reap(process);
		return;
	}
	memset(&info, 0, sizeof info);
	signal = parent->serial == process->parent_serial ? process->exit_signal : SIGCHLD;
	info.signal = signal;
	info.code = WIFEXITED(status) ? CLD_EXITED : WCOREDUMP(status) ? CLD_DUMPED : CLD_KILLED;
	info.pid = process->id;
	info.uid = process->credentials.uid;
	info.status = WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status);
	action = &parent->actions->action[SIGCHLD - 1];
	discard = signal == SIGCHLD && (action->handler == 1 || (action->flags & SA_NOCLDWAIT) != 0);
	if (discard)
		process_reap(process);
	/*
	 * Waiters look again, if only to find that there are no children left; before the signal, which would end
	 * their wait with EINTR although there is a child to report.
	 */
	wait_queue_wake(&parent->child_queue, 0);
	if (signal != 0)
		signal_process(parent, signal, &info);
}

/* On a fiber: closing files may wait for a file server, which whoever ended the process does not. */
static void process_close(void *argument)
{
	struct process *process = argument;
	struct file_table *files = process->files;
	struct fs_context *fs = process->fs;
	struct address_space *memory = process->memory;
	struct vnode *executable = process->executable;

	process->files = NULL;
	process->fs = NULL;
	process->memory = NULL;
	process->executable = NULL;
	if (memory != NULL && memory->owner == process)
		address_space_own(memory, NULL);
	/*
	 * The task first, which takes the last thread along: one that still ran would find nobody behind its port.
	 * These may release the lock. The process has no threads and cannot be waited for yet.
	 */
	address_space_release(memory);
	semaphores_undo(process);
	server_port_destroy(process->port);
	process->port = MACH_PORT_NULL;
	file_table_release(files);
	fs_context_release(fs);
	vnode_run_end(executable);
	signal_queue_flush(&process->pending, ~0ull);
	leave_terminal(process);
	give_children_away(process);
	process->state = PROCESS_ZOMBIE;
	process_set_stopped(process, false);
	process_note_report(process);
	pidfds_tell(process, false);
	if (process == init_process) {
		system_init_ended(process->exit_status);
		return;
	}
	tell_parent(process);
}

static void process_finish(struct process *process)
{
	process_add_times(process);
	vfork_finish(process);
	fiber_run(process_close, process);
}

static uint64_t larger(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

void process_reap(struct process *process)
{
	struct process *parent = process->parent;

	if (parent != NULL) {
		parent->children_user_ns += process->dead_user_ns + process->children_user_ns;
		parent->children_system_ns += process->dead_system_ns + process->children_system_ns;
		parent->children_max_resident = larger(
			parent->children_max_resident, larger(process->max_resident, process->children_max_resident));
	}
	pidfds_tell(process, true);
	list_remove(&process->sibling);
	list_remove(&process->link);
	process_unhash(process);
	process_leave_group(process);
	wait_queue_destroy(&process->child_queue);
	wait_queue_destroy(&process->signal_queue);
	signal_actions_release(process->actions);
	group_list_release(process->credentials.groups);
	process_count(process, -(int)process->counted);
	user_release(process->user);
	user_free(process);
}

void process_abandon(struct process *process)
{
	process->exiting = true;
	rlimit_forget_processor(process);
	process->thread_count++;
	list_for_each_safe (link, &process->threads)
		thread_free(list_entry(link, struct thread, link));
	file_table_release(process->files);
	fs_context_release(process->fs);
	address_space_release(process->memory);
	vnode_run_end(process->executable);
	server_port_destroy(process->port);
	process_reap(process);
}

/* False: its end has come while it stopped to tell of it. */
static bool exit_traced(struct call *call, int status)
{
	struct thread *thread = call->thread;

	if (thread->trace == NULL)
		return true;
	thread->trace->exit_status = (status & 0xff) << 8;
	trace_event(thread, PTRACE_EVENT_EXIT, (uint64_t)((status & 0xff) << 8));
	return !thread->dead;
}

int64_t sys_exit(uint64_t caller, int status)
{
	struct call *call = call_of(caller);

	if (!exit_traced(call, status))
		return CALL_GONE;
	trace_end(call, CALL_KEEP);
	thread_exit(call->thread, (status & 0xff) << 8);
	return CALL_GONE;
}

int64_t sys_exit_group(uint64_t caller, int status)
{
	struct call *call = call_of(caller);

	if (!exit_traced(call, status))
		return CALL_GONE;
	trace_end(call, CALL_KEEP);
	process_exit(call->process, (status & 0xff) << 8);
	return CALL_GONE;
}
