/*
 * load FOLDER KILLS VICTIM...: uses the files of FOLDER from several processes at once while servers die: a file
 * "kill-VICTIM-N" in the folder KILLS has the killer end one. Every call may fail with EIO once, not twice in a row.
 * What fsync returned for is compared at the end, and all along.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
	WORKERS = 3,
	SLOTS = 4,
	SIZE_MIN = 3000,
	SIZE_STEP = 4111,
	SIZE_STEPS = 17,
	ROUNDS_BETWEEN = 3,
	MAP_SIZE = 65536
};
enum { PATIENCE_MS = 60000, NAP_MS = 10 };

/* What the processes tell each other. */
static struct worker {
	volatile unsigned rounds;
	volatile unsigned synced[SLOTS]; /* round whose contents are on the disk; 0: none yet */
	volatile unsigned trying[SLOTS]; /* the same, or one that is being written */
	volatile unsigned failed_once;
	volatile int ended;
} * workers;

static const char *folder;
static char program[256];
static unsigned self;
static volatile int *stop;

static void pause_ms(long ms)
{
	struct timespec time = {ms / 1000, ms % 1000 * 1000000};

	nanosleep(&time, NULL);
}

static _Noreturn void give_up(const char *what)
{
	printf("FAILED worker %u round %u: %s: %s\n", self, workers[self].rounds, what, strerror(errno));
	exit(1);
}

/* After a call that failed: true when it is to be made again. */
static int once_more(const char *what, int *tries)
{
	if (errno != EIO || ++*tries > 1)
		give_up(what);
	workers[self].failed_once++;
	return 1;
}

static const char *name_of(char *path, unsigned worker, const char *what, unsigned number)
{
	sprintf(path, "%s/%s%u-%u", folder, what, worker, number);
	return path;
}

static size_t size_of(unsigned round)
{
	return SIZE_MIN + round % SIZE_STEPS * SIZE_STEP;
}

static void fill(char *text, unsigned worker, unsigned round)
{
	size_t size = size_of(round);
	unsigned value = worker * 7919 + round * 104729;

	for (size_t i = 0; i < size; i++)
		text[i] = (char)((value = value * 1103515245 + 12345) >> 16);
}

/* Whether the file holds what the round wrote: 1; 0 when not; -1 and EIO. */
static int holds(const char *path, unsigned worker, unsigned round)
{
	static char wanted[SIZE_MIN + SIZE_STEPS * SIZE_STEP], got[sizeof wanted + 1];
	int fd = open(path, O_RDONLY);
	ssize_t size = fd >= 0 ? pread(fd, got, sizeof got, 0) : -1;
	int error = errno;

	if (fd >= 0)
		close(fd);
	errno = error;
	if (size < 0)
		return -1;
	fill(wanted, worker, round);
	return (size_t)size == size_of(round) && memcmp(wanted, got, (size_t)size) == 0;
}

/* One file, whole, to the disk. */
static void write_file(unsigned slot, unsigned round)
{
	static char text[SIZE_MIN + SIZE_STEPS * SIZE_STEP];
	char path[300];
	int fd, tries = 0;
	size_t size = size_of(round);

	fill(text, self, round);
	name_of(path, self, "file", slot);
	workers[self].trying[slot] = round;
again:
	while ((fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600)) < 0)
		once_more("open", &tries);
	if (pwrite(fd, text, size, 0) != (ssize_t)size || fsync(fd) < 0) {
		once_more("write and fsync", &tries);
		close(fd);
		goto again;
	}
	workers[self].synced[slot] = round;
	close(fd);
}

static void check_file(unsigned slot)
{
	char path[300];
	int tries = 0, good;

	if (workers[self].synced[slot] == 0)
		return;
	name_of(path, self, "file", slot);
	while ((good = holds(path, self, workers[self].synced[slot])) < 0)
		once_more("read", &tries);
	if (!good) {
		errno = 0;
		give_up("a file has lost what was synced");
	}
}

/* A file is made, renamed and removed; one that is open lives on without a name. */
static void names(unsigned round)
{
	char from[300], to[300], back[16] = "";
	int fd, tries = 0;

	name_of(from, self, "from", round);
	name_of(to, self, "to", 0);
	while ((fd = open(from, O_RDWR | O_CREAT, 0600)) < 0)
		once_more("create", &tries);
	tries = 0;
	while (rename(from, to) < 0 && errno != ENOENT) /* done, and the answer lost */
		once_more("rename", &tries);
	tries = 0;
	while (unlink(to) < 0 && errno != ENOENT)
		once_more("unlink", &tries);
	tries = 0;
	while (pwrite(fd, "open", 4, 0) != 4)
		once_more("write without a name", &tries);
	while (pread(fd, back, sizeof back, 0) != 4)
		once_more("read without a name", &tries);
	if (memcmp(back, "open", 4) != 0) {
		errno = 0;
		give_up("a file without a name has lost what was written");
	}
	close(fd);
}

