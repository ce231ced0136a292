/*
 * A directory's blocks: what directory.c (the operations), leaf.c (entries in one block) and htree.c (the index over the
 * blocks) share. ext4 disk layout, "Directory Entries".
 */
#ifndef EXT2_DIRECTORY_H
#define EXT2_DIRECTORY_H

#include "pagers/ext2/ext2.h"

#include <stdbool.h>

/* Read at the beginning of an operation and good until its end: nothing else changes the directory meanwhile. */
struct ext2_directory {
	struct ext2_volume *volume;
	ext2_ino_t inode;
	union ext2_any_inode data;
	uint64_t blocks;
};

/* One block in memory. Zeroed is empty. */
struct dir_block {
	uint64_t logical;
	blk64_t physical;
	char *contents;
};

struct dir_name {
	const char *name;
	size_t length;
};

/* An entry with the place that its name has in the order of hashes. */
struct dir_hashed {
	uint32_t hash, minor;
	struct ext2_dir_entry *entry;
};

/* --- directory.c. 0 or an errno. */
int ext2_dir_open(struct ext2_volume *volume, uint64_t inode, struct ext2_directory *directory);
/* Reads a block in place of what *block held. ENOENT: a hole. */
int ext2_dir_read(struct ext2_directory *directory, uint64_t logical, struct dir_block *block);
int ext2_dir_write(struct ext2_directory *directory, const struct dir_block *block);
/* A new block at the directory's end, without entries, not written yet. */
int ext2_dir_append(struct ext2_directory *directory, struct dir_block *block);
void ext2_dir_release(struct dir_block *block);

/* --- leaf.c */
/* The entry at *offset, which moves behind it; null at the end, and with *error = EIO where the block is damaged. */
struct ext2_dir_entry *ext2_leaf_next(ext2_filsys fs, char *block, unsigned *offset, int *error);
/* The entry of the name, and the one in front of it in the block (null: none). 0, ENOENT, EIO. */
int ext2_leaf_find(ext2_filsys fs, char *block, struct dir_name name, struct ext2_dir_entry **found,
	struct ext2_dir_entry **before);
/* 0, ENOSPC: it does not fit; EIO. */
int ext2_leaf_add(ext2_filsys fs, char *block, struct dir_name name, uint64_t inode, int type);
void ext2_leaf_remove(ext2_filsys fs, struct ext2_dir_entry *entry, struct ext2_dir_entry *before);
/* The block has these entries, in this order, and no others. They lie elsewhere and fit. */
void ext2_leaf_fill(ext2_filsys fs, char *block, const struct dir_hashed *entries, size_t count);
/* The bytes that it takes. */
unsigned ext2_leaf_needs(const struct ext2_dir_entry *entry);
bool ext2_is_dots(const struct ext2_dir_entry *entry);

/* --- htree.c */
/* Is there an index? And: shall the entries be listed in the order of hashes (also where one may still be made)? */
bool ext2_is_indexed(const struct ext2_directory *directory);
bool ext2_is_hashed(const struct ext2_directory *directory);
/* The block that has the name, with what ext2_leaf_find says of it. ENOENT, EIO. */
int ext2_htree_find(struct ext2_directory *directory, struct dir_name name, struct dir_block *block,
	struct ext2_dir_entry **found, struct ext2_dir_entry **before);
/* Adds a name that is not there. ENOSPC: the disk or the index is full. */
int ext2_htree_add(struct ext2_directory *directory, struct dir_name name, uint64_t inode, int type);
/* Makes an index over a directory of one block. */
int ext2_htree_make(struct ext2_directory *directory);

/* The entries from a hash on, as many as lie together: sorted, none of them with a hash that a later one has as well. */
struct dir_hashed_list {
	struct dir_hashed *entries;
	size_t count;
	struct dir_block *blocks; /* where they lie */
	size_t block_count;
	bool more;
	uint32_t next; /* the hash to go on with */
};

int ext2_htree_list(struct ext2_directory *directory, uint32_t hash, struct dir_hashed_list *list);
void ext2_htree_list_free(struct dir_hashed_list *list);

#endif
