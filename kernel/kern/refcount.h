/* Reference counts. */
#ifndef KERN_REFCOUNT_H
#define KERN_REFCOUNT_H

#include <kern/assert.h>

struct refcount {
	uint32_t count;
};

static inline void ref_init(struct refcount *ref, uint32_t count)
{
	ref->count = count;
}

/* Relaxed: whoever takes a reference already holds one. */
static inline void ref_take(struct refcount *ref)
{
	uint32_t old = __atomic_fetch_add(&ref->count, 1, __ATOMIC_RELAXED);

	debug_assert(old != 0 && old != UINT32_MAX);
	(void)old;
}

/* For who has found the object otherwise, and knows that its memory stays meanwhile: false if the last one has gone. */
static inline bool ref_take_unless_gone(struct refcount *ref)
{
	uint32_t old = __atomic_load_n(&ref->count, __ATOMIC_RELAXED);

	/* Relaxed: as above, where it succeeds. */
	while (old != 0)
		if (__atomic_compare_exchange_n(&ref->count, &old, old + 1, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED))
			return true;
	return false;
}

/* True when the last reference went. Acquire-release: its destroyer sees all that the other holders did. */
static inline bool ref_drop(struct refcount *ref)
{
	uint32_t old = __atomic_fetch_sub(&ref->count, 1, __ATOMIC_ACQ_REL);

	debug_assert(old != 0);
	return old == 1;
}

#endif
