/* A task's name space, inside ipc/. */
#ifndef IPC_IPC_SPACE_H
#define IPC_IPC_SPACE_H

#include <ipc/ipc_port.h>

/*
 * An entry. `bits`: generation in bits 0-7, MACH_PORT_TYPE_* in bits 16-20; type 0: free (or its receive right is
 * reserved); RESERVED only within one hold of the lock.
 * One name per port holds its receive and send rights; every send-once right has a name of its own.
 */
struct ipc_entry {
	struct ipc_object *object; /* reference; null in a dead name and a free entry */
	uint32_t bits;
	uint32_t urefs;              /* send, send-once (1), dead name */
	uint32_t next;               /* index: next in the hash chain, or in the free list; 0 ends */
	struct ipc_request *request; /* dead-name or send-possible request, or null */
};

_Static_assert(sizeof(struct ipc_entry) == 32, "a page holds a whole number of entries; ipc_entry_at");

#define IPC_ENTRY_GENERATION  0xffu
#define IPC_ENTRY_TYPES       0x1f0000u
#define IPC_ENTRY_RESERVED    0x200000u /* ipc_right_reserve */
#define IPC_ENTRIES_PER_CHUNK 128u
#define IPC_CHUNK_BYTES       (IPC_ENTRIES_PER_CHUNK * sizeof(struct ipc_entry))
#define IPC_INDEX_MAX         0xfffffeu /* index 0xffffff would contain MACH_PORT_DEAD, index 0 MACH_PORT_NULL */
#define IPC_UREFS_MAX         0x7fffffffu

/* A chunk of free entries that stands in the directory where none has been made; never written. */
extern struct ipc_entry ipc_entry_none[IPC_ENTRIES_PER_CHUNK];

/*
 * The table is a directory of pages of entries; entries never move, so a pointer to one is good while the space is
 * locked. A hash over the entries leads from a port back to its name.
 */
struct ipc_space {
	struct lock lock;
	struct refcount refs;
	uint32_t chunks;     /* size of the directory: a power of two, or 0 */
	uint32_t chunk_mask; /* chunks - 1, or 0 */
	bool active;
	struct ipc_entry **chunk; /* ipc_entry_none: no entry there yet */
	uint32_t free_index;      /* first of the free list, 0 none */
	uint32_t hash_size;       /* power of two */
	uint32_t hash_count;
	uint32_t *hash;          /* index of first entry */
	struct account *account; /* pays for it, for its table and for ports made in it */
	struct task *task;       /* while active; borrowed: it destroys the space before it goes */
};

/*
 * Where the entry for a name is, whatever is there now; a free entry when the table does not reach so far. Space
 * locked.
 */
static inline struct ipc_entry *ipc_entry_at(struct ipc_space *space, mach_port_name_t name)
{
	uint32_t number = name / (IPC_ENTRIES_PER_CHUNK << 8);

	if (__builtin_expect(number >= space->chunks, 0))
		return ipc_entry_none;
	/* Masked by a power of two: guessing ahead of the check the processor stays within the directory, too. */
	number &= space->chunk_mask;
	/* The index within the chunk, times the size of an entry. */
	return (struct ipc_entry *)((char *)space->chunk[number] +
				    (name >> 3 & (IPC_ENTRIES_PER_CHUNK - 1) * sizeof(struct ipc_entry)));
}

/* The entry behind a name, whatever its type, or null. Space locked. */
static inline struct ipc_entry *ipc_entry_lookup(struct ipc_space *space, mach_port_name_t name)
{
	struct ipc_entry *entry = ipc_entry_at(space, name);

	if ((uint8_t)entry->bits != (uint8_t)name || (entry->bits & IPC_ENTRY_TYPES) == 0)
		return NULL;
	return entry;
}

/* The entry at the place of a name is the name's, and has a right of the type (one bit). Space locked. */
static inline bool ipc_entry_has(const struct ipc_entry *entry, mach_port_name_t name, uint32_t type)
{
	return ((entry->bits ^ (uint8_t)name) & (type | IPC_ENTRY_GENERATION)) == type;
}

static inline uint32_t ipc_entry_type(const struct ipc_entry *entry)
{
	return entry->bits & IPC_ENTRY_TYPES;
}

/* The next entry of the free list, with its name; null: none. Space locked. */
static inline struct ipc_entry *ipc_entry_next_free(struct ipc_space *space, mach_port_name_t *name)
{
	uint32_t index = space->free_index;
	struct ipc_entry *entry;

	if (index == 0)
		return NULL;
	entry = &space->chunk[index / IPC_ENTRIES_PER_CHUNK][index % IPC_ENTRIES_PER_CHUNK];
	*name = index << 8 | (entry->bits & IPC_ENTRY_GENERATION);
	return entry;
}

/* That entry is taken, and is now or soon for a right to the object. Space locked. */
static inline void ipc_entry_take_next(
	struct ipc_space *space, struct ipc_entry *entry, struct ipc_object *object, uint32_t type)
{
	space->free_index = entry->next;
	entry->object = object;
	entry->bits |= type;
	entry->next = 0;
	entry->urefs = type == MACH_PORT_TYPE_SEND_ONCE;
}

/* Back to the free list, with the next generation. Object and request are gone already. Space locked. */
static inline void ipc_entry_free(struct ipc_space *space, mach_port_name_t name, struct ipc_entry *entry)
{
	debug_assert(entry->object == NULL && entry->request == NULL);
	entry->bits = (entry->bits + 1) & IPC_ENTRY_GENERATION;
	entry->urefs = 0;
	entry->next = space->free_index;
	space->free_index = name >> 8;
}

