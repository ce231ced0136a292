/* Messages to ports whose receive right the kernel holds: its routines, and replies that it waits for. */
#include <ipc/ipc_internal.h>
#include <string.h>

#define REPLY_ID_OFFSET 100 /* doc/wire.md: reply id = request id + 100 */

/* --- Replies to threads. */

/* RetCode of a buffered reply; `otherwise` of one that has none. */
static kern_return_t result_of(const struct ipc_kmsg *kmsg, kern_return_t otherwise)
{
	mig_reply_error_t reply;

	if ((kmsg->header.msgh_bits & MACH_MSGH_BITS_COMPLEX) ||
		kmsg->header.msgh_size < offsetof(mig_reply_error_t, RetCode) + sizeof(kern_return_t))
		return otherwise;
	memcpy(&reply, &kmsg->header, offsetof(mig_reply_error_t, pad));
	return reply.RetCode;
}

/* The answer in a reply of exc.defs, which may also be the one word of a register reply. */
static kern_return_t exception_result(const struct ipc_kmsg *kmsg)
{
	const uint64_t *word = (const uint64_t *)(&kmsg->header + 1);

	if (ipc_kmsg_fits_words(kmsg) && kmsg->header.msgh_size == sizeof(mach_msg_header_t) + sizeof(*word))
		return (kern_return_t)*word;
	return result_of(kmsg, KERN_FAILURE);
}

/* Under the lock under which the port dies when the thread goes on: so it is this exception that is answered. */
static void exception_answered(struct ipc_port *port, kern_return_t result, const struct ipc_kmsg *kmsg)
{
	const size_t head = offsetof(mig_reply_error_t, pad);
	const bool has_more = kmsg != NULL && kmsg->header.msgh_size > head;

	lock_acquire(&port->object.lock);
	if (port->object.active)
		exception_reply_received(port->kobject, result, has_more ? (const char *)&kmsg->header + head : NULL,
			has_more ? kmsg->header.msgh_size - head : 0);
	lock_release(&port->object.lock);
}

/* A deferred reply. The message holds the right, so the port stays until the caller has let go of it. */
static void call_answered(struct ipc_port *port, int64_t code, const uint64_t *words, unsigned count)
{
	struct thread *caller = ipc_reply_port_close(port);

	if (caller == NULL)
		return;
	if (ipc_call_reply(caller, NULL, port, code, words, count, 0))
		(void)thread_go(caller, WAIT_AWAKENED);
	thread_deallocate(caller);
}

void ipc_kobject_answer(struct ipc_port *port, const uint64_t *words, unsigned count)
{
	uint64_t word[IPC_WORDS] = {0};

	memcpy(word, words, count * sizeof(*word));
	call_answered(port, MACH_MSG_SUCCESS, word, count);
	ipc_port_drop_send_once(port);
}

void ipc_kobject_send_once_died(struct ipc_port *port)
{
	struct thread *caller;

	if (port->object.type == IKOT_CALL_REPLY) {
		caller = ipc_reply_port_close(port);
		if (caller != NULL) {
			ipc_call_fail(caller, NULL, port, MIG_SERVER_DIED);
			thread_deallocate(caller);
		}
	} else if (port->object.type == IKOT_EXCEPTION_REPLY) {
		exception_answered(port, MIG_SERVER_DIED, NULL);
	}
}

/* --- Routines. */

/*
 * The block of a request of words becomes its reply's, with the right that this is sent to: so what a routine has done is answered
 * whatever memory is left.
 */
static void turn_round(struct ipc_kmsg *kmsg, const uint64_t *words, unsigned count)
{
	struct ipc_port *right = kmsg->local_port;
	const uint8_t disposition = kmsg->local_disposition;

	kmsg->local_port = NULL;
	ipc_kmsg_release_destination(kmsg);
	if (kmsg->tokens != NULL)
		task_tokens_release(kmsg->tokens);
	ipc_kmsg_reset(kmsg);
	kmsg->sender_id = 0;
	kmsg->remote_port = right;
	kmsg->remote_disposition = disposition;
	kmsg->header = (mach_msg_header_t){.msgh_id = kmsg->header.msgh_id + REPLY_ID_OFFSET,
		.msgh_size = (mach_msg_size_t)(sizeof(kmsg->header) + count * sizeof(*words))};
	memcpy(ipc_kmsg_body(kmsg), words, count * sizeof(*words));
}

/*
 * A register routine, its request in a buffer. *out: the reply, which is the request unless that was none for it; null with
 * KERN_SUCCESS: there is no reply to give.
 */
static kern_return_t run_words(struct ipc_kmsg *in, const struct mig_routine *routine, struct ipc_kmsg **out)
{
	const bool plain = ipc_kmsg_fits_words(in);
	kern_return_t result = MIG_BAD_ARGUMENTS;
	uint64_t word[IPC_WORDS];
	unsigned count;

	if (plain && ipc_kmsg_words(in, word) == routine->request_words)
		result = routine->words(word, (uintptr_t)in->remote_port);
	if (result == KERN_RESTART)
		return KERN_RESTART;
	*out = NULL;
	if (!mig_answers(result) || (routine->flags & MIG_ROUTINE_ONEWAY) || in->local_port == NULL)
		return KERN_SUCCESS;
	count = mig_answer(routine, result, word);
	if (plain)
		turn_round(*out = in, word, count);
	else
		*out = ipc_kmsg_of_words(in->account, in->header.msgh_id + REPLY_ID_OFFSET, word, count);
	return KERN_SUCCESS;
}

