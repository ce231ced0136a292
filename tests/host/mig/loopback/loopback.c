/* Ports, rights and messages on the host, so that both halves of generated code run in one process. */
#include "loopback.h"

/* The dispatcher that servers have. */
#include "../../../../libmach/mig_dispatch.c"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NAMES = 1 << 20, REGIONS = 1024 };

static struct {
	unsigned object; /* 0: free */
	int right;
} names[NAMES];

static struct {
	const struct mig_subsystem *subsystem;
	uint64_t payload;
} objects[1 << 16];

static struct {
	void *address;
	size_t size;
} regions[REGIONS];

static unsigned name_count = 16;
static unsigned live_names;
static unsigned object_count = 1;
static mach_port_t reply_port, special_reply_port;

bool lb_force_messages;
boolean_t (*lb_demux)(mach_msg_header_t *in, mach_msg_header_t *out);
unsigned lb_dirty_bytes;
void (*lb_spoil_request)(mach_msg_header_t *message);
void (*lb_spoil_reply)(mach_msg_header_t *message);
void (*lb_see_request)(const mach_msg_header_t *message);
void (*lb_spoil_received)(mach_msg_header_t **message);
mach_msg_return_t lb_fail_send;
security_token_t lb_client_security = {{501, 20}}, lb_server_security = {{0, 1}};
audit_token_t lb_client_audit = {{1, 2, 3, 4, 5, 6, 7, 8}}, lb_server_audit = {{8, 7, 6, 5, 4, 3, 2, 1}};
mach_msg_option_t lb_server_option = MACH_RCV_TRAILER_AUDIT;
mach_msg_option_t lb_withheld_option;
mach_msg_option_t lb_last_option;
mach_msg_timeout_t lb_last_timeout;
mach_msg_size_t lb_last_request_size, lb_last_reply_size;
mach_msg_id_t lb_last_id;
mach_port_t lb_last_reply_port;
bool lb_last_by_words;
mach_msg_copy_options_t lb_last_copy;

const NDR_record_t NDR_record = {.int_rep = 1};

static mach_port_t new_name(unsigned object, int right)
{
	/* No name looks like paint. */
	while ((name_count & 0xff) == LB_PAINT || (name_count >> 8 & 0xff) == LB_PAINT || name_count >> 16 == LB_PAINT)
		name_count++;
	if (name_count >= NAMES)
		abort();
	names[name_count].object = object;
	names[name_count].right = right;
	live_names++;
	return name_count++;
}

static void free_name(mach_port_t name)
{
	names[name].object = 0;
	live_names--;
}

mach_port_t lb_port(const struct mig_subsystem *subsystem, uint64_t payload)
{
	if (object_count == sizeof objects / sizeof objects[0])
		abort();
	objects[object_count].subsystem = subsystem;
	objects[object_count].payload = payload;
	return new_name(object_count++, MACH_PORT_RIGHT_RECEIVE);
}

unsigned lb_object(mach_port_t name)
{
	return name < NAMES ? names[name].object : 0;
}

int lb_right(mach_port_t name)
{
	return names[name].right;
}

mach_port_t lb_send_right(mach_port_t name)
{
	return new_name(lb_object(name), MACH_PORT_RIGHT_SEND);
}

mach_port_t lb_send_once_right(mach_port_t name)
{
	return new_name(lb_object(name), MACH_PORT_RIGHT_SEND_ONCE);
}

/* The reply ports that the stubs keep are not counted. */
unsigned lb_rights(void)
{
	const bool one = reply_port != MACH_PORT_NULL && names[reply_port].object != 0;
	const bool two = special_reply_port != MACH_PORT_NULL && names[special_reply_port].object != 0;

	return live_names - one - two;
}

unsigned lb_regions(void)
{
	unsigned count = 0;
	unsigned i;

	for (i = 0; i < REGIONS; i++)
		count += regions[i].address != NULL;
	return count;
}

uint64_t lb_memory(void)
{
	uint64_t bytes = 0;

	for (unsigned i = 0; i < REGIONS; i++)
		bytes += regions[i].address != NULL ? regions[i].size : 0;
	return bytes;
}

