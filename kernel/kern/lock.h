/* Spin locks. The kernel runs with interrupts off, so a lock needs no more than the other processors' respect. */
#ifndef KERN_LOCK_H
#define KERN_LOCK_H

#include <kern/assert.h>
#include <kern/lock_order.h>

struct lock {
	uint8_t held;
	uint8_t rank; /* enum lock_rank: for the counters of who had to wait, and the check of the order */
};

#define LOCK_INIT(r) {.held = 0, .rank = (r)}

#ifdef PORTOLAN_DEBUG
/* Panics when a lock of this or a higher rank is held by this processor (equal only if `nested`). In kern/lock.c. */
void lock_order_acquired(struct lock *lock, bool nested);
void lock_order_tried(struct lock *lock); /* who does not wait for a lock may take it out of order */
void lock_order_released(struct lock *lock);
#else
#define lock_order_acquired(lock, nested) ((void)0)
#define lock_order_tried(lock)            ((void)0)
#define lock_order_released(lock)         ((void)0)
#endif
#if defined(PORTOLAN_DEBUG) && !defined(PORTOLAN_HOST)
/* After a release: now and then a while passes, in which others come first. */
void lock_delay(void);
#else
#define lock_delay() ((void)0)
#endif

/* Spins until the lock is free, answering TLB shootdown requests meanwhile. In kern/lock.c. */
void lock_contended(struct lock *lock);

static inline void lock_init(struct lock *lock, enum lock_rank rank)
{
	lock->held = 0;
	lock->rank = (uint8_t)rank;
}

/*
 * While one processor runs there is nobody to keep out, and the five bytes here are a nop; before others run they become
 * a jump (x86_64/start.c). The debug variant takes its locks always.
 */
#if defined(PORTOLAN_DEBUG) || defined(PORTOLAN_HOST)
#define LOCK_SITE(several) goto several
#else
#define LOCK_SITE(several)                                                                                             \
	__asm__ goto("700:\t.byte 0x0f, 0x1f, 0x44, 0x00, 0x00\n\t"                                                    \
		     ".pushsection .lock_sites, \"a\"\n\t.quad 700b, %l[" #several "]\n\t.popsection"                    \
		     :                                                                                                 \
		     :                                                                                                 \
		     : "memory"                                                                                        \
		     : several)
#endif

static inline void lock_acquire_raw(struct lock *lock)
{
	LOCK_SITE(several);
	return;
several:
	/* Acquire: what the last holder wrote is seen after this. */
	if (__builtin_expect(__atomic_exchange_n(&lock->held, 1, __ATOMIC_ACQUIRE) != 0, 0))
		lock_contended(lock);
}

static inline void lock_acquire(struct lock *lock)
{
	lock_acquire_raw(lock);
	lock_order_acquired(lock, false);
}

/* For the second of two locks of one rank. */
static inline void lock_acquire_nested(struct lock *lock)
{
	lock_acquire_raw(lock);
	lock_order_acquired(lock, true);
}

/* For who holds no other lock that this one might be. */
static inline bool lock_try(struct lock *lock)
{
	if (__atomic_exchange_n(&lock->held, 1, __ATOMIC_ACQUIRE) != 0)
		return false;
	lock_order_tried(lock);
	return true;
}

static inline void lock_release(struct lock *lock)
{
	lock_order_released(lock);
	/* Release: what was written under the lock is seen by the next holder. */
	__atomic_store_n(&lock->held, 0, __ATOMIC_RELEASE);
	lock_delay();
}

#endif
