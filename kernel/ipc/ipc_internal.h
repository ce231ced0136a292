/* What the files of ipc/ ask of each other beside ports (ipc_port.h) and spaces (ipc_space.h). */
#ifndef IPC_IPC_INTERNAL_H
#define IPC_IPC_INTERNAL_H

#include <ipc/ipc_kmsg.h>
#include <ipc/ipc_space.h>
#include <kern/kalloc.h>
#include <kern/tokens.h>
#include <stubs/notify_user.h>

#define IPC_WORDS         8u /* of a register message */
#define IPC_SYSCALL_BYTES 2u /* length of the instruction; Intel SDM vol. 2, SYSCALL: 0F 05 */

/* Most messages are small: each processor keeps some blocks of this many bytes for the next. */
#define IPC_KMSG_SMALL  256u
#define IPC_KMSG_SPARES 8u
#define IPC_KMSG_PAGES  2u /* the largest block of whole pages of which it keeps one: for 4 KiB of data */
/* The largest image in one, without descriptors: a multiple of 8. */
#define IPC_KMSG_SMALL_IMAGE                                                                                           \
	((mach_msg_size_t)((IPC_KMSG_SMALL - offsetof(struct ipc_kmsg, header) - sizeof(mach_msg_trailer_t)) & ~7ul))

/* What message passing keeps for each processor. */
struct ipc_processor {
	struct ipc_kmsg *reserve;                /* block for the next small message: a notice's */
	struct ipc_kmsg *spare[IPC_KMSG_SPARES]; /* blocks of IPC_KMSG_SMALL bytes, contents undefined */
	unsigned spares;
	struct ipc_kmsg *pages[IPC_KMSG_PAGES]; /* one of so many pages less one each, or null */
};

/* For when no locks are held (kern/deferred.h). */
static inline void ipc_defer_destroy(struct ipc_kmsg *kmsg)
{
	defer(DEFERRED_DESTROY, &kmsg->element.link);
}

/*
 * --- ipc_notify.c. Sending consumes the notice (none passes); may be done with spaces locked, or ports; the message
 * goes by the next deferred_run().
 */
/* A notice for the right (borrowed; null: none), its message on the account. False: no memory. */
bool ipc_notice_make(struct ipc_notice *notice, struct ipc_port *right, struct account *account);
/* What is in the slot is taken out. */
static inline struct ipc_notice ipc_notice_take(struct ipc_notice *slot)
{
	struct ipc_notice notice = *slot;

	*slot = (struct ipc_notice){0};
	return notice;
}
/* The message of a notice that is not sent goes; its right, or null, is the caller's. */
struct ipc_port *ipc_notice_cancel(struct ipc_notice notice);
/* mach_notify_port_deleted, mach_notify_send_possible or mach_notify_dead_name. */
void ipc_notify_name(
	struct ipc_notice notice, kern_return_t (*send)(struct ipc_port *, mach_port_name_t), mach_port_name_t name);
void ipc_notify_port_destroyed(struct ipc_notice notice, struct ipc_port *receive_right);
void ipc_notify_no_senders(struct ipc_notice notice, mach_port_mscount_t mscount);
void ipc_notify_memory_short(struct ipc_notice notice, uint32_t account_id, bool at_limit);
/* By the right itself; without memory, later. */
void ipc_notify_send_once(struct ipc_port *right);

/* --- ipc_mqueue.c: queues and who waits at them. */
/*
 * Port locked and active: the element goes to the tail and one receiver, if any waits, is woken. With `claim` the
 * receiver is claimed when that is possible and returned: the caller switches to it after unlocking.
 */
struct thread *ipc_mqueue_post(struct ipc_port *port, struct ipc_element *element, bool claim);
/* Port locked and active: a message goes back to the head; one receiver is woken. */
void ipc_mqueue_put_back(struct ipc_port *port, struct ipc_element *element);
/* Port locked: takes the element off. Messages: the count and a blocked sender are seen to. */
void ipc_mqueue_remove(struct ipc_port *port, struct ipc_element *element);
/*
 * The port to receive from, locked, its queue not empty; a reference to it for the caller if the object is a set (port
 * != object). Null: nothing there and the object locked, so that the caller can join its receivers; check `active`.
 */
