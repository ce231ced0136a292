/*
 * The tables of maps, and the lists of mappings. For pmap.c (a map), pmap_page.c (a page), and pmap_tables.c.
 *
 * A page table (the lowest of four levels) has beside it a page of links, two 32-bit numbers per entry, which chain all
 * mappings of one physical page. A mapping is named by a number: the page number of its page table times 512 plus its
 * index; the table's struct vm_page finds the rest (`table` there). So a mapping is entered
 * and removed in constant time however many others there are, and mapping costs no allocation but that of the tables.
 * Tables come from the first 32 GiB.
 *
 * Locks: the pmap's for its tables; a lock picked by the physical page for that page's list and the entries on it. An
 * entry on a list is changed only under the page's lock, so that pmap_page_protect, which comes from the page, needs no
 * pmap's lock. A table is freed under its pmap's lock when no entry is left; who takes one away without that lock
 * lowers the count of entries last.
 */
#ifndef X86_64_PMAP_TABLES_H
#define X86_64_PMAP_TABLES_H

#include <vm/pmap.h>
#include <vm/vm.h>
#include <x86_64/pmap_private.h>

#define MAPPING_LOCKS   16

struct mapping_link {
	uint32_t next, prev; /* 0: none; a first mapping has no prev */
};

/* What belongs to a page table. */
struct page_table {
	struct list link; /* pmap->tables */
	struct pmap *pmap;
	pte_t *entries, *above; /* and the directory's entry that points to them */
	vm_address_t base;      /* first address that the table maps */
	uint32_t used;          /* entries present, atomic */
	uint32_t number;        /* of the first entry as a mapping */
	uint32_t first;         /* no entry before this one is present; under the pmap's lock */
	struct mapping_link *links;  /* undefined where nothing is mapped */
};

extern struct lock mapping_locks[MAPPING_LOCKS];

static inline struct lock *mapping_lock(uint64_t physical)
{
	return &mapping_locks[(physical >> VM_PAGE_SHIFT) % MAPPING_LOCKS];
}

/* All that is mapped as managed, and all tables, are in the array of pages. */
static inline struct vm_page *page_at(uint64_t physical)
{
	return &vm_pages[(physical >> VM_PAGE_SHIFT) - vm_pages_first];
}

static inline unsigned table_index(vm_address_t address, unsigned level)
{
	return (address >> (VM_PAGE_SHIFT + 9 * level)) % PTES;
}

static inline pte_t *table_below(pte_t entry)
{
	return physical_to_virtual(entry & PTE_ADDRESS);
}

/* The lowest table for the address, or null where there is none. */
static inline struct page_table *find_table(struct pmap *pmap, vm_address_t address)
{
	pte_t *table = pmap->root, entry;

	if (pmap->hint != NULL && pmap->hint->base == (address & ~(PMAP_TABLE_SPAN - 1)))
		return pmap->hint;
	for (unsigned level = 3; level > 0; level--) {
		entry = table[table_index(address, level)];
		if (entry == 0)
			return NULL;
		table = table_below(entry);
	}
	pmap->hint = page_at(entry & PTE_ADDRESS)->table;
	return pmap->hint;
}

/* --- pmap_tables.c; the pmap's lock is held. */
/* Pages side by side on the account of the pmap, with undefined contents, or 0; two begin at an even one. */
uint64_t pmap_grab_pages(struct pmap *pmap, unsigned count);
void pmap_release_pages(struct pmap *pmap, uint64_t physical, unsigned count);
/* The lowest table for the address, which is missing, and the directories above it. Null: no memory. */
struct page_table *pmap_make_table(struct pmap *pmap, vm_address_t address);
/* A lowest table of which nothing is used. */
void pmap_free_table(struct pmap *pmap, struct page_table *below);

/* --- Lists of mappings. The page's lock is held. */

static inline struct page_table *table_numbered(uint32_t number)
{
	return vm_pages[number / PTES - vm_pages_first].table;
}

static inline struct mapping_link *link_of(uint32_t number)
{
	return &table_numbered(number)->links[number % PTES];
}

static inline void link_mapping(struct vm_page *page, struct page_table *table, unsigned index)
{
	uint32_t next = (uint32_t)page->mappings;

	table->links[index] = (struct mapping_link){.next = next};
	if (next != 0)
		link_of(next)->prev = table->number + index;
	page->mappings = table->number + index;
}

static inline void unlink_mapping(struct vm_page *page, struct page_table *table, unsigned index)
{
	struct mapping_link link = table->links[index];

	if (link.next != 0)
		link_of(link.next)->prev = link.prev;
	if (link.prev != 0)
		link_of(link.prev)->next = link.next;
	else
		page->mappings = link.next;
}

static inline uint8_t hardware_bits(pte_t entry)
{
	return (uint8_t)(entry & (PTE_ACCESSED | PTE_DIRTY));
}

/* Takes rights away from one entry; true if the processors may hold more. */
static inline bool lower_pte(pte_t *pte, vm_prot_t protection)
{
	pte_t old = __atomic_load_n(pte, __ATOMIC_RELAXED), wanted;

	do {
		wanted = old;
		if (old == 0)
			return false;
		if (!(protection & VM_PROT_WRITE))
			wanted &= ~PTE_WRITE;
		if (!(protection & VM_PROT_EXECUTE))
			wanted |= PTE_NO_EXECUTE;
		if (wanted == old)
			return false;
	} while (!__atomic_compare_exchange_n(pte, &old, wanted, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED));
	return true;
}

#endif
