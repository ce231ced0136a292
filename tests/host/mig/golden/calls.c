/* Calls every routine of golden.defs: values, counts, errors, ownership. */
#include "golden.h"

#include <stdio.h>
#include <string.h>

static void test_null(void)
{
	OK(null(server));
	CHECK_LOOPBACK(lb_last_id == 3000);
}

static void test_scalars(void)
{
	int8_t ra;
	int16_t rb;
	int64_t rc;
	boolean_t rd;
	char re;
	int32_t sum;
	int64_t total;

	OK(add(server, 2, -5, &sum));
	CHECK(sum == -3);
	CHECK_LOOPBACK(lb_last_by_words == !lb_force_messages);
	OK(scalars(server, -8, -1600, -5000000000ll, TRUE, 'q', &ra, &rb, &rc, &rd, &re));
	CHECK(ra == -8 && rb == -1600 && rc == -5000000000ll && rd == TRUE && re == 'q');
	OK(eight_in(server, 1, 2, 3, 4, 5, 6, 7, 8, &total));
	CHECK(total == 204);
	OK(nine_in(server, 1, 2, 3, 4, 5, 6, 7, 8, 9, &total));
	CHECK(total == 285);
	CHECK_LOOPBACK(!lb_last_by_words);
	OK(double_it(server, &(int32_t){-21}));
	sum = -21;
	OK(double_it(server, &sum));
	CHECK(sum == -42);
}

static void test_reals(void)
{
	double sum;
	float difference;

	OK(reals(server, 1.5, 0.25f, &sum, &difference));
	CHECK(sum == 1.75 && difference == 1.25f);
	CHECK_LOOPBACK(lb_last_id == 3006);
}

static void test_structs(void)
{
	point_t a = {1, 2}, b, c = {10, 20};
	block_t ba, bb, bc;
	record_t ra, rb;
	unsigned i;

	OK(points(server, a, &b, &c));
	CHECK(b.x == 2 && b.y == 1 && c.x == 11 && c.y == 22);
	for (i = 0; i < 16; i++)
		ba.a[i] = bc.a[i] = i;
	OK(blocks(server, ba, &bb, &bc));
	CHECK(bb.a[0] == 15 && bb.a[15] == 0 && bc.a[3] == 4);
	memset(&ra, 0, sizeof ra);
	ra = (record_t){.tag = 't', .number = 5, .wide = 77, .where = {3, 4}};
	OK(records(server, ra, &rb));
	CHECK(rb.tag == 't' && rb.number == 6 && rb.wide == -77 && rb.where.x == 3 && rb.where.y == 4);
}

static void test_fixed_arrays(void)
{
	int32_t a[3] = {1, 2, 3}, b[3], c[3] = {7, 8, 9};
	matrix_t ma = {{1, 2, 3}, {4, 5, 6}}, mb;

	OK(vectors(server, a, b, c));
	CHECK(b[0] == 10 && b[2] == 30 && c[0] == 8 && c[2] == 12);
	OK(matrices(server, ma, mb));
	CHECK(mb[0][0] == -1 && mb[1][2] == -6);
}

static void test_strings(void)
{
	char b[100];
	char big[200];
	int32_t length;

	OK(fixed_strings(server, "hello", b));
	CHECK(strcmp(b, "<hello>") == 0);
	OK(fixed_strings(server, "", b));
	CHECK(strcmp(b, "<>") == 0);
	CHECK(CALL(fixed_strings(server, "sixteen letters!", b)) == MIG_ARRAY_TOO_LARGE);
	OK(long_strings(server, "a longer string", b));
	CHECK(strcmp(b, "<a longer string>") == 0);
	OK(strings(server, "variable", b, 42, &length));
	CHECK(strcmp(b, "42:variable") == 0 && length == 8);
	OK(strings(server, "", b, 1, &length));
	CHECK(strcmp(b, "1:") == 0 && length == 0);
	CHECK_LOOPBACK(lb_last_request_size == 48);
	memset(big, 'x', sizeof big);
	big[63] = '\0';
	OK(strings(server, big, b, 1, &length));
	CHECK(length == 63 && strlen(b) == 63);
	big[63] = 'x';
	big[64] = '\0';
	CHECK(CALL(strings(server, big, b, 1, &length)) == MIG_ARRAY_TOO_LARGE);
}

