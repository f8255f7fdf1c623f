/*
 * writeback.c - dirty pages go to disk. One page's way: locked; write-protected wherever it is mapped, so that a store
 * from now on faults and marks it dirty again; DIRTY off, WRITEBACK on; unlocked, so that readers
 * and faults go on; sent. A store during the transfer lands in the page and makes it dirty again:
 * it is written once more, later, and nothing is lost. When a write fails the page is DIRTY again and
 * the error is kept for the next sync of every opener.
 *
 * Such a page is STUCK until it is written again: each sync tries, the flusher after a while that grows. Nobody waits
 * for stuck pages to become fewer: they do not count among those that slow writers down. They have a limit of their
 * own, behind which the file takes no more (writeback_is_full), so that a disk that has died cannot fill memory.
 *
 * Pages go in runs with consecutive indices: the lock of the cache, the reverse map and the file system
 * are asked once a run. A page's DIRTY and WRITEBACK change under cache->lock together with the tags (C3),
 * so a page that is found dirty and not under way there, and whose lock can be had at once, needs no second look.
 */
#include "kernel.h"
#include "cache/cache.h"
#include "cache/writeback.h"
#include "debug/counters.h"
#include "dev/block.h"
#include "fs/vfs.h"
#include "lib/atomic.h"
#include "mm/rmap.h"
#include "proc/thread.h"
#include "x86/clock.h"
#include "x86/cpu.h"
#include <abi/errno.h>

#define RUN_MAX 64                              // pages in one call of ops->store: an array on the stack
#define SINGLY_PAGES 256u                       // go one by one after a request of several has failed
#define RETRY_FIRST_NS 1000000000ul             // after the first failure; doubled by each further one
#define RETRY_DOUBLINGS 6u

u64 nr_dirty_pages, nr_writeback_pages, nr_stuck_pages;

/*
 * Locks the dirty pages with consecutive indices from the first at or after `first`, as far as nobody else has them.
 * Returns how many. None, though there is one: it is *busy, referenced.
 * A page that the mode leaves alone counts as busy.
 */
static u32 lock_run(struct cache *cache, pgoff_t first, pgoff_t last, enum sync_mode mode, struct page **run,
		    struct page **busy)
{
	u32 left_alone = PAGE_WRITEBACK | (mode == SYNC_START_UNSTUCK ? PAGE_STUCK : 0);
	u64 flag = spin_lock_irq(&cache->lock);
	u32 max = cache->nr_singly ? 1 : RUN_MAX, nr = 0;
	u32 nr_found = radix_run_tagged(&cache->pages, first, last, RADIX_TAG_DIRTY, (void **)run, max);

	while (nr < nr_found && !page_has(run[nr], left_alone) && page_try_lock(run[nr]))
		nr++;
	cache->nr_singly -= min(cache->nr_singly, nr);
	*busy = nr_found && !nr ? run[0] : NULL;
	if (*busy)
		page_get(*busy);
	spin_unlock_irq(&cache->lock, flag);
	return nr;
}

static void add_stuck(struct cache *cache, i64 nr)
{
	cache->nr_stuck += (u64)nr;
	atomic_add(&nr_stuck_pages, (u64)nr);
	if (cache->inode)
		atomic_add(&cache->inode->sb->nr_stuck_pages, (u64)nr);
}

void writeback_note_unstuck(struct cache *cache, struct page *p)
{
	if (unlikely(page_has(p, PAGE_STUCK))) {
		page_clear(p, PAGE_STUCK);
		add_stuck(cache, -1);
	}
}

