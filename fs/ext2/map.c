/*
 * map.c - which block of the disk holds page i of a file. The inode has 12 pointers to data, then
 * one each to a block of 1024 pointers, to a block of pointers to such blocks, and once more:
 *
 *      block[0..11] -> data            block[12] -> P -> data
 *      block[13] -> P -> P -> data     block[14] -> P -> P -> P -> data
 *
 * So the map is a tree of the same shape at every level, and each job is one recursive function:
 * walk() finds or makes the way to one page, cut() frees everything from one page on. Level 0 is a
 * pointer to data. map_lock covers the tree; the page lock of a pointer block covers its bytes
 * against being written to disk half-changed. What was looked up last is kept until a pointer changes: who goes through
 * a file page by page walks the tree once for many.
 */
#include "fs/ext2/ext2.h"
#include "kernel.h"
#include "lib/string.h"
#include <abi/errno.h>

struct walk {
	struct ext2 *fs;
	struct ext2_inode *n;
	bool allocates;
	u32 max_pages;                  // how many pages the caller would like to hear of
	blk_t goal;                     // where a new block should go
	blk_t found;
	u32 nr_found;                   // pages from the wanted one on whose blocks follow each other
	bool is_new;
};

// How many pages lie below one pointer of that level.
u64 ext2_map_span(u32 level)
{
	return 1ul << (level * EXT2_POINTER_BITS);
}

u64 ext2_max_file_size(void)
{
	// st_blocks on disk counts 512-byte units in 32 bits, pointer blocks included; and the tree
	// ends somewhere.
	u64 by_tree = EXT2_NR_DIRECT + ext2_map_span(1) + ext2_map_span(2) + ext2_map_span(3);
	u64 by_count = (1ul << 32) / EXT2_SECTORS_PER_BLOCK;

	by_count -= by_count / EXT2_POINTERS_PER_BLOCK + EXT2_POINTERS_PER_BLOCK;
	return min(by_tree, by_count) * BLOCK_SIZE;
}

// Which of the inode's pointers leads to the page; its level, and the index below it. -EFBIG.
int ext2_map_root(u64 index, u32 *pointer, u32 *level, u64 *below)
{
	if (index < EXT2_NR_DIRECT) {
		*pointer = (u32)index;
		*level = 0;
		*below = 0;
		return 0;
	}
	index -= EXT2_NR_DIRECT;
	for (*level = 1; *level <= 3; (*level)++) {
		if (index < ext2_map_span(*level)) {
			*pointer = EXT2_NR_DIRECT + *level - 1;
			*below = index;
			return 0;
		}
		index -= ext2_map_span(*level);
	}
	return -EFBIG;
}

int ext2_map_bad_pointer(struct ext2_inode *n, blk_t block)
{
	return ext2_damaged(ext2_of(n->inode.sb), "inode %lu points to block %lu", n->inode.number,
			    block);
}

// Stores a pointer: in a pointer block's page, or (table NULL) in the inode.
void ext2_map_set(struct ext2_inode *n, struct page *table, u32 *pointer, u32 block)
{
	if (table) {
		page_lock(table);
		*pointer = block;
		table->private = n->inode.number;
		page_mark_dirty(table);
		page_unlock(table);
	} else {
		*pointer = block;
	}
	n->known.nr = 0;
	inode_mark_dirty(&n->inode, INODE_DIRTY_META);
}

// A new block for an empty pointer. One that will hold pointers is zeroed before anything leads to it.
static int add_block(struct walk *w, struct page *table, u32 *pointer, u32 level)
{
	struct page *p;
	blk_t block;
	int error = ext2_block_alloc(w->fs, w->goal, &block);

	if (error)
		return error;
	if (level) {
		error = block_get_new(w->fs->sb.device, block, &p);
		if (error) {
			ext2_block_free(w->fs, block);
			return error;
		}
		p->private = w->n->inode.number;
		page_mark_dirty(p);
		page_unlock(p);
		page_put(p);
	}
	ext2_map_set(w->n, table, pointer, (u32)block);
	WRITE_ONCE(w->n->inode.nr_sectors, w->n->inode.nr_sectors + EXT2_SECTORS_PER_BLOCK);
	w->goal = block + 1;
	w->is_new = level == 0;
	return 0;
}

