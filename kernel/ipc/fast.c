/*
 * The register path, fast: a call or reply whose other side waits for it, from registers to registers.
 *
 * Each function first checks, each check leaving to the full path with nothing changed; then comes the POINT OF NO
 * RETURN, after which nothing can fail. The full path gives the same result for everything that is sent back to it.
 * A lock that is taken is a reason to leave, too; so nothing is called from here, and the compiler needs no register
 * that would have to be saved.
 *
 * Why it is right on several processors. Two threads change: the current one (self), which becomes WAITING, and the
 * other, which is WAITING and becomes the current one. Both are changed under their thread locks, and the object
 * they wait at under its own.
 *   - A receiver in the slot means that there is nothing to receive and the port is alive (ipc_mqueue.c). Self takes
 *     the slot under the lock under which it found the queue empty.
 *   - The other thread last ran on this processor (thread->processor), which is now running self: so no processor
 *     still holds it (on_processor is false, as thread_claim asks), and its FPU state is here or in memory.
 *   - It cannot be woken by an abort while we look: that takes its lock, which we hold from the check to the commit.
 *   - Self is RUNNING here. Others may only set its ast, under its lock; we look at ast under that lock before self
 *     becomes WAITING. So an abort or a termination is either seen by us, or finds self WAITING in the state that
 *     the full path would have left it in.
 *   - Locks are tried, never waited for, so their order cannot close a circle.
 *   - Neither waits with a deadline, and a running thread has no timer set: no time-out can come.
 *   - The words are copied to the other thread's registers before the locks are free: from then on another processor
 *     may deliver the next message to a server that waits again, or abort a caller and run it.
 *
 * fast_one.c compiles this file again for a machine on which one processor runs. Interrupts are off, so no lock is
 * ever held by somebody else, and none is taken; a thread was last on this processor; self has no ast, for it was
 * looked at on the way to user mode; and the words stay where they are until they are loaded.
 */
#ifndef PORTOLAN_HOST
#pragma GCC optimize("omit-frame-pointer")
#endif
#include <ipc/ipc_internal.h>
#include <kern/processor.h>
#include <mach/trap.h>

#define likely(x)   __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)
#define FAST        static inline __attribute__((always_inline))

/* thread.run_word: state, on_processor, ast, wait_kind, from the lowest byte up. */
#define RUN_WORD(state, on_processor, wait_kind)                                                                       \
	((uint32_t)(state) | (uint32_t)(on_processor) << 8 | (uint32_t)(wait_kind) << 24)
#define RUN_WORD_RECEIVES RUN_WORD(THREAD_WAITING, 0, WAIT_IPC_RECEIVE)
#define RUN_WORD_CALLS    RUN_WORD(THREAD_WAITING, 0, WAIT_IPC_REPLY)
#define RUN_WORD_RUNS     RUN_WORD(THREAD_RUNNING, 1, WAIT_NONE)

#ifdef IPC_FAST_ONE_PROCESSOR
#define SEVERAL    false
#define KIND(name) name##_one
#else
#define SEVERAL    true
#define KIND(name) name
#endif

static const struct ipc_fast slow;

FAST bool fast_lock(struct lock *lock)
{
	return !SEVERAL || likely(lock_try(lock));
}

FAST void fast_unlock(struct lock *lock)
{
	if (SEVERAL)
		lock_release(lock);
}

/* The thread waits as run_word says, with nothing to look at on its way to user mode, and was here last. Locked. */
FAST bool can_run(const struct thread *thread, uint32_t run_word, const struct processor *processor)
{
	return likely(thread->run_word == run_word) && (!SEVERAL || likely(thread->processor == processor)) &&
	       likely(thread->regs.by_syscall != 0);
}

/* Where the entry code loads words 0 to 5 from for `to`: `from`, or their copy. */
FAST const struct thread_regs *words_for(struct thread *to, const struct thread *from)
{
	if (!SEVERAL)
		return &from->regs;
	for (unsigned i = 0; i < 6; i++)
		to->regs.word[i] = from->regs.word[i];
	return &to->regs;
}

/* Without the count's checks: the last reference is elsewhere, as each use says. Release: as ref_drop. */
FAST void drop_one(struct refcount *ref)
{
	__atomic_fetch_sub(&ref->count, 1, __ATOMIC_RELEASE);
}

