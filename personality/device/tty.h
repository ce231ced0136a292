/* Terminals: sessions, job control, settings; over a line discipline and a line. */
#ifndef PERSONALITY_TTY_H
#define PERSONALITY_TTY_H

#include <stdbool.h>
#include <stdint.h>

#include "call/call.h"
#include "device/console/ldisc.h"

struct session;
struct process_group;
struct process;
struct file;
struct tty;

/* As the TIOCGWINSZ call has it. */
struct tty_size {
	uint16_t rows, columns, x, y;
};

/* What is at the other end: a serial line (console.c), or the master of a pseudo-terminal (pty.c). */
struct tty_line {
	void (*put)(struct tty *tty, uint8_t byte);     /* loses it when it is full */
	unsigned (*room)(const struct tty *tty);        /* for bytes of programs. Null: always enough */
	void (*flush)(struct tty *tty);                 /* what was put and not taken goes. Null: it is on the wire */
	void (*note)(struct tty *tty, unsigned status); /* TIOCPKT_* bits have happened. Null: nobody asks */
	void (*wake)(struct tty *tty, unsigned events); /* bytes were put (POLLIN), input was taken (POLLOUT) */
	void (*closed)(struct tty *tty);                /* the last file of it; may free it. Null: nothing */
	bool hangs_up; /* a session's end hangs it up, as a modem's line; else its foreground group is told */
};

/*
 * A terminal. Its files are the open descriptions of /dev/ttyS0, /dev/pts/N, /dev/tty, /dev/console; each knows which
 * hang-up it came after (file->mark), so that one hang-up ends all that were there before. A session controls one and
 * is known by it as long as both are: tty->session and session->terminal are set and cleared together.
 */
struct tty {
	struct ldisc ldisc;
	const struct tty_line *line;
	struct tty_settings first; /* that it has when it is new, and after it was hung up */
	uint32_t speed[2];         /* input, output: what BOTHER stands for */
	struct tty_size size;
	struct session *session;          /* that it controls, or null */
	struct process_group *foreground; /* null: none, or it has no process any more */
	int foreground_id;                /* 0: none */
	struct wait_queue queue;
	uint64_t device;     /* st_rdev */
	uint64_t last_input; /* ns: for VTIME */
	unsigned files;      /* open */
	unsigned hang_ups;
	bool exclusive; /* TIOCEXCL */
	bool throttled; /* the line was told to stop (IXOFF) */
	bool noted_stop;
};

/* A file's mark that no hang-up ends: of the system's console. */
#define TTY_NEVER_HUNG_UP UINT32_MAX

void tty_init(struct tty *tty, uint64_t device, const struct tty_settings *settings, const struct tty_line *line);
/* A byte came in; tty_received after the last one. */
void tty_input(struct tty *tty, uint8_t byte);
void tty_received(struct tty *tty);
void tty_wake(struct tty *tty, unsigned events);

/*
 * Makes a file the terminal's: a new one, which its release takes away again. tty_open takes the terminal as
 * controlling one where the rules say so, and may refuse: 0, -EBUSY.
 */
void tty_attach(struct tty *tty, struct file *file);
int tty_open(struct call *call, struct tty *tty, struct file *file);

/* Another size of the screen: the foreground group is told. */
void tty_set_size(struct tty *tty, const struct tty_size *size);

/* Whether the file was opened before the last hang-up: it leads nowhere. */
bool tty_is_hung_up(const struct file *file);

/* --- Jobs (ttyjobs.c). */
/* The controlling terminal of a process, or null. */
struct tty *process_terminal(const struct process *process);
/*
 * A process outside the foreground group may not go on: its group gets the signal (and the call is interrupted by it),
 * or, when that would have no effect, the call fails. 0: go on.
 */
int64_t tty_check_foreground(struct call *call, struct tty *tty, int signal);
/* A signal to the foreground group. What has ended by it may have closed its files. */
void tty_signal(struct tty *tty, int signal);
/* Makes it the caller's controlling terminal. 0 or -EPERM. */
int tty_take(struct call *call, struct tty *tty, bool steal);
/*
 * The line has gone, or as if: no file that is open leads to it any more, and its session has lost it. Its leader is
 * told by SIGHUP and SIGCONT; the foreground group, too, when the session ends by it, else when the leader ends.
 */
void tty_hang_up(struct tty *tty, bool session_ends);
/* The leader has ended, or gives the terminal up. */
void tty_session_leaves(struct session *session, bool ends);

/* The speeds that the settings stand for; told: what BOTHER does (ttycontrol.c). */
void tty_set_speeds(struct tty *tty, const uint32_t told[2]);

/* --- ioctl (ttycontrol.c). By the terminal's own files, or by its master. */
int64_t tty_control(
	struct call *call, struct tty *tty, struct file *file, bool master, uint64_t request, uint64_t argument);

/* The console's terminal. */
extern struct tty console_tty;

#endif
