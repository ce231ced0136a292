/* The server loop. */
#include "server_words.h"

#include <mach/server.h>
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

__thread uint64_t mach_request_payload_;

/*
 * Big picture. A thread waits with mach_reply_wait, which gives it small messages in registers and answers a register
 * call in the same trap. Register requests that were served once before are served where the wait is (server_words.S);
 * all else comes here. A request in a buffer is answered by mach_msg; after a run of them the answer and the next wait
 * are one mach_msg trap, which serves clients that only send messages as fast as a loop made for them (and slows down a
 * register call, which then comes as a message: hence only after a run).
 */
enum { BUFFERED_RUN = 4 }; /* requests in a buffer, one after the other, before it is expected that more will follow */

struct loop {
	struct words_loop words; /* the wait, and its receive buffer */
	mach_port_t receive;
	const struct mig_subsystem *const *subsystems;
	mach_msg_header_t *in, *out; /* both of this size: they change places */
	mach_msg_size_t size;
	/* The reply that goes with the next wait: by register, unless there is one in `out`. */
	uint32_t flags, count;
	bool answer;
	unsigned run;
	mach_msg_option_t trailer; /* what it must say */
};

_Static_assert(sizeof(struct words_recent) == 1 << WORDS_RECENT_SHIFT &&
		       offsetof(struct words_recent, kind) == RECENT_KIND &&
		       offsetof(struct words_recent, stub) == RECENT_STUB &&
		       offsetof(struct words_recent, answer) == RECENT_ANSWER &&
		       offsetof(struct words_recent, entry) == RECENT_ENTRY &&
		       offsetof(struct words_recent, exit) == RECENT_EXIT,
	"as server_words.S knows it");
_Static_assert(offsetof(struct words_loop, receive) == WORDS_RECEIVE &&
		       offsetof(struct words_loop, buffer) == WORDS_BUFFER &&
		       offsetof(struct words_loop, one) == WORDS_ONE &&
		       offsetof(struct words_loop, delivery) == WORDS_DELIVERY &&
		       offsetof(struct words_loop, recent) == WORDS_TABLE,
	"as server_words.S knows it");
_Static_assert(MIG_NO_REPLY == -305 && MIG_DESTROY_REQUEST == -309, "as server_words.S knows it");

/* From now on the wait itself serves such requests. */
static void remember(struct loop *loop, uint64_t kind, const struct mig_routine *routine)
{
	/* A kind must differ from what rbx holds when the wait fails: see server_words.S. */
	if (!(kind & DELIVERED_CALL) || (routine->flags & MIG_ROUTINE_ONEWAY) || (uint32_t)kind == loop->receive)
		return;
	loop->words.recent[(kind >> 32) % WORDS_RECENT] = (struct words_recent){
		.kind = kind,
		.stub = routine->words,
		.answer = loop->size | (uint64_t)routine->reply_words << 32,
		.entry = mach_words_entry[routine->request_words],
		.exit = mach_words_exit[routine->reply_words],
	};
}

static const struct mig_routine *find_routine(const struct mig_subsystem *const *subsystems, mach_msg_id_t id)
{
	for (; *subsystems; subsystems++)
		if (id >= (*subsystems)->start && id < (*subsystems)->end)
			return &(*subsystems)->routine[id - (*subsystems)->start];
	return NULL;
}

/* Timeout 0: a client that does not take its reply loses it. */
static void send_answer(mach_msg_header_t *out)
{
	if (mach_msg(out, MACH_SEND_MSG | MACH_SEND_TIMEOUT, out->msgh_size, 0, MACH_PORT_NULL, 0, MACH_PORT_NULL))
		mach_msg_destroy(out);
}

