/*
 * Starting the other processors, and stopping them.
 *
 * They are started one after the other, before there is a second thread, so `processors_online` does not change once
 * anything else looks at it. Each has a slot of addresses behind the kernel's image: a page that is not mapped, its
 * stack, its struct cpu. The first processor has these in the image.
 */
#include <kern/thread.h>
#include <string.h>
#include <vm/vm.h>
#include <x86_64/boot.h>
#include <x86_64/pmap_private.h>

#define SLOTS           (KERNEL_BASE + 0x1000000)
#define SLOT_SIZE       0x10000ull
#define LARGE_PAGE      0x200000ull
#define INIT_NS         10000000ull  /* Intel SDM vol. 3A, 8.4.4.1 */
#define START_NS        200000ull    /* between the two start messages */
#define START_NS_AT_MOST 5000000000ull /* an emulated one waits for its host */

_Static_assert(VM_PAGE_SIZE + KERNEL_STACK_SIZE + sizeof(struct cpu) <= SLOT_SIZE, "a processor's slot");
_Static_assert(PROCESSORS_MAX * SLOT_SIZE <= LARGE_PAGE, "one table maps all slots");

extern const char trampoline_start[], trampoline_end[];
extern pte_t kernel_directory[PTES];
_Noreturn void processor_start(struct processor *processor);

struct processor *processor_starting; /* who comes takes it (trampoline.S) */
static bool started, released;
static bool stopping;

/* Root, and below it two tables that map the first 2 MiB as they are, beside the kernel. */
static void make_trampoline(void)
{
	pte_t *tables = physical_to_virtual(TRAMPOLINE_ROOT);

	memcpy(physical_to_virtual(TRAMPOLINE), trampoline_start, (size_t)(trampoline_end - trampoline_start));
	memset(tables, 0, 3 * VM_PAGE_SIZE);
	memcpy(tables, kernel_pml4, VM_PAGE_SIZE);
	tables[0] = (TRAMPOLINE_ROOT + VM_PAGE_SIZE) | PTE_PRESENT | PTE_WRITE;
	tables[PTES] = (TRAMPOLINE_ROOT + 2 * VM_PAGE_SIZE) | PTE_PRESENT | PTE_WRITE;
	tables[2 * PTES] = PTE_PRESENT | PTE_WRITE | PTE_LARGE;
}

/* The stack and struct cpu of processor `id`; false: no memory. */
static bool map_slot(struct processor *processor, uint32_t id)
{
	static pte_t table[PTES] __attribute__((aligned(4096)));
	uint64_t stack = SLOTS + id * SLOT_SIZE + VM_PAGE_SIZE, cpu = stack + KERNEL_STACK_SIZE;

	kernel_directory[(SLOTS - KERNEL_BASE) / LARGE_PAGE] =
		kernel_image_physical(table) | PTE_PRESENT | PTE_WRITE;
	for (uint64_t at = stack; at < cpu + sizeof(struct cpu); at += VM_PAGE_SIZE) {
		uint64_t physical = vm_page_grab_kernel(VM_PAGE_FOR_KERNEL);

		if (physical == 0)
			return false;
		table[(at - SLOTS) / VM_PAGE_SIZE] = physical | PTE_PRESENT | PTE_WRITE | PTE_GLOBAL | PTE_NO_EXECUTE;
	}
	processor->stack_top = cpu;
	processor->machine = (struct cpu *)cpu;
	return true;
}

static bool wait_for_start(uint64_t ns)
{
	uint64_t until = machine_now() + ns;

	/* Acquire: all that the other has set up is seen. */
	while (!__atomic_load_n(&started, __ATOMIC_ACQUIRE) && machine_now() < until)
		__asm__ volatile("pause");
	return __atomic_load_n(&started, __ATOMIC_ACQUIRE);
}

/* One that is late finds nothing to start with, or starts in the place of the next. */
static bool start(struct processor *processor, uint32_t id, uint32_t apic)
{
	processor->id = id;
	processor->guarded = processors[0].guarded;
	if (processor->machine == NULL) {
		if (!map_slot(processor, id))
			return false;
		make_idle_thread(processor);
	}
	started = false;
	/* Release: with all that is in it. */
	__atomic_store_n(&processor_starting, processor, __ATOMIC_RELEASE);
	apic_send(apic, APIC_RESET);
	(void)wait_for_start(INIT_NS);
	apic_send(apic, APIC_START | TRAMPOLINE >> VM_PAGE_SHIFT);
	if (wait_for_start(START_NS))
		return true;
	apic_send(apic, APIC_START | TRAMPOLINE >> VM_PAGE_SHIFT);
	if (wait_for_start(START_NS_AT_MOST))
		return true;
	/* Relaxed: one side alone has it. */
	if (__atomic_exchange_n(&processor_starting, NULL, __ATOMIC_RELAXED) != NULL)
		return false;
	while (!wait_for_start(START_NS_AT_MOST))
		;
	return true;
}

/* The other processor's side of start(), from trampoline.S. */
void processor_start(struct processor *processor)
{
	write_msr(MSR_GS_BASE, (uint64_t)processor);
	write_cr3(kernel_image_physical(kernel_pml4));
	cpu_init(processor, processor->machine, processor->stack_top);
	apic_init_this();
	processor->apic_id = apic_id();
	__atomic_store_n(&started, true, __ATOMIC_RELEASE);
	while (!__atomic_load_n(&released, __ATOMIC_ACQUIRE))
		__asm__ volatile("pause");
	write_cr3(read_cr3()); /* serializes: code has been changed (SDM vol. 3A, 8.1.3) */
	sched_run();
}

void machine_start_processors(void)
{
	uint32_t said = boot_number("processors=");
	uint32_t wanted = said == 0 || said > acpi_processor_count ? acpi_processor_count : said;

	if (isolation_entry != 0 && wanted > 1) {
		kprintf("one processor is used where programs run on page tables of their own\n");
		wanted = 1;
	}
	if (wanted > 1)
		make_trampoline();
	for (uint32_t i = 0; i < acpi_processor_count && processors_online < wanted; i++) {
		if (acpi_processors[i] == processors[0].apic_id)
			continue;
		if (start(&processors[processors_online], processors_online, acpi_processors[i]))
			processors_online++;
		else
			kprintf("the processor with APIC id %u does not start\n", acpi_processors[i]);
	}
	if (acpi_processor_count > processors_online)
		kprintf("%u processors found, %u used\n", acpi_processor_count, processors_online);
	if (boot_word("asymmetric=on"))
		sched_keep_first_for_servers();
	choose_fast_paths();
	__atomic_store_n(&released, true, __ATOMIC_RELEASE);
}

/* --- Stopping. */

void machine_stop_others(void)
{
	if (processors_online <= 1)
		return;
	__atomic_store_n(&stopping, true, __ATOMIC_SEQ_CST);
	apic_send(0, APIC_NMI_TO_OTHERS);
}

bool processor_must_stop(void)
{
	return __atomic_load_n(&stopping, __ATOMIC_RELAXED);
}
