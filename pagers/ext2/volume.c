/* Opening and closing a file system, its figures, and errno for the library's codes. */
#include "pagers/ext2/ext2.h"

#include <et/com_err.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { EXT2_MAGIC = 0xef53, INODE_CACHE = 32 };
#define RO_COMPAT_ORPHAN_PRESENT 0x10000 /* files of another kind of list: e2fsprogs 1.47 */

int ext2_errno(errcode_t code)
{
	switch (code) {
	case 0:
		return 0;
	case EXT2_ET_BLOCK_ALLOC_FAIL:
	case EXT2_ET_INODE_ALLOC_FAIL:
	case EXT2_ET_DIR_NO_SPACE:
	case EXT2_ET_EA_NO_SPACE:
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
	case EXT2_ET_EA_KEY_NOT_FOUND:
		return ENODATA;
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

int ext2_begin_change(struct ext2_volume *volume)
{
	int error = ext2_check_writable(volume);

	if (error || !volume->transaction || !ext2_space_waiting(volume->fs))
		return error;
	/* What a name takes at most is far below the reserve; allocate() looks for itself. */
	return ext2fs_free_blocks_count(volume->fs->super) < ext2_space_waiting(volume->fs) + 2 * volume->kept_reserve
		       ? ext2_commit(volume)
		       : 0;
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

static errcode_t open_library(struct ext2_device *device, int flags, ext2_filsys *fs)
{
	ext2_io_set_device(device);
	return ext2fs_open2("device", NULL, EXT2_FLAG_64BITS | flags, 0, 0, &ext2_io_manager, fs);
}

/* The same; a superblock that was torn is mended. */
static errcode_t open_whole(struct ext2_device *device, int flags, ext2_filsys *fs)
{
	errcode_t code = open_library(device, flags, fs), result = code;

	if (code != EXT2_ET_SB_CSUM_INVALID || device->read_only)
		return code;
	code = open_library(device, EXT2_FLAG_IGNORE_CSUM_ERRORS, fs);
	if (code)
		return result;
	code = ext2_mend_super(device, *fs);
	ext2fs_free(*fs);
	*fs = NULL;
	return code ? result : open_library(device, flags, fs);
}

/* All that was done, to the device; with a journal not all in its place. */
static errcode_t flush(struct ext2_volume *volume)
{
	struct ext2_cache *cache = ext2_fs_cache(volume->fs);
	errcode_t code;

	if (volume->transaction) {
		code = ext2_commit(volume);
		return code ? code : ext2_cache_write_out(cache);
	}
	code = ext2_space_write(volume->fs);
	if (code)
		return code;
	ext2_cache_commit_bitmaps(cache);
	code = ext2_cache_write_out(cache);
	return code ? code : volume->device->flush(volume->device);
}

/* Without a journal: an end without stop() leaves a file system that e2fsck looks at, or the next program goes on with. */
static errcode_t mark_mounted(struct ext2_volume *volume, bool old)
{
	struct ext2_super_block *super = volume->fs->super;

	if (!volume->transaction)
		super->s_state &= (__u16)~EXT2_VALID_FS;
	if (!old) {
		super->s_mtime = (__u32)(fk_now() / 1000000000);
		super->s_mnt_count = (__u16)(super->s_mnt_count + (super->s_mnt_count < 0xfffe));
	}
	ext2fs_mark_super_dirty(volume->fs);
	return volume->transaction ? 0 : flush(volume);
}

static const struct fk_operations ext2_operations;

/* Whether it may only be read, since nobody stopped it: message says so. */
static int check_clean(ext2_filsys fs, char *message, size_t size)
{
	if (fs->super->s_state & EXT2_VALID_FS && !(fs->super->s_state & EXT2_ERROR_FS) &&
		!(fs->super->s_feature_ro_compat & RO_COMPAT_ORPHAN_PRESENT))
		return 0;
	complain(message, size, 0,
		"read-only: the file system was not stopped cleanly; run e2fsck on it to write to it");
	return 1;
}

/* The library's and our view of what is on the device, and what it cannot be. */
static int open_file_system(struct ext2_device *device, int *read_only, ext2_filsys *fs, char *message, size_t size)
{
	errcode_t code = open_whole(device, *read_only ? 0 : EXT2_FLAG_RW, fs);
	int error;

	if (code == EXT2_ET_RO_UNSUPP_FEATURE) {
		complain(message, size, 0, "read-only: the file system has features that this program cannot write");
		*read_only = 1;
		code = open_library(device, 0, fs);
	}
	if (code == EXT2_ET_UNSUPP_FEATURE)
		return complain(message, size, EINVAL, "the file system has features that this program does not know");
	if (code == EXT2_ET_BAD_MAGIC)
		return complain(
			message, size, EINVAL, "there is no ext2, ext3 or ext4 file system on the device");
	if (code)
		return complain(message, size, EIO, "the file system cannot be opened: %s; run e2fsck on it",
			error_message(code));
	error = check_features(*fs, message, size);
	if (!error)
		error = check_geometry(device, *fs, message, size);
	if (error) {
		ext2fs_free(*fs);
		*fs = NULL;
	} else {
		ext2fs_create_inode_cache(*fs, INODE_CACHE);
	}
	return error;
}

/*
 * Opens the journal of a file system that nobody goes on with and replays it, after which *fs is opened anew. When that
 * cannot be, nothing may be read: a block that the journal frees may be another file's. When it need not be, the file
 * system may be read. message says why; an error is returned when it is not open.
 */
static int replay_journal(struct ext2_device *device, int *read_only, ext2_filsys *fs, struct ext2_journal **journal,
	char *message, size_t size)
{
	const bool needed = ext2fs_has_feature_journal_needs_recovery((*fs)->super);
	const char *why;
	int error = ext2_journal_open(device, *fs, journal, &why);

	if (!error && needed && device->read_only) {
		why = "the device is read-only, and it holds what is not in its place";
		error = EROFS;
	}
	if (!error && needed)
		error = ext2_journal_replay(*journal, &why);
	if (error) {
		ext2_journal_free(*journal);
		*journal = NULL;
		*read_only = 1;
		return complain(message, size, needed ? error : 0, "%sthe journal cannot be used: %s; run e2fsck on it",
			needed ? "" : "read-only: ", why);
	}
	if (needed) {
		ext2_journal_free(*journal);
		*journal = NULL;
		ext2fs_free(*fs);
		*fs = NULL;
		error = open_file_system(device, read_only, fs, message, size);
		if (!error && ext2_journal_open(device, *fs, journal, &why))
			error = complain(message, size, EIO, "the journal cannot be opened: %s", why);
	}
	return error;
}

/* Of a file system that is to be written: its bitmaps, and what the program before has left. */
static int open_for_writing(struct ext2_volume *volume, struct ext2_journal *journal, bool old, char *message, size_t size)
{
	ext2_filsys fs = volume->fs;
	errcode_t code;

	/* What a flush had half done is whole again when the log has been followed. */
	fs->flags |= old ? EXT2_FLAG_IGNORE_CSUM_ERRORS : 0;
	code = ext2fs_read_bitmaps(fs);
	fs->flags &= ~EXT2_FLAG_IGNORE_CSUM_ERRORS;
	if (!code && old)
		code = ext2_recover(fs);
	if (code) {
		ext2_journal_free(journal);
		return complain(
			message, size, EIO, "the bitmaps cannot be read: %s; run e2fsck on it", error_message(code));
	}
	fs->flags |= EXT2_FLAG_MASTER_SB_ONLY;
	code = ext2_space_watch(fs, journal != NULL);
	if (!code && old)
		ext2_space_all_changed(fs);
	if (!code && journal)
		code = ext2_transactions_begin(volume, journal, old);
	if (code && !volume->transaction)
		ext2_journal_free(journal);
	if (!code)
		code = mark_mounted(volume, old);
	if (code)
		return complain(message, size, EIO, "the device cannot be written: %s", error_message(code));
	ext2_cache_mount(ext2_fs_cache(fs));
	if (!journal)
		return 0;
	code = ext2_orphans_load(volume);
	if (!code && !old)
		code = ext2_orphans_end(volume);
	return code ? complain(message, size, EIO, "what was open when it was last written cannot be closed: run e2fsck on it")
		    : 0;
}

static void free_volume(struct ext2_volume *volume)
{
	ext2_orphans_free(volume);
	ext2_transactions_free(volume);
	if (volume->fs) {
		ext2_space_unwatch(volume->fs);
		ext2fs_free(volume->fs);
	}
	free(volume);
}

int ext2_open(struct ext2_device *device, int read_only, struct ext2_volume **opened, char *message, size_t size)
{
	struct ext2_volume *volume = calloc(1, sizeof(*volume));
	struct ext2_journal *journal = NULL;
	bool old = false, whole = true;
	const char *why;
	int error;

	initialize_ext2_error_table();
	message[0] = 0;
	if (!volume)
		return complain(message, size, ENOMEM, "no memory");
	volume->base.operations = &ext2_operations;
	volume->device = device;
	read_only |= device->read_only;
	error = open_file_system(device, &read_only, &volume->fs, message, size);
	if (!error)
		ext2_io_cache(volume->fs->io, &old, &whole);
	if (!error && ext2fs_has_feature_journal(volume->fs->super)) {
		if (!old)
			error = replay_journal(device, &read_only, &volume->fs, &journal, message, size);
		else if (ext2_journal_open(device, volume->fs, &journal, &why))
			error = complain(message, size, EIO, "the journal cannot be opened: %s", why);
	}
	if (!error && !read_only && !old)
		read_only = check_clean(volume->fs, message, size);
	if (!error && !read_only && old && !whole)
		complain(message, size, 0,
			"the program before ended in the middle of a large operation: run e2fsck on the device when it "
			"is not in use");
	if (!error)
		volume->kept_reserve = 16 + ext2fs_blocks_count(volume->fs->super) / 1024;
	if (!error && !read_only)
		error = open_for_writing(volume, journal, old, message, size);
	else
		ext2_journal_free(journal);
	if (error) {
		if (volume->fs)
			volume->fs->flags &= ~(EXT2_FLAG_DIRTY | EXT2_FLAG_CHANGED);
		free_volume(volume);
		return error;
	}
	volume->read_only = read_only;
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
	ext2_orphans_end_operation(volume);
	if (volume->transaction)
		ext2_space_end_operation(volume->fs);
	ext2_cache_commit(cache);
	if (volume->failed)
		return;
	if (volume->transaction && (ext2_cache_log_is_long(cache) || ext2_is_full(volume)))
		ext2_commit(volume);
	else if (!volume->transaction && ext2_cache_log_is_long(cache) && !ext2_space_write(volume->fs))
		ext2_cache_commit_bitmaps(cache);
}

static int volume_sync(struct fk_volume *base)
{
	struct ext2_volume *volume = ext2_volume(base);
	int error;

	if (volume->read_only || volume->stopped)
		return 0;
	error = ext2_errno(flush(volume));
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
	error = ext2_errno(volume->transaction ? ext2_transactions_end(volume) : flush(volume));
	if (error && !volume->transaction)
		volume->fs->super->s_state &= (__u16)~EXT2_VALID_FS;
	volume->stopped = !error;
	return error;
}

void ext2_close(struct ext2_volume *volume)
{
	volume_stop(&volume->base);
	free_volume(volume);
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
	.sync_file = ext2_sync_file,
	.stop = volume_stop,
	.commit = volume_commit,
	.look_up = ext2_look_up,
	.get_attributes = ext2_get_attributes,
	.set_attributes = ext2_set_attributes,
	.set_size = ext2_set_size,
	.trim = ext2_trim,
	.allocate = ext2_allocate,
	.punch = ext2_punch_range,
	.seek = ext2_seek,
	.create = ext2_create,
	.symlink = ext2_symlink,
	.read_link = ext2_read_link,
	.link = ext2_link,
	.unlink = ext2_unlink,
	.rename = ext2_rename,
	.get_extended = ext2_get_extended,
	.set_extended = ext2_set_extended,
	.list_extended = ext2_list_extended,
	.read_directory = ext2_read_directory,
	.read = ext2_read,
	.write = ext2_write,
	.forget = ext2_forget,
};
