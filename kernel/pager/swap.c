/* The slots of swap areas: who has them, and how pages of anonymous memory go out and come back. */
#include <kern/piece.h>
#include <kern/thread.h>
#include <pager/swap_private.h>
#include <vm/memory_object.h>
#include <vm/pmap.h>
#include <vm/vm.h>

#define SLOT_CLUSTER  32  /* pages that go out together, at most */
#define READ_AHEAD    16  /* slots */
#define MESSAGES_MAX  16  /* that the default pager has not dealt with, before nothing more goes out */
#define SHORT_PART    4   /* of the slots: with fewer free, pages give theirs back as they come in */
#define SLOT_COST     60  /* instructions, about, in loops (kern/piece.h) */

struct swap_area swap_areas[SWAP_AREAS];

static struct swap_area *area_of(vm_object_t object)
{
	return &swap_areas[object->swap_area - 1];
}

vm_object_t swap_object(const struct swap_slot *slot)
{
	return swap_areas[slot->area].object;
}

static uint32_t *hash_at(const struct swap_area *area, vm_object_t object, uint32_t page)
{
	return &area->hash[((uint32_t)((uintptr_t)object >> 6) * 31 + page) & area->hash_mask];
}

struct swap_slot *swap_look_up(vm_object_t object, vm_offset_t offset)
{
	for (struct swap_area *area = swap_areas; area < &swap_areas[SWAP_AREAS]; area++) {
		struct swap_slot *slot;
		uint32_t number;

		if (area->slots == 0)
			continue;
		lock_acquire_nested(&area->object->lock);
		number = area->slots != 0 ? *hash_at(area, object, (uint32_t)(offset >> VM_PAGE_SHIFT)) : 0;
		for (; number != 0; number = slot->hash_next) {
			slot = swap_slot_at(area, number);
			if (slot->object == object && slot->page == offset >> VM_PAGE_SHIFT)
				return slot;
		}
		lock_release(&area->object->lock);
	}
	return NULL;
}

bool swap_has(vm_object_t object, vm_offset_t offset)
{
	struct swap_slot *slot = swap_find(object, offset);

	if (slot != NULL)
		lock_release(&swap_object(slot)->lock);
	return slot != NULL;
}

vm_offset_t swap_run_end(vm_object_t object, vm_offset_t offset)
{
	const struct swap_area *area = area_of(object);
	uint32_t number = (uint32_t)(offset >> VM_PAGE_SHIFT), end = number + 1;

	while (end < area->slots && end - number < READ_AHEAD && swap_slot_at(area, end)->object != NULL)
		end++;
	return (vm_offset_t)end << VM_PAGE_SHIFT;
}

uint64_t swap_free_pages(void)
{
	uint64_t sum = 0;

	/* Without the locks, here and below: a look. */
	for (const struct swap_area *area = swap_areas; area < &swap_areas[SWAP_AREAS]; area++)
		if (!area->closing)
			sum += area->free;
	return sum;
}

bool swap_is_short(void)
{
	uint64_t sum = 0;

	for (const struct swap_area *area = swap_areas; area < &swap_areas[SWAP_AREAS]; area++)
		if (!area->closing)
			sum += area->slots;
	return swap_free_pages() < sum / SHORT_PART;
}

static bool works(const struct swap_area *area)
{
	return area->free != 0 && !area->closing && area->object->pager->state == MEMORY_OBJECT_READY;
}

bool swap_is_busy(void)
{
	for (const struct swap_area *area = swap_areas; area < &swap_areas[SWAP_AREAS]; area++)
		if (area->free != 0 && area->object->pager->returning >= MESSAGES_MAX)
			return machine_now() < area->object->pager->return_deadline;
	return false;
}

/* --- Giving slots to objects and taking them back; both locked in all of these. */

static void hash_in(struct swap_area *area, struct swap_slot *slot)
{
	uint32_t *head = hash_at(area, slot->object, slot->page);

	slot->hash_next = *head;
	*head = slot->number;
}

static void hash_out(struct swap_area *area, struct swap_slot *slot)
{
	uint32_t *at = hash_at(area, slot->object, slot->page);

	while (*at != slot->number)
		at = &swap_slot_at(area, *at)->hash_next;
	*at = slot->hash_next;
}

static void bind(struct swap_area *area, struct swap_slot *slot, vm_object_t object, vm_offset_t offset)
{
	slot->object = object;
	slot->page = (uint32_t)(offset >> VM_PAGE_SHIFT);
	hash_in(area, slot);
	list_add_tail(&object->slots, &slot->link);
	object->swapped++;
}

static void unbind(struct swap_area *area, struct swap_slot *slot)
{
	hash_out(area, slot);
	list_remove(&slot->link);
	slot->object->swapped--;
	slot->object = NULL;
}

/* Makes a slot free if nothing holds it. */
static void set_free(struct swap_area *area, struct swap_slot *slot)
{
	uint64_t bit = 1ull << slot->number % 64;

	if (slot->object != NULL || slot->leaving != 0 || slot->bad)
		return;
	area->free += (area->taken[slot->number / 64] & bit) != 0;
	area->taken[slot->number / 64] &= ~bit;
}

