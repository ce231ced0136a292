/* What ICMP says of packets that found nobody: who sent them to a peer, or is connecting to one, hears of it. */
#include "network.h"

#include <lwip/icmp.h>
#include <lwip/icmp6.h>
#include <lwip/ip.h>
#include <lwip/pbuf.h>
#include <lwip/prot/icmp.h>
#include <lwip/prot/icmp6.h>
#include <lwip/prot/ip4.h>
#include <lwip/prot/ip6.h>
#include <lwip/raw.h>
#include <lwip/udp.h>

#include <errno.h>
#include <string.h>

/* The packet that found nobody: as much of it as is needed, and ICMP brings at least. */
struct lost {
	uint8_t protocol;
	ip_addr_t to;
	uint16_t from_port, to_port;
	unsigned error;
};

static const unsigned errors[] = {ENETUNREACH, EHOSTUNREACH, ENOPROTOOPT, ECONNREFUSED};
static const unsigned errors6[] = {ENETUNREACH, EACCES, EHOSTUNREACH, EHOSTUNREACH, ECONNREFUSED};

static void hear(const struct lost *lost)
{
	for (struct socket *socket = sockets_first(); socket; socket = socket->next) {
		if (lost->protocol == IP_PROTO_TCP && stream_is_lost(socket, &lost->to, lost->from_port, lost->to_port))
			stream_refuse(socket, lost->error);
		if (lost->protocol == IP_PROTO_UDP && socket->kind == NETWORK_UDP && socket->udp &&
			(udp_flags(socket->udp) & UDP_FLAGS_CONNECTED) && socket->udp->local_port == lost->from_port &&
			socket->udp->remote_port == lost->to_port && ip_addr_cmp(&socket->udp->remote_ip, &lost->to)) {
			socket->failed = true;
			socket->failed_error = lost->error;
			tell(socket);
		}
	}
}

/* The ports, with which UDP's header begins as TCP's does. */
static bool take_ports(struct lost *lost, const struct pbuf *data, unsigned at)
{
	uint16_t ports[2];

	if (pbuf_copy_partial(data, ports, sizeof ports, (uint16_t)at) != sizeof ports)
		return false;
	lost->from_port = lwip_ntohs(ports[0]);
	lost->to_port = lwip_ntohs(ports[1]);
	return true;
}

static uint8_t unreachable(void *argument, struct raw_pcb *raw, struct pbuf *data, const ip_addr_t *from)
{
	unsigned at = ip_current_header_tot_len();
	struct lost lost;
	struct icmp_echo_hdr icmp; /* all begin alike */
	struct ip_hdr ip;

	(void)argument;
	(void)raw;
	(void)from;
	if (pbuf_copy_partial(data, &icmp, sizeof icmp, (uint16_t)at) != sizeof icmp || icmp.type != ICMP_DUR ||
		icmp.code >= sizeof errors / sizeof errors[0])
		return 0;
	at += (unsigned)sizeof icmp;
	if (pbuf_copy_partial(data, &ip, sizeof ip, (uint16_t)at) != sizeof ip)
		return 0;
	lost.protocol = IPH_PROTO(&ip);
	lost.error = errors[icmp.code];
	ip_addr_copy_from_ip4(lost.to, ip.dest);
	if (take_ports(&lost, data, at + IPH_HL_BYTES(&ip)))
		hear(&lost);
	return 0;
}

static uint8_t unreachable6(void *argument, struct raw_pcb *raw, struct pbuf *data, const ip_addr_t *from)
{
	unsigned at = ip_current_header_tot_len();
	struct lost lost;
	struct icmp6_hdr icmp;
	struct ip6_hdr ip;

	(void)argument;
	(void)raw;
	(void)from;
	if (pbuf_copy_partial(data, &icmp, sizeof icmp, (uint16_t)at) != sizeof icmp || icmp.type != ICMP6_TYPE_DUR ||
		icmp.code >= sizeof errors6 / sizeof errors6[0])
		return 0;
	at += (unsigned)sizeof icmp;
	if (pbuf_copy_partial(data, &ip, sizeof ip, (uint16_t)at) != sizeof ip)
		return 0;
	lost.protocol = IP6H_NEXTH(&ip);
	lost.error = errors6[icmp.code];
	ip_addr_copy_from_ip6_packed(lost.to, ip.dest);
	ip6_addr_assign_zone(ip_2_ip6(&lost.to), IP6_UNKNOWN, ip_current_input_netif());
	if (take_ports(&lost, data, at + IP6_HLEN))
		hear(&lost);
	return 0;
}

void errors_start(void)
{
	struct raw_pcb *raw = raw_new_ip_type(IPADDR_TYPE_V4, IP_PROTO_ICMP);
	struct raw_pcb *raw6 = raw_new_ip_type(IPADDR_TYPE_V6, IP6_NEXTH_ICMP6);

	if (raw)
		raw_recv(raw, unreachable, NULL);
	if (raw6)
		raw_recv(raw6, unreachable6, NULL);
}
