/*
 * The register path, fast: a call or reply whose other side waits for it, from registers to registers.
 *
 * Each function first checks, each check leaving to the full path with nothing changed; then comes the POINT OF NO RETURN, after which nothing can
 * fail. The full path gives the same result for everything that is sent back to it.
 *
 * Why it is right on several processors. Two threads change: the current one (self), which becomes WAITING, and the other, which is WAITING and
 * becomes the current one. Both are changed under their thread locks, and the lists they are on under the lock of the port or set.
 *   - The other thread last ran on this processor (thread->processor), which is now running self: so no processor still holds it
 *     (on_processor is false, as in thread_claim), and its FPU state is here or in memory.
 *   - It cannot be woken by a timer or an abort while we look: those take its lock, which we hold from the check to the commit.
 *   - Self is RUNNING here. Others may only set its ast, under its lock; we look at ast under that lock before self becomes WAITING. So an abort or a
 *     termination is either seen by us, or finds self WAITING in the state that the full path would have left it in.
 *   - Own lock after the other's, whatever their addresses: whoever holds a thread's lock and wants its own has found the first WAITING. A
 *     cycle would need a thread that is WAITING and runs this code.
 *   - The reply's receiver list is joined under the object's lock, after its queue was found empty under the same lock: as in ipc_mqueue.c.
 *   - The caller waits with a deadline nobody set and the receiver without one: neither has a timer.
 */
#include <ipc/ipc_internal.h>
#include <kern/processor.h>
#include <mach/trap.h>

#define likely(x) __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)

/* True if a thread of higher priority is ready here, so that switching directly to one of `priority` would be unfair. */
static inline bool
better_ready(const struct processor *processor, unsigned priority)
{
	if (likely((processor->queue.bitmap[0] | processor->queue.bitmap[1]) == 0))
		return false;
	if (priority >= 64)
		return processor->queue.bitmap[1] >> 1 >> (priority - 64) != 0;
	return processor->queue.bitmap[1] != 0 || processor->queue.bitmap[0] >> 1 >> priority != 0;
}

/* Can run here at once, and go to user mode without a look at anything. Thread locked. */
static inline bool
can_run(const struct thread *thread, const struct processor *processor)
{
	return thread->state == THREAD_WAITING && thread->processor == processor && !thread->on_processor && thread->ast == 0;
}

static inline void
copy_words(uint64_t *to, const uint64_t *from)
{
	to[0] = from[0];
	to[1] = from[1];
	to[2] = from[2];
	to[3] = from[3];
	to[4] = from[4];
	to[5] = from[5];
}

/* The other thread runs. Locked. */
static inline void
commit_run(struct thread *thread)
{
	thread->state = THREAD_RUNNING;
	thread->on_processor = true;
	thread->wait_kind = WAIT_NONE;
	thread->wait_result = WAIT_AWAKENED;
}

/* Self waits. Locked. */
static inline void
commit_wait(struct thread *self, enum wait_kind kind, continuation_t continuation)
{
	self->state = THREAD_WAITING;
	self->on_processor = false;
	self->wait_kind = kind;
	self->wait_interruptible = true;
	self->wait_result = WAIT_WAITING;
	self->wait_deadline = UINT64_MAX;
	self->continuation = continuation;
}

/*
 * A call on a port, which is locked; unlocks it. The words are in self->regs. Null: nothing changed but the lock.
 */
static inline struct thread *
call_locked(struct thread *self, struct ipc_port *port, bool foreign, uint64_t count_and_kind, uint64_t id)
{
	struct processor *processor = current_processor();
	struct ipc_object *object = &port->object;
	struct thread *receiver;
	struct list *link;

	if (unlikely(!object->active || object->type != IKOT_NONE || !list_empty(&port->queue)))
		goto slow;
	if (list_empty(&object->receivers) && port->set != NULL) {
		object = &port->set->object;
		lock_acquire(&object->lock);
	}
	link = object->receivers.next;
	if (unlikely(link == &object->receivers))
		goto slow_set;
	receiver = container_of(link, struct thread, wait_link);
	lock_acquire(&receiver->lock);
	if (unlikely(!can_run(receiver, processor) || !receiver->ipc.receive_words))
		goto slow_receiver;
	lock_acquire_nested(&self->lock);
	if (unlikely(self->ast != 0))
		goto slow_self;

	/* --- POINT OF NO RETURN --- */
	list_remove(link);
	receiver->ipc.wait_object = NULL;
	(void)ref_drop(&object->refs); /* not the last: its receive right, or the set's name, is there */
	if (object != &port->object)
		lock_release(&object->lock);
	port->seqno++;
	receiver->regs.r14 = port->label;
	receiver->ipc.owes_on = port;
	lock_release(&port->object.lock);

	receiver->regs.rax = MACH_MSG_SUCCESS;
	receiver->regs.rbx = id << 32 | count_and_kind;
	copy_words(receiver->regs.word, self->regs.word);
	receiver->regs.word[6] = foreign ? self->word : self->regs.word[6];
	receiver->regs.word[7] = foreign ? 0 : self->regs.word[7];
	receiver->ipc.owes = self;
	ref_take(&self->refs);
	if (receiver->run_priority < self->run_priority)
		receiver->run_priority = self->run_priority;
	commit_run(receiver);
	lock_release(&receiver->lock);

	self->ipc.call_state = IPC_CALL_RECEIVED;
	self->ipc.call_foreign = foreign;
	self->ipc.server = receiver;
	self->ipc.reply_port = NULL;
	commit_wait(self, WAIT_IPC_REPLY, ipc_call_continue);
	lock_release(&self->lock);
	if (foreign)
		count_event(foreign_calls);
	count_event(messages_register);
	return receiver;

slow_self:
	lock_release(&self->lock);
slow_receiver:
	lock_release(&receiver->lock);
slow_set:
	if (object != &port->object)
		lock_release(&object->lock);
slow:
	lock_release(&port->object.lock);
	return NULL;
}

