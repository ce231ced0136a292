/* Maps: their life, and ranges entered and removed. */
#include <kern/checked.h>
#include <kern/kalloc.h>
#include <kern/piece.h>
#include <kern/thread.h>
#include <vm/vm.h>
#include <vm/vm_map.h>
#include <vm/vm_pageout.h>

/*
 * Everything about a map happens under its one lock, which is never held while anything waits. Objects are dropped
 * after it is released: the last reference to one may send messages and free thousands of pages.
 */

/* What an entry takes that goes, about (kern/piece.h). */
#define ENTRY_COST 300

/* What vm_map_remove_some removes at once. */
#define SOME_PAGES   128
#define SOME_ENTRIES 32

uint64_t vm_number(void)
{
	static uint64_t last;

	/* Relaxed: only that no two get the same. */
	return __atomic_add_fetch(&last, 1, __ATOMIC_RELAXED);
}

kern_return_t vm_map_create(struct account *account, vm_map_t *out)
{
	struct vm_map *map = kalloc(account, sizeof(*map));

	if (map == NULL)
		return KERN_RESOURCE_SHORTAGE;
	map->pmap = pmap_create(account);
	if (map->pmap == NULL) {
		kfree(account, map, sizeof(*map));
		return KERN_RESOURCE_SHORTAGE;
	}
	lock_init(&map->lock, LOCK_RANK_VM_MAP);
	ref_init(&map->refs, 1);
	map->account = map->payer = account;
	list_init(&map->entries);
	map->full_below = VM_ANYWHERE_ADDRESS;
	map->number = vm_number();
	*out = map;
	return KERN_SUCCESS;
}

void vm_map_deallocate(vm_map_t map)
{
	if (map == NULL || !ref_drop(&map->refs))
		return;
	assert(list_empty(&map->entries));
	pmap_destroy(map->pmap);
	kfree(map->account, map, sizeof(*map));
}

kern_return_t vm_map_bill(vm_map_t map, struct account *account)
{
	lock_acquire(&map->lock);
	pmap_bill(map->pmap, account);
	map->payer = account;
	lock_release(&map->lock);
	return KERN_SUCCESS;
}

void vm_map_terminate(vm_map_t map)
{
	struct list removed = LIST_INIT(removed);

	lock_acquire(&map->lock);
	map->dead = true;
	/* Nothing is split, so nothing can fail. */
	vm_map_remove(map, 0, UINT64_MAX, &removed);
	lock_release(&map->lock);
	vm_map_free_list(map, &removed);
}

/* --- Entering. */

/* Lengthens the anonymous entry that ends at `start`, if it is one of the kind. */
static bool extend_below(
	struct vm_map *map, vm_address_t start, vm_size_t size, const struct vm_map_attributes *attributes)
{
	struct vm_map_entry *entry = start == 0 ? NULL : vm_map_lookup(map, start - 1);
	vm_object_t object;

	if (entry == NULL || entry->end != start || entry->needs_copy || entry->wired)
		return false;
	if (entry->protection != attributes->protection || entry->max_protection != attributes->max_protection ||
		entry->inheritance != attributes->inheritance)
		return false;
	object = entry->object;
	if (object != NULL) {
		/* Nobody else has the object, and it has never been used beyond the entry's end. */
		if (!vm_object_anonymous(object) || object->shared || object->shadow != NULL ||
			object->returned_by != NULL || object->refs.count != 1 ||
			entry->offset + vm_map_entry_size(entry) != object->size)
			return false;
		object->size += size;
	}
	entry->end += size;
	map->size += size;
	return true;
}

kern_return_t vm_map_enter(struct vm_map *map, vm_address_t *address, vm_size_t size, vm_address_t mask, bool anywhere,
	vm_object_t object, vm_offset_t offset, const struct vm_map_attributes *attributes)
{
	struct vm_map_entry *entry;
	vm_address_t start, end;
	kern_return_t result = KERN_SUCCESS;

	if (size == 0 || size > VM_MAX_ADDRESS || (offset & VM_PAGE_MASK) != 0)
		return KERN_INVALID_ARGUMENT;
	size = round_page(size);
	lock_acquire(&map->lock);
	start = anywhere ? *address : trunc_page(*address);
	if (map->dead) {
		result = KERN_TERMINATED;
	} else if (anywhere) {
		if (!vm_map_find_space(map, &start, size, mask))
			result = KERN_NO_SPACE;
	} else if (start < VM_MIN_ADDRESS || !checked_add(start, size, &end) || end > VM_MAX_ADDRESS ||
		   (start & mask) != 0) {
		result = KERN_INVALID_ADDRESS;
	} else {
		entry = vm_map_lookup(map, start);
		if (entry != NULL && entry->start < end)
			result = KERN_NO_SPACE;
	}
	if (result == KERN_SUCCESS && !(object == NULL && extend_below(map, start, size, attributes))) {
		entry = vm_map_entry_create(map);
		if (entry == NULL) {
			result = KERN_RESOURCE_SHORTAGE;
		} else {
			entry->start = start;
			entry->end = start + size;
			entry->object = object;
			entry->offset = offset;
			entry->protection = (uint8_t)attributes->protection;
			entry->max_protection = (uint8_t)attributes->max_protection;
			entry->inheritance = (uint8_t)attributes->inheritance;
			entry->needs_copy = attributes->needs_copy;
			vm_map_link(map, entry);
		}
	}
	lock_release(&map->lock);
	if (result == KERN_SUCCESS)
		*address = start;
	return result;
}

