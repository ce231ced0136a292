/* What is Portolan's own choice: limits, owners, what nobody may. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cases.h"

enum { USER = 1000, GROUP = 1001, DESCRIPTORS = 5000 };

static void become(uid_t uid)
{
	if (setgroups(0, NULL) != 0 || setresgid(GROUP, GROUP, GROUP) != 0 || setresuid(uid, uid, uid) != 0)
		exit(2);
}

static long number_in(const char *path)
{
	FILE *file = fopen(path, "r");
	long value = -1;

	if (file != NULL) {
		if (fscanf(file, "%ld", &value) != 1)
			value = -1;
		fclose(file);
	}
	return value;
}

static void owners(void)
{
	pid_t child = fork();
	struct pair pair;
	struct stat status;

	if (child == 0) {
		become(USER);
		pair = pair_open();
		fstat(pair.slave, &status);
		printf("mode %o, its owner %d, group %d\n", status.st_mode & 07777, (int)status.st_uid,
			(int)status.st_gid);
		tell("TIOCSCTTY", setsid() > 0 ? ioctl(pair.slave, TIOCSCTTY, 0) : -1);
		tell("TIOCSTI", ioctl(pair.slave, TIOCSTI, "x"));
		tell("chmod", fchmod(pair.slave, 0600));
		tell("chown", fchown(pair.slave, 0, 0));
		fflush(stdout);
		if (fork() == 0) {
			printf("kept %d\n", open(pair.name, O_RDWR | O_NOCTTY) >= 0);
			exit(0);
		}
		wait(NULL);
		signal(SIGHUP, SIG_IGN);
		exit(0);
	}
	state_of("a user", child);
	pair = pair_open();
	tell("TIOCSTI of root's", ioctl(pair.slave, TIOCSTI, "x"));
	child = fork();
	if (child == 0) {
		become(USER);
		tell("another's terminal", open(pair.name, O_RDWR | O_NOCTTY));
		exit(0);
	}
	state_of("another", child);
	pair_close(&pair);
}

/* As many as there may be. */
static void many(const char *who)
{
	struct rlimit limit = {DESCRIPTORS, DESCRIPTORS};
	int count = 0, error;

	setrlimit(RLIMIT_NOFILE, &limit);
	while (open("/dev/ptmx", O_RDWR | O_NOCTTY) >= 0)
		count++;
	error = errno;
	/* The numbers, or the memory that they take. */
	printf("%s: refused %d, some %d, /proc counts them %d\n", who, error == ENOSPC || error == ENOMEM,
		count > 500 && count < 2000, number_in("/proc/sys/kernel/pty/nr") >= count);
	fflush(stdout);
}

static void limits(void)
{
	int pipes[2];
	pid_t greedy, next;
	char byte;

	printf("max %ld, reserve %ld, nr %ld\n", number_in("/proc/sys/kernel/pty/max"),
		number_in("/proc/sys/kernel/pty/reserve"), number_in("/proc/sys/kernel/pty/nr"));
	fflush(stdout);
	if (pipe(pipes) != 0)
		exit(1);
	greedy = fork();
	if (greedy == 0) {
		become(USER);
		many("a user");
		close(pipes[0]);
		if (write(pipes[1], "x", 1) != 1)
			exit(1);
		pause();
	}
	if (read(pipes[0], &byte, 1) != 1)
		exit(1);
	next = fork();
	if (next == 0) {
		struct pair pair;

		become(USER + 1);
		pair = pair_open();
		printf("another still gets one: %d\n", pair.master >= 0);
		exit(0);
	}
	state_of("another", next);
	kill(greedy, SIGKILL);
	state_of("the first", greedy);
	printf("nr %ld\n", number_in("/proc/sys/kernel/pty/nr"));
}

void own_cases(void)
{
	owners();
	limits();
}
