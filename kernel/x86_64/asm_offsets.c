/* Makes asm_offsets.h: offsets of C structures, for the assembly files. */
#include <ipc/ipc.h>
#include <kern/task.h>
#include <x86_64/pmap_private.h>

#define OFFSET(name, type, member) __asm__ volatile("@set " #name " %0" : : "i"(offsetof(struct type, member)))
#define REGISTER(name)             OFFSET(REGS_##name, thread_regs, name);

void asm_offsets(void);

void asm_offsets(void)
{
	EACH_REGISTER(REGISTER)
	REGISTER(rcx)
	REGISTER(r11)
	REGISTER(rflags)
	REGISTER(by_syscall)
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
