/* Options of sockets of AF_INET and AF_INET6 (socket(7), ip(7), ipv6(7), tcp(7)). */
#include <netinet/icmp6.h>
#include <netinet/tcp.h>
#include <servers/network_user.h>
#include <string.h>
#include <sys/time.h>

#include "file/file.h"
#include "ipc/inet.h"
#include "ipc/socket.h"
#include "process/proc.h"

#define SIZE_LEAST 2304u /* of SO_RCVBUF and SO_SNDBUF, as Linux has it (twice what is asked for) */

/* What is set, where nobody has. */
static const int usual[NETWORK_OPTIONS] = {
	[NETWORK_KEEP_IDLE] = 7200,
	[NETWORK_KEEP_INTERVAL] = 75,
	[NETWORK_KEEP_COUNT] = 9,
	[NETWORK_TTL] = 64,
};

/*
 * What is taken, and told, and changes nothing: datagrams that find nobody are told of to who is connected, with or
 * without IP_RECVERR, and its queue of errors is always empty; small segments are not held back, acknowledgements come
 * when TCP likes. 0: no such option; else one more than its place.
 */
static int hint_of(int level, int option)
{
	if (level == SOL_SOCKET && option == SO_PRIORITY)
		return 1 + HINT_PRIORITY;
	if (level == IPPROTO_IP)
		return option == IP_RECVERR                ? 1 + HINT_RECEIVE_ERRORS
		       : option == IP_MTU_DISCOVER         ? 1 + HINT_MTU_DISCOVER
		       : option == IP_BIND_ADDRESS_NO_PORT ? 1 + HINT_NO_PORT
							   : 0;
	if (level == IPPROTO_IPV6)
		return option == IPV6_RECVERR        ? 1 + HINT_RECEIVE_ERRORS6
		       : option == IPV6_MTU_DISCOVER ? 1 + HINT_MTU_DISCOVER6
						     : 0;
	if (level == IPPROTO_TCP)
		return option == TCP_CORK ? 1 + HINT_CORK : option == TCP_QUICKACK ? 1 + HINT_QUICK_ACK : 0;
	return 0;
}

static bool has_hint(const struct inet *inet, int level, int option)
{
	return hint_of(level, option) != 0 && (level != IPPROTO_TCP || inet_is_stream(inet)) &&
	       (level != IPPROTO_IPV6 || inet->family == AF_INET6);
}

static int get(const struct inet *inet, unsigned option)
{
	return inet->option_set & 1u << option ? inet->option[option] : usual[option];
}

/* 0, -ENOBUFS, CALL_RESTART. */
static int64_t set(struct call *call, struct inet *inet, unsigned option, int value)
{
	if (get(inet, option) == value)
		return 0;
	if (inet->port != MACH_PORT_NULL) {
		if (inet->flying >= NETWORK_MESSAGES)
			return call_wait_for(call, &inet->room);
		if (network_option(inet->port, option, (unsigned)value) != KERN_SUCCESS)
			return -ENOBUFS;
		inet->flying++;
	}
	inet->option[option] = value;
	inet->option_set |= 1u << option;
	return 0;
}

bool inet_tell_options(struct inet *inet)
{
	for (unsigned i = 0; i < NETWORK_OPTIONS; i++) {
		if (!(inet->option_set & 1u << i))
			continue;
		if (network_option(inet->port, i, (unsigned)inet->option[i]) != KERN_SUCCESS)
			return false;
		inet->flying++;
	}
	return true;
}

void inet_inherit(struct inet *inet, const struct inet *listener)
{
	memcpy(inet->option, listener->option, sizeof inet->option);
	inet->option_set = listener->option_set;
	inet->receive_timeout = listener->receive_timeout;
	inet->send_timeout = listener->send_timeout;
	inet->receive_size = listener->receive_size;
	inet->send_size = listener->send_size;
	inet->linger = listener->linger;
}

/* --- Setting. */

/* As on Linux: twice what is asked for. What a stream has for its bytes is the most. */
static unsigned size_of(int value)
{
	unsigned twice = value < 0 || (unsigned)value > INET_SEND_SIZE / 2 ? INET_SEND_SIZE : 2 * (unsigned)value;

	return twice < SIZE_LEAST ? SIZE_LEAST : twice;
}

