/* AF_NETLINK: what NETLINK_ROUTE says of the loopback, and what it refuses. */
#include "network.h"

#include <ifaddrs.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>

struct request {
	struct nlmsghdr header;
	union {
		struct rtgenmsg any;
		struct ifinfomsg link;
		struct ifaddrmsg address;
	};
	char attributes[64];
};

static char data[16384] __attribute__((aligned(NLMSG_ALIGNTO)));

static void ask(int fd, unsigned type, unsigned flags, int family, int index)
{
	struct request request = {
		.header = {NLMSG_LENGTH(sizeof request.link), (uint16_t)type, (uint16_t)(NLM_F_REQUEST | flags), 7, 0},
		.link = {.ifi_family = (unsigned char)family, .ifi_index = index}};

	if (send(fd, &request, request.header.nlmsg_len, 0) < 0)
		printf("send: %s\n", strerrorname_np(errno));
}

/* An answer that is about the loopback, or about nothing. */
static void say_message(const struct nlmsghdr *one, int fd)
{
	struct sockaddr_nl name = {0};
	const struct ifinfomsg *link = NLMSG_DATA(one);
	const struct ifaddrmsg *address = NLMSG_DATA(one);
	const struct nlmsgerr *error = NLMSG_DATA(one);
	socklen_t size = sizeof name;
	bool its;

	getsockname(fd, (struct sockaddr *)&name, &size);
	its = one->nlmsg_seq == 7 && one->nlmsg_pid == name.nl_pid;
	if (one->nlmsg_type == NLMSG_DONE)
		printf("done, multi %d, to us %d\n", (one->nlmsg_flags & NLM_F_MULTI) != 0, its);
	else if (one->nlmsg_type == NLMSG_ERROR)
		printf("%s of %u, size %u, capped %d, to us %d\n",
			error->error ? strerrorname_np(-error->error) : "good", error->msg.nlmsg_type, one->nlmsg_len,
			(one->nlmsg_flags & NLM_F_CAPPED) != 0, its);
	else if (one->nlmsg_type == RTM_NEWLINK && link->ifi_index == 1)
		printf("link %d, type %d, up %d, loopback %d, multi %d, to us %d\n", link->ifi_index, link->ifi_type,
			(link->ifi_flags & IFF_UP) != 0, (link->ifi_flags & IFF_LOOPBACK) != 0,
			(one->nlmsg_flags & NLM_F_MULTI) != 0, its);
	else if (one->nlmsg_type == RTM_NEWADDR && address->ifa_index == 1)
		printf("address of %d, family %d, bits %d, scope %d, flags %x, multi %d, to us %d\n",
			address->ifa_index, address->ifa_family, address->ifa_prefixlen, address->ifa_scope,
			address->ifa_flags, (one->nlmsg_flags & NLM_F_MULTI) != 0, its);
	fflush(stdout);
}

/* Until a dump is done, or one answer. */
static void hear(int fd, bool dump)
{
	struct sockaddr_nl from;
	struct iovec in = {data, sizeof data};
	struct msghdr message = {.msg_name = &from, .msg_namelen = sizeof from, .msg_iov = &in, .msg_iovlen = 1};
	ssize_t size;

	do {
		size = recvmsg(fd, &message, 0);
		if (size < 0) {
			printf("recvmsg: %s\n", strerrorname_np(errno));
			return;
		}
		if (message.msg_namelen != sizeof from || from.nl_family != AF_NETLINK || from.nl_pid != 0)
			printf("from %u, size %u\n", from.nl_pid, message.msg_namelen);
		for (struct nlmsghdr *one = (void *)data; NLMSG_OK(one, (size_t)size); one = NLMSG_NEXT(one, size)) {
			say_message(one, fd);
			if (one->nlmsg_type == NLMSG_DONE || one->nlmsg_type == NLMSG_ERROR)
				dump = false;
		}
	} while (dump);
}

