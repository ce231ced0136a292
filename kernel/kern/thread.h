/* Threads: states, waiting, blocking by continuation. */
#ifndef KERN_THREAD_H
#define KERN_THREAD_H

#include <kern/processor.h>
#include <kern/refcount.h>
#include <kern/timer.h>

/*
 * States of a thread, under its lock:
 *
 *   CREATED   made, not started (thread_create leaves it so, suspended once).
 *   RUNNING   the current thread of `processor`.
 *   READY     on the run queue of `processor`.
 *   WAITING   blocked; thread_go() makes it READY. What it waits for is in `wait`.
 *   STOPPED   suspended on the way to user mode; thread_resume makes it READY.
 *   DEAD      terminated; the structure stays while references do.
 *
 * A WAITING thread may have a suspend count: it stops when it would next enter user mode. On the way to user mode
 * (thread_leave_kernel) a thread looks at `ast`.
 */
enum thread_state_kind { THREAD_CREATED, THREAD_RUNNING, THREAD_READY, THREAD_WAITING, THREAD_STOPPED, THREAD_DEAD };

/* Results of a wait. */
enum wait_result {
	WAIT_WAITING = -1,
	WAIT_AWAKENED = 0,
	WAIT_TIMED_OUT = 1,
	WAIT_INTERRUPTED = 2, /* thread_abort, terminate */
};

/* Reasons to look before entering user mode; AST_REGISTERS: they were set from outside, so it does not leave by
 * sysretq. */
enum { AST_SUSPEND = 1, AST_TERMINATE = 2, AST_ABORT = 4, AST_REGISTERS = 8, AST_BIND = 16 };

typedef void (*continuation_t)(struct thread *self);

/* What a waiting thread is linked on, so that an abort can take it off. */
enum wait_kind {
	WAIT_NONE,
	WAIT_EVENT,       /* the event hash */
	WAIT_IPC_RECEIVE, /* receivers of a port or set, for words (mach_reply_wait) */
	WAIT_IPC_MESSAGE, /* the same, for a message (mach_msg) */
	WAIT_IPC_SEND,    /* blocked senders and queued register callers of a port */
	WAIT_IPC_REPLY,   /* register caller whose message was received; its reply right is held by someone */
};

/* The register path's and mach_msg's part of a thread; ipc/ owns it. See kern/thread_ipc.h. */
#include <kern/thread_ipc.h>

struct thread {
	struct thread_regs regs; /* first: entry code */
	void *fpu;               /* XSAVE area or null (x86_64/fpu.c) */
	struct task *task;
	struct ipc_space *space; /* the task's; this and the next are here for the register path */
	struct pmap *pmap;       /* the task's, or null for a kernel thread */

	struct lock lock;
	struct refcount refs;
	union {
		struct {
			uint8_t state;     /* enum thread_state_kind */
			bool on_processor; /* its processor has not let go of it yet; see thread_go */
			uint8_t ast;
			uint8_t wait_kind; /* enum wait_kind */
		};
		uint32_t run_word; /* the four at once: RUN_WORD below */
	};
	uint32_t suspend_count;
	continuation_t continuation; /* what to call when switched to; null: enter user mode */

	bool held; /* by who looks at its registers or sets them (thread_user.c) */
	bool wait_interruptible;
	enum wait_result wait_result;
	const void *wait_event; /* WAIT_EVENT: key in the hash, with the next */
	uint64_t wait_word;     /* 0, or the second part of a word's key */
	struct list wait_link;  /* event hash, or the port's list */
	struct timer wait_timer;
	uint64_t wait_deadline; /* ns; UINT64_MAX for none */

	uint8_t priority;            /* own */
	uint8_t run_priority;        /* own or inherited, the higher */
	struct processor *processor; /* where it runs or last ran */
	uint32_t processors;         /* a bit for each where it may run: thread_bind; UINT32_MAX: not bound */
	struct list run_link;
	uint64_t user_ns;
	uint64_t slice_from; /* user_ns when its slice began (sched.c) */
	uint64_t paid_at;    /* until when that counts, ns since boot */

	struct list task_link;
	struct ipc_port *self_port;       /* receive right held by the kernel; null once terminated */
	struct ipc_port *exception_port;  /* send right or null */
	struct exception_action *exception_actions; /* task_private.h; null: none were set */
	struct ipc_port *exception_reply; /* waiting for a handler's answer */
	uint8_t exception_step;           /* how many of the handlers have been asked */
	bool exception_gives_state;       /* the answer brings registers */
	int exception_kind;
	int64_t exception_code, exception_subcode;
	kern_return_t exception_result;

	uint64_t word;      /* thread word */
	uint64_t save_area; /* r11 of the emulation handler */

	struct ipc_kmsg *pending_kmsg; /* a kernel RPC that must run again (KERN_RESTART) */
	struct thread_progress {       /* how far a long call on a range came (kern/piece.h); object null: none */
		const void *object;
		uint64_t start, end, at;
	} progress;
	struct ipc_thread ipc;
	uint64_t machine[8]; /* x86_64's own */
};

