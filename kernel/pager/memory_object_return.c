/* Pages on their way back to their pager: cleaning, flushing, and the lock request that asks for it. */
#include <ipc/ipc.h>
#include <kern/checked.h>
#include <kern/piece.h>
#include <kern/thread.h>
#include <stubs/mach_server.h>
#include <stubs/memory_object_user.h>
#include <vm/vm.h>
#include <vm/vm_copy.h>
#include <vm/vm_map.h>
#include <vm/vm_pageout.h>
#include <vm/vm_swap.h>

/* Free pages below which no message is begun: its structures come from the kernel's reserve and must not fail half-way.
 */
#define MESSAGE_PAGES 4

#define RETURN_COST 1200 /* of a page that is returned, about (kern/piece.h) */


#define LOCK_BYTES (128 * VM_PAGE_SIZE) /* of a lock request, before a better thread runs */

#define PENDING_NS 5000000000ull /* pagers that free nothing for so long are not waited for */

/* Messages of all pagers that are not freed yet, and when the last was sent or freed. Relaxed atomics: for a guess. */
static uint64_t messages, messages_changed;

bool memory_object_returns_pending(void)
{
	return __atomic_load_n(&messages, __ATOMIC_RELAXED) != 0 &&
	       machine_now() < __atomic_load_n(&messages_changed, __ATOMIC_RELAXED) + PENDING_NS;
}

/* Whether the page has to go back; flush: it is unmapped first, so that the answer stays true. */
static bool must_return(struct vm_page *page, memory_object_return_t what, bool flush)
{
	if (page->mappings != 0 && flush)
		pmap_page_protect(page, VM_PROT_NONE);
	if (what == MEMORY_OBJECT_RETURN_NONE)
		return false;
	if (what == MEMORY_OBJECT_RETURN_ALL || page->precious || page->dirty)
		return true;
	return pmap_page_modified(page, false);
}

/*
 * Puts a page, or a copy of it if it stays (it is mapped writable perhaps, so its bits are cleared before its bytes are
 * copied), into the object of a message. False: no memory.
 */
static bool put_page(vm_object_t message, struct vm_page *page, vm_offset_t offset, bool flush)
{
	if (!flush) {
		struct vm_page *copy = vm_page_grab(&kernel_account);

		if (copy == NULL)
			return false;
		pmap_page_modified(page, true);
		page->dirty = page->precious = false;
		vm_page_copy(copy, vm_page_physical(page));
		page = copy;
	} else {
		vm_object_take_page(page);
		page->dirty = page->precious = page->unlocking = false;
		page->lock_value = 0;
		vm_object_wake(page);
	}
	vm_page_bill(page, message->account, false); /* from now on it is the pager's */
	vm_object_insert(message, page, offset);
	return true;
}

/* Returns the run of pages that starts with this one (which must go back) and lies before `end`. Object locked,
 * unlocked meanwhile. */
static kern_return_t return_run(
	vm_object_t object, struct vm_page *page, vm_offset_t end, memory_object_return_t what, bool flush)
{
	struct memory_object *pager = object->pager;
	vm_offset_t start = page->offset;
	vm_size_t size = 0;
	bool dirty = false;
	vm_object_t message = vm_page_counts.free > MESSAGE_PAGES ? vm_object_create(object->account, 0) : NULL;
	vm_map_copy_t copy;

	if (message == NULL)
		return KERN_RESOURCE_SHORTAGE;
	copy = vm_map_copy_of_object(message, 0);
	if (copy == NULL)
		return KERN_RESOURCE_SHORTAGE;
	do {
		piece_spend(RETURN_COST);
		dirty |= page->dirty || pmap_page_modified(page, false);
		if (!put_page(message, page, size, flush))
			break;
		size += VM_PAGE_SIZE;
		page = start + size < end ? vm_object_lookup(object, start + size) : NULL;
	} while (size < PAGER_RETURN_CLUSTER * VM_PAGE_SIZE && page != NULL && !page->busy && !page->error &&
		 !(flush && page->wire_count != 0) && must_return(page, what, flush));

	if (size == 0) {
		vm_map_copy_discard(copy);
		return KERN_RESOURCE_SHORTAGE;
	}
	message->size = copy->size = size;
	list_first(&copy->pieces, struct vm_copy_piece, link)->size = size;
	vm_page_counts.pageouts += size >> VM_PAGE_SHIFT;
	count_event(pager_returns);
	message->returned_by = object;
	message->returned_from = start;
	vm_object_reference(object);
	/* Relaxed: a count; who waits for it looks again after asserting the wait. */
	__atomic_fetch_add(&pager->returning, 1, __ATOMIC_RELAXED);
	__atomic_fetch_add(&messages, 1, __ATOMIC_RELAXED);
	__atomic_store_n(&messages_changed, machine_now(), __ATOMIC_RELAXED);
	pager->return_deadline = machine_now() + PAGER_DEADLINE_NS;
	if (object->swap_area != 0)
		swap_leaving(object, start, size);
	lock_release(&object->lock);
	if (memory_object_data_return(pager->port, start, copy, (mach_msg_type_number_t)size, dirty, !flush) !=
		KERN_SUCCESS)
		memory_object_died(pager->port);
	lock_acquire(&object->lock);
	return KERN_SUCCESS;
}

