/*
 * Every construct of the language between two tasks: the golden interface (tests/host/mig/golden), its work functions
 * in one task, called from another, with the machine's rights and memory. In four ways: the client calls register
 * routines by registers or by message, and the server takes them by registers or by message. "serve" makes it the
 * server. After a first round nothing may be left with either: no name, no reference, no memory.
 */
#include "golden.h"

#include "golden_serve.h"
#include "state_user.h"

#include <servers/bootstrap_user.h>

#include <stdio.h>
#include <string.h>

int force_messages;
static mach_port_t state, server, object_server, right;
static bool bad;

static void check_true(bool ok, const char *what, int line)
{
	if (!ok) {
		printf("  line %d: %s\n", line, what);
		bad = true;
	}
}

#define CHECK(condition) check_true(condition, #condition, __LINE__)
#define OK(call)         CHECK((call) == KERN_SUCCESS)

static vm_address_t memory(const void *bytes_there, size_t size)
{
	vm_address_t address = 0;

	mig_allocate(&address, size);
	memcpy((void *)address, bytes_there, size);
	return address;
}

/* A further reference of the right that all tests send: to a port whose receive right is ours, under its name. */
static mach_port_t one_more(void)
{
	return lb_send_right(right);
}

/* A right that came is of this kind, and goes. */
static void drop(mach_port_t name, int kind)
{
	CHECK(lb_right(name) == kind);
	lb_drop(name);
}

static void test_values(void)
{
	int8_t ra;
	int16_t rb;
	int64_t rc, total;
	boolean_t rd;
	char re;
	int32_t sum, value = -21;
	double real;
	float single;
	point_t a = {1, 2}, b, c = {10, 20};
	block_t ba, bb, bc;
	record_t record, back;
	int32_t va[3] = {1, 2, 3}, vb[3], vc[3] = {7, 8, 9};
	matrix_t ma = {{1, 2, 3}, {4, 5, 6}}, mb;

	OK(null(server));
	OK(add(server, 2, -5, &sum));
	CHECK(sum == -3);
	OK(scalars(server, -8, -1600, -5000000000ll, TRUE, 'q', &ra, &rb, &rc, &rd, &re));
	CHECK(ra == -8 && rb == -1600 && rc == -5000000000ll && rd == TRUE && re == 'q');
	OK(eight_in(server, 1, 2, 3, 4, 5, 6, 7, 8, &total));
	CHECK(total == 204);
	OK(nine_in(server, 1, 2, 3, 4, 5, 6, 7, 8, 9, &total));
	CHECK(total == 285);
	OK(double_it(server, &value));
	CHECK(value == -42);
	OK(reals(server, 1.5, 0.25f, &real, &single));
	CHECK(real == 1.75 && single == 1.25f);
	OK(points(server, a, &b, &c));
	CHECK(b.x == 2 && b.y == 1 && c.x == 11 && c.y == 22);
	for (unsigned i = 0; i < 16; i++)
		ba.a[i] = bc.a[i] = i;
	OK(blocks(server, ba, &bb, &bc));
	CHECK(bb.a[0] == 15 && bb.a[15] == 0 && bc.a[3] == 4);
	memset(&record, 0, sizeof record);
	record = (record_t){.tag = 't', .number = 5, .wide = 77, .where = {3, 4}};
	OK(records(server, record, &back));
	CHECK(back.tag == 't' && back.number == 6 && back.wide == -77 && back.where.x == 3 && back.where.y == 4);
	OK(vectors(server, va, vb, vc));
	CHECK(vb[0] == 10 && vb[2] == 30 && vc[0] == 8 && vc[2] == 12);
	OK(matrices(server, ma, mb));
	CHECK(mb[0][0] == -1 && mb[1][2] == -6);
	a = (point_t){3, 4};
	OK(natives(server, &a, 10, &c));
	CHECK(c.x == 13 && c.y == -6);
	OK(temperature(server, 293, &sum));
	CHECK(sum == 294);
	OK(temperature_message(server, 293, "room", &sum));
	CHECK(sum == 294);
	OK(counted(server, 7, "four", &sum));
	CHECK(sum == 3011);
	OK(u_prefixed(server, 1, &sum));
	CHECK(sum == 8);
}