// Without a better idea: behind the pointer's left neighbour, else behind the pointers themselves.
static blk_t guess_goal(struct walk *w, struct page *table, const u32 *pointer)
{
	const u32 *first = table ? page_address(table) : w->n->block;

	while (pointer > first) {
		if (*--pointer)
			return *pointer + 1ul;
	}
	if (table)
		return table->index + 1;
	u64 group = (w->n->inode.number - 1) / w->fs->inodes_per_group;

	return group * w->fs->blocks_per_group;
}

// The pointer to the wanted page, not 0: how many pages from it on lie in one piece, as far as its table tells.
static u32 count_run(const struct walk *w, struct page *table, const u32 *pointer)
{
	const u32 *first = table ? page_address(table) : w->n->block;
	u64 left = (u64)(first + (table ? EXT2_POINTERS_PER_BLOCK : EXT2_NR_DIRECT) - pointer);
	u64 in_group = w->fs->blocks_per_group - *pointer % w->fs->blocks_per_group;
	u32 max = (u32)min(min((u64)w->max_pages, left), in_group), nr = 1;

	while (nr < max && pointer[nr] == *pointer + nr)
		nr++;
	// Metadata in the middle: only a damaged disk has that, and hears of it page by page.
	return ext2_run_is_usable(w->fs, *pointer, nr) ? nr : 1;
}

static int walk(struct walk *w, struct page *table, u32 *pointer, u32 level, u64 index)
{
	struct page *p;
	int error = 0;

	if (!*pointer) {
		w->found = 0;
		w->nr_found = (u32)min((u64)w->max_pages, ext2_map_span(level) - index);
		if (!w->allocates)
			return 0;
		if (!w->goal)
			w->goal = guess_goal(w, table, pointer);
		error = add_block(w, table, pointer, level);
		if (error)
			return error;
	}
	w->found = *pointer;
	w->nr_found = level == 0 && w->max_pages > 1 ? count_run(w, table, pointer) : 1;
	if (w->nr_found == 1 && !ext2_run_is_usable(w->fs, w->found, 1))
		return ext2_map_bad_pointer(w->n, w->found);
	if (level == 0)
		return 0;
	error = ext2_block_get_surely(w->fs, w->found, &p);
	if (error)
		return error;
	u64 span = ext2_map_span(level - 1);

	error = walk(w, p, (u32 *)page_address(p) + index / span, level - 1, index % span);
	page_put(p);
	return error;
}

static int look_up_run(struct ext2_inode *n, u64 index, u32 max_pages, blk_t *first, u32 *nr_pages)
{
	struct walk w = { .fs = ext2_of(n->inode.sb), .n = n, .max_pages = max_pages };
	u32 pointer, level;
	u64 below;
	int error = ext2_map_root(index, &pointer, &level, &below);

	if (!error)
		error = walk(&w, NULL, &n->block[pointer], level, below);
	*first = w.found;
	*nr_pages = w.nr_found;
	return error;
}

#define KNOWN_LEAST 16u                 // pages that are looked up, if fewer are asked for: the next are asked for next

// map_lock held. Are all the pages in the run that was looked up last?
static bool is_known(const struct ext2_inode *n, u64 index, u32 nr_pages)
{
	return index >= n->known.index && index - n->known.index + nr_pages <= n->known.nr;
}

static void note_known(struct ext2_inode *n, u64 index, blk_t first, u32 nr)
{
	n->known.index = index;
	n->known.block = first;
	n->known.nr = nr;
}

int ext2_map_run(struct ext2_inode *n, u64 index, u32 max_pages, blk_t *first, u32 *nr_pages)
{
	int error = 0;

	mutex_lock(&n->map_lock);
	if (is_known(n, index, max_pages)) {
		*first = n->known.block + (index - n->known.index);
		*nr_pages = max_pages;
	} else {
		error = look_up_run(n, index, max(max_pages, KNOWN_LEAST), first, nr_pages);
		if (!error && *first)
			note_known(n, index, *first, *nr_pages);
		*nr_pages = min(*nr_pages, max_pages);
	}
	mutex_unlock(&n->map_lock);
	return error;
}

