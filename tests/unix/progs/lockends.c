/* How locks on files end, and who waits for whom: deaths, closes, exec, circles. In the folder named. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/wait.h>
#include <unistd.h>

enum { FLOCK, OFD, RECORD };
static const char *const kinds[] = {"flock", "file's", "record"};

static int lock(int fd, int kind, short type, off_t start)
{
	struct flock range = {.l_type = type, .l_start = start, .l_len = 1};

	if (kind == FLOCK)
		return flock(fd, (type == F_UNLCK ? LOCK_UN : LOCK_EX) | LOCK_NB);
	return fcntl(fd, kind == OFD ? F_OFD_SETLK : F_SETLK, &range);
}

static void say(const char *what, int kind, long result)
{
	if (result < 0)
		printf("%s, %s: %s\n", what, kinds[kind], strerrorname_np(errno));
	else
		printf("%s, %s: %ld\n", what, kinds[kind], result);
}

/* Whether another process can have the lock. */
static void others_can(const char *what, int kind)
{
	pid_t child;

	fflush(stdout);
	child = fork();
	if (child == 0) {
		int fd = open("locked", O_RDWR);

		say(what, kind, lock(fd, kind, F_WRLCK, 0));
		fflush(stdout);
		_exit(0);
	}
	waitpid(child, NULL, 0);
}

static void by_exit(int fd)
{
	(void)fd;
	exit(0);
}

static void by_kill(int fd)
{
	(void)fd;
	raise(SIGKILL);
}

static void by_exec(int fd)
{
	(void)fd;
	execl("/proc/self/exe", "lockends", "told", NULL);
}

static void ended_by(const char *what, int kind, void (*end)(int fd))
{
	int status, ready[2];
	char byte;
	pid_t child;

	(void)!pipe(ready);
	fflush(stdout);
	child = fork();
	if (child == 0) {
		int fd = open("locked", O_RDWR | O_CLOEXEC);

		close(ready[0]);
		if (lock(fd, kind, F_WRLCK, 0) == 0)
			(void)!write(ready[1], "l", 1);
		end(fd);
		_exit(0);
	}
	close(ready[1]);
	say("held", kind, read(ready[0], &byte, 1));
	/* Until the new program says that it runs, by closing what it has; or the end of it all. */
	(void)!read(ready[0], &byte, 1);
	if (end != by_exec)
		waitpid(child, &status, 0);
	others_can(what, kind);
	if (end == by_exec) {
		kill(child, SIGKILL);
		waitpid(child, &status, 0);
	}
	close(ready[0]);
}

/* One descriptor of two; the record lock goes with any. */
static void closes(int kind)
{
	int fd = open("locked", O_RDWR), copy = dup(fd), again = open("locked", O_RDONLY);

	say("taken", kind, lock(fd, kind, F_WRLCK, 0));
	close(copy);
	others_can("a copy is closed", kind);
	say("taken", kind, lock(fd, kind, F_WRLCK, 0));
	close(again);
	others_can("another opening is closed", kind);
	say("taken", kind, lock(fd, kind, F_WRLCK, 0));
	dup2(0, fd);
	others_can("it is replaced", kind);
	close(fd);
}

/* Until the process waits in a call. */
static void until_it_waits(pid_t child)
{
	char path[32], text[128];

	snprintf(path, sizeof path, "/proc/%d/stat", child);
	for (;;) {
		int fd = open(path, O_RDONLY);
		ssize_t size = fd >= 0 ? read(fd, text, sizeof text - 1) : -1;
		const char *name_end;

		close(fd);
		text[size > 0 ? size : 0] = 0;
		name_end = strrchr(text, ')');
		if (name_end == NULL || name_end[2] == 'S' || name_end[2] == 'Z')
			return;
		usleep(1000);
	}
}

/* Two want what the other has. */
static void circle(void)
{
	struct flock first = {.l_type = F_WRLCK, .l_start = 0, .l_len = 1},
		     second = {.l_type = F_WRLCK, .l_start = 1, .l_len = 1};
	int fd = open("locked", O_RDWR), ready[2], status;
	pid_t child;
	char byte;

	(void)!pipe(ready);
	say("taken", RECORD, fcntl(fd, F_SETLK, &first));
	fflush(stdout);
	child = fork();
	if (child == 0) {
		fcntl(fd, F_SETLK, &second);
		(void)!write(ready[1], "r", 1);
		_exit(fcntl(fd, F_SETLKW, &first) < 0 ? errno : 0);
	}
	(void)!read(ready[0], &byte, 1);
	until_it_waits(child);
	say("a circle", RECORD, fcntl(fd, F_SETLKW, &second));
	first.l_type = F_UNLCK;
	say("given back", RECORD, fcntl(fd, F_SETLK, &first));
	wait(&status);
	printf("the other has it %d\n", WEXITSTATUS(status));
	say("no circle any more", RECORD, fcntl(fd, F_SETLKW, &second));
	close(fd);
	close(ready[0]);
	close(ready[1]);
}

