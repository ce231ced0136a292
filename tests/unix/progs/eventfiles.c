/* Files of events: eventfd, timerfd, signalfd; read, waited for, polled and in epoll sets. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static void show(const char *name, long value)
{
	if (value == -1)
		printf("%s: %s\n", name, strerrorname_np(errno));
	else
		printf("%s: %ld\n", name, value);
	fflush(stdout);
}

static long put(int fd, uint64_t value)
{
	return write(fd, &value, sizeof value);
}

/* What was read, or -1. */
static long get(int fd)
{
	uint64_t value;

	return read(fd, &value, sizeof value) == sizeof value ? (long)value : -1;
}

static int ready(int fd, int events)
{
	struct pollfd one = {.fd = fd, .events = (short)events};

	return poll(&one, 1, 0) == 1 ? one.revents : 0;
}

static void counters(void)
{
	struct epoll_event event = {.events = EPOLLIN | EPOLLET}, got;
	uint64_t two[2] = {0, 0};
	int fd = eventfd(3, EFD_NONBLOCK | EFD_CLOEXEC), flag = eventfd(2, EFD_SEMAPHORE | EFD_NONBLOCK), set, status;

	show("eventfd", fd < 0 ? -1 : 0);
	show("its flags", fcntl(fd, F_GETFL) == (O_RDWR | O_NONBLOCK) && fcntl(fd, F_GETFD) == FD_CLOEXEC);
	show("put 4", put(fd, 4));
	show("the sum", get(fd));
	show("nothing left", get(fd));
	show("too much", put(fd, UINT64_MAX));
	show("the most", put(fd, UINT64_MAX - 1));
	show("polls when full", ready(fd, POLLIN | POLLOUT));
	show("one more", put(fd, 1));
	show("a short read", read(fd, two, 4));
	show("a short write", write(fd, two, 7));
	show("the most is taken", get(fd) == -2);
	show("polls when empty", ready(fd, POLLIN | POLLOUT));
	for (int i = 0; i < 3; i++)
		show("semaphore", get(flag));
	set = epoll_create1(0);
	epoll_ctl(set, EPOLL_CTL_ADD, fd, &event);
	put(fd, 1);
	show("an edge", epoll_wait(set, &got, 1, 0));
	show("and no more", epoll_wait(set, &got, 1, 0));
	put(fd, 1);
	show("one at every write", epoll_wait(set, &got, 1, 0));
	show("unknown flag", eventfd(0, 1 << 20));
	/* A reader that waits, a writer that waits. */
	fcntl(fd, F_SETFL, 0);
	get(fd);
	if (fork() == 0) {
		usleep(20000);
		put(fd, 9);
		_exit(0);
	}
	show("waited for", get(fd));
	wait(&status);
	put(fd, UINT64_MAX - 1);
	if (fork() == 0) {
		usleep(20000);
		get(fd);
		_exit(0);
	}
	show("waited for room", put(fd, 7));
	wait(&status);
	show("which it took", get(fd));
	close(fd);
	close(flag);
	close(set);
}

static void timers(void)
{
	struct itimerspec late = {{0, 20000000}, {1000, 0}}, every = {{0, 20000000}, {0, 50000000}}, left, off = {{0, 0}, {0, 0}}, wrong = {{0, 0}, {0, -1}};
	struct timespec now;
	int fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK), real = timerfd_create(CLOCK_REALTIME, 0);

	show("timerfd", fd < 0 || real < 0 ? -1 : 0);
	show("not set", get(fd));
	show("set", timerfd_settime(fd, 0, &late, NULL));
	show("get", timerfd_gettime(fd, &left));
	show("what is left", left.it_value.tv_sec >= 900 && left.it_value.tv_sec <= 1000);
	show("how often", left.it_interval.tv_nsec);
	show("not over yet", get(fd));
	show("polls before", ready(fd, POLLIN | POLLOUT));
	show("set again", timerfd_settime(fd, 0, &every, &left));
	show("what was left", left.it_value.tv_sec >= 900);
	usleep(60000);
	show("polls after", ready(fd, POLLIN | POLLOUT));
	show("over once, at least", get(fd) >= 1);
	usleep(100000);
	show("over often", get(fd) >= 4);
	show("off", timerfd_settime(fd, 0, &off, &left));
	show("it was on", left.it_interval.tv_nsec);
	usleep(50000);
	show("no more", get(fd));
	clock_gettime(CLOCK_REALTIME, &now);
	now.tv_nsec += 30000000;
	if (now.tv_nsec >= 1000000000) {
		now.tv_sec++;
		now.tv_nsec -= 1000000000;
	}
	show("at a time", timerfd_settime(real, TFD_TIMER_ABSTIME, &(struct itimerspec){{0, 0}, now}, NULL));
	show("waited for", get(real));
	show("wrong time", timerfd_settime(fd, 0, &wrong, NULL));
	show("wrong flags", timerfd_settime(fd, 8, &off, NULL));
	show("no timer", timerfd_settime(0, 0, &off, NULL));
	show("no file", timerfd_gettime(99, &left));
	show("wrong clock", timerfd_create(CLOCK_PROCESS_CPUTIME_ID, 0));
	show("a short read", read(fd, &now, 4));
	show("write", put(fd, 1));
	close(fd);
	close(real);
}

