/* Ways into the kernel and out: system calls, exceptions, interrupts, and the copies from and to user memory that may fault. */
#include <mach/trap.h>
#include <x86_64/asm_offsets.h>
#include <x86_64/cpu.h>

#define USER_END 0x7ffffffff000 /* VM_MAX_ADDRESS */

/* Where the processor has no SMAP these three bytes become a nop (cpu.c). */
.macro SMAP_SITE instruction
700:	\instruction
	.pushsection .smap_sites, "a"
	.quad 700b
	.popsection
.endm

/* Where programs run on tables of their own, the six bytes here become a jump (isolation.c). */
.macro ISOLATED_SITE target
700:
	.pushsection .isolated_sites, "a"
	.quad 700b, \target
	.popsection
.endm

/* Ways out; what stands behind them is not to be run by a processor that guesses wrong (doc/security.md). */
.macro LEAVE_BY_SYSRET
	ISOLATED_SITE isolated_sysret
	sysretq
	.fill 3, 1, 0xcc
.endm
.macro LEAVE_BY_IRET
	iretq
	.fill 4, 1, 0xcc
.endm

/* A fault at `from` goes on at `to`. */
.macro FIXUP from, to
	.pushsection .fixups, "a"
	.quad \from, \to
	.popsection
.endm

/*
 * User FS and GS bases into the thread at \thread: any instruction of the task may have changed them. Loses \scratch. The kernel's GS is active
 * before and after.
 */
.macro SAVE_BASES thread, scratch
	rdfsbase \scratch
	movq \scratch, REGS_fs_base(\thread)
	swapgs
	rdgsbase \scratch
	swapgs
	movq \scratch, REGS_gs_base(\thread)
.endm

/* The kernel's GS base goes back behind swapgs, the user's bases come from the thread at \thread. */
.macro LOAD_BASES thread, scratch
	swapgs
	movq REGS_fs_base(\thread), \scratch
	wrfsbase \scratch
	movq REGS_gs_base(\thread), \scratch
	wrgsbase \scratch
.endm

/* Registers into the thread at \thread, and from it. */
.macro SAVE thread, registers:vararg
	.irp register, \registers
	movq %\register, REGS_\register(\thread)
	.endr
.endm
.macro LOAD thread, registers:vararg
	.irp register, \registers
	movq REGS_\register(\thread), %\register
	.endr
.endm

/* All but rax, rcx, r11, rip, rflags and rsp from the thread at rax. */
.macro LOAD_REGISTERS
	LOAD %rax, rdi, rsi, rdx, r10, r8, r9, r12, r13, rbx, r14, r15, rbp
.endm

/* Behind syscall: the kernel's GS, and rsp the current thread until the stack is needed; NMI, #DB, #MC have stacks of their own. */
.macro ENTER
	swapgs
	movq %rsp, %gs:PROCESSOR_SCRATCH
	movq %gs:PROCESSOR_THREAD, %rsp
.endm

/* The same where rax is known, and lost: the bases are saved on the way. */
.macro ENTER_AND_SAVE_BASES
	rdgsbase %rax
	ENTER
	movq %rax, REGS_gs_base(%rsp)
	rdfsbase %rax
	movq %rax, REGS_fs_base(%rsp)
.endm

/* What every thread gets back; rcx and r11 are free then. */
.macro SAVE_FRAME
	SAVE %rsp, rbp, rbx, r14, r15
	movq %rcx, REGS_rip(%rsp)
	movq %r11, REGS_rflags(%rsp)
	movq %gs:PROCESSOR_SCRATCH, %rcx
	movq %rcx, REGS_rsp(%rsp)
.endm

.macro SAVE_WORDS thread
	SAVE \thread, rdi, rsi, rdx, r10, r8, r9, r12, r13
.endm

	.text
/*
 * syscall: rcx user rip, r11 user rflags, everything else the user's. Interrupts are off, and stay off. A return address is
 * always canonical here: no task can map the page below the hole (VM_MAX_ADDRESS). by_syscall is 1, as always in user mode.
 */
	.balign 16
	.globl syscall_entry
syscall_entry:
	cmpq $TRAP_MACH_REPLY_WAIT, %rax
	ja mach_call				/* the one above it */
	je mach_reply_wait
	testq %rax, %rax
	jns foreign
	cmpq $TRAP_NULL, %rax
	je null_trap
	ENTER
	SAVE_WORDS %rsp
	SAVE_FRAME
	movq %rax, REGS_rax(%rsp)
	SAVE_BASES %rsp, %rcx
	movq %rsp, %rdi
	movq %gs:PROCESSOR_STACK_TOP, %rsp
	incq %gs:PROCESSOR_TRAPS
	xorl %ebp, %ebp
	call trap_syscall
	ud2

