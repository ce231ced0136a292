/*
 * What NETLINK_ROUTE tells of interfaces, their addresses and routes (rtnetlink(7)). All of it comes from the network
 * server's list of interfaces.
 */
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <netinet/in.h>
#include <string.h>

#include "ipc/inet.h"
#include "ipc/netlink.h"
#include "ipc/network.h"
#include "process/proc.h"

#define INTERFACES_MOST 8
#define ANSWER_SIZE     3072u /* bytes of a datagram: readers have a page */
#define METRIC6         256u  /* of routes of IPv6 that come with an address, as on Linux; */
#define METRIC6_ROUTER  1024u /* of those by routers */
#define LOWER_UP    0x10000u

/* A datagram of answers, of who has the lock: nothing waits while one is made. */
struct answer {
	struct netlink *to;
	uint32_t sequence;
	uint16_t flags;
	uint32_t used;
	struct nlmsghdr *message; /* the last */
	char data[ANSWER_SIZE] __attribute__((aligned(NLMSG_ALIGNTO)));
};

static struct answer answer;

static void begin(struct netlink *to, const struct nlmsghdr *request, bool dump)
{
	answer.to = to;
	answer.sequence = request->nlmsg_seq;
	answer.flags = dump ? NLM_F_MULTI : 0;
	answer.used = 0;
}

static void flush(void)
{
	if (answer.used != 0)
		netlink_deliver(answer.to, answer.data, answer.used);
	answer.used = 0;
}

/* A message with a header of the type's own; it ends with the next, or flush. No message is longer than half a
 * datagram. */
static void *message(uint16_t type, uint32_t size)
{
	if (answer.used > ANSWER_SIZE / 2)
		flush();
	answer.message = (void *)(answer.data + answer.used);
	memset(answer.message, 0, NLMSG_SPACE(size));
	*answer.message = (struct nlmsghdr){.nlmsg_len = NLMSG_SPACE(size),
		.nlmsg_type = type,
		.nlmsg_flags = answer.flags,
		.nlmsg_seq = answer.sequence,
		.nlmsg_pid = netlink_port(answer.to)};
	answer.used += NLMSG_SPACE(size);
	return NLMSG_DATA(answer.message);
}

static void attribute(uint16_t type, const void *data, uint16_t size)
{
	struct rtattr *one = (void *)(answer.data + answer.used);

	memset(one, 0, RTA_SPACE(size));
	one->rta_type = type;
	one->rta_len = (uint16_t)RTA_LENGTH(size);
	memcpy(RTA_DATA(one), data, size);
	answer.used += RTA_SPACE(size);
	answer.message->nlmsg_len += RTA_SPACE(size);
}

static void number(uint16_t type, uint32_t value)
{
	attribute(type, &value, sizeof value);
}

static void byte(uint16_t type, uint8_t value)
{
	attribute(type, &value, sizeof value);
}

static void text(uint16_t type, const char *value)
{
	attribute(type, value, (uint16_t)(strlen(value) + 1));
}

static void done(void)
{
	int error = 0;

	memcpy(message(NLMSG_DONE, sizeof error), &error, sizeof error);
	flush();
}

/* --- Interfaces. */

static void add_link(const struct network_interface *one)
{
	static const uint8_t all[6] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff}, none[6];
	bool loopback = one->flags & NETWORK_LOOPBACK;
	struct ifinfomsg *info = message(RTM_NEWLINK, sizeof *info);
	struct rtnl_link_stats64 counts = {.rx_packets = one->packets_in,
		.tx_packets = one->packets_out,
		.rx_bytes = one->bytes_in,
		.tx_bytes = one->bytes_out,
		.rx_dropped = one->dropped_in,
		.tx_errors = one->errors_out};

	info->ifi_type = loopback ? ARPHRD_LOOPBACK : ARPHRD_ETHER;
	info->ifi_index = (int)one->index;
	info->ifi_flags = (one->flags & NETWORK_UP ? IFF_UP : 0u) |
			  (one->flags & NETWORK_RUNNING ? IFF_RUNNING | LOWER_UP : 0u) |
			  (loopback ? IFF_LOOPBACK : 0u) |
			  (one->flags & NETWORK_CAN_BROADCAST ? IFF_BROADCAST | IFF_MULTICAST : 0u);
	text(IFLA_IFNAME, one->name);
	number(IFLA_TXQLEN, 1000);
	/* RFC 2863; the loopback's is unknown, as on Linux. */
	byte(IFLA_OPERSTATE, loopback ? 0 : one->flags & NETWORK_RUNNING ? 6 : 2);
	byte(IFLA_LINKMODE, 0);
	number(IFLA_MTU, one->mtu);
	number(IFLA_GROUP, 0);
	byte(IFLA_CARRIER, (one->flags & NETWORK_RUNNING) != 0);
	text(IFLA_QDISC, "noqueue");
	attribute(IFLA_ADDRESS, one->hardware, 6);
	attribute(IFLA_BROADCAST, loopback ? none : all, 6);
	attribute(IFLA_STATS64, &counts, sizeof counts);
}

