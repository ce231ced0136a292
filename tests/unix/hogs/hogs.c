/*
 * hogs [KIND]: takes as much of everything as it gets, one kind after the other and then all at once. Each hog goes on
 * until it is refused, holds what it has, and is ended; then the memory must be back.
 */
#define _GNU_SOURCE
#include "../attacks/attack.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
	PAGE = 4096,
	CHUNK = 1 << 20,
	FAR = 1 << 30,     /* the size of a file with holes, and a bound for loops */
	HELPERS = 8,       /* processes that hog together, where one has too few descriptors */
	HOLD_MS = 1500,    /* at most, for what a hog of one kind takes and then holds */
	BACK_MS = 10000,   /* until its memory is back */
	LOST_KIB = 2048,   /* what caches may keep for the next time */
	LOST_PER_CENT = 1, /* beside that, of all memory */
	THREAD_STACK = 16384,
};

static _Noreturn void hold(void)
{
	for (;;)
		pause();
}

/*
 * When this user's memory is short, the largest of its processes is ended: each hog is larger than the process that
 * started it and looks on.
 */
static char weight[256 << 10];

static void touch(char *memory, size_t size)
{
	for (size_t at = 0; at < size; at += PAGE)
		memory[at] = 1;
}

static pid_t fork_heavy(void)
{
	pid_t child = fork();

	if (child == 0)
		touch(weight, sizeof weight);
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
	pid_t child;

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

	while ((child = fork_heavy()) > 0)
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

static void locks(void)
{
	char name[] = "/tmp/locks-XXXXXX";
	int fd = mkstemp(name);
	struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_len = 1};

	unlink(name);
	/* Each apart from the one before. */
	for (; lock.l_start < FAR && fcntl(fd, F_SETLK, &lock) == 0; lock.l_start += 2)
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

static const struct hog {
	const char *name;
	void (*take)(void);
} hogs[] = {
	{"anonymous memory", anonymous_memory},
	{"a sparse file", sparse_file},
	{"file mappings", file_mappings},
	{"mappings", mappings},
	{"descriptors", descriptors},
	{"pipes", pipes},
	{"sockets", sockets},
	{"queued signals", queued_signals},
	{"locks", locks},
	{"watches", watches},
	{"texts", texts},
	{"threads", threads},
	{"zombies", zombies},
	{"processes", processes},
};
enum { HOGS = sizeof hogs / sizeof hogs[0] };

/* KiB, of /proc/meminfo. */
static long memory(const char *key)
{
	char line[128];
	FILE *file = fopen("/proc/meminfo", "r");
	long value = -1;

	while (file != NULL && value < 0 && fgets(line, sizeof line, file) != NULL)
		if (strncmp(line, key, strlen(key)) == 0)
			value = atol(line + strlen(key));
	if (file != NULL)
		fclose(file);
	return value;
}

static pid_t start(const struct hog *hog)
{
	pid_t child = fork_heavy();

	if (child == 0) {
		setpgid(0, 0);
		hog->take();
		hold();
	}
	if (child > 0)
		setpgid(child, child);
	return child;
}

/* All of its group, also those that it makes meanwhile. */
static void finish(pid_t group)
{
	while (kill(-group, SIGKILL) == 0 || errno != ESRCH)
		while (waitpid(-group, NULL, 0) > 0)
			;
}

static bool memory_is_back(long before)
{
	long allowed = LOST_KIB + memory("MemTotal:") * LOST_PER_CENT / 100, waited, now;

	for (waited = 0; (now = memory("MemAvailable:")) < 0 || before - now > allowed; waited += 50) {
		if (waited > BACK_MS)
			return false;
		pause_ms(50);
	}
	return true;
}

static void one(const struct hog *hog)
{
	long before = memory("MemAvailable:"), left;
	char what[64];
	pid_t child = start(hog);
	bool back;

	snprintf(what, sizeof what, "%s: a hog can be started", hog->name);
	attack_check(what, child > 0);
	if (child < 0)
		return;
	pause_ms(HOLD_MS);
	/* Where this user gets no more files, this one cannot be read. */
	left = memory("MemAvailable:");
	if (left >= 0)
		printf("%s: %ld KiB of %ld taken\n", hog->name, before - left, before);
	finish(child);
	back = memory_is_back(before);
	if (!back)
		printf("%s: %ld KiB less than before\n", hog->name, before - memory("MemAvailable:"));
	snprintf(what, sizeof what, "%s: the memory is kept", hog->name);
	attack_check(what, back);
	fflush(stdout);
}

static void all_together(void)
{
	long before = memory("MemAvailable:");
	pid_t group[HOGS];
	unsigned i;

	for (i = 0; i < HOGS; i++)
		group[i] = start(&hogs[i]);
	pause_ms(HOLD_MS * 4);
	for (i = 0; i < HOGS; i++)
		if (group[i] > 0)
			finish(group[i]);
	attack_check("all together: the memory is kept", memory_is_back(before));
}

int main(int argc, char **argv)
{
	unsigned i;

	/* What hogs leave behind is this process's to wait for. */
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	for (i = 0; i < HOGS; i++)
		if (argc < 2 || strcmp(argv[1], hogs[i].name) == 0)
			one(&hogs[i]);
	if (argc < 2)
		all_together();
	return attack_end();
}
