/* External memory objects: a pager in this task, its clients, dirty pages, errors, and the pager's death. */
#include "test.h"

#include <mach/pager.h>
#include <string.h>

enum { OBJECT_PAGES = 32, ERROR_PAGE = 20, SILENT_PAGE = 21, ZERO_PAGE = 22 };

static struct pager_object object;
static mach_port_t set;
static volatile unsigned requests, returned, returned_word;
static volatile int terminated;

/* Page n is full of words n * 1000; some pages are errors, zeros, or never answered. */
static void on_request(struct pager_object *o, vm_offset_t offset, vm_size_t length, vm_prot_t access)
{
	(void)access;
	__atomic_add_fetch(&requests, 1, __ATOMIC_SEQ_CST);
	for (; length > 0; offset += VM_PAGE_SIZE, length -= VM_PAGE_SIZE) {
		uint64_t page = offset / VM_PAGE_SIZE;
		vm_address_t data = 0;

		if (page == ERROR_PAGE) {
			pager_error(o, offset, VM_PAGE_SIZE, KERN_MEMORY_ERROR);
		} else if (page == ZERO_PAGE) {
			pager_zero(o, offset, VM_PAGE_SIZE);
		} else if (page != SILENT_PAGE) {
			vm_allocate(mach_task_self(), &data, VM_PAGE_SIZE, TRUE);
			for (unsigned i = 0; i < VM_PAGE_SIZE / 4; i++)
				((uint32_t *)data)[i] = (uint32_t)page * 1000;
			pager_supply(o, offset, data, VM_PAGE_SIZE, VM_PROT_NONE, FALSE);
		}
	}
}

static void on_return(struct pager_object *o, vm_offset_t offset, vm_address_t data, vm_size_t length, boolean_t dirty,
	boolean_t kernel_copy)
{
	(void)o;
	(void)offset;
	(void)kernel_copy;
	if (dirty) {
		returned_word = *(volatile uint32_t *)data;
		__atomic_add_fetch(&returned, (unsigned)(length / VM_PAGE_SIZE), __ATOMIC_SEQ_CST);
	}
	vm_deallocate(mach_task_self(), data, length);
}

static void on_terminate(struct pager_object *o)
{
	(void)o;
	terminated = 1;
}

static const struct pager_ops ops = {.data_request = on_request, .data_return = on_return, .terminate = on_terminate};
static const struct mig_subsystem *const subsystems[] = {&memory_object_subsystem, &notify_subsystem, NULL};

static kern_return_t map_object(mach_port_t right, vm_address_t *address, boolean_t copy)
{
	*address = 0;
	return vm_map(mach_task_self(), address, OBJECT_PAGES * VM_PAGE_SIZE, 0, TRUE, right, 0, copy, VM_PROT_DEFAULT,
		VM_PROT_ALL, VM_INHERIT_DEFAULT);
}

static kern_return_t read_word(vm_address_t address, uint32_t *value)
{
	return task_copy_from(mach_task_self(), address, 4, value, 0, NULL);
}

/* Reads a page whose pager never answers; to be ended from outside. */
static void silent_reader(uint64_t address)
{
	(void)*(volatile uint32_t *)address;
	nap(100000);
}

static void test_dead_pager(mach_port_t right, vm_address_t mapped)
{
	struct child child;
	uint32_t value = 0;
	vm_size_t done = 0;

	pager_lock_range(&object, 25 * VM_PAGE_SIZE, VM_PAGE_SIZE, MEMORY_OBJECT_RETURN_NONE, TRUE,
		VM_PROT_NO_CHANGE); /* read ahead */
	check_is("a copy with NOWAIT does not wait for a pager",
		task_copy_from(mach_task_self(), mapped + 25 * VM_PAGE_SIZE, 4, &value, VM_COPY_NOWAIT, &done),
		KERN_ABSENT);
	/* A thread that waits for a page can be ended while it waits. */
	if (child_create(&child, silent_reader, mapped + SILENT_PAGE * VM_PAGE_SIZE, MACH_PORT_NULL)) {
		thread_resume(child.thread);
		nap(100);
		check_is("a thread that waits for a page is ended", task_terminate(child.task), KERN_SUCCESS);
		mach_port_deallocate(mach_task_self(), child.thread);
		mach_port_deallocate(mach_task_self(), child.task);
	}
	/* The pager dies: its receive right goes. */
	mach_port_mod_refs(mach_task_self(), object.port, MACH_PORT_RIGHT_RECEIVE, -1);
	check_is("resident pages outlive the pager", read_word(mapped + 2 * VM_PAGE_SIZE, &value), KERN_SUCCESS);
	check("a page of a dead pager is an error", read_word(mapped + 30 * VM_PAGE_SIZE, &value) != KERN_SUCCESS);
	check("other memory goes on", read_word((vm_address_t)&right, &value) == KERN_SUCCESS);
}

