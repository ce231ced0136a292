/* What a panic prints: registers, and the chain of callers with names from the table that the build puts behind the
 * kernel. */
#include <kern/task.h>
#include <x86_64/cpu.h>

#define CALLERS_MAX 32

struct symbol {
	uint32_t address; /* from kernel_start */
	uint32_t name;
};
extern const char kernel_start[], kernel_text_end[], boot_stack_guard[], boot_stack_top[];
extern const struct symbol kernel_symbols_start[], kernel_symbols_end[];
extern const char kernel_symbol_names[] __attribute__((weak));

static void print_address(uint64_t address)
{
	const struct symbol *found = NULL;

	for (const struct symbol *symbol = kernel_symbols_start; symbol < kernel_symbols_end; symbol++)
		if ((uint64_t)kernel_start + symbol->address <= address)
			found = symbol;
	if (found == NULL || address >= (uint64_t)kernel_text_end)
		kprintf("  %lx\n", address);
	else
		kprintf("  %lx %s+%lx\n", address, kernel_symbol_names + found->name,
			address - (uint64_t)kernel_start - found->address);
}

static bool on_kernel_stack(uint64_t frame)
{
	uint64_t top = current_processor()->stack_top;

	return frame % 8 == 0 && frame >= top - KERNEL_STACK_SIZE && frame + 16 <= top;
}

static void print_callers(uint64_t frame)
{
	for (unsigned i = 0; i < CALLERS_MAX && on_kernel_stack(frame); i++) {
		const uint64_t *words = (const uint64_t *)frame;

		print_address(words[1]);
		if (words[0] <= frame)
			break;
		frame = words[0];
	}
}

void machine_print_state(void)
{
	const struct trap_frame *f = panic_frame;
	const struct thread *thread = current_thread();

	if (f != NULL) {
		kprintf("rax %016lx rbx %016lx rcx %016lx rdx %016lx\n", f->rax, f->rbx, f->rcx, f->rdx);
		kprintf("rsi %016lx rdi %016lx rbp %016lx rsp %016lx\n", f->rsi, f->rdi, f->rbp, f->rsp);
		kprintf("r8  %016lx r9  %016lx r10 %016lx r11 %016lx\n", f->r8, f->r9, f->r10, f->r11);
		kprintf("r12 %016lx r13 %016lx r14 %016lx r15 %016lx\n", f->r12, f->r13, f->r14, f->r15);
		kprintf("rip %016lx cs %lx rflags %lx cr3 %lx\n", f->rip, f->cs, f->rflags, read_cr3());
	}
	if (thread != NULL)
		kprintf("processor %u, thread %p of task %u (%s), user rip %lx rax %ld\n", current_processor()->id,
			(const void *)thread, thread->task == NULL ? 0 : thread->task->id,
			thread->task == NULL ? "none" : thread->task->name, thread->regs.rip, (long)thread->regs.rax);
	kprintf("called from:\n");
	if (f != NULL)
		print_address(f->rip);
	print_callers(f != NULL ? f->rbp : (uint64_t)__builtin_frame_address(0));
}
