/* See mach.h. */
#include "mach.h"

#include <mach/server.h>
#include <servers/bootstrap_user.h>
#include <servers/ether_types.h>
#include <servers/ether_user.h>
#include <servers/network_client_user.h>

#include <string.h>
#include <sys/socket.h>

#include "network/hooks.h"

__thread uint64_t mach_request_payload_;
mach_port_t mach_task_self_ = 1;
uint64_t payload_of[PORTS];
bool alive[PORTS];
unsigned ports_alive;
bool client_full;
struct news news;
mach_port_t arrived[64];
unsigned arrived_count, frames_out;
struct last last;
static uint64_t state;

void random_seed(uint64_t seed)
{
	state = seed * 2 + 1;
}

uint32_t random_number(void)
{
	state = state * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(state >> 33);
}

uint32_t network_random(void)
{
	return random_number() ^ random_number() << 16;
}

/* --- Ports. */

mach_port_t port_new(void)
{
	static unsigned next = 2;

	do
		next = next + 1 < PORTS ? next + 1 : 2;
	while (alive[next]);
	alive[next] = true;
	payload_of[next] = 0;
	ports_alive++;
	return next;
}

static void end(mach_port_t port)
{
	if (alive[port])
		ports_alive--;
	alive[port] = false;
}

kern_return_t mach_port_allocate(ipc_space_t task, mach_port_right_t right, mach_port_name_t *name)
{
	(void)task;
	(void)right;
	*name = port_new();
	return KERN_SUCCESS;
}

kern_return_t mach_port_set_protected_payload(ipc_space_t task, mach_port_name_t name, uint64_t payload)
{
	(void)task;
	payload_of[name] = payload;
	return KERN_SUCCESS;
}

kern_return_t mach_port_move_member(ipc_space_t task, mach_port_name_t member, mach_port_name_t set)
{
	(void)task;
	(void)member;
	(void)set;
	return KERN_SUCCESS;
}

kern_return_t mach_server_notify_no_senders(mach_port_t port)
{
	(void)port;
	return KERN_SUCCESS;
}

kern_return_t mach_port_mod_refs(
	ipc_space_t task, mach_port_name_t name, mach_port_right_t right, mach_port_delta_t delta)
{
	(void)task;
	(void)delta;
	if (right == MACH_PORT_RIGHT_RECEIVE)
		end(name);
	return KERN_SUCCESS;
}

kern_return_t mach_port_destroy(ipc_space_t task, mach_port_name_t name)
{
	(void)task;
	end(name);
	return KERN_SUCCESS;
}

kern_return_t mach_port_insert_right(
	ipc_space_t task, mach_port_name_t name, mach_port_t right, mach_msg_type_name_t type)
{
	(void)task;
	(void)name;
	(void)right;
	(void)type;
	return KERN_SUCCESS;
}

kern_return_t mach_port_set_qlimit(ipc_space_t task, mach_port_name_t name, mach_port_msgcount_t limit)
{
	(void)task;
	(void)name;
	(void)limit;
	return KERN_SUCCESS;
}

kern_return_t mach_port_deallocate(ipc_space_t task, mach_port_name_t name)
{
	(void)task;
	(void)name;
	return KERN_SUCCESS;
}

kern_return_t mach_server_port(mach_port_t set, void *object, mach_port_t *port)
{
	(void)set;
	*port = port_new();
	payload_of[*port] = (uintptr_t)object;
	return KERN_SUCCESS;
}

const char *mach_error_string(kern_return_t error)
{
	(void)error;
	return "error";
}

/* --- Bootstrap and the driver. */

kern_return_t bootstrap_look_up(mach_port_t bootstrap, const char *name, mach_port_t *port)
{
	(void)bootstrap;
	(void)name;
	*port = port_new();
	return KERN_SUCCESS;
}

static mach_port_t receiver;

kern_return_t ether_attach(mach_port_t ether, mach_port_t port, uint64_t *address, unsigned *mtu)
{
	(void)ether;
	receiver = port;
	mach_request_payload_ = payload_of[port];
	*address = 0x020000000202;
	*mtu = 1500;
	return KERN_SUCCESS;
}

