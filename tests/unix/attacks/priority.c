/*
 * A user tries to have more of the processor than others, and to leave them none: by every call that sets how it is
 * scheduled, by tricks with slices, by crowds of all kinds; and, being a Mach program (attack-mach: 1), by what the
 * kernel has for it.
 */
#define _GNU_SOURCE
#include "attack.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <mach/mach.h>
#include <mach/priority.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
	BYSTANDER = 1001,
	CROWD = 3,      /* of each kind */
	CROWD_MS = 300, /* that each crowd lasts */
	TRICK_MS = 120, /* that a trick is tried for */
	WATCHED = 200,  /* descriptors, timers */
	PERIOD_NS = 200000,
	LARGE = 256 << 10,
	IDLE_CLASS = 3 << 13,
	REAL_TIME_CLASS = 1 << 13,
};

static char large[LARGE];

static bool fails(long result, int error)
{
	return result == -1 && errno == error;
}

/* Another error of the same meaning, or there is no such call or process. */
static bool fails_as(long result, int error, int other)
{
	return result == -1 && (errno == error || errno == other || errno == ENOSYS);
}

static void nothing(int signal)
{
	(void)signal;
}

static uint64_t time_of(clockid_t clock)
{
	struct timespec time;

	clock_gettime(clock, &time);
	return (uint64_t)time.tv_sec * 1000000000 + (uint64_t)time.tv_nsec;
}

/* --- Calls. */

struct scheduling {
	unsigned size, policy;
	unsigned long flags;
	int nice;
	unsigned priority;
	unsigned long runtime, deadline, period;
};

static void raise_nice(void)
{
	struct rlimit more = {40, 40};
	int status = 1;

	attack_check("a nice value below 0", fails(setpriority(PRIO_PROCESS, 0, -1), EACCES));
	errno = 0;
	attack_check("nice", fails(nice(-1), EPERM));
	attack_check("far below 0", fails(setpriority(PRIO_PROCESS, 0, INT32_MIN), EACCES));
	attack_check("of all that one has", fails(setpriority(PRIO_USER, 0, -5), EACCES));
	attack_check("of the group", fails(setpriority(PRIO_PGRP, 0, -5), EACCES));
	attack_check("the limit on nice values", fails(setrlimit(RLIMIT_NICE, &more), EPERM));
	attack_check("the limit on real time", fails(setrlimit(RLIMIT_RTPRIO, &more), EPERM));
	attack_check("a higher nice value", setpriority(PRIO_PROCESS, 0, 5) == 0);
	attack_check("the way back", fails(setpriority(PRIO_PROCESS, 0, 4), EACCES));
	if (fork() == 0) {
		setsid();
		_exit(fails(setpriority(PRIO_PROCESS, 0, 0), EACCES) ? 0 : 1);
	}
	wait(&status);
	attack_check("a child's way back", status == 0);
}

static void real_time(void)
{
	static const int policies[] = {SCHED_FIFO, SCHED_RR, SCHED_FIFO | SCHED_RESET_ON_FORK};
	struct sched_param parameters = {.sched_priority = 1};
	struct scheduling wanted = {.size = sizeof wanted, .policy = SCHED_FIFO, .priority = 1};

	for (unsigned i = 0; i < sizeof policies / sizeof policies[0]; i++)
		attack_check("real time", fails_as(sched_setscheduler(0, policies[i], &parameters), EPERM, EINVAL));
	attack_check("a priority without it", fails(sched_setparam(0, &parameters), EINVAL));
	attack_check("real time by attributes", fails_as(syscall(SYS_sched_setattr, 0, &wanted, 0), EPERM, EPERM));
	wanted = (struct scheduling){.size = sizeof wanted, .policy = SCHED_OTHER, .nice = -10};
	attack_check("nice by attributes", fails_as(syscall(SYS_sched_setattr, 0, &wanted, 0), EPERM, EACCES));
	wanted = (struct scheduling){
		.size = sizeof wanted, .policy = 6, .runtime = 9000000, .deadline = 10000000, .period = 10000000};
	attack_check("a deadline", fails_as(syscall(SYS_sched_setattr, 0, &wanted, 0), EPERM, EPERM));
	attack_check("input in real time", fails(syscall(SYS_ioprio_set, 1, 0, REAL_TIME_CLASS), EPERM));
}

