/* Memory objects inside the kernel: pages by offset, and where those come from that are not resident. */
#ifndef VM_VM_OBJECT_H
#define VM_VM_OBJECT_H

#include <kern/lock.h>
#include <kern/page.h>
#include <kern/thread.h>
#include <vm/pmap.h>

#define OBJECT_BUCKETS 4 /* of a small object's lookup */

struct memory_object;

/*
 * One of three kinds:
 *
 *   anonymous  pager null, physical_size 0. A page that is not resident is the shadow's, and zero when there is no
 * shadow. pager      pages come from a port (memory_object.h). No shadow. The table of ports holds one of its
 * references. physical   a range of physical memory that is nobody's page. No shadow, no pages.
 *
 * Sharing. An entry of a map without needs_copy owns its range of an anonymous object alone: no other entry, shadow or
 * copy sees these pages. With needs_copy others may see them, and nobody writes. The exception are objects marked
 * `shared`: their pages are written through several entries (or by a pager, or by a device), so that whoever needs a
 * copy that does not change copies the bytes at once.
 */
struct vm_object {
	struct lock lock;
	struct refcount refs;
	struct account *account; /* pays for this structure; pages have their own */
	bool shared;
	bool shared_below; /* something in the chain of shadows is shared, so that what is seen through this may change
			    */
	bool cached;       /* physical: by the processor's cache */
	bool sized;        /* anonymous, shared: nothing is beyond `size`, and its account pays for its pages */
	uint8_t swap_area; /* a swap area's object: its number, from 1 on (vm_swap.h) */
	uint64_t size;     /* bytes in use; anonymous objects grow with their entry */
	uint64_t number;   /* vm_number(), or 0: nobody has waited on a word of it */
	uint64_t physical, physical_size;
	struct memory_object *pager;
	vm_object_t returned_by;   /* reference: holds pages on their way back to that object's pager */
	vm_offset_t returned_from; /* where in that object they were: its first page */
	vm_object_t shadow;        /* reference */
	vm_offset_t shadow_offset;

	struct list slots; /* anonymous: what is in swap areas (vm_swap.h) */
	uint32_t swapped;  /* their number */
	struct list pages;
	uint32_t resident;
	uint32_t turns; /* how often a walk has put a page at the end of `pages` */
	uint32_t bucket_mask;
	struct vm_page **buckets; /* by page number modulo their count; small[] or kalloc'ed */
	struct vm_page *small[OBJECT_BUCKETS];
};

/* An empty anonymous object on the account, one reference; null: no memory. */
vm_object_t vm_object_create(struct account *account, uint64_t size);

/* The resident page at the page-aligned offset, or null. Object locked. */
static inline struct vm_page *vm_object_lookup(const struct vm_object *object, vm_offset_t offset)
{
	struct vm_page *page = object->buckets[(offset >> VM_PAGE_SHIFT) & object->bucket_mask];

	while (page != NULL && page->offset != offset)
		page = page->hash_next;
	return page;
}

/* Object locked, no page there yet. Cannot fail. */
void vm_object_insert(vm_object_t object, struct vm_page *page, vm_offset_t offset);
/* Takes the page out of its object (locked); it keeps its mappings and its place on a queue. */
void vm_object_remove(struct vm_page *page);
/* Puts a page of no object in the place of one (object locked), which is then as after vm_object_remove. */
void vm_object_replace(struct vm_page *old, struct vm_page *page);
/* Unmaps the page, takes it off its queue and out of its object (locked): nobody maps it or can. */
static inline void vm_object_take_page(struct vm_page *page)
{
	if (page->mappings != 0)
		pmap_page_protect(page, VM_PROT_NONE);
	vm_page_enqueue(page, VM_PAGE_UNQUEUED);
	vm_object_remove(page);
	page->pmap_bits = 0;
}
/* Who waits for the page looks again. Object locked. */
static inline void vm_object_wake(struct vm_page *page)
{
	if (page->wanted)
		thread_wakeup(page);
	page->wanted = false;
}
/* All three, and frees it. */
void vm_object_free_page(struct vm_page *page);

/*
 * Every resident page from start to before end, until null:
 *
 *	for (walk = vm_object_walk(object, start, end); (page = vm_object_next(&walk)) != NULL;)
 *
 * Object locked. It may be unlocked between two pages, and pages removed: all that are there from the first call to the
 * last do come, and may come twice.
 */
struct vm_object_walk {
	vm_object_t object;
	vm_offset_t start, end;
	bool by_list;   /* else by offset, from `start` on */
	uint32_t left;  /* pages at the list's head that have not been looked at */
	uint32_t turns; /* the object's, as this walk left it */
};
struct vm_object_walk vm_object_walk(vm_object_t object, vm_offset_t start, vm_offset_t end);
struct vm_page *vm_object_next(struct vm_object_walk *walk);
/* Frees all pages of a range. */
void vm_object_free_range(vm_object_t object, vm_offset_t start, vm_offset_t end);

/* A new anonymous object on the account, above `object` (reference consumed), seeing size bytes from offset. Null: no
 * memory, nothing consumed. */
vm_object_t vm_object_shadow(struct account *account, vm_object_t object, vm_offset_t offset, uint64_t size);
/*
 * Leaves the shadow of an object (locked) that has all of its own pages. Returns the shadow, whose reference the caller
 * must drop once it holds no object's lock, or null.
 */
vm_object_t vm_object_detach(vm_object_t object);
/*
 * Shortens the chain below the object (locked): takes over a shadow that nobody else refers to, leaves one of which
 * nothing can be seen. Returns an object whose reference the caller must drop once it holds no object's lock, or null.
 */
vm_object_t vm_object_collapse(vm_object_t object);

/*
 * The same for a shadow that others refer to, if the object (locked) has all of its pages: so the chain of a process
 * that goes on forking while its children live does not grow with their number.
 */
vm_object_t vm_object_bypass(vm_object_t object);

/*
 * The page that a chain of objects without pagers shows at the offset, or null for zeros. The object that has
 * the page comes back locked in *holder (null if there is none), where it has it in *offset. A holder without a page is
 * a swap area's object: the page is there, and not in memory.
 */
struct vm_page *vm_object_find(vm_object_t object, vm_offset_t *offset, vm_object_t *holder);

/* --- sized_memory.c */
/* A zero page, on the object's account, where it has none; the object is locked. `payer` is of whom touches it. KERN_RESTART: the thread waits for one. */
kern_return_t vm_sized_fill(vm_object_t object, vm_offset_t offset, const struct account *payer);

static inline bool vm_object_anonymous(const struct vm_object *object)
{
	return object->pager == NULL && object->physical_size == 0;
}

#endif
