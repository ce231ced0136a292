/* Pseudo-terminals: a terminal whose line is a file, the master. */
#include "device/pty.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <termios.h>

#include "base/user.h"
#include "device/device.h"
#include "device/tty.h"
#include "file/file.h"
#include "process/proc.h"
#include "vfs/vfs.h"

#define OUTPUT_SIZE 8192u
#define ECHO_ROOM   1024u             /* of it, which programs leave to echoes */
#define ARRIVED     4096u             /* so much is beyond being taken back */
#define WAKE_ROOM   (OUTPUT_SIZE / 4) /* who waits for room is woken when there is so much */
#define TTY_GROUP   5u                /* Debian's group "tty", which a terminal in /dev/pts has */
#define TTY_MODE    0620u
#define CHUNK       512u
#ifndef TIOCGPTPEER
#define TIOCGPTPEER 0x5441
#endif

/*
 * States: OPEN from the open of /dev/ptmx on, with its terminal used or not; `closed` says that the terminal was used
 * and is not now, which its master finds an error. GONE when the master closes: nobody finds it, and its terminal, which
 * was hung up, stays with its number for those who still have it open. Then it is freed.
 *
 * It is paid for by who opened the master: its memory, buffers too, and its number (USER_PTYS).
 */
struct pty {
	struct tty tty;
	struct pty_place place;
	bool master; /* is open */
	bool locked, closed;
	bool packet;
	uint8_t status;          /* TIOCPKT_*: what has happened since the master was told */
	struct wait_queue queue; /* of the master */
	/* On its way to the master: a ring, counts modulo its size. */
	unsigned read, written;
	uint8_t output[OUTPUT_SIZE];
};

struct pty_place pty_defaults = {.mode = S_IFCHR | TTY_MODE, .uid = PTY_OF_OPENER, .gid = TTY_GROUP};

static struct pty *ptys[PTY_MAX];
static uint64_t taken[PTY_MAX / 64]; /* bits: the numbers in use */
static unsigned in_use;
static uint64_t serials;

static struct pty *pty_of(const struct tty *tty)
{
	return (struct pty *)(uintptr_t)tty; /* its first member */
}

_Static_assert(__builtin_offsetof(struct pty, tty) == 0, "pty_of");

/* --- Numbers. */

unsigned pty_count(void)
{
	return in_use;
}

/* The lowest that is free, below the limit. -1: none. */
static int take_number(unsigned limit)
{
	for (unsigned i = 0; i < PTY_MAX / 64; i++) {
		unsigned number = i * 64;

		if (taken[i] == ~0ull)
			continue;
		number += (unsigned)__builtin_ctzll(~taken[i]);
		if (number >= limit)
			break;
		taken[i] |= 1ull << number % 64;
		in_use++;
		return (int)number;
	}
	return -1;
}

static void give_number(unsigned number)
{
	taken[number / 64] &= ~(1ull << number % 64);
	in_use--;
}

struct pty_place *pty_find(unsigned number, uint64_t serial)
{
	struct pty *pty = number < PTY_MAX ? ptys[number] : NULL;

	return pty != NULL && (serial == 0 || pty->place.serial == serial) ? &pty->place : NULL;
}

struct pty_place *pty_next(unsigned *number)
{
	for (; *number < PTY_MAX; ++*number) {
		uint64_t rest = taken[*number / 64] >> *number % 64;

		if (rest == 0) {
			*number |= 63;
			continue;
		}
		*number += (unsigned)__builtin_ctzll(rest);
		if (ptys[*number] != NULL)
			return &ptys[*number]->place;
	}
	return NULL;
}

/* --- The terminal's line. */

static unsigned used(const struct pty *pty)
{
	return pty->written - pty->read;
}

static void line_put(struct tty *tty, uint8_t byte)
{
	struct pty *pty = pty_of(tty);

	if (used(pty) < OUTPUT_SIZE)
		pty->output[pty->written++ % OUTPUT_SIZE] = byte;
}

static unsigned line_room(const struct tty *tty)
{
	unsigned have = used(pty_of(tty));

	return have < OUTPUT_SIZE - ECHO_ROOM ? OUTPUT_SIZE - ECHO_ROOM - have : 0;
}

