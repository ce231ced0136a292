/* Directories: looking up, listing, adding and changing entries. */
#include "pagers/ext2/ext2.h"

#include <stdlib.h>
#include <string.h>

/* File types in directory entries, which only a file system with the feature has. */
static int entry_type(struct ext2_volume *volume, unsigned mode)
{
	static const unsigned char types[16] = {
		[LINUX_S_IFIFO >> 12] = EXT2_FT_FIFO,
		[LINUX_S_IFCHR >> 12] = EXT2_FT_CHRDEV,
		[LINUX_S_IFDIR >> 12] = EXT2_FT_DIR,
		[LINUX_S_IFBLK >> 12] = EXT2_FT_BLKDEV,
		[LINUX_S_IFREG >> 12] = EXT2_FT_REG_FILE,
		[LINUX_S_IFLNK >> 12] = EXT2_FT_SYMLINK,
		[LINUX_S_IFSOCK >> 12] = EXT2_FT_SOCK,
	};

	return ext2fs_has_feature_filetype(volume->fs->super) ? types[mode >> 12 & 15] : 0;
}

/* DT_* for a file type on disk. */
static unsigned char listed_type(int type)
{
	static const unsigned char types[EXT2_FT_MAX] = {
		[EXT2_FT_REG_FILE] = LINUX_S_IFREG >> 12,
		[EXT2_FT_DIR] = LINUX_S_IFDIR >> 12,
		[EXT2_FT_CHRDEV] = LINUX_S_IFCHR >> 12,
		[EXT2_FT_BLKDEV] = LINUX_S_IFBLK >> 12,
		[EXT2_FT_FIFO] = LINUX_S_IFIFO >> 12,
		[EXT2_FT_SOCK] = LINUX_S_IFSOCK >> 12,
		[EXT2_FT_SYMLINK] = LINUX_S_IFLNK >> 12,
	};

	return type < EXT2_FT_MAX ? types[type] : 0;
}

/* A number found in a directory: one that a directory may name, and in use. */
static int check_found(struct ext2_volume *volume, uint64_t inode)
{
	union ext2_any_inode data;
	int error;

	if (inode != EXT2_ROOT_INO && inode < EXT2_FIRST_INODE(volume->fs->super))
		return EIO;
	error = ext2_read_inode(volume, inode, &data);
	return error ? error : data.small.i_links_count == 0 || data.small.i_mode == 0 ? EIO : 0;
}

int ext2_look_up(struct fk_volume *base, uint64_t directory, const char *name, uint64_t *inode)
{
	struct ext2_volume *volume = ext2_volume(base);
	union ext2_any_inode data;
	ext2_ino_t found;
	int error = fk_check_name(name);

	if (!error)
		error = ext2_read_directory_inode(volume, directory, &data);
	if (!error)
		error = ext2_errno(
			ext2fs_lookup(volume->fs, (ext2_ino_t)directory, name, (int)strlen(name), NULL, &found));
	if (!error)
		error = check_found(volume, found);
	if (!error)
		*inode = found;
	return error;
}

/* The entries of one block from `from` on; `at` is the block's place in the directory. Returns 0 when the buffer is
 * full. */
static int list_block(ext2_filsys fs, char *block, uint64_t at, uint64_t from, char *buffer, size_t size, size_t *used)
{
	unsigned offset = 0, length;

	while (offset + 8 <= fs->blocksize) {
		struct ext2_dir_entry *entry = (struct ext2_dir_entry *)(void *)(block + offset);
		unsigned name = (unsigned)ext2fs_dirent_name_len(entry);

		if (ext2fs_get_rec_len(fs, entry, &length) || length < 8 || length % 4 ||
			length > fs->blocksize - offset || name + 8 > length)
			return 1; /* damaged: what follows in this block is lost */
		if (entry->inode && name && at + offset >= from &&
			!fk_add_entry(buffer, size, used, entry->inode, at + offset + length,
				listed_type(ext2fs_dirent_file_type(entry)), entry->name, name))
			return 0;
		offset += length;
	}
	return 1;
}

int ext2_read_directory(
	struct fk_volume *base, uint64_t directory, uint64_t cookie, char *buffer, size_t size, size_t *used)
{
	struct ext2_volume *volume = ext2_volume(base);
	ext2_filsys fs = volume->fs;
	union ext2_any_inode data;
	uint64_t block, blocks, physical;
	char *contents;
	int error = ext2_read_directory_inode(volume, directory, &data), flags;

