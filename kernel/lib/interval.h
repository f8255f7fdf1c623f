#pragma once
/*
 * interval.h - intervals of numbers, and which of them overlap another: a red-black tree by first,
 * in which every node knows the largest last of its subtree. Finding the k that overlap costs O(k + log n) looks.
 * Intervals may be equal. A tree of zeros is an empty one.
 */
#include "types.h"
#include "lib/rbtree.h"

struct interval {
	u64 first, last;                // both inside; first <= last. Constant while it is in a tree
	u64 last_below;                 // the largest last of the subtree
	struct rb_node node;
};

struct interval_tree {
	struct rb_tree tree;
};

void interval_insert(struct interval_tree *tree, struct interval *i);
void interval_remove(struct interval_tree *tree, struct interval *i);
// Those that overlap [first, last], by their own first: the first one, and the one behind i. NULL: there is none.
struct interval *interval_first(const struct interval_tree *tree, u64 first, u64 last);
struct interval *interval_next(const struct interval *i, u64 first, u64 last);

static inline bool interval_tree_is_empty(const struct interval_tree *tree)
{
	return !tree->tree.root;
}
