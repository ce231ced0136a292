/* Calls on files by name and by descriptor: flags, and the errors of each manual page that can happen. Argument: a
 * folder. */
#define _GNU_SOURCE
#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/falloc.h>
#include <poll.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/xattr.h>
#include <utime.h>

#include "say.h"

#define OTHER 54321

static char longest[5000], component[300];

static void user(void)
{
	(void)!setregid(OTHER, OTHER);
	(void)!setreuid(OTHER, OTHER);
}

static void opens(void)
{
	int fd;
	struct stat about;

	close(open("file", O_RDWR | O_CREAT, 0640));
	mkdir("dir", 0755);
	symlink("file", "link");
	symlink("nowhere", "dangling");
	symlink("loop2", "loop1");
	symlink("loop1", "loop2");
	mkfifo("fifo", 0600);
	SAY(open("nothing", O_RDONLY));
	SAY(open("", O_RDONLY));
	SAY(open(NULL, O_RDONLY));
	SAY(open(NOWHERE, O_RDONLY));
	SAY(open("file/x", O_RDONLY));
	SAY(open("file/", O_RDONLY));
	SAY(open("dir", O_RDWR));
	SAY(open("dir", O_RDONLY | O_CREAT, 0600));
	SAY(open("dir/", O_RDWR | O_CREAT, 0600));
	SAY(open("new/", O_RDWR | O_CREAT, 0600));
	SAY(open("file", O_RDONLY | O_CREAT | O_EXCL, 0600));
	SAY(open("dangling", O_RDONLY | O_CREAT | O_EXCL, 0600));
	SAY(open("link", O_RDONLY | O_NOFOLLOW));
	SAY(open("loop1", O_RDONLY));
	SAY(open("loop1/x", O_RDONLY));
	SAY(open("loop1", O_RDWR | O_CREAT, 0600));
	SAY(open("file", O_RDONLY | O_DIRECTORY));
	SAY(open("fifo", O_WRONLY | O_NONBLOCK));
	SAY(open(longest, O_RDONLY));
	SAY(open(component, O_RDONLY));
	SAY(open(component, O_RDWR | O_CREAT, 0600));
	SAY(open("dir", O_WRONLY | O_TMPFILE | O_EXCL, 0600) >= 0);
	SAY(open("dir", O_RDONLY | O_TMPFILE, 0600));
	SAY(open("nothing", O_RDWR | O_TMPFILE, 0600));
	SAY(open("file", O_RDWR | O_TMPFILE, 0600));
	SAY(openat(99, "file", O_RDONLY));
	fd = open("file", O_RDONLY);
	SAY(openat(fd, "file", O_RDONLY));
	close(fd);
	fd = open("file", O_PATH);
	SAY(fd >= 0);
	SAY(read(fd, &fd, 1));
	SAY(write(fd, "x", 1));
	SAY(fchmod(fd, 0600));
	SAY(fchown(fd, 0, 0));
	SAY(ioctl(fd, FIONREAD, &about));
	SAY(fgetxattr(fd, "user.x", longest, 10));
	SAY(fcntl(fd, F_GETFL) & (O_PATH | O_ACCMODE));
	SAY(fcntl(fd, F_GETFD));
	SAY(fcntl(fd, F_SETFL, O_APPEND));
	SAY(fcntl(fd, F_GETLK, longest));
	SAY(fstat(fd, &about));
	SAY(lseek(fd, 0, SEEK_SET));
	SAY(ftruncate(fd, 0));
	SAY(mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, fd, 0) == MAP_FAILED);
	SAY(fsync(fd));
	SAY(fchdir(fd));
	SAY(getdents64(fd, longest, 100));
	SAY(close(fd));
	fd = open("link", O_PATH | O_NOFOLLOW);
	SAY(readlinkat(fd, "", longest + 1, 10));
	close(fd);
	fd = open("file",
		O_RDWR | O_APPEND | O_NONBLOCK | O_SYNC | O_NOATIME | O_CLOEXEC | O_NOCTTY | O_TRUNC | O_LARGEFILE);
	printf("%#x\n", fcntl(fd, F_GETFL));
	SAY(fcntl(fd, F_GETFD));
	SAY(fcntl(fd, F_SETFL, O_RDONLY | O_SYNC | O_CREAT));
	printf("%#x\n", fcntl(fd, F_GETFL));
	close(fd);
	fd = open("file", O_RDWR | O_DSYNC | O_DIRECT);
	printf("%#x\n", fcntl(fd, F_GETFL) & ~O_DIRECT);
	close(fd);
	fd = open("dir", O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
	printf("%#x\n", fcntl(fd, F_GETFL));
	SAY(read(fd, longest, 1));
	SAY(write(fd, "x", 1));
	SAY(pread(fd, longest, 1, 0));
	SAY(openat(fd, "../file", O_RDONLY) >= 0);
	SAY(ftruncate(fd, 0));
	SAY(lseek(fd, 0, SEEK_END) >= 0);
	close(fd);
	CHILD(user(); SAY(open("file", O_RDONLY)); SAY(open("dir/x", O_RDWR | O_CREAT, 0600));
		SAY(open("file", O_RDONLY | O_TRUNC)); SAY(open("dir", O_RDWR | O_TMPFILE, 0600));
		SAY(open("file", O_PATH) >= 0));
	chmod("file", 0644);
	CHILD(user(); SAY(open("file", O_RDONLY | O_NOATIME)); SAY(open("file", O_RDONLY) >= 0);
		SAY(open("file", O_RDWR)); SAY(open("file", O_RDONLY | O_CREAT, 0600) >= 0));
	chmod("dir", 0600);
	CHILD(user(); SAY(open("dir/x", O_RDONLY)); SAY(open("dir", O_PATH) >= 0); SAY(chdir("dir")));
	chmod("dir", 0755);
	CHILD(setrlimit(RLIMIT_NOFILE, &(struct rlimit){3, 3}); SAY(open("file", O_RDONLY));
		SAY(open("made", O_RDWR | O_CREAT, 0600)); SAY(dup(0)); SAY(pipe((int[2]){0, 0}));
		SAY(socketpair(AF_UNIX, SOCK_STREAM, 0, (int[2]){0, 0})); SAY(fcntl(0, F_DUPFD, 5)); SAY(dup2(0, 5)));
	SAY(access("made", F_OK));
	SAY(creat("made", 0200) >= 0);
	SAY(stat("made", &about));
	printf("%o\n", about.st_mode);
	SAY(umask(0777) >= 0);
	SAY(open("masked", O_RDWR | O_CREAT, 07777) >= 0);
	SAY(stat("masked", &about));
	printf("%o\n", about.st_mode);
	SAY(umask(022));
	SAY(syscall(SYS_umask, 0177777022));
	SAY(umask(022));
}

