/* Buffered messages: rights and memory in them, limits, timeouts, notifications, and sends that fail at every point
 * they can. */
#include "calls.h"
#include "world.h"
#include <stdlib.h>
#include <string.h>
#include <stubs/mach_port_server.h>
#include <stubs/notify_user.h>

#define OOL_BYTES 5000u

struct complex {
	mach_msg_header_t header;
	mach_msg_body_t body;
	mach_msg_port_descriptor_t port;
	mach_msg_ool_descriptor_t memory;
	mach_msg_ool_ports_descriptor_t ports;
	uint64_t word;
	mach_msg_trailer_t trailer;
};

#define COMPLEX_SIZE ((uint32_t)offsetof(struct complex, trailer))

struct simple {
	mach_msg_header_t header;
	uint64_t word;
	mach_msg_trailer_t trailer;
};

#define SIMPLE_SIZE ((uint32_t)offsetof(struct simple, trailer))

static struct task *task, *other;
static mach_port_name_t self_name; /* the task's own port */
static unsigned done;

static struct ipc_port *port_of(struct task *in, mach_port_name_t name)
{
	return ipc_object_port(ipc_entry_lookup(in->space, name)->object);
}

static int64_t send_simple(mach_port_name_t to, mach_msg_type_name_t disposition, int id, unsigned option,
	uint32_t timeout, mach_port_name_t notify)
{
	struct simple message = {
		.header = {.msgh_bits = MACH_MSGH_BITS(disposition, 0), .msgh_remote_port = to, .msgh_id = id}};

	return user_msg(&message, MACH_SEND_MSG | option, SIMPLE_SIZE, 0, 0, timeout, notify);
}

static int64_t receive_simple(mach_port_name_t from, struct simple *message, unsigned option, uint32_t timeout)
{
	return user_msg(message, MACH_RCV_MSG | option, 0, sizeof(*message), from, timeout, 0);
}

/* What a space and its ports hold, as one number: any change shows. */
static uint64_t fingerprint(struct task *in)
{
	uint64_t print = 14695981039346656037ull; /* FNV-1a */

	for (uint32_t i = 0; i < in->space->chunks * IPC_ENTRIES_PER_CHUNK; i++) {
		struct ipc_entry *entry = &in->space->chunk[i / IPC_ENTRIES_PER_CHUNK][i % IPC_ENTRIES_PER_CHUNK];
		uint64_t parts[5] = {i, ipc_entry_type(entry), entry->urefs, 0, 0};

		if (parts[1] == 0)
			continue;
		parts[1] = entry->bits;
		if (entry->object != NULL && !entry->object->is_set) {
			struct ipc_port *port = ipc_object_port(entry->object);

			parts[3] = (uint64_t)port->srights << 32 | port->sorights;
			parts[4] = (uint64_t)port->msgcount << 48 | (uint64_t)port->mscount << 16 |
				   port->object.refs.count;
		}
		for (unsigned k = 0; k < 5; k++)
			print = (print ^ parts[k]) * 1099511628211ull;
	}
	return print;
}

/* --- Rights and memory. */

static struct complex complex_message(
	mach_port_name_t to, mach_port_name_t carried, mach_port_name_t *names, char *bytes)
{
	return (struct complex){
		.header = {.msgh_bits = MACH_MSGH_BITS(MACH_MSG_TYPE_COPY_SEND, MACH_MSG_TYPE_MAKE_SEND_ONCE) |
					MACH_MSGH_BITS_COMPLEX,
			.msgh_remote_port = to,
			.msgh_local_port = carried,
			.msgh_id = 9},
		.body = {.msgh_descriptor_count = 3},
		.port = {.name = carried, .disposition = MACH_MSG_TYPE_MAKE_SEND, .type = MACH_MSG_PORT_DESCRIPTOR},
		.memory = {.address = bytes, .size = OOL_BYTES, .type = MACH_MSG_OOL_DESCRIPTOR},
		.ports = {.address = names,
			.count = 3,
			.disposition = MACH_MSG_TYPE_COPY_SEND,
			.type = MACH_MSG_OOL_PORTS_DESCRIPTOR},
		.word = 0x77};
}

