/* Page tables against a plain list of what is mapped: random operations on several maps, memory that runs out, nothing
 * lost at the end. */
#include <kern/kalloc.h>
#include <kern/piece.h>
#include <kern/processor.h>
#include <kern/task.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <vm/pmap.h>
#include <vm/vm.h>
#include <kern/page.h>
#include <x86_64/boot.h>
#include <x86_64/pmap_private.h>

#define MEMORY_PAGES 4096
#define FIRST_PAGE   256
#define MAPS         3
#define ADDRESSES    160
#define SIDE_BY_SIDE 5 /* addresses of one table */
#define PAGES        24
#define OPERATIONS   200000

/* --- The machine that pmap.c sees. */

static char *memory;
static struct vm_page page_array[MEMORY_PAGES];
struct vm_page *vm_pages = page_array;
uint64_t vm_pages_first = FIRST_PAGE;
static uint64_t free_pages[MEMORY_PAGES], free_count, free_pairs[MAPS], free_pair_count;
static bool refuse; /* now and then no page */
static struct processor processor;
struct processor *host_processor = &processor;
uint32_t processors_online = 1;
pte_t kernel_pml4[PTES], isolation_entry;
struct account kernel_account;
uint64_t account_small_pages;
static struct account payer = {.bytes = ACCOUNT_REFERENCE, .bytes_limit = UINT64_MAX},
		      other = {.bytes = ACCOUNT_REFERENCE, .bytes_limit = UINT64_MAX};
static unsigned flushed_pages;

void *physical_to_virtual(uint64_t physical)
{
	return memory + physical - FIRST_PAGE * VM_PAGE_SIZE;
}

uint64_t virtual_to_physical(const void *address)
{
	return (uint64_t)((const char *)address - memory) + FIRST_PAGE * VM_PAGE_SIZE;
}

struct vm_page *vm_page_grab_for(struct account *account, enum vm_page_level level, bool cached)
{
	uint64_t physical;

	(void)account, (void)level, (void)cached;
	if (free_count == 0 || (refuse && rand() % 3 == 0))
		return NULL;
	physical = free_pages[--free_count];
	memset(physical_to_virtual(physical), 0xa5, VM_PAGE_SIZE);
	return &vm_pages[(physical >> VM_PAGE_SHIFT) - FIRST_PAGE];
}

void vm_page_zero(struct vm_page *zeroed)
{
	memset(physical_to_virtual(vm_page_physical(zeroed)), 0, VM_PAGE_SIZE);
}

void vm_page_free(struct vm_page *freed)
{
	(void)freed;
	panic("no page is above the tables' limit");
}

uint64_t vm_page_grab_contiguous(enum vm_page_level level, unsigned count, uint64_t limit)
{
	(void)level, (void)limit;
	return count != 2 || free_pair_count == 0 ? 0 : free_pairs[--free_pair_count];
}

void vm_page_release_kernel(uint64_t physical, unsigned count)
{
	if (count == 2)
		free_pairs[free_pair_count++] = physical;
	else
		free_pages[free_count++] = physical;
}

void *kcache_alloc(struct kcache *cache, struct account *account)
{
	return account_charge(account, cache->size) ? calloc(1, cache->size) : NULL;
}

void kcache_free(struct kcache *cache, struct account *account, void *object)
{
	free(object);
	account_uncharge(account, cache->size);
}

void account_end(struct account *ended)
{
	panic("account %p falls to nothing", (void *)ended);
}

void lock_contended(struct lock *lock)
{
	panic("lock %p is taken twice", (void *)lock);
}

#ifdef PORTOLAN_DEBUG
void lock_order_acquired(struct lock *lock, bool nested)
{
	(void)lock, (void)nested;
}

void lock_order_released(struct lock *lock)
{
	(void)lock;
}
#endif

void panic(const char *format, ...)
{
	printf("FAIL pmap: panic: %s\n", format);
	exit(1);
}

