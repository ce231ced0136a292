/* fork, vfork, exec, wait, groups, sessions, limits. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static int shared = 1;

static int wait_for(pid_t child)
{
	int status = -1;

	if (waitpid(child, &status, 0) != child)
		return -1;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

static volatile int children_heard;

static void hear_child(int number)
{
	(void)number;
	children_heard++;
}

/* A handler of SIGCHLD does not cut the wait short that there is a child for. */
static void wait_with_handler(void)
{
	struct sigaction action = {.sa_handler = hear_child}, old;
	pid_t child;

	sigaction(SIGCHLD, &action, &old);
	for (int i = 0; i < 3; i++) {
		child = fork();
		if (child == 0) {
			usleep(20000);
			_exit(i);
		}
		printf("waited %d", wait_for(child));
		printf(" heard %d\n", children_heard);
	}
	sigaction(SIGCHLD, &old, NULL);
}

/* The child of a vfork is killed while it waits in a call: the parent goes on. */
static void vfork_killed(void)
{
	static volatile pid_t *victim;
	pid_t killer, child;

	victim = mmap(NULL, sizeof *victim, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	killer = fork();
	if (killer == 0) {
		while (*victim == 0)
			usleep(1000);
		usleep(30000);
		_exit(kill(*victim, SIGKILL) == 0 ? 3 : 4);
	}
	child = vfork();
	if (child == 0) {
		*victim = getpid();
		for (;;)
			pause();
	}
	printf("vfork killed in a call %d %d\n", wait_for(child), wait_for(killer));
}

/* Who waits for its vfork child can be killed, though the child does not end by itself. */
static void vfork_parent_killed(void)
{
	static volatile pid_t *grandchild;
	pid_t child;

	grandchild = mmap(NULL, sizeof *grandchild, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	child = fork();
	if (child == 0) {
		if (vfork() == 0) {
			setsid();
			*grandchild = getpid();
			for (;;)
				pause();
		}
		_exit(0);
	}
	while (*grandchild == 0)
		usleep(1000);
	usleep(30000);
	kill(child, SIGKILL);
	printf("killed in vfork %d\n", wait_for(child));
	kill(*grandchild, SIGKILL);
}

static volatile int heard[2];

static void hear(int number)
{
	heard[number == SIGCHLD]++;
}

/* Who inherits an orphan hears SIGCHLD of its end, whatever signal its own parent was to get; so does the parent of one
 * that has run another program. */
static void exit_signals(char *program)
{
	char *arguments[] = {program, "short", NULL};
	pid_t child;

	signal(SIGCHLD, hear);
	signal(SIGUSR1, hear);
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	child = fork();
	if (child == 0) {
		child = getpid();
		if (syscall(SYS_clone, SIGUSR1, 0, 0, 0, 0) == 0) {
			while (getppid() == child)
				usleep(1000);
			usleep(30000);
			_exit(0);
		}
		_exit(0);
	}
	waitpid(child, NULL, 0);
	printf("orphan reaped %d", waitpid(-1, NULL, __WALL) > 0);
	printf(" usr1 %d\n", heard[0]);
	child = (pid_t)syscall(SYS_clone, SIGUSR1, 0, 0, 0, 0);
	if (child == 0) {
		execv(program, arguments);
		_exit(1);
	}
	printf("after exec %d", waitpid(child, NULL, __WALL) == child);
	printf(" usr1 %d\n", heard[0]);
	prctl(PR_SET_CHILD_SUBREAPER, 0);
	signal(SIGCHLD, SIG_DFL);
	signal(SIGUSR1, SIG_DFL);
}

int main(int argc, char **argv)
{
	char *arguments[] = {argv[0], "again", "b c", "", NULL}, *environment[] = {"X=1", "Y=two", NULL};
	char *many[3000], buffer[64];
	struct rlimit limit;
	siginfo_t info;
	pid_t child, self = getpid();
	int pair[2], i, fd, status;

	setvbuf(stdout, NULL, _IOLBF, 0);
	if (argc > 1 && strcmp(argv[1], "again") == 0) {
		for (i = 1; i < argc; i++)
			printf("argument %s\n", argv[i]);
		for (i = 0; environ[i] != NULL; i++)
			printf("environment %s\n", environ[i]);
		printf("close-on-exec %d %d\n", fcntl(50, F_GETFD), fcntl(51, F_GETFD));
		return 7;
	}
	if (argc > 1 && strcmp(argv[1], "short") == 0)
		return 0;
	if (argc > 1 && strcmp(argv[1], "count") == 0) {
		printf("arguments %d\n", argc);
		return 0;
	}
	child = fork();
	if (child == 0) {
		shared = 2;
		_exit(getppid() == self ? 5 : 6);
	}
	printf("fork %d shared %d\n", wait_for(child), shared);
	child = vfork();
	if (child == 0) {
		shared = 3;
		_exit(9);
	}
	printf("vfork %d shared %d\n", wait_for(child), shared);
	fd = open("/dev/null", O_RDONLY);
	dup2(fd, 50);
	dup2(fd, 51);
	fcntl(51, F_SETFD, FD_CLOEXEC);
	child = vfork();
	if (child == 0) {
		execve("/proc/self/exe", arguments, environment);
		_exit(1);
	}
	printf("exec %d\n", wait_for(child));
	status = posix_spawn(&child, "/no/such/file", NULL, NULL, arguments, environment);
	printf("spawn %s\n", strerrorname_np(status));
	many[0] = argv[0];
	many[1] = "count";
	for (i = 2; i < 2999; i++)
		many[i] = "0123456789";
	many[2999] = NULL;
	status = posix_spawn(&child, "/proc/self/exe", NULL, NULL, many, environment);
	printf("spawn many %d %d\n", status, wait_for(child));
	status = execve("/", arguments, environment);
	printf("exec directory %d %s\n", status, strerrorname_np(errno));
	status = execve("/no/such", arguments, environment);
	printf("exec nothing %d %s\n", status, strerrorname_np(errno));
	status = waitpid(-1, NULL, 0);
	printf("no children %d %s\n", status, strerrorname_np(errno));

	/* An orphan gets another parent; its end is not ours to wait for. */
	pipe(pair);
	child = fork();
	if (child == 0) {
		if (fork() == 0) {
			for (i = 0; i < 3000 && getppid() != 1; i++)
				usleep(10000);
			status = getppid() != getpid() && getppid() != self;
			write(pair[1], &status, sizeof status);
		}
		_exit(0);
	}
	wait_for(child);
	read(pair[0], &status, sizeof status);
	printf("orphan %d\n", status);

	/* waitid without reaping. */
	child = fork();
	if (child == 0)
		_exit(42);
	memset(&info, 0, sizeof info);
	status = waitid(P_PID, (id_t)child, &info, WEXITED | WNOWAIT);
	printf("waitid %d code %d status %d\n", status, info.si_code, info.si_status);
	printf("still there %d\n", wait_for(child));
	child = fork();
	if (child == 0) {
		pause();
		_exit(0);
	}
	printf("none yet %d\n", waitpid(child, &status, WNOHANG));
	setpgid(child, child);
	printf("group %d\n", getpgid(child) == child);
	kill(-child, SIGKILL);
	printf("group killed %d\n", wait_for(child));
	child = fork();
	if (child == 0) {
		i = setsid() == getpid() && getsid(0) == getpid() && getpgrp() == getpid() && setsid() == -1 &&
		    errno == EPERM;
		_exit(i);
	}
	printf("session %d\n", wait_for(child));
	printf("foreign group %d %s\n", setpgid(0, 999999), strerrorname_np(errno));
	getrlimit(RLIMIT_NOFILE, &limit);
	limit.rlim_cur = 20;
	setrlimit(RLIMIT_NOFILE, &limit);
	for (i = 0; (fd = dup(0)) >= 0; i++)
		;
	printf("descriptors end %s\n", strerrorname_np(errno));
	prctl(PR_SET_NAME, "a name of its own, long");
	prctl(PR_GET_NAME, buffer);
	printf("name %s\n", buffer);
	wait_with_handler();
	vfork_killed();
	vfork_parent_killed();
	exit_signals(argv[0]);
	/* Many at once. */
	for (i = 0; i < 30; i++) {
		if (fork() == 0)
			_exit(i);
	}
	for (i = 0, fd = 0; (child = wait(&status)) > 0; i++)
		fd += WEXITSTATUS(status);
	printf("many %d sum %d\n", i, fd);
	return 0;
}
