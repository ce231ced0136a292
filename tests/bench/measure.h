/* What both measuring programs share: the time-stamp counter, and the least of many repetitions. */
#ifndef TESTS_BENCH_MEASURE_H
#define TESTS_BENCH_MEASURE_H

#include <stdint.h>

static inline uint64_t ticks(void)
{
	uint32_t low, high;

	__asm__ volatile("lfence; rdtsc" : "=a"(low), "=d"(high) : : "memory");
	return (uint64_t)high << 32 | low;
}

/* The least ticks of one operation in so many, less what the measuring itself takes. */
static inline uint64_t least_ticks(int times, void (*operation)(void))
{
	uint64_t least = UINT64_MAX, nothing = UINT64_MAX;

	for (int i = 0; i < 400; i++) {
		uint64_t start = ticks();
		uint64_t took = ticks() - start;
		if (took < nothing)
			nothing = took;
	}
	for (int i = 0; i < times; i++) {
		uint64_t start = ticks();
		operation();
		uint64_t took = ticks() - start;
		if (took < least)
			least = took;
	}
	return least - nothing;
}

#endif
