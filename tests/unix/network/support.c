/* See network.h. */
#include "network.h"

long say(const char *what, long result)
{
	if (result < 0)
		printf("%s: %s\n", what, strerrorname_np(errno));
	else
		printf("%s: %ld\n", what, result);
	fflush(stdout);
	return result;
}

void say_poll(const char *what, int fd, short events)
{
	static const struct {
		short bit;
		const char *name;
	} bits[] = {{POLLIN, "IN"}, {POLLOUT, "OUT"}, {POLLERR, "ERR"}, {POLLHUP, "HUP"}, {POLLRDHUP, "RDHUP"},
		{POLLNVAL, "NVAL"}};
	struct pollfd one = {.fd = fd, .events = events};

	poll(&one, 1, 0);
	printf("%s:", what);
	for (unsigned i = 0; i < sizeof bits / sizeof bits[0]; i++)
		if (one.revents & bits[i].bit)
			printf(" %s", bits[i].name);
	printf("\n");
	fflush(stdout);
}

void await(const char *what, int fd, short events)
{
	struct pollfd one = {.fd = fd, .events = events};

	poll(&one, 1, 10000);
	say_poll(what, fd, POLLIN | POLLOUT | POLLRDHUP);
}

struct sockaddr_in loopback(uint16_t port)
{
	return (struct sockaddr_in){
		.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
}

struct sockaddr_in6 loopback6(uint16_t port)
{
	return (struct sockaddr_in6){
		.sin6_family = AF_INET6, .sin6_port = htons(port), .sin6_addr = IN6ADDR_LOOPBACK_INIT};
}

uint16_t port_of(int fd)
{
	struct sockaddr_in6 name = {0}; /* the port is where AF_INET has it */
	socklen_t size = sizeof name;

	getsockname(fd, (struct sockaddr *)&name, &size);
	return ntohs(name.sin6_port);
}

static void fail(const char *what)
{
	printf("%s failed: %s\n", what, strerrorname_np(errno));
	fflush(stdout);
	_exit(1);
}

int listener(int backlog)
{
	struct sockaddr_in name = loopback(0);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	if (fd < 0 || bind(fd, (struct sockaddr *)&name, sizeof name) != 0 || listen(fd, backlog) != 0)
		fail("a listener");
	return fd;
}

void join(int listening, int *a, int *b)
{
	struct sockaddr_in name = loopback(port_of(listening));

	*a = socket(AF_INET, SOCK_STREAM, 0);
	if (*a < 0 || connect(*a, (struct sockaddr *)&name, sizeof name) != 0)
		fail("a connection");
	*b = accept(listening, NULL, NULL);
	if (*b < 0)
		fail("accept");
}

void pair(int *a, int *b)
{
	int listening = listener(1);

	join(listening, a, b);
	close(listening);
}

void read_all(int fd, void *data, size_t size)
{
	for (size_t done = 0; done < size;) {
		ssize_t part = read(fd, (char *)data + done, size - done);

		if (part <= 0)
			fail("read");
		done += (size_t)part;
	}
}

void write_all(int fd, const void *data, size_t size)
{
	for (size_t done = 0; done < size;) {
		ssize_t part = write(fd, (const char *)data + done, size - done);

		if (part <= 0)
			fail("write");
		done += (size_t)part;
	}
}

size_t fill(int fd)
{
	static char block[65536];
	struct pollfd one = {.fd = fd, .events = POLLOUT};
	size_t size = 0;

	/* It is full when it stays so for a while. */
	while (poll(&one, 1, 300) == 1) {
		ssize_t part = send(fd, block, sizeof block, MSG_DONTWAIT);

		if (part > 0)
			size += (size_t)part;
	}
	return size;
}
