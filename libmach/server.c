/* The server loop. */
#include <mach/server.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

__thread uint64_t mach_request_payload_;

/* What a personality's caller gets from a server that is none: Linux's ENOSYS. */
#define FOREIGN_NOT_SERVED (-38)

struct loop {
	mach_port_t receive;
	const struct mig_subsystem *const *subsystems;
	mach_msg_header_t *in, *out;
	mach_msg_size_t in_size;
	/* The next reply by register. */
	uint32_t flags, count;
};

static const struct mig_subsystem *find_subsystem(const struct mig_subsystem *const *subsystems, mach_msg_id_t id)
{
	for (; *subsystems; subsystems++)
		if (id >= (*subsystems)->start && id < (*subsystems)->end)
			return *subsystems;
	return NULL;
}

/* Serves the message in loop->in, header and all, and sends the reply if there is one. */
static void serve_buffer(struct loop *loop)
{
	mach_msg_header_t *in = loop->in, *out = loop->out;
	const struct mig_subsystem *subsystem = find_subsystem(loop->subsystems, in->msgh_id);
	const struct mig_routine *routine = subsystem ? &subsystem->routine[in->msgh_id - subsystem->start] : NULL;
	mach_msg_bits_t reply_type = MACH_MSGH_BITS_REMOTE(in->msgh_bits);
	mach_port_t reply = in->msgh_remote_port;
	bool known = routine && (routine->words || routine->message);

	if (known) {
		mig_server_dispatch(subsystem, in, out);
	} else {
		/* The reply is made from the header before the request is destroyed without it. */
		static const struct mig_subsystem empty = {.name = "none"};

		mig_server_dispatch(&empty, in, out);
		in->msgh_remote_port = MACH_PORT_NULL;
		mach_msg_destroy(in);
	}
	if (known && (routine->flags & MIG_ROUTINE_ONEWAY)) {
		if (MACH_PORT_VALID(reply))
			mach_port_deallocate(mach_task_self(), reply);
		return;
	}
	if (known && out->msgh_remote_port == MACH_PORT_NULL && !(out->msgh_bits & MACH_MSGH_BITS_COMPLEX))
		return;
	out->msgh_remote_port = reply;
	out->msgh_local_port = MACH_PORT_NULL;
	out->msgh_bits = MACH_MSGH_BITS(reply_type, 0) | (out->msgh_bits & MACH_MSGH_BITS_COMPLEX);
	/* Timeout 0: a client that does not take its reply loses it. */
	if (!MACH_PORT_VALID(reply) ||
		mach_msg(out, MACH_SEND_MSG | MACH_SEND_TIMEOUT, out->msgh_size, 0, MACH_PORT_NULL, 0, MACH_PORT_NULL))
		mach_msg_destroy(out);
}

/* A buffered routine whose request was short enough to arrive in registers: put together again as a message. */
static void serve_words_as_message(struct loop *loop, const struct mach_delivery *delivery, mach_port_t receive)
{
	mach_msg_header_t *in = loop->in;
	mach_msg_trailer_t *trailer;
	uint32_t count = DELIVERED_COUNT(delivery->kind);

	memset(in, 0, sizeof(*in));
	in->msgh_size = (mach_msg_size_t)(sizeof(*in) + 8 * count);
	in->msgh_local_port = receive;
	in->msgh_id = DELIVERED_ID(delivery->kind);
	if (delivery->kind & DELIVERED_CALL) {
		in->msgh_remote_port = mach_reply_defer();
		in->msgh_bits = MACH_MSGH_BITS(MACH_MSG_TYPE_PORT_SEND_ONCE, 0);
	}
	memcpy(in + 1, delivery->word, 8 * count);
	trailer = (mach_msg_trailer_t *)((char *)in + in->msgh_size);
	memset(trailer, 0, sizeof(*trailer));
	trailer->msgh_trailer_size = sizeof(*trailer);
	trailer->msgh_payload = delivery->payload;
	serve_buffer(loop);
}

