/* Physical memory at start: what is free, the map of all of it, and the protection of the kernel's own pages. */
#include <vm/vm.h>
#include <x86_64/boot.h>
#include <x86_64/pmap_private.h>

#define RANGES_MAX      128
#define LARGE_PAGE      0x200000ull
#define GIGABYTE        0x40000000ull
#define DIRECT_MAP_MAX  (512 * GIGABYTE)
#define LOW_MEMORY_KEPT 0x10000 /* the firmware's tables, and the start of other processors */

struct range {
	uint64_t start, end;
};

extern const char kernel_start[], kernel_rodata_start[], kernel_data_start[], kernel_end[], boot_stack_guard[];
extern pte_t direct_pdpt[PTES], kernel_directory[PTES], boot_directories[4 * PTES];

uint64_t kernel_delta;
static struct range ram[RANGES_MAX], reserved[RANGES_MAX];
static unsigned ram_count, reserved_count;
static pte_t image_tables[KERNEL_IMAGE_MAX / LARGE_PAGE][PTES] __attribute__((aligned(4096)));
static pte_t image_alias_table[PTES] __attribute__((aligned(4096)));

uint64_t kernel_image_physical(const void *address)
{
	return (uint64_t)address - KERNEL_BASE + kernel_delta;
}

void memory_add(uint64_t start, uint64_t end)
{
	start = round_page(start);
	end = trunc_page(end);
	if (end > DIRECT_MAP_MAX) {
		kprintf("memory beyond 512 GiB is not used\n");
		end = DIRECT_MAP_MAX;
	}
	if (start < end && ram_count < RANGES_MAX)
		ram[ram_count++] = (struct range){start, end};
}

void memory_reserve(uint64_t start, uint64_t end)
{
	if (reserved_count == RANGES_MAX)
		panic("more than %u reserved ranges of memory", RANGES_MAX);
	reserved[reserved_count++] = (struct range){trunc_page(start), round_page(end)};
}

bool memory_is_ram(uint64_t start, uint64_t end)
{
	for (unsigned i = 0; i < ram_count; i++)
		if (start < ram[i].end && end > ram[i].start)
			return true;
	return false;
}

/* The first free range at or after `from` (page-aligned) within the usable range that holds it; false at that range's
 * end. */
static bool next_free(const struct range *usable, uint64_t from, struct range *out)
{
	bool moved = true;

	while (moved) {
		moved = false;
		for (unsigned i = 0; i < reserved_count; i++)
			if (from >= reserved[i].start && from < reserved[i].end) {
				from = reserved[i].end;
				moved = true;
			}
	}
	if (from >= usable->end)
		return false;
	out->start = from;
	out->end = usable->end;
	for (unsigned i = 0; i < reserved_count; i++)
		if (reserved[i].start > from && reserved[i].start < out->end)
			out->end = reserved[i].start;
	return true;
}

uint64_t memory_take(uint64_t size)
{
	size = round_page(size);
	for (unsigned i = 0; i < ram_count; i++) {
		struct range found = {0, ram[i].start};

		while (next_free(&ram[i], found.end, &found))
			if (found.end <= 4 * GIGABYTE && found.end - found.start >= size) {
				memory_reserve(found.start, found.start + size);
				return found.start;
			}
	}
	panic("no %lu bytes of memory for the start: this machine has too little", size);
}

/* The kernel's own 4 KiB pages: code, constants, data; nothing under its stack. */
static void map_image(void)
{
	for (uint64_t offset = 0; offset < round_page((uint64_t)(kernel_end - kernel_start)); offset += VM_PAGE_SIZE) {
		const char *address = kernel_start + offset;
		pte_t entry = kernel_image_physical(address) | PTE_PRESENT | PTE_GLOBAL;

		if (address >= kernel_data_start)
			entry |= PTE_WRITE;
		if (address >= kernel_rodata_start)
			entry |= PTE_NO_EXECUTE;
		if (address == boot_stack_guard)
			entry = 0;
		image_tables[offset / LARGE_PAGE][offset / VM_PAGE_SIZE % PTES] = entry;
	}
	for (unsigned i = 0; i < KERNEL_IMAGE_MAX / LARGE_PAGE; i++)
		kernel_directory[KERNEL_LOAD / LARGE_PAGE + i] =
			kernel_image_physical(image_tables[i]) | PTE_PRESENT | PTE_WRITE;
}

/* The direct map's view of the kernel's code and constants must not be writable either. They are in one large page. */
static void protect_image_alias(void)
{
	uint64_t start = kernel_image_physical(kernel_start);

	if (kernel_data_start - kernel_start > (long)LARGE_PAGE)
		panic("the kernel's code takes more than 2 MiB");
	for (unsigned i = 0; i < PTES; i++) {
		image_alias_table[i] = (start + i * VM_PAGE_SIZE) | PTE_PRESENT | PTE_GLOBAL | PTE_NO_EXECUTE;
		if (kernel_start + i * VM_PAGE_SIZE >= kernel_data_start)
			image_alias_table[i] |= PTE_WRITE;
	}
	boot_directories[start / LARGE_PAGE] = kernel_image_physical(image_alias_table) | PTE_PRESENT | PTE_WRITE;
}

static void map_all_memory(void)
{
	const pte_t bits = PTE_PRESENT | PTE_WRITE | PTE_LARGE | PTE_GLOBAL | PTE_NO_EXECUTE;
	uint64_t top = 0;

	for (unsigned i = 0; i < ram_count; i++)
		top = ram[i].end > top ? ram[i].end : top;
	/* Below 4 GiB are devices, which are not to be cached. */
	for (uint64_t at = 0; at < 4 * GIGABYTE; at += LARGE_PAGE)
		boot_directories[at / LARGE_PAGE] =
			at | bits |
			(at < LARGE_PAGE || memory_is_ram(at, at + LARGE_PAGE) ? 0 : PTE_CACHE_OFF | PTE_WRITE_THROUGH);
	for (uint64_t at = 4 * GIGABYTE; at < top; at += GIGABYTE) {
		uint64_t directory;

		if (cpu_features.gigabyte_pages) {
			direct_pdpt[at / GIGABYTE] = at | bits;
			continue;
		}
		directory = memory_take(VM_PAGE_SIZE);
		for (unsigned i = 0; i < PTES; i++)
			((pte_t *)physical_to_virtual(directory))[i] = (at + i * LARGE_PAGE) | bits;
		direct_pdpt[at / GIGABYTE] = directory | PTE_PRESENT | PTE_WRITE;
	}
}

void memory_init(void)
{
	map_image();
	map_all_memory();
	protect_image_alias();
	kernel_pml4[0] = 0;
	write_cr3(kernel_image_physical(kernel_pml4));
	for (unsigned i = 0; i < ram_count; i++) {
		struct range found = {0, ram[i].start};

		while (next_free(&ram[i], found.end, &found))
			vm_page_bootstrap_range(found.start, found.end);
	}
	vm_page_bootstrap_done();
}

/* What is never free, before modules are added: low memory, and the kernel. */
void memory_reserve_kernel(void)
{
	memory_reserve(0, LOW_MEMORY_KEPT);
	memory_reserve(kernel_image_physical(kernel_start), kernel_image_physical(kernel_end));
}