static void names6(void)
{
	struct sockaddr_nl name = {.nl_family = AF_NETLINK}, other;
	socklen_t size = sizeof other;
	int a, b;

	SAY(socket(AF_NETLINK, SOCK_STREAM, NETLINK_ROUTE));
	SAY(socket(AF_NETLINK, SOCK_RAW, 77));
	SAY(socketpair(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE, (int[2]){0}));
	SAY(socket(AF_IPX, SOCK_DGRAM, 0));
	SAY(socket(77, SOCK_DGRAM, 0));
	a = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	b = socket(AF_NETLINK, SOCK_DGRAM, NETLINK_ROUTE);
	SAY(getsockname(a, (struct sockaddr *)&other, &size));
	printf("unnamed: %d %u %u\n", other.nl_family, other.nl_pid, size);
	SAY(bind(a, (struct sockaddr *)&name, 5));
	name.nl_family = AF_INET;
	SAY(bind(a, (struct sockaddr *)&name, sizeof name));
	name.nl_family = AF_NETLINK;
	SAY(bind(a, (struct sockaddr *)&name, sizeof name));
	SAY(getsockname(a, (struct sockaddr *)&other, &size));
	SAY(other.nl_pid == (unsigned)getpid());
	SAY(bind(a, (struct sockaddr *)&other, sizeof name));
	SAY(bind(b, (struct sockaddr *)&other, sizeof name));
	name.nl_pid = 123456789;
	SAY(bind(a, (struct sockaddr *)&name, sizeof name));
	SAY(bind(b, (struct sockaddr *)&name, sizeof name));
	SAY(listen(a, 1));
	SAY(accept(a, NULL, NULL));
	SAY(shutdown(a, SHUT_WR));
	name.nl_pid = 123456780;
	SAY(sendto(a, "x", 1, 0, (struct sockaddr *)&name, sizeof name));
	name.nl_pid = 0;
	SAY(connect(a, (struct sockaddr *)&name, 5));
	SAY(connect(a, (struct sockaddr *)&name, sizeof name));
	SAY(sendto(a, "x", 1, 0, (struct sockaddr *)&name, sizeof name));
	SAY(recv(a, data, 1, MSG_DONTWAIT));
	say_poll("nothing", a, POLLIN | POLLOUT);
	close(a);
	close(b);
	/* Its number is free again. */
	a = socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE);
	SAY(bind(a, (struct sockaddr *)&name, sizeof name));
	size = sizeof other;
	getsockname(a, (struct sockaddr *)&other, &size);
	SAY(other.nl_pid == (unsigned)getpid());
	close(a);
}

/* What may be said of an interface: that of the loopback, by its own calls and by netlink. */
static void interfaces(void)
{
	struct ifaddrs *list;
	char name[INET6_ADDRSTRLEN];

	SAY(if_nametoindex("lo"));
	SAY(if_indextoname(1, name) != NULL && strcmp(name, "lo") == 0);
	SAY(getifaddrs(&list));
	for (struct ifaddrs *one = list; one; one = one->ifa_next) {
		if (strcmp(one->ifa_name, "lo") != 0)
			continue;
		printf("lo: family %d, up %d, loopback %d", one->ifa_addr->sa_family, (one->ifa_flags & IFF_UP) != 0,
			(one->ifa_flags & IFF_LOOPBACK) != 0);
		if (one->ifa_addr->sa_family == AF_INET)
			printf(", %s", inet_ntoa(((struct sockaddr_in *)one->ifa_addr)->sin_addr));
		if (one->ifa_addr->sa_family == AF_INET6)
			printf(", %s", inet_ntop(AF_INET6, &((struct sockaddr_in6 *)one->ifa_addr)->sin6_addr, name,
					       sizeof name));
		printf("\n");
	}
	freeifaddrs(list);
}

void netlink(void)
{
	struct request bad = {.header = {NLMSG_LENGTH(sizeof bad.link), RTM_GETLINK, NLM_F_REQUEST | NLM_F_DUMP, 7, 0}};
	int fd, one = 1;

	names6();
	interfaces();
	fd = socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE);
	ask(fd, RTM_GETLINK, NLM_F_DUMP, AF_UNSPEC, 0);
	await("asked", fd, POLLIN);
	SAY(recv(fd, data, 10, MSG_PEEK | MSG_TRUNC) > 200);
	hear(fd, true);
	ask(fd, RTM_GETLINK, 0, AF_UNSPEC, 1);
	hear(fd, false);
	ask(fd, RTM_GETLINK, 0, AF_UNSPEC, 12345);
	hear(fd, false);
	ask(fd, RTM_GETADDR, NLM_F_DUMP, AF_INET, 0);
	hear(fd, true);
	ask(fd, RTM_GETADDR, NLM_F_DUMP, AF_INET6, 0);
	hear(fd, true);
	ask(fd, RTM_GETROUTE, NLM_F_DUMP, AF_INET, 0);
	hear(fd, true);
	ask(fd, 999, 0, 0, 0);
	hear(fd, false);
	SAY(setsockopt(fd, SOL_NETLINK, NETLINK_CAP_ACK, &one, sizeof one));
	ask(fd, 999, NLM_F_ACK, 0, 0);
	hear(fd, false);
	SAY(setsockopt(fd, SOL_NETLINK, NETLINK_EXT_ACK, &one, sizeof one));
	SAY(setsockopt(fd, SOL_NETLINK, 99, &one, sizeof one));
	/* What is no request is passed over; what is not whole, too. */
	bad.header.nlmsg_flags = 0;
	SAY(send(fd, &bad, bad.header.nlmsg_len, 0) > 0);
	bad.header.nlmsg_flags = NLM_F_REQUEST;
	bad.header.nlmsg_len = 4000;
	SAY(send(fd, &bad, 40, 0));
	bad.header.nlmsg_len = 3;
	SAY(send(fd, &bad, 40, 0));
	SAY(recv(fd, data, sizeof data, MSG_DONTWAIT));
	close(fd);
}
