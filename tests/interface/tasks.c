/* Tasks and threads: state, suspension, exceptions, preemption, time. */
#include "test.h"

#include <mach/exc_server.h>
#include <mach/priority.h>
#include <mach/server.h>
#include <string.h>

static volatile uint64_t counted;

/* In this task: counts for ever. */
static void counter(uint64_t unused)
{
	(void)unused;
	for (;;)
		counted++;
}

/* In a child: counts in a register and in memory. */
static void child_counter(uint64_t address)
{
	for (;;)
		++*(volatile uint64_t *)address;
}

static void test_suspend(void)
{
	static volatile uint64_t count;
	struct child child;
	uint64_t first = 0, second = 0;
	x86_thread_state64_t state;
	mach_msg_type_number_t words = x86_THREAD_STATE64_WORDS;

	if (!child_create(&child, child_counter, (uintptr_t)&count, MACH_PORT_NULL))
		return;
	task_copy_from(child.task, (uintptr_t)&count, 8, &first, 0, NULL);
	nap(30);
	task_copy_from(child.task, (uintptr_t)&count, 8, &second, 0, NULL);
	check("a new thread does not run", first == second);
	check_is("it is resumed", thread_resume(child.thread), KERN_SUCCESS);
	second = child_word_not(&child, &count, first);
	check("it runs while we wait", second > first);
	check_is("its task is suspended", task_suspend(child.task), KERN_SUCCESS);
	task_copy_from(child.task, (uintptr_t)&count, 8, &first, 0, NULL);
	nap(50);
	task_copy_from(child.task, (uintptr_t)&count, 8, &second, 0, NULL);
	check("a suspended task stands still", first == second);
	check_is("its registers are read",
		portolan_thread_get_state(child.thread, x86_THREAD_STATE64, (uint64_t *)&state, &words), KERN_SUCCESS);
	check("rip is where it counts",
		state.rip >= (uintptr_t)child_counter && state.rip < (uintptr_t)child_counter + 64);
	check_is("it is resumed again", task_resume(child.task), KERN_SUCCESS);
	second = child_word_not(&child, &count, first);
	check("and goes on", second > first);
	state.rip = 0xffffffff80000000;
	thread_suspend(child.thread);
	check("a state with the kernel's rip harms only the thread", true);
	portolan_thread_set_state(child.thread, x86_THREAD_STATE64, (uint64_t *)&state, words);
	state.rip = 0x8000000000000000;
	portolan_thread_set_state(child.thread, x86_THREAD_STATE64, (uint64_t *)&state, words);
	state.rflags = ~0ull;
	state.cs = 8;
	state.fs_base = 0x8000000000000000;
	portolan_thread_set_state(child.thread, x86_THREAD_STATE64, (uint64_t *)&state, words);
	thread_resume(child.thread);
	nap(50);
	child_end(&child);
}

/*
 * The child's count grows while this thread, which never waits, runs at `ours` and the child at its own. If it does it
 * is waited for, however busy the machine may be. That it does not is seen in several slices on end; with several
 * processors they may be some way off, for the one that the child is on has yet to hear that a better thread waits.
 */
static bool runs_beside(struct child *child, const volatile uint64_t *count, int ours, bool wanted)
{
	uint64_t first = 0, second = 0, now = mach_clock_monotonic(), end = now + 1000000ull * PATIENCE, still = now;
	mach_port_t self = (mach_port_t)mach_trap(TRAP_THREAD_SELF, 0, 0, 0, 0, 0, 0);

	portolan_thread_priority(self, ours);
	task_copy_from(child->task, (uintptr_t)count, 8, &first, 0, NULL);
	do {
		task_copy_from(child->task, (uintptr_t)count, 8, &second, 0, NULL);
		now = mach_clock_monotonic();
		if (second != first && !wanted) {
			first = second;
			still = now;
		}
	} while (now < end && (wanted ? second == first : now < still + 50000000));
	portolan_thread_priority(self, PRIORITY_USER);
	mach_port_deallocate(mach_task_self(), self);
	return wanted ? second > first : now >= end;
}

/* Children that keep all processors but one busy, at a priority; how many. */
static unsigned keep_busy(struct child *hogs, unsigned most, int priority)
{
	static volatile uint64_t counts[32];
	struct portolan_host_info info = {.avail_cpus = 1};
	mach_msg_type_number_t words = PORTOLAN_HOST_INFO_COUNT;
	mach_port_t host = (mach_port_t)mach_trap(TRAP_HOST_SELF, 0, 0, 0, 0, 0, 0);
	unsigned made = 0;

	portolan_host_info(host, PORTOLAN_HOST_INFO, (uint64_t *)&info, &words);
	mach_port_deallocate(mach_task_self(), host);
	for (; made + 1 < info.avail_cpus && made < most; made++) {
		if (!child_create(&hogs[made], child_counter, (uintptr_t)&counts[made], MACH_PORT_NULL))
			break;
		portolan_thread_priority(hogs[made].thread, priority);
		thread_resume(hogs[made].thread);
		child_word_not(&hogs[made], &counts[made], 0);
	}
	return made;
}