/* Root's and the other user's, whose shell comes and goes. */
static void others(void)
{
	struct sched_param parameters = {0};
	struct rlimit none = {0, 0};
	cpu_set_t processors;

	CPU_ZERO(&processors);
	attack_check("no processor", fails(sched_setaffinity(0, sizeof processors, &processors), EINVAL));
	CPU_SET(0, &processors);
	attack_check("pid 1's nice value", fails(setpriority(PRIO_PROCESS, 1, 19), EPERM));
	attack_check("its group's", fails_as(setpriority(PRIO_PGRP, 1, 19), EPERM, ESRCH));
	attack_check("the other user's", fails_as(setpriority(PRIO_USER, BYSTANDER, 19), EPERM, ESRCH));
	attack_check("pid 1's policy", fails(sched_setscheduler(1, SCHED_IDLE, &parameters), EPERM));
	attack_check("pid 1's parameters", fails(sched_setparam(1, &parameters), EPERM));
	attack_check("pid 1's processors", fails(sched_setaffinity(1, sizeof processors, &processors), EPERM));
	attack_check("pid 1's input", fails(syscall(SYS_ioprio_set, 1, 1, IDLE_CLASS), EPERM));
	attack_check(
		"the other user's input", fails_as(syscall(SYS_ioprio_set, 3, BYSTANDER, IDLE_CLASS), EPERM, ESRCH));
	attack_check("pid 1's time", fails(prlimit(1, RLIMIT_CPU, &none, NULL), EPERM));
	attack_check("pid 1 stopped", fails(kill(1, SIGSTOP), EPERM));
	for (pid_t process = 2; process < 200; process++) {
		struct stat about;
		char path[32];

		snprintf(path, sizeof path, "/proc/%d", process);
		if (stat(path, &about) == 0 && about.st_uid != getuid())
			attack_check("another's process stopped", fails_as(kill(process, SIGSTOP), EPERM, ESRCH));
	}
}

/* --- The kernel's calls. */

static int64_t priority_of(mach_port_t thread)
{
	struct portolan_thread_info info = {0};
	mach_msg_type_number_t count = PORTOLAN_THREAD_INFO_COUNT;

	return portolan_thread_info(thread, PORTOLAN_THREAD_INFO, (uint64_t *)&info, &count) == KERN_SUCCESS
		       ? (int64_t)info.priority
		       : -1;
}

/* No thread of the task, old or new, runs above. */
static bool no_higher(mach_port_t task, int64_t most)
{
	mach_port_t thread;
	bool held;

	if (thread_create(task, &thread) != KERN_SUCCESS)
		return true;
	for (int priority = PRIORITY_MAX; priority > most; priority--)
		portolan_thread_priority(thread, priority);
	held = priority_of(thread) <= most;
	thread_terminate(thread);
	mach_port_deallocate(mach_task_self(), thread);
	return held;
}

static void by_kernel(void)
{
	mach_port_t self = (mach_port_t)mach_trap(TRAP_THREAD_SELF, 0, 0, 0, 0, 0, 0), host = mach_host_self(), child,
		    other;
	int64_t most = priority_of(self);

	attack_check("a program's priority", most > 0 && most <= PRIORITY_USER);
	for (int priority = PRIORITY_MAX; priority > most; priority--) {
		attack_check("thread_priority", portolan_thread_priority(self, priority) != KERN_SUCCESS);
		attack_check("task_priority", portolan_task_priority(mach_task_self(), priority, priority) != KERN_SUCCESS);
		attack_check("task_max_priority without the right",
			portolan_task_max_priority(host, mach_task_self(), priority) != KERN_SUCCESS);
		attack_check("task_max_priority with another",
			portolan_task_max_priority(mach_task_self(), mach_task_self(), priority) != KERN_SUCCESS);
	}
	attack_check("time at another's expense", thread_work_for(self) != KERN_SUCCESS);
	attack_check("a new thread of one's own", no_higher(mach_task_self(), most));
	if (task_create(mach_task_self(), TRUE, &child) != KERN_SUCCESS)
		return;
	portolan_task_priority(child, PRIORITY_MAX, PRIORITY_MAX);
	portolan_task_max_priority(host, child, PRIORITY_MAX);
	attack_check("a child's thread", no_higher(child, most));
	/* Lowered, and up again; also by its child. */
	attack_check("a lower maximum", portolan_task_priority(child, (int)most - 2, (int)most - 2) == KERN_SUCCESS);
	portolan_task_priority(child, (int)most, (int)most);
	attack_check("up again", no_higher(child, most - 2));
	if (task_create(child, FALSE, &other) == KERN_SUCCESS) {
		portolan_task_priority(other, (int)most, (int)most);
		attack_check("up again by a child", no_higher(other, most - 2));
		task_terminate(other);
		mach_port_deallocate(mach_task_self(), other);
	}
	task_terminate(child);
	mach_port_deallocate(mach_task_self(), child);
	attack_check("wired memory", vm_wire(host, mach_task_self(), (vm_address_t)(uintptr_t)large & ~4095ull, 4096,
					     VM_PROT_READ) != KERN_SUCCESS);
	attack_check("the processor for good", host_reboot(host, 0) != KERN_SUCCESS);
	attack_check("an account of one's own", account_create(host, TRUE, 1 << 20, 100, &other) != KERN_SUCCESS);
	/* Names that nobody gave: none is somebody else's thread or task. */
	for (mach_port_t name = 0x100; name < 0x10000; name += 0x100)
		if (name != self && name != mach_task_self() && name != host)
			attack_check("a name that was not given",
				thread_suspend(name) != KERN_SUCCESS && task_suspend(name) != KERN_SUCCESS);
	mach_port_deallocate(mach_task_self(), self);
	mach_port_deallocate(mach_task_self(), host);
}

