/* Opening files by path; the operations of open regular files and directories. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <unistd.h>

#include "file/notify.h"
#include "process/proc.h"
#include "unix_server.h"
#include "vfs/vfs_internal.h"

#define LINKS_MAX    40
#define CREATE_TRIES 100
/* Flags of open that stay with the file: F_GETFL tells them. */
#define KEPT_FLAGS                                                                                                     \
	(O_ACCMODE | O_APPEND | O_NONBLOCK | O_SYNC | O_DSYNC | O_PATH | O_DIRECTORY | O_NOFOLLOW | O_NOATIME |        \
		O_DIRECT)

/* All that open knows; of openat2 no other may be given. */
#define LARGE_FILE 0100000
#define OPEN_FLAGS                                                                                                     \
	((uint64_t)(O_ACCMODE | O_CREAT | O_EXCL | O_NOCTTY | O_TRUNC | O_APPEND | O_NONBLOCK | O_SYNC | O_DSYNC |     \
		    O_ASYNC | O_DIRECT | LARGE_FILE | O_DIRECTORY | O_NOFOLLOW | O_NOATIME | O_CLOEXEC | O_PATH |      \
		    __O_TMPFILE))
#define RESOLVE_FLAGS                                                                                                  \
	((uint64_t)(RESOLVE_NO_XDEV | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_SYMLINKS | RESOLVE_BENEATH |                  \
		    RESOLVE_IN_ROOT | RESOLVE_CACHED))

/* --- Operations. */

static int64_t file_read(struct file *file, struct io *io, uint64_t *offset)
{
	struct vnode *vnode = file->vnode;
	int64_t result;

	if (VNODE_TYPE(vnode) == S_IFDIR)
		return -EISDIR;
	result = vnode->ops->read != NULL ? vnode->ops->read(vnode, io, *offset) : -EINVAL;
	if (result > 0)
		notify(vnode, IN_ACCESS);
	return result;
}

static int64_t file_read_unlocked(struct file *file, struct io *io, uint64_t *offset)
{
	int64_t (*read)(struct vnode *, struct io *, uint64_t) = file->vnode->ops->read_unlocked;

	if (__atomic_load_n(&notify_wanted, __ATOMIC_RELAXED) & IN_ACCESS)
		return CALL_NEEDS_LOCK;
	return read != NULL ? read(file->vnode, io, *offset) : CALL_NEEDS_LOCK;
}

static int64_t file_write(struct file *file, struct io *io, uint64_t *offset)
{
	const unsigned flags = file->flags | io->flags;
	struct vnode *vnode = file->vnode;
	int64_t result;

	if (vnode->ops->write == NULL)
		return -EINVAL;
	result = vnode_check_seals(vnode, flags & O_APPEND ? UINT64_MAX : *offset + io->total, true);
	if (result != 0)
		return result;
	result = vnode->ops->write(vnode, io, offset, (flags & O_APPEND) != 0);
	if (result > 0)
		notify(vnode, IN_MODIFY);
	if (result > 0 && flags & (O_SYNC | O_DSYNC) && vnode->ops->sync != NULL) {
		int error = vnode_sync(vnode, !(flags & O_SYNC & ~O_DSYNC));
		int failure = write_failures_tell(&vnode->failures, &file->failures_seen);

		if (error != 0 || failure != 0)
			return failure != 0 ? failure : error;
	}
	return result;
}

static int64_t file_seek(struct file *file, int64_t offset, int whence)
{
	file_attributes_t attributes;
	uint64_t base = 0;
	int error;

	switch (whence) {
	case SEEK_SET:
		break;
	case SEEK_CUR:
		base = file->position;
		break;
	case SEEK_END:
	case SEEK_DATA:
	case SEEK_HOLE:
		error = vnode_known(file->vnode, &attributes);
		if (error != 0)
			return error;
		base = attributes.size;
		if (whence == SEEK_END)
			break;
		if (offset < 0 || (uint64_t)offset >= attributes.size)
			return -ENXIO;
		if (file->vnode->ops->seek != NULL && VNODE_TYPE(file->vnode) == S_IFREG)
			error = file->vnode->ops->seek(file->vnode, (uint64_t)offset, whence == SEEK_DATA, &base);
		else if (whence == SEEK_DATA)
			base = (uint64_t)offset;
		if (error != 0)
			return error;
		file->position = base;
		return (int64_t)base;
	default:
		return -EINVAL;
	}
	if (offset < 0 ? (uint64_t)-offset > base : (uint64_t)offset > INT64_MAX - base)
		return -EINVAL;
	file->position = base + (uint64_t)offset;
	return (int64_t)file->position;
}

