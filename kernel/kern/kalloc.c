/* The kernel's allocators: caches of equal objects cut from pages, and sizes served by a row of caches or by whole
 * pages. */
#include <kern/kalloc.h>
#include <kern/kernel_types.h>
#include <kern/piece.h>
#include <string.h>
#include <vm/vm.h>
#include <vm/vm_page.h>

/* A free object's first word is the next one's address. Pages that a cache has taken stay with it. */

/* What finding pages side by side takes, their heads, and clearing one, about (kern/piece.h). */
#define GRAB_COST  5000
#define HEAD_COST  20
#define CLEAR_COST 540

static struct lock caches_lock = LOCK_INIT(LOCK_RANK_KALLOC);
static struct list caches = LIST_INIT(caches);

void kcache_init(struct kcache *cache, const char *name, size_t size)
{
	lock_init(&cache->lock, LOCK_RANK_KALLOC);
	cache->name = name;
	cache->size = (size + 15) & ~(size_t)15;
	cache->free = NULL;
	cache->total = cache->in_use = 0;
	lock_acquire(&caches_lock);
	list_add_tail(&caches, &cache->link);
	lock_release(&caches_lock);
}

/* Cuts further pages into objects. False when there are none for the level. */
static bool kcache_grow(struct kcache *cache, enum vm_page_level level)
{
	unsigned pages = 1;
	uint64_t physical;
	size_t count;
	char *memory;

	/* As many pages as make the rest that is lost at most an eighth. */
	while (pages < 64 && (pages * VM_PAGE_SIZE % cache->size) * 8 > pages * VM_PAGE_SIZE)
		pages *= 2;
	physical = pages == 1 ? vm_page_grab_kernel(level) : vm_page_grab_contiguous(level, pages, UINT64_MAX);
	if (physical == 0) {
		pages = (unsigned)((cache->size + VM_PAGE_MASK) >> VM_PAGE_SHIFT);
		physical = vm_page_grab_contiguous(level, pages, UINT64_MAX);
		if (physical == 0)
			return false;
	}
	memory = physical_to_virtual(physical);
	count = pages * VM_PAGE_SIZE / cache->size;
	lock_acquire(&cache->lock);
	for (size_t i = count; i-- > 0;) {
		void **object = (void **)(memory + i * cache->size);

		*object = cache->free;
		cache->free = object;
	}
	cache->total += count;
	lock_release(&cache->lock);
	return true;
}

/* An object with undefined contents. */
static void *kcache_take(struct kcache *cache, enum vm_page_level level)
{
	void **object;

	for (;;) {
		lock_acquire(&cache->lock);
		object = cache->free;
		if (__builtin_expect(object != NULL, 1)) {
			cache->free = *object;
			cache->in_use++;
			lock_release(&cache->lock);
			return object;
		}
		lock_release(&cache->lock);
		if (!kcache_grow(cache, level))
			return NULL;
	}
}

void *kcache_alloc(struct kcache *cache, struct account *account)
{
	void *object;

	if (!account_charge(account, cache->size))
		return NULL;
	object = kcache_take(cache, account_level(account));
	if (object != NULL)
		clear_words(object, cache->size);
	else
		account_uncharge(account, cache->size);
	return object;
}

void kcache_free(struct kcache *cache, struct account *account, void *object)
{
	lock_acquire(&cache->lock);
	*(void **)object = cache->free;
	cache->free = object;
	cache->in_use--;
	lock_release(&cache->lock);
	account_uncharge(account, cache->size);
}

/* --- Sizes. */

#define KALLOC_SIZES   14
#define KALLOC_LARGEST 2048

static const uint16_t kalloc_sizes[KALLOC_SIZES] = {
	16, 32, 48, 64, 96, 128, 192, 256, 384, 512, 768, 1024, 1360, KALLOC_LARGEST};
static struct kcache kalloc_caches[KALLOC_SIZES];
static uint8_t kalloc_index[KALLOC_LARGEST / 16 + 1]; /* of the cache for a size in units of 16 bytes */

static struct kcache *kalloc_cache(size_t size)
{
	return &kalloc_caches[kalloc_index[(size + 15) / 16]];
}

static void kalloc_init(void)
{
	unsigned at = 0;

	for (unsigned i = 0; i < KALLOC_SIZES; i++)
		kcache_init(&kalloc_caches[i], "kalloc", kalloc_sizes[i]);
	for (unsigned units = 0; units <= KALLOC_LARGEST / 16; units++) {
		if (units * 16 > kalloc_sizes[at])
			at++;
		kalloc_index[units] = (uint8_t)at;
	}
}

/* Whole pages, zeroed; null when there are none for the level. */
static void *kalloc_pages(enum vm_page_level level, unsigned pages)
{
	uint64_t physical;

	if (pages != 1)
		piece_spend(GRAB_COST);
	physical = pages == 1 ? vm_page_grab_kernel(level) : vm_page_grab_contiguous(level, pages, UINT64_MAX);
	if (pages != 1)
		piece_spend((int32_t)(pages * HEAD_COST));
	if (physical == 0)
		return NULL;
	for (unsigned i = 0; pages != 1 && i < pages; i++) {
		clear_words((char *)physical_to_virtual(physical) + i * VM_PAGE_SIZE, VM_PAGE_SIZE);
		piece_spend(CLEAR_COST);
	}
	return physical_to_virtual(physical);
}

/* The pages of a size above KALLOC_LARGEST. */
static unsigned kalloc_page_count(size_t size)
{
	return (unsigned)((size + VM_PAGE_MASK) >> VM_PAGE_SHIFT);
}

size_t kalloc_bytes(size_t size)
{
	return size <= KALLOC_LARGEST ? kalloc_cache(size)->size : kalloc_page_count(size) * VM_PAGE_SIZE;
}

void *kalloc(struct account *account, size_t size)
{
	void *memory;

	/* The first call comes while one processor runs. */
	if (__builtin_expect(kalloc_caches[0].size == 0, 0))
		kalloc_init();
	if (size <= KALLOC_LARGEST)
		return kcache_alloc(kalloc_cache(size), account);
	if (size > 512 * VM_PAGE_SIZE || !account_charge(account, kalloc_page_count(size) * VM_PAGE_SIZE))
		return NULL;
	memory = kalloc_pages(account_level(account), kalloc_page_count(size));
	if (memory == NULL)
		account_uncharge(account, kalloc_page_count(size) * VM_PAGE_SIZE);
	return memory;
}

void kfree(struct account *account, void *memory, size_t size)
{
	if (memory == NULL)
		return;
	if (size <= KALLOC_LARGEST) {
		kcache_free(kalloc_cache(size), account, memory);
		return;
	}
	vm_page_release_kernel(virtual_to_physical(memory), kalloc_page_count(size));
	account_uncharge(account, kalloc_page_count(size) * VM_PAGE_SIZE);
}
