/*
 * The mach_msg trap, and the way of every message that is not in registers (doc/ipc.md): built in a block of the
 * processor, handed over to a thread that waits for it or queued, received. Rights and memory in bodies are taken in
 * copyin.c and arrive in copyout.c; how a queue is looked at is in receive.c.
 *
 * The trap is restartable from the saved registers at every point:
 *
 *   rax = TRAP_MACH_MSG          nothing has happened: the send takes all or nothing
 *   rax = TRAP_MACH_MSG_RESUME   the send is done; pending_kmsg: a kernel routine that has to wait; then the receive
 *
 * Waiting for room or for a message is a continuation that tries again; waiting for memory puts the thread back before
 * its syscall instruction. No argument register ever changes, only rax, which the trap returns in.
 */
#ifndef PORTOLAN_HOST
#pragma GCC optimize("omit-frame-pointer")
#endif
#include <ipc/ipc_internal.h>
#include <kern/trap.h>
#include <mach/trap.h>

#define NS_PER_MS 1000000ull
#define IPC_SEND_AGAIN 0x7fff0005

/* The deadline of this half of the trap; set by its first try. */
static uint64_t deadline_of(struct thread *self, bool timeout)
{
	uint64_t ms = (uint32_t)self->regs.r8;

	if (!timeout)
		return UINT64_MAX;
	if (self->ipc.deadline == 0)
		self->ipc.deadline = machine_now() + ms * NS_PER_MS;
	return self->ipc.deadline;
}

/* A kernel port's routine runs now; its reply is queued before the receive looks for it. */
static mach_msg_return_t send_to_kernel(struct thread *self, struct ipc_kmsg *kmsg)
{
	mach_msg_return_t result = ipc_kobject_message(kmsg, true);

	self->pending_kmsg = result == KERN_RESTART ? kmsg : NULL;
	return result;
}

/* --- The way of a message: the numbers are those of doc/ipc.md. */


/* Whether a complex message is as long as it must be for its descriptors. */
static mach_msg_return_t count_valid(const mach_msg_header_t *header, mach_msg_size_t size)
{
	const mach_msg_body_t *body = (const mach_msg_body_t *)(header + 1);

	if (size < sizeof(*header) + sizeof(*body))
		return MACH_SEND_MSG_TOO_SMALL;
	if (body->msgh_descriptor_count > MACH_MSG_DESCRIPTORS_MAX)
		return MACH_SEND_TOO_LARGE;
	if (size < sizeof(*header) + sizeof(*body) + body->msgh_descriptor_count * sizeof(mach_msg_descriptor_t))
		return MACH_SEND_MSG_TOO_SMALL;
	return MACH_MSG_SUCCESS;
}

/* What is wrong with the size of a message that is not to be read. */
static mach_msg_return_t size_invalid(mach_msg_size_t size)
{
	if (size < sizeof(mach_msg_header_t))
		return MACH_SEND_MSG_TOO_SMALL;
	return size > MACH_MSG_SIZE_MAX ? MACH_SEND_TOO_LARGE : MACH_SEND_INVALID_HEADER;
}

/* The bytes of a message at a user address, checked. KERN_RESTART or MACH_SEND_*: there is no message. */
static inline mach_msg_return_t read_message(
	struct thread *self, vm_address_t address, mach_msg_size_t size, struct ipc_kmsg **out)
{
	mach_msg_return_t result = MACH_MSG_SUCCESS;
	struct task *task = self->task;
	struct ipc_kmsg *kmsg;
	mach_msg_header_t *header;

