/* Files in memory without a name (memfd_create), and seals: what nobody may do to them any more (fcntl(2), File Sealing). */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "process/proc.h"
#include "unix_server.h"
#include "vfs/vfs_internal.h"

#define NAME_LONGEST 249 /* memfd_create(2) */
#define SEALS        (F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_FUTURE_WRITE)

int64_t sys_memfd_create(uint64_t caller, uint64_t name_address, unsigned flags)
{
	struct call *call = call_of(caller);
	const struct credentials *credentials = &call->process->credentials;
	char name[sizeof "memfd:" + NAME_LONGEST] = "memfd:";
	struct vnode *vnode;
	struct file *file;
	int error, length;

	if (flags & ~(unsigned)(MFD_CLOEXEC | MFD_ALLOW_SEALING))
		return -EINVAL;
	length = copy_string(call, name + strlen(name), name_address, NAME_LONGEST + 1);
	if (length < 0)
		return length == -ENAMETOOLONG ? -EINVAL : call_result(length);
	error = vnode_create_unnamed(0777, credentials->fsuid, credentials->fsgid, &vnode);
	if (error != 0)
		return call_result(error);
	vnode_set_place(vnode, NULL, name);
	vnode->sealable = true;
	vnode->seals = flags & MFD_ALLOW_SEALING ? 0 : F_SEAL_SEAL;
	file = vnode_open_description(vnode, O_RDWR);
	/* Its maker may run it, though it could still write. */
	if (file != NULL && file->writes) {
		file->writes = false;
		vnode->writers--;
	}
	vnode_release(vnode);
	return file == NULL ? -ENOMEM : fd_install(call, file, (flags & MFD_CLOEXEC) != 0);
}

/* Of a file of memory that is none of these: seals that cannot be broken. */
static int seals_of(const struct vnode *vnode)
{
	if (vnode->sealable)
		return (int)vnode->seals;
	return VNODE_TYPE(vnode) == S_IFREG && strcmp(vnode->mount->type, "tmpfs") == 0 ? F_SEAL_SEAL : -EINVAL;
}

int64_t vnode_seal_control(struct file *file, int command, uint64_t argument)
{
	struct vnode *vnode = file->vnode;
	const int seals = vnode == NULL || vnode->mount == NULL ? -EINVAL : seals_of(vnode);

	if (seals < 0 || command == F_GET_SEALS)
		return seals;
	if ((file->flags & O_ACCMODE) == O_RDONLY)
		return -EPERM;
	if (argument & ~(uint64_t)SEALS)
		return -EINVAL;
	if (seals & F_SEAL_SEAL)
		return -EPERM;
	if (argument & F_SEAL_WRITE && !(seals & F_SEAL_WRITE) && vnode->shared_writers > 0)
		return -EBUSY;
	vnode->seals |= (unsigned)argument;
	return 0;
}

int vnode_check_seals(const struct vnode *vnode, uint64_t size, bool write)
{
	file_attributes_t attributes;

	if (vnode->seals == 0)
		return 0;
	if (write && vnode->seals & (F_SEAL_WRITE | F_SEAL_FUTURE_WRITE))
		return -EPERM;
	if (vnode_known((struct vnode *)(uintptr_t)vnode, &attributes) != 0)
		return -EIO;
	return size > attributes.size && vnode->seals & F_SEAL_GROW ? -EPERM : 0;
}
