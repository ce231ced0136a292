/* What is promised to those who share: locks, pipes, words of memory, descriptors, a parent's thread. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "rules.h"

static short lock_kind;

static int take_lock(void)
{
	struct flock lock = {.l_type = lock_kind, .l_whence = SEEK_SET, .l_start = 10, .l_len = 10};

	return error_of(fcntl(open("locked", O_RDWR), F_SETLK, &lock));
}

static int flock_kind;

static int take_flock(void)
{
	return error_of(flock(open("locked", O_RDWR), flock_kind | LOCK_NB));
}

static void check_locks(void)
{
	struct flock lock = {.l_type = F_RDLCK, .l_whence = SEEK_SET, .l_start = 0, .l_len = 15};
	int fd;

	make_file("locked", 0, 0, 0666);
	fd = open("locked", O_RDWR);
	fcntl(fd, F_SETLK, &lock);
	lock_kind = F_RDLCK;
	rule("two have a shared lock", as_user(0, 0, NULL, take_lock) == 0);
	lock_kind = F_WRLCK;
	rule("not beside it an exclusive one", as_user(0, 0, NULL, take_lock) == EAGAIN);
	lock.l_len = 10;
	lock.l_type = F_WRLCK;
	fcntl(fd, F_SETLK, &lock);
	lock.l_start = 10;
	lock.l_type = F_UNLCK;
	fcntl(fd, F_SETLK, &lock);
	rule("but behind it, where the locks of those who ended are gone", as_user(0, 0, NULL, take_lock) == 0);
	flock(fd, LOCK_SH);
	flock_kind = LOCK_SH;
	rule("two have a shared flock", as_user(0, 0, NULL, take_flock) == 0);
	flock_kind = LOCK_EX;
	rule("not beside it an exclusive one, of the file", as_user(0, 0, NULL, take_flock) == EWOULDBLOCK);
	close(fd);
}

static void check_pipes(void)
{
	static char bytes[65536];
	int pipes[2];
	long filled = 0, wrote;

	if (pipe2(pipes, O_NONBLOCK) != 0)
		return;
	while ((wrote = write(pipes[1], bytes, sizeof bytes)) > 0)
		filled += wrote;
	(void)!read(pipes[0], bytes, 4000);
	rule("a write of PIPE_BUF goes in whole or not at all", error_of(write(pipes[1], bytes, 4096)) == EAGAIN);
	wrote = write(pipes[1], bytes, 3000);
	rule("one that fits goes in", wrote == 3000 || errno == EAGAIN);
	close(pipes[0]);
	signal(SIGPIPE, SIG_IGN);
	rule("without a reader it is an error", error_of(write(pipes[1], bytes, 1)) == EPIPE);
	signal(SIGPIPE, SIG_DFL);
	close(pipes[1]);
	rule("a pipe was full once", filled >= 65536);
}

static uint32_t word;
static volatile int woken[2];

static void *wait_for_bit(void *argument)
{
	int which = (int)(intptr_t)argument;

	while (syscall(SYS_futex, &word, FUTEX_WAIT_BITSET_PRIVATE, 0, NULL, NULL, 1u << which) != 0 && errno == EINTR)
		;
	woken[which] = 1;
	return NULL;
}

static void check_futex(void)
{
	pthread_t thread[2];
	long first = 0, wrong = 0;
	int tries;

	for (intptr_t i = 0; i < 2; i++)
		pthread_create(&thread[i], NULL, wait_for_bit, (void *)i);
	/* Until the second is there to be woken; the first must never be. */
	for (tries = 0; tries < 10000 && first == 0; tries++) {
		first = syscall(SYS_futex, &word, FUTEX_WAKE_BITSET_PRIVATE, 100, NULL, NULL, 2u);
		usleep(1000);
	}
	pthread_join(thread[1], NULL);
	for (tries = 0; tries < 50; tries++) {
		wrong += syscall(SYS_futex, &word, FUTEX_WAKE_BITSET_PRIVATE, 100, NULL, NULL, 2u);
		usleep(1000);
	}
	rule("a wake for other bits wakes nobody", first == 1 && wrong == 0 && !woken[0]);
	while (!woken[0]) {
		syscall(SYS_futex, &word, FUTEX_WAKE_BITSET_PRIVATE, 100, NULL, NULL, 1u);
		usleep(1000);
	}
	pthread_join(thread[0], NULL);
}

/*
 * Shared memory of strangers lies at the same address: the word of the one is not that of the other. Both are made
 * after the fork, in the same free place.
 */
