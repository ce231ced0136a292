/* Calls that make, name and connect sockets, and their options. */
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "file/file.h"
#include "ipc/pipe.h"
#include "ipc/socket.h"
#include "process/proc.h"
#include "unix_server.h"
#include "vfs/vfs.h"

#define NOBODY 0xffffffffu /* the peer's ids while there is none */

static int check_kind(int domain, unsigned kind, int protocol)
{
	unsigned type = kind & ~(unsigned)(SOCK_CLOEXEC | SOCK_NONBLOCK);

	if (domain != AF_UNIX)
		return -EAFNOSUPPORT;
	if (protocol != 0 && protocol != AF_UNIX)
		return -EPROTONOSUPPORT;
	return type == SOCK_STREAM || type == SOCK_DGRAM || type == SOCK_SEQPACKET ? 0 : -ESOCKTNOSUPPORT;
}

/* Whom SO_PEERCRED names. */
static void set_peer(struct socket *socket, const struct process *process)
{
	socket->peer_pid = process->id;
	socket->peer_uid = process->credentials.euid;
	socket->peer_gid = process->credentials.egid;
}

int64_t sys_socket(uint64_t caller, int domain, unsigned kind, int protocol)
{
	struct socket *socket;
	int error = check_kind(domain, kind, protocol);

	if (error != 0)
		return error;
	socket = socket_create();
	return socket == NULL ? -ENOMEM : socket_install(call_of(caller), socket, kind);
}

