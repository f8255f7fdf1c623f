/*
 * radix.c - index -> pointer with searchable tags, ways compressed.
 *
 * A node of shift 6h covers the indices that agree with its `first` above bit 6 * (h + 1). The heights on a way down
 * need not follow each other: where all items below a slot share more bits, the levels between are left out. Hence
 * every inner node has at least two children, and whoever descends must look whether a node covers the index at all.
 * Tags: an inner slot's bit is set iff the child below has any bit of that tag.
 */
#include "lib/radix.h"
#include "lib/atomic.h"
#include "lib/string.h"
#include <abi/errno.h>

#define NO_SLOT RADIX_SLOTS
#define ANY_TAG RADIX_NR_TAGS           // search: every used slot

// Which slot of n leads to the index; NO_SLOT or more: it lies outside. first has zeros where a slot's number stands.
static inline u64 slot_of(const struct radix_node *n, u64 index)
{
	return (index ^ n->first) >> n->shift;
}

static inline bool covers(const struct radix_node *n, u64 index)
{
	return slot_of(n, index) < RADIX_SLOTS;
}

int radix_preload(struct radix_spare *spare)
{
	spare->nodes = NULL;
	for (u32 i = 0; i < RADIX_INSERT_NODES; i++) {
		struct radix_node *n = radix_node_alloc();

		if (!n) {
			radix_preload_end(spare);
			return -ENOMEM;
		}
		n->parent = spare->nodes;
		spare->nodes = n;
	}
	return 0;
}

void radix_preload_end(struct radix_spare *spare)
{
	while (spare->nodes) {
		struct radix_node *n = spare->nodes;

		spare->nodes = n->parent;
		radix_node_free(n);
	}
}

static struct radix_node *node_take(struct radix_spare *spare, u64 index, u32 shift)
{
	struct radix_node *n;

	if (spare) {
		n = spare->nodes;
		if (n)
			spare->nodes = n->parent;
	} else {
		n = radix_node_alloc();
	}
	if (!n)
		return NULL;
	memset(n, 0, sizeof(*n));
	n->shift = (u8)shift;
	n->first = index >> shift >> RADIX_BITS << shift << RADIX_BITS;         // two shifts: one by 66 is not defined
	return n;
}

// Gives an unused node back to where it came from.
static void node_return(struct radix_spare *spare, struct radix_node *n)
{
	if (spare) {
		n->parent = spare->nodes;       // its slots may be read still: see radix_find
		spare->nodes = n;
	} else {
		radix_node_free(n);
	}
}

static void attach(struct radix *tree, struct radix_node *parent, struct radix_node *child)
{
	child->parent = parent;
	if (!parent) {
		atomic_store(&tree->root, child);
		return;
	}
	child->slot_in_parent = (u8)slot_of(parent, child->first);
	atomic_store(&parent->slots[child->slot_in_parent], child);
	parent->used |= 1ul << child->slot_in_parent;
	for (u32 tag = 0; tag < RADIX_NR_TAGS; tag++)
		if (child->tags[tag])
			parent->tags[tag] |= 1ul << child->slot_in_parent;
}

static void store(struct radix *tree, struct radix_node *leaf, u64 index, void *item)
{
	atomic_store(&leaf->slots[slot_of(leaf, index)], item);
	leaf->used |= 1ul << slot_of(leaf, index);
	tree->nr_items++;
}

// The lowest node that covers the index (*below: NULL), or where the way ends: at *below, which hangs under the
// result (NULL: at the root) and does not cover it, or at an empty slot (*below: NULL).
static struct radix_node *descend(const struct radix *tree, u64 index, struct radix_node **below)
{
	struct radix_node *n = NULL;

	*below = tree->root;
	while (*below && covers(*below, index)) {
		n = *below;
		*below = n->shift ? n->slots[slot_of(n, index)] : NULL;
	}
	return n;
}

int radix_insert(struct radix *tree, u64 index, void *item, struct radix_spare *spare)
{
	struct radix_node *other;
	struct radix_node *parent = descend(tree, index, &other);
	struct radix_node *leaf;

	if (parent && parent->shift == 0) {
		if (parent->slots[slot_of(parent, index)])
			return -EEXIST;
		store(tree, parent, index, item);
		return 0;
	}
	leaf = node_take(spare, index, 0);
	if (!leaf)
		return -ENOMEM;
	if (other) {            // the ways part between parent and other: a node where both agree above
		u64 difference = index ^ other->first;
		u32 height = (63 - (u32)__builtin_clzl(difference)) / RADIX_BITS;
		struct radix_node *branch = node_take(spare, index, height * RADIX_BITS);

		if (!branch) {
			node_return(spare, leaf);
			return -ENOMEM;
		}
		attach(tree, branch, other);
		attach(tree, parent, branch);
		parent = branch;
	}
	attach(tree, parent, leaf);
	store(tree, leaf, index, item);
	return 0;
}

