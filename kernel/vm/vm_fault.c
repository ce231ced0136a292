/* Page faults: making one page present. */
#include <kern/piece.h>
#include <kern/task.h>
#include <vm/vm.h>
#include <vm/vm_map.h>
#include <vm/vm_pageout.h>
#include <vm/vm_swap.h>

/*
 * A fault finds the entry, walks down the chain of shadows to the first object that has the page, and then
 *
 *   - enters the page (read-only if it is not in the top object, or if the entry's pages may be seen by others);
 *   - for a write to a page below the top, copies it into the top object;
 *   - at the end of a chain without a pager, puts a zeroed page into the top object;
 *   - where an object has a slot of a swap area instead of the page, looks into the area's object, which has a pager;
 *   - at a pager's object, goes on in the object below where that forwards (memory_object_forward.c); else puts absent,
 *     busy pages in it, asks the pager for them, and waits for the one it needs.
 *
 * All under the locks of the map and of at most two objects, the top one and the one looked at. Nothing waits inside:
 * the thread asserts that it waits, all is released, and the fault happens again from the start. So no state of a fault
 * outlives its locks but the absent page itself, which carries the time by which its pager must have answered.
 */

#define READ_AROUND   16  /* pages: resident neighbours that are entered along, within an aligned block of this many */
#define GRAB_COST     150 /* instructions for one page of a request, about (kern/piece.h) */
#define FIRST_CLUSTER 4   /* pages asked for at a place where nothing was asked before */

kern_return_t vm_map_entry_own(struct vm_map *map, struct vm_map_entry *entry)
{
	vm_object_t object = entry->object;

	if (object == NULL) {
		entry->object = vm_object_create(map->payer, vm_map_entry_size(entry));
		entry->offset = 0;
		entry->needs_copy = false;
		return entry->object == NULL ? KERN_RESOURCE_SHORTAGE : KERN_SUCCESS;
	}
	if (!entry->needs_copy)
		return KERN_SUCCESS;
	/* The others who could see the object may have gone. Acquire: see what they did before. */
	if (!vm_object_anonymous(object) || object->shared ||
		__atomic_load_n(&object->refs.count, __ATOMIC_ACQUIRE) != 1) {
		object = vm_object_shadow(map->payer, object, entry->offset, vm_map_entry_size(entry));
		if (object == NULL)
			return KERN_RESOURCE_SHORTAGE;
		entry->object = object;
		entry->offset = 0;
	}
	entry->needs_copy = false;
	return KERN_SUCCESS;
}

/* --- Pages that a pager has. */

static void report_late(const struct memory_object *pager, const char *what, vm_offset_t offset)
{
	struct task *task = current_thread()->task;

	kprintf("vm: the pager of memory object %lu has not answered %s at 0x%lx for task %s within %u s\n",
		(unsigned long)pager->id, what, (unsigned long)offset,
		task != NULL && task->name[0] != '\0' ? task->name : "?", (unsigned)(PAGER_DEADLINE_NS / 1000000000));
}

/* Waits for an absent page, or fails when its time is over. Object locked. */
static kern_return_t wait_for_page(vm_object_t object, struct vm_page *page)
{
	if (page->absent && machine_now() >= page->deadline) {
		report_late(object->pager, "a request", page->offset);
		memory_object_page_error(page, KERN_MEMORY_ERROR);
		return KERN_MEMORY_ERROR;
	}
	page->wanted = true;
	assert_wait(page, true, page->absent ? page->deadline : machine_now() + PAGER_DEADLINE_NS);
	return KERN_RESTART;
}

/* Asks the pager for the page at the offset and some after it, up to `end`. Object locked. */
static kern_return_t request_pages(struct account *payer, vm_object_t object, vm_offset_t offset, vm_offset_t end,
	vm_prot_t access, struct vm_fault_rest *rest)
{
	struct memory_object *pager = object->pager;
	vm_offset_t at = offset, block;
	uint64_t now = machine_now();

	if (pager->state == MEMORY_OBJECT_DEAD)
		return KERN_MEMORY_FAILURE;
	if (pager->state == MEMORY_OBJECT_NEW) {
		if (now >= pager->ready_deadline) {
			report_late(pager, "memory_object_init, asked for a page", offset);
			return KERN_MEMORY_ERROR;
		}
		assert_wait(pager, true, pager->ready_deadline);
		return KERN_RESTART;
	}
	if (offset != 0 && offset == pager->next_offset)
		pager->window = pager->window * 2 < PAGER_CLUSTER ? pager->window * 2 : PAGER_CLUSTER;
	else
		pager->window = FIRST_CLUSTER;
	/* To the end of a block at most, so that one fault enters all that a block has (enter_around). */
	block = (pager->window > READ_AROUND ? pager->window : READ_AROUND) * VM_PAGE_SIZE;
	if (end - offset > block - offset % block)
		end = offset + block - offset % block;
	for (uint32_t i = 0; i < pager->window && at < end; i++, at += VM_PAGE_SIZE) {
		struct vm_page *page;

		piece_spend(GRAB_COST);
		if (i != 0 && (vm_object_lookup(object, at) != NULL || memory_object_find_forward(pager, at) != NULL))
			break;
		page = vm_page_grab_for(payer, i == 0 ? account_level(payer) : VM_PAGE_FOR_USER, true);
		if (page == NULL)
			break;
		page->busy = page->absent = true;
		page->deadline = now + PAGER_DEADLINE_NS;
		vm_object_insert(object, page, at);
	}
	if (at == offset)
		return vm_page_wait(payer);
	count_event(faults_pager);
	pager->next_offset = at;
	vm_object_reference(object);
	rest->message = (struct memory_object_message){object, offset, at - offset, access, .unlock = false};
	return wait_for_page(object, vm_object_lookup(object, offset));
}

