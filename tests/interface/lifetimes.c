/* Ends that nobody asks for: of tasks out of reach, of receive rights that would lie in their own queues; and blocked
 * senders. */
#include "test.h"

#include <mach/mach_port_user.h>
#include <mach/notify_server.h>
#include <stdlib.h>
#include <string.h>

enum { WITNESS = 0x5000, LONG_MS = 10000, SHORT_MS = 100, MANY = 200 };

/* The task holds a send-once right to the port: its end is told there. */
static void watch(mach_port_t task, mach_port_t port)
{
	check_is("a task is watched", mach_port_insert_right(task, WITNESS, port, MACH_MSG_TYPE_MAKE_SEND_ONCE),
		KERN_SUCCESS);
}

static bool has_ended(mach_port_t port, mach_msg_timeout_t patience)
{
	struct words_message message;

	return receive_words(port, &message, patience) == MACH_MSG_SUCCESS &&
	       message.header.msgh_id == MIG_ID_mach_notify_send_once;
}

static void drop(mach_port_t name)
{
	mach_port_deallocate(mach_task_self(), name);
}

static mach_port_t new_task(mach_port_t port)
{
	mach_port_t task = MACH_PORT_NULL;

	check_is("a task is made", task_create(mach_task_self(), FALSE, &task), KERN_SUCCESS);
	watch(task, port);
	return task;
}

static void test_without_threads(void)
{
	mach_port_t port = new_port(), task = new_task(port), copy = MACH_PORT_NULL;
	unsigned ended = 0;

	check("a task without threads lives while a right to it does", !has_ended(port, SHORT_MS));
	check_is("a second right to it", task_get_special_port(task, TASK_KERNEL_PORT, &copy), KERN_SUCCESS);
	drop(copy);
	check("it lives with the first alone", !has_ended(port, SHORT_MS));
	drop(task);
	check("and ends with the last", has_ended(port, LONG_MS));

	/* Rights that it holds to itself are nobody's. */
	task = new_task(port);
	check_is("a task is given its own port", mach_port_insert_right(task, 0x6000, task, MACH_MSG_TYPE_COPY_SEND),
		KERN_SUCCESS);
	drop(task);
	check("and ends all the same", has_ended(port, LONG_MS));

	for (int i = 0; i < MANY; i++)
		drop(new_task(port));
	while (ended < MANY && has_ended(port, LONG_MS))
		ended++;
	check_is("many tasks that were forgotten", ended, MANY);
	free_port(port);
}

/* Threads that have never run, or that stand still and nobody can resume. */
static void test_with_threads(void)
{
	mach_port_t port = new_port(), task = new_task(port), thread = MACH_PORT_NULL, second = MACH_PORT_NULL;

	thread_create(task, &thread);
	thread_create(task, &second);
	drop(task);
	check("a task lives while a right to a thread does that has not run", !has_ended(port, SHORT_MS));
	drop(thread);
	check("to any of them", !has_ended(port, SHORT_MS));
	drop(second);
	check("and ends with the last", has_ended(port, LONG_MS));

	task = new_task(port);
	thread_create(task, &thread);
	check_is("a thread is given to its task", mach_port_insert_right(task, 0x6000, thread, MACH_MSG_TYPE_MOVE_SEND),
		KERN_SUCCESS);
	check("that changes nothing while the task is held", !has_ended(port, SHORT_MS));
	drop(task);
	check("a thread that only its own task could resume does not keep it", has_ended(port, LONG_MS));
	free_port(port);
}

/* In a child: runs until its word says otherwise, then ends. */
static void runner(uint64_t address)
{
	volatile uint64_t *word = (volatile uint64_t *)address;

	while (*word == 0)
		thread_switch(MACH_PORT_NULL, SWITCH_OPTION_WAIT, 1);
	word[1] = 1;
	mach_thread_exit(NULL);
}

static void test_running(void)
{
	mach_port_t port = new_port();
	vm_address_t shared = 0;
	volatile uint64_t *word;
	struct child child;

	vm_allocate(mach_task_self(), &shared, VM_PAGE_SIZE, TRUE);
	vm_inherit(mach_task_self(), shared, VM_PAGE_SIZE, VM_INHERIT_SHARE);
	word = (volatile uint64_t *)shared;
	if (!child_create(&child, runner, shared, MACH_PORT_NULL))
		return;
	watch(child.task, port);
	thread_resume(child.thread);
	drop(child.task);
	drop(child.thread);
	check("a task that runs lives without rights to it", !has_ended(port, SHORT_MS));
	word[0] = 1;
	check("it ends with its last thread", has_ended(port, LONG_MS));
	check_is("which came to its own end", word[1], 1);

	word[0] = word[1] = 0;
	if (!child_create(&child, runner, shared, MACH_PORT_NULL))
		return;
	watch(child.task, port);
	thread_resume(child.thread);
	drop(child.task);
	check_is("its thread is suspended", thread_suspend(child.thread), KERN_SUCCESS);
	check("a suspended thread that can be resumed keeps its task", !has_ended(port, SHORT_MS));
	check_is("it is resumed", thread_resume(child.thread), KERN_SUCCESS);
	thread_suspend(child.thread);
	drop(child.thread);
	check("one that cannot be does not", has_ended(port, LONG_MS));
	free_port(port);
	vm_deallocate(mach_task_self(), shared, VM_PAGE_SIZE);
}

/* --- A receive right that the kernel would put into its own queue. */

