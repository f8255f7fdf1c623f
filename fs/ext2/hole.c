/*
 * hole.c - holes in the map of a file (map.c has its shape): taking one page's block out of the
 * middle, and searching for the next page that has a block or has none. Both go down the tree by
 * recursion, one level of pointers a call, under map_lock. A pointer block that is left without
 * pointers goes too, so that a file that is all hole has no blocks at all.
 */
#include "fs/ext2/ext2.h"
#include "kernel.h"
#include <abi/errno.h>

static u32 *pointers_of(struct page *p)
{
	return page_address(p);
}

static bool is_empty(struct page *p)
{
	for (u32 i = 0; i < EXT2_POINTERS_PER_BLOCK; i++) {
		if (pointers_of(p)[i])
			return false;
	}
	return true;
}

// The block of pointers behind a pointer, referenced.
static int get_table(struct ext2_inode *n, blk_t block, struct page **out)
{
	struct ext2 *fs = ext2_of(n->inode.sb);

	if (!ext2_block_is_usable(fs, block))
		return ext2_map_bad_pointer(n, block);
	return ext2_block_get_surely(fs, block, out);
}

static int take_out(struct ext2_inode *n, struct page *table, u32 *pointer, u32 level, u64 index)
{
	blk_t block = *pointer;
	struct page *p;

	if (!block)
		return 0;
	if (level) {
		u64 span = ext2_map_span(level - 1);
		int error = get_table(n, block, &p);

		if (error)
			return error;
		error = take_out(n, p, pointers_of(p) + index / span, level - 1, index % span);
		bool stays = error || !is_empty(p);

		page_put(p);
		if (stays)
			return error;
	} else if (!ext2_block_is_usable(ext2_of(n->inode.sb), block)) {
		return ext2_map_bad_pointer(n, block);
	}
	ext2_map_set(n, table, pointer, 0);
	return ext2_map_free_block(n, block, level);
}

int ext2_map_remove(struct ext2_inode *n, u64 index)
{
	u32 pointer, level;
	u64 below;
	int error = ext2_map_root(index, &pointer, &level, &below);

	if (error)
		return error;
	mutex_lock(&n->map_lock);
	error = take_out(n, NULL, &n->block[pointer], level, below);
	n->next_index = 0;
	n->next_goal = 0;
	mutex_unlock(&n->map_lock);
	return error;
}

// Below one pointer, from page `from` of it on: the first page that is wanted; the span of the
// level when there is none.
static int find_below(struct ext2_inode *n, u32 pointer, u32 level, u64 from, bool wants_data, u64 *out)
{
	u64 span = ext2_map_span(level), step;
	struct page *p;
	int error;

	*out = from;
	if (!pointer || !level) {
		if ((pointer == 0) == wants_data)
			*out = span;
		return 0;
	}
	error = get_table(n, pointer, &p);
	if (error)
		return error;
	step = ext2_map_span(level - 1);
	while (!error && *out < span) {
		u64 start = *out / step * step, found;

		error = find_below(n, pointers_of(p)[*out / step], level - 1, *out - start,
				   wants_data, &found);
		*out = start + found;
		if (found < step)
			break;
	}
	page_put(p);
	return error;
}

int ext2_map_find(struct ext2_inode *n, u64 first, u64 behind, bool wants_data, u64 *out)
{
	u32 pointer, level;
	u64 below, found;
	int error = 0;

	mutex_lock(&n->map_lock);
	while (first < behind) {
		error = ext2_map_root(first, &pointer, &level, &below);
		if (!error)
			error = find_below(n, n->block[pointer], level, below, wants_data, &found);
		if (error)
			break;
		first += found - below;
		if (found < ext2_map_span(level))
			break;
	}
	mutex_unlock(&n->map_lock);
	*out = min(first, behind);
	return error;
}
