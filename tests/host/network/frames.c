/*
 * Frames into the network server, as the driver hands them on: valid ones, ones with bytes changed, ones cut off, and
 * noise, while a client makes, uses and closes sockets. Under the sanitizers; at the end nothing is left that was not
 * there. NIGHTLY: a million.
 */
#include "network/network.h"

#include <lwip/inet_chksum.h>
#include <lwip/init.h>
#include <lwip/netif.h>
#include <lwip/pbuf.h>
#include <lwip/sys.h>
#include <lwip/tcp.h>
#include <lwip/timeouts.h>
#include <mach/notify_server.h>
#include <mach/server.h>
#include <servers/ether_client_server.h>
#include <servers/ether_types.h>
#include <servers/network_server.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "mach.h"
#include "packets.h"
#include "tests/host/check.h"

#define FRAMES  150000u
#define NIGHTLY 1000000u
#define SOCKETS 24u

mach_port_t port_set = 1;
char service_object;
static uint32_t now;
static mach_port_t sockets[SOCKETS];
static uint64_t frames_payload, last_id;

u32_t sys_now(void)
{
	return now;
}

/* --- The client. */

static void by(mach_port_t port)
{
	mach_request_payload_ = payload_of[port];
}

static void by_service(void)
{
	mach_request_payload_ = (uintptr_t)&service_object;
}

static network_address_t address(uint8_t last_byte, uint16_t port)
{
	network_address_t one = {.family = AF_INET, .port = lwip_htons(port), .ip = {10, 0, 2, last_byte}};

	if (random_number() % 2)
		return one;
	/* fe80::2 or of the site, where ours is fec0::f. */
	one = (network_address_t){.family = AF_INET6, .port = lwip_htons(port), .ip = {0xfe, 0xc0, [15] = last_byte}};
	if (last_byte == 2 && random_number() % 2) {
		one.ip[1] = 0x80;
		one.scope = random_number() % 4;
	}
	return one;
}

static network_address_t own(unsigned family, uint16_t port)
{
	network_address_t one = address(15, port);

	while (one.family != family)
		one = address(15, port);
	return one;
}

static void open_socket(unsigned at)
{
	static const unsigned kinds[] = {NETWORK_TCP, NETWORK_TCP, NETWORK_UDP, NETWORK_PING, NETWORK_RAW};
	static const unsigned protocols[] = {1, 6, 58};
	mach_port_t port = port_new();

	by_service();
	if (S_network_socket(1, port, ++last_id, kinds[random_number() % 5], random_number() % 2 ? AF_INET : AF_INET6,
		    protocols[random_number() % 3]) != KERN_SUCCESS)
		exit(1);
	sockets[at] = port;
}

static void close_socket(unsigned at)
{
	by(sockets[at]);
	S_mach_notify_no_senders(sockets[at], 0);
	sockets[at] = MACH_PORT_NULL;
}

static void use_socket(unsigned at)
{
	static char data[40000];
	mach_port_t port = sockets[at];

	by(port);
	switch (random_number() % 10) {
	case 0:
		S_network_bind(
			port, random_number() % 4
				      ? address(15, (uint16_t)(random_number() % 4 ? 1000 + random_number() % 8 : 0))
				      : (network_address_t){.family = AF_INET6,
						.port = lwip_htons((uint16_t)(1000 + random_number() % 8))});
		break;
	case 1:
		S_network_listen(port, random_number() % 6);
		break;
	case 2:
		S_network_connect(
			port, address((uint8_t)(random_number() % 3 ? 2 : 15), (uint16_t)(1000 + random_number() % 8)));
		break;
	case 3:
		S_network_send(port, data, random_number() % 32768);
		break;
	case 4:
		S_network_send_to(port, random_number() % 2 ? address(2, 1001) : (network_address_t){0}, data,
			random_number() % 3000 >> random_number() % 12);
		break;
	case 5:
		S_network_taken(port, random_number());
		break;
	case 6:
		S_network_shut(port, random_number() % 4);
		break;
	case 7:
		S_network_option(port, random_number() % (NETWORK_OPTIONS + 1), random_number() % 300);
		break;
	default:
		break;
	}
}

static void be_client(void)
{
	unsigned at = random_number() % SOCKETS;

	client_full = random_number() % 8 == 0;
	while (arrived_count > 0) {
		mach_port_t port = arrived[--arrived_count];

		if (sockets[at] != MACH_PORT_NULL)
			close_socket(at);
		by(port);
		if (random_number() % 4)
			S_network_adopt(port, ++last_id);
		sockets[at] = port;
	}
	if (sockets[at] == MACH_PORT_NULL)
		open_socket(at);
	else if (random_number() % 12 == 0)
		close_socket(at);
	else
		use_socket(at);
}

/* --- Frames. */

