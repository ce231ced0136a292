/* Who pays for processes: an account of the kernel for each real user id that has some. */
#ifndef PERSONALITY_ACCOUNTS_H
#define PERSONALITY_ACCOUNTS_H

#include <mach/port.h>
#include <stdint.h>

#include "base/list.h"

struct user_account {
	struct list link;
	uint32_t uid;
	unsigned references; /* address spaces */
	mach_port_t port;
	uint64_t id, held; /* the kernel's id; bytes that it had when memory was short last */
};

/* The account of the user, made if there is none yet, with a reference; null: no memory. Server locked. */
struct user_account *user_account_get(uint32_t uid);
void user_account_release(struct user_account *account);

/* From now on the kernel tells when users' memory is short: then the largest process of an account is ended. */
void memory_policy_start(void);

#endif
