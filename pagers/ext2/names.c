/* Making and removing names: create, symlink, link, unlink. */
#include "pagers/ext2/ext2.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

/* May the name be added to the directory? An empty one may, where none is to be. Reads the directory's inode. */
static int check_new_name(struct ext2_volume *volume, uint64_t directory, const char *name, union ext2_any_inode *data)
{
	uint64_t found;
	int error = ext2_begin_change(volume);

	if (!error && name[0])
		error = fk_check_name(name);
	if (!error)
		error = ext2_read_directory_inode(volume, directory, data);
	if (error)
		return error;
	if (data->small.i_links_count == 0)
		return ENOENT; /* removed */
	if (!name[0])
		return 0;
	error = ext2_find_name(volume, directory, name, &found);
	return error == ENOENT ? 0 : error ? error : EEXIST;
}

int ext2_directory_changed(struct ext2_volume *volume, uint64_t directory, int links)
{
	union ext2_any_inode data;
	int error = ext2_read_inode(volume, directory, &data);

	if (error)
		return error;
	if (links)
		ext2_count_links(volume, &data, links);
	ext2_touch(volume, &data, EXT2_TOUCH_MODIFY | EXT2_TOUCH_CHANGE);
	return ext2_write_inode(volume, directory, &data);
}

/* A first block for an inode of which nothing else is left to do but its size. */
static int add_first_block(
	struct ext2_volume *volume, uint64_t inode, union ext2_any_inode *data, uint64_t size, blk64_t *block)
{
	int flags, error;

	error = ext2_errno(
		ext2fs_bmap2(volume->fs, (ext2_ino_t)inode, &data->small, NULL, BMAP_ALLOC, 0, &flags, block));
	if (!error)
		error = ext2_errno(ext2fs_inode_size_set(volume->fs, &data->small, (ext2_off64_t)size));
	return error ? error : ext2_write_inode(volume, inode, data);
}

static int fill_directory(struct ext2_volume *volume, uint64_t directory, uint64_t inode, union ext2_any_inode *data)
{
	ext2_filsys fs = volume->fs;
	blk64_t block;
	char *contents;
	int error;

	data->small.i_links_count = 2;
	error = add_first_block(volume, inode, data, fs->blocksize, &block);
	if (error)
		return error;
	error = ext2_errno(ext2fs_new_dir_block(fs, (ext2_ino_t)inode, (ext2_ino_t)directory, &contents));
	if (error)
		return error;
	error = ext2_errno(ext2fs_write_dir_block4(fs, block, contents, 0, (ext2_ino_t)inode));
	ext2fs_free_mem(&contents);
	return error;
}

/* Takes away the last link. */
static int make_orphan(struct ext2_volume *volume, uint64_t inode, union ext2_any_inode *data)
{
	int error;

	data->small.i_links_count = 0;
	error = ext2_orphan_add(volume, inode, data);
	return error ? error : ext2_write_inode(volume, inode, data);
}

int ext2_create(struct fk_volume *base, uint64_t directory, const char *name, const struct file_attributes *values,
	uint64_t *inode)
{
	struct ext2_volume *volume = ext2_volume(base);
	int is_directory = LINUX_S_ISDIR(values->mode);
	union ext2_any_inode parent, data;
	int error = check_new_name(volume, directory, name, &parent);

	if (error)
		return error;
	if (LINUX_S_ISLNK(values->mode) || (values->mode & LINUX_S_IFMT) == 0)
		return EINVAL;
	if (!name[0] && !LINUX_S_ISREG(values->mode))
		return ENOENT;
	if (is_directory && parent.small.i_links_count >= EXT2_LINK_MAX &&
		!ext2fs_has_feature_dir_nlink(volume->fs->super))
		return EMLINK;
	error = ext2_new_inode(volume, directory, values, inode, &data);
	if (error)
		return error;
	if (is_directory)
		error = fill_directory(volume, directory, *inode, &data);
	if (!error)
		error = name[0] ? ext2_add_entry(volume, directory, name, *inode, (unsigned)values->mode)
				: make_orphan(volume, *inode, &data);
	if (error) {
		ext2_free_inode(volume, *inode);
		return error;
	}
	return name[0] ? ext2_directory_changed(volume, directory, is_directory) : 0;
}

/* A target that does not fit the inode goes into a block of its own. */
static int fill_symlink(struct ext2_volume *volume, uint64_t inode, union ext2_any_inode *data, const char *target)
{
	ext2_filsys fs = volume->fs;
	size_t length = strlen(target);
	blk64_t block;
	char *contents;
	int error;

	if (length < sizeof(data->small.i_block)) {
		memset(data->small.i_block, 0, sizeof(data->small.i_block));
		memcpy(data->small.i_block, target, length);
		data->small.i_flags &= ~(uint32_t)EXT4_EXTENTS_FL;
		data->small.i_size = (uint32_t)length;
		return ext2_write_inode(volume, inode, data);
	}
	if (length >= fs->blocksize)
		return ENAMETOOLONG;
	if (ext2fs_has_feature_extents(fs->super)) {
		ext2_extent_handle_t handle;

		data->small.i_flags |= EXT4_EXTENTS_FL;
		error = ext2_errno(ext2fs_extent_open2(fs, (ext2_ino_t)inode, &data->small, &handle));
		if (error)
			return error;
		ext2fs_extent_free(handle);
	}
	error = add_first_block(volume, inode, data, length, &block);
	if (error)
		return error;
	contents = calloc(1, fs->blocksize);
	if (!contents)
		return ENOMEM;
	memcpy(contents, target, length);
	error = ext2_errno(io_channel_write_blk64(fs->io, block, 1, contents));
	free(contents);
	return error;
}

