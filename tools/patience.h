/* How long to wait for processes on a machine that may be slow, and busy with others: in seconds of a quiet, usual one.
 */
#ifndef TOOLS_PATIENCE_H
#define TOOLS_PATIENCE_H

#include <sys/types.h>

/*
 * A limit for a process and its descendants. What counts is the time in which they worked, and that in which a processor
 * was free and they did not want it; not that in which they stood ready and got none. It counts the less the slower the
 * machine is just then: an own fixed work is timed at every look.
 */
struct patience {
	pid_t root;
	double seconds; /* the limit; 0: none */
	double used;    /* that counts */
	double last;    /* when it was last looked at, and by then: */
	double waited;  /* how long those that are there stood ready */
	double worked;  /* the processor time of all, also of those that are gone */
	double free;    /* how long the machine's processors had nothing to do, together */
};

/* What a caller may sleep between two calls of patience_left. */
#define PATIENCE_STEP 0.5 /* s */

void patience_start(struct patience *patience, double seconds, pid_t root);

/* Seconds left; at most 0 when the limit is reached. To be called every PATIENCE_STEP or oftener. */
double patience_left(struct patience *patience);

/* The processes below `root`, itself not: calls `visit` with each. */
void patience_descendants(pid_t root, void (*visit)(pid_t process, void *argument), void *argument);

#endif
