/*
 * Sends that fail: everything about every right is as it was before, for each disposition and each error; and senders
 * that are woken and then do not send pass their wake on.
 */
#include "calls.h"
#include "world.h"
#include <kern/thread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <stubs/mach_port_server.h>
#include <stubs/notify_user.h>

enum { BAD_NAME = 0x4567800, BAD_ADDRESS = 8, OOL_BYTES = 100, PAYLOAD = 0x7007 };

static struct task *task, *other;
static struct ipc_port *notify; /* where all requests lead; its receive right is the test's */

static struct ipc_entry *entry_of(struct task *in, mach_port_name_t name)
{
	return ipc_entry_lookup(in->space, name);
}

/* --- All there is to know of a name. */

struct state {
	struct ipc_entry entry; /* without its place in the hash */
	struct ipc_notice dead, possible, destroyed, no_senders;
	struct ipc_port *destination;
	struct ipc_pset *set;
	struct ipc_space *receiver;
	uint64_t label;
	uint32_t refs, srights, sorights, mscount, seqno, msgcount;
	mach_port_name_t receiver_name;
	bool has_payload;
	uint32_t notified; /* notifications sent to anybody */
	uint64_t charged;
	size_t kalloc;
};

static struct state state_of(mach_port_name_t name)
{
	const struct ipc_entry *entry = entry_of(task, name);
	struct state state;

	memset(&state, 0, sizeof(state));
	state.notified = notify->msgcount;
	state.charged = task->account->bytes;
	state.kalloc = world_kalloc_used();
	if (entry == NULL)
		return state;
	state.entry = *entry;
	state.entry.next = 0;
	if (entry->request != NULL) {
		state.dead = entry->request->dead;
		state.possible = entry->request->possible;
	}
	if (entry->object != NULL && !entry->object->is_set) {
		struct ipc_port *port = ipc_object_port(entry->object);

		state.refs = port->object.refs.count;
		state.destroyed = port->pd_notice;
		state.no_senders = port->ns_notice;
		state.destination = port->destination;
		state.set = port->set;
		state.receiver = port->receiver;
		state.receiver_name = port->receiver_name;
		state.label = port->label;
		state.has_payload = port->has_payload;
		state.srights = port->srights;
		state.sorights = port->sorights;
		state.mscount = port->mscount;
		state.seqno = port->seqno;
		state.msgcount = port->msgcount;
	}
	return state;
}

/* --- Rights of every kind, with everything that can be asked for on them. */

enum kind { RECEIVE, RECEIVE_AND_SEND, SEND_ONE, SEND_TWO, SEND_ONCE, DEAD_ONE, DEAD_TWO, KINDS };

static void request(mach_port_name_t name, mach_msg_id_t id)
{
	struct ipc_port *previous = NULL;

	CHECK_EQUAL(
		mach_port_request_notification(task->space, name, id, 0, ipc_port_make_send_once(notify), &previous),
		KERN_SUCCESS);
	CHECK(previous == NULL);
}

static void requests_on_send(mach_port_name_t name)
{
	request(name, MIG_ID_mach_notify_dead_name);
	request(name, MIG_ID_mach_notify_send_possible);
}

static mach_port_name_t receive_right(bool send)
{
	mach_port_name_t name = world_port(task), set = 0;

	CHECK_EQUAL(mach_port_allocate(task->space, MACH_PORT_RIGHT_PORT_SET, &set), KERN_SUCCESS);
	CHECK_EQUAL(mach_port_move_member(task->space, name, set), KERN_SUCCESS);
	CHECK_EQUAL(mach_port_set_protected_payload(task->space, name, PAYLOAD), KERN_SUCCESS);
	CHECK_EQUAL(mach_port_set_seqno(task->space, name, 5), KERN_SUCCESS);
	(void)mach_port_deallocate(other->space, world_send_right(task, name, other)); /* the make-send count */
	request(name, MIG_ID_mach_notify_port_destroyed);
	if (send) {
		CHECK_EQUAL(world_send_right(task, name, task), name);
		requests_on_send(name);
	}
	request(name, MIG_ID_mach_notify_no_senders);
	return name;
}

