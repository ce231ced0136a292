/*
 * What several processors do at a time, for the kernel alone: as many workers as processors, each a task that has
 * nothing to do with the others. A boot module that prints, of the best of some rounds,
 *
 *	row NAME WORKERS OPERATIONS NANOSECONDS     from the first worker's start to the last one's end
 *	events NAME EVENT=COUNT...                  what the kernel counted meanwhile of what workers do to one another
 *	waits NAME COUNT                            how often somebody found a lock taken once all had begun, in the
 *	                                            round with the fewest; in that time nobody else wakes
 */
#include "../interface/test.h"

#include <mach/host_counters.h>
#include <mach/register.h>
#include <string.h>

enum { WORKERS_MAX = 32, ROUNDS = 4, TRAPS = 1000000, CALLS = 20000, MESSAGES = 8000, PAGES = 1024, LINE = 64 };

static struct shared {
	uint32_t ready, go, done;
	struct {
		_Alignas(LINE) volatile uint64_t start, end;
	} worker[WORKERS_MAX];
} * shared;

static unsigned workers;
static mach_port_t port;
static volatile char *area;

/* --- What a worker does in one round; traps only, as it is in a task that was made by child_create. */

static void null_traps(unsigned round)
{
	(void)round;
	for (int i = 0; i < TRAPS; i++)
		mach_null_trap();
}

static void register_calls(unsigned round)
{
	uint64_t word[8] = {0};

	(void)round;
	for (int i = 0; i < CALLS; i++)
		mach_call_words(port, 1, word, 0);
}

static void message_calls(unsigned round)
{
	static mach_port_t reply;
	struct {
		mach_msg_header_t header;
		mach_msg_trailer_t trailer;
	} m;

	(void)round;
	if (reply == MACH_PORT_NULL)
		reply = mach_reply_port();
	for (int i = 0; i < MESSAGES; i++) {
		m.header.msgh_bits = MACH_MSGH_BITS(MACH_MSG_TYPE_COPY_SEND, MACH_MSG_TYPE_MAKE_SEND_ONCE);
		m.header.msgh_size = sizeof m.header;
		m.header.msgh_remote_port = port;
		m.header.msgh_local_port = reply;
		m.header.msgh_id = 1;
		mach_msg_trap(
			&m.header, MACH_SEND_MSG | MACH_RCV_MSG, sizeof m.header, sizeof m, reply, 0, MACH_PORT_NULL);
	}
}

static void touch_pages(unsigned round)
{
	for (unsigned i = 0; i < PAGES; i++)
		area[(round * PAGES + i) * VM_PAGE_SIZE] = 1;
}

/* --- The servers of the calls. */

static void register_server(uint64_t name)
{
	struct mach_delivery d = {0};
	char buffer[256];
	uint32_t flags = REPLY_NONE;

	while (mach_reply_wait_words((mach_port_t)name, flags, 0, buffer, sizeof buffer, &d) == KERN_SUCCESS)
		flags = 0;
}

static void message_server(uint64_t name)
{
	struct {
		mach_msg_header_t header;
		mach_msg_trailer_t trailer;
	} m;
	mach_msg_option_t send = 0;

	for (;;) {
		mach_msg_trap(&m.header, send | MACH_RCV_MSG, sizeof m.header, sizeof m, (mach_port_t)name, 0,
			MACH_PORT_NULL);
		m.header.msgh_bits = MACH_MSGH_BITS(MACH_MSGH_BITS_REMOTE(m.header.msgh_bits), 0);
		m.header.msgh_local_port = MACH_PORT_NULL;
		m.header.msgh_size = sizeof m.header;
		send = MACH_SEND_MSG;
	}
}

static const struct row {
	const char *name;
	unsigned operations; /* of a round */
	void (*work)(unsigned round);
	void (*server)(uint64_t port);
} rows[] = {
	{"null-trap", TRAPS, null_traps, NULL},
	{"register-pairs", CALLS, register_calls, register_server},
	{"message-pairs", MESSAGES, message_calls, message_server},
	{"zero-fill", PAGES, touch_pages, NULL},
};

static const struct row *row;

static void add_one(uint32_t *word)
{
	__atomic_add_fetch(word, 1, __ATOMIC_SEQ_CST);
	mach_word_wake(word, UINT32_MAX, WORD_SHARED);
}

static void wait_for(const uint32_t *word, uint32_t count)
{
	uint32_t now;

	while ((now = __atomic_load_n(word, __ATOMIC_SEQ_CST)) < count)
		mach_word_wait(word, now, MACH_DEADLINE_NONE, WORD_SHARED);
}

