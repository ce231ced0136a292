/*
 * A Mach program of an ordinary user (attack-mach: 1) makes things of which the kernel's memory is made, each kind
 * where it is easily forgotten: in a task of which it holds no more than the name, in queues, in copies of copies. What
 * is free goes down by no more than what its account goes up; nothing is on nobody's account; all of it goes with that
 * task. Then it tries to make more of an account by splitting it. (attack-seconds: 60)
 */
#include "attack.h"

#include <mach/account.h>
#include <mach/mach.h>
#include <mach/mach_host_user.h>
#include <mach/mach_port_user.h>
#include <mach/portolan_user.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

enum {
	PAGE = 4096,
	AREA = 64 * PAGE,
	BIG_STEP = 2 << 20, /* what a page table spans */
	NAME_FIRST = 1 << 20,
	QLIMIT = 64,
	LOOKS = 16,
	LOOK_MS = 5,
	/* What rounding to whole pages and what others do meanwhile may take: a part of what was taken, and bytes. */
	SLACK_PART = 5,
	SLACK = 1 << 20,
};

static mach_port_t account, holder; /* in `holder` all is made */
static char *area;

struct books {
	uint64_t billed, available, nobody;
};

/* --- What there is. */

static void nap(unsigned ms)
{
	mach_trap(TRAP_THREAD_SWITCH, 0, SWITCH_OPTION_WAIT, ms, 0, 0, 0);
}

static struct account_info account_now(mach_port_t of)
{
	struct account_info info = {0};

	if (account_info(of, (uint64_t *)&info) != KERN_SUCCESS)
		attack_check("an account cannot be read", false);
	return info;
}

static struct books books_once(void)
{
	struct account_info info = account_now(account);
	struct host_memory_info memory = {0};
	mach_msg_type_number_t count = HOST_MEMORY_INFO_COUNT;
	vm_statistics_data_t statistics;

	portolan_host_info(mach_host_self(), HOST_MEMORY_INFO, (uint64_t *)&memory, &count);
	vm_statistics(mach_task_self(), &statistics);
	return (struct books){.billed = info.bytes + (info.pages + info.cached) * PAGE,
		.available = statistics.free_count * PAGE,
		.nobody = memory.kernel_bytes - memory.kernel_bytes_at_boot};
}

/* Others come and go: the moment of several at which they have least. */
static struct books books(void)
{
	struct books least = books_once();

	for (unsigned i = 0; i < LOOKS; i++) {
		struct books now;

		nap(LOOK_MS);
		now = books_once();
		if (now.available > least.available)
			least.available = now.available;
		if (now.nobody < least.nobody)
			least.nobody = now.nobody;
		least.billed = now.billed;
	}
	return least;
}

/* --- What is taken; each says how many of it there were. */

static mach_port_t receive_right(mach_port_t in)
{
	mach_port_t port = MACH_PORT_NULL;

	return mach_port_allocate(in, MACH_PORT_RIGHT_RECEIVE, &port) == KERN_SUCCESS ? port : MACH_PORT_NULL;
}

/* The right goes to the task in which all is kept, and is its alone. */
static bool keep(mach_port_t name, mach_msg_type_name_t disposition)
{
	static mach_port_name_t next = NAME_FIRST;

	next += 1 << 8;
	return mach_port_insert_right(holder, next, name, disposition) == KERN_SUCCESS;
}

static unsigned of_right(mach_port_right_t right, unsigned most)
{
	mach_port_t name;
	unsigned made = 0;

	while (made < most && mach_port_allocate(holder, right, &name) == KERN_SUCCESS)
		made++;
	return made;
}

static unsigned ports(void)
{
	return of_right(MACH_PORT_RIGHT_RECEIVE, 6000);
}

static unsigned port_sets(void)
{
	return of_right(MACH_PORT_RIGHT_PORT_SET, 6000);
}

static unsigned dead_names(void)
{
	return of_right(MACH_PORT_RIGHT_DEAD_NAME, 20000);
}

static unsigned tasks(void)
{
	mach_port_t task;
	unsigned made = 0;

	while (made < 300 && task_create(mach_task_self(), FALSE, &task) == KERN_SUCCESS &&
		keep(task, MACH_MSG_TYPE_MOVE_SEND))
		made++;
	return made;
}

static unsigned copies_of_a_task(void)
{
	mach_port_t task;
	unsigned made = 0;

	while (made < 100 && task_create(mach_task_self(), TRUE, &task) == KERN_SUCCESS &&
		keep(task, MACH_MSG_TYPE_MOVE_SEND))
		made++;
	return made;
}

