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
 * they wait at under its own. Nothing is counted: the other thread is alive while it waits in a slot or in a call, and
 * so is the object with a thread in its slot.
 *   - A receiver in this processor's slot means that there is nothing to receive and the port is alive (ipc_mqueue.c).
 *     Self takes the slot under the lock under which it found the queue empty.
 *   - The other thread last ran on this processor (thread->processor), which is now running self: so no processor
 *     still holds it (on_processor is false, as thread_claim asks). Its FPU state is in memory, for self's is, too.
 *   - It cannot be woken by an abort while we look: that takes its lock, which we hold from the check to the commit.
 *   - Self is RUNNING here. Others may only set its ast, under its lock; we look at ast under that lock before self
 *     becomes WAITING. So an abort or a termination is either seen by us, or finds self WAITING in the state that
 *     the full path would have left it in.
 *   - Locks are tried, never waited for, so their order cannot close a circle.
 *   - Neither waits with a deadline, and a running thread has no timer set: no time-out can come.
 *   - The words never leave this processor's registers (x86_64/live.h), so it does not matter that another processor
 *     may deliver the next message to a server that waits again, or abort a caller and run it, once the locks are free.
 *     What self needs to go on, a call's words included, entry.S has saved before.
 *   - The other thread leaves by sysretq, for a thread that waits like this has entered by syscall. If its registers
 *     were set from outside since, its ast says so; then only a reply with REPLY_KEEP to a foreign call stays here, and
 *     the thread leaves by iretq with all of them.
 *
 * fast_one.c compiles this file again for a machine on which one processor runs. Interrupts are off, so no lock is
 * ever held by somebody else, and none is taken; a thread was last on this processor; self has no ast, for it was
 * looked at on the way to user mode.
 */
#ifndef PORTOLAN_HOST
#pragma GCC optimize("omit-frame-pointer")
#endif
#include <ipc/ipc_internal.h>
#include <mach/trap.h>
#include <x86_64/live.h>

#define likely(x)   __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)
#define FAST        static inline __attribute__((always_inline))

#ifdef IPC_FAST_ONE_PROCESSOR
#define SEVERAL    false
#define KIND(name) name##_one
#else
#define SEVERAL    true
#define KIND(name) name
#endif

/* As in kern/lock.h, but for the check of the lock order, which would be a call: what is only tried closes no circle. */
FAST bool fast_lock(struct lock *lock)
{
	if (!SEVERAL || likely(__atomic_exchange_n(&lock->held, 1, __ATOMIC_ACQUIRE) == 0))
		return true;
	count_event(lock_misses);
	return false;
}

FAST void fast_unlock(struct lock *lock)
{
	if (SEVERAL)
		__atomic_store_n(&lock->held, 0, __ATOMIC_RELEASE);
}

FAST struct thread **own_slot(struct ipc_object *object)
{
	return &object->slot[SEVERAL ? CURRENT_PROCESSOR->id % IPC_SLOTS : 0];
}

/* Nothing to look at on self's way out, and no registers that self would leave in this processor. Locked. */
FAST bool can_leave(const struct thread *self)
{
	return !SEVERAL || (likely(self->ast == 0) && likely(!CURRENT_PROCESSOR->fpu_live));
}

/* The thread waits as run_word says, with nothing to look at on its way to user mode, and was here last. Locked. */
FAST bool can_run(const struct thread *thread, uint32_t run_word)
{
	return likely(thread->run_word == run_word) && (!SEVERAL || likely(thread->processor == current_processor()));
}

/*
 * The same for a foreign caller whose registers the server has set, and keeps. All is read anew: no register is to hold
 * it for this on the way past.
 */
FAST bool can_run_as_set(const struct thread *self, const struct thread *caller)
{
	return (*(const volatile uint32_t *)&self->regs.rbx_high & REPLY_KEEP) && caller->ipc.call_foreign &&
	       *(const volatile uint32_t *)&caller->run_word == (RUN_WORD_CALLS | RUN_WORD_REGISTERS_SET) &&
	       (!SEVERAL || caller->processor == current_processor());
}

/* Of the name in rbx; read anew, for registers are few here. */
FAST uint8_t generation(const struct thread *self)
{
	return *(const volatile uint8_t *)&self->regs.rbx_low;
}

