/* Files of /proc/net: sockets of AF_INET and AF_INET6, interfaces, routes, and what DHCP has said (proc(5)). */
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
/* Of lines of sockets; 0: they are not filled up. */
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
	text_add(text, "%*s\n", width == 0 ? 0 : width - (int)(text->size - began), "");
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

/* Four numbers of IPv6, in the machine's order. */
static void add_name(struct text *text, const struct inet *inet, const network_address_t *address)
{
	union inet_name name;

	inet_address_out(inet, address, &name);
	if (inet->family == AF_INET6) {
		const uint8_t *ip = name.in6.sin6_addr.s6_addr;

		text_add(text, " %08X%08X%08X%08X:%04X", word(ip), word(ip + 4), word(ip + 8), word(ip + 12),
			ntohs(name.in6.sin6_port));
	} else {
		text_add(text, " %08X:%04X", word(address->ip), ntohs(address->port));
	}
}

static void list_sockets(struct text *text, int family, unsigned kind, int number_width, int width)
{
	unsigned number = 0;

	list_for_each (link, &inets) {
		const struct inet *inet = list_entry(link, struct inet, all);
		const struct user *user = user_of_memory(inet);
		int state = state_of(inet);
		network_address_t local;
		size_t began = text->size;

		if (inet->family != family || inet->kind != kind || inet->file == NULL ||
			(state == CLOSED && kind != NETWORK_RAW && (kind == NETWORK_TCP || !inet->bound)))
			continue;
		local = inet->local;
		if (kind == NETWORK_RAW) {
			/* It has a protocol in the place of a port, and of a number. */
			local.port = htons((uint16_t)inet->protocol);
			number = (unsigned)inet->protocol;
		}
		text_add(text, "%*u:", number_width, number++);
		add_name(text, inet, &local);
		add_name(text, inet, &inet->remote);
		text_add(text, " %02X %08X:%08X %02X:%08X %08X %5u %8d %llu %u %d 0", (unsigned)state,
			(unsigned)inet->sending, (unsigned)(state == LISTENS ? inet->arrival_count : inet->queued), 0u,
			0u, 0u, user != NULL ? user->uid : 0u, 0, (unsigned long long)inet->file->inode,
			inet->file->references, 0);
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
	list_sockets(text, AF_INET, NETWORK_TCP, 4, TCP_WIDTH);
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
	list_sockets(text, AF_INET, NETWORK_UDP, 5, UDP_WIDTH);
}

#define HEADER6                                                                                                        \
	"  sl  local_address                         remote_address                        st tx_queue rx_queue "      \
	"tr tm->when retrnsmt   uid  timeout inode"

void proc_text_net_tcp6(struct text *text, struct process *process, struct call *call)
{
	(void)process;
	(void)call;
	text_add(text, HEADER6 "\n");
	list_sockets(text, AF_INET6, NETWORK_TCP, 4, 0);
}

void proc_text_net_udp6(struct text *text, struct process *process, struct call *call)
{
	(void)process;
	(void)call;
	text_add(text, HEADER6 " ref pointer drops\n");
	list_sockets(text, AF_INET6, NETWORK_UDP, 5, 0);
}

void proc_text_net_raw(struct text *text, struct process *process, struct call *call)
{
	size_t began = text->size;

	(void)process;
	(void)call;
	text_add(text, "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout "
		       "inode ref pointer drops");
	end_line(text, began, 0);
	list_sockets(text, AF_INET, NETWORK_RAW, 4, 0);
}

void proc_text_net_raw6(struct text *text, struct process *process, struct call *call)
{
	(void)process;
	(void)call;
	text_add(text, HEADER6 " ref pointer drops\n");
	list_sockets(text, AF_INET6, NETWORK_RAW, 5, 0);
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

/* As Linux numbers them: of a scope, and flags. */
enum { SCOPE_HOST = 0x10, SCOPE_LINK = 0x20, SCOPE_SITE = 0x40 };
enum { FLAG_DEPRECATED = 0x20, FLAG_TENTATIVE = 0x40, FLAG_PERMANENT = 0x80 };

static unsigned scope_of(const struct in6_addr *ip)
{
	return IN6_IS_ADDR_LOOPBACK(ip)    ? SCOPE_HOST
	       : IN6_IS_ADDR_LINKLOCAL(ip) ? SCOPE_LINK
	       : IN6_IS_ADDR_SITELOCAL(ip) ? SCOPE_SITE
					   : 0;
}

void proc_text_net_if_inet6(struct text *text, struct process *process, struct call *call)
{
	struct network_interface list[INTERFACES_MOST];
	network_settings_t settings;
	unsigned count = network_look(list, INTERFACES_MOST, &settings, true), i, k, at;

	(void)process;
	(void)call;
	for (i = 0; i < count; i++)
		for (k = 0; k < NETWORK_ADDRESSES6; k++) {
			const struct network_address6 *one = &list[i].address6[k];
			struct in6_addr ip;

			memcpy(&ip, one->ip, sizeof ip);
			if (IN6_IS_ADDR_UNSPECIFIED(&ip))
				continue;
			for (at = 0; at < sizeof one->ip; at++)
				text_add(text, "%02x", one->ip[at]);
			text_add(text, " %02x %02x %02x %02x %8s\n", list[i].index, one->prefix, scope_of(&ip),
				(one->flags & NETWORK_PERMANENT ? FLAG_PERMANENT : 0u) |
					(one->flags & NETWORK_TENTATIVE ? FLAG_TENTATIVE : 0u) |
					(one->flags & NETWORK_DEPRECATED ? FLAG_DEPRECATED : 0u),
				list[i].name);
		}
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
