/* Terminals: ioctl. */
#include <fcntl.h>
#include <linux/termios.h>
#include <poll.h>
#include <signal.h>
#include <string.h>

#include "device/tty.h"
#include "file/file.h"
#include "process/proc.h"

_Static_assert(sizeof(struct tty_settings) == sizeof(struct termios), "what TCGETS copies");

/* struct termio, of the calls before termios: what they leave out stays as it is. */
struct old_settings {
	uint16_t input, output, control, local;
	uint8_t line;
	uint8_t character[NCC];
};

/* --- Speeds: of no line here does a program see a difference. */

static const uint32_t speeds[] = {0, 50, 75, 110, 134, 150, 200, 300, 600, 1200, 1800, 2400, 4800, 9600, 19200, 38400};
static const uint32_t high_speeds[] = {0, 57600, 115200, 230400, 460800, 500000, 576000, 921600, 1000000, 1152000,
	1500000, 2000000, 2500000, 3000000, 3500000, 4000000};

/* What a code (CBAUD) says; BOTHER: what was told. */
static uint32_t speed_of(uint32_t code, uint32_t told)
{
	code &= CBAUD;
	return code == BOTHER ? told : code & CBAUDEX ? high_speeds[code & 15] : speeds[code & 15];
}

void tty_set_speeds(struct tty *tty, const uint32_t told[2])
{
	uint32_t control = tty->ldisc.settings.control, input = control >> IBSHIFT & CBAUD;

	tty->speed[1] = speed_of(control, told[1]);
	tty->speed[0] = input == B0 ? tty->speed[1] : speed_of(input, told[0]);
}

/* --- Settings. */

/* Whether the usual characters stop and start the output: what a master in packet mode is told. */
static bool flow_is_usual(const struct tty_settings *settings)
{
	return settings->input & IXON && settings->character[CHAR_STOP] == 023 &&
	       settings->character[CHAR_START] == 021;
}

static void note_settings(struct tty *tty, const struct tty_settings *old)
{
	const struct tty_settings *now = &tty->ldisc.settings;
	unsigned status = 0;

	if (flow_is_usual(old) != flow_is_usual(now))
		status |= flow_is_usual(now) ? TIOCPKT_DOSTOP : TIOCPKT_NOSTOP;
	if ((old->local | now->local) & EXTPROC && memcmp(old, now, sizeof *now) != 0)
		status |= TIOCPKT_IOCTL;
	if (status != 0 && tty->line->note != NULL)
		tty->line->note(tty, status);
}

static void flush_input(struct tty *tty)
{
	ldisc_flush(&tty->ldisc);
	if (tty->line->note != NULL)
		tty->line->note(tty, TIOCPKT_FLUSHREAD);
}

static void flush_output(struct tty *tty)
{
	if (tty->line->flush != NULL)
		tty->line->flush(tty);
}

static void change(struct tty *tty, const struct tty_settings *settings, const uint32_t told[2], bool flush)
{
	struct tty_settings old = tty->ldisc.settings;

	if (flush)
		flush_input(tty);
	ldisc_set(&tty->ldisc, settings);
	tty_set_speeds(tty, told);
	note_settings(tty, &old);
	tty_wake(tty, POLLIN | POLLOUT);
}

static int64_t get_settings(struct call *call, struct tty *tty, uint64_t request, uint64_t argument)
{
	const struct tty_settings *settings = &tty->ldisc.settings;
	struct termios2 with_speeds;
	struct old_settings old;

	switch (request) {
	case TCGETS:
		return call_result(copy_out(call, argument, settings, sizeof *settings));
	case TCGETS2:
		memcpy(&with_speeds, settings, sizeof *settings);
		with_speeds.c_ispeed = tty->speed[0];
		with_speeds.c_ospeed = tty->speed[1];
		return call_result(copy_out(call, argument, &with_speeds, sizeof with_speeds));
	default:
		memset(&old, 0, sizeof old);
		old.input = (uint16_t)settings->input;
		old.output = (uint16_t)settings->output;
		old.control = (uint16_t)settings->control;
		old.local = (uint16_t)settings->local;
		old.line = settings->line;
		memcpy(old.character, settings->character, sizeof old.character);
		return call_result(copy_out(call, argument, &old, sizeof old));
	}
}

