/* Files of file servers (pagers/ext2, pagers/ram): their vnodes and what the server keeps of them. */
/*
 * This server is the only client of its file servers, so what it knows of a file stays true until it changes it itself:
 * attributes and names are cached without asking again.
 *
 * A node is one file of a mount, found by its inode number. States:
 *
 *   used      its vnode has references.
 *   cached    none; on the list of unused nodes, found again by a look-up. The cleaner takes the oldest when there are
 * too many, and those without links at once. gone      taken out of the tables by the cleaner, its port given back,
 * freed.
 *
 * The server lock covers all of it and is released while a fiber waits for an answer (ASK, filerpc.h). `busy` marks a
 * node whose size or space changes during an RPC; calls that need to change it too wait on busy_queue and begin again.
 * Everything else that comes back from an RPC is checked against what happened meanwhile: a directory's `version` says
 * whether its names changed.
 */
#ifndef PERSONALITY_FILEFS_H
#define PERSONALITY_FILEFS_H

#include "fs/contents.h"
#include "vfs/vfs.h"

struct file_node {
	struct vnode vnode; /* first */
	struct file_node *hash_next;
	struct list unused; /* of unused nodes, oldest first */
	mach_port_t port;   /* send right */

	file_attributes_t attributes; /* size, times and mode: always right here; see stale */
	bool stale;                   /* links, blocks and the server's own times have to be asked for */
	bool times_dirty;             /* access and modification time are newer here */

	bool busy;
	struct wait_queue busy_queue;
	uint64_t allocated_from, allocated_to; /* known to have blocks: writing there needs no RPC */

	struct contents contents; /* its object null: not asked for yet */

	struct list names;    /* struct file_name, by file_name.of_node: entries that name it */
	struct list children; /* by file_name.of_directory: entries of this directory that are known */
	uint32_t version;     /* of its names */
	char *target;         /* of a link, once read */
};

/* An entry of a directory that is known: what stands there, or (node null) that nothing does. */
struct file_name {
	struct file_name *hash_next;
	struct list used; /* of all, least recently used first */
	struct list of_directory, of_node;
	struct file_node *directory, *node;
	char text[];
};

static inline struct file_node *file_node_of(struct vnode *vnode)
{
	return (struct file_node *)vnode;
}

/* --- filefs.c: nodes. */
/* The vnode for a port and attributes that a server answered with, a reference; consumes the right. Null: no memory. */
struct vnode *filefs_vnode(struct mount *mount, mach_port_t port, const file_attributes_t *attributes);
/* A reference to the vnode of a node that may be unused. */
struct vnode *file_node_use(struct file_node *node);
bool filefs_is(const struct vnode *vnode);
/* Forgets what is known of the mount's files and asks anew: when it cannot be told what became of changes. */
void filefs_distrust(struct mount *mount);
/*
 * A file's port was dead. When it is the root's, too, and the service is not, its server is another one that has none
 * of the files (pagers/ram): the root is looked up anew. Files of the one before give EIO as long as somebody has them
 * open.
 */
void filefs_port_died(struct mount *mount);
/* Writes times back and gives back space beyond the end, of all files of the mount. */
void filefs_write_back(struct mount *mount);
void file_node_write_back(struct file_node *node);
/* The same, if there is such space. */
void file_node_trim(struct file_node *node);
/* Attributes of the caller's file, through the cache. */
int file_node_attributes(struct file_node *node, file_attributes_t *out);
/* The attributes that a server answered with: all but what is newer here. */
void file_node_take(struct file_node *node, const file_attributes_t *attributes);
/* Takes a turn at changing size or space. 0, or CALL_ERROR_RESTART: the call waits (without a call: -EBUSY). */
int file_node_begin(struct file_node *node, struct call *call);
void file_node_end(struct file_node *node);
int file_node_set_size(struct file_node *node, uint64_t size);

/* --- filefs_names.c: entries. */
/* The known entry; null: nothing known. */
struct file_name *file_name_find(struct file_node *directory, const char *text);
/* Notes what stands under a name; node null: nothing. */
void file_name_enter(struct file_node *directory, const char *text, struct file_node *node);
void file_name_forget(struct file_name *name);
/* All entries in it and of it. */
void file_names_forget(struct file_node *node);

extern const struct vnode_ops filefs_ops;
int filefs_look_up(struct vnode *directory, const char *name, struct vnode **out);
int filefs_create(struct vnode *directory, const char *name, unsigned mode, uint64_t uid, uint64_t gid, uint64_t device,
	struct vnode **out);
int filefs_symlink(struct vnode *directory, const char *name, const char *target, uint64_t uid, uint64_t gid);
int filefs_link(struct vnode *vnode, struct vnode *directory, const char *name);
int filefs_unlink(struct vnode *directory, const char *name, bool is_directory);
int filefs_rename(struct vnode *directory, const char *name, struct vnode *to, const char *to_name, unsigned flags);
int filefs_read_link(struct vnode *vnode, char *target, size_t size);
int filefs_read_directory(struct vnode *vnode, uint64_t cookie, directory_emit emit, void *context);

int filefs_get_extended(struct vnode *vnode, const char *name, char value[FILE_ENTRIES_SIZE]);
int filefs_set_extended(struct vnode *vnode, const char *name, const char *value, uint64_t size, unsigned flags);
int filefs_list_extended(struct vnode *vnode, char names[FILE_ENTRIES_SIZE]);

/* --- filefs_data.c: contents. */
int64_t filefs_read(struct vnode *vnode, struct io *io, uint64_t offset);
int64_t filefs_read_unlocked(struct vnode *vnode, struct io *io, uint64_t offset);
int64_t filefs_write(struct vnode *vnode, struct io *io, uint64_t *offset, bool append);
int filefs_memory_object(struct vnode *vnode, mach_port_t *object);
/* Space for a range without changing the size beyond `size`. */
int filefs_allocate(struct vnode *vnode, struct call *call, uint64_t offset, uint64_t length, uint64_t size);
int filefs_punch(struct vnode *vnode, struct call *call, uint64_t offset, uint64_t length);
int filefs_seek(struct vnode *vnode, uint64_t offset, bool data, uint64_t *found);

#endif
