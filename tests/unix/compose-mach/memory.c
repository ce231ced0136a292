/* Memory: pages of a window in each task, shared, copied, sent, and what they hold. */
#include "compose.h"

#include <string.h>

#define BASE  0x100000000000ull
#define PAGES 24u

/* What a page holds, at its beginning and at its end; shared by those who share it. */
struct cell {
	unsigned users;
	uint64_t value;
};

static struct page {
	bool mapped;
	vm_prot_t protection, maximum;
	vm_inherit_t inheritance;
	struct cell *cell;
} pages[SPACES][PAGES];

static struct cell cells[SPACES * PAGES];
static const vm_prot_t protections[] = {VM_PROT_NONE, VM_PROT_READ, VM_PROT_DEFAULT, VM_PROT_DEFAULT, VM_PROT_ALL};

static struct cell *new_cell(uint64_t value)
{
	for (unsigned i = 0; i < sizeof cells / sizeof *cells; i++)
		if (cells[i].users == 0) {
			cells[i] = (struct cell){1, value};
			return &cells[i];
		}
	wrong("more cells than pages");
}

static void unmap(struct page *page)
{
	if (page->mapped)
		page->cell->users--;
	*page = (struct page){0};
}

static vm_address_t address_of(unsigned page)
{
	return BASE + page * VM_PAGE_SIZE;
}

void memory_reset(void)
{
	memset(pages, 0, sizeof pages);
	memset(cells, 0, sizeof cells);
}

void memory_task_starts(int space, int parent)
{
	for (unsigned i = 0; i < PAGES; i++) {
		struct page *to = &pages[space][i];
		const struct page *from = &pages[parent][i];

		if (!from->mapped || from->inheritance == VM_INHERIT_NONE)
			continue;
		*to = *from;
		if (from->inheritance == VM_INHERIT_SHARE)
			to->cell->users++;
		else
			to->cell = new_cell(from->cell->value);
	}
}

void memory_task_ends(int space)
{
	for (unsigned i = 0; i < PAGES; i++)
		unmap(&pages[space][i]);
}

/* What a call says that needs this access to a range. */
static kern_return_t check(int s, unsigned first, unsigned count, vm_prot_t access)
{
	for (unsigned i = first; i < first + count; i++) {
		if (!pages[s][i].mapped)
			return KERN_INVALID_ADDRESS;
		if (access & ~pages[s][i].protection)
			return KERN_PROTECTION_FAILURE;
	}
	return KERN_SUCCESS;
}

struct range {
	unsigned first, count;
	vm_address_t address;
	vm_size_t size;
};

static struct range any_range(unsigned most)
{
	struct range r = {.first = pick(PAGES)};

	r.count = 1 + pick(most);
	if (r.first + r.count > PAGES)
		r.count = PAGES - r.first;
	r.address = address_of(r.first);
	r.size = r.count * VM_PAGE_SIZE;
	return r;
}

/* --- Operations. */

static void op_map(int s)
{
	struct range r = any_range(6);
	vm_prot_t protection = VM_PROT_DEFAULT, maximum = VM_PROT_ALL;
	vm_inherit_t inheritance = VM_INHERIT_DEFAULT;
	kern_return_t wanted = KERN_SUCCESS, result;

	for (unsigned i = 0; i < r.count; i++)
		if (pages[s][r.first + i].mapped)
			wanted = KERN_NO_SPACE;
	if (pick(2) == 0) {
		result = vm_allocate(task_name(s), &r.address, r.size, FALSE);
	} else {
		maximum = pick(4) == 0 ? VM_PROT_DEFAULT : VM_PROT_ALL;
		protection = protections[pick(5)] & maximum;
		inheritance = pick(3);
		result = vm_map(task_name(s), &r.address, r.size, 0, FALSE, MACH_PORT_NULL, 0, FALSE, protection,
			maximum, inheritance);
	}
	say("map %u+%u, protection %d of %d, inheritance %u", r.first, r.count, protection, maximum, inheritance);
	expect("a mapping", result, wanted);
	for (unsigned i = 0; i < r.count && result == KERN_SUCCESS; i++)
		pages[s][r.first + i] = (struct page){true, protection, maximum, inheritance, new_cell(0)};
}

static void op_unmap(int s)
{
	struct range r = any_range(5);

	say("unmap %u+%u", r.first, r.count);
	expect("vm_deallocate", vm_deallocate(task_name(s), r.address, r.size), KERN_SUCCESS);
	for (unsigned i = 0; i < r.count; i++)
		unmap(&pages[s][r.first + i]);
}