struct ipc_port *ipc_mqueue_ready(struct ipc_object *object);
/* Object locked and alive: the current thread becomes one of its receivers. */
static inline void ipc_mqueue_wait(struct thread *self, struct ipc_object *object, bool words, uint64_t deadline)
{
	struct thread **slot = ipc_own_slot(object);

	self->ipc.wait_object = object;
	thread_will_wait(words ? WAIT_IPC_RECEIVE : WAIT_IPC_MESSAGE, true, deadline);
	if (__builtin_expect(*slot == NULL, 1)) {
		*slot = self;
	} else {
		ipc_object_reference(object);
		list_add_head(&object->receivers, &self->wait_link); /* the last to come has the warmest caches */
	}
}
/*
 * Object locked: the slot of the receiver that is next, or null if that is on the list, or nobody waits. This
 * processor's own comes first, those of others last.
 */
static inline struct thread **ipc_mqueue_first(struct ipc_object *object)
{
	struct thread **slot = ipc_own_slot(object);

	if (*slot != NULL)
		return slot;
	if (processors_online <= 1 || !list_empty(&object->receivers))
		return NULL;
	ipc_for_each_slot (slot, object)
		if (*slot != NULL)
			return slot;
	return NULL;
}
/* Object locked: somebody waits to receive from it. */
static inline bool ipc_mqueue_awaited(struct ipc_object *object)
{
	return ipc_mqueue_first(object) != NULL || !list_empty(&object->receivers);
}
/*
 * The thread's IPC wait is over: off the list, reference dropped. *died: what it waited at is dead. True if it was
 * taken off the list by who woke it: if it does not look at the queue, it owes a pass_on.
 */
bool ipc_mqueue_wait_over(struct thread *thread, bool *died);
/* Object unlocked: if there is a message, wakes one receiver. */
void ipc_mqueue_pass_on(struct ipc_object *object);
/* Object locked: wakes all receivers. */
void ipc_mqueue_wake_all(struct ipc_object *object);
/* Port locked. */
static inline bool ipc_mqueue_full(const struct ipc_port *port)
{
	return port->msgcount >= port->qlimit;
}
void ipc_mqueue_wake_sender(struct ipc_port *port);

/* --- ipc_kmsg.c: blocks; copyin.c and copyout.c: what is not in every message. */
/*
 * A message on the account until it is received or destroyed; of the kernel's own that is &kernel_account until it is
 * sent (ipc_kmsg_send_from_kernel).
 */
struct ipc_kmsg *ipc_kmsg_alloc_slots(
	struct account *account, mach_msg_size_t size, unsigned descriptors, unsigned slots);
/* Room for the carries of so many descriptors in a message that has none; it may move. Null: no memory, and it is
 * gone. */
struct ipc_kmsg *ipc_kmsg_make_slots(struct ipc_kmsg *kmsg, unsigned slots);
/* Releases rights and memory at once; for what is deferred. */
void ipc_kmsg_destroy_now(struct ipc_kmsg *kmsg);
/* The message goes to another account, whatever its limit. */
void ipc_kmsg_bill(struct ipc_kmsg *kmsg, struct account *account);
/* A message of words, header without rights. */
struct ipc_kmsg *ipc_kmsg_of_words(struct account *account, mach_msg_id_t id, const uint64_t *words, unsigned count);
/* True if a register receiver can have it as words. */
bool ipc_kmsg_fits_words(const struct ipc_kmsg *kmsg);
/* words[8] from the body, zeros after; returns the count. */
unsigned ipc_kmsg_words(const struct ipc_kmsg *kmsg, uint64_t words[8]);
/* The disposition by which a right arrives; the kernel gives away what it has made or copied before. */
static inline uint8_t ipc_received_as(mach_msg_type_name_t disposition)
{
	if (disposition == MACH_MSG_TYPE_MOVE_RECEIVE)
		return MACH_MSG_TYPE_PORT_RECEIVE;
	return disposition == MACH_MSG_TYPE_MOVE_SEND_ONCE || disposition == MACH_MSG_TYPE_MAKE_SEND_ONCE
		       ? MACH_MSG_TYPE_PORT_SEND_ONCE
		       : MACH_MSG_TYPE_PORT_SEND;
}

