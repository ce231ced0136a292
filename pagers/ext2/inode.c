/* Inodes: attributes and times, making and freeing them. */
#include "pagers/ext2/ext2.h"

#include <string.h>

#define NANOSECONDS 1000000000

/* Seconds in 32 bits, and in the larger inodes two bits more and the nanoseconds (ext4 disk layout, "Inode
 * Timestamps"). */
static int64_t decode_time(uint32_t seconds, uint32_t extra)
{
	int64_t whole = (int64_t)(int32_t)seconds + ((int64_t)(extra & 3) << 32);

	/* The disk's times end in 2446, ours in 2262. */
	if (whole >= INT64_MAX / NANOSECONDS)
		return INT64_MAX;
	return whole * NANOSECONDS + (int64_t)(extra >> 2) % NANOSECONDS;
}

static void encode_time(int64_t time, uint32_t *seconds, uint32_t *extra)
{
	int64_t s = time / NANOSECONDS, ns = time % NANOSECONDS;

	if (ns < 0) {
		s--;
		ns += NANOSECONDS;
	}
	*seconds = (uint32_t)s;
	*extra = (uint32_t)((s - (int32_t)s) >> 32 & 3) | (uint32_t)ns << 2;
}

/* Does the inode on disk have the field? */
#define HAS_EXTRA(volume, data, field)                                                                                 \
	(EXT2_INODE_SIZE((volume)->fs->super) > EXT2_GOOD_OLD_INODE_SIZE &&                                            \
		(size_t)EXT2_GOOD_OLD_INODE_SIZE + (data)->large.i_extra_isize >=                                      \
			offsetof(struct ext2_inode_large, field) + sizeof((data)->large.field))

int ext2_read_inode(struct ext2_volume *volume, uint64_t inode, union ext2_any_inode *data)
{
	memset(data, 0, sizeof(*data));
	if (inode == 0 || inode > volume->fs->super->s_inodes_count)
		return EIO;
	return ext2_errno(ext2fs_read_inode_full(volume->fs, (ext2_ino_t)inode, &data->small, sizeof(*data)));
}

int ext2_write_inode(struct ext2_volume *volume, uint64_t inode, union ext2_any_inode *data)
{
	ext2_inode_changed(volume, inode, false);
	return ext2_errno(ext2fs_write_inode_full(volume->fs, (ext2_ino_t)inode, &data->small, sizeof(*data)));
}

int ext2_read_directory_inode(struct ext2_volume *volume, uint64_t inode, union ext2_any_inode *data)
{
	int error = ext2_read_inode(volume, inode, data);

	return error ? error : LINUX_S_ISDIR(data->small.i_mode) ? 0 : ENOTDIR;
}

static void set_times(struct ext2_volume *volume, union ext2_any_inode *data, unsigned which, int64_t time)
{
	uint32_t seconds, extra;

	encode_time(time, &seconds, &extra);
	if (which & EXT2_TOUCH_ACCESS) {
		data->small.i_atime = seconds;
		if (HAS_EXTRA(volume, data, i_atime_extra))
			data->large.i_atime_extra = extra;
	}
	if (which & EXT2_TOUCH_MODIFY) {
		data->small.i_mtime = seconds;
		if (HAS_EXTRA(volume, data, i_mtime_extra))
			data->large.i_mtime_extra = extra;
	}
	if (which & EXT2_TOUCH_CHANGE) {
		data->small.i_ctime = seconds;
		if (HAS_EXTRA(volume, data, i_ctime_extra))
			data->large.i_ctime_extra = extra;
	}
}

void ext2_touch(struct ext2_volume *volume, union ext2_any_inode *data, unsigned which)
{
	set_times(volume, data, which, fk_now());
}

/* A special file's device: the old form in the first block pointer, else the new one in the second. */
static uint64_t decode_device(const struct ext2_inode *small)
{
	if (!LINUX_S_ISCHR(small->i_mode) && !LINUX_S_ISBLK(small->i_mode))
		return 0;
	return small->i_block[0] ? small->i_block[0] & 0xffff : small->i_block[1];
}

static void encode_device(struct ext2_inode *small, uint64_t device)
{
	if (device < 0x10000)
		small->i_block[0] = (uint32_t)device;
	else
		small->i_block[1] = (uint32_t)device;
}

int ext2_get_attributes(struct fk_volume *base, uint64_t inode, struct file_attributes *attributes)
{
	struct ext2_volume *volume = ext2_volume(base);
	union ext2_any_inode data;
	int error = ext2_read_inode(volume, inode, &data);
	struct ext2_inode *small = &data.small;

	if (error)
		return error;
	memset(attributes, 0, sizeof(*attributes));
	attributes->inode = inode;
	attributes->mode = small->i_mode;
	attributes->links = small->i_links_count;
	attributes->uid = inode_uid(*small);
	attributes->gid = inode_gid(*small);
	attributes->device = decode_device(small);
	attributes->size = EXT2_I_SIZE(small);
	attributes->blocks = ext2fs_get_stat_i_blocks(volume->fs, small);
	attributes->block_size = volume->fs->blocksize;
	attributes->access_time =
		decode_time(small->i_atime, HAS_EXTRA(volume, &data, i_atime_extra) ? data.large.i_atime_extra : 0);
	attributes->modify_time =
		decode_time(small->i_mtime, HAS_EXTRA(volume, &data, i_mtime_extra) ? data.large.i_mtime_extra : 0);
	attributes->change_time =
		decode_time(small->i_ctime, HAS_EXTRA(volume, &data, i_ctime_extra) ? data.large.i_ctime_extra : 0);
	attributes->generation = small->i_generation;
	return 0;
}

