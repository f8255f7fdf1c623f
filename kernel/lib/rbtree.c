/*
 * rbtree.c - a red-black tree: no red node has a red child, and every way from a node down to a missing child
 * passes equally many black nodes; so the longest way is at most twice the shortest.
 * A missing child counts as black. After a removal the "place" that lacks one black node may be such a missing
 * child, so the repair carries it as (parent, side) and not as a node.
 */
#include "lib/rbtree.h"

static bool is_red(const struct rb_node *n)
{
	return n && n->is_red;
}

static void update(struct rb_tree *tree, struct rb_node *n)
{
	if (tree->update)
		(void)tree->update(n);
}

void rb_update_path(struct rb_tree *tree, struct rb_node *node)
{
	if (!tree->update)
		return;
	while (node && tree->update(node))
		node = node->parent;
}

// Puts what (may be NULL) where node hangs.
static void replace_child(struct rb_tree *tree, struct rb_node *node, struct rb_node *what)
{
	struct rb_node *parent = node->parent;

	if (!parent)
		tree->root = what;
	else if (parent->left == node)
		parent->left = what;
	else
		parent->right = what;
	if (what)
		what->parent = parent;
}

/*
 *        n              r
 *       / \            / \
 *      a   r    ->    n   c         rotate_right is the mirror image
 *         / \        / \
 *        b   c      a   b
 */
static void rotate_left(struct rb_tree *tree, struct rb_node *n)
{
	struct rb_node *r = n->right;

	replace_child(tree, n, r);
	n->right = r->left;
	if (n->right)
		n->right->parent = n;
	r->left = n;
	n->parent = r;
	update(tree, n);
	update(tree, r);
}

static void rotate_right(struct rb_tree *tree, struct rb_node *n)
{
	struct rb_node *l = n->left;

	replace_child(tree, n, l);
	n->left = l->right;
	if (n->left)
		n->left->parent = n;
	l->right = n;
	n->parent = l;
	update(tree, n);
	update(tree, l);
}

void rb_insert(struct rb_tree *tree, struct rb_node *node, struct rb_node *parent, struct rb_node **link)
{
	node->parent = parent;
	node->left = node->right = NULL;
	node->is_red = true;
	*link = node;
	rb_update_path(tree, parent);

	while (is_red(node->parent)) {
		struct rb_node *grand;
		struct rb_node *uncle;

		parent = node->parent;
		grand = parent->parent;         // a red node is never the root
		uncle = grand->left == parent ? grand->right : grand->left;
		if (is_red(uncle)) {            // push the red one generation up
			parent->is_red = uncle->is_red = false;
			grand->is_red = true;
			node = grand;
			continue;
		}
		if (parent == grand->left) {
			if (node == parent->right) {
				rotate_left(tree, parent);
				parent = node;
			}
			rotate_right(tree, grand);
		} else {
			if (node == parent->left) {
				rotate_right(tree, parent);
				parent = node;
			}
			rotate_left(tree, grand);
		}
		parent->is_red = false;
		grand->is_red = true;
		break;
	}
	tree->root->is_red = false;
}

// The left side of parent lacks a black node.
// Returns true when that is mended, false when parent's own place lacks it now.
static bool mend_left(struct rb_tree *tree, struct rb_node *parent)
{
	struct rb_node *sibling = parent->right;        // not NULL: its side has a black node more

	if (sibling->is_red) {
		sibling->is_red = false;
		parent->is_red = true;
		rotate_left(tree, parent);
		sibling = parent->right;
	}
	if (!is_red(sibling->left) && !is_red(sibling->right)) {
		bool was_red = parent->is_red;

		sibling->is_red = true;
		parent->is_red = false;
		return was_red;
	}
	if (!is_red(sibling->right)) {
		sibling->left->is_red = false;
		sibling->is_red = true;
		rotate_right(tree, sibling);
		sibling = parent->right;
	}
	sibling->is_red = parent->is_red;
	parent->is_red = false;
	sibling->right->is_red = false;
	rotate_left(tree, parent);
	return true;
}

