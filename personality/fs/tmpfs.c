/* tmpfs: mounts and their options, nodes, attributes. */
#include "fs/tmpfs.h"

#include <errno.h>
#include <mach/mach.h>
#include <stdlib.h>
#include <string.h>

#include "base/rights.h"
#include "base/user.h"
#include "process/proc.h"
#include "vfs/vfs_internal.h"

#define MODE_MOST    07777
#define INODES_MOST  UINT32_MAX
#define SIZE_MOST    (UINT64_MAX >> 1)
#define PERCENT_MOST 1000
/* Of the kernel's memory, what a file takes at most, and a page of one in its table. */
#define FILE_BYTES 1024
#define PAGE_BYTES 16

static struct mount *unnamed; /* of what no mount has: not among the mounts */

static const struct vnode_ops tmpfs_ops;

/* --- Nodes. */

struct vnode *tmpfs_node_use(struct tmpfs_node *node)
{
	return vnode_reference(&node->vnode);
}

void tmpfs_node_changed(struct tmpfs_node *node)
{
	node->attributes.modify_time = node->attributes.change_time = (int64_t)clock_realtime();
}

struct tmpfs_node *tmpfs_node_make(struct mount *mount, unsigned mode, uint64_t uid, uint64_t gid)
{
	struct tmpfs_mount *fs = tmpfs_of(mount);
	struct tmpfs_node *node =
		fs->inodes < fs->inode_limit ? user_alloc(user_now(), sizeof *node) : NULL;

	if (node == NULL)
		return NULL;
	vnode_init(&node->vnode, &tmpfs_ops, mount, mode, fs->next_inode++);
	node->vnode.references = 0;
	node->attributes = (file_attributes_t){
		.inode = node->vnode.inode, .mode = mode, .uid = uid, .gid = gid, .block_size = VM_PAGE_SIZE};
	tmpfs_node_changed(node);
	node->attributes.access_time = node->attributes.modify_time;
	if (S_ISREG(mode))
		list_init(&node->mapped);
	if (S_ISDIR(mode) && !tmpfs_folder_make(node)) {
		user_free(node);
		return NULL;
	}
	fs->inodes++;
	return node;
}

/* The last file of a mount that is off has gone. */
static void end_mount(struct mount *mount)
{
	struct tmpfs_mount *fs = tmpfs_of(mount);

	if (fs->account != MACH_PORT_NULL)
		mach_port_deallocate(mach_task_self(), fs->account);
	free(fs);
	mount->data = NULL;
	mount_free(mount);
}

void tmpfs_node_destroy(struct tmpfs_node *node)
{
	struct mount *mount = node->vnode.mount;

	if (S_ISREG(node->vnode.mode))
		tmpfs_contents_end(node);
	else if (S_ISDIR(node->vnode.mode))
		tmpfs_folder_end(node);
	else if (S_ISLNK(node->vnode.mode))
		user_free(node->target);
	tmpfs_extended_end(node);
	user_free(node);
	if (--tmpfs_of(mount)->inodes == 0 && mount->off)
		end_mount(mount);
}

/* All names below a folder go, as deep as the tree may be; and what nobody uses goes with them. */
static void end_tree(struct tmpfs_node *root)
{
	struct tmpfs_node *at = root;

	for (;;) {
		struct tmpfs_node *node = tmpfs_folder_take(at);

		if (node != NULL && tmpfs_is_folder(node)) {
			node->folder->parent = at; /* the way back */
			at = node;
			continue;
		}
		if (node == NULL) {
			if (at == root)
				return;
			node = at;
			at = at->folder->parent;
			node->folder->parent = node;
		}
		if (node->attributes.links == 0 && node->vnode.references == 0)
			tmpfs_node_destroy(node);
	}
}

static void release(struct vnode *vnode)
{
	struct tmpfs_node *node = tmpfs_node_of(vnode);

	if (vnode->mount->off && vnode == vnode->mount->root) {
		vnode->mount->root = NULL;
		node->attributes.links = 0;
		end_tree(node);
	}
	if (node->attributes.links == 0)
		tmpfs_node_destroy(node);
}

/* --- Attributes. */

static int known_attributes(struct vnode *vnode, file_attributes_t *out)
{
	*out = tmpfs_node_of(vnode)->attributes;
	return 0;
}

static int get_attributes(struct vnode *vnode, file_attributes_t *out)
{
	known_attributes(vnode, out);
	if (S_ISREG(vnode->mode))
		out->blocks = tmpfs_pages(tmpfs_node_of(vnode)) * (VM_PAGE_SIZE / 512);
	return 0;
}

