/* What the processor's part of the kernel promises: floating-point state, registers as others set them, ports,
 * interrupts, memory of devices. */
#include "test.h"

#include <mach/device_notify_server.h>
#include <mach/device_user.h>
#include <mach/register.h>
#include <string.h>

static mach_port_t master;

/* --- Floating point. */

/* In a child: fills ymm0 and xmm15 with its number and says in memory when either is not what it was. */
static void child_floats(uint64_t address)
{
	volatile uint64_t *shared = (volatile uint64_t *)address;
	uint64_t mine = 0x1111111111111111, low, high, last;

	for (;;) {
		__asm__ volatile("movq %3, %%xmm15; movq %3, %%xmm0; vpbroadcastq %%xmm0, %%ymm0\n"
				 "movl $20000, %%ecx; 1: decl %%ecx; jnz 1b\n"
				 "movq %%xmm0, %0; vextracti128 $1, %%ymm0, %%xmm1; movq %%xmm1, %1; movq %%xmm15, %2"
				 : "=&r"(low), "=&r"(high), "=&r"(last)
				 : "r"(mine)
				 : "rcx", "xmm0", "xmm1", "xmm15");
		if (low != mine || high != mine || last != mine)
			shared[1]++;
		shared[0]++;
	}
}

static void test_floats(void)
{
	static volatile uint64_t shared[2];
	struct child child;
	uint64_t theirs[2] = {0, 0}, before, after;
	const uint64_t mine = 0x2222222222222222;
	bool kept = true;

	if (!child_create(&child, child_floats, (uintptr_t)shared, MACH_PORT_NULL))
		return;
	thread_resume(child.thread);
	for (int i = 0; i < 20; i++) {
		before = mine + (uint64_t)i;
		__asm__ volatile("movq %1, %%xmm15; movq %%xmm15, %%xmm0; vpbroadcastq %%xmm0, %%ymm0\n"
				 "movq $-14, %%rax; xorl %%edi, %%edi; movl $2, %%esi; movl $7, %%edx; syscall\n"
				 "vextracti128 $1, %%ymm0, %%xmm1; movq %%xmm1, %0"
				 : "=&r"(after)
				 : "r"(before)
				 : "rax", "rdi", "rsi", "rdx", "rcx", "r11", "xmm0", "xmm1", "xmm15", "memory");
		kept &= before == after;
	}
	task_copy_from(child.task, (uintptr_t)shared, sizeof theirs, theirs, 0, NULL);
	check("the other thread used its floating-point registers meanwhile", theirs[0] > 0);
	check("no thread sees another's floating-point registers", kept && theirs[1] == 0);
	child_end(&child);
}

static void test_float_state(void)
{
	static volatile uint64_t shared[2];
	static uint64_t state[THREAD_STATE_MAX], again[THREAD_STATE_MAX];
	struct child child;
	mach_msg_type_number_t words = THREAD_STATE_MAX, words_again = THREAD_STATE_MAX;

	if (!child_create(&child, child_floats, (uintptr_t)shared, MACH_PORT_NULL))
		return;
	thread_resume(child.thread);
	child_word_not(&child, &shared[0], 0);
	thread_suspend(child.thread);
	check_is("a floating-point state is read", portolan_thread_get_state(child.thread, x86_XSAVE_STATE64, state, &words),
		KERN_SUCCESS);
	check("xmm15 is what the thread put there", state[(160 + 15 * 16) / 8] == 0x1111111111111111);
	check("it holds more than FXSAVE's 512 bytes", words > 64);
	state[(160 + 14 * 16) / 8] = 0x5555;
	state[64] = 7; /* XSTATE_BV: x87, SSE, AVX */
	check_is("it is set", portolan_thread_set_state(child.thread, x86_XSAVE_STATE64, state, words), KERN_SUCCESS);
	check_is(
		"and read again", portolan_thread_get_state(child.thread, x86_XSAVE_STATE64, again, &words_again), KERN_SUCCESS);
	check("as it was set", again[(160 + 14 * 16) / 8] == 0x5555 && words_again == words);
	memset(state, 0xff, sizeof state);
	portolan_thread_set_state(child.thread, x86_XSAVE_STATE64, state, words);
	thread_resume(child.thread);
	nap(30);
	check("a state of all ones is loaded without harm", true);
	thread_suspend(child.thread);
	check_is("a state of the wrong size is refused", portolan_thread_set_state(child.thread, x86_XSAVE_STATE64, state, 3),
		KERN_INVALID_ARGUMENT);
	child_end(&child);
}

/* --- Both at once. */

