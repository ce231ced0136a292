/* Size and space of files: reserving blocks, extending, cutting off. */
#include "pagers/ext2/ext2.h"

#include <stdlib.h>
#include <string.h>

uint64_t ext2_size_limit(struct ext2_volume *volume, const union ext2_any_inode *data)
{
	uint64_t block_size = volume->fs->blocksize, pointers = block_size / 4, blocks;

	if (data->small.i_flags & EXT4_EXTENTS_FL)
		blocks = UINT32_MAX; /* the last block number is not usable */
	else
		blocks = EXT2_NDIR_BLOCKS + pointers + pointers * pointers + pointers * pointers * pointers;
	if (blocks > UINT32_MAX)
		blocks = UINT32_MAX;
	/* Without huge_file i_blocks counts 512-byte sectors in 32 bits. */
	if (!ext2fs_has_feature_huge_file(volume->fs->super) && blocks > UINT32_MAX / (block_size / 512))
		blocks = UINT32_MAX / (block_size / 512);
	return blocks * block_size;
}

static int read_regular(struct ext2_volume *volume, uint64_t inode, union ext2_any_inode *data)
{
	int error = ext2_begin_change(volume);

	if (!error)
		error = ext2_read_inode(volume, inode, data);
	if (!error && !LINUX_S_ISREG(data->small.i_mode))
		error = LINUX_S_ISDIR(data->small.i_mode) ? EISDIR : EINVAL;
	return error;
}

/* Behind the last block of the file that has a place. */
static uint64_t end_of(struct ext2_volume *volume, uint64_t inode, union ext2_any_inode *data)
{
	uint64_t end = (EXT2_I_SIZE(&data->small) + volume->fs->blocksize - 1) / volume->fs->blocksize;
	ext2_extent_handle_t handle;
	struct ext2fs_extent extent;

	if (!(data->small.i_flags & EXT4_EXTENTS_FL) ||
		ext2fs_extent_open2(volume->fs, (ext2_ino_t)inode, &data->small, &handle))
		return end;
	if (ext2fs_extent_get(handle, EXT2_EXTENT_ROOT, &extent) == 0 &&
		ext2fs_extent_get(handle, EXT2_EXTENT_LAST_LEAF, &extent) == 0)
		end = extent.e_lblk + extent.e_len;
	ext2fs_extent_free(handle);
	return end;
}

/* Blocks of a file that one operation may take or free: what it changes fits the cache, in whatever pieces they lie. */
static uint64_t most_blocks(const struct ext2_volume *volume)
{
	return 16ull * volume->fs->blocksize;
}

/* The library (1.47.0) refuses to free a range that ends with the device's last block: it sees one block more meanwhile. */
static int punch(struct ext2_volume *volume, uint64_t inode, union ext2_any_inode *data, uint64_t from, uint64_t to)
{
	const uint64_t count = ext2fs_blocks_count(volume->fs->super);
	errcode_t error;
	int failed;

	ext2_inode_changed(volume, inode, false);
	ext2fs_blocks_count_set(volume->fs->super, count + 1);
	error = ext2fs_punch(volume->fs, (ext2_ino_t)inode, &data->small, NULL, from, to - 1);
	ext2fs_blocks_count_set(volume->fs->super, count);
	failed = ext2_write_inode(volume, inode, data); /* the library does not always */
	return error ? ext2_errno(error) : failed;
}

int ext2_punch(struct ext2_volume *volume, uint64_t inode, union ext2_any_inode *data, uint64_t first)
{
	const uint64_t step = most_blocks(volume);
	int error;

	for (bool done = false; !done;) {
		const uint64_t end = ext2_is_orphan(volume, inode) ? end_of(volume, inode, data) : 0;
		const uint64_t from = end > first + step ? end - step : first;

		error = punch(volume, inode, data, from, 0); /* 0 - 1: to the end of all */
		if (error)
			return error;
		done = from == first;
		if (!done)
			volume->base.operations->commit(&volume->base);
	}
	return 0;
}

/*
 * Where the blocks end that are reached as the given one is: by the inode itself or by so many blocks of numbers. The library
 * (1.47.0) may free less than it shall of a range that goes beyond.
 */
static uint64_t end_of_reach(struct ext2_volume *volume, const union ext2_any_inode *data, uint64_t block)
{
	const uint64_t pointers = volume->fs->blocksize / 4;
	uint64_t end = EXT2_NDIR_BLOCKS, reach = pointers;

	if (data->small.i_flags & EXT4_EXTENTS_FL)
		return UINT64_MAX;
	for (; end <= block; reach *= pointers)
		end += reach;
	return end;
}

