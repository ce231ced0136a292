/* Calls that name, connect and end sockets of AF_INET and AF_INET6. */
#include <fcntl.h>
#include <poll.h>
#include <servers/network_user.h>
#include <string.h>

#include "base/user.h"
#include "file/file.h"
#include "ipc/inet.h"
#include "ipc/network.h"
#include "ipc/socket.h"
#include "process/proc.h"

#define SIN6_LEAST   24             /* bytes of a name of AF_INET6, without a scope */
#define PORT_OF_ROOT 1024u          /* below it ports are root's (ip(7)) */
#define PATIENCE     30000000000ull /* ns, for what the server does at once */

/* --- Requests that are answered. A call that has asked has the request's number for its progress. */

static const network_address_t nowhere;

/* A request may be made now, about that address: 0; else the call waits, or -errno. */
static int64_t may_ask(struct call *call, struct inet *inet, const network_address_t *to)
{
	int64_t result = network_need_way(call, to);

	if (result != 0)
		return result == -EAFNOSUPPORT ? -ENETDOWN : result;
	if (inet->answered != inet->asked)
		return call_wait_for(call, &inet->queue);
	return inet_open(inet);
}

/* It has been sent, or not. */
static int64_t asked(struct call *call, struct inet *inet, kern_return_t result)
{
	if (result != KERN_SUCCESS)
		return -ENOBUFS;
	call->progress = ++inet->asked;
	call_set_deadline(call, clock_monotonic() + PATIENCE);
	return call_wait_for(call, &inet->queue);
}

/* Of a call that has asked: what came of it. */
static int64_t outcome(struct call *call, struct inet *inet)
{
	if (inet->answered < call->progress)
		return call->timed_out ? -ETIMEDOUT : call_wait_for(call, &inet->queue);
	return inet->outcome;
}

static int64_t bind_to(struct call *call, struct inet *inet, const network_address_t *address)
{
	int64_t result;

	if (call->progress == 0) {
		result = may_ask(call, inet, address);
		if (result != 0)
			return result;
		return asked(call, inet, network_bind(inet->port, *address));
	}
	return outcome(call, inet);
}

static int bind_address_in(
	struct call *call, const struct inet *inet, network_address_t *name, uint64_t address, int size)
{
	struct sockaddr_in any;
	int error;

	if (size < (int)sizeof any)
		return -EINVAL;
	/* Here the family is looked at first. */
	error = copy_in(call, &any, address, sizeof any);
	if (error != 0)
		return error;
	if (inet->family == AF_INET6 && any.sin_family != AF_INET6)
		return size < SIN6_LEAST ? -EINVAL : -EAFNOSUPPORT;
	error = inet_address_in(call, inet, name, address, size);
	if (error == -ENETUNREACH)
		return -EINVAL;
	if (error != 0 || name->family != 0)
		return error;
	/* As Linux has it: no family and no address is any address. */
	if (any.sin_addr.s_addr != 0)
		return -EAFNOSUPPORT;
	name->family = AF_INET;
	return 0;
}

int64_t inet_bind(struct call *call, struct file *file, uint64_t address, int size)
{
	struct inet *inet = file->data;
	network_address_t name;
	int error;

	error = bind_address_in(call, inet, &name, address, size);
	if (error != 0)
		return call_result(error);
	if (name.port != 0 && ntohs(name.port) < PORT_OF_ROOT && !capable(call->process, CAP_NET_BIND_SERVICE) &&
		inet->kind != NETWORK_PING)
		return -EACCES;
	if (call->progress == 0 && (inet->bound || inet->state != INET_NEW))
		return -EINVAL;
	return bind_to(call, inet, &name);
}

int64_t inet_need_name(struct call *call, struct inet *inet)
{
	const network_address_t any = {.family = (uint16_t)inet->family};

	return inet->bound || inet->kind == NETWORK_RAW ? 0 : bind_to(call, inet, &any);
}

/* --- connect. */

static int64_t connect_datagrams(struct call *call, struct inet *inet, const network_address_t *name)
{
	int64_t result;

	if (call->progress == 0) {
		result = may_ask(call, inet, name);
		if (result != 0)
			return result;
		return asked(call, inet, network_connect(inet->port, *name));
	}
	result = outcome(call, inet);
	if (result != 0)
		return result;
	inet->remote = *name;
	inet->state = name->family != 0 ? INET_CONNECTED : INET_NEW;
	inet_changed(inet, 0);
	return 0;
}

/* Of a stream that is being connected: how it stands. */
static int64_t wait_until_connected(struct call *call, const struct file *file)
{
	struct inet *inet = file->data;

	if (inet->state == INET_CONNECTING) {
		if (file->flags & O_NONBLOCK)
			return call->progress != 0 ? -EINPROGRESS : -EALREADY;
		if (call->timed_out)
			return -EINPROGRESS;
		call->progress = 1;
		if (inet->send_timeout != 0) {
			call_set_deadline(call, clock_monotonic() + inet->send_timeout);
			call->no_restart = true;
		}
		return call_wait_for(call, &inet->queue);
	}
	if (inet->state == INET_CONNECTED) {
		inet->unsaid = false;
		return 0;
	}
	return inet->error != 0 ? inet_take_error(inet) : -ECONNABORTED;
}

