/*
 * Calls of several processes and threads at once, on one or more processors: what each sees must be as if they had come
 * one after the other. Prints PASS or FAIL lines. Argument: how many processes, or threads, of each kind.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define ROUNDS  2000u
#define RECORDS 4000u
#define LONGEST 10 /* seconds, for what takes one */

static unsigned many;

/* Counts of all processes. */
static struct shared {
	uint32_t wrong, wrong_line, word, done;
	uint32_t received[64], seen[RECORDS];
} * shared;

static void say(const char *name, bool good)
{
	printf("%s %s\n", good ? "PASS" : "FAIL", name);
	if (!good)
		printf("# %u wrong, the first at line %u\n", shared->wrong, shared->wrong_line);
	fflush(stdout);
}

/* Of what is wrong the first place is told. */
#define wrong_if(wrong) wrong_if_at(wrong, __LINE__)

static void wrong_if_at(bool wrong, unsigned line)
{
	unsigned none = 0;

	if (!wrong)
		return;
	__atomic_add_fetch(&shared->wrong, 1, __ATOMIC_RELAXED);
	__atomic_compare_exchange_n(&shared->wrong_line, &none, line, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED);
}

static void start(void)
{
	memset(shared, 0, sizeof *shared);
}

/* Runs it in so many processes, each with its number, and waits for them; those that do not end well are wrong. */
static void in_processes(unsigned count, void (*function)(unsigned number))
{
	pid_t child[64];
	int status;
	unsigned i;

	for (i = 0; i < count; i++) {
		child[i] = fork();
		if (child[i] == 0) {
			alarm(6 * LONGEST);
			function(i);
			_exit(0);
		}
	}
	for (i = 0; i < count; i++)
		wrong_if(waitpid(child[i], &status, 0) != child[i] || status != 0);
}

struct worker {
	pthread_t thread;
	void (*function)(unsigned number);
	unsigned number;
};

static void *worker_main(void *argument)
{
	struct worker *worker = argument;

	worker->function(worker->number);
	return NULL;
}

static void in_threads(unsigned count, void (*function)(unsigned number))
{
	struct worker worker[64];
	unsigned i;

	for (i = 0; i < count; i++) {
		worker[i] = (struct worker){.function = function, .number = i};
		pthread_create(&worker[i].thread, NULL, worker_main, &worker[i]);
	}
	for (i = 0; i < count; i++)
		pthread_join(worker[i].thread, NULL);
}

/* --- Who one is. */

static void ask_who(unsigned number)
{
	pid_t pid = getpid(), tid = (pid_t)syscall(SYS_gettid);
	struct rlimit limit;
	unsigned i;

	(void)number;
	for (i = 0; i < ROUNDS; i++) {
		wrong_if(syscall(SYS_getpid) != pid || syscall(SYS_gettid) != tid || getuid() != 0 || getegid() != 0);
		wrong_if(getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur > limit.rlim_max);
		if (i % 64 == 0)
			sched_yield();
	}
}

static void threads_ask_who(unsigned number)
{
	(void)number;
	in_threads(3, ask_who);
}

/* A limit of which both numbers change together is never seen by halves. */
static void limits(unsigned number)
{
	struct rlimit limit;
	unsigned i;

	for (i = 0; i < ROUNDS / 4; i++) {
		if (number == 0) {
			limit.rlim_cur = limit.rlim_max = 5000 - i;
			wrong_if(setrlimit(RLIMIT_CORE, &limit) != 0);
		} else {
			wrong_if(getrlimit(RLIMIT_CORE, &limit) != 0 || limit.rlim_cur != limit.rlim_max);
		}
	}
}

/* --- Signals: each that was sent comes, whatever the mask is at that moment. */

static volatile uint32_t handled;

static void count_signal(int signal)
{
	(void)signal;
	handled++;
}

