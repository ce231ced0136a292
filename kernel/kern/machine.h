/*
 * What the machine-independent kernel asks of the processor's code. x86_64/ provides it; so does tests/host for the
 * build host (PORTOLAN_HOST).
 */
#ifndef KERN_MACHINE_H
#define KERN_MACHINE_H

#include <kern/kernel_types.h>
#include <mach/kern_return.h>
#include <mach/vm_types.h>
#include <x86_64/regs.h>

#ifdef PORTOLAN_HOST
extern struct processor *host_processor;
static inline struct processor *current_processor(void)
{
	return host_processor;
}
struct thread *current_thread(void);
#define CURRENT_PROCESSOR current_processor()
#else
/* The processor's own structure and its running thread: the first two words behind GS. */
static inline struct processor *current_processor(void)
{
	struct processor *processor;

	__asm__("movq %%gs:0, %0" : "=r"(processor));
	return processor;
}

/* The same, for one access: no pointer is made. */
#define CURRENT_PROCESSOR ((struct processor __seg_gs *)0)

static inline struct thread *current_thread(void)
{
	struct thread *thread;

	__asm__ volatile("movq %%gs:8, %0" : "=r"(thread));
	return thread;
}
#endif

/*
 * Drops all that is on this processor's kernel stack and calls fn(arg) on the empty stack.
 */
_Noreturn void machine_call_on_fresh_stack(void (*fn)(void *arg), void *arg);

/*
 * Makes `thread` the current one of this processor: gs:8, its pmap (CR3 if it differs; kernel threads keep the last),
 * FS and GS bases of user mode, I/O permission bitmap, TS by FPU ownership. The caller holds no locks.
 */
void machine_switch_to(struct thread *thread);

/* With several processors: the current thread's live registers go to its memory, before others may run it. */
void machine_put_away(struct thread *thread);

/* Enters user mode with thread->regs; current thread only; fresh or used stack alike. */
_Noreturn void machine_return_to_user(struct thread *thread);

/*
 * Starts the other processors, all or as many as the boot word `processors=` says; they run threads when it returns. Once,
 * while the current thread is the only one. What they need of the kernel's other parts is there.
 */
void machine_start_processors(void);
/* For a panic. */
void machine_stop_others(void);

/* Waits for an interrupt with interrupts on and handles it; returns with interrupts off. */
void machine_idle(void);

/*
 * Takes the interrupts that are waiting, in the middle of a long operation: for piece_over (kern/piece.h). What the
 * handlers may touch (run queues, message queues, the current thread's state if it has said that it will wait) may have
 * changed after.
 */
void machine_take_interrupts(void);

/* Gives another processor the interrupt that makes it look at its run queue. */
void machine_kick(struct processor *processor);

/* Waits until another processor has been in the kernel after now, by an interrupt if it must. No locks held. */
void machine_call_in(struct processor *processor);

/* Cuts spinning short: answers TLB shootdown requests, executes pause. */
void machine_relax(void);

/* Nanoseconds since boot, never backwards. */
uint64_t machine_now(void);
/* How that is computed: (TSC - base) * ns_per_tick / 2^32. */
void machine_clock(uint64_t *tsc_hz, uint64_t *tsc_base, uint64_t *ns_per_tick);
/*
 * Next timer interrupt of this processor at the absolute time, UINT64_MAX for none; timer_interrupt() is called then.
 * How late it is called counts in processor->longest_delay.
 */
void machine_set_deadline(uint64_t when);
/* Real time at boot in ns since 1970, from the RTC. */
uint64_t machine_boot_time(void);

_Noreturn void machine_reboot(void);
_Noreturn void machine_power_off(void);

/*
 * Copies between kernel memory and the current task's addresses. Zero on success; otherwise the number of bytes not
 * copied: the copy stopped at a page fault at address + size - result. Addresses outside user space copy nothing.
 */
vm_size_t machine_copy_from_user(void *kernel, vm_address_t address, vm_size_t size);
vm_size_t machine_copy_to_user(vm_address_t address, const void *kernel, vm_size_t size);
/* The 32-bit word at a resident user address, atomically; false on a fault. */
bool machine_load_user_word(vm_address_t address, uint32_t *value);
bool machine_store_user_word(vm_address_t address, uint32_t value);

/* FPU: `thread` has no state yet; it is made at first use, and dropped by destroy. */
void machine_thread_init(struct thread *thread);
void machine_thread_destroy(struct thread *thread);
/* The memory of a state: the kernel's, or, with `kernel` null, the current task's. */
struct state_memory {
	uint64_t *kernel;
	vm_address_t user;
};
/* *count: words there is room for, then words of the state. As copyout, they may return KERN_RESTART. */
kern_return_t machine_thread_get_state(
	struct thread *thread, int flavor, const struct state_memory *to, unsigned *count);
kern_return_t machine_thread_set_state(
	struct thread *thread, int flavor, const struct state_memory *from, unsigned count);
/* True when the live FPU registers of `thread` are on another processor. */
bool machine_fpu_elsewhere(const struct thread *thread);

void machine_console_write(const char *text, size_t size);

#endif
