/* Canonical and raw input, echo, editing, signals, output processing. */
#include "device/console/ldisc.h"

#include <ctype.h>
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
#define EXTPROC 0200000
#endif

const struct tty_settings ldisc_defaults = {
	.input = ICRNL | IXON,
	.output = OPOST | ONLCR,
	.control = CS8 | CREAD | B38400,
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

void ldisc_init(struct ldisc *ldisc, const struct tty_settings *settings, const struct ldisc_line *line, void *context)
{
	memset(ldisc, 0, sizeof *ldisc);
	ldisc->settings = *settings;
	ldisc->line = line;
	ldisc->context = context;
}

/* With EXTPROC the other end of the line edits, echoes and signals. */
bool ldisc_is_canonical(const struct ldisc *ldisc)
{
	return (ldisc->settings.local & (ICANON | EXTPROC)) == ICANON;
}

bool ldisc_is_stopped(const struct ldisc *ldisc)
{
	return ldisc->stopped || ldisc->held;
}

void ldisc_set(struct ldisc *ldisc, const struct tty_settings *settings)
{
	bool was = ldisc_is_canonical(ldisc);

	ldisc->settings = *settings;
	if (was && !ldisc_is_canonical(ldisc)) {
		ldisc->committed = ldisc->written;
	} else if (!was && ldisc_is_canonical(ldisc) && ldisc->committed != ldisc->read) {
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

/* A further byte of a character, which takes no room of its own. */
static bool is_continuation(const struct ldisc *ldisc, uint8_t byte)
{
	return (ldisc->settings.input & IUTF8) && (byte & 0xc0) == 0x80;
}

/* --- Output. */

static void put(struct ldisc *ldisc, uint8_t byte)
{
	if (byte == '\r')
		ldisc->column = 0;
	else if (byte == '\b')
		ldisc->column -= ldisc->column > 0;
	else if (byte == '\t')
		ldisc->column = (ldisc->column / TAB_WIDTH + 1) * TAB_WIDTH;
	else if (byte >= ' ' && byte != DELETE && !is_continuation(ldisc, byte))
		ldisc->column++;
	ldisc->line->put(ldisc->context, byte);
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
	if (byte == '\n' && (flags & ONLRET))
		ldisc->column = 0;
	if (byte == '\r' && (flags & OCRNL))
		byte = '\n';
	if (byte == '\r' && (flags & ONOCR) && ldisc->column == 0)
		return;
	if (flags & OLCUC)
		byte = (uint8_t)toupper(byte);
	if (byte == '\t' && (flags & TABDLY) == XTABS) {
		do
			put(ldisc, ' ');
		while (ldisc->column % TAB_WIDTH != 0);
		return;
	}
	put(ldisc, byte);
}

unsigned ldisc_output_room(const struct ldisc *ldisc, unsigned room)
{
	uint32_t flags = ldisc->settings.output;

	if (!(flags & OPOST))
		return room;
	return (flags & TABDLY) == XTABS ? room / TAB_WIDTH : flags & ONLCR ? room / 2 : room;
}

static bool shown_as_control(const struct ldisc *ldisc, uint8_t byte)
{
	return local(ldisc, ECHOCTL) && (byte < ' ' || byte == DELETE) && byte != '\t' && byte != '\n';
}

static void echo(struct ldisc *ldisc, uint8_t byte)
{
	if (local(ldisc, EXTPROC))
		return;
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

static void rub_out(struct ldisc *ldisc, unsigned columns, bool blank)
{
	while (columns-- > 0) {
		put(ldisc, '\b');
		if (!blank) {
			put(ldisc, ' ');
			put(ldisc, '\b');
		}
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
		else if (byte >= ' ' && !is_continuation(ldisc, byte))
			column++;
	}
	return column;
}

/* Removes the last character, all bytes of it. */
static void drop_one(struct ldisc *ldisc)
{
	while (ldisc->written - ldisc->committed > 1 && is_continuation(ldisc, last_byte(ldisc)))
		ldisc->written--;
	ldisc->written--;
}

/* The same, visibly if echo asks for it. */
static void erase_one(struct ldisc *ldisc)
{
	bool tab = last_byte(ldisc) == '\t';
	unsigned column = line_column(ldisc);

	drop_one(ldisc);
	if (local(ldisc, ECHO))
		rub_out(ldisc, column - line_column(ldisc), tab);
}

/* Whether the line ends in a letter, a digit, or what begins a character beyond ASCII. */
static bool in_word(const struct ldisc *ldisc)
{
	unsigned at = ldisc->written - 1;
	uint8_t byte;

	while (at != ldisc->committed && is_continuation(ldisc, ldisc->data[slot(at)]))
		at--;
	byte = ldisc->data[slot(at)];
	return byte >= 0xc0 || (byte < 0x80 && isalnum(byte)) || byte == '_';
}

/* What is between words, too. */
static void erase_word(struct ldisc *ldisc)
{
	while (editing(ldisc) && !in_word(ldisc))
		erase_one(ldisc);
	while (editing(ldisc) && in_word(ldisc))
		erase_one(ldisc);
}

static void kill_line(struct ldisc *ldisc)
{
	if (!local(ldisc, ECHO)) {
		ldisc->written = ldisc->committed;
		return;
	}
	if (local(ldisc, ECHOKE) && local(ldisc, ECHOK) && local(ldisc, ECHOE)) {
		while (editing(ldisc))
			erase_one(ldisc);
		return;
	}
	ldisc->written = ldisc->committed;
	echo(ldisc, ldisc->settings.character[CHAR_KILL]);
	if (local(ldisc, ECHOK))
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
	if (!local(ldisc, NOFLSH)) {
		ldisc_flush(ldisc);
		ldisc->line->flush(ldisc->context);
		ldisc->line->flushed(ldisc->context);
	}
	if (ldisc->settings.input & IXON)
		ldisc->stopped = false;
	echo(ldisc, byte);
	ldisc->line->signal(ldisc->context, signal);
	return true;
}

/* True: the byte was an editing character. */
static bool edited(struct ldisc *ldisc, uint8_t byte)
{
	if (is(ldisc, CHAR_ERASE, byte)) {
		if (editing(ldisc) && local(ldisc, ECHO) && !local(ldisc, ECHOE)) {
			drop_one(ldisc);
			echo(ldisc, byte);
		} else if (editing(ldisc)) {
			erase_one(ldisc);
		}
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
	if (flags & IUCLC && local(ldisc, IEXTEN))
		byte = (uint8_t)tolower(byte);
	ldisc->literal = false;
	if (!literal && !local(ldisc, EXTPROC)) {
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
	if (ldisc_is_canonical(ldisc)) {
		canonical(ldisc, byte, literal);
		return;
	}
	if (ldisc->written - ldisc->read == LDISC_SIZE)
		return;
	store(ldisc, byte, 0);
	ldisc->committed = ldisc->written;
	echo(ldisc, byte);
}

unsigned ldisc_room(const struct ldisc *ldisc)
{
	unsigned used = ldisc->written - ldisc->read;

	if (!ldisc_is_canonical(ldisc))
		return LDISC_SIZE - used;
	/* With nothing to read who types too long a line is told by bells; else he waits until some is read. */
	return ldisc_ready(ldisc) && used >= LDISC_SIZE - 1 ? 0
	       : ldisc_ready(ldisc)                         ? LDISC_SIZE - 1 - used
							    : LDISC_SIZE;
}

/* --- Reading. */

unsigned ldisc_available(const struct ldisc *ldisc)
{
	unsigned count = 0, at;

	if (!ldisc_is_canonical(ldisc))
		return ldisc->committed - ldisc->read;
	for (at = ldisc->read; at != ldisc->committed; at++)
		count += ldisc->end[slot(at)] != MARK_EOF;
	return count;
}

bool ldisc_ready(const struct ldisc *ldisc)
{
	return ldisc->committed != ldisc->read;
}

unsigned ldisc_peek(const struct ldisc *ldisc, uint8_t *to, unsigned size, unsigned *taken, bool *last)
{
	bool lines = ldisc_is_canonical(ldisc);
	unsigned at = ldisc->read, copied = 0;

	*last = false;
	while (at != ldisc->committed && !*last) {
		uint8_t mark = lines ? ldisc->end[slot(at)] : 0;

		/* An end of file right after the bytes of a full read belongs to them. */
		if (copied == size && mark != MARK_EOF)
			break;
		if (mark != MARK_EOF)
			to[copied++] = ldisc->data[slot(at)];
		at++;
		*last = mark != 0;
	}
	*taken = at - ldisc->read;
	return copied;
}

void ldisc_take(struct ldisc *ldisc, unsigned taken)
{
	ldisc->read += taken;
}
