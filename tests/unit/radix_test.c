// BUILD: kernel/lib/radix.c
/*
 * radix_test.c - the radix tree against a sorted array:
 * near, far and mixed indices, tags, searches, preloading; no node leaks.
 */
#include "lib/radix.h"
#include <abi/errno.h>

#define NR_INDICES 512

static int nr_nodes;
static bool out_of_memory;

struct radix_node *radix_node_alloc(void)
{
	if (out_of_memory)
		return NULL;
	nr_nodes++;
	return malloc(sizeof(struct radix_node));
}

void radix_node_free(struct radix_node *node)
{
	nr_nodes--;
	free(node);
}

struct entry {                          // ascending by index
	u64 index;
	bool present;
	bool tags[RADIX_NR_TAGS];
};

static struct entry model[NR_INDICES];

// Every node reachable, its parent right, inner nodes with two children at least, tags as the children say.
static int check_node(const struct radix_node *n, const struct radix_node *parent)
{
	int nr = 1;

	require(n->parent == parent && n->used);
	require(n->shift == 0 || (n->used & (n->used - 1)));
	for (u32 slot = 0; slot < RADIX_SLOTS; slot++) {
		const struct radix_node *child = n->slots[slot];

		require(!child == !(n->used >> slot & 1));
		if (!child || n->shift == 0)
			continue;
		require(child->slot_in_parent == slot && child->shift < n->shift);
		for (u32 tag = 0; tag < RADIX_NR_TAGS; tag++)
			require(!child->tags[tag] == !(n->tags[tag] >> slot & 1));
		nr += check_node(child, n);
	}
	return nr;
}

static u64 random_index(int kind)
{
	u64 r = host_random();

	switch (kind) {
	case 0: return r % 1000;
	case 1: return r >> (host_random() % 64);
	default: return r % 3 == 0 ? r % 200 : r % 3 == 1 ? (1ul << 28) + r % 500 : U64_MAX - r % 300;
	}
}

static void make_indices(int kind)
{
	for (int i = 0; i < NR_INDICES; i++) {
		u64 index = random_index(kind);
		int at = i;

		for (int j = 0; j < i; j++)
			if (model[j].index == index) {
				at = -1;
				break;
			}
		if (at < 0) {
			i--;
			continue;
		}
		while (at > 0 && model[at - 1].index > index) {
			model[at] = model[at - 1];
			at--;
		}
		model[at] = (struct entry){ .index = index };
	}
}

static void check_search(const struct radix *tree)
{
	u64 first = model[host_random() % NR_INDICES].index + host_random() % 3 - 1;
	u64 last = host_random() & 1 ? U64_MAX : model[host_random() % NR_INDICES].index;
	u32 tag = host_random() % (RADIX_NR_TAGS + 1);
	u64 found = 0;
	void *item = tag < RADIX_NR_TAGS ? radix_next_tagged(tree, first, last, tag, &found)
					 : radix_next(tree, first, last, &found);

	for (int i = 0; i < NR_INDICES; i++) {
		struct entry *e = &model[i];

		if (!e->present || e->index < first || e->index > last || (tag < RADIX_NR_TAGS && !e->tags[tag]))
			continue;
		require(item == e && found == e->index);
		return;
	}
	require(item == NULL);
}

static void check_many(const struct radix *tree)
{
	u64 first = model[host_random() % NR_INDICES].index - host_random() % 100;
	void *items[150];
	u32 nr = 1 + host_random() % ARRAY_SIZE(items);

	radix_find_many(tree, first, nr, items);
	for (u32 i = 0; i < nr; i++)
		require(items[i] == radix_find(tree, first + i));
}

// The model's entry of that index that is in the tree, or NULL.
static struct entry *present(u64 index)
{
	for (int i = 0; i < NR_INDICES; i++)
		if (model[i].present && model[i].index == index)
			return &model[i];
	return NULL;
}

