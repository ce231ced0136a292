/* Pretend page tables: a list of mappings per pmap, and checks of what a real one would take for granted. */
#include "support.h"
#include <kern/assert.h>
#include <stdlib.h>
#include <vm/pmap.h>
#include <kern/page.h>

#define BUCKETS    256
#define MODIFIED   1
#define REFERENCED 2

/* One mapping: in its pmap's bucket, and on its page's list. */
struct mapping {
	struct mapping *bucket_next, *page_next;
	struct pmap *pmap;
	struct vm_page *page; /* null: unmanaged */
	vm_address_t address;
	uint64_t physical;
	vm_prot_t protection;
	uint8_t bits;
};

struct pmap {
	struct account *account; /* where it stands for its tables */
	struct mapping *buckets[BUCKETS];
	uint64_t count;
};

static size_t pmaps;

static struct mapping **slot(struct pmap *pmap, vm_address_t address)
{
	struct mapping **at = &pmap->buckets[(address >> VM_PAGE_SHIFT) % BUCKETS];

	while (*at != NULL && (*at)->address != trunc_page(address))
		at = &(*at)->bucket_next;
	return at;
}

/* A page's list of them. */
static struct mapping **mappings_of(struct vm_page *page)
{
	return (struct mapping **)&page->mappings;
}

static void drop(struct mapping **at)
{
	struct mapping *mapping = *at, **on_page;

	*at = mapping->bucket_next;
	mapping->pmap->count--;
	if (mapping->page != NULL) {
		mapping->page->pmap_bits |= mapping->bits;
		for (on_page = mappings_of(mapping->page); *on_page != mapping; on_page = &(*on_page)->page_next)
			;
		*on_page = mapping->page_next;
	}
	free(mapping);
}

struct pmap *pmap_create(struct account *account)
{
	struct pmap *pmap = host_allocation_fails() ? NULL : calloc(1, sizeof(*pmap));

	if (pmap == NULL)
		return NULL;
	account_charge_always(account, ACCOUNT_REFERENCE);
	pmap->account = account;
	pmaps++;
	return pmap;
}

void pmap_bill(struct pmap *pmap, struct account *account)
{
	account_charge_always(account, ACCOUNT_REFERENCE);
	account_uncharge(pmap->account, ACCOUNT_REFERENCE);
	pmap->account = account;
}

void pmap_destroy(struct pmap *pmap)
{
	if (pmap->count != 0)
		panic("pmap destroyed with %lu mappings", (unsigned long)pmap->count);
	pmaps--;
	account_uncharge(pmap->account, ACCOUNT_REFERENCE);
	free(pmap);
}

kern_return_t pmap_enter(struct pmap *pmap, vm_address_t address, struct vm_page *page, uint64_t physical,
	vm_prot_t protection, unsigned flags)
{
	struct mapping **at = slot(pmap, address), *mapping;

	if ((address & VM_PAGE_MASK) != 0 || (physical & VM_PAGE_MASK) != 0 || address >= VM_MAX_ADDRESS)
		panic("pmap_enter: %lx at %lx", (unsigned long)physical, (unsigned long)address);
	if (!(flags & PMAP_UNMANAGED)) {
		if (page == NULL || vm_page_physical(page) != physical)
			panic("pmap_enter: page and address differ");
		if (page->queue == VM_PAGE_FREE || page->queue == VM_PAGE_LOOSE || page->object == NULL)
			panic("pmap_enter: a page of nobody");
		if (page->busy || page->absent)
			panic("pmap_enter: a page in transit");
	}
	if (host_allocation_fails())
		return KERN_RESOURCE_SHORTAGE;
	if (*at != NULL)
		drop(at);
	mapping = calloc(1, sizeof(*mapping));
	mapping->pmap = pmap;
	mapping->page = (flags & PMAP_UNMANAGED) ? NULL : page;
	mapping->address = address;
	mapping->physical = physical;
	mapping->protection = protection;
	mapping->bucket_next = *at;
	*at = mapping;
	pmap->count++;
	if (mapping->page != NULL) {
		mapping->page_next = *mappings_of(page);
		*mappings_of(page) = mapping;
	}
	return KERN_SUCCESS;
}

