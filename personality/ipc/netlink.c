/* Sockets of AF_NETLINK: their life, names, options, and messages both ways. See netlink.h. */
#include "ipc/netlink.h"

#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>

#include "base/list.h"
#include "base/table.h"
#include "base/user.h"
#include "call/call.h"
#include "file/file.h"
#include "ipc/inet.h"
#include "ipc/socket.h"
#include "process/proc.h"

#define QUEUE_SIZE   212992u /* as on Linux (net.core.rmem_default) */
#define SIZE_LEAST   2304u
#define REQUEST_MOST 32768u /* bytes in a datagram of requests */
#define OPTION_LAST  NETLINK_GET_STRICT_CHK

struct netlink_message {
	struct list link;
	uint32_t size;
	char data[];
};

struct netlink {
	struct table_link by_port;
	int type;
	uint32_t port, peer; /* port 0: none yet */
	struct file *file;   /* borrowed */
	struct list messages;
	uint64_t queued;  /* what they take */
	bool lost;        /* some found no room, and nobody has been told */
	uint32_t options; /* bits, by NETLINK_* */
	unsigned receive_size, send_size;
	struct wait_queue queue;
};

static struct table by_port = TABLE_INITIALIZER(by_port);

uint32_t netlink_port(const struct netlink *netlink)
{
	return netlink->port;
}

bool netlink_wants_header_only(const struct netlink *netlink)
{
	return netlink->options & 1u << NETLINK_CAP_ACK;
}

/* --- Messages. */

static void drop_first(struct netlink *netlink)
{
	struct netlink_message *message = list_entry(netlink->messages.next, struct netlink_message, link);

	list_remove(&message->link);
	netlink->queued -= sizeof *message + message->size;
	user_free(message);
}

void netlink_deliver(struct netlink *netlink, const void *data, uint32_t size)
{
	struct netlink_message *message = NULL;

	if (netlink->queued + sizeof *message + size <= netlink->receive_size)
		message = user_alloc(user_of_memory(netlink), sizeof *message + size);
	if (message == NULL) {
		netlink->lost = true;
	} else {
		message->size = size;
		memcpy(message->data, data, size);
		list_append(&netlink->messages, &message->link);
		netlink->queued += sizeof *message + size;
	}
	wait_queue_wake(&netlink->queue, POLLIN);
}

/* What a request came to, with as much of it as its sender wants back. */
static void tell_error(struct netlink *netlink, const struct nlmsghdr *request, int error)
{
	uint32_t back =
		error == 0 || netlink_wants_header_only(netlink) ? (uint32_t)sizeof *request : request->nlmsg_len;
	uint32_t size = NLMSG_LENGTH(sizeof error + back);
	struct nlmsghdr *answer = user_alloc(user_now(), size);

	if (answer == NULL) {
		netlink->lost = true;
		return;
	}
	*answer = (struct nlmsghdr){.nlmsg_len = size,
		.nlmsg_type = NLMSG_ERROR,
		.nlmsg_flags = back == sizeof *request && error != 0 ? NLM_F_CAPPED : 0,
		.nlmsg_seq = request->nlmsg_seq,
		.nlmsg_pid = netlink->port};
	memcpy(NLMSG_DATA(answer), &error, sizeof error);
	memcpy((char *)NLMSG_DATA(answer) + sizeof error, request, back);
	netlink_deliver(netlink, answer, size);
	user_free(answer);
}

/* All that are whole, one after another; what is not ends them. */
static void serve(struct call *call, struct netlink *netlink, const char *data, uint64_t size)
{
	while (size >= sizeof(struct nlmsghdr)) {
		const struct nlmsghdr *request = (const void *)data;
		uint64_t step;
		int error = 0;

		if (request->nlmsg_len < sizeof *request || request->nlmsg_len > size)
			return;
		if ((request->nlmsg_flags & NLM_F_REQUEST) && request->nlmsg_type >= NLMSG_MIN_TYPE)
			error = route_request(call, netlink, request);
		if (error != 0 || (request->nlmsg_flags & NLM_F_ACK))
			tell_error(netlink, request, error);
		step = NLMSG_ALIGN(request->nlmsg_len);
		if (step > size)
			return;
		data += step;
		size -= step;
	}
}

/* --- Names: the kernel's port is 0. */

static int take_port(struct netlink *netlink, uint32_t port)
{
	if (table_find(&by_port, port) != NULL)
		return -EADDRINUSE;
	netlink->port = port;
	table_add(&by_port, &netlink->by_port, port);
	return 0;
}

