/* The child's address space: what each entry's inheritance makes of it. */
#include <kern/piece.h>
#include <kern/thread.h>
#include <vm/vm.h>
#include <vm/vm_map.h>

/*
 * SHARE: both see one object, which is marked so. COPY: both see the object and need a copy before they write. A
 * file's object (a pager's, or one with a size) that the parent maps shared is seen by a child that inherits a copy as
 * by a private mapping: it sees later changes until it writes itself. Other anonymous memory that is shared, or wired,
 * is copied at once.
 */

#define ENTRY_COST 600 /* instructions for one, about (kern/piece.h) */

static kern_return_t share(struct vm_map *parent, struct vm_map_entry *from, struct vm_map_entry *to)
{
	/* A mapping that may still be copied becomes the object of both first. */
	if (from->object == NULL || (from->needs_copy && vm_object_anonymous(from->object))) {
		kern_return_t result = vm_map_entry_own(parent, from);

		if (result != KERN_SUCCESS)
			return result;
	}
	if (from->needs_copy) {
		to->needs_copy = true; /* a private mapping of a pager's object that nobody wrote to */
	} else {
		from->object->shared = true;
	}
	to->object = from->object;
	to->offset = from->offset;
	vm_object_reference(to->object);
	return KERN_SUCCESS;
}

static kern_return_t copy_at_once(struct account *account, struct vm_map *parent, struct vm_map_entry *from,
	struct vm_map_entry *to, struct vm_fault_rest *rest)
{
	uint8_t protection = from->protection;
	kern_return_t result;

	to->object = vm_object_create(account, vm_map_entry_size(from));
	if (to->object == NULL)
		return KERN_RESOURCE_SHORTAGE;
	/* Memory that the parent may not read at the moment is inherited all the same. */
	from->protection |= VM_PROT_READ;
	result = vm_map_copy_bytes(parent, from->start, from->end, to->object, 0, rest);
	from->protection = protection;
	if ((protection & VM_PROT_READ) == 0)
		pmap_protect(parent->pmap, from->start, from->end, protection);
	return result;
}

static kern_return_t copy(struct account *account, struct vm_map *parent, struct vm_map_entry *from,
	struct vm_map_entry *to, struct vm_fault_rest *rest)
{
	vm_object_t object = from->object;
	const bool of_file = object != NULL && (object->pager != NULL || object->sized);

	if (object == NULL)
		return KERN_SUCCESS;
	if (object->physical_size != 0)
		return share(parent, from, to);
	if (!of_file && (object->shared || from->wired))
		return copy_at_once(account, parent, from, to, rest);
	if (object->shadow != NULL && rest->unused == NULL) {
		/* Before a further level is put on top. */
		lock_acquire(&object->lock);
		rest->unused = vm_object_collapse(object);
		if (rest->unused == NULL)
			rest->unused = vm_object_bypass(object);
		lock_release(&object->lock);
	}
	to->object = object;
	to->offset = from->offset;
	to->needs_copy = true;
	vm_object_reference(object);
	if (!of_file && !from->needs_copy) {
		from->needs_copy = true;
		if ((from->protection & VM_PROT_WRITE) != 0)
			pmap_protect(parent->pmap, from->start, from->end, VM_PROT_READ | VM_PROT_EXECUTE);
	}
	return KERN_SUCCESS;
}

kern_return_t vm_map_fork(vm_map_t parent, struct account *account, vm_map_t *out)
{
	struct vm_map *map;
	kern_return_t result = vm_map_create(account, &map);
	struct vm_map_entry *from, *to;

	if (result != KERN_SUCCESS)
		return result;
	/* The child's map is nobody else's yet and needs no lock. */
	lock_acquire(&parent->lock);
	for (vm_address_t at = 0; (from = vm_map_lookup(parent, at)) != NULL;) {
		struct vm_fault_rest rest = {.unused = NULL};

		at = from->end;
		piece_spend(ENTRY_COST);
		if (from->inheritance == VM_INHERIT_NONE)
			continue;
		to = vm_map_entry_create(map);
		if (to == NULL) {
			result = KERN_RESOURCE_SHORTAGE;
			break;
		}
		to->start = from->start;
		to->end = from->end;
		to->protection = from->protection;
		to->max_protection = from->max_protection;
		to->inheritance = from->inheritance;
		result = from->inheritance == VM_INHERIT_SHARE ? share(parent, from, to)
							       : copy(account, parent, from, to, &rest);
		vm_map_link(map, to);
		if (rest.unused != NULL || rest.message.object != NULL) {
			lock_release(&parent->lock);
			vm_fault_finish(&rest);
			lock_acquire(&parent->lock);
		}
		if (result != KERN_SUCCESS)
			break;
	}
	lock_release(&parent->lock);
	if (result != KERN_SUCCESS) {
		vm_map_terminate(map);
		vm_map_deallocate(map);
		return result;
	}
	*out = map;
	return KERN_SUCCESS;
}
