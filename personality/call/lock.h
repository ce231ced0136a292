/* The server's lock as the dispatcher's inner loop takes it; everyone else calls server_lock. */
#ifndef PERSONALITY_LOCK_H
#define PERSONALITY_LOCK_H

#include <mach/mach.h>
#include <stdbool.h>
#include <stdint.h>

/*
 * Handed over in the order of arrival: else who holds it when its time is over has it back before any of those that
 * came to wait meanwhile. States of the word:
 *
 *   FREE    0
 *   HELD    1   nobody waits
 *   WAITED  2   held; threads may sleep on the word
 *   HANDED  3   let go for the one that has just been woken, and nobody else
 */
enum { LOCK_FREE, LOCK_HELD, LOCK_WAITED, LOCK_HANDED };
extern uint32_t server_lock_word;
void lock_slowly(void);
void lock_hand_over(void);

static inline void lock_acquire(void)
{
	uint32_t free_word = LOCK_FREE;

	/* Acquire: what the last holder wrote is seen; release below: what we wrote will be. */
	if (!__atomic_compare_exchange_n(
		    &server_lock_word, &free_word, LOCK_HELD, false, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
		lock_slowly();
}

static inline void lock_release(void)
{
	uint32_t held = LOCK_HELD;

	if (!__atomic_compare_exchange_n(&server_lock_word, &held, LOCK_FREE, false, __ATOMIC_RELEASE, __ATOMIC_RELAXED))
		lock_hand_over();
}

#endif
