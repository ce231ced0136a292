/* Physical pages: free blocks of 1 to 512 pages, grabbing and releasing them, and the queues of pages that may be paged
 * out. */
#include <kern/page.h>
#include <kern/thread.h>
#include <string.h>

/*
 * Free memory is kept as buddies: blocks of 2^order pages, aligned to their size. Single pages come and go most, so
 * the first LOOSE_MAX that are released stay on a list of their own, loose, most recent first; they are merged into
 * blocks only when a block is asked for that cannot be had otherwise.
 *
 * Each of several processors has a magazine of loose pages besides, which it fills and empties by BATCH pages under the
 * common lock. It is filled only from what is free to everybody, so anybody may have its pages. While page-out has to
 * work it is not filled, what is freed goes past it, and who finds no page empties those of all processors. They are
 * free pages to who asks how many there are (vm_page_magazines), but not to page-out, which starts so much earlier.
 */
#define ORDERS      10 /* the largest block is 2 MiB */
#define RANGES_MAX  64
#define LOOSE_MAX   128u /* merged at once, with interrupts off */
#define RESERVE_MAX 4096 /* pages, of each of the levels below */
#define BATCH       16u
#define MAGAZINE    32u

struct vm_page *vm_pages;
uint64_t vm_pages_first;
static uint64_t pages_count; /* length of vm_pages */

static struct lock free_lock = LOCK_INIT(LOCK_RANK_VM_FREE_LIST);
static struct list free_blocks[ORDERS];
static struct list loose = LIST_INIT(loose);
static unsigned loose_count;
static struct magazine {
	struct lock lock;
	uint32_t count;
	struct list pages;
} __attribute__((aligned(64))) magazines[PROCESSORS_MAX];

struct lock vm_page_queue_lock = LOCK_INIT(LOCK_RANK_VM_PAGE_QUEUE);
struct list vm_page_active = LIST_INIT(vm_page_active);
struct list vm_page_inactive = LIST_INIT(vm_page_inactive);
struct vm_page_counts vm_page_counts;
uint64_t vm_page_low, vm_page_target;
bool vm_page_private_queued;
static uint64_t reserve[VM_PAGE_FOR_KERNEL + 1]; /* by level: free pages that are not for it */

static struct {
	uint64_t start, end;
} ranges[RANGES_MAX];
static unsigned ranges_count;

struct vm_page *vm_page_lookup_physical(uint64_t physical)
{
	uint64_t number = (physical >> VM_PAGE_SHIFT) - vm_pages_first;

	return number < pages_count ? &vm_pages[number] : NULL;
}

void *vm_page_address(const struct vm_page *page)
{
	return physical_to_virtual(vm_page_physical(page));
}

void vm_page_zero(struct vm_page *page)
{
	clear_words(vm_page_address(page), VM_PAGE_SIZE);
}

void vm_page_copy(struct vm_page *to, uint64_t from_physical)
{
	memcpy(vm_page_address(to), physical_to_virtual(from_physical), VM_PAGE_SIZE);
	count_events(bytes_copied, VM_PAGE_SIZE);
}

/* --- Free blocks; all with free_lock held. */

/* Puts an aligned block on the lists, merged with its free buddies. */
static void block_free(uint64_t number, unsigned order)
{
	for (; order < ORDERS - 1; order++) {
		uint64_t buddy = number ^ 1ull << order;
		struct vm_page *other = vm_page_lookup_physical(buddy << VM_PAGE_SHIFT);

		if (other == NULL || other->queue != VM_PAGE_FREE || other->offset != order)
			break;
		list_remove(&other->link);
		other->queue = VM_PAGE_UNQUEUED;
		number &= ~(1ull << order);
	}
	struct vm_page *head = &vm_pages[number - vm_pages_first];

	head->queue = VM_PAGE_FREE;
	head->offset = order;
	list_add_head(&free_blocks[order], &head->link);
}

/* Puts any range on the lists, as the largest aligned blocks that make it up. */
static void range_free(uint64_t number, uint64_t count)
{
	while (count != 0) {
		unsigned order = 0;

		while (order < ORDERS - 1 && (number & 1ull << order) == 0 && 2ull << order <= count)
			order++;
		block_free(number, order);
		number += 1ull << order;
		count -= 1ull << order;
	}
}

/* Takes a block of the order that ends at or below the limit off the lists, splitting a larger one; null if there is
 * none. */