static int64_t set_linger(struct call *call, struct inet *inet, uint64_t value, int size)
{
	struct linger linger;
	int64_t result;
	int error;

	if (size < (int)sizeof linger)
		return -EINVAL;
	error = copy_in(call, &linger, value, sizeof linger);
	if (error != 0)
		return call_result(error);
	result = set(call, inet, NETWORK_ABORT, linger.l_onoff != 0 && linger.l_linger == 0);
	if (result == 0)
		inet->linger = linger;
	return result;
}

static int64_t set_socket(struct call *call, struct inet *inet, int option, int value)
{
	switch (option) {
	case SO_REUSEADDR:
		return set(call, inet, NETWORK_REUSE_ADDRESS, value != 0);
	case SO_KEEPALIVE:
		return set(call, inet, NETWORK_KEEP_ALIVE, value != 0);
	case SO_BROADCAST:
		return set(call, inet, NETWORK_BROADCAST, value != 0);
	case SO_RCVBUF:
		inet->receive_size = size_of(value);
		return 0;
	case SO_SNDBUF:
		inet->send_size = size_of(value);
		return 0;
	default:
		return -ENOPROTOOPT;
	}
}

static int64_t set_ip(struct call *call, struct inet *inet, int option, int value)
{
	switch (option) {
	case IP_TOS:
		return set(call, inet, NETWORK_TOS, value & 0xfc);
	case IP_TTL:
		if (value != -1 && (value < 1 || value > 255))
			return -EINVAL;
		return set(call, inet, NETWORK_TTL, value == -1 ? usual[NETWORK_TTL] : value);
	default:
		return -ENOPROTOOPT;
	}
}

static int64_t set_ipv6(struct call *call, struct inet *inet, int option, int value)
{
	if (inet->family != AF_INET6)
		return -ENOPROTOOPT;
	switch (option) {
	case IPV6_V6ONLY:
		if (inet->bound || inet->state != INET_NEW)
			return -EINVAL;
		return set(call, inet, NETWORK_ONLY_IPV6, value != 0);
	case IPV6_UNICAST_HOPS:
		if (value < -1 || value > 255)
			return -EINVAL;
		return set(call, inet, NETWORK_TTL, value == -1 ? usual[NETWORK_TTL] : value);
	case IPV6_TCLASS:
		if (value < -1 || value > 255)
			return -EINVAL;
		return set(call, inet, NETWORK_TOS, value == -1 ? 0 : value);
	default:
		return -ENOPROTOOPT;
	}
}

bool inet_is_only_ipv6(const struct inet *inet)
{
	return get(inet, NETWORK_ONLY_IPV6) != 0;
}

bool inet_filters(const struct inet *inet, const void *data, uint64_t size)
{
	uint8_t type;

	if (inet->kind != NETWORK_RAW || inet->protocol != IPPROTO_ICMPV6 || size == 0)
		return false;
	type = *(const uint8_t *)data;
	return inet->icmp_filter[type / 32] & 1u << type % 32;
}

static bool has_filter(const struct inet *inet, int level, int option)
{
	return level == IPPROTO_ICMPV6 && option == ICMP6_FILTER && inet->kind == NETWORK_RAW &&
	       inet->protocol == IPPROTO_ICMPV6;
}

static int64_t set_filter(struct call *call, struct inet *inet, uint64_t value, int size)
{
	uint32_t filter[8];
	int error;

	memcpy(filter, inet->icmp_filter, sizeof filter);
	error = copy_in(call, filter, value, (size_t)size < sizeof filter ? (size_t)size : sizeof filter);
	if (error == 0)
		memcpy(inet->icmp_filter, filter, sizeof filter);
	return call_result(error);
}

static int64_t set_keep(struct call *call, struct inet *inet, unsigned option, int value, int most)
{
	return value < 1 || value > most ? -EINVAL : set(call, inet, option, value);
}

