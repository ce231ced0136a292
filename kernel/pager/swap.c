/* The slots of swap areas: who has them, and how pages of anonymous memory go out and come back. */
#include <ipc/ipc.h>
#include <kern/kalloc.h>
#include <kern/piece.h>
#include <kern/thread.h>
#include <stubs/portolan_server.h>
#include <string.h>
#include <vm/memory_object.h>
#include <vm/pmap.h>
#include <vm/vm.h>
#include <vm/vm_map.h>
#include <vm/vm_pageout.h>
#include <vm/vm_swap.h>

#define AREAS_MAX     4
#define SLOT_CLUSTER  32  /* pages that go out together, at most */
#define READ_AHEAD    16  /* slots */
#define MESSAGES_MAX  16  /* that the default pager has not dealt with, before nothing more goes out */
#define CHUNK_SLOTS   (VM_PAGE_SIZE / sizeof(struct swap_slot))
#define HASH_MAX      (512 * VM_PAGE_SIZE / sizeof(uint32_t))
#define SLOT_COST     60  /* instructions, about, in loops (kern/piece.h) */

/* All but the object is under the object's lock, and the name, which is written once. Slot 0 is the page in which the
 * area says that it is one. */
struct swap_area {
	vm_object_t object; /* a reference; once set it stays */
	uint32_t slots, free; /* 0: switched off */
	uint32_t next;        /* where free slots are looked for first */
	uint32_t hash_mask;
	bool closing; /* gives no slots out */
	struct swap_slot **chunks;
	uint64_t *taken; /* bit per slot: not FREE */
	uint32_t *hash;  /* number of the first slot, by object and page */
	kernel_debug_name_t name;
};

static struct swap_area areas[AREAS_MAX];

static struct swap_slot *slot_at(const struct swap_area *area, uint64_t number)
{
	return &area->chunks[number / CHUNK_SLOTS][number % CHUNK_SLOTS];
}

static struct swap_area *area_of(vm_object_t object)
{
	return &areas[object->swap_area - 1];
}

vm_object_t swap_object(const struct swap_slot *slot)
{
	return areas[slot->area].object;
}

static uint32_t *hash_at(const struct swap_area *area, vm_object_t object, uint32_t page)
{
	return &area->hash[((uint32_t)((uintptr_t)object >> 6) * 31 + page) & area->hash_mask];
}

