/* Signals to groups of many: each member gets them; "listing": what an entry of /proc costs beside few and beside many;
 * "orphans": what becomes of a group that only pid 1 of the same session looks after. */
#define _GNU_SOURCE
#include <dirent.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
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

/* ns that a listing of /proc takes for each entry: the least of several. */
static double listing(void)
{
	double least = 1e18;

	for (int i = 0; i < 7; i++) {
		struct timespec before, after;
		unsigned entries = 0;
		double took;
		DIR *folder;

		clock_gettime(CLOCK_MONOTONIC, &before);
		folder = opendir("/proc");
		if (folder == NULL)
			return 0;
		while (readdir(folder) != NULL)
			entries++;
		closedir(folder);
		clock_gettime(CLOCK_MONOTONIC, &after);
		took = ((double)(after.tv_sec - before.tv_sec) * 1e9 + (double)(after.tv_nsec - before.tv_nsec)) / entries;
		least = took < least ? took : least;
	}
	return least;
}

static void by_kill(void)
{
	setpgid(0, 0);
	printf("made %d\n", gather());
	printf("the nice value of each, above this one's: %d\n", getpriority(PRIO_PGRP, 0) - getpriority(PRIO_PROCESS, 0));
	signal(SIGTERM, SIG_IGN);
	printf("sent %d\n", kill(0, SIGTERM));
	count_ends("kill", SIGTERM);
}

/*
 * A group that nobody outside looks after, with one that is stopped, is hung up. Whoever takes children in (pid 1, which counts
 * for nobody, or another on Linux) is in another session if the keeper has its own.
 */
static void by_orphaning(bool own_session)
{
	int alive[2], stopped[2], status;
	pid_t keeper;
	char byte;

	if (pipe(alive) < 0 || pipe(stopped) < 0)
		return;
	keeper = fork();
	if (keeper == 0) {
		pid_t leader;

		if (own_session)
			setsid();
		leader = fork();
		if (leader == 0) {
			setpgid(0, 0);
			close(alive[0]);
			printf("made %d\n", gather());
			fflush(stdout);
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

/* How long one takes beside few, and beside many. */
static void listings(void)
{
	double few = listing();

	setpgid(0, 0);
	gather();
	printf("%.0f %.0f\n", few, listing());
	fflush(stdout);
	signal(SIGTERM, SIG_IGN);
	kill(0, SIGTERM);
	while (wait(NULL) > 0)
		;
}

int main(int argc, char **argv)
{
	/* Also where whoever runs the tests ignores it. */
	signal(SIGHUP, SIG_DFL);
	if (argc > 1) {
		if (strcmp(argv[1], "listing") == 0)
			listings();
		else
			by_orphaning(false);
		return 0;
	}
	fflush(stdout);
	if (fork() == 0) {
		by_kill();
		exit(0);
	}
	wait(NULL);
	by_orphaning(true);
	return 0;
}
