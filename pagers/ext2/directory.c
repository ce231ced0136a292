/* Directories: looking up, listing, adding, changing and removing entries. */
#include "pagers/ext2/directory.h"

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

int ext2_dir_open(struct ext2_volume *volume, uint64_t inode, struct ext2_directory *directory)
{
	int error = ext2_read_directory_inode(volume, inode, &directory->data);

	directory->volume = volume;
	directory->inode = (ext2_ino_t)inode;
	directory->blocks = EXT2_I_SIZE(&directory->data.small) / volume->fs->blocksize;
	if (!error && directory->blocks > ext2fs_blocks_count(volume->fs->super))
		error = EIO; /* directories have no holes to speak of */
	return error;
}

static int find_block(struct ext2_directory *directory, uint64_t logical, int how, blk64_t *physical)
{
	int flags, error;

	*physical = 0;
	error = ext2_errno(ext2fs_bmap2(directory->volume->fs, directory->inode, &directory->data.small, NULL, how,
		logical, &flags, physical));
	if (!error && *physical && !ext2_is_block(directory->volume, *physical))
		error = EIO;
	return error;
}

int ext2_dir_read(struct ext2_directory *directory, uint64_t logical, struct dir_block *block)
{
	ext2_filsys fs = directory->volume->fs;
	int error = find_block(directory, logical, 0, &block->physical);

	if (!error && !block->physical)
		error = ENOENT;
	if (!error && !block->contents && !(block->contents = malloc(fs->blocksize)))
		error = ENOMEM;
	block->logical = logical;
	return error ? error
		     : ext2_errno(ext2fs_read_dir_block4(fs, block->physical, block->contents, 0, directory->inode));
}

int ext2_dir_write(struct ext2_directory *directory, const struct dir_block *block)
{
	return ext2_errno(ext2fs_write_dir_block4(
		directory->volume->fs, block->physical, block->contents, 0, directory->inode));
}

int ext2_dir_append(struct ext2_directory *directory, struct dir_block *block)
{
	ext2_filsys fs = directory->volume->fs;
	struct ext2_inode *inode = &directory->data.small;
	const uint64_t size = (directory->blocks + 1) * fs->blocksize;
	int error;

	if (size > INT32_MAX && !ext2fs_has_feature_largedir(fs->super))
		return ENOSPC;
	if (!block->contents && !(block->contents = malloc(fs->blocksize)))
		return ENOMEM;
	error = find_block(directory, directory->blocks, BMAP_ALLOC, &block->physical);
	if (error)
		return error;
	ext2_leaf_fill(fs, block->contents, NULL, 0);
	block->logical = directory->blocks++;
	error = ext2_errno(ext2fs_inode_size_set(fs, inode, (ext2_off64_t)size));
	return error ? error : ext2_write_inode(directory->volume, directory->inode, &directory->data);
}

void ext2_dir_release(struct dir_block *block)
{
	free(block->contents);
	block->contents = NULL;
}

static struct dir_name name_of(const char *name)
{
	return (struct dir_name){name, strlen(name)};
}

/* The block that has the name, which the caller releases; ext2_leaf_find says the rest. */
static int find(struct ext2_directory *directory, struct dir_name name, struct dir_block *block,
	struct ext2_dir_entry **found, struct ext2_dir_entry **before)
{
	const bool dots = strcmp(name.name, ".") == 0 || strcmp(name.name, "..") == 0;
	int error = ENOENT;

	if (ext2_is_indexed(directory) && !dots)
		return ext2_htree_find(directory, name, block, found, before);
	for (uint64_t logical = 0; logical < directory->blocks && error == ENOENT; logical++) {
		error = ext2_dir_read(directory, logical, block);
		if (!error)
			error = ext2_leaf_find(directory->volume->fs, block->contents, name, found, before);
	}
	return error;
}