static void signals(void)
{
	struct epoll_event event = {.events = EPOLLIN}, got;
	struct signalfd_siginfo info[4];
	union sigval value = {.sival_int = 77};
	sigset_t mask, other;
	int fd, set;
	pid_t child;
	long size;

	sigemptyset(&mask);
	sigaddset(&mask, SIGUSR1);
	sigaddset(&mask, SIGRTMIN);
	sigaddset(&mask, SIGCHLD);
	sigprocmask(SIG_BLOCK, &mask, NULL);
	fd = signalfd(-1, &mask, SFD_NONBLOCK);
	show("signalfd", fd < 0 ? -1 : 0);
	show("none", read(fd, info, sizeof info));
	set = epoll_create1(0);
	show("in a set", epoll_ctl(set, EPOLL_CTL_ADD, fd, &event));
	show("not ready", epoll_wait(set, &got, 1, 0));
	kill(getpid(), SIGUSR1);
	sigqueue(getpid(), SIGRTMIN, value);
	show("ready", epoll_wait(set, &got, 1, 0));
	show("polls", ready(fd, POLLIN | POLLOUT));
	size = read(fd, info, sizeof info);
	show("two records", size / (long)sizeof info[0]);
	show("the first", info[0].ssi_signo);
	show("is by us", info[0].ssi_pid == (uint32_t)getpid() && info[0].ssi_uid == getuid() && info[0].ssi_code == SI_USER);
	show("the second", (long)info[1].ssi_signo - SIGRTMIN);
	show("its value", info[1].ssi_int);
	show("its code", info[1].ssi_code);
	show("none is left", read(fd, info, sizeof info));
	show("too short", read(fd, info, 64));
	child = fork();
	if (child == 0)
		_exit(5);
	show("a child's end", epoll_wait(set, &got, 1, 1000));
	show("is read", read(fd, info, sizeof info) / (long)sizeof info[0]);
	show("whose", info[0].ssi_pid == (uint32_t)child);
	show("how", info[0].ssi_status);
	wait(NULL);
	sigemptyset(&other);
	sigaddset(&other, SIGUSR2);
	sigprocmask(SIG_BLOCK, &other, NULL);
	show("another mask", signalfd(fd, &other, 0) == fd);
	kill(getpid(), SIGUSR1);
	show("the old one is not read", read(fd, info, sizeof info));
	kill(getpid(), SIGUSR2);
	show("the new one is", read(fd, info, sizeof info) / (long)sizeof info[0]);
	show("no signalfd", signalfd(0, &mask, 0));
	show("no file", signalfd(99, &mask, 0));
	show("unknown flag", signalfd(-1, &mask, 1));
	fcntl(fd, F_SETFL, 0);
	if (fork() == 0) {
		usleep(20000);
		kill(getppid(), SIGUSR2);
		_exit(0);
	}
	show("waited for", read(fd, info, sizeof info) / (long)sizeof info[0]);
	wait(NULL);
	show("the raw calls", syscall(SYS_signalfd, -1, &mask, 8) >= 0 && syscall(SYS_eventfd, 1) >= 0 && syscall(SYS_eventfd2, 1, 0) >= 0);
	show("a wrong size", syscall(SYS_signalfd4, -1, &mask, 4, 0));
	close(fd);
	close(set);
}

int main(void)
{
	counters();
	timers();
	signals();
	return 0;
}
