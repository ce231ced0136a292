/* Calls every routine of more.defs: values, counts, errors, ownership. */
#include "more.h"

#include <stdio.h>
#include <string.h>

static void test_tokens(void)
{
	security_token_t security_there = {{9, 9}};
	audit_token_t audit_there = {{9}};
	uint32_t uid, gid, sum;
	int32_t object;

	OK(security(server, &security_there, &uid, &gid));
	CHECK(uid == 501 && gid == 20 && security_there.val[0] == 0 && security_there.val[1] == 1);
	CHECK_LOOPBACK((lb_last_option & MACH_RCV_TRAILER_TOKENS) != 0 && !lb_last_by_words);
	OK(server_security(server, (data_t) "abc", 3, &uid));
	CHECK(uid == 504);
	CHECK_LOOPBACK((lb_last_option & MACH_RCV_TRAILER_TOKENS) == 0);
	security_there = (security_token_t){{9, 9}};
	OK(user_security(server, lb_send_right(kept), &security_there, &object));
	CHECK(security_there.val[1] == 1 && object == (int32_t)lb_object(kept));
	OK(audits(server, &audit_there, &sum));
	CHECK(sum == 12345678 && audit_there.val[0] == 8 && audit_there.val[7] == 1);
	OK(server_audit(server, &sum));
	CHECK(sum == 12345678);
	audit_there = (audit_token_t){{9}};
	CHECK(CALL(user_audit(server, &audit_there, KERN_NO_SPACE)) == KERN_NO_SPACE && audit_there.val[0] == 9);
	OK(user_audit(server, &audit_there, 0));
	CHECK(audit_there.val[7] == 1);
	OK(one_way_token(server, lb_send_right(kept)));
	lb_ask();
	CHECK(more_told.token.val[0] == 1 && more_told.token.val[7] == 8);
}

static void test_trailer_fields(void)
{
	security_token_t security_there;
	audit_token_t audit_there;
	mach_port_context_t word = 5;
	uint32_t sum, next;
	int32_t number = 0, next_number = 0;
	uint64_t same;

	OK(context(object_server, &same));
	CHECK(same == OBJECT_PAYLOAD + 99);
	OK(context(server, &same));
	CHECK(same == 0);
	OK(implied(server, &audit_there, &security_there, &word, &sum));
	CHECK_LOOPBACK(sum == 77 + 501 + 11 + 77);
	CHECK(audit_there.val[7] == 1 && security_there.val[1] == 1 && word == 0);
	/* It has the sequence number twice, and what does not change. */
	OK(implied(server, &audit_there, &security_there, &word, &next));
	CHECK(next - sum == 2 * LB_SEQNO_STEP);
	OK(sequence(server, &number));
	CHECK_LOOPBACK(number == 77);
	OK(sequence(server, &next_number));
	CHECK(next_number - number == LB_SEQNO_STEP);
}

