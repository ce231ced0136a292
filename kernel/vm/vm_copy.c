/* Out-of-line memory: taking a snapshot of a range out of a map, and putting it into another. */
#include <kern/checked.h>
#include <kern/kalloc.h>
#include <kern/piece.h>
#include <kern/task.h>
#include <string.h>
#include <vm/vm.h>
#include <vm/vm_copy.h>
#include <vm/vm_map.h>
#include <vm/vm_pageout.h>

/*
 * A copy is a list of pieces, each a range of an object. Whole pages are taken by reference: of memory that moves, the
 * entry's own reference; of memory that is copied, a further one, and the sender's entry then needs a copy. Bytes are
 * copied at once where a reference would not do: a first or last page of which only a part is sent (the rest is the
 * sender's secret), objects that others write (shared memory, pagers', devices'), wired memory (which must not fault
 * later), and small copies, for which a copy-on-write fault costs more.
 */
#define SMALL_PAGES 2

/* What a page that is copied or faulted in, one that is looked for, and a piece take, about (kern/piece.h). */
#define PAGE_COST  1000
#define LOOK_COST  60
#define ENTRY_COST 300

static struct kcache copy_cache = KCACHE(sizeof(struct vm_map_copy));
static struct kcache piece_cache = KCACHE(sizeof(struct vm_copy_piece));

static struct vm_map_copy *copy_create(struct account *account, vm_size_t size, vm_offset_t page_offset)
{
	struct vm_map_copy *copy = kcache_alloc(&copy_cache, account);

	if (copy != NULL) {
		copy->account = account;
		copy->size = size;
		copy->page_offset = page_offset;
		list_init(&copy->pieces);
	}
	return copy;
}

/* A piece at the end of the copy; object is for the caller to set. Null: no memory. */
static struct vm_copy_piece *piece_add(struct vm_map_copy *copy, vm_size_t size)
{
	struct vm_copy_piece *piece = kcache_alloc(&piece_cache, copy->account);

	if (piece != NULL) {
		piece->size = size;
		list_add_tail(&copy->pieces, &piece->link);
	}
	return piece;
}

void vm_map_copy_discard(vm_map_copy_t copy)
{
	struct list *link;

	if (copy == NULL)
		return;
	while ((link = list_pop_head(&copy->pieces)) != NULL) {
		struct vm_copy_piece *piece = container_of(link, struct vm_copy_piece, link);

		vm_object_deallocate(piece->object);
		kcache_free(&piece_cache, copy->account, piece);
		piece_spend(ENTRY_COST);
	}
	kcache_free(&copy_cache, copy->account, copy);
}

vm_size_t vm_map_copy_size(vm_map_copy_t copy)
{
	return copy == NULL ? 0 : copy->size;
}

/* --- Bytes of a map. */

kern_return_t vm_map_make_present(
	struct vm_map *map, vm_address_t start, vm_address_t end, vm_prot_t access, struct vm_fault_rest *rest)
{
	for (vm_address_t at = trunc_page(start); at < end; at += VM_PAGE_SIZE) {
		struct vm_map_entry *entry;
		kern_return_t result;

		piece_spend(LOOK_COST);
		if (pmap_extract(map->pmap, at, access) != 0)
			continue;
		piece_spend(PAGE_COST);
		entry = vm_map_lookup(map, at);
		result = vm_fault_locked(map, entry, at, access, rest);
		if (result != KERN_SUCCESS)
			return result;
	}
	return KERN_SUCCESS;
}

kern_return_t vm_map_copy_bytes(struct vm_map *map, vm_address_t start, vm_address_t end, vm_object_t object,
	vm_offset_t object_offset, struct vm_fault_rest *rest)
{
	kern_return_t result = vm_map_make_present(map, start, end, VM_PROT_READ, rest);

	if (result != KERN_SUCCESS)
		return result;
	for (vm_address_t at = start; at < end;) {
		vm_address_t next = trunc_page(at) + VM_PAGE_SIZE;
		vm_size_t skip = at & VM_PAGE_MASK;
		struct vm_page *page;
		uint64_t physical;

		piece_spend(PAGE_COST);
		next = next < end ? next : end;
		page = vm_page_grab(object->account);
		if (page == NULL)
			return vm_page_wait(object->account);
		physical = pmap_hold(map->pmap, at, VM_PROT_READ);
		if (physical == 0) {
			vm_page_free(page);
			return KERN_RESTART;
		}
		if (next - at == VM_PAGE_SIZE) {
			vm_page_copy(page, trunc_page(physical));
		} else {
			char *to = vm_page_address(page);

			memset(to, 0, skip);
			memcpy(to + skip, (const char *)physical_to_virtual(trunc_page(physical)) + skip, next - at);
			memset(to + skip + (next - at), 0, VM_PAGE_SIZE - skip - (next - at));
			count_events(bytes_copied, next - at);
		}
		pmap_let_go(map->pmap, physical);
		page->dirty = true;
		lock_acquire(&object->lock);
		vm_object_insert(object, page, object_offset);
		vm_page_enqueue_private(page);
		lock_release(&object->lock);
		object_offset += VM_PAGE_SIZE;
		at = next;
	}
	return KERN_SUCCESS;
}

