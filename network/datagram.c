/* Sockets of UDP, of ICMP's echo (ping), and raw ones. */
#include "network.h"

#include <lwip/icmp.h>
#include <lwip/icmp6.h>
#include <lwip/inet_chksum.h>
#include <lwip/ip.h>
#include <lwip/pbuf.h>
#include <lwip/prot/icmp.h>
#include <lwip/prot/icmp6.h>
#include <lwip/raw.h>
#include <lwip/udp.h>

#include <errno.h>
#include <stddef.h>
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
	struct icmp_echo_hdr echo; /* ICMPv6 has the same */
	struct pbuf *copy;
	bool is_v6 = IP_IS_V6(from);

	(void)raw;
	if (socket->kind == NETWORK_PING) {
		if (pbuf_copy_partial(data, &echo, sizeof echo, (uint16_t)header) != sizeof echo ||
			echo.type != (is_v6 ? ICMP6_TYPE_EREP : ICMP_ER) || echo.id != socket->ping)
			return 0;
	}
	copy = pbuf_clone(PBUF_RAW, PBUF_RAM, data);
	/* Of IPv6 a raw socket, too, gets what is in the packet (RFC 3542, 3). */
	if (copy && (socket->kind == NETWORK_PING || is_v6))
		pbuf_remove_header(copy, header);
	if (copy)
		arrived(socket, copy, from, 0);
	return 0;
}

bool datagram_start(struct socket *socket, unsigned protocol)
{
	bool is_v6 = socket->type != IPADDR_TYPE_V4;

	if (socket->kind == NETWORK_UDP) {
		socket->udp = udp_new_ip_type(socket->type);
		if (socket->udp)
			udp_recv(socket->udp, udp_received, socket);
		return socket->udp != NULL;
	}
	/* Of these none is of both. */
	socket->type = is_v6 ? IPADDR_TYPE_V6 : IPADDR_TYPE_V4;
	if (socket->kind == NETWORK_PING)
		protocol = is_v6 ? IP6_NEXTH_ICMP6 : IP_PROTO_ICMP;
	socket->raw = raw_new_ip_type(socket->type, (uint8_t)protocol);
	if (socket->raw && is_v6 && protocol == IP6_NEXTH_ICMP6) {
		socket->raw->chksum_reqd = 1;
		socket->raw->chksum_offset = offsetof(struct icmp6_hdr, chksum);
	}
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

/* lwIP asks itself but for one thing: whether any address of both families is one of IPv6. */
static bool udp_is_free(const struct socket *socket, const ip_addr_t *ip, uint16_t port)
{
	for (const struct udp_pcb *one = udp_pcbs; one && port != 0; one = one->next)
		if (one != socket->udp && one->local_port == port && addresses_overlap(ip, &one->local_ip) &&
			!(ip_get_option(one, SOF_REUSEADDR) && ip_get_option(socket->udp, SOF_REUSEADDR)))
			return false;
	return true;
}

unsigned datagram_bind(struct socket *socket, const ip_addr_t *ip, uint16_t port)
{
	if (socket->kind == NETWORK_UDP)
		return udp_is_free(socket, ip, port) ? errno_of(udp_bind(socket->udp, ip, port)) : EADDRINUSE;
	raw_bind(socket->raw, ip);
	return socket->kind == NETWORK_PING ? ping_bind(socket, port) : 0;
}

unsigned datagram_connect(struct socket *socket, const ip_addr_t *ip, uint16_t port)
{
	struct ip_pcb *own = socket_ip(socket);
	ip_addr_t to, from;

	/* The address that the way to the last peer had is not the next one's. */
	if (socket->chosen) {
		ip_addr_set_zero(&own->local_ip);
		IP_SET_TYPE_VAL(own->local_ip, socket->type);
		socket->chosen = false;
	}
	if (!ip) {
		if (socket->kind == NETWORK_UDP)
			udp_disconnect(socket->udp);
		else
			raw_disconnect(socket->raw);
		IP_SET_TYPE_VAL(own->remote_ip, socket->type);
		return 0;
	}
	if (address_way(&own->local_ip, ip, &to, &from) != 0)
		return ENETUNREACH;
	if (socket->kind == NETWORK_PING && socket->ping == 0 && ping_bind(socket, 0) != 0)
		return EADDRINUSE;
	/* It gets a port first, with an address of both families if that is its own. */
	if (socket->kind == NETWORK_UDP && errno_of(udp_connect(socket->udp, &to, port)) != 0)
		return ENOBUFS;
	if (socket->kind != NETWORK_UDP && errno_of(raw_connect(socket->raw, &to)) != 0)
		return ENOBUFS;
	if (ip_addr_isany(&own->local_ip) && !ip_addr_ismulticast(&to)) {
		ip_addr_copy(own->local_ip, from);
		socket->chosen = true;
	}
	return 0;
}

/* The identifier and the checksum are ours to set (that of ICMPv6 lwIP's). False: it is no echo request. */
static bool make_echo(const struct socket *socket, struct pbuf *data)
{
	struct icmp_echo_hdr *echo = data->payload;
	bool is_v6 = socket->type == IPADDR_TYPE_V6;

	if (data->len < sizeof *echo || echo->type != (is_v6 ? ICMP6_TYPE_EREQ : ICMP_ECHO) || echo->code != 0)
		return false;
	echo->id = socket->ping;
	echo->chksum = 0;
	if (!is_v6)
		echo->chksum = inet_chksum_pbuf(data);
	return true;
}

static err_t send_to(struct socket *socket, struct pbuf *data, const ip_addr_t *to, uint16_t port)
{
	if (socket->kind == NETWORK_UDP)
		return to ? udp_sendto(socket->udp, data, to, port) : udp_send(socket->udp, data);
	return to ? raw_sendto(socket->raw, data, to) : raw_send(socket->raw, data);
}

unsigned datagram_send(struct socket *socket, const ip_addr_t *ip, uint16_t port, const void *bytes, unsigned size)
{
	struct pbuf *data = pbuf_alloc(PBUF_TRANSPORT, (uint16_t)size, PBUF_RAM);
	ip_addr_t to, from;
	unsigned error = 0;
	err_t result;

	if (!data)
		return ENOBUFS;
	pbuf_take(data, bytes, (uint16_t)size);
	if (ip)
		error = address_way(&socket_ip(socket)->local_ip, ip, &to, &from);
	if (error == 0 && socket->kind == NETWORK_PING && socket->ping == 0)
		error = ping_bind(socket, 0);
	if (error == 0 && socket->kind == NETWORK_PING && !make_echo(socket, data))
		error = EINVAL;
	/* lwIP writes the checksum without asking whether there is room for it. */
	if (error == 0 && socket->kind == NETWORK_RAW && socket->raw->chksum_reqd && size < sizeof(struct icmp6_hdr))
		error = EINVAL;
	if (error == 0) {
		result = send_to(socket, data, ip ? &to : NULL, port);
		/* To a broadcast address without the option. */
		error = result == ERR_VAL ? EACCES : result == ERR_MEM ? 0 : errno_of(result);
	}
	pbuf_free(data);
	return error;
}

void datagram_option(struct socket *socket, unsigned option, unsigned value)
{
	struct ip_pcb *ip = socket_ip(socket);
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
