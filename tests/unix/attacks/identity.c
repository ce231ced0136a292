/*
 * An ordinary user tries to be root by way of a set-uid program (attack-setuid: 1), a copy of this one that
 * ATTACK_SETUID names: to keep a hand in it that was there before, to reach in while it runs, to have it fail half-way,
 * to write it, to make one of its own.
 *
 * The copy says who it is and what it finds, waits until the attacker has done what it can, and says what it finds
 * then.
 */
#define _GNU_SOURCE
#include "attack.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { USER = 1000, TELL = 30, GO = 31, PLANTED = 77, RACES = 20, PATIENCE_MS = 5000, LARGE = 128 << 10 };
#define SECRET     "the words of root"
#define STACK_MOST (8ul << 20) /* of a program that gains ids, whatever its caller's limit */

/* What the set-uid copy finds. */
struct findings {
	unsigned uid, euid, suid, gid, egid;
	int secure, dumpable, death_signal, arguments;
	unsigned long stack;    /* limit */
	unsigned standard_open; /* descriptors 0 to 2, a bit each */
	bool planted;           /* a descriptor came */
	unsigned long handled;  /* signals that are not default or ignored, a bit each */
	unsigned long ignored;  /* signals that are ignored */
	unsigned long pending;  /* signals that came */
	bool intact;            /* its words are what they were, in memory and environment */
	int nice, policy, io_priority, group;
	unsigned long files; /* limit on descriptors */
	char directory[64];
};

static char secret[32]; /* of the copy: at the same address as here */
static const char *set_uid;

/* Shared with all helpers. */
static struct {
	volatile bool runs; /* the set-uid program */
	volatile bool stop;
	volatile unsigned root; /* a helper was root */
	volatile unsigned acted;
} * shared;

static void pause_ms(long ms)
{
	nanosleep(&(struct timespec){ms / 1000, ms % 1000 * 1000000}, NULL);
}

/* Until the program runs, or it is all over. */
static bool it_runs(void)
{
	for (unsigned i = 0; i < PATIENCE_MS && !shared->stop; i++) {
		if (shared->runs)
			return true;
		pause_ms(1);
	}
	return false;
}

static void acted(void)
{
	if (syscall(SYS_geteuid) == 0)
		shared->root++;
	shared->acted++;
}

/* --- The set-uid copy. */

static void find(struct findings *found, int arguments)
{
	struct rlimit limit;
	sigset_t pending;

	memset(found, 0, sizeof *found);
	getresuid(&found->uid, &found->euid, &found->suid);
	found->gid = getgid();
	found->egid = getegid();
	found->secure = getauxval(AT_SECURE) != 0;
	found->dumpable = prctl(PR_GET_DUMPABLE);
	prctl(PR_GET_PDEATHSIG, &found->death_signal);
	found->arguments = arguments;
	getrlimit(RLIMIT_STACK, &limit);
	found->stack = limit.rlim_cur;
	getrlimit(RLIMIT_NOFILE, &limit);
	found->files = limit.rlim_cur;
	for (int fd = 0; fd < 3; fd++)
		found->standard_open |= (unsigned)(fcntl(fd, F_GETFD) >= 0) << fd;
	found->planted = fcntl(PLANTED, F_GETFD) >= 0;
	sigpending(&pending);
	for (int i = 1; i < 32; i++) {
		struct sigaction action;

		sigaction(i, NULL, &action);
		if (action.sa_handler == SIG_IGN)
			found->ignored |= 1ul << i;
		else if (action.sa_handler != SIG_DFL)
			found->handled |= 1ul << i;
		found->pending |= (unsigned long)(sigismember(&pending, i) == 1) << i;
	}
	found->intact = strcmp(secret, SECRET) == 0;
	found->nice = getpriority(PRIO_PROCESS, 0);
	found->policy = sched_getscheduler(0);
	found->io_priority = (int)syscall(SYS_ioprio_get, 1, 0);
	found->group = getpgrp();
	(void)!getcwd(found->directory, sizeof found->directory);
}

/* full: it takes root's real id too, as su does. The attacker has then no right to send it a signal. */
static int tell(int argc, bool full)
{
	struct findings found;
	sigset_t all;
	char byte;

	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, NULL);
	find(&found, argc);
	strcpy(secret, SECRET);
	if (full && setresuid(0, 0, 0) != 0)
		return 3;
	if (write(TELL, &found, sizeof found) != sizeof found)
		return 4;
	(void)!read(GO, &byte, 1);
	find(&found, argc);
	return write(TELL, &found, sizeof found) == sizeof found ? 0 : 5;
}

/* --- Starting it. */

/* How a copy is run, what the process does before, what others do meanwhile. */
struct trial {
	void (*prepare)(void);
	void (*execute)(void);         /* null: plain */
	void (*before)(pid_t process); /* the process is there and has prepared itself; not yet the program */
	void (*meanwhile)(pid_t process);
	const char *mode;
};

struct outcome {
	bool ran;
	struct findings first, last;
	int status; /* its end */
};

static const char *mode = "tell";

static char *const environment[] = {(char *)"WORDS=" SECRET, NULL};

static void plainly(void)
{
	execle(set_uid, "setuid", mode, (char *)NULL, environment);
}

