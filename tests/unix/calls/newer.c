/* Calls that came late to Linux, or hardly anybody makes: preadv2, openat2, epoll_pwait2, futex_waitv, memory policies
 * and others. */
#define _GNU_SOURCE
#include <dirent.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <linux/mempolicy.h>
#include <linux/openat2.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/syscall.h>
#include <sys/timex.h>
#include <sys/uio.h>
#include <time.h>

#include "say.h"

static char folder[256] = "/tmp", name[300], other[300];

static void vectors(void)
{
	char text[16] = {0};
	struct iovec one = {text, 4}, two[2] = {{text, 2}, {text + 4, 3}}, bad = {NOWHERE, 4}, negative = {text, -1};
	int fd = open(name, O_RDWR | O_CREAT | O_TRUNC, 0600), only = open(name, O_WRONLY), pipes[2];

	SAY(pwritev2(fd, &(struct iovec){"0123456789", 10}, 1, 0, 0));
	SAY(preadv2(fd, &one, 1, 2, 0));
	printf("%s\n", text);
	SAY(lseek(fd, 0, SEEK_CUR));
	SAY(preadv2(fd, two, 2, -1, 0));
	printf("%.2s %.3s\n", text, text + 4);
	SAY(lseek(fd, 0, SEEK_CUR));
	SAY(preadv2(fd, &one, 1, -2, 0));
	SAY(preadv2(fd, &one, 1, 0, 0x1000));
	SAY(preadv2(fd, &one, 1, 0, RWF_HIPRI));
	SAY(preadv2(fd, &one, -1, 0, 0));
	SAY(preadv2(fd, &one, 1025, 0, 0));
	SAY(preadv2(fd, &negative, 1, 0, 0));
	SAY(preadv2(fd, &bad, 1, 0, 0));
	SAY(preadv2(99, &one, 1, 0, 0));
	SAY(preadv2(only, &one, 1, 0, 0));
	SAY(pwritev2(fd, &(struct iovec){"abc", 3}, 1, 0, RWF_APPEND));
	SAY(pwritev2(fd, &(struct iovec){"def", 3}, 1, -1, RWF_APPEND | RWF_DSYNC));
	SAY(lseek(fd, 0, SEEK_CUR));
	SAY(pwritev2(fd, &(struct iovec){"!", 1}, 1, 1, RWF_SYNC));
	SAY(pread(fd, text, 16, 0));
	printf("%.16s\n", text);
	SAY(pipe(pipes));
	SAY(preadv2(pipes[0], &one, 1, 0, 0));
	SAY(pwritev2(pipes[1], &(struct iovec){"xyz", 3}, 1, -1, 0));
	SAY(preadv2(pipes[0], &one, 1, -1, 0));
	SAY(syscall(SYS_readahead, fd, 0, 100));
	SAY(syscall(SYS_readahead, only, 0, 100));
	SAY(syscall(SYS_readahead, 99, 0, 100));
	SAY(syscall(SYS_readahead, pipes[0], 0, 100));
	SAY(sync_file_range(fd, 0, 0, 7));
	SAY(sync_file_range(fd, 0, 0, 8));
	SAY(sync_file_range(fd, -1, 0, 1));
	SAY(sync_file_range(fd, 1, -1, 1));
	SAY(sync_file_range(fd, 1, -2, 1));
	SAY(sync_file_range(pipes[0], 0, 0, 1));
	SAY(sync_file_range(99, 0, 0, 9));
	close(fd);
	close(only);
	close(pipes[0]);
	close(pipes[1]);
}

static long how(const char *path, unsigned long long flags, unsigned long long mode, unsigned long long resolve)
{
	struct open_how value = {flags, mode, resolve};
	int dir = open(folder, O_PATH | O_DIRECTORY);
	long fd = syscall(SYS_openat2, dir, path, &value, sizeof value);
	int error = errno;

	close(dir);
	if (fd >= 0)
		close(fd);
	errno = error;
	return fd < 0 ? -1 : 0;
}