static void test_variable_arrays(void)
{
	char a[60] = "abcdefg", b[50];
	mach_msg_type_number_t count = sizeof b;

	OK(bytes(server, a, 7, b, &count));
	CHECK(count == 7 && memcmp(b, "gfedcba", 7) == 0);
	CHECK_LOOPBACK(lb_last_request_size == 24 + 8 + 4 + 7 + 5 && lb_last_reply_size == 24 + 8 + 4 + 4 + 7 + 1);
	count = sizeof b;
	OK(bytes(server, NULL, 0, b, &count));
	CHECK(count == 0);
	memset(a, 'z', sizeof a);
	count = sizeof b;
	OK(bytes(server, a, 50, b, &count));
	CHECK(count == 50);
	CHECK(CALL(bytes(server, a, 51, b, &count)) == MIG_ARRAY_TOO_LARGE);
	/* The function says that it wrote more than there was room for: no more than the room comes. */
	count = sizeof b;
	OK(bytes(server, "G", 1, b, &count));
	CHECK(count == 50);
	count = 6;
	CHECK(CALL(bytes(server, a, 7, b, &count)) == MIG_ARRAY_TOO_LARGE && count == 7);
}

static void test_several_variable_parts(void)
{
	unsigned n;

	for (n = 0; n <= 10; n++) {
		char a[50], ra[50];
		int16_t b[30], rb[30];
		point_t c[10], rc[10];
		char name[64], rname[64];
		int32_t rx;
		int64_t ry;
		int8_t rz;
		mach_msg_type_number_t acount = 50, bcount = 30, ccount = 10;
		unsigned i;

		for (i = 0; i < n; i++) {
			a[i] = (char)('a' + i);
			b[i] = (int16_t)(100 * i);
			c[i] = (point_t){(int32_t)i, -(int32_t)i};
		}
		snprintf(name, sizeof name, "%.*s", (int)n, "0123456789");
		OK(mixed(server, 7, a, n, 1ll << 40, b, n, -3, c, n, name, &rx, ra, &acount, &ry, rb, &bcount, &rz, rc,
			&ccount, rname));
		CHECK(rx == 7 && ry == 1ll << 40 && rz == -3 && acount == n && bcount == n && ccount == n);
		CHECK(memcmp(a, ra, n) == 0 && memcmp(b, rb, n * sizeof *b) == 0 && memcmp(c, rc, n * sizeof *c) == 0);
		CHECK(strcmp(name, rname) == 0);
	}
}

static void test_count_in_out(void)
{
	static int64_t a[4096], b[4096];
	mach_msg_type_number_t count = 3, i;

	OK(count_in_out(server, b, &count));
	CHECK(count == 3 && b[2] == 2);
	count = 1000000;
	OK(count_in_out(server, b, &count));
	CHECK(count == 4096 && b[4095] == (4095 & 0x77));
	for (i = 0; i < 4096; i++)
		a[i] = (int64_t)(i & 0x77);
	count = 4096;
	OK(big(server, a, 4096, b, &count));
	CHECK(count == 4096 && memcmp(a, b, sizeof a) == 0);
}

static void test_memory(void)
{
	char text[] = "bcd";
	data_t b;
	int32_t numbers_in[] = {5, 6, 7};
	numbers_t c;
	int64_t wide[4] = {1, 2, 3, 4};
	wide_t one;
	mach_msg_type_number_t count;
	int32_t sum;

	OK(data(server, text, 3, &b, &count));
	CHECK(count == 3 && memcmp(b, "cde", 3) == 0);
	mig_deallocate((vm_address_t)b, count);
	OK(data(server, text, 0, &b, &count));
	CHECK(count == 0);
	OK(numbers(server, numbers_in, 3, &c, &count));
	CHECK(count == 3 && c[2] == 7);
	mig_deallocate((vm_address_t)c, count * sizeof *c);
	CHECK(CALL(numbers(server, numbers_in, 0x40000000, &c, &count)) == MIG_ARRAY_TOO_LARGE);
	OK(moved(server, memory_of("abc", 3), 3, &sum));
	CHECK(sum == 'a' + 'b' + 'c');
	OK(moved_if(server, text, 3, FALSE, &b, &count));
	CHECK(count == 6 && memcmp(b, "static", 6) == 0);
	mig_deallocate((vm_address_t)b, count);
	OK(moved_if(server, memory_of("abc", 3), 3, TRUE, &b, &count));
	mig_deallocate((vm_address_t)b, count);
	CHECK_LOOPBACK(lb_last_copy == MACH_MSG_VIRTUAL_COPY);
	OK(copied(server, text, 3, &sum));
	CHECK_LOOPBACK(lb_last_copy == MACH_MSG_PHYSICAL_COPY);
	OK(fixed_memory(server, wide, &one));
	CHECK(*one == 10);
	mig_deallocate((vm_address_t)one, 8);
	OK(unbounded(server, text, 3, &b, &count));
	CHECK(count == 3 && memcmp(b, "cde", 3) == 0);
	mig_deallocate((vm_address_t)b, count);
}

