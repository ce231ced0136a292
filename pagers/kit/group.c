/* Pages that wait for a flush: see group.h. They are the kernel's messages, so that it has them again if this program
 * dies. */
#include "pagers/kit/group.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int pk_group_make(struct pk_group *group, uint64_t pages, unsigned max)
{
	*group = (struct pk_group){.pages = pages,
		.page = calloc(pages, sizeof(*group->page)),
		.number = calloc(max, sizeof(*group->number)),
		.max = max};
	return group->page && group->number ? 0 : ENOMEM;
}

static bool has_room(const struct pk_group *group, size_t length)
{
	return length / PK_PAGE <= group->max - group->count;
}

int pk_group_room(const struct pk_group *group, size_t length, int (*flush)(void *self))
{
	int error = has_room(group, length) ? 0 : flush(NULL);

	return error || has_room(group, length) ? error : EINVAL;
}

void pk_group_take(struct pk_group *group, uint64_t offset, void *pages, size_t length)
{
	for (size_t at = 0; at < length; at += PK_PAGE) {
		uint64_t number = (offset + at) / PK_PAGE;
		char *page = (char *)pages + at;

		if (number >= group->pages) {
			pk_pages_free(page, PK_PAGE);
			continue;
		}
		if (group->page[number])
			pk_pages_free(group->page[number], PK_PAGE);
		else
			group->number[group->count++] = number;
		group->page[number] = page;
	}
}

int pk_group_read(const struct pk_group *group, uint64_t offset, void *pages, size_t length,
	int (*read)(uint64_t number, void *page))
{
	int error = 0;

	for (size_t at = 0; at < length && !error; at += PK_PAGE) {
		uint64_t number = (offset + at) / PK_PAGE;

		if (group->page[number])
			memcpy((char *)pages + at, group->page[number], PK_PAGE);
		else
			error = read(number, (char *)pages + at);
	}
	return error;
}

void pk_group_done(struct pk_group *group)
{
	while (group->count) {
		uint64_t number = group->number[--group->count];

		pk_pages_free(group->page[number], PK_PAGE);
		group->page[number] = NULL;
	}
}
