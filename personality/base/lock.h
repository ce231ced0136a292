/* Owners' locks: one word each, a few instructions when nobody else wants it. */
#ifndef PERSONALITY_BASE_LOCK_H
#define PERSONALITY_BASE_LOCK_H

#include <stdbool.h>
#include <stdint.h>

#include "base/lock_order.h"

/*
 * Held for a short time, in which its holder waits for nobody; so it is not handed over in order (the server's is,
 * call/lock.h). States of the word: 0 free, 1 held, 2 held and threads may sleep on it.
 */
struct lock {
	uint32_t word;
};

void lock_take_slowly(struct lock *lock);
void lock_wake_one(struct lock *lock);
/* What they ask of the kernel (dispatch/run.c): sleeps while the word is `value`, or not; wakes one that sleeps on it.
 */
void lock_sleep(const uint32_t *word, uint32_t value);
void lock_wake(const uint32_t *word);

static inline void lock_take(struct lock *lock, enum lock_order order)
{
	uint32_t free_word = 0;

	lock_order_take(order);
	/* Acquire: what the last holder wrote is seen; release below: what we wrote will be. */
	if (__builtin_expect(
		    !__atomic_compare_exchange_n(&lock->word, &free_word, 1, false, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED),
		    0))
		lock_take_slowly(lock);
}

static inline void lock_give(struct lock *lock, enum lock_order order)
{
	lock_order_give(order);
	if (__builtin_expect(__atomic_exchange_n(&lock->word, 0, __ATOMIC_RELEASE) == 2, 0))
		lock_wake_one(lock);
}

#endif
