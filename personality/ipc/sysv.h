/* System V IPC: what segments, sets of semaphores and queues of messages have in common (sysvipc(7)). */
#ifndef PERSONALITY_SYSV_H
#define PERSONALITY_SYSV_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/ipc.h>

#include "base/list.h"
#include "base/table.h"

struct call;
struct process;
struct vnode;

/* An id is an index with a sequence number above it, which says which of those that had the index is meant. */
#define SYSV_INDEX_BITS 15
#define SYSV_INDICES    (1u << SYSV_INDEX_BITS)

struct sysv_object {
	struct table_link by_key, by_index;
	int id;
	int32_t key; /* IPC_PRIVATE: not found by one */
	uint32_t uid, gid, creator_uid, creator_gid;
	unsigned mode;   /* permissions, and flags of the kind's own */
	int64_t changed; /* s, real time */
};

struct sysv_kind {
	struct table keys, indices;
	uint64_t used[SYSV_INDICES / 64]; /* a bit for each index */
	unsigned count;
	unsigned next;     /* the index after the last one given out */
	unsigned sequence; /* of ids given out now; grows whenever `next` begins anew */
};

#define SYSV_KIND_INITIALIZER(name)                                                                                    \
	{                                                                                                              \
		.keys = TABLE_INITIALIZER((name).keys), .indices = TABLE_INITIALIZER((name).indices)                   \
	}

extern struct sysv_kind sysv_segments, sysv_sets, sysv_queues;

/* Limits, which /proc/sys/kernel shows and root may change. */
struct sysv_settings {
	uint64_t segment_size, segment_pages, segments;
	uint64_t set_size, semaphores, operations, sets;
	uint64_t message_size, queue_size, queues;
};
extern struct sysv_settings sysv_settings;

/* --- Identifiers. */
/* What KEY names, or null. */
struct sysv_object *sysv_of_key(const struct sysv_kind *kind, int32_t key);
/* -EINVAL: there is none; -EIDRM: its index is another's now. */
int sysv_of_id(const struct sysv_kind *kind, int id, struct sysv_object **out);
/* By index, for the *_STAT commands: null: none. */
struct sysv_object *sysv_of_index(const struct sysv_kind *kind, int index);
/* The first with this index or a higher one, or null: all of them, one after the other. */
struct sysv_object *sysv_from_index(const struct sysv_kind *kind, unsigned index);
/* The highest index in use; 0 when there is none. */
int sysv_highest(const struct sysv_kind *kind);
/* A new object of the caller's gets an id. False: all indices, or `limit` of them, are in use. */
bool sysv_enter(
	struct sysv_kind *kind, struct sysv_object *object, struct call *call, int32_t key, int flags, uint64_t limit);
/* Nobody finds it any more. By key only: its id stays. */
void sysv_leave(struct sysv_kind *kind, struct sysv_object *object);
void sysv_leave_key(struct sysv_kind *kind, struct sysv_object *object);

/*
 * The first part of the *get calls, by `flags` as they have them: *out is what KEY names, unless something is wrong
 * with that; null: a new one is to be made. 0, -EEXIST, -ENOENT. Its size and permissions are the kind's to check.
 */
int sysv_get(const struct sysv_kind *kind, int32_t key, int flags, struct sysv_object **out);

/* --- Permissions. */
/* Whether the process may do what `wanted` says in any of its three places (0444, 0222, 0111). */
bool sysv_may(const struct process *process, const struct sysv_object *object, unsigned wanted);
/* IPC_SET, IPC_RMID: whether it is the owner, the creator, or root. */
bool sysv_owns(const struct process *process, const struct sysv_object *object);

void sysv_fill(const struct sysv_object *object, struct ipc_perm *out);
/* IPC_SET. 0, or -EINVAL: no such owner. */
int sysv_set(struct sysv_object *object, const struct ipc_perm *from);
/* Seconds since 1970. */
int64_t sysv_now(void);

/*
 * --- Sleeping. Who gives something to a sleeper does all that its call would have done, and wakes it with the result:
 * so what has come for it is not another's before it runs, and they are served in the order in which they came.
 *
 *   asleep    on a list of its object's. One whose call is not waiting has been interrupted, or its time has passed:
 *             nothing is done for it any more.
 *   woken     on no list; `result` is the call's.
 */
struct sysv_sleeper {
	struct list link;
	struct call *call;
	bool woken;
	int64_t result;
	void (*left)(struct sysv_sleeper *sleeper); /* its call ends without having been woken; or null */
};

/* The call's scratch from now on is this memory of user_alloc, which begins with a sleeper. */
void sysv_sleep(struct call *call, struct sysv_sleeper *sleeper, void (*release)(struct call *call));
/* Whether something may be done for it. */
bool sysv_is_asleep(const struct sysv_sleeper *sleeper);
/* Takes it off its list, and has its call run. */
void sysv_wake(struct sysv_sleeper *sleeper, int64_t result);
/* The memory's end, as part of `release`. */
void sysv_sleeper_end(struct call *call);

/* --- What others tell. */
/* A process has ended: what it did to semaphores with SEM_UNDO is undone. */
void semaphores_undo(struct process *process);
/* For /proc/sysvipc. The last may release the lock. */
struct sysv_queue_facts {
	struct sysv_object object;
	uint64_t bytes, count;
	int sender, receiver;
	int64_t sent, received;
};
struct sysv_segment_facts {
	struct sysv_object object;
	uint64_t size, attached, resident;
	int creator, last;
	int64_t attach_time, detach_time;
};
struct sysv_set_facts {
	struct sysv_object object;
	unsigned count;
	int64_t operated;
};
void sysv_queue_facts(const struct sysv_object *object, struct sysv_queue_facts *out);
void sysv_set_facts(const struct sysv_object *object, struct sysv_set_facts *out);
void sysv_segment_facts(const struct sysv_object *object, struct sysv_segment_facts *out);
/* The name that maps show a segment by. */
#define SYSV_SEGMENT_NAME "SYSV%08x"

#endif
