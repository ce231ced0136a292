/* How long to wait for processes on a machine that may be slow, and busy with others: in seconds of a quiet, usual one.
 */
#ifndef TOOLS_PATIENCE_H
#define TOOLS_PATIENCE_H

#include <sys/types.h>

/*
 * A limit for a process and its descendants. Time in which they stood ready and got no processor does not count, and time
 * counts the less the slower the machine is just then: an own fixed work is timed at every look.
 */
struct patience {
	pid_t root;
	double seconds; /* the limit; 0: none */
	double used;    /* that counts */
	double last;    /* when it was last looked at, and how long the processes had waited by then */
	double waited;
};

/* What a caller may sleep between two calls of patience_left. */
#define PATIENCE_STEP 0.5 /* s */

void patience_start(struct patience *patience, double seconds, pid_t root);

/* Seconds left; at most 0 when the limit is reached. To be called every PATIENCE_STEP or oftener. */
double patience_left(struct patience *patience);

/* The processes below `root`, itself not: calls `visit` with each. */
void patience_descendants(pid_t root, void (*visit)(pid_t process, void *argument), void *argument);

#endif
