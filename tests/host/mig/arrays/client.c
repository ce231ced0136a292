/* What only the loop-back can do to calls of arrays.defs: sends that fail, messages that are not as declared. */
#include "arrays.h"
#include "run.h"

#include <stdio.h>

static int32_t numbers[] = {1, 2, 3, 4, 5, 6, 7, 8};

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
	mach_port_t one = kept;
	onces_t onces[2] = {&one, NULL}, got_onces[2];
	mach_msg_type_number_t subs[2] = {1, 0}, none[2] = {0, 0}, five[2] = {5, 0}, got[2];
	unsigned rights = lb_rights();

	arrays_told.served = 0;
	/* 5 bytes for numbers of 4; memory for rights, rights for memory; send-once rights for send rights. */
	confuse(LIKE_DATA, LIKE_NUMBERS);
	CHECK(CALL(like_data(server, data, five, got_data, got)) == MIG_BAD_ARGUMENTS);
	confuse(LIKE_NUMBERS, LIKE_RIGHTS);
	CHECK(CALL(like_numbers(server, lists, subs, got_lists, got)) == MIG_BAD_ARGUMENTS);
	confuse(LIKE_RIGHTS, LIKE_DATA);
	CHECK(CALL(like_rights(server, ports, none, got_ports, got)) == MIG_BAD_ARGUMENTS);
	confuse(LIKE_ONCES, LIKE_RIGHTS);
	CHECK(CALL(like_onces(server, onces, subs, got_onces, got)) == MIG_BAD_ARGUMENTS);
	CHECK(arrays_told.served == 0 && lb_rights() == rights && lb_regions() == 0);
	/* Requests that pass, and answers of which the client sees that they are not its own. */
	confuse(LIKE_NUMBERS, LIKE_DATA);
	CHECK(CALL(like_numbers(server, lists, subs, got_lists, got)) == MIG_TYPE_ERROR);
	CHECK(arrays_told.served == 1 && lb_rights() == rights && lb_regions() == 0);
}

/* Counts that say fewer than came, or more than fit: nothing of what came is lost. */
static void test_counts(void)
{
	data_t data[2] = {"abc", "def"}, got_data[2];
	four_t fours[2] = {numbers, numbers + 4}, got_fours[2];
	mach_msg_type_number_t subs[2] = {3, 3}, got[2], count = 2;
	mach_port_t list[2], got_list[2];
	unsigned rights = lb_rights();

	arrays_told.served = 0;
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
		list[0] = lb_send_right(kept);
		list[1] = lb_send_right(kept);
		CHECK(CALL(few_rights(server, list, 2, got_list, &count)) == MIG_BAD_ARGUMENTS);
		CHECK(arrays_told.served == 0 && lb_rights() == rights && lb_regions() == 0);
		lb_spoil_reply = spoil;
		CHECK(CALL(some_data(server, data, subs, 2, got_data, got, &count)) == MIG_TYPE_ERROR);
		lb_spoil_reply = spoil;
		list[0] = lb_send_right(kept);
		list[1] = lb_send_right(kept);
		CHECK(CALL(few_rights(server, list, 2, got_list, &count)) == MIG_TYPE_ERROR);
		CHECK(arrays_told.served == 2 && lb_rights() == rights && lb_regions() == 0);
		arrays_told.served = 0;
	}
	/* One too many of fixed size: it is not there. */
	spoilt_value = 2;
	lb_spoil_request = spoil;
	CHECK(CALL(some_fixed(server, fours, 1, got_fours, &count)) == MIG_BAD_ARGUMENTS);
	lb_spoil_reply = spoil;
	CHECK(CALL(some_fixed(server, fours, 2, got_fours, &count)) == MIG_TYPE_ERROR);
	CHECK(arrays_told.served == 1 && lb_regions() == 0);
}

static mach_port_t crowd[1024], house[300];

static void fill(mach_port_t *rights, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		rights[i] = lb_send_right(kept);
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
		lb_drop(ports[i]);
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
		lb_drop(((mach_port_t *)first->address)[i]);
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
		arrays_told.noted = 0;
		lb_spoil_request = damages[i];
		OK(done_crowd(server, KERN_SUCCESS, house));
		CHECK(arrays_told.noted == 0 && lb_rights() == rights && lb_regions() == 0);
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

static const struct calls spoilt[] = {{"not sent", test_not_sent}, {"other kinds", test_other_kinds},
	{"counts", test_counts}, {"many rights, damaged", test_damaged}, {"more than the bound", test_beyond_bound},
	{NULL, NULL}};

int main(void)
{
	unsigned failures = 0;

	lb_start(&arrays_subsystem);
	failures += lb_run("arrays", calls);
	failures += lb_run("arrays", spoilt);
	return failures == 0 ? 0 : 1;
}