static int64_t connect_stream(struct call *call, struct file *file, const network_address_t *name)
{
	struct inet *inet = file->data;
	int64_t result;

	if (call->progress != 0 || inet->state == INET_CONNECTING || inet->unsaid)
		return wait_until_connected(call, file);
	if (inet->state == INET_LISTENING || (inet->state == INET_CONNECTED && !inet->unsaid))
		return -EISCONN;
	if (inet->error != 0)
		return inet_take_error(inet); /* of an attempt that nobody has heard of yet */
	result = may_ask(call, inet, name);
	if (result != 0)
		return result;
	if (inet->state == INET_OVER && inet->bound) {
		/* The server knows it anew, by its old name. */
		if (network_bind(inet->port, inet->local) != KERN_SUCCESS)
			return -ENOBUFS;
		inet->ignored++;
	}
	if (network_connect(inet->port, *name) != KERN_SUCCESS)
		return -ENOBUFS;
	inet->asked++;
	inet->state = INET_CONNECTING;
	inet->remote = *name;
	inet->unsaid = true;
	inet->finished = inet->in_shut = inet->out_shut = false;
	call->progress = 1;
	return wait_until_connected(call, file);
}

int64_t inet_connect(struct call *call, struct file *file, uint64_t address, int size)
{
	struct inet *inet = file->data;
	network_address_t name;
	int error = inet_address_in(call, inet, &name, address, size);

	if (error != 0)
		return call_result(error);
	inet_address_to_self(inet, &name);
	if (!inet_is_stream(inet))
		return connect_datagrams(call, inet, &name);
	if (name.family == 0) {
		/* What it was connected to it is no more (connect(2)), and that hears of it by a reset. */
		if (inet->port != MACH_PORT_NULL)
			network_option(inet->port, NETWORK_ABORT, 1);
		inet_close(inet);
		inet_empty(inet);
		inet->state = INET_NEW;
		inet->remote = (network_address_t){0};
		inet_changed(inet, POLLHUP);
		return 0;
	}
	return connect_stream(call, file, &name);
}

/* --- listen, accept. */

int64_t inet_listen(struct call *call, struct file *file, int backlog)
{
	struct inet *inet = file->data;
	unsigned most = backlog < 0 || backlog > SOMAXCONN ? SOMAXCONN : (unsigned)backlog;
	int64_t result;

	if (!inet_is_stream(inet))
		return -EOPNOTSUPP;
	if (call->progress == 0) {
		if (inet->state == INET_CONNECTED || inet->state == INET_CONNECTING)
			return -EINVAL;
		result = may_ask(call, inet, &nowhere);
		return result != 0 ? result : asked(call, inet, network_listen(inet->port, most));
	}
	result = outcome(call, inet);
	if (result == 0) {
		inet->state = INET_LISTENING;
		inet->backlog = most;
		inet_changed(inet, 0);
	}
	return result;
}

/* Makes the socket of a connection that has arrived. Null: no memory. */
static struct inet *adopt(const struct inet *listener, const struct inet_arrival *arrival)
{
	struct inet *inet = inet_create(listener->family, listener->type, listener->protocol, listener->kind);

	if (inet == NULL)
		return NULL;
	inet->state = INET_CONNECTED;
	inet->local = arrival->local;
	inet->remote = arrival->remote;
	inet_inherit(inet, listener);
	return inet;
}

int64_t inet_accept(struct call *call, struct file *file, uint64_t address, uint64_t size, unsigned flags)
{
	struct inet *listener = file->data, *inet;
	struct inet_arrival *arrival;
	int error;

	if (!inet_is_stream(listener))
		return -EOPNOTSUPP;
	if (listener->state != INET_LISTENING)
		return -EINVAL;
	error = fd_room(call);
	if (error != 0)
		return error;
	if (list_empty(&listener->arrivals)) {
		if (file->flags & O_NONBLOCK)
			return -EAGAIN;
		return socket_wait(call, &listener->queue, listener->receive_timeout, 0);
	}
	arrival = list_entry(listener->arrivals.next, struct inet_arrival, link);
	error = inet_address_copy(call, listener, &arrival->remote, address, size);
	if (error != 0)
		return call_result(error);
	inet = adopt(listener, arrival);
	if (inet == NULL)
		return -ENOMEM;
	list_remove(&arrival->link);
	listener->arrival_count--;
	inet_adopt(inet, arrival->port);
	user_give_bytes(user_of_memory(listener), NETWORK_STREAM_SIZE);
	user_free(arrival);
	return inet_install(call, inet, flags);
}

int64_t inet_shutdown(struct file *file, int how)
{
	struct inet *inet = file->data;
	bool in = how != SHUT_WR, out = how != SHUT_RD;

	if (inet->state == INET_LISTENING && in) {
		/* It listens no more, and may again. */
		inet_close(inet);
		inet_drop_arrivals(inet);
		inet->state = INET_NEW;
		inet_changed(inet, POLLIN | POLLHUP);
		return 0;
	}
	if (inet->state != INET_CONNECTED)
		return -ENOTCONN;
	if (out && !inet->out_shut && inet_is_stream(inet) && inet->port != MACH_PORT_NULL &&
		network_shut(inet->port, NETWORK_SHUT_OUT) != KERN_SUCCESS)
		return -ENOBUFS;
	inet->in_shut |= in;
	inet->out_shut |= out;
	inet_changed(inet, (in ? POLLIN | POLLRDHUP : 0u) | POLLOUT | POLLHUP);
	return 0;
}

int64_t inet_name(struct call *call, struct file *file, uint64_t address, uint64_t size, bool peer)
{
	const struct inet *inet = file->data;
	const network_address_t *name = peer ? &inet->remote : &inet->local;

	if (peer && (inet->state != INET_CONNECTED || inet->remote.family == 0))
		return -ENOTCONN;
	return address == 0 ? -EFAULT : call_result(inet_address_copy(call, inet, name, address, size));
}
