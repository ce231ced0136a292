/* Calls on names and files that the other programs leave out: the *at forms, times, attributes, vectors, execveat. In
 * the folder named. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>
#include <utime.h>

static char *volatile nowhere = (char *)8; /* not memory */
#define NOWHERE ((void *)nowhere)
#define OTHER   2345

static int folder, file;

static void say(const char *what, long result)
{
	if (result < 0)
		printf("%s: %s\n", what, strerrorname_np(errno));
	else
		printf("%s: %ld\n", what, result);
}

#define SAY(call) say(#call, (long)(call))

static void show(const char *name)
{
	struct stat s;

	if (lstat(name, &s) < 0)
		say(name, -1);
	else
		printf("%s: %o %d %d, %lu links, %ld\n", name, s.st_mode, s.st_uid, s.st_gid, (unsigned long)s.st_nlink,
			S_ISDIR(s.st_mode) ? 0L : (long)s.st_size);
}

static void times_of(const char *name)
{
	struct stat s;

	if (lstat(name, &s) < 0)
		say(name, -1);
	else
		printf("%s: %ld.%09ld %ld.%09ld\n", name, (long)s.st_atim.tv_sec, s.st_atim.tv_nsec,
			(long)s.st_mtim.tv_sec, s.st_mtim.tv_nsec);
}

static void making(void)
{
	char text[50];

	SAY(mkdirat(folder, "sub", 0750));
	SAY(mkdirat(folder, "sub", 0750));
	SAY(mkdirat(file, "x", 0750));
	SAY(mkdirat(99, "x", 0750));
	SAY(mkdirat(99, "/", 0750));
	SAY(mkdirat(folder, "", 0750));
	SAY(mkdirat(folder, "sub/none/x", 0750));
	show("folder/sub");
	SAY(close(creat("folder/made", 0640)));
	show("folder/made");
	SAY(creat("folder", 0640));
	SAY(creat("folder/none/x", 0640));
	SAY(symlinkat("made", folder, "link"));
	SAY(symlinkat("made", folder, "link"));
	SAY(symlinkat("", folder, "empty"));
	SAY(symlinkat("made", file, "link"));
	SAY(symlinkat("folder", AT_FDCWD, "to-folder"));
	SAY(readlinkat(folder, "link", text, sizeof text));
	SAY(readlinkat(folder, "link", text, 2));
	SAY(readlinkat(folder, "link", text, 0));
	SAY(readlinkat(folder, "made", text, 9));
	SAY(readlinkat(folder, "", text, 9));
	SAY(readlinkat(folder, "link", NOWHERE, 9));
	SAY(linkat(folder, "link", folder, "link2", 0));
	show("folder/link2");
	SAY(linkat(folder, "link", folder, "hard", AT_SYMLINK_FOLLOW));
	show("folder/hard");
	SAY(linkat(folder, "link", folder, "hard", 0x40));
	SAY(linkat(folder, "sub", folder, "sub2", 0));
	SAY(linkat(folder, "made", 99, "x", 0));
	SAY(linkat(folder, "none", folder, "x", 0));
	SAY(linkat(file, "", AT_FDCWD, "by-descriptor", AT_EMPTY_PATH));
	SAY(linkat(file, "", AT_FDCWD, "by-descriptor", 0));
	show("by-descriptor");
	SAY(renameat(folder, "hard", AT_FDCWD, "moved"));
	SAY(renameat(folder, "hard", AT_FDCWD, "moved"));
	SAY(renameat(folder, "sub", folder, "sub/below"));
	SAY(renameat(99, "x", folder, "y"));
	SAY(renameat(file, "x", folder, "y"));
	SAY(renameat(folder, "made", 99, "y"));
	SAY(renameat(folder, ".", folder, "y"));
	SAY(renameat(folder, "sub/..", folder, "y"));
	show("moved");
	SAY(unlinkat(folder, "sub", 0));
	SAY(unlinkat(folder, "link2", AT_REMOVEDIR));
	SAY(unlinkat(folder, "link2", 0));
	SAY(unlinkat(folder, "link2", 0));
	SAY(unlinkat(folder, "link", 1));
	SAY(unlinkat(folder, "", 0));
	SAY(unlinkat(folder, ".", AT_REMOVEDIR));
	SAY(unlinkat(folder, "sub/..", AT_REMOVEDIR));
	SAY(unlinkat(AT_FDCWD, "folder", AT_REMOVEDIR));
	SAY(unlinkat(folder, "sub", AT_REMOVEDIR));
	SAY(unlinkat(AT_FDCWD, "to-folder/", 0));
	SAY(unlinkat(AT_FDCWD, "to-folder", 0));
}

