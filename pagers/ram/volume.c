/* The volume and its nodes: the table of them, attributes, figures. */
#include "pagers/ram/ram.h"

#include <stdlib.h>
#include <string.h>

enum { NODE_TABLE = 4096, ROOT_INODE = 2, TMPFS_MAGIC = 0x01021994 };

static struct ram_node *nodes[NODE_TABLE];
static const struct fk_operations ram_operations;

struct ram_node *ram_find(uint64_t inode)
{
	struct ram_node *node = nodes[inode % NODE_TABLE];

	while (node && node->attributes.inode != inode)
		node = node->next_in_table;
	return node;
}

struct ram_node *ram_new_node(struct ram_volume *volume, uint64_t mode, uint64_t uid, uint64_t gid)
{
	struct ram_node *node = volume->nodes < volume->node_limit ? calloc(1, sizeof(*node)) : NULL;
	struct file_attributes *a;

	if (!node)
		return NULL;
	a = &node->attributes;
	a->inode = volume->next_inode++;
	a->mode = mode;
	a->uid = uid;
	a->gid = gid;
	a->block_size = FK_PAGE_SIZE;
	a->access_time = a->modify_time = a->change_time = fk_now();
	a->generation = a->inode;
	node->next_cookie = 3; /* after "." and ".." */
	node->next_in_table = nodes[a->inode % NODE_TABLE];
	nodes[a->inode % NODE_TABLE] = node;
	volume->nodes++;
	return node;
}

void ram_free_node(struct ram_volume *volume, struct ram_node *node)
{
	struct ram_node **link = &nodes[node->attributes.inode % NODE_TABLE];

	while (*link != node)
		link = &(*link)->next_in_table;
	*link = node->next_in_table;
	ram_free_pages(volume, node, 0, UINT64_MAX);
	ram_free_entries(node);
	ram_free_extended(volume, node);
	free(node->target);
	free(node);
	volume->nodes--;
}

struct ram_volume *ram_open(uint64_t size_limit)
{
	struct ram_volume *volume = calloc(1, sizeof(*volume));
	struct ram_node *root;

	if (!volume)
		return NULL;
	volume->base.operations = &ram_operations;
	volume->base.precious = 1;
	volume->page_limit = size_limit / FK_PAGE_SIZE;
	volume->node_limit = volume->page_limit < 1024 ? 1024 : volume->page_limit;
	volume->next_inode = ROOT_INODE;
	root = ram_new_node(volume, S_IFDIR | 01777, 0, 0);
	if (!root) {
		free(volume);
		return NULL;
	}
	root->attributes.links = 2;
	root->parent = root;
	return volume;
}

void ram_close(struct ram_volume *volume)
{
	unsigned i;

	for (i = 0; i < NODE_TABLE; i++)
		while (nodes[i])
			ram_free_node(volume, nodes[i]);
	free(volume);
}

void ram_number_from(struct ram_volume *volume, uint64_t first)
{
	if (first > volume->next_inode)
		volume->next_inode = first;
}

uint64_t ram_bytes_left(const struct ram_volume *volume)
{
	const uint64_t taken = volume->pages * FK_PAGE_SIZE + volume->extended_bytes;
	const uint64_t limit = volume->page_limit * FK_PAGE_SIZE;

	return taken < limit ? limit - taken : 0;
}

static int volume_info(struct fk_volume *base, struct file_system_info *info)
{
	struct ram_volume *volume = (struct ram_volume *)base;

	memset(info, 0, sizeof(*info));
	info->type = TMPFS_MAGIC;
	info->block_size = FK_PAGE_SIZE;
	info->blocks = volume->page_limit;
	info->blocks_free = ram_bytes_left(volume) / FK_PAGE_SIZE;
	info->blocks_available = info->blocks_free;
	info->files = volume->node_limit;
	info->files_free = volume->node_limit - volume->nodes;
	info->name_length = FILE_NAME_LENGTH;
	info->read_only = volume->stopped;
	return 0;
}

static int volume_sync(struct fk_volume *base)
{
	(void)base;
	return 0;
}

static int volume_stop(struct fk_volume *base)
{
	((struct ram_volume *)base)->stopped = true;
	return 0;
}

static int get_attributes(struct fk_volume *base, uint64_t inode, struct file_attributes *attributes)
{
	struct ram_node *node = ram_find(inode);

	(void)base;
	if (!node)
		return ESTALE;
	*attributes = node->attributes;
	attributes->blocks = node->pages * (FK_PAGE_SIZE / 512);
	if (S_ISLNK(node->attributes.mode))
		attributes->size = strlen(node->target);
	return 0;
}

static int set_attributes(struct fk_volume *base, uint64_t inode, unsigned which, const struct file_attributes *values)
{
	struct ram_node *node = ram_find(inode);
	struct file_attributes *a;

	(void)base;
	if (!node)
		return ESTALE;
	a = &node->attributes;
	if (which & FILE_SET_MODE)
		a->mode = (a->mode & S_IFMT) | (values->mode & 07777);
	if (which & FILE_SET_UID)
		a->uid = values->uid;
	if (which & FILE_SET_GID)
		a->gid = values->gid;
	if (which & FILE_SET_ACCESS_TIME)
		a->access_time = values->access_time;
	if (which & FILE_SET_MODIFY_TIME)
		a->modify_time = values->modify_time;
	a->change_time = fk_now();
	return 0;
}

static int read_link(struct fk_volume *base, uint64_t inode, char *target, size_t size)
{
	struct ram_node *node = ram_find(inode);

	(void)base;
	if (!node || !S_ISLNK(node->attributes.mode))
		return node ? EINVAL : ESTALE;
	if (strlen(node->target) >= size)
		return ENAMETOOLONG;
	strcpy(target, node->target);
	return 0;
}

static void forget(struct fk_volume *base, uint64_t inode)
{
	struct ram_node *node = ram_find(inode);

	if (node && node->attributes.links == 0)
		ram_free_node((struct ram_volume *)base, node);
	else if (node && S_ISREG(node->attributes.mode))
		ram_trim(base, inode, 0);
}

static const struct fk_operations ram_operations = {
	.root = ROOT_INODE,
	.info = volume_info,
	.sync = volume_sync,
	.stop = volume_stop,
	.look_up = ram_look_up,
	.get_attributes = get_attributes,
	.set_attributes = set_attributes,
	.set_size = ram_set_size,
	.trim = ram_trim,
	.allocate = ram_allocate,
	.punch = ram_punch,
	.seek = ram_seek,
	.create = ram_create,
	.symlink = ram_symlink,
	.read_link = read_link,
	.link = ram_link,
	.unlink = ram_unlink,
	.rename = ram_rename,
	.get_extended = ram_get_extended,
	.set_extended = ram_set_extended,
	.list_extended = ram_list_extended,
	.read_directory = ram_read_directory,
	.read = ram_read,
	.write = ram_write,
	.forget = forget,
};