static int64_t set_tcp(struct call *call, struct inet *inet, int option, int value)
{
	if (!inet_is_stream(inet))
		return -ENOPROTOOPT;
	switch (option) {
	case TCP_NODELAY:
		return set(call, inet, NETWORK_NO_DELAY, value != 0);
	case TCP_KEEPIDLE:
		return set_keep(call, inet, NETWORK_KEEP_IDLE, value, 32767);
	case TCP_KEEPINTVL:
		return set_keep(call, inet, NETWORK_KEEP_INTERVAL, value, 32767);
	case TCP_KEEPCNT:
		return set_keep(call, inet, NETWORK_KEEP_COUNT, value, 127);
	default:
		return -ENOPROTOOPT;
	}
}

int64_t inet_set_option(struct call *call, struct file *file, int level, int option, uint64_t value, int size)
{
	struct inet *inet = file->data;
	int number = 0, error;

	if (size < 0)
		return -EINVAL;
	if (level == SOL_SOCKET && option == SO_LINGER)
		return set_linger(call, inet, value, size);
	if (level == SOL_SOCKET && option == SO_RCVTIMEO)
		return socket_time_in(call, &inet->receive_timeout, value, size);
	if (level == SOL_SOCKET && option == SO_SNDTIMEO)
		return socket_time_in(call, &inet->send_timeout, value, size);
	if (has_filter(inet, level, option))
		return set_filter(call, inet, value, size);
	/* Options of ip(7) may be a byte. */
	if (level == IPPROTO_IP && size >= 1 && size < (int)sizeof number) {
		uint8_t byte;

		error = copy_in(call, &byte, value, sizeof byte);
		number = byte;
	} else if (size < (int)sizeof number) {
		return -EINVAL;
	} else {
		error = copy_in(call, &number, value, sizeof number);
	}
	if (error != 0)
		return call_result(error);
	if (has_hint(inet, level, option)) {
		inet->hint[hint_of(level, option) - 1] = number;
		return 0;
	}
	switch (level) {
	case SOL_SOCKET:
		return set_socket(call, inet, option, number);
	case IPPROTO_IP:
		return set_ip(call, inet, option, number);
	case IPPROTO_IPV6:
		return set_ipv6(call, inet, option, number);
	case IPPROTO_TCP:
		return set_tcp(call, inet, option, number);
	default:
		return -ENOPROTOOPT;
	}
}

/* --- Getting. */

/* An int, or -errno in its place. */
static int get_socket(const struct inet *inet, int option, int *value)
{
	switch (option) {
	case SO_TYPE:
		*value = inet->type;
		return 0;
	case SO_DOMAIN:
		*value = inet->family;
		return 0;
	case SO_PROTOCOL:
		*value = inet->protocol;
		return 0;
	case SO_ACCEPTCONN:
		*value = inet->state == INET_LISTENING;
		return 0;
	case SO_ERROR:
		*value = inet->error;
		return 0;
	case SO_REUSEADDR:
		*value = get(inet, NETWORK_REUSE_ADDRESS);
		return 0;
	case SO_KEEPALIVE:
		*value = get(inet, NETWORK_KEEP_ALIVE);
		return 0;
	case SO_BROADCAST:
		*value = get(inet, NETWORK_BROADCAST);
		return 0;
	case SO_RCVBUF:
		*value = (int)inet->receive_size;
		return 0;
	case SO_SNDBUF:
		*value = (int)inet->send_size;
		return 0;
	case SO_RCVLOWAT:
	case SO_SNDLOWAT:
		*value = 1;
		return 0;
	default:
		return -ENOPROTOOPT;
	}
}

static int get_ip(const struct inet *inet, int option, int *value)
{
	switch (option) {
	case IP_TOS:
		*value = get(inet, NETWORK_TOS);
		return 0;
	case IP_TTL:
		*value = get(inet, NETWORK_TTL);
		return 0;
	default:
		return -ENOPROTOOPT;
	}
}