static mach_port_name_t other_right(enum kind kind)
{
	mach_port_name_t there = world_port(other), name = 0;

	if (kind == SEND_ONCE) {
		struct ipc_port *port = ipc_object_port(entry_of(other, there)->object);

		CHECK_EQUAL(ipc_space_insert(
				    task->space, ipc_port_make_send_once(port), MACH_MSG_TYPE_PORT_SEND_ONCE, &name),
			KERN_SUCCESS);
		request(name, MIG_ID_mach_notify_dead_name);
		return name;
	}
	name = world_send_right(other, there, task);
	if (kind == SEND_TWO || kind == DEAD_TWO)
		CHECK_EQUAL(world_send_right(other, there, task), name);
	if (kind == SEND_ONE || kind == SEND_TWO)
		requests_on_send(name);
	else
		CHECK_EQUAL(mach_port_mod_refs(other->space, there, MACH_PORT_RIGHT_RECEIVE, -1), KERN_SUCCESS);
	(void)ipc_right_lookup(task->space, name); /* a dead one becomes a dead name */
	deferred_run();
	return name;
}

static const struct {
	enum kind kind;
	mach_msg_type_name_t disposition;
} cases[] = {
	{RECEIVE, MACH_MSG_TYPE_MOVE_RECEIVE},
	{RECEIVE, MACH_MSG_TYPE_MAKE_SEND},
	{RECEIVE, MACH_MSG_TYPE_MAKE_SEND_ONCE},
	{RECEIVE_AND_SEND, MACH_MSG_TYPE_MOVE_RECEIVE},
	{RECEIVE_AND_SEND, MACH_MSG_TYPE_MOVE_SEND},
	{RECEIVE_AND_SEND, MACH_MSG_TYPE_COPY_SEND},
	{SEND_ONE, MACH_MSG_TYPE_MOVE_SEND},
	{SEND_ONE, MACH_MSG_TYPE_COPY_SEND},
	{SEND_TWO, MACH_MSG_TYPE_MOVE_SEND},
	{SEND_ONCE, MACH_MSG_TYPE_MOVE_SEND_ONCE},
	{DEAD_ONE, MACH_MSG_TYPE_MOVE_SEND},
	{DEAD_TWO, MACH_MSG_TYPE_MOVE_SEND},
	{DEAD_ONE, MACH_MSG_TYPE_COPY_SEND},
};

/* --- Messages that carry one, and fail. */

struct message {
	mach_msg_header_t header;
	mach_msg_body_t body;
	mach_msg_port_descriptor_t first;
	mach_msg_port_descriptor_t second;
	mach_msg_ool_descriptor_t memory;
	mach_msg_ool_ports_descriptor_t array;
};

static char bytes[OOL_BYTES];
static mach_port_name_t array_names[2];

static struct message message_of(mach_port_name_t to, mach_port_name_t name, mach_msg_type_name_t disposition)
{
	array_names[0] = array_names[1] = MACH_PORT_NULL;
	return (struct message){
		.header = {.msgh_bits = MACH_MSGH_BITS(MACH_MSG_TYPE_COPY_SEND, 0) | MACH_MSGH_BITS_COMPLEX,
			.msgh_remote_port = to,
			.msgh_id = 3},
		.body = {.msgh_descriptor_count = 4},
		.first = {.name = name, .disposition = disposition, .type = MACH_MSG_PORT_DESCRIPTOR},
		.second = {.name = MACH_PORT_NULL,
			.disposition = MACH_MSG_TYPE_COPY_SEND,
			.type = MACH_MSG_PORT_DESCRIPTOR},
		.memory = {.address = bytes, .size = OOL_BYTES, .type = MACH_MSG_OOL_DESCRIPTOR},
		.array = {.address = array_names,
			.count = 2,
			.disposition = MACH_MSG_TYPE_COPY_SEND,
			.type = MACH_MSG_OOL_PORTS_DESCRIPTOR}};
}

static int64_t send(struct message *message, unsigned option)
{
	return user_msg(message, MACH_SEND_MSG | option, sizeof(*message), 0, 0, 0, 0);
}

