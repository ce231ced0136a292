/* What the system holds for a user is counted and limited: the same answers here and on Linux. */
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* A user that nobody else is, so that nothing is counted there before. */
#define STRANGER 4217

static void limit(int resource, unsigned long value)
{
	struct rlimit wanted = {value, value};

	if (setrlimit(resource, &wanted) != 0)
		perror("setrlimit");
}

static int queue(int signal, int value)
{
	return sigqueue(getpid(), signal, (union sigval){.sival_int = value}) == 0 ? 0 : errno;
}

/* In a child that is the stranger: what it finds depends on no one. */
static void alone(const char *title, void (*function)(void))
{
	int status;
	pid_t child;

	fflush(stdout);
	child = fork();
	if (child == 0) {
		if (setresuid(STRANGER, STRANGER, STRANGER) != 0)
			perror("setresuid");
		function();
		fflush(stdout);
		_exit(0);
	}
	waitpid(child, &status, 0);
	printf("%s: ended %#x\n", title, status);
}

static void queued_signals(void)
{
	sigset_t set;
	siginfo_t info;
	int i, error = 0;

	sigemptyset(&set);
	sigaddset(&set, SIGRTMIN);
	sigaddset(&set, SIGUSR1);
	sigprocmask(SIG_BLOCK, &set, NULL);
	limit(RLIMIT_SIGPENDING, 10);
	for (i = 0; i < 100 && error == 0; i++)
		error = queue(SIGRTMIN, i);
	printf("queued up to the limit: %d, then %s\n", i - 1, strerror(error));
	printf("a standard signal by kill is not limited: %d\n", kill(getpid(), SIGUSR1));
	printf("a real-time one neither: %d\n", kill(getpid(), SIGRTMIN));
	for (i = 0; sigtimedwait(&set, &info, &(struct timespec){0, 0}) > 0; i++) {
		if (i == 0 || i == 10)
			printf("%s has value %d\n", i == 0 ? "SIGUSR1" : "the last",
				i == 0 ? 0 : info.si_value.sival_int);
	}
	printf("taken: %d\n", i);
	printf("room again: %d\n", queue(SIGRTMIN, 1));
}

/* What a child has queued counts for its user as long as it is pending. */
static void queued_to_others(void)
{
	int i, error = 0, status;
	sigset_t set;
	pid_t child;

	sigemptyset(&set);
	sigaddset(&set, SIGRTMIN);
	sigprocmask(SIG_BLOCK, &set, NULL);
	limit(RLIMIT_SIGPENDING, 8);
	child = fork();
	if (child == 0) {
		for (;;)
			pause();
	}
	for (i = 0; i < 5; i++)
		sigqueue(child, SIGRTMIN, (union sigval){.sival_int = i});
	for (i = 0; i < 100 && error == 0; i++)
		error = queue(SIGRTMIN, i);
	printf("beside the child's: %d, then %s\n", i - 1, strerror(error));
	kill(child, SIGKILL);
	waitpid(child, &status, 0);
	for (i = 0, error = 0; i < 100 && error == 0; i++)
		error = queue(SIGRTMIN, i);
	printf("when it is gone: %d more\n", i - 1);
}

static void timers(void)
{
	timer_t timer;
	int i = 0;

	limit(RLIMIT_SIGPENDING, 4);
	while (i < 100 && timer_create(CLOCK_MONOTONIC, NULL, &timer) == 0)
		i++;
	printf("timers: %d, then %s\n", i, strerror(errno));
}

int main(void)
{
	alone("queued signals", queued_signals);
	alone("signals of two processes", queued_to_others);
	alone("timers", timers);
	return 0;
}
