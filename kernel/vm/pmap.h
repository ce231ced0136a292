/* The physical map: page tables of one address space. Provided by x86_64/pmap.c, and by a pretend one for host tests.
 */
#ifndef VM_PMAP_H
#define VM_PMAP_H

#include <kern/kernel_types.h>
#include <mach/kern_return.h>
#include <mach/vm_types.h>


enum {
	PMAP_UNCACHED = 1,
	PMAP_UNMANAGED = 2, /* no reverse mapping: device memory */
};

struct pmap *pmap_create(struct account *account); /* null: no memory */
/* It and its tables are on another account from now on, whatever that one's limit. */
void pmap_bill(struct pmap *pmap, struct account *account);
void pmap_destroy(struct pmap *pmap);              /* not loaded anywhere any more, or switched away from */

/* Maps one page, replacing what was there. page may be null with UNMANAGED. KERN_RESOURCE_SHORTAGE when a table cannot
 * be had. */
kern_return_t pmap_enter(struct pmap *pmap, vm_address_t address, struct vm_page *page, uint64_t physical,
	vm_prot_t protection, unsigned flags);
/*
 * Maps those of `count` pages side by side that are not null, where nothing is mapped; within an aligned block of 2
 * MiB. None where a table is missing.
 */
void pmap_enter_absent(
	struct pmap *pmap, vm_address_t start, struct vm_page *const *pages, unsigned count, vm_prot_t protection);
/* Addresses of one table, which goes, too, when all are in the range that is removed. */
#define PMAP_TABLE_SPAN (2ull << 20)
/*
 * Lowers the protection of what is mapped; with NONE takes it away. This and the next run in pieces (kern/piece.h). The
 * caller holds the map's lock, or nobody uses the map any more.
 */
void pmap_protect(struct pmap *pmap, vm_address_t start, vm_address_t end, vm_prot_t protection);
void pmap_remove_all(struct pmap *pmap);
/*
 * Physical address (with the offset in the page) that is mapped with at least the access, or 0. Counts as such an
 * access, except with NONE.
 */
uint64_t pmap_extract(struct pmap *pmap, vm_address_t address, vm_prot_t access);
/*
 * The same, and what is mapped there stays so until pmap_let_go, so that the page may be read or written by its physical
 * address. Meanwhile no lock is taken of rank PMAP or lower; user memory may be copied, for that only fails.
 */
uint64_t pmap_hold(struct pmap *pmap, vm_address_t address, vm_prot_t access);
void pmap_let_go(struct pmap *pmap, uint64_t physical);
uint64_t pmap_resident_pages(struct pmap *pmap);

/* On all mappings of a managed page (vm_page.mappings): protection NONE removes them, READ(+EXECUTE) makes
 * them read-only. */
void pmap_page_protect(struct vm_page *page, vm_prot_t protection);
/* Collects the hardware's bits of all mappings; clear as told. */
bool pmap_page_modified(struct vm_page *page, bool clear);
bool pmap_page_referenced(struct vm_page *page, bool clear);

#endif
