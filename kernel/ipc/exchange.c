/*
 * mach_msg, the short way: a small plain message to a thread that waits for it in mach_msg, and the wait for the next.
 *
 * This is the buffered RPC between two tasks, both its halves: a request by a send right with a right to reply made, or
 * a reply by a send-once right; then the sender waits at a port or set that has nothing for it. The order is that of
 * fast.c: all checks first, each leaving to the full path (mach_msg.c) with nothing changed; then the POINT OF NO
 * RETURN; then the switch to the receiver, in whose address space the message is completed and stored.
 *
 * The bytes pass through the block that the processor would use for its next small message. It is not taken unless
 * something does not go by itself on the receiver's side (no buffer there, no room for a name): then the message goes
 * on as on the full path, in receiver->ipc.taking.
 *
 * Locks, all held together from the checks to the commit: the sender's space, the destination, what the sender will
 * wait at, the destination's set, the receiver, the sender. They are tried, never waited for; one that is taken is a
 * reason to leave. Under the space's lock its receive rights stay where they are, so the ports found by them are alive
 * and in nobody else's hands. Both threads are changed under their locks, so an abort or a termination of the sender is
 * either seen in its ast or finds it waiting, and one of the receiver comes before the claim or waits for the next
 * return to user mode.
 *
 * exchange_one.c compiles this file again for a machine on which one processor runs, where no lock is ever held by
 * somebody else, and nothing happens between the checks and the arrival.
 */
#ifndef PORTOLAN_HOST
#pragma GCC optimize("omit-frame-pointer")
#endif
#include <ipc/ipc_internal.h>
#include <kern/processor.h>
#include <mach/trap.h>
#include <string.h>

#define REQUEST_BITS MACH_MSGH_BITS(MACH_MSG_TYPE_COPY_SEND, MACH_MSG_TYPE_MAKE_SEND_ONCE)
#define REPLY_BITS   MACH_MSGH_BITS(MACH_MSG_TYPE_MOVE_SEND_ONCE, 0)
/* As the receiver sees them. */
#define REQUEST_BITS_RECEIVED MACH_MSGH_BITS(MACH_MSG_TYPE_PORT_SEND_ONCE, MACH_MSG_TYPE_PORT_SEND)
#define REPLY_BITS_RECEIVED   MACH_MSGH_BITS(0, MACH_MSG_TYPE_PORT_SEND_ONCE)
/* Options that make no difference before the message is stored. */
#define OPTIONS_LATER (MACH_RCV_LARGE | MACH_RCV_TRAILER_SENDER | MACH_RCV_TRAILER_TOKENS)

#ifdef IPC_EXCHANGE_ONE_PROCESSOR
#define SEVERAL      false
#define ipc_exchange ipc_exchange_one
#else
#define SEVERAL true
#endif

#define likely(x)   __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)

#define ALWAYS_INLINE static inline __attribute__((always_inline))

ALWAYS_INLINE bool try(struct lock *lock)
{
	return !SEVERAL || likely(lock_try(lock));
}

ALWAYS_INLINE void release(struct lock *lock)
{
	if (SEVERAL)
		lock_release(lock);
}

/*
 * The name of the right to reply in the receiver's space; MACH_PORT_NULL: it did not go by itself. Consumed on success.
 */
ALWAYS_INLINE mach_port_name_t name_reply_right(struct ipc_space *space, struct ipc_port *port)
{
	mach_port_name_t name = MACH_PORT_NULL;
	struct ipc_entry *entry;

	if (SEVERAL)
		lock_acquire(&space->lock);
	if (!SEVERAL || (likely(space->active) && likely(ipc_port_active(port)))) {
		entry = ipc_entry_take_free(space, &name);
		if (likely(entry != NULL)) {
			entry->object = &port->object;
			entry->bits |= MACH_PORT_TYPE_SEND_ONCE;
			entry->urefs = 1;
		}
	}
	release(&space->lock);
	return name;
}

