/* Bytes that go from one descriptor to another: splice, tee, vmsplice, sendfile, copy_file_range. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

static char *volatile nowhere = (char *)8; /* not memory */
#define NOWHERE ((void *)nowhere)

static void say(const char *what, long result)
{
	if (result < 0)
		printf("%s: %s\n", what, strerrorname_np(errno));
	else
		printf("%s: %ld\n", what, result);
	fflush(stdout);
}

#define SAY(call) say(#call, (long)(call))

static int in[2], out[2], pair[2]; /* pipes, sockets */
static int file, other, append, reader;

static void got(int fd)
{
	char bytes[64];
	ssize_t size = read(fd, bytes, sizeof bytes);

	if (size < 0)
		say("got", -1);
	else
		printf("got '%.*s'\n", (int)size, bytes);
}

static void contents(const char *what, int fd)
{
	char bytes[64];
	ssize_t size = pread(fd, bytes, sizeof bytes, 0), i;

	printf("%s: '", what);
	for (i = 0; i < size; i++)
		putchar(bytes[i] != 0 ? bytes[i] : '_');
	printf("' at %ld\n", (long)lseek(fd, 0, SEEK_CUR));
}

static void wrong(void)
{
	loff_t at = 0, below = -1, far = INT64_MAX;
	struct iovec segment = {"x", 1}, below_zero = {"x", (size_t)-1};

	SAY(splice(-1, NULL, in[1], NULL, 1, 0));
	SAY(splice(file, NULL, -1, NULL, 1, 0));
	SAY(splice(-1, NULL, -1, NULL, 0, 0));
	SAY(splice(file, NULL, in[1], NULL, 1, 16));
	SAY(splice(-1, NULL, in[1], NULL, 1, 16));
	SAY(splice(file, NULL, other, NULL, 1, 0));
	SAY(splice(file, NULL, file, NULL, 1, 0));
	SAY(splice(in[0], NULL, in[1], NULL, 1, 0));
	SAY(splice(in[1], NULL, out[1], NULL, 1, 0));
	SAY(splice(in[0], NULL, out[0], NULL, 1, 0));
	SAY(splice(in[0], NULL, reader, NULL, 1, 0));
	SAY(splice(in[0], &at, file, NULL, 1, 0));
	SAY(splice(file, NULL, in[1], &at, 1, 0));
	SAY(splice(in[0], &at, out[1], NULL, 1, 0));
	SAY(splice(file, NOWHERE, in[1], NULL, 1, 0));
	SAY(splice(file, &below, in[1], NULL, 1, 0));
	SAY(splice(file, &far, in[1], NULL, 1, 0));
	SAY(splice(file, NULL, in[1], NULL, (size_t)-1, 0));
	SAY(splice(pair[0], &at, in[1], NULL, 1, 0));
	SAY(splice(in[0], NULL, pair[0], &at, 1, 0));
	SAY(splice(in[0], NULL, append, NULL, 1, SPLICE_F_NONBLOCK));
	SAY(splice(in[0], NULL, file, &below, 1, SPLICE_F_NONBLOCK));
	SAY(splice(open("/", O_RDONLY), NULL, in[1], NULL, 1, 0));
	SAY(tee(in[0], out[1], 0, 0));
	SAY(tee(in[0], out[1], 1, 16));
	SAY(tee(in[0], in[1], 1, 0));
	SAY(tee(in[0], file, 1, 0));
	SAY(tee(file, out[1], 1, 0));
	SAY(tee(in[1], out[1], 1, 0));
	SAY(tee(-1, out[1], 1, 0));
	SAY(tee(-1, -1, 0, 0));
	SAY(vmsplice(-1, &segment, 1, 0));
	SAY(vmsplice(in[1], &segment, 1, 16));
	SAY(vmsplice(file, &segment, 1, 0));
	SAY(vmsplice(file, &segment, 0, 0));
	SAY(vmsplice(in[1], &segment, 1025, 0));
	SAY(vmsplice(in[1], &below_zero, 1, 0));
	SAY(vmsplice(in[1], NOWHERE, 1, 0));
	segment.iov_base = NOWHERE;
	SAY(vmsplice(in[1], &segment, 1, 0));
	SAY(vmsplice(in[1], NULL, 0, 0));
	SAY(splice(in[0], NULL, file, NULL, 1, SPLICE_F_NONBLOCK)); /* nothing has come */
	SAY(tee(in[0], out[1], 1, SPLICE_F_NONBLOCK));
}

