/* Sockets of TCP. */
#include "network.h"

#include <lwip/pbuf.h>
#include <lwip/priv/tcp_priv.h>
#include <lwip/tcp.h>

#include <errno.h>
#include <stdlib.h>

/* The backlog that lwIP counts in one byte. */
#define BACKLOG_MOST 255u
#define POLL_EVERY   2 /* half seconds: when what TCP did not take is tried again */

static void forget_pcb(struct socket *socket)
{
	if (!socket->tcp)
		return;
	tcp_arg(socket->tcp, NULL);
	if (!socket->listening) {
		tcp_recv(socket->tcp, NULL);
		tcp_sent(socket->tcp, NULL);
		tcp_poll(socket->tcp, NULL, 0);
		tcp_err(socket->tcp, NULL);
	} else {
		tcp_accept(socket->tcp, NULL);
	}
}

/*
 * Both sides have said that they send no more: what is left to do is TCP's, which frees the pcb when it likes, and
 * tells nobody.
 */
static void let_go(struct socket *socket)
{
	struct tcp_pcb *tcp = socket->tcp;

	if (!tcp || !socket->sent_end || !socket->got_end || socket->port == MACH_PORT_NULL)
		return;
	forget_pcb(socket);
	socket->tcp = NULL;
	tcp_close(tcp);
}

/* What TCP has not taken yet goes to it as far as it has room. */
static void push(struct socket *socket)
{
	while (socket->out && socket->tcp) {
		struct pbuf *first = socket->out;
		uint32_t size = first->len;

		if (size > tcp_sndbuf(socket->tcp))
			size = tcp_sndbuf(socket->tcp);
		if (size == 0 || tcp_write(socket->tcp, first->payload, (uint16_t)size, TCP_WRITE_FLAG_COPY) != ERR_OK)
			break;
		socket->out = pbuf_free_header(first, (uint16_t)size);
	}
	if (!socket->tcp)
		return;
	/* Without memory for it the poll tries again. */
	if (!socket->out && socket->shut_out && !socket->sent_end && socket->port != MACH_PORT_NULL &&
		tcp_shutdown(socket->tcp, 0, 1) == ERR_OK)
		socket->sent_end = true;
	tcp_output(socket->tcp);
	let_go(socket);
}

/* --- The end. */

/* True: the socket has left, and its connection is TCP's alone. */
static bool leave(struct socket *socket)
{
	struct tcp_pcb *tcp = socket->tcp;

	if (tcp && socket->out && !socket->abort)
		return false;
	forget_pcb(socket);
	socket->tcp = NULL;
	if (tcp && socket->abort && !socket->listening) {
		tcp_abort(tcp);
	} else if (tcp && tcp_close(tcp) != ERR_OK) {
		if (!socket->listening)
			tcp_abort(tcp);
	}
	socket_free(socket);
	return true;
}

void stream_close(struct socket *socket)
{
	struct socket *child;

	tell_forget(socket);
	while ((child = socket->arrived)) {
		socket->arrived = child->arrived_next;
		child->abort = true;
		mach_port_mod_refs(mach_task_self(), child->port, MACH_PORT_RIGHT_SEND, -1);
		leave(child);
	}
	leave(socket);
}

/* --- What lwIP tells. Whoever calls tcp_abort must say so to lwIP: the functions below never do. */

static void watch(struct socket *socket);

static err_t received(void *argument, struct tcp_pcb *tcp, struct pbuf *data, err_t error)
{
	struct socket *socket = argument;

	(void)error;
	if (!data) {
		socket->finished = socket->got_end = true;
		let_go(socket);
	} else if (socket->port == MACH_PORT_NULL) {
		tcp_recved(tcp, data->tot_len);
		pbuf_free(data);
	} else {
		/* Bounded by the window. */
		struct piece *piece = malloc(sizeof *piece);

		if (!piece)
			return ERR_MEM; /* lwIP keeps it and tries again */
		*piece = (struct piece){NULL, data};
		*socket->in_end = piece;
		socket->in_end = &piece->next;
	}
	tell(socket);
	return ERR_OK;
}

