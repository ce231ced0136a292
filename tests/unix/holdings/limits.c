/*
 * limits: as root, sets the limits of /proc/sys for what the system holds for a user, and as an ordinary user goes up
 * to them; then takes all that this user gets of the system's own memory, while root goes on.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum { USER = 1000, PAGE = 4096, PROCESSES = 6, LOST_KIB = 1500 };

static void check(const char *name, int good)
{
	printf("%s %s\n", good ? "PASS" : "FAIL", name);
	fflush(stdout);
}

static void set(const char *path, const char *value)
{
	int fd = open(path, O_WRONLY);

	if (fd < 0 || write(fd, value, strlen(value)) != (ssize_t)strlen(value))
		printf("FAIL %s cannot be set: %s\n", path, strerror(errno));
	close(fd);
}

/* Runs the function as the ordinary user, in a child. */
static void as_user(void (*function)(void))
{
	pid_t child;

	fflush(stdout);
	child = fork();
	if (child == 0) {
		if (setresgid(USER, USER, USER) != 0 || setresuid(USER, USER, USER) != 0)
			_exit(1);
		function();
		fflush(stdout);
		_exit(0);
	}
	waitpid(child, NULL, 0);
}

static int new_pipe_size(void)
{
	int fd[2];

	return pipe(fd) == 0 ? fcntl(fd[0], F_GETPIPE_SZ) : -errno;
}

/* 40 pages softly, 44 hard. */
static void pipe_pages(void)
{
	int fd[2], i;

	check("a pipe has sixteen pages", pipe(fd) == 0 && fcntl(fd[0], F_GETPIPE_SZ) == 16 * PAGE);
	check("so has a second", new_pipe_size() == 16 * PAGE);
	check("beyond the soft limit a pipe has one", new_pipe_size() == PAGE);
	check("none can be made larger then", fcntl(fd[0], F_SETPIPE_SZ, 32 * PAGE) == -1 && errno == EPERM);
	check("but smaller", fcntl(fd[0], F_SETPIPE_SZ, 8 * PAGE) == 8 * PAGE);
	check("and the next has what that gave back", fcntl(fd[0], F_SETPIPE_SZ, 16 * PAGE) == 16 * PAGE);
	for (i = 0; i < 11; i++)
		new_pipe_size();
	check("beyond the hard limit there is none", new_pipe_size() == -ENFILE);
	close(fd[0]);
	close(fd[1]);
	check("until one goes", new_pipe_size() == PAGE);
}

static void watches(void)
{
	struct epoll_event event = {.events = EPOLLIN};
	int set = epoll_create1(0), i;
	int fd[2];

	if (pipe(fd) != 0)
		return;
	for (i = 0; i < 100 && epoll_ctl(set, EPOLL_CTL_ADD, dup(fd[0]), &event) == 0; i++)
		;
	check("so many files may be watched, not more", i == 20 && errno == ENOSPC);
	close(set);
	set = epoll_create1(0);
	check("when the set is gone others may", epoll_ctl(set, EPOLL_CTL_ADD, fd[0], &event) == 0);
}

static void mappings(void)
{
	int i;

	for (i = 0; i < 1000; i++)
		if (mmap(NULL, PAGE, i & 1 ? PROT_READ : PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED)
			break;
	check("so many mappings, not more", i > 100 && i < 200 && errno == ENOMEM);
}

static void fill(int fd)
{
	static char data[16 * PAGE];

	fcntl(fd, F_SETFL, O_NONBLOCK);
	while (write(fd, data, sizeof data) > 0)
		;
}

static void take_all(void)
{
	int fd[2], i;

	for (i = 1; i < PROCESSES; i++)
		if (fork() == 0)
			break;
	while (socketpair(AF_UNIX, SOCK_STREAM, 0, fd) == 0)
		fill(fd[0]);
	while (pipe(fd) == 0)
		fill(fd[1]);
	for (;;)
		pause();
}

static long available(void)
{
	char line[128];
	FILE *file = fopen("/proc/meminfo", "r");
	long value = -1;

	while (file != NULL && fgets(line, sizeof line, file) != NULL)
		if (strncmp(line, "MemAvailable:", 13) == 0)
			value = atol(line + 13);
	if (file != NULL)
		fclose(file);
	return value;
}

static void exhausted(void)
{
	long before = available(), during = before, last;
	int fd[2], i;
	char byte = 'x';
	int status = 0;
	pid_t hog = fork(), other;

	if (hog == 0) {
		setpgid(0, 0);
		if (setresuid(USER, USER, USER) == 0)
			take_all();
		_exit(1);
	}
	setpgid(hog, hog);
	/* Until no more goes. */
	do {
		last = during;
		usleep(300000);
		during = available();
	} while (during < last);
	printf("# %ld KiB taken of %ld\n", before - during, before);
	check("something was taken, most was not", before - during > 500 && before - during < before / 3);
	check("root goes on", pipe(fd) == 0 && write(fd[1], &byte, 1) == 1 && read(fd[0], &byte, 1) == 1);
	other = fork();
	if (other == 0)
		_exit(setresuid(USER + 1, USER + 1, USER + 1) != 0 || pipe(fd) != 0 || write(fd[1], &byte, 1) != 1 ||
			open("/etc/passwd", O_RDONLY) < 0);
	check("another user, too", other > 0 && waitpid(other, &status, 0) == other && status == 0);
	while (kill(-hog, SIGKILL) == 0 || errno != ESRCH)
		while (waitpid(-hog, NULL, 0) > 0)
			;
	for (i = 0; i < 100 && before - available() > LOST_KIB; i++)
		usleep(50000);
	printf("# %ld KiB less than before\n", before - available());
	check("and all is back", before - available() <= LOST_KIB);
}

int main(void)
{
	set("/proc/sys/fs/pipe-user-pages-soft", "40");
	set("/proc/sys/fs/pipe-user-pages-hard", "44");
	as_user(pipe_pages);
	check("root's pipes are not limited",
		new_pipe_size() == 16 * PAGE && new_pipe_size() == 16 * PAGE && new_pipe_size() == 16 * PAGE);
	set("/proc/sys/fs/pipe-user-pages-soft", "1000");
	set("/proc/sys/fs/pipe-user-pages-hard", "0\n");
	set("/proc/sys/fs/epoll/max_user_watches", "20");
	as_user(watches);
	set("/proc/sys/vm/max_map_count", "200");
	as_user(mappings);
	set("/proc/sys/vm/max_map_count", "65530");
	exhausted();
	return 0;
}
