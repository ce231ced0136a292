/* Virtual memory: allocation, protection, copies, inheritance, reading and writing other tasks, words to wait on. */
#include "test.h"

#include <string.h>

/* Whether one byte at the address can be read. */
static bool readable(vm_address_t address)
{
	char byte;

	return task_copy_from(mach_task_self(), address, 1, &byte, 0, NULL) == KERN_SUCCESS;
}

static bool writable(vm_address_t address)
{
	char byte = 0;

	return task_copy_to(mach_task_self(), address, 1, &byte, 0, NULL) == KERN_SUCCESS;
}

static void test_allocate(void)
{
	mach_port_t self = mach_task_self();
	vm_address_t a = 0, b = 0x7000000000, region;
	vm_size_t size = 0;
	vm_prot_t protection, maximum;
	vm_inherit_t inheritance;
	boolean_t shared;
	vm_offset_t offset;
	volatile char *p;

	check_is("memory anywhere", vm_allocate(self, &a, 5 * VM_PAGE_SIZE, TRUE), KERN_SUCCESS);
	p = (volatile char *)a;
	check("it is zero", p[0] == 0 && p[5 * VM_PAGE_SIZE - 1] == 0);
	p[0] = 1;
	p[5 * VM_PAGE_SIZE - 1] = 2;
	check("it can be written", p[0] == 1 && p[5 * VM_PAGE_SIZE - 1] == 2);
	check_is("memory at an address", vm_allocate(self, &b, VM_PAGE_SIZE, FALSE), KERN_SUCCESS);
	check_is("is at that address", b, 0x7000000000);
	check_is("an address is given only once", vm_allocate(self, &b, VM_PAGE_SIZE, FALSE), KERN_NO_SPACE);
	check_is("a hole is made", vm_deallocate(self, a + VM_PAGE_SIZE, VM_PAGE_SIZE), KERN_SUCCESS);
	check("what is before it stays", readable(a));
	check("the hole is gone", !readable(a + VM_PAGE_SIZE));
	check("what is behind it stays", p[5 * VM_PAGE_SIZE - 1] == 2);

	check_is("protection is set", vm_protect(self, a, VM_PAGE_SIZE, FALSE, VM_PROT_READ), KERN_SUCCESS);
	check("a read-only page is read", readable(a));
	check("a read-only page is not written", !writable(a));
	check_is("the maximum is lowered", vm_protect(self, a, VM_PAGE_SIZE, TRUE, VM_PROT_READ), KERN_SUCCESS);
	check_is("what is above the maximum is refused", vm_protect(self, a, VM_PAGE_SIZE, FALSE, VM_PROT_DEFAULT),
		KERN_PROTECTION_FAILURE);
	region = a;
	check_is("a region is described",
		portolan_vm_region(self, &region, &size, &protection, &maximum, &inheritance, &shared, &offset), KERN_SUCCESS);
	check("with its place", region == a && size == VM_PAGE_SIZE);
	check("and protection", protection == VM_PROT_READ && maximum == VM_PROT_READ);
	region = a + VM_PAGE_SIZE;
	check_is("from a hole on",
		portolan_vm_region(self, &region, &size, &protection, &maximum, &inheritance, &shared, &offset), KERN_SUCCESS);
	check_is("the next region", region, a + 2 * VM_PAGE_SIZE);
	vm_deallocate(self, a, 5 * VM_PAGE_SIZE);
	vm_deallocate(self, b, VM_PAGE_SIZE);

	a = 0;
	check("all memory there is plus some is refused", vm_allocate(self, &a, 1ull << 47, TRUE) != KERN_SUCCESS);
	check("a size that wraps is refused", vm_allocate(self, &a, ~0ull - 100, TRUE) != KERN_SUCCESS);
	a = 0xffffffff80000000;
	check("the kernel's addresses are refused", vm_allocate(self, &a, VM_PAGE_SIZE, FALSE) != KERN_SUCCESS);
	a = 0;
	check("the null page is refused", vm_allocate(self, &a, VM_PAGE_SIZE, FALSE) != KERN_SUCCESS);
}

