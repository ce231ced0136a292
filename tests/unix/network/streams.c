/* Streams: names, bytes, waiting, ends, and many at once. */
#include "network.h"

static volatile sig_atomic_t signals;

static void count(int number)
{
	(void)number;
	signals++;
}

void names(void)
{
	struct sockaddr_in name = loopback(0), other;
	int a, b, c, one = 1;
	socklen_t size = sizeof other;

	SAY(socket(AF_INET, SOCK_STREAM, IPPROTO_UDP));
	SAY(socket(AF_INET, SOCK_DGRAM, IPPROTO_TCP));
	SAY(socket(AF_INET, SOCK_SEQPACKET, 0));
	SAY(socket(AF_INET, SOCK_RAW, 0));
	a = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	SAY(fcntl(a, F_GETFD));
	SAY(fcntl(a, F_GETFL));
	SAY(getsockname(a, (struct sockaddr *)&other, &size));
	printf("unnamed: %d %d %u %u\n", other.sin_family, ntohs(other.sin_port), other.sin_addr.s_addr, size);
	SAY(getpeername(a, (struct sockaddr *)&other, &size));
	SAY(bind(a, (struct sockaddr *)&name, 4));
	name.sin_family = AF_UNIX;
	SAY(bind(a, (struct sockaddr *)&name, sizeof name));
	name.sin_family = AF_INET;
	name.sin_addr.s_addr = htonl(0x01020304);
	SAY(bind(a, (struct sockaddr *)&name, sizeof name));
	name = loopback(0);
	SAY(bind(a, (struct sockaddr *)&name, sizeof name));
	SAY(port_of(a) != 0);
	SAY(bind(a, (struct sockaddr *)&name, sizeof name));
	name = loopback(port_of(a));
	b = socket(AF_INET, SOCK_STREAM, 0);
	SAY(bind(b, (struct sockaddr *)&name, sizeof name));
	SAY(setsockopt(b, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one));
	SAY(bind(b, (struct sockaddr *)&name, sizeof name));
	SAY(setsockopt(a, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one));
	SAY(bind(b, (struct sockaddr *)&name, sizeof name));
	SAY(listen(a, 5));
	SAY(listen(b, 5));
	c = socket(AF_INET, SOCK_STREAM, 0);
	SAY(setsockopt(c, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one));
	SAY(bind(c, (struct sockaddr *)&name, sizeof name));
	SAY(close(b));
	SAY(close(a));
	SAY(bind(c, (struct sockaddr *)&name, sizeof name));
	/* A name is free again, with those who were connected by it still there. */
	SAY(listen(c, 5));
	join(c, &a, &b);
	close(c);
	c = socket(AF_INET, SOCK_STREAM, 0);
	SAY(setsockopt(c, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one));
	SAY(bind(c, (struct sockaddr *)&name, sizeof name));
	SAY(listen(c, 5));
	close(a);
	close(b);
	close(c);
	/* One without a name gets one by listen, and by connect. */
	a = socket(AF_INET, SOCK_STREAM, 0);
	SAY(listen(a, 5));
	SAY(port_of(a) != 0);
	join(a, &b, &c);
	size = sizeof other;
	SAY(getpeername(b, (struct sockaddr *)&other, &size));
	printf("peer: %d %d %x %u\n", other.sin_family, ntohs(other.sin_port) == port_of(a),
		ntohl(other.sin_addr.s_addr), size);
	SAY(getsockname(c, (struct sockaddr *)&other, &size));
	printf("own: %d %d %x %u\n", other.sin_family, ntohs(other.sin_port) == port_of(a),
		ntohl(other.sin_addr.s_addr), size);
	close(a);
	close(b);
	close(c);
}

