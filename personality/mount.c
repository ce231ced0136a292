/* Mounts: the list of them, the trees of an ordinary start, mount, umount, statfs. */
#include <errno.h>
#include <mach/mach.h>
#include <servers/bootstrap_user.h>
#include <servers/file_user.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/statfs.h>
#include <sys/sysmacros.h>

#include "filefs.h"
#include "proc.h"
#include "unix_server.h"
#include "vfs_internal.h"

#define MOUNT_OPTIONS ((unsigned)(MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC))

#define PROC_MAGIC  0x9fa0
#define TMPFS_MAGIC 0x01021994

#define OPTIONS_SIZE 128
#define TIMEOUT_MAX  86400 /* s */

struct list mounts = LIST_INITIALIZER(mounts);

static uint64_t next_device = 1;

/* The directory at an absolute path, in the server's own view: a reference. */
static int find_directory(const char *path, struct vnode **out)
{
	struct mount *first = list_entry(mounts.next, struct mount, link);
	struct vnode *at = vnode_reference(first->root);
	char name[256];

	for (;;) {
		struct vnode *next;
		size_t length;
		int error;

		path += strspn(path, "/");
		length = strcspn(path, "/");
		while (at->mounted != NULL) {
			next = vnode_reference(at->mounted->root);
			vnode_release(at);
			at = next;
		}
		if (length == 0)
			break;
		if (length >= sizeof name || VNODE_TYPE(at) != S_IFDIR || at->ops->look_up == NULL) {
			vnode_release(at);
			return length >= sizeof name ? -ENAMETOOLONG : -ENOTDIR;
		}
		memcpy(name, path, length);
		name[length] = 0;
		path += length;
		error = at->ops->look_up(at, name, &next);
		if (error != 0) {
			vnode_release(at);
			return error;
		}
		vnode_set_place(next, at, name);
		vnode_release(at);
		at = next;
	}
	*out = at;
	return 0;
}

struct mount *mount_after(const struct mount *mount)
{
	list_for_each (link, &mounts) {
		struct mount *next = list_entry(link, struct mount, link);

		if (mount == NULL || next->order > mount->order)
			return next;
	}
	return NULL;
}

/* A mount's figures until its root is known: file systems make their vnodes with it. */
static struct mount *mount_create(const char *source, const char *target, const char *type, unsigned flags,
	int (*info)(struct mount *mount, file_system_info_t *out), mach_port_t service)
{
	struct mount *mount = calloc(1, sizeof *mount);

	if (mount == NULL)
		return NULL;
	snprintf(mount->source, sizeof mount->source, "%s", source);
	snprintf(mount->target, sizeof mount->target, "%s", target);
	snprintf(mount->type, sizeof mount->type, "%s", type);
	mount->flags = flags;
	mount->info = info;
	mount->service = service;
	mount->device = makedev(service != MACH_PORT_NULL ? 8 : 0, next_device);
	mount->order = next_device++;
	filerpc_mount_init(&mount->rpc);
	list_init(&mount->unused);
	return mount;
}

static int mount_add(struct mount *mount, struct vnode *root)
{
	struct vnode *covered = NULL;
	int error = list_empty(&mounts) ? 0 : find_directory(mount->target, &covered);

	if (error == 0 && covered != NULL && VNODE_TYPE(covered) != S_IFDIR) {
		vnode_release(covered);
		error = -ENOTDIR;
	}
	if (error != 0) {
		vnode_release(root);
		/* The root of a file server's stays among the unused nodes of its mount. */
		if (mount->service == MACH_PORT_NULL)
			free(mount);
		return error;
	}
	mount->root = root;
	mount->covered = covered;
	root->mount = mount;
	if (covered != NULL)
		covered->mounted = mount;
	list_append(&mounts, &mount->link);
	return 0;
}

int mount_tree(const char *source, const char *target, const char *type, unsigned flags, struct vnode *root,
	int (*info)(struct mount *mount, file_system_info_t *out), mach_port_t service)
{
	struct mount *mount = mount_create(source, target, type, flags, info, service);

	if (mount == NULL) {
		vnode_release(root);
		return -ENOMEM;
	}
	return mount_add(mount, root);
}

/* A tree of the server's own. */
static int mount_own(const char *source, const char *target, const char *type, struct vnode *(*make)(struct mount *))
{
	struct mount *mount = mount_create(source, target, type, MS_NOSUID | MS_NOEXEC, NULL, MACH_PORT_NULL);
	struct vnode *root = mount != NULL ? make(mount) : NULL;

	if (root == NULL) {
		free(mount);
		return -ENOMEM;
	}
	return mount_add(mount, root);
}

static int server_info(struct mount *mount, file_system_info_t *out)
{
	mach_port_t service = mount->service;
	kern_return_t result;

	result = ASK(mount, file_system_info(service, out));
	return -FILE_ERRNO(result);
}

