/*
 * inode_sync.c - one inode to the disk, now, because somebody insists: first the pages, then the inode
 * itself, then the blocks that lead to both, and last the device's own cache. The room has no lock: what
 * becomes dirty meanwhile is written or not. A step that fails does not keep the next from being tried, and
 * the first error is told. What somebody else has under way is waited for as well: a bit that says "clean"
 * says only that it was taken, not that it has arrived (INODE_BEING_WRITTEN, and the pages' marks for
 * write-back).
 */
#include "dev/block.h"
#include "fs/vfs.h"
#include "kernel.h"
#include "lib/atomic.h"

int inode_sync(struct inode *ip, bool data_only)
{
	return inode_sync_pages(ip, 0, U64_MAX - 1, data_only);
}

/*
 * What the device still has to write before the inode and its data can be found. The rest of its dirty blocks go with
 * them, so that the disk is as consistent as it can be without a journal, but only our own are waited for.
 */
static int sync_blocks(struct inode *ip)
{
	struct superblock *sb = ip->sb;
	struct cache *blocks = &sb->device->cache;

	if (cache_is_clean(blocks))
		return 0;
	if (!sb->ops->inode_sync)
		return cache_write_back(blocks, 0, U64_MAX - 1, SYNC_WAIT);
	int error = cache_write_back(blocks, 0, U64_MAX - 1, SYNC_START);

	return error ? error : sb->ops->inode_sync(ip);
}

static int write_out(struct inode *ip, pgoff_t first, pgoff_t last, bool data_only)
{
	struct superblock *sb = ip->sb;
	int error = 0, later;

	if (ip->cache.ops)
		error = cache_write_back(&ip->cache, first, last, SYNC_WAIT);
	// Only times have changed: fdatasync leaves them dirty.
	if (sb->ops->inode_write &&
	    (!data_only || atomic_load(&ip->dirty) & (INODE_DIRTY_META | INODE_BEING_WRITTEN))) {
		later = inode_write_meta(ip);
		error = error ? error : later;
	}
	if (!sb->device)
		return error;
	later = sync_blocks(ip);
	return error ? error : later;
}

int inode_sync_pages(struct inode *ip, pgoff_t first, pgoff_t last, bool data_only)
{
	int error = write_out(ip, first, last, data_only), later;

	if (!ip->sb->device)
		return error;
	later = block_flush(ip->sb->device);
	return error ? error : later;
}

int inode_write_out(struct inode *ip)
{
	// Its bits are clear from the moment somebody writes it; that all is on the disk is seen by the pages only (the
	// bit for them is the flusher's, and stays until it comes by).
	if (!(atomic_load(&ip->dirty) & ~(u32)INODE_DIRTY_PAGES) && cache_is_clean(&ip->cache) &&
	    cache_is_clean(&ip->sb->device->cache))
		return 0;
	return write_out(ip, 0, U64_MAX - 1, false);
}
