/* What lwIP calls of ours. */
#ifndef NETWORK_HOOKS_H
#define NETWORK_HOOKS_H

#include <stdint.h>

/* Of the kernel's randomness. */
uint32_t network_random(void);

#endif
