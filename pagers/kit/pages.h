/* What needs no ports, on the build host as well: pages, and lines for the console. */
#ifndef PAGERS_KIT_PAGES_H
#define PAGERS_KIT_PAGES_H

#include <stddef.h>
#include <stdint.h>

#define PK_PAGE          4096u
#define PK_ROUND_PAGE(n) (((n) + (PK_PAGE - 1)) & ~(uint64_t)(PK_PAGE - 1))

/* Zeroed memory on a page's boundary; null when there is none. Freed by pk_pages_free, or moved into a message. */
void *pk_pages_allocate(size_t size);
void pk_pages_free(void *pages, size_t size);

/* Goes on with the checksum of what was before (0: nothing). */
uint64_t pk_checksum(uint64_t before, const void *data, size_t length);

/* A line on the kernel's console. */
void pk_log(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