int ext2_symlink(struct fk_volume *base, uint64_t directory, const char *name, const char *target, uint64_t uid,
	uint64_t gid, uint64_t *inode)
{
	struct ext2_volume *volume = ext2_volume(base);
	struct file_attributes values = {.mode = LINUX_S_IFLNK | 0777, .uid = uid, .gid = gid};
	union ext2_any_inode parent, data;
	int error = target[0] && name[0] ? check_new_name(volume, directory, name, &parent) : ENOENT;

	if (!error)
		error = ext2_new_inode(volume, directory, &values, inode, &data);
	if (error)
		return error;
	error = fill_symlink(volume, *inode, &data, target);
	if (!error)
		error = ext2_add_entry(volume, directory, name, *inode, LINUX_S_IFLNK);
	if (error) {
		ext2_free_inode(volume, *inode);
		return error;
	}
	return ext2_directory_changed(volume, directory, 0);
}

int ext2_read_link(struct fk_volume *base, uint64_t inode, char *target, size_t size)
{
	struct ext2_volume *volume = ext2_volume(base);
	ext2_filsys fs = volume->fs;
	union ext2_any_inode data;
	uint64_t length;
	blk64_t block;
	char *contents;
	int error = ext2_read_inode(volume, inode, &data), flags;

	if (error)
		return error;
	length = EXT2_I_SIZE(&data.small);
	if (!LINUX_S_ISLNK(data.small.i_mode))
		return EINVAL;
	if (length == 0 || length >= size || length >= fs->blocksize)
		return EIO;
	if (ext2fs_is_fast_symlink(&data.small)) {
		if (length >= sizeof(data.small.i_block))
			return EIO;
		memcpy(target, data.small.i_block, length);
		target[length] = 0;
		return 0;
	}
	error = ext2_errno(ext2fs_bmap2(fs, (ext2_ino_t)inode, &data.small, NULL, 0, 0, &flags, &block));
	if (error || !ext2_is_block(volume, block))
		return EIO;
	contents = malloc(fs->blocksize);
	if (!contents)
		return ENOMEM;
	error = ext2_errno(io_channel_read_blk64(fs->io, block, 1, contents));
	if (!error) {
		memcpy(target, contents, length);
		target[length] = 0;
	}
	free(contents);
	return error;
}

int ext2_link(struct fk_volume *base, uint64_t inode, uint64_t directory, const char *name)
{
	struct ext2_volume *volume = ext2_volume(base);
	union ext2_any_inode parent, data;
	int error = name[0] ? check_new_name(volume, directory, name, &parent) : ENOENT;

	if (!error)
		error = ext2_read_inode(volume, inode, &data);
	if (error)
		return error;
	if (LINUX_S_ISDIR(data.small.i_mode))
		return EPERM;
	if (data.small.i_links_count >= EXT2_LINK_MAX)
		return EMLINK;
	error = ext2_add_entry(volume, directory, name, inode, data.small.i_mode);
	if (error)
		return error;
	if (data.small.i_links_count++ == 0)
		error = ext2_orphan_remove(volume, inode, &data);
	if (error)
		return error;
	ext2_touch(volume, &data, EXT2_TOUCH_CHANGE);
	error = ext2_write_inode(volume, inode, &data);
	return error ? error : ext2_directory_changed(volume, directory, 0);
}

int ext2_unlink(struct fk_volume *base, uint64_t directory, const char *name, int is_directory, uint64_t *victim)
{
	struct ext2_volume *volume = ext2_volume(base);
	union ext2_any_inode data;
	uint64_t inode;
	int error = ext2_begin_change(volume);

	*victim = 0;
	if (!error && is_directory && strcmp(name, ".") == 0)
		error = EINVAL;
	if (!error && is_directory && strcmp(name, "..") == 0)
		error = ENOTEMPTY;
	if (!error)
		error = ext2_look_up(base, directory, name, &inode);
	if (!error)
		error = ext2_read_inode(volume, inode, &data);
	if (error)
		return error;
	if (is_directory && !LINUX_S_ISDIR(data.small.i_mode))
		return ENOTDIR;
	if (!is_directory && LINUX_S_ISDIR(data.small.i_mode))
		return EISDIR;
	if (is_directory)
		error = inode == EXT2_ROOT_INO ? EBUSY : ext2_check_empty(volume, inode);
	if (!error)
		error = ext2_remove_entry(volume, directory, name);
	if (error)
		return error;
	data.small.i_links_count = is_directory ? 0 : (uint16_t)(data.small.i_links_count - 1);
	ext2_touch(volume, &data, EXT2_TOUCH_CHANGE);
	if (data.small.i_links_count == 0)
		error = ext2_orphan_add(volume, inode, &data);
	if (!error)
		error = ext2_write_inode(volume, inode, &data);
	if (!error)
		*victim = inode;
	return error ? error : ext2_directory_changed(volume, directory, is_directory ? -1 : 0);
}
