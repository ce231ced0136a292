/* Asks QEMU's monitor what the machine is doing: its QMP protocol (QEMU's manual, "QEMU Machine Protocol"). */
#define _GNU_SOURCE
#include "machine.h"

#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define ANSWER_MS 5000 /* for the next part of an answer; one who is late is left out */

int machine_arguments(char **args, int *ours, int *theirs)
{
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) != 0)
		return 0;
	fcntl(pair[0], F_SETFD, FD_CLOEXEC);
	*ours = pair[0];
	*theirs = pair[1];
	args[0] = (char *)"-chardev";
	if (asprintf(&args[1], "socket,id=machine,fd=%d", pair[1]) < 0)
		return 0;
	args[2] = (char *)"-mon";
	args[3] = (char *)"chardev=machine,mode=control";
	return 4;
}

/* The text of the answer's string, with its escapes undone. */
static void log_string(int log, const char *text)
{
	for (; *text != 0 && *text != '"'; text++) {
		char c = *text;

		if (c == '\\' && text[1] != 0) {
			c = *++text;
			if (c == 'r')
				continue;
			if (c == 'n' || c == 't')
				c = c == 'n' ? '\n' : ' ';
		}
		(void)!write(log, &c, 1);
	}
}

/* Waits for a line that has the mark, and logs the string behind it. False: it did not come. */
static int take_answer(int monitor, int log, const char *mark)
{
	static char buffer[1 << 16];
	size_t have = 0;

	for (;;) {
		struct pollfd p = {.fd = monitor, .events = POLLIN};
		ssize_t n;
		char *at;

		if (have == sizeof buffer - 1 || poll(&p, 1, ANSWER_MS) <= 0)
			return 0;
		n = read(monitor, buffer + have, sizeof buffer - 1 - have);
		if (n <= 0)
			return 0;
		have += (size_t)n;
		buffer[have] = 0;
		at = strstr(buffer, mark);
		if (at != NULL && strchr(at, '\n') != NULL) {
			log_string(log, at + strlen(mark));
			return 1;
		}
	}
}

static int ask(int monitor, int log, const char *command)
{
	dprintf(monitor, "{\"execute\": \"human-monitor-command\", \"arguments\": {\"command-line\": \"%s\"}}\n",
		command);
	return take_answer(monitor, log, "\"return\": \"");
}

void machine_dump(int monitor, int log)
{
	dprintf(log, "\nno end within the time; the machine:\n");
	dprintf(monitor, "{\"execute\": \"qmp_capabilities\"}\n");
	if (!take_answer(monitor, log, "\"return\": {}") || !ask(monitor, log, "info registers -a") ||
		!ask(monitor, log, "x/48xg $rsp"))
		dprintf(log, "QEMU does not answer\n");
}
