/* A process whose real uid changes goes on in a task on its new user's account: what it uses from then on, he pays. */
#include <mach/mach.h>
#include <stdlib.h>
#include <string.h>

#include "call/trace.h"
#include "memory/accounts.h"
#include "memory/mm.h"
#include "process/claim.h"
#include "process/proc.h"
#include "program/fork.h"
#include "program/schedule.h"

/*
 * What may fail, done before anything changes: the new task with a thread that stands where the caller does. Where there are more
 * threads than that one, or it is a Mach program's, the task stays, and who pays for its memory changes: payer.
 */
struct process_move {
	struct user *payer;
	struct address_space *space;
	mach_port_t port; /* of the thread, suspended */
};

void process_drop_move(struct process_move *move)
{
	if (move == NULL)
		return;
	if (move->port != MACH_PORT_NULL) {
		thread_terminate(move->port);
		mach_port_deallocate(mach_task_self(), move->port);
	}
	address_space_release(move->space);
	account_let_go(move->payer);
	free(move);
}

/* The new thread will return from the call with 0. */
static kern_return_t copy_thread(const struct thread *from, mach_port_t to)
{
	uint64_t floating[THREAD_STATE_MAX];
	x86_thread_state64_t registers;
	mach_msg_type_number_t count = x86_THREAD_STATE64_WORDS, floats = THREAD_STATE_MAX;
	kern_return_t result = thread_set_word(to, (uint64_t)from->id);

	if (result == KERN_SUCCESS)
		result = thread_get_state_trap(from->port, x86_THREAD_STATE64, (uint64_t *)&registers, &count);
	registers.rax = 0;
	if (result == KERN_SUCCESS)
		result = thread_set_state_trap(to, x86_THREAD_STATE64, (uint64_t *)&registers, count);
	if (result == KERN_SUCCESS)
		result = thread_get_state_trap(from->port, x86_XSAVE_STATE64, floating, &floats);
	if (result == KERN_SUCCESS && floats != 0)
		result = thread_set_state_trap(to, x86_XSAVE_STATE64, floating, floats);
	return result;
}

int process_prepare_move(struct call *call, uint32_t uid, struct process_move **out)
{
	const struct process *process = call->process;
	struct process_move *move;

	*out = NULL;
	if (process->memory == NULL || process->memory->owner != process || call->thread->borrowed)
		return 0;
	move = calloc(1, sizeof *move);
	if (move == NULL)
		return -EAGAIN;
	if (process->memory->references != 1 || process->thread_count != 1 || process->is_mach) {
		move->payer = account_hold(uid);
		if (move->payer == NULL) {
			process_drop_move(move);
			return -EAGAIN;
		}
		*out = move;
		return 0;
	}
	/* The old thread goes: no answer must be on its way to it. */
	call_keep_reply(call);
	move->space = address_space_successor(process->memory, uid);
	if (move->space == NULL || task_attach(process->port, move->space->task, 0) != 0 ||
		thread_create(move->space->task, &move->port) != KERN_SUCCESS ||
		copy_thread(call->thread, move->port) != KERN_SUCCESS) {
		process_drop_move(move);
		return -EAGAIN;
	}
	*out = move;
	return 0;
}

int64_t process_move(struct call *call, struct process_move *move)
{
	struct process *process = call->process;
	struct thread *thread = call->thread;
	struct address_space *old = process->memory;
	mach_port_t old_port = thread->port;
	kernel_debug_name_t name = {0};

	if (move == NULL)
		return 0;
	if (move->payer != NULL) {
		address_space_bill(old, move->payer);
		free(move);
		return 0;
	}
	process_add_times(process);
	process->memory = move->space;
	address_space_own(move->space, process);
	thread_set_port(thread, move->port);
	schedule_new(thread);
	thread_terminate(old_port);
	mach_port_deallocate(mach_task_self(), old_port);
	memcpy(name, process->command, sizeof process->command);
	task_set_name(move->space->task, name);
	/* From here on the lock may be released: the thread is still in its call for everybody else. */
	address_space_release(old);
	trace_end(call, 0);
	call_forget(call);
	if (process->stopped)
		thread_suspend(thread->port);
	free(move);
	if (thread->dead)
		return CALL_GONE;
	thread_resume(thread->port);
	thread_put(thread);
	/* What waited for the old task's end of call. */
	if (signal_due(thread))
		signal_wake(thread);
	return CALL_REPLACED;
}
