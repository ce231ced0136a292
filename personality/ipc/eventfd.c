/* eventfd: a number that writes add to and reads take. */
#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>

#include "base/user.h"
#include "file/file.h"
#include "process/proc.h"
#include "unix_server.h"

#define MOST (UINT64_MAX - 1) /* eventfd(2) */

struct counter {
	uint64_t value;
	bool semaphore;          /* a read takes 1 */
	struct wait_queue queue; /* polls */
	struct wait_queue reading, writing;
};

/* Who is woken looks whether there is something for it; what it leaves is for the next. */
static void wake_readers(struct counter *counter)
{
	if (counter->value > 0)
		wait_queue_wake_one(&counter->reading);
}

static void wake_writers(struct counter *counter)
{
	if (counter->value < MOST)
		wait_queue_wake_one(&counter->writing);
}

static int64_t counter_read(struct file *file, struct io *io, uint64_t *offset)
{
	struct counter *counter = file->data;
	uint64_t taken = counter->semaphore && counter->value > 0 ? 1 : counter->value;
	int error;

	(void)offset;
	if (io->total < sizeof taken)
		return -EINVAL;
	call_take_choice(io->call);
	if (taken == 0)
		return file->flags & O_NONBLOCK ? -EAGAIN : call_wait_for(io->call, &counter->reading);
	error = io_copy_out(io, &taken, sizeof taken);
	if (error == 0) {
		counter->value -= taken;
		wait_queue_wake(&counter->queue, POLLOUT);
		wake_writers(counter);
	}
	wake_readers(counter);
	return error != 0 ? call_result(error) : (int64_t)sizeof taken;
}

static int64_t counter_write(struct file *file, struct io *io, uint64_t *offset)
{
	struct counter *counter = file->data;
	uint64_t more, done = io->done;
	int error;

	(void)offset;
	if (io->total < sizeof more)
		return -EINVAL;
	call_take_choice(io->call);
	error = io_copy_in(io, &more, sizeof more);
	if (error == 0 && more == UINT64_MAX)
		error = -EINVAL;
	if (error == 0 && more > MOST - counter->value) {
		io->done = done; /* nothing has been taken from the caller */
		return file->flags & O_NONBLOCK ? -EAGAIN : call_wait_for(io->call, &counter->writing);
	}
	if (error == 0) {
		counter->value += more;
		wait_queue_wake(&counter->queue, POLLIN);
		wake_readers(counter);
	}
	wake_writers(counter);
	return error != 0 ? call_result(error) : (int64_t)sizeof more;
}

static unsigned counter_poll(struct file *file)
{
	const struct counter *counter = file->data;

	return (counter->value > 0 ? POLLIN | POLLRDNORM : 0u) | (counter->value < MOST ? POLLOUT | POLLWRNORM : 0u);
}

static unsigned counter_queues(struct file *file, struct wait_queue *queues[2])
{
	queues[0] = &((struct counter *)file->data)->queue;
	return 1;
}

static void counter_release(struct file *file)
{
	struct counter *counter = file->data;

	wait_queue_destroy(&counter->queue);
	wait_queue_destroy(&counter->reading);
	wait_queue_destroy(&counter->writing);
	user_free(counter);
}

static const struct file_ops counter_ops = {
	.read = counter_read,
	.write = counter_write,
	.poll = counter_poll,
	.poll_queues = counter_queues,
	.release = counter_release,
};

int64_t sys_eventfd2(uint64_t caller, unsigned value, unsigned flags)
{
	struct counter *counter;

	if (flags & ~(unsigned)(EFD_SEMAPHORE | EFD_CLOEXEC | EFD_NONBLOCK))
		return -EINVAL;
	counter = user_alloc(user_now(), sizeof *counter);
	if (counter == NULL)
		return -ENOMEM;
	counter->value = value;
	counter->semaphore = (flags & EFD_SEMAPHORE) != 0;
	wait_queue_init(&counter->queue);
	wait_queue_init(&counter->reading);
	wait_queue_init(&counter->writing);
	return fd_install_anonymous(
		call_of(caller), &counter_ops, O_RDWR | (flags & EFD_NONBLOCK), counter, (flags & EFD_CLOEXEC) != 0);
}

int64_t sys_eventfd(uint64_t caller, unsigned value)
{
	return sys_eventfd2(caller, value, 0);
}