static void receive_signals(unsigned number)
{
	struct sigaction action = {.sa_handler = count_signal, .sa_flags = SA_RESTART};
	struct timespec patience = {.tv_nsec = 1000000};
	sigset_t set;
	unsigned i;

	sigemptyset(&set);
	sigaddset(&set, SIGRTMIN);
	sigaction(SIGRTMIN, &action, NULL);
	__atomic_store_n(&shared->received[number], 1, __ATOMIC_RELEASE);
	/* The last one tells the end: the sender has sent ROUNDS / 4, and waits for each to be handled. */
	for (i = 0; handled < ROUNDS / 4; i++) {
		sigprocmask(SIG_BLOCK, &set, NULL);
		wrong_if(syscall(SYS_getpid) != getpid());
		sigprocmask(SIG_UNBLOCK, &set, NULL);
		__atomic_store_n(&shared->seen[number], handled, __ATOMIC_RELEASE);
		if (i % 512 == 511)
			nanosleep(&patience, NULL);
	}
	__atomic_store_n(&shared->seen[number], handled, __ATOMIC_RELEASE);
}

static void send_signals(void)
{
	pid_t child[64];
	unsigned i, turn;
	int status;

	for (i = 0; i < many; i++) {
		child[i] = fork();
		if (child[i] == 0) {
			alarm(6 * LONGEST);
			receive_signals(i);
			_exit(0);
		}
		while (!__atomic_load_n(&shared->received[i], __ATOMIC_ACQUIRE))
			sched_yield();
	}
	for (turn = 0; turn < ROUNDS / 4; turn++)
		for (i = 0; i < many; i++)
			wrong_if(sigqueue(child[i], SIGRTMIN, (union sigval){.sival_int = 1}) != 0);
	for (i = 0; i < many; i++) {
		wrong_if(waitpid(child[i], &status, 0) != child[i] || status != 0);
		wrong_if(shared->seen[i] != ROUNDS / 4);
	}
}

/* --- Ends in the middle of calls. */

static void *call_for_ever(void *argument)
{
	struct rlimit limit;
	char byte;

	for (;;) {
		syscall(SYS_gettid);
		getrlimit(RLIMIT_CORE, &limit);
		pread(*(int *)argument, &byte, 1, 0);
	}
	return NULL;
}

static void end_in_calls(const char *self)
{
	struct timespec pause = {.tv_nsec = 200000};
	int fd = open("contents", O_RDONLY), status;
	unsigned i, n;

	for (i = 0; i < 40; i++) {
		pid_t child = fork();

		if (child == 0) {
			pthread_t thread;

			alarm(LONGEST);
			for (n = 0; n < 3; n++)
				pthread_create(&thread, NULL, call_for_ever, &fd);
			pause.tv_nsec = 100000 * (long)(i % 5);
			nanosleep(&pause, NULL);
			if (i % 3 == 0)
				_exit(7);
			if (i % 3 == 1)
				execl(self, self, "exit", NULL);
			call_for_ever(&fd);
		}
		if (i % 3 == 2) {
			nanosleep(&pause, NULL);
			kill(child, SIGKILL);
		}
		wrong_if(waitpid(child, &status, 0) != child);
		wrong_if(i % 3 == 2 ? !WIFSIGNALED(status) || WTERMSIG(status) != SIGKILL
				    : !WIFEXITED(status) || WEXITSTATUS(status) != 7);
	}
	close(fd);
}

/* --- Files. */

#define CONTENTS 65536u

static unsigned char byte_at(uint64_t at)
{
	return (unsigned char)(1 + at % 251);
}

static void write_pattern(int fd, uint64_t from, uint64_t to)
{
	unsigned char buffer[4096];

	while (from < to) {
		uint64_t size = to - from < sizeof buffer ? to - from : sizeof buffer, i;

		for (i = 0; i < size; i++)
			buffer[i] = byte_at(from + i);
		wrong_if(pwrite(fd, buffer, size, (off_t)from) != (ssize_t)size);
		from += size;
	}
}

static void make_contents(void)
{
	int fd = open("contents", O_RDWR | O_CREAT | O_TRUNC, 0600);

	write_pattern(fd, 0, CONTENTS);
	close(fd);
}

/*
 * What is read is what was written there, to the end that the file has at the time. (Behind what it had at first zeros
 * may be read, too: a file is longer before the bytes that make it so are in it.)
 */
