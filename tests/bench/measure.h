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

/* For "bench profile": where a row begins and ends, and each operation of it. They do nothing. */
static inline void mark_row(void)
{
	__asm__ volatile("xchg %%bx, %%bx" : : : "memory");
}

static inline void mark_operation(void)
{
	__asm__ volatile("xchg %%cx, %%cx" : : : "memory");
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
	mark_row();
	for (int i = 0; i < times; i++) {
		mark_operation();
		uint64_t start = ticks();
		operation();
		uint64_t took = ticks() - start;
		if (took < least)
			least = took;
	}
	mark_row();
	return least - nothing;
}

#endif
