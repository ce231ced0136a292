/* Runs calls: for the first time, again when they are ready, in workers; and ends them. */
#include "run.h"

#include <mach/mach.h>
#include <stdlib.h>
#include <string.h>

#include "call.h"
#include "deliver.h"
#include "dispatch.h"
#include "lock.h"
#include "mm.h"
#include "proc.h"
#include "procfs.h"
#include "trace.h"
#include "unix_server.h"
#include "user.h"

uint32_t server_lock_word;
/* Grows with every call for the workers; they wait on it. */
static uint32_t worker_calls;
static struct list worker_queue = LIST_INITIALIZER(worker_queue);

void lock_slowly(void)
{
	while (__atomic_exchange_n(&server_lock_word, 2, __ATOMIC_ACQUIRE) != 0)
		mach_word_wait(&server_lock_word, 2, MACH_DEADLINE_NONE, 0);
}

void server_lock(void)
{
	lock_acquire();
}

static void to_worker(struct call *call)
{
	call->state = CALL_WORKER;
	list_append(&worker_queue, &call->link);
	/* Release: a worker that sees the count finds the call, under the lock. */
	__atomic_add_fetch(&worker_calls, 1, __ATOMIC_RELEASE);
	mach_word_wake(&worker_calls, 1, 0);
}

void server_unlock(void)
{
	/* In the middle of a call: what has become ready must not wait for the end of its RPC. */
	while (!list_empty(&calls_ready)) {
		struct call *call = list_entry(calls_ready.next, struct call, link);

		list_remove(&call->link);
		to_worker(call);
	}
	lock_release();
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
	call->state = CALL_IDLE;
}

void call_forget(struct call *call)
{
	call_cancel(call);
	call_clean(call);
	if (call->reply != MACH_PORT_NULL)
		mach_port_deallocate(mach_task_self(), call->reply);
	call->reply = MACH_PORT_NULL;
}

/* Ends the call: signals, trace, answer. Through call->reply when there is one, else as the return value says. */
static enum answer finish_call(struct call *call, int64_t *result)
{
	struct thread *thread = call->thread;
	mach_port_t reply = call->reply;
	enum answer answer;
	uint64_t word[8] = {0};

	if (call->timer.index == 0 && call_leaves_nothing(call) &&
		(*result > CALL_SPECIAL || (*result == CALL_KEEP && reply == MACH_PORT_NULL))) {
		answer = *result == CALL_KEEP ? ANSWER_KEEP : ANSWER_WORD;
		call->state = CALL_IDLE;
	} else {
		call->state = CALL_RUNNING;
		call_leave_queues(call);
		answer = deliver_at_return(call, result);
		if (thread->dead) {
			thread_free(thread);
			return ANSWER_NONE;
		}
		if (answer != ANSWER_AGAIN)
			trace_end(call, *result);
		call_clean(call);
	}
	call->reply = MACH_PORT_NULL;
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

void call_finish(struct call *call, int64_t result)
{
	finish_call(call, &result);
}

void call_interrupt(struct call *call)
{
	call_cancel(call);
	call->state = CALL_RUNNING;
	call_finish(call, CALL_INTERRUPTED);
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
}

__thread struct call *current_call;

struct call *proc_caller(void)
{
	return current_call;
}

struct user *user_now(void)
{
	return current_call == NULL ? NULL : current_call->process->user;
}

enum answer call_settle(struct call *call, int64_t *result)
{
	struct thread *thread = call->thread;

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
	if (!call->want_worker && !call->absent && signal_due(thread)) {
		*result = CALL_INTERRUPTED;
		return finish_call(call, result);
	}
	if (call->reply == MACH_PORT_NULL)
		call->reply = mach_reply_defer();
	if (call->argument != call->kept_argument) {
		memcpy(call->kept_argument, call->argument, sizeof call->kept_argument);
		call->argument = call->kept_argument;
	}
	if (call->want_worker || call->absent) {
		call_leave_queues(call);
		to_worker(call);
	} else if (call->will_wait) {
		call_start_waiting(call);
	} else {
		call->state = CALL_WAITING;
		call_make_ready(call);
	}
	return ANSWER_NONE;
}

/* Runs a call again. */
static void run_again(struct call *call)
{
	int64_t result;

	call->state = CALL_RUNNING;
	call->will_wait = call->want_worker = call->absent = false;
	result = call_let_run(call);
	call_settle(call, &result);
}

void server_leave(void)
{
	while (!list_empty(&calls_ready)) {
		struct call *call = list_entry(calls_ready.next, struct call, link);

		list_remove(&call->link);
		run_again(call);
	}
	lock_release();
}

/* Brings the pages in that a call missed. Without the lock: one of the few places of the server that wait for a pager.
 */
static void make_resident(mach_port_t task, uint64_t address, uint64_t size)
{
	uint64_t at;
	char byte;

	for (at = address; at < address + size; at = trunc_page(at) + VM_PAGE_SIZE) {
		if (mach_vm_read_overwrite(task, at, 1, &byte, 0, NULL) != KERN_SUCCESS)
			return;
	}
}

void *call_worker(void *argument)
{
	(void)argument;
	for (;;) {
		struct call *call;

		server_lock();
		while (list_empty(&worker_queue)) {
			uint32_t seen = __atomic_load_n(&worker_calls, __ATOMIC_ACQUIRE);

			lock_release();
			mach_word_wait(&worker_calls, seen, MACH_DEADLINE_NONE, 0);
			lock_acquire();
		}
		call = list_entry(worker_queue.next, struct call, link);
		list_remove(&call->link);
		call->state = CALL_RUNNING;
		if (call->absent) {
			mach_port_t task = process_task(call->process);
			uint64_t address = call->absent_address, size = call->absent_size;

			server_unlock();
			make_resident(task, address, size);
			server_lock();
		}
		if (call->thread->dead) {
			thread_free(call->thread);
		} else {
			call->in_worker = true;
			run_again(call);
		}
		server_leave();
	}
	return NULL;
}
