/* Stream sockets of AF_UNIX: two pipes between two ends. Other families are not there: EAFNOSUPPORT. */
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/un.h>

#include "file.h"
#include "pipe.h"
#include "proc.h"
#include "unix_server.h"
#include "vfs.h"

/*
 * States: NEW, after socket; BOUND, has a name (vnode->socket points to it); LISTENING, takes connections; CONNECTED,
 * has an end of each of two pipes. A connection that has not been accepted yet is a CONNECTED socket on the listener's
 * list.
 */
enum socket_state { SOCKET_NEW, SOCKET_BOUND, SOCKET_LISTENING, SOCKET_CONNECTED };

struct socket {
	enum socket_state state;
	struct vnode *vnode; /* of the name: a reference */
	char path[sizeof((struct sockaddr_un *)0)->sun_path + 1];
	char peer_path[sizeof((struct sockaddr_un *)0)->sun_path + 1];
	struct pipe *in, *out;
	bool in_open, out_open;
	unsigned backlog, pending_count;
	struct list pending; /* of a listener: sockets, by link */
	struct list link;
	struct wait_queue queue; /* of a listener */
	int peer_pid;
	uint32_t peer_uid, peer_gid;
};

static const struct file_ops socket_ops;

static struct socket *socket_create(void)
{
	struct socket *socket = calloc(1, sizeof *socket);

	if (socket == NULL)
		return NULL;
	list_init(&socket->pending);
	list_init(&socket->link);
	wait_queue_init(&socket->queue);
	return socket;
}

static void close_in(struct socket *socket)
{
	if (socket->in_open && !pipe_drop_end(socket->in, false))
		pipe_free(socket->in);
	socket->in_open = false;
}

static void close_out(struct socket *socket)
{
	if (socket->out_open && !pipe_drop_end(socket->out, true))
		pipe_free(socket->out);
	socket->out_open = false;
}

static void socket_free(struct socket *socket)
{
	struct vnode *vnode = socket->vnode;

	while (!list_empty(&socket->pending)) {
		struct socket *one = list_entry(socket->pending.next, struct socket, link);

		list_remove(&one->link);
		socket_free(one);
	}
	close_in(socket);
	close_out(socket);
	wait_queue_destroy(&socket->queue);
	if (vnode != NULL && vnode->socket == socket)
		vnode->socket = NULL;
	free(socket);
	vnode_release(vnode);
}

static int socket_join(struct socket *a, struct socket *b)
{
	struct pipe *there = pipe_create(), *back = pipe_create();

	if (there == NULL || back == NULL) {
		if (there != NULL)
			pipe_free(there);
		if (back != NULL)
			pipe_free(back);
		return -ENOMEM;
	}
	pipe_add_end(there, true);
	pipe_add_end(there, false);
	pipe_add_end(back, true);
	pipe_add_end(back, false);
	a->out = b->in = there;
	a->in = b->out = back;
	a->in_open = a->out_open = b->in_open = b->out_open = true;
	a->state = b->state = SOCKET_CONNECTED;
	return 0;
}

/* --- As files. */

static int64_t receive(struct file *file, struct io *io, uint64_t *offset)
{
	struct socket *socket = file->data;

	(void)offset;
	if (socket->state != SOCKET_CONNECTED)
		return -EINVAL;
	if (!socket->in_open)
		return 0;
	return pipe_read(socket->in, io, (file->flags & O_NONBLOCK) != 0);
}

static int64_t send_quiet(struct file *file, struct io *io, bool quiet, bool no_wait)
{
	struct socket *socket = file->data;

	if (socket->state != SOCKET_CONNECTED)
		return -ENOTCONN;
	if (!socket->out_open)
		return -EPIPE;
	return pipe_write(socket->out, io, no_wait, quiet);
}

static int64_t send_all(struct file *file, struct io *io, uint64_t *offset)
{
	(void)offset;
	return send_quiet(file, io, false, (file->flags & O_NONBLOCK) != 0);
}

static unsigned socket_poll(struct file *file)
{
	struct socket *socket = file->data;
	unsigned ready = 0;

	if (socket->state == SOCKET_LISTENING)
		return list_empty(&socket->pending) ? 0u : POLLIN | POLLRDNORM;
	if (socket->state != SOCKET_CONNECTED)
		return POLLOUT | POLLHUP;
	if (socket->in_open) {
		ready |= pipe_poll_read(socket->in);
		/* Half closed by the other side: readable, at its end. */
		if (ready & POLLHUP)
			ready = (ready & ~(unsigned)POLLHUP) | POLLIN | POLLRDHUP;
	} else {
		ready |= POLLIN | POLLRDHUP;
	}
	if (socket->out_open)
		ready |= pipe_poll_write(socket->out);
	if ((ready & POLLRDHUP) && (ready & POLLERR))
		ready |= POLLHUP;
	return ready & ~(unsigned)POLLERR;
}