static uint32_t lower_half(uint32_t all, uint16_t low)
{
	return (all & 0xffff0000u) | low;
}

static int64_t set_settings(struct call *call, struct tty *tty, uint64_t request, uint64_t argument)
{
	struct tty_settings settings = tty->ldisc.settings;
	uint32_t told[2] = {tty->speed[0], tty->speed[1]};
	bool flush = request == TCSETSF || request == TCSETSF2 || request == TCSETAF;
	struct termios2 with_speeds;
	struct old_settings old;
	int error;

	switch (request) {
	case TCSETS:
	case TCSETSW:
	case TCSETSF:
		error = copy_in(call, &settings, argument, sizeof settings);
		break;
	case TCSETS2:
	case TCSETSW2:
	case TCSETSF2:
		error = copy_in(call, &with_speeds, argument, sizeof with_speeds);
		memcpy(&settings, &with_speeds, sizeof settings);
		told[0] = with_speeds.c_ispeed;
		told[1] = with_speeds.c_ospeed;
		break;
	default:
		error = copy_in(call, &old, argument, sizeof old);
		settings.input = lower_half(settings.input, old.input);
		settings.output = lower_half(settings.output, old.output);
		settings.control = lower_half(settings.control, old.control);
		settings.local = lower_half(settings.local, old.local);
		settings.line = old.line;
		memcpy(settings.character, old.character, sizeof old.character);
	}
	if (error != 0)
		return call_result(error);
	settings.control = (settings.control & ~(uint32_t)(CSIZE | PARENB)) | CS8 | CREAD;
	change(tty, &settings, told, flush);
	return 0;
}

void tty_set_size(struct tty *tty, const struct tty_size *size)
{
	if (memcmp(size, &tty->size, sizeof *size) == 0)
		return;
	tty->size = *size;
	tty_signal(tty, SIGWINCH);
}

static int64_t set_size(struct call *call, struct tty *tty, uint64_t argument)
{
	struct tty_size size;
	int error = copy_in(call, &size, argument, sizeof size);

	if (error != 0)
		return call_result(error);
	tty_set_size(tty, &size);
	return 0;
}

/* --- Jobs. */

static int64_t put_int(struct call *call, uint64_t address, int value)
{
	return call_result(copy_out(call, address, &value, sizeof value));
}

static int64_t set_foreground(struct call *call, struct tty *tty, bool master, uint64_t argument)
{
	struct process *process = call->process;
	struct process_group *group;
	int64_t result = master ? 0 : tty_check_foreground(call, tty, SIGTTOU);
	int id, error;

	if (result != 0)
		return result == -EIO ? -ENOTTY : result;
	error = copy_in(call, &id, argument, sizeof id);
	if (error != 0)
		return call_result(error);
	if (id < 0)
		return -EINVAL;
	if (process_terminal(process) != tty)
		return -ENOTTY;
	group = group_find(id);
	if (group == NULL)
		return process_find(id) == NULL ? -ESRCH : -EPERM;
	if (group->session != tty->session)
		return -EPERM;
	tty->foreground = group;
	tty->foreground_id = id;
	tty_wake(tty, POLLIN | POLLOUT);
	return 0;
}

static int64_t take_terminal(struct call *call, struct tty *tty, struct file *file, uint64_t argument)
{
	if ((file->flags & O_ACCMODE) == O_WRONLY && !capable(call->process, CAP_SYS_ADMIN))
		return -EPERM;
	return tty_take(call, tty, argument == 1);
}

static int64_t leave_terminal(struct call *call, struct tty *tty)
{
	struct process *process = call->process;
	struct session *session = process->group->session;

	if (process_terminal(process) != tty)
		return -ENOTTY;
	if (session->leader == process)
		tty_session_leaves(session, false);
	else
		process->left_terminal = true;
	return 0;
}

/* --- Flow. */