/* Bytes of the structure without carries: itself (with the header), the rest of the image, room for the trailer. */
static inline size_t ipc_kmsg_image_bytes(mach_msg_size_t size)
{
	size_t image = ((size_t)size + 7) & ~(size_t)7;

	if (image < sizeof(mach_msg_header_t))
		image = sizeof(mach_msg_header_t);
	return image + offsetof(struct ipc_kmsg, header) + sizeof(mach_msg_trailer_t);
}

/*
 * A block from kalloc that holds no message yet: zero but for this. So are the blocks that a processor keeps, but for
 * sender_id, what is set when a message leaves, and the image.
 */
static inline struct ipc_kmsg *ipc_kmsg_begin(struct ipc_kmsg *kmsg, struct account *account, size_t bytes)
{
	if (kmsg == NULL)
		return NULL;
	kmsg->account = account;
	kmsg->carry = (struct ipc_carry *)((char *)kmsg + bytes);
	kmsg->allocated = (uint32_t)bytes;
	return kmsg;
}

/* A block of IPC_KMSG_SMALL bytes. Those that a processor keeps are on nobody's account. */
static inline struct ipc_kmsg *ipc_kmsg_small(struct account *account)
{
	struct ipc_processor *own = CURRENT_PROCESSOR->ipc;
	struct ipc_kmsg *kmsg;

	if (__builtin_expect(own->spares == 0, 0))
		return ipc_kmsg_begin(kalloc(account, IPC_KMSG_SMALL), account, IPC_KMSG_SMALL);
	if (!account_charge(account, IPC_KMSG_SMALL))
		return NULL;
	kmsg = own->spare[--own->spares];
	kmsg->account = account;
	return kmsg;
}

/* As ipc_kmsg_small, for a larger image; and the end of a block that is not small. */
struct ipc_kmsg *ipc_kmsg_large(struct account *account, mach_msg_size_t size);
void ipc_kmsg_free_large(struct ipc_kmsg *kmsg);

/* A block that a processor keeps is as ipc_kmsg_begin has left it. */
static inline void ipc_kmsg_reset(struct ipc_kmsg *kmsg)
{
	kmsg->tokens = NULL;
	kmsg->state = 0;
	if (kmsg->slots != 0) {
		kmsg->carry += kmsg->slots;
		kmsg->descriptors = kmsg->slots = 0;
	}
}

/* The memory only: rights have been taken out. */
static inline void ipc_kmsg_free(struct ipc_kmsg *kmsg)
{
	struct ipc_processor *own = CURRENT_PROCESSOR->ipc;

	debug_assert(kmsg->remote_port == NULL && kmsg->local_port == NULL);
	if (kmsg->tokens != NULL)
		task_tokens_release(kmsg->tokens);
	if (kmsg->allocated == IPC_KMSG_SMALL && own->spares != IPC_KMSG_SPARES) {
		ipc_kmsg_reset(kmsg);
		own->spare[own->spares++] = kmsg;
		account_uncharge(kmsg->account, IPC_KMSG_SMALL);
	} else {
		ipc_kmsg_free_large(kmsg);
	}
}

static inline uint64_t *ipc_kmsg_body(struct ipc_kmsg *kmsg)
{
	return (uint64_t *)(&kmsg->header + 1);
}

static inline mach_msg_descriptor_t *ipc_kmsg_descriptor(struct ipc_kmsg *kmsg, unsigned i)
{
	return (mach_msg_descriptor_t *)((char *)(&kmsg->header + 1) + sizeof(mach_msg_body_t)) + i;
}

