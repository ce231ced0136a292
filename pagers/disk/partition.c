/* Partition tables (UEFI specification 2.10, chapter 5: GPT and the legacy MBR). */
#include "partition.h"

#include <stdbool.h>
#include <string.h>

enum {
	/* MBR */
	MBR_ENTRIES = 446,
	MBR_ENTRY_SIZE = 16,
	MBR_SIGNATURE = 510,
	ENTRY_BOOT = 0,
	ENTRY_TYPE = 4,
	ENTRY_START = 8,
	ENTRY_SECTORS = 12,
	TYPE_EXTENDED_CHS = 0x05,
	TYPE_EXTENDED_LBA = 0x0f,
	TYPE_EXTENDED_LINUX = 0x85,
	TYPE_GPT = 0xee,
	FIRST_LOGICAL = 5,
	/* GPT header, in sector 1 */
	GPT_HEADER_SIZE = 12,
	GPT_HEADER_CRC = 16,
	GPT_SELF = 24,
	GPT_ENTRIES_AT = 72,
	GPT_ENTRY_COUNT = 80,
	GPT_ENTRY_SIZE = 84,
	GPT_ENTRIES_CRC = 88,
	GPT_HEADER_MIN = 92,
	GPT_ENTRIES_MAX = 1024,
	/* GPT entry */
	GPT_TYPE_SIZE = 16,
	GPT_FIRST = 32,
	GPT_LAST = 40,
	GPT_ENTRY_MIN = 128,
};

static uint64_t get(const uint8_t *p, unsigned bytes)
{
	uint64_t value = 0;

	for (unsigned i = 0; i < bytes; i++)
		value |= (uint64_t)p[i] << (8 * i);
	return value;
}

