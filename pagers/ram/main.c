/* The pager of files in memory: ram [size=BYTES, with k m g, or a part of the machine's memory, with %] [service=ram]. */
#include "pagers/filekit/filekit.h"
#include "pagers/ram/ram.h"

#include <mach/mach.h>
#include <stdlib.h>
#include <string.h>

#define SIZE_DEFAULT (32ull << 20)
#define NS_PER_US    1000u

static uint64_t machine_memory(void)
{
	vm_statistics_data_t memory = {0};

	vm_statistics(mach_task_self(), &memory);
	return memory.total_count * memory.pagesize;
}

/* "64m", "50%"; 0 when it is not a size. */
static uint64_t parse_size(const char *text)
{
	char *end;
	uint64_t size = strtoull(text, &end, 10);

	switch (*end) {
	case '%':
		return size <= 100 ? machine_memory() / 100 * size : 0;
	case 'g':
		return size << 30;
	case 'm':
		return size << 20;
	case 'k':
		return size << 10;
	default:
		return *end ? 0 : size;
	}
}

int main(int argc, char **argv)
{
	const char *service = "ram";
	uint64_t size = SIZE_DEFAULT;
	struct ram_volume *volume;
	int i;

	for (i = 1; i < argc; i++) {
		if (strncmp(argv[i], "service=", 8) == 0)
			service = argv[i] + 8;
		else if (strncmp(argv[i], "size=", 5) != 0)
			pk_log("ram: the argument %s is not known; there are size= and service=", argv[i]);
		else if (!(size = parse_size(argv[i] + 5)))
			pk_log("ram: %s is not a size", argv[i] + 5);
	}
	volume = ram_open(size ? size : SIZE_DEFAULT);
	if (!volume) {
		pk_log("ram: no memory");
		return 1;
	}
	/* An instance before gave out numbers up to less than that: it made no file within a microsecond. So none is
	 * given twice. */
	ram_number_from(volume, mach_clock_monotonic() / NS_PER_US);
	fk_serve(&volume->base, service);
	return 1;
}
