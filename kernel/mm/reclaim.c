/*
 * reclaim.c - which page leaves when memory is short. Pages of caches stand on two lists, newest at the front: inactive
 * (seen once) and active (seen again). A page taken from the back of the inactive list leaves when it is clean and nobody
 * has used it since it was put there; used ones move to the active list, dirty ones are left to the flusher. The active
 * list is trimmed from its back while it is the longer one, so that a big scan washes out only the inactive list.
 * lru_lock covers the lists; PAGE_ON_LRU tells that a page is on one, PAGE_ACTIVE on which.
 *
 * A caller short of memory may hold page locks: direct reclaim only tries locks, and waits for write-back without any.
 */
#include "kernel.h"
#include "cache/cache.h"
#include "cache/writeback.h"
#include "fs/vfs.h"
#include "mm/frame.h"
#include "mm/page.h"
#include "mm/reclaim.h"
#include "mm/rmap.h"
#include "proc/sched.h"
#include "proc/thread.h"
#include "proc/timer.h"
#include "x86/clock.h"

#define BATCH 32
#define DIRECT_TRIES 40

u64 reclaim_low_mark;
static u64 reclaim_high_mark;
static struct spinlock lru_lock = SPINLOCK_INIT("reclaim lists", RANK_FRAMES);
static struct list inactive = LIST_INIT(inactive), active = LIST_INIT(active);  // GUARDED_BY(lru_lock)
static u64 nr_inactive, nr_active;                                              // GUARDED_BY(lru_lock)
static struct wait_queue reclaim_wait = { .waiters = LIST_INIT(reclaim_wait.waiters) };
static bool is_started, is_wanted;

void reclaim_set_marks(u64 nr_frames)
{
	reclaim_low_mark = max(nr_frames / 64, 64ul);
	reclaim_high_mark = reclaim_low_mark * 2;
}

void reclaim_add(struct page *p)
{
	spin_lock(&lru_lock);
	page_set(p, PAGE_ON_LRU);
	list_push_front(&inactive, &p->link);
	nr_inactive++;
	spin_unlock(&lru_lock);
}

// lru_lock held.
static void unlink_page(struct page *p)
{
	list_remove(&p->link);
	if (page_has(p, PAGE_ACTIVE))
		nr_active--;
	else
		nr_inactive--;
	page_clear(p, PAGE_ON_LRU | PAGE_ACTIVE);
}

void reclaim_remove(struct page *p)
{
	spin_lock(&lru_lock);
	if (page_has(p, PAGE_ON_LRU))
		unlink_page(p);
	spin_unlock(&lru_lock);
}

void reclaim_used(struct page *p)
{
	// The use for which it was brought in says nothing about a next one: a file read once leaves at once.
	if (!page_has(p, PAGE_SEEN))
		page_set(p, PAGE_SEEN);
	else if (!page_has(p, PAGE_REFERENCED))
		page_set(p, PAGE_REFERENCED);
}

u64 reclaim_list_size(bool want_active)
{
	return want_active ? READ_ONCE(nr_active) : READ_ONCE(nr_inactive);
}

// lru_lock held. Moves p to the front of one of the lists.
static void requeue(struct page *p, bool to_active)
{
	unlink_page(p);
	page_set(p, to_active ? PAGE_ON_LRU | PAGE_ACTIVE : PAGE_ON_LRU);
	list_push_front(to_active ? &active : &inactive, &p->link);
	if (to_active)
		nr_active++;
	else
		nr_inactive++;
}

