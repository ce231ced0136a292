/* The routines vm_*: what a task asks about the memory of a task. */
#include <kern/checked.h>
#include <kern/piece.h>
#include <kern/thread.h>
#include <string.h>
#include <stubs/mach_server.h>
#include <stubs/portolan_server.h>
#include <vm/vm.h>
#include <vm/vm_copy.h>
#include <vm/vm_map.h>

/* What an entry takes in the loops below, about (kern/piece.h). */
#define ENTRY_COST 60
#define SOME_BYTES (512 * VM_PAGE_SIZE) /* whose pages are lowered before a better thread runs */
#define OVERWRITE_PIECE 512 /* bytes, on the stack */
#define OVERWRITE_COST 500 /* of such a piece */

kern_return_t vm_allocate(vm_map_t map, vm_address_t *address, vm_size_t size, boolean_t anywhere)
{
	const struct vm_map_attributes attributes = {VM_PROT_DEFAULT, VM_PROT_ALL, VM_INHERIT_DEFAULT, false};

	if (size == 0) {
		*address = 0;
		return KERN_SUCCESS;
	}
	return vm_map_enter(map, address, size, 0, anywhere & VM_FLAGS_ANYWHERE, NULL, 0, &attributes);
}

/*
 * In pieces, each a deallocation of its own: between two the rest of the range is mapped as before. Others may map
 * memory where a piece has gone; it is theirs, for the next piece begins behind it.
 */
kern_return_t vm_deallocate(vm_map_t map, vm_address_t address, vm_size_t size)
{
	struct list removed = LIST_INIT(removed);
	vm_address_t start, end, at;

	if (!checked_page_range(address, size, &start, &end))
		return KERN_INVALID_ARGUMENT;
	for (at = piece_resume(map, start, end); at < end;) {
		lock_acquire(&map->lock);
		if (!vm_map_clip(map, at, end)) {
			lock_release(&map->lock);
			return KERN_RESOURCE_SHORTAGE;
		}
		at = vm_map_remove_some(map, at, end, &removed);
		lock_release(&map->lock);
		vm_map_free_list(map, &removed);
		if (at < end && piece_pause(map, start, end, at))
			return KERN_RESTART;
	}
	return KERN_SUCCESS;
}

/* Locks the map and splits entries at both ends of a range that entries cover. The map stays locked only on success. */
static kern_return_t lock_range(
	vm_map_t map, vm_address_t address, vm_size_t size, vm_address_t *start, vm_address_t *end)
{
	kern_return_t result;

	if (!checked_page_range(address, size, start, end))
		return KERN_INVALID_ARGUMENT;
	lock_acquire(&map->lock);
	result = vm_map_check(map, *start, *end, VM_PROT_NONE);
	if (result == KERN_SUCCESS && !vm_map_clip(map, *start, *end))
		result = KERN_RESOURCE_SHORTAGE;
	if (result != KERN_SUCCESS)
		lock_release(&map->lock);
	return result;
}

/*
 * Takes from an entry's pages, from `at` on, the access that it has lost. *at: how far it came, which is less than the
 * entry's end when a better thread is ready.
 */
static void lower(struct vm_map *map, struct vm_map_entry *entry, vm_address_t *at)
{
	while (*at < entry->end) {
		vm_address_t next = entry->end - *at < SOME_BYTES ? entry->end : *at + SOME_BYTES;

		pmap_protect(map->pmap, *at, next, entry->protection);
		*at = next;
		if (current_processor()->need_reschedule)
			return;
	}
}

/*
 * KERN_INVALID_ADDRESS when part of the range is not allocated, KERN_PROTECTION_FAILURE when an entry's maximum does
 * not allow it: nothing done. An entry gets its new protection first and then, in pieces, its pages do; what it has
 * when the call goes on after a pause, from us or from others, is what its other pages are lowered to.
 */
kern_return_t vm_protect(
	vm_map_t map, vm_address_t address, vm_size_t size, boolean_t set_maximum, vm_prot_t new_protection)
{
	struct vm_map_entry *entry;
	vm_address_t start, end, at;
	kern_return_t result;

	if ((new_protection & ~VM_PROT_ALL) != 0)
		return KERN_INVALID_ARGUMENT;
	result = lock_range(map, address, size, &start, &end);
	if (result != KERN_SUCCESS)
		return result;
	at = piece_resume(map, start, end);
	for (entry = vm_map_lookup(map, at); entry != NULL && entry->start < end; entry = vm_map_next(map, entry)) {
		piece_spend(ENTRY_COST);
		if ((new_protection & ~entry->max_protection) != 0)
			result = KERN_PROTECTION_FAILURE;
	}
	for (entry = vm_map_lookup(map, at); result == KERN_SUCCESS && at < end; entry = vm_map_next(map, entry)) {
		bool resumed = at > entry->start;
		uint8_t old = entry->protection;

		if (set_maximum) {
			entry->max_protection = (uint8_t)new_protection;
			entry->protection &= (uint8_t)new_protection;
		} else {
			entry->protection = (uint8_t)new_protection;
		}
		piece_spend(ENTRY_COST);
		/* More access comes with the next fault. */
		if (resumed || (old & ~entry->protection) != 0)
			lower(map, entry, &at);
		else
			at = entry->end;
		if (at < end && piece_pause(map, start, end, at))
			result = KERN_RESTART;
	}
	lock_release(&map->lock);
	return result;
}

