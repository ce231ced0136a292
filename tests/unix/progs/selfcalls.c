/* Calls about the process itself that the other programs leave out: ids, capabilities, scheduling, usage, timers, waits
 * for signals, and what a C library asks for at its start. */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/capability.h>
#include <linux/membarrier.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/mman.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define PAGE 4096ul
#define A    2345u
#define B    2346u
#define C    2347u

static char *volatile nowhere = (char *)8; /* not memory */
#define NOWHERE ((void *)nowhere)

static void say(const char *what, long result)
{
	if (result < 0)
		printf("%s: %s\n", what, strerrorname_np(errno));
	else
		printf("%s: %ld\n", what, result);
}

#define SAY(call) say(#call, (long)(call))

static void in_child(void (*act)(void))
{
	if (fork() == 0) {
		act();
		_exit(0);
	}
	wait(NULL);
}

static void show_ids(void)
{
	uid_t u[3];
	gid_t g[3];

	if (getresuid(&u[0], &u[1], &u[2]) < 0 || getresgid(&g[0], &g[1], &g[2]) < 0)
		say("ids", -1);
	printf("uids %u %u %u, fs %d; gids %u %u %u, fs %d\n", u[0], u[1], u[2], setfsuid((uid_t)-1), g[0], g[1], g[2],
		setfsgid((gid_t)-1));
}

static void ids_of_root(void)
{
	SAY(setregid(A, B));
	SAY(setreuid(A, B));
	show_ids();
	SAY(setreuid(B, (uid_t)-1));
	show_ids();
	SAY(setreuid(A, A));
	SAY(setreuid((uid_t)-1, C));
	SAY(setregid(C, (gid_t)-1));
	SAY(setregid(B, A));
	SAY(setregid((gid_t)-1, B));
	show_ids();
	SAY(syscall(SYS_getresuid, NOWHERE, NOWHERE, NOWHERE));
	SAY(syscall(SYS_getresgid, NOWHERE, NOWHERE, NOWHERE));
}

static void ids_of_user(void)
{
	SAY(setresgid(A, B, C));
	SAY(setresuid(A, B, C));
	show_ids();
	SAY(setreuid((uid_t)-1, A));
	SAY(setreuid((uid_t)-1, C));
	show_ids();
	SAY(setreuid(C, (uid_t)-1));
	show_ids();
	SAY(setreuid(0, (uid_t)-1));
	SAY(setregid(B, B));
	show_ids();
	SAY(setregid(A, (gid_t)-1));
}

static void ids_of_files(void)
{
	SAY(setfsgid(A));
	SAY(setfsgid(B));
	SAY(setfsuid(A));
	SAY(setfsuid(B));
	show_ids();
	SAY(seteuid(C));
	show_ids();
	SAY(setfsuid(A));
	SAY(setfsuid(0));
	SAY(setfsuid(C));
	show_ids();
}

static void capabilities(void)
{
	struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0}, old = {1, 0},
					one = {_LINUX_CAPABILITY_VERSION_3, 1},
					none = {_LINUX_CAPABILITY_VERSION_3, 999999};
	struct __user_cap_data_struct data[2] = {{0}};

	SAY(syscall(SYS_capget, &header, data));
	printf("root: chown %d\n", (int)(data[0].effective & 1));
	SAY(syscall(SYS_capget, &old, data));
	printf("version %x\n", old.version);
	old.version = 1;
	SAY(syscall(SYS_capget, &old, NULL));
	SAY(syscall(SYS_capget, &one, data));
	SAY(syscall(SYS_capget, &none, data));
	SAY(syscall(SYS_capget, NOWHERE, data));
	SAY(syscall(SYS_capget, &header, NOWHERE));
	SAY(syscall(SYS_capset, &one, data));
	SAY(syscall(SYS_capset, NOWHERE, data));
	SAY(syscall(SYS_capset, &header, NOWHERE));
	old.version = 1;
	SAY(syscall(SYS_capset, &old, data));
	SAY(setuid(A));
	SAY(syscall(SYS_capget, &header, data));
	printf("a user: %x %x %x\n", data[0].effective, data[0].permitted, data[0].inheritable);
	SAY(syscall(SYS_capset, &header, data));
	data[0].effective = data[0].permitted = 1;
	SAY(syscall(SYS_capset, &header, data));
	data[0].effective = 1;
	data[0].permitted = 0;
	SAY(syscall(SYS_capset, &header, data));
}