/* The buffer was not there: the right to reply leaves the space again, unless somebody there has used it meanwhile. */
static __attribute__((noinline)) void take_back(struct ipc_space *space, mach_port_name_t name, struct ipc_kmsg *kmsg)
{
	struct ipc_entry *entry;
	struct ipc_port *port = NULL;
	bool dead;

	if (kmsg->local_port == NULL)
		return;
	lock_acquire(&space->lock);
	entry = ipc_entry_lookup(space, name);
	if (entry != NULL && entry->object == &kmsg->local_port->object)
		(void)ipc_right_copyin(space, name, MACH_MSG_TYPE_MOVE_SEND_ONCE, &port, &dead);
	lock_release(&space->lock);
	if (port == NULL) {
		kmsg->local_port = NULL;
		kmsg->local_disposition = 0;
	}
}

/*
 * The message did not arrive by itself: it becomes one of the full path, on the account of who keeps it waiting, with
 * the right that it was sent by as it was before.
 */
static __attribute__((noinline)) void make_whole(struct thread *receiver, struct ipc_kmsg *kmsg, bool request)
{
	struct ipc_port *port = kmsg->remote_port;

	(void)ipc_kmsg_spare_take(); /* this one */
	list_init(&kmsg->element.link);
	kmsg->element.is_caller = false;
	kmsg->remote_disposition = request ? MACH_MSG_TYPE_PORT_SEND : MACH_MSG_TYPE_PORT_SEND_ONCE;
	kmsg->local_disposition = kmsg->local_port != NULL ? MACH_MSG_TYPE_PORT_SEND_ONCE : 0;
	kmsg->lost = kmsg->rights_done = false;
	kmsg->numbered = true;
	kmsg->allocated = IPC_KMSG_SMALL;
	kmsg->descriptors = kmsg->slots = 0;
	kmsg->trouble = MACH_MSG_SUCCESS;
	kmsg->tokens = NULL;
	kmsg->account = receiver->task->account;
	account_charge_always(kmsg->account, IPC_KMSG_SMALL);
	/* Zero to a multiple of 8, as in every message. */
	memset((char *)&kmsg->header + kmsg->header.msgh_size, 0, -kmsg->header.msgh_size % 8);
	lock_acquire(&port->object.lock);
	if (request)
		port->srights++;
	else
		port->sorights++;
	lock_release(&port->object.lock);
}

/* On the receiver's side; it is current. False: the full path must deliver the message. */
ALWAYS_INLINE bool arrive(struct thread *self, struct ipc_kmsg *kmsg, bool request)
{
	mach_msg_header_t *header = &kmsg->header;
	mach_port_name_t name = MACH_PORT_NULL;
	mach_msg_size_t bytes;

	if (request) {
		name = name_reply_right(self->space, kmsg->local_port);
		if (unlikely(name == MACH_PORT_NULL))
			return false;
	}
	header->msgh_bits = request ? REQUEST_BITS_RECEIVED : REPLY_BITS_RECEIVED;
	header->msgh_remote_port = name;
	header->msgh_local_port = kmsg->local_name;
	bytes = ipc_kmsg_trailer(
		kmsg, (mach_msg_size_t)(self->regs.rdx >> 32), self->regs.rsi & MACH_RCV_TRAILER_SENDER);
	if (unlikely(machine_copy_to_user(self->regs.rdi, header, bytes) != 0)) {
		take_back(self->space, name, kmsg);
		return false;
	}
	count_events(bytes_copied, 2 * header->msgh_size);
	return true;
}

/* The switch, after which the sender is nobody's concern here. */
ALWAYS_INLINE void switch_to(struct thread *receiver, struct ipc_kmsg *kmsg, bool request)
{
	machine_switch_to(receiver);
	if (unlikely(receiver->wait_timer.processor != NULL))
		timer_cancel(&receiver->wait_timer);
	if (likely(arrive(receiver, kmsg, request))) {
		receiver->ipc.deadline = 0;
		receiver->regs.rax = MACH_MSG_SUCCESS;
		if (unlikely(ref_drop(&kmsg->remote_port->object.refs))) {
			ipc_defer_free(&kmsg->remote_port->object);
			ipc_deferred_run();
		}
	} else {
		make_whole(receiver, kmsg, request);
		receiver->ipc.taking = kmsg;
		receiver->wait_result = WAIT_AWAKENED;
		ipc_mach_msg_continue(receiver);
	}
	thread_leave_kernel(receiver);
}

