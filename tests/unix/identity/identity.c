/*
 * identity SETUID NOSUID: as root, makes an ordinary user's process that tries to keep a hand in SETUID, a copy of this
 * program with root's set-uid bit; NOSUID is another on a file system that is mounted nosuid.
 *
 * "identity report [FILE]" is what the copies are asked to do: say who they are, and let the task that FILE names
 * (lent.h) call in their name.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lent.h"

#define USER       1000
#define PLANTED_FD 77
#define RACES      60

static const char *set_uid, *on_nosuid;
/* Shared with all helpers. */
static struct {
	volatile int stop, seen, planted;
} * shared;

static void check(const char *name, int good)
{
	printf("%s %s\n", good ? "PASS" : "FAIL", name);
	fflush(stdout);
}

/* Is in no call of its own while the task calls. */
static void let_call(const char *path)
{
	volatile struct lent *lent = lent_of(path);

	if (lent == NULL)
		return;
	lent->executed = 1;
	if (comes_to(&lent->tried, 1, 5000))
		comes_to(&lent->root, 1, 20);
}

static int report(const char *path)
{
	int signal = 0;

	if (path != NULL)
		let_call(path);

	prctl(PR_GET_PDEATHSIG, &signal);
	/* Time for helpers to do what they can. */
	usleep(30000);
	printf("uid %d euid %d secure %lu dumpable %d no_new_privs %d pdeath %d planted %d\n", getuid(), geteuid(),
		getauxval(AT_SECURE), prctl(PR_GET_DUMPABLE), prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0), signal,
		fcntl(PLANTED_FD, F_GETFD) >= 0);
	return 0;
}

/* What `file report` says when it is run by a child that has prepared itself by `prepare`. */
static const char *answer(const char *file, void (*prepare)(void))
{
	static char text[256];
	int pipes[2], status;
	ssize_t size;
	pid_t child;

	if (pipe(pipes) != 0)
		return "no pipe";
	child = fork();
	if (child == 0) {
		dup2(pipes[1], 1);
		close(pipes[0]);
		close(pipes[1]);
		if (prepare != NULL)
			prepare();
		execl(file, "identity", "report", NULL);
		_exit(errno);
	}
	close(pipes[1]);
	size = read(pipes[0], text, sizeof text - 1);
	text[size > 0 ? size : 0] = 0;
	close(pipes[0]);
	waitpid(child, &status, 0);
	if (size <= 0)
		snprintf(text, sizeof text, "status %#x", status);
	return text;
}

static void says(const char *name, const char *file, void (*prepare)(void), const char *wanted)
{
	const char *text = answer(file, prepare);

	if (strstr(text, wanted) == NULL)
		printf("# %s", text);
	check(name, strstr(text, wanted) != NULL);
}

static void no_new_privileges(void)
{
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
		_exit(100);
	/* Inherited over fork. */
	if (fork() != 0) {
		wait(NULL);
		_exit(0);
	}
}

static void death_signal(void)
{
	prctl(PR_SET_PDEATHSIG, SIGUSR1);
}

static int waits(void *nothing)
{
	(void)nothing;
	while (!shared->stop)
		usleep(1000);
	return 0;
}

static int helper(int (*function)(void *), int flags)
{
	static char stack[2][65536] __attribute__((aligned(16)));
	static unsigned used;

	return clone(function, stack[used++ & 1] + sizeof stack[0], flags | SIGCHLD, NULL);
}

static void share_directory(void)
{
	if (helper(waits, CLONE_FS) < 0)
		_exit(101);
}

/* Once its parent runs the other program. */
static int plants(void *nothing)
{
	char path[32], name[16];
	int fd;

	(void)nothing;
	snprintf(path, sizeof path, "/proc/%d/comm", getppid());
	while (!shared->stop) {
		fd = open(path, O_RDONLY);
		if (fd < 0)
			break;
		memset(name, 0, sizeof name);
		if (read(fd, name, sizeof name - 1) > 0 && strncmp(name, "rooted", 6) == 0)
			dup2(fd, PLANTED_FD);
		close(fd);
		usleep(500);
	}
	return 0;
}

static void share_descriptors(void)
{
	if (helper(plants, CLONE_FILES) < 0)
		_exit(102);
}

static void *watches(void *nothing)
{
	for (;;) {
		if (geteuid() == 0)
			shared->seen = 1;
	}
	return nothing;
}

/* A thread of the old program runs while the new one is loaded, which takes long: it gets a large environment. */
static void thread_beside(void)
{
	static char large[100000];
	char name[16];
	pthread_t thread;
	int i;

	memset(large, 'x', sizeof large - 1);
	for (i = 0; i < 10; i++) {
		snprintf(name, sizeof name, "LARGE%d", i);
		setenv(name, large, 1);
	}

	if (pthread_create(&thread, NULL, watches, NULL) != 0)
		_exit(103);
	usleep(1000);
}

