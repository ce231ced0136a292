/* What pagers over others have in common: what the first page below says, and pages with notes beside them. */
#ifndef PAGERS_KIT_LOWER_H
#define PAGERS_KIT_LOWER_H

#include "pagers/kit/kit.h"

/*
 * The header in the first page of a lower object: a structure of 64-bit words whose first is the pager's magic number.
 *
 * pk_header_find: 0; ENOENT: the page is zeros, there is none; EINVAL: it is somebody else's; or the lower's error.
 * pk_header_read: the last word is a checksum of those before, else EIO.
 * pk_header_write: with that checksum, on the medium when it returns 0.
 */
int pk_header_find(struct pk_lower *lower, uint64_t magic, void *header, size_t size);
int pk_header_read(struct pk_lower *lower, uint64_t magic, void *header, size_t size);
int pk_header_write(struct pk_lower *lower, void *header, size_t size);

/*
 * Behind the header, groups: a page of notes, and the pages that these are for. Of a sector, which disks write whole,
 * are the notes of so many pages (`per_sector`).
 */
#define PK_SECTOR 512u
uint64_t pk_noted_pages(unsigned per_sector, uint64_t size); /* how many pages a lower of that size has */
uint64_t pk_noted_page_at(unsigned per_sector, uint64_t page);
uint64_t pk_notes_at(unsigned per_sector, uint64_t page); /* its sector */

#endif
