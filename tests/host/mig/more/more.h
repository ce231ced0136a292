/* What the client's tests and the work functions of more.defs share. */
#ifndef MORE_H
#define MORE_H

#include "more_types.h"
#include "more_server.h"
#include "more_user.h"
#include "loopback.h"

extern audit_token_t more_token;
extern mach_port_t more_kept;
extern int32_t more_remarks;
/* What the routines with a retcode were told last. */
extern struct more_done {
	unsigned calls;
	int32_t code, value;
	mach_msg_type_number_t count;
	char text[40];
} more_done;

/* Made by the rcsid statement. */
extern char more_user_rcsid[], more_server_rcsid[];

#endif