void tlb_flush(struct tlb_batch *batch)
{
	flushed_pages += batch->count;
	batch->count = 0;
}

void tlb_flush_page(struct pmap *pmap, vm_address_t address)
{
	(void)pmap, (void)address;
	flushed_pages++;
}

void machine_relax(void)
{
}

void pmap_load(struct pmap *pmap)
{
	processor.pmap = pmap;
}

void pmap_unload(struct pmap *pmap)
{
	if (processor.pmap == pmap)
		pmap_load(NULL);
}

/* --- The model. */

static struct pmap *map[MAPS];
static vm_address_t address[ADDRESSES];
static struct mapping {
	int page; /* -1: none */
	vm_prot_t protection;
} model[MAPS][ADDRESSES];
static bool modified[PAGES];
static int failures;
static unsigned pieces;

static void check(bool good, const char *what);

/* Between two pieces nothing is locked and the tables are sound: others work on them. */
void piece_over(void)
{
	processor.piece_left = 0;
	pieces++;
	for (int m = 0; m < MAPS; m++)
		check(map[m] == NULL || !map[m]->lock.held, "a piece ends with a lock held");
}

static void check(bool good, const char *what)
{
	if (!good && failures++ < 10)
		printf("FAIL pmap: %s\n", what);
}

static struct vm_page *page(int number)
{
	return &vm_pages[number];
}

/* Whether the program's root has the kernel's entries for programs, which the kernel cannot execute, and one of the
 * rest. */
static bool isolated(const pte_t *root)
{
	bool good = root[2 * PTES - 1] == isolation_entry;

	for (int i = 0; i < PTES / 2; i++)
		good &= root[i] == (root[PTES + i] != 0 ? root[PTES + i] | PTE_NO_EXECUTE : 0) &&
			!(root[PTES + i] & PTE_NO_EXECUTE);
	for (int i = PTES / 2; i < PTES; i++)
		good &= root[i] == kernel_pml4[i] && (root[PTES + i] == 0 || i == PTES - 1);
	return good;
}

/* What the processor finds that a program may do there: what all levels allow. */
static vm_prot_t walk(const struct pmap *pmap, vm_address_t at)
{
	const pte_t *table = pmap->root;
	vm_prot_t rights = VM_PROT_ALL;

	for (unsigned level = 4; level-- > 0;) {
		pte_t entry = table[at >> (VM_PAGE_SHIFT + 9 * level) & (PTES - 1)];

		if (!(entry & PTE_PRESENT))
			return VM_PROT_NONE;
		if (!(entry & PTE_WRITE))
			rights &= ~VM_PROT_WRITE;
		/* The kernel's root lets itself execute nothing of a program's. */
		if ((entry & PTE_NO_EXECUTE) && !(level == 3 && isolation_entry != 0))
			rights &= ~VM_PROT_EXECUTE;
		table = physical_to_virtual(entry & PTE_ADDRESS);
	}
	return rights;
}

static void compare(void)
{
	for (int m = 0; m < MAPS; m++) {
		uint64_t resident = 0;

		check(isolation_entry == 0 || isolated(map[m]->root), "a program's root is wrong");
		for (int a = 0; a < ADDRESSES; a++) {
			const struct mapping *want = &model[m][a];
			uint64_t physical = pmap_extract(map[m], address[a] + 5, VM_PROT_NONE);

			resident += want->page >= 0;
			check(physical == (want->page < 0 ? 0 : vm_page_physical(page(want->page)) + 5),
				"wrong page mapped");
			check((pmap_extract(map[m], address[a], VM_PROT_EXECUTE) != 0) ==
					(want->page >= 0 && (want->protection & VM_PROT_EXECUTE)),
				"wrong execute right");
			check(walk(map[m], address[a]) == (want->page < 0 ? 0 : want->protection | VM_PROT_READ),
				"the processor finds other rights");
		}
		check(pmap_resident_pages(map[m]) == resident, "wrong count of resident pages");
	}
}

