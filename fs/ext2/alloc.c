/*
 * alloc.c - which blocks and inode numbers are free: a bitmap of each in every group, and counts
 * beside them. The bitmaps tell the truth; counts only say where looking is worth while, and may be
 * wrong on a damaged disk without harm. alloc_lock covers all of them. A block goes near its goal,
 * so that a file's blocks follow each other; a directory goes to a group with room, a file to its
 * directory's group.
 */
#include "fs/ext2/ext2.h"
#include "kernel.h"
#include "lib/string.h"
#include <abi/errno.h>

#define BITS_PER_WORD 64u

static bool bit_get(const struct page *bitmap, u32 n)
{
	const u64 *words = page_address(bitmap);

	return words[n / BITS_PER_WORD] >> n % BITS_PER_WORD & 1;
}

// The first zero bit in [from, end); end when there is none.
static u32 find_zero(const struct page *bitmap, u32 from, u32 end)
{
	const u64 *words = page_address(bitmap);

	while (from < end) {
		u64 free = ~words[from / BITS_PER_WORD] >> from % BITS_PER_WORD;

		if (free) {
			from += (u32)__builtin_ctzl(free);
			return from < end ? from : end;
		}
		from = (from / BITS_PER_WORD + 1) * BITS_PER_WORD;
	}
	return end;
}

// The first 8 zero bits on a byte's border in [from, end): room to grow; end when there are none.
static u32 find_zero_byte(const struct page *bitmap, u32 from, u32 end)
{
	const u8 *bytes = page_address(bitmap);

	for (u32 i = (from + 7) / 8; (i + 1) * 8 <= end; i++) {
		if (!bytes[i])
			return i * 8;
	}
	return end;
}

static void bit_change(struct page *bitmap, u32 n, bool value)
{
	u64 *words = page_address(bitmap);

	page_lock(bitmap);
	if (value)
		words[n / BITS_PER_WORD] |= 1ul << n % BITS_PER_WORD;
	else
		words[n / BITS_PER_WORD] &= ~(1ul << n % BITS_PER_WORD);
	page_mark_dirty(bitmap);
	page_unlock(bitmap);
}

static u16 add_to_count(u16 count, i32 n)
{
	i32 sum = (i32)count + n;

	return (u16)(sum < 0 ? 0 : sum > 0xffff ? 0xffff : sum);
}

// A group's counts, and the superblock's, change by so many.
static void change_counts(struct ext2 *fs, u32 group, i32 blocks, i32 inodes, i32 directories)
{
	struct page *p = fs->group_pages[group / EXT2_GROUPS_PER_BLOCK];
	struct ext2_disk_group *g = ext2_group(fs, group);

	page_lock(p);
	g->nr_free_blocks = add_to_count(g->nr_free_blocks, blocks);
	g->nr_free_inodes = add_to_count(g->nr_free_inodes, inodes);
	g->nr_directories = add_to_count(g->nr_directories, directories);
	page_mark_dirty(p);
	page_unlock(p);
	if (blocks > 0 || fs->nr_free_blocks)
		fs->nr_free_blocks += (u64)(i64)blocks;
	if (inodes > 0 || fs->nr_free_inodes)
		fs->nr_free_inodes += (u64)(i64)inodes;
	ext2_mark_super_dirty(fs);
}

/* --- blocks ------------------------------------------------------------------------------ */

static u32 blocks_in_group(const struct ext2 *fs, u32 group)
{
	u64 first = (u64)group * fs->blocks_per_group;

	return (u32)min((u64)fs->blocks_per_group, fs->nr_blocks - first);
}

// A free block of this group at or (round the corner) before the wanted bit; -ENOSPC.
static int alloc_in_group(struct ext2 *fs, u32 group, u32 wanted, blk_t *out)
{
	u32 end = blocks_in_group(fs, group), bit;
	struct page *bitmap;
	int error = block_get(fs->sb.device, ext2_group(fs, group)->block_bitmap, &bitmap);

	if (error)
		return error;
	if (wanted >= end || bit_get(bitmap, wanted)) {
		bit = find_zero(bitmap, wanted,
				min(end, (wanted + BITS_PER_WORD) & ~(BITS_PER_WORD - 1)));
		if (bit >= min(end, (wanted + BITS_PER_WORD) & ~(BITS_PER_WORD - 1)))
			bit = find_zero_byte(bitmap, wanted, end);
		if (bit >= end)
			bit = find_zero(bitmap, wanted, end);
		if (bit >= end)
			bit = find_zero(bitmap, 0, end);
	} else {
		bit = wanted;
	}
	if (bit >= end) {
		page_put(bitmap);
		return -ENOSPC;
	}
	*out = (blk_t)group * fs->blocks_per_group + bit;
	if (!ext2_block_is_usable(fs, *out))
		error = ext2_damaged(fs, "block %lu is metadata, but free in its bitmap", *out);
	// Taken even then, so that it is not found again.
	bit_change(bitmap, bit, true);
	change_counts(fs, group, -1, 0, 0);
	page_put(bitmap);
	return error;
}

