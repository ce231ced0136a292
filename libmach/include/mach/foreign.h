/* How a task's foreign system calls are answered. */
#ifndef MACH_FOREIGN_H
#define MACH_FOREIGN_H

#include <mach/message.h>
#include <stdint.h>

enum {
	FOREIGN_EXCEPTION = 0, /* EXC_SYSCALL */
	FOREIGN_EMULATION = 1, /* control goes to the handler */
	FOREIGN_PORT = 2,      /* a register message to the port */
	FOREIGN_MIXED = 3,     /* numbers in the bitmap go to the handler, others to the port */
	/*
	 * A flag beside one of these, never taken back: the task has no trap. A negative number is a foreign call like
	 * any other, and the task has no name and gets none.
	 */
	FOREIGN_ONLY = 0x100,
};

/* Results of a foreign routine that are not results (outside the range of any errno). */
#define MIG_FOREIGN_NO_REPLY INT64_MIN
#define MIG_FOREIGN_KEEP     (INT64_MIN + 1)

/* What a caller gets from a server that serves no foreign calls: Linux's ENOSYS. */
#define FOREIGN_NOT_SERVED (-38)

#define FOREIGN_CALL_WORDS 8u /* six arguments, the thread word, the stack pointer */
/* Whether what was received by mach_msg is a foreign call: its number is the id, and it came by no right of its
 * caller's. */
static inline int foreign_call_received(const mach_msg_header_t *in)
{
	return in->msgh_bits == MACH_MSGH_BITS(MACH_MSG_TYPE_PORT_SEND_ONCE, 0) &&
	       in->msgh_size == sizeof(*in) + FOREIGN_CALL_WORDS * sizeof(uint64_t);
}

#define FOREIGN_BITMAP_WORDS 8 /* numbers 0 to 511 */
typedef uint64_t foreign_bitmap_t[FOREIGN_BITMAP_WORDS];

#endif
