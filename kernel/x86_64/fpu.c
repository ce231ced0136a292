/*
 * Floating-point, SSE and AVX registers. They stay in the processor when threads are switched: processor->fpu_owner is
 * whose they are, and CR0.TS is clear only while that thread runs. Another thread that uses them traps (#NM); then the
 * owner's are saved and its own loaded. With several processors they are saved when their owner leaves the processor,
 * so that it can run on any.
 */
#include <kern/kalloc.h>
#include <kern/task.h>
#include <mach/thread_status.h>
#include <string.h>
#include <x86_64/cpu.h>

#define XSAVE_ALIGNMENT 64
#define LEGACY_SIZE     512
#define MXCSR_DEFAULT   0x1f80u
#define FCW_DEFAULT     0x37fu

/* The XSAVE area in standard form, SDM vol. 1, 13.4. */
struct xsave_area {
	uint16_t fcw, fsw;
	uint8_t ftw, reserved;
	uint16_t fop;
	uint64_t rip, rdp;
	uint32_t mxcsr, mxcsr_mask;
	uint8_t registers[LEGACY_SIZE - 32];
	uint64_t xstate_bv, xcomp_bv, header[6];
};

/* Words of thread->machine. */
enum { MACHINE_FPU_MEMORY };

static uint32_t mxcsr_mask = 0xffbf;

void fpu_init(void)
{
	static struct xsave_area probe __attribute__((aligned(XSAVE_ALIGNMENT)));
	uint32_t state[4];

	__asm__ volatile("xsetbv"
			 :
			 : "c"(0), "a"((uint32_t)cpu_features.xcr0), "d"((uint32_t)(cpu_features.xcr0 >> 32)));
	cpuid(0xd, 0, state);
	cpu_features.xsave_size = state[1];
	if (cpu_features.xsave_size > (THREAD_STATE_MAX - x86_CONTEXT_REGISTERS) * sizeof(uint64_t))
		panic("floating-point state of %u bytes is larger than a message holds", cpu_features.xsave_size);
	__asm__ volatile("clts; fxsave64 %0" : "=m"(probe));
	if (probe.mxcsr_mask != 0)
		mxcsr_mask = probe.mxcsr_mask;
	write_cr0(read_cr0() | CR0_TS);
}

static void save(struct thread *thread)
{
	__asm__ volatile("xsave64 (%0)" : : "r"(thread->fpu), "a"(-1), "d"(-1) : "memory");
}

static void load(struct thread *thread)
{
	__asm__ volatile("xrstor64 (%0)" : : "r"(thread->fpu), "a"(-1), "d"(-1) : "memory");
}

static bool make_area(struct thread *thread)
{
	void *memory = kalloc(thread->task->account, cpu_features.xsave_size + XSAVE_ALIGNMENT);
	struct xsave_area *area;

	if (memory == NULL)
		return false;
	thread->machine[MACHINE_FPU_MEMORY] = (uint64_t)memory;
	area = (void *)(((uintptr_t)memory + XSAVE_ALIGNMENT - 1) & ~(uintptr_t)(XSAVE_ALIGNMENT - 1));
	area->fcw = FCW_DEFAULT;
	area->mxcsr = MXCSR_DEFAULT;
	thread->fpu = area;
	return true;
}

static void set_owner(struct processor *processor, struct thread *thread)
{
	processor->fpu_owner = thread;
	processor->fpu_live = thread != NULL;
}

/* Live registers of the thread go to its memory, if they are in this processor. */
static void save_live(struct thread *thread)
{
	struct processor *processor = current_processor();

	if (processor->fpu_owner != thread)
		return;
	__asm__ volatile("clts");
	save(thread);
	if (thread != current_thread())
		write_cr0(read_cr0() | CR0_TS);
}

/* As save_live, and the registers are nobody's any more. */
void machine_put_away(struct thread *thread)
{
	if (current_processor()->fpu_owner != thread)
		return;
	save_live(thread);
	set_owner(current_processor(), NULL);
	write_cr0(read_cr0() | CR0_TS);
}

bool fpu_trap(struct thread *self)
{
	struct processor *processor = current_processor();

	if (self->fpu == NULL && !make_area(self))
		return false;
	count_event(fpu_switches);
	__asm__ volatile("clts");
	if (processor->fpu_owner != self) {
		if (processor->fpu_owner != NULL)
			save(processor->fpu_owner);
		load(self);
		set_owner(processor, self);
	}
	return true;
}

/* Before `to` becomes current. */
void fpu_switch(struct thread *to)
{
	struct processor *processor = current_processor();

	if (processor->fpu_owner == NULL)
		return;
	/* TS is clear only while the owner runs. */
	if (processor->fpu_owner == to)
		__asm__ volatile("clts");
	else if (processor->fpu_owner == processor->thread)
		write_cr0(read_cr0() | CR0_TS);
}

void machine_thread_destroy(struct thread *thread)
{
	if (current_processor()->fpu_owner == thread)
		set_owner(current_processor(), NULL);
	if (thread == current_thread())
		write_cr0(read_cr0() | CR0_TS);
	kfree(thread->task->account, (void *)thread->machine[MACHINE_FPU_MEMORY],
		cpu_features.xsave_size + XSAVE_ALIGNMENT);
	thread->fpu = NULL;
}

bool machine_fpu_elsewhere(const struct thread *thread)
{
	struct processor *processor = thread->processor;

	return processor != current_processor() && processor != NULL && processor->fpu_owner == thread;
}

kern_return_t fpu_get_state(struct thread *thread, const struct state_memory *to, unsigned word, unsigned *count)
{
	unsigned words = cpu_features.xsave_size / sizeof(uint64_t);

	if (*count < words)
		return KERN_INVALID_ARGUMENT;
	if (thread->fpu == NULL && !make_area(thread))
		return KERN_RESOURCE_SHORTAGE;
	save_live(thread);
	*count = words;
	return state_put(to, word, thread->fpu, words);
}

/* FXSAVE's 512 bytes alone set the x87 and SSE registers and leave the rest initial. */
kern_return_t fpu_set_state(struct thread *thread, const struct state_memory *from, unsigned word, unsigned count)
{
	bool legacy = count == LEGACY_SIZE / sizeof(uint64_t);
	struct xsave_area *area;
	kern_return_t result;

	if (!legacy && count != cpu_features.xsave_size / sizeof(uint64_t))
		return KERN_INVALID_ARGUMENT;
	if (thread->fpu == NULL && !make_area(thread))
		return KERN_RESOURCE_SHORTAGE;
	machine_put_away(thread);
	area = thread->fpu;
	result = state_take(from, word, area, count);
	if (legacy)
		memset((char *)area + LEGACY_SIZE, 0, cpu_features.xsave_size - LEGACY_SIZE);
	/* Nothing that xrstor would refuse, whatever has been read. */
	area->mxcsr &= mxcsr_mask;
	area->xstate_bv = legacy ? 3 : area->xstate_bv & cpu_features.xcr0;
	area->xcomp_bv = 0;
	memset(area->header, 0, sizeof(area->header));
	return result;
}