/* A mount that came to nothing. What a file server may still say to it keeps it. */
static void mount_free(struct mount *mount)
{
	if (mount == NULL || !filerpc_mount_idle(&mount->rpc))
		return;
	timer_cancel(&mount->rpc.timer);
	if (mount->service != MACH_PORT_NULL)
		mach_port_deallocate(mach_task_self(), mount->service);
	free(mount);
}

static kern_return_t look_up_service(const char *name, mach_port_t *service)
{
	mach_port_t bootstrap;
	kern_return_t result = task_get_special_port(mach_task_self(), TASK_BOOTSTRAP_PORT, &bootstrap);

	if (result == KERN_SUCCESS) {
		result = bootstrap_look_up(bootstrap, name, service);
		mach_port_deallocate(mach_task_self(), bootstrap);
	}
	return result;
}

/* The tree that a file server serves under a name. */
static int mount_service(const char *name, const char *target, const char *type)
{
	mach_port_t service = MACH_PORT_NULL, root_port = MACH_PORT_NULL;
	file_system_info_t info;
	file_attributes_t attributes;
	struct mount *mount = NULL;
	struct vnode *root;
	kern_return_t result;

	server_unlock();
	result = look_up_service(name, &service);
	server_lock();
	if (result == KERN_SUCCESS) {
		mount = mount_create(name, target, type, 0, server_info, service);
		if (mount == NULL)
			return -ENOMEM;
		result = ASK(mount, file_system_info(service, &info));
	}
	if (result == KERN_SUCCESS)
		result = ASK(mount, file_system_root(service, &root_port, &attributes));
	if (result != KERN_SUCCESS) {
		fprintf(stderr, "unix: no file server answers as \"%s\": %s\n", name, mach_error_string(result));
		mount_free(mount);
		return -FILE_ERRNO(result);
	}
	if (info.read_only)
		mount->flags |= MS_RDONLY;
	root = filefs_vnode(mount, root_port, &attributes);
	if (root == NULL) {
		mount_free(mount);
		return -ENOMEM;
	}
	return mount_add(mount, root);
}

int mounts_start(void)
{
	int error = mount_service("root", "/", "ext4"), failed;

	if (error != 0)
		return error;
	/* Without these one can still work. */
	failed = mount_own("devtmpfs", "/dev", "devtmpfs", devfs_root);
	if (failed != 0)
		fprintf(stderr, "unix: /dev cannot be mounted: %s\n", strerror(-failed));
	failed = mount_own("proc", "/proc", "proc", procfs_root);
	if (failed != 0)
		fprintf(stderr, "unix: /proc cannot be mounted: %s\n", strerror(-failed));
	failed = mount_service("tmp", "/tmp", "tmpfs");
	if (failed != 0)
		fprintf(stderr, "unix: /tmp stays on the disk: %s\n", strerror(-failed));
	failed = mount_service("run", "/run", "tmpfs");
	if (failed != 0)
		fprintf(stderr, "unix: /run stays on the disk: %s\n", strerror(-failed));
	return 0;
}

void mounts_stop(void)
{
	struct mount *mount = NULL;

	while ((mount = mount_after(mount)) != NULL) {
		mach_port_t service = mount->service;
		kern_return_t result;

		if (service == MACH_PORT_NULL)
			continue;
		filefs_write_back(mount);
		result = ASK(mount, file_system_stop(service));
		if (result != KERN_SUCCESS)
			fprintf(stderr, "unix: the file system on %s was not stopped: %s\n", mount->target,
				mach_error_string(result));
	}
}

/* --- The calls. */

/* Options of a mount: timeout=SECONDS, how long its file server may owe answers and give none (0: for ever). */
static int mount_options(struct mount *mount, const char *options)
{
	char *end;
	unsigned long seconds;

	while (*options != 0) {
		if (strncmp(options, "timeout=", 8) != 0 || mount->service == MACH_PORT_NULL)
			return -EINVAL;
		seconds = strtoul(options + 8, &end, 10);
		if (end == options + 8 || seconds > TIMEOUT_MAX || (*end != 0 && *end != ','))
			return -EINVAL;
		filerpc_set_timeout(&mount->rpc, seconds * 1000000000ull);
		options = *end == ',' ? end + 1 : end;
	}
	return 0;
}

static int remount(struct call *call, uint64_t target, uint64_t flags, uint64_t data)
{
	struct vnode *vnode;
	file_system_info_t info;
	char options[OPTIONS_SIZE] = "";
	int error = data != 0 ? copy_string(call, options, data, sizeof options) : 0;

	if (error < 0)
		return error == -ENAMETOOLONG ? -EINVAL : error;
	error = path_look_up_user(call, AT_FDCWD, target, PATH_DIRECTORY, &vnode);
	if (error != 0)
		return error;
	if (vnode == vnode->mount->root)
		error = mount_options(vnode->mount, options);
	if (vnode != vnode->mount->root)
		error = -EINVAL;
	else if (error == 0 && vnode->mount->flags & MS_RDONLY && !(flags & MS_RDONLY) && vnode->mount->info != NULL) {
		error = vnode->mount->info(vnode->mount, &info);
		if (error == 0 && info.read_only)
			error = -EROFS;
	}
	if (error == 0)
		vnode->mount->flags = (vnode->mount->flags & ~MOUNT_OPTIONS) | ((unsigned)flags & MOUNT_OPTIONS);
	vnode_release(vnode);
	return error;
}

