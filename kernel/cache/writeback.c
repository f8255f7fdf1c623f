/*
 * writeback.c - dirty pages go to disk. One page's way: locked; write-protected wherever it is mapped, so that a store
 * from now on faults and marks it dirty again; DIRTY off, WRITEBACK on; unlocked, so that readers and faults go on; sent.
 * A store during the transfer lands in the page and makes it dirty again: it is written once more, later, and nothing
 * is lost. When a write fails the page is DIRTY again and the error is kept for the next sync of every opener.
 *
 * The flusher writes what has been dirty for DIRTY_AGE, and, when more than the background mark is dirty, the oldest
 * files whole. Writers far past the mark wait for it (writeback_throttle).
 */
#include "kernel.h"
#include "cache/cache.h"
#include "cache/writeback.h"
#include "dev/block.h"
#include "fs/vfs.h"
#include "lib/atomic.h"
#include "mm/frame.h"
#include "mm/rmap.h"
#include "proc/thread.h"
#include "proc/timer.h"
#include "x86/clock.h"
#include <abi/errno.h>

#define RUN_MAX 32                              // pages in one call of ops->store
#define DIRTY_AGE_NS (30ul * 1000000000)
#define FLUSHER_PERIOD_NS (5ul * 1000000000)

u64 nr_dirty_pages, nr_writeback_pages;

static struct wait_queue flusher_wait = { .waiters = LIST_INIT(flusher_wait.waiters) };         // the flusher sleeps here
static struct wait_queue throttle_wait = { .waiters = LIST_INIT(throttle_wait.waiters) };       // writers sleep here
static bool is_wanted;

// Under cache->lock: the page's two states and their tags change together (C3).
static void start_writeback(struct cache *cache, struct page *p)
{
	u64 flag = spin_lock_irq(&cache->lock);

	page_clear(p, PAGE_DIRTY);
	page_set(p, PAGE_WRITEBACK);
	radix_tag_clear(&cache->pages, p->index, RADIX_TAG_DIRTY);
	radix_tag_set(&cache->pages, p->index, RADIX_TAG_WRITEBACK);
	cache->nr_dirty--;
	cache->nr_writeback++;
	spin_unlock_irq(&cache->lock, flag);
	atomic_sub(&nr_dirty_pages, 1);
	atomic_add(&nr_writeback_pages, 1);
}

void page_store_done(struct page *p, int error)
{
	struct cache *cache = p->cache;
	u64 flag = spin_lock_irq(&cache->lock);

	page_clear(p, PAGE_WRITEBACK);
	radix_tag_clear(&cache->pages, p->index, RADIX_TAG_WRITEBACK);
	cache->nr_writeback--;
	if (error) {
		cache->error = error;
		cache->error_sequence++;
		if (!page_has(p, PAGE_DIRTY)) {
			page_set(p, PAGE_DIRTY);
			radix_tag_set(&cache->pages, p->index, RADIX_TAG_DIRTY);
			cache->nr_dirty++;
			atomic_add(&nr_dirty_pages, 1);
		}
	}
	spin_unlock_irq(&cache->lock, flag);
	atomic_sub(&nr_writeback_pages, 1);
	page_wake_writeback(p);
	wake_all(&throttle_wait);
}

static struct page *next_tagged(struct cache *cache, pgoff_t first, pgoff_t last, enum radix_tag tag, pgoff_t *index)
{
	u64 flag = spin_lock_irq(&cache->lock);
	struct page *p = radix_next_tagged(&cache->pages, first, last, tag, index);

	if (p)
		page_get(p);
	spin_unlock_irq(&cache->lock, flag);
	return p;
}

/*
 * Locks the next run of dirty pages with consecutive indices at or after *at. A page that somebody else has locked ends
 * a run (or is waited for when it would be the first). Returns how many; *at is behind them.
 */