static void read_at_random(unsigned number)
{
	int fd = open("contents", O_RDONLY);
	unsigned char buffer[1000];
	unsigned seed = number + 1, i;

	for (i = 0; i < ROUNDS; i++) {
		uint64_t at = (unsigned)rand_r(&seed) % (CONTENTS + 2000),
			 size = 1 + (unsigned)rand_r(&seed) % sizeof buffer;
		ssize_t got, n;

		if (i & 1) {
			wrong_if(lseek(fd, (off_t)at, SEEK_SET) != (off_t)at);
			got = read(fd, buffer, size);
			wrong_if(got >= 0 && lseek(fd, 0, SEEK_CUR) != (off_t)at + got);
		} else if (i & 2) {
			unsigned char parts[2][sizeof buffer + 8];
			struct iovec vector[] = {{parts[1], size / 3}, {parts[0], size - size / 3}};

			memset(parts, 0xee, sizeof parts);
			got = preadv(fd, vector, 2, (off_t)at);
			wrong_if(parts[1][size / 3] != 0xee || parts[0][size - size / 3] != 0xee);
			memcpy(buffer, parts[1], size / 3);
			memcpy(buffer + size / 3, parts[0], size - size / 3);
		} else {
			got = pread(fd, buffer, size, (off_t)at);
		}
		wrong_if(got < 0 || (at + size <= CONTENTS && got != (ssize_t)size));
		for (n = 0; n < got; n++)
			if (buffer[n] != byte_at(at + (uint64_t)n) && (buffer[n] != 0 || at + (uint64_t)n < CONTENTS))
				break;
		wrong_if(n < got);
	}
	close(fd);
}

/* The last one writes: the same over what is there, more behind it, and cuts that off. */
static void read_or_write(unsigned number)
{
	int fd;
	unsigned i;

	if (number != many) {
		read_at_random(number);
		return;
	}
	fd = open("contents", O_RDWR);
	for (i = 0; i < ROUNDS / 20; i++) {
		write_pattern(fd, i * 100 % CONTENTS, i * 100 % CONTENTS + 100);
		write_pattern(fd, CONTENTS, CONTENTS + i * 7 % 2000 + 1);
		wrong_if(ftruncate(fd, CONTENTS) != 0);
	}
	close(fd);
}

static void threads_read(unsigned number)
{
	in_threads(2, number & 1 ? read_at_random : ask_who);
}

/* One description: each record is read by one, and once. */
static int records;

static void read_records(unsigned number)
{
	uint32_t record;

	(void)number;
	while (read(records, &record, sizeof record) == (ssize_t)sizeof record) {
		wrong_if(record >= RECORDS);
		if (record < RECORDS)
			__atomic_add_fetch(&shared->seen[record], 1, __ATOMIC_RELAXED);
	}
}

static void share_position(bool threads)
{
	uint32_t i;

	start();
	records = open("records", O_RDWR | O_CREAT | O_TRUNC, 0600);
	for (i = 0; i < RECORDS; i++)
		wrong_if(write(records, &i, sizeof i) != (ssize_t)sizeof i);
	lseek(records, 0, SEEK_SET);
	if (threads)
		in_threads(many, read_records);
	else
		in_processes(many, read_records);
	for (i = 0; i < RECORDS; i++)
		wrong_if(shared->seen[i] != 1);
	close(records);
}

/* A descriptor that is another file from one moment to the next: what is read is of one of them. */
static int changing, ones, twos;
enum { FILLED = 65536 };

static void read_changing(unsigned number)
{
	unsigned char buffer[64];
	unsigned i, n;

	for (i = 0; i < ROUNDS; i++) {
		if (number == 0) {
			wrong_if(dup2(i & 1 ? ones : twos, changing) != changing);
			n = (unsigned)fcntl(ones, F_DUPFD, 20 + i % 200);
			close((int)n);
		} else {
			wrong_if(pread(changing, buffer, sizeof buffer, 0) != sizeof buffer);
			for (n = 0; n < sizeof buffer && buffer[n] == buffer[0]; n++)
				;
			wrong_if(n < sizeof buffer || buffer[0] < 1 || buffer[0] > 2);
		}
	}
}

static int filled(const char *name, int byte)
{
	static char buffer[FILLED];
	int fd = open(name, O_RDWR | O_CREAT | O_TRUNC, 0600);

	memset(buffer, byte, sizeof buffer);
	wrong_if(write(fd, buffer, sizeof buffer) != sizeof buffer);
	return fd;
}