void memory_object_returned(vm_object_t message)
{
	vm_object_t object = message->returned_by;
	struct memory_object *pager = object->pager;

	if (object->swap_area != 0)
		swap_returned(object, message->returned_from, message->size);
	pager->return_deadline = machine_now() + PAGER_DEADLINE_NS;
	__atomic_fetch_sub(&pager->returning, 1, __ATOMIC_RELAXED);
	__atomic_fetch_sub(&messages, 1, __ATOMIC_RELAXED);
	__atomic_store_n(&messages_changed, machine_now(), __ATOMIC_RELAXED);
	thread_wakeup(&pager->returning);
	vm_object_deallocate(object);
}

kern_return_t memory_object_wait_returned(vm_object_t object)
{
	struct memory_object *pager = object->pager;

	if (__atomic_load_n(&pager->returning, __ATOMIC_RELAXED) == 0)
		return KERN_SUCCESS;
	if (machine_now() >= pager->return_deadline) {
		kprintf("vm: the pager of memory object %lu has not dealt with the pages returned to it within %u s\n",
			(unsigned long)pager->id, (unsigned)(PAGER_DEADLINE_NS / 1000000000));
		return KERN_TIMEDOUT;
	}
	assert_wait(&pager->returning, true, pager->return_deadline);
	/* The last may have been freed in between, before anybody waited; then the wait ends at once. */
	if (__atomic_load_n(&pager->returning, __ATOMIC_RELAXED) == 0)
		thread_wakeup(&pager->returning);
	return KERN_RESTART;
}

/* A page that was returned stands, dirty, where it came from, unless that place has it still. Both objects locked. */
static void put_back(struct vm_page *page, bool message_alone)
{
	vm_object_t object = page->object->returned_by;
	vm_offset_t offset = page->object->returned_from + page->offset;
	struct vm_page *there = vm_object_lookup(object, offset), *copy = page;

	if (there != NULL && !there->absent && !there->error) {
		there->dirty = true;
		return;
	}
	if (message_alone) {
		vm_object_take_page(page);
	} else {
		/* Without memory for it what its pager did not write is lost. */
		copy = vm_page_grab(&kernel_account);
		if (copy == NULL)
			return;
		vm_page_copy(copy, vm_page_physical(page));
	}
	if (there != NULL) {
		vm_object_replace(there, copy);
		vm_page_swap_bills(there, copy);
		vm_object_wake(there);
		vm_page_free(there);
	} else {
		vm_object_insert(object, copy, offset);
		vm_page_bill(copy, object->account, true);
	}
	copy->dirty = true;
	vm_page_enqueue(copy, VM_PAGE_ACTIVE);
}

void memory_object_put_back(vm_map_t map)
{
	struct list *link;

	if (map->account->level == VM_PAGE_FOR_USER)
		return;
	lock_acquire(&map->lock);
	list_for_each (link, &map->entries) {
		struct vm_map_entry *entry = container_of(link, struct vm_map_entry, link);
		vm_object_t message = entry->object, object = message != NULL ? message->returned_by : NULL;
		struct vm_object_walk walk;
		struct vm_page *page;
		bool alone;

		if (object == NULL)
			continue;
		lock_acquire(&message->lock);
		lock_acquire_nested(&object->lock);
		/* Acquire: what others did with it before they let it go. */
		alone = __atomic_load_n(&message->refs.count, __ATOMIC_ACQUIRE) == 1;
		walk = vm_object_walk(message, entry->offset, entry->offset + vm_map_entry_size(entry));
		while (!object->pager->gone && (page = vm_object_next(&walk)) != NULL)
			put_back(page, alone);
		lock_release(&object->lock);
		lock_release(&message->lock);
	}
	lock_release(&map->lock);
}

