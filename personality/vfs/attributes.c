/* Changing what is kept of a file: mode, owner, times. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <unistd.h>
#include <utime.h>

#include "process/proc.h"
#include "unix_server.h"
#include "vfs/vfs_internal.h"

#define NS_PER_SECOND 1000000000
#define NO_OWNER      0xffffffffu

/* --- Mode. Consumes the vnode. */

static int64_t change_mode(struct call *call, struct vnode *vnode, unsigned mode)
{
	file_attributes_t a, values = {.mode = mode & 07777};
	int error = vnode_known(vnode, &a);

	if (error == 0 && VNODE_TYPE(vnode) == S_IFLNK)
		error = -EOPNOTSUPP;
	if (error == 0)
		error = vnode_is_owner(call, &a);
	if (error == 0) {
		/* A group that the caller is not in does not get the caller's file as a program. */
		if (!capable(call->process, CAP_FSETID) && a.gid != call->process->credentials.fsgid &&
			!in_group(&call->process->credentials, (uint32_t)a.gid))
			values.mode &= ~(uint64_t)S_ISGID;
		error = vnode_set_attributes(vnode, FILE_SET_MODE, &values);
	}
	vnode_release(vnode);
	return call_result(error);
}

int64_t sys_fchmodat(uint64_t caller, int dirfd, uint64_t path, unsigned mode)
{
	struct vnode *vnode;
	int error = path_at(call_of(caller), dirfd, path, 0, &vnode);

	return error != 0 ? call_result(error) : change_mode(call_of(caller), vnode, mode);
}

int64_t sys_chmod(uint64_t caller, uint64_t path, unsigned mode)
{
	return sys_fchmodat(caller, AT_FDCWD, path, mode);
}

int64_t sys_fchmod(uint64_t caller, int fd, unsigned mode)
{
	struct file *file = fd_file(call_of(caller), fd);

	if (file == NULL)
		return -EBADF;
	return file->vnode == NULL ? -EINVAL : change_mode(call_of(caller), vnode_reference(file->vnode), mode);
}

/* --- Owner. */

static int64_t change_owner(struct call *call, struct vnode *vnode, uint32_t uid, uint32_t gid)
{
	const struct credentials *who = &call->process->credentials;
	file_attributes_t a, values;
	unsigned which = 0;
	int error = vnode_known(vnode, &a);

	values = a;
	values.uid = uid;
	values.gid = gid;
	if (uid != NO_OWNER)
		which |= FILE_SET_UID;
	if (gid != NO_OWNER)
		which |= FILE_SET_GID;
	if (error == 0 && VNODE_TYPE(vnode) != S_IFDIR) {
		values.mode = mode_without_set_id(call, a.mode & 07777, a.gid);
		if (values.mode != (a.mode & 07777))
			which |= FILE_SET_MODE;
	}
	if (error == 0 && which != 0 && !capable(call->process, CAP_CHOWN)) {
		/* An owner may give the file to a group of his. */
		if (who->fsuid != a.uid || (uid != NO_OWNER && uid != a.uid) ||
			(gid != NO_OWNER && gid != a.gid && gid != who->fsgid && !in_group(who, gid)))
			error = -EPERM;
	}
	/* The bits that go are a change of mode. */
	if (error == 0 && which & FILE_SET_MODE)
		error = vnode_is_owner(call, &a);
	if (error == 0 && which != 0)
		error = vnode_drop_capabilities(vnode);
	if (error == 0 && which != 0)
		error = vnode_set_attributes(vnode, which, &values);
	vnode_release(vnode);
	return call_result(error);
}

int64_t sys_fchownat(uint64_t caller, int dirfd, uint64_t path, int uid, int gid, unsigned flags)
{
	struct vnode *vnode;
	int error;

	if (flags & ~(unsigned)(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH))
		return -EINVAL;
	error = path_at(call_of(caller), dirfd, path, (int)flags, &vnode);
	return error != 0 ? call_result(error) : change_owner(call_of(caller), vnode, (uint32_t)uid, (uint32_t)gid);
}

int64_t sys_chown(uint64_t caller, uint64_t path, int uid, int gid)
{
	return sys_fchownat(caller, AT_FDCWD, path, uid, gid, 0);
}

int64_t sys_lchown(uint64_t caller, uint64_t path, int uid, int gid)
{
	return sys_fchownat(caller, AT_FDCWD, path, uid, gid, AT_SYMLINK_NOFOLLOW);
}

int64_t sys_fchown(uint64_t caller, int fd, int uid, int gid)
{
	struct file *file = fd_file(call_of(caller), fd);

	if (file == NULL)
		return -EBADF;
	if (file->vnode == NULL)
		return -EINVAL;
	return change_owner(call_of(caller), vnode_reference(file->vnode), (uint32_t)uid, (uint32_t)gid);
}

/* --- Times. times null: now. Consumes the vnode. */

