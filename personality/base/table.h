/* Hash tables that grow, of elements that carry their links and are found by a number. */
#ifndef PERSONALITY_TABLE_H
#define PERSONALITY_TABLE_H

#include <stddef.h>
#include <stdint.h>

struct table_link {
	struct table_link *next;
	uint64_t key;
};

#define TABLE_SMALL 16 /* buckets that a table has from the start */

/* There are as many buckets as elements, or few more: so chains stay short. Who has had many gives their memory back. */
struct table {
	struct table_link **bucket;
	uint64_t mask;
	uint64_t count;
	struct table_link *small[TABLE_SMALL]; /* until it has grown */
};

#define TABLE_INITIALIZER(name)                                                                                        \
	{                                                                                                              \
		.bucket = (name).small, .mask = TABLE_SMALL - 1                                                        \
	}
#define table_entry(link, type, member) ((type *)(void *)((char *)(link)-offsetof(type, member)))

/* A key for the name of a port: the low bits of keys say the bucket, those of names are much alike. */
static inline uint64_t table_key_of_port(uint32_t name)
{
	return name ^ name >> 8 ^ (uint64_t)name << 32;
}

/* The first element with the key, or null. */
static inline struct table_link *table_find(const struct table *table, uint64_t key)
{
	struct table_link *link = table->bucket[key & table->mask];

	while (link != NULL && link->key != key)
		link = link->next;
	return link;
}

/* Never fails; without memory to grow chains become longer. Several elements may have one key. */
void table_add(struct table *table, struct table_link *link, uint64_t key);
/* Of a table that has no elements: nothing but its memory is used any more. */
void table_end(struct table *table);
/* Harmless when it is in no table and zeros. */
void table_remove(struct table *table, struct table_link *link);

#endif
