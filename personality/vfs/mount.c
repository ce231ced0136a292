/* Mounts: the list of them, umount, statfs. */
#include <errno.h>
#include <mach/mach.h>
#include <servers/file_user.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/statfs.h>
#include <sys/sysmacros.h>

#include "file/notify.h"
#include "process/proc.h"
#include "unix_server.h"
#include "vfs/vfs_internal.h"

#define PROC_MAGIC  0x9fa0
#define SYSFS_MAGIC 0x62656572
#define TMPFS_MAGIC 0x01021994
#define PTS_MAGIC   0x1cd1

struct list mounts = LIST_INITIALIZER(mounts);

static uint64_t next_device = 1;

/* What is at an absolute path, in the server's own view: a reference. */
static int find(const char *path, struct vnode **out)
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

struct mount *mount_create(const char *source, const char *target, const char *type, unsigned flags,
	const struct mount_ops *ops, mach_port_t service)
{
	struct mount *mount = calloc(1, sizeof *mount);

	if (mount == NULL)
		return NULL;
	snprintf(mount->source, sizeof mount->source, "%s", source);
	snprintf(mount->target, sizeof mount->target, "%s", target);
	snprintf(mount->type, sizeof mount->type, "%s", type);
	mount->flags = flags;
	mount->ops = ops;
	mount->service = service;
	mount->device = makedev(service != MACH_PORT_NULL ? 8 : 0, next_device);
	mount->order = next_device++;
	filerpc_mount_init(&mount->rpc);
	list_init(&mount->unused);
	return mount;
}

int mount_add(struct mount *mount, struct vnode *root)
{
	struct vnode *covered = NULL;
	int error = list_empty(&mounts) ? 0 : find(mount->target, &covered);

	/* A folder covers a folder; a file, as a pager's object is, what is none. */
	if (error == 0 && covered != NULL && (VNODE_TYPE(covered) == S_IFDIR) != (VNODE_TYPE(root) == S_IFDIR)) {
		vnode_release(covered);
		error = -ENOTDIR;
	}
	if (error != 0) {
		const bool frees_itself = mount->data != NULL; /* with its root, when it is off (tmpfs) */

		if (frees_itself) {
			mount->root = root;
			mount->off = true;
		}
		vnode_release(root);
		/* The root of a file server's stays among the unused nodes of its mount. */
		if (!frees_itself && mount->service == MACH_PORT_NULL)
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

void mount_free(struct mount *mount)
{
	if (mount == NULL || !filerpc_mount_idle(&mount->rpc))
		return;
	timer_cancel(&mount->rpc.timer);
	timer_cancel(&mount->write_back);
	if (mount->service != MACH_PORT_NULL)
		mach_port_deallocate(mach_task_self(), mount->service);
	free(mount);
}

void mounts_stop(void)
{
	struct mount *mount = NULL;

	while ((mount = mount_after(mount)) != NULL) {
		mach_port_t service = mount->service;
		kern_return_t result;

		if (service == MACH_PORT_NULL)
			continue;
		mount->ops->write_back(mount);
		result = ASK(mount, file_system_stop(service));
		if (result != KERN_SUCCESS)
			fprintf(stderr, "unix: the file system on %s was not stopped: %s\n", mount->target,
				mach_error_string(result));
	}
}

/* --- The calls. */

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

	if (flags & ~(unsigned)(MNT_FORCE | MNT_DETACH | UMOUNT_NOFOLLOW))
		return -EINVAL;
	if (!capable(call->process, CAP_SYS_ADMIN))
		return -EPERM;
	error = path_look_up_user(call, AT_FDCWD, target, flags & UMOUNT_NOFOLLOW ? PATH_NOFOLLOW : 0, &vnode);
	if (error != 0)
		return call_result(error);
	mount = vnode->mount;
	/* Watches keep no mount; also of one that is busy they end. */
	if (vnode == mount->root && mount->covered != NULL)
		notify_unmount(mount);
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
	file_system_info_t info = {.type = strcmp(mount->type, "proc") == 0     ? PROC_MAGIC
					   : strcmp(mount->type, "sysfs") == 0  ? SYSFS_MAGIC
					   : strcmp(mount->type, "devpts") == 0 ? PTS_MAGIC
										: TMPFS_MAGIC,
		.block_size = 4096,
		.name_length = 255};
	int error = mount->ops != NULL ? mount->ops->info(mount, &info) : 0;

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

/* struct ustat of ustat(2). */
struct old_statistics {
	int32_t blocks_free;
	uint64_t files_free;
	char name[6], pack[6];
};

int64_t sys_ustat(uint64_t caller, unsigned device, uint64_t result)
{
	struct call *call = call_of(caller);
	struct old_statistics out = {0};
	struct mount *mount = NULL;
	struct statfs all;
	struct vnode *root;
	int error;

	while ((mount = mount_after(mount)) != NULL && mount->device != device)
		;
	if (mount == NULL)
		return -EINVAL;
	root = vnode_reference(mount->root);
	error = fill_statfs(root, &all);
	vnode_release(root);
	out.blocks_free = (int32_t)all.f_bfree;
	out.files_free = all.f_ffree;
	if (error == 0)
		error = copy_out(call, result, &out, sizeof out);
	return call_result(error);
}

/* The types of file systems, in the order of their numbers for sysfs(2) and of /proc/filesystems. */
static const char *const type_names[] = {"proc", "devtmpfs", "tmpfs", "ext4"};
#define TYPES (sizeof type_names / sizeof type_names[0])

int64_t sys_sysfs(uint64_t caller, int option, uint64_t first, uint64_t second)
{
	struct call *call = call_of(caller);
	char name[32];
	int error;

	switch (option) {
	case 1:
		error = copy_string(call, name, first, sizeof name);
		if (error < 0)
			return error == -ENAMETOOLONG ? -EINVAL : call_result(error);
		for (unsigned i = 0; i < TYPES; i++) {
			if (strcmp(name, type_names[i]) == 0)
				return i;
		}
		return -EINVAL;
	case 2:
		if (first >= TYPES)
			return -EINVAL;
		return call_result(copy_out(call, second, type_names[first], strlen(type_names[first]) + 1));
	case 3:
		return TYPES;
	default:
		return -EINVAL;
	}
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