/* CRC-32 of IEEE 802.3, as GPT uses it; crc is the value so far, 0 at the start. */
static uint32_t crc32(uint32_t crc, const uint8_t *bytes, uint64_t size)
{
	crc = ~crc;
	while (size--) {
		crc ^= *bytes++;
		for (int bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (crc & 1 ? 0xedb88320u : 0);
	}
	return ~crc;
}

static bool fits(uint64_t start, uint64_t count, uint64_t sectors)
{
	return count && start < sectors && count <= sectors - start;
}

static bool is_extended(uint8_t type)
{
	return type == TYPE_EXTENDED_CHS || type == TYPE_EXTENDED_LBA || type == TYPE_EXTENDED_LINUX;
}

static bool has_signature(const uint8_t *sector)
{
	return sector[MBR_SIGNATURE] == 0x55 && sector[MBR_SIGNATURE + 1] == 0xaa;
}

/* The logical partitions: a chain of sectors like the MBR, each naming one partition and the next sector. */
static unsigned find_logical(partition_read_fn read, void *context, uint64_t extended, uint64_t length,
	uint64_t sectors, struct partition *list, unsigned count, const char **complaint)
{
	uint64_t at = extended;
	unsigned number = FIRST_LOGICAL;

	while (count < PARTITIONS_MAX && number < FIRST_LOGICAL + PARTITIONS_MAX) {
		uint8_t sector[PARTITION_SECTOR];
		const uint8_t *entry = sector + MBR_ENTRIES, *link = entry + MBR_ENTRY_SIZE;
		uint64_t start, next;

		if (!read(context, at, sector) || !has_signature(sector)) {
			*complaint = "the chain of logical partitions is broken";
			break;
		}
		start = at + get(entry + ENTRY_START, 4);
		if (entry[ENTRY_TYPE]) {
			if (!fits(start, get(entry + ENTRY_SECTORS, 4), sectors)) {
				*complaint = "a logical partition lies outside the disk";
				break;
			}
			list[count++] = (struct partition){number, start, get(entry + ENTRY_SECTORS, 4)};
		}
		number++;
		next = get(link + ENTRY_START, 4);
		/* The chain only goes forward, so it ends. */
		if (!is_extended(link[ENTRY_TYPE]) || next >= length || extended + next <= at)
			break;
		at = extended + next;
	}
	return count;
}

static unsigned find_mbr(partition_read_fn read, void *context, const uint8_t *mbr, uint64_t sectors,
	struct partition *list, const char **complaint)
{
	unsigned count = 0;

	/* A boot sector of a file system has the signature too: all four entries must make sense. */
	for (unsigned i = 0; i < 4; i++) {
		const uint8_t *entry = mbr + MBR_ENTRIES + i * MBR_ENTRY_SIZE;

		if ((entry[ENTRY_BOOT] & 0x7f) != 0)
			return 0;
		if (entry[ENTRY_TYPE] && !fits(get(entry + ENTRY_START, 4), get(entry + ENTRY_SECTORS, 4), sectors)) {
			*complaint = "a partition lies outside the disk";
			return 0;
		}
	}
	for (unsigned i = 0; i < 4; i++) {
		const uint8_t *entry = mbr + MBR_ENTRIES + i * MBR_ENTRY_SIZE;

		if (entry[ENTRY_TYPE] && !is_extended(entry[ENTRY_TYPE]))
			list[count++] =
				(struct partition){i + 1, get(entry + ENTRY_START, 4), get(entry + ENTRY_SECTORS, 4)};
	}
	for (unsigned i = 0; i < 4; i++) {
		const uint8_t *entry = mbr + MBR_ENTRIES + i * MBR_ENTRY_SIZE;

		if (is_extended(entry[ENTRY_TYPE]))
			return find_logical(read, context, get(entry + ENTRY_START, 4), get(entry + ENTRY_SECTORS, 4),
				sectors, list, count, complaint);
	}
	return count;
}

/* The GPT whose header is in the given sector; false with a complaint when it is damaged. */
static bool find_gpt(partition_read_fn read, void *context, uint64_t header_at, uint64_t sectors,
	struct partition *list, unsigned *count, const char **complaint)
{
	uint8_t header[PARTITION_SECTOR], sector[PARTITION_SECTOR], zero[4] = {0};
	uint64_t size, entries_at, entries, entry_size;
	uint32_t crc;

	*count = 0;
	if (!read(context, header_at, header) || memcmp(header, "EFI PART", 8) != 0) {
		*complaint = "the GPT has no header";
		return false;
	}
	size = get(header + GPT_HEADER_SIZE, 4);
	if (size < GPT_HEADER_MIN || size > PARTITION_SECTOR) {
		*complaint = "the GPT's header has a wrong size";
		return false;
	}
	crc = crc32(0, header, GPT_HEADER_CRC);
	crc = crc32(crc, zero, 4);
	crc = crc32(crc, header + GPT_HEADER_CRC + 4, size - GPT_HEADER_CRC - 4);
	if (crc != get(header + GPT_HEADER_CRC, 4) || get(header + GPT_SELF, 8) != header_at) {
		*complaint = "the GPT's header has a wrong checksum";
		return false;
	}
	entries_at = get(header + GPT_ENTRIES_AT, 8);
	entries = get(header + GPT_ENTRY_COUNT, 4);
	entry_size = get(header + GPT_ENTRY_SIZE, 4);
	if (entries > GPT_ENTRIES_MAX || entry_size < GPT_ENTRY_MIN || entry_size > PARTITION_SECTOR ||
		PARTITION_SECTOR % entry_size != 0 ||
		!fits(entries_at, (entries * entry_size + PARTITION_SECTOR - 1) / PARTITION_SECTOR, sectors)) {
		*complaint = "the GPT's header is malformed";
		return false;
	}
	crc = 0;
	for (uint64_t i = 0; i < entries; i++) {
		static const uint8_t unused[GPT_TYPE_SIZE];
		uint64_t at = i * entry_size, first, last;
		const uint8_t *entry = sector + at % PARTITION_SECTOR;

		if (at % PARTITION_SECTOR == 0 && !read(context, entries_at + at / PARTITION_SECTOR, sector)) {
			*complaint = "the GPT cannot be read";
			return false;
		}
		crc = crc32(crc, entry, entry_size);
		if (memcmp(entry, unused, sizeof(unused)) == 0)
			continue;
		first = get(entry + GPT_FIRST, 8);
		last = get(entry + GPT_LAST, 8);
		if (last < first || !fits(first, last - first + 1, sectors)) {
			*complaint = "a partition of the GPT lies outside the disk";
			return false;
		}
		if (*count < PARTITIONS_MAX)
			list[(*count)++] = (struct partition){(unsigned)i + 1, first, last - first + 1};
	}
	if (crc != get(header + GPT_ENTRIES_CRC, 4)) {
		*complaint = "the GPT's entries have a wrong checksum";
		return false;
	}
	return true;
}

unsigned partitions_find(partition_read_fn read, void *context, uint64_t sectors, struct partition list[PARTITIONS_MAX],
	const char **complaint)
{
	uint8_t mbr[PARTITION_SECTOR];
	bool protective = false;
	unsigned count;

	*complaint = NULL;
	if (sectors < 2)
		return 0;
	if (!read(context, 0, mbr)) {
		*complaint = "the first sector cannot be read";
		return 0;
	}
	if (!has_signature(mbr))
		return 0;
	for (unsigned i = 0; i < 4; i++)
		protective |= mbr[MBR_ENTRIES + i * MBR_ENTRY_SIZE + ENTRY_TYPE] == TYPE_GPT;
	if (!protective)
		return find_mbr(read, context, mbr, sectors, list, complaint);
	/* The table at the disk's end stands in for a damaged first one. */
	if (find_gpt(read, context, 1, sectors, list, &count, complaint))
		return count;
	if (find_gpt(read, context, sectors - 1, sectors, list, &count, &(const char *){NULL})) {
		*complaint = NULL;
		return count;
	}
	return 0;
}
