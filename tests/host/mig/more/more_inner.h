/* Only for the server's stubs: more.defs imports it with iimport. */
#ifndef MORE_INNER_H
#define MORE_INNER_H

#include <stdint.h>

/* What the work function sees of a number. */
static inline int32_t inner_in(int32_t value)
{
	return value + 1000;
}

#endif