/* ipc_entry.c. All: space locked. */
/* More free entries. KERN_RESOURCE_SHORTAGE, KERN_NO_SPACE. */
kern_return_t ipc_entry_add_chunk(struct ipc_space *space);
/* A new entry with no type yet; it must get one before the space is unlocked. KERN_RESOURCE_SHORTAGE, KERN_NO_SPACE. */
static inline kern_return_t ipc_entry_alloc(
	struct ipc_space *space, mach_port_name_t *name, struct ipc_entry **entry)
{
	kern_return_t result = space->free_index == 0 ? ipc_entry_add_chunk(space) : KERN_SUCCESS;

	if (result != KERN_SUCCESS)
		return result;
	*entry = ipc_entry_next_free(space, name);
	ipc_entry_take_next(space, *entry, NULL, 0);
	return KERN_SUCCESS;
}
/* The same under a chosen name; KERN_NAME_EXISTS if its index is taken, KERN_INVALID_VALUE if it can be no name. */
kern_return_t ipc_entry_alloc_name(struct ipc_space *space, mach_port_name_t name, struct ipc_entry **entry);
/* The name that holds the send or receive right of a port. */
struct ipc_entry *ipc_entry_find(struct ipc_space *space, struct ipc_object *object, mach_port_name_t *name);
void ipc_entry_hash(struct ipc_space *space, mach_port_name_t name, struct ipc_entry *entry);
void ipc_entry_unhash(struct ipc_space *space, mach_port_name_t name, struct ipc_entry *entry);

/*
 * ipc_right.c. Space locked and active unless said otherwise; what they leave for later is done by deferred_run(),
 * locks released.
 */
/* A send or send-once right of a dead port: the entry becomes a dead name. */
void ipc_right_died(struct ipc_space *space, mach_port_name_t name, struct ipc_entry *entry);

/* As ipc_entry_lookup; an entry whose port has died becomes a dead name on the way. */
static inline struct ipc_entry *ipc_right_lookup(struct ipc_space *space, mach_port_name_t name)
{
	struct ipc_entry *entry = ipc_entry_lookup(space, name);
	uint32_t type = entry != NULL ? entry->bits & (IPC_ENTRY_TYPES | IPC_ENTRY_RESERVED) : 0;

	if ((type == MACH_PORT_TYPE_SEND || type == MACH_PORT_TYPE_SEND_ONCE) && !ipc_object_active(entry->object))
		ipc_right_died(space, name, entry);
	return entry;
}

/*
 * Taking rights out of a space, several or none, in one hold of its lock: each is reserved, then each is taken, or, if
 * one could not be, what was reserved is let go. A reservation shows in the entry alone: its user references are
 * counted down, the type of a receive right is off, and it does not become a dead name. So to the next reservation it
 * looks as if the right had gone, but nobody has to be told if it stays.
 *
 * Reserve: as the disposition says. Null and dead names: *port null, *dead tells. KERN_INVALID_NAME,
 * KERN_INVALID_RIGHT: nothing reserved. Take: the right is the caller's; a receive right has no receiver any more.
 */
kern_return_t ipc_right_reserve(struct ipc_space *space, mach_port_name_t name, mach_msg_type_name_t disposition,
	struct ipc_port **port, bool *dead);
void ipc_right_unreserve(
	struct ipc_space *space, mach_port_name_t name, mach_msg_type_name_t disposition, struct ipc_port **port);
void ipc_right_take(
	struct ipc_space *space, mach_port_name_t name, mach_msg_type_name_t disposition, struct ipc_port *port);
/* One right. */
kern_return_t ipc_right_copyin(struct ipc_space *space, mach_port_name_t name, mach_msg_type_name_t disposition,
	struct ipc_port **port, bool *dead);
/*
 * Puts a right (received disposition) in; consumed on success. *name MACH_PORT_DEAD if the port is dead. wanted:
 * MACH_PORT_NULL or the name it must have. KERN_RESOURCE_SHORTAGE, KERN_NO_SPACE; with a wanted name KERN_NAME_EXISTS,
 * KERN_RIGHT_EXISTS, KERN_INVALID_VALUE, KERN_UREFS_OVERFLOW.
 */
kern_return_t ipc_right_copyout(struct ipc_space *space, struct ipc_port *port, mach_msg_type_name_t disposition,
	mach_port_name_t wanted, mach_port_name_t *name);
/* What an entry held and loses: released by ipc_right_finish once the space is unlocked. */
struct ipc_right_loss {
	struct ipc_port *send, *send_once, *receive;
	struct ipc_pset *set;
};
/*
 * Adds delta to the user references of one right of the entry; the rights lost go to *loss. KERN_INVALID_RIGHT,
 * KERN_INVALID_VALUE, KERN_UREFS_OVERFLOW.
 */
kern_return_t ipc_right_delta(struct ipc_space *space, mach_port_name_t name, struct ipc_entry *entry,
	mach_port_right_t right, int32_t delta, struct ipc_right_loss *loss);
/* All rights of the entry go to *loss. */
void ipc_right_destroy(
	struct ipc_space *space, mach_port_name_t name, struct ipc_entry *entry, struct ipc_right_loss *loss);
void ipc_right_finish(struct ipc_right_loss *loss);
/*
 * dead or possible: which notification; notify a send-once right, consumed on success. *previous: the one it replaces,
 * for the caller.
 */
kern_return_t ipc_right_request(struct ipc_space *space, mach_port_name_t name, struct ipc_entry *entry,
	struct ipc_port *notify, bool possible, struct ipc_port **previous);

#endif
