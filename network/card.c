/* Interfaces: the loopback, which is lwIP's, and the network card behind drivers/ether. */
#include "network.h"

#include <lwip/dhcp.h>
#include <lwip/dns.h>
#include <lwip/etharp.h>
#include <lwip/netif.h>
#include <lwip/pbuf.h>
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
static bool there, settled;

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
	(void)netif;
	if (!ip4_addr_isany(netif_ip4_addr(&card)))
		settled = true;
	tell_interfaces();
}

static void late(void *argument)
{
	(void)argument;
	if (settled)
		return;
	settled = true;
	fprintf(stderr, "no address has come by DHCP within %d s\n", PATIENCE / 1000);
	tell_interfaces();
}

static err_t start_card(struct netif *netif)
{
	netif->name[0] = 'e';
	netif->name[1] = 't';
	netif->output = etharp_output;
	netif->linkoutput = send_frame;
	netif->hwaddr_len = ETH_HWADDR_LEN;
	netif->flags = NETIF_FLAG_BROADCAST | NETIF_FLAG_ETHARP | NETIF_FLAG_ETHERNET | NETIF_FLAG_LINK_UP;
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

	/* Nothing is lost or changed on its way in memory. */
	NETIF_FOREACH(netif)
	NETIF_SET_CHECKSUM_CTRL(netif, NETIF_CHECKSUM_DISABLE_ALL);
}

void card_start(mach_port_t bootstrap, mach_port_t set)
{
	uint8_t hardware[ETH_HWADDR_LEN];
	uint16_t mtu;

	start_loopback();
	there = attach(bootstrap, set);
	settled = !there;
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
	netif_set_up(&card);
	dhcp_start(&card);
	sys_timeout(PATIENCE, late, NULL);
}

/* --- What the client is told of them. */

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
	*settings = (network_settings_t){.settled = settled};
	for (unsigned i = 0; i < DNS_MAX_SERVERS && servers < 2; i++)
		if (!ip_addr_isany(dns_getserver((uint8_t)i)))
			memcpy(settings->name_server[servers++], dns_getserver((uint8_t)i), 4);
	return count;
}
