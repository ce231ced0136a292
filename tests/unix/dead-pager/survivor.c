/*
 * survivor VICTIM DEAD ALIVE: from a file system that lives on, has the server VICTIM die while processes use the
 * folder DEAD of it, and says what the calls then return; ALIVE is a folder that must go on.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { SIZE = 1 << 20, PAGE = 4096, WAIT_MS = 5000 };

static char path[256];

static const char *in(const char *folder, const char *name)
{
	snprintf(path, sizeof path, "%s/%s", folder, name);
	return path;
}

static const char *outcome(long result)
{
	return result < 0 ? strerrorname_np(errno) : "well";
}

/* An errno of a dead server, of which EIO is the one to expect. */
static void said(const char *what, long result)
{
	printf("%s: %s\n", what, outcome(result));
}

static void pause_ms(long ms)
{
	struct timespec time = {ms / 1000, ms % 1000 * 1000000};

	nanosleep(&time, NULL);
}

/* Whether files can be made, written, read and removed in a folder. */
static int works(const char *folder)
{
	char text[6] = "";
	int fd = open(in(folder, "probe"), O_RDWR | O_CREAT | O_TRUNC, 0600), good;

	good = fd >= 0 && write(fd, "probe", 5) == 5 && pread(fd, text, 5, 0) == 5 && strcmp(text, "probe") == 0;
	close(fd);
	return unlink(in(folder, "probe")) == 0 && good;
}

/* A process that is in the middle of things when the server dies. */
static pid_t worker(const char *folder, int number)
{
	char name[32], block[PAGE * 4] = {0};
	pid_t child = fork();
	int fd;

	if (child != 0)
		return child;
	snprintf(name, sizeof name, "busy%d", number);
	alarm(20);
	for (;;) {
		fd = open(in(folder, name), O_RDWR | O_CREAT | O_TRUNC, 0600);
		if (fd < 0 || write(fd, block, sizeof block) < 0 || fsync(fd) < 0 || pread(fd, block, PAGE, 0) < 0 ||
			unlink(in(folder, name)) < 0)
			_exit(errno == EIO ? 1 : errno == EROFS ? 3 : 2);
		close(fd);
	}
}

static void touch_page(volatile char *page)
{
	pid_t child = fork();
	int status = 0;

	if (child == 0) {
		(void)*page;
		_exit(0);
	}
	waitpid(child, &status, 0);
	printf("a mapped page that was not there: %s\n",
		WIFSIGNALED(status) ? sigabbrev_np(WTERMSIG(status)) : "is there");
}

int main(int argc, char **argv)
{
	const char *victim, *dead, *alive;
	char name[64], block[PAGE];
	pid_t workers[3];
	int fd, busy[3] = {0}, status, i, cold;
	struct stat about;
	long got;
	char *map;

	setvbuf(stdout, NULL, _IOLBF, 0);
	if (argc != 4)
		return 2;
	victim = argv[1], dead = argv[2], alive = argv[3];
	/* A file of which one page is in memory, others are not (of a pager whose pages can be read again). */
	cold = open(in(dead, "cold"), O_RDONLY);
	fd = open(in(dead, "warm"), O_RDWR | O_CREAT, 0600);
	said("before: write", write(fd, "warm", 4));
	map = mmap(NULL, SIZE, PROT_READ, MAP_SHARED, cold >= 0 ? cold : fd, 0);
	for (i = 0; i < 3; i++)
		workers[i] = worker(dead, i);
	pause_ms(100);
	snprintf(name, sizeof name, "kill-%s", victim);
	close(open(in(alive, name), O_CREAT | O_RDWR, 0600));
	for (i = 0; i < WAIT_MS && stat(in(dead, "a name never asked for"), &about) < 0 && errno == ENOENT; i += 10) {
		snprintf(path, sizeof path, "%s/%d", dead, i);
		if (stat(path, &about) < 0 && errno != ENOENT)
			break;
		pause_ms(10);
	}
	printf("%s is dead\n", victim);
	for (i = 0; i < 3; i++) {
		waitpid(workers[i], &status, 0);
		busy[i] = WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
	}
	printf("who was using it: %d %d %d\n", busy[0], busy[1], busy[2]);
	said("open", open(in(dead, "another"), O_RDONLY));
	said("create", open(in(dead, "new"), O_RDWR | O_CREAT, 0600));
	said("mkdir", mkdir(in(dead, "folder"), 0700));
	said("unlink", unlink(in(dead, "warm")));
	snprintf(name, sizeof name, "%s/no", dead);
	said("rename", rename(in(dead, "warm"), name));
	said("truncate", ftruncate(fd, 10));
	said("fsync", fsync(fd));
	said("write that makes it longer", pwrite(fd, block, PAGE, SIZE));
	if (cold >= 0) {
		memset(block, 0, sizeof block);
		got = pread(cold, block, PAGE, SIZE / 2);
		said("read of a page that is not there", got);
		if (got >= 0)
			printf("got %ld bytes, first %d\n", got, block[0]);
		touch_page(map + SIZE / 4);
	}
	said("read of a page that is there", pread(fd, block, 4, 0));
	said("close", close(fd));
	printf("the other file system: %s\n", works(alive) ? "works" : "does not work");
	if (fork() == 0)
		_exit(5);
	wait(&status);
	printf("fork: %d\n", WEXITSTATUS(status));
	sync();
	return 0;
}
