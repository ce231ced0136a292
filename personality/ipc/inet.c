/* Sockets of AF_INET and AF_INET6: their life, and as files. */
#include "ipc/inet.h"

#include <fcntl.h>
#include <poll.h>
#include <servers/network_user.h>
#include <stdlib.h>

#include "base/user.h"
#include "file/file.h"
#include "ipc/network.h"
#include "ipc/socket.h"
#include "process/proc.h"

struct list inets = LIST_INITIALIZER(inets);
static struct table by_id = TABLE_INITIALIZER(by_id);

bool inet_is_stream(const struct inet *inet)
{
	return inet->kind == NETWORK_TCP;
}

struct inet *inet_create(int family, int type, int protocol, unsigned kind)
{
	struct inet *inet = user_alloc(user_now(), sizeof *inet);

	if (inet == NULL)
		return NULL;
	inet->family = family;
	inet->type = type;
	inet->protocol = protocol;
	inet->kind = kind;
	inet->send_size = inet->receive_size = INET_SEND_SIZE;
	inet->hint[HINT_MTU_DISCOVER] = inet->hint[HINT_MTU_DISCOVER6] = IP_PMTUDISC_WANT;
	list_init(&inet->messages);
	list_init(&inet->arrivals);
	list_append(&inets, &inet->all);
	wait_queue_init(&inet->queue);
	wait_queue_init(&inet->arrival);
	wait_queue_init(&inet->room);
	return inet;
}

/* --- With the server. */

struct inet *inet_of_id(uint64_t id)
{
	struct table_link *link = table_find(&by_id, id);

	return link != NULL ? table_entry(link, struct inet, by_id) : NULL;
}

static void known_as(struct inet *inet, uint32_t port, uint64_t id)
{
	inet->port = port;
	inet->id = id;
	inet_sent(inet, inet->sending);
	inet->flying = inet->untold = inet->ignored = 0;
	table_add(&by_id, &inet->by_id, id);
}

int inet_open(struct inet *inet)
{
	uint64_t id;
	uint32_t port;

	if (inet->port != MACH_PORT_NULL)
		return 0;
	port = network_socket_open(inet, &id);
	if (port == MACH_PORT_NULL)
		return -ENOBUFS;
	known_as(inet, port, id);
	if (inet_tell_options(inet))
		return 0;
	inet_close(inet);
	return -ENOBUFS;
}

void inet_adopt(struct inet *inet, uint32_t port)
{
	known_as(inet, port, network_new_id());
	if (inet_tell_options(inet) && network_adopt(port, inet->id) == KERN_SUCCESS)
		return;
	inet_close(inet);
	inet_over(inet, ECONNRESET);
}

void inet_close(struct inet *inet)
{
	if (inet->port == MACH_PORT_NULL)
		return;
	table_remove(&by_id, &inet->by_id);
	network_socket_close(inet->port);
	inet->port = MACH_PORT_NULL;
	/* Nobody answers any more. */
	if (inet->answered != inet->asked) {
		inet->answered = inet->asked;
		inet->outcome = -ECONNRESET;
	}
}

void inet_sent(struct inet *inet, uint64_t bytes)
{
	if (bytes > inet->sending)
		bytes = inet->sending;
	inet->sending -= bytes;
	user_give_bytes(user_of_memory(inet), bytes);
}

void inet_changed(struct inet *inet, unsigned events)
{
	wait_queue_wake(&inet->queue, events);
	wait_queue_wake(&inet->arrival, events);
	wait_queue_wake(&inet->room, events);
}

void inet_over(struct inet *inet, int error)
{
	if (error != 0)
		inet->error = error;
	inet->state = INET_OVER;
	inet->unsaid = false;
	inet_sent(inet, inet->sending);
	inet->flying = 0;
	inet_changed(inet, POLLIN | POLLOUT | POLLERR | POLLHUP | POLLRDHUP);
}

void inet_drop_arrivals(struct inet *inet)
{
	while (!list_empty(&inet->arrivals)) {
		struct inet_arrival *arrival = list_entry(inet->arrivals.next, struct inet_arrival, link);

		list_remove(&arrival->link);
		network_socket_close(arrival->port);
		user_give_bytes(user_of_memory(inet), NETWORK_STREAM_SIZE);
		user_free(arrival);
	}
	inet->arrival_count = 0;
}

/* One that has a name gets it back, and its peer, or its place to listen at. */
static bool ask_again(struct inet *inet)
{
	bool good = inet_open(inet) == 0;

	if (good && inet->bound) {
		good = network_bind(inet->port, inet->local) == KERN_SUCCESS;
		inet->ignored++;
	}
	if (good && inet->state == INET_LISTENING) {
		good = network_listen(inet->port, inet->backlog) == KERN_SUCCESS;
		inet->ignored++;
	} else if (good && inet->state == INET_CONNECTED) {
		good = network_connect(inet->port, inet->remote) == KERN_SUCCESS;
		inet->ignored++;
	}
	return good;
}

void inet_again(struct inet *inet)
{
	bool had = inet->port != MACH_PORT_NULL;
	bool lost = inet_is_stream(inet) && (inet->state == INET_CONNECTED || inet->state == INET_CONNECTING);

	inet_close(inet);
	inet_drop_arrivals(inet);
	if (lost)
		inet_over(inet, ECONNRESET);
	else if (had && inet->state != INET_OVER && !ask_again(inet))
		inet_over(inet, ENETDOWN);
	inet_changed(inet, POLLOUT);
}

int inet_take_error(struct inet *inet)
{
	int error = inet->error;

	inet->error = 0;
	return -error;
}

/* --- As files. */