/* --- Tricks: who uses one gets no more than who just computes beside it. */

static void compute(uint64_t until, clockid_t clock)
{
	while (time_of(clock) < until)
		for (volatile int i = 0; i < 1000; i++)
			;
}

static void computes(void)
{
	for (;;)
		for (volatile int i = 0; i < 1000; i++)
			;
}

/* Gives way shortly before its slice is over. */
static void naps_before_end(void)
{
	for (;;) {
		compute(time_of(CLOCK_PROCESS_CPUTIME_ID) + 8000000, CLOCK_PROCESS_CPUTIME_ID);
		usleep(1);
	}
}

static void yields(void)
{
	for (;;) {
		compute(time_of(CLOCK_PROCESS_CPUTIME_ID) + 1000000, CLOCK_PROCESS_CPUTIME_ID);
		sched_yield();
	}
}

/* Another goes on with a slice of its own. */
static void hands_on(void)
{
	for (;;) {
		compute(time_of(CLOCK_MONOTONIC) + 3000000, CLOCK_MONOTONIC);
		if (fork() != 0) {
			wait(NULL);
			_exit(0);
		}
	}
}

static void reads_much(void)
{
	int fd = open("/dev/zero", O_RDONLY);

	while (read(fd, large, sizeof large) > 0)
		;
}

static void interrupted(void)
{
	struct itimerval soon = {{0, 500}, {0, 500}};

	signal(SIGALRM, nothing);
	setitimer(ITIMER_REAL, &soon, NULL);
	computes();
}

static uint64_t used_by(const struct rusage *usage)
{
	return (uint64_t)(usage->ru_utime.tv_sec + usage->ru_stime.tv_sec) * 1000000 +
	       (uint64_t)(usage->ru_utime.tv_usec + usage->ru_stime.tv_usec);
}

/* A group of processes that do it, with the time that they have used when they are ended. */
static pid_t begin(void (*act)(void))
{
	pid_t child = fork();

	if (child == 0) {
		setpgid(0, 0);
		act();
		_exit(0);
	}
	setpgid(child, child);
	return child;
}

static uint64_t end(pid_t group)
{
	struct rusage usage = {0}, sum = {0};
	pid_t child;

	kill(-group, SIGKILL);
	while ((child = wait4(-group, NULL, 0, &usage)) > 0) {
		sum.ru_utime.tv_usec += usage.ru_utime.tv_usec + usage.ru_stime.tv_usec;
		sum.ru_utime.tv_sec += usage.ru_utime.tv_sec + usage.ru_stime.tv_sec;
		kill(-group, SIGKILL);
	}
	return used_by(&sum);
}

static void trick(const char *what, void (*act)(void))
{
	uint64_t tricked, honest;
	pid_t first = begin(computes), second = begin(act);

	usleep(TRICK_MS * 1000);
	kill(-second, SIGSTOP);
	kill(-first, SIGSTOP);
	honest = end(first);
	tricked = end(second);
	if (tricked > 2 * honest)
		printf("# %s: %llu us, beside %llu\n", what, (unsigned long long)tricked, (unsigned long long)honest);
	attack_check(what, tricked <= 2 * honest);
}

/* --- Crowds. */

static void calls_much(void)
{
	int from = open("/dev/zero", O_RDONLY), to = open("/dev/null", O_WRONLY);

	while (read(from, large, sizeof large) > 0 && write(to, large, sizeof large) > 0)
		for (int i = 0; i < 100; i++)
			getppid();
}

static void gives_way(void)
{
	for (;;)
		sched_yield();
}

static void naps(void)
{
	for (;;)
		usleep(1);
}

static void ping_pong(void)
{
	volatile int *word = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	int mine = fork() == 0;

	for (;;) {
		while (*word != mine)
			syscall(SYS_futex, word, FUTEX_WAIT, !mine, NULL, NULL, 0);
		*word = !mine;
		syscall(SYS_futex, word, FUTEX_WAKE, 1, NULL, NULL, 0);
	}
}

static void forks(void)
{
	for (;;) {
		pid_t child = fork();

		if (child == 0)
			_exit(0);
		waitpid(child, NULL, 0);
	}
}

