/*
 * A Mach program of an ordinary user (attack-mach: 1) ends and suspends its own threads, and sets their registers,
 * beneath Unix at any moment of their calls. What they held, whoever shares it gets: pipes, positions, locks, words,
 * names, areas, children; Unix has heard of each end. (attack-seconds: 60)
 */
#define _GNU_SOURCE
#include "attack.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <mach/mach.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { STACK = 65536, ROUNDS = 24, MOST_US = 4000, PATIENCE_S = 50, GONE_WITHIN_MS = 1000 };

/* What the threads use, anew for each kind. */
static int ends[2], other[2], position, locked;
static volatile unsigned word;
static volatile mach_port_t worker; /* its thread, once it runs */
static void (*work)(void);

static void pause_us(long us)
{
	struct timespec time = {us / 1000000, us % 1000000 * 1000};

	while (nanosleep(&time, &time) != 0 && errno == EINTR)
		;
}

static unsigned random_number(unsigned below)
{
	static unsigned state = 1;

	state = state * 1103515245 + 12345;
	return (state >> 16) % below;
}

/* --- Calls that a thread makes again and again. What is their own they name by their stack, which each has alone. */

static char *own_name(char *name)
{
	sprintf(name, "/tmp/deaths/%lx", (unsigned long)name);
	return name;
}

static void reads_pipe(void)
{
	char bytes[64];

	(void)!read(ends[0], bytes, sizeof bytes);
}

static void writes_pipe(void)
{
	static char bytes[65536];

	(void)!write(ends[1], bytes, sizeof bytes);
}

static void splices(void)
{
	(void)!splice(ends[0], NULL, other[1], NULL, 65536, 0);
}

static void tees(void)
{
	(void)!tee(ends[0], other[1], 65536, 0);
}

static void sends_file(void)
{
	lseek(position, 0, SEEK_SET);
	(void)!sendfile(ends[1], position, NULL, 65536);
}

static void reads_position(void)
{
	char bytes[8192];

	if (read(position, bytes, sizeof bytes) == 0)
		lseek(position, 0, SEEK_SET);
}

static void writes_position(void)
{
	static char bytes[8192];

	if (lseek(position, 0, SEEK_CUR) > 1 << 20)
		lseek(position, 0, SEEK_SET);
	(void)!write(position, bytes, sizeof bytes);
}

static void waits_for_record(void)
{
	struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_len = 10};

	fcntl(locked, F_OFD_SETLKW, &lock);
	lock.l_type = F_UNLCK;
	fcntl(locked, F_OFD_SETLK, &lock);
}

static void waits_for_lock(void)
{
	int fd = open("/tmp/deaths/locked", O_RDWR);

	flock(fd, LOCK_EX);
	close(fd);
}

static void waits_for_word(void)
{
	syscall(SYS_futex, &word, FUTEX_WAIT_PRIVATE, 0, NULL, NULL, 0);
}

static void forks(void)
{
	pid_t child = (pid_t)syscall(SYS_fork);

	if (child == 0)
		syscall(SYS_exit_group, 0);
	waitpid(child, NULL, 0);
}

static void changes_names(void)
{
	char name[64], second[80];

	own_name(name);
	sprintf(second, "%s.second", name);
	close(open(name, O_CREAT | O_RDWR, 0600));
	rename(name, second);
	mkdir(name, 0700);
	rmdir(name);
	unlink(second);
}

static void changes_areas(void)
{
	char *at = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	at[5000] = 1;
	at = mremap(at, 1 << 20, 2 << 20, MREMAP_MAYMOVE);
	mprotect(at + 8192, 8192, PROT_READ);
	munmap(at, 2 << 20);
}

static void opens_and_closes(void)
{
	int fd[2];

	if (pipe(fd) != 0)
		return;
	close(dup(fd[0]));
	close(fd[0]);
	close(fd[1]);
}

static void polls(void)
{
	struct pollfd polled[2] = {{ends[0], POLLIN, 0}, {other[0], POLLIN, 0}};

	poll(polled, 2, 3);
}

static void naps(void)
{
	pause_us(500);
}

