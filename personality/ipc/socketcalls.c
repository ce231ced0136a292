/* Calls that make sockets, end their directions, and their options. */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "file/file.h"
#include "ipc/inet.h"
#include "ipc/netlink.h"
#include "ipc/socket.h"
#include "process/proc.h"
#include "unix_server.h"

/* SO_SNDBUF, as on Linux: twice what is asked for, within these. */
#define SEND_SIZE_LEAST 4608u
#define SEND_SIZE_MOST  (2 * SOCKET_SEND_SIZE)

static int check_kind(int domain, unsigned kind, int protocol)
{
	unsigned type = kind & ~(unsigned)(SOCK_CLOEXEC | SOCK_NONBLOCK);

	if (domain != AF_UNIX)
		return -EAFNOSUPPORT;
	if (protocol != 0 && protocol != AF_UNIX)
		return -EPROTONOSUPPORT;
	return type == SOCK_STREAM || type == SOCK_DGRAM || type == SOCK_SEQPACKET ? 0 : -ESOCKTNOSUPPORT;
}

static int type_of(unsigned kind)
{
	return (int)(kind & ~(unsigned)(SOCK_CLOEXEC | SOCK_NONBLOCK));
}

int64_t sys_socket(uint64_t caller, int domain, unsigned kind, int protocol)
{
	struct socket *socket;
	int error;

	if (domain == AF_INET || domain == AF_INET6)
		return inet_socket(call_of(caller), domain, kind, protocol);
	if (domain == AF_NETLINK)
		return netlink_socket(call_of(caller), kind, protocol);
	error = check_kind(domain, kind, protocol);
	if (error != 0)
		return error;
	socket = socket_create(type_of(kind));
	return socket == NULL ? -ENOMEM : socket_install(call_of(caller), socket, kind);
}

int64_t sys_socketpair(uint64_t caller, int domain, unsigned kind, int protocol, uint64_t address)
{
	struct call *call = call_of(caller);
	const struct process *process = call->process;
	struct socket *a, *b;
	int64_t fd[2];
	int error = check_kind(domain, kind, protocol);

	if (error != 0)
		return error == -EAFNOSUPPORT ? -EOPNOTSUPP : error;
	a = socket_create(type_of(kind));
	b = socket_create(type_of(kind));
	if (a == NULL || b == NULL) {
		if (a != NULL)
			socket_free(a);
		if (b != NULL)
			socket_free(b);
		return -ENOMEM;
	}
	socket_follow(a, b);
	socket_follow(b, a);
	a->state = b->state = SOCKET_CONNECTED;
	a->other = b->other = (struct sender){process->id, process->credentials.euid, process->credentials.egid};
	fd[0] = socket_install(call, a, kind);
	if (fd[0] < 0) {
		socket_free(b);
		return fd[0];
	}
	fd[1] = socket_install(call, b, kind);
	if (fd[1] < 0) {
		fd_close(call, (int)fd[0]);
		return fd[1];
	}
	return fd_tell_pair(call, address, (int)fd[0], (int)fd[1]);
}

int64_t sys_shutdown(uint64_t caller, int fd, int how)
{
	int error;
	struct file *file = socket_file(call_of(caller), fd, &error);

	if (file == NULL)
		return error;
	if (how < SHUT_RD || how > SHUT_RDWR)
		return -EINVAL;
	if (file->ops->socket != NULL)
		return SOCKET_CALL(file, shutdown, file, how);
	socket_shut(file->data, how != SHUT_WR, how != SHUT_RD);
	return 0;
}

int64_t sys_setsockopt(uint64_t caller, int fd, int level, int option, uint64_t value, int size)
{
	struct call *call = call_of(caller);
	int error, number;
	struct file *file = socket_file(call, fd, &error);
	struct socket *socket;

	if (file == NULL)
		return error;
	if (file->ops->socket != NULL)
		return SOCKET_CALL(file, set_option, call, file, level, option, value, size);
	if (level != SOL_SOCKET)
		return -EOPNOTSUPP;
	if (size < (int)sizeof(int))
		return -EINVAL;
	error = copy_in(call, &number, value, sizeof number);
	if (error != 0)
		return call_result(error);
	socket = file->data;
	switch (option) {
	case SO_PASSCRED:
		socket->pass_credentials = number != 0;
		return 0;
	case SO_SNDBUF:
		socket->send_size = number < 0 || (unsigned)number > SEND_SIZE_MOST / 2 ? SEND_SIZE_MOST
				    : (unsigned)number < SEND_SIZE_LEAST / 2            ? SEND_SIZE_LEAST
											: 2 * (unsigned)number;
		return 0;
	case SO_REUSEADDR: /* of no meaning for these sockets, and harmless */
	case SO_KEEPALIVE:
	case SO_RCVBUF:
		return 0;
	default:
		return -ENOPROTOOPT;
	}
}

int64_t sys_getsockopt(uint64_t caller, int fd, int level, int option, uint64_t value, uint64_t size_address)
{
	struct call *call = call_of(caller);
	int size, error, number = 0;
	struct file *file = socket_file(call, fd, &error);
	struct socket *socket;
	const void *from = &number;
	int full = sizeof number;

	if (file == NULL)
		return error;
	if (file->ops->socket != NULL)
		return SOCKET_CALL(file, get_option, call, file, level, option, value, size_address);
	socket = file->data;
	if (level != SOL_SOCKET)
		return -EOPNOTSUPP;
	switch (option) {
	case SO_TYPE:
		number = socket->type;
		break;
	case SO_DOMAIN:
		number = AF_UNIX;
		break;
	case SO_ACCEPTCONN:
		number = socket->state == SOCKET_LISTENING;
		break;
	case SO_PASSCRED:
		number = socket->pass_credentials;
		break;
	case SO_ERROR:
		number = socket->error;
		break;
	case SO_PROTOCOL:
	case SO_REUSEADDR:
	case SO_KEEPALIVE:
		break;
	case SO_SNDBUF:
		number = (int)socket->send_size;
		break;
	case SO_RCVBUF:
		number = SOCKET_SEND_SIZE;
		break;
	case SO_PEERCRED:
		from = &socket->other;
		full = sizeof socket->other;
		break;
	default:
		return -ENOPROTOOPT;
	}
	error = copy_in(call, &size, size_address, sizeof size);
	if (error == 0 && size < 0)
		return -EINVAL;
	if (error == 0) {
		if (size > full)
			size = full;
		error = copy_out(call, value, from, (size_t)size);
	}
	if (error == 0)
		error = copy_out(call, size_address, &size, sizeof size);
	if (error == 0 && option == SO_ERROR)
		socket->error = 0;
	return call_result(error);
}
