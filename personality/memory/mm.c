/* Address spaces: the list of mappings and the kernel's map behind it. */
#include "memory/mm.h"

#include <errno.h>
#include <mach/mach.h>
#include <mach/priority.h>
#include <string.h>
#include <sys/mman.h>

#include "base/user.h"
#include "memory/accounts.h"
#include "process/deaths.h"
#include "vfs/vfs.h"

/* Those that have owners. */
static struct table spaces_by_task = TABLE_INITIALIZER(spaces_by_task);

static struct address_space *space_alloc(uint32_t uid)
{
	struct address_space *space = user_alloc(user_now(), sizeof *space);

	if (space == NULL)
		return NULL;
	space->payer = account_hold(uid);
	if (space->payer == NULL) {
		user_free(space);
		return NULL;
	}
	space->references = 1;
	areas_init(&space->areas);
	return space;
}

struct address_space *address_space_create(uint32_t uid)
{
	struct address_space *space = space_alloc(uid);

	if (space == NULL)
		return NULL;
	/* Not the server's priority; children have their parents'. */
	if (task_create_in(space->payer->account.port, mach_task_self(), FALSE, &space->task) != KERN_SUCCESS ||
		portolan_task_priority(space->task, PRIORITY_USER, PRIORITY_USER) != KERN_SUCCESS ||
		death_watch(space->task) != 0) {
		address_space_release(space);
		return NULL;
	}
	return space;
}

/* Files that are written by mappings: their mount is to know. */
static void count_writer(const struct vm_area *area, int more)
{
	if (area->vnode != NULL && area->vnode->mount != NULL && area->flags & MAP_SHARED && area->maximum & PROT_WRITE) {
		mount_shared_writers(area->vnode->mount, more);
		area->vnode->shared_writers += (unsigned)more;
	}
}

static struct vm_area *area_copy(const struct address_space *space, const struct vm_area *area)
{
	struct vm_area *copy = user_alloc(user_now(), sizeof *copy);

	if (copy == NULL)
		return NULL;
	*copy = *area;
	if (copy->vnode != NULL) {
		vnode_reference(copy->vnode);
		segment_mapped(copy->vnode, space->owner_id);
	}
	count_writer(copy, 1);
	return copy;
}

/* Private, writable and no stack. */
static bool is_data(const struct vm_area *area)
{
	return (area->protection & PROT_WRITE) && !(area->flags & MAP_SHARED) &&
	       (area->name == NULL || strcmp(area->name, "[stack]") != 0);
}

static vm_prot_t kernel_protection(int protection)
{
	/* On this processor what can be written or executed can be read. */
	return protection == PROT_NONE ? VM_PROT_NONE : (protection & 7) | VM_PROT_READ;
}

/* How the kernel's task has what is not as usual: none of it goes to the next task, or (all) everything. */
static void set_inheritance(const struct address_space *space, bool all)
{
	list_for_each (link, &space->areas.list) {
		const struct vm_area *area = list_entry(link, struct vm_area, link);

		if (area->in_child != CHILD_HAS_IT)
			vm_inherit(space->task, area->start, area->end - area->start,
				!all                       ? VM_INHERIT_NONE
				: area->flags & MAP_SHARED ? VM_INHERIT_SHARE
							   : VM_INHERIT_COPY);
	}
}

/* Memory of zeros in the child where the parent's is not handed on. */
static bool map_zeros(const struct address_space *space)
{
	list_for_each (link, &space->areas.list) {
		const struct vm_area *area = list_entry(link, struct vm_area, link);
		vm_address_t where = area->start;

		if (area->in_child == CHILD_HAS_ZEROS &&
			vm_map(space->task, &where, area->end - area->start, 0, FALSE, MACH_PORT_NULL, 0, FALSE,
				kernel_protection(area->protection), kernel_protection(area->maximum),
				VM_INHERIT_NONE) != KERN_SUCCESS)
			return false;
	}
	return true;
}

