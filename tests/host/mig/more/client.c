/* Calls every routine of more.defs over the loop-back: values, counts, errors, ownership, clean bytes. */
#include "more.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static mach_port_t receive;
static mach_port_t server;
static unsigned failures;
static bool bad;

static void check_true(bool ok, const char *what, int line)
{
	if (!ok) {
		printf("  line %d: %s\n", line, what);
		bad = true;
	}
}

#define CHECK(condition) check_true(condition, #condition, __LINE__)
/* Every call begins on a painted stack, so that a byte nobody wrote shows in the message. */
#define CALL(call) (lb_paint(), (call))
#define OK(call)   CHECK(CALL(call) == KERN_SUCCESS)

static void test_tokens(void)
{
	security_token_t security_there = {{9, 9}};
	audit_token_t audit_there = {{9}};
	uint32_t uid, gid, sum;
	int32_t object;

	OK(security(server, &security_there, &uid, &gid));
	CHECK(uid == 501 && gid == 20 && security_there.val[0] == 0 && security_there.val[1] == 1);
	CHECK((lb_last_option & MACH_RCV_TRAILER_TOKENS) != 0 && !lb_last_by_words);
	OK(server_security(server, (data_t) "abc", 3, &uid));
	CHECK(uid == 504 && (lb_last_option & MACH_RCV_TRAILER_TOKENS) == 0);
	security_there = (security_token_t){{9, 9}};
	OK(user_security(server, lb_send_right(more_kept), &security_there, &object));
	CHECK(security_there.val[1] == 1 && object == (int32_t)lb_object(more_kept));
	OK(audits(server, &audit_there, &sum));
	CHECK(sum == 12345678 && audit_there.val[0] == 8 && audit_there.val[7] == 1);
	OK(server_audit(server, &sum));
	CHECK(sum == 12345678);
	audit_there = (audit_token_t){{9}};
	CHECK(CALL(user_audit(server, &audit_there, KERN_NO_SPACE)) == KERN_NO_SPACE && audit_there.val[0] == 9);
	OK(user_audit(server, &audit_there, 0));
	CHECK(audit_there.val[7] == 1);
	OK(one_way_token(server, lb_send_right(more_kept)));
	CHECK(more_token.val[7] == 8);
}

static void test_trailer_fields(void)
{
	mach_port_t there = lb_port(&more_subsystem, 99), right = lb_send_right(there);
	security_token_t security_there;
	audit_token_t audit_there;
	mach_port_context_t word = 5;
	uint32_t sum;
	uint64_t same;

	OK(context(right, &same));
	CHECK(same == 99);
	OK(context(server, &same));
	CHECK(same == 0);
	OK(implied(server, &audit_there, &security_there, &word, &sum));
	CHECK(sum == 77 + 501 + 11 + 77 && audit_there.val[7] == 1 && security_there.val[1] == 1 && word == 0);
	lb_release(right);
	lb_release(there);
}

/* A trailer that is too short is no reason to call anyone, or to keep what came with the message. */
static void test_short_trailers(void)
{
	security_token_t token = {{9, 9}};
	uint32_t uid = 3, gid;
	int32_t object = 4;

	lb_server_option = MACH_MSG_OPTION_NONE;
	CHECK(CALL(server_security(server, (data_t) "abc", 3, &uid)) == MIG_TRAILER_ERROR && uid == 3);
	CHECK(CALL(security(server, &token, &uid, &gid)) == MIG_TRAILER_ERROR && token.val[0] == 9);
	more_token.val[0] = 44;
	OK(one_way_token(server, lb_send_right(more_kept)));
	CHECK(more_token.val[0] == 44);
	lb_server_option = MACH_RCV_TRAILER_AUDIT;
	lb_withheld_option = MACH_RCV_TRAILER_TOKENS;
	CHECK(CALL(user_security(server, lb_send_right(more_kept), &token, &object)) == MIG_TRAILER_ERROR);
	CHECK(token.val[0] == 9 && object == 4);
	lb_withheld_option = 0;
}

