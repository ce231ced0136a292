/* Terminals: sessions, job control, settings; over a line discipline and a line. */
#ifndef PERSONALITY_TTY_H
#define PERSONALITY_TTY_H

#include <stdbool.h>
#include <stdint.h>

#include "call/call.h"
#include "device/console/ldisc.h"

struct session;
struct process_group;
struct file;

struct tty_size {
	uint16_t rows, columns, x, y;
};

struct tty {
	struct ldisc ldisc;
	struct tty_size size;
	struct session *session; /* that it controls, or null */
	int foreground;          /* process group, 0: none */
	struct wait_queue queue;
	uint64_t device;     /* st_rdev */
	uint64_t last_input; /* ns: for VTIME */
};

void tty_init(struct tty *tty, uint64_t device, void (*put)(void *context, uint8_t byte));
/* A byte came in; tty_wake after the last one. */
void tty_input(struct tty *tty, uint8_t byte);
void tty_wake(struct tty *tty);

/* Makes a file the terminal's; takes it as controlling terminal where the rules say so. 0. */
int tty_open(struct call *call, struct tty *tty, struct file *file);

/* The same without taking it. */
void tty_attach(struct tty *tty, struct file *file);

void tty_session_ended(struct tty *tty, struct session *session);

/* The console's terminal. */
extern struct tty console_tty;

#endif
