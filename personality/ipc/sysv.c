/* Keys, ids, permissions and sleepers of System V IPC. */
#include "ipc/sysv.h"

#include <string.h>

#include "base/user.h"
#include "call/call.h"
#include "process/proc.h"

#define SECOND 1000000000ull
/* Indices are used anew only when so many lie between, or half as many as there are objects: an old id stays one. */
#define LEAST_CYCLE 64u

struct sysv_kind sysv_segments = SYSV_KIND_INITIALIZER(sysv_segments);
struct sysv_kind sysv_sets = SYSV_KIND_INITIALIZER(sysv_sets);
struct sysv_kind sysv_queues = SYSV_KIND_INITIALIZER(sysv_queues);

/* As shmget(2), semget(2), msgget(2) tell them of Linux. */
struct sysv_settings sysv_settings = {
	.segment_size = UINT64_MAX - (1ull << 24),
	.segment_pages = UINT64_MAX - (1ull << 24),
	.segments = 4096,
	.set_size = 32000,
	.semaphores = 1024000000,
	.operations = 500,
	.sets = 32000,
	.message_size = 8192,
	.queue_size = 16384,
	.queues = 32000,
};

int64_t sysv_now(void)
{
	return (int64_t)(clock_realtime() / SECOND);
}

struct sysv_object *sysv_of_key(const struct sysv_kind *kind, int32_t key)
{
	struct table_link *link = table_find(&kind->keys, (uint32_t)key);

	return link == NULL ? NULL : table_entry(link, struct sysv_object, by_key);
}

struct sysv_object *sysv_of_index(const struct sysv_kind *kind, int index)
{
	struct table_link *link = index < 0 ? NULL : table_find(&kind->indices, (unsigned)index % SYSV_INDICES);

	return link == NULL ? NULL : table_entry(link, struct sysv_object, by_index);
}

int sysv_of_id(const struct sysv_kind *kind, int id, struct sysv_object **out)
{
	*out = sysv_of_index(kind, id);
	return *out == NULL ? -EINVAL : (*out)->id != id ? -EIDRM : 0;
}

struct sysv_object *sysv_from_index(const struct sysv_kind *kind, unsigned index)
{
	for (; index < SYSV_INDICES; index = (index | 63) + 1) {
		const uint64_t word = kind->used[index / 64] >> index % 64;

		if (word != 0)
			return sysv_of_index(kind, (int)index + __builtin_ctzll(word));
	}
	return NULL;
}

int sysv_highest(const struct sysv_kind *kind)
{
	for (unsigned i = SYSV_INDICES / 64; i-- > 0;) {
		if (kind->used[i] != 0)
			return (int)(i * 64 + 63) - __builtin_clzll(kind->used[i]);
	}
	return 0;
}

/* The lowest free index from `from` up and below `end`, or `end`. */
static unsigned free_index(const struct sysv_kind *kind, unsigned from, unsigned end)
{
	for (; from < end; from = (from | 63) + 1) {
		const uint64_t word = ~kind->used[from / 64] >> from % 64;

		if (word != 0) {
			from += (unsigned)__builtin_ctzll(word);
			return from < end ? from : end;
		}
	}
	return end;
}

bool sysv_enter(
	struct sysv_kind *kind, struct sysv_object *object, struct call *call, int32_t key, int flags, uint64_t limit)
{
	const struct credentials *credentials = &call->process->credentials;
	unsigned end = kind->count + kind->count / 2, index;

	if (kind->count >= limit || kind->count >= SYSV_INDICES)
		return false;
	end = end < LEAST_CYCLE ? LEAST_CYCLE : end > SYSV_INDICES ? SYSV_INDICES : end;
	index = free_index(kind, kind->next, end);
	if (index >= end) {
		kind->sequence = (kind->sequence + 1) % (INT32_MAX / SYSV_INDICES + 1u);
		index = free_index(kind, 0, SYSV_INDICES);
	}
	kind->next = index + 1;
	kind->used[index / 64] |= 1ull << index % 64;
	kind->count++;
	object->id = (int)(kind->sequence << SYSV_INDEX_BITS | index);
	object->key = key;
	object->uid = object->creator_uid = credentials->euid;
	object->gid = object->creator_gid = credentials->egid;
	object->mode = (unsigned)flags & 0777;
	object->changed = sysv_now();
	table_add(&kind->indices, &object->by_index, index);
	if (key != IPC_PRIVATE)
		table_add(&kind->keys, &object->by_key, (uint32_t)key);
	return true;
}

