/*
 * Rules of Unix that programs and their users rely on without looking: who may do what, and what is promised to those
 * who share. rules: runs as root in an empty folder. "rules ids" prints who runs it, "rules handler" how SIGUSR1 is
 * handled.
 */
#define _GNU_SOURCE
#include "rules.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

const char *self;

void rule(const char *claim, bool holds)
{
	printf("%s %s\n", holds ? "PASS" : "FAIL", claim);
	fflush(stdout);
}

int error_of(long result)
{
	return result < 0 ? errno : 0;
}

int as_user(uid_t uid, int groups, const gid_t *group, int (*function)(void))
{
	pid_t child = fork();
	int status;

	if (child == 0) {
		if (uid != 0 && (setgroups((size_t)groups, group) != 0 || setresgid(uid, uid, uid) != 0 ||
					setresuid(uid, uid, uid) != 0))
			_exit(255);
		_exit(function());
	}
	waitpid(child, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

void make_file(const char *name, uid_t uid, gid_t gid, mode_t mode)
{
	close(open(name, O_WRONLY | O_CREAT | O_TRUNC, 0600));
	if (chown(name, uid, gid) != 0 || chmod(name, mode) != 0)
		printf("FAIL cannot make %s: %s\n", name, strerror(errno));
}

int main(int argc, char **argv)
{
	struct sigaction action;

	if (argc > 1 && strcmp(argv[1], "ids") == 0) {
		printf("%u %u %u %u\n", getuid(), geteuid(), getgid(), getegid());
		return 0;
	}
	if (argc > 1 && strcmp(argv[1], "handler") == 0) {
		sigaction(SIGUSR1, NULL, &action);
		return action.sa_handler == SIG_DFL ? 0 : action.sa_handler == SIG_IGN ? 1 : 2;
	}
	self = argv[0];
	check_rights();
	check_sharing();
	return 0;
}
