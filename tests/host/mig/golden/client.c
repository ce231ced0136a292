/* What only the loop-back can do to calls of golden.defs: requests and replies that no stub made, ids, failing sends.
 */
#include "golden.h"
#include "run.h"

#include <stdio.h>
#include <string.h>

/* Requests and replies that no stub made: each is refused, and everything in them destroyed. */

static mach_msg_size_t spoil_offset;
static uint32_t spoil_value;
static int spoil_size;

static void spoil(mach_msg_header_t *message)
{
	if (spoil_size > 0)
		memset((char *)message + message->msgh_size, 0, (size_t)spoil_size);
	if (spoil_size != 0)
		message->msgh_size = (mach_msg_size_t)((int)message->msgh_size + spoil_size);
	else
		memcpy((char *)message + spoil_offset, &spoil_value, 4);
	lb_spoil_request = lb_spoil_reply = NULL;
}

static void spoil_next(bool reply, mach_msg_size_t offset, uint32_t value, int size)
{
	spoil_offset = offset;
	spoil_value = value;
	spoil_size = size;
	if (reply)
		lb_spoil_reply = spoil;
	else
		lb_spoil_request = spoil;
}

static void test_spoilt_requests(void)
{
	char text[64], b[50];
	mach_msg_type_number_t count = 50;
	int32_t length;
	int64_t total;

	spoil_next(false, 0, 0, 8);
	CHECK(CALL(nine_in(server, 1, 2, 3, 4, 5, 6, 7, 8, 9, &total)) == MIG_BAD_ARGUMENTS);
	spoil_next(false, 0, 0, -8);
	CHECK(CALL(nine_in(server, 1, 2, 3, 4, 5, 6, 7, 8, 9, &total)) == MIG_BAD_ARGUMENTS);
	/* A count above the bound, above the message, below it. */
	spoil_next(false, 32, 51, 0);
	CHECK(CALL(bytes(server, "abc", 3, b, &count)) == MIG_BAD_ARGUMENTS);
	spoil_next(false, 32, 20, 0);
	CHECK(CALL(bytes(server, "abc", 3, b, &count)) == MIG_BAD_ARGUMENTS);
	spoil_next(false, 32, 0xffffffff, 0);
	CHECK(CALL(bytes(server, "abc", 3, b, &count)) == MIG_BAD_ARGUMENTS);
	spoil_next(false, 0, 0, -16);
	CHECK(CALL(bytes(server, "abc", 3, b, &count)) == MIG_BAD_ARGUMENTS);
	/* A string without its end, with two, without anything. */
	spoil_next(false, 36, 0x64646464, 0);
	CHECK(CALL(strings(server, "abc", text, 1, &length)) == MIG_BAD_ARGUMENTS);
	spoil_next(false, 36, 0x00000064, 0);
	CHECK(CALL(strings(server, "abc", text, 1, &length)) == MIG_BAD_ARGUMENTS);
	spoil_next(false, 32, 0, 0);
	CHECK(CALL(strings(server, "abc", text, 1, &length)) == MIG_BAD_ARGUMENTS);
	/* An id that is skipped, and those around the subsystem. */
	spoil_next(false, 20, 3005, 0);
	CHECK(CALL(nine_in(server, 1, 2, 3, 4, 5, 6, 7, 8, 9, &total)) == MIG_REPLY_MISMATCH);
}

/* Sends a message with these descriptors and returns the result of its reply, which must be an error. */
static kern_return_t send_descriptors(
	mach_msg_id_t id, const mach_msg_descriptor_t *d, unsigned count, mach_msg_size_t data)
{
	struct {
		mach_msg_header_t head;
		mach_msg_body_t body;
		unsigned char rest[512];
	} message;
	mig_reply_error_t *error = (void *)&message;
	mach_msg_return_t result;

	memset(&message, 0, sizeof message);
	message.head.msgh_bits =
		MACH_MSGH_BITS(MACH_MSG_TYPE_COPY_SEND, MACH_MSG_TYPE_MAKE_SEND_ONCE) | MACH_MSGH_BITS_COMPLEX;
	message.head.msgh_size = (mach_msg_size_t)(32 + count * sizeof *d + data);
	message.head.msgh_remote_port = server;
	message.head.msgh_local_port = mig_get_reply_port();
	message.head.msgh_id = id;
	message.body.msgh_descriptor_count = count;
	memcpy(message.rest, d, count * sizeof *d);
	result = mach_msg(&message.head, MACH_SEND_MSG | MACH_RCV_MSG, message.head.msgh_size, sizeof message,
		message.head.msgh_local_port, 0, 0);
	return result != MACH_MSG_SUCCESS ? result : error->RetCode;
}

static mach_msg_descriptor_t a_port(mach_port_t name, uint8_t disposition)
{
	return (mach_msg_descriptor_t){
		.port = {.name = name, .disposition = disposition, .type = MACH_MSG_PORT_DESCRIPTOR}};
}

static mach_msg_descriptor_t some_memory(mach_msg_size_t size)
{
	static char bytes_there[64];

	return (mach_msg_descriptor_t){
		.out_of_line = {.address = bytes_there, .size = size, .type = MACH_MSG_OOL_DESCRIPTOR}};
}