/*
 * The thread waits in mach_msg, its buffer is large enough by what it says, and it can run here with nothing to look at
 * on its way to user mode. Locked.
 */
ALWAYS_INLINE bool can_receive(const struct thread *thread, mach_msg_size_t size)
{
	return likely(thread->run_word == RUN_WORD_RECEIVES) && likely(!thread->ipc.receive_words) &&
	       likely((mach_msg_size_t)(thread->regs.rdx >> 32) >= size) && likely(thread->regs.rdi % 4 == 0) &&
	       likely(!(thread->regs.rsi & MACH_RCV_TRAILER_TOKENS)) &&
	       (!SEVERAL || likely(!machine_fpu_elsewhere(thread)));
}

/* The entries of the sender's space, which is locked: where to send, where to wait, what the right to reply is to. */
struct names {
	struct ipc_entry *to, *at, *reply;
};

ALWAYS_INLINE bool find_names(struct thread *self, const mach_msg_header_t *header, bool request, struct names *names)
{
	struct ipc_space *space = self->space;
	mach_port_name_t at = (mach_port_name_t)self->regs.r10;

	names->to = ipc_entry_at(space, header->msgh_remote_port);
	names->at = ipc_entry_at(space, at);
	names->reply = names->at;
	if (unlikely((uint8_t)names->to->bits != (uint8_t)header->msgh_remote_port) ||
		unlikely((uint8_t)names->at->bits != (uint8_t)at) ||
		unlikely(!(names->at->bits & (MACH_PORT_TYPE_RECEIVE | MACH_PORT_TYPE_PORT_SET))))
		return false;
	if (!request)
		return likely(ipc_entry_type(names->to) == MACH_PORT_TYPE_SEND_ONCE) &&
		       likely(names->to->request == NULL);
	if (header->msgh_local_port != at)
		names->reply = ipc_entry_lookup(space, header->msgh_local_port);
	return likely(names->reply != NULL) && likely(names->reply->bits & MACH_PORT_TYPE_RECEIVE) &&
	       likely(names->to->bits & MACH_PORT_TYPE_SEND);
}

