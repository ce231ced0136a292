/* Messages between sockets: sending, receiving, room. */
#include <poll.h>
#include <signal.h>

#include "base/user.h"
#include "file/file.h"
#include "ipc/socket.h"
#include "process/proc.h"

#define PIECE_MOST 32768u /* of a stream, in one message */
/* What a packet's size leaves of SO_SNDBUF, and how many wait with somebody who is not connected to their sender: as on
 * Linux (net.unix.max_dgram_qlen). */
#define PACKET_REST 32u
#define QUEUE_MOST  10u

static uint64_t cost(uint64_t size)
{
	return sizeof(struct message) + size;
}

static uint64_t smaller(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static void message_free(struct message *message)
{
	struct rights *rights = message->rights;

	user_free(message);
	rights_free(rights);
}

static void remove_message(struct socket *socket, struct message *message)
{
	list_remove(&message->link);
	socket->queued -= cost(message->size);
	socket->count--;
}

void socket_empty(struct socket *socket)
{
	while (!list_empty(&socket->messages)) {
		struct message *message = list_entry(socket->messages.next, struct message, link);

		remove_message(socket, message);
		message_free(message);
	}
}

uint64_t socket_readable(const struct socket *socket)
{
	uint64_t bytes = 0;

	list_for_each (link, &socket->messages) {
		const struct message *message = list_entry(link, struct message, link);

		bytes += message->size - message->taken;
		if (socket->type == SOCK_DGRAM)
			break;
	}
	return bytes;
}

/* So many wait with it that it takes no more from who is not its peer. */
static bool is_crowded(const struct socket *to, const struct socket *from)
{
	return to->type == SOCK_DGRAM && to->peer != from && to->count > QUEUE_MOST;
}

bool socket_is_writable(const struct socket *socket)
{
	const struct socket *peer = socket->peer;

	return socket->state != SOCKET_LISTENING &&
	       (peer == NULL || (peer->queued * 4 <= socket->send_size && !is_crowded(peer, socket)));
}

/* A message with the next bytes of the caller's. 0, -ENOMEM, -EFAULT, CALL_ERROR_RESTART. */
static int make(struct socket *socket, const struct socket *to, struct io *io, uint64_t size,
	const struct sending *sending, struct message **out)
{
	const struct process *process = io->call->process;
	struct message *message = user_alloc(user_now(), sizeof *message + size);
	int error = message == NULL ? -ENOMEM : size == 0 ? 0 : io_copy_in(io, message->data, size);

	if (error != 0) {
		user_free(message);
		return error;
	}
	message->size = size;
	message->sender = (struct sender){0, OVERFLOW_ID, OVERFLOW_ID};
	if (sending->sender != NULL)
		message->sender = *sending->sender;
	else if (socket->pass_credentials || to->pass_credentials || to->file == NULL)
		message->sender = (struct sender){process->id, process->credentials.uid, process->credentials.gid};
	if (sending->rights != NULL && *sending->rights != NULL) {
		message->rights = *sending->rights;
		*sending->rights = NULL;
		rights_fly(message->rights);
	}
	if (socket->type == SOCK_DGRAM)
		message->name = socket->name;
	*out = message;
	return 0;
}

static void deliver(struct socket *to, struct message *message)
{
	list_append(&to->messages, &message->link);
	to->queued += cost(message->size);
	to->count++;
	wait_queue_wake(&to->arrival, POLLIN);
	wait_queue_wake(&to->queue, POLLIN);
}

/* Nobody will read it. */
static int64_t broken(struct io *io, const struct sending *sending)
{
	if (io->done > 0)
		return (int64_t)io->done;
	if (!(sending->flags & MSG_NOSIGNAL))
		signal_thread(io->call->thread, SIGPIPE, NULL);
	return -EPIPE;
}

static int64_t send_stream(struct socket *socket, struct io *io, const struct sending *sending)
{
	struct message *message;

	while (io->done < io->total) {
		struct socket *to = socket->peer;
		uint64_t size;
		int error;

		if (socket->out_shut || to == NULL || to->in_shut)
			return broken(io, sending);
		if (to->queued >= socket->send_size) {
			if (!sending->no_wait)
				return socket_wait(io->call, &to->room, socket->send_timeout, io->done);
			return io->done > 0 ? (int64_t)io->done : -EAGAIN;
		}
		size = smaller(smaller(io->total - io->done, PIECE_MOST), socket->send_size - to->queued);
		error = make(socket, to, io, size, sending, &message);
		if (error == CALL_ERROR_RESTART)
			return CALL_RESTART;
		if (error != 0)
			return io->done > 0 ? (int64_t)io->done : error;
		deliver(to, message);
	}
	return (int64_t)io->done;
}

/* Whom a packet goes to. */
static int64_t find_receiver(struct socket *socket, const struct sending *sending, struct socket **out)
{
	struct socket *to = sending->to != NULL ? sending->to : socket->peer;

	if (socket_has_connections(socket) && socket->state != SOCKET_CONNECTED)
		return -ENOTCONN;
	if (socket->out_shut)
		return -EPIPE;
	if (to == NULL && socket->refused) {
		socket->refused = false;
		socket->state = SOCKET_NEW;
		return -ECONNREFUSED;
	}
	if (to == NULL)
		return -ENOTCONN;
	if (socket->type == SOCK_DGRAM && to->peer != NULL && to->peer != socket)
		return -EPERM;
	*out = to;
	return to->in_shut ? -EPIPE : 0;
}

static int64_t send_packet(struct socket *socket, struct io *io, const struct sending *sending)
{
	struct message *message;
	struct socket *to;
	int64_t result;
	int error;

	if (io->total > socket->send_size - PACKET_REST)
		return -EMSGSIZE;
	result = find_receiver(socket, sending, &to);
	if (result != 0)
		return result;
	if (is_crowded(to, socket) || to->queued >= socket->send_size)
		return sending->no_wait ? -EAGAIN : socket_wait(io->call, &to->room, socket->send_timeout, 0);
	if (socket->pass_credentials && socket->name.size == 0) {
		error = socket_name_self(socket);
		if (error != 0)
			return error;
	}
	error = make(socket, to, io, io->total, sending, &message);
	if (error != 0)
		return call_result(error);
	deliver(to, message);
	return (int64_t)io->done;
}

int64_t socket_send(struct socket *socket, struct io *io, const struct sending *sending)
{
	if (sending->flags & MSG_OOB)
		return -EOPNOTSUPP;
	if (!socket_is_stream(socket))
		return send_packet(socket, io, sending);
	if (socket->state != SOCKET_CONNECTED)
		return -ENOTCONN;
	return send_stream(socket, io, sending);
}

/* --- Receiving. */

static bool same_sender(const struct sender *a, const struct sender *b)
{
	return a->pid == b->pid && a->uid == b->uid && a->gid == b->gid;
}

/* Bytes of several messages, up to what must not be mixed: another's, when they are told apart, and what lies behind
 * descriptors. */
static int gather(struct socket *socket, struct io *io, struct received *received)
{
	list_for_each (link, &socket->messages) {
		const struct message *message = list_entry(link, struct message, link);
		uint64_t part = smaller(message->size - message->taken, io->total - io->done);
		int error;

		if (received->message == NULL)
			received->message = message;
		else if (socket->pass_credentials && !same_sender(&message->sender, &received->message->sender))
			break;
		error = io_copy_out(io, message->data + message->taken, part);
		if (error != 0)
			return error;
		received->bytes += part;
		if (message->rights != NULL) {
			received->rights = message->rights;
			break;
		}
		if (io->done == io->total)
			break;
	}
	return 0;
}

/* Nothing has come. */
static int64_t wait_for_message(struct socket *socket, struct io *io, bool no_wait)
{
	int error = socket->error;

	if (io->done > 0 && (error != 0 || socket->in_shut))
		return (int64_t)io->done;
	if (error != 0) {
		socket->error = 0;
		return -error;
	}
	if (socket->in_shut)
		return socket->type == SOCK_DGRAM && no_wait ? -EAGAIN : 0;
	if (no_wait)
		return io->done > 0 ? (int64_t)io->done : -EAGAIN;
	return socket_wait(io->call, &socket->arrival, socket->receive_timeout, io->done);
}

static int64_t receive_stream(
	struct socket *socket, struct io *io, unsigned flags, bool no_wait, struct received *received)
{
	uint64_t before = io->done;
	int error;

	if (socket->state != SOCKET_CONNECTED)
		return -EINVAL;
	if (list_empty(&socket->messages))
		return io->total == 0 ? 0 : wait_for_message(socket, io, no_wait);
	error = gather(socket, io, received);
	if (error == CALL_ERROR_RESTART) {
		io->done = before;
		return CALL_RESTART;
	}
	if (error != 0 && io->done == before)
		return before > 0 ? (int64_t)before : error;
	received->again = (flags & (MSG_WAITALL | MSG_PEEK)) == MSG_WAITALL && io->done < io->total && !no_wait &&
			  error == 0 && received->rights == NULL;
	return (int64_t)io->done;
}

static int64_t receive_packet(struct socket *socket, struct io *io, bool no_wait, struct received *received)
{
	const struct message *message;
	int error;

	if (socket_has_connections(socket) && socket->state != SOCKET_CONNECTED)
		return -ENOTCONN;
	if (list_empty(&socket->messages))
		return wait_for_message(socket, io, no_wait);
	message = list_entry(socket->messages.next, struct message, link);
	error = io_copy_out(io, message->data, smaller(message->size, io->total));
	if (error != 0) {
		io->done = 0;
		return call_result(error);
	}
	received->message = message;
	received->rights = message->rights;
	received->bytes = received->size = message->size;
	return (int64_t)io->done;
}

int64_t socket_receive(struct socket *socket, struct io *io, unsigned flags, bool no_wait, struct received *received)
{
	*received = (struct received){0};
	if (flags & MSG_OOB)
		return -EOPNOTSUPP;
	return socket_is_stream(socket) ? receive_stream(socket, io, flags, no_wait, received)
					: receive_packet(socket, io, no_wait, received);
}

void socket_take(struct socket *socket, const struct received *received)
{
	uint64_t left = received->bytes;
	bool first = true;

	if (received->message == NULL)
		return;
	while (!list_empty(&socket->messages) && (left > 0 || first)) {
		struct message *message = list_entry(socket->messages.next, struct message, link);
		uint64_t part = smaller(message->size - message->taken, left);
		struct rights *rights = message->rights;

		first = false;
		left -= part;
		message->taken += part;
		message->rights = NULL;
		if (message->taken == message->size) {
			remove_message(socket, message);
			user_free(message);
		}
		if (rights != NULL)
			rights_free(rights); /* the last of what was received */
		if (rights != NULL)
			break;
	}
	wait_queue_wake(&socket->room, POLLOUT);
}
