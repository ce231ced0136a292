/* Calls the routines of arrays.defs with structs of rights, many rights, and memory that is bounded or large. */
#include "check.h"

#include <stdlib.h>

void MsgError(kern_return_t error);

static void fill(mach_port_t *rights, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		rights[i] = lb_send_right(arrays_kept);
}

/* What functions that fail call. */
void MsgError(kern_return_t error)
{
	CHECK(error == KERN_SUCCESS);
}

static void test_structs(void)
{
	unsigned rights = lb_rights();
	couple_t a, b[3], c[2];
	int32_t sum;

	for (int32_t code = KERN_SUCCESS; code <= KERN_INVALID_ADDRESS; code++) {
		fill(&a.one, 2);
		fill(&b[0].one, 6);
		fill(&c[0].one, 4);
		CHECK(CALL(put_struct(server, a, b, c, 2, code, &sum)) == code);
		CHECK(code != KERN_SUCCESS || sum == 2 + 60 + 400);
		CHECK(lb_rights() == rights && lb_regions() == 0);
	}
	fill(&c[0].one, 2);
	c[1] = c[0];
	OK(take_struct(server, &a, c, b));
	CHECK(release_all(&a.one, 2) == 2 && release_all(&b[0].one, 6) == 6 && release_all(&c[0].one, 2) == 2);
	a = two_rights(server);
	CHECK(release_all(&a.one, 2) == 2 && lb_rights() == rights);
}

static mach_port_t crowd[1024], house[300];
static pair_t pairs[200];

static void test_put_crowd(void)
{
	unsigned rights = lb_rights();
	mach_port_t few[4];
	int32_t sum;

	for (int32_t code = KERN_SUCCESS; code <= KERN_INVALID_ADDRESS; code++) {
		for (unsigned count = 0; count <= 1024; count += 512) {
			fill(crowd, count);
			fill(house, 300);
			fill(pairs[0], 2 * (count / 8));
			fill(few, count / 512);
			CHECK(CALL(put_crowd(server, crowd, count, house, pairs, count / 8, few, count / 512, code,
				      &sum)) == code);
			CHECK(code != KERN_SUCCESS || sum == (int32_t)(count + 300 + 2 * (count / 8) + count / 512));
			/* Header, body and four descriptors. */
			CHECK(lb_last_request_size == 24 + 8 + 4 * 16 + 8 + 8);
			CHECK(lb_rights() == rights && lb_regions() == 0);
		}
	}
	CHECK(CALL(put_crowd(server, crowd, 1025, house, pairs, 0, few, 0, 0, &sum)) == MIG_ARRAY_TOO_LARGE);
	CHECK(CALL(put_crowd(server, crowd, 0, house, pairs, 201, few, 0, 0, &sum)) == MIG_ARRAY_TOO_LARGE);
	fill(crowd, 600);
	OK(noted_crowd(server, crowd, 600, KERN_SUCCESS));
	CHECK(arrays_noted == 600);
	fill(crowd, 600);
	OK(noted_crowd(server, crowd, 600, KERN_FAILURE));
	CHECK(arrays_noted == -600 && lb_rights() == rights && lb_regions() == 0);
}

static void test_take_crowd(void)
{
	unsigned rights = lb_rights();
	mach_msg_type_number_t crowdCnt = 1024, pairsCnt = 200, listCnt;
	numbers_t list;
	char text[20];

	for (int32_t count = 0; count <= 1100; count += 550) {
		crowdCnt = 1024, pairsCnt = 200;
		OK(take_crowd(server, count, crowd, &crowdCnt, house, pairs, &pairsCnt, text, &list, &listCnt));
		/* No more than there was room for. */
		CHECK(crowdCnt == (count > 1024 ? 1024u : (unsigned)count) && pairsCnt == (unsigned)count / 8);
		CHECK(strcmp(text, "as told") == 0 && listCnt == 1 && list[0] == count);
		CHECK(release_all(crowd, crowdCnt) == (int32_t)crowdCnt && release_all(house, 300) == 300);
		CHECK(release_all(pairs[0], 2 * pairsCnt) == 2 * (int32_t)pairsCnt);
		give_back(list, 4);
		CHECK(lb_rights() == rights && lb_regions() == 0);
	}
	/* The caller has no room, and is told how much it takes. */
	crowdCnt = 549, pairsCnt = 200;
	CHECK(CALL(take_crowd(server, 550, crowd, &crowdCnt, house, pairs, &pairsCnt, text, &list, &listCnt)) ==
		MIG_ARRAY_TOO_LARGE);
	CHECK(crowdCnt == 550 && lb_rights() == rights && lb_regions() == 0);
}

