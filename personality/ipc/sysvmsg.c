/* Queues of messages: msgget, msgsnd, msgrcv, msgctl. */
#include <stdlib.h>
#include <string.h>
#include <sys/msg.h>

#include "base/user.h"
#include "call/call.h"
#include "ipc/sysv.h"
#include "process/proc.h"
#include "unix_server.h"

#ifndef MSG_STAT_ANY
#define MSG_STAT_ANY 13
#endif
#ifndef MSG_COPY
#define MSG_COPY 040000
#endif
/* Numbers of IPC_INFO that mean nothing any more (msgctl(2)). */
enum { INFO_MAP = 16384, INFO_POOL = 512000, INFO_SEGMENT = 16, INFO_SEGMENTS = 0xffff };

/* The messages of one type in a queue, as long as there are some: so none are passed by that are of another. */
struct kind {
	struct table_link by_type;
	struct list of_queue;
	int64_t type;
	struct list messages;
};

struct message {
	struct list in_queue, of_kind;
	struct kind *kind;
	uint64_t number; /* in the queue, growing */
	int64_t type;
	uint64_t size;
	char data[];
};

struct queue {
	struct sysv_object object; /* first */
	struct list messages;      /* by arrival */
	struct list kinds;
	struct table kind_of;
	uint64_t bytes, count, most, numbers;
	int sender, receiver;
	int64_t sent, received;         /* s */
	struct list senders, receivers; /* struct sender, struct receiver, by sysv.link */
};

struct sender {
	struct sysv_sleeper sysv; /* first */
	struct process *process;
	struct message *message;
};

/* Which message a receiver wants. */
enum choice { CHOOSE_FIRST, CHOOSE_TYPE, CHOOSE_OTHER, CHOOSE_LEAST, CHOOSE_NUMBER };

struct wish {
	enum choice choice;
	int64_t type;
	uint64_t size;
	bool cut; /* MSG_NOERROR */
};

struct receiver {
	struct sysv_sleeper sysv; /* first */
	struct process *process;
	struct wish wish;
	struct message *message; /* that it got */
};

static uint64_t all_messages, all_bytes;

static struct queue *queue_of(struct sysv_object *object)
{
	return (struct queue *)(void *)object;
}

static int find(int id, struct queue **out)
{
	struct sysv_object *object;
	int error = sysv_of_id(&sysv_queues, id, &object);

	*out = queue_of(object);
	return error;
}

/* --- Messages of a queue. */

static struct kind *kind_find(const struct queue *queue, int64_t type)
{
	struct table_link *link = table_find(&queue->kind_of, (uint64_t)type);

	return link == NULL ? NULL : table_entry(link, struct kind, by_type);
}

static bool fits(const struct queue *queue, uint64_t size)
{
	return size + queue->bytes <= queue->most && queue->count + 1 <= queue->most;
}

/* 0, or -ENOMEM. */
static int put(struct queue *queue, struct message *message)
{
	struct kind *kind = kind_find(queue, message->type);

	if (kind == NULL) {
		kind = user_alloc(user_of_memory(message), sizeof *kind);
		if (kind == NULL)
			return -ENOMEM;
		kind->type = message->type;
		list_init(&kind->messages);
		list_append(&queue->kinds, &kind->of_queue);
		table_add(&queue->kind_of, &kind->by_type, (uint64_t)kind->type);
	}
	message->kind = kind;
	message->number = queue->numbers++;
	list_append(&kind->messages, &message->of_kind);
	list_append(&queue->messages, &message->in_queue);
	queue->bytes += message->size;
	queue->count++;
	all_bytes += message->size;
	all_messages++;
	return 0;
}

static void take(struct queue *queue, struct message *message)
{
	struct kind *kind = message->kind;

	list_remove(&message->in_queue);
	list_remove(&message->of_kind);
	if (list_empty(&kind->messages)) {
		list_remove(&kind->of_queue);
		table_remove(&queue->kind_of, &kind->by_type);
		user_free(kind);
	}
	queue->bytes -= message->size;
	queue->count--;
	all_bytes -= message->size;
	all_messages--;
}

static struct message *first_of(const struct kind *kind)
{
	return list_entry(kind->messages.next, struct message, of_kind);
}

/* The oldest of another type, or of the least type up to this one. */
static struct message *choose_among_kinds(const struct queue *queue, const struct wish *wish)
{
	const struct kind *best = NULL;

	list_for_each (link, &queue->kinds) {
		const struct kind *kind = list_entry(link, struct kind, of_queue);

		if (wish->choice == CHOOSE_OTHER
				? kind->type != wish->type &&
					  (best == NULL || first_of(kind)->number < first_of(best)->number)
				: kind->type <= wish->type && (best == NULL || kind->type < best->type))
			best = kind;
	}
	return best == NULL ? NULL : first_of(best);
}