static void files_and_pipes(void)
{
	loff_t at = 2;
	int null = open("/dev/null", O_RDWR), zero = open("/dev/zero", O_RDONLY);

	SAY(splice(file, &at, in[1], NULL, 4, 0));
	SAY(at);
	SAY(tee(in[0], out[1], 64, SPLICE_F_NONBLOCK));
	SAY(tee(in[0], out[1], 2, 0));
	got(out[0]);
	SAY(lseek(file, 7, SEEK_SET));
	SAY(splice(file, NULL, in[1], NULL, 64, SPLICE_F_MOVE | SPLICE_F_MORE));
	SAY(splice(file, NULL, in[1], NULL, 64, 0)); /* its end */
	SAY(lseek(file, 0, SEEK_CUR));
	at = 3;
	SAY(splice(in[0], NULL, other, &at, 3, 0));
	SAY(at);
	SAY(splice(in[0], NULL, other, NULL, 64, 0));
	contents("other", other);
	SAY(splice(in[0], NULL, other, NULL, 64, SPLICE_F_NONBLOCK));
	at = 1000;
	SAY(splice(file, &at, in[1], NULL, 5, 0));
	SAY(splice(zero, NULL, in[1], NULL, 5, 0));
	SAY(splice(in[0], NULL, null, NULL, 50, 0));
	SAY(splice(null, NULL, in[1], NULL, 5, 0));
	SAY(fcntl(in[0], F_SETFL, O_NONBLOCK));
	SAY(splice(in[0], NULL, other, NULL, 64, 0));
	SAY(splice(in[0], NULL, out[1], NULL, 64, 0));
	SAY(fcntl(in[0], F_SETFL, 0));
	SAY(vmsplice(in[1], (struct iovec[]){{"abc", 3}, {"", 0}, {"defg", 4}}, 3, 0));
	SAY(splice(in[0], NULL, out[1], NULL, 5, 0));
	got(in[0]);
	got(out[0]);
	SAY(write(in[1], "memory", 6));
	char memory[8] = {0};
	SAY(vmsplice(in[0], (struct iovec[]){{memory, 2}, {memory + 3, 5}}, 2, 0));
	printf("%s %s\n", memory, memory + 3);
	SAY(vmsplice(in[0], &(struct iovec){memory, 8}, 1, SPLICE_F_NONBLOCK));
	close(null);
	close(zero);
}

static void sockets(void)
{
	loff_t at = 0;

	SAY(write(pair[0], "socket", 6));
	SAY(splice(pair[1], NULL, in[1], NULL, 4, 0));
	got(in[0]);
	SAY(splice(pair[1], NULL, in[1], NULL, 64, 0));
	SAY(splice(pair[1], NULL, in[1], NULL, 64, SPLICE_F_NONBLOCK));
	SAY(splice(in[0], NULL, pair[1], NULL, 64, 0));
	got(pair[0]);
	SAY(sendfile(pair[0], file, &at, 5));
	got(pair[1]);
	SAY(sendfile(in[1], file, &at, 50)); /* into a pipe */
	got(in[0]);
	SAY(at);
	SAY(sendfile(other, pair[0], NULL, 1));
	SAY(sendfile(other, in[0], &at, 1));
	SAY(sendfile(other, pair[0], &at, 1));
	SAY(sendfile(append, file, NULL, 1));
	SAY(sendfile(other, append, NULL, 1));
	SAY(sendfile(other, file, NOWHERE, 1));
	at = -1;
	SAY(sendfile(other, file, &at, 1));
	SAY(sendfile(-1, file, &at, 1));
	SAY(sendfile(other, file, NULL, (size_t)-1));
	SAY(sendfile(other, file, NULL, 0));
	SAY(sendfile(other, open("/", O_RDONLY), NULL, 1));
}

static void full_and_closed(void)
{
	static char page[4096];
	int ends[2], i, status;
	loff_t at = 0;
	pid_t child;

	SAY(pipe2(ends, O_NONBLOCK));
	for (i = 0; write(ends[1], page, sizeof page) > 0; i++)
		;
	SAY(i);
	SAY(splice(file, &at, ends[1], NULL, 1, 0));
	SAY(sendfile(ends[1], file, &at, 1));
	SAY(vmsplice(ends[1], &(struct iovec){"x", 1}, 1, SPLICE_F_NONBLOCK));
	SAY(write(in[1], "x", 1));
	SAY(tee(in[0], ends[1], 1, 0));
	SAY(splice(in[0], NULL, ends[1], NULL, 1, 0));
	got(in[0]);
	/* One waits for room, which the other makes. */
	fcntl(ends[1], F_SETFL, 0);
	fflush(stdout);
	child = fork();
	if (child == 0) {
		at = 4;
		SAY(splice(file, &at, ends[1], NULL, 3, 0));
		_exit(0);
	}
	usleep(50000);
	for (i = 0; read(ends[0], page, sizeof page) == (ssize_t)sizeof page; i++)
		;
	waitpid(child, &status, 0);
	SAY(status);
	/* The last page has been read above, or what was put behind it. */
	fcntl(ends[0], F_SETFL, 0);
	fflush(stdout);
	child = fork();
	if (child == 0) {
		SAY(splice(ends[0], NULL, other, NULL, 3, 0)); /* waits for bytes */
		_exit(0);
	}
	usleep(50000);
	ssize_t sent = write(ends[1], "abc", 3);
	waitpid(child, &status, 0); /* it speaks first */
	SAY(sent);
	close(ends[0]);
	signal(SIGPIPE, SIG_IGN);
	SAY(splice(file, &at, ends[1], NULL, 1, 0));
	SAY(vmsplice(ends[1], &(struct iovec){"x", 1}, 1, 0));
	SAY(write(in[1], "x", 1));
	SAY(splice(in[0], NULL, ends[1], NULL, 1, 0));
	SAY(tee(in[0], ends[1], 1, 0));
	got(in[0]);
	close(pair[1]);
	SAY(write(in[1], "kept", 4));
	SAY(splice(in[0], NULL, pair[0], NULL, 4, 0));
	got(in[0]); /* what could not go is still there */
	SAY(sendfile(pair[0], file, &at, 1));
	signal(SIGPIPE, SIG_DFL);
	fflush(stdout);
	child = fork();
	if (child == 0) {
		splice(file, &at, ends[1], NULL, 1, 0);
		_exit(0);
	}
	waitpid(child, &status, 0);
	printf("signal %d\n", WTERMSIG(status));
	close(ends[1]);
	SAY(pipe(ends));
	close(ends[1]);
	SAY(splice(ends[0], NULL, other, NULL, 1, 0)); /* nobody will write */
	SAY(splice(ends[0], NULL, in[1], NULL, 1, 0));
	SAY(tee(ends[0], in[1], 1, 0));
	SAY(vmsplice(ends[0], &(struct iovec){page, 1}, 1, 0));
	close(ends[0]);
}