/* One that is leaving, and has nothing more for TCP, is closed and freed: true. */
static bool has_left(struct socket *socket)
{
	struct tcp_pcb *tcp = socket->tcp;

	if (socket->port != MACH_PORT_NULL || socket->out || !tcp)
		return false;
	forget_pcb(socket);
	if (tcp_close(tcp) != ERR_OK) {
		watch(socket); /* no memory: the poll tries again */
		return false;
	}
	socket->tcp = NULL;
	socket_free(socket);
	return true;
}

static err_t sent(void *argument, struct tcp_pcb *tcp, uint16_t size)
{
	struct socket *socket = argument;

	(void)tcp;
	socket->room += size;
	push(socket);
	if (!has_left(socket))
		tell(socket);
	return ERR_OK;
}

static err_t polled(void *argument, struct tcp_pcb *tcp)
{
	struct socket *socket = argument;

	(void)tcp;
	push(socket);
	has_left(socket);
	return ERR_OK;
}

/* The pcb is gone. */
static void broken(void *argument, err_t error)
{
	struct socket *socket = argument;

	if (!socket)
		return;
	socket->tcp = NULL;
	if (socket->port == MACH_PORT_NULL) {
		socket_free(socket);
	} else if (socket->connecting) {
		socket->connecting = false;
		socket->done = true;
		socket->done_error = error == ERR_RST ? ECONNREFUSED : error == ERR_ABRT ? ETIMEDOUT : errno_of(error);
		tell(socket);
	} else if (error != ERR_CLSD) {
		socket->failed = true;
		socket->failed_error = error == ERR_ABRT ? ETIMEDOUT : errno_of(error);
		tell(socket);
	}
}

static err_t connected(void *argument, struct tcp_pcb *tcp, err_t error)
{
	struct socket *socket = argument;

	(void)tcp;
	socket->connecting = false;
	socket->connected = error == ERR_OK;
	socket->done = true;
	socket->done_error = errno_of(error);
	tell(socket);
	return ERR_OK;
}

static void watch(struct socket *socket)
{
	tcp_arg(socket->tcp, socket);
	tcp_recv(socket->tcp, received);
	tcp_sent(socket->tcp, sent);
	tcp_err(socket->tcp, broken);
	tcp_poll(socket->tcp, polled, POLL_EVERY);
}

static err_t accepted(void *argument, struct tcp_pcb *tcp, err_t error)
{
	struct socket *listener = argument, *socket = NULL;
	mach_port_t port;

	if (error != ERR_OK || !tcp || !listener)
		return ERR_VAL;
	if (mach_port_allocate(mach_task_self(), MACH_PORT_RIGHT_RECEIVE, &port) != KERN_SUCCESS)
		return ERR_MEM;
	mach_port_set_qlimit(mach_task_self(), port, NETWORK_QUEUE);
	/* A send right first, which goes with the news of it: without one it would be closed at once. */
	if (mach_port_insert_right(mach_task_self(), port, port, MACH_MSG_TYPE_MAKE_SEND) == KERN_SUCCESS)
		socket = socket_create(NETWORK_TCP, port);
	if (!socket) {
		mach_port_destroy(mach_task_self(), port);
		return ERR_MEM;
	}
	socket->tcp = tcp;
	socket->connected = true;
	watch(socket);
	/* It counts for the backlog until it is adopted. */
	tcp_backlog_delayed(tcp);
	*listener->arrived_end = socket;
	listener->arrived_end = &socket->arrived_next;
	tell(listener);
	return ERR_OK;
}

/*
 * A segment without data, for a side whose window is closed: lwIP takes it for one beyond the window and answers. When
 * the other side's window is closed, too, that answers the answer, and so on for ever. So one that brings no news is
 * dropped.
 */
