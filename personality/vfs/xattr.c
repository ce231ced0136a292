/* Extended attributes: who may see and change which, xattr(7). The file systems keep them. */
#include <errno.h>
#include <fcntl.h>
#include <linux/limits.h>
#include <string.h>
#include <sys/xattr.h>
#include <linux/xattr.h>
#include <unistd.h>

#include "base/user.h"
#include "file/notify.h"
#include "process/proc.h"
#include "unix_server.h"
#include "vfs/vfs_internal.h"

static bool begins(const char *name, const char *prefix)
{
	return strncmp(name, prefix, strlen(prefix)) == 0;
}

/*
 * Whether the caller may read (R_OK) or change (W_OK) an attribute of the name, and whether there can be one. Users' are as
 * the contents, and only files and folders have them; trusted ones are root's; security's are everybody's to read and root's to
 * change. Access control lists there are none.
 */
static int may_use(struct call *call, struct vnode *vnode, const char *name, unsigned wanted)
{
	const bool write = wanted == W_OK, root = capable(call->process, CAP_SYS_ADMIN);
	file_attributes_t attributes;
	int error = write ? vnode_check_writable(vnode) : 0;

	if (error != 0)
		return error;
	if (begins(name, XATTR_TRUSTED_PREFIX) && !root)
		return write ? -EPERM : -ENODATA;
	if (begins(name, XATTR_USER_PREFIX)) {
		if (VNODE_TYPE(vnode) != S_IFREG && VNODE_TYPE(vnode) != S_IFDIR)
			return write ? -EPERM : -ENODATA;
		if (VNODE_TYPE(vnode) == S_IFDIR && vnode->mode & S_ISVTX && write) {
			error = vnode_known(vnode, &attributes);
			if (error == 0)
				error = vnode_is_owner(call, &attributes);
		}
	}
	if (error == 0 && !begins(name, XATTR_SECURITY_PREFIX) && !begins(name, XATTR_SYSTEM_PREFIX))
		error = vnode_access(call, vnode, wanted, false);
	if (error != 0)
		return error;
	if (vnode->ops->get_extended == NULL ||
		(!begins(name, XATTR_USER_PREFIX) && !begins(name, XATTR_TRUSTED_PREFIX) &&
			!begins(name, XATTR_SECURITY_PREFIX)))
		return -EOPNOTSUPP;
	if (strchr(name, '.')[1] == 0)
		return -EINVAL;
	if (!begins(name, XATTR_SECURITY_PREFIX) || !write)
		return 0;
	return strcmp(name, CAPABILITY_ATTRIBUTE) == 0 ? (capable(call->process, CAP_SETFCAP) ? 0 : -EPERM)
	       : root                                  ? 0
						       : -EPERM;
}

static int copy_name(struct call *call, char name[XATTR_NAME_MAX + 1], uint64_t address)
{
	int length = copy_string(call, name, address, XATTR_NAME_MAX + 1);

	return length == -ENAMETOOLONG || length == 0 ? -ERANGE : length < 0 ? length : 0;
}

/* What a call is about: by a path (flags as path_at's) or, path 0, by a descriptor. */
struct target {
	uint64_t path;
	int fd;
	int flags;
};

/* A reference to it. */
static int find_target(struct call *call, const struct target *target, struct vnode **vnode)
{
	struct file *file;

	if (target->path != 0 || target->fd < 0)
		return path_at(call, AT_FDCWD, target->path, target->flags, vnode);
	file = fd_file(call, target->fd);
	if (file == NULL || file->flags & O_PATH)
		return -EBADF;
	if (file->vnode == NULL)
		return -EOPNOTSUPP;
	*vnode = vnode_reference(file->vnode);
	return 0;
}

static struct target by_path(uint64_t path)
{
	return (struct target){.path = path, .fd = -1};
}

static struct target by_path_itself(uint64_t path)
{
	return (struct target){.path = path, .fd = -1, .flags = AT_SYMLINK_NOFOLLOW};
}

static struct target by_descriptor(int fd)
{
	return (struct target){.fd = fd < 0 ? INT32_MAX : fd};
}

static int64_t set(uint64_t caller, struct target target, uint64_t name_address, uint64_t value, uint64_t size, unsigned flags)
{
	struct call *call = call_of(caller);
	char name[XATTR_NAME_MAX + 1], *copy = NULL;
	struct vnode *vnode = NULL;
	int error = flags & ~(unsigned)(XATTR_CREATE | XATTR_REPLACE) ? -EINVAL : copy_name(call, name, name_address);

	if (error == 0 && size > XATTR_SIZE_MAX)
		error = -E2BIG;
	if (error == 0 && (copy = user_alloc(user_now(), size + 1)) == NULL)
		error = -ENOMEM;
	if (error == 0 && size > 0)
		error = copy_in(call, copy, value, size);
	if (error == 0)
		error = find_target(call, &target, &vnode);
	if (error == 0)
		error = may_use(call, vnode, name, W_OK);
	if (error == 0 && strcmp(name, CAPABILITY_ATTRIBUTE) == 0) {
		struct file_capabilities unused;

		vnode->no_capabilities = false;
		error = capabilities_parse(copy, (unsigned)size, &unused) ? 0 : -EINVAL;
	}
	if (error == 0)
		error = vnode->ops->set_extended(vnode, name, copy, size, flags);
	if (error == 0)
		notify(vnode, IN_ATTRIB);
	vnode_release(vnode);
	user_free(copy);
	return call_result(error);
}

