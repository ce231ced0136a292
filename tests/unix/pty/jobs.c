/* Sessions, controlling terminals, jobs. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cases.h"

static const char *on_signal_name;

static void on_signal(int signal)
{
	char text[64];
	int size = snprintf(text, sizeof text, "%s: SIG%s\n", on_signal_name, sigabbrev_np(signal));

	if (write(1, text, (size_t)size) != size)
		_exit(9);
}

static void listen_to(const char *who, int signal)
{
	struct sigaction action = {.sa_handler = on_signal};

	on_signal_name = who;
	sigaction(signal, &action, NULL);
}

/* A child in a session of its own whose terminal this is. */
static void taking(void)
{
	struct pair pair = pair_open(), other = pair_open();
	int value = -1, fd;
	pid_t child;

	tell("TIOCNOTTY without one", ioctl(pair.slave, TIOCNOTTY));
	tell("/dev/tty without one", open("/dev/tty", O_RDWR));
	tell("TIOCSCTTY", ioctl(pair.slave, TIOCSCTTY, 0));
	tell("again", ioctl(pair.slave, TIOCSCTTY, 0));
	tell("another", ioctl(other.slave, TIOCSCTTY, 0));
	tell("TIOCGSID", ioctl(pair.slave, TIOCGSID, &value));
	printf("mine %d\n", value == getpid());
	tell("TIOCGSID by the master", ioctl(pair.master, TIOCGSID, &value));
	printf("mine %d\n", value == getpid());
	tell("TIOCGPGRP", ioctl(pair.slave, TIOCGPGRP, &value));
	printf("mine %d\n", value == getpid());
	fd = open("/dev/tty", O_RDWR);
	tell("/dev/tty", fd >= 0);
	tell("written to it", write(fd, "x\n", 2));
	show("comes", pair.master);
	close(fd);
	child = fork();
	if (child == 0) {
		tell("a child: /dev/tty", open("/dev/tty", O_RDWR) >= 0);
		tell("its TIOCSCTTY", ioctl(pair.slave, TIOCSCTTY, 0));
		tell("its TIOCNOTTY", ioctl(pair.slave, TIOCNOTTY));
		tell("then /dev/tty", open("/dev/tty", O_RDWR));
		tell("TIOCGPGRP", ioctl(pair.slave, TIOCGPGRP, &value));
		tell("setsid", setsid() == getpid());
		tell("a new session: TIOCSCTTY", ioctl(pair.slave, TIOCSCTTY, 0));
		tell("an open without O_NOCTTY", open(other.name, O_RDWR) >= 0);
		tell("gives it a terminal", open("/dev/tty", O_RDWR) >= 0);
		ioctl(other.slave, TIOCGSID, &value);
		printf("its own %d\n", value == getpid());
		exit(0);
	}
	state_of("the child", child);
	tell("/dev/tty still", open("/dev/tty", O_RDWR) >= 0);
	child = fork();
	if (child == 0) {
		setsid();
		tell("stealing it", ioctl(pair.slave, TIOCSCTTY, 1));
		exit(0);
	}
	state_of("the thief", child);
	tell("then /dev/tty", open("/dev/tty", O_RDWR));
	pair_close(&other);
	pair_close(&pair);
}