	if (size - sizeof(*header) > MACH_MSG_SIZE_MAX - sizeof(*header) || size % 4 != 0)
		return size_invalid(size);
	kmsg = size <= IPC_KMSG_SMALL_IMAGE ? ipc_kmsg_small(task->account) : ipc_kmsg_large(task->account, size);
	if (kmsg == NULL)
		return MACH_SEND_NO_BUFFER;
	header = &kmsg->header;
	/* Behind the image zero to a multiple of 8, as in every message. */
	*(uint32_t *)((char *)kmsg + offsetof(struct ipc_kmsg, header) + size) = 0;
	if (size > IPC_KMSG_SMALL_IMAGE || machine_copy_from_user(header, address, size) != 0) {
		kern_return_t copied = copyin(address, header, size);

		if (copied != KERN_SUCCESS)
			result = copied == KERN_RESTART ? KERN_RESTART : MACH_SEND_INVALID_DATA;
	}
	header->msgh_size = size;
	if (header->msgh_bits & MACH_MSGH_BITS_COMPLEX) {
		unsigned descriptors = ((mach_msg_body_t *)(header + 1))->msgh_descriptor_count;

		if (result == MACH_MSG_SUCCESS)
			result = count_valid(header, size);
		if (result == MACH_MSG_SUCCESS && descriptors != 0 &&
			(kmsg = ipc_kmsg_make_slots(kmsg, descriptors)) == NULL)
			return MACH_SEND_NO_BUFFER;
	}
	if (result != MACH_MSG_SUCCESS) {
		ipc_kmsg_free(kmsg);
		return result;
	}
	ipc_kmsg_sent_by(kmsg, task);
	*out = kmsg;
	return MACH_MSG_SUCCESS;
}

/* --- 4. */

#define REQUEST MACH_MSGH_BITS(MACH_MSG_TYPE_COPY_SEND, MACH_MSG_TYPE_MAKE_SEND_ONCE)
#define ONE_WAY MACH_MSGH_BITS(MACH_MSG_TYPE_COPY_SEND, 0)
#define ANSWER  MACH_MSGH_BITS(MACH_MSG_TYPE_MOVE_SEND_ONCE, 0)

/* Space locked: the header's rights, if they are those of the commonest messages; else nothing is taken. */
static inline bool take_request(struct ipc_space *space, struct ipc_kmsg *kmsg, bool replies)
{
	mach_msg_header_t *header = &kmsg->header;
	struct ipc_entry *to = ipc_entry_at(space, header->msgh_remote_port), *reply;
	struct ipc_port *port, *reply_port;

	if (!ipc_entry_has(to, header->msgh_remote_port, MACH_PORT_TYPE_SEND))
		return false;
	port = ipc_object_port(to->object);
	/* Read without the port's lock: a queue may come to hold as many more as there are processors. */
	if (!ipc_object_active(&port->object) || ipc_mqueue_full(port))
		return false;
	kmsg->remote_port = port; /* a body may carry its receive right, and that of the reply port */
	reply = ipc_entry_at(space, header->msgh_local_port);
	reply_port = ipc_object_port(reply->object);
	if ((replies && !ipc_entry_has(reply, header->msgh_local_port, MACH_PORT_TYPE_RECEIVE)) ||
		(kmsg->rights && !ipc_kmsg_rights_in(space, kmsg))) {
		kmsg->remote_port = NULL;
		return false;
	}
	kmsg->remote_disposition = MACH_MSG_TYPE_PORT_SEND;
	if (replies) {
		kmsg->local_port = reply_port;
		kmsg->local_disposition = MACH_MSG_TYPE_PORT_SEND_ONCE;
		lock_acquire(&reply_port->object.lock);
		reply_port->sorights++;
		ipc_object_reference(&reply_port->object);
		lock_release(&reply_port->object.lock);
	}
	lock_acquire(&port->object.lock);
	port->srights++;
	ipc_object_reference(&port->object);
	return true;
}

/* The same for a reply by a send-once right. */
static inline bool take_answer(struct ipc_space *space, struct ipc_kmsg *kmsg)
{
	mach_port_name_t name = kmsg->header.msgh_remote_port;
	struct ipc_entry *to = ipc_entry_at(space, name);
	struct ipc_port *port;

	if (kmsg->rights || !ipc_entry_has(to, name, MACH_PORT_TYPE_SEND_ONCE) || to->request != NULL)
		return false;
	port = ipc_object_port(to->object);
	if (!ipc_object_active(&port->object))
		return false;
	to->object = NULL;
	ipc_entry_free(space, name, to);
	kmsg->remote_port = port;
	kmsg->remote_disposition = MACH_MSG_TYPE_PORT_SEND_ONCE;
	lock_acquire(&port->object.lock);
	return true;
}

/*
 * The rights of the commonest messages, in one look: a request by a send right with or without a right to reply
 * made, which may have rights in its body, and a reply by a send-once right. False, with nothing taken: anything else
 * about them, also a full queue, is for ipc_kmsg_take_all to find out. True: the destination is locked.
 */