/* The process's number, if no other has it, else one that is no process's. */
static void take_some_port(struct call *call, struct netlink *netlink)
{
	static uint32_t next;

	if (netlink->port != 0 || take_port(netlink, (uint32_t)call->process->id) == 0)
		return;
	do
		next = next > INT32_MAX ? next - 1 : UINT32_MAX;
	while (take_port(netlink, next) != 0);
}

static int name_in(struct call *call, struct sockaddr_nl *name, uint64_t address, int size)
{
	if (size < (int)sizeof *name)
		return -EINVAL;
	return copy_in(call, name, address, sizeof *name);
}

static int64_t netlink_bind(struct call *call, struct file *file, uint64_t address, int size)
{
	struct netlink *netlink = file->data;
	struct sockaddr_nl name;
	int error = name_in(call, &name, address, size);

	if (error != 0)
		return call_result(error);
	if (name.nl_family != AF_NETLINK)
		return -EINVAL;
	if (name.nl_groups != 0)
		return -EOPNOTSUPP; /* nobody says what changes: doc/network.md */
	if (netlink->port != 0)
		return name.nl_pid == netlink->port ? 0 : -EINVAL;
	if (name.nl_pid != 0)
		return take_port(netlink, name.nl_pid);
	take_some_port(call, netlink);
	return 0;
}

static int64_t netlink_connect(struct call *call, struct file *file, uint64_t address, int size)
{
	struct netlink *netlink = file->data;
	struct sockaddr_nl name = {.nl_family = AF_UNSPEC};
	int error;

	if (size < (int)sizeof name.nl_family)
		return -EINVAL;
	error = copy_in(call, &name, address, size < (int)sizeof name ? (size_t)size : sizeof name);
	if (error != 0)
		return call_result(error);
	if (name.nl_family == AF_UNSPEC) {
		netlink->peer = 0;
		return 0;
	}
	if (name.nl_family != AF_NETLINK || size < (int)sizeof name)
		return -EINVAL;
	take_some_port(call, netlink);
	netlink->peer = name.nl_pid;
	return 0;
}

static int copy_name(struct call *call, uint32_t port, uint64_t address, uint64_t size_address)
{
	struct sockaddr_nl name = {.nl_family = AF_NETLINK, .nl_pid = port};
	int size, full = sizeof name, error;

	error = copy_in(call, &size, size_address, sizeof size);
	if (error == 0 && size < 0)
		return -EINVAL;
	if (error == 0)
		error = copy_out(call, address, &name, (size_t)(size < full ? size : full));
	return error != 0 ? error : copy_out(call, size_address, &full, sizeof full);
}

static int64_t netlink_name(struct call *call, struct file *file, uint64_t address, uint64_t size, bool peer)
{
	const struct netlink *netlink = file->data;

	return address == 0 ? -EFAULT
			    : call_result(copy_name(call, peer ? netlink->peer : netlink->port, address, size));
}

/* --- Sending. */

/* The file stays while its requests wait. */
static int64_t send_requests(struct call *call, struct file *file, struct io *io)
{
	struct netlink *netlink = file->data;
	char *data;
	int error;

	if (io->total > REQUEST_MOST)
		return -EMSGSIZE;
	data = user_alloc(user_now(), io->total + 1);
	if (data == NULL)
		return -ENOBUFS;
	error = io_copy_in(io, data, io->total);
	if (error != 0) {
		user_free(data);
		return call_result(error);
	}
	take_some_port(call, netlink);
	file_reference(file);
	serve(call, netlink, data, io->total);
	file_release(file);
	user_free(data);
	return (int64_t)io->total;
}

static int64_t netlink_send(
	struct call *call, struct file *file, struct io *io, unsigned flags, uint64_t address, int address_size)
{
	const struct netlink *netlink = file->data;
	struct sockaddr_nl to = {.nl_family = AF_NETLINK, .nl_pid = netlink->peer};
	int error = 0;

	if (flags & MSG_OOB)
		return -EOPNOTSUPP;
	if (address != 0 && address_size != 0)
		error = name_in(call, &to, address, address_size);
	if (error != 0)
		return call_result(error);
	if (to.nl_family != AF_NETLINK)
		return -EINVAL;
	/* From process to process nothing goes: NETLINK_ROUTE is for the kernel. */
	if (to.nl_groups != 0)
		return -EPERM;
	return to.nl_pid != 0 ? -ECONNREFUSED : send_requests(call, file, io);
}

static int64_t netlink_write(struct file *file, struct io *io, uint64_t *offset)
{
	(void)offset;
	return netlink_send(io->call, file, io, 0, 0, 0);
}

/* --- Receiving: a datagram each time. */

