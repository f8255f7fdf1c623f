/*
 * cache.c - pages of files, found by (cache, index). The hard part is two threads that want the same absent page: both
 * must end up with one frame and one disk read, and neither may spin while it waits. So a page enters the tree locked
 * and not up to date; whoever comes second finds it, and waits for its lock.
 * cache->lock covers the tree and its tags (interrupts closed: completions change tags); the page lock covers
 * the page's place in the cache and its content's validity. See cache.h for states and invariants C1 to C7.
 *
 * Looking takes no lock: a look (sync/look.h) keeps the nodes of the tree and the frames of its pages in place. Hence
 * a page leaves in this order: LEAVING, and unmapped (C7); out of the tree, page->cache NULL;
 * looks_wait; and only then the tree's reference goes.
 */
#include "kernel.h"
#include "cache/cache.h"
#include "cache/writeback.h"
#include "fs/vfs.h"
#include "mm/frame.h"
#include "mm/reclaim.h"
#include "mm/rmap.h"
#include "proc/process.h"
#include "sync/look.h"
#include "x86/clock.h"
#include "x86/cpu.h"
#include <abi/errno.h>

void cache_init(struct cache *cache, const struct cache_ops *ops, struct inode *inode, u64 size)
{
	*cache = (struct cache){ .ops = ops, .inode = inode, .size = size, .page_lock_rank = RANK_PAGE };
	spin_init(&cache->lock, "cache.lock", RANK_CACHE);
	mutex_init(&cache->rmap_lock, "cache.rmap_lock", RANK_RMAP);
}

static inline struct page *find(struct cache *cache, pgoff_t index)
{
	for (;;) {
		bool has_begun = look_join();
		struct page *p = radix_find(&cache->pages, index);
		bool is_held = p && page_try_get(p);

		look_leave(has_begun);
		if (!p)
			return NULL;
		if (is_held && p->cache == cache)
			return p;
		if (is_held)
			page_put(p);            // it has just left: what is at the index now?
	}
}

struct page *cache_find(struct cache *cache, pgoff_t index)
{
	return find(cache, index);
}

static int try_insert(struct cache *cache, struct page *p, struct radix_spare *spare)
{
	u64 flag = spin_lock_irq(&cache->lock);
	int error = radix_insert(&cache->pages, p->index, p, spare);

	spin_unlock_irq(&cache->lock, flag);
	return error;
}

// Inserts p, locked and empty; the tree takes a reference. -EEXIST: another was faster.
static int insert(struct cache *cache, pgoff_t index, struct page *p)
{
	struct radix_spare spare = { .nodes = NULL };

	p->cache = cache;
	p->index = index;
	page_set(p, PAGE_LOCKED);
	page_get(p);
	int error = try_insert(cache, p, &spare);

	if (error == -ENOMEM) {         // this one needs new nodes, as one of 64 does
		error = radix_preload(&spare);
		if (!error)
			error = try_insert(cache, p, &spare);
		radix_preload_end(&spare);
	}
	if (error) {
		page_clear(p, PAGE_LOCKED);
		p->cache = NULL;
		page_put(p);
	} else {
		reclaim_add(p);
	}
	return error;
}

// The page, referenced; a new one is born locked by us, which *is_new tells.
static int find_or_create(struct cache *cache, pgoff_t index, struct page **out, bool *is_new)
{
	for (;;) {
		struct page *p = cache_find(cache, index);

		*is_new = !p;
		if (!p) {
			p = frame_alloc(PAGE_CACHE, 0);
			if (!p)
				return -ENOMEM;
			int error = insert(cache, index, p);

			if (error) {
				page_put(p);
				if (error == -EEXIST)
					continue;
				return error;
			}
			count(COUNTER_CACHE_MISSES);
		}
		*out = p;
		return 0;
	}
}

void cache_leave(struct page *p, enum unmap_private how)
{
	page_set(p, PAGE_LEAVING);                      // a full barrier before we look at the count (C7)
	if (atomic_load(&p->map_count))
		rmap_unmap(p->cache, p->index, 1, how);
}