/* Keep: these flags of the areas. all: also what a child does not have. */
static struct address_space *inherit(struct address_space *parent, uint32_t uid, int keep, bool all)
{
	struct address_space *space = space_alloc(uid);
	kern_return_t result;
	bool special = false;

	if (space == NULL)
		return NULL;
	space->size = parent->size;
	space->data = parent->data;
	list_for_each (link, &parent->areas.list) {
		const struct vm_area *area = list_entry(link, struct vm_area, link);
		struct vm_area *copy;

		special |= area->in_child != CHILD_HAS_IT;
		if (area->in_child == CHILD_HAS_NOTHING && !all) {
			space->size -= area->end - area->start;
			space->data -= is_data(area) ? area->end - area->start : 0;
			continue;
		}
		copy = area_copy(parent, area);
		if (copy == NULL)
			goto fail;
		copy->flags &= keep;
		areas_append(&space->areas, copy);
	}
	space->brk_start = parent->brk_start;
	space->brk = parent->brk;
	space->mmap_top = parent->mmap_top;
	if (special && all)
		set_inheritance(parent, true);
	result = task_create_in(space->payer->account.port, parent->task, TRUE, &space->task);
	if (special && all) {
		set_inheritance(parent, false);
		if (result == KERN_SUCCESS)
			set_inheritance(space, false);
	}
	if (result == KERN_SUCCESS && special && !all && !map_zeros(space))
		result = KERN_RESOURCE_SHORTAGE;
	if (result == KERN_SUCCESS && death_watch(space->task) == 0)
		return space;
fail:
	address_space_release(space);
	return NULL;
}

struct address_space *address_space_fork(struct address_space *parent, uint32_t uid)
{
	return inherit(parent, uid, ~MAP_LOCKED, false);
}

struct address_space *address_space_successor(struct address_space *old, uint32_t uid)
{
	struct address_space *space = inherit(old, uid, ~0, true);

	if (space != NULL) {
		space->locked = old->locked;
		space->lock_new = old->lock_new;
	}
	return space;
}

void address_space_own(struct address_space *space, struct process *owner)
{
	table_remove(&spaces_by_task, &space->by_task);
	space->owner = owner;
	if (owner != NULL) {
		space->owner_id = owner->id;
		table_add(&spaces_by_task, &space->by_task, table_key_of_port(space->task));
	}
}

struct process *process_of_task(mach_port_t task)
{
	struct table_link *link = table_find(&spaces_by_task, table_key_of_port(task));

	return link == NULL ? NULL : table_entry(link, struct address_space, by_task)->owner;
}

/* Counts the area as what it is; no longer, before that changes. */
static void count_in(struct address_space *space, const struct vm_area *area)
{
	uint64_t size = area->end - area->start;

	space->size += size;
	space->data += is_data(area) ? size : 0;
	space->locked += area->flags & MAP_LOCKED ? size : 0;
}

static void count_out(struct address_space *space, const struct vm_area *area)
{
	uint64_t size = area->end - area->start;

	space->size -= size;
	space->data -= is_data(area) ? size : 0;
	space->locked -= area->flags & MAP_LOCKED ? size : 0;
}

static void area_end(const struct address_space *space, struct vm_area *area)
{
	struct vnode *vnode = area->vnode;

	count_writer(area, -1);
	user_free(area);
	if (vnode != NULL)
		segment_unmapped(vnode, space->owner_id);
	vnode_release(vnode);
}

static void area_free(struct address_space *space, struct vm_area *area)
{
	const struct vm_area *above = area_above(&space->areas, area);

	/* There is room now up to the next area. */
	if (area->end > space->searched_from)
		space->searched_from = above != NULL && above->start < space->mmap_top ? above->start : space->mmap_top;
	areas_remove(&space->areas, area);
	area_end(space, area);
}

void address_space_bill(struct address_space *space, struct user *payer)
{
	vm_map_bill(space->task, payer->account.port);
	account_let_go(space->payer);
	space->payer = payer;
}

