/*
 * Receiving, for mach_msg and mach_reply_wait alike.
 *
 * A message leaves its queue only when the pages of the receive buffer that it needs are there. So the head is looked
 * at; if it needs more of the buffer than has been probed, the lock is let go, the pages are touched (which may restart
 * the trap), and the head, which may be another by then, is looked at again.
 *
 * A message that left stays with its thread (ipc_thread.taking) until it has arrived: if memory is short of residence
 * after all, the trap restarts and goes on there. A sender may put it there itself for a thread that it found waiting
 * in mach_msg. The right that it was sent by stays with such a message until the buffer has been probed: if there is no
 * buffer, or the receiver is stopped before, the message goes back to the head of its queue, with its number.
 */
#include <ipc/ipc_internal.h>
#include <kern/trap.h>
#include <mach/trap.h>
#include <string.h>

/* Bytes that an element needs in a buffer, without trailer. */
static mach_msg_size_t element_size(const struct ipc_element *element)
{
	if (element->is_caller) {
		const struct thread *caller = container_of(element, struct thread, ipc.element);

		return (mach_msg_size_t)(sizeof(mach_msg_header_t) + caller->ipc.call_count * sizeof(uint64_t));
	}
	return container_of(element, struct ipc_kmsg, element)->header.msgh_size;
}

static bool element_fits_words(const struct ipc_element *element)
{
	return element->is_caller || ipc_kmsg_fits_words(container_of(element, struct ipc_kmsg, element));
}

/* What the registers of a delivered register message say beside its words. */
static void deliver_registers(struct thread *self, unsigned count, unsigned kind, mach_msg_id_t id, uint64_t label)
{
	self->regs.rbx = (uint64_t)(uint32_t)id << 32 | kind | count;
	self->regs.r14 = label;
}

/* Port locked, the head is a caller: its words come into our registers, and we owe it the reply. */
static void take_caller_words(struct thread *self, struct ipc_port *port, struct thread *caller)
{
	bool foreign = caller->ipc.call_foreign;

	memcpy(self->regs.word, caller->regs.word, sizeof(self->regs.word));
	if (foreign) {
		self->regs.word[6] = caller->word;
		self->regs.word[7] = caller->regs.rsp;
	}
	deliver_registers(self, caller->ipc.call_count, DELIVERED_CALL | (foreign ? DELIVERED_FOREIGN : 0),
		caller->ipc.call_id, port->label);
	ipc_call_receive(port, caller, self, NULL);
	count_event(messages_register_queued);
}

/* A small plain message, off its queue, as words; a right to reply in it is owed like a caller's. */
static void take_kmsg_words(struct thread *self, struct ipc_kmsg *kmsg, uint64_t label)
{
	unsigned count = ipc_kmsg_words(kmsg, self->regs.word);

	if (kmsg->local_port != NULL) {
		self->ipc.owes_right = kmsg->local_port;
		self->ipc.owes_disposition = kmsg->local_disposition;
		self->ipc.owes_id = kmsg->header.msgh_id + 100; /* MIG's rule for replies: doc/wire.md */
		kmsg->local_port = NULL;
	}
	deliver_registers(self, count, self->ipc.owes_right != NULL ? DELIVERED_CALL : 0, kmsg->header.msgh_id, label);
	ipc_kmsg_destroy(kmsg);
}

/*
 * Port locked, the head is a caller, and the receiver wants a buffer: a message with the words and a send-once right
 * for the reply. Null: no memory; the caller has been told.
 */
static struct ipc_kmsg *take_caller_kmsg(struct ipc_port *port, struct thread *caller)
{
	uint64_t words[IPC_WORDS];
	struct ipc_port *reply = ipc_reply_port_create(caller, current_thread());
	struct ipc_kmsg *kmsg;

