/* fw_cfg through its I/O ports (QEMU docs/specs/fw_cfg: selector 0x510, data 0x511). */
#include "device/console/fwcfg.h"

#include <mach/mach.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/rights.h"
#include "device/console/portio.h"

enum { SELECTOR = 0x510, DATA = 0x511, ITEM_SIGNATURE = 0x00, ITEM_DIRECTORY = 0x19 };
#define NAME_SIZE 56u
#define FILES_MAX 256u
#define FILE_MAX  (16u << 20)

static void read_bytes(void *to, size_t size)
{
	uint8_t *at = to;

	while (size-- > 0)
		*at++ = port_in8(DATA);
}

static uint32_t read_big32(void)
{
	uint32_t value;

	read_bytes(&value, sizeof value);
	return __builtin_bswap32(value);
}

bool fwcfg_start(void)
{
	char signature[4];

	if (device_io_ports(device_master(), mach_task_self(), SELECTOR, DATA) != KERN_SUCCESS)
		return false;
	port_out16(SELECTOR, ITEM_SIGNATURE);
	read_bytes(signature, sizeof signature);
	return memcmp(signature, "QEMU", sizeof signature) == 0;
}

char *fwcfg_read(const char *name, size_t *size)
{
	uint32_t count, i;

	port_out16(SELECTOR, ITEM_DIRECTORY);
	count = read_big32();
	if (count > FILES_MAX)
		return NULL;
	for (i = 0; i < count; i++) {
		uint32_t length = read_big32();
		uint32_t select = read_big32() >> 16; /* two bytes of it, two reserved */
		char entry[NAME_SIZE + 1] = {0};
		char *data;

		read_bytes(entry, NAME_SIZE);
		if (strcmp(entry, name) != 0)
			continue;
		if (length > FILE_MAX)
			return NULL;
		data = malloc(length + 1);
		if (data == NULL)
			return NULL;
		port_out16(SELECTOR, (uint16_t)select);
		read_bytes(data, length);
		data[length] = 0;
		*size = length;
		return data;
	}
	return NULL;
}