static const char *status_line(const char *name)
{
	static char line[128];
	FILE *file = fopen("/proc/self/status", "r");

	while (file != NULL && fgets(line, sizeof line, file) != NULL) {
		if (strncmp(line, name, strlen(name)) == 0)
			break;
		line[0] = 0;
	}
	if (file != NULL)
		fclose(file);
	return line;
}

static int refused(const char *directory, const char *name)
{
	char path[64], text[64];
	int fd;

	snprintf(path, sizeof path, "%s/%s", directory, name);
	if (readlink(path, text, sizeof text) >= 0)
		return 0;
	fd = open(path, O_RDONLY);
	if (fd < 0)
		return errno == EACCES;
	close(fd);
	return 0;
}

/* The process becomes one of this name, some time. */
static int runs(const char *process, const char *program)
{
	char path[48], name[32];
	ssize_t size = 0;
	int fd, tries;

	snprintf(path, sizeof path, "%s/comm", process);
	for (tries = 0; tries < 10000; tries++) {
		fd = open(path, O_RDONLY);
		size = fd >= 0 ? read(fd, name, sizeof name - 1) : 0;
		close(fd);
		if (size > 0 && strncmp(name, program, strlen(program)) == 0)
			return 1;
		usleep(1000);
	}
	return 0;
}

/* /proc of a set-uid program that waits on its input. */
static void check_proc(void)
{
	static const char *const names[] = {"environ", "maps", "fd", "exe", "cwd", "root"};
	int pipes[2];
	char path[32], link[48];
	struct stat about;
	unsigned i;
	pid_t child;

	if (pipe(pipes) != 0)
		return;
	child = fork();
	if (child == 0) {
		dup2(pipes[0], 0);
		close(pipes[0]);
		close(pipes[1]);
		execl(set_uid, "identity", "wait", NULL);
		_exit(1);
	}
	snprintf(path, sizeof path, "/proc/%d", child);
	check("a set-uid program runs", runs(path, strrchr(set_uid, '/') + 1));
	for (i = 0; i < sizeof names / sizeof names[0]; i++) {
		char title[64];

		snprintf(title, sizeof title, "/proc of a set-uid program: no %s", names[i]);
		check(title, refused(path, names[i]));
	}
	snprintf(link, sizeof link, "%s/environ", path);
	check("and its environment is root's", stat(link, &about) == 0 && about.st_uid == 0);
	kill(child, SIGKILL);
	close(pipes[0]);
	close(pipes[1]);
	waitpid(child, NULL, 0);
}

static void ordinary_user(void)
{
	int i;

	says("a set-uid program is root, and knows that it must take care", set_uid, NULL,
		"uid 1000 euid 0 secure 1 dumpable 0 no_new_privs 0");
	says("its caller's death signal is not its", set_uid, death_signal, "pdeath 0");
	says("with no_new_privs it gains nothing", set_uid, no_new_privileges,
		"euid 1000 secure 0 dumpable 1 no_new_privs 1");
	says("nor on a file system that is mounted nosuid", on_nosuid, NULL, "euid 1000 secure 0");
	shared->stop = 0;
	says("nor when another process shares its root and working directory", set_uid, share_directory, "euid 1000");
	says("nobody shares its descriptors", set_uid, share_descriptors,
		"euid 0 secure 1 dumpable 0 no_new_privs 0 "
		"pdeath 0 planted 0");
	shared->stop = 1;
	for (i = 0; i < RACES; i++)
		answer(set_uid, thread_beside);
	check("no thread of the old program is ever root", !shared->seen);
	says("a set-uid program run beside a thread is root all the same", set_uid, thread_beside, "euid 0");
	check_proc();

	check("no_new_privs: 0 at first", prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 0);
	check("the status file says so", strcmp(status_line("NoNewPrivs:"), "NoNewPrivs:\t0\n") == 0);
	check("it cannot be set to anything but 1", prctl(PR_SET_NO_NEW_PRIVS, 0, 0, 0, 0) == -1 && errno == EINVAL);
	check("nor with further arguments", prctl(PR_SET_NO_NEW_PRIVS, 1, 1, 0, 0) == -1 && errno == EINVAL);
	check("set", prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1);
	check("the status file says that, too", strcmp(status_line("NoNewPrivs:"), "NoNewPrivs:\t1\n") == 0);
}

int main(int argc, char **argv)
{
	int status = 1;
	pid_t child;

	if (argc >= 2 && strcmp(argv[1], "report") == 0)
		return report(argv[2]);
	if (argc == 2 && strcmp(argv[1], "wait") == 0)
		return read(0, &status, 1) >= 0;
	if (argc != 3)
		return 2;
	set_uid = argv[1];
	on_nosuid = argv[2];
	shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (shared == MAP_FAILED)
		return 2;
	child = fork();
	if (child == 0) {
		if (setresgid(USER, USER, USER) != 0 || setresuid(USER, USER, USER) != 0)
			_exit(2);
		/* Who has changed ids is nobody's to look at: a program of its own begins anew. */
		prctl(PR_SET_DUMPABLE, 1);
		ordinary_user();
		_exit(0);
	}
	waitpid(child, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}