static void executes(void)
{
	for (;;) {
		if (vfork() == 0) {
			execl("/bin/true", "true", (char *)NULL);
			_exit(1);
		}
		wait(NULL);
	}
}

static void signals(void)
{
	pid_t child;

	signal(SIGUSR1, nothing);
	signal(SIGUSR2, nothing);
	child = fork();
	for (;;) {
		kill(child == 0 ? getppid() : child, child == 0 ? SIGUSR1 : SIGUSR2);
		kill(0, SIGUSR1);
	}
}

/* As many timers of each kind as are to be had. */
static void timers(void)
{
	struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1};
	struct itimerspec soon = {{0, PERIOD_NS}, {0, PERIOD_NS}};
	struct itimerval alarms = {{0, PERIOD_NS / 1000}, {0, PERIOD_NS / 1000}};
	timer_t timer;

	signal(SIGUSR1, nothing);
	signal(SIGALRM, nothing);
	setitimer(ITIMER_REAL, &alarms, NULL);
	for (int i = 0; i < WATCHED && timer_create(CLOCK_MONOTONIC, &event, &timer) == 0; i++)
		timer_settime(timer, 0, &soon, NULL);
	for (;;)
		pause();
}

static void timer_files(void)
{
	struct itimerspec soon = {{0, PERIOD_NS}, {0, PERIOD_NS}};
	struct epoll_event event = {.events = EPOLLIN}, events[WATCHED];
	int all = epoll_create1(0);

	for (int i = 0; i < WATCHED; i++) {
		int fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);

		if (fd < 0)
			break;
		timerfd_settime(fd, 0, &soon, NULL);
		epoll_ctl(all, EPOLL_CTL_ADD, fd, &event);
	}
	for (;;)
		epoll_wait(all, events, WATCHED, -1);
}

static void polls(void)
{
	struct pollfd files[WATCHED];
	int pipes[2];

	(void)!pipe(pipes);
	for (int i = 0; i < WATCHED; i++)
		files[i] = (struct pollfd){dup(pipes[0]), POLLIN, 0};
	for (;;)
		poll(files, WATCHED, 0);
}

static void maps(void)
{
	for (;;) {
		char *memory = mmap(NULL, 2 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

		for (int i = 0; i < 1 << 20; i += 4096)
			memory[i] = 1;
		munmap(memory, 2 << 20);
	}
}

static void names(void)
{
	char path[64];

	for (unsigned i = 0;; i++) {
		snprintf(path, sizeof path, "/tmp/../tmp/./priority.%d.%u", getpid(), i % 8);
		close(open(path, O_CREAT | O_RDWR, 0600));
		unlink(path);
		close(open("/proc/self/maps", O_RDONLY));
	}
}

static void *called(void *argument)
{
	for (;;)
		getppid();
	return argument;
}

static void threads(void)
{
	pthread_t thread;

	for (int i = 0; i < 8; i++)
		pthread_create(&thread, NULL, called, NULL);
	called(NULL);
}

/* Each kind so many times, all together. */
static void crowd(void (*const *kinds)(void))
{
	pid_t group[32];
	unsigned count = 0;

	for (; *kinds != NULL; kinds++)
		for (int i = 0; i < CROWD; i++)
			group[count++] = begin(*kinds);
	for (uint64_t until = time_of(CLOCK_MONOTONIC) + CROWD_MS * 1000000ull; time_of(CLOCK_MONOTONIC) < until;)
		usleep(10000);
	for (unsigned i = 0; i < count; i++)
		kill(-group[i], SIGKILL);
	for (unsigned i = 0; i < count; i++)
		end(group[i]);
}

int main(void)
{
	int64_t task = mach_trap(TRAP_TASK_SELF, 0, 0, 0, 0, 0, 0);
	cpu_set_t first;

	setvbuf(stdout, NULL, _IOLBF, 0);
	others();
	real_time();
	/* Where the kernel is another it has none of it. */
	if (task > 0) {
		mach_task_self_ = (mach_port_t)task;
		by_kernel();
	}
	/* Where there are several processors all compete for one. */
	CPU_ZERO(&first);
	CPU_SET(0, &first);
	sched_setaffinity(0, sizeof first, &first);
	trick("a nap before the slice ends", naps_before_end);
	trick("giving way often", yields);
	trick("a child that goes on", hands_on);
	trick("much of it in calls", reads_much);
	trick("interrupted often", interrupted);
	crowd((void (*const[])(void)){computes, calls_much, gives_way, naps, maps, threads, NULL});
	crowd((void (*const[])(void)){ping_pong, forks, executes, signals, names, NULL});
	crowd((void (*const[])(void)){timers, timer_files, polls, naps_before_end, hands_on, NULL});
	raise_nice();
	return attack_end();
}
