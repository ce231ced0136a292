/* Clocks, timers, sleeping and signals: arguments and errors of the manual pages, and clocks of processor time. */
#define _GNU_SOURCE
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/times.h>
#include <time.h>

#include "say.h"

#define OTHER     54321
#define NOBODY_ID 99999999

static volatile sig_atomic_t count;

static void hear(int number)
{
	(void)number;
	count++;
}

static double processor(void)
{
	struct timespec now;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* Works until a signal has come, at most so many seconds of processor time. Whether one came: on a busy host several may at once. */
static int work(double most)
{
	double end = processor() + most;

	count = 0;
	while (count == 0 && processor() < end)
		;
	return count != 0;
}

static void clocks(void)
{
	static const int all[] = {CLOCK_REALTIME, CLOCK_MONOTONIC, CLOCK_PROCESS_CPUTIME_ID, CLOCK_THREAD_CPUTIME_ID,
		CLOCK_MONOTONIC_RAW, CLOCK_REALTIME_COARSE, CLOCK_MONOTONIC_COARSE, CLOCK_BOOTTIME, CLOCK_TAI};
	struct timespec time, bad = {0, 1000000000}, minus = {-1, 0}, some = {1000, 0};
	clockid_t other;

	for (unsigned i = 0; i < sizeof all / sizeof all[0]; i++) {
		NUM(all[i]);
		SAY(syscall(SYS_clock_gettime, all[i], &time));
		SAY(syscall(SYS_clock_getres, all[i], NULL));
		SAY(syscall(SYS_clock_settime, all[i], &bad));
	}
	SAY(syscall(SYS_clock_gettime, 10, &time));
	SAY(syscall(SYS_clock_gettime, 99, &time));
	SAY(syscall(SYS_clock_gettime, -1, &time));
	SAY(syscall(SYS_clock_getres, 99, &time));
	SAY(syscall(SYS_clock_gettime, CLOCK_REALTIME, NOWHERE));
	SAY(syscall(SYS_clock_getres, CLOCK_REALTIME, NOWHERE));
	SAY(syscall(SYS_clock_settime, 99, &time));
	SAY(syscall(SYS_clock_settime, CLOCK_REALTIME, NOWHERE));
	SAY(syscall(SYS_clock_settime, CLOCK_REALTIME, &minus));
	CHILD((void)!setgid(OTHER); (void)!setuid(OTHER); SAY(syscall(SYS_clock_settime, CLOCK_REALTIME, &some));
		SAY(settimeofday(&(struct timeval){5, 0}, NULL)));
	SAY(settimeofday(&(struct timeval){5, 1000000}, NULL));
	SAY(settimeofday(&(struct timeval){-1, 0}, NULL));
	SAY(syscall(SYS_settimeofday, NOWHERE, NULL));
	SAY(syscall(SYS_gettimeofday, NOWHERE, NULL));
	SAY(syscall(SYS_gettimeofday, NULL, NOWHERE));
	/* The clock of another process, and of a thread. */
	SAY(clock_getcpuclockid(getpid(), &other));
	SAY(clock_gettime(other, &time));
	SAY(clock_getcpuclockid(NOBODY_ID, &other));
	SAY(syscall(SYS_clock_gettime, (~NOBODY_ID << 3) | 2, &time));
	SAY(syscall(SYS_clock_gettime, (~0 << 3) | 2, &time));
	SAY(syscall(SYS_clock_gettime, (~0 << 3) | 6, &time));
	SAY(syscall(SYS_clock_gettime, (~getpid() << 3) | 6, &time));
	SAY(syscall(SYS_clock_settime, (~0 << 3) | 2, &some));
	SAY(syscall(SYS_clock_getres, (~0 << 3) | 2, &time));
	CHILD(SAY(clock_getcpuclockid(getppid(), &other)); SAY(clock_gettime(other, &time));
		SAY(syscall(SYS_clock_gettime, (~getppid() << 3) | 6, &time)));
}

static void sleeping(void)
{
	struct timespec bad = {0, 1000000000}, minus = {-1, 0}, negative = {0, -1}, none = {0, 0},
			short_time = {0, 1000}, left = {7, 7}, cpu;
	struct sigaction action = {.sa_handler = hear};

	SAY(nanosleep(&bad, NULL));
	SAY(nanosleep(&minus, NULL));
	SAY(nanosleep(&negative, NULL));
	SAY(nanosleep(&none, NULL));
	SAY(syscall(SYS_nanosleep, NOWHERE, NULL));
	SAY(nanosleep(&short_time, NULL));
	for (int clock = 0; clock < 12; clock++) {
		NUM(clock);
		SAY(clock == 2 ? 0 : syscall(SYS_clock_nanosleep, clock, 0, &short_time, NULL));
	}
	SAY(syscall(SYS_clock_nanosleep, CLOCK_MONOTONIC, 0, &bad, NULL));
	SAY(syscall(SYS_clock_nanosleep, 99, 0, &bad, NULL));
	SAY(syscall(SYS_clock_nanosleep, CLOCK_MONOTONIC, TIMER_ABSTIME, &short_time, NULL));
	SAY(syscall(SYS_clock_nanosleep, CLOCK_MONOTONIC, 0, NOWHERE, NULL));
	SAY(syscall(SYS_clock_nanosleep, CLOCK_PROCESS_CPUTIME_ID, TIMER_ABSTIME, &short_time, NULL));
	sigaction(SIGALRM, &action, NULL);
	setitimer(ITIMER_REAL, &(struct itimerval){{0, 0}, {0, 30000}}, NULL);
	SAY(nanosleep(&(struct timespec){5, 0}, &left));
	NUM(left.tv_sec);
	/* Of processor time: another thread of the process uses it. */
	fflush(stdout);
	(void)cpu;
}

static void *use(void *argument)
{
	double end = processor() + 0.08;

	while (processor() < end)
		;
	return argument;
}

static void timers(void)
{
	struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1},
			none = {.sigev_notify = SIGEV_NONE}, wrong = {.sigev_notify = 77, .sigev_signo = SIGUSR1},
			bad = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = 65},
			zero = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = 0};
	struct sigaction action = {.sa_handler = hear};
	struct itimerspec value = {{0, 0}, {0, 20000000}}, old, off = {{0, 0}, {0, 0}};
	struct timespec start, end;
	pthread_t thread;
	int id = 0;

	sigaction(SIGUSR1, &action, NULL);
	for (int clock = -1; clock < 13; clock++) {
		NUM(clock);
		SAY(syscall(SYS_timer_create, clock, &event, &id));
		if (clock >= 0 && clock < 12 && errno == 0)
			SAY(syscall(SYS_timer_delete, id));
	}
	SAY(syscall(SYS_timer_create, CLOCK_MONOTONIC, &wrong, &id));
	SAY(syscall(SYS_timer_create, CLOCK_MONOTONIC, &bad, &id));
	SAY(syscall(SYS_timer_create, CLOCK_MONOTONIC, &zero, &id));
	SAY(syscall(SYS_timer_create, CLOCK_MONOTONIC, NOWHERE, &id));
	SAY(syscall(SYS_timer_create, CLOCK_MONOTONIC, &event, NOWHERE));
	SAY(syscall(SYS_timer_settime, 77, 0, &value, NULL));
	SAY(syscall(SYS_timer_gettime, 77, &old));
	SAY(syscall(SYS_timer_getoverrun, 77));
	SAY(syscall(SYS_timer_delete, 77));
	SAY(syscall(SYS_timer_create, CLOCK_MONOTONIC, &none, &id));
	SAY(syscall(SYS_timer_settime, id, 0, NULL, NULL));
	SAY(syscall(SYS_timer_settime, id, 0, NOWHERE, NULL));
	SAY(syscall(SYS_timer_settime, id, 0, &(struct itimerspec){{0, 0}, {0, -1}}, NULL));
	SAY(syscall(SYS_timer_settime, id, 0, &(struct itimerspec){{0, 1000000000}, {0, 0}}, NULL));
	SAY(syscall(SYS_timer_settime, id, 0, &(struct itimerspec){{0, 0}, {-1, 0}}, NULL));
	SAY(syscall(SYS_timer_gettime, id, NOWHERE));
	SAY(syscall(SYS_timer_settime, id, 0, &value, &old));
	NUM(old.it_value.tv_sec + old.it_value.tv_nsec);
	SAY(syscall(SYS_timer_gettime, id, &old));
	NUM(old.it_value.tv_nsec > 0);
	SAY(syscall(SYS_timer_delete, id));
	/* Of processor time: sleeping does not end it, working does. */
	for (int clock = CLOCK_PROCESS_CPUTIME_ID; clock <= CLOCK_THREAD_CPUTIME_ID; clock++) {
		SAY(syscall(SYS_timer_create, clock, &event, &id));
		count = 0;
		value.it_value.tv_nsec = 20000000;
		SAY(syscall(SYS_timer_settime, id, 0, &value, NULL));
		usleep(60000);
		NUM(count);
		SAY(syscall(SYS_timer_gettime, id, &old));
		NUM(old.it_value.tv_nsec > 5000000);
		clock_gettime(clock, &start);
		SAY(work(5.0));
		clock_gettime(clock, &end);
		NUM((end.tv_sec - start.tv_sec) * 1000000000 + end.tv_nsec - start.tv_nsec >= 10000000);
		SAY(syscall(SYS_timer_gettime, id, &old));
		NUM(old.it_value.tv_sec + old.it_value.tv_nsec);
		value.it_interval.tv_nsec = 10000000;
		SAY(syscall(SYS_timer_settime, id, 0, &value, NULL));
		SAY(work(5.0));
		SAY(work(5.0));
		SAY(syscall(SYS_timer_settime, id, 0, &off, &old));
		NUM(old.it_interval.tv_nsec);
		value.it_interval.tv_nsec = 0;
		clock_gettime(clock, &start);
		value.it_value = start;
		count = 0;
		SAY(syscall(SYS_timer_settime, id, TIMER_ABSTIME, &value, NULL));
		while (count == 0)
			;
		value.it_value = (struct timespec){0, 0};
		SAY(syscall(SYS_timer_delete, id));
	}
	/* A sleep on the process's processor time ends when another thread has used it. */
	pthread_create(&thread, NULL, use, NULL);
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &start);
	SAY(syscall(SYS_clock_nanosleep, CLOCK_PROCESS_CPUTIME_ID, 0, &(struct timespec){0, 30000000}, NULL));
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &end);
	NUM((end.tv_sec - start.tv_sec) * 1000000000 + end.tv_nsec - start.tv_nsec >= 30000000);
	pthread_join(thread, NULL);
}

