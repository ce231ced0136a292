/* Thread state flavours of x86-64. */
#ifndef MACH_THREAD_STATUS_H
#define MACH_THREAD_STATUS_H

#include <stdint.h>

typedef uint64_t *thread_state_t;

#define x86_THREAD_STATE64 4
#define x86_FLOAT_STATE64  5 /* the XSAVE area in standard form, 512 bytes of FXSAVE first */
/*
 * What a signal's frame keeps of a thread, in one go: the first words of x86_thread_state64_t, rax to rflags, then the
 * XSAVE area. It is set with the whole area, with FXSAVE's 512 bytes, or with the registers alone, which leaves the
 * floating-point registers as they are; the bases of FS and GS stay in any case.
 */
#define x86_CONTEXT_STATE64 6

/* All of a thread's registers, in 64-bit words. Of rflags a task may change the arithmetic flags, DF, TF, AC, ID. */
typedef struct {
	uint64_t rax, rbx, rcx, rdx, rdi, rsi, rbp, rsp;
	uint64_t r8, r9, r10, r11, r12, r13, r14, r15;
	uint64_t rip, rflags, cs, fs_base, gs_base;
} x86_thread_state64_t;

#define x86_THREAD_STATE64_COUNT ((unsigned)(sizeof(x86_thread_state64_t) / 8))
#define x86_CONTEXT_REGISTERS    18u /* words of x86_CONTEXT_STATE64 before the area */
#define THREAD_STATE_MAX         512 /* words: XSAVE area up to AVX-512 and PKRU, and registers */

#endif
