/* What is allocated and freed: told to the log and to those who wait, and written group by group. */
#include "pagers/ext2/ext2.h"

#include <stdlib.h>
#include <string.h>

/*
 * The library calls hooks when it allocates or frees blocks. The one for ranges is called when it (1.47) has counted its
 * arguments down, so that it says where a range ends and not where it began: a second bitmap, of what was told, tells.
 *
 * Blocks that an operation has freed must not be used again before the transaction is on the medium: until then a power
 * cut gives them back to who had them, and what had been written there since would be his. So when the operation is over
 * they are marked in the library's bitmap again (`waiting` has them), and unmarked before that is written.
 */
struct range {
	uint64_t start, end;
};

enum { GROUP_BLOCKS = 1, GROUP_INODES = 2, GROUP_UNUSED = 4 /* its bitmap of blocks was not written yet */ };

struct ext2_space {
	ext2fs_block_bitmap told, waiting; /* waiting: null without a journal */
	uint64_t waiting_count;
	struct range *freed; /* by the operation under way */
	unsigned freed_count, freed_room;
	bool allocated; /* so was something */
	uint8_t *group; /* what of each is not written */
	dgrp_t *changed;
	unsigned changed_count;
};

static struct ext2_space *space_of(ext2_filsys fs)
{
	return fs->priv_data;
}

static void group_changed(ext2_filsys fs, dgrp_t group, uint8_t what)
{
	struct ext2_space *s = space_of(fs);

	/* The library begins to use a group's blocks when it does so with its inodes, too. */
	if (s->group[group] & GROUP_UNUSED && !ext2fs_bg_flags_test(fs, group, EXT2_BG_BLOCK_UNINIT)) {
		s->group[group] &= (uint8_t)~GROUP_UNUSED;
		what |= GROUP_BLOCKS;
	}
	if (!(s->group[group] & (GROUP_BLOCKS | GROUP_INODES)))
		s->changed[s->changed_count++] = group;
	s->group[group] |= what;
}

static void note_freed(struct ext2_space *s, uint64_t start, uint64_t end)
{
	struct range *last = s->freed_count ? &s->freed[s->freed_count - 1] : NULL;

	if (last && last->end == start) {
		last->end = end;
	} else if (last && last->start == end) {
		last->start = start;
	} else {
		if (s->freed_count == s->freed_room) {
			unsigned room = s->freed_room ? 2 * s->freed_room : 64;
			struct range *more = realloc(s->freed, room * sizeof(*more));

			if (!more)
				abort(); /* the next instance finds the operation undone */
			s->freed = more;
			s->freed_room = room;
		}
		s->freed[s->freed_count++] = (struct range){start, end};
	}
}

static void tell(ext2_filsys fs, uint64_t start, uint64_t end, bool in_use)
{
	struct ext2_space *s = space_of(fs);

	if (in_use)
		ext2fs_mark_block_bitmap_range2(s->told, start, (unsigned)(end - start));
	else
		ext2fs_unmark_block_bitmap_range2(s->told, start, (unsigned)(end - start));
	if (s->waiting && !in_use)
		note_freed(s, start, end);
	s->allocated |= in_use;
	for (dgrp_t group = ext2fs_group_of_blk2(fs, start); group <= ext2fs_group_of_blk2(fs, end - 1); group++)
		group_changed(fs, group, GROUP_BLOCKS);
	ext2_cache_log(ext2_fs_cache(fs), EXT2_LOG_BLOCKS, start, end - start, in_use);
}

static void block_changed(ext2_filsys fs, blk64_t block, int in_use)
{
	tell(fs, block, block + 1, in_use > 0);
}

static void range_changed(ext2_filsys fs, blk64_t block, blk_t count, int in_use)
{
	struct ext2_space *s = space_of(fs);
	blk64_t end = block + count, start = end;

	while (start > fs->super->s_first_data_block &&
		!ext2fs_test_block_bitmap2(fs->block_map, start - 1) == (in_use <= 0) &&
		!ext2fs_test_block_bitmap2(s->told, start - 1) != (in_use <= 0) &&
		!(s->waiting && ext2fs_test_block_bitmap2(s->waiting, start - 1)))
		start--;
	if (start < end)
		tell(fs, start, end, in_use > 0);
}