/* What an error page says, as long as it holds for the access; else it goes, and it is KERN_SUCCESS. Object locked. */
static kern_return_t check_error(struct vm_page *page, vm_prot_t access)
{
	if (machine_now() < page->deadline && (page->lock_value == 0 || (page->lock_value & access) != 0))
		return page->error_value;
	vm_object_free_page(page);
	return KERN_SUCCESS;
}

kern_return_t vm_fault_area(vm_object_t area, vm_offset_t offset, struct vm_fault_rest *rest)
{
	struct vm_page *page = vm_object_lookup(area, offset);

	if (page != NULL && page->error) {
		kern_return_t result = check_error(page, VM_PROT_READ);

		if (result != KERN_SUCCESS)
			return result;
		page = NULL;
	}
	if (page == NULL)
		return request_pages(&kernel_account, area, offset, swap_run_end(area, offset), VM_PROT_READ, rest);
	return page->busy ? wait_for_page(area, page) : KERN_SUCCESS;
}

kern_return_t vm_fault_swapped(vm_object_t object, vm_offset_t offset, struct vm_fault_rest *rest)
{
	kern_return_t result = KERN_SUCCESS;
	vm_object_t holder;

	if (vm_object_find(object, &offset, &holder) == NULL && holder != NULL)
		result = vm_fault_area(holder, offset, rest);
	if (holder != NULL)
		lock_release(&holder->lock);
	return result;
}

/* Asks the pager to unlock a page. Object locked. */
static kern_return_t request_unlock(
	vm_object_t object, struct vm_page *page, vm_prot_t access, struct vm_fault_rest *rest)
{
	if (object->pager->state == MEMORY_OBJECT_DEAD)
		return KERN_MEMORY_FAILURE;
	if (!page->unlocking) {
		page->unlocking = true;
		page->deadline = machine_now() + PAGER_DEADLINE_NS;
		vm_object_reference(object);
		rest->message =
			(struct memory_object_message){object, page->offset, VM_PAGE_SIZE, access, .unlock = true};
	} else if (machine_now() >= page->deadline) {
		report_late(object->pager, "data_unlock", page->offset);
		page->unlocking = false;
		return KERN_MEMORY_ERROR;
	}
	page->wanted = true;
	assert_wait(page, true, page->deadline);
	return KERN_RESTART;
}

/* --- The fault. */

/* Addresses around that of a fault; all that is between them is seen where the fault has come to, if `same`. */
struct around {
	vm_address_t start, end;
	bool same;
};

/* Enters the neighbours of a page that are resident in the same object. Object locked. */
static void enter_around(struct vm_map *map, const struct around *around, vm_address_t address, vm_object_t object,
	vm_offset_t offset, vm_prot_t protection)
{
	vm_address_t start = address & ~(READ_AROUND * VM_PAGE_SIZE - 1), end = start + READ_AROUND * VM_PAGE_SIZE;
	struct vm_page *pages[READ_AROUND];
	unsigned count = 0;

	start = start > around->start ? start : around->start;
	end = end < around->end ? end : around->end;
	/* Not below the object's start: the window of a shadow. */
	if (address - start > offset)
		start = address - offset;
	for (vm_address_t at = start; at < end; at += VM_PAGE_SIZE) {
		struct vm_page *page = vm_object_lookup(object, offset - address + at);

		if (page != NULL && (page->busy || page->error || (page->lock_value & protection) != 0))
			page = NULL;
		pages[count++] = page;
	}
	pmap_enter_absent(map->pmap, start, pages, count, protection);
}