static void carries(void *argument)
{
	mach_port_name_t port = world_port(task), carried = world_port(task), to = world_send_right(task, port, task);
	mach_port_name_t *names = malloc(3 * sizeof(*names));
	char *bytes = malloc(OOL_BYTES);
	struct complex *in = malloc(sizeof(*in)), *out = malloc(sizeof(*out));
	const mach_port_name_t *got;

	(void)argument;
	names[0] = to;
	names[1] = MACH_PORT_NULL;
	names[2] = to;
	for (unsigned i = 0; i < OOL_BYTES; i++)
		bytes[i] = (char)(i * 7);
	for (unsigned i = 0; i < 30; i++) {
		uint64_t before = fingerprint(task);

		*out = complex_message(to, carried, names, bytes);
		CHECK_EQUAL(user_msg(out, MACH_SEND_MSG, COMPLEX_SIZE, 0, 0, 0, 0), MACH_MSG_SUCCESS);
		CHECK_EQUAL(user_msg(in, MACH_RCV_MSG, 0, sizeof(*in), port, 0, 0), MACH_MSG_SUCCESS);
		CHECK_EQUAL(in->header.msgh_id, 9);
		CHECK_EQUAL(in->header.msgh_local_port, port);
		CHECK_EQUAL(MACH_MSGH_BITS_REMOTE(in->header.msgh_bits), MACH_MSG_TYPE_PORT_SEND_ONCE);
		CHECK_EQUAL(in->port.name, carried);
		CHECK_EQUAL(in->port.disposition, MACH_MSG_TYPE_PORT_SEND);
		CHECK_EQUAL(in->memory.size, OOL_BYTES);
		CHECK(memcmp(in->memory.address, bytes, OOL_BYTES) == 0);
		CHECK_EQUAL(in->ports.count, 3);
		got = in->ports.address;
		CHECK(got[0] == to && got[1] == MACH_PORT_NULL && got[2] == to);
		CHECK_EQUAL(in->word, 0x77);
		CHECK_EQUAL(in->trailer.msgh_seqno, i * 2);
		free(in->memory.address);
		free(in->ports.address);
		/* What came is given back; the send-once right tells its port, and the message is taken. */
		CHECK_EQUAL(mach_port_deallocate(task->space, in->port.name), KERN_SUCCESS);
		CHECK_EQUAL(mach_port_mod_refs(task->space, to, MACH_PORT_RIGHT_SEND, -2), KERN_SUCCESS);
		CHECK_EQUAL(mach_port_deallocate(task->space, in->header.msgh_remote_port), KERN_SUCCESS);
		CHECK_EQUAL(receive_simple(carried, (struct simple *)in, 0, 0), MACH_MSG_SUCCESS);
		CHECK_EQUAL(in->header.msgh_id, MIG_ID_mach_notify_send_once);
		CHECK_EQUAL(mach_port_set_mscount(task->space, carried, 0), KERN_SUCCESS);
		CHECK_EQUAL(mach_port_set_seqno(task->space, port, 2 * i + 2), KERN_SUCCESS);
		if (i != 0)
			CHECK(fingerprint(task) == before);
	}
	free(names);
	free(bytes);
	free(in);
	free(out);
	done++;
}

/* Allocations fail one after the other, and rights are bad in every place: nothing may have changed then. */
static void failing_sends(void *argument)
{
	mach_port_name_t port = world_port(task), carried = world_port(task), to = world_send_right(task, port, task);
	mach_port_name_t names[3] = {to, to, to}, bad = 0x7777700;
	char bytes[OOL_BYTES];
	struct complex message = complex_message(to, carried, names, bytes), in;
	uint64_t before = fingerprint(task), charged = task->account->bytes;

	(void)argument;
	memset(bytes, 1, sizeof(bytes));
	for (unsigned point = 0;; point++) {
		int64_t result;

		host_fail_after = point;
		host_fail_count = 1;
		result = user_msg(&message, MACH_SEND_MSG, COMPLEX_SIZE, 0, 0, 0, 0);
		host_fail_after = SIZE_MAX;
		if (result == MACH_MSG_SUCCESS) {
			CHECK(point > 3);
			break;
		}
		CHECK_EQUAL(result, MACH_SEND_NO_BUFFER);
		CHECK(fingerprint(task) == before);
		CHECK_EQUAL(task->account->bytes, charged);
	}
	CHECK_EQUAL(user_msg(&in, MACH_RCV_MSG, 0, sizeof(in), port, 0, 0), MACH_MSG_SUCCESS);
	free(in.memory.address);
	free(in.ports.address);
	before = fingerprint(task);
	for (unsigned place = 0; place < 7; place++) {
		struct complex wrong = message;
		int64_t wanted = MACH_SEND_INVALID_RIGHT;

		names[2] = to;
		if (place == 0)
			wrong.header.msgh_remote_port = bad, wanted = MACH_SEND_INVALID_DEST;
		else if (place == 1)
			wrong.header.msgh_local_port = bad, wanted = MACH_SEND_INVALID_REPLY;
		else if (place == 2)
			wrong.port.name = bad;
		else if (place == 3)
			names[2] = bad;
		else if (place == 4)
			wrong.memory.address = (void *)8, wanted = MACH_SEND_INVALID_MEMORY;
		else if (place == 5)
			wrong.port.disposition = MACH_MSG_TYPE_MOVE_RECEIVE, wrong.port.name = carried, names[2] = bad;
		else
			wrong.body.msgh_descriptor_count = 4, wrong.word = 9ull << 24,
			wrong.trailer = (mach_msg_trailer_t){0}, wanted = MACH_SEND_MSG_TOO_SMALL;
		CHECK_EQUAL(user_msg(&wrong, MACH_SEND_MSG, COMPLEX_SIZE, 0, 0, 0, 0), wanted);
		CHECK(fingerprint(task) == before);
	}
	/* A receive right into its own queue. */
	names[2] = to;
	message.port.name = port;
	message.port.disposition = MACH_MSG_TYPE_MOVE_RECEIVE;
	CHECK_EQUAL(user_msg(&message, MACH_SEND_MSG, COMPLEX_SIZE, 0, 0, 0, 0), MACH_SEND_INVALID_RIGHT);
	CHECK(fingerprint(task) == before);
	done++;
}

/* --- Limits, timeouts, notifications. */

