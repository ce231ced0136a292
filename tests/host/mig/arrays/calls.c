/* Calls every routine of arrays.defs: values, counts, errors, ownership. */
#include "arrays.h"

#include <stdio.h>

static int32_t numbers[] = {1, 2, 3, 4, 5, 6, 7, 8};

static void test_in(void)
{
	data_t a[3] = {"\1\2", NULL, "\3"};
	mach_msg_type_number_t aSubs[3] = {2, 0, 1}, listsSubs[5] = {1, 0, 2, 3, 1};
	numbers_t lists[5] = {numbers, NULL, numbers + 1, numbers, numbers};
	const uint64_t memory = lb_memory();
	int32_t sum;

	OK(put(server, a, aSubs, lists, listsSubs, 3, KERN_SUCCESS, &sum));
	CHECK(sum == 3 + 9 + 1 + 15 && lb_memory() == memory);
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
	CHECK(lb_memory() == memory);
	OK(noted(server, lists, listsSubs, 3, KERN_SUCCESS));
	lb_ask();
	CHECK(arrays_told.noted == 16 && lb_memory() == memory);
	OK(noted(server, lists, listsSubs, 4, KERN_FAILURE));
	lb_ask();
	CHECK(arrays_told.noted == 40 && lb_memory() == memory);
}

static void test_in_moved(void)
{
	const uint64_t memory = lb_memory();

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
		CHECK_LOOPBACK(lb_regions() == 1);
		OK(put_given(server, given, givenSubs, loose, listsSubs, &sum));
		CHECK(sum == 5 + 1 + 2 * 7 && lb_memory() == memory);
	}
}

static void test_out(void)
{
	const uint64_t memory = lb_memory();
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
	CHECK(lb_memory() == memory);
}

/* A server that says it has more than there can be: the client is told, and what it sent is nobody's twice. */
static void test_out_of_bounds(void)
{
	data_t a[3];
	numbers_t lists[4], list;
	mach_msg_type_number_t aSubs[3], listsSubs[4], count = 4;
	const unsigned references = lb_references();
	const uint64_t memory = lb_memory();
	int32_t sum;

	CHECK(CALL(take(server, TAKE_TOO_MUCH, a, aSubs, lists, listsSubs, &count, &sum)) == MIG_ARRAY_TOO_LARGE);
	CHECK(lb_memory() == memory);
	OK(take_numbers(server, lb_send_right(kept), memory_of("abc", 3), 3, 3, &list, &count));
	CHECK(count == 3 && list[2] == 30 && lb_references() == references);
	give_back(list, 12);
	CHECK(CALL(take_numbers(server, lb_send_right(kept), memory_of("abc", 3), 3, UINT32_MAX / 4 + 2, &list,
		      &count)) == MIG_ARRAY_TOO_LARGE);
	CHECK(lb_references() == references && lb_memory() == memory);
}

static void test_inout(void)
{
	const uint64_t memory = lb_memory();

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
	CHECK(lb_memory() == memory);
}

static void test_same_count(void)
{
	const uint64_t memory = lb_memory();
	numbers_t keys[2] = {numbers, numbers + 1}, values[2] = {numbers, numbers};
	mach_msg_type_number_t keysSubs[2] = {1, 2}, valuesSubs[2] = {2, 0};
	int32_t sum;

	OK(both(server, keys, keysSubs, 2, values, valuesSubs, &sum));
	CHECK(sum == (1 + 2 * 5) * 3 && lb_memory() == memory);
}

static void test_fixed(void)
{
	const uint64_t memory = lb_memory();

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
		CHECK(lb_memory() == memory);
	}
}

static void test_rights(void)
{
	const uint64_t memory = lb_memory();
	ports_t a[2], b[3];
	mach_msg_type_number_t aSubs[2] = {2, 1}, bSubs[3] = {1, 0, 2}, count = 3;
	const unsigned references = lb_references();
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
		CHECK(lb_references() == references && lb_memory() == memory);
	}
	OK(take_rights(server, 3, a, aSubs, b, bSubs, &count));
	CHECK(count == 3 && aSubs[0] == 2 && aSubs[1] == 1 && bSubs[2] == 2 && bSubs[0] == 0);
	for (unsigned i = 0; i < 3; i++) {
		CHECK(i == 2 || release_memory(a[i], aSubs[i]) == (int32_t)aSubs[i]);
		CHECK(release_memory(b[i], bSubs[i]) == (int32_t)bSubs[i]);
	}
	count = 1;
	CHECK(CALL(take_rights(server, 2, a, aSubs, b, bSubs, &count)) == MIG_ARRAY_TOO_LARGE && count == 2);
	CHECK(lb_references() == references && lb_memory() == memory);
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
		pair[i / 2][i % 2] = lb_send_right(kept);
}

