/* Address spaces: the list of mappings and the kernel's map behind it. */
#include "memory/mm.h"

#include <errno.h>
#include <mach/mach.h>
#include <mach/priority.h>
#include <sys/mman.h>

#include "base/user.h"
#include "memory/accounts.h"
#include "process/deaths.h"
#include "vfs/vfs.h"

#define area_of(at) list_entry(at, struct vm_area, link)

static struct address_space *space_alloc(uint32_t uid)
{
	struct address_space *space = user_alloc(user_now(), sizeof *space);

	if (space == NULL)
		return NULL;
	space->account = user_account_get(uid);
	if (space->account == NULL) {
		user_free(space);
		return NULL;
	}
	space->references = 1;
	list_init(&space->areas);
	return space;
}

struct address_space *address_space_create(uint32_t uid)
{
	struct address_space *space = space_alloc(uid);

	if (space == NULL)
		return NULL;
	/* Not the server's priority; children have their parents'. */
	if (task_create_in(space->account->port, mach_task_self(), FALSE, &space->task) != KERN_SUCCESS ||
		task_priority(space->task, PRIORITY_USER, PRIORITY_USER) != KERN_SUCCESS ||
		death_watch(space->task) != 0) {
		address_space_release(space);
		return NULL;
	}
	return space;
}

static struct vm_area *area_copy(const struct vm_area *area)
{
	struct vm_area *copy = user_alloc(user_now(), sizeof *copy);

	if (copy == NULL)
		return NULL;
	*copy = *area;
	if (copy->vnode != NULL)
		vnode_reference(copy->vnode);
	return copy;
}

struct address_space *address_space_fork(struct address_space *parent, uint32_t uid)
{
	struct address_space *space = space_alloc(uid);
	kern_return_t result;

	if (space == NULL)
		return NULL;
	list_for_each (link, &parent->areas) {
		struct vm_area *copy = area_copy(area_of(link));

		if (copy == NULL)
			goto fail;
		copy->flags &= ~MAP_LOCKED;
		list_append(&space->areas, &copy->link);
		space->area_count++;
	}
	space->size = parent->size;
	space->brk_start = parent->brk_start;
	space->brk = parent->brk;
	space->mmap_top = parent->mmap_top;
	/* The parent's account is the shorter way. */
	result = space->account == parent->account
			 ? task_create(parent->task, TRUE, &space->task)
			 : task_create_in(space->account->port, parent->task, TRUE, &space->task);
	if (result == KERN_SUCCESS && death_watch(space->task) == 0)
		return space;
fail:
	address_space_release(space);
	return NULL;
}

static void area_free(struct address_space *space, struct vm_area *area)
{
	struct vnode *vnode = area->vnode;
	struct list *above = area->link.next;

	space->area_count--;
	list_remove(&area->link);
	space->near = above != &space->areas ? area_of(above) : NULL;
	/* There is room now up to the next area. */
	if (area->end > space->searched_from)
		space->searched_from = space->near != NULL && space->near->start < space->mmap_top ? space->near->start
												   : space->mmap_top;
	user_free(area);
	vnode_release(vnode);
}

void address_space_release(struct address_space *space)
{
	if (space == NULL || --space->references > 0)
		return;
	if (space->task != MACH_PORT_NULL) {
		task_terminate(space->task);
		mach_port_deallocate(mach_task_self(), space->task);
	}
	while (!list_empty(&space->areas))
		area_free(space, area_of(space->areas.next));
	user_account_release(space->account);
	user_free(space);
}

/*
 * The link of the first area that ends behind the address, or the list's. From where the last was found: most are near
 * it.
 */
static struct list *first_behind(struct address_space *space, uint64_t address)
{
	struct list *link = space->near != NULL ? &space->near->link : &space->areas;

	while (link->prev != &space->areas && area_of(link->prev)->end > address)
		link = link->prev;
	while (link != &space->areas && area_of(link)->end <= address)
		link = link->next;
	space->near = link != &space->areas ? area_of(link) : NULL;
	return link;
}

static void insert(struct address_space *space, struct vm_area *area)
{
	list_append(first_behind(space, area->start), &area->link); /* in front of it */
	space->area_count++;
}

/* Makes a border at the address. */
static int split(struct address_space *space, uint64_t address)
{
	struct vm_area *area = address_space_area(space, address), *upper;

	if (area == NULL || area->start == address)
		return 0;
	if (space->area_count >= user_settings.mappings)
		return -ENOMEM;
	upper = area_copy(area);
	if (upper == NULL)
		return -ENOMEM;
	upper->start = address;
	if (upper->vnode != NULL || upper->number != 0)
		upper->offset += address - area->start;
	area->end = address;
	list_append(area->link.next, &upper->link);
	space->area_count++;
	return 0;
}

