/* The server's lock as the dispatcher's inner loop takes it; everyone else calls server_lock. */
#ifndef PERSONALITY_LOCK_H
#define PERSONALITY_LOCK_H

#include <mach/mach.h>
#include <stdbool.h>
#include <stdint.h>

/* 0 free, 1 held, 2 held and perhaps waited for. */
extern uint32_t server_lock_word;

void lock_slowly(void);

static inline void lock_acquire(void)
{
	uint32_t free_word = 0;

	/* Acquire: what the last holder wrote is seen; release below: what we wrote will be. */
	if (!__atomic_compare_exchange_n(&server_lock_word, &free_word, 1, false, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
		lock_slowly();
}

static inline void lock_release(void)
{
	if (__atomic_exchange_n(&server_lock_word, 0, __ATOMIC_RELEASE) == 2)
		mach_word_wake(&server_lock_word, 1, 0);
}

#endif
