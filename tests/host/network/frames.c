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
	return (network_address_t){.family = AF_INET, .port = lwip_htons(port), .ip = {10, 0, 2, last_byte}};
}

static void open_socket(unsigned at)
{
	static const unsigned kinds[] = {NETWORK_TCP, NETWORK_TCP, NETWORK_UDP, NETWORK_PING, NETWORK_RAW};
	mach_port_t port = port_new();

	by_service();
	if (S_network_socket(1, port, ++last_id, kinds[random_number() % 5], AF_INET, random_number() % 3 ? 1 : 6) !=
		KERN_SUCCESS)
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
		S_network_bind(port, address(15, (uint16_t)(random_number() % 4 ? 1000 + random_number() % 8 : 0)));
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
			random_number() % 3000);
		break;
	case 5:
		S_network_taken(port, random_number());
		break;
	case 6:
		S_network_shut(port, random_number() % 4);
		break;
	case 7:
		S_network_option(port, random_number() % 12, random_number() % 300);
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

static void put16(uint8_t *at, unsigned value)
{
	at[0] = (uint8_t)(value >> 8);
	at[1] = (uint8_t)value;
}

static void put32(uint8_t *at, uint32_t value)
{
	put16(at, value >> 16);
	put16(at + 2, value & 0xffff);
}

/* The checksum of so many bytes, with a pseudo header's sum. */
static void sum(uint8_t *at, const uint8_t *from, unsigned size, uint32_t pseudo)
{
	for (unsigned i = 0; i + 1 < size; i += 2)
		pseudo += (uint32_t)(from[i] << 8 | from[i + 1]);
	if (size & 1)
		pseudo += (uint32_t)from[size - 1] << 8;
	while (pseudo >> 16)
		pseudo = (pseudo & 0xffff) + (pseudo >> 16);
	put16(at, ~pseudo & 0xffff);
}

static unsigned make_arp(uint8_t *at)
{
	static const uint8_t head[] = {0, 1, 8, 0, 6, 4, 0};

	memcpy(at, head, sizeof head);
	at[7] = (uint8_t)(1 + random_number() % 2);
	memcpy(at + 8, "\2\0\0\0\0\1\12\0\2\2", 10);
	memcpy(at + 18, "\2\2\0\0\0\2\12\0\2\17", 10);
	return 28;
}

static unsigned make_tcp(uint8_t *at)
{
	static const uint8_t flags[] = {2, 2, 16, 24, 17, 4, 18, 25, 0, 63};
	unsigned options = random_number() % 4 == 0 ? 4 * (random_number() % 11) : 0;
	unsigned data = random_number() % 3 == 0 ? random_number() % 1200 : 0, i;

	put16(at, last.some && random_number() % 4 ? last.to : 1000 + random_number() % 8);
	put16(at + 2, last.some && random_number() % 4 ? last.from : 1000 + random_number() % 8);
	put32(at + 4, last.some ? last.acknowledged + (random_number() % 6 ? 0 : random_number() % 3000 - 1500)
				: random_number());
	put32(at + 8, last.some ? last.sequence - (random_number() % 6 ? 0 : random_number() % 3000) : random_number());
	at[12] = (uint8_t)((20 + options) / 4 << 4);
	at[13] = flags[random_number() % sizeof flags];
	put16(at + 14, random_number() % 4 ? 65535 : random_number() % 2000);
	put32(at + 16, 0);
	for (i = 0; i < options; i++)
		at[20 + i] = (uint8_t)(random_number() % 2 ? random_number() % 12 : random_number());
	for (i = 0; i < data; i++)
		at[20 + options + i] = (uint8_t)i;
	return 20 + options + data;
}

static unsigned make_udp(uint8_t *at)
{
	unsigned data = random_number() % 600;
	bool dhcp = random_number() % 8 == 0;

	put16(at, dhcp ? 67 : 1000 + random_number() % 8);
	put16(at + 2, dhcp ? 68 : 1000 + random_number() % 8);
	put16(at + 4, 8 + data);
	put16(at + 6, 0);
	for (unsigned i = 0; i < data; i++)
		at[8 + i] = (uint8_t)random_number();
	if (dhcp && data > 250) {
		at[8] = 2;
		put32(at + 8 + 236, 0x63825363);
	}
	return 8 + data;
}

