/* Pipes, FIFOs, descriptors, socket pairs. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

static char big[200000];

/* Every way to make and close a descriptor, in an order that does not repeat: each new one is the lowest that is free.
 */
static void lowest_descriptors(void)
{
	unsigned long random = 1, sum = 0;
	int i, made = 0, pair[2] = {0};

	close_range(3, ~0u, 0);
	for (i = 0; i < 2000; i++) {
		int fd;

		random = random * 6364136223846793005ul + 1442695040888963407ul;
		fd = 3 + (int)(random >> 40) % 40;
		switch ((random >> 33) % 8) {
		case 0:
		case 1:
			made = dup(0);
			break;
		case 2:
			made = fcntl(0, F_DUPFD, fd);
			break;
		case 3:
			made = dup2(0, fd);
			break;
		case 4:
			made = pipe(pair) == 0 ? pair[0] * 100 + pair[1] : -1;
			break;
		case 5:
			made = close(fd);
			break;
		case 6:
			made = close_range((unsigned)fd, (unsigned)fd + 5, 0);
			break;
		case 7:
			fd = open("/", O_RDONLY | O_CLOEXEC);
			made = fd;
			break;
		}
		sum = sum * 31 + (unsigned long)(made + 2);
		if (i % 100 == 0)
			printf("descriptors %d: %d, %lx\n", i, made, sum);
	}
	printf("descriptors: %lx\n", sum);
	fflush(stdout);
	if (fork() == 0) {
		printf("a child's %d\n", dup(0));
		fflush(stdout);
		_exit(0);
	}
	wait(NULL);
}

/* A child that reads a byte to such an address and ends with 1 if it got one. It waits for it by then. */
static pid_t reader(const int ends[2], void *to)
{
	pid_t child = fork();

	if (child == 0) {
		close(ends[1]);
		_exit(read(ends[0], to, 1) == 1);
	}
	usleep(20000);
	return child;
}

static int got(pid_t child)
{
	int status = 0;

	waitpid(child, &status, 0);
	return WEXITSTATUS(status);
}

/* Several wait for the bytes of one pipe: whoever comes for one and leaves it, the next has it. */
static void several_readers(void)
{
	int ends[2];
	char byte;
	pid_t first, second, third;

	pipe(ends);
	first = reader(ends, &byte);
	second = reader(ends, &byte);
	third = reader(ends, &byte);
	write(ends[1], "abc", 3);
	printf("three bytes for three: %d\n", got(first) + got(second) + got(third));
	first = reader(ends, (void *)8);
	second = reader(ends, &byte);
	write(ends[1], "d", 1);
	printf("the first cannot take it: %d %d\n", got(first), got(second));
	first = reader(ends, &byte);
	second = reader(ends, &byte);
	kill(first, SIGSTOP);
	usleep(20000);
	write(ends[1], "e", 1);
	printf("the first is stopped: %d\n", got(second));
	kill(first, SIGCONT);
	write(ends[1], "f", 1);
	printf("and goes on: %d\n", got(first));
	first = reader(ends, &byte);
	second = reader(ends, &byte);
	close(ends[1]);
	printf("the end is for all: %d\n", got(first) + got(second));
	close(ends[0]);
}

/* What is in a pipe that has been empty stays there, however many others become empty meanwhile. */
/* Writers of more than there is room for wait together, and nobody else does; then all is read. */
static void several_writers(void)
{
	enum { WRITERS = 3, EACH = 200000 };
	static char bytes[EACH];
	long total = 0, size;
	int pair[2], i;

	fflush(stdout);
	if (pipe(pair) != 0)
		return;
	for (i = 0; i < WRITERS; i++)
		if (fork() == 0)
			_exit(write(pair[1], bytes, sizeof bytes) != sizeof bytes);
	close(pair[1]);
	/* All of them find it full. */
	usleep(100000);
	while ((size = read(pair[0], bytes, sizeof bytes)) > 0)
		total += size;
	close(pair[0]);
	printf("%d writers to a full pipe: %ld bytes\n", WRITERS, total);
	for (i = 0; i < WRITERS; i++) {
		int status = -1;

		wait(&status);
		printf("writer %d\n", status);
	}
}

static void many_in_turn(void)
{
	enum { PIPES = 12 };
	int pair[PIPES][2], i, round, whole = 0;
	char byte = 'm', got;

	for (i = 0; i < PIPES; i++)
		if (pipe(pair[i]) != 0)
			return;
	for (round = 0; round < PIPES; round++) {
		/* Emptied, written to again, and then the others are emptied one after the other. */
		write(pair[round][1], &byte, 1);
		read(pair[round][0], &got, 1);
		write(pair[round][1], &byte, 1);
		for (i = 0; i < PIPES; i++) {
			if (i == round)
				continue;
			write(pair[i][1], &byte, 1);
			read(pair[i][0], &got, 1);
		}
		got = 0;
		whole += read(pair[round][0], &got, 1) == 1 && got == byte;
	}
	printf("pipes in turn %d of %d\n", whole, PIPES);
	for (i = 0; i < PIPES; i++) {
		close(pair[i][0]);
		close(pair[i][1]);
	}
}

