/* Between the parts of the dispatcher: dispatch.c receives calls, run.c runs them, waiting.c holds those that wait. */
#ifndef PERSONALITY_RUN_H
#define PERSONALITY_RUN_H

#include <errno.h>
#include <mach/mig.h>
#include <stdint.h>

#include "base/list.h"
#include "call/call.h"
#include "call/trace.h"
#include "process/claim.h"
#include "process/proc.h"
#include "process/seccomp.h"
#include "signal/deliver.h"
#include "unix_server.h"

/*
 * A call's way:
 *
 *   1. server_thread (dispatch.c) receives it; serve_foreign takes the thread out of its place (claim.h), fills its
 * struct call and lets the routine of unix.defs run: with the server's lock, or, if unlocked.c names the call, without.
 * Most calls are then plain: the result goes with the thread's next receive.
 *   2. Otherwise call_settle (run.c) looks at what the routine left. A result: finish_call delivers due signals and
 * gives back what the call held. CALL_RESTART: the arguments and the reply right are kept (mach_reply_defer) and the
 * call waits (waiting.c), or pages of its caller are brought in first (paging.c).
 *   3. A waker puts it on the ready list; the next thread to leave the server runs it again, goes on with 2, and
 * answers through the kept right.
 *
 * In the middle of 1 or 3 the routine may wait on its fiber (fiber.h) for a file server's answer or for pages: its
 * thread goes on with other calls, some thread comes back to it later. A thread whose process is killed meanwhile is
 * only marked dead, and a wait that nobody needs to see the end of ends at once (fiber_give_up); call_settle frees the
 * thread when the call comes back.
 */

/* Lets the call's routine of unix.defs run. */
static inline int64_t call_let_run(struct call *call)
{
	int64_t (*routine)(const uint64_t *) = NULL;
	int64_t result;

	if (__builtin_expect(trace_enabled, 0))
		trace_begin(call);
	if (call->number < (uint64_t)unix_subsystem.end)
		routine = unix_subsystem.routine[call->number].foreign;
	if (__builtin_expect(routine == NULL, 0))
		return trace_unknown(call);
	current_call = call;
	result = routine(call->argument);
	current_call = NULL;
	return result;
}

/* The same for the first time. */
static inline int64_t call_let_begin(struct call *call)
{
	return __builtin_expect(call->thread->confined, 0) ? seccomp_run(call, call_let_run) : call_let_run(call);
}

/* Whether a call runs without the server's lock: doc/unix-locks.md. (Not those that are traced.) */
extern const bool unlocked_calls[];
extern const unsigned unlocked_calls_end;

static inline bool call_needs_no_lock(uint64_t number)
{
	return number < unlocked_calls_end && unlocked_calls[number] && __builtin_expect(!trace_enabled, 1);
}

/* For a call without a deadline: whether anything is left to do but to reply with the result. Mostly there is not. */
static inline bool call_leaves(const struct call *call, uint64_t more)
{
	const struct thread *thread = call->thread;

	/* One test of all: nothing to wait for, to give back, to print; no signal to deliver, no mask to restore. */
	return ((uintptr_t)call->scratch | (uintptr_t)call->trace | more | thread->dead | thread->restore_mask |
		       signals_unblocked(thread)) != 0;
}

static inline bool call_leaves_nothing(const struct call *call)
{
	return !call_leaves(call, call->waiters);
}

static inline bool call_is_plain(const struct call *call, int64_t result)
{
	/* One that has waited on a fiber is answered through its kept right. */
	return result > CALL_SPECIAL && !call_leaves(call, call->reply_and_waiters);
}

/* Its thread is in no call any more, and may begin the next at once. */
static inline void call_idle(struct call *call)
{
	call->state = CALL_IDLE;
	thread_put(call->thread);
}

/* After a run that left more to do: ends the call or makes it wait; says how the thread that received it replies. */
enum answer call_settle(struct call *call, int64_t *result);
/* The call waits in the queues it has entered, and for its deadline. */
void call_start_waiting(struct call *call);
/* Takes it out of all of them; what it was chosen for goes to the next. */
void call_leave_queues(struct call *call);
/* A thread that goes on with what became ready while nobody was about to leave the server. */
void *ready_thread(void *argument);

#endif
