/* What the client's tests and the work functions of golden.defs share. */
#ifndef GOLDEN_H
#define GOLDEN_H

#include "golden_types.h"
#include "golden_server.h"
#include "golden_user.h"
#include "loopback.h"

/* Payloads of objects are above what a name can be. */
#define OBJECT_PAYLOAD 0x100000000ull

extern unsigned golden_notes;
extern mach_port_t golden_kept;
extern unsigned golden_handles;
extern mach_port_t golden_late;
extern mach_port_t golden_last;
extern mach_port_t golden_kept_send;
void golden_drop_pair(void);

/* damage.c: remembers a request; sends all that were remembered again, damaged. Returns how many answers were wrong. */
void damage_record(const mach_msg_header_t *message);
unsigned damage_all(mach_port_t server);
/* damage_replies.c: the same for the client's side. */
unsigned damage_replies(mach_port_t server);

#endif
