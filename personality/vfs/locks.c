/* Locks on files: ranges owned by a process (fcntl) or by an open file (OFD), and flock. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/table.h"
#include "base/user.h"
#include "process/proc.h"
#include "unix_server.h"
#include "vfs/vfs_internal.h"

/* A held lock, in its vnode's list. Ranges of one owner and kind do not overlap. */
struct file_lock {
	struct list link;
	const void *owner; /* struct file_table of a process; struct file for OFD locks and flock */
	bool is_flock;     /* flock and record locks do not see each other */
	bool exclusive;
	int id;              /* of the process, -1 for OFD locks: what F_GETLK tells */
	uint64_t start, end; /* end: not included */
};

#define LOCK_END UINT64_MAX

/* A call that waits for a record lock, in its scratch: what it wants. */
struct lock_wait {
	struct table_link by_owner;
	const struct vnode *vnode;
	struct file_lock wanted;
};

#define DEADLOCK_STEPS 10 /* circles of more are not seen, as on Linux */

static struct table waits = TABLE_INITIALIZER(waits);

static struct file_lock *find_conflict(const struct vnode *vnode, const struct file_lock *wanted)
{
	list_for_each (link, &vnode->locks) {
		struct file_lock *lock = list_entry(link, struct file_lock, link);

		if (lock->owner != wanted->owner && lock->is_flock == wanted->is_flock &&
			(lock->exclusive || wanted->exclusive) && lock->start < wanted->end &&
			wanted->start < lock->end)
			return lock;
	}
	return NULL;
}

/* Whether who holds the lock waits, perhaps through others, for the owner: as things are now, whatever each began to wait for. */
static bool is_deadlock(const void *owner, const struct file_lock *held)
{
	for (unsigned i = 0; i < DEADLOCK_STEPS && held != NULL && held->owner != owner; i++) {
		const struct table_link *link = table_find(&waits, (uintptr_t)held->owner);
		const struct lock_wait *wait = link != NULL ? table_entry(link, struct lock_wait, by_owner) : NULL;

		held = wait != NULL ? find_conflict(wait->vnode, &wait->wanted) : NULL;
	}
	return held != NULL && held->owner == owner;
}

static void wait_ended(struct call *call)
{
	struct lock_wait *wait = call->scratch;

	table_remove(&waits, &wait->by_owner);
}

/* The call waits for a lock that somebody holds; -EDEADLK when they wait for each other (as on Linux not for files'
 * own). */
static int64_t wait_for_lock(
	struct call *call, struct vnode *vnode, const struct file_lock *wanted, const struct file_lock *held)
{
	struct lock_wait *wait = call->scratch;

	if (wanted->is_flock || wanted->id < 0)
		return call_wait_for(call, &vnode->lock_queue);
	if (wait == NULL) {
		wait = calloc(1, sizeof *wait);
		if (wait == NULL)
			return -ENOLCK;
		table_add(&waits, &wait->by_owner, (uintptr_t)wanted->owner);
		call->scratch = wait;
		call->scratch_release = wait_ended;
	}
	wait->vnode = vnode;
	wait->wanted = *wanted;
	if (is_deadlock(wanted->owner, held))
		return -EDEADLK;
	return call_wait_for(call, &vnode->lock_queue);
}

static struct file_lock *add(struct vnode *vnode, const struct file_lock *model, uint64_t start, uint64_t end)
{
	struct user *user = user_now();
	struct file_lock *lock;

	if (!user_charge(user, USER_LOCKS, 1, user->uid == 0 ? USER_NO_LIMIT : user_settings.locks))
		return NULL;
	lock = user_alloc(user, sizeof *lock);
	if (lock == NULL) {
		user_uncharge(user, USER_LOCKS, 1);
		return NULL;
	}
	*lock = *model;
	lock->start = start;
	lock->end = end;
	list_append(&vnode->locks, &lock->link);
	return lock;
}

/* Takes the range away from what the owner holds; 0 or -ENOLCK (a lock that is cut in two needs a second). */
static int cut(struct vnode *vnode, const struct file_lock *range)
{
	list_for_each_safe (link, &vnode->locks) {
		struct file_lock *lock = list_entry(link, struct file_lock, link);

		if (lock->owner != range->owner || lock->is_flock != range->is_flock || lock->start >= range->end ||
			range->start >= lock->end)
			continue;
		if (lock->start < range->start && lock->end > range->end) {
			if (add(vnode, lock, range->end, lock->end) == NULL)
				return -ENOLCK;
			lock->end = range->start;
		} else if (lock->start < range->start) {
			lock->end = range->start;
		} else if (lock->end > range->end) {
			lock->start = range->end;
		} else {
			list_remove(&lock->link);
			user_uncharge(user_of_memory(lock), USER_LOCKS, 1);
			user_free(lock);
		}
	}
	return 0;
}