static void owners_and_modes(void)
{
	SAY(fchmodat(folder, "made", 0604, 0));
	SAY(fchmodat(folder, "none", 0604, 0));
	SAY(fchmodat(file, "none", 0604, 0));
	SAY(syscall(SYS_fchmodat, folder, "link", 0600));
	show("folder/made");
	SAY(fchownat(folder, "made", OTHER, OTHER + 1, 0));
	SAY(fchownat(folder, "link", OTHER + 2, (gid_t)-1, AT_SYMLINK_NOFOLLOW));
	SAY(fchownat(file, "", (uid_t)-1, OTHER, AT_EMPTY_PATH));
	SAY(fchownat(file, "", 0, 0, 0));
	SAY(fchownat(folder, "made", 0, 0, 1));
	SAY(fchownat(99, "made", 0, 0, 0));
	show("folder/made");
	show("folder/link");
	show("file");
	SAY(lchown("folder/link", 1, 2));
	SAY(lchown("folder/none", 1, 2));
	show("folder/link");
	show("folder/made");
	fflush(stdout);
	if (fork() == 0) {
		(void)!setgid(OTHER);
		(void)!setuid(OTHER);
		SAY(fchownat(folder, "made", OTHER, OTHER, 0));
		SAY(fchownat(folder, "made", OTHER, OTHER + 3, 0));
		SAY(fchownat(folder, "made", 0, (gid_t)-1, 0));
		SAY(lchown("folder/link", OTHER, OTHER));
		SAY(fchmodat(folder, "made", 0640, 0));
		SAY(fchmodat(AT_FDCWD, "file", 0640, 0));
		SAY(mkdirat(folder, "theirs", 0700));
		SAY(unlinkat(folder, "made", 0));
		SAY(syscall(SYS_faccessat2, folder, "made", R_OK | W_OK, 0));
		SAY(syscall(SYS_faccessat2, folder, "made", X_OK, 0));
		SAY(syscall(SYS_faccessat2, folder, ".", W_OK, 0));
		fflush(stdout);
		_exit(0);
	}
	wait(NULL);
	show("folder/made");
	/* The real ids count, or the effective ones. */
	if (fork() == 0) {
		(void)!setresuid(OTHER, 0, 0);
		SAY(syscall(SYS_faccessat2, AT_FDCWD, "secret", R_OK, 0));
		SAY(syscall(SYS_faccessat2, AT_FDCWD, "secret", R_OK, AT_EACCESS));
		fflush(stdout);
		_exit(0);
	}
	wait(NULL);
	SAY(syscall(SYS_faccessat2, folder, "made", 8, 0));
	SAY(syscall(SYS_faccessat2, folder, "made", 0, 1));
	SAY(syscall(SYS_faccessat2, folder, "", 0, 0));
	SAY(syscall(SYS_faccessat2, file, "", R_OK, AT_EMPTY_PATH));
	SAY(syscall(SYS_faccessat2, AT_FDCWD, "dangling", F_OK, 0));
	SAY(syscall(SYS_faccessat2, AT_FDCWD, "dangling", F_OK, AT_SYMLINK_NOFOLLOW));
	SAY(syscall(SYS_faccessat2, AT_FDCWD, "file", X_OK, 0));
}

static void directories(void)
{
	int above = open(".", O_RDONLY), path = open("folder", O_PATH);
	struct statfs about;

	SAY(fchdir(folder));
	SAY(access("made", F_OK));
	SAY(fchdir(above));
	SAY(access("made", F_OK));
	SAY(fchdir(path));
	SAY(access("made", F_OK));
	SAY(fchdir(above));
	SAY(fchdir(file));
	SAY(fchdir(99));
	SAY(fstatfs(file, &about));
	printf("statfs %d %d %d\n", about.f_bsize > 0, about.f_blocks > about.f_bfree, about.f_namelen == 255);
	SAY(fstatfs(path, &about));
	SAY(fstatfs(99, &about));
	SAY(syscall(SYS_fstatfs, file, NOWHERE));
	SAY(syncfs(file));
	SAY(syncfs(99));
	SAY(syncfs(path));
	close(above);
	close(path);
}

