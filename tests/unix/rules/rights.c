/* Who may do what: folders, groups, set-id programs, devices, signals. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#include "rules.h"

static int leave_root(void)
{
	struct stat root, above, further;

	if (chroot("jail") != 0 || chdir("/") != 0)
		return 1;
	stat("/", &root);
	stat("..", &above);
	stat("inside/../../..", &further);
	if (above.st_ino != root.st_ino || further.st_ino != root.st_ino)
		return 2;
	return access("../outside", F_OK) == 0 || access("/inside/../../outside", F_OK) == 0 ||
			       access("link", F_OK) == 0
		       ? 3
		       : 0;
}

static void check_chroot(void)
{
	mkdir("jail", 0755);
	mkdir("jail/inside", 0755);
	make_file("outside", 0, 0, 0644);
	(void)!symlink("../outside", "jail/link");
	rule("\"..\" does not leave a new root, nor does a link", as_user(0, 0, NULL, leave_root) == 0);
}

/* What "rules ids" of the program says, when the stranger runs it. */
static const char *ran_program;
static char ids[64];

static int run_ids(void)
{
	execl(ran_program, "rules", "ids", (char *)NULL);
	return 1;
}

static const char *ids_of(const char *program)
{
	int pipes[2], old = dup(1);
	ssize_t size;

	(void)!pipe(pipes);
	dup2(pipes[1], 1);
	close(pipes[1]);
	ran_program = program;
	as_user(STRANGER, 0, NULL, run_ids);
	dup2(old, 1);
	close(old);
	size = read(pipes[0], ids, sizeof ids - 1);
	ids[size > 0 ? size - 1 : 0] = 0;
	close(pipes[0]);
	return ids;
}

static void copy_self(const char *name, mode_t mode)
{
	int from = open(self, O_RDONLY), to = open(name, O_WRONLY | O_CREAT | O_TRUNC, 0700);
	char buffer[8192];
	ssize_t size;

	while ((size = read(from, buffer, sizeof buffer)) > 0)
		(void)!write(to, buffer, (size_t)size);
	close(from);
	close(to);
	(void)!chown(name, OWNER, GROUP);
	chmod(name, mode);
}

static int write_to_set_id(void)
{
	int fd = open("set-id", O_WRONLY | O_APPEND);
	struct stat status;

	(void)!write(fd, "x", 1);
	fstat(fd, &status);
	return (status.st_mode & (S_ISUID | S_ISGID)) == 0 ? 0 : 1;
}

static int execute(void)
{
	execl(ran_program, "rules", "ids", (char *)NULL);
	return errno;
}

static void check_programs(void)
{
	copy_self("program", 0755);
	rule("a program runs as who runs it", strcmp(ids_of("./program"), "1002 1002 1002 1002") == 0);
	chmod("program", 04755);
	rule("a set-user-id program gains its owner's id", strcmp(ids_of("./program"), "1002 1001 1002 1002") == 0);
	chmod("program", 02755);
	rule("a set-group-id program gains its group's", strcmp(ids_of("./program"), "1002 1002 1002 2001") == 0);
	chmod("program", 0700);
	ran_program = "./program";
	rule("who has not the right cannot run a program", as_user(STRANGER, 0, NULL, execute) == EACCES);
	make_file("set-id", OWNER, GROUP, 06777);
	rule("set-id bits do not survive a stranger's write", as_user(STRANGER, 0, NULL, write_to_set_id) == 0);
}

static int open_group_file(void)
{
	return error_of(open("group-file", O_RDONLY));
}

static int set_groups(void)
{
	return error_of(setgroups(1, (gid_t[]){0}));
}

static int become_root(void)
{
	return error_of(setuid(0)) == EPERM && error_of(setresuid(-1, 0, -1)) == EPERM &&
			       error_of(setresgid(-1, 0, -1)) == EPERM && error_of(setreuid(0, 0)) == EPERM
		       ? 0
		       : 1;
}

static void check_groups(void)
{
	const gid_t both[] = {GROUP, SECOND_GROUP}, turned[] = {SECOND_GROUP, GROUP}, other[] = {SECOND_GROUP};

	make_file("group-file", 0, GROUP, 0040);
	rule("the first supplementary group counts", as_user(STRANGER, 2, both, open_group_file) == 0);
	rule("so does the last", as_user(STRANGER, 2, turned, open_group_file) == 0);
	rule("a group that one is not in does not", as_user(STRANGER, 1, other, open_group_file) == EACCES);
	rule("only root sets groups", as_user(STRANGER, 0, NULL, set_groups) == EPERM);
	rule("nobody takes an id that is not his", as_user(STRANGER, 0, NULL, become_root) == 0);
}

