/* Bringing a processor into the kernel's state: what it can do, control registers, descriptor tables, system call
 * entry. */
#include <string.h>
#include <x86_64/cpu.h>
#include <x86_64/pmap_private.h>

/* CPUID bits, Intel SDM vol. 2A, CPUID. */
#define CPUID_1_ECX_XSAVE      (1u << 26)
#define CPUID_1_ECX_HYPERVISOR (1u << 31)
#define CPUID_7_EBX_FSGSBASE   (1u << 0)
#define CPUID_7_EBX_SMEP       (1u << 7)
#define CPUID_7_EBX_SMAP       (1u << 20)
#define CPUID_7_ECX_UMIP       (1u << 2)
#define CPUID_EXT_EDX_GIGABYTE (1u << 26)

/* State components that tasks may use: x87, SSE, AVX, AVX-512 (SDM vol. 1, 13.1). */
#define XCR0_BASE   0x3ull
#define XCR0_AVX    0x4ull
#define XCR0_AVX512 0xe0ull

struct cpu_features cpu_features;

struct table_pointer {
	uint16_t limit;
	uint64_t base;
} __attribute__((packed));

extern const uint64_t smap_sites_start[], smap_sites_end[];

static void patch_smap_sites(void)
{
	static const uint8_t nop[3] = {0x0f, 0x1f, 0x00};

	for (const uint64_t *site = smap_sites_start; site < smap_sites_end; site++)
		memcpy((void *)*site, nop, sizeof(nop));
}

void cpu_redirect(const struct code_site *site, const struct code_site *end)
{
	write_cr0(read_cr0() & ~(uint64_t)CR0_WP);
	for (; site < end; site++) {
		int32_t distance = (int32_t)(site->to - (const char *)(site->from + 5));

		site->from[0] = 0xe9; /* jmp, Intel SDM vol. 2A */
		memcpy(site->from + 1, &distance, sizeof(distance));
	}
	write_cr0(read_cr0() | CR0_WP);
}

/* Before the kernel's text is write-protected. */
void cpu_find_features(void)
{
	uint32_t leaf1[4], leaf7[4] = {0}, extended[4], state[4], most[4];

	cpuid(0, 0, most);
	cpuid(1, 0, leaf1);
	if (most[0] >= 7)
		cpuid(7, 0, leaf7);
	cpuid(0x80000001, 0, extended);
	if (!(leaf7[1] & CPUID_7_EBX_FSGSBASE) || !(leaf1[2] & CPUID_1_ECX_XSAVE))
		panic("this processor lacks FSGSBASE or XSAVE; in QEMU use -cpu max");
	cpu_features.hypervisor = leaf1[2] & CPUID_1_ECX_HYPERVISOR;
	cpu_features.smap = leaf7[1] & CPUID_7_EBX_SMAP;
	cpu_features.cr4 = (cpu_features.smap ? CR4_SMAP : 0) | (leaf7[1] & CPUID_7_EBX_SMEP ? CR4_SMEP : 0) |
			   (leaf7[2] & CPUID_7_ECX_UMIP ? CR4_UMIP : 0);
	cpu_features.gigabyte_pages = extended[3] & CPUID_EXT_EDX_GIGABYTE;
	cpuid(0xd, 0, state);
	cpu_features.xcr0 = XCR0_BASE | (state[0] & XCR0_AVX);
	if ((state[0] & XCR0_AVX) && (state[0] & XCR0_AVX512) == XCR0_AVX512)
		cpu_features.xcr0 |= XCR0_AVX512;
	if (!cpu_features.smap)
		patch_smap_sites();
}

/* A present interrupt gate, Intel SDM vol. 3A, 6.14.1. */
static void set_gate(uint64_t idt[][2], unsigned vector, uint64_t ist, uint64_t privilege)
{
	uint64_t stub = (uint64_t)vector_stubs + vector * 16;

	idt[vector][0] = (stub & 0xffff) | KERNEL_CS << 16 | ist << 32 | (0x8e | privilege << 5) << 40 |
			 (stub & 0xffff0000) << 32;
	idt[vector][1] = stub >> 32;
}

