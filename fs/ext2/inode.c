/*
 * inode.c - inodes on disk and in memory. Reading one believes nothing: a number out of range, a
 * type that does not exist, a size that cannot be, features of later file systems are all refused
 * with -EIO and a line on the log. Writing one puts it into its block of the inode table, leaving
 * what we do not know there as it is. A fresh inode's place is cleared first.
 */
#include "fs/ext2/ext2.h"
#include "kernel.h"
#include "lib/string.h"
#include "mm/slab.h"
#include "x86/clock.h"
#include <abi/errno.h>
#include <abi/mount.h>

#define ATTRIBUTE_MAGIC 0xea020000u

static struct slab_cache node_slab;
static u32 last_generation;                     // atomic

void ext2_inodes_init(void)
{
	slab_cache_init(&node_slab, "ext2_inode", sizeof(struct ext2_inode), 16);
}

struct inode *ext2_inode_alloc(struct superblock *sb)
{
	struct ext2_inode *n = slab_alloc_zeroed(&node_slab);

	(void)sb;
	if (!n)
		return NULL;
	mutex_init(&n->map_lock, "ext2_inode.map_lock", RANK_BLOCKMAP);
	return &n->inode;
}

void ext2_inode_free(struct inode *ip)
{
	slab_free(&node_slab, ext2_node(ip));
}

// The block of the inode table that holds it.
static blk_t block_of(struct ext2 *fs, u64 number)
{
	u64 i = (number - 1) % fs->inodes_per_group;
	u32 group = (u32)((number - 1) / fs->inodes_per_group);

	return ext2_group(fs, group)->inode_table + i * fs->inode_size / BLOCK_SIZE;
}

// Where the inode lies: its block of the table (referenced), and the inode in it.
static int find_on_disk(struct ext2 *fs, u64 number, struct page **page, struct ext2_disk_inode **out)
{
	u64 i = (number - 1) % fs->inodes_per_group;
	u32 per_block = (u32)BLOCK_SIZE / fs->inode_size;
	int error = ext2_block_get_surely(fs, block_of(fs, number), page);

	if (!error)
		*out = (struct ext2_disk_inode *)((char *)page_address(*page) +
						  i % per_block * fs->inode_size);
	return error;
}

// Does the on-disk inode have the extra field that ends at that offset?
static bool has_extra(const struct ext2 *fs, const struct ext2_disk_inode *d, size_t end)
{
	return fs->inode_size > EXT2_OLD_INODE_SIZE && d->extra_size + EXT2_OLD_INODE_SIZE >= end &&
	       d->extra_size + EXT2_OLD_INODE_SIZE <= fs->inode_size;
}
#define HAS_EXTRA(fs, d, field) has_extra((fs), (d), offsetof(struct ext2_disk_inode, field) + sizeof((d)->field))

// Seconds are signed 32 bits and two more above; nanoseconds share the extra word.
static struct timespec time_from_disk(u32 seconds, u32 extra)
{
	u32 nanoseconds = extra >> 2;

	return (struct timespec){
		.tv_sec = (long)(i32)seconds + ((long)(extra & 3) << 32),
		.tv_nsec = nanoseconds < 1000000000 ? nanoseconds : 0,
	};
}

static u32 extra_of(const struct timespec *t)
{
	return (u32)((t->tv_sec - (long)(i32)(u32)t->tv_sec) >> 32 & 3) | (u32)t->tv_nsec << 2;
}

static u64 device_from_disk(const u32 *block)
{
	if (block[0])
		return ABI_MKDEV((u64)block[0] >> 8 & 0xff, (u64)block[0] & 0xff);
	return ABI_MKDEV((u64)block[1] >> 8 & 0xfff, (block[1] & 0xff) |
			 ((u64)block[1] >> 12 & 0xfff00));
}

static void device_to_disk(u64 number, u32 *block)
{
	u32 major = ABI_MAJOR(number), minor = ABI_MINOR(number);

	if (major < 256 && minor < 256)
		block[0] = major << 8 | minor;
	else
		block[1] = (minor & 0xff) | (major & 0xfff) << 8 | (minor & ~0xffu) << 12;
}

// What is wrong with it, or NULL.
static const char *find_fault(const struct ext2 *fs, const struct ext2_disk_inode *d)
{
	u64 size = d->size | (S_ISREG(d->mode) ? (u64)d->size_high << 32 : 0);

	if (!d->nr_links)
		return "is free";
	if (d->flags & EXT2_FLAG_EXTENTS)
		return "is mapped by extents";
	if (d->flags & EXT2_FLAG_INLINE)
		return "has its data inline";
	if (fs->inode_size > EXT2_OLD_INODE_SIZE &&
	    d->extra_size > fs->inode_size - EXT2_OLD_INODE_SIZE)
		return "has extra fields beyond its size";
	switch (d->mode & S_IFMT) {
	case S_IFREG:
		return size > ext2_max_file_size() ? "is longer than a file can be" : NULL;
	case S_IFDIR:
		return !size || size % BLOCK_SIZE ? "is a directory of odd length" : NULL;
	case S_IFLNK:
		return !size || size >= PATH_LENGTH_MAX ?
			"is a symbolic link of impossible length" : NULL;
	case S_IFCHR: case S_IFBLK: case S_IFIFO: case S_IFSOCK:
		return NULL;
	default:
		return "has no known type";
	}
}