static void line_note(struct tty *tty, unsigned status)
{
	static const struct {
		uint8_t bit, opposite;
	} opposites[] = {{TIOCPKT_STOP, TIOCPKT_START}, {TIOCPKT_START, TIOCPKT_STOP}, {TIOCPKT_NOSTOP, TIOCPKT_DOSTOP},
		{TIOCPKT_DOSTOP, TIOCPKT_NOSTOP}};
	struct pty *pty = pty_of(tty);

	if (!pty->packet)
		return;
	for (unsigned i = 0; i < sizeof opposites / sizeof opposites[0]; i++) {
		if (status & opposites[i].bit)
			pty->status &= (uint8_t)~opposites[i].opposite;
	}
	pty->status |= (uint8_t)status;
	wait_queue_wake(&pty->queue, POLLIN | POLLPRI);
}

/* What the master could have read at once stays; so what a program has said before a key ends it is seen. */
static void line_flush(struct tty *tty)
{
	struct pty *pty = pty_of(tty);

	if (used(pty) > ARRIVED)
		pty->written = pty->read + ARRIVED;
	line_note(tty, TIOCPKT_FLUSHWRITE);
	tty_wake(tty, POLLOUT);
}

static void line_wake(struct tty *tty, unsigned events)
{
	struct pty *pty = pty_of(tty);

	if (events & POLLIN)
		pty->place.written = (int64_t)clock_realtime();
	if (events & POLLOUT)
		pty->place.read = (int64_t)clock_realtime();
	wait_queue_wake(&pty->queue, events);
}

static void pty_free(struct pty *pty)
{
	wait_queue_destroy(&pty->queue);
	wait_queue_destroy(&pty->tty.queue);
	give_number(pty->place.number);
	user_uncharge(user_of_memory(pty), USER_PTYS, 1);
	user_free(pty);
}

/* The last file of the terminal has been closed. A session keeps it, and may open it again. */
static void line_closed(struct tty *tty)
{
	struct pty *pty = pty_of(tty);

	if (!pty->master) {
		pty_free(pty);
		return;
	}
	pty->closed = true;
	wait_queue_wake(&pty->queue, POLLIN | POLLHUP);
}

static const struct file_ops no_ops;

static const struct tty_line line = {
	.put = line_put,
	.room = line_room,
	.flush = line_flush,
	.note = line_note,
	.wake = line_wake,
	.closed = line_closed,
};

/* --- The master. */

static int64_t take_output(struct pty *pty, struct io *io)
{
	unsigned room = line_room(&pty->tty);
	int error = 0;

	while (error == 0 && io->done < io->total && used(pty) > 0) {
		unsigned at = pty->read % OUTPUT_SIZE, part = used(pty);

		if (part > OUTPUT_SIZE - at)
			part = OUTPUT_SIZE - at;
		if (part > io->total - io->done)
			part = (unsigned)(io->total - io->done);
		error = io_copy_out(io, pty->output + at, part);
		if (error == 0)
			pty->read += part;
	}
	if (room < WAKE_ROOM && line_room(&pty->tty) >= WAKE_ROOM)
		tty_wake(&pty->tty, POLLOUT);
	return error;
}

static int64_t master_read(struct file *file, struct io *io, uint64_t *offset)
{
	struct pty *pty = file->data;
	const uint8_t data = TIOCPKT_DATA;
	uint8_t status = pty->status;
	uint64_t head = pty->packet ? 1 : 0;
	int error = 0;

	(void)offset;
	if (io->total == 0)
		return 0;
	if (pty->packet && status != 0) {
		error = io_copy_out(io, &status, 1);
		if (error == 0)
			pty->status &= (uint8_t)~status;
		return error != 0 ? call_result(error) : 1;
	}
	if (used(pty) == 0 && pty->closed)
		return -EIO;
	if (used(pty) == 0)
		return file->flags & O_NONBLOCK ? -EAGAIN : call_wait_for(io->call, &pty->queue);
	error = io_copy_out(io, &data, head);
	if (error == 0)
		error = take_output(pty, io);
	if (error == 0 || io->done > head)
		return (int64_t)io->done;
	io->done = 0; /* nothing is taken: it begins again */
	return call_result(error);
}

