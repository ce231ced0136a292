/* Runs QEMU for "portolan run -- COMMAND" and carries the command's input, output and status over COM2
 * (doc/channels.md). */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tools/machine.h"
#include "tools/patience.h"

enum {
	STATUS_TIMEOUT = 124,   /* as timeout(1) */
	STATUS_NO_ANSWER = 125, /* QEMU ended, or broke the protocol, before the command's status came */
	FRAME_HEADER = 5,
	FRAME_MAX_FROM_GUEST = 65536,
	FRAME_MAX_TO_GUEST = 4096,
	POWER_OFF_SECONDS = 60, /* from the command's status to the end of QEMU, on a quiet machine */
};

/* The three serial lines, in the order of QEMU's -serial options. */
enum line { CONSOLE, FRAMES, TRACE, LINES };

/*
 * Standard input goes IDLE -> READY by 'r', READY -> SENT by an 'i' or 'w' frame, SENT -> READY by 'a', READY -> ENDED
 * by 'z'.
 */
enum input_state { INPUT_IDLE, INPUT_READY, INPUT_SENT, INPUT_ENDED };

struct session {
	int line[LINES];
	int monitor;
	struct patience patience; /* its limit 0: none */
	pid_t qemu;
	int log;
	int verbose;
	enum input_state input;
	uint8_t *window; /* memory of the guest for its input; null, also when the guest does not say it has it: 'i'
			    frames */
	size_t window_size;
	int have_status;
	int status;
	uint8_t frame[FRAME_HEADER + FRAME_MAX_FROM_GUEST];
	size_t have;
};

static volatile sig_atomic_t caught;

static void on_signal(int number)
{
	caught = number;
}

static void die(const char *what)
{
	fprintf(stderr, "portolan: %s: %s\n", what, strerror(errno));
	exit(STATUS_NO_ANSWER);
}

/* Writes all of it, waiting as long as it takes. Returns 0, or -1 with errno. */
static int write_all(int fd, const void *data, size_t size)
{
	const uint8_t *at = data;

	while (size > 0) {
		ssize_t n = write(fd, at, size);
		if (n < 0) {
			if (errno == EINTR && !caught)
				continue;
			if (errno == EAGAIN) {
				struct pollfd p = {.fd = fd, .events = POLLOUT};
				poll(&p, 1, -1);
				continue;
			}
			return -1;
		}
		at += n;
		size -= (size_t)n;
	}
	return 0;
}

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* Starts QEMU with our ends of the serial lines in s->line; its own messages go to the log. */
static void start_qemu(struct session *s, int argc, char **argv)
{
	int far[LINES];
	char **args = calloc((size_t)argc + 4 * LINES + MACHINE_ARGUMENTS + 1, sizeof *args);
	int n = 0, monitor;

	if (!args)
		die("memory");
	for (; n < argc; n++)
		args[n] = argv[n];
	for (int i = 0; i < LINES; i++) {
		int pair[2];
		if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) != 0)
			die("socketpair");
		fcntl(pair[0], F_SETFD, FD_CLOEXEC);
		s->line[i] = pair[0];
		far[i] = pair[1];
		args[n++] = (char *)"-chardev";
		if (asprintf(&args[n++], "socket,id=line%d,fd=%d", i, far[i]) < 0)
			die("memory");
		args[n++] = (char *)"-serial";
		if (asprintf(&args[n++], "chardev:line%d", i) < 0)
			die("memory");
	}
	n += machine_arguments(args + n, &s->monitor, &monitor);
	s->qemu = fork();
	if (s->qemu < 0)
		die("fork");
	if (s->qemu == 0) {
		int null = open("/dev/null", O_RDONLY);
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		setpgid(0, 0);
		dup2(null, 0);
		dup2(s->log, 1);
		dup2(s->log, 2);
		execvp(args[0], args);
		dprintf(2, "portolan: %s: %s\n", args[0], strerror(errno));
		_exit(127);
	}
	for (int i = 0; i < LINES; i++)
		close(far[i]);
	close(monitor);
	free(args);
}

static int send_header(struct session *s, uint8_t type, uint32_t size)
{
	uint8_t header[FRAME_HEADER] = {
		type, (uint8_t)size, (uint8_t)(size >> 8), (uint8_t)(size >> 16), (uint8_t)(size >> 24)};

	/* A guest that is gone is noticed by the end of its line, not here. */
	return write_all(s->line[FRAMES], header, sizeof header);
}

