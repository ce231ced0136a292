/* How calls grow: "row NAME-of-N COUNT", ticks of one operation (the average of some) beside N others of a kind. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/futex.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "measure.h"

/* Runs on Portolan from a shell, and on Linux as the only program of an initramfs: see unix.c. */
enum { PAGE = 4096, TIMES = 64, FEW = 8, STACK = 16384 };

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

/* One of n, another each time, near no other of before. */
static unsigned somewhere(unsigned n)
{
	static uint32_t state = 1;

	state = state * 1664525 + 1013904223;
	return (unsigned)((uint64_t)state * n >> 32);
}

/* The average of one operation on one of n. */
static void row(const char *name, unsigned n, int times, void (*operation)(unsigned which))
{
	uint64_t took = 0;

	operation(somewhere(n)); /* what the first does once for all */
	for (int i = 0; i < times; i++) {
		unsigned which = somewhere(n);
		uint64_t start = ticks();

		operation(which);
		took += ticks() - start;
	}
	printf("row %s-of-%u %llu\n", name, n, (unsigned long long)(took / (uint64_t)times));
	fflush(stdout);
}

/* --- Memory: every second page of the area is a mapping of its own. */

static char *area;

static void protect(unsigned which)
{
	char *at = area + (size_t)which * 2 * PAGE;

	check(mprotect(at, PAGE, PROT_READ) == 0 && mprotect(at, PAGE, PROT_READ | PROT_WRITE) == 0, "mprotect");
}

