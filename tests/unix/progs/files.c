/* Files: every call on names, contents, sizes, times and rights, in a fresh directory of the file system named. Prints
 * what each returns. */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/sysmacros.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#define SIZE 200000

static char buffer[SIZE], other[SIZE];
static char *volatile nowhere = (char *)8; /* not memory */

/* A result: the value, or the error's name. */
static void say(const char *what, long result)
{
	if (result < 0)
		printf("%s: %s\n", what, strerrorname_np(errno));
	else
		printf("%s: %ld\n", what, result);
}

#define SAY(call) say(#call, (long)(call))

static void make(const char *name, const char *text)
{
	int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC, 0644);

	if (fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text))
		say(name, -1);
	close(fd);
}

static void show(const char *name)
{
	struct stat s;
	char text[100] = "";
	int fd;

	if (lstat(name, &s) < 0) {
		say(name, -1);
		return;
	}
	fd = S_ISREG(s.st_mode) ? open(name, O_RDONLY) : -1;
	if (fd >= 0) {
		if (read(fd, text, sizeof(text) - 1) < 0)
			say("read", -1);
		close(fd);
	}
	printf("%s: mode %o links %lu size %ld '%s'\n", name, s.st_mode, (unsigned long)s.st_nlink,
		S_ISDIR(s.st_mode) ? 0L : (long)s.st_size, text);
}

