/* Names on file servers: the cache of directory entries, and every operation on names. */
#include <errno.h>
#include <mach/mach.h>
#include <servers/file_user.h>
#include <stdlib.h>
#include <string.h>

#include "fs/filefs.h"

#define NAME_TABLE 8192
#define NAMES_MAX  8192

static struct file_name *table[NAME_TABLE];
static struct list used = LIST_INITIALIZER(used);
static unsigned count;

static struct file_name **chain_of(const struct file_node *directory, const char *text)
{
	uint64_t hash = (uintptr_t)directory * 0x9e3779b97f4a7c15ull;

	while (*text != 0)
		hash = (hash ^ (unsigned char)*text++) * 0x100000001b3ull;
	return &table[(hash ^ hash >> 32) % NAME_TABLE];
}

struct file_name *file_name_find(struct file_node *directory, const char *text)
{
	struct file_name *name = *chain_of(directory, text);

	while (name != NULL && (name->directory != directory || strcmp(name->text, text) != 0))
		name = name->hash_next;
	if (name != NULL && used.prev != &name->used) {
		list_remove(&name->used);
		list_append(&used, &name->used);
	}
	return name;
}

void file_name_forget(struct file_name *name)
{
	struct file_name **link = chain_of(name->directory, name->text);

	while (*link != name)
		link = &(*link)->hash_next;
	*link = name->hash_next;
	list_remove(&name->used);
	list_remove(&name->of_directory);
	list_remove(&name->of_node);
	free(name);
	count--;
}

void file_names_forget(struct file_node *node)
{
	while (!list_empty(&node->children))
		file_name_forget(list_entry(node->children.next, struct file_name, of_directory));
	while (!list_empty(&node->names))
		file_name_forget(list_entry(node->names.next, struct file_name, of_node));
}

void file_name_enter(struct file_node *directory, const char *text, struct file_node *node)
{
	struct file_name *name = file_name_find(directory, text), **chain;
	size_t size = strlen(text) + 1;

	if (name == NULL) {
		if (count >= NAMES_MAX)
			file_name_forget(list_entry(used.next, struct file_name, used));
		name = malloc(sizeof *name + size);
		if (name == NULL)
			return;
		memcpy(name->text, text, size);
		name->directory = directory;
		chain = chain_of(directory, text);
		name->hash_next = *chain;
		*chain = name;
		list_init(&name->of_node);
		list_append(&used, &name->used);
		list_append(&directory->children, &name->of_directory);
		count++;
	}
	list_remove(&name->of_node);
	name->node = node;
	if (node != NULL)
		list_append(&node->names, &name->of_node);
}

/* --- Operations. */

int filefs_look_up(struct vnode *vnode, const char *text, struct vnode **out)
{
	struct file_node *directory = file_node_of(vnode);
	struct file_name *name = file_name_find(directory, text);
	mach_port_t port = directory->port, found = MACH_PORT_NULL;
	uint32_t version = directory->version;
	file_attributes_t attributes;
	kern_return_t result;

	if (name != NULL && name->node != NULL) {
		*out = file_node_use(name->node);
		return 0;
	}
	if (name != NULL)
		return -ENOENT;
	result = ASK(vnode->mount, file_look_up(port, text, &found, &attributes));
	if (result == KERN_SUCCESS) {
		*out = filefs_vnode(vnode->mount, found, &attributes);
		if (*out == NULL)
			return -ENOMEM;
		if (directory->version == version)
			file_name_enter(directory, text, file_node_of(*out));
		return 0;
	}
	if (FILE_ERRNO(result) == ENOENT && directory->version == version)
		file_name_enter(directory, text, NULL);
	return -FILE_ERRNO(result);
}

/* Around an RPC that changes a directory's names: what is looked up meanwhile is not kept. */
static void names_change(struct file_node *directory)
{
	directory->version++;
	directory->stale = true;
}

static void forget_name(struct file_node *directory, const char *text)
{
	struct file_name *name = file_name_find(directory, text);

	if (name != NULL)
		file_name_forget(name);
}

