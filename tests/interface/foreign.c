/* Foreign system calls: the port setting as a Unix server uses it, KEEP, deferral, and a server that dies. */
#include "test.h"

#include <string.h>

/* In the child: foreign calls with all six arguments; the results go to shared memory. */
struct results {
	volatile uint64_t done;
	volatile uint64_t result[4];
	volatile uint64_t answered_rbx, answered_r12;
	volatile uint64_t kept_rbx, kept_r12;
	volatile uint64_t stack; /* of the caller's frame */
};

static inline uint64_t foreign(uint64_t number, uint64_t a, uint64_t b, uint64_t c, uint64_t d, uint64_t e, uint64_t f)
{
	register uint64_t r10 __asm__("r10") = d;
	register uint64_t r8 __asm__("r8") = e;
	register uint64_t r9 __asm__("r9") = f;

	__asm__ volatile("syscall"
			 : "+a"(number)
			 : "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
			 : "rcx", "r11", "memory");
	return number;
}

static void caller(uint64_t address)
{
	struct results *r = (struct results *)address;
	register uint64_t r12 __asm__("r12");
	uint64_t rbx = 0xbbbb, rax = 39;

	register uint64_t r10 __asm__("r10") = 4;
	register uint64_t r8 __asm__("r8") = 5;
	register uint64_t r9 __asm__("r9") = 6;
	uint64_t answer = 17, b = 0xabab;

	r->stack = (uintptr_t)__builtin_frame_address(0);
	r12 = 0x34343434;
	__asm__ volatile("syscall"
			 : "+a"(answer), "+b"(b), "+r"(r12)
			 : "D"(1), "S"(2), "d"(3), "r"(r10), "r"(r8), "r"(r9)
			 : "rcx", "r11", "memory");
	r->result[0] = answer;
	r->answered_rbx = b;
	r->answered_r12 = r12;
	r12 = 0x12121212;
	__asm__ volatile("syscall" : "+a"(rax), "+b"(rbx), "+r"(r12) : : "rcx", "r11", "memory");
	r->result[1] = rax;
	r->kept_rbx = rbx;
	r->kept_r12 = r12;
	r->result[2] = foreign(40, 0, 0, 0, 0, 0, 0);
	r->done = 1;
	r->result[3] = foreign(41, 0, 0, 0, 0, 0, 0);
	r->done = 2;
	for (;;)
		nap(1000);
}