/* Other mounts than the server's own trees need a file server: the configuration starts those. */
int64_t sys_mount(uint64_t caller, uint64_t source, uint64_t target, uint64_t kind, uint64_t flags, uint64_t data)
{
	struct call *call = call_of(caller);
	struct vnode *(*make)(struct mount *) = NULL;
	struct vnode *vnode;
	char type[32], *path;
	int error;

	(void)source;
	if (!capable(call->process))
		return -EPERM;
	if (flags & MS_REMOUNT)
		return call_result(remount(call, target, flags, data));
	error = copy_string(call, type, kind, sizeof type);
	if (error < 0)
		return call_result(error);
	if (strcmp(type, "proc") == 0)
		make = procfs_root;
	else if (strcmp(type, "devtmpfs") == 0)
		make = devfs_root;
	else
		return -ENODEV;
	error = path_look_up_user(call, AT_FDCWD, target, PATH_DIRECTORY, &vnode);
	if (error != 0)
		return call_result(error);
	path = malloc(PATH_LENGTH);
	error = path != NULL ? path_of(call, vnode, path, PATH_LENGTH) : -ENOMEM;
	if (error >= 0)
		error = mount_own(type, path, type, make);
	free(path);
	vnode_release(vnode);
	return error;
}

/* Besides the mount, its one user is the caller, who has just found it. */
static bool is_busy(const struct mount *mount, unsigned flags)
{
	return mount->root->references > 2 && !(flags & (MNT_DETACH | MNT_FORCE));
}

/* The vnodes that are left keep pointing to the mount: it stays in memory. */
static void take_off(struct mount *mount)
{
	mount->covered->mounted = NULL;
	list_remove(&mount->link);
	mount->off = true;
	vnode_release(mount->root);
}

int64_t sys_umount2(uint64_t caller, uint64_t target, unsigned flags)
{
	struct call *call = call_of(caller);
	struct mount *mount;
	struct vnode *vnode;
	int error;

	if (!capable(call->process))
		return -EPERM;
	error = path_look_up_user(call, AT_FDCWD, target, 0, &vnode);
	if (error != 0)
		return call_result(error);
	mount = vnode->mount;
	if (vnode != mount->root)
		error = -EINVAL;
	else if (mount->covered == NULL || is_busy(mount, flags))
		error = -EBUSY;
	else if (flags & MNT_FORCE)
		filerpc_end(&mount->rpc);
	else if (mount->service != MACH_PORT_NULL)
		error = sync_mount(mount);
	/* Much may have happened while that waited. */
	if (error == 0 && mount->covered->mounted != mount)
		error = -EINVAL;
	if (error == 0 && is_busy(mount, flags))
		error = -EBUSY;
	if (error == 0)
		take_off(mount);
	vnode_release(vnode);
	return error;
}

static int fill_statfs(struct vnode *vnode, struct statfs *out)
{
	struct mount *mount = vnode->mount;
	file_system_info_t info = {.type = strcmp(mount->type, "proc") == 0 ? PROC_MAGIC : TMPFS_MAGIC,
		.block_size = 4096,
		.name_length = 255};
	int error = mount->info != NULL ? mount->info(mount, &info) : 0;

	memset(out, 0, sizeof *out);
	out->f_type = (long)info.type;
	out->f_bsize = out->f_frsize = (long)info.block_size;
	out->f_blocks = info.blocks;
	out->f_bfree = info.blocks_free;
	out->f_bavail = info.blocks_available;
	out->f_files = info.files;
	out->f_ffree = info.files_free;
	out->f_namelen = (long)info.name_length;
	memcpy(&out->f_fsid, &info.id, sizeof out->f_fsid);
	out->f_flags = mount->flags & MOUNT_OPTIONS;
	return error;
}

static int64_t statfs_vnode(struct call *call, struct vnode *vnode, uint64_t result)
{
	struct statfs out;
	int error = fill_statfs(vnode, &out);

	vnode_release(vnode);
	if (error == 0)
		error = copy_out(call, result, &out, sizeof out);
	return call_result(error);
}

int64_t sys_statfs(uint64_t caller, uint64_t path, uint64_t result)
{
	struct call *call = call_of(caller);
	struct vnode *vnode;
	int error = path_look_up_user(call, AT_FDCWD, path, 0, &vnode);

	return error != 0 ? call_result(error) : statfs_vnode(call, vnode, result);
}

int64_t sys_fstatfs(uint64_t caller, int fd, uint64_t result)
{
	struct call *call = call_of(caller);
	struct vnode *vnode;
	int error = path_of_fd(call, fd, &vnode);

	return error != 0 ? error : statfs_vnode(call, vnode, result);
}
