/* Sockets: their ports, and the requests that come by them (network.defs). */
#include "network.h"

#include <lwip/ip.h>
#include <lwip/netif.h>
#include <lwip/pbuf.h>
#include <mach/notify_server.h>
#include <mach/server.h>
#include <servers/network_server.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

static struct socket *sockets;

struct socket *sockets_first(void)
{
	return sockets;
}

unsigned errno_of(err_t error)
{
	switch (error) {
	case ERR_OK:
		return 0;
	case ERR_MEM:
	case ERR_BUF:
		return ENOBUFS;
	case ERR_TIMEOUT:
		return ETIMEDOUT;
	case ERR_RTE:
		return ENETUNREACH;
	case ERR_INPROGRESS:
		return EINPROGRESS;
	case ERR_USE:
		return EADDRINUSE;
	case ERR_ALREADY:
		return EALREADY;
	case ERR_ISCONN:
		return EISCONN;
	case ERR_CONN:
	case ERR_CLSD:
		return ENOTCONN;
	case ERR_ABRT:
		return ECONNABORTED;
	case ERR_RST:
		return ECONNRESET;
	default:
		return EINVAL;
	}
}

network_address_t address_of(const ip_addr_t *ip, uint16_t port)
{
	network_address_t address = {.family = AF_INET, .port = lwip_htons(port)};

	if (IP_IS_V4(ip)) {
		memcpy(address.ip, &ip_2_ip4(ip)->addr, sizeof ip_2_ip4(ip)->addr);
		return address;
	}
	address.family = AF_INET6;
	if (!IP_IS_V6(ip))
		return address; /* any, of both */
	memcpy(address.ip, ip_2_ip6(ip)->addr, sizeof address.ip);
	address.scope = ip6_addr_zone(ip_2_ip6(ip));
	return address;
}

bool address_in(const struct socket *socket, const network_address_t *address, ip_addr_t *ip, uint16_t *port)
{
	uint32_t number;

	*port = lwip_ntohs(address->port);
	if (address->family == AF_INET && socket->type != IPADDR_TYPE_V6) {
		memcpy(&number, address->ip, sizeof number);
		ip_addr_set_ip4_u32(ip, number);
		return true;
	}
	if (address->family != AF_INET6 || socket->type == IPADDR_TYPE_V4)
		return false;
	ip_addr_set_zero_ip6(ip);
	memcpy(ip_2_ip6(ip)->addr, address->ip, sizeof address->ip);
	if (ip6_addr_has_scope(ip_2_ip6(ip), IP6_UNKNOWN))
		ip6_addr_set_zone(ip_2_ip6(ip), (uint8_t)address->scope);
	return true;
}

bool addresses_overlap(const ip_addr_t *one, const ip_addr_t *other)
{
	if (IP_IS_ANY_TYPE_VAL(*one) || IP_IS_ANY_TYPE_VAL(*other))
		return true;
	return IP_GET_TYPE(one) == IP_GET_TYPE(other) &&
	       (ip_addr_isany(one) || ip_addr_isany(other) || ip_addr_cmp(one, other));
}

unsigned address_way(const ip_addr_t *local, const ip_addr_t *ip, ip_addr_t *to, ip_addr_t *from)
{
	const ip_addr_t *source;
	struct netif *netif;

	if (ip_addr_isany(ip))
		ip_addr_set_loopback(IP_IS_V6(ip) && !IP_IS_V4(local), to);
	else
		ip_addr_copy(*to, *ip);
	if (!IP_IS_ANY_TYPE_VAL(*local) && IP_GET_TYPE(local) != IP_GET_TYPE(to))
		return ENETUNREACH;
	netif = ip_route(local, to);
	source = !netif ? NULL : ip_addr_isany(local) ? ip_netif_get_local_ip(netif, to) : local;
	if (!source)
		return ENETUNREACH;
	ip_addr_copy(*from, *source);
	if (!IP_IS_V6(to))
		return 0;
	/* lwIP has an interface for everything; but what is on this machine or this link alone goes no further. */
	if (ip6_addr_isloopback(ip_2_ip6(source)) != ip6_addr_isloopback(ip_2_ip6(to)))
		return ENETUNREACH;
	return ip6_addr_islinklocal(ip_2_ip6(source)) && !ip6_addr_islinklocal(ip_2_ip6(to)) &&
			       !ip6_addr_ismulticast(ip_2_ip6(to))
		       ? ENETUNREACH
		       : 0;
}

