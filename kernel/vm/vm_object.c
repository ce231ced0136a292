/* Objects: their pages, references, shadows, and how chains of shadows are kept short. */
#include <kern/kalloc.h>
#include <kern/piece.h>
#include <kern/thread.h>
#include <vm/memory_object.h>
#include <vm/pmap.h>
#include <vm/vm.h>
#include <vm/vm_object.h>
#include <vm/vm_swap.h>

/* What a page takes in the loops below, about (kern/piece.h). */
#define FREE_COST   200
#define MOVE_COST   150
#define VISIT_COST  150
#define LOOKUP_COST 15

static struct kcache object_cache = KCACHE(sizeof(struct vm_object));

vm_object_t vm_object_create(struct account *account, uint64_t size)
{
	vm_object_t object = kcache_alloc(&object_cache, account);

	if (object == NULL)
		return NULL;
	lock_init(&object->lock, LOCK_RANK_VM_OBJECT);
	ref_init(&object->refs, 1);
	object->account = account;
	object->size = size;
	list_init(&object->slots);
	list_init(&object->pages);
	object->buckets = object->small;
	object->bucket_mask = OBJECT_BUCKETS - 1;
	return object;
}

vm_object_t vm_object_physical(struct account *account, uint64_t physical, uint64_t size, bool cached)
{
	vm_object_t object = vm_object_create(account, round_page(size));

	if (object == NULL)
		return NULL;
	object->physical = physical;
	object->physical_size = object->size;
	object->cached = cached;
	object->shared = true;
	return object;
}

void vm_object_reference(vm_object_t object)
{
	ref_take(&object->refs);
}

/* --- Pages. */

/* More buckets, or fewer, if there is memory for them; without it lookups get slower, no more. */
static void set_buckets(vm_object_t object, uint32_t count)
{
	struct vm_page **buckets = kalloc(object->account, count * sizeof(*buckets));
	struct list *link;

	if (buckets == NULL)
		return;
	if (object->buckets != object->small)
		kfree(object->account, object->buckets, (object->bucket_mask + 1) * sizeof(*buckets));
	object->buckets = buckets;
	object->bucket_mask = count - 1;
	list_for_each (link, &object->pages) {
		struct vm_page *page = container_of(link, struct vm_page, object_link);
		struct vm_page **bucket = &buckets[(page->offset >> VM_PAGE_SHIFT) & object->bucket_mask];

		page->hash_next = *bucket;
		*bucket = page;
		piece_spend(LOOKUP_COST);
	}
}

void vm_object_insert(vm_object_t object, struct vm_page *page, vm_offset_t offset)
{
	struct vm_page **bucket;

	if (object->pager != NULL && object->pager->forwards != 0)
		memory_object_end_forward(object, offset, offset + VM_PAGE_SIZE);
	if (object->resident >= 2 * (object->bucket_mask + 1))
		set_buckets(object, (object->bucket_mask + 1) * 4);
	bucket = &object->buckets[(offset >> VM_PAGE_SHIFT) & object->bucket_mask];
	page->object = object;
	page->offset = offset;
	page->hash_next = *bucket;
	*bucket = page;
	list_add_tail(&object->pages, &page->object_link);
	object->resident++;
}

void vm_object_remove(struct vm_page *page)
{
	vm_object_t object = page->object;
	struct vm_page **at = &object->buckets[(page->offset >> VM_PAGE_SHIFT) & object->bucket_mask];

	while (*at != page)
		at = &(*at)->hash_next;
	*at = page->hash_next;
	list_remove(&page->object_link);
	object->resident--;
	page->object = NULL;
	if (object->resident < (object->bucket_mask + 1) / 16 && object->buckets != object->small)
		set_buckets(object, (object->bucket_mask + 1) / 4);
}

void vm_object_replace(struct vm_page *old, struct vm_page *page)
{
	vm_object_t object = old->object;
	struct vm_page **at = &object->buckets[(old->offset >> VM_PAGE_SHIFT) & object->bucket_mask];

	while (*at != old)
		at = &(*at)->hash_next;
	page->hash_next = old->hash_next;
	*at = page;
	page->object = object;
	page->offset = old->offset;
	list_insert_between(&page->object_link, old->object_link.prev, old->object_link.next);
	list_init(&old->object_link);
	old->object = NULL;
}