static void scheduling(void)
{
	struct sched_param zero = {0}, one = {1}, got = {7};
	struct timespec interval = {7, 7};
	unsigned processor = 99, node = 99;
	cpu_set_t set;

	SAY(sched_yield());
	SAY(sched_getscheduler(0));
	SAY(sched_getscheduler(-1));
	SAY(sched_getscheduler(999999));
	SAY(sched_getparam(0, &got));
	printf("%d\n", got.sched_priority);
	SAY(sched_getparam(-1, &got));
	SAY(sched_getparam(999999, &got));
	SAY(syscall(SYS_sched_getparam, 0, NULL));
	SAY(syscall(SYS_sched_getparam, 0, NOWHERE));
	SAY(sched_setscheduler(0, SCHED_OTHER, &zero));
	SAY(sched_setscheduler(0, SCHED_OTHER, &one));
	SAY(sched_setscheduler(0, SCHED_BATCH, &zero));
	SAY(sched_getscheduler(0));
	SAY(sched_setscheduler(0, SCHED_OTHER, &zero));
	SAY(sched_setscheduler(0, 77, &zero));
	SAY(sched_setscheduler(-1, SCHED_OTHER, &zero));
	SAY(sched_setscheduler(999999, SCHED_OTHER, &zero));
	SAY(syscall(SYS_sched_setscheduler, 0, SCHED_OTHER, NOWHERE));
	SAY(sched_setparam(0, &zero));
	SAY(sched_setparam(0, &one));
	SAY(sched_setparam(-1, &zero));
	SAY(sched_setparam(999999, &zero));
	SAY(syscall(SYS_sched_setparam, 0, NULL));
	SAY(sched_get_priority_max(SCHED_FIFO));
	SAY(sched_get_priority_min(SCHED_FIFO));
	SAY(sched_get_priority_max(SCHED_OTHER));
	SAY(sched_get_priority_min(SCHED_OTHER));
	SAY(sched_get_priority_max(77));
	SAY(sched_get_priority_min(-1));
	SAY(sched_rr_get_interval(-1, &interval));
	SAY(sched_rr_get_interval(999999, &interval));
	SAY(syscall(SYS_sched_rr_get_interval, 0, NOWHERE));
	SAY(sched_rr_get_interval(0, &interval));
	printf("%ld, less than a second %d\n", (long)interval.tv_sec,
		interval.tv_nsec >= 0 && interval.tv_nsec < 1000000000);
	SAY(sched_getaffinity(0, sizeof set, &set));
	SAY(sched_setaffinity(0, sizeof set, &set));
	SAY(sched_setaffinity(999999, sizeof set, &set));
	SAY(syscall(SYS_sched_setaffinity, 0, sizeof set, NOWHERE));
	CPU_ZERO(&set);
	SAY(sched_setaffinity(0, sizeof set, &set));
	SAY(syscall(SYS_getcpu, &processor, &node, NULL));
	printf("%d %u\n", processor < 64, node);
	SAY(syscall(SYS_getcpu, NULL, NULL, NULL));
	SAY(syscall(SYS_getcpu, NOWHERE, NULL, NULL));
	SAY(syscall(SYS_ioprio_set, 77, 0, 0));
	SAY(syscall(SYS_ioprio_set, 1, 0, 5 << 13));
	SAY(syscall(SYS_ioprio_set, 1, 0, 2 << 13 | 4));
	SAY(syscall(SYS_ioprio_set, 1, 999999, 2 << 13 | 4));
	SAY(syscall(SYS_ioprio_get, 1, 0) >= 0);
}