static int unlink_in_sticky(void)
{
	return error_of(unlink("sticky/file"));
}

static int rename_in_sticky(void)
{
	return error_of(rename("sticky/file", "sticky/mine"));
}

static int look_inside(void)
{
	return error_of(open("closed/file", O_RDONLY));
}

static int make_device(void)
{
	return error_of(mknod("sticky/device", S_IFCHR | 0666, makedev(1, 3)));
}

static int change_mode(void)
{
	return error_of(chmod("sticky/file", 0777));
}

static int give_away(void)
{
	make_file("sticky/own", STRANGER, STRANGER, 0600);
	return error_of(chown("sticky/own", OWNER, (gid_t)-1));
}

static int raise_limit(void)
{
	struct rlimit limit;

	getrlimit(RLIMIT_NOFILE, &limit);
	limit.rlim_max += 1;
	return error_of(setrlimit(RLIMIT_NOFILE, &limit));
}

static void check_files(void)
{
	struct stat status;

	mkdir("sticky", 0755);
	chmod("sticky", 01777);
	make_file("sticky/file", OWNER, OWNER, 0666);
	rule("in a sticky folder nobody removes another's file", as_user(STRANGER, 0, NULL, unlink_in_sticky) == EPERM);
	rule("nor renames it", as_user(STRANGER, 0, NULL, rename_in_sticky) == EPERM);
	rule("nor changes its mode", as_user(STRANGER, 0, NULL, change_mode) == EPERM);
	rule("its owner does", as_user(OWNER, 0, NULL, unlink_in_sticky) == 0);
	mkdir("closed", 0755);
	make_file("closed/file", STRANGER, STRANGER, 0666);
	chmod("closed", 0744);
	rule("a folder that one may not search hides what is in it", as_user(STRANGER, 0, NULL, look_inside) == EACCES);
	rule("only root makes devices", as_user(STRANGER, 0, NULL, make_device) == EPERM);
	rule("only root gives files away", as_user(STRANGER, 0, NULL, give_away) == EPERM);
	rule("only root raises a hard limit", as_user(STRANGER, 0, NULL, raise_limit) == EPERM);
	umask(027);
	close(open("masked", O_WRONLY | O_CREAT, 0666));
	mkdir("masked-folder", 0777);
	stat("masked", &status);
	rule("the mask of modes holds for files", (status.st_mode & 0777) == 0640);
	stat("masked-folder", &status);
	rule("and for folders", (status.st_mode & 0777) == 0750);
	umask(022);
	rule("O_EXCL does not open what is there",
		error_of(open("masked", O_WRONLY | O_CREAT | O_EXCL, 0666)) == EEXIST);
	(void)!symlink("nothing", "dangling");
	rule("nor follows a link", error_of(open("dangling", O_WRONLY | O_CREAT | O_EXCL, 0666)) == EEXIST);
}

static pid_t victim;

static int signal_victim(void)
{
	return error_of(kill(victim, SIGTERM));
}

static int signal_victims_thread(void)
{
	return error_of(tgkill(victim, victim, SIGTERM));
}

static void check_signals(void)
{
	int status;

	victim = fork();
	if (victim == 0) {
		if (setresuid(OWNER, OWNER, OWNER) != 0)
			_exit(1);
		for (;;)
			pause();
	}
	while (as_user(OWNER, 0, NULL, signal_victim) == EPERM && kill(victim, 0) == 0)
		usleep(1000);
	waitpid(victim, &status, 0);
	rule("who has the same id may send a signal", WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM);
	victim = fork();
	if (victim == 0)
		for (;;)
			pause();
	rule("a stranger may not", as_user(STRANGER, 0, NULL, signal_victim) == EPERM);
	rule("nor to its thread", as_user(STRANGER, 0, NULL, signal_victims_thread) == EPERM);
	kill(victim, SIGKILL);
	waitpid(victim, &status, 0);
}

/* A shared mapping of a file opened for reading cannot become writable, in a child neither. */
static int write_mapping(void)
{
	int fd = open("group-file", O_RDONLY);
	void *memory = mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0);
	pid_t child;
	int status;

	if (mprotect(memory, 4096, PROT_READ | PROT_WRITE) == 0)
		return 1;
	child = fork();
	if (child == 0)
		_exit(mprotect(memory, 4096, PROT_READ | PROT_WRITE) == 0 ? 2 : 0);
	waitpid(child, &status, 0);
	return WEXITSTATUS(status);
}

void check_rights(void)
{
	const gid_t group = GROUP;

	check_chroot();
	check_programs();
	check_groups();
	check_files();
	check_signals();
	rule("a mapping of what may only be read stays so", as_user(STRANGER, 1, &group, write_mapping) == 0);
}
