/* The journal of a file system, on the disk. What goes into it, and when, is transaction.c's. */
#ifndef EXT2_JOURNAL_H
#define EXT2_JOURNAL_H

#include "pagers/ext2/device.h"
#include "pagers/ext2/jbd2.h"

#include <ext2fs/ext2fs.h>
#include <stdbool.h>

/*
 * The log is written from its first block on, and begun again there when little room is left and all that it holds is
 * in its place: it is never written around its end. Its superblock says "from the first block on, from transaction n on"
 * all the time that the file system is mounted, so that a commit does not touch it.
 *
 * A transaction is written with an empty block behind it; when that is on the medium one sector, which no power cut
 * tears, makes the empty block a commit. A transaction is so there as a whole or not at all.
 */
struct ext2_journal {
	struct ext2_device *device;
	ext2_filsys fs;
	size_t size; /* of a block */
	struct ext2_journal_run {
		uint64_t place;
		uint32_t block, count;
	} *runs; /* where the log's blocks are, in order */
	unsigned run_count;
	uint32_t first, end; /* blocks of the log */
	uint32_t head;       /* where the next transaction goes, */
	uint32_t sequence;   /* and its number */
	bool checksums, wide;
	uint32_t seed;
	struct jbd2_superblock super;
	char *buffer; /* JOURNAL_RUN blocks on their way to the log */
	unsigned buffered;
};

struct ext2_journal_place {
	uint32_t sequence, head;
};

/* A block and what it is to become. */
struct ext2_journal_block {
	uint64_t block;
	const void *data;
};

/* Opens the journal in the file system's inode for it. 0 or an errno, with *why set. */
int ext2_journal_open(struct ext2_device *device, ext2_filsys fs, struct ext2_journal **journal, const char **why);
void ext2_journal_free(struct ext2_journal *journal);
/* Are there transactions in the log that may not be in their place? */
bool ext2_journal_is_empty(const struct ext2_journal *journal);
/* replay.c: puts what the log holds into its place, and lets it be empty. */
int ext2_journal_replay(struct ext2_journal *journal, const char **why);
/* From now on transactions are written: the log begins at its start. Needs a flush before it counts. */
int ext2_journal_begin(struct ext2_journal *journal);
/* Nothing is in the log, and nothing will be. */
int ext2_journal_end(struct ext2_journal *journal);
/* Destroys the commit of the transaction that somebody may have been writing at the head when he ended. */
int ext2_journal_erase_head(struct ext2_journal *journal);
/* A transaction, on the medium when this returns; so is what was written to the device before. */
int ext2_journal_commit(struct ext2_journal *journal, const struct ext2_journal_block *blocks, unsigned count,
	const uint64_t *revoked, unsigned revoked_count);
/* Blocks that a transaction of so many takes at most. */
uint32_t ext2_journal_need(const struct ext2_journal *journal, unsigned count, unsigned revoked_count);

/* For replay.c. */
uint32_t ext2_journal_checksum(uint32_t seed, const void *data, size_t size);
size_t ext2_journal_tag_size(const struct ext2_journal *journal);
int ext2_journal_read(struct ext2_journal *journal, uint32_t block, void *data);
/* As many of the blocks as can be read at once, to memory of the journal's. */
int ext2_journal_read_run(struct ext2_journal *journal, uint32_t block, uint32_t *count, char **data);

static inline uint32_t jbd2_get(uint32_t value)
{
	return be32toh(value);
}

static inline uint32_t jbd2_put(uint32_t value)
{
	return htobe32(value);
}

#endif