static uint32_t word(const uint8_t *at)
{
	return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

/* Of a frame of TCP what its answer needs. */
static void look(const uint8_t *frame, unsigned size)
{
	bool is_v6 = size > 54 && frame[12] == 0x86 && frame[13] == 0xdd && frame[20] == 6;
	unsigned header = is_v6 ? 40 : size > 14 ? (frame[14] & 15u) * 4 : 0;
	const uint8_t *tcp = frame + 14 + header;

	frames_out++;
	if (size < 14 + header + 20 || (!is_v6 && (frame[12] != 8 || frame[13] != 0 || frame[23] != 6)))
		return;
	last = (struct last){.some = true,
		.from = (uint16_t)(tcp[0] << 8 | tcp[1]),
		.to = (uint16_t)(tcp[2] << 8 | tcp[3]),
		.sequence = word(tcp + 4),
		.acknowledged = word(tcp + 8)};
	last.is_v6 = is_v6;
	if (is_v6)
		memcpy(last.to_ip, frame + 14 + 24, sizeof last.to_ip);
	if (tcp[13] & 2)
		last.sequence++;
	last.sequence += size - 14 - header - (tcp[12] >> 4) * 4u;
}

kern_return_t ether_send(mach_port_t ether, const char *frames, mach_msg_type_number_t count)
{
	struct ether_frame header;

	(void)ether;
	for (unsigned at = 0; at < count; at += ETHER_FRAME_SPACE(header.size)) {
		memcpy(&header, frames + at, sizeof header);
		look((const uint8_t *)frames + at + sizeof header, header.size);
	}
	return KERN_SUCCESS;
}

/* --- The client. */

#define TOLD(what)                                                                                                     \
	(void)client;                                                                                                  \
	if (client_full)                                                                                               \
		return MACH_SEND_TIMED_OUT;                                                                            \
	news.what++

kern_return_t network_done(mach_port_t client, uint64_t id, unsigned error, network_address_t local)
{
	(void)id;
	(void)error;
	(void)local;
	TOLD(done);
	return KERN_SUCCESS;
}

kern_return_t network_arrived(
	mach_port_t client, uint64_t id, mach_port_t socket, network_address_t remote, network_address_t local)
{
	(void)id;
	(void)local;
	TOLD(arrived);
	news.arrived6 += remote.family == AF_INET6;
	if (arrived_count < 64)
		arrived[arrived_count++] = socket;
	return KERN_SUCCESS;
}

kern_return_t network_data(mach_port_t client, uint64_t id, const char *data, mach_msg_type_number_t size)
{
	uint8_t sum = 0;

	(void)id;
	TOLD(data);
	for (unsigned i = 0; i < size; i++)
		sum ^= (uint8_t)data[i]; /* it can be read */
	news.bytes += size + (sum & 0u);
	return KERN_SUCCESS;
}

kern_return_t network_datagram(
	mach_port_t client, uint64_t id, network_address_t address, const char *data, mach_msg_type_number_t size)
{
	uint8_t sum = 0;

	(void)id;
	(void)address;
	TOLD(datagrams);
	for (unsigned i = 0; i < size; i++)
		sum ^= (uint8_t)data[i];
	news.bytes += size + (sum & 0u);
	return KERN_SUCCESS;
}

kern_return_t network_room(mach_port_t client, uint64_t id, unsigned bytes, unsigned messages)
{
	(void)id;
	(void)bytes;
	(void)messages;
	TOLD(room);
	return KERN_SUCCESS;
}

kern_return_t network_finished(mach_port_t client, uint64_t id)
{
	(void)id;
	TOLD(finished);
	return KERN_SUCCESS;
}

kern_return_t network_failed(mach_port_t client, uint64_t id, unsigned error)
{
	(void)id;
	(void)error;
	TOLD(failed);
	return KERN_SUCCESS;
}

kern_return_t network_interfaces(
	mach_port_t client, network_settings_t settings, const char *list, mach_msg_type_number_t size)
{
	(void)settings;
	(void)list;
	(void)size;
	TOLD(interfaces);
	return KERN_SUCCESS;
}
