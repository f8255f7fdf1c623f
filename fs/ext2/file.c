/*
 * file.c - between the page cache and the disk: pages are filled from blocks and stored to them, in
 * as few requests as the layout on disk allows; holes are zeros; files grow and are cut.
 *
 * What lies in memory past the end of the file, in its last page, never reaches the disk: a mapping
 * may have stored there. When a page that is stored holds the end and anything but zeros behind it,
 * a copy with a clean tail is written instead. The page itself is left alone: it is not locked, and
 * a write() may just now be putting new bytes there, before the size says so. (That write makes the
 * page dirty again afterwards, so it is stored once more with the new size.)
 *
 * Cutting: the size first, so that nobody looks for pages past the end; then the pages, which waits
 * for their write-back; then the blocks. A page that a racing read brings back past the end finds
 * the new size in fill() and is all zeros.
 */
#include "fs/ext2/ext2.h"
#include "kernel.h"
#include "lib/string.h"
#include "mm/frame.h"
#include "proc/timer.h"
#include "x86/clock.h"
#include <abi/errno.h>

static u64 pages_of(u64 size)
{
	return (size + PAGE_SIZE - 1) >> PAGE_SHIFT;
}

// Bytes of page index that belong to the file.
static u64 bytes_within(const struct cache *cache, u64 index)
{
	u64 size = READ_ONCE(cache->size), start = index << PAGE_SHIFT;

	return size <= start ? 0 : min(size - start, PAGE_SIZE);
}

/* --- reading ------------------------------------------------------------------------------- */

static void read_done(struct bio *bio, int error)
{
	for (u32 i = 0; i < bio->nr_pages; i++) {
		struct page *p = bio->pages[i];
		u64 n = bytes_within(p->cache, p->index);

		if (!error && n < PAGE_SIZE)
			memset((char *)page_address(p) + n, 0, PAGE_SIZE - n);
		page_fill_done(p, error);
	}
	bio_free(bio);
}

static void submit(struct ext2 *fs, enum bio_op op, blk_t first, struct page **pages, u32 nr,
		   void (*done)(struct bio *, int))
{
	struct bio *bio = bio_alloc_surely(fs->sb.device, op, first, nr);

	for (u32 i = 0; i < nr; i++)
		bio->pages[i] = pages[i];
	bio->done = done;
	bio_submit(bio);
}

// Pages that have no place on disk, or could not be looked up.
static void fill_without_disk(struct page **pages, u32 nr, int error)
{
	for (u32 i = 0; i < nr; i++) {
		if (!error)
			page_zero(page_address(pages[i]));
		page_fill_done(pages[i], error);
	}
}

static void ext2_fill(struct cache *cache, struct page **pages, u32 nr_pages)
{
	struct ext2_inode *n = ext2_node(cache->inode);
	u64 index = pages[0]->index, end = pages_of(READ_ONCE(cache->size));

	for (u32 nr; nr_pages > 0; pages += nr, index += nr, nr_pages -= nr) {
		u32 max = min(nr_pages, (u32)BIO_MAX_PAGES);
		blk_t first = 0;
		int error = 0;

		nr = max;
		if (index < end)
			error = ext2_map_run(n, index, (u32)min((u64)max, end - index), &first, &nr);
		if (error)
			nr = 1;
		if (error || !first) {
			fill_without_disk(pages, nr, error);
			continue;
		}
		for (u32 i = 0; i < nr; i++)
			page_set(pages[i], PAGE_BACKED);
		submit(ext2_of(n->inode.sb), BIO_READ, first, pages, nr, read_done);
	}
}

/* --- writing ------------------------------------------------------------------------------- */

static void write_done(struct bio *bio, int error)
{
	pages_store_done(bio->pages, bio->nr_pages, error);
	bio_free(bio);
}

// The copy with the clean tail was written, for the page that the bio's owner names.
static void copy_done(struct bio *bio, int error)
{
	page_store_done(bio->owner, error);
	page_put_later(bio->pages[0]);
	bio_free(bio);
}

static bool has_tail(const struct page *p, u64 nr_bytes)
{
	const char *bytes = page_address(p);

	for (u64 i = nr_bytes; i < PAGE_SIZE; i++) {
		if (bytes[i])
			return true;
	}
	return false;
}

// A frame for the copy; the reserve has one, or soon will.
static struct page *copy_frame(void)
{
	struct page *copy = frame_alloc(PAGE_KERNEL, FRAME_ZERO);

	for (u32 i = 0; !copy && i < 500; i++) {
		(void)!sleep_until(clock_monotonic_ns() + 10000000, WAIT_UNINTERRUPTIBLE);
		copy = frame_alloc(PAGE_KERNEL, FRAME_ZERO);
	}
	return copy;
}

