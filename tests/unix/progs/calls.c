/* The small calls of tier 1 that the other programs leave out: what they return, and their errors. */
#define _GNU_SOURCE
#include <asm/prctl.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysinfo.h>
#include <sys/times.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static void said(const char *what, long result)
{
	printf("%s: %s\n", what, result < 0 ? strerrorname_np(errno) : result == 0 ? "0" : "positive");
}

static void ids(void)
{
	struct utsname name;

	printf("uids %d gids %d\n", getuid() == geteuid(), getgid() == getegid());
	printf("main thread %d\n", gettid() == getpid());
	said("getgroups of none", getgroups(0, NULL) >= 0 ? 0 : -1);
	said("getgroups negative", syscall(SYS_getgroups, -1, NULL));
	printf("uname %d %s %s\n", uname(&name), name.sysname, name.machine);
	said("uname nowhere", syscall(SYS_uname, 8));
	said("set_tid_address", syscall(SYS_set_tid_address, NULL));
	said("set_robust_list of a wrong size", syscall(SYS_set_robust_list, NULL, 23));
	said("arch_prctl wrong", syscall(SYS_arch_prctl, 0xdead, 0));
	said("arch_prctl FS outside", syscall(SYS_arch_prctl, ARCH_SET_FS, 1ul << 63));
	said("restart_syscall of nothing", syscall(SYS_restart_syscall));
	said("ioprio_get of nobody", syscall(SYS_ioprio_get, 1, 999999));
	said("ioprio_get wrong", syscall(SYS_ioprio_get, 77, 0));
	said("syslog wrong", syscall(SYS_syslog, 99, NULL, 0));
}

static void clocks(void)
{
	struct timespec time = {0, 1000}, bad = {0, 1000000000};
	struct sysinfo info;
	struct tms ticks;

	said("clock_nanosleep", clock_nanosleep(CLOCK_MONOTONIC, 0, &time, NULL));
	printf("clock_nanosleep too many ns: %s\n", strerrorname_np(clock_nanosleep(CLOCK_MONOTONIC, 0, &bad, NULL)));
	printf("clock_nanosleep wrong clock: %s\n", strerrorname_np(clock_nanosleep(77, 0, &time, NULL)));
	said("clock_nanosleep in the past", clock_nanosleep(CLOCK_REALTIME, TIMER_ABSTIME, &time, NULL));
	said("times", times(&ticks) == (clock_t)-1 ? -1 : 0);
	said("times nowhere", syscall(SYS_times, 8));
	printf("sysinfo %d %d %d\n", sysinfo(&info), info.totalram > 0, info.mem_unit > 0);
	said("sysinfo nowhere", syscall(SYS_sysinfo, 8));
}

static void descriptors(const char *folder)
{
	char buffer[16], path[256];
	struct stat about;
	int fd, one = 1, pair[2];

	snprintf(path, sizeof path, "%s/calls.%d", folder, getpid());
	fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);
	said("dup3", dup3(fd, 40, O_CLOEXEC) == 40 ? 0 : -1);
	printf("close-on-exec %d\n", fcntl(40, F_GETFD));
	said("dup3 to itself", dup3(fd, fd, 0));
	said("dup3 wrong flags", dup3(fd, 41, O_APPEND));
	said("fchown to oneself", fchown(fd, getuid(), getgid()));
	said("fchown of nothing", fchown(99, 0, 0));
	(void)!write(fd, "0123456789", 10);
	printf("pread64 %zd %.3s\n", pread(fd, buffer, 3, 4), buffer);
	said("pread64 before the start", pread(fd, buffer, 3, -1));
	said("pread64 behind the end", pread(fd, buffer, 3, 100));
	said("pread64 nowhere", syscall(SYS_pread64, fd, 8, 3, 0));
	said("getdents64 of a file", syscall(SYS_getdents64, fd, buffer, sizeof buffer));
	close(fd);
	fd = open(folder, O_RDONLY | O_DIRECTORY);
	said("getdents64 into too little", syscall(SYS_getdents64, fd, buffer, 8));
	close(fd);
	unlink(path);
	said("mknodat of a FIFO", mknodat(AT_FDCWD, path, S_IFIFO | 0640, 0));
	printf("newfstatat %d FIFO %d\n", fstatat(AT_FDCWD, path, &about, 0), S_ISFIFO(about.st_mode));
	said("mknodat again", mknodat(AT_FDCWD, path, S_IFIFO | 0640, 0));
	said("mknodat of a folder", mknodat(AT_FDCWD, "x", S_IFDIR, 0));
	unlink(path);
	said("newfstatat wrong flags", syscall(SYS_newfstatat, AT_FDCWD, path, &about, 0x40000000));
	said("openat below a number", openat(99, "x", O_RDONLY));
	socketpair(AF_UNIX, SOCK_STREAM, 0, pair);
	said("setsockopt", setsockopt(pair[0], SOL_SOCKET, SO_REUSEADDR, &one, sizeof one));
	said("setsockopt too short", setsockopt(pair[0], SOL_SOCKET, SO_REUSEADDR, &one, 1));
	said("setsockopt of no socket", setsockopt(0, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one));
	sync();
}

