/*
 * Long work in pieces, so that no interrupt waits long for the kernel.
 *
 * Interrupts are off in the kernel. Each processor has a budget of instructions; whatever loops says at each turn what
 * the turn costs (piece_spend), and when the budget is spent the interrupts that wait come through, right there. What
 * they may touch is threads, timers, run queues and ports, not maps, objects and spaces: so who holds locks of ranks
 * below LOCK_RANK_PORT keeps them, and nothing that such a lock protects has changed after. What the handlers leave to
 * be done without locks (ipc/deferred.c) waits until the work is over.
 *
 * A thread that an interrupt has made ready runs when the work is over, or, where the work is a call that can be run
 * again, after this piece: piece_pause.
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

#endif