static void descriptors(void)
{
	int fd = open("file", O_RDWR), pipes[2], value;
	struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
	struct iovec vector = {longest, 4};
	char byte = 'x';

	SAY(read(99, &byte, 1));
	SAY(read(fd, NOWHERE, 1));
	SAY(write(fd, NOWHERE, 1));
	SAY(write(fd, "0123456789", 10));
	SAY(read(fd, NOWHERE, 1));
	SAY(lseek(fd, 2, SEEK_SET));
	SAY(read(fd, NOWHERE, 1));
	SAY(read(fd, &byte, 0));
	SAY(read(fd, NULL, 0));
	SAY(lseek(fd, -1, SEEK_SET));
	SAY(lseek(fd, -100, SEEK_CUR));
	SAY(lseek(fd, LONG_MAX, SEEK_END));
	SAY(lseek(fd, 0, 9));
	SAY(lseek(fd, 0, -1));
	SAY(lseek(99, 0, SEEK_SET));
	SAY(lseek(fd, 0, SEEK_DATA));
	SAY(lseek(fd, 0, SEEK_HOLE));
	SAY(lseek(fd, 10, SEEK_DATA));
	SAY(lseek(fd, -1, SEEK_DATA));
	SAY(lseek(fd, 10, SEEK_HOLE));
	SAY(pread(fd, &byte, 1, -1));
	SAY(pwrite(fd, &byte, 1, -1));
	SAY(pread(fd, &byte, 1, 100));
	SAY(pread(fd, &byte, 1, LONG_MAX));
	SAY(readv(fd, &vector, -1));
	SAY(readv(fd, &vector, 1025));
	SAY(readv(fd, NOWHERE, 1));
	SAY(readv(fd, &vector, 0));
	SAY(readv(99, &vector, -1));
	vector.iov_len = -1;
	SAY(readv(fd, &vector, 1));
	SAY(writev(fd, &vector, 1));
	SAY(preadv(fd, &vector, 1, -1));
	SAY(pipe(pipes));
	SAY(lseek(pipes[0], 0, SEEK_SET));
	SAY(pread(pipes[0], &byte, 1, 0));
	SAY(pread(pipes[1], &byte, 1, 0));
	SAY(pread(pipes[1], &byte, 1, -1));
	SAY(read(pipes[1], &byte, 1));
	SAY(write(pipes[0], &byte, 1));
	SAY(pwrite(pipes[0], &byte, 1, 0));
	SAY(fcntl(99, F_GETFD));
	SAY(fcntl(fd, 9999));
	SAY(fcntl(fd, F_DUPFD, -1));
	SAY(fcntl(fd, F_DUPFD, 100000000));
	SAY(fcntl(fd, F_DUPFD_CLOEXEC, 50));
	SAY(fcntl(50, F_GETFD));
	SAY(fcntl(50, F_SETFD, 0));
	SAY(fcntl(50, F_GETFD));
	SAY(fcntl(50, F_SETFD, 2));
	SAY(fcntl(50, F_GETFD));
	SAY(dup2(fd, -1));
	SAY(dup2(99, 99));
	SAY(dup2(99, 3));
	SAY(dup3(fd, 51, O_CLOEXEC | O_APPEND));
	SAY(dup3(fd, fd, 0));
	SAY(dup3(99, 99, 0));
	SAY(dup3(fd, 100000000, 0));
	SAY(dup(99));
	SAY(close(99));
	SAY(syscall(SYS_close_range, 5, 4, 0));
	SAY(syscall(SYS_close_range, 50, 60, 8));
	SAY(syscall(SYS_close_range, 50, 60, 4));
	SAY(fcntl(50, F_GETFD));
	SAY(syscall(SYS_close_range, 50, 60, 0));
	SAY(fcntl(50, F_GETFD));
	SAY(syscall(SYS_pipe2, pipes, 1));
	SAY(syscall(SYS_pipe2, NOWHERE, 0));
	SAY(fcntl(fd, F_GETPIPE_SZ));
	SAY(fcntl(pipes[0], F_GETPIPE_SZ));
	SAY(fcntl(pipes[0], F_SETPIPE_SZ, 5000));
	SAY(fcntl(pipes[0], F_SETPIPE_SZ, 0));
	SAY(fcntl(pipes[0], F_SETPIPE_SZ, 1 << 20));
	SAY(fcntl(pipes[1], F_GETPIPE_SZ));
	(void)!write(pipes[1], longest, 4097);
	SAY(fcntl(pipes[0], F_SETPIPE_SZ, 4096));
	SAY(fcntl(pipes[0], F_SETPIPE_SZ, -1));
	SAY(ioctl(pipes[0], FIONREAD, &value));
	NUM(value);
	SAY(ioctl(fd, FIONREAD, &value));
	NUM(value);
	SAY(ioctl(fd, 0xdeadbeef, &value));
	SAY(ioctl(99, FIONREAD, &value));
	SAY(ioctl(fd, FIONBIO, NOWHERE));
	SAY(ioctl(fd, TIOCGWINSZ, &value));
	SAY(ioctl(fd, FIOCLEX));
	SAY(fcntl(fd, F_GETFD));
	SAY(fcntl(fd, F_GETLK, NOWHERE));
	SAY(fcntl(fd, F_SETLK, NOWHERE));
	lock.l_type = 77;
	SAY(fcntl(fd, F_SETLK, &lock));
	SAY(fcntl(fd, F_GETLK, &lock));
	lock.l_type = F_WRLCK;
	lock.l_whence = 9;
	SAY(fcntl(fd, F_SETLK, &lock));
	lock.l_whence = SEEK_SET;
	lock.l_start = -5;
	SAY(fcntl(fd, F_SETLK, &lock));
	lock.l_start = LONG_MAX;
	lock.l_len = 10;
	SAY(fcntl(fd, F_SETLK, &lock));
	lock.l_start = 5;
	lock.l_len = -10;
	SAY(fcntl(fd, F_SETLK, &lock));
	lock.l_len = -3;
	SAY(fcntl(fd, F_SETLK, &lock));
	lock.l_pid = 5;
	SAY(fcntl(fd, F_OFD_SETLK, &lock));
	SAY(fcntl(pipes[0], F_SETLK, &lock));
	SAY(fcntl(0x7fff, F_SETLK, &lock));
	SAY(flock(fd, 0));
	SAY(flock(fd, LOCK_SH | LOCK_EX));
	SAY(flock(99, LOCK_SH));
	SAY(flock(pipes[0], LOCK_SH));
	SAY(fcntl(fd, F_GETOWN));
	SAY(fcntl(fd, F_SETOWN, getpid()));
	SAY(fcntl(fd, F_GETOWN) == getpid());
	SAY(fcntl(fd, F_SETOWN, 99999999));
	SAY(fcntl(fd, F_SETSIG, 999));
	SAY(fcntl(fd, F_SETSIG, SIGUSR1));
	SAY(fcntl(fd, F_GETSIG));
	SAY(fcntl(fd, F_SETSIG, 0));
	SAY(fcntl(fd, F_SETOWN, 0));
	SAY(fcntl(fd, F_GETLEASE));
	SAY(fcntl(fd, F_SETLEASE, F_RDLCK));
	SAY(fcntl(fd, F_SETLEASE, 77));
	SAY(fcntl(fd, F_SETLEASE, F_UNLCK));
	SAY(fcntl(pipes[0], F_SETLEASE, F_RDLCK));
	SAY(fcntl(pipes[0], F_GET_SEALS));
	SAY(fsync(99));
	SAY(fsync(pipes[0]));
	SAY(fdatasync(pipes[0]));
	SAY(syncfs(99));
	SAY(syncfs(pipes[0]));
	SAY(posix_fadvise(fd, 0, 0, 99));
	SAY(posix_fadvise(pipes[0], 0, 0, 0));
	SAY(posix_fadvise(99, 0, 0, 0));
	SAY(posix_fadvise(fd, 0, -1, 0));
	SAY(fstatfs(99, (void *)longest));
	SAY(fstatfs(fd, NOWHERE));
	close(fd);
	close(pipes[0]);
	close(pipes[1]);
}

