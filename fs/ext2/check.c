/*
 * check.c - is this an ext2 file system that we understand, and do its numbers fit together? A foreign or
 * damaged one is refused with a sentence that says what is wrong. Features follow ext2's rule: an unknown
 * "incompatible" one refuses the mount, an unknown "read-only compatible" one makes it read-only, others are
 * ignored.
 *
 * All runs before anybody else can reach the file system (features once more at a remount), so there is no
 * lock. What was let through here is relied upon: the sizes in struct ext2, and that the bitmaps and tables
 * of the groups lie on the disk, behind the descriptors. All other numbers are checked where they are used
 * (ext2_damaged).
 */
#include "fs/ext2/ext2.h"
#include "kernel.h"
#include "lib/format.h"
#include <abi/errno.h>
#include <abi/mount.h>

struct feature {
	u32 bit;
	const char *name;
};

static const struct feature incompatible_features[] = {
	{ 0x1, "compression" }, { 0x2, "filetype" }, { 0x4, "needs_recovery" },
	{ 0x8, "journal_dev" }, { 0x10, "meta_bg" }, { 0x40, "extent" }, { 0x80, "64bit" },
	{ 0x100, "mmp" }, { 0x200, "flex_bg" }, { 0x400, "ea_inode" }, { 0x1000, "dirdata" },
	{ 0x2000, "metadata_csum_seed" }, { 0x4000, "large_dir" }, { 0x8000, "inline_data" },
	{ 0x10000, "encrypt" }, { 0x20000, "casefold" },
};

static const struct feature read_only_features[] = {
	{ 0x1, "sparse_super" }, { 0x2, "large_file" }, { 0x4, "btree_dir" }, { 0x8, "huge_file" },
	{ 0x10, "uninit_bg" }, { 0x20, "dir_nlink" }, { 0x40, "extra_isize" }, { 0x100, "quota" },
	{ 0x200, "bigalloc" }, { 0x400, "metadata_csum" }, { 0x1000, "read-only" },
	{ 0x2000, "project" }, { 0x8000, "verity" }, { 0x10000, "orphan_present" },
};

static const char *feature_name(const struct feature *list, u32 nr, u32 bits)
{
	for (u32 i = 0; i < nr; i++) {
		if (list[i].bit & bits)
			return list[i].name;
	}
	return "unknown";
}

int ext2_refuse(struct ext2 *fs, const char *format, ...)
{
	char text[128];
	va_list args;

	va_start(args, format);
	format_string_v(text, sizeof(text), format, args);
	va_end(args);
	printk("ext2: %s: %s\n", fs->sb.device_name, text);
	return -EINVAL;
}

int ext2_check_features(struct ext2 *fs)
{
	const struct ext2_disk_super *s = ext2_super(fs);
	u32 bad = s->revision ? s->incompatible & ~(u32)EXT2_INCOMPATIBLE_FILETYPE : 0;

	if (bad)
		return ext2_refuse(fs, "feature %s (incompatible 0x%x) is not supported",
				   feature_name(incompatible_features, ARRAY_SIZE(incompatible_features), bad), bad);
	bad = s->revision ? s->read_only_compatible & ~(u32)(EXT2_READ_ONLY_SPARSE_SUPER |
							     EXT2_READ_ONLY_LARGE_FILE) : 0;
	if (bad && !(fs->sb.flags & MS_RDONLY)) {
		printk("ext2: %s: feature %s (0x%x) cannot be written: mounted read-only\n",
		       fs->sb.device_name,
		       feature_name(read_only_features, ARRAY_SIZE(read_only_features), bad), bad);
		fs->sb.flags |= MS_RDONLY;
	}
	fs->has_filetype = s->revision && s->incompatible & EXT2_INCOMPATIBLE_FILETYPE;
	return 0;
}

static u64 divide_up(u64 n, u64 by)
{
	return (n + by - 1) / by;
}