static unsigned make_icmp(uint8_t *at)
{
	static const uint8_t types[] = {0, 8, 3, 5, 11, 13};
	unsigned data = random_number() % 200;

	at[0] = types[random_number() % sizeof types];
	at[1] = (uint8_t)(random_number() % 4);
	for (unsigned i = 2; i < 8 + data; i++)
		at[i] = (uint8_t)random_number();
	if (at[0] == 3 && data > 40) {
		/* What it is about. */
		memset(at + 8, 0, 28);
		at[8] = 0x45;
		at[8 + 9] = 17;
		memcpy(at + 8 + 12, "\12\0\2\17\12\0\2\2", 8);
		put16(at + 28, 1000 + random_number() % 8);
		put16(at + 30, 1000 + random_number() % 8);
	}
	put16(at + 2, 0);
	sum(at + 2, at, 8 + data, 0);
	return 8 + data;
}

static unsigned make_ip(uint8_t *at)
{
	unsigned options = random_number() % 16 == 0 ? 4 * (random_number() % 11) : 0, header = 20 + options, body;
	unsigned which = random_number() % 8;
	uint8_t protocol = which < 5 ? 6 : which < 7 ? 17 : 1;

	body = protocol == 6 ? make_tcp(at + header) : protocol == 17 ? make_udp(at + header) : make_icmp(at + header);
	memset(at, 0, header);
	at[0] = (uint8_t)(0x40 | header / 4);
	put16(at + 2, header + body);
	put16(at + 4, random_number() % 4);
	if (random_number() % 12 == 0)
		put16(at + 6, (random_number() % 2) << 13 | random_number() % 200); /* a fragment */
	at[8] = 64;
	at[9] = protocol;
	memcpy(at + 12, "\12\0\2\2\12\0\2\17", 8);
	sum(at + 10, at, header, 0);
	if (protocol == 6)
		sum(at + header + 16, at + header, body, 0x0a00 + 0x0202 + 0x0a00 + 0x020f + 6 + body);
	return header + body;
}

static unsigned make_frame(uint8_t *at)
{
	bool arp = random_number() % 10 == 0;
	unsigned size;

	memcpy(at, "\2\2\0\0\0\2\2\0\0\0\0\1\10\0", 14);
	at[13] = arp ? 6 : 0;
	size = 14 + (arp ? make_arp(at + 14) : make_ip(at + 14));
	switch (random_number() % 6) {
	case 0:
		for (unsigned i = random_number() % 4; i > 0; i--)
			at[random_number() % size] = (uint8_t)random_number();
		break;
	case 1:
		if (random_number() % 4 == 0)
			size = random_number() % size;
		break;
	default:
		break;
	}
	return size;
}

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
static void full_both_ways(void)
{
	static char data[NETWORK_DATA_SIZE];
	mach_port_t end[3];

	for (unsigned i = 0; i < 2; i++) {
		end[i] = port_new();
		by_service();
		S_network_socket(1, end[i], ++last_id, NETWORK_TCP, AF_INET, 6);
		by(end[i]);
		S_network_bind(end[i], address(15, (uint16_t)(2000 + i)));
	}
	by(end[0]);
	S_network_listen(end[0], 1);
	by(end[1]);
	S_network_connect(end[1], address(15, 2000));
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

int main(void)
{
	unsigned count = getenv("NIGHTLY") ? NIGHTLY : FRAMES, before;

	random_seed(getenv("SEED") ? (uint64_t)atoll(getenv("SEED")) : 1);
	lwip_init();
	datagram_errors_start();
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
			netif_set_default(one);
		}
	by_service();
	S_network_attach(1, port_new());
	before = ports_alive;
	full_both_ways();
	for (unsigned i = 0; i < count; i++) {
		give_frame();
		if (random_number() % 3 == 0)
			be_client();
		turn();
	}
	check(news.arrived > 0 && news.data > 0 && news.datagrams > 0 && news.failed > 0 && news.finished > 0,
		"connections came about, bytes and datagrams arrived, and ends");
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
