/* Calls every routine of arrays.defs over the loop-back: values, counts, errors, ownership, clean bytes. */
#include "arrays.h"
#include "check.h"

#include <stdio.h>

mach_port_t server;
bool bad;
static mach_port_t receive;
static unsigned failures;

void check_true(bool ok, const char *what, int line)
{
	if (!ok) {
		printf("  line %d: %s\n", line, what);
		bad = true;
	}
}

static int32_t numbers[] = {1, 2, 3, 4, 5, 6, 7, 8};

static void test_in(void)
{
	data_t a[3] = {"\1\2", NULL, "\3"};
	mach_msg_type_number_t aSubs[3] = {2, 0, 1}, listsSubs[5] = {1, 0, 2, 3, 1};
	numbers_t lists[5] = {numbers, NULL, numbers + 1, numbers, numbers};
	int32_t sum;

	OK(put(server, a, aSubs, lists, listsSubs, 3, KERN_SUCCESS, &sum));
	CHECK(sum == 3 + 9 + 1 + 15 && lb_regions() == 0);
	OK(put(server, a, aSubs, lists, listsSubs, 4, KERN_SUCCESS, &sum));
	CHECK(sum == 12 + 16 + 24);
	OK(put(server, a, aSubs, NULL, NULL, 0, KERN_SUCCESS, &sum));
	CHECK(sum == 12);
	CHECK(CALL(put(server, a, aSubs, lists, listsSubs, 5, KERN_SUCCESS, &sum)) == MIG_ARRAY_TOO_LARGE);
	listsSubs[2] = UINT32_MAX / 4 + 1;
	CHECK(CALL(put(server, a, aSubs, lists, listsSubs, 3, KERN_SUCCESS, &sum)) == MIG_ARRAY_TOO_LARGE);
	listsSubs[2] = 2;
	/* What is refused or fails is destroyed by the server's stub. */
	CHECK(CALL(put(server, a, aSubs, lists, listsSubs, 3, KERN_NO_SPACE, &sum)) == KERN_NO_SPACE);
	CHECK(lb_regions() == 0);
	OK(noted(server, lists, listsSubs, 3, KERN_SUCCESS));
	CHECK(arrays_noted == 16 && lb_regions() == 0);
	OK(noted(server, lists, listsSubs, 4, KERN_FAILURE));
	CHECK(arrays_noted == 40 && lb_regions() == 0);
}

static void test_in_moved(void)
{
	for (int32_t code = KERN_SUCCESS; code <= KERN_INVALID_ADDRESS; code++) {
		data_t a[3] = {memory_of("\1\2", 2), NULL, memory_of("\3", 1)};
		mach_msg_type_number_t aSubs[3] = {2, 0, 1}, listsSubs[2] = {1, 2};
		numbers_t lists[2] = {memory_of(numbers, 4), memory_of(numbers + 1, 8)};
		given_t given[2] = {memory_of("\5", 1), NULL};
		mach_msg_type_number_t givenSubs[2] = {1, 0};
		void *loose[2] = {numbers, numbers + 2};
		int32_t sum;

		CHECK(CALL(put_moved(server, a, aSubs, lists, listsSubs, 2, code != 0, code, &sum)) == code);
		CHECK(code != KERN_SUCCESS || sum == 12 + 1 + 10);
		/* Not moved the first time. */
		if (code == KERN_SUCCESS) {
			give_back(lists[0], 4);
			give_back(lists[1], 8);
		}
		CHECK(lb_regions() == 1);
		OK(put_given(server, given, givenSubs, loose, listsSubs, &sum));
		CHECK(sum == 5 + 1 + 2 * 7 && lb_regions() == 0);
	}
}

/* A request that was not sent is still the caller's. */
static void test_not_sent(void)
{
	data_t a[3] = {memory_of("\1\2", 2), NULL, memory_of("\3", 1)};
	mach_msg_type_number_t aSubs[3] = {2, 0, 1};
	int32_t sum;

	lb_fail_send = MACH_SEND_TIMED_OUT;
	CHECK(CALL(put_moved(server, a, aSubs, NULL, NULL, 0, 0, KERN_SUCCESS, &sum)) == MACH_SEND_TIMED_OUT);
	CHECK(lb_regions() == 2);
	give_back(a[0], 2);
	give_back(a[2], 1);
}

