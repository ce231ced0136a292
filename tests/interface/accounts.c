/* Accounts: what tasks cost is on them, limits are errors to them alone, and nothing is left in the end. */
#include "test.h"

#include <mach/host_counters.h>
#include <stdlib.h>
#include <string.h>

#define MANY 64

static struct account_info info_of(mach_port_t account)
{
	struct account_info info = {0};

	if (account_info(account, (uint64_t *)&info) != KERN_SUCCESS)
		memset(&info, 0xff, sizeof(info));
	return info;
}

static uint64_t billed_to_nobody(mach_port_t host)
{
	struct host_memory_info info = {0};
	mach_msg_type_number_t count = HOST_MEMORY_INFO_COUNT;

	portolan_host_info(host, HOST_MEMORY_INFO, (uint64_t *)&info, &count);
	return info.kernel_bytes;
}

/* Ports in the task until it may have no more. */
static unsigned fill_with_ports(mach_port_t task)
{
	mach_port_t name;
	unsigned made = 0;

	while (made < 100000 && mach_port_allocate(task, MACH_PORT_RIGHT_RECEIVE, &name) == KERN_SUCCESS)
		made++;
	return made;
}

static void test_kernel_memory(mach_port_t host)
{
	uint64_t nobody = billed_to_nobody(host), before;
	mach_port_t account, task, other;
	unsigned made;

	check_is("an account is made", account_create(host, FALSE, 1 << 20, 100, &account), KERN_SUCCESS);
	check_is("it begins with its port", info_of(account).bytes < 1024, 1);
	before = info_of(account).bytes;
	check_is("a task is made on it", task_create_in(account, mach_task_self(), FALSE, &task), KERN_SUCCESS);
	check("the task is on the account", info_of(account).bytes > before + 4096);
	check_is("a task's account is found", task_get_account(task, &other), KERN_SUCCESS);
	check_is("it is the same", other, account);
	mach_port_deallocate(mach_task_self(), other);
	made = fill_with_ports(task);
	check("ports end at the limit", made > 1000 && made < 10000);
	check("the limit has held", info_of(account).bytes <= 1 << 20);
	check_is("another account has room", mach_port_allocate(mach_task_self(), MACH_PORT_RIGHT_RECEIVE, &other),
		KERN_SUCCESS);
	mach_port_mod_refs(mach_task_self(), other, MACH_PORT_RIGHT_RECEIVE, -1);
	check_is("a child needs room too", task_create(task, FALSE, &other), KERN_RESOURCE_SHORTAGE);
	check_is("a higher limit", account_set_limits(host, account, 2 << 20, 100), KERN_SUCCESS);
	check_is("makes room", task_create(task, FALSE, &other), KERN_SUCCESS);
	task_terminate(other);
	mach_port_deallocate(mach_task_self(), other);
	task_terminate(task);
	mach_port_deallocate(mach_task_self(), task);
	check_is("all has come back", info_of(account).bytes, before);
	mach_port_deallocate(mach_task_self(), account);
	check_is("nothing is on nobody's account", billed_to_nobody(host), nobody);
}

/* Writes to pages of the task, one by one, from outside; how many could be had. */
static unsigned touch(mach_port_t task, vm_address_t address, unsigned pages)
{
	unsigned done = 0;
	char byte = 1;

	while (done < pages && task_copy_to(task, address + done * VM_PAGE_SIZE, 1, &byte, 0, NULL) == KERN_SUCCESS)
		done++;
	return done;
}

static void test_pages(mach_port_t host)
{
	mach_port_t account, task, child;
	vm_address_t address = 0, upper;

	account_create(host, FALSE, ACCOUNT_NO_LIMIT, MANY, &account);
	check_is("a task on it", task_create_in(account, mach_task_self(), FALSE, &task), KERN_SUCCESS);
	check_is("memory is no page yet", vm_allocate(task, &address, 2 * MANY * VM_PAGE_SIZE, TRUE), KERN_SUCCESS);
	check_is("none is counted", info_of(account).pages, 0);
	check_is("pages end at the limit", touch(task, address, 2 * MANY), MANY);
	check_is("they are counted", info_of(account).pages, MANY);
	vm_deallocate(task, address + MANY / 2 * VM_PAGE_SIZE, 2 * MANY * VM_PAGE_SIZE - MANY / 2 * VM_PAGE_SIZE);
	check_is("what is deallocated comes back", info_of(account).pages, MANY / 2);
	upper = address + MANY / 2 * VM_PAGE_SIZE;
	vm_allocate(task, &upper, MANY * VM_PAGE_SIZE, FALSE);
	check_is("and can be had again", touch(task, upper, MANY), MANY / 2);
	check_is("a copy costs none", task_create(task, TRUE, &child), KERN_SUCCESS);
	check_is("until it is written", touch(child, address, 1), 0);
	task_terminate(child);
	task_terminate(task);
	check_is("nothing is left", info_of(account).pages, 0);
	mach_port_deallocate(mach_task_self(), child);
	mach_port_deallocate(mach_task_self(), task);
	mach_port_deallocate(mach_task_self(), account);
}

