/* What a kind of file system gives to the file kit: files by inode number, contents by the page, nothing of ports. */
#ifndef FILEKIT_BACKEND_H
#define FILEKIT_BACKEND_H

#include "pagers/kit/pages.h"

#include <servers/file_types.h>
#include <stddef.h>
#include <stdint.h>

#define FK_PAGE_SIZE     4096u
#define FK_ROUND_PAGE(n) (((n) + (FK_PAGE_SIZE - 1)) & ~(uint64_t)(FK_PAGE_SIZE - 1))

struct fk_volume;

/*
 * Takes a piece of a file: `size` bytes, a multiple of the page, in memory from pk_pages_allocate that now belongs to
 * the callee, or a null pointer for zeros, or FK_HOLE for zeros that have no space yet: before such a page is written
 * the kit calls allocate(). Pieces come in order and without gaps.
 */
#define FK_HOLE ((void *)1)
typedef void (*fk_emit_t)(void *context, uint64_t offset, void *pages, size_t size);

/*
 * A file system. Every function is called with the volume's lock held, one at a time, and returns 0 or an errno of
 * Linux. Names and targets end in NUL and fit FILE_NAME_LENGTH and PATH_MAX; the callee checks what they say. An inode
 * without links lives until forget().
 */
struct fk_operations {
	uint64_t root; /* inode number */

	int (*info)(struct fk_volume *volume, struct file_system_info *info);
	int (*sync)(struct fk_volume *volume); /* all that was written is on the medium */
	/* Null: as sync(). What was written to the file is on the medium, and, unless data_only, all that is said of
	 * it. */
	int (*sync_file)(struct fk_volume *volume, uint64_t inode, int data_only);
	int (*stop)(struct fk_volume *volume); /* the same, marked clean; every change is refused from now on */

	/* What was called since the last commit is one operation, and complete. Null: nothing to do. */
	void (*commit)(struct fk_volume *volume);

	int (*look_up)(struct fk_volume *volume, uint64_t directory, const char *name, uint64_t *inode);
	int (*get_attributes)(struct fk_volume *volume, uint64_t inode, struct file_attributes *attributes);
	/* All but the size. */
	int (*set_attributes)(
		struct fk_volume *volume, uint64_t inode, unsigned which, const struct file_attributes *values);
	/* Sets the size, and nothing else: what lies beyond is still allocated and is freed by trim(). */
	int (*set_size)(struct fk_volume *volume, uint64_t inode, uint64_t size);
	/* Frees what lies beyond the size. shrunk: the rest of the last block is set to zero as well. */
	int (*trim)(struct fk_volume *volume, uint64_t inode, int shrunk);
	int (*allocate)(struct fk_volume *volume, uint64_t inode, uint64_t offset, uint64_t length, uint64_t size);
	/* Whole pages get no space and zeros. */
	int (*punch)(struct fk_volume *volume, uint64_t inode, uint64_t offset, uint64_t length);
	/* The first byte from the offset on that has contents, or none; all that was written is here. ENXIO. */
	int (*seek)(struct fk_volume *volume, uint64_t inode, uint64_t offset, int data, uint64_t *found);
	/* An empty name: a regular file without links, in the directory's neighbourhood. */
	int (*create)(struct fk_volume *volume, uint64_t directory, const char *name,
		const struct file_attributes *values, uint64_t *inode);
	int (*symlink)(struct fk_volume *volume, uint64_t directory, const char *name, const char *target, uint64_t uid,
		uint64_t gid, uint64_t *inode);
	int (*read_link)(struct fk_volume *volume, uint64_t inode, char *target, size_t size);
	int (*link)(struct fk_volume *volume, uint64_t inode, uint64_t directory, const char *name);
	/* victim: the inode that lost a link, 0 when none did. */
	int (*unlink)(
		struct fk_volume *volume, uint64_t directory, const char *name, int is_directory, uint64_t *victim);
	int (*rename)(struct fk_volume *volume, uint64_t directory, const char *name, uint64_t to_directory,
		const char *to_name, unsigned flags, uint64_t *victim);
	/* Extended attributes; *size: the room, then what is there. set: no value removes it (ENODATA). ERANGE, ENOSPC. */
	int (*get_extended)(struct fk_volume *volume, uint64_t inode, const char *name, char *value, size_t *size);
	int (*set_extended)(struct fk_volume *volume, uint64_t inode, const char *name, const char *value, size_t size,
		unsigned flags);
	int (*list_extended)(struct fk_volume *volume, uint64_t inode, char *names, size_t *size);
	/* struct file_entry records after the cookie into buffer; *used bytes, 0 at the end. */
	int (*read_directory)(
		struct fk_volume *volume, uint64_t directory, uint64_t cookie, char *buffer, size_t size, size_t *used);

	/* Contents; offset and length are multiples of the page. On an error what was not emitted is not there. */
	int (*read)(struct fk_volume *volume, uint64_t inode, uint64_t offset, size_t length, fk_emit_t emit,
		void *context);
	/* Consumes the pages, unless there is an error. What lies beyond the size is dropped. */
	int (*write)(struct fk_volume *volume, uint64_t inode, uint64_t offset, void *pages, size_t length);

	/* Nobody holds the file any more: an inode without links is freed, space kept beyond the size is given back. */
	void (*forget)(struct fk_volume *volume, uint64_t inode);
};

struct fk_volume {
	const struct fk_operations *operations;
	/* Pages move to the kernel and must come back even when clean: the pager keeps no copy. */
	int precious;
	/* The next instance has the same files, by the same numbers, as after the last commit. */
	int lasting;
	/* The kit's. */
	int write_error; /* of any file's pages since a sync of the volume last said so */
};

/* Checks one component of a path: 0, ENOENT (empty), ENAMETOOLONG, EINVAL (a slash). */
int fk_check_name(const char *name);

/* Appends a record to a directory buffer; 0 when it does not fit. */
int fk_add_entry(char *buffer, size_t size, size_t *used, uint64_t inode, uint64_t cookie, unsigned type,
	const char *name, size_t length);

/* Nanoseconds since 1970. */
int64_t fk_now(void);

/* DT_* of a mode. */
unsigned fk_entry_type(uint64_t mode);

#endif