static unsigned threads(void)
{
	mach_port_t thread;
	unsigned made = 0;

	while (made < 300 && thread_create(holder, &thread) == KERN_SUCCESS &&
		mach_port_deallocate(mach_task_self(), thread) == KERN_SUCCESS)
		made++;
	return made;
}

static unsigned areas(void)
{
	vm_address_t address = 0;
	unsigned made = 0;

	while (made < 10000 && vm_allocate(holder, &address, 2 * PAGE, TRUE) == KERN_SUCCESS &&
		vm_protect(holder, address, PAGE, FALSE, VM_PROT_READ) == KERN_SUCCESS)
		made++;
	return made;
}

/* A page in each page table. */
static unsigned far_pages(void)
{
	vm_address_t address = 1ull << 40;
	unsigned made = 0;

	while (made < 500 && vm_allocate(holder, &address, PAGE, FALSE) == KERN_SUCCESS &&
		vm_write(holder, address, (vm_offset_t)area, PAGE) == KERN_SUCCESS) {
		made++;
		address += BIG_STEP;
	}
	return made;
}

struct parcel {
	mach_msg_header_t header;
	mach_msg_body_t body;
	mach_msg_descriptor_t descriptor;
	char rest[1024];
	mach_msg_trailer_t trailer; /* when it is received */
};

static bool post(mach_port_t to, mach_msg_descriptor_t descriptor)
{
	static struct parcel parcel;

	parcel.header =
		(mach_msg_header_t){.msgh_bits = MACH_MSGH_BITS(MACH_MSG_TYPE_MAKE_SEND, 0) | MACH_MSGH_BITS_COMPLEX,
			.msgh_size = offsetof(struct parcel, trailer),
			.msgh_remote_port = to};
	parcel.body.msgh_descriptor_count = 1;
	parcel.descriptor = descriptor;
	return mach_msg_trap(&parcel.header, MACH_SEND_MSG | MACH_SEND_TIMEOUT, offsetof(struct parcel, trailer), 0, 0,
		       0, 0) == MACH_MSG_SUCCESS;
}

/* Full queues of messages with such a part, of which the receive rights are kept. */
static unsigned queues(unsigned most, mach_msg_descriptor_t (*part)(void))
{
	unsigned made = 0, before;
	mach_port_t port;

	do {
		before = made;
		port = receive_right(mach_task_self());
		mach_port_set_qlimit(mach_task_self(), port, QLIMIT);
		while (made < most && made - before < QLIMIT && post(port, part()))
			made++;
	} while (keep(port, MACH_MSG_TYPE_MOVE_RECEIVE) && made - before == QLIMIT && made < most);
	return made;
}

static mach_msg_descriptor_t a_port(void)
{
	return (mach_msg_descriptor_t){
		.port = {.name = holder, .disposition = MACH_MSG_TYPE_COPY_SEND, .type = MACH_MSG_PORT_DESCRIPTOR}};
}

static mach_msg_descriptor_t many_ports(void)
{
	static mach_port_t names[500];

	for (unsigned i = 0; i < 500; i++)
		names[i] = holder;
	return (mach_msg_descriptor_t){.ool_ports = {.address = names,
					       .disposition = MACH_MSG_TYPE_COPY_SEND,
					       .type = MACH_MSG_OOL_PORTS_DESCRIPTOR,
					       .count = 500}};
}

/* Each has pages of its own: what is copied is changed afterwards. */
static mach_msg_descriptor_t some_memory(void)
{
	memset(area, rand(), AREA);
	return (mach_msg_descriptor_t){.out_of_line = {.address = area, .type = MACH_MSG_OOL_DESCRIPTOR, .size = AREA}};
}

/* Of the same page each time. */
static mach_msg_descriptor_t a_page_again(void)
{
	return (mach_msg_descriptor_t){.out_of_line = {.address = area, .type = MACH_MSG_OOL_DESCRIPTOR, .size = PAGE}};
}

static unsigned messages(void)
{
	return queues(2000, a_port);
}

static unsigned arrays_in_messages(void)
{
	return queues(500, many_ports);
}

static unsigned memory_in_messages(void)
{
	return queues(16, some_memory);
}

static unsigned copies_in_messages(void)
{
	return queues(2000, a_page_again);
}

/* Each in the queue of the next, the last of which is kept: they end one by the end of the other. */
static unsigned queues_in_queues(void)
{
	mach_port_t last = receive_right(mach_task_self()), next;
	unsigned made = 0;

	while (made < 3000 && (next = receive_right(mach_task_self())) != MACH_PORT_NULL &&
		post(next, (mach_msg_descriptor_t){.port = {.name = last,
							   .disposition = MACH_MSG_TYPE_MOVE_RECEIVE,
							   .type = MACH_MSG_PORT_DESCRIPTOR}})) {
		last = next;
		made++;
	}
	return keep(last, MACH_MSG_TYPE_MOVE_RECEIVE) ? made : 0;
}

