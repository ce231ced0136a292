/* The line discipline: what lies between a line (a serial one, or the master of a pseudo-terminal) and a program. Pure:
 * no locks, no calls, testable on the build host. */
#ifndef PERSONALITY_CONSOLE_LDISC_H
#define PERSONALITY_CONSOLE_LDISC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* struct termios as the TCGETS call has it on x86-64 (36 bytes; the C library's is larger). */
struct tty_settings {
	uint32_t input, output, control, local;
	uint8_t line;
	uint8_t character[19];
};

/* Indices into character[]. */
enum {
	CHAR_INTR,
	CHAR_QUIT,
	CHAR_ERASE,
	CHAR_KILL,
	CHAR_EOF,
	CHAR_TIME,
	CHAR_MIN,
	CHAR_SWTC,
	CHAR_START,
	CHAR_STOP,
	CHAR_SUSP,
	CHAR_EOL,
	CHAR_REPRINT,
	CHAR_DISCARD,
	CHAR_WERASE,
	CHAR_LNEXT,
	CHAR_EOL2,
};

#define LDISC_SIZE 4096u /* a line is at most one byte shorter */

/* What the discipline does to what is around it. */
struct ldisc_line {
	void (*put)(void *context, uint8_t byte);  /* to the line: echo and output. A line that is full loses it */
	void (*signal)(void *context, int signal); /* to the foreground group; the last thing that an input does */
	void (*flush)(void *context);              /* what was put and is not on its way yet is thrown away, */
	void (*flushed)(void *context);            /* and the input was */
};

struct ldisc {
	struct tty_settings settings;
	const struct ldisc_line *line;
	void *context;

	/*
	 * Input: a ring. In canonical mode bytes from `read` to `committed` are whole lines, the rest is being edited.
	 * end[i] marks the last byte of a line; END_OF_FILE: the byte itself is not for the reader.
	 */
	uint8_t data[LDISC_SIZE];
	uint8_t end[LDISC_SIZE];
	unsigned read, committed, written; /* counts, modulo the size when used as indices */
	bool literal;                      /* LNEXT was typed */
	bool stopped;                      /* by the STOP character, */
	bool held;                         /* or by a program (TCXONC), whatever is typed */
	unsigned column;
	unsigned edit_column; /* where the line being edited began */
};

/* The settings that a new terminal has. */
extern const struct tty_settings ldisc_defaults;

void ldisc_init(struct ldisc *ldisc, const struct tty_settings *settings, const struct ldisc_line *line, void *context);
/* Takes new settings; what is in the buffer becomes readable when canonical mode ends. */
void ldisc_set(struct ldisc *ldisc, const struct tty_settings *settings);
/* A byte from the line. */
void ldisc_input(struct ldisc *ldisc, uint8_t byte);
/* A byte from a program. */
void ldisc_output(struct ldisc *ldisc, uint8_t byte);
/* How many bytes from the line it has room for, without losing any that it would not lose from a typist who goes on. */
unsigned ldisc_room(const struct ldisc *ldisc);
/* How many bytes from a program it turns into no more than `room` for the line. */
unsigned ldisc_output_room(const struct ldisc *ldisc, unsigned room);
/* Whether it reads lines, which are edited before. */
bool ldisc_is_canonical(const struct ldisc *ldisc);
/* Whether output is to wait. */
bool ldisc_is_stopped(const struct ldisc *ldisc);
/* Bytes that a read could get now; in canonical mode 0 for an end of file too: see ldisc_ready. */
unsigned ldisc_available(const struct ldisc *ldisc);
/* Whether a read in canonical mode would not wait. */
bool ldisc_ready(const struct ldisc *ldisc);
/* Copies what one read gets (at most size bytes, at most one line); *taken is what ldisc_take then removes; *last:
 * whether the line ends there. */
unsigned ldisc_peek(const struct ldisc *ldisc, uint8_t *to, unsigned size, unsigned *taken, bool *last);
void ldisc_take(struct ldisc *ldisc, unsigned taken);
void ldisc_flush(struct ldisc *ldisc);

#endif
