/* Signals: handlers, masks, restarts, faults, alternate stacks, floating point, waiting. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>

static volatile sig_atomic_t count, last;
static sigjmp_buf jump;
static char alternate[65536];
static volatile int *volatile wild = (int *)0x10;

static void handler(int signal)
{
	count++;
	last = signal;
}

static void info_handler(int signal, siginfo_t *info, void *context)
{
	ucontext_t *where = context;
	char here;

	(void)where;
	printf("signal %d code %d", signal, info->si_code);
	if (signal == SIGSEGV || signal == SIGBUS)
		printf(" address %p", info->si_addr);
	if (signal == SIGUSR1)
		printf(" from self %d", info->si_pid == getpid());
	printf(" alternate %d\n", &here >= alternate && &here < alternate + sizeof alternate);
	if (signal != SIGUSR1)
		siglongjmp(jump, 1);
}

static void catch (int signal, int flags)
{
	struct sigaction action = {.sa_sigaction = info_handler, .sa_flags = SA_SIGINFO | flags};

	sigaction(signal, &action, NULL);
}

static void plain(int signal, int flags)
{
	struct sigaction action = {.sa_handler = handler, .sa_flags = flags};

	sigaction(signal, &action, NULL);
}

enum { FLOAT_CHANGED, FLOAT_MOVED, FLOAT_GONE, FLOAT_UNMAPPED };
static int float_change;
static char elsewhere[8192] __attribute__((aligned(64)));

/* The state as the handler leaves it is what the interrupted code goes on with, wherever it lies. */
static void float_changer(int signal, siginfo_t *info, void *context)
{
	ucontext_t *where = context;
	size_t size = sizeof(struct _libc_fpstate);
	uint32_t *note = (uint32_t *)((char *)where->uc_mcontext.fpregs + 464);

	(void)signal;
	(void)info;
	if (note[0] == 0x46505853) /* FP_XSTATE_MAGIC1: it is longer, and magic2 is at its end */
		size = note[1];
	where->uc_mcontext.fpregs->_xmm[7].element[0] = 0x12345670u + (unsigned)float_change;
	if (float_change == FLOAT_MOVED) {
		memcpy(elsewhere, where->uc_mcontext.fpregs, size);
		where->uc_mcontext.fpregs = (void *)elsewhere;
	} else if (float_change == FLOAT_GONE) {
		where->uc_mcontext.fpregs = NULL;
	} else if (float_change == FLOAT_UNMAPPED) {
		where->uc_mcontext.fpregs = (void *)0x1000;
	}
}

static void float_changes(void)
{
	struct sigaction action = {.sa_sigaction = float_changer, .sa_flags = SA_SIGINFO};
	pid_t child;
	int status;

	sigaction(SIGUSR2, &action, NULL);
	for (float_change = FLOAT_CHANGED; float_change <= FLOAT_MOVED; float_change++) {
		uint32_t before = 0xabcdef, after = 0;
		long call = 62, self = getpid(), number = SIGUSR2; /* kill */

		__asm__ volatile("movd %3, %%xmm7\n\tsyscall\n\tmovd %%xmm7, %1"
				 : "+a"(call), "=r"(after)
				 : "D"(self), "r"(before), "S"(number)
				 : "rcx", "r11", "memory", "xmm7");
		printf("xmm7 after a handler: %#x\n", after);
	}
	for (; float_change <= FLOAT_UNMAPPED; float_change++) {
		fflush(stdout);
		child = fork();
		if (child == 0) {
			raise(SIGUSR2);
			_exit(3);
		}
		waitpid(child, &status, 0);
		printf("frame %d: status %#x\n", float_change, status);
	}
}

static void float_handler(int signal)
{
	volatile double x = 1.0;
	int i;

	(void)signal;
	for (i = 0; i < 100; i++)
		x = x * 1.5 + 2.25;
	count++;
}

/* Until the process waits in a call. */
static void until_it_waits(pid_t process)
{
	char path[32], text[128] = "";

	snprintf(path, sizeof path, "/proc/%d/stat", process);
	for (;;) {
		int fd = open(path, O_RDONLY);
		ssize_t size = fd >= 0 ? read(fd, text, sizeof text - 1) : -1;
		const char *name_end;

		close(fd);
		text[size > 0 ? size : 0] = 0;
		name_end = strrchr(text, ')');
		if (name_end == NULL || name_end[2] == 'S' || name_end[2] == 'Z')
			return;
		usleep(1000);
	}
}

static volatile sig_atomic_t *told; /* shared: signals that have been handled */

