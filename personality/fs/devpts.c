/* The tree of /dev/pts: a file for each pseudo-terminal. There is one, wherever it is mounted. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "device/device.h"
#include "device/pty.h"
#include "fs/mounts.h"
#include "vfs/vfs.h"

/* Inodes as Linux has them: the terminals' come after these. */
enum { ROOT_INODE = 1, PTMX_INODE = 2, FIRST_INODE = 3 };
#define PTMX_MINOR 2
#define NAME_ROOM  8

static struct vnode *root_vnode; /* of the mount that came last; borrowed */
static unsigned ptmx_mode = S_IFCHR;
static int64_t mounted_at;

static struct pty_place *place_of(const struct vnode *vnode)
{
	return pty_find((unsigned)(vnode->inode - FIRST_INODE), (uint64_t)(uintptr_t)vnode->data);
}

static int pts_attributes(struct vnode *vnode, file_attributes_t *out)
{
	const struct pty_place *place = vnode->inode < FIRST_INODE ? NULL : place_of(vnode);

	memset(out, 0, sizeof *out);
	out->inode = vnode->inode;
	out->device = vnode->device;
	out->block_size = 1024;
	out->access_time = out->modify_time = out->change_time = mounted_at;
	out->links = vnode->inode == ROOT_INODE ? 2 : 1;
	if (vnode->inode == PTMX_INODE)
		vnode->mode = ptmx_mode;
	if (vnode->inode >= FIRST_INODE && place == NULL) {
		out->links = 0; /* its master has been closed */
	} else if (place != NULL) {
		vnode->mode = place->mode;
		out->uid = place->uid;
		out->gid = place->gid;
		out->access_time = place->read;
		out->modify_time = place->written;
		out->change_time = place->changed;
	}
	out->mode = vnode->mode;
	return 0;
}

static int pts_set_attributes(struct vnode *vnode, unsigned which, const file_attributes_t *values)
{
	struct pty_place *place = vnode->inode < FIRST_INODE ? NULL : place_of(vnode);

	if (vnode->inode == PTMX_INODE && which & FILE_SET_MODE)
		vnode->mode = ptmx_mode = S_IFCHR | ((unsigned)values->mode & 07777);
	if (place == NULL)
		return 0;
	if (which & FILE_SET_MODE)
		vnode->mode = place->mode = S_IFCHR | ((unsigned)values->mode & 07777);
	if (which & FILE_SET_UID)
		place->uid = (uint32_t)values->uid;
	if (which & FILE_SET_GID)
		place->gid = (uint32_t)values->gid;
	if (which & FILE_SET_ACCESS_TIME)
		place->read = values->access_time;
	if (which & FILE_SET_MODIFY_TIME)
		place->written = values->modify_time;
	place->changed = (int64_t)clock_realtime();
	return 0;
}

static int pts_open(struct call *call, struct vnode *vnode, struct file *file)
{
	if (vnode->inode == ROOT_INODE)
		return 0;
	if (vnode->inode == PTMX_INODE)
		return pty_open_master(call, file);
	return pty_open(call, (unsigned)(vnode->inode - FIRST_INODE), (uint64_t)(uintptr_t)vnode->data, file);
}

static void pts_release(struct vnode *vnode)
{
	if (vnode == root_vnode)
		root_vnode = NULL;
	free(vnode);
}

static int pts_look_up(struct vnode *directory, const char *name, struct vnode **out);
static int pts_read_directory(struct vnode *directory, uint64_t cookie, directory_emit emit, void *context);

static const struct vnode_ops pts_ops = {
	.look_up = pts_look_up,
	.get_attributes = pts_attributes,
	.set_attributes = pts_set_attributes,
	.read_directory = pts_read_directory,
	.open = pts_open,
	.release = pts_release,
};

static struct vnode *make(struct mount *mount, unsigned mode, uint64_t inode, uint64_t device)
{
	struct vnode *vnode = malloc(sizeof *vnode);

	if (vnode == NULL)
		return NULL;
	vnode_init(vnode, &pts_ops, mount, mode, inode);
	vnode->device = device;
	return vnode;
}

static struct vnode *make_terminal(struct mount *mount, const struct pty_place *place)
{
	struct vnode *vnode = make(mount, place->mode, FIRST_INODE + place->number,
		makedev(DEVICE_PTS_MAJOR + place->number / 256, place->number % 256));

