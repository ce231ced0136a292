/* The file kit: a file system's ports, memory objects and requests, over a backend (backend.h). */
/*
 * Every file that somebody holds is a node: the inode's number and two ports. `file` takes the requests of file.defs,
 * `contents` is the memory object of a regular file. A node lives while one of them has senders or the kernel has the
 * contents; when it goes, the backend's forget() frees an inode without links.
 *
 *   held       the hash of inodes has it; a look-up hands out the same ports again
 *   released   out of the hashes, forgotten by the backend, its ports are being destroyed; freed with the second of
 * them
 *
 * Threads and locks. The volume's lock (fk_lock) covers the backend, the hashes and every node. Two port sets:
 *
 *   file set       the service's port and the file ports. Its threads take the lock for each request. A request that
 * needs the kernel to write back or drop pages (set_attributes of the size, sync, stop) releases the lock and waits for
 * it. contents set   the memory objects. Exactly one thread: it handles what the kernel says of an object in the order
 * of arrival, so that a lock request is complete when all that it returned has been written. It takes the lock for
 *                  data_request and data_return, and never waits for anything but that lock and the backend.
 *
 * Why nothing waits in a circle: whoever holds the lock waits only for the backend, that is for the disk, which never
 * calls up. A thread of the file set that waits for the kernel does not hold the lock, the kernel needs only the
 * contents thread, which needs only the lock. Two requests that wait for the kernel's pages of one node take turns
 * (`changing`), so that a size is not changed twice at once; a request holds one node at a time. The caller of a
 * request that waits may not be needed to finish it: the one client, the Unix server, answers no page fault.
 *
 * Cutting off, in order: 1. the inode's size is set: from now on data_request answers errors and data_return drops what
 * lies beyond; 2. the kernel drops its pages from there on (dirty ones of the last page come back and are cut); 3. the
 * blocks are freed. A block is so never used again while the kernel has a page of what it held.
 *
 * Punching: the blocks are freed, and the kernel drops its pages; what it returns until it has is dropped, too.
 */
#ifndef FILEKIT_FILEKIT_H
#define FILEKIT_FILEKIT_H

#include "pagers/filekit/backend.h"
#include "pagers/kit/kit.h"

struct fk_node {
	struct pager_object file;
	struct pk_object contents;
	uint64_t inode;
	struct fk_node *next_by_inode, *next_by_port;
	unsigned pins;    /* requests that have released the lock and come back to it */
	unsigned objects; /* pager objects not destroyed yet */
	bool released;
	bool has_contents;  /* the contents' port exists */
	bool file_held;     /* somebody may have a send right to `file` */
	bool contents_held; /* the same for `contents` */
	bool kernel_held;   /* the kernel had the contents when the last sender went */
	bool changing;      /* a request changes the size or waits for its pages */
	bool doomed;        /* it has no name and no users: its pages are dropped */
	uint64_t punched_from, punched_to; /* what the kernel returns of this is of before it was punched */
};

/*
 * The payloads of a file's two ports, with its inode's number: they mean the same to the next instance, which takes the
 * ports over when the volume is lasting (doc/surviving.md).
 */
#define FK_FILE     (1ull << 62)
#define FK_CONTENTS (1ull << 63)

/* Serves the volume under the name for ever. Returns when something is missing, after saying so. */
kern_return_t fk_serve(struct fk_volume *volume, const char *service);

/* --- node.c. All but fk_lock with the lock held. */
extern struct fk_volume *fk_volume;
extern mach_port_t fk_service_port;

void fk_lock(void);
void fk_unlock(void);
kern_return_t fk_nodes_init(struct fk_volume *volume, mach_port_t file_set, mach_port_t contents_set);
/* The node whose file port the request came in by, by its payload; null: it is none, or is gone. */
struct fk_node *fk_find_request(void);
/* The node behind a port of ours that came as an argument. */
struct fk_node *fk_find(mach_port_t port);
bool fk_is_open(uint64_t inode);
/* The node of an inode, made when nobody holds it; *right: a send right to its file port. 0 or an errno. */
int fk_hand_out(uint64_t inode, mach_port_t *right);
/* A send right to its contents. */
int fk_hand_out_contents(struct fk_node *node, mach_port_t *right);
/* A port that an instance before had handed out (consumed); files before contents. */
void fk_take_over_file(uint64_t inode, mach_port_t port);
void fk_take_over_contents(uint64_t inode, mach_port_t port);
/* Keeps a node while the lock is released. */
void fk_pin(struct fk_node *node);
void fk_unpin(struct fk_node *node);
/* An inode lost a link: free it unless it is open. */
void fk_lost_link(uint64_t inode);
/* Waits for a file that is about to be freed, the lock released meanwhile; false: there is none. */
bool fk_wait_for_space(void);
/* Pinned nodes that have contents, in an array to free(); null when there is no memory. */
struct fk_node **fk_pin_all(size_t *count);
/* Takes a turn at changing the node's size or waiting for its pages. May release the lock; the node is pinned in
 * between. */
void fk_begin_change(struct fk_node *node);
void fk_end_change(struct fk_node *node);

/* --- contents.c */
extern const struct pk_ops fk_contents_ops; /* of an object whose self is the node */
/*
 * Has the kernel write back dirty pages from offset on, and drop all of them if `flush`. Releases the lock while it
 * waits; the caller has begun a change. 0 or an errno: of the request, not of what was written.
 */
int fk_clean(struct fk_node *node, uint64_t offset, uint64_t length, bool flush);

#define FK_NODE_OF_FILE(object) ((struct fk_node *)(void *)((char *)(object)-offsetof(struct fk_node, file)))
/* Of an object that is about to go: when both are, the node is freed. */
void fk_object_destroyed(struct fk_node *node);
void fk_contents_unheld(struct fk_node *node);
void fk_contents_terminated(struct fk_node *node);

#endif
