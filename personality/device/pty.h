/* Pseudo-terminals: masters, and the numbers by which their terminals are found. */
#ifndef PERSONALITY_PTY_H
#define PERSONALITY_PTY_H

#include <stdbool.h>
#include <stdint.h>

#include "call/call.h"

struct file;
struct pty;
struct vnode;

/* What /dev/pts shows of one, and lets its owner change. */
struct pty_place {
	unsigned number;
	uint64_t serial; /* never used again */
	uint32_t mode, uid, gid;
	int64_t made, changed, read, written; /* ns since 1970 */
};

/* Of /proc/sys/kernel/pty: numbers are below `max`; ordinary users get none of the last `reserve`. */
#define PTY_MAX     4096u
#define PTY_RESERVE 1024u

/* What a new one has: PTY_OF_OPENER stands for who opens its master. Options of the mount change it. */
#define PTY_OF_OPENER UINT32_MAX
extern struct pty_place pty_defaults;

/* /proc/sys/kernel/pty/nr. */
unsigned pty_count(void);

/* A new one, and the file its master. 0, -ENOSPC, -ENOMEM. */
int pty_open_master(struct call *call, struct file *file);
/* The terminal of this number and serial. 0, -EIO: it is gone or locked; -EBUSY. */
int pty_open(struct call *call, unsigned number, uint64_t serial, struct file *file);
/* The place of the one with this number, or of the next: *number. Null: none. With a serial (not 0): of that one alone.
 */
struct pty_place *pty_find(unsigned number, uint64_t serial);
struct pty_place *pty_next(unsigned *number);

/* The file in /dev/pts: a reference. Null: it is not mounted, or no memory (fs/devpts.c). */
struct vnode *pty_vnode(const struct pty_place *place);

#endif
