/* Types of the pagers' interface. */
#ifndef SERVERS_PAGER_TYPES_H
#define SERVERS_PAGER_TYPES_H
#include <stdint.h>

/* 64 bits each: the message is an array of words. */
typedef struct pager_counters {
	uint64_t size; /* of the object, in bytes */
	uint64_t requests, pages_in, pages_forwarded, read_errors;
	uint64_t returns, pages_out, write_errors, pages_lost;
	uint64_t unlocks;
	uint64_t flushes;
	uint64_t slow;    /* requests, returns and flushes that took more than a tenth of a second */
	uint64_t slowest; /* ns */
	/* Of a pager that stores what it has in another form: how much that is, and what it takes below; bytes. */
	uint64_t contents, stored;
} pager_counters_t;

#endif