void cache_stay(struct page *p)
{
	page_clear(p, PAGE_LEAVING);
}

// Page locked, in its cache, LEAVING. Takes it out: the reference of the tree goes.
static void remove_page(struct cache *cache, struct page *p)
{
	struct radix_spare emptied = { .nodes = NULL };

	debug_assert(page_has(p, PAGE_LEAVING));
	if (cache->ops->leaves)
		cache->ops->leaves(cache, p, true);     // before another page may be made at the index
	u64 flag = spin_lock_irq(&cache->lock);
	bool was_dirty = page_has(p, PAGE_DIRTY);

	radix_remove(&cache->pages, p->index, &emptied);
	if (was_dirty) {
		writeback_note_unstuck(cache, p);
		cache->nr_dirty--;
		page_clear(p, PAGE_DIRTY);
	}
	atomic_store(&p->cache, NULL);
	spin_unlock_irq(&cache->lock, flag);
	looks_wait(ALL_CPUS);                           // a fault that has found it may count it, but not show it
	assert(atomic_load(&p->map_count) == 0);        // C6
	radix_preload_end(&emptied);
	if (was_dirty && cache->ops->store)
		writeback_page_gone();
	reclaim_remove(p);
	page_put(p);
}

static int start_get(struct cache *cache, pgoff_t index, struct page **out, bool *is_new)
{
	int error = find_or_create(cache, index, out, is_new);

	if (!error && *is_new) {
		process_count(COUNT_CACHE_FILLS);
		cache->ops->fill(cache, out, 1);        // the page lock goes with the request
	}
	return error;
}

// Locked and empty, as it enters the tree: with the tree's reference and the caller's.
static struct page *new_page(struct cache *cache, pgoff_t index)
{
	struct page *p = frame_alloc(PAGE_CACHE, FRAME_OPTIONAL);

	if (p) {
		p->cache = cache;
		p->index = index;
		p->refs = 2;
		p->flags = PAGE_LOCKED;
	}
	return p;
}

static void drop_new_page(struct page *p)
{
	p->cache = NULL;
	p->flags = 0;
	p->refs = 1;
	page_put(p);
}

// Enters pages[0 .. nr), of consecutive indices; how many, up to the first index that is taken.
static u32 insert_many(struct cache *cache, struct page **pages, u32 nr)
{
	struct radix_spare spare = { .nodes = NULL };
	u32 done = 0;
	int n = 0;

	do {
		u64 flag = spin_lock_irq(&cache->lock);

		while (done < nr &&
		       (n = radix_insert_run(&cache->pages, pages[done]->index, (void **)&pages[done],
					     nr - done, &spare)) > 0)
			done += (u32)n;
		spin_unlock_irq(&cache->lock, flag);
		radix_preload_end(&spare);
	} while (n == -ENOMEM && !radix_preload(&spare));
	return done;
}

int cache_add_many(struct cache *cache, pgoff_t first, u32 nr, struct page **pages)
{
	u32 nr_made = 0, nr_absent = (u32)(cache_next_index(cache, first, first + nr) - first);

	while (nr_made < nr_absent && (pages[nr_made] = new_page(cache, first + nr_made)))
		nr_made++;
	u32 nr_in = insert_many(cache, pages, nr_made);

	for (u32 i = nr_in; i < nr_made; i++)
		drop_new_page(pages[i]);
	for (u32 i = 0; i < nr_in; i++) {
		reclaim_add(pages[i]);
		process_count(COUNT_CACHE_FILLS);
	}
	count_add(COUNTER_CACHE_MISSES, nr_in);
	return nr_absent && !nr_made ? -ENOMEM : (int)nr_in;
}

/*
 * A page whose fill failed stays in the tree, FAILED, for those who wait for it; the first to take its lock afterwards
 * takes it out, so that the next reader asks the disk again.
 */
static int failure_of(struct cache *cache, struct page *p)
{
	int error = p->error ? p->error : -EIO;

	page_lock(p);
	if (p->cache == cache && page_has(p, PAGE_FAILED)) {
		cache_leave(p, UNMAP_SHARED_ONLY);
		remove_page(cache, p);
	}
	page_unlock(p);
	return error;
}

