/* The kernel's own memory: caches of equal objects, and sizes in between. */
#ifndef KERN_KALLOC_H
#define KERN_KALLOC_H

#include <kern/account.h>
#include <kern/lock.h>

struct kcache {
	struct lock lock;
	size_t size; /* bytes of an object, a multiple of 16 */
	void *free;  /* objects, linked through their first word */
	uint64_t total, in_use;
	uint64_t trim_below; /* when fewer are in use, the cache has something to give back */
	bool trim;           /* it has */
	bool listed;
	struct kcache *next;
};
#define KCACHE(bytes) {.lock = LOCK_INIT(LOCK_RANK_KALLOC), .size = ((bytes) + 15) & ~(size_t)15}

/*
 * Objects come zeroed, on somebody's account, at whose level pages are taken for them: null over its limit, and when
 * memory is short; nothing blocks. &kernel_account is for what is made at boot, and for what gets its owner later.
 * More than half a page comes in pieces (kern/piece.h): locks of ranks below LOCK_RANK_PORT at most.
 */
void *kcache_alloc(struct kcache *cache, struct account *account);
void kcache_free(struct kcache *cache, struct account *account, void *object);
/* Any size; above half a page whole pages, physically contiguous. */
void *kalloc(struct account *account, size_t size);
/* What a size takes of an account. */
size_t kalloc_bytes(size_t size);
/* Account and size as given to kalloc; null is let pass. */
void kfree(struct account *account, void *memory, size_t size);

/* A cache has pages to give back: by kalloc_trim, from the one thread that does it, which kalloc_trim_wake wakes
 * (vm/vm_pageout.c). No locks of ranks from LOCK_RANK_WAIT on. */
extern bool kalloc_trim_wanted;
void kalloc_trim_wake(void);
/* Gives back the pages of which all objects are free. all: of every cache, for memory is short. No locks held. */
void kalloc_trim(bool all);

#endif