/*
 * Makes the trailer behind the image, so that both go in one copy, but for the tokens; returns how many bytes go to a
 * buffer of `size`, which the message fits.
 */
static inline mach_msg_size_t ipc_kmsg_trailer(struct ipc_kmsg *kmsg, mach_msg_size_t size, mach_msg_option_t wanted)
{
	mach_msg_size_t message = kmsg->header.msgh_size, end = (message + 7) & ~7u;
	mach_msg_trailer_t *trailer = (mach_msg_trailer_t *)((char *)&kmsg->header + end);
	mach_msg_size_t trailer_size = sizeof(*trailer);

	if (wanted & MACH_RCV_TRAILER_TOKENS)
		trailer_size = sizeof(mach_msg_audit_trailer_t);
	if (__builtin_expect(size < end + trailer_size, 0)) {
		trailer_size = size < end ? 0 : size - end;
		end = size < end ? message : end;
	}
	/* The gap before the trailer shows nothing of the block's last message; sizes are multiples of 4. */
	*(uint32_t *)((char *)&kmsg->header + message) = 0;
	*trailer = (mach_msg_trailer_t){.msgh_trailer_type = MACH_MSG_TRAILER_FORMAT_0,
		.msgh_trailer_size = trailer_size,
		.msgh_seqno = kmsg->seqno,
		.msgh_sender = wanted & MACH_RCV_TRAILER_SENDER ? kmsg->sender_id : 0,
		.msgh_payload = kmsg->payload};
	return end + trailer_size;
}

/*
 * What the descriptors say, and the memory. KERN_RESTART, IPC_SEND_FULL, MACH_SEND_*: the message can only be destroyed.
 */
mach_msg_return_t ipc_kmsg_read_body(struct thread *self, struct ipc_kmsg *kmsg);
/* Then all rights, whatever they are; the destination is locked. Else as before, and nothing taken. */
mach_msg_return_t ipc_kmsg_take_all(struct thread *self, struct ipc_kmsg *kmsg);
/* The send is certain: ranges given away leave the sender's map, and the image says what the receiver gets. */
void ipc_kmsg_settle(struct thread *self, struct ipc_kmsg *kmsg);
/* Space locked, remote_port known: takes the rights of the body, or none. */
bool ipc_kmsg_rights_in(struct ipc_space *space, struct ipc_kmsg *kmsg);
/* All its rights into the space; what could not be is in kmsg->trouble. */
void ipc_kmsg_rights_out(struct ipc_space *space, struct ipc_kmsg *kmsg);
/* Then its memory into the current task. KERN_RESTART: call again. */
kern_return_t ipc_kmsg_memory_out(struct thread *self, struct ipc_kmsg *kmsg);
/* Says whose message it is. No lock above rank TOKENS held. */
static inline void ipc_kmsg_sent_by(struct ipc_kmsg *kmsg, struct task *task)
{
	kmsg->sender_id = task->id;
	kmsg->tokens = task->tokens != NULL ? task_tokens_take(task) : NULL;
}
/* `all` bytes of image, trailer and tokens to the buffer. As copyout. */
kern_return_t ipc_kmsg_store(struct ipc_kmsg *kmsg, vm_address_t buffer, mach_msg_size_t all);
/* Faults the pages of a receive buffer in, for writing. KERN_RESTART, MACH_RCV_INVALID_DATA. */
mach_msg_return_t ipc_buffer_probe(struct thread *self, vm_address_t buffer, mach_msg_size_t size);

/* --- mach_msg.c */
void ipc_mach_msg_continue(struct thread *self);
/* To remote_port, whatever it is; the message is consumed. Limits do not hold. No locks held. */
mach_msg_return_t ipc_kmsg_deliver(struct ipc_kmsg *kmsg);

/* --- send.c */
/*
 * Receive rights that the kernel gives away are in transit as those of tasks are. False, and the message destroyed with
 * them: one would have come to lie in its own queue.
 */