static void send_frame(struct session *s, uint8_t type, const void *data, uint32_t size)
{
	if (send_header(s, type, size) == 0)
		write_all(s->line[FRAMES], data, size);
}

/* Ends QEMU and returns when it is gone. */
static void stop_qemu(struct session *s)
{
	double limit = now() + 5;

	kill(s->qemu, SIGTERM);
	while (waitpid(s->qemu, NULL, WNOHANG) == 0) {
		if (now() > limit)
			kill(s->qemu, SIGKILL);
		usleep(10000);
	}
}

/* Our reader is gone: end as a program that writes to a closed pipe does. */
static void output_failed(struct session *s)
{
	int error = errno;

	stop_qemu(s);
	if (error == EPIPE) {
		signal(SIGPIPE, SIG_DFL);
		raise(SIGPIPE);
	}
	errno = error;
	die("writing output");
}

/* Obeys one frame from the guest. Returns 0, or -1 when it makes no sense. */
static int take_frame(struct session *s, uint8_t type, const uint8_t *data, uint32_t size)
{
	switch (type) {
	case 'o':
	case 'e':
		if (write_all(type == 'o' ? 1 : 2, data, size) != 0 && !caught)
			output_failed(s);
		return 0;
	case 'r':
		if (s->input != INPUT_IDLE)
			return -1;
		if (size != 1 || data[0] != 'w')
			s->window = NULL;
		s->input = INPUT_READY;
		return 0;
	case 'a':
		if (s->input != INPUT_SENT)
			return -1;
		s->input = INPUT_READY;
		return 0;
	case 'x':
		if (size != 4)
			return -1;
		s->status = data[0] | data[1] << 8 | data[2] << 16 | (int)((uint32_t)data[3] << 24);
		s->have_status = 1;
		return 0;
	default:
		return -1;
	}
}

/* Reads from COM2 and obeys every whole frame. Returns 1, 0 at the end of the line, -1 when the guest broke the
 * protocol. */
static int read_frames(struct session *s)
{
	ssize_t n = read(s->line[FRAMES], s->frame + s->have, sizeof s->frame - s->have);
	size_t at = 0;

	if (n < 0)
		return errno == EINTR || errno == EAGAIN;
	if (n == 0)
		return 0;
	s->have += (size_t)n;
	while (s->have - at >= FRAME_HEADER) {
		const uint8_t *f = s->frame + at;
		uint32_t size = f[1] | (uint32_t)f[2] << 8 | (uint32_t)f[3] << 16 | (uint32_t)f[4] << 24;
		if (size > FRAME_MAX_FROM_GUEST)
			return -1;
		if (s->have - at < FRAME_HEADER + size)
			break;
		if (take_frame(s, f[0], f + FRAME_HEADER, size) != 0)
			return -1;
		at += FRAME_HEADER + size;
	}
	s->have -= at;
	memmove(s->frame, s->frame + at, s->have);
	return 1;
}

static void read_input(struct session *s)
{
	uint8_t buffer[FRAME_MAX_TO_GUEST];
	ssize_t n = s->window ? read(0, s->window, s->window_size) : read(0, buffer, sizeof buffer);

	if (n > 0) {
		if (s->window)
			send_header(s, 'w', (uint32_t)n);
		else
			send_frame(s, 'i', buffer, (uint32_t)n);
		s->input = INPUT_SENT;
	} else if (n == 0 || (errno != EINTR && errno != EAGAIN)) {
		send_frame(s, 'z', NULL, 0);
		s->input = INPUT_ENDED;
	}
}

/* Copies what the line has to the log (if any) and to standard error (if wanted). Returns 0 at its end. */
static int copy_line(struct session *s, enum line which, int to_log, int to_stderr)
{
	uint8_t buffer[4096];
	ssize_t n = read(s->line[which], buffer, sizeof buffer);

	if (n < 0)
		return errno == EINTR || errno == EAGAIN;
	if (n == 0)
		return 0;
	if (to_log)
		write_all(s->log, buffer, (size_t)n);
	if (to_stderr)
		write_all(2, buffer, (size_t)n);
	return 1;
}

/* Seconds until the deadline (0: none) or the end of our patience, and at most until the next look at it; -1: for ever.
 */
