/* Pages that a pager has taken and keeps until a flush, by number: for a take() that returns before they are written.
 */
#ifndef PAGERS_KIT_GROUP_H
#define PAGERS_KIT_GROUP_H

#include "pagers/kit/pages.h"

#include <stdbool.h>

struct pk_group {
	uint64_t pages; /* of the object */
	void **page;    /* by number; null: it does not wait */
	uint64_t *number;
	unsigned count, max;
};

/* Of an object of so many pages, of which at most `max` wait. ENOMEM. */
int pk_group_make(struct pk_group *group, uint64_t pages, unsigned max);
/* Room for so many bytes more, by a flush if there is none. The flush's error, or EINVAL: more than the group. */
int pk_group_room(const struct pk_group *group, size_t length, int (*flush)(void *self));
/* Takes them, in the place of those of the same numbers, as the messages in which they came; there is room. What is
 * behind the object is freed. */
void pk_group_take(struct pk_group *group, uint64_t offset, void *pages, size_t length);
/* Fills the range with what waits, and by read() where nothing does. */
int pk_group_read(const struct pk_group *group, uint64_t offset, void *pages, size_t length,
	int (*read)(uint64_t number, void *page));
/* They are written: none waits any more. */
void pk_group_done(struct pk_group *group);

#endif
