/* Making, removing and changing names: mkdir, mknod, link, symlink, unlink, rmdir, rename. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "file/notify.h"
#include "process/proc.h"
#include "unix_server.h"
#include "vfs/vfs_internal.h"

static bool is_dots(const char *name)
{
	return strcmp(name, ".") == 0 || strcmp(name, "..") == 0 || strcmp(name, "/") == 0;
}

/* Owner and group of what the caller makes in a directory; a set-group-id directory hands its group (and the bit) on.
 */
static int new_owner(struct call *call, struct vnode *directory, unsigned *mode, uint64_t *uid, uint64_t *gid)
{
	file_attributes_t parent;
	int error;

	*uid = call->process->credentials.fsuid;
	*gid = call->process->credentials.fsgid;
	if (!(directory->mode & S_ISGID))
		return 0;
	error = vnode_known(directory, &parent);
	if (error != 0)
		return error;
	*gid = parent.gid;
	if (S_ISDIR(*mode))
		*mode |= S_ISGID;
	else if ((*mode & (S_ISGID | S_IXGRP)) == (S_ISGID | S_IXGRP) && !capable(call->process, CAP_FSETID) &&
		 !in_group(&call->process->credentials, (uint32_t)parent.gid))
		*mode &= ~(unsigned)S_ISGID; /* nobody makes programs of a group that he is not in */
	return 0;
}

int vnode_create(struct call *call, struct vnode *directory, const char *name, unsigned mode, uint64_t device,
	struct vnode **out)
{
	uint64_t uid, gid;
	int error = vnode_may_change(call, directory, NULL);

	if (error == 0)
		error = new_owner(call, directory, &mode, &uid, &gid); /* by the mode asked for */
	mode &= ~(call->process->fs->umask & 0777);
	if (error == 0 && directory->ops->create == NULL)
		error = -EPERM;
	if (error == 0)
		error = directory->ops->create(directory, name, mode, uid, gid, device, out);
	if (error == 0)
		(*out)->no_capabilities = true;
	if (error == 0 && name[0] != 0) {
		vnode_set_place(*out, directory, name);
		notify_entry(directory, name, S_ISDIR(mode), IN_CREATE);
	}
	return error;
}

/* A path that ends in a name, and the directory it is in. */
struct place {
	struct vnode *directory;
	char name[NAME_MAX + 1];
	bool slash;
};

static int find_place(struct call *call, int dirfd, uint64_t path, struct place *place)
{
	struct path_name text;
	int error = path_copy(call, &text, path);

	place->directory = NULL;
	if (error == 0)
		error = path_look_up_parent(call, dirfd, text.text, &place->directory, place->name, &place->slash);
	return error;
}

/* What stands at the place itself: links not followed, mounts not entered. */
static int child_of(struct place *place, struct vnode **child)
{
	int error;

	*child = NULL;
	if (place->directory->ops->look_up == NULL)
		return -ENOTDIR;
	error = place->directory->ops->look_up(place->directory, place->name, child);
	if (error == 0)
		vnode_set_place(*child, place->directory, place->name);
	return error;
}

/* For calls that make a name: it must not be there. */
static int check_absent(struct place *place, bool directory)
{
	struct vnode *child;
	int error;

	if (is_dots(place->name))
		return -EEXIST;
	error = child_of(place, &child);
	if (error == 0) {
		vnode_release(child);
		return -EEXIST;
	}
	if (error != -ENOENT)
		return error;
	return place->slash && !directory ? -ENOENT : 0;
}

/* And the directory must be the caller's to change. */
static int check_free(struct call *call, struct place *place, bool directory)
{
	int error = check_absent(place, directory);

	return error == 0 ? vnode_may_change(call, place->directory, NULL) : error;
}

/*
 * Whether the caller may give the file another name: its own, or one that is harmless and that it can read and write
 * anyway. Else a stranger keeps a set-id program, or waits with a link for a careless writer (proc(5),
 * protected_hardlinks).
 */
