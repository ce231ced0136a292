/* The measurements seen by an unmodified static Linux program: "row NAME COUNT", in ticks of the time-stamp counter. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "measure.h"

/*
 * Under "-icount shift=0" a tick is an instruction, and the least of many repetitions is the row: what a call costs
 * when nothing else (a timer's interrupt, a first touch) falls into it. The same binary runs on Portolan from a shell,
 * and on Linux as the only program of an initramfs, where it is process 1 and powers off at its end.
 */
enum {
	MANY = 400, /* repetitions of cheap operations */
	FEW = 12,   /* repetitions of operations that make a process */
	PAGE = 4096,
	UNKNOWN_CALL = 1999, /* no Linux call has this number */
};

static int zero_fd, null_fd, file_fd;
static int to_child[2], from_child[2];
static char buffer[64 * 1024];
static volatile sig_atomic_t signals;
static char *area;
static size_t area_page;

static void check(int good, const char *what)
{
	if (!good) {
		printf("failed %s\n", what);
		fflush(stdout);
		if (getpid() == 1)
			reboot(RB_POWER_OFF);
		exit(1);
	}
}

/* Prints the least ticks of so many calls, less what the measuring itself takes. */
static void row(const char *name, int times, void (*operation)(void))
{
	printf("row %s %llu\n", name, (unsigned long long)least_ticks(times, operation));
	fflush(stdout);
}

/* Prints the average over so many calls: for what the system may do for several pages at a time. */
static void average_row(const char *name, int times, void (*operation)(void))
{
	uint64_t start, took;

	mark_row();
	start = ticks();
	for (int i = 0; i < times; i++)
		operation();
	took = ticks() - start;
	for (int i = 0; i < times; i++)
		mark_operation();
	mark_row();
	printf("row %s %llu\n", name, (unsigned long long)(took / (uint64_t)times));
	fflush(stdout);
}

static void unknown(void)
{
	syscall(UNKNOWN_CALL);
}

static void getpid_call(void)
{
	syscall(SYS_getpid);
}

/* As the C library's string functions make of most programs: their vector registers are in use around the call. */
static void getpid_vector(void)
{
	__asm__ volatile("pxor %%xmm1, %%xmm1" : : : "xmm1");
	syscall(SYS_getpid);
}

static void read_zero(void)
{
	check(read(zero_fd, buffer, 1) == 1, "read /dev/zero");
}

static void write_null(void)
{
	check(write(null_fd, buffer, 1) == 1, "write /dev/null");
}

static void clock_call(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
}

static void pipe_round(void)
{
	check(write(to_child[1], buffer, 1) == 1 && read(from_child[0], buffer, 1) == 1, "pipe");
}

static void on_signal(int number)
{
	signals += number;
}

static void signal_self(void)
{
	kill(getpid(), SIGUSR1);
}

static void fork_wait(void)
{
	int status;
	pid_t child = fork();

	if (child == 0)
		_exit(0);
	check(child > 0 && waitpid(child, &status, 0) == child, "fork");
}

static void open_close(void)
{
	int fd = open("bench.data", O_RDONLY);

	check(fd >= 0 && close(fd) == 0, "open");
}

static void stat_file(void)
{
	struct stat s;

	check(stat("bench.data", &s) == 0, "stat");
}

static void file_life(void)
{
	int fd = open("bench.new", O_RDWR | O_CREAT | O_EXCL, 0600);

	check(fd >= 0 && write(fd, buffer, PAGE) == PAGE && close(fd) == 0 && unlink("bench.new") == 0, "a new file");
}

static void folder_life(void)
{
	check(mkdir("bench.folder", 0700) == 0 && rmdir("bench.folder") == 0, "a new folder");
}

static void rename_twice(void)
{
	check(rename("bench.data", "bench.moved") == 0 && rename("bench.moved", "bench.data") == 0, "rename");
}

static void read_4k(void)
{
	check(pread(file_fd, buffer, PAGE, 0) == PAGE, "read 4 KiB");
}

static void read_64k(void)
{
	check(pread(file_fd, buffer, sizeof buffer, 0) == (ssize_t)sizeof buffer, "read 64 KiB");
}

static void map_touch_unmap(void)
{
	char *at = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	check(at != MAP_FAILED, "mmap");
	*(volatile char *)at = 1;
	munmap(at, PAGE);
}

/* Writes one byte to the next page of the area. */
static void touch_next(void)
{
	((volatile char *)area)[area_page++ * PAGE] = 1;
}

static void read_next(void)
{
	(void)((volatile char *)area)[area_page++ * PAGE];
}

static char *map(size_t pages, int flags, int fd)
{
	char *at = mmap(NULL, pages * PAGE, PROT_READ | PROT_WRITE, flags, fd, 0);

	check(at != MAP_FAILED, "mmap");
	area_page = 0;
	return at;
}

