/* Memory with a size: what is beyond it, who pays, what is given back. */
#include "test.h"

#include <mach/account.h>
#include <mach/special_ports.h>
#include <string.h>

enum { PAGES = 4, LIMIT = 10 };
#define BYTES(pages) ((vm_size_t)(pages) * VM_PAGE_SIZE)

/* What a write of one byte to the page says. */
static kern_return_t touch(vm_address_t memory, unsigned page)
{
	char byte = 'x';

	return task_copy_to(mach_task_self(), memory + BYTES(page), 1, &byte, 0, NULL);
}

static int look_of(mach_port_t task, vm_address_t memory, unsigned page)
{
	char byte = 0;

	return task_copy_from(task, memory + BYTES(page), 1, &byte, 0, NULL) == KERN_SUCCESS ? byte : -1;
}

static int look(vm_address_t memory, unsigned page)
{
	return look_of(mach_task_self(), memory, page);
}

static vm_address_t map(mach_port_t memory, unsigned pages, boolean_t copy)
{
	vm_address_t at = 0;

	check_is("it is mapped, beyond its end too",
		vm_map(mach_task_self(), &at, BYTES(pages), 0, TRUE, memory, 0, copy, VM_PROT_DEFAULT, VM_PROT_ALL,
			VM_INHERIT_COPY),
		KERN_SUCCESS);
	return at;
}

static uint64_t pages_of(mach_port_t memory)
{
	uint64_t pages = 0;

	sized_memory_pages(memory, &pages);
	return pages;
}

static uint64_t account_pages(mach_port_t account)
{
	struct account_info info = {0};

	account_info(account, (uint64_t *)&info);
	return info.pages;
}

static void test_end(mach_port_t memory)
{
	vm_address_t at = map(memory, 2 * PAGES, FALSE), other = map(memory, PAGES, FALSE);
	vm_address_t private = map(memory, 2 * PAGES, TRUE);
	mach_port_t child = MACH_PORT_NULL;

	check_is("its last page", touch(at, PAGES - 1), KERN_SUCCESS);
	check_is("a page beyond the end", touch(at, PAGES), KERN_BEYOND_END);
	check_is("is not read either", look(at, PAGES), -1);
	check_is("nor in a private mapping", look(private, PAGES), -1);
	check_is("it has the page that was touched", pages_of(memory), 1);
	check_is("all that map it see it", look(other, PAGES - 1), 'x');
	check_is("a private mapping, too", look(private, PAGES - 1), 'x');
	check_is("what is written there", touch(private, 0), KERN_SUCCESS);
	check_is("stays there", look(at, 0), 0);

	check_is("a child inherits them", task_create(mach_task_self(), TRUE, &child), KERN_SUCCESS);
	touch(at, 1);
	check_is("and sees what is written until it writes itself", look_of(child, private, 1), 'x');
	check_is("but what was written before", look_of(child, private, 0), 'x');
	check_is("which takes no further page of it", pages_of(memory), 3);
	task_terminate(child);
	mach_port_deallocate(mach_task_self(), child);
	sized_memory_discard(memory, BYTES(1), BYTES(1));

	check_is("it grows", sized_memory_set_size(memory, BYTES(PAGES) + 1), KERN_SUCCESS);
	check_is("by whole pages", touch(at, PAGES), KERN_SUCCESS);
	check_is("and no more", touch(at, PAGES + 1), KERN_BEYOND_END);
	check_is("it shrinks", sized_memory_set_size(memory, BYTES(1)), KERN_SUCCESS);
	check_is("what is beyond has gone", look(at, PAGES - 1), -1);
	check_is("from all mappings", look(other, PAGES - 1), -1);
	check_is("and is nobody's", pages_of(memory), 1);
	sized_memory_set_size(memory, BYTES(PAGES));
	check_is("it comes back as zeros", look(at, PAGES - 1), 0);
	vm_deallocate(mach_task_self(), at, BYTES(2 * PAGES));
	vm_deallocate(mach_task_self(), other, BYTES(PAGES));
	vm_deallocate(mach_task_self(), private, BYTES(2 * PAGES));
}

