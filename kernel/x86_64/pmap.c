/*
 * Page tables of tasks.
 *
 * A page table (the lowest of four levels) has beside it a page of links, two 32-bit numbers per entry, which chain all
 * mappings of one physical page. A mapping is named by a number: the page number of its page table times 512 plus its
 * index; the table's struct vm_page finds the rest (`pv` there: the table's struct pv_entry). So a mapping is entered
 * and removed in constant time however many others there are, and mapping costs no allocation but that of the tables.
 * Tables come from the first 32 GiB.
 *
 * Locks: the pmap's for its tables; a lock picked by the physical page for that page's list and the entries on it. An
 * entry on a list is changed only under the page's lock, so that pmap_page_protect, which comes from the page, needs no
 * pmap's lock. A table is freed under its pmap's lock when no entry is left, and the count of entries is lowered last,
 * under the page's lock.
 */
#include <kern/kalloc.h>
#include <kern/lock.h>
#include <kern/task.h>
#include <string.h>
#include <vm/pmap.h>
#include <vm/vm.h>
#include <vm/vm_page.h>
#include <x86_64/boot.h>
#include <x86_64/pmap_private.h>

#define TABLES_LIMIT (1ull << 35) /* 2^32 mappings' numbers of 512 per page */
#define PV_LOCKS     16
#define TABLE_SPAN   (VM_PAGE_SIZE * PTES) /* addresses of a lowest table */

/* An entry of a directory: the lowest tables' entries say what may be done. */
#define PTE_TABLE (PTE_PRESENT | PTE_WRITE | PTE_USER)

struct pv_link {
	uint32_t next, prev; /* 0: none; a first mapping has no prev */
};

/* What belongs to a page table. */
struct pv_entry {
	struct list link; /* pmap->tables */
	struct pmap *pmap;
	pte_t *entries, *above; /* and the directory's entry that points to them */
	vm_address_t base;      /* first address that the table maps */
	uint32_t used;          /* entries present, atomic */
	uint32_t number;        /* of the first entry as a mapping */
	uint32_t first;         /* no entry before this one is present; under the pmap's lock */
	struct pv_link *links;  /* undefined where nothing is mapped */
};

static struct lock pv_locks[PV_LOCKS];
static struct kcache pmap_cache, table_cache;

void pmap_init(void)
{
	kcache_init(&pmap_cache, "pmap", sizeof(struct pmap));
	kcache_init(&table_cache, "page tables", sizeof(struct pv_entry));
	for (unsigned i = 0; i < PV_LOCKS; i++)
		lock_init(&pv_locks[i], LOCK_RANK_PV);
}

static struct lock *pv_lock(uint64_t physical)
{
	return &pv_locks[(physical >> VM_PAGE_SHIFT) % PV_LOCKS];
}

/* All that is mapped as managed, and all tables, are in the array of pages. */
static struct vm_page *page_at(uint64_t physical)
{
	return &vm_pages[(physical >> VM_PAGE_SHIFT) - vm_pages_first];
}

/* --- Tables. */

/* A page with undefined contents, or 0. */
static uint64_t grab_page(struct pmap *pmap)
{
	struct vm_page *page;
	uint64_t physical;

	if (!task_charge(pmap->charged, VM_PAGE_SIZE))
		return 0;
	page = vm_page_grab(VM_PAGE_FOR_KERNEL);
	if (page != NULL && vm_page_physical(page) < TABLES_LIMIT) {
		page->wire_count = 1;
		return vm_page_physical(page);
	}
	if (page != NULL)
		vm_page_free(page);
	physical = vm_page_grab_contiguous(1, TABLES_LIMIT);
	if (physical == 0)
		task_uncharge(pmap->charged, VM_PAGE_SIZE);
	return physical;
}

/* A page with no entries, or 0. */
static uint64_t grab_table(struct pmap *pmap)
{
	uint64_t physical = grab_page(pmap);

	if (physical != 0)
		vm_page_zero(page_at(physical));
	return physical;
}

static void release_table(struct pmap *pmap, uint64_t physical)
{
	vm_page_release_kernel(physical, 1);
	task_uncharge(pmap->charged, VM_PAGE_SIZE);
}

static unsigned table_index(vm_address_t address, unsigned level)
{
	return (address >> (VM_PAGE_SHIFT + 9 * level)) % PTES;
}