static void test_priority(void)
{
	static volatile uint64_t count;
	mach_port_t host = MACH_PORT_NULL, grandchild = MACH_PORT_NULL;
	struct child child, hogs[31];
	unsigned busy;

	if (!child_create(&child, child_counter, (uintptr_t)&count, MACH_PORT_NULL))
		return;
	portolan_mach_ports_lookup(mach_task_self(), REGISTERED_HOST_PRIV, &host, &(mach_msg_type_name_t){0});
	thread_resume(child.thread);
	child_word_not(&child, &count, 0);
	check("equals share the processor", runs_beside(&child, &count, PRIORITY_USER, true));
	busy = keep_busy(hogs, 31, PRIORITY_USER + 1);
	check("who is lower has none of it", !runs_beside(&child, &count, PRIORITY_USER + 1, false));
	check_is("a maximum comes down", portolan_task_priority(child.task, 30, 35), KERN_SUCCESS);
	check("and the threads with it",
		!runs_beside(&child, &count, 36, false) && runs_beside(&child, &count, 35, true));
	while (busy > 0)
		child_end(&hogs[--busy]);
	check_is("no thread goes above it", portolan_thread_priority(child.thread, 36), KERN_FAILURE);
	check_is("up to it they may", portolan_thread_priority(child.thread, 35), KERN_SUCCESS);
	check_is("it does not go up again", portolan_task_priority(child.task, 30, 36), KERN_NO_ACCESS);
	check_is("without the host's privileged port",
		portolan_task_max_priority((mach_port_t)mach_trap(TRAP_HOST_SELF, 0, 0, 0, 0, 0, 0), child.task, 36),
		KERN_INVALID_HOST);
	check_is("a task made of it", task_create(child.task, FALSE, &grandchild), KERN_SUCCESS);
	check_is("has the same maximum", portolan_task_priority(grandchild, 30, 36), KERN_NO_ACCESS);
	check_is("with the port it goes up", portolan_task_max_priority(host, child.task, 50), KERN_SUCCESS);
	check_is("and the threads may", portolan_thread_priority(child.thread, PRIORITY_USER), KERN_SUCCESS);
	check_is("never as high as the kernel's", portolan_task_max_priority(host, child.task, PRIORITY_KERNEL),
		KERN_INVALID_ARGUMENT);
	check_is("nor idle", portolan_thread_priority(child.thread, PRIORITY_IDLE), KERN_INVALID_ARGUMENT);
	mach_port_deallocate(mach_task_self(), host);
	task_terminate(grandchild);
	mach_port_deallocate(mach_task_self(), grandchild);
	child_end(&child);
}

/* The traps do as the messages do. */
static void test_state_traps(void)
{
	static volatile uint64_t count;
	uint64_t by_message[THREAD_STATE_MAX] = {0}, by_trap[THREAD_STATE_MAX] = {0}, *nowhere = (uint64_t *)8;
	mach_msg_type_number_t words = THREAD_STATE_MAX;
	unsigned trap_words = THREAD_STATE_MAX;
	x86_thread_state64_t *state = (x86_thread_state64_t *)by_trap;
	struct child child;
	mach_port_t port = new_port();

	if (!child_create(&child, child_counter, (uintptr_t)&count, MACH_PORT_NULL))
		return;
	for (int flavor = x86_THREAD_STATE64; flavor <= x86_CONTEXT_STATE64; flavor++) {
		words = trap_words = THREAD_STATE_MAX;
		check_is(
			"a state by message", portolan_thread_get_state(child.thread, flavor, by_message, &words), KERN_SUCCESS);
		check_is("the same by a trap", thread_get_state_trap(child.thread, flavor, by_trap, &trap_words),
			KERN_SUCCESS);
		check_is("is as long", trap_words, words);
		check("and equal", memcmp(by_message, by_trap, words * 8) == 0);
		check_is("it is set by a trap", thread_set_state_trap(child.thread, flavor, by_trap, trap_words),
			KERN_SUCCESS);
		trap_words--;
		check_is("a buffer too small", thread_get_state_trap(child.thread, flavor, by_trap, &trap_words),
			KERN_INVALID_ARGUMENT);
		trap_words = THREAD_STATE_MAX;
		check_is("a buffer that is none", thread_get_state_trap(child.thread, flavor, nowhere, &trap_words),
			KERN_INVALID_ADDRESS);
		check_is("a state from nowhere", thread_set_state_trap(child.thread, flavor, nowhere, words),
			KERN_INVALID_ADDRESS);
		check_is("a state of the wrong length", thread_set_state_trap(child.thread, flavor, by_trap, 7),
			KERN_INVALID_ARGUMENT);
	}
	words = THREAD_STATE_MAX;
	check_is("a length beyond all",
		thread_set_state_trap(child.thread, x86_THREAD_STATE64, by_trap, THREAD_STATE_MAX + 1),
		KERN_INVALID_ARGUMENT);
	check_is("a flavor that is none", thread_get_state_trap(child.thread, 77, by_trap, &trap_words),
		KERN_INVALID_ARGUMENT);
	check_is("a port that is no thread's", thread_get_state_trap(port, x86_THREAD_STATE64, by_trap, &trap_words),
		KERN_INVALID_ARGUMENT);
	check_is("a name that is none",
		thread_set_state_trap(0x12345600, x86_THREAD_STATE64, by_trap, x86_THREAD_STATE64_WORDS),
		KERN_INVALID_ARGUMENT);
	thread_get_state_trap(child.thread, x86_THREAD_STATE64, by_trap, &trap_words);
	state->rbx = 0x1122334455667788;
	check_is("a register is changed", thread_set_state_trap(child.thread, x86_THREAD_STATE64, by_trap, trap_words),
		KERN_SUCCESS);
	portolan_thread_get_state(child.thread, x86_THREAD_STATE64, by_message, &words);
	check("and read back", ((x86_thread_state64_t *)by_message)->rbx == 0x1122334455667788);
	trap_words = THREAD_STATE_MAX;
	check_is("of the caller itself",
		thread_get_state_trap(mach_thread_self(), x86_THREAD_STATE64, by_trap, &trap_words),
		KERN_INVALID_ARGUMENT);
	child_end(&child);
	free_port(port);
}

