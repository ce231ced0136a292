/* Blocks of the device in memory that may outlive the program, and the record by which what was begun is undone. */
#ifndef EXT2_CACHE_H
#define EXT2_CACHE_H

#include "pagers/ext2/device.h"
#include "pagers/ext2/journal.h"

#include <stdbool.h>

/*
 * Metadata goes through this cache and reaches the device late. When the device's `kept` memory is given, the cache is
 * in it, and together with the device's blocks it is, at every moment, the file system as it was after the last
 * operation that was completed (ext2_cache_commit), whatever the program was doing when it ended:
 *
 *   - before an operation changes a block the first time, the block is copied to the undo record;
 *   - a block changed by the operation under way does not reach the device;
 *   - one store of a word completes an operation: it empties the record.
 *
 * The program may be killed between any two instructions, and the processor keeps the order of stores that the compiler
 * was told; the machine does not stop, so nothing here says anything about power failures. An operation that changes
 * more than UNDO_MAX blocks is not undone: what it did until then stays (and the next opening says so).
 *
 * The bitmaps are the library's and reach the cache only by its flush. What is allocated and freed in between is in a
 * second record, of ranges, which the flush makes unnecessary: ext2_cache_log.
 */
enum ext2_log_kind { EXT2_LOG_BLOCKS, EXT2_LOG_INODE, EXT2_LOG_DIRECTORY };

struct ext2_log {
	uint64_t start;
	uint32_t count;
	uint8_t kind;   /* enum ext2_log_kind */
	uint8_t in_use; /* allocated, else freed */
};

struct ext2_cache;

/* Bytes of the memory that outlives a program. */
#define EXT2_KEPT_SIZE (4u << 20)

/*
 * In the device's kept memory, or in its own. *old: what was there was an earlier program's for this device, and is in
 * use again, undone to its last completed operation; *whole: without the remains of a large operation. Null: no memory.
 */
struct ext2_cache *ext2_cache_open(struct ext2_device *device, bool *old, bool *whole);
/* Writes what is dirty first. */
int ext2_cache_close(struct ext2_cache *cache);
size_t ext2_cache_block_size(const struct ext2_cache *cache);
/* Another size of blocks: writes what is dirty, and begins anew. Of an old cache nothing changes. */
int ext2_cache_set_block_size(struct ext2_cache *cache, size_t size);

/* Bytes within the device; any offset and size. */
int ext2_cache_read(struct ext2_cache *cache, uint64_t offset, size_t size, void *to);
int ext2_cache_write(struct ext2_cache *cache, uint64_t offset, size_t size, const void *from);
/* The same without putting the blocks into the cache: whole blocks. */
int ext2_cache_read_around(struct ext2_cache *cache, uint64_t offset, size_t size, void *to);
int ext2_cache_write_around(struct ext2_cache *cache, uint64_t offset, size_t size, const void *from);
/* Blocks are written around the cache: what it holds of them is old. */
void ext2_cache_forget(struct ext2_cache *cache, uint64_t block, uint64_t count);

/* The operation under way is complete. */
void ext2_cache_commit(struct ext2_cache *cache);
/* The same, and the log is empty: the bitmaps are in the cache. */
void ext2_cache_commit_bitmaps(struct ext2_cache *cache);
/* Blocks that are not on the device as they are here. */
unsigned ext2_cache_dirty(const struct ext2_cache *cache);
/* Writes what completed operations have changed to the device; with a journal, of that what the journal has. */
int ext2_cache_write_out(struct ext2_cache *cache);
/* From now on the next program goes on with what is here: the file system is mounted, and that is on the device. */
void ext2_cache_mount(struct ext2_cache *cache);
/* Is the cache kept, so that commits matter? */
bool ext2_cache_is_kept(const struct ext2_cache *cache);

/*
 * With a journal, what operations change stays here until a transaction has it. overflow is called when one operation
 * has changed so much that there is no room for more: it commits what is here, half done as it is.
 */
void ext2_cache_use_journal(struct ext2_cache *cache, int (*overflow)(void *context), void *context);
bool ext2_cache_is_journaled(const struct ext2_cache *cache);
unsigned ext2_cache_blocks(const struct ext2_cache *cache); /* that it can hold */
/* Blocks that no transaction has. */
unsigned ext2_cache_running(const struct ext2_cache *cache);
/* The same in order, into an array that can hold all; how many. They stay as they are until ext2_cache_committed. */
unsigned ext2_cache_collect(struct ext2_cache *cache, struct ext2_journal_block *blocks);
void ext2_cache_committed(struct ext2_cache *cache);
/* Forgets blocks that are free. */
void ext2_cache_forget_if(struct ext2_cache *cache, bool (*unwanted)(void *context, uint64_t block), void *context);
/* Part of a block that is not waiting for a transaction, here and on the device. */
int ext2_cache_write_through(struct ext2_cache *cache, uint64_t offset, size_t size, const void *from);
/* Where the next transaction goes, for the next program; set as a whole. */
struct ext2_journal_place ext2_cache_journal_place(const struct ext2_cache *cache);
void ext2_cache_set_journal_place(struct ext2_cache *cache, struct ext2_journal_place place);

void ext2_cache_log(struct ext2_cache *cache, enum ext2_log_kind kind, uint64_t start, uint64_t count, bool in_use);
/* What is in the log, in order. *lost: there was more than it could hold. */
const struct ext2_log *ext2_cache_logged(const struct ext2_cache *cache, unsigned *count, bool *lost);
/* So much is in it that the bitmaps should be flushed. */
bool ext2_cache_log_is_long(const struct ext2_cache *cache);

#endif