// The pages are locked, dirty, not under way, and write-protected.
// From here on a truncation waits for WRITEBACK to go, so they need no reference.
static void start_writeback(struct cache *cache, struct page **run, u32 nr)
{
	u64 flag = spin_lock_irq(&cache->lock);

	radix_retag_run(&cache->pages, run[0]->index, nr, RADIX_TAG_DIRTY, RADIX_TAG_WRITEBACK);
	cache->nr_dirty -= nr;
	cache->nr_writeback += nr;
	for (u32 i = 0; cache->nr_stuck && i < nr; i++)
		writeback_note_unstuck(cache, run[i]);
	for (u32 i = 0; i < nr; i++) {          // all three are known, so one operation turns them round
		atomic_xor(&run[i]->flags, PAGE_DIRTY | PAGE_WRITEBACK | PAGE_LOCKED);
		page_wake(run[i]);
	}
	spin_unlock_irq(&cache->lock, flag);
	atomic_sub(&nr_dirty_pages, nr);
	atomic_add(&nr_writeback_pages, nr);
}

// cache->lock held: the pages are dirty again, unless a store has made them so already.
static void keep_failed(struct cache *cache, struct page **pages, u32 nr, int error)
{
	u64 now = clock_monotonic_ns();

	if (nr > 1)
		cache->nr_singly = SINGLY_PAGES;
	if (!cache->nr_failures || now >= cache->retry_ns)      // else one more of the same pass
		cache->retry_ns = now + (RETRY_FIRST_NS << min(cache->nr_failures++, RETRY_DOUBLINGS));
	cache->error = error;
	cache->error_is_told = false;
	cache->error_sequence++;
	for (u32 i = 0; i < nr && !cache->drops_failed; i++) {
		if (page_has(pages[i], PAGE_DIRTY))
			continue;
		page_set(pages[i], PAGE_DIRTY | PAGE_STUCK);
		add_stuck(cache, 1);
		radix_tag_set(&cache->pages, pages[i]->index, RADIX_TAG_DIRTY);
		if (!cache->nr_dirty++)
			cache->dirty_since_ns = now;
		atomic_add(&nr_dirty_pages, 1);
	}
}

void pages_store_done(struct page **pages, u32 nr, int error)
{
	struct cache *cache = pages[0]->cache;
	u64 flag = spin_lock_irq(&cache->lock);

	if (error)
		keep_failed(cache, pages, nr, error);
	else
		cache->nr_failures = 0;
	radix_retag_run(&cache->pages, pages[0]->index, nr, RADIX_TAG_WRITEBACK, RADIX_NR_TAGS);
	cache->nr_writeback -= nr;
	for (u32 i = 0; i < nr; i++) {
		page_clear(pages[i], PAGE_WRITEBACK);
		page_wake(pages[i]);
	}
	spin_unlock_irq(&cache->lock, flag);
	atomic_sub(&nr_writeback_pages, nr);
	count_add(COUNTER_NR_WRITTEN, nr);
	writeback_ended(nr);
}

// What the file system needs of memory to find its blocks comes from the reserve: writing is what makes room.
static void write_run(struct cache *cache, struct page **run, u32 nr)
{
	bool was_reclaiming = current->is_reclaiming;

	rmap_clean(cache, run[0]->index, nr);
	start_writeback(cache, run, nr);
	current->is_reclaiming = true;
	cache->ops->store(cache, run, nr);
	current->is_reclaiming = was_reclaiming;
}

// A page in the way: where to look next.
// Who does not wait leaves one that is dirty again while it is being written: its turn comes later.
static pgoff_t pass_busy(struct page *p, enum sync_mode mode)
{
	pgoff_t index = p->index;

	if ((mode != SYNC_WAIT && page_has(p, PAGE_WRITEBACK)) ||
	    (mode == SYNC_START_UNSTUCK && page_has(p, PAGE_STUCK))) {
		index++;
	} else {
		page_lock(p);
		page_wait_writeback(p);
		page_unlock(p);
	}
	page_put(p);
	return index;
}

void cache_wait_written(struct cache *cache, pgoff_t first, pgoff_t last)
{
	struct page *p;
	pgoff_t index;

	do {
		u64 flag = spin_lock_irq(&cache->lock);

		p = radix_next_tagged(&cache->pages, first, last, RADIX_TAG_WRITEBACK, &index);
		if (p)
			page_get(p);
		spin_unlock_irq(&cache->lock, flag);
		if (p) {
			page_wait_writeback(p);
			page_put(p);
			first = index + 1;
		}
	} while (p && first && first <= last);
}