static int64_t file_seek_unlocked(struct file *file, int64_t offset, int whence)
{
	return whence == SEEK_SET || whence == SEEK_CUR ? file_seek(file, offset, whence) : CALL_NEEDS_LOCK;
}

/* struct linux_dirent64, without its flexible end. */
struct dirent_head {
	uint64_t inode;
	int64_t next;
	uint16_t length;
	uint8_t type;
} __attribute__((packed));

struct listing {
	char *buffer;
	size_t size, used;
	uint64_t position;
	bool full;
};

static bool list_entry_of(void *context, const char *name, uint64_t inode, unsigned char type, uint64_t cookie)
{
	struct listing *listing = context;
	size_t length = strlen(name), need = (sizeof(struct dirent_head) + length + 1 + 7) & ~(size_t)7;
	struct dirent_head *head = (struct dirent_head *)(void *)(listing->buffer + listing->used);

	if (need > listing->size - listing->used) {
		listing->full = true;
		return false;
	}
	memset(head, 0, need);
	head->inode = inode;
	head->next = (int64_t)cookie;
	head->length = (uint16_t)need;
	head->type = type;
	memcpy((char *)head + sizeof *head, name, length);
	listing->used += need;
	listing->position = cookie;
	return true;
}

static int64_t file_read_directory(struct file *file, struct io *io)
{
	struct vnode *vnode = file->vnode;
	struct listing listing = {.position = file->position};
	file_attributes_t attributes;
	int error;

	if (VNODE_TYPE(vnode) != S_IFDIR || vnode->ops->read_directory == NULL)
		return -ENOTDIR;
	error = vnode_known(vnode, &attributes);
	if (error != 0 || attributes.links == 0)
		return error != 0 ? call_result(error) : -ENOENT; /* it was removed */
	listing.size = io->total < 65536 ? io->total : 65536;
	listing.buffer = malloc(listing.size + sizeof(struct dirent_head));
	if (listing.buffer == NULL)
		return -ENOMEM;
	error = vnode->ops->read_directory(vnode, file->position, list_entry_of, &listing);
	if (error == 0 && listing.used == 0 && listing.full)
		error = -EINVAL;
	if (error == 0 && listing.used != 0)
		error = io_copy_out(io, listing.buffer, listing.used);
	free(listing.buffer);
	if (error != 0)
		return call_result(error);
	if (listing.used != 0)
		file->position = listing.position;
	notify(vnode, IN_ACCESS);
	return (int64_t)listing.used;
}

static int file_memory_object_of(struct file *file, uint64_t *offset, mach_port_t *object)
{
	(void)offset;
	return file->vnode->ops->memory_object != NULL ? file->vnode->ops->memory_object(file->vnode, object) : -ENODEV;
}

/* What was asked for ahead goes back when a writer is done. */
static void file_closed(struct file *file)
{
	struct vnode *vnode = file->vnode;

	if ((file->flags & O_ACCMODE) != O_RDONLY && vnode->ops->trim != NULL)
		vnode->ops->trim(vnode);
}

const struct file_ops vnode_file_ops = {
	.read = file_read,
	.read_unlocked = file_read_unlocked,
	.write = file_write,
	.seek = file_seek,
	.seek_unlocked = file_seek_unlocked,
	.read_directory = file_read_directory,
	.memory_object = file_memory_object_of,
	.relays = RELAY_FROM | RELAY_TO,
	.release = file_closed,
};

/* O_PATH: a place, not its contents. */
static const struct file_ops path_file_ops = {0};

/* --- Opening a vnode. */