static void usage(void)
{
	struct rusage self, children, thread;
	struct timespec before, after;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &before);
	do
		clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &after);
	while ((after.tv_sec - before.tv_sec) * 1000 + (after.tv_nsec - before.tv_nsec) / 1000000 < 50);
	SAY(getrusage(RUSAGE_SELF, &self));
	printf("used %d\n", self.ru_utime.tv_sec * 1000 + self.ru_utime.tv_usec / 1000 + self.ru_stime.tv_sec * 1000 +
					    self.ru_stime.tv_usec / 1000 >=
				    40);
	SAY(getrusage(RUSAGE_THREAD, &thread));
	printf("a thread no more than all %d\n", thread.ru_utime.tv_sec <= self.ru_utime.tv_sec + 1);
	SAY(getrusage(RUSAGE_CHILDREN, &children));
	SAY(getrusage(7, &self));
	SAY(syscall(SYS_getrusage, RUSAGE_SELF, NOWHERE));
}

static void timers(void)
{
	struct itimerval value = {{1, 500}, {100, 0}}, got;
	struct itimerspec spec = {{0, 0}, {100, 5}}, left;
	struct timespec resolution;
	struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGRTMIN};
	timer_t timer;
	int id;

	SAY(getitimer(ITIMER_REAL, &got));
	printf("%ld %ld\n", (long)got.it_value.tv_sec, (long)got.it_value.tv_usec);
	SAY(setitimer(ITIMER_REAL, &value, NULL));
	SAY(getitimer(ITIMER_REAL, &got));
	printf("%d %ld.%06ld\n", got.it_value.tv_sec >= 98, (long)got.it_interval.tv_sec,
		(long)got.it_interval.tv_usec);
	SAY(alarm(0) >= 98);
	SAY(getitimer(ITIMER_VIRTUAL, &got));
	SAY(getitimer(ITIMER_PROF, &got));
	SAY(getitimer((enum __itimer_which)3, &got));
	SAY(syscall(SYS_getitimer, ITIMER_REAL, NOWHERE));
	SAY(timer_create(CLOCK_MONOTONIC, &event, &timer));
	id = (int)(intptr_t)timer;
	SAY(timer_gettime(timer, &left));
	printf("%ld %ld\n", (long)left.it_value.tv_sec, left.it_value.tv_nsec);
	SAY(timer_settime(timer, 0, &spec, NULL));
	SAY(timer_gettime(timer, &left));
	printf("%d\n", left.it_value.tv_sec >= 98 && left.it_value.tv_sec <= 100);
	SAY(timer_getoverrun(timer));
	SAY(syscall(SYS_timer_gettime, id, NOWHERE));
	SAY(syscall(SYS_timer_gettime, 99, &left));
	SAY(syscall(SYS_timer_getoverrun, 99));
	SAY(timer_delete(timer));
	SAY(syscall(SYS_timer_gettime, id, &left));
	SAY(clock_getres(CLOCK_MONOTONIC, &resolution));
	printf("%ld %ld\n", (long)resolution.tv_sec, resolution.tv_nsec);
	SAY(clock_getres(CLOCK_PROCESS_CPUTIME_ID, &resolution));
	SAY(clock_getres(CLOCK_REALTIME, NULL));
	SAY(clock_getres(77, &resolution));
	SAY(syscall(SYS_clock_getres, CLOCK_REALTIME, NOWHERE));
}

static volatile int heard;

static void hear(int number)
{
	heard = number;
}

