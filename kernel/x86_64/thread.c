/* The machine's part of a thread: being switched to, its registers as others read and set them. */
#pragma GCC optimize("omit-frame-pointer")
#include <kern/task.h>
#include <kern/trap.h>
#include <mach/thread_status.h>
#include <string.h>
#include <vm/vm_map.h>
#include <x86_64/pmap_private.h>

void machine_thread_init(struct thread *thread)
{
	memset(&thread->regs, 0, sizeof(thread->regs));
	memset(thread->machine, 0, sizeof(thread->machine));
	thread->fpu = NULL;
	thread->regs.cs = USER_CS;
	thread->regs.ss = USER_SS;
	thread->regs.rflags = RFLAGS_FIXED | RFLAGS_IF;
}

static inline void load_space(struct processor *processor, struct pmap *pmap, uint64_t cr3)
{
	processor->pmap = pmap;
	if (processor->io_live)
		io_bitmap_drop();
	count_event(address_space_switches);
	write_cr3(cr3);
}

void pmap_load(struct pmap *pmap)
{
	load_space(current_processor(), pmap, pmap != NULL ? pmap->cr3 : kernel_image_physical(kernel_pml4));
}

/* What is switched more seldom than FPU registers, and those where others may take them; returns the thread. */
static __attribute__((noinline)) struct thread *switch_seldom(struct thread *thread)
{
	struct processor *processor = current_processor();

	if (processors_online > 1 && processor->fpu_live)
		fpu_switch(thread);
	if (processor->guarded && thread->pmap != NULL && thread->task->map->payer != processor->account) {
		processor->account = thread->task->map->payer;
		speculation_barrier();
	}
	return thread;
}

/* Without a call in what most switches do, so that no register has to be saved for it. */
void machine_switch_to(struct thread *thread)
{
	struct thread *self = CURRENT_PROCESSOR->thread;

	if (thread == self)
		return;
	count_event(thread_switches);
	if (CURRENT_PROCESSOR->lazy) {
		/* TS is clear only while the owner runs. */
		if (CURRENT_PROCESSOR->fpu_owner == thread)
			__asm__ volatile("clts");
		else if (CURRENT_PROCESSOR->fpu_owner == self)
			write_cr0(read_cr0() | CR0_TS);
		if (processors_online > 1 || CURRENT_PROCESSOR->guarded)
			thread = switch_seldom(thread);
	}
	CURRENT_PROCESSOR->thread = thread;
	if (thread->pmap != NULL && thread->pmap != CURRENT_PROCESSOR->pmap)
		load_space(current_processor(), thread->pmap, thread->pmap->cr3);
}

kern_return_t state_put(const struct state_memory *to, unsigned word, const void *data, unsigned words)
{
	if (to->kernel == NULL)
		return copyout(data, to->user + word * sizeof(uint64_t), words * sizeof(uint64_t));
	memcpy(to->kernel + word, data, words * sizeof(uint64_t));
	return KERN_SUCCESS;
}

kern_return_t state_take(const struct state_memory *from, unsigned word, void *data, unsigned words)
{
	if (from->kernel == NULL)
		return copyin(from->user + word * sizeof(uint64_t), data, words * sizeof(uint64_t));
	memcpy(data, from->kernel + word, words * sizeof(uint64_t));
	return KERN_SUCCESS;
}

static void get_registers(const struct thread_regs *regs, x86_thread_state64_t *state)
{
#define GET(name) state->name = regs->name;
	EACH_REGISTER(GET)
	state->rflags = regs->rflags;
	state->cs = regs->cs;
	/* The syscall instruction has put these there. */
	state->rcx = regs->by_syscall ? regs->rip : regs->rcx;
	state->r11 = regs->by_syscall ? regs->rflags : regs->r11;
}

/* A thread whose registers were set leaves by iretq, which takes all of them. cs and ss are always the same. */
static void set_registers(struct thread_regs *regs, const x86_thread_state64_t *state)
{
#define SET(name) regs->name = state->name;
	EACH_REGISTER(SET)
	regs->rcx = state->rcx;
	regs->r11 = state->r11;
	regs->rflags = (state->rflags & RFLAGS_USER) | RFLAGS_FIXED | RFLAGS_IF;
	regs->by_syscall = 0;
}

/* Words of the flavor before its floating-point state. */
static unsigned registers_of(int flavor)
{
	return flavor == x86_THREAD_STATE64    ? x86_THREAD_STATE64_WORDS
	       : flavor == x86_CONTEXT_STATE64 ? x86_CONTEXT_REGISTERS
					       : 0;
}

kern_return_t machine_thread_get_state(
	struct thread *thread, int flavor, const struct state_memory *to, unsigned *count)
{
	unsigned registers = registers_of(flavor), floats = *count - registers;
	kern_return_t result = KERN_SUCCESS;

	if ((registers == 0 && flavor != x86_XSAVE_STATE64) || *count < registers)
		return KERN_INVALID_ARGUMENT;
	if (registers != 0) {
		x86_thread_state64_t state;

		get_registers(&thread->regs, &state);
		result = state_put(to, 0, &state, registers);
	}
	if (flavor == x86_THREAD_STATE64)
		floats = 0;
	else if (result == KERN_SUCCESS)
		result = fpu_get_state(thread, to, registers, &floats);
	*count = registers + floats;
	return result;
}

kern_return_t machine_thread_set_state(
	struct thread *thread, int flavor, const struct state_memory *from, unsigned count)
{
	unsigned registers = registers_of(flavor);
	x86_thread_state64_t state;
	kern_return_t result;

	if (flavor == x86_XSAVE_STATE64)
		return fpu_set_state(thread, from, 0, count);
	if (registers == 0 || count < registers || (flavor == x86_THREAD_STATE64 && count != registers))
		return KERN_INVALID_ARGUMENT;
	state.fs_base = thread->regs.fs_base;
	state.gs_base = thread->regs.gs_base;
	result = state_take(from, 0, &state, registers);
	if (result != KERN_SUCCESS)
		return result;
	if (state.rip >= VM_MAX_ADDRESS || state.fs_base >= VM_MAX_ADDRESS || state.gs_base >= VM_MAX_ADDRESS)
		return KERN_INVALID_ARGUMENT;
	if (count > registers)
		result = fpu_set_state(thread, from, registers, count - registers);
	if (result == KERN_SUCCESS)
		set_registers(&thread->regs, &state);
	return result;
}
