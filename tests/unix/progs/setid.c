/* Set-id bits: what every change of a file by every kind of user leaves of them. In the folder named. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#define OWNER 2345
#define GROUP 2346
#define OTHER 2347

static const char *const name = "file";

static int by_write(int fd)
{
	return (int)write(fd, "x", 1);
}

static int by_write_nothing(int fd)
{
	return (int)write(fd, "x", 0);
}

static int by_pwrite(int fd)
{
	return (int)pwrite(fd, "x", 1, 20);
}

static int by_writev(int fd)
{
	return (int)writev(fd, &(struct iovec){(char[]){"x"}, 1}, 1);
}

static int by_append(int fd)
{
	(void)fd;
	fd = open(name, O_WRONLY | O_APPEND);
	return (int)write(fd, "x", 1) + close(fd);
}

static int by_sendfile(int fd)
{
	int from = open("source", O_RDONLY), result = (int)sendfile(fd, from, NULL, 3);

	close(from);
	return result;
}

static int by_copy_range(int fd)
{
	int from = open("source", O_RDONLY), result = (int)copy_file_range(from, NULL, fd, NULL, 3, 0);

	close(from);
	return result;
}

static int by_truncate(int fd)
{
	(void)fd;
	return truncate(name, 5);
}

static int by_same_size(int fd)
{
	return ftruncate(fd, 10);
}

static int by_longer(int fd)
{
	return ftruncate(fd, 100);
}

static int by_opening(int fd)
{
	(void)fd;
	fd = open(name, O_WRONLY | O_TRUNC);
	return fd < 0 ? -1 : close(fd);
}

/* The bits come back before the file is emptied again. */
static int by_opening_empty(int fd)
{
	return ftruncate(fd, 0) + by_opening(fd);
}

static int by_allocating(int fd)
{
	return fallocate(fd, 0, 0, 50);
}