bool ipc_kmsg_in_transit(struct ipc_kmsg *kmsg);

/* Nothing was taken because the destination's queue is full. */
#define IPC_SEND_FULL 0x7fff0002
#define IPC_SEND_WAIT 0x7fff0003
/*
 * A sender that was woken for room takes note of it, and once its send was tried, whatever came of that, passes the
 * wake on if there is room still: its message may have become invalid, or may wait for memory. No locks held.
 */
void ipc_send_woken(struct thread *self);
void ipc_send_room_over(struct thread *self);
/*
 * What to do about it: IPC_SEND_WAIT: the current thread is among the blocked senders and must block; MACH_MSG_SUCCESS:
 * there is room now, try again; MACH_SEND_WILL_NOTIFY, MACH_SEND_TIMED_OUT, MACH_SEND_INVALID_NOTIFY,
 * MACH_SEND_INVALID_DEST.
 */
mach_msg_return_t ipc_send_full(struct thread *self, mach_port_name_t name, mach_msg_option_t option, uint64_t deadline,
	mach_port_name_t notify);

/* Port locked: the message leaves for a receiver, with what the port adds to it. */
static inline void ipc_kmsg_leaves(struct ipc_port *port, struct ipc_kmsg *kmsg)
{
	if (__builtin_expect(!kmsg->numbered, 1))
		kmsg->seqno = port->seqno++;
	kmsg->numbered = true;
	kmsg->header.msgh_local_port = port->receiver_name;
	kmsg->payload = port->has_payload ? port->label : 0;
}

/* The right that the message was sent by has done its work, if it is still there. No locks held. */
static inline __attribute__((always_inline)) void ipc_kmsg_release_destination(struct ipc_kmsg *kmsg)
{
	struct ipc_port *port = kmsg->remote_port;

	kmsg->remote_port = NULL;
	if (port == NULL)
		return;
	if (kmsg->remote_disposition == MACH_MSG_TYPE_PORT_SEND_ONCE)
		ipc_port_drop_send_once(port);
	else if (!ipc_port_drop_send(port))
		ipc_port_release_send(port);
}

/* --- receive.c: what mach_msg and mach_reply_wait share. */
struct ipc_receiver {
	mach_port_name_t name;
	bool words;                /* register messages into the registers */
	bool large;                /* MACH_RCV_LARGE */
	bool poll;                 /* do not wait */
	mach_msg_option_t trailer; /* MACH_RCV_TRAILER_* that are asked for */
	bool resumed;              /* this trap has waited before */
	bool died;                 /* and what it waited at died */
	vm_address_t buffer;
	mach_msg_size_t size;
	uint64_t deadline;
};
/*
 * Takes the next message and delivers it to the current thread. MACH_MSG_SUCCESS; KERN_RESTART: the trap must run again
 * (a wait has been asserted); IPC_RECEIVE_WAIT: it is among the receivers and must block; MACH_RCV_*.
 */
#define IPC_RECEIVE_WAIT 0x7fff0001
int64_t ipc_receive(struct thread *self, const struct ipc_receiver *want);
/*
 * What the name stands for, with a reference; or, if there is nothing to receive and the thread shall wait then (poll
 * false), IPC_RECEIVE_WAIT. While the space is locked its receive rights stay where they are, so what is found is alive
 * and the thread's to receive from.
 */
static inline int64_t ipc_find_object(
	struct thread *self, mach_port_name_t name, bool words, bool poll, uint64_t deadline, struct ipc_object **found)
{
	struct ipc_space *space = self->space;
	int64_t result = MACH_RCV_INVALID_NAME;
	struct ipc_object *object;
	struct ipc_entry *entry;

