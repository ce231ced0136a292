/*
 * An ordinary user makes terminals that nobody reads, floods them from both sides, changes all that can be changed
 * about them, and closes either side in every state, while others wait on them. (attack-seconds: 60)
 */
#define _GNU_SOURCE
#include "attack.h"

#include <asm/ioctls.h>
#include <asm/termbits.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

int ioctl(int fd, unsigned long request, ...);

enum { ROUNDS = 150, CALLS = 300, MANY = 400, STORM = 20000, NUMBERS = 4096 };

static const unsigned long requests[] = {TCGETS, TCSETS, TCSETSF, TCSETS2, TCGETS2, TIOCSTI, TIOCSWINSZ, TIOCGWINSZ,
	TIOCPKT, TIOCSPTLCK, TIOCGPTLCK, TIOCGPTPEER, TIOCSIG, TCFLSH, TCXONC, TIOCSCTTY, TIOCNOTTY, TIOCSPGRP,
	TIOCGPGRP, TIOCGSID, TIOCEXCL, TIOCNXCL, FIONREAD, TIOCOUTQ, TIOCSETD, TCSBRK, TIOCVHANGUP, FIONBIO};

static int open_pair(int *slave)
{
	int master = open("/dev/ptmx", O_RDWR | O_NOCTTY), zero = 0;

	*slave = -1;
	if (master >= 0) {
		ioctl(master, TIOCSPTLCK, &zero);
		*slave = ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY);
	}
	return master;
}

static void raw(int fd)
{
	struct termios settings;

	if (ioctl(fd, TCGETS, &settings) == 0) {
		settings.c_lflag = 0;
		settings.c_oflag = 0;
		ioctl(fd, TCSETS, &settings);
	}
}

/* Anything with the descriptor. */
static void meddle(int fd, unsigned *seed)
{
	static const char text[] = "text\n\x03\x1a\x13\x11\x04\x7f\x15\x16 more \xc3\xa4\t\r\n";
	char bytes[700];
	struct pollfd p = {.fd = fd, .events = POLLIN | POLLOUT};

	memset(bytes, 'x', sizeof bytes);
	for (unsigned i = 0; i < CALLS; i++) {
		unsigned which = (unsigned)rand_r(seed);
		ssize_t done = 0;

		switch (which % 8) {
		case 0:
			done = write(fd, text, sizeof text - 1);
			break;
		case 1:
			done = write(fd, bytes, which / 8 % sizeof bytes);
			break;
		case 2:
		case 3:
			done = read(fd, bytes, which / 8 % sizeof bytes);
			break;
		case 4:
			poll(&p, 1, 0);
			break;
		default: {
			unsigned long request = requests[which / 8 % (sizeof requests / sizeof requests[0])];
			int fresh = ioctl(fd, request,
				which & 0x1000 ? (unsigned long)(which >> 16) % 4 : (unsigned long)(uintptr_t)bytes);

			if (request == TIOCGPTPEER && fresh > 2)
				close(fresh);
			break;
		}
		}
		if (done < 0 && errno == EIO && which % 64 == 0)
			break;
	}
}

static void *meddler(void *argument)
{
	int fd = *(int *)argument;
	unsigned seed = (unsigned)fd * 77 + (unsigned)getpid();

	fcntl(fd, F_SETFL, O_NONBLOCK);
	meddle(fd, &seed);
	return NULL;
}

/* One that waits for ever, until the other side goes. */
static void *waits(void *argument)
{
	int fd = *(int *)argument;
	char bytes[3000];

	memset(bytes, 'y', sizeof bytes);
	if (getpid() & 1) {
		while (read(fd, bytes, sizeof bytes) > 0)
			;
	} else {
		while (write(fd, bytes, sizeof bytes) > 0)
			;
	}
	return NULL;
}

/* A session of its own with a terminal, jobs in it, and all closes at once. */
static void session(unsigned round)
{
	int slave, master = open_pair(&slave), ends[2];
	pthread_t thread[3];
	unsigned started = 0, seed = round;

	alarm(20);
	signal(SIGHUP, round & 1 ? SIG_IGN : SIG_DFL);
	signal(SIGTTOU, round & 2 ? SIG_IGN : SIG_DFL);
	setsid();
	if (master < 0 || slave < 0)
		_exit(0);
	ioctl(slave, TIOCSCTTY, 0);
	ends[0] = master;
	ends[1] = slave;
	for (unsigned job = 0; job < 2; job++) {
		if (fork() == 0) {
			alarm(20);
			if (job == 0) {
				setpgid(0, 0);
				close(master);
			}
			started = pthread_create(&thread[0], NULL, waits, &ends[1]) == 0;
			meddler(&ends[1]);
			_exit(0);
		}
	}
	for (unsigned i = 0; i < 2; i++)
		started += pthread_create(&thread[started], NULL, meddler, &ends[i]) == 0;
	meddle(ends[round & 1], &seed);
	usleep(rand_r(&seed) % 3000);
	close(ends[round >> 1 & 1]);
	usleep(rand_r(&seed) % 1000);
	if (round & 4)
		_exit(0);
	close(ends[~round >> 1 & 1]);
	for (unsigned i = 0; i < started; i++)
		pthread_join(thread[i], NULL);
	_exit(0);
}

