/* The tree of /sys: the processors, as lscpu and C libraries look for them. What it says never changes; all of it is made when it is mounted. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/user.h"
#include "call/call.h"
#include "file/file.h"
#include "fs/mounts.h"
#include "fs/procfs.h"
#include "process/proc.h"
#include "vfs/vfs.h"

#define NAME_SIZE  24
#define FILE_SIZE  4096 /* as stat has it, whatever is in it */
#define MASK_SIZE  128
#define PROCESSORS 32 /* at most: doc/smp.md */

struct sys_node {
	struct sys_node *child, *next; /* the first in a folder; the one after it */
	struct sys_node **end;         /* where the next child goes */
	uint64_t inode;
	char name[NAME_SIZE];
	char *says; /* of a file; null: a folder */
};

static struct sys_node root;
static int64_t made; /* when: the time of all */

/* Null, also as a folder to add to: no memory. */
static struct sys_node *add(struct sys_node *folder, const char *name, const char *says)
{
	static uint64_t inode = 1;
	struct sys_node *node = folder != NULL ? calloc(1, sizeof *node) : NULL;

	if (node == NULL)
		return NULL;
	snprintf(node->name, sizeof node->name, "%s", name);
	node->says = says != NULL ? strdup(says) : NULL;
	if (says != NULL && node->says == NULL) {
		free(node);
		return NULL;
	}
	node->inode = ++inode;
	node->end = &node->child;
	*folder->end = node;
	folder->end = &node->next;
	return node;
}

/* One processor among others: each is a core of its own, of one package. */
static void add_processor(struct sys_node *cpus, unsigned number, unsigned count)
{
	static const char *const own[] = {"thread_siblings", "core_cpus"}, *const all[] = {"core_siblings", "package_cpus"};
	char name[NAME_SIZE], mask[MASK_SIZE], list[MASK_SIZE];
	struct sys_node *topology;
	const unsigned digits = (count + 3) / 4;

	snprintf(name, sizeof name, "cpu%u", number);
	topology = add(add(cpus, name, NULL), "topology", NULL);
	add(topology, "physical_package_id", "0\n");
	add(topology, "die_id", "0\n");
	snprintf(list, sizeof list, "%u\n", number);
	add(topology, "core_id", list);
	snprintf(mask, sizeof mask, "%0*llx\n", (int)digits, 1ull << number);
	for (unsigned i = 0; i < 2; i++) {
		snprintf(name, sizeof name, "%s_list", own[i]);
		add(topology, own[i], mask);
		add(topology, name, list);
	}
	snprintf(mask, sizeof mask, "%0*llx\n", (int)digits, (1ull << count) - 1);
	snprintf(list, sizeof list, count > 1 ? "0-%u\n" : "%u\n", count - 1);
	for (unsigned i = 0; i < 2; i++) {
		snprintf(name, sizeof name, "%s_list", all[i]);
		add(topology, all[i], mask);
		add(topology, name, list);
	}
}

static void make_all(void)
{
	unsigned count = processors_available(), i;
	struct sys_node *cpus;
	char list[MASK_SIZE];

	if (count > PROCESSORS)
		count = PROCESSORS;
	made = (int64_t)clock_realtime();
	root.inode = 1;
	root.end = &root.child;
	cpus = add(add(add(&root, "devices", NULL), "system", NULL), "cpu", NULL);
	snprintf(list, sizeof list, count > 1 ? "0-%u\n" : "%u\n", count - 1);
	add(cpus, "possible", list);
	add(cpus, "present", list);
	add(cpus, "online", list);
	add(cpus, "offline", "\n");
	snprintf(list, sizeof list, "%u\n", count - 1);
	add(cpus, "kernel_max", list);
	for (i = 0; i < count; i++)
		add_processor(cpus, i, count);
}

/* --- As a file system. */

static const struct vnode_ops sys_ops;

static int make(struct mount *mount, struct sys_node *node, struct vnode **out)
{
	*out = malloc(sizeof **out);
	if (*out == NULL)
		return -ENOMEM;
	vnode_init(*out, &sys_ops, mount, node->says != NULL ? S_IFREG | 0444 : S_IFDIR | 0755, node->inode);
	(*out)->data = node;
	return 0;
}

static int sys_look_up(struct vnode *directory, const char *name, struct vnode **out)
{
	const struct sys_node *folder = directory->data;

	for (struct sys_node *node = folder->child; node != NULL; node = node->next) {
		if (strcmp(node->name, name) == 0)
			return make(directory->mount, node, out);
	}
	return -ENOENT;
}

static int sys_attributes(struct vnode *vnode, file_attributes_t *out)
{
	const struct sys_node *node = vnode->data;

	memset(out, 0, sizeof *out);
	out->inode = vnode->inode;
	out->mode = vnode->mode;
	out->links = 1;
	if (node->says == NULL) {
		out->links = 2;
		for (const struct sys_node *child = node->child; child != NULL; child = child->next)
			out->links += child->says == NULL;
	}
	out->size = node->says != NULL ? FILE_SIZE : 0;
	out->block_size = FILE_SIZE;
	out->access_time = out->modify_time = out->change_time = made;
	return 0;
}

static int sys_read_directory(struct vnode *directory, uint64_t cookie, directory_emit emit, void *context)
{
	const struct sys_node *folder = directory->data, *node = folder->child;
	uint64_t i;

	for (i = 0; i < 2; i++) {
		if (i >= cookie && !emit(context, i == 0 ? "." : "..", directory->inode, DT_DIR, i + 1))
			return 0;
	}
	for (; node != NULL; node = node->next, i++) {
		if (i >= cookie && !emit(context, node->name, node->inode, node->says != NULL ? DT_REG : DT_DIR, i + 1))
			return 0;
	}
	return 0;
}

static const struct file_ops sys_file_ops = {
	.read = proc_read_text, .seek = proc_seek_text, .relays = RELAY_FROM, .release = proc_release_text};

static int sys_open(struct call *call, struct vnode *vnode, struct file *file)
{
	const struct sys_node *node = vnode->data;
	struct text *text;

	(void)call;
	if (node->says == NULL)
		return 0;
	if ((file->flags & O_ACCMODE) != O_RDONLY)
		return -EACCES;
	text = user_alloc(user_now(), sizeof *text);
	if (text == NULL)
		return -ENOMEM;
	text_append(text, node->says, strlen(node->says));
	if (text->failed || !user_take_bytes(user_now(), text->room)) {
		text_free(text);
		user_free(text);
		return -ENOMEM;
	}
	file->ops = &sys_file_ops;
	file->data = text;
	file->seekable = true;
	return 0;
}

static void sys_release(struct vnode *vnode)
{
	free(vnode);
}

static const struct vnode_ops sys_ops = {
	.look_up = sys_look_up,
	.get_attributes = sys_attributes,
	.read_directory = sys_read_directory,
	.open = sys_open,
	.release = sys_release,
};

struct vnode *sysfs_root(struct mount *mount)
{
	struct vnode *vnode;

	if (root.inode == 0)
		make_all();
	return make(mount, &root, &vnode) == 0 ? vnode : NULL;
}
