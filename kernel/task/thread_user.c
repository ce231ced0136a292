/* The thread_ routines of mach.defs and portolan.defs that are more than a call into thread.c. */
#include <ipc/ipc.h>
#include <ipc/ipc_kmsg.h>
#include <kern/piece.h>
#include <kern/trap.h>
#include <stubs/mach_server.h>
#include <stubs/portolan_server.h>
#include <task/task_private.h>

/*
 * True when the registers in thread->regs are what the thread would go on with: it is stopped, not started, waiting, or
 * ready to enter user mode. Thread locked.
 */
static bool registers_settled(const struct thread *thread)
{
	if (thread->on_processor)
		return false;
	return thread->state != THREAD_READY || thread->continuation == NULL;
}

/*
 * With several processors: the thread, whose registers are settled, is held as if it were on one, so that none runs it
 * before let_go. False: one has just taken it off its queue. Thread locked.
 */
static bool hold(struct thread *thread)
{
	if (thread->state == THREAD_READY && !sched_dequeue(thread))
		return false;
	thread->held = thread->on_processor = true;
	return true;
}

static void let_go(struct thread *thread)
{
	if (processors_online <= 1)
		return;
	lock_acquire(&thread->lock);
	thread->held = thread->on_processor = false;
	/* It was ready, or has become so. */
	if (thread->state == THREAD_READY || thread->state == THREAD_RUNNING)
		sched_enqueue(thread);
	lock_release(&thread->lock);
}

/*
 * For a look at, or a change of, the thread's registers: KERN_SUCCESS when they are settled, and it does not run before
 * let_go; KERN_RESTART when it must be waited for until it has stopped.
 */
static kern_return_t settle(struct thread *thread)
{
	bool settled, dead;

	if (thread == NULL || thread == current_thread())
		return KERN_INVALID_ARGUMENT;
	lock_acquire(&thread->lock);
	/* Another processor holds it, or has not let go of it yet though it waits: not for long. */
	while (thread->held || (thread->on_processor && thread->state == THREAD_WAITING)) {
		lock_release(&thread->lock);
		machine_relax();
		lock_acquire(&thread->lock);
	}
	dead = thread->state == THREAD_DEAD;
	settled = registers_settled(thread) && (processors_online <= 1 || dead || hold(thread));
	lock_release(&thread->lock);
	if (dead)
		return KERN_TERMINATED;
	if (settled)
		return KERN_SUCCESS;
	if (thread->suspend_count == 0)
		return KERN_FAILURE; /* it runs: suspend it first */
	assert_wait(&thread->suspend_count, true, UINT64_MAX);
	lock_acquire(&thread->lock);
	settled = registers_settled(thread) || thread->held || thread->state == THREAD_DEAD;
	lock_release(&thread->lock);
	if (settled)
		thread_cancel_wait(current_thread());
	return KERN_RESTART;
}

static kern_return_t get_state(thread_t thread, int flavor, const struct state_memory *to, unsigned *count)
{
	kern_return_t result = settle(thread);

	if (result != KERN_SUCCESS)
		return result;
	result = machine_thread_get_state(thread, flavor, to, count);
	let_go(thread);
	return result;
}

static kern_return_t set_state(thread_t thread, int flavor, const struct state_memory *from, unsigned count)
{
	kern_return_t result = settle(thread);

	if (result != KERN_SUCCESS)
		return result;
	result = machine_thread_set_state(thread, flavor, from, count);
	if (result == KERN_SUCCESS && flavor != x86_XSAVE_STATE64) {
		thread->progress.object = NULL;
		if (thread->pending_kmsg != NULL) {
			/* It was inside a kernel RPC that would run again: the new registers know nothing of that. */
			ipc_kmsg_destroy(thread->pending_kmsg);
			thread->pending_kmsg = NULL;
			thread->continuation = NULL;
		}
		lock_acquire(&thread->lock);
		thread->ast |= AST_REGISTERS;
		lock_release(&thread->lock);
	}
	let_go(thread);
	return result;
}

kern_return_t thread_get_state(thread_t thread, int flavor, uint64_t *old_state, mach_msg_type_number_t *count)
{
	*count = THREAD_STATE_MAX;
	return get_state(thread, flavor, &(struct state_memory){.kernel = old_state}, count);
}

kern_return_t thread_set_state(thread_t thread, int flavor, const uint64_t *new_state, mach_msg_type_number_t count)
{
	return set_state(thread, flavor, &(struct state_memory){.kernel = (uint64_t *)(uintptr_t)new_state}, count);
}

