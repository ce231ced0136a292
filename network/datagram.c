/* Sockets of UDP, of ICMP's echo (ping), and raw ones. */
#include "network.h"

#include <lwip/icmp.h>
#include <lwip/inet_chksum.h>
#include <lwip/ip.h>
#include <lwip/pbuf.h>
#include <lwip/prot/icmp.h>
#include <lwip/prot/udp.h>
#include <lwip/raw.h>
#include <lwip/udp.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define BYTES_MOST 212992u /* that wait with a socket, what they take besides included */

/* The data is the socket's; what finds no room is dropped. */
static void arrived(struct socket *socket, struct pbuf *data, const ip_addr_t *from, uint16_t port)
{
	struct datagram *datagram;

	if (socket->port == MACH_PORT_NULL || socket->datagram_bytes + data->tot_len > BYTES_MOST ||
		!(datagram = malloc(sizeof *datagram))) {
		pbuf_free(data);
		return;
	}
	*datagram = (struct datagram){NULL, address_of(from, port), data};
	*socket->datagrams_end = datagram;
	socket->datagrams_end = &datagram->next;
	socket->datagram_bytes += data->tot_len;
	tell(socket);
}

static void udp_received(void *argument, struct udp_pcb *udp, struct pbuf *data, const ip_addr_t *from, uint16_t port)
{
	(void)udp;
	arrived(argument, data, from, port);
}

/* Others may want it, too: it is copied, and stays lwIP's. */
static uint8_t raw_received(void *argument, struct raw_pcb *raw, struct pbuf *data, const ip_addr_t *from)
{
	struct socket *socket = argument;
	unsigned header = ip_current_header_tot_len();
	struct icmp_echo_hdr echo;
	struct pbuf *copy;

	(void)raw;
	if (socket->kind == NETWORK_PING) {
		if (pbuf_copy_partial(data, &echo, sizeof echo, (uint16_t)header) != sizeof echo ||
			echo.type != ICMP_ER || echo.id != socket->ping)
			return 0;
	}
	copy = pbuf_clone(PBUF_RAW, PBUF_RAM, data);
	if (copy && socket->kind == NETWORK_PING)
		pbuf_remove_header(copy, header);
	if (copy)
		arrived(socket, copy, from, 0);
	return 0;
}

bool datagram_start(struct socket *socket, unsigned protocol)
{
	if (socket->kind == NETWORK_UDP) {
		socket->udp = udp_new_ip_type(IPADDR_TYPE_V4);
		if (socket->udp)
			udp_recv(socket->udp, udp_received, socket);
		return socket->udp != NULL;
	}
	socket->raw = raw_new_ip_type(IPADDR_TYPE_V4, socket->kind == NETWORK_PING ? IP_PROTO_ICMP : (uint8_t)protocol);
	if (socket->raw)
		raw_recv(socket->raw, raw_received, socket);
	return socket->raw != NULL;
}

/* Which identifiers nobody has. */
static unsigned ping_bind(struct socket *socket, uint16_t id)
{
	for (unsigned tries = 0; tries < UINT16_MAX; tries++) {
		uint16_t number = id != 0 ? lwip_htons(id) : (uint16_t)network_random();
		bool is_free = number != 0;

		for (const struct socket *one = sockets_first(); one && is_free; one = one->next)
			is_free = one->kind != NETWORK_PING || one->ping != number;
		if (is_free) {
			socket->ping = number;
			return 0;
		}
		if (id != 0)
			break;
	}
	return EADDRINUSE;
}

unsigned datagram_bind(struct socket *socket, const ip_addr_t *ip, uint16_t port)
{
	if (socket->kind == NETWORK_UDP)
		return errno_of(udp_bind(socket->udp, ip, port));
	raw_bind(socket->raw, ip);
	return socket->kind == NETWORK_PING ? ping_bind(socket, port) : 0;
}

unsigned datagram_connect(struct socket *socket, const ip_addr_t *ip, uint16_t port)
{
	ip_addr_t loopback;

	if (!ip) {
		if (socket->kind == NETWORK_UDP)
			udp_disconnect(socket->udp);
		else
			raw_disconnect(socket->raw);
		return 0;
	}
	if (ip_addr_isany(ip)) {
		ip_addr_set_loopback(0, &loopback);
		ip = &loopback;
	}
	if (!ip_route(IP4_ADDR_ANY, ip))
		return ENETUNREACH;
	if (socket->kind == NETWORK_PING && socket->ping == 0 && ping_bind(socket, 0) != 0)
		return EADDRINUSE;
	if (socket->kind != NETWORK_UDP)
		return errno_of(raw_connect(socket->raw, ip));
	return errno_of(udp_connect(socket->udp, ip, port));
}

