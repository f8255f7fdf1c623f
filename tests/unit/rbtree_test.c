// BUILD: kernel/lib/rbtree.c
/*
 * rbtree_test.c - random insertions and removals against a bitmap; after each the tree's rules, the order and the
 * summaries are checked.
 */
#include "lib/rbtree.h"

#define NR_KEYS 300

struct item {
	int key;
	int nr_below;           // the summary: nodes in this subtree
	struct rb_node node;
};

static struct item items[NR_KEYS];
static bool model[NR_KEYS];

static int count_of(struct rb_node *n)
{
	return n ? rb_entry(n, struct item, node)->nr_below : 0;
}

static bool update(struct rb_node *n)
{
	struct item *item = rb_entry(n, struct item, node);
	int before = item->nr_below;

	item->nr_below = 1 + count_of(n->left) + count_of(n->right);
	return item->nr_below != before;
}

static void insert(struct rb_tree *tree, struct item *item)
{
	struct rb_node **link = &tree->root, *parent = NULL;

	while (*link) {
		parent = *link;
		link = item->key < rb_entry(parent, struct item, node)->key ? &parent->left : &parent->right;
	}
	item->nr_below = 1;
	rb_insert(tree, &item->node, parent, link);
}

static void check(struct rb_tree *tree)
{
	struct rb_node *n = rb_first(tree), *last = NULL;
	int nr = 0;

	require(rb_is_valid(tree));
	for (int key = 0; key < NR_KEYS; key++) {
		if (!model[key])
			continue;
		require(n && rb_entry(n, struct item, node)->key == key);
		require(rb_previous(n) == last);
		require(rb_entry(n, struct item, node)->nr_below == 1 + count_of(n->left) + count_of(n->right));
		last = n;
		n = rb_next(n);
		nr++;
	}
	require(!n && rb_last(tree) == last && count_of(tree->root) == nr);
}

static void toggle(struct rb_tree *tree, int key)
{
	if (model[key])
		rb_remove(tree, &items[key].node);
	else
		insert(tree, &items[key]);
	model[key] = !model[key];
}

int main(void)
{
	struct rb_tree tree = { .update = update };

	for (int i = 0; i < NR_KEYS; i++)
		items[i].key = i;
	ok(rb_is_valid(&tree) && !rb_first(&tree) && !rb_last(&tree), "the empty tree");
	for (int i = 0; i < NR_KEYS; i++)
		toggle(&tree, i);
	check(&tree);
	ok(true, "ascending insertions");
	for (int i = 0; i < NR_KEYS; i++) {
		toggle(&tree, i);
		check(&tree);
	}
	ok(!tree.root, "ascending removals");
	for (int step = 0; step < 20000; step++) {
		toggle(&tree, (int)(host_random() % NR_KEYS));
		check(&tree);
	}
	ok(true, "20000 random operations");
	for (int i = NR_KEYS - 1; i >= 0; i--) {
		if (model[i])
			toggle(&tree, i);
		check(&tree);
	}
	ok(!tree.root, "descending removals");

	insert(&tree, &items[1]);
	insert(&tree, &items[0]);
	insert(&tree, &items[2]);
	items[0].node.is_red = items[2].node.is_red = false;
	items[0].node.left = NULL;
	ok(rb_is_valid(&tree), "all black is valid when the heights agree");
	items[1].node.right = NULL;
	ok(!rb_is_valid(&tree), "rb_is_valid sees a missing black node");
	return tap_end();
}
