/* Where a file has contents, and where it has none. */
#include "pagers/ext2/ext2.h"

/* What is asked for, and how far it is known that it is not. */
struct search {
	uint64_t at;
	int data;
};

/* There are written blocks in [start, end), in bytes, and none between the search's place and start. Is it found? */
static bool pass(struct search *search, uint64_t start, uint64_t end)
{
	if (end <= search->at)
		return false;
	if (search->data) {
		if (start > search->at)
			search->at = start;
		return true;
	}
	if (start > search->at)
		return true;
	search->at = end;
	return false;
}

static int search_extents(struct ext2_volume *volume, uint64_t inode, union ext2_any_inode *data, struct search *search, bool *found)
{
	const uint64_t block_size = volume->fs->blocksize;
	ext2_extent_handle_t handle;
	struct ext2fs_extent extent;
	int how = EXT2_EXTENT_ROOT;
	errcode_t code = ext2fs_extent_open2(volume->fs, (ext2_ino_t)inode, &data->small, &handle);

	if (code)
		return ext2_errno(code);
	while (!*found && (code = ext2fs_extent_get(handle, how, &extent)) == 0) {
		how = EXT2_EXTENT_NEXT_LEAF;
		if (extent.e_flags & EXT2_EXTENT_FLAGS_LEAF && !(extent.e_flags & EXT2_EXTENT_FLAGS_UNINIT))
			*found = pass(search, extent.e_lblk * block_size, (extent.e_lblk + extent.e_len) * block_size);
	}
	ext2fs_extent_free(handle);
	return code == EXT2_ET_EXTENT_NO_NEXT || code == EXT2_ET_NO_CURRENT_NODE ? 0 : ext2_errno(code);
}

static int search_blocks(struct ext2_volume *volume, uint64_t inode, union ext2_any_inode *data, uint64_t size,
	struct search *search, bool *found)
{
	const uint64_t block_size = volume->fs->blocksize;
	int error = 0, flags;

	for (uint64_t block = search->at / block_size; block * block_size < size && !*found && !error; block++) {
		blk64_t physical = 0;

		error = ext2_errno(ext2fs_bmap2(
			volume->fs, (ext2_ino_t)inode, &data->small, NULL, 0, block, &flags, &physical));
		if (!error && physical)
			*found = pass(search, block * block_size, (block + 1) * block_size);
		else if (!search->data)
			break;
	}
	return error;
}

int ext2_seek(struct fk_volume *base, uint64_t inode, uint64_t offset, int what, uint64_t *result)
{
	struct ext2_volume *volume = ext2_volume(base);
	struct search search = {offset, what};
	union ext2_any_inode data;
	bool found = false;
	uint64_t size;
	int error = ext2_read_inode(volume, inode, &data);

	if (error)
		return error;
	size = EXT2_I_SIZE(&data.small);
	if (!LINUX_S_ISREG(data.small.i_mode) || offset >= size)
		return ENXIO;
	if (data.small.i_flags & EXT4_EXTENTS_FL)
		error = search_extents(volume, inode, &data, &search, &found);
	else
		error = search_blocks(volume, inode, &data, size, &search, &found);
	if (!error && what && (!found || search.at >= size))
		error = ENXIO;
	*result = search.at < size ? search.at : size; /* the end is a hole */
	return error;
}
