/* Options of sockets of AF_UNIX (socket(7), unix(7)), and what those of all families have of them. */
#include <string.h>
#include <sys/time.h>

#include "file/file.h"
#include "ipc/socket.h"
#include "unix_server.h"

/* SO_SNDBUF and SO_RCVBUF, as on Linux: twice what is asked for, within these. */
#define SEND_SIZE_LEAST    4608u
#define RECEIVE_SIZE_LEAST 2304u
#define SIZE_MOST          (2 * SOCKET_SEND_SIZE)
#define SECOND             1000000000ull

/* --- For all families. */

int64_t socket_wait(struct call *call, struct wait_queue *queue, uint64_t timeout, uint64_t done)
{
	if (timeout != 0) {
		if (call->timed_out)
			return done > 0 ? (int64_t)done : -EAGAIN;
		call_set_deadline(call, clock_monotonic() + timeout);
		call->no_restart = true;
	}
	return call_wait_for(call, queue);
}

int64_t socket_time_in(struct call *call, uint64_t *to, uint64_t value, int size)
{
	struct timeval time;
	int error;

	if (size < (int)sizeof time)
		return -EINVAL;
	error = copy_in(call, &time, value, sizeof time);
	if (error != 0)
		return call_result(error);
	if (time.tv_usec < 0 || time.tv_usec >= 1000000)
		return -EDOM;
	*to = time.tv_sec < 0 || time.tv_sec > INT32_MAX
		      ? 0
		      : (uint64_t)time.tv_sec * SECOND + (uint64_t)time.tv_usec * 1000;
	return 0;
}

struct timeval socket_time_out(uint64_t ns)
{
	return (struct timeval){(time_t)(ns / SECOND), (suseconds_t)(ns % SECOND / 1000)};
}

/* --- Of AF_UNIX. */

/* Those that are kept for who asks, and change nothing for these sockets: bits, or a number. */
static int *kept(struct socket *socket, int option)
{
	return option == SO_REUSEADDR   ? &socket->kept.reuse
	       : option == SO_KEEPALIVE ? &socket->kept.keep_alive
	       : option == SO_BROADCAST ? &socket->kept.broadcast
	       : option == SO_PRIORITY  ? &socket->kept.priority
					: NULL;
}

static uint64_t size_of(int value, unsigned least)
{
	unsigned twice = value < 0 || (unsigned)value > SIZE_MOST / 2 ? SIZE_MOST : 2 * (unsigned)value;

	return twice < least ? least : twice;
}

static int64_t set_number(struct socket *socket, int option, int number)
{
	int *keep = kept(socket, option);

	if (keep != NULL) {
		*keep = option == SO_PRIORITY ? number : number != 0;
		return 0;
	}
	switch (option) {
	case SO_PASSCRED:
		socket->pass_credentials = number != 0;
		return 0;
	case SO_SNDBUF:
		socket->send_size = size_of(number, SEND_SIZE_LEAST);
		return 0;
	case SO_RCVBUF: /* what waits counts for its sender's size */
		socket->kept.receive_size = (int)size_of(number, RECEIVE_SIZE_LEAST);
		return 0;
	default:
		return -ENOPROTOOPT;
	}
}

int64_t sys_setsockopt(uint64_t caller, int fd, int level, int option, uint64_t value, int size)
{
	struct call *call = call_of(caller);
	int error, number;
	struct file *file = socket_file(call, fd, &error);
	struct socket *socket;
	struct linger linger;

	if (file == NULL)
		return error;
	if (file->ops->socket != NULL)
		return SOCKET_CALL(file, set_option, call, file, level, option, value, size);
	if (level != SOL_SOCKET)
		return -EOPNOTSUPP;
	if (size < (int)sizeof(int))
		return -EINVAL;
	socket = file->data;
	if (option == SO_RCVTIMEO)
		return socket_time_in(call, &socket->receive_timeout, value, size);
	if (option == SO_SNDTIMEO)
		return socket_time_in(call, &socket->send_timeout, value, size);
	if (option == SO_LINGER) {
		error = size < (int)sizeof linger ? -EINVAL : copy_in(call, &linger, value, sizeof linger);
		if (error == 0)
			socket->kept.linger = (struct linger){linger.l_onoff != 0, linger.l_linger};
		return call_result(error);
	}
	error = copy_in(call, &number, value, sizeof number);
	return error != 0 ? call_result(error) : set_number(socket, option, number);
}

/* 0, -ENOPROTOOPT. */
static int get_number(struct socket *socket, int option, int *number)
{
	const int *keep = kept(socket, option);

	if (keep != NULL) {
		*number = *keep;
		return 0;
	}
	switch (option) {
	case SO_TYPE:
		*number = socket->type;
		return 0;
	case SO_DOMAIN:
		*number = AF_UNIX;
		return 0;
	case SO_PROTOCOL:
		*number = 0;
		return 0;
	case SO_ACCEPTCONN:
		*number = socket->state == SOCKET_LISTENING;
		return 0;
	case SO_PASSCRED:
		*number = socket->pass_credentials;
		return 0;
	case SO_ERROR:
		*number = socket->error;
		return 0;
	case SO_SNDBUF:
		*number = (int)socket->send_size;
		return 0;
	case SO_RCVBUF:
		*number = socket->kept.receive_size;
		return 0;
	case SO_RCVLOWAT:
	case SO_SNDLOWAT:
		*number = 1;
		return 0;
	default:
		return -ENOPROTOOPT;
	}
}

int64_t sys_getsockopt(uint64_t caller, int fd, int level, int option, uint64_t value, uint64_t size_address)
{
	struct call *call = call_of(caller);
	int size, error, number = 0, full = sizeof number;
	struct file *file = socket_file(call, fd, &error);
	struct socket *socket;
	struct timeval time;
	const void *from = &number;

	if (file == NULL)
		return error;
	if (file->ops->socket != NULL)
		return SOCKET_CALL(file, get_option, call, file, level, option, value, size_address);
	socket = file->data;
	if (level != SOL_SOCKET)
		return -EOPNOTSUPP;
	if (option == SO_PEERCRED) {
		from = &socket->other;
		full = sizeof socket->other;
	} else if (option == SO_LINGER) {
		from = &socket->kept.linger;
		full = sizeof socket->kept.linger;
	} else if (option == SO_RCVTIMEO || option == SO_SNDTIMEO) {
		time = socket_time_out(option == SO_RCVTIMEO ? socket->receive_timeout : socket->send_timeout);
		from = &time;
		full = sizeof time;
	} else {
		error = get_number(socket, option, &number);
	}
	if (error == 0)
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
