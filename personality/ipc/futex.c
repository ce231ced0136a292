/* futex: waiting on words of the callers' memory, in queues of the server's own. */
#include "ipc/futex.h"

#include <limits.h>
#include <linux/futex.h>
#include <mach/mach.h>
#include <stdlib.h>
#include <time.h>

#include "base/lock.h"
#include "base/user.h"
#include "call/call.h"
#include "call/lock.h"
#include "file/poll.h"
#include "memory/mm.h"
#include "process/proc.h"
#include "unix_server.h"
#include "vfs/vfs.h"

/*
 * A word is named by (address space, address), or for a shared mapping of a file by (vnode, offset), or for shared
 * anonymous memory by (number of the mmap that made it, offset in that): a number is odd, so it is no address. The
 * server looks at the word and queues the call under its lock, so no wake is lost between the two.
 */

/*
 * Entries come and go with the server's lock and their bucket's; a waiter compares the word and enters with both. So
 * who wakes with the bucket's alone and finds nobody knows that there is nobody to be woken.
 */
#define FUTEX_HASH_BITS 12
#define SECOND          1000000000ll
#define SWAPS_MOST      100 /* tries to change a word that others change, too, in one run of a call */

struct futex_key {
	uint64_t space, offset;
};

/* A waiting call: in call->scratch. */
struct futex_wait {
	struct list link;
	struct call *call;
	struct futex_key key;
	uint32_t bits;
	bool woken;
	struct wait_queue queue; /* of this call alone: the dispatcher takes it off when the call is cancelled */
};

struct bucket {
	struct list waits;
	struct lock lock; /* ORDER_FUTEX */
};

static struct bucket table[1 << FUTEX_HASH_BITS];
/* Odd while entries move from one bucket to another, in none for a moment. */
static uint32_t requeues;

static struct bucket *bucket_of(struct futex_key key)
{
	/* Multiplied by 2^64 over the golden ratio, whose upper bits depend on all of the key's. */
	uint64_t hash = (key.space / 64 + key.offset / 4) * 0x9e3779b97f4a7c15ull;

	return &table[hash >> (64 - FUTEX_HASH_BITS)];
}

void futex_start(void)
{
	for (unsigned i = 0; i < 1 << FUTEX_HASH_BITS; i++)
		list_init(&table[i].waits);
}

static bool same(struct futex_key a, struct futex_key b)
{
	return a.space == b.space && a.offset == b.offset;
}

/* Takes its bucket's lock, too. */
static struct bucket *own_bucket(struct futex_key key)
{
	struct bucket *bucket = bucket_of(key);

	lock_take(&bucket->lock, ORDER_FUTEX);
	return bucket;
}

static void leave_bucket(struct futex_wait *wait)
{
	struct bucket *bucket = own_bucket(wait->key);

	lock_order_has(ORDER_SERVER);
	list_remove(&wait->link);
	lock_give(&bucket->lock, ORDER_FUTEX);
}

/* Whether somebody may be waiting there. Without the server's lock. */
static bool may_wait(struct futex_key key)
{
	/* Acquire: what follows sees entries at least as they were then. */
	uint32_t before = __atomic_load_n(&requeues, __ATOMIC_ACQUIRE);
	struct bucket *bucket = own_bucket(key);
	bool found = (before & 1) != 0;

	list_for_each (link, &bucket->waits)
		found |= same(list_entry(link, struct futex_wait, link)->key, key);
	lock_give(&bucket->lock, ORDER_FUTEX);
	/* Who has not found one that is on its way took the lock after it was taken out: it sees the count of before
	 * that. */
	return found || __atomic_load_n(&requeues, __ATOMIC_RELAXED) != before;
}

/* Its waits, to be looked through with the server's lock. */
static struct list *waits_of(struct futex_key key)
{
	struct bucket *bucket = own_bucket(key);

	lock_give(&bucket->lock, ORDER_FUTEX);
	return &bucket->waits;
}

static struct futex_key key_of(struct process *process, uint64_t address, bool private)
{
	struct futex_key key = {(uintptr_t)process->memory, address};
	struct vm_area *area;