/* Enters a page for a fault. */
static kern_return_t enter(struct vm_map *map, vm_address_t address, struct vm_page *page, vm_prot_t protection)
{
	kern_return_t result = pmap_enter(map->pmap, address, page, vm_page_physical(page), protection, 0);

	return result == KERN_SUCCESS ? result : vm_page_wait(map->payer);
}

/* A new page for the top object (locked); copied from a physical address, or zero if that is 0. */
static kern_return_t new_page(struct vm_map *map, struct vm_map_entry *entry, vm_address_t address, vm_object_t top,
	vm_offset_t offset, uint64_t from, struct vm_page *old)
{
	struct vm_page *page = vm_page_grab(map->payer);

	if (page == NULL)
		return vm_page_wait(map->payer);
	if (from == 0) {
		vm_page_zero(page);
		vm_page_counts.zero_fills++;
		count_event(faults_zero);
	} else {
		vm_page_copy(page, from);
		vm_page_counts.copies++;
		count_event(faults_copy);
	}
	page->dirty = true;
	if (old != NULL) {
		/* Other maps that see the top object still have the old page mapped. */
		if (top->shared && old->mappings != 0)
			pmap_page_protect(old, VM_PROT_NONE);
		if (entry->wired && old->wire_count != 0)
			old->wire_count--;
	}
	if (entry->wired)
		page->wire_count = 1;
	vm_object_insert(top, page, offset);
	if (!entry->wired)
		vm_page_enqueue_private(page);
	/* A page that was only read is in an object that others may see. */
	return enter(
		map, address, page, entry->needs_copy ? entry->protection & ~VM_PROT_WRITE : entry->protection);
}

/* What an access needs of an object's pages: below the top one they are read, to be copied if they shall be written. */
static vm_prot_t access_of(vm_object_t object, vm_object_t top, vm_prot_t access)
{
	return object != top && (access & VM_PROT_WRITE) != 0 ? VM_PROT_READ : access;
}

/* A page was found. Its object is locked, and the top one. */
static kern_return_t found_page(struct vm_map *map, struct vm_map_entry *entry, vm_address_t address, vm_prot_t access,
	vm_offset_t top_offset, struct vm_page *page, const struct around *around, struct vm_fault_rest *rest)
{
	vm_object_t top = entry->object, object = page->object;
	vm_prot_t protection = entry->protection, need = access_of(object, top, access);
	kern_return_t result;

	if (page->busy)
		return wait_for_page(object, page);
	if (__builtin_expect((page->lock_value & need) != 0, 0))
		return request_unlock(object, page, need, rest);
	if (object != top && (access & VM_PROT_WRITE) != 0)
		return new_page(map, entry, address, top, top_offset, vm_page_physical(page), page);
	protection &= ~page->lock_value;
	if (object != top || entry->needs_copy)
		protection &= ~VM_PROT_WRITE;
	result = enter(map, address, page, protection);
	count_event(faults_fast);
	/* In a pager's object dirty pages are few and known one by one; so its neighbours are entered for reading only.
	 */
	if (result == KERN_SUCCESS && around->same)
		enter_around(map, around, address, object, page->offset,
			object->pager != NULL ? protection & ~VM_PROT_WRITE : protection);
	return result;
}

/* Goes on from a pager's object (locked) to the one below, if the offset is forwarded; else null. */
static vm_object_t go_below(vm_object_t object, vm_address_t address, vm_offset_t *offset, struct around *around)
{
	const struct memory_forward *forward = memory_object_find_forward(object->pager, *offset);

	if (forward == NULL)
		return NULL;
	if (address - around->start > *offset - forward->start)
		around->start = address - (*offset - forward->start);
	if (around->end - address > forward->end - *offset)
		around->end = address + (forward->end - *offset);
	*offset = forward->offset + (*offset - forward->start);
	return object->pager->lower;
}

/* A page of physical memory that is not managed: at the bottom of the chain. Top object locked. */
static kern_return_t found_physical(struct vm_map *map, struct vm_map_entry *entry, vm_address_t address,
	vm_prot_t access, vm_offset_t top_offset, vm_object_t object, vm_offset_t offset)
{
	vm_prot_t protection = entry->protection;
	unsigned flags = PMAP_UNMANAGED | (object->cached ? 0 : PMAP_UNCACHED);

	if (offset >= object->physical_size)
		return KERN_INVALID_ADDRESS;
	if (object != entry->object) {
		if ((access & VM_PROT_WRITE) != 0)
			return new_page(
				map, entry, address, entry->object, top_offset, object->physical + offset, NULL);
	}
	if (object != entry->object || entry->needs_copy)
		protection &= ~VM_PROT_WRITE;
	return pmap_enter(map->pmap, address, NULL, object->physical + offset, protection, flags) == KERN_SUCCESS
		       ? KERN_SUCCESS
		       : vm_page_wait(map->payer);
}