static void wrong(void)
{
	struct sockaddr_in name = loopback(1);
	char byte;
	int a = socket(AF_INET, SOCK_STREAM, 0), b, c;

	SAY(read(a, &byte, 1));
	SAY(send(a, "x", 1, MSG_NOSIGNAL));
	SAY(accept(a, NULL, NULL));
	SAY(shutdown(a, SHUT_WR));
	SAY(shutdown(a, 7));
	say_poll("new", a, POLLIN | POLLOUT | POLLRDHUP);
	SAY(connect(a, (struct sockaddr *)&name, 3));
	name.sin_family = AF_UNIX;
	SAY(connect(a, (struct sockaddr *)&name, sizeof name));
	name = loopback(1);
	SAY(connect(a, (struct sockaddr *)&name, sizeof name));
	SAY(connect(a, (struct sockaddr *)&name, sizeof name));
	close(a);
	a = listener(2);
	SAY(connect(a, (struct sockaddr *)&name, sizeof name));
	SAY(read(a, &byte, 1));
	SAY(write(a, "x", 1));
	SAY(ioctl(a, FIONREAD, &b));
	join(a, &b, &c);
	name = loopback(port_of(a));
	SAY(connect(b, (struct sockaddr *)&name, sizeof name));
	SAY(accept(b, NULL, NULL));
	SAY(listen(b, 1));
	SAY(recv(b, &byte, 1, MSG_OOB));
	SAY(accept4(a, NULL, NULL, 0x12345));
	SAY(send(-1, "x", 1, 0));
	close(a);
	close(b);
	close(c);
}

void streams(void)
{
	char data[64] = {0};
	struct iovec out[3] = {{"one", 3}, {"two", 3}, {"three", 5}}, in[2] = {{data, 4}, {data + 4, 60}};
	struct msghdr message = {.msg_iov = in, .msg_iovlen = 2};
	struct sockaddr_in name;
	int a, b, left = -1, file;

	wrong();
	pair(&a, &b);
	SAY(recv(b, data, 10, MSG_DONTWAIT));
	SAY(write(a, "hello, world", 12));
	await("written", b, POLLIN);
	SAY(ioctl(b, FIONREAD, &left));
	printf("waiting: %d\n", left);
	SAY(recv(b, data, 5, MSG_PEEK));
	SAY(recv(b, data, 5, 0));
	printf("'%.5s'\n", data);
	SAY(read(b, data, 2));
	SAY(read(b, data, 50));
	printf("'%.5s'\n", data);
	SAY(read(b, data, 0));
	SAY(writev(a, out, 3));
	read_all(b, data, 11);
	printf("'%.11s'\n", data);
	SAY(sendmsg(a, &(struct msghdr){.msg_iov = out, .msg_iovlen = 3}, 0));
	await("sent", b, POLLIN);
	message.msg_name = &name;
	message.msg_namelen = sizeof name;
	SAY(recvmsg(b, &message, MSG_WAITALL | MSG_DONTWAIT));
	printf("name %u, flags %x, '%.11s'\n", message.msg_namelen, (unsigned)message.msg_flags, data);
	/* All of it, also when it comes in pieces. */
	if (fork() == 0) {
		for (int i = 0; i < 4; i++) {
			struct timespec nap = {0, 20000000};

			write_all(a, "abcd", 4);
			nanosleep(&nap, NULL);
		}
		_exit(0);
	}
	SAY(recv(b, data, 16, MSG_WAITALL));
	printf("'%.16s'\n", data);
	wait(NULL);
	SAY(send(a, "gone", 4, 0));
	await("to be thrown away", b, POLLIN);
	SAY(recv(b, NULL, 4, MSG_TRUNC));
	SAY(recv(b, data, 4, MSG_DONTWAIT));
	/* A signal ends a wait. */
	struct sigaction action = {.sa_handler = count};
	struct itimerval soon = {.it_value = {0, 30000}};

	sigaction(SIGALRM, &action, NULL);
	setitimer(ITIMER_REAL, &soon, NULL);
	SAY(read(b, data, 4));
	printf("signals: %d\n", signals);
	signal(SIGALRM, SIG_DFL);
	alarm(40);
	/* From a file. */
	file = open("/proc/self/exe", O_RDONLY);
	SAY(sendfile(a, file, NULL, 20));
	read_all(b, data, 20);
	SAY(memcmp(data, "\177ELF", 4));
	close(file);
	SAY(write(a, "tail", 4));
	SAY(close(a));
	await("closed", b, POLLRDHUP);
	SAY(read(b, data, 50));
	SAY(read(b, data, 50));
	SAY(read(b, data, 50));
	close(b);
}

