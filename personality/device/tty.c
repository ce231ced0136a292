/* Terminals as files: reading and writing with job control, polling, opening and closing. */
#include "device/tty.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>

#include "file/file.h"
#include "process/proc.h"

#define READ_CHUNK  512u
#define WRITE_CHUNK 512u
#define TENTH       100000000ull /* ns: the unit of VTIME */
/* Of a line that may be told to be silent (IXOFF): that much is left for what comes until it is; and when it goes on.
 */
#define THROTTLE_ROOM   (LDISC_SIZE / 4)
#define UNTHROTTLE_ROOM (LDISC_SIZE / 4 * 3)
#define HUNG_UP         (POLLIN | POLLOUT | POLLRDNORM | POLLWRNORM | POLLERR | POLLHUP)

static void line_put(void *context, uint8_t byte)
{
	struct tty *tty = context;

	tty->line->put(tty, byte);
}

static void line_signal(void *context, int signal)
{
	tty_signal(context, signal);
}

static void line_flush(void *context)
{
	struct tty *tty = context;

	if (tty->line->flush != NULL)
		tty->line->flush(tty);
}

static void line_flushed(void *context)
{
	struct tty *tty = context;

	if (tty->line->note != NULL)
		tty->line->note(tty, TIOCPKT_FLUSHREAD);
}

static const struct ldisc_line discipline = {
	.put = line_put, .signal = line_signal, .flush = line_flush, .flushed = line_flushed};

void tty_init(struct tty *tty, uint64_t device, const struct tty_settings *settings, const struct tty_line *line)
{
	memset(tty, 0, sizeof *tty);
	ldisc_init(&tty->ldisc, settings, &discipline, tty);
	tty->first = *settings;
	tty->line = line;
	tty->device = device;
	wait_queue_init(&tty->queue);
	tty_set_speeds(tty, tty->speed);
}

void tty_wake(struct tty *tty, unsigned events)
{
	wait_queue_wake(&tty->queue, events);
}

/* After the discipline has worked: who is at the line hears of it. */
static void settle(struct tty *tty, unsigned events)
{
	bool stopped = ldisc_is_stopped(&tty->ldisc);

	if (stopped != tty->noted_stop) {
		tty->noted_stop = stopped;
		if (tty->line->note != NULL)
			tty->line->note(tty, stopped ? TIOCPKT_STOP : TIOCPKT_START);
	}
	tty->line->wake(tty, events);
}

/* A line that minds it is told to be silent when there is little room left, and to go on when there is plenty. */
static void throttle(struct tty *tty)
{
	const struct tty_settings *settings = &tty->ldisc.settings;
	unsigned room = ldisc_room(&tty->ldisc);
	bool stop = room < THROTTLE_ROOM;

	if (tty->line->room != NULL || (stop ? !(settings->input & IXOFF) : !tty->throttled) ||
		stop == tty->throttled || (!stop && room < UNTHROTTLE_ROOM))
		return;
	tty->throttled = stop;
	tty->line->put(tty, settings->character[stop ? CHAR_STOP : CHAR_START]);
}

void tty_input(struct tty *tty, uint8_t byte)
{
	tty->last_input = clock_monotonic();
	ldisc_input(&tty->ldisc, byte);
}

void tty_received(struct tty *tty)
{
	throttle(tty);
	settle(tty, POLLIN);
	tty_wake(tty, POLLIN | POLLOUT);
}

bool tty_is_hung_up(const struct file *file)
{
	return file->mark != TTY_NEVER_HUNG_UP && file->mark != ((const struct tty *)file->data)->hang_ups;
}

/* --- Reading. */

/* Not lines, and this many bytes so far: whether they suffice (VMIN, VTIME), 0; or it waits, or has waited in vain. */
static int64_t raw_wait(struct call *call, struct tty *tty, uint64_t have, bool no_wait)
{
	const uint8_t *character = tty->ldisc.settings.character;
	unsigned least = character[CHAR_MIN], tenths = character[CHAR_TIME];

	if (have > 0 && (have >= least || no_wait))
		return 0;
	if (least == 0 && tenths == 0)
		return 0;
	if (no_wait)
		return -EAGAIN;
	if (call->timed_out && (least == 0 || have > 0))
		return 0;
	call->timed_out = false;
	if (tenths != 0 && (least == 0 || have > 0)) {
		if (least != 0) {
			/* Between bytes: the time begins anew with each. */
			call->has_deadline = false;
			call_set_deadline(call, tty->last_input + tenths * TENTH);
		} else {
			call_set_deadline(call, clock_monotonic() + tenths * TENTH);
		}
	}
	return call_wait_for(call, &tty->queue);
}

/* Bytes that are there, of one line at most. */
static int64_t take(struct tty *tty, struct io *io)
{
	uint8_t chunk[READ_CHUNK];
	bool last = false;
	int error = 0;

	while (error == 0 && !last && ldisc_ready(&tty->ldisc)) {
		uint64_t left = io->total - io->done;
		unsigned taken;
		unsigned got = ldisc_peek(
			&tty->ldisc, chunk, left < sizeof chunk ? (unsigned)left : READ_CHUNK, &taken, &last);

		if (taken == 0)
			break;
		error = got == 0 ? 0 : io_copy_out(io, chunk, got);
		if (error == 0)
			ldisc_take(&tty->ldisc, taken);
	}
	throttle(tty);
	settle(tty, POLLOUT);
	return error != 0 && io->done == 0 ? call_result(error) : (int64_t)io->done;
}

