/* Resident pages. */
#ifndef VM_VM_PAGE_H
#define VM_VM_PAGE_H

#include <kern/kernel_types.h>
#include <kern/list.h>
#include <mach/kern_return.h>
#include <stdint.h>

struct pv_entry;

/*
 * One per page of physical memory, in an array indexed by page number.
 * States (vm_page.c): FREE on the free list; WIRED kernel's own; otherwise of an object (fields under the object's lock), on the active or inactive
 * queue unless wired or busy.
 */
struct vm_page {
	struct list link;	/* free list, active or inactive queue */
	struct list object_link;
	struct vm_page *hash_next; /* object's lookup */
	vm_object_t object;
	uint64_t offset;	   /* in the object */
	struct pv_entry *pv;	   /* mappings; pmap's, under its lock */
	uint32_t wire_count;
	uint8_t queue;		   /* which list it is on */
	uint8_t pmap_bits;	   /* modified, referenced bits of mappings that went; pmap's */
	bool busy;	/* in transit: wait on the page as event */
	bool wanted;
	bool absent;	/* asked from the pager, no data yet */
	bool error;
	bool dirty;	/* beyond what the hardware says */
	bool precious;
	bool cleaning;	/* being returned */
	uint8_t lock_value; /* access that the pager forbids */
	kern_return_t error_value;
};

extern struct vm_page *vm_pages;
extern uint64_t vm_pages_first; /* number of vm_pages[0] */

uint64_t vm_page_physical(const struct vm_page *page);
struct vm_page *vm_page_lookup_physical(uint64_t physical);

#endif
