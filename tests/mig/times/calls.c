/* Calls every routine of times.defs: times that run out, on either side, and where what was on its way is then. */
#include "times.h"

#include <mach/mach.h>
#include <stdio.h>
#include <string.h>

enum { LIMIT = 30, LONG = 20000 }; /* ms: one that runs out, and one that does not */
enum { MILLION = 1000000 };

static kern_return_t last_error;

void times_error(kern_return_t error);
void times_error(kern_return_t error)
{
	last_error = error;
}

static int64_t since;

static void start_clock(void)
{
	since = (int64_t)mach_clock_monotonic();
}

/* The limit has passed, and no more than a starved machine takes. */
static bool took(int64_t limit)
{
	const int64_t ms = ((int64_t)mach_clock_monotonic() - since) / MILLION;

	return ms >= limit && ms < limit + 10000;
}

/* The last late answer could not be sent, or could; afterwards no right that it brought is anywhere. */
static void answered_late(unsigned before, kern_return_t result)
{
	lb_in_server(ANSWER);
	lb_in_server(LOOK);
	lb_ask();
	CHECK(times_told.answered == before + 1 && times_told.result == result);
}

static unsigned answered(void)
{
	lb_ask();
	return times_told.answered;
}

static void test_receive_time(void)
{
	const unsigned references = lb_references(), before = answered();
	const uint64_t memory = lb_memory();
	mach_port_t right = 77, plain = mig_get_reply_port(), other = mig_get_special_reply_port();
	data_t data = NULL;
	mach_msg_type_number_t count = 0;
	int32_t length = -1;

	start_clock();
	CHECK(CALL(slow(server, LIMIT, lb_send_right(kept), memory_of("abc", 3), 3, &right, &data, &count)) ==
		MACH_RCV_TIMED_OUT);
	CHECK(took(LIMIT) && right == 77 && data == NULL);
	/* The request went, and what was in it; the port that the answer would have come to is gone, so that it cannot.
	 */
	CHECK(lb_references() == references && lb_memory() == memory && lb_object(plain) == 0);
	answered_late(before, MACH_SEND_INVALID_DEST);
	CHECK(!times_told.has_senders);
	/* The next call is not disturbed. */
	OK(slow_stated(server, "", &length));
	CHECK(length == 0);
	plain = mig_get_reply_port();

	start_clock();
	CHECK(CALL(slow_stated(server, "text", &length)) == MACH_RCV_TIMED_OUT);
	CHECK(took(30) && length == 0 && lb_object(plain) == 0);
	answered_late(before + 1, MACH_SEND_INVALID_DEST);

	plain = mig_get_reply_port();
	start_clock();
	CHECK(CALL(slow_special(server, "text", &length)) == MACH_RCV_TIMED_OUT);
	CHECK(took(30) && length == 0 && lb_object(other) == 0 && mig_get_reply_port() == plain);
	answered_late(before + 2, MACH_SEND_INVALID_DEST);
	OK(slow_special(server, "", &length));
	CHECK(length == 0);
}

/* At a port of the client's own the answer arrives, too late: it is destroyed with the port, or by who receives it. */
static void test_late_at_own_port(void)
{
	for (int end = 0; end < 2; end++) {
		const unsigned before = answered();
		mach_port_t mine = lb_port(NULL, 0), right = 77;
		data_t data = NULL;
		mach_msg_type_number_t count = 0;
		int32_t b = -1;

		start_clock();
		CHECK(CALL(slow_own(server, mine, LIMIT, &right, &data, &count)) == MACH_RCV_TIMED_OUT);
		CHECK(took(LIMIT) && right == 77 && data == NULL);
		answered_late(before, KERN_SUCCESS);
		CHECK(times_told.has_senders);
		if (end == 1)
			CHECK(CALL(echo_own(server, mine, 1, &b)) == MIG_REPLY_MISMATCH && b == -1);
		else
			drop(mine);
		lb_in_server(LOOK);
		lb_ask();
		CHECK(!times_told.has_senders);
		if (end == 1) {
			/* Its own answer is behind the late one. */
			drop(mine);
		}
	}
}

