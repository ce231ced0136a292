/* What account_info tells: doc/accounts.md. */
#ifndef MACH_ACCOUNT_H
#define MACH_ACCOUNT_H

#include <stdint.h>

#define ACCOUNT_NO_LIMIT UINT64_MAX

struct account_info {
	uint64_t id;    /* never used again */
	uint64_t bytes; /* of kernel memory; a right to the account counts 1 */
	uint64_t bytes_limit;
	uint64_t pages; /* of private memory, resident or in a swap area */
	uint64_t pages_limit;
	uint64_t cached; /* pages of pagers' objects, of which it touched each first; without limit */
	uint64_t swapped; /* of `pages`: in a swap area */
};

typedef uint64_t account_info_t[sizeof(struct account_info) / sizeof(uint64_t)];

#endif
