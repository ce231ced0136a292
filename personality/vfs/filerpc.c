/* Requests to file servers: see filerpc.h. */
#include "vfs/filerpc.h"

#include <errno.h>
#include <mach/mach.h>
#include <mach/notify_user.h>
#include <servers/file_user.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "call/call.h"
#include "call/dispatch.h"
#include "call/fiber.h"
#include "vfs/vfs.h"

#define SLOTS_FREE_MAX 32 /* kept, each with its port */
#define ANSWER_SIZE    (32u << 10)
#define TRUST_AGAIN    1000000000ull /* ns */
#define RESENDS_MAX    2 /* of a request whose server has died: more, and what kills servers kills them for good */

/* A fiber that waits for an answer. */
struct wait {
	struct fiber *fiber;
	mach_msg_header_t *message; /* where the answer goes */
	mach_msg_size_t room;
	mach_msg_return_t result;
};

struct request {
	struct list link; /* of its mount's, or of the free ones */
	mach_port_t port; /* receive right: answers only this request */
	struct mount *mount;
	struct wait *wait; /* null: given up */
	mach_msg_id_t id;
	uint64_t deadline; /* ns, monotonic; moves on with the mount's answers */
};

/* A fiber that waits until there may be room in the queue of a port. */
struct room {
	struct list link;
	struct fiber *fiber;
	bool killed;
};

struct mount *filerpc_asked;

static mach_port_t answers; /* port set: the reply ports */
static struct list free_slots = LIST_INITIALIZER(free_slots);
static unsigned free_count;

/* Requests whose effect must be known; the others may be forgotten with whoever asked. */
static bool changes(mach_msg_id_t id)
{
	switch (id) {
	case MIG_ID_file_set_attributes:
	case MIG_ID_file_allocate:
	case MIG_ID_file_punch:
	case MIG_ID_file_set_extended:
	case MIG_ID_file_remove_extended:
	case MIG_ID_file_make:
	case MIG_ID_file_symlink:
	case MIG_ID_file_link:
	case MIG_ID_file_unlink:
	case MIG_ID_file_rename:
		return true;
	default:
		return false;
	}
}

/* Requests that may be made again when nobody knows whether they were served: all but changes of names and extended attributes. */
static bool may_repeat(mach_msg_id_t id)
{
	return !changes(id) || id == MIG_ID_file_set_attributes || id == MIG_ID_file_allocate ||
	       id == MIG_ID_file_punch;
}

static uint64_t patience(const struct filerpc_mount *mount, mach_msg_id_t id)
{
	bool all = id == MIG_ID_file_system_sync || id == MIG_ID_file_system_stop || id == MIG_ID_file_sync;

	return all ? mount->timeout * FILERPC_SYNC_FACTOR : mount->timeout;
}

/* --- Slots. */

static struct request *slot_take(void)
{
	struct request *request;

	if (!list_empty(&free_slots)) {
		request = list_entry(free_slots.next, struct request, link);
		list_remove(&request->link);
		free_count--;
		return request;
	}
	request = calloc(1, sizeof *request);
	if (request == NULL)
		return NULL;
	list_init(&request->link);
	if (mach_port_allocate(mach_task_self(), MACH_PORT_RIGHT_RECEIVE, &request->port) != KERN_SUCCESS) {
		free(request);
		return NULL;
	}
	if (mach_port_set_protected_payload(mach_task_self(), request->port, (uintptr_t)request) != KERN_SUCCESS ||
		mach_port_move_member(mach_task_self(), request->port, answers) != KERN_SUCCESS) {
		mach_port_destroy(mach_task_self(), request->port);
		free(request);
		return NULL;
	}
	return request;
}

/* Nobody has a right to its port any more. */
static void slot_free(struct request *request)
{
	list_remove(&request->link);
	if (free_count < SLOTS_FREE_MAX) {
		list_append(&free_slots, &request->link);
		free_count++;
		return;
	}
	mach_port_destroy(mach_task_self(), request->port);
	free(request);
}

/* --- Ends of waits. */

static void wake_full(struct filerpc_mount *mount)
{
	while (!list_empty(&mount->full)) {
		struct room *room = list_entry(mount->full.next, struct room, link);

		list_remove(&room->link);
		fiber_wake(room->fiber);
	}
}

static void forget_wait(struct request *request)
{
	request->wait = NULL;
	if (changes(request->id))
		request->mount->rpc.given_up_changes++;
}

static void give_up(struct request *request)
{
	struct wait *wait = request->wait;

	if (wait == NULL)
		return;
	forget_wait(request);
	wait->result = FILE_ERROR(EIO);
	fiber_wake(wait->fiber);
}

/* The caller has been killed. */
static void killed(void *argument)
{
	struct request *request = argument;

	if (!changes(request->id))
		give_up(request);
}

static void killed_in_room(void *argument)
{
	struct room *room = argument;

	list_remove(&room->link);
	room->killed = true;
	fiber_wake(room->fiber);
}

static void refuse_all(struct filerpc_mount *mount)
{
	mount->late = true;
	list_for_each (link, &mount->requests)
		give_up(list_entry(link, struct request, link));
	wake_full(mount);
}