/* Bytes moved; *size: of the datagram, which is the first until it is dropped. -errno, CALL_RESTART. */
static int64_t receive(struct netlink *netlink, struct io *io, unsigned flags, uint32_t *size)
{
	const struct netlink_message *message;
	int error;

	if (flags & MSG_OOB)
		return -EOPNOTSUPP;
	if (netlink->lost) {
		netlink->lost = false;
		return -ENOBUFS;
	}
	if (list_empty(&netlink->messages))
		return (flags & MSG_DONTWAIT) || (netlink->file->flags & O_NONBLOCK)
			       ? -EAGAIN
			       : call_wait_for(io->call, &netlink->queue);
	message = list_entry(netlink->messages.next, struct netlink_message, link);
	error = io_copy_out(io, message->data, message->size < io->total ? message->size : io->total);
	if (error != 0) {
		io->done = 0;
		return call_result(error);
	}
	*size = message->size;
	return (int64_t)io->done;
}

static int64_t finish(struct netlink *netlink, unsigned flags, uint32_t size, int64_t result)
{
	if (!(flags & MSG_PEEK))
		drop_first(netlink);
	return flags & MSG_TRUNC ? size : result;
}

static int64_t netlink_receive_from(
	struct call *call, struct file *file, struct io *io, unsigned flags, uint64_t address, uint64_t size_address)
{
	uint32_t size;
	int64_t result = receive(file->data, io, flags, &size);
	int error = 0;

	if (result < 0)
		return result;
	if (address != 0)
		error = copy_name(call, 0, address, size_address);
	if (error == CALL_ERROR_RESTART)
		return CALL_RESTART;
	result = finish(file->data, flags, size, result);
	return error != 0 ? error : result;
}

static int64_t netlink_receive_message(struct call *call, struct file *file, struct io *io, unsigned flags,
	const struct msghdr *message, uint64_t address)
{
	struct msghdr *at = (struct msghdr *)(uintptr_t)address;
	struct sockaddr_nl name = {.nl_family = AF_NETLINK};
	socklen_t name_size = sizeof name;
	uint32_t size;
	int64_t result = receive(file->data, io, flags, &size);
	unsigned told = flags & MSG_CMSG_CLOEXEC;
	size_t control = 0;
	int error = 0;

	if (result < 0)
		return result;
	if (size > io->total)
		told |= MSG_TRUNC;
	if (message->msg_name != NULL) {
		error = copy_out(call, (uint64_t)(uintptr_t)message->msg_name, &name,
			message->msg_namelen < name_size ? message->msg_namelen : name_size);
		if (error == 0)
			error = copy_out(call, (uint64_t)(uintptr_t)&at->msg_namelen, &name_size, sizeof name_size);
	}
	if (error == 0)
		error = copy_out(call, (uint64_t)(uintptr_t)&at->msg_flags, &told, sizeof told);
	if (error == 0)
		error = copy_out(call, (uint64_t)(uintptr_t)&at->msg_controllen, &control, sizeof control);
	if (error == CALL_ERROR_RESTART)
		return CALL_RESTART;
	result = finish(file->data, flags, size, result);
	return error != 0 ? error : result;
}

static int64_t netlink_read(struct file *file, struct io *io, uint64_t *offset)
{
	uint32_t size;
	int64_t result = receive(file->data, io, 0, &size);

	(void)offset;
	return result < 0 ? result : finish(file->data, 0, size, result);
}

/* --- Options. */

/* As on Linux: twice what is asked for. */
static unsigned size_of(int value)
{
	unsigned twice = value < 0 || (unsigned)value > QUEUE_SIZE ? 2 * QUEUE_SIZE : 2 * (unsigned)value;

	return twice < SIZE_LEAST ? SIZE_LEAST : twice;
}

static bool is_switch(int option)
{
	return option == NETLINK_PKTINFO || option == NETLINK_BROADCAST_ERROR || option == NETLINK_NO_ENOBUFS ||
	       option == NETLINK_CAP_ACK || option == NETLINK_EXT_ACK || option == NETLINK_GET_STRICT_CHK;
}

static int64_t netlink_set_option(struct call *call, struct file *file, int level, int option, uint64_t value, int size)
{
	struct netlink *netlink = file->data;
	int number, error;

	if (size < (int)sizeof number)
		return -EINVAL;
	error = copy_in(call, &number, value, sizeof number);
	if (error != 0)
		return call_result(error);
	if (level == SOL_NETLINK && is_switch(option)) {
		netlink->options &= ~(1u << option);
		netlink->options |= (number != 0 ? 1u : 0u) << option;
	} else if (level == SOL_SOCKET && option == SO_RCVBUF) {
		netlink->receive_size = size_of(number);
	} else if (level == SOL_SOCKET && option == SO_SNDBUF) {
		netlink->send_size = size_of(number);
	} else {
		return level == SOL_NETLINK && (option == NETLINK_ADD_MEMBERSHIP || option == NETLINK_DROP_MEMBERSHIP)
			       ? -EOPNOTSUPP
			       : -ENOPROTOOPT;
	}
	return 0;
}

