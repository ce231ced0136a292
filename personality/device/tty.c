/* Terminals as files: reading and writing with job control, and their ioctls. */
#include "device/tty.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/sysmacros.h>
#include <termios.h>

#include "file/file.h"
#include "process/proc.h"

#define READ_CHUNK  512u
#define WRITE_CHUNK 512u
#define TENTH       100000000ull /* ns: the unit of VTIME */

static void foreground_signal(void *context, int signal)
{
	struct tty *tty = context;
	struct process_group *group = tty->foreground == 0 ? NULL : group_find(tty->foreground);

	if (group != NULL)
		signal_group(group, signal, NULL);
}

void tty_init(struct tty *tty, uint64_t device, void (*put)(void *context, uint8_t byte))
{
	memset(tty, 0, sizeof *tty);
	ldisc_init(&tty->ldisc, put, foreground_signal, tty);
	tty->device = device;
	tty->size.rows = 24;
	tty->size.columns = 80;
	wait_queue_init(&tty->queue);
}

void tty_input(struct tty *tty, uint8_t byte)
{
	tty->last_input = clock_monotonic();
	ldisc_input(&tty->ldisc, byte);
}

void tty_wake(struct tty *tty)
{
	wait_queue_wake(&tty->queue, POLLIN | POLLOUT);
}

/*
 * A process outside the foreground group may not go on: its group gets the signal (and the call is interrupted by it),
 * or, when that would have no effect, the call fails. 0: go on.
 */
static int64_t check_foreground(struct call *call, struct tty *tty, int signal, bool fail)
{
	struct process *process = call->process;
	struct process_group *group = process->group;
	bool deaf = (call->thread->blocked & SIGNAL_BIT(signal)) || process->actions->action[signal - 1].handler == 1;

	if (tty->session != group->session || tty->foreground == 0 || tty->foreground == group->id)
		return 0;
	if (deaf)
		return fail ? -EIO : 0;
	if (group_is_orphaned(group))
		return -EIO;
	signal_group(group, signal, NULL);
	/* Stopped, the call begins anew when the process goes on; with a handler, it is interrupted at once. */
	return CALL_RESTART;
}

