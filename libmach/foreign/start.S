/* Where every server starts: makes the task answer its own foreign calls, then goes on to the C library's start. */
	.text
	.globl	_portolan_start
	.type	_portolan_start, @function
_portolan_start:
	/* rsp: argc and what follows, as the C library expects it; rbx keeps it. rdx is a function for atexit: none. */
	xorl	%ebp, %ebp
	movq	%rsp, %rbx
	andq	$-16, %rsp
	call	foreign_start
	movq	%rbx, %rsp
	xorl	%edx, %edx
	jmp	_start
	.size	_portolan_start, . - _portolan_start
	.section .note.GNU-stack, "", @progbits
