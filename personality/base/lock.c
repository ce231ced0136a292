/* Owners' locks that somebody else holds. */
#include "base/lock.h"

#include <stdio.h>
#include <stdlib.h>

void lock_take_slowly(struct lock *lock)
{
	/* Who has slept does not know whether others still do: it says so as long as it holds the lock. */
	while (__atomic_exchange_n(&lock->word, 2, __ATOMIC_ACQUIRE) != 0)
		lock_sleep(&lock->word, 2);
}

void lock_wake_one(struct lock *lock)
{
	lock_wake(&lock->word);
}

#ifdef PORTOLAN_DEBUG

__thread uint32_t locks_held;

void lock_order_broken(enum lock_order order, uint32_t held)
{
	fprintf(stderr, "unix: a lock of order %d taken, given or needed with these held: %#x\n", (int)order,
		(unsigned)held);
	abort();
}

#endif