void sysv_leave_key(struct sysv_kind *kind, struct sysv_object *object)
{
	table_remove(&kind->keys, &object->by_key);
	object->key = IPC_PRIVATE;
}

void sysv_leave(struct sysv_kind *kind, struct sysv_object *object)
{
	const unsigned index = (unsigned)object->id % SYSV_INDICES;

	sysv_leave_key(kind, object);
	table_remove(&kind->indices, &object->by_index);
	kind->used[index / 64] &= ~(1ull << index % 64);
	kind->count--;
}

int sysv_get(const struct sysv_kind *kind, int32_t key, int flags, struct sysv_object **out)
{
	*out = key == IPC_PRIVATE ? NULL : sysv_of_key(kind, key);
	if (*out != NULL)
		return flags & IPC_CREAT && flags & IPC_EXCL ? -EEXIST : 0;
	return key == IPC_PRIVATE || flags & IPC_CREAT ? 0 : -ENOENT;
}

/* --- Permissions. */

bool sysv_may(const struct process *process, const struct sysv_object *object, unsigned wanted)
{
	const struct credentials *who = &process->credentials;
	unsigned granted = object->mode;

	wanted = (wanted | wanted >> 3 | wanted >> 6) & 7;
	if (who->euid == object->uid || who->euid == object->creator_uid)
		granted >>= 6;
	else if (in_group(who, object->gid) || in_group(who, object->creator_gid))
		granted >>= 3;
	return (wanted & ~granted) == 0 || capable(process, CAP_IPC_OWNER);
}

bool sysv_owns(const struct process *process, const struct sysv_object *object)
{
	const uint32_t who = process->credentials.euid;

	return who == object->uid || who == object->creator_uid || capable(process, CAP_SYS_ADMIN);
}

void sysv_fill(const struct sysv_object *object, struct ipc_perm *out)
{
	out->__key = object->key;
	out->uid = object->uid;
	out->gid = object->gid;
	out->cuid = object->creator_uid;
	out->cgid = object->creator_gid;
	out->mode = (mode_t)object->mode;
	out->__seq = (unsigned short)((unsigned)object->id >> SYSV_INDEX_BITS);
}

int sysv_set(struct sysv_object *object, const struct ipc_perm *from)
{
	if (from->uid == UINT32_MAX || from->gid == UINT32_MAX)
		return -EINVAL;
	object->uid = from->uid;
	object->gid = from->gid;
	object->mode = (object->mode & ~0777u) | (from->mode & 0777);
	object->changed = sysv_now();
	return 0;
}

/* --- Sleeping. */

void sysv_sleep(struct call *call, struct sysv_sleeper *sleeper, void (*release)(struct call *call))
{
	sleeper->call = call;
	list_init(&sleeper->link);
	call->scratch = sleeper;
	call->scratch_release = release;
	call->no_restart = true; /* signal(7) */
}

bool sysv_is_asleep(const struct sysv_sleeper *sleeper)
{
	return sleeper->call->state == CALL_WAITING;
}

void sysv_wake(struct sysv_sleeper *sleeper, int64_t result)
{
	list_remove(&sleeper->link);
	sleeper->woken = true;
	sleeper->result = result;
	call_make_ready(sleeper->call);
}

void sysv_sleeper_end(struct call *call)
{
	struct sysv_sleeper *sleeper = call->scratch;

	if (sleeper == NULL)
		return;
	call->scratch = NULL;
	list_remove(&sleeper->link);
	if (!sleeper->woken && sleeper->left != NULL)
		sleeper->left(sleeper);
	user_free(sleeper);
}