static void opening(void)
{
	struct open_how value = {0};
	struct {
		struct open_how known;
		long more;
	} longer = {{O_RDONLY, 0, 0}, 0};
	int dir = open(folder, O_RDONLY | O_DIRECTORY);

	close(openat(dir, "newer.file", O_RDWR | O_CREAT, 0600));
	mkdirat(dir, "newer.dir", 0700);
	symlinkat("newer.file", dir, "newer.link");
	symlinkat("..", dir, "newer.dir/up");
	symlinkat("/newer.file", dir, "newer.absolute");
	symlinkat("../../../../newer.file", dir, "newer.out");
	symlinkat("newer.link", dir, "newer.twice");
	SAY(syscall(SYS_openat2, dir, "newer.file", &value, 0));
	SAY(syscall(SYS_openat2, dir, "newer.file", &value, 23));
	SAY(syscall(SYS_openat2, dir, "newer.file", &value, 4097));
	SAY(syscall(SYS_openat2, dir, "newer.file", NOWHERE, 24));
	SAY(syscall(SYS_openat2, dir, NOWHERE, &value, 24));
	OK(syscall(SYS_openat2, dir, "newer.file", &longer, sizeof longer));
	longer.more = 1;
	SAY(syscall(SYS_openat2, dir, "newer.file", &longer, sizeof longer));
	SAY(syscall(SYS_openat2, 99, "newer.file", &value, 24));
	SAY(how("newer.file", 1ull << 40, 0, 0));
	SAY(how("newer.file", O_RDONLY, 0600, 0));
	SAY(how("newer.file", O_CREAT, 010000, 0));
	SAY(how("newer.file", O_RDONLY, 0, 0x40));
	SAY(how("newer.file", O_RDONLY, 0, RESOLVE_BENEATH | RESOLVE_IN_ROOT));
	SAY(how("newer.file", O_PATH | O_RDWR, 0, 0));
	SAY(how("newer.file", O_PATH | O_CLOEXEC, 0, 0));
	SAY(how("", O_RDONLY, 0, 0));
	SAY(how("newer.file", O_RDONLY, 0, RESOLVE_BENEATH));
	SAY(how("newer.dir/../newer.file", O_RDONLY, 0, RESOLVE_BENEATH));
	SAY(how("../x", O_RDONLY, 0, RESOLVE_BENEATH));
	SAY(how("newer.dir/up/newer.file", O_RDONLY, 0, RESOLVE_BENEATH));
	SAY(how("newer.dir/up/..", O_RDONLY, 0, RESOLVE_BENEATH));
	SAY(how("/", O_RDONLY, 0, RESOLVE_BENEATH));
	SAY(how("newer.absolute", O_RDONLY, 0, RESOLVE_BENEATH));
	SAY(how("newer.out", O_RDONLY, 0, RESOLVE_BENEATH));
	SAY(how("newer.out", O_RDONLY, 0, RESOLVE_IN_ROOT));
	SAY(how("newer.absolute", O_RDONLY, 0, RESOLVE_IN_ROOT));
	SAY(how("/newer.file", O_RDONLY, 0, RESOLVE_IN_ROOT));
	SAY(how("../../newer.file", O_RDONLY, 0, RESOLVE_IN_ROOT));
	SAY(how("newer.absolute", O_RDONLY, 0, 0));
	SAY(how("newer.link", O_RDONLY, 0, RESOLVE_NO_SYMLINKS));
	SAY(how("newer.link", O_RDONLY, 0, RESOLVE_NO_MAGICLINKS));
	SAY(how("newer.link", O_PATH | O_NOFOLLOW, 0, RESOLVE_NO_SYMLINKS));
	SAY(how("newer.link", O_RDONLY | O_NOFOLLOW, 0, RESOLVE_NO_SYMLINKS));
	SAY(how("newer.dir/up/newer.file", O_RDONLY, 0, RESOLVE_NO_SYMLINKS));
	SAY(how("newer.twice", O_RDWR | O_CREAT, 0600, RESOLVE_BENEATH));
	SAY(how("newer.out", O_RDWR | O_CREAT, 0600, RESOLVE_BENEATH));
	SAY(how("newer.absolute", O_RDWR | O_CREAT, 0600, RESOLVE_IN_ROOT));
	SAY(how("newer.link", O_RDWR | O_CREAT, 0600, RESOLVE_NO_SYMLINKS));
	SAY(how("newer.made", O_RDWR | O_CREAT | O_EXCL, 0600, RESOLVE_BENEATH));
	SAY(how("../newer.made", O_RDWR | O_CREAT | O_EXCL, 0600, RESOLVE_BENEATH));
	SAY(how("/proc/self/exe", O_RDONLY, 0, RESOLVE_NO_MAGICLINKS));
	SAY(how("/proc/self/exe", O_RDONLY, 0, RESOLVE_NO_XDEV));
	SAY(how("/proc/self/exe", O_PATH | O_NOFOLLOW, 0, RESOLVE_NO_MAGICLINKS));
	SAY(how(".", O_RDWR | O_TMPFILE, 0600, RESOLVE_BENEATH));
	SAY(how(".", O_TMPFILE, 0600, 0));
	unlinkat(dir, "newer.made", 0);
	unlinkat(dir, "newer.file", 0);
	unlinkat(dir, "newer.link", 0);
	unlinkat(dir, "newer.dir/up", 0);
	unlinkat(dir, "newer.dir", AT_REMOVEDIR);
	unlinkat(dir, "newer.absolute", 0);
	unlinkat(dir, "newer.out", 0);
	unlinkat(dir, "newer.twice", 0);
	close(dir);
}

