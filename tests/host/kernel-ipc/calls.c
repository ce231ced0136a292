/* Calls between threads: every pairing of register and buffered sides, fast and full, with faults, preemption, aborts
 * and deaths. */
#include "calls.h"
#include "world.h"
#include <kern/processor.h>
#include <stdlib.h>
#include <string.h>
#include <stubs/mach_port_server.h>

#define CLIENTS 6
#define SERVERS 3
#define CALLS   60

struct message {
	mach_msg_header_t header;
	uint64_t word[40];
	mach_msg_trailer_t trailer;
};

struct scene {
	struct task *server_task, *client_task;
	mach_port_name_t receive; /* in the server's space: port or set */
	mach_port_name_t port;    /* in the server's space */
	mach_port_name_t send;    /* in the clients' */
	bool aborts;
	unsigned clients_left, good, died;
	struct thread *threads[CLIENTS + SERVERS];
	unsigned threads_count;
	bool over;
};

static struct scene scene;

/* What every server answers: each word plus the id. */
static void answer(uint64_t *words, unsigned count, int id)
{
	for (unsigned i = 0; i < count; i++)
		words[i] += (uint64_t)id;
}

static struct ipc_port *copy_send(struct task *task, mach_port_name_t name)
{
	struct ipc_port *port = NULL;
	mach_msg_type_name_t type;

	CHECK_EQUAL(mach_port_extract_right(task->space, name, MACH_MSG_TYPE_COPY_SEND, &port, &type), KERN_SUCCESS);
	return port;
}

static bool interrupted(int64_t result)
{
	return scene.aborts && (result == MACH_RCV_INTERRUPTED || result == MACH_SEND_INTERRUPTED);
}

/* --- Clients. */

static bool client_by_registers(void)
{
	struct words words, sent;
	unsigned count = (unsigned)host_random(9), n = count;
	int id = (int)host_random(1000) + 1;
	int64_t result;

	for (unsigned i = 0; i < 8; i++)
		sent.w[i] = words.w[i] = host_random(0);
	/* Aborted while its request was queued it is rewound; later, its request having been received, it says so. */
	while ((result = user_call(scene.send, id, &words, &count)) == MACH_RCV_INTERRUPTED && scene.aborts) {
		words = sent;
		count = n;
	}
	if (result == MIG_SERVER_DIED || result == MACH_SEND_INVALID_DEST) {
		scene.died++;
		return false;
	}
	CHECK_EQUAL(result, MACH_MSG_SUCCESS);
	CHECK_EQUAL(count, n);
	answer(sent.w, n, id);
	return CHECK(memcmp(words.w, sent.w, n * sizeof(uint64_t)) == 0);
}

static bool client_by_message(unsigned words)
{
	struct message *message = malloc(sizeof(*message));
	mach_port_name_t reply = world_port(scene.client_task);
	uint64_t sent[40];
	int id = (int)host_random(1000) + 1;
	uint32_t size = (uint32_t)(sizeof(mach_msg_header_t) + words * sizeof(uint64_t));
	unsigned option = MACH_SEND_MSG | MACH_RCV_MSG;
	int64_t result;
	bool good = false;

	message->header =
		(mach_msg_header_t){.msgh_bits = MACH_MSGH_BITS(MACH_MSG_TYPE_COPY_SEND, MACH_MSG_TYPE_MAKE_SEND_ONCE),
			.msgh_remote_port = scene.send,
			.msgh_local_port = reply,
			.msgh_id = id};
	for (unsigned i = 0; i < words; i++)
		sent[i] = message->word[i] = host_random(0);
	while (interrupted(result = user_msg(message, option, size, sizeof(*message), reply, 0, 0))) {
		if (result == MACH_RCV_INTERRUPTED)
			option = MACH_RCV_MSG;
	}
	if (result == MACH_SEND_INVALID_DEST || (result == 0 && message->header.msgh_id == 71)) {
		scene.died++; /* 71: the send-once notification of the right to reply */
	} else if (CHECK_EQUAL(result, MACH_MSG_SUCCESS)) {
		answer(sent, words, id);
		good = CHECK_EQUAL(message->header.msgh_id, id + 100) & CHECK_EQUAL(message->header.msgh_size, size) &
		       CHECK(memcmp(message->word, sent, words * sizeof(uint64_t)) == 0);
	}
	CHECK_EQUAL(mach_port_mod_refs(scene.client_task->space, reply, MACH_PORT_RIGHT_RECEIVE, -1), KERN_SUCCESS);
	free(message);
	return good;
}