errcode_t ext2_space_watch(ext2_filsys fs, bool journal)
{
	struct ext2_space *s = calloc(1, sizeof(*s));
	errcode_t error = s ? ext2fs_copy_bitmap(fs->block_map, &s->told) : EXT2_ET_NO_MEMORY;

	if (!s)
		return error;
	if (!error && journal)
		error = ext2fs_allocate_block_bitmap(fs, "blocks that wait", &s->waiting);
	s->group = calloc(fs->group_desc_count, 1);
	s->changed = calloc(fs->group_desc_count, sizeof(*s->changed));
	fs->priv_data = s;
	if (error || !s->group || !s->changed)
		return error ? error : EXT2_ET_NO_MEMORY;
	for (dgrp_t group = 0; group < fs->group_desc_count; group++)
		if (ext2fs_bg_flags_test(fs, group, EXT2_BG_BLOCK_UNINIT))
			s->group[group] = GROUP_UNUSED;
	ext2fs_set_block_alloc_stats_callback(fs, block_changed, NULL);
	ext2fs_set_block_alloc_stats_range_callback(fs, range_changed, NULL);
	return 0;
}

void ext2_space_unwatch(ext2_filsys fs)
{
	struct ext2_space *s = space_of(fs);

	if (!s)
		return;
	ext2fs_set_block_alloc_stats_callback(fs, NULL, NULL);
	ext2fs_set_block_alloc_stats_range_callback(fs, NULL, NULL);
	if (s->told)
		ext2fs_free_block_bitmap(s->told);
	if (s->waiting)
		ext2fs_free_block_bitmap(s->waiting);
	free(s->freed);
	free(s->group);
	free(s->changed);
	free(s);
	fs->priv_data = NULL;
}

void ext2_inode_alloc_stats(ext2_filsys fs, uint64_t inode, int in_use, int is_directory)
{
	ext2_cache_log(ext2_fs_cache(fs), is_directory ? EXT2_LOG_DIRECTORY : EXT2_LOG_INODE, inode, 1, in_use > 0);
	ext2fs_inode_alloc_stats2(fs, (ext2_ino_t)inode, in_use, is_directory);
	group_changed(fs, ext2fs_group_of_ino(fs, (ext2_ino_t)inode), GROUP_INODES);
}

void ext2_space_all_changed(ext2_filsys fs)
{
	for (dgrp_t group = 0; group < fs->group_desc_count; group++)
		group_changed(fs, group, GROUP_BLOCKS | GROUP_INODES);
}

/* --- Writing. */

static errcode_t write_block_bitmap(ext2_filsys fs, dgrp_t group, char *buffer)
{
	const unsigned bits = EXT2_CLUSTERS_PER_GROUP(fs->super);
	const uint64_t first = EXT2FS_B2C(fs, fs->super->s_first_data_block) + (uint64_t)group * bits;
	uint64_t in_last;
	errcode_t error;

	if (ext2fs_bg_flags_test(fs, group, EXT2_BG_BLOCK_UNINIT))
		return 0;
	memset(buffer, 0, fs->blocksize);
	error = ext2fs_get_block_bitmap_range2(fs->block_map, first, bits, buffer);
	if (error)
		return error;
	in_last = EXT2FS_NUM_B2C(
		fs, (ext2fs_blocks_count(fs->super) - fs->super->s_first_data_block) % EXT2_BLOCKS_PER_GROUP(fs->super));
	if (group == fs->group_desc_count - 1 && in_last)
		for (uint64_t bit = in_last; bit < fs->blocksize * 8ull; bit++)
			ext2fs_set_bit((unsigned)bit, buffer);
	ext2fs_block_bitmap_csum_set(fs, group, buffer, (int)(bits / 8));
	return io_channel_write_blk64(fs->io, ext2fs_block_bitmap_loc(fs, group), 1, buffer);
}

static errcode_t write_inode_bitmap(ext2_filsys fs, dgrp_t group, char *buffer)
{
	const unsigned bits = EXT2_INODES_PER_GROUP(fs->super);
	errcode_t error;

	if (ext2fs_bg_flags_test(fs, group, EXT2_BG_INODE_UNINIT))
		return 0;
	memset(buffer, 0xff, fs->blocksize);
	error = ext2fs_get_inode_bitmap_range2(fs->inode_map, 1 + (uint64_t)group * bits, bits, buffer);
	if (error)
		return error;
	ext2fs_inode_bitmap_csum_set(fs, group, buffer, (int)(bits / 8));
	return io_channel_write_blk64(fs->io, ext2fs_inode_bitmap_loc(fs, group), 1, buffer);
}

