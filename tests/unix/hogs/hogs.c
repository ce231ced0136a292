/*
 * hogs KIND: takes as much of one kind of thing as it gets, or of all at once, and holds it for a while when it has
 * been refused. What it leaves behind then is for others to end (tests/unix/attacks/watch.c).
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <mach/mach.h>
#include <mach/mach_port_user.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
	PAGE = 4096,
	CHUNK = 1 << 20,
	FAR = 1 << 30, /* the size of a file with holes, and a bound for loops */
	HELPERS = 8,   /* processes that hog together, where one has too few descriptors */
	HOLD_MS = 300,
	LOCKS = 1000, /* of a file */
	BOMB = 200,   /* processes, dead ones counted: as long as they start others all share the processor */
	THREAD_STACK = 16384,
};

static _Noreturn void hold(void)
{
	for (;;)
		pause();
}

/*
 * When this user's memory is short, the largest of its processes is ended: each hog is larger than the process that
 * started all of them; so large that about as many come to the limit of memory whatever the machine has.
 */
#define WEIGHT_PART 100 /* of all memory */
static char weight[8 << 20];

static void touch(char *memory, size_t size)
{
	for (size_t at = 0; at < size; at += PAGE)
		memory[at] = 1;
}

static pid_t fork_heavy(void)
{
	size_t size = (size_t)sysconf(_SC_PHYS_PAGES) * PAGE / WEIGHT_PART;
	pid_t child = fork();

	if (child == 0)
		touch(weight, size < sizeof weight ? size : sizeof weight);
	return child;
}

static void pause_ms(long ms)
{
	struct timespec time = {ms / 1000, ms % 1000 * 1000000};

	while (nanosleep(&time, &time) != 0 && errno == EINTR)
		;
}

/* Several processes at once: descriptors are counted for each. */
static void multiply(void)
{
	for (int i = 1; i < HELPERS; i++)
		if (fork_heavy() == 0)
			return;
}

static void anonymous_memory(void)
{
	char *memory;

	while ((memory = mmap(NULL, CHUNK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)) != MAP_FAILED)
		touch(memory, CHUNK);
}