void swap_take(struct swap_slot *slot, struct vm_page *page)
{
	struct swap_area *area = &swap_areas[slot->area];
	vm_object_t object = slot->object;

	vm_page_enqueue(page, VM_PAGE_UNQUEUED);
	vm_object_remove(page);
	vm_object_insert(object, page, (vm_offset_t)slot->page << VM_PAGE_SHIFT);
	page->dirty = true;
	vm_page_bill(page, accounts[slot->account], false);
	vm_page_bill_swapped(accounts[slot->account], -1);
	if (page->wire_count == 0)
		vm_page_enqueue_private(page);
	unbind(area, slot);
	set_free(area, slot);
}

/* With what the area's object has of it, unless that is being asked for. */
static void give_up(struct swap_area *area, struct swap_slot *slot)
{
	struct vm_page *page = vm_object_lookup(area->object, swap_offset(slot));

	if (page != NULL && !page->busy)
		vm_object_free_page(page);
	unbind(area, slot);
	vm_page_bill_swapped(accounts[slot->account], -1);
	set_free(area, slot);
	piece_spend(SLOT_COST);
}

void swap_free(vm_object_t object, vm_offset_t start, vm_offset_t end)
{
	struct list *link, *next;
	struct swap_slot *slot;

	if ((end - start) >> VM_PAGE_SHIFT < object->swapped) {
		for (; start < end; start += VM_PAGE_SIZE) {
			slot = swap_find(object, start);
			piece_spend(SLOT_COST);
			if (slot == NULL)
				continue;
			give_up(&swap_areas[slot->area], slot);
			lock_release(&swap_object(slot)->lock);
		}
		return;
	}
	for (link = object->slots.next; link != &object->slots; link = next) {
		vm_offset_t offset;

		next = link->next;
		slot = container_of(link, struct swap_slot, link);
		offset = (vm_offset_t)slot->page << VM_PAGE_SHIFT;
		if (offset < start || offset >= end)
			continue;
		lock_acquire_nested(&swap_object(slot)->lock);
		give_up(&swap_areas[slot->area], slot);
		lock_release(&swap_object(slot)->lock);
	}
}

vm_offset_t swap_first(vm_object_t object, vm_offset_t start, vm_offset_t end)
{
	vm_offset_t first = end;
	struct list *link;

	if ((end - start) >> VM_PAGE_SHIFT < object->swapped) {
		for (; start < end && !swap_has(object, start); start += VM_PAGE_SIZE)
			piece_spend(SLOT_COST);
		return start;
	}
	list_for_each (link, &object->slots) {
		vm_offset_t at = (vm_offset_t)container_of(link, struct swap_slot, link)->page << VM_PAGE_SHIFT;

		if (at >= start && at < first)
			first = at;
		piece_spend(SLOT_COST);
	}
	return first;
}

void swap_take_over(vm_object_t object, vm_object_t shadow)
{
	while (!list_empty(&shadow->slots)) {
		struct swap_slot *slot = list_first(&shadow->slots, struct swap_slot, link);
		vm_offset_t offset = ((vm_offset_t)slot->page << VM_PAGE_SHIFT) - object->shadow_offset;
		struct swap_area *area = &swap_areas[slot->area];
		bool hidden = offset >= object->size || vm_object_lookup(object, offset) != NULL ||
			      swap_has(object, offset);

		lock_acquire_nested(&area->object->lock);
		if (hidden) {
			give_up(area, slot);
		} else {
			unbind(area, slot);
			bind(area, slot, object, offset);
		}
		lock_release(&area->object->lock);
		piece_spend(SLOT_COST);
	}
}

bool swap_covered(vm_object_t object, vm_object_t shadow)
{
	struct list *link;

	list_for_each (link, &shadow->slots) {
		struct swap_slot *slot = container_of(link, struct swap_slot, link);
		vm_offset_t offset = ((vm_offset_t)slot->page << VM_PAGE_SHIFT) - object->shadow_offset;

		piece_spend(SLOT_COST);
		if (offset >= object->size || vm_object_lookup(object, offset) != NULL || swap_has(object, offset))
			continue;
		/* It is looked at first the next time. */
		list_remove(&slot->link);
		list_add_head(&shadow->slots, &slot->link);
		return false;
	}
	return true;
}

/* --- Going out. */

/* Up to *count free slots in a row, which are the caller's; the first one's number, or 0: none was found. Area locked. */
static uint32_t take_run(struct swap_area *area, uint32_t *count)
{
	uint32_t words = (area->slots + 63) / 64, first = 0, most = *count;

	*count = 0;
	for (uint32_t i = 0; i <= words && *count == 0 && area->free != 0; i++) {
		uint32_t at = area->next / 64;
		uint64_t free = ~area->taken[at] & ~0ull << area->next % 64;

		piece_spend(10);
		if (free != 0)
			area->next = at * 64 + (uint32_t)__builtin_ctzll(free);
		for (first = area->next; free != 0 && *count < most && area->next / 64 == at; area->next++) {
			struct vm_page *old = vm_object_lookup(area->object, (vm_offset_t)area->next << VM_PAGE_SHIFT);

			/* What was read ahead of a slot that is free now; what is still being read keeps it. */
			if ((area->taken[at] & 1ull << area->next % 64) != 0 || (old != NULL && old->busy)) {
				area->next += *count == 0;
				break;
			}
			if (old != NULL)
				vm_object_free_page(old);
			area->taken[at] |= 1ull << area->next % 64;
			area->free--;
			++*count;
		}
		if (free == 0)
			area->next = (at + 1) * 64;
		if (area->next >= area->slots)
			area->next = 0;
	}
	return first;
}

