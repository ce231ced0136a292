/* What the server has of a file's contents: its memory object, mapped, and what of it may be read without the server's lock. */
#ifndef PERSONALITY_CONTENTS_H
#define PERSONALITY_CONTENTS_H

#include <mach/mach_types.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/lock.h"

struct io;
struct mount;
struct vnode;

#define CONTENTS_MAPPING_MIN (64ull << 10)
#define CONTENTS_CHUNK       (1ull << 20) /* is copied at once */

/* A stretch of a file in the server's address space. Freed by the last user once the file has a larger one. */
struct file_mapping {
	unsigned users; /* the file, and every copy under way; atomic */
	vm_address_t address;
	uint64_t size;
};

struct contents {
	mach_port_t object; /* send right, or null */
	struct file_mapping *mapping;
	/*
	 * What reads without the server's lock go by: so far the file can be read through the mapping, and nothing else
	 * need be done for it (its time of access is new). 0: they take the server's lock, under which the read that
	 * finds all this so says it here (publish), and all that changes size, times, contents or mapping takes it back
	 * first and counts that; who finds the count changed after his copy reads again, with that lock.
	 */
	struct lock lock;   /* ORDER_NODE: */
	uint64_t readable;  /* written with the server's lock, too; and when it is not 0 the mapping */
	uint32_t withdrawn; /* atomic; written with the server's lock */
};

/*
 * A mapping that reaches to `end`, of a file of that size or another, with a user of the caller's, who ends it by
 * file_mapping_release. The object is there. May release the server's lock. 0 or -errno.
 */
int contents_map(
	struct contents *contents, uint64_t end, uint64_t size, struct mount *mount, struct file_mapping **out);
void file_mapping_release(struct file_mapping *mapping);
/* With the server's lock: reads without it that have not ended will find out that they should have had it. */
void contents_withdraw(struct contents *contents);
/* After a read with the server's lock that finds no change of the file under way: so much may be read without it. */
void contents_publish(struct contents *contents, uint64_t size);
/* See vnode_ops.read_unlocked. */
int64_t contents_read_unlocked(struct contents *contents, struct io *io, uint64_t offset);
/*
 * The next `size` bytes between the caller and memory of the server that is a mapping of the file's; io->done says how
 * many were moved in any case. May release the lock. 0 or -errno; what the file's pages said is -EIO, -ENOMEM, -EFAULT.
 */
int contents_copy(struct vnode *vnode, struct io *io, char *memory, uint64_t size, bool out);
int contents_errno(kern_return_t result);
/* What a read or write returns after a piece of it came out as `error`. */
int64_t contents_result(const struct io *io, int error);
/* How much may be written at the offset: the process's limit. A write that has written something ends there quietly. */
int contents_limit(const struct io *io, uint64_t offset, uint64_t *size);
/* Nobody reads or writes any more. */
void contents_end(struct contents *contents);

#endif