// cache_get for a page that is not here, or not filled.
static NOINLINE int get_filled(struct cache *cache, pgoff_t index, struct page **out)
{
	for (;;) {
		struct page *p;
		bool is_new;
		int error = start_get(cache, index, &p, &is_new);

		if (error)
			return error;
		if (page_has(p, PAGE_UPTODATE)) {
			if (!is_new)            // a new one: a hole, filled at once
				count(COUNTER_CACHE_HITS);
			*out = p;
			return 0;
		}
		// The failure of a read that nobody waited for (read-ahead) is no answer to us: ask again.
		if (!is_new && page_has(p, PAGE_FAILED) && !page_has(p, PAGE_LOCKED)) {
			(void)failure_of(cache, p);
			page_put(p);
			continue;
		}
		page_wait_unlocked(p);
		if (page_has(p, PAGE_UPTODATE)) {
			*out = p;
			return 0;
		}
		if (page_has(p, PAGE_FAILED)) {
			error = failure_of(cache, p);
			page_put(p);
			return error;
		}
		// Unlocked, neither filled nor failed: a writer made it and gave it up, or it was truncated.
		// Fill it now, if it is still ours.
		page_lock(p);
		if (p->cache == cache && !page_has(p, PAGE_UPTODATE | PAGE_FAILED))
			cache->ops->fill(cache, &p, 1);
		else
			page_unlock(p);
		page_put(p);
	}
}

int cache_get(struct cache *cache, pgoff_t index, struct page **out)
{
	struct page *here = find(cache, index);

	if (likely(here && page_has(here, PAGE_UPTODATE))) {
		count(COUNTER_CACHE_HITS);
		*out = here;
		return 0;
	}
	if (here)
		page_put(here);
	return get_filled(cache, index, out);
}

int cache_get_locked(struct cache *cache, pgoff_t index, struct page **out)
{
	struct page *here = find(cache, index);

	if (likely(here)) {             // the usual case, without a way through the rest
		if (page_try_lock(here)) {
			if (here->cache == cache && !page_has(here, PAGE_FAILED)) {
				*out = here;
				return 0;
			}
			page_unlock(here);
		}
		page_put(here);
	}
	for (;;) {
		struct page *p;
		bool is_new;
		int error = find_or_create(cache, index, &p, &is_new);

		if (error)
			return error;
		if (!is_new) {
			page_lock(p);
			if (p->cache != cache || p->index != index) {   // truncated or evicted while we waited
				page_unlock(p);
				page_put(p);
				continue;
			}
		}
		page_clear(p, PAGE_FAILED);
		*out = p;
		return 0;
	}
}

void page_fill_done(struct page *p, int error)
{
	if (error) {
		p->error = (i16)error;
		page_set(p, PAGE_FAILED);
	} else {
		page_set(p, PAGE_UPTODATE);
	}
	page_unlock(p);
}

void page_mark_dirty(struct page *p)
{
	struct cache *cache = p->cache;

	debug_assert(page_has(p, PAGE_LOCKED) && page_has(p, PAGE_UPTODATE));
	if (page_has(p, PAGE_DIRTY))
		return;
	u64 flag = spin_lock_irq(&cache->lock);
	bool is_first = false;

	if (!page_has(p, PAGE_DIRTY)) {
		page_set(p, PAGE_DIRTY);
		radix_tag_set(&cache->pages, p->index, RADIX_TAG_DIRTY);
		is_first = cache->nr_dirty++ == 0;
		if (is_first)
			cache->dirty_since_ns = clock_coarse_ns();
		if (cache->ops->store) {        // memory-only pages stay dirty; nobody can wait for them
			atomic_add(&nr_dirty_pages, 1);
			count(COUNTER_NR_DIRTIED);
		}
	}
	spin_unlock_irq(&cache->lock, flag);
	if (is_first && cache->inode && cache->ops->store)
		inode_mark_dirty(cache->inode, INODE_DIRTY_PAGES);
}