static void test_turn_crowd(void)
{
	unsigned rights = lb_rights();
	mach_msg_type_number_t count = 1000;

	fill(crowd, 1000);
	fill(house, 300);
	OK(turn_crowd(server, crowd, &count, house, KERN_SUCCESS));
	CHECK(count == 1001 && release_all(crowd, 1001) == 1001 && release_all(house, 300) == 300);
	fill(crowd, count = 7);
	fill(house, 300);
	CHECK(CALL(turn_crowd(server, crowd, &count, house, KERN_FAILURE)) == KERN_FAILURE);
	CHECK(lb_rights() == rights && lb_regions() == 0);
}

static void test_any_crowd(void)
{
	unsigned rights = lb_rights();
	static int32_t names[1000], names2[1000];
	mach_msg_type_number_t count = 1000;
	mach_msg_type_name_t poly;

	fill(crowd, 300);
	names[299] = 5;
	OK(any_crowd(server, crowd, MACH_MSG_TYPE_MOVE_SEND, 300, names, house, &poly, &count, names2));
	CHECK(poly == MACH_MSG_TYPE_PORT_SEND_ONCE && count == 300 && names2[299] == 5);
	CHECK(lb_right(house[299]) == MACH_PORT_RIGHT_SEND_ONCE && release_all(house, 300) == 300);
	CHECK(lb_rights() == rights && lb_regions() == 0);
}

/* A result that is not success comes with as many null rights as the work function expects. */
static void test_done_crowd(void)
{
	unsigned rights = lb_rights();

	fill(house, 300);
	OK(done_crowd(server, KERN_SUCCESS, house));
	CHECK(arrays_noted == 300 && lb_rights() == rights);
	OK(done_crowd(server, KERN_NO_SPACE, house));
	CHECK(arrays_noted == -300 && lb_regions() == 0);
}

static mach_msg_size_t changed_count;

/* The first descriptor says it has fewer rights, or another kind of them: those that are not said are let go of. */
static void change_count(mach_msg_header_t *message)
{
	mach_msg_ool_ports_descriptor_t *first = (void *)((mach_msg_body_t *)(void *)(message + 1) + 1);
	const mach_port_t *ports = first->address;
	void *less;

	lb_spoil_request = lb_spoil_reply = NULL;
	for (mach_msg_size_t i = changed_count; i < first->count; i++)
		lb_release(ports[i]);
	less = memory_of(ports, changed_count * sizeof *ports);
	if (first->deallocate)
		give_back(first->address, first->count * sizeof *ports);
	first->address = less;
	first->deallocate = 1;
	first->count = changed_count;
}

static void change_disposition(mach_msg_header_t *message)
{
	mach_msg_ool_ports_descriptor_t *first = (void *)((mach_msg_body_t *)(void *)(message + 1) + 1);

	lb_spoil_request = lb_spoil_reply = NULL;
	for (mach_msg_size_t i = 0; i < first->count; i++) {
		lb_release(((mach_port_t *)first->address)[i]);
		((mach_port_t *)first->address)[i] = MACH_PORT_NULL;
	}
	first->disposition = MACH_MSG_TYPE_MOVE_SEND_ONCE;
}

static void test_damaged(void)
{
	unsigned rights = lb_rights();
	mach_msg_type_number_t count = 7;
	void (*const damages[])(mach_msg_header_t *) = {change_count, change_disposition};

	/* 299 where there are always 300, and rights of another kind. */
	for (unsigned i = 0; i < 2; i++) {
		changed_count = 299;
		fill(house, 300);
		arrays_noted = 0;
		lb_spoil_request = damages[i];
		OK(done_crowd(server, KERN_SUCCESS, house));
		CHECK(arrays_noted == 0 && lb_rights() == rights && lb_regions() == 0);
		/* Pairs, of which half a one came; and turned rights. */
		changed_count = 3;
		fill(crowd, count = 7);
		fill(house, 300);
		lb_spoil_reply = damages[i];
		CHECK(CALL(turn_crowd(server, crowd, &count, house, KERN_SUCCESS)) ==
			(i == 0 ? KERN_SUCCESS : MIG_TYPE_ERROR));
		if (i == 0)
			CHECK(count == 3 && release_all(crowd, 3) == 3 && release_all(house, 300) == 300);
		CHECK(lb_rights() == rights && lb_regions() == 0);
	}
}

