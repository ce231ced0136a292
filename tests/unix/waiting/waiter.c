/*
 * waiter silent FOLDER: many processes ask a file server that does not answer; waiter fsync FOLDER: many processes
 * write and sync. Says how much longer the others' calls take meanwhile, and what becomes of those that wait.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { PROCESSES = 100, ROUNDS = 201, CALLS = 5, BLOCK = 16384 };

static pid_t child[PROCESSES];

static double now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

/* Milliseconds for CALLS calls: what nine of ten rounds stay below, so that the end of a slice does not count. */
static double calls_take(void)
{
	double took[ROUNDS];

	for (int i = 0; i < ROUNDS; i++) {
		double start = now_ms();

		for (int j = 0; j < CALLS; j++)
			syscall(SYS_getppid);
		took[i] = now_ms() - start;
		usleep(1000);
	}
	qsort(took, ROUNDS, sizeof took[0], by_value);
	return took[ROUNDS * 9 / 10];
}

static int wait_for(const char *folder, int number)
{
	struct stat data;
	char name[64];

	snprintf(name, sizeof name, "%s/file%d", folder, number);
	if (number % 2)
		return stat(name, &data) == 0 ? 0 : errno;
	return open(name, O_RDWR | O_CREAT, 0600) >= 0 ? 0 : errno;
}

static void sync_for_ever(const char *folder, int number)
{
	static char block[BLOCK];
	char name[64];
	int file;

	snprintf(name, sizeof name, "%s/file%d", folder, number);
	file = open(name, O_RDWR | O_CREAT | O_TRUNC, 0600);
	unlink(name);
	while (pwrite(file, block, sizeof block, 0) == sizeof block && fsync(file) == 0)
		;
	_exit(1);
}

static void start(const char *folder, int (*what)(const char *, int), void (*ever)(const char *, int))
{
	for (int i = 0; i < PROCESSES; i++) {
		child[i] = fork();
		if (child[i] == 0) {
			if (ever != NULL)
				ever(folder, i);
			_exit(what(folder, i));
		}
	}
}

static void compare(const char *what, double before, double during)
{
	printf("%s: others' calls take %s\n", what, during <= 2 * before ? "at most twice as long" : "longer");
	if (during > 2 * before)
		printf("%.3f ms instead of %.3f\n", during, before);
}

/* How many of the processes [from, to) ended with the errno. */
static int ended_with(int from, int to, int error)
{
	int count = 0, status;

	for (int i = from; i < to; i++)
		count += waitpid(child[i], &status, 0) == child[i] && WIFEXITED(status) && WEXITSTATUS(status) == error;
	return count;
}

static void killed(int from, int to)
{
	double begin = now_ms();
	int count = 0, status;

	for (int i = from; i < to; i++) {
		kill(child[i], SIGKILL);
		count += waitpid(child[i], &status, 0) == child[i] && WIFSIGNALED(status);
	}
	printf("killed: %d\n", count);
	printf("killed at once: %s\n", now_ms() - begin < 2000 ? "yes" : "no");
}

static void silent(const char *folder)
{
	struct stat data;
	double before = calls_take();
	int status;

	if (mount("", folder, "", MS_REMOUNT, "timeout=15") != 0)
		printf("remount: %s\n", strerror(errno));
	start(folder, wait_for, NULL);
	usleep(200000);
	compare("silent", before, calls_take());
	printf("a file elsewhere: %s\n", stat("/bin/busybox", &data) == 0 && access("/var", R_OK) == 0 ? "there" : "?");
	fflush(stdout);
	status = system("echo the shell answers");
	if (status != 0)
		printf("the shell: %d\n", status);
	killed(0, 10);
	printf("late: %d get EIO\n", ended_with(10, PROCESSES, EIO));
	printf("late: at once: %s\n", stat("/run/other", &data) != 0 && errno == EIO ? "EIO" : "?");
	/* It is in time again: what it says counts. */
	for (int i = 0; i < 400 && (stat("/run/other", &data) == 0 || errno == EIO); i++)
		usleep(100000);
	printf("in time again: %s\n", strerrorname_np(errno));
	printf("umount: %s\n", umount2(folder, MNT_FORCE) == 0 ? "well" : strerrorname_np(errno));
	printf("below it: %s\n", stat(folder, &data) == 0 && S_ISDIR(data.st_mode) ? "a folder" : "?");
	sync();
}

int main(int argc, char **argv)
{
	if (argc < 3)
		return 2;
	setvbuf(stdout, NULL, _IOLBF, 0);
	if (strcmp(argv[1], "silent") == 0) {
		silent(argv[2]);
	} else {
		double before = calls_take();

		start(argv[2], NULL, sync_for_ever);
		sleep(2);
		compare("fsync", before, calls_take());
		killed(0, PROCESSES);
	}
	return 0;
}
