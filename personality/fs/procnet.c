/* Files of /proc/net: sockets of AF_INET, interfaces, routes, and what DHCP has said (proc(5)). */
#include <arpa/inet.h>
#include <poll.h>
#include <string.h>

#include "base/user.h"
#include "file/file.h"
#include "fs/procfs.h"
#include "ipc/inet.h"
#include "ipc/network.h"

#define INTERFACES_MOST 8
/* Of st, as Linux numbers them. */
enum { ESTABLISHED = 1, SYN_SENT, FIN_WAIT = 5, CLOSED = 7, CLOSE_WAIT, LISTENS = 10 };
/* Of a route's flags. */
enum { ROUTE_UP = 1, ROUTE_GATEWAY = 2 };
#define TCP_WIDTH   149
#define UDP_WIDTH   127
#define ROUTE_WIDTH 127

static uint32_t word(const uint8_t ip[4])
{
	uint32_t number;

	memcpy(&number, ip, sizeof number);
	return number;
}

/* The line is filled up with blanks to a width that all of the file have. */
static void end_line(struct text *text, size_t began, int width)
{
	text_add(text, "%*s\n", width - (int)(text->size - began), "");
}

/* --- Sockets. */

static int state_of(const struct inet *inet)
{
	switch (inet->state) {
	case INET_LISTENING:
		return LISTENS;
	case INET_CONNECTING:
		return SYN_SENT;
	case INET_CONNECTED:
		return inet->kind != NETWORK_TCP ? ESTABLISHED
		       : inet->finished          ? CLOSE_WAIT
		       : inet->out_shut          ? FIN_WAIT
						 : ESTABLISHED;
	default:
		return CLOSED;
	}
}

static void list_sockets(struct text *text, unsigned kind, int number_width, int width)
{
	unsigned number = 0;

	list_for_each (link, &inets) {
		const struct inet *inet = list_entry(link, struct inet, all);
		const struct user *user = user_of_memory(inet);
		int state = state_of(inet);
		size_t began = text->size;

		if (inet->kind != kind || inet->file == NULL ||
			(kind == NETWORK_TCP ? state == CLOSED : !inet->bound && state == CLOSED))
			continue;
		text_add(text, "%*u: %08X:%04X %08X:%04X %02X %08X:%08X %02X:%08X %08X %5u %8d %llu %u %d 0",
			number_width, number++, word(inet->local.ip), ntohs(inet->local.port), word(inet->remote.ip),
			ntohs(inet->remote.port), (unsigned)state, (unsigned)inet->sending,
			(unsigned)(state == LISTENS ? inet->arrival_count : inet->queued), 0u, 0u, 0u,
			user != NULL ? user->uid : 0u, 0, (unsigned long long)inet->file->inode, inet->file->references,
			0);
		end_line(text, began, width);
	}
}

void proc_text_net_tcp(struct text *text, struct process *process, struct call *call)
{
	size_t began = text->size;

	(void)process;
	(void)call;
	text_add(text,
		"  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode");
	end_line(text, began, TCP_WIDTH);
	list_sockets(text, NETWORK_TCP, 4, TCP_WIDTH);
}

void proc_text_net_udp(struct text *text, struct process *process, struct call *call)
{
	size_t began = text->size;

	(void)process;
	(void)call;
	text_add(text, "   sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout "
		       "inode ref pointer "
		       "drops");
	end_line(text, began, UDP_WIDTH);
	list_sockets(text, NETWORK_UDP, 5, UDP_WIDTH);
}

/* --- Interfaces. */

void proc_text_net_devices(struct text *text, struct process *process, struct call *call)
{
	struct network_interface list[INTERFACES_MOST];
	network_settings_t settings;
	unsigned count = network_look(list, INTERFACES_MOST, &settings, false), i;

	(void)process;
	(void)call;
	text_add(text,
		"Inter-|   Receive                                                |  Transmit\n"
		" face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo "
		"colls carrier compressed\n");
	for (i = 0; i < count; i++)
		text_add(text, "%6s: %7llu %7llu %4u %4llu %4u %5u %10u %9u %8llu %7llu %4llu %4u %4u %5u %7u %10u\n",
			list[i].name, (unsigned long long)list[i].bytes_in, (unsigned long long)list[i].packets_in, 0u,
			(unsigned long long)list[i].dropped_in, 0u, 0u, 0u, 0u, (unsigned long long)list[i].bytes_out,
			(unsigned long long)list[i].packets_out, (unsigned long long)list[i].errors_out, 0u, 0u, 0u, 0u,
			0u);
}

static void add_route(struct text *text, const char *name, uint32_t to, uint32_t gateway, unsigned flags, uint32_t mask)
{
	size_t began = text->size;

	text_add(text, "%s\t%08X\t%08X\t%04X\t%d\t%u\t%d\t%08X\t%d\t%u\t%u", name, to, gateway, flags, 0, 0u, 0, mask,
		0, 0u, 0u);
	end_line(text, began, ROUTE_WIDTH);
}

void proc_text_net_routes(struct text *text, struct process *process, struct call *call)
{
	struct network_interface list[INTERFACES_MOST];
	network_settings_t settings;
	unsigned count = network_look(list, INTERFACES_MOST, &settings, true), i;
	size_t began = text->size;

	(void)process;
	(void)call;
	text_add(text, "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT");
	end_line(text, began, ROUTE_WIDTH);
	for (i = 0; i < count; i++) {
		uint32_t address = word(list[i].address), mask = word(list[i].mask), gateway = word(list[i].gateway);

		if (address == 0 || (list[i].flags & NETWORK_LOOPBACK))
			continue;
		if (gateway != 0)
			add_route(text, list[i].name, 0, gateway, ROUTE_UP | ROUTE_GATEWAY, 0);
		add_route(text, list[i].name, address & mask, 0, ROUTE_UP, mask);
	}
}

/* In the form of resolv.conf(5): /etc/resolv.conf is a link to it. */
void proc_text_net_pnp(struct text *text, struct process *process, struct call *call)
{
	struct network_interface list[INTERFACES_MOST];
	network_settings_t settings;
	unsigned i;

	(void)process;
	(void)call;
	network_look(list, INTERFACES_MOST, &settings, true);
	text_add(text, "#PROTO: DHCP\n");
	for (i = 0; i < 2; i++)
		if (word(settings.name_server[i]) != 0)
			text_add(text, "nameserver %u.%u.%u.%u\n", settings.name_server[i][0],
				settings.name_server[i][1], settings.name_server[i][2], settings.name_server[i][3]);
}
