/* The measurements seen by a Mach program: a boot module that prints "row NAME COUNT" in ticks of the time-stamp
 * counter. */
#include "../interface/test.h"
#include "by_hand.h"
#include "measure.h"
#include "settings.h"

#include <mach/host_counters.h>
#include <mach/pager.h>
#include <mach/server.h>
#include <stubs_server.h>
#include <stubs_user.h>
#include <string.h>

/* As in unix.c: the least of many repetitions, so that no timer's interrupt and no first touch is counted. */
enum { MANY = 500, ECHO_ID = BENCH_ID, PAGES = 512, LAYERS = 2 };

static mach_port_t port, reply, reply_send;
static volatile char *area;
static unsigned area_page;

static struct host_counters counters(void)
{
	struct host_counters now;
	mach_msg_type_number_t count = HOST_COUNTERS_COUNT;

	portolan_host_info(mach_host_self(), HOST_COUNTERS, (uint64_t *)&now, &count);
	return now;
}

/* The least ticks, and what the kernel counted meanwhile, in all MANY operations and one reading of the counters. */
static void row(const char *name, void (*operation)(void))
{
	struct host_counters before = counters();
	unsigned long long least = least_ticks(MANY, operation);
	struct host_counters after = counters();

	printf("row %s %llu\ncounters %s operations=%d", name, least, name, MANY);
#define EVENT(event)                                                                                                   \
	if (after.event != before.event)                                                                               \
		printf(" %s=%llu", #event, (unsigned long long)(after.event - before.event));
	HOST_COUNTERS_LIST(EVENT)
#undef EVENT
	printf("\n");
}

static void null_trap(void)
{
	mach_null_trap();
}

static void call_0(void)
{
	uint64_t word[8] = {0};

	mach_call_words(port, ECHO_ID, word, 0);
}

/* By the stub that mig made. */
static void call_stub(void)
{
	bench_null(port);
}

static void wrong_answer(const char *name)
{
	printf("failed %s\n", name);
}

static const char letters[16] = "sixteen letters";
static int answer;

static void data_by_hand(void)
{
	if (hand_data(port, mig_get_reply_port(), letters, sizeof letters, &answer) != KERN_SUCCESS ||
		answer != 's' + 16)
		wrong_answer("hand-data-rpc");
}

static void data_by_stub(void)
{
	if (bench_data(port, letters, sizeof letters, &answer) != KERN_SUCCESS || answer != 's' + 16)
		wrong_answer("stub-data-rpc");
}

static void right_by_hand(void)
{
	if (hand_right(port, mig_get_reply_port(), reply_send, 41, &answer) != KERN_SUCCESS || answer != 42)
		wrong_answer("hand-right-rpc");
}

static void right_by_stub(void)
{
	if (bench_right(port, reply_send, 41, &answer) != KERN_SUCCESS || answer != 42)
		wrong_answer("stub-right-rpc");
}

static void call_8(void)
{
	uint64_t word[8] = {1, 2, 3, 4, 5, 6, 7, 8};

	mach_call_words(port, ECHO_ID, word, 8);
}

/* A message with 4 KiB of data, as large as message_server takes. */
struct message {
	mach_msg_header_t header;
	char data[4096];
	mach_msg_trailer_t trailer;
};

static void message_rpc(void)
{
	struct {
		mach_msg_header_t header;
		mach_msg_trailer_t trailer;
	} m;

	m.header.msgh_bits = MACH_MSGH_BITS(MACH_MSG_TYPE_COPY_SEND, MACH_MSG_TYPE_MAKE_SEND_ONCE);
	m.header.msgh_size = sizeof m.header;
	m.header.msgh_remote_port = port;
	m.header.msgh_local_port = reply;
	m.header.msgh_id = ECHO_ID;
	mach_msg_trap(&m.header, MACH_SEND_MSG | MACH_RCV_MSG, sizeof m.header, sizeof m, reply, 0, MACH_PORT_NULL);
}

static void message_4k(void)
{
	static struct message m;

	m.header.msgh_bits = MACH_MSGH_BITS(MACH_MSG_TYPE_COPY_SEND, MACH_MSG_TYPE_MAKE_SEND_ONCE);
	m.header.msgh_remote_port = port;
	m.header.msgh_local_port = reply;
	m.header.msgh_id = ECHO_ID;
	mach_msg_trap(&m.header, MACH_SEND_MSG | MACH_RCV_MSG, offsetof(struct message, trailer), sizeof m, reply, 0,
		MACH_PORT_NULL);
}

static void port_type_rpc(void)
{
	mach_port_type_t type;

	mach_port_type(mach_task_self(), port, &type);
}

static void port_make(void)
{
	mach_port_t made;

	mach_port_allocate(mach_task_self(), MACH_PORT_RIGHT_RECEIVE, &made);
	mach_port_mod_refs(mach_task_self(), made, MACH_PORT_RIGHT_RECEIVE, -1);
}

static void touch_next(void)
{
	if (area_page < PAGES)
		(void)area[area_page++ * VM_PAGE_SIZE];
}

static void write_next(void)
{
	if (area_page < PAGES)
		area[area_page++ * VM_PAGE_SIZE] = 1;
}

/* 64 KiB out of line to oneself. */
enum { OOL_SIZE = 64 * 1024 };
static vm_address_t ool_data;

static void ool_send(bool look)
{
	struct {
		mach_msg_header_t header;
		mach_msg_body_t body;
		mach_msg_ool_descriptor_t data;
		mach_msg_trailer_t trailer;
	} m;

	memset(&m, 0, sizeof m);
	m.header.msgh_bits = MACH_MSGH_BITS(MACH_MSG_TYPE_COPY_SEND, 0) | MACH_MSGH_BITS_COMPLEX;
	m.header.msgh_size = sizeof m - sizeof m.trailer;
	m.header.msgh_remote_port = port;
	m.body.msgh_descriptor_count = 1;
	m.data.address = (void *)ool_data;
	m.data.size = OOL_SIZE;
	m.data.type = MACH_MSG_OOL_DESCRIPTOR;
	mach_msg_trap(&m.header, MACH_SEND_MSG | MACH_RCV_MSG, sizeof m - sizeof m.trailer, sizeof m, port, 0,
		MACH_PORT_NULL);
	for (int i = 0; look && i < OOL_SIZE; i += 4096)
		(void)((volatile char *)m.data.address)[i];
	vm_deallocate(mach_task_self(), (vm_address_t)m.data.address, m.data.size);
}

static void ool_untouched(void)
{
	ool_send(false);
}

static void ool_read(void)
{
	ool_send(true);
}

static void task_make(void)
{
	task_t task;

	if (task_create(mach_task_self(), FALSE, &task) == KERN_SUCCESS) {
		task_terminate(task);
		mach_port_deallocate(mach_task_self(), task);
	}
}

static void task_fork(void)
{
	task_t task;

	if (task_create(mach_task_self(), TRUE, &task) == KERN_SUCCESS) {
		task_terminate(task);
		mach_port_deallocate(mach_task_self(), task);
	}
}

static void copy_256(void)
{
	char bytes[256];

	task_copy_from(mach_task_self(), ool_data + 100, sizeof bytes, bytes, 0, NULL);
}

/* Servers in another task: traps only. */
static void register_server(uint64_t name)
{
	struct mach_delivery d = {0};
	char buffer[256];
	uint32_t flags = REPLY_NONE;

	while (mach_reply_wait_words((mach_port_t)name, flags, 8, buffer, sizeof buffer, &d) == KERN_SUCCESS)
		flags = 0;
}

kern_return_t S_bench_null(mach_port_t server)
{
	(void)server;
	return KERN_SUCCESS;
}

kern_return_t S_bench_data(mach_port_t server, const char *data, mach_msg_type_number_t count, int *sum)
{
	(void)server;
	*sum = data[0] + (int)count;
	return KERN_SUCCESS;
}

/* The right is kept: all that come are one name. */
kern_return_t S_bench_right(mach_port_t server, mach_port_t right, int number, int *next)
{
	(void)server;
	*next = right != MACH_PORT_NULL ? number + 1 : 0;
	return KERN_SUCCESS;
}

/* The loop that every server runs, around the stubs that mig made. */
static void stub_server(uint64_t name)
{
	static const struct mig_subsystem *const subsystems[] = {&bench_stubs_subsystem, NULL};

	mach_server_run((mach_port_t)name, subsystems);
}

static void message_server(uint64_t name)
{
	struct message m;

	if (mach_msg_trap(&m.header, MACH_RCV_MSG, 0, sizeof m, (mach_port_t)name, 0, MACH_PORT_NULL) !=
		MACH_MSG_SUCCESS)
		mach_thread_exit(NULL);
	for (;;) {
		m.header.msgh_bits = MACH_MSGH_BITS(MACH_MSGH_BITS_REMOTE(m.header.msgh_bits), 0);
		m.header.msgh_local_port = MACH_PORT_NULL;
		m.header.msgh_size = sizeof m.header;
		m.header.msgh_id = ECHO_ID + 100;
		mach_msg_trap(&m.header, MACH_SEND_MSG | MACH_RCV_MSG, sizeof m.header, sizeof m, (mach_port_t)name, 0,
			MACH_PORT_NULL);
	}
}

/* The rows of a server in a task of its own. */
static void between_tasks(void (*server)(uint64_t), const char *const names[], void (*const operations[])(void))
{
	struct child child;

	port = new_port();
	if (!child_create(&child, server, port, MACH_PORT_NULL))
		return;
	mach_port_insert_right(child.task, port, port, MACH_MSG_TYPE_MOVE_RECEIVE);
	thread_resume(child.thread);
	for (int i = 0; names[i]; i++)
		row(names[i], operations[i]);
	child_end(&child);
	mach_port_destroy(mach_task_self(), port);
}

/* A pager in a thread of this task whose pages are made beforehand: what the fault and the protocol cost. */
static vm_address_t ready_pages;

static void on_request(struct pager_object *object, vm_offset_t offset, vm_size_t length, vm_prot_t access)
{
	(void)access;
	pager_supply(object, offset, ready_pages + offset, length, VM_PROT_NONE, FALSE);
}

static void on_return(struct pager_object *object, vm_offset_t offset, vm_address_t data, vm_size_t length,
	boolean_t dirty, boolean_t kernel_copy)
{
	(void)object;
	(void)offset;
	(void)dirty;
	(void)kernel_copy;
	vm_deallocate(mach_task_self(), data, length);
}

/* Objects that show what the one below has, the first of them the pager's above. */
static mach_port_t below[LAYERS];
static struct pager_object layers[LAYERS];

static void on_forward(struct pager_object *object, vm_offset_t offset, vm_size_t length, vm_prot_t access)
{
	(void)offset, (void)length, (void)access;
	pager_forward(object, 0, PAGES * VM_PAGE_SIZE, below[object - layers], 0);
}

/* The average of a loop over PAGES pages that ended now: for "bench profile" and "bench compare", as many operations.
 */
static void page_row(const char *name, uint64_t took)
{
	for (int i = 0; i < PAGES; i++)
		mark_operation();
	mark_row();
	printf("row %s %llu\n", name, (unsigned long long)(took / PAGES));
}

/* Per page of a mapping of pages that are there. */
static void resident_row(const char *name, mach_port_t right)
{
	vm_address_t mapped = 0;
	uint64_t start, took;

	/* The first mapping asks the pager; the second is measured. */
	for (int round = 0; round < 2; round++) {
		if (vm_map(mach_task_self(), &mapped, PAGES * VM_PAGE_SIZE, 0, TRUE, right, 0, FALSE, VM_PROT_READ,
			    VM_PROT_READ, VM_INHERIT_NONE) != KERN_SUCCESS) {
			printf("failed %s\n", name);
			return;
		}
		if (round == 1)
			mark_row();
		start = ticks();
		for (int i = 0; i < PAGES; i++)
			(void)*(volatile char *)(mapped + (vm_address_t)i * VM_PAGE_SIZE);
		took = ticks() - start;
		if (round == 1)
			page_row(name, took);
		vm_deallocate(mach_task_self(), mapped, PAGES * VM_PAGE_SIZE);
		mapped = 0;
	}
}

static void layer_rows(mach_port_t set, mach_port_t right)
{
	static const struct pager_ops ops = {.data_request = on_forward, .data_return = on_return};

	resident_row("resident-page", right);
	for (int i = 0; i < LAYERS; i++) {
		below[i] = right;
		if (pager_object_init(&layers[i], &ops, set, TRUE, MEMORY_OBJECT_COPY_DELAY) != KERN_SUCCESS ||
			pager_object_send_right(&layers[i], &right) != KERN_SUCCESS) {
			printf("failed layers\n");
			return;
		}
		/* From below: an object shows only one that was mapped before it. */
		resident_row(i + 1 == LAYERS ? "resident-page-forwarded" : "resident-page-forwarded-once", right);
	}
}

static void pager_rows(void)
{
	static struct pager_object object;
	static const struct pager_ops ops = {.data_request = on_request, .data_return = on_return};
	static const struct mig_subsystem *const subsystems[] = {&memory_object_subsystem, &notify_subsystem, NULL};
	mach_port_t set = MACH_PORT_NULL, right = MACH_PORT_NULL;
	vm_address_t mapped = 0;

	vm_allocate(mach_task_self(), &ready_pages, PAGES * VM_PAGE_SIZE, TRUE);
	memset((void *)ready_pages, 1, PAGES * VM_PAGE_SIZE);
	mach_port_allocate(mach_task_self(), MACH_PORT_RIGHT_PORT_SET, &set);
	if (pager_object_init(&object, &ops, set, TRUE, MEMORY_OBJECT_COPY_DELAY) != KERN_SUCCESS ||
		mach_server_start_threads(set, subsystems, 1) != KERN_SUCCESS ||
		pager_object_send_right(&object, &right) != KERN_SUCCESS ||
		vm_map(mach_task_self(), &mapped, PAGES * VM_PAGE_SIZE, 0, TRUE, right, 0, FALSE, VM_PROT_DEFAULT,
			VM_PROT_ALL, VM_INHERIT_DEFAULT) != KERN_SUCCESS) {
		printf("failed pager\n");
		return;
	}
	area = (volatile char *)mapped;
	area_page = 0;
	mark_row();
	uint64_t start = ticks();
	for (int i = 0; i < PAGES; i++)
		touch_next();
	page_row("pager-fault-page", ticks() - start);
	layer_rows(set, right);
}

int main(void)
{
	vm_address_t memory = 0;
	task_t child;

	reply = mach_reply_port();
	reply_send = new_port();
	row("null-trap", null_trap);
	between_tasks(register_server, (const char *const[]){"register-call", "register-call-8", "stub-call", NULL},
		(void (*const[])(void)){call_0, call_8, call_stub});
	between_tasks(hand_null_server, (const char *const[]){"hand-rpc", NULL}, (void (*const[])(void)){call_0});
	between_tasks(hand_message_server, (const char *const[]){"hand-data-rpc", "hand-right-rpc", NULL},
		(void (*const[])(void)){data_by_hand, right_by_hand});
	between_tasks(stub_server, (const char *const[]){"stub-rpc", "stub-data-rpc", "stub-right-rpc", NULL},
		(void (*const[])(void)){call_stub, data_by_stub, right_by_stub});
	between_tasks(message_server, (const char *const[]){"mach-msg-rpc", "mach-msg-4k", NULL},
		(void (*const[])(void)){message_rpc, message_4k});
	port = new_port();
	row("kernel-rpc", port_type_rpc);
	row("port-make-destroy", port_make);
	vm_allocate(mach_task_self(), &memory, PAGES * VM_PAGE_SIZE, TRUE);
	area = (volatile char *)memory;
	area_page = 0;
	row("zero-fill-fault", write_next);
	vm_allocate(mach_task_self(), &ool_data, OOL_SIZE, TRUE);
	memset((void *)ool_data, 1, OOL_SIZE);
	row("ool-64k-untouched", ool_untouched);
	row("ool-64k-read", ool_read);
	row("copy-between-tasks-256", copy_256);
	row("task-create-terminate", task_make);
	row("task-fork-terminate", task_fork);
	if (task_create(mach_task_self(), TRUE, &child) == KERN_SUCCESS) {
		area_page = 0;
		row("mach-cow-fault", write_next);
		task_terminate(child);
	}
	setting_rows();
	pager_rows();
	printf("bench: end\n");
	power_off();
	return 0;
}
