/* POSIX threads: mutexes, conditions, join, signals to threads, exec and exit among them. */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define THREADS 8
#define ROUNDS  2000

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t turn = PTHREAD_COND_INITIALIZER;
static long counter;
static int whose;
static __thread int own;
static volatile sig_atomic_t hit;
static sem_t ready;

static void *add(void *argument)
{
	int i;

	for (i = 0; i < ROUNDS; i++) {
		pthread_mutex_lock(&lock);
		counter++;
		pthread_mutex_unlock(&lock);
		own++;
	}
	return (void *)((long)argument * 10 + (own == ROUNDS));
}

static void *ping(void *argument)
{
	int me = (int)(long)argument, i;

	for (i = 0; i < 100; i++) {
		pthread_mutex_lock(&lock);
		while (whose != me)
			pthread_cond_wait(&turn, &lock);
		whose = !me;
		pthread_cond_broadcast(&turn);
		pthread_mutex_unlock(&lock);
	}
	return NULL;
}

static void handler(int signal)
{
	(void)signal;
	hit = 1 + (own == 123);
}

static void *sleeper(void *argument)
{
	(void)argument;
	own = 123;
	sem_post(&ready);
	while (!hit)
		usleep(1000);
	return NULL;
}

static pthread_mutex_t robust;

static void *leave_locked(void *argument)
{
	pthread_mutex_lock(&robust);
	return argument;
}

static void *for_ever(void *argument)
{
	(void)argument;
	for (;;)
		pause();
	return NULL;
}

int main(void)
{
	pthread_t thread[THREADS];
	pthread_mutexattr_t kind;
	struct timespec soon;
	void *value;
	long i, sum = 0;
	int status;

	setvbuf(stdout, NULL, _IOLBF, 0);
	for (i = 0; i < THREADS; i++)
		pthread_create(&thread[i], NULL, add, (void *)i);
	for (i = 0; i < THREADS; i++) {
		pthread_join(thread[i], &value);
		sum += (long)value;
	}
	printf("counter %ld values %ld own %d\n", counter, sum, own);
	pthread_create(&thread[0], NULL, ping, (void *)0);
	pthread_create(&thread[1], NULL, ping, (void *)1);
	pthread_join(thread[0], NULL);
	pthread_join(thread[1], NULL);
	printf("turns over %d\n", whose);
	clock_gettime(CLOCK_REALTIME, &soon);
	soon.tv_nsec += 50000000;
	if (soon.tv_nsec >= 1000000000) {
		soon.tv_nsec -= 1000000000;
		soon.tv_sec++;
	}
	pthread_mutex_lock(&lock);
	status = pthread_cond_timedwait(&turn, &lock, &soon);
	pthread_mutex_unlock(&lock);
	printf("timed wait %s\n", strerrorname_np(status));
	sem_init(&ready, 0, 0);
	signal(SIGUSR1, handler);
	pthread_create(&thread[0], NULL, sleeper, NULL);
	sem_wait(&ready);
	pthread_kill(thread[0], SIGUSR1);
	pthread_join(thread[0], NULL);
	printf("signal to the thread %d\n", (int)hit);
	if (fork() == 0) {
		pthread_create(&thread[0], NULL, for_ever, NULL);
		pthread_create(&thread[1], NULL, for_ever, NULL);
		usleep(20000);
		exit(11);
	}
	wait(&status);
	printf("exit among threads %d\n", WEXITSTATUS(status));
	if (fork() == 0) {
		pthread_create(&thread[0], NULL, for_ever, NULL);
		usleep(20000);
		execl("/bin/sh", "sh", "-c", "exit 12", NULL);
		_exit(1);
	}
	wait(&status);
	printf("exec among threads %d\n", WEXITSTATUS(status));
	pthread_mutexattr_init(&kind);
	pthread_mutexattr_setrobust(&kind, PTHREAD_MUTEX_ROBUST);
	pthread_mutex_init(&robust, &kind);
	pthread_create(&thread[0], NULL, leave_locked, NULL);
	pthread_join(thread[0], NULL);
	status = pthread_mutex_lock(&robust);
	printf("robust %s\n", status == 0 ? "-" : strerrorname_np(status));
	pthread_create(&thread[0], NULL, for_ever, NULL);
	pthread_cancel(thread[0]);
	pthread_join(thread[0], &value);
	printf("cancelled %d\n", value == PTHREAD_CANCELED);
	return 0;
}