/* Whatever a work function returns, each right and region has one owner, the right to reply among them. */
static void test_ends(void)
{
	static const kern_return_t codes[] = {KERN_SUCCESS, KERN_FAILURE, MIG_DESTROY_REQUEST};

	for (unsigned i = 0; i < 3; i++) {
		const kern_return_t code = codes[i];
		const bool silent = code == MIG_DESTROY_REQUEST;
		const unsigned references = lb_references();
		const uint64_t memory = lb_memory();

		CHECK(CALL(ends(server, code, lb_send_right(kept), (data_t) "abc", 3)) == (silent ? LB_DROPPED : code));
		CHECK(lb_references() == references && lb_memory() == memory);
		OK(ends_one_way(server, code, lb_send_right(kept)));
		CHECK(lb_references() == references);
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
	mach_port_t mine = lb_port(NULL, 0), list[5] = {lb_send_right(kept), lb_send_right(mine)};
	int32_t names[] = {100, 200};
	mach_msg_type_number_t count = 77;
	ports_t rports;
	numbers_t rnames;

	OK(named_ports(server, list, 2, names, &rports, &count, &rnames, "abc", 3));
	CHECK(count == 2 && lb_same(rports[0], kept) && lb_same(rports[1], mine));
	CHECK(rnames[0] == 101 && rnames[1] == 201);
	drop(rports[0]);
	drop(rports[1]);
	drop(mine);
	mig_deallocate((vm_address_t)rports, 2 * sizeof *rports);
	mig_deallocate((vm_address_t)rnames, 2 * sizeof *rnames);
	OK(named_ports(server, NULL, 0, NULL, &rports, &count, &rnames, "abc", 3));
	CHECK(count == 0);
}

/* The error procedures of more.defs: the default one, and the one that it names. */
kern_return_t more_default_error, more_error;

void MsgError(kern_return_t error);
void MsgError(kern_return_t error)
{
	more_default_error = error;
}

void report_error(kern_return_t error);
void report_error(kern_return_t error)
{
	more_error = error;
}

static void test_procedures(void)
{
	int32_t value = 14, before;
	char text[40];

	more_default_error = more_error = 0;
	CALL(halve(server, &value));
	CHECK(value == 7 && more_default_error == 0);
	CALL(halve(MACH_PORT_NULL, &value));
	CHECK(value == 7 && more_default_error == MACH_SEND_INVALID_DEST && more_error == 0);
	CALL(halve(stranger, &value));
	CHECK(value == 7 && more_default_error == MIG_BAD_ID && more_error == 0);
	CALL(describe(server, 5, text, "abcdef", 3));
	CHECK(strcmp(text, "5:abc") == 0);
	CALL(describe(server, 5, text, "abcdef", 17));
	CHECK(more_error == MIG_ARRAY_TOO_LARGE);
	CALL(describe(stranger, 5, text, "abcdef", 3));
	CHECK(more_error == MIG_BAD_ID && strcmp(text, "5:abc") == 0);
	lb_ask();
	before = more_told.remarks;
	CALL(remark(server, 4));
	CALL(remark_right(server, lb_send_right(kept), (data_t) "abc", 3));
	lb_ask();
	CHECK(more_told.remarks == before + 4 + (int32_t)lb_object(kept));
	more_error = 0;
	CALL(remark_right(MACH_PORT_NULL, MACH_PORT_NULL, (data_t) "abc", 3));
	CHECK(more_error == MACH_SEND_INVALID_DEST);
}

static void test_functions(void)
{
	int32_t object = 4;
	point_t point;
	mach_port_t right;

	more_error = 0;
	CHECK(CALL(twice(server, -21)) == -42);
	CHECK_LOOPBACK(lb_last_by_words == !lb_force_messages);
	CHECK(CALL(ratio(server, 3, 4)) == 0.75);
	point = CALL(middle(server, ((point_t){1, 2}), ((point_t){3, 4}), "four"));
	CHECK(point.x == 2 && point.y == 7);
	right = CALL(fresh_right(server, &object));
	CHECK(lb_right(right) == MACH_PORT_RIGHT_SEND && object == (int32_t)lb_object(right));
	CHECK_LOOPBACK(lb_same(right, kept));
	drop(right);
	CHECK(CALL(constant(server)) == -(1ll << 40));
	CHECK(CALL(who(server)) == 501 && more_error == 0);
	/* What fails returns zero, after the error procedure. */
	CHECK(CALL(twice(stranger, -21)) == 0 && more_error == MIG_BAD_ID);
	more_error = 0;
	point = CALL(middle(stranger, ((point_t){1, 2}), ((point_t){3, 4}), "four"));
	CHECK(point.x == 0 && point.y == 0 && more_error == MIG_BAD_ID);
	more_error = 0;
	object = 4;
	CHECK(CALL(fresh_right(stranger, &object)) == MACH_PORT_NULL && object == 4 && more_error == MIG_BAD_ID);
	CHECK(CALL(constant(MACH_PORT_NULL)) == 0 && more_error == MACH_SEND_INVALID_DEST);
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
	CHECK(sum == 1001);
	CHECK_LOOPBACK(lb_last_request_size == 24 + 8 + 4 * 8);
	OK(optional(server, &point, 1, &nothing_wide, "b", &sum, "abc"));
	CHECK(sum == 1001 + 120 + 'b' + 3);
	OK(optional(server, NULL, 1, &wide, "b", &sum, "abc"));
	CHECK(sum == 1 + 7 + 'b' + 3);
	OK(optional(server, &point, 1, &wide, NULL, &sum, "abc"));
	CHECK(sum == 1 + 7 + 120 + 3);
}

static void test_special_reply_ports(void)
{
	mach_port_t mine = lb_port(NULL, 0), plain = mig_get_reply_port(), other = mig_get_special_reply_port();
	int32_t length;

	CHECK(plain != other && lb_right(other) == MACH_PORT_RIGHT_RECEIVE);
	OK(special(server, "five5", &length));
	CHECK(length == 5);
	CHECK_LOOPBACK(lb_last_reply_port == other);
	OK(special_words(server, 1, &length));
	CHECK(length == 2);
	CHECK_LOOPBACK(lb_last_by_words || lb_last_reply_port != other);
	CHECK(CALL(special_own(server, mine, "abc")) == 3);
	CHECK_LOOPBACK(lb_last_reply_port == mine);
	CHECK(mig_get_reply_port() == plain && mig_get_special_reply_port() == other);
	/* A port that a late reply could reach is not used again. */
	CHECK(CALL(special(MACH_PORT_NULL, "five5", &length)) == MACH_SEND_INVALID_DEST && lb_object(other) == 0);
	OK(special(server, "five5", &length));
	CHECK(mig_get_reply_port() == plain);
	CHECK_LOOPBACK(lb_last_reply_port == mig_get_special_reply_port());
	CHECK(strcmp(more_user_rcsid, "$Id: more.defs $") == 0 && strcmp(more_server_rcsid, more_user_rcsid) == 0);
	drop(mine);
}

static void test_auto(void)
{
	int32_t numbers[] = {1000, 2000}, sum;
	const uint64_t memory = lb_memory();

	OK(summed(server, (data_t) "\1\2\3", 3, KERN_SUCCESS, numbers, 2, &sum));
	CHECK(sum == 3006 && lb_memory() == memory);
	OK(summed(server, NULL, 0, KERN_SUCCESS, numbers, 1, &sum));
	CHECK(sum == 1000 && lb_memory() == memory);
	CHECK(CALL(summed(server, (data_t) "\1\2\3", 3, KERN_FAILURE, numbers, 2, &sum)) == KERN_FAILURE);
	CHECK(lb_memory() == memory);
	OK(noted(server, (data_t) "\7", 1));
	lb_ask();
	CHECK(more_told.remarks == 7 && lb_memory() == memory);
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
	const unsigned references = lb_references();
	const uint64_t memory = lb_memory();

	OK(filled(server, 2, &a, &count, &p, &ports_count, &w));
	CHECK(count == 2 && ports_count == 2 && a == numbers && p == ports && w == wide);
	CHECK(numbers[1] == 10 && numbers[2] == -1 && wide[3] == 3);
	CHECK(lb_object(ports[1]) == lb_object(kept) && lb_memory() == memory);
	drop(ports[0]);
	drop(ports[1]);
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
	CHECK(lb_references() == references && lb_memory() == memory);
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
	CHECK(count == 1000 && b[999] == -1998);
	CHECK_LOOPBACK(lb_rooms == 0);
	/* However it ends the room is given back. */
	CHECK(CALL(large(server, a, 10, "text", b, &count, KERN_FAILURE)) == KERN_FAILURE);
	CHECK_LOOPBACK(lb_rooms == 0);
	CHECK(CALL(large(server, a, 1001, "text", b, &count, KERN_SUCCESS)) == MIG_ARRAY_TOO_LARGE);
	CHECK_LOOPBACK(lb_rooms == 0);
	OK(large_note(server, a, 8));
	lb_ask();
	CHECK(more_told.remarks == 14);
	CHECK_LOOPBACK(lb_rooms == 0);
	CHECK(CALL(large_sum(server, a, 5)) == 20);
	CHECK_LOOPBACK(lb_rooms == 0);
	OK(native_large(server, &point, &back));
	CHECK(back.x == 4 && back.y == 3);
	CHECK_LOOPBACK(lb_rooms == 0);
	/* These need none. */
	OK(small(server, "abc", &length));
	CHECK(length == 3);
	OK(native_small(server, &point, &back));
	CHECK(back.x == 4 && back.y == 3);
}

static void test_what_originals_take(void)
{
	const int32_t number = 77;
	mach_msg_type_number_t count;
	numbers_t list;
	mach_port_t mine;
	int32_t b, c = 5;

	OK(said_twice(
		server, 1, MACH_SEND_INTERRUPT, 9000, MACH_RCV_INTERRUPT, memory_of(&number, sizeof number), 1, &b));
	CHECK(b == 77);
	CHECK_LOOPBACK(lb_last_timeout == 9000 && (lb_last_option & MACH_RCV_INTERRUPT) != 0);
	CHECK_LOOPBACK((lb_last_option & MACH_SEND_INTERRUPT) == 0 && (lb_last_option & MACH_RCV_TIMEOUT) != 0);
	CHECK(CALL(times(server, "four")) == 4);
	CHECK_LOOPBACK(lb_last_timeout == 9499);
	CHECK(CALL(dollars(server, "five5")) == 5);
	CHECK_LOOPBACK(lb_last_timeout == 9321);
	CHECK(CALL(waits_keyword(server, "a")) == 1);
	CHECK_LOOPBACK(lb_last_timeout == 9071);
	CHECK(CALL(waits_negative(server, "a")) == 1);
	CHECK_LOOPBACK(lb_last_timeout == UINT32_MAX);
	CHECK(CALL(waits_dollar(server, "a")) == 1);
	CHECK_LOOPBACK(lb_last_timeout == 9073 && (lb_last_option & MACH_SEND_TIMEOUT) != 0);
	CHECK(CALL(sends_keyword(server, "a")) == 1);
	CHECK_LOOPBACK(lb_last_timeout == 9072 && (lb_last_option & MACH_RCV_TIMEOUT) == 0);
	CHECK(CALL(options_keyword(server, "a")) == 1);
	CHECK_LOOPBACK((lb_last_option & MACH_SEND_INTERRUPT) != 0 && (lb_last_option & MACH_RCV_INTERRUPT) != 0);
	mine = lb_port(NULL, 0);
	CHECK(CALL(two_ports(0, server, 0, mine, 77)) == 77);
	CHECK_LOOPBACK(lb_last_reply_port == mine);
	drop(mine);
	OK(odd_names(server, 1, 2, &b, &c));
	CHECK(b == 3 && c == 6);
	OK(hidden(server, 6, &b));
	OK(hidden_memory(server, "four", &list, &count));
	hidden_procedure(server, &c);
	CHECK(b == 7 && count == 1 && list[0] == 4 && c == 12);
	give_back(list, sizeof *list);
}

/* What the destructors were given since this was asked last. */
static unsigned done_with(void)
{
	static unsigned told_before;
	const unsigned before = told_before;

	lb_ask();
	told_before = more_told.done_with;
	return told_before - before;
}

static void test_translations(void)
{
	int32_t a[3] = {1, 2, 3}, b[3], c[3] = {4, 5, 6}, length;
	point_t p = {1, 2}, q, r = {3, 4};
	double half = 2.5, other;

	done_with();
	OK(vectors(server, a, b, c, KERN_SUCCESS));
	CHECK(b[0] == 9 && b[2] == 9 && c[1] == 30 && done_with() == 6);
	CHECK(CALL(vectors(server, a, b, c, KERN_FAILURE)) == KERN_FAILURE && done_with() == 6);
	OK(labels(server, "four", 5, &length));
	CHECK(length == 9 && done_with() == 4);
	OK(swapped(server, p, &q, &r));
	CHECK(q.x == 1 && q.y == 3 && r.x == 400 && r.y == 4);
	OK(halves(server, half, &other));
	CHECK(other == 3.0);
	OK(swapped_by_message(server, p, &q, "abc", half, &other));
	CHECK(q.x == 1 && q.y == 5 && other == 5.5);
}

/* What one more request with a retcode told, if there was one. */
static bool told(int32_t code, int32_t value, mach_msg_type_number_t count, const char *text)
{
	static unsigned calls_before;
	const unsigned before = calls_before;

	lb_ask();
	calls_before = more_told.done.calls;
	return calls_before == before + 1 && more_told.done.code == code && more_told.done.value == value &&
	       more_told.done.count == count && strcmp(more_told.done.text, text) == 0;
}

static void test_results_that_travel(void)
{
	int32_t keys[2] = {1, 20};
	const unsigned references = lb_references();
	mach_port_t right = lb_send_right(kept);

	(void)told(0, 0, 0, "");
	OK(done(server, KERN_SUCCESS, 5, "text", keys, 2));
	CHECK(told(KERN_SUCCESS, 25, 2, "text"));
	OK(done(server, KERN_NO_SPACE, 5, "text", keys, 2));
	CHECK(told(KERN_NO_SPACE, 0, 0, ""));
	CHECK_LOOPBACK(lb_last_request_size == sizeof(mig_reply_error_t));
	/* What a failed one would have carried stays with the caller. */
	OK(done_rights(server, right, KERN_FAILURE, (data_t) "abc", 3));
	CHECK(told(KERN_FAILURE, 0, 0, "") && lb_references() == references + 1);
	OK(done_rights(server, right, KERN_SUCCESS, (data_t) "abc", 3));
	CHECK(told(KERN_SUCCESS, (int32_t)lb_object(kept), 3, "") && lb_references() == references);
	OK(done_nothing(server, KERN_SUCCESS));
	CHECK(told(KERN_SUCCESS, 0, 0, ""));
	OK(done_nothing(server, KERN_ABORTED));
	CHECK(told(KERN_ABORTED, 0, 0, ""));
	/* What one call is given, and changes, is not what the next is given. */
	for (unsigned i = 0; i < 2; i++) {
		point_t point = {5, 5};

		OK(done_written(server, KERN_FAILURE, &point));
		CHECK(told(KERN_FAILURE, 0, 0, "") && point.x == 5);
	}
	OK(done_written(server, KERN_SUCCESS, &(point_t){6, 7}));
	CHECK(told(KERN_SUCCESS, 6, 0, ""));
}

/* A routine and its reply as a request of its own. */
static void test_answers(void)
{
	int32_t number = 33, sum = 0;
	char text[40] = "";

	(void)told(0, 0, 0, "");
	OK(answered(server, &number, 1, &sum, text));
	CHECK(sum == 33 && strcmp(text, "33") == 0);
	CHECK(CALL(answered(server, NULL, 0, &sum, text)) == KERN_NO_SPACE && sum == 33);
	OK(answer(server, KERN_SUCCESS, 44, "some"));
	CHECK(told(KERN_SUCCESS, 44, 0, "some"));
	OK(answer(server, KERN_NO_SPACE, 44, "some"));
	CHECK(told(KERN_NO_SPACE, 0, 0, ""));
}

static void test_rare_words(void)
{
	int32_t numbers[] = {3, 4}, a = 0;
	everywhere_t b = 0;
	mach_msg_type_number_t numbers_count = 77, bytes_count = 77;
	numbers_t numbers_back;
	data_t bytes_back;
	uint64_t same = 0;

	OK(rare(server, 5, &a, 6, &b));
	CHECK(a == 1005 && b == 7);
	CHECK_LOOPBACK(lb_last_by_words == !lb_force_messages);
	OK(long_forms(object_server, (data_t) "abc", 3, numbers, 2, &same, &numbers_back, &numbers_count, &bytes_back,
		&bytes_count));
	CHECK(same == OBJECT_PAYLOAD + 99);
	CHECK(numbers_count == 2 && numbers_back[0] == 3 && numbers_back[1] == 4);
	CHECK(bytes_count == 3 && memcmp(bytes_back, "abc", 3) == 0);
	mig_deallocate((vm_address_t)numbers_back, sizeof numbers);
	mig_deallocate((vm_address_t)bytes_back, 3);
}

const struct calls calls[] = {{"tokens", test_tokens}, {"trailer fields", test_trailer_fields}, {"ends", test_ends},
	{"same counts", test_same_counts}, {"same counts of rights", test_same_counts_of_rights},
	{"procedures", test_procedures}, {"functions", test_functions}, {"optional bytes", test_optional_bytes},
	{"special reply ports", test_special_reply_ports}, {"auto", test_auto}, {"overwrite", test_overwrite},
	{"allocated messages", test_allocated_messages}, {"what originals take", test_what_originals_take},
	{"translations", test_translations}, {"results that travel", test_results_that_travel},
	{"answers", test_answers}, {"rare words", test_rare_words}, {NULL, NULL}};
