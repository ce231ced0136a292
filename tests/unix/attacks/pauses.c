/*
 * A Mach program of an ordinary user (attack-mach: 1) asks for what takes the system long: one call over as much as
 * there may be, or the end of something large. Meanwhile another process naps, a millisecond each time, and is
 * woken when it shall be, give or take its turn on the processor. (attack-seconds: 60)
 */
#define _GNU_SOURCE
#include "attack.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <mach/mach.h>
#include <mach/mach_port_user.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
	PAGE = 4096,
	NAP_US = 1000,
	LATE_US = 30000, /* a slice of who is on the processor, and the longest that one request keeps the kernel or the
			    server */
	THREADS = 300,
	THREAD_STACK = 16384,
	PROCESSES = 100,
	DESCRIPTORS = 900,
	NAMES = 5000,
	QUEUES = 2000,
	PORTS = 4000,
};

/* Shared with who naps. */
static struct {
	volatile long late_us;
	volatile unsigned naps, word;
} * shared;

static size_t large; /* bytes, a part of what this user may have */

static long now_us(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec * 1000000 + time.tv_nsec / 1000;
}

static void pause_ms(long ms)
{
	struct timespec time = {ms / 1000, ms % 1000 * 1000000};

	while (nanosleep(&time, &time) != 0 && errno == EINTR)
		;
}

static _Noreturn void naps(void)
{
	struct timespec nap = {0, NAP_US * 1000};

	for (;;) {
		long start = now_us(), late;

		nanosleep(&nap, NULL);
		late = now_us() - start - NAP_US;
		if (late > shared->late_us)
			shared->late_us = late;
		shared->naps++;
	}
}

/* --- Memory. */

static char *memory(size_t size, int flags)
{
	char *at = mmap(NULL, size, PROT_READ | PROT_WRITE, flags | MAP_ANONYMOUS, -1, 0);

	for (size_t i = 0; at != MAP_FAILED && i < size; i += PAGE)
		at[i] = 1;
	return at;
}

static void map_and_unmap(void)
{
	munmap(memory(large, MAP_PRIVATE), large);
}

static void shared_map_and_unmap(void)
{
	munmap(memory(large / 4, MAP_SHARED), large / 4);
}

static void protect(void)
{
	char *at = memory(large, MAP_PRIVATE);

	mprotect(at, large, PROT_READ);
	mprotect(at, large, PROT_READ | PROT_WRITE);
	madvise(at, large, MADV_DONTNEED);
	munmap(at, large);
}

static void forks(void)
{
	char *at = memory(large, MAP_PRIVATE);

	for (int i = 0; i < 3; i++) {
		if (fork() == 0)
			_exit(0);
		wait(NULL);
		at[i * PAGE] = 2;
	}
	munmap(at, large);
}

static void ends_with_much(void)
{
	if (fork() == 0) {
		memory(large, MAP_PRIVATE);
		_exit(0);
	}
	wait(NULL);
}

