#pragma once
/*
 * list.h - doubly linked ring lists; the node is embedded in what it links.
 *
 *      head <-> node <-> node <-> head        empty: head points at itself
 *
 * Owns no memory and no lock: the lock of a list is named where it is declared.
 */
#include "types.h"

struct list {
	struct list *next, *previous;
};

#define LIST_INIT(name) { &(name), &(name) }
#define list_entry(node, type, member) container_of(node, type, member)
#define list_first(head, type, member) list_entry((head)->next, type, member)
#define list_last(head, type, member) list_entry((head)->previous, type, member)

#define list_for_each(entry, head, member) \
	for (entry = list_entry((head)->next, __typeof__(*entry), member); \
	     &entry->member != (head); \
	     entry = list_entry(entry->member.next, __typeof__(*entry), member))

// The same, and the body may remove the entry.
#define list_for_each_safe(entry, following, head, member) \
	for (entry = list_entry((head)->next, __typeof__(*entry), member), \
	     following = list_entry(entry->member.next, __typeof__(*entry), member); \
	     &entry->member != (head); \
	     entry = following, following = list_entry(entry->member.next, __typeof__(*entry), member))

static inline void list_init(struct list *head)
{
	head->next = head->previous = head;
}

static inline bool list_is_empty(const struct list *head)
{
	return head->next == head;
}

static inline void list_insert_between(struct list *node, struct list *previous, struct list *next)
{
	node->next = next;
	node->previous = previous;
	previous->next = node;
	next->previous = node;
}

// At the front, at the back of the list.
static inline void list_push_front(struct list *head, struct list *node)
{
	list_insert_between(node, head, head->next);
}

static inline void list_push_back(struct list *head, struct list *node)
{
	list_insert_between(node, head->previous, head);
}

// Unlinks the node and leaves it as an empty list, so that removing twice is harmless.
static inline void list_remove(struct list *node)
{
	node->previous->next = node->next;
	node->next->previous = node->previous;
	list_init(node);
}
