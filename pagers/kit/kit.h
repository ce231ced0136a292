/* The pager kit: a pager is a table of functions over offsets (doc/pagers.md); ports, order, errors are the kit's. */
#ifndef PAGERS_KIT_KIT_H
#define PAGERS_KIT_KIT_H

#include "pagers/kit/pages.h"

#include <mach/pager.h>
#include <servers/pager_types.h>
#include <stdbool.h>

#define PK_CLUSTER_PAGES 16u /* of one read() or write(), at most */

struct pk_object;
struct pk_answer;
struct pk_lower;

/*
 * What a pager can do. Every function may be null; `self` is what the object was made with. They return 0 or an errno,
 * which is what the program that uses the object gets. The kernel's pages are the cache: what is read is asked for
 * once, what is written comes when the kernel is told to clean it or needs the memory.
 *
 * Of one object one function runs at a time, in the order in which the kernel speaks.
 */
struct pk_ops {
	/* --- Pages. Offsets are multiples of the page; a range ends at a page's end, or at the object's. */

	/* Fills zeroed memory. Null: all is zeros. */
	int (*read)(void *self, uint64_t offset, void *pages, size_t length);
	/*
	 * In the place of read(), where it returns 0: the pages are those of an object below, from *at on, and cost no
	 * copy (doc/pagers.md, "Stacking"). *length: how much is asked for; may be made longer or shorter, in whole
	 * pages. Of one lower only.
	 */
	int (*forward)(void *self, uint64_t offset, uint64_t *length, struct pk_lower **lower, uint64_t *at);
	/* Null, and no take(): nobody may write. An error: the kernel keeps the pages and tries again (pk_flush tells).
	 */
	int (*write)(void *self, uint64_t offset, const void *pages, size_t length);
	/* All that was written is on the medium. Null: it is, at once; in a program with lowers, when they are flushed.
	 */
	int (*flush)(void *self);

	/* --- The size, in bytes. */

	/* Null: what the object was made with, or pk_resize made it. */
	int (*size)(void *self, uint64_t *size);
	/* Before it grows; after it has shrunk and the kernel has dropped what was beyond. Null: it never changes. */
	int (*resize)(void *self, uint64_t size);

	/* --- For who has pages of his own, in the place of read() and write(). */

	/* pk_give() for the whole range, in order. What is not given when it returns gets its error. */
	int (*answer)(void *self, struct pk_answer *answer, uint64_t offset, size_t length);
	/* Whole pages from pk_pages_allocate's kind of memory, also beyond the size; consumed unless there is an error.
	 */
	int (*take)(void *self, uint64_t offset, void *pages, size_t length);
	/* Pages given as PK_HOLE are about to be written. Null: there is always room. */
	int (*reserve)(void *self, uint64_t offset, size_t length);
	/* Around the functions that serve one message. */
	void (*begin)(void *self);
	void (*end)(void *self);

	/* What the pager knows of its own counters (servers/pager_types.h). */
	void (*counters)(void *self, pager_counters_t *counters);

	/* --- The object's life (mach/pager.h). */

	void (*terminate)(void *self);
	void (*no_senders)(void *self);
	void (*destroy)(void *self);
};

enum { PK_PRECIOUS = 1 }; /* pages come back even when nobody wrote to them: the pager keeps no copy */

/* A memory object, embedded in the pager's structure or by itself. Its fields are the kit's. */
struct pk_object {
	struct pager_object pager;
	const struct pk_ops *ops;
	void *self;
	unsigned flags;
	uint64_t size;       /* unless ops->size says it */
	uint64_t refused_to; /* pages beyond the end were asked for, up to there, and the kernel may remember the answer
			      */
	pthread_mutex_t lock;           /* around the functions, unless ops->begin is */
	bool copies;                    /* the kernel does not forward to what is below */
	pthread_mutex_t turn;           /* of those who wait for the kernel's pages */
	int write_error;                /* of what could not be written since pk_flush last said so */
	struct pager_counters counters; /* since the object was made; read with no lock */
};

