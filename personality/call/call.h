/* A system call in progress: who calls, how it copies, how it waits. */
#ifndef PERSONALITY_CALL_H
#define PERSONALITY_CALL_H

#include <errno.h>
#include <mach/foreign.h>
#include <mach/mach_types.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/list.h"
#include "call/timer.h"

/*
 * How a system call runs.
 *
 * A call is a function of unix.defs: int64_t sys_NAME(uint64_t caller, arguments). `caller` is the struct call
 * (call_of). It runs with the server lock held (or begins without: call_lock) and returns a result, -errno, or one of:
 *
 *   CALL_RESTART   run the whole call again later; it has changed nothing, or recorded in the call (progress, scratch)
 * how far it got. call_wait() (waits for a wait queue or a time) and the copy functions (a page of the caller that only
 * a pager can supply) return it; the call passes it on as it is. CALL_KEEP      the server has set the thread's
 * registers itself (exec, sigreturn). CALL_GONE      the caller exists no more (exit).
 *
 * So a call that may wait reads: look whether it can be done; if so do it; else `return call_wait(...)`. It runs again
 * when woken and finds the same arguments, c->progress, c->scratch and c->deadline; c->timed_out says that the deadline
 * has passed. A signal with a handler ends a waiting call with -EINTR, or lets it begin anew (SA_RESTART): no call
 * needs to look for signals.
 *
 * Order inside a call: copy in, check, act, copy out; a copy out that follows an act which cannot be repeated must be
 * prepared (copy first, then consume: see pipe.c), because the copy can ask for a restart.
 *
 * Results of file system functions are ints with the same meaning (0, -errno, CALL_ERROR_RESTART).
 */
#define CALL_RESTART (INT64_MIN + 2)
#define CALL_KEEP    MIG_FOREIGN_KEEP
#define CALL_GONE    MIG_FOREIGN_NO_REPLY
/* Between run.c and deliver.c only: a waiting call was ended by a signal. */
#define CALL_INTERRUPTED (INT64_MIN + 3)
/* exec and the like: a new kernel thread has taken the caller's place, and may be in its next call already. */
#define CALL_REPLACED (INT64_MIN + 5)
/* Of operations without the server's lock: not possible without; nothing has changed. */
#define CALL_NEEDS_LOCK (INT64_MIN + 6)
/* vfork only: the thread goes on with 0, as the child's; call_answered ends the parent's call. */
#define CALL_LENT (INT64_MIN + 4)
/* Results above this are a call's own. */
#define CALL_SPECIAL (INT64_MIN + 15)
/* CALL_RESTART for functions that return int. */
#define CALL_ERROR_RESTART (-4096)

struct thread;
struct process;
struct wait_queue;
struct fiber;
struct paging;

/* One place a call waits in. */
struct waiter {
	struct list link; /* of the queue */
	struct wait_queue *queue;
	struct call *call;                                    /* made ready by wait_queue_wake, or: */
	void (*wake)(struct waiter *waiter, unsigned events); /* called instead, when not null (epoll) */
	bool chosen;                                          /* on queue->chosen; the call is ready */
};

/*
 * Who waits for something that only one can have (a byte of a pipe) waits on a queue of such calls, of which
 * wait_queue_wake_one makes the first ready. Until that call runs it stays known to the queue as chosen, and if it never
 * does (a signal, its end) the next one is chosen: so nothing is there that nobody comes for.
 */
struct wait_queue {
	struct list waiters;
	struct list chosen; /* one at most */
};

#define WAIT_QUEUE_INITIALIZER(name) {LIST_INITIALIZER((name).waiters), LIST_INITIALIZER((name).chosen)}

/* What a thread that leaves the server goes on with: a call that runs again, or a fiber. */
struct ready {
	struct list link;
	bool is_fiber;
};

#define CALL_WAITERS  4
#define BLOCK_WAITERS 40

/* More places of one call; waiters are linked by address, so a block stays where it is. */
struct waiter_block {
	struct waiter_block *next;
	unsigned used;
	struct waiter waiter[BLOCK_WAITERS];
};