static void sparse_file(void)
{
	char name[] = "/tmp/hog-XXXXXX";
	int fd = mkstemp(name);
	char *memory;

	unlink(name);
	if (fd < 0 || ftruncate(fd, FAR) != 0)
		return;
	memory = mmap(NULL, FAR, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (memory != MAP_FAILED)
		touch(memory, FAR);
}

static void file_mappings(void)
{
	int fd = open("/bin/busybox", O_RDONLY);
	char *memory;

	while ((memory = mmap(NULL, CHUNK / 2, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0)) != MAP_FAILED)
		touch(memory, CHUNK / 2);
}

static void mappings(void)
{
	/* Neighbours of different protection stay apart. */
	for (int i = 0; i < FAR; i++)
		if (mmap(NULL, PAGE, i & 1 ? PROT_READ : PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED)
			return;
}

static void descriptors(void)
{
	multiply();
	while (open("/dev/null", O_RDONLY) >= 0)
		;
}

static void fill(int fd)
{
	static char data[65536];

	fcntl(fd, F_SETFL, O_NONBLOCK);
	while (write(fd, data, sizeof data) > 0)
		;
}

static void pipes(void)
{
	int fd[2];

	multiply();
	while (pipe(fd) == 0)
		fill(fd[1]);
}

static void sockets(void)
{
	int fd[2];

	multiply();
	while (socketpair(AF_UNIX, SOCK_STREAM, 0, fd) == 0) {
		fill(fd[0]);
		fill(fd[1]);
	}
}

static int sleeper(void *nothing)
{
	(void)nothing;
	hold();
}

static void threads(void)
{
	char *stack;

	do {
		stack = mmap(NULL, THREAD_STACK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	} while (stack != MAP_FAILED &&
		 clone(sleeper, stack + THREAD_STACK - 64,
			 CLONE_VM | CLONE_SIGHAND | CLONE_THREAD | CLONE_FS | CLONE_FILES, NULL) > 0);
}

static void processes(void)
{
	struct rlimit limit = {BOMB, BOMB};
	pid_t child;

	setrlimit(RLIMIT_NPROC, &limit);
	while ((child = fork_heavy()) > 0)
		;
	/* A bomb: each child goes on, once. */
	if (child == 0)
		while (fork_heavy() > 0)
			;
}

static void zombies(void)
{
	pid_t child;

	while ((child = fork()) > 0)
		;
	if (child == 0)
		_exit(0);
}

static void queued_signals(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGRTMIN);
	sigprocmask(SIG_BLOCK, &set, NULL);
	while (sigqueue(getpid(), SIGRTMIN, (union sigval){.sival_int = 1}) == 0)
		;
}

/* Locks of a file are on one list: more in more files. */
static bool locks_of_a_file(void)
{
	char name[] = "/tmp/locks-XXXXXX";
	int fd = mkstemp(name);
	struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_len = 1};
	bool got = fd >= 0;

	unlink(name);
	/* Each apart from the one before. */
	for (; got && lock.l_start < 2 * LOCKS; lock.l_start += 2)
		got = fcntl(fd, F_SETLK, &lock) == 0;
	return got;
}

static void locks(void)
{
	while (locks_of_a_file())
		;
}

static void watches(void)
{
	struct epoll_event event = {.events = EPOLLIN};
	int fd[2], set, copy;

	if (pipe(fd) != 0)
		return;
	multiply();
	while ((copy = dup(fd[0])) >= 0)
		;
	while ((set = epoll_create1(0)) >= 0 || close(fd[1]--) == 0)
		for (copy = 0; set >= 0 && copy < FAR && copy < 2000; copy++)
			if (epoll_ctl(set, EPOLL_CTL_ADD, copy, &event) != 0 && errno != EBADF && errno != EPERM &&
				errno != EINVAL)
				return;
}

/* Files whose text the system makes when they are opened. */
static void texts(void)
{
	for (int i = 0; i < 500; i++)
		mmap(NULL, PAGE, i & 1 ? PROT_READ : PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	multiply();
	while (open("/proc/self/maps", O_RDONLY) >= 0)
		;
}

/* --- Of the kernel's own things, in a program that has its traps. */

static mach_port_t another_port(void)
{
	mach_port_t port;

	return mach_port_allocate(mach_task_self(), MACH_PORT_RIGHT_RECEIVE, &port) == KERN_SUCCESS ? port
												    : MACH_PORT_NULL;
}

static void ports(void)
{
	while (another_port() != MACH_PORT_NULL)
		;
}

static void messages(void)
{
	static struct {
		mach_msg_header_t header;
		char body[2000];
	} message;
	mach_port_t port;

	while ((port = another_port()) != MACH_PORT_NULL) {
		message.header = (mach_msg_header_t){.msgh_bits = MACH_MSGH_BITS(MACH_MSG_TYPE_MAKE_SEND, 0),
			.msgh_size = sizeof message,
			.msgh_remote_port = port};
		while (mach_msg_trap(&message.header, MACH_SEND_MSG | MACH_SEND_TIMEOUT, sizeof message, 0, 0, 0, 0) ==
			MACH_MSG_SUCCESS)
			;
	}
}

static const struct hog {
	const char *name;
	void (*take)(void);
	bool mach; /* only the first process has the kernel's traps */
} hogs[] = {
	{"anonymous memory", anonymous_memory, false},
	{"a sparse file", sparse_file, false},
	{"file mappings", file_mappings, false},
	{"mappings", mappings, false},
	{"descriptors", descriptors, false},
	{"pipes", pipes, false},
	{"sockets", sockets, false},
	{"queued signals", queued_signals, false},
	{"locks", locks, false},
	{"watches", watches, false},
	{"texts", texts, false},
	{"threads", threads, false},
	{"zombies", zombies, false},
	{"processes", processes, false},
	{"ports", ports, true},
	{"messages", messages, true},
};
enum { HOGS = sizeof hogs / sizeof hogs[0] };

/* A hog of each kind, until each has been refused or ended. */
static void all(void)
{
	volatile bool *over = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pid_t hog[HOGS], self;
	unsigned i;

	for (i = 0; i < HOGS; i++) {
		hog[i] = hogs[i].mach ? 0 : fork_heavy();
		if (hog[i] == 0 && !hogs[i].mach) {
			self = getpid();
			hogs[i].take();
			/* Not of those that it has made. */
			if (getpid() == self)
				over[i] = true;
			hold();
		}
	}
	for (i = 0; i < HOGS; i++)
		if (hogs[i].mach)
			hogs[i].take();
	for (i = 0; i < HOGS; i++)
		while (hog[i] > 0 && !over[i] && waitpid(hog[i], NULL, WNOHANG) == 0)
			pause_ms(10);
}

int main(int argc, char **argv)
{
	const char *kind = argc > 1 ? argv[1] : "all";
	pid_t self = getpid();
	unsigned i;

	mach_task_self_ = (mach_port_t)mach_trap(TRAP_TASK_SELF, 0, 0, 0, 0, 0, 0);
	if (strcmp(kind, "all") == 0) {
		all();
	} else {
		for (i = 0; i < HOGS && strcmp(kind, hogs[i].name) != 0; i++)
			;
		if (i == HOGS)
			return 2;
		hogs[i].take();
		if (getpid() != self)
			hold();
	}
	pause_ms(HOLD_MS);
	return 0;
}
