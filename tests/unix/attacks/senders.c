/*
 * A Mach program of an ordinary user (attack-mach: 1) lets many threads wait to send where there is no room, and ends
 * some of them at the moment that they are woken: while anybody waits, room is used. And it sends what cannot be sent,
 * by one fault in each place of a message, and copies where part of it may not be written: nothing has changed then.
 */
#define _GNU_SOURCE
#include "attack.h"

#include <mach/mach.h>
#include <mach/mach_port_user.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

enum {
	PAGE = 4096,
	STACK = 16384,
	SENDERS = 12,
	GAMES = 20,
	WITHIN_MS = 200,
	PLACES = 6, /* descriptors of a message */
	PORTS = 5,  /* in an array */
};

static void nap_us(unsigned us)
{
	struct timespec time = {0, us * 1000};

	nanosleep(&time, NULL);
}

static unsigned random_number(unsigned below)
{
	static unsigned state = 3;

	state = state * 1103515245 + 12345;
	return (state >> 16) % below;
}

static mach_port_t receive_right(void)
{
	mach_port_t port = MACH_PORT_NULL;

	mach_port_allocate(mach_task_self(), MACH_PORT_RIGHT_RECEIVE, &port);
	return port;
}

/* --- Senders. */

static mach_port_t full;

static struct sender {
	volatile mach_port_t thread;
	volatile int result; /* -1: it is in the call */
	bool has_timeout, killed;
} senders[SENDERS], *next_sender;

static int sends(void *nothing)
{
	struct sender *self = next_sender;
	mach_msg_header_t message = {.msgh_bits = MACH_MSGH_BITS(MACH_MSG_TYPE_MAKE_SEND, 0),
		.msgh_size = sizeof message,
		.msgh_remote_port = full};

	(void)nothing;
	self->thread = (mach_port_t)mach_trap(TRAP_THREAD_SELF, 0, 0, 0, 0, 0, 0);
	self->result = (int)mach_msg_trap(&message, MACH_SEND_MSG | (self->has_timeout ? MACH_SEND_TIMEOUT : 0),
		sizeof message, 0, 0, self->has_timeout ? 1 + random_number(20) : 0, 0);
	while (self->thread != MACH_PORT_NULL)
		sched_yield();
	return 0;
}

static unsigned queued(void)
{
	mach_port_status_t status = {0};

	mach_port_get_receive_status(mach_task_self(), full, &status);
	return status.mps_msgcount;
}

static unsigned waiting(void)
{
	unsigned count = 0;

	for (unsigned i = 0; i < SENDERS; i++)
		count += senders[i].result == -1 && !senders[i].killed;
	return count;
}

static bool receive(void)
{
	struct {
		mach_msg_header_t header;
		char rest[256];
	} message;

	return mach_msg_trap(&message.header, MACH_RCV_MSG | MACH_RCV_TIMEOUT, 0, sizeof message, full, 0, 0) ==
	       MACH_MSG_SUCCESS;
}

/* Whether the queue is full again, or nobody waits any more. */
static bool room_is_used(unsigned limit)
{
	for (unsigned i = 0; i < WITHIN_MS; i++) {
		if (queued() >= limit || waiting() == 0)
			return true;
		nap_us(1000);
	}
	return false;
}

static void end(struct sender *sender)
{
	sender->killed = true;
	thread_terminate(sender->thread);
}

static bool game(char *stacks)
{
	const unsigned limit = 1 + random_number(2);
	bool used = true;

	full = receive_right();
	mach_port_set_qlimit(mach_task_self(), full, limit);
	for (unsigned i = 0; i < SENDERS; i++) {
		senders[i] = (struct sender){.result = -1, .has_timeout = random_number(4) == 0};
		next_sender = &senders[i];
		clone(sends, stacks + (i + 1) * STACK - 64,
			CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM, NULL);
		while (senders[i].thread == MACH_PORT_NULL)
			nap_us(100);
	}
	nap_us(2000);
	while (used && queued() > 0) {
		struct sender *one = &senders[random_number(SENDERS)], *another = &senders[random_number(SENDERS)];

		switch (random_number(5)) {
		case 0: /* woken, and ended before it runs */
			receive();
			for (unsigned i = 0; i < SENDERS; i++)
				if (senders[i].result == -1 && !senders[i].killed) {
					end(&senders[i]);
					break;
				}
			break;
		case 1:
			end(one);
			receive();
			end(another);
			break;
		case 2:
			thread_suspend(one->thread);
			receive();
			thread_resume(one->thread);
			break;
		case 3:
			mach_port_set_qlimit(mach_task_self(), full, limit);
			receive();
			receive();
			break;
		default:
			receive();
			break;
		}
		used = room_is_used(limit);
	}
	for (unsigned i = 0; i < SENDERS; i++) {
		end(&senders[i]);
		mach_port_deallocate(mach_task_self(), senders[i].thread);
	}
	mach_port_mod_refs(mach_task_self(), full, MACH_PORT_RIGHT_RECEIVE, -1);
	nap_us(3000);
	return used;
}

/* --- What cannot be sent. */

