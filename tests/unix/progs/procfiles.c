/* /proc/PID: whose the files of a process are, and who may look into them: not who has less than the process. */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define USER  2345
#define OTHER 2346
#define READY 9 /* the descriptor on which a process says that it is what it shall be */

static char folder[] = "/var/tmp/procfiles.XXXXXX";

static void become(unsigned uid, unsigned gid)
{
	if (setgroups(0, NULL) < 0 || setgid(gid) < 0 || setuid(uid) < 0)
		_exit(9);
}

static void run(const char *program)
{
	execl(program, program, "wait", NULL);
	_exit(8);
}

static void of_root(void)
{
	run("plain");
}

static void of_user(void)
{
	become(USER, USER);
	run("plain");
}

/* It has been root, and what it has in memory may be root's. */
static void dropped(void)
{
	become(USER, USER);
}

static void other_group(void)
{
	become(USER, OTHER);
	run("plain");
}

static void hidden(void)
{
	become(USER, USER);
	run("hide");
}

static void shown_again(void)
{
	become(USER, USER);
	prctl(PR_SET_DUMPABLE, 1);
}

static void set_uid(void)
{
	become(USER, USER);
	run("set-uid");
}

static void set_gid(void)
{
	become(USER, USER);
	run("set-gid");
}

static void unreadable(void)
{
	become(USER, USER);
	run("unreadable");
}

static void saved_id(void)
{
	if (setresuid(USER, USER, 0) < 0)
		_exit(9);
	prctl(PR_SET_DUMPABLE, 1);
}

static const struct {
	const char *name;
	void (*become)(void);
} kinds[] = {{"root's", of_root}, {"the user's", of_user}, {"that was root", dropped},
	{"of another group", other_group}, {"that hides", hidden}, {"that shows itself", shown_again},
	{"set-uid", set_uid}, {"set-gid", set_gid}, {"unreadable program", unreadable}, {"with a saved id", saved_id}};

static const char *const files[] = {".", "environ", "maps", "cmdline", "stat", "status", "statm", "mounts", "limits",
	"comm", "task", "fd", "cwd", "exe", "root", "fd/9", "task/PID/environ", "task/PID/fd"};

static void path_of(char *path, size_t size, pid_t pid, const char *file)
{
	char rest[60];

	snprintf(rest, sizeof rest, "%s", file);
	if (strncmp(file, "task/PID", 8) == 0)
		snprintf(rest, sizeof rest, "task/%d%s", pid, file + 8);
	snprintf(path, size, "/proc/%d/%s", pid, rest);
}

static void owners(pid_t pid)
{
	char path[100];
	struct stat about;
	size_t i;

	for (i = 0; i < sizeof files / sizeof files[0]; i++) {
		path_of(path, sizeof path, pid, files[i]);
		if (lstat(path, &about) < 0)
			printf("%s %s, ", files[i], strerrorname_np(errno));
		else if (strcmp(files[i], "comm") == 0)
			printf("%s %d %d, ", files[i], about.st_uid, about.st_gid);
		else
			printf("%s %d %d %o, ", files[i], about.st_uid, about.st_gid, about.st_mode);
	}
	printf("\n");
}

static void look(pid_t pid, const char *file)
{
	char path[100], target[200], bytes[4096];
	struct stat about;
	DIR *directory;
	int fd;

	path_of(path, sizeof path, pid, file);
	if (lstat(path, &about) < 0) {
		printf("%s lstat %s, ", file, strerrorname_np(errno));
		return;
	}
	if (S_ISLNK(about.st_mode)) {
		printf("%s %s", file, readlink(path, target, sizeof target) < 0 ? strerrorname_np(errno) : "told");
		printf(" %s, ", stat(path, &about) < 0 ? strerrorname_np(errno) : "followed");
		return;
	}
	if (S_ISDIR(about.st_mode)) {
		directory = opendir(path);
		printf("%s %s, ", file, directory == NULL ? strerrorname_np(errno) : "listed");
		if (directory != NULL)
			closedir(directory);
		return;
	}
	fd = open(path, O_RDONLY);
	printf("%s %s, ", file,
		fd < 0                               ? strerrorname_np(errno)
		: read(fd, bytes, sizeof bytes) >= 0 ? "read"
						     : "not read");
	close(fd);
}

static void look_as(pid_t pid, unsigned uid, unsigned gid)
{
	size_t i;

	printf("%u %u: ", uid, gid);
	fflush(stdout);
	if (fork() == 0) {
		if (uid != 0)
			become(uid, gid);
		for (i = 0; i < sizeof files / sizeof files[0]; i++)
			look(pid, files[i]);
		printf("\n");
		fflush(stdout);
		_exit(0);
	}
	wait(NULL);
}

static void kind(size_t which)
{
	int ready[2];
	char byte;
	pid_t pid;

	(void)!pipe(ready);
	printf("--- a process %s\n", kinds[which].name);
	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		dup2(ready[1], READY);
		close(ready[0]);
		close(ready[1]);
		kinds[which].become();
		(void)!write(READY, "r", 1);
		pause();
		_exit(0);
	}
	close(ready[1]);
	if (read(ready[0], &byte, 1) != 1)
		printf("it did not start\n");
	owners(pid);
	look_as(pid, 0, 0);
	look_as(pid, USER, USER);
	look_as(pid, USER, OTHER);
	look_as(pid, OTHER, USER);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	close(ready[0]);
}

static void program(const char *name, unsigned mode)
{
	static char bytes[1 << 22];
	int from = open("/proc/self/exe", O_RDONLY), to = open(name, O_CREAT | O_WRONLY, 0700);
	ssize_t size = read(from, bytes, sizeof bytes);

	if (size <= 0 || write(to, bytes, (size_t)size) != size || fchmod(to, mode) < 0)
		printf("%s: %s\n", name, strerrorname_np(errno));
	close(from);
	close(to);
}

/* What a process may always do with itself. */
static void oneself(void)
{
	fflush(stdout);
	if (fork() == 0) {
		become(USER, USER);
		printf("dumpable %d\n", prctl(PR_GET_DUMPABLE));
		look(getpid(), "fd/9");
		look(getpid(), "exe");
		look(getpid(), "environ");
		look(getpid(), "maps");
		look(getpid(), "fd");
		printf("%d\n", prctl(PR_SET_DUMPABLE, 1));
		printf("dumpable %d\n", prctl(PR_GET_DUMPABLE));
		printf("%d\n", setuid(USER));
		printf("dumpable %d\n", prctl(PR_GET_DUMPABLE));
		printf("wrong %d\n", prctl(PR_SET_DUMPABLE, 2));
		fflush(stdout);
		_exit(0);
	}
	wait(NULL);
}

int main(int argc, char **argv)
{
	size_t i;

	if (argc > 1 && strcmp(argv[1], "wait") == 0) {
		if (strcmp(argv[0], "hide") == 0)
			prctl(PR_SET_DUMPABLE, 0);
		(void)!write(READY, "r", 1);
		pause();
		return 0;
	}
	if (mkdtemp(folder) == NULL || chdir(folder) < 0 || chmod(".", 0755) < 0)
		return 1;
	program("plain", 0755);
	program("hide", 0755);
	program("set-uid", 04755);
	program("set-gid", 02755);
	program("unreadable", 0711);
	dup2(open("/dev/null", O_RDONLY), READY);
	oneself();
	for (i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
		kind(i);
	fflush(stdout);
	for (i = 0; i < 5; i++)
		unlink((const char *const[]){"plain", "hide", "set-uid", "set-gid", "unreadable"}[i]);
	return chdir("/") < 0 || rmdir(folder) < 0;
}
