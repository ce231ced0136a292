/* Ways in and out of programs that run on tables of their own (isolation.c): to entry.S as if nothing had been, and back. */
#include <x86_64/asm_offsets.h>
#include <x86_64/cpu.h>

#define CPU(member) boot_cpu + member(%rip)
#define PROGRAM_ROOT 4096 /* in CR3: the program's root is the page after the kernel's */

/* Lose flags and \scratch. */
.macro KERNEL_TABLES scratch
	movq %cr3, \scratch
	andq $~PROGRAM_ROOT, \scratch
	movq \scratch, %cr3
.endm
/* VERW clears what the kernel has left in the processor's buffers (Intel, "Microarchitectural Data Sampling"). */
.macro PROGRAM_TABLES scratch
	movq %cr3, \scratch
	orq $PROGRAM_ROOT, \scratch
	movq \scratch, %cr3
	verw selector(%rip)
.endm

	.section .text.entry, "ax"
	.balign 16
	.globl isolated_syscall, isolated_sysret, isolated_user_entry, isolated_iret
	/* syscall comes here: nothing is free but the flags. */
isolated_syscall:
	movq %rsp, CPU(CPU_SCRATCH)
	KERNEL_TABLES %rsp
	movq CPU(CPU_SCRATCH), %rsp
	jmp syscall_entry
	int3

	.balign 16
isolated_sysret:
	movq %rsp, CPU(CPU_SCRATCH)
	PROGRAM_TABLES %rsp
	movq CPU(CPU_SCRATCH), %rsp
	sysretq
	int3

	/* The start of user_entry, on the processor's entry stack or that of #DB. */
	.balign 16
isolated_user_entry:
	pushq %rdi
	KERNEL_TABLES %rdi
	swapgs
	movq %gs:PROCESSOR_THREAD, %rdi
	jmp user_entry_goes_on
	int3

	/* The five words at rsp are in a thread, which the program's tables do not map. */
	.balign 16
isolated_iret:
	.irp word, 0, 8, 16, 24, 32
	popq CPU(CPU_FRAME + \word)
	.endr
	leaq CPU(CPU_FRAME), %rsp
	pushq %rax
	PROGRAM_TABLES %rax
	popq %rax
	iretq
	int3

selector:
	.word USER_SS

	.section .note.GNU-stack, "", @progbits
