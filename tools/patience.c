/* Time that counts for a process: see patience.h. Linux's /proc/PID/task/TID/schedstat says how long a thread stood
 * ready, but nobody knows that of one that has ended: of many short ones it is what the machine had no time for. */
#define _GNU_SOURCE
#include "patience.h"

#include <ctype.h>
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

/* The fixed work, and its time on the machine for whose speed the tests' limits were chosen. */
#define WORK_ROUNDS 300000
#define WORK_USUAL  0.0009 /* s */

/* Other work may be slower than the fixed one by so much: what it needs of caches, memory and disks, others use, too. */
#define HIDDEN 2

/* A look is dear: the next is not before. */
#define LOOK_AFTER (PATIENCE_STEP / 2)

/* Of every second at least this part counts, so that every wait ends. */
#define COUNTS_AT_LEAST 0.1

enum { PROCESSES_MAX = 4096 };

struct process {
	pid_t id, parent;
	double worked; /* s; with the children that it has waited for */
};

static double now(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* Fills the table from /proc. Returns how many there are. */
static int list_processes(struct process *table)
{
	DIR *proc = opendir("/proc");
	struct dirent *entry;
	int count = 0;

	while (proc != NULL && count < PROCESSES_MAX && (entry = readdir(proc)) != NULL) {
		char path[64];
		FILE *file;
		int id = atoi(entry->d_name);

		if (!isdigit((unsigned char)entry->d_name[0]))
			continue;
		snprintf(path, sizeof path, "/proc/%d/stat", id);
		file = fopen(path, "r");
		if (file == NULL)
			continue;
		/* "ID (NAME) STATE PARENT": a name may contain anything but ends at the last parenthesis. */
		char text[512];
		size_t size = fread(text, 1, sizeof text - 1, file);
		char *end;
		fclose(file);
		text[size] = 0;
		for (end = text + size; end > text && *end != ')';)
			end--;
		/* proc(5), stat: 14 to 17 are utime, stime, cutime, cstime. */
		unsigned long ticks[4];
		if (sscanf(end, ") %*c %d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu %lu %lu", &table[count].parent, ticks,
			    ticks + 1, ticks + 2, ticks + 3) == 5) {
			table[count].worked = (double)(ticks[0] + ticks[1] + ticks[2] + ticks[3]) / (double)sysconf(_SC_CLK_TCK);
			table[count++].id = id;
		}
	}
	if (proc != NULL)
		closedir(proc);
	return count;
}

static void visit_below(
	const struct process *table, int count, pid_t root, void (*visit)(pid_t, void *), void *argument)
{
	for (int i = 0; i < count; i++) {
		if (table[i].parent == root && table[i].id != root) {
			visit(table[i].id, argument);
			visit_below(table, count, table[i].id, visit, argument);
		}
	}
}

void patience_descendants(pid_t root, void (*visit)(pid_t, void *), void *argument)
{
	struct process *table = calloc(PROCESSES_MAX, sizeof *table);

	if (table == NULL)
		return;
	visit_below(table, list_processes(table), root, visit, argument);
	free(table);
}

/* Adds to *total the seconds that the process's threads have stood ready. */
static void add_waited(pid_t process, void *total)
{
	char path[64];
	DIR *tasks;
	struct dirent *entry;

	snprintf(path, sizeof path, "/proc/%d/task", process);
	tasks = opendir(path);
	while (tasks != NULL && (entry = readdir(tasks)) != NULL) {
		unsigned long long ran, waited;
		FILE *file;

		if (!isdigit((unsigned char)entry->d_name[0]))
			continue;
		snprintf(path, sizeof path, "/proc/%d/task/%d/schedstat", process, atoi(entry->d_name));
		file = fopen(path, "r");
		if (file == NULL)
			continue;
		if (fscanf(file, "%llu %llu", &ran, &waited) == 2)
			*(double *)total += (double)waited / 1e9;
		fclose(file);
	}
	if (tasks != NULL)
		closedir(tasks);
}

static double worked_below(const struct process *table, int count, pid_t root)
{
	double sum = 0;

	for (int i = 0; i < count; i++) {
		if (table[i].id == root)
			sum += table[i].worked;
		if (table[i].parent == root && table[i].id != root)
			sum += worked_below(table, count, table[i].id);
	}
	return sum;
}

static double worked_by(pid_t root)
{
	struct process *table = calloc(PROCESSES_MAX, sizeof *table);
	double sum = 0;

	if (table != NULL)
		sum = worked_below(table, list_processes(table), root);
	free(table);
	return sum;
}

/* Seconds that the machine's processors have had nothing to do since it started, together. */
static double machine_free(void)
{
	unsigned long idle = 0, waits = 0;
	FILE *file = fopen("/proc/stat", "r");

	if (file != NULL) {
		if (fscanf(file, "cpu %*u %*u %*u %lu %lu", &idle, &waits) != 2)
			idle = waits = 0;
		fclose(file);
	}
	return (double)(idle + waits) / (double)sysconf(_SC_CLK_TCK);
}

static double waited_by(pid_t root)
{
	double total = 0;

	add_waited(root, &total);
	patience_descendants(root, add_waited, &total);
	return total;
}

/* The part of its usual speed that the machine has just now. */
static double speed(void)
{
	volatile uint64_t kept;
	uint64_t word = 88172645463325252ull;
	double start = now(CLOCK_MONOTONIC), taken;

	for (int i = 0; i < WORK_ROUNDS; i++) { /* xorshift64, Marsaglia 2003 */
		word ^= word << 13;
		word ^= word >> 7;
		word ^= word << 17;
	}
	kept = word;
	(void)kept;
	taken = now(CLOCK_MONOTONIC) - start;
	return taken > WORK_USUAL ? WORK_USUAL / taken : 1;
}

void patience_start(struct patience *patience, double seconds, pid_t root)
{
	patience->root = root;
	patience->seconds = seconds;
	patience->used = 0;
	patience->last = now(CLOCK_MONOTONIC);
	patience->waited = waited_by(root);
	patience->worked = worked_by(root);
	patience->free = machine_free();
}

double patience_left(struct patience *patience)
{
	double passed = now(CLOCK_MONOTONIC) - patience->last;

	if (passed >= LOOK_AFTER) {
		double waited = waited_by(patience->root), worked = worked_by(patience->root), idle = machine_free();
		/* Threads and processes that have ended may have taken their figures along. */
		double lost = waited > patience->waited ? waited - patience->waited : 0, counts = passed - lost;
		double could = (worked > patience->worked ? worked - patience->worked : 0) + (idle - patience->free);

		if (counts > could)
			counts = could;
		if (counts < passed * COUNTS_AT_LEAST)
			counts = passed * COUNTS_AT_LEAST;
		patience->used += counts * speed() / HIDDEN;
		patience->last += passed;
		patience->waited = waited;
		patience->worked = worked;
		patience->free = idle;
	}
	return patience->seconds - patience->used;
}
