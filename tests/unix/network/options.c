/* Options: what is set is told, and what is wrong is refused. */
#include "network.h"

static void tell(const char *what, int fd, int level, int option)
{
	int value = -1;
	socklen_t size = sizeof value;

	if (getsockopt(fd, level, option, &value, &size) != 0)
		printf("%s: %s\n", what, strerrorname_np(errno));
	else
		printf("%s: %d, size %u\n", what, value, size);
}

#define TELL(fd, level, option) tell(#fd " " #option, fd, level, option)

static void set(const char *what, int fd, int level, int option, int value)
{
	if (setsockopt(fd, level, option, &value, sizeof value) != 0)
		printf("%s = %d: %s\n", what, value, strerrorname_np(errno));
	tell(what, fd, level, option);
}

#define SET(fd, level, option, value) set(#fd " " #option, fd, level, option, value)

void options(void)
{
	int stream = socket(AF_INET, SOCK_STREAM, 0), datagram = socket(AF_INET, SOCK_DGRAM, 0), listening, a, b;
	struct linger linger = {1, 5};
	struct timeval time = {2, 500000};
	struct sockaddr_in name;
	struct tcp_info info;
	socklen_t size;

	TELL(stream, SOL_SOCKET, SO_TYPE);
	TELL(stream, SOL_SOCKET, SO_DOMAIN);
	TELL(stream, SOL_SOCKET, SO_PROTOCOL);
	TELL(stream, SOL_SOCKET, SO_ACCEPTCONN);
	TELL(stream, SOL_SOCKET, SO_ERROR);
	TELL(datagram, SOL_SOCKET, SO_TYPE);
	TELL(datagram, SOL_SOCKET, SO_PROTOCOL);
	SET(stream, SOL_SOCKET, SO_REUSEADDR, 1);
	SET(stream, SOL_SOCKET, SO_REUSEADDR, 0);
	SET(stream, SOL_SOCKET, SO_KEEPALIVE, 5);
	SET(datagram, SOL_SOCKET, SO_BROADCAST, 1);
	SET(stream, SOL_SOCKET, SO_SNDBUF, 20000);
	SET(stream, SOL_SOCKET, SO_RCVBUF, 20000);
	SET(stream, SOL_SOCKET, SO_RCVBUF, 1);
	TELL(stream, SOL_SOCKET, SO_RCVLOWAT);
	TELL(stream, IPPROTO_TCP, TCP_NODELAY);
	SET(stream, IPPROTO_TCP, TCP_NODELAY, 1);
	TELL(stream, IPPROTO_TCP, TCP_KEEPIDLE);
	SET(stream, IPPROTO_TCP, TCP_KEEPIDLE, 60);
	SET(stream, IPPROTO_TCP, TCP_KEEPIDLE, 0);
	SET(stream, IPPROTO_TCP, TCP_KEEPINTVL, 10);
	SET(stream, IPPROTO_TCP, TCP_KEEPCNT, 4);
	SET(stream, IPPROTO_TCP, TCP_KEEPCNT, 200);
	SET(datagram, IPPROTO_TCP, TCP_NODELAY, 1);
	SET(stream, IPPROTO_IP, IP_TTL, 33);
	SET(stream, IPPROTO_IP, IP_TTL, 300);
	SET(stream, IPPROTO_IP, IP_TTL, -1);
	SET(stream, IPPROTO_IP, IP_TOS, 0x10);
	SET(datagram, IPPROTO_IP, IP_RECVERR, 1);
	SAY(setsockopt(stream, SOL_SOCKET, 12345, &size, sizeof size));
	SAY(setsockopt(stream, SOL_SOCKET, SO_REUSEADDR, &size, 1));
	SAY(setsockopt(stream, 12345, 1, &size, sizeof size));
	SAY(getsockopt(stream, SOL_SOCKET, 12345, &linger, &size));
	SAY(setsockopt(stream, SOL_SOCKET, SO_LINGER, &linger, sizeof linger));
	size = sizeof linger;
	linger = (struct linger){0, 0};
	SAY(getsockopt(stream, SOL_SOCKET, SO_LINGER, &linger, &size));
	printf("linger: %d %d %u\n", linger.l_onoff, linger.l_linger, size);
	SAY(setsockopt(stream, SOL_SOCKET, SO_RCVTIMEO, &time, sizeof time));
	size = sizeof time;
	memset(&time, 0, sizeof time);
	SAY(getsockopt(stream, SOL_SOCKET, SO_RCVTIMEO, &time, &size));
	printf("time: %ld %ld %u\n", (long)time.tv_sec, (long)time.tv_usec, size);
	time.tv_usec = 1000000;
	SAY(setsockopt(stream, SOL_SOCKET, SO_SNDTIMEO, &time, sizeof time));
	close(stream);
	close(datagram);
	/* What a connection has of its listener's. */
	listening = listener(2);
	TELL(listening, SOL_SOCKET, SO_ACCEPTCONN);
	SET(listening, IPPROTO_TCP, TCP_NODELAY, 1);
	SET(listening, SOL_SOCKET, SO_KEEPALIVE, 1);
	join(listening, &a, &b);
	TELL(b, IPPROTO_TCP, TCP_NODELAY);
	TELL(b, SOL_SOCKET, SO_KEEPALIVE);
	TELL(a, SOL_SOCKET, SO_KEEPALIVE);
	size = sizeof info;
	SAY(getsockopt(a, IPPROTO_TCP, TCP_INFO, &info, &size) == 0 && info.tcpi_state == TCP_ESTABLISHED);
	name = loopback(port_of(listening));
	SAY(connect(listening, (struct sockaddr *)&name, sizeof name));
	close(a);
	close(b);
	close(listening);
}