static void entries(void)
{
	struct old {
		unsigned long inode, next;
		unsigned short length;
		char name[];
	} * at;
	char buffer[4096], where[300];
	int fd, names = 0, dots = 0, files = 0;
	long size;

	snprintf(where, sizeof where, "%s/newer.list", folder);
	mkdir(where, 0700);
	fd = open(where, O_RDONLY);
	for (int i = 0; i < 20; i++) {
		char file[20];

		sprintf(file, "%.*s%d", i % 9, "aaaaaaaaaaaaaaa", i);
		close(openat(fd, file, O_CREAT | O_RDWR, 0600));
	}
	SAY(syscall(SYS_getdents, fd, buffer, 10));
	SAY(syscall(SYS_getdents, fd, NOWHERE, 4096));
	SAY(syscall(SYS_getdents, 99, buffer, 4096));
	SAY(syscall(SYS_getdents, 0, buffer, 4096));
	while ((size = syscall(SYS_getdents, fd, buffer, 200)) > 0) {
		for (long i = 0; i < size; i += at->length) {
			at = (void *)(buffer + i);
			names++;
			dots += at->name[0] == '.';
			files += ((char *)at)[at->length - 1] == DT_REG;
			if (at->name[0] != '.')
				unlinkat(fd, at->name, 0);
		}
	}
	printf("%d names, %d with dots, %d files\n", names, dots, files);
	close(fd);
	SAY(rmdir(where));
}

static void *waker(void *word)
{
	usleep(50000);
	*(volatile unsigned *)word = 1;
	syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
	return NULL;
}

