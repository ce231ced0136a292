/* Vnodes and their operations: what the files of all file systems have in common. */
#ifndef PERSONALITY_VNODE_H
#define PERSONALITY_VNODE_H

#include <servers/file_types.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

#include "base/list.h"
#include "call/call.h"

struct file;
struct file_table;
struct io;
struct mount;
struct vnode;

/* One entry of a directory; false: no more room, stop. cookie: where to go on after this one. */
typedef bool (*directory_emit)(void *context, const char *name, uint64_t inode, unsigned char type, uint64_t cookie);

/*
 * What a file system does. All run with the server lock held and may release it around RPCs. 0 or -errno; null: -EPERM
 * for changes, -EINVAL else. Names are single components, not "." or "..". No permissions are checked here (path.c and
 * the calls do).
 */
struct vnode_ops {
	int (*look_up)(struct vnode *directory, const char *name, struct vnode **out); /* out: a reference */
	int (*get_attributes)(struct vnode *vnode, file_attributes_t *out);
	/* The same without asking a server: see vnode_known. Null: as get_attributes. */
	int (*known_attributes)(struct vnode *vnode, file_attributes_t *out);
	int (*set_attributes)(struct vnode *vnode, unsigned which, const file_attributes_t *values); /* FILE_SET_* */
	/* An empty name: a regular file without one. */
	int (*create)(struct vnode *directory, const char *name, unsigned mode, uint64_t uid, uint64_t gid,
		uint64_t device, struct vnode **out);
	int (*symlink)(struct vnode *directory, const char *name, const char *target, uint64_t uid, uint64_t gid);
	int (*link)(struct vnode *vnode, struct vnode *directory, const char *name);
	int (*unlink)(struct vnode *directory, const char *name, bool is_directory);
	int (*rename)(struct vnode *directory, const char *name, struct vnode *to, const char *to_name, unsigned flags);
	/* Length of the target, which is cut at size; not terminated. */
	int (*read_link)(struct vnode *vnode, char *target, size_t size);
	/* A magic link of /proc (fd/N, exe, cwd): a reference to what it stands for. Null: an ordinary link. */
	int (*follow_link)(struct vnode *vnode, struct vnode **out);
	/* "." and ".." are among the entries. */
	int (*read_directory)(struct vnode *vnode, uint64_t cookie, directory_emit emit, void *context);
	/* Reads and writes of regular files; a write beyond the end extends. append: at the end, whatever *offset says;
	 * sets it. */
	int64_t (*read)(struct vnode *vnode, struct io *io, uint64_t offset);
	int64_t (*write)(struct vnode *vnode, struct io *io, uint64_t *offset, bool append);
	/* All of a read at once, without the server's lock, or CALL_NEEDS_LOCK. Null: not without it. */
	int64_t (*read_unlocked)(struct vnode *vnode, struct io *io, uint64_t offset);
	/*
	 * Extended attributes: the size of the value, or of all names (each ends in NUL), which fit; 0 from set, where no
	 * value removes. -ENODATA, -EEXIST, -ERANGE. Null: -EOPNOTSUPP.
	 */
	int (*get_extended)(struct vnode *vnode, const char *name, char value[FILE_ENTRIES_SIZE]);
	int (*set_extended)(struct vnode *vnode, const char *name, const char *value, uint64_t size, unsigned flags);
	int (*list_extended)(struct vnode *vnode, char names[FILE_ENTRIES_SIZE]);
	int (*memory_object)(struct vnode *vnode, mach_port_t *object); /* a send right for the caller */
	int (*sync)(struct vnode *vnode, bool data_only);
	/*
	 * A regular file's size; `space`: of a file that has this size nothing is to change but space beyond its end,
	 * which goes. Null: by set_attributes.
	 */
	int (*set_size)(struct vnode *vnode, struct call *call, uint64_t size, bool space);
	/* Space for a range, and this size if the file is smaller. Null: -EOPNOTSUPP. */
	int (*allocate)(struct vnode *vnode, struct call *call, uint64_t offset, uint64_t length, uint64_t size);
	/* Whole pages get no space and read as zeros. Null: -EOPNOTSUPP. */
	int (*punch)(struct vnode *vnode, struct call *call, uint64_t offset, uint64_t length);
	/* From an offset before the end on: where there is contents, or (data false) none. -ENXIO. Null: all is contents. */
	int (*seek)(struct vnode *vnode, uint64_t offset, bool data, uint64_t *found);
	/* A writer has closed it: what was asked for ahead goes back. Null: nothing was. */
	void (*trim)(struct vnode *vnode);
	/* Another file description than the usual one: fills *file (ops, data, seekable). Null: the usual. */
	int (*open)(struct call *call, struct vnode *vnode, struct file *file);
	/* Whether the caller may do all with it, whatever the bits say. Null: never. */
	bool (*always_allows)(const struct call *call, const struct vnode *vnode);
	void (*release)(struct vnode *vnode); /* the last reference is gone; frees it */
};