/* Returns if it is not to be. */
ALWAYS_INLINE void exchange(struct thread *self, struct ipc_kmsg *kmsg, mach_msg_size_t size, bool request)
{
	struct ipc_space *space = self->space;
	struct ipc_object *waits, *object; /* where the sender will wait, where the receiver does */
	struct ipc_port *port;
	struct thread *receiver;
	struct names names;

	if (unlikely(!try(&space->lock)))
		return;
	if (unlikely(!find_names(self, &kmsg->header, request, &names)))
		goto unlock_space;
	port = ipc_object_port(names.to->object);
	waits = names.at->object;
	if (unlikely(!try(&port->object.lock)))
		goto unlock_space;
	if (unlikely(!port->object.active) || unlikely(ipc_port_is_kernel(port)) ||
		unlikely(!list_empty(&port->queue)) || unlikely(port->object.slot != NULL))
		goto unlock_port;
	if (unlikely(!try(&waits->lock)))
		goto unlock_port;
	if (unlikely(!list_empty(waits->is_set ? &ipc_object_set(waits)->ready : &ipc_object_port(waits)->queue)))
		goto unlock_waits;
	object = &port->object;
	if (list_empty(&object->receivers)) {
		if (unlikely(port->set == NULL))
			goto unlock_waits;
		object = &port->set->object;
		if (unlikely(!try(&object->lock)))
			goto unlock_waits;
		/* A thread in the slot, or a message in another member, comes first. */
		if (unlikely(list_empty(&object->receivers)) || unlikely(object->slot != NULL) ||
			unlikely(!list_empty(&ipc_object_set(object)->ready)))
			goto unlock_object;
	}
	receiver = container_of(object->receivers.next, struct thread, wait_link);
	if (unlikely(sched_better_ready(receiver->run_priority)) || unlikely(!try(&receiver->lock)))
		goto unlock_object;
	if (unlikely(!can_receive(receiver, size)) || unlikely(!try(&self->lock)))
		goto unlock_receiver;
	if (SEVERAL && unlikely(self->ast != 0))
		goto unlock_self;

	/* --- POINT OF NO RETURN --- */
	/* The right is used; the message goes with a reference only. */
	kmsg->remote_port = port;
	if (request) {
		ipc_object_reference(&port->object);
	} else {
		port->sorights--;
		names.to->object = NULL;
		ipc_entry_free(space, kmsg->header.msgh_remote_port, names.to);
	}
	kmsg->header.msgh_size = size;
	kmsg->sender_id = self->task->id;
	kmsg->numbered = false;
	ipc_kmsg_leaves(port, kmsg);
	list_remove(&receiver->wait_link);
	receiver->ipc.wait_object = NULL;
	ipc_object_release(object); /* not the last: its space has another */
	receiver->processor = current_processor();
	receiver->run_word = RUN_WORD_RUNS;
	release(&receiver->lock);
	if (object != &port->object)
		release(&object->lock);
	release(&port->object.lock);

	ipc_object_reference(waits);
	self->ipc.wait_object = waits;
	self->ipc.receive_words = false;
	list_add_head(&waits->receivers, &self->wait_link);
	self->regs.rax = (uint64_t)TRAP_MACH_MSG_RESUME;
	self->continuation = ipc_mach_msg_continue;
	self->run_word = RUN_WORD_RECEIVES;
	release(&self->lock);
	release(&waits->lock);
	kmsg->local_port = NULL;
	if (request) {
		struct ipc_port *reply = ipc_object_port(names.reply->object);

		if (SEVERAL)
			lock_acquire(&reply->object.lock);
		reply->sorights++;
		ipc_object_reference(&reply->object);
		release(&reply->object.lock);
		kmsg->local_port = reply;
	}
	release(&space->lock);
	count_event(messages_buffered);
	switch_to(receiver, kmsg, request);

unlock_self:
	release(&self->lock);
unlock_receiver:
	release(&receiver->lock);
unlock_object:
	if (object != &port->object)
		release(&object->lock);
unlock_waits:
	release(&waits->lock);
unlock_port:
	release(&port->object.lock);
unlock_space:
	release(&space->lock);
}

void ipc_exchange(struct thread *self)
{
	mach_msg_size_t size = (mach_msg_size_t)self->regs.rdx;
	const struct ipc_deferred *blocks = CURRENT_PROCESSOR->deferred;
	const struct task *task = self->task;
	const struct account *account = task->account;
	struct ipc_kmsg *kmsg;

	if (((mach_msg_option_t)self->regs.rsi & ~OPTIONS_LATER) != (MACH_SEND_MSG | MACH_RCV_MSG) ||
		size < sizeof(mach_msg_header_t) || size > IPC_KMSG_SMALL_IMAGE || size % 4 != 0)
		return;
	/*
	 * What an aborted trap has left; tokens to be sent along; a message that would not fit into the account, though
	 * it is gone so soon.
	 */
	if (unlikely(((uintptr_t)self->pending_kmsg | (uintptr_t)self->ipc.taking | (uintptr_t)task->tokens) != 0) ||
		unlikely(account->bytes + IPC_KMSG_SMALL > account->bytes_limit) || unlikely(blocks->spares == 0))
		return;
	kmsg = blocks->spare[blocks->spares - 1];
	if (likely(machine_copy_from_user(&kmsg->header, self->regs.rdi, size) == 0)) {
		if (kmsg->header.msgh_bits == REQUEST_BITS)
			exchange(self, kmsg, size, true);
		else if (kmsg->header.msgh_bits == REPLY_BITS)
			exchange(self, kmsg, size, false);
	}
}