/* --- Waiting. */

static void refused(void)
{
	struct sockaddr_in name;
	int closed = listener(1), a, error = 0;
	socklen_t size = sizeof error;

	name = loopback(port_of(closed));
	close(closed);
	a = socket(AF_INET, SOCK_STREAM, 0);
	SAY(connect(a, (struct sockaddr *)&name, sizeof name));
	SAY(getsockopt(a, SOL_SOCKET, SO_ERROR, &error, &size));
	printf("error left: %d\n", error);
	close(a);
	a = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	errno = 0;
	if (connect(a, (struct sockaddr *)&name, sizeof name) != 0)
		printf("not at once: %d\n", errno == EINPROGRESS || errno == ECONNREFUSED);
	await("refused", a, POLLOUT);
	SAY(getsockopt(a, SOL_SOCKET, SO_ERROR, &error, &size));
	printf("error: %s\n", strerrorname_np(error));
	SAY(getsockopt(a, SOL_SOCKET, SO_ERROR, &error, &size));
	printf("error: %d\n", error);
	close(a);
}

static void connecting(void)
{
	int listening = listener(4), a, b, error = -1;
	struct sockaddr_in name = loopback(port_of(listening));
	socklen_t size = sizeof error;

	fcntl(listening, F_SETFL, O_NONBLOCK);
	SAY(accept(listening, NULL, NULL));
	a = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	if (connect(a, (struct sockaddr *)&name, sizeof name) != 0)
		printf("under way: %d\n", errno == EINPROGRESS);
	await("connected", a, POLLOUT);
	SAY(getsockopt(a, SOL_SOCKET, SO_ERROR, &error, &size));
	printf("error: %d\n", error);
	SAY(connect(a, (struct sockaddr *)&name, sizeof name));
	await("arrived", listening, POLLIN);
	b = accept4(listening, NULL, NULL, SOCK_NONBLOCK);
	SAY((fcntl(b, F_GETFL) & O_NONBLOCK) != 0);
	SAY(read(b, &error, 1));
	await("idle", b, POLLOUT);
	close(a);
	close(b);
	close(listening);
}

static void say_events(const char *what, int set)
{
	struct epoll_event events[4];
	int count = epoll_wait(set, events, 4, 200);

	printf("%s:", what);
	for (int i = 0; i < count; i++)
		printf(" %d:%x", events[i].data.fd, events[i].events);
	printf("\n");
	fflush(stdout);
}

