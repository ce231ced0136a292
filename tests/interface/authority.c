/* What a task is made with, and foreign-only tasks: no port but those that were named, no trap, no name. */
#include "test.h"

#include <mach/exc_server.h>
#include <string.h>

enum { NUMBERS = 24, ANSWER = 0x7000, PATIENCE_MS = 10000 };

/* In the child: every number that is a trap of others, then a fault. */
struct results {
	volatile int64_t result[NUMBERS + 1];
	volatile uint64_t kept; /* numbers after which rbx, r12 and r14 were what they had been */
};

static void negative_caller(uint64_t address)
{
	struct results *r = (struct results *)address;

	for (int64_t number = -1; number >= -NUMBERS; number--) {
		register uint64_t r12 __asm__("r12") = 0x1212;
		register uint64_t r14 __asm__("r14") = 0x1414;
		uint64_t rbx = 0xbb00;
		int64_t rax = number;

		__asm__ volatile("syscall"
				 : "+a"(rax), "+b"(rbx), "+r"(r12), "+r"(r14)
				 : "D"(1), "S"(2), "d"(3)
				 : "rcx", "r11", "memory");
		r->result[-number] = rax;
		r->kept += rbx == 0xbb00 && r12 == 0x1212 && r14 == 0x1414;
	}
	__asm__ volatile("movl $0, 8");
}

static bool has_special_port(mach_port_t task, int which)
{
	mach_port_t port = MACH_PORT_NULL;

	return task_get_special_port(task, which, &port) != KERN_SUCCESS || port != MACH_PORT_NULL;
}

static void test_made_with_nothing(void)
{
	foreign_bitmap_t none = {0};
	mach_port_t port = new_port(), task = MACH_PORT_NULL, right, registered = MACH_PORT_NULL;
	mach_msg_type_name_t disposition;
	struct words_message message;
	struct child child;
	x86_thread_state64_t state;
	mach_msg_type_number_t words = x86_THREAD_STATE64_WORDS;
	mach_port_t thread = MACH_PORT_NULL, handler = new_port();
	unsigned ports = 0;

	if (!child_create(&child, negative_caller, 0, MACH_PORT_NULL))
		return;
	check("a new task has no bootstrap port", !has_special_port(child.task, TASK_BOOTSTRAP_PORT));
	check("and no exception port", !has_special_port(child.task, TASK_EXCEPTION_PORT));
	for (int slot = 0; slot < TASK_PORT_REGISTER_MAX; slot++)
		ports += portolan_mach_ports_lookup(child.task, slot, &right, &disposition) != KERN_SUCCESS ||
			 right != MACH_PORT_NULL;
	check_is("and no registered ports", ports, 0);

	/* A child of a task that has them all gets none of them, with its memory or without. */
	task_set_special_port(child.task, TASK_BOOTSTRAP_PORT, port);
	task_set_special_port(child.task, TASK_EXCEPTION_PORT, port);
	portolan_mach_ports_register(child.task, REGISTERED_SERVICE, port, MACH_MSG_TYPE_COPY_SEND);
	task_set_foreign(child.task, FOREIGN_PORT, 0, port, none);
	for (int memory = FALSE; memory <= TRUE; memory++) {
		check_is("a task of a task is made", task_create(child.task, memory, &task), KERN_SUCCESS);
		check("it has no bootstrap port either", !has_special_port(task, TASK_BOOTSTRAP_PORT));
		check("and no exception port either", !has_special_port(task, TASK_EXCEPTION_PORT));
		portolan_mach_ports_lookup(task, REGISTERED_SERVICE, &registered, &disposition);
		check_is("and no registered port either", registered, MACH_PORT_NULL);
		if (!memory)
			task_terminate(task);
	}
	/* Its foreign calls do not go to its parent's port: they are exceptions. */
	portolan_thread_get_state(child.thread, x86_THREAD_STATE64, (uint64_t *)&state, &words);
	state.rax = 20;
	thread_create(task, &thread);
	task_set_special_port(task, TASK_EXCEPTION_PORT, handler);
	portolan_thread_set_state(thread, x86_THREAD_STATE64, (uint64_t *)&state, words);
	task_set_foreign(task, FOREIGN_ONLY | FOREIGN_EXCEPTION, 0, MACH_PORT_NULL, none);
	thread_resume(thread);
	check_is("a call of a task that was given no port is an exception",
		receive_words(handler, &message, PATIENCE_MS) == MACH_MSG_SUCCESS ||
			message.header.msgh_bits & MACH_MSGH_BITS_COMPLEX,
		true);
	check_is("and no call to its parent's port", receive_words(port, &message, 0), MACH_RCV_TIMED_OUT);
	task_terminate(task);
	child_end(&child);
	free_port(handler);
	free_port(port);
}