int ext2_map(struct ext2_inode *n, u64 index, enum ext2_map_mode mode, blk_t *out, bool *is_new)
{
	struct walk w = { .fs = ext2_of(n->inode.sb), .n = n, .allocates = mode == EXT2_MAP_ALLOCATE, .max_pages = 1 };
	u32 pointer, level;
	u64 below;
	int error = ext2_map_root(index, &pointer, &level, &below);

	if (error)
		return error;
	mutex_lock(&n->map_lock);
	if (index == n->next_index)
		w.goal = n->next_goal;
	error = walk(&w, NULL, &n->block[pointer], level, below);
	if (!error && w.is_new) {
		n->next_index = index + 1;
		n->next_goal = w.found + 1;
	}
	mutex_unlock(&n->map_lock);
	if (error)
		return error;
	*out = w.found;
	if (is_new)
		*is_new = w.is_new;
	return 0;
}

/* --- freeing ------------------------------------------------------------------------------- */

int ext2_map_free_block(struct ext2_inode *n, blk_t block, u32 level)
{
	struct ext2 *fs = ext2_of(n->inode.sb);

	if (level)
		cache_discard(&fs->sb.device->cache, block);    // its next life may be a file's data
	int error = ext2_block_free(fs, block);

	if (!error)
		WRITE_ONCE(n->inode.nr_sectors,
			   n->inode.nr_sectors - min(n->inode.nr_sectors, (u64)EXT2_SECTORS_PER_BLOCK));
	return error;
}

static int cut(struct ext2_inode *n, struct page *table, u32 *pointer, u32 level, u64 keep);

// Everything below a pointer block, from page `keep` of it on.
static int cut_below(struct ext2_inode *n, blk_t block, u32 level, u64 keep)
{
	struct ext2 *fs = ext2_of(n->inode.sb);
	u64 span = ext2_map_span(level - 1), first = keep / span;
	bool is_allocated;
	struct page *p;
	int error = ext2_block_is_allocated(fs, block, &is_allocated);

	// On a damaged disk many pointers may lead to one block: once it is freed, its pointers
	// count no more.
	if (!error && !is_allocated)
		error = ext2_damaged(fs, "pointer block %lu of inode %lu is free", block,
				     n->inode.number);
	if (!error)
		error = ext2_block_get_surely(fs, block, &p);
	if (error)
		return error;
	for (u64 i = first; i < EXT2_POINTERS_PER_BLOCK; i++) {
		int this_error = cut(n, p, (u32 *)page_address(p) + i, level - 1,
				     i == first ? keep % span : 0);

		error = error ? error : this_error;
	}
	page_put(p);
	return error;
}

// Frees what lies below a pointer from its page `keep` on; with keep 0 the pointer too. Bottom up,
// going on after an error.
static int cut(struct ext2_inode *n, struct page *table, u32 *pointer, u32 level, u64 keep)
{
	struct ext2 *fs = ext2_of(n->inode.sb);
	blk_t block = *pointer;
	int error = 0, later;

	if (!block)
		return 0;
	if (!ext2_block_is_usable(fs, block))
		error = ext2_map_bad_pointer(n, block);
	else if (level)
		error = cut_below(n, block, level, keep);
	if (keep)
		return error;
	ext2_map_set(n, table, pointer, 0);
	if (!ext2_block_is_usable(fs, block))
		return error;
	later = ext2_map_free_block(n, block, level);
	return error ? error : later;
}

int ext2_cut(struct ext2_inode *n, u64 keep)
{
	u64 first = EXT2_NR_DIRECT;
	int error = 0, later;

	mutex_lock(&n->map_lock);
	for (u64 i = keep; i < EXT2_NR_DIRECT; i++) {
		later = cut(n, NULL, &n->block[i], 0, 0);
		error = error ? error : later;
	}
	for (u32 level = 1; level <= 3; level++) {
		if (keep < first + ext2_map_span(level)) {
			later = cut(n, NULL, &n->block[EXT2_NR_DIRECT + level - 1], level,
				    keep > first ? keep - first : 0);
			error = error ? error : later;
		}
		first += ext2_map_span(level);
	}
	n->next_index = 0;
	n->next_goal = 0;
	mutex_unlock(&n->map_lock);
	return error;
}
