/*
 * The shared object that every program finds mapped (AT_SYSINFO_EHDR): it reads the clock without a system call. Names,
 * version and meaning are Linux's (vdso(7)); a C library falls back to the system calls for what is not here.
 */
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>

#include "program/vdso/vdso.h"

#define SECOND 1000000000u

/* By the linker (vdso.ld): the page before this object. */
extern const volatile struct vdso_clock vdso_clock __attribute__((visibility("hidden")));

int __vdso_clock_gettime(clockid_t clock, struct timespec *time);
int __vdso_gettimeofday(struct timeval *time, struct timezone *zone);
time_t __vdso_time(time_t *time);

static inline uint64_t since_boot(void)
{
	uint32_t low, high;

	/* The fence keeps the reading behind what the program did before, as the kernel's does. */
	__asm__ volatile("lfence; rdtsc" : "=a"(low), "=d"(high) : : "memory");
	return (uint64_t)((unsigned __int128)(((uint64_t)high << 32 | low) - vdso_clock.tsc_base) *
				  vdso_clock.ns_per_tick >>
			  32);
}

static inline uint64_t since_1970(void)
{
	return vdso_clock.boot_ns + since_boot();
}

/* The two that everybody asks for come first. */
int __vdso_clock_gettime(clockid_t clock, struct timespec *time)
{
	uint64_t ns;
	long result;

	if (clock == CLOCK_MONOTONIC) {
		ns = since_boot();
	} else if (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE || clock == CLOCK_TAI) {
		ns = since_1970();
	} else if (clock == CLOCK_MONOTONIC_RAW || clock == CLOCK_MONOTONIC_COARSE || clock == CLOCK_BOOTTIME) {
		ns = since_boot();
	} else {
		__asm__ volatile("syscall"
				 : "=a"(result)
				 : "a"(SYS_clock_gettime), "D"(clock), "S"(time)
				 : "rcx", "r11", "memory");
		return (int)result;
	}
	time->tv_sec = (time_t)(ns / SECOND);
	time->tv_nsec = (long)(ns % SECOND);
	return 0;
}

int __vdso_gettimeofday(struct timeval *time, struct timezone *zone)
{
	if (time != 0) {
		uint64_t us = since_1970() / 1000;

		time->tv_sec = (time_t)(us / 1000000);
		time->tv_usec = (suseconds_t)(us % 1000000);
	}
	if (zone != 0)
		*zone = (struct timezone){0, 0};
	return 0;
}

time_t __vdso_time(time_t *time)
{
	time_t seconds = (time_t)(since_1970() / SECOND);

	if (time != 0)
		*time = seconds;
	return seconds;
}