static void test_rights(void)
{
	mach_port_t mine = lb_port(NULL, 0), moving = lb_port(NULL, 0), once = lb_send_once_right(mine);
	mach_port_t right = lb_send_right(mine), a, b, c, d;
	int32_t object, o = (int32_t)lb_object(mine), p = (int32_t)lb_object(moving);
	unsigned references;

	OK(in_port(server, right, &object));
	CHECK(object == o);
	OK(in_port(server, MACH_PORT_NULL, &object));
	CHECK(object == 0);
	OK(in_rights(server, lb_send_right(mine), mine, mine, once, moving, &object));
	CHECK(object == o + 10 * o + 100 * o + 1000 * o + 10000 * p);
	CHECK(lb_object(once) == 0 && lb_object(moving) == 0);
	OK(out_rights(server, &a, &b, &c, &d));
	CHECK(lb_right(a) == MACH_PORT_RIGHT_SEND && lb_right(b) == MACH_PORT_RIGHT_SEND);
	CHECK(lb_right(c) == MACH_PORT_RIGHT_SEND_ONCE && lb_right(d) == MACH_PORT_RIGHT_RECEIVE);
	drop(a);
	drop(b);
	drop(c);
	drop(d);
	/* Moved away, and another comes: not to the port of the first. */
	a = right;
	references = lb_references();
	OK(in_out_port(server, &a));
	CHECK(lb_references() == references && !lb_same(a, mine) && lb_object(a) == lb_object(kept));
	CHECK(lb_right(a) == MACH_PORT_RIGHT_SEND);
	drop(a);
	drop(mine);
}

static void test_polymorphic(void)
{
	mach_port_t mine = lb_port(NULL, 0), right = lb_send_right(mine), a;
	mach_msg_type_name_t poly;
	uint32_t disposition;
	int32_t object;

	OK(in_poly(server, right, MACH_MSG_TYPE_COPY_SEND, &disposition));
	CHECK(disposition == MACH_MSG_TYPE_PORT_SEND);
	OK(in_poly(server, mine, MACH_MSG_TYPE_MAKE_SEND_ONCE, &disposition));
	CHECK(disposition == MACH_MSG_TYPE_PORT_SEND_ONCE);
	OK(any_send(server, mine, MACH_MSG_TYPE_MAKE_SEND, &object));
	CHECK(object == (int32_t)lb_object(mine));
	OK(out_poly(server, &a, &poly));
	CHECK(poly == MACH_MSG_TYPE_PORT_SEND_ONCE && lb_right(a) == MACH_PORT_RIGHT_SEND_ONCE);
	drop(a);
	drop(right);
	/* A receive right is not what any_send takes: refused, and destroyed there. */
	CHECK(CALL(any_send(server, mine, MACH_MSG_TYPE_MOVE_RECEIVE, &object)) == MIG_BAD_ARGUMENTS);
	CHECK(lb_object(mine) == 0);
}

static void test_crowd(void)
{
	mach_port_t many[270], got[300];
	mach_msg_type_number_t count = 300, i;

	for (i = 0; i < 270; i++)
		many[i] = lb_send_right(kept);
	OK(u_crowd(server, many, 270, got, &count));
	CHECK(count == 270);
	for (i = 0; i < count; i++) {
		CHECK(lb_same(got[i], kept));
		drop(got[i]);
	}
	count = 300;
	OK(u_crowd(server, many, 0, got, &count));
	CHECK(count == 0);
}

