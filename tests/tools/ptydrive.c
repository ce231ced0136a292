/* Drives a program on a pseudo-terminal by a script of things to send and to wait for: ptydrive SCRIPT COMMAND... */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tools/patience.h"

/*
 * The script's lines, in order; TEXT has C's escapes \n \r \t \e \\ \xHH:
 *   # ...             a comment
 *   within SECONDS    how long each later "expect" and "end" waits (at first 60): seconds of a quiet machine
 *   send TEXT         types TEXT
 *   expect TEXT       waits until TEXT appears after what the last expect matched
 *   absent TEXT       fails if TEXT appeared since the last expect
 *   size ROWS COLUMNS the terminal has another size
 *   pause SECONDS     only reads for so long, on a quiet machine
 *   end STATUS        waits for the program's end and compares its exit status
 * The transcript goes to standard output. Exit status 0, or 1 after "ptydrive: line N: ..." on standard error.
 */

static char *seen;
static size_t seen_size, seen_room, matched;
static int master = -1;
static pid_t child;
static int line_number;

static void fail(const char *what, const char *detail)
{
	fflush(stdout);
	fprintf(stderr, "\nptydrive: line %d: %s %s\n", line_number, what, detail);
	if (child > 0) {
		kill(child, SIGKILL);
		kill(-child, SIGKILL);
	}
	exit(1);
}

/* Reads what comes within the time. Returns 0 at the end of the terminal. */
static int read_some(double seconds)
{
	struct pollfd p = {.fd = master, .events = POLLIN};
	ssize_t n;

	if (seconds < 0)
		seconds = 0;
	if (poll(&p, 1, (int)(seconds * 1000)) <= 0)
		return 1;
	if (seen_room - seen_size < 4096) {
		seen_room = seen_room * 2 + 8192;
		seen = realloc(seen, seen_room);
		if (!seen)
			fail("memory", "");
	}
	n = read(master, seen + seen_size, 4096);
	if (n <= 0)
		return n < 0 && errno == EINTR;
	fwrite(seen + seen_size, 1, (size_t)n, stdout);
	seen_size += (size_t)n;
	return 1;
}

/* Undoes the escapes in place. Returns the length. */
static size_t unescape(char *text)
{
	char *from = text, *to = text;

	while (*from) {
		if (*from != '\\' || !from[1]) {
			*to++ = *from++;
			continue;
		}
		from++;
		switch (*from) {
		case 'n':
			*to++ = '\n';
			break;
		case 'r':
			*to++ = '\r';
			break;
		case 't':
			*to++ = '\t';
			break;
		case 'e':
			*to++ = '\033';
			break;
		case 'x': {
			char hex[3] = {0};
			strncpy(hex, from + 1, 2);
			*to++ = (char)strtol(hex, NULL, 16);
			from += strlen(hex);
			break;
		}
		default:
			*to++ = *from;
		}
		from++;
	}
	*to = 0;
	return (size_t)(to - text);
}

static void type(const char *text, size_t size)
{
	while (size > 0) {
		ssize_t n = write(master, text, size);
		if (n < 0 && errno != EINTR)
			fail("cannot type:", strerror(errno));
		if (n > 0) {
			text += n;
			size -= (size_t)n;
		}
		read_some(0);
	}
}

static void expect(const char *text, size_t size, double within)
{
	struct patience patience;

	patience_start(&patience, within, child);
	for (;;) {
		char *at = seen_size > matched ? memmem(seen + matched, seen_size - matched, text, size) : NULL;
		if (at) {
			matched = (size_t)(at - seen) + size;
			return;
		}
		if (patience_left(&patience) <= 0)
			fail("never came:", text);
		if (!read_some(PATIENCE_STEP) &&
			(seen_size <= matched || !memmem(seen + matched, seen_size - matched, text, size)))
			fail("ended before this came:", text);
	}
}

static void expect_end(int wanted, double within)
{
	struct patience patience;
	char got[32];
	int status;

	patience_start(&patience, within, child);
	while (waitpid(child, &status, WNOHANG) == 0) {
		if (patience_left(&patience) <= 0)
			fail("did not end", "");
		if (!read_some(0.1))
			usleep(10000);
	}
	child = 0;
	while (read_some(0) && poll(&(struct pollfd){.fd = master, .events = POLLIN}, 1, 0) > 0)
		;
	status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
	snprintf(got, sizeof got, "%d", status);
	if (status != wanted)
		fail("ended with status", got);
}

static void obey(char *line, double *within)
{
	char *argument = strchr(line, ' ');
	size_t size;

	if (line[0] == '#' || line[0] == 0)
		return;
	if (!argument)
		fail("no argument:", line);
	*argument++ = 0;
	size = unescape(argument);
	if (!strcmp(line, "within")) {
		*within = atof(argument);
	} else if (!strcmp(line, "send")) {
		type(argument, size);
	} else if (!strcmp(line, "expect")) {
		expect(argument, size, *within);
	} else if (!strcmp(line, "absent")) {
		if (seen_size > matched && memmem(seen + matched, seen_size - matched, argument, size))
			fail("should not have come:", argument);
	} else if (!strcmp(line, "pause")) {
		struct patience patience;
		double left;

		patience_start(&patience, atof(argument), child);
		while ((left = patience_left(&patience)) > 0)
			if (!read_some(left < PATIENCE_STEP ? left : PATIENCE_STEP))
				usleep(10000);
	} else if (!strcmp(line, "size")) {
		struct winsize wanted = {0};

		if (sscanf(argument, "%hu %hu", &wanted.ws_row, &wanted.ws_col) != 2 || ioctl(master, TIOCSWINSZ, &wanted) != 0)
			fail("no size:", argument);
	} else if (!strcmp(line, "end")) {
		expect_end(atoi(argument), *within);
	} else {
		fail("no such command:", line);
	}
}

static void start(char **command)
{
	struct winsize size = {.ws_row = 24, .ws_col = 80};
	const char *name;
	int slave;

	master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (master < 0 || grantpt(master) != 0 || unlockpt(master) != 0 || !(name = ptsname(master)))
		fail("no pseudo-terminal:", strerror(errno));
	ioctl(master, TIOCSWINSZ, &size);
	slave = open(name, O_RDWR | O_NOCTTY);
	child = fork();
	if (slave < 0 || child < 0)
		fail("cannot start:", strerror(errno));
	if (child == 0) {
		setsid();
		ioctl(slave, TIOCSCTTY, 0);
		dup2(slave, 0);
		dup2(slave, 1);
		dup2(slave, 2);
		if (slave > 2)
			close(slave);
		execvp(command[0], command);
		_exit(127);
	}
	close(slave);
}

int main(int argc, char **argv)
{
	double within = 60;
	char *line = NULL;
	size_t room = 0;
	FILE *script;

	if (argc < 3 || !(script = fopen(argv[1], "r"))) {
		fprintf(stderr, "usage: ptydrive SCRIPT COMMAND...\n");
		return 2;
	}
	start(argv + 2);
	while (getline(&line, &room, script) > 0) {
		line_number++;
		line[strcspn(line, "\n")] = 0;
		obey(line, &within);
	}
	if (child > 0)
		expect_end(0, within);
	return 0;
}
