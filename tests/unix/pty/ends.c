/* Closing either side, hang-ups, the ends of sessions. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cases.h"

static volatile sig_atomic_t heard_hup, heard_cont;

static void on_signal(int signal)
{
	if (signal == SIGHUP)
		heard_hup++;
	else
		heard_cont++;
}

static void heard(const char *who)
{
	printf("%s heard SIGHUP %d, SIGCONT %d\n", who, (int)heard_hup, (int)heard_cont);
}

static void listen_to(int signal)
{
	struct sigaction action = {.sa_handler = on_signal};

	sigaction(signal, &action, NULL);
}

static void terminal_closes(void)
{
	struct pair pair = pair_open();
	struct termios settings;
	char bytes[16];

	tell("last words", write(pair.slave, "last words\n", 11));
	local(pair.slave, 0, ECHO);
	close(pair.slave);
	events("closed", pair.master, 0);
	one_read("what is left", pair.master, 100);
	tell("and then", read(pair.master, bytes, sizeof bytes));
	events("read", pair.master, 0);
	tell("a write", write(pair.master, "typed\n", 6));
	tell("TCGETS", ioctl(pair.master, TCGETS, &settings));
	pair.slave = open(pair.name, O_RDWR | O_NOCTTY);
	events("opened again", pair.master, 0);
	printf("echo %d\n", (get(pair.slave).c_lflag & ECHO) != 0);
	show("what was typed meanwhile", pair.slave);
	tell("write", write(pair.slave, "again\n", 6));
	show("comes", pair.master);
	pair_close(&pair);
}

static void master_closes(void)
{
	struct pair pair = pair_open();
	struct termios settings;
	struct stat status;
	char path[32], bytes[16];
	int place = open(pair.name, O_PATH), value;

	type(&pair, "typed\n");
	close(pair.master);
	events("closed", pair.slave, 0);
	tell("read", read(pair.slave, bytes, sizeof bytes));
	tell("write", write(pair.slave, "x", 1));
	tell("write of nothing", write(pair.slave, "x", 0));
	tell("TCGETS", ioctl(pair.slave, TCGETS, &settings));
	tell("TIOCSPGRP", ioctl(pair.slave, TIOCSPGRP, &value));
	tell("TIOCSCTTY", ioctl(pair.slave, TIOCSCTTY, 0));
	tell("FIONREAD", ioctl(pair.slave, FIONREAD, &value));
	tell("fstat", fstat(pair.slave, &status));
	printf("links %d\n", (int)status.st_nlink);
	tell("by its name", open(pair.name, O_RDWR | O_NOCTTY));
	snprintf(path, sizeof path, "/proc/self/fd/%d", place);
	tell("by its place", open(path, O_RDWR | O_NOCTTY));
	close(pair.slave);
	{
		struct pair next = pair_open();

		printf("another of its number: %d\n", next.number == pair.number);
		tell("by the place of the one before", open(path, O_RDWR | O_NOCTTY));
		pair_close(&next);
	}
	close(place);
}

/* Somebody waits while the other side closes. */
static void waiting(void)
{
	struct pair pair = pair_open();
	pid_t child = fork();
	char bytes[5000];

	if (child == 0) {
		close(pair.slave);
		tell("a read of the master", read(pair.master, bytes, 16));
		exit(0);
	}
	usleep(50000);
	close(pair.slave);
	state_of("it", child);
	pair.slave = open(pair.name, O_RDWR | O_NOCTTY);
	child = fork();
	if (child == 0) {
		ssize_t got;

		close(pair.master);
		memset(bytes, 'x', sizeof bytes);
		do
			got = write(pair.slave, bytes, sizeof bytes);
		while (got == sizeof bytes);
		/* All of it, or none: how much fits into a line is its own affair. */
		printf("a write: %s\n", got >= 0 ? "part" : strerrorname_np(errno));
		exit(0);
	}
	usleep(100000);
	close(pair.master);
	state_of("it", child);
	close(pair.slave);
}

