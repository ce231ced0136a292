/* Calls every routine of golden.defs over the loop-back: values, counts, errors, ownership, clean bytes. */
#include "golden.h"

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

static vm_address_t memory(const void *bytes, size_t size)
{
	vm_address_t address = 0;

	mig_allocate(&address, size);
	memcpy((void *)address, bytes, size);
	return address;
}

static void drop(mach_port_t name)
{
	CHECK(lb_object(name) != 0);
	mach_port_deallocate(0, name);
}

static void test_null(void)
{
	OK(null(server));
	CHECK(lb_last_id == 3000);
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
	CHECK(lb_last_by_words == !lb_force_messages);
	OK(scalars(server, -8, -1600, -5000000000ll, TRUE, 'q', &ra, &rb, &rc, &rd, &re));
	CHECK(ra == -8 && rb == -1600 && rc == -5000000000ll && rd == TRUE && re == 'q');
	OK(eight_in(server, 1, 2, 3, 4, 5, 6, 7, 8, &total));
	CHECK(total == 204);
	OK(nine_in(server, 1, 2, 3, 4, 5, 6, 7, 8, 9, &total));
	CHECK(total == 285 && !lb_last_by_words);
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
	CHECK(lb_last_id == 3006);
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
	CHECK(strcmp(b, "1:") == 0 && length == 0 && lb_last_request_size == 48);
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
	CHECK(lb_last_request_size == 24 + 8 + 4 + 7 + 5 && lb_last_reply_size == 24 + 8 + 4 + 4 + 7 + 1);
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
	OK(moved(server, (data_t)memory("abc", 3), 3, &sum));
	CHECK(sum == 'a' + 'b' + 'c');
	OK(moved_if(server, text, 3, FALSE, &b, &count));
	CHECK(count == 6 && memcmp(b, "static", 6) == 0);
	mig_deallocate((vm_address_t)b, count);
	OK(moved_if(server, (data_t)memory("abc", 3), 3, TRUE, &b, &count));
	mig_deallocate((vm_address_t)b, count);
	CHECK(lb_last_copy == MACH_MSG_VIRTUAL_COPY);
	OK(copied(server, text, 3, &sum));
	CHECK(lb_last_copy == MACH_MSG_PHYSICAL_COPY);
	OK(fixed_memory(server, wide, &one));
	CHECK(*one == 10);
	mig_deallocate((vm_address_t)one, 8);
	OK(unbounded(server, text, 3, &b, &count));
	CHECK(count == 3 && memcmp(b, "cde", 3) == 0);
	mig_deallocate((vm_address_t)b, count);
}

static void test_rights(void)
{
	mach_port_t mine = lb_port(NULL, 0), other = lb_port(NULL, 0), moving = lb_port(NULL, 0);
	mach_port_t right = lb_send_right(mine), a, b, c, d;
	int32_t object, o = (int32_t)lb_object(mine), p = (int32_t)lb_object(moving);

	OK(in_port(server, right, &object));
	CHECK(object == o);
	OK(in_port(server, MACH_PORT_NULL, &object));
	CHECK(object == 0);
	OK(in_rights(server, lb_send_right(mine), mine, mine, lb_send_once_right(mine), moving, &object));
	CHECK(object == o + 10 * o + 100 * o + 1000 * o + 10000 * p);
	OK(out_rights(server, &a, &b, &c, &d));
	CHECK(lb_right(a) == MACH_PORT_RIGHT_SEND && lb_right(b) == MACH_PORT_RIGHT_SEND);
	CHECK(lb_right(c) == MACH_PORT_RIGHT_SEND_ONCE && lb_right(d) == MACH_PORT_RIGHT_RECEIVE);
	drop(a);
	drop(b);
	drop(c);
	drop(d);
	a = right;
	OK(in_out_port(server, &a));
	CHECK(lb_object(right) == 0 && lb_object(a) == lb_object(golden_kept));
	drop(a);
	drop(mine);
	drop(other);
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
	/* A receive right is not what any_send takes: refused, and destroyed there. */
	CHECK(CALL(any_send(server, mine, MACH_MSG_TYPE_MOVE_RECEIVE, &object)) == MIG_BAD_ARGUMENTS);
	CHECK(lb_object(mine) == 0);
	drop(right);
}