__attribute__((noinline, no_sanitize("address"))) void lb_paint(void)
{
	volatile unsigned char space[100000];
	unsigned i;

	for (i = 0; i < sizeof space; i++)
		space[i] = LB_PAINT;
}

kern_return_t mig_allocate(vm_address_t *address, vm_size_t size)
{
	unsigned i;

	for (i = 0; i < REGIONS && regions[i].address != NULL; i++)
		;
	if (i == REGIONS)
		return KERN_RESOURCE_SHORTAGE;
	regions[i].address = calloc(1, size + 1);
	regions[i].size = size;
	*address = (vm_address_t)regions[i].address;
	return KERN_SUCCESS;
}

void mig_deallocate(vm_address_t address, vm_size_t size)
{
	unsigned i;

	for (i = 0; i < REGIONS; i++) {
		if (regions[i].address == (void *)address && regions[i].size == size) {
			free(regions[i].address);
			regions[i].address = NULL;
			return;
		}
	}
	abort();
}

kern_return_t mach_port_deallocate(mach_port_t task, mach_port_t name)
{
	(void)task;
	if (lb_object(name) == 0)
		return KERN_INVALID_NAME;
	free_name(name);
	return KERN_SUCCESS;
}

mach_port_t mig_get_reply_port(void)
{
	if (reply_port == MACH_PORT_NULL)
		reply_port = lb_port(NULL, 0);
	return reply_port;
}

void mig_dealloc_reply_port(mach_port_t port)
{
	if (port != reply_port)
		abort();
	free_name(port);
	reply_port = MACH_PORT_NULL;
}

mach_port_t mig_get_special_reply_port(void)
{
	if (special_reply_port == MACH_PORT_NULL)
		special_reply_port = lb_port(NULL, 0);
	return special_reply_port;
}

void mig_dealloc_special_reply_port(mach_port_t port)
{
	if (port != special_reply_port)
		abort();
	free_name(port);
	special_reply_port = MACH_PORT_NULL;
}

unsigned lb_rooms;
bool lb_no_room;

char *mig_user_allocate(mach_msg_size_t size)
{
	char *room = lb_no_room ? NULL : malloc(size);

	if (room != NULL)
		memset(room, LB_PAINT, size);
	lb_rooms += room != NULL;
	return room;
}

void mig_user_deallocate(char *address, mach_msg_size_t size)
{
	(void)size;
	lb_rooms--;
	free(address);
}

static void drop_right(mach_port_t name, mach_msg_type_name_t disposition)
{
	if (disposition < MACH_MSG_TYPE_COPY_SEND && MACH_PORT_VALID(name) &&
		mach_port_deallocate(0, name) != KERN_SUCCESS)
		abort();
}

void mach_msg_destroy(mach_msg_header_t *message)
{
	mach_msg_body_t *body = (void *)(message + 1);
	mach_msg_descriptor_t *d = (void *)(body + 1);
	uint32_t i, j;

	drop_right(message->msgh_remote_port, MACH_MSGH_BITS_REMOTE(message->msgh_bits));
	if ((message->msgh_bits & MACH_MSGH_BITS_COMPLEX) == 0)
		return;
	for (i = 0; i < body->msgh_descriptor_count; i++, d++) {
		if (d->type.type == MACH_MSG_PORT_DESCRIPTOR) {
			drop_right(d->port.name, d->port.disposition);
		} else if (d->type.type == MACH_MSG_OOL_DESCRIPTOR) {
			if (d->out_of_line.deallocate && d->out_of_line.size != 0)
				mig_deallocate((vm_address_t)d->out_of_line.address, d->out_of_line.size);
		} else {
			for (j = 0; j < d->ool_ports.count; j++)
				drop_right(((mach_port_t *)d->ool_ports.address)[j], d->ool_ports.disposition);
			if (d->ool_ports.deallocate && d->ool_ports.count != 0)
				mig_deallocate(
					(vm_address_t)d->ool_ports.address, d->ool_ports.count * sizeof(mach_port_t));
		}
	}
}