static void waiting(void)
{
	unsigned word[3] = {0, 0, 0};
	struct futex_waitv waits[3];
	struct timespec now, bad = {0, 1000000000}, soon = {0, 20000000}, none = {0, 0};
	struct epoll_event event = {EPOLLIN, {0}}, found;
	sigset_t set;
	pthread_t thread;
	int epoll = epoll_create1(0), fd = eventfd(0, 0);

	for (int i = 0; i < 3; i++)
		waits[i] = (struct futex_waitv){0, (unsigned long)&word[i], FUTEX_32 | FUTEX_PRIVATE_FLAG, 0};
	SAY(syscall(SYS_futex_waitv, waits, 0, 0, NULL, 0));
	SAY(syscall(SYS_futex_waitv, waits, 129, 0, NULL, 0));
	SAY(syscall(SYS_futex_waitv, waits, 3, 1, NULL, 0));
	SAY(syscall(SYS_futex_waitv, NULL, 3, 0, NULL, 0));
	SAY(syscall(SYS_futex_waitv, NOWHERE, 3, 0, NULL, 0));
	SAY(syscall(SYS_futex_waitv, waits, 3, 0, &bad, CLOCK_MONOTONIC));
	SAY(syscall(SYS_futex_waitv, waits, 3, 0, &soon, 7));
	waits[1].flags = FUTEX_PRIVATE_FLAG;
	SAY(syscall(SYS_futex_waitv, waits, 3, 0, NULL, 0));
	waits[1].flags = FUTEX_32 | 0x40;
	SAY(syscall(SYS_futex_waitv, waits, 3, 0, NULL, 0));
	waits[1].flags = FUTEX_32 | FUTEX_PRIVATE_FLAG;
	waits[1].__reserved = 1;
	SAY(syscall(SYS_futex_waitv, waits, 3, 0, NULL, 0));
	waits[1].__reserved = 0;
	waits[1].uaddr += 1;
	SAY(syscall(SYS_futex_waitv, waits, 3, 0, NULL, 0));
	waits[1].uaddr = 8;
	SAY(syscall(SYS_futex_waitv, waits, 3, 0, NULL, 0));
	waits[1].uaddr = (unsigned long)&word[1];
	waits[1].val = 1;
	SAY(syscall(SYS_futex_waitv, waits, 3, 0, NULL, 0));
	waits[1].val = 0;
	clock_gettime(CLOCK_MONOTONIC, &now);
	now.tv_nsec += 20000000;
	if (now.tv_nsec >= 1000000000)
		now.tv_sec++, now.tv_nsec -= 1000000000;
	SAY(syscall(SYS_futex_waitv, waits, 3, 0, &now, CLOCK_MONOTONIC));
	pthread_create(&thread, NULL, waker, &word[2]);
	SAY(syscall(SYS_futex_waitv, waits, 3, 0, NULL, 0));
	pthread_join(thread, NULL);
	epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event);
	SAY(syscall(SYS_epoll_pwait2, epoll, &found, 1, &none, NULL, 0));
	SAY(syscall(SYS_epoll_pwait2, epoll, &found, 1, &soon, NULL, 0));
	SAY(syscall(SYS_epoll_pwait2, epoll, &found, 1, &bad, NULL, 0));
	SAY(syscall(SYS_epoll_pwait2, epoll, &found, 1, NOWHERE, NULL, 0));
	SAY(syscall(SYS_epoll_pwait2, epoll, &found, 0, &soon, NULL, 0));
	SAY(syscall(SYS_epoll_pwait2, fd, &found, 1, &soon, NULL, 0));
	SAY(syscall(SYS_epoll_pwait2, 99, &found, 1, &soon, NULL, 0));
	SAY(syscall(SYS_epoll_pwait2, epoll, &found, 1, &soon, &set, 7));
	eventfd_write(fd, 1);
	SAY(syscall(SYS_epoll_pwait2, epoll, &found, 1, NULL, NULL, 0));
	close(epoll);
	close(fd);
}