static void tell(int signal)
{
	(void)signal;
	(*told)++;
}

/* SA_RESTART or not, in a read that waits: the signal comes when it does, the byte when it does again. */
static void restarts(int flags)
{
	struct sigaction action = {.sa_handler = tell, .sa_flags = flags};
	pid_t parent = getpid(), child;
	int pair[2], status;
	char byte;

	told = mmap(NULL, sizeof *told, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	(void)!pipe(pair);
	sigaction(SIGALRM, &action, NULL);
	child = fork();
	if (child == 0) {
		until_it_waits(parent);
		kill(parent, SIGALRM);
		while (*told == 0)
			usleep(1000);
		until_it_waits(parent);
		(void)!write(pair[1], "x", 1);
		_exit(0);
	}
	errno = 0;
	status = (int)read(pair[0], &byte, 1);
	printf("read %d %s handlers %d\n", status, errno == 0 ? "-" : strerrorname_np(errno), (int)*told);
	waitpid(child, &status, 0);
	close(pair[0]);
	close(pair[1]);
}

static volatile int depth, deepest, entered;

static void deep_handler(int signal)
{
	int mine = ++depth;

	if (mine > deepest)
		deepest = mine;
	if (++entered < 4)
		raise(signal); /* at once with SA_NODEFER, else when this one has returned */
	depth--;
}

static void depths(void)
{
	static const int flags[] = {0, SA_NODEFER};

	for (unsigned i = 0; i < sizeof flags / sizeof flags[0]; i++) {
		struct sigaction action = {.sa_handler = deep_handler, .sa_flags = flags[i]};

		sigaction(SIGUSR2, &action, NULL);
		depth = deepest = entered = 0;
		raise(SIGUSR2);
		printf("a handler entered %d times, %d deep\n", entered, deepest);
	}
}

int main(void)
{
	stack_t stack = {.ss_sp = alternate, .ss_size = sizeof alternate};
	struct sigaction action = {.sa_handler = float_handler};
	struct itimerval timer = {{.tv_usec = 50000}, {.tv_usec = 50000}}, off = {{0}, {0}};
	struct itimerspec every = {0};
	struct sigevent event = {0};
	timer_t own_timer;
	struct timespec none = {0, 0}, left, request = {100, 0};
	sigset_t set, old;
	siginfo_t info;
	int pair[2], status, i;
	double sum;
	pid_t child;

	setvbuf(stdout, NULL, _IOLBF, 0);
	plain(SIGUSR1, 0);
	raise(SIGUSR1);
	printf("raised %d %d\n", (int)count, (int)last);

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigaddset(&set, SIGUSR2);
	sigprocmask(SIG_BLOCK, &set, &old);
	raise(SIGUSR1);
	raise(SIGUSR1);
	printf("blocked %d\n", (int)count);
	sigpending(&old);
	printf("pending %d %d\n", sigismember(&old, SIGUSR1), sigismember(&old, SIGUSR2));
	printf("timedwait %d\n", sigtimedwait(&set, &info, &none));
	i = sigtimedwait(&set, &info, &none);
	printf("timedwait again %d %s\n", i, strerrorname_np(errno));
	sigprocmask(SIG_UNBLOCK, &set, NULL);
	printf("unblocked %d\n", (int)count);
	/* What waits is there when it may be, not at some later call. */
	sigprocmask(SIG_BLOCK, &set, &old);
	raise(SIGUSR1);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
	i = (int)count;
	sigprocmask(SIG_BLOCK, &set, &old);
	kill(getpid(), SIGUSR1);
	sigprocmask(SIG_SETMASK, &old, NULL);
	printf("unblocked with one that waits %d, whoever's %d\n", i, (int)count);

	sigaltstack(&stack, NULL);
	catch (SIGSEGV, SA_ONSTACK);
	catch (SIGBUS, 0);
	catch (SIGFPE, 0);
	catch (SIGILL, 0);
	catch (SIGTRAP, 0);
	catch (SIGUSR1, 0);
	kill(getpid(), SIGUSR1);
	if (sigsetjmp(jump, 1) == 0)
		*wild = 1;
	if (sigsetjmp(jump, 1) == 0) {
		char *page = mmap((void *)0x70000000, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
		*(volatile char *)page = 1;
	}
	if (sigsetjmp(jump, 1) == 0) {
		volatile int zero = 0;
		printf("%d\n", 1 / zero);
	}
	if (sigsetjmp(jump, 1) == 0)
		__asm__ volatile("ud2");
	if (sigsetjmp(jump, 1) == 0)
		__asm__ volatile("int3");

	restarts(0);
	restarts(SA_RESTART);
	/* The timer goes on: one signal may come before the sleep. */
	plain(SIGALRM, 0);
	setitimer(ITIMER_REAL, &timer, NULL);
	status = nanosleep(&request, &left);
	printf("nanosleep %d %s left %d\n", status, strerrorname_np(errno), left.tv_sec > 90);
	setitimer(ITIMER_REAL, &off, NULL);

	/* sigsuspend: the mask for its time, then the old one. */
	sigprocmask(SIG_BLOCK, &set, &old);
	plain(SIGUSR2, 0);
	raise(SIGUSR2);
	count = 0;
	sigfillset(&set);
	sigdelset(&set, SIGUSR2);
	status = sigsuspend(&set);
	printf("sigsuspend %d %s handlers %d\n", status, strerrorname_np(errno), (int)count);
	sigprocmask(SIG_SETMASK, NULL, &set);
	printf("mask again %d\n", sigismember(&set, SIGUSR2));
	sigprocmask(SIG_SETMASK, &old, NULL);

	/* Floating point survives handlers. */
	count = 0;
	sigaction(SIGALRM, &action, NULL);
	timer.it_interval.tv_usec = 5000;
	setitimer(ITIMER_REAL, &timer, NULL);
	for (sum = 0; count < 10;)
		sum = sum * 0.5 + 3.0;
	setitimer(ITIMER_REAL, &off, NULL);
	printf("floating %.3f\n", sum);

	/* A timer of its own. */
	event.sigev_notify = SIGEV_SIGNAL;
	event.sigev_signo = SIGRTMIN + 1;
	event.sigev_value.sival_int = 4711;
	sigemptyset(&set);
	sigaddset(&set, SIGRTMIN + 1);
	sigprocmask(SIG_BLOCK, &set, NULL);
	status = timer_create(CLOCK_MONOTONIC, &event, &own_timer);
	every.it_value.tv_nsec = every.it_interval.tv_nsec = 20000000;
	printf("timer %d %d\n", status, timer_settime(own_timer, 0, &every, NULL));
	for (i = 0; i < 3; i++) {
		status = sigwaitinfo(&set, &info);
		printf("timer signal %d code %d value %d\n", status == SIGRTMIN + 1, info.si_code,
			info.si_value.sival_int);
	}
	printf("timer gone %d\n", timer_delete(own_timer));

	/* Death by signal, ignored signals, SIGPIPE. */
	child = fork();
	if (child == 0) {
		signal(SIGTERM, SIG_DFL);
		pause();
	}
	kill(child, SIGTERM);
	waitpid(child, &status, 0);
	printf("killed %d %d\n", WIFSIGNALED(status), WTERMSIG(status));
	signal(SIGSEGV, SIG_DFL);
	child = fork();
	if (child == 0)
		*wild = 1;
	waitpid(child, &status, 0);
	printf("fault %d %d\n", WIFSIGNALED(status), WTERMSIG(status));
	pipe(pair);
	close(pair[0]);
	signal(SIGPIPE, SIG_IGN);
	status = (int)write(pair[1], "x", 1);
	printf("write %d %s\n", status, strerrorname_np(errno));
	child = fork();
	if (child == 0) {
		signal(SIGPIPE, SIG_DFL);
		write(pair[1], "x", 1);
		_exit(0);
	}
	waitpid(child, &status, 0);
	printf("pipe %d %d\n", WIFSIGNALED(status), WTERMSIG(status));

	/* Stop and go. */
	child = fork();
	if (child == 0) {
		for (;;)
			pause();
	}
	kill(child, SIGSTOP);
	waitpid(child, &status, WUNTRACED);
	printf("stopped %d %d\n", WIFSTOPPED(status), WSTOPSIG(status));
	kill(child, SIGCONT);
	waitpid(child, &status, WCONTINUED);
	printf("continued %d\n", WIFCONTINUED(status));
	kill(child, SIGKILL);
	waitpid(child, &status, 0);
	printf("killed %d %d\n", WIFSIGNALED(status), WTERMSIG(status));
	float_changes();
	depths();
	/* Real-time signals queue, in order. */
	sigemptyset(&set);
	sigaddset(&set, SIGRTMIN);
	sigprocmask(SIG_BLOCK, &set, NULL);
	for (i = 0; i < 3; i++)
		sigqueue(getpid(), SIGRTMIN, (union sigval){.sival_int = 10 + i});
	for (i = 0; i < 3; i++) {
		sigwaitinfo(&set, &info);
		printf("queued %d\n", info.si_value.sival_int);
	}
	return 0;
}