/* What a right becomes on the other side; 0 when the sender has no such right. */
static bool move_right(mach_port_t *name, mach_msg_type_name_t sent, uint8_t *received)
{
	static const struct {
		int have;
		int get;
		uint8_t disposition;
		bool moves;
	} rules[] = {
		{MACH_PORT_RIGHT_RECEIVE, MACH_PORT_RIGHT_RECEIVE, MACH_MSG_TYPE_PORT_RECEIVE, true},
		{MACH_PORT_RIGHT_SEND, MACH_PORT_RIGHT_SEND, MACH_MSG_TYPE_PORT_SEND, true},
		{MACH_PORT_RIGHT_SEND_ONCE, MACH_PORT_RIGHT_SEND_ONCE, MACH_MSG_TYPE_PORT_SEND_ONCE, true},
		{MACH_PORT_RIGHT_SEND, MACH_PORT_RIGHT_SEND, MACH_MSG_TYPE_PORT_SEND, false},
		{MACH_PORT_RIGHT_RECEIVE, MACH_PORT_RIGHT_SEND, MACH_MSG_TYPE_PORT_SEND, false},
		{MACH_PORT_RIGHT_RECEIVE, MACH_PORT_RIGHT_SEND_ONCE, MACH_MSG_TYPE_PORT_SEND_ONCE, false},
	};
	unsigned object = lb_object(*name);

	if (sent < MACH_MSG_TYPE_MOVE_RECEIVE || sent > MACH_MSG_TYPE_MAKE_SEND_ONCE)
		return false;
	sent -= MACH_MSG_TYPE_MOVE_RECEIVE;
	*received = rules[sent].disposition;
	if (!MACH_PORT_VALID(*name))
		return true;
	if (object == 0 || names[*name].right != rules[sent].have)
		return false;
	if (rules[sent].moves)
		free_name(*name);
	*name = new_name(object, rules[sent].get);
	return true;
}

static void *move_memory(void *address, size_t size, bool deallocate)
{
	vm_address_t copy = 0;

	if (size == 0)
		return NULL;
	mig_allocate(&copy, size);
	memcpy((void *)copy, address, size);
	if (deallocate)
		mig_deallocate((vm_address_t)address, size);
	return (void *)copy;
}

/* Turns the sender's message into the receiver's. */
static bool carry(mach_msg_header_t *message)
{
	mach_msg_body_t *body = (void *)(message + 1);
	mach_msg_descriptor_t *d = (void *)(body + 1);
	uint32_t i, j;

	if ((message->msgh_bits & MACH_MSGH_BITS_COMPLEX) == 0)
		return true;
	for (i = 0; i < body->msgh_descriptor_count; i++, d++) {
		if (d->type.type == MACH_MSG_PORT_DESCRIPTOR) {
			if (!move_right(&d->port.name, d->port.disposition, &d->port.disposition))
				return false;
		} else if (d->type.type == MACH_MSG_OOL_DESCRIPTOR) {
			d->out_of_line.address =
				move_memory(d->out_of_line.address, d->out_of_line.size, d->out_of_line.deallocate);
			d->out_of_line.deallocate = 1;
		} else {
			mach_port_t *ports = move_memory(
				d->ool_ports.address, d->ool_ports.count * sizeof *ports, d->ool_ports.deallocate);
			mach_port_t none = MACH_PORT_NULL;
			uint8_t received;

			/* Also where there is no right. */
			if (!move_right(&none, d->ool_ports.disposition, &received))
				return false;
			for (j = 0; j < d->ool_ports.count; j++) {
				if (!move_right(&ports[j], d->ool_ports.disposition, &received))
					return false;
			}
			d->ool_ports.disposition = received;
			d->ool_ports.address = ports;
			d->ool_ports.deallocate = 1;
		}
	}
	return true;
}

