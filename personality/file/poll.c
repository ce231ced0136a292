/* poll, ppoll, select, pselect6. */
#include "file/poll.h"

#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/select.h>
#include <sys/time.h>
#include <time.h>

#include "file/file.h"
#include "process/proc.h"
#include "unix_server.h"

#define SELECT_READ  (POLLIN | POLLRDNORM | POLLRDBAND | POLLHUP | POLLERR)
#define SELECT_WRITE (POLLOUT | POLLWRNORM | POLLWRBAND | POLLERR)
#define SELECT_MAX   4096u
#define SECOND       1000000000ull

unsigned file_poll(struct file *file)
{
	if (file->ops->poll == NULL)
		return POLLIN | POLLOUT | POLLRDNORM | POLLWRNORM;
	return file->ops->poll(file);
}

int file_poll_wait(struct call *call, struct file *file)
{
	struct wait_queue *queues[2];
	unsigned count = file->ops->poll_queues == NULL ? 0 : file->ops->poll_queues(file, queues), i;
	int error = 0;

	for (i = 0; i < count && error == 0; i++)
		error = call_wait_on(call, queues[i]);
	return error;
}

/* A time from now; very long ones are none. */
static void deadline_in(struct call *call, uint64_t seconds, uint64_t nanoseconds)
{
	if (seconds > 1ull << 32)
		call_set_deadline(call, NO_DEADLINE);
	else
		call_set_deadline(call, clock_monotonic() + seconds * SECOND + nanoseconds);
}

int deadline_from_timespec(struct call *call, uint64_t address)
{
	struct timespec time;
	int error;

	if (address == 0)
		return 0;
	error = copy_in(call, &time, address, sizeof time);
	if (error != 0)
		return error;
	if (time.tv_sec < 0 || time.tv_nsec < 0 || time.tv_nsec >= (long)SECOND)
		return -EINVAL;
	if (time.tv_sec == 0 && time.tv_nsec == 0)
		call->timed_out = true;
	deadline_in(call, (uint64_t)time.tv_sec, (uint64_t)time.tv_nsec);
	return 0;
}

int temporary_mask(struct call *call, uint64_t address, uint64_t size)
{
	struct thread *thread = call->thread;
	uint64_t mask;
	int error;

	if (address == 0)
		return 0;
	if (size != sizeof mask)
		return -EINVAL;
	error = copy_in(call, &mask, address, sizeof mask);
	if (error != 0)
		return error;
	if (!thread->restore_mask) {
		thread->saved_mask = thread->blocked;
		thread->restore_mask = true;
	}
	thread->blocked = mask & ~(SIGNAL_BIT(SIGKILL) | SIGNAL_BIT(SIGSTOP));
	return 0;
}

static int64_t do_poll(struct call *call, uint64_t address, uint64_t count)
{
	struct pollfd few[16], *fds = few;
	int64_t ready = 0;
	uint64_t i;
	int error;

	if (count > fd_limit(call->process))
		return -EINVAL;
	if (count > 16) {
		fds = calloc(count, sizeof *fds);
		if (fds == NULL)
			return -ENOMEM;
	}
	error = copy_in(call, fds, address, count * sizeof *fds);
	for (i = 0; i < count && error == 0; i++) {
		struct file *file = fds[i].fd < 0 ? NULL : fd_file(call, fds[i].fd);

		fds[i].revents = 0;
		if (fds[i].fd >= 0)
			fds[i].revents =
				(short)(file == NULL ? POLLNVAL
						     : file_poll(file) & ((unsigned)(unsigned short)fds[i].events |
										 POLLERR | POLLHUP));
		ready += fds[i].revents != 0;
	}
	if (error == 0 && (ready > 0 || call->timed_out)) {
		error = copy_out(call, address, fds, count * sizeof *fds);
		if (error == 0) {
			if (fds != few)
				free(fds);
			return ready;
		}
	}
	for (i = 0; i < count && error == 0; i++) {
		struct file *file = fds[i].fd < 0 ? NULL : fd_file(call, fds[i].fd);

		if (file != NULL)
			error = file_poll_wait(call, file);
	}
	if (fds != few)
		free(fds);
	call->no_restart = true;
	return error != 0 ? call_result(error) : call_wait(call);
}

int64_t sys_poll(uint64_t caller, uint64_t address, uint64_t count, int timeout)
{
	struct call *call = call_of(caller);

	if (timeout == 0)
		call->timed_out = true;
	else if (timeout > 0)
		deadline_in(call, (uint64_t)timeout / 1000, (uint64_t)timeout % 1000 * 1000000);
	return do_poll(call, address, count);
}