static void test_out(void)
{
	data_t a[3];
	numbers_t lists[4] = {NULL};
	mach_msg_type_number_t aSubs[3], listsSubs[4] = {77, 77, 77, 77}, count = 4;
	int32_t sum;

	OK(take(server, 3, a, aSubs, lists, listsSubs, &count, &sum));
	CHECK(count == 3 && sum == 4 && aSubs[0] == 1 && aSubs[2] == 3 && memcmp(a[2], "abc", 3) == 0);
	CHECK(listsSubs[0] == 0 && listsSubs[1] == 2 && listsSubs[2] == 4 && listsSubs[3] == 77);
	CHECK(lists[1][1] == 30 && lists[2][3] == 60 && lists[3] == NULL);
	for (unsigned i = 0; i < 3; i++) {
		give_back(a[i], aSubs[i]);
		give_back(lists[i], listsSubs[i] * 4);
	}
	/* A server that says it has more than there is room for: what there is room for is sent. */
	count = 4;
	OK(take(server, 9, a, aSubs, lists, listsSubs, &count, &sum));
	CHECK(count == 4 && listsSubs[3] == 5 && lists[3][4] == 80);
	for (unsigned i = 0; i < 4; i++) {
		give_back(i < 3 ? a[i] : NULL, i < 3 ? aSubs[i] : 0);
		give_back(lists[i], listsSubs[i] * 4);
	}
	/* The caller has room for fewer. */
	count = 2;
	CHECK(CALL(take(server, 3, a, aSubs, lists, listsSubs, &count, &sum)) == MIG_ARRAY_TOO_LARGE && count == 3);
	CHECK(lb_regions() == 0);
}

/* A server that says it has more than there can be: the client is told, and what it sent is nobody's twice. */
static void test_out_of_bounds(void)
{
	data_t a[3];
	numbers_t lists[4], list;
	mach_msg_type_number_t aSubs[3], listsSubs[4], count = 4;
	unsigned rights = lb_rights();
	int32_t sum;

	CHECK(CALL(take(server, TAKE_TOO_MUCH, a, aSubs, lists, listsSubs, &count, &sum)) == MIG_ARRAY_TOO_LARGE);
	CHECK(lb_regions() == 0);
	OK(take_numbers(server, lb_send_right(arrays_kept), memory_of("abc", 3), 3, 3, &list, &count));
	CHECK(count == 3 && list[2] == 30 && lb_rights() == rights);
	give_back(list, 12);
	CHECK(CALL(take_numbers(server, lb_send_right(arrays_kept), memory_of("abc", 3), 3, UINT32_MAX / 4 + 2, &list,
		      &count)) == MIG_ARRAY_TOO_LARGE);
	CHECK(lb_rights() == rights && lb_regions() == 0);
}

static void test_inout(void)
{
	for (int32_t code = KERN_SUCCESS; code <= KERN_INVALID_ADDRESS; code++) {
		data_t a[3] = {memory_of("first", 5), memory_of("2", 1), NULL};
		numbers_t lists[4] = {memory_of(numbers, 8), memory_of(numbers + 4, 4)};
		mach_msg_type_number_t aSubs[3] = {5, 1, 0}, listsSubs[4] = {2, 1}, count = 2;

		CHECK(CALL(turn(server, a, aSubs, lists, listsSubs, &count, code)) == code);
		if (code != KERN_SUCCESS)
			continue;
		CHECK(aSubs[0] == 0 && aSubs[1] == 1 && aSubs[2] == 5 && memcmp(a[2], "first", 5) == 0);
		CHECK(count == 3 && listsSubs[2] == 1 && lists[1][0] == 5 && lists[2][0] == 5 && lists[0][1] == 2);
		give_back(a[1], 1);
		give_back(a[2], 5);
		for (unsigned i = 0; i < 3; i++)
			give_back(lists[i], listsSubs[i] * 4);
	}
	CHECK(lb_regions() == 0);
}

static void test_same_count(void)
{
	numbers_t keys[2] = {numbers, numbers + 1}, values[2] = {numbers, numbers};
	mach_msg_type_number_t keysSubs[2] = {1, 2}, valuesSubs[2] = {2, 0};
	int32_t sum;

	OK(both(server, keys, keysSubs, 2, values, valuesSubs, &sum));
	CHECK(sum == (1 + 2 * 5) * 3 && lb_regions() == 0);
}

