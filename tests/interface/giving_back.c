/* What was made in great numbers and has gone leaves the memory that it was in: the kernel's caches give it back. */
#include "test.h"

#define PORTS    20000
#define THREADS  4000
#define TASKS    400
#define MESSAGES 20000
#define QUEUED   1000 /* of them in one port */
#define MUCH     200  /* pages */

static uint64_t free_pages(void)
{
	vm_statistics_data_t now;

	vm_statistics(mach_task_self(), &now);
	return now.free_count;
}

/* When no more come back of what was there before. */
static uint64_t free_pages_at_rest(void)
{
	uint64_t now = free_pages(), before;
	unsigned same = 0;

	for (uint32_t looks = 0; looks < PATIENCE / 20 && same < 10; looks++) {
		before = now;
		nap(20);
		now = free_pages();
		same = now == before ? same + 1 : 0;
	}
	return now;
}

static void sleeper(uint64_t argument)
{
	(void)argument;
	for (;;)
		nap(1000);
}

/* To 1%, at some time: threads end by themselves, and a thread of the kernel's looks through the caches. */
static void check_back(const char *name, uint64_t before, uint64_t meanwhile)
{
	uint64_t now = free_pages();

	check_at("much was taken", meanwhile + MUCH < before, (long long)(before - meanwhile), __FILE__, __LINE__);
	for (uint32_t waited = 0; waited < PATIENCE && now * 100 < before * 99; waited += 20) {
		nap(20);
		now = free_pages();
	}
	check_at(name, now * 100 >= before * 99, (long long)(before - now), __FILE__, __LINE__);
}

static void many_ports(struct child *child)
{
	for (unsigned i = 0; i < PORTS; i++) {
		mach_port_t port;

		if (mach_port_allocate(child->task, MACH_PORT_RIGHT_RECEIVE, &port) != KERN_SUCCESS)
			break;
	}
}

static void many_threads(struct child *child)
{
	for (unsigned i = 0; i < THREADS; i++) {
		thread_t thread;

		if (thread_create(child->task, &thread) != KERN_SUCCESS)
			break;
		mach_port_deallocate(mach_task_self(), thread);
	}
}

static void many_messages(struct child *child)
{
	for (unsigned i = 0; i < MESSAGES / QUEUED; i++) {
		mach_port_t port = new_port();
		const uint64_t word = i;

		mach_port_set_qlimit(mach_task_self(), port, QUEUED);
		for (unsigned k = 0; k < QUEUED; k++)
			send_words(port, MACH_PORT_NULL, 1, &word, 1, MACH_SEND_TIMEOUT, 0);
		mach_port_insert_right(child->task, 0x1000 + i * 0x100, port, MACH_MSG_TYPE_MOVE_RECEIVE);
		mach_port_mod_refs(mach_task_self(), port, MACH_PORT_RIGHT_SEND, -1);
	}
}

static void in_a_task(const char *name, void (*make)(struct child *child))
{
	uint64_t before = free_pages_at_rest(), meanwhile;
	struct child child;

	if (!check(name, child_create(&child, sleeper, 0, MACH_PORT_NULL)))
		return;
	make(&child);
	meanwhile = free_pages();
	child_end(&child);
	check_back(name, before, meanwhile);
}

void test_giving_back(void)
{
	static mach_port_t task[TASKS];
	uint64_t before, meanwhile;
	unsigned made;

	in_a_task("the memory of many ports comes back", many_ports);
	in_a_task("the memory of many threads comes back", many_threads);
	in_a_task("the memory of many messages comes back", many_messages);
	before = free_pages_at_rest();
	for (made = 0; made < TASKS; made++)
		if (task_create(mach_task_self(), FALSE, &task[made]) != KERN_SUCCESS)
			break;
	meanwhile = free_pages();
	for (unsigned i = 0; i < made; i++) {
		task_terminate(task[i]);
		mach_port_deallocate(mach_task_self(), task[i]);
	}
	check_back("the memory of many tasks comes back", before, meanwhile);
}
