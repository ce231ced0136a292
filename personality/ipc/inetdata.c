/* Sending and receiving by sockets of AF_INET. */
#include <fcntl.h>
#include <poll.h>
#include <servers/network_user.h>
#include <signal.h>
#include <string.h>

#include "base/user.h"
#include "file/file.h"
#include "ipc/inet.h"
#include "ipc/network.h"
#include "ipc/socket.h"
#include "process/proc.h"

#define TELL_AT     (NETWORK_STREAM_SIZE / 4) /* bytes read, of which the server hears at once */
#define PAYLOAD_UDP 65507u                    /* the longest datagram: 65535 less the headers of IP and UDP, */
#define PAYLOAD6    65487u                    /* and of IPv6 */

/* --- What has come. */

static uint64_t cost_of(uint64_t size)
{
	return sizeof(struct inet_message) + size;
}

bool inet_deliver(struct inet *inet, const network_address_t *from, const void *data, uint64_t size)
{
	struct inet_message *message = user_alloc(user_of_memory(inet), sizeof *message + size);

	if (message == NULL)
		return false;
	message->size = size;
	message->from = *from;
	memcpy(message->data, data, size);
	list_append(&inet->messages, &message->link);
	inet->queued += size;
	inet->cost += cost_of(size);
	wait_queue_wake(&inet->arrival, POLLIN);
	wait_queue_wake(&inet->queue, POLLIN);
	return true;
}

static void drop(struct inet *inet, struct inet_message *message)
{
	list_remove(&message->link);
	inet->queued -= message->size - message->taken;
	inet->cost -= cost_of(message->size);
	user_free(message);
}

void inet_empty(struct inet *inet)
{
	while (!list_empty(&inet->messages))
		drop(inet, list_entry(inet->messages.next, struct inet_message, link));
}

void inet_tell_taken(struct inet *inet, bool all)
{
	if (inet->port != MACH_PORT_NULL && inet->untold > 0 && (all || inet->untold >= TELL_AT) &&
		network_taken(inet->port, inet->untold) == KERN_SUCCESS)
		inet->untold = 0;
}

/* What a receiver has been given: it goes with inet_take. */
struct taking {
	uint64_t bytes;
	bool some;              /* a message, if only an empty one */
	uint64_t size;          /* of the datagram */
	network_address_t from; /* family 0: nobody says */
};

static void take(struct inet *inet, const struct taking *taking)
{
	uint64_t left = taking->bytes;

	if (!taking->some)
		return;
	if (!inet_is_stream(inet)) {
		drop(inet, list_entry(inet->messages.next, struct inet_message, link));
		return;
	}
	while (left > 0) {
		struct inet_message *message = list_entry(inet->messages.next, struct inet_message, link);
		uint64_t part = message->size - message->taken;

		if (part > left)
			part = left;
		message->taken += part;
		inet->queued -= part;
		left -= part;
		if (message->taken == message->size)
			drop(inet, message);
	}
	inet->untold += (unsigned)taking->bytes;
	inet_tell_taken(inet, false);
}

static bool no_wait(const struct inet *inet, unsigned flags)
{
	return (flags & MSG_DONTWAIT) || (inet->file->flags & O_NONBLOCK);
}

/* --- Receiving. */

/* Nothing has come. */
static int64_t nothing(struct inet *inet, struct io *io, unsigned flags)
{
	bool stream = inet_is_stream(inet);

	if (io->done > 0 && (inet->error != 0 || inet->finished || inet->in_shut || inet->state == INET_OVER))
		return (int64_t)io->done;
	if (inet->error != 0)
		return inet_take_error(inet);
	if (stream && inet->state != INET_CONNECTED && inet->state != INET_CONNECTING && inet->state != INET_OVER)
		return -ENOTCONN;
	if (inet->in_shut || inet->finished || (stream && inet->state == INET_OVER))
		return 0;
	if (no_wait(inet, flags))
		return io->done > 0 ? (int64_t)io->done : -EAGAIN;
	return socket_wait(io->call, &inet->arrival, inet->receive_timeout, io->done);
}