static void test_fixed(void)
{
	for (unsigned used = 0; used < 4; used++) {
		four_t a[2] = {numbers, numbers + 4}, b[3] = {NULL, NULL, NULL}, c[2];
		mach_msg_type_number_t count = used;

		for (unsigned i = 0; i < used; i++)
			b[i] = memory_of(numbers + i, 16);
		OK(fixed(server, a, b, &count, c));
		CHECK(count == (used == 3 ? 2 : used) && c[0][3] == 12 && c[1][0] == 5);
		give_back(c[0], 16);
		give_back(c[1], 16);
		for (unsigned i = 0; i < count; i++) {
			CHECK(b[i][0] == (int32_t)i + 1);
			give_back(b[i], 16);
		}
		CHECK(lb_regions() == 0);
	}
}

static void test_rights(void)
{
	ports_t a[2], b[3];
	mach_msg_type_number_t aSubs[2] = {2, 1}, bSubs[3] = {1, 0, 2}, count = 3;
	unsigned rights = lb_rights();
	int32_t sum;

	for (int32_t code = KERN_SUCCESS; code <= KERN_INVALID_ADDRESS; code++) {
		for (unsigned i = 0; i < 3; i++) {
			b[i] = rights_of(bSubs[i]);
			if (i < 2)
				a[i] = rights_of(aSubs[i]);
		}
		CHECK(CALL(put_rights(server, a, aSubs, b, bSubs, 3, code, &sum)) == code);
		CHECK(code != KERN_SUCCESS || sum == 3000 + 3 + 30);
		for (unsigned i = 0; i < 3; i++) {
			give_back(b[i], bSubs[i] * 4);
			if (i < 2)
				give_back(a[i], aSubs[i] * 4);
		}
		CHECK(lb_rights() == rights && lb_regions() == 0);
	}
	OK(take_rights(server, 3, a, aSubs, b, bSubs, &count));
	CHECK(count == 3 && aSubs[0] == 2 && aSubs[1] == 1 && bSubs[2] == 2 && bSubs[0] == 0);
	for (unsigned i = 0; i < 3; i++) {
		CHECK(i == 2 || release_memory(a[i], aSubs[i]) == (int32_t)aSubs[i]);
		CHECK(release_memory(b[i], bSubs[i]) == (int32_t)bSubs[i]);
	}
	count = 1;
	CHECK(CALL(take_rights(server, 2, a, aSubs, b, bSubs, &count)) == MIG_ARRAY_TOO_LARGE && count == 2);
	CHECK(lb_rights() == rights && lb_regions() == 0);
}

static void test_rights_inout(void)
{
	ports_t b[3] = {rights_of(1), rights_of(3), NULL};
	mach_msg_type_number_t bSubs[3] = {1, 3, 0}, count = 2;
	two_ports_t c[2] = {rights_of(2), rights_of(2)}, d[2];

	OK(turn_rights(server, b, bSubs, &count, c, d));
	CHECK(count == 1 && bSubs[0] == 3 && release_memory(b[0], 3) == 3);
	for (unsigned i = 0; i < 2; i++) {
		CHECK(release_memory(d[i], 2) == 2);
		give_back(c[i], 8);
	}
}

static void fill_pair(pair_t *pair, unsigned count)
{
	for (unsigned i = 0; i < 2 * count; i++)
		pair[i / 2][i % 2] = lb_send_right(arrays_kept);
}

static void test_pairs(void)
{
	pair_t a[3], b[3];
	page_of_pairs_t c;
	mach_msg_type_number_t bCnt = 3, cCnt;
	unsigned rights = lb_rights();
	int32_t sum;

	for (int32_t code = KERN_SUCCESS; code <= KERN_INVALID_ADDRESS; code++) {
		fill_pair(a, 3);
		fill_pair(b, 2);
		c = (page_of_pairs_t)rights_of(6);
		CHECK(CALL(put_pairs(server, a, b, 2, c, 3, code, &sum)) == code);
		CHECK(code != KERN_SUCCESS || sum == 2000 + 300 + 6 + 4 + 6);
		give_back(c, sizeof(pair_t[3]));
		CHECK(lb_rights() == rights && lb_regions() == 0);
	}
	CHECK(CALL(put_pairs(server, a, b, 4, NULL, 0, 0, &sum)) == MIG_ARRAY_TOO_LARGE);
	CHECK(CALL(put_pairs(server, a, b, 1, NULL, UINT32_MAX / 2 + 1, 0, &sum)) == MIG_ARRAY_TOO_LARGE);
	OK(take_pairs(server, 2, a, b, &bCnt, &c, &cCnt));
	CHECK(bCnt == 2 && cCnt == 2 && release_all(a[0], 6) == 6 && release_all(b[0], 4) == 4);
	CHECK(release_memory(c[0], 4) == 4);
	bCnt = 0;
	CHECK(CALL(take_pairs(server, 1, a, b, &bCnt, &c, &cCnt)) == MIG_ARRAY_TOO_LARGE && bCnt == 1);
	CHECK(lb_rights() == rights && lb_regions() == 0);
}