void test_foreign(void)
{
	foreign_bitmap_t none = {0};
	mach_port_t port = new_port();
	struct mach_delivery d = {0};
	char buffer[256];
	struct child child;
	vm_address_t shared = 0;
	struct results *r;
	mach_port_t owed;

	vm_allocate(mach_task_self(), &shared, VM_PAGE_SIZE, TRUE);
	vm_inherit(mach_task_self(), shared, VM_PAGE_SIZE, VM_INHERIT_SHARE);
	r = (struct results *)shared;
	if (!child_create(&child, caller, shared, MACH_PORT_NULL))
		return;
	check_is("a task's foreign calls go to a port", task_set_foreign(child.task, FOREIGN_PORT, 0, port, none),
		KERN_SUCCESS);
	check_is("its thread gets a word", thread_set_word(child.thread, 0xabcdef), KERN_SUCCESS);
	thread_resume(child.thread);

	check_is("a call arrives", mach_reply_wait_words(port, REPLY_NONE, 0, buffer, sizeof buffer, &d), KERN_SUCCESS);
	check_is("its id is its number", DELIVERED_ID(d.kind), 17);
	check_is("it is foreign", d.kind & (DELIVERED_FOREIGN | DELIVERED_CALL), DELIVERED_FOREIGN | DELIVERED_CALL);
	check("the arguments are words 0 to 5", d.word[0] == 1 && d.word[1] == 2 && d.word[2] == 3 && d.word[3] == 4 &&
							d.word[4] == 5 && d.word[5] == 6);
	check_is("word 6 says who calls", d.word[6], 0xabcdef);
	check("word 7 is the caller's stack", d.word[7] > r->stack - 256 && d.word[7] <= r->stack);
	check_is("the reply goes, the next call arrives", mach_answer_wait(port, 0, 0x7777, buffer, sizeof buffer, &d),
		KERN_SUCCESS);
	check_is("the result is rax", r->result[0], 0x7777);
	check("and no other register changes", r->answered_rbx == 0xabab && r->answered_r12 == 0x34343434);
	check("the next call's word and payload came with it", d.word[6] == 0xabcdef && d.payload == port);
	check_is("the second call's number", DELIVERED_ID(d.kind), 39);
	check_is("KEEP, and the next call", mach_reply_wait_words(port, REPLY_KEEP, 0, buffer, sizeof buffer, &d),
		KERN_SUCCESS);
	check_is("KEEP changes no rax", r->result[1], 39);
	check("no other register changes", r->kept_rbx == 0xbbbb && r->kept_r12 == 0x12121212);

	owed = mach_reply_defer();
	check("the third call is deferred", MACH_PORT_VALID(owed));
	nap(50);
	check_is("its caller waits", r->done, 0);
	check_is("a caller that waits is suspended", thread_suspend(child.thread), KERN_SUCCESS);
	{
		x86_thread_state64_t state;
		mach_msg_type_number_t words = x86_THREAD_STATE64_WORDS;
		check_is("its state is read",
			portolan_thread_get_state(child.thread, x86_THREAD_STATE64, (uint64_t *)&state, &words),
			KERN_SUCCESS);
		check_is("rax holds the number", state.rax, 40);
	}
	thread_resume(child.thread);
	memset(d.word, 0, sizeof d.word);
	d.word[0] = 4242;
	check_is("the deferred reply", mach_send_words(owed, 140, d.word, 1), KERN_SUCCESS);
	check_is("the fourth call arrives", mach_reply_wait_words(port, REPLY_NONE, 0, buffer, sizeof buffer, &d),
		KERN_SUCCESS);
	check_is("the deferred result is rax", r->result[2], 4242);
	check_is("and the caller went on", r->done, 1);
	/* Terminating the caller kills the right to reply; replying is then an error or nothing, never harm. */
	child_end(&child);
	d.word[0] = 1;
	mach_reply_wait_words(port, REPLY_NO_WAIT, 1, buffer, sizeof buffer, &d);
	check("a reply to a caller that is gone does no harm", true);
	free_port(port);
	vm_deallocate(mach_task_self(), shared, VM_PAGE_SIZE);
}

/* Where the server sends a caller: stores what it finds in some registers and the flags at rdi, and calls again. */
void store_registers(void);
__asm__("store_registers:\n"
	"	movq %rcx, 8(%rdi)\n"
	"	movq %r11, 16(%rdi)\n"
	"	movq %r13, 24(%rdi)\n"
	"	movq %rbx, 32(%rdi)\n"
	"	pushfq\n"
	"	popq 40(%rdi)\n"
	"	movq %rax, 48(%rdi)\n"
	"	movl $61, %eax\n"
	"	syscall\n"
	"	ud2\n");

static void one_call(uint64_t number)
{
	foreign(number, 0, 0, 0, 0, 0, 0);
}

/* A server sets all registers of a caller that waits for its reply, and answers with KEEP: what it does for a signal.
 */
void test_set_in_call(void)
{
	enum { CARRY = 1 };
	foreign_bitmap_t none = {0};
	mach_port_t port = new_port();
	struct mach_delivery d = {0};
	mach_msg_type_number_t words = x86_THREAD_STATE64_WORDS;
	x86_thread_state64_t state;
	vm_address_t shared = 0;
	volatile uint64_t *seen;
	char buffer[256];
	struct child child;

	vm_allocate(mach_task_self(), &shared, VM_PAGE_SIZE, TRUE);
	vm_inherit(mach_task_self(), shared, VM_PAGE_SIZE, VM_INHERIT_SHARE);
	seen = (volatile uint64_t *)shared;
	if (!child_create(&child, one_call, 60, MACH_PORT_NULL))
		return;
	task_set_foreign(child.task, FOREIGN_PORT, 0, port, none);
	thread_resume(child.thread);
	check_is("a call to be diverted", mach_reply_wait_words(port, REPLY_NONE, 0, buffer, sizeof buffer, &d),
		KERN_SUCCESS);
	check_is("the waiting caller's registers",
		thread_get_state_trap(child.thread, x86_THREAD_STATE64, (uint64_t *)&state, &words), KERN_SUCCESS);
	check_is("its rsp came with the call", state.rsp, d.word[7]);
	state.rip = (uintptr_t)store_registers;
	state.rdi = shared;
	state.rcx = 0xc0c0;
	state.r11 = 0x1111;
	state.r13 = 0x1313;
	state.rbx = 0xb0b0;
	state.rax = 0xa0a0;
	state.rflags |= CARRY;
	check_is("are set", thread_set_state_trap(child.thread, x86_THREAD_STATE64, (uint64_t *)&state, words),
		KERN_SUCCESS);
	check_is("KEEP, and the call that it makes from there",
		mach_reply_wait_words(port, REPLY_KEEP, 0, buffer, sizeof buffer, &d), KERN_SUCCESS);
	check_is("its number", DELIVERED_ID(d.kind), 61);
	check("rcx and r11 too", seen[1] == 0xc0c0 && seen[2] == 0x1111);
	check("and all others", seen[3] == 0x1313 && seen[4] == 0xb0b0 && seen[6] == 0xa0a0);
	check("and the flags", (seen[5] & CARRY) != 0);
	child_end(&child);
	free_port(port);
	vm_deallocate(mach_task_self(), shared, VM_PAGE_SIZE);
}