static struct vm_page *block_take(unsigned order, uint64_t limit)
{
	for (unsigned have = order; have < ORDERS; have++) {
		struct list *link;

		list_for_each (link, &free_blocks[have]) {
			struct vm_page *head = container_of(link, struct vm_page, link);
			uint64_t number = vm_pages_first + (uint64_t)(head - vm_pages);

			if ((number + (1ull << order)) << VM_PAGE_SHIFT > limit)
				continue;
			list_remove(&head->link);
			head->queue = VM_PAGE_UNQUEUED;
			while (have > order) {
				have--;
				block_free(number + (1ull << have), have);
			}
			return head;
		}
	}
	return NULL;
}

static void merge_loose(void)
{
	struct list *link;

	while ((link = list_pop_head(&loose)) != NULL) {
		struct vm_page *page = container_of(link, struct vm_page, link);

		block_free(vm_pages_first + (uint64_t)(page - vm_pages), 0);
	}
	loose_count = 0;
}

/* --- Accounts. The first page of an account, but the kernel's, is a reference to it. */

/* One in account.all_pages. */
static uint64_t one_page(bool cached)
{
	return cached ? 1ull << 32 : 1;
}

/* Relaxed, and in the next: sums. The account stays meanwhile, for who calls has another reference. */
static inline __attribute__((always_inline)) void add_to_account(struct account *account, bool cached)
{
	if (__atomic_fetch_add(&account->all_pages, one_page(cached), __ATOMIC_RELAXED) == 0 &&
		account != &kernel_account)
		account_charge_always(account, ACCOUNT_REFERENCE);
}

static inline __attribute__((always_inline)) void put_on_account(
	struct vm_page *page, struct account *account, bool cached)
{
	add_to_account(account, cached);
	page->account = account->index;
	page->cached = cached;
}

static inline __attribute__((always_inline)) void take_off_account(struct account *account, bool cached)
{
	if (__atomic_sub_fetch(&account->all_pages, one_page(cached), __ATOMIC_RELAXED) == 0 &&
		account != &kernel_account)
		account_uncharge(account, ACCOUNT_REFERENCE);
}

void vm_page_bill(struct vm_page *page, struct account *account, bool cached)
{
	struct account *before = accounts[page->account];
	bool was_cached = page->cached;

	put_on_account(page, account, cached);
	take_off_account(before, was_cached);
}

void vm_page_bill_swapped(struct account *account, int pages)
{
	__atomic_add_fetch(&account->swapped, (uint32_t)pages, __ATOMIC_RELAXED);
	if (pages > 0)
		add_to_account(account, false);
	else
		take_off_account(account, false);
}

void vm_page_swap_bills(struct vm_page *one, struct vm_page *other)
{
	uint16_t account = one->account;
	bool cached = one->cached;

	one->account = other->account;
	one->cached = other->cached;
	other->account = account;
	other->cached = cached;
}

/* --- Single pages. */

/* free_lock held. A free page, if there are more than `left`. */
static inline __attribute__((always_inline)) struct vm_page *page_take(uint64_t left)
{
	struct vm_page *page;
	struct list *link;

	if (vm_page_counts.free <= left)
		return NULL;
	link = list_pop_head(&loose);
	loose_count -= link != NULL;
	page = link != NULL ? container_of(link, struct vm_page, link) : block_take(0, UINT64_MAX);
	vm_page_counts.free -= page != NULL;
	return page;
}

/* free_lock held. */
static inline __attribute__((always_inline)) void page_put(struct vm_page *page)
{
	if (loose_count < LOOSE_MAX) {
		page->queue = VM_PAGE_LOOSE;
		list_add_head(&loose, &page->link);
		loose_count++;
	} else {
		page->queue = VM_PAGE_UNQUEUED;
		block_free(vm_pages_first + (uint64_t)(page - vm_pages), 0);
	}
	vm_page_counts.free++;
}

/* The magazine locked, in these three. */
static void magazine_put(struct magazine *magazine, struct vm_page *page)
{
	page->queue = VM_PAGE_LOOSE;
	list_add_head(&magazine->pages, &page->link);
	magazine->count++;
}

static struct vm_page *magazine_take(struct magazine *magazine)
{
	magazine->count--;
	return container_of(list_pop_head(&magazine->pages), struct vm_page, link);
}

static void magazine_empty(struct magazine *magazine, uint32_t most)
{
	lock_acquire(&free_lock);
	while (magazine->count > most)
		page_put(magazine_take(magazine));
	lock_release(&free_lock);
}

uint64_t vm_page_magazines(void)
{
	uint64_t sum = 0;

	/* Relaxed: a look. */
	for (unsigned i = 0; i < processors_online; i++)
		sum += __atomic_load_n(&magazines[i].count, __ATOMIC_RELAXED);
	return sum;
}

/* True if there was something in them. */
static bool empty_magazines(void)
{
	if (vm_page_magazines() == 0)
		return false;
	for (unsigned i = 0; i < processors_online; i++) {
		lock_acquire(&magazines[i].lock);
		magazine_empty(&magazines[i], 0);
		lock_release(&magazines[i].lock);
	}
	return true;
}