static void check_last(const struct radix *tree, u32 tag)
{
	u64 found = 0;
	void *item = radix_last_tagged(tree, tag, &found);
	struct entry *last = NULL;

	for (int i = 0; i < NR_INDICES; i++)
		if (model[i].present && model[i].tags[tag])
			last = &model[i];
	require(item == last && (!last || found == last->index));
}

static void check_run(const struct radix *tree, u32 tag)
{
	u64 first = model[host_random() % NR_INDICES].index, last = first + host_random() % 200;
	void *items[70];
	u32 max = (u32)(host_random() % 71);
	u32 nr = radix_run_tagged(tree, first, last < first ? U64_MAX : last, tag, items, max);
	u64 index = 0;
	struct entry *e = radix_next_tagged(tree, first, last < first ? U64_MAX : last, tag, &index);

	require(nr <= max && (nr > 0) == (e && max));
	for (u32 i = 0; i < nr; i++, e = present(++index))
		require(e && e->tags[tag] && items[i] == e);
	require(nr == max || !nr || index > last || !e || !e->tags[tag]);
}

// Tags of a stretch of neighbours that are all there.
static void retag_run(struct radix *tree)
{
	u64 first = model[host_random() % NR_INDICES].index, nr = 0, max = 1 + host_random() % 150;
	u32 gone = host_random() % RADIX_NR_TAGS, come = host_random() % (RADIX_NR_TAGS + 1);

	if (come == gone)
		return;
	for (struct entry *e; nr < max && (e = present(first + nr)); nr++) {
		e->tags[gone] = false;
		if (come < RADIX_NR_TAGS)
			e->tags[come] = true;
	}
	radix_retag_run(tree, first, nr, gone, come);
}

// Neighbours, some of which may be there: in they go up to the first of those, or to the end of a leaf.
static void insert_run(struct radix *tree)
{
	struct entry *e = &model[host_random() % NR_INDICES];
	u32 nr = 0, max = 1 + host_random() % 150;
	struct radix_spare spare;
	void *items[150];

	for (; nr < max && e + nr < model + NR_INDICES && e[nr].index == e->index + nr; nr++)
		items[nr] = e + nr;
	require(radix_preload(&spare) == 0);
	out_of_memory = true;
	int n = radix_insert_run(tree, e->index, items, nr, &spare);

	out_of_memory = false;
	radix_preload_end(&spare);
	require(e->present ? n == -EEXIST : n > 0 && n <= (int)nr);
	require(n < 0 || n == (int)nr || e[n].present || (e->index + (u64)n) % RADIX_SLOTS == 0);
	for (int i = 0; i < n; i++) {
		require(!e[i].present && radix_find(tree, e[i].index) == &e[i]);
		e[i].present = true;
	}
}

static void random_step(struct radix *tree)
{
	struct entry *e = &model[host_random() % NR_INDICES];
	u32 tag = host_random() % RADIX_NR_TAGS;
	struct radix_spare spare;

	require(radix_find(tree, e->index) == (e->present ? e : NULL));
	switch (host_random() % 7) {
	case 0:
	case 1:
		require(radix_preload(&spare) == 0);
		out_of_memory = true;
		require(radix_insert(tree, e->index, e, &spare) == (e->present ? -EEXIST : 0));
		out_of_memory = false;
		radix_preload_end(&spare);
		e->present = true;
		break;
	case 2:
		require(radix_preload(&spare) == 0);
		require(radix_remove(tree, e->index, &spare) == (e->present ? e : NULL));
		radix_preload_end(&spare);
		*e = (struct entry){ .index = e->index };
		break;
	case 3:
		radix_tag_set(tree, e->index, tag);
		e->tags[tag] = e->present;
		break;
	case 4:
		check_last(tree, tag);
		check_run(tree, tag);
		retag_run(tree);
		break;
	case 5:
		insert_run(tree);
		break;
	default:
		radix_tag_clear(tree, e->index, tag);
		e->tags[tag] = false;
	}
	require(radix_tag_get(tree, e->index, tag) == e->tags[tag]);
}

