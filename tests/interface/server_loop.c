/* The server loop of libmach: what it answers to requests that it does not know, however they came and whatever before.
 */
#include "test.h"

#include <mach/register.h>
#include <mach/server.h>
#include <string.h>

enum { UNKNOWN_ID = 50, LINUX_ENOSYS = 38, RUN = 6 };

static void serve_nothing(uint64_t port)
{
	static const struct mig_subsystem *const none[] = {NULL};

	mach_server_run((mach_port_t)port, none);
}

/* With one that wants trailers the loop receives everything in its buffer. */
static void serve_token_calls(uint64_t port)
{
	extern const struct mig_subsystem token_calls_subsystem;
	static const struct mig_subsystem *const served[] = {&token_calls_subsystem, NULL};

	mach_server_run((mach_port_t)port, served);
}

/* In the child, whose foreign calls go to the server: the first result, or one that was not as the first. */
static void foreign_calls(uint64_t address)
{
	volatile int64_t *result = (volatile int64_t *)address;

	for (;;) {
		int64_t rax = UNKNOWN_ID;

		__asm__ volatile("syscall" : "+a"(rax) : "D"(1), "S"(2), "d"(3) : "rcx", "r11", "memory");
		if (result[0] == 0 || rax != result[0])
			result[0] = rax;
		result[1]++;
		thread_switch(MACH_PORT_NULL, SWITCH_OPTION_WAIT, 1);
	}
}

/* A request that does not fit in registers, with a right; what the answer says. */
static kern_return_t message_of_nobody(mach_port_t port, mach_port_t reply, mach_port_t right)
{
	union {
		struct {
			mach_msg_header_t header;
			mach_msg_body_t body;
			mach_msg_port_descriptor_t right;
		} request;
		struct {
			mig_reply_error_t error;
			mach_msg_trailer_t trailer;
		} reply;
	} m = {.request = {.header = {.msgh_bits = MACH_MSGH_BITS_COMPLEX | MACH_MSGH_BITS(MACH_MSG_TYPE_COPY_SEND,
										    MACH_MSG_TYPE_MAKE_SEND_ONCE),
				   .msgh_size = sizeof m.request,
				   .msgh_remote_port = port,
				   .msgh_local_port = reply,
				   .msgh_id = UNKNOWN_ID},
		       .body = {.msgh_descriptor_count = 1},
		       .right = {.name = right,
			       .disposition = MACH_MSG_TYPE_COPY_SEND,
			       .type = MACH_MSG_PORT_DESCRIPTOR}}};
	mach_msg_return_t result = mach_msg(&m.request.header, MACH_SEND_MSG | MACH_RCV_MSG | MACH_RCV_TIMEOUT,
		sizeof m.request, sizeof m, reply, 5000, MACH_PORT_NULL);

	if (result != MACH_MSG_SUCCESS)
		return result;
	return m.reply.error.Head.msgh_size == sizeof m.reply.error ? m.reply.error.RetCode : KERN_FAILURE;
}

/* The same short enough for registers, in which the loop may get it. */
static kern_return_t short_message_of_nobody(mach_port_t port, mach_port_t reply)
{
	struct words_message m;
	mig_reply_error_t error;
	uint64_t word[2] = {1, 2};
	mach_msg_return_t result = send_words(port, reply, UNKNOWN_ID, word, 2, 0, 0);

	if (result == MACH_MSG_SUCCESS)
		result = receive_words(reply, &m, PATIENCE);
	if (result != MACH_MSG_SUCCESS)
		return result;
	memcpy(&error, &m, sizeof error);
	return error.Head.msgh_size == sizeof error ? error.RetCode : KERN_FAILURE;
}

static kern_return_t call_of_nobody(mach_port_t port)
{
	uint64_t word[8] = {1, 2};
	kern_return_t result = mach_call_words(port, UNKNOWN_ID, word, 2);

	return result != KERN_SUCCESS ? result : (kern_return_t)word[0];
}

/* The child calls at least once more; then its results are looked at. */
static void foreign_call_answered(const char *title, volatile int64_t *result)
{
	const int64_t before = result[1];

	for (int i = 0; i < 500 && result[1] < before + 2; i++)
		thread_switch(MACH_PORT_NULL, SWITCH_OPTION_WAIT, 10);
	check("a foreign call is answered", result[1] >= before + 2);
	check_is(title, result[0], -LINUX_ENOSYS);
	result[0] = 0;
}

static void unknown_requests(const char *how, void (*server)(uint64_t))
{
	foreign_bitmap_t none = {0};
	mach_port_t port = new_port(), reply = new_port(), right = new_port();
	vm_address_t shared = 0;
	volatile int64_t *result;
	struct child child;
	char title[96];
	bool same = true;

	vm_allocate(mach_task_self(), &shared, VM_PAGE_SIZE, TRUE);
	vm_inherit(mach_task_self(), shared, VM_PAGE_SIZE, VM_INHERIT_SHARE);
	result = (volatile int64_t *)shared;
	start_thread(server, port);
	/* All its bits are zero as it arrives, like a place of a table in which nothing is yet. */
	check_is("an empty message with id 0 goes to the loop", send_words(port, MACH_PORT_NULL, 0, NULL, 0, 0, 0),
		MACH_MSG_SUCCESS);
	snprintf(title, sizeof title, "%s: a call of nobody's", how);
	check_is(title, call_of_nobody(port), MIG_BAD_ID);
	snprintf(title, sizeof title, "%s: a short message of nobody's", how);
	check_is(title, short_message_of_nobody(port, reply), MIG_BAD_ID);
	/* From here on the loop answers and receives by messages. */
	for (int i = 0; i < RUN; i++)
		same = same && message_of_nobody(port, reply, right) == MIG_BAD_ID;
	snprintf(title, sizeof title, "%s: messages of nobody's", how);
	check(title, same);
	snprintf(title, sizeof title, "%s: a call of nobody's after a run of messages", how);
	check_is(title, call_of_nobody(port), MIG_BAD_ID);
	for (int i = 0; i < RUN; i++)
		message_of_nobody(port, reply, right);
	snprintf(title, sizeof title, "%s: a short message of nobody's after a run of messages", how);
	check_is(title, short_message_of_nobody(port, reply), MIG_BAD_ID);
	check_is("rights sent to nobody are given back", refs_of(right, MACH_PORT_RIGHT_SEND), 1);

	for (int i = 0; i < RUN; i++)
		message_of_nobody(port, reply, right);
	if (!child_create(&child, foreign_calls, shared, MACH_PORT_NULL))
		return;
	check_is("a task's foreign calls go to the loop", task_set_foreign(child.task, FOREIGN_PORT, 0, port, none),
		KERN_SUCCESS);
	thread_resume(child.thread);
	snprintf(title, sizeof title, "%s: a foreign call after a run of messages", how);
	foreign_call_answered(title, result);
	call_of_nobody(port);
	snprintf(title, sizeof title, "%s: a foreign call after a call", how);
	foreign_call_answered(title, result);
	child_end(&child);
	mach_port_destroy(mach_task_self(), port);
	free_port(reply);
	free_port(right);
	vm_deallocate(mach_task_self(), shared, VM_PAGE_SIZE);
}

void test_server_loop(void)
{
	unknown_requests("by registers", serve_nothing);
	unknown_requests("with trailers", serve_token_calls);
}
