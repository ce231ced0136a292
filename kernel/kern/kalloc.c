/* The kernel's allocators: caches of equal objects cut from pages, and sizes served by a row of caches or by whole
 * pages. */
#include <kern/kalloc.h>
#include <kern/page.h>
#include <kern/piece.h>

/*
 * A free object's first word is the next one's address. What a cache cuts from pages at once is a slab, whose first
 * page all its pages name (hash_next). Taking and giving back an object looks at no slab; when an eighth of a cache's
 * objects, and a surplus, have come back since it was as large as it is, kalloc_trim looks through those that are free,
 * once, and gives the pages of slabs back of which all objects are. So what a cache keeps is about so much.
 */
#define SURPLUS_BYTES 512u
#define SURPLUS_PART  8
#define KEPT_BYTES    512u /* of free objects, at least, when it has been looked through */

/* Instructions for a free object that is looked at, and for a slab that goes, about (kern/piece.h). */
#define LOOK_COST 40
#define SLAB_COST 300

/* What finding pages side by side takes, their heads, and clearing one, about (kern/piece.h). */
#define GRAB_COST  5000
#define HEAD_COST  20
#define CLEAR_COST 540

static struct lock caches_lock = LOCK_INIT(LOCK_RANK_KALLOC);
static struct kcache *caches; /* that have had objects, the newest first; they never go */
bool kalloc_trim_wanted;

/* The cache is looked through when so much less will be in use than now, or than before. Locked. */
static void kcache_watch(struct kcache *cache)
{
	uint64_t surplus = SURPLUS_BYTES / cache->size + cache->in_use / SURPLUS_PART;

	if (cache->in_use > surplus + cache->trim_below)
		cache->trim_below = cache->in_use - surplus;
}

/* Names the slab of pages: the first has their number in `deadline`, and in `offset` how many of its objects
 * kalloc_trim has found free. */
static void slab_name(uint64_t physical, unsigned pages)
{
	struct vm_page *head = vm_page_lookup_physical(physical);

	for (unsigned i = 0; i < pages; i++)
		head[i].hash_next = head;
	head->offset = 0;
	head->deadline = pages;
	list_init(&head->link);
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
	lock_acquire(&caches_lock);
	if (!cache->listed) {
		cache->listed = true;
		cache->next = caches;
		/* Release: who finds it there finds the next one. */
		__atomic_store_n(&caches, cache, __ATOMIC_RELEASE);
	}
	lock_release(&caches_lock);
	memory = physical_to_virtual(physical);
	count = pages * VM_PAGE_SIZE / cache->size;
	slab_name(physical, pages);
	lock_acquire(&cache->lock);
	for (size_t i = count; i-- > 0;) {
		void **object = (void **)(memory + i * cache->size);

		*object = cache->free;
		cache->free = object;
	}
	cache->total += count;
	kcache_watch(cache);
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
	object = kcache_take(cache, account_object_level(account));
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
	if (__builtin_expect(cache->in_use < cache->trim_below, 0)) {
		cache->trim_below = 0;
		cache->trim = kalloc_trim_wanted = true;
	}
	lock_release(&cache->lock);
	account_uncharge(account, cache->size);
}

/* --- Giving back. */

static struct vm_page *slab_of(const void *object)
{
	return vm_page_lookup_physical(virtual_to_physical(object))->hash_next;
}

static uint64_t slab_objects(const struct kcache *cache, const struct vm_page *slab)
{
	return slab->deadline * VM_PAGE_SIZE / cache->size;
}

/*
 * The free objects are taken off the cache as a whole, so nobody uses one of them meanwhile (what is freed or asked for
 * in between is other objects); slabs of which all objects are among them go, the other objects come back. One thread
 * does this.
 */
static void kcache_trim(struct kcache *cache)
{
	void **first, **object, **next, **kept = NULL, **last = NULL;
	struct list gone = LIST_INIT(gone), *link;
	uint64_t spare, freed = 0;

	lock_acquire(&cache->lock);
	first = cache->free;
	cache->free = NULL;
	cache->trim = false;
	/* From here on, for what comes back meanwhile is not looked at. */
	cache->trim_below = 0;
	kcache_watch(cache);
	spare = cache->total - cache->in_use;
	lock_release(&cache->lock);
	spare = spare * cache->size > KEPT_BYTES ? spare - KEPT_BYTES / cache->size : 0;
	for (object = first; object != NULL; object = *object) {
		slab_of(object)->offset++;
		piece_spend(LOOK_COST);
	}
	for (object = first; object != NULL; object = next) {
		struct vm_page *slab = slab_of(object);
		uint64_t objects = slab_objects(cache, slab);

		next = *object;
		if (slab->offset == objects && !list_linked(&slab->link) && freed + objects <= spare) {
			freed += objects;
			list_add_tail(&gone, &slab->link);
		}
		if (!list_linked(&slab->link)) {
			*object = kept;
			kept = object;
			last = last == NULL ? object : last;
		}
		piece_spend(LOOK_COST);
	}
	for (object = kept; object != NULL; object = *object) {
		slab_of(object)->offset = 0;
		piece_spend(LOOK_COST);
	}
	lock_acquire(&cache->lock);
	if (last != NULL) {
		*last = cache->free;
		cache->free = kept;
	}
	cache->total -= freed;
	lock_release(&cache->lock);
	while ((link = list_pop_head(&gone)) != NULL) {
		struct vm_page *slab = container_of(link, struct vm_page, link);

		vm_page_release_kernel(vm_page_physical(slab), (unsigned)slab->deadline);
		piece_spend(SLAB_COST);
	}
}

void kalloc_trim(bool all)
{
	kalloc_trim_wanted = false;
	for (struct kcache *cache = __atomic_load_n(&caches, __ATOMIC_ACQUIRE); cache != NULL; cache = cache->next) {
		if (cache->trim || (all && (cache->total - cache->in_use) * cache->size > 2 * SURPLUS_BYTES))
			kcache_trim(cache);
	}
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
		kalloc_caches[i] = (struct kcache)KCACHE(kalloc_sizes[i]);
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
	memory = kalloc_pages(account_object_level(account), kalloc_page_count(size));
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
