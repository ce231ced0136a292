/* The register path: all four pairings of register and buffered callers and servers, deferral, death, what does not
 * fit. */
#include "test.h"

#include <string.h>

/* A server by registers: answers each word plus one; "defer" requests are answered later; STOP_ID ends it. */
enum { ECHO_ID = 100, DEFER_ID = 101, ONEWAY_ID = 102, EXIT_OWING_ID = 103 };

static volatile uint64_t oneway_seen;

static void register_server(uint64_t port)
{
	struct mach_delivery d = {0};
	char buffer[256];
	uint32_t flags = REPLY_NONE, count = 0;
	mach_port_t owed = MACH_PORT_NULL;

	for (;;) {
		kern_return_t result =
			mach_reply_wait_words((mach_port_t)port, flags, count, buffer, sizeof buffer, &d);
		flags = REPLY_NONE;
		count = 0;
		if (result != KERN_SUCCESS)
			return;
		if (d.kind & DELIVERED_BUFFER)
			continue;
		switch (DELIVERED_ID(d.kind)) {
		case ECHO_ID:
			for (int i = 0; i < 8; i++)
				d.word[i]++;
			flags = 0;
			count = 8;
			break;
		case DEFER_ID:
			owed = mach_reply_defer();
			break;
		case ONEWAY_ID:
			oneway_seen = d.word[0];
			if (owed) {
				uint64_t word[8] = {d.word[0] + 1000};
				mach_send_words(owed, DEFER_ID + 100, word, 1);
				owed = MACH_PORT_NULL;
			}
			break;
		case EXIT_OWING_ID:
			mach_port_mod_refs(mach_task_self(), (mach_port_t)port, MACH_PORT_RIGHT_RECEIVE, -1);
			return;
		case STOP_ID:
			return;
		}
	}
}

/* The same echo by mach_msg. */
static void message_server(uint64_t port)
{
	struct words_message m;

	for (;;) {
		if (mach_msg(&m.header, MACH_RCV_MSG, 0, sizeof m, (mach_port_t)port, 0, 0) != MACH_MSG_SUCCESS)
			return;
		if (m.header.msgh_id == STOP_ID)
			return;
		unsigned count = (m.header.msgh_size - (unsigned)sizeof m.header) / 8;
		for (unsigned i = 0; i < count; i++)
			m.word[i]++;
		m.header.msgh_bits = MACH_MSGH_BITS(MACH_MSGH_BITS_REMOTE(m.header.msgh_bits), 0);
		m.header.msgh_local_port = MACH_PORT_NULL;
		m.header.msgh_id += 100;
		mach_msg(&m.header, MACH_SEND_MSG, m.header.msgh_size, 0, 0, 0, 0);
	}
}

static bool plus_one(const uint64_t *word, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		if (word[i] != 0x1111111111111111ull * (i + 1) + 1)
			return false;
	return true;
}

static void pairing(const char *name, void (*server)(uint64_t), bool by_message)
{
	char title[96];
	mach_port_t port = new_port(), reply = new_port();
	uint64_t word[8];
	mach_msg_return_t result = MACH_MSG_SUCCESS;
	bool good = true;

	start_thread(server, port);
	for (int round = 0; round < 50 && result == MACH_MSG_SUCCESS; round++) {
		unsigned count = (unsigned)(round % 8) + 1;
		memset(word, 0, sizeof word);
		for (unsigned i = 0; i < count; i++)
			word[i] = 0x1111111111111111ull * (i + 1);
		if (by_message) {
			struct words_message m;
			result = send_words(port, reply, ECHO_ID, word, count, 0, 0);
			if (result == MACH_MSG_SUCCESS)
				result = receive_words(reply, &m, 5000);
			good = good && plus_one(m.word, count) && m.header.msgh_id == ECHO_ID + 100;
		} else {
			result = mach_call_words(port, ECHO_ID, word, count);
			good = good && plus_one(word, count);
		}
	}
	snprintf(title, sizeof title, "%s: fifty calls succeed", name);
	check_is(title, result, MACH_MSG_SUCCESS);
	snprintf(title, sizeof title, "%s: every word arrives", name);
	check(title, good);
	send_words(port, MACH_PORT_NULL, STOP_ID, NULL, 0, 0, 0);
	mach_port_deallocate(mach_task_self(), port);
	free_port(reply);
}

static void deferring_caller(uint64_t port)
{
	static uint64_t word[8];

	memset(word, 0, sizeof word);
	if (mach_call_words((mach_port_t)port, DEFER_ID, word, 1) == KERN_SUCCESS)
		oneway_seen = word[0];
}

