/* What is done to the map of one address space; contracts in vm/pmap.h. */
#include <kern/kalloc.h>
#include <kern/piece.h>
#include <string.h>
#include <x86_64/boot.h>
#include <x86_64/pmap_tables.h>

/* Where the tables of user addresses end. */
#define USER_END ((VM_MAX_ADDRESS | (PMAP_TABLE_SPAN - 1)) + 1)

/*
 * Entries that are looked at while the pmap's lock is held. About what that takes, and what one that changes takes in
 * addition (kern/piece.h).
 */
#define PIECE_ENTRIES 96
#define HOLD_COST     1000
#define CHANGE_COST   50
#define OPEN_COST     5000 /* to protect every entry of a table */

struct lock mapping_locks[MAPPING_LOCKS];
static struct kcache pmap_cache = KCACHE(sizeof(struct pmap));

void pmap_init(void)
{
	for (unsigned i = 0; i < MAPPING_LOCKS; i++)
		lock_init(&mapping_locks[i], LOCK_RANK_MAPPINGS);
}

/*
 * Takes a mapping away, for the caller to count and to flush: the processors may still hold it. False if
 * pmap_page_protect came first. Pmap's lock held, the page's not.
 */
static __attribute__((always_inline)) inline bool remove_entry(struct page_table *table, unsigned index)
{
	pte_t *pte = &table->entries[index], entry = *pte;
	struct lock *lock = mapping_lock(entry & PTE_ADDRESS);
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
static inline void fill_entry(struct vm_page *page, struct page_table *table, unsigned index, pte_t wanted)
{
	struct lock *lock = mapping_lock(wanted & PTE_ADDRESS);

	lock_acquire(lock);
	link_mapping(page, table, index);
	__atomic_store_n(&table->entries[index], wanted, __ATOMIC_RELAXED);
	lock_release(lock);
}

/*
 * Counts entries filled or taken away in the same hold of the pmap's lock: pmap_page_protect may have taken one away
 * and counted that already, but who looks at the counts has the lock.
 */
static void count_entries(struct page_table *table, int count)
{
	__atomic_fetch_add(&table->used, (uint32_t)count, __ATOMIC_RELAXED);
	__atomic_fetch_add(&table->pmap->resident, (uint64_t)count, __ATOMIC_RELAXED);
}

static unsigned root_pages(void)
{
	return isolation_entry != 0 ? 2 : 1;
}

struct pmap *pmap_create(struct account *account)
{
	struct pmap *pmap = kcache_alloc(&pmap_cache, account);

	if (pmap == NULL)
		return NULL;
	lock_init(&pmap->lock, LOCK_RANK_PMAP);
	pmap->account = account;
	pmap->bytes = pmap_cache.size;
	list_init(&pmap->tables);
	list_init(&pmap->directories);
	pmap->cr3 = pmap_grab_pages(pmap, root_pages());
	if (pmap->cr3 == 0) {
		kcache_free(&pmap_cache, pmap->account, pmap);
		return NULL;
	}
	pmap->root = physical_to_virtual(pmap->cr3);
	memset(pmap->root, 0, PTES / 2 * sizeof(pte_t));
	memcpy(pmap->root + PTES / 2, kernel_pml4 + PTES / 2, PTES / 2 * sizeof(pte_t));
	if (isolation_entry != 0) {
		memset(pmap->root + PTES, 0, PTES * sizeof(pte_t));
		pmap->root[2 * PTES - 1] = isolation_entry;
	}
	return pmap;
}

void pmap_bill(struct pmap *pmap, struct account *account)
{
	struct account *old;
	uint64_t bytes;

	lock_acquire(&pmap->lock);
	old = pmap->account;
	bytes = pmap->bytes;
	account_charge_always(account, bytes);
	pmap->account = account;
	lock_release(&pmap->lock);
	account_uncharge(old, bytes);
}

void pmap_destroy(struct pmap *pmap)
{
	struct list *link;

	pmap_unload(pmap);
	pmap_remove_all(pmap);
	/* Whoever took a page's mapping away, if there ever was one, has let go of its lock, and with it of the pmap.
	 */
	for (unsigned i = 0; i < MAPPING_LOCKS && !list_empty(&pmap->directories); i++) {
		lock_acquire(&mapping_locks[i]);
		lock_release(&mapping_locks[i]);
	}
	while ((link = list_pop_head(&pmap->directories)) != NULL)
		pmap_release_pages(pmap, vm_page_physical(container_of(link, struct vm_page, link)), 1);
	pmap_release_pages(pmap, pmap->cr3, root_pages());
	kcache_free(&pmap_cache, pmap->account, pmap);
}

_Static_assert(VM_PROT_WRITE == PTE_WRITE, "protection_bits");

static pte_t protection_bits(vm_prot_t protection)
{
	return PTE_PRESENT | PTE_USER | (protection & VM_PROT_WRITE) |
	       (protection & VM_PROT_EXECUTE ? 0 : PTE_NO_EXECUTE);
}

static pte_t flag_bits(unsigned flags)
{
	return (flags & PMAP_UNCACHED ? PTE_CACHE_OFF | PTE_WRITE_THROUGH : 0) |
	       (flags & PMAP_UNMANAGED ? 0 : PTE_MANAGED);
}

/* An entry that is not empty: true if it maps the same page and got the new protection; else it has become empty. Pmap
 * locked. */
static __attribute__((noinline)) bool change_entry(struct page_table *table, unsigned index, pte_t wanted)
{
	pte_t *pte = &table->entries[index], old = *pte;

	if (((old ^ wanted) & (PTE_ADDRESS | PTE_MANAGED)) == 0 && (wanted & PTE_MANAGED)) {
		struct lock *lock = mapping_lock(wanted & PTE_ADDRESS);

		lock_acquire(lock);
		while (old != 0 && !__atomic_compare_exchange_n(pte, &old, wanted | hardware_bits(old), false,
					   __ATOMIC_RELAXED, __ATOMIC_RELAXED))
			;
		lock_release(lock);
		return old != 0;
	}
	if (remove_entry(table, index))
		count_entries(table, -1);
	return false;
}

/*
 * A table is closed when the directory's entry above it gives less than everything: all that it maps is protected by
 * one change. What an entry allows is what both do.
 */
#define TABLE_RIGHTS (PTE_WRITE | PTE_NO_EXECUTE)

static vm_prot_t rights_above(const struct page_table *table)
{
	return VM_PROT_READ | (*table->above & PTE_WRITE ? VM_PROT_WRITE : 0) |
	       (*table->above & PTE_NO_EXECUTE ? 0 : VM_PROT_EXECUTE);
}

/* Protects every entry for itself, so that one may allow more. Pmap locked. */
static __attribute__((noinline)) void open_table(struct page_table *table)
{
	for (unsigned i = table->first; i < PTES; i++)
		lower_pte(&table->entries[i], rights_above(table));
	__atomic_store_n(table->above, (*table->above & ~PTE_NO_EXECUTE) | PTE_WRITE, __ATOMIC_RELAXED);
	current_processor()->piece_left -= OPEN_COST; /* the caller's caller looks */
}

/* Before an entry with these rights is made. */
static inline void make_room_for(struct page_table *table, pte_t wanted)
{
	pte_t closed = (*table->above ^ PTE_WRITE) & TABLE_RIGHTS;

	if (__builtin_expect(closed != 0, 0) && (closed & (wanted ^ PTE_NO_EXECUTE)) != 0)
		open_table(table);
}

kern_return_t pmap_enter(struct pmap *pmap, vm_address_t address, struct vm_page *page, uint64_t physical,
	vm_prot_t protection, unsigned flags)
{
	pte_t old, wanted = physical | protection_bits(protection) | flag_bits(flags);
	unsigned index = table_index(address, 0);
	struct page_table *table;

	debug_assert(address < VM_MAX_ADDRESS && (page != NULL || (flags & PMAP_UNMANAGED)));
	lock_acquire(&pmap->lock);
	table = find_table(pmap, address);
	if (__builtin_expect(table == NULL, 0) && (table = pmap_make_table(pmap, address)) == NULL) {
		lock_release(&pmap->lock);
		return KERN_RESOURCE_SHORTAGE;
	}
	make_room_for(table, wanted);
	old = table->entries[index];
	if (old == 0 || !change_entry(table, index, wanted)) {
		if (wanted & PTE_MANAGED)
			fill_entry(page, table, index, wanted);
		else
			__atomic_store_n(&table->entries[index], wanted, __ATOMIC_RELAXED);
		table->first = index < table->first ? index : table->first;
		count_entries(table, 1);
	}
	lock_release(&pmap->lock);
	if (old != 0 && ((old ^ wanted) & ~(PTE_ACCESSED | PTE_DIRTY)) != 0)
		tlb_flush_page(pmap, address);
	return KERN_SUCCESS;
}

void pmap_enter_absent(
	struct pmap *pmap, vm_address_t start, struct vm_page *const *pages, unsigned count, vm_prot_t protection)
{
	const pte_t bits = protection_bits(protection) | PTE_MANAGED;
	struct page_table *table;

	lock_acquire(&pmap->lock);
	table = find_table(pmap, start);
	if (table != NULL) {
		unsigned first = table_index(start, 0);
		int filled = 0;

		make_room_for(table, bits);
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

/*
 * The table that maps the first page at or after *at, below `end`, that any table maps: *at is now where its range
 * begins in it. Null if none was found: *at is how far it looked. Pmap locked.
 */
static struct page_table *next_table(struct pmap *pmap, vm_address_t *at, vm_address_t end)
{
	for (unsigned steps = 0; steps < PIECE_ENTRIES && *at < end; steps++) {
		pte_t *table = pmap->root, entry = 1;
		unsigned level = 4;

		if (pmap->hint != NULL && pmap->hint->base == (*at & ~(PMAP_TABLE_SPAN - 1)))
			return pmap->hint;
		while (entry != 0 && --level > 0) {
			entry = table[table_index(*at, level)];
			table = table_below(entry);
		}
		if (level == 0)
			return pmap->hint = page_at(virtual_to_physical(table))->table;
		*at = (*at | ((PMAP_TABLE_SPAN << 9 * (level - 1)) - 1)) + 1;
	}
	return NULL;
}

/*
 * Takes rights away from what of the range from `at` is in the table, all rights with those to read, in PIECE_ENTRIES
 * entries at most. Returns how far it came. Pmap locked.
 */
static vm_address_t protect_in_table(
	struct page_table *table, vm_address_t at, vm_address_t end, vm_prot_t protection, struct tlb_batch *batch)
{
	unsigned first = table_index(at, 0), i = first > table->first ? first : table->first;
	unsigned last = end - table->base >= PMAP_TABLE_SPAN ? PTES : table_index(end, 0), stop = i + PIECE_ENTRIES;
	pte_t *entries = table->entries;
	int removed = 0;

	stop = stop < last ? stop : last;
	for (; i < stop && removed != (int)table->used; i++) {
		if (entries[i] == 0)
			continue;
		if (protection & VM_PROT_READ) {
			if (!lower_pte(&entries[i], protection))
				continue;
		} else if (remove_entry(table, i)) {
			removed++;
		}
		tlb_batch_add(batch, table->base + i * VM_PAGE_SIZE);
	}
	/* Nothing is left in a table of which nothing is used. */
	stop = removed == (int)table->used ? last : stop;
	count_entries(table, -removed);
	return table->base + stop * VM_PAGE_SIZE;
}

/*
 * A table whose range went as a whole goes too (one that only became empty is likely to be used again): the processors
 * must have forgotten it before its page is used for something else.
 */
static void remove_table(struct pmap *pmap, struct page_table *table, struct tlb_batch *batch)
{
	/* What pmap_page_protect has taken away and not counted yet. */
	while (__atomic_load_n(&table->used, __ATOMIC_ACQUIRE) != 0)
		machine_relax();
	*table->above = 0;
	batch->count = TLB_BATCH + 1;
	tlb_flush(batch);
	pmap_free_table(pmap, table);
}

/* The pmap's lock is let go between pieces; the map's, which the caller holds, keeps others from entering pages. */
void pmap_protect(struct pmap *pmap, vm_address_t start, vm_address_t end, vm_prot_t protection)
{
	struct tlb_batch batch;

	end = end < USER_END ? end : USER_END;
	for (vm_address_t at = start; at < end;) {
		struct page_table *table;
		uint32_t changed = 0;

		tlb_batch_init(&batch, pmap);
		lock_acquire(&pmap->lock);
		table = next_table(pmap, &at, end);
		if (table != NULL && start <= table->base && end - table->base >= PMAP_TABLE_SPAN &&
			(protection & VM_PROT_READ)) {
			at = table->base + PMAP_TABLE_SPAN;
			if (lower_pte(table->above, protection))
				changed = batch.count = TLB_BATCH + 1;
		} else if (table != NULL) {
			at = protect_in_table(table, at, end, protection, &batch);
			changed = batch.count;
			if (start <= table->base && at == table->base + PMAP_TABLE_SPAN && !(protection & VM_PROT_READ))
				remove_table(pmap, table, &batch);
		}
		tlb_flush(&batch);
		lock_release(&pmap->lock);
		piece_spend((int32_t)(HOLD_COST + changed * CHANGE_COST));
	}
}

/* Table by table, without looking for them: they may be far apart. */
void pmap_remove_all(struct pmap *pmap)
{
	struct page_table *table;

	while ((table = list_first(&pmap->tables, struct page_table, link)) != NULL)
		pmap_protect(pmap, table->base, table->base + PMAP_TABLE_SPAN, VM_PROT_NONE);
}

/*
 * The caller goes on to use the page through the direct map, where the processor sets no bits: set here what the access
 * would have.
 */
static uint64_t extract(struct pmap *pmap, vm_address_t address, vm_prot_t access)
{
	struct page_table *table;
	pte_t *pte, entry;

	if (address >= VM_MAX_ADDRESS)
		return 0;
	table = find_table(pmap, address);
	if (table == NULL || (access & ~rights_above(table)) != 0)
		return 0;
	pte = &table->entries[table_index(address, 0)];
	entry = __atomic_load_n(pte, __ATOMIC_RELAXED);
	while (entry != 0 && (!(access & VM_PROT_WRITE) || (entry & PTE_WRITE)) &&
		(!(access & VM_PROT_EXECUTE) || !(entry & PTE_NO_EXECUTE))) {
		pte_t wanted =
			entry | (access != VM_PROT_NONE ? PTE_ACCESSED : 0) | (access & VM_PROT_WRITE ? PTE_DIRTY : 0);

		if (wanted == entry ||
			__atomic_compare_exchange_n(pte, &entry, wanted, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED))
			return (entry & PTE_ADDRESS) | (address & VM_PAGE_MASK);
	}
	return 0;
}

uint64_t pmap_extract(struct pmap *pmap, vm_address_t address, vm_prot_t access)
{
	uint64_t physical;

	lock_acquire(&pmap->lock);
	physical = extract(pmap, address, access);
	lock_release(&pmap->lock);
	return physical;
}

/*
 * With several processors: pmap_page_protect comes from the page and needs no pmap's lock, so the page's is taken, too.
 * Returns what is mapped then, with its page locked, or 0.
 */
static __attribute__((noinline)) uint64_t hold_page(
	struct pmap *pmap, vm_address_t address, vm_prot_t access, uint64_t physical)
{
	while (physical != 0) {
		uint64_t again;

		lock_acquire(mapping_lock(physical));
		again = extract(pmap, address, access);
		if (again == physical)
			break;
		lock_release(mapping_lock(physical));
		physical = again;
	}
	return physical;
}

uint64_t pmap_hold(struct pmap *pmap, vm_address_t address, vm_prot_t access)
{
	uint64_t physical;

	lock_acquire(&pmap->lock);
	physical = extract(pmap, address, access);
	if (__builtin_expect(processors_online > 1, 0))
		physical = hold_page(pmap, address, access, physical);
	if (physical == 0)
		lock_release(&pmap->lock);
	return physical;
}

void pmap_let_go(struct pmap *pmap, uint64_t physical)
{
	if (__builtin_expect(processors_online > 1, 0))
		lock_release(mapping_lock(physical));
	lock_release(&pmap->lock);
}

uint64_t pmap_resident_pages(struct pmap *pmap)
{
	return __atomic_load_n(&pmap->resident, __ATOMIC_RELAXED);
}