static void test_strings_and_arrays(void)
{
	static int64_t numbers_in[4096], numbers_out[4096];
	char text[100], list[50];
	mach_msg_type_number_t count = sizeof list, n;
	int32_t length;

	OK(fixed_strings(server, "hello", text));
	CHECK(strcmp(text, "<hello>") == 0);
	CHECK(fixed_strings(server, "sixteen letters!", text) == MIG_ARRAY_TOO_LARGE);
	OK(long_strings(server, "a longer string", text));
	CHECK(strcmp(text, "<a longer string>") == 0);
	OK(strings(server, "variable", text, 42, &length));
	CHECK(strcmp(text, "42:variable") == 0 && length == 8);
	OK(bytes(server, "abcdefg", 7, list, &count));
	CHECK(count == 7 && memcmp(list, "gfedcba", 7) == 0);
	count = 6;
	CHECK(bytes(server, "abcdefg", 7, list, &count) == MIG_ARRAY_TOO_LARGE && count == 7);
	count = 3;
	OK(count_in_out(server, numbers_out, &count));
	CHECK(count == 3 && numbers_out[2] == 2);
	for (int i = 0; i < 4096; i++)
		numbers_in[i] = i * 3;
	count = 4096;
	OK(big(server, numbers_in, 4096, numbers_out, &count));
	CHECK(count == 4096 && memcmp(numbers_in, numbers_out, sizeof numbers_in) == 0);
	for (n = 0; n <= 10; n++) {
		char a[50], ra[50], name[64], rname[64];
		int16_t b[30], rb[30];
		point_t c[10], rc[10];
		int32_t rx;
		int64_t ry;
		int8_t rz;
		mach_msg_type_number_t na = 50, nb = 30, nc = 10;

		for (unsigned i = 0; i < n; i++) {
			a[i] = (char)('a' + i);
			b[i] = (int16_t)(100 * i);
			c[i] = (point_t){(int32_t)i, -(int32_t)i};
		}
		snprintf(name, sizeof name, "%.*s", (int)n, "0123456789");
		OK(mixed(server, 7, a, n, 1ll << 40, b, n, -3, c, n, name, &rx, ra, &na, &ry, rb, &nb, &rz, rc, &nc,
			rname));
		CHECK(rx == 7 && ry == 1ll << 40 && rz == -3 && na == n && nb == n && nc == n);
		CHECK(memcmp(a, ra, n) == 0 && memcmp(b, rb, n * sizeof *b) == 0 && memcmp(c, rc, n * sizeof *c) == 0);
		CHECK(strcmp(name, rname) == 0);
	}
}

static void test_memory(void)
{
	char text[] = "bcd";
	data_t b;
	int32_t numbers_in[] = {5, 6, 7}, sum;
	numbers_t c;
	int64_t wide[4] = {1, 2, 3, 4};
	wide_t one;
	mach_msg_type_number_t count;

	OK(data(server, text, 3, &b, &count));
	CHECK(count == 3 && memcmp(b, "cde", 3) == 0);
	mig_deallocate((vm_address_t)b, count);
	OK(data(server, text, 0, &b, &count));
	CHECK(count == 0);
	OK(numbers(server, numbers_in, 3, &c, &count));
	CHECK(count == 3 && c[2] == 7);
	mig_deallocate((vm_address_t)c, count * sizeof *c);
	OK(moved(server, (data_t)memory("abc", 3), 3, &sum));
	CHECK(sum == 'a' + 'b' + 'c');
	OK(moved_if(server, text, 3, FALSE, &b, &count));
	CHECK(count == 6 && memcmp(b, "static", 6) == 0);
	mig_deallocate((vm_address_t)b, count);
	OK(moved_if(server, (data_t)memory("abc", 3), 3, TRUE, &b, &count));
	mig_deallocate((vm_address_t)b, count);
	OK(copied(server, text, 3, &sum));
	OK(fixed_memory(server, wide, &one));
	CHECK(*one == 10);
	mig_deallocate((vm_address_t)one, 8);
	OK(unbounded(server, text, 3, &b, &count));
	CHECK(count == 3 && memcmp(b, "cde", 3) == 0);
	mig_deallocate((vm_address_t)b, count);
}

