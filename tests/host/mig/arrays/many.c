/* Calls the routines of arrays.defs with structs of rights, many rights, and memory that is bounded or large. */
#include "arrays.h"

void MsgError(kern_return_t error);

static void fill(mach_port_t *rights, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		rights[i] = lb_send_right(kept);
}

/* What functions that fail call. */
void MsgError(kern_return_t error)
{
	CHECK(error == KERN_SUCCESS);
}

void test_structs(void)
{
	const unsigned references = lb_references();
	const uint64_t memory = lb_memory();
	couple_t a, b[3], c[2];
	int32_t sum;

	for (int32_t code = KERN_SUCCESS; code <= KERN_INVALID_ADDRESS; code++) {
		fill(&a.one, 2);
		fill(&b[0].one, 6);
		fill(&c[0].one, 4);
		CHECK(CALL(put_struct(server, a, b, c, 2, code, &sum)) == code);
		CHECK(code != KERN_SUCCESS || sum == 2 + 60 + 400);
		CHECK(lb_references() == references && lb_memory() == memory);
	}
	fill(&c[0].one, 2);
	c[1] = c[0];
	OK(take_struct(server, &a, c, b));
	CHECK(release_all(&a.one, 2) == 2 && release_all(&b[0].one, 6) == 6 && release_all(&c[0].one, 2) == 2);
	a = two_rights(server);
	CHECK(release_all(&a.one, 2) == 2 && lb_references() == references);
}

static mach_port_t crowd[1024], house[300];
static pair_t pairs[200];

void test_put_crowd(void)
{
	const unsigned references = lb_references();
	const uint64_t memory = lb_memory();
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
			CHECK_LOOPBACK(lb_last_request_size == 24 + 8 + 4 * 16 + 8 + 8);
			CHECK(lb_references() == references && lb_memory() == memory);
		}
	}
	CHECK(CALL(put_crowd(server, crowd, 1025, house, pairs, 0, few, 0, 0, &sum)) == MIG_ARRAY_TOO_LARGE);
	CHECK(CALL(put_crowd(server, crowd, 0, house, pairs, 201, few, 0, 0, &sum)) == MIG_ARRAY_TOO_LARGE);
	fill(crowd, 600);
	OK(noted_crowd(server, crowd, 600, KERN_SUCCESS));
	lb_ask();
	CHECK(arrays_told.noted == 600);
	fill(crowd, 600);
	OK(noted_crowd(server, crowd, 600, KERN_FAILURE));
	lb_ask();
	CHECK(arrays_told.noted == -600 && lb_references() == references && lb_memory() == memory);
}

void test_take_crowd(void)
{
	const unsigned references = lb_references();
	const uint64_t memory = lb_memory();
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
		CHECK(lb_references() == references && lb_memory() == memory);
	}
	/* The caller has no room, and is told how much it takes. */
	crowdCnt = 549, pairsCnt = 200;
	CHECK(CALL(take_crowd(server, 550, crowd, &crowdCnt, house, pairs, &pairsCnt, text, &list, &listCnt)) ==
		MIG_ARRAY_TOO_LARGE);
	CHECK(crowdCnt == 550 && lb_references() == references && lb_memory() == memory);
}

void test_turn_crowd(void)
{
	const unsigned references = lb_references();
	const uint64_t memory = lb_memory();
	mach_msg_type_number_t count = 1000;

	fill(crowd, 1000);
	fill(house, 300);
	OK(turn_crowd(server, crowd, &count, house, KERN_SUCCESS));
	CHECK(count == 1001 && release_all(crowd, 1001) == 1001 && release_all(house, 300) == 300);
	fill(crowd, count = 7);
	fill(house, 300);
	CHECK(CALL(turn_crowd(server, crowd, &count, house, KERN_FAILURE)) == KERN_FAILURE);
	CHECK(lb_references() == references && lb_memory() == memory);
}

void test_any_crowd(void)
{
	const unsigned references = lb_references();
	const uint64_t memory = lb_memory();
	static int32_t names[1000], names2[1000];
	mach_msg_type_number_t count = 1000;
	mach_msg_type_name_t poly;

	fill(crowd, 300);
	names[299] = 5;
	OK(any_crowd(server, crowd, MACH_MSG_TYPE_MOVE_SEND, 300, names, house, &poly, &count, names2));
	CHECK(poly == MACH_MSG_TYPE_PORT_SEND_ONCE && count == 300 && names2[299] == 5);
	CHECK(lb_right(house[299]) == MACH_PORT_RIGHT_SEND_ONCE && release_all(house, 300) == 300);
	CHECK(lb_references() == references && lb_memory() == memory);
}

/* A result that is not success comes with as many null rights as the work function expects. */
void test_done_crowd(void)
{
	const unsigned references = lb_references();
	const uint64_t memory = lb_memory();

	fill(house, 300);
	OK(done_crowd(server, KERN_SUCCESS, house));
	lb_ask();
	CHECK(arrays_told.noted == 300 && lb_references() == references);
	OK(done_crowd(server, KERN_NO_SPACE, house));
	lb_ask();
	CHECK(arrays_told.noted == -300 && lb_memory() == memory);
}

static int32_t numbers[] = {1, 2, 3, 4, 5, 6, 7, 8};

void test_bounded(void)
{
	few_numbers_t lists[3] = {numbers, numbers + 1, numbers + 2}, back[3];
	mach_msg_type_number_t listsSubs[3] = {5, 0, 1}, backSubs[3], count, backCnt = 3;
	few_numbers_t d;
	mach_port_t three[4];
	const unsigned references = lb_references();
	const uint64_t memory = lb_memory();

	for (int32_t said = 0; said < 8; said++) {
		fill(three, 3);
		CHECK(CALL(bounded(server, numbers, 5, three, 3, lists, listsSubs, 3, said, &d, &count, back, backSubs,
			      &backCnt)) == (said <= 5 ? KERN_SUCCESS : MIG_ARRAY_TOO_LARGE));
		CHECK(lb_references() == references);
		if (said > 5)
			continue;
		CHECK(count == (unsigned)said && backCnt == 1 && backSubs[0] == (unsigned)said);
		give_back(d, count * 4);
		give_back(back[0], backSubs[0] * 4);
		CHECK(lb_memory() == memory);
	}
	CHECK(lb_memory() == memory);
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

void test_large(void)
{
	static unsigned char bytes[3000001];
	const uint64_t memory = lb_memory();
	int32_t sum;

	bytes[1999999] = 3;
	bytes[2999999] = 4;
	OK(large(server, bytes, bytes, 3000000, &sum));
	CHECK(sum == 7 && lb_memory() == memory);
	CHECK(CALL(large(server, bytes, bytes, 3000001, &sum)) == MIG_ARRAY_TOO_LARGE);
}

void test_in_line(void)
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
