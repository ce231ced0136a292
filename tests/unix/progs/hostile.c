/*
 * hostile SEED PROCESSES SECONDS [traps]: that many processes at once make random calls with arguments that are partly
 * right, so that they get further than a first check: open descriptors of every kind, memory of their own with random
 * contents, names that exist. Whatever becomes of them, the system goes on. With `traps` they are Mach programs, for
 * which they must be root's.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <sched.h>
#include <servers/unix.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { CALLS = 120, LAST_CALL = 450, LAST_TRAP = 24, AREA = 16 * 4096, LIFE_MS = 150, MEMORY_MAX = 8 << 20 };

/* xorshift64: Marsaglia, Journal of Statistical Software 8 (2003). */
static unsigned long state;

static unsigned long next(void)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state;
}

static const unsigned long wild[] = {0, 1, 7, 4095, 4096, 4097, 0x7fffffff, 0x80000000, 0xffffffff, 0x100000000,
	0x7fffffffe000, 0x7ffffffff000, 0x800000000000, 0xffff800000000000, 0xffffffff80000000, 0x7fffffffffffffff,
	0x8000000000000000, ~0ul, ~0ul - 4095};

static const char *const names[] = {"a", "b", "d", "d/e", "d/f/g", "link", "loop", "fifo", "socket", "hole", ".", "..",
	"/", "", "/dev/null", "/dev/zero", "/dev/full", "/dev/urandom", "/dev/tty", "/proc/self/status",
	"/proc/self/maps", "/proc/self/fd", "/proc/self/fd/4", "/proc/1/stat", "/proc/meminfo", "true", "no such name",
	"a/b", "d/", "/proc/self/exe", "/etc/passwd"};
enum { NAMES = sizeof names / sizeof names[0] };

static int traps;  /* make those, too */
static char *area; /* AREA bytes; what follows is not mapped */

/* Calls that end the machine, or reach others than the caller. */
static int left_out(long number)
{
	switch (number) {
	case SYS_exit_group:
	case SYS_reboot:
	case SYS_kill:
	case SYS_tkill:
	case SYS_tgkill:
	case SYS_rt_sigqueueinfo:
	case SYS_rt_tgsigqueueinfo:
	case SYS_pidfd_send_signal:
	case SYS_umount2:
	case SYS_mount:
	case SYS_sethostname:
	case SYS_setdomainname:
	case SYS_settimeofday:
	case SYS_clock_settime:
	case SYS_setpriority:
	case SYS_prlimit64: /* of the parent's */
	case SYS_setrlimit: /* the life of what is left over */
		return 1;
	default:
		return 0;
	}
}

static unsigned long argument(void)
{
	unsigned long r = next(), choice = r >> 56;
	char *place = area + (r & 0xffffff) % AREA;

	if (choice < 70)
		return (r & 0xffff) % 24; /* descriptors, small numbers */
	if (choice < 130)
		return (unsigned long)(place - (unsigned long)place % 8);
	if (choice < 180) {
		/* A name, in memory of our own: some at the very end of it. */
		const char *name = names[(r >> 24) % NAMES];
		size_t size = strlen(name) + 1;

		place = r >> 32 & 1 ? area + AREA - size : area + (r & 0xffff) % (AREA - 64);
		memcpy(place, name, size);
		return (unsigned long)place;
	}
	if (choice < 200)
		return (unsigned long)(area + AREA - (r & 31));
	if (choice < 215)
		return 1ul << (r & 63);
	if (choice < 230)
		return r & 0xfffff;
	if (choice < 250)
		return wild[(r & 0xffff) % (sizeof wild / sizeof wild[0])];
	return r;
}

/* Memory with things that structures are made of. */
static void fill(void)
{
	unsigned long *word = (unsigned long *)(void *)area;
	unsigned i;

	for (i = 0; i < 256; i++)
		word[next() % (AREA / sizeof *word)] = argument();
}

static void descriptors(void)
{
	int pair[2], epoll;
	struct epoll_event event = {.events = EPOLLIN};
	struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = "socket"};

	close(0);
	open("a", O_RDWR | O_CREAT, 0644);
	/* What the test prints is the survivors' alone. */
	dup2(open("/dev/null", O_RDWR), 1);
	dup2(1, 2);
	(void)!pipe(pair);
	(void)!pipe2(pair, O_NONBLOCK);
	socketpair(AF_UNIX, SOCK_STREAM, 0, pair);
	open(".", O_RDONLY);
	open("fifo", O_RDWR);
	open("/dev/zero", O_RDWR);
	open("/proc/self/status", O_RDONLY);
	open("/proc", O_RDONLY);
	open("/", O_RDONLY);
	open("true", O_RDONLY);
	open("b", O_RDWR | O_APPEND | O_CREAT, 0600);
	open("/dev/tty", O_RDWR);
	epoll = epoll_create1(0);
	epoll_ctl(epoll, EPOLL_CTL_ADD, pair[0], &event);
	bind(socket(AF_UNIX, SOCK_STREAM, 0), (struct sockaddr *)&address, sizeof address);
	connect(socket(AF_UNIX, SOCK_STREAM, 0), (struct sockaddr *)&address, sizeof address);
}

