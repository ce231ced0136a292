/* Extended attributes: kept with a file whatever its names, asked for by size, made, replaced, removed; and whose they are. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

static char value[70000];

static void say(const char *what, long result)
{
	if (result < 0)
		printf("%s: %s\n", what, strerrorname_np(errno));
	else
		printf("%s: %ld\n", what, result);
	fflush(stdout);
}

#define SAY(call) say(#call, (long)(call))

static int compare(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The names in one order: Linux's differs from file system to file system. */
static void list(const char *what, const char *path)
{
	char names[2000], *sorted[50];
	ssize_t size = listxattr(path, names, sizeof names);
	int count = 0;

	say(what, size);
	for (char *at = names; at < names + size; at += strlen(at) + 1)
		if (strncmp(at, "security.selinux", 16) != 0)
			sorted[count++] = at;
	qsort(sorted, (size_t)count, sizeof *sorted, compare);
	for (int i = 0; i < count; i++) {
		ssize_t length = getxattr(path, sorted[i], value, sizeof value);

		printf("  %s: %ld '%.*s'\n", sorted[i], (long)length, (int)(length < 20 ? length : 20), value);
	}
}

static void kept(void)
{
	struct stat before, after;
	int fd = open("file", O_RDWR | O_CREAT, 0644);

	list("none", "file");
	SAY(setxattr("file", "user.one", "first", 5, 0));
	SAY(fsetxattr(fd, "user.two", "second", 6, XATTR_CREATE));
	SAY(setxattr("file", "user.empty", "", 0, 0));
	list("three", "file");
	SAY(setxattr("file", "user.one", "again", 5, XATTR_CREATE));
	SAY(setxattr("file", "user.none", "x", 1, XATTR_REPLACE));
	SAY(setxattr("file", "user.one", "replaced", 8, XATTR_REPLACE));
	stat("file", &before);
	usleep(20000);
	SAY(setxattr("file", "user.two", "2", 1, 0));
	stat("file", &after);
	printf("the time of change moves: %d, of contents: %d\n", before.st_ctim.tv_sec != after.st_ctim.tv_sec || before.st_ctim.tv_nsec != after.st_ctim.tv_nsec,
		before.st_mtim.tv_sec != after.st_mtim.tv_sec || before.st_mtim.tv_nsec != after.st_mtim.tv_nsec);
	SAY(getxattr("file", "user.one", value, 0));
	SAY(getxattr("file", "user.one", value, 3));
	SAY(getxattr("file", "user.one", value, 8));
	SAY(getxattr("file", "user.none", value, 8));
	SAY(fgetxattr(fd, "user.two", value, 8));
	SAY(listxattr("file", value, 0));
	SAY(listxattr("file", value, 5));
	SAY(rename("file", "other"));
	SAY(link("other", "file"));
	list("renamed", "other");
	SAY(removexattr("file", "user.two"));
	SAY(removexattr("file", "user.two"));
	SAY(fremovexattr(fd, "user.empty"));
	list("removed", "file");
	memset(value, 'v', sizeof value);
	SAY(setxattr("file", "user.large", value, 3000, 0));
	memset(value, 0, sizeof value);
	SAY(getxattr("file", "user.large", value, sizeof value));
	printf("%c %c %d\n", value[0], value[2999], value[3000]);
	SAY(setxattr("file", "user.large", "s", 1, 0));
	list("small again", "file");
	SAY(setxattr("file", "user.large", value, 65537, 0));
	close(fd);
}

static void names(void)
{
	char name[400];

	memset(name, 'n', sizeof name);
	memcpy(name, "user.", 5);
	name[255] = 0;
	SAY(setxattr("file", name, "long", 4, 0));
	SAY(removexattr("file", name));
	name[255] = 'n';
	name[256] = 0;
	SAY(setxattr("file", name, "too long", 8, 0));
	SAY(setxattr("file", "", "x", 1, 0));
	SAY(setxattr("file", "user.", "x", 1, 0));
	SAY(setxattr("file", "unknown.x", "x", 1, 0));
	SAY(getxattr("file", "unknown.x", value, 10));
	SAY(setxattr("file", "noprefix", "x", 1, 0));
	SAY(setxattr("file", "user.x", "x", 1, 8));
	SAY(setxattr("nowhere", "user.x", "x", 1, 0));
	SAY(fsetxattr(77, "user.x", "x", 1, 0));
	SAY(fsetxattr(-1, "user.x", "x", 1, 0));
}

static void kinds(void)
{
	int fd;

	mkdir("folder", 0755);
	symlink("file", "link");
	symlink("nowhere", "dangling");
	mkfifo("fifo", 0666);
	SAY(setxattr("folder", "user.x", "of a folder", 11, 0));
	list("a folder", "folder");
	SAY(setxattr("link", "user.through", "x", 1, 0));
	SAY(lsetxattr("link", "user.x", "x", 1, 0));
	SAY(lgetxattr("link", "user.x", value, 10));
	SAY(llistxattr("link", value, 100) <= 17);
	SAY(setxattr("dangling", "user.x", "x", 1, 0));
	SAY(setxattr("fifo", "user.x", "x", 1, 0));
	SAY(getxattr("fifo", "user.x", value, 10));
	list("through a link", "file");
	fd = open("file", O_PATH);
	SAY(fsetxattr(fd, "user.x", "x", 1, 0));
	SAY(fgetxattr(fd, "user.x", value, 10));
	close(fd);
}

/* As root, and as a user to whom the file does not belong. */
static void whose(void)
{
	int status;

	SAY(setxattr("file", "security.portolan", "s", 1, 0));
	chmod("file", 0644);
	chmod(".", 0755);
	mkdir("sticky", 0777);
	chmod("sticky", 01777);
	fflush(stdout);
	if (fork() == 0) {
		setgroups(0, NULL);
		setgid(1000);
		setuid(1000);
		SAY(getxattr("file", "user.one", value, 100));
		SAY(setxattr("file", "user.one", "mine", 4, 0));
		SAY(removexattr("file", "user.one"));
		SAY(getxattr("file", "security.portolan", value, 100));
		SAY(setxattr("file", "security.portolan", "t", 1, 0));
		SAY(setxattr("file", "trusted.x", "t", 1, 0));
		SAY(getxattr("file", "trusted.x", value, 100));
		SAY(setxattr("sticky", "user.x", "s", 1, 0));
		_exit(0);
	}
	wait(&status);
	chmod("file", 0600);
	if (fork() == 0) {
		setgroups(0, NULL);
		setgid(1000);
		setuid(1000);
		SAY(getxattr("file", "user.one", value, 100));
		SAY(listxattr("file", value, 0) > 0);
		_exit(0);
	}
	wait(&status);
	SAY(setxattr("sticky", "user.x", "s", 1, 0));
	SAY(removexattr("file", "security.portolan"));
}

int main(int argc, char **argv)
{
	char folder[64] = "xattrs.XXXXXX";

	if (argc < 2 || chdir(argv[1]) != 0 || mkdtemp(folder) == NULL || chdir(folder) != 0)
		return 1;
	kept();
	names();
	kinds();
	whose();
	list("at the end", "file");
	unlink("file");
	unlink("other");
	unlink("link");
	unlink("dangling");
	unlink("fifo");
	rmdir("folder");
	rmdir("sticky");
	chdir("..");
	return rmdir(folder);
}
