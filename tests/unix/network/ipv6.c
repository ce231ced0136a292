/* Sockets of AF_INET6: names of both families, streams, datagrams, echoes, and what they refuse. */
#include "network.h"

static void say_name(const char *what, const struct sockaddr_in6 *name, socklen_t size, uint16_t port)
{
	char text[INET6_ADDRSTRLEN] = "";

	inet_ntop(AF_INET6, &name->sin6_addr, text, sizeof text);
	printf("%s: family %d, %s, port %s, scope %u, size %u\n", what, name->sin6_family, text,
		name->sin6_port == 0             ? "0"
		: ntohs(name->sin6_port) == port ? "its"
						 : "another",
		name->sin6_scope_id, size);
	fflush(stdout);
}

static void say_own(const char *what, int fd, uint16_t port)
{
	struct sockaddr_in6 name = {0};
	socklen_t size = sizeof name;

	if (getsockname(fd, (struct sockaddr *)&name, &size) == 0)
		say_name(what, &name, size, port);
}

static void say_peer(const char *what, int fd, uint16_t port)
{
	struct sockaddr_in6 name = {0};
	socklen_t size = sizeof name;

	if (SAY(getpeername(fd, (struct sockaddr *)&name, &size)) == 0)
		say_name(what, &name, size, port);
}

static struct sockaddr_in6 name_of(const char *text, uint16_t port)
{
	struct sockaddr_in6 name = {.sin6_family = AF_INET6, .sin6_port = htons(port)};

	inet_pton(AF_INET6, text, &name.sin6_addr);
	return name;
}

static int bind6(int fd, const char *text, uint16_t port)
{
	struct sockaddr_in6 name = name_of(text, port);

	return bind(fd, (struct sockaddr *)&name, sizeof name);
}

static int connect6(int fd, const char *text, uint16_t port)
{
	struct sockaddr_in6 name = name_of(text, port);

	return connect(fd, (struct sockaddr *)&name, sizeof name);
}

static int socket6(int type, int only)
{
	int fd = socket(AF_INET6, type, 0);

	setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &only, sizeof only);
	return fd;
}

static void kinds(void)
{
	struct sockaddr_in6 name = loopback6(0);
	int a = socket(AF_INET6, SOCK_STREAM, 0), value = 7;
	socklen_t size = sizeof value;

	SAY(socket(AF_INET6, SOCK_STREAM, IPPROTO_UDP));
	SAY(socket(AF_INET6, SOCK_SEQPACKET, 0));
	SAY(socket(AF_INET6, SOCK_RAW, 0));
	SAY(getsockopt(a, SOL_SOCKET, SO_DOMAIN, &value, &size));
	printf("domain %d\n", value);
	say_own("unnamed", a, 0);
	SAY(bind(a, (struct sockaddr *)&name, 16));
	SAY(bind(a, (struct sockaddr *)&name, 23));
	name.sin6_family = AF_INET;
	SAY(bind(a, (struct sockaddr *)&name, sizeof name));
	name.sin6_family = AF_UNSPEC;
	SAY(bind(a, (struct sockaddr *)&name, sizeof name));
	SAY(bind6(a, "2001:db8::1", 0));
	SAY(bind6(a, "fe80::1234", 0));
	SAY(bind6(a, "::ffff:1.2.3.4", 0));
	name = loopback6(0);
	SAY(bind(a, (struct sockaddr *)&name, 24));
	say_own("bound", a, port_of(a));
	SAY(bind(a, (struct sockaddr *)&name, sizeof name));
	value = 1;
	SAY(setsockopt(a, IPPROTO_IPV6, IPV6_V6ONLY, &value, sizeof value));
	close(a);
	a = socket6(SOCK_STREAM, 0);
	SAY(bind6(a, "::ffff:127.0.0.1", 0));
	say_own("mapped", a, port_of(a));
	close(a);
	a = socket6(SOCK_STREAM, 1);
	SAY(bind6(a, "::ffff:127.0.0.1", 0));
	SAY(connect6(a, "::ffff:127.0.0.1", 1));
	SAY(connect6(a, "fe80::1", 1));
	close(a);
	a = socket(AF_INET, SOCK_STREAM, 0);
	SAY(bind6(a, "::1", 0));
	SAY(connect6(a, "::1", 1));
	SAY(setsockopt(a, IPPROTO_IPV6, IPV6_V6ONLY, &value, sizeof value));
	close(a);
}

