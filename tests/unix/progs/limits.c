/* Resource limits: each is enforced with the error or signal that setrlimit(2) names, and only who may changes them. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define PAGE  4096ul
#define MIB   (1ul << 20)
#define OTHER 2345 /* a user whom nobody else is */

static volatile sig_atomic_t heard;

static void hear(int number)
{
	(void)number;
	heard++;
}

static void say(const char *what, long result)
{
	if (result < 0)
		printf("%s: %s\n", what, strerrorname_np(errno));
	else
		printf("%s: %ld\n", what, result);
}

#define SAY(call) say(#call, (long)(call))
/* Of what gives an address: only whether it does. */
#define SAY_MAP(call) say(#call, (call) == MAP_FAILED ? -1 : 0)

static int set(int resource, rlim_t soft, rlim_t hard)
{
	return setrlimit(resource, &(struct rlimit){soft, hard});
}

static int soft(int resource, rlim_t value)
{
	struct rlimit old;

	return getrlimit(resource, &old) < 0 ? -1 : set(resource, value, old.rlim_max);
}

static void show(const char *what, int resource)
{
	struct rlimit limit;

	getrlimit(resource, &limit);
	printf("%s: %ld of %ld\n", what, (long)limit.rlim_cur, (long)limit.rlim_max);
}