static void client(void *argument)
{
	unsigned kind = (unsigned)(uintptr_t)argument;

	for (unsigned i = 0; i < CALLS && scene.died == 0; i++) {
		if (kind == 0)
			scene.good += client_by_registers();
		else if (kind == 1)
			scene.good += client_by_message((unsigned)host_random(9));
		else
			scene.good += client_by_message(9 + (unsigned)host_random(31));
	}
	if (--scene.clients_left == 0) {
		scene.over = true;
		(void)mach_port_mod_refs(scene.server_task->space, scene.port, MACH_PORT_RIGHT_RECEIVE, -1);
		if (scene.receive != scene.port)
			(void)mach_port_mod_refs(scene.server_task->space, scene.receive, MACH_PORT_RIGHT_PORT_SET, -1);
	}
}

/* --- Servers. */

static bool ends(int64_t result)
{
	return result == MACH_RCV_PORT_DIED || result == MACH_RCV_PORT_CHANGED || result == MACH_RCV_INVALID_NAME;
}

/* Answers a request in a buffer, with its reply right there. */
static void answer_message(struct message *message)
{
	unsigned words = (unsigned)((message->header.msgh_size - sizeof(mach_msg_header_t)) / sizeof(uint64_t));
	mach_msg_bits_t type = MACH_MSGH_BITS_REMOTE(message->header.msgh_bits);
	uint32_t size = message->header.msgh_size;
	int64_t result;

	if (message->header.msgh_remote_port == MACH_PORT_NULL || message->header.msgh_remote_port == MACH_PORT_DEAD)
		return;
	CHECK_EQUAL(type, MACH_MSG_TYPE_PORT_SEND_ONCE);
	answer(message->word, words, message->header.msgh_id);
	message->header.msgh_bits = MACH_MSGH_BITS(MACH_MSG_TYPE_MOVE_SEND_ONCE, 0);
	message->header.msgh_local_port = MACH_PORT_NULL;
	message->header.msgh_id += 100;
	while (interrupted(result = user_msg(message, MACH_SEND_MSG, size, 0, 0, 0, 0)))
		;
	CHECK(result == MACH_MSG_SUCCESS || (scene.aborts && result == MACH_SEND_INVALID_DEST));
}

static void server_by_registers(void *argument)
{
	bool defers = argument != NULL;
	struct message *buffer = malloc(sizeof(*buffer));
	struct delivered in;
	struct words out;
	unsigned flags = REPLY_NONE, count = 0;
	int64_t result;

	for (;;) {
		result = user_reply_wait(scene.receive, flags, &out, count, buffer, sizeof(*buffer), &in);
		flags = REPLY_NONE;
		count = 0;
		if (interrupted(result))
			continue;
		if (result != 0)
			break;
		if (in.kind & DELIVERED_BUFFER) {
			CHECK_EQUAL(in.id, buffer->header.msgh_id);
			answer_message(buffer);
			continue;
		}
		CHECK_EQUAL(in.label, scene.port);
		CHECK(in.kind & DELIVERED_CALL);
		out = in.words;
		answer(out.w, in.count, in.id);
		if (defers && host_random(2) == 0) {
			int64_t name = user_trap(TRAP_MACH_REPLY_DEFER, 0, 0, 0, 0, 0, 0);

			CHECK(name > 0 && name >> 32 == 0);
			result = user_send((mach_port_name_t)name, in.id + 100, &out, in.count);
			CHECK(result == MACH_MSG_SUCCESS || (scene.aborts && result == MACH_SEND_INVALID_DEST));
			if (result != MACH_MSG_SUCCESS)
				(void)mach_port_deallocate(scene.server_task->space, (mach_port_name_t)name);
		} else {
			flags = 0;
			count = in.count;
		}
	}
	CHECK(ends(result));
	free(buffer);
}

