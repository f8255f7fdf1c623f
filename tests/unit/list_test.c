// BUILD:
/*
 * list_test.c - the ring list against an array.
 */
#include "lib/list.h"

struct item {
	int number;
	struct list link;
};

static bool matches(struct list *head, const int *model, int nr)
{
	struct item *item;
	int i = 0;

	list_for_each(item, head, link)
		if (i >= nr || item->number != model[i++])
			return false;
	if (i != nr)
		return false;
	for (struct list *node = head->previous; node != head; node = node->previous)
		if (list_entry(node, struct item, link)->number != model[--i])
			return false;
	return i == 0;
}

static void random_operations(void)
{
	static struct item items[64];
	struct list head = LIST_INIT(head);
	int model[64], nr = 0;

	for (int i = 0; i < 64; i++) {
		items[i].number = i;
		list_init(&items[i].link);
	}
	for (int step = 0; step < 20000; step++) {
		int i = (int)(host_random() % 64), at;
		bool at_front = host_random() & 1;

		for (at = 0; at < nr && model[at] != i; at++)
			;
		if (at < nr) {
			list_remove(&items[i].link);
			memmove(model + at, model + at + 1, sizeof(int) * (size_t)(nr - at - 1));
			nr--;
		} else if (at_front) {
			list_push_front(&head, &items[i].link);
			memmove(model + 1, model, sizeof(int) * (size_t)nr++);
			model[0] = i;
		} else {
			list_push_back(&head, &items[i].link);
			model[nr++] = i;
		}
		require(matches(&head, model, nr));
	}
	ok(true, "20000 random insertions and removals");
}

int main(void)
{
	struct item a = { .number = 1 }, b = { .number = 2 };
	struct item *item, *following;
	struct list head;

	list_init(&head);
	ok(list_is_empty(&head), "a new list is empty");
	list_push_back(&head, &a.link);
	list_push_back(&head, &b.link);
	ok(list_first(&head, struct item, link) == &a && list_last(&head, struct item, link) == &b, "first and last");
	list_for_each_safe(item, following, &head, link)
		list_remove(&item->link);
	ok(list_is_empty(&head), "the body of list_for_each_safe may remove");
	list_remove(&a.link);
	ok(list_is_empty(&a.link), "removing twice is harmless");
	random_operations();
	return tap_end();
}
