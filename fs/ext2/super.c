/*
 * super.c - the superblock and the groups' descriptors: mounting, which holds their pages until the end,
 * unmounting, and what the rest of the room asks of them. Whether they make sense is check.c's. While it is
 * mounted for writing, the superblock on disk says "not cleanly unmounted"; a damage that is met later leaves
 * a mark in it for e2fsck.
 *
 * alloc_lock covers the counts in struct ext2; the bytes of the superblock's page are changed under the lock
 * of the page, and the counts are copied there under both.
 */
#include "fs/ext2/ext2.h"
#include "kernel.h"
#include "lib/atomic.h"
#include "lib/format.h"
#include "lib/string.h"
#include "mm/slab.h"
#include "proc/timer.h"
#include "x86/clock.h"
#include <abi/errno.h>
#include <abi/mount.h>

#define COMPLAINTS_MAX 20

struct ext2_disk_super *ext2_super(struct ext2 *fs)
{
	return (struct ext2_disk_super *)((char *)page_address(fs->super_page) + EXT2_SUPER_OFFSET);
}

struct ext2_disk_group *ext2_group(struct ext2 *fs, u32 group)
{
	struct page *p = fs->group_pages[group / EXT2_GROUPS_PER_BLOCK];

	return (struct ext2_disk_group *)page_address(p) + group % EXT2_GROUPS_PER_BLOCK;
}

static bool is_power_of(u32 n, u32 base)
{
	u32 power = base;

	while (power < n && power <= U32_MAX / base)
		power *= base;
	return power == n;
}

bool ext2_group_has_super(const struct ext2 *fs, u32 group)
{
	if (!(ext2_super((struct ext2 *)fs)->read_only_compatible & EXT2_READ_ONLY_SPARSE_SUPER) ||
	    group <= 1)
		return true;
	return is_power_of(group, 3) || is_power_of(group, 5) || is_power_of(group, 7);
}

bool ext2_run_is_usable(struct ext2 *fs, blk_t first, u32 nr_blocks)
{
	if (first <= fs->nr_group_blocks || first >= fs->nr_blocks || nr_blocks > fs->nr_blocks - first)
		return false;
	const struct ext2_disk_group *g = ext2_group(fs, (u32)(first / fs->blocks_per_group));

	return g->block_bitmap - first >= nr_blocks && g->inode_bitmap - first >= nr_blocks &&
	       (g->inode_table >= first + nr_blocks || g->inode_table + (u64)fs->table_blocks <= first);
}

bool ext2_block_is_usable(struct ext2 *fs, blk_t block)
{
	return ext2_run_is_usable(fs, block, 1);
}

int ext2_block_get_surely(struct ext2 *fs, blk_t block, struct page **out)
{
	int error = block_get(fs->sb.device, block, out);

	for (u32 i = 0; i < 100 && error == -ENOMEM; i++) {
		(void)!sleep_until(clock_monotonic_ns() + 10000000, WAIT_UNINTERRUPTIBLE);
		error = block_get(fs->sb.device, block, out);
	}
	return error;
}

bool ext2_inode_is_usable(const struct ext2 *fs, u64 number)
{
	return number == EXT2_ROOT || (number >= fs->first_inode && number <= fs->nr_inodes);
}

int ext2_damaged(struct ext2 *fs, const char *format, ...)
{
	char text[160];
	va_list args;

	va_start(args, format);
	format_string_v(text, sizeof(text), format, args);
	va_end(args);
	u32 nr = atomic_add_return(&fs->nr_complaints, 1);

	if (nr <= COMPLAINTS_MAX)
		printk("ext2: %s: damaged: %s%s\n", fs->sb.device_name, text,
		       nr == COMPLAINTS_MAX ? " (the last line of these)" : "");
	// a refused mount writes nothing
	if (nr == 1 && fs->sb.root && !(fs->sb.flags & MS_RDONLY)) {
		page_lock(fs->super_page);
		ext2_super(fs)->state |= EXT2_STATE_ERRORS;
		page_mark_dirty(fs->super_page);
		page_unlock(fs->super_page);
	}
	return -EIO;
}

void ext2_mark_super_dirty(struct ext2 *fs)
{
	struct ext2_disk_super *s = ext2_super(fs);

	page_lock(fs->super_page);
	s->nr_free_blocks = (u32)fs->nr_free_blocks;
	s->nr_free_inodes = (u32)fs->nr_free_inodes;
	page_mark_dirty(fs->super_page);
	page_unlock(fs->super_page);
}

