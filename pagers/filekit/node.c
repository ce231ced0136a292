/* Nodes: the table of files that somebody holds, their ports, and their end. */
#define _GNU_SOURCE /* pthread_cond_clockwait: who sets the time moves no deadline */
#include "pagers/filekit/filekit.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

enum {
	HASH_SIZE = 4096,
	PATIENCE_S = 5, /* with the kernel, which gives a file back */
};

struct fk_volume *fk_volume;
mach_port_t fk_service_port;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t change_ended = PTHREAD_COND_INITIALIZER;
static unsigned doomed; /* nodes */
static mach_port_t file_set, contents_set;
static struct fk_node *by_inode[HASH_SIZE], *by_port[HASH_SIZE];
static size_t node_count;

/* Nobody can come to a file without a name and without a user: what the kernel still returns of it need not be written. */
static void doom_if_nameless(struct fk_node *node)
{
	struct file_attributes attributes;

	if (node->file_held || node->doomed ||
		fk_volume->operations->get_attributes(fk_volume, node->inode, &attributes) || attributes.links)
		return;
	node->doomed = true;
	doomed++;
}

bool fk_wait_for_space(void)
{
	struct timespec until;

	if (!doomed)
		return false;
	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += PATIENCE_S;
	return pthread_cond_clockwait(&change_ended, &lock, CLOCK_MONOTONIC, &until) == 0;
}

static void file_no_senders(struct pager_object *object);
static void file_destroy(struct pager_object *object);

static const struct pager_ops file_ops = {.no_senders = file_no_senders, .destroy = file_destroy};

void fk_lock(void)
{
	pthread_mutex_lock(&lock);
}

/* What was done is one operation for the backend: after a death it is there as a whole or not at all. */
static void commit(void)
{
	if (fk_volume->operations->commit)
		fk_volume->operations->commit(fk_volume);
}

void fk_unlock(void)
{
	commit();
	pthread_mutex_unlock(&lock);
}

kern_return_t fk_nodes_init(struct fk_volume *volume, mach_port_t files, mach_port_t contents)
{
	fk_volume = volume;
	file_set = files;
	contents_set = contents;
	return KERN_SUCCESS;
}

static struct fk_node **inode_chain(uint64_t inode)
{
	return &by_inode[(inode ^ inode >> 12) % HASH_SIZE];
}

static struct fk_node **port_chain(mach_port_t port)
{
	return &by_port[(port >> 8) % HASH_SIZE];
}

struct fk_node *fk_find(mach_port_t port)
{
	struct fk_node *node = *port_chain(port);

	while (node && node->file.port != port)
		node = node->next_by_port;
	return node;
}

static struct fk_node *find_inode(uint64_t inode)
{
	struct fk_node *node = *inode_chain(inode);

	while (node && node->inode != inode)
		node = node->next_by_inode;
	return node;
}

struct fk_node *fk_find_request(void)
{
	uint64_t payload = mach_request_payload();

	return payload & FK_FILE ? find_inode(payload & ~FK_FILE) : NULL;
}

bool fk_is_open(uint64_t inode)
{
	return find_inode(inode) != NULL;
}

/* Takes the node out of the hashes and lets the backend forget the file, when nothing holds it any more. */
static void release_if_unused(struct fk_node *node)
{
	struct fk_node **link;

	if (node->released || node->pins || node->file_held || node->contents_held || node->kernel_held)
		return;
	node->released = true;
	if (node->doomed) {
		doomed--;
		pthread_cond_broadcast(&change_ended);
	}
	for (link = inode_chain(node->inode); *link != node; link = &(*link)->next_by_inode)
		;
	*link = node->next_by_inode;
	for (link = port_chain(node->file.port); *link != node; link = &(*link)->next_by_port)
		;
	*link = node->next_by_port;
	node_count--;
	fk_volume->operations->forget(fk_volume, node->inode);
	/* Before the ports go: who takes over finds them, or an inode that is forgotten. */
	commit();
	/* The node may be freed by the last of these. */
	if (node->has_contents)
		pager_object_release(&node->contents.pager);
	pager_object_release(&node->file);
}

void fk_object_destroyed(struct fk_node *node)
{
	if (__atomic_sub_fetch(&node->objects, 1, __ATOMIC_ACQ_REL) == 0)
		free(node);
}

static void file_destroy(struct pager_object *object)
{
	fk_object_destroyed(FK_NODE_OF_FILE(object));
}

/*
 * Whether the port has senders now. The notification may be older than a right that was handed out since (under the
 * lock, as this is): the kit has asked for another with it.
 */
static bool has_senders(mach_port_t port)
{
	mach_port_status_t status;

	return mach_port_get_receive_status(mach_task_self(), port, &status) == KERN_SUCCESS && status.mps_srights;
}

static void file_no_senders(struct pager_object *object)
{
	struct fk_node *node = FK_NODE_OF_FILE(object);

	fk_lock();
	if (!node->released) {
		node->file_held = has_senders(node->file.port);
		doom_if_nameless(node);
		release_if_unused(node);
	}
	fk_unlock();
}