/* After create and symlink: the vnode of what the server made. */
static int made(struct file_node *directory, const char *text, kern_return_t result, mach_port_t port,
	const file_attributes_t *attributes, struct vnode **out)
{
	names_change(directory);
	if (result != KERN_SUCCESS) {
		/* It may be there although we thought it was not. */
		forget_name(directory, text);
		return -FILE_ERRNO(result);
	}
	*out = filefs_vnode(directory->vnode.mount, port, attributes);
	if (*out == NULL) {
		forget_name(directory, text);
		return -ENOMEM;
	}
	if (text[0] != 0)
		file_name_enter(directory, text, file_node_of(*out));
	return 0;
}

int filefs_create(struct vnode *vnode, const char *text, unsigned mode, uint64_t uid, uint64_t gid, uint64_t device,
	struct vnode **out)
{
	struct file_node *directory = file_node_of(vnode);
	mach_port_t parent = directory->port, port = MACH_PORT_NULL;
	file_attributes_t attributes;
	kern_return_t result;

	names_change(directory);
	result = ASK(vnode->mount, file_make(parent, text, mode, uid, gid, device, &port, &attributes));
	return made(directory, text, result, port, &attributes, out);
}

int filefs_symlink(struct vnode *vnode, const char *text, const char *target, uint64_t uid, uint64_t gid)
{
	struct file_node *directory = file_node_of(vnode);
	mach_port_t parent = directory->port, port = MACH_PORT_NULL;
	file_attributes_t attributes;
	struct vnode *link = NULL;
	kern_return_t result;
	int error;

	names_change(directory);
	result = ASK(vnode->mount, file_symlink(parent, text, target, uid, gid, &port, &attributes));
	error = made(directory, text, result, port, &attributes, &link);
	if (error == 0)
		vnode_release(link);
	return error;
}

int filefs_link(struct vnode *vnode, struct vnode *to, const char *text)
{
	struct file_node *node = file_node_of(vnode), *directory = file_node_of(to);
	mach_port_t port = node->port, parent = directory->port;
	kern_return_t result;

	names_change(directory);
	result = ASK(to->mount, file_link(port, parent, text));
	names_change(directory);
	node->stale = true;
	if (result == KERN_SUCCESS) {
		node->attributes.links++;
		file_name_enter(directory, text, node);
	} else {
		forget_name(directory, text);
	}
	return -FILE_ERRNO(result);
}

/* The node that a name stands for, held; null when there is none. */
static struct file_node *hold(struct vnode *directory, const char *text)
{
	struct vnode *vnode = NULL;

	return filefs_look_up(directory, text, &vnode) == 0 ? file_node_of(vnode) : NULL;
}

/* The node has lost a name. */
static void lost_link(struct file_node *node)
{
	if (S_ISDIR(node->vnode.mode))
		node->attributes.links = 0;
	else if (node->attributes.links > 0)
		node->attributes.links--;
	node->attributes.change_time = (int64_t)clock_realtime();
	if (node->attributes.links > 0)
		node->stale = true;
}

int filefs_unlink(struct vnode *vnode, const char *text, bool is_directory)
{
	struct file_node *directory = file_node_of(vnode), *node = hold(vnode, text);
	mach_port_t parent = directory->port;
	kern_return_t result;

	names_change(directory);
	result = ASK(vnode->mount, file_unlink(parent, text, is_directory));
	names_change(directory);
	forget_name(directory, text);
	if (result == KERN_SUCCESS) {
		file_name_enter(directory, text, NULL);
		if (node != NULL)
			lost_link(node);
	}
	if (node != NULL)
		vnode_release(&node->vnode);
	return -FILE_ERRNO(result);
}