	*used = 0;
	if (error)
		return error;
	contents = malloc(fs->blocksize);
	if (!contents)
		return ENOMEM;
	blocks = EXT2_I_SIZE(&data.small) / fs->blocksize;
	if (blocks > ext2fs_blocks_count(fs->super)) {
		free(contents);
		return EIO; /* directories have no holes to speak of */
	}
	for (block = cookie / fs->blocksize; block < blocks; block++) {
		blk64_t found;

		error = ext2_errno(
			ext2fs_bmap2(fs, (ext2_ino_t)directory, &data.small, NULL, 0, block, &flags, &found));
		physical = found;
		if (error)
			break;
		if (!physical)
			continue;
		error = ext2_is_block(volume, physical)
				? ext2_errno(ext2fs_read_dir_block4(fs, physical, contents, 0, (ext2_ino_t)directory))
				: EIO;
		if (error || !list_block(fs, contents, block * fs->blocksize, cookie, buffer, size, used))
			break;
	}
	free(contents);
	return *used ? 0 : error;
}

int ext2_add_entry(struct ext2_volume *volume, uint64_t directory, const char *name, uint64_t inode, unsigned mode)
{
	int type = entry_type(volume, mode);
	errcode_t code = ext2fs_link(volume->fs, (ext2_ino_t)directory, name, (ext2_ino_t)inode, type);

	if (code == EXT2_ET_DIR_NO_SPACE) {
		code = ext2fs_expand_dir(volume->fs, (ext2_ino_t)directory);
		if (!code)
			code = ext2fs_link(volume->fs, (ext2_ino_t)directory, name, (ext2_ino_t)inode, type);
	}
	return ext2_errno(code);
}

struct replacement {
	const char *name;
	size_t length;
	ext2_ino_t inode;
	int type;
	int done;
};

static int replace(ext2_ino_t directory, int kind, struct ext2_dir_entry *entry, int offset, int block_size,
	char *block, void *context)
{
	struct replacement *r = context;

	(void)directory;
	(void)kind;
	(void)offset;
	(void)block_size;
	(void)block;
	if ((size_t)ext2fs_dirent_name_len(entry) != r->length || memcmp(entry->name, r->name, r->length) != 0)
		return 0;
	entry->inode = r->inode;
	ext2fs_dirent_set_file_type(entry, r->type);
	r->done = 1;
	return DIRENT_CHANGED | DIRENT_ABORT;
}

int ext2_replace_entry(struct ext2_volume *volume, uint64_t directory, const char *name, uint64_t inode, unsigned mode)
{
	struct replacement r = {name, strlen(name), (ext2_ino_t)inode, entry_type(volume, mode), 0};
	int error = ext2_errno(ext2fs_dir_iterate2(volume->fs, (ext2_ino_t)directory, 0, NULL, replace, &r));

	return error ? error : r.done ? 0 : ENOENT;
}

static int see_entry(ext2_ino_t directory, int kind, struct ext2_dir_entry *entry, int offset, int block_size,
	char *block, void *context)
{
	unsigned length = (unsigned)ext2fs_dirent_name_len(entry);

	(void)directory;
	(void)kind;
	(void)offset;
	(void)block_size;
	(void)block;
	if ((length == 1 && entry->name[0] == '.') || (length == 2 && memcmp(entry->name, "..", 2) == 0))
		return 0;
	*(int *)context = 1;
	return DIRENT_ABORT;
}

int ext2_check_empty(struct ext2_volume *volume, uint64_t directory)
{
	int seen = 0;
	int error = ext2_errno(ext2fs_dir_iterate2(volume->fs, (ext2_ino_t)directory, 0, NULL, see_entry, &seen));

	return error ? error : seen ? ENOTEMPTY : 0;
}

void ext2_count_links(struct ext2_volume *volume, union ext2_any_inode *data, int add)
{
	int links = data->small.i_links_count;

	/* With dir_nlink a count of 1 says: more than can be counted. */
	if (links == 1 && LINUX_S_ISDIR(data->small.i_mode))
		return;
	links += add;
	if (links >= EXT2_LINK_MAX && LINUX_S_ISDIR(data->small.i_mode) &&
		ext2fs_has_feature_dir_nlink(volume->fs->super))
		links = 1;
	data->small.i_links_count = (uint16_t)(links < 0 ? 0 : links);
}