/* Every one of these is refused, and the rights and memory in it are given back (run() counts them). */
static void test_spoilt_descriptors(void)
{
	mach_port_t mine = lb_port(NULL, 0);
	mach_port_t list[2];
	mach_msg_descriptor_t d[3];
	const mach_msg_id_t in_port_id = MIG_ID_in_port, numbers_id = MIG_ID_numbers, memory_id = MIG_ID_fixed_memory;

	/* Without a descriptor there is none to look at. */
	lb_last_copy = MACH_MSG_PHYSICAL_COPY;
	CHECK(send_descriptors(in_port_id, d, 0, 0) == MIG_BAD_ARGUMENTS && lb_last_copy == MACH_MSG_PHYSICAL_COPY);
	d[0] = a_port(mine, MACH_MSG_TYPE_MAKE_SEND_ONCE);
	CHECK(send_descriptors(in_port_id, d, 1, 0) == MIG_BAD_ARGUMENTS);
	d[0] = a_port(mine, MACH_MSG_TYPE_MAKE_SEND);
	d[1] = a_port(mine, MACH_MSG_TYPE_MAKE_SEND);
	CHECK(send_descriptors(in_port_id, d, 2, 0) == MIG_BAD_ARGUMENTS);
	CHECK(send_descriptors(in_port_id, d, 1, 8) == MIG_BAD_ARGUMENTS);
	d[0] = some_memory(16);
	CHECK(send_descriptors(in_port_id, d, 1, 0) == MIG_BAD_ARGUMENTS);
	list[0] = lb_send_right(mine);
	list[1] = lb_send_right(mine);
	d[0] = (mach_msg_descriptor_t){.ool_ports = {.address = list,
					       .count = 2,
					       .disposition = MACH_MSG_TYPE_MOVE_SEND,
					       .type = MACH_MSG_OOL_PORTS_DESCRIPTOR}};
	CHECK(send_descriptors(in_port_id, d, 1, 0) == MIG_BAD_ARGUMENTS);
	d[0] = some_memory(15); /* no multiple of 4 */
	CHECK(send_descriptors(numbers_id, d, 1, 0) == MIG_BAD_ARGUMENTS);
	d[0] = a_port(mine, MACH_MSG_TYPE_MAKE_SEND);
	CHECK(send_descriptors(numbers_id, d, 1, 0) == MIG_BAD_ARGUMENTS);
	d[0] = some_memory(24); /* not 32 */
	CHECK(send_descriptors(memory_id, d, 1, 0) == MIG_BAD_ARGUMENTS);
	/* Rights sent to a routine by registers, and to one without. */
	d[0] = a_port(mine, MACH_MSG_TYPE_MAKE_SEND);
	CHECK(send_descriptors(MIG_ID_nine_in, d, 1, 8) == MIG_BAD_ARGUMENTS);
	drop(mine);
}

static void test_spoilt_replies(void)
{
	char text[64];
	int32_t length;
	mach_port_t a;
	mach_msg_type_name_t poly;
	int64_t total;

	spoil_next(true, 0, 0, 8);
	CHECK(CALL(strings(server, "abc", text, 1, &length)) == MIG_TYPE_ERROR);
	spoil_next(true, 20, 1, 0);
	CHECK(CALL(strings(server, "abc", text, 1, &length)) == MIG_REPLY_MISMATCH);
	spoil_next(true, 20, 71, 0);
	CHECK(CALL(nine_in(server, 1, 2, 3, 4, 5, 6, 7, 8, 9, &total)) == MIG_SERVER_DIED);
	spoil_next(true, 36, 1000, 0); /* the string's count */
	CHECK(CALL(strings(server, "abc", text, 1, &length)) == MIG_TYPE_ERROR);
	spoil_next(true, 24, 1, 0); /* still one descriptor: nothing is wrong */
	OK(out_poly(server, &a, &poly));
	drop(a);
	spoil_next(true, 20, 1, 0); /* a reply with a right, but not ours: the right dies */
	CHECK(CALL(out_poly(server, &a, &poly)) == MIG_REPLY_MISMATCH);
}

static void test_unknown_ids(void)
{
	mach_msg_header_t in = {.msgh_size = 24, .msgh_id = 2999};
	mig_reply_error_t out;

	CHECK(!golden_server(&in, &out.Head) && out.RetCode == MIG_BAD_ID);
	in.msgh_id = golden_subsystem.end;
	CHECK(!golden_server(&in, &out.Head));
	in.msgh_id = 3005;
	CHECK(!golden_server(&in, &out.Head));
	CHECK(golden_subsystem.start == 3000 && golden_subsystem.routine[1].request_words == 2);
	CHECK(golden_subsystem.routine[1].reply_words == 2 && golden_subsystem.routine[5].words == NULL);
}

static void test_not_sent(void)
{
	int64_t total;
	int32_t b;

	lb_fail_send = MACH_SEND_TIMED_OUT;
	CHECK(CALL(nine_in(server, 1, 2, 3, 4, 5, 6, 7, 8, 9, &total)) == MACH_SEND_TIMED_OUT);
	CHECK(CALL(null(kept)) == MACH_SEND_INVALID_DEST);
	CHECK(CALL(no_reply(server, (data_t) "abc", 3, 5)) == MACH_RCV_TIMED_OUT);
	CHECK(CALL(late(server, 1, &b)) == MACH_RCV_TIMED_OUT);
	CHECK(lb_right(golden_late) == MACH_PORT_RIGHT_SEND_ONCE);
	drop(golden_late);
}

static const struct calls spoilt[] = {{"spoilt requests", test_spoilt_requests},
	{"spoilt descriptors", test_spoilt_descriptors}, {"spoilt replies", test_spoilt_replies},
	{"unknown ids", test_unknown_ids}, {"what is not sent, not answered", test_not_sent}, {NULL, NULL}};

int main(void)
{
	unsigned failures = 0;

	lb_start(&golden_subsystem);
	for (int mode = 0; mode < 2; mode++) {
		lb_force_messages = mode == 1;
		lb_see_request = damage_record;
		failures += lb_run("golden", calls);
		failures += lb_run("golden", spoilt);
	}
	lb_see_request = NULL;
	failures += damage_all(server);
	failures += damage_replies();
	return failures == 0 ? 0 : 1;
}
