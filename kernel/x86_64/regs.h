/* The registers of a thread in user mode, as the entry code saves them and the register path moves them. */
#ifndef X86_64_REGS_H
#define X86_64_REGS_H

#include <stdint.h>

/* Offsets are known to x86_64/entry.S through asm_offsets; word[] is in the order of mach/trap.h. */
struct thread_regs {
	union {
		uint64_t word[8];
		struct {
			uint64_t rdi, rsi, rdx, r10, r8, r9, r12, r13;
		};
	};
	union {
		uint64_t rbx;
		struct {
			uint32_t rbx_low, rbx_high; /* the register path's names, and ids or flags */
		};
	};
	uint64_t r14;
	union {
		uint64_t r15;
		struct {
			uint32_t r15_low, r15_high; /* mach_reply_wait: size of the buffer, count of the reply */
		};
	};
	uint64_t rax, rbp;
	uint64_t rcx, r11;
	uint64_t rip, cs, rflags, rsp, ss; /* as iretq wants them */
	uint64_t fs_base, gs_base;
	uint64_t by_syscall; /* 1: entered by `syscall` (rcx and r11 are free), may leave by sysretq; 1 in user mode */
};

/* For each by its name, but those that the syscall instruction uses. */
#define EACH_REGISTER(what)                                                                                            \
	what(rax) what(rbx) what(rdx) what(rdi) what(rsi) what(rbp) what(rsp) what(r8) what(r9) what(r10) what(r12)    \
		what(r13) what(r14) what(r15) what(rip) what(fs_base) what(gs_base)

#endif
