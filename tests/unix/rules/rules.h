/* Checks of the rules: each prints a line. */
#ifndef TESTS_UNIX_RULES_H
#define TESTS_UNIX_RULES_H

#include <stdbool.h>
#include <sys/types.h>

enum { OWNER = 1001, STRANGER = 1002, GROUP = 2001, SECOND_GROUP = 2002 };

void rule(const char *claim, bool holds);

/* Runs the function in a child; as the user with the supplementary groups, unless uid is 0. Its exit status; 128 + a
 * signal. */
int as_user(uid_t uid, int groups, const gid_t *group, int (*function)(void));

/* The error of a call that returned the result: 0, or errno. */
int error_of(long result);

/* An empty file with owner, group and mode. */
void make_file(const char *name, uid_t uid, gid_t gid, mode_t mode);

extern const char *self; /* this program's file */

void check_rights(void);
void check_sharing(void);

#endif