/* Whatever a work function returns, each right and region has one owner, the right to reply among them. */
static void test_ends(void)
{
	static const kern_return_t codes[] = {KERN_SUCCESS, KERN_FAILURE, MIG_DESTROY_REQUEST};

	for (unsigned i = 0; i < 3; i++) {
		const kern_return_t code = codes[i];
		const bool silent = code == MIG_DESTROY_REQUEST;
		unsigned rights = lb_rights();

		CHECK(CALL(ends(server, code, lb_send_right(more_kept), (data_t) "abc", 3)) ==
			(silent ? MACH_RCV_TIMED_OUT : code));
		CHECK(lb_rights() == rights && lb_regions() == 0);
		OK(ends_one_way(server, code, lb_send_right(more_kept)));
		CHECK(lb_rights() == rights);
		if (!silent)
			CHECK(CALL(ends_words(server, code)) == code);
	}
}

static void test_same_counts(void)
{
	int32_t keys[20], rkeys[20], more[20], sum;
	char values[16], rvalues[16];
	mach_msg_type_number_t count = 20, i;

	for (i = 0; i < 20; i++)
		keys[i] = (int32_t)i;
	for (i = 0; i < 16; i++)
		values[i] = (char)('a' + i);
	OK(pairs(server, keys, 3, values, rkeys, &count, rvalues, &sum));
	CHECK(count == 3 && rkeys[2] == 'c' && rvalues[2] == 2 && sum == 'b' + 2 * 'c');
	count = 20;
	OK(pairs(server, NULL, 0, NULL, rkeys, &count, rvalues, &sum));
	CHECK(count == 0 && sum == 0);
	count = 20;
	OK(pairs(server, keys, 16, values, rkeys, &count, rvalues, &sum));
	CHECK(count == 16 && rvalues[15] == 15);
	/* The bound of each array counts, and the caller's room. */
	CHECK(CALL(pairs(server, keys, 17, values, rkeys, &count, rvalues, &sum)) == MIG_ARRAY_TOO_LARGE);
	count = 2;
	CHECK(CALL(pairs(server, keys, 3, values, rkeys, &count, rvalues, &sum)) == MIG_ARRAY_TOO_LARGE && count == 3);
	count = 5;
	OK(three_same(server, keys, 2, values, rkeys, &count, rvalues, more));
	CHECK(count == 5 && rvalues[1] == 'b' && rvalues[4] == '-' && rkeys[1] == 1 && rkeys[4] == -1 && more[4] == -2);
	count = 20;
	OK(three_same(server, keys, 7, values, rkeys, &count, rvalues, more));
	CHECK(count == 16 && rvalues[6] == 'g' && rkeys[15] == -1);
}