/* The leader, and a job in the foreground, when the master closes. */
static void hang_up(void)
{
	int tell_pipe[2];
	struct pair pair = pair_open();
	pid_t leader;
	char bytes[4];

	if (pipe(tell_pipe) != 0)
		exit(1);
	leader = fork();
	if (leader == 0) {
		pid_t job;

		setsid();
		ioctl(pair.slave, TIOCSCTTY, 0);
		close(pair.master);
		job = fork();
		if (job == 0) {
			int value = getpid();

			signal(SIGTTOU, SIG_IGN);
			setpgid(0, 0);
			ioctl(pair.slave, TIOCSPGRP, &value);
			if (write(tell_pipe[1], "r", 1) != 1)
				exit(1);
			for (;;)
				pause();
		}
		listen_to(SIGHUP);
		listen_to(SIGCONT);
		if (write(tell_pipe[1], "r", 1) != 1)
			exit(1);
		while (heard_hup == 0 || heard_cont == 0)
			usleep(5000);
		usleep(20000);
		heard("the leader");
		tell("/dev/tty", open("/dev/tty", O_RDWR));
		tell("the job has not ended", waitpid(job, NULL, WNOHANG));
		exit(3);
	}
	close(pair.slave);
	for (int i = 0; i < 2; i++) {
		if (read(tell_pipe[0], bytes, 1) != 1)
			exit(1);
	}
	usleep(50000);
	close(pair.master);
	state_of("the leader", leader);
	close(tell_pipe[1]);
	/* The job holds the other end until the leader's end ends it. */
	tell("the job has ended", read(tell_pipe[0], bytes, 1));
	close(tell_pipe[0]);
}

static void leader_ends(void)
{
	struct pair pair = pair_open();
	int tell_pipe[2], go[2], value;
	pid_t leader;
	char bytes[4];

	if (pipe(tell_pipe) != 0 || pipe(go) != 0)
		exit(1);
	leader = fork();
	if (leader == 0) {
		pid_t job;

		setsid();
		ioctl(pair.slave, TIOCSCTTY, 0);
		job = fork();
		if (job == 0) {
			value = getpid();
			signal(SIGTTOU, SIG_IGN);
			setpgid(0, 0);
			ioctl(pair.slave, TIOCSPGRP, &value);
			listen_to(SIGHUP);
			if (write(tell_pipe[1], "r", 1) != 1)
				exit(1);
			while (heard_hup == 0)
				usleep(5000);
			if (read(go[0], bytes, 1) != 1)
				exit(1);
			heard("the job");
			tell("/dev/tty", open("/dev/tty", O_RDWR));
			tell("but the terminal works", write(pair.slave, "x", 1));
			exit(0);
		}
		if (read(tell_pipe[0], bytes, 1) != 1)
			exit(1);
		usleep(20000);
		exit(0);
	}
	state_of("the leader", leader);
	if (write(go[1], "x", 1) != 1)
		exit(1);
	close(tell_pipe[1]);
	tell("the job has ended", read(tell_pipe[0], bytes, 1));
	tell("no session's any more", ioctl(pair.master, TIOCGSID, &value));
	show("written", pair.master);
	pair_close(&pair);
}

/* The last file of the terminal goes, and the session loses it. */
static void last_file(void)
{
	struct pair pair = pair_open();

	ioctl(pair.slave, TIOCSCTTY, 0);
	tell("/dev/tty", close(open("/dev/tty", O_RDWR)));
	close(pair.slave);
	tell("after the last file", open("/dev/tty", O_RDWR));
	pair.slave = open(pair.name, O_RDWR);
	tell("another open", pair.slave >= 0);
	tell("/dev/tty", open("/dev/tty", O_RDWR) >= 0);
	signal(SIGHUP, SIG_IGN);
	pair_close(&pair);
}

static void by_vhangup(void)
{
	struct pair pair = pair_open();
	char bytes[8];

	listen_to(SIGHUP);
	listen_to(SIGCONT);
	ioctl(pair.slave, TIOCSCTTY, 0);
	local(pair.slave, 0, ECHO);
	type(&pair, "typed\n");
	tell("vhangup", vhangup());
	heard("the leader");
	tell("read", read(pair.slave, bytes, sizeof bytes));
	tell("write", write(pair.slave, "x", 1));
	tell("/dev/tty", open("/dev/tty", O_RDWR));
	close(pair.slave);
	events("master", pair.master, 0);
	pair.slave = open(pair.name, O_RDWR);
	tell("opened again", pair.slave >= 0);
	printf("echo %d\n", (get(pair.slave).c_lflag & ECHO) != 0);
	show("typed before", pair.slave);
	tell("write", write(pair.slave, "x", 1));
	show("comes", pair.master);
	if (fork() == 0) {
		if (setresuid(1000, 1000, 1000) == 0)
			tell("a user's vhangup", vhangup());
		exit(0);
	}
	wait(NULL);
	signal(SIGHUP, SIG_IGN);
	pair_close(&pair);
}

void end_cases(void)
{
	void (*const cases[])(void) = {
		terminal_closes, master_closes, waiting, hang_up, leader_ends, last_file, by_vhangup};

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