static unsigned requests(void)
{
	mach_port_t told = receive_right(mach_task_self()), name, previous;
	unsigned made = 0;

	while (made < 3000 && mach_port_allocate(holder, MACH_PORT_RIGHT_RECEIVE, &name) == KERN_SUCCESS &&
		mach_port_request_notification(holder, name, MACH_NOTIFY_PORT_DESTROYED, 0, told, MACH_MSG_TYPE_MAKE_SEND_ONCE, &previous) ==
			KERN_SUCCESS)
		made++;
	mach_port_mod_refs(mach_task_self(), told, MACH_PORT_RIGHT_RECEIVE, -1);
	return made;
}

/* Their pager never answers. */
static unsigned memory_objects(void)
{
	vm_address_t address = 0;
	unsigned made = 0;
	mach_port_t port;

	while (made < 1000 && (port = receive_right(mach_task_self())) != MACH_PORT_NULL &&
		mach_port_insert_right(mach_task_self(), port, port, MACH_MSG_TYPE_MAKE_SEND) == KERN_SUCCESS &&
		vm_map(holder, &address, PAGE, 0, TRUE, port, 0, FALSE, VM_PROT_READ, VM_PROT_ALL, VM_INHERIT_SHARE) ==
			KERN_SUCCESS &&
		mach_port_deallocate(mach_task_self(), port) == KERN_SUCCESS && keep(port, MACH_MSG_TYPE_MOVE_RECEIVE))
		made++;
	return made;
}

/* A copy of a copy, each with pages of its own between; those before the last end. */
static unsigned copies_of_copies(void)
{
	mach_port_t of = mach_task_self(), task;
	unsigned made = 0;

	while (made < 30 && task_create(of, TRUE, &task) == KERN_SUCCESS &&
		vm_write(task, (vm_address_t)area + made * PAGE, (vm_offset_t)area, PAGE) == KERN_SUCCESS) {
		if (of != mach_task_self()) {
			task_terminate(of);
			mach_port_deallocate(mach_task_self(), of);
		}
		of = task;
		made++;
	}
	return keep(of, MACH_MSG_TYPE_MOVE_SEND) ? made : 0;
}

static const struct kind {
	const char *name;
	unsigned (*take)(void);
	unsigned least; /* so many there must be, that it is an attack */
} kinds[] = {
	{"ports", ports, 1000},
	{"port sets", port_sets, 1000},
	{"dead names", dead_names, 1000},
	{"tasks", tasks, 100},
	{"copies of a task", copies_of_a_task, 50},
	{"threads", threads, 100},
	{"areas", areas, 1000},
	{"far pages", far_pages, 100},
	{"messages", messages, 500},
	{"arrays in messages", arrays_in_messages, 100},
	{"memory in messages", memory_in_messages, 8},
	{"copies in messages", copies_in_messages, 500},
	{"queues in queues", queues_in_queues, 1000},
	{"requests", requests, 1000},
	{"memory objects", memory_objects, 200},
	{"copies of copies", copies_of_copies, 10},
};

static void take(const struct kind *kind)
{
	struct books before, held, after;
	char what[128];
	uint64_t billed, taken, slack;
	unsigned made;

	before = books();
	if (task_create(mach_task_self(), FALSE, &holder) != KERN_SUCCESS) {
		attack_check("a task to keep it in", false);
		return;
	}
	made = kind->take();
	held = books();
	billed = held.billed > before.billed ? held.billed - before.billed : 0;
	taken = before.available > held.available ? before.available - held.available : 0;
	slack = taken / SLACK_PART + SLACK;
	printf("%s: %u, %llu KiB billed, %llu KiB gone, %lld bytes nobody's\n", kind->name, made,
		(unsigned long long)billed / 1024, (unsigned long long)taken / 1024,
		(long long)(held.nobody - before.nobody));
	snprintf(what, sizeof what, "too few %s for an attack", kind->name);
	attack_check(what, made >= kind->least);
	snprintf(what, sizeof what, "%s that nobody pays for", kind->name);
	attack_check(what, taken <= billed + slack && held.nobody <= before.nobody);

	task_terminate(holder);
	mach_port_deallocate(mach_task_self(), holder);
	for (unsigned i = 0; i < 20; i++) {
		after = books();
		if (after.billed <= before.billed + SLACK / 4)
			break;
	}
	if (after.billed > before.billed + SLACK / 4)
		printf("%s: %llu KiB billed afterwards\n", kind->name,
			(unsigned long long)(after.billed - before.billed) / 1024);
	snprintf(what, sizeof what, "%s stay when their task has ended", kind->name);
	attack_check(what, after.billed <= before.billed + SLACK / 4);
}