static void test_context(void)
{
	enum { REGISTERS = x86_CONTEXT_REGISTERS, LEGACY = 64, XMM14 = (160 + 14 * 16) / 8, XMM15 = XMM14 + 2 };
	static volatile uint64_t shared[2];
	static uint64_t state[THREAD_STATE_MAX], floats[THREAD_STATE_MAX], again[THREAD_STATE_MAX];
	x86_thread_state64_t registers, before;
	struct child child;
	mach_msg_type_number_t words = THREAD_STATE_MAX, float_words = THREAD_STATE_MAX,
			       count = x86_THREAD_STATE64_WORDS;
	unsigned room;
	vm_address_t edge = 0;
	uint64_t *at_edge;

	if (!child_create(&child, child_floats, (uintptr_t)shared, MACH_PORT_NULL))
		return;
	thread_resume(child.thread);
	child_word_not(&child, &shared[0], 0);
	thread_suspend(child.thread);
	check_is("a context is read", portolan_thread_get_state(child.thread, x86_CONTEXT_STATE64, state, &words), KERN_SUCCESS);
	portolan_thread_get_state(child.thread, x86_THREAD_STATE64, (uint64_t *)&before, &count);
	portolan_thread_get_state(child.thread, x86_XSAVE_STATE64, floats, &float_words);
	check_is("it is both states' length", words, REGISTERS + float_words);
	check("first the registers", memcmp(state, &before, REGISTERS * 8) == 0);
	check("then the area", memcmp(state + REGISTERS, floats, float_words * 8) == 0);
	check("in which xmm15 is what the thread put there", state[REGISTERS + XMM15] == 0x1111111111111111);

	state[1] = 0xb0b0; /* rbx */
	state[REGISTERS + XMM14] = 0x5555;
	check_is("it is set", portolan_thread_set_state(child.thread, x86_CONTEXT_STATE64, state, words), KERN_SUCCESS);
	room = THREAD_STATE_MAX;
	thread_get_state_trap(child.thread, x86_CONTEXT_STATE64, again, &room);
	check("as it was given", room == words && again[1] == 0xb0b0 && again[REGISTERS + XMM14] == 0x5555);
	portolan_thread_get_state(child.thread, x86_THREAD_STATE64, (uint64_t *)&registers, &count);
	check("the bases stay", registers.fs_base == before.fs_base && registers.gs_base == before.gs_base);

	state[1] = 0xb1b1;
	state[REGISTERS + XMM14] = 0x6666;
	check_is("the registers alone are set by a trap",
		thread_set_state_trap(child.thread, x86_CONTEXT_STATE64, state, REGISTERS), KERN_SUCCESS);
	portolan_thread_get_state(child.thread, x86_CONTEXT_STATE64, again, &words);
	check("and the others kept", again[1] == 0xb1b1 && again[REGISTERS + XMM14] == 0x5555);
	check_is("FXSAVE's bytes are set",
		portolan_thread_set_state(child.thread, x86_CONTEXT_STATE64, state, REGISTERS + LEGACY), KERN_SUCCESS);
	portolan_thread_get_state(child.thread, x86_CONTEXT_STATE64, again, &words);
	check("and are there", again[REGISTERS + XMM14] == 0x6666);

	static const int wrong[] = {-1, 1, LEGACY - 1, LEGACY + 1};
	state[1] = 0xb2b2;
	for (unsigned i = 0; i < sizeof wrong / sizeof *wrong; i++) {
		check_is("a context of the wrong length, by message",
			portolan_thread_set_state(child.thread, x86_CONTEXT_STATE64, state, (unsigned)(REGISTERS + wrong[i])),
			KERN_INVALID_ARGUMENT);
		check_is("and by trap",
			thread_set_state_trap(
				child.thread, x86_CONTEXT_STATE64, state, (unsigned)(REGISTERS + wrong[i])),
			KERN_INVALID_ARGUMENT);
	}
	check_is("a word too many", thread_set_state_trap(child.thread, x86_CONTEXT_STATE64, state, words + 1),
		KERN_INVALID_ARGUMENT);
	for (room = 0; room < words; room += words / 5) {
		unsigned left = room;

		check_is("no room for a context",
			thread_get_state_trap(child.thread, x86_CONTEXT_STATE64, again, &left), KERN_INVALID_ARGUMENT);
	}
	state[16] = 0xffffffff80200000; /* rip */
	check_is("a rip in the kernel is refused", portolan_thread_set_state(child.thread, x86_CONTEXT_STATE64, state, words),
		KERN_INVALID_ARGUMENT);
	state[16] = before.rip;

	/* The area's second half is no memory. */
	vm_allocate(mach_task_self(), &edge, 2 * VM_PAGE_SIZE, TRUE);
	vm_deallocate(mach_task_self(), edge + VM_PAGE_SIZE, VM_PAGE_SIZE);
	at_edge = (uint64_t *)(edge + VM_PAGE_SIZE) - (REGISTERS + float_words / 2);
	memset(at_edge, 0xff, (REGISTERS + float_words / 2) * 8);
	memcpy(at_edge, state, REGISTERS * 8);
	check_is("an area that ends too early",
		thread_set_state_trap(child.thread, x86_CONTEXT_STATE64, at_edge, words), KERN_INVALID_ADDRESS);
	check_is("no memory for all of a context",
		thread_get_state_trap(child.thread, x86_CONTEXT_STATE64, at_edge, &(unsigned){THREAD_STATE_MAX}),
		KERN_INVALID_ADDRESS);
	portolan_thread_get_state(child.thread, x86_CONTEXT_STATE64, again, &words);
	check("no register has changed", again[1] == 0xb1b1);
	thread_resume(child.thread);
	nap(30);
	check("what it left of the floating-point state is loaded without harm", true);
	vm_deallocate(mach_task_self(), edge, VM_PAGE_SIZE);
	child_end(&child);
}