static inline bool take_common(struct ipc_space *space, struct ipc_kmsg *kmsg)
{
	mach_msg_bits_t bits = kmsg->header.msgh_bits & ~MACH_MSGH_BITS_COMPLEX;
	bool taken = false;

	lock_acquire(&space->lock);
	if (bits == REQUEST || bits == ONE_WAY)
		taken = take_request(space, kmsg, bits == REQUEST);
	else if (bits == ANSWER)
		taken = take_answer(space, kmsg);
	lock_release(&space->lock);
	return taken;
}

/* MACH_MSG_SUCCESS: the destination is locked. KERN_RESTART, IPC_SEND_FULL, MACH_SEND_*: nothing taken. */
static inline mach_msg_return_t take_message(struct thread *self, struct ipc_kmsg *kmsg)
{
	mach_msg_return_t result = MACH_MSG_SUCCESS;

	if (kmsg->descriptors != 0)
		result = ipc_kmsg_read_body(self, kmsg);
	if (result == MACH_MSG_SUCCESS && !take_common(self->space, kmsg))
		result = ipc_kmsg_take_all(self, kmsg);
	if (result == MACH_MSG_SUCCESS && kmsg->memory) {
		lock_release(&kmsg->remote_port->object.lock);
		ipc_kmsg_settle(self, kmsg);
		lock_acquire(&kmsg->remote_port->object.lock);
	}
	return result;
}

/* --- 5 to 7. */

/* A claimed thread that is not switched to after all: on the run queue. */
static void unclaim(struct thread *claimed)
{
	if (claimed == NULL)
		return;
	lock_acquire(&claimed->lock);
	claimed->state = THREAD_READY;
	claimed->on_processor = false;
	sched_enqueue(claimed);
	lock_release(&claimed->lock);
}

/* If the thread waits in mach_msg: with a buffer that is large enough by what it says, and it can run here at once. */
static inline bool can_take(const struct thread *receiver, mach_msg_size_t size)
{
	return (mach_msg_size_t)(receiver->regs.rdx >> 32) >= size && !thread_bound_elsewhere(receiver);
}

/*
 * Port locked: hands the message to the thread in a slot, if that waits in mach_msg and is the one that a message
 * posted now would wake; claimed. Null: post it.
 */
static inline struct thread *hand_over(struct ipc_port *port, struct ipc_kmsg *kmsg)
{
	struct ipc_object *object = &port->object;
	struct thread *receiver = NULL, *first, **slot = ipc_mqueue_first(object);
	struct ipc_pset *set = NULL;

	if (slot == NULL) {
		set = port->set;
		if (set == NULL || !list_empty(&object->receivers))
			return NULL;
		object = &set->object;
		lock_acquire(&object->lock);
		slot = ipc_mqueue_first(object);
	}
	first = slot != NULL ? *slot : NULL;
	if (__builtin_expect(
		    first != NULL && can_take(first, kmsg->header.msgh_size) && thread_claim_receiver(first), 1)) {
		receiver = first;
		*slot = NULL;
		receiver->ipc.wait_object = NULL;
		/* As if it had taken it from the queue; but the message keeps the right that it was sent by. */
		ipc_kmsg_leaves(port, kmsg);
		receiver->ipc.taking = kmsg;
	}
	if (set != NULL)
		lock_release(&set->object.lock);
	return receiver;
}

/* The destination is locked, and is not when this returns. *claimed: with `claim` a receiver to switch to, or null. */
static inline __attribute__((always_inline)) mach_msg_return_t deliver(struct ipc_kmsg *kmsg, bool claim, struct thread **claimed)
{
	struct ipc_port *port = kmsg->remote_port;
	struct thread *receiver = NULL;

	if (!port->object.active) {
		lock_release(&port->object.lock);
		ipc_kmsg_destroy(kmsg);
		return MACH_SEND_INVALID_DEST;
	}
	count_event(messages_buffered);
	if (claim)
		receiver = hand_over(port, kmsg);
	if (receiver == NULL)
		receiver = ipc_mqueue_post(port, &kmsg->element, claim);
	lock_release(&port->object.lock);
	*claimed = receiver;
	return MACH_MSG_SUCCESS;
}

mach_msg_return_t ipc_kmsg_deliver(struct ipc_kmsg *kmsg)
{
	struct ipc_port *port = kmsg->remote_port;
	struct thread *nobody;

	/* A dead one is found so by deliver. */
	if (ipc_port_is_kernel(port) && ipc_port_active(port))
		return ipc_kobject_message(kmsg, false);
	lock_acquire(&port->object.lock);
	return deliver(kmsg, false, &nobody);
}