static struct outcome try(struct trial trial)
{
	struct outcome outcome = {.status = -1};
	int up[2], down[2], start[2];
	char byte = 0;
	pid_t child;

	memset((void *)shared, 0, sizeof *shared);
	mode = trial.mode != NULL ? trial.mode : "tell";
	if (pipe(up) != 0 || pipe(down) != 0 || pipe(start) != 0)
		return outcome;
	child = fork();
	if (child == 0) {
		setpgid(0, 0);
		dup2(up[1], TELL);
		dup2(down[0], GO);
		fcntl(start[0], F_SETFD, FD_CLOEXEC);
		for (int i = 0; i < 2; i++) {
			close(up[i]);
			close(down[i]);
		}
		close(start[1]);
		if (trial.prepare != NULL)
			trial.prepare();
		(void)!read(start[0], &byte, 1);
		close(start[0]);
		(trial.execute != NULL ? trial.execute : plainly)();
		/* Half-way is nowhere. */
		_exit(geteuid() == USER && getuid() == USER ? 100 : 101);
	}
	close(up[1]);
	close(down[0]);
	close(start[0]);
	setpgid(child, child);
	if (trial.before != NULL)
		trial.before(child);
	(void)!write(start[1], &byte, 1);
	close(start[1]);
	outcome.ran = read(up[0], &outcome.first, sizeof outcome.first) == sizeof outcome.first;
	shared->runs = outcome.ran;
	if (outcome.ran && trial.meanwhile != NULL)
		trial.meanwhile(child);
	(void)!write(down[1], &byte, 1);
	if (outcome.ran)
		outcome.ran = read(up[0], &outcome.last, sizeof outcome.last) == sizeof outcome.last;
	shared->stop = true;
	close(up[0]);
	close(down[1]);
	waitpid(child, &outcome.status, 0);
	while (waitpid(-1, NULL, WNOHANG) > 0)
		;
	return outcome;
}

/* It ran as root, knew that it must take care, and nobody had a hand in it. */
static bool is_itself(const struct outcome *outcome)
{
	const struct findings *first = &outcome->first, *last = &outcome->last;

	return outcome->ran && first->euid == 0 && first->uid == USER && first->suid == 0 &&
	       first->egid == first->gid && first->secure == 1 && first->dumpable == 0 && first->death_signal == 0 &&
	       first->arguments > 0 && first->handled == 0 && !first->planted && last->euid == 0 &&
	       last->dumpable == 0 && last->handled == 0 && last->ignored == first->ignored && !last->planted &&
	       last->intact && last->nice == first->nice && last->policy == first->policy &&
	       last->io_priority == first->io_priority && last->group == first->group && last->files == first->files &&
	       strcmp(last->directory, first->directory) == 0 && shared->root == 0;
}

/* It ran, or could not; as nobody but who called. */
static bool gained_nothing(const struct outcome *outcome)
{
	return !outcome->ran ||
	       (outcome->first.euid == USER && outcome->first.egid == USER && outcome->last.euid == USER);
}

static void shall_be_itself(const char *what, struct trial trial)
{
	struct outcome outcome = try(trial);

	if (!is_itself(&outcome))
		printf("# ran %d status %#x uid %u euid %u secure %d dumpable %d death %d handled %#lx planted %d "
		       "intact %d "
		       "root %u\n",
			outcome.ran, outcome.status, outcome.first.uid, outcome.first.euid, outcome.first.secure,
			outcome.first.dumpable, outcome.first.death_signal, outcome.last.handled, outcome.last.planted,
			outcome.last.intact, shared->root);
	attack_check(what, is_itself(&outcome));
}

/* And of all signals these have not come. */
static void no_signal(const char *what, struct trial trial, unsigned long signals)
{
	struct outcome outcome;

	trial.mode = "full";
	outcome = try(trial);
	if (!is_itself(&outcome) || (outcome.last.pending & signals) != 0)
		printf("# pending %#lx, euid %u, status %#x\n", outcome.last.pending, outcome.first.euid,
			outcome.status);
	attack_check(what, is_itself(&outcome) && (outcome.last.pending & signals) == 0);
}

/* A process that has part in this one's things, by the flags of clone; ends when it is over. */
static void helper(int flags, int exit_signal, int (*function)(void *))
{
	static char stack[4][32768] __attribute__((aligned(16)));
	static unsigned used;

	clone(function, stack[used++ % 4] + sizeof stack[0], flags | exit_signal, NULL);
}

static void wait_acted(pid_t process)
{
	(void)process;
	for (unsigned i = 0; i < 500 && shared->acted == 0; i++)
		pause_ms(1);
}

/* --- What was opened before. */

static int folder_fd, memory_fd, environment_fd, maps_fd, descriptors_fd, pages_fd, vector_fd;

static void open_all(pid_t process)
{
	char path[32];

	snprintf(path, sizeof path, "/proc/%d", process);
	folder_fd = open(path, O_RDONLY | O_DIRECTORY);
	memory_fd = openat(folder_fd, "mem", O_RDWR);
	environment_fd = openat(folder_fd, "environ", O_RDONLY);
	maps_fd = openat(folder_fd, "maps", O_RDONLY);
	descriptors_fd = openat(folder_fd, "fd", O_RDONLY | O_DIRECTORY);
	pages_fd = openat(folder_fd, "pagemap", O_RDONLY);
	vector_fd = openat(folder_fd, "auxv", O_RDONLY);
}

