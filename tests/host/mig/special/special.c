/* Deferred replies over the loop-back, and the stubs of system calls called as the Unix server calls them. */
#include "calls_server.h"
#include "later_server.h"
#include "later_user.h"
#include "loopback.h"

#include <stdio.h>
#include <string.h>

static bool bad;
static mach_port_t kept;

static void check_true(bool ok, const char *what, int line)
{
	if (!ok) {
		printf("  line %d: %s\n", line, what);
		bad = true;
	}
}

#define CHECK(condition) check_true(condition, #condition, __LINE__)

/* As mach_reply_defer: a send-once right for the caller. */
static mach_port_t defer(void)
{
	return lb_send_once_right(kept);
}

kern_return_t s_words(mach_port_t server, int how, int *a, int64_t *b, char *name)
{
	(void)server;
	if (how == 0) {
		*a = 1;
		*b = 2;
		strcpy(name, "at once");
		return KERN_SUCCESS;
	}
	words_reply(defer(), how == 1 ? KERN_SUCCESS : KERN_ABORTED, -7, 1ll << 40, "later");
	return MIG_NO_REPLY;
}

kern_return_t s_nothing(mach_port_t server, int how)
{
	(void)server;
	nothing_reply(defer(), how);
	return MIG_NO_REPLY;
}

kern_return_t s_text(mach_port_t server, mach_port_t reply, int how, char *answer, int *list,
	mach_msg_type_number_t *listCnt, int *last)
{
	const int numbers[] = {1, 2, 3};

	(void)server;
	if (how == 0) {
		strcpy(answer, "now");
		*listCnt = 0;
		(void)list;
		*last = 9;
		return KERN_SUCCESS;
	}
	text_reply(reply, how == 1 ? KERN_SUCCESS : KERN_NO_SPACE, "some text", numbers, 3, 77);
	return MIG_NO_REPLY;
}

kern_return_t s_rights(mach_port_t server, mach_port_t reply, int how, mach_port_t *right, later_data_t *data,
	mach_msg_type_number_t *dataCnt)
{
	vm_address_t memory;

	(void)server;
	(void)right;
	(void)data;
	(void)dataCnt;
	if (how == 2) {
		rights_reply(reply, KERN_FAILURE, MACH_PORT_NULL, NULL, 0);
		return MIG_NO_REPLY;
	}
	mig_allocate(&memory, 5);
	memcpy((void *)memory, "bytes", 5);
	rights_reply(reply, KERN_SUCCESS, lb_send_right(kept), (later_data_t)memory, 5);
	return MIG_NO_REPLY;
}

static void test_later_words(mach_port_t server)
{
	int a = 0;
	int64_t b = 0;
	char name[12];

	CHECK(words(server, 0, &a, &b, name) == KERN_SUCCESS && a == 1 && b == 2 && strcmp(name, "at once") == 0);
	CHECK(words(server, 1, &a, &b, name) == KERN_SUCCESS && a == -7 && b == 1ll << 40 &&
		strcmp(name, "later") == 0);
	CHECK(words(server, 2, &a, &b, name) == KERN_ABORTED);
	CHECK(nothing(server, 0) == KERN_SUCCESS);
	CHECK(nothing(server, KERN_TERMINATED) == KERN_TERMINATED);
}

static void test_later_messages(mach_port_t server)
{
	char answer[64];
	int list[20], last;
	mach_msg_type_number_t count = 20;
	mach_port_t right;
	later_data_t data;

	CHECK(text(server, 0, answer, list, &count, &last) == KERN_SUCCESS && strcmp(answer, "now") == 0 &&
		count == 0 && last == 9);
	count = 20;
	CHECK(text(server, 1, answer, list, &count, &last) == KERN_SUCCESS && strcmp(answer, "some text") == 0 &&
		count == 3 && list[2] == 3 && last == 77);
	CHECK(text(server, 2, answer, list, &count, &last) == KERN_NO_SPACE);
	CHECK(rights(server, 1, &right, &data, &count) == KERN_SUCCESS && lb_object(right) == lb_object(kept) &&
		count == 5 && memcmp(data, "bytes", 5) == 0);
	mach_port_deallocate(0, right);
	mig_deallocate((vm_address_t)data, count);
	CHECK(rights(server, 2, &right, &data, &count) == KERN_FAILURE);
}

int64_t c_first(uint64_t thread, int fd, uint64_t size, uint16_t mode)
{
	return fd == -100 ? (int64_t)(thread + size + mode) : MIG_FOREIGN_NO_REPLY;
}

int64_t c_none(uint64_t thread)
{
	return thread == 1 ? MIG_FOREIGN_KEEP : -38;
}

int64_t c_six(uint64_t thread, int a, int b, int c, int d, int e, uint64_t f)
{
	return (int64_t)thread + a + 10 * b + 100 * c + 1000 * d + 10000 * e + 100000 * (int64_t)f;
}

static int64_t call(unsigned number, uint64_t thread, const uint64_t arguments[6])
{
	uint64_t word[7];

	memcpy(word, arguments, 48);
	word[6] = thread;
	return calls_subsystem.routine[number - 10].foreign(word);
}

static void test_calls(mach_port_t server)
{
	const uint64_t at[6] = {0xffffff9c, 5, 0x10007, 0, 0, 0}, six[6] = {1, 2, 3, 4, 5, 6};

	(void)server;
	CHECK(call(10, 1000, at) == 1012);
	CHECK(call(10, 0, six) == MIG_FOREIGN_NO_REPLY);
	CHECK(call(13, 1, six) == MIG_FOREIGN_KEEP);
	CHECK(call(13, 2, six) == -38);
	CHECK(call(14, 0, six) == 654321);
	CHECK(calls_subsystem.start == 10 && calls_subsystem.end == 15 && calls_subsystem.routine[1].foreign == NULL);
	/* An ordinary message cannot reach a system call. */
	CHECK(calls_subsystem.routine[0].words == NULL && calls_subsystem.routine[0].message == NULL);
	CHECK(calls_trace_table.start == 10 && calls_trace_table.count == 5 &&
		calls_trace_table.routine[1].name == NULL);
	CHECK(strcmp(calls_trace_table.routine[0].argument[2].type, "mode_like") == 0 &&
		strcmp(calls_trace_table.routine[0].argument[0].name, "fd") == 0 &&
		calls_trace_table.routine[0].argument[2].bytes == 2 && calls_trace_table.routine[0].arguments == 3);
}

static void run(const char *name, void (*test)(mach_port_t server), mach_port_t server)
{
	unsigned rights_before, regions_before;

	mig_get_reply_port();
	rights_before = lb_rights();
	regions_before = lb_regions();
	bad = false;
	test(server);
	CHECK(lb_rights() == rights_before);
	CHECK(lb_regions() == regions_before);
	printf("%s mig %s, %s\n", bad ? "FAIL" : "PASS", name, lb_force_messages ? "by message" : "by registers");
}

int main(void)
{
	mach_port_t server = lb_send_right(lb_port(&later_subsystem, 0));

	kept = lb_port(NULL, 0);
	run("deferred replies of register routines", test_later_words, server);
	run("deferred replies of messages", test_later_messages, server);
	run("system calls", test_calls, server);
	return 0;
}