static void lower(struct mapping *mapping, vm_prot_t protection)
{
	if (mapping->page < 0)
		return;
	if (protection & VM_PROT_READ)
		mapping->protection &= protection;
	else
		mapping->page = -1;
}

static void enter_neighbours(int m, int first, vm_prot_t protection)
{
	struct vm_page *pages[SIDE_BY_SIDE];
	int numbers[SIDE_BY_SIDE];

	for (int i = 0; i < SIDE_BY_SIDE; i++) {
		numbers[i] = rand() % (PAGES + 8);
		pages[i] = numbers[i] < PAGES ? page(numbers[i]) : NULL;
	}
	pmap_enter_absent(map[m], address[first], pages, SIDE_BY_SIDE, protection);
	for (int i = 0; i < SIDE_BY_SIDE; i++)
		if (pages[i] != NULL && model[m][first + i].page < 0)
			model[m][first + i] = (struct mapping){numbers[i], protection};
}

static void operate(void)
{
	static const vm_prot_t protections[] = {
		VM_PROT_READ, VM_PROT_READ | VM_PROT_WRITE, VM_PROT_READ | VM_PROT_EXECUTE, VM_PROT_ALL};
	int m = rand() % MAPS, a = rand() % ADDRESSES, p = rand() % PAGES, b;
	vm_prot_t protection = protections[rand() % 4];

	switch (rand() % 9) {
	case 0:
	case 1:
	case 2:
		if (pmap_enter(map[m], address[a], page(p), vm_page_physical(page(p)), protection, 0) == KERN_SUCCESS)
			model[m][a] = (struct mapping){p, protection};
		break;
	case 3:
	case 4:
		b = a + (rand() % 32 == 0 ? ADDRESSES : rand() % 8); /* a few, or all that follow */
		b = b < ADDRESSES ? b : ADDRESSES - 1;
		if (rand() % 2) {
			pmap_protect(map[m], address[a], address[b], VM_PROT_NONE);
			protection = VM_PROT_NONE;
		} else {
			pmap_protect(map[m], address[a], address[b], protection);
		}
		for (; a < b; a++)
			lower(&model[m][a], protection);
		break;
	case 5:
		protection = rand() % 3 == 0 ? VM_PROT_NONE : VM_PROT_READ | VM_PROT_EXECUTE;
		pmap_page_protect(page(p), protection);
		for (m = 0; m < MAPS; m++)
			for (a = 0; a < ADDRESSES; a++)
				if (model[m][a].page == p)
					lower(&model[m][a], protection);
		break;
	case 6: /* a write through the map */
		if (pmap_extract(map[m], address[a], VM_PROT_WRITE) != 0) {
			check(model[m][a].page >= 0 && (model[m][a].protection & VM_PROT_WRITE),
				"may write what it may not");
			modified[model[m][a].page] = true;
		} else {
			check(model[m][a].page < 0 || !(model[m][a].protection & VM_PROT_WRITE),
				"may not write what it may");
		}
		break;
	case 7: /* a page, and its neighbours where nothing is */
		if (pmap_enter(map[m], address[a], page(p), vm_page_physical(page(p)), protection, 0) != KERN_SUCCESS)
			break;
		model[m][a] = (struct mapping){p, protection};
		enter_neighbours(m, a - a % SIDE_BY_SIDE, protections[rand() % 4]);
		break;
	default: {
		bool clear = rand() % 2;

		check(pmap_page_modified(page(p), clear) == modified[p], "wrong modified bit");
		if (clear)
			modified[p] = false;
	}
	}
}

