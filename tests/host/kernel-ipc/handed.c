/*
 * Messages handed to who waits for them against messages that lie in a queue: the same random ones must have the same
 * outcome. One client and one server, so that at most one of them can run and both ways have the same order.
 */
#include "calls.h"
#include "world.h"
#include <stdlib.h>
#include <string.h>
#include <stubs/mach_port_server.h>
#include <stubs/notify_user.h>

enum { CLIENTS = 1, SERVERS = 1, STEPS = 150, BUFFER = 512 };

struct message {
	mach_msg_header_t header;
	char body[BUFFER - sizeof(mach_msg_header_t)];
};

/* What one thread does in one step. */
struct step {
	mach_msg_bits_t bits;
	uint8_t to, reply, wait; /* which of the names */
	bool no_buffer;          /* for what it receives */
	bool drop;               /* a server: the right to reply goes without a reply */
	mach_msg_size_t size, room;
	mach_msg_option_t option;
	uint32_t id, fill;
};

enum { NAMES = 6 };

struct player {
	struct thread *thread;
	struct task *task;
	bool server;
	struct step step[STEPS];
	mach_port_name_t name[NAMES];
	unsigned steps;
};

static struct player player[CLIENTS + SERVERS];
static uint64_t outcome; /* of all that happened, in the order in which it did */

static void note(uint64_t value)
{
	outcome = (outcome ^ value) * 1099511628211ull; /* FNV-1a */
}

/* A name without its generation: a message that was put back may have used one more. */
static void note_name(mach_port_name_t name)
{
	note(name >> 8);
}

static void note_received(struct message *message, mach_msg_size_t room)
{
	mach_msg_size_t size = message->header.msgh_size, end = (size + 7) & ~7u;
	mach_msg_trailer_t trailer = {0};

	note(message->header.msgh_bits);
	note(size);
	note((uint64_t)message->header.msgh_id);
	note_name(message->header.msgh_remote_port);
	note_name(message->header.msgh_local_port);
	for (unsigned i = sizeof(mach_msg_header_t); i < size; i++)
		note((uint8_t)((char *)message)[i]);
	if (room >= end + sizeof(trailer)) {
		memcpy(&trailer, (char *)message + end, sizeof(trailer));
		note(trailer.msgh_trailer_size);
		note(trailer.msgh_seqno);
		note(trailer.msgh_payload);
		note(trailer.msgh_sender != 0);
	}
}

static void play(void *argument)
{
	struct player *self = argument;
	struct message *message = calloc(1, sizeof(*message)), *buffer;
	mach_port_name_t reply_to = MACH_PORT_NULL;
	int64_t result;

	for (self->steps = 0; self->steps < STEPS; self->steps++) {
		struct step *step = &self->step[self->steps];
		mach_msg_option_t option = step->option;

		memset(message->body, (int)step->fill, sizeof(message->body));
		message->header = (mach_msg_header_t){.msgh_bits = step->bits,
			.msgh_remote_port = self->name[step->to],
			.msgh_local_port = self->name[step->reply],
			.msgh_id = (mach_msg_id_t)step->id};
		if (self->server) {
			message->header.msgh_remote_port = reply_to;
			message->header.msgh_local_port = MACH_PORT_NULL;
			if (step->drop && reply_to != MACH_PORT_NULL)
				note((uint64_t)mach_port_deallocate(self->task->space, reply_to));
			if (step->drop || reply_to == MACH_PORT_NULL)
				option &= ~MACH_SEND_MSG;
		}
		buffer = message;
		if (step->no_buffer && !(option & MACH_SEND_MSG))
			buffer = (struct message *)64;
		result = user_msg(buffer, option, step->size, step->room, self->name[step->wait], 0, 0);
		note((uint64_t)result);
		reply_to = MACH_PORT_NULL;
		if (result == MACH_MSG_SUCCESS && (option & MACH_RCV_MSG)) {
			note_received(message, step->room);
			if (self->server)
				reply_to = message->header.msgh_remote_port;
			else if (message->header.msgh_remote_port != MACH_PORT_NULL)
				(void)mach_port_deallocate(self->task->space, message->header.msgh_remote_port);
		} else if (self->server && (result & 0x4000) == 0 && result != 0) {
			/* The reply was not sent: its right is still here. */
			(void)mach_port_deallocate(self->task->space, message->header.msgh_remote_port);
		}
	}
	free(message);
}

static bool chance(unsigned percent)
{
	return host_random(100) < percent;
}

static struct step client_step(void)
{
	static const mach_msg_bits_t odd[] = {MACH_MSGH_BITS(MACH_MSG_TYPE_COPY_SEND, 0),
		MACH_MSGH_BITS(MACH_MSG_TYPE_COPY_SEND, MACH_MSG_TYPE_MAKE_SEND),
		MACH_MSGH_BITS(MACH_MSG_TYPE_MAKE_SEND, MACH_MSG_TYPE_MAKE_SEND_ONCE),
		MACH_MSGH_BITS(MACH_MSG_TYPE_MOVE_SEND_ONCE, 0), 0x40000000u};
	struct step step = {.bits = MACH_MSGH_BITS(MACH_MSG_TYPE_COPY_SEND, MACH_MSG_TYPE_MAKE_SEND_ONCE),
		.to = (uint8_t)host_random(2),
		.reply = 2,
		.wait = 2,
		.size = 24 + 4 * (mach_msg_size_t)host_random(chance(80) ? 24 : 90),
		.room = BUFFER,
		.option = MACH_SEND_MSG | MACH_RCV_MSG,
		.id = 1000 + (uint32_t)host_random(10),
		.fill = (uint32_t)host_random(256)};

