/* The line: stopping and starting, flushing, packet mode, another editor at the other end. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cases.h"

static void flow(void)
{
	struct pair pair = pair_open();

	fcntl(pair.slave, F_SETFL, O_NONBLOCK);
	type(&pair, "\x13");
	tell("written when stopped", write(pair.slave, "a", 1));
	events("stopped", pair.slave, 0);
	type(&pair, "\x11");
	tell("started", write(pair.slave, "b", 1));
	show("comes", pair.master);
	type(&pair, "\x13");
	type(&pair, "x");
	tell("not by any key", write(pair.slave, "c", 1));
	input(pair.slave, IXANY, 0);
	type(&pair, "y");
	tell("by any key", write(pair.slave, "d", 1));
	show("comes", pair.master);
	type(&pair, "\n");
	show("read", pair.slave);
	show("echo", pair.master);
	tell("TCOOFF", ioctl(pair.slave, TCXONC, TCOOFF));
	tell("written", write(pair.slave, "e", 1));
	type(&pair, "\x11");
	tell("the key does not help", write(pair.slave, "f", 1));
	tell("TCOON", ioctl(pair.slave, TCXONC, TCOON));
	tell("written", write(pair.slave, "g", 1));
	show("comes", pair.master);
	tell("TCIOFF", ioctl(pair.slave, TCXONC, TCIOFF));
	tell("TCION", ioctl(pair.slave, TCXONC, TCION));
	show("the other end is told", pair.master);
	type(&pair, "\x13");
	input(pair.slave, 0, IXON);
	tell("without IXON", write(pair.slave, "h", 1));
	show("comes", pair.master);
	type(&pair, "\x13\x11\n");
	show("then these are characters", pair.slave);
	pair_close(&pair);
}

static void flushing(void)
{
	struct pair pair = pair_open();

	local(pair.slave, 0, ECHO);
	type(&pair, "lost\n");
	tell("TCIFLUSH", ioctl(pair.slave, TCFLSH, TCIFLUSH));
	show("read", pair.slave);
	tell("write", write(pair.slave, "lost", 4));
	tell("TCIFLUSH by the master", ioctl(pair.master, TCFLSH, TCIFLUSH));
	show("read", pair.master);
	type(&pair, "kept\n");
	tell("TCOFLUSH", ioctl(pair.slave, TCFLSH, TCOFLUSH));
	show("read", pair.slave);
	pair_close(&pair);
}

static void packets(void)
{
	struct pair pair = pair_open();
	struct termios settings;
	int on = 1, value = 9;

	tell("TIOCGPKT", ioctl(pair.master, TIOCGPKT, &value));
	printf("%d\n", value);
	tell("TIOCPKT", ioctl(pair.master, TIOCPKT, &on));
	ioctl(pair.master, TIOCGPKT, &value);
	printf("%d\n", value);
	tell("write", write(pair.slave, "data", 4));
	quiet();
	one_read("in part", pair.master, 3);
	show("data", pair.master);
	ioctl(pair.slave, TCFLSH, TCIFLUSH);
	events("flushed", pair.master, 0);
	one_read("input", pair.master, 10);
	ioctl(pair.slave, TCFLSH, TCOFLUSH);
	one_read("output", pair.master, 10);
	ioctl(pair.slave, TCXONC, TCOOFF);
	one_read("stop", pair.master, 10);
	ioctl(pair.slave, TCXONC, TCOON);
	one_read("start", pair.master, 10);
	settings = get(pair.slave);
	settings.c_iflag &= ~(unsigned)IXON;
	set(pair.slave, &settings);
	one_read("no stop characters", pair.master, 10);
	settings.c_iflag |= IXON;
	set(pair.slave, &settings);
	one_read("stop characters", pair.master, 10);
	settings.c_lflag |= EXTPROC;
	set(pair.slave, &settings);
	one_read("EXTPROC", pair.master, 10);
	settings.c_lflag &= ~(unsigned)ECHO;
	set(pair.slave, &settings);
	one_read("a change with it", pair.master, 10);
	settings.c_lflag &= ~(unsigned)EXTPROC;
	set(pair.slave, &settings);
	one_read("and of it", pair.master, 10);
	events("no more", pair.master, 0);
	type(&pair, "\x13");
	one_read("typed stop", pair.master, 10);
	type(&pair, "\x11");
	one_read("typed start", pair.master, 10);
	on = 0;
	ioctl(pair.master, TIOCPKT, &on);
	tell("write", write(pair.slave, "plain", 5));
	show("without", pair.master);
	pair_close(&pair);
}

static void another_editor(void)
{
	struct pair pair = pair_open();

	local(pair.slave, EXTPROC, 0);
	type(&pair, "ab\x7f\x03");
	show("shown", pair.master);
	show("read", pair.slave);
	pair_close(&pair);
}

/* What is written before somebody opens the terminal. */
static void early(void)
{
	int master = open("/dev/ptmx", O_RDWR | O_NOCTTY), number, zero = 0, slave;
	char name[32];

	ioctl(master, TIOCGPTN, &number);
	events("nobody has opened it", master, 0);
	tell("typed", write(master, "early\n", 6));
	show("echo", master);
	ioctl(master, TIOCSPTLCK, &zero);
	snprintf(name, sizeof name, "/dev/pts/%d", number);
	slave = open(name, O_RDWR | O_NOCTTY);
	show("read", slave);
	close(slave);
	close(master);
}

void line_cases(void)
{
	flow();
	flushing();
	packets();
	another_editor();
	early();
}
