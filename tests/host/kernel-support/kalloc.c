/* The kernel's allocators over malloc: every object is AddressSanitizer's to watch, and any allocation may be made to
 * fail. */
#include "support.h"
#include <kern/kalloc.h>
#include <stdlib.h>

size_t host_kalloc_used;

size_t kalloc_bytes(size_t size)
{
	size_t unit = size > 2048 ? 4096 : 16; /* the larger ones are whole pages */

	return (size + unit - 1) / unit * unit;
}

void *kalloc(struct account *account, size_t size)
{
	void *memory;

	if (!account_charge(account, kalloc_bytes(size)))
		return NULL;
	memory = host_allocation_fails() ? NULL : calloc(1, size == 0 ? 1 : size);
	if (memory == NULL)
		account_uncharge(account, kalloc_bytes(size));
	host_kalloc_used += memory != NULL;
	return memory;
}

void kfree(struct account *account, void *memory, size_t size)
{
	if (memory == NULL)
		return;
	host_kalloc_used--;
	free(memory);
	if (account->bytes < kalloc_bytes(size))
		panic("an account falls below nothing");
	account_uncharge(account, kalloc_bytes(size));
}

void *kcache_alloc(struct kcache *cache, struct account *account)
{
	void *memory = kalloc(account, cache->size);

	cache->in_use += memory != NULL;
	return memory;
}

void kcache_free(struct kcache *cache, struct account *account, void *object)
{
	cache->in_use--;
	kfree(account, object, cache->size);
}

/* Nothing is kept. */
bool kalloc_trim_wanted;

void kalloc_trim(bool all)
{
	(void)all;
}