static void store_copy(struct ext2 *fs, struct page *p, u64 nr_bytes, blk_t block)
{
	struct page *copy = copy_frame();

	if (!copy) {
		page_store_done(p, -ENOMEM);
		return;
	}
	struct bio *bio = bio_alloc_surely(fs->sb.device, BIO_WRITE, block, 1);

	memcpy(page_address(copy), page_address(p), nr_bytes);
	bio->pages[0] = copy;
	bio->owner = p;
	bio->done = copy_done;
	bio_submit(bio);
}

// A page that holds the end of the file, or lies behind it.
static void store_last(struct ext2 *fs, struct page *p, u64 nr_bytes, blk_t block)
{
	if (has_tail(p, nr_bytes))
		store_copy(fs, p, nr_bytes, block);
	else
		submit(fs, BIO_WRITE, block, &p, 1, write_done);
}

static void ext2_store(struct cache *cache, struct page **pages, u32 nr_pages)
{
	struct ext2_inode *n = ext2_node(cache->inode);
	struct ext2 *fs = ext2_of(n->inode.sb);
	u64 index = pages[0]->index, nr_whole = READ_ONCE(cache->size) >> PAGE_SHIFT;

	for (u32 nr; nr_pages > 0; pages += nr, index += nr, nr_pages -= nr) {
		u64 max = index < nr_whole ? min((u64)nr_pages, nr_whole - index) : 1;
		blk_t first = 0;
		int error = ext2_map_run(n, index, (u32)min(max, (u64)BIO_MAX_PAGES), &first, &nr);

		if (!error && !first)   // no dirty page is without its block (reserve)
			error = ext2_damaged(fs, "page %lu of inode %lu has lost its block", index, n->inode.number);
		if (error) {
			nr = 1;
			page_store_done(pages[0], error);
		} else if (index < nr_whole) {
			submit(fs, BIO_WRITE, first, pages, nr, write_done);
		} else {
			store_last(fs, pages[0], bytes_within(cache, index), first);
		}
	}
}

static int ext2_reserve(struct cache *cache, struct page *page)
{
	blk_t block;
	bool is_new = false;
	int error = ext2_map(ext2_node(cache->inode), page->index, EXT2_MAP_ALLOCATE, &block, &is_new);

	if (error)
		return error;
	page_set(page, PAGE_BACKED);
	// The new block's bytes are somebody's old ones: the page must not be dropped before it is
	// written.
	if (is_new && page_has(page, PAGE_UPTODATE))
		page_mark_dirty(page);
	return 0;
}

static void ext2_dirtied(struct cache *cache)
{
	inode_touch(cache->inode, false, true, true);
}

const struct cache_ops ext2_cache_ops = {
	.fill = ext2_fill,
	.store = ext2_store,
	.reserve = ext2_reserve,
	.dirtied = ext2_dirtied,
};

/* --- sizes --------------------------------------------------------------------------------- */

// Brings the page that holds byte `size` into memory, so that cache_set_size finds it and zeroes
// what is behind that byte.
static int hold_tail(struct inode *ip, u64 size, struct page **out)
{
	*out = NULL;
	if (!(size & ~PAGE_MASK))
		return 0;
	return cache_get(&ip->cache, size >> PAGE_SHIFT, out);
}

// inode->lock held for writing. With the size that it has already, frees blocks past the end (after
// a failed write).
int ext2_resize(struct inode *ip, u64 size)
{
	u64 old_size = ip->cache.size;
	struct page *tail = NULL;
	int error = 0;

	if (size > ip->sb->max_file_size)
		return -EFBIG;
	if (size != old_size)
		error = hold_tail(ip, min(size, old_size), &tail);
	if (error)
		return error;
	if (size == old_size)
		cache_truncate_pages(&ip->cache, size);
	else
		cache_set_size(&ip->cache, size);
	if (tail)
		page_put(tail);
	inode_mark_dirty(ip, INODE_DIRTY_META);
	if (size > old_size)
		return 0;
	error = ext2_cut(ext2_node(ip), pages_of(size));
	// A reader that had looked at the old size may have read a block in between. From now on it
	// would find a hole.
	cache_truncate_pages(&ip->cache, size);
	return error;
}

static int ext2_punch(struct inode *ip, struct page *p)
{
	return ext2_map_remove(ext2_node(ip), p->index);
}

static int ext2_place(struct inode *ip, u64 index, u32 max, u64 *block, u32 *nr)
{
	blk_t first;
	int error = ext2_map_run(ext2_node(ip), index, max, &first, nr);

	if (!error)
		*block = first;
	return error;
}

static int ext2_find_data(struct inode *ip, u64 first, u64 behind, bool wants_data, u64 *out)
{
	return ext2_map_find(ext2_node(ip), first, behind, wants_data, out);
}

const struct inode_ops ext2_file_inode_ops = {
	.resize = ext2_resize,
	.punch = ext2_punch,
	.find_data = ext2_find_data,
	.place = ext2_place,
};

const struct file_ops ext2_file_ops = {
	.read = file_cache_read,
	.write = file_cache_write,
	.map = file_map_cache,
};