struct thread *
ipc_fast_call(struct thread *self)
{
	struct ipc_space *space = self->task->space;
	uint64_t target = self->regs.rbx, count = self->regs.r14;
	struct ipc_entry *entry;
	struct ipc_port *port;

	if (unlikely(count > IPC_WORDS))
		return NULL;
	lock_acquire(&space->lock);
	entry = ipc_entry_lookup(space, (mach_port_name_t)target);
	if (unlikely(entry == NULL || !(entry->bits & MACH_PORT_TYPE_SEND))) {
		lock_release(&space->lock);
		return NULL;
	}
	port = ipc_object_port(entry->object);
	lock_acquire(&port->object.lock);
	lock_release(&space->lock);
	return call_locked(self, port, false, count | DELIVERED_CALL, target >> 32);
}

struct thread *
ipc_fast_foreign(struct thread *self)
{
	struct task *task = self->task;
	uint64_t number = self->regs.rax;
	struct ipc_port *port;

	lock_acquire(&task->lock);
	port = task->foreign_port;
	if (unlikely(port == NULL))
		goto slow;
	if (unlikely(task->foreign_setting != FOREIGN_PORT)) {
		if (task->foreign_setting != FOREIGN_MIXED)
			goto slow;
		if (number < FOREIGN_BITMAP_WORDS * 64 && (task->foreign_bitmap[number / 64] >> (number % 64) & 1))
			goto slow;
	}
	lock_acquire(&port->object.lock);
	lock_release(&task->lock);
	return call_locked(self, port, true, IPC_FOREIGN_WORDS | DELIVERED_CALL | DELIVERED_FOREIGN, (uint32_t)number);
slow:
	lock_release(&task->lock);
	return NULL;
}

/* The object that a receive name means, locked, with nothing to receive in it; null otherwise. */
static inline struct ipc_object *
idle_object(struct thread *self, mach_port_name_t name)
{
	struct ipc_space *space = self->task->space;
	struct ipc_object *object = NULL;
	struct ipc_entry *entry;

	lock_acquire(&space->lock);
	entry = ipc_entry_lookup(space, name);
	if (likely(entry != NULL && (entry->bits & (MACH_PORT_TYPE_RECEIVE | MACH_PORT_TYPE_PORT_SET)))) {
		object = entry->object;
		lock_acquire(&object->lock);
		if (unlikely(object->is_set ? !list_empty(&ipc_object_set(object)->ready) :
					      !list_empty(&ipc_object_port(object)->queue))) {
			lock_release(&object->lock);
			object = NULL;
		}
	}
	lock_release(&space->lock);
	return object;
}

struct thread *
ipc_fast_reply_wait(struct thread *self)
{
	struct processor *processor = current_processor();
	uint64_t target = self->regs.rbx, flags = target >> 32, count = self->regs.r15 >> 32;
	struct thread *caller = self->ipc.owes;
	struct ipc_object *object;

	if (unlikely((flags & ~(uint64_t)REPLY_KEEP) != 0 || caller == NULL || count > IPC_WORDS))
		return NULL;
	object = idle_object(self, (mach_port_name_t)target);
	if (unlikely(object == NULL))
		return NULL;
	lock_acquire(&caller->lock);
	if (unlikely(!can_run(caller, processor) || caller->ipc.call_state != IPC_CALL_RECEIVED || caller->ipc.server != self ||
		    better_ready(processor, caller->run_priority)))
		goto slow_caller;
	lock_acquire_nested(&self->lock);
	if (unlikely(self->ast != 0))
		goto slow_self;

	/* --- POINT OF NO RETURN --- */
	list_add_head(&object->receivers, &self->wait_link);
	ref_take(&object->refs);
	lock_release(&object->lock);

	if (caller->ipc.call_foreign) {
		if (!(flags & REPLY_KEEP))
			caller->regs.rax = self->regs.word[0];
	} else {
		copy_words(caller->regs.word, self->regs.word);
		caller->regs.word[6] = self->regs.word[6];
		caller->regs.word[7] = self->regs.word[7];
		caller->regs.rax = MACH_MSG_SUCCESS;
		caller->regs.rbx = count;
	}
	caller->ipc.call_state = IPC_CALL_NONE;
	caller->ipc.server = NULL;
	commit_run(caller);
	lock_release(&caller->lock);
	(void)ref_drop(&caller->refs); /* not the last: it runs */

	self->ipc.owes = NULL;
	self->ipc.owes_on = NULL;
	self->ipc.wait_object = object;
	self->ipc.receive_words = true;
	self->regs.rbx = target | (uint64_t)REPLY_NONE << 32;
	self->run_priority = self->priority;
	commit_wait(self, WAIT_IPC_RECEIVE, ipc_reply_wait_continue);
	lock_release(&self->lock);
	return caller;

slow_self:
	lock_release(&self->lock);
slow_caller:
	lock_release(&caller->lock);
	lock_release(&object->lock);
	return NULL;
}