/* Copies bytes of the messages from the front; they stay. */
static int gather(const struct inet *inet, struct io *io, bool copy, struct taking *taking)
{
	list_for_each (link, &inet->messages) {
		const struct inet_message *message = list_entry(link, struct inet_message, link);
		uint64_t part = message->size - message->taken;
		int error = 0;

		if (part > io->total - io->done)
			part = io->total - io->done;
		taking->some = true;
		if (copy)
			error = io_copy_out(io, message->data + message->taken, part);
		else
			io->done += part;
		if (error != 0)
			return error;
		taking->bytes += part;
		if (io->done == io->total)
			break;
	}
	return 0;
}

static int64_t receive_stream(struct inet *inet, struct io *io, unsigned flags, struct taking *taking)
{
	uint64_t before = io->done;
	int error;

	if (list_empty(&inet->messages) || inet->state == INET_LISTENING)
		return io->total == 0 && inet->state == INET_CONNECTED ? 0 : nothing(inet, io, flags);
	error = gather(inet, io, !(flags & MSG_TRUNC), taking);
	if (error == CALL_ERROR_RESTART || (error != 0 && io->done == before)) {
		io->done = before;
		taking->bytes = 0;
		return error == CALL_ERROR_RESTART ? CALL_RESTART : before > 0 ? (int64_t)before : error;
	}
	return (int64_t)io->done;
}

static int64_t receive_datagram(struct inet *inet, struct io *io, unsigned flags, struct taking *taking)
{
	const struct inet_message *message;
	int error;

	if (inet->error != 0)
		return inet_take_error(inet);
	if (list_empty(&inet->messages))
		return nothing(inet, io, flags);
	message = list_entry(inet->messages.next, struct inet_message, link);
	error = io_copy_out(io, message->data, message->size < io->total ? message->size : io->total);
	if (error != 0) {
		io->done = 0;
		return call_result(error);
	}
	taking->some = true;
	taking->size = message->size;
	taking->from = message->from;
	return (int64_t)io->done;
}

static int64_t receive(struct inet *inet, struct io *io, unsigned flags, struct taking *taking)
{
	int64_t result;

	*taking = (struct taking){0};
	if (flags & MSG_OOB)
		return -EINVAL;
	if (flags & MSG_ERRQUEUE)
		return -EAGAIN;
	if (!inet_is_stream(inet))
		return receive_datagram(inet, io, flags, taking);
	io->done = io->call->progress;
	result = receive_stream(inet, io, flags, taking);
	if (result == CALL_RESTART) {
		io->call->progress = io->done;
		io->call->partial = true;
	}
	return result;
}

/* All that is to be told has been: the bytes go. What the call returns. */
static int64_t finish(struct inet *inet, struct io *io, unsigned flags, const struct taking *taking, int64_t result)
{
	bool stream = inet_is_stream(inet);

	if (!(flags & MSG_PEEK))
		take(inet, taking);
	if (stream && (flags & (MSG_WAITALL | MSG_PEEK)) == MSG_WAITALL && io->done < io->total &&
		!no_wait(inet, flags) && !inet->finished && inet->state == INET_CONNECTED && !inet->in_shut &&
		taking->some) {
		io->call->progress = io->done;
		io->call->partial = true;
		return socket_wait(io->call, &inet->arrival, inet->receive_timeout, io->done);
	}
	if (!stream && (flags & MSG_TRUNC) && taking->some)
		return (int64_t)taking->size;
	return result;
}

int64_t inet_receive_from(
	struct call *call, struct file *file, struct io *io, unsigned flags, uint64_t address, uint64_t size_address)
{
	struct inet *inet = file->data;
	struct taking taking;
	int64_t result = receive(inet, io, flags, &taking);
	int error = 0, zero = 0;

