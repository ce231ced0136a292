/* The kernel's allocators over malloc: every object is AddressSanitizer's to watch, and any allocation may be made to
 * fail. */
#include "support.h"
#include <kern/kalloc.h>
#include <stdlib.h>

size_t host_kalloc_used;

void kcache_init(struct kcache *cache, const char *name, size_t size)
{
	lock_init(&cache->lock, LOCK_RANK_KALLOC);
	cache->name = name;
	cache->size = (size + 15) & ~(size_t)15;
}

void *kalloc(size_t size)
{
	void *memory = host_allocation_fails() ? NULL : calloc(1, size == 0 ? 1 : size);

	host_kalloc_used += memory != NULL;
	return memory;
}

void kfree(void *memory, size_t size)
{
	(void)size;
	host_kalloc_used -= memory != NULL;
	free(memory);
}

void *kcache_alloc(struct kcache *cache)
{
	void *memory = kalloc(cache->size);

	cache->in_use += memory != NULL;
	return memory;
}

void kcache_free(struct kcache *cache, void *object)
{
	cache->in_use--;
	kfree(object, cache->size);
}
