/* Canonical and raw input, echo, editing, signals, output processing. */
#include "device/console/ldisc.h"

#include <signal.h>
#include <string.h>
#include <termios.h>

#define MARK_END   1
#define MARK_EOF   2
#define TAB_WIDTH  8
#define DELETE     0x7f
#define CONTROL(c) ((c) ^ 0x40)
#ifndef ECHOCTL
#define ECHOCTL 01000
#define ECHOKE  04000
#endif

static const struct tty_settings initial = {
	.input = ICRNL | IXON | IUTF8,
	.output = OPOST | ONLCR,
	.control = CS8 | CREAD | HUPCL | B115200,
	.local = ISIG | ICANON | ECHO | ECHOE | ECHOK | ECHOCTL | ECHOKE | IEXTEN,
	.character = {3, 034, DELETE, 025, 4, 0, 1, 0, 021, 023, 032, 0, 022, 017, 027, 026, 0},
};

static unsigned slot(unsigned count)
{
	return count % LDISC_SIZE;
}

static bool local(const struct ldisc *ldisc, uint32_t flag)
{
	return (ldisc->settings.local & flag) != 0;
}

/* Whether the byte is the control character; 0 disables one. */
static bool is(const struct ldisc *ldisc, unsigned which, uint8_t byte)
{
	return ldisc->settings.character[which] != 0 && ldisc->settings.character[which] == byte;
}

void ldisc_init(struct ldisc *ldisc, void (*put)(void *, uint8_t), void (*signal)(void *, int), void *context)
{
	memset(ldisc, 0, sizeof *ldisc);
	ldisc->settings = initial;
	ldisc->put = put;
	ldisc->signal = signal;
	ldisc->context = context;
}

void ldisc_set(struct ldisc *ldisc, const struct tty_settings *settings)
{
	bool was = local(ldisc, ICANON);

	ldisc->settings = *settings;
	if (was && !local(ldisc, ICANON)) {
		ldisc->committed = ldisc->written;
	} else if (!was && local(ldisc, ICANON) && ldisc->committed != ldisc->read) {
		/* What came before counts as a line. */
		ldisc->end[slot(ldisc->committed - 1)] |= MARK_END;
	}
	if (!(settings->input & IXON))
		ldisc->stopped = false;
}

void ldisc_flush(struct ldisc *ldisc)
{
	ldisc->read = ldisc->committed = ldisc->written = 0;
	ldisc->literal = false;
}

/* --- Output. */

static void put(struct ldisc *ldisc, uint8_t byte)
{
	if (byte == '\n' || byte == '\r')
		ldisc->column = 0;
	else if (byte == '\b')
		ldisc->column -= ldisc->column > 0;
	else if (byte == '\t')
		ldisc->column = (ldisc->column / TAB_WIDTH + 1) * TAB_WIDTH;
	else if (byte >= ' ' && (byte & 0xc0) != 0x80 && byte != DELETE)
		ldisc->column++;
	ldisc->put(ldisc->context, byte);
}

void ldisc_output(struct ldisc *ldisc, uint8_t byte)
{
	uint32_t flags = ldisc->settings.output;

	if (!(flags & OPOST)) {
		put(ldisc, byte);
		return;
	}
	if (byte == '\n' && (flags & ONLCR))
		put(ldisc, '\r');
	if (byte == '\r' && (flags & OCRNL))
		byte = '\n';
	if (byte == '\r' && (flags & ONOCR) && ldisc->column == 0)
		return;
	if (byte == '\t' && (flags & TABDLY) == XTABS) {
		do
			put(ldisc, ' ');
		while (ldisc->column % TAB_WIDTH != 0);
		return;
	}
	put(ldisc, byte);
}

static bool shown_as_control(const struct ldisc *ldisc, uint8_t byte)
{
	return local(ldisc, ECHOCTL) && (byte < ' ' || byte == DELETE) && byte != '\t' && byte != '\n';
}

static void echo(struct ldisc *ldisc, uint8_t byte)
{
	if (!local(ldisc, ECHO) && !(byte == '\n' && local(ldisc, ECHONL) && local(ldisc, ICANON)))
		return;
	if (shown_as_control(ldisc, byte)) {
		put(ldisc, '^');
		put(ldisc, CONTROL(byte));
	} else {
		ldisc_output(ldisc, byte);
	}
}

