/* Making and freeing the tables of maps. */
#include <kern/kalloc.h>
#include <x86_64/pmap_tables.h>

#define TABLES_LIMIT (1ull << 35) /* 2^32 mappings' numbers of 512 per page */

/* An entry of a directory: the lowest tables' entries say what may be done. */
#define PTE_TABLE (PTE_PRESENT | PTE_WRITE | PTE_USER)

static struct kcache table_cache = KCACHE(sizeof(struct page_table));

uint64_t pmap_grab_pages(struct pmap *pmap, unsigned count)
{
	enum vm_page_level level = account_object_level(pmap->account);
	struct vm_page *page;
	uint64_t physical;

	if (!account_charge(pmap->account, count * VM_PAGE_SIZE))
		return 0;
	page = count == 1 ? vm_page_grab_for(&kernel_account, level, false) : NULL;
	if (page != NULL && vm_page_physical(page) < TABLES_LIMIT) {
		page->wire_count = 1;
		physical = vm_page_physical(page);
	} else {
		if (page != NULL)
			vm_page_free(page);
		physical = vm_page_grab_contiguous(level, count, TABLES_LIMIT);
	}
	if (physical != 0)
		pmap->bytes += count * VM_PAGE_SIZE;
	else
		account_uncharge(pmap->account, count * VM_PAGE_SIZE);
	return physical;
}

/* A page with no entries, or 0. */
static uint64_t grab_table(struct pmap *pmap)
{
	uint64_t physical = pmap_grab_pages(pmap, 1);

	if (physical != 0)
		vm_page_zero(page_at(physical));
	return physical;
}

void pmap_release_pages(struct pmap *pmap, uint64_t physical, unsigned count)
{
	vm_page_release_kernel(physical, count);
	pmap->bytes -= count * VM_PAGE_SIZE;
	account_uncharge(pmap->account, count * VM_PAGE_SIZE);
}

struct page_table *pmap_make_table(struct pmap *pmap, vm_address_t address)
{
	struct page_table *below;
	uint64_t physical, links;
	pte_t *table = pmap->root, *entry;

	for (unsigned level = 3; entry = &table[table_index(address, level)], level > 1; level--) {
		if (*entry == 0) {
			physical = grab_table(pmap);
			if (physical == 0)
				return NULL;
			list_add_tail(&pmap->directories, &page_at(physical)->link);
			*entry = physical | PTE_TABLE;
			/* A root's: the program's root gets it, and on the kernel's nobody runs a program. */
			if (level == 3 && isolation_entry != 0) {
				entry[PTES] = *entry;
				*entry |= PTE_NO_EXECUTE;
			}
		}
		table = table_below(*entry);
	}
	below = kcache_alloc(&table_cache, pmap->account);
	physical = below == NULL ? 0 : grab_table(pmap);
	links = physical == 0 ? 0 : pmap_grab_pages(pmap, 1);
	if (links == 0) {
		if (physical != 0)
			pmap_release_pages(pmap, physical, 1);
		if (below != NULL)
			kcache_free(&table_cache, pmap->account, below);
		return NULL;
	}
	*below = (struct page_table){.pmap = pmap,
		.entries = physical_to_virtual(physical),
		.above = entry,
		.base = address & ~(PMAP_TABLE_SPAN - 1),
		.number = (uint32_t)(physical / sizeof(pte_t)),
		.first = PTES,
		.links = physical_to_virtual(links)};
	pmap->bytes += table_cache.size;
	page_at(physical)->table = below;
	list_add_tail(&pmap->tables, &below->link);
	*entry = physical | PTE_TABLE;
	return below;
}

void pmap_free_table(struct pmap *pmap, struct page_table *below)
{
	*below->above = 0;
	list_remove(&below->link);
	if (pmap->hint == below)
		pmap->hint = NULL;
	page_at(virtual_to_physical(below->entries))->table = NULL;
	pmap_release_pages(pmap, virtual_to_physical(below->links), 1);
	pmap_release_pages(pmap, virtual_to_physical(below->entries), 1);
	pmap->bytes -= table_cache.size;
	kcache_free(&table_cache, pmap->account, below);
}