/* The attribute of a request; null: it has none. */
static const struct rtattr *find(const struct nlmsghdr *request, uint32_t header, unsigned type, uint32_t least)
{
	uint32_t at = NLMSG_SPACE(header);

	while (at + sizeof(struct rtattr) <= request->nlmsg_len) {
		const struct rtattr *one = (const void *)((const char *)request + at);

		if (one->rta_len < sizeof *one || one->rta_len > request->nlmsg_len - at)
			return NULL;
		if ((one->rta_type & NLA_TYPE_MASK) == type)
			return one->rta_len >= RTA_LENGTH(least) ? one : NULL;
		at += RTA_ALIGN(one->rta_len);
	}
	return NULL;
}

static bool is_wanted(const struct nlmsghdr *request, const struct network_interface *one)
{
	const struct ifinfomsg *info = NLMSG_DATA(request);
	const struct rtattr *name = find(request, sizeof *info, IFLA_IFNAME, 1);

	if (info->ifi_index > 0)
		return one->index == (uint32_t)info->ifi_index;
	return name != NULL && strncmp(one->name, RTA_DATA(name), name->rta_len - RTA_LENGTH(0)) == 0;
}

static int one_link(const struct nlmsghdr *request, const struct network_interface *list, unsigned count)
{
	if (request->nlmsg_len < NLMSG_LENGTH(sizeof(struct ifinfomsg)))
		return -EINVAL;
	for (unsigned i = 0; i < count; i++)
		if (is_wanted(request, &list[i])) {
			add_link(&list[i]);
			flush();
			return 0;
		}
	return -ENODEV;
}

/* --- Addresses. */

static unsigned bits_of(const uint8_t mask[4])
{
	unsigned bits = 0;

	while (bits < 32 && mask[bits / 8] & 0x80u >> bits % 8)
		bits++;
	return bits;
}

static bool is_zero(const void *data, size_t size)
{
	static const uint8_t zero[16];

	return memcmp(data, zero, size) == 0;
}

static void add_address4(const struct network_interface *one)
{
	bool loopback = one->flags & NETWORK_LOOPBACK;
	struct ifa_cacheinfo life = {.ifa_prefered = UINT32_MAX, .ifa_valid = UINT32_MAX};
	struct ifaddrmsg *info;
	uint8_t all[4];

	if (is_zero(one->address, 4))
		return;
	info = message(RTM_NEWADDR, sizeof *info);
	*info = (struct ifaddrmsg){.ifa_family = AF_INET,
		.ifa_prefixlen = (uint8_t)bits_of(one->mask),
		.ifa_flags = IFA_F_PERMANENT,
		.ifa_scope = loopback ? RT_SCOPE_HOST : RT_SCOPE_UNIVERSE,
		.ifa_index = one->index};
	attribute(IFA_ADDRESS, one->address, 4);
	attribute(IFA_LOCAL, one->address, 4);
	for (unsigned i = 0; i < sizeof all; i++)
		all[i] = (uint8_t)(one->address[i] | (uint8_t)~one->mask[i]);
	if (one->flags & NETWORK_CAN_BROADCAST)
		attribute(IFA_BROADCAST, all, 4);
	text(IFA_LABEL, one->name);
	number(IFA_FLAGS, IFA_F_PERMANENT);
	attribute(IFA_CACHEINFO, &life, sizeof life);
}

static uint8_t scope_of(const uint8_t ip[16])
{
	struct in6_addr in6;

	memcpy(&in6, ip, sizeof in6);
	return IN6_IS_ADDR_LOOPBACK(&in6)    ? RT_SCOPE_HOST
	       : IN6_IS_ADDR_LINKLOCAL(&in6) ? RT_SCOPE_LINK
	       : IN6_IS_ADDR_SITELOCAL(&in6) ? RT_SCOPE_SITE
					     : RT_SCOPE_UNIVERSE;
}

static void add_addresses6(const struct network_interface *one)
{
	for (unsigned i = 0; i < NETWORK_ADDRESSES6; i++) {
		const struct network_address6 *address = &one->address6[i];
		bool permanent = address->flags & NETWORK_PERMANENT;
		uint32_t flags = (permanent ? IFA_F_PERMANENT : 0u) |
				 (address->flags & NETWORK_TENTATIVE ? IFA_F_TENTATIVE : 0u) |
				 (address->flags & NETWORK_DEPRECATED ? IFA_F_DEPRECATED : 0u);
		struct ifa_cacheinfo life = {.ifa_prefered = permanent ? UINT32_MAX : address->preferred,
			.ifa_valid = permanent ? UINT32_MAX : address->valid};
		struct ifaddrmsg *info;

		if (is_zero(address->ip, sizeof address->ip))
			continue;
		info = message(RTM_NEWADDR, sizeof *info);
		*info = (struct ifaddrmsg){.ifa_family = AF_INET6,
			.ifa_prefixlen = address->prefix,
			.ifa_flags = (uint8_t)flags,
			.ifa_scope = scope_of(address->ip),
			.ifa_index = one->index};
		attribute(IFA_ADDRESS, address->ip, sizeof address->ip);
		attribute(IFA_CACHEINFO, &life, sizeof life);
		number(IFA_FLAGS, flags);
	}
}