struct vm_area *address_space_area(struct address_space *space, uint64_t address)
{
	struct list *link = first_behind(space, address);

	return link != &space->areas && area_of(link)->start <= address ? area_of(link) : NULL;
}

bool address_space_is_free(struct address_space *space, uint64_t address, uint64_t size)
{
	struct list *link;

	if (address < MMAP_LOWEST || size > VM_MAX_ADDRESS || address > VM_MAX_ADDRESS - size)
		return false;
	link = first_behind(space, address);
	return link == &space->areas || area_of(link)->start >= address + size;
}

uint64_t address_space_find(struct address_space *space, uint64_t size)
{
	uint64_t top = space->mmap_top, least = 1;
	struct list *link;

	if (space->searched_size != 0 && space->searched_size <= size) {
		top = space->searched_from;
		least = space->searched_size;
	}
	link = first_behind(space, top);
	if (link == &space->areas)
		link = link->prev;
	for (; link != &space->areas; link = link->prev) {
		struct vm_area *area = area_of(link);

		if (area->end <= top) {
			uint64_t room = top - area->end;

			if (room >= size)
				break;
			if (room >= least)
				least = room + 1;
		}
		if (area->start < top)
			top = area->start;
	}
	space->searched_from = top;
	space->searched_size = least;
	return top >= size && top - size >= MMAP_LOWEST ? top - size : 0;
}

static vm_prot_t kernel_protection(int protection)
{
	/* On this processor what can be written or executed can be read. */
	return protection == PROT_NONE ? VM_PROT_NONE : (protection & 7) | VM_PROT_READ;
}

int address_space_map(struct address_space *space, uint64_t address, uint64_t size, int protection, int maximum,
	int flags, struct vnode *vnode, mach_port_t object, uint64_t offset, const char *name)
{
	static uint64_t last_number = 1;
	bool shared = (flags & MAP_SHARED) != 0;
	vm_address_t where = address;
	struct vm_area *area;
	kern_return_t result;

	if (space->area_count >= user_settings.mappings)
		return -ENOMEM;
	area = user_alloc(user_now(), sizeof *area);
	if (area == NULL)
		return -ENOMEM;
	result = vm_map(space->task, &where, size, 0, FALSE, object, offset, !shared && object != MACH_PORT_NULL,
		kernel_protection(protection), kernel_protection(maximum), shared ? VM_INHERIT_SHARE : VM_INHERIT_COPY);
	if (result != KERN_SUCCESS) {
		user_free(area);
		/* An improper capability is a memory object whose pager is dead. */
		return result == KERN_PROTECTION_FAILURE ? -EACCES : result == KERN_INVALID_CAPABILITY ? -EIO : -ENOMEM;
	}
	area->start = address;
	area->end = address + size;
	area->protection = protection;
	area->maximum = maximum;
	area->flags = flags;
	area->vnode = vnode != NULL ? vnode_reference(vnode) : NULL;
	area->offset = vnode != NULL ? offset : 0;
	area->number = vnode == NULL && shared ? last_number += 2 : 0;
	area->name = name;
	insert(space, area);
	space->size += size;
	/* Anonymous neighbours of the same kind become one. */
	if (vnode == NULL && area->link.prev != &space->areas) {
		struct vm_area *lower = area_of(area->link.prev);

		if (lower->end == area->start && lower->vnode == NULL && lower->protection == protection &&
			lower->flags == flags && lower->name == name && lower->maximum == maximum && !shared) {
			lower->end = area->end;
			area_free(space, area);
		}
	}
	return 0;
}

int address_space_unmap(struct address_space *space, uint64_t address, uint64_t size)
{
	uint64_t end = address + size;

	if (split(space, address) != 0 || split(space, end) != 0)
		return -ENOMEM;
	for (;;) {
		struct list *link = first_behind(space, address);
		struct vm_area *found = area_of(link);

		if (link == &space->areas || found->start >= end)
			return 0;
		/* The mapping goes first; freeing the area may release the lock. */
		vm_deallocate(space->task, found->start, found->end - found->start);
		space->size -= found->end - found->start;
		area_free(space, found);
	}
}

/* --- What the calls need beyond that (mmap.c). */

int address_space_split(struct address_space *space, uint64_t start, uint64_t end)
{
	int error = split(space, start);

	return error != 0 ? error : split(space, end);
}

int address_space_protect(struct address_space *space, struct vm_area *area, int protection)
{
	kern_return_t result;

	if (protection & ~area->maximum & 7)
		return -EACCES;
	result = vm_protect(space->task, area->start, area->end - area->start, FALSE, kernel_protection(protection));
	if (result != KERN_SUCCESS)
		return result == KERN_PROTECTION_FAILURE ? -EACCES : -ENOMEM;
	area->protection = protection;
	return 0;
}