static void limits(void *argument)
{
	mach_port_name_t port = world_port(task), to = world_send_right(task, port, task), notify = world_port(task);
	struct simple in;

	(void)argument;
	CHECK_EQUAL(mach_port_set_qlimit(task->space, port, 3), KERN_SUCCESS);
	for (int i = 0; i < 3; i++)
		CHECK_EQUAL(send_simple(to, MACH_MSG_TYPE_COPY_SEND, i, MACH_SEND_TIMEOUT, 0, 0), MACH_MSG_SUCCESS);
	CHECK_EQUAL(send_simple(to, MACH_MSG_TYPE_COPY_SEND, 3, MACH_SEND_TIMEOUT, 0, 0), MACH_SEND_TIMED_OUT);
	CHECK_EQUAL(send_simple(to, MACH_MSG_TYPE_COPY_SEND, 3, MACH_SEND_TIMEOUT, 5, 0), MACH_SEND_TIMED_OUT);
	CHECK_EQUAL(send_simple(to, MACH_MSG_TYPE_COPY_SEND, 3, MACH_SEND_NOTIFY, 0, notify), MACH_SEND_WILL_NOTIFY);
	CHECK_EQUAL(receive_simple(notify, &in, MACH_RCV_TIMEOUT, 0), MACH_RCV_TIMED_OUT);
	CHECK_EQUAL(receive_simple(port, &in, 0, 0), MACH_MSG_SUCCESS);
	CHECK_EQUAL(in.header.msgh_id, 0);
	CHECK_EQUAL(receive_simple(notify, &in, MACH_RCV_TIMEOUT, 0), MACH_MSG_SUCCESS);
	CHECK_EQUAL(in.header.msgh_id, MIG_ID_mach_notify_send_possible);
	CHECK_EQUAL((mach_port_name_t)in.word, to);
	CHECK_EQUAL(receive_simple(notify, &in, MACH_RCV_TIMEOUT, 3), MACH_RCV_TIMED_OUT);
	done++;
}

static mach_port_name_t crowded;

static void blocked_sender(void *argument)
{
	CHECK_EQUAL(send_simple(crowded, MACH_MSG_TYPE_MAKE_SEND, 100 + (int)(uintptr_t)argument, 0, 0, 0),
		MACH_MSG_SUCCESS);
	done++;
}

static void slow_receiver(void *argument)
{
	unsigned seen = 0;
	struct simple in;

	(void)argument;
	for (unsigned i = 0; i < 8; i++) {
		CHECK_EQUAL(receive_simple(crowded, &in, 0, 0), MACH_MSG_SUCCESS);
		seen |= 1u << (in.header.msgh_id - 100);
	}
	CHECK_EQUAL(seen, 0xff);
	done++;
}

static void notifications(void *argument)
{
	mach_port_name_t port = world_port(task), to = world_send_right(task, port, other), notify = world_port(task);
	struct ipc_port *right, *previous;
	struct simple in;
	struct {
		mach_msg_header_t header;
		mach_msg_body_t body;
		mach_msg_port_descriptor_t port;
		mach_msg_trailer_t trailer;
	} destroyed;

	(void)argument;
	right = ipc_port_make_send_once(port_of(task, notify));
	CHECK_EQUAL(
		mach_port_request_notification(task->space, port, MIG_ID_mach_notify_no_senders, 0, right, &previous),
		KERN_SUCCESS);
	CHECK(previous == NULL);
	CHECK_EQUAL(receive_simple(notify, &in, MACH_RCV_TIMEOUT, 0), MACH_RCV_TIMED_OUT);
	CHECK_EQUAL(mach_port_deallocate(other->space, to), KERN_SUCCESS);
	CHECK_EQUAL(receive_simple(notify, &in, MACH_RCV_TIMEOUT, 0), MACH_MSG_SUCCESS);
	CHECK_EQUAL(in.header.msgh_id, MIG_ID_mach_notify_no_senders);
	CHECK_EQUAL(in.word, 1); /* make-send count */

	right = ipc_port_make_send_once(port_of(task, notify));
	CHECK_EQUAL(mach_port_request_notification(
			    task->space, port, MIG_ID_mach_notify_port_destroyed, 0, right, &previous),
		KERN_SUCCESS);
	CHECK_EQUAL(send_simple(port, MACH_MSG_TYPE_MAKE_SEND, 55, 0, 0, 0), MACH_MSG_SUCCESS);
	CHECK_EQUAL(mach_port_mod_refs(task->space, port, MACH_PORT_RIGHT_RECEIVE, -1), KERN_SUCCESS);
	CHECK_EQUAL(user_msg(&destroyed, MACH_RCV_MSG | MACH_RCV_TIMEOUT, 0, sizeof(destroyed), notify, 0, 0),
		MACH_MSG_SUCCESS);
	CHECK_EQUAL(destroyed.header.msgh_id, MIG_ID_mach_notify_port_destroyed);
	CHECK_EQUAL(destroyed.port.disposition, MACH_MSG_TYPE_PORT_RECEIVE);
	CHECK_EQUAL(receive_simple(destroyed.port.name, &in, MACH_RCV_TIMEOUT, 0), MACH_MSG_SUCCESS);
	CHECK_EQUAL(in.header.msgh_id, 55);
	done++;
}