/* A page from this processor's magazine, which is filled if it is empty and pages are not few; null: none. */
static __attribute__((noinline)) struct vm_page *take_own(void)
{
	struct magazine *magazine = &magazines[current_processor()->id];
	struct vm_page *page;

	lock_acquire(&magazine->lock);
	if (magazine->count == 0) {
		lock_acquire(&free_lock);
		while (magazine->count < BATCH && (page = page_take(vm_page_target)) != NULL)
			magazine_put(magazine, page);
		lock_release(&free_lock);
	}
	page = magazine->count != 0 ? magazine_take(magazine) : NULL;
	lock_release(&magazine->lock);
	return page;
}

static __attribute__((noinline)) void put_own(struct vm_page *page)
{
	struct magazine *magazine = &magazines[current_processor()->id];

	lock_acquire(&magazine->lock);
	magazine_put(magazine, page);
	if (magazine->count > MAGAZINE)
		magazine_empty(magazine, MAGAZINE - BATCH);
	lock_release(&magazine->lock);
}

struct vm_page *vm_page_grab_for(struct account *account, enum vm_page_level level, bool cached)
{
	struct vm_page *page = NULL;

	if (!cached && account->pages >= account->pages_limit)
		return NULL;
	if (__builtin_expect(processors_online > 1, 0))
		page = take_own();
	if (__builtin_expect(page == NULL, 1)) {
		lock_acquire(&free_lock);
		page = page_take(reserve[level]);
		lock_release(&free_lock);
	}
	if (page == NULL)
		return empty_magazines() ? vm_page_grab_for(account, level, cached) : NULL;
	page->queue = VM_PAGE_UNQUEUED;
	put_on_account(page, account, cached);
	debug_assert(page->mappings == 0 && page->object == NULL);
	page->offset = 0;
	page->deadline = 0;
	page->wire_count = 0;
	page->pmap_bits = 0;
	page->busy = page->wanted = page->absent = page->error = false;
	page->dirty = page->precious = page->unlocking = false;
	page->lock_value = 0;
	return page;
}

void vm_page_free(struct vm_page *page)
{
	struct account *account = accounts[page->account];
	bool cached = page->cached;

	debug_assert(page->mappings == 0 && page->queue == VM_PAGE_UNQUEUED);
	page->object = NULL;
	if (__builtin_expect(processors_online > 1, 0) && vm_page_counts.free >= vm_page_target) {
		put_own(page);
	} else {
		lock_acquire(&free_lock);
		page_put(page);
		lock_release(&free_lock);
	}
	take_off_account(account, cached);
}

/* --- The kernel's own pages. */

uint64_t vm_page_grab_kernel(enum vm_page_level level)
{
	struct vm_page *page = vm_page_grab_for(&kernel_account, level, false);

	if (page == NULL)
		return 0;
	page->wire_count = 1;
	vm_page_zero(page);
	return vm_page_physical(page);
}

uint64_t vm_page_grab_contiguous(enum vm_page_level level, unsigned count, uint64_t limit)
{
	struct vm_page *head = NULL;
	unsigned order = 0;

	while (order < ORDERS && 1u << order < count)
		order++;
	if (order == ORDERS || count == 0)
		return 0;
	lock_acquire(&free_lock);
	if (vm_page_counts.free >= reserve[level] + count) {
		head = block_take(order, limit);
		if (head == NULL) {
			merge_loose();
			head = block_take(order, limit);
		}
	}
	if (head != NULL) {
		uint64_t number = vm_pages_first + (uint64_t)(head - vm_pages);

		range_free(number + count, (1ull << order) - count);
		vm_page_counts.free -= count;
	}
	lock_release(&free_lock);
	if (head == NULL)
		return empty_magazines() ? vm_page_grab_contiguous(level, count, limit) : 0;
	__atomic_fetch_add(&kernel_account.all_pages, count, __ATOMIC_RELAXED);
	clear_words(head, count * sizeof(*head));
	for (unsigned i = 0; i < count; i++)
		head[i].wire_count = 1;
	return vm_page_physical(head);
}

void vm_page_release_kernel(uint64_t physical, unsigned count)
{
	struct vm_page *head = vm_page_lookup_physical(physical);

	assert(head != NULL && (physical & VM_PAGE_MASK) == 0);
	for (unsigned i = 0; i < count; i++) {
		assert(head[i].wire_count != 0 && head[i].queue == VM_PAGE_UNQUEUED);
		head[i].wire_count = 0;
	}
	if (count == 1) {
		vm_page_free(head);
		return;
	}
	lock_acquire(&free_lock);
	range_free(physical >> VM_PAGE_SHIFT, count);
	vm_page_counts.free += count;
	lock_release(&free_lock);
	__atomic_fetch_sub(&kernel_account.all_pages, count, __ATOMIC_RELAXED);
}