/* Who is in whose way: names of both families, of one, with and without "reuse". */
static void conflicts(int type)
{
	static const struct {
		const char *one, *other;
		int one_only, other_only;
	} all[] = {{"::", "::", 0, 0}, {"::", "::", 1, 0}, {"::", "::", 1, 1}, {"::", "0.0.0.0", 0, 0},
		{"::", "0.0.0.0", 1, 0}, {"::1", "127.0.0.1", 0, 0}, {"::", "::1", 0, 0}, {"::1", "::", 0, 0},
		{"::", "127.0.0.1", 0, 0}, {"127.0.0.1", "::", 0, 0}, {"127.0.0.1", "::", 0, 1},
		{"::ffff:127.0.0.1", "127.0.0.1", 0, 0}, {"::ffff:127.0.0.1", "::1", 0, 0}};

	for (unsigned i = 0; i < sizeof all / sizeof all[0]; i++)
		for (int reuse = 0; reuse < 2; reuse++) {
			int fd[2];
			uint16_t port = 0;

			printf("%s%s, then %s%s%s:", all[i].one, all[i].one_only ? " only" : "", all[i].other,
				all[i].other_only ? " only" : "", reuse ? ", reuse" : "");
			for (int k = 0; k < 2; k++) {
				const char *text = k == 0 ? all[i].one : all[i].other;
				bool is_v6 = strchr(text, ':') != NULL;
				struct sockaddr_in name = loopback(port);
				int result;

				fd[k] = is_v6 ? socket6(type, k == 0 ? all[i].one_only : all[i].other_only)
					      : socket(AF_INET, type, 0);
				setsockopt(fd[k], SOL_SOCKET, SO_REUSEADDR, &reuse, sizeof reuse);
				inet_aton(text, &name.sin_addr);
				result = is_v6 ? bind6(fd[k], text, port)
					       : bind(fd[k], (struct sockaddr *)&name, sizeof name);
				printf(" %s", result == 0 ? "good" : strerrorname_np(errno));
				port = port_of(fd[k]);
			}
			printf("\n");
			close(fd[0]);
			close(fd[1]);
		}
}

static void talk(int a, int b)
{
	char data[16] = "";

	SAY(write(a, "hello", 5));
	SAY(recv(b, data, 5, MSG_WAITALL));
	SAY(write(b, "back", 4));
	SAY(recv(a, data, 4, MSG_WAITALL));
	printf("'%.5s'\n", data);
}

static void streams6(void)
{
	static char block[300000];
	int listening = socket6(SOCK_STREAM, 0), a, b, only = socket6(SOCK_STREAM, 1);
	struct sockaddr_in name4;
	struct sockaddr_in6 from;
	socklen_t size = sizeof from;
	uint16_t port;

	SAY(bind6(listening, "::", 0));
	SAY(listen(listening, 4));
	port = port_of(listening);
	say_own("listening", listening, port);
	a = socket(AF_INET6, SOCK_STREAM, 0);
	SAY(connect6(a, "::1", port));
	b = accept(listening, (struct sockaddr *)&from, &size);
	say_name("from", &from, size, port_of(a));
	say_own("accepted", b, port);
	say_peer("peer", b, port_of(a));
	say_own("own", a, port_of(a));
	say_peer("its peer", a, port);
	talk(a, b);
	if (fork() == 0) {
		write_all(a, block, sizeof block);
		_exit(0);
	}
	close(a);
	read_all(b, block, sizeof block);
	wait(NULL);
	SAY(read(b, block, 1));
	close(b);
	/* Of IPv4, to the same. */
	a = socket(AF_INET, SOCK_STREAM, 0);
	name4 = loopback(port);
	SAY(connect(a, (struct sockaddr *)&name4, sizeof name4));
	size = sizeof from;
	b = accept(listening, (struct sockaddr *)&from, &size);
	say_name("from", &from, size, port_of(a));
	say_own("accepted", b, port);
	talk(a, b);
	close(a);
	close(b);
	a = socket(AF_INET6, SOCK_STREAM, 0);
	SAY(connect6(a, "::ffff:127.0.0.1", port));
	b = accept(listening, NULL, NULL);
	say_own("own", a, port_of(a));
	say_peer("its peer", a, port);
	talk(a, b);
	close(a);
	close(b);
	/* To nobody in particular; by a name of the other family. */
	a = socket(AF_INET6, SOCK_STREAM, 0);
	SAY(connect6(a, "::", port));
	say_peer("nobody", a, port);
	close(a);
	close(accept(listening, NULL, NULL));
	a = socket(AF_INET6, SOCK_STREAM, 0);
	SAY(connect(a, (struct sockaddr *)&name4, sizeof name4));
	close(a);
	close(listening);
	/* Nothing of IPv4 gets there. */
	SAY(bind6(only, "::", 0));
	SAY(listen(only, 4));
	name4 = loopback(port_of(only));
	a = socket(AF_INET, SOCK_STREAM, 0);
	SAY(connect(a, (struct sockaddr *)&name4, sizeof name4));
	close(a);
	a = socket(AF_INET6, SOCK_STREAM, 0);
	SAY(connect6(a, "::1", port_of(only)));
	close(a);
	port = port_of(only);
	close(only);
	a = socket(AF_INET6, SOCK_STREAM, 0);
	SAY(connect6(a, "::1", port));
	close(a);
}