/* Adds a piece with a copy of the bytes. */
static kern_return_t add_bytes(
	struct vm_map *map, vm_address_t start, vm_address_t end, struct vm_map_copy *copy, struct vm_fault_rest *rest)
{
	vm_size_t size = round_page(end) - trunc_page(start);
	struct vm_copy_piece *piece = piece_add(copy, size);

	if (piece == NULL)
		return KERN_RESOURCE_SHORTAGE;
	piece->object = vm_object_create(copy->account, size);
	if (piece->object == NULL)
		return KERN_RESOURCE_SHORTAGE;
	return vm_map_copy_bytes(map, start, end, piece->object, 0, rest);
}

/* --- Copying in. */

/* A range to be copied, and which part of it may be taken as whole pages. */
struct range {
	vm_address_t first, last; /* bytes: first .. last - 1 */
	vm_address_t start, end;  /* pages that hold them */
	vm_address_t whole_start, whole_end;
	bool destroy;
};

/* Whether the pages of an entry may be shared with a copy that must not change, nor be taken away. */
static bool by_reference(const struct vm_map_entry *entry)
{
	vm_object_t object = entry->object;

	return !entry->wired && (object == NULL ||
					(vm_object_anonymous(object) && !object->shared && !object->shared_below));
}

/* Adds the pieces of the whole pages, those to be taken by reference without an object as yet. */
static kern_return_t prepare_whole(
	struct vm_map *map, const struct range *range, struct vm_map_copy *copy, struct vm_fault_rest *rest)
{
	struct vm_map_entry *entry = vm_map_lookup(map, range->whole_start);

	for (; entry != NULL && entry->start < range->whole_end; entry = vm_map_next(map, entry)) {
		piece_spend(ENTRY_COST);
		if (!by_reference(entry)) {
			kern_return_t result = add_bytes(map, entry->start, entry->end, copy, rest);

			if (result != KERN_SUCCESS)
				return result;
		} else if (piece_add(copy, vm_map_entry_size(entry)) == NULL) {
			return KERN_RESOURCE_SHORTAGE;
		}
	}
	return KERN_SUCCESS;
}

/* Fills the pieces that prepare_whole left, beginning with the one at `link`. Cannot fail. */
static void take_whole(struct vm_map *map, const struct range *range, struct list *link)
{
	struct vm_map_entry *entry = vm_map_lookup(map, range->whole_start);

	for (; entry != NULL && entry->start < range->whole_end; entry = vm_map_next(map, entry), link = link->next) {
		struct vm_copy_piece *piece = container_of(link, struct vm_copy_piece, link);

		piece_spend(ENTRY_COST);
		if (!by_reference(entry) || entry->object == NULL)
			continue;
		piece->object = entry->object;
		piece->offset = entry->offset;
		if (range->destroy) {
			piece->needs_copy = entry->needs_copy;
			entry->object = NULL;
			continue;
		}
		vm_object_reference(entry->object);
		piece->needs_copy = true;
		if (!entry->needs_copy) {
			entry->needs_copy = true;
			if ((entry->protection & VM_PROT_WRITE) != 0)
				pmap_protect(map->pmap, entry->start, entry->end, VM_PROT_READ | VM_PROT_EXECUTE);
		}
	}
}

static kern_return_t copyin_locked(struct vm_map *map, const struct range *range, struct vm_map_copy *copy,
	struct vm_fault_rest *rest, struct list *removed)
{
	bool whole = range->whole_start < range->whole_end;
	kern_return_t result = vm_map_check(map, range->start, range->end, VM_PROT_READ);
	struct list *before;

	if (result != KERN_SUCCESS)
		return result;
	if (range->destroy && !vm_map_clip(map, range->start, range->end))
		return KERN_RESOURCE_SHORTAGE;
	if (whole && !vm_map_clip(map, range->whole_start, range->whole_end))
		return KERN_RESOURCE_SHORTAGE;
	if (!whole || range->first < range->whole_start)
		result = add_bytes(map, range->first, whole ? range->whole_start : range->last, copy, rest);
	before = copy->pieces.prev;
	if (whole && result == KERN_SUCCESS)
		result = prepare_whole(map, range, copy, rest);
	if (whole && result == KERN_SUCCESS && range->whole_end < range->last)
		result = add_bytes(map, range->whole_end, range->last, copy, rest);
	if (result != KERN_SUCCESS)
		return result;
	if (whole)
		take_whole(map, range, before->next);
	/* Clipped already: cannot fail. */
	return range->destroy ? vm_map_remove(map, range->start, range->end, removed) : KERN_SUCCESS;
}

