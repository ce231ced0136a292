/* The order in which the server's locks are taken, and the debug build's check of it. */
#ifndef PERSONALITY_LOCK_ORDER_H
#define PERSONALITY_LOCK_ORDER_H

#include <stdint.h>

/*
 * A thread that holds a lock takes only such as stand further down here, so never two of one kind. Which field belongs
 * to which lock: doc/unix-locks.md, and beside the field.
 */
enum lock_order {
	ORDER_SERVER,  /* the server's: all that has no owner of its own (call/lock.h) */
	ORDER_PROCESS, /* a process's: its limits */
	ORDER_FILES,   /* a table of descriptors */
	ORDER_PIPE,    /* a pipe's bytes */
	ORDER_NODE,    /* a file's size and its mapping in the server */
	ORDER_FUTEX,   /* a bucket of waiting futexes */
};

#ifdef PORTOLAN_DEBUG

/* Of this thread of the server, by their order. A stack that is left while the server's lock is held stays on its
 * thread's account. */
extern __thread uint32_t locks_held;
void lock_order_broken(enum lock_order order, uint32_t held);

static inline void lock_order_take(enum lock_order order)
{
	if (locks_held >> order != 0)
		lock_order_broken(order, locks_held);
	locks_held |= 1u << order;
}

static inline void lock_order_give(enum lock_order order)
{
	if (!(locks_held >> order & 1))
		lock_order_broken(order, locks_held);
	locks_held &= ~(1u << order);
}

/* The lock is held: what comes next needs it. */
static inline void lock_order_has(enum lock_order order)
{
	if (!(locks_held >> order & 1))
		lock_order_broken(order, locks_held);
}

#else

static inline void lock_order_take(enum lock_order order)
{
	(void)order;
}

static inline void lock_order_give(enum lock_order order)
{
	(void)order;
}

static inline void lock_order_has(enum lock_order order)
{
	(void)order;
}

#endif

#endif