/* The three of the register path (x86_64/live.h). A foreign caller's words are saved, for it gets them back. */
.macro FAST_PATH path
	SAVE_FRAME
	movq %gs:PROCESSOR_STACK_TOP, %rsp
	jmp *(fast_paths + \path)(%rip)
	int3
.endm
	.balign 16
mach_call:
	ENTER_AND_SAVE_BASES
	FAST_PATH FAST_CALL

	.balign 16
mach_reply_wait:
	ENTER_AND_SAVE_BASES
	FAST_PATH FAST_REPLY_WAIT

	.balign 16
foreign:
	ENTER
	SAVE_WORDS %rsp
	movq %rax, REGS_rax(%rsp)
	SAVE_BASES %rsp, %rax
	FAST_PATH FAST_FOREIGN

/*
 * The full paths, and a call on a kernel port, which is at rbx: r11 becomes the function for the thread (and the port).
 * A foreign-only task, whose number is no trap, comes here by mach_call and mach_reply_wait because its space has no name.
 */
	.globl fast_kernel_call, fast_slow_call, fast_slow_reply_wait, fast_slow_foreign
fast_slow_reply_wait:
	movq $TRAP_MACH_REPLY_WAIT, %rax
	leaq ipc_trap_reply_wait(%rip), %r11
	jmp 1f
fast_slow_call:
	leaq ipc_trap_call(%rip), %r11
	movq $TRAP_MACH_CALL, %rax
	jmp 1f
fast_kernel_call:
	leaq ipc_call_kernel(%rip), %r11
	movq $TRAP_MACH_CALL, %rax
1:	movq %gs:PROCESSOR_THREAD, %rcx
	movq %rax, REGS_rax(%rcx)
	SAVE_WORDS %rcx
	movq THREAD_TASK(%rcx), %rsi
	cmpb $0, TASK_FOREIGN_ONLY(%rsi)
	jne fast_slow_foreign
	movq %rcx, %rdi
	movq %rbx, %rsi
2:	movq %gs:PROCESSOR_STACK_TOP, %rsp
	incq %gs:PROCESSOR_TRAPS		/* else counted as a message: kern/processor.h */
	xorl %ebp, %ebp
	call *%r11
	ud2
fast_slow_foreign:
	movq %gs:PROCESSOR_THREAD, %rdi
	leaq trap_foreign(%rip), %r11
	jmp 2b

/* rax: the thread to run, marked RUNNING by the fast path; the current one is put away already. Loses rcx. */
.macro FAST_SWITCH
	incq %gs:PROCESSOR_MESSAGES_REGISTER
	cmpl $0, %gs:PROCESSOR_LAZY
	jne 3f
1:	movq %rax, %gs:PROCESSOR_THREAD
	movq THREAD_PMAP(%rax), %rcx
	cmpq %gs:PROCESSOR_PMAP, %rcx
	je 2f
	movq %rcx, %gs:PROCESSOR_PMAP
	incq %gs:PROCESSOR_SPACE_SWITCHES
	movq PMAP_CR3(%rcx), %rcx
	movq %rcx, %cr3
2:
	.subsection 1
3:	call fast_lazy
	jmp 1b
	.previous
.endm

/* Of the thread at rax, which entered by syscall: what is not live, and rcx and r11 for sysretq. */
.macro LOAD_NOT_LIVE
	LOAD_BASES %rax, %rcx
	LOAD %rax, r15, rbp
	movq REGS_rip(%rax), %rcx
	movq REGS_rflags(%rax), %r11
	movq REGS_rsp(%rax), %rsp
.endm

	.globl fast_leave, fast_leave_foreign, fast_leave_as_set
	.balign 16
fast_leave:
	FAST_SWITCH
	LOAD_NOT_LIVE
	xorl %eax, %eax
	LEAVE_BY_SYSRET

	.balign 16
fast_leave_foreign:
	FAST_SWITCH
	LOAD_NOT_LIVE
	movq REGS_rax(%rax), %rax
	LEAVE_BY_SYSRET

fast_leave_as_set:
	FAST_SWITCH
	jmp leave_iret

/* What is switched only when it is needed, before the switch to the thread at rax. Loses rcx. */
fast_lazy:
	/* TS is clear only while the owner of the live FPU registers runs. */
	cmpq %gs:PROCESSOR_FPU_OWNER, %rax
	je 1f
	movq %gs:PROCESSOR_THREAD, %rcx
	cmpq %gs:PROCESSOR_FPU_OWNER, %rcx
	jne 2f
	movq %cr0, %rcx
	orq $CR0_TS, %rcx
	movq %rcx, %cr0
	jmp 2f
