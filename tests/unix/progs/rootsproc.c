/* What of /proc belongs to root alone is not an ordinary user's: files of root's processes, and settings. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/swap.h>
#include <sys/wait.h>
#include <unistd.h>

static void try_open(const char *path, int flags)
{
	int fd = open(path, flags);
	char byte;
	ssize_t size = fd < 0 ? -1 : flags == O_RDONLY ? read(fd, &byte, 1) : 0;

	printf("%s: %s\n", path, size < 0 ? strerrorname_np(errno) : "there");
	if (fd >= 0)
		close(fd);
}

static void try_link(const char *path)
{
	char target[200];

	printf("%s: %s\n", path, readlink(path, target, sizeof target) < 0 ? strerrorname_np(errno) : "there");
}

int main(void)
{
	static const char *const own[] = {"environ", "maps", "stat", "status", "cmdline"};
	char path[64];

	fflush(stdout);
	if (fork() == 0) {
		if (setgid(1000) < 0 || setuid(1000) < 0)
			return 1;
		for (unsigned i = 0; i < sizeof own / sizeof own[0]; i++) {
			snprintf(path, sizeof path, "/proc/1/%s", own[i]);
			try_open(path, O_RDONLY);
		}
		try_link("/proc/1/exe");
		try_link("/proc/1/cwd");
		try_link("/proc/1/root");
		try_link("/proc/1/fd/0");
		try_open("/proc/1/fd", O_RDONLY | O_DIRECTORY);
		try_open("/proc/1/cwd/.", O_RDONLY | O_DIRECTORY);
		try_open("/proc/sys/fs/pipe-user-pages-soft", O_WRONLY);
		try_open("/proc/sys/fs/pipe-user-pages-soft", O_RDONLY);
		printf("swapon: %s\n", swapon("/etc/passwd", 0) < 0 ? strerrorname_np(errno) : "on");
		printf("swapoff: %s\n", swapoff("/etc/passwd") < 0 ? strerrorname_np(errno) : "off");
		fflush(stdout);
		_exit(0);
	}
	wait(NULL);
	return 0;
}
