/* Copies of memory on their way: what vm_map_copy_t is inside. */
#ifndef VM_VM_COPY_H
#define VM_VM_COPY_H

#include <vm/vm_object.h>

/*
 * A part of a copy: a range of an object, as an entry of a map would refer to it (vm_object.h, Sharing): without
 * needs_copy the range is the piece's alone. Object null: zeros. The chain below never ends in a pager, so that all is
 * resident, in a swap area, or zero.
 */
struct vm_copy_piece {
	struct list link;
	vm_object_t object; /* reference */
	vm_offset_t offset;
	vm_size_t size; /* whole pages */
	bool needs_copy;
};

struct vm_map_copy {
	struct account *account; /* pays for this and the pieces */
	vm_size_t size;          /* bytes */
	vm_offset_t page_offset; /* of the first byte in the first page */
	struct list pieces;      /* in order, together the pages that hold the bytes */
};

/* A copy of the first `size` bytes of an object (reference consumed, even on failure), on its account. Null: no memory.
 */
vm_map_copy_t vm_map_copy_of_object(vm_object_t object, vm_size_t size);
/*
 * Takes the whole page at the page-aligned offset out of a copy whose bytes start at a page: unmapped, of no object,
 * clean. Null when the page is not the copy's alone, or not resident: read it then.
 */
struct vm_page *vm_map_copy_take_page(vm_map_copy_t copy, vm_offset_t offset);
/* Has the pages of a copy brought in that are in swap areas. KERN_RESTART as vm_fault. No objects locked. */
kern_return_t vm_map_copy_bring(vm_map_copy_t copy);

#endif