static bool mend_right(struct rb_tree *tree, struct rb_node *parent)
{
	struct rb_node *sibling = parent->left;

	if (sibling->is_red) {
		sibling->is_red = false;
		parent->is_red = true;
		rotate_right(tree, parent);
		sibling = parent->left;
	}
	if (!is_red(sibling->left) && !is_red(sibling->right)) {
		bool was_red = parent->is_red;

		sibling->is_red = true;
		parent->is_red = false;
		return was_red;
	}
	if (!is_red(sibling->left)) {
		sibling->right->is_red = false;
		sibling->is_red = true;
		rotate_left(tree, sibling);
		sibling = parent->left;
	}
	sibling->is_red = parent->is_red;
	parent->is_red = false;
	sibling->left->is_red = false;
	rotate_right(tree, parent);
	return true;
}

// Takes node, which has at most one child, out; returns where a black node is missing now: *parent, and on which side.
static bool unlink_node(struct rb_tree *tree, struct rb_node *node, struct rb_node **parent, bool *is_left)
{
	struct rb_node *child = node->left ? node->left : node->right;

	*parent = node->parent;
	*is_left = *parent && (*parent)->left == node;
	replace_child(tree, node, child);
	rb_update_path(tree, *parent);
	if (node->is_red)
		return false;
	if (is_red(child)) {
		child->is_red = false;
		return false;
	}
	return true;
}

// Gives stand_in, which is in no tree, node's place, children and colour.
static void take_place(struct rb_tree *tree, struct rb_node *node, struct rb_node *stand_in)
{
	replace_child(tree, node, stand_in);
	stand_in->left = node->left;
	stand_in->right = node->right;
	stand_in->is_red = node->is_red;
	if (stand_in->left)
		stand_in->left->parent = stand_in;
	if (stand_in->right)
		stand_in->right->parent = stand_in;
	update(tree, stand_in);                 // its old summary is that of another place
	rb_update_path(tree, stand_in->parent);
}

void rb_remove(struct rb_tree *tree, struct rb_node *node)
{
	struct rb_node *parent;
	bool is_left, lacks_black;

	if (node->left && node->right) {
		struct rb_node *following = rb_next(node);      // has no left child

		lacks_black = unlink_node(tree, following, &parent, &is_left);
		if (parent == node)
			parent = following;
		take_place(tree, node, following);
	} else {
		lacks_black = unlink_node(tree, node, &parent, &is_left);
	}
	while (lacks_black && parent) {
		struct rb_node *above = parent->parent;
		bool above_left = above && above->left == parent;

		if (is_left ? mend_left(tree, parent) : mend_right(tree, parent))
			break;
		parent = above;
		is_left = above_left;
	}
	node->parent = node->left = node->right = NULL;
}

struct rb_node *rb_first(const struct rb_tree *tree)
{
	struct rb_node *n = tree->root;

	while (n && n->left)
		n = n->left;
	return n;
}

struct rb_node *rb_last(const struct rb_tree *tree)
{
	struct rb_node *n = tree->root;

	while (n && n->right)
		n = n->right;
	return n;
}

struct rb_node *rb_next(const struct rb_node *node)
{
	if (node->right) {
		node = node->right;
		while (node->left)
			node = node->left;
		return (struct rb_node *)node;
	}
	while (node->parent && node->parent->right == node)
		node = node->parent;
	return node->parent;
}

struct rb_node *rb_previous(const struct rb_node *node)
{
	if (node->left) {
		node = node->left;
		while (node->right)
			node = node->right;
		return (struct rb_node *)node;
	}
	while (node->parent && node->parent->left == node)
		node = node->parent;
	return node->parent;
}

// The black height of the subtree, or -1 when a rule is broken.
// Depth is at most twice the logarithm, if the tree is one.
static int black_height(const struct rb_node *n, const struct rb_node *parent, int depth)
{
	int left, right;

	if (!n)
		return 0;
	if (n->parent != parent || depth > 130)
		return -1;
	if (n->is_red && (is_red(n->left) || is_red(n->right)))
		return -1;
	left = black_height(n->left, n, depth + 1);
	right = black_height(n->right, n, depth + 1);
	if (left < 0 || left != right)
		return -1;
	return left + !n->is_red;
}

bool rb_is_valid(const struct rb_tree *tree)
{
	return !is_red(tree->root) && black_height(tree->root, NULL, 0) >= 0;
}