struct many {
	mach_msg_header_t header;
	mach_msg_body_t body;
	mach_msg_descriptor_t part[PLACES];
};

/* Rights and memory that go into a message, and what is known of them. */
static struct {
	mach_port_t told, send, receive, array[PORTS];
	char *memory;
} kept;

static void expect_nothing_changed(const char *how)
{
	mach_port_t previous = MACH_PORT_NULL;
	mach_port_type_t type = 0;
	mach_port_urefs_t refs = 0;
	char what[256];
	bool same;

	same = mach_port_get_refs(mach_task_self(), kept.send, MACH_PORT_RIGHT_SEND, &refs) == KERN_SUCCESS &&
	       refs == 2;
	same = same && mach_port_type(mach_task_self(), kept.receive, &type) == KERN_SUCCESS &&
	       (type & MACH_PORT_TYPE_RECEIVE);
	for (unsigned i = 0; i < PORTS; i++)
		same = same &&
		       mach_port_get_refs(mach_task_self(), kept.array[i], MACH_PORT_RIGHT_SEND, &refs) ==
			       KERN_SUCCESS &&
		       refs == 1;
	same = same && kept.memory[0] == 'm' && kept.memory[PAGE] == 'm';
	snprintf(what, sizeof what, "a send that failed took something: %s", how);
	attack_check(what, same);

	/* The requests are there: asking anew gives the old ones back. */
	same = mach_port_request_notification(
		       mach_task_self(), kept.send, MACH_NOTIFY_DEAD_NAME, 0, kept.told, MACH_MSG_TYPE_MAKE_SEND_ONCE, &previous) == KERN_SUCCESS &&
	       MACH_PORT_VALID(previous);
	mach_port_deallocate(mach_task_self(), previous);
	previous = MACH_PORT_NULL;
	same = same &&
	       mach_port_request_notification(mach_task_self(), kept.receive, MACH_NOTIFY_PORT_DESTROYED, 0, kept.told, MACH_MSG_TYPE_MAKE_SEND_ONCE,
		       &previous) == KERN_SUCCESS &&
	       MACH_PORT_VALID(previous);
	mach_port_deallocate(mach_task_self(), previous);
	snprintf(what, sizeof what, "a send that failed lost a request: %s", how);
	attack_check(what, same);
	/* What asking anew has told the old requests' port. */
	full = kept.told;
	while (receive())
		;
}

static mach_port_t foreign_send(void)
{
	mach_port_t port = receive_right();

	mach_port_insert_right(mach_task_self(), port, port, MACH_MSG_TYPE_MAKE_SEND);
	return port;
}

static void keep(void)
{
	mach_port_t previous;

	kept.told = receive_right();
	kept.send = foreign_send();
	mach_port_mod_refs(mach_task_self(), kept.send, MACH_PORT_RIGHT_SEND, 1);
	kept.receive = receive_right();
	for (unsigned i = 0; i < PORTS; i++)
		kept.array[i] = foreign_send();
	kept.memory = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	memset(kept.memory, 'm', 2 * PAGE);
	mach_port_request_notification(mach_task_self(), kept.send, MACH_NOTIFY_DEAD_NAME, 0, kept.told, MACH_MSG_TYPE_MAKE_SEND_ONCE, &previous);
	mach_port_request_notification(
		mach_task_self(), kept.receive, MACH_NOTIFY_PORT_DESTROYED, 0, kept.told, MACH_MSG_TYPE_MAKE_SEND_ONCE, &previous);
}

static mach_msg_descriptor_t right(mach_port_t name, uint8_t disposition)
{
	return (mach_msg_descriptor_t){
		.port = {.name = name, .disposition = disposition, .type = MACH_MSG_PORT_DESCRIPTOR}};
}

static mach_msg_descriptor_t array(mach_port_t *names)
{
	return (mach_msg_descriptor_t){.ool_ports = {.address = names,
					       .disposition = MACH_MSG_TYPE_MOVE_SEND,
					       .type = MACH_MSG_OOL_PORTS_DESCRIPTOR,
					       .count = PORTS}};
}

static mach_msg_descriptor_t memory(void *address)
{
	return (mach_msg_descriptor_t){
		.out_of_line = {
			.address = address, .deallocate = TRUE, .type = MACH_MSG_OOL_DESCRIPTOR, .size = 2 * PAGE}};
}

/* All that is kept, with the fault in its place. */
static void send_with(const char *how, mach_port_t to, const mach_msg_descriptor_t *fault, unsigned place)
{
	struct many message = {.body.msgh_descriptor_count = PLACES,
		.part = {right(kept.send, MACH_MSG_TYPE_MOVE_SEND), right(kept.receive, MACH_MSG_TYPE_MOVE_RECEIVE),
			array(kept.array), memory(kept.memory), right(kept.send, MACH_MSG_TYPE_COPY_SEND),
			right(kept.send, MACH_MSG_TYPE_MAKE_SEND_ONCE)}};
	char what[128];

	if (fault != NULL)
		message.part[place] = *fault;
	message.header =
		(mach_msg_header_t){.msgh_bits = MACH_MSGH_BITS(MACH_MSG_TYPE_COPY_SEND, MACH_MSG_TYPE_MAKE_SEND_ONCE) |
						 MACH_MSGH_BITS_COMPLEX,
			.msgh_size = sizeof message,
			.msgh_remote_port = to,
			.msgh_local_port = kept.told};
	snprintf(what, sizeof what, "%s, in place %u", how, place);
	attack_check("what cannot be sent is sent", mach_msg_trap(&message.header, MACH_SEND_MSG | MACH_SEND_TIMEOUT,
							    sizeof message, 0, 0, 0, 0) != MACH_MSG_SUCCESS);
	expect_nothing_changed(what);
}