static void names(void)
{
	int dir = open("dir", O_RDONLY), fd;
	struct stat about;
	char text[32];

	SAY(mkdir("dir", 0700));
	SAY(mkdir("file", 0700));
	SAY(mkdir("file/x", 0700));
	SAY(mkdir("nothing/x", 0700));
	SAY(mkdir("", 0700));
	SAY(mkdir("/", 0700));
	SAY(mkdir(".", 0700));
	SAY(mkdir("..", 0700));
	SAY(mkdir(NOWHERE, 0700));
	SAY(mkdir(longest, 0700));
	SAY(mkdir("dangling", 0700));
	SAY(mkdir("dir/sub/", 07777));
	SAY(stat("dir/sub", &about));
	printf("%o\n", about.st_mode);
	SAY(mkdirat(99, "x", 0700));
	SAY(rmdir("dir"));
	SAY(rmdir("file"));
	SAY(rmdir("nothing"));
	SAY(rmdir("."));
	SAY(rmdir("dir/."));
	SAY(rmdir("dir/.."));
	SAY(rmdir("/"));
	SAY(rmdir("link"));
	SAY(rmdir(""));
	SAY(rmdir("dir/sub"));
	SAY(unlink("dir"));
	SAY(unlink("dir/"));
	SAY(unlink("file/"));
	SAY(unlink("nothing"));
	SAY(unlink("nothing/"));
	SAY(unlink(""));
	SAY(unlink("."));
	SAY(unlink("/"));
	SAY(unlinkat(dir, "nothing", 0x4000));
	SAY(unlinkat(99, "nothing", 0));
	SAY(unlinkat(AT_FDCWD, "file", AT_REMOVEDIR));
	SAY(link("file", "file"));
	SAY(link("file", "dir"));
	SAY(link("dir", "dir2"));
	SAY(link("nothing", "x"));
	SAY(link("file", "nothing/x"));
	SAY(link("file", "new/"));
	SAY(link("file", ""));
	SAY(link("", "x"));
	SAY(link("link", "link2"));
	SAY(lstat("link2", &about));
	printf("%o\n", about.st_mode & S_IFMT);
	SAY(unlink("link2"));
	SAY(linkat(AT_FDCWD, "link", AT_FDCWD, "link2", AT_SYMLINK_FOLLOW));
	SAY(lstat("link2", &about));
	printf("%o %ld\n", about.st_mode & S_IFMT, (long)about.st_nlink);
	SAY(unlink("link2"));
	SAY(linkat(AT_FDCWD, "file", AT_FDCWD, "x", 1));
	fd = open("dir", O_RDWR | O_TMPFILE, 0600);
	SAY(linkat(fd, "", AT_FDCWD, "linked", AT_EMPTY_PATH));
	SAY(fstat(fd, &about));
	NUM(about.st_nlink);
	SAY(unlink("linked"));
	SAY(linkat(fd, "", AT_FDCWD, "linked", AT_EMPTY_PATH));
	close(fd);
	SAY(symlink("", "x"));
	SAY(symlink("x", "file"));
	SAY(symlink("x", ""));
	SAY(symlink("x", "nothing/x"));
	SAY(symlink(longest, "x"));
	SAY(symlink("x", "new/"));
	SAY(readlink("file", text, 10));
	SAY(readlink("nothing", text, 10));
	SAY(readlink("link", text, 0));
	SAY(readlink("link", text, -1));
	SAY(readlink("link", text, 2));
	SAY(readlink("link", NOWHERE, 10));
	SAY(readlink("link/", text, 10));
	SAY(readlink("", text, 10));
	SAY(readlinkat(dir, "", text, 10));
	SAY(rename("file", "dir"));
	SAY(rename("dir", "file"));
	SAY(rename("nothing", "x"));
	SAY(rename("file", "nothing/x"));
	SAY(rename("dir", "dir/x"));
	SAY(rename("dir", "dir/../dir/x"));
	SAY(rename("file", "/proc/x"));
	SAY(rename(".", "x"));
	SAY(rename("dir/..", "x"));
	SAY(rename("file", "."));
	SAY(rename("file", "file/"));
	SAY(rename("file/", "x"));
	SAY(rename("file", ""));
	SAY(rename("", "x"));
	SAY(rename("file", "file"));
	SAY(renameat2(AT_FDCWD, "file", AT_FDCWD, "fifo", RENAME_NOREPLACE));
	SAY(renameat2(AT_FDCWD, "file", AT_FDCWD, "nothing", RENAME_EXCHANGE));
	SAY(renameat2(AT_FDCWD, "file", AT_FDCWD, "dir", RENAME_EXCHANGE));
	SAY(renameat2(AT_FDCWD, "file", AT_FDCWD, "dir", RENAME_EXCHANGE));
	SAY(renameat2(AT_FDCWD, "file", AT_FDCWD, "x", RENAME_EXCHANGE | RENAME_NOREPLACE));
	SAY(renameat2(AT_FDCWD, "file", AT_FDCWD, "x", 0x100));
	SAY(renameat2(99, "file", AT_FDCWD, "x", 0));
	SAY(mknod("node", S_IFREG | 0600, 0));
	SAY(mknod("node", S_IFREG | 0600, 0));
	SAY(mknod("node2", S_IFDIR | 0600, 0));
	SAY(mknod("node2", S_IFLNK | 0600, 0));
	SAY(mknod("node2", 0600, 0));
	SAY(stat("node2", &about));
	printf("%o\n", about.st_mode);
	SAY(mknod("node3", S_IFSOCK | 0600, 0));
	SAY(open("node3", O_RDONLY));
	SAY(mknod("node4", S_IFCHR | 0600, makedev(1, 3)));
	SAY(stat("node4", &about));
	printf("%o %d %d\n", about.st_mode, major(about.st_rdev), minor(about.st_rdev));
	SAY(mknod("node5", S_IFCHR | 0600, makedev(250, 99)));
	SAY(open("node5", O_RDONLY));
	SAY(mknod("", S_IFREG, 0));
	SAY(mknod("nothing/x", S_IFREG, 0));
	SAY(mknod("node6/", S_IFREG, 0));
	CHILD(user(); SAY(mknod("dir/n", S_IFCHR | 0600, 0x103)); SAY(mknod("dir/n", S_IFDIR, 0));
		SAY(mkdir("dir/n", 0700)); SAY(unlink("file")); SAY(rename("file", "x")); SAY(link("file", "dir/x"));
		SAY(symlink("x", "dir/x")); SAY(rmdir("dir")); SAY(chroot("/")); SAY(chroot("nothing"));
		SAY(chroot("file")));
	SAY(chroot("nothing"));
	SAY(chroot("file"));
	SAY(chroot(NOWHERE));
	SAY(chdir("file"));
	SAY(chdir("nothing"));
	SAY(chdir(""));
	SAY(chdir(NOWHERE));
	SAY(chdir(longest));
	SAY(fchdir(99));
	SAY(fchdir(0));
	SAY(syscall(SYS_getcwd, longest, 0));
	SAY(syscall(SYS_getcwd, longest, 1));
	SAY(syscall(SYS_getcwd, NOWHERE, 4096));
	/* The sticky bit. */
	mkdir("sticky", 0777);
	chmod("sticky", 01777);
	close(open("sticky/mine", O_CREAT | O_RDWR, 0666));
	CHILD(user(); SAY(unlink("sticky/mine")); SAY(rename("sticky/mine", "sticky/x"));
		SAY(mkdir("sticky/theirs", 0700)); SAY(rename("sticky/theirs", "sticky/mine"));
		SAY(rename("sticky/theirs", "sticky/yours")); SAY(rmdir("sticky/yours")));
	close(dir);
}