/* thread.run_word: state, on_processor, ast, wait_kind, from the lowest byte up; for the register path. */
#define RUN_WORD(state, on_processor, wait_kind)                                                                       \
	((uint32_t)(state) | (uint32_t)(on_processor) << 8 | (uint32_t)(wait_kind) << 24)
#define RUN_WORD_RECEIVES      RUN_WORD(THREAD_WAITING, 0, WAIT_IPC_RECEIVE)
#define RUN_WORD_MESSAGE       RUN_WORD(THREAD_WAITING, 0, WAIT_IPC_MESSAGE)
#define RUN_WORD_CALLS         RUN_WORD(THREAD_WAITING, 0, WAIT_IPC_REPLY)
#define RUN_WORD_RUNS          RUN_WORD(THREAD_RUNNING, 1, WAIT_NONE)
#define RUN_WORD_REGISTERS_SET ((uint32_t)AST_REGISTERS << 16) /* with one of them */

/*
 * --- Waiting. The order is always: assert_wait() with the object's lock held, release locks, thread_block(). A wake-up
 * in between is not lost: the thread is found waiting.
 */

/* The current thread will wait for thread_wakeup(event). deadline in ns since boot, UINT64_MAX for none. */
void assert_wait(const void *event, bool interruptible, uint64_t deadline);
void thread_set_wait_timer(struct thread *self, uint64_t deadline);
/* For waits on other lists (wait_kind IPC_*): marks the current thread as waiting; the caller links wait_link under its
 * own lock. */
static inline void thread_will_wait(enum wait_kind kind, bool interruptible, uint64_t deadline)
{
	struct thread *self = current_thread();

	lock_acquire(&self->lock);
	debug_assert(self->state == THREAD_RUNNING);
	self->state = THREAD_WAITING;
	self->wait_kind = (uint8_t)kind;
	self->wait_interruptible = interruptible;
	self->wait_result = WAIT_WAITING;
	self->wait_deadline = deadline;
	lock_release(&self->lock);
	if (__builtin_expect(deadline != UINT64_MAX, 0))
		thread_set_wait_timer(self, deadline);
}
/* Undoes assert_wait before blocking. False: somebody has ended the wait already, as wait_result says, and may count on it
 * that the thread knows. */
bool thread_cancel_wait(struct thread *self);

/*
 * Gives up the processor. When the thread is switched to again, `continuation` runs on an empty stack (null: user
 * mode). If the thread is not marked waiting it goes back on the run queue. No locks held.
 */
_Noreturn void thread_block(continuation_t continuation);
/*
 * For KERN_RESTART in a trap: while it waits the thread stands before its syscall instruction; woken, it runs the trap
 * again from its saved registers. An interrupted wait gives KERN_ABORTED in rax.
 */
_Noreturn void thread_block_restart(struct thread *self);

/*
 * Ends a wait with the result; false if the thread was not waiting any more. Takes the thread's lock.
 *
 * A thread that has marked itself WAITING is still on its processor until thread_block lets go of it (on_processor).
 * Woken in between it only becomes RUNNING again, and thread_block queues it; so nobody else ever runs a thread that
 * its processor still holds.
 *
 * Time-outs and aborts end a wait by thread_go alone: a thread in an IPC wait may then still be linked on a port's
 * list. Its continuation takes it off; whoever finds it there first gets false from thread_go, takes it off and looks
 * for another. Event waits are unlinked by whoever ends them.
 */
bool thread_go(struct thread *thread, enum wait_result result);
/* The same of one that is locked and WAITING. */
void thread_go_locked(struct thread *thread, enum wait_result result);
/*
 * As thread_go, but the caller switches to the thread at once by thread_handoff; false also when its processor has not
 * let go of it. On success it is RUNNING on this processor (state, on_processor, processor set).
 */
static inline bool thread_claim(struct thread *thread, enum wait_result result)
{
	bool claimed = false;

	lock_acquire(&thread->lock);
	if (thread->state == THREAD_WAITING && !thread->on_processor) {
		claimed = true;
		thread->wait_result = result;
		thread->wait_kind = WAIT_NONE;
		thread->state = THREAD_RUNNING;
		thread->on_processor = true;
		thread->processor = current_processor();
	}
	lock_release(&thread->lock);
	return claimed;
}
bool sched_may_run_here(const struct thread *thread);
/* The same for one that waits in mach_msg and has nothing else to look at. */
static inline bool thread_claim_receiver(struct thread *thread)
{
	bool claimed;

	lock_acquire(&thread->lock);
	claimed = thread->run_word == RUN_WORD_MESSAGE;
	if (__builtin_expect(claimed, 1)) {
		thread->run_word = RUN_WORD_RUNS;
		thread->processor = current_processor();
	}
	lock_release(&thread->lock);
	return claimed;
}
/* The thread, which waits, cannot go on on this processor at once. Most often it was here. */
static inline bool thread_bound_elsewhere(const struct thread *thread)
{
#ifndef PORTOLAN_HOST
	if (__builtin_expect(thread->processor == current_processor(), 1))
		return false;
#endif
	return !sched_may_run_here(thread) || machine_fpu_elsewhere(thread);
}
/*
 * The current thread has been marked waiting by thread_will_wait (its continuation is the argument) or else is queued
 * as ready; switches directly to the claimed thread: its continuation runs on an empty stack.
 */
