/* Where a processor other than the first begins: in real mode, in a page below 1 MiB to which processors.c has copied this. */
#include <x86_64/asm_offsets.h>
#include <x86_64/cpu.h>

#define AT(place) (place - trampoline_start)

	.section .rodata
	.balign 16
	.globl trampoline_start, trampoline_end
	.code16
trampoline_start:
	cli
	cld
	movw %cs, %ax
	movw %ax, %ds
	lgdtl AT(gdt_pointer)
	movl $(CR4_PAE | CR4_PGE), %eax
	movl %eax, %cr4
	movl $TRAMPOLINE_ROOT, %eax
	movl %eax, %cr3
	movl $MSR_EFER, %ecx
	movl $(EFER_LME | EFER_NXE | EFER_SCE), %eax
	xorl %edx, %edx
	wrmsr
	movl $(CR0_PG | CR0_WP | CR0_NE | CR0_MP | CR0_PE), %eax
	movl %eax, %cr0
	ljmpl $KERNEL_CS, $(TRAMPOLINE + AT(1f))
	.code64
1:	movabsq $processor_entry, %rax
	jmp *%rax

	.balign 16
gdt:
	.quad 0, 0x00af9b000000ffff, 0x00cf93000000ffff
gdt_pointer:
	.word 23
	.long TRAMPOLINE + AT(gdt)
trampoline_end:

	/* At the kernel's own address, on the trampoline's tables. */
	.text
processor_entry:
	xorl %eax, %eax
	movl %eax, %ds
	movl %eax, %es
	movl %eax, %fs
	movl %eax, %gs
	movl $KERNEL_SS, %eax
	movl %eax, %ss
	xorl %edi, %edi
	xchgq processor_starting(%rip), %rdi
	testq %rdi, %rdi
	jz 2f
	movq PROCESSOR_STACK_TOP(%rdi), %rsp
	xorl %ebp, %ebp
	call processor_start
	ud2
	/* It comes when nobody waits for it any more. */
2:	hlt
	jmp 2b

	.section .note.GNU-stack, "", @progbits