static struct message *choose(const struct queue *queue, const struct wish *wish)
{
	const struct kind *kind;
	int64_t number = wish->type;

	switch (wish->choice) {
	case CHOOSE_FIRST:
		return list_empty(&queue->messages) ? NULL : list_entry(queue->messages.next, struct message, in_queue);
	case CHOOSE_TYPE:
		kind = kind_find(queue, wish->type);
		return kind == NULL ? NULL : first_of(kind);
	case CHOOSE_NUMBER:
		if (number < 0 || (uint64_t)number >= queue->count)
			return NULL;
		list_for_each (link, &queue->messages) {
			if (number-- == 0)
				return list_entry(link, struct message, in_queue);
		}
		return NULL;
	default:
		return choose_among_kinds(queue, wish);
	}
}

static bool wanted(const struct message *message, const struct wish *wish)
{
	switch (wish->choice) {
	case CHOOSE_FIRST:
		return true;
	case CHOOSE_TYPE:
		return message->type == wish->type;
	case CHOOSE_OTHER:
		return message->type != wish->type;
	default:
		return message->type <= wish->type;
	}
}

/* --- Sleepers. */

static void note_received(struct queue *queue, const struct process *process)
{
	queue->received = sysv_now();
	queue->receiver = process->id;
}

/* To the receiver that has waited longest for such a message. One for whom it is too large is told, and it stays. */
static bool hand_over(struct queue *queue, struct message *message)
{
	list_for_each_safe (link, &queue->receivers) {
		struct receiver *receiver = list_entry(link, struct receiver, sysv.link);

		if (!sysv_is_asleep(&receiver->sysv) || !wanted(message, &receiver->wish))
			continue;
		if (message->size > receiver->wish.size && !receiver->wish.cut) {
			sysv_wake(&receiver->sysv, -E2BIG);
			continue;
		}
		receiver->message = message;
		note_received(queue, receiver->process);
		sysv_wake(&receiver->sysv, 0);
		return true;
	}
	return false;
}

/* What a sender brings: 0, the message is another's; or -ENOMEM. */
static int bring(struct queue *queue, struct message *message, const struct process *process)
{
	int error = hand_over(queue, message) ? 0 : put(queue, message);

	if (error == 0) {
		queue->sender = process->id;
		queue->sent = sysv_now();
	}
	return error;
}

/* There is more room: the messages of those who wait for it, in their order, as far as they fit. */
static void let_senders(struct queue *queue)
{
	list_for_each_safe (link, &queue->senders) {
		struct sender *sender = list_entry(link, struct sender, sysv.link);
		int error;

		if (queue->bytes >= queue->most && queue->most != 0)
			return;
		if (!sysv_is_asleep(&sender->sysv) || !fits(queue, sender->message->size))
			continue;
		error = bring(queue, sender->message, sender->process);
		if (error == 0)
			sender->message = NULL;
		sysv_wake(&sender->sysv, error);
	}
}

static void sender_end(struct call *call)
{
	struct sender *sender = call->scratch;

	if (sender != NULL)
		user_free(sender->message);
	sysv_sleeper_end(call);
}

static void receiver_end(struct call *call)
{
	struct receiver *receiver = call->scratch;

	if (receiver != NULL)
		user_free(receiver->message);
	sysv_sleeper_end(call);
}

/* --- Calls. */

int64_t sys_msgget(uint64_t caller, unsigned key, unsigned flags)
{
	struct call *call = call_of(caller);
	struct sysv_object *object;
	struct queue *queue;
	int error = sysv_get(&sysv_queues, (int)key, (int)flags, &object);

	if (error != 0)
		return error;
	if (object != NULL)
		return sysv_may(call->process, object, flags) ? object->id : -EACCES;
	queue = user_alloc(call->process->user, sizeof *queue);
	if (queue == NULL)
		return -ENOMEM;
	if (!sysv_enter(&sysv_queues, &queue->object, call, (int)key, (int)flags, sysv_settings.queues)) {
		user_free(queue);
		return -ENOSPC;
	}
	list_init(&queue->messages);
	list_init(&queue->kinds);
	list_init(&queue->senders);
	list_init(&queue->receivers);
	queue->kind_of = (struct table)TABLE_INITIALIZER(queue->kind_of);
	queue->most = sysv_settings.queue_size;
	return queue->object.id;
}