/* A call on a port, which is locked; unlocks it. */
FAST struct ipc_fast call_locked(struct thread *self, struct ipc_port *port, bool foreign, uint64_t rbx)
{
	struct processor *processor = current_processor();
	struct ipc_object *object = &port->object;
	struct thread *receiver = object->slot;
	const struct thread_regs *words;
	struct ipc_pset *set = NULL;

	if (receiver == NULL) {
		set = port->set;
		if (unlikely(set == NULL))
			goto unlock_port;
		object = &set->object;
		if (unlikely(!fast_lock(&object->lock)))
			goto unlock_port;
		receiver = object->slot;
		if (unlikely(receiver == NULL))
			goto unlock_set;
	}
	if (unlikely(!fast_lock(&receiver->lock)))
		goto unlock_set;
	if (unlikely(!can_run(receiver, RUN_WORD_RECEIVES, processor)))
		goto unlock_receiver;
	if (unlikely(!fast_lock(&self->lock)))
		goto unlock_receiver;
	if (SEVERAL && unlikely(self->ast != 0))
		goto unlock_self;

	/* --- POINT OF NO RETURN --- */
	object->slot = NULL;
	receiver->ipc.wait_object = NULL;
	drop_one(&object->refs); /* the receive right, or the set's name, has another */
	if (set != NULL)
		fast_unlock(&object->lock);
	port->seqno++;
	receiver->regs.r14 = port->label;
	receiver->ipc.owes_on = port;
	fast_unlock(&port->object.lock);

	receiver->regs.rax = MACH_MSG_SUCCESS;
	receiver->regs.rbx = rbx;
	receiver->regs.word[6] = foreign ? self->word : self->regs.word[6];
	receiver->regs.word[7] = foreign ? 0 : self->regs.word[7];
	words = words_for(receiver, self);
	receiver->ipc.owes = self;
	ref_take(&self->refs);
	if (receiver->run_priority < self->run_priority)
		receiver->run_priority = self->run_priority;
	receiver->run_word = RUN_WORD_RUNS;
	fast_unlock(&receiver->lock);

	self->ipc.call_state = IPC_CALL_RECEIVED;
	self->ipc.call_foreign = foreign;
	self->ipc.server = receiver;
	self->continuation = ipc_call_continue;
	self->run_word = RUN_WORD_CALLS;
	fast_unlock(&self->lock);
	processor->counters.messages_register++;
	if (foreign)
		processor->counters.foreign_calls++;
	return (struct ipc_fast){receiver, words};

unlock_self:
	fast_unlock(&self->lock);
unlock_receiver:
	fast_unlock(&receiver->lock);
unlock_set:
	if (set != NULL)
		fast_unlock(&set->object.lock);
unlock_port:
	fast_unlock(&port->object.lock);
	return slow;
}

struct ipc_fast KIND(ipc_fast_call)(struct thread *self)
{
	struct ipc_space *space = self->task->space;
	uint64_t target = self->regs.rbx, count = self->regs.r14;
	struct ipc_entry *entry;
	struct ipc_port *port;

	if (unlikely(count > IPC_WORDS) || unlikely(!fast_lock(&space->lock)))
		return slow;
	entry = ipc_entry_at(space, (mach_port_name_t)target);
	if (unlikely((uint8_t)entry->bits != (uint8_t)target) || unlikely(!(entry->bits & MACH_PORT_TYPE_SEND)))
		goto unlock;
	port = ipc_object_port(entry->object);
	if (unlikely(!fast_lock(&port->object.lock)))
		goto unlock;
	fast_unlock(&space->lock);
	return call_locked(self, port, false, (target & 0xffffffff00000000) | count | DELIVERED_CALL);
unlock:
	fast_unlock(&space->lock);
	return slow;
}

struct ipc_fast KIND(ipc_fast_foreign)(struct thread *self)
{
	struct task *task = self->task;
	uint64_t number = self->regs.rax;
	struct ipc_port *port;

	if (unlikely(!fast_lock(&task->lock)))
		return slow;
	port = task->foreign_port;
	if (unlikely(port == NULL))
		goto unlock;
	if (unlikely(task->foreign_setting != FOREIGN_PORT)) {
		if (task->foreign_setting != FOREIGN_MIXED)
			goto unlock;
		if (number < FOREIGN_BITMAP_WORDS * 64 && (task->foreign_bitmap[number / 64] >> (number % 64) & 1))
			goto unlock;
	}
	if (unlikely(!fast_lock(&port->object.lock)))
		goto unlock;
	fast_unlock(&task->lock);
	return call_locked(self, port, true, number << 32 | IPC_FOREIGN_WORDS | DELIVERED_CALL | DELIVERED_FOREIGN);
unlock:
	fast_unlock(&task->lock);
	return slow;
}