static bool reads_words(int fd, off_t at)
{
	char text[4096] = {0};
	ssize_t size = pread(fd, text, sizeof text - 1, at);

	return size > 0 && memmem(text, (size_t)size, SECRET, strlen(SECRET)) != NULL;
}

static void use_all(pid_t process)
{
	static const char *const beneath[] = {"mem", "environ", "maps", "fd/30", "fd", "pagemap", "auxv", "exe", "cwd",
		"root", "task", "oom_score_adj", "syscall", "stack"};
	off_t at = (off_t)(uintptr_t)secret;
	char target[64], name[32];

	attack_check("/proc/PID/mem that was open reads the new program", !reads_words(memory_fd, at));
	attack_check("/proc/PID/environ that was open reads the new program's", !reads_words(environment_fd, 0));
	attack_check("/proc/PID/auxv that was open is the new program's",
		pread(vector_fd, target, sizeof target, 0) <= 0 || memmem(target, sizeof target, SECRET, 4) == NULL);
	(void)!pwrite(memory_fd, "changed", 7, at);
	attack_check("/proc/PID/pagemap that was open tells of the new program",
		pread(pages_fd, target, 8, (at >> 12) * 8) <= 0 || target[0] == 0);
	attack_check("a link in /proc/PID/fd that was open",
		readlinkat(descriptors_fd, "30", target, sizeof target) < 0 &&
			openat(descriptors_fd, "30", O_WRONLY) < 0 && openat(descriptors_fd, "31", O_RDONLY) < 0);
	for (unsigned i = 0; i < sizeof beneath / sizeof beneath[0]; i++) {
		/* Folders and numbers of a program's that tell nothing of its memory may be looked at. */
		int fd = openat(folder_fd, beneath[i], O_WRONLY);

		snprintf(name, sizeof name, "writing to /proc/PID/%s", beneath[i]);
		attack_check(name, fd < 0);
		if (fd >= 0)
			close(fd);
	}
	attack_check("/proc/PID/mem opened by the folder that was open", openat(folder_fd, "mem", O_RDONLY) < 0);
	attack_check("/proc/PID/environ the same", openat(folder_fd, "environ", O_RDONLY) < 0);
	attack_check("/proc/PID/maps the same", openat(folder_fd, "maps", O_RDONLY) < 0);
	(void)process;
}

static void close_all(void)
{
	for (const int *fd = (const int[]){folder_fd, memory_fd, environment_fd, maps_fd, descriptors_fd, pages_fd,
		     vector_fd, -1};
		*fd != -1; fd++)
		close(*fd);
}

/* --- What is done to it while it runs. */

static bool refused(long result, int error)
{
	return result == -1 && (errno == error || errno == ENOSYS);
}

static void reach_in(pid_t process)
{
	char bytes[8] = "changed";
	struct iovec here = {bytes, sizeof bytes}, there = {secret, sizeof bytes};
	struct rlimit nothing = {0, 0};
	struct sched_param parameters = {0};
	cpu_set_t processors;
	long head, size;

	CPU_ZERO(&processors);
	CPU_SET(0, &processors);
	attack_check("process_vm_readv", refused(process_vm_readv(process, &here, 1, &there, 1, 0), EPERM));
	attack_check("process_vm_writev", refused(process_vm_writev(process, &here, 1, &there, 1, 0), EPERM));
	attack_check("PTRACE_ATTACH", refused(syscall(SYS_ptrace, 16L, (long)process, 0L, 0L), EPERM));
	attack_check("PTRACE_SEIZE", refused(syscall(SYS_ptrace, 0x4206L, (long)process, 0L, 0L), EPERM));
	attack_check("prlimit", refused(prlimit(process, RLIMIT_NOFILE, &nothing, NULL), EPERM));
	attack_check("prlimit that reads", refused(prlimit(process, RLIMIT_NOFILE, NULL, &nothing), EPERM));
	attack_check("setpriority", refused(setpriority(PRIO_PROCESS, (unsigned)process, 19), EPERM));
	attack_check("setpriority of the group", refused(setpriority(PRIO_PGRP, (unsigned)process, 19), EPERM));
	attack_check("sched_setscheduler", refused(sched_setscheduler(process, SCHED_IDLE, &parameters), EPERM));
	attack_check("sched_setparam", refused(sched_setparam(process, &parameters), EPERM));
	attack_check("sched_setaffinity", refused(sched_setaffinity(process, sizeof processors, &processors), EPERM));
	attack_check("ioprio_set", refused(syscall(SYS_ioprio_set, 1L, (long)process, 3L << 13), EPERM));
	attack_check("get_robust_list", refused(syscall(SYS_get_robust_list, (long)process, &head, &size), EPERM));
	attack_check("setpgid", refused(setpgid(process, getpgrp()), EACCES));
}