static pte_t *table_below(pte_t entry)
{
	return physical_to_virtual(entry & PTE_ADDRESS);
}

/* The lowest table for the address, or null where there is none. */
static inline struct pv_entry *find_table(struct pmap *pmap, vm_address_t address)
{
	pte_t *table = pmap->root, entry;

	if (pmap->hint != NULL && pmap->hint->base == (address & ~(TABLE_SPAN - 1)))
		return pmap->hint;
	for (unsigned level = 3; level > 0; level--) {
		entry = table[table_index(address, level)];
		if (entry == 0)
			return NULL;
		table = table_below(entry);
	}
	pmap->hint = page_at(entry & PTE_ADDRESS)->pv;
	return pmap->hint;
}

/* The lowest table for the address, which is missing, and the directories above it. Null: no memory. */
static __attribute__((noinline)) struct pv_entry *make_table(struct pmap *pmap, vm_address_t address)
{
	struct pv_entry *below;
	uint64_t physical, links;
	pte_t *table = pmap->root, *entry;

	for (unsigned level = 3; entry = &table[table_index(address, level)], level > 1; level--) {
		if (*entry == 0) {
			physical = grab_table(pmap);
			if (physical == 0)
				return NULL;
			list_add_tail(&pmap->directories, &page_at(physical)->link);
			*entry = physical | PTE_TABLE;
		}
		table = table_below(*entry);
	}
	below = kcache_alloc(&table_cache);
	physical = below == NULL ? 0 : grab_table(pmap);
	links = physical == 0 ? 0 : grab_page(pmap);
	if (links == 0) {
		if (physical != 0)
			release_table(pmap, physical);
		if (below != NULL)
			kcache_free(&table_cache, below);
		return NULL;
	}
	*below = (struct pv_entry){.pmap = pmap,
		.entries = physical_to_virtual(physical),
		.above = entry,
		.base = address & ~(TABLE_SPAN - 1),
		.number = (uint32_t)(physical / sizeof(pte_t)),
		.first = PTES,
		.links = physical_to_virtual(links)};
	page_at(physical)->pv = below;
	list_add_tail(&pmap->tables, &below->link);
	pmap->table_count++;
	*entry = physical | PTE_TABLE;
	return below;
}

/* A lowest table of which nothing is used. */
static void free_table(struct pmap *pmap, struct pv_entry *below)
{
	*below->above = 0;
	list_remove(&below->link);
	pmap->table_count--;
	if (pmap->hint == below)
		pmap->hint = NULL;
	page_at(virtual_to_physical(below->entries))->pv = NULL;
	release_table(pmap, virtual_to_physical(below->links));
	release_table(pmap, virtual_to_physical(below->entries));
	kcache_free(&table_cache, below);
}

/* --- Lists of mappings. The page's lock is held. */

static struct pv_entry *table_numbered(uint32_t number)
{
	return vm_pages[number / PTES - vm_pages_first].pv;
}

static struct pv_link *link_of(uint32_t number)
{
	return &table_numbered(number)->links[number % PTES];
}

static uint32_t first_mapping(const struct vm_page *page)
{
	return (uint32_t)(uintptr_t)page->pv;
}

static void set_first_mapping(struct vm_page *page, uint32_t number)
{
	page->pv = (struct pv_entry *)(uintptr_t)number;
}

static inline void link_mapping(struct vm_page *page, struct pv_entry *table, unsigned index)
{
	uint32_t next = first_mapping(page);

	table->links[index] = (struct pv_link){.next = next};
	if (next != 0)
		link_of(next)->prev = table->number + index;
	set_first_mapping(page, table->number + index);
}

static inline void unlink_mapping(struct vm_page *page, struct pv_entry *table, unsigned index)
{
	struct pv_link link = table->links[index];

	if (link.next != 0)
		link_of(link.next)->prev = link.prev;
	if (link.prev != 0)
		link_of(link.prev)->next = link.next;
	else
		set_first_mapping(page, link.next);
}

static uint8_t hardware_bits(pte_t entry)
{
	return (uint8_t)(entry & (PTE_ACCESSED | PTE_DIRTY));
}