/* The message of a sender's memory. 0 or -errno. */
static int message_in(struct call *call, uint64_t from, uint64_t size, struct message **out)
{
	struct message *message;
	int64_t type;
	int error = copy_in(call, &type, from, sizeof type);

	if (error != 0)
		return error;
	if (type < 1)
		return -EINVAL;
	message = user_alloc(call->process->user, sizeof *message + size);
	if (message == NULL)
		return -ENOMEM;
	message->type = type;
	message->size = size;
	error = copy_in(call, message->data, from + sizeof type, size);
	if (error != 0)
		user_free(message);
	*out = message;
	return error;
}

static int64_t send(struct call *call, struct queue *queue, struct message *message, unsigned flags)
{
	struct sender *sender;
	int error;

	if (!sysv_may(call->process, &queue->object, 0222)) {
		error = -EACCES;
	} else if (fits(queue, message->size)) {
		error = bring(queue, message, call->process);
		if (error == 0)
			return 0;
	} else if (flags & IPC_NOWAIT) {
		error = -EAGAIN;
	} else {
		sender = user_alloc(call->process->user, sizeof *sender);
		if (sender != NULL) {
			sender->message = message;
			sender->process = call->process;
			sysv_sleep(call, &sender->sysv, sender_end);
			list_append(&queue->senders, &sender->sysv.link);
			return call_wait(call);
		}
		error = -ENOMEM;
	}
	user_free(message);
	return error;
}

int64_t sys_msgsnd(uint64_t caller, int id, uint64_t from, uint64_t size, unsigned flags)
{
	struct call *call = call_of(caller);
	const struct sysv_sleeper *sleeper = call->scratch;
	struct message *message;
	struct queue *queue;
	int error;

	if (sleeper != NULL)
		return sleeper->woken ? sleeper->result : call_wait(call);
	if (size > sysv_settings.message_size || (int64_t)size < 0 || id < 0)
		return -EINVAL;
	error = message_in(call, from, size, &message);
	if (error != 0)
		return call_result(error);
	error = find(id, &queue);
	if (error != 0) {
		user_free(message);
		return error;
	}
	return send(call, queue, message, flags);
}

/* What the call returns that has the message. */
static int64_t message_out(struct call *call, uint64_t to, const struct wish *wish, const struct message *message)
{
	const uint64_t size = message->size < wish->size ? message->size : wish->size;
	int error = copy_out(call, to, &message->type, sizeof message->type);

	if (error == 0)
		error = copy_out(call, to + sizeof message->type, message->data, size);
	return error != 0 ? call_result(error) : (int64_t)size;
}

/* What is there, or a sleep. */
static int64_t receive(struct call *call, struct queue *queue, uint64_t to, const struct wish *wish, unsigned flags)
{
	struct message *message = choose(queue, wish);
	struct receiver *receiver;
	int64_t result;

	if (message == NULL && flags & IPC_NOWAIT)
		return -ENOMSG;
	if (message != NULL && message->size > wish->size && !wish->cut)
		return -E2BIG;
	if (flags & MSG_COPY && message->size > wish->size)
		return -EINVAL;
	if (flags & MSG_COPY)
		return message_out(call, to, wish, message);
	if (message != NULL) {
		result = message_out(call, to, wish, message);
		if (result >= 0 || result == -EFAULT) {
			take(queue, message);
			user_free(message);
			note_received(queue, call->process);
			let_senders(queue);
		}
		return result;
	}
	receiver = user_alloc(call->process->user, sizeof *receiver);
	if (receiver == NULL)
		return -ENOMEM;
	receiver->wish = *wish;
	receiver->process = call->process;
	sysv_sleep(call, &receiver->sysv, receiver_end);
	list_append(&queue->receivers, &receiver->sysv.link);
	return call_wait(call);
}

int64_t sys_msgrcv(uint64_t caller, int id, uint64_t to, uint64_t size, int64_t type, unsigned flags)
{
	struct call *call = call_of(caller);
	const struct receiver *receiver = call->scratch;
	struct wish wish = {.type = type, .size = size, .cut = (flags & MSG_NOERROR) != 0};
	struct queue *queue;
	int error;

	if (receiver != NULL && !receiver->sysv.woken)
		return call_wait(call);
	if (receiver != NULL)
		return receiver->message == NULL ? receiver->sysv.result
						 : message_out(call, to, &wish, receiver->message);
	if (id < 0 || (int64_t)size < 0)
		return -EINVAL;
	if (flags & MSG_COPY) {
		if (flags & MSG_EXCEPT || !(flags & IPC_NOWAIT))
			return -EINVAL;
		wish.choice = CHOOSE_NUMBER;
	} else if (type < 0) {
		wish.choice = CHOOSE_LEAST;
		wish.type = type == INT64_MIN ? INT64_MAX : -type;
	} else if (type > 0) {
		wish.choice = flags & MSG_EXCEPT ? CHOOSE_OTHER : CHOOSE_TYPE;
	}
	error = find(id, &queue);
	if (error != 0)
		return error;
	if (!sysv_may(call->process, &queue->object, 0444))
		return -EACCES;
	return receive(call, queue, to, &wish, flags);
}