/* Whether a byte belongs to the address or size in a descriptor, which may have any value. */
static bool in_descriptor(const mach_msg_header_t *message, mach_msg_size_t at)
{
	const mach_msg_body_t *body = (const void *)(message + 1);
	const mach_msg_descriptor_t *d = (const void *)(body + 1);
	mach_msg_size_t offset = at - 32;

	if ((message->msgh_bits & MACH_MSGH_BITS_COMPLEX) == 0 || at < 32 ||
		offset / sizeof *d >= body->msgh_descriptor_count)
		return false;
	return d[offset / sizeof *d].type.type != MACH_MSG_PORT_DESCRIPTOR &&
	       (offset % sizeof *d < 8 || offset % sizeof *d >= 12);
}

static void look_for_paint(const mach_msg_header_t *message)
{
	const unsigned char *bytes = (const void *)message;
	mach_msg_size_t i;

	for (i = 0; i < message->msgh_size; i++) {
		if (bytes[i] == LB_PAINT && !in_descriptor(message, i)) {
			if (lb_dirty_bytes++ == 0)
				printf("  byte %u of message %d is not set\n", i, message->msgh_id);
		}
	}
	if (message->msgh_size % 8 != 0)
		lb_dirty_bytes++;
}

static mach_msg_size_t trailer_size(mach_msg_option_t option)
{
	return option & MACH_RCV_TRAILER_TOKENS ? sizeof(mach_msg_audit_trailer_t) : sizeof(mach_msg_trailer_t);
}

/* What the kernel writes behind a message from the client or the server. */
static void add_trailer(mach_msg_header_t *message, uint64_t payload, mach_msg_option_t option, bool from_client)
{
	mach_msg_audit_trailer_t trailer = {.msgh_trailer_size = trailer_size(option),
		.msgh_seqno = 77,
		.msgh_sender_id = option & MACH_RCV_TRAILER_SENDER ? (from_client ? 11 : 22) : 0,
		.msgh_context = payload,
		.msgh_sender = from_client ? lb_client_security : lb_server_security,
		.msgh_audit = from_client ? lb_client_audit : lb_server_audit};

	memcpy((char *)message + ((message->msgh_size + 7) & ~7u), &trailer, trailer.msgh_trailer_size);
}

/* Deferred replies wait here for the client's receive. */
static mach_msg_header_t *waiting;

/* Sends one message to a reply port: it waits for the receive that follows. */
static mach_msg_return_t send_reply(mach_msg_header_t *message)
{
	if (waiting != NULL)
		abort();
	look_for_paint(message);
	waiting = malloc(message->msgh_size);
	memcpy(waiting, message, message->msgh_size);
	if (!carry(waiting)) {
		free(waiting);
		waiting = NULL;
		return MACH_SEND_INVALID_RIGHT;
	}
	if (lb_object(message->msgh_remote_port) != 0)
		mach_port_deallocate(0, message->msgh_remote_port);
	waiting->msgh_remote_port = MACH_PORT_NULL;
	waiting->msgh_bits &= MACH_MSGH_BITS_COMPLEX;
	return MACH_MSG_SUCCESS;
}

