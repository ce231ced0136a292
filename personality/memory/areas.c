/* The areas of an address space: a treap by address, whose nodes know the largest gap below them. */
#include "memory/areas.h"

#include <stddef.h>

#define area_of(at) list_entry(at, struct vm_area, link)

void areas_init(struct areas *areas)
{
	list_init(&areas->list);
	areas->root = areas->near = NULL;
	areas->count = 0;
}

struct vm_area *area_below(const struct areas *areas, const struct vm_area *area)
{
	return area->link.prev == &areas->list ? NULL : area_of(area->link.prev);
}

struct vm_area *area_above(const struct areas *areas, const struct vm_area *area)
{
	return area->link.next == &areas->list ? NULL : area_of(area->link.next);
}

/* Whether it is the first that ends behind the address. */
static bool is_behind(const struct areas *areas, const struct vm_area *area, uint64_t address)
{
	const struct vm_area *below = area_below(areas, area);

	return area->end > address && (below == NULL || below->end <= address);
}

struct vm_area *areas_behind(struct areas *areas, uint64_t address)
{
	struct vm_area *at = areas->near, *found = NULL;

	/* Most are where the last was, or next to it. */
	if (at != NULL && is_behind(areas, at, address))
		return at;
	at = at != NULL ? area_above(areas, at) : NULL;
	if (at != NULL && is_behind(areas, at, address))
		return at;
	for (at = areas->root; at != NULL;) {
		if (at->end > address) {
			found = at;
			at = at->left;
		} else {
			at = at->right;
		}
	}
	areas->near = found;
	return found;
}

/* The most of its own gap and its children's. */
static uint64_t largest_of(const struct vm_area *area)
{
	uint64_t largest = area->gap;

	if (area->left != NULL && area->left->largest > largest)
		largest = area->left->largest;
	if (area->right != NULL && area->right->largest > largest)
		largest = area->right->largest;
	return largest;
}

/* After its gap has changed, or what is below it in the tree: up to where nothing changes any more. */
static void refresh(struct vm_area *area)
{
	while (area != NULL) {
		uint64_t largest = largest_of(area);

		if (area->largest == largest)
			return;
		area->largest = largest;
		area = area->parent;
	}
}

static void find_gap(const struct areas *areas, struct vm_area *area)
{
	const struct vm_area *below = area_below(areas, area);

	area->gap = area->start - (below != NULL ? below->end : 0);
	refresh(area);
}

/* Puts another node, or none, where one hangs. */
static void replace(struct areas *areas, const struct vm_area *old, struct vm_area *parent, struct vm_area *with)
{
	if (parent == NULL)
		areas->root = with;
	else if (parent->left == old)
		parent->left = with;
	else
		parent->right = with;
	if (with != NULL)
		with->parent = parent;
}

/* Lifts a node above its parent. */
static void rotate(struct areas *areas, struct vm_area *area)
{
	struct vm_area *parent = area->parent, *inner;

	replace(areas, parent, parent->parent, area);
	if (parent->left == area) {
		inner = parent->left = area->right;
		area->right = parent;
	} else {
		inner = parent->right = area->left;
		area->left = parent;
	}
	if (inner != NULL)
		inner->parent = parent;
	parent->parent = area;
	area->largest = parent->largest;
	parent->largest = largest_of(parent);
}

static uint32_t random_rank(void)
{
	static uint32_t state = 1;

	/* Numerical Recipes' generator; the high bits are the good ones, and they decide. */
	state = state * 1664525 + 1013904223;
	return state | 1;
}

/* As a leaf, in front of the next above it in the list; then up to its rank. */
static void hang(struct areas *areas, struct vm_area *area)
{
	struct vm_area *above = area_above(areas, area), *below = area_below(areas, area), *at;
	bool passed = above == NULL;

	if (area->rank == 0)
		area->rank = random_rank();
	area->left = area->right = NULL;
	/* Of two neighbours one has no child between them. */
	if (above != NULL && above->left == NULL)
		above->left = area;
	else if (below != NULL)
		below->right = area;
	else
		areas->root = area;
	area->parent = above != NULL && above->left == area ? above : below;
	areas->count++;
	area->gap = area->largest = area->start - (below != NULL ? below->end : 0);
	if (above != NULL)
		above->gap = above->start - area->end;
	/* The one above is among those that it hangs below. */
	for (at = area->parent; at != NULL; at = at->parent) {
		uint64_t largest = largest_of(at);

		if (at->largest == largest && passed)
			break;
		passed = passed || at == above;
		at->largest = largest;
	}
	while (area->parent != NULL && area->parent->rank < area->rank)
		rotate(areas, area);
}

void areas_insert(struct areas *areas, struct vm_area *area)
{
	struct vm_area *above = areas_behind(areas, area->start);

	list_append(above != NULL ? &above->link : &areas->list, &area->link);
	area->rank = 0;
	hang(areas, area);
	areas->near = area;
}

void areas_append(struct areas *areas, struct vm_area *area)
{
	list_append(&areas->list, &area->link);
	hang(areas, area);
}

void areas_remove(struct areas *areas, struct vm_area *area)
{
	struct vm_area *above = area_above(areas, area), *parent;

	while (area->left != NULL && area->right != NULL)
		rotate(areas, area->left->rank > area->right->rank ? area->left : area->right);
	parent = area->parent;
	replace(areas, area, parent, area->left != NULL ? area->left : area->right);
	list_remove(&area->link);
	areas->near = above;
	areas->count--;
	refresh(parent);
	if (above != NULL)
		find_gap(areas, above);
}

void area_resize(struct areas *areas, struct vm_area *area, uint64_t start, uint64_t end)
{
	struct vm_area *above = area_above(areas, area);

	area->start = start;
	area->end = end;
	find_gap(areas, area);
	if (above != NULL)
		find_gap(areas, above);
}

/* The highest of a subtree with such a gap below it; there is one. */
static struct vm_area *highest(struct vm_area *at, uint64_t size)
{
	for (;;) {
		if (at->right != NULL && at->right->largest >= size)
			at = at->right;
		else if (at->gap >= size)
			return at;
		else
			at = at->left;
	}
}

/* The next lower one with such a gap below it, or null. */
static struct vm_area *lower(struct vm_area *at, uint64_t size)
{
	if (at->left != NULL && at->left->largest >= size)
		return highest(at->left, size);
	for (; at->parent != NULL; at = at->parent) {
		struct vm_area *parent = at->parent;

		if (parent->right != at)
			continue;
		if (parent->gap >= size)
			return parent;
		if (parent->left != NULL && parent->left->largest >= size)
			return highest(parent->left, size);
	}
	return NULL;
}

/* Free bytes below an area and below top. */
static uint64_t room_below(const struct vm_area *area, uint64_t top)
{
	uint64_t from = area->start - area->gap, end = area->start < top ? area->start : top;

	return end > from ? end - from : 0;
}

uint64_t areas_room(struct areas *areas, uint64_t lowest, uint64_t top, uint64_t size)
{
	struct vm_area *at = areas_behind(areas, top);
	uint64_t from, end = top;

	if (at == NULL) {
		from = areas->root != NULL ? area_of(areas->list.prev)->end : 0;
		if (top - from < size && areas->root != NULL && areas->root->largest >= size)
			at = highest(areas->root, size);
	} else if (room_below(at, top) < size) {
		at = lower(at, size);
		if (at == NULL)
			return 0;
	}
	if (at != NULL) {
		from = at->start - at->gap;
		end = at->start < top ? at->start : top;
	}
	if (from < lowest)
		from = lowest;
	return end >= from && end - from >= size ? end : 0;
}
