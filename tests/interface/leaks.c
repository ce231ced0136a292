/* What comes back from the kernel in the registers: what the trap says, and never an address of the kernel. */
#include "test.h"

#include <mach/foreign.h>
#include <string.h>

/* All general registers but rsp, in the order in which leak_enter loads and stores them; bases of FS and GS after. */
enum { RAX, RBX, RCX, RDX, RSI, RDI, RBP, R8, R9, R10, R11, R12, R13, R14, R15, GENERAL, FS = GENERAL, GS, REGISTERS };
static const char *const register_name[REGISTERS] = {"rax", "rbx", "rcx", "rdx", "rsi", "rdi", "rbp", "r8", "r9", "r10",
	"r11", "r12", "r13", "r14", "r15", "fs base", "gs base"};

/*
 * Enters the kernel with these registers by `syscall`, or, with leak_spin, stays out of it while rcx counts down; *regs
 * is what they are then.
 */
void leak_enter(uint64_t regs[REGISTERS]);
void leak_spin(uint64_t regs[REGISTERS]);
/* clang-format off */
__asm__(".macro LEAK_FUNCTION name, instruction\n"
	"\\name:\n"
	"	push %rbx; push %rbp; push %r12; push %r13; push %r14; push %r15\n"
	"	push %rdi\n"
	"	mov (%rdi), %rax; mov 8(%rdi), %rbx; mov 16(%rdi), %rcx; mov 24(%rdi), %rdx; mov 32(%rdi), %rsi\n"
	"	mov 48(%rdi), %rbp; mov 56(%rdi), %r8; mov 64(%rdi), %r9; mov 72(%rdi), %r10; mov 80(%rdi), %r11\n"
	"	mov 88(%rdi), %r12; mov 96(%rdi), %r13; mov 104(%rdi), %r14; mov 112(%rdi), %r15; mov 40(%rdi), %rdi\n"
	"1:	\\instruction\n"
	"	xchg %rax, (%rsp)\n"
	"	mov %rbx, 8(%rax); mov %rcx, 16(%rax); mov %rdx, 24(%rax); mov %rsi, 32(%rax); mov %rdi, 40(%rax)\n"
	"	mov %rbp, 48(%rax); mov %r8, 56(%rax); mov %r9, 64(%rax); mov %r10, 72(%rax); mov %r11, 80(%rax)\n"
	"	mov %r12, 88(%rax); mov %r13, 96(%rax); mov %r14, 104(%rax); mov %r15, 112(%rax)\n"
	"	rdfsbase %rcx; mov %rcx, 120(%rax); rdgsbase %rcx; mov %rcx, 128(%rax)\n"
	"	pop %rcx; mov %rcx, (%rax)\n"
	"	pop %r15; pop %r14; pop %r13; pop %r12; pop %rbp; pop %rbx\n"
	"	ret\n"
	".endm\n"
	"	LEAK_FUNCTION leak_enter, syscall\n"
	"	LEAK_FUNCTION leak_spin, \"loop 1b\"\n");
/* clang-format on */

/* The upper half but for numbers that stand for errors. */
static bool is_kernel_address(uint64_t value)
{
	return value >= 0xffff800000000000 && value < (uint64_t)-0x10000;
}

static bool leaks(const char *what, const uint64_t regs[REGISTERS])
{
	for (unsigned i = 0; i < REGISTERS; i++) {
		if (is_kernel_address(regs[i])) {
			printf("%s leaves %#llx in %s\n", what, (unsigned long long)regs[i], register_name[i]);
			return true;
		}
	}
	return false;
}

/* Whether all general registers but those of the mask are what they were. */
static bool kept(const char *what, const uint64_t before[REGISTERS], const uint64_t after[REGISTERS], unsigned but)
{
	for (unsigned i = 0; i < GENERAL; i++) {
		if (before[i] != after[i] && !(but >> i & 1)) {
			printf("%s changes %s\n", what, register_name[i]);
			return false;
		}
	}
	return true;
}