/* The server's whole turn: from the client's message to what waits at its reply port. */
static mach_msg_return_t serve(const mach_msg_header_t *sent, mach_port_t reply)
{
	unsigned object = lb_object(sent->msgh_remote_port);
	const struct mig_subsystem *subsystem = objects[object].subsystem;
	mach_msg_header_t *in;
	mach_msg_header_t *out;
	boolean_t known;

	if (object == 0 || subsystem == NULL)
		return MACH_SEND_INVALID_DEST;
	in = malloc(
		((sent->msgh_size + 7) & ~7u) + trailer_size(lb_server_option) + (lb_spoil_request != NULL ? 64 : 0));
	out = malloc(subsystem->max_reply_size + (lb_spoil_reply != NULL ? 64 : 0));
	memset(out, LB_PAINT, subsystem->max_reply_size);
	memset(in, 0, sizeof *in);
	memcpy(in, sent, sent->msgh_size);
	if ((in->msgh_bits & MACH_MSGH_BITS_COMPLEX) != 0) {
		const mach_msg_body_t *body = (const void *)(in + 1);
		const mach_msg_descriptor_t *first = (const void *)(body + 1);

		if (body->msgh_descriptor_count != 0 && first->type.type != MACH_MSG_PORT_DESCRIPTOR)
			lb_last_copy = first->out_of_line.copy;
	}
	if (!carry(in)) {
		free(in);
		free(out);
		return MACH_SEND_INVALID_RIGHT;
	}
	in->msgh_remote_port = reply;
	in->msgh_local_port = sent->msgh_remote_port;
	in->msgh_bits = (in->msgh_bits & MACH_MSGH_BITS_COMPLEX) |
			MACH_MSGH_BITS(reply != 0 ? MACH_MSG_TYPE_PORT_SEND_ONCE : 0, MACH_MSG_TYPE_PORT_SEND);
	if (lb_see_request != NULL)
		lb_see_request(in);
	if (lb_spoil_request != NULL)
		lb_spoil_request(in);
	add_trailer(in, objects[object].payload, lb_server_option, true);
	known = lb_demux != NULL ? lb_demux(in, out) : mig_server_dispatch(subsystem, in, out);
	if (!known) {
		in->msgh_remote_port = MACH_PORT_NULL;
		mach_msg_destroy(in);
	}
	if ((out->msgh_bits & MACH_MSGH_BITS_COMPLEX) != 0 || out->msgh_size != sizeof(mig_reply_error_t) ||
		((mig_reply_error_t *)(void *)out)->RetCode != MIG_NO_REPLY) {
		if (lb_spoil_reply != NULL)
			lb_spoil_reply(out);
		lb_last_reply_size = out->msgh_size;
		if (send_reply(out) != MACH_MSG_SUCCESS)
			abort();
	}
	free(in);
	free(out);
	return MACH_MSG_SUCCESS;
}

static mach_msg_return_t receive(
	mach_msg_header_t *message, mach_msg_size_t size, mach_port_t name, mach_msg_option_t option)
{
	if (waiting == NULL)
		return MACH_RCV_TIMED_OUT;
	if (lb_spoil_received != NULL)
		lb_spoil_received(&waiting);
	if (size < waiting->msgh_size + trailer_size(option)) {
		mach_msg_destroy(waiting);
		free(waiting);
		waiting = NULL;
		return MACH_RCV_TOO_LARGE;
	}
	memcpy(message, waiting, waiting->msgh_size);
	free(waiting);
	waiting = NULL;
	message->msgh_local_port = name;
	add_trailer(message, 0, option & ~lb_withheld_option, false);
	return MACH_MSG_SUCCESS;
}

mach_msg_return_t mach_msg(mach_msg_header_t *message, mach_msg_option_t option, mach_msg_size_t send_size,
	mach_msg_size_t receive_size, mach_port_t receive_name, mach_msg_timeout_t timeout, mach_port_t notify)
{
	mach_msg_return_t result = lb_fail_send;
	mach_port_t reply = MACH_PORT_NULL;
	uint8_t disposition = (uint8_t)MACH_MSGH_BITS_REMOTE(message->msgh_bits);

	(void)notify;
	lb_fail_send = 0;
	lb_last_option = option;
	lb_last_timeout = timeout;
	lb_last_by_words = false;
	lb_last_reply_port = message->msgh_local_port;
	if ((option & MACH_SEND_MSG) == 0)
		return receive(message, receive_size, receive_name, option);
	if (send_size != message->msgh_size)
		abort();
	if (result != MACH_MSG_SUCCESS)
		return result;
	if (objects[lb_object(message->msgh_remote_port)].subsystem == NULL &&
		disposition == MACH_MSG_TYPE_MOVE_SEND_ONCE)
		return send_reply(message);
	lb_last_request_size = message->msgh_size;
	lb_last_id = message->msgh_id;
	look_for_paint(message);
	if (message->msgh_local_port != MACH_PORT_NULL) {
		reply = message->msgh_local_port;
		if (!move_right(&reply, MACH_MSGH_BITS_LOCAL(message->msgh_bits), &disposition))
			return MACH_SEND_INVALID_REPLY;
	}
	result = serve(message, reply);
	if (result != MACH_MSG_SUCCESS) {
		if (reply != MACH_PORT_NULL)
			mach_port_deallocate(0, reply);
		return result;
	}
	return (option & MACH_RCV_MSG) != 0 ? receive(message, receive_size, receive_name, option) : MACH_MSG_SUCCESS;
}