static u32 lock_run(struct cache *cache, pgoff_t *at, pgoff_t last, struct page **run, enum sync_mode mode)
{
	u32 nr = 0;

	while (nr < RUN_MAX) {
		pgoff_t index;
		struct page *p = next_tagged(cache, *at, last, RADIX_TAG_DIRTY, &index);

		if (!p || (nr && index != run[nr - 1]->index + 1)) {
			if (p)
				page_put(p);
			else if (!nr)
				*at = U64_MAX;
			break;
		}
		bool is_busy = page_has(p, PAGE_WRITEBACK);

		if (nr && (is_busy || !page_try_lock(p))) {
			page_put(p);
			break;
		}
		*at = index + 1;
		if (!nr) {
			if (is_busy && mode == SYNC_START) {
				page_put(p);            // it is under way and dirty again: its turn comes later
				continue;
			}
			page_lock(p);
			page_wait_writeback(p);
		}
		// Somebody else may have written it, and a store made it dirty again, between the look above and the lock.
		bool is_under_way = page_has(p, PAGE_WRITEBACK);

		if (p->cache != cache || !page_has(p, PAGE_DIRTY) || is_under_way) {
			page_unlock(p);
			page_put(p);
			if (is_under_way)
				*at = index;
			if (nr)
				break;
			continue;
		}
		run[nr++] = p;
		if (*at > last || *at == 0)
			break;
	}
	return nr;
}

static void write_run(struct cache *cache, struct page **run, u32 nr)
{
	rmap_clean(cache, run[0]->index, nr);
	for (u32 i = 0; i < nr; i++)
		start_writeback(cache, run[i]);
	for (u32 i = 0; i < nr; i++)
		page_unlock(run[i]);
	cache->ops->store(cache, run, nr);
	for (u32 i = 0; i < nr; i++)
		page_put(run[i]);
}

static void wait_for_writeback(struct cache *cache, pgoff_t first, pgoff_t last)
{
	struct page *p;
	pgoff_t index;

	while (first <= last && (p = next_tagged(cache, first, last, RADIX_TAG_WRITEBACK, &index))) {
		page_wait_writeback(p);
		page_put(p);
		first = index + 1;
		if (!first)
			break;
	}
}

int cache_write_back(struct cache *cache, pgoff_t first, pgoff_t last, enum sync_mode mode)
{
	struct page *run[RUN_MAX];
	u32 errors_before = cache_error_now(cache), nr;

	if (!cache->ops->store)
		return 0;
	for (pgoff_t at = first; at <= last && at != U64_MAX;) {
		nr = lock_run(cache, &at, last, run, mode);
		if (nr)
			write_run(cache, run, nr);
	}
	if (mode == SYNC_START)
		return 0;
	wait_for_writeback(cache, first, last);
	return cache_error_check(cache, &errors_before);
}

static u64 background_mark(void)                // pages
{
	return frames_total() / 10;
}

static u64 hard_mark(void)
{
	return frames_total() / 5;
}

void writeback_wake(void)
{
	is_wanted = true;
	wake_all(&flusher_wait);
}

void writeback_page_gone(void)
{
	atomic_sub(&nr_dirty_pages, 1);
	wake_all(&throttle_wait);
}

void writeback_throttle(void)
{
	if (likely(nr_dirty_pages < background_mark()))
		return;
	writeback_wake();
	if (nr_dirty_pages + nr_writeback_pages > hard_mark())
		// A signal ends the wait: when the disk fails every write, dirty pages never get fewer.
		(void)!wait_event_interruptible(&throttle_wait, nr_dirty_pages + nr_writeback_pages <= hard_mark());
}

static void flush_once(bool all)
{
	u64 now = clock_monotonic_ns();
	u64 older_than = all ? U64_MAX : now > DIRTY_AGE_NS ? now - DIRTY_AGE_NS : 0;

	for (struct superblock *sb = superblock_next(NULL); sb; sb = superblock_next(sb)) {
		// An error stays with the page and its file; the next sync there reports it.
		if (inodes_write_back(sb, older_than, SYNC_START))
			continue;
		if (sb->ops->sync && sb->ops->sync(sb))
			continue;
		if (sb->device && older_than)
			(void)!cache_write_back(&sb->device->cache, 0, U64_MAX - 1, SYNC_START);
	}
}

static void flusher(void *argument)
{
	(void)argument;
	for (;;) {
		struct waiter w;

		wait_begin(&flusher_wait, &w, WAIT_UNINTERRUPTIBLE);
		if (!is_wanted)
			(void)!wait_timeout_sleep(&w, WAIT_UNINTERRUPTIBLE, clock_monotonic_ns() + FLUSHER_PERIOD_NS);
		wait_end(&flusher_wait, &w);
		// Asked for: somebody lacks memory, and young dirty pages stand in the way as much as old ones.
		bool all = is_wanted || nr_dirty_pages >= background_mark();

		is_wanted = false;
		flush_once(all);
	}
}

void writeback_start(void)
{
	if (!kernel_thread_create("flusher", flusher, NULL))
		panic("no memory for the flusher");
}
