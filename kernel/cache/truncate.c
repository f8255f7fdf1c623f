/*
 * truncate.c - pages that leave a cache by the range: the file was cut, its bytes were written past the cache,
 * memory is wanted, the inode goes. The hard part is who may bring them back meanwhile. A fault may show a page
 * again until it is LEAVING (C7), so its mappings are looked at under its lock once more; a private copy may be
 * made of a page on its way out, so a truncation unmaps twice; and the size says first what is past the end (C5, C7).
 */
#include "kernel.h"
#include "cache/cache.h"
#include "mm/rmap.h"

static u64 nr_pages_of(u64 size)
{
	return PAGE_ALIGN_UP(size) >> PAGE_SHIFT;
}

// The next page of the cache at or after first, referenced.
static struct page *next_page(struct cache *cache, pgoff_t first, pgoff_t *index)
{
	u64 flag = spin_lock_irq(&cache->lock);
	struct page *p = radix_next(&cache->pages, first, U64_MAX, index);

	if (p)
		page_get(p);
	spin_unlock_irq(&cache->lock, flag);
	return p;
}

// Takes the page out of the cache if it is still at its place; the reference is used up.
static void discard(struct cache *cache, struct page *p, enum unmap_private how)
{
	page_lock(p);
	page_wait_writeback(p);
	if (p->cache == cache) {
		cache_leave(p, how);
		cache_remove(p);
	}
	page_unlock(p);
	page_put(p);
}

void cache_truncate_pages(struct cache *cache, u64 new_size)
{
	pgoff_t first = nr_pages_of(new_size), index;
	struct page *p;

	rmap_unmap(cache, first, U64_MAX - first, UNMAP_PRIVATE_TOO);
	for (index = first; (p = next_page(cache, index, &index)); index++)
		discard(cache, p, UNMAP_PRIVATE_TOO);    // which may have been mapped again meanwhile
	// A private copy may have been made from a page that was not gone yet;
	// no page past the end can be found any more.
	rmap_unmap(cache, first, U64_MAX - first, UNMAP_PRIVATE_TOO);
}

void cache_discard(struct cache *cache, pgoff_t index)
{
	struct page *p = cache_find(cache, index);

	if (p)
		discard(cache, p, UNMAP_PRIVATE_TOO);
}

void cache_invalidate(struct cache *cache, pgoff_t first, pgoff_t last)
{
	pgoff_t index = first;
	struct page *p;

	for (; first <= last && (p = next_page(cache, index, &index)); index++) {
		if (index > last) {
			page_put(p);
			break;
		}
		discard(cache, p, UNMAP_SHARED_ONLY);
	}
}

// Zeroes [size, end of its page) in memory, if that page is here:
// what was stored there past the end is not part of the file.
static void zero_tail(struct cache *cache, u64 size)
{
	u64 offset = size & ~PAGE_MASK;
	struct page *p;

	if (!offset || !(p = cache_find(cache, size >> PAGE_SHIFT)))
		return;
	page_lock(p);
	if (p->cache == cache && page_has(p, PAGE_UPTODATE)) {
		u8 *bytes = page_address(p);

		for (u64 i = offset; i < PAGE_SIZE; i++)
			bytes[i] = 0;
		if (page_has(p, PAGE_BACKED) || !cache->ops->reserve)
			page_mark_dirty(p);
	}
	page_unlock(p);
	page_put(p);
}

void cache_set_size(struct cache *cache, u64 size)
{
	u64 old = cache->size;

	if (size > old)
		zero_tail(cache, old);          // before the growth makes those bytes part of the file
	WRITE_ONCE(cache->size, size);
	if (size >= old)
		return;
	cache_truncate_pages(cache, size);
	zero_tail(cache, size);
}

void cache_destroy(struct cache *cache)
{
	pgoff_t index = 0;
	struct page *p;

	assert(interval_tree_is_empty(&cache->areas));
	for (; (p = next_page(cache, index, &index)); index++) {
		page_lock(p);
		page_wait_writeback(p);
		cache_leave(p, UNMAP_SHARED_ONLY);
		cache_remove(p);
		page_unlock(p);
		page_put(p);
	}
}

u64 cache_drop_range(struct cache *cache, pgoff_t first, pgoff_t last)
{
	pgoff_t index = first;
	u64 nr = 0;
	struct page *p;

	for (; (p = next_page(cache, index, &index)); index++) {
		bool is_inside = index <= last;

		if (is_inside && page_try_lock(p)) {
			nr += cache_try_evict(p);
			page_unlock(p);
		}
		page_put(p);
		if (!is_inside)
			break;
	}
	return nr;
}

u64 cache_drop_clean(struct cache *cache)
{
	return cache_drop_range(cache, 0, U64_MAX);
}
