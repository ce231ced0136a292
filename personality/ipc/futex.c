/* futex: waiting on words of the callers' memory, in queues of the server's own. */
#include "ipc/futex.h"

#include <limits.h>
#include <linux/futex.h>
#include <stdlib.h>
#include <time.h>

#include "call/call.h"
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

#define FUTEX_HASH_BITS 12
#define SECOND     1000000000ll

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

static struct list table[1 << FUTEX_HASH_BITS];

static struct list *bucket(struct futex_key key)
{
	/* Multiplied by 2^64 over the golden ratio, whose upper bits depend on all of the key's. */
	uint64_t hash = (key.space / 64 + key.offset / 4) * 0x9e3779b97f4a7c15ull;
	struct list *head = &table[hash >> (64 - FUTEX_HASH_BITS)];

	if (head->next == NULL)
		list_init(head);
	return head;
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

	list_for_each_safe (link, bucket(key)) {
		struct futex_wait *wait = list_entry(link, struct futex_wait, link);

		if (woken >= most)
			break;
		if (wait->key.space != key.space || wait->key.offset != key.offset || !(wait->bits & bits) ||
			!alive(wait))
			continue;
		wait->woken = true;
		list_remove(&wait->link);
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
		list_remove(&wait->link);
}

static int64_t futex_wait(struct call *call, struct futex_key key, uint64_t address, uint32_t expected, uint32_t bits)
{
	struct futex_wait *wait = call->scratch;
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
	error = copy_in(call, &value, address, sizeof value);
	if (error != 0)
		return call_result(error);
	if (value != expected)
		return -EAGAIN;
	if (call->timed_out)
		return -ETIMEDOUT;
	wait = calloc(1, sizeof *wait);
	if (wait == NULL)
		return -ENOMEM;
	wait->call = call;
	wait->key = key;
	wait->bits = bits;
	wait_queue_init(&wait->queue);
	list_append(bucket(key), &wait->link);
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
	list_for_each_safe (link, bucket(from)) {
		struct futex_wait *wait = list_entry(link, struct futex_wait, link);

		if (moved >= most_move)
			break;
		if (wait->key.space != from.space || wait->key.offset != from.offset || !alive(wait))
			continue;
		list_remove(&wait->link);
		wait->key = to;
		list_append(bucket(to), &wait->link);
		moved++;
	}
	return expected != NULL ? woken + moved : woken;
}

static int64_t wake_op(struct call *call, struct futex_key first, struct futex_key second, uint64_t address, int most,
	int most2, uint32_t operation)
{
	int32_t old, new, argument = (int32_t)(operation << 8) >> 20, compared = (int32_t)(operation << 20) >> 20;
	bool hit;
	int error, woken;

	if ((operation >> 28) & FUTEX_OP_OPARG_SHIFT)
		argument = 1 << (argument & 31);
	error = copy_in(call, &old, address, sizeof old);
	if (error != 0)
		return call_result(error);
	switch (operation >> 28 & 7) {
	case FUTEX_OP_SET:
		new = argument;
		break;
	case FUTEX_OP_ADD:
		new = (int32_t)((uint32_t)old + (uint32_t)argument);
		break;
	case FUTEX_OP_OR:
		new = old | argument;
		break;
	case FUTEX_OP_ANDN:
		new = old & ~argument;
		break;
	case FUTEX_OP_XOR:
		new = old ^ argument;
		break;
	default:
		return -ENOSYS;
	}
	error = copy_out(call, address, &new, sizeof new);
	if (error != 0)
		return call_result(error);
	switch (operation >> 24 & 15) {
	case FUTEX_OP_CMP_EQ:
		hit = old == compared;
		break;
	case FUTEX_OP_CMP_NE:
		hit = old != compared;
		break;
	case FUTEX_OP_CMP_LT:
		hit = old < compared;
		break;
	case FUTEX_OP_CMP_LE:
		hit = old <= compared;
		break;
	case FUTEX_OP_CMP_GT:
		hit = old > compared;
		break;
	case FUTEX_OP_CMP_GE:
		hit = old >= compared;
		break;
	default:
		return -ENOSYS;
	}
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

int64_t sys_futex(uint64_t caller, uint64_t address, unsigned operation, int value, uint64_t timeout, uint64_t address2,
	unsigned value3)
{
	struct call *call = call_of(caller);
	struct process *process = call->process;
	bool private = (operation & FUTEX_PRIVATE_FLAG) != 0, realtime = (operation & FUTEX_CLOCK_REALTIME) != 0;
	int command = (int)operation & FUTEX_CMD_MASK, error, second = (int)timeout;
	struct futex_key key, key2;

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

/* --- Robust lists, laid out as the C library's and the kernel's <linux/futex.h> say. */

#define ROBUST_MOST 2048u /* entries looked at: the list is the program's, and may be a circle */

/* One mutex: marks the owner as dead and wakes a waiter, if the thread is the owner. */
static void owner_died(struct thread *thread, uint64_t word)
{
	mach_port_t task = process_task(thread->process);
	uint32_t value;

	if ((word & 3) != 0 || copy_in_task(task, &value, word, sizeof value) != 0 ||
		(value & FUTEX_TID_MASK) != (uint32_t)thread->id)
		return;
	/* The owner does not run any more, and others change the word only to say that they wait. */
	value = (value & FUTEX_WAITERS) | FUTEX_OWNER_DIED;
	if (copy_out_task(task, word, &value, sizeof value) == 0)
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
