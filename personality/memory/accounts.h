/* Who pays for processes: an account of the kernel for each user that has some. */
#ifndef PERSONALITY_ACCOUNTS_H
#define PERSONALITY_ACCOUNTS_H

#include <stdint.h>

struct user;

/* The user, with a reference, and an account that is kept until account_let_go. Null: no memory. Server locked. */
struct user *account_hold(uint32_t uid);
void account_let_go(struct user *user); /* null is harmless */
/* There is more or less swap than before: what users may have follows. */
void accounts_set_limits(void);
/* From now on the kernel tells when users' memory is short: then the largest process of an account is ended. */
void memory_policy_start(void);

#endif