static void others(void)
{
	unsigned char random[64] = {0}, none = 0;
	cpu_set_t set;
	int i;

	printf("getrandom %zd\n", getrandom(random, sizeof random, 0));
	for (i = 0; i < 64; i++)
		none |= random[i];
	printf("random %d\n", none != 0);
	said("getrandom wrong flags", getrandom(random, 1, 0x1000));
	said("getrandom nowhere", syscall(SYS_getrandom, 8, 8, 0));
	printf("sched_getaffinity %d\n", sched_getaffinity(0, sizeof set, &set) == 0 && CPU_COUNT(&set) > 0);
	said("sched_getaffinity of a wrong size", syscall(SYS_sched_getaffinity, 0, 3, &set));
	said("sched_getaffinity of nobody", sched_getaffinity(999999, sizeof set, &set));
	said("wait4 without children", wait4(-1, NULL, 0, NULL));
	said("wait4 wrong options", wait4(-1, NULL, 0x1000, NULL));
	said("rt_sigaction of KILL", syscall(SYS_rt_sigaction, SIGKILL, &(char[32]){0}, NULL, 8));
	said("rt_sigaction of a wrong size", syscall(SYS_rt_sigaction, SIGUSR1, NULL, NULL, 4));
	said("rt_sigprocmask wrong", syscall(SYS_rt_sigprocmask, 77, &(long){0}, NULL, 8));
	said("futex wait on another value", syscall(SYS_futex, &(int){1}, 0, 2, NULL, NULL, 0));
	said("futex wake of nobody", syscall(SYS_futex, &(int){1}, 1, 1, NULL, NULL, 0));
	said("futex not aligned", syscall(SYS_futex, random + 1, 0, 2, NULL, NULL, 0));
	said("a call that does not exist", syscall(5000));
}

/* The bytes of one file in another that may be executed; not open any more when it returns. */
static void copy_program(const char *from, const char *to)
{
	static char block[65536];
	int in = open(from, O_RDONLY), out = open(to, O_WRONLY | O_CREAT | O_TRUNC, 0755);
	ssize_t size;

	while ((size = read(in, block, sizeof block)) > 0)
		if (write(out, block, (size_t)size) != size)
			break;
	close(in);
	close(out);
}

/* Runs the program, which says that it does and waits; its pid. */
static pid_t start_program(const char *program, int ready[2])
{
	pid_t child;
	char byte;

	(void)!pipe(ready);
	child = fork();
	if (child == 0) {
		dup2(ready[1], 1);
		execl(program, program, "wait", NULL);
		_exit(1);
	}
	close(ready[1]);
	(void)!read(ready[0], &byte, 1);
	return child;
}

/* What runs cannot be written, what is being written cannot be run. */
static void busy_programs(const char *folder)
{
	char program[200], script[200];
	int ready[2], fd, status;
	pid_t child;

	snprintf(program, sizeof program, "%s/busy-program.%d", folder, getpid());
	snprintf(script, sizeof script, "%s/busy-script.%d", folder, getpid());
	copy_program("/proc/self/exe", program);
	child = start_program(program, ready);
	said("writing what runs", open(program, O_WRONLY));
	said("reading and writing what runs", open(program, O_RDWR));
	said("emptying what runs", open(program, O_RDONLY | O_TRUNC));
	said("truncating what runs", truncate(program, 0));
	fd = open(program, O_RDONLY);
	said("reading what runs", fd < 0 ? -1 : 0);
	close(fd);
	said("its mode may change", chmod(program, 0700));
	kill(child, SIGKILL);
	waitpid(child, &status, 0);
	close(ready[0]);
	fd = open(program, O_WRONLY);
	said("writing it when it has ended", fd < 0 ? -1 : 0);
	said("running what is being written", execl(program, program, NULL));
	close(fd);
	fd = open(script, O_WRONLY | O_CREAT | O_TRUNC, 0755);
	(void)!write(fd, "#!/bin/sh\n", 10);
	said("running a script that is being written", execl(script, script, NULL));
	close(fd);
	child = start_program(program, ready);
	said("removing what runs", unlink(program));
	kill(child, SIGKILL);
	waitpid(child, &status, 0);
	printf("it ran %d\n", WIFSIGNALED(status));
	unlink(script);
}

int main(int argc, char **argv)
{
	if (argc > 1 && strcmp(argv[1], "wait") == 0) {
		(void)!write(1, "w", 1);
		pause();
		return 0;
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
	ids();
	clocks();
	descriptors(argc > 1 ? argv[1] : "/tmp");
	others();
	busy_programs(argc > 1 ? argv[1] : "/tmp");
	return 0;
}
