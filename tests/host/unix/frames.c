/* Signal frames against the C library's <ucontext.h> and <signal.h>. */
#include <signal.h>
#include <stddef.h>
#include <string.h>
#include <ucontext.h>

#include "check.h"
#include "signal/sigframe.h"

static void check_registers(void)
{
	x86_thread_state64_t registers, back;
	struct frame_stack stack = {.base = 0x1234000, .flags = 2, .size = 8192};
	struct frame_context context, other;
	ucontext_t c;
	uint64_t *word = (uint64_t *)&registers;
	unsigned i;

	for (i = 0; i < x86_THREAD_STATE64_WORDS; i++)
		word[i] = 0x1000 + i;
	registers.rflags = 0x246;
	frame_fill_context(&context, &registers, 0xabcdef, &stack, 0x5000);
	memset(&c, 0, sizeof c);
	memcpy(&c, &context, sizeof context);
	check("registers are where <ucontext.h> has them",
		c.uc_mcontext.gregs[REG_RAX] == (greg_t)registers.rax &&
			c.uc_mcontext.gregs[REG_RBX] == (greg_t)registers.rbx &&
			c.uc_mcontext.gregs[REG_RCX] == (greg_t)registers.rcx &&
			c.uc_mcontext.gregs[REG_RDX] == (greg_t)registers.rdx &&
			c.uc_mcontext.gregs[REG_RSI] == (greg_t)registers.rsi &&
			c.uc_mcontext.gregs[REG_RDI] == (greg_t)registers.rdi &&
			c.uc_mcontext.gregs[REG_RBP] == (greg_t)registers.rbp &&
			c.uc_mcontext.gregs[REG_RSP] == (greg_t)registers.rsp &&
			c.uc_mcontext.gregs[REG_R8] == (greg_t)registers.r8 &&
			c.uc_mcontext.gregs[REG_R15] == (greg_t)registers.r15 &&
			c.uc_mcontext.gregs[REG_RIP] == (greg_t)registers.rip && c.uc_mcontext.gregs[REG_EFL] == 0x246);
	check("the floating-point pointer", (uint64_t)(uintptr_t)c.uc_mcontext.fpregs == 0x5000);
	check("the mask", memcmp(&c.uc_sigmask, &(uint64_t){0xabcdef}, 8) == 0);
	check("the stack",
		c.uc_stack.ss_sp == (void *)0x1234000 && c.uc_stack.ss_flags == 2 && c.uc_stack.ss_size == 8192);
	check("the code segment", (c.uc_mcontext.gregs[REG_CSGSFS] & 0xffff) == FRAME_USER_CS);

	memset(&other, 0xff, sizeof other);
	frame_fill_context(&other, &registers, 0xabcdef, &stack, 0x5000);
	memset(&context, 0, sizeof context);
	frame_fill_context(&context, &registers, 0xabcdef, &stack, 0x5000);
	check("no byte of it is left as it was", memcmp(&context, &other, sizeof context) == 0);

	memset(&back, 0, sizeof back);
	back.cs = registers.cs;
	back.fs_base = registers.fs_base;
	back.gs_base = registers.gs_base;
	frame_restore(&context, &back);
	check("what comes back is what was saved", memcmp(&back, &registers, sizeof back) == 0);
	context.registers.rflags = ~0ull;
	frame_restore(&context, &back);
	check("no privileged flag comes back", (back.rflags & ~0x50fd7ull) == 0 && (back.rflags & 0x202) == 0x202);
}

static void check_info(void)
{
	struct signal_info info;
	siginfo_t s;

	memset(&info, 0, sizeof info);
	info.signal = SIGCHLD;
	info.code = CLD_EXITED;
	info.pid = 77;
	info.uid = 88;
	info.status = 99;
	memcpy(&s, &info, sizeof s);
	check("siginfo of a child", s.si_signo == SIGCHLD && s.si_code == CLD_EXITED && s.si_pid == 77 &&
					    s.si_uid == 88 && s.si_status == 99);
	memset(&info, 0, sizeof info);
	info.signal = SIGSEGV;
	info.address = 0x123456789abcull;
	memcpy(&s, &info, sizeof s);
	check("siginfo of a fault", s.si_addr == (void *)0x123456789abcull);
	memset(&info, 0, sizeof info);
	info.value = 0xdeadbeefcafeull;
	memcpy(&s, &info, sizeof s);
	check("siginfo of a queued value", s.si_value.sival_ptr == (void *)0xdeadbeefcafeull);
}

static void check_place(void)
{
	uint64_t top, size;
	bool good = true;

	for (top = 0x7fff0000; top < 0x7fff0000 + 256; top++) {
		for (size = 512; size < 3000; size += 68) {
			struct frame_place place = frame_place(top, size);

			good = good && place.floating % 64 == 0 && place.floating + size <= top &&
			       place.frame % 16 == 8 &&
			       place.frame + offsetof(struct frame_image, floating) == place.floating;
		}
	}
	check("frames are aligned, in one piece and below the top", good);
}

int main(void)
{
	check_registers();
	check_info();
	check_place();
	check("the frame is laid out as Linux does", offsetof(struct signal_frame, context) == 8 &&
							     sizeof(struct frame_context) == 304 &&
							     offsetof(struct signal_frame, info) == 312);
	return check_failures != 0;
}
