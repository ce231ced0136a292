/* Swap: where pages of anonymous memory are that have gone out. */
#ifndef VM_VM_SWAP_H
#define VM_VM_SWAP_H

#include <vm/vm_object.h>

/*
 * A swap area is the memory object of a pager, the default pager, seen page by page: its slots, which the kernel gives
 * out. A page of anonymous memory that goes out leaves its object and becomes a dirty page of the area's, at its slot.
 * From then on it is returned, forgotten and asked for as any pager's page. What its object keeps is the slot, under
 * which a page is found as in a shadow: it is read where it is. A write by its owner, or any access when slots are few,
 * takes it back, and frees the slot.
 *
 * An object has a page at an offset, or a slot, or neither. The states of a slot (its area's object locked):
 *
 *   FREE     for the next page that goes out
 *   USED     an object has it
 *   LEAVING  no object has it any more, but its page is on its way to the pager, or being asked for
 *   BAD      the pager could not write it: the page goes back to its object, and the slot is not used again
 *
 * Locks: a slot is given to an object, and taken from it, under the locks of both the object and the area's, in this
 * order. So either of them keeps an object and its slots together.
 */
struct swap_slot {
	struct list link;   /* of the object's */
	vm_object_t object; /* null: no object has it */
	uint32_t page;      /* number of the page in the object */
	uint32_t number;    /* of the slot: of the page in the area's object */
	uint32_t hash_next; /* number of the next slot of the area with this hash; 0: none */
	uint16_t account;   /* accounts[], for which it counts as a page */
	uint8_t area;
	bool bad;
	uint8_t leaving; /* messages to the pager that have its page */
};

/* The slot that the object (locked) has at the offset, its area's object locked; or null. */
struct swap_slot *swap_look_up(vm_object_t object, vm_offset_t offset);
static inline struct swap_slot *swap_find(vm_object_t object, vm_offset_t offset)
{
	return __builtin_expect(object->swapped == 0, 1) ? NULL : swap_look_up(object, offset);
}
bool swap_has(vm_object_t object, vm_offset_t offset); /* whether there is one, and no more */
/* The offset of the first one that the object (locked) has in the range, or the range's end. */
vm_offset_t swap_first(vm_object_t object, vm_offset_t start, vm_offset_t end);
vm_object_t swap_object(const struct swap_slot *slot);
static inline vm_offset_t swap_offset(const struct swap_slot *slot)
{
	return (vm_offset_t)slot->number << VM_PAGE_SHIFT;
}
/* Where the run of slots ends that objects have from the offset on, for reading ahead. Area locked. */
vm_offset_t swap_run_end(vm_object_t area, vm_offset_t offset);
/* Slots are few: a page that comes in gives its own back. */
bool swap_is_short(void);
/* Pages that could go out: slots that are free. */
uint64_t swap_free_pages(void);

/* A page of an area's object becomes its slot's object's again. Both locked. */
void swap_take(struct swap_slot *slot, struct vm_page *page);
/* The object (locked) gives its slots in the range back. */
void swap_free(vm_object_t object, vm_offset_t start, vm_offset_t end);
/* The slots of a shadow of which the object shows something, and has nothing itself, become its own, the others are given
 * back. Both locked. */
void swap_take_over(vm_object_t object, vm_object_t shadow);
/* Whether the object has a page or a slot wherever the shadow has a slot that it could see. Both locked. */
bool swap_covered(vm_object_t object, vm_object_t shadow);

/*
 * Page-out of an anonymous page that is on a queue, with those behind it. Its object is locked, and unlocked by this.
 * False: there is no slot, or the pager has enough to do.
 */
bool swap_out(struct vm_page *page);
/* Of a page of an area's object (locked) that cannot be written: its owner gets it back. False: it can. */
bool swap_give_back(struct vm_page *page);
/* The default pager has more to write than it will have done soon. */
bool swap_is_busy(void);

/* Pages of an area's object are in a message to its pager; that has freed them. Area locked in the first. */
void swap_leaving(vm_object_t area, vm_offset_t offset, vm_size_t size);
void swap_returned(vm_object_t area, vm_offset_t offset, vm_size_t size);
/* The pager could not write the page. Area locked. */
void swap_refused(vm_object_t area, vm_offset_t offset);

#endif