/*
 * Takes a mapping away, for the caller to count and to flush: the processors may still hold it. False if
 * pmap_page_protect came first. Pmap's lock held, the page's not.
 */
static inline bool remove_entry(struct pv_entry *table, unsigned index)
{
	pte_t *pte = &table->entries[index], entry = *pte;
	struct lock *lock = pv_lock(entry & PTE_ADDRESS);
	struct vm_page *page;

	if (!(entry & PTE_MANAGED)) {
		__atomic_store_n(pte, 0, __ATOMIC_RELAXED);
		return entry != 0;
	}
	page = page_at(entry & PTE_ADDRESS);
	lock_acquire(lock);
	/* Atomic: the processor sets its bits meanwhile. */
	entry = __atomic_exchange_n(pte, 0, __ATOMIC_RELAXED);
	if (entry != 0) {
		page->pmap_bits |= hardware_bits(entry);
		unlink_mapping(page, table, index);
	}
	lock_release(lock);
	return entry != 0;
}

/* Fills an empty entry, for the caller to count. Pmap's lock held, the page's not. */
static inline void fill_entry(struct vm_page *page, struct pv_entry *table, unsigned index, pte_t new)
{
	struct lock *lock = pv_lock(new &PTE_ADDRESS);

	lock_acquire(lock);
	link_mapping(page, table, index);
	__atomic_store_n(&table->entries[index], new, __ATOMIC_RELAXED);
	lock_release(lock);
}

/*
 * Counts entries filled or taken away in the same hold of the pmap's lock: pmap_page_protect may have taken one away
 * and counted that already, but who looks at the counts has the lock.
 */
static void count_entries(struct pv_entry *table, int count)
{
	__atomic_fetch_add(&table->used, (uint32_t)count, __ATOMIC_RELAXED);
	__atomic_fetch_add(&table->pmap->resident, (uint64_t)count, __ATOMIC_RELAXED);
}

/* --- Interface; contracts in vm/pmap.h. */

struct pmap *pmap_create(struct task *charged)
{
	struct pmap *pmap = kcache_alloc(&pmap_cache);

	if (pmap == NULL)
		return NULL;
	lock_init(&pmap->lock, LOCK_RANK_PMAP);
	pmap->charged = charged;
	list_init(&pmap->tables);
	list_init(&pmap->directories);
	pmap->cr3 = grab_page(pmap);
	if (pmap->cr3 == 0) {
		kcache_free(&pmap_cache, pmap);
		return NULL;
	}
	pmap->root = physical_to_virtual(pmap->cr3);
	memset(pmap->root, 0, PTES / 2 * sizeof(pte_t));
	memcpy(pmap->root + PTES / 2, kernel_pml4 + PTES / 2, PTES / 2 * sizeof(pte_t));
	return pmap;
}

void pmap_destroy(struct pmap *pmap)
{
	struct list *link;

	if (current_processor()->pmap == pmap)
		pmap_load(NULL);
	pmap_remove(pmap, 0, UINT64_MAX);
	/* Whoever took a page's mapping away, if there ever was one, has let go of its lock, and with it of the pmap.
	 */
	for (unsigned i = 0; i < PV_LOCKS && !list_empty(&pmap->directories); i++) {
		lock_acquire(&pv_locks[i]);
		lock_release(&pv_locks[i]);
	}
	while ((link = list_pop_head(&pmap->directories)) != NULL)
		release_table(pmap, vm_page_physical(container_of(link, struct vm_page, link)));
	release_table(pmap, pmap->cr3);
	kcache_free(&pmap_cache, pmap);
}

_Static_assert(VM_PROT_WRITE == PTE_WRITE, "protection_bits");

static pte_t protection_bits(vm_prot_t protection)
{
	return PTE_PRESENT | PTE_USER | (protection & VM_PROT_WRITE) |
	       (protection & VM_PROT_EXECUTE ? 0 : PTE_NO_EXECUTE);
}

static pte_t flag_bits(unsigned flags)
{
	return (flags & PMAP_UNCACHED ? PTE_CACHE_OFF | PTE_WRITE_THROUGH : 0) | (flags & PMAP_WIRED ? PTE_WIRED : 0) |
	       (flags & PMAP_UNMANAGED ? 0 : PTE_MANAGED);
}