/* A write is read whole or not at all, if both are in memory: of many pages, so that they meet. */
static void read_or_fill(unsigned number)
{
	static char buffer[FILLED];
	unsigned i, n;

	for (i = 0; i < ROUNDS / 8; i++) {
		if (number == 0) {
			memset(buffer, 1 + (int)(i & 1), sizeof buffer);
			wrong_if(pwrite(ones, buffer, sizeof buffer, 0) != sizeof buffer);
			usleep(200); /* so that the others are in the middle of a read */
			continue;
		}
		wrong_if(pread(ones, buffer, sizeof buffer, 0) != sizeof buffer);
		for (n = 0; n < sizeof buffer && buffer[n] == buffer[0]; n++)
			;
		wrong_if(n < sizeof buffer);
	}
}

/* --- Pipes: what goes in comes out, once, and small writes in one piece. */

#define SMALL 64u

struct small {
	uint32_t writer, number, sum[SMALL / 4 - 2];
};

static int ends[2];

static void write_small(unsigned number)
{
	struct small record;
	unsigned i, n;

	for (i = 0; i < RECORDS / many; i++) {
		record.writer = number;
		record.number = number * (RECORDS / many) + i;
		for (n = 0; n < SMALL / 4 - 2; n++)
			record.sum[n] = record.number * 31 + n;
		wrong_if(write(ends[1], &record, sizeof record) != sizeof record);
		if (number == 0 && i % 100 == 50)
			fcntl(ends[1], F_SETPIPE_SZ, i % 200 == 50 ? 4096 : 65536);
	}
}

static void read_small(unsigned number)
{
	struct small record;
	unsigned n;

	close(ends[1]);
	for (;;) {
		struct pollfd wait = {.fd = ends[0], .events = POLLIN};
		ssize_t got;

		if (number == 0 && poll(&wait, 1, 1000 * LONGEST) != 1)
			break;
		got = read(ends[0], &record, sizeof record);
		if (got == 0)
			return;
		wrong_if(got != sizeof record || record.number >= RECORDS);
		if (got != sizeof record || record.number >= RECORDS)
			return;
		for (n = 0; n < SMALL / 4 - 2; n++)
			wrong_if(record.sum[n] != record.number * 31 + n);
		__atomic_add_fetch(&shared->seen[record.number], 1, __ATOMIC_RELAXED);
	}
	wrong_if(true);
}

static void read_or_write_small(unsigned number)
{
	if (number < many) {
		close(ends[0]);
		write_small(number);
	} else {
		read_small(number - many);
	}
}

static void use_pipe(void)
{
	uint32_t i;

	wrong_if(pipe(ends) != 0);
	for (i = 0; i < 2 * many; i++) {
		if (fork() == 0) {
			alarm(6 * LONGEST);
			read_or_write_small(i);
			_exit(0);
		}
	}
	close(ends[0]);
	close(ends[1]);
	for (i = 0; i < 2 * many; i++) {
		int status;

		wrong_if(wait(&status) < 0 || status != 0);
	}
	for (i = 0; i < RECORDS / many * many; i++)
		wrong_if(shared->seen[i] != 1);
}

/* Each its own pipe, that is never waited for. */
static void own_pipe(unsigned number)
{
	int own[2];
	char out[300], in[300];
	unsigned i, n;

	wrong_if(pipe(own) != 0);
	for (i = 0; i < ROUNDS; i++) {
		size_t size = 1 + (i * 7 + number) % sizeof out;

		for (n = 0; n < size; n++)
			out[n] = (char)(i + n + number);
		if (i & 1) {
			struct iovec from[] = {{out, size / 2}, {out + size / 2, size - size / 2}};
			struct iovec to[] = {{in, size / 4}, {in + size / 4, 0}, {in + size / 4, size - size / 4}};

			wrong_if(writev(own[1], from, 2) != (ssize_t)size);
			wrong_if(readv(own[0], to, 3) != (ssize_t)size || memcmp(in, out, size) != 0);
			continue;
		}
		wrong_if(write(own[1], out, size) != (ssize_t)size);
		wrong_if(read(own[0], in, size) != (ssize_t)size || memcmp(in, out, size) != 0);
	}
	close(own[0]);
	close(own[1]);
}