static void signals(void)
{
	sigset_t set, old;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigprocmask(SIG_BLOCK, &set, &old);
	kill(getpid(), SIGUSR1);
	sigtimedwait(&set, NULL, &(struct timespec){0, 1000000});
	sigprocmask(SIG_SETMASK, &old, NULL);
}

static void syncs(void)
{
	fsync(position);
}

static const struct kind {
	const char *name;
	void (*call)(void);
} kinds[] = {
	{"reads of a pipe", reads_pipe},
	{"writes to a pipe", writes_pipe},
	{"splice", splices},
	{"tee", tees},
	{"sendfile", sends_file},
	{"reads at a position", reads_position},
	{"writes at a position", writes_position},
	{"record locks", waits_for_record},
	{"flock", waits_for_lock},
	{"futexes", waits_for_word},
	{"forks", forks},
	{"names", changes_names},
	{"areas", changes_areas},
	{"descriptors", opens_and_closes},
	{"poll", polls},
	{"naps", naps},
	{"signals", signals},
	{"fsync", syncs},
};

/* --- Threads. */

static int runs(void *nothing)
{
	(void)nothing;
	worker = (mach_port_t)mach_trap(TRAP_THREAD_SELF, 0, 0, 0, 0, 0, 0);
	while (worker != MACH_PORT_NULL)
		work();
	return 0;
}

static void start(char *stack, void (*what)(void))
{
	worker = MACH_PORT_NULL;
	work = what;
	/* Its C library's state is the first thread's: nothing here needs its own. */
	clone(runs, stack + STACK - 64,
		CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM, NULL);
	while (worker == MACH_PORT_NULL)
		pause_us(100);
}

static unsigned threads_here(void)
{
	DIR *directory = opendir("/proc/self/task");
	struct dirent *entry;
	unsigned count = 0;

	while (directory != NULL && (entry = readdir(directory)) != NULL)
		count += entry->d_name[0] != '.';
	if (directory != NULL)
		closedir(directory);
	return count;
}

static bool alone(void)
{
	for (int i = 0; i < GONE_WITHIN_MS && threads_here() != 1; i++)
		pause_us(1000);
	return threads_here() == 1;
}

/* --- What is left must work for who is left. */

static bool pipe_works(const int *fd)
{
	static char data[65536];
	char byte = 0;
	ssize_t size;

	fcntl(fd[0], F_SETFL, O_NONBLOCK);
	fcntl(fd[1], F_SETFL, O_NONBLOCK);
	for (int i = 0; i < 1000 && (size = read(fd[0], data, sizeof data)) > 0; i++)
		;
	return size == -1 && errno == EAGAIN && write(fd[1], "x", 1) == 1 && read(fd[0], &byte, 1) == 1 && byte == 'x';
}

static bool position_works(void)
{
	char bytes[16];

	return lseek(position, 0, SEEK_SET) == 0 && write(position, "0123456789", 10) == 10 &&
	       lseek(position, 3, SEEK_SET) == 3 && read(position, bytes, 4) == 4 && memcmp(bytes, "3456", 4) == 0 &&
	       lseek(position, 0, SEEK_CUR) == 7 && ftruncate(position, 1 << 20) == 0;
}

/* Another process gets what the threads waited for. */
static bool locks_work(void)
{
	struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_len = 10};
	int status = 1, fd;

	/* The description is this process's; so are the threads' locks. */
	close(locked);
	if (fork() == 0) {
		fd = open("/tmp/deaths/locked", O_RDWR);
		_exit(fd < 0 || fcntl(fd, F_SETLK, &lock) != 0);
	}
	wait(&status);
	locked = open("/tmp/deaths/locked", O_RDWR);
	return status == 0;
}

static bool words_work(void)
{
	int status = 1;

	if (fork() == 0) {
		struct timespec shortly = {0, 1000000};

		_exit(syscall(SYS_futex, &word, FUTEX_WAIT_PRIVATE, 0, &shortly, NULL, 0) == 0 || errno != ETIMEDOUT);
	}
	wait(&status);
	return status == 0 && syscall(SYS_futex, &word, FUTEX_WAKE_PRIVATE, 100, NULL, NULL, 0) == 0;
}

