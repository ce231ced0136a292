/* Pages of a pager's own. */
#include "pagers/kit/pages.h"

#include <sys/mman.h>

void *pk_pages_allocate(size_t size)
{
	void *pages = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return pages == MAP_FAILED ? NULL : pages;
}

void pk_pages_free(void *pages, size_t size)
{
	if (pages && size)
		munmap(pages, size);
}