static void waits(void)
{
	struct timespec soon = {0, 20000000}, never = {0, 0}, wrong = {0, -1};
	sigset_t usr1, usr2, pending, none, old;
	siginfo_t info;
	pid_t child;

	sigemptyset(&none);
	sigemptyset(&usr1);
	sigaddset(&usr1, SIGUSR1);
	sigemptyset(&usr2);
	sigaddset(&usr2, SIGUSR2);
	signal(SIGUSR1, hear);
	signal(SIGUSR2, hear);
	sigprocmask(SIG_BLOCK, &usr1, &old);
	raise(SIGUSR1);
	SAY(sigpending(&pending));
	printf("%d %d\n", sigismember(&pending, SIGUSR1), sigismember(&pending, SIGUSR2));
	SAY(syscall(SYS_rt_sigpending, &pending, 9));
	SAY(syscall(SYS_rt_sigpending, NOWHERE, 8));
	SAY(sigtimedwait(&usr1, &info, &never));
	printf("%d %d %d\n", info.si_signo, info.si_code, info.si_pid == getpid());
	SAY(sigtimedwait(&usr1, &info, &never));
	SAY(sigtimedwait(&usr1, &info, &soon));
	SAY(sigtimedwait(&usr1, &info, &wrong));
	SAY(syscall(SYS_rt_sigtimedwait, &usr1, NULL, &never, 7));
	SAY(syscall(SYS_rt_sigtimedwait, NOWHERE, NULL, &never, 8));
	raise(SIGUSR1);
	SAY(sigsuspend(&none));
	printf("heard %d, blocked again %d\n", heard,
		sigprocmask(SIG_BLOCK, NULL, &pending) == 0 && sigismember(&pending, SIGUSR1));
	SAY(syscall(SYS_rt_sigsuspend, &none, 7));
	SAY(syscall(SYS_rt_sigsuspend, NOWHERE, 8));
	heard = 0;
	child = fork();
	if (child == 0) {
		for (;;) { /* the first may come before the wait */
			usleep(50000);
			kill(getppid(), SIGUSR2);
		}
	}
	/* A handler of another signal ends the wait. */
	SAY(sigwaitinfo(&usr1, &info));
	printf("heard %d\n", heard);
	kill(child, SIGKILL);
	wait(NULL);
	sigprocmask(SIG_SETMASK, &old, NULL);
}

/* What a handler changes in the frame holds after its return (rt_sigreturn). */
static void change_registers(int number, siginfo_t *info, void *context)
{
	ucontext_t *frame = context;

	(void)number;
	(void)info;
	frame->uc_mcontext.gregs[REG_RBX] = 77;
	sigaddset(&frame->uc_sigmask, SIGUSR2);
}

static void returning(void)
{
	struct sigaction action = {.sa_sigaction = change_registers, .sa_flags = SA_SIGINFO};
	register long result __asm__("rbx") = 1;
	sigset_t now;
	int status;

	sigaction(SIGUSR1, &action, NULL);
	__asm__ volatile("syscall"
			 : "+r"(result)
			 : "a"(SYS_kill), "D"(getpid()), "S"(SIGUSR1)
			 : "rcx", "r11", "memory");
	printf("changed by the handler %ld\n", result);
	sigprocmask(SIG_BLOCK, NULL, &now);
	printf("mask %d %d\n", sigismember(&now, SIGUSR1), sigismember(&now, SIGUSR2));
	if (fork() == 0) {
		/* Without a frame it is a crash. */
		__asm__ volatile("mov $8, %%rsp; mov %0, %%eax; syscall" : : "i"(SYS_rt_sigreturn) : "memory");
		_exit(0);
	}
	wait(&status);
	printf("without a frame: signal %d\n", WTERMSIG(status));
}

static char other_stack[65536];

static void on_other_stack(int number)
{
	stack_t now, wanted = {.ss_sp = other_stack, .ss_size = 8192};

	(void)number;
	SAY(sigaltstack(NULL, &now));
	printf("inside %d\n", now.ss_flags);
	SAY(sigaltstack(&wanted, NULL));
}

static void other_stacks(void)
{
	stack_t now, wanted = {.ss_sp = other_stack, .ss_size = sizeof other_stack};
	struct sigaction action = {.sa_handler = on_other_stack, .sa_flags = SA_ONSTACK};

	sigaltstack(NULL, &now);
	printf("at first %d\n", now.ss_flags);
	SAY(sigaltstack(&wanted, NULL));
	sigaction(SIGUSR1, &action, NULL);
	raise(SIGUSR1);
	sigaltstack(NULL, &now);
	printf("after %d\n", now.ss_flags);
	wanted.ss_flags = (int)(1u << 31); /* SS_AUTODISARM */
	SAY(sigaltstack(&wanted, &now));
	SAY(sigaltstack(NULL, &now));
	printf("%x\n", (unsigned)now.ss_flags);
	raise(SIGUSR1);
	SAY(sigaltstack(NULL, &now));
	printf("%x %d\n", (unsigned)now.ss_flags, now.ss_size == sizeof other_stack);
	wanted.ss_flags = SS_DISABLE;
	SAY(sigaltstack(&wanted, NULL));
	sigaltstack(NULL, &now);
	printf("off %d\n", now.ss_flags);
}