	if (vnode != NULL)
		vnode->data = (void *)(uintptr_t)place->serial;
	return vnode;
}

/* A name is a number as it is printed. */
static const struct pty_place *find(const char *name)
{
	char *end, printed[24];
	unsigned long number = strtoul(name, &end, 10);

	if (*end != 0 || number >= PTY_MAX)
		return NULL;
	snprintf(printed, sizeof printed, "%lu", number);
	return strcmp(printed, name) == 0 ? pty_find((unsigned)number, 0) : NULL;
}

static int pts_look_up(struct vnode *directory, const char *name, struct vnode **out)
{
	const struct pty_place *place;

	if (strcmp(name, "ptmx") == 0) {
		*out = make(directory->mount, ptmx_mode, PTMX_INODE, makedev(DEVICE_TTY_MAJOR, PTMX_MINOR));
	} else {
		place = find(name);
		if (place == NULL)
			return -ENOENT;
		*out = make_terminal(directory->mount, place);
	}
	return *out != NULL ? 0 : -ENOMEM;
}

static int pts_read_directory(struct vnode *directory, uint64_t cookie, directory_emit emit, void *context)
{
	static const char *const names[] = {".", "..", "ptmx"};
	unsigned number;

	(void)directory;
	for (; cookie < FIRST_INODE; cookie++) {
		bool is_ptmx = cookie == PTMX_INODE;

		if (!emit(context, names[cookie], is_ptmx ? PTMX_INODE : ROOT_INODE, is_ptmx ? DT_CHR : DT_DIR,
			    cookie + 1))
			return 0;
	}
	for (number = (unsigned)(cookie - FIRST_INODE); pty_next(&number) != NULL; number++) {
		char name[NAME_ROOM];

		snprintf(name, sizeof name, "%u", number);
		if (!emit(context, name, FIRST_INODE + number, DT_CHR, FIRST_INODE + number + 1))
			break;
	}
	return 0;
}

struct vnode *pty_vnode(const struct pty_place *place)
{
	struct vnode *vnode = root_vnode != NULL ? make_terminal(root_vnode->mount, place) : NULL;
	char name[NAME_ROOM];

	if (vnode == NULL)
		return NULL;
	snprintf(name, sizeof name, "%u", place->number);
	vnode_set_place(vnode, root_vnode, name);
	return vnode;
}

struct vnode *devpts_root(struct mount *mount)
{
	struct vnode *vnode = make(mount, S_IFDIR | 0755, ROOT_INODE, 0);

	if (vnode != NULL) {
		root_vnode = vnode;
		mounted_at = (int64_t)clock_realtime();
	}
	return vnode;
}

/* The options of a mount (newinstance is none: there is one tree). 0 or -EINVAL; what came before it counts. */
int devpts_options(const char *options)
{
	static const struct {
		const char *name;
		int base;
		unsigned most;
	} known[] = {{"uid=", 10, UINT32_MAX - 1}, {"gid=", 10, UINT32_MAX - 1}, {"mode=", 8, 0777},
		{"ptmxmode=", 8, 0777}, {"max=", 10, INT32_MAX}, {"newinstance", 0, 0}};
	enum { UID, GID, MODE, PTMX_MODE, KNOWN = 6 };

	while (*options != 0) {
		size_t length = strcspn(options, ",");
		unsigned long value = 0;
		unsigned i;
		char *end;

		for (i = 0; i < KNOWN && strncmp(options, known[i].name, strlen(known[i].name)) != 0; i++)
			;
		if (i == KNOWN)
			return -EINVAL;
		end = (char *)(uintptr_t)options + strlen(known[i].name);
		if (known[i].base != 0)
			value = strtoul(end, &end, known[i].base);
		if (end != options + length || value > known[i].most)
			return -EINVAL;
		if (i == UID)
			pty_defaults.uid = (uint32_t)value;
		else if (i == GID)
			pty_defaults.gid = (uint32_t)value;
		else if (i == MODE)
			pty_defaults.mode = S_IFCHR | (unsigned)value;
		else if (i == PTMX_MODE)
			ptmx_mode = S_IFCHR | (unsigned)value;
		options += length + (options[length] == ',');
	}
	return 0;
}
