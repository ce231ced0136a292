/* The tree of /dev: what the server has drivers for, and the links programs expect. */
#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "call/call.h"
#include "device/device.h"
#include "fs/mounts.h"
#include "memory/swap.h"
#include "vfs/vfs.h"

struct dev_node {
	const char *name;
	unsigned mode;
	unsigned major, minor;
	const char *target; /* of a link */
	uint32_t uid, gid;
	int64_t time;
	struct vnode
		*vnode; /* of a folder: one for as long as it is used, so that what is mounted there is found again */
};

#define DIRECTORY_INODE 1

static struct dev_node nodes[] = {
	{.name = "null", .mode = S_IFCHR | 0666, .major = 1, .minor = 3},
	{.name = "zero", .mode = S_IFCHR | 0666, .major = 1, .minor = 5},
	{.name = "full", .mode = S_IFCHR | 0666, .major = 1, .minor = 7},
	{.name = "random", .mode = S_IFCHR | 0666, .major = 1, .minor = 8},
	{.name = "urandom", .mode = S_IFCHR | 0666, .major = 1, .minor = 9},
	{.name = "tty", .mode = S_IFCHR | 0666, .major = 5, .minor = 0},
	{.name = "ptmx", .mode = S_IFCHR | 0666, .major = 5, .minor = 2},
	{.name = "console", .mode = S_IFCHR | 0600, .major = 5, .minor = 1},
	{.name = "ttyS0", .mode = S_IFCHR | 0620, .major = 4, .minor = 64},
	{.name = "fd", .mode = S_IFLNK | 0777, .target = "/proc/self/fd"},
	{.name = "stdin", .mode = S_IFLNK | 0777, .target = "/proc/self/fd/0"},
	{.name = "stdout", .mode = S_IFLNK | 0777, .target = "/proc/self/fd/1"},
	{.name = "stderr", .mode = S_IFLNK | 0777, .target = "/proc/self/fd/2"},
	{.name = "shm", .mode = S_IFDIR | S_ISVTX | 0777},
	{.name = "pts", .mode = S_IFDIR | 0755},
};
#define NODES (sizeof nodes / sizeof nodes[0])

/* The disks and partitions that are areas of swap, on or off: names for swapon and swapoff, and no more. */
static struct dev_node swap_nodes[SWAP_AREAS_MAX];
static struct swap_area swap_areas[SWAP_AREAS_MAX];
#define SWAP_MAJOR 8

/* The node of an index; null: there is none so far. */
static struct dev_node *node_at(uint64_t i)
{
	struct dev_node *node;

	if (i < NODES)
		return &nodes[i];
	node = &swap_nodes[i - NODES];
	if (node->name == NULL && swap_area((unsigned)(i - NODES), &swap_areas[i - NODES]))
		*node = (struct dev_node){.name = swap_areas[i - NODES].name,
			.mode = S_IFBLK | 0600,
			.major = SWAP_MAJOR,
			.minor = (unsigned)(i - NODES),
			.time = nodes[0].time};
	return node->name != NULL ? node : NULL;
}

static struct dev_node directory_node = {.mode = S_IFDIR | 0755};

static int dev_look_up(struct vnode *directory, const char *name, struct vnode **out);
static int dev_read_directory(struct vnode *directory, uint64_t cookie, directory_emit emit, void *context);

static int dev_attributes(struct vnode *vnode, file_attributes_t *out)
{
	const struct dev_node *node = vnode->data;

	memset(out, 0, sizeof *out);
	out->inode = vnode->inode;
	out->mode = vnode->mode = node->mode;
	out->links = S_ISDIR(node->mode) ? 2 : 1;
	out->uid = node->uid;
	out->gid = node->gid;
	out->device = vnode->device;
	out->size = node->target != NULL ? strlen(node->target) : 0;
	out->block_size = 4096;
	out->access_time = out->modify_time = out->change_time = node->time;
	return 0;
}

static int dev_set_attributes(struct vnode *vnode, unsigned which, const file_attributes_t *values)
{
	struct dev_node *node = vnode->data;

	if (which & FILE_SET_MODE)
		vnode->mode = node->mode = (node->mode & S_IFMT) | ((unsigned)values->mode & 07777);
	if (which & FILE_SET_UID)
		node->uid = (uint32_t)values->uid;
	if (which & FILE_SET_GID)
		node->gid = (uint32_t)values->gid;
	if (which & FILE_SET_MODIFY_TIME)
		node->time = values->modify_time;
	return 0;
}

static int dev_read_link(struct vnode *vnode, char *target, size_t size)
{
	const struct dev_node *node = vnode->data;
	size_t length;

	if (node->target == NULL)
		return -EINVAL;
	length = strlen(node->target);
	if (length > size)
		length = size;
	memcpy(target, node->target, length);
	return (int)length;
}

static void dev_release(struct vnode *vnode)
{
	free(vnode);
}

static const struct vnode_ops dev_ops = {
	.look_up = dev_look_up,
	.get_attributes = dev_attributes,
	.set_attributes = dev_set_attributes,
	.read_link = dev_read_link,
	.read_directory = dev_read_directory,
	.release = dev_release,
};

static struct vnode *make(struct mount *mount, struct dev_node *node, uint64_t inode)
{
	struct vnode *vnode = malloc(sizeof *vnode);

	if (vnode == NULL)
		return NULL;
	vnode_init(vnode, &dev_ops, mount, node->mode, inode);
	vnode->data = node;
	vnode->device = makedev(node->major, node->minor);
	return vnode;
}

static int dev_look_up(struct vnode *directory, const char *name, struct vnode **out)
{
	struct dev_node *node;
	unsigned i;

	if (directory->inode != DIRECTORY_INODE)
		return -ENOENT;
	for (i = 0; i < NODES + SWAP_AREAS_MAX && (node = node_at(i)) != NULL; i++) {
		if (strcmp(node->name, name) != 0)
			continue;
		if (node->vnode != NULL) {
			*out = vnode_reference(node->vnode);
			return 0;
		}
		*out = make(directory->mount, node, DIRECTORY_INODE + 1 + i);
		if (*out == NULL)
			return -ENOMEM;
		if (S_ISDIR(node->mode))
			node->vnode = vnode_reference(*out);
		return 0;
	}
	return -ENOENT;
}

static int dev_read_directory(struct vnode *directory, uint64_t cookie, directory_emit emit, void *context)
{
	uint64_t i, count = directory->inode == DIRECTORY_INODE ? NODES + SWAP_AREAS_MAX : 0;

	for (i = cookie; i < count + 2; i++) {
		const struct dev_node *node = i < 2 ? NULL : node_at(i - 2);
		const char *name = i == 0 ? "." : i == 1 ? ".." : node != NULL ? node->name : NULL;
		uint64_t inode = i < 2 ? directory->inode : DIRECTORY_INODE + i - 1;
		unsigned mode = i < 2 || node == NULL ? S_IFDIR : node->mode;

		if (name == NULL)
			break;
		if (!emit(context, name, inode, (unsigned char)IFTODT(mode), i + 1))
			break;
	}
	return 0;
}

struct vnode *devfs_root(struct mount *mount)
{
	unsigned i;

	directory_node.time = (int64_t)clock_realtime();
	for (i = 0; i < NODES; i++)
		nodes[i].time = directory_node.time;
	return make(mount, &directory_node, DIRECTORY_INODE);
}
