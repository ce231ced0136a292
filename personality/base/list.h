/* Doubly linked lists whose links live in the elements. */
#ifndef PERSONALITY_LIST_H
#define PERSONALITY_LIST_H

#include <stdbool.h>
#include <stddef.h>

/* A head, or an element's link. A link that is on no list points to itself once list_init has run. */
struct list {
	struct list *next, *prev;
};

#define LIST_INITIALIZER(name)                                                                                         \
	{                                                                                                              \
		&(name), &(name)                                                                                       \
	}
#define list_entry(link, type, member) ((type *)(void *)((char *)(link)-offsetof(type, member)))
#define list_for_each(link, head)      for (struct list *link = (head)->next; link != (head); link = link->next)
/* The body may remove the element it is at (no other). */
#define list_for_each_safe(link, head)                                                                                 \
	for (struct list *link = (head)->next, *link##_next = link->next; link != (head);                              \
		link = link##_next, link##_next = link->next)

static inline void list_init(struct list *list)
{
	list->next = list->prev = list;
}

static inline bool list_empty(const struct list *list)
{
	return list->next == list;
}

static inline void list_append(struct list *head, struct list *link)
{
	link->prev = head->prev;
	link->next = head;
	head->prev->next = link;
	head->prev = link;
}

/* Leaves the link on no list; harmless when it was on none. */
static inline void list_remove(struct list *link)
{
	link->prev->next = link->next;
	link->next->prev = link->prev;
	list_init(link);
}

#endif