static void test_deferred(void)
{
	mach_port_t port = new_port();
	uint64_t word[8] = {77};

	start_thread(register_server, port);
	oneway_seen = 0;
	start_thread(deferring_caller, port);
	thread_switch(MACH_PORT_NULL, SWITCH_OPTION_WAIT, 50);
	check_is("a deferred caller waits", oneway_seen, 0);
	check_is("a one-way message goes", mach_send_words(port, ONEWAY_ID, word, 1), KERN_SUCCESS);
	for (int i = 0; i < 100 && oneway_seen != 1077; i++)
		thread_switch(MACH_PORT_NULL, SWITCH_OPTION_WAIT, 10);
	check_is("its reply comes later", oneway_seen, 1077);

	check_is("a server that destroys its port owing a reply", mach_call_words(port, EXIT_OWING_ID, word, 1),
		MIG_SERVER_DIED);
	check_is("calling a dead port", mach_call_words(port, ECHO_ID, word, 1), MACH_SEND_INVALID_DEST);
	mach_port_destroy(mach_task_self(), port);
}

/* A server in another task, which is killed while it owes a reply. */
static void silent_server(uint64_t port)
{
	struct mach_delivery d = {0};
	char buffer[256];

	mach_reply_wait_words((mach_port_t)port, REPLY_NONE, 0, buffer, sizeof buffer, &d);
	for (;;)
		thread_switch(MACH_PORT_NULL, SWITCH_OPTION_WAIT, 1000);
}

static volatile mach_port_t victim;

static void killer(uint64_t milliseconds)
{
	thread_switch(MACH_PORT_NULL, SWITCH_OPTION_WAIT, (uint32_t)milliseconds);
	task_terminate(victim);
}

static void test_server_task_dies(void)
{
	mach_port_t port = new_port();
	struct child child;
	uint64_t word[8] = {0};

	if (!child_create(&child, silent_server, port, MACH_PORT_NULL))
		return;
	/* The receive right goes to the child under the same name; we keep the send right. */
	check_is("a receive right is given to a task",
		mach_port_insert_right(child.task, port, port, MACH_MSG_TYPE_MOVE_RECEIVE), KERN_SUCCESS);
	thread_resume(child.thread);
	victim = child.task;
	start_thread(killer, 50);
	check_is("the caller of a task that dies", mach_call_words(port, ECHO_ID, word, 1), MIG_SERVER_DIED);
	check("its port is dead", (type_of(port) & MACH_PORT_TYPE_DEAD_NAME) != 0);
	mach_port_destroy(mach_task_self(), port);
	child_end(&child);
}

/* A server in another task: the words cross address spaces. */
static void test_two_tasks(void)
{
	mach_port_t port = new_port();
	struct child child;
	uint64_t word[8];
	kern_return_t result = KERN_SUCCESS;
	bool good = true;

	if (!child_create(&child, register_server, port, MACH_PORT_NULL))
		return;
	mach_port_insert_right(child.task, port, port, MACH_MSG_TYPE_MOVE_RECEIVE);
	thread_resume(child.thread);
	for (int round = 0; round < 200 && result == KERN_SUCCESS; round++) {
		for (unsigned i = 0; i < 8; i++)
			word[i] = 0x1111111111111111ull * (i + 1);
		result = mach_call_words(port, ECHO_ID, word, 8);
		good = good && plus_one(word, 8);
	}
	check_is("two hundred calls to another task", result, KERN_SUCCESS);
	check("bring back the right words", good);
	child_end(&child);
	mach_port_destroy(mach_task_self(), port);
}

/* A floating-point value survives calls between threads that both use the FPU. */
static void floating_server(uint64_t port)
{
	struct mach_delivery d = {0};
	char buffer[256];
	uint32_t flags = REPLY_NONE;
	volatile double sum = 0.5;

	while (mach_reply_wait_words((mach_port_t)port, flags, 1, buffer, sizeof buffer, &d) == KERN_SUCCESS &&
		DELIVERED_ID(d.kind) != STOP_ID) {
		sum = sum * 1.5 + 1;
		d.word[0]++;
		flags = 0;
	}
}

static void test_floating(void)
{
	mach_port_t port = new_port();
	uint64_t word[8] = {0};
	double x = 1;
	bool good = true;

	start_thread(floating_server, port);
	for (int i = 0; i < 40; i++) {
		register double kept __asm__("xmm7") = x * 2;
		__asm__ volatile("" : "+x"(kept));
		good = good && mach_call_words(port, ECHO_ID, word, 1) == KERN_SUCCESS;
		__asm__ volatile("" : "+x"(kept));
		good = good && kept == x * 2;
		x += 1;
	}
	check("floating-point registers survive calls", good);
	send_words(port, MACH_PORT_NULL, STOP_ID, NULL, 0, 0, 0);
	mach_port_deallocate(mach_task_self(), port);
}

void test_registers(void)
{
	pairing("register caller, register server", register_server, false);
	pairing("register caller, message server", message_server, false);
	pairing("message caller, register server", register_server, true);
	pairing("message caller, message server", message_server, true);
	test_deferred();
	test_two_tasks();
	test_server_task_dies();
	test_floating();
}
