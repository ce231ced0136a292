/* What the C library needs of a server's task: memory, threads, time. */
#include "tests.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

enum { THREADS = 8, ROUNDS = 2000 };

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t cond = PTHREAD_COND_INITIALIZER;
static unsigned counter, turn;
static __thread unsigned own;

static void *count(void *argument)
{
	for (unsigned i = 0; i < ROUNDS; i++) {
		pthread_mutex_lock(&mutex);
		counter++;
		pthread_mutex_unlock(&mutex);
		own++;
		if (i % 500 == 0)
			sched_yield();
	}
	return own == ROUNDS ? argument : NULL;
}

static void *take_turn(void *argument)
{
	unsigned number = (unsigned)(uintptr_t)argument;

	for (unsigned round = 0; round < 20; round++) {
		pthread_mutex_lock(&mutex);
		while (turn % 2 != number)
			pthread_cond_wait(&cond, &mutex);
		turn++;
		pthread_cond_broadcast(&cond);
		pthread_mutex_unlock(&mutex);
	}
	return NULL;
}

static void threads(void)
{
	pthread_t thread[THREADS];
	bool good = true;
	void *result;

	for (uintptr_t i = 0; i < THREADS; i++)
		good &= pthread_create(&thread[i], NULL, count, (void *)(i + 1)) == 0;
	check("threads are made", good);
	for (uintptr_t i = 0; i < THREADS; i++)
		good &= pthread_join(thread[i], &result) == 0 && result == (void *)(i + 1);
	check("threads end, are joined and have storage of their own", good);
	check_is("a mutex lets one in at a time", counter, THREADS * ROUNDS);
	for (uintptr_t i = 0; i < 2; i++)
		pthread_create(&thread[i], NULL, take_turn, (void *)i);
	for (unsigned i = 0; i < 2; i++)
		pthread_join(thread[i], NULL);
	check_is("a condition wakes who waits for it", turn, 40);
	/* More threads than there is memory for, if their stacks or save areas stayed. */
	for (unsigned i = 0; i < 300; i++)
		good &= pthread_create(&thread[0], NULL, count, (void *)1) == 0 &&
			pthread_join(thread[0], &result) == 0;
	check("three hundred threads one after the other", good);
}

static void timed_wait(void)
{
	struct timespec limit, before, after;
	pthread_mutex_t own_mutex = PTHREAD_MUTEX_INITIALIZER;
	pthread_cond_t own_cond = PTHREAD_COND_INITIALIZER;
	int result;

	clock_gettime(CLOCK_MONOTONIC, &before);
	nanosleep(&(struct timespec){0, 30000000}, NULL);
	clock_gettime(CLOCK_MONOTONIC, &after);
	check("nanosleep sleeps as long as it was told",
		(after.tv_sec - before.tv_sec) * 1000000000 + after.tv_nsec - before.tv_nsec >= 30000000);
	clock_gettime(CLOCK_REALTIME, &limit);
	check("real time is after 2024", limit.tv_sec > 1700000000);
	limit.tv_nsec += 20000000;
	if (limit.tv_nsec >= 1000000000) {
		limit.tv_nsec -= 1000000000;
		limit.tv_sec++;
	}
	pthread_mutex_lock(&own_mutex);
	do
		result = pthread_cond_timedwait(&own_cond, &own_mutex, &limit);
	while (result == 0);
	pthread_mutex_unlock(&own_mutex);
	check_is("a wait with a deadline of real time ends", result, ETIMEDOUT);
}

static void memory(void)
{
	char *block[64], *page;
	bool good = true;
	uint64_t random[2] = {0, 0};

	for (unsigned i = 0; i < 64; i++) {
		size_t size = (size_t)1 << (i % 20);

		block[i] = malloc(size);
		good &= block[i] != NULL;
		memset(block[i], (int)i, size);
	}
	for (unsigned i = 0; i < 64; i++) {
		good &= block[i][0] == (char)i && block[i][((size_t)1 << (i % 20)) - 1] == (char)i;
		free(block[i]);
	}
	check("malloc gives memory of its own to everyone", good);
	page = mmap(NULL, 3 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	check("mmap gives zeros", page != MAP_FAILED && page[0] == 0 && page[3 * 4096 - 1] == 0);
	page[4096] = 1;
	check("mmap at a fixed place replaces what was there",
		mmap(page + 4096, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) ==
				page + 4096 &&
			page[4096] == 0);
	check("mprotect and munmap take their pages",
		mprotect(page, 4096, PROT_READ) == 0 && munmap(page, 3 * 4096) == 0);
	check("random bytes come", getrandom(random, sizeof(random), 0) == sizeof(random) && random[0] != random[1]);
	check("there is no file", open("/etc/passwd", O_RDONLY) == -1 && errno == ENOENT);
}

void test_libc(void)
{
	printf("group: libc\n");
	threads();
	timed_wait();
	memory();
}
