/* What the server tells programs about the clock: a page before the code that reads it (functions.c), in every process.
 */
#ifndef PERSONALITY_VDSO_VDSO_H
#define PERSONALITY_VDSO_VDSO_H

#include <stdint.h>

/* The kernel's clock, as machine_now computes it: (TSC - tsc_base) * ns_per_tick / 2^32. */
struct vdso_clock {
	uint64_t tsc_base;
	uint64_t ns_per_tick;
	uint64_t boot_ns; /* ns from 1970 to boot; written whole when the time is set */
};

#endif
