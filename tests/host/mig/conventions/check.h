/* Claims of a test, and the port that it calls. */
#ifndef CHECK_H
#define CHECK_H

#include "loopback.h"

#include <stdio.h>
#include <string.h>

static unsigned failures;
#define CHECK(claim)                                                                                                   \
	do {                                                                                                           \
		if (!(claim)) {                                                                                        \
			failures++;                                                                                    \
			printf("  %s:%d: %s\n", __FILE__, __LINE__, #claim);                                           \
		}                                                                                                      \
	} while (0)

/* Ends a test: its line, and the exit status. */
static inline int ended(const char *name)
{
	printf("%s mig conventions: %s\n", failures == 0 ? "PASS" : "FAIL", name);
	return failures != 0;
}

#endif