int network_segment(const struct tcp_pcb *tcp, const struct tcp_hdr *header, const struct pbuf *data)
{
	return tcp->state != LISTEN && tcp->rcv_wnd == 0 && data->tot_len == 0 && TCPH_FLAGS(header) == TCP_ACK &&
			       header->seqno == tcp->rcv_nxt && header->ackno == tcp->lastack &&
			       (tcpwnd_size_t)SND_WND_SCALE(tcp, header->wnd) == tcp->snd_wnd
		       ? ERR_VAL
		       : ERR_OK;
}

/* --- What the client wants. */

bool stream_start(struct socket *socket)
{
	socket->tcp = tcp_new_ip_type(socket->type);
	if (!socket->tcp)
		return false;
	watch(socket);
	return true;
}

unsigned stream_bind(struct socket *socket, const ip_addr_t *ip, uint16_t port)
{
	/*
	 * lwIP lets those that say "reuse" share a name with a listening one, and others any address of both families
	 * with one of IPv6; Linux does not.
	 */
	for (const struct socket *one = sockets_first(); one && port != 0; one = one->next)
		if (one->kind == NETWORK_TCP && one != socket && one->tcp && one->tcp->local_port == port &&
			!one->connected && addresses_overlap(ip, &one->tcp->local_ip) &&
			(one->listening || !ip_get_option(one->tcp, SOF_REUSEADDR) ||
				!ip_get_option(socket->tcp, SOF_REUSEADDR)))
			return EADDRINUSE;
	if (socket->listening || socket->connected || socket->connecting || socket->tcp->local_port != 0)
		return EINVAL;
	return errno_of(tcp_bind(socket->tcp, ip, port));
}

unsigned stream_connect(struct socket *socket, const ip_addr_t *ip, uint16_t port)
{
	ip_addr_t to, from;
	err_t error;

	if (socket->listening || socket->connected || socket->connecting)
		return socket->listening ? EINVAL : EISCONN;
	if (address_way(&socket->tcp->local_ip, ip, &to, &from) != 0)
		return ENETUNREACH;
	if (port == 0)
		return ECONNREFUSED;
	error = tcp_connect(socket->tcp, &to, port, connected);
	socket->connecting = error == ERR_OK;
	return error == ERR_BUF ? EADDRNOTAVAIL : error == ERR_USE ? EADDRNOTAVAIL : errno_of(error);
}

unsigned stream_listen(struct socket *socket, unsigned backlog)
{
	struct tcp_pcb *tcp;
	err_t error = ERR_OK;

	/* One more than is said, as on Linux. */
	backlog = backlog < BACKLOG_MOST ? backlog + 1 : BACKLOG_MOST;
	if (socket->listening) {
		tcp_backlog_set(socket->tcp, (uint8_t)backlog);
		return 0;
	}
	if (socket->connected || socket->connecting)
		return EINVAL;
	if (socket->tcp->local_port == 0 && (error = tcp_bind(socket->tcp, &socket->tcp->local_ip, 0)) != ERR_OK)
		return errno_of(error);
	/* The old pcb goes, without a word. */
	tcp_arg(socket->tcp, NULL);
	tcp = tcp_listen_with_backlog_and_err(socket->tcp, (uint8_t)backlog, &error);
	if (!tcp) {
		tcp_arg(socket->tcp, socket);
		return errno_of(error);
	}
	socket->tcp = tcp;
	socket->listening = true;
	tcp_arg(tcp, socket);
	tcp_accept(tcp, accepted);
	return 0;
}

void stream_adopted(struct socket *socket)
{
	if (socket->tcp)
		tcp_backlog_accepted(socket->tcp);
}

void stream_send(struct socket *socket, const void *data, unsigned size)
{
	struct pbuf *more;

	if (socket->shut_out)
		return; /* it has said that it sends no more */
	/* Mostly it goes there at once. Of what does not, and is more than a client may send ahead, nothing is kept. */
	if (socket->tcp && !socket->out && !socket->listening && socket->connected &&
		tcp_write(socket->tcp, data, (uint16_t)size, TCP_WRITE_FLAG_COPY) == ERR_OK) {
		tcp_output(socket->tcp);
		return;
	}
	if (!socket->tcp || socket->listening || !socket->connected ||
		(socket->out ? socket->out->tot_len : 0u) + size > UINT16_MAX ||
		!(more = pbuf_alloc(PBUF_RAW, (uint16_t)size, PBUF_RAM))) {
		if (socket->tcp && socket->connected && !socket->listening) {
			socket->failed = socket->abort = true;
			socket->failed_error = ENOBUFS;
		}
		return;
	}
	pbuf_take(more, data, (uint16_t)size);
	if (socket->out)
		pbuf_cat(socket->out, more);
	else
		socket->out = more;
	push(socket);
}

