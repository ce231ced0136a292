/* What attack programs share: each says of everything it tries whether it was refused, and ends with how many were not.
 */
#ifndef TESTS_UNIX_ATTACKS_ATTACK_H
#define TESTS_UNIX_ATTACKS_ATTACK_H

#include <stdbool.h>
#include <stdio.h>

static unsigned attack_tries, attack_successes;

/* Something was tried; `held` says whether the system held. */
static inline void attack_check(const char *what, bool held)
{
	attack_tries++;
	if (!held) {
		attack_successes++;
		printf("BROKEN %s\n", what);
	}
}

/* The attack's status: 0 when the system held and something was tried. */
static inline int attack_end(void)
{
	printf("%u tries, %u succeeded\n", attack_tries, attack_successes);
	return attack_successes != 0 || attack_tries == 0;
}

#endif