/* Serves a register message; its reply goes out with the loop's next wait. */
static void serve_words(struct loop *loop, struct mach_delivery *delivery)
{
	mach_msg_id_t id = DELIVERED_ID(delivery->kind);
	const struct mig_subsystem *subsystem = find_subsystem(loop->subsystems, id);
	const struct mig_routine *routine = subsystem ? &subsystem->routine[id - subsystem->start] : NULL;
	struct mig_call call = {.port = (mach_port_t)delivery->payload,
		.payload = delivery->payload,
		.id = id,
		.count = DELIVERED_COUNT(delivery->kind)};

	mach_request_payload_ = delivery->payload;
	if (routine && routine->message && !(delivery->kind & DELIVERED_FOREIGN)) {
		serve_words_as_message(loop, delivery, call.port);
		return;
	}
	memcpy(call.word, delivery->word, sizeof(call.word));
	if (delivery->kind & DELIVERED_FOREIGN) {
		call.word[0] = (uint64_t)(int64_t)FOREIGN_NOT_SERVED;
		call.count = 1;
	} else if (!routine || !routine->words) {
		call.word[0] = (uint64_t)(int64_t)MIG_BAD_ID;
		call.count = 1;
	} else if (call.count != routine->request_words) {
		call.word[0] = (uint64_t)(int64_t)MIG_BAD_ARGUMENTS;
		call.count = 1;
	} else {
		routine->words(&call);
	}
	if (!(delivery->kind & DELIVERED_CALL) || call.disposition == MIG_NO_REPLY ||
		(routine && (routine->flags & MIG_ROUTINE_ONEWAY)))
		return;
	memcpy(delivery->word, call.word, 8 * call.count);
	memset(delivery->word + call.count, 0, 8 * (8 - call.count));
	loop->flags = 0;
	loop->count = call.count;
}

static void take_buffer(struct loop *loop)
{
	mach_msg_header_t *in = loop->in;
	const mach_msg_trailer_t *trailer = (const void *)((char *)in + ((in->msgh_size + 7u) & ~7u));

	mach_request_payload_ = trailer->msgh_payload ? trailer->msgh_payload : in->msgh_local_port;
	serve_buffer(loop);
}

static bool needs_trailers(const struct mig_subsystem *const *subsystems)
{
	for (; *subsystems; subsystems++)
		for (mach_msg_id_t i = 0; i < (*subsystems)->end - (*subsystems)->start; i++)
			if ((*subsystems)->routine[i].flags & MIG_ROUTINE_TRAILER)
				return true;
	return false;
}

/* Register messages have no trailer: where a routine needs one, everything is received as a message. */
static kern_return_t serve_with_trailers(struct loop *loop)
{
	for (;;) {
		kern_return_t result = mach_msg(loop->in, MACH_RCV_MSG | MACH_RCV_TRAILER_AUDIT, 0, loop->in_size,
			loop->receive, MACH_MSG_TIMEOUT_NONE, MACH_PORT_NULL);

		if (result == KERN_SUCCESS) {
			take_buffer(loop);
		} else if (result != MACH_RCV_TOO_LARGE && result != MACH_RCV_INTERRUPTED) {
			free(loop->in);
			free(loop->out);
			return result;
		}
	}
}

