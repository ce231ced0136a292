/* Nodes of file servers: finding, attributes, writing back, and the cleaner that gives unused ones back. */
#include "filefs.h"

#include <errno.h>
#include <mach/mach.h>
#include <pthread.h>
#include <servers/file_user.h>
#include <stdlib.h>
#include <string.h>

#define NODE_TABLE 4096
#define UNUSED_MAX 2048

static struct file_node *table[NODE_TABLE];
static struct list unused = LIST_INITIALIZER(unused);
static unsigned unused_count;

/* The cleaner sleeps here; used with a lock of its own, since the server lock is not the kind that one can wait with.
 */
static pthread_mutex_t cleaner_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t cleaner_wanted = PTHREAD_COND_INITIALIZER;
static bool cleaner_work;

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
		unused_count--;
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
		server_unlock();
		result = file_get_attributes(port, &fresh);
		server_lock();
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

int file_node_begin(struct file_node *node, struct call *call)
{
	if (node->busy) {
		int64_t result = call != NULL ? call_wait_for(call, &node->busy_queue) : -EBUSY;

		return result == CALL_RESTART ? CALL_ERROR_RESTART : (int)result;
	}
	node->busy = true;
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

	server_unlock();
	result = file_set_attributes(port, which, *values, &fresh);
	server_lock();
	if (result != KERN_SUCCESS)
		return -FILE_ERRNO(result);
	if (which & FILE_SET_SIZE) {
		uint64_t end = round_page(fresh.size);

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

static void wake_cleaner(void)
{
	pthread_mutex_lock(&cleaner_lock);
	cleaner_work = true;
	pthread_cond_signal(&cleaner_wanted);
	pthread_mutex_unlock(&cleaner_lock);
}

/* The last reference is gone. Never waits: what needs an RPC is the cleaner's. */
static void release(struct vnode *vnode)
{
	struct file_node *node = file_node_of(vnode);

	if (node->attributes.links == 0) {
		/* First in line. */
		node->unused.next = unused.next;
		node->unused.prev = &unused;
		unused.next->prev = &node->unused;
		unused.next = &node->unused;
	} else {
		list_append(&unused, &node->unused);
	}
	if (++unused_count > UNUSED_MAX || node->attributes.links == 0)
		wake_cleaner();
}

static void destroy(struct file_node *node)
{
	struct file_node **link = chain_of(node->vnode.mount, node->vnode.inode);

	while (*link != node)
		link = &(*link)->hash_next;
	*link = node->hash_next;
	list_remove(&node->unused);
	unused_count--;
	file_names_forget(node);
	if (node->mapping != NULL)
		file_mapping_release(node->mapping);
	if (node->object != MACH_PORT_NULL)
		mach_port_deallocate(mach_task_self(), node->object);
	mach_port_deallocate(mach_task_self(), node->port);
	free(node->target);
	free(node);
}

static void clean(void)
{
	while (!list_empty(&unused)) {
		struct file_node *node = list_entry(unused.next, struct file_node, unused);

		if (unused_count <= UNUSED_MAX && node->attributes.links != 0)
			return;
		if (node->times_dirty || node->allocated_to > round_page(node->attributes.size)) {
			file_node_write_back(node);
			/* The lock was released: it may be in use again, or still be dirty after an error. */
			node->times_dirty = false;
			if (unused.next != &node->unused || node->vnode.references != 0 || node->busy)
				continue;
		}
		destroy(node);
	}
}

static void *cleaner(void *argument)
{
	(void)argument;
	for (;;) {
		pthread_mutex_lock(&cleaner_lock);
		while (!cleaner_work)
			pthread_cond_wait(&cleaner_wanted, &cleaner_lock);
		cleaner_work = false;
		pthread_mutex_unlock(&cleaner_lock);
		server_lock();
		clean();
		server_unlock();
	}
	return NULL;
}

void filefs_start(void)
{
	static bool started;
	pthread_t thread;

	if (!started && pthread_create(&thread, NULL, cleaner, NULL) == 0) {
		pthread_detach(thread);
		started = true;
	}
}

static int sync_file(struct vnode *vnode, bool data_only)
{
	struct file_node *node = file_node_of(vnode);
	mach_port_t port = node->port;
	kern_return_t result;

	file_node_write_back(node);
	server_unlock();
	result = file_sync(port, data_only);
	server_lock();
	return -FILE_ERRNO(result);
}

const struct vnode_ops filefs_ops = {
	.look_up = filefs_look_up,
	.get_attributes = get_attributes,
	.set_attributes = set_attributes,
	.create = filefs_create,
	.symlink = filefs_symlink,
	.link = filefs_link,
	.unlink = filefs_unlink,
	.rename = filefs_rename,
	.read_link = filefs_read_link,
	.read_directory = filefs_read_directory,
	.read = filefs_read,
	.write = filefs_write,
	.memory_object = filefs_memory_object,
	.sync = sync_file,
	.release = release,
};
