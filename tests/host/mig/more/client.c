/* What only the loop-back can do to calls of more.defs: short trailers, spoilt messages, sends and memory that fail. */
#include "more.h"
#include "run.h"

#include <stdio.h>
#include <string.h>

/* A trailer that is too short is no reason to call anyone, or to keep what came with the message. */
static void test_short_trailers(void)
{
	security_token_t token = {{9, 9}};
	uint32_t uid = 3, gid;
	int32_t object = 4;

	lb_server_option = MACH_MSG_OPTION_NONE;
	CHECK(CALL(server_security(server, (data_t) "abc", 3, &uid)) == MIG_TRAILER_ERROR && uid == 3);
	CHECK(CALL(security(server, &token, &uid, &gid)) == MIG_TRAILER_ERROR && token.val[0] == 9);
	more_told.token.val[0] = 44;
	OK(one_way_token(server, lb_send_right(kept)));
	CHECK(more_told.token.val[0] == 44);
	lb_server_option = MACH_RCV_TRAILER_AUDIT;
	lb_withheld_option = MACH_RCV_TRAILER_TOKENS;
	CHECK(CALL(user_security(server, lb_send_right(kept), &token, &object)) == MIG_TRAILER_ERROR);
	CHECK(token.val[0] == 9 && object == 4);
	lb_withheld_option = 0;
	more_error = 0;
	lb_server_option = MACH_MSG_OPTION_NONE;
	CHECK(CALL(who(server)) == 0 && more_error == MIG_TRAILER_ERROR);
	lb_server_option = MACH_RCV_TRAILER_AUDIT;
}

/* Changes a word of the next message, behind its header. */
static mach_msg_size_t spoil_offset;
static uint32_t spoil_value;

static void spoil(mach_msg_header_t *message)
{
	memcpy((char *)message + spoil_offset, &spoil_value, 4);
	lb_spoil_request = lb_spoil_reply = NULL;
}

static void spoil_next(bool reply, mach_msg_size_t offset, uint32_t value)
{
	spoil_offset = offset;
	spoil_value = value;
	if (reply)
		lb_spoil_reply = spoil;
	else
		lb_spoil_request = spoil;
}

/* Counts that should be the same and are not: refused on either side, and what came is destroyed. */
static void test_counts_that_differ(void)
{
	int32_t keys[20] = {0}, rkeys[20], sum;
	char values[16] = {0}, rvalues[16];
	mach_port_t list[1] = {lb_send_right(kept)};
	mach_msg_type_number_t count = 20;
	ports_t rports;
	numbers_t rnames;

	/* Header, NDR, count, 3 keys, count: 2 for 3. */
	spoil_next(false, 24 + 8 + 16, 2);
	CHECK(CALL(pairs(server, keys, 3, values, rkeys, &count, rvalues, &sum)) == MIG_BAD_ARGUMENTS);
	/* Result first, then the same. */
	spoil_next(true, 24 + 8 + 4 + 16 + 4, 2);
	CHECK(CALL(pairs(server, keys, 3, values, rkeys, &count, rvalues, &sum)) == MIG_TYPE_ERROR);
	/* Five descriptors, the names' memory, NDR: no port of one that came. */
	spoil_next(false, 24 + 8 + 6 * 16 + 8, 0);
	CHECK(CALL(named_ports(server, list, 1, keys, &rports, &count, &rnames, "abc", 3)) == MIG_BAD_ARGUMENTS);
}

static void test_procedures_that_fail(void)
{
	int32_t value = 14;
	char text[40];
	point_t point;

	more_default_error = more_error = 0;
	CALL(halve(kept, &value));
	CHECK(value == 14 && more_default_error == MACH_SEND_INVALID_DEST && more_error == 0);
	spoil_next(true, 20, 1);
	CALL(describe(server, 5, text, "abcdef", 3));
	CHECK(more_error == MIG_REPLY_MISMATCH);
	lb_fail_send = MACH_SEND_TIMED_OUT;
	point = CALL(middle(server, ((point_t){1, 2}), ((point_t){3, 4}), "four"));
	CHECK(point.x == 0 && point.y == 0 && more_error == MACH_SEND_TIMED_OUT);
}

/* A count that is neither, bytes that are not there, a result beside data. */
static void test_spoilt_requests(void)
{
	point_t point = {30, 4};
	struct wide_thing wide;
	int32_t sum, keys[2] = {1, 20};
	const unsigned before = more_told.done.calls;

	memset(&wide, 0, sizeof wide);
	wide.tag = 'w';
	spoil_next(false, 32, 2);
	CHECK(CALL(optional(server, &point, 1, &wide, NULL, &sum, "abc")) == MIG_BAD_ARGUMENTS);
	spoil_next(false, 32, 1);
	CHECK(CALL(optional(server, NULL, 1, &nothing_wide, NULL, &sum, "")) == MIG_BAD_ARGUMENTS);
	spoil_next(false, 32, 5);
	OK(done(server, KERN_SUCCESS, 5, "text", keys, 2));
	CHECK(more_told.done.calls == before);
}

/* A port that a late reply could reach is not used again. */
static void test_special_port_after_failure(void)
{
	mach_port_t plain = mig_get_reply_port(), other = mig_get_special_reply_port();
	int32_t length;

	lb_fail_send = MACH_SEND_TIMED_OUT;
	CHECK(CALL(special(server, "five5", &length)) == MACH_SEND_TIMED_OUT && lb_object(other) == 0);
	OK(special(server, "five5", &length));
	CHECK(lb_last_reply_port == mig_get_special_reply_port() && mig_get_reply_port() == plain);
}

