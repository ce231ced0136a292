/* Runs calls: for the first time, and again when they are ready; and ends them. */
#include "dispatch/run.h"

#include <mach/mach.h>
#include <stdlib.h>
#include <string.h>

#include "base/lock.h"
#include "base/user.h"
#include "call/call.h"
#include "call/dispatch.h"
#include "call/fiber.h"
#include "call/lock.h"
#include "call/trace.h"
#include "fs/procfs.h"
#include "memory/paging.h"
#include "process/proc.h"
#include "process/ptrace.h"
#include "signal/deliver.h"
#include "unix_server.h"

uint32_t server_lock_word;

void lock_sleep(const uint32_t *word, uint32_t value)
{
	mach_word_wait(word, value, MACH_DEADLINE_NONE, 0);
}

void lock_wake(const uint32_t *word)
{
	mach_word_wake(word, 1, 0);
}

/* Grows when there is something ready and nobody about to leave the server: the ready thread waits on it. */
static uint32_t left_ready;

__thread struct call *current_call;

static bool lock_change(uint32_t from, uint32_t to)
{
	/* Acquire and release: as lock_acquire and lock_release, whichever of the two this is. */
	return __atomic_compare_exchange_n(&server_lock_word, &from, to, false, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED);
}

void lock_slowly(void)
{
	bool woken = false;

	for (;;) {
		uint32_t state = __atomic_load_n(&server_lock_word, __ATOMIC_RELAXED);

		if (state == LOCK_FREE || (state == LOCK_HANDED && woken)) {
			if (lock_change(state, LOCK_WAITED))
				return;
		} else if (state != LOCK_HELD || lock_change(LOCK_HELD, LOCK_WAITED)) {
			state = state == LOCK_HELD ? LOCK_WAITED : state;
			woken = mach_word_wait(&server_lock_word, state, MACH_DEADLINE_NONE, 0) == KERN_SUCCESS;
		}
	}
}

/*
 * Who is on the way to sleep when nobody is woken finds the word changed, or is woken by the second wake: no one sleeps
 * on a free lock. One that is woken for nothing may take a lock that was handed to another, which then waits again.
 */
void lock_hand_over(void)
{
	__atomic_store_n(&server_lock_word, LOCK_HANDED, __ATOMIC_RELEASE);
	if (mach_word_wake(&server_lock_word, 1, 0) > 0)
		return;
	if (lock_change(LOCK_HANDED, LOCK_FREE))
		mach_word_wake(&server_lock_word, 1, 0);
}

void call_lock(struct call *call)
{
	if (!call_is_locked(call))
		call_take_lock(call);
}

void server_lock(void)
{
	lock_acquire();
}

void server_unlock(void)
{
	bool left = !list_empty(&ready_list);

	lock_release();
	if (left) {
		/* Release: who sees the count takes the lock anyway; it only ends its wait. */
		__atomic_add_fetch(&left_ready, 1, __ATOMIC_RELEASE);
		mach_word_wake(&left_ready, 1, 0);
	}
}

static void call_clean(struct call *call)
{
	call_leave_queues(call);
	if (call->scratch_release != NULL)
		call->scratch_release(call);
	call->scratch_release = NULL;
	if (call->scratch != NULL)
		free(call->scratch);
	call->scratch = NULL;
	if (call->trace != NULL)
		trace_drop(call);
}

void call_forget(struct call *call)
{
	call_cancel(call);
	call_clean(call);
	call->state = CALL_IDLE;
	if (call->reply != MACH_PORT_NULL)
		mach_port_deallocate(mach_task_self(), call->reply);
	call->reply = MACH_PORT_NULL;
}

/* Ends the call: signals, trace, answer. Through call->reply when there is one, else as the return value says. */
static enum answer finish_call(struct call *call, int64_t *result)
{
	struct thread *thread = call->thread;
	enum answer answer;
	uint64_t word[8] = {0};
	mach_port_t reply;

	if (call->timer.index == 0 && call_leaves_nothing(call) &&
		(*result > CALL_SPECIAL || (*result == CALL_KEEP && call->reply == MACH_PORT_NULL))) {
		answer = *result == CALL_KEEP ? ANSWER_KEEP : ANSWER_WORD;
	} else {
		call->state = CALL_RUNNING;
		call_leave_queues(call);
		current_call = call; /* what it waits for, it waits for as this call */
		if (thread->trace != NULL)
			trace_call_ends(call, result);
		answer = deliver_at_return(call, result);
		current_call = NULL;
		if (thread->dead) {
			thread_free(thread);
			return ANSWER_NONE;
		}
		if (answer != ANSWER_AGAIN)
			trace_end(call, *result);
		call_clean(call);
	}
	/* Delivering may have waited: then the reply right was kept. */
	reply = call->reply;
	call->reply = MACH_PORT_NULL;
	call_idle(call);
	if (reply == MACH_PORT_NULL)
		return answer;
	if (answer == ANSWER_WORD) {
		word[0] = (uint64_t)*result;
		if (mach_send_words(reply, (mach_msg_id_t)call->number + 100, word, 1) != MACH_MSG_SUCCESS)
			mach_port_deallocate(mach_task_self(), reply);
	} else {
		/* deliver_at_return has aborted the call: the right is a dead name. */
		mach_port_deallocate(mach_task_self(), reply);
	}
	return ANSWER_NONE;
}

