/*
 * Forwarding: a pager says that a range of its object is what another object has. A fault walks on there as it walks
 * down shadows (vm_fault.c), to the page of the object below, which is mapped read-only: there is no second page, and
 * what happens to that page below, happens to all who map it.
 *
 *   - What is put into the upper object ends a forward there (vm_object_insert). So no page of it is ever hidden or
 * hides one.
 *   - Who wants to write through the upper object asks its pager, which knows whether and where there is room.
 *   - What ends a forward takes away the mappings that were made through it. A fault goes down hand over hand, so that
 * whoever ends one upper object's forward meets, in the object below, what was mapped by it.
 *   - An object forwards only to one that is older than itself: hence there are no cycles, and locks are taken in the
 * order of age. It is the same one as long as the upper object lives, so that a fault on its way needs no reference.
 */
#include <ipc/ipc.h>
#include <kern/checked.h>
#include <kern/kalloc.h>
#include <stubs/portolan_server.h>
#include <vm/memory_object.h>
#include <vm/pmap.h>
#include <vm/vm.h>

#define FORWARDS_MAX (VM_PAGE_SIZE / sizeof(struct memory_forward))

/* The place of the first forward that ends behind the offset. */
static unsigned find(const struct memory_object *pager, vm_offset_t offset)
{
	unsigned low = 0, high = pager->forwards;

	while (low < high) {
		unsigned middle = (low + high) / 2;

		if (pager->forward[middle].end <= offset)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

const struct memory_forward *memory_object_look_forward(const struct memory_object *pager, vm_offset_t offset)
{
	unsigned at = find(pager, offset);

	return at < pager->forwards && pager->forward[at].start <= offset ? &pager->forward[at] : NULL;
}

/* Unmaps what can be seen in a range of what is below the object (locked). No mapping was made from further up than
 * `depth` allows. */
static void revoke(
	vm_object_t object, const struct memory_forward *forward, vm_offset_t start, vm_offset_t end, int depth)
{
	vm_object_t lower = object->pager->lower;
	vm_offset_t first = forward->offset + (start - forward->start), last = first + (end - start);
	struct vm_object_walk walk;
	struct vm_page *page;

	lock_acquire_nested(&lower->lock);
	for (walk = vm_object_walk(lower, first, last); (page = vm_object_next(&walk)) != NULL;)
		if (page->mappings != 0)
			pmap_page_protect(page, VM_PROT_NONE);
	for (unsigned i = find(lower->pager, first); depth > 1 && i < lower->pager->forwards; i++) {
		const struct memory_forward *next = &lower->pager->forward[i];

		if (next->start >= last)
			break;
		revoke(lower, next, first > next->start ? first : next->start, last < next->end ? last : next->end,
			depth - 1);
	}
	lock_release(&lower->lock);
}

/* The forwards from one place on go to another, beside it; the places between are free, or gone. */
static void move(struct memory_object *pager, unsigned from, unsigned to)
{
	unsigned count = pager->forwards - from;

	for (unsigned i = 0; i < count; i++) {
		unsigned next = to > from ? count - 1 - i : i;

		pager->forward[to + next] = pager->forward[from + next];
	}
	pager->forwards = to + count;
}

void memory_object_end_forward(vm_object_t object, vm_offset_t start, vm_offset_t end)
{
	struct memory_object *pager = object->pager;
	unsigned at = find(pager, start);

	while (at < pager->forwards && pager->forward[at].start < end) {
		struct memory_forward *forward = &pager->forward[at], whole = *forward;
		vm_offset_t first = start > whole.start ? start : whole.start, last = end < whole.end ? end : whole.end;

		/* Without a place for what is left behind, that ends as well: the pager is asked again. */
		if (first > whole.start && last < whole.end && pager->forwards == FORWARDS_MAX)
			last = whole.end;
		revoke(object, forward, first, last, FORWARD_DEPTH);
		if (first == whole.start && last == whole.end) {
			move(pager, at + 1, at);
			continue;
		}
		if (first > whole.start && last < whole.end)
			move(pager, at, at + 1);
		if (first > whole.start)
			pager->forward[at++].end = first;
		if (last < whole.end) {
			pager->forward[at].offset = whole.offset + (last - whole.start);
			pager->forward[at].start = last;
			return;
		}
	}
}

/* Object locked, the range is of no forward. False: no place. */
static bool add(struct memory_object *pager, vm_offset_t start, vm_offset_t end, vm_offset_t offset)
{
	unsigned at = find(pager, start);
	struct memory_forward *before = at > 0 ? &pager->forward[at - 1] : NULL;

	if (before != NULL && before->end == start && before->offset + (start - before->start) == offset) {
		before->end = end;
		return true;
	}
	if (pager->forwards == FORWARDS_MAX)
		return false;
	move(pager, at, at + 1);
	pager->forward[at] = (struct memory_forward){.start = start, .end = end, .offset = offset};
	return true;
}

/* Makes the range show what is below. Object locked. *lower: a reference, taken when it is the first; else left. */
static kern_return_t forward(
	vm_object_t object, vm_offset_t start, vm_offset_t end, vm_object_t *lower, vm_offset_t offset)
{
	struct memory_object *pager = object->pager;
	struct vm_object_walk walk;
	struct vm_page *page;

	if (pager->state != MEMORY_OBJECT_READY)
		return KERN_MEMORY_FAILURE;
	if (pager->lower != NULL && pager->lower != *lower)
		return KERN_RESOURCE_SHORTAGE;
	memory_object_end_forward(object, start, end);
	if (!add(pager, start, end, offset))
		return KERN_RESOURCE_SHORTAGE;
	if (pager->lower == NULL) {
		pager->lower = *lower;
		*lower = NULL;
	}
	/* Pages that have contents stay as they are; who waits for others looks again. */
	for (walk = vm_object_walk(object, start, end); (page = vm_object_next(&walk)) != NULL;) {
		if (page->absent || page->error)
			vm_object_free_page(page);
		else
			memory_object_end_forward(object, page->offset, page->offset + VM_PAGE_SIZE);
	}
	return KERN_SUCCESS;
}

/* The port is consumed on success. */
kern_return_t memory_object_data_forward(
	vm_object_t object, vm_offset_t offset, vm_size_t size, struct ipc_port *port, vm_offset_t lower_offset)
{
	vm_offset_t start, end, first, last;
	struct memory_forward *room = NULL;
	vm_object_t lower;
	kern_return_t result;

	if (object->pager == NULL || port == NULL || size == 0 ||
		((offset | size | lower_offset) & VM_PAGE_MASK) != 0 ||
		!checked_page_range(offset, size, &start, &end) ||
		!checked_page_range(lower_offset, size, &first, &last))
		return KERN_INVALID_ARGUMENT;
	result = memory_object_enter(port, &lower);
	if (result != KERN_SUCCESS)
		return result;
	if (lower->pager->id >= object->pager->id) {
		vm_object_deallocate(lower);
		return KERN_INVALID_ARGUMENT;
	}
	room = kalloc(object->account, FORWARDS_MAX * sizeof(*room));
	lock_acquire(&object->lock);
	if (object->pager->forward == NULL) {
		object->pager->forward = room;
		room = NULL;
	}
	result = object->pager->forward == NULL ? KERN_RESOURCE_SHORTAGE : forward(object, start, end, &lower, first);
	lock_release(&object->lock);
	kfree(object->account, room, FORWARDS_MAX * sizeof(*room));
	vm_object_deallocate(lower);
	if (result == KERN_SUCCESS)
		ipc_port_release_send(port);
	return result;
}

void memory_object_free_forwards(vm_object_t object)
{
	struct memory_object *pager = object->pager;

	kfree(object->account, pager->forward, FORWARDS_MAX * sizeof(*pager->forward));
	object->shadow = pager->lower; /* who frees the object goes on with that */
}
