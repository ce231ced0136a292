/* Interfaces: the loopback, which is lwIP's, and the network card behind drivers/ether. */
#include "network.h"

#include <lwip/dhcp.h>
#include <lwip/dns.h>
#include <lwip/etharp.h>
#include <lwip/ethip6.h>
#include <lwip/netif.h>
#include <lwip/pbuf.h>
#include <lwip/priv/nd6_priv.h>
#include <lwip/timeouts.h>
#include <mach/server.h>
#include <netif/ethernet.h>
#include <servers/bootstrap_user.h>
#include <servers/ether_client_server.h>
#include <servers/ether_user.h>

#include <stdio.h>
#include <string.h>

#define PATIENCE    4000 /* ms, for an address */
#define FRAME_LEAST 60   /* bytes, without the checksum (IEEE 802.3, 3.2.8) */

static char frames_object; /* payload of the port for frames */
static mach_port_t driver;
static struct netif card;
static bool there, settled, settled6; /* see network_settings_t */

/* Frames on their way to the driver. */
static char batch[ETHER_FRAMES_SIZE];
static unsigned used;
static uint64_t bytes_in, packets_in, dropped_in, bytes_out, packets_out, errors_out;

bool card_is_request(void)
{
	return mach_request_object() == &frames_object;
}

/* --- Frames. */

void card_flush(void)
{
	if (used != 0 && ether_send(driver, batch, used) != KERN_SUCCESS)
		errors_out++; /* TCP sends again */
	used = 0;
}

static err_t send_frame(struct netif *netif, struct pbuf *frame)
{
	struct ether_frame header = {frame->tot_len, 0};
	unsigned space = ETHER_FRAME_SPACE(frame->tot_len);

	(void)netif;
	if (used + space > sizeof batch)
		card_flush();
	memcpy(batch + used, &header, sizeof header);
	pbuf_copy_partial(frame, batch + used + sizeof header, frame->tot_len, 0);
	used += space;
	bytes_out += frame->tot_len;
	packets_out++;
	return ERR_OK;
}

kern_return_t S_ether_received(mach_port_t receiver, const char *frames, mach_msg_type_number_t count)
{
	struct ether_frame header;

	(void)receiver;
	if (!card_is_request())
		return KERN_INVALID_ARGUMENT;
	for (unsigned at = 0; count - at >= sizeof header; at += ETHER_FRAME_SPACE(header.size)) {
		struct pbuf *frame;

		memcpy(&header, frames + at, sizeof header);
		if (ETHER_FRAME_SPACE(header.size) > count - at)
			return KERN_INVALID_ARGUMENT;
		/*
		 * Shorter ones than Ethernet has are filled up, as on a wire: lwIP looks at an ARP packet's fields
		 * without asking whether they are there.
		 */
		frame = pbuf_alloc(PBUF_RAW, header.size > FRAME_LEAST ? header.size : FRAME_LEAST, PBUF_RAM);
		if (!frame) {
			dropped_in++;
			continue;
		}
		if (header.size < FRAME_LEAST)
			memset(frame->payload, 0, FRAME_LEAST);
		pbuf_take(frame, frames + at + sizeof header, header.size);
		bytes_in += header.size;
		packets_in++;
		if (card.input(frame, &card) != ERR_OK)
			pbuf_free(frame);
	}
	return KERN_SUCCESS;
}

/* --- The interface. */

static void changed(struct netif *netif)
{
	if (!ip4_addr_isany(netif_ip4_addr(netif)))
		settled = true;
	for (int i = 1; i < LWIP_IPV6_NUM_ADDRESSES; i++) /* the first is the link's */
		settled6 |= ip6_addr_isvalid(netif_ip6_addr_state(netif, i));
	tell_interfaces();
}

static void late(void *argument)
{
	(void)argument;
	if (settled && settled6)
		return;
	settled6 = true;
	tell_interfaces();
	if (settled)
		return;
	settled = true;
	fprintf(stderr, "no address has come by DHCP within %d s\n", PATIENCE / 1000);
}

static err_t start_card(struct netif *netif)
{
	netif->name[0] = 'e';
	netif->name[1] = 't';
	netif->output = etharp_output;
	netif->output_ip6 = ethip6_output;
	netif->linkoutput = send_frame;
	netif->hwaddr_len = ETH_HWADDR_LEN;
	netif->flags =
		NETIF_FLAG_BROADCAST | NETIF_FLAG_ETHARP | NETIF_FLAG_ETHERNET | NETIF_FLAG_LINK_UP | NETIF_FLAG_MLD6;
	return ERR_OK;
}

/* True: there is one, and it sends us what it gets. */
static bool attach(mach_port_t bootstrap, mach_port_t set)
{
	mach_port_t port;
	uint64_t address;
	unsigned mtu;
	kern_return_t result = bootstrap_look_up(bootstrap, "ether", &driver);

	if (result == KERN_SUCCESS)
		result = mach_server_port(set, &frames_object, &port);
	if (result == KERN_SUCCESS)
		result = mach_port_set_qlimit(mach_task_self(), port, ETHER_QUEUE);
	if (result == KERN_SUCCESS)
		result = ether_attach(driver, port, &address, &mtu);
	if (result == KERN_INVALID_NAME)
		return false;
	if (result != KERN_SUCCESS) {
		fprintf(stderr, "no network card: %s\n", mach_error_string(result));
		return false;
	}
	memcpy(card.hwaddr, &address, ETH_HWADDR_LEN);
	card.mtu = (uint16_t)mtu;
	return true;
}