int ext2_punch_range(struct fk_volume *base, uint64_t inode, uint64_t offset, uint64_t length)
{
	struct ext2_volume *volume = ext2_volume(base);
	union ext2_any_inode data;
	uint64_t from, to, end;
	int error = read_regular(volume, inode, &data);

	if (error)
		return error;
	end = end_of(volume, inode, &data);
	from = (offset + volume->fs->blocksize - 1) / volume->fs->blocksize;
	if (end > (offset + length) / volume->fs->blocksize)
		end = (offset + length) / volume->fs->blocksize;
	ext2_touch(volume, &data, EXT2_TOUCH_MODIFY | EXT2_TOUCH_CHANGE);
	error = ext2_write_inode(volume, inode, &data);
	for (; from < end && !error; from = to) {
		to = end - from > most_blocks(volume) ? from + most_blocks(volume) : end;
		if (to > end_of_reach(volume, &data, from))
			to = end_of_reach(volume, &data, from);
		error = punch(volume, inode, &data, from, to);
		if (!error && to < end)
			volume->base.operations->commit(&volume->base);
	}
	return error;
}

/* Space that is not written yet; in several operations when it is much. */
static int reserve(struct ext2_volume *volume, uint64_t inode, union ext2_any_inode *data, uint64_t first, uint64_t last)
{
	int error = 0;

	for (uint64_t count; first < last && !error; first += count) {
		count = last - first < most_blocks(volume) ? last - first : most_blocks(volume);
		error = ext2_errno(ext2fs_fallocate(volume->fs, EXT2_FALLOCATE_FORCE_UNINIT, (ext2_ino_t)inode,
			&data->small, ~0ULL, first, count));
		if (!error && count < last - first) {
			error = ext2_write_inode(volume, inode, data);
			volume->base.operations->commit(&volume->base);
		}
	}
	return error;
}

/* How many blocks of [first, last) have no place yet. */
static int count_missing(struct ext2_volume *volume, uint64_t inode, union ext2_any_inode *data, uint64_t first,
	uint64_t last, uint64_t *missing)
{
	struct ext2_run run;

	*missing = 0;
	for (; first < last; first = run.end) {
		int error = ext2_map(volume, inode, data, first, last, &run);

		if (error)
			return error;
		*missing += run.kind == EXT2_HOLE ? run.end - run.first : 0;
	}
	return 0;
}

/*
 * Without extents nothing says "unwritten": the new blocks are set to zero, on the device itself. (The library's own
 * zeros go to its cache, which contents do not pass.)
 */
static int fill_with_zeros(
	struct ext2_volume *volume, uint64_t inode, union ext2_any_inode *data, uint64_t first, uint64_t last)
{
	ext2_filsys fs = volume->fs;
	uint64_t start = 0, count = 0;
	int error = 0, flags;

	for (; first < last && !error; first++) {
		blk64_t physical = 0;

		error = ext2_errno(
			ext2fs_bmap2(fs, (ext2_ino_t)inode, &data->small, NULL, 0, first, &flags, &physical));
		if (error || physical)
			continue;
		error = ext2_errno(
			ext2fs_bmap2(fs, (ext2_ino_t)inode, &data->small, NULL, BMAP_ALLOC, first, &flags, &physical));
		if (error)
			break;
		if (count && physical != start + count) {
			error = ext2_errno(io_channel_zeroout(fs->io, start, count));
			count = 0;
		}
		if (!count)
			start = physical;
		count++;
	}
	if (count) {
		int failed = ext2_errno(io_channel_zeroout(fs->io, start, count));

		error = error ? error : failed;
	}
	return error;
}

