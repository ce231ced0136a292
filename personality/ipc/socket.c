/* Sockets of AF_UNIX: their life, and as files. */
#include "ipc/socket.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/ioctl.h>

#include "base/user.h"
#include "file/file.h"
#include "ipc/inet.h"
#include "process/proc.h"
#include "vfs/vfs.h"

struct list sockets = LIST_INITIALIZER(sockets);

struct socket *socket_create(int type)
{
	struct socket *socket = user_alloc(user_now(), sizeof *socket);

	if (socket == NULL)
		return NULL;
	socket->type = type;
	socket->send_size = SOCKET_SEND_SIZE;
	socket->kept.receive_size = SOCKET_SEND_SIZE;
	socket->other = socket->owner = (struct sender){0, NOBODY, NOBODY};
	list_init(&socket->followers);
	list_init(&socket->follow);
	list_init(&socket->messages);
	list_init(&socket->pending);
	list_init(&socket->link);
	list_init(&socket->fly);
	list_append(&sockets, &socket->all);
	wait_queue_init(&socket->queue);
	wait_queue_init(&socket->arrival);
	wait_queue_init(&socket->room);
	return socket;
}

/* What it is has changed: all look again. */
static void changed(struct socket *socket, unsigned events)
{
	wait_queue_wake(&socket->queue, events);
	wait_queue_wake(&socket->arrival, events);
	wait_queue_wake(&socket->room, events);
}

void socket_follow(struct socket *socket, struct socket *peer)
{
	list_remove(&socket->follow);
	socket->peer = peer;
	if (peer != NULL)
		list_append(&peer->followers, &socket->follow);
}

static void shut_one(struct socket *socket, bool in, bool out)
{
	socket->in_shut |= in;
	socket->out_shut |= out;
	changed(socket, (in ? POLLIN | POLLRDHUP : 0u) | POLLOUT | POLLHUP);
}

void socket_shut(struct socket *socket, bool in, bool out)
{
	shut_one(socket, in, out);
	if (socket_has_connections(socket) && socket->peer != NULL)
		shut_one(socket->peer, out, in);
}

/* Those whose peer it is have none any more. */
static void leave_followers(struct socket *socket, bool unread)
{
	while (!list_empty(&socket->followers)) {
		struct socket *one = list_entry(socket->followers.next, struct socket, follow);

		one->peer_name = socket->name;
		socket_follow(one, NULL);
		if (socket_has_connections(one)) {
			if (unread)
				one->error = ECONNRESET;
			shut_one(one, true, true);
		} else {
			one->refused = true;
			changed(one, POLLOUT);
		}
	}
}

void socket_free(struct socket *socket)
{
	bool unread = !list_empty(&socket->messages) || socket->file == NULL;

	while (!list_empty(&socket->pending)) {
		struct socket *one = list_entry(socket->pending.next, struct socket, link);

		list_remove(&one->link);
		socket_free(one);
	}
	leave_followers(socket, unread);
	socket_follow(socket, NULL);
	list_remove(&socket->all);
	socket_name_end(socket);
	wait_queue_destroy(&socket->queue);
	wait_queue_destroy(&socket->arrival);
	wait_queue_destroy(&socket->room);
	socket_empty(socket);
	user_free(socket);
}

/* --- As files. */

static int64_t receive(struct file *file, struct io *io, uint64_t *offset)
{
	struct socket *socket = file->data;
	struct received received;
	int64_t result;

	(void)offset;
	if (io->total == 0)
		return 0;
	result = socket_receive(socket, io, 0, (file->flags & O_NONBLOCK) != 0, &received);
	if (result >= 0)
		socket_take(socket, &received);
	return result;
}

static int64_t send_all(struct file *file, struct io *io, uint64_t *offset)
{
	(void)offset;
	return socket_send(file->data, io, &(struct sending){.no_wait = (file->flags & O_NONBLOCK) != 0});
}

static unsigned socket_poll(struct file *file)
{
	struct socket *socket = file->data;
	unsigned ready = socket->error != 0 ? POLLERR : 0;

	if (socket->in_shut && socket->out_shut)
		ready |= POLLHUP;
	if (socket->in_shut)
		ready |= POLLRDHUP | POLLIN | POLLRDNORM;
	if (!list_empty(&socket->messages) || !list_empty(&socket->pending))
		ready |= POLLIN | POLLRDNORM;
	if (socket_has_connections(socket) && socket->state == SOCKET_NEW)
		ready |= POLLHUP;
	if (socket_is_writable(socket))
		ready |= POLLOUT | POLLWRNORM | POLLWRBAND;
	return ready;
}

static unsigned socket_queues(struct file *file, struct wait_queue *queues[2])
{
	struct socket *socket = file->data;

	queues[0] = &socket->queue;
	if (socket->peer == NULL)
		return 1;
	queues[1] = &socket->peer->room;
	return 2;
}

static int64_t socket_ioctl(struct call *call, struct file *file, uint64_t request, uint64_t argument)
{
	struct socket *socket = file->data;
	int count;

	if (request == FIONREAD) {
		if (socket->state == SOCKET_LISTENING)
			return -EINVAL;
		count = (int)socket_readable(socket);
	} else if (request == TIOCOUTQ) {
		count = socket->peer != NULL ? (int)socket->peer->queued : 0;
	} else {
		return inet_ioctl_interfaces(call, request, argument);
	}
	return call_result(copy_out(call, argument, &count, sizeof count));
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
	.relays = RELAY_FROM | RELAY_TO,
	.closed = rights_closed,
	.release = socket_release,
};

int64_t socket_install(struct call *call, struct socket *socket, unsigned flags)
{
	struct file *file = file_create(&socket_ops, O_RDWR | (flags & SOCK_NONBLOCK ? O_NONBLOCK : 0u), NULL, socket);

	if (file == NULL) {
		socket_free(socket);
		return -ENOMEM;
	}
	file->inode = anonymous_inode();
	file->kind = "socket";
	socket->file = file;
	return fd_install(call, file, (flags & SOCK_CLOEXEC) != 0);
}

struct socket *socket_of(const struct file *file)
{
	return file->ops == &socket_ops ? file->data : NULL;
}

struct file *socket_file(struct call *call, int fd, int *error)
{
	struct file *file = fd_file(call, fd);

	*error = file == NULL ? -EBADF : file->ops != &socket_ops && file->ops->socket == NULL ? -ENOTSOCK : 0;
	return *error == 0 ? file : NULL;
}