static int64_t control_flow(struct tty *tty, uint64_t action)
{
	const uint8_t *character = tty->ldisc.settings.character;

	switch (action) {
	case TCOOFF:
	case TCOON:
		tty->ldisc.held = action == TCOOFF;
		if (action == TCOON)
			tty->ldisc.stopped = false;
		tty_wake(tty, POLLOUT);
		return 0;
	case TCIOFF:
	case TCION:
		if (character[action == TCIOFF ? CHAR_STOP : CHAR_START] != 0)
			tty->line->put(tty, character[action == TCIOFF ? CHAR_STOP : CHAR_START]);
		return 0;
	default:
		return -EINVAL;
	}
}

static int64_t flush(struct tty *tty, uint64_t which)
{
	if (which > TCIOFLUSH)
		return -EINVAL;
	if (which != TCOFLUSH)
		flush_input(tty);
	if (which != TCIFLUSH)
		flush_output(tty);
	return 0;
}

/* What changes how others fare with the terminal: from the background only after a signal. */
static int64_t change_from(
	struct call *call, struct tty *tty, bool master, int64_t (*act)(struct tty *, uint64_t), uint64_t argument)
{
	int64_t result = master ? 0 : tty_check_foreground(call, tty, SIGTTOU);

	return result != 0 || act == NULL ? result : act(tty, argument);
}

static int64_t control_job(
	struct call *call, struct tty *tty, struct file *file, bool master, uint64_t request, uint64_t argument)
{
	bool mine = process_terminal(call->process) == tty;

	switch (request) {
	case TIOCGPGRP:
		return !master && !mine ? -ENOTTY : put_int(call, argument, tty->foreground_id);
	case TIOCSPGRP:
		return set_foreground(call, tty, master, argument);
	case TIOCGSID:
		if ((!master && !mine) || tty->session == NULL)
			return -ENOTTY;
		return put_int(call, argument, tty->session->id);
	case TIOCSCTTY:
		return take_terminal(call, tty, file, argument);
	case TIOCNOTTY:
		return leave_terminal(call, tty);
	case TIOCVHANGUP:
		if (!capable(call->process, CAP_SYS_ADMIN))
			return -EPERM;
		tty_hang_up(tty, false);
		return 0;
	default:
		return -ENOTTY;
	}
}

int64_t tty_control(
	struct call *call, struct tty *tty, struct file *file, bool master, uint64_t request, uint64_t argument)
{
	int64_t result;
	int line, error;

	switch (request) {
	case TCGETS:
	case TCGETS2:
	case TCGETA:
		return get_settings(call, tty, request, argument);
	case TCSETS:
	case TCSETSW:
	case TCSETSF:
	case TCSETS2:
	case TCSETSW2:
	case TCSETSF2:
	case TCSETA:
	case TCSETAW:
	case TCSETAF:
		result = change_from(call, tty, master, NULL, 0);
		return result != 0 ? result : set_settings(call, tty, request, argument);
	case TIOCGWINSZ:
		return call_result(copy_out(call, argument, &tty->size, sizeof tty->size));
	case TIOCSWINSZ:
		return set_size(call, tty, argument);
	case TCFLSH:
		return change_from(call, tty, master, flush, argument);
	case TCXONC:
		return change_from(call, tty, master, control_flow, argument);
	case TCSBRK: /* the line has what write has taken */
	case TCSBRKP:
		return change_from(call, tty, master, NULL, 0);
	case FIONREAD:
		return put_int(call, argument, (int)ldisc_available(&tty->ldisc));
	case TIOCOUTQ:
		return put_int(call, argument, 0);
	case TIOCGPTPEER: /* of a master alone */
		return -EIO;
	case TIOCSTI: /* what somebody else is taken to have typed */
		return -EIO;
	case TIOCGETD:
		return put_int(call, argument, 0);
	case TIOCSETD:
		error = copy_in(call, &line, argument, sizeof line);
		return error != 0 ? call_result(error) : line == 0 ? 0 : -EINVAL;
	case TIOCEXCL:
	case TIOCNXCL:
		tty->exclusive = request == TIOCEXCL;
		return 0;
	case TIOCGEXCL:
		return put_int(call, argument, tty->exclusive);
	default:
		return control_job(call, tty, file, master, request, argument);
	}
}