// The leaf that holds the index; NULL when there is nothing at it.
static struct radix_node *leaf_of(const struct radix *tree, u64 index)
{
	struct radix_node *n = tree->root;
	u64 slot;

	while (n && (slot = slot_of(n, index)) < RADIX_SLOTS) {
		if (!n->shift)
			return n->slots[slot] ? n : NULL;
		n = n->slots[slot];
	}
	return NULL;
}

int radix_insert_run(struct radix *tree, u64 first, void **items, u32 nr, struct radix_spare *spare)
{
	int error = radix_insert(tree, first, items[0], spare);

	if (error)
		return error;
	struct radix_node *leaf = leaf_of(tree, first);
	u32 done = 1;

	while (done < nr && slot_of(leaf, first + done) < RADIX_SLOTS && !leaf->slots[slot_of(leaf, first + done)]) {
		store(tree, leaf, first + done, items[done]);
		done++;
	}
	return (int)done;
}

/*
 * Without the lock. A node's first and shift stay while it can be found, so a pointer from a slot
 * is what the node says: a node where shift is not 0, an item where it is. A node that was taken out
 * in the meantime leads to nothing, or to where it led.
 */
void *radix_find(const struct radix *tree, u64 index)
{
	struct radix_node *n = atomic_load(&tree->root);
	u64 slot;

	while (n && (slot = slot_of(n, index)) < RADIX_SLOTS) {
		void *below = atomic_load(&n->slots[slot]);

		if (!n->shift)
			return below;
		n = below;
	}
	return NULL;
}

// Without the lock, as radix_find. One way down for each 64 indices.
void radix_find_many(const struct radix *tree, u64 first, u32 nr, void **items)
{
	for (u32 done = 0; done < nr;) {
		u64 index = first + done, slot = 0;
		struct radix_node *n = atomic_load(&tree->root);
		u32 in_leaf = min(nr - done, (u32)(RADIX_SLOTS - index % RADIX_SLOTS));

		while (n && (slot = slot_of(n, index)) < RADIX_SLOTS && n->shift)
			n = atomic_load(&n->slots[slot]);
		for (u32 i = 0; i < in_leaf; i++)
			items[done + i] = n && slot < RADIX_SLOTS ? atomic_load(&n->slots[slot + i]) : NULL;
		done += in_leaf;
	}
}

static void clear_tag_upwards(struct radix_node *n, u64 slot, u32 tag)
{
	for (;;) {
		n->tags[tag] &= ~(1ul << slot);
		if (n->tags[tag] || !n->parent)
			return;
		slot = n->slot_in_parent;
		n = n->parent;
	}
}

void *radix_remove(struct radix *tree, u64 index, struct radix_spare *emptied)
{
	struct radix_node *n = leaf_of(tree, index);
	struct radix_node *parent;
	u64 slot;
	void *item;

	if (!n)
		return NULL;
	slot = slot_of(n, index);
	item = n->slots[slot];
	for (u32 tag = 0; tag < RADIX_NR_TAGS; tag++)
		clear_tag_upwards(n, slot, tag);
	atomic_store(&n->slots[slot], NULL);
	n->used &= ~(1ul << slot);
	tree->nr_items--;
	if (n->used)
		return item;

	parent = n->parent;
	if (!parent) {
		atomic_store(&tree->root, NULL);
		node_return(emptied, n);
		return item;
	}
	atomic_store(&parent->slots[n->slot_in_parent], NULL);
	parent->used &= ~(1ul << n->slot_in_parent);
	node_return(emptied, n);
	if ((parent->used & (parent->used - 1)) == 0) {         // one child left: it takes the place
		attach(tree, parent->parent, parent->slots[__builtin_ctzl(parent->used)]);
		node_return(emptied, parent);
	}
	return item;
}

void radix_tag_set(struct radix *tree, u64 index, enum radix_tag tag)
{
	struct radix_node *n = leaf_of(tree, index);
	u64 bit;

	if (!n)
		return;
	for (bit = 1ul << slot_of(n, index); !(n->tags[tag] & bit); bit = 1ul << n->slot_in_parent, n = n->parent) {
		n->tags[tag] |= bit;
		if (!n->parent)
			return;
	}
}

void radix_tag_clear(struct radix *tree, u64 index, enum radix_tag tag)
{
	struct radix_node *n = leaf_of(tree, index);

	if (n && n->tags[tag] & 1ul << slot_of(n, index))
		clear_tag_upwards(n, slot_of(n, index), tag);
}

bool radix_tag_get(const struct radix *tree, u64 index, enum radix_tag tag)
{
	struct radix_node *n = leaf_of(tree, index);

	return n && n->tags[tag] & 1ul << slot_of(n, index);
}