/* Once it is root wholly: no signal of an ordinary user's. */
static void send_signals(pid_t process)
{
	siginfo_t info = {.si_code = SI_QUEUE};

	attack_check("kill", refused(kill(process, SIGUSR1), EPERM));
	attack_check("kill of the group", refused(kill(-process, SIGUSR1), EPERM));
	attack_check("SIGKILL", refused(kill(process, SIGKILL), EPERM));
	attack_check("tgkill", refused(syscall(SYS_tgkill, process, process, SIGUSR1), EPERM));
	attack_check("tkill", refused(syscall(SYS_tkill, process, SIGUSR1), EPERM));
	attack_check("sigqueue", refused(sigqueue(process, SIGUSR1, (union sigval){0}), EPERM));
	info.si_signo = SIGUSR1;
	attack_check("rt_sigqueueinfo", refused(syscall(SYS_rt_sigqueueinfo, process, SIGUSR1, &info), EPERM));
	attack_check(
		"rt_tgsigqueueinfo", refused(syscall(SYS_rt_tgsigqueueinfo, process, process, SIGUSR1, &info), EPERM));
}

/* --- Signals that were arranged before. */

static int ends_then(void *nothing)
{
	(void)nothing;
	it_runs();
	acted();
	return 0;
}

static void child_with_exit_signal(void)
{
	helper(0, SIGUSR1, ends_then);
}

static int pair[2];

static int writes_then(void *nothing)
{
	(void)nothing;
	it_runs();
	(void)!write(pair[1], "x", 1);
	acted();
	return 0;
}

static void asks_for_signal(void)
{
	if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) != 0)
		_exit(90);
	fcntl(pair[0], F_SETOWN, getpid());
	fcntl(pair[0], F_SETSIG, SIGUSR1);
	fcntl(pair[0], F_SETFL, O_ASYNC | O_NONBLOCK);
	helper(0, SIGCHLD, writes_then);
}

static void timers(void)
{
	struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1};
	struct itimerspec soon = {{0, 1000000}, {0, 200000000}};
	timer_t timer;

	for (int i = 0; i < 8; i++)
		if (timer_create(i % 2 ? CLOCK_MONOTONIC : CLOCK_REALTIME, &event, &timer) == 0)
			timer_settime(timer, 0, &soon, NULL);
}

static void some_time(pid_t process)
{
	(void)process;
	pause_ms(400);
}

/* The program's parent, which ends when it runs: that was asked for before. */
static void parent_that_ends(void)
{
	pid_t child;

	prctl(PR_SET_CHILD_SUBREAPER, 0);
	child = fork();
	if (child != 0) {
		it_runs();
		acted();
		_exit(0);
	}
	prctl(PR_SET_PDEATHSIG, SIGUSR1);
}

/* --- Helpers that share something. */

static int closes_then(void *nothing)
{
	(void)nothing;
	it_runs();
	for (int fd = 0; fd < 64; fd++)
		close(fd);
	dup2(open("/dev/null", O_RDONLY), PLANTED);
	acted();
	return 0;
}

static void shared_descriptors(void)
{
	helper(CLONE_FILES, SIGCHLD, closes_then);
}

static int handles_then(void *nothing)
{
	(void)nothing;
	it_runs();
	signal(SIGUSR1, SIG_IGN);
	signal(SIGTERM, (void (*)(int))(uintptr_t)0x400000);
	strcpy(secret, "changed");
	acted();
	return 0;
}

/* As much as is to be had. */
static void shared_everything(void)
{
	static const int all[] = {CLONE_VM | CLONE_SIGHAND | CLONE_FILES, CLONE_VM | CLONE_SIGHAND, CLONE_VM,
		CLONE_FILES | CLONE_SYSVSEM};

	for (unsigned i = 0; i < sizeof all / sizeof all[0]; i++)
		helper(all[i], SIGCHLD, handles_then);
}

static int leaves_directory(void *nothing)
{
	(void)nothing;
	for (int i = 0; i < 200 && !shared->stop; i++)
		(void)!chdir(i % 2 ? "/" : "/tmp");
	return 0;
}

static void shared_directory(void)
{
	helper(CLONE_FS, SIGCHLD, leaves_directory);
}

static int moves_later(void *nothing)
{
	(void)nothing;
	while (!shared->stop)
		(void)!chdir("/tmp");
	return 0;
}

static void directory_for_good(void)
{
	helper(CLONE_FS, SIGCHLD, moves_later);
}

static pid_t borrower;

/* The program is run by a child of vfork, in its parent's memory, which goes on in that afterwards. */
static void run_in_vfork(void)
{
	borrower = vfork();
	if (borrower == 0) {
		execle(set_uid, "setuid", mode, (char *)NULL, environment);
		_exit(100);
	}
	strcpy(secret, "changed");
	for (int i = 0; i < 100; i++) {
		acted();
		if (setuid(0) == 0)
			shared->root++;
		pause_ms(1);
	}
	waitpid(borrower, NULL, 0);
	_exit(0);
}

/* --- Threads that race with the exec. */

static void *changes(void *nothing)
{
	for (;;) {
		acted();
		prctl(PR_SET_DUMPABLE, 1);
		prctl(PR_SET_PDEATHSIG, SIGUSR1);
		dup3(GO, PLANTED, O_CLOEXEC);
		signal(SIGTERM, (void (*)(int))(uintptr_t)0x400000);
		setitimer(ITIMER_REAL, &(struct itimerval){{0, 0}, {100, 0}}, NULL);
	}
	return nothing;
}