static int get_ipv6(const struct inet *inet, int option, int *value)
{
	if (inet->family != AF_INET6)
		return -ENOPROTOOPT;
	switch (option) {
	case IPV6_V6ONLY:
		*value = inet_is_only_ipv6(inet);
		return 0;
	case IPV6_UNICAST_HOPS:
		*value = get(inet, NETWORK_TTL);
		return 0;
	case IPV6_TCLASS:
		*value = get(inet, NETWORK_TOS);
		return 0;
	default:
		return -ENOPROTOOPT;
	}
}

static int get_tcp(const struct inet *inet, int option, int *value)
{
	if (!inet_is_stream(inet))
		return -EOPNOTSUPP;
	switch (option) {
	case TCP_NODELAY:
		*value = get(inet, NETWORK_NO_DELAY);
		return 0;
	case TCP_KEEPIDLE:
		*value = get(inet, NETWORK_KEEP_IDLE);
		return 0;
	case TCP_KEEPINTVL:
		*value = get(inet, NETWORK_KEEP_INTERVAL);
		return 0;
	case TCP_KEEPCNT:
		*value = get(inet, NETWORK_KEEP_COUNT);
		return 0;
	default:
		return -ENOPROTOOPT;
	}
}

/* The state, and what is known here of its sizes. */
static void fill_info(const struct inet *inet, struct tcp_info *info)
{
	memset(info, 0, sizeof *info);
	info->tcpi_state = inet->state == INET_LISTENING    ? TCP_LISTEN
			   : inet->state == INET_CONNECTING ? TCP_SYN_SENT
			   : inet->state != INET_CONNECTED  ? TCP_CLOSE
			   : inet->finished                 ? TCP_CLOSE_WAIT
			   : inet->out_shut                 ? TCP_FIN_WAIT2
							    : TCP_ESTABLISHED;
	info->tcpi_rcv_space = NETWORK_STREAM_SIZE;
	info->tcpi_unacked = inet->state == INET_LISTENING ? inet->arrival_count : inet->flying;
	info->tcpi_sacked = inet->state == INET_LISTENING ? inet->backlog : 0;
}

int64_t inet_get_option(
	struct call *call, struct file *file, int level, int option, uint64_t value, uint64_t size_address)
{
	struct inet *inet = file->data;
	union {
		int number;
		struct linger linger;
		struct timeval time;
		struct tcp_info info;
		uint32_t filter[8];
	} out = {.number = 0};
	int size, full = sizeof out.number, error = 0;

	if (level == SOL_SOCKET && option == SO_LINGER) {
		out.linger = inet->linger;
		full = sizeof out.linger;
	} else if (level == SOL_SOCKET && (option == SO_RCVTIMEO || option == SO_SNDTIMEO)) {
		uint64_t ns = option == SO_RCVTIMEO ? inet->receive_timeout : inet->send_timeout;

		out.time = socket_time_out(ns);
		full = sizeof out.time;
	} else if (has_filter(inet, level, option)) {
		memcpy(out.filter, inet->icmp_filter, sizeof out.filter);
		full = sizeof out.filter;
	} else if (has_hint(inet, level, option)) {
		out.number = inet->hint[hint_of(level, option) - 1];
	} else if (level == IPPROTO_TCP && option == TCP_INFO && inet_is_stream(inet)) {
		fill_info(inet, &out.info);
		full = sizeof out.info;
	} else {
		error = level == SOL_SOCKET     ? get_socket(inet, option, &out.number)
			: level == IPPROTO_IP   ? get_ip(inet, option, &out.number)
			: level == IPPROTO_IPV6 ? get_ipv6(inet, option, &out.number)
			: level == IPPROTO_TCP  ? get_tcp(inet, option, &out.number)
						: -EOPNOTSUPP;
	}
	if (error != 0)
		return error;
	error = copy_in(call, &size, size_address, sizeof size);
	if (error == 0 && size < 0)
		return -EINVAL;
	if (error == 0) {
		if (size > full)
			size = full;
		error = copy_out(call, value, &out, (size_t)size);
	}
	if (error == 0)
		error = copy_out(call, size_address, &size, sizeof size);
	if (error == 0 && level == SOL_SOCKET && option == SO_ERROR)
		inet->error = 0;
	return call_result(error);
}
