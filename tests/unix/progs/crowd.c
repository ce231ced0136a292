/* Signals to groups of many: each member gets them. */
#define _GNU_SOURCE
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MANY = 600 };

static void idle(void)
{
	for (;;)
		pause();
}

/* Members of this process's group, its children: so many. */
static int gather(void)
{
	int made = 0;

	for (; made < MANY; made++) {
		pid_t child = fork();

		if (child < 0)
			break;
		if (child == 0)
			idle();
	}
	return made;
}

/* How many children have ended, and how many of them by the signal. */
static void count_ends(const char *what, int signal)
{
	int status, ended = 0, by_it = 0;

	while (wait(&status) > 0) {
		ended++;
		by_it += WIFSIGNALED(status) && WTERMSIG(status) == signal;
	}
	printf("%s: %d ended, %d by it\n", what, ended, by_it);
	fflush(stdout);
}

static void by_kill(void)
{
	setpgid(0, 0);
	printf("made %d\n", gather());
	signal(SIGTERM, SIG_IGN);
	printf("sent %d\n", kill(0, SIGTERM));
	count_ends("kill", SIGTERM);
}

/* A group that nobody outside looks after, with one that is stopped, is hung up. */
static void by_orphaning(void)
{
	int alive[2], stopped[2], status;
	pid_t keeper;
	char byte;

	if (pipe(alive) < 0 || pipe(stopped) < 0)
		return;
	keeper = fork();
	if (keeper == 0) {
		pid_t leader = fork();

		if (leader == 0) {
			setpgid(0, 0);
			close(alive[0]);
			printf("made %d\n", gather());
			fflush(stdout);
			signal(SIGHUP, SIG_DFL);
			raise(SIGSTOP);
			_exit(0);
		}
		waitpid(leader, &status, WUNTRACED);
		printf("stopped %d\n", WIFSTOPPED(status));
		fflush(stdout);
		_exit(0);
	}
	close(alive[1]);
	waitpid(keeper, &status, 0);
	/* All who had the other end are gone. */
	printf("left %d\n", (int)read(alive[0], &byte, 1));
}

int main(void)
{
	fflush(stdout);
	if (fork() == 0) {
		by_kill();
		exit(0);
	}
	wait(NULL);
	by_orphaning();
	return 0;
}
