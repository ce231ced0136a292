/* Swap areas are switched on and off, and tell what they have. */
#include <ipc/ipc.h>
#include <kern/kalloc.h>
#include <kern/piece.h>
#include <kern/thread.h>
#include <pager/swap_private.h>
#include <string.h>
#include <stubs/portolan_server.h>
#include <vm/vm.h>
#include <vm/vm_map.h>
#include <vm/vm_pageout.h>

#define HASH_MAX    (512 * VM_PAGE_SIZE / sizeof(uint32_t)) /* what kalloc gives at most */
#define NUMBER_COST 8 /* of a slot that is numbered, about (kern/piece.h) */

/* --- Switching swap_areas on and off. */

static struct lock switch_lock = LOCK_INIT(LOCK_RANK_VM_OBJECT_TABLE); /* which swap_areas there are */

static uint32_t chunk_count(const struct swap_area *area)
{
	return (area->slots + (uint32_t)SWAP_CHUNK_SLOTS - 1) / (uint32_t)SWAP_CHUNK_SLOTS;
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
		swap_slot_at(area, i)->number = i;
		swap_slot_at(area, i)->area = (uint8_t)(area - swap_areas);
		piece_spend(NUMBER_COST);
	}
	area->taken[0] = 1;
	area->taken[area->slots / 64] |= ~0ull << area->slots % 64;
	return true;
}

/* The area of the object, or one of none; null: there are too many. */
static struct swap_area *area_for(vm_object_t object)
{
	for (struct swap_area *area = swap_areas; area < &swap_areas[SWAP_AREAS]; area++)
		if (area->object == object || area->object == NULL)
			return area;
	return NULL;
}

/* The port is consumed on success. KERN_NAME_EXISTS: it is on already. */
kern_return_t host_swap_on(host_t, struct ipc_port *memory_object, uint64_t pages, const char *name)
{
	struct swap_area *area;
	vm_object_t object;
	kern_return_t result;

	if (memory_object == NULL || pages < 2 || pages > UINT32_MAX - 64)
		return KERN_INVALID_ARGUMENT;
	result = memory_object_enter(memory_object, &object);
	if (result != KERN_SUCCESS)
		return result;
	lock_acquire(&switch_lock);
	area = area_for(object);
	result = area == NULL ? KERN_RESOURCE_SHORTAGE : area->slots != 0 ? KERN_NAME_EXISTS : KERN_SUCCESS;
	if (result == KERN_SUCCESS) {
		if (area->object == NULL)
			vm_object_reference(area->object = object);
		lock_acquire(&object->lock);
		object->swap_area = (uint8_t)(area - swap_areas + 1);
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

/* The page of a slot goes back to its object, if one has it. KERN_RESTART when that takes time. */
static kern_return_t bring_back(struct swap_area *area, uint32_t number)
{
	struct swap_slot *slot = swap_slot_at(area, number);
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
		return owner != NULL || leaving ? vm_page_nap(slot) : KERN_SUCCESS;
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
kern_return_t host_swap_off(host_t, const char *name)
{
	struct swap_area *area = swap_areas;
	kern_return_t result = KERN_SUCCESS;
	uint64_t at;

	while (area < &swap_areas[SWAP_AREAS] && (area->slots == 0 || strncmp(area->name, name, sizeof(area->name)) != 0))
		area++;
	if (area == &swap_areas[SWAP_AREAS])
		return KERN_INVALID_NAME;
	area->closing = true;
	for (at = piece_resume(area, 1, area->slots); result == KERN_SUCCESS && at < area->slots; at++) {
		if (vm_page_counts.free < vm_page_low) {
			result = vm_page_only_kept() ? KERN_RESOURCE_SHORTAGE : vm_page_nap(area);
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

kern_return_t host_swap_info(host_t, unsigned index, uint64_t *pages, uint64_t *used, char *name)
{
	const struct swap_area *area = &swap_areas[index];

	if (index >= SWAP_AREAS)
		return KERN_INVALID_ARGUMENT;
	*pages = area->slots;
	*used = area->slots != 0 ? area->slots - 1 - area->free : 0;
	memcpy(name, area->name, sizeof(area->name));
	return KERN_SUCCESS;
}
