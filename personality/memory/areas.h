/* The areas of an address space, in the order of their addresses: a list, and a tree over it. */
#ifndef PERSONALITY_AREAS_H
#define PERSONALITY_AREAS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/list.h"

struct vnode;

/* What a child of fork has of it (madvise(2)). */
enum area_in_child { CHILD_HAS_IT, CHILD_HAS_NOTHING, CHILD_HAS_ZEROS };

/* One mapping. */
struct vm_area {
	struct list link;
	uint64_t start, end; /* changed by area_resize only */
	int protection;      /* PROT_* as asked */
	int maximum;         /* what mprotect may give */
	int flags;           /* MAP_SHARED or MAP_PRIVATE, with MAP_ANONYMOUS, MAP_LOCKED, MAP_GROWSDOWN */
	enum area_in_child in_child;
	uint32_t rank;       /* in the tree: none is above one of a higher rank; random, which keeps it flat */
	struct vnode *vnode; /* reference, or null: anonymous */
	uint64_t offset;     /* in the vnode, or in shared anonymous memory */
	uint64_t number;     /* of that: odd, the same after fork and split, like no other's ever; else 0 */
	unsigned failures_seen; /* of vnode->failures, by msync */
	const char *name;    /* "[heap]", "[stack]", or null */
	struct vm_area *left, *right, *parent;
	uint64_t gap, largest; /* free bytes below it; the most of these in its subtree */
};

struct areas {
	struct list list;
	struct vm_area *root;
	struct vm_area *near; /* that was found last, or null */
	uint64_t count;
};

void areas_init(struct areas *areas);
/* The first that ends behind the address, or null. */
struct vm_area *areas_behind(struct areas *areas, uint64_t address);
/* The one below and the one above, or null. */
struct vm_area *area_below(const struct areas *areas, const struct vm_area *area);
struct vm_area *area_above(const struct areas *areas, const struct vm_area *area);
/* A new one where nothing is; or behind all others, which takes no search, and keeps a rank that is not 0. */
void areas_insert(struct areas *areas, struct vm_area *area);
void areas_append(struct areas *areas, struct vm_area *area);
void areas_remove(struct areas *areas, struct vm_area *area);
/* Sets its borders; it stays where it is among the others. */
void area_resize(struct areas *areas, struct vm_area *area, uint64_t start, uint64_t end);
/* The end of the highest free range of so many bytes below `top`, from `lowest` up; 0: none. */
uint64_t areas_room(struct areas *areas, uint64_t lowest, uint64_t top, uint64_t size);

#endif