/* Takes or (unlock) gives back; with `wait`, the call waits for the others. */
static int64_t set_lock(struct call *call, struct vnode *vnode, const struct file_lock *wanted, bool unlock, bool wait)
{
	const struct file_lock *held = unlock ? NULL : find_conflict(vnode, wanted);
	int error;

	if (held != NULL)
		return wait ? wait_for_lock(call, vnode, wanted, held) : -EAGAIN;
	error = cut(vnode, wanted);
	if (error == 0 && !unlock && add(vnode, wanted, wanted->start, wanted->end) == NULL)
		error = -ENOLCK;
	/* A lock that became shared, or smaller, lets others on, too. */
	wait_queue_wake(&vnode->lock_queue, 0);
	return error;
}

static int range_of(struct file *file, const struct flock *flock, struct file_lock *lock)
{
	file_attributes_t attributes;
	int64_t base = 0, start;
	int error;

	switch (flock->l_whence) {
	case SEEK_SET:
		break;
	case SEEK_CUR:
		base = (int64_t)file->position;
		break;
	case SEEK_END:
		error = vnode_known(file->vnode, &attributes);
		if (error != 0)
			return error;
		base = (int64_t)attributes.size;
		break;
	default:
		return -EINVAL;
	}
	if (__builtin_add_overflow(base, flock->l_start, &start))
		return -EOVERFLOW;
	if (flock->l_len < 0) {
		if (start + flock->l_len < 0)
			return -EINVAL;
		lock->start = (uint64_t)(start + flock->l_len);
		lock->end = (uint64_t)start;
		return 0;
	}
	if (start < 0)
		return -EINVAL;
	lock->start = (uint64_t)start;
	lock->end = flock->l_len == 0 ? LOCK_END : lock->start + (uint64_t)flock->l_len;
	/* The last byte has a number. */
	return flock->l_len != 0 && lock->end - 1 > (uint64_t)INT64_MAX ? -EOVERFLOW : 0;
}

int64_t vnode_lock_control(struct call *call, struct file *file, int command, uint64_t argument)
{
	bool ofd = command == F_OFD_GETLK || command == F_OFD_SETLK || command == F_OFD_SETLKW;
	bool query = command == F_GETLK || command == F_OFD_GETLK;
	unsigned mode = file->flags & O_ACCMODE;
	struct file_lock lock = {.owner = ofd ? (const void *)file : (const void *)call->process->files};
	struct file_lock *conflict;
	struct flock flock;
	int error = copy_in(call, &flock, argument, sizeof flock);

	if (error == 0 && ofd && flock.l_pid != 0)
		error = -EINVAL;
	if (error == 0)
		error = range_of(file, &flock, &lock);
	if (error != 0)
		return call_result(error);
	if (flock.l_type != F_RDLCK && flock.l_type != F_WRLCK && (flock.l_type != F_UNLCK || query))
		return -EINVAL;
	lock.exclusive = flock.l_type == F_WRLCK;
	lock.id = ofd ? -1 : call->process->id;
	if (!query) {
		if ((flock.l_type == F_RDLCK && mode == O_WRONLY) || (flock.l_type == F_WRLCK && mode == O_RDONLY))
			return -EBADF;
		return set_lock(call, file->vnode, &lock, flock.l_type == F_UNLCK,
			command == F_SETLKW || command == F_OFD_SETLKW);
	}
	conflict = find_conflict(file->vnode, &lock);
	if (conflict == NULL) {
		flock.l_type = F_UNLCK;
	} else {
		flock.l_type = conflict->exclusive ? F_WRLCK : F_RDLCK;
		flock.l_whence = SEEK_SET;
		flock.l_start = (int64_t)conflict->start;
		flock.l_len = conflict->end == LOCK_END ? 0 : (int64_t)(conflict->end - conflict->start);
		flock.l_pid = conflict->id;
	}
	return call_result(copy_out(call, argument, &flock, sizeof flock));
}

int64_t sys_flock(uint64_t caller, int fd, int operation)
{
	struct call *call = call_of(caller);
	struct file *file = fd_file(call, fd);
	struct file_lock lock = {.owner = file, .is_flock = true, .start = 0, .end = LOCK_END};
	int what = operation & ~LOCK_NB;

	if (file == NULL)
		return -EBADF;
	if (file->vnode == NULL || (what != LOCK_SH && what != LOCK_EX && what != LOCK_UN))
		return -EINVAL;
	lock.exclusive = what == LOCK_EX;
	lock.id = call->process->id;
	return set_lock(call, file->vnode, &lock, what == LOCK_UN, !(operation & LOCK_NB));
}

void vnode_locks_closed(const struct file_table *table, struct vnode *vnode)
{
	struct file_lock all = {.owner = table, .start = 0, .end = LOCK_END};

	if (list_empty(&vnode->locks))
		return;
	cut(vnode, &all);
	wait_queue_wake(&vnode->lock_queue, 0);
}

void vnode_locks_end(const struct file *file)
{
	struct file_lock all = {.owner = file, .start = 0, .end = LOCK_END};

	if (list_empty(&file->vnode->locks))
		return;
	cut(file->vnode, &all);
	all.is_flock = true;
	cut(file->vnode, &all);
	wait_queue_wake(&file->vnode->lock_queue, 0);
}