/* A program that is on the disk, with pages of it perhaps not in memory. */
static void run_program(void)
{
	int status = -1, tries = 0;

	for (;;) {
		pid_t child = fork();

		if (child < 0)
			give_up("fork");
		if (child == 0) {
			execl(program, "sh", "-c", "exit 7", NULL);
			_exit(errno == EIO ? 100 : 101);
		}
		waitpid(child, &status, 0);
		if (WIFEXITED(status) && WEXITSTATUS(status) == 7)
			return;
		errno = WIFEXITED(status) && WEXITSTATUS(status) == 100 ? EIO : ENOEXEC;
		once_more("exec", &tries);
	}
}

/* A page of a mapped file, which is dropped now and then, still says what it should. */
static void look_at(const volatile char *map, const char *contents)
{
	for (size_t i = 0; i < MAP_SIZE; i += 997)
		if (map[i] != contents[i]) {
			errno = 0;
			give_up("a mapped file has changed");
		}
}

static _Noreturn void work(const char *map, const char *contents)
{
	for (unsigned round = 1; !*stop; round++) {
		write_file(round % SLOTS, round);
		for (unsigned slot = 0; slot < SLOTS; slot++)
			check_file(slot);
		names(round);
		run_program();
		look_at(map, contents);
		workers[self].rounds++;
	}
	workers[self].ended = 1;
	exit(0);
}

static void wait_for_rounds(void)
{
	unsigned before[WORKERS];

	for (unsigned i = 0; i < WORKERS; i++)
		before[i] = workers[i].rounds;
	for (unsigned i = 0; i < WORKERS; i++) {
		int waited = 0;

		while (workers[i].rounds < before[i] + ROUNDS_BETWEEN) {
			if (waitpid(-1, NULL, WNOHANG) > 0)
				exit(1); /* it has said why */
			if ((waited += NAP_MS) > PATIENCE_MS) {
				printf("FAILED worker %u makes no progress after round %u\n", i, workers[i].rounds);
				exit(1);
			}
			pause_ms(NAP_MS);
		}
	}
}

static void kill_server(const char *kills, const char *victim, unsigned number)
{
	char path[300];

	int fd, tries = 0;

	sprintf(path, "%s/kill-%s-%u", kills, victim, number);
	while ((fd = open(path, O_CREAT | O_RDWR, 0600)) < 0)
		once_more("open in the folder of kills", &tries);
	close(fd);
}

/* Everything that fsync returned for, once more. */
static unsigned lost(void)
{
	unsigned count = 0;

	for (self = 0; self < WORKERS; self++)
		for (unsigned slot = 0; slot < SLOTS; slot++) {
			char path[300];

			name_of(path, self, "file", slot);
			if (workers[self].synced[slot] && holds(path, self, workers[self].synced[slot]) != 1 &&
				holds(path, self, workers[self].trying[slot]) != 1)
				count++;
		}
	return count;
}

/* A file to map, and what is in it. */
static char *mapped_file(char *contents)
{
	char path[300];
	int fd = open(name_of(path, 9, "mapped", 0), O_RDWR | O_CREAT, 0600);
	char *map;

	for (size_t i = 0; i < MAP_SIZE; i++)
		contents[i] = (char)(i * 31 + i / 4096);
	if (fd < 0 || pwrite(fd, contents, MAP_SIZE, 0) != MAP_SIZE || fsync(fd) < 0)
		give_up("the file to map");
	map = mmap(NULL, MAP_SIZE, PROT_READ, MAP_SHARED, fd, 0);
	if (map == MAP_FAILED)
		give_up("mmap");
	close(fd);
	return map;
}

int main(int argc, char **argv)
{
	static char contents[MAP_SIZE];
	unsigned rounds = 0, once = 0, number[16] = {0};
	char *map;

	setvbuf(stdout, NULL, _IOLBF, 0);
	if (argc < 4)
		return 2;
	folder = argv[1];
	snprintf(program, sizeof program, "%s/program", folder);
	workers = mmap(NULL, 2 * sizeof *workers * WORKERS, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	stop = &workers[WORKERS].ended;
	map = mapped_file(contents);
	for (self = 0; self < WORKERS; self++)
		if (fork() == 0)
			work(map, contents);
	self = 0;
	for (int i = 3; i < argc; i++) {
		int first = 3;

		while (strcmp(argv[first], argv[i]) != 0)
			first++;
		wait_for_rounds();
		kill_server(argv[2], argv[i], ++number[first]);
	}
	wait_for_rounds();
	*stop = 1;
	while (wait(NULL) > 0)
		;
	for (unsigned i = 0; i < WORKERS; i++) {
		rounds += workers[i].rounds;
		once += workers[i].failed_once;
	}
	printf("%u rounds, %u calls failed once\n", rounds, once);
	printf("ended well: %d\n", workers[0].ended + workers[1].ended + workers[2].ended);
	printf("lost: %u\n", lost());
	return 0;
}