/* --- Life. */

struct socket *socket_create(unsigned kind, mach_port_t port)
{
	struct socket *socket = calloc(1, sizeof *socket);

	if (!socket)
		return NULL;
	socket->kind = kind;
	socket->port = port;
	socket->in_end = &socket->in;
	socket->arrived_end = &socket->arrived;
	socket->datagrams_end = &socket->datagrams;
	if (mach_port_set_protected_payload(mach_task_self(), port, (uintptr_t)socket) != KERN_SUCCESS ||
		mach_port_move_member(mach_task_self(), port, port_set) != KERN_SUCCESS ||
		mach_server_notify_no_senders(port) != KERN_SUCCESS) {
		free(socket);
		return NULL;
	}
	socket->next = sockets;
	socket->link = &sockets;
	if (sockets)
		sockets->link = &socket->next;
	sockets = socket;
	return socket;
}

void socket_free(struct socket *socket)
{
	struct datagram *datagram;
	struct piece *piece;

	tell_forget(socket);
	*socket->link = socket->next;
	if (socket->next)
		socket->next->link = socket->link;
	if (socket->port != MACH_PORT_NULL)
		mach_port_mod_refs(mach_task_self(), socket->port, MACH_PORT_RIGHT_RECEIVE, -1);
	while ((piece = socket->in)) {
		socket->in = piece->next;
		pbuf_free(piece->data);
		free(piece);
	}
	if (socket->out)
		pbuf_free(socket->out);
	while ((datagram = socket->datagrams)) {
		socket->datagrams = datagram->next;
		pbuf_free(datagram->data);
		free(datagram);
	}
	free(socket);
}

/* Nobody has a right to it any more. */
static void end(struct socket *socket)
{
	if (socket->port == MACH_PORT_NULL)
		return;
	mach_port_mod_refs(mach_task_self(), socket->port, MACH_PORT_RIGHT_RECEIVE, -1);
	socket->port = MACH_PORT_NULL;
	/* One that nobody has accepted is refused, if late. */
	socket->abort |= socket->id == 0;
	if (socket->kind == NETWORK_TCP)
		stream_close(socket);
	else
		datagram_close(socket);
}

void sockets_end(void)
{
	struct socket *next;

	/* Listeners first, with the connections that they have not told of. What is leaving leaves. */
	for (struct socket *socket = sockets; socket; socket = next) {
		next = socket->next;
		if (!socket->listening)
			continue;
		end(socket);
		next = sockets; /* others may have gone with it */
	}
	for (struct socket *socket = sockets; socket; socket = next) {
		next = socket->next;
		end(socket);
	}
}

struct ip_pcb *socket_ip(const struct socket *socket)
{
	return socket->kind == NETWORK_TCP   ? (struct ip_pcb *)socket->tcp
	       : socket->kind == NETWORK_UDP ? (struct ip_pcb *)socket->udp
					     : (struct ip_pcb *)socket->raw;
}

/* The socket of the port by which the request came; null: another's. */
static struct socket *request_socket(void)
{
	void *object = mach_request_object();

	return object == &service_object || card_is_request() ? NULL : object;
}

kern_return_t S_mach_notify_no_senders(mach_port_t notify, mach_port_mscount_t count)
{
	struct socket *socket = request_socket();

	(void)notify;
	(void)count;
	if (socket)
		end(socket);
	return KERN_SUCCESS;
}