static void server_by_messages(void *argument)
{
	struct message *buffer = malloc(sizeof(*buffer));
	int64_t result;

	(void)argument;
	for (;;) {
		result = user_msg(buffer, MACH_RCV_MSG, 0, sizeof(*buffer), scene.receive, 0, 0);
		if (interrupted(result))
			continue;
		if (result != 0)
			break;
		CHECK_EQUAL(buffer->header.msgh_local_port, scene.port);
		answer_message(buffer);
	}
	CHECK(ends(result));
	free(buffer);
}

/* --- One who stops the others now and then. */

static void aborter(void *argument)
{
	(void)argument;
	while (!scene.over) {
		struct thread *victim = scene.threads[host_random(scene.threads_count)];

		if (host_random(4) == 0 && victim->state != THREAD_DEAD) {
			(void)thread_suspend(victim);
			(void)thread_abort(victim);
			(void)thread_resume(victim);
		}
		(void)user_trap(TRAP_REPLY_PORT, 0, 0, 0, 0, 0, 0); /* passes the time */
	}
}

static void play(bool set, bool register_servers, bool message_servers, bool aborts)
{
	scene = (struct scene){.server_task = world_task(), .client_task = world_task(), .aborts = aborts};
	scene.port = scene.receive = world_port(scene.server_task);
	scene.send = world_send_right(scene.server_task, scene.port, scene.client_task);
	if (set) {
		CHECK_EQUAL(mach_port_allocate(scene.server_task->space, MACH_PORT_RIGHT_PORT_SET, &scene.receive),
			KERN_SUCCESS);
		CHECK_EQUAL(mach_port_move_member(scene.server_task->space, scene.port, scene.receive), KERN_SUCCESS);
	}
	for (uintptr_t i = 0; i < SERVERS; i++) {
		bool words = register_servers && (!message_servers || i % 2 == 0);

		scene.threads[scene.threads_count++] =
			words ? world_thread(scene.server_task, server_by_registers, (void *)i)
			      : world_thread(scene.server_task, server_by_messages, NULL);
	}
	for (uintptr_t i = 0; i < CLIENTS; i++) {
		scene.clients_left++;
		scene.threads[scene.threads_count++] = world_thread(scene.client_task, client, (void *)(i % 3));
	}
	for (unsigned i = 0; i < scene.threads_count; i++)
		thread_reference(scene.threads[i]);
	if (aborts)
		world_thread(scene.client_task, aborter, NULL);
	CHECK_EQUAL(world_run(), 0);
	for (unsigned i = 0; i < scene.threads_count; i++)
		thread_deallocate(scene.threads[i]);
	CHECK_EQUAL(scene.died, 0);
	CHECK_EQUAL(scene.good, CLIENTS * CALLS);
	world_task_end(scene.client_task);
	world_task_end(scene.server_task);
}

static void all_plays(bool aborts)
{
	for (unsigned i = 0; i < 12; i++)
		play(i & 1, i % 3 != 0, i % 3 != 1, aborts);
}

void test_calls(void)
{
	size_t before = world_kalloc_used();

	for (unsigned seed = 1; seed <= 6; seed++) {
		host_seed(seed);
		world_fast = seed % 2;
		world_preempt_rate = seed <= 2 ? 0 : 200;
		world_fault_rate = 0;
		all_plays(false);
	}
	CHECK_EQUAL(world_kalloc_used(), before);
	world_check_accounts();
	CHECK(world_fast_taken > 100);
	host_report("calls-of-all-pairings-are-answered");
	for (unsigned seed = 1; seed <= 4; seed++) {
		host_seed(seed);
		world_fast = seed % 2;
		world_preempt_rate = 200;
		world_fault_rate = 300;
		all_plays(false);
	}
	world_fault_rate = 0;
	CHECK_EQUAL(world_kalloc_used(), before);
	world_check_accounts();
	host_report("calls-are-answered-with-faults-at-every-touch");
	for (unsigned seed = 1; seed <= 6; seed++) {
		host_seed(seed);
		world_fast = seed % 2;
		all_plays(true);
	}
	CHECK_EQUAL(world_kalloc_used(), before);
	world_check_accounts();
	host_report("calls-are-answered-though-threads-are-aborted");
}