static errcode_t write_descriptors(ext2_filsys fs, dgrp_t group)
{
	const dgrp_t block = group / EXT2_DESC_PER_BLOCK(fs->super);

	return io_channel_write_blk64(fs->io, ext2fs_descriptor_block_loc2(fs, fs->super->s_first_data_block, block), 1,
		(char *)fs->group_desc + (size_t)block * fs->blocksize);
}

errcode_t ext2_space_write(ext2_filsys fs)
{
	struct ext2_space *s = space_of(fs);
	char *buffer = malloc(fs->blocksize);
	errcode_t error = buffer ? 0 : EXT2_ET_NO_MEMORY;

	/* In this order: a descriptor has the checksums of its bitmaps. What was written is written again after an error. */
	for (unsigned i = 0; i < s->changed_count && !error; i++) {
		const dgrp_t group = s->changed[i];

		error = s->group[group] & GROUP_BLOCKS ? write_block_bitmap(fs, group, buffer) : 0;
		if (!error && s->group[group] & GROUP_INODES)
			error = write_inode_bitmap(fs, group, buffer);
		ext2fs_group_desc_csum_set(fs, group);
	}
	for (unsigned i = 0; i < s->changed_count && !error; i++)
		error = write_descriptors(fs, s->changed[i]);
	free(buffer);
	if (error)
		return error;
	for (unsigned i = 0; i < s->changed_count; i++)
		s->group[s->changed[i]] &= (uint8_t)~(GROUP_BLOCKS | GROUP_INODES);
	s->changed_count = 0;
	fs->flags &= ~(EXT2_FLAG_BB_DIRTY | EXT2_FLAG_IB_DIRTY);
	fs->flags |= EXT2_FLAG_SUPER_ONLY;
	return ext2fs_flush2(fs, EXT2_FLAG_FLUSH_NO_SYNC);
}

unsigned ext2_space_blocks(ext2_filsys fs)
{
	return 3 * space_of(fs)->changed_count + 1;
}

/* --- Waiting. */

static void make_wait(ext2_filsys fs, uint64_t start, uint64_t end)
{
	struct ext2_space *s = space_of(fs);

	ext2fs_mark_block_bitmap_range2(fs->block_map, start, (unsigned)(end - start));
	ext2fs_mark_block_bitmap_range2(s->waiting, start, (unsigned)(end - start));
	s->waiting_count += end - start;
}

void ext2_space_end_operation(ext2_filsys fs)
{
	struct ext2_space *s = space_of(fs);

	for (unsigned i = 0; i < s->freed_count; i++) {
		const struct range *r = &s->freed[i];

		if (!s->allocated)
			make_wait(fs, r->start, r->end);
		/* It may have used again what it had freed before. */
		for (uint64_t block = r->start; s->allocated && block < r->end; block++)
			if (!ext2fs_test_block_bitmap2(s->told, block) && !ext2fs_test_block_bitmap2(s->waiting, block))
				make_wait(fs, block, block + 1);
	}
	s->freed_count = 0;
	s->allocated = false;
}

uint64_t ext2_space_waiting(ext2_filsys fs)
{
	return space_of(fs)->waiting_count;
}

bool ext2_space_waits(ext2_filsys fs, uint64_t block)
{
	struct ext2_space *s = space_of(fs);

	return s->waiting_count && block >= fs->super->s_first_data_block &&
	       block < ext2fs_blocks_count(fs->super) && ext2fs_test_block_bitmap2(s->waiting, block);
}

void ext2_space_unmark_waiting(ext2_filsys fs)
{
	struct ext2_space *s = space_of(fs);
	const uint64_t last = ext2fs_blocks_count(fs->super) - 1;
	blk64_t start = fs->super->s_first_data_block, end;

	while (s->waiting_count && start <= last &&
		ext2fs_find_first_set_block_bitmap2(s->waiting, start, last, &start) == 0) {
		if (ext2fs_find_first_zero_block_bitmap2(s->waiting, start, last, &end))
			end = last + 1;
		ext2fs_unmark_block_bitmap_range2(fs->block_map, start, (unsigned)(end - start));
		start = end;
	}
}

void ext2_space_forget_waiting(ext2_filsys fs)
{
	struct ext2_space *s = space_of(fs);

	if (s->waiting_count)
		ext2fs_clear_block_bitmap(s->waiting);
	s->waiting_count = 0;
}