/* --- Registers. */

static void test_registers_set(void)
{
	static volatile uint64_t shared[2];
	struct child child;
	x86_thread_state64_t state, bad;
	mach_msg_type_number_t words = x86_THREAD_STATE64_WORDS;

	if (!child_create(&child, child_floats, (uintptr_t)shared, MACH_PORT_NULL))
		return;
	portolan_thread_get_state(child.thread, x86_THREAD_STATE64, (uint64_t *)&state, &words);
	bad = state;
	bad.rip = 0xffffffff80200000;
	check_is("a rip in the kernel is refused",
		portolan_thread_set_state(child.thread, x86_THREAD_STATE64, (uint64_t *)&bad, words), KERN_INVALID_ARGUMENT);
	bad = state;
	bad.gs_base = 0x8000000000000000;
	check_is("a GS base that is no address is refused",
		portolan_thread_set_state(child.thread, x86_THREAD_STATE64, (uint64_t *)&bad, words), KERN_INVALID_ARGUMENT);
	bad = state;
	bad.rflags = ~0ull;
	bad.cs = 8;
	bad.r15 = 77;
	check_is("all flags are set", portolan_thread_set_state(child.thread, x86_THREAD_STATE64, (uint64_t *)&bad, words),
		KERN_SUCCESS);
	portolan_thread_get_state(child.thread, x86_THREAD_STATE64, (uint64_t *)&bad, &words);
	check("those that are not a task's are not",
		(bad.rflags & 0x3000) == 0 && (bad.rflags & 0x200) != 0 && bad.cs == state.cs);
	check("the other registers are", bad.r15 == 77);
	child_end(&child);
}

/* --- Devices. */

static inline void out8(uint16_t port, uint8_t value)
{
	__asm__ volatile("outb %0, %1" : : "a"(value), "Nd"(port));
}

static inline uint8_t in8(uint16_t port)
{
	uint8_t value;

	__asm__ volatile("inb %1, %0" : "=a"(value) : "Nd"(port));
	return value;
}

/* In a child: touches a port that nobody gave it. */
static void child_port(uint64_t address)
{
	(void)in8(0x71);
	*(volatile uint64_t *)address = 1;
	for (;;)
		;
}

#define RTC_INDEX 0x70
#define RTC_DATA  0x71
#define RTC_LINE  8

static uint8_t rtc(uint8_t index)
{
	out8(RTC_INDEX, index);
	return in8(RTC_DATA);
}

static void rtc_set(uint8_t index, uint8_t value)
{
	out8(RTC_INDEX, index);
	out8(RTC_DATA, value);
}

static void test_ports_of_devices(void)
{
	static volatile uint64_t touched;
	uint64_t theirs = 0;
	struct child child;

	check_is("ports are given", device_io_ports(master, mach_task_self(), RTC_INDEX, RTC_DATA), KERN_SUCCESS);
	check("and used", rtc(0) < 0x60);
	check_is("a range that ends before it begins is refused", device_io_ports(master, mach_task_self(), 5, 4),
		KERN_INVALID_ARGUMENT);
	check_is("so is one beyond the last port", device_io_ports(master, mach_task_self(), 0, 65536),
		KERN_INVALID_ARGUMENT);
	if (!child_create(&child, child_port, (uintptr_t)&touched, MACH_PORT_NULL))
		return;
	thread_resume(child.thread);
	nap(30);
	if (task_copy_from(child.task, (uintptr_t)&touched, 8, &theirs, 0, NULL) == KERN_SUCCESS)
		check("a task without ports does not get at them", theirs == 0);
	else
		check("a task without ports is ended when it touches one", true);
	check("ours still work", rtc(0) < 0x60);
	child_end(&child);
}