/* --- A server that dies owing replies. */

static void dying_server(void *argument)
{
	struct delivered in;

	(void)argument;
	CHECK_EQUAL(user_reply_wait(scene.receive, REPLY_NONE, NULL, 0, NULL, 0, &in), 0);
}

static void doomed_caller(void *argument)
{
	struct words words = {{0}};
	unsigned count = 1;
	int64_t result = user_call(scene.send, 5, &words, &count);

	CHECK_EQUAL(result, *(int *)argument);
	scene.died++;
}

static void doomed_foreign(void *argument)
{
	uint64_t arguments[6] = {1, 2, 3, 4, 5, 6};

	(void)argument;
	(void)user_foreign(39, arguments);
	CHECK(false); /* it raised an exception instead */
}

/* Without a reply it asks for the next. */
static void forgetful_server(void *argument)
{
	struct delivered in;

	(void)argument;
	CHECK_EQUAL(user_reply_wait(scene.receive, REPLY_NONE, NULL, 0, NULL, 0, &in), 0);
	CHECK(current_thread()->ipc.owes != NULL);
	CHECK_EQUAL(user_reply_wait(scene.receive, REPLY_NONE | REPLY_NO_WAIT, NULL, 0, NULL, 0, &in), 0);
	CHECK(current_thread()->ipc.owes == NULL);
}

static void destroy_port(void *argument)
{
	(void)argument;
	CHECK_EQUAL(mach_port_destroy(scene.server_task->space, scene.port), KERN_SUCCESS);
}

void test_deaths(void)
{
	static int server_died = MIG_SERVER_DIED, invalid = MACH_SEND_INVALID_DEST;
	size_t before = world_kalloc_used();

	for (unsigned fast = 0; fast < 2; fast++) {
		world_fast = fast;
		scene = (struct scene){.server_task = world_task(), .client_task = world_task()};
		scene.port = scene.receive = world_port(scene.server_task);
		scene.send = world_send_right(scene.server_task, scene.port, scene.client_task);
		world_thread(scene.server_task, dying_server, NULL);
		(void)world_run();
		world_thread(scene.client_task, doomed_caller, &server_died);
		CHECK_EQUAL(world_run(), 0);
		CHECK_EQUAL(scene.died, 1);
		world_thread(scene.server_task, forgetful_server, NULL);
		(void)world_run();
		world_thread(scene.client_task, doomed_caller, &server_died);
		CHECK_EQUAL(world_run(), 0);
		CHECK_EQUAL(scene.died, 2);
		/* Nobody receives: the port dies with two callers in its queue, one of them foreign. */
		world_exceptions = 0;
		scene.client_task->foreign_setting = 2;
		scene.client_task->foreign_port = copy_send(scene.client_task, scene.send);
		world_thread(scene.client_task, doomed_caller, &invalid);
		world_thread(scene.client_task, doomed_foreign, NULL);
		CHECK_EQUAL(world_run(), 2);
		world_thread(scene.server_task, destroy_port, NULL);
		CHECK_EQUAL(world_run(), 0);
		CHECK_EQUAL(scene.died, 3);
		CHECK_EQUAL(world_exceptions, 1);
		world_task_end(scene.client_task);
		world_task_end(scene.server_task);
	}
	CHECK_EQUAL(world_kalloc_used(), before);
	world_check_accounts();
	host_report("callers-of-the-dead-are-told");
}

/* --- Foreign calls. */

/* As thread_set_state does it. */
static void set_by_server(struct thread *caller, uint64_t rax)
{
	lock_acquire(&caller->lock);
	caller->regs.rax = rax;
	caller->regs.by_syscall = 0;
	caller->ast |= AST_REGISTERS;
	lock_release(&caller->lock);
}

