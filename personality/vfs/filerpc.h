/* Requests to file servers as messages: the caller's fiber waits for the answer, no thread does. */
#ifndef PERSONALITY_FILERPC_H
#define PERSONALITY_FILERPC_H

#include <mach/message.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/list.h"
#include "call/timer.h"

struct mount;
struct fiber;

/*
 * The stubs of file.defs (filestubs.c) send and receive by filerpc.c. So `result = ASK(mount, file_look_up(...))`
 * looks like an RPC and is one, with the server lock held when it is called and when it returns, released in between.
 * Not from a thread that has no stack to leave (timer handlers, the ready thread): fiber_run first.
 *
 * A request is a slot with a reply port of its own, whose payload is the slot. States:
 *
 *   free       on the list of free slots (or not made yet)
 *   asked      sent; a fiber waits for the answer. On its mount's list.
 *   given up   sent; nobody waits any more. On its mount's list until the answer comes, which is then destroyed with
 * all its rights, or the file server dies: its send-once right then sends a notification in the answer's place.
 *
 * A mount is late when it owes answers and has given none, to anybody, for as long as its time-out says (a busy server
 * is not late, and a request that has others ahead of it is not lost). Then all requests to it end with EIO, new ones
 * do at once, and the console says so once. It is in time again with its first answer; when a change was among those
 * given up, what the server knows of its files is asked for anew first (filefs_distrust).
 *
 * What a stub returns: what the file server says (FILE_ERROR...); MIG_SERVER_DIED when it ended owing the answer, and
 * the next one too, or at once when names were to be changed (nobody knows whether they were);
 * MACH_SEND_INVALID_DEST when its port was dead already; FILE_ERROR(EIO) when the mount is late, has been taken off by
 * force, or the caller was killed while it waited for something that changes nothing; FILE_ERROR(ENOMEM). FILE_ERRNO
 * makes an errno of all of them.
 */
struct filerpc_mount {
	struct list requests; /* struct request: asked and given up */
	struct list full;     /* struct room: fibers that found a port's queue full */
	unsigned given_up_changes;
	uint64_t answered;     /* ns, monotonic: the last answer */
	uint64_t timeout;      /* ns; 0: none */
	struct timer timer;    /* looks whether it is late, while requests are out */
	bool late;             /* refuses requests */
	bool forced;           /* for ever */
	bool distrusting;      /* filefs_distrust is under way: only its requests pass */
	struct fiber *passing; /* that one's */
};

#define FILERPC_TIMEOUT 30000000000ull /* ns, unless a mount's options say otherwise */
/* Writing all that is dirty takes longer than anything else. */
#define FILERPC_SYNC_FACTOR 4

void filerpc_start(void);
void filerpc_mount_init(struct filerpc_mount *mount);
/* ns; also for requests that are out. */
void filerpc_set_timeout(struct filerpc_mount *mount, uint64_t timeout);
/* Whether nothing is under way: the mount may be freed once its timer is cancelled. */
bool filerpc_mount_idle(struct filerpc_mount *mount);
/* umount by force: ends all requests, and refuses further ones. */
void filerpc_end(struct filerpc_mount *mount);

/* The mount that the next stub asks; valid from ASK until the stub sends: the lock is not released. */
extern struct mount *filerpc_asked;
#define ASK(mount, rpc) (filerpc_asked = (mount), (rpc))

/* In the place of mach_msg and mach_call_words for the stubs. */
mach_msg_return_t filerpc_message(mach_msg_header_t *message, mach_msg_option_t option, mach_msg_size_t send_size,
	mach_msg_size_t receive_size, mach_port_t receive_name, mach_msg_timeout_t timeout, mach_port_t notify);
kern_return_t filerpc_words(mach_port_t port, mach_msg_id_t id, uint64_t word[8], uint32_t count);

#endif