	if (result < 0)
		return result;
	if (address != 0 && taking.from.family != 0)
		error = inet_address_copy(call, inet, &taking.from, address, size_address);
	else if (address != 0)
		error = copy_out(call, size_address, &zero, sizeof zero);
	if (error == CALL_ERROR_RESTART)
		return CALL_RESTART;
	result = finish(inet, io, flags, &taking, result);
	return error != 0 ? error : result;
}

int64_t inet_receive_message(struct call *call, struct file *file, struct io *io, unsigned flags,
	const struct msghdr *message, uint64_t address)
{
	struct msghdr *at = (struct msghdr *)(uintptr_t)address;
	struct inet *inet = file->data;
	struct taking taking;
	int64_t result = receive(inet, io, flags, &taking);
	unsigned told = flags & MSG_CMSG_CLOEXEC;
	socklen_t size = 0;
	size_t control = 0;
	int error = 0;

	if (result < 0)
		return result;
	if (!inet_is_stream(inet) && taking.some && taking.size > io->total)
		told |= MSG_TRUNC;
	if (message->msg_name != NULL) {
		union inet_name name;
		size_t part;

		if (taking.from.family != 0) {
			size = inet_address_out(inet, &taking.from, &name);
			part = size;
			if (part > message->msg_namelen)
				part = message->msg_namelen;
			error = copy_out(call, (uint64_t)(uintptr_t)message->msg_name, &name, part);
		}
		if (error == 0)
			error = copy_out(call, (uint64_t)(uintptr_t)&at->msg_namelen, &size, sizeof size);
	}
	if (error == 0)
		error = copy_out(call, (uint64_t)(uintptr_t)&at->msg_flags, &told, sizeof told);
	if (error == 0)
		error = copy_out(call, (uint64_t)(uintptr_t)&at->msg_controllen, &control, sizeof control);
	if (error == CALL_ERROR_RESTART)
		return CALL_RESTART;
	result = finish(inet, io, flags, &taking, result);
	return error != 0 ? error : result;
}

int64_t inet_read(struct file *file, struct io *io, uint64_t *offset)
{
	struct taking taking;
	struct inet *inet = file->data;
	int64_t result;

	(void)offset;
	if (io->total == 0)
		return 0;
	/* The caller keeps count of what the call has done before. */
	result = inet_is_stream(inet) ? receive_stream(inet, io, 0, (taking = (struct taking){0}, &taking))
				      : receive(inet, io, 0, &taking);
	return result < 0 ? result : finish(inet, io, 0, &taking, result);
}

/* --- Sending. */

/* Nobody will read it. */
static int64_t broken(struct inet *inet, struct io *io, unsigned flags)
{
	if (io->done > 0)
		return (int64_t)io->done;
	if (inet->error != 0 && inet->error != EPIPE)
		return inet_take_error(inet);
	inet->error = 0;
	if (!(flags & MSG_NOSIGNAL))
		signal_thread(io->call->thread, SIGPIPE, NULL);
	return -EPIPE;
}

/* All of it, of several messages. The bytes are copied twice: here, and into the message. */
static int64_t send_stream(struct inet *inet, struct io *io, unsigned flags)
{
	static char data[NETWORK_DATA_SIZE]; /* of who has the lock */

	while (io->done < io->total) {
		uint64_t before = io->done, size = io->total - io->done, room;
		int error;

		if (inet->state == INET_CONNECTING)
			return no_wait(inet, flags) ? -EAGAIN
						    : socket_wait(io->call, &inet->queue, inet->send_timeout, io->done);
		if (inet->state != INET_CONNECTED || inet->out_shut || inet->error != 0)
			return broken(inet, io, flags);
		room = inet->sending < inet->send_size ? inet->send_size - inet->sending : 0;
		if (room == 0 || inet->flying >= NETWORK_MESSAGES) {
			if (no_wait(inet, flags))
				return io->done > 0 ? (int64_t)io->done : -EAGAIN;
			return socket_wait(io->call, &inet->room, inet->send_timeout, io->done);
		}
		if (size > room)
			size = room;
		if (size > sizeof data)
			size = sizeof data;
		if (!user_take_bytes(user_of_memory(inet), size))
			return io->done > 0 ? (int64_t)io->done : -ENOBUFS;
		inet->sending += size;
		error = io_copy_in(io, data, size);
		if (error != 0)
			inet_sent(inet, size);
		if (error == CALL_ERROR_RESTART)
			return CALL_RESTART;
		if (error != 0)
			return io->done > 0 ? (int64_t)io->done : error;
		if (network_send(inet->port, data, (mach_msg_type_number_t)size) != KERN_SUCCESS) {
			/* The server has died, and that has not been heard yet. */
			io->done = before;
			inet_close(inet);
			inet_over(inet, ECONNRESET);
			continue;
		}
		inet->flying++;
	}
	return (int64_t)io->done;
}

