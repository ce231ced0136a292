/* From a message in a buffer to the routine of a subsystem. */
#include <mach/mig_support.h>
#include <string.h>

/* No reply: said in the classic way, and by a null remote port. */
static void set_no_reply(mach_msg_header_t *out)
{
	mig_reply_error_t *error = (mig_reply_error_t *)out;

	out->msgh_bits = 0;
	out->msgh_size = sizeof(*error);
	out->msgh_remote_port = MACH_PORT_NULL;
	error->RetCode = MIG_NO_REPLY;
}

/* What the routine of a register message gets when the message came in a buffer, and its reply as a message. */
static void dispatch_words(const struct mig_routine *routine, mach_msg_header_t *in, mach_msg_header_t *out)
{
	mach_msg_size_t body = in->msgh_size - sizeof(*in);
	struct mig_call call = {.port = in->msgh_local_port, .payload = in->msgh_local_port, .id = in->msgh_id};
	const mach_msg_trailer_t *trailer = (const void *)((char *)in + ((in->msgh_size + 7u) & ~7u));

	call.count = body / 8;
	if (trailer->msgh_payload)
		call.payload = trailer->msgh_payload;
	if ((in->msgh_bits & MACH_MSGH_BITS_COMPLEX) || body % 8 || call.count != routine->request_words) {
		call.word[0] = (uint64_t)(int64_t)MIG_BAD_ARGUMENTS;
		call.count = 1;
	} else {
		memcpy(call.word, in + 1, body);
		routine->words(&call);
	}
	if (call.disposition == MIG_NO_REPLY) {
		set_no_reply(out);
		return;
	}
	out->msgh_size = (mach_msg_size_t)(sizeof(*out) + 8 * call.count);
	memcpy(out + 1, call.word, 8 * call.count);
}

int mig_server_dispatch(const struct mig_subsystem *subsystem, mach_msg_header_t *in, mach_msg_header_t *out)
{
	mig_reply_error_t *error = (mig_reply_error_t *)out;
	const struct mig_routine *routine = NULL;

	memset(error, 0, sizeof(*error));
	out->msgh_bits = MACH_MSGH_BITS(MACH_MSGH_BITS_REMOTE(in->msgh_bits), 0);
	out->msgh_size = sizeof(*error);
	out->msgh_remote_port = in->msgh_remote_port;
	out->msgh_id = in->msgh_id + 100;
	error->NDR = NDR_record;
	error->RetCode = MIG_BAD_ID;
	if (in->msgh_id >= subsystem->start && in->msgh_id < subsystem->end)
		routine = &subsystem->routine[in->msgh_id - subsystem->start];
	if (!routine || (!routine->words && !routine->message))
		return 0;
	if (routine->words) {
		dispatch_words(routine, in, out);
	} else {
		routine->message(in, out);
		if (!(out->msgh_bits & MACH_MSGH_BITS_COMPLEX) && error->RetCode == MIG_NO_REPLY)
			set_no_reply(out);
	}
	if (routine->flags & MIG_ROUTINE_ONEWAY)
		set_no_reply(out);
	return 1;
}