static void unchanged(mach_port_name_t name, const struct state *before, const char *what, unsigned number)
{
	struct state after = state_of(name);

	if (!host_check(memcmp(before, &after, sizeof(after)) == 0, what, __FILE__, __LINE__))
		printf("case %u: kind %d, disposition %u\n", number, cases[number].kind, cases[number].disposition);
}

/* The errors that a message can be given from outside. */
static void errors_in_message(mach_port_name_t to, mach_port_name_t full, mach_port_name_t name, unsigned number)
{
	mach_msg_type_name_t disposition = cases[number].disposition;
	struct state before = state_of(name);
	struct message message = message_of(BAD_NAME, name, disposition);

	CHECK_EQUAL(send(&message, 0), MACH_SEND_INVALID_DEST);
	unchanged(name, &before, "invalid destination", number);
	message = message_of(to, name, disposition);
	message.second.name = BAD_NAME;
	CHECK_EQUAL(send(&message, 0), MACH_SEND_INVALID_RIGHT);
	unchanged(name, &before, "invalid right in the second descriptor", number);
	message = message_of(to, name, disposition);
	array_names[1] = BAD_NAME;
	CHECK_EQUAL(send(&message, 0), MACH_SEND_INVALID_RIGHT);
	unchanged(name, &before, "invalid right in an array", number);
	message = message_of(to, name, disposition);
	message.header.msgh_bits |= MACH_MSGH_BITS(0, MACH_MSG_TYPE_COPY_SEND);
	message.header.msgh_local_port = BAD_NAME;
	CHECK_EQUAL(send(&message, 0), MACH_SEND_INVALID_REPLY);
	unchanged(name, &before, "invalid reply", number);
	message = message_of(to, name, disposition);
	message.memory.address = (void *)(uintptr_t)BAD_ADDRESS;
	CHECK_EQUAL(send(&message, 0), MACH_SEND_INVALID_MEMORY);
	unchanged(name, &before, "invalid memory", number);
	message = message_of(full, name, disposition);
	CHECK_EQUAL(send(&message, MACH_SEND_TIMEOUT), MACH_SEND_TIMED_OUT);
	unchanged(name, &before, "timed out", number);
	/* More than there is of what moves: the last of them cannot be had. */
	if (cases[number].kind == SEND_ONE || cases[number].kind == SEND_ONCE ||
		disposition == MACH_MSG_TYPE_MOVE_RECEIVE) {
		message = message_of(to, name, disposition);
		message.second = message.first;
		if (disposition != MACH_MSG_TYPE_COPY_SEND) {
			CHECK_EQUAL(send(&message, 0), MACH_SEND_INVALID_RIGHT);
			unchanged(name, &before, "moved twice", number);
		}
	}
	/* In its own queue. */
	if (cases[number].kind == RECEIVE_AND_SEND && disposition == MACH_MSG_TYPE_MOVE_RECEIVE) {
		message = message_of(name, name, disposition);
		CHECK_EQUAL(send(&message, 0), MACH_SEND_INVALID_RIGHT);
		unchanged(name, &before, "into itself", number);
	}
}

/* Every allocation on the way fails once. */
static void without_memory(mach_port_name_t to, mach_port_name_t name, unsigned number)
{
	struct state before = state_of(name);
	int64_t result = MACH_SEND_NO_BUFFER;
	unsigned failed = 0;

	for (size_t after = 0; result == MACH_SEND_NO_BUFFER && after < 100; after++) {
		struct message message = message_of(to, name, cases[number].disposition);

		host_fail_after = after;
		host_fail_count = 1;
		/* The last try sends: it must fail otherwise than for memory, so that nothing is taken in the end. */
		message.second.name = BAD_NAME;
		result = send(&message, 0);
		host_fail_after = SIZE_MAX;
		host_fail_count = 0;
		unchanged(name, &before, "no memory", number);
		failed += result == MACH_SEND_NO_BUFFER;
	}
	CHECK(failed >= 3); /* the message, the memory, the array */
	CHECK_EQUAL(result, MACH_SEND_INVALID_RIGHT);
}