kern_return_t vm_inherit(vm_map_t map, vm_address_t address, vm_size_t size, vm_inherit_t new_inheritance)
{
	vm_address_t start, end;
	kern_return_t result;

	if (new_inheritance > VM_INHERIT_NONE)
		return KERN_INVALID_ARGUMENT;
	result = lock_range(map, address, size, &start, &end);
	if (result != KERN_SUCCESS)
		return result;
	for (struct vm_map_entry *entry = vm_map_lookup(map, start); entry != NULL && entry->start < end;
		entry = vm_map_next(map, entry)) {
		entry->inheritance = (uint8_t)new_inheritance;
		piece_spend(ENTRY_COST);
	}
	lock_release(&map->lock);
	return KERN_SUCCESS;
}

/* --- Contents. */

kern_return_t vm_read(
	vm_map_t map, vm_address_t address, vm_size_t size, vm_map_copy_t *data, mach_msg_type_number_t *data_count)
{
	kern_return_t result;

	if (size > UINT32_MAX)
		return KERN_INVALID_ARGUMENT;
	result = vm_map_copyin(map, address, size, false, data);
	if (result == KERN_SUCCESS)
		*data_count = (mach_msg_type_number_t)size;
	return result;
}

/*
 * Writes a copy's bytes over a range: all of them, or none and an error (KERN_RESTART as vm_fault). The whole range is
 * checked, and every page of it made present, before the first is written, all in one hold of the map's lock; so it
 * must fit in memory at once.
 */
static kern_return_t overwrite(vm_map_t map, vm_address_t address, vm_map_copy_t data)
{
	struct vm_fault_rest rest = {.unused = NULL};
	vm_size_t size = vm_map_copy_size(data);
	vm_address_t start, end;
	kern_return_t result;

	if (size == 0)
		return KERN_SUCCESS;
	if (!checked_page_range(address, size, &start, &end))
		return KERN_INVALID_ADDRESS;
	if ((end - start) >> VM_PAGE_SHIFT > vm_page_counts.total)
		return KERN_RESOURCE_SHORTAGE;
	result = vm_map_copy_bring(data);
	if (result != KERN_SUCCESS)
		return result;
	lock_acquire(&map->lock);
	result = vm_map_check(map, start, end, VM_PROT_WRITE);
	if (result == KERN_SUCCESS)
		result = vm_map_make_present(map, start, end, VM_PROT_WRITE, &rest);
	for (vm_offset_t at = 0; result == KERN_SUCCESS && at < size;) {
		vm_size_t part = OVERWRITE_PIECE - ((address + at) & (OVERWRITE_PIECE - 1));
		char bytes[OVERWRITE_PIECE];
		struct vm_page *page;
		uint64_t physical;

		/* By way of the stack: what reads the copy takes locks that must not be while the page is held. */
		part = part < size - at ? part : size - at;
		result = vm_map_copy_read(data, at, bytes, part);
		physical = result == KERN_SUCCESS ? pmap_hold(map->pmap, address + at, VM_PROT_WRITE) : 0;
		if (physical == 0) { /* taken away again */
			result = KERN_RESTART;
			break;
		}
		/* A write through the kernel's map leaves no mark in the task's page table. */
		page = vm_page_lookup_physical(physical);
		if (page != NULL)
			page->dirty = true;
		memcpy(physical_to_virtual(physical), bytes, part);
		pmap_let_go(map->pmap, physical);
		at += part;
		piece_spend(OVERWRITE_COST);
	}
	lock_release(&map->lock);
	vm_fault_finish(&rest);
	return result;
}

kern_return_t vm_write(vm_map_t map, vm_address_t address, vm_map_copy_t data, mach_msg_type_number_t)
{
	kern_return_t result = overwrite(map, address, data);

	if (result == KERN_SUCCESS)
		vm_map_copy_discard(data);
	return result;
}

kern_return_t vm_copy(vm_map_t map, vm_address_t source_address, vm_size_t size, vm_address_t dest_address)
{
	vm_map_copy_t data;
	kern_return_t result = vm_map_copyin(map, source_address, size, false, &data);

	if (result != KERN_SUCCESS)
		return result;
	result = overwrite(map, dest_address, data);
	vm_map_copy_discard(data);
	return result;
}

/* --- Looking. */

