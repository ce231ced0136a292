/* The register path: all four pairings of register and buffered callers and servers, deferral, death, what does not
 * fit. */
#include "test.h"

#include <string.h>

/* A server by registers: answers each word plus one; "defer" requests are answered later; STOP_ID ends it. */
enum { ECHO_ID = 100, DEFER_ID = 101, ONEWAY_ID = 102, EXIT_OWING_ID = 103 };

static volatile uint64_t oneway_seen, oneway_rest;

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
				uint64_t word[8] = {d.word[0] + 1000, 0xbad, 0xbad, 0xbad, 0xbad, 0xbad, 0xbad, 0xbad};

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
				result = receive_words(reply, &m, PATIENCE);
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
	if (mach_call_words((mach_port_t)port, DEFER_ID, word, 1) == KERN_SUCCESS) {
		for (int i = 1; i < 8; i++)
			oneway_rest |= word[i];
		oneway_seen = word[0];
	}
}

static void test_deferred(void)
{
	mach_port_t port = new_port();
	uint64_t word[8] = {77};

	start_thread(register_server, port);
	oneway_seen = 0;
	start_thread(deferring_caller, port);
	nap(50);
	check_is("a deferred caller waits", oneway_seen, 0);
	check_is("a one-way message goes", mach_send_words(port, ONEWAY_ID, word, 1), KERN_SUCCESS);
	for (int i = 0; i < PATIENCE && oneway_seen != 1077; i++)
		nap(1);
	check_is("its reply comes later", oneway_seen, 1077);
	check_is("with nothing of the server's in the words that were not sent", oneway_rest, 0);

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
		nap(1000);
}

static volatile mach_port_t victim;