static int64_t removed(uint64_t caller, struct target target, uint64_t name_address)
{
	struct call *call = call_of(caller);
	char name[XATTR_NAME_MAX + 1];
	struct vnode *vnode = NULL;
	int error = copy_name(call, name, name_address);

	if (error == 0)
		error = find_target(call, &target, &vnode);
	if (error == 0)
		error = may_use(call, vnode, name, W_OK);
	if (error == 0)
		error = vnode->ops->set_extended(vnode, name, NULL, 0, 0);
	if (error == 0)
		notify(vnode, IN_ATTRIB);
	vnode_release(vnode);
	return call_result(error);
}

/* What there is of so many bytes, to the caller; asked with size 0 he only hears how many. */
static int64_t hand_out(struct call *call, const char *bytes, int length, uint64_t address, uint64_t size)
{
	int error = 0;

	if (length < 0)
		return call_result(length);
	if (size != 0 && (uint64_t)length > size)
		return -ERANGE;
	if (size != 0 && length > 0)
		error = copy_out(call, address, bytes, (size_t)length);
	return error != 0 ? call_result(error) : length;
}

static int64_t get(uint64_t caller, struct target target, uint64_t name_address, uint64_t value, uint64_t size)
{
	struct call *call = call_of(caller);
	char name[XATTR_NAME_MAX + 1], *found = NULL;
	struct vnode *vnode = NULL;
	int64_t result = copy_name(call, name, name_address);

	if (result == 0)
		result = find_target(call, &target, &vnode);
	if (result == 0)
		result = may_use(call, vnode, name, R_OK);
	if (result == 0 && (found = user_alloc(user_now(), FILE_ENTRIES_SIZE)) == NULL)
		result = -ENOMEM;
	if (result == 0)
		result = hand_out(call, found, vnode->ops->get_extended(vnode, name, found), value, size);
	else
		result = call_result((int)result);
	vnode_release(vnode);
	user_free(found);
	return result;
}

/* Leaves the names that the caller may know of; how many bytes they are. */
static int leave_visible(struct call *call, char *names, int length)
{
	int kept = 0, at, size;

	for (at = 0; at < length; at += size) {
		size = (int)strlen(names + at) + 1;
		if (begins(names + at, XATTR_TRUSTED_PREFIX) && !capable(call->process, CAP_SYS_ADMIN))
			continue;
		memmove(names + kept, names + at, (size_t)size);
		kept += size;
	}
	return length < 0 ? length : kept;
}

static int64_t list(uint64_t caller, struct target target, uint64_t address, uint64_t size)
{
	struct call *call = call_of(caller);
	struct vnode *vnode = NULL;
	char *names = NULL;
	int64_t result = find_target(call, &target, &vnode);
	int length;

	if (result != 0)
		return call_result((int)result);
	if (vnode->ops->list_extended != NULL && (names = user_alloc(user_now(), FILE_ENTRIES_SIZE)) == NULL) {
		result = -ENOMEM;
	} else if (names != NULL) {
		length = vnode->ops->list_extended(vnode, names);
		result = hand_out(call, names, leave_visible(call, names, length), address, size);
	}
	vnode_release(vnode);
	user_free(names);
	return result;
}

int64_t sys_setxattr(uint64_t caller, uint64_t path, uint64_t name, uint64_t value, uint64_t size, unsigned flags)
{
	return set(caller, by_path(path), name, value, size, flags);
}

int64_t sys_lsetxattr(uint64_t caller, uint64_t path, uint64_t name, uint64_t value, uint64_t size, unsigned flags)
{
	return set(caller, by_path_itself(path), name, value, size, flags);
}

int64_t sys_fsetxattr(uint64_t caller, int fd, uint64_t name, uint64_t value, uint64_t size, unsigned flags)
{
	return set(caller, by_descriptor(fd), name, value, size, flags);
}

int64_t sys_getxattr(uint64_t caller, uint64_t path, uint64_t name, uint64_t value, uint64_t size)
{
	return get(caller, by_path(path), name, value, size);
}

int64_t sys_lgetxattr(uint64_t caller, uint64_t path, uint64_t name, uint64_t value, uint64_t size)
{
	return get(caller, by_path_itself(path), name, value, size);
}

int64_t sys_fgetxattr(uint64_t caller, int fd, uint64_t name, uint64_t value, uint64_t size)
{
	return get(caller, by_descriptor(fd), name, value, size);
}

int64_t sys_listxattr(uint64_t caller, uint64_t path, uint64_t names, uint64_t size)
{
	return list(caller, by_path(path), names, size);
}

int64_t sys_llistxattr(uint64_t caller, uint64_t path, uint64_t names, uint64_t size)
{
	return list(caller, by_path_itself(path), names, size);
}

int64_t sys_flistxattr(uint64_t caller, int fd, uint64_t names, uint64_t size)
{
	return list(caller, by_descriptor(fd), names, size);
}

int64_t sys_removexattr(uint64_t caller, uint64_t path, uint64_t name)
{
	return removed(caller, by_path(path), name);
}

int64_t sys_lremovexattr(uint64_t caller, uint64_t path, uint64_t name)
{
	return removed(caller, by_path_itself(path), name);
}

int64_t sys_fremovexattr(uint64_t caller, int fd, uint64_t name)
{
	return removed(caller, by_descriptor(fd), name);
}