static void intervals(void)
{
	static const int signals[] = {SIGALRM, SIGVTALRM, SIGPROF};
	struct sigaction action = {.sa_handler = hear};
	struct itimerval value = {{0, 0}, {0, 20000}}, old, bad = {{0, 0}, {0, 1000000}}, minus = {{0, 0}, {-1, 0}},
			 off = {{0, 0}, {0, 0}};

	SAY(setitimer(3, &value, NULL));
	SAY(setitimer(-1, &value, NULL));
	SAY(getitimer(3, &old));
	SAY(getitimer(ITIMER_REAL, NOWHERE));
	SAY(syscall(SYS_setitimer, ITIMER_REAL, NOWHERE, NULL));
	for (int which = ITIMER_REAL; which <= ITIMER_PROF; which++) {
		sigaction(signals[which], &action, NULL);
		SAY(setitimer(which, &bad, NULL));
		SAY(setitimer(which, &minus, NULL));
		SAY(setitimer(which, NULL, &old));
		value.it_interval.tv_usec = 0;
		SAY(setitimer(which, &value, NULL));
		SAY(getitimer(which, &old));
		NUM(old.it_value.tv_usec > 0 && old.it_value.tv_usec <= 25000);
		SAY(work(5.0));
		SAY(getitimer(which, &old));
		NUM(old.it_value.tv_usec);
		value.it_interval.tv_usec = 20000;
		SAY(setitimer(which, &value, NULL));
		SAY(work(5.0));
		SAY(work(5.0));
		SAY(setitimer(which, &off, &old));
		NUM(old.it_interval.tv_usec);
		CHILD(SAY(getitimer(which, &old)); NUM(old.it_value.tv_usec));
	}
	CHILD(signal(SIGPROF, SIG_DFL); value.it_interval.tv_usec = 0; setitimer(ITIMER_PROF, &value, NULL); work(5.0);
		printf("not here\n"));
	SAY(alarm(10));
	SAY(alarm(0));
	SAY(alarm(0));
}

