/*
 * Slices: how long a program's thread runs before its equals do. One is over when `user_ns`, which also counts the time
 * of servers that work for the thread, has moved by TIME_SLICE_NS since slice_from.
 */
#ifndef KERN_SLICE_H
#define KERN_SLICE_H

#include <kern/thread.h>

/*
 * Who pays for the time of a thread, and whose slice that is: a server's is the caller's that it works for. The thread
 * is the current one, or locked and does not run.
 */
static inline struct thread *slice_payer(struct thread *thread)
{
	return thread->ipc.owes != NULL	       ? thread->ipc.owes
	       : thread->ipc.works_for != NULL ? thread->ipc.works_for
					       : thread;
}

/* Relaxed: another processor may add to it meanwhile. */
static inline uint64_t slice_used(const struct thread *thread)
{
	return __atomic_load_n(&thread->user_ns, __ATOMIC_RELAXED) -
	       __atomic_load_n(&thread->slice_from, __ATOMIC_RELAXED);
}

static inline void slice_set_used(struct thread *thread, uint64_t used)
{
	__atomic_store_n(&thread->slice_from, __atomic_load_n(&thread->user_ns, __ATOMIC_RELAXED) - used,
		__ATOMIC_RELAXED);
}

/*
 * Whether a thread that waited comes first among its equals: a program's does while its slice is not used up. What its
 * share of the time was while it waited is given back to its slice. So one that waits often is neither late nor gets
 * more than the others. Thread locked.
 */
static inline bool slice_comes_first(struct thread *thread)
{
	struct thread *payer = slice_payer(thread);
	uint64_t used = slice_used(payer), now, share;

	if (thread->run_priority > PRIORITY_USER)
		return false;
	now = machine_now();
	share = (now - payer->paid_at) / (current_processor()->queue.count + 1);
	payer->paid_at = now;
	used -= share < used ? share : used;
	slice_set_used(payer, used);
	return used < TIME_SLICE_NS;
}

/*
 * A thread that is not yet started gets some of the slice of its maker, or of who pays for that. The slice that runs is
 * shorter then: else who makes many threads would go on before all of them.
 */
static inline void slice_share(struct thread *made)
{
	struct thread *maker = slice_payer(current_thread());
	uint64_t used = slice_used(maker);

	made->paid_at = machine_now();
	if (used < TIME_SLICE_NS) {
		slice_set_used(maker, used + SHARE_NS);
		current_processor()->slice_end -= SHARE_NS;
		slice_set_used(made, TIME_SLICE_NS - SHARE_NS);
	} else {
		slice_set_used(made, TIME_SLICE_NS);
	}
}

/*
 * How long the thread may run that is scheduled now. A server gets what its payer has left of its slice, or a little,
 * so that it comes to an end: the payer's next slice begins when it is its turn, not at each of its calls.
 */
static inline uint64_t slice_left(struct thread *thread)
{
	struct thread *payer = slice_payer(thread);
	uint64_t used = slice_used(payer);

	if (used < TIME_SLICE_NS)
		return TIME_SLICE_NS - used;
	if (thread != payer && thread->run_priority > PRIORITY_USER)
		return SHARE_NS;
	slice_set_used(payer, 0);
	return TIME_SLICE_NS;
}

#endif