void ext2_want_large_files(struct ext2 *fs)
{
	struct ext2_disk_super *s = ext2_super(fs);

	if (READ_ONCE(s->read_only_compatible) & EXT2_READ_ONLY_LARGE_FILE)
		return;
	page_lock(fs->super_page);
	s->read_only_compatible |= EXT2_READ_ONLY_LARGE_FILE;
	page_mark_dirty(fs->super_page);
	page_unlock(fs->super_page);
}

/* --- mount and unmount -------------------------------------------------------------------- */

// A block that is held for as long as the file system is mounted; *slot is NULL when it cannot be had.
static int pin_block(struct ext2 *fs, blk_t block, struct page **slot)
{
	int error = block_get(fs->sb.device, block, slot);

	if (error)
		*slot = NULL;
	else
		page_set(*slot, PAGE_PINNED);
	return error;
}

static void unpin_block(struct page *p)
{
	page_clear(p, PAGE_PINNED);
	page_put(p);
}

static void free_memory(struct ext2 *fs)
{
	for (u32 i = 0; fs->group_pages && i < fs->nr_group_blocks; i++) {
		if (fs->group_pages[i])
			unpin_block(fs->group_pages[i]);
	}
	if (fs->super_page)
		unpin_block(fs->super_page);
	kfree(fs->group_pages);
	kfree(fs);
}

static int read_groups(struct ext2 *fs)
{
	int error = 0;

	fs->group_pages = kmalloc_zeroed(fs->nr_group_blocks * sizeof(*fs->group_pages));
	if (!fs->group_pages)
		return -ENOMEM;
	for (u32 i = 0; i < fs->nr_group_blocks && !error; i++) {
		error = pin_block(fs, 1 + i, &fs->group_pages[i]);
		if (error)
			printk("ext2: %s: group descriptors cannot be read\n", fs->sb.device_name);
	}
	return error;
}

static u32 now_seconds(void)
{
	return (u32)(clock_realtime_ns() / 1000000000);
}

// Writes the superblock through to the disk: in use, or clean.
static int write_state(struct ext2 *fs, bool is_clean)
{
	struct ext2_disk_super *s = ext2_super(fs);

	mutex_lock(&fs->alloc_lock);
	page_lock(fs->super_page);
	if (is_clean && fs->was_valid)
		s->state |= EXT2_STATE_VALID;
	else
		s->state &= (u16)~EXT2_STATE_VALID;
	s->write_time = now_seconds();
	s->nr_free_blocks = (u32)fs->nr_free_blocks;
	s->nr_free_inodes = (u32)fs->nr_free_inodes;
	page_mark_dirty(fs->super_page);
	page_unlock(fs->super_page);
	mutex_unlock(&fs->alloc_lock);
	return cache_write_back(&fs->sb.device->cache, 0, 0, SYNC_WAIT);
}

static int begin_writing(struct ext2 *fs)
{
	struct ext2_disk_super *s = ext2_super(fs);

	page_lock(fs->super_page);
	s->mount_time = now_seconds();
	s->mount_count++;
	page_unlock(fs->super_page);
	return write_state(fs, false);
}

static void ext2_statfs(struct superblock *sb, struct statfs *out)
{
	struct ext2 *fs = ext2_of(sb);

	mutex_lock(&fs->alloc_lock);
	*out = (struct statfs){
		.f_type = EXT2_SUPER_MAGIC, .f_bsize = BLOCK_SIZE, .f_frsize = BLOCK_SIZE,
		.f_blocks = fs->nr_blocks - min(fs->nr_overhead_blocks, fs->nr_blocks),
		.f_bfree = fs->nr_free_blocks,
		.f_bavail = fs->nr_free_blocks - min((u64)fs->nr_reserved_blocks, fs->nr_free_blocks),
		.f_files = fs->nr_inodes, .f_ffree = fs->nr_free_inodes,
		.f_namelen = NAME_LENGTH_MAX,
		.f_flags = ST_VALID | (sb->flags & MS_RDONLY ? ST_RDONLY : 0),
	};
	mutex_unlock(&fs->alloc_lock);
	memcpy(&out->f_fsid, ext2_super(fs)->uuid, sizeof(out->f_fsid));
}

static int ext2_remount(struct superblock *sb, u32 flags)
{
	struct ext2 *fs = ext2_of(sb);

	if (flags & MS_RDONLY)
		return write_state(fs, true);
	if (sb->device->is_read_only)
		return -EROFS;
	int error = ext2_check_features(fs);

	if (error || ext2_super(fs)->read_only_compatible & ~(u32)(EXT2_READ_ONLY_SPARSE_SUPER |
								   EXT2_READ_ONLY_LARGE_FILE))
		return error ? error : -EROFS;
	return begin_writing(fs);
}

