/*
 * The register path's view of the processor: the user's registers that stay in their registers from one thread to the
 * other.
 *
 * While ipc/fast.c runs, the eight words (rdi rsi rdx r10 r8 r9 r12 r13) and r14 are the user's; the compiler is told
 * to leave them alone (kernel/Makefile.inc) and C sees them as variables. So a word that travels is neither stored nor
 * loaded. entry.S has saved rbx, r14, r15, rbp and what the processor needs to go back, and C may use rax, rbx, rcx,
 * r11 and r15. On the host they are a structure.
 */
#ifndef X86_64_LIVE_H
#define X86_64_LIVE_H

#include <kern/processor.h>


#ifdef PORTOLAN_HOST

struct live {
	uint64_t word[8];
	uint64_t r14;
};
extern struct live live;

#define LIVE_WORD(n) live.word[n]
#define LIVE_R14     live.r14

_Noreturn void live_leave(struct thread *to, uint64_t rbx);
_Noreturn void live_leave_foreign(struct thread *to, uint64_t rbx);
_Noreturn void live_leave_as_set(struct thread *to);
_Noreturn void live_slow_call(void);
_Noreturn void live_slow_reply_wait(void);
_Noreturn void live_slow_foreign(void);
_Noreturn void live_kernel_call(struct ipc_port *port);

#else

register uint64_t live_word0 __asm__("rdi");
register uint64_t live_word1 __asm__("rsi");
register uint64_t live_word2 __asm__("rdx");
register uint64_t live_word3 __asm__("r10");
register uint64_t live_word4 __asm__("r8");
register uint64_t live_word5 __asm__("r9");
register uint64_t live_word6 __asm__("r12");
register uint64_t live_word7 __asm__("r13");
register uint64_t live_r14 __asm__("r14");

#define LIVE_WORD(n) live_word##n
#define LIVE_R14     live_r14

/* Jumps to a place in entry.S where all live registers are used. */
#define LIVE_JUMP(place, ...)                                                                                          \
	do {                                                                                                           \
		__asm__ volatile("jmp " #place                                                                         \
				 :                                                                                     \
				 : "r"(live_word0), "r"(live_word1), "r"(live_word2), "r"(live_word3),                 \
				 "r"(live_word4), "r"(live_word5), "r"(live_word6), "r"(live_word7),                   \
				 "r"(live_r14)__VA_ARGS__                                                              \
				 : "memory");                                                                          \
		__builtin_unreachable();                                                                               \
	} while (0)

/*
 * Switches to a thread that entered by syscall, is marked RUNNING and gets the live registers and rbx; the current one
 * is put away already. rax is 0, or with `foreign` what the thread's registers have.
 */
#define live_leave(to, rbx)         LIVE_JUMP(fast_leave, , "a"(to), "b"(rbx))
#define live_leave_foreign(to, rbx) LIVE_JUMP(fast_leave_foreign, , "a"(to), "b"(rbx))
/* The same with all the registers that the thread has, live or not: they were set. */
#define live_leave_as_set(to)       LIVE_JUMP(fast_leave_as_set, , "a"(to))
/* Nothing has been changed: the full path. */
#define live_slow_call()            LIVE_JUMP(fast_slow_call)
#define live_slow_reply_wait()      LIVE_JUMP(fast_slow_reply_wait)
#define live_slow_foreign()         LIVE_JUMP(fast_slow_foreign)
/* The call is for the kernel itself; a reference to the port goes along. */
#define live_kernel_call(port)      LIVE_JUMP(fast_kernel_call, , "b"(port))

#endif
#endif
