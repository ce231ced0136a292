/* Asking about files: stat and its kin, access, readlink. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "process/proc.h"
#include "unix_server.h"
#include "vfs/vfs_internal.h"

#define NS_PER_SECOND   1000000000
#define STATX_ALL_BASIC 0x7ffu
#define STATX_BIRTH     0x800u
#define STATX_RESERVED  0x80000000u
#define STATX_FLAGS     (unsigned)(AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT | AT_EMPTY_PATH | AT_STATX_SYNC_TYPE)

static struct timespec to_timespec(int64_t ns)
{
	struct timespec time = {ns / NS_PER_SECOND, ns % NS_PER_SECOND};

	if (time.tv_nsec < 0) {
		time.tv_sec--;
		time.tv_nsec += NS_PER_SECOND;
	}
	return time;
}

int vnode_stat(struct vnode *vnode, struct stat *out)
{
	file_attributes_t a;
	int error;

	memset(&a, 0, sizeof a);
	error = vnode->ops->get_attributes(vnode, &a);
	if (error != 0)
		return error;
	memset(out, 0, sizeof *out);
	out->st_dev = vnode->mount != NULL ? vnode->mount->device : 0;
	out->st_ino = a.inode;
	out->st_mode = (mode_t)a.mode;
	out->st_nlink = a.links;
	out->st_uid = (uid_t)a.uid;
	out->st_gid = (gid_t)a.gid;
	out->st_rdev = a.device;
	out->st_size = (off_t)a.size;
	out->st_blksize = a.block_size != 0 ? (blksize_t)a.block_size : 4096;
	out->st_blocks = (blkcnt_t)a.blocks;
	out->st_atim = to_timespec(a.access_time);
	out->st_mtim = to_timespec(a.modify_time);
	out->st_ctim = to_timespec(a.change_time);
	return 0;
}

void file_stat_anonymous(const struct file *file, struct stat *out)
{
	mode_t type = 0;

	/* The channel to the host stands in a pipeline, and some programs write to nothing of which they do not know what it is. */
	if (file->kind != NULL && (strcmp(file->kind, "pipe") == 0 || strcmp(file->kind, "channel") == 0))
		type = S_IFIFO;
	else if (file->kind != NULL && strcmp(file->kind, "socket") == 0)
		type = S_IFSOCK;
	memset(out, 0, sizeof *out);
	out->st_ino = file->inode;
	out->st_mode = type | (type == S_IFSOCK ? 0777 : 0600);
	out->st_nlink = 1;
	out->st_blksize = 4096;
}

static int64_t stat_out(struct call *call, int error, struct vnode *vnode, uint64_t result)
{
	struct stat out;

	if (error == 0) {
		error = vnode_stat(vnode, &out);
		vnode_release(vnode);
	}
	if (error == 0)
		error = copy_out(call, result, &out, sizeof out);
	return call_result(error);
}

int64_t sys_fstat(uint64_t caller, int fd, uint64_t result)
{
	struct call *call = call_of(caller);
	struct file *file = fd_file_path(call, fd);
	struct stat out;

	if (file == NULL)
		return -EBADF;
	if (file->vnode != NULL)
		return stat_out(call, 0, vnode_reference(file->vnode), result);
	file_stat_anonymous(file, &out);
	return call_result(copy_out(call, result, &out, sizeof out));
}

int64_t sys_newfstatat(uint64_t caller, int dirfd, uint64_t path, uint64_t result, unsigned flags)
{
	struct call *call = call_of(caller);
	struct vnode *vnode = NULL;
	char first;
	int error;

	if (flags & ~(unsigned)(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH | AT_NO_AUTOMOUNT))
		return -EINVAL;
	/* An empty path is fstat, which works without a vnode. */
	if (flags & AT_EMPTY_PATH && dirfd >= 0) {
		error = path != 0 ? copy_in(call, &first, path, 1) : 0;
		if (error != 0)
			return call_result(error);
		if (path == 0 || first == 0)
			return sys_fstat(caller, dirfd, result);
	}
	error = path_at(call, dirfd, path, (int)flags, &vnode);
	return stat_out(call, error, vnode, result);
}

int64_t sys_stat(uint64_t caller, uint64_t path, uint64_t result)
{
	return sys_newfstatat(caller, AT_FDCWD, path, result, 0);
}

int64_t sys_lstat(uint64_t caller, uint64_t path, uint64_t result)
{
	return sys_newfstatat(caller, AT_FDCWD, path, result, AT_SYMLINK_NOFOLLOW);
}

static struct statx_timestamp to_statx_time(struct timespec time)
{
	struct statx_timestamp out = {.tv_sec = time.tv_sec, .tv_nsec = (uint32_t)time.tv_nsec};

	return out;
}

