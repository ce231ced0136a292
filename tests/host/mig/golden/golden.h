/* What the client's tests and the work functions of golden.defs share. */
#ifndef GOLDEN_H
#define GOLDEN_H

#include "golden_types.h"
#include "golden_server.h"
#include "golden_user.h"
#include "calls.h"

/* What the work functions tell. */
extern struct golden_told {
	unsigned notes;
	int handles; /* translated and not yet released */
} golden_told;
/* What they keep, and let go by calls_in_server. */
enum { LET_GO_PAIR, LET_GO_LAST };
extern mach_port_t golden_late;
extern mach_port_t golden_last;

/* damage.c: remembers a request; sends all that were remembered again, damaged. Returns how many answers were wrong. */
void damage_record(const mach_msg_header_t *message);
unsigned damage_all(mach_port_t server);
/* damage_replies.c: the same for the client's side. */
unsigned damage_replies(void);

#endif