static void attributes(void)
{
	int fd = open("file", O_RDWR), path = open("file", O_PATH), link = open("link", O_PATH | O_NOFOLLOW);
	struct timespec times[2] = {{1, 2}, {3, 4}}, omit[2] = {{0, UTIME_OMIT}, {0, UTIME_OMIT}},
			bad[2] = {{0, -1}, {0, 0}}, now[2] = {{0, UTIME_NOW}, {0, UTIME_OMIT}};
	struct timeval values[2] = {{5, 6}, {7, 8}}, wrong[2] = {{5, 1000000}, {7, 8}};
	struct stat about;
	struct statx x;
	struct statfs fs;

	SAY(chmod("nothing", 0600));
	SAY(chmod("", 0600));
	SAY(chmod("dangling", 0600));
	SAY(chmod("file", 017777));
	SAY(stat("file", &about));
	printf("%o\n", about.st_mode);
	SAY(fchmod(99, 0));
	SAY(fchmodat(99, "file", 0, 0));
	SAY(syscall(SYS_fchmodat, AT_FDCWD, "link", 0644));
	SAY(chown("nothing", 0, 0));
	SAY(fchownat(AT_FDCWD, "link", 1, 2, AT_SYMLINK_NOFOLLOW));
	SAY(lstat("link", &about));
	printf("%d %d\n", about.st_uid, about.st_gid);
	SAY(fchownat(path, "", 3, -1, AT_EMPTY_PATH));
	SAY(fstat(fd, &about));
	printf("%d %d\n", about.st_uid, about.st_gid);
	SAY(fchownat(AT_FDCWD, "file", 0, 0, 1));
	SAY(fchownat(AT_FDCWD, "", 0, 0, 0));
	SAY(chown("file", 0, 0));
	CHILD(user(); SAY(chmod("file", 0)); SAY(chown("file", OTHER, -1)); SAY(chown("file", -1, -1));
		SAY(utimensat(AT_FDCWD, "file", times, 0)); SAY(utimensat(AT_FDCWD, "file", NULL, 0));
		SAY(utimensat(AT_FDCWD, "file", omit, 0)); SAY(truncate("file", 0)));
	SAY(utimensat(AT_FDCWD, "file", times, 0));
	SAY(stat("file", &about));
	printf("%ld.%ld %ld.%ld\n", (long)about.st_atim.tv_sec, about.st_atim.tv_nsec, (long)about.st_mtim.tv_sec,
		about.st_mtim.tv_nsec);
	SAY(utimensat(AT_FDCWD, "file", now, 0));
	SAY(stat("file", &about));
	printf("%d %ld.%ld\n", about.st_atim.tv_sec > 1000, (long)about.st_mtim.tv_sec, about.st_mtim.tv_nsec);
	SAY(utimensat(AT_FDCWD, "file", bad, 0));
	SAY(utimensat(AT_FDCWD, "nothing", bad, 0));
	SAY(utimensat(AT_FDCWD, "nothing", omit, 0));
	SAY(utimensat(AT_FDCWD, "nothing", times, 0));
	SAY(utimensat(AT_FDCWD, "file", NOWHERE, 0));
	SAY(utimensat(AT_FDCWD, "file", times, 1));
	SAY(syscall(SYS_utimensat, 99, NULL, times, 0));
	SAY(syscall(SYS_utimensat, AT_FDCWD, NULL, times, 0));
	SAY(syscall(SYS_utimensat, fd, NULL, times, 0));
	SAY(syscall(SYS_utimensat, fd, NULL, times, AT_SYMLINK_NOFOLLOW));
	SAY(syscall(SYS_utimensat, path, "", times, AT_EMPTY_PATH));
	SAY(utimensat(AT_FDCWD, "dangling", times, 0));
	SAY(utimensat(AT_FDCWD, "dangling", times, AT_SYMLINK_NOFOLLOW));
	SAY(utimes("file", values));
	SAY(utimes("file", wrong));
	SAY(utimes("nothing", values));
	SAY(syscall(SYS_utime, "file", NOWHERE));
	SAY(utime("file", NULL));
	SAY(syscall(SYS_futimesat, fd, NULL, values));
	SAY(stat("nothing", &about));
	SAY(stat("", &about));
	SAY(stat(NOWHERE, &about));
	SAY(stat("file", NOWHERE));
	SAY(stat("file/", &about));
	SAY(lstat("link/", &about));
	SAY(lstat("dangling", &about));
	SAY(stat("dangling", &about));
	SAY(stat("loop1", &about));
	SAY(fstat(99, &about));
	SAY(fstatat(AT_FDCWD, "file", &about, 1));
	SAY(fstatat(99, "file", &about, 0));
	SAY(fstatat(99, "/", &about, 0));
	SAY(fstatat(fd, "x", &about, 0));
	SAY(fstatat(fd, "", &about, AT_EMPTY_PATH));
	SAY(fstatat(AT_FDCWD, "", &about, AT_EMPTY_PATH));
	SAY(fstatat(link, "", &about, AT_EMPTY_PATH));
	printf("%o\n", about.st_mode & S_IFMT);
	SAY(statx(AT_FDCWD, "file", 0, STATX_BASIC_STATS, &x));
	printf("%#x\n", x.stx_mask & STATX_BASIC_STATS);
	SAY(statx(AT_FDCWD, "file", 0, STATX_BTIME, &x));
	SAY(statx(AT_FDCWD, "file", 0, STATX__RESERVED, &x));
	SAY(statx(AT_FDCWD, "file", AT_STATX_SYNC_TYPE, 0, &x));
	SAY(statx(AT_FDCWD, "file", AT_STATX_FORCE_SYNC, 0, &x));
	SAY(statx(AT_FDCWD, "file", 0x40000, 0, &x));
	SAY(statx(AT_FDCWD, "", 0, 0, &x));
	SAY(statx(AT_FDCWD, "nothing", 0, 0, &x));
	SAY(statx(AT_FDCWD, "file", 0, 0, NOWHERE));
	SAY(statx(99, "file", 0, 0, &x));
	SAY(statx(fd, "", AT_EMPTY_PATH, STATX_MODE, &x));
	SAY(statx(AT_FDCWD, "/", 0, STATX_ALL, &x));
	printf("%lld %lld\n", x.stx_attributes_mask & STATX_ATTR_MOUNT_ROOT, x.stx_attributes & STATX_ATTR_MOUNT_ROOT);
	SAY(statx(AT_FDCWD, "file", 0, STATX_ALL, &x));
	printf("%lld\n", x.stx_attributes & STATX_ATTR_MOUNT_ROOT);
	SAY(x.stx_mask & STATX_MNT_ID);
	SAY(access("file", 8));
	SAY(access("file", -1));
	SAY(access("nothing", F_OK));
	SAY(access("", F_OK));
	SAY(access("dangling", F_OK));
	SAY(access("file", X_OK));
	SAY(access(NOWHERE, F_OK));
	SAY(syscall(SYS_faccessat2, AT_FDCWD, "dangling", F_OK, AT_SYMLINK_NOFOLLOW));
	SAY(syscall(SYS_faccessat2, AT_FDCWD, "file", F_OK, 1));
	SAY(syscall(SYS_faccessat2, path, "", R_OK, AT_EMPTY_PATH));
	SAY(syscall(SYS_faccessat2, 99, "file", R_OK, 0));
	CHILD(user(); SAY(access("made", R_OK)); SAY(access("file", W_OK)); SAY(access("made", F_OK)));
	SAY(statfs("nothing", &fs));
	SAY(statfs("file", NOWHERE));
	SAY(statfs("file", &fs));
	NUM(fs.f_namelen);
	SAY(truncate("nothing", 0));
	SAY(truncate("dir", 0));
	SAY(truncate("file", -1));
	SAY(truncate("", 0));
	SAY(truncate("fifo", 0));
	SAY(truncate("file", LONG_MAX));
	SAY(truncate("file/", 0));
	SAY(ftruncate(99, 0));
	SAY(ftruncate(fd, -1));
	SAY(ftruncate(0, 0));
	SAY(ftruncate(open("file", O_RDONLY), 0));
	signal(SIGXFSZ, SIG_IGN);
	CHILD(setrlimit(RLIMIT_FSIZE, &(struct rlimit){100, 100}); SAY(truncate("file", 200)); SAY(ftruncate(fd, 200));
		SAY(pwrite(fd, longest, 10, 95)); SAY(pwrite(fd, longest, 10, 100)); SAY(fallocate(fd, 0, 0, 200));
		SAY(fallocate(fd, FALLOC_FL_KEEP_SIZE, 0, 200)));
	SAY(fallocate(99, 0, 0, 1));
	SAY(fallocate(fd, 0, -1, 1));
	SAY(fallocate(fd, 0, 0, 0));
	SAY(fallocate(fd, 0, 0, -1));
	SAY(fallocate(fd, 0, LONG_MAX, 1));
	SAY(fallocate(fd, 0x1000, 0, 1));
	SAY(fallocate(fd, FALLOC_FL_PUNCH_HOLE, 0, 1));
	SAY(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE | FALLOC_FL_ZERO_RANGE, 0, 1));
	SAY(fallocate(fd, 0, 0, 10000));
	SAY(fstat(fd, &about));
	NUM(about.st_size);
	SAY(fallocate(open("file", O_RDONLY), 0, 0, 1));
	SAY(fallocate(open("fifo", O_RDWR), 0, 0, 1));
	SAY(fallocate(open("dir", O_RDONLY), 0, 0, 1));
	close(fd);
	close(path);
	close(link);
}