/* The block of a large message is the next one's, which needs no memory but is paid for, and has nothing of the first. */
static void block_of_pages(void *argument)
{
	static struct {
		mach_msg_header_t header;
		char data[4096];
		mach_msg_trailer_t trailer;
	} m;
	mach_port_name_t name = world_port(task);
	uint64_t bytes = task->account->bytes;

	(void)argument;
	for (uint32_t size = sizeof(m.data); size >= sizeof(m.data) - 4; size -= 4) {
		memset(m.data, (int)size, size);
		m.header = (mach_msg_header_t){.msgh_bits = MACH_MSGH_BITS(MACH_MSG_TYPE_MAKE_SEND, 0),
			.msgh_remote_port = name};
		CHECK_EQUAL(user_msg(&m, MACH_SEND_MSG, (uint32_t)sizeof(m.header) + size, 0, 0, 0, 0), MACH_MSG_SUCCESS);
		CHECK_EQUAL(task->account->bytes, bytes + 2 * VM_PAGE_SIZE);
		memset(m.data, 1, sizeof(m.data));
		CHECK_EQUAL(user_msg(&m, MACH_RCV_MSG, 0, sizeof(m), name, 0, 0), MACH_MSG_SUCCESS);
		for (uint32_t i = 0; i < sizeof(m.data); i++)
			CHECK_EQUAL(m.data[i], i < size ? (char)size : 0);
		CHECK_EQUAL(m.trailer.msgh_trailer_size, sizeof(m.trailer));
		CHECK_EQUAL(task->account->bytes, bytes);
		host_fail_after = 0;
		host_fail_count = SIZE_MAX;
	}
	host_fail_after = SIZE_MAX;
	done++;
}

/* A request on the name (in `other` for a dead name), to be sent to `notify` of the task. */
static void request(struct task *of, mach_port_name_t name, int id, mach_port_name_t notify)
{
	struct ipc_port *right = ipc_port_make_send_once(port_of(task, notify)), *previous;

	CHECK_EQUAL(mach_port_request_notification(of->space, name, id, 0, right, &previous), KERN_SUCCESS);
	CHECK(previous == NULL);
}

/* What was asked for comes though there is no memory when it happens, nor room in anybody's account. */
static void notifications_without_memory(void *argument)
{
	mach_port_name_t lonely = world_port(task), doomed = world_port(task), moving = world_port(task);
	mach_port_name_t notify = world_port(task), sends = world_send_right(task, lonely, other);
	mach_port_name_t dies = world_send_right(task, doomed, other);
	unsigned seen = 0;
	uint64_t limit = task->account->bytes_limit;
	struct complex in;

	(void)argument;
	request(task, lonely, MIG_ID_mach_notify_no_senders, notify);
	request(task, moving, MIG_ID_mach_notify_port_destroyed, notify);
	request(other, dies, MIG_ID_mach_notify_dead_name, notify);
	world_hide_blocks();
	host_fail_after = 0;
	host_fail_count = SIZE_MAX;
	task->account->bytes_limit = 0;
	CHECK_EQUAL(mach_port_deallocate(other->space, sends), KERN_SUCCESS);
	CHECK_EQUAL(mach_port_mod_refs(task->space, doomed, MACH_PORT_RIGHT_RECEIVE, -1), KERN_SUCCESS);
	CHECK_EQUAL(mach_port_mod_refs(task->space, moving, MACH_PORT_RIGHT_RECEIVE, -1), KERN_SUCCESS);
	host_fail_after = SIZE_MAX;
	task->account->bytes_limit = limit;
	world_show_blocks();
	for (unsigned i = 0; i < 3; i++) {
		CHECK_EQUAL(
			user_msg(&in, MACH_RCV_MSG | MACH_RCV_TIMEOUT, 0, sizeof(in), notify, 0, 0), MACH_MSG_SUCCESS);
		seen |= in.header.msgh_id == MIG_ID_mach_notify_no_senders;
		seen |= (unsigned)(in.header.msgh_id == MIG_ID_mach_notify_port_destroyed) << 1;
		seen |= (unsigned)(in.header.msgh_id == MIG_ID_mach_notify_dead_name) << 2;
	}
	CHECK_EQUAL(seen, 7);
	done++;
}

static unsigned news(mach_port_name_t from)
{
	unsigned count = 0;
	struct simple in;

	while (receive_simple(from, &in, MACH_RCV_TIMEOUT, 0) == MACH_MSG_SUCCESS)
		count += in.header.msgh_id == MIG_ID_mach_notify_send_once;
	return count;
}

/* Nobody asked for news of these: without memory, or over the account's limit, they come later. */
static void send_once_without_memory(void *argument)
{
	static const uint64_t words[2] = {1, 2};
	mach_port_name_t port = world_port(task), doomed = world_port(task), name = 0;
	uint64_t limit = task->account->bytes_limit;

	(void)argument;
	CHECK_EQUAL(ipc_space_insert(other->space, ipc_port_make_send_once(port_of(task, port)),
			    MACH_MSG_TYPE_PORT_SEND_ONCE, &name),
		KERN_SUCCESS);
	world_hide_blocks();
	host_fail_after = 0;
	host_fail_count = SIZE_MAX;
	CHECK_EQUAL(mach_port_deallocate(other->space, name), KERN_SUCCESS);
	ipc_port_release_send_once(ipc_port_make_send_once(port_of(task, port)));
	ipc_port_release_send_once(ipc_port_make_send_once(port_of(task, doomed)));
	/* A message of the kernel's for which there is no memory. */
	CHECK_EQUAL(ipc_send_words_from_kernel(ipc_port_make_send_once(port_of(task, port)), MACH_MSG_TYPE_MOVE_SEND_ONCE, 5,
			    words, 2),
		MACH_SEND_NO_BUFFER);
	CHECK(ipc_notify_owed());
	CHECK_EQUAL(news(port), 0);
	CHECK_EQUAL(port_of(task, port)->sorights, 3);
	CHECK_EQUAL(mach_port_mod_refs(task->space, doomed, MACH_PORT_RIGHT_RECEIVE, -1), KERN_SUCCESS);
	host_fail_after = SIZE_MAX;
	world_show_blocks();
	task->account->bytes_limit = 0;
	ipc_port_release_send_once(ipc_port_make_send_once(port_of(task, port)));
	CHECK_EQUAL(ipc_send_words_from_kernel(ipc_port_make_send_once(port_of(task, port)), MACH_MSG_TYPE_MOVE_SEND_ONCE, 5,
			    words, 2),
		MACH_SEND_NO_BUFFER);
	CHECK(ipc_notify_owed());
	CHECK_EQUAL(news(port), 0);
	task->account->bytes_limit = limit;
	CHECK(!ipc_notify_owed());
	CHECK_EQUAL(news(port), 5);
	CHECK_EQUAL(port_of(task, port)->sorights, 0);
	done++;
}

