/*
 * interval.c - which intervals overlap another. What makes the search short: where the largest last of a subtree
 * is below what is asked for, nothing in it overlaps; and where it is not, the left subtree is the only one that
 * need be looked at first, since if the interval with that last begins too late, so does everything to its right.
 */
#include "lib/interval.h"
#include "kernel.h"

static inline struct interval *of_node(const struct rb_node *n)
{
	return rb_entry(n, struct interval, node);
}

static bool update_last(struct rb_node *n)
{
	struct interval *i = of_node(n);
	u64 largest = i->last;

	if (n->left)
		largest = max(largest, of_node(n->left)->last_below);
	if (n->right)
		largest = max(largest, of_node(n->right)->last_below);
	bool has_changed = largest != i->last_below;

	i->last_below = largest;
	return has_changed;
}

void interval_insert(struct interval_tree *tree, struct interval *i)
{
	struct rb_node **link = &tree->tree.root, *parent = NULL;

	assert(i->first <= i->last);
	tree->tree.update = update_last;
	while (*link) {
		parent = *link;
		link = i->first < of_node(parent)->first ? &parent->left : &parent->right;
	}
	i->last_below = i->last;
	rb_insert(&tree->tree, &i->node, parent, link);
}

void interval_remove(struct interval_tree *tree, struct interval *i)
{
	rb_remove(&tree->tree, &i->node);
}

static inline bool may_hold(const struct rb_node *n, u64 first)
{
	return n && of_node(n)->last_below >= first;
}

// n's subtree has an interval that ends at first or behind it. The one of those that overlap which begins first.
static struct interval *search(const struct rb_node *n, u64 first, u64 last)
{
	for (;;) {
		if (may_hold(n->left, first)) {
			n = n->left;
			continue;
		}
		if (of_node(n)->first > last)
			return NULL;
		if (of_node(n)->last >= first)
			return of_node(n);
		if (!may_hold(n->right, first))
			return NULL;
		n = n->right;
	}
}

struct interval *interval_first(const struct interval_tree *tree, u64 first, u64 last)
{
	return may_hold(tree->tree.root, first) ? search(tree->tree.root, first, last) : NULL;
}

struct interval *interval_next(const struct interval *i, u64 first, u64 last)
{
	const struct rb_node *n = &i->node;

	for (;;) {
		if (may_hold(n->right, first))
			return search(n->right, first, last);
		while (n->parent && n->parent->right == n)
			n = n->parent;
		n = n->parent;
		if (!n || of_node(n)->first > last)
			return NULL;
		if (of_node(n)->last >= first)
			return of_node(n);
	}
}