static void moving(void)
{
	int in = open("from", O_RDWR | O_CREAT | O_TRUNC, 0600), out = open("to", O_RDWR | O_CREAT | O_TRUNC, 0600),
	    pipes[2], more[2], only = open("to", O_WRONLY), app = open("to", O_WRONLY | O_APPEND),
	    dir = open("dir", O_RDONLY);
	off_t offset = -1, far = LONG_MAX, zero = 0;
	struct iovec vector = {longest, 10};

	(void)!write(in, "0123456789", 10);
	SAY(pipe(pipes));
	SAY(pipe(more));
	SAY(sendfile(out, 99, NULL, 1));
	SAY(sendfile(99, in, NULL, 1));
	SAY(sendfile(out, only, NULL, 1));
	SAY(sendfile(open("to", O_RDONLY), in, NULL, 1));
	SAY(sendfile(out, in, NOWHERE, 1));
	SAY(sendfile(out, in, &offset, 1));
	SAY(sendfile(out, in, &far, 1));
	SAY(sendfile(out, in, &zero, 4));
	NUM(zero);
	SAY(sendfile(app, in, &zero, 4));
	SAY(sendfile(out, in, NULL, 4));
	SAY(sendfile(out, dir, NULL, 4));
	SAY(sendfile(pipes[1], in, &zero, 2));
	SAY(sendfile(out, pipes[0], NULL, 2));
	SAY(sendfile(out, in, NULL, -1));
	zero = 0;
	SAY(copy_file_range(in, &zero, out, NULL, 4, 1));
	SAY(copy_file_range(in, &zero, out, NULL, 4, 0));
	NUM(zero);
	SAY(copy_file_range(99, NULL, out, NULL, 4, 0));
	SAY(copy_file_range(only, NULL, out, NULL, 4, 0));
	SAY(copy_file_range(in, NULL, app, NULL, 4, 0));
	SAY(copy_file_range(dir, NULL, out, NULL, 4, 0));
	SAY(copy_file_range(in, NULL, pipes[1], NULL, 4, 0));
	SAY(copy_file_range(in, &offset, out, NULL, 4, 0));
	SAY(copy_file_range(in, &far, out, NULL, 4, 0));
	SAY(copy_file_range(in, NOWHERE, out, NULL, 4, 0));
	SAY(copy_file_range(in, &zero, in, &zero, 4, 0));
	SAY(copy_file_range(in, &zero, out, NULL, 0, 0));
	zero = 0;
	SAY(splice(99, NULL, pipes[1], NULL, 1, 0));
	SAY(splice(in, NULL, out, NULL, 1, 0));
	SAY(splice(in, &offset, pipes[1], NULL, 1, 0));
	SAY(splice(in, NOWHERE, pipes[1], NULL, 1, 0));
	SAY(splice(in, &zero, pipes[1], &zero, 1, 0));
	SAY(splice(in, &zero, pipes[1], NULL, 1, 0x100));
	SAY(splice(in, &zero, pipes[1], NULL, 3, 0));
	SAY(splice(only, NULL, pipes[1], NULL, 1, 0));
	SAY(splice(pipes[0], NULL, app, NULL, 1, 0));
	SAY(splice(pipes[0], NULL, pipes[1], NULL, 1, 0));
	SAY(splice(pipes[1], NULL, more[1], NULL, 1, 0));
	SAY(splice(pipes[0], NULL, more[1], NULL, 1, 0));
	SAY(splice(in, &zero, pipes[1], NULL, 0, 0));
	SAY(splice(dir, NULL, pipes[1], NULL, 1, 0));
	SAY(tee(pipes[0], pipes[1], 1, 0));
	SAY(tee(pipes[0], more[1], 1, 0));
	SAY(tee(in, more[1], 1, 0));
	SAY(tee(99, more[1], 1, 0));
	SAY(tee(pipes[0], more[1], 0, 0));
	SAY(tee(pipes[0], more[1], 1, 0x100));
	SAY(vmsplice(pipes[1], &vector, 1, 0));
	SAY(vmsplice(in, &vector, 1, 0));
	SAY(vmsplice(99, &vector, 1, 0));
	SAY(vmsplice(pipes[1], &vector, 1025, 0));
	SAY(vmsplice(pipes[1], NOWHERE, 1, 0));
	SAY(vmsplice(pipes[1], &vector, 1, 0x100));
	SAY(vmsplice(pipes[1], &vector, 0, 0));
	SAY(memfd_create(NULL, 0));
	SAY(memfd_create(component, 0));
	SAY(memfd_create("x", 0x100));
	SAY(memfd_create("x", MFD_HUGETLB | MFD_ALLOW_SEALING) >= -1);
	SAY(memfd_create("", 0) >= 0);
	for (int i = 3; i < 60; i++)
		close(i);
}