kern_return_t vm_region(vm_map_t map, vm_address_t *address, vm_size_t *size, vm_prot_t *protection,
	vm_prot_t *max_protection, vm_inherit_t *inheritance, boolean_t *is_shared, vm_offset_t *offset)
{
	struct vm_map_entry *entry;

	lock_acquire(&map->lock);
	entry = vm_map_lookup(map, *address);
	if (entry != NULL) {
		*address = entry->start;
		*size = vm_map_entry_size(entry);
		*protection = entry->protection;
		*max_protection = entry->max_protection;
		*inheritance = entry->inheritance;
		*is_shared = entry->object != NULL && entry->object->shared && !entry->needs_copy;
		*offset = entry->offset;
	}
	lock_release(&map->lock);
	return entry == NULL ? KERN_NO_SPACE : KERN_SUCCESS;
}

/* Map locked. */
static int query_page(struct vm_map *map, const struct vm_map_entry *entry, vm_address_t address)
{
	vm_offset_t offset = entry->offset + (address - entry->start);
	int result = 0;
	vm_object_t holder;
	struct vm_page *page = vm_object_find(entry->object, &offset, &holder);

	if (holder == NULL)
		return 0;
	if (page == NULL) {
		result = VM_PAGE_QUERY_PAGE_PAGED_OUT;
	} else if (!page->absent && !page->error) {
		result = VM_PAGE_QUERY_PAGE_PRESENT;
		result |= pmap_page_referenced(page, false) ? VM_PAGE_QUERY_PAGE_REF : 0;
		result |= page->dirty || pmap_page_modified(page, false) ? VM_PAGE_QUERY_PAGE_DIRTY : 0;
		result |= holder != entry->object && holder->swap_area == 0 ? VM_PAGE_QUERY_PAGE_COPIED : 0;
		result |= holder->pager != NULL && holder->swap_area == 0 ? VM_PAGE_QUERY_PAGE_EXTERNAL : 0;
		result |= pmap_extract(map->pmap, address, VM_PROT_NONE) != 0 ? VM_PAGE_QUERY_PAGE_MAPPED : 0;
	}
	lock_release(&holder->lock);
	return result;
}

kern_return_t vm_page_range_query(
	vm_map_t map, vm_address_t address, int *dispositions, mach_msg_type_number_t *dispositions_count)
{
	if ((address & VM_PAGE_MASK) != 0)
		return KERN_INVALID_ARGUMENT;
	*dispositions_count = VM_PAGE_QUERY_MAX;
	lock_acquire(&map->lock);
	for (unsigned i = 0; i < VM_PAGE_QUERY_MAX; i++, address += VM_PAGE_SIZE) {
		const struct vm_map_entry *entry = vm_map_lookup(map, address);

		dispositions[i] = entry != NULL && entry->start <= address ? query_page(map, entry, address) : 0;
	}
	lock_release(&map->lock);
	return KERN_SUCCESS;
}

kern_return_t vm_statistics(vm_map_t, vm_statistics_data_t *vm_stats)
{
	const struct vm_page_counts *counts = &vm_page_counts;

	*vm_stats = (vm_statistics_data_t){.pagesize = VM_PAGE_SIZE,
		.free_count = counts->free + vm_page_magazines(),
		.active_count = counts->active,
		.inactive_count = counts->inactive,
		/* Neither free nor to be had by page-out: the kernel's, anonymous and wired memory. */
		.wire_count = counts->total - counts->free - counts->active - counts->inactive,
		.total_count = counts->total,
		.zero_fill_count = counts->zero_fills,
		.reactivations = counts->reactivations,
		.pageins = counts->pageins,
		.pageouts = counts->pageouts,
		.faults = counts->faults,
		.cow_faults = counts->copies,
		.anonymous_count = counts->anonymous};
	return KERN_SUCCESS;
}

/* --- Word waits. */

/* The object's number, which it gets when it is asked for first. Lock order: after maps. */
static uint64_t number_of(vm_object_t object)
{
	lock_acquire(&object->lock);
	if (object->number == 0)
		object->number = vm_number();
	lock_release(&object->lock);
	return object->number;
}

kern_return_t vm_word_key(vm_map_t map, vm_address_t address, bool shared, struct word_key *key)
{
	struct vm_map_entry *entry;
	kern_return_t result = KERN_SUCCESS;

	*key = (struct word_key){map->number, address | 1};
	if (!shared)
		return KERN_SUCCESS;
	lock_acquire(&map->lock);
	entry = vm_map_lookup(map, address);
	if (entry == NULL || entry->start > address) {
		result = KERN_INVALID_ADDRESS;
		lock_release(&map->lock);
		return result;
	}
	/* Memory that a child will share counts as shared already, so that the key stays the same when it does. */
	if (entry->inheritance == VM_INHERIT_SHARE && (entry->object == NULL || vm_object_anonymous(entry->object))) {
		result = vm_map_entry_own(map, entry);
		if (result == KERN_SUCCESS)
			entry->object->shared = true;
	}
	if (result == KERN_SUCCESS && entry->object != NULL && entry->object->shared && !entry->needs_copy)
		*key = (struct word_key){number_of(entry->object), (entry->offset + (address - entry->start)) | 1};
	lock_release(&map->lock);
	return result;
}