	if (chance(8))
		step.bits = odd[host_random(5)];
	if (chance(8))
		step.to = (uint8_t)host_random(NAMES);
	if (chance(8))
		step.reply = (uint8_t)host_random(NAMES);
	if (chance(8))
		step.wait = (uint8_t)host_random(NAMES);
	if (chance(5))
		step.room = (mach_msg_size_t)host_random(100);
	if (chance(3))
		step.size = (mach_msg_size_t)host_random(30);
	if (chance(10))
		step.option |= MACH_RCV_LARGE;
	if (chance(10))
		step.option |= MACH_RCV_TRAILER_SENDER;
	if (chance(5))
		step.option |= MACH_RCV_TIMEOUT;
	if (chance(4))
		step.option &= ~MACH_RCV_MSG;
	return step;
}

static struct step server_step(void)
{
	struct step step = client_step();

	step.bits = MACH_MSGH_BITS(MACH_MSG_TYPE_MOVE_SEND_ONCE, 0);
	step.wait = host_random(10) == 0 ? 1 : 0;
	step.option |= MACH_RCV_MSG;
	step.drop = chance(10);
	step.no_buffer = chance(20);
	/* A message that was handed over in vain keeps its number: so none that is put back is destroyed. */
	if (step.room < BUFFER)
		step.option |= MACH_RCV_LARGE;
	return step;
}

static uint64_t space_print(struct task *task)
{
	for (uint32_t i = 0; i < task->space->chunks * IPC_ENTRIES_PER_CHUNK; i++) {
		struct ipc_entry *entry = &task->space->chunk[i / IPC_ENTRIES_PER_CHUNK][i % IPC_ENTRIES_PER_CHUNK];

		if (ipc_entry_type(entry) == 0)
			continue;
		note(i);
		note(ipc_entry_type(entry));
		note(entry->urefs);
		if (entry->object != NULL && !entry->object->is_set) {
			const struct ipc_port *port = ipc_object_port(entry->object);

			note((uint64_t)port->srights << 32 | port->sorights);
			note((uint64_t)port->mscount << 32 | port->msgcount);
			note((uint64_t)port->seqno << 32 | port->object.refs.count);
		}
	}
	note(task->account->bytes);
	return outcome;
}

/* One scene, its script made from the seed. */
static uint64_t scene(unsigned seed, bool by_queue)
{
	struct task *clients, *servers;
	mach_port_name_t port, second, set = 0;

	host_seed(seed);
	for (unsigned i = 0; i < CLIENTS + SERVERS; i++)
		for (unsigned k = 0; k < STEPS; k++)
			player[i].step[k] = i < CLIENTS ? client_step() : server_step();
	outcome = 14695981039346656037ull;
	world_by_queue = by_queue;
	clients = world_task();
	servers = world_task();
	port = world_port(servers);
	second = world_port(servers);
	CHECK_EQUAL(mach_port_set_protected_payload(servers->space, second, 0x5a5a), KERN_SUCCESS);
	CHECK_EQUAL(mach_port_allocate(servers->space, MACH_PORT_RIGHT_PORT_SET, &set), KERN_SUCCESS);
	/* One member: whose turn it is among several may differ. */
	if (seed % 2 == 0)
		CHECK_EQUAL(mach_port_move_member(servers->space, port, set), KERN_SUCCESS);
	for (unsigned i = 0; i < CLIENTS + SERVERS; i++) {
		struct player *p = &player[i];
		bool server = i >= CLIENTS;

		p->server = server;
		p->task = server ? servers : clients;
		memset(p->name, 0, sizeof(p->name));
		if (server) {
			p->name[0] = seed % 2 == 0 ? set : port;
			p->name[1] = second;
		} else {
			p->name[0] = world_send_right(servers, port, clients);
			p->name[1] = world_send_right(servers, second, clients);
			p->name[2] = world_port(clients);
			p->name[3] = world_port(clients);
			CHECK_EQUAL(mach_port_allocate(clients->space, MACH_PORT_RIGHT_PORT_SET, &p->name[4]),
				KERN_SUCCESS);
			CHECK_EQUAL(mach_port_move_member(clients->space, p->name[3], p->name[4]), KERN_SUCCESS);
			p->name[5] = 0x123400;
		}
	}
	/* Servers first, so that they wait when the clients come. */
	for (unsigned i = CLIENTS + SERVERS; i-- > 0;) {
		player[i].thread = world_thread(player[i].task, play, &player[i]);
		thread_reference(player[i].thread);
	}
	while (world_run() != 0) { /* all that is left waits for what does not come */
		for (unsigned i = 0; i < CLIENTS + SERVERS; i++) {
			note(player[i].steps);
			(void)thread_abort(player[i].thread);
			(void)world_run();
		}
	}
	for (unsigned i = 0; i < CLIENTS + SERVERS; i++)
		thread_deallocate(player[i].thread);
	(void)space_print(clients);
	(void)space_print(servers);
	world_task_end(clients);
	world_task_end(servers);
	return outcome;
}

void test_handed(void)
{
	size_t before = world_kalloc_used();

	world_preempt_rate = world_fault_rate = 0;
	world_handed = 0;
	for (unsigned seed = 1; seed <= 150; seed++) {
		uint64_t queued = scene(seed, true), handed = scene(seed, false);

		if (!CHECK_EQUAL(handed, queued))
			break;
	}
	CHECK(world_handed > 1000);
	world_by_queue = false;
	CHECK_EQUAL(world_kalloc_used(), before);
	world_check_accounts();
	host_report("messages-have-the-same-outcome-handed-over-or-queued");
}