/* Words of a call: six arguments, the call itself, the caller's rsp. */
enum { CALL_SELF = 6, CALL_STACK = 7, CALL_WORDS = 8 };
#define NO_DEADLINE UINT64_MAX

enum call_state {
	CALL_IDLE,    /* the thread runs in user mode, or a call that runs without the lock (process/claim.h) */
	CALL_RUNNING, /* a thread of the server runs it */
	CALL_WAITING, /* in wait queues, with a deadline, or both; reply right in `reply` */
	CALL_READY,   /* woken; on the list of calls to run again */
	CALL_PAGING,  /* a thread of the pool (paging.c) brings in pages of the caller's that it missed */
};

struct call {
	struct thread *thread;   /* who calls */
	struct process *process; /* its process; the child's after vfork */
	uint64_t number;
	const uint64_t *argument; /* CALL_WORDS, as its stub takes them: as delivered, later kept_argument */
	uint64_t kept_argument[CALL_WORDS];

	/* For calls that run again. Zero when the call starts. */
	uint64_t progress;                          /* the call's own: bytes done so far */
	void *scratch;                              /* the call's own: freed with free() at the end, */
	void (*scratch_release)(struct call *call); /* after this, when not null */
	uint64_t deadline;                          /* ns, monotonic; set by the first call_wait with a deadline */
	union {
		struct {
			bool timed_out;
			bool has_deadline;
			bool no_restart; /* -EINTR even with SA_RESTART (poll, nanosleep, sigsuspend) */
			bool real_ids;   /* rights to files by the real ids: access */
			bool signalled;  /* woken by a signal, which ends it */
			bool partial;    /* progress counts bytes: what it returns when a signal ends it, if any */

			/* Said in this run: */
			bool will_wait; /* by call_wait */
			bool absent;    /* by the copy functions: see absent_address */
		};
		uint64_t flags; /* all of them */
	};
	/* When a handler interrupts it, before the handler's frame is made; or null. */
	void (*interrupted)(struct call *call);

	/* The dispatcher's. */
	enum call_state state;
	union {
		struct {
			mach_port_t reply; /* send-once right once deferred; null when the call is idle */
			unsigned waiters;  /* in use of those below */
		};
		uint64_t reply_and_waiters;
	};
	struct waiter waiter[CALL_WAITERS];
	struct waiter_block *more_waiters; /* when CALL_WAITERS do not suffice: the last block first */
	struct timer timer;
	char *trace;                          /* the line so far */
	struct ready ready;                   /* on the ready list */
	struct fiber *fiber;                  /* where it waits in its middle, or null */
	bool is_none;                         /* what runs is for its thread outside a call: nobody waits for a reply */
	struct paging *paging;                /* CALL_PAGING: what is under way */
	uint64_t absent_address, absent_size; /* what is made resident before the next run, */
	bool absent_write;                    /* for being written */
};

static inline struct call *call_of(uint64_t caller)
{
	return (struct call *)(uintptr_t)caller;
}

/* What it was called with outlives its delivery: it may run again or be looked at, and is at kept_argument. */
static inline void call_keep_arguments(struct call *call)
{
	if (call->argument != call->kept_argument) {
		memcpy(call->kept_argument, call->argument, sizeof call->kept_argument);
		call->argument = call->kept_argument;
	}
}

/*
 * Whether this run of the call has the server's lock. One that began without it takes it as soon as it is more than
 * what can be done without, and has it to its end, and from its start when it runs again.
 */
static inline bool call_is_locked(const struct call *call)
{
	return call->state == CALL_RUNNING;
}
void call_lock(struct call *call);

/* --- The lock of the server (doc/unix-locks.md). Held while a call runs, unless that began without; released while it
 * waits for a file server (filerpc.h) or for pages (paging.h). */
void server_lock(void);
void server_unlock(void);

/* --- Copying between the caller and the server. 0, -EFAULT, or CALL_ERROR_RESTART (return it, or call_result() of it).
 */
int copy_in(struct call *call, void *to, uint64_t from, size_t size);
int copy_out(struct call *call, uint64_t to, const void *from, size_t size);
/* These pages of the caller are brought in before the call runs again. CALL_ERROR_RESTART. */
int copy_absent(struct call *call, uint64_t address, uint64_t size, bool write);
/*
 * A structure that callers may know in an older or newer version: `given` bytes of theirs, zeros for what they do not
 * know. -E2BIG: there is something in what we do not know.
 */