1:	clts
	/* The I/O bitmap goes with its address space, as in io_bitmap_drop. */
2:	cmpb $0, %gs:PROCESSOR_IO_LIVE
	je 3f
	movq THREAD_PMAP(%rax), %rcx
	cmpq %gs:PROCESSOR_PMAP, %rcx
	je 3f
	movb $0, %gs:PROCESSOR_IO_LIVE
	movq $0, %gs:PROCESSOR_IO_TASK
	movq %gs:PROCESSOR_MACHINE, %rcx
	movw $IO_MAP_OFF, CPU_IO_MAP_BASE(%rcx)
	/* As in machine_switch_to; all registers but rcx are somebody's. */
3:	cmpb $0, %gs:PROCESSOR_GUARDED
	je 4f
	movq THREAD_TASK(%rax), %rcx
	movq TASK_ACCOUNT(%rcx), %rcx
	cmpq %gs:PROCESSOR_ACCOUNT, %rcx
	je 4f
	movq %rcx, %gs:PROCESSOR_ACCOUNT
	call speculation_barrier
4:	ret

/* rax: the current thread, which entered by syscall. */
leave_sysret:
	LOAD_BASES %rax, %rcx
	LOAD_REGISTERS
	movq REGS_rip(%rax), %rcx
	movq REGS_rflags(%rax), %r11
	movq REGS_rsp(%rax), %rsp
	movq REGS_rax(%rax), %rax
	LEAVE_BY_SYSRET

/* Any thread at rax: the five words at REGS_rip are a frame for iretq. The next entry is by syscall unless it says otherwise. */
leave_iret:
	movq $1, REGS_by_syscall(%rax)
	LOAD_BASES %rax, %rcx
	LOAD_REGISTERS
	LOAD %rax, rcx, r11
	leaq REGS_rip(%rax), %rsp
	movq REGS_rax(%rax), %rax
	ISOLATED_SITE isolated_iret
	LEAVE_BY_IRET

/* The trap that does nothing: counted, nothing saved. */
	.balign 16
null_trap:
	swapgs
	movq %gs:PROCESSOR_THREAD, %rax
	movq THREAD_TASK(%rax), %rax
	cmpb $0, TASK_FOREIGN_ONLY(%rax)
	jne 1f
	incq %gs:PROCESSOR_TRAPS
	swapgs
	xorl %eax, %eax
	LEAVE_BY_SYSRET
1:	swapgs
	movq $TRAP_NULL, %rax
	jmp foreign

/* void machine_return_to_user(struct thread *thread) */
	.globl machine_return_to_user
machine_return_to_user:
	movq %rdi, %rax
	cmpq $0, REGS_by_syscall(%rax)
	je leave_iret
	movabsq $USER_END, %rcx
	cmpq %rcx, REGS_rip(%rax)
	jb leave_sysret
	jmp leave_iret

/* void machine_call_on_fresh_stack(void (*fn)(void *), void *argument) */
	.globl machine_call_on_fresh_stack
machine_call_on_fresh_stack:
	movq %rdi, %rax
	movq %rsi, %rdi
	movq %gs:PROCESSOR_STACK_TOP, %rsp
	xorl %ebp, %ebp
	call *%rax
	ud2

/* --- Exceptions and interrupts: what follows is in all tables, also in those that programs run on (isolation.c). */
	.section .text.entry, "ax"

/* One stub of 16 bytes per vector. Those with an error code, Intel SDM vol. 3A, table 6-1: 8, 10 to 14, 17, 21, 29, 30. */
	.balign 16
	.globl vector_stubs
vector_stubs:
	.set vector, 0
	.rept 256
	.balign 16
	.if !(vector == 8 || (vector >= 10 && vector <= 14) || vector == 17 || vector == 21 || vector == 29 || vector == 30)
	pushq $0
	.endif
	pushq $vector
	.if vector == 2 || vector == 8 || vector == 18
	jmp paranoid_entry
	.elseif vector == 1
	jmp debug_entry
	.else
	jmp common_entry
	.endif
	.set vector, vector + 1
	.endr

/* On the stack: vector, error code, rip, cs, rflags, rsp, ss. */
	.balign 16
debug_entry:
	testb $3, 24(%rsp)
	jnz user_entry
	/* In the kernel only a delayed trap of the task's own making (mov to ss before syscall): nothing to do. */
	andl $~RFLAGS_TF, 32(%rsp)
	addq $16, %rsp
	LEAVE_BY_IRET

	.balign 16