int ext2_block_alloc(struct ext2 *fs, blk_t goal, blk_t *out)
{
	int error = -ENOSPC;

	if (goal >= fs->nr_blocks)
		goal = 0;
	u32 first = (u32)(goal / fs->blocks_per_group), wanted = (u32)(goal % fs->blocks_per_group);

	mutex_lock(&fs->alloc_lock);
	for (u32 i = 0; i < fs->nr_groups && error == -ENOSPC; i++) {
		u32 group = (u32)(((u64)first + i) % fs->nr_groups);

		if (ext2_group(fs, group)->nr_free_blocks)
			error = alloc_in_group(fs, group, i ? 0 : wanted, out);
	}
	mutex_unlock(&fs->alloc_lock);
	return error;
}

int ext2_block_is_allocated(struct ext2 *fs, blk_t block, bool *is_allocated)
{
	struct page *bitmap;

	if (!ext2_block_is_usable(fs, block)) {
		*is_allocated = false;
		return 0;
	}
	const struct ext2_disk_group *g = ext2_group(fs, (u32)(block / fs->blocks_per_group));
	int error = ext2_block_get_surely(fs, g->block_bitmap, &bitmap);

	if (error)
		return error;
	*is_allocated = bit_get(bitmap, (u32)(block % fs->blocks_per_group));
	page_put(bitmap);
	return 0;
}

int ext2_block_free(struct ext2 *fs, blk_t block)
{
	u32 group = (u32)(block / fs->blocks_per_group), bit = (u32)(block % fs->blocks_per_group);
	struct page *bitmap;

	if (!ext2_block_is_usable(fs, block))
		return ext2_damaged(fs, "block %lu to be freed is no data block", block);
	mutex_lock(&fs->alloc_lock);
	int error = ext2_block_get_surely(fs, ext2_group(fs, group)->block_bitmap, &bitmap);

	if (!error) {
		if (bit_get(bitmap, bit)) {
			bit_change(bitmap, bit, false);
			change_counts(fs, group, 1, 0, 0);
		} else {
			error = ext2_damaged(fs, "block %lu is freed twice", block);
		}
		page_put(bitmap);
	}
	mutex_unlock(&fs->alloc_lock);
	return error;
}

/* --- inode numbers ------------------------------------------------------------------------- */

// Where a directory goes: among groups with inodes above the average, the one with most free blocks.
static u32 group_for_directory(struct ext2 *fs, u32 near_group)
{
	u64 average = fs->nr_free_inodes / fs->nr_groups;
	u32 best = near_group, most_blocks = 0;

	for (u32 i = 0; i < fs->nr_groups; i++) {
		u32 group = (u32)(((u64)near_group + i) % fs->nr_groups);
		const struct ext2_disk_group *g = ext2_group(fs, group);

		if (g->nr_free_inodes && g->nr_free_inodes >= average &&
		    g->nr_free_blocks > most_blocks) {
			best = group;
			most_blocks = g->nr_free_blocks;
		}
	}
	return best;
}

static int number_in_group(struct ext2 *fs, u32 group, bool is_directory, u32 *out)
{
	u32 from = group == 0 ? fs->first_inode - 1 : 0, bit;
	struct page *bitmap;
	int error = block_get(fs->sb.device, ext2_group(fs, group)->inode_bitmap, &bitmap);

	if (error)
		return error;
	bit = find_zero(bitmap, min(from, fs->inodes_per_group), fs->inodes_per_group);
	if (bit < fs->inodes_per_group) {
		bit_change(bitmap, bit, true);
		change_counts(fs, group, 0, -1, is_directory ? 1 : 0);
		*out = group * fs->inodes_per_group + bit + 1;
	} else {
		error = -ENOSPC;
	}
	page_put(bitmap);
	return error;
}

int ext2_number_alloc(struct ext2 *fs, u32 near_group, bool is_directory, u32 *out)
{
	int error = -ENOSPC;

	mutex_lock(&fs->alloc_lock);
	u32 first = is_directory ? group_for_directory(fs, near_group) : near_group;

	// First where there are blocks too, then anywhere.
	for (u32 i = 0; i < 2 * fs->nr_groups && error == -ENOSPC; i++) {
		u32 group = (u32)(((u64)first + i) % fs->nr_groups);
		const struct ext2_disk_group *g = ext2_group(fs, group);

		if (g->nr_free_inodes && (g->nr_free_blocks || i >= fs->nr_groups))
			error = number_in_group(fs, group, is_directory, out);
	}
	mutex_unlock(&fs->alloc_lock);
	return error;
}

int ext2_number_free(struct ext2 *fs, u32 number, bool is_directory)
{
	u32 group = (number - 1) / fs->inodes_per_group, bit = (number - 1) % fs->inodes_per_group;
	struct page *bitmap;

	mutex_lock(&fs->alloc_lock);
	int error = ext2_block_get_surely(fs, ext2_group(fs, group)->inode_bitmap, &bitmap);

	if (!error) {
		if (bit_get(bitmap, bit)) {
			bit_change(bitmap, bit, false);
			change_counts(fs, group, 0, 1, is_directory ? -1 : 0);
		} else {
			error = ext2_damaged(fs, "inode %u is freed twice", number);
		}
		page_put(bitmap);
	}
	mutex_unlock(&fs->alloc_lock);
	return error;
}
