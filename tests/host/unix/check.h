/* What these tests share. */
#ifndef TESTS_HOST_UNIX_CHECK_H
#define TESTS_HOST_UNIX_CHECK_H

#include <stdbool.h>
#include <stdio.h>

static int check_failures;

static inline void check(const char *name, bool good)
{
	printf("%s %s\n", good ? "PASS" : "FAIL", name);
	check_failures += !good;
}

#endif