struct swap_slot *swap_look_up(vm_object_t object, vm_offset_t offset)
{
	for (struct swap_area *area = areas; area < &areas[AREAS_MAX]; area++) {
		struct swap_slot *slot;
		uint32_t number;

		if (area->slots == 0)
			continue;
		lock_acquire_nested(&area->object->lock);
		number = area->slots != 0 ? *hash_at(area, object, (uint32_t)(offset >> VM_PAGE_SHIFT)) : 0;
		for (; number != 0; number = slot->hash_next) {
			slot = slot_at(area, number);
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

	while (end < area->slots && end - number < READ_AHEAD && slot_at(area, end)->object != NULL)
		end++;
	return (vm_offset_t)end << VM_PAGE_SHIFT;
}

uint64_t swap_free_pages(void)
{
	uint64_t sum = 0;

	/* Without the locks, here and below: a look. */
	for (const struct swap_area *area = areas; area < &areas[AREAS_MAX]; area++)
		if (!area->closing)
			sum += area->free;
	return sum;
}

bool swap_is_short(void)
{
	uint64_t sum = 0;

	for (const struct swap_area *area = areas; area < &areas[AREAS_MAX]; area++)
		if (!area->closing)
			sum += area->slots;
	return swap_free_pages() < sum / 2;
}

static bool works(const struct swap_area *area)
{
	return area->free != 0 && !area->closing && area->object->pager->state == MEMORY_OBJECT_READY;
}

bool swap_is_busy(void)
{
	for (const struct swap_area *area = areas; area < &areas[AREAS_MAX]; area++)
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
		at = &slot_at(area, *at)->hash_next;
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
	struct swap_area *area = &areas[slot->area];
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
			give_up(&areas[slot->area], slot);
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
		give_up(&areas[slot->area], slot);
		lock_release(&swap_object(slot)->lock);
	}
}

void swap_take_over(vm_object_t object, vm_object_t shadow)
{
	while (!list_empty(&shadow->slots)) {
		struct swap_slot *slot = list_first(&shadow->slots, struct swap_slot, link);
		vm_offset_t offset = ((vm_offset_t)slot->page << VM_PAGE_SHIFT) - object->shadow_offset;
		struct swap_area *area = &areas[slot->area];
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

	for (struct swap_area *area = areas; area < &areas[AREAS_MAX]; area++) {
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
		struct swap_slot *slot = slot_at(area, first + i);

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
	struct swap_slot *slot;
	vm_object_t object;

	slot = area->slots != 0 ? slot_at(area, page->offset >> VM_PAGE_SHIFT) : NULL;
	object = slot != NULL ? slot->object : NULL;
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
		slot_at(area, at >> VM_PAGE_SHIFT)->leaving++;
}

void swap_returned(vm_object_t object, vm_offset_t offset, vm_size_t size)
{
	struct swap_area *area = area_of(object);

	lock_acquire_nested(&object->lock);
	for (vm_offset_t at = offset; at < offset + size && area->slots != 0; at += VM_PAGE_SIZE) {
		struct swap_slot *slot = slot_at(area, at >> VM_PAGE_SHIFT);

		slot->leaving -= slot->leaving != 0; /* 0: of a time before the area was switched off and on */
		set_free(area, slot);
	}
	lock_release(&object->lock);
}

void swap_refused(vm_object_t object, vm_offset_t offset)
{
	if (area_of(object)->slots != 0)
		slot_at(area_of(object), offset >> VM_PAGE_SHIFT)->bad = true;
}

/* --- Switching areas on and off. */

static struct lock switch_lock = LOCK_INIT(LOCK_RANK_VM_OBJECT_TABLE); /* which areas there are */

static uint32_t chunk_count(const struct swap_area *area)
{
	return (area->slots + (uint32_t)CHUNK_SLOTS - 1) / (uint32_t)CHUNK_SLOTS;
}

static void free_tables(struct swap_area *area)
{
	struct account *account = area->object->account;

	for (uint32_t i = 0; area->chunks != NULL && i < chunk_count(area); i++)
		kfree(account, area->chunks[i], VM_PAGE_SIZE);
	kfree(account, area->chunks, chunk_count(area) * sizeof(*area->chunks));
	kfree(account, area->taken, (area->slots / 64 + 1) * sizeof(*area->taken));
	kfree(account, area->hash, (area->hash_mask + 1) * sizeof(*area->hash));
	area->chunks = NULL;
	area->taken = NULL;
	area->hash = NULL;
}

/* Tables for area->slots. False: no memory. */
static bool make_tables(struct swap_area *area)
{
	struct account *account = area->object->account;
	bool made;

	for (area->hash_mask = 63; area->hash_mask < area->slots / 2 && area->hash_mask + 1 < HASH_MAX;)
		area->hash_mask = area->hash_mask * 2 + 1;
	area->chunks = kalloc(account, chunk_count(area) * sizeof(*area->chunks));
	area->taken = kalloc(account, (area->slots / 64 + 1) * sizeof(*area->taken));
	area->hash = kalloc(account, (area->hash_mask + 1) * sizeof(*area->hash));
	made = area->chunks != NULL && area->taken != NULL && area->hash != NULL;
	for (uint32_t i = 0; made && i < chunk_count(area); i++)
		made = (area->chunks[i] = kalloc(account, VM_PAGE_SIZE)) != NULL;
	if (!made) {
		free_tables(area);
		return false;
	}
	for (uint32_t i = 0; i < area->slots; i++) {
		slot_at(area, i)->number = i;
		slot_at(area, i)->area = (uint8_t)(area - areas);
		piece_spend(SLOT_COST / 8);
	}
	area->taken[0] = 1;
	area->taken[area->slots / 64] |= ~0ull << area->slots % 64;
	return true;
}

/* The area of the object, or one of none; null: there are too many. */
static struct swap_area *area_for(vm_object_t object)
{
	for (struct swap_area *area = areas; area < &areas[AREAS_MAX]; area++)
		if (area->object == object || area->object == NULL)
			return area;
	return NULL;
}

/* The port is consumed on success. KERN_NAME_EXISTS: it is on already. */
kern_return_t host_swap_on(host_t host, struct ipc_port *memory_object, uint64_t pages, const char *name)
{
	struct ipc_port *right;
	struct swap_area *area;
	vm_object_t object;
	kern_return_t result;

	if (host == NULL)
		return KERN_INVALID_HOST;
	if (memory_object == NULL || pages < 2 || pages > UINT32_MAX - 64)
		return KERN_INVALID_ARGUMENT;
	right = ipc_port_copy_send(memory_object);
	result = memory_object_enter(right, &object);
	if (result != KERN_SUCCESS) {
		ipc_port_release_send(right);
		return result;
	}
	lock_acquire(&switch_lock);
	area = area_for(object);
	result = area == NULL ? KERN_RESOURCE_SHORTAGE : area->slots != 0 ? KERN_NAME_EXISTS : KERN_SUCCESS;
	if (result == KERN_SUCCESS) {
		if (area->object == NULL)
			vm_object_reference(area->object = object);
		lock_acquire(&object->lock);
		object->swap_area = (uint8_t)(area - areas + 1);
		area->slots = (uint32_t)pages;
		area->next = 1;
		strncpy(area->name, name, sizeof(area->name) - 1);
		if (make_tables(area)) {
			vm_page_private_queued = true;
			area->free = area->slots - 1;
		} else {
			area->slots = 0;
			result = KERN_RESOURCE_SHORTAGE;
		}
		lock_release(&object->lock);
	}
	lock_release(&switch_lock);
	vm_object_deallocate(object);
	if (result == KERN_SUCCESS)
		ipc_port_release_send(memory_object);
	return result;
}

/* Tries again a little later. */
static kern_return_t nap(const void *event)
{
	assert_wait_deadline(event, true, machine_now() + SHORTAGE_NAP_NS); /* nobody wakes it */
	return KERN_RESTART;
}

/* The page of a slot goes back to its object, if one has it. KERN_RESTART when that takes time. */
static kern_return_t bring_back(struct swap_area *area, uint32_t number)
{
	struct swap_slot *slot = slot_at(area, number);
	struct vm_fault_rest rest = {.unused = NULL};
	kern_return_t result = KERN_SUCCESS;
	vm_object_t owner;
	bool alive, leaving;

	lock_acquire(&area->object->lock);
	owner = slot->object;
	leaving = slot->leaving != 0;
	alive = owner != NULL && ref_take_unless_gone(&owner->refs);
	lock_release(&area->object->lock);
	if (!alive)
		return owner != NULL || leaving ? nap(slot) : KERN_SUCCESS;
	lock_acquire(&owner->lock);
	lock_acquire_nested(&area->object->lock);
	if (slot->object == owner) {
		result = vm_fault_area(area->object, swap_offset(slot), &rest);
		if (result == KERN_SUCCESS)
			swap_take(slot, vm_object_lookup(area->object, swap_offset(slot)));
	}
	lock_release(&area->object->lock);
	lock_release(&owner->lock);
	vm_fault_finish(&rest);
	vm_object_deallocate(owner);
	return result;
}

/* What is in the area comes back into memory, slot by slot. KERN_RESOURCE_SHORTAGE when there is not so much, another
 * error when a page cannot be read: then it stays on. */
kern_return_t host_swap_off(host_t host, const char *name)
{
	struct swap_area *area = areas;
	kern_return_t result = KERN_SUCCESS;
	uint64_t at;

	if (host == NULL)
		return KERN_INVALID_HOST;
	while (area < &areas[AREAS_MAX] && (area->slots == 0 || strncmp(area->name, name, sizeof(area->name)) != 0))
		area++;
	if (area == &areas[AREAS_MAX])
		return KERN_INVALID_NAME;
	area->closing = true;
	for (at = piece_resume(area, 1, area->slots); result == KERN_SUCCESS && at < area->slots; at++) {
		if (vm_page_counts.free < vm_page_low) {
			vm_pageout_wake();
			result = vm_page_only_kept() ? KERN_RESOURCE_SHORTAGE : nap(area);
		} else {
			result = bring_back(area, (uint32_t)at);
		}
		if (result == KERN_SUCCESS && piece_pause(area, 1, area->slots, at + 1))
			return KERN_RESTART;
		if (result == KERN_RESTART)
			piece_stop(area, 1, area->slots, at);
	}
	if (result == KERN_RESTART)
		return result;
	lock_acquire(&switch_lock);
	lock_acquire(&area->object->lock);
	area->closing = false;
	if (result == KERN_SUCCESS) {
		/* What was read ahead. */
		(void)memory_object_clean(
			area->object, 0, trunc_page(UINT64_MAX), MEMORY_OBJECT_RETURN_NONE, true);
		free_tables(area);
		area->slots = area->free = 0;
	}
	lock_release(&area->object->lock);
	lock_release(&switch_lock);
	return result;
}

kern_return_t host_swap_info(host_t host, unsigned index, uint64_t *pages, uint64_t *used, char *name)
{
	const struct swap_area *area = &areas[index];

	if (host == NULL)
		return KERN_INVALID_HOST;
	if (index >= AREAS_MAX)
		return KERN_INVALID_ARGUMENT;
	*pages = area->slots;
	*used = area->slots != 0 ? area->slots - 1 - area->free : 0;
	memcpy(name, area->name, sizeof(area->name));
	return KERN_SUCCESS;
}
