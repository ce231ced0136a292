/* What goes with the bytes of local sockets: descriptors, credentials, names; datagrams and packets. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

static void say(const char *what, long result)
{
	if (result < 0)
		printf("%s: %s\n", what, strerrorname_np(errno));
	else
		printf("%s: %ld\n", what, result);
	fflush(stdout);
}

#define SAY(call) say(#call, (long)(call))

static const char *kind_name(int type)
{
	return type == SOCK_STREAM ? "stream" : type == SOCK_DGRAM ? "datagram" : "packet";
}

/* Sends the text with so many copies of a descriptor. */
static ssize_t send_fds(int to, const char *text, int fd, unsigned count)
{
	static union {
		char bytes[CMSG_SPACE(300 * sizeof(int))];
		struct cmsghdr align;
	} control;
	struct iovec part = {(void *)(uintptr_t)text, strlen(text)};
	struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = &control};
	int fds[300];
	unsigned i;

	for (i = 0; i < count; i++)
		fds[i] = fd;
	control.align = (struct cmsghdr){CMSG_LEN(count * sizeof(int)), SOL_SOCKET, SCM_RIGHTS};
	memcpy(CMSG_DATA(&control.align), fds, count * sizeof(int));
	message.msg_controllen = CMSG_SPACE(count * sizeof(int));
	return sendmsg(to, &message, 0);
}

static ssize_t send_as(int to, struct ucred who)
{
	union {
		char bytes[CMSG_SPACE(sizeof who)];
		struct cmsghdr align;
	} control;
	struct iovec part = {(char[]){"who"}, 3};
	struct msghdr message = {
		.msg_iov = &part, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};

	control.align = (struct cmsghdr){CMSG_LEN(sizeof who), SOL_SOCKET, SCM_CREDENTIALS};
	memcpy(CMSG_DATA(&control.align), &who, sizeof who);
	return sendmsg(to, &message, 0);
}

/* Receives with so much room for bytes and for control, and says all that came; descriptors are closed again. */
static void receive(int from, size_t bytes, size_t room, int flags)
{
	static union {
		char bytes[2048];
		struct cmsghdr align;
	} control;
	char text[64];
	struct iovec part = {text, bytes};
	struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = room};
	ssize_t size = recvmsg(from, &message, flags | MSG_DONTWAIT);
	struct cmsghdr *header;

	if (size < 0) {
		say("receive", -1);
		return;
	}
	printf("received %zd '%.*s' flags %x control %zu", size, (int)(size < (ssize_t)bytes ? size : (ssize_t)bytes),
		text, message.msg_flags, message.msg_controllen);
	for (header = CMSG_FIRSTHDR(&message); header != NULL; header = CMSG_NXTHDR(&message, header)) {
		printf(" [%d of %zu", header->cmsg_type, header->cmsg_len);
		if (header->cmsg_type == SCM_RIGHTS) {
			size_t i, count = (header->cmsg_len - sizeof *header) / sizeof(int);
			int fd = -1;

			for (i = 0; i < count; i++) {
				memcpy(&fd, CMSG_DATA(header) + i * sizeof fd, sizeof fd);
				if (i == 0)
					printf(" cloexec %d", fcntl(fd, F_GETFD));
				close(fd);
			}
		} else if (header->cmsg_len >= CMSG_LEN(sizeof(struct ucred))) {
			struct ucred who;

			memcpy(&who, CMSG_DATA(header), sizeof who);
			printf(" %s %d %d",
				who.pid == getpid() ? "mine"
				: who.pid == 0      ? "nobody's"
						    : "another's",
				(int)who.uid, (int)who.gid);
		}
		printf("]");
	}
	puts("");
	fflush(stdout);
}

static void pass(int fd, int on)
{
	setsockopt(fd, SOL_SOCKET, SO_PASSCRED, &on, sizeof on);
}

static int is_hung_up(int reader)
{
	struct pollfd poll_it = {reader, POLLIN, 0};

	poll(&poll_it, 1, 0);
	return poll_it.revents;
}

/* Whether what nobody can receive has ended: Linux looks when a socket is closed, a little later. */
static int has_ended(int reader)
{
	struct pollfd poll_it = {reader, POLLIN, 0};
	int pair[2], tries;

	for (tries = 0; tries < 20 && poll_it.revents == 0; tries++) {
		socketpair(AF_UNIX, SOCK_STREAM, 0, pair);
		close(pair[0]);
		close(pair[1]);
		poll(&poll_it, 1, 100);
	}
	return poll_it.revents;
}