static void threads_that_change(void)
{
	pthread_t thread;

	for (int i = 0; i < 3; i++)
		if (pthread_create(&thread, NULL, changes, NULL) != 0)
			_exit(91);
	pause_ms(1);
}

static volatile int ready;

static void *executes(void *nothing)
{
	while (!ready)
		;
	plainly();
	return nothing;
}

/* All of them at once, from memory that is being unmapped, too. */
static void all_execute(void)
{
	pthread_t thread;

	for (int i = 0; i < 4; i++)
		if (pthread_create(&thread, NULL, executes, NULL) != 0)
			_exit(92);
	ready = 1;
	plainly();
}

static void vfork_beside(void)
{
	pthread_t thread;

	if (pthread_create(&thread, NULL, executes, NULL) != 0)
		_exit(92);
	if (vfork() == 0) {
		ready = 1;
		for (int i = 0; i < 20; i++) {
			acted();
			pause_ms(1);
		}
		_exit(0);
	}
	pause_ms(PATIENCE_MS);
}

static void races(void)
{
	struct outcome outcome;
	unsigned wrong = 0;

	for (int i = 0; i < RACES; i++) {
		outcome = try((struct trial){.prepare = threads_that_change});
		wrong += !is_itself(&outcome);
	}
	attack_check("threads change it while it is made", wrong == 0);
	for (int i = wrong = 0; i < RACES; i++) {
		outcome = try((struct trial){.prepare = shared_directory});
		wrong += !is_itself(&outcome) && !gained_nothing(&outcome);
	}
	attack_check("its directory is shared until it is made", wrong == 0);
	for (int i = wrong = 0; i < RACES / 2; i++) {
		outcome = try((struct trial){.execute = all_execute});
		wrong += !is_itself(&outcome);
	}
	attack_check("all threads execute it at once", wrong == 0);
	outcome = try((struct trial){.prepare = directory_for_good});
	attack_check("a program that shares its directory gains nothing", gained_nothing(&outcome));
}

/* --- So little of everything that it cannot go on. */

static int limited;

static void set_limit(void)
{
	setrlimit(limited, &(struct rlimit){0, 0});
}

static void no_standard(void)
{
	close(0);
	close(1);
	close(2);
}

static void nothing_open_nor_to_be_opened(void)
{
	no_standard();
	limited = RLIMIT_NOFILE;
	set_limit();
}

static void endless_stack(void)
{
	setrlimit(RLIMIT_STACK, &(struct rlimit){RLIM_INFINITY, RLIM_INFINITY});
}

static void no_arguments(void)
{
	execve(set_uid, (char *[]){NULL}, (char *[]){NULL});
}

static void too_many_arguments(void)
{
	static char text[LARGE - 16];
	static char *arguments[80];

	memset(text, 'x', sizeof text - 1);
	for (unsigned i = 0; i < 79; i++)
		arguments[i] = text;
	arguments[0] = (char *)"setuid";
	arguments[1] = (char *)mode;
	endless_stack();
	execve(set_uid, arguments, environment);
}

static void unreadable_arguments(void)
{
	execve(set_uid, (char *[]){(char *)"setuid", (char *)16, NULL}, environment);
}

static void little(void)
{
	static const struct {
		int limit;
		const char *what;
	} limits[] = {{RLIMIT_FSIZE, "without a size of files"}, {RLIMIT_NOFILE, "without descriptors"},
		{RLIMIT_STACK, "without a stack"}, {RLIMIT_AS, "without address space"}, {RLIMIT_DATA, "without data"},
		{RLIMIT_NPROC, "without processes"}, {RLIMIT_MEMLOCK, "without locked memory"},
		{RLIMIT_SIGPENDING, "without signals"}, {RLIMIT_CPU, "without time"}};
	struct outcome outcome;

	for (unsigned i = 0; i < sizeof limits / sizeof limits[0]; i++) {
		limited = limits[i].limit;
		outcome = try((struct trial){.prepare = set_limit});
		attack_check(limits[i].what,
			is_itself(&outcome) || (!outcome.ran && outcome.status != 101 << 8 && shared->root == 0));
	}
	outcome = try((struct trial){.prepare = no_standard});
	attack_check("what it opens comes in the place of its output",
		is_itself(&outcome) && outcome.first.standard_open == 7);
	outcome = try((struct trial){.prepare = nothing_open_nor_to_be_opened});
	attack_check("the same when nothing can be opened", !outcome.ran || outcome.first.standard_open == 7);
	outcome = try((struct trial){.prepare = endless_stack});
	attack_check("a stack without end", is_itself(&outcome) && outcome.first.stack <= STACK_MOST);
	outcome = try((struct trial){.execute = too_many_arguments});
	attack_check("arguments that fill its stack", !outcome.ran && outcome.status == 100 << 8);
	outcome = try((struct trial){.execute = unreadable_arguments});
	attack_check("arguments that cannot be read", !outcome.ran && outcome.status == 100 << 8);
	outcome = try((struct trial){.execute = no_arguments});
	attack_check("without arguments", is_itself(&outcome) && outcome.first.arguments == 1);
}

