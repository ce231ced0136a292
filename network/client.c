/*
 * What the client is told. A message that finds its queue full is not sent; what it would have said stays with its
 * socket, which stays on the list of those that have something to tell, and is said at the next try.
 */
#include "network.h"

#include <lwip/pbuf.h>
#include <servers/network_client_user.h>

#include <stdlib.h>
#include <string.h>

static mach_port_t client; /* send right; null: none */
static struct socket *first, **end = &first;
static bool interfaces;

void tell(struct socket *socket)
{
	if (socket->telling || socket->port == MACH_PORT_NULL)
		return;
	socket->telling = true;
	socket->telling_next = NULL;
	*end = socket;
	end = &socket->telling_next;
}

void tell_forget(struct socket *socket)
{
	struct socket **link = &first;

	if (!socket->telling)
		return;
	while (*link != socket)
		link = &(*link)->telling_next;
	*link = socket->telling_next;
	if (!*link)
		end = link;
	socket->telling = false;
}

void tell_interfaces(void)
{
	interfaces = true;
}

void client_set(mach_port_t port)
{
	if (client != MACH_PORT_NULL)
		mach_port_deallocate(mach_task_self(), client);
	client = port;
	interfaces = true;
}

/* False: no room. Of a client that is no more all is as good as said. */
static bool sent(kern_return_t result)
{
	return result != MACH_SEND_TIMED_OUT && result != MACH_SEND_NO_BUFFER;
}

static bool tell_of_interfaces(void)
{
	struct network_interface list[NETWORK_INTERFACES_SIZE / sizeof(struct network_interface)];
	network_settings_t settings;
	unsigned count = interfaces_list(list, sizeof list / sizeof list[0], &settings);

	return sent(network_interfaces(client, settings, (const char *)list, count * (unsigned)sizeof list[0]));
}

static network_address_t local_of(const struct socket *socket)
{
	return socket->kind == NETWORK_TCP ? stream_local(socket) : datagram_local(socket);
}

static bool tell_done(struct socket *socket)
{
	network_address_t local = local_of(socket);

	if (!sent(network_done(client, socket->id, socket->done_error, local)))
		return false;
	socket->done = false;
	return true;
}

/* The right to the connection goes along. */
static bool tell_arrived(struct socket *listener)
{
	struct socket *socket = listener->arrived;
	network_address_t remote = stream_remote(socket), local = stream_local(socket);

	if (!sent(network_arrived(client, listener->id, socket->port, remote, local)))
		return false;
	listener->arrived = socket->arrived_next;
	if (!listener->arrived)
		listener->arrived_end = &listener->arrived;
	return true;
}

static bool tell_data(struct socket *socket)
{
	static char data[NETWORK_DATA_SIZE];
	struct piece *piece;
	unsigned size = 0;

	for (piece = socket->in; piece && size < sizeof data; piece = piece->next)
		size += pbuf_copy_partial(piece->data, data + size, (uint16_t)(sizeof data - size), 0);
	if (!sent(network_data(client, socket->id, data, size)))
		return false;
	while (size > 0) {
		unsigned part;

		piece = socket->in;
		part = piece->data->tot_len < size ? piece->data->tot_len : size;
		piece->data = pbuf_free_header(piece->data, (uint16_t)part);
		size -= part;
		if (piece->data)
			continue;
		socket->in = piece->next;
		if (!socket->in)
			socket->in_end = &socket->in;
		free(piece);
	}
	return true;
}

static bool tell_datagram(struct socket *socket)
{
	static char data[NETWORK_DATAGRAM_SIZE];
	struct datagram *datagram = socket->datagrams;
	unsigned size = pbuf_copy_partial(datagram->data, data, datagram->data->tot_len, 0);

	if (!sent(network_datagram(client, socket->id, datagram->address, data, size)))
		return false;
	socket->datagrams = datagram->next;
	if (!socket->datagrams)
		socket->datagrams_end = &socket->datagrams;
	socket->datagram_bytes -= datagram->data->tot_len;
	pbuf_free(datagram->data);
	free(datagram);
	return true;
}

static bool tell_room(struct socket *socket)
{
	if (!sent(network_room(client, socket->id, socket->room, socket->messages)))
		return false;
	socket->room = socket->messages = 0;
	return true;
}

/* All that it has, in the order in which it must be heard. */
static bool tell_all(struct socket *socket)
{
	bool room = true;

	if (socket->done)
		room = tell_done(socket);
	while (room && socket->arrived)
		room = tell_arrived(socket);
	while (room && socket->in)
		room = tell_data(socket);
	while (room && socket->datagrams)
		room = tell_datagram(socket);
	/* News of messages alone can wait until they are some. */
	if (room && (socket->room != 0 || socket->messages >= NETWORK_MESSAGES / 4 ||
			    (socket->messages && !socket->tcp) || (socket->messages && socket->kind != NETWORK_TCP)))
		room = tell_room(socket);
	if (room && socket->finished) {
		room = sent(network_finished(client, socket->id));
		socket->finished = !room;
	}
	if (room && socket->failed) {
		room = sent(network_failed(client, socket->id, socket->failed_error));
		socket->failed = !room;
	}
	return room;
}

bool client_tell(void)
{
	if (client == MACH_PORT_NULL)
		return false;
	if (interfaces && tell_of_interfaces())
		interfaces = false;
	while (first) {
		struct socket *socket = first;

		if (socket->id != 0 && !tell_all(socket)) {
			/* Another is first the next time. */
			tell_forget(socket);
			tell(socket);
			return true;
		}
		tell_forget(socket);
	}
	return interfaces;
}