/* Bytes as if typed, as many as the terminal has room for. */
static int64_t master_write(struct file *file, struct io *io, uint64_t *offset)
{
	struct pty *pty = file->data;
	uint64_t before = io->done;
	uint8_t chunk[CHUNK];
	int error = 0;

	(void)offset;
	while (error == 0 && io->done < io->total) {
		uint64_t part = io->total - io->done, room = ldisc_room(&pty->tty.ldisc), done = io->done, i;

		if (part > room)
			part = room;
		if (part > sizeof chunk)
			part = sizeof chunk;
		if (part == 0)
			break;
		error = io_copy_in(io, chunk, part);
		/* Each may end a line, and so the room for what it would else be in vain to type. */
		for (i = 0; i < part && error == 0 && ldisc_room(&pty->tty.ldisc) > 0; i++)
			tty_input(&pty->tty, chunk[i]);
		if (error == 0)
			io->done = done + i;
	}
	if (io->done > before)
		tty_received(&pty->tty);
	if (error != 0)
		return io->done > 0 && error != CALL_ERROR_RESTART ? (int64_t)io->done : call_result(error);
	if (io->done == io->total || (io->done > 0 && file->flags & O_NONBLOCK))
		return (int64_t)io->done;
	return file->flags & O_NONBLOCK ? -EAGAIN : call_wait_for(io->call, &pty->queue);
}

static unsigned master_poll(struct file *file)
{
	const struct pty *pty = file->data;
	bool told = pty->packet && pty->status != 0;

	return (used(pty) > 0 || told ? POLLIN | POLLRDNORM : 0u) | (told ? POLLPRI : 0u) |
	       (pty->closed ? POLLHUP : 0u) | (ldisc_room(&pty->tty.ldisc) > 0 ? POLLOUT | POLLWRNORM : 0u);
}

static unsigned master_queues(struct file *file, struct wait_queue *queues[2])
{
	queues[0] = &((struct pty *)file->data)->queue;
	return 1;
}

static int64_t put_int(struct call *call, uint64_t address, int value)
{
	return call_result(copy_out(call, address, &value, sizeof value));
}

/* The terminal by its master, whatever the path to /dev/pts is. */
static int64_t open_peer(struct call *call, struct pty *pty, unsigned flags)
{
	struct vnode *vnode = pty_vnode(&pty->place);
	struct file *file = NULL;
	int error;

	if (vnode == NULL)
		return -EIO;
	error = (flags & O_ACCMODE) > O_RDWR ? -EINVAL : 0;
	if (error == 0) {
		file = file_create(&no_ops, flags & (O_ACCMODE | O_NONBLOCK), vnode_reference(vnode), NULL);
		error = file == NULL ? -ENOMEM : 0;
	}
	if (error == 0) {
		file->open_flags = flags;
		error = pty_open(call, pty->place.number, pty->place.serial, file);
		if (error != 0)
			file_release(file);
	}
	vnode_release(vnode);
	return error != 0 ? error : fd_install(call, file, (flags & O_CLOEXEC) != 0);
}

static int64_t set_packet(struct call *call, struct pty *pty, uint64_t argument)
{
	int on, error = copy_in(call, &on, argument, sizeof on);

	if (error != 0)
		return call_result(error);
	if (on && !pty->packet)
		pty->status = 0;
	pty->packet = on != 0;
	return 0;
}

static int64_t set_lock(struct call *call, struct pty *pty, uint64_t argument)
{
	int on, error = copy_in(call, &on, argument, sizeof on);

	if (error == 0)
		pty->locked = on != 0;
	return call_result(error);
}

static int64_t signal_foreground(struct pty *pty, uint64_t signal)
{
	if (signal != SIGINT && signal != SIGQUIT && signal != SIGTSTP)
		return -EINVAL;
	tty_signal(&pty->tty, (int)signal);
	return 0;
}