int ext2_allocate(struct fk_volume *base, uint64_t inode, uint64_t offset, uint64_t length, uint64_t size)
{
	struct ext2_volume *volume = ext2_volume(base);
	ext2_filsys fs = volume->fs;
	union ext2_any_inode data;
	uint64_t limit, first, last, missing, needed, old_size, kept;
	int error = read_regular(volume, inode, &data);

	if (error)
		return error;
	limit = ext2_size_limit(volume, &data);
	if (offset > limit || length > limit - offset || size > limit)
		return EFBIG;
	old_size = EXT2_I_SIZE(&data.small);
	first = offset / fs->blocksize;
	last = (offset + length + fs->blocksize - 1) / fs->blocksize;
	/* Without extents no block may lie beyond the size: the caller is served up to there, the rest as it comes. */
	kept = ((size > old_size ? size : old_size) + fs->blocksize - 1) / fs->blocksize;
	if (!(data.small.i_flags & EXT4_EXTENTS_FL) && last > kept)
		last = kept;
	if (last - first > ext2fs_blocks_count(fs->super))
		return ENOSPC;
	error = count_missing(volume, inode, &data, first, last, &missing);
	if (error)
		return error;
	needed = missing ? missing + missing / 128 + volume->kept_reserve : 0;
	if (needed > ext2fs_free_blocks_count(fs->super))
		return ENOSPC;
	if (volume->transaction && needed + ext2_space_waiting(fs) > ext2fs_free_blocks_count(fs->super))
		error = ext2_commit(volume);
	if (error)
		return error;
	if (missing && data.small.i_flags & EXT4_EXTENTS_FL)
		error = reserve(volume, inode, &data, first, last);
	else if (missing)
		error = fill_with_zeros(volume, inode, &data, first, last);
	if (!error && missing)
		error = ext2_write_inode(volume, inode, &data); /* i_blocks */
	if (error) {
		/* What was inside the size and got blocks keeps them; they read as zeros, as the hole did. */
		ext2_punch(volume, inode, &data, (old_size + fs->blocksize - 1) / fs->blocksize);
		return error;
	}
	if (size > old_size) {
		error = ext2_errno(ext2fs_inode_size_set(fs, &data.small, (ext2_off64_t)size));
		if (!error)
			error = ext2_write_inode(volume, inode, &data);
	}
	return error;
}

int ext2_set_size(struct fk_volume *base, uint64_t inode, uint64_t size)
{
	struct ext2_volume *volume = ext2_volume(base);
	union ext2_any_inode data;
	int error = read_regular(volume, inode, &data);

	if (error)
		return error;
	if (size > ext2_size_limit(volume, &data))
		return EFBIG;
	if (size < EXT2_I_SIZE(&data.small))
		error = ext2_orphan_add(volume, inode, &data);
	if (error)
		return error;
	error = ext2_errno(ext2fs_inode_size_set(volume->fs, &data.small, (ext2_off64_t)size));
	if (error)
		return error;
	ext2_touch(volume, &data, EXT2_TOUCH_MODIFY | EXT2_TOUCH_CHANGE);
	return ext2_write_inode(volume, inode, &data);
}

/* Zeros from the size to the end of its block, so that growing again shows none of what was there. */
static int clear_tail(struct ext2_volume *volume, uint64_t inode, union ext2_any_inode *data, uint64_t size)
{
	ext2_filsys fs = volume->fs;
	uint64_t used = size % fs->blocksize;
	struct ext2_run run;
	char *contents;
	int error;

	if (!used)
		return 0;
	error = ext2_map(volume, inode, data, size / fs->blocksize, size / fs->blocksize + 1, &run);
	if (error || run.kind != EXT2_WRITTEN)
		return error;
	contents = malloc(fs->blocksize);
	if (!contents)
		return ENOMEM;
	error = volume->device->read(volume->device, run.device * fs->blocksize, fs->blocksize, contents);
	if (!error) {
		memset(contents + used, 0, fs->blocksize - used);
		error = volume->device->write(volume->device, run.device * fs->blocksize, fs->blocksize, contents);
	}
	free(contents);
	return error;
}

int ext2_trim(struct fk_volume *base, uint64_t inode, int shrunk)
{
	struct ext2_volume *volume = ext2_volume(base);
	uint64_t block_size = volume->fs->blocksize, size;
	union ext2_any_inode data;
	int error = read_regular(volume, inode, &data);

	if (error)
		return error;
	size = EXT2_I_SIZE(&data.small);
	if (ext2fs_inode_i_blocks(volume->fs, &data.small))
		error = ext2_punch(volume, inode, &data, (size + block_size - 1) / block_size);
	if (!error && shrunk)
		error = clear_tail(volume, inode, &data, size);
	if (error || data.small.i_links_count == 0 || !ext2_is_orphan(volume, inode))
		return error;
	error = ext2_orphan_remove(volume, inode, &data);
	return error ? error : ext2_write_inode(volume, inode, &data);
}
