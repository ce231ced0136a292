/* What host tests of libmach, bootstrap and the pagers use to say PASS and FAIL. */
#ifndef TESTS_HOST_CHECK_H
#define TESTS_HOST_CHECK_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

static int check_failures;

static inline void check(bool good, const char *name)
{
	printf("%s %s\n", good ? "PASS" : "FAIL", name);
	check_failures += !good;
}

/* Numbers that look random and are the same every time (xorshift64*). */
static inline uint64_t check_random(uint64_t *state)
{
	*state ^= *state >> 12;
	*state ^= *state << 25;
	*state ^= *state >> 27;
	return *state * 0x2545f4914f6cdd1dull;
}

#endif
