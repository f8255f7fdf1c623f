#pragma once
/*
 * rbtree.h - a red-black tree whose nodes are embedded in what they order.
 * The owner finds the place (it alone knows the key), the tree keeps the balance:
 *
 *      struct rb_node **link = &tree->root, *parent = NULL;
 *      while (*link) { parent = *link; link = key < key_of(parent) ? &parent->left : &parent->right; }
 *      rb_insert(tree, node, parent, link);
 *
 * An optional summary is recomputed from a node and its children (tree->update) after every change, on the way to the
 * root, as far as it changes: the largest end below, the largest gap below, ...
 */
#include "types.h"

struct rb_node {
	struct rb_node *parent, *left, *right;
	bool is_red;
};

struct rb_tree {
	struct rb_node *root;
	bool (*update)(struct rb_node *node);   // recomputes node's summary; true: it changed. May be NULL
};

#define rb_entry(node, type, member) container_of(node, type, member)

// node's summary is what it is without children.
void rb_insert(struct rb_tree *tree, struct rb_node *node, struct rb_node *parent, struct rb_node **link);
void rb_remove(struct rb_tree *tree, struct rb_node *node);
// Recomputes the summaries from node upwards, after the node's own key data changed in place.
// Where one comes out as it was, those above it do, too.
void rb_update_path(struct rb_tree *tree, struct rb_node *node);
struct rb_node *rb_first(const struct rb_tree *tree);
struct rb_node *rb_last(const struct rb_tree *tree);
struct rb_node *rb_next(const struct rb_node *node);
struct rb_node *rb_previous(const struct rb_node *node);
// True when order, colours and black heights hold; used by tests and the audit.
bool rb_is_valid(const struct rb_tree *tree);