static unsigned socket_queues(struct file *file, struct wait_queue *queues[2])
{
	struct socket *socket = file->data;
	unsigned count = 0;

	if (socket->state == SOCKET_CONNECTED) {
		if (socket->in_open)
			queues[count++] = pipe_queue(socket->in);
		if (socket->out_open)
			queues[count++] = pipe_queue(socket->out);
		return count;
	}
	queues[0] = &socket->queue;
	return 1;
}

static int64_t socket_ioctl(struct call *call, struct file *file, uint64_t request, uint64_t argument)
{
	struct socket *socket = file->data;
	int count = socket->in_open ? (int)pipe_used(socket->in) : 0;

	return request == FIONREAD ? call_result(copy_out(call, argument, &count, sizeof count)) : -ENOTTY;
}

static void socket_release(struct file *file)
{
	socket_free(file->data);
}

static const struct file_ops socket_ops = {
	.read = receive,
	.write = send_all,
	.poll = socket_poll,
	.poll_queues = socket_queues,
	.ioctl = socket_ioctl,
	.release = socket_release,
};

static int64_t install(struct call *call, struct socket *socket, unsigned flags)
{
	struct file *file = file_create(&socket_ops, O_RDWR | (flags & SOCK_NONBLOCK ? O_NONBLOCK : 0u), NULL, socket);

	if (file == NULL) {
		socket_free(socket);
		return -ENOMEM;
	}
	file->inode = anonymous_inode();
	file->kind = "socket";
	return fd_install(call, file, (flags & SOCK_CLOEXEC) != 0);
}

static struct file *socket_file(struct call *call, int fd, int *error)
{
	struct file *file = fd_file(call, fd);

	*error = file == NULL ? -EBADF : file->ops != &socket_ops ? -ENOTSOCK : 0;
	return *error == 0 ? file : NULL;
}

static int check_kind(int domain, unsigned kind, int protocol)
{
	unsigned type = kind & ~(unsigned)(SOCK_CLOEXEC | SOCK_NONBLOCK);

	if (domain != AF_UNIX)
		return -EAFNOSUPPORT;
	if (protocol != 0 && protocol != AF_UNIX)
		return -EPROTONOSUPPORT;
	return type == SOCK_STREAM || type == SOCK_DGRAM || type == SOCK_SEQPACKET ? 0 : -ESOCKTNOSUPPORT;
}

