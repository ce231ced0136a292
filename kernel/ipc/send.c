/* Sending: to any port, from the kernel, and what a full queue means. */
#include <ipc/ipc_internal.h>

bool ipc_kmsg_in_transit(struct ipc_kmsg *kmsg)
{
	for (unsigned i = 0; i < kmsg->descriptors; i++) {
		struct ipc_carry *carry = &kmsg->carry[i];

		if (carry->type == MACH_MSG_PORT_DESCRIPTOR && carry->port != NULL &&
			carry->disposition == MACH_MSG_TYPE_PORT_RECEIVE &&
			!ipc_port_in_transit(carry->port, kmsg->remote_port)) {
			ipc_kmsg_destroy(kmsg);
			return false;
		}
	}
	return true;
}

mach_msg_return_t ipc_kmsg_send_from_kernel(
	struct ipc_kmsg *kmsg, struct ipc_port *port, mach_msg_type_name_t disposition, mach_msg_option_t)
{
	if (kmsg == NULL || port == NULL) {
		ipc_kmsg_destroy(kmsg);
		return kmsg == NULL ? MACH_SEND_NO_BUFFER : MACH_SEND_INVALID_DEST;
	}
	kmsg->remote_disposition = MACH_MSG_TYPE_PORT_SEND;
	switch (disposition) {
	case MACH_MSG_TYPE_COPY_SEND:
		(void)ipc_port_copy_send(port);
		break;
	case MACH_MSG_TYPE_MAKE_SEND:
		(void)ipc_port_make_send(port);
		break;
	case MACH_MSG_TYPE_MAKE_SEND_ONCE:
		(void)ipc_port_make_send_once(port);
		/* fall through */
	case MACH_MSG_TYPE_MOVE_SEND_ONCE:
		kmsg->remote_disposition = MACH_MSG_TYPE_PORT_SEND_ONCE;
		break;
	}
	kmsg->remote_port = port;
	if (kmsg->local_port != NULL)
		kmsg->local_disposition = ipc_received_as(MACH_MSGH_BITS_LOCAL(kmsg->header.msgh_bits));
	if (!ipc_kmsg_in_transit(kmsg))
		return MACH_SEND_INVALID_RIGHT;
	/*
	 * From now on it is on the account of who made the port. What can be provoked without end is not said over its
	 * limit: the right dies. (Notices that were asked for are sent with `held`, and paid for.)
	 */
	if (kmsg->account == &kernel_account && kmsg->account != port->object.account) {
		ipc_kmsg_bill(kmsg, port->object.account);
		if (disposition == MACH_MSG_TYPE_MOVE_SEND_ONCE && CURRENT_PROCESSOR->deferred.held == 0 &&
			kmsg->account->bytes > kmsg->account->bytes_limit) {
			kmsg->remote_port = NULL;
			ipc_kmsg_destroy(kmsg);
			ipc_port_release_send_once(port);
			return MACH_SEND_NO_BUFFER;
		}
	}
	if (CURRENT_PROCESSOR->deferred.held != 0) {
		defer(DEFERRED_SEND, &kmsg->element.link);
		return MACH_MSG_SUCCESS;
	}
	return ipc_kmsg_deliver(kmsg);
}

mach_msg_return_t ipc_send_words_from_kernel(struct ipc_port *port, mach_msg_type_name_t disposition, mach_msg_id_t id,
	const uint64_t *words, unsigned count)
{
	struct ipc_kmsg *kmsg = port != NULL ? ipc_kmsg_of_words(&kernel_account, id, words, count) : NULL;

	if (kmsg != NULL)
		return ipc_kmsg_send_from_kernel(kmsg, port, disposition, 0);
	/* No memory: the right that would have been consumed dies. */
	if (port != NULL && disposition == MACH_MSG_TYPE_MOVE_SEND_ONCE)
		ipc_port_release_send_once(port);
	else if (port != NULL && disposition == MACH_MSG_TYPE_MOVE_SEND)
		ipc_port_release_send(port);
	return port == NULL ? MACH_SEND_INVALID_DEST : MACH_SEND_NO_BUFFER;
}

void ipc_send_woken(struct thread *self)
{
	struct ipc_object *object = self->ipc.wait_object;
	bool woken, died;

	if (object == NULL)
		return;
	ipc_object_reference(object);
	woken = ipc_mqueue_wait_over(self, &died);
	if (woken && !died)
		self->ipc.room = ipc_object_port(object);
	else
		ipc_object_release(object);
}

void ipc_send_room_over(struct thread *self)
{
	struct ipc_port *port = self->ipc.room;

	if (port == NULL)
		return;
	self->ipc.room = NULL;
	lock_acquire(&port->object.lock);
	ipc_mqueue_wake_sender(port);
	lock_release(&port->object.lock);
	ipc_port_release(port);
}

/* Space locked: a send-possible request on the name, to a send-once right made from the receive right `notify`. */
static mach_msg_return_t request_possible(struct ipc_space *space, mach_port_name_t name, struct ipc_entry *entry,
	mach_port_name_t notify, struct ipc_port **previous)
{
	struct ipc_port *right;
	bool dead;

	if (!(ipc_entry_type(entry) & MACH_PORT_TYPE_SEND) || !MACH_PORT_VALID(notify) ||
		ipc_right_copyin(space, notify, MACH_MSG_TYPE_MAKE_SEND_ONCE, &right, &dead) != KERN_SUCCESS)
		return MACH_SEND_INVALID_NOTIFY;
	if (ipc_right_request(space, name, entry, right, true, previous) != KERN_SUCCESS) {
		ipc_port_drop_send_once(right);
		return MACH_SEND_NO_BUFFER;
	}
	return MACH_SEND_WILL_NOTIFY;
}

mach_msg_return_t ipc_send_full(struct thread *self, mach_port_name_t name, mach_msg_option_t option, uint64_t deadline,
	mach_port_name_t notify)
{
	struct ipc_space *space = self->task->space;
	struct ipc_port *port, *previous = NULL;
	mach_msg_return_t result = MACH_MSG_SUCCESS;
	struct ipc_entry *entry;

	lock_acquire(&space->lock);
	entry = ipc_right_lookup(space, name);
	if (entry == NULL || !(ipc_entry_type(entry) & MACH_PORT_TYPE_SEND_RECEIVE)) {
		result = MACH_SEND_INVALID_DEST;
	} else if (option & MACH_SEND_NOTIFY) {
		result = request_possible(space, name, entry, notify, &previous);
	} else if ((option & MACH_SEND_TIMEOUT) && deadline <= machine_now()) {
		result = MACH_SEND_TIMED_OUT;
	} else {
		port = ipc_object_port(entry->object);
		lock_acquire(&port->object.lock);
		if (port->object.active && ipc_mqueue_full(port)) {
			ipc_object_reference(&port->object);
			self->ipc.wait_object = &port->object;
			thread_will_wait(WAIT_IPC_SEND, true, deadline);
			list_add_tail(&port->senders, &self->wait_link);
			result = IPC_SEND_WAIT;
		}
		lock_release(&port->object.lock);
	}
	lock_release(&space->lock);
	ipc_port_release_send_once(previous);
	deferred_run();
	return result;
}
