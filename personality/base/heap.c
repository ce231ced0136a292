/*
 * The C library's heap, of slabs: a piece has its size before it. The library's own would keep for ever what many small
 * pieces once took, for the sake of one among them that stays.
 */
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/slab.h"

/* What follows is aligned as it is. */
struct head {
	size_t size; /* with this */
	size_t unused;
};

_Static_assert(sizeof(struct head) == 16, "memory after it is aligned for anything");

/* The memory after a head, which may be null. */
static void *begin(struct head *head, size_t size)
{
	if (head == NULL) {
		errno = ENOMEM;
		return NULL;
	}
	head->size = size;
	return head + 1;
}

void *malloc(size_t size)
{
	size_t whole;

	if (__builtin_add_overflow(size, sizeof(struct head), &whole))
		return begin(NULL, 0);
	return begin(slab_take(whole), whole);
}

void *calloc(size_t count, size_t size)
{
	size_t whole;

	if (__builtin_mul_overflow(count, size, &whole) || __builtin_add_overflow(whole, sizeof(struct head), &whole))
		return begin(NULL, 0);
	return begin(slab_alloc(whole), whole);
}

void free(void *memory)
{
	struct head *head = memory;

	if (head != NULL)
		slab_free(head - 1, head[-1].size);
}

void *realloc(void *memory, size_t size)
{
	size_t have = memory == NULL ? 0 : ((struct head *)memory)[-1].size - sizeof(struct head);
	void *other = malloc(size);

	if (other == NULL)
		return NULL;
	if (memory != NULL)
		memcpy(other, memory, have < size ? have : size);
	free(memory);
	return other;
}