static int check_open(struct call *call, struct vnode *vnode, unsigned flags)
{
	static const unsigned wanted[] = {[O_RDONLY] = R_OK, [O_WRONLY] = W_OK, [O_RDWR] = R_OK | W_OK};
	unsigned type = VNODE_TYPE(vnode), mode = flags & O_ACCMODE;
	int error;

	if (type == S_IFLNK)
		return -ELOOP;
	if (flags & O_DIRECTORY && type != S_IFDIR)
		return -ENOTDIR;
	if (type == S_IFDIR && (mode != O_RDONLY || flags & O_TRUNC))
		return -EISDIR;
	if (mode > O_RDWR)
		return -EINVAL;
	error = vnode_access(call, vnode, wanted[mode] | (flags & O_TRUNC ? W_OK : 0), false);
	if (error == 0 && vnode->runners > 0 && (mode != O_RDONLY || flags & O_TRUNC))
		error = -ETXTBSY;
	return error;
}

struct file *vnode_open_description(struct vnode *vnode, unsigned flags)
{
	struct file *file = file_create(&vnode_file_ops, flags & KEPT_FLAGS, vnode_reference(vnode), NULL);

	if (file != NULL)
		file->seekable = VNODE_TYPE(vnode) == S_IFREG || VNODE_TYPE(vnode) == S_IFDIR;
	if (file != NULL && vnode->mount != NULL)
		file->mount_failures_seen = vnode->mount->failures.count;
	return file;
}

int vnode_open(struct call *call, struct vnode *vnode, unsigned flags, struct file **out)
{
	unsigned type = VNODE_TYPE(vnode);
	struct file *file;
	int error;

	if (flags & O_PATH) {
		if (flags & O_DIRECTORY && type != S_IFDIR)
			return -ENOTDIR;
		file = file_create(
			&path_file_ops, flags & (O_PATH | O_DIRECTORY | O_NOFOLLOW), vnode_reference(vnode), NULL);
		*out = file;
		return file != NULL ? 0 : -ENOMEM;
	}
	if ((type == S_IFCHR || type == S_IFBLK) && vnode->mount != NULL && vnode->mount->flags & MS_NODEV)
		return -EACCES;
	error = check_open(call, vnode, flags);
	if (error == 0 && flags & O_NOATIME) {
		file_attributes_t attributes;

		error = vnode_known(vnode, &attributes);
		if (error == 0)
			error = vnode_is_owner(call, &attributes);
	}
	if (error == 0 && !list_empty(&vnode->leases))
		error = vnode_lease_break(
			call, vnode, (flags & O_ACCMODE) != O_RDONLY || flags & O_TRUNC, !(flags & O_NONBLOCK));
	if (error != 0)
		return error;
	file = vnode_open_description(vnode, flags);
	if (file == NULL)
		return -ENOMEM;
	file->open_flags = flags;
	if (vnode->ops->open != NULL)
		error = vnode->ops->open(call, vnode, file);
	else if (type == S_IFCHR || type == S_IFBLK)
		error = device_open(call, vnode, file);
	else if (type == S_IFIFO)
		error = fifo_open(call, vnode, file);
	else if (type == S_IFSOCK)
		error = -ENXIO;
	if (error != 0) {
		/* Nothing was opened: the release of whatever operations it got must not run. */
		file->ops = &path_file_ops;
		file_release(file);
		return error;
	}
	*out = file;
	return 0;
}

/* --- The calls. */

/* Where the path starts; the scope is the directory of dirfd. */
static int start_within(
	struct call *call, const struct path_scope *scope, int dirfd, const char *path, struct vnode **start)
{
	return scope == NULL ? path_start(call, dirfd, path, start) : path_begin(call, scope, path, scope->root, start);
}

/* As path_look_up. */
static int look_up_within(struct call *call, const struct path_scope *scope, int dirfd, const char *path,
	unsigned flags, struct vnode **out)
{
	struct vnode *start;
	int error = path[0] != 0 ? start_within(call, scope, dirfd, path, &start) : -ENOENT;

	if (error != 0)
		return error;
	error = path_walk(call, start, path, flags, scope, out);
	if (error == 0 && scope != NULL && scope->resolve & RESOLVE_NO_SYMLINKS && VNODE_TYPE(*out) == S_IFLNK &&
		!(flags & PATH_NOFOLLOW)) {
		vnode_release(*out);
		error = -ELOOP;
	}
	vnode_release(start);
	return error;
}

/* The vnode for O_CREAT: the one that is there, or a new one (*made). Follows links at the end, to where nothing is
 * yet, too. */
