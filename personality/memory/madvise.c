/* madvise: advice that is only that, and what changes memory or how a child has it. */
#include <errno.h>
#include <mach/mach.h>
#include <sys/mman.h>

#include "memory/mm.h"
#include "process/proc.h"
#include "unix_server.h"
#include "vfs/vfs.h"

/* What all of a range is asked for; the area has no more than the range. */
typedef int (*advise)(struct call *call, struct vm_area *area);

static bool is_private_memory(const struct vm_area *area)
{
	return area->vnode == NULL && !(area->flags & MAP_SHARED);
}

static int nothing(struct call *call, struct vm_area *area)
{
	(void)call;
	(void)area;
	return 0;
}

/* Private pages of a file's mapping go: it is mapped anew. */
static int forget_changes(struct call *call, uint64_t start)
{
	struct address_space *space = call->process->memory;
	struct vm_area *area = address_space_area(space, start);
	struct vnode *vnode = vnode_reference(area->vnode);
	mach_port_t object = MACH_PORT_NULL;
	vm_address_t where;
	int error = vnode->ops->memory_object != NULL ? vnode->ops->memory_object(vnode, &object) : 0;

	/* That may have taken its time. */
	area = address_space_area(space, start);
	if (error == 0 && object != MACH_PORT_NULL && area != NULL && area->vnode == vnode && area->start == start) {
		where = area->start;
		vm_deallocate(space->task, area->start, area->end - area->start);
		if (vm_map(space->task, &where, area->end - area->start, 0, FALSE, object, area->offset, TRUE,
			    VM_PROT_ALL, VM_PROT_ALL, VM_INHERIT_COPY) != KERN_SUCCESS)
			error = -ENOMEM;
		else
			error = address_space_protect(space, area, area->protection);
	}
	if (object != MACH_PORT_NULL)
		mach_port_deallocate(mach_task_self(), object);
	vnode_release(vnode);
	return error;
}

/* Anonymous memory becomes zeros again. Shared pages, and those of a file, stay what they are. */
static int discard_locked(struct call *call, struct vm_area *area)
{
	struct address_space *space = call->process->memory;
	vm_address_t where = area->start;

	if (area->flags & MAP_SHARED)
		return 0;
	if (area->vnode != NULL)
		return forget_changes(call, area->start);
	vm_deallocate(space->task, area->start, area->end - area->start);
	if (vm_map(space->task, &where, area->end - area->start, 0, FALSE, MACH_PORT_NULL, 0, FALSE, VM_PROT_DEFAULT,
		    VM_PROT_ALL, area->in_child == CHILD_HAS_IT ? VM_INHERIT_COPY : VM_INHERIT_NONE) != KERN_SUCCESS)
		return -ENOMEM;
	return area->protection == (PROT_READ | PROT_WRITE) ? 0 : address_space_protect(space, area, area->protection);
}

static int discard(struct call *call, struct vm_area *area)
{
	return area->flags & MAP_LOCKED ? -EINVAL : discard_locked(call, area);
}

/* As if they were needed no more at once. */
static int free_later(struct call *call, struct vm_area *area)
{
	(void)call;
	return is_private_memory(area) && !(area->flags & MAP_LOCKED) ? 0 : -EINVAL;
}

/* Not to be given back one by one: the object of shared memory has no name. They become zeros. */
static int write_zeros(struct call *call, const struct vm_area *area)
{
	static const char zeros[VM_PAGE_SIZE];
	const mach_port_t task = process_task(call->process);
	const uint64_t start = area->start, end = area->end;
	int error = 0;

	for (uint64_t at = start; at < end && error == 0; at += VM_PAGE_SIZE)
		error = copy_out_waiting(task, at, zeros, sizeof zeros);
	return error;
}

