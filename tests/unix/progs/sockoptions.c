/* Options of sockets of AF_UNIX, and calls that wait for no longer than they say. */
#define _GNU_SOURCE
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

static void say(const char *what, long result)
{
	if (result < 0)
		printf("%s: %s\n", what, strerrorname_np(errno));
	else
		printf("%s: %ld\n", what, result);
}

#define SAY(call) say(#call, (long)(call))

static void set(const char *what, int fd, int option, int value)
{
	int got = -1;
	socklen_t size = sizeof got;

	printf("%s = %d: %s", what, value,
		setsockopt(fd, SOL_SOCKET, option, &value, sizeof value) == 0 ? "good" : strerrorname_np(errno));
	if (getsockopt(fd, SOL_SOCKET, option, &got, &size) != 0)
		printf(", %s\n", strerrorname_np(errno));
	else
		printf(", %d, size %u\n", got, size);
}

#define SET(fd, option, value) set(#option, fd, option, value)

static void say_time(int fd, int option)
{
	struct timeval time = {-1, -1};
	socklen_t size = sizeof time;

	SAY(getsockopt(fd, SOL_SOCKET, option, &time, &size));
	printf("time: %ld %ld %u\n", (long)time.tv_sec, (long)time.tv_usec, size);
}

static long milliseconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* The call waits its time, and no less. */
#define WAIT(call)                                                                                                     \
	do {                                                                                                           \
		long before = milliseconds();                                                                          \
		SAY(call);                                                                                             \
		printf("waited: %d\n", milliseconds() - before >= 99);                                                 \
	} while (0)

static void in_time(int type)
{
	struct timeval time = {0, 100000}, wrong = {0, 1000000};
	static char block[300000];
	int pair[2];
	ssize_t part, all = 0;

	SAY(socketpair(AF_UNIX, type, 0, pair));
	SAY(setsockopt(pair[0], SOL_SOCKET, SO_RCVTIMEO, &time, 4));
	SAY(setsockopt(pair[0], SOL_SOCKET, SO_RCVTIMEO, &wrong, sizeof wrong));
	say_time(pair[0], SO_RCVTIMEO);
	SAY(setsockopt(pair[0], SOL_SOCKET, SO_RCVTIMEO, &time, sizeof time));
	say_time(pair[0], SO_RCVTIMEO);
	SAY(setsockopt(pair[0], SOL_SOCKET, SO_SNDTIMEO, &time, sizeof time));
	say_time(pair[0], SO_SNDTIMEO);
	WAIT(recv(pair[0], block, 10, 0));
	WAIT(read(pair[0], block, 10));
	SAY(recv(pair[0], block, 10, MSG_DONTWAIT));
	SAY(send(pair[1], "some", 4, 0));
	if (type == SOCK_STREAM)
		WAIT(recv(pair[0], block, 10, MSG_WAITALL));
	else
		SAY(recv(pair[0], block, 10, 0));
	/* Full. */
	while ((part = send(pair[0], block, 3000, MSG_DONTWAIT)) > 0)
		all += part;
	printf("some: %d\n", all > 0);
	WAIT(send(pair[0], block, 3000, 0));
	while (recv(pair[1], block, sizeof block, MSG_DONTWAIT) > 0)
		;
	if (type == SOCK_STREAM) {
		part = send(pair[0], block, sizeof block, 0);
		printf("a part: %d\n", part > 0 && part < (ssize_t)sizeof block);
	}
	close(pair[0]);
	close(pair[1]);
}

static void connections(void)
{
	struct sockaddr_un name = {AF_UNIX, "\0sockoptions"};
	struct timeval time = {0, 100000};
	int listening = socket(AF_UNIX, SOCK_STREAM, 0), fd[3];
	socklen_t size = offsetof(struct sockaddr_un, sun_path) + 12;

	SAY(bind(listening, (struct sockaddr *)&name, size));
	SAY(listen(listening, 1));
	SAY(setsockopt(listening, SOL_SOCKET, SO_RCVTIMEO, &time, sizeof time));
	WAIT(accept(listening, NULL, NULL));
	for (int i = 0; i < 3; i++) {
		fd[i] = socket(AF_UNIX, SOCK_STREAM, 0);
		setsockopt(fd[i], SOL_SOCKET, SO_SNDTIMEO, &time, sizeof time);
	}
	SAY(connect(fd[0], (struct sockaddr *)&name, size));
	SAY(connect(fd[1], (struct sockaddr *)&name, size));
	WAIT(connect(fd[2], (struct sockaddr *)&name, size));
	for (int i = 0; i < 3; i++)
		close(fd[i]);
	close(listening);
}

int main(void)
{
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	struct linger linger = {1, 5};
	socklen_t size = sizeof linger;

	SET(fd, SO_SNDBUF, 20000);
	SET(fd, SO_SNDBUF, 1);
	SET(fd, SO_RCVBUF, 20000);
	SET(fd, SO_RCVBUF, 1);
	SET(fd, SO_PASSCRED, 7);
	SET(fd, SO_REUSEADDR, 7);
	SET(fd, SO_KEEPALIVE, 7);
	SET(fd, SO_BROADCAST, 7);
	SET(fd, SO_PRIORITY, 3);
	SET(fd, SO_TYPE, 3);
	SET(fd, SO_ERROR, 3);
	SET(fd, 12345, 1);
	SAY(setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, 4));
	SAY(setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof linger));
	linger = (struct linger){0, 0};
	SAY(getsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, &size));
	printf("linger: %d %d %u\n", linger.l_onoff, linger.l_linger, size);
	close(fd);
	in_time(SOCK_STREAM);
	in_time(SOCK_SEQPACKET);
	in_time(SOCK_DGRAM);
	connections();
	return 0;
}