int ext2_find_name(struct ext2_volume *volume, uint64_t inode, const char *name, uint64_t *found)
{
	struct ext2_directory directory;
	struct ext2_dir_entry *entry, *before;
	struct dir_block block = {0};
	int error = ext2_dir_open(volume, inode, &directory);

	if (!error)
		error = find(&directory, name_of(name), &block, &entry, &before);
	if (!error)
		*found = entry->inode;
	ext2_dir_release(&block);
	return error;
}

int ext2_look_up(struct fk_volume *base, uint64_t directory, const char *name, uint64_t *inode)
{
	struct ext2_volume *volume = ext2_volume(base);
	uint64_t found;
	int error = fk_check_name(name);

	if (!error)
		error = ext2_find_name(volume, directory, name, &found);
	if (!error)
		error = check_found(volume, found);
	if (!error)
		*inode = found;
	return error;
}

/* --- Listing. */

struct listing {
	char *buffer;
	size_t size, *used;
	bool full;
};

static void list_entry(struct listing *listing, const struct ext2_dir_entry *entry, uint64_t cookie)
{
	if (!fk_add_entry(listing->buffer, listing->size, listing->used, entry->inode, cookie,
		    listed_type(ext2fs_dirent_file_type(entry)), entry->name, (size_t)ext2fs_dirent_name_len(entry)))
		listing->full = true;
}

/* From block to block; a cookie is a place in the directory. What is damaged in a block is lost, the rest is not. */
static int list_blocks(struct ext2_directory *directory, uint64_t cookie, struct listing *listing)
{
	ext2_filsys fs = directory->volume->fs;
	struct dir_block block = {0};
	int error = 0;

	for (uint64_t logical = cookie / fs->blocksize; logical < directory->blocks && !error && !listing->full; logical++) {
		struct ext2_dir_entry *entry;
		unsigned offset = 0, at = 0;
		int damaged = 0;

		error = ext2_dir_read(directory, logical, &block);
		for (; !error && !listing->full && (entry = ext2_leaf_next(fs, block.contents, &offset, &damaged)); at = offset)
			if (entry->inode && ext2fs_dirent_name_len(entry) && logical * fs->blocksize + at >= cookie)
				list_entry(listing, entry, logical * fs->blocksize + offset);
		if (error == ENOENT)
			error = 0;
	}
	ext2_dir_release(&block);
	return error;
}

/*
 * In the order of hashes, which stays when blocks are split: so what is listed in pieces, while names are added, has each
 * name once. A cookie is the place of a name's hash; in front of all names are "." and "..".
 */
enum { DOTS = 2 };

static uint64_t place_of(const struct dir_hashed *entry)
{
	return ((uint64_t)(entry->hash >> 1) << 32 | entry->minor) + DOTS;
}

static int list_dots(struct ext2_directory *directory, uint64_t cookie, struct listing *listing)
{
	static const struct dir_name dots[DOTS] = {{".", 1}, {"..", 2}};
	struct ext2_dir_entry *entry, *before;
	struct dir_block block = {0};
	int error = 0;

	for (; cookie < DOTS && !error && !listing->full; cookie++) {
		error = find(directory, dots[cookie], &block, &entry, &before);
		if (!error)
			list_entry(listing, entry, cookie + 1);
	}
	ext2_dir_release(&block);
	return error;
}

static int list_hashed(struct ext2_directory *directory, uint64_t cookie, struct listing *listing)
{
	uint32_t hash = cookie < DOTS ? 0 : (uint32_t)((cookie - DOTS) >> 32) << 1;
	int error = list_dots(directory, cookie, listing);
	bool more = true;

	while (!error && !listing->full && more) {
		struct dir_hashed_list list;

		error = ext2_htree_list(directory, hash, &list);
		for (size_t i = 0, end; !error && i < list.count && !listing->full; i = end) {
			const size_t used = *listing->used;
			const uint64_t place = place_of(&list.entries[i]);

			/* Names of one place go together or not at all: the cookie cannot tell them apart. */
			for (end = i; end < list.count && place_of(&list.entries[end]) == place; end++)
				if (place >= cookie && !listing->full)
					list_entry(listing, list.entries[end].entry, place + 1);
			if (listing->full && used)
				*listing->used = used;
		}
		hash = list.next;
		more = list.more;
		ext2_htree_list_free(&list);
	}
	return error;
}

