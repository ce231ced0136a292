/* Extended attributes: in the inode, behind its fields, and in a block of their own. */
#include "pagers/ext2/ext2.h"

#include <string.h>
#include <sys/xattr.h>

static int open_attributes(struct ext2_volume *volume, uint64_t inode, struct ext2_xattr_handle **handle)
{
	union ext2_any_inode data;
	int error = ext2_read_inode(volume, inode, &data);

	if (error)
		return error;
	if (!ext2fs_has_feature_xattr(volume->fs->super))
		return EOPNOTSUPP;
	error = ext2_errno(ext2fs_xattrs_open(volume->fs, (ext2_ino_t)inode, handle));
	if (error)
		return error;
	error = ext2_errno(ext2fs_xattrs_read(*handle));
	if (error)
		ext2fs_xattrs_close(handle);
	return error;
}

int ext2_get_extended(struct fk_volume *base, uint64_t inode, const char *name, char *value, size_t *size)
{
	struct ext2_xattr_handle *handle;
	void *found = NULL;
	size_t length = 0;
	int error = open_attributes(ext2_volume(base), inode, &handle);

	if (error)
		return error == EOPNOTSUPP ? ENODATA : error;
	error = ext2_errno(ext2fs_xattr_get(handle, name, &found, &length));
	if (!error && length > *size)
		error = ERANGE;
	if (!error) {
		if (length)
			memcpy(value, found, length);
		*size = length;
	}
	ext2fs_free_mem(&found);
	ext2fs_xattrs_close(&handle);
	return error;
}

static int has(struct ext2_xattr_handle *handle, const char *name, int *there)
{
	void *found = NULL;
	size_t length;
	int error = ext2_errno(ext2fs_xattr_get(handle, name, &found, &length));

	ext2fs_free_mem(&found);
	*there = error == 0;
	return error == ENODATA ? 0 : error;
}

int ext2_set_extended(
	struct fk_volume *base, uint64_t inode, const char *name, const char *value, size_t size, unsigned flags)
{
	struct ext2_volume *volume = ext2_volume(base);
	struct ext2_xattr_handle *handle;
	union ext2_any_inode data;
	int there, error = ext2_begin_change(volume);

	if (!error)
		error = open_attributes(volume, inode, &handle);
	if (error)
		return error;
	error = has(handle, name, &there);
	if (!error && there ? flags & XATTR_CREATE : !value || flags & XATTR_REPLACE)
		error = there ? EEXIST : ENODATA;
	/* The library looks whether it fits before it changes anything. */
	if (!error)
		error = ext2_errno(
			value ? ext2fs_xattr_set(handle, name, value, size) : ext2fs_xattr_remove(handle, name));
	ext2fs_xattrs_close(&handle);
	if (!error)
		error = ext2_read_inode(volume, inode, &data);
	if (error)
		return error;
	ext2_touch(volume, &data, EXT2_TOUCH_CHANGE);
	return ext2_write_inode(volume, inode, &data);
}

struct list {
	char *names;
	size_t size, used;
	int error;
};

static int list_name(char *name, char *value, size_t length, void *context)
{
	struct list *list = context;
	const size_t size = strlen(name) + 1;

	(void)value;
	(void)length;
	if (size > list->size - list->used) {
		list->error = ERANGE;
		return XATTR_ABORT;
	}
	memcpy(list->names + list->used, name, size);
	list->used += size;
	return 0;
}

int ext2_list_extended(struct fk_volume *base, uint64_t inode, char *names, size_t *size)
{
	struct list list = {names, *size, 0, 0};
	struct ext2_xattr_handle *handle;
	int error = open_attributes(ext2_volume(base), inode, &handle);

	if (!error) {
		error = ext2_errno(ext2fs_xattrs_iterate(handle, list_name, &list));
		ext2fs_xattrs_close(&handle);
	}
	*size = list.used;
	return error == EOPNOTSUPP ? 0 : error ? error : list.error;
}