/* Without the count's checks: another reference is elsewhere. Relaxed: as in refcount.h. */
FAST void take_one(struct refcount *ref)
{
	if (SEVERAL)
		__atomic_fetch_add(&ref->count, 1, __ATOMIC_RELAXED);
	else
		ref->count++;
}

/* Count and kind, and in the upper half the id. */
FAST uint64_t delivered_rbx(const struct thread *self, bool foreign)
{
	uint64_t rbx = self->regs.rbx;

	if (foreign)
		return self->regs.rax << 32 | FOREIGN_CALL_WORDS | DELIVERED_CALL | DELIVERED_FOREIGN;
	return rbx - (uint32_t)rbx + LIVE_R14 + DELIVERED_CALL;
}

/*
 * A call on a port, which is locked: switches to a receiver that waits for it, or runs the kernel's routine if it is a
 * kernel port (which has no receivers). Returns with the port unlocked if neither can be at once.
 */
FAST void call_locked(struct thread *self, struct ipc_port *port, bool foreign)
{
	struct ipc_object *object = &port->object;
	struct thread **slot = own_slot(object), *receiver = *slot;
	struct ipc_pset *set = NULL;
	uint64_t rbx;

	if (receiver == NULL) {
		set = port->set;
		if (unlikely(set == NULL)) {
			if (foreign || !ipc_port_is_kernel(port) || !object->active)
				goto unlock_port;
			take_one(&object->refs);
			fast_unlock(&object->lock);
			live_kernel_call(port);
		}
		object = &set->object;
		if (unlikely(!fast_lock(&object->lock)))
			goto unlock_port;
		slot = own_slot(object);
		receiver = *slot;
		if (unlikely(receiver == NULL))
			goto unlock_set;
	}
	if (unlikely(!fast_lock(&receiver->lock)))
		goto unlock_set;
	if (unlikely(!can_run(receiver, RUN_WORD_RECEIVES)))
		goto unlock_receiver;
	if (unlikely(!fast_lock(&self->lock)))
		goto unlock_receiver;
	if (!can_leave(self))
		goto unlock_self;

	/* --- POINT OF NO RETURN --- */
	*slot = NULL;
	receiver->ipc.wait_object = NULL;
	if (SEVERAL && set != NULL)
		fast_unlock(&object->lock);
	port->seqno++;
	rbx = delivered_rbx(self, foreign);
	LIVE_R14 = port->label;
	receiver->ipc.owes_on = port;
	fast_unlock(&port->object.lock);

	if (foreign) {
		LIVE_WORD(6) = self->word;
		LIVE_WORD(7) = self->regs.rsp;
		CURRENT_PROCESSOR->counters.foreign_calls++;
	}
	receiver->ipc.owes = self;
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
	live_leave(receiver, rbx);

unlock_self:
	fast_unlock(&self->lock);
unlock_receiver:
	fast_unlock(&receiver->lock);
unlock_set:
	if (SEVERAL && set != NULL)
		fast_unlock(&set->object.lock);
unlock_port:
	fast_unlock(&port->object.lock);
}

_Noreturn void KIND(ipc_fast_call)(void)
{
	struct thread *self = current_thread();
	struct ipc_space *space = self->space;
	struct ipc_entry *entry;
	struct ipc_port *port;

	if (unlikely(self->regs.r14 > IPC_WORDS) || unlikely(!fast_lock(&space->lock)))
		live_slow_call();
	entry = ipc_entry_at(space, self->regs.rbx_low);
	if (unlikely((uint8_t)entry->bits != generation(self)) || unlikely(!(entry->bits & MACH_PORT_TYPE_SEND)))
		goto unlock;
	port = ipc_object_port(entry->object);
	if (unlikely(!fast_lock(&port->object.lock)))
		goto unlock;
	fast_unlock(&space->lock);
	call_locked(self, port, false);
	live_slow_call();
unlock:
	fast_unlock(&space->lock);
	live_slow_call();
}

_Noreturn void KIND(ipc_fast_foreign)(void)
{
	struct thread *self = current_thread();
	struct task *task = self->task;
	struct ipc_port *port;

	if (unlikely(!fast_lock(&task->lock)))
		live_slow_foreign();
	port = task->foreign_port;
	if (unlikely(port == NULL))
		goto unlock;
	if (unlikely(task->foreign_setting != FOREIGN_PORT)) {
		uint64_t number = self->regs.rax;

		if (task->foreign_setting != FOREIGN_MIXED)
			goto unlock;
		if (number < FOREIGN_BITMAP_WORDS * 64 && (task->foreign_bitmap[number / 64] >> (number % 64) & 1))
			goto unlock;
	}
	if (unlikely(!fast_lock(&port->object.lock)))
		goto unlock;
	fast_unlock(&task->lock);
	call_locked(self, port, true);
	live_slow_foreign();
unlock:
	fast_unlock(&task->lock);
	live_slow_foreign();
}