static void times(void)
{
	struct timeval two[2] = {{1000000000, 123456}, {1234567890, 987654}}, wrong[2] = {{1, 1000000}, {1, 0}};
	struct utimbuf seconds = {111, 222};
	struct stat s;

	SAY(utimes("file", two));
	times_of("file");
	SAY(utimes("file", wrong));
	SAY(utimes("none", two));
	SAY(utime("file", &seconds));
	times_of("file");
	SAY(utime("none", NULL));
	SAY(syscall(SYS_utime, "file", NOWHERE));
	SAY(futimesat(folder, "made", two));
	times_of("folder/made");
	SAY(futimesat(99, "made", two));
	SAY(futimesat(file, NULL, two));
	times_of("file");
	SAY(futimesat(file, "x", two));
	SAY(utimes("file", NULL));
	stat("file", &s);
	printf("now %d\n", s.st_mtim.tv_sec > 1600000000);
	SAY(utimes("dangling", two));
	fflush(stdout);
	if (fork() == 0) {
		(void)!setgid(OTHER);
		(void)!setuid(OTHER);
		SAY(utimes("secret", two));
		SAY(utimes("secret", NULL));
		SAY(utimes("for-all", two));
		SAY(utimes("for-all", NULL));
		SAY(utime("for-all", NULL));
		SAY(utime("for-all", &seconds));
		fflush(stdout);
		_exit(0);
	}
	wait(NULL);
}

static void extended_status(void)
{
	struct statx x;
	struct stat s;

	memset(&x, 0xee, sizeof x);
	SAY(statx(folder, "made", 0, STATX_BASIC_STATS, &x));
	stat("folder/made", &s);
	printf("%d %d %d %d %d %d %d\n", x.stx_mode == s.st_mode, x.stx_ino == s.st_ino,
		x.stx_size == (unsigned long)s.st_size, x.stx_nlink == s.st_nlink, x.stx_uid == s.st_uid,
		x.stx_mtime.tv_sec == s.st_mtim.tv_sec, x.stx_blocks == (unsigned long)s.st_blocks);
	printf("mask %x\n", x.stx_mask & STATX_BASIC_STATS);
	SAY(statx(folder, "link", AT_SYMLINK_NOFOLLOW, STATX_TYPE, &x));
	printf("%d\n", S_ISLNK(x.stx_mode));
	SAY(statx(folder, "link", 0, STATX_TYPE, &x));
	printf("%d\n", S_ISREG(x.stx_mode));
	SAY(statx(file, "", AT_EMPTY_PATH, STATX_SIZE, &x));
	printf("%llu\n", (unsigned long long)x.stx_size);
	SAY(statx(file, "", 0, STATX_SIZE, &x));
	SAY(statx(99, "", AT_EMPTY_PATH, STATX_SIZE, &x));
	SAY(statx(99, "x", 0, STATX_SIZE, &x));
	SAY(statx(folder, "none", 0, STATX_SIZE, &x));
	SAY(statx(folder, "made", 0x40000, STATX_SIZE, &x));
	SAY(statx(folder, "made", 0, 0x80000000u, &x));
	SAY(statx(folder, "made", AT_STATX_FORCE_SYNC | AT_STATX_DONT_SYNC, STATX_SIZE, &x));
	SAY(statx(folder, "made", AT_STATX_DONT_SYNC, STATX_SIZE, &x));
	SAY(syscall(SYS_statx, folder, "made", 0, STATX_SIZE, NOWHERE));
	SAY(statx(folder, "made", AT_NO_AUTOMOUNT, 0, &x));
}

/* Of a file that has no attributes of this kind; what is wrong is told before that. */
static void extended_attributes(void)
{
	int proc = open("/proc/version", O_RDONLY);
	char value[100], name[300];

	memset(name, 'n', sizeof name);
	memcpy(name, "user.", 5);
	name[256] = 0;
	SAY(getxattr("/proc/version", "user.x", value, sizeof value));
	SAY(lgetxattr("/proc/version", "user.x", value, sizeof value));
	SAY(fgetxattr(proc, "user.x", value, sizeof value));
	SAY(getxattr("none", "user.x", value, sizeof value));
	SAY(lgetxattr("none", "user.x", value, sizeof value));
	SAY(fgetxattr(99, "user.x", value, sizeof value));
	SAY(getxattr("/proc/version", "", value, sizeof value));
	SAY(getxattr("/proc/version", name, value, sizeof value));
	SAY(syscall(SYS_getxattr, "/proc/version", NOWHERE, value, 9));
	SAY(setxattr("/proc/version", "user.x", "v", 1, 0));
	SAY(lsetxattr("/proc/version", "user.x", "v", 1, 0));
	SAY(fsetxattr(proc, "user.x", "v", 1, 0));
	SAY(setxattr("none", "user.x", "v", 1, 0));
	SAY(lsetxattr("none", "user.x", "v", 1, 0));
	SAY(fsetxattr(99, "user.x", "v", 1, 0));
	SAY(setxattr("/proc/version", "user.x", "v", 1, 77));
	SAY(setxattr("/proc/version", name, "v", 1, 0));
	SAY(syscall(SYS_setxattr, "/proc/version", "user.x", "v", 1 << 20, 0));
	SAY(syscall(SYS_setxattr, "/proc/version", "user.x", NOWHERE, 9, 0));
	SAY(syscall(SYS_setxattr, "/proc/version", NOWHERE, "v", 1, 0));
	SAY(listxattr("/proc/version", value, sizeof value));
	SAY(llistxattr("/proc/version", value, sizeof value));
	SAY(flistxattr(proc, value, sizeof value));
	SAY(listxattr("none", value, sizeof value));
	SAY(llistxattr("none", value, sizeof value));
	SAY(flistxattr(99, value, sizeof value));
	SAY(removexattr("/proc/version", "user.x"));
	SAY(lremovexattr("/proc/version", "user.x"));
	SAY(fremovexattr(proc, "user.x"));
	SAY(removexattr("none", "user.x"));
	SAY(lremovexattr("none", "user.x"));
	SAY(fremovexattr(99, "user.x"));
	SAY(removexattr("/proc/version", name));
	SAY(lgetxattr("dangling", "trusted.x", value, 9) < 0);
	SAY(getxattr("dangling", "user.x", value, 9));
	close(proc);
}

