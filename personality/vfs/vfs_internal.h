/* What the files of the vfs share among themselves. */
#ifndef PERSONALITY_VFS_INTERNAL_H
#define PERSONALITY_VFS_INTERNAL_H

#include <sys/mount.h>

#include "vfs/vfs.h"

/* --- Making mounts (mount.c). */
#define MOUNT_OPTIONS ((unsigned)(MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC)) /* that a mount may have */

/* A mount's figures until its root is known: file systems make their vnodes with it. service: of a file server, a
 * right that goes with the mount, with its ops; or null. */
struct mount *mount_create(const char *source, const char *target, const char *type, unsigned flags,
	const struct mount_ops *ops, mach_port_t service);
/* A mount that came to nothing. What a file server may still say to it keeps it. Null is harmless. */
void mount_free(struct mount *mount);
/* Mounts it on its target, the absolute path of an existing directory, "/" first of all; consumes both, root's
 * reference too. 0 or -errno. */
int mount_add(struct mount *mount, struct vnode *root);

/* --- Paths. */
/* A path of the caller's, copied in and used by one call. */
struct path_name {
	char text[PATH_LENGTH];
};

/* How a path of openat2 may go: RESOLVE_*, from `root` (borrowed), which two of them do not leave. Null: anyhow. */
struct path_scope {
	uint64_t resolve;
	struct vnode *root;
};

/* Where a link's target, or a path, begins that was found in a directory: a reference. 0 or -EXDEV. */
int path_begin(struct call *call, const struct path_scope *scope, const char *path, struct vnode *directory,
	struct vnode **start);
/* Whether the link may be followed. 0, -ELOOP, -EXDEV. */
int path_may_follow(const struct path_scope *scope, const struct vnode *link);
/* path_step within the scope. */
int path_step_within(struct call *call, const struct path_scope *scope, struct vnode *directory, const char *name,
	struct vnode **out);

/* Looks one component up in a directory ("." and ".." too) and goes into what is mounted there. Checks the right to
 * search. */
int path_step(struct call *call, struct vnode *directory, const char *name, struct vnode **out);
/* The directory that a path starts from: a reference. */
int path_start(struct call *call, int dirfd, const char *path, struct vnode **out);
/* As path_look_up, from a directory. */
int path_walk(struct call *call, struct vnode *start, const char *path, unsigned flags, const struct path_scope *scope,
	struct vnode **out);
int path_walk_parent(struct call *call, struct vnode *start, const char *path, const struct path_scope *scope,
	struct vnode **parent, char *last, bool *must_be_directory);
/* The target of a link with its NUL, in PATH_LENGTH bytes. */
int path_read_link(struct vnode *link, char *target);

/* A path from the caller's memory. 0, -EFAULT, -ENAMETOOLONG, CALL_ERROR_RESTART. */
int path_copy(struct call *call, struct path_name *name, uint64_t address);
/* A path of two arguments, a flag of the *at calls among them: AT_EMPTY_PATH, AT_SYMLINK_NOFOLLOW. */
int path_at(struct call *call, int dirfd, uint64_t address, int at_flags, struct vnode **out);
/* Of an open descriptor, O_PATH too: a reference to its vnode. -EBADF, -EINVAL when it has none. */
int path_of_fd(struct call *call, int fd, struct vnode **out);

/* May the caller add, remove or change names in the directory? child: what stands there now (sticky), or null. */
int vnode_may_change(struct call *call, struct vnode *directory, struct vnode *child);
/* Is the caller the owner, or root? 0, -EPERM. */
int vnode_is_owner(struct call *call, const file_attributes_t *attributes);
/* -EROFS on a read-only mount. */
int vnode_check_writable(const struct vnode *vnode);
/* Changes of attributes with the mount's check. */
int vnode_set_attributes(struct vnode *vnode, unsigned which, const file_attributes_t *values);
/* The bits that let others act as the owner do not survive a change of the contents by anybody but root. */
unsigned mode_without_set_id(const struct call *call, unsigned mode, uint64_t gid);
int vnode_drop_set_id(struct call *call, struct vnode *vnode);
/* Nor do capabilities of a program, whoever changes it. 0 or -errno; may release the lock. */
int vnode_drop_capabilities(struct vnode *vnode);
/* RLIMIT_FSIZE, for a file that shall have this size: 0, or -EFBIG and SIGXFSZ when that is more than it has. */
int vnode_check_growth(struct call *call, struct vnode *vnode, uint64_t size);
/* Changes the size of a regular file, with both of these; the caller has checked the right to. */
int vnode_truncate(struct call *call, struct vnode *vnode, uint64_t size);

/* Cuts to no bytes at all; asks nobody when there are none. */
int vnode_truncate_to_nothing(struct call *call, struct vnode *vnode);

/* A regular file without a name on the first file system in memory. */
int vnode_create_unnamed(unsigned mode, uint64_t uid, uint64_t gid, struct vnode **out);
/* An open description of a vnode with the usual operations, whoever asks. Null: no memory. */
struct file *vnode_open_description(struct vnode *vnode, unsigned flags);

/* The usual operations of open regular files and directories. */
extern const struct file_ops vnode_file_ops;

#endif