static void threads_own_pipes(unsigned number)
{
	(void)number;
	in_threads(2, own_pipe);
}

/* --- Futexes: a mutex and a condition that all use; and the number of those who were inside. */

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t condition = PTHREAD_COND_INITIALIZER;
static unsigned inside, turns, whose;

static void take_turns(unsigned number)
{
	unsigned i;

	for (i = 0; i < ROUNDS / 10; i++) {
		pthread_mutex_lock(&mutex);
		while (whose != number)
			pthread_cond_wait(&condition, &mutex);
		wrong_if(inside++ != 0);
		turns++;
		whose = (whose + 1) % many;
		inside--;
		pthread_cond_broadcast(&condition);
		pthread_mutex_unlock(&mutex);
		wrong_if(syscall(SYS_futex, &turns, FUTEX_WAIT_PRIVATE, UINT32_MAX, NULL, NULL, 0) != -1 ||
			 errno != EAGAIN);
		wrong_if(syscall(SYS_futex, &number, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0) != 0);
	}
}

static void threads_take_turns(unsigned number)
{
	(void)number;
	turns = whose = inside = 0;
	in_threads(many, take_turns);
	wrong_if(turns != many * (ROUNDS / 10));
}

/* FUTEX_WAKE_OP and stores of others to the same word, in its other bits: none is lost. */
static void add_by_futex(unsigned number)
{
	unsigned i;

	for (i = 0; i < ROUNDS; i++) {
		if (number == 0)
			syscall(SYS_futex, &shared->done, FUTEX_WAKE_OP, 0, 0, &shared->word,
				FUTEX_OP(FUTEX_OP_ADD, 1, FUTEX_OP_CMP_EQ, 0));
		else
			__atomic_add_fetch(&shared->word, 1, __ATOMIC_RELAXED);
	}
}

static void all(const char *self)
{
	make_contents();
	start();
	in_processes(many, threads_ask_who);
	say("processes and threads know who they are", shared->wrong == 0);
	start();
	wrong_if(setrlimit(RLIMIT_CORE, &(struct rlimit){5000, 5000}) != 0);
	in_threads(many, limits);
	say("a limit is seen whole", shared->wrong == 0);
	start();
	send_signals();
	say("every signal arrives while its mask changes", shared->wrong == 0);
	start();
	in_processes(many, read_at_random);
	in_processes(many, threads_read);
	say("what many read of a file is what it holds", shared->wrong == 0);
	start();
	in_processes(many + 1, read_or_write);
	say("and while one writes, lengthens and cuts it", shared->wrong == 0);
	share_position(false);
	say("processes with one position read each record once", shared->wrong == 0);
	share_position(true);
	say("and so do threads", shared->wrong == 0);
	start();
	ones = filled("ones", 1);
	twos = filled("twos", 2);
	changing = dup(ones);
	in_threads(many + 1, read_changing);
	say("a descriptor that is exchanged is the one or the other file", shared->wrong == 0);
	start();
	in_processes(many + 1, read_or_fill);
	say("what is written at once is read at once", shared->wrong == 0);
	start();
	use_pipe();
	say("what many write to a pipe many read, whole and once", shared->wrong == 0);
	start();
	in_processes(many, own_pipe);
	in_processes(many, threads_own_pipes);
	say("pipes of their own do not disturb each other", shared->wrong == 0);
	start();
	in_processes(2, threads_take_turns);
	say("threads take turns by mutex and condition", shared->wrong == 0);
	start();
	in_processes(many, add_by_futex);
	say("FUTEX_WAKE_OP loses nobody's addition", shared->word == many * ROUNDS);
	start();
	end_in_calls(self);
	say("threads that call end with their process", shared->wrong == 0);
}

int main(int argc, char **argv)
{
	if (argc == 2 && strcmp(argv[1], "exit") == 0)
		return 7;
	many = argc > 1 ? (unsigned)atoi(argv[1]) : 3;
	shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	all(argv[0]);
	puts("end");
	return 0;
}
