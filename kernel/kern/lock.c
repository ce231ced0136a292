/* Spinning for a lock, and the debug variant's check of the lock order. */
#include <kern/lock.h>
#include <kern/processor.h>

#define ONE(name) +1
_Static_assert(0 HOST_LOCKS_LIST(ONE) == LOCK_RANKS, "every kind of lock has a counter");

void lock_contended(struct lock *lock)
{
	count_event_of(lock_waits_account, lock->rank);
	do {
		/* Relaxed: only a hint when to try the exchange. */
		while (__atomic_load_n(&lock->held, __ATOMIC_RELAXED) != 0)
			machine_relax();
	} while (__atomic_exchange_n(&lock->held, 1, __ATOMIC_ACQUIRE) != 0);
}

#ifdef PORTOLAN_DEBUG
#define LOCKS_HELD_MAX (sizeof(((struct processor *)0)->locks_held) / sizeof(struct lock *))

void lock_order_acquired(struct lock *lock, bool nested)
{
	struct processor *processor = current_processor();

	for (uint32_t i = 0; i < processor->locks; i++) {
		struct lock *held = processor->locks_held[i];

		if (held->rank > lock->rank || (held->rank == lock->rank && !nested))
			panic("lock order: rank %u at %p taken while rank %u at %p is held", lock->rank, (void *)lock,
				held->rank, (void *)held);
	}
	lock_order_tried(lock);
}

void lock_order_tried(struct lock *lock)
{
	struct processor *processor = current_processor();

	if (processor->locks == LOCKS_HELD_MAX)
		panic("more than %u locks held", (unsigned)LOCKS_HELD_MAX);
	processor->locks_held[processor->locks++] = lock;
}

void lock_order_released(struct lock *lock)
{
	struct processor *processor = current_processor();

	for (uint32_t i = processor->locks; i-- > 0;)
		if (processor->locks_held[i] == lock) {
			processor->locks_held[i] = processor->locks_held[--processor->locks];
			return;
		}
	panic("lock at %p released but not held by this processor", (void *)lock);
}

/* One in so many times, where several processors run; a different series on each. */
bool debug_chance(uint32_t one_in)
{
	struct processor *processor = current_processor();

	if (processors_online <= 1)
		return false;
	/* Numerical Recipes, 7.1: the upper bits are the good ones. */
	processor->chance = processor->chance * 1664525 + 1013904223 + processor->id;
	return (processor->chance >> 8) % one_in == 0;
}

#ifndef PORTOLAN_HOST
#define DELAY_ONE_IN 64
#define DELAY_TURNS  512u

void lock_delay(void)
{
	if (debug_chance(DELAY_ONE_IN))
		for (uint32_t turns = current_processor()->chance >> 8 & (DELAY_TURNS - 1); turns > 0; turns--)
			machine_relax();
}
#endif
#endif