/* In the child: one foreign call after the other. */
static void calls_for_ever(uint64_t unused)
{
	(void)unused;
	for (;;)
		foreign(50, 0, 0, 0, 0, 0, 0);
}

static int64_t look_at(mach_port_t thread, uint64_t *rax)
{
	x86_thread_state64_t state = {.rax = 0};
	mach_msg_type_number_t words = x86_THREAD_STATE64_WORDS;
	kern_return_t result = portolan_thread_get_state(thread, x86_THREAD_STATE64, (uint64_t *)&state, &words);

	*rax = state.rax;
	return result;
}

/*
 * A server that drops the right to reply: the caller is about to raise an exception when it is suspended and looked at.
 * It comes to a stop in the wait for the exception's answer, which nobody gives: the look must not wait for that.
 */
void test_dropped_reply(void)
{
	foreign_bitmap_t none = {0};
	mach_port_t port = new_port(), handler = new_port();
	struct mach_delivery d = {0};
	char buffer[256];
	struct child child;
	mach_port_t owed;
	uint64_t rax;

	if (!child_create(&child, calls_for_ever, 0, MACH_PORT_NULL))
		return;
	task_set_foreign(child.task, FOREIGN_PORT, 0, port, none);
	task_set_special_port(child.task, TASK_EXCEPTION_PORT, handler);
	thread_resume(child.thread);
	check_is("a call to be dropped arrives", mach_reply_wait_words(port, REPLY_NONE, 0, buffer, sizeof buffer, &d),
		KERN_SUCCESS);
	owed = mach_reply_defer();
	check_is("the right to reply is dropped", mach_port_deallocate(mach_task_self(), owed), KERN_SUCCESS);
	check_is("the caller is suspended before it has run", thread_suspend(child.thread), KERN_SUCCESS);
	check_is("its state is read although it waits for an exception's answer", look_at(child.thread, &rax),
		KERN_SUCCESS);
	check_is("and is that of the call", rax, 50);
	child_end(&child);
	free_port(handler);
	free_port(port);
}

/*
 * A server that drops the right to reply, ends the caller and goes, as one does at the end of a process: the caller was
 * about to raise an exception, but a thread that is being ended asks nobody, and its task is not ended for want of a
 * handler.
 */
void test_ended_in_call(void)
{
	foreign_bitmap_t none = {0};
	mach_port_t port = new_port();
	struct mach_delivery d = {0};
	char buffer[256];
	struct child child;

	if (!child_create(&child, calls_for_ever, 0, MACH_PORT_NULL))
		return;
	task_set_foreign(child.task, FOREIGN_PORT, 0, port, none);
	task_set_special_port(child.task, TASK_EXCEPTION_PORT, port);
	thread_resume(child.thread);
	check_is("a call whose caller will end arrives",
		mach_reply_wait_words(port, REPLY_NONE, 0, buffer, sizeof buffer, &d), KERN_SUCCESS);
	mach_port_deallocate(mach_task_self(), mach_reply_defer());
	check_is("the caller is ended before it has run", thread_terminate(child.thread), KERN_SUCCESS);
	free_port(port);
	for (int i = 0; i < PATIENCE && type_of(child.thread) != MACH_PORT_TYPE_DEAD_NAME; i++)
		nap(1);
	check("it ends", type_of(child.thread) == MACH_PORT_TYPE_DEAD_NAME);
	check("its task does not", type_of(child.task) == MACH_PORT_TYPE_SEND);
	child_end(&child);
}