static void test_no_room(void)
{
	static int64_t a[10], b[1000];
	mach_msg_type_number_t count = 1000;
	point_t point = {3, 4}, back;
	int32_t length;

	spoil_next(true, 20, 1);
	CHECK(CALL(large(server, a, 10, "text", b, &count, KERN_SUCCESS)) == MIG_REPLY_MISMATCH && lb_rooms == 0);
	lb_no_room = true;
	CHECK(CALL(large(server, a, 10, "text", b, &count, KERN_SUCCESS)) == KERN_RESOURCE_SHORTAGE);
	CHECK(CALL(large_note(server, a, 8)) == KERN_RESOURCE_SHORTAGE);
	CHECK(CALL(large_sum(server, a, 5)) == 0 && more_error == KERN_RESOURCE_SHORTAGE);
	CHECK(CALL(native_large(server, &point, &back)) == KERN_RESOURCE_SHORTAGE);
	/* These need none. */
	OK(small(server, "abc", &length));
	CHECK(length == 3);
	OK(native_small(server, &point, &back));
	lb_no_room = false;
}

/* The reply of one routine is what the other takes: the same id, layout and sizes. */
static void keep_reply(mach_msg_header_t *message)
{
	static union {
		mach_msg_header_t head;
		unsigned char bytes[256];
	} copy;
	mig_reply_error_t out;

	memcpy(&copy, message, message->msgh_size);
	CHECK(more_server(&copy.head, &out.Head) && out.RetCode == MIG_NO_REPLY);
	lb_spoil_reply = NULL;
}

static void test_replies_as_requests(void)
{
	int32_t number = 33, sum;
	char text[40];

	lb_spoil_reply = keep_reply;
	more_told.done.calls = 0;
	OK(answered(server, &number, 1, &sum, text));
	CHECK(more_told.done.calls == 1 && more_told.done.code == 0 && more_told.done.value == 33 &&
		strcmp(more_told.done.text, "33") == 0);
	lb_spoil_reply = keep_reply;
	CHECK(CALL(answered(server, NULL, 0, &sum, text)) == KERN_NO_SPACE);
	CHECK(more_told.done.calls == 2 && more_told.done.code == KERN_NO_SPACE && more_told.done.value == 0);
}

static void test_rooms_for_rights(void)
{
	mach_port_t ports[9];
	char bytes[20];
	int32_t *numbers;
	mach_msg_type_number_t count = 3;
	int32_t room;

	CHECK(CALL(both_times(server, 5, 6, "ab")) == 2 && lb_last_timeout == 5);
	OK(room_for_rights(server, ports, &count, &room));
	CHECK(count == 1 && room == 3);
	lb_drop(ports[0]);
	count = 9;
	OK(room_for_rights(server, ports, &count, &room));
	CHECK(count == 1 && room == 5);
	lb_drop(ports[0]);
	count = 20;
	OK(room_with_memory(server, &numbers, &count, bytes, &room));
	CHECK(count == 0 && room == 16);
}

/* Two numbers in memory that can be moved, or not. */
static int32_t *two_numbers(bool moved)
{
	static int32_t numbers[2];
	vm_address_t address = (vm_address_t)numbers;

	if (moved)
		mig_allocate(&address, sizeof numbers);
	((int32_t *)address)[0] = 7;
	((int32_t *)address)[1] = 8;
	return (int32_t *)address;
}

static void test_overwrite_of_what_was_moved(void)
{
	for (int moved = 0; moved < 2; moved++) {
		int32_t *numbers = two_numbers(moved), *loose = two_numbers(moved), *was = numbers;
		mach_msg_type_number_t count = 2, ports_count = 1;
		vm_address_t address = 0;
		mach_port_t *ports;

		mig_allocate(&address, sizeof *ports);
		ports = (mach_port_t *)address;
		ports[0] = lb_send_right(kept);
		OK(turned(server, &numbers, &count, moved, &ports, &ports_count));
		CHECK(count == 2 && numbers[0] == 8 && numbers[1] == 9 && (moved || numbers == was));
		CHECK(ports_count == 1 && lb_object(ports[0]) == lb_object(kept));
		lb_drop(ports[0]);
		mig_deallocate((vm_address_t)ports, sizeof *ports);
		if (moved)
			mig_deallocate((vm_address_t)numbers, 2 * sizeof *numbers);
		if (!moved)
			loose[0] = 7;
		OK(turned_loose(server, &loose, &count, moved));
		CHECK(count == 2 && loose[0] == 8);
		mig_deallocate((vm_address_t)loose, 2 * sizeof *loose);
	}
}

static const struct calls spoilt[] = {{"short trailers", test_short_trailers},
	{"counts that differ", test_counts_that_differ}, {"procedures that fail", test_procedures_that_fail},
	{"spoilt requests", test_spoilt_requests}, {"special port after failure", test_special_port_after_failure},
	{"no room", test_no_room}, {"replies as requests", test_replies_as_requests},
	{"rooms for rights", test_rooms_for_rights}, {"overwrite of what was moved", test_overwrite_of_what_was_moved},
	{NULL, NULL}};

int main(void)
{
	unsigned failures = 0;

	lb_start(&more_subsystem);
	for (int mode = 0; mode < 2; mode++) {
		lb_force_messages = mode == 1;
		failures += lb_run("more", calls);
		failures += lb_run("more", spoilt);
	}
	return failures == 0 ? 0 : 1;
}