/* What the terminal has been sent and has not read, or has sent: the master's view of TCFLSH. */
static int64_t flush_master(struct pty *pty, uint64_t which)
{
	if (which > TCIOFLUSH)
		return -EINVAL;
	if (which != TCOFLUSH) {
		pty->read = pty->written;
		tty_wake(&pty->tty, POLLOUT);
	}
	if (which != TCIFLUSH)
		ldisc_flush(&pty->tty.ldisc);
	wait_queue_wake(&pty->queue, POLLOUT);
	return 0;
}

static int64_t master_ioctl(struct call *call, struct file *file, uint64_t request, uint64_t argument)
{
	struct pty *pty = file->data;
	int64_t result;

	switch (request) {
	case TIOCGPTN:
		return put_int(call, argument, (int)pty->place.number);
	case TIOCSPTLCK:
		return set_lock(call, pty, argument);
	case TIOCGPTLCK:
		return put_int(call, argument, pty->locked);
	case TIOCGPTPEER:
		return open_peer(call, pty, (unsigned)argument);
	case TIOCPKT:
		return set_packet(call, pty, argument);
	case TIOCGPKT:
		return put_int(call, argument, pty->packet);
	case TIOCSIG:
		return signal_foreground(pty, argument);
	case TCFLSH:
		return flush_master(pty, argument);
	case FIONREAD:
		return put_int(call, argument, (int)used(pty));
	default:
		result = tty_control(call, &pty->tty, file, true, request, argument);
		wait_queue_wake(&pty->queue, POLLIN | POLLOUT);
		return result;
	}
}

/* Nobody finds it any more. */
static void master_release(struct file *file)
{
	struct pty *pty = file->data;

	pty->master = false;
	ptys[pty->place.number] = NULL;
	/* Those who are told may close the last file of the terminal. */
	pty->tty.files++;
	tty_hang_up(&pty->tty, false);
	if (--pty->tty.files == 0)
		pty_free(pty);
}

static const struct file_ops master_ops = {
	.read = master_read,
	.write = master_write,
	.poll = master_poll,
	.poll_queues = master_queues,
	.relays = RELAY_FROM | RELAY_TO,
	.ioctl = master_ioctl,
	.release = master_release,
};

/* --- Opening. */

static struct pty *pty_create(struct user *user, unsigned number, const struct credentials *who)
{
	struct pty *pty = user_alloc(user, sizeof *pty);

	if (pty == NULL)
		return NULL;
	tty_init(&pty->tty, makedev(DEVICE_PTS_MAJOR + number / 256, number % 256), &ldisc_defaults, &line);
	wait_queue_init(&pty->queue);
	pty->locked = pty->master = true;
	pty->place = pty_defaults;
	pty->place.number = number;
	pty->place.serial = ++serials;
	if (pty->place.uid == PTY_OF_OPENER)
		pty->place.uid = who->fsuid;
	pty->place.made = pty->place.changed = pty->place.read = pty->place.written = (int64_t)clock_realtime();
	return pty;
}

int pty_open_master(struct call *call, struct file *file)
{
	struct user *user = user_now();
	bool root = user == NULL || user->uid == 0;
	unsigned limit = root ? PTY_MAX : PTY_MAX - PTY_RESERVE;
	struct pty *pty;
	int number;

	/* As many as are still free, at most: so one user gets half of all, and there is always one for the next. */
	if (!user_charge(user, USER_PTYS, 1, root ? USER_NO_LIMIT : in_use < limit ? limit - in_use : 0))
		return -ENOSPC;
	number = take_number(limit);
	if (number < 0) {
		user_uncharge(user, USER_PTYS, 1);
		return -ENOSPC;
	}
	pty = pty_create(user, (unsigned)number, &call->process->credentials);
	if (pty == NULL) {
		give_number((unsigned)number);
		user_uncharge(user, USER_PTYS, 1);
		return -ENOMEM;
	}
	ptys[number] = pty;
	file->ops = &master_ops;
	file->data = pty;
	file->seekable = false;
	return 0;
}

int pty_open(struct call *call, unsigned number, uint64_t serial, struct file *file)
{
	struct pty *pty = number < PTY_MAX ? ptys[number] : NULL;
	int error;

	if (pty == NULL || pty->place.serial != serial || pty->locked)
		return -EIO;
	error = tty_open(call, &pty->tty, file);
	if (error == 0)
		pty->closed = false;
	return error;
}