/* --- Requests. */

kern_return_t S_network_attach(mach_port_t network, mach_port_t client)
{
	(void)network;
	if (mach_request_object() != &service_object)
		return KERN_INVALID_ARGUMENT;
	sockets_end();
	client_set(client);
	return KERN_SUCCESS;
}

kern_return_t S_network_report(mach_port_t network)
{
	(void)network;
	tell_interfaces();
	return KERN_SUCCESS;
}

static void fail(struct socket *socket, unsigned error)
{
	socket->failed = true;
	socket->failed_error = error;
	tell(socket);
}

kern_return_t S_network_socket(
	mach_port_t network, mach_port_t port, uint64_t id, unsigned kind, unsigned family, unsigned protocol)
{
	struct socket *socket;
	bool started;

	(void)network;
	if (mach_request_object() != &service_object || id == 0 || kind < NETWORK_TCP || kind > NETWORK_RAW)
		return KERN_INVALID_ARGUMENT;
	socket = socket_create(kind, port);
	if (!socket)
		return KERN_RESOURCE_SHORTAGE; /* and the right goes with the message: its senders see a dead name */
	socket->id = id;
	socket->type = family == AF_INET6 ? IPADDR_TYPE_ANY : IPADDR_TYPE_V4;
	started = kind == NETWORK_TCP ? stream_start(socket) : datagram_start(socket, protocol);
	if (!started || (family != AF_INET && family != AF_INET6))
		fail(socket, started ? EAFNOSUPPORT : ENOBUFS);
	return KERN_SUCCESS;
}

static void done(struct socket *socket, unsigned error)
{
	socket->done = true;
	socket->done_error = error;
	tell(socket);
}

/* Whether a socket may have the address: any, an interface's, or (to hear what is
 * said to several) a broadcast or a group's. */
static bool is_ours(const ip_addr_t *ip)
{
	struct netif *netif;

	if (ip_addr_isany(ip) || ip_addr_ismulticast(ip))
		return true;
	NETIF_FOREACH(netif)
	if (IP_IS_V6(ip) ? netif_get_ip6_addr_match(netif, ip_2_ip6(ip)) >= 0
			 : ip4_addr_cmp(ip_2_ip4(ip), netif_ip4_addr(netif)) ||
				   ip4_addr_isbroadcast(ip_2_ip4(ip), netif))
		return true;
	return false;
}

kern_return_t S_network_bind(mach_port_t port, network_address_t address)
{
	struct socket *socket = request_socket();
	ip_addr_t ip;
	uint16_t number;

	(void)port;
	if (!socket)
		return KERN_INVALID_ARGUMENT;
	if (!socket->tcp) {
		done(socket, EINVAL);
	} else if (!address_in(socket, &address, &ip, &number)) {
		done(socket, EAFNOSUPPORT);
	} else if (!is_ours(&ip)) {
		done(socket, EADDRNOTAVAIL);
	} else {
		/* :: is any of both, unless it is to be IPv6's alone. */
		if (IP_IS_V6(&ip) && ip_addr_isany(&ip))
			IP_SET_TYPE(&ip, socket->type);
		done(socket, socket->kind == NETWORK_TCP ? stream_bind(socket, &ip, number)
							 : datagram_bind(socket, &ip, number));
	}
	return KERN_SUCCESS;
}

kern_return_t S_network_connect(mach_port_t port, network_address_t address)
{
	struct socket *socket = request_socket();
	bool stream;
	ip_addr_t ip;
	uint16_t number;
	unsigned error;

	(void)port;
	if (!socket)
		return KERN_INVALID_ARGUMENT;
	stream = socket->kind == NETWORK_TCP;
	if (!socket->tcp)
		error = EINVAL;
	else if (!stream && address.family == 0)
		error = datagram_connect(socket, NULL, 0);
	else if (!address_in(socket, &address, &ip, &number))
		error = EAFNOSUPPORT;
	else
		error = stream ? stream_connect(socket, &ip, number) : datagram_connect(socket, &ip, number);
	if (error != 0 || !stream)
		done(socket, error);
	return KERN_SUCCESS;
}

