/* Random traps, calls and messages from a child task: it may come to any end by its own doing, the kernel must not. */
#include "test.h"

#include <string.h>

enum { ROUNDS = 20000, DONE_ID = 1, SHORTEST_TRAP = 5, TRAPS = 26 };

static const uint64_t wild[] = {0, 1, 0xfff, 0x1000, 0x7ffffffff000, 0x7fffffffffff, 0x800000000000, 0xffff800000000000,
	0xffffffff80000000, 0xfffffffffffff000, UINT64_MAX, 0x300000000000, 0xdeadbeef00000001};

/* xorshift64: Marsaglia, Journal of Statistical Software 8 (2003). */
static uint64_t random_state = 88172645463325252ull;

static uint64_t random_word(void)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return random_state;
}

static uint64_t random_argument(void)
{
	uint64_t r = random_word();

	switch (r >> 60 & 3) {
	case 0:
		return wild[r % (sizeof wild / sizeof wild[0])];
	case 1:
		return r & 0xffff;
	case 2:
		return 1ull << (r & 63);
	default:
		return r;
	}
}

/* The child's last words: it came through. */
static _Noreturn void report(mach_port_t service)
{
	uint64_t word[8] = {0};

	mach_send_words(service, DONE_ID, word, 1);
	mach_thread_exit(NULL);
}

static void wild_traps(uint64_t service)
{
	for (unsigned i = 0; i < ROUNDS; i++) {
		int64_t number = -(int64_t)(SHORTEST_TRAP + random_word() % TRAPS);
		uint64_t options = random_argument();

		/* What ends, parks or blinds the thread itself. */
		if (number == TRAP_THREAD_EXIT || number == TRAP_WORD_WAIT || number == TRAP_THREAD_SWITCH ||
			number == TRAP_SET_FS_BASE || number == TRAP_MACH_MSG_RESUME)
			continue;
		if (number == TRAP_MACH_MSG) /* never waits for ever */
			options = (options & ~(uint64_t)MACH_RCV_MSG) | MACH_SEND_TIMEOUT;
		mach_trap(number, random_argument(), options, random_argument(), random_argument(),
			number == TRAP_MACH_MSG ? 0 : random_argument(), random_argument());
	}
	report((mach_port_t)service);
}

/* Routines by which the child would end or stop itself, take away its memory, or lose the service's name. */
static bool spares_itself(int id)
{
	static const int ends[] = {
		2008, 2016, 2018, 2023, 2024, 2025, 2028, 2056, 2062, 3202, 3203, 3205, 3206, 3208, 3216, 5000, 5006};

	for (unsigned i = 0; i < sizeof ends / sizeof ends[0]; i++)
		if (ends[i] == id)
			return false;
	return true;
}

static void wild_calls(uint64_t service)
{
	static const int bases[] = {2000, 2100, 3200, 2600, 5000, 2800, 4000, 0, -1};
	mach_port_t ports[] = {(mach_port_t)mach_trap(TRAP_TASK_SELF, 0, 0, 0, 0, 0, 0), mach_host_self(),
		mach_thread_self(), 0, MACH_PORT_DEAD, 77};

	for (unsigned i = 0; i < ROUNDS; i++) {
		uint64_t word[8];
		int id = bases[random_word() % 9] + (int)(random_word() % 100);

		for (unsigned w = 0; w < 8; w++)
			word[w] = random_argument();
		if (spares_itself(id))
			mach_call_words(ports[random_word() % 6], id, word, (uint32_t)(random_word() % 20));
	}
	report((mach_port_t)service);
}

static void wild_messages(uint64_t service)
{
	static union {
		mach_msg_header_t head;
		uint64_t words[64];
	} m;
	mach_port_t sink = mach_reply_port();

	for (unsigned i = 0; i < ROUNDS; i++) {
		mach_msg_size_t size = (mach_msg_size_t)(24 + random_word() % 400);

		for (unsigned w = 0; w < 64; w++)
			m.words[w] = random_argument();
		m.head.msgh_bits = (uint32_t)(random_word() & 0x80001f1f);
		m.head.msgh_size = size;
		m.head.msgh_remote_port = random_word() & 1 ? sink : (mach_port_t)random_argument();
		if (m.head.msgh_remote_port == service)
			continue;
		if (random_word() & 1) { /* to the sink, by the receive right: what follows the header is looked at */
			m.head.msgh_bits = MACH_MSGH_BITS(MACH_MSG_TYPE_MAKE_SEND, 0) |
					   (uint32_t)(random_word() & MACH_MSGH_BITS_COMPLEX);
			m.head.msgh_remote_port = sink;
		}
		m.words[3] = random_word() % 6; /* descriptors */
		mach_msg_trap(&m.head, MACH_SEND_MSG | MACH_SEND_TIMEOUT, size, 0, MACH_PORT_NULL, 0, MACH_PORT_NULL);
		mach_msg_trap(&m.head, MACH_RCV_MSG | MACH_RCV_TIMEOUT, 0, sizeof m, sink, 0, MACH_PORT_NULL);
	}
	report((mach_port_t)service);
}

static void hoard_ports(uint64_t service)
{
	mach_port_t self = (mach_port_t)mach_trap(TRAP_TASK_SELF, 0, 0, 0, 0, 0, 0);
	uint64_t word[8], last[3] = {0};
	unsigned made = 0;

	do {
		random_word(); /* as the others do: it gets on */
		memset(word, 0, sizeof word);
		word[0] = MACH_PORT_RIGHT_RECEIVE;
		/* mach_port_allocate by its register form: doc/wire.md. */
		if (mach_call_words(self, 3204, word, 1) != KERN_SUCCESS)
			break;
		if (word[0] == KERN_SUCCESS)
			last[made % 3] = word[1];
	} while (word[0] == KERN_SUCCESS && made++ < 5000000);
	/* The message that says so needs room in the account, too: three ports make some. */
	for (unsigned i = 0; i < 3; i++) {
		uint64_t destroy[8] = {last[i]};

		mach_call_words(self, 3205, destroy, 1);
	}
	mach_send_words((mach_port_t)service, DONE_ID, word, 1);
	mach_thread_exit(NULL);
}

/* The child's last word, or -1 when it came to no end: it drew no number between two looks. */
static int64_t outcome(void (*function)(uint64_t))
{
	enum { LOOK_MS = 10000 };
	mach_port_t service = new_port();
	struct words_message m = {0};
	struct child child;
	int64_t last = -1;

	if (child_create(&child, function, service, service)) {
		uint64_t before, now = 0;

		thread_resume(child.thread);
		do {
			before = now;
			if (receive_words(service, &m, LOOK_MS) == MACH_MSG_SUCCESS) {
				if (m.header.msgh_id == DONE_ID)
					last = (int64_t)m.word[0];
				break;
			}
			task_copy_from(child.task, (uintptr_t)&random_state, sizeof now, &now, 0, NULL);
		} while (now != before);
		child_end(&child);
	}
	free_port(service);
	return last;
}

void test_fuzz(void)
{
	check_is("20,000 traps with wild arguments", outcome(wild_traps), 0);
	check_is("20,000 calls of kernel routines with wild words", outcome(wild_calls), 0);
	check_is("20,000 messages of random bytes", outcome(wild_messages), 0);
	check_is("a task that hoards ports meets its own limit", outcome(hoard_ports), KERN_RESOURCE_SHORTAGE);
}