static int find_or_create(struct call *call, const struct path_scope *scope, int dirfd, const char *path,
	unsigned flags, unsigned mode, struct vnode **out, bool *made)
{
	struct vnode *start, *directory = NULL, *child = NULL;
	char name[NAME_MAX + 1], *target = NULL;
	unsigned links = 0;
	bool slash;
	int error = path[0] != 0 ? start_within(call, scope, dirfd, path, &start) : -ENOENT;

	if (error != 0)
		return error;
	for (;;) {
		error = path_walk_parent(call, start, path, scope, &directory, name, &slash);
		vnode_release(start);
		if (error != 0)
			break;
		error = slash || strcmp(name, "/") == 0 || strcmp(name, ".") == 0 || strcmp(name, "..") == 0
				? -EISDIR
				: path_step_within(call, scope, directory, name, &child);
		if (error == 0 && flags & O_EXCL)
			error = -EEXIST;
		if (error != 0 || VNODE_TYPE(child) != S_IFLNK || flags & O_NOFOLLOW)
			break;
		error = ++links > LINKS_MAX ? -ELOOP : path_may_follow(scope, child);
		if (error != 0)
			break;
		if (child->ops->follow_link != NULL) {
			struct vnode *followed;

			error = child->ops->follow_link(child, &followed);
			vnode_release(child);
			child = error == 0 ? followed : NULL;
			break;
		}
		if (target == NULL)
			target = malloc(PATH_LENGTH);
		error = target != NULL ? path_read_link(child, target) : -ENOMEM;
		vnode_release(child);
		child = NULL;
		if (error != 0)
			break;
		path = target;
		error = path_begin(call, scope, path, directory, &start);
		if (error != 0)
			break;
		vnode_release(directory);
		directory = NULL;
	}
	if (error == -ENOENT && directory != NULL && child == NULL && !slash) {
		error = vnode_create(call, directory, name, S_IFREG | (mode & 07777), 0, &child);
		*made = error == 0;
	}
	if (error != 0 && child != NULL) {
		vnode_release(child);
		child = NULL;
	}
	vnode_release(directory);
	free(target);
	*out = child;
	return error;
}

static void opened(struct file *file)
{
	file->told = true;
	notify(file->vnode, IN_OPEN);
}

/* The file of O_TMPFILE, in the directory of the path. */
static int make_unnamed(struct call *call, const struct path_scope *scope, int dirfd, const char *path, unsigned flags,
	unsigned mode, struct vnode **out)
{
	struct vnode *directory;
	char name[24];
	int error;

	if (flags & O_CREAT || (flags & O_ACCMODE) == O_RDONLY)
		return -EINVAL;
	error = look_up_within(call, scope, dirfd, path, flags & O_NOFOLLOW ? PATH_NOFOLLOW : 0, &directory);
	if (error != 0)
		return error;
	if (VNODE_TYPE(directory) != S_IFDIR)
		error = -ENOTDIR;
	else if (directory->ops->create == NULL)
		error = -EOPNOTSUPP;
	else
		error = vnode_create(call, directory, "", S_IFREG | (mode & 07777), 0, out);
	if (error == 0) {
		(*out)->linkable = !(flags & O_EXCL);
		snprintf(name, sizeof name, "#%llu", (unsigned long long)(*out)->inode);
		vnode_set_place(*out, directory, name);
	}
	vnode_release(directory);
	return error;
}

static int open_path(struct call *call, const struct path_scope *scope, int dirfd, const char *path, unsigned flags,
	unsigned mode, struct file **out)
{
	struct vnode *vnode;
	bool made = false;
	int error = 0, tries;

	if (flags & O_PATH)
		flags &= O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
	if ((flags & O_TMPFILE) == O_TMPFILE) {
		error = make_unnamed(call, scope, dirfd, path, flags, mode, &vnode);
		made = true;
	} else if (flags & O_CREAT) {
		if (flags & O_DIRECTORY)
			return -EINVAL;
		/* Somebody may make it between looking and making: then it is there now. */
		for (tries = 0; tries < CREATE_TRIES; tries++) {
			error = find_or_create(call, scope, dirfd, path, flags, mode, &vnode, &made);
			if (error != -EEXIST || flags & O_EXCL)
				break;
		}
	} else {
		error = look_up_within(call, scope, dirfd, path, flags & O_NOFOLLOW ? PATH_NOFOLLOW : 0, &vnode);
	}
	if (error != 0)
		return error;
	if (made) {
		/* Who made it may use it, whatever its mode says. */
		*out = vnode_open_description(vnode, flags);
		error = *out != NULL ? 0 : -ENOMEM;
		if (error == 0)
			opened(*out);
	} else {
		error = flags & O_CREAT && VNODE_TYPE(vnode) == S_IFDIR ? -EISDIR : vnode_open(call, vnode, flags, out);
		if (error == 0 && !(flags & O_PATH))
			opened(*out);
		if (error == 0 && flags & O_TRUNC && VNODE_TYPE(vnode) == S_IFREG) {
			error = vnode_truncate_to_nothing(call, vnode);
			if (error != 0)
				file_release(*out);
		}
	}
	vnode_release(vnode);
	return error;
}