void pmap_enter_absent(
	struct pmap *pmap, vm_address_t start, struct vm_page *const *pages, unsigned count, vm_prot_t protection)
{
	if (count != 0 && (start ^ (start + (count - 1) * VM_PAGE_SIZE)) >> 21 != 0)
		panic("pmap_enter_absent: more than one table");
	for (unsigned i = 0; i < count; i++, start += VM_PAGE_SIZE)
		if (pages[i] != NULL && *slot(pmap, start) == NULL)
			(void)pmap_enter(pmap, start, pages[i], vm_page_physical(pages[i]), protection, 0);
}

static void pmap_remove(struct pmap *pmap, vm_address_t start, vm_address_t end)
{
	for (unsigned i = 0; i < BUCKETS; i++)
		for (struct mapping **at = &pmap->buckets[i]; *at != NULL;) {
			if ((*at)->address >= start && (*at)->address < end)
				drop(at);
			else
				at = &(*at)->bucket_next;
		}
}

void pmap_remove_all(struct pmap *pmap)
{
	pmap_remove(pmap, 0, UINT64_MAX);
}

void pmap_protect(struct pmap *pmap, vm_address_t start, vm_address_t end, vm_prot_t protection)
{
	if (!(protection & VM_PROT_READ)) {
		pmap_remove(pmap, start, end);
		return;
	}
	for (unsigned i = 0; i < BUCKETS; i++)
		for (struct mapping *mapping = pmap->buckets[i]; mapping != NULL; mapping = mapping->bucket_next)
			if (mapping->address >= start && mapping->address < end)
				mapping->protection &= protection;
}

uint64_t pmap_extract(struct pmap *pmap, vm_address_t address, vm_prot_t access)
{
	struct mapping *mapping = *slot(pmap, address);

	if (mapping == NULL || (access & ~mapping->protection) != 0)
		return 0;
	if (access != VM_PROT_NONE)
		mapping->bits |= REFERENCED | ((access & VM_PROT_WRITE) ? MODIFIED : 0);
	return mapping->physical | (address & VM_PAGE_MASK);
}

uint64_t pmap_hold(struct pmap *pmap, vm_address_t address, vm_prot_t access)
{
	return pmap_extract(pmap, address, access);
}

void pmap_let_go(struct pmap *pmap, uint64_t physical)
{
	(void)pmap;
	(void)physical;
}

uint64_t pmap_resident_pages(struct pmap *pmap)
{
	return pmap->count;
}

void pmap_page_protect(struct vm_page *page, vm_prot_t protection)
{
	if (protection == VM_PROT_NONE) {
		while (page->mappings != 0)
			drop(slot((*mappings_of(page))->pmap, (*mappings_of(page))->address));
		return;
	}
	for (struct mapping *mapping = *mappings_of(page); mapping != NULL; mapping = mapping->page_next)
		mapping->protection &= protection;
}

static bool collect(struct vm_page *page, uint8_t bit, bool clear)
{
	bool found = page->pmap_bits & bit;

	if (clear)
		page->pmap_bits &= (uint8_t)~bit;
	for (struct mapping *mapping = *mappings_of(page); mapping != NULL; mapping = mapping->page_next) {
		found |= (mapping->bits & bit) != 0;
		if (clear)
			mapping->bits &= (uint8_t)~bit;
	}
	return found;
}

bool pmap_page_modified(struct vm_page *page, bool clear)
{
	return collect(page, MODIFIED, clear);
}

bool pmap_page_referenced(struct vm_page *page, bool clear)
{
	return collect(page, REFERENCED, clear);
}

void *pmap_host_access(struct pmap *pmap, vm_address_t address, vm_prot_t access)
{
	struct mapping *mapping = *slot(pmap, address);

	if (mapping == NULL || (access & ~mapping->protection) != 0)
		return NULL;
	if (mapping->page != NULL && mapping->page->object == NULL)
		panic("access to a page that was freed, at %lx", (unsigned long)address);
	mapping->bits |= REFERENCED | ((access & VM_PROT_WRITE) ? MODIFIED : 0);
	return (char *)physical_to_virtual(mapping->physical) + (address & VM_PAGE_MASK);
}

size_t pmap_host_count(void)
{
	return pmaps;
}