kern_return_t mach_server_run(mach_port_t receive, const struct mig_subsystem *const subsystems[])
{
	struct loop loop = {.receive = receive, .subsystems = subsystems, .flags = REPLY_NONE};
	mach_msg_size_t in_size = sizeof(mach_msg_header_t) + 64, out_size = sizeof(mach_msg_header_t) + 64;
	struct mach_delivery delivery = {.kind = 0};

	for (const struct mig_subsystem *const *s = subsystems; *s; s++) {
		if ((*s)->max_request_size > in_size)
			in_size = (*s)->max_request_size;
		if ((*s)->max_reply_size > out_size)
			out_size = (*s)->max_reply_size;
	}
	loop.in_size = ((in_size + 7u) & ~7u) + MAX_TRAILER_SIZE;
	loop.in = calloc(1, loop.in_size);
	loop.out = calloc(1, out_size);
	if (!loop.in || !loop.out) {
		free(loop.in);
		free(loop.out);
		return KERN_RESOURCE_SHORTAGE;
	}
	if (needs_trailers(subsystems))
		return serve_with_trailers(&loop);
	for (;;) {
		kern_return_t result =
			mach_reply_wait_words(receive, loop.flags, loop.count, loop.in, loop.in_size, &delivery);

		loop.flags = REPLY_NONE;
		loop.count = 0;
		if (result == MACH_RCV_TOO_LARGE) {
			/* No routine here takes that much: a plain receive destroys it (or gets one that fits). */
			result = mach_msg(
				loop.in, MACH_RCV_MSG | MACH_RCV_TIMEOUT, 0, loop.in_size, receive, 0, MACH_PORT_NULL);
			if (result == KERN_SUCCESS)
				take_buffer(&loop);
			continue;
		}
		if (result == MACH_RCV_INTERRUPTED)
			continue;
		if (result != KERN_SUCCESS) {
			free(loop.in);
			free(loop.out);
			return result;
		}
		if (delivery.kind & DELIVERED_BUFFER)
			take_buffer(&loop);
		else
			serve_words(&loop, &delivery);
	}
}

struct thread_start {
	mach_port_t receive;
	const struct mig_subsystem *const *subsystems;
};

static void *server_thread(void *argument)
{
	struct thread_start start = *(struct thread_start *)argument;

	free(argument);
	mach_server_run(start.receive, start.subsystems);
	return NULL;
}

kern_return_t mach_server_start_threads(
	mach_port_t receive, const struct mig_subsystem *const subsystems[], unsigned count)
{
	while (count--) {
		struct thread_start *start = malloc(sizeof(*start));
		pthread_t thread;

		if (!start)
			return KERN_RESOURCE_SHORTAGE;
		start->receive = receive;
		start->subsystems = subsystems;
		if (pthread_create(&thread, NULL, server_thread, start)) {
			free(start);
			return KERN_RESOURCE_SHORTAGE;
		}
		pthread_detach(thread);
	}
	return KERN_SUCCESS;
}

kern_return_t mach_server_port(mach_port_t set, void *object, mach_port_t *port)
{
	mach_port_t self = mach_task_self();
	kern_return_t result = mach_port_allocate(self, MACH_PORT_RIGHT_RECEIVE, port);

	if (result != KERN_SUCCESS)
		return result;
	result = mach_port_set_protected_payload(self, *port, (uint64_t)(uintptr_t)object);
	if (result == KERN_SUCCESS && set != MACH_PORT_NULL)
		result = mach_port_move_member(self, *port, set);
	if (result != KERN_SUCCESS) {
		mach_port_mod_refs(self, *port, MACH_PORT_RIGHT_RECEIVE, -1);
		*port = MACH_PORT_NULL;
	}
	return result;
}

static kern_return_t notify_at(mach_port_t name, mach_msg_id_t id, mach_port_t notify)
{
	mach_port_t previous = MACH_PORT_NULL;
	kern_return_t result = mach_port_request_notification(
		mach_task_self(), name, id, id == MACH_NOTIFY_DEAD_NAME, notify, &previous);

	if (result == KERN_SUCCESS && MACH_PORT_VALID(previous))
		mach_port_deallocate(mach_task_self(), previous);
	return result;
}

kern_return_t mach_server_notify_no_senders(mach_port_t port)
{
	return notify_at(port, MACH_NOTIFY_NO_SENDERS, port);
}

kern_return_t mach_server_notify_dead_name(mach_port_t name, mach_port_t notify)
{
	return notify_at(name, MACH_NOTIFY_DEAD_NAME, notify);
}