static int32_t numbers[] = {1, 2, 3, 4, 5, 6, 7, 8};

static void test_bounded(void)
{
	few_numbers_t lists[3] = {numbers, numbers + 1, numbers + 2}, back[3];
	mach_msg_type_number_t listsSubs[3] = {5, 0, 1}, backSubs[3], count, backCnt = 3;
	few_numbers_t d;
	mach_port_t three[4];
	unsigned rights = lb_rights();

	for (int32_t said = 0; said < 8; said++) {
		fill(three, 3);
		CHECK(CALL(bounded(server, numbers, 5, three, 3, lists, listsSubs, 3, said, &d, &count, back, backSubs,
			      &backCnt)) == (said <= 5 ? KERN_SUCCESS : MIG_ARRAY_TOO_LARGE));
		CHECK(lb_rights() == rights);
		if (said > 5)
			continue;
		CHECK(count == (unsigned)said && backCnt == 1 && backSubs[0] == (unsigned)said);
		give_back(d, count * 4);
		give_back(back[0], backSubs[0] * 4);
		CHECK(lb_regions() == 0);
	}
	CHECK(lb_regions() == 0);
	/* Before anything is sent. */
	fill(three, 4);
	CHECK(CALL(bounded(server, numbers, 6, three, 3, lists, listsSubs, 3, 1, &d, &count, back, backSubs,
		      &backCnt)) == MIG_ARRAY_TOO_LARGE);
	CHECK(CALL(bounded(server, numbers, 5, three, 4, lists, listsSubs, 3, 1, &d, &count, back, backSubs,
		      &backCnt)) == MIG_ARRAY_TOO_LARGE);
	listsSubs[2] = 6;
	CHECK(CALL(bounded(server, numbers, 5, three, 3, lists, listsSubs, 3, 1, &d, &count, back, backSubs,
		      &backCnt)) == MIG_ARRAY_TOO_LARGE);
	release_all(three, 4);
}

static mach_msg_id_t asked, served;

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

/* Too much, from one that has no such bound. */
static void test_beyond_bound(void)
{
	mach_msg_type_number_t count;
	numbers_t back;

	for (unsigned size = 5; size <= 6; size++) {
		asked = MIG_ID_like_bounded;
		served = MIG_ID_few;
		lb_spoil_request = ask_another;
		lb_spoil_reply = answer_as_asked;
		CHECK(CALL(like_bounded(server, numbers, size, &back, &count)) ==
			(size == 5 ? KERN_SUCCESS : MIG_BAD_ARGUMENTS));
		if (size == 5)
			give_back(back, count * 4);
		asked = MIG_ID_few;
		served = MIG_ID_like_bounded;
		lb_spoil_request = ask_another;
		lb_spoil_reply = answer_as_asked;
		CHECK(CALL(few(server, numbers, size - 4, &back, &count)) ==
			(size == 5 ? KERN_SUCCESS : MIG_TYPE_ERROR));
		if (size == 5)
			give_back(back, count * 4);
		CHECK(lb_regions() == 0);
	}
}

static void test_large(void)
{
	unsigned char *bytes = calloc(1, 3000000);
	int32_t sum;

	bytes[1999999] = 3;
	bytes[2999999] = 4;
	OK(large(server, bytes, bytes, 3000000, &sum));
	CHECK(sum == 7 && lb_regions() == 0);
	CHECK(CALL(large(server, bytes, bytes, 3000001, &sum)) == MIG_ARRAY_TOO_LARGE);
	free(bytes);
}

static void test_in_line(void)
{
	data_t c[2] = {"\1", "\2"};
	mach_msg_type_number_t cSubs[2] = {1, 1}, count = 6;
	mach_port_t d[2], f[2];
	int32_t e[6];
	char text[12];

	fill(d, 2);
	fill(f, 2);
	OK(in_line(server, numbers, numbers, 5, "a text", c, cSubs, d, 2, e, &count, text, f));
	CHECK(count == 5 && e[4] == 5 + 6 + 5 && strcmp(text, "a text") == 0 && release_all(f, 2) == 2);
}

void test_many(void)
{
	run("structs of rights", test_structs);
	run("many rights in", test_put_crowd);
	run("many rights out", test_take_crowd);
	run("many rights inout", test_turn_crowd);
	run("many rights of any kind", test_any_crowd);
	run("many rights with a result", test_done_crowd);
	run("many rights, damaged", test_damaged);
	run("bounded memory", test_bounded);
	run("more than the bound", test_beyond_bound);
	run("large memory", test_large);
	run("types in line", test_in_line);
}