kern_return_t vm_map_copyin(vm_map_t map, vm_address_t address, vm_size_t size, bool destroy, vm_map_copy_t *out)
{
	struct range range = {.first = address, .destroy = destroy};
	struct vm_fault_rest rest = {.unused = NULL};
	struct list removed = LIST_INIT(removed);
	struct vm_map_copy *copy;
	kern_return_t result = KERN_SUCCESS;

	if (!checked_add(address, size, &range.last) || !checked_page_range(address, size, &range.start, &range.end))
		return KERN_INVALID_ADDRESS;
	copy = copy_create(current_account(), size, address & VM_PAGE_MASK);
	if (copy == NULL)
		return KERN_RESOURCE_SHORTAGE;
	if (size != 0) {
		range.whole_start = round_page(address);
		range.whole_end = trunc_page(range.last);
		if (!destroy && range.end - range.start <= SMALL_PAGES * VM_PAGE_SIZE)
			range.whole_end = range.whole_start;
		lock_acquire(&map->lock);
		result = copyin_locked(map, &range, copy, &rest, &removed);
		lock_release(&map->lock);
		vm_fault_finish(&rest);
		if (!list_empty(&removed))
			vm_map_free_list(map, &removed);
	}
	if (result != KERN_SUCCESS) {
		vm_map_copy_discard(copy);
		return result;
	}
	*out = copy;
	return KERN_SUCCESS;
}

vm_map_copy_t vm_map_copy_of_object(vm_object_t object, vm_size_t size)
{
	struct vm_map_copy *copy = copy_create(object->account, size, 0);
	struct vm_copy_piece *piece = copy == NULL ? NULL : piece_add(copy, round_page(size));

	if (piece == NULL) {
		vm_map_copy_discard(copy);
		vm_object_deallocate(object);
		return NULL;
	}
	piece->object = object;
	return copy;
}

vm_map_copy_t vm_map_copy_from_kernel(const void *bytes, vm_size_t size)
{
	vm_object_t object = vm_object_create(current_account(), round_page(size));

	if (object == NULL)
		return NULL;
	for (vm_offset_t at = 0; at < size; at += VM_PAGE_SIZE) {
		struct vm_page *page = vm_page_grab(object->account);
		vm_size_t part = size - at < VM_PAGE_SIZE ? size - at : VM_PAGE_SIZE;

		if (page == NULL) {
			vm_object_deallocate(object);
			return NULL;
		}
		memcpy(vm_page_address(page), (const char *)bytes + at, part);
		memset((char *)vm_page_address(page) + part, 0, VM_PAGE_SIZE - part);
		page->dirty = true;
		vm_object_insert(object, page, at);
		piece_spend(PAGE_COST);
	}
	return vm_map_copy_of_object(object, size);
}

/* --- Copying out. */

/* Enters the few pages of a small copy at once: their receiver will look at them. */
static void enter_small(struct vm_map *map, struct vm_map_entry *entry)
{
	vm_object_t object = entry->object;

	if (object == NULL || entry->needs_copy || vm_map_entry_size(entry) > SMALL_PAGES * VM_PAGE_SIZE)
		return;
	lock_acquire(&object->lock);
	for (vm_address_t at = entry->start; at < entry->end; at += VM_PAGE_SIZE) {
		struct vm_page *page = vm_object_lookup(object, entry->offset + (at - entry->start));

		if (page != NULL)
			pmap_enter(map->pmap, at, page, vm_page_physical(page), entry->protection, 0);
	}
	lock_release(&object->lock);
}