void vm_object_free_page(struct vm_page *page)
{
	vm_object_take_page(page);
	vm_object_wake(page);
	vm_page_free(page);
}

struct vm_object_walk vm_object_walk(vm_object_t object, vm_offset_t start, vm_offset_t end)
{
	/* Through the list if the range could hold more pages than there are. */
	return (struct vm_object_walk){.object = object,
		.start = start,
		.end = end,
		.by_list = (end - start) >> VM_PAGE_SHIFT > object->resident,
		.left = object->resident,
		.turns = object->turns};
}

struct vm_page *vm_object_next(struct vm_object_walk *walk)
{
	vm_object_t object = walk->object;

	if (!walk->by_list) {
		while (walk->start < walk->end) {
			struct vm_page *page = vm_object_lookup(object, walk->start);

			walk->start += VM_PAGE_SIZE;
			piece_spend(page != NULL ? VISIT_COST : LOOKUP_COST);
			if (page != NULL)
				return page;
		}
		return NULL;
	}
	while (walk->left > 0 && !list_empty(&object->pages)) {
		struct vm_page *page = list_first(&object->pages, struct vm_page, object_link);

		/* A page that was looked at goes to the list's end. If another walk has put some there, begin anew. */
		if (object->turns != walk->turns)
			walk->left = object->resident;
		list_remove(&page->object_link);
		list_add_tail(&object->pages, &page->object_link);
		walk->turns = ++object->turns;
		walk->left--;
		piece_spend(VISIT_COST);
		if (page->offset >= walk->start && page->offset < walk->end)
			return page;
	}
	return NULL;
}

void vm_object_free_range(vm_object_t object, vm_offset_t start, vm_offset_t end)
{
	struct vm_object_walk walk;
	struct vm_page *page;

	for (walk = vm_object_walk(object, start, end); (page = vm_object_next(&walk)) != NULL;)
		vm_object_free_page(page);
	swap_free(object, start, end);
}

/* --- References. */

static void object_free(vm_object_t object)
{
	struct list *link;

	/* Only page-out can find the object any more, by a page, and looks at it under its lock. The buckets go as a
	 * whole. */
	lock_acquire_nested(&object->lock);
	while ((link = object->pages.next) != &object->pages) {
		struct vm_page *page = container_of(link, struct vm_page, object_link);

		if (page->mappings != 0)
			pmap_page_protect(page, VM_PROT_NONE);
		vm_page_enqueue(page, VM_PAGE_UNQUEUED);
		list_remove(&page->object_link);
		vm_object_wake(page);
		vm_page_free(page);
		piece_spend(FREE_COST);
	}
	swap_free(object, 0, UINT64_MAX);
	lock_release(&object->lock);
	if (object->buckets != object->small)
		kfree(object->account, object->buckets, (object->bucket_mask + 1) * sizeof(*object->buckets));
	if (object->returned_by != NULL)
		memory_object_returned(object);
	kcache_free(&object_cache, object->account, object);
}

void vm_object_deallocate(vm_object_t object)
{
	while (object != NULL) {
		vm_object_t shadow;

		if (object->pager != NULL) {
			if (!memory_object_drop(object))
				return;
		} else if (!ref_drop(&object->refs)) {
			return;
		}
		shadow = object->shadow;
		object_free(object);
		object = shadow;
	}
}

/* --- Shadows. */

vm_object_t vm_object_shadow(struct account *account, vm_object_t object, vm_offset_t offset, uint64_t size)
{
	vm_object_t above = vm_object_create(account, size);

	if (above == NULL)
		return NULL;
	above->shadow = object;
	above->shadow_offset = offset;
	above->shared_below = object->shared || object->shared_below;
	return above;
}

/* Moves what of the shadow's pages can be seen into the object, and frees the rest. Both locked; nobody else refers to
 * the shadow. */