static int may_link(struct call *call, struct vnode *vnode)
{
	file_attributes_t attributes;
	int error = vnode_known(vnode, &attributes);

	if (error != 0 || vnode_is_owner(call, &attributes) == 0)
		return error;
	if (!S_ISREG(attributes.mode) || (attributes.mode & S_ISUID) ||
		(attributes.mode & (S_ISGID | S_IXGRP)) == (S_ISGID | S_IXGRP))
		return -EPERM;
	error = vnode_access(call, vnode, R_OK | W_OK, false);
	return error == -EACCES ? -EPERM : error;
}

static int64_t make_node(struct call *call, int dirfd, uint64_t path, unsigned mode, uint64_t device)
{
	struct place place;
	struct vnode *made;
	int error = find_place(call, dirfd, path, &place);

	if (error == 0)
		error = check_free(call, &place, S_ISDIR(mode));
	if (error == 0 && (S_ISCHR(mode) || S_ISBLK(mode)) && !capable(call->process, CAP_MKNOD))
		error = -EPERM;
	if (error == 0)
		error = vnode_create(call, place.directory, place.name, mode, device, &made);
	if (error == 0)
		vnode_release(made);
	vnode_release(place.directory);
	return call_result(error);
}

int64_t sys_mkdirat(uint64_t caller, int dirfd, uint64_t path, unsigned mode)
{
	return make_node(call_of(caller), dirfd, path, S_IFDIR | (mode & 01777), 0);
}

int64_t sys_mkdir(uint64_t caller, uint64_t path, unsigned mode)
{
	return sys_mkdirat(caller, AT_FDCWD, path, mode);
}

int64_t sys_mknodat(uint64_t caller, int dirfd, uint64_t path, unsigned mode, uint64_t device)
{
	struct call *call = call_of(caller);
	unsigned type = mode & S_IFMT;

	if (type == 0)
		type = S_IFREG;
	if (type == S_IFDIR)
		return -EPERM;
	if (type != S_IFREG && type != S_IFIFO && type != S_IFSOCK && type != S_IFCHR && type != S_IFBLK)
		return -EINVAL;
	return make_node(
		call, dirfd, path, type | (mode & 07777), type == S_IFCHR || type == S_IFBLK ? (uint32_t)device : 0);
}

int64_t sys_mknod(uint64_t caller, uint64_t path, unsigned mode, uint64_t device)
{
	return sys_mknodat(caller, AT_FDCWD, path, mode, device);
}

int64_t sys_symlinkat(uint64_t caller, uint64_t target, int dirfd, uint64_t path)
{
	struct call *call = call_of(caller);
	struct path_name text;
	struct place place = {.directory = NULL};
	uint64_t uid, gid;
	unsigned mode = S_IFLNK | 0777;
	int error = path_copy(call, &text, target);

	if (error == 0 && text.text[0] == 0)
		error = -ENOENT;
	if (error == 0)
		error = find_place(call, dirfd, path, &place);
	if (error == 0)
		error = check_free(call, &place, false);
	if (error == 0)
		error = new_owner(call, place.directory, &mode, &uid, &gid);
	if (error == 0)
		error = place.directory->ops->symlink != NULL
				? place.directory->ops->symlink(place.directory, place.name, text.text, uid, gid)
				: -EPERM;
	if (error == 0)
		notify_entry(place.directory, place.name, false, IN_CREATE);
	vnode_release(place.directory);
	return call_result(error);
}

int64_t sys_symlink(uint64_t caller, uint64_t target, uint64_t path)
{
	return sys_symlinkat(caller, target, AT_FDCWD, path);
}