static void ext2_unmount(struct superblock *sb)
{
	struct ext2 *fs = ext2_of(sb);

	if (!(sb->flags & MS_RDONLY) && write_state(fs, true))
		printk("ext2: %s: the superblock could not be written\n", sb->device_name);
	free_memory(fs);
}

// "wberr=clean" or "wberr=retry"; other words are for mount(8) and left alone. -EINVAL.
static int parse_options(struct superblock *sb, const char *options)
{
	static const char name[] = "wberr=";

	for (const char *at = options; *at;) {
		size_t length = 0;

		while (at[length] && at[length] != ',')
			length++;
		if (strncmp(at, name, sizeof(name) - 1) == 0) {
			sb->drops_failed_writes = length == 11 && strncmp(at, "wberr=clean", 11) == 0;
			if (!sb->drops_failed_writes && (length != 11 || strncmp(at, "wberr=retry", 11) != 0))
				return -EINVAL;
		}
		at += length + (at[length] == ',');
	}
	return 0;
}

static int ext2_show_options(struct superblock *sb, char *buffer, size_t size)
{
	return format_string(buffer, size, "%s", sb->drops_failed_writes ? ",wberr=clean" : "");
}

static const struct superblock_ops ext2_super_ops = {
	.inode_alloc = ext2_inode_alloc,
	.inode_free = ext2_inode_free,
	.inode_write = ext2_inode_write,
	.inode_sync = ext2_inode_sync,
	.inode_evict = ext2_inode_evict,
	.statfs = ext2_statfs,
	.show_options = ext2_show_options,
	.unmount = ext2_unmount,
	.remount = ext2_remount,
};

static int read_super(struct ext2 *fs)
{
	int error = pin_block(fs, 0, &fs->super_page);

	if (error) {
		printk("ext2: %s: the superblock cannot be read\n", fs->sb.device_name);
		return error;
	}
	error = ext2_check_super(fs);
	if (!error)
		error = read_groups(fs);
	if (!error)
		error = ext2_check_groups(fs);
	return error;
}

static int read_root(struct ext2 *fs)
{
	struct inode *root;
	int error = ext2_inode_read(fs, EXT2_ROOT, &root);

	if (error) {
		printk("ext2: %s: the root directory cannot be read\n", fs->sb.device_name);
		return error == -ENOMEM ? error : -EINVAL;
	}
	if (!S_ISDIR(root->mode)) {
		inode_put(root);
		return ext2_refuse(fs, "the root is not a directory");
	}
	return superblock_set_root(&fs->sb, root);
}

static int ext2_mount(struct file_system *type, struct block_device *device, const char *options,
		      u32 flags,
		      struct superblock **out)
{
	struct ext2 *fs = kmalloc_zeroed(sizeof(*fs));
	int error;

	if (!fs)
		return -ENOMEM;
	superblock_init(&fs->sb, type, &ext2_super_ops, device);
	mutex_init(&fs->alloc_lock, "ext2.alloc_lock", RANK_FS_ALLOC);
	format_string(fs->sb.device_name, sizeof(fs->sb.device_name), "/dev/%s", device->name);
	fs->sb.flags = flags;
	fs->sb.max_file_size = ext2_max_file_size();
	if (device->is_read_only)
		fs->sb.flags |= MS_RDONLY;
	error = parse_options(&fs->sb, options);
	if (!error)
		error = read_super(fs);
	if (error)
		goto out_free;
	device->cache.drops_failed = fs->sb.drops_failed_writes;
	fs->was_valid = ext2_super(fs)->state & EXT2_STATE_VALID;
	if (!fs->was_valid || ext2_super(fs)->state & EXT2_STATE_ERRORS)
		printk("ext2: %s: %s, e2fsck should look at it\n", fs->sb.device_name,
		       fs->was_valid ? "errors were found earlier" : "was not cleanly unmounted");
	error = read_root(fs);
	if (error)
		goto out_inodes;
	if (!(fs->sb.flags & MS_RDONLY) && (error = begin_writing(fs))) {
		dentry_put(fs->sb.root);
		goto out_inodes;
	}
	*out = &fs->sb;
	return 0;
out_inodes:
	inodes_drop_all(&fs->sb);
out_free:
	free_memory(fs);
	return error;
}

static struct file_system ext2_type = { .name = "ext2", .needs_device = true, .mount = ext2_mount };

void ext2_init(void)
{
	ext2_inodes_init();
	file_system_register(&ext2_type);
}