	memcpy(words, caller->regs.word, sizeof(words));
	if (caller->ipc.call_foreign) {
		words[6] = caller->word;
		words[7] = caller->regs.rsp;
	}
	kmsg = ipc_kmsg_of_words(current_account(), caller->ipc.call_id, words, caller->ipc.call_count);
	if (reply == NULL || kmsg == NULL) {
		if (kmsg != NULL)
			ipc_kmsg_free(kmsg);
		if (reply != NULL) {
			reply->object.active = false;
			ipc_object_release(&reply->object);
		}
		ipc_call_end_queued(port, caller, MACH_SEND_NO_BUFFER);
		return NULL;
	}
	thread_reference(caller); /* the reply port's */
	kmsg->local_port = reply; /* nobody else knows it yet: no lock, and none may be taken inside the port's */
	reply->sorights = 1;
	ipc_object_reference(&reply->object);
	kmsg->local_disposition = MACH_MSG_TYPE_PORT_SEND_ONCE;
	kmsg->remote_disposition = caller->ipc.call_foreign ? 0 : MACH_MSG_TYPE_PORT_SEND; /* foreign_call_received */
	ipc_kmsg_sent_by(kmsg, caller->task);
	ipc_call_receive(port, caller, NULL, reply);
	return kmsg;
}

/* Off the queue, with what the port adds. Port locked. */
static struct ipc_kmsg *take_kmsg(struct ipc_port *port, struct ipc_element *element)
{
	struct ipc_kmsg *kmsg;

	if (element->is_caller) {
		kmsg = take_caller_kmsg(port, container_of(element, struct thread, ipc.element));
	} else {
		kmsg = container_of(element, struct ipc_kmsg, element);
		ipc_mqueue_remove(port, element);
	}
	if (kmsg != NULL)
		ipc_kmsg_leaves(port, kmsg);
	return kmsg;
}

void ipc_receive_give_up(struct thread *thread)
{
	struct ipc_kmsg *kmsg = thread->ipc.taking;
	struct ipc_port *port;

	if (kmsg == NULL)
		return;
	thread->ipc.taking = NULL;
	port = kmsg->remote_port;
	if (port != NULL) {
		bool active;

		lock_acquire(&port->object.lock);
		active = port->object.active;
		if (active)
			ipc_mqueue_put_back(port, &kmsg->element);
		lock_release(&port->object.lock);
		if (active)
			return;
	}
	ipc_kmsg_destroy(kmsg);
}

/* The same in mach_reply_wait, whose registers say so. */
static int64_t finish(struct thread *self, const struct ipc_receiver *want)
{
	mach_msg_id_t id = self->ipc.taking->header.msgh_id;
	int64_t result = ipc_receive_finish(self, want->buffer, want->size, want->trailer);

	if (want->words && result != KERN_RESTART)
		self->regs.rbx = (uint64_t)(uint32_t)id << 32 | DELIVERED_BUFFER;
	return result;
}

/* The head does not fit. Port locked on entry. */
static int64_t too_large(const struct ipc_receiver *want, struct ipc_port *port, struct ipc_element *element)
{
	mach_msg_size_t size = element_size(element);

	if (!want->words && !want->large) {
		if (element->is_caller) {
			ipc_call_end_queued(port, container_of(element, struct thread, ipc.element), MIG_SERVER_DIED);
		} else {
			ipc_mqueue_remove(port, element);
			ipc_defer_destroy(container_of(element, struct ipc_kmsg, element));
		}
	}
	lock_release(&port->object.lock);
	/* The receiver learns how large a buffer it takes. */
	if (want->large && want->size >= sizeof(mach_msg_header_t) &&
		copyout(&size, want->buffer + offsetof(mach_msg_header_t, msgh_size), sizeof(size)) == KERN_RESTART)
		return KERN_RESTART;
	return MACH_RCV_TOO_LARGE;
}

/*
 * One look at the object. IPC_RECEIVE_AGAIN: look again, *need bytes of the buffer probed.
 */
