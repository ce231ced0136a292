/* Headers and notes of pagers over others: see lower.h. */
#include "pagers/kit/lower.h"

#include <errno.h>
#include <string.h>

static uint64_t *checksum_in(void *header, size_t size)
{
	return (uint64_t *)header + size / sizeof(uint64_t) - 1;
}

int pk_header_find(struct pk_lower *lower, uint64_t magic, void *header, size_t size)
{
	static const unsigned char zeros[PK_PAGE];
	unsigned char first[PK_PAGE];
	int error = pk_lower_read(lower, 0, first, PK_PAGE);

	if (error)
		return error;
	memcpy(header, first, size);
	if (memcmp(first, zeros, PK_PAGE) == 0)
		return ENOENT;
	return *(uint64_t *)header == magic ? 0 : EINVAL;
}

int pk_header_read(struct pk_lower *lower, uint64_t magic, void *header, size_t size)
{
	int error = pk_header_find(lower, magic, header, size);

	if (!error && *checksum_in(header, size) != pk_checksum(0, header, size - sizeof(uint64_t)))
		error = EIO;
	return error;
}

int pk_header_write(struct pk_lower *lower, void *header, size_t size)
{
	int error;

	*checksum_in(header, size) = pk_checksum(0, header, size - sizeof(uint64_t));
	error = pk_lower_write(lower, 0, header, size);
	return error ? error : pk_lower_flush(lower);
}

static uint64_t group_pages(unsigned per_sector)
{
	return PK_PAGE / PK_SECTOR * per_sector;
}

static uint64_t group_at(unsigned per_sector, uint64_t page)
{
	return PK_PAGE * (1 + page / group_pages(per_sector) * (group_pages(per_sector) + 1));
}

uint64_t pk_noted_page_at(unsigned per_sector, uint64_t page)
{
	return group_at(per_sector, page) + PK_PAGE * (1 + page % group_pages(per_sector));
}

uint64_t pk_notes_at(unsigned per_sector, uint64_t page)
{
	return group_at(per_sector, page) + page % group_pages(per_sector) / per_sector * PK_SECTOR;
}

uint64_t pk_noted_pages(unsigned per_sector, uint64_t size)
{
	uint64_t pages = size / PK_PAGE, groups;

	if (pages < 3)
		return 0;
	groups = (pages - 1) / (group_pages(per_sector) + 1);
	pages = (pages - 1) % (group_pages(per_sector) + 1);
	return groups * group_pages(per_sector) + (pages > 1 ? pages - 1 : 0);
}