static void many_areas(void)
{
	char *at = mmap(NULL, large, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	for (size_t i = 0; i < large && mprotect(at + i, PAGE, PROT_NONE) == 0; i += 2 * PAGE)
		;
	mprotect(at, large, PROT_READ);
	munmap(at, large);
}

static void copies(void)
{
	char *at = memory(large / 2, MAP_PRIVATE);
	vm_offset_t data = 0;
	mach_msg_type_number_t size = 0;

	if (vm_read(mach_task_self(), (vm_address_t)at, large / 2, &data, &size) == KERN_SUCCESS) {
		vm_write(mach_task_self(), (vm_address_t)at, data, size);
		vm_deallocate(mach_task_self(), data, size);
	}
	munmap(at, large / 2);
}

/* --- Files. */

static void files(void)
{
	char *data = memory(4 << 20, MAP_PRIVATE);
	int fd = open("/tmp/pauses", O_RDWR | O_CREAT | O_TRUNC, 0600),
	    to = open("/tmp/pauses2", O_RDWR | O_CREAT, 0600);

	unlink("/tmp/pauses");
	unlink("/tmp/pauses2");
	(void)!write(fd, data, 4 << 20);
	(void)!pread(fd, data, 4 << 20, 0);
	lseek(fd, 0, SEEK_SET);
	sendfile(to, fd, NULL, 4 << 20);
	fsync(to);
	ftruncate(to, 0);
	close(fd);
	close(to);
	munmap(data, 4 << 20);
}

static void long_arguments(void)
{
	static char *arguments[16];
	char *text = memory(100000, MAP_PRIVATE);

	memset(text, 'a', 99999);
	text[99999] = 0;
	arguments[0] = "true";
	for (int i = 1; i < 15; i++)
		arguments[i] = text;
	if (fork() == 0) {
		execv("/bin/true", arguments);
		_exit(1);
	}
	wait(NULL);
	munmap(text, 100000);
}

/* --- Many at once. */

static int waits_for_word(void *nothing)
{
	(void)nothing;
	while (shared->word == 0)
		syscall(SYS_futex, &shared->word, FUTEX_WAIT, 0, NULL, NULL, 0);
	return 0;
}

static void starts_threads(void)
{
	for (int i = 0; i < THREADS; i++) {
		char *stack = mmap(NULL, THREAD_STACK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

		clone(waits_for_word, stack + THREAD_STACK - 64,
			CLONE_VM | CLONE_SIGHAND | CLONE_THREAD | CLONE_FS | CLONE_FILES, NULL);
	}
}

static void threads_end(void)
{
	shared->word = 0;
	if (fork() == 0) {
		starts_threads();
		pause_ms(20);
		_exit(0);
	}
	wait(NULL);
}

static void threads_wake(void)
{
	shared->word = 0;
	if (fork() == 0) {
		starts_threads();
		pause_ms(20);
		shared->word = 1;
		syscall(SYS_futex, &shared->word, FUTEX_WAKE, 1 << 30, NULL, NULL, 0);
		pause_ms(20);
		_exit(0);
	}
	wait(NULL);
}

static void processes_are_killed(void)
{
	pid_t group = fork();

	if (group == 0) {
		setpgid(0, 0);
		for (int i = 0; i < PROCESSES; i++)
			if (fork() == 0)
				for (;;)
					pause();
		pause_ms(10);
		kill(0, SIGKILL);
	}
	waitpid(group, NULL, 0);
}

static void signals_to_all(void)
{
	pid_t group = fork();

	if (group == 0) {
		setpgid(0, 0);
		signal(SIGUSR1, SIG_IGN);
		for (int i = 0; i < PROCESSES; i++)
			if (fork() == 0)
				for (;;)
					pause();
		for (int i = 0; i < 200; i++)
			kill(0, SIGUSR1);
		kill(0, SIGKILL);
	}
	waitpid(group, NULL, 0);
}

static void readers_wake(void)
{
	int fd[2];
	char byte;

	if (fork() == 0) {
		if (pipe(fd) != 0)
			_exit(1);
		for (int i = 0; i < PROCESSES; i++)
			if (fork() == 0)
				_exit((int)read(fd[0], &byte, 1));
		pause_ms(10);
		close(fd[0]);
		close(fd[1]); /* the last writer goes with the parent */
		_exit(0);
	}
	wait(NULL);
	pause_ms(50);
}

static void many_descriptors(void)
{
	static struct pollfd polled[DESCRIPTORS];
	struct epoll_event event = {.events = EPOLLIN | EPOLLOUT}, ready[DESCRIPTORS];
	int set, fd[2];

	if (fork() == 0) {
		set = epoll_create1(0);
		for (int i = 0; i + 1 < DESCRIPTORS && socketpair(AF_UNIX, SOCK_STREAM, 0, fd) == 0; i += 2) {
			(void)!write(fd[0], "x", 1);
			polled[i] = (struct pollfd){.fd = fd[0], .events = POLLIN | POLLOUT};
			polled[i + 1] = (struct pollfd){.fd = fd[1], .events = POLLIN | POLLOUT};
			epoll_ctl(set, EPOLL_CTL_ADD, fd[0], &event);
			epoll_ctl(set, EPOLL_CTL_ADD, fd[1], &event);
		}
		for (int i = 0; i < 20; i++) {
			poll(polled, DESCRIPTORS, 0);
			epoll_wait(set, ready, DESCRIPTORS, 0);
		}
		_exit(0);
	}
	wait(NULL);
}

static void hears(int signal)
{
	(void)signal;
}

static void timers_at_once(void)
{
	struct itimerspec when = {.it_value = {0, 30000000}};
	struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1};
	timer_t timer;

	if (fork() == 0) {
		signal(SIGUSR1, SIG_IGN);
		for (int i = 0; i < 500 && timer_create(CLOCK_MONOTONIC, &event, &timer) == 0; i++)
			timer_settime(timer, 0, &when, NULL);
		pause_ms(100);
		_exit(0);
	}
	wait(NULL);
}

/* A million times a second; nobody is told (0), listens (1), comes to hear it (2); or somebody is, and would (3). */
static _Noreturn void timer_without_end(int kind)
{
	const struct itimerval fast = {{0, 1}, {0, 1}};
	const struct itimerspec faster = {{0, 1000}, {0, 1000}};
	struct sigevent event = {.sigev_notify = SIGEV_NONE};
	sigset_t set;
	timer_t timer;

	sigemptyset(&set);
	sigaddset(&set, SIGALRM);
	if (kind == 2)
		sigprocmask(SIG_BLOCK, &set, NULL);
	else if (kind != 0)
		signal(SIGALRM, kind == 1 ? SIG_IGN : hears);
	for (int i = 0; kind == 0 && i < 60 && timer_create(CLOCK_MONOTONIC, &event, &timer) == 0; i++)
		timer_settime(timer, 0, &faster, NULL);
	if (kind != 0)
		setitimer(ITIMER_REAL, &fast, NULL);
	pause_ms(30);
	_exit(0);
}

static void timers_without_end(void)
{
	enum { AT_ONCE = 6 };
	pid_t children[AT_ONCE];

	for (int kind = 0; kind < 4; kind++) {
		for (int i = 0; i < AT_ONCE; i++)
			if ((children[i] = fork()) == 0)
				timer_without_end(kind);
		for (int i = 0; i < AT_ONCE; i++)
			if (children[i] > 0)
				waitpid(children[i], NULL, 0);
	}
}

/* --- The kernel's own. */

static mach_port_t receive_right(void)
{
	mach_port_t port = MACH_PORT_NULL;

	mach_port_allocate(mach_task_self(), MACH_PORT_RIGHT_RECEIVE, &port);
	return port;
}

static void drop_receive(mach_port_t port)
{
	mach_port_mod_refs(mach_task_self(), port, MACH_PORT_RIGHT_RECEIVE, -1);
}

static void names_end(void)
{
	mach_port_t task, name;

	if (task_create(mach_task_self(), FALSE, &task) != KERN_SUCCESS)
		return;
	for (int i = 0; i < NAMES && mach_port_allocate(task, MACH_PORT_RIGHT_RECEIVE, &name) == KERN_SUCCESS; i++)
		;
	task_terminate(task);
	mach_port_deallocate(mach_task_self(), task);
}

static bool post(mach_port_t to, mach_msg_descriptor_t part)
{
	struct {
		mach_msg_header_t header;
		mach_msg_body_t body;
		mach_msg_descriptor_t part;
	} message = {.body.msgh_descriptor_count = 1, .part = part};

	message.header =
		(mach_msg_header_t){.msgh_bits = MACH_MSGH_BITS(MACH_MSG_TYPE_MAKE_SEND, 0) | MACH_MSGH_BITS_COMPLEX,
			.msgh_size = sizeof message,
			.msgh_remote_port = to};
	return mach_msg_trap(&message.header, MACH_SEND_MSG | MACH_SEND_TIMEOUT, sizeof message, 0, 0, 0, 0) ==
	       MACH_MSG_SUCCESS;
}

static void queues_end_in_queues(void)
{
	mach_port_t last = receive_right(), next;

	for (int i = 0; i < QUEUES && (next = receive_right()) != MACH_PORT_NULL; i++) {
		if (!post(next, (mach_msg_descriptor_t){.port = {.name = last,
								.disposition = MACH_MSG_TYPE_MOVE_RECEIVE,
								.type = MACH_MSG_PORT_DESCRIPTOR}}))
			return;
		last = next;
	}
	drop_receive(last);
}

/* All who have asked are told that a port is dead. */
static void deaths_are_told(void)
{
	mach_port_t port = receive_right(), told = receive_right(), previous, task;

	for (int i = 0; i < 200 && task_create(mach_task_self(), FALSE, &task) == KERN_SUCCESS; i++) {
		mach_port_insert_right(task, 0x10000, port, MACH_MSG_TYPE_MAKE_SEND);
		mach_port_request_notification(task, 0x10000, MACH_NOTIFY_DEAD_NAME, 0, told, MACH_MSG_TYPE_MAKE_SEND_ONCE, &previous);
	}
	drop_receive(port);
	drop_receive(told);
}

static void rights_in_a_message(void)
{
	static mach_port_t names[PORTS];
	mach_port_t port = receive_right();

	for (int i = 0; i < PORTS; i++)
		names[i] = receive_right();
	post(port, (mach_msg_descriptor_t){.ool_ports = {.address = names,
						   .disposition = MACH_MSG_TYPE_MOVE_RECEIVE,
						   .type = MACH_MSG_OOL_PORTS_DESCRIPTOR,
						   .count = PORTS}});
	drop_receive(port);
}

static void members_end(void)
{
	mach_port_t set, ports[1000];

	if (mach_port_allocate(mach_task_self(), MACH_PORT_RIGHT_PORT_SET, &set) != KERN_SUCCESS)
		return;
	for (int i = 0; i < 1000; i++) {
		ports[i] = receive_right();
		mach_port_move_member(mach_task_self(), ports[i], set);
	}
	mach_port_mod_refs(mach_task_self(), set, MACH_PORT_RIGHT_PORT_SET, -1);
	for (int i = 0; i < 1000; i++)
		drop_receive(ports[i]);
}

static const struct {
	const char *name;
	void (*work)(void);
} works[] = {
	{"memory is unmapped", map_and_unmap},
	{"shared memory is unmapped", shared_map_and_unmap},
	{"memory is protected", protect},
	{"forks with much memory", forks},
	{"an end with much memory", ends_with_much},
	{"many areas", many_areas},
	{"copies of memory", copies},
	{"long reads and writes", files},
	{"long arguments", long_arguments},
	{"timers without end", timers_without_end},
	{"threads end", threads_end},
	{"threads wake", threads_wake},
	{"processes are killed", processes_are_killed},
	{"signals to all", signals_to_all},
	{"readers wake", readers_wake},
	{"many descriptors", many_descriptors},
	{"timers at once", timers_at_once},
	{"names end", names_end},
	{"queues end in queues", queues_end_in_queues},
	{"deaths are told", deaths_are_told},
	{"rights in a message", rights_in_a_message},
	{"members of a set end", members_end},
};

int main(void)
{
	struct rlimit most;
	char what[128];
	pid_t napper;

	mach_task_self_ = (mach_port_t)mach_trap(TRAP_TASK_SELF, 0, 0, 0, 0, 0, 0);
	setvbuf(stdout, NULL, _IOLBF, 0);
	getrlimit(RLIMIT_NOFILE, &most);
	most.rlim_cur = most.rlim_max;
	setrlimit(RLIMIT_NOFILE, &most);
	large = (size_t)sysconf(_SC_PHYS_PAGES) * PAGE / 6 & -(size_t)PAGE;
	shared = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (shared == MAP_FAILED)
		return 2;
	napper = fork();
	if (napper == 0)
		naps();
	for (unsigned i = 0; i < sizeof works / sizeof works[0]; i++) {
		unsigned before;

		pause_ms(20);
		shared->late_us = 0;
		before = shared->naps;
		works[i].work();
		pause_ms(3);
		printf("%s: %u naps, %ld us late\n", works[i].name, shared->naps - before, shared->late_us);
		snprintf(what, sizeof what, "%s, and a nap is late", works[i].name);
		attack_check(what, shared->late_us <= LATE_US && shared->naps != before);
	}
	kill(napper, SIGKILL);
	return attack_end();
}
