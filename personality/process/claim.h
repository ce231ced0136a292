/* Who runs a thread's next call. */
#ifndef PERSONALITY_CLAIM_H
#define PERSONALITY_CLAIM_H

#include "process/proc.h"

/*
 * Each thread id has a place. A thread that is in no call stands in it; who takes it out, in one step, has the thread
 * to himself until he puts it back: it is not freed, no second call of it begins, and its process with all that it
 * refers to stays, for a process ends when the last of its threads has come back. So a call finds its thread without a
 * lock, and those that need none never take one.
 *
 *   null           no thread has the id, or it is in a call, or taken
 *   a thread       it is in no call
 *   THREAD_WANTED  it is in a call that runs without the server's lock, at whose end somebody who holds that lock wants
 *                  something of it (a signal, its end): who runs the call takes the lock and looks
 *
 * From a call's end with the server's lock to the next call's begin the thread stands in its place; so whoever holds
 * that lock and finds CALL_IDLE takes it first (thread_take).
 */
#define THREAD_WANTED ((struct thread *)1)

extern struct thread *thread_place[PROCESS_ID_MAX];

/* Ids that follow each other, of processes that run at the same time, are not beside each other in the processor's
 * cache. */
static inline struct thread **thread_place_of(uint64_t id)
{
	return &thread_place[(id & 7) * (PROCESS_ID_MAX / 8) + id / 8];
}

/* The thread in the place of a number that comes from outside, taken out of it. Null: none is there. Without a lock. */
static inline struct thread *thread_claim(uint64_t id)
{
	struct thread **place, *thread;

	if (id >= PROCESS_ID_MAX)
		return NULL;
	place = thread_place_of(id);
	thread = __atomic_load_n(place, __ATOMIC_RELAXED);
	/* Acquire: what its last call has left is seen. Only who takes it out looks at it: others may free it. */
	if (thread <= THREAD_WANTED ||
		!__atomic_compare_exchange_n(place, &thread, NULL, false, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
		return NULL;
	return thread;
}

/* The end of what began with thread_claim, still without a lock. False: it is wanted, and not put back. */
static inline bool thread_unclaim(struct thread *thread)
{
	struct thread *taken = NULL;

	/* Release: what the call has done is seen by who takes it next. */
	return __atomic_compare_exchange_n(
		thread_place_of((unsigned)thread->id), &taken, thread, false, __ATOMIC_RELEASE, __ATOMIC_RELAXED);
}

/* From inside a call without the lock: its end shall look. */
static inline void thread_want(struct thread *thread)
{
	struct thread *taken = NULL;

	__atomic_compare_exchange_n(thread_place_of((unsigned)thread->id), &taken, THREAD_WANTED, false,
		__ATOMIC_RELAXED, __ATOMIC_RELAXED);
}

/* With the server's lock, of a thread in CALL_IDLE. False: it is in a call without the lock, at whose end somebody will
 * look. */
static inline bool thread_take(struct thread *thread)
{
	struct thread **place = thread_place_of((unsigned)thread->id),
		      *found = __atomic_load_n(place, __ATOMIC_RELAXED);

	/* Acquire and release: as above, and what is wanted has been written before. */
	while (found != THREAD_WANTED) {
		if (__atomic_compare_exchange_n(place, &found, found == thread ? NULL : THREAD_WANTED, false,
			    __ATOMIC_ACQ_REL, __ATOMIC_RELAXED))
			return found == thread;
	}
	return false;
}

/* With the server's lock: a thread in CALL_IDLE that was taken goes back, wanted or not. */
static inline void thread_put(struct thread *thread)
{
	__atomic_store_n(thread_place_of((unsigned)thread->id), thread, __ATOMIC_RELEASE);
}

#endif
