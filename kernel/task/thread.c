/* Threads: making, ending, suspending and aborting them, and their way through traps that run again. */
#include <kern/slice.h>

#include <ipc/ipc.h>
#include <kern/kalloc.h>
#include <kern/piece.h>
#include <kern/task.h>
#include <kern/trap.h>
#include <task/task_private.h>
#include <vm/vm_map.h>

#define EXIT_COST 2500 /* instructions for one that ends, about: many may end in a row (kern/piece.h) */

static struct kcache thread_cache = KCACHE(sizeof(struct thread));

struct thread *thread_allocate(task_t task)
{
	struct thread *thread = kcache_alloc(&thread_cache, task->account);

	if (thread == NULL)
		return NULL;
	lock_init(&thread->lock, LOCK_RANK_THREAD);
	ref_init(&thread->refs, 1);
	thread->task = task;
	thread->space = task->space;
	task_reference(task);
	thread->pmap = task->map != NULL ? task->map->pmap : NULL;
	thread->state = THREAD_CREATED;
	thread->priority = thread->run_priority = task->priority;
	thread->processors = UINT32_MAX;
	thread->wait_deadline = UINT64_MAX;
	list_init(&thread->wait_link);
	list_init(&thread->run_link);
	list_init(&thread->task_link);
	machine_thread_init(thread);
	ipc_thread_init(thread);
	return thread;
}

void thread_reference(thread_t thread)
{
	ref_take(&thread->refs);
}

void thread_deallocate(thread_t thread)
{
	struct task *task;

	if (thread == NULL || !ref_drop(&thread->refs))
		return;
	task = thread->task;
	timer_cancel_and_wait(&thread->wait_timer);
	machine_thread_destroy(thread);
	kcache_free(&thread_cache, task->account, thread);
	task_deallocate(task);
}

kern_return_t thread_create(task_t task, thread_t *out)
{
	struct thread *thread = thread_allocate(task);

	if (thread == NULL)
		return KERN_RESOURCE_SHORTAGE;
	thread->self_port = ipc_kernel_port_create(IKOT_THREAD, thread, task->account);
	if (thread->self_port == NULL) {
		thread_deallocate(thread);
		return KERN_RESOURCE_SHORTAGE;
	}
	task_reach_watch(thread->self_port);
	lock_acquire(&task->lock);
	if (task->dead) {
		lock_release(&task->lock);
		ipc_port_destroy(thread->self_port);
		thread->self_port = NULL;
		thread_deallocate(thread);
		return KERN_TERMINATED;
	}
	thread->suspend_count = 1 + (task->suspend_count != 0);
	thread->ast |= AST_SUSPEND;
	list_add_tail(&task->threads, &thread->task_link);
	task->thread_count++;
	thread_reference(thread); /* the task's list */
	lock_release(&task->lock);
	slice_share(thread);
	*out = thread;
	return KERN_SUCCESS;
}

struct thread *kernel_thread_create(continuation_t fn, uint8_t priority, const char *name)
{
	struct thread *thread = thread_allocate(&kernel_task);

	if (thread == NULL)
		panic("no memory for the kernel's thread %s", name);
	thread->pmap = NULL;
	thread->priority = thread->run_priority = priority;
	thread->continuation = fn;
	lock_acquire(&thread->lock);
	sched_enqueue(thread);
	lock_release(&thread->lock);
	return thread;
}

/*
 * The end, on the thread's own processor: everything it holds goes, then the processor. The structure lives until its
 * references are gone; the last one of its own is dropped after the switch away (processor->to_free).
 */
void thread_exit_self(struct thread *self)
{
	struct task *task = self->task;
	struct ipc_port *port, *handler;
	struct exception_action *actions;
	bool listed;

	piece_spend(EXIT_COST);
	ipc_thread_terminate(self);
	lock_acquire(&task->lock);
	listed = list_linked(&self->task_link);
	if (listed) {
		list_remove(&self->task_link);
		task->thread_count--;
	}
	task->user_ns += self->user_ns;
	port = self->self_port;
	handler = self->exception_port;
	actions = self->exception_actions;
	self->self_port = self->exception_port = NULL;
	self->exception_actions = NULL;
	lock_release(&task->lock);
	task_reach_check(task);
	if (port != NULL)
		ipc_port_destroy(port);
	if (self->exception_reply != NULL) {
		ipc_port_destroy(self->exception_reply);
		self->exception_reply = NULL;
	}
	ipc_port_release_send(handler);
	exception_actions_free(task->account, actions);

	lock_acquire(&self->lock);
	self->state = THREAD_DEAD;
	lock_release(&self->lock);
	thread_wakeup(&self->suspend_count);
	if (listed)
		current_processor()->to_free = self;
	thread_block(NULL);
}

