/* The server's lock as the dispatcher's inner loop takes it; everyone else calls server_lock. */
#ifndef PERSONALITY_LOCK_H
#define PERSONALITY_LOCK_H

#include <mach/mach.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/lock_order.h"
#include "call/call.h"

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

	lock_order_take(ORDER_SERVER);
	/* Acquire: what the last holder wrote is seen; release below: what we wrote will be. */
	if (!__atomic_compare_exchange_n(
		    &server_lock_word, &free_word, LOCK_HELD, false, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
		lock_slowly();
}

/* call_lock of a call that does not have it. */
static inline void call_take_lock(struct call *call)
{
	lock_acquire();
	call->state = CALL_RUNNING;
	call->absent = false;
	current_call = call;
}

static inline void lock_release(void)
{
	uint32_t held = LOCK_HELD;

	lock_order_give(ORDER_SERVER);
	if (!__atomic_compare_exchange_n(&server_lock_word, &held, LOCK_FREE, false, __ATOMIC_RELEASE, __ATOMIC_RELAXED))
		lock_hand_over();
}

#endif
