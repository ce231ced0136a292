/*
 * What several processors do at a time, for Unix: as many workers as there are processors, each a process that has
 * nothing to do with the others. Prints the same lines as pairs.c, of all rows, or the one that is named and
 * so many workers.
 */
#define _GNU_SOURCE
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { ROUNDS = 3, CALLS = 4000, PROGRAMS = 8, PAGES = 512, ROUND_TRIPS = 400, PAGE = 4096, EVENTS_MAX = 64 };

static const char *self;

static void check(int good, const char *what)
{
	if (!good) {
		printf("failed %s\n", what);
		exit(1);
	}
}

static uint64_t now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* --- What a worker does in one round. */

static void getpid_calls(void)
{
	for (int i = 0; i < CALLS; i++)
		syscall(SYS_getpid);
}

static void programs(void)
{
	for (int i = 0; i < PROGRAMS; i++) {
		int status;
		pid_t child = fork();

		if (child == 0) {
			execl(self, self, "nothing", (char *)NULL);
			_exit(1);
		}
		check(child > 0 && waitpid(child, &status, 0) == child && status == 0, "a program");
	}
}

static void page_faults(void)
{
	char *at = mmap(NULL, (size_t)PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	check(at != MAP_FAILED, "mmap");
	for (int i = 0; i < PAGES; i++)
		((volatile char *)at)[i * PAGE] = 1;
	munmap(at, (size_t)PAGES * PAGE);
}

static void pipe_trips(void)
{
	static int there[2], back[2];
	char byte = 0;

	if (there[1] == 0) {
		check(pipe(there) == 0 && pipe(back) == 0, "pipe");
		if (fork() == 0) {
			close(there[1]);
			while (read(there[0], &byte, 1) == 1)
				check(write(back[1], &byte, 1) == 1, "echo");
			_exit(0);
		}
		close(there[0]);
	}
	for (int i = 0; i < ROUND_TRIPS; i++)
		check(write(there[1], &byte, 1) == 1 && read(back[0], &byte, 1) == 1, "a byte");
}

static const struct row {
	const char *name;
	unsigned operations;
	void (*work)(void);
} rows[] = {
	{"getpid", CALLS, getpid_calls},
	{"fork-exec", PROGRAMS, programs},
	{"page-faults", PAGES, page_faults},
	{"pipes", ROUND_TRIPS, pipe_trips},
};

/* --- The kernel's counters; nothing on another system. */

struct event {
	char name[40];
	unsigned long long count;
};

static unsigned read_events(struct event events[EVENTS_MAX])
{
	FILE *file = fopen("/proc/counters", "r");
	unsigned count = 0;

	while (file && count < EVENTS_MAX && fscanf(file, "%39s %llu", events[count].name, &events[count].count) == 2)
		if (strncmp(events[count].name, "lock_", 5) == 0 || strcmp(events[count].name, "kicks") == 0 ||
			strcmp(events[count].name, "tlb_shootdowns") == 0)
			count++;
	if (file)
		fclose(file);
	return count;
}

/* --- Measuring. */

struct span {
	uint64_t start, end;
};

static void worker(const struct row *row, int go, int done)
{
	struct span span;
	char byte;

	row->work(); /* what happens once */
	for (;;) {
		check(write(done, &span, sizeof span) == sizeof span, "say");
		if (read(go, &byte, 1) != 1)
			_exit(0);
		span.start = now();
		row->work();
		span.end = now();
	}
}

static struct span collect(int done, unsigned workers)
{
	struct span all = {UINT64_MAX, 0}, one;

	for (unsigned i = 0; i < workers; i++) {
		check(read(done, &one, sizeof one) == sizeof one, "hear");
		all.start = one.start < all.start ? one.start : all.start;
		all.end = one.end > all.end ? one.end : all.end;
	}
	return all;
}

static void measure(const struct row *row, unsigned workers)
{
	static struct event before[EVENTS_MAX], after[EVENTS_MAX], best_before[EVENTS_MAX], best_after[EVENTS_MAX];
	uint64_t best = UINT64_MAX;
	unsigned events = 0;
	int go[2], done[2];

	check(pipe(go) == 0 && pipe(done) == 0, "pipe");
	for (unsigned i = 0; i < workers; i++)
		if (fork() == 0) {
			close(go[1]);
			worker(row, go[0], done[1]);
		}
	collect(done[0], workers);
	for (unsigned round = 0; round < ROUNDS; round++) {
		struct span span;

		read_events(before);
		for (unsigned i = 0; i < workers; i++)
			check(write(go[1], "", 1) == 1, "go");
		span = collect(done[0], workers);
		events = read_events(after);
		if (span.end - span.start < best) {
			best = span.end - span.start;
			memcpy(best_before, before, sizeof before);
			memcpy(best_after, after, sizeof after);
		}
	}
	close(go[0]);
	close(go[1]);
	for (unsigned i = 0; i < workers; i++)
		wait(NULL);
	close(done[0]);
	close(done[1]);
	printf("row %s %u %u %llu\nevents %s", row->name, workers, workers * row->operations, (unsigned long long)best,
		row->name);
	for (unsigned i = 0; i < events; i++)
		if (best_after[i].count != best_before[i].count)
			printf(" %s=%llu", best_after[i].name, best_after[i].count - best_before[i].count);
	printf("\n");
	fflush(stdout);
}

int main(int count, char **arguments)
{
	cpu_set_t processors;
	unsigned workers;

	if (count > 1 && strcmp(arguments[1], "nothing") == 0)
		return 0; /* the program of fork-exec */
	self = arguments[0];
	check(sched_getaffinity(0, sizeof processors, &processors) == 0, "sched_getaffinity");
	workers = count > 2 ? (unsigned)atoi(arguments[2]) : (unsigned)CPU_COUNT(&processors);
	for (unsigned i = 0; i < sizeof rows / sizeof rows[0]; i++)
		if (count == 1 || strcmp(arguments[1], rows[i].name) == 0)
			measure(&rows[i], workers);
	puts("end");
	return 0;
}