static void test_port_arrays(void)
{
	mach_port_t mine = lb_port(NULL, 0), pair[2], got[5], list[5];
	mach_msg_type_number_t count, i;
	mach_port_t *names;
	ports_t back;

	pair[0] = lb_send_right(mine);
	pair[1] = lb_send_right(kept);
	OK(port_pair(server, pair, got));
	CHECK(lb_same(got[0], kept) && lb_same(got[1], mine));
	drop(got[0]);
	drop(got[1]);
	lb_in_server(LET_GO_PAIR);
	for (i = 0; i < 3; i++)
		list[i] = lb_send_right(i == 0 ? kept : mine);
	count = 5;
	OK(port_list(server, list, 3, got, &count));
	CHECK(count == 3 && lb_same(got[0], mine) && lb_same(got[2], kept));
	CHECK_LOOPBACK(lb_object(list[0]) == 0);
	for (i = 0; i < count; i++)
		drop(got[i]);
	/* A null right among others. */
	list[0] = lb_send_right(mine);
	list[1] = MACH_PORT_NULL;
	count = 5;
	OK(port_list(server, list, 2, got, &count));
	CHECK(count == 2 && got[0] == MACH_PORT_NULL && lb_same(got[1], mine));
	drop(got[1]);
	list[0] = lb_send_right(mine);
	count = 0;
	CHECK(CALL(port_list(server, list, 1, got, &count)) == MIG_ARRAY_TOO_LARGE && count == 1);
	count = 5;
	CHECK(CALL(port_list(server, list, 6, got, &count)) == MIG_ARRAY_TOO_LARGE);
	for (i = 0; i < 2; i++)
		list[i] = lb_send_right(i == 0 ? mine : kept);
	names = memory_of(list, 2 * sizeof *list);
	OK(port_memory(server, names, 2, &back, &count));
	CHECK(count == 2 && lb_same(back[0], mine) && lb_same(back[1], kept));
	drop(back[0]);
	drop(back[1]);
	give_back(back, 2 * sizeof *back);
	give_back(names, 2 * sizeof *list);
	drop(pair[0]);
	drop(pair[1]);
	drop(mine);
}

static void test_many_descriptors(void)
{
	mach_port_t right = lb_send_right(kept), e;
	int32_t numbers_in[] = {1, 2, 30};
	char text[64];
	data_t d;
	mach_msg_type_number_t count;
	int32_t y;

	OK(many(server, (data_t) "bytes", 5, right, "name", numbers_in, 3, 12, &d, &count, &y, &e, text));
	CHECK(count == 5 && memcmp(d, "bytes", 5) == 0 && y == 42 && strcmp(text, "name!") == 0 && lb_same(e, kept));
	mig_deallocate((vm_address_t)d, count);
	drop(e);
}

static void test_translations(void)
{
	mach_port_t third, right = lb_send_right(kept);
	int32_t sum, b;

	OK(handle(server, right, &third, &sum));
	CHECK(sum == 2000 + (int32_t)lb_object(server) + (int32_t)lb_object(right));
	CHECK(lb_right(third) == MACH_PORT_RIGHT_SEND && lb_object(third) == lb_object(kept));
	drop(third);
	lb_in_server(LET_GO_LAST);
	OK(object(server, &sum));
	CHECK(sum == 1000 + (int32_t)lb_object(server));
	OK(object(object_server, &sum));
	CHECK(sum == 2099);
	OK(object_message(object_server, "four", &sum));
	CHECK(sum == 2099 + 4);
	OK(object_message(server, "four", &sum));
	CHECK(sum == 1000 + (int32_t)lb_object(server) + 4);
	OK(counted(server, 7, "four", &b));
	CHECK(b == 3011);
	OK(counted_words(server, 7, &b));
	CHECK(b == 3007);
	CHECK(CALL(counted(server, -1, "four", &b)) == KERN_INVALID_VALUE && b == 3007);
	CHECK(CALL(counted_words(server, -1, &b)) == KERN_INVALID_VALUE && b == 3007);
	OK(temperature(server, 293, &b));
	CHECK(b == 294);
	CHECK(CALL(temperature(server, 294, &b)) == KERN_INVALID_VALUE);
	OK(temperature_message(server, 293, "room", &b));
	CHECK(b == 294);
	lb_ask();
	CHECK(golden_told.handles == 0);
	drop(right);
}