static void map_fixed(unsigned which)
{
	char *at = area + (size_t)which * 2 * PAGE;

	check(munmap(at, PAGE) == 0 &&
			mmap(at, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == at,
		"mmap");
}

static void map_any(unsigned which)
{
	char *at = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	(void)which;
	check(at != MAP_FAILED && munmap(at, 2 * PAGE) == 0, "mmap anywhere");
}

static void areas(unsigned n)
{
	size_t size = (size_t)n * 2 * PAGE;

	area = mmap(NULL, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	check(area != MAP_FAILED, "mmap");
	for (unsigned i = 0; i < n; i++)
		check(mprotect(area + (size_t)i * 2 * PAGE, PAGE, PROT_READ | PROT_WRITE) == 0, "mprotect");
	row("mprotect", n, TIMES, protect);
	/* Holes between them, too small for what is asked for. */
	for (unsigned i = 0; i < n; i++)
		check(munmap(area + ((size_t)i * 2 + 1) * PAGE, PAGE) == 0, "munmap");
	row("mmap-fixed", n, TIMES, map_fixed);
	row("mmap-anywhere", n, TIMES, map_any);
	check(munmap(area, size) == 0, "munmap");
}

/* --- Files that are waited for: a pipe each, by one descriptor. */

static int *descriptor, set;
static struct pollfd *polled;
static unsigned files_count;

static void epoll_one(unsigned which)
{
	struct epoll_event event;
	char byte = 0;

	check(write(descriptor[which], &byte, 1) == 1 && epoll_wait(set, &event, 1, -1) == 1 &&
			event.data.u32 == which && read(descriptor[which], &byte, 1) == 1,
		"epoll_wait");
}

static void epoll_change(unsigned which)
{
	struct epoll_event event = {.events = EPOLLIN, .data.u32 = which};

	check(epoll_ctl(set, EPOLL_CTL_DEL, descriptor[which], NULL) == 0 &&
			epoll_ctl(set, EPOLL_CTL_ADD, descriptor[which], &event) == 0,
		"epoll_ctl");
}

static void poll_each(unsigned which)
{
	polled[which].revents = 0;
	check(poll(polled, files_count, 0) == 0, "poll");
}

static void files(unsigned n)
{
	struct rlimit limit = {n + 100, n + 100};
	uint64_t start;

	if (setrlimit(RLIMIT_NOFILE, &limit) != 0)
		return;
	files_count = n;
	descriptor = calloc(n, sizeof *descriptor);
	polled = calloc(n, sizeof *polled);
	set = epoll_create1(0);
	check(descriptor != NULL && polled != NULL && set >= 0, "epoll_create");
	for (unsigned i = 0; i < n; i++) {
		struct epoll_event event = {.events = EPOLLIN, .data.u32 = i};

		unlink("growth.fifo");
		check(mkfifo("growth.fifo", 0600) == 0, "mkfifo");
		descriptor[i] = open("growth.fifo", O_RDWR);
		check(descriptor[i] >= 0 && epoll_ctl(set, EPOLL_CTL_ADD, descriptor[i], &event) == 0,
			"a pipe in the set");
		polled[i] = (struct pollfd){.fd = descriptor[i], .events = POLLIN};
	}
	unlink("growth.fifo");
	row("epoll-wait-1", n, TIMES, epoll_one);
	row("epoll-change", n, TIMES, epoll_change);
	poll_each(0);
	start = ticks();
	poll_each(0);
	printf("row poll-each-of-%u %llu\n", n, (unsigned long long)((ticks() - start) / n));
	for (unsigned i = 0; i < n; i++)
		close(descriptor[i]);
	close(set);
	free(descriptor);
	free(polled);
}

/* --- Processes. */

static pid_t *child;

static pid_t forked(void)
{
	pid_t id = fork();

	check(id >= 0, "fork");
	return id;
}

static void fork_exit(unsigned which)
{
	pid_t id = forked();

	(void)which;
	if (id == 0)
		_exit(0);
	check(waitpid(id, NULL, 0) == id, "waitpid");
}

static void fork_exit_any(unsigned which)
{
	pid_t id = forked();

	(void)which;
	if (id == 0)
		_exit(0);
	check(waitpid(-1, NULL, 0) == id, "wait for any");
}

static void kill_nothing(unsigned which)
{
	check(kill(child[which], 0) == 0, "kill");
}

static void own_group(unsigned which)
{
	check(setpgid(child[which], child[which]) == 0 && setpgid(child[which], getpgrp()) == 0, "setpgid");
}

static void processes(unsigned n)
{
	uint64_t start;

	child = calloc(n, sizeof *child);
	check(child != NULL, "memory");
	for (unsigned i = 0; i < n; i++) {
		child[i] = fork();
		if (child[i] == 0) {
			pause();
			_exit(0);
		}
		if (child[i] < 0) { /* there cannot be so many: no rows */
			while (i-- > 0) {
				kill(child[i], SIGKILL);
				waitpid(child[i], NULL, 0);
			}
			free(child);
			return;
		}
	}
	row("fork-exit-wait", n, FEW, fork_exit);
	row("fork-exit-wait-any", n, FEW, fork_exit_any);
	row("kill-nothing", n, TIMES, kill_nothing);
	row("setpgid", n, TIMES, own_group);
	start = ticks();
	for (unsigned i = 0; i < n; i++)
		kill(child[i], SIGKILL);
	for (unsigned i = 0; i < n; i++)
		check(waitpid(child[i], NULL, 0) == child[i], "waitpid");
	printf("row kill-wait-each-of-%u %llu\n", n, (unsigned long long)((ticks() - start) / n));
	free(child);
}

/* --- Threads, each waiting: for a word of its own, or all for the same pipe. */

static uint32_t *word;
static int to_readers[2], from_readers[2];
static pthread_t *waiter;
static pthread_attr_t small;

static void futex(uint32_t *at, int operation, uint32_t value)
{
	syscall(SYS_futex, at, operation | FUTEX_PRIVATE_FLAG, value, NULL, NULL, 0);
}

/* Answers each 1 in its word by a 0, until there is a 2. */
static void *wait_for_word(void *argument)
{
	uint32_t *mine = argument;

	for (;;) {
		uint32_t value = __atomic_load_n(mine, __ATOMIC_ACQUIRE);

		if (value == 2)
			return NULL;
		if (value == 1) {
			__atomic_store_n(mine, 0, __ATOMIC_RELEASE);
			futex(mine, FUTEX_WAKE, 1);
		}
		futex(mine, FUTEX_WAIT, 0);
	}
}

static void wake_one(unsigned which)
{
	__atomic_store_n(&word[which], 1, __ATOMIC_RELEASE);
	futex(&word[which], FUTEX_WAKE, 1);
	while (__atomic_load_n(&word[which], __ATOMIC_ACQUIRE) == 1)
		futex(&word[which], FUTEX_WAIT, 1);
}

static void *nothing(void *argument)
{
	return argument;
}

static void create_join(unsigned which)
{
	pthread_t thread;

	(void)which;
	check(pthread_create(&thread, &small, nothing, NULL) == 0 && pthread_join(thread, NULL) == 0, "pthread_create");
}

static void *read_bytes(void *argument)
{
	char byte;

	while (read(to_readers[0], &byte, 1) == 1)
		check(write(from_readers[1], &byte, 1) == 1, "write");
	return argument;
}

static void one_byte(unsigned which)
{
	char byte = 0;

	(void)which;
	check(write(to_readers[1], &byte, 1) == 1 && read(from_readers[0], &byte, 1) == 1, "a byte to the readers");
}

/* How many were made: a system may have fewer than n. */
static unsigned make_waiters(unsigned n, void *(*function)(void *))
{
	unsigned made = 0;

	while (made < n && pthread_create(&waiter[made], &small, function, &word[made]) == 0)
		made++;
	for (int i = 0; i < 100; i++)
		sched_yield();
	return made;
}

static void join_waiters(unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		pthread_join(waiter[i], NULL);
}

static void threads(unsigned n)
{
	unsigned made;

	word = calloc(n, sizeof *word);
	waiter = calloc(n, sizeof *waiter);
	check(word != NULL && waiter != NULL, "memory");
	made = make_waiters(n, wait_for_word);
	if (made == n) {
		row("futex-wake", n, TIMES, wake_one);
		row("thread-create-join", n, FEW, create_join);
	}
	for (unsigned i = 0; i < made; i++) {
		__atomic_store_n(&word[i], 2, __ATOMIC_RELEASE);
		futex(&word[i], FUTEX_WAKE, 1);
	}
	join_waiters(made);
	check(pipe(to_readers) == 0 && pipe(from_readers) == 0, "pipe");
	made = make_waiters(n, read_bytes);
	if (made == n)
		row("pipe-with-readers", n, TIMES, one_byte);
	close(to_readers[1]);
	join_waiters(made);
	close(to_readers[0]);
	close(from_readers[0]);
	close(from_readers[1]);
	free(word);
	free(waiter);
}

int main(int count, char **arguments)
{
	static const struct {
		const char *name;
		void (*run)(unsigned n);
	} part[] = {{"areas", areas}, {"files", files}, {"processes", processes}, {"threads", threads}};
	int only_process = getpid() == 1;

	if (only_process) {
		mkdir("/dev", 0755);
		mount("devtmpfs", "/dev", "devtmpfs", 0, "");
		mkdir("/tmp", 0755);
		mount("tmpfs", "/tmp", "tmpfs", 0, "");
		check(chdir("/tmp") == 0, "chdir");
	}
	pthread_attr_init(&small);
	pthread_attr_setstacksize(&small, STACK);
	pthread_attr_setguardsize(&small, 0);
	for (size_t i = 0; i < sizeof part / sizeof part[0]; i++) {
		for (unsigned n = 10; n <= 10000; n *= 10) {
			if (count < 2 || strcmp(arguments[1], part[i].name) == 0)
				part[i].run(n);
		}
	}
	puts("end");
	fflush(stdout);
	if (only_process)
		reboot(RB_POWER_OFF);
	return 0;
}
