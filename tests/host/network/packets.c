/* See packets.h. */
#include "packets.h"

#include <stdbool.h>
#include <string.h>

#include "mach.h"

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

/* --- IPv6. */

static const uint8_t ours[2][16] = {{0xfe, 0x80, [8] = 0, 2, 0, 0xff, 0xfe, 0, 0, 2}, {0xfe, 0xc0, [15] = 15}};
static const uint8_t theirs[2][16] = {{0xfe, 0x80, [15] = 2}, {0xfe, 0xc0, [15] = 2}};

/* A neighbour, mostly one that is there. */
static void put_address(uint8_t *at)
{
	memcpy(at, random_number() % 2 ? ours[random_number() % 2] : theirs[random_number() % 2], 16);
	if (random_number() % 4 == 0)
		at[15] = (uint8_t)random_number();
}

/* Options of neighbour discovery (RFC 4861, 4.6), of sizes that are theirs, or not. */
static unsigned make_options(uint8_t *at)
{
	static const uint8_t types[] = {1, 2, 3, 3, 3, 4, 5, 25, 31, 14};
	static const uint8_t sizes[256] = {[1] = 1, [2] = 1, [3] = 4, [4] = 6, [5] = 1, [25] = 3, [31] = 3};
	unsigned size = 0;

	for (unsigned count = random_number() % 4; count > 0; count--) {
		uint8_t type = types[random_number() % sizeof types];
		unsigned units = random_number() % 8 ? sizes[type] : random_number() % 6;

		for (unsigned i = 0; i < units * 8; i++)
			at[size + i] = (uint8_t)random_number();
		at[size] = type;
		at[size + 1] = (uint8_t)units;
		if (type == 3 && units == 4) {
			at[size + 2] = 64;
			at[size + 3] = 0xc0;
			put32(at + size + 4, random_number() % 2 ? 3 : 7200);
			put32(at + size + 8, random_number() % 2 ? 2 : 3600);
			memcpy(at + size + 16, random_number() % 2 ? "\xfe\xc0\0\0\0\0\0\0" : "\xfd\0\0\0\0\0\0\1", 8);
			memset(at + size + 24, 0, 8);
		}
		size += units == 0 ? 8 : units * 8;
	}
	return size;
}

static unsigned make_icmp6(uint8_t *at)
{
	static const uint8_t types[] = {1, 2, 3, 4, 128, 129, 130, 131, 132, 133, 134, 134, 135, 135, 136, 136, 137};
	unsigned size = 8;

	at[0] = types[random_number() % sizeof types];
	at[1] = (uint8_t)(random_number() % 6 ? 0 : random_number() % 6);
	put32(at + 4, random_number() % 3 ? random_number() : 0x40000000);
	if (at[0] < 128) {
		/* What it is about. */
		memset(at + 8, 0, 40);
		at[8] = 0x60;
		at[8 + 6] = random_number() % 2 ? 17 : 6;
		memcpy(at + 16, ours[1], 16);
		memcpy(at + 32, theirs[1], 16);
		put16(at + 48, 1000 + random_number() % 8);
		put16(at + 50, 1000 + random_number() % 8);
		if (at[0] == 2)
			put32(at + 4, random_number() % 2000);
		size = 8 + random_number() % 60;
	} else if (at[0] == 134) {
		put32(at + 8, random_number() % 2 ? 0 : 1000);
		put32(at + 12, 0);
		size = 16 + make_options(at + 16);
	} else if (at[0] >= 135) {
		put_address(at + 8);
		put_address(at + 24);
		size = at[0] == 137 ? 40 : 24;
		size += make_options(at + size);
	} else {
		size += random_number() % 100;
		for (unsigned i = 8; i < size; i++)
			at[i] = (uint8_t)random_number();
	}
	put16(at + 2, 0);
	return size;
}

/* Headers between IPv6's and the packet's: the first one's kind goes to *kind, and the last says that next comes. */
static unsigned make_extensions(uint8_t *at, uint8_t *kind, uint8_t next)
{
	static const uint8_t kinds[] = {0, 60, 43, 44};
	uint8_t *link = kind;
	unsigned size = 0;

	for (unsigned count = random_number() % 8 ? 0 : 1 + random_number() % 3; count > 0; count--) {
		uint8_t one = kinds[random_number() % sizeof kinds];
		unsigned units = one == 44 ? 0 : random_number() % 3;

		for (unsigned i = 2; i < 8 * (units + 1); i++)
			at[size + i] = (uint8_t)(random_number() % 3 ? 0 : random_number());
		at[size + 1] = (uint8_t)(random_number() % 16 ? units : random_number());
		if (one == 44) {
			put16(at + size + 2, (random_number() % 60) << 3 | random_number() % 2);
			put32(at + size + 4, random_number() % 4);
		}
		*link = one;
		link = at + size;
		size += 8 * (units + 1);
	}
	*link = next;
	return size;
}

static unsigned make_ip6(uint8_t *at)
{
	unsigned which = random_number() % 8, side = random_number() % 2, extensions, body, start = 0;
	uint8_t next = which < 3 ? 6 : which < 5 ? 17 : 58, *packet;

	memset(at, 0, 40);
	at[0] = 0x60;
	at[7] = 255;
	/* Mostly an answer, if it can be one. */
	if (next == 6 && last.some && last.is_v6 && random_number() % 8)
		side = last.to_ip[1] == theirs[1][1];
	memcpy(at + 8, theirs[side], 16);
	memcpy(at + 24, ours[side], 16);
	if (next == 58 && random_number() % 4 == 0)
		memcpy(at + 24, "\xff\2\0\0\0\0\0\0\0\0\0\0\0\0\0\1", 16);
	if (random_number() % 32 == 0)
		memset(at + 8, 0, 16);
	extensions = make_extensions(at + 40, at + 6, next);
	packet = at + 40 + extensions;
	body = next == 6 ? make_tcp(packet) : next == 17 ? make_udp(packet) : make_icmp6(packet);
	put16(at + 4, extensions + body);
	/* The sum goes over both addresses, size and kind (RFC 8200, 8.1). */
	for (unsigned i = 8; i < 40; i += 2)
		start += (unsigned)at[i] << 8 | at[i + 1];
	sum(packet + (next == 6 ? 16 : next == 17 ? 6 : 2), packet, body, start + next + body);
	return 40 + extensions + body;
}

unsigned make_frame(uint8_t *at)
{
	static const uint8_t types[3][2] = {{8, 0}, {8, 6}, {0x86, 0xdd}};
	unsigned kind = random_number() % 10, size;

	kind = kind == 0 ? 1 : kind < 6 ? 0 : 2;
	if (last.some && random_number() % 2)
		kind = last.is_v6 ? 2 : 0;
	memcpy(at, "\2\2\0\0\0\2\2\0\0\0\0\1", 12);
	memcpy(at + 12, types[kind], 2);
	size = 14 + (kind == 0 ? make_ip(at + 14) : kind == 1 ? make_arp(at + 14) : make_ip6(at + 14));
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
