/* Between the parts of the dispatcher: dispatch.c receives calls, run.c runs them, waiting.c holds those that wait. */
#ifndef PERSONALITY_RUN_H
#define PERSONALITY_RUN_H

#include <stdint.h>

#include "call.h"
#include "deliver.h"
#include "list.h"

/*
 * A call's way:
 *
 *   1. server_thread (dispatch.c) receives it and takes the lock; serve_foreign finds the thread and fills its struct
 * call.
 *   2. call_run (run.c) lets the routine of unix.defs run. A result: finish_call delivers due signals and the server
 * thread replies with its next receive. CALL_RESTART: the reply right is kept (mach_reply_defer) and the call waits
 * (waiting.c), or goes to a worker.
 *   3. A waker puts it on the ready list; the next thread to leave the server runs it again from 2, and answers through
 * the kept right.
 *
 * A thread whose process is killed while its call runs (the lock may be released around an RPC) is only marked dead;
 * call_run frees it when the call comes back.
 */

/* Woken calls that the next thread to leave the server will run. */
extern struct list calls_ready;

/* Runs a call that is on no list, with the lock held; says how the thread that received it replies. */
enum answer call_run(struct call *call, int64_t *result);
/* The call waits in the queues it has entered, and for its deadline. */
void call_start_waiting(struct call *call);
/* Takes it out of all of them. */
void call_leave_queues(struct call *call);
/* What a worker thread does. */
void *call_worker(void *argument);

#endif
