/* Partition tables: as fdisk and gdisk make them, damaged ones, random ones. */
#include "../../../pagers/disk/partition.h"
#include "../check.h"

#include <string.h>

#define SECTORS 4096
static uint8_t disk[SECTORS][PARTITION_SECTOR];
static struct partition list[PARTITIONS_MAX];
static const char *complaint;
static bool out_of_range;

static int read_sector(void *context, uint64_t sector, uint8_t buffer[PARTITION_SECTOR])
{
	(void)context;
	if (sector >= SECTORS) {
		out_of_range = true;
		return 0;
	}
	memcpy(buffer, disk[sector], PARTITION_SECTOR);
	return 1;
}

static unsigned find(void)
{
	return partitions_find(read_sector, NULL, SECTORS, list, &complaint);
}

static void put(uint8_t *to, uint64_t value, unsigned bytes)
{
	while (bytes--) {
		*to++ = (uint8_t)value;
		value >>= 8;
	}
}

static void sign(unsigned sector)
{
	disk[sector][510] = 0x55;
	disk[sector][511] = 0xaa;
}

static void entry(unsigned sector, unsigned number, uint8_t type, uint32_t start, uint32_t count)
{
	uint8_t *e = disk[sector] + 446 + 16 * number;

	memset(e, 0, 16);
	e[4] = type;
	put(e + 8, start, 4);
	put(e + 12, count, 4);
}

static bool is(unsigned index, unsigned number, uint64_t start, uint64_t count)
{
	return list[index].number == number && list[index].start == start && list[index].sectors == count;
}

static void mbr(void)
{
	memset(disk, 0, sizeof(disk));
	check(find() == 0 && !complaint, "a disk without a table has no partitions");
	sign(0);
	entry(0, 0, 0x83, 64, 1000);
	entry(0, 2, 0x83, 2000, 96);
	disk[0][446] = 0x80;
	check(find() == 2 && is(0, 1, 64, 1000) && is(1, 3, 2000, 96) && !complaint,
		"primary partitions keep their numbers");
	disk[0][446] = 0x12;
	check(find() == 0, "a boot sector that is no table is not taken for one");
	entry(0, 0, 0x83, 64, 5000);
	check(find() == 0 && complaint, "a partition beyond the disk is reported");
	memset(disk, 0, sizeof(disk));
	sign(0);
	entry(0, 0, 0x83, 64, 100);
	entry(0, 1, 0x05, 1000, 1000);
	sign(1000);
	entry(1000, 0, 0x83, 8, 50);
	entry(1000, 1, 0x05, 200, 100);
	sign(1200);
	entry(1200, 0, 0x82, 8, 60);
	check(find() == 3 && is(1, 5, 1008, 50) && is(2, 6, 1208, 60),
		"logical partitions are found along their chain");
	entry(1200, 1, 0x05, 200, 100);
	check(find() == 3, "a chain that goes back to itself ends");
	disk[1200][511] = 0;
	check(find() == 2 && complaint, "a broken chain is reported, what was found before stays");
}

static uint32_t crc(const uint8_t *bytes, size_t size)
{
	uint32_t value = ~0u;

	for (size_t i = 0; i < size; i++)
		for (int bit = 0; bit < 8; bit++)
			value = value >> 1 ^ ((value ^ bytes[i] >> bit) & 1 ? 0xedb88320u : 0);
	return ~value;
}

static void gpt_header(unsigned at, unsigned entries_at)
{
	uint8_t *h = disk[at];

	memset(h, 0, PARTITION_SECTOR);
	memcpy(h, "EFI PART\0\0\1\0", 12);
	put(h + 12, 92, 4);
	put(h + 24, at, 8);
	put(h + 72, entries_at, 8);
	put(h + 80, 128, 4);
	put(h + 84, 128, 4);
	put(h + 88, crc(disk[entries_at], 128 * 128), 4);
	put(h + 16, crc(h, 92), 4);
}

static void make_gpt(void)
{
	memset(disk, 0, sizeof(disk));
	sign(0);
	entry(0, 0, 0xee, 1, SECTORS - 1);
	for (unsigned copy = 0; copy < 2; copy++) {
		unsigned entries = copy ? SECTORS - 33 : 2;

		memset(disk[entries], 0x11, 16);
		put(disk[entries] + 32, 64, 8);
		put(disk[entries] + 40, 163, 8);
		memset(disk[entries] + 4 * 128, 0x22, 16);
		put(disk[entries] + 4 * 128 + 32, 1000, 8);
		put(disk[entries] + 4 * 128 + 40, 1000, 8);
		gpt_header(copy ? SECTORS - 1 : 1, entries);
	}
}

static void gpt(void)
{
	make_gpt();
	check(find() == 2 && is(0, 1, 64, 100) && is(1, 5, 1000, 1) && !complaint, "a GPT is read");
	disk[2][33] ^= 1;
	check(find() == 2 && is(0, 1, 64, 100) && !complaint, "a damaged table is replaced by the one at the end");
	disk[1][20] ^= 1;
	check(find() == 2 && !complaint, "a damaged header is, too");
	disk[SECTORS - 1][0] = 'X';
	check(find() == 0 && complaint, "two damaged tables are reported");
	/* In a field that nothing else depends on; the table at the end differs, to be told from the first. */
	make_gpt();
	put(disk[SECTORS - 33] + 32, 70, 8);
	gpt_header(SECTORS - 1, SECTORS - 33);
	disk[1][40] ^= 1;
	check(find() == 2 && is(0, 1, 70, 94) && !complaint, "a header whose checksum is wrong is not believed");
	make_gpt();
	put(disk[2] + 40, SECTORS + 5, 8);
	gpt_header(1, 2);
	put(disk[SECTORS - 33] + 40, SECTORS + 5, 8);
	gpt_header(SECTORS - 1, SECTORS - 33);
	check(find() == 0 && complaint && strstr(complaint, "outside"),
		"a partition of a GPT beyond the disk is reported");
}

static void random_disks(void)
{
	uint64_t state = 3;
	bool sound = true;

	for (int round = 0; round < 3000; round++) {
		unsigned count;

		if (round % 500 == 0)
			make_gpt();
		for (int i = 0; i < 3; i++)
			disk[check_random(&state) % 2 ? 0 : check_random(&state) % 4]
			    [check_random(&state) % PARTITION_SECTOR] = (uint8_t)check_random(&state);
		sign(0);
		/* The checksums are put right again, so that the fields behind them are read. */
		if (round % 2) {
			put(disk[1] + 16, 0, 4);
			put(disk[1] + 88, crc(disk[2], 128 * 128), 4);
			put(disk[1] + 16, crc(disk[1], 92), 4);
		}
		count = find();
		for (unsigned i = 0; i < count; i++)
			sound &= list[i].sectors && list[i].start < SECTORS &&
				 list[i].sectors <= SECTORS - list[i].start;
	}
	check(sound, "partitions of 3000 damaged tables lie on the disk");
	check(!out_of_range, "no sector beyond the disk was read");
}

int main(void)
{
	mbr();
	gpt();
	random_disks();
	return check_failures != 0;
}