static void extended(void)
{
	char text[100];
	int fd = open("file", O_RDWR);

	SAY(setxattr("nothing", "user.a", "x", 1, 0));
	SAY(setxattr("file", "user.a", "xyz", 3, 4));
	SAY(setxattr("file", "user.a", "xyz", 3, XATTR_REPLACE));
	SAY(setxattr("file", "user.a", "xyz", 3, XATTR_CREATE | XATTR_REPLACE));
	SAY(setxattr("file", "user.a", "xyz", 3, XATTR_CREATE));
	SAY(setxattr("file", "user.a", "xyz", 3, XATTR_CREATE));
	SAY(setxattr("file", "other.a", "xyz", 3, 0));
	SAY(setxattr("file", "user.", "xyz", 3, 0));
	SAY(setxattr("file", "", "xyz", 3, 0));
	SAY(setxattr("file", component, "xyz", 3, 0));
	SAY(setxattr("file", "user.b", "xyz", 65537, 0));
	SAY(setxattr("file", NOWHERE, "xyz", 3, 0));
	SAY(setxattr("file", "user.b", NOWHERE, 3, 0));
	SAY(setxattr("file", "user.empty", NULL, 0, 0));
	SAY(setxattr("fifo", "user.b", "xyz", 3, 0));
	SAY(lsetxattr("link", "user.b", "xyz", 3, 0));
	SAY(lsetxattr("link", "trusted.b", "xyz", 3, 0));
	SAY(setxattr("dir", "user.b", "xyz", 3, 0));
	SAY(fsetxattr(99, "user.b", "xyz", 3, 0));
	SAY(getxattr("file", "user.a", text, 100));
	SAY(getxattr("file", "user.a", text, 2));
	SAY(getxattr("file", "user.a", NULL, 0));
	SAY(getxattr("file", "user.none", text, 100));
	SAY(getxattr("file", "user.a", NOWHERE, 100));
	SAY(getxattr("file", "other.a", text, 100));
	SAY(getxattr("fifo", "user.a", text, 100));
	SAY(fgetxattr(fd, "user.empty", text, 100));
	SAY(listxattr("dir", text, 100));
	SAY(listxattr("dir", text, 2));
	SAY(listxattr("dir", NULL, 0));
	SAY(listxattr("nothing", text, 100));
	SAY(removexattr("file", "user.none"));
	SAY(removexattr("file", "user.a"));
	SAY(removexattr("file", "other.a"));
	SAY(removexattr("nothing", "user.a"));
	SAY(fremovexattr(fd, "user.empty"));
	CHILD(user(); SAY(setxattr("file", "user.c", "x", 1, 0)); SAY(getxattr("file", "trusted.x", text, 100));
		SAY(setxattr("file", "trusted.x", "x", 1, 0)); SAY(setxattr("file", "security.x", "x", 1, 0));
		SAY(setxattr("sticky", "user.x", "x", 1, 0)); SAY(getxattr("made", "user.x", text, 10)));
	close(fd);
}