_Noreturn void KIND(ipc_fast_reply_wait)(void)
{
	struct thread *self = current_thread();
	struct ipc_space *space = self->space;
	struct thread *caller = self->ipc.owes;
	struct ipc_object *object;
	struct ipc_entry *entry;

	if (unlikely(caller == NULL))
		live_slow_reply_wait();
	if (unlikely((self->regs.rbx_high & ~(REPLY_KEEP | REPLY_TRAILERS)) != 0))
		live_slow_reply_wait();
	if (unlikely(self->regs.r15_high > IPC_WORDS))
		live_slow_reply_wait();
	/* What the name means, with nothing to receive in it and its slot free. */
	if (unlikely(!fast_lock(&space->lock)))
		live_slow_reply_wait();
	entry = ipc_entry_at(space, self->regs.rbx_low);
	if (unlikely((uint8_t)entry->bits != generation(self)) ||
		unlikely(!(entry->bits & (MACH_PORT_TYPE_RECEIVE | MACH_PORT_TYPE_PORT_SET))))
		goto unlock_space;
	object = entry->object;
	if (unlikely(!fast_lock(&object->lock)))
		goto unlock_space;
	if (unlikely(*own_slot(object) != NULL) || unlikely(!list_empty(ipc_object_pending(object))))
		goto unlock_object_and_space;
	fast_unlock(&space->lock);
	if (unlikely(!fast_lock(&caller->lock)))
		goto unlock_object;
	/* A caller that waits so is RECEIVED; the server says whether by us. */
	if ((unlikely(!can_run(caller, RUN_WORD_CALLS)) && unlikely(!can_run_as_set(self, caller))) ||
		unlikely(caller->ipc.server != self))
		goto unlock_caller;
	if (sched_better_ready(caller->run_priority))
		goto unlock_caller;
	if (unlikely(!fast_lock(&self->lock)))
		goto unlock_caller;
	if (!can_leave(self))
		goto unlock_self;

	/* --- POINT OF NO RETURN --- */
	*own_slot(object) = self;
	fast_unlock(&object->lock);

	self->ipc.owes = NULL;
	self->ipc.wait_object = object;
	self->regs.rbx_high |= REPLY_NONE;
	self->run_priority = self->priority;
	self->continuation = ipc_reply_wait_continue;
	self->run_word = RUN_WORD_RECEIVES;

	caller->ipc.call_state = IPC_CALL_NONE;
	caller->ipc.server = NULL;
	caller->run_word = RUN_WORD_RUNS;
	fast_unlock(&caller->lock);

	/* When self's lock is free the next message may change its registers. */
	LIVE_R14 = caller->regs.r14;
	if (likely(!caller->ipc.call_foreign)) {
		uint64_t count = self->regs.r15_high;

		fast_unlock(&self->lock);
		live_leave(caller, count);
	}
	if (!(self->regs.rbx_high & REPLY_KEEP)) {
		caller->regs.rax = LIVE_WORD(0);
	} else if (!caller->regs.by_syscall) {
		fast_unlock(&self->lock);
		live_leave_as_set(caller);
	}
	fast_unlock(&self->lock);
	LIVE_WORD(0) = caller->regs.word[0];
	LIVE_WORD(1) = caller->regs.word[1];
	LIVE_WORD(2) = caller->regs.word[2];
	LIVE_WORD(3) = caller->regs.word[3];
	LIVE_WORD(4) = caller->regs.word[4];
	LIVE_WORD(5) = caller->regs.word[5];
	LIVE_WORD(6) = caller->regs.word[6];
	LIVE_WORD(7) = caller->regs.word[7];
	live_leave_foreign(caller, caller->regs.rbx);

unlock_self:
	fast_unlock(&self->lock);
unlock_caller:
	fast_unlock(&caller->lock);
unlock_object:
	fast_unlock(&object->lock);
	live_slow_reply_wait();
unlock_object_and_space:
	fast_unlock(&object->lock);
unlock_space:
	fast_unlock(&space->lock);
	live_slow_reply_wait();
}
