/* Calls on sockets and on waiting for descriptors that the other programs leave out. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static char *volatile nowhere = (char *)8; /* not memory */
#define NOWHERE ((void *)nowhere)

static void say(const char *what, long result)
{
	if (result < 0)
		printf("%s: %s\n", what, strerrorname_np(errno));
	else
		printf("%s: %ld\n", what, result);
}

#define SAY(call) say(#call, (long)(call))

static void name_of(const char *what, int result, const struct sockaddr_un *name, socklen_t size)
{
	if (result < 0)
		say(what, -1);
	else
		printf("%s: family %d, size %u, '%.*s'\n", what, name->sun_family, size,
			size > offsetof(struct sockaddr_un, sun_path)
				? (int)(size - offsetof(struct sockaddr_un, sun_path))
				: 0,
			name->sun_path);
}

static void own_name(const char *what, int fd)
{
	struct sockaddr_un name = {0};
	socklen_t size = sizeof name;

	int result = getsockname(fd, (struct sockaddr *)&name, &size);

	name_of(what, result, &name, size);
}

static void peer_name(const char *what, int fd)
{
	struct sockaddr_un name = {0};
	socklen_t size = sizeof name;

	int result = getpeername(fd, (struct sockaddr *)&name, &size);

	name_of(what, result, &name, size);
}

static void names(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX}, got = {0};
	int listener = socket(AF_UNIX, SOCK_STREAM, 0), client = socket(AF_UNIX, SOCK_STREAM, 0), accepted;
	socklen_t size;

	snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
	own_name("no name yet", listener);
	peer_name("no peer", listener);
	SAY(accept4(listener, NULL, NULL, 0));
	SAY(bind(listener, (struct sockaddr *)&address, sizeof address));
	own_name("bound", listener);
	SAY(accept4(listener, NULL, NULL, 0));
	SAY(listen(listener, 5));
	SAY(fcntl(listener, F_SETFL, O_NONBLOCK));
	SAY(accept4(listener, NULL, NULL, 0));
	SAY(connect(client, (struct sockaddr *)&address, sizeof address));
	SAY(accept4(listener, NULL, NULL, 1));
	SAY(accept4(99, NULL, NULL, 0));
	SAY(accept4(0, NULL, NULL, 0));
	size = sizeof got;
	accepted = accept4(listener, (struct sockaddr *)&got, &size, SOCK_CLOEXEC | SOCK_NONBLOCK);
	printf("accepted %d, peer's name has %u\n", accepted >= 0, size);
	printf("%d %d\n", fcntl(accepted, F_GETFD), (fcntl(accepted, F_GETFL) & O_NONBLOCK) != 0);
	own_name("accepted", accepted);
	peer_name("its peer", accepted);
	own_name("client", client);
	peer_name("client's peer", client);
	SAY(recvfrom(accepted, &got, sizeof got, 0, NULL, NULL));
	size = 4;
	SAY(getsockname(listener, (struct sockaddr *)&got, &size));
	printf("size %u\n", size);
	size = (socklen_t)-1;
	SAY(getsockname(listener, (struct sockaddr *)&got, &size));
	SAY(syscall(SYS_getsockname, listener, NOWHERE, &size));
	SAY(syscall(SYS_getsockname, listener, &got, NOWHERE));
	SAY(getsockname(0, (struct sockaddr *)&got, &size));
	SAY(getsockname(99, (struct sockaddr *)&got, &size));
	SAY(getpeername(0, (struct sockaddr *)&got, &size));
	SAY(connect(client, (struct sockaddr *)&address, sizeof address));
	close(accepted);
	close(client);
	close(listener);
	unlink(path);
}