kern_return_t vm_fault_locked(struct vm_map *map, struct vm_map_entry *entry, vm_address_t address, vm_prot_t access,
	struct vm_fault_rest *rest)
{
	struct around around = {.start = entry->start, .end = entry->end, .same = true};
	vm_object_t top, object;
	vm_offset_t offset, top_offset;
	struct swap_slot *slot = NULL; /* whose page, of its area's object, is the one that is looked for */
	unsigned forwards = 0;
	kern_return_t result;

	address = trunc_page(address);
	if (entry->object == NULL || (entry->needs_copy && (access & VM_PROT_WRITE) != 0)) {
		if (vm_map_entry_own(map, entry) != KERN_SUCCESS)
			return vm_page_wait(map->payer);
	}
	top = object = entry->object;
	offset = top_offset = entry->offset + (address - entry->start);
	lock_acquire(&top->lock);
	for (;;) {
		struct vm_page *page = vm_object_lookup(object, offset);
		vm_object_t shadow;

		if (page != NULL && __builtin_expect(page->error, 0)) {
			result = check_error(page, access_of(object, top, access));
			if (result != KERN_SUCCESS)
				break;
			page = NULL;
		}
		if (page != NULL && slot != NULL && slot->object == top && !page->busy &&
			((access & VM_PROT_WRITE) != 0 || swap_is_short()))
			swap_take(slot, page);
		if (page != NULL) {
			result = found_page(map, entry, address, access, top_offset, page, &around, rest);
			break;
		}
		if (object->pager != NULL) {
			vm_prot_t need = access_of(object, top, access);

			shadow = (need & VM_PROT_WRITE) == 0 ? go_below(object, address, &offset, &around) : NULL;
			if (shadow == NULL) {
				result = request_pages(map->payer, object, offset,
					slot != NULL ? swap_run_end(object, offset) : offset + (around.end - address),
					need, rest);
				break;
			}
			if (++forwards > FORWARD_DEPTH) {
				result = KERN_MEMORY_ERROR;
				break;
			}
			goto below;
		}
		if (object->sized && offset >= object->size) {
			result = KERN_BEYOND_END;
			break;
		}
		slot = swap_find(object, offset);
		if (slot != NULL) {
			if (object != top)
				lock_release(&object->lock);
			object = swap_object(slot);
			offset = swap_offset(slot);
			around.same = false;
			continue;
		}
		if (object->physical_size != 0) {
			result = found_physical(map, entry, address, access, top_offset, object, offset);
			break;
		}
		if (object == top && object->shadow != NULL && rest->unused == NULL) {
			rest->unused = vm_object_collapse(object);
			if (vm_object_lookup(object, offset) != NULL || swap_has(object, offset))
				continue; /* this brought it */
		}
		shadow = object->shadow;
		if (object->sized) {
			result = vm_sized_fill(object, offset, map->payer);
			if (result != KERN_SUCCESS)
				break;
			continue;
		}
		if (shadow == NULL) {
			result = new_page(map, entry, address, top, top_offset, 0, NULL);
			break;
		}
		offset += object->shadow_offset;
		around.same = false;
below:
		lock_acquire_nested(&shadow->lock);
		if (object != top)
			lock_release(&object->lock);
		object = shadow;
	}
	if (object != top) {
		lock_release(&object->lock);
		/* The page may have been the last that it had from below. */
		if (rest->unused == NULL)
			rest->unused = vm_object_detach(top);
	}
	lock_release(&top->lock);
	return result;
}

void vm_fault_finish(struct vm_fault_rest *rest)
{
	memory_object_send(&rest->message);
	if (__builtin_expect(rest->unused != NULL, 0)) {
		vm_object_deallocate(rest->unused);
		rest->unused = NULL;
	}
	if (__builtin_expect(vm_page_counts.free < vm_page_low, 0))
		vm_page_balance();
}

kern_return_t vm_fault(vm_map_t map, vm_address_t address, vm_prot_t access)
{
	struct vm_fault_rest rest = {.unused = NULL};
	struct vm_map_entry *entry;
	kern_return_t result;

	count_event(faults);
	vm_page_counts.faults++;
	lock_acquire(&map->lock);
	entry = vm_map_lookup(map, address);
	if (entry == NULL || entry->start > address)
		result = KERN_INVALID_ADDRESS;
	else if ((access & ~entry->protection) != 0)
		result = KERN_PROTECTION_FAILURE;
	else
		result = vm_fault_locked(map, entry, address, access, &rest);
	lock_release(&map->lock);
	vm_fault_finish(&rest);
	return result;
}
