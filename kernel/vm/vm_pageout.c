/* Page-out: keeping some pages free by returning dirty pages to their pagers and dropping clean ones; and the kernel's
 * own caches give back what they do not need. */
#include <kern/kalloc.h>
#include <kern/piece.h>
#include <kern/thread.h>
#include <vm/memory_object.h>
#include <vm/pmap.h>
#include <vm/vm.h>
#include <vm/vm_pageout.h>
#include <vm/vm_swap.h>

/*
 * Second chance over two queues that hold the pages of pagers' objects, and users' anonymous pages once there is a swap
 * area for them: pages come in on the active queue; its oldest move to the inactive queue and forget that they were
 * referenced; an inactive page that was referenced since goes back, any other is given up. A dirty one goes to its
 * pager in a message, which never waits; the page is free when the pager has dealt with it. An anonymous one becomes
 * a page of a swap area first (vm_swap.h).
 *
 * Locks: a page is on a queue only while its object holds it, and the queue's lock comes after the object's. So the
 * scan only tries the object's lock, and leaves the page for later if somebody has it.
 */

#define TABLES_BYTES (8 * VM_PAGE_SIZE) /* the most that entering a page may need */

#define SCAN_PAGES   128  /* before others get the processor */
#define REFILL_PAGES 32   /* under the queue's lock */
#define SCAN_COST    4000 /* of a page with those, in instructions, about (kern/piece.h) */
/*
 * When pages of pagers' objects are fewer than this part of all, and no slot is free, memory is full of what cannot be given up: to go on
 * would only take programs away from under those who run them, to read them again at once. Who asks for more is refused
 * instead.
 */
#define KEPT_PART 32

/*
 * Pages that went to their pagers are free only when these have run, at a lower priority than page-out: after so many
 * it sleeps for a while. Otherwise the messages alone, one after the other, would take what memory is left.
 */
#define RETURN_BATCH    128
#define RETURN_PAGES    8 /* a page goes with its neighbours: a file was mostly written as a whole */
#define RETURN_PAUSE_NS 4000000ull

static struct thread *pageout_thread;
static bool wanted;        /* somebody found pages few */
static bool waiters;       /* threads wait on &waiters for a page */
static bool stuck;         /* the last look at all pages freed none */
static uint64_t looked_at; /* since the last page was freed */
static uint64_t returned;  /* pages returned at the last pause */

static bool trimmed; /* this time the kernel's caches have been looked through */

void vm_pageout_wake(void)
{
	if (!wanted && pageout_thread != NULL) {
		wanted = true;
		thread_wakeup(&wanted);
	}
}

bool vm_page_only_kept(void)
{
	return vm_page_counts.active + vm_page_counts.inactive <=
		       vm_page_counts.total / KEPT_PART + vm_page_counts.anonymous &&
	       swap_free_pages() == 0;
}

void vm_page_balance(void)
{
	if (vm_page_counts.free < vm_page_low && !vm_page_only_kept())
		vm_pageout_wake();
	if (waiters && vm_page_counts.free >= vm_page_low) {
		waiters = stuck = false;
		thread_wakeup(&waiters);
	}
}

static bool at_limit(const struct account *account)
{
	return account->pages >= account->pages_limit || account->bytes + TABLES_BYTES > account->bytes_limit;
}

kern_return_t vm_page_nap(const void *event)
{
	vm_pageout_wake();
	assert_wait(event, true, machine_now() + SHORTAGE_NAP_NS); /* nobody wakes it */
	return KERN_RESTART;
}

kern_return_t vm_page_wait(const struct account *account)
{
	bool limit = at_limit(account);

	if (pageout_thread == NULL)
		return KERN_RESOURCE_SHORTAGE;
	if (limit || ((stuck || vm_page_only_kept()) && !memory_object_returns_pending())) {
		bool hope = shortage_may_end(account, limit);

		vm_pageout_wake(); /* it tells */
		if (!hope)
			return KERN_RESOURCE_SHORTAGE;
		return vm_page_nap(account);
	}
	waiters = true;
	/* A pager may take long to free what it was given: look again now and then. */
	assert_wait(&waiters, true, machine_now() + 100000000ull);
	vm_pageout_wake();
	return KERN_RESTART;
}

/* The oldest active pages become inactive until these are a third of both. Queue locked. */
static void refill_inactive(void)
{
	for (unsigned i = 0; i < REFILL_PAGES && vm_page_counts.inactive * 2 < vm_page_counts.active; i++) {
		struct vm_page *page = list_first(&vm_page_active, struct vm_page, link);

		pmap_page_referenced(page, true);
		list_remove(&page->link);
		page->queue = VM_PAGE_INACTIVE;
		list_add_tail(&vm_page_inactive, &page->link);
		vm_page_counts.active--;
		vm_page_counts.inactive++;
	}
}

