/* The boot processor's start in C, and the machine's end. */
#include <ipc/ipc.h>
#include <kern/thread.h>
#include <task/host.h>
#include <x86_64/boot.h>
#include <x86_64/pmap_private.h>

#define KEYBOARD_COMMAND 0x64
#define KEYBOARD_BUSY    0x2
#define KEYBOARD_RESET   0xfe
#define RESET_CONTROL    0xcf9
#define RESET_FULL       0x6
#define POWER_OFF_NS     2000000000ull

enum { PROTOCOL_MULTIBOOT2 = 1, PROTOCOL_PVH = 2 };

extern char boot_stack_top[];
struct cpu boot_cpu;

struct fast_paths fast_paths;

extern const struct code_site lock_sites_start[], lock_sites_end[]; /* kern/lock.h */

/* No lock is held, and no other processor takes one yet. */
void choose_fast_paths(void)
{
	if (processors_online == 1) {
		fast_paths = (struct fast_paths){ipc_fast_call_one, ipc_fast_reply_wait_one, ipc_fast_foreign_one};
	} else {
		fast_paths = (struct fast_paths){ipc_fast_call, ipc_fast_reply_wait, ipc_fast_foreign};
		cpu_redirect(lock_sites_start, lock_sites_end);
	}
}

_Noreturn void x86_start(unsigned protocol, uint64_t info, uint64_t delta);

/* Called by boot.S on the boot stack, with memory below 4 GiB mapped. */
void x86_start(unsigned protocol, uint64_t info, uint64_t delta)
{
	kernel_delta = delta;
	write_msr(MSR_GS_BASE, (uint64_t)&processors[0]);
	processors[0].self = &processors[0];
	processors[0].stack_top = (uint64_t)boot_stack_top;
	processors_online = 1;
	console_init();
	cpu_find_features();
	cpu_init(&processors[0], &boot_cpu, (uint64_t)boot_stack_top);

	memory_reserve_kernel();
	if (protocol == PROTOCOL_MULTIBOOT2)
		boot_info_multiboot2(info);
	else if (protocol == PROTOCOL_PVH)
		boot_info_pvh(info);
	else
		panic("the boot loader speaks neither Multiboot2 nor PVH: use GRUB 2 with multiboot2, or QEMU's "
		      "-kernel");
	console_quiet = boot_word("quiet");
	kprintf("Portolan %s\n", PACKAGE_VERSION);
	boot_modules_settle();
	for (uint32_t i = 0; i < boot_parameters.modules; i++)
		kprintf("boot module %s: %lu bytes\n", boot_parameters.module[i].name, boot_parameters.module[i].size);
	memory_init();
	speculation_init();
	pmap_init();
	acpi_init();
	apic_init();
	processors[0].apic_id = apic_id();
	clock_init();
	kernel_main();
}

void machine_idle(void)
{
	if (processors_online > 1 && current_processor()->pmap != NULL)
		pmap_load(NULL);
	/* The interrupt is taken between sti and cli, by kernel_trap. */
	__asm__ volatile("sti; hlt; cli" : : : "memory");
}

void machine_take_interrupts(void)
{
	/* They are on after the instruction that follows sti (Intel SDM vol. 2, STI). */
	__asm__ volatile("sti; nop; cli" : : : "memory");
}

void machine_kick(struct processor *processor)
{
	if (processor == current_processor()) {
		processor->need_reschedule = true;
		return;
	}
	count_event(kicks);
	apic_send(processor->apic_id, VECTOR_KICK);
}

void machine_relax(void)
{
	tlb_shootdown_serve();
	__asm__ volatile("pause" : : : "memory");
}

static _Noreturn void halt(void)
{
	for (;;)
		__asm__ volatile("cli; hlt");
}

void machine_reboot(void)
{
	acpi_reset();
	out8(RESET_CONTROL, RESET_FULL);
	for (unsigned i = 0; i < 100000 && (in8(KEYBOARD_COMMAND) & KEYBOARD_BUSY); i++)
		__asm__ volatile("pause");
	out8(KEYBOARD_COMMAND, KEYBOARD_RESET);
	halt();
}

void machine_power_off(void)
{
	uint64_t patience = machine_now() + POWER_OFF_NS;

	acpi_power_off();
	while (machine_now() < patience)
		__asm__ volatile("pause");
	kprintf("this machine cannot be switched off by software: switch it off now\n");
	halt();
}

/* Under a hypervisor nobody reads the screen: a reset lets the one who runs it go on. A PC keeps the message. */
void machine_stop(void)
{
	if (cpu_features.hypervisor)
		machine_reboot();
	halt();
}
