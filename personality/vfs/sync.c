/* To the disk: sync, fsync and their kin; advice about use, which changes nothing. */
#include <errno.h>
#include <fcntl.h>
#include <mach/mach.h>
#include <servers/file_user.h>
#include <sys/mount.h>
#include <unistd.h>

#include "process/proc.h"
#include "unix_server.h"
#include "vfs/vfs_internal.h"

int sync_mount(struct mount *mount)
{
	mach_port_t service = mount->service;
	file_system_info_t info;
	kern_return_t result;
	uint64_t changes;

	if (service == MACH_PORT_NULL)
		return 0;
	mount->ops->write_back(mount);
	changes = mount->changes;
	result = ASK(mount, file_system_sync(service));
	if (result == KERN_SUCCESS)
		mount->synced = changes;
	/* It may take no changes any more, and everybody is to see that. */
	else if (mount->ops->info(mount, &info) == 0 && info.read_only)
		mount->flags |= MS_RDONLY;
	write_failures_note(&mount->failures, -FILE_ERRNO(result));
	return -FILE_ERRNO(result);
}

int64_t sys_sync(uint64_t caller)
{
	struct mount *mount = NULL;

	(void)caller;
	while ((mount = mount_after(mount)) != NULL)
		sync_mount(mount);
	return 0;
}

int64_t sys_syncfs(uint64_t caller, int fd)
{
	struct file *file = fd_file(call_of(caller), fd);
	struct mount *mount;
	int error, failure;

	if (file == NULL)
		return -EBADF;
	if (file->vnode == NULL || file->vnode->mount == NULL)
		return 0;
	mount = file->vnode->mount;
	file_reference(file);
	error = sync_mount(mount);
	failure = write_failures_tell(&mount->failures, &file->mount_failures_seen);
	file_release(file);
	return failure != 0 ? failure : error;
}

static int64_t sync_file(struct call *call, int fd, bool data_only)
{
	struct file *file = fd_file(call, fd);
	int error, failure;

	if (file == NULL)
		return -EBADF;
	if (file->vnode == NULL || file->vnode->ops->sync == NULL ||
		(VNODE_TYPE(file->vnode) != S_IFREG && VNODE_TYPE(file->vnode) != S_IFDIR))
		return -EINVAL;
	file_reference(file);
	error = vnode_sync(file->vnode, data_only);
	failure = write_failures_tell(&file->vnode->failures, &file->failures_seen);
	file_release(file);
	return failure != 0 ? failure : error;
}

int64_t sys_fsync(uint64_t caller, int fd)
{
	return sync_file(call_of(caller), fd, false);
}

int64_t sys_fdatasync(uint64_t caller, int fd)
{
	return sync_file(call_of(caller), fd, true);
}

int64_t sys_sync_file_range(uint64_t caller, int fd, int64_t offset, int64_t size, unsigned flags)
{
	struct call *call = call_of(caller);
	const struct file *file = fd_file(call, fd);
	int64_t end;
	unsigned type;

	if (file == NULL)
		return -EBADF;
	if (flags & ~(unsigned)(SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WRITE | SYNC_FILE_RANGE_WAIT_AFTER) ||
		offset < 0 || __builtin_add_overflow(offset, size, &end) || end < offset)
		return -EINVAL;
	type = file->vnode == NULL ? 0 : VNODE_TYPE(file->vnode);
	if (type != S_IFREG && type != S_IFBLK && type != S_IFDIR)
		return -ESPIPE;
	/* Not to the medium: to the file server, of all that is dirty. Who waits wants it there, and more does no harm.
	 */
	return flags == 0 || file->vnode->ops->sync == NULL ? 0 : sync_file(call, fd, true);
}

int64_t sys_readahead(uint64_t caller, int fd, int64_t offset, uint64_t size)
{
	const struct file *file = fd_file(call_of(caller), fd);

	(void)offset;
	(void)size;
	if (file == NULL || (file->flags & O_ACCMODE) == O_WRONLY)
		return -EBADF;
	/* File servers read ahead by themselves. */
	return file->vnode == NULL || (VNODE_TYPE(file->vnode) != S_IFREG && VNODE_TYPE(file->vnode) != S_IFBLK)
		       ? -EINVAL
		       : 0;
}

int64_t sys_fadvise64(uint64_t caller, int fd, int64_t offset, int64_t size, int advice)
{
	struct file *file = fd_file(call_of(caller), fd);

	(void)offset;
	if (file == NULL)
		return -EBADF;
	if (file->vnode == NULL || VNODE_TYPE(file->vnode) == S_IFIFO)
		return -ESPIPE;
	return size < 0 || advice < POSIX_FADV_NORMAL || advice > POSIX_FADV_NOREUSE ? -EINVAL : 0;
}