	if (private)
		return key;
	area = address_space_area(process->memory, address);
	if (area == NULL || !(area->flags & 1)) /* MAP_SHARED */
		return key;
	key.space = area->vnode != NULL ? (uintptr_t)area->vnode : area->number;
	key.offset = area->offset + (address - area->start);
	return key;
}

/* Entries whose call is gone or has been taken out (signal, timeout) are found by their queue being empty. */
static bool alive(const struct futex_wait *wait)
{
	return !list_empty(&wait->queue.waiters);
}

static int wake(struct futex_key key, int most, uint32_t bits)
{
	int woken = 0;

	list_for_each_safe (link, waits_of(key)) {
		struct futex_wait *wait = list_entry(link, struct futex_wait, link);

		if (woken >= most)
			break;
		if (!same(wait->key, key) || !(wait->bits & bits) || !alive(wait))
			continue;
		wait->woken = true;
		leave_bucket(wait);
		wait_queue_wake(&wait->queue, 0);
		woken++;
	}
	return woken;
}

int futex_wake_address(struct process *process, uint64_t address, int most)
{
	/* clone's CLEARTID word: waited for with or without FUTEX_PRIVATE. */
	return wake(key_of(process, address, false), most, FUTEX_BITSET_MATCH_ANY);
}

/* The entry leaves the hash before its memory goes with the call. */
static void forget(struct call *call)
{
	struct futex_wait *wait = call->scratch;

	if (wait != NULL)
		leave_bucket(wait);
}

static int64_t futex_wait(struct call *call, struct futex_key key, uint64_t address, uint32_t expected, uint32_t bits)
{
	struct futex_wait *wait = call->scratch;
	struct bucket *bucket;
	uint32_t value;
	int error;

	if (bits == 0)
		return -EINVAL;
	if (wait != NULL) {
		if (wait->woken)
			return 0;
		if (call->timed_out)
			return -ETIMEDOUT;
		return call_wait_for(call, &wait->queue);
	}
	wait = calloc(1, sizeof *wait);
	if (wait == NULL)
		return -ENOMEM;
	wait->call = call;
	wait->key = key;
	wait->bits = bits;
	wait_queue_init(&wait->queue);
	bucket = own_bucket(key);
	error = copy_in(call, &value, address, sizeof value);
	if (error == 0 && value != expected)
		error = -EAGAIN;
	if (error == 0 && call->timed_out)
		error = -ETIMEDOUT;
	if (error == 0)
		list_append(&bucket->waits, &wait->link);
	lock_give(&bucket->lock, ORDER_FUTEX);
	if (error != 0) {
		free(wait);
		return call_result(error);
	}
	call->scratch = wait;
	call->scratch_release = forget;
	return call_wait_for(call, &wait->queue);
}

static int64_t requeue(struct call *call, struct futex_key from, struct futex_key to, int most_wake, int most_move,
	const uint32_t *expected, uint64_t address)
{
	uint32_t value;
	int moved = 0, woken, error;

	if (most_wake < 0 || most_move < 0)
		return -EINVAL;
	if (expected != NULL) {
		error = copy_in(call, &value, address, sizeof value);
		if (error != 0)
			return call_result(error);
		if (value != *expected)
			return -EAGAIN;
	}
	woken = wake(from, most_wake, FUTEX_BITSET_MATCH_ANY);
	/* Release and acquire, by which both stand around what is between them: see may_wait. */
	__atomic_add_fetch(&requeues, 1, __ATOMIC_ACQ_REL);
	list_for_each_safe (link, waits_of(from)) {
		struct futex_wait *wait = list_entry(link, struct futex_wait, link);
		struct bucket *bucket;

		if (moved >= most_move)
			break;
		if (!same(wait->key, from) || !alive(wait))
			continue;
		leave_bucket(wait);
		wait->key = to;
		bucket = own_bucket(to);
		list_append(&bucket->waits, &wait->link);
		lock_give(&bucket->lock, ORDER_FUTEX);
		moved++;
	}
	__atomic_add_fetch(&requeues, 1, __ATOMIC_ACQ_REL);
	return expected != NULL ? woken + moved : woken;
}