static void test_port_arrays(void)
{
	mach_port_t mine = lb_port(NULL, 0), pair[2], got[5], list[5];
	mach_msg_type_number_t count, i;
	vm_address_t names;
	ports_t back;

	pair[0] = lb_send_right(mine);
	pair[1] = lb_send_right(golden_kept);
	OK(port_pair(server, pair, got));
	CHECK(lb_object(got[0]) == lb_object(golden_kept) && lb_object(got[1]) == lb_object(mine));
	drop(got[0]);
	drop(got[1]);
	golden_drop_pair();
	for (i = 0; i < 3; i++)
		list[i] = lb_send_right(i == 0 ? golden_kept : mine);
	count = 5;
	OK(port_list(server, list, 3, got, &count));
	CHECK(count == 3 && lb_object(got[2]) == lb_object(golden_kept) && lb_object(list[0]) == 0);
	for (i = 0; i < count; i++)
		drop(got[i]);
	list[0] = lb_send_right(mine);
	count = 0;
	CHECK(CALL(port_list(server, list, 1, got, &count)) == MIG_ARRAY_TOO_LARGE);
	count = 5;
	CHECK(CALL(port_list(server, list, 6, got, &count)) == MIG_ARRAY_TOO_LARGE);
	for (i = 0; i < 2; i++)
		list[i] = lb_send_right(mine);
	names = memory(list, 2 * sizeof *list);
	OK(port_memory(server, (ports_t)names, 2, &back, &count));
	CHECK(count == 2 && lb_object(back[0]) == lb_object(mine));
	drop(back[0]);
	drop(back[1]);
	mig_deallocate((vm_address_t)back, 2 * sizeof *back);
	mig_deallocate(names, 2 * sizeof *list);
	drop(pair[0]);
	drop(pair[1]);
	drop(mine);
}

static void test_many_descriptors(void)
{
	mach_port_t right = lb_send_right(golden_kept), e;
	int32_t numbers_in[] = {1, 2, 30};
	char text[64];
	data_t d;
	mach_msg_type_number_t count;
	int32_t y;

	OK(many(server, (data_t) "bytes", 5, right, "name", numbers_in, 3, 12, &d, &count, &y, &e, text));
	CHECK(count == 5 && memcmp(d, "bytes", 5) == 0 && y == 42 && strcmp(text, "name!") == 0);
	mig_deallocate((vm_address_t)d, count);
	drop(e);
}

static void test_translations(void)
{
	mach_port_t third, right = lb_send_right(golden_kept);
	mach_port_t object_port = lb_port(&golden_subsystem, OBJECT_PAYLOAD + 99),
		    object_right = lb_send_right(object_port);
	int32_t sum, b;
	unsigned before = lb_rights();

	OK(handle(server, right, &third, &sum));
	CHECK(sum == 2000 + (int32_t)lb_object(server) + (int32_t)lb_object(right));
	CHECK(golden_handles == 0);
	drop(third);
	/* The right that was translated is the work function's. */
	CHECK(lb_rights() == before + 1);
	drop(golden_last);
	OK(object(server, &sum));
	CHECK(sum == 1000 + (int32_t)lb_object(server));
	OK(object(object_right, &sum));
	CHECK(sum == 2099);
	OK(object_message(object_right, "four", &sum));
	CHECK(sum == 2099 + 4);
	OK(object_message(server, "four", &sum));
	CHECK(sum == 1000 + (int32_t)lb_object(server) + 4);
	CHECK(golden_handles == 0);
	OK(counted(server, 7, "four", &b));
	CHECK(b == 3011 && golden_handles == 0);
	OK(temperature(server, 293, &b));
	CHECK(b == 294);
	OK(temperature_message(server, 293, "room", &b));
	CHECK(b == 294);
	drop(right);
	drop(object_right);
	drop(object_port);
}

static void test_errors(void)
{
	mach_port_t c = 0;
	int32_t value = 1;
	unsigned before = lb_rights();

	CHECK(CALL(fail(server, KERN_NO_SPACE, &value)) == KERN_NO_SPACE && value == 1);
	CHECK(CALL(fail(server, -5, &value)) == -5);
	CHECK(CALL(fail_with_rights(server, KERN_FAILURE, lb_send_right(golden_kept), (data_t) "abc", 3, &c)) ==
		KERN_FAILURE);
	CHECK(lb_rights() == before && lb_regions() == 0);
	CHECK(CALL(no_reply(server, (data_t) "abc", 3, 5)) == MACH_RCV_TIMED_OUT);
	lb_fail_send = MACH_SEND_TIMED_OUT;
	CHECK(CALL(nine_in(server, 1, 2, 3, 4, 5, 6, 7, 8, 9, (int64_t *)&(int64_t){0})) == MACH_SEND_TIMED_OUT);
	CHECK(CALL(null(golden_kept)) == MACH_SEND_INVALID_DEST);
}