/* --- Removing. */

/* Frees pages of a part of an object that stays because other parts are in use. */
static void free_part(struct vm_map_entry *entry)
{
	vm_object_t object = entry->object;
	vm_offset_t end = entry->offset + vm_map_entry_size(entry);

	if (object == NULL || entry->needs_copy || !vm_object_anonymous(object) || object->shared ||
		object->refs.count == 1)
		return;
	lock_acquire(&object->lock);
	vm_object_free_range(object, entry->offset, end);
	if (end == object->size)
		object->size = entry->offset;
	lock_release(&object->lock);
}

kern_return_t vm_map_remove(struct vm_map *map, vm_address_t start, vm_address_t end, struct list *removed)
{
	struct vm_map_entry *entry, *next;
	vm_address_t first, last = 0, hole;

	if (!vm_map_clip(map, start, end))
		return KERN_RESOURCE_SHORTAGE;
	entry = vm_map_lookup(map, start);
	if (entry == NULL || entry->start >= end)
		return KERN_SUCCESS;
	if (entry->start < map->full_below)
		map->full_below = entry->start > VM_ANYWHERE_ADDRESS ? entry->start : VM_ANYWHERE_ADDRESS;
	first = entry->start;
	hole = entry->link.prev == &map->entries ? 0 : container_of(entry->link.prev, struct vm_map_entry, link)->end;
	for (; entry != NULL && entry->start < end; entry = next) {
		next = vm_map_next(map, entry);
		last = entry->end;
		vm_map_wire_entry(entry, false);
		vm_map_unlink(map, entry);
		list_add_tail(removed, &entry->link);
		piece_spend(ENTRY_COST);
	}
	/* One call for all: neighbours share their flush of the TLB. */
	if (list_empty(&map->entries)) {
		pmap_remove_all(map->pmap);
	} else {
		vm_address_t base = first & -PMAP_TABLE_SPAN, behind = (last + PMAP_TABLE_SPAN - 1) & -PMAP_TABLE_SPAN;

		/* Tables go, too, at whose other addresses nothing is. */
		if (hole <= base && (entry == NULL || entry->start >= base + PMAP_TABLE_SPAN))
			first = base;
		if (hole <= behind - PMAP_TABLE_SPAN && (entry == NULL || entry->start >= behind))
			last = behind;
		pmap_protect(map->pmap, first, last, VM_PROT_NONE);
	}
	return KERN_SUCCESS;
}

/* The front of an entry goes, up to an address inside it: pages that only the entry sees are freed. */
static void trim_front(struct vm_map *map, struct vm_map_entry *entry, vm_address_t upto)
{
	vm_object_t object = entry->object;
	vm_size_t size = upto - entry->start;

	if (entry->start < map->full_below)
		map->full_below = entry->start > VM_ANYWHERE_ADDRESS ? entry->start : VM_ANYWHERE_ADDRESS;
	pmap_protect(map->pmap, entry->start, upto, VM_PROT_NONE);
	if (object != NULL) {
		if (!entry->needs_copy && vm_object_anonymous(object) && !object->shared) {
			lock_acquire(&object->lock);
			vm_object_free_range(object, entry->offset, entry->offset + size);
			lock_release(&object->lock);
		}
		entry->offset += size;
	}
	entry->start = upto;
	map->size -= size;
}

vm_address_t vm_map_remove_some(struct vm_map *map, vm_address_t start, vm_address_t end, struct list *removed)
{
	struct vm_map_entry *entry = vm_map_lookup(map, start);
	vm_address_t stop, behind;

	if (entry == NULL || entry->start >= end)
		return end;
	stop = entry->start + SOME_PAGES * VM_PAGE_SIZE;
	if (stop < entry->end && !entry->wired) {
		trim_front(map, entry, stop);
		return stop;
	}
	/* Whole entries, a few at most: nothing is split, so nothing can fail. */
	start = behind = entry->start;
	for (unsigned i = 0; i < SOME_ENTRIES && entry != NULL && entry->start < end; i++) {
		if (i != 0 && entry->end > stop)
			break;
		behind = entry->end;
		entry = vm_map_next(map, entry);
	}
	vm_map_remove(map, start, behind, removed);
	return entry == NULL || entry->start >= end ? end : behind;
}

void vm_map_free_list(struct vm_map *map, struct list *removed)
{
	struct list *link;

	while ((link = list_pop_head(removed)) != NULL) {
		struct vm_map_entry *entry = container_of(link, struct vm_map_entry, link);

		free_part(entry);
		vm_object_deallocate(entry->object);
		vm_map_entry_free(map, entry);
		piece_spend(ENTRY_COST);
	}
	vm_page_balance();
}