static void options(void)
{
	struct ucred peer;
	int pair[2], value = 7, listener = socket(AF_UNIX, SOCK_STREAM, 0);
	socklen_t size = sizeof value;

	SAY(socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
	SAY(getsockopt(pair[0], SOL_SOCKET, SO_TYPE, &value, &size));
	printf("%d %u\n", value == SOCK_STREAM, size);
	SAY(getsockopt(pair[0], SOL_SOCKET, SO_DOMAIN, &value, &size));
	printf("%d\n", value == AF_UNIX);
	SAY(getsockopt(pair[0], SOL_SOCKET, SO_PROTOCOL, &value, &size));
	printf("%d\n", value);
	SAY(getsockopt(pair[0], SOL_SOCKET, SO_ERROR, &value, &size));
	printf("%d\n", value);
	SAY(getsockopt(pair[0], SOL_SOCKET, SO_ACCEPTCONN, &value, &size));
	printf("%d\n", value);
	SAY(getsockopt(pair[0], SOL_SOCKET, SO_SNDBUF, &value, &size));
	printf("%d\n", value > 0);
	SAY(getsockopt(pair[0], SOL_SOCKET, SO_RCVBUF, &value, &size));
	printf("%d\n", value > 0);
	size = sizeof peer;
	SAY(getsockopt(pair[0], SOL_SOCKET, SO_PEERCRED, &peer, &size));
	printf("%d %d %d %u\n", peer.pid == getpid(), peer.uid == getuid(), peer.gid == getgid(), size);
	size = sizeof peer;
	SAY(getsockopt(listener, SOL_SOCKET, SO_PEERCRED, &peer, &size));
	printf("%d %d\n", peer.pid, (int)peer.uid);
	size = 2;
	value = -1;
	SAY(getsockopt(pair[0], SOL_SOCKET, SO_TYPE, &value, &size));
	printf("%x %u\n", (unsigned)value, size);
	size = (socklen_t)-1;
	SAY(getsockopt(pair[0], SOL_SOCKET, SO_TYPE, &value, &size));
	size = sizeof value;
	SAY(getsockopt(pair[0], SOL_SOCKET, 9999, &value, &size));
	SAY(getsockopt(pair[0], 9999, 1, &value, &size));
	SAY(getsockopt(0, SOL_SOCKET, SO_TYPE, &value, &size));
	SAY(getsockopt(99, SOL_SOCKET, SO_TYPE, &value, &size));
	SAY(syscall(SYS_getsockopt, pair[0], SOL_SOCKET, SO_TYPE, NOWHERE, &size));
	SAY(syscall(SYS_getsockopt, pair[0], SOL_SOCKET, SO_TYPE, &value, NOWHERE));
	close(listener);
	close(pair[0]);
	close(pair[1]);
}

static void sending(void)
{
	char bytes[20] = "", more[20] = "";
	struct sockaddr_un name = {.sun_family = AF_UNIX, .sun_path = "/nowhere"};
	struct iovec in[2] = {{bytes, 3}, {more, 10}}, out[2] = {{(char[]){"one "}, 4}, {(char[]){"two"}, 3}},
		     bad[1] = {{NOWHERE, 4}};
	struct msghdr message = {.msg_iov = out, .msg_iovlen = 2};
	int pair[2], alone = socket(AF_UNIX, SOCK_STREAM, 0);
	socklen_t size = sizeof name;

	(void)!socketpair(AF_UNIX, SOCK_STREAM, 0, pair);
	SAY(sendto(pair[0], "hello", 5, 0, NULL, 0));
	SAY(recvfrom(pair[1], bytes, 3, 0, NULL, NULL));
	SAY(recvfrom(pair[1], bytes, sizeof bytes, 0, (struct sockaddr *)&name, &size));
	printf("%.2s, name of %u\n", bytes, size);
	SAY(recvfrom(pair[1], bytes, 1, MSG_DONTWAIT, NULL, NULL));
	SAY(sendto(pair[0], "x", 1, 0, (struct sockaddr *)&name, sizeof name));
	SAY(sendto(alone, "x", 1, MSG_NOSIGNAL, NULL, 0));
	SAY(recvfrom(alone, bytes, 1, 0, NULL, NULL));
	SAY(sendto(0, "x", 1, 0, NULL, 0));
	SAY(recvfrom(99, bytes, 1, 0, NULL, NULL));
	SAY(syscall(SYS_sendto, pair[0], NOWHERE, 4, 0, NULL, 0));
	SAY(sendmsg(pair[0], &message, 0));
	message.msg_iov = in;
	SAY(recvmsg(pair[1], &message, 0));
	printf("%.3s|%.4s|, flags %x, name %u, control %zu\n", bytes, more, message.msg_flags, message.msg_namelen,
		message.msg_controllen);
	SAY(recvmsg(pair[1], &message, MSG_DONTWAIT));
	SAY(syscall(SYS_sendmsg, pair[0], NOWHERE, 0));
	SAY(syscall(SYS_recvmsg, pair[0], NOWHERE, 0));
	SAY(sendmsg(0, &message, 0));
	SAY(recvmsg(99, &message, 0));
	message.msg_iov = bad;
	message.msg_iovlen = 1;
	SAY(sendmsg(pair[0], &message, 0));
	message.msg_iov = NOWHERE;
	SAY(sendmsg(pair[0], &message, 0));
	message.msg_iov = out;
	message.msg_iovlen = 1025;
	SAY(sendmsg(pair[0], &message, 0));
	message.msg_iovlen = 0;
	SAY(sendmsg(pair[0], &message, 0));
	SAY(sendto(pair[0], "peek", 4, 0, NULL, 0));
	SAY(recvfrom(pair[1], bytes, 2, MSG_PEEK, NULL, NULL));
	printf("%.2s\n", bytes);
	SAY(recvfrom(pair[1], bytes, 20, 0, NULL, NULL));
	printf("%.4s\n", bytes);
	SAY(shutdown(pair[0], SHUT_WR));
	SAY(recvfrom(pair[1], bytes, 20, 0, NULL, NULL));
	SAY(sendto(pair[0], "x", 1, MSG_NOSIGNAL, NULL, 0));
	close(pair[1]);
	SAY(recvfrom(pair[0], bytes, 20, 0, NULL, NULL));
	fflush(stdout);
	if (fork() == 0) {
		(void)!socketpair(AF_UNIX, SOCK_STREAM, 0, pair);
		close(pair[1]);
		(void)!sendto(pair[0], "x", 1, 0, NULL, 0);
		_exit(0);
	}
	int status;

	wait(&status);
	printf("ended by %d\n", WTERMSIG(status));
	close(alone);
	close(pair[0]);
}

static volatile int heard;

static void hear(int number)
{
	heard = number;
}

static void selecting(void)
{
	struct timespec soon = {0, 20000000}, zero = {0, 0}, wrong = {0, 1000000000};
	struct {
		const sigset_t *set;
		size_t size;
	} mask;
	sigset_t blocked, none;
	fd_set in, out;
	int pair[2];

	(void)!pipe(pair);
	FD_ZERO(&in);
	FD_ZERO(&out);
	FD_SET(pair[0], &in);
	FD_SET(pair[1], &out);
	SAY(pselect(pair[1] + 1, &in, &out, NULL, &soon, NULL));
	printf("%d %d\n", FD_ISSET(pair[0], &in), FD_ISSET(pair[1], &out));
	FD_SET(pair[0], &in);
	SAY(pselect(pair[0] + 1, &in, NULL, NULL, &soon, NULL));
	printf("%d\n", FD_ISSET(pair[0], &in));
	SAY(pselect(0, NULL, NULL, NULL, &wrong, NULL));
	SAY(syscall(SYS_pselect6, -1, NULL, NULL, NULL, &zero, NULL));
	SAY(syscall(SYS_pselect6, pair[0] + 1, NOWHERE, NULL, NULL, &zero, NULL));
	FD_ZERO(&in);
	FD_SET(200, &in);
	SAY(pselect(201, &in, NULL, NULL, &zero, NULL));
	mask.set = &none;
	mask.size = 7;
	SAY(syscall(SYS_pselect6, 0, NULL, NULL, NULL, &zero, &mask));
	/* A signal that is let through only while it waits. */
	sigemptyset(&none);
	sigemptyset(&blocked);
	sigaddset(&blocked, SIGUSR1);
	signal(SIGUSR1, hear);
	sigprocmask(SIG_BLOCK, &blocked, NULL);
	raise(SIGUSR1);
	printf("not yet %d\n", heard);
	SAY(pselect(0, NULL, NULL, NULL, NULL, &none));
	printf("heard %d\n", heard);
	heard = 0;
	raise(SIGUSR1);
	SAY(pselect(pair[1] + 1, NULL, &out, NULL, NULL, &blocked));
	printf("not yet %d\n", heard);
	sigprocmask(SIG_UNBLOCK, &blocked, NULL);
	printf("heard %d\n", heard);
	close(pair[0]);
	close(pair[1]);
}

static void epolls(void)
{
	struct epoll_event event = {.events = EPOLLIN, .data.u64 = 77}, got[2];
	sigset_t blocked, none;
	int set = epoll_create(1), pair[2];

	(void)!pipe(pair);
	SAY(epoll_create(0));
	SAY(epoll_create(-1));
	printf("close-on-exec %d\n", fcntl(set, F_GETFD));
	SAY(epoll_ctl(set, EPOLL_CTL_ADD, pair[0], &event));
	SAY(epoll_pwait(set, got, 2, 10, NULL));
	SAY(write(pair[1], "x", 1));
	SAY(epoll_pwait(set, got, 2, -1, NULL));
	printf("%x %d\n", got[0].events, (int)got[0].data.u64);
	SAY(epoll_pwait(set, got, 0, 0, NULL));
	SAY(syscall(SYS_epoll_pwait, set, got, -1, 0, NULL, 8));
	SAY(epoll_pwait(99, got, 1, 0, NULL));
	SAY(epoll_pwait(pair[0], got, 1, 0, NULL));
	SAY(syscall(SYS_epoll_pwait, set, NOWHERE, 1, 0, NULL, 8));
	sigemptyset(&none);
	sigemptyset(&blocked);
	sigaddset(&blocked, SIGUSR1);
	SAY(syscall(SYS_epoll_pwait, set, got, 1, 0, &none, 7));
	heard = 0;
	signal(SIGUSR1, hear);
	sigprocmask(SIG_BLOCK, &blocked, NULL);
	raise(SIGUSR1);
	(void)!read(pair[0], got, 1);
	SAY(epoll_pwait(set, got, 1, -1, &none));
	printf("heard %d\n", heard);
	sigprocmask(SIG_UNBLOCK, &blocked, NULL);
	close(set);
	close(pair[0]);
	close(pair[1]);
}

/* An edge is a change of what was asked for: more to read, not less. */
static void edges(void)
{
	struct epoll_event event = {.events = EPOLLIN | EPOLLET}, got;
	int set = epoll_create1(0), pair[2];
	char byte;

	(void)!pipe(pair);
	epoll_ctl(set, EPOLL_CTL_ADD, pair[0], &event);
	SAY(epoll_wait(set, &got, 1, 0));
	(void)!write(pair[1], "a", 1);
	SAY(epoll_wait(set, &got, 1, 0));
	SAY(epoll_wait(set, &got, 1, 0));
	(void)!write(pair[1], "b", 1);
	SAY(epoll_wait(set, &got, 1, 0));
	(void)!read(pair[0], &byte, 1);
	SAY(epoll_wait(set, &got, 1, 0));
	SAY(epoll_ctl(set, EPOLL_CTL_MOD, pair[0], &event));
	SAY(epoll_wait(set, &got, 1, 0));
	event.events = EPOLLRDNORM | EPOLLET;
	SAY(epoll_ctl(set, EPOLL_CTL_MOD, pair[0], &event));
	SAY(epoll_wait(set, &got, 1, 0));
	(void)!write(pair[1], "c", 1);
	SAY(epoll_wait(set, &got, 1, 0));
	close(pair[1]);
	SAY(epoll_wait(set, &got, 1, 0));
	printf("%x\n", got.events);
	SAY(epoll_wait(set, &got, 1, 0));
	close(set);
	close(pair[0]);
}

/* A socket's name is a file like any other of the folder's. */
static void folders(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	struct stat about = {0};
	char folder[90];

	snprintf(folder, sizeof folder, "%s.folder", path);
	SAY(mkdir(folder, 0777));
	SAY(chown(folder, 0, 500));
	SAY(chmod(folder, 02777));
	snprintf(address.sun_path, sizeof address.sun_path, "%s/socket", folder);
	umask(027);
	SAY(bind(fd, (struct sockaddr *)&address, sizeof address));
	SAY(stat(address.sun_path, &about));
	printf("mode %o, of %u and %u\n", about.st_mode, about.st_uid, about.st_gid);
	SAY(unlink(address.sun_path));
	SAY(bind(fd, (struct sockaddr *)&address, sizeof address));
	SAY(unlink(address.sun_path));
	SAY(rmdir(folder));
	close(fd);
}

int main(int argc, char **argv)
{
	char path[80];

	setvbuf(stdout, NULL, _IOLBF, 0);
	snprintf(path, sizeof path, "%s/sockcalls", argc > 1 ? argv[1] : "/tmp");
	names(path);
	folders(path);
	options();
	sending();
	selecting();
	epolls();
	edges();
	return 0;
}
