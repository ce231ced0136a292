/* Nodes of file servers: finding, attributes, writing back, and the cleaner that gives unused ones back. */
#include "fs/filefs.h"

#include <errno.h>
#include <mach/mach.h>
#include <servers/file_user.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "call/fiber.h"

#define NODE_TABLE 4096
#define UNUSED_MAX 2048 /* of a mount */

static struct file_node *table[NODE_TABLE];

static struct file_node **chain_of(const struct mount *mount, uint64_t inode)
{
	return &table[(inode ^ inode >> 12 ^ (uintptr_t)mount >> 4) % NODE_TABLE];
}

bool filefs_is(const struct vnode *vnode)
{
	return vnode->ops == &filefs_ops;
}

static void set_mode(struct file_node *node)
{
	node->vnode.mode = (unsigned)node->attributes.mode;
	node->vnode.device = node->attributes.device;
}

void file_node_take(struct file_node *node, const file_attributes_t *attributes)
{
	file_attributes_t old = node->attributes;

	contents_withdraw(&node->contents);
	node->attributes = *attributes;
	node->attributes.size = old.size;
	if (node->times_dirty) {
		node->attributes.access_time = old.access_time;
		node->attributes.modify_time = old.modify_time;
		node->attributes.change_time = old.change_time;
	}
	node->stale = false;
	set_mode(node);
}

struct vnode *file_node_use(struct file_node *node)
{
	if (node->vnode.references++ == 0) {
		list_remove(&node->unused);
		node->vnode.mount->unused_count--;
	}
	return &node->vnode;
}

struct vnode *filefs_vnode(struct mount *mount, mach_port_t port, const file_attributes_t *attributes)
{
	struct file_node **chain = chain_of(mount, attributes->inode), *node = *chain;

	while (node != NULL && (node->vnode.inode != attributes->inode || node->vnode.mount != mount))
		node = node->hash_next;
	if (node != NULL) {
		if (node->port == port) {
			/* The same name: the message brought a further reference to it. */
			mach_port_deallocate(mach_task_self(), port);
		} else {
			mach_port_deallocate(mach_task_self(), node->port);
			node->port = port;
		}
		return file_node_use(node);
	}
	node = calloc(1, sizeof *node);
	if (node == NULL) {
		mach_port_deallocate(mach_task_self(), port);
		return NULL;
	}
	vnode_init(&node->vnode, &filefs_ops, mount, (unsigned)attributes->mode, attributes->inode);
	node->port = port;
	node->attributes = *attributes;
	set_mode(node);
	wait_queue_init(&node->busy_queue);
	list_init(&node->unused);
	list_init(&node->names);
	list_init(&node->children);
	node->hash_next = *chain;
	*chain = node;
	return &node->vnode;
}

int file_node_attributes(struct file_node *node, file_attributes_t *out)
{
	file_attributes_t fresh;

	if (node->stale) {
		mach_port_t port = node->port;
		kern_return_t result;

		node->stale = false; /* what changes from here on makes it stale again */
		result = ASK(node->vnode.mount, file_get_attributes(port, &fresh));
		if (result != KERN_SUCCESS) {
			node->stale = true;
			return -FILE_ERRNO(result);
		}
		if (!node->stale)
			file_node_take(node, &fresh);
	}
	*out = node->attributes;
	return 0;
}

static int get_attributes(struct vnode *vnode, file_attributes_t *out)
{
	return file_node_attributes(file_node_of(vnode), out);
}

/* All of these are changed by us alone. */
static int known_attributes(struct vnode *vnode, file_attributes_t *out)
{
	*out = file_node_of(vnode)->attributes;
	return 0;
}

int file_node_begin(struct file_node *node, struct call *call)
{
	if (node->busy) {
		int64_t result = call != NULL ? call_wait_for(call, &node->busy_queue) : -EBUSY;

		return result == CALL_RESTART ? CALL_ERROR_RESTART : (int)result;
	}
	node->busy = true;
	contents_withdraw(&node->contents);
	return 0;
}

void file_node_end(struct file_node *node)
{
	node->busy = false;
	wait_queue_wake(&node->busy_queue, 0);
}

/* Sends changes to the server; the node is the caller's turn when the size is among them. */
static int change(struct file_node *node, unsigned which, const file_attributes_t *values)
{
	mach_port_t port = node->port;
	file_attributes_t fresh;
	kern_return_t result;

	result = ASK(node->vnode.mount, file_set_attributes(port, which, *values, &fresh));
	if (result != KERN_SUCCESS)
		return -FILE_ERRNO(result);
	if (which & FILE_SET_SIZE) {
		uint64_t end = round_page(fresh.size);

		contents_withdraw(&node->contents);
		node->attributes.size = fresh.size;
		if (node->allocated_to > end)
			node->allocated_to = end;
		if (node->allocated_from > node->allocated_to)
			node->allocated_from = node->allocated_to = 0;
	}
	file_node_take(node, &fresh);
	return 0;
}

