/* timerfd: a timer whose ends are counted and read. */
#include <fcntl.h>
#include <poll.h>
#include <sys/timerfd.h>
#include <time.h>

#include "base/user.h"
#include "file/file.h"
#include "process/proc.h"
#include "unix_server.h"

#define SECOND 1000000000ull

struct clock_timer {
	int clock;
	struct timer timer;
	uint64_t interval; /* ns; 0: it ends once */
	uint64_t ended;    /* times since the last read or setting */
	uint64_t due;      /* when it ends next, if it is not set before somebody looks: see catch_up; else 0 */
	struct wait_queue queue, reading;
};

static void fired(struct timer *at)
{
	struct clock_timer *timer = list_entry(at, struct clock_timer, timer);

	timer->ended++;
	if (timer->interval != 0)
		timer->due = at->deadline + timer->interval;
	wait_queue_wake(&timer->queue, POLLIN);
	wait_queue_wake_one(&timer->reading);
}

/* One that has ended goes on when somebody looks: until then its ends are not counted one by one, which costs time. */
static void catch_up(struct clock_timer *timer)
{
	uint64_t now = clock_monotonic(), missed;

	if (timer->due == 0)
		return;
	if (timer->due <= now) {
		timer->due = timer_next(timer->due, timer->interval, now, &missed);
		timer->ended += 1 + missed;
	}
	if (timer_set(&timer->timer, timer->due))
		timer->due = 0;
}

static int64_t timer_read(struct file *file, struct io *io, uint64_t *offset)
{
	struct clock_timer *timer = file->data;
	int error;

	(void)offset;
	if (io->total < sizeof timer->ended)
		return -EINVAL;
	call_take_choice(io->call);
	if (timer->ended == 0)
		return file->flags & O_NONBLOCK ? -EAGAIN : call_wait_for(io->call, &timer->reading);
	catch_up(timer);
	error = io_copy_out(io, &timer->ended, sizeof timer->ended);
	if (error != 0) {
		wait_queue_wake_one(&timer->reading);
		return call_result(error);
	}
	timer->ended = 0;
	return sizeof timer->ended;
}

static unsigned timer_poll(struct file *file)
{
	return ((struct clock_timer *)file->data)->ended != 0 ? POLLIN | POLLRDNORM : 0u;
}

static unsigned timer_queues(struct file *file, struct wait_queue *queues[2])
{
	queues[0] = &((struct clock_timer *)file->data)->queue;
	return 1;
}

static void timer_release(struct file *file)
{
	struct clock_timer *timer = file->data;

	timer_cancel(&timer->timer);
	wait_queue_destroy(&timer->queue);
	wait_queue_destroy(&timer->reading);
	user_free(timer);
}

static const struct file_ops timer_ops = {
	.read = timer_read,
	.poll = timer_poll,
	.poll_queues = timer_queues,
	.release = timer_release,
};

int64_t sys_timerfd_create(uint64_t caller, int clock, unsigned flags)
{
	struct clock_timer *timer;

	if (flags & ~(unsigned)(TFD_CLOEXEC | TFD_NONBLOCK))
		return -EINVAL;
	if (clock != CLOCK_REALTIME && clock != CLOCK_MONOTONIC && clock != CLOCK_BOOTTIME)
		return -EINVAL;
	timer = user_alloc(user_now(), sizeof *timer);
	if (timer == NULL)
		return -ENOMEM;
	timer->clock = clock;
	timer->timer.fire = fired;
	wait_queue_init(&timer->queue);
	wait_queue_init(&timer->reading);
	return fd_install_anonymous(
		call_of(caller), &timer_ops, O_RDWR | (flags & TFD_NONBLOCK), timer, (flags & TFD_CLOEXEC) != 0);
}

static struct clock_timer *timer_of(struct call *call, int fd, int *error)
{
	const struct file *file = fd_file(call, fd);

	*error = file == NULL ? -EBADF : file->ops != &timer_ops ? -EINVAL : 0;
	return *error == 0 ? file->data : NULL;
}

static void current(struct clock_timer *timer, struct itimerspec *value)
{
	uint64_t now = clock_monotonic(), left = 0;

	catch_up(timer);
	if (timer->timer.index != 0)
		left = timer->timer.deadline > now ? timer->timer.deadline - now : 1;
	value->it_value = (struct timespec){(time_t)(left / SECOND), (long)(left % SECOND)};
	value->it_interval = (struct timespec){(time_t)(timer->interval / SECOND), (long)(timer->interval % SECOND)};
}

int64_t sys_timerfd_gettime(uint64_t caller, int fd, uint64_t address)
{
	struct itimerspec value;
	int error;
	struct clock_timer *timer = timer_of(call_of(caller), fd, &error);

	if (timer == NULL)
		return error;
	current(timer, &value);
	return call_result(copy_out(call_of(caller), address, &value, sizeof value));
}

static bool valid(const struct timespec *time)
{
	return time->tv_sec >= 0 && time->tv_sec <= 1ll << 32 && time->tv_nsec >= 0 && (uint64_t)time->tv_nsec < SECOND;
}

int64_t sys_timerfd_settime(uint64_t caller, int fd, unsigned flags, uint64_t address, uint64_t old)
{
	struct call *call = call_of(caller);
	struct itimerspec value, before;
	uint64_t first, now;
	int error;
	struct clock_timer *timer = timer_of(call, fd, &error);

	if (flags & ~(unsigned)(TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET))
		return -EINVAL;
	if (timer == NULL)
		return error;
	error = copy_in(call, &value, address, sizeof value);
	if (error != 0)
		return call_result(error);
	if (!valid(&value.it_value) || !valid(&value.it_interval))
		return -EINVAL;
	current(timer, &before);
	error = old != 0 ? copy_out(call, old, &before, sizeof before) : 0;
	if (error != 0)
		return call_result(error);
	timer_cancel(&timer->timer);
	timer->ended = timer->due = 0;
	timer->interval = (uint64_t)value.it_interval.tv_sec * SECOND + (uint64_t)value.it_interval.tv_nsec;
	first = (uint64_t)value.it_value.tv_sec * SECOND + (uint64_t)value.it_value.tv_nsec;
	if (first == 0)
		return 0;
	now = clock_monotonic();
	if (flags & TFD_TIMER_ABSTIME && timer->clock == CLOCK_REALTIME)
		first = first > clock_realtime() ? now + (first - clock_realtime()) : now;
	else if (!(flags & TFD_TIMER_ABSTIME))
		first += now;
	return timer_set(&timer->timer, first) ? 0 : -ENOMEM;
}