void stream_taken(struct socket *socket, unsigned bytes)
{
	if (!socket->tcp || socket->listening)
		return;
	/* No more than has come and was not taken: a client that lies gets no larger window. */
	if (socket->tcp->rcv_wnd >= TCP_WND_MAX(socket->tcp))
		return;
	if (bytes > TCP_WND_MAX(socket->tcp) - socket->tcp->rcv_wnd)
		bytes = TCP_WND_MAX(socket->tcp) - socket->tcp->rcv_wnd;
	for (; bytes > 0; bytes -= bytes < UINT16_MAX ? bytes : UINT16_MAX)
		tcp_recved(socket->tcp, (uint16_t)(bytes < UINT16_MAX ? bytes : UINT16_MAX));
}

void stream_shut(struct socket *socket)
{
	if (!socket->tcp || socket->listening || !socket->connected)
		return;
	socket->shut_out = true;
	push(socket);
}

void stream_option(struct socket *socket, unsigned option, unsigned value)
{
	struct tcp_pcb *tcp = socket->tcp;
	bool listens = socket->listening;

	switch (option) {
	case NETWORK_REUSE_ADDRESS:
		if (value)
			ip_set_option(tcp, SOF_REUSEADDR);
		else
			ip_reset_option(tcp, SOF_REUSEADDR);
		break;
	case NETWORK_KEEP_ALIVE:
		if (value)
			ip_set_option(tcp, SOF_KEEPALIVE);
		else
			ip_reset_option(tcp, SOF_KEEPALIVE);
		break;
	case NETWORK_KEEP_IDLE:
		if (!listens)
			tcp->keep_idle = value * 1000;
		break;
	case NETWORK_KEEP_INTERVAL:
		if (!listens)
			tcp->keep_intvl = value * 1000;
		break;
	case NETWORK_KEEP_COUNT:
		if (!listens)
			tcp->keep_cnt = value;
		break;
	case NETWORK_NO_DELAY:
		if (!listens && value) {
			tcp_nagle_disable(tcp);
			tcp_output(tcp);
		} else if (!listens) {
			tcp_nagle_enable(tcp);
		}
		break;
	case NETWORK_TTL:
		tcp->ttl = (uint8_t)value;
		break;
	case NETWORK_TOS:
		tcp->tos = (uint8_t)value;
		break;
	case NETWORK_ABORT:
		socket->abort = value != 0;
		break;
	default:
		break;
	}
}

bool stream_is_lost(const struct socket *socket, const ip_addr_t *to, uint16_t from_port, uint16_t to_port)
{
	return socket->kind == NETWORK_TCP && socket->tcp && socket->connecting &&
	       socket->tcp->local_port == from_port && socket->tcp->remote_port == to_port &&
	       ip_addr_cmp(&socket->tcp->remote_ip, to);
}

void stream_refuse(struct socket *socket, unsigned error)
{
	struct tcp_pcb *tcp = socket->tcp;

	forget_pcb(socket);
	socket->tcp = NULL;
	tcp_abandon(tcp, 0);
	socket->connecting = false;
	socket->done = true;
	socket->done_error = error;
	tell(socket);
}

network_address_t stream_local(const struct socket *socket)
{
	return socket->tcp ? address_of(&socket->tcp->local_ip, socket->tcp->local_port)
			   : (network_address_t){.family = 0};
}

network_address_t stream_remote(const struct socket *socket)
{
	return socket->tcp && !socket->listening ? address_of(&socket->tcp->remote_ip, socket->tcp->remote_port)
						 : (network_address_t){.family = 0};
}
