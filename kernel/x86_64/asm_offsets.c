/* Makes asm_offsets.h: offsets of C structures, for the assembly files. */
#include <ipc/ipc.h>
#include <kern/processor.h>
#include <kern/task.h>
#include <kern/thread.h>
#include <stddef.h>
#include <x86_64/cpu.h>
#include <x86_64/pmap_private.h>

#define DEFINE(name, value)        __asm__ volatile("@define " #name " %0" : : "i"(value))
#define OFFSET(name, type, member) DEFINE(name, offsetof(struct type, member))

void asm_offsets(void);

void asm_offsets(void)
{
	OFFSET(REGS_RDI, thread_regs, rdi);
	OFFSET(REGS_RSI, thread_regs, rsi);
	OFFSET(REGS_RDX, thread_regs, rdx);
	OFFSET(REGS_R10, thread_regs, r10);
	OFFSET(REGS_R8, thread_regs, r8);
	OFFSET(REGS_R9, thread_regs, r9);
	OFFSET(REGS_R12, thread_regs, r12);
	OFFSET(REGS_R13, thread_regs, r13);
	OFFSET(REGS_RBX, thread_regs, rbx);
	OFFSET(REGS_R14, thread_regs, r14);
	OFFSET(REGS_R15, thread_regs, r15);
	OFFSET(REGS_RAX, thread_regs, rax);
	OFFSET(REGS_RBP, thread_regs, rbp);
	OFFSET(REGS_RCX, thread_regs, rcx);
	OFFSET(REGS_R11, thread_regs, r11);
	OFFSET(REGS_RIP, thread_regs, rip);
	OFFSET(REGS_RFLAGS, thread_regs, rflags);
	OFFSET(REGS_RSP, thread_regs, rsp);
	OFFSET(REGS_FS_BASE, thread_regs, fs_base);
	OFFSET(REGS_GS_BASE, thread_regs, gs_base);
	OFFSET(REGS_BY_SYSCALL, thread_regs, by_syscall);
	OFFSET(FAST_CALL, fast_paths, call);
	OFFSET(FAST_REPLY_WAIT, fast_paths, reply_wait);
	OFFSET(FAST_FOREIGN, fast_paths, foreign);
	OFFSET(THREAD_PMAP, thread, pmap);
	OFFSET(THREAD_TASK, thread, task);
	OFFSET(TASK_FOREIGN_ONLY, task, foreign_only);
	OFFSET(TASK_ACCOUNT, task, account);
	OFFSET(PROCESSOR_THREAD, processor, thread);
	OFFSET(PROCESSOR_STACK_TOP, processor, stack_top);
	OFFSET(PROCESSOR_SCRATCH, processor, scratch);
	OFFSET(PROCESSOR_PMAP, processor, pmap);
	OFFSET(PROCESSOR_FPU_OWNER, processor, fpu_owner);
	OFFSET(PROCESSOR_IO_TASK, processor, io_task);
	OFFSET(PROCESSOR_LAZY, processor, lazy);
	OFFSET(PROCESSOR_GUARDED, processor, guarded);
	OFFSET(PROCESSOR_ACCOUNT, processor, account);
	OFFSET(PROCESSOR_IO_LIVE, processor, io_live);
	OFFSET(PROCESSOR_MACHINE, processor, machine);
	OFFSET(CPU_IO_MAP_BASE, cpu, tss.io_map_base);
	OFFSET(CPU_SCRATCH, cpu, scratch);
	OFFSET(CPU_FRAME, cpu, entry_stack[ENTRY_STACK - 5]);
	OFFSET(PMAP_CR3, pmap, cr3);
	OFFSET(PROCESSOR_TRAPS, processor, counters.traps);
	OFFSET(PROCESSOR_SPACE_SWITCHES, processor, counters.address_space_switches);
	OFFSET(PROCESSOR_MESSAGES_REGISTER, processor, counters.messages_register);
}
