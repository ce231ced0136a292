/* Pseudo-terminals, case by case: the same output here as on Linux (tests/unix/pty/test). */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cases.h"

#define SILENCE 60 /* ms */

long tell(const char *what, long result)
{
	printf("%s: %ld%s%s\n", what, result, result < 0 ? " " : "", result < 0 ? strerrorname_np(errno) : "");
	return result;
}

static void print(const char *bytes, ssize_t size)
{
	for (ssize_t i = 0; i < size; i++) {
		unsigned char c = (unsigned char)bytes[i];

		if (c >= ' ' && c < 0x7f && c != '\\')
			putchar(c);
		else if (c == '\n')
			printf("\\n");
		else if (c == '\r')
			printf("\\r");
		else if (c == '\b')
			printf("\\b");
		else
			printf("\\x%02x", c);
	}
}

void show(const char *what, int fd)
{
	char bytes[8192];
	ssize_t size = 0, more = 1;

	while (more > 0) {
		struct pollfd p = {.fd = fd, .events = POLLIN};

		if (poll(&p, 1, SILENCE) <= 0 || (size_t)size == sizeof bytes)
			break;
		more = read(fd, bytes + size, sizeof bytes - (size_t)size);
		if (more > 0)
			size += more;
	}
	printf("%s: '", what);
	print(bytes, size);
	printf("'%s\n", more < 0 ? strerrorname_np(errno) : more == 0 ? " end" : "");
}

void one_read(const char *what, int fd, size_t size)
{
	char bytes[8192];
	ssize_t got = read(fd, bytes, size < sizeof bytes ? size : sizeof bytes);

	printf("%s: %zd ", what, got);
	if (got < 0)
		printf("%s", strerrorname_np(errno));
	print(bytes, got);
	printf("\n");
}

void events(const char *what, int fd, int milliseconds)
{
	struct pollfd p = {.fd = fd, .events = POLLIN | POLLOUT | POLLPRI | POLLRDHUP};
	int count;

	quiet();
	count = poll(&p, 1, milliseconds);
	printf("%s: %d%s%s%s%s%s\n", what, count, p.revents & POLLIN ? " IN" : "", p.revents & POLLOUT ? " OUT" : "",
		p.revents & POLLPRI ? " PRI" : "", p.revents & POLLERR ? " ERR" : "",
		p.revents & POLLHUP ? " HUP" : "");
}

void quiet(void)
{
	usleep(SILENCE * 1000 / 2);
}

struct pair pair_open(void)
{
	struct pair pair = {.master = open("/dev/ptmx", O_RDWR | O_NOCTTY)};
	int zero = 0;

	if (pair.master < 0 || ioctl(pair.master, TIOCGPTN, &pair.number) != 0 ||
		ioctl(pair.master, TIOCSPTLCK, &zero) != 0) {
		tell("no pair", -1);
		exit(1);
	}
	snprintf(pair.name, sizeof pair.name, "/dev/pts/%d", pair.number);
	pair.slave = open(pair.name, O_RDWR | O_NOCTTY);
	if (pair.slave < 0) {
		tell("no terminal", -1);
		exit(1);
	}
	return pair;
}

void pair_close(struct pair *pair)
{
	close(pair->slave);
	close(pair->master);
}

void type(const struct pair *pair, const char *text)
{
	ssize_t size = (ssize_t)strlen(text);

	if (write(pair->master, text, (size_t)size) != size)
		tell("typing", -1);
	quiet();
}

struct termios get(int fd)
{
	struct termios settings;

	if (ioctl(fd, TCGETS, &settings) != 0)
		tell("TCGETS", -1);
	return settings;
}

void set(int fd, const struct termios *settings)
{
	if (ioctl(fd, TCSETS, settings) != 0)
		tell("TCSETS", -1);
}

void local(int fd, unsigned on, unsigned off)
{
	struct termios settings = get(fd);

	settings.c_lflag = (settings.c_lflag & ~off) | on;
	set(fd, &settings);
}

void input(int fd, unsigned on, unsigned off)
{
	struct termios settings = get(fd);

	settings.c_iflag = (settings.c_iflag & ~off) | on;
	set(fd, &settings);
}

void output(int fd, unsigned on, unsigned off)
{
	struct termios settings = get(fd);

	settings.c_oflag = (settings.c_oflag & ~off) | on;
	set(fd, &settings);
}

void raw(int fd, unsigned least, unsigned tenths)
{
	struct termios settings = get(fd);

	settings.c_lflag &= ~(unsigned)(ICANON | ECHO | ISIG | IEXTEN);
	settings.c_iflag &= ~(unsigned)(ICRNL | IXON);
	settings.c_oflag &= ~(unsigned)OPOST;
	settings.c_cc[VMIN] = (unsigned char)least;
	settings.c_cc[VTIME] = (unsigned char)tenths;
	set(fd, &settings);
}

void state_of(const char *what, pid_t pid)
{
	int status;
	pid_t got = waitpid(pid, &status, WUNTRACED | WCONTINUED);

	if (got != pid)
		tell(what, -1);
	else if (WIFSTOPPED(status))
		printf("%s: stopped by %s\n", what, sigabbrev_np(WSTOPSIG(status)));
	else if (WIFCONTINUED(status))
		printf("%s: goes on\n", what);
	else if (WIFSIGNALED(status))
		printf("%s: ended by %s\n", what, sigabbrev_np(WTERMSIG(status)));
	else
		printf("%s: ended with %d\n", what, WEXITSTATUS(status));
	fflush(stdout);
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		void (*run)(void);
	} cases[] = {{"settings", settings_cases}, {"editing", editing_cases}, {"reading", reading_cases},
		{"line", line_cases}, {"jobs", job_cases}, {"ends", end_cases}};

	setvbuf(stdout, NULL, _IOLBF, 0);
	for (int i = 1; i < SIGRTMIN; i++)
		signal(i, SIG_DFL); /* whatever this was started with */
	if (argc > 1 && strcmp(argv[1], "own") == 0) {
		own_cases();
		return 0;
	}

	for (unsigned i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		pid_t child;

		if (argc > 1 && strcmp(argv[1], cases[i].name) != 0)
			continue;
		printf("--- %s\n", cases[i].name);
		child = fork();
		if (child == 0) {
			setsid();
			cases[i].run();
			exit(0);
		}
		state_of(cases[i].name, child);
	}
	return 0;
}
