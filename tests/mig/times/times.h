/* What the calls and the work functions of times.defs share. */
#ifndef TIMES_H
#define TIMES_H

#include "times_types.h"
#include "times_server.h"
#include "times_user.h"
#include "calls.h"

/* What the work functions tell. */
extern struct times_told {
	unsigned answered;     /* late answers that were sent, or could not be */
	kern_return_t result;  /* of sending the last */
	boolean_t has_senders; /* whether there is a send right to the port to which late answers bring one (LOOK) */
	unsigned pushed;       /* requests to the deaf port that were served; their numbers' sum */
	int32_t sum;
	int32_t remarks;
} times_told;

/* calls_in_server: what waits is answered; the deaf port is served, and no more; times_told.has_senders. */
enum { ANSWER, LISTEN, DEAFEN, LOOK };

/* What comes late. */
enum { LATE_BYTES = 64 * 4096 };

#endif
