/* Calls that make sockets, and end their directions. */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "file/file.h"
#include "ipc/inet.h"
#include "ipc/netlink.h"
#include "ipc/socket.h"
#include "process/proc.h"
#include "unix_server.h"

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