kern_return_t vm_map_copyout(vm_map_t map, vm_address_t *address, vm_map_copy_t copy)
{
	struct list entries = LIST_INIT(entries), *link;
	vm_size_t size = 0;
	vm_address_t start = 0;
	kern_return_t result = KERN_SUCCESS;

	if (copy == NULL || copy->size == 0) {
		*address = 0;
		vm_map_copy_discard(copy);
		return KERN_SUCCESS;
	}
	lock_acquire(&map->lock);
	list_for_each (link, &copy->pieces) {
		struct vm_map_entry *entry = vm_map_entry_create(map);

		piece_spend(ENTRY_COST);
		if (entry == NULL) {
			result = KERN_RESOURCE_SHORTAGE;
			break;
		}
		list_add_tail(&entries, &entry->link);
		size += container_of(link, struct vm_copy_piece, link)->size;
	}
	if (result == KERN_SUCCESS && map->dead)
		result = KERN_TERMINATED;
	if (result == KERN_SUCCESS && !vm_map_find_space(map, &start, size, 0))
		result = KERN_NO_SPACE;
	if (result == KERN_SUCCESS)
		*address = start + copy->page_offset;
	while ((link = list_pop_head(&entries)) != NULL) {
		struct vm_map_entry *entry = container_of(link, struct vm_map_entry, link);
		struct vm_copy_piece *piece;

		if (result != KERN_SUCCESS) {
			vm_map_entry_free(map, entry);
			continue;
		}
		piece = container_of(list_pop_head(&copy->pieces), struct vm_copy_piece, link);
		entry->start = start;
		entry->end = start += piece->size;
		entry->object = piece->object;
		entry->offset = piece->offset;
		entry->needs_copy = piece->needs_copy;
		entry->protection = VM_PROT_DEFAULT;
		entry->max_protection = VM_PROT_ALL;
		entry->inheritance = VM_INHERIT_DEFAULT;
		kcache_free(&piece_cache, copy->account, piece);
		vm_map_link(map, entry);
		enter_small(map, entry);
		piece_spend(ENTRY_COST);
	}
	lock_release(&map->lock);
	if (result == KERN_SUCCESS)
		vm_map_copy_discard(copy); /* no pieces are left */
	return result;
}

/* --- The kernel's own look into copies. */

/* The piece with the page, whose offset becomes one in the piece; null beyond the end. */
static struct vm_copy_piece *piece_at(struct vm_map_copy *copy, vm_offset_t *offset)
{
	struct list *link;

	list_for_each (link, &copy->pieces) {
		struct vm_copy_piece *piece = container_of(link, struct vm_copy_piece, link);

		if (*offset < piece->size)
			return piece;
		*offset -= piece->size;
	}
	return NULL;
}

kern_return_t vm_map_copy_read(vm_map_copy_t copy, vm_offset_t offset, void *bytes, vm_size_t size)
{
	if (offset > copy->size || size > copy->size - offset)
		return KERN_INVALID_ARGUMENT;
	offset += copy->page_offset;
	while (size > 0) {
		vm_offset_t at = offset;
		struct vm_copy_piece *piece = piece_at(copy, &at);
		vm_size_t skip = at & VM_PAGE_MASK;
		vm_size_t part = VM_PAGE_SIZE - skip < size ? VM_PAGE_SIZE - skip : size;
		vm_offset_t page_at = piece->offset + trunc_page(at);
		vm_object_t holder;
		struct vm_page *page = vm_object_find(piece->object, &page_at, &holder);

		if (page != NULL)
			memcpy(bytes, (char *)vm_page_address(page) + skip, part);
		else if (holder == NULL)
			memset(bytes, 0, part);
		if (holder != NULL)
			lock_release(&holder->lock);
		if (page == NULL && holder != NULL)
			return KERN_RESTART;
		bytes = (char *)bytes + part;
		offset += part;
		size -= part;
	}
	return KERN_SUCCESS;
}

kern_return_t vm_map_copy_bring(vm_map_copy_t copy)
{
	struct vm_fault_rest rest = {.unused = NULL};
	kern_return_t result = KERN_SUCCESS;
	struct list *link;

	for (link = copy == NULL || !vm_page_private_queued ? NULL : copy->pieces.next;
		link != NULL && link != &copy->pieces && result == KERN_SUCCESS; link = link->next) {
		const struct vm_copy_piece *piece = container_of(link, struct vm_copy_piece, link);

		for (vm_offset_t at = 0; at < piece->size && result == KERN_SUCCESS; at += VM_PAGE_SIZE) {
			result = vm_fault_swapped(piece->object, piece->offset + at, &rest);
			piece_spend(LOOK_COST);
		}
	}
	vm_fault_finish(&rest);
	return result;
}

struct vm_page *vm_map_copy_take_page(vm_map_copy_t copy, vm_offset_t offset)
{
	struct vm_copy_piece *piece = copy->page_offset == 0 ? piece_at(copy, &offset) : NULL;
	struct vm_page *page;
	vm_object_t object;

	if (piece == NULL || piece->object == NULL || piece->needs_copy || piece->object->shared)
		return NULL;
	object = piece->object;
	lock_acquire(&object->lock);
	page = vm_object_lookup(object, piece->offset + offset);
	if (page != NULL && page->wire_count == 0) {
		vm_object_take_page(page);
		page->dirty = false;
	} else {
		page = NULL;
	}
	lock_release(&object->lock);
	return page;
}
