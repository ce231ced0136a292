/* What the programs about System V IPC and message queues have in common. */
#ifndef TESTS_SYSVIPC_H
#define TESTS_SYSVIPC_H

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static inline void show(const char *name, long value)
{
	if (value == -1)
		printf("%s: %s\n", name, strerrorname_np(errno));
	else
		printf("%s: %ld\n", name, value);
	fflush(stdout);
}

/* How a child ends: its code, or 1000 and the signal. */
static inline int ended(pid_t pid)
{
	int status;

	if (waitpid(pid, &status, 0) != pid)
		return -1;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

/* Becomes another user, in a child: root may everything. */
static inline void be(int uid)
{
	if (setgid((gid_t)uid) != 0 || setuid((uid_t)uid) != 0)
		exit(77);
}

static inline void rest(int ms)
{
	usleep((useconds_t)ms * 1000);
}

/* Until the process sleeps in the call that it was made for. */
static inline pid_t asleep(pid_t pid)
{
	char path[64], text[512], *state;

	snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
	for (;;) {
		FILE *file = fopen(path, "r");

		state = file != NULL && fgets(text, sizeof text, file) != NULL ? strrchr(text, ')') : NULL;
		if (file != NULL)
			fclose(file);
		if (state == NULL || state[2] == 'S')
			return pid;
		rest(1);
	}
}

static inline void nothing(int signal)
{
	(void)signal;
}

/* A handler that does nothing, so that a signal ends a call. */
static inline void on_signal(int signal)
{
	struct sigaction action = {.sa_handler = nothing, .sa_flags = SA_RESTART};

	sigaction(signal, &action, NULL);
}

#endif