static void by_epoll(void)
{
	struct epoll_event level = {.events = EPOLLIN | EPOLLRDHUP, .data.fd = 1};
	struct epoll_event edge = {.events = EPOLLIN | EPOLLRDHUP | EPOLLET, .data.fd = 2};
	struct epoll_event once = {.events = EPOLLIN | EPOLLONESHOT, .data.fd = 3};
	int a, b, copy, copy2, set = epoll_create1(0);
	char data[8];

	pair(&a, &b);
	copy = dup(b);
	copy2 = dup(b);
	SAY(epoll_ctl(set, EPOLL_CTL_ADD, b, &level));
	say_events("nothing", set);
	write_all(a, "1234", 4);
	say_events("level", set);
	read_all(b, data, 2);
	say_events("level, some left", set);
	SAY(epoll_ctl(set, EPOLL_CTL_DEL, b, NULL));
	SAY(epoll_ctl(set, EPOLL_CTL_ADD, copy, &edge));
	say_events("edge", set);
	say_events("edge, no news", set);
	write_all(a, "5", 1);
	say_events("edge, more", set);
	read_all(b, data, 2);
	say_events("edge, some left", set);
	read_all(b, data, 1);
	SAY(epoll_ctl(set, EPOLL_CTL_DEL, copy, NULL));
	SAY(epoll_ctl(set, EPOLL_CTL_ADD, copy2, &once));
	write_all(a, "6", 1);
	say_events("once", set);
	write_all(a, "7", 1);
	say_events("once, more", set);
	SAY(epoll_ctl(set, EPOLL_CTL_MOD, copy2, &level));
	shutdown(a, SHUT_WR);
	usleep(100000);
	say_events("the end", set);
	close(copy);
	close(copy2);
	close(a);
	close(b);
	close(set);
}

static void in_time(void)
{
	struct timeval time = {0, 50000};
	struct timespec before, after;
	int a, b, listening = listener(1);
	char byte;

	pair(&a, &b);
	SAY(setsockopt(b, SOL_SOCKET, SO_RCVTIMEO, &time, sizeof time));
	clock_gettime(CLOCK_MONOTONIC, &before);
	SAY(read(b, &byte, 1));
	clock_gettime(CLOCK_MONOTONIC, &after);
	SAY((after.tv_sec - before.tv_sec) * 1000 + (after.tv_nsec - before.tv_nsec) / 1000000 >= 49);
	SAY(setsockopt(listening, SOL_SOCKET, SO_RCVTIMEO, &time, sizeof time));
	SAY(accept(listening, NULL, NULL));
	SAY(setsockopt(a, SOL_SOCKET, SO_SNDTIMEO, &time, sizeof time));
	SAY(fill(a) > 4000);
	say_poll("full", a, POLLOUT);
	/* Room is there again when the other has read. */
	for (size_t got = 0; got < 60000;) {
		static char block[65536];
		ssize_t part = read(b, block, sizeof block);

		if (part <= 0)
			break;
		got += (size_t)part;
	}
	while (recv(b, &byte, 1, MSG_DONTWAIT) == 1) {
		static char block[65536];

		recv(b, block, sizeof block, MSG_DONTWAIT);
		usleep(1000);
	}
	await("drained", a, POLLOUT);
	close(a);
	close(b);
	close(listening);
}

void waiting(void)
{
	refused();
	connecting();
	by_epoll();
	in_time();
}

/* --- Ends. */

static void half(void)
{
	int a, b;
	char data[8];

	pair(&a, &b);
	SAY(shutdown(a, SHUT_WR));
	SAY(send(a, "x", 1, MSG_NOSIGNAL));
	await("other's half", b, POLLRDHUP);
	SAY(read(b, data, 8));
	SAY(write(b, "still", 5));
	await("own half", a, POLLIN);
	SAY(read(a, data, 8));
	SAY(shutdown(b, SHUT_WR));
	await("both halves", a, POLLHUP);
	SAY(read(a, data, 8));
	say_poll("both halves, there", b, POLLIN | POLLOUT | POLLRDHUP);
	close(a);
	close(b);
	pair(&a, &b);
	SAY(shutdown(a, SHUT_RD));
	say_poll("nothing in", a, POLLIN | POLLOUT | POLLRDHUP);
	SAY(read(a, data, 8));
	SAY(write(a, "out", 3));
	SAY(read(b, data, 8));
	close(a);
	close(b);
}

