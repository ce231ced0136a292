/* What two processors do to one thread or task at once: whatever comes first, the end is a good one. */
#include "test.h"

#include <mach/task_info.h>
#include <string.h>

#define ROUNDS 300
#define MOVES  10
#define FEW    5
#define ABORTS 50

static void child_counter(uint64_t address)
{
	for (;;)
		++*(volatile uint64_t *)address;
}

static uint64_t time_of(mach_port_t thread)
{
	struct portolan_thread_info info = {0};
	mach_msg_type_number_t words = PORTOLAN_THREAD_INFO_COUNT;

	portolan_thread_info(thread, PORTOLAN_THREAD_INFO, (uint64_t *)&info, &words);
	return info.user_ns;
}

/* Nobody waits: what does not move by itself does not move. More than once, for something else may run in between. */
static bool time_moves(mach_port_t thread)
{
	uint64_t last = time_of(thread), end = mach_clock_monotonic() + 1000000ull * PATIENCE;
	unsigned moves = 0;

	while (moves < MOVES && mach_clock_monotonic() < end) {
		uint64_t now = time_of(thread);

		moves += now != last;
		last = now;
	}
	return moves == MOVES;
}

/* A thread that owes nobody a reply: its time is its own. */
static void own_time(uint64_t address)
{
	uint32_t *result = (uint32_t *)(uintptr_t)address;
	mach_port_t self = (mach_port_t)mach_trap(TRAP_THREAD_SELF, 0, 0, 0, 0, 0, 0);

	__atomic_store_n(result, time_moves(self) ? 1 : 2, __ATOMIC_SEQ_CST);
	mach_port_deallocate(mach_task_self(), self);
}

static void test_time(void)
{
	static volatile uint64_t count;
	static uint32_t result;
	struct child child;

	start_thread(own_time, (uintptr_t)&result);
	check_is("a thread that runs and asks sees its own time pass", wait_until_is(&result, 1), 1);
	if (!child_create(&child, child_counter, (uintptr_t)&count, MACH_PORT_NULL))
		return;
	thread_resume(child.thread);
	child_word_not(&child, &count, 0);
	check("the time of one that runs alone on its processor passes", time_moves(child.thread));
	child_end(&child);
}

/* --- One thread of ours beside the test's. */

static struct {
	mach_port_t thread, task;
	uint32_t rounds, stop, stopped;
} beside;

static void begin(void (*function)(uint64_t), struct child *child)
{
	beside.thread = child->thread;
	beside.task = child->task;
	beside.rounds = beside.stop = beside.stopped = 0;
	start_thread(function, 0);
}

static void end(void)
{
	__atomic_store_n(&beside.stop, 1, __ATOMIC_SEQ_CST);
	wait_until_is(&beside.stopped, 1);
}

/* Calls fn until it is to stop, and says how often. */
#define BESIDE(name, what)                                                                                             \
	static void name(uint64_t unused)                                                                              \
	{                                                                                                              \
		(void)unused;                                                                                          \
		while (__atomic_load_n(&beside.stop, __ATOMIC_SEQ_CST) == 0) {                                         \
			what;                                                                                          \
			__atomic_fetch_add(&beside.rounds, 1, __ATOMIC_SEQ_CST);                                       \
		}                                                                                                      \
		__atomic_store_n(&beside.stopped, 1, __ATOMIC_SEQ_CST);                                                \
	}

/* Until the other thread has been through something once more. */
static void meet(void)
{
	uint32_t now = __atomic_load_n(&beside.rounds, __ATOMIC_SEQ_CST);

	for (int i = 0; i < PATIENCE && __atomic_load_n(&beside.rounds, __ATOMIC_SEQ_CST) == now; i++)
		thread_switch(MACH_PORT_NULL, SWITCH_OPTION_NONE, 0);
}

BESIDE(suspend_and_resume, task_suspend(beside.task); task_resume(beside.task))

static void test_suspension(void)
{
	static volatile uint64_t count;
	struct portolan_thread_info info = {0};
	mach_msg_type_number_t words = PORTOLAN_THREAD_INFO_COUNT;
	struct child child;
	uint64_t first = 0;

	if (!child_create(&child, child_counter, (uintptr_t)&count, MACH_PORT_NULL))
		return;
	thread_resume(child.thread);
	begin(suspend_and_resume, &child);
	for (unsigned i = 0; i < ROUNDS; i++) {
		task_suspend(child.task);
		task_resume(child.task);
		if (i % 8 == 0)
			meet();
	}
	end();
	portolan_thread_info(child.thread, PORTOLAN_THREAD_INFO, (uint64_t *)&info, &words);
	check_is("a task that two suspend and resume has as many of each", info.suspend_count, 0);
	task_copy_from(child.task, (uintptr_t)&count, sizeof first, &first, 0, NULL);
	check("and runs", child_word_not(&child, &count, first) != first);
	child_end(&child);
}

