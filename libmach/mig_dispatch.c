/* From a message in a buffer to the routine of a subsystem. */
#include <mach/foreign.h>
#include <mach/mig_support.h>
#include <mach/register.h>
#include <stddef.h>
#include <string.h>

__thread mach_port_t mach_buffered_reply_;

/* No reply: said in the classic way, and by a null remote port. */
static void set_no_reply(mach_msg_header_t *out)
{
	mig_reply_error_t *error = (mig_reply_error_t *)out;

	memset(error, 0, sizeof(*error));
	out->msgh_size = sizeof(*error);
	error->RetCode = MIG_NO_REPLY;
}

/* The head of the answer to `in`, which has no descriptors. */
static void start_reply(const mach_msg_header_t *in, mach_msg_header_t *out, mach_msg_size_t size)
{
	out->msgh_bits = MACH_MSGH_BITS(MACH_MSGH_BITS_REMOTE(in->msgh_bits), 0);
	out->msgh_size = size;
	out->msgh_remote_port = in->msgh_remote_port;
	out->msgh_local_port = MACH_PORT_NULL;
	out->msgh_reserved = 0;
	out->msgh_id = in->msgh_id + 100;
}

void mig_dispatch_words(const struct mig_routine *routine, mach_msg_header_t *in, mach_msg_header_t *out)
{
	mach_msg_size_t body = in->msgh_size - sizeof(*in);
	const mach_msg_trailer_t *trailer = (const void *)((char *)in + ((in->msgh_size + 7u) & ~7u));
	const int two_way = !(routine->flags & MIG_ROUTINE_ONEWAY);
	kern_return_t result = MIG_BAD_ARGUMENTS;
	uint64_t word[8] = {0};
	uint32_t count;

	if (!(in->msgh_bits & MACH_MSGH_BITS_COMPLEX) && body == 8 * routine->request_words) {
		memcpy(word, in + 1, body);
		mach_buffered_reply_ = two_way ? in->msgh_remote_port : MACH_PORT_NULL;
		result = routine->words(word, trailer->msgh_payload ? trailer->msgh_payload : in->msgh_local_port);
		if (two_way && mach_buffered_reply_ == MACH_PORT_NULL)
			in->msgh_remote_port = MACH_PORT_NULL; /* the function's now */
		mach_buffered_reply_ = MACH_PORT_NULL;
	}
	if (!mig_answers(result)) {
		set_no_reply(out);
	} else {
		count = mig_answer(routine, result, word);
		start_reply(in, out, (mach_msg_size_t)(sizeof(*out) + 8 * count));
		memcpy(out + 1, word, 8 * count);
	}
	if (!mig_answers(result) && two_way) {
		in->msgh_bits &= ~MACH_MSGH_BITS_LOCAL_MASK;
		mach_msg_destroy(in);
	} else if (in->msgh_bits & MACH_MSGH_BITS_COMPLEX) {
		/* Rights and memory that the routine does not take; the right to reply has gone into the answer. */
		in->msgh_bits = MACH_MSGH_BITS_COMPLEX;
		in->msgh_remote_port = in->msgh_local_port = MACH_PORT_NULL;
		mach_msg_destroy(in);
	}
}

/*
 * Nobody knows whether the client expects words, of which the first is the result, or a message, of which it is the
 * second: both are the code.
 */
uint32_t mig_bad_id_words(int foreign, uint64_t word[8])
{
	const uint64_t code = (uint64_t)(int64_t)(foreign ? FOREIGN_NOT_SERVED : MIG_BAD_ID);

	memset(word, 0, 8 * sizeof(*word));
	word[0] = code;
	word[1] = (uint32_t)code;
	return 2;
}

_Static_assert(sizeof(mig_reply_error_t) == sizeof(mach_msg_header_t) + 2 * sizeof(uint64_t) &&
		       offsetof(mig_reply_error_t, RetCode) == sizeof(mach_msg_header_t) + sizeof(uint64_t),
	"an error is two words, the code being the second");

void mig_bad_id(const mach_msg_header_t *in, mach_msg_header_t *out)
{
	uint64_t word[8];
	const uint32_t count = mig_bad_id_words(foreign_call_received(in), word);

	start_reply(in, out, (mach_msg_size_t)(sizeof(*out) + 8 * count));
	memcpy(out + 1, word, 8 * count);
}

int mig_server_dispatch(const struct mig_subsystem *subsystem, mach_msg_header_t *in, mach_msg_header_t *out)
{
	const mig_reply_error_t *error = (const mig_reply_error_t *)out;
	const struct mig_routine *routine = NULL;

	if (!foreign_call_received(in) && in->msgh_id >= subsystem->start && in->msgh_id < subsystem->end)
		routine = &subsystem->routine[in->msgh_id - subsystem->start];
	if (!routine || (!routine->words && !routine->message)) {
		mig_bad_id(in, out);
		return 0;
	}
	if (routine->words) {
		mig_dispatch_words(routine, in, out);
	} else {
		routine->message(in, out);
		if (!(out->msgh_bits & MACH_MSGH_BITS_COMPLEX) && error->RetCode == MIG_NO_REPLY)
			set_no_reply(out);
	}
	if (routine->flags & MIG_ROUTINE_ONEWAY)
		set_no_reply(out);
	return 1;
}