static void foreign_server(void *argument)
{
	struct delivered in;
	struct words out = {{0}};
	unsigned flags = REPLY_NONE;

	(void)argument;
	for (;;) {
		int64_t result = user_reply_wait(scene.receive, flags, &out, 1, NULL, 0, &in);

		if (result != 0) {
			CHECK(ends(result));
			return;
		}
		CHECK_EQUAL(in.kind, DELIVERED_CALL | DELIVERED_FOREIGN);
		CHECK_EQUAL(in.count, 8);
		CHECK_EQUAL(in.words.w[6], 0x1234);
		CHECK_EQUAL(in.words.w[7], 0x5678);
		out.w[0] = 0;
		for (unsigned i = 0; i < 6; i++)
			out.w[0] += in.words.w[i] * (uint64_t)in.id;
		flags = in.id == 7 ? REPLY_KEEP : 0;
		if (in.id == 8 && world_preempt_rate == 0) { /* else the call may be aborted with the registers set */
			set_by_server(current_thread()->ipc.owes, out.w[0]);
			flags = REPLY_KEEP;
		}
	}
}

static void foreign_client(void *argument)
{
	struct thread *self = current_thread();

	(void)argument;
	self->word = 0x1234;
	self->regs.rsp = 0x5678;
	self->regs.rbx = 77;
	self->regs.r12 = 78;
	for (uint64_t number = 0; number < 40; number++) {
		uint64_t arguments[6] = {number, 2, 3, 4, 5, 6};
		int64_t result = user_foreign(number, arguments);

		CHECK_EQUAL(result, number == 7 ? 7 : (int64_t)((number + 20) * number));
		CHECK_EQUAL(self->ast & AST_REGISTERS, 0);
		CHECK_EQUAL(self->regs.rbx, 77);
		CHECK_EQUAL(self->regs.r12, 78);
		CHECK(memcmp(self->regs.word, arguments, sizeof(arguments)) == 0);
	}
	scene.over = true;
	destroy_port(NULL);
}

/* Stops the client in its calls: queued ones are withdrawn, received ones stay or are aborted; it must not notice. */
static void foreign_stopper(void *argument)
{
	struct thread *client = argument;

	while (!scene.over) {
		if (client->state != THREAD_DEAD && host_random(2) == 0) {
			(void)thread_suspend(client);
			if (client->ipc.call_state == IPC_CALL_NONE && client->state != THREAD_RUNNING &&
				client->regs.rip == 1)
				scene.good++; /* stands before its call */
			if (host_random(2) == 0)
				(void)thread_abort(client);
			(void)user_trap(TRAP_REPLY_PORT, 0, 0, 0, 0, 0, 0);
			(void)thread_resume(client);
		}
		(void)user_trap(TRAP_REPLY_PORT, 0, 0, 0, 0, 0, 0);
	}
	thread_deallocate(client);
}

void test_foreign(void)
{
	size_t before = world_kalloc_used();
	unsigned withdrawn = 0;

	world_preempt_rate = 300;
	for (unsigned seed = 1; seed <= 20; seed++) {
		struct thread *client;

		host_seed(seed);
		world_fast = seed % 2;
		scene = (struct scene){.server_task = world_task(), .client_task = world_task()};
		scene.port = scene.receive = world_port(scene.server_task);
		scene.send = world_send_right(scene.server_task, scene.port, scene.client_task);
		scene.client_task->foreign_setting = 2;
		scene.client_task->foreign_port = copy_send(scene.client_task, scene.send);
		client = world_thread(scene.client_task, foreign_client, NULL);
		thread_reference(client);
		world_thread(scene.server_task, foreign_stopper, client);
		world_thread(scene.server_task, foreign_server, NULL);
		CHECK_EQUAL(world_run(), 0);
		withdrawn += scene.good;
		world_task_end(scene.client_task);
		world_task_end(scene.server_task);
	}
	world_preempt_rate = 0;
	CHECK(withdrawn > 0);
	CHECK_EQUAL(world_kalloc_used(), before);
	world_check_accounts();
	host_report("stopping-a-foreign-caller-goes-unnoticed");
	for (unsigned fast = 0; fast < 2; fast++) {
		world_fast = fast;
		scene = (struct scene){.server_task = world_task(), .client_task = world_task()};
		scene.port = scene.receive = world_port(scene.server_task);
		scene.send = world_send_right(scene.server_task, scene.port, scene.client_task);
		scene.client_task->foreign_setting = 2;
		scene.client_task->foreign_port = copy_send(scene.client_task, scene.send);
		world_thread(scene.server_task, foreign_server, NULL);
		world_thread(scene.client_task, foreign_client, NULL);
		CHECK_EQUAL(world_run(), 0);
		world_task_end(scene.client_task);
		world_task_end(scene.server_task);
	}
	CHECK_EQUAL(world_kalloc_used(), before);
	world_check_accounts();
	host_report("foreign-calls-change-rax-only");
}