static void rights(int type)
{
	int pair[2], ends[2];
	unsigned i;

	printf("rights, %s\n", kind_name(type));
	SAY(socketpair(AF_UNIX, type, 0, pair));
	SAY(send_fds(pair[0], "one", 0, 1));
	receive(pair[1], 64, 256, 0);
	SAY(send_fds(pair[0], "three", 0, 3));
	receive(pair[1], 64, 256, MSG_CMSG_CLOEXEC);
	SAY(send_fds(pair[0], "most", 0, 253));
	receive(pair[1], 64, 2048, 0);
	SAY(send_fds(pair[0], "too many", 0, 254));
	SAY(send_fds(pair[0], "none", 0, 0));
	receive(pair[1], 64, 256, 0);
	SAY(send_fds(pair[0], "bad", 999, 1));
	receive(pair[1], 64, 256, 0);
	for (i = 0; i < 6; i++) {
		static const size_t rooms[] = {0, 8, CMSG_LEN(0), CMSG_LEN(4), CMSG_LEN(8), CMSG_SPACE(8)};

		SAY(send_fds(pair[0], "cut", 0, 3));
		receive(pair[1], 64, rooms[i], 0);
	}
	/* What is behind descriptors is another message, in a stream, too; what was read in part has given them. */
	SAY(send(pair[0], "a", 1, 0));
	SAY(send_fds(pair[0], "bcd", 0, 1));
	SAY(send(pair[0], "e", 1, 0));
	receive(pair[1], 2, 256, 0);
	receive(pair[1], 64, 256, 0);
	receive(pair[1], 64, 256, 0);
	receive(pair[1], 64, 256, 0);
	SAY(send_fds(pair[0], "peek", 0, 2));
	receive(pair[1], 64, 256, MSG_PEEK);
	receive(pair[1], 2, 256, MSG_PEEK | MSG_TRUNC);
	receive(pair[1], 64, 256, 0);
	/* A plain read gives them up. */
	char byte[8];
	SAY(pipe(ends));
	SAY(send_fds(pair[0], "read", ends[1], 1));
	close(ends[1]);
	SAY(is_hung_up(ends[0]));
	SAY(read(pair[1], byte, 2));
	SAY(is_hung_up(ends[0]));
	SAY(recv(pair[1], byte, 8, MSG_DONTWAIT));
	close(ends[0]);
	/* Closed with what they are in. */
	SAY(pipe(ends));
	SAY(send_fds(pair[0], "lost", ends[1], 1));
	close(ends[1]);
	SAY(is_hung_up(ends[0]));
	close(pair[1]);
	SAY(is_hung_up(ends[0]));
	SAY(send_fds(pair[0], "nobody", 0, 1) < 0);
	close(pair[0]);
	close(ends[0]);
}

/* Sockets in one another's messages end when nobody else has them. */
static void cycles(int type)
{
	int a[2], b[2], ends[2], i;

	printf("cycles, %s\n", kind_name(type));
	SAY(pipe(ends));
	SAY(socketpair(AF_UNIX, type, 0, a));
	SAY(send_fds(a[0], "self", a[1], 1));
	SAY(send_fds(a[0], "pipe", ends[1], 1));
	close(a[0]);
	close(a[1]);
	close(ends[1]);
	SAY(has_ended(ends[0]));
	close(ends[0]);
	SAY(pipe(ends));
	socketpair(AF_UNIX, type, 0, a);
	socketpair(AF_UNIX, type, 0, b);
	SAY(send_fds(a[0], "b", b[1], 1));
	SAY(send_fds(b[0], "a", a[1], 1));
	SAY(send_fds(b[0], "pipe", ends[1], 1));
	close(ends[1]);
	close(a[1]);
	close(b[1]);
	close(b[0]);
	SAY(has_ended(ends[0])); /* not yet: a[0] is there to send, but nobody to receive */
	close(a[0]);
	SAY(has_ended(ends[0]));
	close(ends[0]);
	/* A long chain. */
	SAY(pipe(ends));
	socketpair(AF_UNIX, type, 0, a);
	SAY(send_fds(a[0], "pipe", ends[1], 1));
	close(ends[1]);
	for (i = 0; i < 500; i++) {
		socketpair(AF_UNIX, type, 0, b);
		if (send_fds(b[0], "next", a[1], 1) < 0)
			say("next", -1);
		close(a[0]);
		close(a[1]);
		a[0] = b[0];
		a[1] = b[1];
	}
	SAY(is_hung_up(ends[0]));
	close(a[0]);
	close(a[1]);
	SAY(has_ended(ends[0]));
	close(ends[0]);
}

