/* From one stack to another, and the first step on a new one. */

/* void fiber_switch(void **save, void *to): saves what a function keeps on the stack, and its pointer in *save. */
	.text
	.globl	fiber_switch
	.type	fiber_switch, @function
fiber_switch:
	pushq	%rbp
	pushq	%rbx
	pushq	%r12
	pushq	%r13
	pushq	%r14
	pushq	%r15
	movq	%rsp, (%rdi)
	movq	%rsi, %rsp
	popq	%r15
	popq	%r14
	popq	%r13
	popq	%r12
	popq	%rbx
	popq	%rbp
	retq
	.size	fiber_switch, . - fiber_switch

/* Where a new stack returns to: rsp is a multiple of 16, as the ABI wants it before a call. */
	.globl	fiber_begin
	.type	fiber_begin, @function
fiber_begin:
	xorl	%ebp, %ebp
	callq	fiber_main
	ud2
	.size	fiber_begin, . - fiber_begin

	.section .note.GNU-stack, "", @progbits