/* Work functions that take longer than their clients wait: the loop cannot send what they answer. */
static void test_work_that_takes_too_long(void)
{
	const unsigned references = lb_references();
	const uint64_t memory = lb_memory();
	vm_statistics_data_t there, then;
	mach_port_t right = 77;
	data_t data = NULL;
	mach_msg_type_number_t count = 0;
	char text[40] = "none";

	OK(sleepy(server, LONG, 0, lb_send_right(kept), &right, &data, &count));
	CHECK(count == LATE_BYTES && data[0] == 'l' && data[LATE_BYTES - 1] == 'l');
	CHECK(lb_right(right) == MACH_PORT_RIGHT_SEND);
	drop(right);
	give_back(data, LATE_BYTES);
	right = 77;
	data = NULL;
	vm_statistics(mach_task_self(), &there);
	/* More than a run of requests after which the server loop answers and receives in one trap. */
	for (int i = 0; i < 8; i++) {
		start_clock();
		CHECK(CALL(sleepy(server, 10, 30, lb_send_right(kept), &right, &data, &count)) == MACH_RCV_TIMED_OUT);
		CHECK(took(10) && right == 77 && data == NULL);
	}
	lb_in_server(LOOK);
	lb_ask();
	CHECK(!times_told.has_senders && lb_references() == references && lb_memory() == memory);
	vm_statistics(mach_task_self(), &then);
	/* A quarter of what the eight were: the kernel's own memory varies. */
	CHECK(there.free_count < then.free_count + 2 * LATE_BYTES / 4096);

	last_error = KERN_SUCCESS;
	CALL(sleepy_procedure(server, 0, text));
	CHECK(strcmp(text, "slept") == 0 && last_error == KERN_SUCCESS);
	CHECK(CALL(sleepy_function(server, 0, "four")) == 4 && last_error == KERN_SUCCESS);
	strcpy(text, "none");
	CALL(sleepy_procedure(server, 60, text));
	CHECK(strcmp(text, "none") == 0 && last_error == MACH_RCV_TIMED_OUT);
	last_error = KERN_SUCCESS;
	CHECK(CALL(sleepy_function(server, 60, "four")) == 0 && last_error == MACH_RCV_TIMED_OUT);
}

/* Answers by another thread of the server, while the client waits. */
static void test_deferred(void)
{
	mach_port_t right = MACH_PORT_NULL;
	data_t data = NULL;
	mach_msg_type_number_t count = 0;
	int32_t length = 0, b = 0;
	int64_t c = 0;

	for (int round = 0; round < 2; round++) {
		start_clock();
		OK(patient_words(server, 20, 5, &b, &c));
		CHECK(took(20) && b == 6 && c == -(1ll << 40));
		start_clock();
		OK(patient(server, 20, "four", &right, &data, &count, &length));
		CHECK(took(20) && count == LATE_BYTES && data[LATE_BYTES - 1] == 'l' && length == 4);
		CHECK(lb_right(right) == MACH_PORT_RIGHT_SEND);
		drop(right);
		give_back(data, LATE_BYTES);
		/* After a run of requests by message the server loop takes those by registers as messages, too. */
		for (int i = 0; i < 6; i++)
			OK(slow_stated(server, "", &length));
	}
	lb_in_server(LOOK);
	lb_ask();
	CHECK(!times_told.has_senders);
}