int main(void)
{
	const char *fifo = "/tmp/pipes-fifo", *name = "/tmp/pipes-socket", *file = "/tmp/pipes-file";
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	struct iovec vector[3] = {{"one ", 4}, {"two ", 4}, {"three", 5}};
	char buffer[64] = {0};
	long total = 0, sum = 0, n, i;
	int pair[2], fd, other, status, listener;
	pid_t child;

	setvbuf(stdout, NULL, _IOLBF, 0);
	signal(SIGPIPE, SIG_IGN);
	pipe(pair);
	printf("write %zd\n", writev(pair[1], vector, 3));
	ioctl(pair[0], FIONREAD, &status);
	printf("waiting %d\n", status);
	printf("read %zd\n", read(pair[0], buffer, 5));
	printf("read %zd %s\n", read(pair[0], buffer, sizeof buffer), buffer);
	fcntl(pair[0], F_SETFL, O_NONBLOCK);
	printf("empty %zd %s\n", read(pair[0], buffer, 1), strerrorname_np(errno));
	fcntl(pair[0], F_SETFL, 0);
	printf("seek %ld %s\n", (long)lseek(pair[0], 0, SEEK_CUR), strerrorname_np(errno));

	/* More than fits, to a slow reader. */
	for (i = 0; i < (long)sizeof big; i++)
		big[i] = (char)(i * 7);
	child = fork();
	if (child == 0) {
		close(pair[1]);
		while ((n = read(pair[0], buffer, sizeof buffer)) > 0) {
			for (i = 0; i < n; i++)
				sum += (unsigned char)buffer[i];
			total += n;
		}
		printf("child read %ld sum %ld\n", total, sum);
		_exit(0);
	}
	close(pair[0]);
	n = write(pair[1], big, sizeof big);
	close(pair[1]);
	wait(&status);
	for (i = 0; i < (long)sizeof big; i++)
		sum += (unsigned char)big[i];
	printf("parent wrote %ld sum %ld\n", n, sum);

	/* A full pipe without waiting; its end. */
	pipe2(pair, O_NONBLOCK | O_CLOEXEC);
	for (total = 0; (n = write(pair[1], big, 1000)) > 0;)
		total += n;
	printf("full after %d %s\n", total >= 60000 && total <= 65536, strerrorname_np(errno));
	printf("flags %d %d\n", fcntl(pair[0], F_GETFD), (fcntl(pair[0], F_GETFL) & O_NONBLOCK) != 0);
	close(pair[0]);
	printf("no reader %zd %s\n", write(pair[1], "x", 1), strerrorname_np(errno));
	close(pair[1]);
	printf("closed %d %s\n", close(pair[1]), strerrorname_np(errno));

	/* A FIFO: both opens meet. */
	unlink(fifo);
	printf("mkfifo %d\n", mkfifo(fifo, 0600));
	printf("no reader yet %d %s\n", open(fifo, O_WRONLY | O_NONBLOCK), strerrorname_np(errno));
	child = fork();
	if (child == 0) {
		fd = open(fifo, O_WRONLY);
		write(fd, "through", 7);
		_exit(0);
	}
	fd = open(fifo, O_RDONLY);
	n = read(fd, buffer, sizeof buffer);
	printf("fifo %ld %.7s end %zd\n", n, buffer, read(fd, buffer, 1));
	wait(&status);
	unlink(fifo);

	/* dup shares the position. */
	fd = open(file, O_RDWR | O_CREAT | O_TRUNC, 0600);
	other = dup(fd);
	write(fd, "0123456789", 10);
	printf("position %ld\n", (long)lseek(other, 0, SEEK_CUR));
	lseek(other, 2, SEEK_SET);
	pipe(pair);
	printf("sendfile %zd\n", sendfile(pair[1], fd, NULL, 5));
	printf("sent %zd %.5s then %ld\n", read(pair[0], buffer, sizeof buffer), buffer, (long)lseek(fd, 0, SEEK_CUR));
	printf("append %d\n", fcntl(fd, F_SETFL, O_APPEND));
	lseek(fd, 0, SEEK_SET);
	write(fd, "AB", 2);
	printf("at %ld size %ld\n", (long)lseek(fd, 0, SEEK_CUR), (long)lseek(fd, 0, SEEK_END));
	unlink(file);
	printf("dup2 same %d bad %d %s\n", dup2(fd, fd) == fd, dup2(99, 5), strerrorname_np(errno));
	printf("dupfd %d\n", fcntl(fd, F_DUPFD, 40));

	fflush(stdout);
	if (fork() == 0) {
		lowest_descriptors();
		_exit(0);
	}
	wait(&status);

	/* Sockets. */
	printf("socketpair %d\n", socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
	write(pair[0], "ping", 4);
	printf("got %zd\n", read(pair[1], buffer, sizeof buffer));
	shutdown(pair[0], SHUT_WR);
	printf("end %zd\n", read(pair[1], buffer, sizeof buffer));
	write(pair[1], "pong", 4);
	printf("got %zd %.4s\n", read(pair[0], buffer, sizeof buffer), buffer);
	unlink(name);
	strcpy(address.sun_path, name);
	fd = socket(AF_UNIX, SOCK_STREAM, 0);
	printf("nobody %d %s\n", connect(fd, (void *)&address, sizeof address), strerrorname_np(errno));
	listener = socket(AF_UNIX, SOCK_STREAM, 0);
	printf("bind %d\n", bind(listener, (void *)&address, sizeof address));
	printf("deaf %d %s\n", connect(fd, (void *)&address, sizeof address), strerrorname_np(errno));
	printf("listen %d\n", listen(listener, 5));
	child = fork();
	if (child == 0) {
		printf("connect %d\n", connect(fd, (void *)&address, sizeof address));
		write(fd, "over a socket", 13);
		_exit(0);
	}
	other = accept(listener, NULL, NULL);
	n = read(other, buffer, sizeof buffer);
	wait(&status);
	close(fd);
	printf("accepted %.*s, then %zd\n", (int)n, buffer, read(other, buffer, 1));
	unlink(name);
	printf("not a socket %d %s\n", listen(0, 1), strerrorname_np(errno));
	several_readers();
	several_writers();
	many_in_turn();
	return 0;
}
