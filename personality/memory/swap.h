/* Swap: what areas there are, and switching them on and off (doc/swap.md). */
#ifndef PERSONALITY_SWAP_H
#define PERSONALITY_SWAP_H

#include <mach/mach_types.h>
#include <stdbool.h>
#include <stdint.h>

#define SWAP_AREAS_MAX 4u

struct swap_area {
	kernel_debug_name_t name; /* of the device; empty: there is none */
	uint64_t bytes, used;     /* 0: it is off */
};

/* By index, below SWAP_AREAS_MAX. False: there is none. */
bool swap_area(unsigned index, struct swap_area *out);
/* Of all. */
uint64_t swap_bytes(uint64_t *used);
/* Finds the default pager, which is there from the start or never. Without the server's lock. */
void swap_start(void);

#endif
