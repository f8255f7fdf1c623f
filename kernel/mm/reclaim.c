/*
 * reclaim.c - memory is short: the lists of pages that may leave, and who makes them leave. lru_lock covers the lists;
 * PAGE_ON_LRU tells that a page is on one, PAGE_ACTIVE and PAGE_KEPT on which.
 * A list holds no reference: a page leaves it before its last reference goes,
 * and whoever takes a candidate gets a reference under lru_lock or leaves it alone.
 *
 * The reclaim thread works while fewer frames are free than the low mark says, up to the high mark. A caller who
 * finds less than the min mark does the same work itself. He may hold any sleeping lock: nothing here waits for a
 * lock, locks are only tried; and what it allocates comes from the reserve below the min mark (thread.is_reclaiming).
 */
#include "kernel.h"
#include "boot/bootinfo.h"
#include "cache/writeback.h"
#include "fs/vfs.h"
#include "lib/atomic.h"
#include "lib/string.h"
#include "mm/frame.h"
#include "mm/oom.h"
#include "mm/page.h"
#include "mm/reclaim.h"
#include "mm/reclaim_policy.h"
#include "mm/swap_out.h"
#include "mm/workingset.h"
#include "proc/sched.h"
#include "proc/thread.h"
#include "proc/timer.h"
#include "x86/clock.h"
#include "x86/cpu.h"
#include <abi/errno.h>

#define TRIES_FOR_A_BLOCK 40
#define WAITS_MAX 1000                  // of 2 ms: then the thread itself must be waiting for what our caller holds
#define BATCHES_A_ROUND 16
#define OBJECTS_A_ROUND 64              // names and inodes that nobody uses

u64 reclaim_low_mark, reclaim_min_mark;
static u64 reclaim_high_mark;
static struct spinlock lru_lock = SPINLOCK_INIT("reclaim lists", RANK_FRAMES);
#define EMPTY(which) [which] = { LIST_INIT(lru_lists[which].pages), 0 }
struct lru_list lru_lists[NR_LRU] = { EMPTY(LRU_INACTIVE), EMPTY(LRU_ACTIVE), EMPTY(LRU_LOCKED) };
static const struct reclaim_policy *policy = &reclaim_two_list;         // GUARDED_BY(lru_lock)
static struct wait_queue reclaim_wait = { .waiters = LIST_INIT(reclaim_wait.waiters) };
static bool is_started, is_wanted;
static u64 nr_given_up;                 // how often the thread has found nothing to free; written by it only

void reclaim_set_marks(u64 nr_frames)
{
	reclaim_min_mark = max(nr_frames / 256, 32ul);
	reclaim_low_mark = max(nr_frames / 64, 96ul);
	reclaim_high_mark = reclaim_low_mark * 2;
}

// While reclaim is at work the free frames lie between low and high, and a round above that: it is not stopped
// half-way.
bool reclaim_is_far(void)
{
	return frames_listed_count() > reclaim_high_mark * 2 + RECLAIM_BATCH * BATCHES_A_ROUND;
}

/* --- the lists -------------------------------------------------------------- */

static enum lru list_of(const struct page *p)
{
	return page_has(p, PAGE_KEPT) ? LRU_LOCKED : page_has(p, PAGE_ACTIVE) ? LRU_ACTIVE : LRU_INACTIVE;
}

static const u32 list_flags[NR_LRU] = { [LRU_ACTIVE] = PAGE_ACTIVE, [LRU_LOCKED] = PAGE_KEPT };

// lru_lock held.
static void link_page(struct page *p, enum lru to)
{
	debug_assert((p->owner == PAGE_CACHE || p->owner == PAGE_ANON) && list_is_empty(&p->link));
	page_set(p, PAGE_ON_LRU | list_flags[to]);
	list_push_front(&lru_lists[to].pages, &p->link);
	lru_lists[to].nr++;
}

// lru_lock held. PAGE_ON_LRU stays: who frees a private page asks for it without the lock,
// and must not see it gone while the page is only being moved.
static void unlink_page(struct page *p)
{
	list_remove(&p->link);
	lru_lists[list_of(p)].nr--;
	page_clear(p, PAGE_ACTIVE | PAGE_KEPT);
}

