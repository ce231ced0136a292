/* How a task's foreign system calls are answered. */
#ifndef MACH_FOREIGN_H
#define MACH_FOREIGN_H

#include <stdint.h>

enum {
	FOREIGN_EXCEPTION = 0, /* EXC_SYSCALL */
	FOREIGN_EMULATION = 1, /* control goes to the handler */
	FOREIGN_PORT = 2,      /* a register message to the port */
	FOREIGN_MIXED = 3,     /* numbers in the bitmap go to the handler, others to the port */
};

/* Results of a foreign routine that are not results (outside the range of any errno). */
#define MIG_FOREIGN_NO_REPLY INT64_MIN
#define MIG_FOREIGN_KEEP     (INT64_MIN + 1)

#define FOREIGN_BITMAP_WORDS 8 /* numbers 0 to 511 */
typedef uint64_t foreign_bitmap_t[FOREIGN_BITMAP_WORDS];

#endif
