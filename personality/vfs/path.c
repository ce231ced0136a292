/* Looking paths up: components, links, mounts, the right to search; and back from a vnode to its path. */
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "process/proc.h"
#include "vfs/vfs_internal.h"

#define LINKS_MAX 40

/* What is mounted on the vnode, on top of each other; consumes and makes a reference. */
static struct vnode *into_mounts(struct vnode *vnode)
{
	while (vnode->mounted != NULL) {
		struct vnode *root = vnode_reference(vnode->mounted->root);

		vnode_release(vnode);
		vnode = root;
	}
	return vnode;
}

/* ".." stops at the process's root and leaves mounts. */
static struct vnode *step_up(struct call *call, struct vnode *directory)
{
	struct vnode *root = call->process->fs->root;

	while (directory != root && directory == directory->mount->root && directory->mount->covered != NULL)
		directory = directory->mount->covered;
	if (directory != root && directory->parent != NULL)
		directory = directory->parent;
	return into_mounts(vnode_reference(directory));
}

int path_step(struct call *call, struct vnode *directory, const char *name, struct vnode **out)
{
	int error;

	if (VNODE_TYPE(directory) != S_IFDIR)
		return -ENOTDIR;
	error = vnode_access(call, directory, X_OK, false);
	if (error != 0)
		return error;
	if (strcmp(name, ".") == 0) {
		*out = vnode_reference(directory);
		return 0;
	}
	if (strcmp(name, "..") == 0) {
		*out = step_up(call, directory);
		return 0;
	}
	if (directory->ops->look_up == NULL)
		return -ENOTDIR;
	error = directory->ops->look_up(directory, name, out);
	if (error != 0)
		return error;
	vnode_set_place(*out, directory, name);
	*out = into_mounts(*out);
	return 0;
}

int path_may_follow(const struct path_scope *scope, const struct vnode *link)
{
	const uint64_t resolve = scope != NULL ? scope->resolve : 0;
	const bool magic = link->ops->follow_link != NULL;

	if (resolve & RESOLVE_NO_SYMLINKS || (magic && resolve & RESOLVE_NO_MAGICLINKS))
		return -ELOOP;
	return magic && resolve & (RESOLVE_BENEATH | RESOLVE_IN_ROOT) ? -EXDEV : 0;
}

int path_begin(struct call *call, const struct path_scope *scope, const char *path, struct vnode *directory,
	struct vnode **start)
{
	struct vnode *root = call->process->fs->root;

	if (path[0] == '/' && scope != NULL) {
		if (scope->resolve & RESOLVE_BENEATH)
			return -EXDEV;
		if (scope->resolve & RESOLVE_IN_ROOT)
			root = scope->root;
		if (scope->resolve & RESOLVE_NO_XDEV && directory != NULL && directory->mount != root->mount)
			return -EXDEV;
	}
	*start = vnode_reference(path[0] == '/' ? root : directory);
	return 0;
}

int path_step_within(struct call *call, const struct path_scope *scope, struct vnode *directory, const char *name,
	struct vnode **out)
{
	int error;

	if (scope != NULL && directory == scope->root && strcmp(name, "..") == 0) {
		if (scope->resolve & RESOLVE_BENEATH)
			return -EXDEV;
		if (scope->resolve & RESOLVE_IN_ROOT)
			name = ".";
	}
	error = path_step(call, directory, name, out);
	if (error == 0 && scope != NULL && scope->resolve & RESOLVE_NO_XDEV && (*out)->mount != directory->mount) {
		vnode_release(*out);
		error = -EXDEV;
	}
	return error;
}

int path_read_link(struct vnode *link, char *target)
{
	int length;

	if (link->ops->read_link == NULL)
		return -EINVAL;
	length = link->ops->read_link(link, target, PATH_LENGTH);
	if (length < 0)
		return length;
	if (length >= PATH_LENGTH)
		return -ENAMETOOLONG;
	target[length] = 0;
	return 0;
}

/* What is still to be walked: at first in the path that was given, after a link in its target and what followed it. */
struct walk {
	struct call *call;
	const struct path_scope *scope;
	struct vnode *at; /* a reference */
	const char *next;
	char *text; /* malloced, once a link has been followed */
	unsigned links;
};

static void walk_begin(
	struct walk *walk, struct call *call, const struct path_scope *scope, struct vnode *start, const char *path)
{
	walk->scope = scope;
	walk->call = call;
	walk->links = 0;
	walk->text = NULL;
	walk->next = path;
	walk->at = vnode_reference(start);
}

