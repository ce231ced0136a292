/* The kernel's own memory: caches of equal objects, and sizes in between. */
#ifndef KERN_KALLOC_H
#define KERN_KALLOC_H

#include <kern/list.h>
#include <kern/lock.h>
#include <stddef.h>
#include <stdint.h>

struct kcache {
	struct lock lock;
	const char *name;
	size_t size; /* bytes of an object, a multiple of 16 */
	void *free;  /* objects, linked through their first word */
	uint64_t total, in_use;
	struct list link;
};

/*
 * Objects come zeroed. All return null when memory is short; nothing blocks. More than half a page comes in pieces
 * (kern/piece.h): locks of ranks below LOCK_RANK_PORT at most.
 */
void kcache_init(struct kcache *cache, const char *name, size_t size);
void *kcache_alloc(struct kcache *cache);
void kcache_free(struct kcache *cache, void *object);
void *kalloc(size_t size);             /* any size; above half a page whole pages, physically contiguous */
void kfree(void *memory, size_t size); /* size as given to kalloc; null is let pass */

#endif