/* Arguments that lead nowhere: all zero, or numbers that are neither names nor addresses. */
static void fill(uint64_t regs[REGISTERS], bool zero)
{
	for (unsigned i = 0; i < GENERAL; i++)
		regs[i] = zero ? 0 : 0x1111111111111111ull * (i % 7 + 1);
}

#define PLAIN_TRAPS_END 40 /* beyond TRAP_LAST: numbers that mean nothing */

static void test_plain_traps(void)
{
	bool no_leak = true, all_kept = true;

	for (int number = TRAP_MACH_REPLY_DEFER; number > -PLAIN_TRAPS_END; number--) {
		for (unsigned zero = 0; zero < 2; zero++) {
			uint64_t before[REGISTERS], after[REGISTERS];
			char what[32];

			if (number == TRAP_THREAD_EXIT || number == TRAP_SET_FS_BASE)
				continue;
			fill(before, zero);
			before[RAX] = (uint64_t)number;
			memcpy(after, before, sizeof after);
			leak_enter(after);
			snprintf(what, sizeof what, "trap %d", number);
			no_leak = !leaks(what, after) && no_leak;
			all_kept = kept(what, before, after, 1u << RAX | 1u << RCX | 1u << R11) && all_kept;
		}
	}
	check("no trap leaves an address of the kernel", no_leak);
	check("a plain trap keeps every register but rax, rcx and r11", all_kept);
}

static void test_interrupts(void)
{
	uint64_t before[REGISTERS], after[REGISTERS];

	fill(before, false);
	before[RCX] = 200000000; /* some slices long */
	memcpy(after, before, sizeof after);
	leak_spin(after);
	check("interrupts change no register",
		kept("an interrupt", before, after, 1u << RCX) && !leaks("an interrupt", after));
}

static volatile uint32_t called;

static void caller(uint64_t port)
{
	uint64_t word[8] = {1, 2, 3, 4, 5, 6, 7, 8};

	mach_call_words((mach_port_t)port, 77, word, 8);
	called = 1;
}

/* The register path, from both sides, with a caller that waits and with one that comes. */
static void test_register_path(void)
{
	static char buffer[256];
	bool no_leak = true;

	for (unsigned first = 0; first < 2; first++) {
		mach_port_t port = new_port();
		uint64_t regs[REGISTERS];

		called = 0;
		start_thread(caller, port);
		if (first == 0)
			nap(20);
		fill(regs, false);
		regs[RAX] = (uint64_t)TRAP_MACH_REPLY_WAIT;
		regs[RBX] = port | (uint64_t)REPLY_NONE << 32;
		regs[R14] = (uintptr_t)buffer;
		regs[R15] = sizeof buffer;
		leak_enter(regs);
		check("a call arrives", regs[RAX] == 0 && regs[RDI] == 1 && regs[R13] == 8);
		no_leak = !leaks("what is delivered", regs) && no_leak;
		fill(regs, false);
		regs[RAX] = (uint64_t)TRAP_MACH_REPLY_WAIT;
		regs[RBX] = port | (uint64_t)REPLY_NO_WAIT << 32;
		regs[R15] = 1ull << 32;
		leak_enter(regs);
		no_leak = !leaks("a reply", regs) && no_leak;
		check_is("and is answered", wait_until_is(&called, 1), 1);
		free_port(port);
	}
	for (unsigned kind = 0; kind < 3; kind++) {
		mach_port_t dead = new_port(), host = mach_host_self();
		uint64_t regs[REGISTERS];

		mach_port_mod_refs(mach_task_self(), dead, MACH_PORT_RIGHT_RECEIVE, -1);
		fill(regs, false);
		regs[RAX] = (uint64_t)TRAP_MACH_CALL;
		regs[RBX] = (kind == 0 ? dead : kind == 1 ? host : 0) | (uint64_t)4711 << 32;
		regs[R14] = 8;
		leak_enter(regs);
		no_leak = !leaks("a call that fails", regs) && no_leak;
		mach_port_deallocate(mach_task_self(), dead);
		mach_port_deallocate(mach_task_self(), host);
	}
	check("no register message brings an address of the kernel", no_leak);
}

void test_leaks(void)
{
	test_plain_traps();
	test_interrupts();
	test_register_path();
}