int64_t sys_statx(uint64_t caller, int dirfd, uint64_t path, unsigned flags, unsigned mask, uint64_t result)
{
	struct call *call = call_of(caller);
	struct file *file;
	struct vnode *vnode = NULL;
	struct stat s;
	struct statx out;
	char first = 1;
	bool is_root = false;
	uint64_t mount_id = 0;
	int error = 0;

	if (mask & STATX_RESERVED || flags & ~STATX_FLAGS || (flags & AT_STATX_SYNC_TYPE) == AT_STATX_SYNC_TYPE)
		return -EINVAL;
	if (flags & AT_EMPTY_PATH && path != 0)
		error = copy_in(call, &first, path, 1);
	if (error != 0)
		return call_result(error);
	file = flags & AT_EMPTY_PATH && dirfd >= 0 && (path == 0 || first == 0) ? fd_file_path(call, dirfd) : NULL;
	if (file != NULL && file->vnode == NULL) {
		file_stat_anonymous(file, &s);
	} else {
		error = path_at(call, dirfd, path, (int)flags, &vnode);
		if (error == 0) {
			error = vnode_stat(vnode, &s);
			is_root = vnode->mount != NULL && vnode == vnode->mount->root;
			mount_id = vnode->mount != NULL ? MOUNT_ID_FIRST - 1 + vnode->mount->order : 0;
			vnode_release(vnode);
		}
		if (error != 0)
			return call_result(error);
	}
	memset(&out, 0, sizeof out);
	out.stx_mask = STATX_ALL_BASIC | (mount_id != 0 ? STATX_MNT_ID : 0);
	out.stx_mnt_id = mount_id;
	out.stx_attributes_mask = STATX_ATTR_MOUNT_ROOT;
	out.stx_attributes = is_root ? STATX_ATTR_MOUNT_ROOT : 0;
	out.stx_blksize = (uint32_t)s.st_blksize;
	out.stx_nlink = (uint32_t)s.st_nlink;
	out.stx_uid = s.st_uid;
	out.stx_gid = s.st_gid;
	out.stx_mode = (uint16_t)s.st_mode;
	out.stx_ino = s.st_ino;
	out.stx_size = (uint64_t)s.st_size;
	out.stx_blocks = (uint64_t)s.st_blocks;
	out.stx_atime = to_statx_time(s.st_atim);
	out.stx_mtime = to_statx_time(s.st_mtim);
	out.stx_ctime = to_statx_time(s.st_ctim);
	out.stx_rdev_major = major(s.st_rdev);
	out.stx_rdev_minor = minor(s.st_rdev);
	out.stx_dev_major = major(s.st_dev);
	out.stx_dev_minor = minor(s.st_dev);
	return call_result(copy_out(call, result, &out, sizeof out));
}

int64_t sys_faccessat2(uint64_t caller, int dirfd, uint64_t path, int mode, unsigned flags)
{
	struct call *call = call_of(caller);
	struct vnode *vnode;
	int error;

	if (mode & ~(R_OK | W_OK | X_OK) || flags & ~(unsigned)(AT_EACCESS | AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH))
		return -EINVAL;
	call->real_ids = !(flags & AT_EACCESS);
	error = path_at(call, dirfd, path, (int)(flags & ~(unsigned)AT_EACCESS), &vnode);
	if (error == 0) {
		error = mode == F_OK ? 0 : vnode_access(call, vnode, (unsigned)mode, false);
		vnode_release(vnode);
	}
	return call_result(error);
}

int64_t sys_faccessat(uint64_t caller, int dirfd, uint64_t path, int mode)
{
	return sys_faccessat2(caller, dirfd, path, mode, 0);
}

int64_t sys_access(uint64_t caller, uint64_t path, int mode)
{
	return sys_faccessat2(caller, AT_FDCWD, path, mode, 0);
}

int64_t sys_readlinkat(uint64_t caller, int dirfd, uint64_t path, uint64_t target, int size)
{
	struct call *call = call_of(caller);
	struct vnode *vnode;
	char *text, first;
	int error, length;

	if (size <= 0)
		return -EINVAL;
	error = copy_in(call, &first, path, 1);
	if (error != 0)
		return call_result(error);
	error = path_at(call, dirfd, path, AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH, &vnode);
	if (error != 0)
		return call_result(error);
	text = malloc(PATH_LENGTH);
	if (text == NULL)
		length = -ENOMEM;
	else if (VNODE_TYPE(vnode) != S_IFLNK || vnode->ops->read_link == NULL)
		length = first == 0 ? -ENOENT : -EINVAL;
	else
		length = vnode->ops->read_link(vnode, text, size < PATH_LENGTH ? (size_t)size : PATH_LENGTH);
	vnode_release(vnode);
	if (length > 0) {
		error = copy_out(call, target, text, (size_t)length);
		if (error != 0)
			length = error;
	}
	free(text);
	return call_result(length);
}

int64_t sys_readlink(uint64_t caller, uint64_t path, uint64_t target, int size)
{
	return sys_readlinkat(caller, AT_FDCWD, path, target, size);
}