/* Copy-on-write faults: a child holds the other reference while the parent writes. */
static void cow_rows(void)
{
	int hold[2];
	pid_t child;

	area = map(MANY, MAP_PRIVATE | MAP_ANONYMOUS, -1);
	for (int i = 0; i < MANY; i++)
		touch_next();
	area_page = 0;
	check(pipe(hold) == 0, "pipe");
	child = fork();
	if (child == 0) {
		close(hold[1]);
		check(read(hold[0], buffer, 1) == 0, "hold");
		_exit(0);
	}
	row("cow-fault", MANY, touch_next);
	close(hold[0]);
	close(hold[1]);
	waitpid(child, NULL, 0);
	munmap(area, (size_t)MANY * PAGE);
}

/* fork, exit, wait of a process that has much memory. */
static void large_fork_row(void)
{
	size_t pages = (128 << 20) / PAGE;

	area = map(pages, MAP_PRIVATE | MAP_ANONYMOUS, -1);
	for (size_t i = 0; i < pages; i++)
		touch_next();
	row("fork-exit-wait-128m", FEW, fork_wait);
	munmap(area, pages * PAGE);
}

static void pipe_rows(void)
{
	pid_t child;

	check(pipe(to_child) == 0 && pipe(from_child) == 0, "pipe");
	child = fork();
	if (child == 0) {
		close(to_child[1]);
		close(from_child[0]);
		while (read(to_child[0], buffer, 1) == 1)
			check(write(from_child[1], buffer, 1) == 1, "echo");
		_exit(0);
	}
	close(to_child[0]);
	close(from_child[1]);
	row("pipe-round-trip", MANY, pipe_round);
	close(to_child[1]);
	waitpid(child, NULL, 0);
}

static void file_rows(void)
{
	int fd = open("bench.data", O_RDWR | O_CREAT | O_TRUNC, 0644);

	check(fd >= 0, "create");
	for (int i = 0; i < MANY / 16; i++)
		check(write(fd, buffer, sizeof buffer) == (ssize_t)sizeof buffer, "write");
	file_fd = fd;
	row("open-close", MANY, open_close);
	row("stat", MANY, stat_file);
	row("tmpfs-file", FEW, file_life);
	row("tmpfs-folder", FEW, folder_life);
	row("tmpfs-rename", FEW, rename_twice);
	row("read-4k-cached", MANY, read_4k);
	row("read-64k-cached", FEW, read_64k);
	area = map(MANY, MAP_SHARED, fd);
	average_row("mapped-file-page-cached", MANY, read_next);
	munmap(area, (size_t)MANY * PAGE);
	close(fd);
	unlink("bench.data");
}

/* Pages of a hole in a file of the root file system: a fault that goes to its pager and back, without waiting for a
 * disk. */
static void hole_rows(void)
{
	int fd = open("/bench.hole", O_RDWR | O_CREAT | O_TRUNC, 0644);

	check(fd >= 0 && ftruncate(fd, (off_t)MANY * PAGE) == 0, "create a hole");
	area = map(MANY, MAP_SHARED, fd);
	average_row("file-page-fault", MANY, read_next);
	munmap(area, (size_t)MANY * PAGE);
	close(fd);
	unlink("/bench.hole");
}

int main(void)
{
	int only_process = getpid() == 1;

	if (only_process) {
		mkdir("/dev", 0755);
		mount("devtmpfs", "/dev", "devtmpfs", 0, "");
		mkdir("/tmp", 0755);
		mount("tmpfs", "/tmp", "tmpfs", 0, "");
		check(chdir("/tmp") == 0, "chdir");
	}
	zero_fd = open("/dev/zero", O_RDONLY);
	null_fd = open("/dev/null", O_WRONLY);
	check(zero_fd >= 0 && null_fd >= 0, "open /dev");
	signal(SIGUSR1, on_signal);

	row("unknown-call", MANY, unknown);
	row("getpid", MANY, getpid_call);
	row("getpid-vector", MANY, getpid_vector);
	row("read-1-zero", MANY, read_zero);
	row("write-1-null", MANY, write_null);
	row("clock-gettime", MANY, clock_call);
	row("signal-self", MANY, signal_self);
	row("map-touch-unmap", MANY, map_touch_unmap);
	area = map(MANY, MAP_PRIVATE | MAP_ANONYMOUS, -1);
	row("first-touch", MANY, touch_next);
	munmap(area, (size_t)MANY * PAGE);
	file_rows();
	hole_rows();
	pipe_rows();
	cow_rows();
	row("fork-exit-wait", FEW, fork_wait);
	large_fork_row();
	puts("end");
	fflush(stdout);
	if (only_process)
		reboot(RB_POWER_OFF);
	return 0;
}