/* A destination that is full: its receive right is the other task's. */
static mach_port_name_t full_port(void)
{
	mach_port_name_t there = world_port(other), name = world_send_right(other, there, task);
	mach_msg_header_t header = {.msgh_bits = MACH_MSGH_BITS(MACH_MSG_TYPE_COPY_SEND, 0), .msgh_remote_port = name};

	CHECK_EQUAL(mach_port_set_qlimit(other->space, there, 1), KERN_SUCCESS);
	CHECK_EQUAL(user_msg(&header, MACH_SEND_MSG, sizeof(header), 0, 0, 0, 0), MACH_MSG_SUCCESS);
	return name;
}

static void every_case(void *argument)
{
	mach_port_name_t to, full = full_port();

	(void)argument;
	for (unsigned number = 0; number < sizeof(cases) / sizeof(cases[0]); number++) {
		enum kind kind = cases[number].kind;
		mach_port_name_t name = kind == RECEIVE || kind == RECEIVE_AND_SEND
						? receive_right(kind == RECEIVE_AND_SEND)
						: other_right(kind);

		to = world_send_right(other, world_port(other), task);
		errors_in_message(to, full, name, number);
		without_memory(to, name, number);
	}
}

/* Interrupted while it waits for room. */
static struct message interrupted_message;
static int64_t interrupted_result;

static void interrupted(void *argument)
{
	(void)argument;
	interrupted_result = send(&interrupted_message, MACH_SEND_INTERRUPT);
}

static mach_port_name_t made_full;

static void make_full(void *argument)
{
	(void)argument;
	made_full = full_port();
}

static void test_interrupted(void)
{
	world_thread(task, make_full, NULL);
	CHECK_EQUAL(world_run(), 0);
	for (unsigned number = 0; number < sizeof(cases) / sizeof(cases[0]); number++) {
		enum kind kind = cases[number].kind;
		mach_port_name_t name = kind == RECEIVE || kind == RECEIVE_AND_SEND
						? receive_right(kind == RECEIVE_AND_SEND)
						: other_right(kind);
		struct thread *thread;
		struct state before;

		interrupted_message = message_of(made_full, name, cases[number].disposition);
		before = state_of(name);
		thread = world_thread(task, interrupted, NULL);
		thread_reference(thread);
		CHECK_EQUAL(world_run(), 1);
		CHECK_EQUAL(thread_abort(thread), KERN_SUCCESS);
		CHECK_EQUAL(world_run(), 0);
		CHECK_EQUAL(interrupted_result, MACH_SEND_INTERRUPTED);
		thread_deallocate(thread);
		unchanged(name, &before, "interrupted", number);
	}
}

/* By registers: a send-once right, with what was asked for on it, and no memory for the message. */
static void words_without_memory(void *argument)
{
	mach_port_name_t name = other_right(SEND_ONCE);
	struct state before = state_of(name);
	struct words words = {{1}};

	(void)argument;
	world_hide_blocks();
	host_fail_after = 0;
	host_fail_count = 1;
	CHECK_EQUAL(user_send(name, 7, &words, 1), MACH_SEND_NO_BUFFER);
	host_fail_after = SIZE_MAX;
	host_fail_count = 0;
	world_show_blocks();
	CHECK(entry_of(task, name) != NULL && entry_of(task, name)->request != NULL);
	CHECK_EQUAL(state_of(name).refs, before.refs);
	CHECK_EQUAL(state_of(name).notified, before.notified);
}

/* --- Blocked senders. */

static struct blocked {
	struct message message;
	int64_t result;
	bool ended;
} blocked[2];
static mach_port_name_t limited; /* in the other task */

static void blocked_sender(void *argument)
{
	struct blocked *self = argument;

	self->result = send(&self->message, 0);
	self->ended = true;
}

static void receive_one(void *argument)
{
	static struct {
		struct message message;
		mach_msg_trailer_t trailer;
	} in;

	(void)argument;
	CHECK_EQUAL(user_msg(&in, MACH_RCV_MSG, 0, sizeof(in), limited, 0, 0), MACH_MSG_SUCCESS);
	if (in.message.header.msgh_bits & MACH_MSGH_BITS_COMPLEX) {
		free(in.message.memory.address);
		free(in.message.array.address);
	}
}

static void bad_header(mach_port_name_t name)
{
	(void)name;
	blocked[0].message.header.msgh_bits = 0;
}

