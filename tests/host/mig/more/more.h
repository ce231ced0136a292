/* What the client's tests and the work functions of more.defs share. */
#ifndef MORE_H
#define MORE_H

#include "more_types.h"
#include "more_server.h"
#include "more_user.h"
#include "calls.h"

/* What the work functions tell. */
extern struct more_told {
	audit_token_t token;
	int32_t remarks;
	/* The sum of what the destructors were given. */
	unsigned done_with;
	/* What the routines with a retcode were told last. */
	struct more_done {
		unsigned calls;
		int32_t code, value;
		mach_msg_type_number_t count;
		char text[40];
	} done;
} more_told;

/* What the error procedures were told last. */
extern kern_return_t more_default_error, more_error;

/* Made by the rcsid statement. */
extern char more_user_rcsid[], more_server_rcsid[];

#endif
