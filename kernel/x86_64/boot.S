/* From the loader to 64-bit code at the kernel's own address: Multiboot2 (specification 2.0) and PVH (Xen note 18). */
#include <x86_64/cpu.h>

#define PHYSICAL(symbol) ((symbol) - KERNEL_BASE)
#define MULTIBOOT2_MAGIC 0xe85250d6
#define PAGE_PRESENT_WRITE 0x3
#define PAGE_LARGE 0x80
#define COM1 0x3f8

	.section .multiboot2, "ax"
	.balign 8
header:
	.long MULTIBOOT2_MAGIC, 0, header_end - header, -(MULTIBOOT2_MAGIC + (header_end - header))
	.balign 8
	.word 10, 0			/* relocatable */
	.long 24, KERNEL_LOAD, 0x7fffffff, 0x200000, 1 /* from, to, alignment, lowest preferred */
	.balign 8
	.word 6, 0			/* modules page-aligned */
	.long 8
	.balign 8
	.word 0, 0
	.long 8
header_end:

	.section .note.Xen, "a", @note
	.balign 4
	.long 4, 8, 18			/* physical address of the 32-bit entry */
	.asciz "Xen"
	.quad PHYSICAL(boot_pvh)

	.section .text.boot, "ax"
	.code32
	.globl boot_multiboot2, boot_pvh
boot_pvh:
	movl $2, %edi
	jmp 1f
boot_multiboot2:
	xorl %edi, %edi
	cmpl $0x36d76289, %eax
	jne 1f
	movl $1, %edi
	/*
	 * edi protocol, ebx the loader's information. There is no stack yet and the load address is not known: the second word of the
	 * information serves as a stack of one word while `call` tells where this code is.
	 */
1:	cli
	cld
	movl 4(%ebx), %esi
	leal 8(%ebx), %esp
	call 2f
2:	popl %ebp
	movl %esi, 4(%ebx)
	subl $PHYSICAL(2b), %ebp	/* ebp from here: how far from its linked address the kernel is */
	leal PHYSICAL(boot_stack_top)(%ebp), %esp
	movl %ebx, %esi

	/* Long mode (bit 29), no-execute (20). */
	movl $0x80000000, %eax
	cpuid
	cmpl $0x80000001, %eax
	jb no_long_mode
	movl $0x80000001, %eax
	cpuid
	andl $0x20100000, %edx
	cmpl $0x20100000, %edx
	jne no_long_mode

	/* Four page directories map the first 4 GiB, at 0 and at the direct map. */
	leal PHYSICAL(boot_directories)(%ebp), %edx
	movl %edx, %ecx
	movl $(PAGE_PRESENT_WRITE | PAGE_LARGE), %eax
3:	movl %eax, (%ecx)
	movl $0, 4(%ecx)
	addl $8, %ecx
	addl $0x200000, %eax
	jnc 3b
	leal PHYSICAL(direct_pdpt)(%ebp), %ecx
	leal PAGE_PRESENT_WRITE(%edx), %eax
	.irp entry, 0, 8, 16, 24
	movl %eax, \entry(%ecx)
	addl $4096, %eax
	.endr
	/* The kernel: two large pages, writable, until memory.c maps each section as it is. */
	leal PHYSICAL(kernel_directory)(%ebp), %edx
	leal (KERNEL_LOAD + PAGE_PRESENT_WRITE + PAGE_LARGE)(%ebp), %eax
	movl %eax, 8(%edx)
	addl $0x200000, %eax
	movl %eax, 16(%edx)
	leal PHYSICAL(kernel_pdpt)(%ebp), %esp
	addl $PAGE_PRESENT_WRITE, %edx
	movl %edx, (510 * 8)(%esp)
	leal PHYSICAL(kernel_pml4)(%ebp), %edx
	leal PAGE_PRESENT_WRITE(%esp), %eax
	movl %eax, (511 * 8)(%edx)
	leal PAGE_PRESENT_WRITE(%ecx), %eax
	movl %eax, (%edx)
	movl %eax, (256 * 8)(%edx)
	leal PHYSICAL(boot_stack_top)(%ebp), %esp

	movl %cr4, %eax
	orl $(CR4_PAE | CR4_PGE), %eax
	movl %eax, %cr4
	movl %edx, %cr3
	movl $MSR_EFER, %ecx
	rdmsr
	orl $(EFER_LME | EFER_NXE | EFER_SCE), %eax
	wrmsr
	movl %cr0, %eax
	andl $~(CR0_EM | CR0_TS), %eax
	orl $(CR0_PG | CR0_WP | CR0_NE | CR0_MP | CR0_PE), %eax
	movl %eax, %cr0

	leal PHYSICAL(boot_gdt)(%ebp), %eax
	movl %eax, PHYSICAL(boot_gdt_pointer + 2)(%ebp)
	lgdt PHYSICAL(boot_gdt_pointer)(%ebp)
	leal PHYSICAL(4f)(%ebp), %eax
	pushl $KERNEL_CS
	pushl %eax
	lret

no_long_mode:
	leal PHYSICAL(.Lno_long_mode_text)(%ebp), %esi
	movw $COM1, %dx
5:	lodsb
	testb %al, %al
	jz 6f
	outb %al, %dx
	jmp 5b
6:	hlt
	jmp 6b
.Lno_long_mode_text:
	.asciz "Portolan needs a 64-bit x86 processor with no-execute pages.\r\n"

	.code64
	/* Still at the low address. edi protocol, esi information, ebp distance. */
boot_long_mode:
4:	movq $5f, %rax
	jmp *%rax
5:	xorl %eax, %eax
	movl %eax, %ds
	movl %eax, %es
	movl %eax, %fs
	movl %eax, %gs
	movl $KERNEL_SS, %eax
	movl %eax, %ss
	movq $boot_stack_top, %rsp
	movl %edi, %edi
	movl %esi, %esi
	movl %ebp, %edx
	xorl %ebp, %ebp
	call x86_start
	ud2

	.section .data
	.balign 16
boot_gdt:
	.quad 0, 0x00af9b000000ffff, 0x00cf93000000ffff
boot_gdt_pointer:
	.word 23
	.long 0

	.section .bss
	.balign 4096
	.globl kernel_pml4, direct_pdpt, kernel_pdpt, kernel_directory, boot_directories, boot_stack_guard, boot_stack_top
kernel_pml4:	.skip 4096
direct_pdpt:	.skip 4096
kernel_pdpt:	.skip 4096
kernel_directory: .skip 4096
boot_directories: .skip 4 * 4096
/* Not mapped once the kernel's own tables are made (memory.c). */
boot_stack_guard: .skip 4096
	.skip 16384
boot_stack_top:

	.section .note.GNU-stack, "", @progbits
