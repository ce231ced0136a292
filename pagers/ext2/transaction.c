/* Transactions: what operations have changed since the last one goes into the journal, as a whole. */
#include "pagers/ext2/ext2.h"

#include <stdlib.h>
#include <string.h>

/*
 * There is one transaction, of all operations that were completed since the last commit. Contents need no list (ordered
 * mode): their blocks were written to the device before the operation that makes them a file's, and the commit's first
 * flush makes both lasting.
 *
 * A committed block goes to its place when the cache needs room, when the volume is synced, and at a checkpoint, which
 * empties the log. A checkpoint comes right after a commit, when nothing is newer than what the log has: so the log may
 * be forgotten as a whole.
 *
 * A block that the log has and that is freed may be a file's contents next, written around the journal: it is revoked,
 * so that replay leaves it alone.
 */
struct ext2_transaction {
	struct ext2_journal *journal;
	struct ext2_journal_block *blocks; /* room for all of the cache */
	ext2fs_block_bitmap in_log;
	uint64_t *revoked;
	unsigned revoked_count, revoked_room;
	/* Inodes that the running transaction changes, several to a bit: in any way, and in one that reading needs. */
	uint8_t changed[2][1024];
};

static uint8_t *changed_bit(struct ext2_transaction *t, int contents, uint64_t inode, uint8_t *bit)
{
	const size_t bits = sizeof(t->changed[0]) * 8;

	*bit = (uint8_t)(1u << inode % 8);
	return &t->changed[contents][inode % bits / 8];
}

void ext2_inode_changed(struct ext2_volume *volume, uint64_t inode, bool only_times)
{
	struct ext2_transaction *t = volume->transaction;
	uint8_t bit;

	if (!only_times && volume->mapped.inode == inode)
		volume->mapped.inode = 0;
	for (int contents = 0; t && contents < (only_times ? 1 : 2); contents++)
		*changed_bit(t, contents, inode, &bit) |= bit;
}

static bool is_changed(struct ext2_transaction *t, uint64_t inode, bool contents)
{
	uint8_t bit, *byte = changed_bit(t, contents, inode, &bit);

	return (*byte & bit) != 0;
}

static bool is_free(void *context, uint64_t block)
{
	return ext2_space_waits(context, block);
}

/* The blocks that wait and that the log has. */
static int collect_revoked(struct ext2_volume *volume)
{
	struct ext2_transaction *t = volume->transaction;
	const uint64_t last = ext2fs_blocks_count(volume->fs->super) - 1;
	blk64_t block = volume->fs->super->s_first_data_block;

	t->revoked_count = 0;
	if (!ext2_space_waiting(volume->fs))
		return 0;
	for (; block <= last && ext2fs_find_first_set_block_bitmap2(t->in_log, block, last, &block) == 0; block++) {
		if (!ext2_space_waits(volume->fs, block))
			continue;
		if (t->revoked_count == t->revoked_room) {
			unsigned room = t->revoked_room ? 2 * t->revoked_room : 64;
			uint64_t *more = realloc(t->revoked, room * sizeof(*more));

			if (!more)
				return ENOMEM;
			t->revoked = more;
			t->revoked_room = room;
		}
		t->revoked[t->revoked_count++] = block;
	}
	return 0;
}

static void set_place(struct ext2_volume *volume)
{
	const struct ext2_journal *j = volume->transaction->journal;

	ext2_cache_set_journal_place(
		ext2_fs_cache(volume->fs), (struct ext2_journal_place){j->sequence, j->head});
}

int ext2_checkpoint(struct ext2_volume *volume)
{
	struct ext2_transaction *t = volume->transaction;
	int error = ext2_cache_write_out(ext2_fs_cache(volume->fs));

	if (!error)
		error = volume->device->flush(volume->device);
	if (!error)
		error = ext2_journal_begin(t->journal);
	if (error)
		return error;
	ext2fs_clear_block_bitmap(t->in_log);
	set_place(volume);
	return 0;
}

/* Writes what is in the cache as one transaction, and makes room for the next. */
static int write_transaction(struct ext2_volume *volume)
{
	struct ext2_transaction *t = volume->transaction;
	struct ext2_cache *cache = ext2_fs_cache(volume->fs);
	unsigned count = ext2_cache_collect(cache, t->blocks);
	int error = ext2_journal_commit(t->journal, t->blocks, count, t->revoked, t->revoked_count);

	if (error)
		return error;
	set_place(volume);
	ext2_cache_committed(cache);
	for (unsigned i = 0; i < count; i++)
		ext2fs_mark_block_bitmap2(t->in_log, t->blocks[i].block);
	for (unsigned i = 0; i < t->revoked_count; i++)
		ext2fs_unmark_block_bitmap2(t->in_log, t->revoked[i]);
	t->revoked_count = 0;
	return ext2_journal_need(t->journal, ext2_cache_blocks(cache), ext2_cache_blocks(cache)) >
			       t->journal->end - t->journal->head
		       ? ext2_checkpoint(volume)
		       : 0;
}

