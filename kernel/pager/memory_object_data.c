/* What pagers answer to requests: data, zeros, errors; and the requests themselves. */
#include <ipc/ipc.h>
#include <kern/checked.h>
#include <kern/piece.h>
#include <kern/thread.h>
#include <string.h>
#include <stubs/mach_server.h>
#include <stubs/memory_object_user.h>
#include <stubs/portolan_server.h>
#include <vm/memory_object.h>
#include <vm/pmap.h>
#include <vm/vm.h>
#include <vm/vm_copy.h>
#include <vm/vm_pageout.h>
#include <vm/vm_swap.h>

/* What a page that is moved, and one that is copied or zeroed, take, about (kern/piece.h). */
#define MOVE_COST 400
#define COPY_COST 700

void memory_object_send(struct memory_object_message *message)
{
	struct memory_object *pager;
	kern_return_t result;

	if (message->object == NULL)
		return;
	pager = message->object->pager;
	if (message->unlock) {
		result = memory_object_data_unlock(pager->port, message->offset, message->length, message->access);
	} else {
		count_event(pager_requests);
		result = memory_object_data_request(pager->port, message->offset, message->length, message->access);
	}
	/* It is dead, or there was no memory to ask it: who waits for the pages gets that error (or the deadline of
	 * unlocking). */
	if (result != KERN_SUCCESS && !ipc_port_active(pager->port))
		memory_object_died(pager->port);
	else if (result != KERN_SUCCESS && !message->unlock)
		(void)memory_object_data_error(
			message->object, message->offset, message->length, KERN_RESOURCE_SHORTAGE);
	vm_object_deallocate(message->object);
	message->object = NULL;
}

void memory_object_page_error(struct vm_page *page, kern_return_t error)
{
	if (!page->wanted) {
		/* Read ahead; who really wants it asks again. */
		vm_object_free_page(page);
		return;
	}
	page->absent = page->busy = page->wanted = false;
	page->error = true;
	page->error_value = error;
	page->deadline = machine_now() + PAGER_ERROR_NS;
	thread_wakeup(page);
}

/* What a page is given with. */
struct supply {
	vm_prot_t lock_value;
	bool precious;
	bool dirty; /* refused: the kernel keeps it, or what is there already, for another data_return */
};

/* Puts a page with data (of no object) where the pager's answer belongs. False: there is one with data, the page was
 * freed. */
static bool supply_page(vm_object_t object, vm_offset_t offset, struct vm_page *page, const struct supply *supply)
{
	struct vm_page *old;

	lock_acquire(&object->lock);
	if (supply->dirty && object->swap_area != 0)
		swap_refused(object, offset);
	old = vm_object_lookup(object, offset);
	if ((old != NULL && !old->absent && !old->error) || object->pager->state != MEMORY_OBJECT_READY) {
		if (old != NULL)
			old->dirty |= supply->dirty;
		lock_release(&object->lock);
		vm_page_free(page);
		return false;
	}
	if (old != NULL) {
		/* Absent or an error: on no queue, not mapped. */
		vm_object_replace(old, page);
		vm_page_swap_bills(old, page); /* it is who asked for it that has it */
		vm_object_wake(old);
		vm_page_free(old);
	} else {
		vm_object_insert(object, page, offset);
		vm_page_bill(page, object->account, true);
	}
	page->lock_value = (uint8_t)supply->lock_value;
	page->precious = supply->precious;
	page->dirty = supply->dirty;
	vm_page_enqueue(page, VM_PAGE_ACTIVE);
	vm_page_counts.pageins += !supply->dirty;
	lock_release(&object->lock);
	return true;
}

/*
 * A page with the data at an offset, which is the message's own or else a copy. Null: no memory. A server's pager gets what the
 * kernel keeps for itself, for others wait for it; a user's, which may send as much of nothing as it likes, gets what users get.
 */
static struct vm_page *page_of(vm_object_t object, vm_map_copy_t data, vm_offset_t at, vm_size_t bytes)
{
	const bool users = object->account->level == VM_PAGE_FOR_USER;
	struct vm_page *page = bytes == VM_PAGE_SIZE ? vm_map_copy_take_page(data, at) : NULL;

	piece_spend(MOVE_COST);
	if (page != NULL)
		return page;
	piece_spend(COPY_COST);
	page = vm_page_grab_for(&kernel_account, users ? account_level(object->account) : VM_PAGE_FOR_KERNEL, false);
	if (page != NULL && vm_map_copy_read(data, at, vm_page_address(page), bytes) != KERN_SUCCESS) {
		vm_page_free(page); /* gone out again since the caller has seen it: as if there were no memory */
		page = NULL;
	} else if (page != NULL) {
		memset((char *)vm_page_address(page) + bytes, 0, VM_PAGE_SIZE - bytes);
	}
	return page;
}