static void random_operations(int kind, const char *name)
{
	struct radix tree = { .root = NULL };
	u64 nr = 0;

	make_indices(kind);
	for (int step = 0; step < 40000; step++) {
		random_step(&tree);
		check_search(&tree);
		check_many(&tree);
		if (step % 64 == 0)
			require(nr_nodes == (tree.root ? check_node(tree.root, NULL) : 0));
	}
	for (u32 tag = 0; tag < RADIX_NR_TAGS; tag++) {
		bool any = false;

		for (int i = 0; i < NR_INDICES; i++)
			any |= model[i].tags[tag];
		require(radix_has_tag(&tree, tag) == any);
	}
	for (int i = 0; i < NR_INDICES; i++) {
		nr += model[i].present;
		model[i].present = false;
	}
	require(tree.nr_items == nr);
	for (int i = 0; i < NR_INDICES; i++)
		radix_remove(&tree, model[i].index, NULL);
	ok(!tree.root && tree.nr_items == 0 && nr_nodes == 0, name);
}

static void preload(void)
{
	struct radix tree = { .root = NULL };
	struct radix_spare spare, empty = { .nodes = NULL };
	int x;

	require(radix_preload(&spare) == 0);
	ok(nr_nodes == RADIX_INSERT_NODES, "preloading takes as many nodes as an insertion can need");
	require(radix_insert(&tree, 7, &x, &spare) == 0);
	radix_preload_end(&spare);
	ok(nr_nodes == 1 && !spare.nodes, "what was not used goes back");
	ok(radix_insert(&tree, 1ul << 40, &x, &empty) == -ENOMEM && nr_nodes == 1,
	   "too few spare nodes: ENOMEM, no leak");
	require(radix_preload(&spare) == 0);
	out_of_memory = true;
	ok(radix_preload(&empty) == -ENOMEM && !empty.nodes, "preloading without memory");
	ok(radix_insert(&tree, 1ul << 40, &x, NULL) == -ENOMEM, "inserting without memory");
	ok(radix_insert(&tree, 1ul << 40, &x, &spare) == 0 && !spare.nodes, "the spare nodes suffice for a far index");
	out_of_memory = false;
	radix_remove(&tree, 7, NULL);
	ok(nr_nodes == 1, "an inner node with one child goes");
	radix_remove(&tree, 1ul << 40, NULL);
	ok(nr_nodes == 0 && !tree.root, "nothing is left");
}

// A look that is inside a node when it is taken out, before anybody has waited for it (sync/look.h).
static void removed_nodes(void)
{
	struct radix tree = { .root = NULL }, old;
	struct radix_spare emptied = { .nodes = NULL };
	int x, y;

	require(radix_insert(&tree, 5, &x, NULL) == 0 && radix_insert(&tree, 1000, &y, NULL) == 0);
	old = tree;                     // stands at the inner node
	require(radix_remove(&tree, 1000, &emptied) == &y);
	ok(radix_find(&old, 5) == &x && !radix_find(&old, 1000), "an inner node that was taken out leads where it led");
	old = tree;                     // stands at the leaf
	require(radix_remove(&tree, 5, &emptied) == &x);
	ok(!radix_find(&old, 5) && !radix_find(&old, 0), "a leaf that was taken out leads to nothing");
	ok(nr_nodes == 3, "and both are there until they are given back");
	radix_preload_end(&emptied);
	ok(nr_nodes == 0, "then they are gone");
}

int main(void)
{
	struct radix empty = { .root = NULL };
	u64 index;

	ok(!radix_find(&empty, 0) && !radix_next(&empty, 0, U64_MAX, &index) && !radix_has_tag(&empty, RADIX_TAG_DIRTY),
	   "the empty tree");
	preload();
	removed_nodes();
	random_operations(0, "near indices, 40000 operations");
	random_operations(1, "indices of every size, 40000 operations");
	random_operations(2, "three far clusters, one at the very end, 40000 operations");
	return tap_end();
}