common_entry:
	testb $3, 24(%rsp)
	jz kernel_entry
user_entry:
	ISOLATED_SITE isolated_user_entry
	swapgs
	pushq %rdi
	movq %gs:PROCESSOR_THREAD, %rdi
	.globl user_entry_goes_on
user_entry_goes_on:
	SAVE %rdi, rsi, rdx, r10, r8, r9, r12, r13, rbx, r14, r15, rax, rbp, rcx, r11
	popq REGS_rdi(%rdi)
	popq %rsi
	popq %rdx
	popq REGS_rip(%rdi)
	addq $8, %rsp
	popq REGS_rflags(%rdi)
	popq REGS_rsp(%rdi)
	movq $0, REGS_by_syscall(%rdi)
	SAVE_BASES %rdi, %rcx
	movq %gs:PROCESSOR_STACK_TOP, %rsp
	cld
	SMAP_SITE clac
	xorl %ebp, %ebp
	call user_trap
	ud2

/*
 * At any moment, GS and tables unknown, on a stack of its own, whose top words (cpu_init) are the kernel's tables and the
 * processor. It is a panic.
 */
paranoid_entry:
	pushq %rax
	pushq %rbx
	movq %rsp, %rax
	orq $4095, %rax
	movq -15(%rax), %rbx
	movq %rbx, %cr3
	movq -7(%rax), %rax
	wrgsbase %rax
	jmp 1f

/* From the kernel: a copy that faulted, an interrupt while idle, or a mistake. */
kernel_entry:
	pushq %rax
	pushq %rbx
1:	.irp register, rcx, rdx, rsi, rdi, rbp, r8, r9, r10, r11, r12, r13, r14, r15
	pushq %\register
	.endr
	lfence	/* a processor that guessed that this was no program may have the program's GS till here (Spectre 1) */
	cld
	movq %rsp, %rdi
	movq %rsp, %rbx
	andq $-16, %rsp
	call kernel_trap
	movq %rbx, %rsp
	.irp register, r15, r14, r13, r12, r11, r10, r9, r8, rbp, rdi, rsi, rdx, rcx, rbx, rax
	popq %\register
	.endr
	addq $16, %rsp
	LEAVE_BY_IRET

	.text
/* --- Copies; contracts in kern/machine.h. */

/* vm_size_t machine_copy_from_user(void *kernel (rdi), vm_address_t address (rsi), vm_size_t size (rdx)) */
	.balign 16
	.globl machine_copy_from_user, machine_copy_to_user
machine_copy_from_user:
	movq %rsi, %rcx
	jmp 1f
/* vm_size_t machine_copy_to_user(vm_address_t address (rdi), const void *kernel (rsi), vm_size_t size (rdx)) */
	.balign 16
machine_copy_to_user:
	movq %rdi, %rcx
1:	addq %rdx, %rcx
	jc 9f
	movabsq $USER_END, %rax
	cmpq %rax, %rcx
	ja 9f
	movq %rdx, %rcx
	shrq $3, %rcx
	andl $7, %edx
	SMAP_SITE stac
2:	rep movsq
	movl %edx, %ecx
3:	rep movsb
	SMAP_SITE clac
	xorl %eax, %eax
	ret
	int3
	/* A word may lie across the end of a page: byte by byte as far as it goes. */
4:	leaq (%rdx,%rcx,8), %rcx
	jmp 3b
5:	SMAP_SITE clac
	movq %rcx, %rax
	ret
	int3
9:	movq %rdx, %rax
	ret
	int3
	FIXUP 2b, 4b
	FIXUP 3b, 5b

/* bool machine_load_user_word(vm_address_t address (rdi), uint32_t *value (rsi)) */
	.globl machine_load_user_word, machine_store_user_word
machine_load_user_word:
	movabsq $(USER_END - 4), %rax
	cmpq %rax, %rdi
	ja 9f
	SMAP_SITE stac
1:	movl (%rdi), %ecx
	SMAP_SITE clac
	movl %ecx, (%rsi)
	movl $1, %eax
	ret
	int3
	FIXUP 1b, 8f
/* bool machine_store_user_word(vm_address_t address (rdi), uint32_t value (esi)) */
machine_store_user_word:
	movabsq $(USER_END - 4), %rax
	cmpq %rax, %rdi
	ja 9f
	SMAP_SITE stac
2:	movl %esi, (%rdi)
	SMAP_SITE clac
	movl $1, %eax
	ret
	int3
	FIXUP 2b, 8f
8:	SMAP_SITE clac
9:	xorl %eax, %eax
	ret
	int3

	.section .note.GNU-stack, "", @progbits