static void look_whether_late(struct timer *timer)
{
	struct filerpc_mount *rpc = list_entry(timer, struct filerpc_mount, timer);
	struct mount *mount = list_entry(rpc, struct mount, rpc);
	uint64_t due = UINT64_MAX, alive = rpc->answered + rpc->timeout;

	if (rpc->late || rpc->timeout == 0 || list_empty(&rpc->requests))
		return;
	list_for_each (link, &rpc->requests) {
		const struct request *request = list_entry(link, struct request, link);

		if (request->deadline < due)
			due = request->deadline;
	}
	if (due < alive)
		due = alive;
	if (clock_monotonic() < due) {
		timer_set(&rpc->timer, due);
		return;
	}
	fprintf(stderr,
		"unix: the file server of %s (%s) has not answered for %llu s: its files give errors until it does\n",
		mount->target, mount->source, (unsigned long long)(rpc->timeout / 1000000000ull));
	refuse_all(rpc);
}

static void distrust(void *argument)
{
	struct mount *mount = argument;

	mount->rpc.passing = fiber_self();
	mount->ops->distrust(mount);
	mount->rpc.passing = NULL;
	mount->rpc.distrusting = false;
	mount->rpc.late = mount->rpc.forced;
}

/* A late mount is in time again; after changes whose outcome is not known its files are asked for anew first. */
static void trust(struct timer *timer)
{
	struct filerpc_mount *rpc = list_entry(timer, struct filerpc_mount, timer);

	rpc->distrusting = true;
	if (rpc->given_up_changes == 0) {
		rpc->distrusting = false;
		rpc->late = rpc->forced;
	} else if (fiber_start(distrust, list_entry(rpc, struct mount, rpc))) {
		rpc->given_up_changes = 0;
	} else {
		rpc->timer.fire = trust;
		timer_set(&rpc->timer, clock_monotonic() + TRUST_AGAIN);
	}
}

/* An answer, any: the file server is there. */
static void answered(struct mount *mount)
{
	struct filerpc_mount *rpc = &mount->rpc;

	rpc->answered = clock_monotonic();
	wake_full(rpc);
	if (!rpc->late || rpc->forced || rpc->distrusting)
		return;
	fprintf(stderr, "unix: the file server of %s (%s) answers again\n", mount->target, mount->source);
	trust(&rpc->timer);
}

/* --- Asking. */

static bool refused(const struct filerpc_mount *mount)
{
	return mount->forced || ((mount->late || mount->distrusting) && mount->passing != fiber_self());
}

/* Waits until a port of the mount may have room for a message. False: not to be had. */
static bool wait_for_room(struct filerpc_mount *mount)
{
	struct room room = {.fiber = fiber_self()};

	list_append(&mount->full, &room.link);
	if (!fiber_wait(killed_in_room, &room)) {
		list_remove(&room.link);
		return false;
	}
	return !room.killed && !refused(mount);
}

static mach_msg_return_t send(struct request *request, mach_msg_header_t *message, mach_msg_size_t size)
{
	mach_msg_return_t result;

	message->msgh_local_port = request->port;
	for (;;) {
		result = mach_msg(
			message, MACH_SEND_MSG | MACH_SEND_TIMEOUT, size, 0, MACH_PORT_NULL, 0, MACH_PORT_NULL);
		/* What was not sent is as it was. */
		if (result != MACH_SEND_TIMED_OUT)
			return result;
		if (!wait_for_room(&request->mount->rpc))
			return FILE_ERROR(EIO);
	}
}

/* Looks at that time whether an answer is late, or before. */
static void watch(struct filerpc_mount *mount, uint64_t deadline)
{
	if (mount->timeout == 0 || (mount->timer.index != 0 && mount->timer.deadline <= deadline))
		return;
	mount->timer.fire = look_whether_late;
	timer_set(&mount->timer, deadline);
}

/* One request, and the wait for its answer. */
static mach_msg_return_t ask(
	struct mount *mount, mach_msg_header_t *message, mach_msg_size_t send_size, mach_msg_size_t receive_size)
{
	struct filerpc_mount *rpc = &mount->rpc;
	struct wait wait = {
		.fiber = fiber_self(), .message = message, .room = receive_size, .result = MACH_RCV_TOO_LARGE};
	struct request *request;
	mach_msg_return_t result;

	if (refused(rpc))
		return FILE_ERROR(EIO);
	request = slot_take();
	if (request == NULL)
		return FILE_ERROR(ENOMEM);
	request->mount = mount;
	request->id = message->msgh_id;
	if (changes(request->id))
		mount_changed(mount);
	result = send(request, message, send_size);
	if (result != MACH_MSG_SUCCESS) {
		slot_free(request);
		return result;
	}
	request->wait = &wait;
	request->deadline = clock_monotonic() + patience(rpc, request->id);
	list_append(&rpc->requests, &request->link);
	watch(rpc, request->deadline);
	if (!fiber_wait(killed, request)) {
		forget_wait(request);
		return FILE_ERROR(ENOMEM);
	}
	return wait.result;
}

