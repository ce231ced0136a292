/*
 * Where everybody waits nobody works: several processes of an ordinary user wait at random, more than one at the same
 * pipe, socket, counter, lock, word; then some of it is drained or filled. Each time the processor is idle soon after:
 * nobody wakes another for nothing, and that one the first. (attack-seconds: 60)
 */
#define _GNU_SOURCE
#include "attack.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/select.h>
#include <sys/sendfile.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
	GAMES = 25,
	WAITERS = 14,
	PAIRS = 3, /* of each kind: few, so that several wait at one */
	TURNS = 4, /* of draining and filling in a game */
	SETTLE_MS = 30,
	LOOK_MS = 100,
	IDLE_PERCENT = 85,
	MOST = 200000, /* bytes of one call, more than a pipe holds */
};

static unsigned random_number(unsigned below)
{
	static unsigned state = 7;

	state = state * 1103515245 + 12345;
	return (state >> 16) % below;
}

static void pause_ms(long ms)
{
	struct timespec time = {ms / 1000, ms % 1000 * 1000000};

	while (nanosleep(&time, &time) != 0 && errno == EINTR)
		;
}

/* --- What is waited at. */

static struct {
	int pipes[PAIRS][2], streams[PAIRS][2], datagrams[PAIRS][2];
	int counters[PAIRS], timer, signals, names, set, locked;
	volatile unsigned *words;
} at;

static char bytes[MOST];

static void begin(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR2);
	at.set = epoll_create1(0);
	for (unsigned i = 0; i < PAIRS; i++) {
		struct epoll_event event = {.events = random_number(2) ? EPOLLIN : EPOLLIN | EPOLLET};

		if (pipe(at.pipes[i]) != 0 || socketpair(AF_UNIX, SOCK_STREAM, 0, at.streams[i]) != 0 ||
			socketpair(AF_UNIX, SOCK_DGRAM, 0, at.datagrams[i]) != 0)
			exit(2);
		at.counters[i] = eventfd(0, random_number(2) ? EFD_SEMAPHORE : 0);
		epoll_ctl(at.set, EPOLL_CTL_ADD, at.pipes[i][0], &event);
		epoll_ctl(at.set, EPOLL_CTL_ADD, at.streams[i][0], &event);
	}
	at.timer = timerfd_create(CLOCK_MONOTONIC, 0);
	at.signals = signalfd(-1, &set, 0);
	at.names = inotify_init1(0);
	at.locked = open("/tmp/stillness", O_RDWR | O_CREAT, 0600);
	ftruncate(at.locked, MOST);
	at.words[0] = at.words[1] = 0;
}

static void finish(void)
{
	int all[] = {at.timer, at.signals, at.names, at.set, at.locked};

	for (unsigned i = 0; i < PAIRS; i++) {
		for (unsigned end = 0; end < 2; end++) {
			close(at.pipes[i][end]);
			close(at.streams[i][end]);
			close(at.datagrams[i][end]);
		}
		close(at.counters[i]);
	}
	for (unsigned i = 0; i < sizeof all / sizeof all[0]; i++)
		close(all[i]);
}

/* --- Calls that wait, or soon do when they are made again and again. */

static unsigned which; /* of several, the same for all calls of a process */

static size_t some(void)
{
	static const size_t sizes[] = {1, 100, 4096, 5000, 65536, MOST};

	return sizes[random_number(6)];
}

static void reads(void)
{
	(void)!read(at.pipes[which][0], bytes, some());
}

static void writes(void)
{
	(void)!write(at.pipes[which][1], bytes, some());
}

static void writes_parts(void)
{
	struct iovec parts[3] = {{bytes, some()}, {bytes, some()}, {bytes, some()}};

	(void)!writev(at.pipes[which][1], parts, 3);
}

static void sends(void)
{
	send(at.streams[which][1], bytes, some(), 0);
}

static void receives(void)
{
	recv(at.streams[which][0], bytes, some(), random_number(2) ? MSG_WAITALL : 0);
}