static void op_protect(int s)
{
	struct range r = any_range(5);
	const bool maximum = pick(6) == 0;
	const vm_prot_t protection = maximum ? VM_PROT_DEFAULT : protections[pick(5)];
	kern_return_t wanted = check(s, r.first, r.count, VM_PROT_NONE);

	for (unsigned i = 0; i < r.count && wanted == KERN_SUCCESS; i++)
		if (protection & ~pages[s][r.first + i].maximum)
			wanted = KERN_PROTECTION_FAILURE;
	say("protect %u+%u, %d%s", r.first, r.count, protection, maximum ? ", maximum" : "");
	expect("vm_protect", vm_protect(task_name(s), r.address, r.size, maximum, protection), wanted);
	for (unsigned i = 0; i < r.count && wanted == KERN_SUCCESS; i++) {
		struct page *page = &pages[s][r.first + i];

		if (maximum)
			page->maximum = protection;
		page->protection = maximum ? page->protection & protection : protection;
	}
}

static void op_inherit(int s)
{
	struct range r = any_range(5);
	const vm_inherit_t inheritance = pick(3);
	kern_return_t wanted = check(s, r.first, r.count, VM_PROT_NONE);

	say("inherit %u+%u, %u", r.first, r.count, inheritance);
	expect("vm_inherit", vm_inherit(task_name(s), r.address, r.size, inheritance), wanted);
	for (unsigned i = 0; i < r.count && wanted == KERN_SUCCESS; i++)
		pages[s][r.first + i].inheritance = inheritance;
}

/* Pages as they stand in memory. */
static void fill(uint64_t *buffer, unsigned count, uint64_t value)
{
	for (unsigned i = 0; i < count; i++) {
		memset(buffer + i * VM_PAGE_SIZE / 8, 0, VM_PAGE_SIZE);
		buffer[i * VM_PAGE_SIZE / 8] = buffer[(i + 1) * VM_PAGE_SIZE / 8 - 1] = value + i;
	}
}

static uint64_t new_value(void)
{
	static uint64_t value;

	return value += 16;
}

static uint64_t buffer[ARRAY * VM_PAGE_SIZE / 8] __attribute__((aligned(4096)));

/* By the trap, which goes as far as it can, or by the routine, which does all or nothing. */
static void op_write(int s)
{
	struct range r = any_range(ARRAY);
	const uint64_t value = new_value();
	const bool all = pick(2) == 0;
	kern_return_t wanted = check(s, r.first, r.count, VM_PROT_WRITE);
	vm_size_t done = 0;

	say("write %u+%u by %s", r.first, r.count, all ? "vm_write" : "mach_vm_write");
	fill(buffer, r.count, value);
	if (all) {
		expect("vm_write",
			vm_write(task_name(s), r.address, (pointer_t)(uintptr_t)buffer, (mach_msg_type_number_t)r.size),
			wanted);
		done = wanted == KERN_SUCCESS ? r.count : 0;
	} else {
		expect("mach_vm_write", task_copy_to(task_name(s), r.address, r.size, buffer, 0, &done), wanted);
		done /= VM_PAGE_SIZE;
	}
	for (unsigned i = 0; i < r.count; i++) {
		if (check(s, r.first, i + 1, VM_PROT_WRITE) != KERN_SUCCESS || (all && wanted != KERN_SUCCESS)) {
			expect("pages written", (int64_t)done, i);
			break;
		}
		pages[s][r.first + i].cell->value = value + i;
	}
}

static void compare_page(int s, unsigned i, const uint64_t *got, uint64_t wanted)
{
	if (got[0] != wanted || got[VM_PAGE_SIZE / 8 - 1] != wanted)
		wrong("space %d: page %u holds %llu and %llu, not %llu", s, i, (unsigned long long)got[0],
			(unsigned long long)got[VM_PAGE_SIZE / 8 - 1], (unsigned long long)wanted);
}

static void op_read(int s)
{
	struct range r = any_range(ARRAY);
	const kern_return_t wanted = check(s, r.first, r.count, VM_PROT_READ);
	mach_msg_type_number_t size = 0;
	pointer_t data = 0;

	say("read %u+%u", r.first, r.count);
	expect("vm_read", vm_read(task_name(s), r.address, r.size, &data, &size), wanted);
	if (wanted != KERN_SUCCESS)
		return;
	for (unsigned i = 0; i < r.count; i++)
		compare_page(s, r.first + i, (const uint64_t *)data + i * VM_PAGE_SIZE / 8,
			pages[s][r.first + i].cell->value);
	vm_deallocate(mach_task_self(), data, size);
}

static void op_copy(int s)
{
	struct range from = any_range(ARRAY), to = any_range(1);
	kern_return_t wanted = check(s, from.first, from.count, VM_PROT_READ);
	uint64_t values[ARRAY];

	if (to.first + from.count > PAGES)
		return;
	if (wanted == KERN_SUCCESS)
		wanted = check(s, to.first, from.count, VM_PROT_WRITE);
	say("copy %u+%u to %u", from.first, from.count, to.first);
	expect("vm_copy", vm_copy(task_name(s), from.address, from.size, to.address), wanted);
	for (unsigned i = 0; i < from.count && wanted == KERN_SUCCESS; i++)
		values[i] = pages[s][from.first + i].cell->value;
	for (unsigned i = 0; i < from.count && wanted == KERN_SUCCESS; i++)
		pages[s][to.first + i].cell->value = values[i];
}