bool inet_is_writable(const struct inet *inet)
{
	if (inet->flying >= NETWORK_MESSAGES)
		return false;
	return !inet_is_stream(inet) || inet->sending * 3 <= (uint64_t)inet->send_size * 2;
}

static unsigned stream_poll(const struct inet *inet)
{
	bool over = inet->state == INET_OVER;
	bool no_more_in = over || inet->finished || inet->in_shut, no_more_out = over || inet->out_shut;
	unsigned ready = 0;

	if (inet->state == INET_LISTENING)
		return list_empty(&inet->arrivals) ? 0 : POLLIN | POLLRDNORM;
	if (inet->state == INET_CONNECTING)
		return 0;
	if (inet->state == INET_NEW || (no_more_in && no_more_out))
		ready |= POLLHUP;
	if (inet->state != INET_NEW && no_more_in)
		ready |= POLLIN | POLLRDNORM | POLLRDHUP;
	if (!list_empty(&inet->messages))
		ready |= POLLIN | POLLRDNORM;
	if (no_more_out || inet_is_writable(inet))
		ready |= POLLOUT | POLLWRNORM;
	return ready;
}

static unsigned inet_poll(struct file *file)
{
	const struct inet *inet = file->data;
	unsigned ready = inet->error != 0 ? POLLERR : 0;

	if (inet_is_stream(inet))
		return ready | stream_poll(inet);
	if (!list_empty(&inet->messages) || inet->in_shut)
		ready |= POLLIN | POLLRDNORM;
	if (inet->in_shut)
		ready |= POLLRDHUP;
	if (inet->in_shut && inet->out_shut)
		ready |= POLLHUP;
	return ready | (inet_is_writable(inet) ? POLLOUT | POLLWRNORM | POLLWRBAND : 0u);
}

static unsigned inet_queues(struct file *file, struct wait_queue *queues[2])
{
	queues[0] = &((struct inet *)file->data)->queue;
	return 1;
}

static void inet_free(struct inet *inet)
{
	if (inet->port != MACH_PORT_NULL && inet_is_stream(inet) && list_empty(&inet->messages))
		inet_tell_taken(inet, true); /* else it looks as if something had not been read */
	inet_drop_arrivals(inet);
	inet_close(inet);
	inet_sent(inet, inet->sending);
	list_remove(&inet->all);
	wait_queue_destroy(&inet->queue);
	wait_queue_destroy(&inet->arrival);
	wait_queue_destroy(&inet->room);
	inet_empty(inet);
	user_free(inet);
}

static void inet_release(struct file *file)
{
	inet_free(file->data);
}

static const struct socket_calls inet_calls = {
	.bind = inet_bind,
	.connect = inet_connect,
	.listen = inet_listen,
	.accept = inet_accept,
	.name = inet_name,
	.shutdown = inet_shutdown,
	.set_option = inet_set_option,
	.get_option = inet_get_option,
	.send = inet_send_to,
	.receive_from = inet_receive_from,
	.receive_message = inet_receive_message,
};

static const struct file_ops inet_ops = {
	.read = inet_read,
	.write = inet_write,
	.poll = inet_poll,
	.poll_queues = inet_queues,
	.ioctl = inet_ioctl,
	.socket = &inet_calls,
	.relays = RELAY_FROM | RELAY_TO,
	.release = inet_release,
};

struct inet *inet_of(const struct file *file)
{
	return file->ops == &inet_ops ? file->data : NULL;
}

int64_t inet_install(struct call *call, struct inet *inet, unsigned flags)
{
	struct file *file = file_create(&inet_ops, O_RDWR | (flags & SOCK_NONBLOCK ? O_NONBLOCK : 0u), NULL, inet);

	if (file == NULL) {
		inet_free(inet);
		return -ENOMEM;
	}
	file->inode = anonymous_inode();
	file->kind = "socket";
	inet->file = file;
	return fd_install(call, file, (flags & SOCK_CLOEXEC) != 0);
}

/* What a socket may be (ip(7), ipv6(7)). kind: NETWORK_*. 0 or -errno. */
static int check_kind(const struct call *call, int family, int type, int *protocol, unsigned *kind)
{
	int ping = family == AF_INET6 ? IPPROTO_ICMPV6 : IPPROTO_ICMP;

	switch (type) {
	case SOCK_STREAM:
		*kind = NETWORK_TCP;
		if (*protocol == 0)
			*protocol = IPPROTO_TCP;
		return *protocol == IPPROTO_TCP ? 0 : -EPROTONOSUPPORT;
	case SOCK_DGRAM:
		*kind = *protocol == ping ? NETWORK_PING : NETWORK_UDP;
		if (*protocol == 0)
			*protocol = IPPROTO_UDP;
		return *protocol == IPPROTO_UDP || *protocol == ping ? 0 : -EPROTONOSUPPORT;
	case SOCK_RAW:
		*kind = NETWORK_RAW;
		if (*protocol <= 0 || *protocol > 255)
			return -EPROTONOSUPPORT;
		return capable(call->process, CAP_NET_RAW) ? 0 : -EPERM;
	default:
		return -ESOCKTNOSUPPORT;
	}
}

int64_t inet_socket(struct call *call, int family, unsigned flags, int protocol)
{
	int type = (int)(flags & ~(unsigned)(SOCK_CLOEXEC | SOCK_NONBLOCK));
	struct inet *inet;
	unsigned kind;
	int error = check_kind(call, family, type, &protocol, &kind);
	int64_t result;

	if (error != 0)
		return error;
	result = network_need(call);
	if (result != 0)
		return result;
	inet = inet_create(family, type, protocol, kind);
	return inet == NULL ? -ENOMEM : inet_install(call, inet, flags);
}