/* --- Other ways to run it. */

static char folder[64];

static void by_descriptor(void)
{
	fexecve(open(set_uid, O_RDONLY | O_CLOEXEC), (char *[]){(char *)"setuid", (char *)mode, NULL}, environment);
}

static void by_path_descriptor(void)
{
	syscall(SYS_execveat, open(set_uid, O_PATH), "", (char *[]){(char *)"setuid", (char *)mode, NULL}, environment,
		AT_EMPTY_PATH);
}

static void by_proc(void)
{
	char path[32];

	snprintf(path, sizeof path, "/proc/self/fd/%d", open(set_uid, O_PATH));
	execle(path, "setuid", mode, (char *)NULL, environment);
}

static void by_link(void)
{
	execle("link", "setuid", mode, (char *)NULL, environment);
}

static void by_script(void)
{
	execle("script", "setuid", mode, (char *)NULL, environment);
}

static void without_new_rights(void)
{
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
}

/* A copy of this program into the descriptor, set-uid and set-gid. */
static int copy_into(int to)
{
	static char bytes[65536];
	int from = open("/proc/self/exe", O_RDONLY);
	ssize_t size;

	while ((size = read(from, bytes, sizeof bytes)) > 0)
		(void)!write(to, bytes, (size_t)size);
	close(from);
	fchmod(to, 06755);
	return to;
}

static void own_copy(void)
{
	execle("copy", "setuid", mode, (char *)NULL, environment);
}

static int memory_file;

static void own_memory_file(void)
{
	fexecve(memory_file, (char *[]){(char *)"setuid", (char *)mode, NULL}, environment);
}

static void script(const char *line, mode_t file_mode)
{
	int fd = open("script", O_CREAT | O_TRUNC | O_WRONLY, 0755);

	dprintf(fd, "%s\n", line);
	fchmod(fd, file_mode);
	close(fd);
}

static void ways(void)
{
	char line[128];
	struct outcome outcome;
	int fd;

	shall_be_itself("by a descriptor", (struct trial){.execute = by_descriptor});
	shall_be_itself("by a descriptor of a path", (struct trial){.execute = by_path_descriptor});
	shall_be_itself("by /proc/self/fd", (struct trial){.execute = by_proc});
	(void)!symlink(set_uid, "link");
	shall_be_itself("by a link", (struct trial){.execute = by_link});
	snprintf(line, sizeof line, "#!%s tell", set_uid);
	script(line, 0755);
	shall_be_itself("as an interpreter", (struct trial){.execute = by_script});
	script("#!/proc/self/exe tell", 06755);
	outcome = try((struct trial){.execute = by_script});
	attack_check("a script with a set-uid bit", gained_nothing(&outcome));
	outcome = try((struct trial){.prepare = without_new_rights, .execute = by_script});
	attack_check("a script without new rights", gained_nothing(&outcome));
	outcome = try((struct trial){.prepare = without_new_rights, .execute = by_path_descriptor});
	attack_check("a descriptor without new rights", gained_nothing(&outcome));
	close(copy_into(open("copy", O_CREAT | O_TRUNC | O_WRONLY, 0700)));
	outcome = try((struct trial){.execute = own_copy});
	attack_check("a copy of one's own", outcome.ran && gained_nothing(&outcome));
	attack_check("that becomes root's", refused(chown("copy", 0, (gid_t)-1), EPERM));
	attack_check("that becomes root's group's", refused(chown("copy", (uid_t)-1, 0), EPERM));
	unlink("linked");
	fd = copy_into(open(".", O_TMPFILE | O_RDWR, 0700));
	snprintf(line, sizeof line, "/proc/self/fd/%d", fd);
	(void)!linkat(AT_FDCWD, line, AT_FDCWD, "linked", AT_SYMLINK_FOLLOW);
	close(fd);
	rename("linked", "copy");
	outcome = try((struct trial){.execute = own_copy});
	attack_check("a file that had no name", outcome.ran && gained_nothing(&outcome));
	memory_file = copy_into(memfd_create("copy", 0));
	snprintf(line, sizeof line, "/proc/self/fd/%d", memory_file);
	fd = open(line, O_RDONLY);
	close(memory_file);
	memory_file = fd;
	outcome = try((struct trial){.execute = own_memory_file});
	attack_check("a file in memory", outcome.ran && gained_nothing(&outcome));
	attack_check("root's group's file in memory", refused(fchown(memory_file, (uid_t)-1, 0), EPERM));
	close(memory_file);
}

/* --- The file itself. */