/* --- msgctl. */

static void wake_all(struct list *list, int64_t result)
{
	while (!list_empty(list))
		sysv_wake(list_entry(list->next, struct sysv_sleeper, link), result);
}

static void end(struct queue *queue)
{
	sysv_leave(&sysv_queues, &queue->object);
	wake_all(&queue->senders, -EIDRM);
	wake_all(&queue->receivers, -EIDRM);
	while (!list_empty(&queue->messages)) {
		struct message *message = list_entry(queue->messages.next, struct message, in_queue);

		take(queue, message);
		user_free(message);
	}
	table_end(&queue->kind_of);
	user_free(queue);
}

static int64_t tell_limits(struct call *call, int command, uint64_t to)
{
	const bool uses = command == MSG_INFO;
	struct msginfo info = {
		.msgpool = uses ? (int)sysv_queues.count : INFO_POOL,
		.msgmap = uses ? (int)all_messages : INFO_MAP,
		.msgmax = (int)sysv_settings.message_size,
		.msgmnb = (int)sysv_settings.queue_size,
		.msgmni = (int)sysv_settings.queues,
		.msgssz = INFO_SEGMENT,
		.msgtql = uses ? (int)all_bytes : INFO_MAP,
		.msgseg = INFO_SEGMENTS,
	};
	int error = copy_out(call, to, &info, sizeof info);

	return error != 0 ? call_result(error) : sysv_highest(&sysv_queues);
}

static int64_t tell_queue(struct call *call, int id, int command, uint64_t to)
{
	struct msqid_ds state = {0};
	struct sysv_object *object;
	struct queue *queue;
	int error;

	if (command == IPC_STAT) {
		error = sysv_of_id(&sysv_queues, id, &object);
	} else {
		object = sysv_of_index(&sysv_queues, id);
		error = object == NULL ? -EINVAL : 0;
	}
	if (error != 0)
		return error;
	if (command != MSG_STAT_ANY && !sysv_may(call->process, object, 0444))
		return -EACCES;
	queue = queue_of(object);
	sysv_fill(object, &state.msg_perm);
	state.msg_stime = queue->sent;
	state.msg_rtime = queue->received;
	state.msg_ctime = object->changed;
	state.__msg_cbytes = queue->bytes;
	state.msg_qnum = queue->count;
	state.msg_qbytes = queue->most;
	state.msg_lspid = queue->sender;
	state.msg_lrpid = queue->receiver;
	error = copy_out(call, to, &state, sizeof state);
	return error != 0 ? call_result(error) : command == IPC_STAT ? 0 : object->id;
}

static int64_t change(struct call *call, int id, int command, uint64_t from)
{
	struct msqid_ds state;
	struct queue *queue;
	int error = command == IPC_SET ? copy_in(call, &state, from, sizeof state) : 0;

	if (error == 0)
		error = find(id, &queue);
	if (error != 0)
		return call_result(error);
	if (!sysv_owns(call->process, &queue->object))
		return -EPERM;
	if (command == IPC_RMID) {
		end(queue);
		return 0;
	}
	if (state.msg_qbytes > sysv_settings.queue_size && !capable(call->process, CAP_SYS_RESOURCE))
		return -EPERM;
	error = sysv_set(&queue->object, &state.msg_perm);
	if (error != 0)
		return error;
	queue->most = state.msg_qbytes;
	let_senders(queue);
	return 0;
}

int64_t sys_msgctl(uint64_t caller, int id, int command, uint64_t argument)
{
	struct call *call = call_of(caller);

	if (id < 0 || command < 0)
		return -EINVAL;
	switch (command) {
	case IPC_INFO:
	case MSG_INFO:
		return tell_limits(call, command, argument);
	case IPC_STAT:
	case MSG_STAT:
	case MSG_STAT_ANY:
		return tell_queue(call, id, command, argument);
	case IPC_SET:
	case IPC_RMID:
		return change(call, id, command, argument);
	default:
		return -EINVAL;
	}
}

void sysv_queue_facts(const struct sysv_object *object, struct sysv_queue_facts *out)
{
	const struct queue *queue = (const void *)object;

	*out = (struct sysv_queue_facts){
		.object = *object,
		.bytes = queue->bytes,
		.count = queue->count,
		.sender = queue->sender,
		.receiver = queue->receiver,
		.sent = queue->sent,
		.received = queue->received,
	};
}