static void test_errors(void)
{
	mach_port_t c = MACH_PORT_NULL;
	int32_t value = 1, sum;
	int64_t total = 5;
	const unsigned references = lb_references();
	const uint64_t memory = lb_memory();

	CHECK(CALL(fail(server, KERN_NO_SPACE, &value)) == KERN_NO_SPACE && value == 1);
	CHECK(CALL(fail(server, -5, &value)) == -5);
	CHECK(CALL(fail_with_rights(server, KERN_FAILURE, lb_send_right(kept), (data_t) "abc", 3, &c)) == KERN_FAILURE);
	CHECK(c == MACH_PORT_NULL && lb_references() == references && lb_memory() == memory);
	/* The function drops the right to reply. */
	CHECK(CALL(no_reply(server, (data_t) "abc", 3, 20000)) == LB_DROPPED);
	/* A server that has no such routines, whichever way the request goes. */
	CHECK(CALL(add(stranger, 1, 2, &sum)) == MIG_BAD_ID);
	CHECK(CALL(nine_in(stranger, 1, 2, 3, 4, 5, 6, 7, 8, 9, &total)) == MIG_BAD_ID && total == 5);
	CHECK(CALL(fail_with_rights(stranger, 0, lb_send_right(kept), (data_t) "abc", 3, &c)) == MIG_BAD_ID);
	CHECK(CALL(add(MACH_PORT_NULL, 1, 2, &sum)) == MACH_SEND_INVALID_DEST);
	CHECK(CALL(nine_in(MACH_PORT_NULL, 1, 2, 3, 4, 5, 6, 7, 8, 9, &total)) == MACH_SEND_INVALID_DEST);
	CHECK(lb_references() == references && lb_memory() == memory);
}

static void test_one_way(void)
{
	unsigned before;

	lb_ask();
	before = golden_told.notes;
	OK(note(server, 5));
	lb_ask();
	CHECK(golden_told.notes == before + 5);
	OK(note_rights(server, lb_send_right(kept), (data_t) "\1\2\3", 3));
	lb_ask();
	CHECK(golden_told.notes == before + 11);
	/* The function fails: the stub destroys what it was given, nobody is told. */
	OK(note_rights(server, lb_send_right(kept), (data_t) "thirteenbytes", 13));
	lb_ask();
	CHECK(golden_told.notes == before + 11);
}

static void test_reply_ports(void)
{
	mach_port_t mine = lb_port(NULL, 0);
	int32_t b = 0;

	OK(late(server, 5, &b));
	CHECK(b == 6);
	OK(own_reply(server, mine, 10, &b));
	CHECK(b == 10 + (int32_t)lb_object(mine));
	CHECK_LOOPBACK(lb_last_reply_port == mine);
	CHECK(CALL(user_reply(server, mine, KERN_ABORTED)) == KERN_ABORTED);
	OK(poly_request(server, MACH_MSG_TYPE_COPY_SEND, 1, &b));
	CHECK(b == 1 + MACH_MSG_TYPE_PORT_SEND);
	drop(mine);
}

static void test_times_and_options(void)
{
	OK(timed(server, 0));
	CHECK_LOOPBACK((lb_last_option & MACH_RCV_TIMEOUT) != 0 && lb_last_timeout == 9000);
	OK(optioned(server, 0));
	CHECK_LOOPBACK(lb_last_option == (MACH_SEND_MSG | MACH_RCV_MSG | MACH_SEND_INTERRUPT | MACH_RCV_INTERRUPT));
	OK(options(server, MACH_RCV_INTERRUPT, 33, 0));
	CHECK_LOOPBACK(lb_last_option == (MACH_SEND_MSG | MACH_RCV_MSG | MACH_RCV_INTERRUPT | MACH_SEND_TIMEOUT) &&
		       lb_last_timeout == 33);
}

static void test_natives_and_prefixes(void)
{
	point_t a = {3, 4}, c;
	int32_t b;

	OK(natives(server, &a, 10, &c));
	CHECK(c.x == 13 && c.y == -6);
	OK(u_prefixed(server, 1, &b));
	CHECK(b == 8);
}

const struct calls calls[] = {{"null", test_null}, {"scalars", test_scalars}, {"reals", test_reals},
	{"structs", test_structs}, {"fixed arrays", test_fixed_arrays}, {"strings", test_strings},
	{"variable arrays", test_variable_arrays}, {"several variable parts", test_several_variable_parts},
	{"count in and out", test_count_in_out}, {"memory", test_memory}, {"rights", test_rights},
	{"polymorphic rights", test_polymorphic}, {"port arrays", test_port_arrays},
	{"more rights than descriptors", test_crowd}, {"many descriptors", test_many_descriptors},
	{"translations", test_translations}, {"errors", test_errors}, {"one way", test_one_way},
	{"reply ports", test_reply_ports}, {"times and options", test_times_and_options},
	{"natives and prefixes", test_natives_and_prefixes}, {NULL, NULL}};