static void drop_handler(mach_port_t thread)
{
	mach_port_t port = MACH_PORT_NULL;

	if (thread_get_special_port(thread, THREAD_EXCEPTION_PORT, &port) == KERN_SUCCESS && MACH_PORT_VALID(port))
		mach_port_deallocate(mach_task_self(), port);
}

BESIDE(look_at_handler, drop_handler(__atomic_load_n(&beside.thread, __ATOMIC_SEQ_CST)))

/* The right to the handler goes with the thread; that its port has died makes the right its last reference. */
static void test_handler_of_dying(void)
{
	static volatile uint64_t count;
	struct child child;
	unsigned made = 0;

	if (!child_create(&child, child_counter, (uintptr_t)&count, MACH_PORT_NULL))
		return;
	begin(look_at_handler, &child);
	for (; made < ROUNDS; made++) {
		mach_port_t thread, port = new_port();

		if (thread_create(child.task, &thread) != KERN_SUCCESS)
			break;
		thread_set_special_port(thread, THREAD_EXCEPTION_PORT, port);
		free_port(port);
		__atomic_store_n(&beside.thread, thread, __ATOMIC_SEQ_CST);
		if (made % 8 == 0)
			meet();
		thread_terminate(thread);
		mach_port_deallocate(mach_task_self(), thread);
	}
	end();
	check_is("the handler of a thread is looked at while that ends", made, ROUNDS);
	child_end(&child);
}

/* --- Waits that end in three ways. */

struct waits {
	uint32_t word;
	uint64_t ended[3]; /* woken, timed out, interrupted */
	uint64_t others;
};
static struct waits waits;

/* In a child: on words and in a sleep by turns, with time-outs from none to a millisecond. */
static void waiter(uint64_t address)
{
	volatile struct waits *own = (volatile struct waits *)(uintptr_t)address;

	for (uint64_t round = 1;; round++) {
		uint64_t deadline = (uint64_t)mach_trap(TRAP_CLOCK, 0, 0, 0, 0, 0, 0) + round % 16 * 60000;
		int64_t result = mach_trap(
			TRAP_WORD_WAIT, (uintptr_t)&own->word, 0, round % 5 == 0 ? UINT64_MAX : deadline, 0, 0, 0);

		if (result == KERN_SUCCESS)
			own->ended[0]++;
		else if (result == KERN_TIMEDOUT)
			own->ended[1]++;
		else if (result == KERN_INTERRUPTED || result == KERN_ABORTED)
			own->ended[2]++;
		else
			own->others++;
	}
}

BESIDE(abort_it, thread_abort(beside.thread))

static void test_ends_of_waits(void)
{
	struct child child;
	struct waits seen = {0};
	uint64_t aborted = 0, end_at = mach_clock_monotonic() + 1000000ull * PATIENCE;

	if (!child_create(&child, waiter, (uintptr_t)&waits, MACH_PORT_NULL))
		return;
	thread_resume(child.thread);
	begin(abort_it, &child);
	/* What suspends and resumes it is a third. */
	for (unsigned i = 0;
		(seen.ended[1] < FEW || seen.ended[2] < ABORTS) && mach_clock_monotonic() < end_at; i++) {
		thread_suspend(child.thread);
		thread_resume(child.thread);
		if (i % 8 == 0)
			nap(1);
		else
			meet();
		task_copy_from(child.task, (uintptr_t)&waits, sizeof seen, &seen, 0, NULL);
		/* As long as it gets on, however busy the machine may be. */
		if (seen.ended[2] != aborted)
			end_at = mach_clock_monotonic() + 1000000ull * PATIENCE;
		aborted = seen.ended[2];
	}
	end();
	check_at("waits end by their time, though others are aborted", seen.ended[1] >= FEW,
		(long long)seen.ended[1], __FILE__, __LINE__);
	check_at("and by aborts", seen.ended[2] >= ABORTS, (long long)seen.ended[2], __FILE__, __LINE__);
	check_is("and in no other way", seen.others + seen.ended[0], 0);
	thread_terminate(child.thread);
	for (int i = 0; i < PATIENCE && type_of(child.thread) != MACH_PORT_TYPE_DEAD_NAME; i++)
		nap(1);
	check_is("one that waits so can be ended", type_of(child.thread), MACH_PORT_TYPE_DEAD_NAME);
	child_end(&child);
}

void test_races(void)
{
	test_time();
	test_suspension();
	test_handler_of_dying();
	test_ends_of_waits();
}