static void start_loopback(void)
{
	struct netif *netif;

	/* Nothing is lost or changed on its way in memory, and a packet may be as long as IP's header can say. */
	NETIF_FOREACH(netif)
	{
		NETIF_SET_CHECKSUM_CTRL(netif, NETIF_CHECKSUM_DISABLE_ALL);
		netif->mtu = netif->mtu6 = UINT16_MAX;
	}
}

/* An address of the link by the card's; others by what routers say. */
static void start_ipv6(struct netif *netif)
{
	netif->mtu6 = netif->mtu;
	netif_create_ip6_linklocal_address(netif, 1);
	netif_set_ip6_autoconfig_enabled(netif, 1);
}

void card_start(mach_port_t bootstrap, mach_port_t set)
{
	uint8_t hardware[ETH_HWADDR_LEN];
	uint16_t mtu;

	start_loopback();
	there = attach(bootstrap, set);
	settled = settled6 = !there;
	if (!there)
		return;
	memcpy(hardware, card.hwaddr, sizeof hardware);
	mtu = card.mtu;
	netif_add(&card, IP4_ADDR_ANY4, IP4_ADDR_ANY4, IP4_ADDR_ANY4, NULL, start_card, ethernet_input);
	memcpy(card.hwaddr, hardware, sizeof hardware);
	card.mtu = mtu;
	netif_set_hostname(&card, "portolan");
	netif_set_status_callback(&card, changed);
	netif_set_default(&card);
	start_ipv6(&card);
	netif_set_up(&card);
	dhcp_start(&card);
	sys_timeout(PATIENCE, late, NULL);
}

/* --- What the client is told of them. */

static void fill6(struct network_interface *to, const struct netif *netif)
{
	unsigned count = 0;

	for (int i = 0; i < LWIP_IPV6_NUM_ADDRESSES; i++) {
		struct network_address6 *one = &to->address6[count];
		const ip6_addr_t *ip = netif_ip6_addr(netif, i);
		uint8_t state = netif_ip6_addr_state(netif, i);

		if (ip6_addr_isinvalid(state) || ip6_addr_isduplicated(state))
			continue;
		memcpy(one->ip, ip->addr, sizeof one->ip);
		/* lwIP's subnets are all of that size, as RFC 4862 needs them. */
		one->prefix = ip6_addr_isloopback(ip) ? 128 : 64;
		one->flags =
			(netif_ip6_addr_isstatic(netif, i) || ip6_addr_islinklocal(ip) ? NETWORK_PERMANENT : 0) |
			(ip6_addr_istentative(state) ? NETWORK_TENTATIVE : 0) |
			(ip6_addr_isdeprecated(state) && !netif_ip6_addr_isstatic(netif, i) ? NETWORK_DEPRECATED : 0);
		one->valid = netif_ip6_addr_valid_life(netif, i);
		one->preferred = netif_ip6_addr_pref_life(netif, i);
		count++;
	}
	for (int i = 0; i < LWIP_ND6_NUM_ROUTERS; i++) {
		const struct nd6_neighbor_cache_entry *router = default_router_list[i].neighbor_entry;

		if (router && router->netif == netif && default_router_list[i].invalidation_timer > 0) {
			memcpy(to->gateway6, router->next_hop_address.addr, sizeof to->gateway6);
			break;
		}
	}
}

static void fill(struct network_interface *to, const struct netif *netif)
{
	bool is_card = netif == &card;

	*to = (struct network_interface){.index = is_card ? 2 : 1, .mtu = is_card ? card.mtu : 65535};
	strcpy(to->name, is_card ? "eth0" : "lo");
	to->flags = (netif_is_up(netif) ? NETWORK_UP : 0u) | (netif_is_link_up(netif) ? NETWORK_RUNNING : 0u) |
		    (is_card ? NETWORK_CAN_BROADCAST : NETWORK_LOOPBACK);
	memcpy(to->hardware, netif->hwaddr, netif->hwaddr_len);
	memcpy(to->address, netif_ip4_addr(netif), 4);
	memcpy(to->mask, netif_ip4_netmask(netif), 4);
	fill6(to, netif);
	if (is_card) {
		memcpy(to->gateway, netif_ip4_gw(netif), 4);
		to->bytes_in = bytes_in;
		to->packets_in = packets_in;
		to->dropped_in = dropped_in;
		to->bytes_out = bytes_out;
		to->packets_out = packets_out;
		to->errors_out = errors_out;
	} else {
		to->bytes_in = netif->mib2_counters.ifinoctets;
		to->packets_in = netif->mib2_counters.ifinucastpkts + netif->mib2_counters.ifinnucastpkts;
		to->dropped_in = netif->mib2_counters.ifindiscards;
		to->bytes_out = netif->mib2_counters.ifoutoctets;
		to->packets_out = netif->mib2_counters.ifoutucastpkts + netif->mib2_counters.ifoutnucastpkts;
		to->errors_out = netif->mib2_counters.ifoutdiscards;
	}
}

unsigned interfaces_list(struct network_interface *list, unsigned most, network_settings_t *settings)
{
	const struct netif *netif;
	unsigned count = 0, servers = 0;

	NETIF_FOREACH(netif)
	if (netif != &card && count < most)
		fill(&list[count++], netif);
	if (there && count < most)
		fill(&list[count++], &card);
	*settings = (network_settings_t){.settled = settled, .settled6 = settled6};
	for (unsigned i = 0; i < DNS_MAX_SERVERS && servers < 2; i++)
		if (IP_IS_V4(dns_getserver((uint8_t)i)) && !ip_addr_isany(dns_getserver((uint8_t)i)))
			memcpy(settings->name_server[servers++], dns_getserver((uint8_t)i), 4);
	return count;
}
