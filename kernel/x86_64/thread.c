/* The machine's part of a thread: being switched to, its registers as others read and set them. */
#include <kern/task.h>
#include <kern/thread.h>
#include <mach/thread_status.h>
#include <string.h>
#include <x86_64/cpu.h>
#include <x86_64/pmap_private.h>
#include <x86_64/thread_private.h>

void machine_thread_init(struct thread *thread)
{
	memset(&thread->regs, 0, sizeof(thread->regs));
	memset(thread->machine, 0, sizeof(thread->machine));
	thread->fpu = NULL;
	thread->regs.cs = USER_CS;
	thread->regs.ss = USER_SS;
	thread->regs.rflags = RFLAGS_FIXED | RFLAGS_IF;
}

void machine_thread_destroy(struct thread *thread)
{
	fpu_destroy(thread);
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

void machine_switch_to(struct thread *thread)
{
	struct processor *processor = current_processor();

	if (thread == processor->thread)
		return;
	count_event(thread_switches);
	if (processor->fpu_live)
		fpu_switch(thread);
	processor->thread = thread;
	if (thread->pmap != NULL && thread->pmap != processor->pmap)
		load_space(processor, thread->pmap, thread->pmap->cr3);
}

static kern_return_t get_registers(const struct thread_regs *regs, uint64_t *words, unsigned *count)
{
	x86_thread_state64_t state = {
		.rax = regs->rax,
		.rbx = regs->rbx,
		.rdx = regs->rdx,
		.rdi = regs->rdi,
		.rsi = regs->rsi,
		.rbp = regs->rbp,
		.rsp = regs->rsp,
		.r8 = regs->r8,
		.r9 = regs->r9,
		.r10 = regs->r10,
		.r12 = regs->r12,
		.r13 = regs->r13,
		.r14 = regs->r14,
		.r15 = regs->r15,
		.rip = regs->rip,
		.rflags = regs->rflags,
		.cs = regs->cs,
		.fs_base = regs->fs_base,
		.gs_base = regs->gs_base,
		/* The syscall instruction has put these there. */
		.rcx = regs->by_syscall ? regs->rip : regs->rcx,
		.r11 = regs->by_syscall ? regs->rflags : regs->r11,
	};

	if (*count < x86_THREAD_STATE64_COUNT)
		return KERN_INVALID_ARGUMENT;
	memcpy(words, &state, sizeof(state));
	*count = x86_THREAD_STATE64_COUNT;
	return KERN_SUCCESS;
}

/* A thread whose registers were set leaves by iretq, which takes all of them. */
static kern_return_t set_registers(struct thread_regs *regs, const uint64_t *words, unsigned count)
{
	x86_thread_state64_t state;

	if (count != x86_THREAD_STATE64_COUNT)
		return KERN_INVALID_ARGUMENT;
	memcpy(&state, words, sizeof(state));
	if (state.rip >= VM_MAX_ADDRESS || state.fs_base >= VM_MAX_ADDRESS || state.gs_base >= VM_MAX_ADDRESS)
		return KERN_INVALID_ARGUMENT;
	*regs = (struct thread_regs){
		.rdi = state.rdi,
		.rsi = state.rsi,
		.rdx = state.rdx,
		.r10 = state.r10,
		.r8 = state.r8,
		.r9 = state.r9,
		.r12 = state.r12,
		.r13 = state.r13,
		.rbx = state.rbx,
		.r14 = state.r14,
		.r15 = state.r15,
		.rax = state.rax,
		.rbp = state.rbp,
		.rcx = state.rcx,
		.r11 = state.r11,
		.rip = state.rip,
		.cs = USER_CS,
		.rflags = (state.rflags & RFLAGS_USER) | RFLAGS_FIXED | RFLAGS_IF,
		.rsp = state.rsp,
		.ss = USER_SS,
		.fs_base = state.fs_base,
		.gs_base = state.gs_base,
		.by_syscall = 0,
	};
	return KERN_SUCCESS;
}

kern_return_t machine_thread_get_state(struct thread *thread, int flavor, uint64_t *state, unsigned *count)
{
	switch (flavor) {
	case x86_THREAD_STATE64:
		return get_registers(&thread->regs, state, count);
	case x86_FLOAT_STATE64:
		return fpu_get_state(thread, state, count);
	default:
		return KERN_INVALID_ARGUMENT;
	}
}

kern_return_t machine_thread_set_state(struct thread *thread, int flavor, const uint64_t *state, unsigned count)
{
	switch (flavor) {
	case x86_THREAD_STATE64:
		return set_registers(&thread->regs, state, count);
	case x86_FLOAT_STATE64:
		return fpu_set_state(thread, state, count);
	default:
		return KERN_INVALID_ARGUMENT;
	}
}
