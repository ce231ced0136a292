/* A process's own view of the tree: working directory, root, umask. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "process/proc.h"
#include "unix_server.h"
#include "vfs/vfs_internal.h"

/* Consumes the vnode. */
static int64_t enter(struct call *call, struct vnode *vnode, struct vnode **place)
{
	int error = VNODE_TYPE(vnode) != S_IFDIR ? -ENOTDIR : vnode_access(call, vnode, X_OK, false);

	if (error == 0) {
		struct vnode *old = *place;

		*place = vnode;
		vnode = old;
	}
	vnode_release(vnode);
	return call_result(error);
}

int64_t sys_chdir(uint64_t caller, uint64_t path)
{
	struct call *call = call_of(caller);
	struct vnode *vnode;
	int error = path_look_up_user(call, AT_FDCWD, path, PATH_DIRECTORY, &vnode);

	return error != 0 ? call_result(error) : enter(call, vnode, &call->process->fs->cwd);
}

int64_t sys_fchdir(uint64_t caller, int fd)
{
	struct call *call = call_of(caller);
	struct file *file = fd_file_path(call, fd);

	if (file == NULL)
		return -EBADF;
	return file->vnode == NULL ? -ENOTDIR : enter(call, vnode_reference(file->vnode), &call->process->fs->cwd);
}

int64_t sys_chroot(uint64_t caller, uint64_t path)
{
	struct call *call = call_of(caller);
	struct vnode *vnode;
	int error = path_look_up_user(call, AT_FDCWD, path, PATH_DIRECTORY, &vnode);

	if (error != 0)
		return call_result(error);
	error = vnode_access(call, vnode, X_OK, false);
	if (error == 0 && !capable(call->process, CAP_SYS_CHROOT))
		error = -EPERM;
	if (error == 0)
		return enter(call, vnode, &call->process->fs->root);
	vnode_release(vnode);
	return call_result(error);
}

int64_t sys_getcwd(uint64_t caller, uint64_t path, uint64_t size)
{
	struct call *call = call_of(caller);
	struct vnode *cwd = call->process->fs->cwd;
	file_attributes_t attributes;
	struct path_name *name;
	int length, error;

	error = vnode_known(cwd, &attributes);
	if (error == 0 && attributes.links == 0)
		error = -ENOENT;
	if (error != 0)
		return call_result(error);
	name = malloc(sizeof *name);
	if (name == NULL)
		return -ENOMEM;
	length = path_of(call, cwd, name->text, size < sizeof name->text ? size : sizeof name->text);
	if (length > 0) {
		error = copy_out(call, path, name->text, (size_t)length);
		if (error != 0)
			length = error;
	}
	free(name);
	return call_result(length);
}

int64_t sys_umask(uint64_t caller, unsigned mask)
{
	struct fs_context *fs = call_of(caller)->process->fs;
	unsigned old = fs->umask;

	fs->umask = mask & 0777;
	return (int64_t)old;
}