static volatile sig_atomic_t handled;

static void count_signal(int sig)
{
	(void)sig;
	handled++;
}

static void interrupted(void)
{
	struct sigaction action = {.sa_handler = count_signal};

	sigaction(SIGALRM, &action, NULL);
	ualarm(50000, 0);
	SAY(splice(in[0], NULL, other, NULL, 1, 0));
	ualarm(50000, 0);
	SAY(tee(in[0], out[1], 1, 0));
	SAY(handled);
}

static void ranges(void)
{
	struct rlimit limit = {8, 8};
	loff_t from = 0, to = 0, below = -1;
	int folder = open("/", O_RDONLY), status;
	struct stat facts;

	SAY(ftruncate(other, 0));
	SAY(copy_file_range(file, &from, other, &to, 4, 0));
	SAY(copy_file_range(file, &from, other, &to, 400, 0));
	SAY(copy_file_range(file, &from, other, &to, 4, 0));
	contents("other", other);
	SAY(copy_file_range(file, NULL, other, NULL, 4, 1));
	SAY(copy_file_range(-1, NULL, other, NULL, 4, 0));
	SAY(copy_file_range(file, NULL, -1, NULL, 4, 0));
	SAY(copy_file_range(append, NULL, other, NULL, 4, 0));
	SAY(copy_file_range(file, NULL, append, NULL, 4, 0));
	SAY(copy_file_range(file, NULL, reader, NULL, 4, 0));
	SAY(copy_file_range(in[0], NULL, other, NULL, 4, 0));
	SAY(copy_file_range(file, NULL, out[1], NULL, 4, 0));
	SAY(copy_file_range(folder, NULL, other, NULL, 4, 0));
	SAY(copy_file_range(file, NULL, pair[0], NULL, 4, 0));
	SAY(copy_file_range(file, NOWHERE, other, NULL, 4, 0));
	SAY(copy_file_range(file, &below, other, NULL, 4, 0));
	from = 0;
	to = 4;
	SAY(copy_file_range(file, &from, file, &to, 5, 0));
	SAY(copy_file_range(file, &from, file, &to, 4, 0));
	SAY(copy_file_range(file, &(loff_t){0}, file, &(loff_t){0}, 0, 0));
	contents("file", file);
	from = 8;
	to = 10;
	SAY(copy_file_range(file, &from, file, &to, 100, 0));
	fflush(stdout);
	if (fork() == 0) {
		signal(SIGXFSZ, SIG_IGN);
		setrlimit(RLIMIT_FSIZE, &limit);
		from = 0;
		to = 6;
		SAY(copy_file_range(file, &from, other, &to, 4, 0));
		SAY(copy_file_range(file, &from, other, &to, 4, 0));
		to = 6;
		SAY(write(in[1], "0123", 4));
		SAY(splice(in[0], NULL, other, &to, 4, 0));
		SAY(splice(in[0], NULL, other, &to, 4, 0));
		got(in[0]);
		_exit(0);
	}
	wait(&status);
	SAY(fstat(other, &facts));
	SAY(facts.st_size);
	close(folder);
}

int main(int argc, char **argv)
{
	if (argc > 1 && chdir(argv[1]) != 0)
		return 1;
	file = open("splices.file", O_RDWR | O_CREAT | O_TRUNC, 0600);
	other = open("splices.other", O_RDWR | O_CREAT | O_TRUNC, 0600);
	append = open("splices.other", O_WRONLY | O_APPEND);
	reader = open("splices.other", O_RDONLY);
	if (file < 0 || other < 0 || append < 0 || reader < 0 || write(file, "0123456789", 10) != 10 || pipe(in) != 0 ||
		pipe(out) != 0 || socketpair(AF_UNIX, SOCK_STREAM, 0, pair) != 0)
		return 1;
	lseek(file, 0, SEEK_SET);
	wrong();
	files_and_pipes();
	sockets();
	full_and_closed();
	interrupted();
	ranges();
	unlink("splices.file");
	unlink("splices.other");
	return 0;
}