static int64_t netlink_get_option(
	struct call *call, struct file *file, int level, int option, uint64_t value, uint64_t size_address)
{
	const struct netlink *netlink = file->data;
	int number, size, error;

	if (level == SOL_NETLINK && is_switch(option))
		number = (int)(netlink->options >> option & 1);
	else if (level != SOL_SOCKET)
		return -ENOPROTOOPT;
	else if (option == SO_TYPE)
		number = netlink->type;
	else if (option == SO_DOMAIN)
		number = AF_NETLINK;
	else if (option == SO_PROTOCOL || option == SO_ERROR || option == SO_ACCEPTCONN)
		number = 0; /* NETLINK_ROUTE */
	else if (option == SO_RCVBUF)
		number = (int)netlink->receive_size;
	else if (option == SO_SNDBUF)
		number = (int)netlink->send_size;
	else
		return -ENOPROTOOPT;
	error = copy_in(call, &size, size_address, sizeof size);
	if (error == 0 && size < 0)
		return -EINVAL;
	if (size > (int)sizeof number)
		size = sizeof number;
	if (error == 0)
		error = copy_out(call, value, &number, (size_t)size);
	if (error == 0)
		error = copy_out(call, size_address, &size, sizeof size);
	return call_result(error);
}

/* --- As files. */

static unsigned netlink_poll(struct file *file)
{
	const struct netlink *netlink = file->data;

	return (list_empty(&netlink->messages) ? 0u : POLLIN | POLLRDNORM) | (netlink->lost ? POLLERR : 0u) | POLLOUT |
	       POLLWRNORM | POLLWRBAND;
}

static unsigned netlink_queues(struct file *file, struct wait_queue *queues[2])
{
	queues[0] = &((struct netlink *)file->data)->queue;
	return 1;
}

static void netlink_free(struct netlink *netlink)
{
	table_remove(&by_port, &netlink->by_port);
	while (!list_empty(&netlink->messages))
		drop_first(netlink);
	wait_queue_destroy(&netlink->queue);
	user_free(netlink);
}

static void netlink_release(struct file *file)
{
	netlink_free(file->data);
}

static int64_t netlink_ioctl(struct call *call, struct file *file, uint64_t request, uint64_t argument)
{
	(void)file;
	return inet_ioctl_interfaces(call, request, argument);
}

static const struct socket_calls netlink_calls = {
	.bind = netlink_bind,
	.connect = netlink_connect,
	.name = netlink_name,
	.set_option = netlink_set_option,
	.get_option = netlink_get_option,
	.send = netlink_send,
	.receive_from = netlink_receive_from,
	.receive_message = netlink_receive_message,
};

static const struct file_ops netlink_ops = {
	.read = netlink_read,
	.write = netlink_write,
	.poll = netlink_poll,
	.poll_queues = netlink_queues,
	.ioctl = netlink_ioctl,
	.socket = &netlink_calls,
	.release = netlink_release,
};

int64_t netlink_socket(struct call *call, unsigned flags, int protocol)
{
	unsigned type = flags & ~(unsigned)(SOCK_CLOEXEC | SOCK_NONBLOCK);
	struct netlink *netlink;
	struct file *file;

	if (type != SOCK_RAW && type != SOCK_DGRAM)
		return -ESOCKTNOSUPPORT;
	if (protocol != NETLINK_ROUTE)
		return -EPROTONOSUPPORT;
	netlink = user_alloc(user_now(), sizeof *netlink);
	if (netlink == NULL)
		return -ENOMEM;
	netlink->type = (int)type;
	netlink->receive_size = netlink->send_size = QUEUE_SIZE;
	list_init(&netlink->messages);
	wait_queue_init(&netlink->queue);
	file = file_create(&netlink_ops, O_RDWR | (flags & SOCK_NONBLOCK ? O_NONBLOCK : 0u), NULL, netlink);
	if (file == NULL) {
		netlink_free(netlink);
		return -ENOMEM;
	}
	file->inode = anonymous_inode();
	file->kind = "socket";
	netlink->file = file;
	return fd_install(call, file, (flags & SOCK_CLOEXEC) != 0);
}