/* Whatever memory the kernel's routine has: either it has done nothing, or its answer comes. */
static void answered_without_memory(void *argument)
{
	mach_port_name_t reply = world_port(task);
	unsigned refused = 0, failed = 0, made = 0;

	(void)argument;
	CHECK_EQUAL(ipc_space_insert(task->space, ipc_port_make_send(task->self_port), MACH_MSG_TYPE_PORT_SEND, &self_name),
		KERN_SUCCESS);
	for (size_t after = 0; after < 4; after++) {
		const uint64_t before = fingerprint(task);
		struct simple message = {.header = {.msgh_bits = MACH_MSGH_BITS(MACH_MSG_TYPE_COPY_SEND, MACH_MSG_TYPE_MAKE_SEND_ONCE),
						 .msgh_remote_port = self_name,
						 .msgh_local_port = reply,
						 .msgh_id = MIG_ID_mach_port_allocate},
			.word = MACH_PORT_RIGHT_RECEIVE};
		struct {
			mach_msg_header_t header;
			uint64_t result, name;
			mach_msg_trailer_t trailer;
		} answer;
		int64_t sent;

		world_hide_blocks();
		host_fail_after = after;
		host_fail_count = SIZE_MAX;
		sent = user_msg(&message, MACH_SEND_MSG, SIMPLE_SIZE, 0, 0, 0, 0);
		host_fail_after = SIZE_MAX;
		world_show_blocks();
		if (sent == MACH_SEND_NO_BUFFER) {
			CHECK_EQUAL(fingerprint(task), before);
			refused++;
			continue;
		}
		CHECK_EQUAL(sent, MACH_MSG_SUCCESS);
		CHECK_EQUAL(user_msg(&answer, MACH_RCV_MSG | MACH_RCV_TIMEOUT, 0, sizeof(answer), reply, 0, 0), MACH_MSG_SUCCESS);
		CHECK_EQUAL(answer.header.msgh_id, MIG_ID_mach_port_allocate + 100);
		if (answer.result != KERN_SUCCESS) {
			CHECK_EQUAL(answer.result, KERN_RESOURCE_SHORTAGE);
			failed++;
			continue;
		}
		CHECK_EQUAL(mach_port_mod_refs(task->space, (mach_port_name_t)answer.name, MACH_PORT_RIGHT_RECEIVE, -1),
			KERN_SUCCESS);
		made++;
	}
	CHECK(refused != 0 && failed != 0 && made != 0);
	done++;
}

/* Long ends let interrupts through, which send messages and may make more work of the same kind. */
static struct ipc_port *interrupted_port;

static void interrupt(void)
{
	static const uint64_t word = 3;

	CHECK_EQUAL(ipc_send_words_from_kernel(interrupted_port, MACH_MSG_TYPE_MAKE_SEND, 77, &word, 1), 0);
}

static void long_ends(void *argument)
{
	enum { LONG = 1000 };
	mach_port_name_t port = world_port(task), told = world_port(task), kept;
	struct task *large = world_task();
	unsigned came = 0;
	struct simple in;

	(void)argument;
	interrupted_port = port_of(task, told);
	CHECK_EQUAL(mach_port_set_qlimit(task->space, port, MACH_PORT_QLIMIT_MAX), KERN_SUCCESS);
	for (unsigned i = 0; i < LONG; i++) {
		uint64_t word = i;

		CHECK_EQUAL(ipc_send_words_from_kernel(port_of(task, port), MACH_MSG_TYPE_MAKE_SEND, 5, &word, 1), 0);
		kept = world_port(large);
		(void)world_send_right(large, kept, task);
	}
	world_interrupts = 0;
	world_interrupt = interrupt;
	CHECK_EQUAL(mach_port_mod_refs(task->space, port, MACH_PORT_RIGHT_RECEIVE, -1), KERN_SUCCESS);
	CHECK(world_interrupts >= LONG / 16);
	world_task_end(large);
	CHECK(world_interrupts >= LONG / 8);
	world_interrupt = NULL;
	while (receive_simple(told, &in, MACH_RCV_TIMEOUT, 0) == MACH_MSG_SUCCESS)
		came += in.header.msgh_id == 77;
	CHECK_EQUAL(came, world_interrupts);
	done++;
}

