/* Memory with a size, which can be mapped and is told by its maker what it has: the contents of files in memory. */
#include <ipc/ipc.h>
#include <kern/checked.h>
#include <kern/piece.h>
#include <stubs/portolan_server.h>
#include <vm/memory_object.h>
#include <vm/vm.h>
#include <vm/vm_pageout.h>
#include <vm/vm_swap.h>

#define FREE_COST 200 /* of a page, about (kern/piece.h) */
#define LOOK_COST 20
#define SIZE_MAX_BYTES ((vm_size_t)1 << 43) /* pages have numbers of 32 bits in swap */

sized_memory_t convert_port_to_sized_memory(struct ipc_port *port)
{
	vm_object_t object = ipc_kernel_port_lookup(port, IKOT_MEMORY, memory_object_referenced);

	if (object != NULL && !object->sized) {
		vm_object_deallocate(object);
		return NULL;
	}
	return object;
}

struct ipc_port *convert_sized_memory_to_port(sized_memory_t memory)
{
	return memory != NULL ? vm_object_port(memory) : NULL;
}

kern_return_t vm_sized_fill(vm_object_t object, vm_offset_t offset, const struct account *payer)
{
	struct account *account = object->account;
	struct vm_page *page;

	page = vm_page_grab(account);
	if (page == NULL)
		return account->pages >= account->pages_limit && account != payer ? KERN_NO_SPACE : vm_page_wait(payer);
	vm_page_zero(page);
	page->dirty = true;
	vm_page_counts.zero_fills++;
	count_event(faults_zero);
	vm_object_insert(object, page, offset);
	vm_page_enqueue_private(page);
	return KERN_SUCCESS;
}

kern_return_t sized_memory_create(account_t account, vm_size_t size, sized_memory_t *memory)
{
	vm_object_t object;

	if (size > SIZE_MAX_BYTES)
		return KERN_INVALID_ARGUMENT;
	object = vm_object_create(account, round_page(size));
	if (object == NULL)
		return KERN_RESOURCE_SHORTAGE;
	object->shared = object->sized = true;
	*memory = object;
	return KERN_SUCCESS;
}

/*
 * Pages go one by one, so that what has gone need not be known when this is made again. While the lock is released others may bring pages back
 * from swap: it is over when a look at all of the range finds none. Object locked; released.
 */
static kern_return_t discard(vm_object_t object, vm_offset_t start, vm_offset_t end)
{
	struct vm_page *page;
	bool found;

	do {
		struct vm_object_walk walk = vm_object_walk(object, start, end);

		for (found = false; (page = vm_object_next(&walk)) != NULL; found = true) {
			vm_object_free_page(page);
			piece_spend(FREE_COST);
			lock_release(&object->lock);
			if (piece_pause(object, start, end, start))
				return KERN_RESTART;
			lock_acquire(&object->lock);
		}
	} while (found);
	swap_free(object, start, end);
	lock_release(&object->lock);
	return KERN_SUCCESS;
}

kern_return_t sized_memory_set_size(sized_memory_t memory, vm_size_t size)
{
	if (size > SIZE_MAX_BYTES)
		return KERN_INVALID_ARGUMENT;
	size = round_page(size);
	lock_acquire(&memory->lock);
	memory->size = size;
	return discard(memory, size, UINT64_MAX & ~VM_PAGE_MASK);
}

kern_return_t sized_memory_discard(sized_memory_t memory, vm_offset_t offset, vm_size_t size)
{
	vm_offset_t end;

	if (!checked_add(offset, size, &end))
		return KERN_INVALID_ARGUMENT;
	offset = round_page(offset);
	end = trunc_page(end);
	lock_acquire(&memory->lock);
	return discard(memory, offset, end > offset ? end : offset);
}

static bool has(vm_object_t object, vm_offset_t offset)
{
	return vm_object_lookup(object, offset) != NULL || swap_has(object, offset);
}

/* The first page or slot of the range, or its end. Object locked. */
static vm_offset_t first_page(vm_object_t object, vm_offset_t offset, vm_offset_t end)
{
	struct vm_object_walk walk = vm_object_walk(object, offset, end);
	vm_offset_t first = swap_first(object, offset, end);
	struct vm_page *page;

	while ((page = vm_object_next(&walk)) != NULL) {
		if (page->offset < first)
			first = page->offset;
		if (!walk.by_list)
			break;
	}
	return first;
}

kern_return_t sized_memory_find(
	sized_memory_t memory, vm_offset_t offset, vm_offset_t end, boolean_t data, vm_offset_t *found)
{
	offset = trunc_page(offset);
	end = end > SIZE_MAX_BYTES ? SIZE_MAX_BYTES : round_page(end);
	lock_acquire(&memory->lock);
	if (data) {
		*found = offset < end ? first_page(memory, offset, end) : end;
	} else {
		for (; offset < end && has(memory, offset); offset += VM_PAGE_SIZE)
			piece_spend(LOOK_COST);
		*found = offset;
	}
	lock_release(&memory->lock);
	return KERN_SUCCESS;
}

kern_return_t sized_memory_pages(sized_memory_t memory, uint64_t *pages)
{
	lock_acquire(&memory->lock);
	*pages = memory->resident + memory->swapped;
	lock_release(&memory->lock);
	return KERN_SUCCESS;
}