static int compare(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static void list(const char *name)
{
	DIR *directory = opendir(name);
	char *names[1000];
	struct dirent *entry;
	int n = 0, i;

	if (directory == NULL) {
		say(name, -1);
		return;
	}
	while ((entry = readdir(directory)) != NULL && n < 1000) {
		char line[300];

		snprintf(line, sizeof(line), "%s/%d", entry->d_name, entry->d_type);
		names[n++] = strdup(line);
	}
	closedir(directory);
	qsort(names, (size_t)n, sizeof(names[0]), compare);
	printf("%s:", name);
	for (i = 0; i < n; i++)
		printf(" %s", names[i]);
	printf("\n");
}

static void opening(void)
{
	int fd;

	make("a", "first");
	SAY(open("a", O_RDONLY | O_CREAT | O_EXCL, 0600));
	SAY(open("none", O_RDONLY));
	SAY(open("none/x", O_RDONLY | O_CREAT, 0600));
	SAY(open("a/x", O_RDONLY | O_CREAT, 0600));
	SAY(open("new/", O_RDONLY | O_CREAT, 0600));
	SAY(open(".", O_RDWR));
	SAY(open(".", O_RDONLY | O_CREAT, 0600));
	SAY(open("a", O_RDONLY | O_DIRECTORY));
	SAY(open("", O_RDONLY));
	SAY(symlink("target-that-comes", "dangling"));
	SAY(open("dangling", O_RDONLY));
	SAY(open("dangling", O_RDONLY | O_CREAT | O_EXCL, 0600));
	fd = open("dangling", O_WRONLY | O_CREAT, 0640);
	SAY(write(fd, "through", 7));
	close(fd);
	show("target-that-comes");
	SAY(open("dangling", O_RDONLY | O_NOFOLLOW));
	SAY(symlink("loop-b", "loop-a"));
	SAY(symlink("loop-a", "loop-b"));
	SAY(open("loop-a", O_RDONLY));
	SAY(access("loop-a/x", F_OK));
	umask(077);
	close(open("masked", O_CREAT | O_WRONLY, 0777));
	umask(022);
	show("masked");
	fd = open("a", O_PATH);
	SAY(read(fd, buffer, 1));
	SAY(fchmod(fd, 0600));
	SAY(fstatat(fd, "", &(struct stat){0}, AT_EMPTY_PATH));
	close(fd);
	fd = open("a", O_WRONLY);
	SAY(read(fd, buffer, 1));
	close(fd);
	memset(buffer, 'n', 300);
	buffer[300] = 0;
	SAY(open(buffer, O_RDONLY | O_CREAT, 0600));
	memset(buffer, '/', 5000);
	buffer[5000] = 0;
	SAY(access(buffer, F_OK));
}

static void reading_and_writing(void)
{
	struct iovec vector[3] = {{other, 10}, {other + 100, 0}, {other + 50, 20}};
	int fd = open("data", O_RDWR | O_CREAT | O_TRUNC, 0600), second, i;
	struct stat s;
	off_t at;

	for (i = 0; i < SIZE; i++)
		buffer[i] = (char)(i * 31 + i / 1000);
	SAY(write(fd, buffer, SIZE));
	SAY(lseek(fd, 0, SEEK_CUR));
	SAY(read(fd, other, 1));
	SAY(lseek(fd, 1000, SEEK_SET));
	SAY(read(fd, other, 5000));
	printf("same: %d\n", memcmp(other, buffer + 1000, 5000));
	SAY(pread(fd, other, SIZE, 199000));
	printf("same: %d\n", memcmp(other, buffer + 199000, 1000));
	SAY(pwrite(fd, "patch", 5, 4094));
	memcpy(buffer + 4094, "patch", 5);
	SAY(pread(fd, other, SIZE, 0));
	printf("same: %d\n", memcmp(other, buffer, SIZE));
	SAY(preadv(fd, vector, 3, 100));
	printf("same: %d %d\n", memcmp(other, buffer + 100, 10), memcmp(other + 50, buffer + 110, 20));
	SAY(lseek(fd, -1, SEEK_SET));
	SAY(lseek(fd, -5, SEEK_END));
	SAY(lseek(fd, 5, 99));
	SAY(lseek(fd, 10, SEEK_END));
	SAY(read(fd, other, 10));
	SAY(pread(fd, other, 10, -1));
	SAY(write(fd, NULL, 0));
	SAY(write(fd, nowhere, 10));
	SAY(pread(fd, nowhere, 10, 0));
	SAY(ftruncate(fd, 5000));
	SAY(ftruncate(fd, 300000));
	SAY(fstat(fd, &s));
	printf("size %ld\n", (long)s.st_size);
	SAY(pread(fd, other, 6000, 0));
	for (i = 5000; i < 6000 && other[i] == 0; i++)
		;
	printf("zeros to %d, the rest %d\n", i, memcmp(other, buffer, 5000));
	at = (off_t)1 << 33;
	SAY(pwrite(fd, "far", 3, at));
	SAY(pread(fd, other, 10, at - 5));
	printf("'%.3s' %d\n", other + 5, other[4]);
	SAY(ftruncate(fd, -1));
	SAY(ftruncate(fd, 0));
	SAY(lseek(fd, 0, SEEK_SET));
	second = open("data", O_WRONLY | O_APPEND);
	SAY(write(fd, "one", 3));
	SAY(write(second, "two", 3));
	SAY(write(fd, "3", 1));
	SAY(write(second, "four", 4));
	SAY(pwrite(second, "X", 1, 0));
	show("data");
	SAY(sendfile(second, fd, &(off_t){1}, 4));
	close(second);
	second = open("copy", O_RDWR | O_CREAT, 0600);
	SAY(sendfile(second, fd, &(off_t){0}, 100));
	SAY(copy_file_range(fd, &(off_t){2}, second, NULL, 5, 0));
	show("copy");
	SAY(fallocate(second, 0, 0, 100));
	SAY(fallocate(second, FALLOC_FL_KEEP_SIZE, 0, 100000));
	show("copy");
	SAY(fsync(second));
	SAY(fdatasync(second));
	close(second);
	close(fd);
}

/* Paths long and short, at the very end of what is mapped, with slashes and links wherever they may be. */
static void paths(void)
{
	char *end = mmap(NULL, 3 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	char path[PATH_MAX + 200];
	struct stat s;
	size_t i, length;

	if (end == MAP_FAILED || munmap(end + 2 * 4096, 4096) != 0)
		return;
	end += 2 * 4096;
	mkdir("pa", 0755);
	mkdir("pa/pb", 0755);
	make("pa/pb/pf", "here");
	SAY(symlink("pa//pb/", "to-pb"));
	SAY(symlink("../pa/pb", "pa/back"));
	SAY(symlink("to-pb/pf", "to-pf"));
	static const char *const tries[] = {"pa/pb/pf", "pa///pb//pf", "./pa/./pb/../pb/pf", "to-pb/pf", "to-pb//pf",
		"to-pb/../pb/pf", "pa/back/pf", "pa/back//../back/pf", "to-pf", "to-pf/", "to-pf/x", "to-pb", "to-pb/",
		"to-pb//", "pa/pb/pf/", "pa/pb/none", "", "/", "//", "///..//..", "pa/pb/pf/.."};
	for (i = 0; i < sizeof tries / sizeof tries[0]; i++) {
		length = strlen(tries[i]) + 1;
		memcpy(end - length, tries[i], length);
		printf("stat %s: %d", tries[i], stat(end - length, &s));
		printf(" lstat %d\n", lstat(end - length, &s));
		end[-1] = 'x';
		errno = 0;
		printf("without its end: %d", stat(end - length, &s));
		printf(" %s\n", strerrorname_np(errno));
	}
	/* Of every length about where the server's first look, a page and a path end. */
	for (length = 100; length < sizeof path - 1;
		length += length < 140 || (length > 4080 && length < 4110) ? 1 : 97) {
		memset(path, '/', length);
		memcpy(path, "pa", 2);
		memcpy(path + length - 5, "pb/pf", 5);
		path[length] = 0;
		errno = 0;
		printf("length %zu: %d", length, access(path, F_OK));
		memcpy(end - length - 1, path, length + 1);
		printf(" %d", access(end - length - 1, F_OK));
		memmove(end - length - 51, end - length - 1, length + 1);
		printf(" %d", access(end - length - 51, F_OK));
		printf(" %s\n", strerrorname_np(errno));
	}
	for (length = 250; length < 260; length++) {
		memset(path, 'n', length);
		strcpy(path + length, "/..");
		errno = 0;
		printf("name of %zu: %d", length, access(path, F_OK));
		printf(" %s\n", strerrorname_np(errno));
	}
}

static void mappings(void)
{
	int fd = open("mapped", O_RDWR | O_CREAT | O_TRUNC, 0600);
	char *shared, *private;

	SAY(ftruncate(fd, 10000));
	shared = mmap(NULL, 10000, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	private = mmap(NULL, 10000, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	SAY(pwrite(fd, "by write", 8, 5000));
	printf("shared sees '%.8s', private '%.8s'\n", shared + 5000, private + 5000);
	memcpy(shared + 100, "by mapping", 10);
	private[5000] = 'X';
	SAY(pread(fd, other, 10, 100));
	printf("read sees '%.10s', shared still '%.8s'\n", other, shared + 5000);
	if (fork() == 0) {
		memcpy(shared + 200, "by child", 8);
		_exit(0);
	}
	wait(NULL);
	printf("'%.8s'\n", shared + 200);
	SAY(msync(shared, 10000, MS_SYNC));
	SAY(munmap(shared, 10000));
	SAY(munmap(private, 10000));
	close(fd);
	fd = open("mapped", O_RDONLY);
	SAY(pread(fd, other, 8, 200));
	printf("'%.8s'\n", other);
	SAY(mmap(NULL, 4096, PROT_WRITE, MAP_SHARED, fd, 0) == MAP_FAILED ? -1 : 0);
	close(fd);
}

static void names(void)
{
	char text[100];
	int fd;

	SAY(mkdir("d", 0755));
	SAY(mkdir("d", 0755));
	SAY(mkdir("d/e/", 0700));
	SAY(mkdir("none/e", 0700));
	make("d/f", "file f");
	SAY(rmdir("d"));
	SAY(rmdir("d/f"));
	SAY(unlink("d/e"));
	SAY(rmdir("d/e/."));
	SAY(rmdir("."));
	SAY(link("d/f", "g"));
	SAY(link("d", "h"));
	SAY(link("d/f", "g"));
	show("g");
	SAY(unlink("g"));
	show("d/f");
	SAY(symlink("f", "d/s"));
	SAY(readlink("d/s", text, sizeof(text)));
	SAY(readlink("d/f", text, sizeof(text)));
	SAY(readlink("d/s", text, 0));
	show("d/s");
	SAY(rename("d/f", "d/f"));
	SAY(rename("d/f", "moved"));
	SAY(rename("none", "x"));
	SAY(rename("d", "d/e/inside"));
	SAY(rename("d/e", "moved"));
	SAY(rename("moved", "d/e"));
	SAY(rename("moved", "d/e/"));
	make("over", "to be replaced");
	SAY(rename("moved", "over"));
	show("over");
	SAY(mkdir("d2", 0755));
	SAY(rename("d/e", "d2"));
	list("d");
	list("d2");
	SAY(mkdir("d2/e", 0755));
	SAY(rename("d", "d2"));
	SAY(rename("d2/e", "d/e"));
	SAY(chdir("d/e"));
	SAY(rename("../../d2", "../../d/e/d2"));
	list("..");
	SAY(chdir("d2"));
	SAY(access("../../s", F_OK));
	SAY(chdir("../../.."));
	SAY(renameat2(AT_FDCWD, "over", AT_FDCWD, "d/s", RENAME_NOREPLACE));
	SAY(renameat2(AT_FDCWD, "over", AT_FDCWD, "d", RENAME_EXCHANGE));
	show("d");
	list("over");
	SAY(renameat2(AT_FDCWD, "over", AT_FDCWD, "d", RENAME_EXCHANGE));
	SAY(mkfifo("fifo", 0644));
	SAY(mknod("device", S_IFCHR | 0600, makedev(1, 3)));
	show("fifo");
	show("device");
	fd = open("d/gone", O_RDWR | O_CREAT, 0600);
	SAY(write(fd, "still here", 10));
	SAY(unlink("d/gone"));
	SAY(pread(fd, text, 10, 0));
	SAY(fchmod(fd, 0640));
	close(fd);
	SAY(mkdir("vanish", 0755));
	SAY(chdir("vanish"));
	SAY(rmdir("../vanish"));
	SAY(getcwd(text, sizeof(text)) == NULL ? -1 : 0);
	SAY(open("x", O_CREAT | O_WRONLY, 0600));
	SAY(mkdir("x", 0700));
	SAY(chdir(".."));
	SAY(unlink("none"));
	SAY(unlink("over/"));
	SAY(rmdir("over"));
	list("d");
}

static void many(void)
{
	char name[300];
	int i;

	SAY(mkdir("many", 0755));
	for (i = 0; i < 500; i++) {
		snprintf(name, sizeof(name), "many/a-rather-long-name-for-a-file-%d", i);
		close(open(name, O_CREAT | O_WRONLY, 0600));
	}
	for (i = 0; i < 500; i += 2) {
		snprintf(name, sizeof(name), "many/a-rather-long-name-for-a-file-%d", i);
		if (unlink(name) < 0)
			say(name, -1);
	}
	list("many");
	for (i = 1; i < 500; i += 2) {
		snprintf(name, sizeof(name), "many/a-rather-long-name-for-a-file-%d", i);
		if (unlink(name) < 0)
			say(name, -1);
	}
	SAY(rmdir("many"));
}

static void attributes(void)
{
	struct timespec times[2] = {{1000000000, 123456789}, {1234567890, 987654321}};
	struct stat s, before;
	int fd;

	make("t", "times");
	SAY(utimensat(AT_FDCWD, "t", times, 0));
	SAY(stat("t", &s));
	printf("%ld.%09ld %ld.%09ld\n", (long)s.st_atim.tv_sec, s.st_atim.tv_nsec, (long)s.st_mtim.tv_sec,
		s.st_mtim.tv_nsec);
	times[0].tv_nsec = UTIME_OMIT;
	times[1].tv_sec = 7;
	SAY(utimensat(AT_FDCWD, "t", times, 0));
	SAY(stat("t", &s));
	printf("%ld %ld\n", (long)s.st_atim.tv_sec, (long)s.st_mtim.tv_sec);
	times[1].tv_nsec = 1000000000;
	SAY(utimensat(AT_FDCWD, "t", times, 0));
	before = s;
	fd = open("t", O_RDWR);
	SAY(write(fd, "T", 1));
	SAY(fstat(fd, &s));
	printf("a write changes the time: %d\n", s.st_mtim.tv_sec != before.st_mtim.tv_sec);
	close(fd);
	stat(".", &before);
	SAY(link("t", "t2"));
	stat(".", &s);
	printf("a directory's time moves: %d\n",
		s.st_mtim.tv_sec != before.st_mtim.tv_sec || s.st_mtim.tv_nsec != before.st_mtim.tv_nsec);
	SAY(chmod("t", 06755));
	show("t2");
	SAY(chown("t", 1000, 1000));
	show("t2");
	SAY(truncate("t", 3));
	show("t2");
	SAY(truncate(".", 3));
	SAY(truncate("none", 3));
	SAY(chmod("none", 0));
	SAY(getxattr("t", "user.x", buffer, 10) < 0 ? 1 : 0);
	SAY(faccessat(AT_FDCWD, "t", R_OK | W_OK | X_OK, AT_EACCESS));
}

/* In a child without rights. */
static void rights(void)
{
	SAY(mkdir("open", 01777));
	SAY(chmod("open", 01777));
	SAY(mkdir("closed", 0700));
	make("closed/x", "hidden");
	make("open/root's", "root's");
	make("secret", "secret");
	SAY(chmod("secret", 0600));
	SAY(chmod(".", 0755));
	fflush(stdout);
	if (fork() == 0) {
		SAY(setgid(2000));
		SAY(setuid(2000));
		SAY(open("secret", O_RDONLY));
		SAY(open("closed/x", O_RDONLY));
		SAY(open("open/mine", O_CREAT | O_WRONLY, 0600) >= 0);
		SAY(unlink("open/root's"));
		SAY(rename("open/root's", "open/x"));
		SAY(open("open/root's", O_WRONLY));
		SAY(open("open/root's", O_RDONLY) >= 0);
		SAY(chmod("secret", 0666));
		SAY(chown("open/mine", 0, 0));
		SAY(unlink("secret"));
		SAY(mkdir("x", 0700));
		SAY(utimensat(AT_FDCWD, "secret", NULL, 0));
		SAY(mknod("open/dev", S_IFCHR | 0600, makedev(1, 3)));
		SAY(chroot("."));
		SAY(access("secret", R_OK));
		SAY(unlink("open/mine"));
		fflush(stdout);
		_exit(0);
	}
	wait(NULL);
}

static void locks(void)
{
	int fd = open("lock", O_RDWR | O_CREAT, 0600), second = open("lock", O_RDWR);
	struct flock lock = {.l_type = F_WRLCK, .l_start = 10, .l_len = 10};

	SAY(fcntl(fd, F_SETLK, &lock));
	SAY(flock(fd, LOCK_EX | LOCK_NB));
	SAY(flock(second, LOCK_SH | LOCK_NB));
	fflush(stdout);
	if (fork() == 0) {
		struct flock wanted = {.l_type = F_RDLCK, .l_start = 15, .l_len = 0};

		SAY(fcntl(second, F_SETLK, &wanted));
		SAY(fcntl(second, F_GETLK, &wanted));
		printf("%d %ld %ld %d\n", wanted.l_type, (long)wanted.l_start, (long)wanted.l_len,
			wanted.l_pid == getppid());
		wanted = (struct flock){.l_type = F_WRLCK, .l_start = 20, .l_len = 0};
		SAY(fcntl(second, F_SETLK, &wanted));
		fflush(stdout);
		_exit(0);
	}
	wait(NULL);
	lock.l_type = F_UNLCK;
	SAY(fcntl(fd, F_SETLK, &lock));
	SAY(flock(fd, LOCK_UN));
	SAY(flock(second, LOCK_SH | LOCK_NB));
	close(fd);
	close(second);
}

/* A lock goes with the process that held it, however that ends, while others have the file open. */
static void locks_of_the_dead(void)
{
	int fd = open("lock", O_RDWR);

	for (int kind = 0; kind < 6; kind++) {
		struct flock lock = {.l_type = F_WRLCK};
		pid_t child;

		fflush(stdout);
		child = fork();
		if (child == 0) {
			int own = open("lock", O_RDWR);

			if (kind % 3 == 0)
				flock(own, LOCK_EX);
			else
				fcntl(own, kind % 3 == 1 ? F_OFD_SETLK : F_SETLK, &lock);
			if (kind < 3)
				kill(getpid(), SIGKILL);
			_exit(0);
		}
		waitpid(child, NULL, 0);
		if (kind % 3 == 0) {
			SAY(flock(fd, LOCK_EX | LOCK_NB));
			SAY(flock(fd, LOCK_UN));
		} else {
			SAY(fcntl(fd, F_SETLK, &lock));
			lock.l_type = F_UNLCK;
			SAY(fcntl(fd, F_SETLK, &lock));
		}
	}
	close(fd);
}

/* What has been read once is read as it is now: longer, and cut off. */
static void read_again(void)
{
	const size_t all = 400;
	int fd = open("again", O_RDWR | O_CREAT | O_TRUNC, 0600);

	memset(other, 'f', 200);
	SAY(write(fd, other, 100));
	for (int i = 0; i < 2; i++)
		SAY(pread(fd, buffer, all, 0));
	SAY(write(fd, other, 200));
	for (int i = 0; i < 2; i++)
		SAY(pread(fd, buffer, all, 0));
	SAY(pread(fd, buffer, all, 150));
	SAY(ftruncate(fd, 50));
	for (int i = 0; i < 2; i++)
		SAY(pread(fd, buffer, all, 0));
	SAY(pread(fd, buffer, all, 60));
	SAY(ftruncate(fd, 120));
	SAY(pread(fd, buffer, all, 0));
	printf("%d %d\n", buffer[49], buffer[119]);
	close(fd);
	SAY(unlink("again"));
}

int main(int argc, char **argv)
{
	char directory[100], here[200];

	snprintf(directory, sizeof(directory), "%s/files-test.XXXXXX", argc > 1 ? argv[1] : "/tmp");
	if (mkdtemp(directory) == NULL || chdir(directory) < 0)
		return 1;
	printf("cwd is right: %d\n", getcwd(here, sizeof(here)) != NULL && strcmp(here, directory) == 0);
	opening();
	paths();
	reading_and_writing();
	read_again();
	mappings();
	names();
	many();
	attributes();
	rights();
	locks();
	locks_of_the_dead();
	list(".");
	fflush(stdout);
	SAY(chdir("/"));
	snprintf(here, sizeof(here), "rm -r %s", directory);
	return system(here) != 0;
}