static void test_rights(void)
{
	mach_port_t a, b, c, d, once = MACH_PORT_NULL, moving = lb_port(NULL, 0);
	mach_msg_type_name_t poly;
	uint32_t disposition;
	int32_t object, sum;

	OK(in_port(server, right, &object));
	CHECK(object == 1);
	OK(in_port(server, MACH_PORT_NULL, &object));
	CHECK(object == 0);
	/* A send-once right of our own, for `d`. */
	mach_port_extract_right(mach_task_self(), right, MACH_MSG_TYPE_MAKE_SEND_ONCE, &once, &poly);
	CHECK(lb_right(once) == MACH_PORT_RIGHT_SEND_ONCE);
	OK(in_rights(server, one_more(), right, right, once, moving, &sum));
	CHECK(sum == 11111 && lb_right(once) == -1 && lb_right(moving) == -1);
	OK(out_rights(server, &a, &b, &c, &d));
	CHECK(a == b);
	drop(a, MACH_PORT_RIGHT_SEND);
	drop(b, MACH_PORT_RIGHT_SEND);
	drop(c, MACH_PORT_RIGHT_SEND_ONCE);
	drop(d, MACH_PORT_RIGHT_RECEIVE);
	a = one_more();
	OK(in_out_port(server, &a));
	drop(a, MACH_PORT_RIGHT_SEND);
	OK(in_poly(server, right, MACH_MSG_TYPE_COPY_SEND, &disposition));
	CHECK(disposition == MACH_MSG_TYPE_PORT_SEND);
	OK(in_poly(server, right, MACH_MSG_TYPE_MAKE_SEND_ONCE, &disposition));
	CHECK(disposition == MACH_MSG_TYPE_PORT_SEND_ONCE);
	OK(any_send(server, right, MACH_MSG_TYPE_MAKE_SEND, &object));
	CHECK(object == 1);
	moving = lb_port(NULL, 0);
	CHECK(any_send(server, moving, MACH_MSG_TYPE_MOVE_RECEIVE, &object) == MIG_BAD_ARGUMENTS);
	CHECK(lb_right(moving) == -1);
	OK(out_poly(server, &a, &poly));
	CHECK(poly == MACH_MSG_TYPE_PORT_SEND_ONCE);
	drop(a, MACH_PORT_RIGHT_SEND_ONCE);
}

static void test_port_arrays(void)
{
	mach_port_t pair[2] = {right, right}, got[5], list[5];
	mach_msg_type_number_t count = 5;
	vm_address_t names;
	ports_t back;

	OK(port_pair(server, pair, got));
	CHECK(got[0] == right && got[1] == right);
	OK(golden_let_go(state, 0));
	lb_drop(got[0]);
	lb_drop(got[1]);
	for (int i = 0; i < 3; i++)
		list[i] = one_more();
	OK(port_list(server, list, 3, got, &count));
	CHECK(count == 3 && got[0] == right && got[2] == right);
	for (unsigned i = 0; i < count; i++)
		lb_drop(got[i]);
	list[0] = one_more();
	count = 0;
	CHECK(port_list(server, list, 1, got, &count) == MIG_ARRAY_TOO_LARGE);
	for (int i = 0; i < 2; i++)
		list[i] = one_more();
	names = memory(list, 2 * sizeof *list);
	OK(port_memory(server, (ports_t)names, 2, &back, &count));
	CHECK(count == 2 && back[0] == right && back[1] == right);
	lb_drop(back[0]);
	lb_drop(back[1]);
	mig_deallocate((vm_address_t)back, 2 * sizeof *back);
	mig_deallocate(names, 2 * sizeof *list);
}

static void test_many_and_translations(void)
{
	int32_t numbers_in[] = {1, 2, 30}, sum;
	char text[64];
	data_t d;
	mach_msg_type_number_t count;
	mach_port_t e, third;
	int notes, handles;

	OK(many(server, (data_t) "bytes", 5, one_more(), "name", numbers_in, 3, 12, &d, &count, &sum, &e, text));
	CHECK(count == 5 && memcmp(d, "bytes", 5) == 0 && sum == 42 && strcmp(text, "name!") == 0 && e == right);
	mig_deallocate((vm_address_t)d, count);
	lb_drop(e);
	OK(handle(server, right, &third, &sum));
	CHECK(sum == 2000 + 1 + 1);
	OK(golden_let_go(state, 1));
	drop(third, MACH_PORT_RIGHT_SEND);
	OK(object(server, &sum));
	CHECK(sum == 1001);
	OK(object(object_server, &sum));
	CHECK(sum == 2099);
	OK(object_message(object_server, "four", &sum));
	CHECK(sum == 2099 + 4);
	OK(object_message(server, "four", &sum));
	CHECK(sum == 1001 + 4);
	OK(golden_note_count(state, &notes, &handles));
	CHECK(handles == 0);
}

