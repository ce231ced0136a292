/* Extended attributes: no file has any, and none can be made. What is wrong with a call is told before that. */
#include <errno.h>
#include <fcntl.h>
#include <linux/limits.h>
#include <stdlib.h>
#include <sys/xattr.h>

#include "unix_server.h"
#include "vfs/vfs_internal.h"

static int check_name(struct call *call, uint64_t address)
{
	char name[XATTR_NAME_MAX + 1];
	int length = copy_string(call, name, address, sizeof name);

	return length == -ENAMETOOLONG || length == 0 ? -ERANGE : length < 0 ? length : 0;
}

static int check_value(struct call *call, uint64_t name, uint64_t value, uint64_t size, unsigned flags)
{
	int error = flags & ~(unsigned)(XATTR_CREATE | XATTR_REPLACE) ? -EINVAL : check_name(call, name);
	char *copy;

	if (error != 0 || size == 0)
		return error;
	if (size > XATTR_SIZE_MAX)
		return -E2BIG;
	copy = malloc(size);
	if (copy == NULL)
		return -ENOMEM;
	error = copy_in(call, copy, value, size);
	free(copy);
	return error;
}

/* `error` when the call is wrong, else whether the file is there, else `found`. */
static int64_t by_path(struct call *call, int error, uint64_t path, int flags, int found)
{
	struct vnode *vnode;

	if (error == 0)
		error = path_at(call, AT_FDCWD, path, flags, &vnode);
	if (error != 0)
		return call_result(error);
	vnode_release(vnode);
	return found;
}

static int64_t by_descriptor(struct call *call, int error, int fd, int found)
{
	return error != 0 ? call_result(error) : fd_file(call, fd) == NULL ? -EBADF : found;
}

int64_t sys_setxattr(uint64_t caller, uint64_t path, uint64_t name, uint64_t value, uint64_t size, unsigned flags)
{
	struct call *call = call_of(caller);

	return by_path(call, check_value(call, name, value, size, flags), path, 0, -EOPNOTSUPP);
}

int64_t sys_lsetxattr(uint64_t caller, uint64_t path, uint64_t name, uint64_t value, uint64_t size, unsigned flags)
{
	struct call *call = call_of(caller);

	return by_path(call, check_value(call, name, value, size, flags), path, AT_SYMLINK_NOFOLLOW, -EOPNOTSUPP);
}

int64_t sys_fsetxattr(uint64_t caller, int fd, uint64_t name, uint64_t value, uint64_t size, unsigned flags)
{
	struct call *call = call_of(caller);

	return by_descriptor(call, check_value(call, name, value, size, flags), fd, -EOPNOTSUPP);
}

int64_t sys_getxattr(uint64_t caller, uint64_t path, uint64_t name, uint64_t value, uint64_t size)
{
	(void)value;
	(void)size;
	return by_path(call_of(caller), check_name(call_of(caller), name), path, 0, -EOPNOTSUPP);
}

int64_t sys_lgetxattr(uint64_t caller, uint64_t path, uint64_t name, uint64_t value, uint64_t size)
{
	(void)value;
	(void)size;
	return by_path(call_of(caller), check_name(call_of(caller), name), path, AT_SYMLINK_NOFOLLOW, -EOPNOTSUPP);
}

int64_t sys_fgetxattr(uint64_t caller, int fd, uint64_t name, uint64_t value, uint64_t size)
{
	(void)value;
	(void)size;
	return by_descriptor(call_of(caller), check_name(call_of(caller), name), fd, -EOPNOTSUPP);
}

int64_t sys_listxattr(uint64_t caller, uint64_t path, uint64_t list, uint64_t size)
{
	(void)list;
	(void)size;
	return by_path(call_of(caller), 0, path, 0, 0);
}

int64_t sys_llistxattr(uint64_t caller, uint64_t path, uint64_t list, uint64_t size)
{
	(void)list;
	(void)size;
	return by_path(call_of(caller), 0, path, AT_SYMLINK_NOFOLLOW, 0);
}

int64_t sys_flistxattr(uint64_t caller, int fd, uint64_t list, uint64_t size)
{
	(void)list;
	(void)size;
	return by_descriptor(call_of(caller), 0, fd, 0);
}

int64_t sys_removexattr(uint64_t caller, uint64_t path, uint64_t name)
{
	return by_path(call_of(caller), check_name(call_of(caller), name), path, 0, -EOPNOTSUPP);
}

int64_t sys_lremovexattr(uint64_t caller, uint64_t path, uint64_t name)
{
	return by_path(call_of(caller), check_name(call_of(caller), name), path, AT_SYMLINK_NOFOLLOW, -EOPNOTSUPP);
}

int64_t sys_fremovexattr(uint64_t caller, int fd, uint64_t name)
{
	return by_descriptor(call_of(caller), check_name(call_of(caller), name), fd, -EOPNOTSUPP);
}