static void worker(uint64_t number)
{
	for (unsigned round = 0; round < ROUNDS; round++) {
		add_one(&shared->ready);
		wait_for(&shared->go, round + 1);
		shared->worker[number].start = mach_clock_monotonic();
		row->work(round);
		shared->worker[number].end = mach_clock_monotonic();
		add_one(&shared->done);
	}
	wait_for(&shared->go, UINT32_MAX);
}

static struct host_counters counters(void)
{
	struct host_counters now;
	mach_msg_type_number_t count = HOST_COUNTERS_COUNT;

	portolan_host_info(mach_host_self(), HOST_COUNTERS, (uint64_t *)&now, &count);
	return now;
}

static void print_events(const struct host_counters *before, const struct host_counters *after)
{
	printf("events %s", row->name);
#define EVENT(name)                                                                                                    \
	if (after->name != before->name)                                                                               \
		printf(" %s=%llu", #name, (unsigned long long)(after->name - before->name));
	EVENT(tlb_shootdowns)
	EVENT(kicks)
	EVENT(lock_misses)
	HOST_LOCKS_LIST(EVENT)
#undef EVENT
		printf("\n");
}

static uint64_t lock_waits(const struct host_counters *of)
{
	uint64_t sum = of->lock_misses;

#define WAITS(name) sum += of->name;
	HOST_LOCKS_LIST(WAITS)
#undef WAITS
	return sum;
}

static void measure(void)
{
	uint64_t best = UINT64_MAX, least_waits = UINT64_MAX;
	struct host_counters before, amid, after, best_before = {0}, best_after = {0};

	for (unsigned round = 0; round < ROUNDS; round++) {
		uint64_t start = UINT64_MAX, end = 0, waits;

		wait_for(&shared->ready, (round + 1) * workers);
		before = counters();
		add_one(&shared->go);
		nap(10);
		amid = counters();
		wait_for(&shared->done, (round + 1) * workers);
		after = counters();
		waits = lock_waits(&after) - lock_waits(&amid);
		least_waits = waits < least_waits ? waits : least_waits;
		for (unsigned i = 0; i < workers; i++) {
			start = shared->worker[i].start < start ? shared->worker[i].start : start;
			end = shared->worker[i].end > end ? shared->worker[i].end : end;
		}
		if (end - start < best) {
			best = end - start;
			best_before = before;
			best_after = after;
		}
	}
	printf("row %s %u %u %llu\n", row->name, workers, workers * row->operations, (unsigned long long)best);
	print_events(&best_before, &best_after);
	printf("waits %s %llu\n", row->name, (unsigned long long)least_waits);
	fflush(stdout);
}

static void run_row(void)
{
	struct child servers[WORKERS_MAX], clients[WORKERS_MAX];

	memset(shared, 0, sizeof *shared);
	for (unsigned i = 0; i < workers; i++) {
		vm_address_t memory = 0;

		port = new_port();
		vm_allocate(mach_task_self(), &memory, (vm_size_t)ROUNDS * PAGES * VM_PAGE_SIZE, TRUE);
		area = (volatile char *)memory;
		if (row->server) {
			child_create(&servers[i], row->server, port, MACH_PORT_NULL);
			child_create(&clients[i], worker, i, port);
			mach_port_insert_right(servers[i].task, port, port, MACH_MSG_TYPE_MOVE_RECEIVE);
			thread_resume(servers[i].thread);
		} else {
			child_create(&clients[i], worker, i, MACH_PORT_NULL);
		}
		vm_deallocate(mach_task_self(), memory, (vm_size_t)ROUNDS * PAGES * VM_PAGE_SIZE);
		mach_port_destroy(mach_task_self(), port);
		thread_resume(clients[i].thread);
	}
	measure();
	for (unsigned i = 0; i < workers; i++) {
		child_end(&clients[i]);
		if (row->server)
			child_end(&servers[i]);
	}
}

int main(void)
{
	struct portolan_host_info info = {0};
	mach_msg_type_number_t count = PORTOLAN_HOST_INFO_COUNT;
	vm_address_t memory = 0;

	portolan_host_info(mach_host_self(), PORTOLAN_HOST_INFO, (uint64_t *)&info, &count);
	workers = info.avail_cpus < WORKERS_MAX ? (unsigned)info.avail_cpus : WORKERS_MAX;
	vm_allocate(mach_task_self(), &memory, sizeof *shared, TRUE);
	shared = (struct shared *)memory;
	vm_inherit(mach_task_self(), memory, sizeof *shared, VM_INHERIT_SHARE);
	for (unsigned i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		row = &rows[i];
		run_row();
	}
	printf("bench: end\n");
	power_off();
	return 0;
}