static void test_one_way(void)
{
	golden_notes = 0;
	OK(note(server, 5));
	CHECK(golden_notes == 5);
	OK(note_rights(server, lb_send_right(golden_kept), (data_t) "\1\2\3", 3));
	CHECK(golden_notes == 11);
	/* The function fails: the stub destroys what it was given, nobody is told. */
	OK(note_rights(server, lb_send_right(golden_kept), (data_t) "thirteenbytes", 13));
	CHECK(golden_notes == 11);
}

static void test_reply_ports(void)
{
	mach_port_t mine = lb_port(NULL, 0);
	int32_t b = 0;

	OK(late(server, 5, &b));
	CHECK(b == 6);
	CHECK(CALL(late(server, 1, &b)) == MACH_RCV_TIMED_OUT);
	CHECK(lb_right(golden_late) == MACH_PORT_RIGHT_SEND_ONCE);
	drop(golden_late);
	OK(own_reply(server, mine, 10, &b));
	CHECK(b == 10 + (int32_t)lb_object(mine));
	CHECK(CALL(user_reply(server, mine, KERN_ABORTED)) == KERN_ABORTED);
	OK(poly_request(server, MACH_MSG_TYPE_COPY_SEND, 1, &b));
	CHECK(b == 1 + MACH_MSG_TYPE_PORT_SEND);
	drop(mine);
}

static void test_times_and_options(void)
{
	int32_t result = 0;

	OK(timed(server, 0));
	CHECK((lb_last_option & MACH_RCV_TIMEOUT) != 0 && lb_last_timeout == 250);
	OK(optioned(server, 0));
	CHECK(lb_last_option == (MACH_SEND_MSG | MACH_RCV_MSG | MACH_SEND_INTERRUPT | MACH_RCV_INTERRUPT));
	OK(options(server, MACH_RCV_INTERRUPT, 33, 0));
	CHECK(lb_last_option == (MACH_SEND_MSG | MACH_RCV_MSG | MACH_RCV_INTERRUPT | MACH_SEND_TIMEOUT) &&
		lb_last_timeout == 33);
	OK(sequence(server, &result));
	CHECK(result == 77);
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

	CHECK(send_descriptors(in_port_id, d, 0, 0) == MIG_BAD_ARGUMENTS);
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

static void run(const char *name, void (*test)(void))
{
	unsigned rights = lb_rights(), regions = lb_regions();

	bad = false;
	lb_dirty_bytes = 0;
	test();
	CHECK(lb_rights() == rights);
	CHECK(lb_regions() == regions);
	CHECK(lb_dirty_bytes == 0);
	printf("%s mig golden: %s, %s\n", bad ? "FAIL" : "PASS", name,
		lb_force_messages ? "by message" : "by registers");
	failures += bad;
}

int main(void)
{
	receive = lb_port(&golden_subsystem, 0);
	server = lb_send_right(receive);
	golden_kept = lb_port(NULL, 0);
	golden_kept_send = lb_send_right(golden_kept);
	setvbuf(stdout, NULL, _IOLBF, 0);
	for (int mode = 0; mode < 2; mode++) {
		lb_force_messages = mode == 1;
		lb_see_request = damage_record;
		run("null", test_null);
		run("scalars", test_scalars);
		run("reals", test_reals);
		run("structs", test_structs);
		run("fixed_arrays", test_fixed_arrays);
		run("strings", test_strings);
		run("variable_arrays", test_variable_arrays);
		run("several_variable_parts", test_several_variable_parts);
		run("count_in_out", test_count_in_out);
		run("memory", test_memory);
		run("rights", test_rights);
		run("polymorphic", test_polymorphic);
		run("port_arrays", test_port_arrays);
		run("many_descriptors", test_many_descriptors);
		run("translations", test_translations);
		run("errors", test_errors);
		run("one_way", test_one_way);
		run("reply_ports", test_reply_ports);
		run("times_and_options", test_times_and_options);
		run("natives_and_prefixes", test_natives_and_prefixes);
		run("spoilt_requests", test_spoilt_requests);
		run("spoilt_descriptors", test_spoilt_descriptors);
		run("spoilt_replies", test_spoilt_replies);
		run("unknown_ids", test_unknown_ids);
	}
	lb_see_request = NULL;
	failures += damage_all(server);
	failures += damage_replies(server);
	return failures == 0 ? 0 : 1;
}