static void test_send_time(void)
{
	const unsigned references = lb_references();
	const uint64_t memory = lb_memory();
	mach_port_t deaf = MACH_PORT_NULL;
	mach_msg_return_t result = KERN_SUCCESS;
	unsigned before, sent = 0;
	int32_t sum, b = -1;
	data_t data = NULL;

	lb_ask();
	before = times_told.pushed;
	sum = times_told.sum;
	OK(deaf_port(server, &deaf));
	while (result == KERN_SUCCESS && sent < 2 * MACH_PORT_QLIMIT_DEFAULT) {
		data = memory_of("abc", 3);
		start_clock();
		result = CALL(push(deaf, LIMIT, (int32_t)sent, lb_send_right(kept), data, 3));
		if (result == KERN_SUCCESS)
			sum += (int32_t)sent++;
	}
	CHECK(result == MACH_SEND_TIMED_OUT && took(LIMIT) && sent == MACH_PORT_QLIMIT_DEFAULT);
	/* Right and memory are the caller's: so for all but the last two, which say otherwise. The right to `deaf`:
	 * one. */
	CHECK(lb_references() == references + 2 && memcmp(data, "abc", 3) == 0);
	start_clock();
	CHECK(CALL(push_wait(deaf, LIMIT, 100, kept, &b)) == MACH_SEND_TIMED_OUT && took(LIMIT) && b == -1);
	start_clock();
	CHECK(CALL(push_stated(deaf, 100, kept)) == MACH_SEND_TIMED_OUT && took(30));
	last_error = KERN_SUCCESS;
	start_clock();
	CALL(push_procedure(deaf, 100, kept));
	CHECK(last_error == MACH_SEND_TIMED_OUT && took(30));
	CHECK(lb_references() == references + 2);
	start_clock();
	CHECK(CALL(push_consumed(deaf, 100, kept, data, 3)) == MACH_SEND_TIMED_OUT && took(30));
	CHECK(lb_references() == references + 1 && lb_memory() == memory);
	start_clock();
	CHECK(CALL(push_consumed_any(deaf, 100, lb_send_right(kept), memory_of("abc", 3), 3)) == MACH_SEND_TIMED_OUT);
	CHECK(took(30) && lb_references() == references + 1 && lb_memory() == memory);
	/* Of errors that are no timeout only one is to consume. */
	data = memory_of("abc", 3);
	CHECK(CALL(push_consumed(MACH_PORT_NULL, 100, lb_send_right(kept), data, 3)) == MACH_SEND_INVALID_DEST);
	CHECK(lb_references() == references + 2 && memcmp(data, "abc", 3) == 0);
	CHECK(CALL(push_consumed_any(MACH_PORT_NULL, 100, kept, data, 3)) == MACH_SEND_INVALID_DEST);
	CHECK(lb_references() == references + 1 && lb_memory() == memory);

	/* What was sent is served, and nothing else. */
	lb_in_server(LISTEN);
	for (int i = 0; i < 500 && times_told.pushed != before + sent; i++) {
		thread_switch(MACH_PORT_NULL, SWITCH_OPTION_WAIT, 10);
		lb_ask();
	}
	OK(push_wait(deaf, LONG, 1000, lb_send_right(kept), &b));
	OK(push_stated(deaf, 10, lb_send_right(kept)));
	CALL(push_procedure(deaf, 10, lb_send_right(kept)));
	OK(push_consumed(deaf, 10, lb_send_right(kept), memory_of("abc", 3), 3));
	OK(push_consumed_any(deaf, 10, lb_send_right(kept), memory_of("abc", 3), 3));
	OK(push_wait(deaf, LONG, 1000, lb_send_right(kept), &b));
	lb_ask();
	CHECK(b == 1001 && times_told.pushed == before + sent + 6 && times_told.sum == sum + 2040);
	lb_in_server(DEAFEN);
	drop(deaf);
	CHECK(lb_references() == references && lb_memory() == memory);
}

static void test_words_without_result(void)
{
	int32_t value = 14, before;

	last_error = KERN_SUCCESS;
	CALL(halve(server, &value));
	CHECK(value == 7 && CALL(twice(server, -21)) == -42);
	lb_ask();
	before = times_told.remarks;
	CALL(remark(server, 4));
	lb_ask();
	CHECK(times_told.remarks == before + 4 && last_error == KERN_SUCCESS);
	CALL(halve(stranger, &value));
	CHECK(value == 7 && last_error == MIG_BAD_ID);
	last_error = KERN_SUCCESS;
	CHECK(CALL(twice(stranger, 1)) == 0 && last_error == MIG_BAD_ID);
	last_error = KERN_SUCCESS;
	CALL(remark(MACH_PORT_NULL, 4));
	CHECK(last_error == MACH_SEND_INVALID_DEST);
}

const struct calls calls[] = {{"receiving times out", test_receive_time},
	{"late at one's own port", test_late_at_own_port}, {"work that takes too long", test_work_that_takes_too_long},
	{"deferred answers", test_deferred}, {"sending times out", test_send_time},
	{"procedures by registers", test_words_without_result}, {NULL, NULL}};
