/* What a program that executes, the set-uid one that comes of it, and a task that calls in their name share: a file. */
#ifndef PORTOLAN_TESTS_IDENTITY_LENT_H
#define PORTOLAN_TESTS_IDENTITY_LENT_H

#include <fcntl.h>
#include <stddef.h>
#include <sys/mman.h>
#include <time.h>

struct lent {
	long answered; /* calls of the task that came back */
	long root;     /* of those, how many said uid 0 */
	long executed; /* the set-uid program runs */
	long tried;    /* the task has called since */
};

/* NULL: the file cannot be mapped. */
static inline volatile struct lent *lent_of(const char *path)
{
	int fd = open(path, O_RDWR);
	void *lent = fd < 0 ? MAP_FAILED : mmap(NULL, sizeof(struct lent), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	return lent == MAP_FAILED ? NULL : lent;
}

/* Does the word come to the value in that time? Waits by looking alone: the clock is the vDSO's, so the waiting thread is in no system call meanwhile. */
static inline int comes_to(const volatile long *word, long value, long milliseconds)
{
	struct timespec start, now;

	clock_gettime(CLOCK_MONOTONIC, &start);
	do
		clock_gettime(CLOCK_MONOTONIC, &now);
	while (*word < value &&
		(now.tv_sec - start.tv_sec) * 1000000000L + now.tv_nsec - start.tv_nsec < milliseconds * 1000000L);
	return *word >= value;
}

#endif