// The last page that is dirty now: what becomes dirty behind it is not this call's,
// which so comes to an end (that of a few pages does so anyway).
static bool find_last_dirty(struct cache *cache, pgoff_t *last)
{
	u64 flag = spin_lock_irq(&cache->lock);
	pgoff_t index;
	bool is_dirty = radix_last_tagged(&cache->pages, RADIX_TAG_DIRTY, &index);

	spin_unlock_irq(&cache->lock, flag);
	if (is_dirty)
		*last = min(*last, index);
	return is_dirty;
}

int cache_write_back(struct cache *cache, pgoff_t first, pgoff_t last, enum sync_mode mode)
{
	struct page *run[RUN_MAX], *busy, *sent = NULL;
	u32 errors_before = READ_ONCE(cache->error_sequence), nr;
	pgoff_t at = first, end = last;

	if (!cache->ops->store)
		return 0;
	bool goes_on = last - first < RUN_MAX || find_last_dirty(cache, &end);
	bool is_one_page = first == last;
	struct plug plug;               // the runs' requests go together

	if (!is_one_page)
		block_plug(&plug);
	while (goes_on && at <= end) {
		nr = lock_run(cache, at, end, mode, run, &busy);
		if (nr) {
			at = run[nr - 1]->index + 1;
			if (mode == SYNC_WAIT) {
				if (sent)
					page_put(sent);
				sent = run[nr - 1];
				page_get(sent);
			}
			write_run(cache, run, nr);
		} else if (busy) {
			at = pass_busy(busy, mode);
		}
		goes_on = (nr || busy) && at;
	}
	if (!is_one_page)
		block_unplug(&plug);
	if (mode != SYNC_WAIT)
		return 0;
	if (sent) {                             // the last to be sent is mostly the last to end
		page_wait_writeback(sent);
		page_put(sent);
	}
	if (READ_ONCE(cache->nr_writeback))
		cache_wait_written(cache, first, last);
	return READ_ONCE(cache->error_sequence) == errors_before ? 0 : READ_ONCE(cache->error);
}

// The first page at or after first that has the tag and that value; false: none.
static bool find_private(struct cache *cache, pgoff_t first, enum radix_tag tag, u64 value, pgoff_t *index)
{
	u64 flag = spin_lock_irq(&cache->lock);
	struct page *p = radix_next_tagged(&cache->pages, first, U64_MAX, tag, index);

	while (p && READ_ONCE(p->private) != value)
		p = radix_next_tagged(&cache->pages, *index + 1, U64_MAX, tag, index);
	spin_unlock_irq(&cache->lock, flag);
	return p;
}

int cache_write_back_private(struct cache *cache, u64 value)
{
	static const enum radix_tag tags[] = { RADIX_TAG_DIRTY, RADIX_TAG_WRITEBACK };
	pgoff_t index;
	int error = 0, later;

	for (u32 i = 0; i < ARRAY_SIZE(tags); i++)
		for (pgoff_t at = 0; find_private(cache, at, tags[i], value, &index); at = index + 1) {
			later = cache_write_back(cache, index, index, SYNC_WAIT);
			error = error ? error : later;
		}
	return error;
}

void cache_write_in_background(struct cache *cache)
{
	bool is_too_early = READ_ONCE(cache->nr_failures) && clock_monotonic_ns() < READ_ONCE(cache->retry_ns);

	if (is_too_early && READ_ONCE(cache->nr_stuck) == READ_ONCE(cache->nr_dirty))
		return;
	(void)!cache_write_back(cache, 0, U64_MAX - 1, is_too_early ? SYNC_START_UNSTUCK : SYNC_START);
	u64 flag = spin_lock_irq(&cache->lock);

	if (cache->nr_dirty)
		cache->dirty_since_ns = clock_monotonic_ns();
	spin_unlock_irq(&cache->lock, flag);
}
