/* Memory that stays: wiring ranges for servers, memory for devices' DMA. */
#include <kern/checked.h>
#include <kern/piece.h>
#include <kern/task.h>
#include <stubs/portolan_server.h>
#include <vm/vm.h>
#include <vm/vm_map.h>

#define WIRE_FAULTS 256 /* before others get the processor */

/* What a page takes that is faulted in, looked for, zeroed, about (kern/piece.h). */
#define FAULT_COST 2000
#define LOOK_COST  100
#define ZERO_COST  700

/* The resident page that an entry shows at an address, its object locked in *holder. */
static struct vm_page *page_at(struct vm_map_entry *entry, vm_address_t at, vm_object_t *holder)
{
	vm_offset_t offset = entry->offset + (at - entry->start);
	struct vm_page *page = vm_object_find(entry->object, &offset, holder);

	if (page == NULL && *holder != NULL)
		lock_release(&(*holder)->lock);
	return page;
}

void vm_map_wire_entry(struct vm_map_entry *entry, bool wired)
{
	vm_object_t holder;

	if (entry->wired == wired || (entry->object != NULL && entry->object->physical_size != 0))
		return;
	entry->wired = wired;
	for (vm_address_t at = entry->start; at < entry->end; at += VM_PAGE_SIZE) {
		struct vm_page *page = page_at(entry, at, &holder);

		piece_spend(LOOK_COST);
		if (page == NULL)
			continue;
		if (wired) {
			page->wire_count++;
			vm_page_enqueue(page, VM_PAGE_UNQUEUED);
		} else if (page->wire_count != 0 && --page->wire_count == 0 && !page->busy && !page->error) {
			if (holder->pager != NULL)
				vm_page_enqueue(page, VM_PAGE_ACTIVE);
			else
				vm_page_enqueue_private(page);
		}
		lock_release(&holder->lock);
	}
}

/* Makes every page of the range present with the strongest access its entry allows. KERN_RESTART also when much has
 * been done. */
static kern_return_t fault_range(struct vm_map *map, vm_address_t start, vm_address_t end, struct vm_fault_rest *rest)
{
	unsigned faults = 0;

	for (vm_address_t at = start; at < end; at += VM_PAGE_SIZE) {
		struct vm_map_entry *entry = vm_map_lookup(map, at);
		vm_prot_t access;
		kern_return_t result;

		piece_spend(LOOK_COST);
		if (entry->wired)
			continue;
		access = entry->protection & (VM_PROT_READ | VM_PROT_WRITE);
		if (access == 0) {
			at = entry->end - VM_PAGE_SIZE; /* nothing can be there */
			continue;
		}
		if (pmap_extract(map->pmap, at, access) != 0)
			continue;
		if (faults++ == WIRE_FAULTS || rest->unused != NULL)
			return KERN_RESTART;
		piece_spend(FAULT_COST);
		result = vm_fault_locked(map, entry, at, access, rest);
		if (result != KERN_SUCCESS)
			return result;
	}
	return KERN_SUCCESS;
}

/* access NONE unwires. Runs in pieces: pages made present before a restart are found so after it. */
kern_return_t vm_wire(host_t, vm_map_t map, vm_address_t address, vm_size_t size, vm_prot_t access)
{
	struct vm_fault_rest rest = {.unused = NULL};
	vm_address_t start, end;
	kern_return_t result;

	if (!checked_page_range(address, size, &start, &end) || (access & ~VM_PROT_ALL) != 0)
		return KERN_INVALID_ARGUMENT;
	lock_acquire(&map->lock);
	result = vm_map_check(map, start, end, access);
	if (result == KERN_SUCCESS && !vm_map_clip(map, start, end))
		result = KERN_RESOURCE_SHORTAGE;
	if (result == KERN_SUCCESS && access != VM_PROT_NONE)
		result = fault_range(map, start, end, &rest);
	if (result == KERN_SUCCESS) {
		struct vm_map_entry *entry = vm_map_lookup(map, start);

		for (; entry != NULL && entry->start < end; entry = vm_map_next(map, entry))
			vm_map_wire_entry(entry, access != VM_PROT_NONE);
	}
	lock_release(&map->lock);
	vm_fault_finish(&rest);
	return result;
}

/* The object is marked shared, so that nobody's copy takes its pages away from the device's address. */
kern_return_t vm_allocate_dma(vm_size_t size, vm_object_t *out, uint64_t *physical)
{
	unsigned count;
	struct account *account = current_account();
	vm_object_t object;
	uint64_t memory;

	if (size == 0 || size > 512 * VM_PAGE_SIZE)
		return KERN_INVALID_ARGUMENT;
	size = round_page(size);
	count = (unsigned)(size >> VM_PAGE_SHIFT);
	object = vm_object_create(account, size);
	if (object == NULL)
		return KERN_RESOURCE_SHORTAGE;
	memory = vm_page_grab_contiguous(account_level(account), count, 1ull << 32);
	if (memory == 0) {
		vm_object_deallocate(object);
		return KERN_RESOURCE_SHORTAGE;
	}
	object->shared = true;
	for (unsigned i = 0; i < count; i++) {
		struct vm_page *page = vm_page_lookup_physical(memory + i * VM_PAGE_SIZE);

		piece_spend(ZERO_COST);
		vm_page_bill(page, account, false);
		vm_page_zero(page);
		page->dirty = true;
		vm_object_insert(object, page, i * VM_PAGE_SIZE);
	}
	*out = object;
	*physical = memory;
	return KERN_SUCCESS;
}