static void change_file(void)
{
	struct timeval times[2] = {{0, 0}};
	int fd = open(set_uid, O_PATH);
	char path[32], last[80];

	snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	attack_check("open for writing", refused(open(set_uid, O_WRONLY), EACCES));
	attack_check("open for writing by a descriptor", refused(open(path, O_RDWR), EACCES));
	attack_check("truncate", refused(truncate(set_uid, 0), EACCES));
	attack_check("truncate by a descriptor", refused(truncate(path, 0), EACCES));
	attack_check("O_TRUNC for reading", refused(open(set_uid, O_RDONLY | O_TRUNC), EACCES));
	attack_check("chmod", refused(chmod(path, 06777), EPERM));
	attack_check("chown", refused(chown(path, USER, USER), EPERM));
	attack_check("utimes", refused(utimes(path, times), EPERM));
	attack_check("rename", refused(rename(set_uid, "taken"), EACCES) || errno == EXDEV);
	attack_check("unlink", refused(unlink(set_uid), EACCES));
	attack_check("an extended attribute", refused(syscall(SYS_setxattr, path, "user.x", "y", 1, 0), EACCES));
	/* A second name changes nothing, where there may be one. */
	if (linkat(AT_FDCWD, path, AT_FDCWD, "second", AT_SYMLINK_FOLLOW) == 0 || link(set_uid, "second") == 0) {
		attack_check("writing by another name", refused(open("second", O_WRONLY), EACCES));
		attack_check("chmod by another name", refused(chmod("second", 06777), EPERM));
		unlink("second");
	}
	close(fd);
	attack_check("mount over it", refused(mount("none", "/bin", "tmpfs", 0, NULL), EPERM));
	attack_check("another root", refused(chroot("/tmp"), EPERM));
	snprintf(last, sizeof last, "%s", set_uid);
	attack_check("a file beside it", refused(open(strcat(last, "2"), O_CREAT | O_WRONLY, 0755), EACCES));
}

/* Writes to an own program that runs; each way, by each name. */
static void write_running(pid_t process)
{
	char path[32];
	char *memory;
	int fd, from;

	snprintf(path, sizeof path, "/proc/%d/exe", process);
	(void)!link("copy", "other");
	for (const char *const *name = (const char *const[]){"copy", "other", path, NULL}; *name != NULL; name++) {
		attack_check("O_WRONLY of what runs", refused(open(*name, O_WRONLY), ETXTBSY));
		attack_check("O_RDWR of what runs", refused(open(*name, O_RDWR | O_APPEND), ETXTBSY));
		attack_check("O_TRUNC of what runs", refused(open(*name, O_RDONLY | O_TRUNC), ETXTBSY));
		attack_check("truncate of what runs", refused(truncate(*name, 0), ETXTBSY));
		attack_check("O_CREAT of what runs", refused(open(*name, O_CREAT | O_WRONLY, 0600), ETXTBSY));
	}
	fd = open("copy", O_RDONLY);
	from = open("/proc/self/exe", O_RDONLY);
	attack_check("fallocate of what runs", refused(fallocate(fd, 0, 0, 4096), EBADF));
	attack_check("ftruncate of what runs", refused(ftruncate(fd, 0), EINVAL) || errno == EBADF);
	attack_check("sendfile into what runs", refused(sendfile(fd, from, NULL, 10), EBADF));
	attack_check("copy_file_range into what runs", refused(copy_file_range(from, NULL, fd, NULL, 10, 0), EBADF));
	if (pipe(pair) == 0 && write(pair[1], "x", 1) == 1) {
		attack_check("splice into what runs", refused(splice(pair[0], NULL, fd, NULL, 1, 0), EBADF));
		close(pair[0]);
		close(pair[1]);
	}
	memory = mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0);
	attack_check(
		"a mapping that becomes writable", refused(mprotect(memory, 4096, PROT_READ | PROT_WRITE), EACCES));
	munmap(memory, 4096);
	close(fd);
	close(from);
	unlink("other");
}

static void execute_copy(void)
{
	execle("copy", "setuid", "tell", (char *)NULL, environment);
}

static char *mapped;

static void unmap(pid_t process)
{
	(void)process;
	munmap(mapped, 4096);
}

static void write_and_run(void)
{
	struct outcome outcome;
	int fd;

	unlink("copy");
	close(copy_into(open("copy", O_CREAT | O_RDWR, 0700)));
	outcome = try((struct trial){.execute = execute_copy, .meanwhile = write_running});
	attack_check("an own program runs", outcome.ran);
	fd = open("copy", O_RDWR);
	mapped = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	outcome = try((struct trial){.execute = execute_copy});
	attack_check("what is open for writing runs", !outcome.ran);
	close(fd);
	outcome = try((struct trial){.execute = execute_copy});
	attack_check("what a mapping can write runs", !outcome.ran);
	unmap(0);
	outcome = try((struct trial){.execute = execute_copy});
	attack_check("it runs when nobody can write it", outcome.ran);
	/* A descriptor that is nowhere but in a message. */
	fd = open("copy", O_WRONLY);
	if (socketpair(AF_UNIX, SOCK_DGRAM, 0, pair) == 0) {
		char room[CMSG_SPACE(sizeof fd)] = {0};
		struct iovec byte = {(char[]){"x"}, 1};
		struct msghdr message = {
			.msg_iov = &byte, .msg_iovlen = 1, .msg_control = room, .msg_controllen = sizeof room};
		struct cmsghdr *header = CMSG_FIRSTHDR(&message);

		header->cmsg_level = SOL_SOCKET;
		header->cmsg_type = SCM_RIGHTS;
		header->cmsg_len = CMSG_LEN(sizeof fd);
		memcpy(CMSG_DATA(header), &fd, sizeof fd);
		sendmsg(pair[1], &message, 0);
		close(fd);
		outcome = try((struct trial){.execute = execute_copy});
		attack_check("what a message holds open for writing runs", !outcome.ran);
		close(pair[0]);
		close(pair[1]);
	}
}

