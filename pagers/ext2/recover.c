/* Going on with the file system that an earlier program had mounted: the bitmaps, from what it kept. */
#include "pagers/ext2/ext2.h"

/* A group whose bitmap was never written: what of it the file system itself uses. */
static errcode_t begin_group(ext2_filsys fs, dgrp_t group)
{
	blk64_t tables = ext2fs_inode_table_loc(fs, group);

	if (!ext2fs_bg_flags_test(fs, group, EXT2_BG_BLOCK_UNINIT))
		return 0;
	ext2fs_reserve_super_and_bgd(fs, group, fs->block_map);
	ext2fs_mark_block_bitmap2(fs->block_map, ext2fs_block_bitmap_loc(fs, group));
	ext2fs_mark_block_bitmap2(fs->block_map, ext2fs_inode_bitmap_loc(fs, group));
	for (unsigned i = 0; i < fs->inode_blocks_per_group; i++)
		ext2fs_mark_block_bitmap2(fs->block_map, tables + i);
	ext2fs_bg_flags_clear(fs, group, EXT2_BG_BLOCK_UNINIT);
	return 0;
}

/* Done already or not: the flush that wrote the bitmaps may have been the last thing that was done. */
static errcode_t replay(ext2_filsys fs, const struct ext2_log *log)
{
	if (log->kind != EXT2_LOG_BLOCKS) {
		if (log->start == 0 || log->start > fs->super->s_inodes_count)
			return EXT2_ET_BAD_INODE_NUM;
		if (!ext2fs_test_inode_bitmap2(fs->inode_map, (ext2_ino_t)log->start) != !log->in_use)
			ext2fs_inode_alloc_stats2(
				fs, (ext2_ino_t)log->start, log->in_use ? 1 : -1, log->kind == EXT2_LOG_DIRECTORY);
		return 0;
	}
	for (uint64_t block = log->start; block < log->start + log->count; block++) {
		if (block < fs->super->s_first_data_block || block >= ext2fs_blocks_count(fs->super))
			return EXT2_ET_BAD_BLOCK_NUM;
		begin_group(fs, ext2fs_group_of_blk2(fs, block));
		if (!ext2fs_test_block_bitmap2(fs->block_map, block) != !log->in_use)
			ext2fs_block_alloc_stats2(fs, block, log->in_use ? 1 : -1);
	}
	return 0;
}

/* The counts of free blocks and inodes, from the bitmaps. Of a file system with clusters they are as the log left them.
 */
static void count_again(ext2_filsys fs)
{
	uint64_t free_blocks = 0;
	uint32_t free_inodes = 0;

	if (ext2fs_has_feature_bigalloc(fs->super))
		return;
	for (dgrp_t group = 0; group < fs->group_desc_count; group++) {
		uint64_t first = ext2fs_group_first_block2(fs, group), last = ext2fs_group_last_block2(fs, group);
		uint32_t blocks = 0, inodes = 0, inode = group * fs->super->s_inodes_per_group + 1;

		for (uint64_t block = first; block <= last; block++)
			blocks += !ext2fs_test_block_bitmap2(fs->block_map, block);
		for (uint32_t i = 0; i < fs->super->s_inodes_per_group; i++)
			inodes += !ext2fs_test_inode_bitmap2(fs->inode_map, inode + i);
		/* The library does not look at the bitmap of a group that nobody has used. */
		if (ext2fs_bg_flags_test(fs, group, EXT2_BG_BLOCK_UNINIT))
			blocks = ext2fs_bg_free_blocks_count(fs, group);
		ext2fs_bg_free_blocks_count_set(fs, group, blocks);
		ext2fs_bg_free_inodes_count_set(fs, group, inodes);
		ext2fs_group_desc_csum_set(fs, group);
		free_blocks += blocks;
		free_inodes += inodes;
	}
	ext2fs_free_blocks_count_set(fs->super, free_blocks);
	fs->super->s_free_inodes_count = free_inodes;
}

errcode_t ext2_recover(ext2_filsys fs)
{
	bool lost;
	unsigned count;
	const struct ext2_log *log = ext2_cache_logged(ext2_fs_cache(fs), &count, &lost);
	errcode_t error = 0;

	for (unsigned i = 0; i < count && !error; i++)
		error = replay(fs, &log[i]);
	if (error)
		return error;
	count_again(fs);
	ext2fs_mark_super_dirty(fs);
	return 0;
}