static void test_rights_inline_inout(void)
{
	mach_port_t a[4] = {lb_send_right(arrays_kept), lb_send_right(arrays_kept)};
	pair_t b[3];
	mach_msg_type_number_t aCnt = 2, bCnt = 2;

	fill_pair(b, 2);
	OK(turn_rights_inline(server, a, &aCnt, b, &bCnt, KERN_SUCCESS));
	CHECK(aCnt == 3 && bCnt == 1);
	CHECK(CALL(turn_rights_inline(server, a, &aCnt, b, &bCnt, KERN_FAILURE)) == KERN_FAILURE);
	aCnt = 5;
	CHECK(CALL(turn_rights_inline(server, a, &aCnt, b, &bCnt, KERN_SUCCESS)) == MIG_ARRAY_TOO_LARGE);
}

static void test_polymorphic(void)
{
	mach_port_t a[2] = {arrays_kept, arrays_kept};
	int32_t sum;

	OK(put_any(server, a, MACH_MSG_TYPE_MAKE_SEND_ONCE, 2, &sum));
	CHECK(sum == 12);
	OK(put_any(server, a, MACH_MSG_TYPE_MAKE_SEND, 1, &sum));
	CHECK(sum == 1);
	OK(put_any(server, a, MACH_MSG_TYPE_MAKE_SEND, 0, &sum));
	CHECK(sum == 0);
}

static void test_unnamed(void)
{
	int32_t d[4], e[6];
	data_t c[2] = {"\1", "\2"};
	mach_msg_type_number_t cSubs[2] = {1, 1}, count = 6;

	OK(unnamed(server, numbers, numbers, 5, c, cSubs, d, e, &count, "text"));
	CHECK(d[0] == 6 && d[1] == 5 && d[2] == 5 && d[3] == 4 && count == 5 && e[4] == 5);
}

/* --- What is not as declared. */

static mach_msg_id_t asked, served;
static mach_msg_size_t spoilt_offset;
static uint32_t spoilt_value;

static void ask_another(mach_msg_header_t *message)
{
	message->msgh_id = served;
	lb_spoil_request = NULL;
}

static void answer_as_asked(mach_msg_header_t *message)
{
	message->msgh_id = asked + 100;
	lb_spoil_reply = NULL;
}

/* The next request comes to another routine, and its answer comes back as the first one's. */
static void confuse(unsigned first, unsigned second)
{
	asked = 4600 + (mach_msg_id_t)first;
	served = 4600 + (mach_msg_id_t)second;
	lb_spoil_request = ask_another;
	lb_spoil_reply = answer_as_asked;
}

static void spoil(mach_msg_header_t *message)
{
	memcpy((char *)message + spoilt_offset, &spoilt_value, 4);
	lb_spoil_request = lb_spoil_reply = NULL;
}

enum { LIKE_DATA = 16, LIKE_NUMBERS, LIKE_RIGHTS, LIKE_ONCES };

/* A routine is given what another's client sent, the client gets what another's server answered. */
static void test_other_kinds(void)
{
	data_t data[2] = {"abcde", NULL}, got_data[2];
	numbers_t lists[2] = {numbers, numbers}, got_lists[2];
	ports_t ports[2] = {NULL, NULL}, got_ports[2];
	mach_port_t kept[1] = {arrays_kept};
	onces_t onces[2] = {kept, NULL}, got_onces[2];
	mach_msg_type_number_t subs[2] = {1, 0}, none[2] = {0, 0}, five[2] = {5, 0}, got[2];
	unsigned rights = lb_rights();

	arrays_served = 0;
	/* 5 bytes for numbers of 4; memory for rights, rights for memory; send-once rights for send rights. */
	confuse(LIKE_DATA, LIKE_NUMBERS);
	CHECK(CALL(like_data(server, data, five, got_data, got)) == MIG_BAD_ARGUMENTS);
	confuse(LIKE_NUMBERS, LIKE_RIGHTS);
	CHECK(CALL(like_numbers(server, lists, subs, got_lists, got)) == MIG_BAD_ARGUMENTS);
	confuse(LIKE_RIGHTS, LIKE_DATA);
	CHECK(CALL(like_rights(server, ports, none, got_ports, got)) == MIG_BAD_ARGUMENTS);
	confuse(LIKE_ONCES, LIKE_RIGHTS);
	CHECK(CALL(like_onces(server, onces, subs, got_onces, got)) == MIG_BAD_ARGUMENTS);
	CHECK(arrays_served == 0 && lb_rights() == rights && lb_regions() == 0);
	/* Requests that pass, and answers of which the client sees that they are not its own. */
	confuse(LIKE_NUMBERS, LIKE_DATA);
	CHECK(CALL(like_numbers(server, lists, subs, got_lists, got)) == MIG_TYPE_ERROR);
	CHECK(arrays_served == 1 && lb_rights() == rights && lb_regions() == 0);
}

