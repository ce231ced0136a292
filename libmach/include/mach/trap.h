/* Numbers and registers of the Mach traps: the one place that states them, for C and assembly. */
#ifndef MACH_TRAP_H
#define MACH_TRAP_H

/* clang-format off */
/*
 * `syscall` with a negative number in rax is a Mach trap; from 0 up it is foreign. rcx and r11 are lost; rbp, rsp are kept
 * by every trap, and all but rax, rcx, r11 by the plain traps (from TRAP_MACH_MSG on).
 *
 *             mach_call        mach_reply_wait             foreign, on entry   delivered to a server        reply to an ordinary caller
 *   rax       -1               -2                          number              kern_return_t                kern_return_t
 *   rdi..r9   words 0-5        reply words 0-5             arguments           words 0-5                    words 0-5
 *   r12       word 6           word 6                      unchanged           word 6 / thread word         word 6
 *   r13       word 7           word 7                      unchanged           word 7 / rsp                 word 7
 *   rbx       port | id << 32  receive name | flags << 32  unchanged           count and kind | id << 32    count
 *   r14       count            buffer                      unchanged           payload, else port name      unchanged
 *   r15       unchanged        size | reply count << 32    unchanged           unchanged                    unchanged
 *
 * Words are in the order rdi rsi rdx r10 r8 r9 r12 r13. A foreign caller gets word 0 in rax and nothing else changes; with
 * REPLY_KEEP nothing changes at all. mach_send takes the registers of mach_call and changes only rax.
 */
#define TRAP_MACH_CALL         (-1)
#define TRAP_MACH_REPLY_WAIT   (-2)
#define TRAP_MACH_REPLY_DEFER  (-3)  /* -> rax: name of a send-once right (upper half 0), or 0 when nothing is owed */
#define TRAP_MACH_SEND         (-4)
#define TRAP_MACH_MSG          (-5)  /* rdi message, rsi option, rdx send size | receive size << 32, r10 receive name, r8 timeout ms, r9 notify */
#define TRAP_REPLY_PORT        (-6)  /* -> receive right's name */
#define TRAP_THREAD_SELF       (-7)  /* -> send right's name */
#define TRAP_TASK_SELF         (-8)
#define TRAP_HOST_SELF         (-9)
#define TRAP_VM_READ_OVERWRITE (-10) /* rdi task name, rsi its address, rdx size, r10 own address, r8 flags, r9 address of done size */
#define TRAP_VM_WRITE          (-11) /* rdi task name, rsi its address, rdx size, r10 own address, r8 flags, r9 address of done size */
#define TRAP_WORD_WAIT         (-12) /* rdi address, rsi expected value, rdx deadline ns (absolute, monotonic; ~0 none), r10 flags */
#define TRAP_WORD_WAKE         (-13) /* rdi address, rsi how many at most, rdx flags -> rax woken (>= 0) */
#define TRAP_THREAD_SWITCH     (-14) /* rdi thread name or 0, rsi option, rdx ms */
#define TRAP_THREAD_EXIT       (-15) /* rdi address of a word to clear and wake, or 0; does not return */
#define TRAP_CLOCK             (-16) /* rdi 0 monotonic, 1 real time -> rax ns */
#define TRAP_NULL              (-17)
#define TRAP_MACH_MSG_RESUME   (-18) /* mach_msg whose send is done: the kernel puts this in rax when the rest must run again */
#define TRAP_WORD_REQUEUE      (-19) /* rdi from, rsi to, rdx wake, r10 move, r8 expected value of from, r9 flags -> woken + moved or error << 32 */
#define TRAP_SET_FS_BASE       (-20) /* rdi the calling thread's FS base -> kern_return_t */
#define TRAP_THREAD_GET_STATE  (-21) /* rdi thread name, rsi flavor, rdx address, r10 words there -> words, or error << 32 */
#define TRAP_THREAD_SET_STATE  (-22) /* rdi thread name, rsi flavor, rdx address, r10 words -> kern_return_t */
#define TRAP_LAST              22
/* clang-format on */

/* rbx of a delivered register message: count in bits 0-3, then the kind. */
#define DELIVERED_COUNT(rbx) ((unsigned)(rbx)&0xfu)
#define DELIVERED_CALL       0x10u /* a reply is owed: mach_reply_wait or mach_reply_defer */
#define DELIVERED_FOREIGN    0x20u /* with CALL: a foreign call; its id is the call number */
#define DELIVERED_BUFFER     0x40u /* the message is in the buffer, with header and trailer; words are void */
#define DELIVERED_ID(rbx)    ((int)((rbx) >> 32))

/* Flags in the upper half of rbx at mach_reply_wait. */
#define REPLY_NONE    0x1u /* no reply in the words: only wait */
#define REPLY_KEEP    0x2u /* to a foreign caller: change no register */
#define REPLY_NO_WAIT 0x4u /* reply, do not receive: returns 0 at once */
#define REPLY_TRAILERS                                                                                                 \
	0x8u /* what is no call comes to the buffer, however short, with the trailer of MACH_RCV_TRAILER_AUDIT */

/*
 * The copying traps move at most 4 GiB - 1. One that is aborted (KERN_ABORTED) leaves in the upper half of r8 how many
 * bytes it has copied. Flags:
 */
#define VM_COPY_NOWAIT 0x1u
#define VM_COPY_TOUCH  0x2u /* of task_copy_to: the pages become writable, nothing is written */
#define VM_COPY_SWAP   0x4u /* of task_copy_to, of 4 bytes: see mach/traps.h */

/* Options of thread_switch. */
#define SWITCH_OPTION_NONE 0
#define SWITCH_OPTION_WAIT 2 /* sleep for the time given, unless aborted */

/* Flags of the word traps. */
#define WORD_SHARED 0x1u /* key is the object and offset, not the address space */

#endif
