/* Threads that shall run on some processors only: on however many there are. */
#include "test.h"

#include <mach/task_info.h>

#define ROUNDS 50

static unsigned processors;

static unsigned processor_of(mach_port_t thread)
{
	struct portolan_thread_info info = {.processor = UINT64_MAX};
	mach_msg_type_number_t words = PORTOLAN_THREAD_INFO_COUNT;

	portolan_thread_info(thread, PORTOLAN_THREAD_INFO, (uint64_t *)&info, &words);
	return (unsigned)info.processor;
}

/* A child that counts; stopped there, and started by who looks at it. */
static void counter(uint64_t address)
{
	for (;;)
		++*(volatile uint64_t *)address;
}

static void count_processors(void)
{
	struct portolan_host_info info = {.avail_cpus = 1};
	mach_msg_type_number_t words = PORTOLAN_HOST_INFO_COUNT;
	mach_port_t host = mach_host_self();

	portolan_host_info(host, PORTOLAN_HOST_INFO, (uint64_t *)&info, &words);
	mach_port_deallocate(mach_task_self(), host);
	processors = (unsigned)info.avail_cpus;
}

static void test_refused(mach_port_t self)
{
	check_is("no processor at all", thread_bind(self, 0), KERN_INVALID_ARGUMENT);
	check_is("none that is there", thread_bind(self, 1ull << processors), KERN_INVALID_ARGUMENT);
	check_is("none that could be", thread_bind(self, 1ull << 32), KERN_INVALID_ARGUMENT);
	check_is("one that is there among others", thread_bind(self, 1ull << processors | 1), KERN_SUCCESS);
	check_is("is where it runs", processor_of(self), 0);
}

static void test_self(mach_port_t self)
{
	unsigned wrong = 0;

	for (unsigned i = 0; i < ROUNDS * processors; i++) {
		thread_bind(self, 1ull << i % processors);
		wrong += processor_of(self) != i % processors;
		if (i % 8 == 0)
			nap(1);
		wrong += processor_of(self) != i % processors;
	}
	check_is("a thread is where it has put itself", wrong, 0);
	thread_bind(self, UINT64_MAX >> 32);
}

/* They run, and nowhere else, though other processors have nothing to do. */
static void test_others(void)
{
	static volatile uint64_t counts[3];
	struct child child[3];
	unsigned made = 0, wrong = 0, stood = 0;
	uint64_t before;

	for (; made < 3 && child_create(&child[made], counter, (uintptr_t)&counts[made], MACH_PORT_NULL); made++)
		thread_resume(child[made].thread);
	if (made < 3)
		return;
	for (unsigned i = 0; i < 4 * processors; i++) {
		for (unsigned c = 0; c < made; c++)
			thread_bind(child[c].thread, 1ull << i % processors);
		for (unsigned c = 0; c < made; c++) {
			before = 0;
			task_copy_from(child[c].task, (uintptr_t)&counts[c], sizeof before, &before, 0, NULL);
			stood += child_word_not(&child[c], &counts[c], before) == before;
			wrong += processor_of(child[c].thread) != i % processors;
		}
	}
	check_is("threads that run are where others put them", wrong, 0);
	check_is("and get on, all on one processor", stood, 0);
	for (unsigned c = 0; c < made; c++)
		child_end(&child[c]);
}

static uint32_t server; /* its thread */

static void serve(uint64_t port)
{
	struct mach_delivery d = {0};
	uint32_t flags = REPLY_NONE;

	__atomic_store_n(&server, (uint32_t)mach_trap(TRAP_THREAD_SELF, 0, 0, 0, 0, 0, 0), __ATOMIC_SEQ_CST);
	while (mach_reply_wait_words((mach_port_t)port, flags, 1, NULL, 0, &d) == KERN_SUCCESS &&
		DELIVERED_ID(d.kind) != STOP_ID)
		flags = 0;
}

/* Server and client on processors of their own; on one, words are given directly. */
static void test_calls(mach_port_t self)
{
	mach_port_t port = new_port();
	unsigned there = processors - 1, wrong = 0;
	uint64_t word[8] = {0};

	start_thread(serve, port);
	for (int i = 0; i < PATIENCE && __atomic_load_n(&server, __ATOMIC_SEQ_CST) == 0; i++)
		nap(1);
	thread_bind(self, 1);
	for (unsigned i = 0; i < ROUNDS * 4; i++) {
		/* Now they meet and now they part, each time while the server waits. */
		const unsigned place = i / 8 % 2 == 0 ? there : 0;

		if (i % 8 == 0)
			thread_bind(server, 1ull << place);
		word[0] = i;
		wrong += mach_call_words(port, 77, word, 1) != KERN_SUCCESS || word[0] != i;
		wrong += processor_of(self) != 0 || processor_of(server) != place;
	}
	check_is("a caller and its server each stay on theirs", wrong, 0);
	thread_bind(self, UINT64_MAX >> 32);
	mach_send_words(port, STOP_ID, word, 0);
	mach_port_deallocate(mach_task_self(), server);
	mach_port_mod_refs(mach_task_self(), port, MACH_PORT_RIGHT_RECEIVE, -1);
}

void test_binding(void)
{
	mach_port_t self = (mach_port_t)mach_trap(TRAP_THREAD_SELF, 0, 0, 0, 0, 0, 0);

	count_processors();
	test_refused(self);
	test_self(self);
	test_others();
	test_calls(self);
	mach_port_deallocate(mach_task_self(), self);
}