/* What FUTEX_WAKE_OP makes of a word. */
static bool operate(uint32_t operation, int32_t argument, int32_t old, int32_t *new)
{
	switch (operation >> 28 & 7) {
	case FUTEX_OP_SET:
		*new = argument;
		return true;
	case FUTEX_OP_ADD:
		*new = (int32_t)((uint32_t)old + (uint32_t)argument);
		return true;
	case FUTEX_OP_OR:
		*new = old | argument;
		return true;
	case FUTEX_OP_ANDN:
		*new = old & ~argument;
		return true;
	case FUTEX_OP_XOR:
		*new = old ^ argument;
		return true;
	default:
		return false;
	}
}

/* Whether what it was before says that the second word's waiters are woken, too. 0, 1, or -ENOSYS. */
static int compare(uint32_t operation, int32_t old, int32_t compared)
{
	switch (operation >> 24 & 15) {
	case FUTEX_OP_CMP_EQ:
		return old == compared;
	case FUTEX_OP_CMP_NE:
		return old != compared;
	case FUTEX_OP_CMP_LT:
		return old < compared;
	case FUTEX_OP_CMP_LE:
		return old <= compared;
	case FUTEX_OP_CMP_GT:
		return old > compared;
	case FUTEX_OP_CMP_GE:
		return old >= compared;
	default:
		return -ENOSYS;
	}
}

/* Changes a word of the caller's from what it was seen to be, in one step. 0, -EAGAIN: it is not that any more; -errno.
 */
static int swap(struct call *call, uint64_t address, int32_t old, int32_t new)
{
	int32_t words[2] = {old, new};
	kern_return_t result = task_copy_to(
		process_task(call->process), address, sizeof new, words, VM_COPY_SWAP | VM_COPY_NOWAIT, NULL);

	if (result == KERN_FAILURE)
		return -EAGAIN;
	return result == KERN_SUCCESS  ? 0
	       : result == KERN_ABSENT ? copy_absent(call, address, sizeof new, true)
				       : -EFAULT;
}

static int64_t wake_op(struct call *call, struct futex_key first, struct futex_key second, uint64_t address, int most,
	int most2, uint32_t operation)
{
	int32_t old, new, argument = (int32_t)(operation << 8) >> 20, compared = (int32_t)(operation << 20) >> 20;
	int error, hit, woken, tries = 0;

	if ((operation >> 28) & FUTEX_OP_OPARG_SHIFT)
		argument = 1 << (argument & 31);
	do {
		/* Whose threads change it all the time waits until the next one's call is done. */
		if (tries++ == SWAPS_MOST)
			return CALL_RESTART;
		error = copy_in(call, &old, address, sizeof old);
		if (error == 0 && !operate(operation, argument, old, &new))
			return -ENOSYS;
		if (error == 0)
			error = swap(call, address, old, new);
	} while (error == -EAGAIN);
	if (error != 0)
		return call_result(error);
	hit = compare(operation, old, compared);
	if (hit < 0)
		return hit;
	woken = wake(first, most, FUTEX_BITSET_MATCH_ANY);
	return woken + (hit ? wake(second, most2, FUTEX_BITSET_MATCH_ANY) : 0);
}

/* FUTEX_WAIT's time is relative, FUTEX_WAIT_BITSET's a date on one of two clocks. */
static int set_timeout(struct call *call, uint64_t address, bool absolute, bool realtime)
{
	struct timespec time;
	int64_t left;
	int error;

	if (address == 0 || call->has_deadline)
		return 0;
	if (!absolute)
		return deadline_from_timespec(call, address);
	error = copy_in(call, &time, address, sizeof time);
	if (error != 0)
		return error;
	if (time.tv_sec < 0 || time.tv_nsec < 0 || time.tv_nsec >= SECOND)
		return -EINVAL;
	if (time.tv_sec > INT64_MAX / SECOND - 1)
		return 0;
	left = time.tv_sec * SECOND + time.tv_nsec - (int64_t)(realtime ? clock_realtime() : clock_monotonic());
	if (left <= 0) {
		call->timed_out = true;
		left = 0;
	}
	call_set_deadline(call, clock_monotonic() + (uint64_t)left);
	return 0;
}