static void make_idt(uint64_t idt[][2])
{
	for (unsigned vector = 0; vector < 256; vector++)
		set_gate(idt, vector, 0, 0);
	set_gate(idt, VECTOR_DEBUG, IST_DEBUG, 0);
	set_gate(idt, VECTOR_NMI, IST_NMI, 0);
	set_gate(idt, VECTOR_DOUBLE_FAULT, IST_DOUBLE_FAULT, 0);
	set_gate(idt, VECTOR_MACHINE_CHECK, IST_MACHINE_CHECK, 0);
	set_gate(idt, 3, 0, 3); /* int3 and into are a task's own */
	set_gate(idt, 4, 0, 3);
}

static void make_gdt(struct cpu *cpu)
{
	uint64_t tss = (uint64_t)&cpu->tss, limit = sizeof(cpu->tss) - 1;

	cpu->gdt[KERNEL_CS / 8] = 0x00af9b000000ffff;
	cpu->gdt[KERNEL_SS / 8] = 0x00cf93000000ffff;
	cpu->gdt[USER_SS / 8] = 0x00cff3000000ffff;
	cpu->gdt[USER_CS / 8] = 0x00affb000000ffff;
	cpu->gdt[TSS_SELECTOR / 8] =
		(limit & 0xffff) | (tss & 0xffffff) << 16 | 0x89ull << 40 | (tss >> 24 & 0xff) << 56;
	cpu->gdt[TSS_SELECTOR / 8 + 1] = tss >> 32;
}

void cpu_init(struct processor *processor, struct cpu *cpu, uint64_t stack_top)
{
	struct table_pointer gdtr = {sizeof(cpu->gdt) - 1, (uint64_t)cpu->gdt};
	struct table_pointer idtr = {sizeof(cpu->idt) - 1, (uint64_t)cpu->idt};

	processor->self = processor;
	processor->machine = cpu;
	processor->stack_top = stack_top;
	make_idt(cpu->idt);
	make_gdt(cpu);
	cpu->deadline = UINT64_MAX;
	cpu->tss.rsp[0] = stack_top;
	cpu->tss.io_map_base = IO_MAP_OFF;
	cpu->tss.io_map[sizeof(cpu->tss.io_map) - 1] = 0xff;
	for (unsigned i = 0; i < IST_COUNT; i++) {
		uint64_t *top = (uint64_t *)(cpu->ist_stack[i] + IST_STACK_SIZE);

		top[-1] = (uint64_t)processor;
		top[-2] = kernel_image_physical(kernel_pml4);
		cpu->tss.ist[i] = (uint64_t)(top - 2);
	}
	__asm__ volatile("lgdt %0" : : "m"(gdtr));
	__asm__ volatile("lidt %0" : : "m"(idtr));
	__asm__ volatile("ltr %w0" : : "r"(TSS_SELECTOR));
	write_msr(MSR_GS_BASE, (uint64_t)processor);
	write_msr(MSR_KERNEL_GS_BASE, 0);

	write_cr4(CR4_PAE | CR4_PGE | CR4_MCE | CR4_OSFXSR | CR4_OSXMMEXCPT | CR4_FSGSBASE | CR4_OSXSAVE |
		  cpu_features.cr4);
	write_cr0(CR0_PE | CR0_MP | CR0_NE | CR0_WP | CR0_PG | CR0_TS);
	fpu_init();

	write_msr(MSR_STAR, (uint64_t)USER_STAR << 48 | (uint64_t)KERNEL_CS << 32);
	write_msr(MSR_LSTAR, (uint64_t)syscall_entry);
	write_msr(MSR_SFMASK, RFLAGS_TF | RFLAGS_IF | RFLAGS_DF | RFLAGS_IOPL | RFLAGS_NT | RFLAGS_AC);
	write_msr(MSR_EFER, EFER_SCE | EFER_LME | EFER_NXE | (read_msr(MSR_EFER) & (1u << 10)));
}
