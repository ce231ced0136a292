/*
 * A thread waits for events; others wake it, its time comes, it is aborted and terminated, all at once.
 *
 * One process is the thread with whatever processor runs it, the others are other processors. What is asserted: it is
 * never queued twice, nor while a processor has it; a list of waiters is changed under its bucket's lock only; a
 * time-out ends a wait with a deadline that has come, an abort one that may be interrupted; and who is terminated ends
 * (SPIN finds every process at its end, or it is an error).
 *
 * Faults: STALE RELEASE DEADLINE MISSED UNINTERRUPTIBLE
 */
#include "common.pml"

mtype = { RUNNING, READY, WAITING };              /* thread.state */
mtype = { NONE, EVENT };                          /* thread.wait_kind */
mtype = { AWAKENED, TIMED_OUT, INTERRUPTED };     /* thread.wait_result */

byte bucket[2];                                   /* wait_bucket.lock; an event's number is its bucket's */
byte thread;                                      /* thread.lock */
mtype state = RUNNING, kind = NONE, result;
bool on_processor = true, interruptible, terminate; /* terminate: AST_TERMINATE */
byte event, deadline;                             /* deadline: 0 none */
byte listed;                                      /* wait_link is on the list of bucket[listed - 1]; 0: on none */
byte queued;                                      /* how often it is on a run queue */
byte armed, now;                                  /* wait_timer's deadline, 0: not set; machine_now */
bool ended;

/* kern/sched.c:make_ready */
inline make_ready()
{
	assert(holds(thread));
	if
#ifndef RELEASE
	:: on_processor -> state = RUNNING
#endif
	:: else -> assert(queued == 0 && !on_processor); state = READY; queued++
	fi
}

/* kern/sched.c:thread_go_locked */
inline go_locked(r)
{
	/* In one step: others look at these without the lock for a hint only. */
	atomic {
		result = r; kind = NONE;
		make_ready()
	}
}

/* kern/list.h:list_remove of wait_link */
inline unlink()
{
	assert(listed == 0 || holds(bucket[listed - 1]));
	listed = 0
}

/* kern/wait.c:may_end */
#ifdef DEADLINE
#define TIME_HAS_COME true
#else
#define TIME_HAS_COME (deadline != 0 && deadline <= now)
#endif
#ifdef UNINTERRUPTIBLE
#define MAY_INTERRUPT true
#else
#define MAY_INTERRUPT (interruptible || terminate)
#endif
#define may_end(r) ((r) == TIMED_OUT && TIME_HAS_COME || (r) == INTERRUPTED && MAY_INTERRUPT || (r) == AWAKENED)

/* kern/wait.c:thread_end_event_wait; e, waits, elsewhere are the caller's own */
inline end_event_wait(r)
{
	do
	:: e = event; /* without a lock: a hint */
	   lock(bucket[e]);
#ifdef STALE /* as it was: the event looked at under the bucket's lock alone */
	   elsewhere = event != e;
	   if
	   :: elsewhere -> skip
	   :: else ->
		waits = state == WAITING && kind == EVENT;
		if
		:: waits && may_end(r) ->
			unlink();
			lock(thread);
			if
			:: state == WAITING -> go_locked(r)
			:: else
			fi;
			unlock(thread)
		:: else
		fi
	   fi;
#else
	   lock(thread);
	   waits = state == WAITING && kind == EVENT;
	   elsewhere = waits && event != e;
	   if
	   :: waits && !elsewhere && may_end(r) -> unlink(); go_locked(r)
	   :: else
	   fi;
	   unlock(thread);
#endif
	   unlock(bucket[e]);
	   if
	   :: elsewhere
	   :: else -> break
	   fi
	od
}

/* task/thread.c:thread_end_wait */
inline end_wait()
{
	if
	:: kind == EVENT -> end_event_wait(INTERRUPTED)
	:: else
	fi
}

/* kern/wait.c:wait_on */
inline wait_on(to, until, may)
{
	lock(bucket[to]);
	event = to;
	/* kern/thread.h:thread_will_wait */
	lock(thread);
	assert(state == RUNNING && listed == 0);
	state = WAITING; kind = EVENT; interruptible = may; deadline = until;
	unlock(thread);
	listed = to + 1;
	unlock(bucket[to]);
	/* kern/timer.c:timer_set */
	armed = until
}

/* kern/sched.c:thread_block, leave_processor; then sched_run, when a processor takes it off its queue */
inline block()
{
#ifndef MISSED
	if
	:: terminate -> end_wait()
	:: else
	fi;
#endif
	lock(thread);
	on_processor = false;
	if
	:: state == RUNNING -> make_ready()
	:: else
	fi;
	unlock(thread);
	atomic { queued > 0 -> queued-- }; /* queue_pop */
	lock(thread);
	assert(!on_processor && state == READY);
	state = RUNNING; on_processor = true;
	unlock(thread);
	assert(queued == 0)
}

/* What the wait was, and how it ended. */
inline check(until, may)
{
	assert(state == RUNNING && kind == NONE && listed == 0);
	assert(result != TIMED_OUT || (until != 0 && until <= now));
	assert(result != INTERRUPTED || may || terminate);
	/* kern/sched.c:thread_leave_kernel */
	if
	:: terminate -> goto exit
	:: else
	fi
}

/* A whole wait; or one that is taken back (kern/wait.c:thread_cancel_wait), for what is waited for has come. */
inline wait(to, until, may)
{
	wait_on(to, until, may);
	if
	:: block()
	:: end_event_wait(AWAKENED)
	fi;
	check(until, may)
}

active proctype waiter()
{
	byte e; bool waits, elsewhere;

	wait(0, 1, true);
	wait(1, 0, false);
	terminate; /* in user mode; machine_kick brings it in */
exit:	ended = true
}

/* kern/wait.c:wake, thread_wakeup(event) */
active proctype waker()
{
	byte which;

	if
	:: which = 0
	:: which = 1
	fi;
	lock(bucket[which]);
	if
	:: listed == which + 1 ->
		unlink();
		/* kern/sched.c:thread_go */
		lock(thread);
		if
		:: state == WAITING -> go_locked(AWAKENED)
		:: else
		fi;
		unlock(thread)
	:: else
	fi;
	unlock(bucket[which])
}

/* kern/timer.c:timer_interrupt, kern/wait.c:wait_timed_out */
active proctype timer()
{
	byte e; bool waits, elsewhere;

	do
	:: atomic { armed != 0 -> now = armed; armed = 0 };
	   if
	   :: kind == EVENT -> end_event_wait(TIMED_OUT)
	   :: else
	   fi
	:: ended -> break
	od
}

/* task/thread.c:thread_abort */
active proctype aborter()
{
	byte e; bool waits, elsewhere;

	end_wait()
}

/* task/thread.c:thread_terminate */
active proctype terminator()
{
	byte e; bool waits, elsewhere;

	lock(thread);
	terminate = true;
	unlock(thread);
	end_wait()
}