static volatile int heard_count;

static void heard(int number)
{
	(void)number;
	heard_count++;
}

static volatile int leased, told;
static volatile int told_number, told_code, given_up; /* said when nobody else speaks */

static void inform(int number, siginfo_t *info, void *context)
{
	(void)context;
	told = 1;
	if (leased < 0) {
		printf("signal %d code %d\n", number, info->si_code);
		return;
	}
	told_number = number;
	told_code = info->si_code;
	given_up = fcntl(leased, F_SETLEASE, F_UNLCK);
}

static void leases(void)
{
	int fd = open("file", O_RDONLY), write_fd, dir = open("dir", O_RDONLY);
	struct sigaction action = {.sa_handler = heard},
			 informed = {.sa_sigaction = inform, .sa_flags = SA_SIGINFO | SA_RESTART};
	int pipes[2];

	sigaction(SIGIO, &action, NULL);
	SAY(fcntl(fd, F_SETLEASE, F_WRLCK));
	SAY(fcntl(fd, F_SETLEASE, F_RDLCK));
	SAY(fcntl(fd, F_GETLEASE));
	fflush(stdout);
	if (fork() == 0) {
		SAY(open("file", O_RDWR | O_NONBLOCK));
		SAY(open("file", O_RDONLY) >= 0);
		fflush(stdout);
		_exit(0);
	}
	while (wait(NULL) < 0 && errno == EINTR)
		;
	while (heard_count == 0)
		usleep(1000);
	NUM(heard_count);
	SAY(fcntl(fd, F_GETLEASE));
	SAY(fcntl(fd, F_SETLEASE, F_UNLCK));
	SAY(fcntl(fd, F_GETLEASE));
	write_fd = open("file", O_RDWR);
	SAY(fcntl(fd, F_SETLEASE, F_RDLCK));
	SAY(fcntl(dir, F_SETLEASE, F_RDLCK));
	close(write_fd);
	CHILD(user(); int mine = open("file", O_RDONLY); SAY(fcntl(mine, F_SETLEASE, F_RDLCK)));
	/* Who opens the file waits until the lease is given up. */
	fd = open("file", O_RDONLY);
	SAY(fcntl(fd, F_SETSIG, SIGUSR2));
	sigaction(SIGUSR2, &informed, NULL);
	leased = fd;
	SAY(fcntl(fd, F_SETLEASE, F_RDLCK));
	CHILD(SAY(open("file", O_RDWR) >= 0));
	printf("signal %d code %d, given up: %d\n", told_number, told_code, given_up);
	SAY(fcntl(fd, F_GETLEASE));
	close(fd);
	/* Readable pipes, by signal. */
	(void)!pipe(pipes);
	SAY(fcntl(pipes[0], F_SETOWN, getpid()));
	SAY(fcntl(pipes[0], F_SETSIG, SIGUSR2));
	SAY(fcntl(pipes[0], F_SETFL, O_ASYNC | O_NONBLOCK));
	leased = -1;
	told = 0;
	(void)!write(pipes[1], "x", 1);
	while (!told)
		usleep(1000);
	SAY(fcntl(pipes[0], F_GETFL) & (O_ASYNC | O_NONBLOCK));
	SAY(fcntl(pipes[0], F_SETFL, 0));
	close(pipes[0]);
	close(pipes[1]);
	close(fd);
	close(dir);
}

int main(int argc, char **argv)
{
	setvbuf(stdout, NULL, _IOLBF, 0);
	memset(longest, 'a', sizeof longest - 1);
	memset(component, 'b', 256);
	umask(022);
	if (argc > 1 && chdir(argv[1]) < 0)
		return 1;
	mkdir("filecalls", 0755);
	if (chdir("filecalls") < 0)
		return 1;
	opens();
	descriptors();
	names();
	attributes();
	moving();
	extended();
	leases();
	return chdir("..") < 0 || system("rm -rf filecalls") != 0;
}