/* Without the server's lock: a wait for what is not so, a wake of nobody; of a word of the caller's own memory. */
static int64_t futex_unlocked(struct call *call, uint64_t address, unsigned operation, uint32_t value, bool timeout)
{
	struct futex_key key = {(uintptr_t)call->process->memory, address};
	int command = (int)operation & FUTEX_CMD_MASK;
	uint32_t now;

	if (!(operation & FUTEX_PRIVATE_FLAG) || (address & 3) || address > VM_MAX_ADDRESS || address < 4096)
		return CALL_NEEDS_LOCK;
	if (command == FUTEX_WAKE)
		return may_wait(key) ? CALL_NEEDS_LOCK : 0;
	if (command != FUTEX_WAIT || timeout || copy_in(call, &now, address, sizeof now) != 0 || now == value)
		return CALL_NEEDS_LOCK;
	return -EAGAIN;
}

int64_t sys_futex(uint64_t caller, uint64_t address, unsigned operation, int value, uint64_t timeout, uint64_t address2,
	unsigned value3)
{
	struct call *call = call_of(caller);
	struct process *process = call->process;
	bool private = (operation & FUTEX_PRIVATE_FLAG) != 0, realtime = (operation & FUTEX_CLOCK_REALTIME) != 0;
	int command = (int)operation & FUTEX_CMD_MASK, error, second = (int)timeout;
	struct futex_key key, key2;

	if (!call_is_locked(call)) {
		int64_t result = futex_unlocked(call, address, operation, (uint32_t)value, timeout != 0);

		if (result != CALL_NEEDS_LOCK)
			return result;
		call_take_lock(call);
	}
	if (address & 3)
		return -EINVAL;
	if (address > VM_MAX_ADDRESS || address < 4096)
		return -EFAULT;
	key = key_of(process, address, private);
	switch (command) {
	case FUTEX_WAIT:
	case FUTEX_WAIT_BITSET:
		error = set_timeout(call, timeout, command == FUTEX_WAIT_BITSET, realtime);
		if (error != 0)
			return call_result(error);
		return futex_wait(
			call, key, address, (uint32_t)value, command == FUTEX_WAIT ? FUTEX_BITSET_MATCH_ANY : value3);
	case FUTEX_WAKE:
		return wake(key, value, FUTEX_BITSET_MATCH_ANY);
	case FUTEX_WAKE_BITSET:
		return value3 == 0 ? -EINVAL : wake(key, value, value3);
	}
	if (command != FUTEX_REQUEUE && command != FUTEX_CMP_REQUEUE && command != FUTEX_WAKE_OP)
		return -ENOSYS;
	if (address2 & 3)
		return -EINVAL;
	key2 = key_of(process, address2, private);
	if (command == FUTEX_WAKE_OP)
		return wake_op(call, key, key2, address2, value, second, value3);
	return requeue(call, key, key2, value, second, command == FUTEX_CMP_REQUEUE ? &value3 : NULL, address);
}

/* --- Several words at once. */

/* Of a call that waits for one of them; the user's memory, for it may wait as long as it likes. */
struct futex_waits {
	unsigned count;
	struct futex_wait wait[];
};

static void forget_several(struct call *call)
{
	struct futex_waits *waits = call->scratch;

	for (unsigned i = 0; i < waits->count; i++)
		leave_bucket(&waits->wait[i]);
	user_free(waits);
	call->scratch = NULL;
}

/* Enters the word's bucket, if it is as the caller has seen it. */
static int enter(struct call *call, struct futex_wait *wait, const struct futex_waitv *word)
{
	struct bucket *bucket;
	uint32_t value;
	int error;

	if (word->flags & ~(uint32_t)(FUTEX_32 | FUTEX_PRIVATE_FLAG) || !(word->flags & FUTEX_32) ||
		word->__reserved != 0 || word->uaddr & 3 || word->val > UINT32_MAX)
		return -EINVAL;
	if (word->uaddr > VM_MAX_ADDRESS || word->uaddr < VM_PAGE_SIZE)
		return -EFAULT;
	wait->call = call;
	wait->key = key_of(call->process, word->uaddr, (word->flags & FUTEX_PRIVATE_FLAG) != 0);
	wait->bits = FUTEX_BITSET_MATCH_ANY;
	wait_queue_init(&wait->queue);
	bucket = own_bucket(wait->key);
	error = copy_in(call, &value, word->uaddr, sizeof value);
	if (error == 0 && value != (uint32_t)word->val)
		error = -EAGAIN;
	if (error == 0)
		list_append(&bucket->waits, &wait->link);
	lock_give(&bucket->lock, ORDER_FUTEX);
	return error;
}