kern_return_t S_network_listen(mach_port_t port, unsigned backlog)
{
	struct socket *socket = request_socket();

	(void)port;
	if (!socket || socket->kind != NETWORK_TCP)
		return KERN_INVALID_ARGUMENT;
	done(socket, socket->tcp ? stream_listen(socket, backlog) : EINVAL);
	return KERN_SUCCESS;
}

kern_return_t S_network_adopt(mach_port_t port, uint64_t id)
{
	struct socket *socket = request_socket();

	(void)port;
	if (!socket || socket->id != 0 || id == 0)
		return KERN_INVALID_ARGUMENT;
	socket->id = id;
	stream_adopted(socket);
	tell(socket);
	return KERN_SUCCESS;
}

kern_return_t S_network_send(mach_port_t port, const char *data, mach_msg_type_number_t count)
{
	struct socket *socket = request_socket();

	(void)port;
	if (!socket || socket->kind != NETWORK_TCP)
		return KERN_INVALID_ARGUMENT;
	stream_send(socket, data, count);
	socket->messages++;
	tell(socket);
	return KERN_SUCCESS;
}

kern_return_t S_network_send_to(
	mach_port_t port, network_address_t address, const char *data, mach_msg_type_number_t count)
{
	struct socket *socket = request_socket();
	unsigned error = EINVAL;
	ip_addr_t ip;
	uint16_t number = 0;

	(void)port;
	if (!socket || socket->kind == NETWORK_TCP)
		return KERN_INVALID_ARGUMENT;
	if (socket->udp && (address.family == 0 || address_in(socket, &address, &ip, &number)))
		error = datagram_send(socket, address.family == 0 ? NULL : &ip, number, data, count);
	if (error != 0)
		fail(socket, error);
	socket->messages++;
	tell(socket);
	return KERN_SUCCESS;
}

kern_return_t S_network_taken(mach_port_t port, unsigned bytes)
{
	struct socket *socket = request_socket();

	(void)port;
	if (!socket || socket->kind != NETWORK_TCP)
		return KERN_INVALID_ARGUMENT;
	stream_taken(socket, bytes);
	return KERN_SUCCESS;
}

kern_return_t S_network_shut(mach_port_t port, unsigned how)
{
	struct socket *socket = request_socket();

	(void)port;
	if (!socket || socket->kind != NETWORK_TCP)
		return KERN_INVALID_ARGUMENT;
	if (how & NETWORK_SHUT_OUT)
		stream_shut(socket);
	return KERN_SUCCESS;
}

/* As long as it has no name. */
static void only_ipv6(struct socket *socket, bool only)
{
	uint8_t type = only ? IPADDR_TYPE_V6 : IPADDR_TYPE_ANY;
	struct ip_pcb *ip = socket_ip(socket);

	if (socket->type == IPADDR_TYPE_V4 || !ip || socket->listening || IP_GET_TYPE(&ip->local_ip) != socket->type)
		return;
	socket->type = type;
	IP_SET_TYPE_VAL(ip->local_ip, type);
	IP_SET_TYPE_VAL(ip->remote_ip, type);
}

kern_return_t S_network_option(mach_port_t port, unsigned option, unsigned value)
{
	struct socket *socket = request_socket();

	(void)port;
	if (!socket)
		return KERN_INVALID_ARGUMENT;
	if (option == NETWORK_ONLY_IPV6)
		only_ipv6(socket, value != 0);
	else if (socket->tcp && socket->kind == NETWORK_TCP)
		stream_option(socket, option, value);
	else if (socket->tcp)
		datagram_option(socket, option, value);
	socket->messages++;
	tell(socket);
	return KERN_SUCCESS;
}