static bool may_supply(vm_object_t object, vm_offset_t offset, vm_size_t size)
{
	vm_offset_t end;

	return object->pager != NULL && (offset & VM_PAGE_MASK) == 0 &&
	       checked_add(offset, size, &end);
}

/*
 * The data is consumed on success. Whole pages that are nobody else's are moved; pages that are resident already stay
 * as they are, and the reply says so.
 */
kern_return_t memory_object_data_supply(vm_object_t object, vm_offset_t offset, vm_map_copy_t data,
	mach_msg_type_number_t, vm_prot_t lock_value, boolean_t precious, struct ipc_port *reply_to)
{
	const struct supply supply = {.lock_value = lock_value & VM_PROT_ALL, .precious = precious};
	vm_size_t size = vm_map_copy_size(data);
	kern_return_t result = KERN_SUCCESS;
	vm_offset_t error_offset = 0;

	if (!may_supply(object, offset, size))
		return KERN_INVALID_ARGUMENT;
	result = vm_map_copy_bring(data);
	if (result != KERN_SUCCESS)
		return result;
	for (vm_offset_t at = 0; at < size; at += VM_PAGE_SIZE) {
		struct vm_page *page = page_of(object, data, at, size - at < VM_PAGE_SIZE ? size - at : VM_PAGE_SIZE);
		kern_return_t page_result = KERN_SUCCESS;

		if (page == NULL)
			page_result = KERN_RESOURCE_SHORTAGE;
		else if (!supply_page(object, offset + at, page, &supply))
			page_result = KERN_MEMORY_PRESENT;
		if (page_result != KERN_SUCCESS && result == KERN_SUCCESS) {
			result = page_result;
			error_offset = offset + at;
		}
	}
	vm_map_copy_discard(data);
	if (reply_to != NULL)
		memory_object_supply_completed(reply_to, offset, size, result, error_offset);
	vm_page_balance();
	return KERN_SUCCESS;
}

/* The data is consumed on success; without memory for a page the caller waits, and goes on there. */
kern_return_t memory_object_data_refused(vm_object_t object, vm_offset_t offset, vm_map_copy_t data,
	mach_msg_type_number_t, kern_return_t reason)
{
	const struct supply supply = {.dirty = true};
	vm_size_t size = vm_map_copy_size(data);
	kern_return_t result;

	if (!may_supply(object, offset, size) || reason == KERN_SUCCESS)
		return KERN_INVALID_ARGUMENT;
	result = vm_map_copy_bring(data);
	if (result != KERN_SUCCESS)
		return result;
	for (vm_offset_t at = piece_resume(data, 0, size); at < size; at += VM_PAGE_SIZE) {
		struct vm_page *page = page_of(object, data, at, size - at < VM_PAGE_SIZE ? size - at : VM_PAGE_SIZE);

		if (page == NULL) {
			piece_stop(data, 0, size, at);
			return vm_page_nap(data);
		}
		(void)supply_page(object, offset + at, page, &supply);
	}
	object->pager->refused = reason;
	vm_map_copy_discard(data);
	vm_page_balance();
	return KERN_SUCCESS;
}

static void zero_page(struct vm_page *page)
{
	piece_spend(COPY_COST);
	vm_page_zero(page);
	page->absent = page->busy = false;
	vm_page_enqueue(page, VM_PAGE_ACTIVE);
	vm_object_wake(page);
}

/* What the pager was asked for in a range is zeros (error KERN_SUCCESS), or does not come. */
static kern_return_t answer(vm_object_t object, vm_offset_t offset, vm_size_t size, kern_return_t error)
{
	struct vm_object_walk walk;
	vm_offset_t start, end;
	struct vm_page *page;

	if (object->pager == NULL || !checked_page_range(offset, size, &start, &end))
		return KERN_INVALID_ARGUMENT;
	lock_acquire(&object->lock);
	for (walk = vm_object_walk(object, start, end); (page = vm_object_next(&walk)) != NULL;) {
		if (page->absent && error == KERN_SUCCESS)
			zero_page(page);
		else if (page->absent)
			memory_object_page_error(page, error);
	}
	lock_release(&object->lock);
	return KERN_SUCCESS;
}

kern_return_t memory_object_data_unavailable(vm_object_t object, vm_offset_t offset, vm_size_t size)
{
	return answer(object, offset, size, KERN_SUCCESS);
}

kern_return_t memory_object_data_error(
	vm_object_t object, vm_offset_t offset, vm_size_t size, kern_return_t error_value)
{
	if (error_value == KERN_SUCCESS || error_value == KERN_RESTART)
		error_value = KERN_MEMORY_ERROR;
	return answer(object, offset, size, error_value);
}