bool radix_has_tag(const struct radix *tree, enum radix_tag tag)
{
	return tree->root && tree->root->tags[tag];
}

// The first slot of n that can hold an index >= first and that is used (tagged); NO_SLOT when there is none.
static u32 slot_from(const struct radix_node *n, u64 first, u32 tag)
{
	u64 candidates = tag == ANY_TAG ? n->used : n->tags[tag];

	if (first > n->first) {
		if (!covers(n, first))
			return NO_SLOT;         // first lies behind the whole node
		candidates &= ~0ul << slot_of(n, first);
	}
	return candidates ? (u32)__builtin_ctzl(candidates) : NO_SLOT;
}

// *leaf: the node that holds it.
static inline void *next_in_leaf(const struct radix *tree, u64 first, u64 last, u32 tag, u64 *index,
				 struct radix_node **leaf)
{
	struct radix_node *n = tree->root;

	while (n && first <= last) {
		u32 slot = slot_from(n, first, tag);

		if (slot != NO_SLOT && n->shift == 0) {
			if (n->first + slot > last)
				return NULL;
			*index = n->first + slot;
			*leaf = n;
			return n->slots[slot];
		}
		if (slot != NO_SLOT) {
			n = n->slots[slot];
			continue;
		}
		if (!n->parent)
			return NULL;
		// Behind the whole slot of the parent, not only behind n, which may cover less of it.
		first = n->parent->first + ((n->slot_in_parent + 1ul) << n->parent->shift);
		if (first == 0)
			return NULL;
		n = n->parent;
	}
	return NULL;
}

static void *next_from(const struct radix *tree, u64 first, u64 last, u32 tag, u64 *index)
{
	struct radix_node *leaf;

	return next_in_leaf(tree, first, last, tag, index, &leaf);
}

void *radix_next(const struct radix *tree, u64 first, u64 last, u64 *index)
{
	return next_from(tree, first, last, ANY_TAG, index);
}

void *radix_next_tagged(const struct radix *tree, u64 first, u64 last, enum radix_tag tag, u64 *index)
{
	return next_from(tree, first, last, tag, index);
}

void *radix_last_tagged(const struct radix *tree, enum radix_tag tag, u64 *index)
{
	struct radix_node *n = tree->root;

	if (!n || !n->tags[tag])
		return NULL;
	while (n->shift)
		n = n->slots[63 - (u32)__builtin_clzl(n->tags[tag])];
	u32 slot = 63 - (u32)__builtin_clzl(n->tags[tag]);

	*index = n->first + slot;
	return n->slots[slot];
}

u32 radix_run_tagged(const struct radix *tree, u64 first, u64 last, enum radix_tag tag, void **items, u32 max)
{
	struct radix_node *n, *below;
	u64 index;
	u32 nr = 0;

	if (!max || !next_in_leaf(tree, first, last, tag, &index, &n))
		return 0;
	for (; n && !n->shift && nr < max && index <= last; n = descend(tree, index, &below)) { // a leaf a round
		u32 slot = slot_of(n, index), from = slot;

		while (slot < RADIX_SLOTS && nr < max && n->first + slot <= last && n->tags[tag] >> slot & 1)
			items[nr++] = n->slots[slot++];
		index += slot - from;
		if (slot < RADIX_SLOTS || !index)
			break;
	}
	return nr;
}

static void set_tag_upwards(struct radix_node *n, u32 slot, u32 tag)
{
	while (!(n->tags[tag] & 1ul << slot)) {
		n->tags[tag] |= 1ul << slot;
		if (!n->parent)
			return;
		slot = n->slot_in_parent;
		n = n->parent;
	}
}

// Bits of a leaf; the nodes above follow when the first comes or the last goes.
static void retag_leaf(struct radix_node *n, u64 bits, enum radix_tag gone, enum radix_tag come)
{
	if (n->tags[gone] & bits) {
		n->tags[gone] &= ~bits;
		if (!n->tags[gone] && n->parent)
			clear_tag_upwards(n->parent, n->slot_in_parent, gone);
	}
	if (come == RADIX_NR_TAGS)
		return;
	if (!n->tags[come] && n->parent)
		set_tag_upwards(n->parent, n->slot_in_parent, come);
	n->tags[come] |= bits;
}

void radix_retag_run(struct radix *tree, u64 first, u64 nr, enum radix_tag gone, enum radix_tag come)
{
	while (nr) {
		struct radix_node *n = leaf_of(tree, first);
		u32 slot = slot_of(n, first);
		u32 here = (u32)(nr < RADIX_SLOTS - slot ? nr : RADIX_SLOTS - slot);

		retag_leaf(n, (here == RADIX_SLOTS ? ~0ul : (1ul << here) - 1) << slot, gone, come);
		first += here;
		nr -= here;
	}
}