/* Serves the message in loop->in, header and all. Its reply is sent, or left in loop->out. */
static void serve_buffer(struct loop *loop)
{
	mach_msg_header_t *in = loop->in, *out = loop->out;
	const struct mig_routine *routine =
		foreign_call_received(in) ? NULL : find_routine(loop->subsystems, in->msgh_id);
	const mig_reply_error_t *error = (const mig_reply_error_t *)out;
	mach_port_t reply = in->msgh_remote_port;

	if (routine && routine->message) {
		routine->message(in, out);
	} else if (routine && routine->words) {
		mig_dispatch_words(routine, in, out);
		loop->run = 0;
	} else {
		/* The reply is made from the header before the request is destroyed without it. */
		mig_bad_id(in, out);
		in->msgh_remote_port = MACH_PORT_NULL;
		mach_msg_destroy(in);
	}
	if (routine && (routine->flags & MIG_ROUTINE_ONEWAY)) {
		if (MACH_PORT_VALID(reply))
			mach_port_deallocate(mach_task_self(), reply);
		return;
	}
	if (!(out->msgh_bits & MACH_MSGH_BITS_COMPLEX) && error->RetCode == MIG_NO_REPLY &&
		out->msgh_size == sizeof(*error))
		return;
	if (!MACH_PORT_VALID(reply))
		mach_msg_destroy(out);
	else if (loop->run >= BUFFERED_RUN)
		loop->answer = true;
	else
		send_answer(out);
}

/* A buffered routine whose request was short enough to arrive in registers: put together again as a message. */
static void serve_words_as_message(struct loop *loop, const struct mach_delivery *delivery)
{
	mach_msg_header_t *in = loop->in;
	mach_msg_trailer_t *trailer;
	uint32_t count = DELIVERED_COUNT(delivery->kind);

	memset(in, 0, sizeof(*in));
	in->msgh_size = (mach_msg_size_t)(sizeof(*in) + 8 * count);
	in->msgh_local_port = (mach_port_t)delivery->payload;
	in->msgh_id = DELIVERED_ID(delivery->kind);
	in->msgh_bits = MACH_MSGH_BITS(0, MACH_MSG_TYPE_PORT_SEND);
	if (delivery->kind & DELIVERED_CALL) {
		in->msgh_remote_port = mach_reply_defer();
		in->msgh_bits |= MACH_MSGH_BITS(MACH_MSG_TYPE_PORT_SEND_ONCE, 0);
	}
	memcpy(in + 1, delivery->word, 8 * count);
	trailer = (mach_msg_trailer_t *)((char *)in + in->msgh_size);
	memset(trailer, 0, sizeof(*trailer));
	trailer->msgh_trailer_size = sizeof(*trailer);
	trailer->msgh_payload = delivery->payload;
	loop->run++;
	serve_buffer(loop);
}

/* Serves a register message; its reply goes out with the loop's next wait. */
static void serve_words(struct loop *loop, struct mach_delivery *delivery)
{
	const bool foreign = delivery->kind & DELIVERED_FOREIGN;
	const struct mig_routine *routine =
		foreign ? NULL : find_routine(loop->subsystems, DELIVERED_ID(delivery->kind));
	kern_return_t result = MIG_BAD_ARGUMENTS;

	mach_request_payload_ = delivery->payload;
	if (routine && routine->message) {
		serve_words_as_message(loop, delivery);
		return;
	}
	loop->run = 0;
	if (!routine || !routine->words) {
		loop->flags = delivery->kind & DELIVERED_CALL ? 0 : REPLY_NONE;
		loop->count = mig_bad_id_words(foreign, delivery->word);
		return;
	}
	if (DELIVERED_COUNT(delivery->kind) == routine->request_words) {
		result = routine->words(delivery->word, delivery->payload);
		remember(loop, delivery->kind, routine);
	}
	if (!(delivery->kind & DELIVERED_CALL) || !mig_answers(result) || (routine->flags & MIG_ROUTINE_ONEWAY))
		return;
	loop->flags = 0;
	loop->count = mig_answer(routine, result, delivery->word);
}

