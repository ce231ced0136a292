/* Mounts and path lookup. */
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

#include "call/call.h"
#include "file/file.h"
#include "file/vnode.h"
#include "process/capability.h"
#include "vfs/filerpc.h"

/* --- Mounts. What a file server's do; all may release the lock. */
struct mount_ops {
	int (*info)(struct mount *mount, file_system_info_t *out); /* 0 or -errno */
	void (*write_back)(struct mount *mount);                   /* to the file server: what it has not been told yet */
	void (*distrust)(struct mount *mount);                     /* asks anew for all that is known of its files */
	void (*port_died)(struct mount *mount);                    /* a port that a request went to was dead */
};

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
	struct write_failures failures;
	uint64_t changes, synced; /* counted; the count that the last sync has brought to the medium (writeback.c) */
	unsigned shared_writers;  /* areas through which files may be written */
	struct timer write_back;
	bool writing_back; /* a fiber does it */
	const struct mount_ops *ops; /* null: a tree of the server's own */
	void *data;                  /* the file system's own */
};

/* Mounts are told by numbers from here on: in /proc/PID/mountinfo and by statx. */
#define MOUNT_ID_FIRST 20u

extern struct list mounts;

/* For loops that release the lock: what was mounted next after the mount (null: the first), or null. */
struct mount *mount_after(const struct mount *mount);
/* Writes back what is dirty, and has the file server write all of it to its medium. May release the lock. */
int sync_mount(struct mount *mount);
/* There is something that a sync would bring to the medium: one comes within seconds. */
void mount_changed(struct mount *mount);
/* So many more areas (or less) through which files of the mount may be written. */
void mount_shared_writers(struct mount *mount, int more);
/* file_system_stop on all, before power off. */
void mounts_stop(void);

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
/* The capabilities that a program's file has; none is no error. May release the lock. */
int vnode_capabilities(struct vnode *vnode, struct file_capabilities *out);
/* struct stat of an open file without a vnode, or of a vnode. */
int vnode_stat(struct vnode *vnode, struct stat *out);
/* A new file in a directory in which the name is free: checks the right to, applies the umask. */
int vnode_create(struct call *call, struct vnode *directory, const char *name, unsigned mode, uint64_t device,
	struct vnode **out);
void file_stat_anonymous(const struct file *file, struct stat *out);

/* --- Where special files lead (device.c, pipe.c). Called by vnode_open with a new file whose ops it sets. 0, -ENXIO,
 * -errno. */
int device_open(struct call *call, struct vnode *vnode, struct file *file);
int fifo_open(struct call *call, struct vnode *vnode, struct file *file);

#endif