void thread_end_wait(struct thread *thread)
{
	if (thread->wait_kind == WAIT_EVENT)
		thread_end_event_wait(thread, WAIT_INTERRUPTED);
	else if (thread->wait_kind != WAIT_NONE)
		ipc_thread_abort(thread);
}

kern_return_t thread_terminate(thread_t thread)
{
	lock_acquire(&thread->lock);
	if (thread->state == THREAD_DEAD || (thread->ast & AST_TERMINATE)) {
		lock_release(&thread->lock);
		return KERN_TERMINATED;
	}
	thread->ast |= AST_TERMINATE;
	if (thread->state == THREAD_CREATED || thread->state == THREAD_STOPPED) {
		sched_enqueue(thread);
	} else if (thread->on_processor && thread->processor != current_processor()) {
		machine_kick(thread->processor);
	}
	lock_release(&thread->lock);
	thread_end_wait(thread);
	return KERN_SUCCESS;
}

kern_return_t thread_suspend_begin(thread_t thread)
{
	kern_return_t result = KERN_SUCCESS;

	lock_acquire(&thread->lock);
	if (thread->state == THREAD_DEAD) {
		result = KERN_TERMINATED;
	} else if (thread->suspend_count == UINT32_MAX) {
		result = KERN_FAILURE;
	} else {
		thread->suspend_count++;
		thread->ast |= AST_SUSPEND;
		if (thread->state == THREAD_READY && thread->continuation == NULL && sched_dequeue(thread))
			thread->state = THREAD_STOPPED; /* it was in user mode: nothing left to do in the kernel */
	}
	lock_release(&thread->lock);
	return result;
}

void thread_suspend_finish(thread_t thread)
{
	struct processor *elsewhere;

	/* Of the thread as it is now: if it was on a processor and is on none, it has been in the kernel since. */
	lock_acquire(&thread->lock);
	elsewhere = thread->on_processor && thread->processor != current_processor() ? thread->processor : NULL;
	lock_release(&thread->lock);
	/* In the kernel it finds out on its way to user mode. */
	if (elsewhere != NULL)
		machine_call_in(elsewhere);
	ipc_thread_withdraw(thread);
	task_reach_check(thread->task);
}

kern_return_t thread_suspend(thread_t thread)
{
	kern_return_t result = thread_suspend_begin(thread);

	if (result == KERN_SUCCESS)
		thread_suspend_finish(thread);
	return result;
}

kern_return_t thread_resume(thread_t thread)
{
	kern_return_t result = KERN_SUCCESS;

	lock_acquire(&thread->lock);
	if (thread->state == THREAD_DEAD) {
		result = KERN_TERMINATED;
	} else if (thread->suspend_count == 0) {
		result = KERN_FAILURE;
	} else if (--thread->suspend_count == 0) {
		thread->ast &= ~(uint32_t)AST_SUSPEND;
		if (thread->state == THREAD_STOPPED || thread->state == THREAD_CREATED)
			sched_enqueue(thread);
	}
	lock_release(&thread->lock);
	return result;
}

kern_return_t thread_abort(thread_t thread)
{
	thread_end_wait(thread);
	return KERN_SUCCESS;
}

/*
 * Runs the trap again whose wait ended; an abort is its result instead. A time-out is not: those who give a wait for
 * memory a deadline look at the clock when they run again, and say then what is late.
 */
static void trap_again(struct thread *self)
{
	self->regs.rip += 2; /* `syscall` has two bytes */
	if (self->ast & AST_TERMINATE)
		thread_leave_kernel(self);
	if (self->wait_result == WAIT_INTERRUPTED) {
		ipc_thread_forget(self);
		self->progress.object = NULL;
		self->regs.rax = KERN_ABORTED;
		thread_leave_kernel(self);
	}
	trap_syscall(self);
}

void thread_block_restart(struct thread *self)
{
	count_event(restarts);
	self->regs.rip -= 2;
	if (self->state == THREAD_RUNNING) { /* no wait asserted, or over already: only a pause */
		self->wait_result = WAIT_AWAKENED;
		piece_over();
	}
	thread_block(trap_again);
}