static void sends_datagrams(void)
{
	send(at.datagrams[which][1], bytes, 1 + random_number(3000), 0);
}

static void receives_datagrams(void)
{
	recv(at.datagrams[which][0], bytes, MOST, 0);
}

static void counts(void)
{
	uint64_t value = random_number(2) ? UINT64_MAX - 1 : 1;

	(void)!write(at.counters[which], &value, sizeof value);
}

static void uncounts(void)
{
	uint64_t value;

	(void)!read(at.counters[which], &value, sizeof value);
}

static void splices(void)
{
	(void)!splice(at.pipes[which][0], NULL, at.pipes[(which + 1) % PAIRS][1], NULL, some(), 0);
}

static void tees(void)
{
	(void)!tee(at.pipes[which][0], at.pipes[(which + 1) % PAIRS][1], some(), 0);
	reads();
}

static void vmsplices(void)
{
	struct iovec part = {bytes, some()};

	(void)!vmsplice(at.pipes[which][1], &part, 1, 0);
}

static void sends_file(void)
{
	off_t from = 0;

	(void)!sendfile(at.pipes[which][1], at.locked, &from, some());
}

static void splices_socket(void)
{
	(void)!splice(at.pipes[which][0], NULL, at.streams[which][1], NULL, some(), 0);
}

static void polls(void)
{
	struct pollfd polled[2 * PAIRS];

	for (unsigned i = 0; i < PAIRS; i++) {
		polled[2 * i] = (struct pollfd){at.pipes[i][0], random_number(2) ? POLLPRI : POLLIN, 0};
		polled[2 * i + 1] = (struct pollfd){at.counters[i], POLLIN, 0};
	}
	if (poll(polled, 2 * PAIRS, -1) > 0)
		reads();
}

static void selects(void)
{
	fd_set set;

	FD_ZERO(&set);
	FD_SET(at.streams[which][0], &set);
	if (select(at.streams[which][0] + 1, &set, NULL, NULL, NULL) > 0)
		receives();
}

static void waits_for_events(void)
{
	struct epoll_event events[4];

	if (epoll_wait(at.set, events, 1 + (int)random_number(4), -1) > 0)
		reads();
}

static void locks(void)
{
	int fd = open("/tmp/stillness", O_RDWR);

	flock(fd, random_number(2) ? LOCK_EX : LOCK_SH);
	pause();
}

static void locks_records(void)
{
	struct flock lock = {.l_type = (short)(random_number(2) ? F_WRLCK : F_RDLCK),
		.l_whence = SEEK_SET,
		.l_start = random_number(3),
		.l_len = 1 + random_number(3)};

	fcntl(at.locked, F_SETLKW, &lock);
	pause();
}

static void waits_for_word(void)
{
	syscall(SYS_futex, &at.words[random_number(2)], FUTEX_WAIT_BITSET, 0, NULL, NULL, 1u << random_number(3));
}

static void reads_timer(void)
{
	uint64_t value;

	(void)!read(at.timer, &value, sizeof value);
}

static void reads_signals(void)
{
	(void)!read(at.signals, bytes, sizeof(struct signalfd_siginfo));
}

static void reads_names(void)
{
	(void)!read(at.names, bytes, 4096);
}

static void waits_for_child(void)
{
	if (fork() == 0)
		for (;;)
			pause();
	waitpid(-1, NULL, 0);
}

static void waits_for_signal(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR2);
	sigwaitinfo(&set, NULL);
}

static void (*const calls[])(void) = {reads, writes, writes, writes_parts, sends, sends, receives, sends_datagrams,
	receives_datagrams, counts, uncounts, splices, tees, vmsplices, sends_file, splices_socket, polls, selects,
	waits_for_events, locks, locks_records, waits_for_word, reads_timer, reads_signals, reads_names,
	waits_for_child, waits_for_signal};
enum { CALLS = sizeof calls / sizeof calls[0] };

/* Once more than enough to fill all there is: then it rests, so that what two give each other comes to an end. */
static _Noreturn void wait_by(unsigned call)
{
	for (unsigned i = 0; i < 50; i++)
		calls[call]();
	for (;;)
		pause();
}

