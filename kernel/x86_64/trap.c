/* Exceptions and interrupts, after entry.S. */
#include <kern/thread.h>
#include <kern/trap.h>
#include <mach/exception.h>
#include <x86_64/cpu.h>

#define FAULT_WRITE 0x2u
#define FAULT_FETCH 0x10u
#define EXCEPTIONS  32

struct fixup {
	uint64_t from, to;
};
extern const struct fixup fixups_start[], fixups_end[];

struct trap_frame *panic_frame;

/* clang-format off */
static const char *const exception_names[] = {
	"divide error", "debug", "NMI", "breakpoint", "overflow", "bound", "invalid opcode", "no FPU", "double fault", "9",
	"invalid TSS", "segment not present", "stack segment", "general protection", "page fault", "15", "FPU error",
	"alignment", "machine check", "SIMD error",
};
/* clang-format on */
#define EXCEPTION_NAMES (sizeof(exception_names) / sizeof(exception_names[0]))

/*
 * How long the timer's interrupt has waited: the kernel lets none through but between its pieces (kern/piece.h). An
 * idle processor lets it through; what the wake from hlt takes is not the kernel's, whatever interrupt it is by.
 */
static void measure_delay(void)
{
	struct processor *processor = current_processor();
	uint64_t due = current_cpu()->due, from = due > processor->idle_until ? due : processor->idle_until;
	int64_t delay = (int64_t)(machine_now() - from);

	/* It comes early where the timer's range is too short. */
	if (!processor->idle && delay > (int64_t)processor->longest_delay)
		processor->longest_delay = (uint64_t)delay;
}

void machine_interrupt(uint64_t vector)
{
	count_event(interrupts);
	switch (vector) {
	case VECTOR_TIMER:
		measure_delay();
		apic_eoi();
		current_cpu()->deadline = UINT64_MAX;
		timer_interrupt();
		break;
	case VECTOR_KICK:
		apic_eoi();
		sched_kicked();
		break;
	case VECTOR_SHOOTDOWN:
		apic_eoi();
		tlb_shootdown_serve();
		break;
	case VECTOR_SPURIOUS:
		break;
	default:
		if (vector >= VECTOR_DEVICE_FIRST && vector <= VECTOR_DEVICE_LAST)
			device_interrupt_arrived(vector);
		apic_eoi();
	}
}

void user_trap(struct thread *self, uint64_t vector, uint64_t error)
{
	if (vector >= EXCEPTIONS) {
		current_processor()->in_interrupt = true;
		machine_interrupt(vector);
		current_processor()->in_interrupt = false;
		thread_leave_kernel(self);
	}
	switch (vector) {
	case VECTOR_PAGE_FAULT:
		trap_page_fault(self, read_cr2(),
			error & FAULT_FETCH   ? VM_PROT_EXECUTE
			: error & FAULT_WRITE ? VM_PROT_WRITE
					      : VM_PROT_READ);
	case VECTOR_NO_FPU:
		if (fpu_trap(self))
			machine_return_to_user(self);
		exception_raise_self(EXC_BAD_ACCESS, KERN_RESOURCE_SHORTAGE, (int64_t)self->regs.rip);
	case VECTOR_PROTECTION:
		if (io_bitmap_fault(self))
			machine_return_to_user(self);
		exception_raise_self(EXC_BAD_INSTRUCTION, (int64_t)vector, (int64_t)error);
	case VECTOR_DEBUG:
	case 3:
		exception_raise_self(EXC_BREAKPOINT, (int64_t)vector, 0);
	case 0:
	case 4:
	case 5:
	case 16:
	case 19:
		exception_raise_self(EXC_ARITHMETIC, (int64_t)vector, 0);
	default:
		exception_raise_self(EXC_BAD_INSTRUCTION, (int64_t)vector, (int64_t)error);
	}
}

void kernel_trap(struct trap_frame *frame)
{
	if (frame->vector >= EXCEPTIONS) {
		machine_interrupt(frame->vector);
		return;
	}
	if (frame->vector == VECTOR_PAGE_FAULT || frame->vector == VECTOR_PROTECTION)
		for (const struct fixup *fixup = fixups_start; fixup < fixups_end; fixup++)
			if (fixup->from == frame->rip) {
				frame->rip = fixup->to;
				return;
			}
	while (frame->vector == VECTOR_NMI && processor_must_stop())
		__asm__ volatile("cli; hlt");
	panic_frame = frame;
	if (frame->vector == VECTOR_NMI)
		panic("non-maskable interrupt: the hardware reports an error (port 0x61 says %x)", in8(0x61));
	panic("%s in the kernel, error %lx, cr2 %lx",
		frame->vector < EXCEPTION_NAMES ? exception_names[frame->vector] : "exception", frame->error,
		read_cr2());
}
