/* Stream sockets of AF_UNIX: two pipes between two ends. Other families are not there: EAFNOSUPPORT. */
#include "ipc/socket.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/ioctl.h>

#include "base/user.h"
#include "file/file.h"
#include "ipc/pipe.h"
#include "process/proc.h"
#include "vfs/vfs.h"

struct socket *socket_create(void)
{
	struct socket *socket = user_alloc(user_now(), sizeof *socket);

	if (socket == NULL)
		return NULL;
	list_init(&socket->pending);
	list_init(&socket->link);
	wait_queue_init(&socket->queue);
	return socket;
}

void socket_close_in(struct socket *socket)
{
	if (socket->in_open && !pipe_drop_end(socket->in, false))
		pipe_free(socket->in);
	socket->in_open = false;
}

void socket_close_out(struct socket *socket)
{
	if (socket->out_open && !pipe_drop_end(socket->out, true))
		pipe_free(socket->out);
	socket->out_open = false;
}

void socket_free(struct socket *socket)
{
	struct vnode *vnode = socket->vnode;

	while (!list_empty(&socket->pending)) {
		struct socket *one = list_entry(socket->pending.next, struct socket, link);

		list_remove(&one->link);
		socket_free(one);
	}
	socket_close_in(socket);
	socket_close_out(socket);
	wait_queue_destroy(&socket->queue);
	if (vnode != NULL && vnode->socket == socket)
		vnode->socket = NULL;
	user_free(socket);
	vnode_release(vnode);
}

int socket_join(struct socket *a, struct socket *b)
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

int64_t socket_send(struct file *file, struct io *io, bool quiet, bool no_wait)
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
	return socket_send(file, io, false, (file->flags & O_NONBLOCK) != 0);
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
	.relays = RELAY_FROM | RELAY_TO,
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
	return fd_install(call, file, (flags & SOCK_CLOEXEC) != 0);
}

struct file *socket_file(struct call *call, int fd, int *error)
{
	struct file *file = fd_file(call, fd);

	*error = file == NULL ? -EBADF : file->ops != &socket_ops ? -ENOTSOCK : 0;
	return *error == 0 ? file : NULL;
}