	lock_acquire(&space->lock);
	entry = ipc_entry_at(space, name);
	if ((uint8_t)entry->bits == (uint8_t)name &&
		(entry->bits & (MACH_PORT_TYPE_RECEIVE | MACH_PORT_TYPE_PORT_SET))) {
		object = entry->object;
		lock_acquire(&object->lock);
		if (list_empty(ipc_object_pending(object)) && !poll) {
			ipc_mqueue_wait(self, object, words, deadline);
			result = IPC_RECEIVE_WAIT;
		} else {
			ipc_object_reference(object);
			*found = object;
			result = MACH_MSG_SUCCESS;
		}
		lock_release(&object->lock);
	}
	lock_release(&space->lock);
	return result;
}

/* The same once something was found there; the object's reference is consumed. */
int64_t ipc_receive_from(struct thread *self, const struct ipc_receiver *want, struct ipc_object *object);
/* Bytes of the buffer that a message of the size needs, with as much of the trailer as there is room for. */
static inline mach_msg_size_t ipc_buffer_needed(mach_msg_size_t message, mach_msg_size_t buffer)
{
	mach_msg_size_t whole = ((message + 7) & ~7u) + MAX_TRAILER_SIZE;

	return whole < buffer ? whole : buffer;
}

/* The last part: self->ipc.taking, which fits, goes to user memory. trailer: MACH_RCV_TRAILER_*. */
int64_t ipc_receive_finish(struct thread *self, vm_address_t buffer, mach_msg_size_t size, mach_msg_option_t trailer);
/* The thread will not take the message that it was given: back to its queue, if that can be. No locks held. */
void ipc_receive_give_up(struct thread *thread);

/* --- call.c */
/*
 * Ends a call whose reply was owed by server or through reply_port (one of them null): rax gets the code, a foreign
 * caller raises EXC_SYSCALL. If a server owed it, it has a reference to the caller afterwards, here and in the next.
 */
void ipc_call_fail(struct thread *caller, struct thread *server, struct ipc_port *reply_port, int64_t code);
/*
 * Puts the reply into the registers of a caller that waits for it; flags REPLY_KEEP. False, and nothing done, if the
 * call has ended. The caller of this then wakes the thread (thread_go).
 */
bool ipc_call_reply(struct thread *caller, struct thread *server, struct ipc_port *reply_port, int64_t code,
	const uint64_t *words, unsigned count, unsigned flags);
/* Port locked: a caller in its queue ends with the code (a foreign one with its exception), off the queue, woken. */
void ipc_call_end_queued(struct ipc_port *port, struct thread *caller, int64_t code);
/*
 * Port locked, caller in its queue: received by self, which owes the reply; or, with reply_port, whoever gets the right
 * to that.
 */
void ipc_call_receive(struct ipc_port *port, struct thread *caller, struct thread *self, struct ipc_port *reply_port);
/* The reply that self owes will not come. */
void ipc_call_drop_owed(struct thread *self);
void ipc_call_continue(struct thread *self);
void ipc_reply_wait_continue(struct thread *self);
/* A kernel port for the caller's reply: on its account, or if that is full on the server's. Null: no memory. */
struct ipc_port *ipc_reply_port_create(struct thread *caller, struct thread *server);
/*
 * Takes the caller (reference) out of a deferred reply's port, which dies; null if somebody else did. The caller of
 * this has a reference to the port.
 */
struct thread *ipc_reply_port_close(struct ipc_port *port);
/*
 * inherit.c: a call by `caller` queues on the port, no locks held: who owes replies there runs at least at its
 * priority.
 */
void ipc_inherit(struct ipc_port *port, uint8_t priority);
void ipc_inherit_end(struct thread *self);

/* --- kobject.c */
/*
 * A message for a kernel port, no locks held. MACH_MSG_SUCCESS: consumed. KERN_RESTART (only if may_restart): not
 * consumed, and a wait asserted.
 */
mach_msg_return_t ipc_kobject_message(struct ipc_kmsg *kmsg, bool may_restart);
/* A register message by a send-once right that stands for a deferred reply: its caller gets the words, the right is
 * consumed. */
void ipc_kobject_answer(struct ipc_port *port, const uint64_t *words, unsigned count);
/* The last send-once right to a kernel port goes without a message. */
void ipc_kobject_send_once_died(struct ipc_port *port);

#endif