static void test_pairs(void)
{
	const uint64_t memory = lb_memory();
	pair_t a[3], b[3];
	page_of_pairs_t c;
	mach_msg_type_number_t bCnt = 3, cCnt;
	const unsigned references = lb_references();
	int32_t sum;

	for (int32_t code = KERN_SUCCESS; code <= KERN_INVALID_ADDRESS; code++) {
		fill_pair(a, 3);
		fill_pair(b, 2);
		c = (page_of_pairs_t)rights_of(6);
		CHECK(CALL(put_pairs(server, a, b, 2, c, 3, code, &sum)) == code);
		CHECK(code != KERN_SUCCESS || sum == 2000 + 300 + 6 + 4 + 6);
		give_back(c, sizeof(pair_t[3]));
		CHECK(lb_references() == references && lb_memory() == memory);
	}
	CHECK(CALL(put_pairs(server, a, b, 4, NULL, 0, 0, &sum)) == MIG_ARRAY_TOO_LARGE);
	CHECK(CALL(put_pairs(server, a, b, 1, NULL, UINT32_MAX / 2 + 1, 0, &sum)) == MIG_ARRAY_TOO_LARGE);
	OK(take_pairs(server, 2, a, b, &bCnt, &c, &cCnt));
	CHECK(bCnt == 2 && cCnt == 2 && release_all(a[0], 6) == 6 && release_all(b[0], 4) == 4);
	CHECK(release_memory(c[0], 4) == 4);
	bCnt = 0;
	CHECK(CALL(take_pairs(server, 1, a, b, &bCnt, &c, &cCnt)) == MIG_ARRAY_TOO_LARGE && bCnt == 1);
	CHECK(lb_references() == references && lb_memory() == memory);
}

static void test_rights_inline_inout(void)
{
	mach_port_t a[4] = {lb_send_right(kept), lb_send_right(kept)};
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
	mach_port_t a[2] = {kept, kept};
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

/* Of two routines with the same layout each gets what is its own, memory that stays with the server. */
static void test_likes(void)
{
	const uint64_t memory = lb_memory();
	const unsigned references = lb_references();
	data_t data[2] = {"abcde", "f"}, got_data[2];
	numbers_t lists[2] = {numbers, numbers}, got_lists[2];
	four_t fours[2] = {numbers, numbers + 4}, got_fours[2];
	mach_port_t one = kept, list[2] = {lb_send_right(kept), lb_send_right(kept)}, got_list[2];
	onces_t onces[2] = {&one, NULL}, got_onces[2];
	ports_t ports[2] = {rights_of(1), NULL}, got_ports[2];
	mach_msg_type_number_t subs[2] = {1, 0}, five[2] = {5, 1}, got[2], count = 2;

	OK(like_data(server, data, five, got_data, got));
	CHECK(got[0] == 5 && got[1] == 0 && memcmp(got_data[0], "abcde", 5) == 0);
	give_back(got_data[0], 5);
	OK(like_numbers(server, lists, subs, got_lists, got));
	CHECK(got[0] == 0 && got[1] == 0);
	OK(like_rights(server, ports, subs, got_ports, got));
	CHECK(got[0] == 0 && got[1] == 1 && release_memory(got_ports[1], 1) == 1);
	give_back(ports[0], sizeof **ports);
	OK(like_onces(server, onces, subs, got_onces, got));
	CHECK(got[0] == 0 && got[1] == 0);
	OK(some_data(server, data, five, 2, got_data, got, &count));
	CHECK(count == 2 && got[0] == 16 && got[1] == 20 && memcmp(got_data[1], "abcdefghijklmnopqrst", 20) == 0);
	give_back(got_data[0], 16);
	give_back(got_data[1], 20);
	OK(some_fixed(server, fours, 2, got_fours, &count));
	CHECK(count == 1 && got_fours[0][3] == 0);
	give_back(got_fours[0], sizeof(int32_t[4]));
	count = 2;
	OK(few_rights(server, list, 2, got_list, &count));
	CHECK(count == 2 && lb_same(got_list[0], kept) && lb_same(got_list[1], kept));
	drop(got_list[0]);
	drop(got_list[1]);
	CHECK(lb_references() == references && lb_memory() == memory);
}

const struct calls calls[] = {{"in", test_in}, {"in moved", test_in_moved}, {"out", test_out}, {"inout", test_inout},
	{"same count", test_same_count}, {"fixed", test_fixed}, {"rights", test_rights},
	{"rights inout", test_rights_inout}, {"pairs", test_pairs}, {"rights inline inout", test_rights_inline_inout},
	{"polymorphic", test_polymorphic}, {"unnamed", test_unnamed}, {"likes", test_likes},
	{"out of bounds", test_out_of_bounds}, {"structs of rights", test_structs}, {"many rights in", test_put_crowd},
	{"many rights out", test_take_crowd}, {"many rights inout", test_turn_crowd},
	{"many rights of any kind", test_any_crowd}, {"many rights with a result", test_done_crowd},
	{"bounded memory", test_bounded}, {"large memory", test_large}, {"types in line", test_in_line}, {NULL, NULL}};
