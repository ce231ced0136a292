/*
 * within SECONDS COMMAND...: runs the command and ends it, and whatever it has started, when its time is over: seconds
 * of a quiet machine (tools/patience.h). Returns when all of them are gone, also after the command's own end. Its
 * status; 124 when the time was over; 128 + n after a signal, which ends the command, too.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tools/patience.h"

enum { STATUS_TIMEOUT = 124, STATUS_CANNOT = 127 };
#define GRACE      10.0 /* s, from SIGTERM to SIGKILL */
#define TURN       0.02 /* s */
#define LOOK_TURNS (unsigned)(PATIENCE_STEP / TURN)

static volatile sig_atomic_t caught;

static void on_signal(int number)
{
	caught = number;
}

static void send_signal(pid_t process, void *number)
{
	kill(process, *(int *)number);
}

static void signal_all(int number)
{
	patience_descendants(getpid(), send_signal, &number);
}

/* Waits for children until one of three things: the one named ended (its status), none is left (-1), or the time is
 * over (-2). */
static int wait_for(pid_t wanted, struct patience *patience)
{
	for (unsigned turn = 1;; turn++) {
		int status;
		pid_t ended = waitpid(-1, &status, WNOHANG);
		struct timespec pause = {0, (long)(TURN * 1e9)};

		if (ended < 0)
			return -1;
		if (ended > 0 && ended == wanted)
			return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
		if (ended > 0)
			continue;
		if ((caught && wanted != 0) || (turn % LOOK_TURNS == 0 && patience_left(patience) <= 0))
			return -2;
		nanosleep(&pause, NULL);
	}
}

static void end_the_rest(void)
{
	struct patience grace;

	signal_all(SIGTERM);
	patience_start(&grace, GRACE, getpid());
	while (wait_for(0, &grace) != -1)
		signal_all(SIGKILL);
}

int main(int argc, char **argv)
{
	static const int ends[] = {SIGINT, SIGTERM, SIGHUP};
	struct sigaction stop = {.sa_handler = on_signal};
	struct patience patience;
	pid_t child;
	int status;

	if (argc < 3 || atof(argv[1]) <= 0) {
		fprintf(stderr, "usage: within SECONDS COMMAND...\n");
		return STATUS_CANNOT;
	}
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	child = fork();
	if (child < 0) {
		fprintf(stderr, "within: fork: %s\n", strerror(errno));
		return STATUS_CANNOT;
	}
	if (child == 0) {
		setpgid(0, 0);
		execvp(argv[2], argv + 2);
		fprintf(stderr, "within: %s: %s\n", argv[2], strerror(errno));
		_exit(STATUS_CANNOT);
	}
	for (size_t i = 0; i < sizeof ends / sizeof *ends; i++)
		sigaction(ends[i], &stop, NULL);
	patience_start(&patience, atof(argv[1]), getpid());
	status = wait_for(child, &patience);
	if (status == -2)
		status = caught ? 128 + caught : STATUS_TIMEOUT;
	end_the_rest();
	return status;
}