static void large_messages(void *argument)
{
	mach_port_name_t port = world_port(task);
	struct simple *message = calloc(1, 70000);

	(void)argument;
	message->header =
		(mach_msg_header_t){.msgh_bits = MACH_MSGH_BITS(MACH_MSG_TYPE_MAKE_SEND, 0), .msgh_remote_port = port};
	for (unsigned i = 0; i < 2; i++)
		CHECK_EQUAL(user_msg(message, MACH_SEND_MSG, 60000, 0, 0, 0, 0), MACH_MSG_SUCCESS);
	CHECK_EQUAL(user_msg(message, MACH_RCV_MSG | MACH_RCV_LARGE, 0, 100, port, 0, 0), MACH_RCV_TOO_LARGE);
	CHECK_EQUAL(message->header.msgh_size, 60000);
	CHECK_EQUAL(user_msg(message, MACH_RCV_MSG, 0, 70000, port, 0, 0), MACH_MSG_SUCCESS);
	CHECK_EQUAL(user_msg(message, MACH_RCV_MSG, 0, 100, port, 0, 0), MACH_RCV_TOO_LARGE);
	CHECK_EQUAL(user_msg(message, MACH_RCV_MSG | MACH_RCV_TIMEOUT, 0, 70000, port, 0, 0), MACH_RCV_TIMED_OUT);
	CHECK_EQUAL(user_msg(message, MACH_RCV_MSG, 0, 70000, 0x9999900, 0, 0), MACH_RCV_INVALID_NAME);
	CHECK_EQUAL(user_msg(message, MACH_SEND_MSG, 20, 0, 0, 0, 0), MACH_SEND_MSG_TOO_SMALL);
	CHECK_EQUAL(user_msg(message, MACH_SEND_MSG, 2 << 20, 0, 0, 0, 0), MACH_SEND_TOO_LARGE);
	CHECK_EQUAL(user_msg((void *)16, MACH_SEND_MSG, 24, 0, 0, 0, 0), MACH_SEND_INVALID_DATA);
	free(message);
	done++;
}

/* A request whose body carries the receive right of the port that the answer is to come to. */
static void carries_its_reply_port(void *argument)
{
	struct {
		mach_msg_header_t header;
		mach_msg_body_t body;
		mach_msg_port_descriptor_t port;
		mach_msg_trailer_t trailer;
	} message = {.body = {1}};
	mach_port_name_t to = world_port(task), reply = world_port(task), sends = world_send_right(task, to, other);
	mach_port_type_t type = 0;

	(void)argument;
	/* Who gets it is another task, so that the right leaves this one. */
	CHECK_EQUAL(world_send_right(task, to, task), to);
	message.header = (mach_msg_header_t){.msgh_bits = MACH_MSGH_BITS(MACH_MSG_TYPE_COPY_SEND, MACH_MSG_TYPE_MAKE_SEND_ONCE) |
							  MACH_MSGH_BITS_COMPLEX,
		.msgh_remote_port = to,
		.msgh_local_port = reply,
		.msgh_id = 33};
	message.port = (mach_msg_port_descriptor_t){
		.name = reply, .disposition = MACH_MSG_TYPE_MOVE_RECEIVE, .type = MACH_MSG_PORT_DESCRIPTOR};
	CHECK_EQUAL(user_msg(&message, MACH_SEND_MSG, sizeof(message) - sizeof(message.trailer), 0, 0, 0, 0), MACH_MSG_SUCCESS);
	CHECK_EQUAL(mach_port_type(task->space, reply, &type), KERN_INVALID_NAME);
	CHECK_EQUAL(user_msg(&message, MACH_RCV_MSG, 0, sizeof(message), to, 0, 0), MACH_MSG_SUCCESS);
	CHECK_EQUAL(mach_port_type(task->space, message.port.name, &type), KERN_SUCCESS);
	CHECK_EQUAL(type, MACH_PORT_TYPE_RECEIVE);
	CHECK_EQUAL(mach_port_type(task->space, message.header.msgh_remote_port, &type), KERN_SUCCESS);
	CHECK_EQUAL(type, MACH_PORT_TYPE_SEND_ONCE);
	/* The answer comes to where the receive right is now. */
	reply = message.port.name;
	CHECK_EQUAL(mach_port_deallocate(task->space, message.header.msgh_remote_port), KERN_SUCCESS);
	CHECK_EQUAL(news(reply), 1);
	CHECK_EQUAL(mach_port_deallocate(other->space, sends), KERN_SUCCESS);
	done++;
}

/* A right that leaves its name in a message tells who asked at once, and not when somebody waits next. */
static void moved_right_tells(void *argument)
{
	struct {
		mach_msg_header_t header;
		mach_msg_body_t body;
		mach_msg_port_descriptor_t port;
	} message = {.body = {1}};
	mach_port_name_t to = world_port(task), notify = world_port(task);
	mach_port_name_t moves = world_send_right(other, world_port(other), task);
	struct simple in;

	(void)argument;
	CHECK_EQUAL(world_send_right(task, to, task), to);
	request(task, moves, MIG_ID_mach_notify_dead_name, notify);
	message.header = (mach_msg_header_t){
		.msgh_bits = MACH_MSGH_BITS(MACH_MSG_TYPE_COPY_SEND, 0) | MACH_MSGH_BITS_COMPLEX, .msgh_remote_port = to};
	message.port = (mach_msg_port_descriptor_t){
		.name = moves, .disposition = MACH_MSG_TYPE_MOVE_SEND, .type = MACH_MSG_PORT_DESCRIPTOR};
	CHECK_EQUAL(user_msg(&message, MACH_SEND_MSG, sizeof(message), 0, 0, 0, 0), MACH_MSG_SUCCESS);
	CHECK_EQUAL(receive_simple(notify, &in, MACH_RCV_TIMEOUT, 0), MACH_MSG_SUCCESS);
	CHECK_EQUAL(in.header.msgh_id, MIG_ID_mach_notify_port_deleted);
	done++;
}