static bool names_work(void)
{
	return mkdir("/tmp/deaths/new", 0700) == 0 && rename("/tmp/deaths/new", "/tmp/deaths/newer") == 0 &&
	       rmdir("/tmp/deaths/newer") == 0;
}

static bool all_works(void)
{
	char *at = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	const struct {
		const char *what;
		bool works;
	} parts[] = {
		{"its threads are gone", alone()},
		{"a pipe", pipe_works(ends)},
		{"another pipe", pipe_works(other)},
		{"a position", position_works()},
		{"locks", locks_work()},
		{"words", words_work()},
		{"names", names_work()},
		{"areas", at != MAP_FAILED && munmap(at, 1 << 20) == 0},
	};
	bool all = true;

	while (waitpid(-1, NULL, WNOHANG) > 0)
		;
	for (unsigned i = 0; i < sizeof parts / sizeof parts[0]; i++)
		if (!parts[i].works) {
			printf("after it not right: %s\n", parts[i].what);
			all = false;
		}
	return all;
}

static void begin(void)
{
	static char data[1 << 16];

	if (pipe(ends) != 0 || pipe(other) != 0)
		exit(2);
	position = open("/tmp/deaths/position", O_RDWR | O_CREAT, 0600);
	locked = open("/tmp/deaths/locked", O_RDWR | O_CREAT, 0600);
	(void)!write(ends[1], data, 5000);
	(void)!pwrite(position, data, sizeof data, 0);
}

static void finish(void)
{
	close(ends[0]);
	close(ends[1]);
	close(other[0]);
	close(other[1]);
	close(position);
	close(locked);
}

/* What is done to a thread; after some of it the thread goes on, and is ended a little later. */
static void terminates(mach_port_t thread)
{
	thread_terminate(thread);
}

static void suspends(mach_port_t thread)
{
	thread_suspend(thread);
	pause_us(random_number(500));
	thread_resume(thread);
	pause_us(random_number(500));
	thread_terminate(thread);
}

static void ends_suspended(mach_port_t thread)
{
	thread_suspend(thread);
	pause_us(random_number(500));
	thread_terminate(thread);
}

static void sets(mach_port_t thread)
{
	uint64_t state[x86_THREAD_STATE64_WORDS];
	mach_msg_type_number_t count = x86_THREAD_STATE64_WORDS;

	thread_suspend(thread);
	if (portolan_thread_get_state(thread, x86_THREAD_STATE64, state, &count) == KERN_SUCCESS)
		portolan_thread_set_state(thread, x86_THREAD_STATE64, state, count);
	thread_resume(thread);
	pause_us(random_number(500));
	thread_terminate(thread);
}

static void (*const deaths[])(mach_port_t) = {terminates, suspends, ends_suspended, sets};
enum { DEATHS = sizeof deaths / sizeof deaths[0] };

int main(void)
{
	char *stacks = mmap(NULL, ROUNDS * STACK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	pid_t self = getpid(), impatient;
	char what[128];

	mach_task_self_ = (mach_port_t)mach_trap(TRAP_TASK_SELF, 0, 0, 0, 0, 0, 0);
	setvbuf(stdout, NULL, _IOLBF, 0);
	signal(SIGUSR1, SIG_IGN);
	mkdir("/tmp/deaths", 0700);
	impatient = fork();
	if (impatient == 0) {
		pause_us(PATIENCE_S * 1000000l);
		printf("BROKEN who is left waits for ever\n");
		kill(self, SIGKILL);
		_exit(0);
	}
	for (unsigned i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
		begin();
		for (unsigned round = 0; round < ROUNDS; round++) {
			start(stacks + round * STACK, kinds[i].call);
			pause_us(random_number(MOST_US));
			deaths[round % DEATHS](worker);
			mach_port_deallocate(mach_task_self(), worker);
		}
		snprintf(what, sizeof what, "ends amid %s leave something behind", kinds[i].name);
		attack_check(what, all_works());
		printf("%s\n", kinds[i].name);
		finish();
	}
	kill(impatient, SIGKILL);
	return attack_end();
}