static void credentials(int type)
{
	int pair[2], value = 5;
	socklen_t size = sizeof value;
	struct ucred other = {1, 0, 0};

	printf("credentials, %s\n", kind_name(type));
	socketpair(AF_UNIX, type, 0, pair);
	SAY(getsockopt(pair[1], SOL_SOCKET, SO_PASSCRED, &value, &size));
	SAY(value);
	SAY(send(pair[0], "before", 6, 0));
	pass(pair[1], 1);
	SAY(getsockopt(pair[1], SOL_SOCKET, SO_PASSCRED, &value, &size));
	SAY(value);
	receive(pair[1], 64, 256, 0);
	SAY(send(pair[0], "after", 5, 0));
	receive(pair[1], 64, 256, MSG_PEEK);
	receive(pair[1], 64, 256, 0);
	SAY(send_fds(pair[0], "both", 0, 1));
	receive(pair[1], 64, 256, MSG_CMSG_CLOEXEC);
	SAY(send_as(pair[0], (struct ucred){getpid(), getuid(), getgid()}));
	receive(pair[1], 64, 256, 0);
	SAY(send(pair[0], "short", 5, 0));
	receive(pair[1], 64, 20, 0);
	SAY(send(pair[0], "none", 4, 0));
	receive(pair[1], 64, 0, 0);
	other.pid = getppid();
	fflush(stdout);
	if (fork() == 0) {
		if (setresgid(1000, 1000, 1000) != 0 || setresuid(1000, 1000, 1000) != 0)
			_exit(0);
		SAY(send_as(pair[0], other));
		SAY(send_as(pair[0], (struct ucred){getpid(), 0, 1000}));
		SAY(send_as(pair[0], (struct ucred){getpid(), 1000, 0}));
		SAY(send_as(pair[0], (struct ucred){getpid(), 1000, 1000}));
		_exit(0);
	}
	wait(NULL);
	/* A stream's readers are not given two senders' bytes at once. */
	SAY(send(pair[0], "mine", 4, 0));
	receive(pair[1], 64, 256, 0);
	receive(pair[1], 64, 256, 0);
	pass(pair[1], 0);
	SAY(send_as(pair[0], (struct ucred){getpid(), getuid(), getgid()}));
	receive(pair[1], 64, 256, 0);
	close(pair[0]);
	close(pair[1]);
}

static void wrong(void)
{
	union {
		char bytes[64];
		struct cmsghdr align;
	} control = {.align = {CMSG_LEN(4), SOL_SOCKET, 77}};
	struct iovec part = {(char[]){"x"}, 1};
	struct msghdr message = {
		.msg_iov = &part, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = CMSG_SPACE(4)};
	int pair[2];

	puts("wrong");
	socketpair(AF_UNIX, SOCK_STREAM, 0, pair);
	SAY(sendmsg(pair[0], &message, 0));
	control.align.cmsg_level = 77;
	SAY(sendmsg(pair[0], &message, 0));
	control.align = (struct cmsghdr){100, SOL_SOCKET, SCM_RIGHTS};
	SAY(sendmsg(pair[0], &message, 0));
	control.align.cmsg_len = 3;
	SAY(sendmsg(pair[0], &message, 0));
	control.align = (struct cmsghdr){CMSG_LEN(4), SOL_SOCKET, SCM_CREDENTIALS};
	SAY(sendmsg(pair[0], &message, 0));
	message.msg_control = (void *)8;
	SAY(sendmsg(pair[0], &message, 0));
	message.msg_controllen = 1u << 20;
	SAY(sendmsg(pair[0], &message, 0));
	message.msg_controllen = 8;
	message.msg_control = &control;
	SAY(sendmsg(pair[0], &message, 0));
	close(pair[0]);
	close(pair[1]);
}