static void foreground(void)
{
	struct pair pair = pair_open();
	pid_t child, second;
	char byte;
	int value;

	signal(SIGHUP, SIG_IGN);
	ioctl(pair.slave, TIOCSCTTY, 0);
	tell("no such group", ioctl(pair.slave, TIOCSPGRP, (value = 30000, &value)));
	tell("a negative one", ioctl(pair.slave, TIOCSPGRP, (value = -1, &value)));
	tell("another session's", ioctl(pair.slave, TIOCSPGRP, (value = getpgid(getppid()), &value)));
	child = fork();
	if (child == 0) {
		setpgid(0, 0);
		tell("a read in the background", read(pair.slave, &byte, 1));
		exit(0);
	}
	state_of("a reader", child);
	value = child;
	tell("to the foreground", ioctl(pair.slave, TIOCSPGRP, &value));
	kill(child, SIGCONT);
	state_of("it", child);
	type(&pair, "a\n");
	state_of("it", child);
	tell("TIOCGPGRP of a group that is gone", ioctl(pair.slave, TIOCGPGRP, &value));
	printf("its number %d\n", value == child);
	signal(SIGTTOU, SIG_IGN);
	value = getpid();
	tell("back", ioctl(pair.slave, TIOCSPGRP, &value));
	signal(SIGTTOU, SIG_DFL);
	show("what was left", pair.slave);
	child = fork();
	if (child == 0) {
		setpgid(0, 0);
		tell("a write in the background", write(pair.slave, "w\n", 2));
		local(pair.slave, 0, ECHO);
		tell("settings", 0);
		exit(0);
	}
	state_of("a writer that sets", child);
	show("written", pair.master);
	kill(child, SIGKILL);
	state_of("it", child);
	local(pair.slave, TOSTOP, 0);
	child = fork();
	if (child == 0) {
		setpgid(0, 0);
		tell("with TOSTOP", write(pair.slave, "w\n", 2));
		exit(0);
	}
	state_of("a writer", child);
	kill(child, SIGKILL);
	state_of("it", child);
	child = fork();
	if (child == 0) {
		setpgid(0, 0);
		signal(SIGTTOU, SIG_IGN);
		signal(SIGTTIN, SIG_IGN);
		tell("deaf to SIGTTOU", write(pair.slave, "d\n", 2));
		tell("deaf to SIGTTIN", read(pair.slave, &byte, 1));
		value = getpid();
		tell("deaf, to the foreground", ioctl(pair.slave, TIOCSPGRP, &value));
		value = getppid();
		tell("and back", ioctl(pair.slave, TIOCSPGRP, &value));
		exit(0);
	}
	state_of("a deaf one", child);
	child = fork();
	if (child == 0) {
		setpgid(0, 0);
		listen_to("a listener", SIGTTIN);
		tell("with a handler", read(pair.slave, &byte, 1));
		exit(0);
	}
	state_of("a listener", child);
	child = fork();
	if (child == 0) {
		pid_t parent = getpid();

		second = fork();
		if (second == 0) {
			while (getppid() == parent)
				usleep(1000);
			usleep(20000);
			setpgid(0, 0);
			tell("an orphan's read", read(pair.slave, &byte, 1));
			tell("its write", write(pair.slave, "o\n", 2));
			value = getpid();
			tell("its group", ioctl(pair.slave, TIOCSPGRP, &value));
			exit(0);
		}
		exit(0);
	}
	state_of("its parent", child);
	usleep(200000);
	show("came", pair.master);
	pair_close(&pair);
}

/* After those who have heard of it have said so. */
static void later(const char *what, long result)
{
	usleep(30000);
	tell(what, result);
}

static void keys(void)
{
	struct pair pair = pair_open();
	int ready[2];
	pid_t child;
	char byte;
	struct {
		unsigned short rows, columns, x, y;
	} size = {10, 20, 0, 0};

	if (pipe(ready) != 0)
		exit(1);
	signal(SIGTTOU, SIG_IGN);
	ioctl(pair.slave, TIOCSCTTY, 0);
	child = fork();
	if (child == 0) {
		int value = getpid();

		setpgid(0, 0);
		ioctl(pair.slave, TIOCSPGRP, &value);
		signal(SIGTTOU, SIG_DFL);
		listen_to("the job", SIGINT);
		listen_to("the job", SIGWINCH);
		if (write(ready[1], "x", 1) != 1)
			exit(1);
		for (;;)
			pause();
	}
	if (read(ready[0], &byte, 1) != 1)
		exit(1);
	listen_to("the shell", SIGWINCH);
	type(&pair, "lost");
	type(&pair, "\x03kept\n");
	show("shown", pair.master);
	show("read", pair.slave);
	local(pair.slave, NOFLSH, 0);
	type(&pair, "kept\x03 too\n");
	show("NOFLSH, shown", pair.master);
	show("read", pair.slave);
	later("TIOCSWINSZ", ioctl(pair.slave, TIOCSWINSZ, &size));
	later("the same again", ioctl(pair.master, TIOCSWINSZ, &size));
	size.columns = 30;
	later("another", ioctl(pair.master, TIOCSWINSZ, &size));
	later("TIOCSIG", ioctl(pair.master, TIOCSIG, SIGINT));
	tell("not every signal", ioctl(pair.master, TIOCSIG, SIGKILL));
	type(&pair, "\x1a");
	state_of("suspended", child);
	kill(child, SIGCONT);
	state_of("and", child);
	type(&pair, "\x1c");
	show("shown", pair.master);
	state_of("quit", child);
	pair_close(&pair);
}

/* Output that nobody has read goes with the input. */
static void flushed_by_keys(void)
{
	struct pair pair = pair_open();

	tell("write", write(pair.slave, "output", 6));
	quiet();
	type(&pair, "\x03");
	show("comes", pair.master);
	pair_close(&pair);
}

void job_cases(void)
{
	void (*const cases[])(void) = {taking, foreground, keys, flushed_by_keys};

	for (unsigned i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		pid_t child = fork();

		if (child == 0) {
			setsid();
			cases[i]();
			exit(0);
		}
		state_of("these", child);
	}
}