static void test_holes(mach_port_t memory)
{
	vm_address_t at = map(memory, PAGES, FALSE);
	vm_offset_t found = 0;

	sized_memory_set_size(memory, 0);
	sized_memory_set_size(memory, BYTES(PAGES));
	sized_memory_find(memory, 0, BYTES(PAGES), TRUE, &found);
	check_is("where nothing was touched nothing is found", found, BYTES(PAGES));
	touch(at, 1);
	touch(at, 2);
	sized_memory_find(memory, 5, BYTES(PAGES), TRUE, &found);
	check_is("the first page that was", found, BYTES(1));
	sized_memory_find(memory, BYTES(1) + 5, BYTES(PAGES), FALSE, &found);
	check_is("the first behind it that was not", found, BYTES(3));
	sized_memory_find(memory, BYTES(1), BYTES(2), FALSE, &found);
	check_is("no further than is asked", found, BYTES(2));
	check_is("parts of pages are not discarded", sized_memory_discard(memory, BYTES(1) + 1, BYTES(1)), KERN_SUCCESS);
	check_is("so both are there", pages_of(memory), 2);
	check_is("whole pages are", sized_memory_discard(memory, BYTES(1), BYTES(1) + 1), KERN_SUCCESS);
	check("one of them", pages_of(memory) == 1 && look(at, 2) == 'x');
	check_is("it reads as zeros", look(at, 1), 0);
	check_is("a range that wraps", sized_memory_discard(memory, ~0ull - 5, 10), KERN_INVALID_ARGUMENT);
	vm_deallocate(mach_task_self(), at, BYTES(PAGES));
}

static void test_account(mach_port_t account)
{
	mach_port_t memory = MACH_PORT_NULL;
	vm_address_t at;
	unsigned touched = 0;

	check_is("memory for more than the account may have", sized_memory_create(account, BYTES(2 * LIMIT), &memory),
		KERN_SUCCESS);
	at = map(memory, 2 * LIMIT, FALSE);
	while (touched < 2 * LIMIT && touch(at, touched) == KERN_SUCCESS)
		touched++;
	check_is("has as many pages as that", touched, LIMIT);
	check_is("then there is no space", touch(at, touched), KERN_NO_SPACE);
	check_is("the account has them, whoever touched them", account_pages(account), LIMIT);
	check_is("one less", sized_memory_discard(memory, 0, BYTES(1)), KERN_SUCCESS);
	check_is("makes room for another", touch(at, touched), KERN_SUCCESS);
	check_is("the right goes", mach_port_deallocate(mach_task_self(), memory), KERN_SUCCESS);
	check_is("who maps it keeps it", look(at, 1), 'x');
	vm_deallocate(mach_task_self(), at, BYTES(2 * LIMIT));
	check_is("and then it has gone", account_pages(account), 0);
}

void test_sized_memory(void)
{
	mach_port_t host = MACH_PORT_NULL, account = MACH_PORT_NULL, memory = MACH_PORT_NULL;

	portolan_mach_ports_lookup(mach_task_self(), REGISTERED_HOST_PRIV, &host, &(mach_msg_type_name_t){0});
	check_is("an account", account_create(host, FALSE, 1 << 20, LIMIT, &account), KERN_SUCCESS);
	check_is("memory with a size", sized_memory_create(account, BYTES(PAGES), &memory), KERN_SUCCESS);
	test_end(memory);
	test_holes(memory);
	mach_port_deallocate(mach_task_self(), memory);
	test_account(account);
	check_is("a size that is too large", sized_memory_create(account, ~0ull, &memory), KERN_INVALID_ARGUMENT);
	check_is("what is no account", sized_memory_create(host, BYTES(1), &memory), KERN_INVALID_ARGUMENT);
	check_is("what is no such memory", sized_memory_set_size(account, 0), KERN_INVALID_ARGUMENT);
	host_memory(host, BYTES(1), &memory);
	check_is("what has a size for good", sized_memory_set_size(memory, 0), KERN_INVALID_ARGUMENT);
	mach_port_deallocate(mach_task_self(), memory);
	mach_port_deallocate(mach_task_self(), account);
	mach_port_deallocate(mach_task_self(), host);
}
