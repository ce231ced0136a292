/* poll, select, epoll, and their timeouts and masks. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static volatile sig_atomic_t count;

static void handler(int signal)
{
	(void)signal;
	count++;
}

static long since(const struct timespec *start)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (now.tv_sec - start->tv_sec) * 1000 + (now.tv_nsec - start->tv_nsec) / 1000000;
}

int main(void)
{
	struct itimerval timer = {{.tv_usec = 50000}, {.tv_usec = 50000}}, off = {{0}, {0}};
	struct epoll_event event = {.events = EPOLLIN, .data.u64 = 77}, got[4];
	struct timespec start, wait_time = {0, 100000000};
	struct timeval interval = {0, 50000};
	struct pollfd fds[3];
	sigset_t empty, block;
	fd_set readable, writable;
	char byte;
	int pair[2], set, status, result;

	setvbuf(stdout, NULL, _IOLBF, 0);
	pipe(pair);
	fds[0] = (struct pollfd){.fd = pair[0], .events = POLLIN};
	fds[1] = (struct pollfd){.fd = pair[1], .events = POLLOUT};
	fds[2] = (struct pollfd){.fd = 99, .events = POLLIN};
	result = poll(fds, 3, -1);
	printf("poll %d %#x %#x %#x\n", result, (unsigned)fds[0].revents, (unsigned)fds[1].revents,
		(unsigned)fds[2].revents);
	clock_gettime(CLOCK_MONOTONIC, &start);
	result = poll(fds, 1, 100);
	printf("timeout %d %d\n", result, since(&start) >= 100);
	printf("at once %d\n", poll(fds, 1, 0));
	if (fork() == 0) {
		usleep(50000);
		write(pair[1], "x", 1);
		_exit(0);
	}
	result = poll(fds, 1, -1);
	printf("woken %d %#x\n", result, (unsigned)fds[0].revents);
	read(pair[0], &byte, 1);
	wait(&status);

	FD_ZERO(&readable);
	FD_ZERO(&writable);
	FD_SET(pair[0], &readable);
	FD_SET(pair[1], &writable);
	result = select(20, &readable, &writable, NULL, &interval);
	printf("select %d %d %d\n", result, FD_ISSET(pair[0], &readable), FD_ISSET(pair[1], &writable));
	FD_SET(pair[0], &readable);
	result = select(20, &readable, NULL, NULL, &interval);
	printf("select timeout %d %d\n", result, FD_ISSET(pair[0], &readable));
	FD_ZERO(&readable);
	FD_SET(97, &readable);
	result = select(98, &readable, NULL, NULL, &interval);
	printf("select bad %d %s\n", result, strerrorname_np(errno));

	/* A signal ends them; a masked one only in ppoll's own mask. */
	sigaction(SIGALRM, &(struct sigaction){.sa_handler = handler, .sa_flags = SA_RESTART}, NULL);
	setitimer(ITIMER_REAL, &timer, NULL); /* goes on: one signal may come before the call */
	result = poll(fds, 1, -1);
	printf("interrupted %d %s handlers %d\n", result, strerrorname_np(errno), count > 0);
	setitimer(ITIMER_REAL, &off, NULL);
	count = 0;
	sigemptyset(&empty);
	sigemptyset(&block);
	sigaddset(&block, SIGALRM);
	sigprocmask(SIG_BLOCK, &block, NULL);
	raise(SIGALRM);
	result = poll(fds, 1, 10);
	printf("masked %d handlers %d\n", result, (int)count);
	result = ppoll(fds, 1, &wait_time, &empty);
	printf("ppoll %d %s handlers %d\n", result, strerrorname_np(errno), (int)count);
	sigprocmask(SIG_UNBLOCK, &block, NULL);

	/* epoll: level, edge, one shot. */
	set = epoll_create1(0);
	printf("add %d\n", epoll_ctl(set, EPOLL_CTL_ADD, pair[0], &event));
	result = epoll_ctl(set, EPOLL_CTL_ADD, pair[0], &event);
	printf("twice %d %s\n", result, strerrorname_np(errno));
	printf("nothing %d\n", epoll_wait(set, got, 4, 10));
	write(pair[1], "x", 1);
	result = epoll_wait(set, got, 4, 1000);
	printf("level %d %d\n", result, (int)got[0].data.u64);
	printf("level again %d\n", epoll_wait(set, got, 4, 0));
	event.events = EPOLLIN | EPOLLET;
	epoll_ctl(set, EPOLL_CTL_MOD, pair[0], &event);
	printf("edge %d\n", epoll_wait(set, got, 4, 0));
	printf("edge again %d\n", epoll_wait(set, got, 4, 0));
	write(pair[1], "y", 1);
	printf("edge new %d\n", epoll_wait(set, got, 4, 0));
	event.events = EPOLLIN | EPOLLONESHOT;
	epoll_ctl(set, EPOLL_CTL_MOD, pair[0], &event);
	printf("one shot %d\n", epoll_wait(set, got, 4, 0));
	printf("one shot again %d\n", epoll_wait(set, got, 4, 0));
	close(pair[1]);
	fds[0].revents = 0;
	read(pair[0], &byte, 1);
	read(pair[0], &byte, 1);
	result = poll(fds, 1, 1000);
	printf("hung up %d %#x\n", result, (unsigned)fds[0].revents);
	return 0;
}
