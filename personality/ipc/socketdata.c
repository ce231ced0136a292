/* Calls that send and receive through sockets. */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>

#include "file/file.h"
#include "ipc/pipe.h"
#include "ipc/socket.h"
#include "process/proc.h"
#include "unix_server.h"

static int64_t socket_transfer(struct call *call, int fd, struct io *io, unsigned flags, bool out)
{
	int error;
	struct file *file = socket_file(call, fd, &error);
	bool no_wait;
	int64_t result;

	if (file == NULL)
		return error;
	if (flags & ~(unsigned)(MSG_DONTWAIT | MSG_NOSIGNAL | MSG_WAITALL | MSG_CMSG_CLOEXEC | MSG_MORE | MSG_PEEK))
		return -EOPNOTSUPP;
	no_wait = (flags & MSG_DONTWAIT) || (file->flags & O_NONBLOCK);
	io->done = call->progress;
	if (out) {
		result = socket_send(file, io, (flags & MSG_NOSIGNAL) != 0, no_wait);
	} else {
		struct socket *socket = file->data;

		if (socket->state != SOCKET_CONNECTED)
			return -EINVAL;
		if (!socket->in_open)
			result = 0;
		else
			result = flags & MSG_PEEK ? pipe_peek(socket->in, io, no_wait)
						  : pipe_read(socket->in, io, no_wait);
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

/* Checks a message's segments and moves the bytes. */
static int64_t transfer_segments(
	struct call *call, int fd, struct io_segment *segment, uint64_t count, unsigned flags, bool out)
{
	struct io io = {.call = call, .segment = segment, .segments = (unsigned)count};
	uint64_t i;

	for (i = 0; i < count; i++) {
		if (segment[i].size > IO_MAX - io.total)
			return -EINVAL;
		if (segment[i].address > VM_MAX_ADDRESS || segment[i].size > VM_MAX_ADDRESS - segment[i].address)
			return -EFAULT;
		io.total += segment[i].size;
	}
	return socket_transfer(call, fd, &io, flags, out);
}

/* No control data is carried: what is sent with it fails, what is received has none. */
static int64_t transfer_message(struct call *call, int fd, uint64_t address, unsigned flags, bool out)
{
	struct io_segment few[16], *segment = few;
	struct msghdr message;
	int64_t result;
	int error;

	if (socket_file(call, fd, &error) == NULL)
		return error;
	error = copy_in(call, &message, address, sizeof message);
	if (error == 0 && message.msg_iovlen > IO_SEGMENTS_MAX)
		return -EMSGSIZE;
	if (error == 0 && out && message.msg_controllen != 0)
		return -EOPNOTSUPP;
	if (error == 0 && message.msg_iovlen > sizeof few / sizeof few[0]) {
		segment = calloc(message.msg_iovlen, sizeof *segment);
		if (segment == NULL)
			return -ENOMEM;
	}
	if (error == 0)
		error = copy_in(
			call, segment, (uint64_t)(uintptr_t)message.msg_iov, message.msg_iovlen * sizeof segment[0]);
	if (error == 0 && !out) {
		message.msg_namelen = 0;
		message.msg_controllen = 0;
		message.msg_flags = 0;
		error = copy_out(call, address, &message, sizeof message);
	}
	result = error != 0 ? call_result(error) : transfer_segments(call, fd, segment, message.msg_iovlen, flags, out);
	if (segment != few)
		free(segment);
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
		socket_close_in(socket);
	if (how != SHUT_RD)
		socket_close_out(socket);
	return 0;
}