static void packets(int type)
{
	char text[32] = "", big[4096] = "";
	int pair[2], size = 0;

	printf("packets, %s\n", kind_name(type));
	socketpair(AF_UNIX, type, 0, pair);
	SAY(send(pair[0], "first", 5, 0));
	SAY(send(pair[0], "", 0, 0));
	SAY(send(pair[0], "third one", 9, 0));
	SAY(ioctl(pair[1], FIONREAD, &size));
	SAY(size);
	SAY(recv(pair[1], text, 3, MSG_DONTWAIT));
	receive(pair[1], 64, 0, 0);
	receive(pair[1], 4, 0, MSG_PEEK);
	SAY(recv(pair[1], text, 4, MSG_TRUNC | MSG_PEEK | MSG_DONTWAIT));
	receive(pair[1], 4, 0, 0);
	SAY(recv(pair[1], text, 4, MSG_DONTWAIT));
	SAY(send(pair[0], "x", 1, MSG_OOB) < 0 && type != SOCK_STREAM);
	size = 5000;
	SAY(setsockopt(pair[0], SOL_SOCKET, SO_SNDBUF, &size, sizeof size));
	socklen_t length = sizeof size;
	SAY(getsockopt(pair[0], SOL_SOCKET, SO_SNDBUF, &size, &length));
	SAY(size);
	size = 1;
	SAY(setsockopt(pair[0], SOL_SOCKET, SO_SNDBUF, &size, sizeof size));
	SAY(getsockopt(pair[0], SOL_SOCKET, SO_SNDBUF, &size, &length));
	SAY(size);
	if (type != SOCK_STREAM) {
		char bigger[4608 - 31];

		memset(bigger, 0, sizeof bigger);
		SAY(send(pair[0], bigger, sizeof bigger, MSG_DONTWAIT));
	}
	while (send(pair[0], big, sizeof big, MSG_DONTWAIT) > 0)
		;
	say("full", -1);
	while (recv(pair[1], big, sizeof big, MSG_DONTWAIT) > 0)
		;
	say("empty", -1);
	SAY(send(pair[0], "again", 5, 0));
	SAY(shutdown(pair[0], SHUT_WR));
	SAY(send(pair[0], "more", 4, MSG_NOSIGNAL));
	receive(pair[1], 64, 0, 0);
	receive(pair[1], 64, 0, 0);
	SAY(send(pair[1], "back", 4, 0));
	close(pair[1]);
	receive(pair[0], 64, 0, 0);
	receive(pair[0], 64, 0, 0);
	SAY(send(pair[0], "gone", 4, MSG_NOSIGNAL));
	SAY(send(pair[0], "gone", 4, MSG_NOSIGNAL));
	SAY(is_hung_up(pair[0]));
	close(pair[0]);
	socketpair(AF_UNIX, type, 0, pair);
	SAY(send(pair[0], "unread", 6, 0));
	close(pair[1]);
	SAY(recv(pair[0], text, 4, MSG_DONTWAIT));
	SAY(recv(pair[0], text, 4, MSG_DONTWAIT));
	close(pair[0]);
}

static struct sockaddr_un name_of(const char *text, socklen_t *size)
{
	struct sockaddr_un name = {.sun_family = AF_UNIX};
	size_t length = strlen(text);

	/* '@' stands for the zero of an abstract name. */
	memcpy(name.sun_path, text, length);
	*size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length + (text[0] != '@'));
	if (text[0] == '@')
		name.sun_path[0] = 0;
	return name;
}

static void show_name(const char *what, int fd, int peer)
{
	struct sockaddr_un name;
	socklen_t size = sizeof name;

	memset(&name, 0, sizeof name);
	if ((peer ? getpeername(fd, (void *)&name, &size) : getsockname(fd, (void *)&name, &size)) < 0) {
		say(what, -1);
		return;
	}
	printf("%s: %u %d '%s'\n", what, size, name.sun_family,
		name.sun_path[0] == 0 ? name.sun_path + 1 : name.sun_path);
}