static int set_attributes(struct vnode *vnode, unsigned which, const file_attributes_t *values)
{
	struct tmpfs_node *node = tmpfs_node_of(vnode);
	file_attributes_t *a = &node->attributes;

	if (which & FILE_SET_SIZE)
		return -EINVAL;
	if (S_ISREG(vnode->mode))
		contents_withdraw(&node->contents);
	if (which & FILE_SET_MODE)
		vnode->mode = (vnode->mode & S_IFMT) | ((unsigned)values->mode & MODE_MOST);
	a->mode = vnode->mode;
	if (which & FILE_SET_UID)
		a->uid = values->uid;
	if (which & FILE_SET_GID)
		a->gid = values->gid;
	if (which & FILE_SET_ACCESS_TIME)
		a->access_time = values->access_time;
	if (which & FILE_SET_MODIFY_TIME)
		a->modify_time = values->modify_time;
	a->change_time = (int64_t)clock_realtime();
	return 0;
}

static int sync_file(struct vnode *vnode, bool data_only)
{
	(void)vnode;
	(void)data_only;
	return 0; /* there is no medium */
}

static const struct vnode_ops tmpfs_ops = {
	.look_up = tmpfs_look_up,
	.get_attributes = get_attributes,
	.known_attributes = known_attributes,
	.set_attributes = set_attributes,
	.create = tmpfs_create,
	.symlink = tmpfs_symlink,
	.link = tmpfs_link,
	.unlink = tmpfs_unlink,
	.rename = tmpfs_rename,
	.read_link = tmpfs_read_link,
	.read_directory = tmpfs_read_directory,
	.read = tmpfs_read,
	.read_unlocked = tmpfs_read_unlocked,
	.write = tmpfs_write,
	.memory_object = tmpfs_memory_object,
	.sync = sync_file,
	.set_size = tmpfs_set_size,
	.allocate = tmpfs_allocate,
	.punch = tmpfs_punch,
	.seek = tmpfs_seek,
	.get_extended = tmpfs_get_extended,
	.set_extended = tmpfs_set_extended,
	.list_extended = tmpfs_list_extended,
	.release = release,
};

/* --- Mounts. */

struct options {
	uint64_t pages, inodes, mode, uid, gid;
};

static uint64_t machine_pages(void)
{
	vm_statistics_data_t memory = {0};

	vm_statistics(mach_task_self(), &memory);
	return memory.total_count;
}

static uint64_t kernel_bytes(const struct options *options)
{
	return (options->inodes + 1) * FILE_BYTES + options->pages * PAGE_BYTES;
}

/* A number with k, m or g behind it, or with % a part of `whole`. False: it is none, or not so many. */
static bool parse_amount(const char *text, uint64_t whole, uint64_t most, uint64_t *amount)
{
	static const char letters[] = "kmg";
	const char *letter;
	char *end;
	uint64_t number = strtoull(text, &end, 10);

	if (end == text || number > most)
		return false;
	if (*end == '%' && number <= PERCENT_MOST) {
		number = whole * number / 100;
		end++;
	} else if (*end != 0 && (letter = strchr(letters, *end | 0x20)) != NULL) {
		const unsigned shift = 10 * (unsigned)(letter - letters + 1);

		if (number > most >> shift)
			return false;
		number <<= shift;
		end++;
	}
	*amount = number;
	return *end == 0 || *end == ',';
}

static bool parse_number(const char *text, int base, uint64_t most, uint64_t *number)
{
	char *end;

	*number = strtoull(text, &end, base);
	return end != text && (*end == 0 || *end == ',') && *number <= most;
}

/* What a mount may say that makes no difference here. */
static bool is_idle(const char *at)
{
	static const char *const idle[] = {"inode32", "inode64", "huge=", "mpol=", "noswap"};

	for (unsigned i = 0; i < sizeof idle / sizeof idle[0]; i++)
		if (strncmp(at, idle[i], strlen(idle[i])) == 0)
			return true;
	return false;
}

static bool parse_option(const char *at, struct options *options)
{
	if (strncmp(at, "size=", 5) == 0) {
		if (!parse_amount(at + 5, machine_pages() * VM_PAGE_SIZE, SIZE_MOST, &options->pages))
			return false;
		options->pages = (options->pages + VM_PAGE_SIZE - 1) / VM_PAGE_SIZE;
		return true;
	}
	if (strncmp(at, "nr_blocks=", 10) == 0)
		return parse_amount(at + 10, 0, SIZE_MOST / VM_PAGE_SIZE, &options->pages);
	if (strncmp(at, "nr_inodes=", 10) == 0)
		return parse_amount(at + 10, 0, INODES_MOST, &options->inodes);
	if (strncmp(at, "mode=", 5) == 0)
		return parse_number(at + 5, 8, MODE_MOST, &options->mode);
	if (strncmp(at, "uid=", 4) == 0)
		return parse_number(at + 4, 10, UINT32_MAX - 1, &options->uid);
	if (strncmp(at, "gid=", 4) == 0)
		return parse_number(at + 4, 10, UINT32_MAX - 1, &options->gid);
	return is_idle(at);
}