int ext2_read_directory(
	struct fk_volume *base, uint64_t inode, uint64_t cookie, char *buffer, size_t size, size_t *used)
{
	struct listing listing = {buffer, size, used, false};
	struct ext2_directory directory;
	int error;

	*used = 0;
	error = ext2_dir_open(ext2_volume(base), inode, &directory);
	if (error)
		return error;
	error = ext2_is_hashed(&directory) ? list_hashed(&directory, cookie, &listing)
					   : list_blocks(&directory, cookie, &listing);
	return *used ? 0 : error;
}

/* --- Changing. */

int ext2_add_entry(struct ext2_volume *volume, uint64_t inode, const char *name, uint64_t target, unsigned mode)
{
	const int type = entry_type(volume, mode);
	struct ext2_directory directory;
	struct dir_block block = {0};
	int error = ext2_dir_open(volume, inode, &directory);

	if (error)
		return error;
	error = ENOSPC;
	for (uint64_t logical = 0; !ext2_is_indexed(&directory) && logical < directory.blocks && error == ENOSPC; logical++) {
		error = ext2_dir_read(&directory, logical, &block);
		if (!error)
			error = ext2_leaf_add(volume->fs, block.contents, name_of(name), target, type);
		else if (error == ENOENT)
			error = ENOSPC;
	}
	if (!error)
		error = ext2_dir_write(&directory, &block);
	else if (error == ENOSPC && ext2_is_hashed(&directory)) {
		error = ext2_is_indexed(&directory) ? 0 : ext2_htree_make(&directory);
		if (!error)
			error = ext2_htree_add(&directory, name_of(name), target, type);
	} else if (error == ENOSPC) {
		error = ext2_dir_append(&directory, &block);
		if (!error)
			error = ext2_leaf_add(volume->fs, block.contents, name_of(name), target, type);
		if (!error)
			error = ext2_dir_write(&directory, &block);
	}
	ext2_dir_release(&block);
	return error;
}

/* Lets an entry that is there stand for another inode (0: removes it). */
static int change_entry(struct ext2_volume *volume, uint64_t inode, const char *name, uint64_t target, int type)
{
	struct ext2_directory directory;
	struct ext2_dir_entry *entry, *before;
	struct dir_block block = {0};
	int error = ext2_dir_open(volume, inode, &directory);

	if (!error)
		error = find(&directory, name_of(name), &block, &entry, &before);
	if (!error && target) {
		entry->inode = (ext2_ino_t)target;
		ext2fs_dirent_set_file_type(entry, type);
	} else if (!error) {
		ext2_leaf_remove(volume->fs, entry, before);
	}
	if (!error)
		error = ext2_dir_write(&directory, &block);
	ext2_dir_release(&block);
	return error;
}

int ext2_replace_entry(struct ext2_volume *volume, uint64_t inode, const char *name, uint64_t target, unsigned mode)
{
	return change_entry(volume, inode, name, target, entry_type(volume, mode));
}

int ext2_remove_entry(struct ext2_volume *volume, uint64_t inode, const char *name)
{
	return change_entry(volume, inode, name, 0, 0);
}

int ext2_check_empty(struct ext2_volume *volume, uint64_t inode)
{
	struct ext2_directory directory;
	struct dir_block block = {0};
	int error = ext2_dir_open(volume, inode, &directory);

	for (uint64_t logical = 0; !error && logical < directory.blocks; logical++) {
		struct ext2_dir_entry *entry;
		unsigned offset = 0;

		error = ext2_dir_read(&directory, logical, &block);
		while (!error && (entry = ext2_leaf_next(volume->fs, block.contents, &offset, &error)))
			if (entry->inode && ext2fs_dirent_name_len(entry) && !ext2_is_dots(entry))
				error = ENOTEMPTY;
		if (error == ENOENT)
			error = 0;
	}
	ext2_dir_release(&block);
	return error;
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