/* A task that has become somebody else's: what it had stays where it is. */
static void test_bill(mach_port_t host)
{
	mach_port_t before, after, task;
	vm_address_t address = 0;
	uint64_t first, second;

	account_create(host, FALSE, ACCOUNT_NO_LIMIT, MANY, &before);
	account_create(host, FALSE, ACCOUNT_NO_LIMIT, MANY / 2, &after);
	task_create_in(before, mach_task_self(), FALSE, &task);
	vm_allocate(task, &address, 2 * MANY * VM_PAGE_SIZE, TRUE);
	check_is("pages before", touch(task, address, MANY / 4), MANY / 4);
	first = info_of(before).bytes;
	second = info_of(after).bytes;
	check_is("another pays from now on", vm_map_bill(task, after), KERN_SUCCESS);
	first -= info_of(before).bytes;
	second = info_of(after).bytes - second;
	check("for the tables that there are, too", first == second && second >= 4 * VM_PAGE_SIZE);
	check_is("up to the limit that he has", touch(task, address + MANY * VM_PAGE_SIZE, MANY), MANY / 2);
	check_is("which the first one's pages are not in", info_of(before).pages, MANY / 4);
	mach_port_deallocate(mach_task_self(), after);
	check_is("and nobody else", vm_map_bill(task, before), KERN_SUCCESS);
	check_is("the first has room", touch(task, address + (2 * MANY - 2) * VM_PAGE_SIZE, 2), 2);
	task_terminate(task);
	mach_port_deallocate(mach_task_self(), task);
	check_is("nothing is left with him", info_of(before).pages, 0);
	mach_port_deallocate(mach_task_self(), before);
}

static void test_parts(mach_port_t host)
{
	mach_port_t whole, part, other;

	account_create(host, FALSE, 1 << 20, 1000, &whole);
	check_is("a part", account_split(whole, 1 << 18, 600, &part), KERN_SUCCESS);
	check_is("is taken from the whole", info_of(whole).pages_limit, 400);
	check_is("whose kernel memory is less too", info_of(whole).bytes_limit, (1 << 20) - (1 << 18));
	check_is("not more than there is", account_split(whole, 1 << 18, 600, &other), KERN_RESOURCE_SHORTAGE);
	check_is("not of a part", account_split(part, 1, 1, &other), KERN_RESOURCE_SHORTAGE);
	check_is("limits need the host's port", account_set_limits(whole, whole, 1, 1), KERN_INVALID_HOST);
	mach_port_deallocate(mach_task_self(), part);
	check_is("a part that goes gives all back", info_of(whole).pages_limit, 1000);
	mach_port_deallocate(mach_task_self(), whole);
}

#define CALLS 100

/* In a child: that many calls. */
static void caller(uint64_t port)
{
	for (unsigned i = 0; i < CALLS; i++) {
		uint64_t word[8] = {i};

		mach_call_words((mach_port_t)port, 1, word, 1);
	}
	mach_thread_exit(NULL);
}

static uint64_t barriers(mach_port_t host)
{
	struct host_counters counters = {0};
	mach_msg_type_number_t count = HOST_COUNTERS_COUNT;

	portolan_host_info(host, HOST_COUNTERS, (uint64_t *)&counters, &count);
	return counters.predictor_barriers;
}

