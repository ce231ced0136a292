/* The client's stubs: the call of mach_msg, with its options and timeouts. */
#include "conventions.h"
#include "trailer.h"

static const char *wait_text(const struct routine *routine)
{
	return routine->waittime != NULL ? routine->waittime->name : routine->default_waittime;
}

/* In Apple's family a time to wait is one for sending too, and it goes before a send time, as mach_msg takes only one.
 */
static const char *send_time_text(const struct output *output, const struct routine *routine)
{
	const char *wait = wait_text(routine);

	if (wait != NULL && (routine->simple || like_apple(output)))
		return wait;
	return routine->sendtime != NULL ? routine->sendtime->name : routine->default_sendtime;
}

bool uses_send_time(const struct output *output, const struct routine *routine)
{
	const bool apart = !routine->simple && output->compiler->send_receive;

	return send_time_text(output, routine) != wait_text(routine) && (apart || wait_text(routine) == NULL);
}

/* mach_msg's option when it sends, receives, or does both. */
static void put_options(struct output *output, const struct routine *routine, bool sends, bool receives)
{
	put(output, "%s%s%s", sends ? "MACH_SEND_MSG" : "", sends && receives ? " | " : "",
		receives ? "MACH_RCV_MSG" : "");
	if (receives && routine->user_trailer && trailer_option(routine, false) != NULL)
		put(output, " | %s", trailer_option(routine, false));
	if (sends && send_time_text(output, routine) != NULL)
		put(output, " | MACH_SEND_TIMEOUT");
	if (receives && wait_text(routine) != NULL)
		put(output, " | MACH_RCV_TIMEOUT");
	if (routine->msgoption != NULL)
		put(output, " | (mach_msg_option_t)%s", routine->msgoption->name);
	else if (routine->default_msgoption != NULL)
		put(output, " | (%s)", routine->default_msgoption);
}

static void put_mach_msg(struct output *output, const struct routine *routine, bool sends, bool receives)
{
	const char *wait = receives ? wait_text(routine) : NULL;

	if (wait == NULL && sends)
		wait = send_time_text(output, routine);
	put(output, "\tmig_result = mach_msg(&mig_request->Head, ");
	put_options(output, routine, sends, receives);
	put(output, ", %s, %s, %s, MACH_PORT_NULL);\n", sends ? "mig_request->Head.msgh_size" : "0",
		!receives            ? "0, MACH_PORT_NULL"
		: routine->allocated ? "sizeof *mig_message, mig_request->Head.msgh_local_port"
				     : "sizeof mig_message, mig_request->Head.msgh_local_port",
		wait != NULL ? arena_printf(&output->compiler->arena, "(mach_msg_timeout_t)(%s)", wait)
			     : "MACH_MSG_TIMEOUT_NONE");
}

void put_rpc(struct output *output, const struct routine *routine)
{
	put_hook(output, "Before", "Send", routine);
	if (routine->simple || !output->compiler->send_receive) {
		put_mach_msg(output, routine, true, !routine->simple);
	} else {
		put_mach_msg(output, routine, true, false);
		put(output, "\tif (mig_result == MACH_MSG_SUCCESS)\n\t");
		put_mach_msg(output, routine, false, true);
	}
	put_hook(output, "After", "Send", routine);
}
