/*
 * survive N: the network server is ended N times under load. Each time connections are reset, and what listens, or has
 * a name, goes on under it. The last line counts what was as it should be.
 */
#include "network.h"

static int good;

static void claim(const char *what, bool holds)
{
	good += holds;
	if (!holds)
		printf("not so: %s (%s)\n", what, strerrorname_np(errno));
	fflush(stdout);
}

static void kill_network(int number)
{
	char name[64];
	int fd;

	snprintf(name, sizeof name, "/run/kill-network-%d", number);
	fd = open(name, O_CREAT | O_WRONLY, 0600);
	close(fd);
}

/* A process that does something with a connection until that fails; it ends with 1 if it is by a reset. */
static pid_t until_reset(int fd, bool writes)
{
	static char block[20000];
	pid_t child = fork();
	ssize_t part;

	if (child != 0)
		return child;
	do
		part = writes ? write(fd, block, sizeof block) : read(fd, block, sizeof block);
	while (part > 0);
	_exit(part < 0 && (errno == ECONNRESET || errno == EPIPE));
}

static bool ended_well(pid_t child)
{
	int status;

	return waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 1;
}

/* What is on its way when the server ends is lost, as datagrams may be: so several. */
static bool reaches(int from, int to)
{
	char byte;

	for (int i = 0; i < 50; i++) {
		struct pollfd one = {.fd = to, .events = POLLIN};

		send(from, "x", 1, 0);
		if (poll(&one, 1, 200) == 1)
			return recv(to, &byte, 1, MSG_DONTWAIT) == 1;
	}
	return false;
}

/* A listener of IPv6 alone is one again: who connects to it by IPv4 is refused. */
static bool serves_ipv6(int listening)
{
	struct sockaddr_in6 name = loopback6(port_of(listening));
	struct sockaddr_in name4 = loopback(port_of(listening));
	int a = socket(AF_INET6, SOCK_STREAM, 0), b = socket(AF_INET, SOCK_STREAM, 0);
	bool serves = connect(a, (struct sockaddr *)&name, sizeof name) == 0 &&
		      connect(b, (struct sockaddr *)&name4, sizeof name4) == -1 && errno == ECONNREFUSED;

	close(accept(listening, NULL, NULL));
	close(a);
	close(b);
	return serves;
}

static long milliseconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void once(int number, int listening, int listening6, int named, int peered)
{
	int a, b, c, d, e, f;
	long since;
	pid_t reader, writer, other, accepting;
	uint16_t port = port_of(listening);
	char byte = 0;
	struct pollfd one;

	join(listening, &a, &b);
	join(listening, &c, &d);
	join(listening, &e, &f);
	reader = until_reset(a, false);
	writer = until_reset(c, true);
	other = until_reset(d, false);
	accepting = fork();
	if (accepting == 0) {
		int got = accept(listening, NULL, NULL);

		_exit(got >= 0 && read(got, &byte, 1) == 1 && byte == 'n' ? 1 : 0);
	}
	claim("a datagram before", reaches(peered, named));
	usleep(20000);
	kill_network(number);
	since = milliseconds();
	one = (struct pollfd){.fd = e, .events = POLLIN};
	claim("a poll ends", poll(&one, 1, 20000) == 1 && (one.revents & POLLERR));
	claim("a read fails", read(e, &byte, 1) == -1 && errno == ECONNRESET);
	claim("the other end, too", read(f, &byte, 1) == -1 && errno == ECONNRESET);
	claim("who waited to read", ended_well(reader));
	claim("who wrote", ended_well(writer));
	claim("who was read from", ended_well(other));
	for (int i = 0; i < 6; i++)
		close((int[]){a, b, c, d, e, f}[i]);
	/* Who waited to accept does still, at the same port. */
	claim("the port", port_of(listening) == port);
	a = socket(AF_INET, SOCK_STREAM, 0);
	claim("a new connection",
		connect(a,
			(struct sockaddr *)&(struct sockaddr_in){AF_INET, htons(port), {htonl(INADDR_LOOPBACK)}, {0}},
			sizeof(struct sockaddr_in)) == 0);
	claim("within a second", milliseconds() - since < 1000);
	claim("which is written to", write(a, "n", 1) == 1);
	claim("who waited to accept", ended_well(accepting));
	close(a);
	claim("a datagram after", reaches(peered, named));
	claim("IPv6", serves_ipv6(listening6));
}

int main(int argc, char **argv)
{
	int times = argc > 1 ? atoi(argv[1]) : 1, listening = listener(5);
	int named = socket(AF_INET, SOCK_DGRAM, 0), peered = socket(AF_INET, SOCK_DGRAM, 0);
	int listening6 = socket(AF_INET6, SOCK_STREAM, 0), one = 1;
	struct sockaddr_in name = loopback(0);
	struct sockaddr_in6 name6 = loopback6(0);

	signal(SIGPIPE, SIG_IGN);
	alarm(100);
	claim("a name", bind(named, (struct sockaddr *)&name, sizeof name) == 0);
	name = loopback(port_of(named));
	claim("a peer", connect(peered, (struct sockaddr *)&name, sizeof name) == 0);
	name6.sin6_addr = in6addr_any;
	setsockopt(listening6, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof one);
	claim("a listener of IPv6",
		bind(listening6, (struct sockaddr *)&name6, sizeof name6) == 0 && listen(listening6, 5) == 0);
	for (int i = 1; i <= times; i++)
		once(i, listening, listening6, named, peered);
	printf("as it should be: %d\n", good);
	return 0;
}
