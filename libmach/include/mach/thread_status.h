/* Thread states of x86-64: the kernel's flavours in 64-bit words, and the flavours of GNU's, OSF's and Apple's programs. */
#ifndef MACH_THREAD_STATUS_H
#define MACH_THREAD_STATUS_H

#include <stdint.h>

/*
 * The kernel's: portolan_thread_get_state, thread_get_state_trap and their like. x86_THREAD_STATE64 is what Apple's programs
 * know, counted there in 32-bit words.
 */
#define x86_THREAD_STATE64 4
#define x86_THREAD_STATE   7 /* the same behind a flavour and a count, in 32-bit words: of messages of exceptions */
#define x86_XSAVE_STATE64  5 /* the XSAVE area in standard form, 512 bytes of FXSAVE first */
/*
 * What a signal's frame keeps of a thread, in one go: the first words of x86_thread_state64_t, rax to rflags, then the
 * XSAVE area. It is set with the whole area, with FXSAVE's 512 bytes, or with the registers alone, which leaves the
 * floating-point registers as they are; the bases of FS and GS stay in any case.
 */
#define x86_CONTEXT_STATE64 6

/* clang-format off */
/* A register under its name and under the one that it has in newer sources of Apple's. */
#define MACH_REGISTER(name) union { uint64_t name, __##name; }
/* All of a thread's registers, in 64-bit words. Of rflags a task may change the arithmetic flags, DF, TF, AC, ID. */
typedef struct {
	MACH_REGISTER(rax); MACH_REGISTER(rbx); MACH_REGISTER(rcx); MACH_REGISTER(rdx);
	MACH_REGISTER(rdi); MACH_REGISTER(rsi); MACH_REGISTER(rbp); MACH_REGISTER(rsp);
	MACH_REGISTER(r8); MACH_REGISTER(r9); MACH_REGISTER(r10); MACH_REGISTER(r11);
	MACH_REGISTER(r12); MACH_REGISTER(r13); MACH_REGISTER(r14); MACH_REGISTER(r15);
	MACH_REGISTER(rip); MACH_REGISTER(rflags); MACH_REGISTER(cs);
	union { uint64_t fs_base, fs, __fs; }; /* the bases, which are all that there is of FS and GS */
	union { uint64_t gs_base, gs, __gs; };
} x86_thread_state64_t;
/* clang-format on */

#define x86_THREAD_STATE64_WORDS ((unsigned)(sizeof(x86_thread_state64_t) / 8))
#define x86_CONTEXT_REGISTERS    18u /* words of x86_CONTEXT_STATE64 before the area */
#define THREAD_STATE_MAX         512 /* XSAVE area up to AVX-512 and PKRU, and registers; as 32-bit words more than any standard flavour has */

#ifndef PORTOLAN_KERNEL
#include <mach/thread_flavors.h>
#endif

#endif