static int by_mapping(int fd)
{
	char *memory = mmap(NULL, 10, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	memory[0] = 'x';
	return msync(memory, 10, MS_SYNC) + munmap(memory, 10);
}

static int by_no_owner(int fd)
{
	return fchown(fd, (uid_t)-1, (gid_t)-1);
}

static int by_own_group(int fd)
{
	return fchown(fd, (uid_t)-1, getegid());
}

static int by_mode(int fd)
{
	return fchmod(fd, 06755);
}

static int by_times(int fd)
{
	return futimens(fd, NULL);
}

static const struct {
	const char *name;
	int (*act)(int fd);
} acts[] = {{"write", by_write}, {"write of nothing", by_write_nothing}, {"pwrite", by_pwrite}, {"writev", by_writev},
	{"append", by_append}, {"sendfile", by_sendfile}, {"copy_file_range", by_copy_range}, {"truncate", by_truncate},
	{"the same size", by_same_size}, {"longer", by_longer}, {"O_TRUNC", by_opening},
	{"O_TRUNC of an empty file", by_opening_empty}, {"fallocate", by_allocating}, {"mapping", by_mapping},
	{"chown to nobody", by_no_owner}, {"chgrp", by_own_group}, {"chmod", by_mode}, {"utimens", by_times}};

static const struct {
	const char *name;
	unsigned uid, gid;
} users[] = {{"root", 0, 0}, {"owner", OWNER, GROUP}, {"owner of another group", OWNER, OWNER},
	{"one of the group", OTHER, GROUP}, {"anybody", OTHER, OTHER}};

static const unsigned modes[] = {06777, 06767, 04777, 02777, 02767, 01777};

static void become(unsigned uid, unsigned gid)
{
	if (uid != 0 && (setgroups(0, NULL) < 0 || setgid(gid) < 0 || setuid(uid) < 0))
		_exit(9);
}

static void try(size_t act, size_t user)
{
	size_t i;

	printf("%s by %s:", acts[act].name, users[user].name);
	for (i = 0; i < sizeof modes / sizeof modes[0]; i++) {
		int fd = open(name, O_RDWR | O_CREAT | O_TRUNC, 0600), status;
		struct stat about;

		if (fd < 0 || write(fd, "0123456789", 10) != 10 || fchown(fd, OWNER, GROUP) < 0 ||
			fchmod(fd, modes[i]) < 0)
			printf(" %s", strerrorname_np(errno));
		lseek(fd, 0, SEEK_SET);
		fflush(stdout);
		if (fork() == 0) {
			become(users[user].uid, users[user].gid);
			_exit(acts[act].act(fd) < 0 ? errno : 0);
		}
		wait(&status);
		fstat(fd, &about);
		printf(" %o", about.st_mode & 07777);
		if (WEXITSTATUS(status) != 0)
			printf("(%s)", strerrorname_np(WEXITSTATUS(status)));
		close(fd);
		unlink(name);
	}
	printf("\n");
}

/* Folders keep theirs, and hand the group down. */
static void folders(void)
{
	struct stat about;
	int fd;

	mkdir("folder", 0777);
	if (chown("folder", OWNER, GROUP) < 0 || chmod("folder", 06777) < 0)
		printf("folder: %s\n", strerrorname_np(errno));
	if (fork() == 0) {
		become(OTHER, OTHER);
		umask(0);
		mkdir("folder/below", 0700);
		stat("folder/below", &about);
		printf("below %o %d\n", about.st_mode & 07777, about.st_gid);
		fd = open("folder/file", O_CREAT | O_RDWR, 06775);
		fstat(fd, &about);
		printf("a new file %o %d\n", about.st_mode & 07777, about.st_gid);
		fd = open("folder/plain", O_CREAT | O_RDWR, 06765);
		fstat(fd, &about);
		printf("one that its group may not run %o %d\n", about.st_mode & 07777, about.st_gid);
		umask(016);
		fd = open("folder/masked", O_CREAT | O_RDWR, 06777);
		fstat(fd, &about);
		printf("one that its group would have run %o %d\n", about.st_mode & 07777, about.st_gid);
		fflush(stdout);
		_exit(0);
	}
	wait(NULL);
	printf("chown of a folder %d", chown("folder", OTHER, OTHER));
	stat("folder", &about);
	printf(" %o\n", about.st_mode & 07777);
}

static void asks(const char *what, int flags)
{
	printf("%s: %s\n", what, faccessat(AT_FDCWD, "group's", R_OK, flags) == 0 ? "yes" : strerrorname_np(errno));
}

/* Whom a set-group-id program runs for is not in its group. */
static void asked_for(void)
{
	int fd = open("group's", O_CREAT | O_RDWR, 0600);

	if (fd < 0 || fchown(fd, 0, GROUP) < 0 || fchmod(fd, 0640) < 0)
		printf("group's: %s\n", strerrorname_np(errno));
	fflush(stdout);
	if (fork() == 0) {
		if (setgroups(0, NULL) < 0 || setresgid(OTHER, GROUP, GROUP) < 0 || setresuid(OTHER, OTHER, OTHER) < 0)
			_exit(9);
		asks("its caller may read", 0);
		asks("the program may", AT_EACCESS);
		printf("and does %d\n", open("group's", O_RDONLY) >= 0);
		fflush(stdout);
		_exit(0);
	}
	wait(NULL);
	close(fd);
}

int main(int argc, char **argv)
{
	char folder[200], command[300];
	size_t act, user;

	snprintf(folder, sizeof folder, "%s/setid.XXXXXX", argc > 1 ? argv[1] : "/tmp");
	if (mkdtemp(folder) == NULL || chdir(folder) < 0 || chmod(".", 0755) < 0)
		return 1;
	close(open("source", O_CREAT | O_WRONLY, 0644));
	if (truncate("source", 10) < 0)
		return 1;
	for (act = 0; act < sizeof acts / sizeof acts[0]; act++)
		for (user = 0; user < sizeof users / sizeof users[0]; user++)
			try(act, user);
	folders();
	asked_for();
	fflush(stdout);
	snprintf(command, sizeof command, "rm -r %s", folder);
	return chdir("/") < 0 || system(command) != 0;
}
