/* Address spaces: which object is seen where. */
#ifndef VM_VM_MAP_H
#define VM_VM_MAP_H

#include <vm/memory_object.h>
#include <vm/pmap.h>

/* Where memory that may lie anywhere begins, as long as there is room: above programs and their heaps. */
#define VM_ANYWHERE_ADDRESS 0x40000000ull

/* A range of addresses that sees one object with one set of attributes. */
struct vm_map_entry {
	struct list link;                  /* in order of address */
	struct vm_map_entry *left, *right; /* the tree by address (vm_map_entry.c) */
	uint32_t priority;
	vm_address_t start, end;
	vm_object_t object; /* reference; null: zero-filled memory not yet touched */
	vm_offset_t offset; /* of start in the object */
	uint8_t protection, max_protection;
	uint8_t inheritance;
	bool needs_copy; /* others may see the object's pages: a write goes to a new shadow (vm_object.h) */
	bool wired;      /* every page of it counts in its wire_count */
};

struct vm_map {
	struct lock lock;
	struct refcount refs;
	struct pmap *pmap;
	struct account *account; /* pays for it and its entries */
	struct account *payer;   /* pays for what is touched through it, and the pmap, which keeps it: vm_map_bill */
	struct list entries;
	struct vm_map_entry *root;
	struct vm_map_entry *hint; /* last found, or null */
	uint64_t size;             /* bytes mapped */
	vm_address_t full_below;   /* no free page from VM_ANYWHERE_ADDRESS to here */
	uint64_t number;           /* vm_number() */
	bool dead;
};

/* Numbers of maps and objects: each is given once. */
uint64_t vm_number(void);

/* --- Entries (vm_map_entry.c). The map is locked in all of these. */

/* A fresh entry, on the map's account; null: no memory. */
struct vm_map_entry *vm_map_entry_create(struct vm_map *map);
void vm_map_entry_free(struct vm_map *map, struct vm_map_entry *entry);
/* The entry that holds the address, or else the first one above it, or null. */
struct vm_map_entry *vm_map_lookup(struct vm_map *map, vm_address_t address);
struct vm_map_entry *vm_map_next(struct vm_map *map, const struct vm_map_entry *entry);
/* start and end are set, the range is free. */
void vm_map_link(struct vm_map *map, struct vm_map_entry *entry);
void vm_map_unlink(struct vm_map *map, struct vm_map_entry *entry);
/* Splits entries so that one begins at `start` and one ends at `end`, where they are inside an entry. False: no memory.
 */
bool vm_map_clip(struct vm_map *map, vm_address_t start, vm_address_t end);
/* KERN_SUCCESS when entries without a hole cover the range and all allow the access, else the error. */
kern_return_t vm_map_check(struct vm_map *map, vm_address_t start, vm_address_t end, vm_prot_t access);
/* The lowest free range at or above *address, aligned so that no bit of mask is set. False: none. */
bool vm_map_find_space(struct vm_map *map, vm_address_t *address, vm_size_t size, vm_address_t mask);

static inline vm_size_t vm_map_entry_size(const struct vm_map_entry *entry)
{
	return entry->end - entry->start;
}

/* --- Ranges (vm_map.c). */

/* What an entry is made with. */
struct vm_map_attributes {
	vm_prot_t protection, max_protection;
	vm_inherit_t inheritance;
	bool needs_copy;
};

/*
 * Enters an object (reference consumed on success; null: anonymous) at the address or, anywhere, at or above it.
 * KERN_NO_SPACE, KERN_INVALID_ADDRESS, KERN_RESOURCE_SHORTAGE, KERN_TERMINATED. Map not locked.
 */
kern_return_t vm_map_enter(struct vm_map *map, vm_address_t *address, vm_size_t size, vm_address_t mask, bool anywhere,
	vm_object_t object, vm_offset_t offset, const struct vm_map_attributes *attributes);
/* Takes all of a range out of the map (locked) onto a list of entries, to be freed by vm_map_free_list with no locks
 * held. */
kern_return_t vm_map_remove(struct vm_map *map, vm_address_t start, vm_address_t end, struct list *removed);
/* The same for the first part of a range at whose ends entries have been split (vm_map_clip). Returns where the rest
 * begins, or `end`. */
vm_address_t vm_map_remove_some(struct vm_map *map, vm_address_t start, vm_address_t end, struct list *removed);
void vm_map_free_list(struct vm_map *map, struct list *removed);

/* --- Wiring (vm_wire.c). Map locked. */
/* The pages of the entry, which are present where they can be, count as wired, or not any more. */
void vm_map_wire_entry(struct vm_map_entry *entry, bool wired);

/* --- Faults (vm_fault.c). */

/* What is left to do of a fault when the map is unlocked: vm_fault_finish. */
struct vm_fault_rest {
	struct memory_object_message message;
	vm_object_t unused; /* a reference to drop */
};

/* vm_fault with the map locked and the entry known; access is allowed. */
kern_return_t vm_fault_locked(struct vm_map *map, struct vm_map_entry *entry, vm_address_t address, vm_prot_t access,
	struct vm_fault_rest *rest);
void vm_fault_finish(struct vm_fault_rest *rest);
/* The same for a page of a swap area's object (locked), for the kernel; and for one that a chain of objects (none locked)
 * shows at the offset. KERN_SUCCESS: it is in memory. */
kern_return_t vm_fault_area(vm_object_t area, vm_offset_t offset, struct vm_fault_rest *rest);
kern_return_t vm_fault_swapped(vm_object_t object, vm_offset_t offset, struct vm_fault_rest *rest);
/* Gives an entry of the map without object its object, and one that needs a copy its shadow. */
kern_return_t vm_map_entry_own(struct vm_map *map, struct vm_map_entry *entry);

/*
 * The physical address behind a user's, present for the access (WRITE: the page counts as dirty from now on), and held
 * until pmap_let_go. KERN_RESTART and errors as vm_fault.
 */
kern_return_t vm_map_locate(vm_map_t map, vm_address_t address, vm_prot_t access, uint64_t *physical);

/* --- Copies of bytes (vm_copy.c). */

/*
 * Copies the bytes of a mapped and readable range of a map (locked) into an object at object_offset. Pages that are
 * missing are faulted in: KERN_RESTART as vm_fault. Which pages: those of the range rounded outwards; other bytes of
 * them become zero.
 */
kern_return_t vm_map_copy_bytes(struct vm_map *map, vm_address_t start, vm_address_t end, vm_object_t object,
	vm_offset_t object_offset, struct vm_fault_rest *rest);
/* Makes all pages of the range present for the access, which is allowed; KERN_RESTART as vm_fault. */
kern_return_t vm_map_make_present(
	struct vm_map *map, vm_address_t start, vm_address_t end, vm_prot_t access, struct vm_fault_rest *rest);

#endif