/* Chains of receive rights in each other's queues: their end must not recurse. */
static void deep_chain(void *argument)
{
	enum { DEEP = 20000 };
	struct {
		mach_msg_header_t header;
		mach_msg_body_t body;
		mach_msg_port_descriptor_t port;
	} message;
	mach_port_name_t last = world_port(task);

	(void)argument;
	for (unsigned i = 0; i < DEEP; i++) {
		mach_port_name_t next = world_port(task);

		message.header = (mach_msg_header_t){
			.msgh_bits = MACH_MSGH_BITS(MACH_MSG_TYPE_MAKE_SEND, 0) | MACH_MSGH_BITS_COMPLEX,
			.msgh_remote_port = next};
		message.body.msgh_descriptor_count = 1;
		message.port = (mach_msg_port_descriptor_t){
			.name = last, .disposition = MACH_MSG_TYPE_MOVE_RECEIVE, .type = MACH_MSG_PORT_DESCRIPTOR};
		CHECK_EQUAL(user_msg(&message, MACH_SEND_MSG, sizeof(message), 0, 0, 0, 0), MACH_MSG_SUCCESS);
		last = next;
	}
	CHECK_EQUAL(mach_port_destroy(task->space, last), KERN_SUCCESS);
	done++;
}

/* What a task can provoke without end: notifications and replies that it never receives stop at its limit. */
static void hoards(void *argument)
{
	mach_port_name_t port = world_port(task), name = 0;
	struct simple request = {.header = {.msgh_id = MIG_ID_mach_port_type, .msgh_local_port = port}, .word = port};
	struct ipc_port *right, *previous;
	mach_msg_type_name_t type;
	unsigned refused = 0;

	(void)argument;
	for (unsigned i = 0; i < 20000; i++) {
		if (mach_port_extract_right(task->space, port, MACH_MSG_TYPE_MAKE_SEND_ONCE, &right, &type) !=
			KERN_SUCCESS)
			break;
		switch (i % 3) {
		case 0: /* send-once */
			if (ipc_space_insert(task->space, right, MACH_MSG_TYPE_PORT_SEND_ONCE, &name) == KERN_SUCCESS)
				(void)mach_port_deallocate(task->space, name);
			break;
		case 1: /* no-senders, at once */
			if (mach_port_request_notification(task->space, port, MIG_ID_mach_notify_no_senders, 0, right,
				    &previous) != KERN_SUCCESS)
				ipc_port_release_send_once(right);
			break;
		case 2: /* replies of the kernel */
			ipc_port_release_send_once(right);
			request.header.msgh_bits =
				MACH_MSGH_BITS(MACH_MSG_TYPE_COPY_SEND, MACH_MSG_TYPE_MAKE_SEND_ONCE);
			request.header.msgh_remote_port = self_name;
			refused += user_msg(&request, MACH_SEND_MSG, SIMPLE_SIZE, 0, 0, 0, 0) != MACH_MSG_SUCCESS;
			break;
		}
	}
	CHECK(refused > 0);
	CHECK(task->account->bytes <= task->account->bytes_limit);
	done++;
}

/* --- A receiver whose buffer is no memory: it is told so, and what came stays for who has one. */

static mach_port_name_t awaited;

static void without_buffer(void *argument)
{
	struct complex *in = malloc(sizeof(*in));

	(void)argument;
	CHECK_EQUAL(user_msg((void *)64, MACH_RCV_MSG, 0, sizeof(*in), awaited, 0, 0), MACH_RCV_INVALID_DATA);
	CHECK_EQUAL(receive_simple(awaited, (struct simple *)in, 0, 0), MACH_MSG_SUCCESS);
	CHECK_EQUAL(in->header.msgh_id, 31);
	CHECK_EQUAL(((struct simple *)in)->word, 0x1234);
	CHECK_EQUAL(((struct simple *)in)->trailer.msgh_seqno, 0);
	CHECK_EQUAL(MACH_MSGH_BITS_REMOTE(in->header.msgh_bits), MACH_MSG_TYPE_PORT_SEND_ONCE);
	CHECK_EQUAL(mach_port_deallocate(task->space, in->header.msgh_remote_port), KERN_SUCCESS);
	CHECK_EQUAL(user_msg((void *)64, MACH_RCV_MSG, 0, sizeof(*in), awaited, 0, 0), MACH_RCV_INVALID_DATA);
	CHECK_EQUAL(user_msg(in, MACH_RCV_MSG, 0, sizeof(*in), awaited, 0, 0), MACH_MSG_SUCCESS);
	CHECK_EQUAL(in->header.msgh_id, 9);
	CHECK_EQUAL(in->memory.size, OOL_BYTES);
	CHECK(in->port.name != MACH_PORT_NULL);
	CHECK_EQUAL(in->trailer.msgh_seqno, 1);
	free(in->memory.address);
	free(in->ports.address);
	CHECK_EQUAL(mach_port_deallocate(task->space, in->header.msgh_remote_port), KERN_SUCCESS);
	free(in);
	done++;
}