/* The task's own instructions. */
static void op_access(int s)
{
	const unsigned i = pick(PAGES);
	const bool store = pick(2) == 0;
	const uint64_t value = new_value();

	if (check(s, i, 1, store ? VM_PROT_WRITE : VM_PROT_READ) != KERN_SUCCESS)
		return;
	say("%s page %u", store ? "store into" : "load from", i);
	if (!store) {
		expect("a load", act(s, LOAD, address_of(i), 0, 0, 0, 0, 0), (int64_t)pages[s][i].cell->value);
		return;
	}
	act(s, STORE, address_of(i), value, 0, 0, 0, 0);
	act(s, STORE, address_of(i + 1) - 8, value, 0, 0, 0, 0);
	pages[s][i].cell->value = value;
}

void memory_operation(void)
{
	static void (*const operations[])(int) = {op_map, op_map, op_unmap, op_protect, op_inherit, op_write, op_write,
		op_read, op_copy, op_access, op_access};
	const int s = any_actor();

	if (s != 0)
		operations[pick(sizeof operations / sizeof *operations)](s);
}

/* --- Memory in messages. */

vm_address_t memory_any(int space, unsigned *count)
{
	struct range r = any_range(ARRAY);

	/* Mostly what can be had. */
	for (unsigned tries = 0; tries < 4 && check(space, r.first, r.count, VM_PROT_READ) != KERN_SUCCESS; tries++)
		r = any_range(ARRAY);
	*count = r.count;
	return r.address;
}

mach_msg_return_t memory_take(int space, vm_address_t address, unsigned count, bool deallocate, uint64_t *values)
{
	const unsigned first = (unsigned)((address - BASE) / VM_PAGE_SIZE);

	if (check(space, first, count, VM_PROT_READ) != KERN_SUCCESS)
		return MACH_SEND_INVALID_MEMORY;
	for (unsigned i = 0; i < count; i++) {
		values[i] = pages[space][first + i].cell->value;
		if (deallocate)
			unmap(&pages[space][first + i]);
	}
	return MACH_MSG_SUCCESS;
}

void memory_check_and_free(int space, vm_address_t address, unsigned count, const uint64_t *values)
{
	expect("what came is read",
		task_copy_from(task_name(space), address, count * VM_PAGE_SIZE, buffer, 0, NULL), KERN_SUCCESS);
	for (unsigned i = 0; i < count; i++)
		compare_page(space, i, buffer + i * VM_PAGE_SIZE / 8, values[i]);
	/* Who wrote into it would change nobody else's. */
	fill(buffer, count, new_value());
	expect("what came is written", task_copy_to(task_name(space), address, count * VM_PAGE_SIZE, buffer, 0, NULL),
		KERN_SUCCESS);
	expect("what came goes", vm_deallocate(task_name(space), address, count * VM_PAGE_SIZE), KERN_SUCCESS);
}

/* --- Comparison. */

static void compare_region(int s, vm_address_t start, vm_address_t end, const struct page *got)
{
	for (unsigned i = 0; i < PAGES; i++) {
		const struct page *page = &pages[s][i];

		if (address_of(i) < start || address_of(i) >= end)
			continue;
		if (!page->mapped || page->protection != got->protection || page->maximum != got->maximum ||
			page->inheritance != got->inheritance)
			wrong("space %d: page %u is mapped, protection %d of %d, inheritance %u, not %d, %d of %d, %u",
				s, i, got->protection, got->maximum, got->inheritance, page->mapped, page->protection,
				page->maximum, page->inheritance);
	}
}

static void compare_map(int s)
{
	vm_address_t at = BASE, end;
	unsigned found = 0, wanted = 0;

	for (;;) {
		vm_size_t size = 0;
		vm_offset_t offset;
		boolean_t shared;
		struct page got = {.mapped = true};

		if (portolan_vm_region(task_name(s), &at, &size, &got.protection, &got.maximum, &got.inheritance, &shared,
			    &offset) != KERN_SUCCESS ||
			at >= address_of(PAGES))
			break;
		end = at + size;
		compare_region(s, at, end, &got);
		found += (unsigned)((end - (at < BASE ? BASE : at)) / VM_PAGE_SIZE);
		at = end;
	}
	for (unsigned i = 0; i < PAGES; i++)
		wanted += pages[s][i].mapped;
	if (found != wanted)
		wrong("space %d has %u pages, not %u", s, found, wanted);
}

void compare_memory(int s)
{
	compare_map(s);
	for (unsigned i = 0; i < PAGES; i++) {
		const kern_return_t wanted = check(s, i, 1, VM_PROT_READ);

		expect("a page is read",
			task_copy_from(task_name(s), address_of(i), VM_PAGE_SIZE, buffer, 0, NULL), wanted);
		if (wanted == KERN_SUCCESS)
			compare_page(s, i, buffer, pages[s][i].cell->value);
	}
}
