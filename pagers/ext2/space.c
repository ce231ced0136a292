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
	int error = ext2_check_writable(volume);

	if (!error)
		error = ext2_read_inode(volume, inode, data);
	if (!error && !LINUX_S_ISREG(data->small.i_mode))
		error = LINUX_S_ISDIR(data->small.i_mode) ? EISDIR : EINVAL;
	return error;
}

int ext2_punch(struct ext2_volume *volume, uint64_t inode, union ext2_any_inode *data, uint64_t first)
{
	int error = ext2_errno(ext2fs_punch(volume->fs, (ext2_ino_t)inode, &data->small, NULL, first, ~0ULL));
	int failed = ext2_write_inode(volume, inode, data); /* the library does not always */

	return error ? error : failed;
}

/* How many blocks of [first, last) have no place yet. */
static int count_missing(struct ext2_volume *volume, uint64_t inode, union ext2_any_inode *data, uint64_t first,
	uint64_t last, uint64_t *missing)
{
	*missing = 0;
	for (; first < last; first++) {
		blk64_t physical = 0;
		int flags, error;

		error = ext2_errno(
			ext2fs_bmap2(volume->fs, (ext2_ino_t)inode, &data->small, NULL, 0, first, &flags, &physical));
		if (error)
			return error;
		*missing += !physical;
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
	uint64_t limit, first, last, missing, old_size, kept;
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
	if (missing && missing + missing / 128 + volume->kept_reserve > ext2fs_free_blocks_count(fs->super))
		return ENOSPC;
	if (missing && data.small.i_flags & EXT4_EXTENTS_FL)
		error = ext2_errno(ext2fs_fallocate(
			fs, EXT2_FALLOCATE_FORCE_UNINIT, (ext2_ino_t)inode, &data.small, ~0ULL, first, last - first));
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
	blk64_t physical = 0;
	int flags = 0, error;
	char *contents;

	if (!used)
		return 0;
	error = ext2_errno(
		ext2fs_bmap2(fs, (ext2_ino_t)inode, &data->small, NULL, 0, size / fs->blocksize, &flags, &physical));
	if (error || !physical || flags & BMAP_RET_UNINIT)
		return error;
	if (!ext2_is_block(volume, physical))
		return EIO;
	contents = malloc(fs->blocksize);
	if (!contents)
		return ENOMEM;
	error = volume->device->read(volume->device, physical * fs->blocksize, fs->blocksize, contents);
	if (!error) {
		memset(contents + used, 0, fs->blocksize - used);
		error = volume->device->write(volume->device, physical * fs->blocksize, fs->blocksize, contents);
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
	return error || !shrunk ? error : clear_tail(volume, inode, &data, size);
}