int64_t sys_linkat(uint64_t caller, int from_dirfd, uint64_t from, int to_dirfd, uint64_t to, unsigned flags)
{
	struct call *call = call_of(caller);
	struct place place = {.directory = NULL};
	struct vnode *vnode = NULL;
	file_attributes_t attributes;
	int error;

	if (flags & ~(unsigned)(AT_SYMLINK_FOLLOW | AT_EMPTY_PATH))
		return -EINVAL;
	error = path_at(call, from_dirfd, from,
		(int)(flags & AT_EMPTY_PATH) | (flags & AT_SYMLINK_FOLLOW ? 0 : AT_SYMLINK_NOFOLLOW), &vnode);
	if (error == 0)
		error = find_place(call, to_dirfd, to, &place);
	if (error == 0)
		error = check_absent(&place, false);
	if (error == 0 && vnode->mount != place.directory->mount)
		error = -EXDEV;
	if (error == 0)
		error = may_link(call, vnode);
	if (error == 0)
		error = vnode_may_change(call, place.directory, NULL);
	if (error == 0 && (VNODE_TYPE(vnode) == S_IFDIR || place.directory->ops->link == NULL))
		error = -EPERM;
	/* Whose last name is gone gets none again. */
	if (error == 0)
		error = vnode->ops->get_attributes(vnode, &attributes);
	if (error == 0 && attributes.links == 0 && !vnode->linkable)
		error = -ENOENT;
	if (error == 0)
		error = vnode->ops->link(vnode, place.directory, place.name);
	if (error == 0) {
		if (vnode->linkable)
			vnode_set_place(vnode, place.directory, place.name);
		vnode->linkable = false;
		notify_self(vnode, IN_ATTRIB);
		notify_entry(place.directory, place.name, false, IN_CREATE);
	}
	vnode_release(place.directory);
	vnode_release(vnode);
	return call_result(error);
}

int64_t sys_link(uint64_t caller, uint64_t from, uint64_t to)
{
	return sys_linkat(caller, AT_FDCWD, from, AT_FDCWD, to, 0);
}

static int remove_name(struct call *call, int dirfd, uint64_t path, bool directory)
{
	struct place place;
	struct vnode *child = NULL;
	int error = find_place(call, dirfd, path, &place);

	if (error == 0 && is_dots(place.name))
		error = !directory             ? -EISDIR
			: place.name[0] == '/' ? -EBUSY
			: place.name[1] == 0   ? -EINVAL
					       : -ENOTEMPTY;
	if (error == 0)
		error = child_of(&place, &child);
	if (error == 0 && place.slash && !directory)
		error = VNODE_TYPE(child) == S_IFDIR ? -EISDIR : -ENOTDIR;
	if (error == 0)
		error = vnode_may_change(call, place.directory, child);
	if (error == 0 && directory && VNODE_TYPE(child) != S_IFDIR)
		error = -ENOTDIR;
	if (error == 0 && !directory && VNODE_TYPE(child) == S_IFDIR)
		error = -EISDIR;
	if (error == 0 && child->mounted != NULL)
		error = -EBUSY;
	if (error == 0)
		error = place.directory->ops->unlink != NULL
				? place.directory->ops->unlink(place.directory, place.name, directory)
				: -EPERM;
	if (error == 0) {
		if (!directory)
			notify_self(child, IN_ATTRIB);
		notify_entry(place.directory, place.name, directory, IN_DELETE);
	}
	vnode_release(child);
	vnode_release(place.directory);
	return error;
}

int64_t sys_unlinkat(uint64_t caller, int dirfd, uint64_t path, unsigned flags)
{
	if (flags & ~(unsigned)AT_REMOVEDIR)
		return -EINVAL;
	return call_result(remove_name(call_of(caller), dirfd, path, (flags & AT_REMOVEDIR) != 0));
}

int64_t sys_unlink(uint64_t caller, uint64_t path)
{
	return call_result(remove_name(call_of(caller), AT_FDCWD, path, false));
}

int64_t sys_rmdir(uint64_t caller, uint64_t path)
{
	return call_result(remove_name(call_of(caller), AT_FDCWD, path, true));
}

/* Whether `directory` is `vnode` or lies below it. */
static bool is_below(const struct vnode *directory, const struct vnode *vnode)
{
	while (directory != NULL && directory != vnode)
		directory = directory->parent;
	return directory != NULL;
}

/* In the order in which Linux looks: what can never be, then rights, then what the file system would refuse. */
static int check_rename(struct call *call, struct place *from, struct vnode *child, struct place *to,
	struct vnode *target, unsigned flags)
{
	bool is_directory = VNODE_TYPE(child) == S_IFDIR;
	int error;