/* The identifier and the checksum are ours to set. False: it is no echo request. */
static bool make_echo(const struct socket *socket, struct pbuf *data)
{
	struct icmp_echo_hdr *echo = data->payload;

	if (data->len < sizeof *echo || echo->type != ICMP_ECHO || echo->code != 0)
		return false;
	echo->id = socket->ping;
	echo->chksum = 0;
	echo->chksum = inet_chksum_pbuf(data);
	return true;
}

unsigned datagram_send(struct socket *socket, const ip_addr_t *ip, uint16_t port, const void *bytes, unsigned size)
{
	struct pbuf *data = pbuf_alloc(PBUF_TRANSPORT, (uint16_t)size, PBUF_RAM);
	ip_addr_t loopback;
	unsigned error = 0;
	err_t result;

	if (!data)
		return ENOBUFS;
	pbuf_take(data, bytes, (uint16_t)size);
	if (ip && ip_addr_isany(ip)) {
		ip_addr_set_loopback(0, &loopback);
		ip = &loopback;
	}
	if (socket->kind == NETWORK_PING && socket->ping == 0)
		error = ping_bind(socket, 0);
	if (error == 0 && socket->kind == NETWORK_PING && !make_echo(socket, data))
		error = EINVAL;
	if (error == 0) {
		if (socket->kind == NETWORK_UDP)
			result = ip ? udp_sendto(socket->udp, data, ip, port) : udp_send(socket->udp, data);
		else
			result = ip ? raw_sendto(socket->raw, data, ip) : raw_send(socket->raw, data);
		/* To a broadcast address without the option. */
		error = result == ERR_VAL ? EACCES : result == ERR_MEM ? 0 : errno_of(result);
	}
	pbuf_free(data);
	return error;
}

void datagram_option(struct socket *socket, unsigned option, unsigned value)
{
	struct ip_pcb *ip = socket->kind == NETWORK_UDP ? (struct ip_pcb *)socket->udp : (struct ip_pcb *)socket->raw;
	unsigned bit = option == NETWORK_REUSE_ADDRESS ? SOF_REUSEADDR
		       : option == NETWORK_BROADCAST   ? SOF_BROADCAST
						       : 0;

	if (bit != 0 && value)
		ip_set_option(ip, bit);
	else if (bit != 0)
		ip_reset_option(ip, bit);
	else if (option == NETWORK_TTL)
		ip->ttl = (uint8_t)value;
	else if (option == NETWORK_TOS)
		ip->tos = (uint8_t)value;
}

void datagram_close(struct socket *socket)
{
	if (socket->udp && socket->kind == NETWORK_UDP)
		udp_remove(socket->udp);
	else if (socket->raw)
		raw_remove(socket->raw);
	socket_free(socket);
}

network_address_t datagram_local(const struct socket *socket)
{
	if (!socket->udp)
		return (network_address_t){.family = 0};
	if (socket->kind == NETWORK_UDP)
		return address_of(&socket->udp->local_ip, socket->udp->local_port);
	return address_of(&socket->raw->local_ip, lwip_ntohs(socket->ping));
}

/* --- Datagrams that found nobody: who is connected there hears of it. */

static uint8_t unreachable(void *argument, struct raw_pcb *raw, struct pbuf *data, const ip_addr_t *from)
{
	unsigned at = ip_current_header_tot_len();
	struct icmp_echo_hdr icmp;
	struct ip_hdr ip;
	struct udp_hdr udp;
	ip_addr_t to;

	(void)argument;
	(void)raw;
	(void)from;
	if (pbuf_copy_partial(data, &icmp, sizeof icmp, (uint16_t)at) != sizeof icmp || icmp.type != ICMP_DUR)
		return 0;
	at += (unsigned)sizeof icmp;
	if (pbuf_copy_partial(data, &ip, sizeof ip, (uint16_t)at) != sizeof ip || IPH_PROTO(&ip) != IP_PROTO_UDP)
		return 0;
	at += IPH_HL_BYTES(&ip);
	if (pbuf_copy_partial(data, &udp, sizeof udp, (uint16_t)at) != sizeof udp)
		return 0;
	ip_addr_copy_from_ip4(to, ip.dest);
	for (struct socket *socket = sockets_first(); socket; socket = socket->next) {
		if (socket->kind != NETWORK_UDP || !socket->udp || !(udp_flags(socket->udp) & UDP_FLAGS_CONNECTED) ||
			socket->udp->local_port != lwip_ntohs(udp.src) ||
			socket->udp->remote_port != lwip_ntohs(udp.dest) || !ip_addr_cmp(&socket->udp->remote_ip, &to))
			continue;
		socket->failed = true;
		socket->failed_error = icmp.code == ICMP_DUR_PORT ? ECONNREFUSED : EHOSTUNREACH;
		tell(socket);
	}
	return 0;
}

void datagram_errors_start(void)
{
	struct raw_pcb *raw = raw_new_ip_type(IPADDR_TYPE_V4, IP_PROTO_ICMP);

	if (raw)
		raw_recv(raw, unreachable, NULL);
}