void address_space_release(struct address_space *space)
{
	if (space == NULL || --space->references > 0)
		return;
	address_space_own(space, NULL);
	if (space->task != MACH_PORT_NULL) {
		task_terminate(space->task);
		mach_port_deallocate(mach_task_self(), space->task);
	}
	list_for_each_safe (link, &space->areas.list)
		area_end(space, list_entry(link, struct vm_area, link));
	account_let_go(space->payer);
	user_free(space);
}

/* Makes a border at the address. */
static int split(struct address_space *space, uint64_t address)
{
	struct vm_area *area = address_space_area(space, address), *upper;

	if (area == NULL || area->start == address)
		return 0;
	if (space->areas.count >= user_settings.mappings)
		return -ENOMEM;
	upper = area_copy(space, area);
	if (upper == NULL)
		return -ENOMEM;
	upper->start = address;
	if (upper->vnode != NULL || upper->number != 0)
		upper->offset += address - area->start;
	area_resize(&space->areas, area, area->start, address);
	areas_insert(&space->areas, upper);
	return 0;
}

struct vm_area *address_space_area(struct address_space *space, uint64_t address)
{
	struct vm_area *area = areas_behind(&space->areas, address);

	return area != NULL && area->start <= address ? area : NULL;
}

bool address_space_is_free(struct address_space *space, uint64_t address, uint64_t size)
{
	const struct vm_area *area;

	if (address < MMAP_LOWEST || size > VM_MAX_ADDRESS || address > VM_MAX_ADDRESS - size)
		return false;
	area = areas_behind(&space->areas, address);
	return area == NULL || area->start >= address + size;
}

uint64_t address_space_find(struct address_space *space, uint64_t size)
{
	uint64_t top = space->searched_size != 0 && space->searched_size <= size ? space->searched_from : space->mmap_top;
	uint64_t end = areas_room(&space->areas, MMAP_LOWEST, top, size);

	space->searched_from = end;
	space->searched_size = size;
	return end != 0 ? end - size : 0;
}

int address_space_map(struct address_space *space, uint64_t address, uint64_t size, int protection, int maximum,
	int flags, struct vnode *vnode, mach_port_t object, uint64_t offset, const char *name)
{
	static uint64_t last_number = 1;
	bool shared = (flags & MAP_SHARED) != 0;
	vm_address_t where = address;
	struct vm_area *area, *lower;
	kern_return_t result;

	if (space->areas.count >= user_settings.mappings)
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
	area->failures_seen = vnode != NULL ? vnode->failures.count : 0;
	area->number = vnode == NULL && shared ? last_number += 2 : 0;
	area->name = name;
	if (vnode != NULL)
		segment_mapped(vnode, space->owner_id);
	count_writer(area, 1);
	count_in(space, area);
	/* Anonymous neighbours of the same kind become one. */
	lower = vnode == NULL && !shared ? areas_behind(&space->areas, address - 1) : NULL;
	if (lower != NULL && lower->end == address && lower->vnode == NULL && lower->protection == protection &&
		lower->flags == flags && lower->in_child == CHILD_HAS_IT && lower->name == name &&
		lower->maximum == maximum) {
		area_resize(&space->areas, lower, lower->start, area->end);
		user_free(area);
	} else {
		areas_insert(&space->areas, area);
	}
	return 0;
}

int address_space_unmap(struct address_space *space, uint64_t address, uint64_t size)
{
	uint64_t end = address + size;

	if (split(space, address) != 0 || split(space, end) != 0)
		return -ENOMEM;
	for (;;) {
		struct vm_area *found = areas_behind(&space->areas, address);

		if (found == NULL || found->start >= end)
			return 0;
		/* The mapping goes first; freeing the area may release the lock. */
		vm_deallocate(space->task, found->start, found->end - found->start);
		count_out(space, found);
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
	count_out(space, area);
	area->protection = protection;
	count_in(space, area);
	return 0;
}

void address_space_set_locked(struct address_space *space, struct vm_area *area, int locked)
{
	count_out(space, area);
	area->flags = (area->flags & ~MAP_LOCKED) | locked;
	count_in(space, area);
}