/* Some of what they wait for. */
static void turn(void)
{
	const unsigned one = random_number(PAIRS);
	uint64_t value = 1;

	switch (random_number(9)) {
	case 0:
	case 1:
	case 2:
		fcntl(at.pipes[one][0], F_SETFL, O_NONBLOCK);
		(void)!read(at.pipes[one][0], bytes, some());
		fcntl(at.pipes[one][0], F_SETFL, 0);
		break;
	case 3:
		fcntl(at.pipes[one][1], F_SETFL, O_NONBLOCK);
		(void)!write(at.pipes[one][1], bytes, some());
		fcntl(at.pipes[one][1], F_SETFL, 0);
		break;
	case 4:
		recv(at.streams[one][0], bytes, some(), MSG_DONTWAIT);
		break;
	case 5:
		send(at.streams[one][1], bytes, some(), MSG_DONTWAIT);
		break;
	case 6:
		recv(at.datagrams[one][0], bytes, MOST, MSG_DONTWAIT);
		break;
	case 7:
		fcntl(at.counters[one], F_SETFL, O_NONBLOCK);
		(void)!(random_number(2) ? read(at.counters[one], &value, 8) : write(at.counters[one], &value, 8));
		fcntl(at.counters[one], F_SETFL, 0);
		break;
	default:
		syscall(SYS_futex, &at.words[random_number(2)], FUTEX_WAKE, 1, NULL, NULL, 0);
		break;
	}
}

/* --- The processor. */

static double idle_s(void)
{
	double up, idle = 0;
	FILE *file = fopen("/proc/uptime", "r");

	if (file == NULL || fscanf(file, "%lf %lf", &up, &idle) != 2)
		idle = 0;
	if (file != NULL)
		fclose(file);
	return idle;
}

static int idle_percent(void)
{
	double before = idle_s();

	pause_ms(LOOK_MS);
	return (int)((idle_s() - before) * 100000 / LOOK_MS + 0.5);
}

/* The other user's commands take some of it: the stillest of several moments. */
static bool still(void)
{
	int best = 0;

	for (unsigned i = 0; i < 5 && best < IDLE_PERCENT; i++) {
		int percent = idle_percent();

		if (percent > best)
			best = percent;
	}
	if (best < IDLE_PERCENT)
		printf("idle for %d %%\n", best);
	return best >= IDLE_PERCENT;
}

int main(void)
{
	bool all_still = true;
	sigset_t set;

	setvbuf(stdout, NULL, _IOLBF, 0);
	sigemptyset(&set);
	sigaddset(&set, SIGUSR2);
	sigprocmask(SIG_BLOCK, &set, NULL);
	at.words = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	attack_check("the processor is never idle", still());
	for (unsigned game = 0; game < GAMES && all_still; game++) {
		pid_t waiters[WAITERS];
		unsigned call[WAITERS];

		begin();
		for (unsigned i = 0; i < WAITERS; i++) {
			/* Now and then two of one kind, at the same place. */
			call[i] = i > 0 && random_number(3) == 0 ? call[i - 1] : random_number(CALLS);
			which = i > 0 && random_number(2) == 0 ? which : random_number(PAIRS);
			waiters[i] = fork();
			if (waiters[i] == 0) {
				setpgid(0, 0);
				wait_by(call[i]);
			}
		}
		pause_ms(SETTLE_MS);
		all_still = still();
		for (unsigned i = 0; i < TURNS && all_still; i++) {
			turn();
			pause_ms(SETTLE_MS);
			all_still = still();
		}
		if (!all_still) {
			printf("game %u:", game);
			for (unsigned i = 0; i < WAITERS; i++)
				printf(" %u", call[i]);
			printf("\n");
		}
		for (unsigned i = 0; i < WAITERS; i++) {
			kill(-waiters[i], SIGKILL);
			kill(waiters[i], SIGKILL);
		}
		while (wait(NULL) > 0)
			;
		finish();
	}
	attack_check("those who wait keep the processor busy", all_still);
	return attack_end();
}