static void policies(void)
{
	unsigned long nodes = 1, many[20] = {0}, wrong = 2, none = 0;
	int mode = 9, status[3] = {9, 9, 9}, to[3] = {0, 0, 0}, far[1] = {5};
	char *page = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	void *pages[3] = {page, page + 4096, NOWHERE};

	page[0] = 1;
	SAY(syscall(SYS_set_mempolicy, MPOL_DEFAULT, NULL, 0));
	SAY(syscall(SYS_set_mempolicy, MPOL_DEFAULT, &nodes, 8));
	SAY(syscall(SYS_set_mempolicy, 99, NULL, 0));
	SAY(syscall(SYS_set_mempolicy, -1, NULL, 0));
	SAY(syscall(SYS_set_mempolicy, MPOL_BIND, NULL, 0));
	SAY(syscall(SYS_set_mempolicy, MPOL_BIND, &none, 8));
	SAY(syscall(SYS_set_mempolicy, MPOL_BIND, &wrong, 8));
	SAY(syscall(SYS_set_mempolicy, MPOL_BIND, NOWHERE, 8));
	SAY(syscall(SYS_set_mempolicy, MPOL_BIND | MPOL_F_STATIC_NODES | MPOL_F_RELATIVE_NODES, &nodes, 8));
	SAY(syscall(SYS_set_mempolicy, MPOL_BIND, &nodes, 8));
	SAY(syscall(SYS_get_mempolicy, &mode, many, 1024, NULL, 0));
	printf("mode %d nodes %lx\n", mode, many[0]);
	SAY(syscall(SYS_get_mempolicy, &mode, many, 1024, NULL, MPOL_F_MEMS_ALLOWED));
	printf("nodes %lx\n", many[0]);
	SAY(syscall(SYS_get_mempolicy, &mode, NULL, 0, page, MPOL_F_NODE | MPOL_F_ADDR));
	printf("node %d\n", mode);
	SAY(syscall(SYS_get_mempolicy, &mode, NULL, 0, NULL, MPOL_F_NODE));
	SAY(syscall(SYS_get_mempolicy, &mode, NULL, 0, NOWHERE, MPOL_F_ADDR));
	SAY(syscall(SYS_get_mempolicy, &mode, NULL, 0, page, 0));
	SAY(syscall(SYS_get_mempolicy, &mode, NULL, 0, NULL, 99));
	SAY(syscall(SYS_get_mempolicy, &mode, NULL, 0, NULL, MPOL_F_MEMS_ALLOWED | MPOL_F_NODE));
	SAY(syscall(SYS_get_mempolicy, NOWHERE, NULL, 0, NULL, 0));
	SAY(syscall(SYS_set_mempolicy, MPOL_PREFERRED, NULL, 0));
	SAY(syscall(SYS_get_mempolicy, &mode, NULL, 0, NULL, 0));
	SAY(syscall(SYS_set_mempolicy, MPOL_DEFAULT, NULL, 0));
	SAY(syscall(SYS_mbind, page, 8192, MPOL_BIND, &nodes, 8, 0));
	SAY(syscall(SYS_mbind, page + 1, 8192, MPOL_BIND, &nodes, 8, 0));
	SAY(syscall(SYS_mbind, page, 8192, MPOL_BIND, &wrong, 8, 0));
	SAY(syscall(SYS_mbind, page, 8192, 77, &nodes, 8, 0));
	SAY(syscall(SYS_mbind, page, 8192, MPOL_BIND, &nodes, 8, 0x100));
	SAY(syscall(SYS_mbind, page, 8192, MPOL_DEFAULT, NULL, 0, 0));
	SAY(syscall(SYS_mbind, 4096, 8192, MPOL_DEFAULT, NULL, 0, 0));
	SAY(syscall(SYS_mbind, page, 0, MPOL_BIND, &nodes, 8, 0));
	SAY(syscall(SYS_move_pages, 0, 3, pages, NULL, status, 0));
	printf("%d %d %d\n", status[0], status[1], status[2]);
	SAY(syscall(SYS_move_pages, 0, 1, pages, to, status, MPOL_MF_MOVE));
	SAY(syscall(SYS_move_pages, 0, 1, pages, far, status, MPOL_MF_MOVE));
	SAY(syscall(SYS_move_pages, 0, 1, pages, to, status, 1));
	SAY(syscall(SYS_move_pages, 99999999, 1, pages, to, status, 0));
	SAY(syscall(SYS_move_pages, 0, 1, NOWHERE, NULL, status, 0));
	SAY(syscall(SYS_move_pages, 0, 1, pages, NULL, NOWHERE, 0));
	SAY(syscall(SYS_migrate_pages, 0, 8, &nodes, &nodes));
	SAY(syscall(SYS_migrate_pages, 99999999, 8, &nodes, &nodes));
	SAY(syscall(SYS_migrate_pages, 0, 8, NOWHERE, &nodes));
	SAY(syscall(SYS_mlock2, page, 4096, 2));
	SAY(syscall(SYS_mlock2, page, 4096, 1));
	SAY(syscall(SYS_mlock2, page, 4096, 0));
	SAY(syscall(SYS_pkey_alloc, 1, 0));
	SAY(syscall(SYS_pkey_alloc, 0, 8));
	SAY(syscall(SYS_pkey_free, 20));
	SAY(syscall(SYS_pkey_mprotect, page, 4096, PROT_READ, -1));
	SAY(syscall(SYS_pkey_mprotect, page, 4096, PROT_READ, 20));
}

