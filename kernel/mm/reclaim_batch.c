/*
 * reclaim_batch.c - a batch of candidates on its way out. Each is locked (or passed over: nothing here waits
 * for a lock), asked whether it was used, and taken out of every address space; then one shootdown for the whole
 * batch makes all CPUs forget; and only then are the pages given up. That is "unmap, then free" with one interrupt
 * for up to 32 pages, and the candidate's own reference is what keeps the frame in between.
 *
 * A page that is mapped again between its unmapping and the end has a reference more and stays.
 */
#include "kernel.h"
#include "cache/cache.h"
#include "mm/page.h"
#include "mm/reclaim.h"
#include "mm/rmap.h"
#include "mm/swap_out.h"
#include "mm/workingset.h"
#include "proc/thread.h"
#include "x86/cpu.h"
#include "x86/tlb.h"

struct batch {
	struct page *victims[RECLAIM_BATCH];    // locked, unmapped, not yet flushed
	u32 nr_victims;
	struct tlb_gather gather;
	struct reclaim_result result;
};

// Locked. Was it used since somebody last looked, and does that save it?
static bool is_spared(struct page *p)
{
	bool was_used = page_has(p, PAGE_REFERENCED);

	page_clear(p, PAGE_REFERENCED);
	if (atomic_load(&p->map_count) && rmap_age(p))
		was_used = true;
	return was_used && reclaim_spares(p);
}

// The same for a private page, and whether it can leave at all.
static bool is_private_spared(struct page *p, enum reclaim_how how)
{
	switch (atomic_load(&p->map_count) ? rmap_anon_age(p) : AGE_UNUSED) {
	case AGE_UNUSED:
		return false;
	case AGE_USED:
		return how == RECLAIM_UNUSED && reclaim_spares(p);
	case AGE_LOCKED:
		reclaim_keep(p);
		return true;
	case AGE_UNKNOWN:
		break;
	}
	return true;
}

// Locked. May it go, as far as its state says?
static bool may_leave(struct batch *b, struct page *p)
{
	struct cache *cache = p->cache;

	if (p->owner == PAGE_ANON)
		return swap_out_prepare(p);
	if (!cache || !page_has(p, PAGE_UPTODATE))
		return false;
	if (!cache->ops->store)
		return swap_out_prepare_file(p);
	if (page_has(p, PAGE_DIRTY | PAGE_WRITEBACK)) {
		b->result.met_dirty = true;
		return false;
	}
	return true;
}

// Locked. True: it is out of every address space.
static bool unmap_everywhere(struct batch *b, struct page *p)
{
	if (p->owner == PAGE_ANON)
		return swap_out_unmap(p, &b->gather);
	if (!atomic_load(&p->map_count))
		return true;
	switch (rmap_take(p, &b->gather)) {
	case TAKE_DONE:
		return true;
	case TAKE_LOCKED:
		reclaim_keep(p);
		break;
	case TAKE_BUSY:
		break;
	}
	return false;
}

static void consider(struct batch *b, struct page *p, enum reclaim_how how)
{
	count(COUNTER_PGSCAN);
	if (!page_try_lock(p)) {
		page_put(p);
		return;
	}
	// What is used is found out first, of a dirty page too: its place in the lists depends on it.
	bool stays = p->owner == PAGE_ANON ? is_private_spared(p, how) : how == RECLAIM_UNUSED && is_spared(p);

	if (!stays && may_leave(b, p) && unmap_everywhere(b, p)) {
		b->victims[b->nr_victims++] = p;
		return;
	}
	swap_out_stays(p);
	page_unlock(p);
	page_put(p);
}

static void give_up(struct batch *b, struct page *p)
{
	workingset_evicted(p);
	if (p->owner == PAGE_ANON ? swap_out_finish(p) : cache_try_evict(p)) {
		b->result.nr_freed++;
		count(COUNTER_PGSTEAL);
	}
	page_unlock(p);
	page_put(p);
}

struct reclaim_result reclaim_pages(struct page **pages, u32 nr, enum reclaim_how how)
{
	struct batch b = { .nr_victims = 0 };
	bool is_nested = current->is_reclaiming;

	current->is_reclaiming = true;
	for (u32 i = 0; i < nr; i++)
		consider(&b, pages[i], how);
	tlb_gather_flush(&b.gather);
	u32 nr_to_swap = 0;
	struct page *to_swap[RECLAIM_BATCH];

	for (u32 i = 0; i < b.nr_victims; i++)
		if (b.victims[i]->owner == PAGE_ANON || page_has(b.victims[i], PAGE_DIRTY))
			to_swap[nr_to_swap++] = b.victims[i];
	swap_out_write(to_swap, nr_to_swap);
	for (u32 i = 0; i < b.nr_victims; i++)
		give_up(&b, b.victims[i]);
	current->is_reclaiming = is_nested;
	return b.result;
}