/*
 * A server that dies with the request is started again, and serves the same ports (doc/surviving.md): what may be
 * repeated is.
 */
mach_msg_return_t filerpc_message(mach_msg_header_t *message, mach_msg_option_t option, mach_msg_size_t send_size,
	mach_msg_size_t receive_size, mach_port_t receive_name, mach_msg_timeout_t timeout, mach_port_t notify)
{
	struct mount *mount = filerpc_asked;
	mach_msg_return_t result;

	(void)option;
	(void)receive_name;
	(void)timeout;
	(void)notify;
	result = ask(mount, message, send_size, receive_size);
	for (unsigned again = 0; again < RESENDS_MAX && result == MIG_SERVER_DIED && may_repeat(message->msgh_id);
		again++)
		result = ask(mount, message, send_size, receive_size);
	if (result == MACH_SEND_INVALID_DEST)
		mount->ops->port_died(mount);
	return result;
}

kern_return_t filerpc_words(mach_port_t port, mach_msg_id_t id, uint64_t word[8], uint32_t count)
{
	/* A register message is a message, whose body are the words (mach/trap.h). */
	struct {
		mach_msg_header_t header;
		uint64_t word[8];
		mach_msg_trailer_t trailer;
	} message = {.header = {.msgh_bits = MACH_MSGH_BITS(MACH_MSG_TYPE_COPY_SEND, MACH_MSG_TYPE_MAKE_SEND_ONCE),
			     .msgh_size = (mach_msg_size_t)(sizeof(mach_msg_header_t) + count * sizeof(uint64_t)),
			     .msgh_remote_port = port,
			     .msgh_id = id}};
	mach_msg_return_t result;

	memcpy(message.word, word, count * sizeof(uint64_t));
	result = filerpc_message(&message.header, 0, message.header.msgh_size, sizeof message, MACH_PORT_NULL,
		MACH_MSG_TIMEOUT_NONE, MACH_PORT_NULL);
	if (result != MACH_MSG_SUCCESS)
		return result;
	if (message.header.msgh_id != id + 100 || (message.header.msgh_bits & MACH_MSGH_BITS_COMPLEX) ||
		message.header.msgh_size < sizeof(mach_msg_header_t) + sizeof(uint64_t)) {
		mach_msg_destroy(&message.header);
		return MIG_SERVER_DIED; /* a notification in the answer's place */
	}
	memset(word, 0, 8 * sizeof(uint64_t));
	memcpy(word, message.word, message.header.msgh_size - sizeof(mach_msg_header_t));
	return KERN_SUCCESS;
}

/* --- Answering. */

static void take_answer(struct request *request, mach_msg_header_t *answer)
{
	struct mount *mount = request->mount;
	struct wait *wait = request->wait;

	if (wait != NULL && answer->msgh_id == MIG_ID_mach_notify_send_once) {
		wait->result = MIG_SERVER_DIED; /* the message is as it was sent */
	} else if (wait != NULL && answer->msgh_size + sizeof(mach_msg_trailer_t) <= wait->room) {
		/* A trailer has its room, too, though nobody looks for it. */
		memcpy(wait->message, answer, answer->msgh_size);
		wait->result = MACH_MSG_SUCCESS;
	} else {
		mach_msg_destroy(answer);
	}
	if (wait != NULL)
		fiber_wake(wait->fiber);
	slot_free(request);
	answered(mount);
}

static void *answers_thread(void *argument)
{
	static union {
		mach_msg_header_t header;
		char bytes[ANSWER_SIZE];
	} in;

	(void)argument;
	for (;;) {
		const mach_msg_trailer_t *trailer;

		if (mach_msg(&in.header, MACH_RCV_MSG, 0, sizeof in, answers, 0, MACH_PORT_NULL) != MACH_MSG_SUCCESS)
			continue;
		trailer = (const void *)(in.bytes + ((in.header.msgh_size + 7) & ~7u));
		server_lock();
		take_answer((struct request *)(uintptr_t)trailer->msgh_payload, &in.header);
		server_leave();
	}
	return NULL;
}

void filerpc_mount_init(struct filerpc_mount *mount)
{
	list_init(&mount->requests);
	list_init(&mount->full);
	mount->timeout = FILERPC_TIMEOUT;
}

void filerpc_set_timeout(struct filerpc_mount *mount, uint64_t timeout)
{
	mount->timeout = timeout;
	list_for_each (link, &mount->requests) {
		struct request *request = list_entry(link, struct request, link);

		request->deadline = clock_monotonic() + patience(mount, request->id);
		watch(mount, request->deadline);
	}
}

bool filerpc_mount_idle(struct filerpc_mount *mount)
{
	return list_empty(&mount->requests) && list_empty(&mount->full) && !mount->distrusting;
}

void filerpc_end(struct filerpc_mount *mount)
{
	mount->forced = true;
	refuse_all(mount);
}

void filerpc_start(void)
{
	if (mach_port_allocate(mach_task_self(), MACH_PORT_RIGHT_PORT_SET, &answers) != KERN_SUCCESS) {
		fprintf(stderr, "unix: no memory for a port set\n");
		exit(1);
	}
	server_thread_start(answers_thread);
}