/* A right that does not survive a fork: each life begins as a program of its own. */
static _Noreturn void exec_life(void)
{
	char seed[32];

	snprintf(seed, sizeof seed, "%lu", state);
	if (prctl(PR_PORTOLAN_MACH, PORTOLAN_MACH_TRAPS, 0, 0, 0) == 0)
		execl("/proc/self/exe", "hostile", "life", seed, (char *)NULL);
	_exit(1);
}

static _Noreturn void one_life(void)
{
	struct rlimit limit = {MEMORY_MAX, MEMORY_MAX}, second = {1, 1};
	int i;

	area = mmap(NULL, AREA + 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (area == MAP_FAILED)
		_exit(1);
	munmap(area + AREA, 4096);
	setrlimit(RLIMIT_AS, &limit);
	setrlimit(RLIMIT_FSIZE, &limit);
	setrlimit(RLIMIT_CPU, &second);
	descriptors();
	if (next() % 4 == 0)
		(void)!setresuid(1000, 1000, 1000);
	for (i = 0; i < CALLS; i++) {
		/* Negative numbers are traps of the kernel beneath. */
		long number = traps && next() % 8 == 0 ? -(long)(next() % LAST_TRAP) : (long)(next() % LAST_CALL);
		unsigned long a[6];
		int n;

		if (left_out(number))
			continue;
		if (i % 16 == 0)
			fill();
		for (n = 0; n < 6; n++)
			a[n] = argument();
		syscall(number, a[0], a[1], a[2], a[3], a[4], a[5]);
	}
	_exit(0);
}

static double now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

/* Has one process after the other live until the time is over. */
static void one_family(unsigned long seed, double end)
{
	sigset_t children;
	struct timespec life = {0, LIFE_MS * 1000000};

	sigemptyset(&children);
	sigaddset(&children, SIGCHLD);
	sigprocmask(SIG_BLOCK, &children, NULL);
	while (now() < end) {
		pid_t child;

		state = seed = seed * 6364136223846793005ul + 1442695040888963407ul;
		next();
		child = fork();
		if (child == 0) {
			setpgid(0, 0);
			if (traps)
				exec_life();
			one_life();
		}
		if (child > 0) {
			sigtimedwait(&children, NULL, &life);
			kill(-child, SIGKILL);
			kill(child, SIGKILL);
			waitpid(child, NULL, 0);
		}
		while (waitpid(-1, NULL, WNOHANG) > 0)
			;
	}
	_exit(0);
}

int main(int argc, char **argv)
{
	unsigned long seed = argc > 1 ? strtoul(argv[1], NULL, 0) : 1;
	int families = argc > 2 ? atoi(argv[2]) : 4, i, fd, pipes[2];
	double end = now() + (argc > 3 ? atof(argv[3]) : 10);
	char text[16] = "";

	if (argc == 3 && strcmp(argv[1], "life") == 0) {
		traps = 1;
		state = strtoul(argv[2], NULL, 0);
		one_life();
	}
	traps = argc > 4;
	mkdir("d", 0755);
	fd = open("d/e", O_RDWR | O_CREAT, 0644);
	(void)!symlink("a", "link");
	(void)!symlink("loop", "loop");
	mkfifo("fifo", 0666);
	close(fd);
	for (i = 0; i < families; i++)
		if (fork() == 0)
			one_family(seed + (unsigned long)i * 1000003, end);
	for (i = 0; i < families; i++)
		wait(NULL);
	/* Processes can still be made, pipes carry, files keep. */
	if (pipe(pipes) == 0 && fork() == 0) {
		fd = open("kept", O_RDWR | O_CREAT | O_TRUNC, 0600);
		if (write(fd, "whole", 5) == 5 && pread(fd, text, 5, 0) == 5)
			(void)!write(pipes[1], text, 5);
		_exit(0);
	}
	close(pipes[1]);
	(void)!read(pipes[0], text, 5);
	wait(NULL);
	printf("still %s\n", text);
	return strcmp(text, "whole") != 0;
}