int call_copy_struct(struct call *call, void *to, size_t size, uint64_t from, size_t given);
/* A string with its NUL; size: of `to`. Length, -ENAMETOOLONG when it does not fit. */
int copy_string(struct call *call, char *to, uint64_t from, size_t size);
/* To any task, in the middle of whatever runs: waits for pages on a fiber, releasing the lock. 0, -EFAULT, -ENOMEM. */
int copy_out_waiting(mach_port_t task, uint64_t to, const void *from, size_t size);
int copy_in_waiting(mach_port_t task, void *to, uint64_t from, size_t size);
/* With any task, never waiting: 0, -EFAULT, or CALL_ERROR_RESTART with nothing recorded. */
int copy_in_task(mach_port_t task, void *to, uint64_t from, size_t size);
int copy_out_task(mach_port_t task, uint64_t to, const void *from, size_t size);
/* The result of a call from that of an int function. */
static inline int64_t call_result(int result)
{
	return result == CALL_ERROR_RESTART ? CALL_RESTART : result;
}

/* --- Waiting. */
void wait_queue_init(struct wait_queue *queue);
void wait_queue_wake_all(struct wait_queue *queue, unsigned events);
void wait_queue_choose(struct wait_queue *queue);
/* Makes all that wait on it ready. events: POLL* bits, for the waiters with a function of their own. */
static inline void wait_queue_wake(struct wait_queue *queue, unsigned events)
{
	if (!list_empty(&queue->waiters))
		wait_queue_wake_all(queue, events);
}

/*
 * Makes the call ready that has waited longest, unless one is chosen already: that one wakes the next if it leaves
 * something. Only for queues on which nothing but calls waits, each on this queue alone (call_wait_for).
 */
static inline void wait_queue_wake_one(struct wait_queue *queue)
{
	if (!list_empty(&queue->waiters))
		wait_queue_choose(queue);
}

/* The call looks at what it was chosen for, if it was: from here on the caller sees to it that the next is woken. */
static inline void call_take_choice(struct call *call)
{
	if (call->waiters != 0 && call->waiter[0].chosen) {
		list_remove(&call->waiter[0].link);
		call->waiter[0].chosen = false;
		call->waiters = 0;
	}
}

/* Nobody may wait on it any more when its object goes: those that do are woken and taken off. */
void wait_queue_destroy(struct wait_queue *queue);

/* Adds a queue to what the call will wait for. 0 or -ENOMEM. */
int call_wait_on(struct call *call, struct wait_queue *queue);
/* Sets the deadline (ns, monotonic) unless an earlier run of the call has. */
void call_set_deadline(struct call *call, uint64_t deadline);
/* Waits for what call_wait_on and call_set_deadline have named. Always CALL_RESTART. */
int64_t call_wait(struct call *call);
/* call_wait_on + call_wait. */
int64_t call_wait_for(struct call *call, struct wait_queue *queue);

/* --- What the rest of the server says to the dispatcher (run.c, waiting.c). */
/* Takes a waiting or ready call out of its queues: it will not run again; its reply right stays. */
void call_cancel(struct call *call);
/* Wakes a waiting call because of a signal, which ends it: its handler runs, and the call is -EINTR or begins anew. */
void call_interrupt(struct call *call);
/* The call that runs will be answered by its reply right, from whatever thread. */
void call_keep_reply(struct call *call);
void call_make_ready(struct call *call);
/* The pages that a call in CALL_PAGING missed are there: it is ready. */
void call_paged(struct call *call);
/* A lent call has ended: its thread's registers are set. */
void call_answered(struct call *call, int64_t result);
/* The thread is gone: no answer. */
void call_forget(struct call *call);

/* Woken calls, and fibers, with which the next thread to leave the server goes on. */
extern struct list ready_list;

/* The call that this thread of the server runs, or null. */
extern __thread struct call *current_call;

/* ns since boot; ns since 1970. */
uint64_t clock_monotonic(void);
uint64_t clock_realtime(void);

#endif