static struct pager_object upper;
static mach_port_t lower_right;
static volatile unsigned upper_requests, upper_writes;
static volatile int forward_result;

/* All of it is the other object's, but a page that somebody wants to write. */
static void on_upper_request(struct pager_object *o, vm_offset_t offset, vm_size_t length, vm_prot_t access)
{
	__atomic_add_fetch(&upper_requests, 1, __ATOMIC_SEQ_CST);
	if (access & VM_PROT_WRITE) {
		upper_writes++;
		on_request(o, offset, length, access);
		return;
	}
	forward_result = pager_forward(o, 0, OBJECT_PAGES * VM_PAGE_SIZE, lower_right, 0);
}

static void forwarding(mach_port_t right, vm_address_t lower)
{
	static const struct pager_ops upper_ops = {.data_request = on_upper_request, .data_return = on_return};
	mach_port_t upper_right = MACH_PORT_NULL, control;
	vm_address_t above;
	uint32_t value = 0;

	lower_right = right;
	check_is("an object to show another is made",
		pager_object_init(&upper, &upper_ops, set, FALSE, MEMORY_OBJECT_COPY_DELAY), KERN_SUCCESS);
	check_is("its right is handed out", pager_object_send_right(&upper, &upper_right), KERN_SUCCESS);
	check_is("it is mapped", map_object(upper_right, &above, FALSE), KERN_SUCCESS);
	*(volatile uint32_t *)(lower + 9 * VM_PAGE_SIZE) = 999;
	check("it shows what the other has", *(volatile uint32_t *)(above + 9 * VM_PAGE_SIZE) == 999);
	check_is("the kernel took that", forward_result, KERN_SUCCESS);
	check("another page comes without its pager",
		*(volatile uint32_t *)(above + 14 * VM_PAGE_SIZE) == 14000 && upper_requests == 1);
	*(volatile uint32_t *)(lower + 14 * VM_PAGE_SIZE) = 141;
	check("it is the same page", *(volatile uint32_t *)(above + 14 * VM_PAGE_SIZE) == 141);
	*(volatile uint32_t *)(above + 14 * VM_PAGE_SIZE) = 142;
	check("a write is to a page of its own, which its pager gives",
		upper_writes == 1 && *(volatile uint32_t *)(lower + 14 * VM_PAGE_SIZE) == 141 &&
			*(volatile uint32_t *)(above + 14 * VM_PAGE_SIZE) == 142);
	check("an error below is one above", read_word(above + ERROR_PAGE * VM_PAGE_SIZE, &value) != KERN_SUCCESS);
	pager_lock_range(&object, 9 * VM_PAGE_SIZE, VM_PAGE_SIZE, MEMORY_OBJECT_RETURN_NONE, TRUE, VM_PROT_NO_CHANGE);
	check("what is dropped below is gone above", *(volatile uint32_t *)(above + 9 * VM_PAGE_SIZE) == 9000);

	control = object.control;
	check_is("an older object shows no younger one",
		memory_object_data_forward(control, 0, VM_PAGE_SIZE, upper_right, 0), KERN_INVALID_ARGUMENT);
	check_is("nor itself", memory_object_data_forward(control, 0, VM_PAGE_SIZE, right, 0), KERN_INVALID_ARGUMENT);
	check_is("no part of a page", memory_object_data_forward(upper.control, 8, VM_PAGE_SIZE, right, 0),
		KERN_INVALID_ARGUMENT);
	check_is("no range that wraps",
		memory_object_data_forward(upper.control, -(vm_offset_t)VM_PAGE_SIZE, 2 * VM_PAGE_SIZE, right, 0),
		KERN_INVALID_ARGUMENT);
	check_is("not nothing", memory_object_data_forward(upper.control, 0, VM_PAGE_SIZE, MACH_PORT_NULL, 0),
		KERN_INVALID_ARGUMENT);
	check("by its own port nobody does it",
		memory_object_data_forward(upper_right, 0, VM_PAGE_SIZE, right, 0) != KERN_SUCCESS);
	check("what was shown is shown", *(volatile uint32_t *)(above + 10 * VM_PAGE_SIZE) == 10000);
	vm_deallocate(mach_task_self(), above, OBJECT_PAGES * VM_PAGE_SIZE);
	mach_port_deallocate(mach_task_self(), upper_right);
}

