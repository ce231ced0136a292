/* Where the blocks of a file are: in runs as long as the device has them. */
#include "pagers/ext2/ext2.h"

int ext2_is_block(struct ext2_volume *volume, uint64_t block)
{
	return block > volume->fs->super->s_first_data_block && block < ext2fs_blocks_count(volume->fs->super);
}

static int map_block(
	struct ext2_volume *volume, uint64_t inode, union ext2_any_inode *data, uint64_t block, struct ext2_run *run)
{
	blk64_t physical = 0;
	int flags = 0, error;

	error = ext2_errno(
		ext2fs_bmap2(volume->fs, (ext2_ino_t)inode, &data->small, NULL, 0, block, &flags, &physical));
	*run = (struct ext2_run){.first = block, .end = block + 1, .device = physical};
	if (physical)
		run->kind = flags & BMAP_RET_UNINIT ? EXT2_UNWRITTEN : EXT2_WRITTEN;
	return error;
}

/* One of numbers of blocks: block by block. */
static int map_numbers(struct ext2_volume *volume, uint64_t inode, union ext2_any_inode *data, uint64_t block,
	uint64_t end, struct ext2_run *run)
{
	struct ext2_run next;
	int error = map_block(volume, inode, data, block, run);

	for (; !error && run->end < end; run->end++) {
		if (map_block(volume, inode, data, run->end, &next) || next.kind != run->kind)
			break;
		if (run->kind != EXT2_HOLE && next.device != run->device + (run->end - run->first))
			break;
	}
	return error;
}

/* The handle stands at an extent near the block: before the hole that the block is in, or behind it. */
static uint64_t end_of_hole(ext2_extent_handle_t handle, uint64_t block)
{
	struct ext2fs_extent extent;
	int how = EXT2_EXTENT_CURRENT;

	while (ext2fs_extent_get(handle, how, &extent) == 0) {
		if (extent.e_lblk > block)
			return extent.e_lblk;
		how = EXT2_EXTENT_NEXT_LEAF;
	}
	return UINT64_MAX;
}

static int map_extents(struct ext2_volume *volume, uint64_t inode, union ext2_any_inode *data, uint64_t block,
	struct ext2_run *run)
{
	ext2_extent_handle_t handle;
	struct ext2fs_extent extent;
	errcode_t code = ext2fs_extent_open2(volume->fs, (ext2_ino_t)inode, &data->small, &handle);

	if (code)
		return ext2_errno(code);
	*run = (struct ext2_run){.first = block};
	code = ext2fs_extent_goto(handle, block);
	if (code == 0)
		code = ext2fs_extent_get(handle, EXT2_EXTENT_CURRENT, &extent);
	if (code == 0) {
		run->end = extent.e_lblk + extent.e_len;
		run->device = extent.e_pblk + (block - extent.e_lblk);
		run->kind = extent.e_flags & EXT2_EXTENT_FLAGS_UNINIT ? EXT2_UNWRITTEN : EXT2_WRITTEN;
	} else if (code == EXT2_ET_EXTENT_NOT_FOUND) {
		run->end = end_of_hole(handle, block);
		code = 0;
	}
	ext2fs_extent_free(handle);
	return ext2_errno(code);
}

/* The run that the block begins or is in; of extents up to its own end. EIO: a damaged file system says nonsense. */
static int find_run(struct ext2_volume *volume, uint64_t inode, union ext2_any_inode *data, uint64_t block, uint64_t end,
	struct ext2_run *run)
{
	int error = data->small.i_flags & EXT4_EXTENTS_FL ? map_extents(volume, inode, data, block, run)
							  : map_numbers(volume, inode, data, block, end, run);

	if (error)
		return error;
	if (run->end <= block)
		return EIO;
	if (run->kind != EXT2_HOLE && (!ext2_is_block(volume, run->device) ||
					      !ext2_is_block(volume, run->device + (run->end - block - 1))))
		return EIO;
	return 0;
}

static void cut(struct ext2_run *run, uint64_t end)
{
	if (run->end > end)
		run->end = end;
}

int ext2_map(struct ext2_volume *volume, uint64_t inode, union ext2_any_inode *data, uint64_t block, uint64_t end,
	struct ext2_run *run)
{
	int error = find_run(volume, inode, data, block, end, run);

	cut(run, end);
	return error;
}

int ext2_map_again(struct ext2_volume *volume, uint64_t inode, union ext2_any_inode *data, uint64_t block,
	uint64_t end, struct ext2_run *run)
{
	struct ext2_mapped *last = &volume->mapped;
	int error = 0;

	if (last->inode != inode || block < last->run.first || block >= last->run.end) {
		error = find_run(volume, inode, data, block, end, &last->run);
		last->inode = error ? 0 : inode;
	}
	*run = last->run;
	run->device += block - run->first;
	run->first = block;
	cut(run, end);
	return error;
}