static void walk_end(struct walk *walk)
{
	vnode_release(walk->at);
	free(walk->text);
}

/* The next component into name (NAME_MAX + 1 bytes); *slash: one follows it; *last: nothing follows but slashes. 1:
 * there was none. */
static int next_component(struct walk *walk, char *name, bool *slash, bool *last)
{
	const char *at = walk->next;
	size_t length;

	/* By hand: the C library's functions would use vector registers, and cost a switch of them. */
	while (*at == '/')
		at++;
	for (length = 0; *at != 0 && *at != '/'; length++) {
		if (length == NAME_MAX)
			return -ENAMETOOLONG;
		name[length] = *at++;
	}
	name[length] = 0;
	walk->next = at; /* with the slash, which a link's target needs behind it */
	*slash = *at == '/';
	while (*at == '/')
		at++;
	*last = *at == 0;
	return length == 0;
}

/* Goes on with the target of a link, then what is left; link: borrowed. */
static int follow(struct walk *walk, struct vnode *link, struct vnode *directory)
{
	char *target;
	size_t length, rest = strlen(walk->next);
	struct vnode *next = NULL;
	int error;

	error = ++walk->links > LINKS_MAX ? -ELOOP : path_may_follow(walk->scope, link);
	if (error != 0)
		return error;
	if (link->ops->follow_link != NULL) {
		error = link->ops->follow_link(link, &next);
		if (error != 0)
			return error;
		vnode_release(walk->at);
		walk->at = next;
		return 0;
	}
	target = malloc(PATH_LENGTH);
	if (target == NULL)
		return -ENOMEM;
	error = path_read_link(link, target);
	if (error != 0) {
		free(target);
		return error;
	}
	length = strlen(target);
	if (length == 0 || length + rest >= PATH_LENGTH) {
		free(target);
		return length == 0 ? -ENOENT : -ENAMETOOLONG;
	}
	memcpy(target + length, walk->next, rest + 1);
	free(walk->text);
	walk->text = target;
	walk->next = target;
	error = path_begin(walk->call, walk->scope, target, directory, &next);
	if (error != 0)
		return error;
	vnode_release(walk->at);
	walk->at = next;
	return 0;
}

/* Walks; with `last`, stops before the last component and leaves it there. */
static int walk_path(struct walk *walk, unsigned flags, char *last_name, bool *must_be_directory)
{
	char name[NAME_MAX + 1];
	bool slash = false, last = false, ended_in_slash = false;
	int error;

	while ((error = next_component(walk, name, &slash, &last)) == 0) {
		struct vnode *directory, *found;

		ended_in_slash = slash;
		if (last && last_name != NULL) {
			if (VNODE_TYPE(walk->at) != S_IFDIR)
				return -ENOTDIR;
			strcpy(last_name, name);
			*must_be_directory = slash;
			return 0;
		}
		error = path_step_within(walk->call, walk->scope, walk->at, name, &found);
		if (error != 0)
			return error;
		directory = walk->at;
		walk->at = found;
		if (VNODE_TYPE(found) == S_IFLNK && (!last || slash || !(flags & PATH_NOFOLLOW))) {
			vnode_reference(found);
			error = follow(walk, found, directory);
			vnode_release(found);
		}
		vnode_release(directory);
		if (error != 0)
			return error;
	}
	if (error < 0)
		return error;
	if (last_name != NULL) {
		/* Only slashes: the root. */
		strcpy(last_name, "/");
		*must_be_directory = true;
		return 0;
	}
	if ((ended_in_slash || flags & PATH_DIRECTORY) && VNODE_TYPE(walk->at) != S_IFDIR)
		return -ENOTDIR;
	return 0;
}

int path_walk(struct call *call, struct vnode *start, const char *path, unsigned flags, const struct path_scope *scope,
	struct vnode **out)
{
	struct walk walk;
	int error;

	walk_begin(&walk, call, scope, start, path);
	error = walk_path(&walk, flags, NULL, NULL);
	if (error == 0)
		*out = vnode_reference(walk.at);
	walk_end(&walk);
	return error;
}

int path_walk_parent(struct call *call, struct vnode *start, const char *path, const struct path_scope *scope,
	struct vnode **parent, char *last, bool *must_be_directory)
{
	struct walk walk;
	int error;