/* Deals with the oldest inactive page. Returns how many pages were given up; *more is false when the queue is empty. */
static uint64_t scan_one(bool *more)
{
	uint64_t before = vm_page_counts.free + vm_page_counts.pageouts;
	struct vm_page *page;
	vm_object_t object;

	lock_acquire(&vm_page_queue_lock);
	refill_inactive();
	page = list_first(&vm_page_inactive, struct vm_page, link);
	*more = page != NULL;
	if (page == NULL) {
		lock_release(&vm_page_queue_lock);
		return 0;
	}
	object = page->object;
	if (!lock_try(&object->lock)) {
		list_remove(&page->link);
		list_add_tail(&vm_page_inactive, &page->link);
		lock_release(&vm_page_queue_lock);
		return 0;
	}
	lock_release(&vm_page_queue_lock);
	if (page->wire_count != 0) {
		vm_page_enqueue(page, VM_PAGE_UNQUEUED);
	} else if (pmap_page_referenced(page, true)) {
		vm_page_counts.reactivations++;
		vm_page_enqueue(page, VM_PAGE_ACTIVE);
	} else if (object->pager == NULL) {
		vm_page_enqueue(page, VM_PAGE_ACTIVE); /* where it stays if there is no slot */
		(void)swap_out(page); /* unlocks */
		return vm_page_counts.free + vm_page_counts.pageouts - before;
	} else if (object->swap_area != 0 && swap_give_back(page)) {
		;
	} else if (ref_take_unless_gone(&object->refs)) {
		vm_size_t size = (object->swap_area != 0 && !page->dirty ? 1 : RETURN_PAGES) * VM_PAGE_SIZE;

		count_event(page_outs);
		/* No memory for a message: other pages may be clean. Unless it was one of its neighbours that needed
		 * it. */
		if (memory_object_clean(object, page->offset, page->offset + size,
			    MEMORY_OBJECT_RETURN_DIRTY, true) != KERN_SUCCESS &&
			page->object == object && page->queue == VM_PAGE_INACTIVE)
			vm_page_enqueue(page, VM_PAGE_ACTIVE);
		lock_release(&object->lock);
		vm_object_deallocate(object);
		return vm_page_counts.free + vm_page_counts.pageouts - before;
	}
	/* One that is being freed takes its pages off itself, once its lock is free. */
	lock_release(&object->lock);
	return 0;
}

static void pageout(struct thread *)
{
	bool more = true, owed = shortage_tell();

	if (kalloc_trim_wanted || (!trimmed && vm_page_counts.free < vm_page_low)) {
		kalloc_trim(vm_page_counts.free < vm_page_low);
		trimmed = true;
	}
	for (unsigned i = 0; i < SCAN_PAGES && more && !vm_page_only_kept() && vm_page_counts.free < vm_page_target; i++) {
		looked_at++;
		piece_spend(SCAN_COST);
		if (scan_one(&more) != 0)
			looked_at = 0;
	}
	stuck = vm_page_counts.free < vm_page_target &&
		(vm_page_only_kept() || looked_at > 2 * (vm_page_counts.active + vm_page_counts.inactive));
	if (waiters && (stuck || vm_page_counts.free >= vm_page_low)) {
		waiters = false;
		thread_wakeup(&waiters);
	}
	if (vm_page_counts.free < vm_page_target && more && !stuck) {
		if (vm_page_counts.pageouts - returned >= RETURN_BATCH || swap_is_busy()) {
			returned = vm_page_counts.pageouts;
			assert_wait(&returned, false, machine_now() + RETURN_PAUSE_NS);
		}
		thread_block(pageout); /* else not waiting: others run in between */
	}
	/* Nothing else is left to give up: the oldest unused object's structures. */
	if (stuck)
		memory_object_uncache_one();
	looked_at = 0;
	trimmed = false;
	/* In this order: who wants pages after `wanted` is false finds somebody to wake. */
	assert_wait(&wanted, false, owed ? machine_now() + SHORTAGE_NAP_NS : UINT64_MAX);
	wanted = false;
	thread_block(pageout);
}

void vm_pageout_start(void)
{
	pageout_thread = kernel_thread_create(pageout, PRIORITY_KERNEL, "pageout");
}

void kalloc_trim_wake(void)
{
	vm_pageout_wake();
}
