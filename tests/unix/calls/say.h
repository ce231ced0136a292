/* What the programs of this folder print: a call as it is written, and what it came to. */
#ifndef TESTS_UNIX_CALLS_SAY_H
#define TESTS_UNIX_CALLS_SAY_H

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static inline void say(const char *what, long result)
{
	if (result == -1)
		printf("%s: %s\n", what, strerrorname_np(errno));
	else
		printf("%s: %ld\n", what, result);
}

/* Value or error; only whether it worked; the number of a variable. */
#define SAY(call)  (errno = 0, say(#call, (long)(call)))
#define OK(call)   (errno = 0, say(#call, (long)(call) == -1 ? -1 : 0))
#define NUM(value) printf(#value " = %ld\n", (long)(value))
#define NOWHERE    ((void *)8)

/* In a child: what it prints, and how it ends. */
#define CHILD(...)                                                                                                     \
	do {                                                                                                           \
		int child_status;                                                                                      \
		fflush(stdout);                                                                                        \
		if (fork() == 0) {                                                                                     \
			__VA_ARGS__;                                                                                   \
			fflush(stdout);                                                                                \
			_exit(0);                                                                                      \
		}                                                                                                      \
		wait(&child_status);                                                                                   \
		if (child_status != 0)                                                                                 \
			printf("child: %#x\n", (unsigned)child_status);                                                \
	} while (0)

#endif