static void test_errors_and_one_way(void)
{
	int32_t value = 1;
	mach_port_t c = MACH_PORT_NULL;
	int before, notes, handles;

	CHECK(fail(server, KERN_NO_SPACE, &value) == KERN_NO_SPACE && value == 1);
	CHECK(fail(server, -5, &value) == -5);
	CHECK(fail_with_rights(server, KERN_FAILURE, one_more(), (data_t) "abc", 3, &c) == KERN_FAILURE);
	/* The function drops the right to reply, which the kernel tells us. */
	CHECK(no_reply(server, (data_t) "abc", 3, 5000) == MIG_SERVER_DIED);
	OK(golden_note_count(state, &before, &handles));
	OK(note(server, 5));
	OK(note_rights(server, one_more(), (data_t) "\1\2\3", 3));
	/* The function fails: the stub destroys what it was given. */
	OK(note_rights(server, one_more(), (data_t) "thirteenbytes", 13));
	OK(null(server)); /* the server is through with what came before */
	OK(golden_note_count(state, &notes, &handles));
	CHECK(notes == before + 11);
}

static void test_ports_and_options(void)
{
	/* Not `right`, to which notifications of send-once rights come that the server let go. */
	const mach_port_t mine = lb_port(NULL, 0);
	int32_t b = 0;

	OK(late(server, 5, &b));
	CHECK(b == 6);
	OK(own_reply(server, mine, 10, &b));
	CHECK(b == 11);
	CHECK(user_reply(server, mine, KERN_ABORTED) == KERN_ABORTED);
	lb_drop(mine);
	OK(poly_request(server, MACH_MSG_TYPE_COPY_SEND, 1, &b));
	CHECK(b == 1 + MACH_MSG_TYPE_PORT_SEND);
	OK(timed(server, 0));
	OK(optioned(server, 0));
	OK(options(server, MACH_RCV_INTERRUPT, 33, 0));
	OK(sequence(server, &b));
}

static const struct {
	const char *name;
	void (*test)(void);
} tests[] = {{"values", test_values}, {"strings and arrays", test_strings_and_arrays}, {"memory", test_memory},
	{"rights", test_rights}, {"port arrays", test_port_arrays},
	{"many descriptors, translations", test_many_and_translations}, {"errors, one way", test_errors_and_one_way},
	{"reply ports, options", test_ports_and_options}};

struct usage {
	int names, references, own_names, own_references;
	int64_t bytes, own_bytes;
};

static struct usage usage(void)
{
	struct usage u = {0};

	OK(golden_usage(state, &u.names, &u.references, &u.bytes));
	u.own_names = (int)lb_rights();
	u.own_references = (int)lb_references();
	u.own_bytes = (int64_t)lb_memory();
	return u;
}

static void run(bool server_by_messages)
{
	char how[64];

	snprintf(how, sizeof how, "client by %s, server by %s", force_messages ? "messages" : "registers",
		server_by_messages ? "messages" : "registers");
	for (unsigned i = 0; i < sizeof tests / sizeof tests[0]; i++) {
		struct usage before, after;

		bad = false;
		tests[i].test();
		before = usage();
		for (int j = 0; j < 3; j++)
			tests[i].test();
		after = usage();
		if (memcmp(&before, &after, sizeof before) != 0) {
			printf("  left over: names %d, %d; references %d, %d; bytes %lld, %lld\n",
				after.names - before.names, after.own_names - before.own_names,
				after.references - before.references, after.own_references - before.own_references,
				(long long)(after.bytes - before.bytes),
				(long long)(after.own_bytes - before.own_bytes));
			bad = true;
		}
		printf("%s golden between tasks: %s, %s\n", bad ? "FAIL" : "PASS", tests[i].name, how);
	}
}

int main(int argc, char **argv)
{
	mach_port_t bootstrap = MACH_PORT_NULL, by_words, by_messages, object_by_words, object_by_messages;

	task_get_special_port(mach_task_self(), TASK_BOOTSTRAP_PORT, &bootstrap);
	if (argc > 1 && strcmp(argv[1], "serve") == 0)
		return golden_serve(bootstrap);
	right = lb_port(NULL, 0);
	lb_send_right(right);
	CHECK(bootstrap_look_up(bootstrap, "golden", &by_words) == KERN_SUCCESS);
	state = by_words;
	OK(golden_message_port(state, &by_messages));
	OK(golden_object_port(state, 0, &object_by_words));
	OK(golden_object_port(state, 1, &object_by_messages));
	for (int mode = 0; mode < 4; mode++) {
		force_messages = mode & 1;
		server = mode & 2 ? by_messages : by_words;
		object_server = mode & 2 ? object_by_messages : object_by_words;
		run(mode & 2);
	}
	printf("golden tests: end\n");
	lb_power_off();
	return 0;
}