static void reset(void)
{
	struct linger now = {1, 0};
	int a, b, error;
	socklen_t size = sizeof error;
	char data[8];

	pair(&a, &b);
	SAY(setsockopt(a, SOL_SOCKET, SO_LINGER, &now, sizeof now));
	SAY(close(a));
	await("reset", b, POLLERR);
	SAY(read(b, data, 8));
	SAY(read(b, data, 8));
	SAY(send(b, "x", 1, MSG_NOSIGNAL));
	say_poll("after it", b, POLLIN | POLLOUT | POLLRDHUP);
	close(b);
	/* What was not read is a reset, too. */
	pair(&a, &b);
	SAY(write(b, "unread", 6));
	await("unread", a, POLLIN);
	close(a);
	await("reset by the unread", b, POLLERR);
	SAY(getsockopt(b, SOL_SOCKET, SO_ERROR, &error, &size));
	printf("error: %s\n", strerrorname_np(error));
	signal(SIGPIPE, count);
	signals = 0;
	SAY(write(b, "x", 1));
	printf("signals: %d\n", signals);
	SAY(send(b, "x", 1, MSG_NOSIGNAL));
	printf("signals: %d\n", signals);
	signal(SIGPIPE, SIG_IGN);
	close(b);
	/* Who writes to one that has closed hears of it by the second write. */
	pair(&a, &b);
	close(a);
	await("closed", b, POLLRDHUP);
	SAY(write(b, "x", 1));
	await("then reset", b, POLLERR);
	SAY(write(b, "x", 1));
	SAY(write(b, "x", 1));
	close(b);
}

static void others(void)
{
	int a, b, listening = listener(3), status;
	struct sockaddr_in name = loopback(port_of(listening));
	char data[8];
	pid_t child;

	/* Inherited: it ends with the last who has it. */
	pair(&a, &b);
	child = fork();
	if (child == 0) {
		close(b);
		read_all(a, data, 2);
		write_all(a, "by child", 8);
		_exit(0);
	}
	close(a);
	write_all(b, "go", 2);
	read_all(b, data, 8);
	printf("'%.8s'\n", data);
	waitpid(child, &status, 0);
	SAY(read(b, data, 8));
	close(b);
	/* Killed. */
	pair(&a, &b);
	child = fork();
	if (child == 0)
		for (;;)
			pause();
	close(a);
	SAY(kill(child, SIGKILL));
	waitpid(child, &status, 0);
	SAY(read(b, data, 8));
	close(b);
	/* A listener that ends refuses those who wait with it. */
	a = socket(AF_INET, SOCK_STREAM, 0);
	SAY(connect(a, (struct sockaddr *)&name, sizeof name));
	child = fork();
	if (child == 0) {
		usleep(50000);
		shutdown(listening, SHUT_RD);
		_exit(0);
	}
	SAY(accept(listening, NULL, NULL) >= 0);
	SAY(accept(listening, NULL, NULL));
	waitpid(child, &status, 0);
	say_poll("listens no more", listening, POLLIN | POLLOUT | POLLRDHUP);
	close(a);
	a = socket(AF_INET, SOCK_STREAM, 0);
	SAY(connect(a, (struct sockaddr *)&name, sizeof name));
	close(listening);
	close(a);
	listening = listener(3);
	name = loopback(port_of(listening));
	a = socket(AF_INET, SOCK_STREAM, 0);
	SAY(connect(a, (struct sockaddr *)&name, sizeof name));
	close(listening);
	await("not accepted", a, POLLERR);
	SAY(read(a, data, 8));
	close(a);
	/* What it was connected to it is no more. */
	pair(&a, &b);
	name.sin_family = AF_UNSPEC;
	SAY(connect(a, (struct sockaddr *)&name, sizeof name));
	SAY(getpeername(a, (struct sockaddr *)&name, &(socklen_t){sizeof name}));
	await("left", b, POLLRDHUP);
	close(a);
	close(b);
}

void ends(void)
{
	half();
	reset();
	others();
}

/* --- Many, and much. */

#define PAIRS 150
#define MUCH  (6u << 20)

static uint32_t sum(uint32_t now, const unsigned char *data, size_t size)
{
	for (size_t i = 0; i < size; i++)
		now = now * 31 + data[i];
	return now;
}

