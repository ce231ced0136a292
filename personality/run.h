/* Between the parts of the dispatcher: dispatch.c receives calls, run.c runs them, waiting.c holds those that wait. */
#ifndef PERSONALITY_RUN_H
#define PERSONALITY_RUN_H

#include <errno.h>
#include <mach/mig.h>
#include <stdint.h>

#include "call.h"
#include "deliver.h"
#include "list.h"
#include "proc.h"
#include "trace.h"
#include "unix_server.h"

/*
 * A call's way:
 *
 *   1. server_thread (dispatch.c) receives it and takes the lock; serve_foreign finds the thread, fills its struct call
 * and lets the routine of unix.defs run. Most calls are then plain: the result goes with the thread's next receive.
 *   2. Otherwise call_settle (run.c) looks at what the routine left. A result: finish_call delivers due signals and
 * gives back what the call held. CALL_RESTART: the arguments and the reply right are kept (mach_reply_defer) and the
 * call waits (waiting.c), or goes to a worker.
 *   3. A waker puts it on the ready list; the next thread to leave the server runs it again, goes on with 2, and
 * answers through the kept right.
 *
 * A thread whose process is killed while its call runs (the lock may be released around an RPC) is only marked dead;
 * call_settle frees it when the call comes back.
 */

/* Woken calls that the next thread to leave the server will run. */
extern struct list calls_ready;

/* The call that this thread of the server runs, or null. */
extern __thread struct call *current_call;

/* Lets the call's routine of unix.defs run. */
static inline int64_t call_let_run(struct call *call)
{
	int64_t (*routine)(const uint64_t *) = NULL;
	int64_t result;

	if (__builtin_expect(trace_enabled, 0))
		trace_begin(call);
	if (call->number < (uint64_t)unix_subsystem.end)
		routine = unix_subsystem.routine[call->number].foreign;
	if (routine == NULL)
		return -ENOSYS;
	current_call = call;
	result = routine(call->argument);
	current_call = NULL;
	return result;
}

/* For a call without a deadline: whether nothing is left to do but to reply with the result. Most calls end so. */
static inline bool call_leaves_nothing(const struct call *call)
{
	const struct thread *thread = call->thread;

	/* One test of all: nothing to wait for, to give back, to print; no signal to deliver, no mask to restore. */
	return ((uintptr_t)call->scratch | (uintptr_t)call->trace | call->waiters | thread->dead |
		       thread->restore_mask | signals_unblocked(thread)) == 0;
}

static inline bool call_is_plain(const struct call *call, int64_t result)
{
	return result > CALL_SPECIAL && call_leaves_nothing(call);
}

/* After a run that left more to do: ends the call or makes it wait; says how the thread that received it replies. */
enum answer call_settle(struct call *call, int64_t *result);
/* The call waits in the queues it has entered, and for its deadline. */
void call_start_waiting(struct call *call);
/* Takes it out of all of them. */
void call_leave_queues(struct call *call);
/* What a worker thread does. */
void *call_worker(void *argument);

#endif