int64_t sys_socket(uint64_t caller, int domain, unsigned kind, int protocol)
{
	struct socket *socket;
	int error = check_kind(domain, kind, protocol);

	if (error != 0)
		return error;
	socket = socket_create();
	return socket == NULL ? -ENOMEM : install(call_of(caller), socket, kind);
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
	fd[0] = install(call, a, kind);
	if (fd[0] < 0) {
		socket_free(b);
		return fd[0];
	}
	fd[1] = install(call, b, kind);
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
				other->peer_pid = call->process->id;
				other->peer_uid = call->process->credentials.euid;
				other->peer_gid = call->process->credentials.egid;
				list_append(&listener->pending, &other->link);
				listener->pending_count++;
				wait_queue_wake(&listener->queue, POLLIN);
			} else {
				free(other);
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
	return install(call, other, flags);
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

/* --- Data. */

static int64_t socket_transfer(struct call *call, int fd, struct io *io, unsigned flags, bool out)
{
	int error;
	struct file *file = socket_file(call, fd, &error);
	bool no_wait;
	int64_t result;

	if (file == NULL)
		return error;
	if (flags & ~(unsigned)(MSG_DONTWAIT | MSG_NOSIGNAL | MSG_WAITALL | MSG_CMSG_CLOEXEC | MSG_MORE))
		return -EOPNOTSUPP;
	no_wait = (flags & MSG_DONTWAIT) || (file->flags & O_NONBLOCK);
	io->done = call->progress;
	if (out) {
		result = send_quiet(file, io, (flags & MSG_NOSIGNAL) != 0, no_wait);
	} else {
		struct socket *socket = file->data;

		if (socket->state != SOCKET_CONNECTED)
			return -ENOTCONN;
		result = !socket->in_open ? 0 : pipe_read(socket->in, io, no_wait);
	}
	if (result == CALL_RESTART)
		call->progress = io->done;
	return result;
}

static int64_t transfer_flat(struct call *call, int fd, uint64_t address, uint64_t size, unsigned flags, bool out)
{
	struct io_segment segment = {address, size < IO_MAX ? size : IO_MAX};
	struct io io = {.call = call, .segment = &segment, .segments = 1, .total = segment.size};

	if (address > VM_MAX_ADDRESS || segment.size > VM_MAX_ADDRESS - address)
		return -EFAULT;
	return socket_transfer(call, fd, &io, flags, out);
}

int64_t sys_sendto(
	uint64_t caller, int fd, uint64_t data, uint64_t size, unsigned flags, uint64_t address, int address_size)
{
	(void)address;
	return address_size > 0 ? -EISCONN : transfer_flat(call_of(caller), fd, data, size, flags, true);
}

int64_t sys_recvfrom(
	uint64_t caller, int fd, uint64_t data, uint64_t size, unsigned flags, uint64_t address, uint64_t address_size)
{
	struct call *call = call_of(caller);
	int zero = 0;

	if (address != 0 && address_size != 0) {
		int error = copy_out(call, address_size, &zero, sizeof zero);

		if (error != 0)
			return call_result(error);
	}
	return transfer_flat(call, fd, data, size, flags, false);
}

/* A message's segments. No control data is carried: what is sent with it fails, what is received has none. */
static int64_t transfer_message(struct call *call, int fd, uint64_t address, unsigned flags, bool out)
{
	struct io_segment segment[16];
	struct io io = {.call = call, .segment = segment};
	struct msghdr message;
	unsigned i;
	int64_t result;
	int error = copy_in(call, &message, address, sizeof message);

	if (error == 0 && message.msg_iovlen > 16)
		return -EMSGSIZE;
	if (error == 0 && out && message.msg_controllen != 0)
		return -EOPNOTSUPP;
	if (error == 0)
		error = copy_in(
			call, segment, (uint64_t)(uintptr_t)message.msg_iov, message.msg_iovlen * sizeof segment[0]);
	if (error != 0)
		return call_result(error);
	for (i = 0; i < message.msg_iovlen; i++) {
		if (segment[i].size > IO_MAX - io.total)
			return -EINVAL;
		if (segment[i].address > VM_MAX_ADDRESS || segment[i].size > VM_MAX_ADDRESS - segment[i].address)
			return -EFAULT;
		io.total += segment[i].size;
	}
	io.segments = (unsigned)message.msg_iovlen;
	if (!out) {
		message.msg_namelen = 0;
		message.msg_controllen = 0;
		message.msg_flags = 0;
		error = copy_out(call, address, &message, sizeof message);
		if (error != 0)
			return call_result(error);
	}
	result = socket_transfer(call, fd, &io, flags, out);
	return result;
}

int64_t sys_sendmsg(uint64_t caller, int fd, uint64_t message, unsigned flags)
{
	return transfer_message(call_of(caller), fd, message, flags, true);
}

int64_t sys_recvmsg(uint64_t caller, int fd, uint64_t message, unsigned flags)
{
	return transfer_message(call_of(caller), fd, message, flags, false);
}

int64_t sys_shutdown(uint64_t caller, int fd, int how)
{
	int error;
	struct file *file = socket_file(call_of(caller), fd, &error);
	struct socket *socket;

	if (file == NULL)
		return error;
	socket = file->data;
	if (how < SHUT_RD || how > SHUT_RDWR)
		return -EINVAL;
	if (socket->state != SOCKET_CONNECTED)
		return -ENOTCONN;
	if (how != SHUT_WR)
		close_in(socket);
	if (how != SHUT_RD)
		close_out(socket);
	return 0;
}

int64_t sys_setsockopt(uint64_t caller, int fd, int level, int option, uint64_t value, int size)
{
	int error;

	(void)value;
	if (socket_file(call_of(caller), fd, &error) == NULL)
		return error;
	if (level != SOL_SOCKET || size < (int)sizeof(int))
		return -ENOPROTOOPT;
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
		return -ENOPROTOOPT;
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
	case SO_REUSEADDR:
	case SO_KEEPALIVE:
		break;
	case SO_PEERCRED:
		peer.pid = socket->peer_pid;
		peer.uid = socket->peer_uid;
		peer.gid = socket->peer_gid;
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