static int parse(const char *text, struct options *options)
{
	while (text != NULL && *text != 0) {
		if (!parse_option(text, options))
			return -EINVAL;
		text = strchr(text, ',');
		text += text != NULL;
	}
	/* No limit, as 0 says, is what a machine can have at most. */
	if (options->pages == 0)
		options->pages = machine_pages();
	if (options->inodes == 0)
		options->inodes = machine_pages();
	return 0;
}

static int info(struct mount *mount, file_system_info_t *out)
{
	const struct tmpfs_mount *fs = tmpfs_of(mount);
	struct account_info used = {0};

	account_info(fs->account, (uint64_t *)&used);
	out->blocks = fs->page_limit;
	out->blocks_free = out->blocks_available = used.pages < fs->page_limit ? fs->page_limit - used.pages : 0;
	out->files = fs->inode_limit;
	out->files_free = fs->inode_limit - fs->inodes;
	out->read_only = 0;
	return 0;
}

static const struct mount_ops tmpfs_mount_ops = {.info = info};

bool tmpfs_is(const struct mount *mount)
{
	return mount->ops == &tmpfs_mount_ops;
}

int tmpfs_remount(struct mount *mount, const char *text)
{
	struct tmpfs_mount *fs = tmpfs_of(mount);
	struct options options = {.pages = fs->page_limit, .inodes = fs->inode_limit};
	struct account_info used = {0};
	int error = parse(text, &options);

	if (error != 0)
		return error;
	account_info(fs->account, (uint64_t *)&used);
	if (options.pages < used.pages || options.inodes < fs->inodes ||
		account_set_limits(host_privileged(), fs->account, kernel_bytes(&options), options.pages) !=
			KERN_SUCCESS)
		return -EINVAL;
	fs->page_limit = options.pages;
	fs->inode_limit = options.inodes;
	return 0;
}

int tmpfs_root(struct mount *mount, const char *text, struct vnode **root)
{
	const uint64_t half = machine_pages() / 2;
	struct options options = {.pages = half, .inodes = half, .mode = 01777};
	struct tmpfs_mount *fs;
	struct tmpfs_node *node;
	int error = parse(text, &options);

	if (error != 0)
		return error;
	fs = calloc(1, sizeof *fs);
	if (fs == NULL)
		return -ENOMEM;
	fs->page_limit = options.pages;
	fs->inode_limit = options.inodes;
	fs->next_inode = 1;
	mount->data = fs;
	mount->ops = &tmpfs_mount_ops;
	node = account_create(host_privileged(), FALSE, kernel_bytes(&options), options.pages, &fs->account) ==
			       KERN_SUCCESS
		       ? tmpfs_node_make(mount, S_IFDIR | (unsigned)options.mode, options.uid, options.gid)
		       : NULL;
	if (node == NULL) {
		if (fs->account != MACH_PORT_NULL)
			mach_port_deallocate(mach_task_self(), fs->account);
		free(fs);
		mount->data = NULL;
		return -ENOMEM;
	}
	node->attributes.links = 2;
	*root = tmpfs_node_use(node);
	return 0;
}

bool tmpfs_start(void)
{
	struct tmpfs_mount *fs = calloc(1, sizeof *fs);

	unnamed = mount_create("tmpfs", "", "tmpfs", 0, NULL, MACH_PORT_NULL);
	if (unnamed == NULL || fs == NULL)
		return false;
	fs->inode_limit = UINT64_MAX;
	fs->next_inode = 1;
	unnamed->data = fs;
	return true;
}

int vnode_create_unnamed(unsigned mode, uint64_t uid, uint64_t gid, struct vnode **out)
{
	struct user *user = user_now();
	mach_port_t account = user != NULL ? user->account.port : MACH_PORT_NULL;
	struct tmpfs_node *node = tmpfs_node_make(unnamed, S_IFREG | mode, uid, gid);
	int error;

	if (node == NULL)
		return -ENOMEM;
	/* Of a call that no process makes: the server's own. */
	if (account == MACH_PORT_NULL) {
		task_get_account(mach_task_self(), &account);
		error = tmpfs_contents_make(node, account, 0);
		mach_port_deallocate(mach_task_self(), account);
	} else {
		error = tmpfs_contents_make(node, account, 0);
	}
	if (error != 0) {
		tmpfs_node_destroy(node);
		return error;
	}
	*out = tmpfs_node_use(node);
	return 0;
}