/* An entry that is not empty: true if it maps the same page and got the new protection; else it has become empty. Pmap
 * locked. */
static __attribute__((noinline)) bool change_entry(struct pv_entry *table, unsigned index, pte_t new)
{
	pte_t *pte = &table->entries[index], old = *pte;

	if (((old ^ new) & (PTE_ADDRESS | PTE_MANAGED)) == 0 && (new &PTE_MANAGED)) {
		struct lock *lock = pv_lock(new &PTE_ADDRESS);

		lock_acquire(lock);
		while (old != 0 && !__atomic_compare_exchange_n(pte, &old, new | hardware_bits(old), false,
					   __ATOMIC_RELAXED, __ATOMIC_RELAXED))
			;
		lock_release(lock);
		return old != 0;
	}
	if (remove_entry(table, index))
		count_entries(table, -1);
	return false;
}

kern_return_t pmap_enter(struct pmap *pmap, vm_address_t address, struct vm_page *page, uint64_t physical,
	vm_prot_t protection, unsigned flags)
{
	pte_t old, new = physical | protection_bits(protection) | flag_bits(flags);
	unsigned index = table_index(address, 0);
	struct pv_entry *table;

	debug_assert(address < VM_MAX_ADDRESS && (page != NULL || (flags & PMAP_UNMANAGED)));
	lock_acquire(&pmap->lock);
	table = find_table(pmap, address);
	if (__builtin_expect(table == NULL, 0) && (table = make_table(pmap, address)) == NULL) {
		lock_release(&pmap->lock);
		return KERN_RESOURCE_SHORTAGE;
	}
	old = table->entries[index];
	if (old == 0 || !change_entry(table, index, new)) {
		if (new &PTE_MANAGED)
			fill_entry(page, table, index, new);
		else
			__atomic_store_n(&table->entries[index], new, __ATOMIC_RELAXED);
		table->first = index < table->first ? index : table->first;
		count_entries(table, 1);
	}
	lock_release(&pmap->lock);
	if (old != 0 && ((old ^ new) & ~(PTE_ACCESSED | PTE_DIRTY)) != 0)
		tlb_flush_page(pmap, address);
	return KERN_SUCCESS;
}

void pmap_enter_absent(
	struct pmap *pmap, vm_address_t start, struct vm_page *const *pages, unsigned count, vm_prot_t protection)
{
	const pte_t bits = protection_bits(protection) | PTE_MANAGED;
	struct pv_entry *table;

	lock_acquire(&pmap->lock);
	table = find_table(pmap, start);
	if (table != NULL) {
		unsigned first = table_index(start, 0);
		int filled = 0;

		for (unsigned i = 0; i < count; i++) {
			if (pages[i] == NULL || table->entries[first + i] != 0)
				continue;
			fill_entry(pages[i], table, first + i, vm_page_physical(pages[i]) | bits);
			filled++;
		}
		table->first = first < table->first ? first : table->first;
		count_entries(table, filled);
	}
	lock_release(&pmap->lock);
}

/* Takes rights away from one entry; true if the processors may hold more. */
static bool lower_pte(pte_t *pte, vm_prot_t protection)
{
	pte_t old = __atomic_load_n(pte, __ATOMIC_RELAXED), new;

	do {
		new = old;
		if (old == 0)
			return false;
		if (!(protection & VM_PROT_WRITE))
			new &= ~PTE_WRITE;
		if (!(protection & VM_PROT_EXECUTE))
			new |= PTE_NO_EXECUTE;
		if (new == old)
			return false;
	} while (!__atomic_compare_exchange_n(pte, &old, new, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED));
	return true;
}

