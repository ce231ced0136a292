/* Resident pages. */
#ifndef VM_VM_PAGE_H
#define VM_VM_PAGE_H

#include <kern/account.h>
#include <kern/kernel_types.h>
#include <kern/list.h>
#include <mach/kern_return.h>
#include <stdint.h>

struct pv_entry;

/* Which list a page is on (vm_page.queue). */
enum vm_page_queue {
	VM_PAGE_UNQUEUED, /* the kernel's own, or of an object and not to be paged out: anonymous, wired, absent */
	VM_PAGE_FREE,     /* head of a free block; offset is its order */
	VM_PAGE_LOOSE,    /* free and single */
	VM_PAGE_ACTIVE,
	VM_PAGE_INACTIVE,
};

/*
 * One per page of physical memory, in an array indexed by page number.
 * States (vm_page.c): FREE on the free list; WIRED kernel's own; otherwise of an object (fields under the object's
 * lock), on the active or inactive queue unless wired or busy.
 */
struct vm_page {
	struct list link; /* free list, active or inactive queue */
	struct list object_link;
	struct vm_page *hash_next; /* object's lookup */
	vm_object_t object;
	uint64_t offset;     /* in the object */
	struct pv_entry *pv; /* mappings; pmap's, under its lock */
	uint64_t deadline;   /* absent: when its pager is late; error: until when the error holds */
	uint32_t wire_count;
	uint8_t queue;     /* which list it is on */
	uint8_t pmap_bits; /* modified, referenced bits of mappings that went; pmap's */
	bool busy;         /* in transit: wait on the page as event */
	bool wanted;
	bool absent; /* asked from the pager, no data yet */
	bool error;
	bool dirty; /* beyond what the hardware says */
	bool precious;
	bool unlocking;     /* the pager has been asked to unlock it */
	uint8_t lock_value; /* access that the pager forbids */
	uint16_t account;   /* accounts[] */
	bool cached;        /* there, which sum it is in */
	kern_return_t error_value;
};

extern struct vm_page *vm_pages;
extern uint64_t vm_pages_first; /* number of vm_pages[0] */

static inline uint64_t vm_page_physical(const struct vm_page *page)
{
	return (vm_pages_first + (uint64_t)(page - vm_pages)) << VM_PAGE_SHIFT;
}

struct vm_page *vm_page_lookup_physical(uint64_t physical);

/*
 * A page on the account, of no object, contents undefined, all other fields clear. Cached: for a pager's object. Null
 * when there is none for the level, or, unless it is cached, above the account's limit.
 */
struct vm_page *vm_page_grab_for(struct account *account, enum vm_page_level level, bool cached);
static inline struct vm_page *vm_page_grab(struct account *account)
{
	return vm_page_grab_for(account, account_level(account), false);
}
/* The page goes to another account, or to its other sum, whatever the limit. */
void vm_page_bill(struct vm_page *page, struct account *account, bool cached);
/* Each of two pages gets the other's place in the accounts. */
void vm_page_swap_bills(struct vm_page *one, struct vm_page *other);
/* Gives back a page that has no mappings, no object and is on no queue. */
void vm_page_free(struct vm_page *page);
void vm_page_zero(struct vm_page *page);
void vm_page_copy(struct vm_page *to, uint64_t from_physical);
void *vm_page_address(const struct vm_page *page);

/* Puts a page on the tail of a queue, or takes it off (VM_PAGE_UNQUEUED). Object locked. */
void vm_page_enqueue(struct vm_page *page, enum vm_page_queue queue);

/* All under the queue lock, and read without it where an estimate will do. */
struct vm_page_counts {
	uint64_t total, free, active, inactive;
	uint64_t zero_fills, reactivations, pageins, pageouts, faults, copies; /* events */
};
extern struct vm_page_counts vm_page_counts;
extern struct list vm_page_active, vm_page_inactive;
extern struct lock vm_page_queue_lock;

/* Free pages at which page-out starts and stops. */
extern uint64_t vm_page_low, vm_page_target;

/*
 * The answer to the current thread that could not get a page, or memory for a page table, on the account: KERN_RESTART
 * when page-out may free some (it has asserted a wait), else, or if the account is at a limit, KERN_RESOURCE_SHORTAGE.
 * Locks at most of a map and objects.
 */
kern_return_t vm_page_wait(const struct account *account);
/* Starts page-out when free pages are few, lets waiters try again when they are not. Locks as above. */
void vm_page_balance(void);

#endif