#define IPC_RECEIVE_AGAIN 0x7fff0004

static int64_t look(struct thread *self, const struct ipc_receiver *want, struct ipc_object *object,
	mach_msg_size_t probed, mach_msg_size_t *need)
{
	struct ipc_port *port = ipc_mqueue_ready(object);
	struct ipc_element *element;
	struct ipc_kmsg *kmsg;
	int64_t result = MACH_MSG_SUCCESS;
	uint64_t label;

	if (port == NULL) {
		if (!object->active) {
			result = MACH_RCV_PORT_DIED;
		} else if (!object->is_set && ipc_object_port(object)->receiver != self->task->space) {
			result = MACH_RCV_PORT_CHANGED;
		} else if (want->poll) {
			result = MACH_RCV_TIMED_OUT;
		} else {
			ipc_mqueue_wait(self, object, want->words, want->deadline);
			result = IPC_RECEIVE_WAIT;
		}
		lock_release(&object->lock);
		return result;
	}
	element = list_first(&port->queue, struct ipc_element, link);
	label = port->label;
	if (port->receiver != self->task->space) {
		lock_release(&port->object.lock);
		result = MACH_RCV_PORT_CHANGED;
	} else if (want->words && (element->is_caller || !want->trailer) && element_fits_words(element)) {
		if (element->is_caller) {
			take_caller_words(self, port, container_of(element, struct thread, ipc.element));
			port->seqno++;
			lock_release(&port->object.lock);
		} else {
			kmsg = take_kmsg(port, element);
			lock_release(&port->object.lock);
			take_kmsg_words(self, kmsg, label);
		}
	} else if (element_size(element) > want->size) {
		result = too_large(want, port, element);
	} else {
		*need = ipc_buffer_needed(element_size(element), want->size);
		if (*need > probed) {
			lock_release(&port->object.lock);
			result = IPC_RECEIVE_AGAIN;
		} else {
			kmsg = take_kmsg(port, element);
			lock_release(&port->object.lock);
			if (kmsg == NULL)
				result = IPC_RECEIVE_AGAIN;
			else
				ipc_kmsg_release_destination(kmsg);
			self->ipc.taking = kmsg;
		}
	}
	if (&port->object != object)
		ipc_object_release(&port->object);
	return result;
}

int64_t ipc_receive_from(struct thread *self, const struct ipc_receiver *want, struct ipc_object *object)
{
	mach_msg_size_t probed = 0, need = 0;
	int64_t result;

	while ((result = look(self, want, object, probed, &need)) == IPC_RECEIVE_AGAIN) {
		if (need <= probed)
			continue;
		result = ipc_buffer_probe(self, want->buffer, need);
		if (result != MACH_MSG_SUCCESS) {
			/* Somebody else may take what we leave. */
			ipc_mqueue_pass_on(object);
			break;
		}
		probed = need;
	}
	ipc_object_release(object);
	if (result == IPC_RECEIVE_WAIT)
		return result;
	if (result == MACH_MSG_SUCCESS && self->ipc.taking != NULL)
		result = finish(self, want);
	if (result != KERN_RESTART)
		deferred_run();
	return result;
}

int64_t ipc_receive(struct thread *self, const struct ipc_receiver *want)
{
	struct ipc_object *object;
	int64_t result;

	if (self->ipc.taking != NULL) {
		if (self->ipc.taking->header.msgh_size <= want->size)
			return finish(self, want);
		ipc_receive_give_up(self); /* left by another trap that was aborted, with a larger buffer */
	}
	result = ipc_find_object(self, want->name, want->words, want->poll, want->deadline, &object);
	if (result == MACH_MSG_SUCCESS)
		return ipc_receive_from(self, want, object);
	if (result != IPC_RECEIVE_WAIT && want->resumed)
		return want->died ? MACH_RCV_PORT_DIED : MACH_RCV_PORT_CHANGED;
	return result;
}