static double time_left(struct session *s, double deadline)
{
	double left = deadline > 0 ? deadline - now() : -1;

	if (deadline > 0 && left < 0)
		return 0;
	if (s->patience.seconds > 0) {
		double patience = patience_left(&s->patience);

		if (patience > PATIENCE_STEP)
			patience = PATIENCE_STEP;
		if (patience <= 0) {
			machine_dump(s->monitor, s->log);
			return 0;
		}
		if (left < 0 || patience < left)
			left = patience;
	}
	return left;
}

/* Carries everything until QEMU closed all lines. Returns the exit status for "portolan run". */
static int serve(struct session *s, double deadline)
{
	int open_lines = LINES;
	int broken = 0;

	while (open_lines > 0 && !caught && !broken) {
		struct pollfd p[LINES + 1];
		double left = time_left(s, deadline);
		for (int i = 0; i < LINES; i++)
			p[i] = (struct pollfd){.fd = s->line[i], .events = POLLIN};
		p[LINES] = (struct pollfd){.fd = s->input == INPUT_READY ? 0 : -1, .events = POLLIN};
		if (left == 0) {
			stop_qemu(s);
			return s->have_status ? s->status : STATUS_TIMEOUT;
		}
		if (poll(p, LINES + 1, left < 0 ? -1 : (int)(left * 1000) + 1) < 0) {
			if (errno == EINTR)
				continue;
			die("poll");
		}
		for (int i = 0; i < LINES; i++) {
			int more = 1, had_status = s->have_status;
			if (!p[i].revents)
				continue;
			if (i == FRAMES)
				more = read_frames(s);
			else
				more = copy_line(s, i, i == CONSOLE, i == TRACE || s->verbose);
			/* From the command's status to the end of QEMU. */
			if (s->have_status && !had_status)
				patience_start(&s->patience, POWER_OFF_SECONDS, s->qemu);
			if (more < 0)
				broken = 1;
			if (more <= 0) {
				close(s->line[i]);
				s->line[i] = -1;
				open_lines--;
			}
		}
		if (p[LINES].revents && s->input == INPUT_READY)
			read_input(s);
	}
	if (caught || broken)
		stop_qemu(s);
	else
		waitpid(s->qemu, NULL, 0);
	if (caught)
		return 128 + caught;
	if (broken)
		fprintf(stderr, "portolan: the guest sent bytes on COM2 that are no frame\n");
	return s->have_status && !broken ? s->status : STATUS_NO_ANSWER;
}

static void map_window(struct session *s, const char *path)
{
	struct stat status;
	int fd = open(path, O_RDWR | O_CLOEXEC);

	if (fd < 0 || fstat(fd, &status) != 0)
		die(path);
	s->window_size = (size_t)status.st_size;
	s->window = mmap(NULL, s->window_size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (s->window == MAP_FAILED)
		die(path);
	close(fd);
}

static int usage(void)
{
	fprintf(stderr,
		"usage: channel [-t SECONDS] [-T SECONDS] [-v] [-w WINDOW-FILE] -l CONSOLE-LOG -- QEMU ARGUMENT...\n");
	return STATUS_NO_ANSWER;
}

int main(int argc, char **argv)
{
	static struct session s;
	double seconds = 0, patience = 0;
	const char *log = NULL;
	int option;

	while ((option = getopt(argc, argv, "+t:T:vw:l:")) != -1) {
		switch (option) {
		case 't':
			seconds = atof(optarg);
			break;
		case 'T': /* of a quiet machine */
			patience = atof(optarg);
			break;
		case 'v':
			s.verbose = 1;
			break;
		case 'w':
			map_window(&s, optarg);
			break;
		case 'l':
			log = optarg;
			break;
		default:
			return usage();
		}
	}
	if (!log || optind >= argc)
		return usage();
	s.log = open(log, O_RDWR | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0666);
	if (s.log < 0)
		die(log);
	struct sigaction ignore = {.sa_handler = SIG_IGN}, stop = {.sa_handler = on_signal};
	sigaction(SIGPIPE, &ignore, NULL);
	start_qemu(&s, argc - optind, argv + optind);
	static const int ends[] = {SIGINT, SIGTERM, SIGHUP};
	for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
		struct sigaction before;
		/* One that is ignored is somebody else's: a script's that ends us itself. */
		if (sigaction(ends[i], NULL, &before) == 0 && before.sa_handler != SIG_IGN)
			sigaction(ends[i], &stop, NULL);
	}
	patience_start(&s.patience, patience, s.qemu);
	return serve(&s, seconds > 0 ? now() + seconds : 0) & 255;
}
