/* A program that runs cannot be written, a file open for writing cannot be run; and both can when the other is over. In the folder named. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static void say(const char *what, long result)
{
	printf("%s: %s\n", what, result < 0 ? strerrorname_np(errno) : "0");
	fflush(stdout);
}

static void copy_self(const char *to)
{
	char buffer[65536];
	int from = open("/proc/self/exe", O_RDONLY), out = open(to, O_CREAT | O_TRUNC | O_WRONLY, 0755);
	ssize_t size;

	while ((size = read(from, buffer, sizeof buffer)) > 0) {
		if (write(out, buffer, (size_t)size) != size)
			exit(2);
	}
	close(from);
	close(out);
}

/* The errno with which the program could not be run in a child, or 0. */
static int run(const char *program)
{
	int status;
	pid_t child = fork();

	if (child == 0) {
		execl(program, program, "end", (char *)NULL);
		_exit(errno);
	}
	waitpid(child, &status, 0);
	return WEXITSTATUS(status);
}

static long opened(const char *path, int flags)
{
	int fd = open(path, flags);

	if (fd >= 0)
		close(fd);
	return fd;
}

int main(int argc, char **argv)
{
	char folder[200], byte;
	int ready[2], go[2], fd, status;
	pid_t child;

	if (argc > 1 && strcmp(argv[1], "end") == 0)
		return 0;
	if (argc > 3 && strcmp(argv[1], "wait") == 0) {
		(void)!write(atoi(argv[2]), "r", 1);
		(void)!read(atoi(argv[3]), &byte, 1);
		return 0;
	}
	snprintf(folder, sizeof folder, "%s/textbusy.XXXXXX", argc > 1 ? argv[1] : "/tmp");
	if (mkdtemp(folder) == NULL || chdir(folder) < 0 || pipe(ready) < 0 || pipe(go) < 0)
		return 1;
	copy_self("program");
	child = fork();
	if (child == 0) {
		char in[12], out[12];

		snprintf(out, sizeof out, "%d", ready[1]);
		snprintf(in, sizeof in, "%d", go[0]);
		execl("program", "program", "wait", out, in, (char *)NULL);
		_exit(3);
	}
	(void)!read(ready[0], &byte, 1);
	say("write to what runs", opened("program", O_WRONLY));
	say("read and write", opened("program", O_RDWR));
	say("cut while opening", opened("program", O_WRONLY | O_TRUNC));
	say("cut", truncate("program", 0));
	say("read", opened("program", O_RDONLY));
	say("another name", link("program", "other"));
	say("write by that", opened("other", O_WRONLY));
	say("its mode", chmod("program", 0700));
	say("remove", unlink("other"));
	(void)!write(go[1], "g", 1);
	waitpid(child, &status, 0);
	say("write when it is over", opened("program", O_WRONLY));
	fd = open("program", O_RDWR);
	printf("run what is written: %s\n", strerrorname_np(run("program")));
	close(fd);
	printf("run when it is closed: %d\n", run("program"));
	fd = open("program", O_RDONLY);
	printf("run what is read: %d\n", run("program"));
	close(fd);
	unlink("program");
	return chdir("/") < 0 || rmdir(folder) < 0;
}