// Takes up to BATCH candidates from the back of the inactive list, referenced. They stay listed, at the front.
static u32 take_candidates(struct page **out)
{
	u32 nr = 0;

	spin_lock(&lru_lock);
	for (u32 i = 0; i < BATCH && nr_active > nr_inactive; i++) {
		struct page *p = list_last(&active, struct page, link);

		bool was_used = page_has(p, PAGE_REFERENCED);

		page_clear(p, PAGE_REFERENCED);
		requeue(p, was_used);
	}
	for (u32 i = 0; i < BATCH && !list_is_empty(&inactive); i++) {
		struct page *p = list_last(&inactive, struct page, link);

		requeue(p, false);
		// The list holds no reference: a page whose last reference is going is left alone.
		i32 refs = atomic_load(&p->refs);

		if (refs > 0 && atomic_compare_exchange(&p->refs, refs, refs + 1))
			out[nr++] = p;
	}
	spin_unlock(&lru_lock);
	return nr;
}

// One candidate: does it leave? What is in use moves to the active list.
static bool try_free(struct page *p)
{
	bool is_gone = false;

	if (!page_try_lock(p))
		return false;
	if (!p->cache || p->cache->page_lock_rank == RANK_META_PAGE)
		goto out;
	bool is_used = page_has(p, PAGE_REFERENCED);

	page_clear(p, PAGE_REFERENCED);
	if (atomic_load(&p->map_count) && rmap_age(p))
		is_used = true;
	if (is_used) {
		spin_lock(&lru_lock);
		if (page_has(p, PAGE_ON_LRU))
			requeue(p, true);
		spin_unlock(&lru_lock);
		goto out;
	}
	if (page_has(p, PAGE_DIRTY | PAGE_WRITEBACK))
		goto out;
	if (atomic_load(&p->map_count) && !rmap_try_unmap(p))
		goto out;
	is_gone = cache_try_evict(p);
out:
	page_unlock(p);
	return is_gone;
}

// Looks at one batch; returns how many frames came free.
static u32 shrink_once(void)
{
	struct page *candidates[BATCH];
	u32 nr = take_candidates(candidates), freed = 0;

	for (u32 i = 0; i < nr; i++) {
		freed += try_free(candidates[i]);
		page_put(candidates[i]);
	}
	return freed;
}

bool reclaim_direct(u32 tries, u64 nr_wanted)
{
	// Pages in use go round: all tries together look at each more than thrice before the caller hears "no memory".
	u64 freed = 0, nr_listed = READ_ONCE(nr_active) + READ_ONCE(nr_inactive);
	u64 rounds = max(64ul, nr_listed / (BATCH * DIRECT_TRIES / 4));

	if (!is_started || tries >= DIRECT_TRIES)
		return false;
	for (u64 i = 0; i < rounds && freed < nr_wanted + BATCH; i++)
		freed += shrink_once();
	if (!freed) {
		if (!nr_dirty_pages && !nr_writeback_pages && tries * rounds * BATCH > 4 * nr_listed)
			return false;
		writeback_wake();
		(void)!sleep_until(clock_monotonic_ns() + 2000000, WAIT_UNINTERRUPTIBLE);
	}
	return true;
}

void reclaim_wake(void)
{
	if (!is_started || is_wanted)
		return;
	is_wanted = true;
	wake_one(&reclaim_wait);
}

static void reclaimer(void *argument)
{
	(void)argument;
	for (;;) {
		wait_event(&reclaim_wait, is_wanted);
		u32 fruitless = 0;

		while (frames_free_count() < reclaim_high_mark && fruitless < 8) {
			u32 freed = 0;

			for (u32 i = 0; i < 16; i++)
				freed += shrink_once();
			if (freed) {
				fruitless = 0;
			} else {
				fruitless++;
				dentries_drop_unused(64);
				inodes_drop_unused(64);
				writeback_wake();
				(void)!sleep_until(clock_monotonic_ns() + 10000000, WAIT_UNINTERRUPTIBLE);
			}
			sched_yield();
		}
		is_wanted = false;
	}
}

void reclaim_start(void)
{
	wait_queue_init(&reclaim_wait);
	is_started = true;
	if (!kernel_thread_create("reclaim", reclaimer, NULL))
		panic("no memory for the reclaim thread");
}
