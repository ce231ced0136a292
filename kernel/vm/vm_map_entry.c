/* The entries of a map: a list in order of address, and a tree for finding one in logarithmic time. */
#include <kern/kalloc.h>
#include <kern/piece.h>
#include <vm/vm.h>
#include <vm/vm_map.h>

/*
 * The tree is a treap: ordered by address from left to right, and no entry's random priority is higher than its
 * parent's, which keeps it balanced on average whatever the order of insertions.
 */

#define LOOK_COST 15 /* at an entry, about (kern/piece.h) */

static struct kcache entry_cache = KCACHE(sizeof(struct vm_map_entry));

static uint32_t random_priority(void)
{
	static uint32_t state = 2463534242u;

	/* Xorshift; that two processors may draw the same number does no harm. */
	state ^= state << 13;
	state ^= state >> 17;
	state ^= state << 5;
	return state;
}

struct vm_map_entry *vm_map_entry_create(struct vm_map *map)
{
	struct vm_map_entry *entry = kcache_alloc(&entry_cache, map->account);

	if (entry == NULL)
		return NULL;
	entry->priority = random_priority();
	list_init(&entry->link);
	return entry;
}

void vm_map_entry_free(struct vm_map *map, struct vm_map_entry *entry)
{
	kcache_free(&entry_cache, map->account, entry);
}

struct vm_map_entry *vm_map_lookup(struct vm_map *map, vm_address_t address)
{
	struct vm_map_entry *entry = map->hint, *best = NULL;

	/* In it, or in the gap before it. */
	if (entry != NULL && address < entry->end &&
		(entry->start <= address || entry->link.prev == &map->entries ||
			container_of(entry->link.prev, struct vm_map_entry, link)->end <= address))
		return entry;
	for (entry = map->root; entry != NULL;) {
		if (address < entry->end) {
			best = entry;
			entry = entry->left;
		} else {
			entry = entry->right;
		}
	}
	if (best != NULL)
		map->hint = best;
	return best;
}

struct vm_map_entry *vm_map_next(struct vm_map *map, const struct vm_map_entry *entry)
{
	return entry->link.next == &map->entries ? NULL : container_of(entry->link.next, struct vm_map_entry, link);
}

void vm_map_link(struct vm_map *map, struct vm_map_entry *entry)
{
	struct vm_map_entry *above = vm_map_lookup(map, entry->start);
	struct vm_map_entry **at = &map->root, **left, **right, *rest;
	struct list *next = above == NULL ? &map->entries : &above->link;

	debug_assert(above == NULL || entry->end <= above->start);
	list_insert_between(&entry->link, next->prev, next);
	/* Down to where its priority belongs; what is below is split at its address. */
	while (*at != NULL && (*at)->priority >= entry->priority)
		at = entry->start < (*at)->start ? &(*at)->left : &(*at)->right;
	rest = *at;
	*at = entry;
	left = &entry->left;
	right = &entry->right;
	while (rest != NULL) {
		if (rest->start < entry->start) {
			*left = rest;
			left = &rest->right;
			rest = rest->right;
		} else {
			*right = rest;
			right = &rest->left;
			rest = rest->left;
		}
	}
	*left = *right = NULL;
	map->size += vm_map_entry_size(entry);
}

void vm_map_unlink(struct vm_map *map, struct vm_map_entry *entry)
{
	struct vm_map_entry **at = &map->root, *left = entry->left, *right = entry->right;

	while (*at != entry)
		at = entry->start < (*at)->start ? &(*at)->left : &(*at)->right;
	while (left != NULL && right != NULL) {
		if (left->priority >= right->priority) {
			*at = left;
			at = &left->right;
			left = left->right;
		} else {
			*at = right;
			at = &right->left;
			right = right->left;
		}
	}
	*at = left != NULL ? left : right;
	if (map->hint == entry)
		map->hint = vm_map_next(map, entry);
	list_remove(&entry->link);
	map->size -= vm_map_entry_size(entry);
}

/* Splits the entry that holds the address, if one does and begins before it. */
static bool split_at(struct vm_map *map, vm_address_t address)
{
	struct vm_map_entry *entry = vm_map_lookup(map, address), *upper;
	uint32_t priority;

	if (entry == NULL || entry->start >= address)
		return true;
	upper = vm_map_entry_create(map);
	if (upper == NULL)
		return false;
	priority = upper->priority;
	*upper = *entry;
	upper->priority = priority;
	upper->start = address;
	upper->offset += address - entry->start;
	if (upper->object != NULL)
		vm_object_reference(upper->object);
	else
		upper->offset = 0;
	map->size -= entry->end - address;
	entry->end = address;
	vm_map_link(map, upper);
	return true;
}

bool vm_map_clip(struct vm_map *map, vm_address_t start, vm_address_t end)
{
	struct vm_map_entry *entry;

	if (!split_at(map, start))
		return false;
	entry = vm_map_lookup(map, start);
	return (entry != NULL && entry->end == end) || split_at(map, end);
}

kern_return_t vm_map_check(struct vm_map *map, vm_address_t start, vm_address_t end, vm_prot_t access)
{
	struct vm_map_entry *entry = vm_map_lookup(map, start);

	while (start < end) {
		if (entry == NULL || entry->start > start)
			return KERN_INVALID_ADDRESS;
		if ((access & ~entry->protection) != 0)
			return KERN_PROTECTION_FAILURE;
		start = entry->end;
		entry = vm_map_next(map, entry);
		piece_spend(LOOK_COST);
	}
	return KERN_SUCCESS;
}

/* First fit upwards. */
static bool find_from(struct vm_map *map, vm_address_t at, vm_size_t size, vm_address_t mask, vm_address_t *found)
{
	struct vm_map_entry *entry = vm_map_lookup(map, at);

	for (;;) {
		if (at > VM_MAX_ADDRESS || mask > VM_MAX_ADDRESS)
			return false;
		at = (at + mask) & ~mask;
		if (at > VM_MAX_ADDRESS || VM_MAX_ADDRESS - at < size)
			return false;
		if (entry == NULL || (at < entry->start && entry->start - at >= size)) {
			*found = at;
			return true;
		}
		at = at > entry->end ? at : entry->end;
		entry = vm_map_next(map, entry);
		piece_spend(LOOK_COST);
	}
}

bool vm_map_find_space(struct vm_map *map, vm_address_t *address, vm_size_t size, vm_address_t mask)
{
	vm_address_t from = round_page(*address);
	struct vm_map_entry *entry;

	/* Keep full_below at the end of the entries that lie side by side above it. */
	entry = vm_map_lookup(map, map->full_below);
	while (entry != NULL && entry->start <= map->full_below) {
		map->full_below = entry->end;
		entry = vm_map_next(map, entry);
		piece_spend(LOOK_COST);
	}
	if (from < *address || from > VM_MAX_ADDRESS || *address == 0 ||
		(from >= VM_ANYWHERE_ADDRESS && from < map->full_below))
		from = map->full_below;
	if (from < VM_MIN_ADDRESS)
		from = VM_MIN_ADDRESS;
	mask |= VM_PAGE_MASK;
	return find_from(map, from, size, mask, address) || find_from(map, map->full_below, size, mask, address) ||
	       find_from(map, VM_MIN_ADDRESS, size, mask, address);
}