struct page *lru_oldest(enum lru which)
{
	struct list *pages = &lru_lists[which].pages;

	return list_is_empty(pages) ? NULL : list_last(pages, struct page, link);
}

void lru_move(struct page *p, enum lru to)
{
	if (to == LRU_ACTIVE && !page_has(p, PAGE_ACTIVE))
		count(COUNTER_PGACTIVATE);
	unlink_page(p);
	link_page(p, to);
}

void reclaim_add(struct page *p)
{
	u64 reach = max(READ_ONCE(lru_lists[LRU_ACTIVE].nr), READ_ONCE(lru_lists[LRU_INACTIVE].nr) / 4);
	bool was_missed = workingset_was_missed(p, reach);

	spin_lock(&lru_lock);
	link_page(p, policy->entrance(was_missed));
	spin_unlock(&lru_lock);
}

void reclaim_add_private(struct page *p)
{
	spin_lock(&lru_lock);
	if (!page_has(p, PAGE_ON_LRU))
		link_page(p, policy->entrance(false));
	spin_unlock(&lru_lock);
}

void reclaim_remove(struct page *p)
{
	spin_lock(&lru_lock);
	if (page_has(p, PAGE_ON_LRU)) {
		unlink_page(p);
		page_clear(p, PAGE_ON_LRU);
	}
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

void reclaim_keep(struct page *p)
{
	spin_lock(&lru_lock);
	if (page_has(p, PAGE_ON_LRU))
		lru_move(p, LRU_LOCKED);
	spin_unlock(&lru_lock);
}

void reclaim_unkeep_all(void)
{
	struct page *p;

	if (!READ_ONCE(lru_lists[LRU_LOCKED].nr))
		return;
	spin_lock(&lru_lock);
	while ((p = lru_oldest(LRU_LOCKED)))
		lru_move(p, LRU_INACTIVE);
	spin_unlock(&lru_lock);
}

u64 reclaim_list_size(bool active)
{
	return READ_ONCE(lru_lists[active ? LRU_ACTIVE : LRU_INACTIVE].nr);
}

u64 reclaim_nr_kept(void)
{
	return READ_ONCE(lru_lists[LRU_LOCKED].nr);
}

bool reclaim_spares(struct page *p)
{
	bool stays;

	spin_lock(&lru_lock);
	stays = !page_has(p, PAGE_ON_LRU) || policy->spares(p);
	spin_unlock(&lru_lock);
	return stays;
}

/* --- the policy ------------------------------------------------------------- */

const char *reclaim_policy_name(void)
{
	return READ_ONCE(policy)->name;
}

int reclaim_set_policy(const char *name)
{
	static const struct reclaim_policy *const all[] = { &reclaim_fifo, &reclaim_clock, &reclaim_two_list };
	struct page *p;

	for (u32 i = 0; i < ARRAY_SIZE(all); i++) {
		if (strcmp(all[i]->name, name) != 0)
			continue;
		spin_lock(&lru_lock);
		// Every policy starts with one list; what was active is the newest of it.
		while ((p = lru_oldest(LRU_ACTIVE)))
			lru_move(p, LRU_INACTIVE);
		WRITE_ONCE(policy, all[i]);
		spin_unlock(&lru_lock);
		return 0;
	}
	return -EINVAL;
}

/* --- making room ------------------------------------------------------------ */

// The next candidates, referenced.
static u32 take_candidates(struct page **out)
{
	struct page *p;
	u32 nr = 0;

	spin_lock(&lru_lock);
	for (u32 i = 0; i < RECLAIM_BATCH && (p = policy->candidate()); i++) {
		i32 refs = atomic_load(&p->refs);

		// A page whose last reference is going is left alone.
		if (refs > 0 && atomic_compare_exchange(&p->refs, refs, refs + 1))
			out[nr++] = p;
	}
	spin_unlock(&lru_lock);
	return nr;
}

// Looks at some batches, until nr_wanted frames are free. How many are; whether the flusher should be asked for more.
static struct reclaim_result shrink(u64 nr_batches, u64 nr_wanted)
{
	struct page *candidates[RECLAIM_BATCH];
	struct reclaim_result all = { 0, false };

	for (u64 i = 0; i < nr_batches && all.nr_freed < nr_wanted; i++) {
		u32 nr = take_candidates(candidates);
		struct reclaim_result r = reclaim_pages(candidates, nr, RECLAIM_UNUSED);

		all.nr_freed += r.nr_freed;
		all.met_dirty |= r.met_dirty;
	}
	if (all.met_dirty)
		writeback_wake();               // in the order of the files, not of our list
	return all;
}

static bool is_room(void)
{
	return frames_listed_count() > reclaim_min_mark;
}

// Tries again and again, until there is something, or the thread has given up twice: the first time it may have looked
// before we had anything to ask for.
static bool make_room(u64 nr_wanted)
{
	u64 before = READ_ONCE(nr_given_up);

	for (u32 i = 0; i < WAITS_MAX && READ_ONCE(nr_given_up) - before < 2; i++) {
		if (shrink(BATCHES_A_ROUND, nr_wanted + RECLAIM_BATCH).nr_freed || is_room())
			return true;
		reclaim_wake();
		(void)!sleep_until(clock_monotonic_ns() + 2000000, WAIT_UNINTERRUPTIBLE);
	}
	return false;
}

bool reclaim_direct(u32 tries, u64 nr_wanted)
{
	// Frames that lie side by side may never come free, however many are.
	if (!is_started || current->is_reclaiming || (nr_wanted > 1 && tries >= TRIES_FOR_A_BLOCK))
		return false;
	count(COUNTER_ALLOCSTALL);
	reclaim_wake();
	return make_room(nr_wanted) || (nr_wanted == 1 && oom_relieve());
}

void reclaim_wake(void)
{
	if (!is_started || is_wanted)
		return;
	is_wanted = true;
	wake_one(&reclaim_wait);
}

// What is not a page of a cache: names and inodes that nobody uses, page tables that show nothing.
static u64 shrink_others(void)
{
	return dentries_drop_unused(OBJECTS_A_ROUND) + inodes_drop_unused(OBJECTS_A_ROUND) + reclaim_tables();
}

// Candidates come from the lists, and private pages onto the lists, at the same pace.
static u64 one_round(void)
{
	u64 freed = 0;

	for (u32 i = 0; i < BATCHES_A_ROUND; i++) {
		swap_out_adopt(2 * RECLAIM_BATCH);
		freed += shrink(1, U64_MAX).nr_freed;
	}
	return freed + shrink_others();
}

static void reclaimer(void *argument)
{
	(void)argument;
	current->is_reclaiming = true;
	for (;;) {
		wait_event(&reclaim_wait, is_wanted);
		u32 fruitless = 0;
		// Pages in use go round: so many rounds look at each more than thrice.
		u64 enough = 8 + (reclaim_list_size(true) + reclaim_list_size(false)) * 3 /
			     (RECLAIM_BATCH * BATCHES_A_ROUND);

		while (frames_listed_count() < reclaim_high_mark && fruitless < enough) {
			u64 before = counter_read(COUNTER_PGSTEAL);

			// What others free is progress as well; and while they write, their pages are locked.
			if (one_round() || counter_read(COUNTER_PGSTEAL) != before) {
				fruitless = 0;
			} else {
				fruitless++;
				writeback_wake();
				(void)!sleep_until(clock_monotonic_ns() + 5000000, WAIT_UNINTERRUPTIBLE);
			}
			sched_yield();
		}
		if (fruitless == enough)
			WRITE_ONCE(nr_given_up, nr_given_up + 1);
		is_wanted = false;
	}
}

void reclaim_start(void)
{
	char name[16];

	if (command_line_get("reclaim", name, sizeof(name)) && reclaim_set_policy(name))
		printk("reclaim: there is no policy %s; it is %s\n", name, reclaim_policy_name());
	wait_queue_init(&reclaim_wait);
	is_started = true;
	if (!kernel_thread_create("reclaim", reclaimer, NULL))
		panic("no memory for the reclaim thread");
}