static void test_copies(void)
{
	enum { PAGES = 8 };
	const vm_size_t size = PAGES * VM_PAGE_SIZE;
	mach_port_t self = mach_task_self();
	vm_address_t a = 0, b = 0, data = 0;
	volatile uint32_t *from, *to;

	vm_allocate(self, &a, size, TRUE);
	vm_allocate(self, &b, size, TRUE);
	from = (volatile uint32_t *)a;
	to = (volatile uint32_t *)b;
	for (unsigned i = 0; i < size / 4; i++)
		from[i] = i;
	check_is("vm_copy", vm_copy(self, a, size, b), KERN_SUCCESS);
	check("copies", to[0] == 0 && to[size / 4 - 1] == size / 4 - 1);
	from[1] = 99;
	to[1025] = 98;
	check("the copy does not see the source's writes", to[1] == 1);
	check("the source does not see the copy's writes", from[1025] == 1025);
	check_is("vm_copy of a copy", vm_copy(self, b, size, a), KERN_SUCCESS);
	check("has the copy's contents", from[1] == 1 && from[1025] == 98);

	check_is("vm_read", vm_read(self, a, size, &data, &(mach_msg_type_number_t){0}), KERN_SUCCESS);
	from[3] = 55;
	check("gives a copy", ((volatile uint32_t *)data)[3] == 3);
	check_is("vm_write", vm_write(self, b, data, (mach_msg_type_number_t)size), KERN_SUCCESS);
	check("writes it", to[1025] == 98 && to[3] == 3);
	vm_deallocate(self, data, size);
	check_is("vm_read again", vm_read(self, a, size, &data, &(mach_msg_type_number_t){0}), KERN_SUCCESS);
	vm_protect(self, b + size - VM_PAGE_SIZE, VM_PAGE_SIZE, FALSE, VM_PROT_READ);
	check_is("vm_write to a protected page", vm_write(self, b, data, (mach_msg_type_number_t)size),
		KERN_PROTECTION_FAILURE);
	check("writes nothing before it either", to[3] == 3);
	check_is("vm_copy to a protected page", vm_copy(self, a, size, b), KERN_PROTECTION_FAILURE);
	check("writes nothing before it either (vm_copy)", to[3] == 3);
	vm_protect(self, b, size, FALSE, VM_PROT_DEFAULT);
	vm_deallocate(self, data, size);
	check_is("vm_read of nothing", vm_read(self, 0x66660000, size, &data, &(mach_msg_type_number_t){0}),
		KERN_INVALID_ADDRESS);
	vm_deallocate(self, a, size);
	vm_deallocate(self, b, size);
}

/* In a child: adds one to the first word of three pages, then waits to be ended. */
static void add_one(uint64_t address)
{
	volatile uint32_t *p = (volatile uint32_t *)address;

	p[0]++;
	p[1024]++;
	p[3072] = 1;
	for (;;)
		nap(1000);
}

