/* The ext2, ext3 and ext4 file system behind the file kit: what the files of pagers/ext2 share. */
#ifndef EXT2_EXT2_H
#define EXT2_EXT2_H

#include "pagers/ext2/cache.h"
#include "pagers/ext2/device.h"
#include "pagers/filekit/backend.h"

#include <errno.h>
#include <ext2fs/ext2fs.h>

/* Blocks of a file that are in one piece on the device, or nowhere. */
struct ext2_run {
	uint64_t first, end; /* in the file */
	uint64_t device;     /* where `first` is, when kind is not EXT2_HOLE */
	enum ext2_run_kind { EXT2_HOLE, EXT2_UNWRITTEN, EXT2_WRITTEN } kind;
};

struct ext2_volume {
	struct fk_volume base;
	ext2_filsys fs;
	struct ext2_device *device;
	int read_only;
	int failed; /* its own blocks could not be written: they stay in the cache, nothing more is accepted */
	int stopped;
	struct ext2_transaction *transaction; /* null: there is no journal */
	struct ext2_orphans *orphans;         /* null as well */
	/* The run that was read last, until its inode changes (ext2_map_again). Inode 0: none. */
	struct ext2_mapped {
		uint64_t inode;
		struct ext2_run run;
	} mapped;
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
/* The same at the beginning of an operation that may need space: what was freed may have to be committed first. */
int ext2_begin_change(struct ext2_volume *volume);

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

/* bitmaps.c */
/* Has the library's allocations told here; with a journal, blocks that were freed wait. Undone also after an error. */
errcode_t ext2_space_watch(ext2_filsys fs, bool journal);
void ext2_space_unwatch(ext2_filsys fs);
/* ext2fs_inode_alloc_stats2, told. */
void ext2_inode_alloc_stats(ext2_filsys fs, uint64_t inode, int in_use, int is_directory);
void ext2_space_all_changed(ext2_filsys fs);
/* The bitmaps and descriptors that have changed and the superblock, to the cache; and so many blocks at most. */
errcode_t ext2_space_write(ext2_filsys fs);
unsigned ext2_space_blocks(ext2_filsys fs);
/* What the operation has freed waits. */
void ext2_space_end_operation(ext2_filsys fs);
/* Blocks that wait; does this one? */
uint64_t ext2_space_waiting(ext2_filsys fs);
bool ext2_space_waits(ext2_filsys fs, uint64_t block);
/* They are free in the bitmap; then, when that was committed, they wait no longer. */
void ext2_space_unmark_waiting(ext2_filsys fs);
void ext2_space_forget_waiting(ext2_filsys fs);

/* transaction.c; after an error the volume has failed. */
/* All operations that are complete are on the medium, and all that was written to the device. Between operations. */
int ext2_commit(struct ext2_volume *volume);
/* Right after a commit: all is in its place, and the log is empty. */
int ext2_checkpoint(struct ext2_volume *volume);
/* The cache has no room for much more. */
bool ext2_is_full(struct ext2_volume *volume);
/* Consumes the journal, unless there is an error. old: the cache is that of a program before. */
int ext2_transactions_begin(struct ext2_volume *volume, struct ext2_journal *journal, bool old);
int ext2_transactions_end(struct ext2_volume *volume);
void ext2_transactions_free(struct ext2_volume *volume);
int ext2_sync_file(struct fk_volume *volume, uint64_t inode, int data_only);
void ext2_inode_changed(struct ext2_volume *volume, uint64_t inode, bool only_times);

/* torn.c: makes a superblock with a wrong checksum whole, if a power cut can have left it so; fs is that of it. */
int ext2_mend_super(struct ext2_device *device, ext2_filsys fs);

/* orphan.c; nothing happens without a journal. */
bool ext2_is_orphan(struct ext2_volume *volume, uint64_t inode);
/* Into the list and out of it: changes the inode's data, which the caller writes in the same operation. */
int ext2_orphan_add(struct ext2_volume *volume, uint64_t inode, union ext2_any_inode *data);
int ext2_orphan_remove(struct ext2_volume *volume, uint64_t inode, union ext2_any_inode *data);
void ext2_orphans_end_operation(struct ext2_volume *volume);
/* The list as the disk has it. EIO: it cannot be. */
int ext2_orphans_load(struct ext2_volume *volume);
/* Ends what was begun with each of them. */
int ext2_orphans_end(struct ext2_volume *volume);
void ext2_orphans_free(struct ext2_volume *volume);

/* recover.c */
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
/* The same for names that need no check, and without a look at what is found; "..", too. */
int ext2_find_name(struct ext2_volume *volume, uint64_t directory, const char *name, uint64_t *inode);
int ext2_read_directory(
	struct fk_volume *volume, uint64_t directory, uint64_t cookie, char *buffer, size_t size, size_t *used);
/* Adds an entry; the name must not be there. Times and link counts are the caller's. */
int ext2_add_entry(struct ext2_volume *volume, uint64_t directory, const char *name, uint64_t inode, unsigned mode);
/* Lets the entry `name` (may be "..") stand for another inode. */
int ext2_replace_entry(struct ext2_volume *volume, uint64_t directory, const char *name, uint64_t inode, unsigned mode);
int ext2_remove_entry(struct ext2_volume *volume, uint64_t directory, const char *name);
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

/* extended.c */
int ext2_get_extended(struct fk_volume *volume, uint64_t inode, const char *name, char *value, size_t *size);
int ext2_set_extended(
	struct fk_volume *volume, uint64_t inode, const char *name, const char *value, size_t size, unsigned flags);
int ext2_list_extended(struct fk_volume *volume, uint64_t inode, char *names, size_t *size);

/* seek.c */
int ext2_seek(struct fk_volume *volume, uint64_t inode, uint64_t offset, int data, uint64_t *found);

/* map.c */
/* The run of blocks of the file that begins with `block`, and ends at `end` at the latest. */
int ext2_map(struct ext2_volume *volume, uint64_t inode, union ext2_any_inode *data, uint64_t block, uint64_t end,
	struct ext2_run *run);
/*
 * The same for who reads on: what it found last stands until the inode changes or its blocks are freed. Not within an
 * operation that changes it.
 */
int ext2_map_again(struct ext2_volume *volume, uint64_t inode, union ext2_any_inode *data, uint64_t block,
	uint64_t end, struct ext2_run *run);
/* Is it a block that can hold contents? */
int ext2_is_block(struct ext2_volume *volume, uint64_t block);

/* data.c: contents; space.c: allocation and size */
int ext2_read(struct fk_volume *volume, uint64_t inode, uint64_t offset, size_t length, fk_emit_t emit, void *context);
int ext2_write(struct fk_volume *volume, uint64_t inode, uint64_t offset, void *pages, size_t length);
int ext2_allocate(struct fk_volume *volume, uint64_t inode, uint64_t offset, uint64_t length, uint64_t size);
int ext2_set_size(struct fk_volume *volume, uint64_t inode, uint64_t size);
int ext2_punch_range(struct fk_volume *volume, uint64_t inode, uint64_t offset, uint64_t length);
int ext2_trim(struct fk_volume *volume, uint64_t inode, int shrunk);
/* Frees the blocks from a block of the file to its end: in several operations when they are many and the inode is an
 * orphan. */
int ext2_punch(struct ext2_volume *volume, uint64_t inode, union ext2_any_inode *data, uint64_t first);
/* The largest size that the inode can have. */
uint64_t ext2_size_limit(struct ext2_volume *volume, const union ext2_any_inode *data);

#endif