/* What is asked of the wrong end, of nothing, or of what is gone. */
static void wrong_ways(void)
{
	char bytes[100];
	off_t before = -1;
	int pair[2], gone, to = open("to", O_CREAT | O_WRONLY, 0600);

	(void)!pipe(pair);
	SAY(pread(pair[1], bytes, 1, 0));
	SAY(pwrite(pair[0], bytes, 1, 0));
	SAY(pread(to, bytes, 1, 0));
	SAY(pread(to, bytes, 1, -1));
	SAY(sendfile(to, file, &before, 4));
	SAY(sendfile(to, pair[0], NULL, 4));
	SAY(sendfile(to, to, NULL, 4));
	mkdir("gone", 0700);
	gone = open("gone", O_RDONLY);
	SAY(syscall(SYS_getdents64, gone, bytes, 0));
	SAY(syscall(SYS_getdents64, gone, bytes, 100) > 0);
	SAY(rmdir("gone"));
	SAY(lseek(gone, 0, SEEK_SET));
	SAY(syscall(SYS_getdents64, gone, bytes, 100));
	SAY(openat(gone, "x", O_CREAT | O_WRONLY, 0600));
	close(pair[0]);
	close(pair[1]);
	close(gone);
	close(to);
}

static void vectors(void)
{
	char a[10] = "", b[10] = "", page[2];
	struct iovec in[3] = {{a, 4}, {NULL, 0}, {b, 5}}, out[2] = {{(char[]){"one"}, 3}, {(char[]){"two"}, 3}},
		     wrong[2] = {{a, 4}, {NOWHERE, 5}}, negative[1] = {{a, (size_t)-1}},
		     huge[2] = {{a, 0x7fffffffffffffff}, {b, 0x7fffffffffffffff}};
	int fd = open("vector", O_RDWR | O_CREAT | O_TRUNC, 0600), pair[2], append;

	SAY(write(fd, "0123456789abcdef", 16));
	SAY(lseek(fd, 1, SEEK_SET));
	SAY(readv(fd, in, 3));
	printf("%s %s\n", a, b);
	SAY(lseek(fd, 0, SEEK_CUR));
	SAY(readv(fd, wrong, 2));
	SAY(lseek(fd, 0, SEEK_CUR));
	SAY(readv(fd, negative, 1));
	SAY(readv(fd, huge, 2));
	SAY(syscall(SYS_readv, fd, in, -1));
	SAY(syscall(SYS_readv, fd, in, 1025));
	SAY(readv(fd, in, 0));
	SAY(readv(99, in, 1));
	SAY(readv(folder, in, 1));
	SAY(readv(fd, NOWHERE, 1));
	SAY(readv(fd, NOWHERE, 0));
	SAY(pwritev(fd, out, 2, 3));
	SAY(pwritev(fd, out, 2, -1));
	SAY(pwritev(fd, wrong, 2, 0));
	SAY(pread(fd, a, 9, 0));
	printf("%.9s\n", a);
	SAY(lseek(fd, 0, SEEK_CUR));
	SAY(syscall(SYS_pwrite64, fd, "X", 1, 0));
	SAY(syscall(SYS_pwrite64, fd, "X", 1, -1l));
	SAY(syscall(SYS_pwrite64, fd, NOWHERE, 1, 0));
	SAY(syscall(SYS_pwrite64, 99, "X", 1, 0));
	SAY(syscall(SYS_pwrite64, folder, "X", 1, 0));
	SAY(syscall(SYS_pwrite64, fd, "far", 3, 100));
	SAY(lseek(fd, 0, SEEK_END));
	SAY(pread(fd, page, 1, 50));
	printf("%d\n", page[0]);
	append = open("vector", O_WRONLY | O_APPEND);
	SAY(syscall(SYS_pwrite64, append, "end", 3, 0));
	SAY(lseek(fd, 0, SEEK_END));
	pipe(pair);
	SAY(pwritev(pair[1], out, 2, 0));
	SAY(syscall(SYS_pwrite64, pair[1], "X", 1, 0));
	SAY(write(pair[1], "pipe", 4));
	SAY(readv(pair[0], in, 3));
	SAY(readv(pair[1], in, 3));
	SAY(posix_fadvise(fd, 0, 10, POSIX_FADV_SEQUENTIAL));
	SAY(syscall(SYS_fadvise64, fd, 0, 0, POSIX_FADV_DONTNEED));
	SAY(syscall(SYS_fadvise64, fd, 0, 0, 99));
	SAY(syscall(SYS_fadvise64, fd, 0, -1l, 0));
	SAY(syscall(SYS_fadvise64, fd, -1l, 0, 0));
	SAY(syscall(SYS_fadvise64, 99, 0, 0, 0));
	SAY(syscall(SYS_fadvise64, pair[0], 0, 0, 0));
	SAY(syscall(SYS_fadvise64, pair[0], 0, 0, 99));
	close(append);
	close(fd);
}

