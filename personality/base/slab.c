/*
 * Slabs: a run of pages with pieces of one size; those with room are on a list, a few that are empty are kept for
 * pieces of any. Larger pieces are pages of their own. So what is freed goes back to the kernel.
 */
#include "base/slab.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>

#include "base/list.h"

#define SLAB_SIZE   8192u /* aligned to that: a piece finds its slab */
#define PAGE        4096u
#define PIECE_ALIGN 16u
#define SPARE_MAX   2

/* A slab's first bytes. */
struct slab {
	struct list link; /* of its class, while it has room; or of the spare ones */
	unsigned used;
	unsigned fresh;          /* offset of the first piece that was never used */
	struct free_piece *free; /* pieces that were */
};

struct free_piece {
	struct free_piece *next;
};

static const unsigned sizes[] = {
	32, 64, 96, 128, 192, 256, 384, 512, 768, 1008, 1344, 2032, 2704, 4064};
#define CLASSES (sizeof sizes / sizeof sizes[0])
#define LARGEST (sizes[CLASSES - 1])

/* Not the server's: the C library asks for memory without that (heap.c). */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct list with_room[CLASSES];
static struct list spare = LIST_INITIALIZER(spare);
static unsigned spare_count;

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

/* An empty slab. Null: no memory. */
static struct slab *empty_slab(void)
{
	struct slab *slab;

	if (list_empty(&spare)) {
		slab = aligned_pages();
		if (slab == NULL)
			return NULL;
	} else {
		slab = list_entry(spare.next, struct slab, link);
		list_remove(&slab->link);
		spare_count--;
	}
	*slab = (struct slab){.fresh = (sizeof *slab + PIECE_ALIGN - 1) & ~(PIECE_ALIGN - 1)};
	return slab;
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
	slab = empty_slab();
	if (slab != NULL)
		list_append(list, &slab->link);
	return slab;
}

static void *piece_take(unsigned class)
{
	struct slab *slab = slab_with_room(class);
	void *memory;

	if (slab == NULL)
		return NULL;
	if (slab->free != NULL) {
		memory = slab->free;
		slab->free = slab->free->next;
	} else {
		memory = (char *)slab + slab->fresh;
		slab->fresh += sizes[class];
	}
	slab->used++;
	if (is_full(slab, class))
		list_remove(&slab->link);
	return memory;
}

void *slab_take(size_t size)
{
	void *memory;

	if (size > LARGEST)
		return size > SIZE_MAX - PAGE ? NULL : pages(whole_pages(size));
	pthread_mutex_lock(&lock);
	memory = piece_take(class_of(size));
	pthread_mutex_unlock(&lock);
	return memory;
}

void *slab_alloc(size_t size)
{
	void *memory = slab_take(size);

	if (memory != NULL && size <= LARGEST)
		memset(memory, 0, size);
	return memory;
}

static void piece_free(struct free_piece *piece, unsigned class)
{
	struct slab *slab = (struct slab *)((uintptr_t)piece & ~(uintptr_t)(SLAB_SIZE - 1));

	if (is_full(slab, class))
		list_append(&with_room[class], &slab->link);
	piece->next = slab->free;
	slab->free = piece;
	if (--slab->used > 0)
		return;
	list_remove(&slab->link);
	if (spare_count < SPARE_MAX) {
		list_append(&spare, &slab->link);
		spare_count++;
	} else {
		munmap(slab, SLAB_SIZE);
	}
}

void slab_free(void *memory, size_t size)
{
	if (size > LARGEST) {
		munmap(memory, whole_pages(size));
		return;
	}
	pthread_mutex_lock(&lock);
	piece_free(memory, class_of(size));
	pthread_mutex_unlock(&lock);
}