static uint32_t *shared_word(void)
{
	return mmap(
		(void *)0x600000000000, 8192, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
}

static int sleep_on_word(void)
{
	const struct timespec patience = {2, 0};

	return syscall(SYS_futex, shared_word(), FUTEX_WAIT, 0, &patience, NULL, 0) == 0 ? 0 : errno;
}

static void check_strangers_words(void)
{
	pid_t child = fork();
	long others = 0;
	int status;
	uint32_t *own;

	if (child == 0)
		_exit(sleep_on_word());
	own = shared_word();
	while (waitpid(child, &status, WNOHANG) == 0) {
		others += syscall(SYS_futex, own, FUTEX_WAKE, 1, NULL, NULL, 0);
		usleep(10000);
	}
	rule("a wake in shared memory wakes no stranger at the same address",
		others == 0 && WIFEXITED(status) && WEXITSTATUS(status) == ETIMEDOUT);
	/* A word of the second page, which in the child is an area of its own. */
	own += 4096 / sizeof *own;
	child = fork();
	if (child == 0) {
		mprotect(own, 4096, PROT_READ);
		_exit(syscall(SYS_futex, own, FUTEX_WAIT, 0, NULL, NULL, 0) == 0 ? 0 : errno);
	}
	while (waitpid(child, &status, WNOHANG) == 0) {
		syscall(SYS_futex, own, FUTEX_WAKE, 1, NULL, NULL, 0);
		usleep(1000);
	}
	rule("but a child's wait for the word that it shares ends", WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

enum { WRITERS = 8, RECORDS = 100, RECORD = 10000, ALL = WRITERS * RECORDS * RECORD };

static int shared_file;
static long *done; /* records, of all processes */

/* Records of one letter each, written or read through one description. */
static void write_records(int letter)
{
	static char record[RECORD];

	memset(record, letter, sizeof record);
	for (int i = 0; i < RECORDS && write(shared_file, record, sizeof record) == RECORD; i++)
		__atomic_add_fetch(done, 1, __ATOMIC_RELAXED);
}

static void read_records(int unused)
{
	static char record[RECORD];

	(void)unused;
	while (read(shared_file, record, sizeof record) == RECORD) {
		int i = 0;

		while (i < RECORD && record[i] == record[0])
			i++;
		if (i == RECORD)
			__atomic_add_fetch(done, 1, __ATOMIC_RELAXED);
	}
}

/* Whether processes with one description do all records, each once. */
static bool all_do(void (*what)(int), int first, int step)
{
	*done = 0;
	for (int i = 0; i < WRITERS; i++) {
		if (fork() == 0) {
			what(first + i * step);
			_exit(0);
		}
	}
	while (wait(NULL) > 0)
		;
	return *done == WRITERS * RECORDS;
}

static void check_position(void)
{
	done = mmap(NULL, sizeof *done, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	shared_file = open("records", O_RDWR | O_CREAT | O_TRUNC, 0600);
	rule("of what processes write through one description nothing is lost",
		all_do(write_records, 'a', 1) && lseek(shared_file, 0, SEEK_CUR) == ALL);
	lseek(shared_file, 0, SEEK_SET);
	rule("each record is read whole, by one of them", all_do(read_records, 0, 0));
	close(shared_file);
	/* Nobody has read this file since the system started: others run while one waits for the disk. */
	shared_file = open("/records", O_RDONLY);
	rule("the same of what comes from the disk", all_do(read_records, 0, 0));
	close(shared_file);
	unlink("records");
	munmap(done, sizeof *done);
}

static const char *argument;

static int run_self(void)
{
	execl(self, "rules", argument, (char *)NULL);
	return 255;
}

static void handler(int number)
{
	(void)number;
}

static void check_exec(void)
{
	int fd = open("locked", O_RDONLY | O_CLOEXEC), kept = open("locked", O_RDONLY);
	char name[64];

	signal(SIGUSR1, handler);
	argument = "handler";
	rule("a handler does not outlive the program", as_user(0, 0, NULL, run_self) == 0);
	signal(SIGUSR1, SIG_IGN);
	rule("that a signal is ignored does", as_user(0, 0, NULL, run_self) == 1);
	signal(SIGUSR1, SIG_DFL);
	snprintf(name, sizeof name, "test ! -e /proc/self/fd/%d && test -e /proc/self/fd/%d", fd, kept);
	rule("a descriptor with close-on-exec is closed, others not", system(name) == 0);
	close(fd);
	close(kept);
}

static char stack[4][16384];

static int thread_body(void *unused)
{
	(void)unused;
	for (int i = 0; i < 100; i++)
		syscall(SYS_getppid);
	syscall(SYS_exit, 0);
	return 0;
}

/* On the parent's memory and thread, as vfork's child. */
static int borrowed_body(void *unused)
{
	int i;

	(void)unused;
	for (i = 1; i < 4; i++)
		clone(thread_body, stack[i] + sizeof stack[i],
			CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD, NULL);
	syscall(SYS_exit, 7);
	return 0;
}

/* Whatever a child of vfork does, it does not end its parent: threads, too, which only a program of its own may make.
 */
static int lend_thread(void)
{
	int i, status;
	pid_t child;

	for (i = 0; i < 20; i++) {
		child = clone(borrowed_body, stack[0] + sizeof stack[0], CLONE_VM | CLONE_VFORK | SIGCHLD, NULL);
		if (child < 0 || waitpid(child, &status, 0) != child || !WIFEXITED(status))
			return 1;
	}
	return 0;
}

/* One that is killed while it writes, with files open whose end takes a server's time. */
static int be_killed(void)
{
	int i;

	for (i = 0; i < 15; i++) {
		pid_t child = fork();

		if (child == 0) {
			for (;;) {
				char name[32];
				int fd;

				snprintf(name, sizeof name, "victim%d", i);
				fd = open(name, O_RDWR | O_CREAT, 0600);
				unlink(name);
				(void)!write(fd, name, sizeof name);
				sync();
			}
		}
		usleep(2000 + 3000 * (unsigned)i);
		kill(child, SIGKILL);
		waitpid(child, NULL, 0);
	}
	return 0;
}

void check_sharing(void)
{
	check_locks();
	check_pipes();
	check_futex();
	check_strangers_words();
	check_position();
	check_exec();
	rule("a child of vfork with threads leaves its parent alone", as_user(0, 0, NULL, lend_thread) == 0);
	rule("processes are killed in the middle of calls", as_user(0, 0, NULL, be_killed) == 0);
}
