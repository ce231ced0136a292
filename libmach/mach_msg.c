/* mach_msg: the trap, gone on with after an interruption. */
#include <mach/traps.h>

mach_msg_return_t mach_msg(mach_msg_header_t *message, mach_msg_option_t option, mach_msg_size_t send_size,
	mach_msg_size_t receive_size, mach_port_t receive_name, mach_msg_timeout_t timeout, mach_port_t notify)
{
	for (;;) {
		mach_msg_return_t result =
			mach_msg_trap(message, option, send_size, receive_size, receive_name, timeout, notify);

		if (result == MACH_SEND_INTERRUPTED && !(option & MACH_SEND_INTERRUPT))
			continue;
		if (result == MACH_RCV_INTERRUPTED && !(option & MACH_RCV_INTERRUPT)) {
			/* The send is done; only the receive is left. */
			option &= ~(MACH_SEND_MSG | MACH_SEND_TIMEOUT | MACH_SEND_NOTIFY);
			send_size = 0;
			continue;
		}
		return result;
	}
}
