/* Files in memory (tmpfs) behind the file kit: what the files of pagers/ram share. */
#ifndef RAM_RAM_H
#define RAM_RAM_H

#include "pagers/filekit/backend.h"

#include <errno.h>
#include <stdbool.h>
#include <sys/stat.h>

struct ram_node;
struct ram_extended;

/* A name in a directory: in the directory's list, in the order of making, and in the table of all names. */
struct ram_entry {
	struct ram_entry *next, *previous;
	struct ram_entry *next_in_table;
	struct ram_node *directory, *node;
	uint64_t cookie;
	char name[];
};

enum { RAM_TABLE_BITS = 6, RAM_TABLE_SIZE = 1 << RAM_TABLE_BITS, RAM_LEVELS = 6 };
#define RAM_SIZE_LIMIT ((uint64_t)FK_PAGE_SIZE << (RAM_LEVELS * RAM_TABLE_BITS))

struct ram_node {
	struct ram_node *next_in_table;    /* of all nodes, by inode number */
	struct file_attributes attributes; /* blocks is not kept: see `pages` */
	/* directories */
	struct ram_node *parent;
	struct ram_entry *first, *last;
	uint64_t next_cookie;
	/* symbolic links */
	char *target;
	struct ram_extended *extended;
	/* Regular files: a tree of tables, as high as the file is long, the pages at its leaves; of height 0, the leaf
	 * of page 0. A leaf is null, RAM_RESERVED (accounted for; zeros, unless the kernel has written some),
	 * RAM_LENT (the kernel has the page) or the page itself. */
	void *tree;
	unsigned height;
	uint64_t pages; /* leaves that are not null */
};

#define RAM_RESERVED ((void *)1)
#define RAM_LENT     ((void *)2)

struct ram_volume {
	struct fk_volume base;
	uint64_t page_limit, pages;
	uint64_t extended_bytes; /* attributes; they count as pages do */
	uint64_t node_limit, nodes;
	uint64_t next_inode;
	bool stopped;
};

/* One volume in a program. */
struct ram_volume *ram_open(uint64_t size_limit);
void ram_close(struct ram_volume *volume);
/* New files get numbers from this one on. */
void ram_number_from(struct ram_volume *volume, uint64_t first);

/* volume.c */
struct ram_node *ram_find(uint64_t inode);
/* A node without links or name; null: no memory or no more files. */
struct ram_node *ram_new_node(struct ram_volume *volume, uint64_t mode, uint64_t uid, uint64_t gid);
/* Of the volume's size. */
uint64_t ram_bytes_left(const struct ram_volume *volume);
void ram_free_node(struct ram_volume *volume, struct ram_node *node);

/* names.c */
int ram_look_up(struct fk_volume *volume, uint64_t directory, const char *name, uint64_t *inode);
int ram_create(struct fk_volume *volume, uint64_t directory, const char *name, const struct file_attributes *values,
	uint64_t *inode);
int ram_symlink(struct fk_volume *volume, uint64_t directory, const char *name, const char *target, uint64_t uid,
	uint64_t gid, uint64_t *inode);
int ram_link(struct fk_volume *volume, uint64_t inode, uint64_t directory, const char *name);
int ram_unlink(struct fk_volume *volume, uint64_t directory, const char *name, int is_directory, uint64_t *victim);
int ram_rename(struct fk_volume *volume, uint64_t directory, const char *name, uint64_t to_directory,
	const char *to_name, unsigned flags, uint64_t *victim);
int ram_read_directory(
	struct fk_volume *volume, uint64_t directory, uint64_t cookie, char *buffer, size_t size, size_t *used);
void ram_free_entries(struct ram_node *directory);

/* extended.c */
int ram_get_extended(struct fk_volume *volume, uint64_t inode, const char *name, char *value, size_t *size);
int ram_set_extended(
	struct fk_volume *volume, uint64_t inode, const char *name, const char *value, size_t size, unsigned flags);
int ram_list_extended(struct fk_volume *volume, uint64_t inode, char *names, size_t *size);
void ram_free_extended(struct ram_volume *volume, struct ram_node *node);

/* pages.c */
int ram_read(struct fk_volume *volume, uint64_t inode, uint64_t offset, size_t length, fk_emit_t emit, void *context);
int ram_write(struct fk_volume *volume, uint64_t inode, uint64_t offset, void *pages, size_t length);
int ram_allocate(struct fk_volume *volume, uint64_t inode, uint64_t offset, uint64_t length, uint64_t size);
int ram_set_size(struct fk_volume *volume, uint64_t inode, uint64_t size);
int ram_trim(struct fk_volume *volume, uint64_t inode, int shrunk);
int ram_punch(struct fk_volume *volume, uint64_t inode, uint64_t offset, uint64_t length);
int ram_seek(struct fk_volume *volume, uint64_t inode, uint64_t offset, int data, uint64_t *found);
/* Frees pages [first, end) of the file; UINT64_MAX: to its end. */
void ram_free_pages(struct ram_volume *volume, struct ram_node *node, uint64_t first, uint64_t end);

#endif
