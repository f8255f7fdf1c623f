/*
 * file.c - a file's pages. The cache has no store operation, so no flusher ever writes one: a page that was stored
 * to is dirty until memory is short, and then goes to swap (swap.c). A page that was only read is zeros and may go.
 */
#include "fs/tmpfs.h"
#include "fs/tmpfs/internal.h"
#include "kernel.h"
#include "lib/atomic.h"
#include "mm/commit.h"
#include "mm/frame.h"
#include <abi/errno.h>

#define FILL_AT_ONCE 8u                 // pages that left together come back in one request

u64 tmpfs_nr_resident;
static i64 nr_promised;                 // atomic: pages of all files that count as promised

void tmpfs_promise(i64 nr_pages)
{
	commit_add(nr_pages);
	atomic_add(&nr_promised, nr_pages);
}

u64 tmpfs_promised_pages(void)
{
	return (u64)atomic_load(&nr_promised);
}

u64 tmpfs_resident_pages(void)
{
	return atomic_load(&tmpfs_nr_resident);
}

// A page that comes from swap brings those behind it that went with it,
// as far as frames are free. pages[0] is it; how many.
static u32 add_neighbours(struct cache *cache, struct page **pages)
{
	struct page *more[FILL_AT_ONCE - 1];
	u32 nr = 1, nr_behind = tmpfs_slots_behind(cache->inode, pages[0], FILL_AT_ONCE - 1);
	int nr_more = nr_behind ? cache_add_many(cache, pages[0]->index + 1, nr_behind, more) : 0;

	for (int i = 0; i < nr_more; i++) {
		if (tmpfs_slot_adopt(cache->inode, more[i])) {
			pages[nr++] = more[i];
		} else {                                // it was cut meanwhile
			page_zero(page_address(more[i]));
			page_fill_done(more[i], 0);
		}
		page_put(more[i]);                      // locked: it stays in the cache until it is filled
	}
	return nr;
}

static void tmpfs_fill(struct cache *cache, struct page **pages, u32 nr_pages)
{
	struct page *swapped[FILL_AT_ONCE];

	for (u32 i = 0; i < nr_pages; i++) {
		if (tmpfs_slot_adopt(cache->inode, pages[i])) {
			swapped[0] = pages[i];
			swap_fill(swapped, add_neighbours(cache, swapped));
		} else {
			page_zero(page_address(pages[i]));
			page_fill_done(pages[i], 0);
		}
	}
}

// A page that is stored to for the first time counts against the limit;
// one that is overwritten while it is in swap has done so.
static int tmpfs_reserve(struct cache *cache, struct page *page)
{
	struct tmpfs *fs = tmpfs_of(cache->inode);

	if (tmpfs_slot_adopt(cache->inode, page))
		return 0;
	bool is_promised = tmpfs_inode(cache->inode)->nr_promised;

	if (!is_promised && commit_exceeds(NULL, 1))
		return -ENOSPC;
	if (atomic_add_return(&fs->nr_pages, 1) > fs->max_pages) {
		atomic_sub(&fs->nr_pages, 1);
		return -ENOSPC;
	}
	if (!is_promised)
		tmpfs_promise(1);
	atomic_add(&cache->inode->nr_sectors, TMPFS_SECTORS_PER_PAGE);
	atomic_add(&tmpfs_nr_resident, 1);
	page_set(page, PAGE_BACKED);
	return 0;
}

void tmpfs_uncount_page(struct inode *ip)
{
	atomic_sub(&tmpfs_of(ip)->nr_pages, 1);
	if (!tmpfs_inode(ip)->nr_promised)
		tmpfs_promise(-1);
	atomic_sub(&ip->nr_sectors, TMPFS_SECTORS_PER_PAGE);
}

// The page's bytes are wanted by nobody any more, wherever they are.
static void forget_data(struct inode *ip, struct page *page)
{
	if (page->private)
		tmpfs_slot_drop(ip, page);
	tmpfs_uncount_page(ip);
}

static void tmpfs_leaves(struct cache *cache, struct page *page, bool is_lost)
{
	if (!page_has(page, PAGE_BACKED))
		return;
	page_clear(page, PAGE_BACKED);
	atomic_sub(&tmpfs_nr_resident, 1);
	// Without a slot it is clean only if the store for which it was reserved never came.
	// Not up to date: the slot could not be read, and keeps what it has.
	if (!page->private || (is_lost && page_has(page, PAGE_UPTODATE)))
		forget_data(cache->inode, page);
}

static void tmpfs_dirtied(struct cache *cache)
{
	inode_touch(cache->inode, false, true, true);
}

const struct cache_ops tmpfs_cache_ops = {
	.fill = tmpfs_fill,
	.reserve = tmpfs_reserve,
	.leaves = tmpfs_leaves,
	.swap_place = tmpfs_swap_place,
	.swap_give = tmpfs_swap_give,
	.dirtied = tmpfs_dirtied,
};

// The page of that byte is in memory from now on, if it was in swap;
// *out NULL: it is a hole, or the byte begins a page.
static int get_tail(struct inode *ip, u64 size, struct page **out)
{
	pgoff_t index = size >> PAGE_SHIFT;

	*out = NULL;
	if (!(size & ~PAGE_MASK) || tmpfs_next_slot(ip, index, index + 1) != index)
		return 0;
	return cache_get(&ip->cache, index, out);
}

// The page in which the smaller of the two sizes lies is zeroed behind it, so it must be here.
static int tmpfs_resize(struct inode *ip, u64 size)
{
	u64 old_size = inode_size(ip);
	struct page *tail;

	if (size > I64_MAX)
		return -EFBIG;
	int error = get_tail(ip, min(size, old_size), &tail);

	if (error)
		return error;
	if (size == old_size)           // after a failed write: pages past the end have no place to be
		cache_truncate_pages(&ip->cache, size);
	else
		cache_set_size(&ip->cache, size);
	tmpfs_slots_drop(ip, PAGE_ALIGN_UP(size) >> PAGE_SHIFT);
	if (tail)
		page_put(tail);
	return 0;
}

// What has been read of it goes as it leaves the cache; what has not, here.
static int tmpfs_punch(struct inode *ip, struct page *p)
{
	if (!page_has(p, PAGE_UPTODATE) && tmpfs_slot_adopt(ip, p)) {
		forget_data(ip, p);
		page_clear(p, PAGE_BACKED);
		atomic_sub(&tmpfs_nr_resident, 1);
	}
	return 0;
}

/*
 * A page is data when it is dirty or has a slot. Going out it gets its slot before it is clean, coming back for
 * good it is dirty before its slot goes; so who finds neither, in this order, finds it dirty when he looks again.
 */
static pgoff_t next_data(struct inode *ip, pgoff_t first, pgoff_t behind)
{
	behind = cache_next_dirty(&ip->cache, first, behind, true);
	behind = tmpfs_next_slot(ip, first, behind);
	return cache_next_dirty(&ip->cache, first, behind, true);
}

static int tmpfs_find_data(struct inode *ip, u64 first, u64 behind, bool wants_data, u64 *out)
{
	while (!wants_data && first < behind && next_data(ip, first, first + 1) == first)
		first = max(first + 1, cache_next_dirty(&ip->cache, first, behind, false));
	*out = wants_data ? next_data(ip, first, behind) : first;
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