static void test_same_counts_of_rights(void)
{
	mach_port_t list[5] = {lb_send_right(more_kept), lb_send_right(receive)};
	int32_t names[] = {100, 200};
	mach_msg_type_number_t count = 77;
	ports_t rports;
	numbers_t rnames;

	OK(named_ports(server, list, 2, names, &rports, &count, &rnames, "abc", 3));
	CHECK(count == 2 && lb_object(rports[0]) == lb_object(more_kept) && lb_object(rports[1]) == lb_object(receive));
	CHECK(rnames[0] == 101 && rnames[1] == 201);
	lb_release(rports[0]);
	lb_release(rports[1]);
	mig_deallocate((vm_address_t)rports, 2 * sizeof *rports);
	mig_deallocate((vm_address_t)rnames, 2 * sizeof *rnames);
	OK(named_ports(server, NULL, 0, NULL, &rports, &count, &rnames, "abc", 3));
	CHECK(count == 0);
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
	mach_port_t list[1] = {lb_send_right(more_kept)};
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

/* The error procedures of more.defs: the default one, and the one that it names. */
static kern_return_t last_default, last_error;

void MsgError(kern_return_t error);
void MsgError(kern_return_t error)
{
	last_default = error;
}

void report_error(kern_return_t error);
void report_error(kern_return_t error)
{
	last_error = error;
}

static void test_procedures(void)
{
	int32_t value = 14;
	char text[40];

	last_default = last_error = 0;
	CALL(halve(server, &value));
	CHECK(value == 7 && last_default == 0);
	CALL(halve(more_kept, &value));
	CHECK(value == 7 && last_default == MACH_SEND_INVALID_DEST && last_error == 0);
	CALL(describe(server, 5, text, "abcdef", 3));
	CHECK(strcmp(text, "5:abc") == 0);
	CALL(describe(server, 5, text, "abcdef", 17));
	CHECK(last_error == MIG_ARRAY_TOO_LARGE);
	spoil_next(true, 20, 1);
	CALL(describe(server, 5, text, "abcdef", 3));
	CHECK(last_error == MIG_REPLY_MISMATCH);
	more_remarks = 0;
	CALL(remark(server, 4));
	CALL(remark_right(server, lb_send_right(more_kept), (data_t) "abc", 3));
	CHECK(more_remarks == 4 + (int32_t)lb_object(more_kept));
}

static void test_functions(void)
{
	int32_t object;
	point_t point;
	mach_port_t right;

	last_error = 0;
	CHECK(CALL(twice(server, -21)) == -42);
	CHECK(lb_last_by_words == !lb_force_messages);
	CHECK(CALL(ratio(server, 3, 4)) == 0.75);
	point = CALL(middle(server, ((point_t){1, 2}), ((point_t){3, 4}), "four"));
	CHECK(point.x == 2 && point.y == 7);
	right = CALL(fresh_right(server, &object));
	CHECK(lb_object(right) == lb_object(more_kept) && object == (int32_t)lb_object(right));
	lb_release(right);
	CHECK(CALL(constant(server)) == -(1ll << 40));
	CHECK(CALL(who(server)) == 501 && last_error == 0);
	/* What fails returns zero, after the error procedure. */
	lb_server_option = MACH_MSG_OPTION_NONE;
	CHECK(CALL(who(server)) == 0 && last_error == MIG_TRAILER_ERROR);
	lb_server_option = MACH_RCV_TRAILER_AUDIT;
	lb_fail_send = MACH_SEND_TIMED_OUT;
	point = CALL(middle(server, ((point_t){1, 2}), ((point_t){3, 4}), "four"));
	CHECK(point.x == 0 && point.y == 0 && last_error == MACH_SEND_TIMED_OUT);
}

static void test_optional_bytes(void)
{
	point_t point = {30, 4};
	struct wide_thing wide;
	int32_t sum;

	memset(&wide, 0, sizeof wide);
	wide.tag = 'w';
	wide.number[0] = 7;
	OK(optional(server, NULL, 1, &nothing_wide, NULL, &sum, ""));
	CHECK(sum == 1001 && lb_last_request_size == 24 + 8 + 4 * 8);
	OK(optional(server, &point, 1, &nothing_wide, "b", &sum, "abc"));
	CHECK(sum == 1001 + 120 + 'b' + 3);
	OK(optional(server, NULL, 1, &wide, "b", &sum, "abc"));
	CHECK(sum == 1 + 7 + 'b' + 3);
	OK(optional(server, &point, 1, &wide, NULL, &sum, "abc"));
	CHECK(sum == 1 + 7 + 120 + 3);
	/* A count that is neither, bytes that are not there. */
	spoil_next(false, 32, 2);
	CHECK(CALL(optional(server, &point, 1, &wide, NULL, &sum, "abc")) == MIG_BAD_ARGUMENTS);
	spoil_next(false, 32, 1);
	CHECK(CALL(optional(server, NULL, 1, &nothing_wide, NULL, &sum, "")) == MIG_BAD_ARGUMENTS);
}

static void test_special_reply_ports(void)
{
	mach_port_t mine = lb_port(NULL, 0), plain = mig_get_reply_port(), other = mig_get_special_reply_port();
	int32_t length;

	CHECK(plain != other);
	OK(special(server, "five5", &length));
	CHECK(length == 5 && lb_last_reply_port == other);
	lb_last_reply_port = MACH_PORT_NULL;
	OK(special_words(server, 1, &length));
	CHECK(length == 2 && lb_last_reply_port != other);
	CHECK(CALL(special_own(server, mine, "abc")) == 3 && lb_last_reply_port == mine);
	/* A port that a late reply could reach is not used again. */
	lb_fail_send = MACH_SEND_TIMED_OUT;
	CHECK(CALL(special(server, "five5", &length)) == MACH_SEND_TIMED_OUT && lb_object(other) == 0);
	OK(special(server, "five5", &length));
	CHECK(lb_last_reply_port == mig_get_special_reply_port() && mig_get_reply_port() == plain);
	CHECK(strcmp(more_user_rcsid, "$Id: more.defs $") == 0 && strcmp(more_server_rcsid, more_user_rcsid) == 0);
	lb_release(mine);
}

static void test_auto(void)
{
	int32_t numbers[] = {1000, 2000}, sum;

	OK(summed(server, (data_t) "\1\2\3", 3, KERN_SUCCESS, numbers, 2, &sum));
	CHECK(sum == 3006 && lb_regions() == 0);
	OK(summed(server, NULL, 0, KERN_SUCCESS, numbers, 1, &sum));
	CHECK(sum == 1000 && lb_regions() == 0);
	CHECK(CALL(summed(server, (data_t) "\1\2\3", 3, KERN_FAILURE, numbers, 2, &sum)) == KERN_FAILURE);
	CHECK(lb_regions() == 0);
	OK(noted(server, (data_t) "\7", 1));
	CHECK(more_remarks == 7 && lb_regions() == 0);
}

static void test_overwrite(void)
{
	int32_t numbers[4] = {-1, -1, -1, -1};
	int64_t wide[4] = {9, 9, 9, 9};
	mach_port_t ports[3];
	numbers_t a = numbers;
	ports_t p = ports;
	wide_t w = wide;
	mach_msg_type_number_t count = 4, ports_count = 3;

	OK(filled(server, 2, &a, &count, &p, &ports_count, &w));
	CHECK(count == 2 && ports_count == 2 && a == numbers && p == ports && w == wide);
	CHECK(numbers[1] == 10 && numbers[2] == -1 && wide[3] == 3);
	CHECK(lb_object(ports[1]) == lb_object(more_kept) && lb_regions() == 0);
	lb_release(ports[0]);
	lb_release(ports[1]);
	count = 4;
	ports_count = 3;
	OK(filled(server, 0, &a, &count, &p, &ports_count, &w));
	CHECK(count == 0 && ports_count == 0);
	/* No room: nothing is written, and what came is destroyed. */
	count = 4;
	ports_count = 3;
	CHECK(CALL(filled(server, 4, &a, &count, &p, &ports_count, &w)) == MIG_ARRAY_TOO_LARGE && ports_count == 4);
	count = 1;
	ports_count = 3;
	CHECK(CALL(filled(server, 2, &a, &count, &p, &ports_count, &w)) == MIG_ARRAY_TOO_LARGE && count == 2);
	CHECK(lb_regions() == 0);
}

static void test_allocated_messages(void)
{
	static int64_t a[1001], b[1000];
	mach_msg_type_number_t count = 1000;
	point_t point = {3, 4}, back;
	int32_t length;

	/* Even numbers have no byte like the paint. */
	for (unsigned i = 0; i < 1000; i++)
		a[i] = 2 * i;
	OK(large(server, a, 1000, "text", b, &count, KERN_SUCCESS));
	CHECK(count == 1000 && b[999] == -1998 && lb_rooms == 0);
	/* However it ends the room is given back. */
	CHECK(CALL(large(server, a, 10, "text", b, &count, KERN_FAILURE)) == KERN_FAILURE && lb_rooms == 0);
	CHECK(CALL(large(server, a, 1001, "text", b, &count, KERN_SUCCESS)) == MIG_ARRAY_TOO_LARGE && lb_rooms == 0);
	spoil_next(true, 20, 1);
	CHECK(CALL(large(server, a, 10, "text", b, &count, KERN_SUCCESS)) == MIG_REPLY_MISMATCH && lb_rooms == 0);
	OK(large_note(server, a, 8));
	CHECK(more_remarks == 14 && lb_rooms == 0);
	CHECK(CALL(large_sum(server, a, 5)) == 20 && lb_rooms == 0);
	OK(native_large(server, &point, &back));
	CHECK(back.x == 4 && back.y == 3 && lb_rooms == 0);
	lb_no_room = true;
	CHECK(CALL(large(server, a, 10, "text", b, &count, KERN_SUCCESS)) == KERN_RESOURCE_SHORTAGE);
	CHECK(CALL(large_note(server, a, 8)) == KERN_RESOURCE_SHORTAGE);
	CHECK(CALL(large_sum(server, a, 5)) == 0 && last_error == KERN_RESOURCE_SHORTAGE);
	CHECK(CALL(native_large(server, &point, &back)) == KERN_RESOURCE_SHORTAGE);
	/* These need none. */
	OK(small(server, "abc", &length));
	CHECK(length == 3);
	OK(native_small(server, &point, &back));
	lb_no_room = false;
}

static void test_what_originals_take(void)
{
	vm_address_t address;
	mach_port_t mine;
	int32_t b, c = 5;

	mig_allocate(&address, 4);
	*(int32_t *)address = 77;
	OK(said_twice(server, 1, MACH_SEND_INTERRUPT, 2, MACH_RCV_INTERRUPT, (flags_t)address, 1, &b));
	CHECK(b == 77 && lb_last_timeout == 2 && (lb_last_option & MACH_RCV_INTERRUPT) != 0);
	CHECK((lb_last_option & MACH_SEND_INTERRUPT) == 0 && (lb_last_option & MACH_RCV_TIMEOUT) != 0);
	CHECK(CALL(times(server, "four")) == 4 && lb_last_timeout == 499);
	CHECK(CALL(dollars(server, "five5")) == 5 && lb_last_timeout == 321);
	CHECK(CALL(waits_keyword(server, "a")) == 1 && lb_last_timeout == 71);
	CHECK(CALL(waits_negative(server, "a")) == 1 && lb_last_timeout == UINT32_MAX);
	CHECK(CALL(waits_dollar(server, "a")) == 1 && lb_last_timeout == 73 &&
		(lb_last_option & MACH_SEND_TIMEOUT) != 0);
	CHECK(CALL(sends_keyword(server, "a")) == 1 && lb_last_timeout == 72 &&
		(lb_last_option & MACH_RCV_TIMEOUT) == 0);
	CHECK(CALL(options_keyword(server, "a")) == 1 && (lb_last_option & MACH_SEND_INTERRUPT) != 0 &&
		(lb_last_option & MACH_RCV_INTERRUPT) != 0);
	mine = lb_port(NULL, 0);
	CHECK(CALL(two_ports(0, server, 0, mine, 77)) == 77 && lb_last_reply_port == mine);
	lb_release(mine);
	OK(odd_names(server, 1, 2, &b, &c));
	CHECK(b == 3 && c == 6);
}

static void test_results_that_travel(void)
{
	mach_port_t right = lb_send_right(more_kept);
	int32_t keys[2] = {1, 20};

	more_done.calls = 0;
	OK(done(server, KERN_SUCCESS, 5, "text", keys, 2));
	CHECK(more_done.calls == 1 && more_done.code == 0 && more_done.value == 25 &&
		strcmp(more_done.text, "text") == 0);
	OK(done(server, KERN_NO_SPACE, 5, "text", keys, 2));
	CHECK(more_done.calls == 2 && more_done.code == KERN_NO_SPACE && more_done.value == 0 &&
		more_done.text[0] == '\0');
	CHECK(more_done.count == 0 && lb_last_request_size == sizeof(mig_reply_error_t));
	/* What a failed one would have carried stays with the caller. */
	OK(done_rights(server, right, KERN_FAILURE, (data_t) "abc", 3));
	CHECK(more_done.calls == 3 && more_done.code == KERN_FAILURE && more_done.value == 0 && lb_object(right) != 0);
	OK(done_rights(server, right, KERN_SUCCESS, (data_t) "abc", 3));
	CHECK(more_done.calls == 4 && more_done.code == 0 && more_done.count == 3 && lb_object(right) == 0);
	CHECK(more_done.value == (int32_t)lb_object(more_kept));
	OK(done_nothing(server, KERN_SUCCESS));
	CHECK(more_done.calls == 5 && more_done.code == 0);
	OK(done_nothing(server, KERN_ABORTED));
	CHECK(more_done.calls == 6 && more_done.code == KERN_ABORTED);
	/* What one call is given, and changes, is not what the next is given. */
	for (unsigned i = 0; i < 2; i++) {
		point_t point = {5, 5};

		OK(done_written(server, KERN_FAILURE, &point));
		CHECK(more_done.calls == 7 + i && more_done.value == 0 && point.x == 5);
	}
	more_done.calls = 6;
	/* A result beside data is nobody's message. */
	spoil_next(false, 32, 5);
	OK(done(server, KERN_SUCCESS, 5, "text", keys, 2));
	CHECK(more_done.calls == 6);
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
	more_done.calls = 0;
	OK(answered(server, &number, 1, &sum, text));
	CHECK(more_done.calls == 1 && more_done.code == 0 && more_done.value == 33 &&
		strcmp(more_done.text, "33") == 0);
	lb_spoil_reply = keep_reply;
	CHECK(CALL(answered(server, NULL, 0, &sum, text)) == KERN_NO_SPACE);
	CHECK(more_done.calls == 2 && more_done.code == KERN_NO_SPACE && more_done.value == 0);
}

static void run(const char *name, void (*test)(void))
{
	unsigned rights = lb_rights(), regions = lb_regions();

	bad = false;
	lb_dirty_bytes = 0;
	test();
	CHECK(lb_rights() == rights);
	CHECK(lb_regions() == regions);
	CHECK(lb_dirty_bytes == 0);
	printf("%s mig more: %s, %s\n", bad ? "FAIL" : "PASS", name, lb_force_messages ? "by message" : "by registers");
	failures += bad;
}

int main(void)
{
	receive = lb_port(&more_subsystem, 0);
	server = lb_send_right(receive);
	more_kept = lb_port(NULL, 0);
	setvbuf(stdout, NULL, _IOLBF, 0);
	for (int mode = 0; mode < 2; mode++) {
		lb_force_messages = mode == 1;
		run("tokens", test_tokens);
		run("trailer_fields", test_trailer_fields);
		run("short_trailers", test_short_trailers);
		run("ends", test_ends);
		run("same_counts", test_same_counts);
		run("same_counts_of_rights", test_same_counts_of_rights);
		run("counts_that_differ", test_counts_that_differ);
		run("procedures", test_procedures);
		run("functions", test_functions);
		run("optional_bytes", test_optional_bytes);
		run("special_reply_ports", test_special_reply_ports);
		run("auto", test_auto);
		run("overwrite", test_overwrite);
		run("allocated_messages", test_allocated_messages);
		run("what_originals_take", test_what_originals_take);
		run("results_that_travel", test_results_that_travel);
		run("replies_as_requests", test_replies_as_requests);
	}
	return failures == 0 ? 0 : 1;
}
