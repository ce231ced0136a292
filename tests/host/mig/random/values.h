/* Values of random interfaces: both sides compute the same ones from routine, argument, direction and round. */
#ifndef RANDOM_VALUES_H
#define RANDOM_VALUES_H

#include "loopback.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

extern unsigned round_number;
extern unsigned wrong;
/* A receive right of the task, and a send right to it. */
extern mach_port_t known_port, known_right;

/* No byte of it is LB_PAINT. */
static inline uint64_t value(unsigned routine, unsigned argument, unsigned out, unsigned index)
{
	uint64_t x = routine * 0x9e3779b97f4a7c15u + argument * 0xc2b2ae3d27d4eb4fu + out * 0x165667b19e3779f9u +
		     (index + 1) * 0x27d4eb2f165667c5u + round_number * 0x85ebca77c2b2ae63u;

	x ^= x >> 29;
	x *= 0xbf58476d1ce4e5b9u;
	x ^= x >> 32;
	return x & 0x5f5f5f5f5f5f5f5fu;
}

static inline void fill(void *to, size_t size, unsigned routine, unsigned argument, unsigned out)
{
	size_t i;

	for (i = 0; i < size; i++)
		((unsigned char *)to)[i] = (unsigned char)value(routine, argument, out, (unsigned)i);
}

static inline void expect(int ok, unsigned routine, unsigned argument, const char *what)
{
	if (!ok && wrong++ < 10)
		printf("  routine %u, argument %u: %s\n", routine, argument, what);
}

static inline void expect_bytes(const void *at, size_t size, unsigned routine, unsigned argument, unsigned out)
{
	size_t i;

	for (i = 0; i < size; i++) {
		if (((const unsigned char *)at)[i] != (unsigned char)value(routine, argument, out, (unsigned)i)) {
			expect(0, routine, argument, "other bytes");
			return;
		}
	}
}

static inline void fill_string(char *to, size_t size, unsigned routine, unsigned argument, unsigned out)
{
	size_t length = value(routine, argument, out, 1000) % size;
	size_t i;

	for (i = 0; i < length; i++)
		to[i] = (char)('a' + value(routine, argument, out, (unsigned)i) % 26);
	to[length] = '\0';
}

static inline void expect_string(const char *at, size_t size, unsigned routine, unsigned argument, unsigned out)
{
	char *wanted = malloc(size);

	fill_string(wanted, size, routine, argument, out);
	expect(strcmp(wanted, at) == 0, routine, argument, "another string");
	free(wanted);
}

/* Memory as large as it must be and no larger, so that the sanitizer sees each byte too many. */
static inline void *exactly(size_t size)
{
	return malloc(size != 0 ? size : 1);
}

#endif
