/* Messages as programs of OSF and CMU send and receive them, and their server loop. */
#include <mach/mach.h>
#include <stdbool.h>
#include <stdlib.h>

mach_msg_return_t mach_msg_overwrite(mach_msg_header_t *message, mach_msg_option_t option, mach_msg_size_t send_size,
	mach_msg_size_t receive_limit, mach_port_t receive_name, mach_msg_timeout_t timeout, mach_port_t notify,
	mach_msg_header_t *receive_buffer, mach_msg_size_t receive_scatter_size)
{
	const mach_msg_option_t sending = MACH_SEND_MSG | MACH_SEND_TIMEOUT | MACH_SEND_INTERRUPT | MACH_SEND_NOTIFY;
	mach_msg_return_t result;

	(void)receive_scatter_size; /* it only counts with MACH_RCV_OVERWRITE, which mach_msg does not know */
	if (receive_buffer == NULL || receive_buffer == message || !(option & MACH_RCV_MSG))
		return mach_msg(message, option, send_size, receive_limit, receive_name, timeout, notify);
	if (option & MACH_SEND_MSG) {
		result = mach_msg(message, option & sending, send_size, 0, MACH_PORT_NULL, timeout, notify);
		if (result != MACH_MSG_SUCCESS)
			return result;
	}
	return mach_msg(receive_buffer, option & ~sending, 0, receive_limit, receive_name, timeout, MACH_PORT_NULL);
}

mach_msg_return_t mach_msg_send(mach_msg_header_t *message)
{
	return mach_msg(
		message, MACH_SEND_MSG, message->msgh_size, 0, MACH_PORT_NULL, MACH_MSG_TIMEOUT_NONE, MACH_PORT_NULL);
}

/* The header says how large the buffer is, and where to receive. */
mach_msg_return_t mach_msg_receive(mach_msg_header_t *message)
{
	return mach_msg(message, MACH_RCV_MSG, 0, message->msgh_size, message->msgh_local_port, MACH_MSG_TIMEOUT_NONE,
		MACH_PORT_NULL);
}

/* A request was served: its reply goes, or what is left of both is given back. Never waits for the client. */
static void answer(mach_msg_header_t *request, mig_reply_error_t *reply)
{
	const bool simple = !(reply->Head.msgh_bits & MACH_MSGH_BITS_COMPLEX);

	if (simple && reply->RetCode != KERN_SUCCESS) {
		if (reply->RetCode == MIG_NO_REPLY)
			return;
		/* Stubs of ours have destroyed what came. Who says that there is no such routine has not looked at it.
		 */
		if (reply->RetCode == MIG_BAD_ID) {
			request->msgh_remote_port = MACH_PORT_NULL;
			mach_msg_destroy(request);
		}
	}
	if (reply->Head.msgh_remote_port == MACH_PORT_NULL) {
		mach_msg_destroy(&reply->Head);
		return;
	}
	if (mach_msg(&reply->Head, MACH_SEND_MSG | MACH_SEND_TIMEOUT, reply->Head.msgh_size, 0, MACH_PORT_NULL, 0,
		    MACH_PORT_NULL) != MACH_MSG_SUCCESS)
		mach_msg_destroy(&reply->Head);
}

static mach_msg_return_t serve(mach_msg_demux_t demux, mach_msg_size_t max_size, mach_port_t receive_name,
	mach_msg_options_t options, mach_msg_timeout_t timeout, bool once)
{
	const mach_msg_size_t size = (mach_msg_size_t)(max_size + sizeof(mig_reply_error_t) + MAX_TRAILER_SIZE);
	mach_msg_header_t *request = calloc(1, size);
	mig_reply_error_t *reply = calloc(1, size);
	mach_msg_return_t result = KERN_RESOURCE_SHORTAGE;

	options &= ~MACH_SEND_MSG;
	while (request != NULL && reply != NULL) {
		result = mach_msg(request, MACH_RCV_MSG | options, 0, size, receive_name, timeout, MACH_PORT_NULL);
		if (result != MACH_MSG_SUCCESS)
			break;
		reply->RetCode = KERN_SUCCESS;
		(void)demux(request, &reply->Head);
		answer(request, reply);
		if (once)
			break;
	}
	free(request);
	free(reply);
	return result;
}

mach_msg_return_t mach_msg_server(
	mach_msg_demux_t demux, mach_msg_size_t max_size, mach_port_t receive_name, mach_msg_options_t options)
{
	return serve(demux, max_size, receive_name, options, MACH_MSG_TIMEOUT_NONE, false);
}

mach_msg_return_t mach_msg_server_once(
	mach_msg_demux_t demux, mach_msg_size_t max_size, mach_port_t receive_name, mach_msg_options_t options)
{
	return serve(demux, max_size, receive_name, options, MACH_MSG_TIMEOUT_NONE, true);
}

mach_msg_return_t mach_msg_server_timeout(mach_msg_demux_t demux, mach_msg_size_t max_size, mach_port_t receive_name,
	mach_msg_options_t options, mach_msg_timeout_t timeout)
{
	return serve(demux, max_size, receive_name, options | MACH_RCV_TIMEOUT, timeout, false);
}