int64_t sys_openat(uint64_t caller, int dirfd, uint64_t path, int flags, unsigned mode)
{
	struct call *call = call_of(caller);
	struct path_name name;
	struct file *file;
	int error = path_copy(call, &name, path);

	/* What changes something is not begun for nothing. */
	if (error == 0 && flags & (O_CREAT | O_TRUNC))
		error = fd_room(call);
	if (error == 0)
		error = open_path(call, NULL, dirfd, name.text, (unsigned)flags, mode, &file);
	return error != 0 ? call_result(error) : fd_install(call, file, (flags & O_CLOEXEC) != 0);
}

/* What openat2 does not take, as openat does. */
static int check_how(const struct open_how *how)
{
	const uint64_t makes = how->flags & (O_CREAT | __O_TMPFILE);

	if (how->flags & ~OPEN_FLAGS || how->resolve & ~RESOLVE_FLAGS || how->mode & ~07777ull ||
		(how->mode != 0 && makes == 0))
		return -EINVAL;
	if ((how->resolve & (RESOLVE_BENEATH | RESOLVE_IN_ROOT)) == (RESOLVE_BENEATH | RESOLVE_IN_ROOT))
		return -EINVAL;
	if (how->flags & O_PATH && how->flags & ~(uint64_t)(O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC | LARGE_FILE))
		return -EINVAL;
	/* What is known without asking a file server is nowhere said: no path is. */
	return how->resolve & RESOLVE_CACHED ? -EAGAIN : 0;
}

int64_t sys_openat2(uint64_t caller, int dirfd, uint64_t path, uint64_t how_address, uint64_t size)
{
	struct call *call = call_of(caller);
	struct path_scope scope;
	struct path_name name;
	struct open_how how;
	struct file *file;
	int error = size < sizeof how ? -EINVAL : size > VM_PAGE_SIZE ? -E2BIG : 0;

	if (error == 0)
		error = call_copy_struct(call, &how, sizeof how, how_address, size);
	if (error == 0)
		error = check_how(&how);
	if (error == 0)
		error = path_copy(call, &name, path);
	if (error == 0 && how.flags & (O_CREAT | O_TRUNC))
		error = fd_room(call);
	if (error != 0)
		return call_result(error);
	scope = (struct path_scope){.resolve = how.resolve};
	error = path_start(call, dirfd,
		how.resolve & (RESOLVE_BENEATH | RESOLVE_IN_ROOT) || name.text[0] != '/' ? "" : "/", &scope.root);
	if (error != 0)
		return call_result(error);
	error = open_path(call, &scope, dirfd, name.text, (unsigned)how.flags, (unsigned)how.mode, &file);
	vnode_release(scope.root);
	return error != 0 ? call_result(error) : fd_install(call, file, (how.flags & O_CLOEXEC) != 0);
}

int64_t sys_open(uint64_t caller, uint64_t path, int flags, unsigned mode)
{
	return sys_openat(caller, AT_FDCWD, path, flags, mode);
}

int64_t sys_creat(uint64_t caller, uint64_t path, unsigned mode)
{
	return sys_openat(caller, AT_FDCWD, path, O_CREAT | O_WRONLY | O_TRUNC, mode);
}

int64_t vnode_read_server(struct call *call, struct vnode *vnode, void *buffer, uint64_t size, uint64_t offset)
{
	struct io io;
	int64_t result;

	io_init_server(&io, call, buffer, size);
	if (vnode->ops->read == NULL)
		return -EINVAL;
	result = vnode->ops->read(vnode, &io, offset);
	return result;
}