/* --- 8 to 10. */

/*
 * What is in most messages: bytes, and perhaps a right to reply, which gets the next free name. The bytes are copied
 * before the name is given, so they are their own proof: false if there is no buffer or it is something else, and
 * nothing has happened.
 */
static inline bool arrive(struct thread *self, struct ipc_kmsg *kmsg, vm_address_t buffer, mach_msg_size_t all)
{
	mach_msg_header_t *header = &kmsg->header;
	struct ipc_port *port = kmsg->local_port;
	struct ipc_space *space = self->space;
	struct ipc_entry *entry;
	bool arrived = false;

	if (port == NULL)
		return machine_copy_to_user(buffer, header, all) == 0;
	if (kmsg->local_disposition != MACH_MSG_TYPE_PORT_SEND_ONCE || !ipc_object_active(&port->object))
		return false;
	lock_acquire(&space->lock);
	entry = space->active ? ipc_entry_next_free(space, &header->msgh_remote_port) : NULL;
	if (entry != NULL && machine_copy_to_user(buffer, header, all) == 0) {
		ipc_entry_take_next(space, entry, &port->object, MACH_PORT_TYPE_SEND_ONCE);
		kmsg->local_port = NULL;
		arrived = true;
	}
	lock_release(&space->lock);
	return arrived;
}

/*
 * The rest of them: the buffer is probed, for rights that have become names do not go back; then rights, memory and
 * bytes arrive, in that order. KERN_RESTART, MACH_RCV_*: kept, or back in its queue.
 */
static __attribute__((noinline)) mach_msg_return_t arrive_in_steps(
	struct thread *self, struct ipc_kmsg *kmsg, vm_address_t buffer, mach_msg_size_t size, mach_msg_size_t all)
{
	kern_return_t result;

	if (kmsg->remote_port != NULL) {
		mach_msg_size_t needed = ipc_buffer_needed(kmsg->header.msgh_size, size);
		uint32_t word;

		/* What lies in one page needs one look. */
		result = KERN_SUCCESS;
		if (buffer % 4 != 0 || trunc_page(buffer) != trunc_page(buffer + needed - 1) ||
			!machine_load_user_word(buffer, &word) || !machine_store_user_word(buffer, word))
			result = ipc_buffer_probe(self, buffer, needed);
		if (result == KERN_RESTART)
			return KERN_RESTART;
		if (result != MACH_MSG_SUCCESS) {
			ipc_receive_give_up(self);
			return result;
		}
		ipc_kmsg_release_destination(kmsg);
	}
	if (!kmsg->rights_done) {
		ipc_kmsg_rights_out(self->space, kmsg);
		kmsg->rights_done = true;
		deferred_run();
	}
	if (kmsg->memory && ipc_kmsg_memory_out(self, kmsg) == KERN_RESTART)
		return KERN_RESTART;
	result = KERN_SUCCESS;
	if (all > ipc_kmsg_image_bytes(kmsg->header.msgh_size) - offsetof(struct ipc_kmsg, header) ||
		machine_copy_to_user(buffer, &kmsg->header, all) != 0)
		result = ipc_kmsg_store(kmsg, buffer, all);
	if (result == KERN_RESTART)
		return KERN_RESTART;
	return result == KERN_SUCCESS ? kmsg->trouble : MACH_RCV_INVALID_DATA;
}

/* What left its queue goes to user memory. Part of a hand-over: a call would save and fetch what nobody needs. */
static inline __attribute__((always_inline)) int64_t finish(
	struct thread *self, vm_address_t buffer, mach_msg_size_t size, mach_msg_option_t trailer)
{
	struct ipc_kmsg *kmsg = self->ipc.taking;
	mach_msg_header_t *header = &kmsg->header;
	mach_msg_return_t result = MACH_MSG_SUCCESS;
	mach_msg_size_t all = ipc_kmsg_trailer(kmsg, size, trailer);

