/*
 * What a processor that guesses could give away (doc/security.md): what is found by CPUID, and the barrier between
 * accounts. The rest is in how code is written and compiled: kern/checked.h, ipc_entry_at, entry.S, Makefile.inc.
 */
#include <x86_64/boot.h>
#include <x86_64/cpu.h>

/* Intel SDM vol. 2A, CPUID, leaf 7; AMD APM vol. 3, appendix E, leaf 80000008h. */
#define CPUID_7_EDX_IBPB              (1u << 26)
#define CPUID_7_EDX_ARCH_CAPABILITIES (1u << 29)
#define CPUID_AMD_EBX_IBPB            (1u << 12)
#define CPUID_INTEL_EBX               0x756e6547u /* "Genu" */
/* Intel SDM vol. 4, table 2-2. */
#define MSR_ARCH_CAPABILITIES    0x10a
#define ARCH_CAPABILITIES_DENIES 0x21u /* RDCL_NO, MDS_NO */

static bool has_barrier;

/* Whether programs may read what only the kernel may (Meltdown), or what it has just read (MDS): Intel's processors
 * that do not deny it. */
static bool leaks_kernel(const uint32_t leaf0[4], const uint32_t leaf7[4])
{
	uint64_t denied = leaf7[3] & CPUID_7_EDX_ARCH_CAPABILITIES ? read_msr(MSR_ARCH_CAPABILITIES) : 0;

	return leaf0[1] == CPUID_INTEL_EBX && (~denied & ARCH_CAPABILITIES_DENIES);
}

void speculation_init(void)
{
	uint32_t leaf0[4], leaf7[4], extended[4];
	bool on = boot_word("barriers=on"), off = boot_word("barriers=off");

	cpuid(0, 0, leaf0);
	cpuid(7, 0, leaf7); /* FSGSBASE was there */
	cpuid(0x80000008, 0, extended);
	has_barrier = (leaf7[3] & CPUID_7_EDX_IBPB) || (extended[1] & CPUID_AMD_EBX_IBPB);
	/* With barriers=on they are counted where the processor has none, so that one sees what they would cost. */
	current_processor()->guarded = on || (has_barrier && !off);
	if (on || (leaks_kernel(leaf0, leaf7) && !off))
		isolation_init();
}

/* Called for each switch between accounts while processor->guarded. */
void speculation_barrier(void)
{
	count_event(predictor_barriers);
	if (has_barrier)
		write_msr(MSR_PRED_CMD, PRED_CMD_IBPB);
}