int64_t sys_socketpair(uint64_t caller, int domain, unsigned kind, int protocol, uint64_t address)
{
	struct call *call = call_of(caller);
	struct socket *a, *b;
	int64_t fd[2];
	int error = check_kind(domain, kind, protocol);

	if (error != 0)
		return error == -EAFNOSUPPORT ? -EOPNOTSUPP : error;
	/* A pipe keeps no borders between messages. */
	if ((kind & 0xf) != SOCK_STREAM)
		return -ESOCKTNOSUPPORT;
	a = socket_create();
	b = socket_create();
	error = a == NULL || b == NULL ? -ENOMEM : socket_join(a, b);
	if (error != 0) {
		if (a != NULL)
			socket_free(a);
		if (b != NULL)
			socket_free(b);
		return error;
	}
	set_peer(a, call->process);
	set_peer(b, call->process);
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

/* --- Names. */

/* A path from a struct sockaddr_un; abstract names are not there. */
static int address_path(struct call *call, uint64_t address, int size, char *path)
{
	struct sockaddr_un name;
	int error;

	if (size < (int)sizeof name.sun_family || size > (int)sizeof name)
		return -EINVAL;
	memset(&name, 0, sizeof name);
	error = copy_in(call, &name, address, (size_t)size);
	if (error != 0)
		return error;
	if (name.sun_family != AF_UNIX)
		return name.sun_family == AF_UNSPEC ? -EINVAL : -EAFNOSUPPORT;
	if (size == (int)sizeof name.sun_family || name.sun_path[0] == 0)
		return -ECONNREFUSED;
	memcpy(path, name.sun_path, sizeof name.sun_path);
	path[sizeof name.sun_path] = 0;
	return 0;
}

static int64_t put_address(struct call *call, uint64_t address, uint64_t size_address, const char *path)
{
	struct sockaddr_un name = {.sun_family = AF_UNIX};
	int size, full = (int)(offsetof(struct sockaddr_un, sun_path) + (path[0] == 0 ? 0 : strlen(path) + 1));
	int error;

	if (address == 0)
		return 0;
	memcpy(name.sun_path, path, strnlen(path, sizeof name.sun_path));
	error = copy_in(call, &size, size_address, sizeof size);
	if (error == 0 && size < 0)
		return -EINVAL;
	if (error == 0)
		error = copy_out(call, address, &name, (size_t)(size < full ? size : full));
	if (error == 0)
		error = copy_out(call, size_address, &full, sizeof full);
	return call_result(error);
}

int64_t sys_bind(uint64_t caller, int fd, uint64_t address, int size)
{
	struct call *call = call_of(caller);
	char path[sizeof((struct sockaddr_un *)0)->sun_path + 1], last[256];
	struct vnode *parent = NULL, *vnode = NULL;
	struct socket *socket;
	struct file *file;
	bool slash;
	int error;

	file = socket_file(call, fd, &error);
	if (file == NULL)
		return error;
	socket = file->data;
	error = address_path(call, address, size, path);
	if (error == -ECONNREFUSED || socket->state != SOCKET_NEW)
		return -EINVAL;
	if (error != 0)
		return call_result(error);
	file_reference(file);
	error = path_look_up_parent(call, AT_FDCWD, path, &parent, last, &slash);
	if (error == 0 && parent->ops->create == NULL)
		error = -EPERM;
	if (error == 0)
		error = vnode_access(call, parent, 3, false); /* W_OK | X_OK */
	if (error == 0)
		error = parent->ops->create(parent, last, S_IFSOCK | (0777 & ~call->process->fs->umask),
			call->process->credentials.fsuid, call->process->credentials.fsgid, 0, &vnode);
	vnode_release(parent);
	if (error == 0 && socket->state != SOCKET_NEW) {
		vnode_release(vnode);
		error = -EINVAL;
	}
	if (error == 0) {
		socket->vnode = vnode;
		vnode->socket = socket;
		socket->state = SOCKET_BOUND;
		strcpy(socket->path, path);
	}
	file_release(file);
	return error == -EEXIST ? -EADDRINUSE : call_result(error);
}

int64_t sys_listen(uint64_t caller, int fd, int backlog)
{
	int error;
	struct file *file = socket_file(call_of(caller), fd, &error);
	struct socket *socket;

	if (file == NULL)
		return error;
	socket = file->data;
	if (socket->state != SOCKET_BOUND && socket->state != SOCKET_LISTENING)
		return -EINVAL;
	socket->state = SOCKET_LISTENING;
	set_peer(socket, call_of(caller)->process); /* for those who connect to it */
	socket->backlog = backlog < 0 ? 0 : backlog > SOMAXCONN ? SOMAXCONN : (unsigned)backlog;
	return 0;
}

int64_t sys_connect(uint64_t caller, int fd, uint64_t address, int size)
{
	struct call *call = call_of(caller);
	char path[sizeof((struct sockaddr_un *)0)->sun_path + 1];
	struct vnode *vnode;
	struct socket *socket, *listener, *other;
	struct file *file;
	int64_t result = 0;
	int error;

	file = socket_file(call, fd, &error);
	if (file == NULL)
		return error;
	socket = file->data;
	error = address_path(call, address, size, path);
	if (error != 0)
		return call_result(error);
	if (socket->state == SOCKET_CONNECTED)
		return -EISCONN;
	if (socket->state == SOCKET_LISTENING)
		return -EINVAL;
	file_reference(file);
	error = path_look_up(call, AT_FDCWD, path, 0, &vnode);
	if (error == 0) {
		error = vnode_access(call, vnode, 2, false); /* W_OK */
		listener = vnode->socket;
		if (error == 0 &&
			(VNODE_TYPE(vnode) != S_IFSOCK || listener == NULL || listener->state != SOCKET_LISTENING))
			error = -ECONNREFUSED;
		if (error == 0 && listener->pending_count > listener->backlog) {
			result = file->flags & O_NONBLOCK ? -EAGAIN : call_wait_for(call, &listener->queue);
		} else if (error == 0) {
			other = socket_create();
			error = other == NULL ? -ENOMEM : socket_join(socket, other);
			if (error == 0) {
				strcpy(socket->peer_path, listener->path);
				strcpy(other->path, listener->path);
				strcpy(other->peer_path, socket->path);
				set_peer(other, call->process);
				socket->peer_pid = listener->peer_pid;
				socket->peer_uid = listener->peer_uid;
				socket->peer_gid = listener->peer_gid;
				list_append(&listener->pending, &other->link);
				listener->pending_count++;
				wait_queue_wake(&listener->queue, POLLIN);
			} else {
				if (other != NULL)
					socket_free(other);
			}
		}
		vnode_release(vnode);
	}
	file_release(file);
	return error != 0 ? call_result(error) : result;
}

int64_t sys_accept4(uint64_t caller, int fd, uint64_t address, uint64_t size, unsigned flags)
{
	struct call *call = call_of(caller);
	struct socket *listener, *other;
	int error;
	struct file *file = socket_file(call, fd, &error);
	int64_t result;

	if (file == NULL)
		return error;
	listener = file->data;
	if ((flags & ~(unsigned)(SOCK_CLOEXEC | SOCK_NONBLOCK)) || listener->state != SOCKET_LISTENING)
		return -EINVAL;
	if (list_empty(&listener->pending))
		return file->flags & O_NONBLOCK ? -EAGAIN : call_wait_for(call, &listener->queue);
	other = list_entry(listener->pending.next, struct socket, link);
	result = put_address(call, address, size, other->peer_path);
	if (result != 0)
		return result;
	list_remove(&other->link);
	listener->pending_count--;
	wait_queue_wake(&listener->queue, 0);
	return socket_install(call, other, flags);
}

int64_t sys_accept(uint64_t caller, int fd, uint64_t address, uint64_t size)
{
	return sys_accept4(caller, fd, address, size, 0);
}

int64_t sys_getsockname(uint64_t caller, int fd, uint64_t address, uint64_t size)
{
	int error;
	struct file *file = socket_file(call_of(caller), fd, &error);

	return file == NULL ? error : put_address(call_of(caller), address, size, ((struct socket *)file->data)->path);
}

int64_t sys_getpeername(uint64_t caller, int fd, uint64_t address, uint64_t size)
{
	int error;
	struct file *file = socket_file(call_of(caller), fd, &error);
	struct socket *socket;

	if (file == NULL)
		return error;
	socket = file->data;
	return socket->state != SOCKET_CONNECTED ? -ENOTCONN
						 : put_address(call_of(caller), address, size, socket->peer_path);
}

/* --- Options. */

int64_t sys_setsockopt(uint64_t caller, int fd, int level, int option, uint64_t value, int size)
{
	int error;

	(void)value;
	if (socket_file(call_of(caller), fd, &error) == NULL)
		return error;
	if (level != SOL_SOCKET)
		return -EOPNOTSUPP;
	if (size < (int)sizeof(int))
		return -EINVAL;
	switch (option) {
	case SO_REUSEADDR: /* of no meaning for these sockets, and harmless */
	case SO_KEEPALIVE:
	case SO_SNDBUF:
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
	struct {
		int pid;
		uint32_t uid, gid;
	} peer;
	const void *from = &number;
	int full = sizeof number;

	if (file == NULL)
		return error;
	socket = file->data;
	if (level != SOL_SOCKET)
		return -EOPNOTSUPP;
	switch (option) {
	case SO_TYPE:
		number = SOCK_STREAM;
		break;
	case SO_DOMAIN:
		number = AF_UNIX;
		break;
	case SO_ACCEPTCONN:
		number = socket->state == SOCKET_LISTENING;
		break;
	case SO_ERROR:
	case SO_PROTOCOL:
	case SO_REUSEADDR:
	case SO_KEEPALIVE:
		break;
	case SO_SNDBUF:
	case SO_RCVBUF:
		number = PIPE_SIZE_DEFAULT;
		break;
	case SO_PEERCRED:
		peer.pid = socket->peer_pid;
		peer.uid = socket->peer_pid != 0 ? socket->peer_uid : NOBODY;
		peer.gid = socket->peer_pid != 0 ? socket->peer_gid : NOBODY;
		from = &peer;
		full = sizeof peer;
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
	return call_result(error);
}