/*
 * Makes the object's port in the set; or takes one of an instance before (mach/keep.h) or of the caller's with its
 * payload, consumed also on failure: then pager_object_go_on(). One thread serves the set (pk_serve): a clean is
 * complete when what it returned has been served, and that is by order.
 */
kern_return_t pk_object_init(struct pk_object *object, const struct pk_ops *ops, void *self, uint64_t size,
	unsigned flags, mach_port_t set, bool may_cache);
kern_return_t pk_object_take(struct pk_object *object, const struct pk_ops *ops, void *self, uint64_t size,
	unsigned flags, mach_port_t set, bool may_cache, mach_port_t port, uint64_t payload);
/* Starts the thread that serves a set of objects. */
kern_return_t pk_serve(mach_port_t set);

/* For answer(): pages that become the kernel's, or one of the two in their place. */
#define PK_ZEROS ((void *)0)
#define PK_HOLE  ((void *)1) /* zeros that have no space yet: reserve() before somebody writes them */
void pk_give(struct pk_answer *answer, uint64_t offset, void *pages, size_t length);

/*
 * What the kernel has of the object. None of them may be called by the functions above: they wait for the thread that
 * runs those.
 */
/* Has dirty pages written, and all of them dropped if `drop`. An errno of the request, not of what was written. */
int pk_clean(struct pk_object *object, uint64_t offset, uint64_t length, bool drop);
/* All that was written to the object is on the medium; an error of any write since the last time is said once. */
int pk_flush(struct pk_object *object);
int pk_size(struct pk_object *object, uint64_t *size);
/* Changes the size in the order that keeps a page of what is cut off from being seen. */
int pk_resize(struct pk_object *object, uint64_t size);
/* For who has a size() of his own: the object has grown, and the kernel forgets that there was nothing. */
void pk_grown(struct pk_object *object, uint64_t old_size, uint64_t size);

/* --- What is below: an object of another server, mapped. Errors of it come back as errno, never as an exception. */

/* "SERVICE:DEVICE" (block.defs), "SERVICE/PATH" (file.defs) or a pager's "SERVICE". Waits until the service is there.
 */
int pk_lower_open(const char *name, struct pk_lower **lower);
uint64_t pk_lower_size(const struct pk_lower *lower);
/* Its memory object. */
mach_port_t pk_lower_object(const struct pk_lower *lower);
/* Beyond its end zeros are read; writing there is EFBIG. Written is what the kernel keeps for the object below. */
int pk_lower_read(struct pk_lower *lower, uint64_t offset, void *data, size_t length);
int pk_lower_write(struct pk_lower *lower, uint64_t offset, const void *data, size_t length);
/* What was written is with the server below, which has it on its medium. */
int pk_lower_flush(struct pk_lower *lower);

/* --- A program that is a pager: service=NAME, lower=NAME... are the kit's arguments, the others the pager's. */

struct pk_program {
	const char *name;  /* the service's, unless service= says another */
	const char *usage; /* of its arguments: "key=BYTE" */
	unsigned lowers;   /* how many lower= it takes */
	struct pk_ops ops;
	/* The other arguments, one of which may be wrong; sets *self and the size in bytes. */
	int (*open)(int argc, char **argv, struct pk_lower **lowers, void **self, uint64_t *size);
};

#define PK_LOWERS_MAX 4u

/*
 * Takes an argument out of those that are left: what is behind "name=", or "" for a word like "format" by itself. Null:
 * there is none. What is left in the end is wrong.
 */
const char *pk_argument(int *argc, char **argv, const char *name);

/* Serves one object for ever, as the one file of a file system (file.defs). Returns when something is missing. */
int pk_main(int argc, char **argv, const struct pk_program *program);
#define PAGER(program)                                                                                                 \
	int main(int argc, char **argv)                                                                                \
	{                                                                                                              \
		return pk_main(argc, argv, &(program));                                                                \
	}

#endif
