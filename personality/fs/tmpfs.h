/* tmpfs: files in memory. Names and attributes are kept by this server, contents are memory of the kernel's. */
/*
 * A file's contents are a memory object with a size (sized_memory_create), made at the first need. Its pages are on the
 * account of the mount, which limits them whether they are written by calls or by mappings, and which has not the
 * reserve, so that they go out to swap. Files without a name that no mount has (memfd, segments of System V, the vdso's)
 * are on the account of the user who makes them.
 *
 * The kernel's size of an object may be larger than the file's, so that a growing file costs no call each time, as long
 * as no process maps it; from then on (`exact`) it is the file's in whole pages, and what is beyond is SIGBUS.
 * A file that is not `sparse` has all of its pages.
 *
 * A node with links stays without references: its vnode's count may be 0. It goes with the last of both, and the tree with
 * its mount, when that is off and nobody uses its root any more.
 *
 * All of it is under the server's lock, which is released while a copy waits for a page.
 */
#ifndef PERSONALITY_TMPFS_H
#define PERSONALITY_TMPFS_H

#include "base/table.h"
#include "fs/contents.h"
#include "vfs/vfs.h"

struct tmpfs_node;

/* A name in a folder. */
struct tmpfs_entry {
	struct table_link link; /* of the folder's names */
	struct tmpfs_node *node;
	uint32_t slot;
	char name[];
};

/* What getdents goes by: a place that an entry keeps as long as it is there. */
union tmpfs_slot {
	uint64_t entry;     /* address of a struct tmpfs_entry; */
	uint64_t next_free; /* or odd: twice the number of the next free slot, and one */
};

struct tmpfs_folder {
	struct tmpfs_node *parent; /* the root's: itself */
	struct table names;
	union tmpfs_slot *slot;
	uint32_t slots, room;
	uint32_t free; /* the first free one, or TMPFS_NO_SLOT */
};
#define TMPFS_NO_SLOT (UINT32_MAX >> 1)

struct tmpfs_extended;

struct tmpfs_node {
	struct vnode vnode;           /* first */
	file_attributes_t attributes; /* blocks of regular files is not kept */
	struct tmpfs_extended *extended;
	union {
		struct tmpfs_folder *folder;
		char *target; /* of a symbolic link */
		struct {
			struct contents contents;
			uint64_t object_size; /* as the kernel knows it */
			bool exact, sparse;
			bool pages_known; /* it has so many: */
			uint64_t pages;
			struct list mapped; /* of all that are mapped into the server, the one used longest ago first */
		};
	};
};

struct tmpfs_mount {
	mach_port_t account; /* null: the maker's */
	uint64_t page_limit, inode_limit, inodes, next_inode;
};

static inline struct tmpfs_node *tmpfs_node_of(struct vnode *vnode)
{
	return (struct tmpfs_node *)vnode;
}
static inline struct tmpfs_mount *tmpfs_of(const struct mount *mount)
{
	return mount->data;
}
static inline bool tmpfs_is_folder(const struct tmpfs_node *node)
{
	return S_ISDIR(node->vnode.mode);
}

/* --- tmpfs.c: mounts, nodes, attributes. */
/*
 * The root of a new file system for the mount: a reference. options: size=BYTES[kmg%], nr_blocks=, nr_inodes= (half of
 * memory, and as many files as half of its pages), mode=, uid=, gid=; null: none. 0, -EINVAL, -ENOMEM.
 */
int tmpfs_root(struct mount *mount, const char *options, struct vnode **root);
/* Other limits, not below what is there. */
int tmpfs_remount(struct mount *mount, const char *options);
bool tmpfs_is(const struct mount *mount);
/* Before vnode_create_unnamed (vfs_internal.h). False: no memory. */
bool tmpfs_start(void);
/* A node without links; null: no memory, or as many files as there may be. */
struct tmpfs_node *tmpfs_node_make(struct mount *mount, unsigned mode, uint64_t uid, uint64_t gid);
/* Nobody uses it and no folder has it. */
void tmpfs_node_destroy(struct tmpfs_node *node);
struct vnode *tmpfs_node_use(struct tmpfs_node *node);
/* Its contents or names have changed. */
void tmpfs_node_changed(struct tmpfs_node *node);

/* --- tmpfs_names.c: folders. -errno as vnode_ops says. */
int tmpfs_look_up(struct vnode *directory, const char *name, struct vnode **out);
int tmpfs_create(struct vnode *directory, const char *name, unsigned mode, uint64_t uid, uint64_t gid, uint64_t device,
	struct vnode **out);
int tmpfs_symlink(struct vnode *directory, const char *name, const char *target, uint64_t uid, uint64_t gid);
int tmpfs_link(struct vnode *vnode, struct vnode *directory, const char *name);
int tmpfs_unlink(struct vnode *directory, const char *name, bool is_directory);
int tmpfs_rename(struct vnode *directory, const char *name, struct vnode *to, const char *to_name, unsigned flags);
int tmpfs_read_link(struct vnode *vnode, char *target, size_t size);
int tmpfs_read_directory(struct vnode *vnode, uint64_t cookie, directory_emit emit, void *context);
/* Makes the folder of a node; false: no memory. */
bool tmpfs_folder_make(struct tmpfs_node *node);
/* Of a folder that has no entries. */
void tmpfs_folder_end(struct tmpfs_node *node);
/* Takes any entry out, whose node has lost a link then: that node, or null when there is none. */
struct tmpfs_node *tmpfs_folder_take(struct tmpfs_node *node);

/* --- tmpfs_data.c: contents. */
int64_t tmpfs_read(struct vnode *vnode, struct io *io, uint64_t offset);
int64_t tmpfs_read_unlocked(struct vnode *vnode, struct io *io, uint64_t offset);
int64_t tmpfs_write(struct vnode *vnode, struct io *io, uint64_t *offset, bool append);
int tmpfs_memory_object(struct vnode *vnode, mach_port_t *object);
int tmpfs_set_size(struct vnode *vnode, struct call *call, uint64_t size, bool space);
int tmpfs_allocate(struct vnode *vnode, struct call *call, uint64_t offset, uint64_t length, uint64_t size);
int tmpfs_punch(struct vnode *vnode, struct call *call, uint64_t offset, uint64_t length);
int tmpfs_seek(struct vnode *vnode, uint64_t offset, bool data, uint64_t *found);
uint64_t tmpfs_pages(struct tmpfs_node *node);
/* The memory of a file on an account (borrowed), before anybody writes to it. 0 or -ENOMEM. */
int tmpfs_contents_make(struct tmpfs_node *node, mach_port_t account, uint64_t size);
void tmpfs_contents_end(struct tmpfs_node *node);

/* --- tmpfs_extended.c */
int tmpfs_get_extended(struct vnode *vnode, const char *name, char value[FILE_ENTRIES_SIZE]);
int tmpfs_set_extended(struct vnode *vnode, const char *name, const char *value, uint64_t size, unsigned flags);
int tmpfs_list_extended(struct vnode *vnode, char names[FILE_ENTRIES_SIZE]);
void tmpfs_extended_end(struct tmpfs_node *node);

#endif
