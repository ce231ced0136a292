/* Hash tables that grow: see table.h. */
#include "base/table.h"

#include <stdlib.h>

static void put(struct table *table, struct table_link *link)
{
	struct table_link **bucket = &table->bucket[link->key & table->mask];

	link->next = *bucket;
	*bucket = link;
}

/* Without memory for that it stays as it is. */
static void resize(struct table *table, uint64_t buckets)
{
	struct table_link **old = table->bucket, **other = calloc(buckets, sizeof *other);
	const uint64_t old_buckets = table->mask + 1;

	if (other == NULL)
		return;
	table->bucket = other;
	table->mask = buckets - 1;
	for (uint64_t i = 0; i < old_buckets; i++) {
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
		resize(table, 4 * (table->mask + 1));
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
	if (table->count < table->mask / 16 && table->bucket != table->small)
		resize(table, (table->mask + 1) / 4);
}
