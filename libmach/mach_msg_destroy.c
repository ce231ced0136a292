/* Giving back the rights and memory of a message that nobody will take. */
#include <mach/mach.h>

static void destroy_right(mach_port_t name, mach_msg_type_name_t disposition)
{
	if (!MACH_PORT_VALID(name))
		return;
	switch (disposition) {
	case MACH_MSG_TYPE_MOVE_SEND:
	case MACH_MSG_TYPE_MOVE_SEND_ONCE:
		mach_port_deallocate(mach_task_self(), name);
		break;
	case MACH_MSG_TYPE_MOVE_RECEIVE:
		mach_port_mod_refs(mach_task_self(), name, MACH_PORT_RIGHT_RECEIVE, -1);
		break;
	default:
		/* Copied and made rights are not the message's. */
		break;
	}
}

void mach_msg_destroy(mach_msg_header_t *message)
{
	mach_msg_bits_t bits = message->msgh_bits;

	destroy_right(message->msgh_remote_port, MACH_MSGH_BITS_REMOTE(bits));
	message->msgh_remote_port = MACH_PORT_NULL;
	if (!(bits & MACH_MSGH_BITS_COMPLEX))
		return;

	mach_msg_body_t *body = (mach_msg_body_t *)(message + 1);
	mach_msg_descriptor_t *descriptor = (mach_msg_descriptor_t *)(body + 1);

	for (uint32_t i = 0; i < body->msgh_descriptor_count; i++, descriptor++) {
		switch (descriptor->type.type) {
		case MACH_MSG_PORT_DESCRIPTOR:
			destroy_right(descriptor->port.name, descriptor->port.disposition);
			break;
		case MACH_MSG_OOL_DESCRIPTOR:
			if (descriptor->out_of_line.deallocate && descriptor->out_of_line.size)
				mig_deallocate(
					(vm_address_t)descriptor->out_of_line.address, descriptor->out_of_line.size);
			break;
		case MACH_MSG_OOL_PORTS_DESCRIPTOR: {
			mach_msg_ool_ports_descriptor_t *ports = &descriptor->ool_ports;
			const mach_port_t *name = ports->address;

			for (uint32_t j = 0; j < ports->count; j++)
				destroy_right(name[j], ports->disposition);
			if (ports->deallocate && ports->count)
				mig_deallocate((vm_address_t)name, ports->count * sizeof(*name));
			break;
		}
		default:
			break;
		}
	}
	message->msgh_bits &= ~MACH_MSGH_BITS_COMPLEX;
}