/*
 * A file, directory or special file as long as anybody uses it. One vnode per file of a mount: path.c and the mounts
 * keep that (the trees of /proc and /dev may make several).
 */
struct vnode {
	unsigned references;
	const struct vnode_ops *ops;
	struct mount *mount;
	unsigned mode; /* type and permissions (kept up to date by set_attributes) */
	uint64_t inode;
	uint64_t device;       /* of special files: makedev(major, minor) as st_rdev */
	void *data;            /* the file system's own */
	struct mount *mounted; /* what is mounted on it, or null */
	/* Where it was found last (path.c sets both): ".." of directories, and what path_of shows. */
	struct vnode *parent; /* a reference, or null: a root, or not known */
	char *name;           /* in parent */
	/* What lives while the file is open, wherever it is opened from. */
	void *pipe;        /* FIFO: pipe.c's */
	void *socket;      /* bound socket: socket.c's */
	struct list locks; /* record locks and flock */
	struct wait_queue lock_queue; /* calls that wait for one */
	/* A regular file is either run or written, as on Linux: the other is ETXTBSY. */
	unsigned runners; /* processes that run it, and calls that are about to */
	unsigned writers; /* files open for writing, */
	unsigned opened;  /* and all that are open, but for O_PATH */
	struct list leases;  /* lease.c's */
	struct list watches; /* notify.c's, */
	unsigned watchers;   /* and how many: each has a reference */
	void *segment;       /* of shared memory, whose memory it is: sysvshm.c's */
	bool sealable;       /* memfd.c's */
	unsigned seals;      /* F_SEAL_*, */
	unsigned shared_writers; /* and the mappings that may write to it */
	bool no_capabilities;    /* it surely has no security.capability */
	bool linkable;    /* made without a name, and may be given one */
	struct write_failures failures;
};

#define VNODE_TYPE(vnode) ((vnode)->mode & S_IFMT)

void vnode_init(struct vnode *vnode, const struct vnode_ops *ops, struct mount *mount, unsigned mode, uint64_t inode);
struct vnode *vnode_reference(struct vnode *vnode);
/* The same for who runs it, and the end of that (null passes). */
struct vnode *vnode_run(struct vnode *vnode);
void vnode_run_end(struct vnode *vnode);
void vnode_release(struct vnode *vnode); /* null is harmless */
/* To the medium: ops->sync, its failures noted. May release the server lock; the caller has a reference. */
int vnode_sync(struct vnode *vnode, bool data_only);
/* Notes where a vnode stands now; both null: nowhere any more. */
void vnode_set_place(struct vnode *vnode, struct vnode *parent, const char *name);

/*
 * Record locks (fcntl F_SETLK and so on). A table's end when it closes any descriptor of the file, and so with its
 * process; those of an open file (OFD, flock) end with it.
 */
int64_t vnode_lock_control(struct call *call, struct file *file, int command, uint64_t argument);
void vnode_locks_closed(const struct file_table *table, struct vnode *vnode);
void vnode_locks_end(const struct file *file);

/* F_SETLEASE, F_GETLEASE; the file goes, and its lease with it. */
int64_t vnode_lease_control(struct call *call, struct file *file, int fd, int command, uint64_t argument);
void vnode_lease_end(const struct file *file);
/* Somebody opens the file, perhaps to change it: those with leases that forbid it hear of it, and are waited for. 0,
 * -EAGAIN (not to wait), CALL_ERROR_RESTART. */
int vnode_lease_break(struct call *call, struct vnode *vnode, bool write, bool wait);

/* F_ADD_SEALS, F_GET_SEALS. */
int64_t vnode_seal_control(struct file *file, int command, uint64_t argument);
/* -EPERM when seals forbid to write, or to make the file so large. */
int vnode_check_seals(const struct vnode *vnode, uint64_t size, bool write);

/*
 * What decides who may do what: type, mode, owner, group and size are right, and links are 0 for a directory that was
 * removed; the rest may be old. 0 or -errno.
 */
static inline int vnode_known(struct vnode *vnode, file_attributes_t *out)
{
	return (vnode->ops->known_attributes != NULL ? vnode->ops->known_attributes : vnode->ops->get_attributes)(
		vnode, out);
}

#endif