/* Clusters in one table, neighbours across tables, and far apart; in order. */
static void make_addresses(void)
{
	vm_address_t at = VM_MIN_ADDRESS;

	for (int i = 0; i < ADDRESSES; i++) {
		address[i] = at;
		at += i % 40 == 39                           ? 1ull << 44
		      : i % 10 == 9                          ? 1ull << 31
		      : i % SIDE_BY_SIDE == SIDE_BY_SIDE - 1 ? 0x200000
							     : VM_PAGE_SIZE;
	}
}

/* With or without roots for programs. */
static void run(const char *how)
{
	uint64_t free_before = free_count;

	flushed_pages = pieces = 0;
	for (int m = 0; m < MAPS; m++) {
		map[m] = pmap_create(&payer);
		for (int a = 0; a < ADDRESSES; a++)
			model[m][a].page = -1;
	}
	for (unsigned i = 0; i < OPERATIONS && failures == 0; i++) {
		refuse = i > OPERATIONS / 2;
		operate();
		if (i % 50 == 0)
			pmap_bill(map[i / 50 % MAPS], i / 50 % 3 != 0 ? &payer : &other);
		if (i % 64 == 0)
			compare();
	}
	if (failures == 0)
		printf("PASS pmap: random operations match a list of mappings%s\n", how);
	check(flushed_pages != 0, "nothing was ever flushed");
	check(pieces != 0, "nothing was done in pieces");
	pmap_load(map[0]);
	for (int m = 0; m < MAPS; m++) {
		pmap_destroy(map[m]);
		map[m] = NULL;
	}
	check(processor.pmap == NULL, "a destroyed map stays loaded");
	for (int p = 0; p < PAGES; p++)
		check(page(p)->mappings == 0, "a page keeps a mapping of a destroyed map");
	check(free_count == free_before && free_pair_count == MAPS && payer.bytes == ACCOUNT_REFERENCE &&
			other.bytes == ACCOUNT_REFERENCE,
		"tables were lost");
	if (failures == 0)
		printf("PASS pmap: nothing is left of destroyed maps%s\n", how);
}

/* What a map takes is the sum of what its tables take: also when some of them have gone. */
static void sums(void)
{
	const vm_address_t at = 0x40000000;
	struct pmap *one = pmap_create(&payer);
	const uint64_t empty = one->bytes;

	refuse = false;

	check(pmap_enter(one, at, page(0), vm_page_physical(page(0)), VM_PROT_READ, 0) == KERN_SUCCESS, "no mapping");
	check(one->bytes > empty, "tables take nothing");
	check(one->bytes == payer.bytes - ACCOUNT_REFERENCE, "a map's sum is not what its account pays");
	pmap_protect(one, at, at + PMAP_TABLE_SPAN, VM_PROT_NONE);
	check(one->bytes == payer.bytes - ACCOUNT_REFERENCE, "a map's sum is not what its account pays when a table has gone");
	pmap_destroy(one);
	if (failures == 0)
		printf("PASS pmap: a map's sum is what its account pays\n");
}

int main(void)
{
	memory = aligned_alloc(VM_PAGE_SIZE, MEMORY_PAGES * VM_PAGE_SIZE);
	for (uint64_t i = PAGES; i < MEMORY_PAGES - 2 * MAPS; i++)
		free_pages[free_count++] = (i + FIRST_PAGE) * VM_PAGE_SIZE;
	for (uint64_t i = MEMORY_PAGES - 2 * MAPS; i < MEMORY_PAGES; i += 2)
		free_pairs[free_pair_count++] = (i + FIRST_PAGE) * VM_PAGE_SIZE;
	for (int i = PTES / 2; i < PTES; i++)
		kernel_pml4[i] = (pte_t)i * VM_PAGE_SIZE | PTE_PRESENT | PTE_WRITE;
	srand(1);
	pmap_init();
	make_addresses();
	run("");
	sums();
	isolation_entry = PTES * VM_PAGE_SIZE | PTE_PRESENT | PTE_WRITE;
	run(", with roots for programs");
	free(memory);
	return failures != 0;
}