static int check_sizes(struct ext2 *fs, const struct ext2_disk_super *s)
{
	u64 device_blocks = fs->sb.device->nr_blocks;

	if (s->log_block_size > 6)
		return ext2_refuse(fs, "the block size's logarithm %u is absurd", s->log_block_size);
	if (s->log_block_size != 2)
		return ext2_refuse(fs, "block size is %u, only 4096 is supported",
				   1024u << s->log_block_size);
	if (s->revision > 1)
		return ext2_refuse(fs, "revision %u is unknown", s->revision);
	fs->inode_size = s->revision ? s->inode_size : EXT2_OLD_INODE_SIZE;
	fs->first_inode = s->revision ? s->first_inode : 11;
	if (fs->inode_size < EXT2_OLD_INODE_SIZE || fs->inode_size > BLOCK_SIZE ||
	    fs->inode_size & (fs->inode_size - 1))
		return ext2_refuse(fs, "inode size %u is not a power of two from 128 to 4096",
				   fs->inode_size);
	if (s->first_data_block != 0)
		return ext2_refuse(fs, "first data block is %u, it must be 0", s->first_data_block);
	if (s->blocks_per_group < 8 || s->blocks_per_group > 8 * BLOCK_SIZE)
		return ext2_refuse(fs, "%u blocks in a group, a bitmap has room for %lu",
				   s->blocks_per_group, 8 * BLOCK_SIZE);
	if (s->inodes_per_group < 1 || s->inodes_per_group > 8 * BLOCK_SIZE)
		return ext2_refuse(fs, "%u inodes in a group, a bitmap has room for %lu",
				   s->inodes_per_group, 8 * BLOCK_SIZE);
	if (s->nr_blocks < 8)
		return ext2_refuse(fs, "%u blocks are too few", s->nr_blocks);
	if (s->nr_blocks > device_blocks)
		return ext2_refuse(fs, "it has %u blocks, the device only %lu", s->nr_blocks, device_blocks);
	fs->nr_blocks = s->nr_blocks;
	fs->nr_inodes = s->nr_inodes;
	fs->blocks_per_group = s->blocks_per_group;
	fs->inodes_per_group = s->inodes_per_group;
	fs->table_blocks = (u32)divide_up((u64)s->inodes_per_group * fs->inode_size, BLOCK_SIZE);
	fs->nr_groups = (u32)divide_up(s->nr_blocks, s->blocks_per_group);
	fs->nr_group_blocks = (u32)divide_up(fs->nr_groups, EXT2_GROUPS_PER_BLOCK);
	if (s->nr_inodes != (u64)fs->nr_groups * s->inodes_per_group)
		return ext2_refuse(fs, "%u inodes do not fill %u groups of %u", s->nr_inodes,
				   fs->nr_groups, s->inodes_per_group);
	if (fs->first_inode <= EXT2_ROOT || fs->first_inode > s->nr_inodes)
		return ext2_refuse(fs, "first inode %u is out of range", fs->first_inode);
	if (1 + (u64)fs->nr_group_blocks >= fs->nr_blocks)
		return ext2_refuse(fs, "no room for %u group descriptors", fs->nr_groups);
	fs->nr_reserved_blocks = min(s->nr_reserved_blocks, s->nr_blocks);
	return 0;
}

int ext2_check_super(struct ext2 *fs)
{
	const struct ext2_disk_super *s = ext2_super(fs);

	if (s->magic != EXT2_MAGIC)
		return ext2_refuse(fs, "not an ext2 file system (magic 0x%x)", s->magic);
	int error = check_sizes(fs, s);

	return error ? error : ext2_check_features(fs);
}

// [block, block + nr) must lie within the file system, behind the descriptors.
static bool range_is_good(const struct ext2 *fs, u64 block, u64 nr)
{
	return block > fs->nr_group_blocks && block < fs->nr_blocks && nr <= fs->nr_blocks - block;
}

int ext2_check_groups(struct ext2 *fs)
{
	for (u32 i = 0; i < fs->nr_groups; i++) {
		const struct ext2_disk_group *g = ext2_group(fs, i);

		if (!range_is_good(fs, g->block_bitmap, 1))
			return ext2_refuse(fs, "group %u: block bitmap at %u is out of range", i,
					   g->block_bitmap);
		if (!range_is_good(fs, g->inode_bitmap, 1))
			return ext2_refuse(fs, "group %u: inode bitmap at %u is out of range", i,
					   g->inode_bitmap);
		if (!range_is_good(fs, g->inode_table, fs->table_blocks))
			return ext2_refuse(fs, "group %u: inode table at %u is out of range", i,
					   g->inode_table);
		if (g->block_bitmap == g->inode_bitmap ||
		    (g->block_bitmap >= g->inode_table &&
		     g->block_bitmap - g->inode_table < fs->table_blocks) ||
		    (g->inode_bitmap >= g->inode_table &&
		     g->inode_bitmap - g->inode_table < fs->table_blocks))
			return ext2_refuse(fs, "group %u: bitmaps and inode table overlap", i);
		fs->nr_free_blocks += min(g->nr_free_blocks, fs->blocks_per_group);
		fs->nr_free_inodes += min(g->nr_free_inodes, fs->inodes_per_group);
		fs->nr_overhead_blocks += 2 + fs->table_blocks +
			(ext2_group_has_super(fs, i) ? 1 + fs->nr_group_blocks : 0);
	}
	return 0;
}