static void test_into_itself(void)
{
	mach_port_t port = MACH_PORT_NULL, watched;
	struct {
		mach_msg_header_t header;
		NDR_record_t NDR;
		mach_port_name_t name;
		mach_msg_type_name_t disposition;
	} request = {.NDR = NDR_record, .disposition = MACH_MSG_TYPE_MOVE_RECEIVE};
	mach_port_t notify = new_port(), previous = MACH_PORT_NULL;

	mach_port_allocate(mach_task_self(), MACH_PORT_RIGHT_RECEIVE, &port);
	/* A send right under a name of its own shows the death. */
	mach_port_insert_right(mach_task_self(), port, port, MACH_MSG_TYPE_MAKE_SEND);
	mach_port_request_notification(mach_task_self(), port, MACH_NOTIFY_DEAD_NAME, 0, notify, MACH_MSG_TYPE_MAKE_SEND_ONCE, &previous);
	watched = port;
	request.name = port;
	request.header =
		(mach_msg_header_t){.msgh_bits = MACH_MSGH_BITS(MACH_MSG_TYPE_COPY_SEND, MACH_MSG_TYPE_MAKE_SEND_ONCE),
			.msgh_size = sizeof request,
			.msgh_remote_port = mach_task_self(),
			.msgh_local_port = port,
			.msgh_id = MIG_ID_mach_port_extract_right};
	check_is("a receive right is extracted into a message to itself",
		mach_msg(&request.header, MACH_SEND_MSG, sizeof request, 0, MACH_PORT_NULL, 0, MACH_PORT_NULL),
		MACH_MSG_SUCCESS);
	check("it dies of that", type_of(watched) == MACH_PORT_TYPE_DEAD_NAME);
	mach_port_destroy(mach_task_self(), watched);
	free_port(notify);
}

/* --- Blocked senders. */

static struct sender {
	mach_msg_header_t header;
	volatile uint32_t done;
	volatile mach_msg_return_t result;
} senders[2];

static void sender(uint64_t which)
{
	struct sender *self = &senders[which];

	self->result =
		mach_msg_trap(&self->header, MACH_SEND_MSG, sizeof self->header, 0, MACH_PORT_NULL, 0, MACH_PORT_NULL);
	self->done = 1;
}

/* The first of two blocked senders is woken and cannot send any more. */
static void test_spoilt_sender(void)
{
	mach_port_t port = new_port();
	struct words_message message;

	mach_port_set_qlimit(mach_task_self(), port, 1);
	check_is("the only room is taken", send_words(port, MACH_PORT_NULL, 1, NULL, 0, 0, 0), MACH_MSG_SUCCESS);
	for (unsigned i = 0; i < 2; i++) {
		senders[i].done = 0;
		senders[i].header = (mach_msg_header_t){.msgh_bits = MACH_MSGH_BITS(MACH_MSG_TYPE_MAKE_SEND, 0),
			.msgh_remote_port = port,
			.msgh_id = 100 + (int)i};
		start_thread(sender, i);
		nap(SHORT_MS);
	}
	check("two senders wait", senders[0].done == 0 && senders[1].done == 0);
	senders[0].header.msgh_bits = 0;
	check_is("room is made", receive_words(port, &message, LONG_MS), MACH_MSG_SUCCESS);
	check_is("the first finds its message invalid", wait_until_is(&senders[0].done, 1), 1);
	check_is("and says so", senders[0].result, MACH_SEND_INVALID_HEADER);
	check_is("the second has sent", wait_until_is(&senders[1].done, 1), 1);
	check_is("its message is there", receive_words(port, &message, LONG_MS), MACH_MSG_SUCCESS);
	check_is("as it was sent", message.header.msgh_id, 101);
	free_port(port);
}

/* A send that fails keeps what was asked for on the names that it would have moved. */
static void test_failed_send(void)
{
	mach_port_t port = new_port(), to = new_port(), notify = new_port(), previous = MACH_PORT_NULL;
	struct {
		mach_msg_header_t header;
		mach_msg_body_t body;
		mach_msg_port_descriptor_t moved, bad;
	} m = {.header = {.msgh_bits = MACH_MSGH_BITS_COMPLEX | MACH_MSGH_BITS(MACH_MSG_TYPE_COPY_SEND, 0),
		       .msgh_size = sizeof m,
		       .msgh_remote_port = to},
		.body = {.msgh_descriptor_count = 2},
		.moved = {.name = port, .disposition = MACH_MSG_TYPE_MOVE_SEND, .type = MACH_MSG_PORT_DESCRIPTOR},
		.bad = {.name = 0x12345600, .disposition = MACH_MSG_TYPE_COPY_SEND, .type = MACH_MSG_PORT_DESCRIPTOR}};
	struct words_message message;

	check_is("a dead-name request",
		mach_port_request_notification(mach_task_self(), port, MACH_NOTIFY_DEAD_NAME, 0, notify, MACH_MSG_TYPE_MAKE_SEND_ONCE, &previous),
		KERN_SUCCESS);
	check_is("a send with a right that is none",
		mach_msg(&m.header, MACH_SEND_MSG, sizeof m, 0, MACH_PORT_NULL, 0, MACH_PORT_NULL),
		MACH_SEND_INVALID_RIGHT);
	check_is("the request is not told that its name has gone", receive_words(notify, &message, 0),
		MACH_RCV_TIMED_OUT);
	check_is(
		"its port dies", mach_port_mod_refs(mach_task_self(), port, MACH_PORT_RIGHT_RECEIVE, -1), KERN_SUCCESS);
	check_is("and that is told", receive_words(notify, &message, LONG_MS), MACH_MSG_SUCCESS);
	check_is("as was asked for", message.header.msgh_id, MACH_NOTIFY_DEAD_NAME);
	mach_port_destroy(mach_task_self(), port);
	free_port(to);
	free_port(notify);
}

void test_lifetimes(void)
{
	test_without_threads();
	test_with_threads();
	test_running();
	test_into_itself();
	test_spoilt_sender();
	test_failed_send();
}