static int64_t wait_for_several(struct call *call, struct futex_waits *waits)
{
	for (unsigned i = 0; i < waits->count; i++) {
		if (waits->wait[i].woken)
			return i;
	}
	if (call->timed_out)
		return -ETIMEDOUT;
	for (unsigned i = 0; i < waits->count; i++) {
		if (call_wait_on(call, &waits->wait[i].queue) != 0)
			return -ENOMEM;
	}
	return call_wait(call);
}

int64_t sys_futex_waitv(uint64_t caller, uint64_t address, unsigned count, unsigned flags, uint64_t timeout, int clock)
{
	struct call *call = call_of(caller);
	struct futex_waitv words[FUTEX_WAITV_MAX];
	struct futex_waits *waits = call->scratch;
	int error;

	if (waits != NULL)
		return wait_for_several(call, waits);
	if (flags != 0 || count == 0 || count > FUTEX_WAITV_MAX || address == 0)
		return -EINVAL;
	if (timeout != 0 && clock != CLOCK_MONOTONIC && clock != CLOCK_REALTIME)
		return -EINVAL;
	error = set_timeout(call, timeout, true, clock == CLOCK_REALTIME);
	if (error == 0)
		error = copy_in(call, words, address, count * sizeof words[0]);
	if (error != 0)
		return call_result(error);
	waits = user_alloc(user_now(), sizeof *waits + count * sizeof waits->wait[0]);
	if (waits == NULL)
		return -ENOMEM;
	waits->count = 0;
	call->scratch = waits;
	call->scratch_release = forget_several;
	while (error == 0 && waits->count < count) {
		error = enter(call, &waits->wait[waits->count], &words[waits->count]);
		if (error == 0)
			waits->count++;
	}
	if (error == 0)
		return wait_for_several(call, waits);
	call->scratch_release = NULL;
	forget_several(call);
	return call_result(error);
}

/* --- Robust lists, laid out as the C library's and the kernel's <linux/futex.h> say. */

#define ROBUST_MOST 2048u /* entries looked at: the list is the program's, and may be a circle */

/* One mutex: marks the owner as dead and wakes a waiter, if the thread is the owner. */
static void owner_died(struct thread *thread, uint64_t word)
{
	mach_port_t task = process_task(thread->process);
	uint32_t value[2]; /* as it is and as it shall be */
	kern_return_t result = KERN_FAILURE;
	int tries;

	/* The owner does not run any more; others may say meanwhile that they wait. */
	for (tries = 0; result == KERN_FAILURE && tries < SWAPS_MOST; tries++) {
		if ((word & 3) != 0 || copy_in_task(task, &value[0], word, sizeof value[0]) != 0 ||
			(value[0] & FUTEX_TID_MASK) != (uint32_t)thread->id)
			return;
		value[1] = (value[0] & FUTEX_WAITERS) | FUTEX_OWNER_DIED;
		result = task_copy_to(task, word, sizeof value[0], value, VM_COPY_SWAP | VM_COPY_NOWAIT, NULL);
	}
	if (result == KERN_SUCCESS)
		futex_wake_address(thread->process, word, 1);
}

void futex_owner_died(struct thread *thread)
{
	mach_port_t task = process_task(thread->process);
	struct robust_list_head head;
	uint64_t entry, next;
	unsigned i;

	if (thread->robust_list == 0 || copy_in_task(task, &head, thread->robust_list, sizeof head) != 0)
		return;
	entry = (uint64_t)(uintptr_t)head.list.next & ~1ull; /* bit 0: with priority inheritance */
	for (i = 0; i < ROBUST_MOST && entry != thread->robust_list; i++) {
		if (copy_in_task(task, &next, entry, sizeof next) != 0)
			break;
		owner_died(thread, entry + (uint64_t)head.futex_offset);
		entry = next & ~1ull;
	}
	entry = (uint64_t)(uintptr_t)head.list_op_pending & ~1ull;
	if (entry != 0)
		owner_died(thread, entry + (uint64_t)head.futex_offset);
	thread->robust_list = 0;
}