/* A register call as a message, as any program may send it. */
static kern_return_t call_by_message(mach_port_t port, mach_msg_id_t id, uint64_t word[8], uint32_t count, bool wait)
{
	struct {
		mach_msg_header_t head;
		uint64_t word[8];
		mach_msg_trailer_t trailer;
	} message = {
		.head = {.msgh_bits = MACH_MSGH_BITS(MACH_MSG_TYPE_COPY_SEND, wait ? MACH_MSG_TYPE_MAKE_SEND_ONCE : 0),
			.msgh_size = 24 + 8 * count,
			.msgh_remote_port = port,
			.msgh_local_port = wait ? mig_get_reply_port() : MACH_PORT_NULL,
			.msgh_id = id}};
	kern_return_t result;

	memcpy(message.word, word, sizeof message.word);
	result = mach_msg(&message.head, MACH_SEND_MSG | (wait ? MACH_RCV_MSG : 0), message.head.msgh_size,
		sizeof message, message.head.msgh_local_port, 0, 0);
	if (result == KERN_SUCCESS && wait) {
		memset(word, 0, 64);
		memcpy(word, message.word, message.head.msgh_size - 24);
	}
	return result;
}

static uint64_t deferred_word[8];

/* The server's turn at a register message: words to words. False when it has no answer. */
static bool serve_words(mach_port_t port, mach_msg_id_t id, uint64_t word[8], uint32_t count)
{
	const struct mig_subsystem *subsystem = objects[lb_object(port)].subsystem;
	const struct mig_routine *routine =
		id >= subsystem->start && id < subsystem->end ? &subsystem->routine[id - subsystem->start] : NULL;
	uint64_t payload = objects[lb_object(port)].payload;
	kern_return_t result = MIG_BAD_ARGUMENTS;

	lb_last_id = id;
	lb_last_by_words = true;
	if (routine == NULL || routine->words == NULL) {
		mig_bad_id_words(0, word);
		return true;
	}
	if (count == routine->request_words)
		result = routine->words(word, payload != 0 ? payload : port);
	if (result == MIG_NO_REPLY)
		return false;
	mig_answer(routine, result, word);
	return true;
}

static mach_msg_return_t take_failure(void)
{
	const mach_msg_return_t result = lb_fail_send;

	lb_fail_send = 0;
	return result;
}

kern_return_t mach_call_words(mach_port_t port, mach_msg_id_t id, uint64_t word[8], uint32_t count)
{
	if (lb_force_messages)
		return call_by_message(port, id, word, count, true);
	if (lb_fail_send != 0)
		return take_failure();
	if (objects[lb_object(port)].subsystem == NULL)
		return MACH_SEND_INVALID_DEST;
	if (!serve_words(port, id, word, count))
		memcpy(word, deferred_word, sizeof deferred_word);
	return KERN_SUCCESS;
}

kern_return_t mach_send_words(mach_port_t port, mach_msg_id_t id, const uint64_t word[8], uint32_t count)
{
	uint64_t copy[8];

	memcpy(copy, word, sizeof copy);
	if (lb_fail_send != 0 && !lb_force_messages)
		return take_failure();
	if (objects[lb_object(port)].subsystem == NULL) {
		/* A deferred answer. */
		memcpy(deferred_word, word, sizeof deferred_word);
		return names[port].right == MACH_PORT_RIGHT_SEND_ONCE ? mach_port_deallocate(0, port)
								      : MACH_SEND_INVALID_RIGHT;
	}
	if (lb_force_messages)
		return call_by_message(port, id, copy, count, false);
	(void)serve_words(port, id, copy, count);
	return KERN_SUCCESS;
}