static void test_inheritance(void)
{
	mach_port_t self = mach_task_self();
	vm_address_t a = 0;
	volatile uint32_t *p;
	struct child child;
	uint32_t seen[2] = {0, 0};
	vm_size_t done = 0;

	vm_allocate(self, &a, 5 * VM_PAGE_SIZE, TRUE);
	vm_protect(self, a + 4 * VM_PAGE_SIZE, VM_PAGE_SIZE, TRUE, VM_PROT_READ);
	p = (volatile uint32_t *)a;
	p[0] = 10;
	p[1024] = 20;
	p[2048] = 30;
	check_is("a page is shared", vm_inherit(self, a + VM_PAGE_SIZE, VM_PAGE_SIZE, VM_INHERIT_SHARE), KERN_SUCCESS);
	check_is("a page is kept back", vm_inherit(self, a + 2 * VM_PAGE_SIZE, VM_PAGE_SIZE, VM_INHERIT_NONE),
		KERN_SUCCESS);
	check_is("a page untouched is shared", vm_inherit(self, a + 3 * VM_PAGE_SIZE, VM_PAGE_SIZE, VM_INHERIT_SHARE),
		KERN_SUCCESS);
	if (!child_create(&child, add_one, a, MACH_PORT_NULL))
		return;
	thread_resume(child.thread);
	for (int i = 0; i < PATIENCE && p[3072] == 0; i++)
		nap(1);
	check("a shared page shows the child's write", p[1024] == 21 && p[3072] == 1);
	check("a copied page does not", p[0] == 10);
	check_is("another task is read", task_copy_from(child.task, a, 4, &seen[0], 0, &done), KERN_SUCCESS);
	check("its copy has its own write", seen[0] == 11 && done == 4);
	check_is("what was kept back is not there",
		task_copy_from(child.task, a + 2 * VM_PAGE_SIZE, 4, &seen[1], 0, &done), KERN_INVALID_ADDRESS);
	check_is("a maximum of protection is inherited",
		vm_protect(child.task, a + 4 * VM_PAGE_SIZE, VM_PAGE_SIZE, FALSE, VM_PROT_DEFAULT),
		KERN_PROTECTION_FAILURE);
	seen[0] = 500;
	check_is("another task is written", task_copy_to(child.task, a, 4, &seen[0], 0, &done), KERN_SUCCESS);
	check("only there", p[0] == 10);
	task_copy_from(child.task, a, 4, &seen[1], 0, NULL);
	check("and it shows there", seen[1] == 500);
	seen[0] = 499;
	seen[1] = 501;
	check_is("a word that is not what was said stays", task_copy_to(child.task, a, 4, seen, VM_COPY_SWAP, NULL),
		KERN_FAILURE);
	seen[0] = 500;
	check_is("one that is changes", task_copy_to(child.task, a, 4, seen, VM_COPY_SWAP, NULL), KERN_SUCCESS);
	task_copy_from(child.task, a, 4, &seen[0], 0, NULL);
	check("to the second", seen[0] == 501 && p[0] == 10);
	check_is("it is aligned", task_copy_to(child.task, a + 2, 4, seen, VM_COPY_SWAP, NULL), KERN_INVALID_ARGUMENT);
	check_is(
		"and has four bytes", task_copy_to(child.task, a, 8, seen, VM_COPY_SWAP, NULL), KERN_INVALID_ARGUMENT);
	check_is("and may be written", task_copy_to(child.task, a + 4 * VM_PAGE_SIZE, 4, seen, VM_COPY_SWAP, NULL),
		KERN_PROTECTION_FAILURE);
	check_is("a copy says how far it got",
		task_copy_from(
			child.task, a + VM_PAGE_SIZE - 8, 4 * VM_PAGE_SIZE, (void *)(a + 2 * VM_PAGE_SIZE), 0, &done),
		KERN_INVALID_ADDRESS);
	child_end(&child);
	vm_deallocate(self, a, 5 * VM_PAGE_SIZE);
}

/* Children of children: the chains of shadow objects collapse, so that memory does not grow. */
static void test_chains(void)
{
	mach_port_t self = mach_task_self();
	vm_statistics_data_t before, after;
	vm_address_t a = 0;
	volatile uint32_t *p;
	bool good = true;

	vm_allocate(self, &a, 16 * VM_PAGE_SIZE, TRUE);
	p = (volatile uint32_t *)a;
	vm_statistics(self, &before);
	for (uint32_t i = 0; i < 60; i++) {
		mach_port_t task = MACH_PORT_NULL;
		good = good && task_create(self, TRUE, &task) == KERN_SUCCESS;
		for (unsigned page = 0; page < 16; page++)
			p[page * 1024] = i + page;
		task_terminate(task);
		mach_port_deallocate(self, task);
		for (unsigned page = 0; page < 16; page++)
			good = good && p[page * 1024] == i + page;
	}
	vm_statistics(self, &after);
	check("sixty children, and every write stays", good);
	check_at("their memory is given back", before.free_count < after.free_count + 300,
		(long long)(before.free_count - after.free_count), __FILE__, __LINE__);
	vm_deallocate(self, a, 16 * VM_PAGE_SIZE);
}

void test_memory(void)
{
	test_allocate();
	test_copies();
	test_inheritance();
	test_chains();
}