static bool has_changes(struct ext2_volume *volume)
{
	return ext2_cache_running(ext2_fs_cache(volume->fs)) || ext2_space_blocks(volume->fs) > 1 ||
	       volume->fs->flags & EXT2_FLAG_DIRTY;
}

int ext2_commit(struct ext2_volume *volume)
{
	struct ext2_transaction *t = volume->transaction;
	struct ext2_cache *cache = ext2_fs_cache(volume->fs);
	int error;

	if (!has_changes(volume))
		return volume->device->flush(volume->device);
	ext2_space_unmark_waiting(volume->fs);
	error = ext2_errno(ext2_space_write(volume->fs));
	if (!error)
		error = collect_revoked(volume);
	if (!error) {
		ext2_cache_commit_bitmaps(cache);
		ext2_cache_forget_if(cache, is_free, volume->fs);
		error = write_transaction(volume);
	}
	if (error) {
		volume->failed = 1;
		return error;
	}
	ext2_space_forget_waiting(volume->fs);
	memset(t->changed, 0, sizeof(t->changed));
	return 0;
}

/* One operation has filled the cache. */
static int overflow(void *context)
{
	return write_transaction(context);
}

bool ext2_is_full(struct ext2_volume *volume)
{
	struct ext2_cache *cache = ext2_fs_cache(volume->fs);

	return ext2_cache_running(cache) + ext2_space_blocks(volume->fs) > ext2_cache_blocks(cache) / 2;
}

int ext2_sync_file(struct fk_volume *base, uint64_t inode, int data_only)
{
	struct ext2_volume *volume = ext2_volume(base);

	if (volume->read_only || volume->stopped)
		return 0;
	if (!volume->transaction || volume->failed)
		return base->operations->sync(base);
	if (is_changed(volume->transaction, inode, data_only != 0))
		return ext2_commit(volume);
	return volume->device->flush(volume->device);
}

/* --- Beginning and end. */

/* In the superblock on the device and nothing else, so that one that was torn tells what it was. */
static int set_recovery(struct ext2_volume *volume, bool on)
{
	struct ext2_cache *cache = ext2_fs_cache(volume->fs);
	struct ext2_super_block super;
	int error = ext2_cache_read(cache, SUPERBLOCK_OFFSET, sizeof(super), &super);

	if (error)
		return error;
	if (on) {
		ext2fs_set_feature_journal_needs_recovery(&super);
		ext2fs_set_feature_journal_needs_recovery(volume->fs->super);
	} else {
		ext2fs_clear_feature_journal_needs_recovery(&super);
		ext2fs_clear_feature_journal_needs_recovery(volume->fs->super);
	}
	ext2fs_superblock_csum_set(volume->fs, &super);
	error = ext2_cache_write_through(cache, SUPERBLOCK_OFFSET, sizeof(super), &super);
	return error ? error : volume->device->flush(volume->device);
}

int ext2_transactions_begin(struct ext2_volume *volume, struct ext2_journal *journal, bool old)
{
	struct ext2_transaction *t = calloc(1, sizeof(*t));
	struct ext2_cache *cache = ext2_fs_cache(volume->fs);
	int error = t ? ext2_errno(ext2fs_allocate_block_bitmap(volume->fs, "blocks in the log", &t->in_log)) : ENOMEM;

	if (t)
		t->blocks = calloc(ext2_cache_blocks(cache), sizeof(*t->blocks));
	if (!error && !t->blocks)
		error = ENOMEM;
	if (error) {
		free(t);
		return error;
	}
	t->journal = journal;
	volume->transaction = t;
	ext2_cache_use_journal(cache, overflow, volume);
	if (!old) {
		error = set_recovery(volume, true);
		if (!error)
			error = ext2_journal_begin(journal);
		set_place(volume);
		return error;
	}
	/* What the program before has freed or was writing is not known: all that it left is put into its place. */
	journal->sequence = ext2_cache_journal_place(cache).sequence;
	journal->head = ext2_cache_journal_place(cache).head;
	error = journal->head < journal->first || journal->head >= journal->end ? EIO : ext2_journal_erase_head(journal);
	if (!error)
		error = ext2_commit(volume);
	return error ? error : ext2_checkpoint(volume);
}

int ext2_transactions_end(struct ext2_volume *volume)
{
	int error = ext2_commit(volume);

	if (!error)
		error = ext2_checkpoint(volume);
	if (!error)
		error = ext2_journal_end(volume->transaction->journal);
	if (!error)
		error = volume->device->flush(volume->device);
	return error ? error : set_recovery(volume, false);
}

void ext2_transactions_free(struct ext2_volume *volume)
{
	struct ext2_transaction *t = volume->transaction;

	if (!t)
		return;
	ext2fs_free_block_bitmap(t->in_log);
	ext2_journal_free(t->journal);
	free(t->blocks);
	free(t->revoked);
	free(t);
	volume->transaction = NULL;
}
