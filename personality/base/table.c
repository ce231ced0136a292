/* Hash tables that grow: see table.h. */
#include "base/table.h"

#include <stdlib.h>

static void put(struct table *table, struct table_link *link)
{
	struct table_link **bucket = &table->bucket[link->key & table->mask];

	link->next = *bucket;
	*bucket = link;
}

static void grow(struct table *table)
{
	struct table_link **old = table->bucket, **larger = calloc(4 * (table->mask + 1), sizeof *larger);
	uint64_t buckets = table->mask + 1;

	if (larger == NULL)
		return;
	table->bucket = larger;
	table->mask = 4 * buckets - 1;
	for (uint64_t i = 0; i < buckets; i++) {
		while (old[i] != NULL) {
			struct table_link *link = old[i];

			old[i] = link->next;
			put(table, link);
		}
	}
	if (old != table->small)
		free(old);
}

void table_add(struct table *table, struct table_link *link, uint64_t key)
{
	if (table->count > table->mask)
		grow(table);
	link->key = key;
	put(table, link);
	table->count++;
}

void table_end(struct table *table)
{
	if (table->bucket != table->small)
		free(table->bucket);
}

void table_remove(struct table *table, struct table_link *link)
{
	struct table_link **at = &table->bucket[link->key & table->mask];

	while (*at != NULL && *at != link)
		at = &(*at)->next;
	if (*at == NULL)
		return;
	*at = link->next;
	link->next = NULL;
	table->count--;
}
