/* The clock as the C library reads it (without a system call, where the system offers that) and by system calls: one
 * clock. */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static long long ns(const struct timespec *time)
{
	return time->tv_sec * 1000000000ll + time->tv_nsec;
}

/* Library, system call, library, ...: never backwards. */
static int in_order(clockid_t clock)
{
	struct timespec time;
	long long last = 0;

	for (int i = 0; i < 2000; i++) {
		int error = i % 2 ? clock_gettime(clock, &time) : (int)syscall(SYS_clock_gettime, clock, &time);

		if (error != 0 || ns(&time) < last || time.tv_nsec < 0 || time.tv_nsec >= 1000000000)
			return 0;
		last = ns(&time);
	}
	return 1;
}

/* What another clock's reading may lag behind: that of a coarse one, in its ticks. */
#define LAG 100000000ll

/* Whether b, read between a and c, is between them, but for its lag. */
static int between(long long a, long long b, long long c, long long lag)
{
	return a - lag <= b && b <= c;
}

int main(void)
{
	static const clockid_t clocks[] = {
		CLOCK_REALTIME, CLOCK_MONOTONIC, CLOCK_MONOTONIC_RAW, CLOCK_BOOTTIME, CLOCK_TAI};
	const unsigned char *header = (const unsigned char *)getauxval(AT_SYSINFO_EHDR);
	struct timespec real, other, later;
	struct timeval day;
	struct timezone zone = {1, 1};
	int status;
	time_t seconds;

	printf("shared object %d\n", header != NULL && memcmp(header, "\177ELF", 4) == 0);
	for (unsigned i = 0; i < sizeof clocks / sizeof clocks[0]; i++)
		printf("clock %u in order %d\n", i, in_order(clocks[i]));
	clock_gettime(CLOCK_REALTIME, &real);
	gettimeofday(&day, &zone);
	clock_gettime(CLOCK_REALTIME, &later);
	printf("gettimeofday %d %d %d\n",
		between(ns(&real), day.tv_sec * 1000000000ll + day.tv_usec * 1000ll, ns(&later), 1000),
		zone.tz_minuteswest, zone.tz_dsttime);
	clock_gettime(CLOCK_REALTIME, &real);
	seconds = time(&other.tv_sec);
	clock_gettime(CLOCK_REALTIME, &later);
	printf("time %d %d\n", seconds == other.tv_sec,
		between(ns(&real), seconds * 1000000000ll, ns(&later), 1000000000ll + LAG));
	for (unsigned i = 0; i < 2; i++) {
		clock_gettime(i == 0 ? CLOCK_REALTIME : CLOCK_MONOTONIC, &real);
		clock_gettime(i == 0 ? CLOCK_REALTIME_COARSE : CLOCK_MONOTONIC_COARSE, &other);
		clock_gettime(i == 0 ? CLOCK_REALTIME : CLOCK_MONOTONIC, &later);
		printf("coarse %d\n", between(ns(&real), ns(&other), ns(&later), LAG));
	}
	printf("processor time %d\n", clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &other));
	status = clock_gettime(99, &other);
	printf("no such clock %d %d\n", status, errno);
	fflush(stdout);
	if (fork() == 0)
		_exit(in_order(CLOCK_MONOTONIC));
	wait(&status);
	printf("in a child %d\n", WEXITSTATUS(status));
	return 0;
}