static int64_t send_datagram(struct inet *inet, struct io *io, unsigned flags, const network_address_t *to)
{
	static char data[NETWORK_DATAGRAM_SIZE];
	int64_t result;
	int error;

	if (to->family == 0 && inet->state != INET_CONNECTED)
		return -EDESTADDRREQ;
	if (to->family != 0 && to->port == 0 && inet->kind == NETWORK_UDP)
		return -EINVAL;
	if (inet->error != 0)
		return inet_take_error(inet);
	if (inet->out_shut) {
		if (!(flags & MSG_NOSIGNAL))
			signal_thread(io->call->thread, SIGPIPE, NULL);
		return -EPIPE;
	}
	if (io->total > (inet->family == AF_INET6 && to->family != AF_INET ? PAYLOAD6 : PAYLOAD_UDP))
		return -EMSGSIZE;
	result = network_need_way(io->call, to);
	if (result == 0)
		result = inet_need_name(io->call, inet);
	if (result == 0)
		result = inet_open(inet);
	if (result != 0)
		return result;
	if (inet->flying >= NETWORK_MESSAGES)
		return no_wait(inet, flags) ? -EAGAIN : socket_wait(io->call, &inet->room, inet->send_timeout, 0);
	io->done = 0;
	error = io_copy_in(io, data, io->total);
	if (error != 0)
		return call_result(error);
	if (network_send_to(inet->port, *to, data, (mach_msg_type_number_t)io->total) != KERN_SUCCESS)
		return -ENOBUFS;
	inet->flying++;
	return (int64_t)io->total;
}

/* to: family 0, the peer. */
static int64_t send_any(struct inet *inet, struct io *io, unsigned flags, const network_address_t *to)
{
	int64_t result;

	if (flags & MSG_OOB)
		return -EOPNOTSUPP; /* doc/network.md */
	if (!inet_is_stream(inet))
		return send_datagram(inet, io, flags, to);
	io->done = io->call->progress;
	if (inet->state == INET_NEW || inet->state == INET_LISTENING)
		result = broken(inet, io, flags);
	else
		result = send_stream(inet, io, flags);
	if (result == CALL_RESTART) {
		io->call->progress = io->done;
		io->call->partial = true;
	}
	return result;
}

int64_t inet_send_to(
	struct call *call, struct file *file, struct io *io, unsigned flags, uint64_t address, int address_size)
{
	struct inet *inet = file->data;
	network_address_t to = {0};
	int error = 0;

	if (address != 0 && address_size != 0 && !inet_is_stream(inet)) {
		error = inet_address_in(call, inet, &to, address, address_size);
		if (error == 0 && to.family == 0)
			error = -EAFNOSUPPORT;
	}
	return error != 0 ? call_result(error) : send_any(inet, io, flags, &to);
}

int64_t inet_write(struct file *file, struct io *io, uint64_t *offset)
{
	struct inet *inet = file->data;
	const network_address_t peer = {0};

	(void)offset;
	if (!inet_is_stream(inet))
		return send_datagram(inet, io, 0, &peer);
	if (inet->state == INET_NEW || inet->state == INET_LISTENING)
		return broken(inet, io, 0);
	return send_stream(inet, io, 0);
}