static void give_frame(void)
{
	static uint8_t frame[2048];
	unsigned size = make_frame(frame), space = ETHER_FRAME_SPACE(size);
	struct ether_frame header = {(uint16_t)size, 0};
	/* Of its own size, so that what is read beyond it is seen. */
	char *message = malloc(space + sizeof header);

	memcpy(message, &header, sizeof header);
	memcpy(message + sizeof header, frame, size);
	if (random_number() % 64 == 0)
		((struct ether_frame *)(void *)message)->size = (uint16_t)random_number();
	mach_request_payload_ = frames_payload;
	S_ether_received(1, message, space);
	free(message);
}

static void turn(void)
{
	if (random_number() % 4 == 0)
		now += random_number() % 300;
	sys_check_timeouts();
	netif_poll_all();
	card_flush();
	client_tell();
}

/*
 * Two sides that read nothing, each with all that the other may send: they fall silent. (Once they answered each
 * other's closed windows for ever, and the test did not end.)
 */
static void full_both_ways(unsigned family)
{
	static char data[NETWORK_DATA_SIZE];
	mach_port_t end[3];

	for (unsigned i = 0; i < 2; i++) {
		end[i] = port_new();
		by_service();
		S_network_socket(1, end[i], ++last_id, NETWORK_TCP, family, 6);
		by(end[i]);
		S_network_bind(end[i], own(family, (uint16_t)(2000 + i)));
	}
	by(end[0]);
	S_network_listen(end[0], 1);
	by(end[1]);
	S_network_connect(end[1], own(family, 2000));
	turn();
	end[2] = arrived_count == 1 ? arrived[--arrived_count] : MACH_PORT_NULL;
	by(end[2]);
	S_network_adopt(end[2], ++last_id);
	for (unsigned i = 0; i < 2 * NETWORK_STREAM_SIZE / sizeof data; i++) {
		by(end[1 + i % 2]);
		S_network_send(end[1 + i % 2], data, sizeof data);
	}
	alarm(20);
	for (unsigned i = 0; i < 100; i++) {
		now += 100;
		turn();
	}
	alarm(0);
	check(news.bytes == 2 * NETWORK_STREAM_SIZE,
		"two that read nothing get all there is room for, and fall silent");
	news = (struct news){0};
	for (unsigned i = 3; i-- > 0;) {
		by(end[i]);
		S_mach_notify_no_senders(end[i], 0);
	}
	turn();
}

/* It stays valid, whatever neighbours say. */
static void have_address6(struct netif *netif)
{
	ip_addr_t ip;

	IP_ADDR6_HOST(&ip, 0xfec00000, 0, 0, 15);
	netif_ip6_addr_set(netif, 1, ip_2_ip6(&ip));
	netif_ip6_addr_set_state(netif, 1, IP6_ADDR_PREFERRED);
}

int main(void)
{
	unsigned count = getenv("NIGHTLY") ? NIGHTLY : FRAMES, before;

	random_seed(getenv("SEED") ? (uint64_t)atoll(getenv("SEED")) : 1);
	lwip_init();
	errors_start();
	card_start(1, 1);
	frames_payload = mach_request_payload_;
	/* An address, as if DHCP had brought it. */
	for (struct netif *one = netif_list; one; one = one->next)
		if (one->hwaddr_len != 0) {
			ip4_addr_t ip, mask, gateway;

			IP4_ADDR(&ip, 10, 0, 2, 15);
			IP4_ADDR(&mask, 255, 255, 255, 0);
			IP4_ADDR(&gateway, 10, 0, 2, 2);
			netif_set_addr(one, &ip, &mask, &gateway);
			have_address6(one);
			netif_set_default(one);
		}
	by_service();
	S_network_attach(1, port_new());
	before = ports_alive;
	full_both_ways(AF_INET);
	full_both_ways(AF_INET6);
	for (unsigned i = 0; i < count; i++) {
		if (i % 64 == 0)
			have_address6(netif_default);
		give_frame();
		if (random_number() % 3 == 0)
			be_client();
		turn();
	}
	check(news.arrived > news.arrived6 && news.arrived6 > 0 && news.data > 0 && news.datagrams > 0 &&
			news.failed > 0 && news.finished > 0,
		"connections of both families came about, bytes and datagrams arrived, and ends");
	printf("%u arrived, %u data, %u datagrams, %u failed, %u finished, %llu bytes, %u frames out\n", news.arrived,
		news.data, news.datagrams, news.failed, news.finished, (unsigned long long)news.bytes, frames_out);
	client_full = false;
	turn();
	for (unsigned i = 0; i < SOCKETS; i++)
		if (sockets[i] != MACH_PORT_NULL)
			close_socket(i);
	while (arrived_count > 0) {
		mach_port_t port = arrived[--arrived_count];

		by(port);
		S_mach_notify_no_senders(port, 0);
	}
	/* What still closes comes to its end. */
	for (unsigned i = 0; i < 30000; i++) {
		now += 250;
		turn();
	}
	check(sockets_first() == NULL, "no socket is left");
	check(ports_alive == before, "no port is left");
	return check_failures != 0;
}