/* All ways by which who holds the task's port could give it a name. */
static void test_space_stays_empty(mach_port_t task)
{
	mach_port_t port = new_port(), name = MACH_PORT_NULL;
	mach_port_name_array_t names = NULL;
	mach_port_type_array_t types = NULL;
	mach_msg_type_number_t count = 0, type_count = 0;

	check("no right is inserted",
		mach_port_insert_right(task, 0x1000, port, MACH_MSG_TYPE_MAKE_SEND) != KERN_SUCCESS);
	check("no port is allocated", mach_port_allocate(task, MACH_PORT_RIGHT_RECEIVE, &name) != KERN_SUCCESS);
	check("nor a set", mach_port_allocate(task, MACH_PORT_RIGHT_PORT_SET, &name) != KERN_SUCCESS);
	check("nor a dead name", mach_port_allocate(task, MACH_PORT_RIGHT_DEAD_NAME, &name) != KERN_SUCCESS);
	check("it has no names",
		mach_port_names(task, &names, &count, &types, &type_count) != KERN_SUCCESS || count == 0);
	free_port(port);
}

/* A kernel port does for the calls of its own kind. Those that have no answer must do nothing. */
static void test_wrong_kinds(void)
{
	mach_port_t self = mach_task_self(), host = mach_host_self(), thread = mach_thread_self();
	uint64_t info[HOST_INFO_WORDS_MAX];
	mach_msg_type_number_t count = HOST_INFO_WORDS_MAX;
	vm_address_t address = 0;
	mach_port_type_t type = 0;

	check_is("a host is no address space", vm_allocate(host, &address, VM_PAGE_SIZE, TRUE), KERN_INVALID_ARGUMENT);
	check_is("a thread is no name space", mach_port_type(thread, self, &type), KERN_INVALID_TASK);
	check_is("a thread is no task", task_resume(thread), KERN_INVALID_ARGUMENT);
	check_is("a task is no thread", thread_resume(self), KERN_INVALID_ARGUMENT);
	check_is("a task is no host", portolan_host_info(self, PORTOLAN_HOST_INFO, info, &count), KERN_INVALID_HOST);
	check_is("a task is no account", account_info(self, info), KERN_INVALID_ARGUMENT);
	check_is("a task is no object, in registers", memory_object_destroy(self, KERN_FAILURE), KERN_SUCCESS);
	check_is("a task is no object, in a message",
		memory_object_lock_request(self, 0, VM_PAGE_SIZE, MEMORY_OBJECT_RETURN_ALL, TRUE, 0, MACH_PORT_NULL),
		KERN_SUCCESS);
}

void test_authority(void)
{
	foreign_bitmap_t none = {0};
	mach_port_t port = new_port(), handler = new_port();
	struct mach_delivery d = {0};
	struct child child;
	struct results *r;
	vm_address_t shared = 0;
	char buffer[512];
	unsigned wrong = 0;
	kern_return_t result;

	test_made_with_nothing();
	test_wrong_kinds();
	vm_allocate(mach_task_self(), &shared, VM_PAGE_SIZE, TRUE);
	vm_inherit(mach_task_self(), shared, VM_PAGE_SIZE, VM_INHERIT_SHARE);
	r = (struct results *)shared;
	if (!child_create(&child, negative_caller, shared, port))
		return;
	check_is("a task becomes foreign-only",
		task_set_foreign(child.task, FOREIGN_PORT | FOREIGN_ONLY, 0, port, none), KERN_SUCCESS);
	check_is("that is not taken back", task_set_foreign(child.task, FOREIGN_PORT, 0, port, none), KERN_SUCCESS);
	check_is("its exceptions have a handler", task_set_special_port(child.task, TASK_EXCEPTION_PORT, handler),
		KERN_SUCCESS);
	test_space_stays_empty(child.task);
	thread_resume(child.thread);
	result = mach_reply_wait_words(port, REPLY_NONE, 0, buffer, sizeof buffer, &d);
	for (int number = 1; number <= NUMBERS && result == KERN_SUCCESS; number++) {
		wrong += DELIVERED_ID(d.kind) != -number || !(d.kind & DELIVERED_FOREIGN) || d.word[0] != 1 ||
			 d.word[1] != 2 || d.word[2] != 3;
		if (number < NUMBERS) {
			result = mach_answer_wait(port, 0, (uint64_t)(ANSWER + number), buffer, sizeof buffer, &d);
		} else {
			memset(d.word, 0, sizeof d.word);
			d.word[0] = (uint64_t)(ANSWER + number);
			mach_reply_wait_words(port, REPLY_NO_WAIT, 1, buffer, sizeof buffer, &d);
		}
	}
	check_is("every negative number is a foreign call like others", wrong, 0);
	/* The fault that follows: a message with rights to the thread and the task, which need no name in the task. */
	result = mach_msg((mach_msg_header_t *)(void *)buffer, MACH_RCV_MSG | MACH_RCV_TIMEOUT, 0, sizeof buffer,
		handler, PATIENCE_MS, MACH_PORT_NULL);
	check_is("its exceptions are delivered", result, MACH_MSG_SUCCESS);
	mach_msg_destroy((mach_msg_header_t *)(void *)buffer);
	for (int number = 1; number <= NUMBERS; number++)
		wrong += r->result[number] != ANSWER + number;
	check_is("and answered like others", wrong, 0);
	check_is("without a change to other registers", r->kept, NUMBERS);
	child_end(&child);
	free_port(handler);
	free_port(port);
	vm_deallocate(mach_task_self(), shared, VM_PAGE_SIZE);
}