/* Barriers while a child on that account calls us. */
static uint64_t barriers_of_calls(mach_port_t host, mach_port_t account)
{
	mach_port_t port = new_port();
	struct mach_delivery d = {0};
	uint64_t before = barriers(host);
	struct child child;

	if (!child_create_in(account, &child, caller, port, port))
		return 0;
	thread_resume(child.thread);
	mach_reply_wait_words(port, REPLY_NONE, 0, NULL, 0, &d);
	for (unsigned i = 1; i < CALLS; i++)
		mach_reply_wait_words(port, 0, 1, NULL, 0, &d);
	mach_reply_wait_words(port, REPLY_NO_WAIT, 1, NULL, 0, &d);
	child_end(&child);
	free_port(port);
	return barriers(host) - before;
}

/* What a processor has learnt of one account's branches is nothing to another's; barriers=on has them counted anyway.
 */
static void test_barriers(mach_port_t host)
{
	const char *words = getenv("PORTOLAN");
	bool guarded = words != NULL && strstr(words, "barriers=on") != NULL;
	mach_port_t account;
	uint64_t own, others;

	account_create(host, FALSE, ACCOUNT_NO_LIMIT, 1000, &account);
	own = barriers_of_calls(host, MACH_PORT_NULL);
	others = barriers_of_calls(host, account);
	check("calls within an account have no barrier", own < CALLS);
	check(guarded ? "each call from another account has two" : "without guard there is none",
		guarded ? others >= 2 * CALLS : others == 0);
	mach_port_deallocate(mach_task_self(), account);
}

static char touched[2 * MANY][VM_PAGE_SIZE];
static volatile uint64_t touched_all;

/* In a child: writes to more pages than its account may have. */
static void toucher(uint64_t unused)
{
	(void)unused;
	for (unsigned i = 0; i < 2 * MANY; i++)
		*(volatile char *)touched[i] = 1;
	touched_all = 1;
	for (;;)
		nap(1000);
}

/* The message that says which account is short of memory, by its own limit. */
static void check_told(mach_port_t notify, mach_port_t account)
{
	struct words_message message;

	check_is("who decides is told", receive_words(notify, &message, PATIENCE), MACH_MSG_SUCCESS);
	check_is("of the account", message.word[0], info_of(account).id);
	check_is("that it is at its limit", message.word[1], TRUE);
}

static void test_policy(mach_port_t host)
{
	mach_port_t account, notify = new_port();
	struct child child;
	uint64_t all = 0;

	account_create(host, FALSE, ACCOUNT_NO_LIMIT, MANY, &account);
	check_is("a task asks to be told", host_memory_notice(host, notify, 0), KERN_SUCCESS);
	if (!child_create_in(account, &child, toucher, 0, MACH_PORT_NULL))
		return;
	thread_resume(child.thread);
	check_told(notify, account);
	task_copy_from(child.task, (uintptr_t)&touched_all, sizeof all, &all, 0, NULL);
	check_is("the child waits", all, 0);
	account_set_limits(host, account, ACCOUNT_NO_LIMIT, 4 * MANY);
	check_is("with more it goes on", child_word_not(&child, &touched_all, 0), 1);
	child_end(&child);
	check_is("and all comes back", info_of(account).pages, 0);

	account_set_limits(host, account, ACCOUNT_NO_LIMIT, MANY);
	check_is("it asks again", host_memory_notice(host, notify, 0), KERN_SUCCESS);
	if (!child_create_in(account, &child, toucher, 0, MACH_PORT_NULL))
		return;
	thread_resume(child.thread);
	check_told(notify, account);
	check_is("it gives up on the account", host_memory_notice(host, notify, (unsigned)info_of(account).id),
		KERN_SUCCESS);
	for (int i = 0; i < PATIENCE && type_of(child.task) != MACH_PORT_TYPE_DEAD_NAME; i++)
		nap(1);
	check_is("the fault fails, and the task ends", type_of(child.task), MACH_PORT_TYPE_DEAD_NAME);
	child_end(&child);
	host_memory_notice(host, MACH_PORT_NULL, 0);
	mach_port_deallocate(mach_task_self(), account);
	free_port(notify);
}

void test_accounts(void)
{
	mach_port_t host = MACH_PORT_NULL;
	mach_msg_type_name_t type;

	portolan_mach_ports_lookup(mach_task_self(), REGISTERED_HOST_PRIV, &host, &type);
	test_kernel_memory(host);
	test_pages(host);
	test_bill(host);
	test_parts(host);
	test_barriers(host);
	test_policy(host);
	mach_port_deallocate(mach_task_self(), host);
}