static void remapping(void)
{
	int fd = open(name, O_RDWR | O_CREAT | O_TRUNC, 0600);
	char *at;

	(void)!ftruncate(fd, 16384);
	for (int i = 0; i < 4; i++)
		(void)!pwrite(fd, &"abcd"[i], 1, i * 4096);
	at = mmap(NULL, 16384, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	SAY(remap_file_pages(at, 4096, 0, 2, 0));
	printf("%c%c%c%c\n", at[0], at[4096], at[8192], at[12288]);
	SAY(remap_file_pages(at, 4096, PROT_READ, 2, 0));
	SAY(remap_file_pages(at, 0, 0, 2, 0));
	SAY(remap_file_pages(at + 65536, 4096, 0, 2, 0));
	close(fd);
	at = mmap(NULL, 16384, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	SAY(remap_file_pages(at, 4096, 0, 0, 0));
}

static void odds(void)
{
	struct timex change = {0};
	struct stat about;
	char text[64] = {0};

	SAY(syscall(SYS_ustat, 0x7fff, text));
	stat(folder, &about);
	SAY(syscall(SYS_ustat, (unsigned)about.st_dev, NOWHERE));
	SAY(syscall(SYS_ustat, (unsigned)about.st_dev, text));
	SAY(syscall(SYS_sysfs, 9, 0, 0));
	SAY(syscall(SYS_sysfs, 1, "no such type", 0));
	SAY(syscall(SYS_sysfs, 1, NOWHERE, 0));
	OK(syscall(SYS_sysfs, 1, "proc", 0));
	OK(syscall(SYS_sysfs, 3, 0, 0));
	SAY(syscall(SYS_sysfs, 2, 1000, text));
	SAY(syscall(SYS_sysfs, 2, syscall(SYS_sysfs, 1, "proc", 0), text));
	printf("%s\n", text);
	OK(adjtimex(&change));
	NUM(change.tick);
	SAY(adjtimex(NOWHERE));
	SAY(clock_adjtime(99, &change));
	SAY(clock_adjtime(CLOCK_MONOTONIC, &change));
	change = (struct timex){.modes = ADJ_TICK, .tick = 5};
	SAY(adjtimex(&change));
	change = (struct timex){.modes = ADJ_SETOFFSET, .time = {0, 1000000}};
	SAY(adjtimex(&change));
	CHILD((void)!setgid(54321); (void)!setuid(54321); change = (struct timex){.modes = ADJ_STATUS};
		SAY(adjtimex(&change)); change.modes = 0; OK(adjtimex(&change)));
	SAY(unshare(0));
	SAY(unshare(1));
	CHILD(SAY(unshare(CLONE_FILES | CLONE_FS)); SAY(unshare(CLONE_THREAD)); SAY(unshare(CLONE_VM)));
	CHILD((void)!setgid(54321); (void)!setuid(54321); SAY(unshare(CLONE_NEWUTS)));
	SAY(setns(99, 0));
	SAY(setns(0, 0));
	SAY(syscall(SYS_vserver));
	SAY(syscall(SYS_afs_syscall));
	SAY(syscall(SYS_tuxcall));
	SAY(syscall(SYS_nfsservctl));
	SAY(syscall(SYS_create_module));
}

int main(int argc, char **argv)
{
	setvbuf(stdout, NULL, _IOLBF, 0);
	if (argc > 1)
		snprintf(folder, sizeof folder, "%s", argv[1]);
	snprintf(name, sizeof name, "%s/newer.1", folder);
	snprintf(other, sizeof other, "%s/newer.2", folder);
	vectors();
	opening();
	entries();
	waiting();
	policies();
	remapping();
	odds();
	unlink(name);
	return 0;
}