int file_node_set_size(struct file_node *node, uint64_t size)
{
	file_attributes_t values = {.size = size};
	int error = change(node, FILE_SET_SIZE, &values);

	if (error == 0) {
		node->attributes.modify_time = node->attributes.change_time = (int64_t)clock_realtime();
		node->times_dirty = true;
	}
	return error;
}

/* All but the size, which vnode_truncate sets. */
static int set_attributes(struct vnode *vnode, unsigned which, const file_attributes_t *values)
{
	struct file_node *node = file_node_of(vnode);
	file_attributes_t all = *values;

	if (which & FILE_SET_SIZE)
		return -EINVAL;
	if (node->times_dirty) {
		/* What is not set now goes along, so that the answer is complete. */
		if (!(which & FILE_SET_ACCESS_TIME))
			all.access_time = node->attributes.access_time;
		if (!(which & FILE_SET_MODIFY_TIME))
			all.modify_time = node->attributes.modify_time;
		which |= FILE_SET_ACCESS_TIME | FILE_SET_MODIFY_TIME;
		node->times_dirty = false;
	}
	return change(node, which, &all);
}

/* Times, and space beyond the end. Somebody who changes the node now leaves it to a later time. */
void file_node_write_back(struct file_node *node)
{
	file_attributes_t values = node->attributes;
	unsigned which = 0;

	if (node->attributes.links == 0 || node->busy)
		return;
	if (node->times_dirty)
		which |= FILE_SET_ACCESS_TIME | FILE_SET_MODIFY_TIME;
	if (node->allocated_to > round_page(node->attributes.size))
		which |= FILE_SET_SIZE;
	if (which == 0)
		return;
	node->busy = true;
	node->times_dirty = false;
	if (change(node, which, &values) != 0)
		node->times_dirty = true;
	file_node_end(node);
}

void file_node_trim(struct file_node *node)
{
	if (node->allocated_to > round_page(node->attributes.size))
		file_node_write_back(node);
}

void filefs_write_back(struct mount *mount)
{
	unsigned i;

	for (i = 0; i < NODE_TABLE; i++) {
		struct file_node *node = table[i];

		while (node != NULL) {
			struct file_node *next;

			if (node->vnode.mount == mount) {
				/* Held over the RPC: the chain may lose others meanwhile, not this one. */
				file_node_use(node);
				file_node_write_back(node);
				next = node->hash_next;
				vnode_release(&node->vnode);
			} else {
				next = node->hash_next;
			}
			node = next;
		}
	}
}

/* --- The end of a node. */

static void clean(void *argument);

/* The last reference is gone. Never waits: what needs an RPC is the cleaner's. */
static void release(struct vnode *vnode)
{
	struct file_node *node = file_node_of(vnode);
	struct mount *mount = vnode->mount;

	if (node->attributes.links == 0) {
		/* First in line. */
		node->unused.next = mount->unused.next;
		node->unused.prev = &mount->unused;
		mount->unused.next->prev = &node->unused;
		mount->unused.next = &node->unused;
	} else {
		list_append(&mount->unused, &node->unused);
	}
	if (++mount->unused_count <= UNUSED_MAX && node->attributes.links != 0 && !mount->off)
		return;
	/* Without memory for a fiber the next release tries again. */
	if (!mount->cleaning)
		mount->cleaning = fiber_start(clean, mount);
}

static void destroy(struct file_node *node)
{
	struct file_node **link = chain_of(node->vnode.mount, node->vnode.inode);

	while (*link != node)
		link = &(*link)->hash_next;
	*link = node->hash_next;
	list_remove(&node->unused);
	node->vnode.mount->unused_count--;
	file_names_forget(node);
	/* The file first: of one without a name its server then need not keep what the mapping has. */
	mach_port_deallocate(mach_task_self(), node->port);
	contents_end(&node->contents);
	free(node->target);
	free(node);
}