/* --- Queues. */

void vm_page_enqueue(struct vm_page *page, enum vm_page_queue queue)
{
	if (page->queue == VM_PAGE_UNQUEUED && queue == VM_PAGE_UNQUEUED)
		return;
	lock_acquire(&vm_page_queue_lock);
	if (page->queue != VM_PAGE_UNQUEUED) {
		list_remove(&page->link);
		*(page->queue == VM_PAGE_ACTIVE ? &vm_page_counts.active : &vm_page_counts.inactive) -= 1;
		vm_page_counts.anonymous -= !page->cached;
	}
	page->queue = queue;
	if (queue != VM_PAGE_UNQUEUED) {
		vm_page_counts.anonymous += !page->cached;
		list_add_tail(queue == VM_PAGE_ACTIVE ? &vm_page_active : &vm_page_inactive, &page->link);
		*(queue == VM_PAGE_ACTIVE ? &vm_page_counts.active : &vm_page_counts.inactive) += 1;
	}
	lock_release(&vm_page_queue_lock);
}

void vm_page_enqueue_private(struct vm_page *page)
{
	if (vm_page_private_queued && accounts[page->account]->level == VM_PAGE_FOR_USER)
		vm_page_enqueue(page, VM_PAGE_ACTIVE);
}

/* --- Start. */

void vm_page_bootstrap_range(uint64_t start, uint64_t end)
{
	start = round_page(start);
	end = trunc_page(end);
	if (start == 0) /* physical 0 says "none" */
		start = VM_PAGE_SIZE;
	if (start >= end || ranges_count == RANGES_MAX)
		return;
	ranges[ranges_count].start = start;
	ranges[ranges_count++].end = end;
}

static uint64_t least(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

void vm_page_bootstrap_done(void)
{
	uint64_t first = UINT64_MAX, last = 0, bytes;
	unsigned largest = 0;

	if (ranges_count == 0)
		panic("no free memory: the boot loader reported none");
	for (unsigned i = 0; i < ranges_count; i++) {
		first = ranges[i].start < first ? ranges[i].start : first;
		last = ranges[i].end > last ? ranges[i].end : last;
		if (ranges[i].end - ranges[i].start > ranges[largest].end - ranges[largest].start)
			largest = i;
	}
	vm_pages_first = first >> VM_PAGE_SHIFT;
	pages_count = (last >> VM_PAGE_SHIFT) - vm_pages_first;
	bytes = round_page(pages_count * sizeof(struct vm_page));
	if (bytes >= ranges[largest].end - ranges[largest].start)
		panic("too little memory for the table of its own pages (%lu KiB)", (unsigned long)(bytes >> 10));
	vm_pages = physical_to_virtual(ranges[largest].start);
	clear_words(vm_pages, bytes);
	ranges[largest].start += bytes;
	for (unsigned order = 0; order < ORDERS; order++)
		list_init(&free_blocks[order]);
	for (unsigned i = 0; i < PROCESSORS_MAX; i++) {
		lock_init(&magazines[i].lock, LOCK_RANK_MAGAZINE);
		list_init(&magazines[i].pages);
	}
	lock_acquire(&free_lock);
	for (unsigned i = 0; i < ranges_count; i++) {
		uint64_t count = (ranges[i].end - ranges[i].start) >> VM_PAGE_SHIFT;

		range_free(ranges[i].start >> VM_PAGE_SHIFT, count);
		vm_page_counts.free += count;
	}
	lock_release(&free_lock);
	vm_page_counts.total = vm_page_counts.free;
	/* The kernel may take all, servers leave it 1/128, users leave 1/24 as well; page-out works to keep some more.
	 */
	reserve[VM_PAGE_FOR_SERVER] = least(vm_page_counts.total / 128, RESERVE_MAX);
	reserve[VM_PAGE_FOR_USER] = reserve[VM_PAGE_FOR_SERVER] + least(vm_page_counts.total / 24, RESERVE_MAX);
	reserve[VM_PAGE_FOR_SMALL_USER] = (reserve[VM_PAGE_FOR_USER] + reserve[VM_PAGE_FOR_SERVER]) / 2;
	account_small_pages = vm_page_counts.total / 64;
	vm_page_low = reserve[VM_PAGE_FOR_USER] + least(vm_page_counts.total / 64, RESERVE_MAX);
	vm_page_target = vm_page_low + least(vm_page_counts.total / 64, RESERVE_MAX);
}