static void failed_sends(void)
{
	static mach_port_t last_is_none[PORTS];
	mach_port_t to = foreign_send(), dead = foreign_send(), crowded = foreign_send();
	char *gone = mmap(NULL, 2 * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	mach_msg_header_t filler = {.msgh_bits = MACH_MSGH_BITS(MACH_MSG_TYPE_COPY_SEND, 0),
		.msgh_size = sizeof filler,
		.msgh_remote_port = crowded};
	mach_msg_descriptor_t faults[7];

	keep();
	mach_port_mod_refs(mach_task_self(), dead, MACH_PORT_RIGHT_RECEIVE, -1);
	mach_port_set_qlimit(mach_task_self(), crowded, 1);
	mach_msg_trap(&filler, MACH_SEND_MSG, sizeof filler, 0, 0, 0, 0);
	memcpy(last_is_none, kept.array, sizeof last_is_none);
	last_is_none[PORTS - 1] = 0x7ffe03;
	faults[0] = right(0x7ffe03, MACH_MSG_TYPE_MOVE_SEND);
	faults[1] = right(kept.told, MACH_MSG_TYPE_MOVE_SEND);
	faults[2] = right(kept.send, 99);
	faults[3] = array(last_is_none);
	faults[4] = array((mach_port_t *)(void *)gone);
	faults[5] = memory(gone);
	faults[6] = right(kept.told, MACH_MSG_TYPE_MOVE_SEND_ONCE);
	for (unsigned place = 0; place < PLACES; place++)
		for (unsigned i = 0; i < 7; i++)
			send_with("a fault", to, &faults[i], place);
	send_with("to the dead", dead, NULL, 0);
	send_with("to nobody", 0x7ffe03, NULL, 0);
	send_with("where there is no room", crowded, NULL, 0);
}

/* --- Copies of which a part may not be written, or read. */

static void failed_copies(void)
{
	static char data[3 * PAGE] __attribute__((aligned(PAGE)));
	char *to = mmap(NULL, 3 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	const vm_address_t at = (vm_address_t)to;
	vm_size_t done = 0;
	vm_offset_t read;
	mach_msg_type_number_t size;

	memset(data, 'd', sizeof data);
	memset(to, 't', 3 * PAGE);
	mprotect(to + 2 * PAGE, PAGE, PROT_READ);
	attack_check("vm_write over what may not be written",
		vm_write(mach_task_self(), at, (vm_offset_t)data, sizeof data) != KERN_SUCCESS);
	attack_check("vm_copy over what may not be written",
		vm_copy(mach_task_self(), (vm_address_t)data, sizeof data, at) != KERN_SUCCESS);
	attack_check("a copy that failed wrote something", to[0] == 't' && to[PAGE] == 't' && to[2 * PAGE] == 't');
	munmap(to + PAGE, PAGE);
	attack_check(
		"vm_write over a hole", vm_write(mach_task_self(), at, (vm_offset_t)data, sizeof data) != KERN_SUCCESS);
	attack_check(
		"vm_copy over a hole", vm_copy(mach_task_self(), (vm_address_t)data, sizeof data, at) != KERN_SUCCESS);
	attack_check("vm_copy of a hole", vm_copy(mach_task_self(), at, 3 * PAGE, (vm_address_t)data) != KERN_SUCCESS);
	attack_check("vm_read of a hole", vm_read(mach_task_self(), at, 3 * PAGE, &read, &size) != KERN_SUCCESS);
	attack_check("a copy that failed wrote something", to[0] == 't' && to[2 * PAGE] == 't' && data[0] == 'd');
	/* By the trap a part may be done, and it says how much. */
	attack_check("a trap's copy says more than it did",
		task_copy_to(mach_task_self(), at, sizeof data, data, 0, &done) != KERN_SUCCESS && done <= PAGE &&
			(done == 0 || to[done - 1] == 'd') && to[2 * PAGE] == 't');
}

int main(void)
{
	char *stacks = mmap(NULL, SENDERS * STACK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	bool used = true;

	mach_task_self_ = (mach_port_t)mach_trap(TRAP_TASK_SELF, 0, 0, 0, 0, 0, 0);
	for (unsigned i = 0; i < GAMES && used; i++) {
		used = game(stacks);
		if (!used)
			printf("game %u: room, and somebody waits\n", i);
	}
	attack_check("there is room, and a sender sleeps", used);
	failed_sends();
	failed_copies();
	return attack_end();
}