static void sends_two(void *argument)
{
	mach_port_name_t reply = world_port(other), to = world_send_right(task, awaited, other), names[3] = {0};
	char *bytes = calloc(1, OOL_BYTES);
	struct simple message = {
		.header = {.msgh_bits = MACH_MSGH_BITS(MACH_MSG_TYPE_COPY_SEND, MACH_MSG_TYPE_MAKE_SEND_ONCE),
			.msgh_remote_port = to,
			.msgh_local_port = reply,
			.msgh_id = 31},
		.word = 0x1234};
	struct complex second = complex_message(to, reply, names, bytes);

	(void)argument;
	/* Each is answered by the end of the right to reply. */
	CHECK_EQUAL(user_msg(&message, MACH_SEND_MSG | MACH_RCV_MSG, SIMPLE_SIZE, sizeof(message), reply, 0, 0),
		MACH_MSG_SUCCESS);
	CHECK_EQUAL(message.header.msgh_id, MIG_ID_mach_notify_send_once);
	CHECK_EQUAL(user_msg(&second, MACH_SEND_MSG | MACH_RCV_MSG, COMPLEX_SIZE, sizeof(second), reply, 0, 0),
		MACH_MSG_SUCCESS);
	CHECK_EQUAL(second.header.msgh_id, MIG_ID_mach_notify_send_once);
	free(bytes);
	done++;
}

static void test_no_buffer(void)
{
	for (unsigned fast = 0; fast < 2; fast++) {
		world_fast = fast;
		done = 0;
		task = world_task();
		other = world_task();
		awaited = world_port(task);
		world_thread(task, without_buffer, NULL);
		CHECK_EQUAL(world_run(), 1);
		world_thread(other, sends_two, NULL);
		CHECK_EQUAL(world_run(), 0);
		CHECK_EQUAL(done, 2);
		world_task_end(task);
		world_task_end(other);
	}
	host_report("no-message-is-lost-for-want-of-a-buffer");
}

static void play(void (*fn)(void *))
{
	done = 0;
	task = world_task();
	other = world_task();
	world_thread(task, fn, NULL);
	CHECK_EQUAL(world_run(), 0);
	CHECK_EQUAL(done, 1);
	world_task_end(task);
	world_task_end(other);
}

void test_messages(void)
{
	size_t before = world_kalloc_used();

	host_seed(1);
	world_preempt_rate = 0;
	play(carries);
	world_fault_rate = 300;
	play(carries);
	world_fault_rate = 0;
	CHECK_EQUAL(world_kalloc_used(), before);
	world_check_accounts();
	host_report("rights-and-memory-arrive");
	play(carries_its_reply_port);
	CHECK_EQUAL(world_kalloc_used(), before);
	world_check_accounts();
	host_report("a-message-may-carry-its-own-reply-port");
	play(moved_right_tells);
	CHECK_EQUAL(world_kalloc_used(), before);
	world_check_accounts();
	host_report("a-right-that-is-moved-tells-at-once");
	play(failing_sends);
	CHECK_EQUAL(world_kalloc_used(), before);
	world_check_accounts();
	host_report("a-send-that-fails-changes-nothing");
	test_no_buffer();
	CHECK_EQUAL(world_kalloc_used(), before);
	world_check_accounts();
	play(limits);
	play(large_messages);
	task = world_task();
	crowded = world_port(task);
	CHECK_EQUAL(mach_port_set_qlimit(task->space, crowded, 2), KERN_SUCCESS);
	done = 0;
	for (uintptr_t i = 0; i < 8; i++)
		world_thread(task, blocked_sender, (void *)i);
	CHECK_EQUAL(world_run(), 6);
	world_thread(task, slow_receiver, NULL);
	CHECK_EQUAL(world_run(), 0);
	CHECK_EQUAL(done, 9);
	world_task_end(task);
	CHECK_EQUAL(world_kalloc_used(), before);
	world_check_accounts();
	host_report("queues-have-limits");
	play(block_of_pages);
	CHECK_EQUAL(world_kalloc_used(), before);
	world_check_accounts();
	host_report("a-block-of-pages-is-used-again");
	play(notifications);
	CHECK_EQUAL(world_kalloc_used(), before);
	world_check_accounts();
	host_report("notifications-come");
	play(notifications_without_memory);
	CHECK_EQUAL(world_kalloc_used(), before);
	world_check_accounts();
	host_report("notifications-asked-for-need-no-memory");
	play(send_once_without_memory);
	CHECK_EQUAL(world_kalloc_used(), before);
	world_check_accounts();
	host_report("the-end-of-a-send-once-right-is-told-when-there-is-memory");
	play(answered_without_memory);
	CHECK_EQUAL(world_kalloc_used(), before);
	world_check_accounts();
	host_report("what-the-kernel-has-done-is-answered-without-memory");
	task = world_task();
	other = world_task();
	task->account->bytes_limit = 300000;
	CHECK_EQUAL(
		ipc_space_insert(task->space, ipc_port_make_send(task->self_port), MACH_MSG_TYPE_PORT_SEND, &self_name),
		KERN_SUCCESS);
	done = 0;
	world_thread(task, hoards, NULL);
	CHECK_EQUAL(world_run(), 0);
	CHECK_EQUAL(done, 1);
	CHECK(world_kalloc_used() - before < 5000);
	world_task_end(task);
	world_task_end(other);
	CHECK_EQUAL(world_kalloc_used(), before);
	world_check_accounts();
	host_report("what-a-task-provokes-stops-at-its-limit");
	play(long_ends);
	CHECK_EQUAL(world_kalloc_used(), before);
	world_check_accounts();
	host_report("long-ends-let-interrupts-through");
	play(deep_chain);
	CHECK_EQUAL(world_kalloc_used(), before);
	world_check_accounts();
	host_report("a-chain-of-receive-rights-dies-whole");
}
