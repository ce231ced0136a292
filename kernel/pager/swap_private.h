/* Swap areas inside: what swap.c, which gives the slots out, and swap_area.c, which switches areas on and off, share. */
#ifndef PAGER_SWAP_PRIVATE_H
#define PAGER_SWAP_PRIVATE_H

#include <mach/mach_types.h>
#include <vm/vm_swap.h>

#define SWAP_AREAS       4
#define SWAP_CHUNK_SLOTS (VM_PAGE_SIZE / sizeof(struct swap_slot))

/* All but the object is under the object's lock, and the name, which is written once. Slot 0 is the page in which the
 * area says that it is one. */
struct swap_area {
	vm_object_t object; /* a reference; once set it stays */
	uint32_t slots, free; /* 0: switched off */
	uint32_t next;        /* where free slots are looked for first */
	uint32_t hash_mask;
	bool closing; /* gives no slots out */
	struct swap_slot **chunks;
	uint64_t *taken; /* bit per slot: not FREE */
	uint32_t *hash;  /* number of the first slot, by object and page */
	kernel_debug_name_t name;
};

extern struct swap_area swap_areas[SWAP_AREAS];

static inline struct swap_slot *swap_slot_at(const struct swap_area *area, uint64_t number)
{
	return &area->chunks[number / SWAP_CHUNK_SLOTS][number % SWAP_CHUNK_SLOTS];
}

#endif