void call_interrupt(struct call *call)
{
	call->signalled = true;
	call_make_ready(call);
}

/* vfork: the kernel's call is answered with 0, for the child; ours stays open, waiting for nothing. */
static enum answer lend(struct call *call, int64_t *result)
{
	uint64_t word[8] = {0};

	call->state = CALL_WAITING;
	*result = 0;
	if (call->reply == MACH_PORT_NULL)
		return ANSWER_WORD;
	mach_send_words(call->reply, (mach_msg_id_t)call->number + 100, word, 1);
	call->reply = MACH_PORT_NULL;
	return ANSWER_NONE;
}

void call_answered(struct call *call, int64_t result)
{
	trace_end(call, result);
	call_clean(call);
	call_idle(call);
}

struct call *proc_caller(void)
{
	return current_call;
}

struct user *user_now(void)
{
	const struct call *call = proc_caller();

	return call == NULL ? NULL : call->process->user;
}

void call_keep_reply(struct call *call)
{
	/* Of none, the reply that this thread of the server owes is another's. */
	if (call->reply == MACH_PORT_NULL && !call->is_none)
		call->reply = mach_reply_defer();
}

/* What a waiting call comes to that a signal ends. */
static int64_t interrupted(const struct call *call)
{
	return call->partial && call->progress > 0 ? (int64_t)call->progress : CALL_INTERRUPTED;
}

enum answer call_settle(struct call *call, int64_t *result)
{
	struct thread *thread = call->thread;

	if (*result == CALL_REPLACED)
		return ANSWER_NONE;
	if (thread->dead) {
		thread_free(thread);
		return ANSWER_NONE;
	}
	if (*result == CALL_GONE)
		return ANSWER_NONE;
	if (*result == CALL_LENT)
		return lend(call, result);
	if (*result != CALL_RESTART)
		return finish_call(call, result);
	if (!call->absent && signal_due(thread)) {
		*result = interrupted(call);
		return finish_call(call, result);
	}
	call_keep_reply(call);
	call_keep_arguments(call);
	if (call->absent) {
		call_leave_queues(call);
		if (!paging_for_call(call)) {
			*result = -ENOMEM;
			return finish_call(call, result);
		}
	} else if (call->will_wait) {
		call_start_waiting(call);
	} else {
		call->state = CALL_WAITING;
		call_make_ready(call);
	}
	return ANSWER_NONE;
}

void call_paged(struct call *call)
{
	call->state = CALL_WAITING;
	call_make_ready(call);
}

static void run_again(struct call *call)
{
	int64_t result;

	call->state = CALL_RUNNING;
	if (call->signalled) {
		call->signalled = false;
		result = interrupted(call);
		finish_call(call, &result);
		return;
	}
	call->will_wait = call->absent = false;
	result = call_let_run(call);
	call_settle(call, &result);
}

/* On a fiber: runs the ready calls again, until one waits there or a fiber comes first. */
static void run_ready_calls(void *argument)
{
	(void)argument;
	while (!list_empty(&ready_list)) {
		struct ready *ready = list_entry(ready_list.next, struct ready, link);

		if (ready->is_fiber)
			return;
		list_remove(&ready->link);
		run_again(list_entry(ready, struct call, ready));
	}
}

/* A thread that goes on with a fiber owes its caller nothing that the kernel knows of: the time is his all the same. */
static void go_on(struct fiber *fiber)
{
	const struct call *call = fiber_call(fiber);

	if (call != NULL && call->thread->port != MACH_PORT_NULL)
		thread_work_for(call->thread->port);
	fiber_resume(fiber);
}

void server_leave(void)
{
	if (!fiber_at_home()) {
		server_unlock();
		return;
	}
	while (!list_empty(&ready_list)) {
		struct ready *ready = list_entry(ready_list.next, struct ready, link);

		if (ready->is_fiber) {
			list_remove(&ready->link);
			go_on((struct fiber *)ready);
		} else {
			fiber_run(run_ready_calls, NULL);
		}
	}
	lock_release();
}

void *ready_thread(void *argument)
{
	(void)argument;
	for (;;) {
		uint32_t seen = __atomic_load_n(&left_ready, __ATOMIC_ACQUIRE);

		server_lock();
		server_leave();
		mach_word_wait(&left_ready, seen, MACH_DEADLINE_NONE, 0);
	}
	return NULL;
}
