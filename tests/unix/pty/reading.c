/* How reads wait: VMIN and VTIME, no waiting, poll. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "cases.h"

static long now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* A read while somebody types `text` byte by byte, `pause` ms before each: what it gets, and in how many tenths. */
static void timed(const struct pair *pair, const char *what, size_t size, const char *text, int pause)
{
	pid_t child = fork();
	char bytes[64];
	ssize_t got;
	long start, took;

	if (child == 0) {
		for (; *text != 0; text++) {
			usleep((useconds_t)pause * 1000);
			if (write(pair->master, text, 1) != 1)
				exit(1);
		}
		exit(0);
	}
	start = now();
	got = read(pair->slave, bytes, size);
	took = (now() - start + 50) / 100;
	waitpid(child, NULL, 0);
	printf("%s: %zd %.*s%s after %ld tenths\n", what, got, got > 0 ? (int)got : 0, bytes,
		got < 0 ? strerrorname_np(errno) : "", took);
	quiet();
	fcntl(pair->slave, F_SETFL, O_NONBLOCK);
	while (read(pair->slave, bytes, sizeof bytes) > 0)
		;
	fcntl(pair->slave, F_SETFL, 0);
}

static void times(void)
{
	struct pair pair = pair_open();

	raw(pair.slave, 1, 0);
	timed(&pair, "MIN 1 TIME 0", 10, "ab", 100);
	raw(pair.slave, 3, 0);
	timed(&pair, "MIN 3 TIME 0", 10, "abcd", 100);
	timed(&pair, "MIN 3 TIME 0, room for 2", 2, "abcd", 100);
	raw(pair.slave, 0, 0);
	timed(&pair, "MIN 0 TIME 0", 10, "ab", 100);
	raw(pair.slave, 0, 3);
	timed(&pair, "MIN 0 TIME 3", 10, "ab", 100);
	timed(&pair, "MIN 0 TIME 3, nothing", 10, "", 100);
	raw(pair.slave, 3, 2);
	timed(&pair, "MIN 3 TIME 2", 10, "abcd", 100);
	timed(&pair, "MIN 3 TIME 2, slowly", 10, "abcd", 400);
	pair_close(&pair);
}

/* Writes until there is no room, also after what was written has gone where it can. How many times. */
static int fill(int fd)
{
	char bytes[64];
	int number = 0, idle = 0;

	memset(bytes, 'x', sizeof bytes);
	while (idle < 3 && number < 100000) {
		if (write(fd, bytes, sizeof bytes) > 0) {
			number++;
			idle = 0;
		} else {
			idle++;
			quiet();
		}
	}
	return number;
}

static void no_waiting(void)
{
	struct pair pair = pair_open();
	char bytes[64];
	int number = 0;

	raw(pair.slave, 1, 0);
	fcntl(pair.slave, F_SETFL, O_NONBLOCK);
	fcntl(pair.master, F_SETFL, O_NONBLOCK);
	tell("MIN 1 TIME 0", read(pair.slave, bytes, sizeof bytes));
	raw(pair.slave, 0, 0);
	tell("MIN 0 TIME 0", read(pair.slave, bytes, sizeof bytes));
	raw(pair.slave, 0, 1);
	tell("MIN 0 TIME 1", read(pair.slave, bytes, sizeof bytes));
	raw(pair.slave, 5, 1);
	type(&pair, "ab");
	one_read("MIN 5 TIME 1, two there", pair.slave, 10);
	raw(pair.slave, 5, 0);
	type(&pair, "ab");
	one_read("MIN 5 TIME 0, two there", pair.slave, 10);
	local(pair.slave, ICANON, 0);
	type(&pair, "line");
	tell("no line", read(pair.slave, bytes, sizeof bytes));
	tell("no output", read(pair.master, bytes, sizeof bytes));
	tell("nothing is read", read(pair.slave, bytes, 0));
	tell("nothing is written", write(pair.slave, bytes, 0));
	number = fill(pair.slave);
	printf("a full line: %s, after some: %d\n", strerrorname_np(errno), number > 50 && number < 100000);
	events("full", pair.slave, 0);
	for (number = 0; number < 1000 && read(pair.master, bytes, sizeof bytes) > 0; number++)
		usleep(1000);
	events("emptied", pair.slave, 0);
	raw(pair.slave, 1, 0);
	number = fill(pair.master);
	printf("full the other way: %s, after some: %d\n", strerrorname_np(errno), number > 50 && number < 100000);
	events("full", pair.master, 0);
	for (number = 0; number < 10000 && read(pair.slave, bytes, sizeof bytes) > 0; number++)
		usleep(1000);
	events("emptied", pair.master, 0);
	pair_close(&pair);
}

static void polls(void)
{
	struct pair pair = pair_open();
	struct epoll_event event = {.events = EPOLLIN | EPOLLET}, got;
	int set = epoll_create1(0);

	events("at first, terminal", pair.slave, 0);
	events("master", pair.master, 0);
	type(&pair, "half");
	events("half a line, terminal", pair.slave, 0);
	events("master", pair.master, 0);
	show("echo", pair.master);
	type(&pair, "\n");
	events("a line", pair.slave, 0);
	show("it", pair.slave);
	show("echo", pair.master);
	events("read", pair.slave, 0);
	type(&pair, "\x04");
	events("an end", pair.slave, 0);
	one_read("it", pair.slave, 10);
	raw(pair.slave, 4, 0);
	type(&pair, "ab");
	events("two of four", pair.slave, 0);
	type(&pair, "cd");
	events("four", pair.slave, 0);
	one_read("they", pair.slave, 10);
	raw(pair.slave, 4, 1);
	type(&pair, "a");
	events("one, with a time", pair.slave, 0);
	one_read("it", pair.slave, 10);
	tell("epoll", epoll_ctl(set, EPOLL_CTL_ADD, pair.slave, &event));
	tell("nothing", epoll_wait(set, &got, 1, 0));
	type(&pair, "a");
	tell("a byte", epoll_wait(set, &got, 1, 1000));
	tell("no more", epoll_wait(set, &got, 1, 0));
	type(&pair, "b");
	tell("an edge", epoll_wait(set, &got, 1, 1000));
	event.events = EPOLLIN;
	tell("epoll of the master", epoll_ctl(set, EPOLL_CTL_ADD, pair.master, &event));
	tell("write", write(pair.slave, "x", 1));
	tell("output", epoll_wait(set, &got, 1, 1000));
	tell("still", epoll_wait(set, &got, 1, 0));
	close(set);
	pair_close(&pair);
}

static void on_alarm(int signal)
{
	(void)signal;
}

static void interrupted(void)
{
	struct sigaction action = {.sa_handler = on_alarm};
	struct pair pair = pair_open();
	char bytes[16];

	sigaction(SIGALRM, &action, NULL);
	ualarm(50000, 0);
	tell("a read that a signal ends", read(pair.slave, bytes, sizeof bytes));
	ualarm(50000, 0);
	tell("of the master", read(pair.master, bytes, sizeof bytes));
	raw(pair.slave, 3, 0);
	type(&pair, "ab");
	ualarm(50000, 0);
	one_read("two of three", pair.slave, sizeof bytes);
	pair_close(&pair);
}

void reading_cases(void)
{
	times();
	no_waiting();
	polls();
	interrupted();
}