/* --- Set-id bits go when the owner writes; by ways that tests/unix/progs/setid has not. */

static bool cleared(const char *name)
{
	struct stat about;

	return stat(name, &about) == 0 && (about.st_mode & 07777) == 0755;
}

/* act: true when it has written. */
static void bits_by(const char *what, bool (*act)(int fd))
{
	int fd = open("bits", O_CREAT | O_TRUNC | O_RDWR, 0700);

	if (write(fd, "0123456789", 10) != 10 || fchmod(fd, 06755) != 0)
		attack_check("a file for set-id bits", false);
	lseek(fd, 0, SEEK_SET);
	if (act(fd))
		attack_check(what, cleared("bits"));
	close(fd);
	unlink("bits");
}

static bool splices_into(int fd)
{
	int pipes[2];
	bool done = pipe(pipes) == 0 && write(pipes[1], "x", 1) == 1 && splice(pipes[0], NULL, fd, NULL, 1, 0) == 1;

	close(pipes[0]);
	close(pipes[1]);
	return done;
}

static bool writes_at_end(int fd)
{
	return pwritev2(fd, &(struct iovec){(char[]){"x"}, 1}, 1, -1, RWF_APPEND) == 1;
}

static bool copies_itself(int fd)
{
	return copy_file_range(fd, &(off_t){0}, fd, &(off_t){5}, 3, 0) == 3;
}

static bool reopens(int fd)
{
	char path[32];
	bool done;

	snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	fd = open(path, O_WRONLY);
	done = write(fd, "x", 1) == 1;
	close(fd);
	return done;
}

static bool lends(int fd)
{
	int status = 1;
	pid_t child = vfork();

	if (child == 0)
		_exit(write(fd, "x", 1) != 1);
	waitpid(child, &status, 0);
	return status == 0;
}

static void bits(void)
{
	bits_by("set-id bits after splice", splices_into);
	bits_by("set-id bits after pwritev2", writes_at_end);
	bits_by("set-id bits after copy_file_range in the file", copies_itself);
	bits_by("set-id bits after a write by /proc/self/fd", reopens);
	bits_by("set-id bits after a write by a child of vfork", lends);
}

static void heard(int signal)
{
	(void)signal;
}

int main(int argc, char **argv)
{
	/* It is run with any arguments or none. */
	if (argc < 1 || getauxval(AT_SECURE) != 0 || (argc > 1 && strcmp(argv[1], "tell") == 0))
		return tell(argc, argc > 1 && strcmp(argv[1], "full") == 0);
	set_uid = getenv("ATTACK_SETUID");
	strcpy(folder, "/var/tmp/identity.XXXXXX");
	shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (set_uid == NULL || shared == MAP_FAILED || mkdtemp(folder) == NULL || chdir(folder) != 0)
		return 2;
	signal(SIGUSR1, heard);
	signal(SIGPIPE, SIG_IGN);
	/* Whom it looks into must be one that began as this user. */
	prctl(PR_SET_DUMPABLE, 1);
	setvbuf(stdout, NULL, _IOLBF, 0);

	shall_be_itself("a set-uid program is root, and knows that it must take care", (struct trial){0});
	shall_be_itself("what was opened of it before", (struct trial){.before = open_all, .meanwhile = use_all});
	close_all();
	shall_be_itself("what is done to it", (struct trial){.meanwhile = reach_in});
	no_signal("signals to it", (struct trial){.meanwhile = send_signals}, 1ul << SIGUSR1);
	no_signal("a child's end that is to be another signal",
		(struct trial){.prepare = child_with_exit_signal, .meanwhile = wait_acted}, 1ul << SIGUSR1);
	no_signal("input that sends a signal", (struct trial){.prepare = asks_for_signal, .meanwhile = wait_acted},
		1ul << SIGUSR1 | 1ul << SIGIO);
	no_signal("timers made before", (struct trial){.prepare = timers, .meanwhile = some_time}, 1ul << SIGUSR1);
	no_signal("the end of its parent", (struct trial){.prepare = parent_that_ends, .meanwhile = wait_acted},
		1ul << SIGUSR1);
	shall_be_itself(
		"who shares its descriptors", (struct trial){.prepare = shared_descriptors, .meanwhile = wait_acted});
	shall_be_itself(
		"who shares all that can be", (struct trial){.prepare = shared_everything, .meanwhile = wait_acted});
	shall_be_itself("run by a child of vfork", (struct trial){.execute = run_in_vfork, .meanwhile = wait_acted});
	shall_be_itself("run beside a child of vfork", (struct trial){.execute = vfork_beside});
	races();
	little();
	ways();
	change_file();
	write_and_run();
	bits();
	(void)!chdir("/");
	for (const char *const *name = (const char *const[]){"link", "script", "copy", NULL}; *name != NULL; name++) {
		char path[80];

		snprintf(path, sizeof path, "%s/%s", folder, *name);
		unlink(path);
	}
	rmdir(folder);
	return attack_end();
}
