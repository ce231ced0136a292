/* What the files of the cache of blocks share: its memory, and the blocks in it. */
#ifndef EXT2_CACHE_INTERNAL_H
#define EXT2_CACHE_INTERNAL_H

#include "pagers/ext2/cache.h"

enum {
	BLOCKS_MAX = 512,
	UNDO_MAX = 256,
	LOG_MAX = 8192,
	HASH_SIZE = 1024,
	RUN_BLOCKS = 64, /* most blocks of one write */
	FIRST_BLOCK_SIZE = 1024,
	DATA_BYTES = 2 << 20, /* of all blocks */
	UNDO_BYTES = 1 << 20,
};
#define MAGIC 0x6b65707420626c6bull

/* What of a block is not on the device. COMMITTED: the journal has it, so that it may go to its place at any time. */
enum { CLEAN, RUNNING, COMMITTED };

/* A block's place, as the memory has it. valid is set when all else is right. */
struct place {
	uint64_t block;
	uint32_t valid, dirty;
};

struct undo {
	uint64_t block;
	uint32_t was_cached; /* else it was the device's alone */
	uint32_t was_dirty;  /* as a place's dirty */
};

/* The memory that outlives the program. */
struct kept {
	uint64_t magic; /* set last */
	uint64_t device_size;
	uint64_t block_size;
	/* What a commit changes, in one store: the log's records that count << 32 | the undo record's. */
	uint64_t state;
	uint32_t logged;    /* records of the log written, those of the operation under way too */
	uint32_t too_large; /* the operation under way is not undone */
	uint32_t log_lost;
	uint32_t journal_place; /* which of the two holds */
	struct ext2_journal_place journal[2];
	struct place place[BLOCKS_MAX];
	struct undo undo[UNDO_MAX];
	struct ext2_log log[LOG_MAX];
	char data[DATA_BYTES];
	char before[UNDO_BYTES];
};

_Static_assert(sizeof(struct kept) <= EXT2_KEPT_SIZE, "the kept memory holds it");

struct block {
	struct block *hash_next;
	struct block *newer, *older; /* by use */
	struct place *place;
	bool changing; /* by the operation under way */
	char *data;
};

struct ext2_cache {
	struct ext2_device *device;
	struct kept *kept;
	bool is_kept, old;
	bool journaled; /* what is RUNNING does not go to its place */
	int (*overflow)(void *context);
	void *overflow_context;
	size_t size;    /* of a block */
	unsigned count, undo_max;
	struct block block[BLOCKS_MAX];
	struct block *hash[HASH_SIZE];
	struct block *newest, *oldest;
	unsigned dirty, running; /* blocks that are not clean; those of them that are RUNNING */
	char *bounce; /* RUN_BLOCKS to write from */
};

/* What comes before is in memory before what comes after: against the compiler, since the processor keeps the order of
 * its own stores for whoever looks later. */
static inline void in_order(void)
{
	__asm__ volatile("" : : : "memory");
}

static inline uint32_t undo_count(const struct kept *kept)
{
	return (uint32_t)kept->state;
}

static inline uint32_t log_count(const struct kept *kept)
{
	return (uint32_t)(kept->state >> 32);
}

static inline void set_state(struct kept *kept, uint32_t log, uint32_t undo)
{
	in_order();
	*(volatile uint64_t *)&kept->state = (uint64_t)log << 32 | undo;
	in_order();
}

/* cache.c */
struct block *ext2_cache_find(struct ext2_cache *c, uint64_t block);
void ext2_cache_insert(struct ext2_cache *c, struct block *b);
void ext2_cache_set_dirty(struct ext2_cache *c, struct block *b, uint32_t dirty);
void ext2_cache_drop(struct ext2_cache *c, struct block *b);

#endif