static void running(const char *program)
{
	char *arguments[] = {"name", "ran", NULL};
	int fd = open(program, O_PATH), status;

	fflush(stdout);
	if (fork() == 0) {
		execveat(fd, "", arguments, environ, AT_EMPTY_PATH);
		_exit(errno);
	}
	wait(&status);
	printf("by descriptor %d\n", WEXITSTATUS(status));
	if (fork() == 0) {
		execveat(99, program, arguments, environ, 0);
		_exit(errno);
	}
	wait(&status);
	printf("an absolute path %d\n", WEXITSTATUS(status));
	SAY(symlink(program, "folder/program"));
	fflush(stdout);
	if (fork() == 0) {
		execveat(folder, "program", arguments, environ, 0);
		_exit(errno);
	}
	wait(&status);
	printf("a link %d\n", WEXITSTATUS(status));
	SAY(execveat(folder, "program", arguments, environ, AT_SYMLINK_NOFOLLOW));
	SAY(execveat(folder, "", arguments, environ, 0));
	SAY(execveat(folder, "", arguments, environ, AT_EMPTY_PATH));
	SAY(execveat(folder, "program", arguments, environ, 1));
	SAY(execveat(99, "program", arguments, environ, 0));
	SAY(execveat(file, "program", arguments, environ, 0));
	SAY(execveat(folder, "none", arguments, environ, 0));
	SAY(execveat(folder, "made", arguments, environ, 0));
	SAY(execveat(folder, NOWHERE, arguments, environ, 0));
	SAY(syscall(SYS_execveat, fd, "", NOWHERE, environ, AT_EMPTY_PATH));
	unlink("folder/program");
}

int main(int argc, char **argv)
{
	char name[200], command[300];

	if (argc > 1 && strcmp(argv[1], "ran") == 0)
		return 42;
	snprintf(name, sizeof name, "%s/atcalls.XXXXXX", argc > 1 ? argv[1] : "/tmp");
	if (mkdtemp(name) == NULL || chdir(name) < 0 || chmod(".", 0755) < 0)
		return 1;
	setvbuf(stdout, NULL, _IOLBF, 0);
	mkdir("folder", 0755);
	close(open("secret", O_CREAT | O_WRONLY, 0600));
	close(open("for-all", O_CREAT | O_WRONLY, 0600));
	if (chmod("for-all", 0666) < 0 || symlink("nothing", "dangling") < 0)
		return 1;
	folder = open("folder", O_RDONLY);
	file = open("file", O_CREAT | O_RDWR, 0644);
	(void)!write(file, "hello", 5);
	making();
	owners_and_modes();
	directories();
	times();
	extended_status();
	extended_attributes();
	vectors();
	wrong_ways();
	if (readlink("/proc/self/exe", command, sizeof command) > 0)
		running(argv[0][0] == '/' ? argv[0] : "/proc/self/exe");
	fflush(stdout);
	snprintf(command, sizeof command, "rm -r %s", name);
	return chdir("/") < 0 || system(command) != 0;
}