void cache_remove(struct page *p)
{
	remove_page(p->cache, p);
}

pgoff_t cache_next_index(struct cache *cache, pgoff_t first, pgoff_t behind)
{
	pgoff_t index = behind;

	if (first >= behind)
		return behind;
	u64 flag = spin_lock_irq(&cache->lock);

	if (!radix_next(&cache->pages, first, behind - 1, &index))
		index = behind;
	spin_unlock_irq(&cache->lock, flag);
	return index;
}

pgoff_t cache_next_absent(struct cache *cache, pgoff_t first, pgoff_t behind)
{
	bool has_begun = look_join();
	while (first < behind && radix_find(&cache->pages, first))
		first++;
	look_leave(has_begun);
	return first;
}

pgoff_t cache_next_dirty(struct cache *cache, pgoff_t first, pgoff_t behind, bool wants_dirty)
{
	pgoff_t index;
	bool is_dirty = true;

	while (first < behind && is_dirty) {
		u64 flag = spin_lock_irq(&cache->lock);

		is_dirty = radix_next_tagged(&cache->pages, first, behind - 1, RADIX_TAG_DIRTY, &index);
		spin_unlock_irq(&cache->lock, flag);
		if (wants_dirty)
			return is_dirty ? index : behind;
		is_dirty = is_dirty && index == first;
		first += is_dirty;
	}
	return first;
}

void cache_swapped_out(struct page *p)
{
	struct cache *cache = p->cache;
	u64 flag = spin_lock_irq(&cache->lock);

	if (page_has(p, PAGE_DIRTY)) {
		page_clear(p, PAGE_DIRTY);
		radix_tag_clear(&cache->pages, p->index, RADIX_TAG_DIRTY);
		cache->nr_dirty--;
	}
	spin_unlock_irq(&cache->lock, flag);
}

// Clean, unmapped, used by nobody but the tree and the caller: may go. Page locked.
bool cache_try_evict(struct page *p)
{
	struct cache *cache = p->cache;
	struct radix_spare emptied = { .nodes = NULL };
	bool is_gone = false;

	if (!cache || page_has(p, PAGE_DIRTY | PAGE_WRITEBACK) || atomic_load(&p->map_count) ||
	    (!cache->ops->store && !cache->ops->swap_place))
		return false;
	u64 flag = spin_lock_irq(&cache->lock);

	// Two references: the tree's and the caller's.
	// Frozen, nobody takes a third, be it to use the page or to show it.
	if (atomic_compare_exchange(&p->refs, 2, 2 - FROZEN_REFERENCES)) {
		is_gone = !page_has(p, PAGE_DIRTY);
		if (is_gone) {
			radix_remove(&cache->pages, p->index, &emptied);
			atomic_store(&p->cache, NULL);
		}
		atomic_add(&p->refs, FROZEN_REFERENCES - (is_gone ? 1 : 0));
	}
	spin_unlock_irq(&cache->lock, flag);
	if (!is_gone)
		return false;
	looks_wait(ALL_CPUS);                           // somebody may read it just now, without a reference
	radix_preload_end(&emptied);
	count(COUNTER_CACHE_EVICTIONS);
	if (cache->ops->leaves)
		cache->ops->leaves(cache, p, false);
	reclaim_remove(p);
	return true;
}

u32 cache_error_mark(struct cache *cache)
{
	u64 flag = spin_lock_irq(&cache->lock);
	u32 mark = cache->error_sequence - (cache->error && !cache->error_is_told);

	spin_unlock_irq(&cache->lock, flag);
	return mark;
}

int cache_error_check(struct cache *cache, u32 *seen)
{
	// It changes before a page that failed stops being written.
	if (likely(atomic_load(&cache->error_sequence) == *seen))
		return 0;
	u64 flag = spin_lock_irq(&cache->lock);
	int error = *seen == cache->error_sequence ? 0 : cache->error;

	*seen = cache->error_sequence;
	cache->error_is_told = true;
	spin_unlock_irq(&cache->lock, flag);
	return error;
}