static void set_ops(struct inode *ip)
{
	switch (ip->mode & S_IFMT) {
	case S_IFREG:
		ip->ops = &ext2_file_inode_ops;
		ip->file_ops = &ext2_file_ops;
		break;
	case S_IFDIR:
		ip->ops = &ext2_directory_inode_ops;
		ip->file_ops = &ext2_directory_ops;
		break;
	case S_IFLNK:
		ip->ops = &ext2_symlink_inode_ops;
		break;
	default:                        // fifos and devices: whoever opens one finds its room (fs/path.c)
		ip->ops = &ext2_file_inode_ops;
		return;
	}
	ip->cache.ops = &ext2_cache_ops;
}

static void fill_in(struct ext2 *fs, struct ext2_inode *n, const struct ext2_disk_inode *d)
{
	struct inode *ip = &n->inode;

	ip->mode = d->mode;
	ip->uid = d->uid | (u32)d->uid_high << 16;
	ip->gid = d->gid | (u32)d->gid_high << 16;
	ip->nr_links = d->nr_links;
	ip->nr_sectors = d->nr_sectors;
	ip->atime = time_from_disk(d->atime, HAS_EXTRA(fs, d, atime_extra) ? d->atime_extra : 0);
	ip->mtime = time_from_disk(d->mtime, HAS_EXTRA(fs, d, mtime_extra) ? d->mtime_extra : 0);
	ip->ctime = time_from_disk(d->ctime, HAS_EXTRA(fs, d, ctime_extra) ? d->ctime_extra : 0);
	n->flags = d->flags;
	n->generation = d->generation;
	n->attribute_block = d->attribute_block;
	n->is_fresh = false;
	n->next_index = 0;
	n->next_goal = 0;
	n->known.nr = 0;
	n->add_from = 0;
	memcpy(n->block, d->block, sizeof(n->block));
	if (S_ISCHR(d->mode) || S_ISBLK(d->mode))
		ip->device_number = device_from_disk(d->block);
	ip->cache.size = d->size | (S_ISREG(d->mode) ? (u64)d->size_high << 32 : 0);
	set_ops(ip);
}

static int read_new(struct ext2 *fs, struct inode *ip)
{
	struct ext2_disk_inode *d;
	struct page *p;
	int error = find_on_disk(fs, ip->number, &p, &d);

	if (error)
		return error;
	page_lock(p);
	const char *fault = find_fault(fs, d);

	if (!fault)
		fill_in(fs, ext2_node(ip), d);
	page_unlock(p);
	page_put(p);
	return fault ? ext2_damaged(fs, "inode %lu %s", ip->number, fault) : 0;
}

int ext2_inode_read(struct ext2 *fs, u64 number, struct inode **out)
{
	struct inode *ip;
	bool is_new;

	if (!ext2_inode_is_usable(fs, number))
		return ext2_damaged(fs, "a name leads to inode %lu of %u", number, fs->nr_inodes);
	int error = inode_get(&fs->sb, number, &ip, &is_new);

	if (error)
		return error;
	if (is_new) {
		error = read_new(fs, ip);
		if (error) {
			inode_failed(ip);
			return error;
		}
		inode_ready(ip);
	}
	*out = ip;
	return 0;
}

int ext2_inode_create(struct inode *dir, u32 mode, u64 device_number, struct inode **out)
{
	struct ext2 *fs = ext2_of(dir->sb);
	u32 group = (u32)((dir->number - 1) / fs->inodes_per_group), number;
	struct inode *ip;
	bool is_new;
	int error = ext2_number_alloc(fs, group, S_ISDIR(mode), &number);

	if (error)
		return error;
	error = inode_get(&fs->sb, number, &ip, &is_new);
	if (!error && !is_new) {
		inode_put(ip);
		return ext2_damaged(fs, "inode %u is in use but free in its bitmap", number);
	}
	if (error) {
		ext2_number_free(fs, number, S_ISDIR(mode));
		return error;
	}
	struct ext2_inode *n = ext2_node(ip);

	ip->mode = mode;
	ip->device_number = device_number;
	memset(n->block, 0, sizeof(n->block));
	if (S_ISCHR(mode) || S_ISBLK(mode))
		device_to_disk(device_number, n->block);
	n->flags = 0;
	n->attribute_block = 0;
	n->generation = atomic_add_return(&last_generation, 1) + (u32)clock_realtime_ns();
	n->birth_time = (u32)(clock_realtime_ns() / 1000000000);
	n->is_fresh = true;
	n->next_index = 0;
	n->next_goal = 0;
	n->known.nr = 0;
	n->add_from = 0;
	set_ops(ip);
	inode_touch(ip, true, true, true);
	inode_ready(ip);
	*out = ip;
	return 0;
}