static int64_t tty_read(struct file *file, struct io *io, uint64_t *offset)
{
	struct tty *tty = file->data;
	struct call *call = io->call;
	bool no_wait = (file->flags & O_NONBLOCK) != 0;
	int64_t result;

	(void)offset;
	if (tty_is_hung_up(file))
		return (int64_t)io->done;
	result = tty_check_foreground(call, tty, SIGTTIN);
	if (result != 0 || io->total == 0)
		return result;
	if (ldisc_is_canonical(&tty->ldisc)) {
		if (!ldisc_ready(&tty->ldisc))
			return no_wait ? -EAGAIN : call_wait_for(call, &tty->queue);
		return take(tty, io);
	}
	/* What is there is taken also by who waits for more, and who is interrupted then has it. */
	result = take(tty, io);
	if (result < 0 || io->done == io->total)
		return result;
	result = raw_wait(call, tty, io->done, no_wait);
	return result != 0 ? result : (int64_t)io->done;
}

/* --- Writing. */

/* How many bytes of a program's would go to the line now. */
static unsigned output_room(const struct tty *tty)
{
	if (ldisc_is_stopped(&tty->ldisc))
		return 0;
	return tty->line->room == NULL ? WRITE_CHUNK : ldisc_output_room(&tty->ldisc, tty->line->room(tty));
}

static int64_t tty_write(struct file *file, struct io *io, uint64_t *offset)
{
	struct tty *tty = file->data;
	uint8_t chunk[WRITE_CHUNK];
	uint64_t before = io->done;
	int64_t result = 0;
	int error = 0;

	(void)offset;
	if (tty_is_hung_up(file))
		return io->done > 0 ? (int64_t)io->done : -EIO;
	if (tty->ldisc.settings.local & TOSTOP)
		result = tty_check_foreground(io->call, tty, SIGTTOU);
	if (result != 0)
		return result;
	while (error == 0 && io->done < io->total) {
		uint64_t part = io->total - io->done, room = output_room(tty), i;

		if (part > room)
			part = room;
		if (part > sizeof chunk)
			part = sizeof chunk;
		if (part == 0)
			break;
		error = io_copy_in(io, chunk, part);
		for (i = 0; i < part && error == 0; i++)
			ldisc_output(&tty->ldisc, chunk[i]);
	}
	if (io->done > before)
		tty->line->wake(tty, POLLIN);
	if (error != 0)
		return io->done > 0 && error != CALL_ERROR_RESTART ? (int64_t)io->done : call_result(error);
	if (io->done == io->total || (io->done > 0 && file->flags & O_NONBLOCK))
		return (int64_t)io->done;
	return file->flags & O_NONBLOCK ? -EAGAIN : call_wait_for(io->call, &tty->queue);
}

static unsigned tty_poll(struct file *file)
{
	struct tty *tty = file->data;
	const uint8_t *character = tty->ldisc.settings.character;
	bool readable = ldisc_ready(&tty->ldisc);

	if (tty_is_hung_up(file))
		return HUNG_UP;
	if (!ldisc_is_canonical(&tty->ldisc) && character[CHAR_TIME] == 0 && character[CHAR_MIN] > 0)
		readable = ldisc_available(&tty->ldisc) >= character[CHAR_MIN];
	return (readable ? POLLIN | POLLRDNORM : 0u) | (output_room(tty) > 0 ? POLLOUT | POLLWRNORM : 0u);
}

static unsigned tty_queues(struct file *file, struct wait_queue *queues[2])
{
	queues[0] = &((struct tty *)file->data)->queue;
	return 1;
}

static int64_t tty_ioctl(struct call *call, struct file *file, uint64_t request, uint64_t argument)
{
	struct tty *tty = file->data;
	int64_t result;

	if (tty_is_hung_up(file))
		return request == TIOCSPGRP ? -ENOTTY : -EIO;
	result = tty_control(call, tty, file, false, request, argument);
	settle(tty, POLLIN | POLLOUT);
	return result;
}

/* --- Opening and closing. */

static void tty_release(struct file *file)
{
	struct tty *tty = file->data;

	if (--tty->files > 0)
		return;
	tty->exclusive = false;
	if (tty->line->closed != NULL)
		tty->line->closed(tty);
}

static const struct file_ops tty_ops = {
	.read = tty_read,
	.write = tty_write,
	.poll = tty_poll,
	.poll_queues = tty_queues,
	.relays = RELAY_FROM | RELAY_TO,
	.ioctl = tty_ioctl,
	.release = tty_release,
};

void tty_attach(struct tty *tty, struct file *file)
{
	file->ops = &tty_ops;
	file->data = tty;
	file->mark = tty->hang_ups;
	file->seekable = false;
	tty->files++;
}

int tty_open(struct call *call, struct tty *tty, struct file *file)
{
	if (tty->exclusive && !capable(call->process, CAP_SYS_ADMIN))
		return -EBUSY;
	tty_attach(tty, file);
	if (!(file->open_flags & O_NOCTTY) && tty->session == NULL && (file->flags & O_ACCMODE) != O_WRONLY)
		tty_take(call, tty, false);
	return 0;
}