void fk_contents_unheld(struct fk_node *node)
{
	fk_lock();
	if (!node->released) {
		node->contents_held = has_senders(node->contents.pager.port);
		if (!node->contents_held)
			node->kernel_held = node->contents.pager.control != MACH_PORT_NULL;
		release_if_unused(node);
	}
	fk_unlock();
}

void fk_contents_terminated(struct fk_node *node)
{
	fk_lock();
	node->kernel_held = false;
	release_if_unused(node);
	fk_unlock();
}

/* In the place of a new port one that an instance before had; consumed. */
static struct fk_node *make_node(uint64_t inode, mach_port_t port)
{
	struct fk_node *node = calloc(1, sizeof(*node)), **chain;
	kern_return_t result = node ? KERN_SUCCESS : KERN_RESOURCE_SHORTAGE;

	if (result == KERN_SUCCESS && port == MACH_PORT_NULL)
		result = mach_port_allocate(mach_task_self(), MACH_PORT_RIGHT_RECEIVE, &port);
	if (result == KERN_SUCCESS)
		result = pager_object_take(
			&node->file, &file_ops, file_set, port, FK_FILE | inode, FALSE, MEMORY_OBJECT_COPY_NONE);
	if (result != KERN_SUCCESS) {
		free(node);
		return NULL;
	}
	if (fk_volume->lasting)
		pager_object_keep(&node->file);
	node->objects = 1;
	node->inode = inode;
	chain = inode_chain(inode);
	node->next_by_inode = *chain;
	*chain = node;
	chain = port_chain(node->file.port);
	node->next_by_port = *chain;
	*chain = node;
	node_count++;
	return node;
}

int fk_hand_out(uint64_t inode, mach_port_t *right)
{
	struct fk_node *node = find_inode(inode);

	if (!node)
		node = make_node(inode, MACH_PORT_NULL);
	if (!node)
		return ENOMEM;
	if (pager_object_send_right(&node->file, right) != KERN_SUCCESS) {
		release_if_unused(node);
		return ENOMEM;
	}
	node->file_held = true;
	return 0;
}

static int make_contents(struct fk_node *node, mach_port_t port)
{
	kern_return_t result = KERN_SUCCESS;

	if (port == MACH_PORT_NULL)
		result = mach_port_allocate(mach_task_self(), MACH_PORT_RIGHT_RECEIVE, &port);
	if (result == KERN_SUCCESS)
		result = pk_object_take(&node->contents, &fk_contents_ops, node, 0,
			fk_volume->precious ? PK_PRECIOUS : 0, contents_set, false, port, FK_CONTENTS | node->inode);
	if (result != KERN_SUCCESS)
		return ENOMEM;
	if (fk_volume->lasting)
		pager_object_keep(&node->contents.pager);
	node->has_contents = true;
	__atomic_add_fetch(&node->objects, 1, __ATOMIC_RELAXED);
	return 0;
}

int fk_hand_out_contents(struct fk_node *node, mach_port_t *right)
{
	int error = node->has_contents ? 0 : make_contents(node, MACH_PORT_NULL);

	if (error)
		return error;
	if (pager_object_send_right(&node->contents.pager, right) != KERN_SUCCESS)
		return ENOMEM;
	node->contents_held = true;
	return 0;
}

void fk_take_over_file(uint64_t inode, mach_port_t port)
{
	struct fk_node *node = make_node(inode, port);

	if (!node)
		return;
	node->file_held = true;
	mach_server_notify_no_senders(port);
}

void fk_take_over_contents(uint64_t inode, mach_port_t port)
{
	struct fk_node *node = find_inode(inode);

	if (!node)
		node = make_node(inode, MACH_PORT_NULL);
	if (!node) {
		mach_port_mod_refs(mach_task_self(), port, MACH_PORT_RIGHT_RECEIVE, -1);
		return;
	}
	if (make_contents(node, port))
		return;
	node->contents_held = true;
	pager_object_go_on(&node->contents.pager);
}

void fk_pin(struct fk_node *node)
{
	node->pins++;
}

void fk_unpin(struct fk_node *node)
{
	node->pins--;
	release_if_unused(node);
}

void fk_lost_link(uint64_t inode)
{
	if (inode && !find_inode(inode))
		fk_volume->operations->forget(fk_volume, inode);
}

struct fk_node **fk_pin_all(size_t *count)
{
	struct fk_node **all = calloc(node_count + 1, sizeof(struct fk_node *));
	struct fk_node *node;
	size_t n = 0;
	unsigned i;

	for (i = 0; all && i < HASH_SIZE; i++) {
		for (node = by_inode[i]; node; node = node->next_by_inode) {
			fk_pin(node);
			all[n++] = node;
		}
	}
	*count = n;
	return all;
}

void fk_begin_change(struct fk_node *node)
{
	fk_pin(node);
	while (node->changing)
		pthread_cond_wait(&change_ended, &lock);
	node->changing = true;
}

void fk_end_change(struct fk_node *node)
{
	node->changing = false;
	pthread_cond_broadcast(&change_ended);
	fk_unpin(node);
}