/* One page of a range that is cleaned. */
static kern_return_t clean_page(
	vm_object_t object, struct vm_page *page, vm_offset_t end, memory_object_return_t what, bool flush)
{
	if (page->busy)
		return KERN_SUCCESS;
	if (page->error) {
		if (flush)
			vm_object_free_page(page);
		return KERN_SUCCESS;
	}
	if (page->wire_count != 0)
		flush = false;
	/* What is returned as it is, and stays, would be found again behind a run that it was in. */
	if (what == MEMORY_OBJECT_RETURN_ALL && !flush)
		end = page->offset + VM_PAGE_SIZE;
	if (must_return(page, what, flush) && object->pager->state == MEMORY_OBJECT_READY)
		return return_run(object, page, end, what, flush);
	if (flush)
		vm_object_free_page(page);
	return KERN_SUCCESS;
}

kern_return_t memory_object_clean(
	vm_object_t object, vm_offset_t start, vm_offset_t end, memory_object_return_t what, bool flush)
{
	struct vm_object_walk walk = vm_object_walk(object, start, end);
	kern_return_t result = KERN_SUCCESS;
	struct vm_page *page;

	while (result == KERN_SUCCESS && (page = vm_object_next(&walk)) != NULL)
		result = clean_page(object, page, end, what, flush);
	return result;
}

static void lock_page(struct vm_page *page, vm_prot_t lock_value)
{
	if (page->error)
		return;
	/* Of a page that was asked for: what holds when zeros or an error come. */
	page->lock_value = lock_value & VM_PROT_ALL;
	if (page->absent)
		return;
	page->unlocking = false;
	if (page->lock_value != 0 && page->mappings != 0)
		pmap_page_protect(
			page, page->lock_value == VM_PROT_WRITE ? VM_PROT_READ | VM_PROT_EXECUTE : VM_PROT_NONE);
	vm_object_wake(page);
}

/* Cleans, flushes and locks, in this order, what lies in a part of the object (locked). Not at all locked when cleaning
 * came to no end: KERN_RESOURCE_SHORTAGE. */
static kern_return_t lock_part(vm_object_t object, vm_offset_t start, vm_offset_t end,
	memory_object_return_t should_return, bool should_flush, vm_prot_t lock_value)
{
	kern_return_t result = KERN_SUCCESS;
	struct vm_object_walk walk;
	struct vm_page *page;

	if (should_flush || lock_value != VM_PROT_NO_CHANGE)
		memory_object_end_forward(object, start, end);
	if (should_return != MEMORY_OBJECT_RETURN_NONE || should_flush)
		result = memory_object_clean(object, start, end, should_return, should_flush);
	walk = vm_object_walk(object, start, end);
	while (result == KERN_SUCCESS && lock_value != VM_PROT_NO_CHANGE && (page = vm_object_next(&walk)) != NULL)
		lock_page(page, lock_value);
	return result;
}

/*
 * Part by part, each as if it had been asked for alone; the completion follows the data of the last. An object that has
 * fewer pages than the range is gone through as a whole, by its list of pages. Nothing says "completed" that is not: without
 * memory for the pages' messages the caller waits, and the part is begun again.
 */
kern_return_t memory_object_lock_request(vm_object_t object, vm_offset_t offset, vm_size_t size,
	memory_object_return_t should_return, boolean_t should_flush, vm_prot_t lock_value, struct ipc_port *reply_to)
{
	vm_offset_t start, end, at, next;
	kern_return_t result;

	if (object->pager == NULL || !checked_page_range(offset, size, &start, &end) ||
		should_return < MEMORY_OBJECT_RETURN_NONE || should_return > MEMORY_OBJECT_RETURN_ALL)
		return KERN_INVALID_ARGUMENT;
	for (at = piece_resume(object, start, end); at < end; at = next) {
		lock_acquire(&object->lock);
		next = (end - at) >> VM_PAGE_SHIFT > object->resident || end - at < LOCK_BYTES ? end : at + LOCK_BYTES;
		result = lock_part(object, at, next, should_return, should_flush, lock_value);
		lock_release(&object->lock);
		if (result != KERN_SUCCESS) {
			piece_stop(object, start, end, at);
			return vm_page_nap(object);
		}
		if (next < end && piece_pause(object, start, end, next))
			return KERN_RESTART;
	}
	if (reply_to != NULL)
		memory_object_lock_completed(reply_to, offset, size);
	return KERN_SUCCESS;
}