static void test_preemption(void)
{
	uint64_t start, first;

	start_thread(counter, 0);
	nap(20);
	start = mach_clock_monotonic();
	first = counted;
	while (mach_clock_monotonic() < start + PATIENCE * 1000000ull && counted == first)
		;
	check("two threads that never wait both run", counted > first);
	start = mach_clock_monotonic();
	nap(50);
	start = mach_clock_monotonic() - start;
	check_at("a sleep of 50 ms takes that, at least", start >= 50000000, (long long)start, __FILE__, __LINE__);
}

/* Exceptions arrive at this port's server, which sets the thread going after the faulting instruction. */
static volatile int exception_seen;
static volatile int64_t exception_code, exception_subcode;

kern_return_t S_exception_raise(
	mach_port_t port, mach_port_t thread, mach_port_t task, int exception, int64_t code, int64_t subcode)
{
	x86_thread_state64_t state;
	mach_msg_type_number_t words = x86_THREAD_STATE64_WORDS;

	(void)port;
	exception_seen = exception;
	exception_code = code;
	exception_subcode = subcode;
	if (portolan_thread_get_state(thread, x86_THREAD_STATE64, (uint64_t *)&state, &words) != KERN_SUCCESS)
		return KERN_FAILURE;
	/* All of the tests below use instructions whose length is in rbx. */
	state.rip += state.rbx;
	portolan_thread_set_state(thread, x86_THREAD_STATE64, (uint64_t *)&state, words);
	mach_port_deallocate(mach_task_self(), thread);
	mach_port_deallocate(mach_task_self(), task);
	return KERN_SUCCESS;
}

static const struct mig_subsystem *const subsystems[] = {&exc_subsystem, NULL};

static void test_exceptions(void)
{
	mach_port_t port = new_port();
	uint64_t after = 0;

	mach_server_start_threads(port, subsystems, 1);
	check_is("an exception port is set", task_set_special_port(mach_task_self(), TASK_EXCEPTION_PORT, port),
		KERN_SUCCESS);
	/* movl (%rcx), %eax has two bytes. */
	__asm__ volatile("movl (%%rcx), %%eax; movl $1, %%eax" : "=a"(after) : "c"(0x30000ull), "b"(2ull) : "memory");
	check_is("a wild read is an exception", exception_seen, EXC_BAD_ACCESS);
	check_is("with its address", exception_subcode, 0x30000);
	check_is("and a code", exception_code, KERN_INVALID_ADDRESS);
	check_is("and the thread goes on", after, 1);
	__asm__ volatile("ud2; movl $2, %%eax" : "=a"(after) : "b"(2ull));
	check_is("a bad instruction is an exception", exception_seen, EXC_BAD_INSTRUCTION);
	check_is("after which the thread goes on", after, 2);
	__asm__ volatile("divl %%ecx; movl $3, %%eax" : "=a"(after) : "a"(1), "b"(2ull), "c"(0), "d"(0));
	check_is("a division by zero is an exception", exception_seen, EXC_ARITHMETIC);
	__asm__ volatile("movl (%%rcx), %%eax; movl $4, %%eax"
			 : "=a"(after)
			 : "c"(0xffffffff80000000ull), "b"(2ull)
			 : "memory");
	check_is("the kernel's memory is not read", exception_seen, EXC_BAD_ACCESS);
	exception_seen = 0;
	__asm__ volatile("movl (%%rcx), %%eax; movl $4, %%eax"
			 : "=a"(after)
			 : "c"(0x8000000000000000ull), "b"(2ull)
			 : "memory");
	check("a non-canonical address is an exception", exception_seen != 0);
	exception_seen = 0;
	__asm__ volatile("hlt; movl $5, %%eax" : "=a"(after) : "b"(1ull));
	check("a privileged instruction is an exception", exception_seen != 0);
	task_set_special_port(mach_task_self(), TASK_EXCEPTION_PORT, MACH_PORT_NULL);
}

void test_tasks(void)
{
	test_suspend();
	test_state_traps();
	test_priority();
	test_exceptions();
	test_preemption();
}