/* --- What may be had does not grow by being split, whatever ends first. */

static uint64_t allowed(mach_port_t of)
{
	struct account_info info = account_now(of);

	return info.bytes_limit / PAGE + info.pages_limit;
}

/* A task on a part, its message in a queue of this task: the part lasts as long as that. */
static void part_lives_in_a_queue(void)
{
	const uint64_t before = allowed(account);
	mach_port_t part, more, task, port = receive_right(mach_task_self());
	mach_port_name_t name = NAME_FIRST;
	struct parcel in;
	unsigned i;

	if (account_split(account, 1 << 20, 64, &part) != KERN_SUCCESS) {
		attack_check("an account cannot be split", false);
		return;
	}
	attack_check("a part of a part", account_split(part, PAGE, 1, &more) != KERN_SUCCESS);
	attack_check("more than there is", account_split(account, UINT64_MAX / 2, 1, &more) != KERN_SUCCESS &&
						   account_split(account, 1, UINT64_MAX / 2, &more) != KERN_SUCCESS);
	attack_check("limits of a part are its user's to set",
		account_set_limits(mach_host_self(), part, UINT64_MAX, UINT64_MAX) != KERN_SUCCESS &&
			account_set_limits(mach_host_self(), account, UINT64_MAX, UINT64_MAX) != KERN_SUCCESS);
	attack_check("the sum is larger than before", allowed(account) + allowed(part) <= before);
	if (task_create_in(part, mach_task_self(), FALSE, &task) != KERN_SUCCESS) {
		attack_check("a task on a part", false);
		return;
	}
	/* Made in that task, hence the part's; then moved here. */
	mach_port_set_qlimit(mach_task_self(), port, QLIMIT);
	for (i = 0; i < QLIMIT; i++) {
		mach_port_t theirs;
		mach_msg_type_name_t type;

		if (mach_port_allocate(task, MACH_PORT_RIGHT_RECEIVE, &theirs) != KERN_SUCCESS ||
			mach_port_extract_right(task, theirs, MACH_MSG_TYPE_MOVE_RECEIVE, &name, &type) != KERN_SUCCESS)
			break;
		post(port, (mach_msg_descriptor_t){.port = {.name = name,
							   .disposition = MACH_MSG_TYPE_MOVE_RECEIVE,
							   .type = MACH_MSG_PORT_DESCRIPTOR}});
	}
	task_terminate(task);
	mach_port_deallocate(mach_task_self(), task);
	mach_port_deallocate(mach_task_self(), part);
	nap(20);
	attack_check("a part is given back while a port of it lives", i > 0 && allowed(account) < before);
	while (mach_msg_trap(&in.header, MACH_RCV_MSG | MACH_RCV_TIMEOUT, 0, sizeof in, port, 0, 0) == MACH_MSG_SUCCESS)
		mach_port_mod_refs(mach_task_self(), in.descriptor.port.name, MACH_PORT_RIGHT_RECEIVE, -1);
	mach_port_mod_refs(mach_task_self(), port, MACH_PORT_RIGHT_RECEIVE, -1);
	nap(20);
	if (allowed(account) != before)
		printf("may have %llu pages, before %llu\n", (unsigned long long)allowed(account),
			(unsigned long long)before);
	attack_check("after a part there is more, or less, than before", allowed(account) == before);
}

static void many_parts(void)
{
	const uint64_t before = allowed(account);
	mach_port_t part[64];
	unsigned count = 0;

	while (count < 64 && account_split(account, 2 * PAGE, 1, &part[count]) == KERN_SUCCESS)
		count++;
	attack_check("parts without end", count > 0 && count < 64);
	while (count > 0)
		mach_port_deallocate(mach_task_self(), part[--count]);
	nap(20);
	attack_check("after many parts there is not what was before", allowed(account) == before);
}

int main(void)
{
	mach_task_self_ = (mach_port_t)mach_trap(TRAP_TASK_SELF, 0, 0, 0, 0, 0, 0);
	/* An object of its own: a copy of which every page has been written holds on to nothing. */
	if (vm_allocate(mach_task_self(), (vm_address_t *)&area, AREA, TRUE) != KERN_SUCCESS)
		return 2;
	memset(area, 1, AREA);
	if (task_get_account(mach_task_self(), &account) != KERN_SUCCESS)
		return 2;
	for (unsigned i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
		take(&kinds[i]);
	for (unsigned i = 0; i < 20; i++)
		part_lives_in_a_queue();
	many_parts();
	return attack_end();
}
