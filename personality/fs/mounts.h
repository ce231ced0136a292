/* The mounts of an ordinary start, and the server's own trees. */
#ifndef PERSONALITY_MOUNTS_H
#define PERSONALITY_MOUNTS_H

struct mount;
struct vnode;

/* The services among the server's arguments; waits for each. Without the lock. */
void mounts_find_services(int argc, char **argv);
/* 0 or -errno: without a root. */
int mounts_start(void);
/* Roots of the server's own trees (procfs.c, sysfs.c, devfs.c), a reference. */
struct vnode *procfs_root(struct mount *mount);
struct vnode *sysfs_root(struct mount *mount);
struct vnode *devfs_root(struct mount *mount);
struct vnode *devpts_root(struct mount *mount);
/* The options of mounts of it. 0 or -EINVAL. */
int devpts_options(const char *options);

#endif