static void bad_right(mach_port_name_t name)
{
	(void)name;
	blocked[0].message.second.name = BAD_NAME;
}

static void bad_memory(mach_port_name_t name)
{
	(void)name;
	blocked[0].message.memory.address = (void *)(uintptr_t)BAD_ADDRESS;
}

static void bad_destination(mach_port_name_t name)
{
	(void)name;
	blocked[0].message.header.msgh_remote_port = BAD_NAME;
}

/* Two senders wait for room. The first is spoilt, or ends, at the moment of its wake; the second must get the room. */
static void one_blocked(void (*spoil)(mach_port_name_t name), bool terminate)
{
	struct thread *first;
	mach_port_name_t name;

	world_thread(task, make_full, NULL);
	CHECK_EQUAL(world_run(), 0);
	name = made_full;
	limited = ipc_object_port(entry_of(task, name)->object)->receiver_name;
	for (unsigned i = 0; i < 2; i++)
		blocked[i] = (struct blocked){.message = message_of(name, MACH_PORT_NULL, MACH_MSG_TYPE_COPY_SEND)};
	first = world_thread(task, blocked_sender, &blocked[0]);
	thread_reference(first);
	CHECK_EQUAL(world_run(), 1);
	world_thread(task, blocked_sender, &blocked[1]);
	CHECK_EQUAL(world_run(), 2);
	if (spoil != NULL)
		spoil(name);
	world_thread(other, receive_one, NULL);
	if (terminate)
		CHECK_EQUAL(thread_terminate(first), KERN_SUCCESS);
	CHECK_EQUAL(world_run(), 0);
	CHECK(terminate || (blocked[0].ended && blocked[0].result != MACH_MSG_SUCCESS));
	CHECK(blocked[1].ended);
	CHECK_EQUAL(blocked[1].result, MACH_MSG_SUCCESS);
	thread_deallocate(first);
	/* What the second has sent. */
	world_thread(other, receive_one, NULL);
	CHECK_EQUAL(world_run(), 0);
}

static void destroy_limited(void *argument)
{
	(void)argument;
	CHECK_EQUAL(mach_port_destroy(other->space, limited), KERN_SUCCESS);
}

/* The port dies: who waits for room in its queue waits no longer. */
static void blocked_at_the_dead(void)
{
	world_thread(task, make_full, NULL);
	CHECK_EQUAL(world_run(), 0);
	limited = ipc_object_port(entry_of(task, made_full)->object)->receiver_name;
	for (unsigned i = 0; i < 2; i++) {
		blocked[i] =
			(struct blocked){.message = message_of(made_full, MACH_PORT_NULL, MACH_MSG_TYPE_COPY_SEND)};
		world_thread(task, blocked_sender, &blocked[i]);
	}
	CHECK_EQUAL(world_run(), 2);
	world_thread(other, destroy_limited, NULL);
	CHECK_EQUAL(world_run(), 0);
	CHECK(blocked[0].ended && blocked[1].ended);
}

/* --- A receive right in its own queue, put there by the kernel. */

static void into_itself(void *argument)
{
	mach_port_name_t port = world_port(task), self = 0;
	struct ipc_port *watched = ipc_object_port(entry_of(task, port)->object);
	struct {
		mach_msg_header_t header;
		NDR_record_t NDR;
		mach_port_name_t name;
		mach_msg_type_name_t disposition;
	} request = {.NDR = NDR_record, .name = port, .disposition = MACH_MSG_TYPE_MOVE_RECEIVE};

	(void)argument;
	ipc_object_reference(&watched->object);
	CHECK_EQUAL(ipc_space_insert(task->space, ipc_port_make_send(task->self_port), MACH_MSG_TYPE_PORT_SEND, &self),
		KERN_SUCCESS);
	request.header =
		(mach_msg_header_t){.msgh_bits = MACH_MSGH_BITS(MACH_MSG_TYPE_COPY_SEND, MACH_MSG_TYPE_MAKE_SEND_ONCE),
			.msgh_remote_port = self,
			.msgh_local_port = port,
			.msgh_id = MIG_ID_mach_port_extract_right};
	CHECK_EQUAL(user_msg(&request, MACH_SEND_MSG, sizeof(request), 0, 0, 0, 0), MACH_MSG_SUCCESS);
	CHECK(entry_of(task, port) == NULL); /* the routine took it */
	CHECK(!ipc_port_active(watched));    /* and nobody has it */
	CHECK_EQUAL(watched->object.refs.count, 1);
	ipc_port_release(watched);
}