static int change_times(struct call *call, struct vnode *vnode, const struct timespec *times)
{
	file_attributes_t a, values = {.access_time = (int64_t)clock_realtime()};
	unsigned which = 0;
	bool now = times == NULL || (times[0].tv_nsec == UTIME_NOW && times[1].tv_nsec == UTIME_NOW);
	int error = vnode_known(vnode, &a), i;

	values.modify_time = values.access_time;
	for (i = 0; times != NULL && i < 2; i++) {
		if (times[i].tv_nsec != UTIME_NOW && times[i].tv_nsec != UTIME_OMIT &&
			(times[i].tv_nsec < 0 || times[i].tv_nsec >= NS_PER_SECOND))
			error = -EINVAL;
	}
	if (error == 0 && times != NULL && times[0].tv_nsec == UTIME_OMIT && times[1].tv_nsec == UTIME_OMIT) {
		vnode_release(vnode);
		return 0;
	}
	if (error == 0 && vnode_is_owner(call, &a) != 0)
		error = now ? vnode_access(call, vnode, W_OK, false) : -EPERM;
	if (times == NULL || times[0].tv_nsec != UTIME_OMIT)
		which |= FILE_SET_ACCESS_TIME;
	if (times == NULL || times[1].tv_nsec != UTIME_OMIT)
		which |= FILE_SET_MODIFY_TIME;
	if (times != NULL && times[0].tv_nsec != UTIME_NOW)
		values.access_time = times[0].tv_sec * NS_PER_SECOND + times[0].tv_nsec;
	if (times != NULL && times[1].tv_nsec != UTIME_NOW)
		values.modify_time = times[1].tv_sec * NS_PER_SECOND + times[1].tv_nsec;
	if (error == 0)
		error = vnode_set_attributes(vnode, which, &values);
	vnode_release(vnode);
	return error;
}

static int vnode_for_times(struct call *call, int dirfd, uint64_t path, unsigned flags, struct vnode **out)
{
	struct file *file;

	if (path != 0)
		return path_at(call, dirfd, path, (int)flags, out);
	/* As futimens: the descriptor itself. */
	file = fd_file(call, dirfd);
	if (file == NULL)
		return -EBADF;
	if (file->vnode == NULL)
		return -EINVAL;
	*out = vnode_reference(file->vnode);
	return 0;
}

int64_t sys_utimensat(uint64_t caller, int dirfd, uint64_t path, uint64_t times, unsigned flags)
{
	struct call *call = call_of(caller);
	struct timespec values[2];
	struct vnode *vnode;
	int error = 0;

	if (flags & ~(unsigned)(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH))
		return -EINVAL;
	if (times != 0)
		error = copy_in(call, values, times, sizeof values);
	/* Nothing is asked for, not even whether it is there. */
	if (error == 0 && times != 0 && values[0].tv_nsec == UTIME_OMIT && values[1].tv_nsec == UTIME_OMIT)
		return 0;
	if (error == 0 && path == 0 && (dirfd == AT_FDCWD || flags != 0))
		error = dirfd == AT_FDCWD ? -EFAULT : -EINVAL;
	if (error == 0)
		error = vnode_for_times(call, dirfd, path, flags, &vnode);
	if (error == 0)
		error = change_times(call, vnode, times != 0 ? values : NULL);
	return call_result(error);
}

int64_t sys_futimesat(uint64_t caller, int dirfd, uint64_t path, uint64_t times)
{
	struct call *call = call_of(caller);
	struct timeval in[2];
	struct timespec values[2];
	struct vnode *vnode;
	int error = 0, i;

	if (times != 0)
		error = copy_in(call, in, times, sizeof in);
	for (i = 0; times != 0 && error == 0 && i < 2; i++) {
		if (in[i].tv_usec < 0 || in[i].tv_usec >= 1000000)
			return -EINVAL;
		values[i].tv_sec = in[i].tv_sec;
		values[i].tv_nsec = in[i].tv_usec * 1000;
	}
	if (error == 0)
		error = vnode_for_times(call, dirfd, path, 0, &vnode);
	if (error == 0)
		error = change_times(call, vnode, times != 0 ? values : NULL);
	return call_result(error);
}

int64_t sys_utimes(uint64_t caller, uint64_t path, uint64_t times)
{
	return sys_futimesat(caller, AT_FDCWD, path, times);
}

int64_t sys_utime(uint64_t caller, uint64_t path, uint64_t times)
{
	struct call *call = call_of(caller);
	struct utimbuf in;
	struct timespec values[2];
	struct vnode *vnode;
	int error = 0;

	if (times != 0) {
		error = copy_in(call, &in, times, sizeof in);
		memset(values, 0, sizeof values);
		values[0].tv_sec = in.actime;
		values[1].tv_sec = in.modtime;
	}
	if (error == 0)
		error = path_at(call, AT_FDCWD, path, 0, &vnode);
	if (error == 0)
		error = change_times(call, vnode, times != 0 ? values : NULL);
	return call_result(error);
}