// Page of the table locked.
static void write_times(const struct ext2 *fs, struct inode *ip, struct ext2_disk_inode *d)
{
	spin_lock(&ip->times_lock);
	d->atime = (u32)ip->atime.tv_sec;
	d->mtime = (u32)ip->mtime.tv_sec;
	d->ctime = (u32)ip->ctime.tv_sec;
	if (HAS_EXTRA(fs, d, atime_extra)) {
		d->atime_extra = extra_of(&ip->atime);
		d->mtime_extra = extra_of(&ip->mtime);
		d->ctime_extra = extra_of(&ip->ctime);
	}
	spin_unlock(&ip->times_lock);
}

static void clear_place(const struct ext2 *fs, struct ext2_inode *n, struct ext2_disk_inode *d)
{
	memset(d, 0, fs->inode_size);
	if (fs->inode_size > EXT2_OLD_INODE_SIZE) {
		d->extra_size = EXT2_EXTRA_SIZE;
		d->birth_time = n->birth_time;
	}
	n->is_fresh = false;
}

int ext2_inode_write(struct inode *ip)
{
	struct ext2 *fs = ext2_of(ip->sb);
	struct ext2_inode *n = ext2_node(ip);
	struct ext2_disk_inode *d;
	struct page *p;
	u32 block[EXT2_NR_POINTERS];
	int error = find_on_disk(fs, ip->number, &p, &d);

	if (error)
		return error;
	mutex_lock(&n->map_lock);
	memcpy(block, n->block, sizeof(block));
	mutex_unlock(&n->map_lock);
	u64 size = ip->cache.ops ? inode_size(ip) : 0;  // devices and fifos have none

	page_lock(p);
	if (n->is_fresh)
		clear_place(fs, n, d);
	d->mode = (u16)READ_ONCE(ip->mode);
	d->uid = (u16)READ_ONCE(ip->uid);
	d->uid_high = (u16)(READ_ONCE(ip->uid) >> 16);
	d->gid = (u16)READ_ONCE(ip->gid);
	d->gid_high = (u16)(READ_ONCE(ip->gid) >> 16);
	d->nr_links = (u16)READ_ONCE(ip->nr_links);
	d->nr_sectors = (u32)READ_ONCE(ip->nr_sectors);
	d->flags = n->flags;
	d->generation = n->generation;
	d->attribute_block = n->attribute_block;
	d->size = (u32)size;
	if (S_ISREG(ip->mode))
		d->size_high = (u32)(size >> 32);
	memcpy(d->block, block, sizeof(block));
	if (!d->nr_links)
		d->dtime = (u32)(clock_realtime_ns() / 1000000000);
	write_times(fs, ip, d);
	page_mark_dirty(p);
	page_unlock(p);
	page_put(p);
	if (size > 0x7fffffff)
		ext2_want_large_files(fs);
	return 0;
}

// The blocks that lead to the inode, and to its data.
int ext2_inode_sync(struct inode *ip)
{
	struct ext2 *fs = ext2_of(ip->sb);
	struct cache *blocks = &fs->sb.device->cache;
	blk_t block = block_of(fs, ip->number);
	int error = cache_write_back(blocks, block, block, SYNC_WAIT);

	return error ? error : cache_write_back_private(blocks, ip->number);
}

// The block of extended attributes that we never look into: shared by a count, freed with its last
// inode.
static void release_attributes(struct ext2 *fs, struct ext2_inode *n)
{
	struct page *p;
	blk_t block = n->attribute_block;

	if (!block)
		return;
	n->attribute_block = 0;
	if (!ext2_block_is_usable(fs, block)) {
		ext2_damaged(fs, "inode %lu has attributes in block %lu", n->inode.number, block);
		return;
	}
	if (ext2_block_get_surely(fs, block, &p))
		return;
	u32 *header = page_address(p);          // magic, references
	bool is_last = false;

	page_lock(p);
	if (header[0] == ATTRIBUTE_MAGIC && header[1] > 1) {
		header[1]--;
		page_mark_dirty(p);
	} else {
		is_last = header[0] == ATTRIBUTE_MAGIC;
	}
	page_unlock(p);
	page_put(p);
	if (is_last) {
		cache_discard(&fs->sb.device->cache, block);
		ext2_block_free(fs, block);
	}
	n->inode.nr_sectors -= min(n->inode.nr_sectors, (u64)EXT2_SECTORS_PER_BLOCK);
}

void ext2_inode_evict(struct inode *ip)
{
	struct ext2 *fs = ext2_of(ip->sb);
	struct ext2_inode *n = ext2_node(ip);
	bool has_blocks = ip->cache.ops && !(S_ISLNK(ip->mode) && ext2_link_is_fast(n));

	if (ip->sb->flags & MS_RDONLY)
		return;
	// Errors have been told; what could not be freed is lost until e2fsck looks.
	if (has_blocks)
		ext2_cut(n, 0);
	release_attributes(fs, n);
	WRITE_ONCE(ip->cache.size, 0);
	if (ext2_inode_write(ip) == 0)
		ext2_number_free(fs, (u32)ip->number, S_ISDIR(ip->mode));
}