int filefs_rename(struct vnode *vnode, const char *text, struct vnode *to, const char *to_text, unsigned flags)
{
	struct file_node *from = file_node_of(vnode), *directory = file_node_of(to);
	struct file_node *node = hold(vnode, text), *target = hold(to, to_text);
	mach_port_t from_port = from->port, to_port = directory->port;
	kern_return_t result;

	names_change(from);
	names_change(directory);
	result = ASK(vnode->mount, file_rename(from_port, text, to_port, to_text, flags));
	names_change(from);
	names_change(directory);
	forget_name(from, text);
	forget_name(directory, to_text);
	if (result == KERN_SUCCESS && node != NULL && node != target) {
		file_name_enter(directory, to_text, node);
		vnode_set_place(&node->vnode, to, to_text);
		node->stale = true;
		if (flags & FILE_RENAME_EXCHANGE && target != NULL) {
			file_name_enter(from, text, target);
			vnode_set_place(&target->vnode, vnode, text);
			target->stale = true;
		} else {
			file_name_enter(from, text, NULL);
			if (target != NULL)
				lost_link(target);
		}
	}
	if (node != NULL)
		vnode_release(&node->vnode);
	if (target != NULL)
		vnode_release(&target->vnode);
	return -FILE_ERRNO(result);
}

int filefs_read_link(struct vnode *vnode, char *target, size_t size)
{
	struct file_node *node = file_node_of(vnode);
	size_t length;

	if (!S_ISLNK(vnode->mode))
		return -EINVAL;
	if (node->target == NULL) {
		mach_port_t port = node->port;
		char *text = malloc(sizeof(file_path_t));
		kern_return_t result;

		if (text == NULL)
			return -ENOMEM;
		result = ASK(vnode->mount, file_read_link(port, text));
		if (result == KERN_SUCCESS && node->target == NULL)
			node->target = strndup(text, sizeof(file_path_t) - 1);
		free(text);
		if (node->target == NULL)
			return result != KERN_SUCCESS ? -FILE_ERRNO(result) : -ENOMEM;
	}
	length = strlen(node->target);
	memcpy(target, node->target, length < size ? length : size);
	return (int)(length < size ? length : size);
}

int filefs_read_directory(struct vnode *vnode, uint64_t cookie, directory_emit emit, void *context)
{
	struct file_node *directory = file_node_of(vnode);
	char *entries = malloc(FILE_ENTRIES_SIZE);
	int error = 0;

	if (entries == NULL)
		return -ENOMEM;
	for (;;) {
		mach_msg_type_number_t length = FILE_ENTRIES_SIZE, at;
		mach_port_t port = directory->port;
		kern_return_t result;

		result = ASK(vnode->mount, file_read_directory(port, cookie, entries, &length));
		error = -FILE_ERRNO(result);
		if (error != 0 || length == 0)
			break;
		for (at = 0; at < length;) {
			struct file_entry *entry = (struct file_entry *)(void *)(entries + at);

			if (!emit(context, entry->name, entry->inode, entry->type, entry->cookie))
				goto out;
			cookie = entry->cookie;
			at += entry->length;
		}
	}
out:
	free(entries);
	return error;
}

/* --- Extended attributes. Nothing of them is kept here. */

int filefs_get_extended(struct vnode *vnode, const char *name, char value[FILE_ENTRIES_SIZE])
{
	mach_msg_type_number_t size = FILE_ENTRIES_SIZE;
	mach_port_t port = file_node_of(vnode)->port;
	kern_return_t result = ASK(vnode->mount, file_get_extended(port, name, value, &size));

	return result != KERN_SUCCESS ? -FILE_ERRNO(result) : (int)size;
}

int filefs_set_extended(struct vnode *vnode, const char *name, const char *value, uint64_t size, unsigned flags)
{
	struct file_node *node = file_node_of(vnode);
	mach_port_t port = node->port;
	kern_return_t result;

	if (value != NULL && size > FILE_ENTRIES_SIZE)
		return -ENOSPC;
	if (value != NULL)
		result = ASK(vnode->mount, file_set_extended(port, name, value, (mach_msg_type_number_t)size, flags));
	else
		result = ASK(vnode->mount, file_remove_extended(port, name));
	node->attributes.change_time = (int64_t)clock_realtime();
	node->stale = true;
	mount_changed(vnode->mount);
	return -FILE_ERRNO(result);
}

int filefs_list_extended(struct vnode *vnode, char names[FILE_ENTRIES_SIZE])
{
	mach_msg_type_number_t size = FILE_ENTRIES_SIZE;
	mach_port_t port = file_node_of(vnode)->port;
	kern_return_t result = ASK(vnode->mount, file_list_extended(port, names, &size));

	return result != KERN_SUCCESS ? -FILE_ERRNO(result) : (int)size;
}
