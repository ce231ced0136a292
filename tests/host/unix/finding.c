/* Tables that grow, and the areas of an address space, against the plainest ways to find the same. */
#include <stdlib.h>
#include <string.h>

#include "base/table.h"
#include "check.h"
#include "memory/areas.h"

#define PAGE   4096u
#define PAGES  4096u /* of the pretended address space, */
#define LOWEST 16u   /* of which these are never used */
#define STEPS  40000u

static uint32_t random_below(uint32_t limit)
{
	static uint32_t state = 7;

	state = state * 1664525 + 1013904223;
	return (uint32_t)((uint64_t)state * limit >> 32);
}

/* --- Tables. */

struct element {
	struct table_link link;
	bool in;
};

static void check_table(void)
{
	static struct element elements[3000];
	static struct table table = TABLE_INITIALIZER(table);
	bool found = true, gone = true;
	uint64_t count = 0;

	for (unsigned step = 0; step < STEPS; step++) {
		unsigned i = random_below(3000);
		uint64_t key = (uint64_t)i << (i % 3 * 8);
		struct table_link *link;

		if (elements[i].in)
			table_remove(&table, &elements[i].link);
		else
			table_add(&table, &elements[i].link, key);
		count += elements[i].in ? -1ull : 1;
		elements[i].in = !elements[i].in;
		i = random_below(3000);
		for (link = table_find(&table, (uint64_t)i << (i % 3 * 8)); link != NULL && link != &elements[i].link;
			link = link->next)
			;
		found = found && (elements[i].in ? link == &elements[i].link : true);
		gone = gone && (elements[i].in || link == NULL);
	}
	check("a table finds what is in it", found);
	check("and nothing else", gone);
	check("it counts its elements", table.count == count);
	check("it has grown with them", table.bucket != table.small && table.mask + 1 >= count && table.mask < 16 * count);
	table_remove(&table, &(struct element){0}.link);
	check("what is not in it can be taken out", table.count == count);
	for (unsigned i = 0; table.count > 10; i++) {
		if (elements[i].in)
			table_remove(&table, &elements[i].link);
		elements[i].in = false;
	}
	check("it shrinks with them", table.mask < 256);
	for (unsigned i = 0; i < 3000; i++)
		found = found && (!elements[i].in || table_find(&table, elements[i].link.key) != NULL);
	check("what is left is found", found);
	free(table.bucket);
}

/* --- Areas: which page belongs to which is kept beside. */

static struct vm_area *owner[PAGES];
static struct areas areas;

static bool page_free(uint64_t first, uint64_t pages)
{
	for (uint64_t i = first; i < first + pages; i++)
		if (owner[i] != NULL)
			return false;
	return true;
}

static void put(uint64_t first, uint64_t pages)
{
	struct vm_area *area = calloc(1, sizeof *area);

	area->start = first * PAGE;
	area->end = (first + pages) * PAGE;
	areas_insert(&areas, area);
	for (uint64_t i = first; i < first + pages; i++)
		owner[i] = area;
}

static void take(struct vm_area *area)
{
	for (uint64_t i = area->start / PAGE; i < area->end / PAGE; i++)
		owner[i] = NULL;
	areas_remove(&areas, area);
	free(area);
}

/* Gives some of its pages up, at one of its ends. */
static void shrink(struct vm_area *area)
{
	uint64_t start = area->start / PAGE, end = area->end / PAGE, by = random_below((uint32_t)(end - start));

	if (random_below(2)) {
		for (uint64_t i = start; i < start + by; i++)
			owner[i] = NULL;
		start += by;
	} else {
		for (uint64_t i = end - by; i < end; i++)
			owner[i] = NULL;
		end -= by;
	}
	area_resize(&areas, area, start * PAGE, end * PAGE);
}

static struct vm_area *behind(uint64_t page)
{
	while (page < PAGES && owner[page] == NULL)
		page++;
	return page < PAGES ? owner[page] : NULL;
}

static uint64_t room(uint64_t top, uint64_t pages)
{
	for (uint64_t end = top; end >= LOWEST + pages; end--)
		if (page_free(end - pages, pages))
			return end;
	return 0;
}

/* Ranks fall towards the leaves, and the depth is that of a random tree. */
static unsigned depth(const struct vm_area *area, bool *good)
{
	unsigned left, right;

	if (area == NULL)
		return 0;
	*good = *good && (area->parent == NULL || area->parent->rank >= area->rank);
	left = depth(area->left, good);
	right = depth(area->right, good);
	return 1 + (left > right ? left : right);
}

static void check_areas(void)
{
	bool finds = true, fits = true, shape = true, copied;
	struct areas copy;

	areas_init(&areas);
	for (unsigned step = 0; step < STEPS; step++) {
		uint64_t page = LOWEST + random_below(PAGES - LOWEST), pages = 1 + random_below(8);

		if (page + pages <= PAGES && page_free(page, pages))
			put(page, pages);
		else if (owner[page] != NULL && random_below(3) == 0)
			shrink(owner[page]);
		else if (owner[page] != NULL)
			take(owner[page]);
		page = random_below(PAGES);
		finds = finds && areas_behind(&areas, page * PAGE + random_below(PAGE)) == behind(page);
		pages = 1 + random_below(24);
		fits = fits && areas_room(&areas, LOWEST * PAGE, page * PAGE, pages * PAGE) == room(page, pages) * PAGE;
	}
	check("the first area behind an address is found", finds);
	check("the highest room below an address is found", fits);
	check("the tree is a flat one", depth(areas.root, &shape) < 40 && areas.count > 500 && shape);

	areas_init(&copy);
	list_for_each (link, &areas.list) {
		struct vm_area *area = malloc(sizeof *area);

		*area = *list_entry(link, struct vm_area, link);
		areas_append(&copy, area);
	}
	copied = copy.count == areas.count && depth(copy.root, &shape) == depth(areas.root, &shape) &&
		 copy.root->largest == areas.root->largest && shape;
	check("areas that are appended make the same tree", copied);
	list_for_each_safe (link, &copy.list)
		free(list_entry(link, struct vm_area, link));
	while (areas.root != NULL)
		take(areas.root);
	check("with none left there is room everywhere",
		areas.count == 0 && areas_room(&areas, LOWEST * PAGE, PAGES * PAGE, (PAGES - LOWEST) * PAGE) == PAGES * PAGE &&
			areas_room(&areas, LOWEST * PAGE, PAGES * PAGE, (PAGES - LOWEST + 1) * PAGE) == 0);
}

int main(void)
{
	check_table();
	check_areas();
	return check_failures != 0;
}
