/* Who may do what with a file: permission bits, owners, read-only mounts. */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <unistd.h>

#include "file/notify.h"
#include "process/proc.h"
#include "process/signal.h"
#include "vfs/vfs_internal.h"

int vnode_check_writable(const struct vnode *vnode)
{
	return vnode->mount != NULL && vnode->mount->flags & MS_RDONLY ? -EROFS : 0;
}

int vnode_access(struct call *call, struct vnode *vnode, unsigned wanted, bool real_ids)
{
	const struct credentials *who = &call->process->credentials;
	bool real = real_ids || call->real_ids;
	uint32_t uid = real ? who->uid : who->fsuid, gid = real ? who->gid : who->fsgid;
	uint64_t overrides = real ? capabilities_of_real_user(who) : who->effective;
	file_attributes_t attributes;
	unsigned type = VNODE_TYPE(vnode), bits;
	int error;

	if (wanted & W_OK && (type == S_IFREG || type == S_IFDIR || type == S_IFLNK)) {
		error = vnode_check_writable(vnode);
		if (error != 0)
			return error;
	}
	/* Who overrides may do all, but execute only what somebody may. */
	if (overrides & CAPABILITY(CAP_DAC_OVERRIDE) && !(wanted & X_OK && type != S_IFDIR && !(vnode->mode & 0111)))
		return 0;
	if (vnode->ops->always_allows != NULL && vnode->ops->always_allows(call, vnode))
		return 0;
	error = vnode_known(vnode, &attributes);
	if (error != 0)
		return error;
	if (attributes.uid == uid)
		bits = (unsigned)attributes.mode >> 6;
	else if (in_group_as(who, gid, (uint32_t)attributes.gid))
		bits = (unsigned)attributes.mode >> 3;
	else
		bits = (unsigned)attributes.mode;
	if (!(wanted & ~bits & 7))
		return 0;
	/* To read, and to search a directory. */
	return overrides & CAPABILITY(CAP_DAC_READ_SEARCH) && !(wanted & W_OK) && (type == S_IFDIR || !(wanted & X_OK))
		       ? 0
		       : -EACCES;
}

int vnode_is_owner(struct call *call, const file_attributes_t *attributes)
{
	const struct process *process = call->process;

	return process->credentials.fsuid == attributes->uid || capable(process, CAP_FOWNER) ? 0 : -EPERM;
}

int vnode_may_change(struct call *call, struct vnode *directory, struct vnode *child)
{
	file_attributes_t parent, attributes;
	int error = vnode_known(directory, &parent);

	if (error == 0 && child == NULL && parent.links == 0)
		error = -ENOENT; /* a directory that was removed takes no names */
	if (error == 0)
		error = vnode_access(call, directory, W_OK | X_OK, false);
	if (error != 0 || child == NULL || !(directory->mode & S_ISVTX))
		return error;
	error = vnode_known(child, &attributes);
	if (error != 0)
		return error;
	return vnode_is_owner(call, &parent) != 0 && vnode_is_owner(call, &attributes) != 0 ? -EPERM : 0;
}

static uint32_t kind_of_change(unsigned which)
{
	switch (which) {
	case FILE_SET_SIZE:
	case FILE_SET_MODIFY_TIME:
		return IN_MODIFY;
	case FILE_SET_ACCESS_TIME:
		return IN_ACCESS;
	default:
		return IN_ATTRIB;
	}
}

int vnode_set_attributes(struct vnode *vnode, unsigned which, const file_attributes_t *values)
{
	int error = vnode_check_writable(vnode);

	if (error != 0)
		return error;
	error = vnode->ops->set_attributes != NULL ? vnode->ops->set_attributes(vnode, which, values) : -EPERM;
	if (error == 0)
		notify(vnode, kind_of_change(which));
	return error;
}

unsigned mode_without_set_id(const struct call *call, unsigned mode, uint64_t gid)
{
	/* Without the right of its group to run it the bit says something else: it stays for who is in the group. */
	if (mode & S_IXGRP ||
		!(capable(call->process, CAP_FSETID) || in_group(&call->process->credentials, (uint32_t)gid)))
		mode &= ~(unsigned)S_ISGID;
	return mode & ~(unsigned)S_ISUID;
}

