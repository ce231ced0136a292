/* What is done to all mappings of a page; contracts in vm/pmap.h. */
#include <x86_64/pmap_tables.h>

void pmap_page_protect(struct vm_page *page, vm_prot_t protection)
{
	struct lock *lock = mapping_lock(vm_page_physical(page));
	uint32_t number, next;

	lock_acquire(lock);
	for (number = (uint32_t)page->mappings; number != 0; number = next) {
		struct page_table *table = table_numbered(number);
		unsigned index = number % PTES;
		pte_t *pte = &table->entries[index];
		struct pmap *pmap = table->pmap;
		vm_address_t address = table->base + index * VM_PAGE_SIZE;

		next = table->links[index].next;
		if (protection != VM_PROT_NONE) {
			if (lower_pte(pte, protection))
				tlb_flush_page(pmap, address);
			continue;
		}
		page->pmap_bits |= hardware_bits(__atomic_exchange_n(pte, 0, __ATOMIC_RELAXED));
		unlink_mapping(page, table, index);
		tlb_flush_page(pmap, address);
		__atomic_fetch_sub(&pmap->resident, 1, __ATOMIC_RELAXED);
		/* Release: after this the table may go. */
		__atomic_fetch_sub(&table->used, 1, __ATOMIC_RELEASE);
	}
	lock_release(lock);
}

static bool collect_bit(struct vm_page *page, pte_t bit, bool clear)
{
	struct lock *lock = mapping_lock(vm_page_physical(page));
	bool found;

	lock_acquire(lock);
	found = (page->pmap_bits & bit) != 0;
	if (clear)
		page->pmap_bits &= (uint8_t)~bit;
	for (uint32_t number = (uint32_t)page->mappings; number != 0 && (clear || !found); number = link_of(number)->next) {
		struct page_table *table = table_numbered(number);
		pte_t *pte = &table->entries[number % PTES];

		if (!(__atomic_load_n(pte, __ATOMIC_RELAXED) & bit))
			continue;
		found = true;
		if (clear) {
			__atomic_fetch_and(pte, ~bit, __ATOMIC_RELAXED);
			tlb_flush_page(table->pmap, table->base + number % PTES * VM_PAGE_SIZE);
		}
	}
	lock_release(lock);
	return found;
}

bool pmap_page_modified(struct vm_page *page, bool clear)
{
	return collect_bit(page, PTE_DIRTY, clear);
}

bool pmap_page_referenced(struct vm_page *page, bool clear)
{
	return collect_bit(page, PTE_ACCESSED, clear);
}
