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

/* Within half a second of each other: these are read one after the other. */
static int near(long long a, long long b)
{
	return a - b < 500000000 && b - a < 500000000;
}

int main(void)
{
	static const clockid_t clocks[] = {
		CLOCK_REALTIME, CLOCK_MONOTONIC, CLOCK_MONOTONIC_RAW, CLOCK_BOOTTIME, CLOCK_TAI};
	const unsigned char *header = (const unsigned char *)getauxval(AT_SYSINFO_EHDR);
	struct timespec real, other;
	struct timeval day;
	struct timezone zone = {1, 1};
	int status;
	time_t seconds;

	printf("shared object %d\n", header != NULL && memcmp(header, "\177ELF", 4) == 0);
	for (unsigned i = 0; i < sizeof clocks / sizeof clocks[0]; i++)
		printf("clock %u in order %d\n", i, in_order(clocks[i]));
	clock_gettime(CLOCK_REALTIME, &real);
	gettimeofday(&day, &zone);
	printf("gettimeofday %d %d %d\n", near(ns(&real), day.tv_sec * 1000000000ll + day.tv_usec * 1000ll),
		zone.tz_minuteswest, zone.tz_dsttime);
	seconds = time(&real.tv_sec);
	clock_gettime(CLOCK_REALTIME_COARSE, &other);
	printf("time %d %d\n", seconds == real.tv_sec,
		near(seconds * 1000000000ll + other.tv_nsec, ns(&other)) || other.tv_sec == seconds + 1);
	clock_gettime(CLOCK_MONOTONIC, &real);
	clock_gettime(CLOCK_MONOTONIC_COARSE, &other);
	printf("coarse %d\n", near(ns(&real), ns(&other)));
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
