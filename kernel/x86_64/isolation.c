/*
 * Page tables for programs that map next to nothing of the kernel, for processors on which a program can read what its
 * tables map whether it may or not (Meltdown); whether they are wanted says speculation.c.
 *
 * A map's root is a pair of pages then. The kernel runs on the first, as without isolation; programs run on the second,
 * which has the same directories for the user's addresses (pmap_make_table enters them in both) and of the kernel the
 * code of the ways in and out (.text.entry) and struct cpu: what the processor needs to leave the program. The ways
 * change from one to the other by a bit of CR3, and that makes the processor forget all translations; for no page is
 * global then. In the first root no page of the user's can be executed, so a way out that forgets to change faults.
 *
 * Without isolation nothing of this costs an instruction: the jumps to isolated_entry.S are written over the ways
 * in and out here. One processor runs (processors.c): isolated_entry.S finds struct cpu by its address. Each other would
 * need its own copy.
 */
#include <task/host.h>
#include <x86_64/pmap_tables.h>

extern const struct code_site isolated_sites_start[], isolated_sites_end[];
extern const char entry_text_start[], entry_text_end[];
void isolated_syscall(void);

pte_t isolation_entry;

static pte_t make_directory(void)
{
	uint64_t physical = vm_page_grab_kernel(VM_PAGE_FOR_KERNEL);

	if (physical == 0)
		panic("no memory for the page tables of programs");
	return physical | PTE_PRESENT | PTE_WRITE;
}

/* The kernel's mapping of a part of its image is one in programs' tables, too. */
static void share(const void *start, const void *end)
{
	for (uint64_t at = (uint64_t)start; at < (uint64_t)end; at += VM_PAGE_SIZE) {
		pte_t *from = &kernel_pml4[PTES - 1], *to = &isolation_entry;

		for (unsigned level = 3; level-- > 0;) {
			if (*to == 0)
				*to = make_directory();
			from = table_below(*from) + table_index(at, level);
			to = table_below(*to) + table_index(at, level);
		}
		*to = *from;
	}
}

void isolation_init(void)
{
	kprintf("programs run on page tables of their own\n");
	share(entry_text_start, entry_text_end);
	share(&boot_cpu, &boot_cpu + 1);
	cpu_redirect(isolated_sites_start, isolated_sites_end);
	boot_cpu.tss.rsp[0] = (uint64_t)(boot_cpu.entry_stack + ENTRY_STACK);
	write_msr(MSR_LSTAR, (uint64_t)isolated_syscall);
	write_cr4(read_cr4() & ~(uint64_t)CR4_PGE);
}