/* The area that gives slots for up to *count pages, its object locked. */
static struct swap_area *find_slots(uint32_t *first, uint32_t *count)
{
	uint32_t most = *count;

	for (struct swap_area *area = swap_areas; area < &swap_areas[SWAP_AREAS]; area++) {
		if (area->free == 0 || area->object->pager->returning >= MESSAGES_MAX)
			continue;
		lock_acquire_nested(&area->object->lock);
		*count = most;
		if (works(area) && (*first = take_run(area, count), *count != 0))
			return area;
		lock_release(&area->object->lock);
	}
	return NULL;
}

static bool may_go(const struct vm_page *page)
{
	return page != NULL && page->queue != VM_PAGE_UNQUEUED && !page->busy && page->wire_count == 0;
}

bool swap_out(struct vm_page *page)
{
	vm_object_t object = page->object;
	struct vm_page *pages[SLOT_CLUSTER];
	uint32_t first = 0, count = 0, found = 0;
	struct swap_area *area = NULL;
	vm_offset_t offset = page->offset;

	do {
		pages[count++] = page;
		offset += VM_PAGE_SIZE;
		page = vm_object_lookup(object, offset);
		piece_spend(SLOT_COST);
	} while (count < SLOT_CLUSTER && may_go(page) && !pmap_page_referenced(page, false));
	found = count;
	if (offset >> VM_PAGE_SHIFT <= UINT32_MAX)
		area = find_slots(&first, &found);
	if (area == NULL) {
		lock_release(&object->lock);
		return false;
	}
	for (uint32_t i = 0; i < found; i++) {
		struct swap_slot *slot = swap_slot_at(area, first + i);

		page = pages[i];
		bind(area, slot, object, page->offset);
		slot->account = page->account;
		vm_page_bill_swapped(accounts[page->account], 1);
		vm_page_enqueue(page, VM_PAGE_UNQUEUED);
		vm_page_bill(page, area->object->account, true);
		vm_object_remove(page);
		vm_object_insert(area->object, page, swap_offset(slot));
		page->dirty = true;
		vm_page_enqueue(page, VM_PAGE_INACTIVE);
		piece_spend(SLOT_COST);
	}
	lock_release(&object->lock);
	/* Without memory for the message they wait on the queue, as the area's pages. */
	(void)memory_object_clean(area->object, (vm_offset_t)first << VM_PAGE_SHIFT,
		(vm_offset_t)(first + found) << VM_PAGE_SHIFT, MEMORY_OBJECT_RETURN_DIRTY, true);
	lock_release(&area->object->lock);
	return true;
}

bool swap_give_back(struct vm_page *page)
{
	struct swap_area *area = area_of(page->object);
	struct swap_slot *slot = area->slots != 0 ? swap_slot_at(area, page->offset >> VM_PAGE_SHIFT) : NULL;
	vm_object_t object = slot != NULL ? slot->object : NULL;

	if (object != NULL && (!page->dirty || (!slot->bad && page->object->pager->state == MEMORY_OBJECT_READY)))
		return false;
	if (object == NULL) {
		vm_object_free_page(page);
	} else if (lock_try(&object->lock)) { /* it has the slot, so it is not gone */
		swap_take(slot, page);
		lock_release(&object->lock);
	} else {
		vm_page_enqueue(page, VM_PAGE_ACTIVE);
	}
	return true;
}

void swap_leaving(vm_object_t object, vm_offset_t offset, vm_size_t size)
{
	struct swap_area *area = area_of(object);

	for (vm_offset_t at = offset; at < offset + size && area->slots != 0; at += VM_PAGE_SIZE)
		swap_slot_at(area, at >> VM_PAGE_SHIFT)->leaving++;
}

void swap_returned(vm_object_t object, vm_offset_t offset, vm_size_t size)
{
	struct swap_area *area = area_of(object);

	lock_acquire_nested(&object->lock);
	for (vm_offset_t at = offset; at < offset + size && area->slots != 0; at += VM_PAGE_SIZE) {
		struct swap_slot *slot = swap_slot_at(area, at >> VM_PAGE_SHIFT);

		slot->leaving -= slot->leaving != 0; /* 0: of a time before the area was switched off and on */
		set_free(area, slot);
	}
	lock_release(&object->lock);
}

void swap_refused(vm_object_t object, vm_offset_t offset)
{
	if (area_of(object)->slots != 0)
		swap_slot_at(area_of(object), offset >> VM_PAGE_SHIFT)->bad = true;
}