static void datagrams(const char *where)
{
	struct sockaddr_un name, from;
	socklen_t size, from_size = sizeof from;
	int a = socket(AF_UNIX, SOCK_DGRAM, 0), b = socket(AF_UNIX, SOCK_DGRAM, 0), c = socket(AF_UNIX, SOCK_STREAM, 0),
	    i;
	char text[16];

	puts("datagrams");
	name = name_of(where, &size);
	SAY(sendto(a, "early", 5, 0, (void *)&name, size));
	SAY(bind(b, (void *)&name, size));
	SAY(bind(b, (void *)&name, size));
	SAY(bind(a, (void *)&name, size));
	SAY(sendto(a, "hello", 5, 0, (void *)&name, size));
	memset(&from, 0, sizeof from);
	SAY(recvfrom(b, text, sizeof text, 0, (void *)&from, &from_size));
	SAY(from_size);
	SAY(send(a, "x", 1, 0));
	SAY(connect(c, (void *)&name, size));
	SAY(listen(b, 1));
	SAY(accept(b, NULL, NULL));
	name = name_of("@ancillary a", &size);
	SAY(bind(a, (void *)&name, size));
	SAY(bind(c, (void *)&name, size));
	show_name("a", a, 0);
	name = name_of(where, &size);
	SAY(connect(a, (void *)&name, size));
	show_name("a's peer", a, 1);
	SAY(send(a, "hello", 5, 0));
	from_size = sizeof from;
	SAY(recvfrom(b, text, sizeof text, 0, (void *)&from, &from_size));
	SAY(from_size);
	SAY(sendto(b, "answer", 6, 0, (void *)&from, from_size));
	SAY(recv(a, text, sizeof text, 0));
	for (i = 0; send(a, "fill", 4, MSG_DONTWAIT) == 4; i++)
		;
	say("full", -1);
	SAY(i);
	struct pollfd poll_it = {a, POLLOUT, 0};
	SAY(poll(&poll_it, 1, 0));
	SAY(recv(b, text, sizeof text, 0));
	SAY(poll(&poll_it, 1, 0));
	/* Who has a peer takes from nobody else. */
	int d = socket(AF_UNIX, SOCK_DGRAM, 0);
	name = name_of("@ancillary a", &size);
	SAY(sendto(d, "x", 1, 0, (void *)&name, size));
	SAY(connect(d, (void *)&name, size));
	close(b);
	SAY(send(a, "x", 1, 0));
	SAY(send(a, "x", 1, 0));
	name.sun_family = AF_UNSPEC;
	SAY(connect(a, (void *)&name, sizeof name));
	SAY(bind(d, (void *)&(struct sockaddr_un){.sun_family = AF_UNIX}, sizeof(sa_family_t)));
	from_size = sizeof from;
	SAY(getsockname(d, (void *)&from, &from_size));
	SAY(from_size);
	name = name_of("@nobody", &size);
	SAY(connect(c, (void *)&name, size));
	SAY(connect(d, (void *)&name, size));
	SAY(bind(c, (void *)&name, sizeof name + 1));
	SAY(bind(c, (void *)&name, 1));
	name.sun_family = AF_INET;
	SAY(bind(c, (void *)&name, sizeof name));
	unlink(where);
	close(a);
	close(c);
	close(d);
}

static void connections(int type)
{
	struct sockaddr_un name;
	struct ucred peer;
	socklen_t size, peer_size = sizeof peer;
	int listener = socket(AF_UNIX, type, 0), client = socket(AF_UNIX, type, 0), accepted;
	char text[16];

	printf("connections, %s\n", kind_name(type));
	name = name_of("@ancillary listener", &size);
	SAY(connect(client, (void *)&name, size));
	SAY(listen(listener, 1));
	SAY(bind(listener, (void *)&name, size));
	SAY(connect(client, (void *)&name, size));
	pass(listener, 1);
	SAY(listen(listener, 1));
	SAY(connect(client, (void *)&name, size));
	SAY(connect(client, (void *)&name, size));
	SAY(send(client, "early", 5, 0));
	accepted = accept(listener, NULL, NULL);
	SAY(accepted >= 0);
	show_name("accepted", accepted, 0);
	show_name("client's peer", client, 1);
	show_name("accepted's peer", accepted, 1);
	SAY(getsockopt(accepted, SOL_SOCKET, SO_PEERCRED, &peer, &peer_size));
	printf("%d %d\n", peer.pid == getpid(), peer.uid == getuid());
	receive(accepted, 64, 256, 0);
	SAY(recv(accepted, text, 1, MSG_DONTWAIT));
	close(accepted);
	SAY(recv(client, text, 1, 0));
	show_name("client's peer", client, 1);
	close(client);
	client = socket(AF_UNIX, type, 0);
	SAY(connect(client, (void *)&name, size));
	close(listener); /* nobody will accept it */
	SAY(recv(client, text, 1, 0));
	SAY(recv(client, text, 1, 0));
	SAY(send(client, text, 1, MSG_NOSIGNAL));
	close(client);
}

