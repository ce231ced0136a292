/* Partition tables: MBR with logical partitions, and GPT. Portable; tested on the build host. */
#ifndef DISK_PARTITION_H
#define DISK_PARTITION_H

#include <stdint.h>

#define PARTITION_SECTOR 512
#define PARTITIONS_MAX   32

struct partition {
	unsigned number; /* as Linux counts: MBR 1 to 4, logical ones from 5; GPT by entry */
	uint64_t start;  /* sectors */
	uint64_t sectors;
};

/* Reads one sector; false: it cannot be read. */
typedef int (*partition_read_fn)(void *context, uint64_t sector, uint8_t buffer[PARTITION_SECTOR]);

/*
 * Finds the partitions of a disk of so many sectors, in the order of their numbers. Returns how many; 0 when there is
 * no table, with *complaint null, or one that is damaged, with *complaint saying how.
 */
unsigned partitions_find(partition_read_fn read, void *context, uint64_t sectors, struct partition list[PARTITIONS_MAX],
	const char **complaint);

#endif