static void set_owner(struct ext2_inode *small, uint64_t uid, uint64_t gid)
{
	small->i_uid = (uint16_t)uid;
	ext2fs_set_i_uid_high(*small, (uint16_t)(uid >> 16));
	small->i_gid = (uint16_t)gid;
	ext2fs_set_i_gid_high(*small, (uint16_t)(gid >> 16));
}

int ext2_set_attributes(struct fk_volume *base, uint64_t inode, unsigned which, const struct file_attributes *values)
{
	struct ext2_volume *volume = ext2_volume(base);
	union ext2_any_inode data;
	int error = ext2_begin_change(volume);

	if (!error)
		error = ext2_read_inode(volume, inode, &data);
	if (error)
		return error;
	if (which & FILE_SET_MODE)
		data.small.i_mode = (uint16_t)((data.small.i_mode & LINUX_S_IFMT) | (values->mode & 07777));
	set_owner(&data.small, which & FILE_SET_UID ? values->uid : inode_uid(data.small),
		which & FILE_SET_GID ? values->gid : inode_gid(data.small));
	if (which & FILE_SET_ACCESS_TIME)
		set_times(volume, &data, EXT2_TOUCH_ACCESS, values->access_time);
	if (which & FILE_SET_MODIFY_TIME)
		set_times(volume, &data, EXT2_TOUCH_MODIFY, values->modify_time);
	ext2_touch(volume, &data, EXT2_TOUCH_CHANGE);
	if (which & ~(unsigned)(FILE_SET_ACCESS_TIME | FILE_SET_MODIFY_TIME))
		return ext2_write_inode(volume, inode, &data);
	ext2_inode_changed(volume, inode, true);
	return ext2_errno(ext2fs_write_inode_full(volume->fs, (ext2_ino_t)inode, &data.small, sizeof(data)));
}

int ext2_new_inode(struct ext2_volume *volume, uint64_t directory, const struct file_attributes *values,
	uint64_t *inode, union ext2_any_inode *data)
{
	ext2_filsys fs = volume->fs;
	int is_directory = LINUX_S_ISDIR(values->mode);
	ext2_ino_t number;
	errcode_t code = ext2fs_new_inode(fs, (ext2_ino_t)directory, (int)values->mode, NULL, &number);
	int error;

	if (code)
		return ext2_errno(code);
	memset(data, 0, sizeof(*data));
	data->small.i_mode = (uint16_t)values->mode;
	data->small.i_links_count = 1;
	data->small.i_generation = (uint32_t)fk_now() ^ number * 2654435761u;
	set_owner(&data->small, values->uid, values->gid);
	if (ext2fs_has_feature_extents(fs->super) && (LINUX_S_ISREG(values->mode) || is_directory)) {
		ext2_extent_handle_t handle;

		data->small.i_flags |= EXT4_EXTENTS_FL;
		if (ext2fs_extent_open2(fs, number, &data->small, &handle) ==
			0) /* writes the empty root into the inode */
			ext2fs_extent_free(handle);
	}
	if (LINUX_S_ISCHR(values->mode) || LINUX_S_ISBLK(values->mode))
		encode_device(&data->small, values->device);
	error = ext2_errno(ext2fs_write_new_inode(fs, number, &data->small));
	if (!error)
		error = ext2_read_inode(volume, number, data);
	if (error)
		return error;
	ext2_inode_alloc_stats(fs, number, 1, is_directory);
	ext2_touch(volume, data, EXT2_TOUCH_ACCESS | EXT2_TOUCH_MODIFY | EXT2_TOUCH_CHANGE);
	if (HAS_EXTRA(volume, data, i_crtime_extra)) {
		data->large.i_crtime = data->small.i_mtime;
		data->large.i_crtime_extra = data->large.i_mtime_extra;
	}
	error = ext2_write_inode(volume, number, data);
	if (error)
		ext2_inode_alloc_stats(fs, number, -1, is_directory);
	*inode = number;
	return error;
}

void ext2_free_inode(struct ext2_volume *volume, uint64_t inode)
{
	union ext2_any_inode data;

	if (inode < EXT2_FIRST_INODE(volume->fs->super) || ext2_read_inode(volume, inode, &data))
		return;
	/* What cannot be freed stays this inode's, and on the list of those to be freed. */
	if (ext2fs_inode_has_valid_blocks2(volume->fs, &data.small) && ext2_punch(volume, inode, &data, 0))
		return;
	ext2fs_free_ext_attr(volume->fs, (ext2_ino_t)inode, &data.large);
	if (ext2_orphan_remove(volume, inode, &data))
		return;
	data.small.i_links_count = 0;
	data.small.i_dtime = (uint32_t)(fk_now() / NANOSECONDS);
	ext2fs_inode_size_set(volume->fs, &data.small, 0);
	if (ext2_write_inode(volume, inode, &data) == 0)
		ext2_inode_alloc_stats(volume->fs, inode, -1, LINUX_S_ISDIR(data.small.i_mode));
}

void ext2_forget(struct fk_volume *base, uint64_t inode)
{
	struct ext2_volume *volume = ext2_volume(base);
	union ext2_any_inode data;

	if (ext2_check_writable(volume) || ext2_read_inode(volume, inode, &data))
		return;
	if (data.small.i_links_count == 0 && data.small.i_mode != 0 &&
		(data.small.i_dtime == 0 || ext2_is_orphan(volume, inode)))
		ext2_free_inode(volume, inode);
	else if (LINUX_S_ISREG(data.small.i_mode))
		ext2_trim(base, inode, 0);
}