static void sending(void)
{
	siginfo_t info = {0};
	sigset_t set, old;
	stack_t stack = {0};
	struct sigaction action = {.sa_handler = hear};
	struct timespec none = {0, 0}, bad = {0, 1000000000}, soon = {0, 1000000};
	union sigval value = {.sival_int = 5};

	SAY(kill(getpid(), 65));
	SAY(kill(getpid(), -1));
	SAY(kill(NOBODY_ID, 0));
	SAY(kill(-NOBODY_ID, 0));
	SAY(kill(INT_MIN, 0));
	SAY(syscall(SYS_tgkill, -1, 1, 0));
	SAY(syscall(SYS_tgkill, getpid(), -1, 0));
	SAY(syscall(SYS_tgkill, getpid(), 0, 0));
	SAY(syscall(SYS_tgkill, getpid(), NOBODY_ID, 0));
	SAY(syscall(SYS_tgkill, 1, getpid(), 0));
	SAY(syscall(SYS_tgkill, getpid(), getpid(), 65));
	SAY(syscall(SYS_tkill, 0, 0));
	SAY(syscall(SYS_tkill, -1, 0));
	SAY(syscall(SYS_tkill, NOBODY_ID, 0));
	SAY(syscall(SYS_tkill, getpid(), -1));
	info.si_code = SI_QUEUE;
	SAY(syscall(SYS_rt_sigqueueinfo, getpid(), 65, &info));
	SAY(syscall(SYS_rt_sigqueueinfo, getpid(), -1, &info));
	SAY(syscall(SYS_rt_sigqueueinfo, NOBODY_ID, 0, &info));
	SAY(syscall(SYS_rt_sigqueueinfo, getpid(), 0, NOWHERE));
	info.si_code = SI_USER;
	SAY(syscall(SYS_rt_sigqueueinfo, getpid(), 0, &info));
	SAY(syscall(SYS_rt_sigqueueinfo, getppid(), 0, &info));
	SAY(syscall(SYS_rt_sigqueueinfo, NOBODY_ID, 0, &info));
	info.si_code = SI_TKILL;
	SAY(syscall(SYS_rt_sigqueueinfo, getppid(), 0, &info));
	info.si_code = 5;
	SAY(syscall(SYS_rt_tgsigqueueinfo, getppid(), getppid(), 0, &info));
	info.si_code = SI_QUEUE;
	SAY(syscall(SYS_rt_tgsigqueueinfo, -1, 1, 0, &info));
	SAY(syscall(SYS_rt_tgsigqueueinfo, getpid(), -1, 0, &info));
	SAY(syscall(SYS_rt_tgsigqueueinfo, getpid(), getpid(), 65, &info));
	SAY(syscall(SYS_rt_tgsigqueueinfo, getpid(), NOBODY_ID, 0, &info));
	SAY(syscall(SYS_rt_tgsigqueueinfo, getpid(), getpid(), 0, &info));
	SAY(syscall(SYS_rt_sigaction, 0, NULL, NULL, 8));
	SAY(syscall(SYS_rt_sigaction, 65, NULL, NULL, 8));
	SAY(syscall(SYS_rt_sigaction, SIGUSR1, NULL, NULL, 7));
	SAY(syscall(SYS_rt_sigaction, SIGKILL, NULL, &action, 8));
	SAY(syscall(SYS_rt_sigaction, SIGKILL, &action, NULL, 8));
	SAY(syscall(SYS_rt_sigaction, SIGSTOP, &action, NULL, 8));
	SAY(syscall(SYS_rt_sigaction, SIGUSR1, NOWHERE, NULL, 8));
	SAY(syscall(SYS_rt_sigaction, SIGUSR1, NULL, NOWHERE, 8));
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	SAY(syscall(SYS_rt_sigprocmask, 9, &set, NULL, 8));
	SAY(syscall(SYS_rt_sigprocmask, 9, NULL, &old, 8));
	SAY(syscall(SYS_rt_sigprocmask, SIG_BLOCK, &set, NULL, 7));
	SAY(syscall(SYS_rt_sigprocmask, SIG_BLOCK, NOWHERE, NULL, 8));
	SAY(syscall(SYS_rt_sigprocmask, SIG_BLOCK, NULL, NOWHERE, 8));
	SAY(sigprocmask(SIG_BLOCK, &set, NULL));
	SAY(syscall(SYS_rt_sigpending, &old, 9));
	SAY(syscall(SYS_rt_sigpending, NOWHERE, 8));
	SAY(syscall(SYS_rt_sigpending, &old, 0));
	SAY(syscall(SYS_rt_sigsuspend, &set, 7));
	SAY(syscall(SYS_rt_sigsuspend, NOWHERE, 8));
	SAY(syscall(SYS_rt_sigtimedwait, &set, &info, &none, 8));
	SAY(syscall(SYS_rt_sigtimedwait, &set, &info, &soon, 8));
	SAY(syscall(SYS_rt_sigtimedwait, &set, &info, &bad, 8));
	SAY(syscall(SYS_rt_sigtimedwait, &set, &info, &none, 7));
	SAY(syscall(SYS_rt_sigtimedwait, NOWHERE, &info, &none, 8));
	SAY(syscall(SYS_rt_sigtimedwait, &set, &info, NOWHERE, 8));
	SAY(sigqueue(getpid(), SIGUSR1, value));
	SAY(syscall(SYS_rt_sigtimedwait, &set, &info, &none, 8));
	printf("%d %d %d %d %d\n", info.si_signo, info.si_code, info.si_pid == getpid(), info.si_uid,
		info.si_value.sival_int);
	SAY(kill(getpid(), SIGUSR1));
	SAY(syscall(SYS_rt_sigtimedwait, &set, NULL, NULL, 8));
	SAY(syscall(SYS_tkill, getpid(), SIGUSR1));
	SAY(syscall(SYS_rt_sigtimedwait, &set, &info, &none, 8));
	printf("%d %d %d\n", info.si_signo, info.si_code, info.si_pid == getpid());
	SAY(syscall(SYS_sigaltstack, NOWHERE, NULL));
	SAY(syscall(SYS_sigaltstack, NULL, NOWHERE));
	SAY(sigaltstack(NULL, &stack));
	NUM(stack.ss_flags);
	stack.ss_flags = 0;
	stack.ss_size = 100;
	SAY(sigaltstack(&stack, NULL));
	stack.ss_flags = 8;
	stack.ss_size = 65536;
	SAY(sigaltstack(&stack, NULL));
}