/* --- Editing. */

static bool editing(const struct ldisc *ldisc)
{
	return ldisc->written != ldisc->committed;
}

static uint8_t last_byte(const struct ldisc *ldisc)
{
	return ldisc->data[slot(ldisc->written - 1)];
}

static void rub_out(struct ldisc *ldisc, unsigned columns)
{
	while (columns-- > 0) {
		put(ldisc, '\b');
		put(ldisc, ' ');
		put(ldisc, '\b');
	}
}

/* The column that the cursor would be in after the bytes of the line that are left. */
static unsigned line_column(const struct ldisc *ldisc)
{
	unsigned column = ldisc->edit_column, i;

	for (i = ldisc->committed; i != ldisc->written; i++) {
		uint8_t byte = ldisc->data[slot(i)];

		if (byte == '\t')
			column = (column / TAB_WIDTH + 1) * TAB_WIDTH;
		else if (shown_as_control(ldisc, byte))
			column += 2;
		else if (byte >= ' ' && !((ldisc->settings.input & IUTF8) && (byte & 0xc0) == 0x80))
			column++;
	}
	return column;
}

/* Removes the last character, all bytes of it; visibly if echo asks for it. */
static void erase_one(struct ldisc *ldisc)
{
	unsigned column;

	while ((ldisc->settings.input & IUTF8) && ldisc->written - ldisc->committed > 1 &&
		(last_byte(ldisc) & 0xc0) == 0x80)
		ldisc->written--;
	ldisc->written--;
	if (!local(ldisc, ECHO) || !local(ldisc, ECHOE))
		return;
	column = line_column(ldisc);
	if (ldisc->column > column)
		rub_out(ldisc, ldisc->column - column);
}

static void erase_word(struct ldisc *ldisc)
{
	while (editing(ldisc) && (last_byte(ldisc) == ' ' || last_byte(ldisc) == '\t'))
		erase_one(ldisc);
	while (editing(ldisc) && last_byte(ldisc) != ' ' && last_byte(ldisc) != '\t')
		erase_one(ldisc);
}

static void kill_line(struct ldisc *ldisc)
{
	if (local(ldisc, ECHO) && local(ldisc, ECHOKE) && local(ldisc, ECHOE)) {
		while (editing(ldisc))
			erase_one(ldisc);
		return;
	}
	ldisc->written = ldisc->committed;
	echo(ldisc, ldisc->settings.character[CHAR_KILL]);
	if (local(ldisc, ECHO) && local(ldisc, ECHOK))
		ldisc_output(ldisc, '\n');
}

static void reprint(struct ldisc *ldisc)
{
	unsigned i;

	echo(ldisc, ldisc->settings.character[CHAR_REPRINT]);
	ldisc_output(ldisc, '\n');
	ldisc->edit_column = 0;
	for (i = ldisc->committed; i != ldisc->written; i++)
		echo(ldisc, ldisc->data[slot(i)]);
}

static void store(struct ldisc *ldisc, uint8_t byte, uint8_t mark)
{
	ldisc->data[slot(ldisc->written)] = byte;
	ldisc->end[slot(ldisc->written)] = mark;
	ldisc->written++;
}

/* --- Input. */

static bool signalled(struct ldisc *ldisc, uint8_t byte)
{
	int signal = is(ldisc, CHAR_INTR, byte)   ? SIGINT
		     : is(ldisc, CHAR_QUIT, byte) ? SIGQUIT
		     : is(ldisc, CHAR_SUSP, byte) ? SIGTSTP
						  : 0;

	if (signal == 0)
		return false;
	if (!local(ldisc, NOFLSH))
		ldisc_flush(ldisc);
	ldisc->stopped = false;
	echo(ldisc, byte);
	ldisc->signal(ldisc->context, signal);
	return true;
}

