/* What mig says of system calls to those who print them: names and types of every routine of a foreign subsystem. */
#ifndef MACH_MIG_TRACE_H
#define MACH_MIG_TRACE_H

#include <stdint.h>

struct mig_trace_argument {
	const char *name;
	const char *type; /* the type's name in the .defs: "fd_t" */
	unsigned bytes;   /* that count of the word; the rest is void */
};

struct mig_trace_routine {
	const char *name; /* null: not served */
	unsigned arguments;
	struct mig_trace_argument argument[6];
};

struct mig_trace_table {
	const char *name;
	int start; /* number of routine[0] */
	unsigned count;
	const struct mig_trace_routine *routine;
};

#endif