static void several(void)
{
	struct iovec part[3] = {{(char[]){"one"}, 3}, {(char[]){"three"}, 5}, {(void *)8, 2}}, room[3];
	struct mmsghdr message[3] = {0};
	char text[3][16];
	struct timespec none = {0, 0}, bad = {0, -1};
	int pair[2], i;

	puts("several");
	socketpair(AF_UNIX, SOCK_DGRAM, 0, pair);
	for (i = 0; i < 3; i++) {
		message[i].msg_hdr.msg_iov = &part[i];
		message[i].msg_hdr.msg_iovlen = 1;
		room[i] = (struct iovec){text[i], sizeof text[i]};
	}
	SAY(sendmmsg(pair[0], message, 2, 0));
	printf("%u %u\n", message[0].msg_len, message[1].msg_len);
	SAY(sendmmsg(pair[0], message, 3, 0));
	SAY(sendmmsg(pair[0], message + 2, 1, 0));
	SAY(sendmmsg(pair[0], message, 0, 0));
	SAY(sendmmsg(-1, message, 1, 0));
	for (i = 0; i < 3; i++)
		message[i].msg_hdr.msg_iov = &room[i];
	SAY(recvmmsg(pair[1], message, 3, 0, NULL));
	printf("%u %u %u %.3s %.5s\n", message[0].msg_len, message[1].msg_len, message[2].msg_len, text[0], text[1]);
	SAY(recvmmsg(pair[1], message, 3, MSG_WAITFORONE, NULL));
	SAY(recvmmsg(pair[1], message, 3, MSG_DONTWAIT, NULL));
	SAY(recvmmsg(pair[1], message, 3, 0, &bad));
	SAY(recvmmsg(-1, message, 3, 0, NULL));
	SAY(send(pair[0], "x", 1, 0));
	SAY(recvmmsg(pair[1], message, 3, 0, &none));
	close(pair[0]);
	close(pair[1]);
}

static void in_flight(void)
{
	struct rlimit few = {20, 20};
	int pair[2], i;

	puts("in flight");
	fflush(stdout);
	if (fork() == 0) {
		if (setresgid(1000, 1000, 1000) != 0 || setresuid(1000, 1000, 1000) != 0)
			_exit(0);
		setrlimit(RLIMIT_NOFILE, &few);
		socketpair(AF_UNIX, SOCK_DGRAM, 0, pair);
		for (i = 0; send_fds(pair[0], "x", pair[0], 7) > 0 && i < 100; i++)
			;
		say("too many", -1);
		printf("%d messages\n", i);
		receive(pair[1], 8, 256, 0);
		receive(pair[1], 8, 256, 0);
		SAY(send_fds(pair[0], "x", 0, 1));
		fflush(stdout);
		_exit(0);
	}
	wait(NULL);
}

static volatile sig_atomic_t alarms;

static void on_alarm(int sig)
{
	(void)sig;
	alarms++;
}

/* A signal ends what has been done in part with what has been done. */
static void interrupted(void)
{
	static char many[1 << 20];
	struct sigaction action = {.sa_handler = on_alarm, .sa_flags = SA_RESTART};
	int pair[2], ends[2], wanted = 0;
	ssize_t sent;

	puts("interrupted");
	sigaction(SIGALRM, &action, NULL);
	socketpair(AF_UNIX, SOCK_STREAM, 0, pair);
	ualarm(50000, 0);
	sent = send(pair[0], many, sizeof many, 0);
	ioctl(pair[1], FIONREAD, &wanted);
	printf("%d %d\n", sent > 0 && sent < (ssize_t)sizeof many, sent == wanted);
	close(pair[0]);
	close(pair[1]);
	SAY(pipe(ends));
	ualarm(50000, 0);
	SAY(write(ends[1], many, 100000));
	SAY(ioctl(ends[0], FIONREAD, &wanted));
	SAY(wanted);
	socketpair(AF_UNIX, SOCK_STREAM, 0, pair);
	SAY(write(pair[0], "abc", 3));
	ualarm(50000, 0);
	SAY(recv(pair[1], many, 10, MSG_WAITALL));
	SAY(alarms);
	close(pair[0]);
	close(pair[1]);
	close(ends[0]);
	close(ends[1]);
}

int main(int argc, char **argv)
{
	static const int types[] = {SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET};
	unsigned i;

	signal(SIGPIPE, SIG_IGN);
	if (chdir(argc > 1 ? argv[1] : "/tmp") != 0)
		return 1;
	unlink("ancillary");
	for (i = 0; i < 3; i++) {
		rights(types[i]);
		cycles(types[i]);
		credentials(types[i]);
		packets(types[i]);
	}
	wrong();
	datagrams("ancillary");
	connections(SOCK_STREAM);
	connections(SOCK_SEQPACKET);
	several();
	in_flight();
	interrupted();
	return 0;
}