/* A hole in what is mapped. */
static int punch(struct call *call, struct vm_area *area)
{
	struct vnode *vnode = area->vnode;
	int error;

	if (area->flags & MAP_LOCKED || is_private_memory(area))
		return -EINVAL;
	if (!(area->flags & MAP_SHARED) || !(area->protection & PROT_WRITE))
		return -EACCES;
	if (vnode == NULL)
		return write_zeros(call, area);
	if (vnode->ops->punch == NULL)
		return -EOPNOTSUPP;
	vnode_reference(vnode);
	error = vnode->ops->punch(vnode, call, area->offset, area->end - area->start);
	vnode_release(vnode);
	return error;
}

static int set_in_child(struct call *call, struct vm_area *area, enum area_in_child in_child)
{
	const vm_inherit_t usual = area->flags & MAP_SHARED ? VM_INHERIT_SHARE : VM_INHERIT_COPY;

	if (vm_inherit(process_task(call->process), area->start, area->end - area->start,
		    in_child == CHILD_HAS_IT ? usual : VM_INHERIT_NONE) != KERN_SUCCESS)
		return -ENOMEM;
	area->in_child = in_child;
	return 0;
}

static int keep_from_child(struct call *call, struct vm_area *area)
{
	return set_in_child(call, area, CHILD_HAS_NOTHING);
}

static int give_to_child(struct call *call, struct vm_area *area)
{
	return set_in_child(call, area, CHILD_HAS_IT);
}

static int wipe_in_child(struct call *call, struct vm_area *area)
{
	return is_private_memory(area) ? set_in_child(call, area, CHILD_HAS_ZEROS) : -EINVAL;
}

static int populate(struct call *call, struct vm_area *area)
{
	if (area->protection == PROT_NONE)
		return -EINVAL;
	return memory_bring(call, area->start, area->end);
}

static int populate_written(struct call *call, struct vm_area *area)
{
	return area->protection & PROT_WRITE ? populate(call, area) : -EINVAL;
}

/* Null: not known here, as on a Linux without what it is about. */
static advise find(int advice)
{
	switch (advice) {
	case MADV_NORMAL:
	case MADV_RANDOM:
	case MADV_SEQUENTIAL:
	case MADV_WILLNEED:
	case MADV_HUGEPAGE:
	case MADV_NOHUGEPAGE:
	case MADV_DONTDUMP:
	case MADV_DODUMP:
	case MADV_COLD:
	case MADV_PAGEOUT:
		return nothing;
	case MADV_DONTNEED:
		return discard;
	case MADV_DONTNEED_LOCKED:
		return discard_locked;
	case MADV_FREE:
		return free_later;
	case MADV_REMOVE:
		return punch;
	case MADV_DONTFORK:
		return keep_from_child;
	case MADV_DOFORK:
	case MADV_KEEPONFORK:
		return give_to_child;
	case MADV_WIPEONFORK:
		return wipe_in_child;
	case MADV_POPULATE_READ:
		return populate;
	case MADV_POPULATE_WRITE:
		return populate_written;
	default:
		return NULL;
	}
}

int64_t sys_madvise(uint64_t caller, uint64_t address, uint64_t size, int advice)
{
	struct call *call = call_of(caller);
	struct address_space *space = call->process->memory;
	const uint64_t pages = round_page(size), end = address + pages;
	const advise act = find(advice);
	int64_t holes = 0;
	uint64_t at, next;

	/* Sizes that are rounded up to nothing are none. */
	if (act == NULL || (address & VM_PAGE_MASK) || (size != 0 && pages == 0) || end < address)
		return -EINVAL;
	/* Where nothing is stays nothing; the rest is done. */
	for (at = address; at < end; at = next) {
		struct vm_area *area = areas_behind(&space->areas, at);
		int error;

		if (area == NULL || area->start >= end)
			return -ENOMEM;
		if (area->start > at) {
			holes = -ENOMEM;
			at = area->start;
		}
		next = area->end < end ? area->end : end;
		if (act == nothing)
			continue;
		if (address_space_split(space, at, next) != 0)
			return -ENOMEM;
		error = act(call, address_space_area(space, at));
		if (error != 0)
			return call_result(error);
	}
	return holes;
}