_Noreturn void thread_handoff(struct thread *to, continuation_t continuation);
/* The same, but returns as the other thread, for who knows how it goes on; it must leave the kernel. */
void thread_become(struct thread *to, continuation_t continuation);

/*
 * Takes the thread off the event it waits for, if it still does; true if that ended its wait. A time-out ends only a
 * wait whose deadline has come, an abort only one that is interruptible, unless the thread is being terminated.
 */
bool thread_end_event_wait(struct thread *thread, enum wait_result result);
/* The same for other waits; an event's is left alone. */
bool thread_end_ipc_wait(struct thread *thread, enum wait_result result);
/* Ends whatever the thread waits for, so that it comes by thread_leave_kernel. No locks held. */
void thread_end_wait(struct thread *thread);

void wait_init(void);
void thread_wakeup(const void *event); /* all, in pieces (kern/piece.h): locks as there */

/*
 * Waiting on a word of memory (task/word.c): the number of the map whose own memory it is in, or of the object that
 * several see, which no other map or object ever has; and the word's address or offset, with its lowest bit set, so
 * that no such key is a kernel's event.
 */
struct word_key {
	uint64_t id, word;
};
void assert_wait_word(const struct word_key *key, uint64_t deadline);
/* Returns how many. */
unsigned thread_wakeup_word(const struct word_key *key, unsigned most);
/* Moves up to `most` waiters of one word to another without waking them; returns how many. */
unsigned thread_requeue(const struct word_key *from, const struct word_key *to, unsigned most);

/* Ends the current thread's time in the kernel: handles ast and need_reschedule, then enters user mode. */
_Noreturn void thread_leave_kernel(struct thread *self);

/* --- Life. */

/* A suspended thread of the task; a reference for the caller. KERN_RESOURCE_SHORTAGE, KERN_TERMINATED. */
kern_return_t thread_create(task_t task, thread_t *out);
/* A kernel thread; runs fn as its continuation. */
struct thread *kernel_thread_create(continuation_t fn, uint8_t priority, const char *name);
void thread_reference(thread_t thread);
kern_return_t thread_terminate(thread_t thread);
_Noreturn void thread_exit_self(struct thread *self);
kern_return_t thread_suspend(thread_t thread);
/* Its two halves: with the task locked perhaps; then without locks, which waits until the thread has left user mode. */
kern_return_t thread_suspend_begin(thread_t thread);
void thread_suspend_finish(thread_t thread);
kern_return_t thread_resume(thread_t thread);
kern_return_t thread_abort(thread_t thread);

/* The current thread raises an exception; returns to user mode only when a handler said KERN_SUCCESS. */
_Noreturn void exception_raise_self(int exception, int64_t code, int64_t subcode);

/*
 * A handler's answer came to the thread's exception reply port (IKOT_EXCEPTION_REPLY), or the right to answer died:
 * any result but KERN_SUCCESS. `size` bytes of the answer follow its result. The port locked.
 */
void exception_reply_received(struct thread *thread, kern_return_t result, const void *rest, size_t size);
/* A thread not yet reachable by anybody, CREATED; one reference, `task` borrowed. Null: no memory. */
struct thread *thread_allocate(task_t task);

/* thread_user.c: traps (kern/trap.h). */
int64_t trap_thread_get_state(struct thread *self);
int64_t trap_thread_set_state(struct thread *self);

/* --- Scheduling. */
void sched_init(void);
/* Servers' threads run on the first processor, and only theirs; before any thread but the current one. */
void sched_keep_first_for_servers(void);
_Noreturn void sched_run(void);            /* picks and switches; the current thread is already put away */
void sched_enqueue(struct thread *thread); /* becomes READY; thread locked, and not waiting */
bool sched_dequeue(struct thread *thread); /* thread locked; false if it was not on a queue */
/*
 * From now on the thread runs on these processors only, a bit each (and on those of its kind, where servers have their
 * own), and has left any other when it enters user mode next. KERN_INVALID_ARGUMENT: none of them is there.
 */
kern_return_t sched_bind(struct thread *thread, uint32_t among);
void sched_set_priority(struct thread *thread, uint8_t run_priority);
/* Its own priority. Its task locked. What it has inherited meanwhile goes: a call that waits raises it again. */
static inline void thread_set_priority(struct thread *thread, uint8_t priority)
{
	thread->priority = priority;
	sched_set_priority(thread, priority);
}
void sched_slice_over(void); /* from the timer; */
void sched_hold_over(void);  /* too */
void sched_spread(void);     /* too */
void sched_kicked(void);     /* from machine_kick's interrupt */
/* Whom the current thread works for is about to change, or the time is to be read: charges it until now. */
void sched_account(void);

#endif
