/* Where the kernel enters the task for a foreign call: only rip, rcx (return address) and r11 (save area) have changed. */
	.text
	.globl	foreign_entry
	.type	foreign_entry, @function
foreign_entry:
	/* The red zone is the caller's. struct foreign_frame from its end to its start. */
	leaq	-128(%rsp), %rsp
	pushq	%r15
	pushq	%r14
	pushq	%r13
	pushq	%r12
	pushq	%rbp
	pushq	%rbx
	pushq	%r9
	pushq	%r8
	pushq	%r10
	pushq	%rdx
	pushq	%rsi
	pushq	%rdi
	pushq	%rax
	pushq	%rcx
	pushq	%r11
	movq	%rsp, %rdi
	movq	%rsp, %rbx
	andq	$-16, %rsp
	cld
	call	foreign_call
	/* rbx, rbp, r12 to r15 are kept by the call itself, but rbx was used here. */
	movq	%rbx, %rsp
	popq	%r11
	popq	%rcx
	addq	$8, %rsp
	popq	%rdi
	popq	%rsi
	popq	%rdx
	popq	%r10
	popq	%r8
	popq	%r9
	popq	%rbx
	leaq	128 + 5 * 8(%rsp), %rsp
	jmp	*%rcx
	.size	foreign_entry, . - foreign_entry
	.section .note.GNU-stack, "", @progbits
