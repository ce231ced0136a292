/* What a physical map is on x86-64, for the files that load it. */
#ifndef X86_64_PMAP_PRIVATE_H
#define X86_64_PMAP_PRIVATE_H

#include <x86_64/cpu.h>

typedef uint64_t pte_t;

/* Page table entries, Intel SDM vol. 3A, 4.5. */
#define PTE_PRESENT       0x1ull
#define PTE_WRITE         0x2ull
#define PTE_USER          0x4ull
#define PTE_WRITE_THROUGH 0x8ull
#define PTE_CACHE_OFF     0x10ull
#define PTE_ACCESSED      0x20ull
#define PTE_DIRTY         0x40ull
#define PTE_LARGE         0x80ull
#define PTE_GLOBAL        0x100ull
#define PTE_MANAGED       0x200ull /* ours: on the page's list of mappings */
#define PTE_NO_EXECUTE    0x8000000000000000ull
#define PTE_ADDRESS       0x000ffffffffff000ull
#define PTES              512

struct pmap {
	struct lock lock;
	uint64_t cr3;            /* physical address of the root table */
	pte_t *root;             /* with isolation the program's follows it */
	struct account *account; /* pays for it and its tables: pmap_bill */
	uint64_t bytes;          /* that it has on that account */
	uint64_t resident;       /* pages, atomic */
	struct list tables;      /* lowest ones, struct page_table */
	struct page_table *hint;   /* the one that was looked for last, or null */
	struct list directories; /* between them and the root: struct vm_page */
};

/* Entries of the kernel's half are the same in all maps: made once. */
extern pte_t kernel_pml4[PTES];
/* The last entry of roots that programs run on, which is all that they have of the kernel's half; 0: they run on the
 * kernel's (isolation.c). */
extern pte_t isolation_entry;

/* Pages whose translations must go, gathered under the pmap's lock. */
#define TLB_BATCH 16
struct tlb_batch {
	struct pmap *pmap;
	bool leave;     /* forget the map itself */
	uint32_t count; /* over TLB_BATCH: everything */
	vm_address_t address[TLB_BATCH];
};

static inline void tlb_batch_init(struct tlb_batch *batch, struct pmap *pmap)
{
	batch->pmap = pmap;
	batch->leave = false;
	batch->count = 0;
}

static inline void tlb_batch_add(struct tlb_batch *batch, vm_address_t address)
{
	if (batch->count < TLB_BATCH)
		batch->address[batch->count] = address;
	batch->count++;
}

/* Makes every processor that has the pmap loaded forget the batch; empties it. Waits for them. */
void tlb_flush(struct tlb_batch *batch);
void tlb_flush_page(struct pmap *pmap, vm_address_t address);

/* Loads the map into this processor, or the kernel's own (null). */
void pmap_load(struct pmap *pmap);
/* No processor has it loaded any more. Nobody can load it: no thread has it. */
void pmap_unload(struct pmap *pmap);

#endif
