/* Wild pointers, sizes and numbers in every trap and in messages: an error or a dead child task, never a panic. */
#include "test.h"

#include <string.h>

static const uint64_t wild[] = {0, 1, 7, 0xfff, 0x1000, 0x10000, 0x7ffffffff000, 0x7fffffffffff, 0x800000000000,
	0x8000000000000000, 0xffff800000000000, 0xffffffff80000000, 0xffffffff80100000, 0xfffffffffffff000,
	0xffffffffffffffff, 0x100000000, 0xffffffff, 0x7fffffff, 0x80000000};
enum { WILD = sizeof wild / sizeof *wild };

static uint64_t seed = 88172645463325252;

static uint64_t next_random(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed;
}

static uint64_t any(void)
{
	uint64_t r = next_random();

	return r % 4 == 0 ? r >> 8 : wild[(r >> 16) % WILD];
}

/* In a child: the trap with wild arguments, many times. Traps that wait for ever or end the thread are left out by the
 * caller. */
static void wild_trap(uint64_t number)
{
	seed ^= number * 7919;
	for (int i = 0; i < 400; i++)
		mach_trap(-(int64_t)number, any(), any(), any(), any(), any(), any());
	mach_thread_exit(NULL);
}

/* In a child: register calls to wild names with wild ids. */
static void wild_call(uint64_t unused)
{
	(void)unused;
	for (int i = 0; i < 400; i++) {
		uint64_t word[8];
		for (int j = 0; j < 8; j++)
			word[j] = any();
		/* Small names exist: some calls reach the kernel's routines with wild words. */
		mach_call_words(i % 2 ? (mach_port_t)(next_random() % 16) << 8 | (mach_port_t)(next_random() % 3)
				      : (mach_port_t)any(),
			(mach_msg_id_t)(i % 3 ? 2000 + next_random() % 100 : any()), word, (uint32_t)any());
	}
	mach_thread_exit(NULL);
}

/* In a child: kernel routines on its own ports as buffered messages of wild bytes. */
static void wild_messages(uint64_t unused)
{
	static const int bases[] = {2000, 2600, 2800, 3200, 5000};
	struct {
		mach_msg_header_t header;
		uint64_t word[40];
	} m;

	(void)unused;
	for (int i = 0; i < 3000; i++) {
		unsigned size = 24 + 4 * (unsigned)(next_random() % 64);
		mach_port_t port = mach_reply_port();
		m.header.msgh_bits = MACH_MSGH_BITS(MACH_MSG_TYPE_COPY_SEND, MACH_MSG_TYPE_MAKE_SEND_ONCE) |
				     (next_random() % 3 == 0 ? MACH_MSGH_BITS_COMPLEX : 0) |
				     (next_random() % 16 == 0 ? (uint32_t)next_random() : 0);
		m.header.msgh_size = next_random() % 16 == 0 ? (uint32_t)any() : size;
		m.header.msgh_remote_port =
			(mach_port_t)mach_trap(i % 2 ? TRAP_TASK_SELF : TRAP_HOST_SELF, 0, 0, 0, 0, 0, 0);
		m.header.msgh_local_port = port;
		m.header.msgh_id = bases[next_random() % 5] + (int)(next_random() % 96);
		for (int j = 0; j < 40; j++)
			m.word[j] = next_random() % 3 == 0 ? any() : next_random() % 5;
		/* task_terminate and task_suspend of oneself would end this too early. */
		if (m.header.msgh_id == 2008 || m.header.msgh_id == 2056 || m.header.msgh_id == 2023 ||
			m.header.msgh_id == 2024)
			continue;
		mach_msg_trap(&m.header, MACH_SEND_MSG | MACH_RCV_MSG | MACH_SEND_TIMEOUT | MACH_RCV_TIMEOUT, size,
			sizeof m, port, 1, MACH_PORT_NULL);
	}
	mach_thread_exit(NULL);
}

/* Lets the child do its worst, for at most so long, and ends it. */
static void unleash(const char *name, void (*function)(uint64_t), uint64_t argument, unsigned milliseconds)
{
	struct child child;
	struct portolan_task_info info;
	mach_msg_type_number_t count;
	uint64_t start = mach_clock_monotonic();

	if (!child_create(&child, function, argument, MACH_PORT_NULL))
		return;
	/* A fault it makes raises no exception anywhere: no server hears of it. */
	task_set_special_port(child.task, TASK_EXCEPTION_PORT, MACH_PORT_NULL);
	thread_resume(child.thread);
	do {
		nap(5);
		count = PORTOLAN_TASK_INFO_COUNT;
		info.threads = 0;
	} while (portolan_task_info(child.task, PORTOLAN_TASK_INFO, (uint64_t *)&info, &count) == KERN_SUCCESS &&
		 info.threads > 0 && mach_clock_monotonic() < start + milliseconds * 1000000ull);
	child_end(&child);
	/* We are still here and the kernel still serves. */
	check_is(name, mach_null_trap(), KERN_SUCCESS);
}

void test_bad_input(void)
{
	char name[64];
	mach_port_t port;

	for (int number = 1; number <= TRAP_LAST + 3; number++) {
		if (number == -TRAP_THREAD_EXIT)
			continue;
		snprintf(name, sizeof name, "trap -%d survives wild arguments", number);
		unleash(name, wild_trap, (uint64_t)number, 300);
	}
	check("a trap that does not exist is an error", mach_trap(-1000, 0, 0, 0, 0, 0, 0) != KERN_SUCCESS);
	check("the most negative trap is an error", mach_trap(INT64_MIN, 0, 0, 0, 0, 0, 0) != KERN_SUCCESS);
	unleash("register calls survive wild words", wild_call, 0, 3000);
	unleash("kernel routines survive wild messages", wild_messages, 0, 6000);
	port = new_port();
	check("ports still work", MACH_PORT_VALID(port) && type_of(port) == MACH_PORT_TYPE_SEND_RECEIVE);
	free_port(port);
}