static int64_t raw_wait(struct call *call, struct tty *tty, unsigned have)
{
	const uint8_t *character = tty->ldisc.settings.character;
	unsigned least = character[CHAR_MIN], tenths = character[CHAR_TIME];

	if (have > 0 && have >= least)
		return 0;
	if (least == 0 && tenths == 0)
		return 0;
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

static int64_t tty_read(struct file *file, struct io *io, uint64_t *offset)
{
	struct tty *tty = file->data;
	struct call *call = io->call;
	uint8_t chunk[READ_CHUNK];
	int64_t result;

	(void)offset;
	result = check_foreground(call, tty, SIGTTIN, true);
	if (result != 0 || io->total == 0)
		return result;
	if (tty->ldisc.settings.local & ICANON) {
		if (!ldisc_ready(&tty->ldisc))
			return file->flags & O_NONBLOCK ? -EAGAIN : call_wait_for(call, &tty->queue);
	} else {
		unsigned have = ldisc_available(&tty->ldisc);

		if (have == 0 && (file->flags & O_NONBLOCK))
			return tty->ldisc.settings.character[CHAR_MIN] == 0 ? 0 : -EAGAIN;
		if (!(file->flags & O_NONBLOCK) && have < io->total) {
			result = raw_wait(call, tty, have);
			if (result != 0)
				return result;
		}
	}
	for (;;) {
		uint64_t left = io->total - io->done;
		unsigned taken,
			got = ldisc_peek(&tty->ldisc, chunk, left < sizeof chunk ? (unsigned)left : READ_CHUNK, &taken);
		bool line_done = got < READ_CHUNK || chunk[got - 1] == '\n';
		int error = got == 0 ? 0 : io_copy_out(io, chunk, got);

		if (error != 0)
			return io->done > 0 && error != CALL_ERROR_RESTART ? (int64_t)io->done : call_result(error);
		ldisc_take(&tty->ldisc, taken);
		if (line_done || io->done == io->total || !ldisc_ready(&tty->ldisc))
			return (int64_t)io->done;
	}
}

static int64_t tty_write(struct file *file, struct io *io, uint64_t *offset)
{
	struct tty *tty = file->data;
	uint8_t chunk[WRITE_CHUNK];
	int64_t result;

	(void)offset;
	if (tty->ldisc.settings.local & TOSTOP) {
		result = check_foreground(io->call, tty, SIGTTOU, false);
		if (result != 0)
			return result;
	}
	while (io->done < io->total) {
		uint64_t part = io->total - io->done < sizeof chunk ? io->total - io->done : sizeof chunk, i;
		int error;

		if (tty->ldisc.stopped) {
			if (file->flags & O_NONBLOCK)
				return io->done > 0 ? (int64_t)io->done : -EAGAIN;
			return call_wait_for(io->call, &tty->queue);
		}
		error = io_copy_in(io, chunk, part);
		if (error != 0)
			return io->done > 0 && error != CALL_ERROR_RESTART ? (int64_t)io->done : call_result(error);
		for (i = 0; i < part; i++)
			ldisc_output(&tty->ldisc, chunk[i]);
	}
	return (int64_t)io->done;
}

static unsigned tty_poll(struct file *file)
{
	struct tty *tty = file->data;
	bool readable = ldisc_ready(&tty->ldisc);

	return (readable ? POLLIN | POLLRDNORM : 0u) | (tty->ldisc.stopped ? 0u : POLLOUT | POLLWRNORM);
}

static unsigned tty_queues(struct file *file, struct wait_queue *queues[2])
{
	queues[0] = &((struct tty *)file->data)->queue;
	return 1;
}

/* --- Sessions. */

static void take_session(struct tty *tty, struct session *session)
{
	tty->session = session;
	session->terminal = tty;
}

static void give_up(struct tty *tty)
{
	if (tty->session != NULL)
		tty->session->terminal = NULL;
	tty->session = NULL;
	tty->foreground = 0;
}

void tty_session_ended(struct tty *tty, struct session *session)
{
	struct process_group *group = tty->foreground == 0 ? NULL : group_find(tty->foreground);

	if (tty->session != session)
		return;
	give_up(tty);
	if (group != NULL) {
		signal_group(group, SIGHUP, NULL);
		signal_group(group, SIGCONT, NULL);
	}
	tty_wake(tty);
}

void tty_group_gone(const struct process_group *group)
{
	if (console_tty.foreground == group->id)
		console_tty.foreground = 0;
}

static int set_controlling(struct call *call, struct tty *tty, bool steal)
{
	struct process *process = call->process;
	struct session *session = process->group->session;

	if (tty->session == session)
		return 0;
	if (session->leader != process || session->terminal != NULL)
		return -EPERM;
	if (tty->session != NULL) {
		if (!steal || !capable(process))
			return -EPERM;
		give_up(tty);
	}
	take_session(tty, session);
	tty->foreground = process->group->id;
	return 0;
}

/* --- ioctls. */

static int64_t set_settings(struct call *call, struct tty *tty, uint64_t request, uint64_t argument)
{
	struct tty_settings settings;
	int error = copy_in(call, &settings, argument, sizeof settings);

	if (error != 0)
		return call_result(error);
	if (request == TCSETSF)
		ldisc_flush(&tty->ldisc);
	ldisc_set(&tty->ldisc, &settings);
	tty_wake(tty);
	return 0;
}

static int64_t set_foreground(struct call *call, struct tty *tty, uint64_t argument)
{
	struct process *process = call->process;
	struct process_group *group;
	int id, error = copy_in(call, &id, argument, sizeof id);
	int64_t result;

	if (error != 0)
		return call_result(error);
	if (tty->session == NULL || tty->session != process->group->session)
		return -ENOTTY;
	if (id <= 0)
		return -EINVAL;
	group = group_find(id);
	if (group == NULL)
		return -ESRCH;
	if (group->session != tty->session)
		return -EPERM;
	result = check_foreground(call, tty, SIGTTOU, false);
	if (result != 0)
		return result;
	tty->foreground = id;
	tty_wake(tty);
	return 0;
}

static int64_t set_size(struct call *call, struct tty *tty, uint64_t argument)
{
	struct tty_size size;
	int error = copy_in(call, &size, argument, sizeof size);

	if (error != 0)
		return call_result(error);
	if (memcmp(&size, &tty->size, sizeof size) != 0) {
		tty->size = size;
		foreground_signal(tty, SIGWINCH);
	}
	return 0;
}

static int64_t put_int(struct call *call, uint64_t address, int value)
{
	return call_result(copy_out(call, address, &value, sizeof value));
}

static int64_t tty_ioctl(struct call *call, struct file *file, uint64_t request, uint64_t argument)
{
	struct tty *tty = file->data;
	struct session *session = call->process->group->session;
	int64_t result;

	switch (request) {
	case TCGETS:
		return call_result(copy_out(call, argument, &tty->ldisc.settings, sizeof tty->ldisc.settings));
	case TCSETS:
	case TCSETSW:
	case TCSETSF:
		result = check_foreground(call, tty, SIGTTOU, false);
		return result != 0 ? result : set_settings(call, tty, request, argument);
	case TIOCGWINSZ:
		return call_result(copy_out(call, argument, &tty->size, sizeof tty->size));
	case TIOCSWINSZ:
		return set_size(call, tty, argument);
	case TIOCGPGRP:
		return tty->session != session ? -ENOTTY : put_int(call, argument, tty->foreground);
	case TIOCSPGRP:
		return set_foreground(call, tty, argument);
	case TIOCGSID:
		return tty->session != session ? -ENOTTY : put_int(call, argument, session->id);
	case TIOCSCTTY:
		return set_controlling(call, tty, argument == 1);
	case TIOCNOTTY:
		if (session->terminal != tty)
			return -ENOTTY;
		if (session->leader == call->process)
			tty_session_ended(tty, session);
		return 0;
	case TCFLSH:
		if (argument > TCIOFLUSH)
			return -EINVAL;
		if (argument != TCOFLUSH)
			ldisc_flush(&tty->ldisc);
		return 0;
	case TCXONC:
		if (argument > TCION)
			return -EINVAL;
		if (argument <= TCOON) {
			tty->ldisc.stopped = argument == TCOOFF;
			tty_wake(tty);
		}
		return 0;
	case TCSBRK: /* output is on the wire when write returns */
	case TCSBRKP:
		return 0;
	case FIONREAD:
		return put_int(call, argument, (int)ldisc_available(&tty->ldisc));
	case TIOCOUTQ:
		return put_int(call, argument, 0);
	case TIOCGETD:
		return put_int(call, argument, 0);
	default:
		return -ENOTTY;
	}
}

static const struct file_ops tty_ops = {
	.read = tty_read,
	.write = tty_write,
	.poll = tty_poll,
	.poll_queues = tty_queues,
	.relays = RELAY_FROM | RELAY_TO,
	.ioctl = tty_ioctl,
};

void tty_attach(struct tty *tty, struct file *file)
{
	file->ops = &tty_ops;
	file->data = tty;
	file->seekable = false;
}

int tty_open(struct call *call, struct tty *tty, struct file *file)
{
	tty_attach(tty, file);
	if (!(file->open_flags & O_NOCTTY) && tty->session == NULL && (file->flags & O_ACCMODE) != O_WRONLY)
		set_controlling(call, tty, false);
	return 0;
}