/* A memory object that has died is not one that was left out: no memory of zeros is mapped in its place. */
static void dead_object(void)
{
	mach_port_t dead = new_port();
	vm_address_t address = 0;

	mach_port_mod_refs(mach_task_self(), dead, MACH_PORT_RIGHT_RECEIVE, -1);
	check_is("the right is a dead name", type_of(dead), MACH_PORT_TYPE_DEAD_NAME);
	check_is("a dead memory object is not mapped",
		vm_map(mach_task_self(), &address, VM_PAGE_SIZE, 0, TRUE, dead, 0, FALSE, VM_PROT_DEFAULT, VM_PROT_ALL,
			VM_INHERIT_NONE),
		KERN_INVALID_CAPABILITY);
	mach_port_deallocate(mach_task_self(), dead);
}

static volatile int asked;

static void slow_return(struct pager_object *o, vm_offset_t offset, vm_address_t data, vm_size_t length, boolean_t dirty,
	boolean_t kernel_copy)
{
	while (!asked)
		nap(1);
	nap(20);
	on_return(o, offset, data, length, dirty, kernel_copy);
}

/* Pages are asked for that are on their way already, since the kernel has let go of the object: they come, and that is no error. */
static void let_go(void)
{
	static const struct pager_ops slow_ops = {.data_request = on_request, .data_return = slow_return};
	static struct pager_object left;
	mach_port_t left_set, right = MACH_PORT_NULL;
	vm_address_t address;

	mach_port_allocate(mach_task_self(), MACH_PORT_RIGHT_PORT_SET, &left_set);
	pager_object_init(&left, &slow_ops, left_set, FALSE, MEMORY_OBJECT_COPY_NONE);
	mach_server_start_threads(left_set, subsystems, 1);
	pager_object_send_right(&left, &right);
	check_is("an object is mapped that the kernel does not keep", map_object(right, &address, FALSE), KERN_SUCCESS);
	*(volatile uint32_t *)(address + 2 * VM_PAGE_SIZE) = 222;
	vm_deallocate(mach_task_self(), address, OBJECT_PAGES * VM_PAGE_SIZE);
	asked = 1;
	check_is("pages are asked for while they are on their way",
		pager_lock_range(&left, 0, 16 * VM_PAGE_SIZE, MEMORY_OBJECT_RETURN_DIRTY, FALSE, VM_PROT_NO_CHANGE),
		KERN_SUCCESS);
	check_is("and have come", returned_word, 222);
	mach_port_deallocate(mach_task_self(), right);
}

