/* Making mounts: those of an ordinary start (the root file system, /proc, /sys, /dev, /tmp, /dev/shm, /run), and the call. */
#include "fs/mounts.h"

#include <errno.h>
#include <mach/mach.h>
#include <servers/bootstrap_user.h>
#include <servers/file_user.h>
#include <servers/start_user.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>

#include "fs/filefs.h"
#include "fs/tmpfs.h"
#include "process/proc.h"
#include "unix_server.h"
#include "vfs/vfs_internal.h"

#define OPTIONS_SIZE 128
#define TIMEOUT_MAX  86400 /* s */

static int server_info(struct mount *mount, file_system_info_t *out)
{
	mach_port_t service = mount->service;
	kern_return_t result;

	result = ASK(mount, file_system_info(service, out));
	return -FILE_ERRNO(result);
}

static const struct mount_ops server_ops = {
	.info = server_info,
	.write_back = filefs_write_back,
	.distrust = filefs_distrust,
	.port_died = filefs_port_died,
};

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

static int mount_tmpfs(const char *source, const char *target, unsigned flags, const char *options)
{
	struct mount *mount = mount_create(source, target, "tmpfs", flags, NULL, MACH_PORT_NULL);
	struct vnode *root;
	int error = mount != NULL ? tmpfs_root(mount, options, &root) : -ENOMEM;

	if (error != 0) {
		mount_free(mount);
		return error;
	}
	return mount_add(mount, root);
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

/* The tree that is served at a port, a send right that becomes the mount's. The name is for people. */
static int mount_served(mach_port_t service, const char *name, const char *target, const char *type, unsigned flags)
{
	mach_port_t root_port = MACH_PORT_NULL;
	file_system_info_t info;
	file_attributes_t attributes;
	struct mount *mount = mount_create(name, target, type, flags, &server_ops, service);
	struct vnode *root;
	kern_return_t result;

	if (mount == NULL)
		return -ENOMEM;
	result = ASK(mount, file_system_info(service, &info));
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

/* The tree that a file server serves under a name; waits until it is there. */
static int mount_service(const char *name, const char *target, const char *type)
{
	mach_port_t service = MACH_PORT_NULL;
	kern_return_t result;

	server_unlock();
	result = look_up_service(name, &service);
	server_lock();
	if (result == KERN_SUCCESS)
		return mount_served(service, name, target, type, 0);
	fprintf(stderr, "unix: there is no file server \"%s\": %s\n", name, mach_error_string(result));
	return -FILE_ERRNO(result);
}

/*
 * What the configuration names in the server's arguments: pagers (pager=SERVICE), which root mounts by that name, and file
 * servers that are mounted from the start (mount=SERVICE:FOLDER). Looked up at the start, since a call must not wait for
 * bootstrap.
 */
struct named {
	const char *name, *folder; /* of a pager: null */
	mach_port_t service;
};
static struct named *named;
static unsigned named_count;

/* Splits the argument; false: it is neither. */
static bool parse_argument(char *argument, struct named *out)
{
	char *colon;

	out->name = argument + strlen("pager=");
	if (strncmp(argument, "pager=", strlen("pager=")) == 0)
		return true;
	colon = strchr(argument, ':');
	if (strncmp(argument, "mount=", strlen("mount=")) != 0 || colon == NULL)
		return false;
	*colon = 0;
	out->folder = colon + 1;
	return true;
}

void mounts_find_services(int argc, char **argv)
{
	named = calloc((size_t)argc, sizeof *named);
	for (int i = 1; named != NULL && i < argc; i++) {
		struct named *one = &named[named_count];
		kern_return_t result;

		if (!parse_argument(argv[i], one)) {
			fprintf(stderr,
				"unix: the argument %s is not known; there are pager=SERVICE and mount=SERVICE:FOLDER\n",
				argv[i]);
			continue;
		}
		result = look_up_service(one->name, &one->service);
		if (result == KERN_SUCCESS)
			named_count++;
		else
			fprintf(stderr, "unix: there is no \"%s\": %s\n", one->name, mach_error_string(result));
	}
}

/* A right to the service for a mount; also of one that was started at root's wish (tools/pager.c). Waits for nobody. */
static int find_pager(const char *name, mach_port_t *service)
{
	mach_port_t bootstrap;
	kern_return_t result;

	for (unsigned i = 0; i < named_count; i++) {
		if (named[i].folder != NULL || strcmp(named[i].name, name) != 0)
			continue;
		*service = named[i].service;
		return mach_port_mod_refs(mach_task_self(), *service, MACH_PORT_RIGHT_SEND, 1) == KERN_SUCCESS ? 0
													       : -EIO;
	}
	result = task_get_special_port(mach_task_self(), TASK_BOOTSTRAP_PORT, &bootstrap);
	if (result == KERN_SUCCESS) {
		result = start_service(bootstrap, name, service);
		mach_port_deallocate(mach_task_self(), bootstrap);
	}
	return result == KERN_SUCCESS ? 0 : result == KERN_TERMINATED ? -EIO : -ENODEV;
}

int mounts_start(void)
{
	int error = mount_service("root", "/", "ext4"), failed;

	if (error != 0)
		return error;
	if (!tmpfs_start())
		return -ENOMEM;
	/* Without these one can still work. */
	failed = mount_own("devtmpfs", "/dev", "devtmpfs", devfs_root);
	if (failed != 0)
		fprintf(stderr, "unix: /dev cannot be mounted: %s\n", strerror(-failed));
	failed = mount_own("devpts", "/dev/pts", "devpts", devpts_root);
	if (failed != 0)
		fprintf(stderr, "unix: /dev/pts cannot be mounted: %s\n", strerror(-failed));
	failed = mount_own("proc", "/proc", "proc", procfs_root);
	if (failed != 0)
		fprintf(stderr, "unix: /proc cannot be mounted: %s\n", strerror(-failed));
	failed = mount_own("sysfs", "/sys", "sysfs", sysfs_root);
	if (failed != 0)
		fprintf(stderr, "unix: /sys cannot be mounted: %s\n", strerror(-failed));
	/* What all may fill is half of the memory. */
	failed = mount_tmpfs("tmpfs", "/tmp", 0, "size=25%,nr_inodes=0");
	if (failed != 0)
		fprintf(stderr, "unix: /tmp stays on the disk: %s\n", strerror(-failed));
	failed = mount_tmpfs("tmpfs", "/dev/shm", 0, "size=25%,nr_inodes=0");
	if (failed != 0)
		fprintf(stderr, "unix: nothing can be in /dev/shm: %s\n", strerror(-failed));
	failed = mount_tmpfs("tmpfs", "/run", 0, "size=4m,mode=755");
	if (failed != 0)
		fprintf(stderr, "unix: /run stays on the disk: %s\n", strerror(-failed));
	for (unsigned i = 0; i < named_count; i++) {
		if (named[i].folder == NULL)
			continue;
		failed = mount_served(named[i].service, named[i].name, named[i].folder, "served", 0);
		if (failed != 0)
			fprintf(stderr, "unix: %s is not mounted: %s\n", named[i].name, strerror(-failed));
	}
	return 0;
}

/* --- The call. */

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
		error = tmpfs_is(vnode->mount) ? tmpfs_remount(vnode->mount, options)
					       : mount_options(vnode->mount, options);
	if (vnode != vnode->mount->root)
		error = -EINVAL;
	else if (error == 0 && vnode->mount->flags & MS_RDONLY && !(flags & MS_RDONLY) && vnode->mount->ops != NULL) {
		error = vnode->mount->ops->info(vnode->mount, &info);
		if (error == 0 && info.read_only)
			error = -EROFS;
	}
	if (error == 0)
		vnode->mount->flags = (vnode->mount->flags & ~MOUNT_OPTIONS) | ((unsigned)flags & MOUNT_OPTIONS);
	vnode_release(vnode);
	return error;
}

/* Besides the server's own trees and files in memory, pagers. Other mounts need a file server: the configuration starts those. */
int64_t sys_mount(uint64_t caller, uint64_t source, uint64_t target, uint64_t kind, uint64_t flags, uint64_t data)
{
	struct call *call = call_of(caller);
	struct vnode *(*make)(struct mount *) = NULL;
	struct vnode *vnode;
	char type[32], name[64] = "none", options[OPTIONS_SIZE] = "", *path;
	mach_port_t service = MACH_PORT_NULL;
	bool in_memory;
	int error;

	if (!capable(call->process, CAP_SYS_ADMIN))
		return -EPERM;
	if (flags & MS_REMOUNT)
		return call_result(remount(call, target, flags, data));
	error = copy_string(call, type, kind, sizeof type);
	if (error < 0)
		return call_result(error);
	if (strcmp(type, "proc") == 0)
		make = procfs_root;
	else if (strcmp(type, "sysfs") == 0)
		make = sysfs_root;
	else if (strcmp(type, "devtmpfs") == 0)
		make = devfs_root;
	else if (strcmp(type, "devpts") == 0)
		make = devpts_root;
	else if (strcmp(type, "pager") != 0 && strcmp(type, "tmpfs") != 0)
		return -ENODEV;
	in_memory = strcmp(type, "tmpfs") == 0;
	/* A tmpfs needs no source. */
	error = make == NULL && !(in_memory && source == 0) ? copy_string(call, name, source, sizeof name) : 0;
	if (error >= 0 && (make == devpts_root || in_memory) && data != 0)
		error = copy_string(call, options, data, sizeof options);
	if (error >= 0 && make == devpts_root)
		error = devpts_options(options);
	if (error < 0)
		return call_result(error);
	error = path_look_up_user(call, AT_FDCWD, target, make != NULL || in_memory ? PATH_DIRECTORY : 0, &vnode);
	if (error != 0)
		return call_result(error);
	path = malloc(PATH_LENGTH);
	/* From the root of everything, also for a caller whose own root is elsewhere: mount_add looks there. */
	error = path != NULL ? path_of(NULL, vnode, path, PATH_LENGTH) : -ENOMEM;
	if (error >= 0 && make != NULL)
		error = mount_own(type, path, type, make);
	else if (error >= 0 && in_memory)
		error = mount_tmpfs(name, path, (unsigned)flags & MOUNT_OPTIONS, options);
	else if (error >= 0) {
		error = find_pager(name, &service);
		if (error == 0)
			error = mount_served(service, name, path, type, MS_NOSUID | MS_NODEV | MS_NOEXEC);
	}
	free(path);
	vnode_release(vnode);
	return error;
}
