/* The line discipline: what lies between a serial line and a program. Pure: no locks, no calls, testable on the build
 * host. */
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

struct ldisc {
	struct tty_settings settings;
	void (*put)(void *context, uint8_t byte);  /* to the line: echo and output */
	void (*signal)(void *context, int signal); /* to the foreground group */
	void *context;

	/*
	 * Input: a ring. In canonical mode bytes from `read` to `committed` are whole lines, the rest is being edited.
	 * end[i] marks the last byte of a line; END_OF_FILE: the byte itself is not for the reader.
	 */
	uint8_t data[LDISC_SIZE];
	uint8_t end[LDISC_SIZE];
	unsigned read, committed, written; /* counts, modulo the size when used as indices */
	bool literal;                      /* LNEXT was typed */
	bool stopped;                      /* by the STOP character */
	unsigned column;
	unsigned edit_column; /* where the line being edited began */
};

void ldisc_init(struct ldisc *ldisc, void (*put)(void *, uint8_t), void (*signal)(void *, int), void *context);
/* Takes new settings; what is in the buffer becomes readable when canonical mode ends. */
void ldisc_set(struct ldisc *ldisc, const struct tty_settings *settings);
/* A byte from the line. */
void ldisc_input(struct ldisc *ldisc, uint8_t byte);
/* A byte from a program. */
void ldisc_output(struct ldisc *ldisc, uint8_t byte);
/* Bytes that a read could get now; in canonical mode 0 for an end of file too: see ldisc_ready. */
unsigned ldisc_available(const struct ldisc *ldisc);
/* Whether a read in canonical mode would not wait. */
bool ldisc_ready(const struct ldisc *ldisc);
/* Copies what one read gets (at most size bytes, at most one line); *taken is what ldisc_take then removes. */
unsigned ldisc_peek(const struct ldisc *ldisc, uint8_t *to, unsigned size, unsigned *taken);
void ldisc_take(struct ldisc *ldisc, unsigned taken);
void ldisc_flush(struct ldisc *ldisc);

#endif