/* The object that a receive name means, locked, with nothing to receive in it and its slot free; null otherwise. */
FAST struct ipc_object *idle_object(struct ipc_space *space, mach_port_name_t name)
{
	struct ipc_object *object;
	struct ipc_entry *entry;

	if (unlikely(!fast_lock(&space->lock)))
		return NULL;
	entry = ipc_entry_at(space, name);
	if (unlikely((uint8_t)entry->bits != (uint8_t)name))
		goto unlock_space;
	if (unlikely(!(entry->bits & (MACH_PORT_TYPE_RECEIVE | MACH_PORT_TYPE_PORT_SET))))
		goto unlock_space;
	object = entry->object;
	if (unlikely(!fast_lock(&object->lock)))
		goto unlock_space;
	if (unlikely(object->slot != NULL))
		goto unlock_object;
	if (object->is_set) {
		if (unlikely(!list_empty(&ipc_object_set(object)->ready)))
			goto unlock_object;
	} else if (unlikely(!list_empty(&ipc_object_port(object)->queue))) {
		goto unlock_object;
	}
	fast_unlock(&space->lock);
	return object;

unlock_object:
	fast_unlock(&object->lock);
unlock_space:
	fast_unlock(&space->lock);
	return NULL;
}

struct ipc_fast KIND(ipc_fast_reply_wait)(struct thread *self)
{
	struct processor *processor = current_processor();
	uint64_t target = self->regs.rbx, flags = target >> 32, count = self->regs.r15 >> 32;
	struct thread *caller = self->ipc.owes;
	struct ipc_object *object;
	const struct thread_regs *words;

	if (unlikely(caller == NULL))
		return slow;
	if (unlikely((flags & ~(uint64_t)REPLY_KEEP) != 0))
		return slow;
	if (unlikely(count > IPC_WORDS))
		return slow;
	object = idle_object(self->task->space, (mach_port_name_t)target);
	if (unlikely(object == NULL))
		return slow;
	if (unlikely(!fast_lock(&caller->lock)))
		goto unlock_object;
	/* A caller that waits so is RECEIVED; the server says whether by us. */
	if (unlikely(!can_run(caller, RUN_WORD_CALLS, processor)) || unlikely(caller->ipc.server != self) ||
		unlikely(sched_better_ready(processor, caller->run_priority)))
		goto unlock_caller;
	if (unlikely(!fast_lock(&self->lock)))
		goto unlock_caller;
	if (SEVERAL && unlikely(self->ast != 0))
		goto unlock_self;

	/* --- POINT OF NO RETURN --- */
	object->slot = self;
	ref_take(&object->refs);
	fast_unlock(&object->lock);

	if (caller->ipc.call_foreign) {
		if (!(flags & REPLY_KEEP))
			caller->regs.rax = self->regs.word[0];
		words = &caller->regs; /* unchanged */
	} else {
		words = words_for(caller, self);
		caller->regs.word[6] = self->regs.word[6];
		caller->regs.word[7] = self->regs.word[7];
		caller->regs.rax = MACH_MSG_SUCCESS;
		caller->regs.rbx = count;
	}
	caller->ipc.call_state = IPC_CALL_NONE;
	caller->ipc.server = NULL;
	caller->run_word = RUN_WORD_RUNS;
	fast_unlock(&caller->lock);
	drop_one(&caller->refs); /* it runs, so it has another */

	self->ipc.owes = NULL;
	self->ipc.wait_object = object;
	self->ipc.receive_words = true;
	self->regs.rbx = target | (uint64_t)REPLY_NONE << 32;
	self->run_priority = self->priority;
	self->continuation = ipc_reply_wait_continue;
	self->run_word = RUN_WORD_RECEIVES;
	fast_unlock(&self->lock);
	return (struct ipc_fast){caller, words};

unlock_self:
	fast_unlock(&self->lock);
unlock_caller:
	fast_unlock(&caller->lock);
unlock_object:
	fast_unlock(&object->lock);
	return slow;
}
