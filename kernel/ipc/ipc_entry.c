/* The table of a name space: finding, making and freeing entries, and the way back from a port to its name. */
#include <ipc/ipc_internal.h>
#include <kern/piece.h>
#include <string.h>

#define DIRECTORY_MIN 4u
#define HASH_MIN      64u

/* What an entry takes in the loops below, about (kern/piece.h). */
#define HASH_COST 25
#define LOOK_COST 8

struct ipc_entry ipc_entry_none[IPC_ENTRIES_PER_CHUNK];

static struct ipc_entry *entry_at(struct ipc_space *space, uint32_t index)
{
	return &space->chunk[index / IPC_ENTRIES_PER_CHUNK][index % IPC_ENTRIES_PER_CHUNK];
}

/* Makes the directory reach the chunk. */
static bool directory_grow(struct ipc_space *space, uint32_t number)
{
	uint32_t size = space->chunks == 0 ? DIRECTORY_MIN : space->chunks;
	struct ipc_entry **directory;

	while (size <= number)
		size *= 2;
	if (size == space->chunks)
		return true;
	directory = kalloc(space->account, size * sizeof(*directory));
	if (directory == NULL)
		return false;
	if (space->chunks != 0) {
		memcpy(directory, space->chunk, space->chunks * sizeof(*directory));
		kfree(space->account, space->chunk, space->chunks * sizeof(*directory));
	}
	for (uint32_t i = space->chunks; i < size; i++)
		directory[i] = ipc_entry_none;
	space->chunk = directory;
	space->chunks = size;
	space->chunk_mask = size - 1;
	return true;
}

/* A page of free entries at its place in the directory; lowest index first in the free list. */
static kern_return_t chunk_add(struct ipc_space *space, uint32_t number)
{
	struct ipc_entry *chunk;
	uint32_t first = number * IPC_ENTRIES_PER_CHUNK;

	if (first > IPC_INDEX_MAX)
		return KERN_NO_SPACE;
	if (number >= space->chunks && !directory_grow(space, number))
		return KERN_RESOURCE_SHORTAGE;
	chunk = kalloc(space->account, IPC_CHUNK_BYTES);
	if (chunk == NULL)
		return KERN_RESOURCE_SHORTAGE;
	space->chunk[number] = chunk;
	for (uint32_t i = IPC_ENTRIES_PER_CHUNK; i-- > 0;) {
		if (first + i == 0 || first + i > IPC_INDEX_MAX)
			continue;
		chunk[i].next = space->free_index;
		space->free_index = first + i;
	}
	return KERN_SUCCESS;
}

kern_return_t ipc_entry_add_chunk(struct ipc_space *space)
{
	uint32_t number = 0;

	while (number < space->chunks && space->chunk[number] != ipc_entry_none) {
		number++;
		piece_spend(LOOK_COST);
	}
	return chunk_add(space, number);
}

kern_return_t ipc_entry_alloc_name(struct ipc_space *space, mach_port_name_t name, struct ipc_entry **out)
{
	uint32_t index = name >> 8, number = index / IPC_ENTRIES_PER_CHUNK, *link;
	struct ipc_entry *entry;

	if (index == 0 || index > IPC_INDEX_MAX)
		return KERN_INVALID_VALUE;
	if (number >= space->chunks || space->chunk[number] == ipc_entry_none) {
		kern_return_t result = chunk_add(space, number);

		if (result != KERN_SUCCESS)
			return result;
	}
	entry = entry_at(space, index);
	if (ipc_entry_type(entry) != 0)
		return KERN_NAME_EXISTS;
	for (link = &space->free_index; *link != index; link = &entry_at(space, *link)->next) {
		debug_assert(*link != 0);
		piece_spend(LOOK_COST);
	}
	*link = entry->next;
	entry->next = 0;
	entry->urefs = 0;
	entry->bits = name & IPC_ENTRY_GENERATION;
	*out = entry;
	return KERN_SUCCESS;
}

static uint32_t hash_of(const struct ipc_object *object, uint32_t size)
{
	/* Multiplicative hashing; 2^64 divided by the golden ratio (Knuth, TAOCP volume 3, 6.4). */
	return (uint32_t)(((uint64_t)(uintptr_t)object * 0x9e3779b97f4a7c15ull) >> 32) & (size - 1);
}

/* Twice the buckets, when there is memory; else chains grow longer. */
static void hash_grow(struct ipc_space *space)
{
	uint32_t size = space->hash_size == 0 ? HASH_MIN : space->hash_size * 2;
	uint32_t *hash = kalloc(space->account, size * sizeof(*hash));

	if (hash == NULL)
		return;
	for (uint32_t i = 0; i < space->hash_size; i++) {
		uint32_t index, next;

		for (index = space->hash[i]; index != 0; index = next) {
			struct ipc_entry *entry = entry_at(space, index);
			uint32_t bucket = hash_of(entry->object, size);

			next = entry->next;
			entry->next = hash[bucket];
			hash[bucket] = index;
			piece_spend(HASH_COST);
		}
	}
	kfree(space->account, space->hash, space->hash_size * sizeof(*hash));
	space->hash = hash;
	space->hash_size = size;
}

void ipc_entry_hash(struct ipc_space *space, mach_port_name_t name, struct ipc_entry *entry)
{
	uint32_t *bucket;

	if (space->hash_count >= 2 * space->hash_size)
		hash_grow(space);
	bucket = &space->hash[hash_of(entry->object, space->hash_size)];
	entry->next = *bucket;
	*bucket = name >> 8;
	space->hash_count++;
}

void ipc_entry_unhash(struct ipc_space *space, mach_port_name_t name, struct ipc_entry *entry)
{
	uint32_t *link = &space->hash[hash_of(entry->object, space->hash_size)];

	while (*link != name >> 8) {
		assert(*link != 0);
		link = &entry_at(space, *link)->next;
	}
	*link = entry->next;
	entry->next = 0;
	space->hash_count--;
}

struct ipc_entry *ipc_entry_find(struct ipc_space *space, struct ipc_object *object, mach_port_name_t *name)
{
	uint32_t index = space->hash[hash_of(object, space->hash_size)];

	while (index != 0) {
		struct ipc_entry *entry = entry_at(space, index);

		if (entry->object == object) {
			*name = index << 8 | (entry->bits & IPC_ENTRY_GENERATION);
			return entry;
		}
		index = entry->next;
	}
	return NULL;
}
