/*
 * file.c - a file's pages. A page that was stored to is dirty for ever: the cache has no store operation, so nobody writes or
 * evicts it. A page that was only read is zeros and may go.
 */
#include "fs/tmpfs/internal.h"
#include "kernel.h"
#include "mm/frame.h"
#include <abi/errno.h>

static void tmpfs_fill(struct cache *cache, struct page **pages, u32 nr_pages)
{
	(void)cache;
	for (u32 i = 0; i < nr_pages; i++) {
		page_zero(page_address(pages[i]));
		page_fill_done(pages[i], 0);
	}
}

// A page that is stored to for the first time counts against the limit.
static int tmpfs_reserve(struct cache *cache, struct page *page)
{
	struct tmpfs *fs = tmpfs_of(cache->inode);

	if (atomic_add_return(&fs->nr_pages, 1) > fs->max_pages) {
		atomic_sub(&fs->nr_pages, 1);
		return -ENOSPC;
	}
	atomic_add(&cache->inode->nr_sectors, TMPFS_SECTORS_PER_PAGE);
	page_set(page, PAGE_BACKED);
	return 0;
}

static void tmpfs_removed(struct cache *cache, struct page *page)
{
	if (!page_has(page, PAGE_BACKED))
		return;
	atomic_sub(&tmpfs_of(cache->inode)->nr_pages, 1);
	atomic_sub(&cache->inode->nr_sectors, TMPFS_SECTORS_PER_PAGE);
}

static void tmpfs_dirtied(struct cache *cache)
{
	inode_touch(cache->inode, false, true, true);
}

const struct cache_ops tmpfs_cache_ops = {
	.fill = tmpfs_fill,
	.reserve = tmpfs_reserve,
	.removed = tmpfs_removed,
	.dirtied = tmpfs_dirtied,
};

static int tmpfs_resize(struct inode *ip, u64 size)
{
	u64 old_size = inode_size(ip);

	if (size > I64_MAX)
		return -EFBIG;
	if (size == old_size)           // after a failed write: pages past the end have no place to be
		cache_truncate_pages(&ip->cache, size);
	else
		cache_set_size(&ip->cache, size);
	return 0;
}

// tmpfs_removed does it.
static int tmpfs_punch(struct inode *ip, struct page *p)
{
	(void)ip;
	(void)p;
	return 0;
}

// Every page with data is dirty, and stays so.
static int tmpfs_find_data(struct inode *ip, u64 first, u64 behind, bool wants_data, u64 *out)
{
	*out = cache_next_dirty(&ip->cache, first, behind, wants_data);
	return 0;
}

static int tmpfs_sync_file(struct file *f, u64 first_byte, u64 last_byte, bool data_only)
{
	(void)f;
	(void)first_byte;
	(void)last_byte;
	(void)data_only;
	return 0;
}

const struct inode_ops tmpfs_file_inode_ops = {
	.resize = tmpfs_resize,
	.punch = tmpfs_punch,
	.find_data = tmpfs_find_data,
};
const struct file_ops tmpfs_file_ops = {
	.read = file_cache_read,
	.write = file_cache_write,
	.map = file_map_cache,
	.sync = tmpfs_sync_file,
};