/* Writes so much, of a pattern, in pieces of several sizes. */
static void give(int fd, size_t much)
{
	static unsigned char block[100000];
	static const size_t sizes[] = {1, 1000, 100000, 1460, 65536, 3};

	for (size_t done = 0, i = 0; done < much; i++) {
		size_t size = sizes[i % 6] < much - done ? sizes[i % 6] : much - done;

		for (size_t k = 0; k < size; k++)
			block[k] = (unsigned char)((done + k) * 7 + (done + k) / 251);
		write_all(fd, block, size);
		done += size;
	}
}

static uint32_t get(int fd, size_t *much)
{
	static unsigned char block[70000];
	uint32_t result = 0;
	ssize_t part;

	for (*much = 0; (part = read(fd, block, 1 + *much % sizeof block)) > 0; *much += (size_t)part)
		result = sum(result, block, (size_t)part);
	return result;
}

void loads(void)
{
	static int a[PAIRS], b[PAIRS];
	int listening = listener(PAIRS), i, good = 0, c;
	struct rlimit limit, few;
	struct sockaddr_in name = loopback(port_of(listening));
	size_t much = 0;
	uint32_t result;
	char byte;

	for (i = 0; i < PAIRS; i++)
		join(listening, &a[i], &b[i]);
	for (i = 0; i < PAIRS; i++) {
		byte = (char)i;
		write_all(a[i], &byte, 1);
	}
	for (i = PAIRS - 1; i >= 0; i--) {
		read_all(b[i], &byte, 1);
		good += byte == (char)i;
	}
	printf("of %d: %d\n", PAIRS, good);
	for (i = 0; i < PAIRS; i++) {
		close(a[i]);
		good -= read(b[i], &byte, 1) == 0;
		close(b[i]);
	}
	printf("left: %d\n", good);
	/* No descriptor for one that has come: it waits. */
	c = socket(AF_INET, SOCK_STREAM, 0);
	SAY(connect(c, (struct sockaddr *)&name, sizeof name));
	getrlimit(RLIMIT_NOFILE, &limit);
	few = limit;
	few.rlim_cur = (rlim_t)c + 1;
	setrlimit(RLIMIT_NOFILE, &few);
	SAY(accept(listening, NULL, NULL));
	SAY(socket(AF_INET, SOCK_STREAM, 0));
	setrlimit(RLIMIT_NOFILE, &limit);
	i = accept(listening, NULL, NULL);
	write_all(c, "y", 1);
	SAY(read(i, &byte, 1));
	close(i);
	close(c);
	/* Several wait before anybody accepts. */
	for (i = 0; i < 8; i++) {
		a[i] = socket(AF_INET, SOCK_STREAM, 0);
		good += connect(a[i], (struct sockaddr *)&name, sizeof name) == 0;
		write_all(a[i], "z", 1);
	}
	printf("waiting: %d\n", good);
	for (i = 0; i < 8; i++) {
		b[i] = accept(listening, NULL, NULL);
		good -= read(b[i], &byte, 1) == 1;
		close(a[i]);
		close(b[i]);
	}
	printf("left: %d\n", good);
	/* Both ways at once. */
	pair(&a[0], &b[0]);
	fflush(stdout);
	if (fork() == 0) {
		close(a[0]);
		if (fork() == 0) {
			give(b[0], MUCH);
			_exit(0);
		}
		result = get(b[0], &much);
		printf("there: %zu %08x\n", much, result);
		fflush(stdout);
		wait(NULL);
		_exit(0);
	}
	close(b[0]);
	if (fork() == 0) {
		give(a[0], MUCH);
		shutdown(a[0], SHUT_WR);
		_exit(0);
	}
	result = get(a[0], &much);
	while (wait(NULL) > 0)
		;
	printf("here: %zu %08x\n", much, result);
	close(a[0]);
	close(listening);
}