static void take_over(vm_object_t object, vm_object_t shadow)
{
	struct list *link;

	while ((link = shadow->pages.next) != &shadow->pages) {
		struct vm_page *page = container_of(link, struct vm_page, object_link);
		vm_offset_t offset = page->offset - object->shadow_offset;
		enum vm_page_queue queue = page->queue;

		piece_spend(MOVE_COST);
		/* Below the window offset wraps around and is too large as well. */
		if (offset >= object->size || vm_object_lookup(object, offset) != NULL || swap_has(object, offset)) {
			vm_object_free_page(page);
			continue;
		}
		vm_page_enqueue(page, VM_PAGE_UNQUEUED); /* page-out looks at the object of what is on a queue */
		vm_object_remove(page);
		vm_object_insert(object, page, offset);
		vm_page_enqueue(page, queue);
	}
	swap_take_over(object, shadow);
	object->shadow = shadow->shadow;
	object->shadow_offset += shadow->shadow_offset;
	object->shared_below = shadow->shared_below;
	shadow->shadow = NULL;
}

vm_object_t vm_object_detach(vm_object_t object)
{
	vm_object_t shadow = object->shadow;

	if (!vm_object_anonymous(object) || object->resident + object->swapped != object->size >> VM_PAGE_SHIFT)
		return NULL;
	object->shadow = NULL;
	object->shadow_offset = 0;
	object->shared_below = false;
	return shadow;
}

vm_object_t vm_object_collapse(vm_object_t object)
{
	vm_object_t shadow;

	while ((shadow = object->shadow) != NULL) {
		vm_object_t unused = vm_object_detach(object);

		if (unused != NULL)
			return unused;
		/* The only reference is ours, so nobody can make another. Acquire: see what its last other holder did.
		 */
		if (!vm_object_anonymous(shadow) || shadow->sized || shadow->returned_by != NULL ||
			__atomic_load_n(&shadow->refs.count, __ATOMIC_ACQUIRE) != 1)
			return NULL;
		lock_acquire_nested(&shadow->lock);
		take_over(object, shadow);
		lock_release(&shadow->lock);
		ref_drop(&shadow->refs);
		object_free(shadow);
	}
	return NULL;
}

/* Whether the object has every page of its shadow that it could see. One that it has not is looked at first the next
 * time, so that looking costs little while there is one. Both locked. */
static bool covers(vm_object_t object, vm_object_t shadow)
{
	vm_offset_t start = object->shadow_offset, end = start + object->size;
	struct vm_object_walk walk = vm_object_walk(shadow, start, end);
	struct vm_page *page;

	walk.by_list = true;
	while ((page = vm_object_next(&walk)) != NULL) {
		if (vm_object_lookup(object, page->offset - start) != NULL || swap_has(object, page->offset - start))
			continue;
		list_remove(&page->object_link);
		list_add_head(&shadow->pages, &page->object_link);
		return false;
	}
	return swap_covered(object, shadow);
}

vm_object_t vm_object_bypass(vm_object_t object)
{
	vm_object_t shadow = object->shadow;
	bool covered;

	/* What is shared may get more pages. */
	if (shadow == NULL || !vm_object_anonymous(shadow) || shadow->shared || shadow->returned_by != NULL)
		return NULL;
	lock_acquire_nested(&shadow->lock);
	covered = shadow->resident + shadow->swapped <= object->resident + object->swapped && covers(object, shadow);
	if (covered) {
		object->shadow = shadow->shadow;
		object->shadow_offset += shadow->shadow_offset;
		object->shared_below = shadow->shared_below;
		if (object->shadow != NULL)
			vm_object_reference(object->shadow);
	}
	lock_release(&shadow->lock);
	return covered ? shadow : NULL;
}

struct vm_page *vm_object_find(vm_object_t object, vm_offset_t *offset, vm_object_t *holder)
{
	*holder = NULL;
	if (object == NULL)
		return NULL;
	lock_acquire(&object->lock);
	for (;;) {
		struct vm_page *page = vm_object_lookup(object, *offset);
		struct swap_slot *slot = page == NULL ? swap_find(object, *offset) : NULL;
		vm_object_t shadow = slot != NULL ? swap_object(slot) : object->shadow;

		if (object->swap_area != 0 && (page == NULL || page->absent || page->error)) {
			*holder = object;
			return NULL;
		}
		if (page != NULL) {
			*holder = object;
			return page;
		}
		if (shadow == NULL) {
			lock_release(&object->lock);
			return NULL;
		}
		if (slot == NULL) {
			*offset += object->shadow_offset;
			lock_acquire_nested(&shadow->lock);
		} else {
			*offset = swap_offset(slot);
		}
		lock_release(&object->lock);
		object = shadow;
	}
}
