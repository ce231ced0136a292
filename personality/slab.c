/*
 * Slabs: a run of pages with pieces of one size; those with room are on a list, the last that is empty is kept. Larger
 * pieces are pages of their own. malloc would keep for ever what many small pieces once took.
 */
#include "slab.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>

#include "list.h"

#define SLAB_SIZE   16384u /* aligned to that: a piece finds its slab */
#define PAGE        4096u
#define PIECE_ALIGN 16u

/* A slab's first bytes. */
struct slab {
	struct list link; /* of its class, while it has room */
	unsigned used;
	unsigned fresh;          /* offset of the first piece that was never used */
	struct free_piece *free; /* pieces that were */
};

struct free_piece {
	struct free_piece *next;
};

static const unsigned sizes[] = {32, 64, 96, 128, 192, 256, 384, 512, 768, 1024, 1360, 2032, 2720, 3264, 4080, 5440,
	8160};
#define CLASSES (sizeof sizes / sizeof sizes[0])
#define LARGEST (sizes[CLASSES - 1])

static struct list with_room[CLASSES];
static struct slab *kept_empty[CLASSES];

static unsigned class_of(size_t size)
{
	unsigned class = 0;

	while (sizes[class] < size)
		class ++;
	return class;
}

static size_t whole_pages(size_t size)
{
	return (size + PAGE - 1) & ~(size_t)(PAGE - 1);
}

static void *pages(size_t size)
{
	void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return memory == MAP_FAILED ? NULL : memory;
}

/* A run of pages that is aligned to its own size: what is too much goes back. */
static void *aligned_pages(void)
{
	char *memory = pages(2 * SLAB_SIZE), *start;
	size_t before;

	if (memory == NULL)
		return NULL;
	before = -(uintptr_t)memory & (SLAB_SIZE - 1);
	start = memory + before;
	if (before != 0)
		munmap(memory, before);
	munmap(start + SLAB_SIZE, SLAB_SIZE - before);
	return start;
}

static bool is_full(const struct slab *slab, unsigned class)
{
	return slab->free == NULL && slab->fresh + sizes[class] > SLAB_SIZE;
}

/* A slab of the class with room, on its list. */
static struct slab *slab_with_room(unsigned class)
{
	struct list *list = &with_room[class];
	struct slab *slab;

	if (list->next == NULL)
		list_init(list);
	if (!list_empty(list))
		return list_entry(list->next, struct slab, link);
	slab = aligned_pages();
	if (slab == NULL)
		return NULL;
	slab->fresh = (sizeof *slab + PIECE_ALIGN - 1) & ~(PIECE_ALIGN - 1);
	list_append(list, &slab->link);
	return slab;
}

void *slab_alloc(size_t size)
{
	struct slab *slab;
	unsigned class;
	void *memory;

	if (size > LARGEST)
		return size > SIZE_MAX - PAGE ? NULL : pages(whole_pages(size));
	class = class_of(size);
	slab = slab_with_room(class);
	if (slab == NULL)
		return NULL;
	if (slab == kept_empty[class])
		kept_empty[class] = NULL;
	if (slab->free != NULL) {
		memory = slab->free;
		slab->free = slab->free->next;
		memset(memory, 0, size);
	} else {
		memory = (char *)slab + slab->fresh;
		slab->fresh += sizes[class];
	}
	slab->used++;
	if (is_full(slab, class))
		list_remove(&slab->link);
	return memory;
}

void slab_free(void *memory, size_t size)
{
	struct slab *slab = (struct slab *)((uintptr_t)memory & ~(uintptr_t)(SLAB_SIZE - 1));
	struct free_piece *piece = memory;
	unsigned class;

	if (size > LARGEST) {
		munmap(memory, whole_pages(size));
		return;
	}
	class = class_of(size);
	if (is_full(slab, class))
		list_append(&with_room[class], &slab->link);
	piece->next = slab->free;
	slab->free = piece;
	if (--slab->used > 0)
		return;
	if (kept_empty[class] == NULL) {
		kept_empty[class] = slab;
		return;
	}
	list_remove(&slab->link);
	munmap(slab, SLAB_SIZE);
}