void test_pager(void)
{
	mach_port_t right = MACH_PORT_NULL;
	vm_address_t a, b, c;
	uint32_t value = 0;
	unsigned before;
	bool good = true;

	dead_object();
	mach_port_allocate(mach_task_self(), MACH_PORT_RIGHT_PORT_SET, &set);
	check_is("a memory object is made", pager_object_init(&object, &ops, set, TRUE, MEMORY_OBJECT_COPY_DELAY),
		KERN_SUCCESS);
	check_is("its server threads start", mach_server_start_threads(set, subsystems, 2), KERN_SUCCESS);
	check_is("its right is handed out", pager_object_send_right(&object, &right), KERN_SUCCESS);
	check_is("it is mapped", map_object(right, &a, FALSE), KERN_SUCCESS);
	check_is("it is mapped again", map_object(right, &b, FALSE), KERN_SUCCESS);
	check_is("a private copy is mapped", map_object(right, &c, TRUE), KERN_SUCCESS);

	check("a page comes from the pager", *(volatile uint32_t *)(a + 3 * VM_PAGE_SIZE) == 3000);
	before = requests;
	check("it is there for the other mapping", *(volatile uint32_t *)(b + 3 * VM_PAGE_SIZE + 8) == 3000);
	check("and for the private one", *(volatile uint32_t *)(c + 3 * VM_PAGE_SIZE + 8) == 3000);
	check_is("without another request", requests, before);
	*(volatile uint32_t *)(a + 3 * VM_PAGE_SIZE) = 333;
	check("a write shows in the other mapping", *(volatile uint32_t *)(b + 3 * VM_PAGE_SIZE) == 333);
	*(volatile uint32_t *)(c + 4 * VM_PAGE_SIZE) = 444;
	check("a private write does not", *(volatile uint32_t *)(a + 4 * VM_PAGE_SIZE) == 4000);
	check("the private copy keeps it", *(volatile uint32_t *)(c + 4 * VM_PAGE_SIZE) == 444);
	for (unsigned page = 0; page < 16; page++)
		if (page != 3)
			good = good && *(volatile uint32_t *)(b + page * VM_PAGE_SIZE + 16) == page * 1000;
	check("every page has its contents", good);
	check("data_unavailable gives zeros", *(volatile uint32_t *)(a + ZERO_PAGE * VM_PAGE_SIZE) == 0);
	check("data_error is an error", read_word(a + ERROR_PAGE * VM_PAGE_SIZE, &value) != KERN_SUCCESS);

	check_is("dirty pages are asked back",
		pager_lock_range(&object, 0, 16 * VM_PAGE_SIZE, MEMORY_OBJECT_RETURN_DIRTY, FALSE, VM_PROT_NO_CHANGE),
		KERN_SUCCESS);
	/* The completion may overtake it: two threads serve. */
	check_is("the dirty page came back", wait_until_is(&returned, 1), 1);
	check_is("with what was written", returned_word, 333);
	pager_lock_range(&object, 0, 16 * VM_PAGE_SIZE, MEMORY_OBJECT_RETURN_DIRTY, FALSE, VM_PROT_NO_CHANGE);
	check_is("and only once", returned, 1);
	*(volatile uint32_t *)(a + 5 * VM_PAGE_SIZE) = 555;
	check_is("vm_msync", portolan_vm_msync(mach_task_self(), a, 16 * VM_PAGE_SIZE, FALSE), KERN_SUCCESS);
	check_is("returns the page written since", returned_word, 555);
	before = requests;
	check_is("pages are flushed",
		pager_lock_range(&object, 0, 16 * VM_PAGE_SIZE, MEMORY_OBJECT_RETURN_DIRTY, TRUE, VM_PROT_NO_CHANGE),
		KERN_SUCCESS);
	check("a flushed page is asked for again",
		*(volatile uint32_t *)(a + 7 * VM_PAGE_SIZE) == 7000 && requests > before);
	check("a private page is not flushed", *(volatile uint32_t *)(c + 4 * VM_PAGE_SIZE) == 444);
	check("page 2 is resident", *(volatile uint32_t *)(a + 2 * VM_PAGE_SIZE) == 2000);

	forwarding(right, b);
	let_go();
	test_dead_pager(right, a);
	vm_deallocate(mach_task_self(), a, OBJECT_PAGES * VM_PAGE_SIZE);
	vm_deallocate(mach_task_self(), b, OBJECT_PAGES * VM_PAGE_SIZE);
	vm_deallocate(mach_task_self(), c, OBJECT_PAGES * VM_PAGE_SIZE);
}
