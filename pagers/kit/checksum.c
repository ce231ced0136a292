/* A checksum against what disks do to data, not against people: CRC-64 of ECMA-182, the highest bit first. */
#include "pagers/kit/pages.h"

#define POLYNOMIAL 0x42f0e1eba9ea3693ull

uint64_t pk_checksum(uint64_t before, const void *data, size_t length)
{
	static uint64_t table[256];
	const unsigned char *byte = data;

	/* Who fills it twice at the same time writes the same. */
	if (!table[1])
		for (unsigned i = 256; i-- > 0;) {
			uint64_t value = (uint64_t)i << 56;

			for (int bit = 0; bit < 8; bit++)
				value = value << 1 ^ (value >> 63 ? POLYNOMIAL : 0);
			table[i] = value;
		}
	before = ~before;
	for (; length--; byte++)
		before = before << 8 ^ table[before >> 56 ^ *byte];
	return ~before;
}
