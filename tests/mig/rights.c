/* The machine's rights and memory for tests that were written for the host's loop-back. */
#include "loopback.h"

#include <mach/task_info.h>
#include <stdio.h>
#include <string.h>

static mach_port_type_t type_of(mach_port_t name)
{
	mach_port_type_t type = 0;

	return mach_port_type(mach_task_self(), name, &type) == KERN_SUCCESS ? type : 0;
}

unsigned lb_object(mach_port_t name)
{
	return (type_of(name) & (MACH_PORT_TYPE_SEND | MACH_PORT_TYPE_SEND_ONCE | MACH_PORT_TYPE_RECEIVE)) != 0;
}

int lb_right(mach_port_t name)
{
	const mach_port_type_t type = type_of(name);

	return type & MACH_PORT_TYPE_RECEIVE     ? MACH_PORT_RIGHT_RECEIVE
	       : type & MACH_PORT_TYPE_SEND      ? MACH_PORT_RIGHT_SEND
	       : type & MACH_PORT_TYPE_SEND_ONCE ? MACH_PORT_RIGHT_SEND_ONCE
						 : -1;
}

mach_port_t lb_port(const struct mig_subsystem *subsystem, uint64_t payload)
{
	mach_port_t port = MACH_PORT_NULL;

	(void)subsystem;
	mach_port_allocate(mach_task_self(), MACH_PORT_RIGHT_RECEIVE, &port);
	if (payload != 0)
		mach_port_set_protected_payload(mach_task_self(), port, payload);
	return port;
}

mach_port_t lb_send_right(mach_port_t receive)
{
	mach_port_insert_right(mach_task_self(), receive, receive, MACH_MSG_TYPE_MAKE_SEND);
	return receive;
}

mach_port_t lb_send_once_right(mach_port_t receive)
{
	mach_port_t once = MACH_PORT_NULL;
	mach_msg_type_name_t poly;

	mach_port_extract_right(mach_task_self(), receive, MACH_MSG_TYPE_MAKE_SEND_ONCE, &once, &poly);
	return once;
}

__attribute__((noinline)) void lb_paint(void)
{
	volatile unsigned char space[8192];

	for (unsigned i = 0; i < sizeof space; i++)
		space[i] = 0xa5;
}

kern_return_t lb_drop(mach_port_t name)
{
	/* A send right first: it may share its name with the receive right. */
	if (type_of(name) & (MACH_PORT_TYPE_SEND | MACH_PORT_TYPE_SEND_ONCE))
		return mach_port_deallocate(mach_task_self(), name);
	return mach_port_mod_refs(mach_task_self(), name, MACH_PORT_RIGHT_RECEIVE, -1);
}

static unsigned count_names(bool references)
{
	mach_port_name_array_t names;
	mach_port_type_array_t types;
	mach_msg_type_number_t count, type_count;
	unsigned total = 0;

	if (mach_port_names(mach_task_self(), &names, &count, &types, &type_count) != KERN_SUCCESS)
		return 0;
	for (mach_msg_type_number_t i = 0; i < count; i++) {
		mach_port_urefs_t refs = 0;

		if (!references)
			total++;
		else if (mach_port_get_refs(mach_task_self(), names[i], MACH_PORT_RIGHT_SEND, &refs) == KERN_SUCCESS)
			total += refs;
	}
	mig_deallocate((vm_address_t)names, count * sizeof *names);
	mig_deallocate((vm_address_t)types, type_count * sizeof *types);
	return total;
}

unsigned lb_rights(void)
{
	return count_names(false);
}

unsigned lb_references(void)
{
	return count_names(true);
}

uint64_t lb_memory(void)
{
	struct portolan_task_info info;
	mach_msg_type_number_t count = PORTOLAN_TASK_INFO_COUNT;

	memset(&info, 0, sizeof info);
	portolan_task_info(mach_task_self(), PORTOLAN_TASK_INFO, (uint64_t *)&info, &count);
	return info.virtual_size;
}

static mach_msg_return_t by_message(mach_port_t port, mach_msg_id_t id, uint64_t word[8], uint32_t count, bool wait)
{
	struct {
		mach_msg_header_t head;
		uint64_t word[8];
		mach_msg_trailer_t trailer;
	} message;
	mach_msg_return_t result;

	memset(&message, 0, sizeof message);
	message.head.msgh_bits = MACH_MSGH_BITS(MACH_MSG_TYPE_COPY_SEND, wait ? MACH_MSG_TYPE_MAKE_SEND_ONCE : 0);
	message.head.msgh_size = 24 + 8 * count;
	message.head.msgh_remote_port = port;
	message.head.msgh_local_port = wait ? mig_get_reply_port() : MACH_PORT_NULL;
	message.head.msgh_id = id;
	memcpy(message.word, word, 64);
	result = mach_msg(&message.head, MACH_SEND_MSG | (wait ? MACH_RCV_MSG : 0), message.head.msgh_size,
		wait ? sizeof message : 0, message.head.msgh_local_port, MACH_MSG_TIMEOUT_NONE, MACH_PORT_NULL);
	if (result != MACH_MSG_SUCCESS || !wait)
		return result;
	if (message.head.msgh_id != id + 100)
		return MIG_REPLY_MISMATCH;
	memset(word, 0, 64);
	memcpy(word, message.word, message.head.msgh_size - 24);
	return KERN_SUCCESS;
}

kern_return_t call_by_message(mach_port_t port, mach_msg_id_t id, uint64_t word[8], uint32_t count)
{
	return by_message(port, id, word, count, true);
}

kern_return_t send_by_message(mach_port_t port, mach_msg_id_t id, const uint64_t word[8], uint32_t count)
{
	uint64_t copy[8];

	memcpy(copy, word, sizeof copy);
	return by_message(port, id, copy, count, false);
}

void lb_power_off(void)
{
	mach_port_t host_priv = MACH_PORT_NULL;
	mach_msg_type_name_t poly;

	fflush(stdout);
	portolan_mach_ports_lookup(mach_task_self(), REGISTERED_HOST_PRIV, &host_priv, &poly);
	host_reboot(host_priv, HOST_REBOOT_HALT);
}
