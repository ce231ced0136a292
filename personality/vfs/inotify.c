/* The calls of inotify(7); file/notify.c does the work. */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "file/notify.h"
#include "process/proc.h"
#include "unix_server.h"
#include "vfs/vfs_internal.h"

#define MASK_BITS                                                                                                      \
	(IN_ALL_EVENTS | IN_UNMOUNT | IN_Q_OVERFLOW | IN_IGNORED | IN_ONLYDIR | IN_DONT_FOLLOW | IN_EXCL_UNLINK |      \
		IN_MASK_CREATE | IN_MASK_ADD | IN_ISDIR | IN_ONESHOT)

int64_t sys_inotify_init1(uint64_t caller, int flags)
{
	void *notifier;
	int error;

	if (flags & ~(IN_CLOEXEC | IN_NONBLOCK))
		return -EINVAL;
	notifier = notifier_create(&error);
	if (notifier == NULL)
		return error;
	return fd_install_anonymous(
		call_of(caller), &notifier_ops, O_RDONLY | (flags & IN_NONBLOCK), notifier, (flags & IN_CLOEXEC) != 0);
}

int64_t sys_inotify_init(uint64_t caller)
{
	return sys_inotify_init1(caller, 0);
}

/* The open file of a descriptor, a reference. -EBADF, -EINVAL: it is something else. */
static int notifier_of(struct call *call, int fd, struct file **file)
{
	*file = fd_file(call, fd);
	if (*file == NULL)
		return -EBADF;
	if ((*file)->ops != &notifier_ops)
		return -EINVAL;
	file_reference(*file);
	return 0;
}

int64_t sys_inotify_add_watch(uint64_t caller, int fd, uint64_t path, unsigned mask)
{
	struct call *call = call_of(caller);
	struct vnode *vnode = NULL;
	struct file *file;
	int result;

	if (!(mask & MASK_BITS))
		return -EINVAL;
	result = notifier_of(call, fd, &file);
	if (result != 0)
		return result;
	if ((mask & (IN_MASK_ADD | IN_MASK_CREATE)) == (IN_MASK_ADD | IN_MASK_CREATE))
		result = -EINVAL;
	if (result == 0)
		result = path_at(call, AT_FDCWD, path, mask & IN_DONT_FOLLOW ? AT_SYMLINK_NOFOLLOW : 0, &vnode);
	if (result == 0 && mask & IN_ONLYDIR && VNODE_TYPE(vnode) != S_IFDIR)
		result = -ENOTDIR;
	if (result == 0)
		result = vnode_access(call, vnode, R_OK, false);
	if (result == 0)
		result = notifier_add(file, vnode, mask);
	vnode_release(vnode);
	file_release(file);
	return call_result(result);
}

int64_t sys_inotify_rm_watch(uint64_t caller, int fd, int number)
{
	struct file *file;
	int result = notifier_of(call_of(caller), fd, &file);

	if (result != 0)
		return result;
	result = notifier_remove(file, number);
	file_release(file);
	return result;
}
