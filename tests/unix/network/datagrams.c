/* Datagrams of UDP. */
#include "network.h"

static int bound(void)
{
	struct sockaddr_in name = loopback(0);
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	if (fd < 0 || bind(fd, (struct sockaddr *)&name, sizeof name) != 0)
		printf("no socket: %s\n", strerrorname_np(errno));
	return fd;
}

static void several(int a, int b)
{
	char data[3][8] = {{0}};
	struct iovec out[3] = {{"first", 5}, {"second", 6}, {"", 0}},
		     in[3] = {{data[0], 8}, {data[1], 3}, {data[2], 8}};
	struct sockaddr_in name[3];
	struct mmsghdr sent[3], got[3];
	struct sockaddr_in to = loopback(port_of(b));

	memset(sent, 0, sizeof sent);
	memset(got, 0, sizeof got);
	for (int i = 0; i < 3; i++) {
		sent[i].msg_hdr =
			(struct msghdr){.msg_name = &to, .msg_namelen = sizeof to, .msg_iov = &out[i], .msg_iovlen = 1};
		got[i].msg_hdr = (struct msghdr){
			.msg_name = &name[i], .msg_namelen = sizeof name[i], .msg_iov = &in[i], .msg_iovlen = 1};
	}
	SAY(sendmmsg(a, sent, 3, 0));
	for (int i = 0; i < 3; i++)
		printf("sent %u\n", sent[i].msg_len);
	SAY(recvmmsg(b, got, 3, 0, NULL));
	for (int i = 0; i < 3; i++)
		printf("got %u, flags %x, name %u, from %d, '%.8s'\n", got[i].msg_len,
			(unsigned)got[i].msg_hdr.msg_flags, got[i].msg_hdr.msg_namelen,
			ntohs(name[i].sin_port) == port_of(a), data[i]);
}

void datagrams(void)
{
	static char large[65508];
	struct sockaddr_in to, from, closed;
	socklen_t size = sizeof from;
	int a = socket(AF_INET, SOCK_DGRAM, 0), b = bound(), c = bound(), left;
	char data[16];
	struct timeval time = {0, 50000};
	struct pollfd one;

	to = loopback(port_of(b));
	say_poll("new", a, POLLIN | POLLOUT | POLLRDHUP);
	SAY(listen(a, 1));
	SAY(accept(a, NULL, NULL));
	SAY(send(a, "x", 1, 0));
	SAY(sendto(a, "hello", 5, 0, (struct sockaddr *)&to, 3));
	SAY(sendto(a, "hello", 5, 0, (struct sockaddr *)&to, sizeof to));
	SAY(port_of(a) != 0);
	await("sent", b, POLLIN);
	SAY(ioctl(b, FIONREAD, &left));
	printf("waiting: %d\n", left);
	SAY(recvfrom(b, data, 2, MSG_PEEK | MSG_TRUNC, (struct sockaddr *)&from, &size));
	printf("from: %d %d %x %u\n", from.sin_family, ntohs(from.sin_port) == port_of(a), ntohl(from.sin_addr.s_addr),
		size);
	SAY(recv(b, data, 3, 0));
	SAY(recv(b, data, 3, MSG_DONTWAIT));
	SAY(sendto(a, "", 0, 0, (struct sockaddr *)&to, sizeof to));
	await("empty", b, POLLIN);
	SAY(recv(b, data, 16, 0));
	SAY(sendto(a, large, sizeof large, 0, (struct sockaddr *)&to, sizeof to));
	SAY(sendto(a, large, 9000, 0, (struct sockaddr *)&to, sizeof to));
	SAY(recv(b, large, sizeof large, 0));
	SAY(sendto(a, large, 65507, 0, (struct sockaddr *)&to, sizeof to));
	SAY(recv(b, large, sizeof large, 0));
	SAY(setsockopt(b, SOL_SOCKET, SO_RCVTIMEO, &time, sizeof time));
	SAY(recv(b, data, 16, 0));
	several(a, b);
	/* With a peer: others are not heard. */
	SAY(connect(b,
		(struct sockaddr *)&(struct sockaddr_in){AF_INET, htons(port_of(c)), {htonl(INADDR_LOOPBACK)}, {0}},
		sizeof to));
	SAY(sendto(a, "other", 5, 0, (struct sockaddr *)&to, sizeof to));
	SAY(sendto(c, "peer", 4, 0, (struct sockaddr *)&to, sizeof to));
	SAY(recv(b, data, 16, 0));
	SAY(recv(b, data, 16, 0));
	SAY(write(b, "back", 4));
	SAY(recv(c, data, 16, 0));
	SAY(getpeername(b, (struct sockaddr *)&from, &size));
	SAY(ntohs(from.sin_port) == port_of(c));
	to.sin_family = AF_UNSPEC;
	SAY(connect(b, (struct sockaddr *)&to, sizeof to));
	SAY(getpeername(b, (struct sockaddr *)&from, &size));
	SAY(send(b, "x", 1, 0));
	/* Nobody there: who is connected hears of it. */
	closed = loopback(port_of(c));
	close(c);
	SAY(sendto(a, "x", 1, 0, (struct sockaddr *)&closed, sizeof closed));
	usleep(50000);
	SAY(recv(a, data, 16, MSG_DONTWAIT));
	SAY(connect(a, (struct sockaddr *)&closed, sizeof closed));
	SAY(send(a, "x", 1, 0));
	one = (struct pollfd){.fd = a, .events = POLLIN};
	poll(&one, 1, 2000);
	say_poll("refused", a, POLLIN | POLLOUT);
	SAY(recv(a, data, 16, 0));
	SAY(send(a, "x", 1, 0));
	one.revents = 0;
	poll(&one, 1, 2000);
	SAY(send(a, "x", 1, 0));
	SAY(shutdown(a, SHUT_RDWR));
	SAY(recv(a, data, 16, MSG_DONTWAIT) >= -1);
	close(a);
	close(b);
	/* In use. */
	b = bound();
	c = socket(AF_INET, SOCK_DGRAM, 0);
	to = loopback(port_of(b));
	SAY(bind(c, (struct sockaddr *)&to, sizeof to));
	close(b);
	SAY(bind(c, (struct sockaddr *)&to, sizeof to));
	close(c);
}