/* A child, as another user when one is named; says how it ends. */
static void in_child(const char *what, unsigned user, void (*act)(void))
{
	int status;
	pid_t child;

	child = fork();
	if (child == 0) {
		printf("--- %s\n", what);
		if (user != 0 && (setgid(user) < 0 || setuid(user) < 0))
			say("change of user", -1);
		act();
		_exit(0);
	}
	waitpid(child, &status, 0);
	printf("ends by %s %d\n", WIFSIGNALED(status) ? "signal" : "exit",
		WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
}

static void calls(void)
{
	struct rlimit limit;

	SAY(setrlimit(99, &(struct rlimit){0, 0}));
	SAY(getrlimit(99, &limit));
	SAY(syscall(SYS_setrlimit, 99, 8));
	SAY(syscall(SYS_getrlimit, 0, 8));
	SAY(syscall(SYS_getrlimit, 99, 8));
	SAY(set(RLIMIT_FSIZE, 10, 9));
	SAY(set(RLIMIT_NOFILE, RLIM_INFINITY, RLIM_INFINITY));
	SAY(prlimit(-1, RLIMIT_CPU, NULL, &limit));
	SAY(prlimit(999999, 99, NULL, &limit));
	SAY(prlimit(0, 99, NULL, NULL));
	SAY(syscall(SYS_prlimit64, 999999, 99, 8, 0));
	SAY(prlimit(0, RLIMIT_CPU, NULL, NULL));
	SAY(set(RLIMIT_LOCKS, 77, 88));
	SAY(prlimit(gettid(), RLIMIT_LOCKS, NULL, &limit));
	printf("%ld\n", (long)limit.rlim_cur);
}

static void lowering(void)
{
	struct rlimit old;

	SAY(set(RLIMIT_LOCKS, 1000, 2000));
	SAY(set(RLIMIT_LOCKS, 1500, 2000));
	SAY(set(RLIMIT_LOCKS, 1500, 2001));
	SAY(set(RLIMIT_LOCKS, 1500, RLIM_INFINITY));
	SAY(prlimit(0, RLIMIT_LOCKS, &(struct rlimit){3, 3}, &old));
	printf("it was %ld of %ld\n", (long)old.rlim_cur, (long)old.rlim_max);
	SAY(prlimit(0, RLIMIT_LOCKS, &(struct rlimit){3, 4}, &old));
	show("it stays", RLIMIT_LOCKS);
	if (fork() == 0) {
		show("a child has it", RLIMIT_LOCKS);
		execl("/proc/self/exe", "limits", "show", NULL);
		_exit(1);
	}
	wait(NULL);
}

/* Limits of a process that sleeps, from users who may and may not change them. */
static pid_t sleeper;

static pid_t make_sleeper(unsigned uid, unsigned euid, unsigned gid)
{
	int ready[2];
	char byte;
	pid_t child;

	(void)!pipe(ready);
	child = fork();
	if (child == 0) {
		(void)!setgid(gid);
		(void)!setresuid(uid, euid, uid);
		(void)!write(ready[1], "r", 1);
		for (;;)
			pause();
	}
	(void)!read(ready[0], &byte, 1);
	close(ready[0]);
	close(ready[1]);
	return child;
}

static void change_sleeper(void)
{
	struct rlimit limit = {50, 60};

	SAY(prlimit(sleeper, RLIMIT_LOCKS, &limit, NULL));
	SAY(prlimit(sleeper, RLIMIT_LOCKS, NULL, &limit));
	limit.rlim_max++;
	SAY(prlimit(sleeper, RLIMIT_LOCKS, &limit, NULL));
}

static void others(void)
{
	sleeper = make_sleeper(OTHER, OTHER, OTHER);
	in_child("the same user", OTHER, change_sleeper);
	in_child("another user", OTHER + 1, change_sleeper);
	kill(sleeper, SIGKILL);
	waitpid(sleeper, NULL, 0);
	sleeper = make_sleeper(OTHER, 0, OTHER);
	in_child("who has become more", OTHER, change_sleeper);
	kill(sleeper, SIGKILL);
	waitpid(sleeper, NULL, 0);
	sleeper = make_sleeper(OTHER, OTHER, OTHER + 1);
	in_child("of another group", OTHER, change_sleeper);
	kill(sleeper, SIGKILL);
	waitpid(sleeper, NULL, 0);
}

/* Of one's own child that has ended but was not waited for. */
static void of_dead(void)
{
	struct rlimit limit;
	siginfo_t info;
	pid_t child = fork();

	if (child == 0)
		_exit(0);
	waitid(P_PID, (id_t)child, &info, WEXITED | WNOWAIT);
	SAY(prlimit(child, RLIMIT_LOCKS, NULL, &limit));
	SAY(prlimit(child, RLIMIT_LOCKS, &(struct rlimit){1, 1}, NULL));
	wait(NULL);
	SAY(prlimit(child, RLIMIT_LOCKS, NULL, &limit));
}

/* What only the full rights of root allow; apart, for root in a container has less. */
static void privileged(void)
{
	struct rlimit limit = {0, 0};

	sleeper = make_sleeper(OTHER, OTHER, OTHER);
	SAY(set(RLIMIT_LOCKS, 10, 20));
	SAY(set(RLIMIT_LOCKS, 30, 40));
	SAY(prlimit(sleeper, RLIMIT_LOCKS, &(struct rlimit){50, 60}, NULL));
	SAY(prlimit(sleeper, RLIMIT_LOCKS, &(struct rlimit){50, 61}, NULL));
	SAY(prlimit(sleeper, RLIMIT_LOCKS, NULL, &limit));
	printf("%ld of %ld\n", (long)limit.rlim_cur, (long)limit.rlim_max);
	SAY(set(RLIMIT_NICE, 17, 17));
	SAY(setgid(OTHER));
	SAY(setuid(OTHER));
	SAY(setpriority(PRIO_PROCESS, 0, 5));
	SAY(setpriority(PRIO_PROCESS, 0, 3));
	SAY(setpriority(PRIO_PROCESS, 0, 2));
	SAY(prlimit(sleeper, RLIMIT_LOCKS, &(struct rlimit){50, 61}, NULL));
	SAY(prlimit(sleeper, RLIMIT_LOCKS, &(struct rlimit){50, 62}, NULL));
	kill(sleeper, SIGKILL);
	waitpid(sleeper, NULL, 0);
}

static void descriptors(void)
{
	struct pollfd many[10] = {{0}};
	int pair[2], last = dup(0);

	SAY(soft(RLIMIT_NOFILE, (rlim_t)last + 2) == 0);
	SAY(dup(0) - last);
	SAY(dup(0));
	SAY(open("/", O_RDONLY));
	SAY(pipe(pair));
	SAY(dup2(0, last + 2));
	SAY(fcntl(0, F_DUPFD, last + 2));
	SAY(socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
	close(last);
	SAY(pipe(pair));
	SAY(socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
	SAY(dup(0) - last);
	SAY(soft(RLIMIT_NOFILE, 3));
	SAY(write(last, "", 0) < 0 ? 1 : 0);
	SAY(poll(many, 4, 0));
	SAY(poll(many, 3, 0) >= 0);
	SAY(soft(RLIMIT_NOFILE, 0));
	SAY(dup(0));
	SAY(close(last));
}

static char block[10000];

static void file_size(void)
{
	struct sigaction action = {.sa_handler = hear};
	char name[] = "limited.XXXXXX";
	int fd = mkstemp(name), append;
	struct stat about;

	append = open(name, O_WRONLY | O_APPEND);
	sigaction(SIGXFSZ, &action, NULL);
	SAY(soft(RLIMIT_FSIZE, 5000));
	SAY(write(fd, block, sizeof block));
	SAY(write(fd, block, 1));
	printf("heard %d\n", heard);
	SAY(write(fd, block, 0));
	SAY(pwrite(fd, block, 10, 4995));
	SAY(pwrite(fd, block, 10, 7000));
	printf("heard %d\n", heard);
	SAY(write(append, block, 1));
	SAY(write(append, block, 0));
	printf("heard %d\n", heard);
	SAY(ftruncate(fd, 5001));
	SAY(truncate(name, 5001));
	printf("heard %d\n", heard);
	SAY(fallocate(fd, 0, 0, 6000));
	printf("heard %d\n", heard);
	SAY(copy_file_range(fd, &(off_t){0}, append, NULL, 10, 0));
	SAY(ftruncate(fd, 100));
	SAY(write(append, block, 5000));
	SAY(fstat(fd, &about));
	printf("size %ld\n", (long)about.st_size);
	/* A file that is larger already may get smaller, or be written where it is below. */
	SAY(soft(RLIMIT_FSIZE, 3000));
	SAY(ftruncate(fd, 4000));
	SAY(fallocate(fd, 0, 0, 4000));
	SAY(pwrite(fd, block, 10, 3500));
	SAY(pwrite(fd, block, 10, 0));
	printf("heard %d\n", heard);
	signal(SIGXFSZ, SIG_IGN);
	SAY(pwrite(fd, block, 10, 3500));
	unlink(name);
	signal(SIGXFSZ, SIG_DFL);
	SAY(pwrite(fd, block, 10, 3500));
}

static void *map(unsigned long size, int flags)
{
	return mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | flags, -1, 0);
}

static unsigned long used(void)
{
	unsigned long pages = 0;
	FILE *file = fopen("/proc/self/statm", "r");

	if (file == NULL || fscanf(file, "%lu", &pages) != 1)
		say("statm", -1);
	fclose(file);
	return pages * PAGE;
}

static void address_space(void)
{
	char *area = map(4 * MIB, 0);

	SAY(soft(RLIMIT_AS, used() + MIB));
	SAY_MAP(map(2 * MIB, 0));
	SAY_MAP(map(2 * MIB, MAP_NORESERVE));
	SAY_MAP(mmap(NULL, 2 * MIB, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
	SAY_MAP(mmap(area, 4 * MIB, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0));
	SAY_MAP(mremap(area, 4 * MIB, 6 * MIB, MREMAP_MAYMOVE));
	SAY_MAP(mremap(area, 4 * MIB, 4 * MIB + 16 * PAGE, MREMAP_MAYMOVE));
	SAY_MAP(map(MIB / 2, 0));
	SAY_MAP(map(MIB, 0));
	SAY(syscall(SYS_brk, 0) == syscall(SYS_brk, (char *)sbrk(0) + 4 * MIB));
	SAY(soft(RLIMIT_AS, 0));
	SAY_MAP(map(PAGE, 0));
	printf("still here\n");
}

static void data(void)
{
	char *readable = mmap(NULL, 2 * MIB, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), *own, *brk;

	SAY(soft(RLIMIT_DATA, 0));
	SAY_MAP(map(PAGE, 0));
	SAY_MAP(mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
	SAY_MAP(mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
	brk = (char *)syscall(SYS_brk, 0);
	SAY((char *)syscall(SYS_brk, brk + PAGE) == brk);
	SAY(soft(RLIMIT_DATA, 64 * MIB));
	SAY(mprotect(readable, MIB, PROT_READ | PROT_WRITE));
	own = map(MIB, 0);
	SAY(soft(RLIMIT_DATA, 2 * MIB));
	SAY_MAP(map(MIB, 0));
	SAY(mprotect(readable + MIB, MIB, PROT_READ | PROT_WRITE));
	SAY(mprotect(readable, MIB, PROT_READ));
	SAY_MAP(mremap(own, MIB, 4 * MIB, MREMAP_MAYMOVE));
	SAY(munmap(own, MIB));
	SAY((char *)syscall(SYS_brk, brk + 8 * MIB) == brk);
	SAY((char *)syscall(SYS_brk, brk + PAGE) == brk + PAGE);
}

static void locked(void)
{
	char *area = map(MIB, 0), *more;
	int root = geteuid() == 0;

	SAY(set(RLIMIT_MEMLOCK, 4 * PAGE, 4 * PAGE));
	SAY(mlock(area, 4 * PAGE));
	SAY(mlock(area, 4 * PAGE));
	SAY(mlock(area + 4 * PAGE, PAGE));
	SAY(mlock(area + 2 * PAGE, 3 * PAGE));
	SAY(munlock(area, PAGE));
	SAY(mlock(area + 5 * PAGE, 1));
	SAY(mlock(area + 6 * PAGE, 1));
	SAY_MAP(map(PAGE, MAP_LOCKED));
	SAY(mlockall(MCL_CURRENT));
	SAY(munlockall());
	SAY(mlock(area, root ? 8 * PAGE : 4 * PAGE));
	SAY(madvise(area, PAGE, MADV_DONTNEED));
	SAY(msync(area, PAGE, MS_SYNC | MS_INVALIDATE));
	SAY(msync(area + 16 * PAGE, PAGE, MS_SYNC | MS_INVALIDATE));
	if (fork() == 0) {
		/* Locks are not inherited. */
		SAY(mlock(area + 16 * PAGE, 4 * PAGE));
		_exit(0);
	}
	wait(NULL);
	SAY(munlock(area + 1, PAGE));
	SAY(munlock((void *)(1ul << 46), PAGE));
	SAY(mlock((void *)(1ul << 46), PAGE));
	SAY(munlockall());
	SAY(mlockall(0));
	SAY(mlockall(8));
	SAY(mlockall(MCL_FUTURE));
	more = map(4 * PAGE, 0);
	SAY(more != MAP_FAILED);
	SAY_MAP(map(PAGE, 0));
	SAY(munlockall());
	SAY_MAP(map(PAGE, 0));
	SAY(set(RLIMIT_MEMLOCK, 0, 0));
	SAY(mlock(area, 1));
	SAY(mlockall(MCL_CURRENT));
	SAY(munlock(area, 1));
	SAY_MAP(map(PAGE, MAP_LOCKED));
}

static void processor_time(void)
{
	struct sigaction action = {.sa_handler = hear};
	clock_t start = clock();

	heard = 0;
	sigaction(SIGXCPU, &action, NULL);
	SAY(set(RLIMIT_CPU, 1, 3));
	while (heard == 0)
		;
	printf("after about %d s\n", (int)((clock() - start + CLOCKS_PER_SEC / 2) / CLOCKS_PER_SEC));
	show("the next is due", RLIMIT_CPU);
	for (;;)
		;
}

static void processor_time_default(void)
{
	sleeper = getpid();
	if (fork() == 0) {
		/* The limit is another's who spins already. */
		usleep(10000);
		prlimit(sleeper, RLIMIT_CPU, &(struct rlimit){1, 10}, NULL);
		_exit(0);
	}
	for (;;)
		;
}

static void processor_time_inherited(void)
{
	SAY(set(RLIMIT_CPU, 1, 1));
	execl("/proc/self/exe", "limits", "spin", NULL);
}

static void *nothing(void *argument)
{
	pause();
	return argument;
}

static void processes(void)
{
	pthread_t thread;
	int i, made = 0, error = 0, status;

	SAY(soft(RLIMIT_NPROC, 5));
	for (i = 0; i < 10; i++) {
		pid_t child = fork();

		if (child == 0) {
			usleep(300000);
			_exit(0);
		}
		if (child > 0)
			made++;
		else
			error = errno;
	}
	printf("%d made, then %s\n", made, strerrorname_np(error));
	printf("a thread: %s\n", strerrorname_np(pthread_create(&thread, NULL, nothing, NULL)));
	SAY(vfork());
	/* Those that have ended count until somebody has waited for them. */
	sleep(1);
	SAY(fork());
	SAY(wait(&status) > 0);
	printf("a thread: %d\n", pthread_create(&thread, NULL, nothing, NULL));
	SAY(fork());
	SAY(soft(RLIMIT_NPROC, 1));
	execl("/proc/self/exe", "limits", "show", NULL);
	say("exec", -1);
}

static void processes_root(void)
{
	/* One process of a user who has none otherwise. */
	sleeper = make_sleeper(OTHER + 7, OTHER + 7, OTHER);
	SAY(set(RLIMIT_NPROC, 0, 0));
	if (fork() == 0) {
		SAY(setgid(OTHER));
		SAY(setuid(OTHER + 8));
		SAY(setuid(OTHER + 8));
		SAY(fork());
		execl("/proc/self/exe", "limits", "show", NULL);
	}
	wait(NULL);
	if (fork() == 0) {
		SAY(setgid(OTHER));
		SAY(setuid(OTHER + 7));
		SAY(fork());
		execl("/proc/self/exe", "limits", "show", NULL);
		say("exec of one who is too many", -1);
		SAY(set(RLIMIT_NPROC, 0, 0));
		_exit(3);
	}
	wait(NULL);
	kill(sleeper, SIGKILL);
	wait(NULL);
}

static int deep(int left)
{
	volatile char room[PAGE];

	room[5] = room[PAGE - 1] = 1;
	return left == 0 ? room[5] : deep(left - 1) + room[PAGE - 1];
}

static void stack(void)
{
	SAY(soft(RLIMIT_STACK, MIB));
	execl("/proc/self/exe", "limits", "deep", NULL);
}

static void arguments(void)
{
	static char text[MIB / 8 - 4096];
	char *vector[16] = {"limits", "show"};
	int i;

	memset(text, 'x', sizeof text - 1);
	for (i = 2; i < 10; i++)
		vector[i] = text;
	SAY(soft(RLIMIT_STACK, 2 * MIB));
	SAY(execv("/proc/self/exe", vector));
	SAY(soft(RLIMIT_STACK, 8 * MIB));
	SAY(execv("/proc/self/exe", vector));
}

static void nice_values(void)
{
	SAY(setpriority(PRIO_PROCESS, 0, 5));
	SAY(setpriority(PRIO_PROCESS, 0, 4));
	SAY(getpriority(PRIO_PROCESS, 0));
	SAY(setpriority(PRIO_PROCESS, 0, -1));
	SAY(setpriority(PRIO_PROCESS, 0, 4));
}

int main(int argc, char **argv)
{
	char folder[] = "/var/tmp/limits.XXXXXX";

	setvbuf(stdout, NULL, _IOLBF, 0);
	if (argc > 1 && strcmp(argv[1], "spin") == 0)
		for (;;)
			;
	if (argc > 1 && strcmp(argv[1], "deep") == 0) {
		printf("half is free %d\n", deep(128) > 0);
		printf("all is not %d\n", deep(256) > 0);
		return 0;
	}
	if (argc > 1 && strcmp(argv[1], "show") == 0) {
		show("after exec", RLIMIT_LOCKS);
		return 0;
	}
	if (argc > 1 && strcmp(argv[1], "privileged") == 0) {
		privileged();
		return 0;
	}
	if (mkdtemp(folder) == NULL || chdir(folder) < 0)
		return 1;
	in_child("the calls", 0, calls);
	in_child("lowering", OTHER, lowering);
	others();
	in_child("of the dead", OTHER, of_dead);
	in_child("descriptors", 0, descriptors);
	in_child("size of files", 0, file_size);
	in_child("address space", 0, address_space);
	in_child("data", 0, data);
	in_child("locked memory of root", 0, locked);
	in_child("locked memory", OTHER, locked);
	in_child("processor time", 0, processor_time);
	in_child("processor time, set by another", 0, processor_time_default);
	in_child("processor time, inherited", 0, processor_time_inherited);
	in_child("processes", OTHER, processes);
	in_child("processes of root", 0, processes_root);
	in_child("stack", 0, stack);
	in_child("arguments", 0, arguments);
	in_child("nice", OTHER, nice_values);
	return chdir("/") < 0 || rmdir(folder) < 0;
}