/* A buffered routine. */
static kern_return_t run_message(struct ipc_kmsg *in, const struct mig_routine *routine, struct ipc_kmsg **out)
{
	mach_msg_size_t room = routine->max_reply_size;
	kern_return_t result;

	*out = NULL;
	if (room < sizeof(mig_reply_error_t))
		room = sizeof(mig_reply_error_t);
	*out = ipc_kmsg_alloc_slots(in->account, room, 0, IPC_KMSG_SLOTS);
	if (*out == NULL)
		return KERN_RESOURCE_SHORTAGE;
	routine->message(in, *out);
	result = result_of(*out, KERN_SUCCESS);
	if (result == KERN_RESTART || result == MIG_NO_REPLY || (routine->flags & MIG_ROUTINE_ONEWAY) ||
		in->local_port == NULL) {
		ipc_kmsg_destroy(*out);
		*out = NULL;
		return result == KERN_RESTART ? KERN_RESTART : KERN_SUCCESS;
	}
	(*out)->header.msgh_id = in->header.msgh_id + REPLY_ID_OFFSET;
	return KERN_SUCCESS;
}

/* The reply of a request that no routine takes. */
static struct ipc_kmsg *error_reply(const struct ipc_kmsg *in, kern_return_t code)
{
	struct ipc_kmsg *out = ipc_kmsg_alloc_slots(in->account, sizeof(mig_reply_error_t), 0, 0);
	mig_reply_error_t reply = {.NDR = NDR_record, .RetCode = code};

	if (out == NULL)
		return NULL;
	memcpy(ipc_kmsg_body(out), &reply.NDR, sizeof(reply) - offsetof(mig_reply_error_t, NDR));
	out->header.msgh_id = in->header.msgh_id + REPLY_ID_OFFSET;
	return out;
}

/* Whether a right among the arguments has died: to a routine it would look like one that was left out. */
static bool carries_dead(const struct ipc_kmsg *in)
{
	for (unsigned i = 0; i < in->descriptors; i++) {
		const struct ipc_carry *carry = &in->carry[i];

		if (carry->type == MACH_MSG_PORT_DESCRIPTOR &&
			(carry->dead || (carry->port != NULL && !ipc_port_active(carry->port))))
			return true;
	}
	return false;
}

/*
 * Runs the routine for a message and sends its reply, which is on the same account. A buffered routine whose reply has no room
 * there is not run: there is none but the notification that says so. KERN_RESTART: not consumed.
 */
static mach_msg_return_t run_routine(struct ipc_kmsg *in, bool may_restart)
{
	const struct mig_routine *routine = kernel_routine(in->header.msgh_id);
	struct ipc_kmsg *out = NULL;
	kern_return_t result = KERN_SUCCESS;

	count_event(messages_kernel);
	/* A pause is not for those that nobody would make again. */
	do {
		if (routine != NULL && __builtin_expect(carries_dead(in), 0))
			out = in->local_port != NULL ? error_reply(in, KERN_INVALID_CAPABILITY) : NULL;
		else if (routine != NULL && routine->words != NULL)
			result = run_words(in, routine, &out);
		else if (routine != NULL && routine->message != NULL)
			result = run_message(in, routine, &out);
		else if (in->local_port != NULL)
			out = error_reply(in, MIG_BAD_ID);
	} while (result == KERN_RESTART && !may_restart && current_thread()->progress.object != NULL);
	if (result == KERN_RESTART) {
		if (may_restart)
			return KERN_RESTART;
		/* Nobody to run it again for: a message that the kernel itself passed on. */
		thread_cancel_wait(current_thread());
	}
	if (out != NULL && out != in) {
		/* The right to reply moves from the request to the reply. */
		out->remote_port = in->local_port;
		out->remote_disposition = in->local_disposition;
		in->local_port = NULL;
	}
	if (out != NULL && ipc_kmsg_in_transit(out))
		(void)ipc_kmsg_deliver(out);
	if (out != in)
		ipc_kmsg_destroy(in); /* its right to reply, if it is still there, says that no reply comes */
	deferred_run();
	return MACH_MSG_SUCCESS;
}

mach_msg_return_t ipc_kobject_message(struct ipc_kmsg *kmsg, bool may_restart)
{
	struct ipc_port *port = kmsg->remote_port;
	struct ipc_kernel_receiver *receiver;
	uint64_t words[IPC_WORDS] = {0};
	bool plain;

	switch (port->object.type) {
	case IKOT_CALL_REPLY:
		plain = ipc_kmsg_fits_words(kmsg);
		call_answered(port, plain ? MACH_MSG_SUCCESS : MACH_RCV_COMPLEX, words,
			plain ? ipc_kmsg_words(kmsg, words) : 0);
		break;
	case IKOT_EXCEPTION_REPLY:
		exception_answered(port, exception_result(kmsg), kmsg);
		break;
	case IKOT_FUNCTION:
		receiver = port->kobject;
		if (receiver != NULL) {
			receiver->message(receiver, kmsg);
			return MACH_MSG_SUCCESS;
		}
		break;
	default:
		return run_routine(kmsg, may_restart);
	}
	ipc_kmsg_destroy(kmsg);
	return MACH_MSG_SUCCESS;
}