static void waits(void)
{
	siginfo_t info;
	struct rusage usage;
	int status, child;

	SAY(wait4(-1, &status, 0, NULL));
	SAY(wait4(-1, &status, 0x100, NULL));
	SAY(wait4(NOBODY_ID, &status, WNOHANG, NULL));
	SAY(wait4(-NOBODY_ID, &status, WNOHANG, NULL));
	SAY(wait4(INT_MIN, &status, WNOHANG, NULL));
	SAY(waitid(P_ALL, 0, &info, 0));
	SAY(waitid(P_ALL, 0, &info, WEXITED));
	SAY(waitid(P_ALL, 0, &info, WEXITED | 0x100));
	SAY(waitid(9, 0, &info, WEXITED));
	SAY(waitid(P_PID, 0, &info, WEXITED));
	SAY(waitid(P_PID, -1, &info, WEXITED));
	SAY(waitid(P_PGID, -1, &info, WEXITED));
	fflush(stdout);
	child = fork();
	if (child == 0)
		_exit(7);
	SAY(waitid(P_PID, child, &info, WEXITED | WNOWAIT));
	printf("%d %d %d %d\n", info.si_signo, info.si_code, info.si_status, info.si_pid == child);
	SAY(wait4(child, NOWHERE, 0, NULL));
	child = fork();
	if (child == 0)
		_exit(7);
	SAY(syscall(SYS_wait4, child, NULL, 0, NOWHERE));
	child = fork();
	if (child == 0)
		_exit(7);
	SAY(wait4(child, &status, 0, &usage) == child);
	printf("%#x\n", status);
	child = fork();
	if (child == 0) {
		pause();
		_exit(7);
	}
	SAY(wait4(child, &status, WNOHANG, NULL));
	memset(&info, 1, sizeof info);
	SAY(waitid(P_PID, child, &info, WEXITED | WNOHANG));
	printf("%d %d\n", info.si_signo, info.si_pid);
	SAY(wait4(-1, &status, __WCLONE, NULL));
	SAY(kill(child, SIGSTOP));
	SAY(waitid(P_PID, child, &info, WSTOPPED));
	printf("%d %d %d\n", info.si_signo, info.si_code, info.si_status);
	SAY(kill(child, SIGCONT));
	SAY(wait4(child, &status, WCONTINUED, NULL) == child);
	printf("%#x\n", status);
	SAY(kill(child, SIGKILL));
	SAY(syscall(SYS_waitid, P_PID, child, NULL, WEXITED, NULL));
	SAY(syscall(SYS_waitid, P_PID, child, NULL, WEXITED, NULL));
}

int main(void)
{
	setvbuf(stdout, NULL, _IOLBF, 0);
	clocks();
	sleeping();
	timers();
	intervals();
	waits();
	CHILD(alarm(20); sending());
	return 0;
}