/* Counts that say fewer than came, or more than fit: nothing of what came is lost. */
static void test_counts(void)
{
	data_t data[2] = {"abc", "def"}, got_data[2];
	four_t fours[2] = {numbers, numbers + 4}, got_fours[2];
	mach_msg_type_number_t subs[2] = {3, 3}, got[2], count = 2;
	mach_port_t list[2], got_list[2];
	unsigned rights = lb_rights();

	arrays_served = 0;
	/* Header, body, two descriptors, NDR. */
	spoilt_offset = 24 + 8 + 2 * 16 + 8;
	for (spoilt_value = 0; spoilt_value < 4; spoilt_value++) {
		if (spoilt_value == 2)
			continue;
		lb_spoil_request = spoil;
		CHECK(CALL(some_data(server, data, subs, 2, got_data, got, &count)) == MIG_BAD_ARGUMENTS);
		lb_spoil_request = spoil;
		CHECK(CALL(some_fixed(server, fours, 2, got_fours, &count)) == MIG_BAD_ARGUMENTS);
		lb_spoil_request = spoil;
		list[0] = lb_send_right(arrays_kept);
		list[1] = lb_send_right(arrays_kept);
		CHECK(CALL(few_rights(server, list, 2, got_list, &count)) == MIG_BAD_ARGUMENTS);
		CHECK(arrays_served == 0 && lb_rights() == rights && lb_regions() == 0);
		lb_spoil_reply = spoil;
		CHECK(CALL(some_data(server, data, subs, 2, got_data, got, &count)) == MIG_TYPE_ERROR);
		lb_spoil_reply = spoil;
		list[0] = lb_send_right(arrays_kept);
		list[1] = lb_send_right(arrays_kept);
		CHECK(CALL(few_rights(server, list, 2, got_list, &count)) == MIG_TYPE_ERROR);
		CHECK(arrays_served == 2 && lb_rights() == rights && lb_regions() == 0);
		arrays_served = 0;
	}
	/* One too many of fixed size: it is not there. */
	spoilt_value = 2;
	lb_spoil_request = spoil;
	CHECK(CALL(some_fixed(server, fours, 1, got_fours, &count)) == MIG_BAD_ARGUMENTS);
	lb_spoil_reply = spoil;
	CHECK(CALL(some_fixed(server, fours, 2, got_fours, &count)) == MIG_TYPE_ERROR);
	CHECK(arrays_served == 1 && lb_regions() == 0);
}

void run(const char *name, void (*test)(void))
{
	unsigned rights = lb_rights(), regions = lb_regions();

	bad = false;
	lb_dirty_bytes = 0;
	test();
	CHECK(lb_rights() == rights);
	CHECK(lb_regions() == regions);
	CHECK(lb_dirty_bytes == 0);
	printf("%s mig arrays: %s\n", bad ? "FAIL" : "PASS", name);
	failures += bad;
}

int main(void)
{
	receive = lb_port(&arrays_subsystem, 0);
	server = lb_send_right(receive);
	arrays_kept = lb_port(NULL, 0);
	setvbuf(stdout, NULL, _IOLBF, 0);
	run("in", test_in);
	run("in_moved", test_in_moved);
	run("not_sent", test_not_sent);
	run("out", test_out);
	run("out_of_bounds", test_out_of_bounds);
	run("inout", test_inout);
	run("same_count", test_same_count);
	run("fixed", test_fixed);
	run("rights", test_rights);
	run("rights_inout", test_rights_inout);
	run("pairs", test_pairs);
	run("rights_inline_inout", test_rights_inline_inout);
	run("polymorphic", test_polymorphic);
	run("unnamed", test_unnamed);
	run("other_kinds", test_other_kinds);
	run("counts", test_counts);
	test_many();
	return failures == 0 ? 0 : 1;
}
