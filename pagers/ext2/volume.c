/* Opening and closing a file system, its figures, and errno for the library's codes. */
#include "pagers/ext2/ext2.h"

#include <et/com_err.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { EXT2_MAGIC = 0xef53, INODE_CACHE = 32 };

int ext2_errno(errcode_t code)
{
	switch (code) {
	case 0:
		return 0;
	case EXT2_ET_BLOCK_ALLOC_FAIL:
	case EXT2_ET_INODE_ALLOC_FAIL:
	case EXT2_ET_DIR_NO_SPACE:
		return ENOSPC;
	case EXT2_ET_FILE_NOT_FOUND:
		return ENOENT;
	case EXT2_ET_NO_MEMORY:
		return ENOMEM;
	case EXT2_ET_NO_DIRECTORY:
		return ENOTDIR;
	case EXT2_ET_DIR_EXISTS:
	case EXT2_ET_FILE_EXISTS:
		return EEXIST;
	case EXT2_ET_RO_FILSYS:
		return EROFS;
	case EXT2_ET_FILE_TOO_BIG:
		return EFBIG;
	case ENOSPC:
	case ENOMEM:
	case EROFS:
		return (int)code;
	default:
		return EIO;
	}
}

int ext2_check_writable(struct ext2_volume *volume)
{
	return volume->read_only || volume->stopped || volume->failed ? EROFS : 0;
}