/* The same as traps. */
int64_t trap_thread_get_state(struct thread *self)
{
	thread_t thread = convert_name_to_thread((mach_port_name_t)self->regs.rdi);
	uint64_t room = self->regs.r10;
	unsigned count = room < THREAD_STATE_MAX ? (unsigned)room : THREAD_STATE_MAX;
	kern_return_t result =
		get_state(thread, (int)self->regs.rsi, &(struct state_memory){.user = self->regs.rdx}, &count);

	thread_deallocate(thread);
	if (result == KERN_RESTART)
		return KERN_RESTART;
	return result == KERN_SUCCESS ? (int64_t)count : (int64_t)result << 32;
}

int64_t trap_thread_set_state(struct thread *self)
{
	thread_t thread = convert_name_to_thread((mach_port_name_t)self->regs.rdi);
	kern_return_t result = KERN_INVALID_ARGUMENT;

	if (self->regs.r10 <= THREAD_STATE_MAX)
		result = set_state(thread, (int)self->regs.rsi, &(struct state_memory){.user = self->regs.rdx},
			(unsigned)self->regs.r10);
	thread_deallocate(thread);
	return result;
}

kern_return_t thread_info(thread_t thread, int flavor, uint64_t *out, mach_msg_type_number_t *count)
{
	static const uint8_t states[] = {
		[THREAD_RUNNING] = TH_STATE_RUNNING,
		[THREAD_READY] = TH_STATE_RUNNING,
		[THREAD_WAITING] = TH_STATE_WAITING,
		[THREAD_CREATED] = TH_STATE_STOPPED,
		[THREAD_STOPPED] = TH_STATE_STOPPED,
		[THREAD_DEAD] = TH_STATE_HALTED,
	};
	struct portolan_thread_info info = {0};

	if (flavor != PORTOLAN_THREAD_INFO)
		return KERN_INVALID_ARGUMENT;
	sched_account(); /* it may be the caller's own time */
	lock_acquire(&thread->lock);
	info.run_state = states[thread->state];
	info.suspend_count = thread->suspend_count;
	info.priority = thread->priority;
	info.user_ns = thread->user_ns;
	info.word = thread->word;
	info.run_priority = thread->run_priority;
	info.max_priority = thread->task->max_priority;
	info.processor = thread->processor != NULL ? thread->processor->id : 0;
	if (thread->ipc.call_state != IPC_CALL_NONE)
		info.in_call = thread->ipc.call_foreign ? THREAD_IN_FOREIGN_CALL : THREAD_IN_MACH_TRAP;
	lock_release(&thread->lock);
	__builtin_memcpy(out, &info, sizeof(info));
	*count = PORTOLAN_THREAD_INFO_COUNT;
	return KERN_SUCCESS;
}

kern_return_t thread_get_special_port(thread_t thread, int which, ipc_port_t *port)
{
	if (which == THREAD_KERNEL_PORT)
		*port = task_slot_right(thread->task, &thread->self_port, ipc_port_make_send);
	else if (which == THREAD_EXCEPTION_PORT)
		*port = task_slot_right(thread->task, &thread->exception_port, ipc_port_copy_send);
	else
		return KERN_INVALID_ARGUMENT;
	return KERN_SUCCESS;
}

kern_return_t thread_set_special_port(thread_t thread, int which, ipc_port_t port)
{
	if (which != THREAD_EXCEPTION_PORT)
		return KERN_INVALID_ARGUMENT;
	return task_slot_fill(thread->task, &thread->self_port, &thread->exception_port, port);
}

kern_return_t thread_set_word(thread_t thread, uint64_t word)
{
	thread->word = word;
	return KERN_SUCCESS;
}

kern_return_t thread_set_save_area(thread_t thread, vm_address_t address)
{
	thread->save_area = address;
	return KERN_SUCCESS;
}

kern_return_t thread_bind(thread_t thread, uint64_t among)
{
	return sched_bind(thread, (uint32_t)among);
}

kern_return_t thread_work_for(thread_t thread)
{
	struct thread *self = current_thread();

	if (self->run_priority <= PRIORITY_USER)
		return KERN_NO_ACCESS;
	ipc_work_for(self, thread == self ? NULL : thread);
	return KERN_SUCCESS;
}

kern_return_t thread_priority(thread_t thread, int priority)
{
	kern_return_t result = KERN_SUCCESS;

	if (priority <= PRIORITY_IDLE || priority >= PRIORITY_KERNEL)
		return KERN_INVALID_ARGUMENT;
	lock_acquire(&thread->task->lock);
	if (priority <= thread->task->max_priority)
		thread_set_priority(thread, (uint8_t)priority);
	else
		result = KERN_FAILURE;
	lock_release(&thread->task->lock);
	return result;
}
