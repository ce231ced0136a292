/* The size of files and the space they take: truncate, fallocate. */
#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "file/notify.h"
#include "process/proc.h"
#include "unix_server.h"
#include "vfs/vfs_internal.h"

int64_t sys_truncate(uint64_t caller, uint64_t path, int64_t size)
{
	struct call *call = call_of(caller);
	struct vnode *vnode;
	int error = size < 0 ? -EINVAL : path_at(call, AT_FDCWD, path, 0, &vnode);

	if (error != 0)
		return call_result(error);
	error = VNODE_TYPE(vnode) == S_IFDIR ? -EISDIR : VNODE_TYPE(vnode) != S_IFREG ? -EINVAL : 0;
	if (error == 0)
		error = vnode_access(call, vnode, W_OK, false);
	if (error == 0 && vnode->runners > 0)
		error = -ETXTBSY;
	if (error == 0 && !list_empty(&vnode->leases))
		error = vnode_lease_break(call, vnode, true, true);
	if (error == 0)
		error = vnode_truncate(call, vnode, (uint64_t)size);
	vnode_release(vnode);
	return call_result(error);
}

int64_t sys_ftruncate(uint64_t caller, int fd, int64_t size)
{
	struct call *call = call_of(caller);
	struct file *file = fd_file(call, fd);
	struct vnode *vnode;
	int error;

	if (size < 0)
		return -EINVAL;
	if (file == NULL)
		return -EBADF;
	if (file->vnode == NULL || (file->flags & O_ACCMODE) == O_RDONLY || VNODE_TYPE(file->vnode) != S_IFREG)
		return -EINVAL;
	vnode = vnode_reference(file->vnode);
	error = vnode_truncate(call, vnode, (uint64_t)size);
	vnode_release(vnode);
	return call_result(error);
}

/* --- Space. */

/* Zeros in [from, to), within a page, as a write makes them; what is zero already is left alone. */
static int64_t write_zeros(struct call *call, struct vnode *vnode, uint64_t from, uint64_t to)
{
	static const char zeros[VM_PAGE_SIZE];
	const uint64_t size = to - from;
	char *old = malloc(size);
	int64_t result = old != NULL ? vnode_read_server(call, vnode, old, size, from) : -ENOMEM;
	struct io io;

	if (result > 0 && memcmp(old, zeros, (size_t)result) != 0) {
		io_init_server(&io, call, (void *)(uintptr_t)zeros, (uint64_t)result);
		result = vnode->ops->write(vnode, &io, &from, false);
	}
	free(old);
	return result < 0 ? result : 0;
}

/* The range reads as zeros: its whole pages have no space any more, the rest is written. */
static int64_t punch(struct call *call, struct vnode *vnode, uint64_t offset, uint64_t end)
{
	const uint64_t mask = VM_PAGE_SIZE - 1, first = (offset + mask) & ~mask, last = end & ~mask;
	int64_t error = 0;

	if (first > last) /* within a page */
		return write_zeros(call, vnode, offset, end);
	if (offset < first)
		error = write_zeros(call, vnode, offset, first);
	if (error == 0 && last < end)
		error = write_zeros(call, vnode, last, end);
	return error != 0 || first == last ? error : vnode->ops->punch(vnode, call, first, last - first);
}

static int check_mode(unsigned mode)
{
	switch (mode) {
	case 0:
	case FALLOC_FL_KEEP_SIZE:
	case FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE:
	case FALLOC_FL_ZERO_RANGE:
	case FALLOC_FL_ZERO_RANGE | FALLOC_FL_KEEP_SIZE:
		return 0;
	default:
		return -EOPNOTSUPP;
	}
}

int64_t sys_fallocate(uint64_t caller, int fd, unsigned mode, int64_t offset, int64_t size)
{
	struct call *call = call_of(caller);
	struct file *file = fd_file(call, fd);
	const uint64_t end = (uint64_t)offset + (uint64_t)size;
	struct vnode *vnode;
	int64_t error;

	if (file == NULL)
		return -EBADF;
	if (offset < 0 || size <= 0)
		return -EINVAL;
	if (check_mode(mode) != 0)
		return -EOPNOTSUPP;
	if ((file->flags & O_ACCMODE) == O_RDONLY)
		return -EBADF;
	if (offset > INT64_MAX - size)
		return -EFBIG;
	if (file->vnode == NULL)
		return -ESPIPE;
	vnode = file->vnode;
	if (VNODE_TYPE(vnode) != S_IFREG)
		return VNODE_TYPE(vnode) == S_IFDIR ? -EISDIR : VNODE_TYPE(vnode) == S_IFIFO ? -ESPIPE : -ENODEV;
	if (vnode->ops->allocate == NULL || (mode & ~(unsigned)FALLOC_FL_KEEP_SIZE && vnode->ops->punch == NULL))
		return -EOPNOTSUPP;
	error = vnode_check_writable(vnode);
	if (error != 0)
		return error;
	error = vnode_check_seals(vnode, mode & FALLOC_FL_PUNCH_HOLE ? 0 : end,
		(mode & (FALLOC_FL_PUNCH_HOLE | FALLOC_FL_ZERO_RANGE)) != 0);
	if (error != 0)
		return error;
	vnode_reference(vnode);
	if (!(mode & FALLOC_FL_KEEP_SIZE))
		error = vnode_check_growth(call, vnode, end);
	if (error == 0)
		error = vnode_drop_set_id(call, vnode);
	if (error == 0 && mode & (FALLOC_FL_PUNCH_HOLE | FALLOC_FL_ZERO_RANGE))
		error = punch(call, vnode, (uint64_t)offset, end);
	if (error == 0 && !(mode & FALLOC_FL_PUNCH_HOLE))
		error = vnode->ops->allocate(vnode, call, (uint64_t)offset, (uint64_t)size,
			mode & FALLOC_FL_KEEP_SIZE ? 0 : end);
	if (error == 0)
		notify(vnode, IN_MODIFY);
	vnode_release(vnode);
	return call_result((int)error);
}