/* Takes rights away from what of the range is in the table, all rights with those to read. Pmap locked. */
static void protect_in_table(struct pmap *pmap, struct pv_entry *table, vm_address_t start, vm_address_t end,
	vm_prot_t protection, struct tlb_batch *batch)
{
	unsigned first = start <= table->base ? 0 : table_index(start, 0);
	unsigned last = end >= table->base + TABLE_SPAN ? PTES : table_index(end, 0);
	pte_t *entries = table->entries;
	int removed = 0;

	if (start >= table->base + TABLE_SPAN || end <= table->base)
		return;
	for (unsigned i = first > table->first ? first : table->first; i < last; i++) {
		if (entries[i] == 0)
			continue;
		if (protection & VM_PROT_READ) {
			if (!lower_pte(&entries[i], protection))
				continue;
		} else if (remove_entry(table, i)) {
			removed++;
		}
		tlb_batch_add(batch, table->base + i * VM_PAGE_SIZE);
		if (removed == (int)table->used)
			break;
	}
	count_entries(table, -removed);
	/* A table whose range goes as a whole goes too; one that only became empty is likely to be used again. */
	if (first != 0 || last != PTES || (protection & VM_PROT_READ))
		return;
	/* One that pmap_page_protect has taken away and not counted yet. */
	while (__atomic_load_n(&table->used, __ATOMIC_ACQUIRE) != 0)
		machine_relax();
	/* The processors must have forgotten the table before its page is used for something else. */
	*table->above = 0;
	batch->count = TLB_BATCH + 1;
	tlb_flush(batch);
	free_table(pmap, table);
}

void pmap_protect(struct pmap *pmap, vm_address_t start, vm_address_t end, vm_prot_t protection)
{
	struct list *link, *following;
	struct pv_entry *table;
	struct tlb_batch batch;

	tlb_batch_init(&batch, pmap);
	lock_acquire(&pmap->lock);
	/* By address, or by the list of all tables if that is shorter: the range may be all that a task can have. */
	if ((end - start) / TABLE_SPAN < pmap->table_count) {
		for (vm_address_t at = start; at < end; at = (at | (TABLE_SPAN - 1)) + 1)
			if ((table = find_table(pmap, at)) != NULL)
				protect_in_table(pmap, table, start, end, protection, &batch);
	} else {
		list_for_each_safe (link, following, &pmap->tables)
			protect_in_table(
				pmap, container_of(link, struct pv_entry, link), start, end, protection, &batch);
	}
	tlb_flush(&batch);
	lock_release(&pmap->lock);
}

void pmap_remove(struct pmap *pmap, vm_address_t start, vm_address_t end)
{
	pmap_protect(pmap, start, end, VM_PROT_NONE);
}

/*
 * The caller goes on to use the page through the direct map, where the processor sets no bits: set here what the access
 * would have.
 */
uint64_t pmap_extract(struct pmap *pmap, vm_address_t address, vm_prot_t access)
{
	struct pv_entry *table;
	pte_t *pte = NULL, entry = 0;
	uint64_t physical = 0;

	if (address >= VM_MAX_ADDRESS)
		return 0;
	lock_acquire(&pmap->lock);
	table = find_table(pmap, address);
	if (table != NULL) {
		pte = &table->entries[table_index(address, 0)];
		entry = __atomic_load_n(pte, __ATOMIC_RELAXED);
	}
	while (entry != 0 && (!(access & VM_PROT_WRITE) || (entry & PTE_WRITE)) &&
		(!(access & VM_PROT_EXECUTE) || !(entry & PTE_NO_EXECUTE))) {
		pte_t new =
			entry | (access != VM_PROT_NONE ? PTE_ACCESSED : 0) | (access & VM_PROT_WRITE ? PTE_DIRTY : 0);

		if (new == entry ||
			__atomic_compare_exchange_n(pte, &entry, new, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED)) {
			physical = (entry & PTE_ADDRESS) | (address & VM_PAGE_MASK);
			break;
		}
	}
	lock_release(&pmap->lock);
	return physical;
}

uint64_t pmap_resident_pages(struct pmap *pmap)
{
	return __atomic_load_n(&pmap->resident, __ATOMIC_RELAXED);
}

void pmap_page_protect(struct vm_page *page, vm_prot_t protection)
{
	struct lock *lock = pv_lock(vm_page_physical(page));
	uint32_t number, next;

	lock_acquire(lock);
	for (number = first_mapping(page); number != 0; number = next) {
		struct pv_entry *table = table_numbered(number);
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
	struct lock *lock = pv_lock(vm_page_physical(page));
	bool found;

	lock_acquire(lock);
	found = (page->pmap_bits & bit) != 0;
	if (clear)
		page->pmap_bits &= (uint8_t)~bit;
	for (uint32_t number = first_mapping(page); number != 0 && (clear || !found); number = link_of(number)->next) {
		struct pv_entry *table = table_numbered(number);
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