	if (!kmsg->rights_done) {
		/* The header as the receiver sees it: remote is where to reply. */
		header->msgh_bits = MACH_MSGH_BITS(kmsg->local_disposition, kmsg->remote_disposition) |
				    (header->msgh_bits & MACH_MSGH_BITS_COMPLEX);
		header->msgh_remote_port = MACH_PORT_NULL;
	}
	if ((kmsg->descriptors | kmsg->rights_done | buffer % 4 | (trailer & MACH_RCV_TRAILER_TOKENS)) != 0 ||
		!arrive(self, kmsg, buffer, all)) {
		result = arrive_in_steps(self, kmsg, buffer, size, all);
		if (self->ipc.taking == NULL || result == KERN_RESTART)
			return result;
	} else if (kmsg->remote_port != NULL) {
		ipc_kmsg_release_destination(kmsg);
	}
	count_events(bytes_copied, kmsg->header.msgh_size);
	self->ipc.taking = NULL;
	ipc_kmsg_free(kmsg); /* all it carried has arrived */
	return result;
}

int64_t ipc_receive_finish(struct thread *self, vm_address_t buffer, mach_msg_size_t size, mach_msg_option_t trailer)
{
	return finish(self, buffer, size, trailer);
}

/* --- The trap. */

/* All was sent to nobody; IPC_SEND_AGAIN: there is room now. IPC_SEND_WAIT: the thread is marked waiting for room. */
static __attribute__((noinline)) mach_msg_return_t not_sent(
	struct thread *self, struct ipc_kmsg *kmsg, mach_msg_return_t result)
{
	mach_msg_option_t option = (mach_msg_option_t)self->regs.rsi;
	mach_port_name_t name = kmsg->header.msgh_remote_port;

	ipc_kmsg_destroy(kmsg);
	if (result != IPC_SEND_FULL)
		return result;
	result = ipc_send_full(self, name, option, deadline_of(self, option & MACH_SEND_TIMEOUT),
		(mach_port_name_t)self->regs.r9);
	return result == MACH_MSG_SUCCESS ? IPC_SEND_AGAIN : result;
}

/* As not_sent, or it has been sent. */
static inline mach_msg_return_t try_send(struct thread *self, struct thread **claimed)
{
	struct ipc_kmsg *kmsg;
	mach_msg_return_t result = read_message(self, self->regs.rdi, (mach_msg_size_t)self->regs.rdx, &kmsg);
	bool rights;

	if (result != MACH_MSG_SUCCESS)
		return result;
	result = take_message(self, kmsg);
	if (result != MACH_MSG_SUCCESS)
		return not_sent(self, kmsg, result);
	count_events(bytes_copied, kmsg->header.msgh_size);
	self->ipc.deadline = 0;
	self->regs.rax = (uint64_t)TRAP_MACH_MSG_RESUME;
	if (ipc_port_is_kernel(kmsg->remote_port)) {
		lock_release(&kmsg->remote_port->object.lock);
		return send_to_kernel(self, kmsg);
	}
	rights = kmsg->rights;
	result = deliver(kmsg, (mach_msg_option_t)self->regs.rsi & MACH_RCV_MSG, claimed);
	if (rights) /* whose names may have had requests */
		deferred_run();
	return result;
}

/* *claimed: a receiver to switch to when this thread waits, or null. */
static mach_msg_return_t send_half(struct thread *self, struct thread **claimed)
{
	mach_msg_return_t result;

	do {
		result = try_send(self, claimed);
	} while (__builtin_expect(result == IPC_SEND_AGAIN, 0));
	if (self->ipc.room != NULL)
		ipc_send_room_over(self);
	if (result == IPC_SEND_WAIT)
		thread_block(ipc_mach_msg_continue);
	return result;
}

/* The end of a wait in which a sender has handed us its message. */
static inline void took_handed(struct thread *self, int64_t result)
{
	if (result == KERN_RESTART)
		thread_block_restart(self);
	self->regs.rax = (uint64_t)result;
	deferred_run();
}

/* Waits for a message; the thread that ours went to runs now, unless a better one is ready. */
static _Noreturn void wait_for_message(struct thread *claimed)
{
	if (claimed != NULL && !sched_better_ready(claimed->run_priority)) {
		if (claimed->ipc.taking == NULL) /* it has to look for it in the queue */
			thread_handoff(claimed, ipc_mach_msg_continue);
		thread_become(claimed, ipc_mach_msg_continue);
		took_handed(claimed, finish(claimed, claimed->regs.rdi, (mach_msg_size_t)(claimed->regs.rdx >> 32),
					     (mach_msg_option_t)claimed->regs.rsi));
		thread_leave_kernel(claimed);
	}
	unclaim(claimed);
	thread_block(ipc_mach_msg_continue);
}