static void take_buffer(struct loop *loop)
{
	mach_msg_header_t *in = loop->in;
	const mach_msg_trailer_t *trailer = (const void *)((char *)in + ((in->msgh_size + 7u) & ~7u));

	mach_request_payload_ = trailer->msgh_payload ? trailer->msgh_payload : in->msgh_local_port;
	loop->run++;
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

/* The answer in loop->out goes, and the next request comes there. */
static void answer_and_take(struct loop *loop)
{
	mach_msg_header_t *message = loop->out;
	mach_msg_return_t result;

	loop->answer = false;
	result = mach_msg_trap(message, MACH_SEND_MSG | MACH_SEND_TIMEOUT | MACH_RCV_MSG | loop->trailer,
		message->msgh_size, loop->size, loop->receive, 0, MACH_PORT_NULL);
	if (result == MACH_MSG_SUCCESS) {
		loop->out = loop->in;
		loop->in = message;
		take_buffer(loop);
	} else if (result == MACH_SEND_INTERRUPTED) {
		send_answer(message);
	} else if (result < MACH_RCV_IN_PROGRESS) {
		mach_msg_destroy(message);
	}
	/* An error of receiving is met by the next wait again, or is over. */
}

/* What a wait brought that it did not serve. False: no wait will bring anything again. */
static bool serve(struct loop *loop, kern_return_t result)
{
	struct mach_delivery *delivery = &loop->words.delivery;

	loop->flags = REPLY_NONE;
	loop->count = 0;
	if (result == MACH_RCV_TOO_LARGE) {
		/* No routine here takes that much: a plain receive destroys it (or gets one that fits). */
		result = mach_msg(loop->in, MACH_RCV_MSG | MACH_RCV_TIMEOUT | loop->trailer, 0, loop->size,
			loop->receive, 0, MACH_PORT_NULL);
		if (result == KERN_SUCCESS)
			take_buffer(loop);
	} else if (result == MACH_RCV_INTERRUPTED) {
		return true;
	} else if (result != KERN_SUCCESS) {
		return false;
	} else if (delivery->kind & DELIVERED_BUFFER) {
		take_buffer(loop);
	} else {
		serve_words(loop, delivery);
	}
	while (loop->answer)
		answer_and_take(loop);
	return true;
}

static kern_return_t run(struct loop *loop)
{
	kern_return_t result;

	do {
		loop->words.buffer = loop->in;
		result = mach_server_words(&loop->words, loop->flags, loop->count);
	} while (serve(loop, result));
	return result;
}

kern_return_t mach_server_run(mach_port_t receive, const struct mig_subsystem *const subsystems[])
{
	struct loop *loop = aligned_alloc(_Alignof(struct loop), sizeof(*loop));
	const bool trailers = needs_trailers(subsystems);
	kern_return_t result = KERN_RESOURCE_SHORTAGE;
	mach_msg_size_t size = sizeof(mach_msg_header_t) + 64;

	if (!loop)
		return result;
	for (const struct mig_subsystem *const *s = subsystems; *s; s++) {
		if ((*s)->max_request_size > size)
			size = (*s)->max_request_size;
		if ((*s)->max_reply_size > size)
			size = (*s)->max_reply_size;
	}
	size = ((size + 7u) & ~7u) + MAX_TRAILER_SIZE;
	/* Words have no trailer: where a routine needs one, only calls come by registers. */
	*loop = (struct loop){.words = {.receive = receive | (trailers ? (uint64_t)REPLY_TRAILERS << 32 : 0),
				      .one = size | 1ull << 32},
		.receive = receive,
		.subsystems = subsystems,
		.in = calloc(1, size),
		.out = calloc(1, size),
		.size = size,
		.flags = REPLY_NONE,
		.trailer = trailers ? MACH_RCV_TRAILER_AUDIT : MACH_MSG_OPTION_NONE};
	loop->words.recent[0].kind = RECENT_NONE;
	if (loop->in && loop->out)
		result = run(loop);
	free(loop->in);
	free(loop->out);
	free(loop);
	return result;
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
		mach_task_self(), name, id, id == MACH_NOTIFY_DEAD_NAME, notify, MACH_MSG_TYPE_MAKE_SEND_ONCE, &previous);

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