/* The cleaner of a mount, on a fiber. */
static void clean(void *argument)
{
	struct mount *mount = argument;

	while (!list_empty(&mount->unused)) {
		struct file_node *node = list_entry(mount->unused.next, struct file_node, unused);

		if (mount->unused_count <= UNUSED_MAX && node->attributes.links != 0 && !mount->off)
			break;
		if (node->times_dirty || node->allocated_to > round_page(node->attributes.size)) {
			file_node_write_back(node);
			/* The lock was released: it may be in use again, or still be dirty after an error. */
			node->times_dirty = false;
			if (mount->unused.next != &node->unused || node->vnode.references != 0 || node->busy)
				continue;
		}
		destroy(node);
	}
	mount->cleaning = false;
}

/*
 * Changes may or may not have been made, which nobody heard of: asks for everything anew. What cannot be asked for
 * stays as it was known.
 */
void filefs_distrust(struct mount *mount)
{
	unsigned i;

	for (i = 0; i < NODE_TABLE; i++) {
		struct file_node *node = table[i], *next;

		for (; node != NULL; node = next) {
			file_attributes_t fresh;

			next = node->hash_next;
			if (node->vnode.mount != mount)
				continue;
			file_node_use(node);
			file_names_forget(node);
			node->version++;
			node->allocated_from = node->allocated_to = 0;
			node->stale = true;
			if (ASK(mount, file_get_attributes(node->port, &fresh)) == KERN_SUCCESS) {
				contents_withdraw(&node->contents);
				node->attributes.size = fresh.size;
				file_node_take(node, &fresh);
			}
			/* Held over the RPC: the chain may have lost others meanwhile, not this one. */
			next = node->hash_next;
			vnode_release(&node->vnode);
		}
	}
}

/* The file server of the mount has others now: its root is looked up anew, and what it had is forgotten. */
static void find_root(void *argument)
{
	struct mount *mount = argument;
	mach_port_t port = MACH_PORT_NULL;
	file_attributes_t attributes;
	unsigned i;

	if (!mount->off && ASK(mount, file_system_root(mount->service, &port, &attributes)) == KERN_SUCCESS) {
		struct vnode *root = filefs_vnode(mount, port, &attributes);

		for (i = 0; i < NODE_TABLE; i++)
			for (struct file_node *node = table[i]; node != NULL; node = node->hash_next)
				if (node->vnode.mount == mount) {
					file_names_forget(node);
					node->version++;
				}
		if (root != NULL) {
			file_node_of(root)->stale = true;
			vnode_release(root);
		}
		fprintf(stderr, "unix: the files of %s are gone with their server; it is empty\n", mount->target);
	}
	mount->finding_root = false;
}

void filefs_port_died(struct mount *mount)
{
	mach_port_type_t type = 0;

	if (mount->off || mount->root == NULL || !filefs_is(mount->root) || mount->finding_root ||
		mach_port_type(mach_task_self(), file_node_of(mount->root)->port, &type) != KERN_SUCCESS ||
		!(type & MACH_PORT_TYPE_DEAD_NAME))
		return;
	mount->finding_root = fiber_start(find_root, mount);
}

static int sync_file(struct vnode *vnode, bool data_only)
{
	struct file_node *node = file_node_of(vnode);
	mach_port_t port = node->port;
	kern_return_t result;

	file_node_write_back(node);
	result = ASK(vnode->mount, file_sync(port, data_only));
	return -FILE_ERRNO(result);
}

static int set_size(struct vnode *vnode, struct call *call, uint64_t size, bool space)
{
	struct file_node *node = file_node_of(vnode);
	int error;

	if (space && size == node->attributes.size && node->allocated_to == 0 && !node->busy)
		return 0;
	error = file_node_begin(node, call);
	if (error != 0)
		return error;
	error = file_node_set_size(node, size);
	file_node_end(node);
	return error;
}

static void trim(struct vnode *vnode)
{
	file_node_trim(file_node_of(vnode));
}

const struct vnode_ops filefs_ops = {
	.look_up = filefs_look_up,
	.get_attributes = get_attributes,
	.known_attributes = known_attributes,
	.set_attributes = set_attributes,
	.create = filefs_create,
	.symlink = filefs_symlink,
	.link = filefs_link,
	.unlink = filefs_unlink,
	.rename = filefs_rename,
	.read_link = filefs_read_link,
	.read_directory = filefs_read_directory,
	.read = filefs_read,
	.read_unlocked = filefs_read_unlocked,
	.write = filefs_write,
	.memory_object = filefs_memory_object,
	.sync = sync_file,
	.set_size = set_size,
	.allocate = filefs_allocate,
	.punch = filefs_punch,
	.get_extended = filefs_get_extended,
	.set_extended = filefs_set_extended,
	.list_extended = filefs_list_extended,
	.seek = filefs_seek,
	.trim = trim,
	.release = release,
};