/* --- Priorities. */

static void low_caller(void *argument)
{
	struct words words = {{0}};
	unsigned count = 0;

	(void)argument;
	CHECK_EQUAL(user_call(scene.send, 1, &words, &count), 0);
}

/* Receives a call, lets one of higher priority queue behind it, and answers both. */
static void middle_server(void *argument)
{
	struct thread *self = current_thread();
	struct delivered in;
	struct words out = {{0}};

	CHECK_EQUAL(user_reply_wait(scene.receive, REPLY_NONE, NULL, 0, NULL, 0, &in), 0);
	CHECK_EQUAL(self->run_priority, PRIORITY_USER);
	(void)thread_resume(argument); /* runs at once, calls, queues */
	(void)user_trap(TRAP_REPLY_PORT, 0, 0, 0, 0, 0, 0);
	CHECK_EQUAL(self->run_priority, PRIORITY_USER + 20);
	CHECK_EQUAL(user_reply_wait(scene.receive, 0, &out, 0, NULL, 0, &in), 0);
	CHECK_EQUAL(self->run_priority, PRIORITY_USER);
	CHECK_EQUAL(user_reply_wait(scene.receive, REPLY_NO_WAIT, &out, 0, NULL, 0, &in), 0);
	scene.good++;
}

void test_priorities(void)
{
	for (unsigned fast = 0; fast < 2; fast++) {
		struct thread *high;

		world_fast = fast;
		scene = (struct scene){.server_task = world_task(), .client_task = world_task()};
		scene.port = scene.receive = world_port(scene.server_task);
		scene.send = world_send_right(scene.server_task, scene.port, scene.client_task);
		high = world_thread(scene.client_task, low_caller, NULL);
		(void)thread_suspend(high);
		sched_set_priority(high, PRIORITY_USER + 20);
		high->priority = PRIORITY_USER + 20;
		world_thread(scene.server_task, middle_server, high);
		world_thread(scene.client_task, low_caller, NULL);
		CHECK_EQUAL(world_run(), 0);
		CHECK_EQUAL(scene.good, 1);
		world_task_end(scene.client_task);
		world_task_end(scene.server_task);
	}
	host_report("a-queued-caller-raises-its-server");
}

static void listener(void *argument)
{
	struct delivered in;

	(void)argument;
	CHECK_EQUAL(user_reply_wait(scene.receive, REPLY_NONE, NULL, 0, NULL, 0, &in), 0);
	scene.good++;
}

/* In the middle of long work an interrupt comes that sends a message (kern/piece.h); the work itself sends nothing. */
static void interrupted_work(void *argument)
{
	const uint64_t words[8] = {0};

	(void)argument;
	deferred_hold();
	CHECK_EQUAL(ipc_send_words_from_kernel(
			    copy_send(scene.client_task, scene.send), MACH_MSG_TYPE_MOVE_SEND, 77, words, 1),
		MACH_MSG_SUCCESS);
	deferred_unhold();
	CHECK_EQUAL(scene.good, 0);
	for (unsigned turns = 0; turns < 2; turns++)
		(void)user_trap(TRAP_THREAD_SWITCH, 0, 0, 0, 0, 0, 0);
	CHECK_EQUAL(scene.good, 1);
}

void test_sent_by_interrupts(void)
{
	scene = (struct scene){.server_task = world_task(), .client_task = world_task()};
	scene.port = scene.receive = world_port(scene.server_task);
	scene.send = world_send_right(scene.server_task, scene.port, scene.client_task);
	world_thread(scene.server_task, listener, NULL);
	world_thread(scene.client_task, interrupted_work, NULL);
	CHECK_EQUAL(world_run(), 0);
	world_task_end(scene.client_task);
	world_task_end(scene.server_task);
	host_report("what-interrupts-send-goes-with-the-next-scheduling");
}