static void datagrams6(void)
{
	static char large[60000];
	int a = socket6(SOCK_DGRAM, 0), b = socket6(SOCK_DGRAM, 0), c = socket(AF_INET, SOCK_DGRAM, 0);
	struct sockaddr_in6 to, from;
	struct sockaddr_in to4;
	struct iovec in = {large, sizeof large};
	struct msghdr message = {.msg_iov = &in, .msg_iovlen = 1, .msg_name = &from, .msg_namelen = sizeof from};
	socklen_t size = sizeof from;
	struct pollfd one;
	char data[16] = "";

	SAY(bind6(b, "::", 0));
	to = loopback6(port_of(b));
	SAY(sendto(a, "six", 3, 0, (struct sockaddr *)&to, 20));
	SAY(sendto(a, "six", 3, 0, (struct sockaddr *)&to, sizeof to));
	say_own("sender", a, port_of(a));
	SAY(recvfrom(b, data, 16, 0, (struct sockaddr *)&from, &size));
	say_name("from", &from, size, port_of(a));
	to4 = loopback(port_of(b));
	SAY(sendto(c, "four", 4, 0, (struct sockaddr *)&to4, sizeof to4));
	SAY(recvmsg(b, &message, 0));
	say_name("from", &from, message.msg_namelen, port_of(c));
	SAY(sendto(b, "back", 4, 0, (struct sockaddr *)&from, sizeof from));
	SAY(recv(c, data, 16, 0));
	SAY(sendto(b, "to four", 7, 0,
		(struct sockaddr *)&(struct sockaddr_in){AF_INET, htons(port_of(c)), {htonl(INADDR_LOOPBACK)}, {0}},
		sizeof to4));
	/* Sent as one of AF_INET, it comes from one that has an address of both. */
	SAY(sendto(a, large, sizeof large, 0, (struct sockaddr *)&to, sizeof to));
	SAY(recv(b, large, sizeof large, 0));
	/* What a peer decides: the own address. */
	SAY(connect6(a, "::1", port_of(b)));
	say_own("connected", a, port_of(a));
	SAY(send(a, "x", 1, 0));
	SAY(recv(b, data, 16, 0));
	SAY(connect6(a, "::ffff:127.0.0.1", port_of(b)));
	to.sin6_family = AF_UNSPEC;
	SAY(connect(a, (struct sockaddr *)&to, sizeof to));
	SAY(connect6(a, "::ffff:127.0.0.1", port_of(b)));
	say_own("connected", a, port_of(a));
	SAY(send(a, "xy", 2, 0));
	SAY(recv(b, data, 16, 0));
	close(b);
	SAY(send(a, "x", 1, 0));
	one = (struct pollfd){.fd = a, .events = POLLIN};
	poll(&one, 1, 2000);
	SAY(recv(a, data, 16, MSG_DONTWAIT));
	close(a);
	a = socket6(SOCK_DGRAM, 1);
	SAY(connect6(a, "::1", 1));
	SAY(send(a, "x", 1, 0));
	one = (struct pollfd){.fd = a, .events = POLLIN};
	poll(&one, 1, 2000);
	SAY(recv(a, data, 16, MSG_DONTWAIT));
	SAY(connect6(a, "::ffff:127.0.0.1", 1));
	SAY(connect(a, (struct sockaddr *)&to4, sizeof to4));
	close(a);
	close(c);
}

static void set(const char *what, int fd, int level, int option, int value)
{
	int got = -1;
	socklen_t size = sizeof got;

	printf("%s = %d: %s", what, value,
		setsockopt(fd, level, option, &value, sizeof value) == 0 ? "good" : strerrorname_np(errno));
	if (getsockopt(fd, level, option, &got, &size) != 0)
		printf(", %s\n", strerrorname_np(errno));
	else
		printf(", %d, size %u\n", got, size);
}

#define SET(fd, option, value) set(#option, fd, IPPROTO_IPV6, option, value)

static void options6(void)
{
	int a = socket(AF_INET6, SOCK_STREAM, 0);

	SET(a, IPV6_V6ONLY, 1);
	SET(a, IPV6_V6ONLY, 0);
	SET(a, IPV6_V6ONLY, 5);
	SET(a, IPV6_UNICAST_HOPS, 33);
	SET(a, IPV6_UNICAST_HOPS, 256);
	SET(a, IPV6_UNICAST_HOPS, -1);
	SET(a, IPV6_TCLASS, 0x20);
	SET(a, IPV6_TCLASS, 300);
	SET(a, IPV6_TCLASS, -1);
	SET(a, IPV6_RECVERR, 1);
	SET(a, IPV6_MTU_DISCOVER, IPV6_PMTUDISC_DO);
	SET(a, 12345, 1);
	set("TCP_NODELAY", a, IPPROTO_TCP, TCP_NODELAY, 1);
	close(a);
}

void ipv6(void)
{
	kinds();
	conflicts(SOCK_STREAM);
	conflicts(SOCK_DGRAM);
	streams6();
	datagrams6();
	options6();
}