static void memory(void)
{
	unsigned char resident[4] = {9, 9, 9, 9};
	char *area = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	area[0] = area[2 * PAGE] = 'x';
	SAY(mincore(area, 4 * PAGE, resident));
	printf("%d . %d .\n", resident[0] & 1, resident[2] & 1);
	SAY(mincore(area + 1, PAGE, resident));
	SAY(mincore(area, 0, resident));
	SAY(mincore(area, 4 * PAGE, NOWHERE));
	munmap(area + PAGE, PAGE);
	SAY(mincore(area, 4 * PAGE, resident));
	SAY(mincore((void *)(1ul << 46), PAGE, resident));
	munmap(area, 4 * PAGE);
}

static void starting(void)
{
	struct clone_args arguments = {.exit_signal = SIGCHLD}, wrong = {.exit_signal = SIGCHLD};
	struct robust {
		struct robust *next;
		long offset;
		void *pending;
	} head = {&head, 0, NULL}, *got = NULL;
	size_t size = 0;
	int status;
	long child;

	SAY(syscall(SYS_set_robust_list, &head, sizeof head));
	SAY(syscall(SYS_get_robust_list, 0, &got, &size));
	printf("%d %zu\n", got == &head, size);
	SAY(syscall(SYS_get_robust_list, 999999, &got, &size));
	SAY(syscall(SYS_get_robust_list, 0, NOWHERE, &size));
	SAY(syscall(SYS_get_robust_list, 0, &got, NOWHERE));
	SAY(personality(0xffffffff));
	SAY(personality(0));
	SAY(syscall(SYS_membarrier, 77, 0, 0));
	SAY(syscall(SYS_membarrier, MEMBARRIER_CMD_QUERY, 1, 0));
	SAY(syscall(SYS_membarrier, MEMBARRIER_CMD_QUERY, 0, 0) >= 0);
	SAY(syscall(SYS_rseq, NOWHERE, 3, 0, 0) < 0);
	child = syscall(SYS_clone3, &arguments, sizeof arguments);
	if (child == 0)
		_exit(33);
	wait(&status);
	printf("clone3 %d %d\n", child > 0, WEXITSTATUS(status));
	SAY(syscall(SYS_clone3, &arguments, 63));
	SAY(syscall(SYS_clone3, &arguments, 5000));
	SAY(syscall(SYS_clone3, NOWHERE, sizeof arguments));
	wrong.exit_signal = 100;
	SAY(syscall(SYS_clone3, &wrong, sizeof wrong));
	wrong = arguments;
	wrong.flags = CLONE_THREAD;
	SAY(syscall(SYS_clone3, &wrong, sizeof wrong));
	wrong.flags = CLONE_SIGHAND;
	SAY(syscall(SYS_clone3, &wrong, sizeof wrong));
	wrong = arguments;
	wrong.stack = 4096;
	SAY(syscall(SYS_clone3, &wrong, sizeof wrong));
	wrong = arguments;
	wrong.flags = SIGCHLD;
	SAY(syscall(SYS_clone3, &wrong, sizeof wrong));
}

int main(void)
{
	setvbuf(stdout, NULL, _IOLBF, 0);
	in_child(ids_of_root);
	in_child(ids_of_user);
	in_child(ids_of_files);
	in_child(capabilities);
	in_child(scheduling);
	in_child(usage);
	in_child(timers);
	in_child(waits);
	in_child(returning);
	in_child(other_stacks);
	in_child(memory);
	in_child(starting);
	return 0;
}