/* --- Routes. */

static void add_route(const struct network_interface *one, struct rtmsg info, const uint8_t *to, const uint8_t *gateway,
	const uint8_t *source, uint32_t metric)
{
	uint16_t size = info.rtm_family == AF_INET ? 4 : 16;

	info.rtm_table = RT_TABLE_MAIN;
	info.rtm_type = RTN_UNICAST;
	memcpy(message(RTM_NEWROUTE, sizeof info), &info, sizeof info);
	number(RTA_TABLE, RT_TABLE_MAIN);
	if (to != NULL)
		attribute(RTA_DST, to, size);
	if (metric != 0)
		number(RTA_PRIORITY, metric);
	if (source != NULL)
		attribute(RTA_PREFSRC, source, size);
	if (gateway != NULL)
		attribute(RTA_GATEWAY, gateway, size);
	number(RTA_OIF, one->index);
}

static void add_routes4(const struct network_interface *one)
{
	uint8_t net[4];

	if (is_zero(one->address, 4) || (one->flags & NETWORK_LOOPBACK))
		return;
	if (!is_zero(one->gateway, 4))
		add_route(one, (struct rtmsg){.rtm_family = AF_INET, .rtm_protocol = RTPROT_DHCP}, NULL, one->gateway,
			NULL, 0);
	for (unsigned i = 0; i < sizeof net; i++)
		net[i] = one->address[i] & one->mask[i];
	add_route(one,
		(struct rtmsg){.rtm_family = AF_INET,
			.rtm_dst_len = (uint8_t)bits_of(one->mask),
			.rtm_protocol = RTPROT_KERNEL,
			.rtm_scope = RT_SCOPE_LINK},
		net, NULL, one->address, 0);
}

static void add_routes6(const struct network_interface *one)
{
	for (unsigned i = 0; i < NETWORK_ADDRESSES6; i++) {
		const struct network_address6 *address = &one->address6[i];
		uint8_t net[16] = {0};

		if (is_zero(address->ip, sizeof address->ip) || (address->flags & NETWORK_TENTATIVE))
			continue;
		memcpy(net, address->ip, address->prefix / 8);
		add_route(one,
			(struct rtmsg){
				.rtm_family = AF_INET6, .rtm_dst_len = address->prefix, .rtm_protocol = RTPROT_KERNEL},
			net, NULL, NULL, METRIC6);
	}
	if (!is_zero(one->gateway6, sizeof one->gateway6))
		add_route(one, (struct rtmsg){.rtm_family = AF_INET6, .rtm_protocol = RTPROT_RA}, NULL, one->gateway6,
			NULL, METRIC6_ROUTER);
}

/* --- Requests. */

static void dump(const struct nlmsghdr *request, unsigned family, const struct network_interface *list, unsigned count)
{
	bool v4 = family == AF_UNSPEC || family == AF_INET, v6 = family == AF_UNSPEC || family == AF_INET6;

	for (unsigned i = 0; i < count; i++) {
		if (request->nlmsg_type == RTM_GETLINK)
			add_link(&list[i]);
		if (request->nlmsg_type == RTM_GETADDR && v4)
			add_address4(&list[i]);
		if (request->nlmsg_type == RTM_GETADDR && v6)
			add_addresses6(&list[i]);
		if (request->nlmsg_type == RTM_GETROUTE && v4)
			add_routes4(&list[i]);
		if (request->nlmsg_type == RTM_GETROUTE && v6)
			add_routes6(&list[i]);
	}
	done();
}

int route_request(struct call *call, struct netlink *netlink, const struct nlmsghdr *request)
{
	struct network_interface list[INTERFACES_MOST];
	network_settings_t settings;
	bool all = request->nlmsg_flags & NLM_F_DUMP;
	unsigned kind = request->nlmsg_type & 3u, count; /* NEW, DEL, GET, SET: from RTM_BASE on in fours */

	if (request->nlmsg_type > RTM_MAX)
		return -EOPNOTSUPP;
	if (kind != (RTM_GETLINK & 3) && !capable(call->process, CAP_NET_ADMIN))
		return -EPERM;
	if (request->nlmsg_len < NLMSG_LENGTH(sizeof(struct rtgenmsg)))
		return -EINVAL;
	if (request->nlmsg_type != RTM_GETLINK &&
		!(all && (request->nlmsg_type == RTM_GETADDR || request->nlmsg_type == RTM_GETROUTE)))
		return -EOPNOTSUPP;
	count = network_look(list, INTERFACES_MOST, &settings, true);
	begin(netlink, request, all);
	if (!all)
		return one_link(request, list, count);
	dump(request, ((const struct rtgenmsg *)NLMSG_DATA(request))->rtgen_family, list, count);
	return 0;
}
