/*
 * Long work in pieces, so that no interrupt waits long for the kernel.
 *
 * Interrupts are off in the kernel. Each processor has a budget of instructions; whatever loops says at each turn what
 * the turn costs (piece_spend), and when the budget is spent the interrupts that wait come through, right there. What
 * they may touch is threads, timers, run queues and ports, not maps, objects and spaces: so who holds locks of ranks
 * below LOCK_RANK_PORT keeps them, and nothing that such a lock protects has changed after. What the handlers leave to
 * be done without locks (kern/deferred.c) waits until the work is over.
 *
 * A thread that an interrupt has made ready runs when the work is over. Long calls on a range (vm_deallocate,
 * vm_protect, memory_object_lock_request) let it run earlier: between two pieces, with all locks released and what is
 * done being as good as if a call on that part alone had been made, they ask piece_pause; told that a better thread is
 * ready they return KERN_RESTART, and the thread, when it runs again, makes the call again, which begins where
 * piece_resume says. So what others do meanwhile in the part that is done, for instance map memory of their own there,
 * stays as they did it.
 */
#ifndef KERN_PIECE_H
#define KERN_PIECE_H

#include <kern/processor.h>

/* Instructions of a piece: with the handler's own, and the most that one turn costs, well below 20,000. */
#define PIECE 6000

/* Lets interrupts through and begins a new piece. */
void piece_over(void);

/* cost: instructions, about, since the last call. Locks as above; not in a handler. */
static inline void piece_spend(int32_t cost)
{
	if (__builtin_expect((CURRENT_PROCESSOR->piece_left -= cost) < 0, 0))
		piece_over();
}

/*
 * Where a call on a range of an object goes on that paused: `start` if none of the current thread did. What is compared
 * is the call's object, and its range as it was given, so that another call does not take it for its own.
 */
uint64_t piece_resume(const void *object, uint64_t start, uint64_t end);
/* True if a better thread is ready: the caller returns KERN_RESTART, having come to `at`, and must be made again. */
bool piece_pause(const void *object, uint64_t start, uint64_t end, uint64_t at);
/* It will be made again for another reason, and goes on at `at`. */
void piece_stop(const void *object, uint64_t start, uint64_t end, uint64_t at);

#endif