static void killer(uint64_t milliseconds)
{
	nap((uint32_t)milliseconds);
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
	/* Its threads end before its ports, and another processor may be at that. */
	for (int i = 0; i < PATIENCE && !(type_of(port) & MACH_PORT_TYPE_DEAD_NAME); i++)
		nap(1);
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

/* Calls once and says with what result that ended. */
enum { CALL_ID = 300, RESULT_ID = 301 };

static void caller_to_abort(uint64_t port)
{
	uint64_t word[8] = {5, 6, 7, 8, 9, 10, 11, 12};
	kern_return_t result = mach_call_words((mach_port_t)port, CALL_ID, word, 8);

	word[0] = (uint64_t)result;
	mach_send_words((mach_port_t)port, RESULT_ID, word, 1);
	for (;;)
		nap(1000);
}

/* A caller is aborted after its request was received: the request does not come again. */
static void test_aborted(bool server_waits)
{
	mach_port_t port = new_port();
	struct mach_delivery d = {0};
	struct child child;
	char buffer[256];

	if (!child_create(&child, caller_to_abort, port, port))
		return;
	thread_resume(child.thread);
	if (!server_waits) /* else the words come by a direct switch */
		nap(20);
	check_is("a call is received", mach_reply_wait_words(port, REPLY_NONE, 0, buffer, sizeof buffer, &d),
		KERN_SUCCESS);
	check("with its words",
		DELIVERED_ID(d.kind) == CALL_ID && d.word[0] == 5 && d.word[5] == 10 && d.word[7] == 12);
	check_is("its caller is suspended", thread_suspend(child.thread), KERN_SUCCESS);
	check_is("and aborted", thread_abort(child.thread), KERN_SUCCESS);
	check_is("and goes on", thread_resume(child.thread), KERN_SUCCESS);
	check_is("a reply to it is no error", mach_reply_wait_words(port, 0, 1, buffer, sizeof buffer, &d),
		KERN_SUCCESS);
	check_is("the request does not come again", DELIVERED_ID(d.kind), RESULT_ID);
	check_is("the aborted caller is told", d.word[0], MACH_RCV_INTERRUPTED);
	child_end(&child);
	free_port(port);
}

/* Loads every register that the path must keep, calls, and reports what it finds: lowest bit rbp, then r14, r15. */
static void keeping_caller(uint64_t port)
{
	uint64_t word[8] = {0}, kept;

	for (;;) {
		__asm__ volatile("push %%rbp\n\t"
				 "movabs $0x1357135713571357, %%rbp\n\t"
				 "movabs $0x2468246824682468, %%r15\n\t"
				 "movq $3, %%r14\n\t"
				 "syscall\n\t"
				 "xorl %%ecx, %%ecx\n\t"
				 "movabs $0x1357135713571357, %%r11\n\t"
				 "cmpq %%r11, %%rbp\n\t"
				 "sete %%cl\n\t"
				 "movabs $0x2468246824682468, %%r11\n\t"
				 "cmpq %%r11, %%r15\n\t"
				 "jne 1f\n\t"
				 "orl $4, %%ecx\n\t"
				 "1: cmpq $3, %%r14\n\t"
				 "jne 2f\n\t"
				 "orl $2, %%ecx\n\t"
				 "2: pop %%rbp"
				 : "=c"(kept)
				 : "a"(TRAP_MACH_CALL), "b"(port | (uint64_t)CALL_ID << 32), "D"(0), "S"(1), "d"(2)
				 : "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15", "memory", "cc");
		word[0] = kept;
		mach_send_words((mach_port_t)port, RESULT_ID, word, 1);
	}
}

static void test_kept_registers(void)
{
	mach_port_t port = new_port();
	struct mach_delivery d = {0};
	struct child child;
	char buffer[256];
	bool good = true;
	uint32_t flags = REPLY_NONE;

	if (!child_create(&child, keeping_caller, port, port))
		return;
	thread_resume(child.thread);
	for (int i = 0; i < 40 && good; i++) {
		if (i % 3 == 2) /* now queued, now by a direct switch */
			nap(1);
		good = mach_reply_wait_words(port, flags, 1, buffer, sizeof buffer, &d) == KERN_SUCCESS;
		flags = DELIVERED_ID(d.kind) == CALL_ID ? 0 : REPLY_NONE;
		good = good && (DELIVERED_ID(d.kind) == CALL_ID ? d.word[1] == 1 && d.word[2] == 2 : d.word[0] == 7);
	}
	check("a call keeps rbp, r14 and r15", good);
	child_end(&child);
	free_port(port);
}

/* rcx of the thread that a waiting server's registers are set to; the syscall instruction would lose it. */
static volatile uint64_t *landed;

static void land(void)
{
	uint64_t rcx;

	__asm__ volatile("" : "=c"(rcx));
	*landed = rcx;
	for (;;)
		nap(1000);
}

/* A server's registers are set while it waits: it goes where they say, with all of them, when a call comes. */
static void test_set_while_waiting(void)
{
	mach_port_t port = new_port();
	x86_thread_state64_t state;
	mach_msg_type_number_t count = x86_THREAD_STATE64_WORDS;
	vm_address_t page = 0;
	struct child child;

	vm_allocate(mach_task_self(), &page, VM_PAGE_SIZE, TRUE);
	vm_inherit(mach_task_self(), page, VM_PAGE_SIZE, VM_INHERIT_SHARE);
	landed = (volatile uint64_t *)page;
	if (!child_create(&child, register_server, port, MACH_PORT_NULL))
		return;
	mach_port_insert_right(child.task, port, port, MACH_MSG_TYPE_MOVE_RECEIVE);
	thread_resume(child.thread);
	nap(20);
	check_is("a waiting server is suspended", thread_suspend(child.thread), KERN_SUCCESS);
	check_is("its registers are read",
		portolan_thread_get_state(child.thread, x86_THREAD_STATE64, (uint64_t *)&state, &count), KERN_SUCCESS);
	state.rip = (uint64_t)(uintptr_t)land;
	state.rsp = (state.rsp - 256) / 16 * 16 - 8;
	state.rcx = 0x123456789abcdef0;
	check_is(
		"and set", portolan_thread_set_state(child.thread, x86_THREAD_STATE64, (uint64_t *)&state, count), KERN_SUCCESS);
	check_is("and it goes on", thread_resume(child.thread), KERN_SUCCESS);
	start_thread(deferring_caller, port); /* its words would come by a direct switch */
	for (int i = 0; i < PATIENCE && *landed == 0; i++)
		nap(1);
	check("it runs with the registers that were set", *landed == 0x123456789abcdef0);
	child_end(&child);
	mach_port_destroy(mach_task_self(), port);
	vm_deallocate(mach_task_self(), page, VM_PAGE_SIZE);
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
	test_aborted(true);
	test_aborted(false);
	test_kept_registers();
	test_set_while_waiting();
}