int64_t sys_ppoll(uint64_t caller, uint64_t address, uint64_t count, uint64_t timeout, uint64_t mask, uint64_t set_size)
{
	struct call *call = call_of(caller);
	int error = deadline_from_timespec(call, timeout);

	if (error == 0)
		error = temporary_mask(call, mask, set_size);
	return error != 0 ? call_result(error) : do_poll(call, address, count);
}

/* The three sets of select, as many bits as asked for. */
struct selection {
	uint64_t in[3][SELECT_MAX / 64], out[3][SELECT_MAX / 64];
};

static unsigned wanted(const struct selection *selection, unsigned fd)
{
	uint64_t bit = 1ull << fd % 64;

	return (selection->in[0][fd / 64] & bit ? SELECT_READ : 0u) |
	       (selection->in[1][fd / 64] & bit ? SELECT_WRITE : 0u) | (selection->in[2][fd / 64] & bit ? POLLPRI : 0u);
}

static int64_t do_select(struct call *call, int count, const uint64_t sets[3])
{
	struct selection *selection;
	size_t bytes;
	int64_t ready = 0, result = 0;
	unsigned fd, i;
	int error = 0;

	if (count < 0)
		return -EINVAL;
	if ((unsigned)count > SELECT_MAX)
		count = SELECT_MAX;
	bytes = ((size_t)count + 63) / 64 * 8;
	selection = calloc(1, sizeof *selection);
	if (selection == NULL)
		return -ENOMEM;
	for (i = 0; i < 3 && error == 0; i++) {
		if (sets[i] != 0)
			error = copy_in(call, selection->in[i], sets[i], bytes);
	}
	for (fd = 0; fd < (unsigned)count && error == 0; fd++) {
		unsigned want = wanted(selection, fd), have;
		struct file *file;

		if (want == 0)
			continue;
		file = fd_file(call, (int)fd);
		if (file == NULL) {
			error = -EBADF;
			break;
		}
		have = file_poll(file);
		for (i = 0; i < 3; i++) {
			unsigned mask = i == 0 ? SELECT_READ : i == 1 ? SELECT_WRITE : POLLPRI;

			if ((selection->in[i][fd / 64] >> fd % 64 & 1) && (have & mask)) {
				selection->out[i][fd / 64] |= 1ull << fd % 64;
				ready++;
			}
		}
	}
	if (error == 0 && (ready > 0 || call->timed_out)) {
		for (i = 0; i < 3 && error == 0; i++) {
			if (sets[i] != 0)
				error = copy_out(call, sets[i], selection->out[i], bytes);
		}
		result = error != 0 ? call_result(error) : ready;
	} else {
		for (fd = 0; fd < (unsigned)count && error == 0; fd++) {
			if (wanted(selection, fd) != 0)
				error = file_poll_wait(call, fd_file(call, (int)fd));
		}
		call->no_restart = true;
		result = error != 0 ? call_result(error) : call_wait(call);
	}
	free(selection);
	return result;
}

int64_t sys_select(
	uint64_t caller, int count, uint64_t readable, uint64_t writable, uint64_t exceptional, uint64_t timeout)
{
	struct call *call = call_of(caller);
	const uint64_t sets[3] = {readable, writable, exceptional};
	struct timeval time;
	int error;

	if (timeout != 0) {
		error = copy_in(call, &time, timeout, sizeof time);
		if (error != 0)
			return call_result(error);
		if (time.tv_sec < 0 || time.tv_usec < 0)
			return -EINVAL;
		if (time.tv_sec == 0 && time.tv_usec == 0)
			call->timed_out = true;
		deadline_in(call, (uint64_t)time.tv_sec, (uint64_t)time.tv_usec * 1000);
	}
	return do_select(call, count, sets);
}

int64_t sys_pselect6(uint64_t caller, int count, uint64_t readable, uint64_t writable, uint64_t exceptional,
	uint64_t timeout, uint64_t mask_address)
{
	struct call *call = call_of(caller);
	const uint64_t sets[3] = {readable, writable, exceptional};
	uint64_t mask[2] = {0, 0};
	int error = deadline_from_timespec(call, timeout);

	if (error == 0 && mask_address != 0)
		error = copy_in(call, mask, mask_address, sizeof mask);
	if (error == 0)
		error = temporary_mask(call, mask[0], mask[1]);
	return error != 0 ? call_result(error) : do_select(call, count, sets);
}
