/* The ext2, ext3 and ext4 file system behind the file kit: what the files of pagers/ext2 share. */
#ifndef EXT2_EXT2_H
#define EXT2_EXT2_H

#include "pagers/ext2/cache.h"
#include "pagers/ext2/device.h"
#include "pagers/filekit/backend.h"

#include <errno.h>
#include <ext2fs/ext2fs.h>

struct ext2_volume {
	struct fk_volume base;
	ext2_filsys fs;
	struct ext2_device *device;
	int read_only;
	int failed; /* its own blocks could not be written: they stay in the cache, nothing more is accepted */
	int stopped;
	uint64_t kept_reserve; /* blocks that allocate() leaves for the file system's own use */
};

/* An inode in memory: read, changed, written within one call. */
union ext2_any_inode {
	struct ext2_inode small;
	struct ext2_inode_large large;
};

static inline struct ext2_volume *ext2_volume(struct fk_volume *volume)
{
	return (struct ext2_volume *)volume;
}

/*
 * Opens the file system on a device. 0, or an errno after `message` (of size bytes) was filled with what is wrong and
 * what to do about it. A file system that was not stopped opens read-only, and message says so.
 */
int ext2_open(struct ext2_device *device, int read_only, struct ext2_volume **volume, char *message, size_t size);
/* Stops when that was not done yet, and frees everything but the device. */
void ext2_close(struct ext2_volume *volume);
/* An errno for a code of the library; unknown ones are EIO. */
int ext2_errno(errcode_t code);
/* EROFS when nothing may be changed. */
int ext2_check_writable(struct ext2_volume *volume);

/* io.c: the library's way to the device, by the cache. */
extern struct struct_io_manager ext2_io_manager;
void ext2_io_set_device(struct ext2_device *device); /* for the next open */
/* The cache below, and what ext2_cache_open said. */
struct ext2_cache *ext2_io_cache(io_channel channel, bool *old, bool *whole);
static inline struct ext2_cache *ext2_fs_cache(ext2_filsys fs)
{
	bool unused;

	return ext2_io_cache(fs->io, &unused, &unused);
}
/* The blocks' contents are written around the cache: forget what it holds of them. */
void ext2_io_forget(io_channel channel, uint64_t block, uint64_t count);

/* recover.c */
/* Has the library's allocations logged, if the cache is kept. */
errcode_t ext2_watch_bitmaps(ext2_filsys fs);
void ext2_unwatch_bitmaps(ext2_filsys fs);
/* ext2fs_inode_alloc_stats2, logged. */
void ext2_inode_alloc_stats(ext2_filsys fs, uint64_t inode, int in_use, int is_directory);
/* Brings the bitmaps as read to where the earlier program had them. */
errcode_t ext2_recover(ext2_filsys fs);

/* inode.c */
int ext2_read_inode(struct ext2_volume *volume, uint64_t inode, union ext2_any_inode *data);
int ext2_write_inode(struct ext2_volume *volume, uint64_t inode, union ext2_any_inode *data);
/* The same, of a directory, else ENOTDIR. */
int ext2_read_directory_inode(struct ext2_volume *volume, uint64_t inode, union ext2_any_inode *data);
enum { EXT2_TOUCH_ACCESS = 1, EXT2_TOUCH_MODIFY = 2, EXT2_TOUCH_CHANGE = 4 };
void ext2_touch(struct ext2_volume *volume, union ext2_any_inode *data, unsigned which);
/* A new inode near `directory`, on disk with the given attributes, not linked yet. */
int ext2_new_inode(struct ext2_volume *volume, uint64_t directory, const struct file_attributes *values,
	uint64_t *inode, union ext2_any_inode *data);
/* Frees an inode and all that belongs to it. */
void ext2_free_inode(struct ext2_volume *volume, uint64_t inode);
int ext2_get_attributes(struct fk_volume *volume, uint64_t inode, struct file_attributes *attributes);
int ext2_set_attributes(struct fk_volume *volume, uint64_t inode, unsigned which, const struct file_attributes *values);
void ext2_forget(struct fk_volume *volume, uint64_t inode);

/* directory.c */
int ext2_look_up(struct fk_volume *volume, uint64_t directory, const char *name, uint64_t *inode);
int ext2_read_directory(
	struct fk_volume *volume, uint64_t directory, uint64_t cookie, char *buffer, size_t size, size_t *used);
/* Adds an entry; the name must not be there. Times and link counts are the caller's. */
int ext2_add_entry(struct ext2_volume *volume, uint64_t directory, const char *name, uint64_t inode, unsigned mode);
/* Lets the entry `name` (may be "..") stand for another inode. */
int ext2_replace_entry(struct ext2_volume *volume, uint64_t directory, const char *name, uint64_t inode, unsigned mode);
/* 0, ENOTEMPTY or an error. */
int ext2_check_empty(struct ext2_volume *volume, uint64_t directory);
/* Adds to the link count of a directory, minding the file system's limit. */
void ext2_count_links(struct ext2_volume *volume, union ext2_any_inode *data, int add);
/* After an entry was added or removed: the directory's times, and `links` more of its links. */
int ext2_directory_changed(struct ext2_volume *volume, uint64_t directory, int links);

/* names.c: create, symlink, link, unlink; rename.c */
int ext2_create(struct fk_volume *volume, uint64_t directory, const char *name, const struct file_attributes *values,
	uint64_t *inode);
int ext2_symlink(struct fk_volume *volume, uint64_t directory, const char *name, const char *target, uint64_t uid,
	uint64_t gid, uint64_t *inode);
int ext2_read_link(struct fk_volume *volume, uint64_t inode, char *target, size_t size);
int ext2_link(struct fk_volume *volume, uint64_t inode, uint64_t directory, const char *name);
int ext2_unlink(struct fk_volume *volume, uint64_t directory, const char *name, int is_directory, uint64_t *victim);
int ext2_rename(struct fk_volume *volume, uint64_t directory, const char *name, uint64_t to_directory,
	const char *to_name, unsigned flags, uint64_t *victim);

/* data.c: contents; space.c: allocation and size */
int ext2_read(struct fk_volume *volume, uint64_t inode, uint64_t offset, size_t length, fk_emit_t emit, void *context);
int ext2_write(struct fk_volume *volume, uint64_t inode, uint64_t offset, void *pages, size_t length);
int ext2_allocate(struct fk_volume *volume, uint64_t inode, uint64_t offset, uint64_t length, uint64_t size);
int ext2_set_size(struct fk_volume *volume, uint64_t inode, uint64_t size);
int ext2_trim(struct fk_volume *volume, uint64_t inode, int shrunk);
/* Frees the blocks from a block of the file to its end. */
int ext2_punch(struct ext2_volume *volume, uint64_t inode, union ext2_any_inode *data, uint64_t first);
/* The largest size that the inode can have. */
uint64_t ext2_size_limit(struct ext2_volume *volume, const union ext2_any_inode *data);
/* Is it a block that can hold contents? */
int ext2_is_block(struct ext2_volume *volume, uint64_t block);

#endif