static void closing(void)
{
	for (unsigned round = 0; round < ROUNDS; round++) {
		pid_t child = fork();
		int status;

		if (child == 0)
			session(round);
		if (child > 0 && waitpid(child, &status, 0) != child)
			attack_check("a session is not told of", false);
	}
	attack_check("sessions end", true);
}

static long now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* Nobody reads: who writes waits, and can be ended. */
static void unread(void)
{
	int slave, master = open_pair(&slave);
	pid_t child = fork();
	int status = 0;
	long start;

	if (child == 0) {
		char bytes[4096] = {0};

		raw(slave);
		for (;;) {
			if (write(slave, bytes, sizeof bytes) < 0)
				_exit(1);
		}
	}
	usleep(200000);
	attack_check("a terminal that nobody reads takes no end", waitpid(child, &status, WNOHANG) == 0);
	start = now_ms();
	kill(child, SIGKILL);
	waitpid(child, &status, 0);
	attack_check("who waits cannot be ended", WIFSIGNALED(status) && now_ms() - start < 2000);
	close(slave);
	close(master);
}

static void on_size(int signal)
{
	(void)signal;
}

/* Signals by the ten thousand, to a group that does nothing else. */
static void storm(void)
{
	int slave, master;
	pid_t child = fork();

	if (child == 0) {
		setsid();
		master = open_pair(&slave);
		ioctl(slave, TIOCSCTTY, 0);
		signal(SIGINT, SIG_IGN);
		for (unsigned i = 0; i < 20; i++) {
			if (fork() == 0) {
				signal(SIGWINCH, on_size);
				for (;;)
					pause();
			}
		}
		for (unsigned i = 0; i < STORM; i++) {
			unsigned short size[4] = {(unsigned short)i, 1, 1, 1};

			ioctl(master, TIOCSWINSZ, size);
			ioctl(master, TIOCSIG, SIGINT);
			if (i % 100 == 0 && write(master, "\x03\x03\x03", 3) != 3)
				break;
		}
		kill(0, SIGKILL);
	}
	waitpid(child, NULL, 0);
	attack_check("a storm ends", true);
}

/* What is another's. */
static void others(void)
{
	char name[32];
	int slave, master = open_pair(&slave), one = 1;

	for (int i = 0; i < 64; i++) {
		int fd;

		snprintf(name, sizeof name, "/dev/pts/%d", i);
		fd = open(name, O_RDWR | O_NOCTTY);
		if (fd >= 0) {
			unsigned number = 0;

			attack_check("another's terminal is opened",
				ioctl(master, TIOCGPTN, &number) == 0 && (int)number == i);
			close(fd);
		}
	}
	attack_check("the console is opened", open("/dev/console", O_RDWR) < 0 && open("/dev/ttyS0", O_RDWR) < 0);
	attack_check("a right to hang up", ioctl(slave, TIOCVHANGUP) != 0 && vhangup() != 0);
	attack_check("to type for others", ioctl(slave, TIOCSTI, "x") != 0 && errno == EIO);
	attack_check(
		"init is in the foreground", ioctl(slave, TIOCSPGRP, &one) != 0 && ioctl(master, TIOCSPGRP, &one) != 0);
	attack_check(
		"the place of the terminals is another's", chmod("/dev/pts/ptmx", 0666) != 0 && chown(name, 0, 0) != 0);
	close(slave);
	close(master);
}

/* As many as there are, each full, and then all at once gone. */
static void hoard(void)
{
	int *masters = calloc(MANY, sizeof *masters), count = 0, slave;
	char bytes[512];
	pid_t child = fork();

	if (child != 0) {
		waitpid(child, NULL, 0);
		attack_check("a hoard goes", true);
		free(masters);
		return;
	}
	memset(bytes, 'z', sizeof bytes);
	for (; count < MANY; count++) {
		masters[count] = open_pair(&slave);
		if (masters[count] < 0 || slave < 0)
			break;
		raw(slave);
		fcntl(slave, F_SETFL, O_NONBLOCK);
		fcntl(masters[count], F_SETFL, O_NONBLOCK);
		while (write(slave, bytes, sizeof bytes) > 0)
			;
		while (write(masters[count], bytes, sizeof bytes) > 0)
			;
	}
	_exit(0);
}

int main(void)
{
	others();
	unread();
	hoard();
	storm();
	closing();
	return attack_end();
}
