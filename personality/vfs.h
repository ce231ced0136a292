/* Vnodes, their operations, mounts and path lookup. */
/*
 * Where the calls on files are: descriptors, reading, writing, pipes, terminals, sockets, poll in io.c, fd.c, pipe.c
 * and others; the calls by path or on a vnode (open stat access chdir mkdir link unlink rename symlink readlink chmod
 * chown mknod truncate fallocate fsync sync utime statfs getdents mount umask flock xattr fadvise, and their *at forms)
 * in the vfs files.
 */
#ifndef PERSONALITY_VFS_H
#define PERSONALITY_VFS_H

#include <servers/file_types.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

#include "call.h"
#include "file.h"
#include "filerpc.h"

struct vnode;
struct mount;
struct credentials;

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
	int (*set_attributes)(struct vnode *vnode, unsigned which, const file_attributes_t *values); /* FILE_SET_* */
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
	int (*memory_object)(struct vnode *vnode, mach_port_t *object); /* a send right for the caller */
	int (*sync)(struct vnode *vnode, bool data_only);
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
	struct mount *mounted; /* mounted on this directory, or null */
	/* Where it was found last (path.c sets both): ".." of directories, and what path_of shows. */
	struct vnode *parent; /* a reference, or null: a root, or not known */
	char *name;           /* in parent */
	/* What lives while the file is open, wherever it is opened from. */
	void *pipe;        /* FIFO: pipe.c's */
	void *socket;      /* bound socket: socket.c's */
	struct list locks; /* record locks and flock */
	/* A regular file is either run or written, as on Linux: the other is ETXTBSY. */
	unsigned runners; /* processes that run it, and calls that are about to */
	unsigned writers; /* files open for writing */
};

#define VNODE_TYPE(vnode) ((vnode)->mode & S_IFMT)

void vnode_init(struct vnode *vnode, const struct vnode_ops *ops, struct mount *mount, unsigned mode, uint64_t inode);
struct vnode *vnode_reference(struct vnode *vnode);
/* The same for who runs it, and the end of that (null passes). */
struct vnode *vnode_run(struct vnode *vnode);
void vnode_run_end(struct vnode *vnode);
void vnode_release(struct vnode *vnode); /* null is harmless */
/* Notes where a vnode stands now; both null: nowhere any more. */
void vnode_set_place(struct vnode *vnode, struct vnode *parent, const char *name);

/* --- Mounts. */
struct mount {
	struct list link; /* of all mounts, in order */
	struct vnode *root;
	struct vnode *covered; /* null: the root of everything */
	uint64_t device;       /* st_dev */
	char source[64];       /* as /proc/mounts shows it */
	char target[256];
	char type[16];
	unsigned flags;      /* MS_RDONLY ... */
	mach_port_t service; /* of a file server, or null */
	struct filerpc_mount rpc;
	bool finding_root;  /* filefs_port_died */
	struct list unused; /* struct file_node, oldest first; filefs.c's */
	unsigned unused_count;
	bool cleaning;  /* a fiber gives unused nodes back */
	bool off;       /* not mounted any more */
	uint64_t order; /* of mounting, from 1 */
	int (*info)(struct mount *mount, file_system_info_t *out);
};

extern struct list mounts;

/* For loops that release the lock: what was mounted next after the mount (null: the first), or null. */
struct mount *mount_after(const struct mount *mount);
/* Mounts a tree; root's reference is consumed. target: absolute path of an existing directory, "/" first of all. */
int mount_tree(const char *source, const char *target, const char *type, unsigned flags, struct vnode *root,
	int (*info)(struct mount *mount, file_system_info_t *out), mach_port_t service);
/* Writes back what is dirty, and has the file server write all of it to its medium. May release the lock. */
int sync_mount(struct mount *mount);
/* file_system_stop on all, before power off. */
void mounts_stop(void);
/* The mounts of an ordinary start: the root file system, /proc, /dev, /tmp, /run. 0 or -errno. */
int mounts_start(void);
/* Roots of the server's own trees (procfs.c, devfs.c), a reference. */
struct vnode *procfs_root(struct mount *mount);
struct vnode *devfs_root(struct mount *mount);

/* --- Paths. A process's own view: root, working directory, umask. Shared by threads (CLONE_FS), copied by fork. */
struct fs_context {
	unsigned references;
	struct vnode *root;
	struct vnode *cwd;
	unsigned umask;
};

struct fs_context *fs_context_create(struct vnode *root);
struct fs_context *fs_context_copy(const struct fs_context *context);
void fs_context_release(struct fs_context *context);

enum {
	PATH_NOFOLLOW = 1,  /* a link at the end is the result */
	PATH_PARENT = 2,    /* stop at the parent; the last component goes to `last` */
	PATH_EMPTY = 4,     /* AT_EMPTY_PATH */
	PATH_DIRECTORY = 8, /* must be a directory */
};

#define PATH_LENGTH 4096

/*
 * Looks a path up for the caller: from dirfd (AT_FDCWD, or a descriptor of a directory), with its root, its permissions
 * to search, mounts and links (40 at most: ELOOP). *out gets a reference. With PATH_PARENT `last` (NAME_MAX + 1 bytes)
 * gets the last component, "." or ".." possibly, and *must_be_directory whether slashes follow it.
 */
int path_look_up(struct call *call, int dirfd, const char *path, unsigned flags, struct vnode **out);
int path_look_up_parent(
	struct call *call, int dirfd, const char *path, struct vnode **parent, char *last, bool *must_be_directory);
/* The same from the caller's memory. */
int path_look_up_user(struct call *call, int dirfd, uint64_t path, unsigned flags, struct vnode **out);
/* The path of a vnode as getcwd shows it. Length with the NUL, -ENOENT, -ERANGE. */
int path_of(struct call *call, struct vnode *vnode, char *path, size_t size);

/* Whether the caller may (R_OK, W_OK, X_OK bits); effective ids, or real ones. 0, -EACCES, -EROFS. */
int vnode_access(struct call *call, struct vnode *vnode, unsigned wanted, bool real_ids);
/* Opens a vnode (not O_CREAT): checks permissions and types, goes to devices and FIFOs. vnode is borrowed. 0 and a
 * reference, or -errno. */
int vnode_open(struct call *call, struct vnode *vnode, unsigned flags, struct file **out);
/* Reads into the server's memory, for exec. Bytes read or -errno. In a worker only. */
int64_t vnode_read_server(struct call *call, struct vnode *vnode, void *buffer, uint64_t size, uint64_t offset);
/* struct stat of an open file without a vnode, or of a vnode. */
int vnode_stat(struct vnode *vnode, struct stat *out);
void file_stat_anonymous(const struct file *file, struct stat *out);

/*
 * Record locks (fcntl F_SETLK and so on). A table's end when it closes any descriptor of the file, and so with its
 * process; those of an open file (OFD, flock) end with it.
 */
int64_t vnode_lock_control(struct call *call, struct file *file, int command, uint64_t argument);
void vnode_locks_closed(const struct file_table *table, struct vnode *vnode);
void vnode_locks_end(const struct file *file);

/* --- Where special files lead (device.c, pipe.c). Called by vnode_open with a new file whose ops it sets. 0, -ENXIO,
 * -errno. */
int device_open(struct call *call, struct vnode *vnode, struct file *file);
int fifo_open(struct call *call, struct vnode *vnode, struct file *file);

#endif
