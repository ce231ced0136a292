/*
 * The wait of a server thread, and the serving of register requests known from before.
 *
 * In assembly because a request's words and all that the trap wants lie in registers, and stay there: the shortest call
 * costs 30 instructions here, its stub included, of which C would make 58. No vector register is touched: a kernel
 * that changes them only when two threads use them need not.
 *
 * rbp holds the loop. All other registers belong to the trap (mach/trap.h): rdi rsi rdx r10 r8 r9 r12 r13 are the words,
 * rbx kind, r14 label. r15 is the place in the table from dispatch until the stub has returned.
 */
#include "server_words.h"

#define WORD(i) (WORDS_DELIVERY + 8 * (i))(%rbp)
#define KIND    (WORDS_DELIVERY + 64)(%rbp)
#define PAYLOAD (WORDS_DELIVERY + 72)(%rbp)

/* MIG_NO_REPLY, MIG_DESTROY_REQUEST: server.c asserts them. */
#define NO_REPLY        (-305)
#define DESTROY_REQUEST (-309)

	.macro store_words
	movq	%r13, WORD(7)
	movq	%r12, WORD(6)
	movq	%r9, WORD(5)
	movq	%r8, WORD(4)
	movq	%r10, WORD(3)
	movq	%rdx, WORD(2)
	movq	%rsi, WORD(1)
	movq	%rdi, WORD(0)
	.endm

/* Word `i` of an answer of `count` words, in `register` (its lower half: `half`). */
	.macro answer_word count, i, register, half
	.if \i < \count
	movq	WORD(\i), \register
	.else
	xorl	\half, \half
	.endif
	.endm

/*
 * An answer of so many words. r12 and r13 may go as they are if they are not among them: a function keeps these, so
 * they are still the caller's own.
 */
	.macro answer count
.Lanswer_\count:
	answer_word \count, 1, %rsi, %esi
	answer_word \count, 2, %rdx, %edx
	answer_word \count, 3, %r10, %r10d
	answer_word \count, 4, %r8, %r8d
	answer_word \count, 5, %r9, %r9d
	.if \count > 6
	movq	WORD(6), %r12
	.endif
	.if \count > 7
	movq	WORD(7), %r13
	.endif
	movq	WORDS_RECEIVE(%rbp), %rbx
	.endm

	.text
/* kern_return_t mach_server_words(struct words_loop *loop, uint32_t flags, uint32_t reply_count) */
	.globl	mach_server_words
	.type	mach_server_words, @function
mach_server_words:
	pushq	%rbx
	pushq	%rbp
	pushq	%r12
	pushq	%r13
	pushq	%r14
	pushq	%r15
	subq	$8, %rsp
	movq	%rdi, %rbp
	movl	%esi, %ebx
	shlq	$32, %rbx
	orq	WORDS_RECEIVE(%rbp), %rbx
	movl	WORDS_ONE(%rbp), %r15d
	shlq	$32, %rdx
	orq	%rdx, %r15
	movq	WORD(0), %rdi
	movq	WORD(1), %rsi
	movq	WORD(2), %rdx
	movq	WORD(3), %r10
	movq	WORD(4), %r8
	movq	WORD(5), %r9
	movq	WORD(6), %r12
	movq	WORD(7), %r13
	jmp	.Lwait

/* The words of a request that has so many. */
.Lrequest_8:
	movq	%r13, WORD(7)
.Lrequest_7:
	movq	%r12, WORD(6)
.Lrequest_6:
	movq	%r9, WORD(5)
.Lrequest_5:
	movq	%r8, WORD(4)
.Lrequest_4:
	movq	%r10, WORD(3)
.Lrequest_3:
	movq	%rdx, WORD(2)
.Lrequest_2:
	movq	%rsi, WORD(1)
.Lrequest_1:
	movq	%rdi, WORD(0)
.Lrequest_0:
	leaq	WORD(0), %rdi
	movq	%r14, %rsi
	callq	*(WORDS_TABLE + RECENT_STUB)(%rbp, %r15)
	testl	%eax, %eax
	jnz	.Lfailed
	xorl	%edi, %edi
	movq	(WORDS_TABLE + RECENT_EXIT)(%rbp, %r15), %rax
	movq	(WORDS_TABLE + RECENT_ANSWER)(%rbp, %r15), %r15
	jmpq	*%rax

.Lfailed:
	movslq	%eax, %rdi
	movq	WORDS_ONE(%rbp), %r15
	cmpl	$NO_REPLY, %eax
	je	.Lno_answer
	cmpl	$DESTROY_REQUEST, %eax
	jne	.Lanswer_1
.Lno_answer:
	movq	WORDS_RECEIVE(%rbp), %rbx
	btsq	$32, %rbx /* REPLY_NONE */
	jmp	.Lwait

	.irp	count, 2, 3, 4, 5, 6, 7, 8
	answer \count
	jmp	.Lwait
	.endr
	answer 1
.Lwait:
	movq	WORDS_BUFFER(%rbp), %r14
	movq	$TRAP_MACH_REPLY_WAIT, %rax
	syscall

/*
 * A failed wait leaves in rbx what it had, of which the lower half is a port's name, or the id of a message that it
 * put into the buffer. Neither is in the table: so rax need not be looked at before a kind is found there.
 */
	movq	%rbx, %r15
	shrq	$(32 - WORDS_RECENT_SHIFT), %r15
	andl	$((WORDS_RECENT - 1) << WORDS_RECENT_SHIFT), %r15d
	cmpq	%rbx, (WORDS_TABLE + RECENT_KIND)(%rbp, %r15)
	jne	.Lleave
	movq	%r14, %fs:mach_request_payload_@tpoff
	jmpq	*(WORDS_TABLE + RECENT_ENTRY)(%rbp, %r15)

.Lleave:
	store_words
	movq	%rbx, KIND
	movq	%r14, PAYLOAD
	addq	$8, %rsp
	popq	%r15
	popq	%r14
	popq	%r13
	popq	%r12
	popq	%rbp
	popq	%rbx
	retq
	.size	mach_server_words, . - mach_server_words

	.section .rodata
	.balign	8
	.globl	mach_words_entry
	.type	mach_words_entry, @object
mach_words_entry:
	.irp	count, 0, 1, 2, 3, 4, 5, 6, 7, 8
	.quad	.Lrequest_\count
	.endr
	.size	mach_words_entry, . - mach_words_entry

	.globl	mach_words_exit
	.type	mach_words_exit, @object
mach_words_exit:
	.quad	0
	.irp	count, 1, 2, 3, 4, 5, 6, 7, 8
	.quad	.Lanswer_\count
	.endr
	.size	mach_words_exit, . - mach_words_exit

	.section .note.GNU-stack, "", @progbits