	if (!is_directory && (from->slash || (to->slash && !(flags & FILE_RENAME_EXCHANGE))))
		return -ENOTDIR;
	if (is_directory && is_below(to->directory, child))
		return -EINVAL;
	if (target != NULL && VNODE_TYPE(target) == S_IFDIR && is_below(from->directory, target))
		return flags & FILE_RENAME_EXCHANGE ? -EINVAL : -ENOTEMPTY;
	if (child == target)
		return 0; /* two names of one file: both stay */
	error = vnode_may_change(call, from->directory, child);
	if (error == 0)
		error = vnode_may_change(call, to->directory, target);
	if (error == 0 && target != NULL && !(flags & FILE_RENAME_EXCHANGE) &&
		is_directory != (VNODE_TYPE(target) == S_IFDIR))
		error = is_directory ? -ENOTDIR : -EISDIR;
	/* ".." of a directory that moves is written: that takes the right to write it. */
	if (error == 0 && is_directory && from->directory != to->directory)
		error = vnode_access(call, child, W_OK, false);
	if (error == 0 && flags & FILE_RENAME_EXCHANGE && VNODE_TYPE(target) == S_IFDIR &&
		from->directory != to->directory)
		error = vnode_access(call, target, W_OK, false);
	if (error == 0 && (child->mounted != NULL || (target != NULL && target->mounted != NULL)))
		error = -EBUSY;
	return error;
}

static void notify_moved(const struct place *from, const struct vnode *vnode, const struct place *to)
{
	const bool is_directory = VNODE_TYPE(vnode) == S_IFDIR;
	uint32_t cookie;

	if (!(notify_wanted & IN_MOVE))
		return;
	cookie = notify_cookie();
	notify_event_entry(from->directory, from->name, is_directory, IN_MOVED_FROM, cookie);
	notify_event_entry(to->directory, to->name, is_directory, IN_MOVED_TO, cookie);
}

int64_t sys_renameat2(
	uint64_t caller, int from_dirfd, uint64_t from_path, int to_dirfd, uint64_t to_path, unsigned flags)
{
	struct call *call = call_of(caller);
	struct place from = {.directory = NULL}, to = {.directory = NULL};
	struct vnode *child = NULL, *target = NULL;
	int error;

	if (flags & ~(unsigned)(FILE_RENAME_NOREPLACE | FILE_RENAME_EXCHANGE) ||
		flags == (FILE_RENAME_NOREPLACE | FILE_RENAME_EXCHANGE))
		return -EINVAL;
	error = find_place(call, from_dirfd, from_path, &from);
	if (error == 0)
		error = find_place(call, to_dirfd, to_path, &to);
	if (error == 0 && from.directory->mount != to.directory->mount)
		error = -EXDEV;
	if (error == 0 && is_dots(from.name))
		error = -EBUSY;
	if (error == 0 && is_dots(to.name))
		error = flags & FILE_RENAME_NOREPLACE ? -EEXIST : -EBUSY;
	if (error == 0)
		error = child_of(&from, &child);
	if (error == 0) {
		error = child_of(&to, &target);
		if (error == -ENOENT && !(flags & FILE_RENAME_EXCHANGE))
			error = 0;
	}
	if (error == 0 && target != NULL && flags & FILE_RENAME_NOREPLACE)
		error = -EEXIST;
	if (error == 0)
		error = check_rename(call, &from, child, &to, target, flags);
	if (error == 0 && from.directory->ops->rename == NULL)
		error = -EPERM;
	if (error == 0 && child != target)
		error = from.directory->ops->rename(from.directory, from.name, to.directory, to.name, flags);
	if (error == 0 && child != target) {
		notify_moved(&from, child, &to);
		if (flags & FILE_RENAME_EXCHANGE)
			notify_moved(&to, target, &from);
		else if (target != NULL)
			notify_self(target, IN_ATTRIB);
		notify_self(child, IN_MOVE_SELF);
		if (flags & FILE_RENAME_EXCHANGE)
			notify_self(target, IN_MOVE_SELF);
	}
	vnode_release(target);
	vnode_release(child);
	vnode_release(to.directory);
	vnode_release(from.directory);
	return call_result(error);
}

int64_t sys_renameat(uint64_t caller, int from_dirfd, uint64_t from, int to_dirfd, uint64_t to)
{
	return sys_renameat2(caller, from_dirfd, from, to_dirfd, to, 0);
}

int64_t sys_rename(uint64_t caller, uint64_t from, uint64_t to)
{
	return sys_renameat2(caller, AT_FDCWD, from, AT_FDCWD, to, 0);
}