/* Each port in the queue of the next: what is sent to the first lies deeper with every one. */
static void deep(void *argument)
{
	enum { DEPTH = 5000, ALLOWED = 1000 };
	static mach_port_name_t names[DEPTH];
	struct {
		mach_msg_header_t header;
		mach_msg_body_t body;
		mach_msg_port_descriptor_t right;
	} m = {.header = {.msgh_bits = MACH_MSGH_BITS(MACH_MSG_TYPE_COPY_SEND, 0) | MACH_MSGH_BITS_COMPLEX},
		.body = {.msgh_descriptor_count = 1},
		.right = {.disposition = MACH_MSG_TYPE_MOVE_RECEIVE, .type = MACH_MSG_PORT_DESCRIPTOR}};

	(void)argument;
	for (unsigned i = 0; i < DEPTH; i++) {
		names[i] = world_port(task);
		CHECK_EQUAL(world_send_right(task, names[i], task), names[i]);
	}
	for (unsigned i = 0; i < DEPTH - 1; i++) {
		m.header.msgh_remote_port = names[i + 1];
		m.right.name = names[i];
		CHECK_EQUAL(user_msg(&m, MACH_SEND_MSG, sizeof(m), 0, 0, 0, 0), MACH_MSG_SUCCESS);
	}
	m.right.name = world_port(task);
	m.header.msgh_remote_port = names[0];
	CHECK_EQUAL(user_msg(&m, MACH_SEND_MSG, sizeof(m), 0, 0, 0, 0), MACH_SEND_INVALID_RIGHT);
	CHECK(entry_of(task, m.right.name) != NULL);
	m.header.msgh_remote_port = names[DEPTH - ALLOWED];
	CHECK_EQUAL(user_msg(&m, MACH_SEND_MSG, sizeof(m), 0, 0, 0, 0), MACH_MSG_SUCCESS);
	/* A circle is one however long. */
	m.right.name = names[DEPTH - 1];
	CHECK_EQUAL(user_msg(&m, MACH_SEND_MSG, sizeof(m), 0, 0, 0, 0), MACH_SEND_INVALID_RIGHT);
	m.header.msgh_remote_port = names[0];
	CHECK_EQUAL(user_msg(&m, MACH_SEND_MSG, sizeof(m), 0, 0, 0, 0), MACH_SEND_INVALID_RIGHT);
	for (unsigned i = 0; i < DEPTH; i++)
		CHECK_EQUAL(mach_port_destroy(task->space, names[i]), KERN_SUCCESS);
}

static void run(void (*fn)(void *), const char *name)
{
	world_thread(task, fn, NULL);
	CHECK_EQUAL(world_run(), 0);
	host_report(name);
}

void test_failures(void)
{
	world_fault_rate = world_preempt_rate = 0;
	world_fast = false;
	task = world_task();
	other = world_task();
	notify = ipc_port_alloc(&kernel_account);
	run(every_case, "a-failed-send-changes-nothing-about-any-right");
	test_interrupted();
	host_report("an-interrupted-send-changes-nothing-about-any-right");
	run(words_without_memory, "words-without-memory-keep-the-right-to-reply-and-its-requests");
	one_blocked(bad_header, false);
	one_blocked(bad_right, false);
	one_blocked(bad_memory, false);
	one_blocked(bad_destination, false);
	one_blocked(NULL, true);
	host_report("a-woken-sender-that-does-not-send-passes-its-wake-on");
	blocked_at_the_dead();
	host_report("blocked-senders-of-a-port-that-dies-go-on");
	run(into_itself, "a-receive-right-in-a-kernel-reply-to-itself-dies");
	run(deep, "no-receive-right-lies-too-deep-in-queues");
	world_task_end(task);
	world_task_end(other);
	ipc_port_destroy(notify);
}
