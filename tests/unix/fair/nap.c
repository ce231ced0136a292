/*
 * How late naps end while another process does what the argument says (the worst of many, in ms), and how much of the
 * time is charged to that process: all but what the naps took for themselves. With "alarm": how late, in us, signals of
 * a timer reach a process that has just got the processor; the worst. With "yield", "crowd", "share" or "kill": see below.
 */
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/sysinfo.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define NAPS      15
#define NAP_NS    10000000
#define NS_PER_MS 1e6

static double now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / NS_PER_MS;
}

static void compute(void)
{
	for (volatile unsigned i = 0;; i++) {
	}
}

/* Nearly all of its time passes in the Unix server. */
static void copy(void)
{
	size_t size = 256 << 10;
	char *buffer = malloc(size);
	int zero = open("/dev/zero", O_RDONLY);

	while (read(zero, buffer, size) > 0) {
	}
}

static void call(void)
{
	for (;;)
		getppid();
}

static volatile sig_atomic_t alarms;

static void count_alarm(int number)
{
	(void)number;
	alarms++;
}

/* A signal due 5 us after a nap's end: the server that sends it is ready while this process is new on its processor. */
static int alarms_late(void)
{
	const struct itimerval soon = {.it_value.tv_usec = 5};
	const struct timespec nap = {0, 1000};
	double worst = 0;

	signal(SIGALRM, count_alarm);
	for (int i = 0; i < 50; i++) {
		double begin;

		nanosleep(&nap, NULL);
		alarms = 0;
		begin = now_ms();
		setitimer(ITIMER_REAL, &soon, NULL);
		while (alarms == 0 && now_ms() - begin < 1000) {
		}
		if (now_ms() - begin > worst)
			worst = now_ms() - begin;
	}
	printf("%.0f\n", worst * 1e3);
	return 0;
}

/* Milliseconds in which two processes that give way hand a word to and fro, 100 times. */
static int give_way(void)
{
	volatile unsigned *turn = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	double start = now_ms();
	unsigned me = fork() == 0;

	for (unsigned i = 0; i < 100; i++) {
		while (*turn != 2 * i + me)
			sched_yield();
		(*turn)++;
	}
	if (me)
		_exit(0);
	wait(NULL);
	printf("%.0f\n", now_ms() - start);
	return 0;
}

static void kill_all(const pid_t *children, unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		kill(children[i], SIGKILL);
		waitpid(children[i], NULL, 0);
	}
}

/* Beside many that compute: how late naps end, and how long a program takes to start and end, at worst; in ms. */
static int among_a_crowd(void)
{
	const struct timespec nap = {0, 10 * NAP_NS};
	double worst_nap = 0, worst_run = 0;
	pid_t crowd[50];

	for (unsigned i = 0; i < 50; i++)
		if ((crowd[i] = fork()) == 0)
			compute();
	sleep(1);
	for (int i = 0; i < NAPS; i++) {
		double begin = now_ms(), slept, done;
		pid_t child;

		nanosleep(&nap, NULL);
		slept = now_ms();
		if ((child = fork()) == 0) {
			execl("/bin/true", "true", NULL);
			_exit(1);
		}
		waitpid(child, NULL, 0);
		done = now_ms();
		if (slept - begin - 100 > worst_nap)
			worst_nap = slept - begin - 100;
		if (done - slept > worst_run)
			worst_run = done - slept;
	}
	kill_all(crowd, 50);
	printf("%.0f %.0f\n", worst_nap, worst_run);
	return 0;
}

/* Percent of the time that a process gets which naps after every few ms of computing, beside three that only compute. */
static int share_of_a_napper(void)
{
	const struct timespec nap = {0, 1000};
	double start, used, all;
	struct timespec cpu;
	pid_t others[3];

	for (unsigned i = 0; i < 3; i++)
		if ((others[i] = fork()) == 0)
			compute();
	start = now_ms();
	do {
		double begin = now_ms();

		while (now_ms() - begin < 3) {
		}
		nanosleep(&nap, NULL);
	} while (now_ms() - start < 3000);
	all = now_ms() - start;
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &cpu);
	used = (double)cpu.tv_sec * 1e3 + (double)cpu.tv_nsec / NS_PER_MS;
	kill_all(others, 3);
	printf("%.0f\n", 100 * used / all);
	return 0;
}

static unsigned long free_kib(void)
{
	struct sysinfo info;

	sysinfo(&info);
	return info.freeram * info.mem_unit >> 10;
}

/*
 * KiB at most that are taken while one process after the other is made and ended before it ever ran, beside one that
 * has its alarm clock make the server ready again and again: those who are ended get the processor for it.
 */
static int ended_before_they_ran(void)
{
	const struct timespec nap = {0, 300000};
	unsigned long before, least;
	double start;
	pid_t self = getpid(), other = fork();

	while (other == 0 && getppid() == self)
		nanosleep(&nap, NULL);
	if (other == 0)
		_exit(0);
	start = now_ms();
	before = least = free_kib();
	while (now_ms() - start < 1000) {
		pid_t child = fork();

		if (child == 0)
			_exit(0);
		kill_all(&child, 1);
		if (free_kib() < least)
			least = free_kib();
	}
	kill_all(&other, 1);
	printf("%lu\n", before - least);
	return 0;
}

int main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "";
	double worst = 0, start = now_ms(), all;
	struct rusage usage;
	pid_t other;

	if (strcmp(what, "alarm") == 0)
		return alarms_late();
	if (strcmp(what, "yield") == 0)
		return give_way();
	if (strcmp(what, "crowd") == 0)
		return among_a_crowd();
	if (strcmp(what, "share") == 0)
		return share_of_a_napper();
	if (strcmp(what, "kill") == 0)
		return ended_before_they_ran();
	other = fork();
	if (other == 0) {
		if (strcmp(what, "copy") == 0)
			copy();
		else if (strcmp(what, "call") == 0)
			call();
		else
			compute();
		_exit(1);
	}
	for (int i = 0; i < NAPS; i++) {
		struct timespec nap = {0, NAP_NS};
		double begin = now_ms(), took;

		nanosleep(&nap, NULL);
		took = now_ms() - begin;
		if (took > worst)
			worst = took;
	}
	all = now_ms() - start;
	kill(other, SIGKILL);
	if (wait4(other, NULL, 0, &usage) != other)
		return 1;
	printf("%.0f %.0f\n", worst,
		100 *
			((double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1e3 +
				(double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e3) /
			all);
	return 0;
}