static int64_t receive_half(struct thread *self, bool resumed, bool died, struct thread *claimed)
{
	mach_msg_option_t option = (mach_msg_option_t)self->regs.rsi;
	mach_port_name_t name = (mach_port_name_t)self->regs.r10;
	bool poll = (option & MACH_RCV_TIMEOUT) && (uint32_t)self->regs.r8 == 0;
	uint64_t deadline = deadline_of(self, option & MACH_RCV_TIMEOUT);
	mach_msg_size_t size = (mach_msg_size_t)(self->regs.rdx >> 32);
	struct ipc_object *object;
	int64_t result;

	if (self->ipc.taking != NULL) { /* left when the trap had to run again */
		if (self->ipc.taking->header.msgh_size <= size)
			return ipc_receive_finish(self, self->regs.rdi, size, option);
		ipc_receive_give_up(self);
	}
	result = ipc_find_object(self, name, false, poll, deadline, &object);
	if (result == MACH_MSG_SUCCESS) {
		struct ipc_receiver want = {
			.name = name,
			.large = option & MACH_RCV_LARGE,
			.poll = poll,
			.trailer = option,
			.buffer = self->regs.rdi,
			.size = size,
			.deadline = deadline,
		};

		result = ipc_receive_from(self, &want, object);
	} else if (result == MACH_RCV_INVALID_NAME && resumed) {
		result = died ? MACH_RCV_PORT_DIED : MACH_RCV_PORT_CHANGED;
	}
	if (result == IPC_RECEIVE_WAIT)
		wait_for_message(claimed);
	unclaim(claimed);
	return result;
}

static int64_t both_halves(struct thread *self, bool resumed, bool died)
{
	mach_msg_option_t option = (mach_msg_option_t)self->regs.rsi;
	int64_t result = MACH_MSG_SUCCESS;
	struct thread *claimed = NULL;

	if ((int64_t)self->regs.rax == TRAP_MACH_MSG && (option & MACH_SEND_MSG))
		result = send_half(self, &claimed);
	else if (self->pending_kmsg != NULL)
		result = send_to_kernel(self, self->pending_kmsg);
	if (result != MACH_MSG_SUCCESS)
		return result;
	self->regs.rax = (uint64_t)TRAP_MACH_MSG_RESUME;
	if (option & MACH_RCV_MSG)
		result = receive_half(self, resumed, died, claimed);
	return result;
}

void ipc_mach_msg_continue(struct thread *self)
{
	bool sending = (int64_t)self->regs.rax == TRAP_MACH_MSG && ((mach_msg_option_t)self->regs.rsi & MACH_SEND_MSG);
	enum wait_result waited = self->wait_result;
	int64_t result;
	bool died = false;

	if (self->ipc.taking != NULL) {
		took_handed(self, ipc_receive_finish(self, self->regs.rdi, (mach_msg_size_t)(self->regs.rdx >> 32),
					  (mach_msg_option_t)self->regs.rsi));
		return;
	}
	if (sending)
		ipc_send_woken(self);
	else
		(void)ipc_mqueue_wait_over(self, &died);
	if (waited == WAIT_TIMED_OUT)
		result = sending ? MACH_SEND_TIMED_OUT : MACH_RCV_TIMED_OUT;
	else if (waited == WAIT_INTERRUPTED)
		result = sending ? MACH_SEND_INTERRUPTED : MACH_RCV_INTERRUPTED;
	else
		result = both_halves(self, true, died);
	ipc_send_room_over(self);
	if (result == KERN_RESTART)
		thread_block_restart(self);
	self->regs.rax = (uint64_t)result;
	deferred_run();
}

int64_t ipc_trap_mach_msg(struct thread *self)
{
	/* What an aborted trap has left. */
	if ((int64_t)self->regs.rax == TRAP_MACH_MSG) {
		self->ipc.deadline = 0;
		if (self->pending_kmsg != NULL || self->ipc.taking != NULL)
			ipc_thread_forget(self);
	}
	return both_halves(self, false, false);
}

int64_t ipc_trap_reply_port(struct thread *self)
{
	struct ipc_port *port = ipc_port_alloc(self->task->account);
	mach_port_name_t name;

	if (port == NULL ||
		ipc_space_insert(self->task->space, port, MACH_MSG_TYPE_PORT_RECEIVE, &name) != KERN_SUCCESS)
		return MACH_PORT_NULL;
	return name;
}
