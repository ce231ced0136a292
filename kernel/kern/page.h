/* Physical pages: of the kernel, of memory objects, free. */
#ifndef KERN_PAGE_H
#define KERN_PAGE_H

#include <kern/account.h>
#include <kern/list.h>

/* Given by the machine before kernel_main: ranges of free memory, page-aligned; needs machine_physical_to_virtual. */
void vm_page_bootstrap_range(uint64_t start, uint64_t end);
void vm_page_bootstrap_done(void);

/* A wired page for the kernel (page tables, kalloc), on its account: physical address, zeroed; 0: none for the level.
 */
uint64_t vm_page_grab_kernel(enum vm_page_level level);
/* count contiguous pages, aligned to their size rounded up to a power of two at most 2 MiB, below `limit`, else the
 * same but for their contents. */
uint64_t vm_page_grab_contiguous(enum vm_page_level level, unsigned count, uint64_t limit);
void vm_page_release_kernel(uint64_t physical, unsigned count);

/* All physical memory is mapped at this address; host tests have their own. */
#ifdef PORTOLAN_HOST
void *physical_to_virtual(uint64_t physical);
uint64_t virtual_to_physical(const void *address);
#define clear_words(memory, size) ((void)__builtin_memset(memory, 0, size))
#else
#define PHYSICAL_MAP 0xffff800000000000ull
static inline void *physical_to_virtual(uint64_t physical)
{
	return (void *)(PHYSICAL_MAP + physical);
}
static inline uint64_t virtual_to_physical(const void *address)
{
	return (uint64_t)(uintptr_t)address - PHYSICAL_MAP;
}

/* Clears memory; size in bytes, a multiple of 8. */
static inline void clear_words(void *memory, vm_size_t size)
{
	size /= 8;
	__asm__ volatile("rep stosq" : "+D"(memory), "+c"(size) : "a"(0) : "memory");
}
#endif

struct page_table;

/* Which list a page is on (vm_page.queue). */
enum vm_page_queue {
	VM_PAGE_UNQUEUED, /* the kernel's own, or of an object and not to be paged out: wired, absent, a server's */
	VM_PAGE_FREE,     /* head of a free block; offset is its order */
	VM_PAGE_LOOSE,    /* free and single */
	VM_PAGE_ACTIVE,
	VM_PAGE_INACTIVE,
};

/*
 * One per page of physical memory, in an array indexed by page number.
 * States (page.c): FREE on the free list; WIRED kernel's own; otherwise of an object (fields under the object's
 * lock), on the active or inactive queue unless wired or busy.
 */
struct vm_page {
	struct list link; /* free list, active or inactive queue */
	struct list object_link;
	struct vm_page *hash_next; /* object's lookup */
	vm_object_t object;
	uint64_t offset;     /* in the object */
	union {
		uint64_t mappings;        /* 0: nobody maps it; else pmap's, under its lock */
		struct page_table *table; /* of a page that is a page table (x86_64/pmap_tables.h) */
	};
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
/* A page that the account has in a swap area, or has no more (-1): it counts as one in memory. */
void vm_page_bill_swapped(struct account *account, int pages);
/* Each of two pages gets the other's place in the accounts. */
void vm_page_swap_bills(struct vm_page *one, struct vm_page *other);
/* Gives back a page that has no mappings, no object and is on no queue. */
void vm_page_free(struct vm_page *page);
void vm_page_zero(struct vm_page *page);
void vm_page_copy(struct vm_page *to, uint64_t from_physical);
void *vm_page_address(const struct vm_page *page);

/* Puts a page on the tail of a queue, or takes it off (VM_PAGE_UNQUEUED). Object locked. */
void vm_page_enqueue(struct vm_page *page, enum vm_page_queue queue);
/*
 * The same for a page of an anonymous object, which may go out to a swap area if it is a user's: servers' memory stays, for
 * it is they who make room. Object locked.
 */
void vm_page_enqueue_private(struct vm_page *page);
extern bool vm_page_private_queued; /* there has been a swap area: before that nobody pays for the queues */

/* All under the queue lock, `free` under another, and read without it where an estimate will do. */
struct vm_page_counts {
	uint64_t total, free, active, inactive;
	uint64_t anonymous; /* of those on the queues */
	uint64_t zero_fills, reactivations, pageins, pageouts, faults, copies; /* events */
};
extern struct vm_page_counts vm_page_counts;
uint64_t vm_page_magazines(void); /* free pages that are not in `free`: processors keep them, few each */
extern struct list vm_page_active, vm_page_inactive;
extern struct lock vm_page_queue_lock;

/* Free pages at which page-out starts and stops. */
extern uint64_t vm_page_low, vm_page_target;

#endif