/* Who has been given what it waited for waits for nobody, though it has not come to run yet. */
static void no_circle(void)
{
	struct flock first = {.l_type = F_WRLCK, .l_start = 0, .l_len = 1},
		     second = {.l_type = F_WRLCK, .l_start = 1, .l_len = 1}, free_first = first;
	int fd = open("locked", O_RDWR), ready[2], status;
	pid_t child;
	char byte;

	(void)!pipe(ready);
	free_first.l_type = F_UNLCK;
	say("taken", RECORD, fcntl(fd, F_SETLK, &first));
	fflush(stdout);
	child = fork();
	if (child == 0) {
		fcntl(fd, F_SETLK, &second);
		(void)!write(ready[1], "r", 1);
		_exit(fcntl(fd, F_SETLKW, &first) < 0 ? errno : 0);
	}
	(void)!read(ready[0], &byte, 1);
	until_it_waits(child);
	status = fcntl(fd, F_SETLK, &free_first) < 0 ? errno : fcntl(fd, F_SETLKW, &second) < 0 ? errno : 0;
	printf("given and taken at once %d\n", status);
	wait(&status);
	printf("the other had it %d\n", WEXITSTATUS(status));
	close(fd);
	close(ready[0]);
	close(ready[1]);
}

/* Waits for the range of bytes, says what came of it in its turn, and ends. */
static pid_t wanting(int fd, off_t has, off_t start, off_t length, int ready)
{
	struct flock held = {.l_type = F_WRLCK, .l_start = has, .l_len = 1},
		     wanted = {.l_type = F_WRLCK, .l_start = start, .l_len = length};
	pid_t child;

	fflush(stdout);
	child = fork();
	if (child == 0) {
		alarm(20);
		fcntl(fd, F_SETLK, &held);
		(void)!write(ready, "r", 1);
		_exit(fcntl(fd, F_SETLKW, &wanted) < 0 ? errno : 0);
	}
	return child;
}

/* A circle that is none while the first of the two that close it waits for a third. */
static void late_circle(void)
{
	struct flock first = {.l_type = F_WRLCK, .l_start = 0, .l_len = 1};
	int fd = open("locked", O_RDWR), ready[2], status;
	pid_t wide, narrow;
	char byte;

	(void)!pipe(ready);
	say("taken", RECORD, fcntl(fd, F_SETLK, &first));
	/* The one has 2 and waits for 0 and 1, the other has 1 and waits for 2. */
	wide = wanting(fd, 2, 0, 2, ready[1]);
	(void)!read(ready[0], &byte, 1);
	until_it_waits(wide);
	narrow = wanting(fd, 1, 2, 1, ready[1]);
	(void)!read(ready[0], &byte, 1);
	until_it_waits(narrow);
	first.l_type = F_UNLCK;
	say("a third lets go", RECORD, fcntl(fd, F_SETLK, &first));
	waitpid(wide, &status, 0);
	printf("who waited first %d\n", status);
	waitpid(narrow, &status, 0);
	printf("the other %d\n", status);
	close(fd);
	close(ready[0]);
	close(ready[1]);
}

int main(int argc, char **argv)
{
	char folder[200], command[300];
	int kind;

	if (argc > 1 && strcmp(argv[1], "told") == 0) {
		int fd;

		for (fd = 3; fd < 20; fd++)
			close(fd);
		pause();
		return 0;
	}
	snprintf(folder, sizeof folder, "%s/lockends.XXXXXX", argc > 1 ? argv[1] : "/tmp");
	if (mkdtemp(folder) == NULL || chdir(folder) < 0)
		return 1;
	close(open("locked", O_CREAT | O_WRONLY, 0600));
	for (kind = FLOCK; kind <= RECORD; kind++) {
		ended_by("after exit", kind, by_exit);
		ended_by("after a kill", kind, by_kill);
		ended_by("after exec", kind, by_exec);
		closes(kind);
	}
	circle();
	no_circle();
	late_circle();
	fflush(stdout);
	snprintf(command, sizeof command, "rm -r %s", folder);
	return chdir("/") < 0 || system(command) != 0;
}