int vnode_drop_capabilities(struct vnode *vnode)
{
	int error = 0;

	if (vnode->no_capabilities || VNODE_TYPE(vnode) != S_IFREG)
		return 0;
	if (vnode->ops->set_extended != NULL)
		error = vnode->ops->set_extended(vnode, CAPABILITY_ATTRIBUTE, NULL, 0, 0);
	if (error != 0 && error != -ENODATA && error != -EOPNOTSUPP)
		return error;
	vnode->no_capabilities = true;
	return 0;
}

int vnode_capabilities(struct vnode *vnode, struct file_capabilities *out)
{
	char *value;
	int length;

	memset(out, 0, sizeof *out);
	if (vnode->no_capabilities || vnode->ops->get_extended == NULL)
		return 0;
	value = malloc(FILE_ENTRIES_SIZE);
	if (value == NULL)
		return -ENOMEM;
	length = vnode->ops->get_extended(vnode, CAPABILITY_ATTRIBUTE, value);
	vnode->no_capabilities = length == -ENODATA || length == -EOPNOTSUPP;
	if (length > 0)
		capabilities_parse(value, (unsigned)length, out);
	free(value);
	return length > 0 || vnode->no_capabilities ? 0 : length;
}

int vnode_drop_set_id(struct call *call, struct vnode *vnode)
{
	unsigned mode = vnode->mode & 07777;
	file_attributes_t attributes, values;
	int error = vnode->no_capabilities ? 0 : vnode_drop_capabilities(vnode);

	if (error != 0)
		return error;
	if (!(vnode->mode & (S_ISUID | S_ISGID)) || VNODE_TYPE(vnode) != S_IFREG || capable(call->process, CAP_FSETID))
		return 0;
	error = vnode_known(vnode, &attributes);
	if (error != 0)
		return error;
	values.mode = mode_without_set_id(call, mode, attributes.gid);
	return values.mode == mode ? 0 : vnode_set_attributes(vnode, FILE_SET_MODE, &values);
}

int vnode_check_growth(struct call *call, struct vnode *vnode, uint64_t size)
{
	file_attributes_t attributes;
	int error;

	if (size <= call->process->limit[RLIMIT_FSIZE].rlim_cur)
		return 0;
	error = vnode_known(vnode, &attributes);
	if (error != 0 || size <= attributes.size)
		return error;
	signal_thread(call->thread, SIGXFSZ, NULL);
	return -EFBIG;
}

/* space: as set_size of vnode_ops. */
static int truncate_to(struct call *call, struct vnode *vnode, uint64_t size, bool space)
{
	file_attributes_t values = {.size = size};
	int error;

	if (VNODE_TYPE(vnode) != S_IFREG)
		return VNODE_TYPE(vnode) == S_IFDIR ? -EISDIR : -EINVAL;
	error = vnode_check_seals(vnode, size, false);
	if (error == 0 && vnode->seals & F_SEAL_SHRINK && vnode_known(vnode, &values) == 0 && size < values.size)
		error = -EPERM;
	values.size = size;
	if (error == 0)
		error = vnode_check_growth(call, vnode, size);
	if (error == 0)
		error = vnode_drop_set_id(call, vnode);
	if (error != 0)
		return error;
	if (vnode->ops->set_size == NULL)
		return vnode_set_attributes(vnode, FILE_SET_SIZE, &values);
	error = vnode_check_writable(vnode);
	if (error == 0)
		error = vnode->ops->set_size(vnode, call, size, space);
	if (error == 0)
		notify(vnode, IN_MODIFY);
	return error;
}

int vnode_truncate(struct call *call, struct vnode *vnode, uint64_t size)
{
	return truncate_to(call, vnode, size, false);
}

int vnode_truncate_to_nothing(struct call *call, struct vnode *vnode)
{
	return truncate_to(call, vnode, 0, true);
}
