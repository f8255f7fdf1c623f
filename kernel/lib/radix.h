#pragma once
/*
 * radix.h - index -> pointer, 64 ways a level, with tags that can be searched.
 * Ways are compressed: a node knows the indices that it covers, and a level with only one child is left out. So a lone
 * page at a huge offset costs one node, and an insertion never needs more than RADIX_INSERT_NODES new ones.
 * Each slot carries RADIX_NR_TAGS bits; an inner slot's bit says "somebody below has it", so that
 * "the next dirty page at or after index" does not visit clean ones.
 * No lock of its own: the owner's lock covers every call but radix_find and radix_find_many, which may be called at any
 * time inside a look (sync/look.h): nodes and items appear in a slot only when they are complete, and what is taken
 * out (emptied) is freed only after looks_wait. What they find may be gone from the tree already.
 * Nodes come from radix_node_alloc, which the kernel backs with a slab (mm/radix_alloc.c) and host tests with malloc.
 * To insert under a spin lock without allocating there: radix_preload(), then lock, then insert.
 */
#include "types.h"

#define RADIX_BITS 6
#define RADIX_SLOTS (1u << RADIX_BITS)
#define RADIX_INSERT_NODES 2            // a leaf, and a node where two ways part
enum radix_tag { RADIX_TAG_DIRTY, RADIX_TAG_WRITEBACK, RADIX_TAG_TOWRITE, RADIX_NR_TAGS };

struct radix_node {
	void *slots[RADIX_SLOTS];
	u64 tags[RADIX_NR_TAGS];
	u64 used;               // bit n: slots[n] is not NULL
	u64 first;              // the index of slot 0; constant while anybody can find the node
	struct radix_node *parent;      // or the next of a list of spare nodes
	// RADIX_BITS * height: a slot covers 1 << shift indices; 0: slots are items. Constant, as first.
	u8 shift;
	u8 slot_in_parent;
};

struct radix {
	struct radix_node *root;        // NULL when empty
	u64 nr_items;
};

struct radix_node *radix_node_alloc(void);
void radix_node_free(struct radix_node *node);

// Makes sure that the next radix_insert by this caller finds its nodes: *spare keeps them.
// 0 or -ENOMEM. radix_preload_end gives back what was not used.
struct radix_spare { struct radix_node *nodes; };       // linked through parent
int radix_preload(struct radix_spare *spare) MUST_CHECK;
void radix_preload_end(struct radix_spare *spare);

// 0, -EEXIST when the index is taken, -ENOMEM when the spare nodes do not suffice. spare may be NULL:
// then nodes are allocated on the spot.
int radix_insert(struct radix *tree, u64 index, void *item, struct radix_spare *spare) MUST_CHECK;
// Enters items at first, first + 1 and so on, up to the first index that is taken or that asks for another way down.
// How many, at least one; or radix_insert's error for the first of them.
int radix_insert_run(struct radix *tree, u64 first, void **items, u32 nr, struct radix_spare *spare) MUST_CHECK;
void *radix_find(const struct radix *tree, u64 index);          // NULL when absent
void radix_find_many(const struct radix *tree, u64 first, u32 nr, void **items);        // items[i]: of first + i; NULL
// What was there, or NULL. Nodes that it leaves empty go to *emptied, for radix_preload_end after the lock
// is given up; emptied may be NULL: then they are freed on the spot.
void *radix_remove(struct radix *tree, u64 index, struct radix_spare *emptied);
void radix_tag_set(struct radix *tree, u64 index, enum radix_tag tag);
void radix_tag_clear(struct radix *tree, u64 index, enum radix_tag tag);
bool radix_tag_get(const struct radix *tree, u64 index, enum radix_tag tag);
bool radix_has_tag(const struct radix *tree, enum radix_tag tag);       // anywhere
// The first item at or after first (and <= last); its index in *index. NULL when there is none.
void *radix_next(const struct radix *tree, u64 first, u64 last, u64 *index);
void *radix_next_tagged(const struct radix *tree, u64 first, u64 last, enum radix_tag tag, u64 *index);
// The last item with that tag; NULL when there is none.
void *radix_last_tagged(const struct radix *tree, enum radix_tag tag, u64 *index);
// Up to max items with that tag and consecutive indices, the first of them the first at or
// after first (and all <= last). Returns how many.
u32 radix_run_tagged(const struct radix *tree, u64 first, u64 last, enum radix_tag tag, void **items, u32 max);
// Of the nr items from index first on, which are all there: one tag goes, another (or RADIX_NR_TAGS: none) comes.
void radix_retag_run(struct radix *tree, u64 first, u64 nr, enum radix_tag gone, enum radix_tag come);