	walk_begin(&walk, call, scope, start, path);
	error = walk_path(&walk, 0, last, must_be_directory);
	if (error == 0)
		error = vnode_access(call, walk.at, X_OK, false);
	if (error == 0)
		*parent = vnode_reference(walk.at);
	walk_end(&walk);
	return error;
}

int path_start(struct call *call, int dirfd, const char *path, struct vnode **out)
{
	struct fs_context *fs = call->process->fs;
	struct file *file;

	if (path[0] == '/' || dirfd == AT_FDCWD) {
		*out = vnode_reference(path[0] == '/' ? fs->root : fs->cwd);
		return 0;
	}
	file = fd_file_path(call, dirfd);
	if (file == NULL)
		return -EBADF;
	if (file->vnode == NULL)
		return -ENOTDIR;
	*out = vnode_reference(file->vnode);
	return 0;
}

int path_look_up(struct call *call, int dirfd, const char *path, unsigned flags, struct vnode **out)
{
	struct vnode *start;
	int error;

	if (path[0] == 0 && !(flags & PATH_EMPTY))
		return -ENOENT;
	error = path_start(call, dirfd, path, &start);
	if (error != 0)
		return error;
	if (path[0] == 0) {
		*out = start;
		return 0;
	}
	error = path_walk(call, start, path, flags, NULL, out);
	vnode_release(start);
	return error;
}

int path_look_up_parent(
	struct call *call, int dirfd, const char *path, struct vnode **parent, char *last, bool *must_be_directory)
{
	struct vnode *start;
	int error;

	if (path[0] == 0)
		return -ENOENT;
	error = path_start(call, dirfd, path, &start);
	if (error != 0)
		return error;
	error = path_walk_parent(call, start, path, NULL, parent, last, must_be_directory);
	vnode_release(start);
	return error;
}

int path_copy(struct call *call, struct path_name *name, uint64_t address)
{
	int length = copy_string(call, name->text, address, sizeof name->text);

	return length < 0 ? length : 0;
}

int path_look_up_user(struct call *call, int dirfd, uint64_t path, unsigned flags, struct vnode **out)
{
	struct path_name name;
	int error = path_copy(call, &name, path);

	return error != 0 ? error : path_look_up(call, dirfd, name.text, flags, out);
}

int path_at(struct call *call, int dirfd, uint64_t address, int at_flags, struct vnode **out)
{
	unsigned flags = 0;

	if (at_flags & AT_SYMLINK_NOFOLLOW)
		flags |= PATH_NOFOLLOW;
	if (at_flags & AT_EMPTY_PATH) {
		flags |= PATH_EMPTY;
		if (address == 0)
			return path_look_up(call, dirfd, "", flags, out);
	}
	return path_look_up_user(call, dirfd, address, flags, out);
}

int path_of_fd(struct call *call, int fd, struct vnode **out)
{
	struct file *file = fd_file_path(call, fd);

	if (file == NULL)
		return -EBADF;
	if (file->vnode == NULL)
		return -EINVAL;
	*out = vnode_reference(file->vnode);
	return 0;
}

int path_of(struct call *call, struct vnode *vnode, char *path, size_t size)
{
	struct vnode *root = call != NULL && call->process->fs != NULL ? call->process->fs->root : NULL;
	char *buffer = malloc(PATH_LENGTH), *at;
	int result;

	if (buffer == NULL)
		return -ENOMEM;
	at = buffer + PATH_LENGTH - 1;
	*at = 0;
	while (vnode != root) {
		size_t length;

		if (vnode == vnode->mount->root) {
			if (vnode->mount->covered == NULL)
				break;
			vnode = vnode->mount->covered;
			continue;
		}
		if (vnode->name == NULL) {
			free(buffer);
			return -ENOENT;
		}
		length = strlen(vnode->name);
		if (length + 1 > (size_t)(at - buffer)) {
			free(buffer);
			return -ENAMETOOLONG;
		}
		at -= length;
		memcpy(at, vnode->name, length);
		*--at = '/';
		if (vnode->parent == NULL) /* a memfd: it is nowhere */
			break;
		vnode = vnode->parent;
	}
	if (*at == 0)
		*--at = '/';
	result = (int)(buffer + PATH_LENGTH - at);
	if ((size_t)result > size)
		result = -ERANGE;
	else
		memcpy(path, at, (size_t)result);
	free(buffer);
	return result;
}