/* True: the byte was an editing character. */
static bool edited(struct ldisc *ldisc, uint8_t byte)
{
	if (is(ldisc, CHAR_ERASE, byte)) {
		if (editing(ldisc))
			erase_one(ldisc);
	} else if (is(ldisc, CHAR_WERASE, byte) && local(ldisc, IEXTEN)) {
		erase_word(ldisc);
	} else if (is(ldisc, CHAR_KILL, byte)) {
		kill_line(ldisc);
	} else if (is(ldisc, CHAR_REPRINT, byte) && local(ldisc, IEXTEN)) {
		reprint(ldisc);
	} else if (is(ldisc, CHAR_LNEXT, byte) && local(ldisc, IEXTEN)) {
		ldisc->literal = true;
		if (local(ldisc, ECHO) && local(ldisc, ECHOCTL)) {
			put(ldisc, '^');
			put(ldisc, '\b');
		}
	} else {
		return false;
	}
	return true;
}

static void canonical(struct ldisc *ldisc, uint8_t byte, bool literal)
{
	bool last = !literal &&
		    (byte == '\n' || is(ldisc, CHAR_EOL, byte) || (is(ldisc, CHAR_EOL2, byte) && local(ldisc, IEXTEN)));

	if (!literal && edited(ldisc, byte))
		return;
	if (!editing(ldisc))
		ldisc->edit_column = ldisc->column;
	if (!literal && is(ldisc, CHAR_EOF, byte)) {
		if (ldisc->written - ldisc->read < LDISC_SIZE) {
			store(ldisc, byte, MARK_EOF);
			ldisc->committed = ldisc->written;
		}
		return;
	}
	/* The last place is kept for the end of the line. */
	if (ldisc->written - ldisc->read >= LDISC_SIZE - (last ? 0 : 1)) {
		ldisc_output(ldisc, '\a');
		return;
	}
	echo(ldisc, byte);
	store(ldisc, byte, last ? MARK_END : 0);
	if (last)
		ldisc->committed = ldisc->written;
}

void ldisc_input(struct ldisc *ldisc, uint8_t byte)
{
	uint32_t flags = ldisc->settings.input;
	bool literal = ldisc->literal;

	if (flags & ISTRIP)
		byte &= 0x7f;
	ldisc->literal = false;
	if (!literal) {
		if (byte == '\r' && (flags & IGNCR))
			return;
		if (byte == '\r' && (flags & ICRNL))
			byte = '\n';
		else if (byte == '\n' && (flags & INLCR))
			byte = '\r';
		if (flags & IXON) {
			if (is(ldisc, CHAR_STOP, byte) || is(ldisc, CHAR_START, byte)) {
				ldisc->stopped = is(ldisc, CHAR_STOP, byte) && !is(ldisc, CHAR_START, byte);
				return;
			}
			if (flags & IXANY)
				ldisc->stopped = false;
		}
		if (local(ldisc, ISIG) && signalled(ldisc, byte))
			return;
	}
	if (local(ldisc, ICANON)) {
		canonical(ldisc, byte, literal);
		return;
	}
	if (ldisc->written - ldisc->read == LDISC_SIZE)
		return;
	store(ldisc, byte, 0);
	ldisc->committed = ldisc->written;
	echo(ldisc, byte);
}

/* --- Reading. */

unsigned ldisc_available(const struct ldisc *ldisc)
{
	return ldisc->committed - ldisc->read;
}

bool ldisc_ready(const struct ldisc *ldisc)
{
	return ldisc->committed != ldisc->read;
}

unsigned ldisc_peek(const struct ldisc *ldisc, uint8_t *to, unsigned size, unsigned *taken)
{
	unsigned at = ldisc->read, copied = 0;

	while (at != ldisc->committed) {
		uint8_t mark = local(ldisc, ICANON) ? ldisc->end[slot(at)] : 0;

		if (mark == MARK_EOF) {
			at++;
			break;
		}
		if (copied == size)
			break;
		to[copied++] = ldisc->data[slot(at++)];
		if (mark == MARK_END)
			break;
	}
	/* An end of file right after the bytes of a full read belongs to them. */
	*taken = at - ldisc->read;
	return copied;
}

void ldisc_take(struct ldisc *ldisc, unsigned taken)
{
	ldisc->read += taken;
}