static void test_line(void)
{
	mach_port_t notify = new_port(), irq = MACH_PORT_NULL, second = MACH_PORT_NULL;
	struct words_message message;
	uint8_t old = rtc(0xb);

	check_is("a line's interrupt is asked for", device_irq_line(master, RTC_LINE, notify, &irq), KERN_SUCCESS);
	check_is("a line has one owner", device_irq_line(master, RTC_LINE, notify, &second), KERN_NAME_EXISTS);
	check_is("a line that no controller has is refused", device_irq_line(master, 4000, notify, &second),
		KERN_INVALID_ARGUMENT);
	rtc_set(0xa, 0x26); /* 1024 Hz */
	rtc_set(0xb, old | 0x40);
	rtc(0xc);
	for (int i = 0; i < 3; i++) {
		check_is(
			"an interrupt comes as a message", receive_words(notify, &message, PATIENCE), MACH_MSG_SUCCESS);
		check("its id and count are right", message.header.msgh_id == 2850 && message.word[0] == 1);
		check_is("none comes before it is acknowledged", receive_words(notify, &message, 20),
			MACH_RCV_TIMED_OUT);
		rtc(0xc);
		check_is("it is acknowledged", device_irq_ack(irq), KERN_SUCCESS);
	}
	mach_port_deallocate(mach_task_self(), irq);
	rtc(0xc);
	receive_words(notify, &message, 20);
	rtc(0xc);
	check_is("none comes when the right has gone", receive_words(notify, &message, 50), MACH_RCV_TIMED_OUT);
	check_is("and the line is free again", device_irq_line(master, RTC_LINE, notify, &irq), KERN_SUCCESS);
	mach_port_deallocate(mach_task_self(), irq);
	rtc_set(0xb, old);
	rtc(0xc);
	free_port(notify);
}

static void test_memory_of_devices(void)
{
	mach_port_t object = MACH_PORT_NULL;
	vm_address_t address = 0;
	uint64_t physical = 0, sum = 0;

	check_is("RAM is refused", device_physical(master, 0x400000, 4096, TRUE, &object), KERN_NO_ACCESS);
	check_is("a range around the end of addresses is refused",
		device_physical(master, ~0ull - 4095, 8192, TRUE, &object), KERN_INVALID_ARGUMENT);
	check_is("the text screen is given", device_physical(master, 0xb8000, 4096, FALSE, &object), KERN_SUCCESS);
	check_is("and mapped",
		vm_map(mach_task_self(), &address, 4096, 0, TRUE, object, 0, FALSE, VM_PROT_DEFAULT, VM_PROT_DEFAULT,
			VM_INHERIT_NONE),
		KERN_SUCCESS);
	*(volatile uint16_t *)(address + 4000 - 2) = 0x0741;
	check("it holds what is written", *(volatile uint16_t *)(address + 4000 - 2) == 0x0741);
	mach_port_deallocate(mach_task_self(), object);
	check("also when the object's right has gone", *(volatile uint16_t *)(address + 4000 - 2) == 0x0741);
	vm_deallocate(mach_task_self(), address, 4096);

	check_is("memory for a device is given", device_dma_memory(master, 20000, &object, &physical), KERN_SUCCESS);
	address = 0;
	check_is("and mapped",
		vm_map(mach_task_self(), &address, 20000, 0, TRUE, object, 0, FALSE, VM_PROT_DEFAULT, VM_PROT_DEFAULT,
			VM_INHERIT_NONE),
		KERN_SUCCESS);
	for (unsigned i = 0; i < 20480 / 8; i++)
		sum |= ((volatile uint64_t *)address)[i];
	check("zeroed, on a page, below 4 GiB",
		sum == 0 && physical != 0 && physical % 4096 == 0 && physical < 1ull << 32);
	*(volatile uint64_t *)address = physical;
	check_is("what is unmapped", vm_deallocate(mach_task_self(), address, 20480), KERN_SUCCESS);
	address = 0;
	check("stays while there is a right to it",
		vm_map(mach_task_self(), &address, 4096, 0, TRUE, object, 0, FALSE, VM_PROT_DEFAULT, VM_PROT_DEFAULT,
			VM_INHERIT_NONE) == KERN_SUCCESS &&
			*(volatile uint64_t *)address == physical);
	vm_deallocate(mach_task_self(), address, 4096);
	check_is("not more of it than there is",
		vm_map(mach_task_self(), &address, 32768, 0, TRUE, object, 0, FALSE, VM_PROT_DEFAULT, VM_PROT_DEFAULT,
			VM_INHERIT_NONE),
		KERN_INVALID_ARGUMENT);
	mach_port_deallocate(mach_task_self(), object);
	check("no memory of an impossible size",
		device_dma_memory(master, 1ull << 40, &object, &physical) != KERN_SUCCESS);
}

void test_machine(void)
{
	portolan_mach_ports_lookup(mach_task_self(), REGISTERED_DEVICE_MASTER, &master, &(mach_msg_type_name_t){0});
	test_floats();
	test_float_state();
	test_context();
	test_registers_set();
	test_ports_of_devices();
	test_line();
	test_memory_of_devices();
}