static int complain(char *message, size_t size, int error, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

static int complain(char *message, size_t size, int error, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(message, size, format, arguments);
	va_end(arguments);
	return error;
}

/* What the library opens but the pager cannot serve. */
static int check_features(ext2_filsys fs, char *message, size_t size)
{
	static const struct {
		unsigned bit;
		const char *name;
	} refused[] = {
		{EXT3_FEATURE_INCOMPAT_JOURNAL_DEV, "journal_dev (it is a journal, not a file system)"},
		{EXT4_FEATURE_INCOMPAT_INLINE_DATA, "inline_data"},
		{EXT4_FEATURE_INCOMPAT_ENCRYPT, "encrypt"},
		{EXT4_FEATURE_INCOMPAT_CASEFOLD, "casefold"},
		{EXT4_FEATURE_INCOMPAT_MMP, "mmp"},
	};
	unsigned i;

	for (i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
		if (fs->super->s_feature_incompat & refused[i].bit)
			return complain(message, size, EINVAL,
				"the file system has the feature %s, which is not served", refused[i].name);
	return 0;
}

/* A superblock that would lead the library astray. */
static int check_geometry(struct ext2_device *device, ext2_filsys fs, char *message, size_t size)
{
	struct ext2_super_block *super = fs->super;
	uint64_t blocks = ext2fs_blocks_count(super);

	if (blocks > device->size / fs->blocksize)
		return complain(message, size, EIO,
			"the file system says it has %llu blocks of %u bytes, the device has %llu: run e2fsck on it",
			(unsigned long long)blocks, fs->blocksize, (unsigned long long)(device->size / fs->blocksize));
	if (super->s_inodes_count < EXT2_FIRST_INODE(super) || EXT2_FIRST_INODE(super) < EXT2_GOOD_OLD_FIRST_INO ||
		ext2fs_free_blocks_count(super) > blocks || super->s_free_inodes_count > super->s_inodes_count)
		return complain(message, size, EIO, "the superblock's figures cannot be: run e2fsck on it");
	return 0;
}

static errcode_t open_library(struct ext2_device *device, int write, ext2_filsys *fs)
{
	ext2_io_set_device(device);
	return ext2fs_open2("device", NULL, EXT2_FLAG_64BITS | (write ? EXT2_FLAG_RW : 0), 0, 0, &ext2_io_manager, fs);
}

/* All that was done, to the device. */
static errcode_t flush(struct ext2_device *device, ext2_filsys fs)
{
	struct ext2_cache *cache = ext2_fs_cache(fs);
	errcode_t code = ext2fs_flush(fs);

	if (!code && ext2_cache_is_kept(cache)) {
		ext2_cache_commit_bitmaps(cache);
		ext2_cache_mount(cache);
		code = ext2_cache_write_out(cache);
		if (!code)
			code = device->flush(device);
	}
	return code;
}

/* From now on an end without stop() leaves a file system that e2fsck looks at, or the next program goes on with. */
static errcode_t mark_mounted(struct ext2_device *device, ext2_filsys fs)
{
	fs->super->s_state &= (__u16)~EXT2_VALID_FS;
	fs->super->s_mtime = (__u32)(fk_now() / 1000000000);
	if (fs->super->s_mnt_count < 0xfffe)
		fs->super->s_mnt_count++;
	ext2fs_mark_super_dirty(fs);
	return flush(device, fs);
}

static const struct fk_operations ext2_operations;

/* Whether it may only be read, since nobody stopped it: message says so. */
static int check_clean(ext2_filsys fs, char *message, size_t size)
{
	if (ext2fs_has_feature_journal_needs_recovery(fs->super)) {
		complain(message, size, 0,
			"read-only: the journal needs recovery; run e2fsck on the device to write to it");
		return 1;
	}
	if (!(fs->super->s_state & EXT2_VALID_FS) || fs->super->s_state & EXT2_ERROR_FS) {
		complain(message, size, 0,
			"read-only: the file system was not stopped cleanly; run e2fsck on it to write to it");
		return 1;
	}
	return 0;
}

int ext2_open(struct ext2_device *device, int read_only, struct ext2_volume **opened, char *message, size_t size)
{
	struct ext2_volume *volume = calloc(1, sizeof(*volume));
	ext2_filsys fs = NULL;
	errcode_t code;
	bool old = false, whole = true;
	int error;

	initialize_ext2_error_table();
	message[0] = 0;
	if (!volume)
		return complain(message, size, ENOMEM, "no memory");
	read_only |= device->read_only;
	code = open_library(device, !read_only, &fs);
	if (code == EXT2_ET_RO_UNSUPP_FEATURE) {
		complain(message, size, 0, "read-only: the file system has features that this program cannot write");
		read_only = 1;
		code = open_library(device, 0, &fs);
	}
	if (code) {
		free(volume);
		if (code == EXT2_ET_UNSUPP_FEATURE)
			return complain(
				message, size, EINVAL, "the file system has features that this program does not know");
		if (code == EXT2_ET_BAD_MAGIC)
			return complain(
				message, size, EINVAL, "there is no ext2, ext3 or ext4 file system on the device");
		return complain(message, size, EIO, "the file system cannot be opened: %s; run e2fsck on it",
			error_message(code));
	}
	error = check_features(fs, message, size);
	if (!error)
		error = check_geometry(device, fs, message, size);
	ext2_io_cache(fs->io, &old, &whole);
	if (!error && !read_only && !old)
		read_only = check_clean(fs, message, size);
	if (!error && !read_only && old && !whole)
		complain(message, size, 0,
			"the program before ended in the middle of a large operation: run e2fsck on the device when it "
			"is not in use");
	if (!error && !read_only) {
		/* What a flush had half done is whole again when the log has been followed. */
		fs->flags |= old ? EXT2_FLAG_IGNORE_CSUM_ERRORS : 0;
		code = ext2fs_read_bitmaps(fs);
		fs->flags &= ~EXT2_FLAG_IGNORE_CSUM_ERRORS;
		if (!code && old)
			code = ext2_recover(fs);
		if (code)
			error = complain(message, size, EIO, "the bitmaps cannot be read: %s; run e2fsck on it",
				error_message(code));
	}
	if (!error)
		ext2fs_create_inode_cache(fs, INODE_CACHE);
	if (!error && !read_only) {
		fs->flags |= EXT2_FLAG_MASTER_SB_ONLY;
		code = ext2_watch_bitmaps(fs);
		if (!code)
			code = old && !(fs->super->s_state & EXT2_VALID_FS) ? flush(device, fs)
									    : mark_mounted(device, fs);
		if (code)
			error = complain(message, size, EIO, "the device cannot be written: %s", error_message(code));
	}
	if (error) {
		ext2_unwatch_bitmaps(fs);
		fs->flags &= ~(EXT2_FLAG_DIRTY | EXT2_FLAG_CHANGED);
		ext2fs_free(fs);
		free(volume);
		return error;
	}
	volume->base.operations = &ext2_operations;
	volume->fs = fs;
	volume->device = device;
	volume->read_only = read_only;
	volume->kept_reserve = 16 + ext2fs_blocks_count(fs->super) / 1024;
	*opened = volume;
	return 0;
}

/* One operation is complete; the lock is about to be released. */
static void volume_commit(struct fk_volume *base)
{
	struct ext2_volume *volume = ext2_volume(base);
	struct ext2_cache *cache = ext2_fs_cache(volume->fs);

	if (volume->read_only || volume->stopped)
		return;
	ext2_cache_commit(cache);
	if (ext2_cache_log_is_long(cache) && !ext2fs_flush(volume->fs))
		ext2_cache_commit_bitmaps(cache);
}

static int volume_sync(struct fk_volume *base)
{
	struct ext2_volume *volume = ext2_volume(base);
	int error;

	if (volume->read_only || volume->stopped)
		return 0;
	error = ext2_errno(flush(volume->device, volume->fs));
	if (error && ext2_cache_dirty(ext2_fs_cache(volume->fs)) != 0)
		volume->failed = 1;
	return error;
}

static int volume_stop(struct fk_volume *base)
{
	struct ext2_volume *volume = ext2_volume(base);
	int error;

	if (volume->read_only || volume->stopped)
		return 0;
	volume->fs->super->s_state |= EXT2_VALID_FS;
	ext2fs_mark_super_dirty(volume->fs);
	error = ext2_errno(flush(volume->device, volume->fs));
	if (error)
		volume->fs->super->s_state &= (__u16)~EXT2_VALID_FS;
	volume->stopped = !error;
	return error;
}

void ext2_close(struct ext2_volume *volume)
{
	volume_stop(&volume->base);
	ext2_unwatch_bitmaps(volume->fs);
	ext2fs_free(volume->fs);
	free(volume);
}

static int volume_info(struct fk_volume *base, struct file_system_info *info)
{
	struct ext2_volume *volume = ext2_volume(base);
	struct ext2_super_block *super = volume->fs->super;
	uint64_t reserved = ext2fs_r_blocks_count(super);

	memset(info, 0, sizeof(*info));
	info->type = EXT2_MAGIC;
	info->block_size = volume->fs->blocksize;
	info->blocks = ext2fs_blocks_count(super);
	info->blocks_free = ext2fs_free_blocks_count(super);
	info->blocks_available = info->blocks_free > reserved ? info->blocks_free - reserved : 0;
	info->files = super->s_inodes_count;
	info->files_free = super->s_free_inodes_count;
	info->name_length = FILE_NAME_LENGTH;
	memcpy(&info->id, super->s_uuid, sizeof(info->id));
	info->read_only = ext2_check_writable(volume) != 0;
	return 0;
}

static const struct fk_operations ext2_operations = {
	.root = EXT2_ROOT_INO,
	.info = volume_info,
	.sync = volume_sync,
	.stop = volume_stop,
	.commit = volume_commit,
	.look_up = ext2_look_up,
	.get_attributes = ext2_get_attributes,
	.set_attributes = ext2_set_attributes,
	.set_size = ext2_set_size,
	.trim = ext2_trim,
	.allocate = ext2_allocate,
	.create = ext2_create,
	.symlink = ext2_symlink,
	.read_link = ext2_read_link,
	.link = ext2_link,
	.unlink = ext2_unlink,
	.rename = ext2_rename,
	.read_directory = ext2_read_directory,
	.read = ext2_read,
	.write = ext2_write,
	.forget = ext2_forget,
};
