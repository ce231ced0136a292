/*
 * What is done to a file system whose power will be cut, and what each step promises: operation k of a plan follows from
 * its seed and k, so that who does it and who looks afterwards need not speak.
 *
 * Files are made of cells of 16 bytes, each of which says whose it is, by which operation it was written, and where in
 * the file it stands. A file that shows another's cells shows what it must not.
 */
#ifndef TESTS_CUTS_PLAN_H
#define TESTS_CUTS_PLAN_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

enum { CUTS_FOLDERS = 3, CUTS_REPLACED = 7, CUTS_CHANGED = 5, CUTS_SIZE_MAX = 60000, CUTS_SCRATCH = 1000 };
#define CUTS_MAGIC 0x53547543u

enum cuts_kind {
	CUTS_REPLACE,   /* rN: a new file, synced, takes the name; the folder is synced */
	CUTS_REMOVE,    /* rN: unlinked, the folder synced */
	CUTS_OVERWRITE, /* oN: a range, synced */
	CUTS_APPEND,    /* oN: behind its end, synced */
	CUTS_CUT,       /* oN: to a smaller size, synced */
	CUTS_SYNC,      /* of everything */
	/* What nobody syncs: */
	CUTS_WRITE,  /* a new file uK */
	CUTS_LINK,   /* uJ gets the name hK, too */
	CUTS_MOVE,   /* uJ to another folder */
	CUTS_UNLINK, /* uJ goes */
	CUTS_SHRINK, /* uJ is cut */
	CUTS_FOLDER, /* xK is made, or xJ removed */
	CUTS_SYMLINK /* lK, too long for the inode */
};

struct cuts_cell {
	uint32_t magic, owner, version, place;
};

struct cuts_operation {
	enum cuts_kind kind;
	uint32_t number;   /* from 1: the version of what it writes */
	uint32_t slot;     /* of rN or oN */
	uint32_t other;    /* J */
	uint32_t folder;   /* of what it makes, or where it goes */
	uint32_t at, size; /* bytes, multiples of the cell; at: of 65536ths of the file, for CUTS_OVERWRITE and CUTS_CUT */
};

static inline uint32_t cuts_hash(uint64_t seed, uint32_t number, uint32_t what)
{
	uint64_t x = seed * 0x9e3779b97f4a7c15ull + (uint64_t)number * 0xbf58476d1ce4e5b9ull + what;

	x ^= x >> 31;
	x *= 0x94d049bb133111ebull;
	x ^= x >> 29;
	x *= 0xbf58476d1ce4e5b9ull;
	return (uint32_t)(x >> 32);
}

static inline struct cuts_operation cuts_operation(uint64_t seed, uint32_t number)
{
	static const uint8_t kinds[] = {CUTS_REPLACE, CUTS_REPLACE, CUTS_REPLACE, CUTS_REMOVE, CUTS_OVERWRITE,
		CUTS_OVERWRITE, CUTS_APPEND, CUTS_APPEND, CUTS_CUT, CUTS_SYNC, CUTS_WRITE, CUTS_WRITE, CUTS_WRITE,
		CUTS_WRITE, CUTS_LINK, CUTS_MOVE, CUTS_UNLINK, CUTS_UNLINK, CUTS_UNLINK, CUTS_SHRINK, CUTS_FOLDER,
		CUTS_SYMLINK};
	struct cuts_operation o = {.number = number};
	uint32_t size = cuts_hash(seed, number, 3);

	o.kind = kinds[cuts_hash(seed, number, 1) % sizeof(kinds)];
	o.slot = cuts_hash(seed, number, 2) % (o.kind <= CUTS_REMOVE ? CUTS_REPLACED : CUTS_CHANGED);
	o.size = (size % 3 ? size % CUTS_SIZE_MAX : size % 3000) / 16 * 16 + 16;
	o.at = cuts_hash(seed, number, 4) % 65536;
	o.other = 1 + cuts_hash(seed, number, 5) % 12; /* so many operations before this one */
	o.other = o.other < number ? number - o.other : 1;
	o.folder = o.kind <= CUTS_CUT ? o.slot % CUTS_FOLDERS : cuts_hash(seed, number, 6) % CUTS_FOLDERS;
	return o;
}

/* Is the operation's end a promise? */
static inline bool cuts_promises(const struct cuts_operation *o)
{
	return o->kind <= CUTS_SYNC;
}

/* Whose cells: a slot's, or the file's that operation `number` has made. */
static inline uint32_t cuts_owner(const struct cuts_operation *o)
{
	return o->kind <= CUTS_REMOVE ? o->slot : o->kind <= CUTS_CUT ? 100 + o->slot : CUTS_SCRATCH + o->number;
}

static inline void cuts_fill(void *buffer, uint32_t owner, uint32_t version, uint32_t from, uint32_t size)
{
	struct cuts_cell *cell = buffer;

	for (uint32_t place = from / 16; place < (from + size) / 16; place++)
		*cell++ = (struct cuts_cell){CUTS_MAGIC, owner, version, place};
}

/* Of a file of this size: where CUTS_OVERWRITE begins, and what CUTS_CUT leaves. */
static inline uint32_t cuts_at(const struct cuts_operation *o, uint32_t size)
{
	return (uint32_t)((uint64_t)size * o->at / 65536 / 16 * 16);
}

/* The size of a oN after the operation. */
static inline uint32_t cuts_size_after(const struct cuts_operation *o, uint32_t size)
{
	uint32_t end = size;

	if (o->kind == CUTS_OVERWRITE)
		end = cuts_at(o, size) + o->size;
	else if (o->kind == CUTS_APPEND)
		end = size > 8 * CUTS_SIZE_MAX ? size : size + o->size;
	else if (o->kind == CUTS_CUT)
		return cuts_at(o, size);
	return end > size ? end : size;
}

/* Where it begins to write. */
static inline uint32_t cuts_begin(const struct cuts_operation *o, uint32_t size)
{
	return o->kind == CUTS_OVERWRITE ? cuts_at(o, size) : size;
}

#endif
