/*
 * rmap.c - the one way back: which page-table entries show pages [first, first + nr) of a cache. Every area of the
 * file, shared or private, is in cache->areas, an interval tree by the pages that it shows; those that show some of the
 * pages are looked at and no others. For each the pages become a range of addresses, and the entries there are visited.
 * cache->rmap_lock keeps the areas, and with them their page tables, in place meanwhile. Areas whose
 * entries might be added behind our back are of no concern: whoever maps a page holds its lock, and so do we, or the
 * file's size already forbids it (truncation).
 */
#include "kernel.h"
#include "cache/cache.h"
#include "mm/addrspace.h"
#include "mm/page.h"
#include "mm/rmap.h"
#include "mm/unmap.h"
#include "x86/cpu.h"
#include "x86/pgtable.h"
#include "x86/tlb.h"

// The first area that shows some of [first, last], and the one behind a. rmap_lock held.
static struct area *area_of(struct interval *i)
{
	if (!i)
		return NULL;
	count(COUNTER_RMAP_AREAS);
	return container_of(i, struct area, pages);
}

static struct area *first_area(struct cache *cache, pgoff_t first, pgoff_t last)
{
	return area_of(interval_first(&cache->areas, first, last));
}

static struct area *next_area(struct area *a, pgoff_t first, pgoff_t last)
{
	return area_of(interval_next(&a->pages, first, last));
}

#define for_each_area(a, cache, first, last) \
	for ((a) = first_area((cache), (first), (last)); (a); (a) = next_area((a), (first), (last)))

// Where a, which shows some of them, shows pages [first, last].
static void addresses_of(const struct area *a, pgoff_t first, pgoff_t last, vaddr_t *start, vaddr_t *end)
{
	pgoff_t from = max(first, a->pages.first), to = min(last, a->pages.last);

	*start = (from - a->bias) << PAGE_SHIFT;
	*end = (to - a->bias + 1) << PAGE_SHIFT;
}

static pgoff_t last_of(pgoff_t first, u64 nr)
{
	assert(nr);
	return first + nr < first ? U64_MAX : first + nr - 1;
}

void rmap_unmap(struct cache *cache, u64 first, u64 nr, enum unmap_private how)
{
	pgoff_t last = last_of(first, nr);
	struct area *a;
	vaddr_t start, end;

	mutex_lock(&cache->rmap_lock);
	for_each_area(a, cache, first, last) {
		addresses_of(a, first, last, &start, &end);
		unmap_entries(a->space, start, end, how == UNMAP_PRIVATE_TOO ? UNMAP_ALL : UNMAP_CACHE_PAGES);
	}
	mutex_unlock(&cache->rmap_lock);
}

struct clean_state {
	struct cache *cache;
	vaddr_t start, end;             // what was changed
};

static int clean_run(struct pte_run *run, void *argument)
{
	struct clean_state *state = argument;

	for (u32 i = 0; i < run->nr; i++) {
		struct pte_slot slot = { &run->entries[i], run->record };
		vaddr_t va = run->start + i * PAGE_SIZE;
		pte_t e = *slot.entry;

		// A private copy is nobody's business but its owner's.
		if (!pte_is_present(e) || !pte_is_writable(e) || pte_page(e)->owner != PAGE_CACHE)
			continue;
		pte_set(&slot, pte_read_only(e));
		state->start = min(state->start, va);
		state->end = max(state->end, va + PAGE_SIZE);
	}
	return 0;
}

void rmap_clean(struct cache *cache, u64 first, u64 nr)
{
	pgoff_t last = last_of(first, nr);
	struct area *a;
	vaddr_t start, end;

	mutex_lock(&cache->rmap_lock);
	for_each_area(a, cache, first, last) {
		struct clean_state state = { cache, U64_MAX, 0 };

		if (!(a->flags & AREA_SHARED))
			continue;
		addresses_of(a, first, last, &start, &end);
		pgtable_visit_runs(a->space, start, end, clean_run, &state);
		// Somebody may have cleared or protected the entry just before us,
		// and a CPU may still store through what it remembers: the page is clean only when nobody can.
		if (atomic_load(&a->space->nr_flushes_pending))
			tlb_flush_range(a->space, start, end);
		else if (state.start < state.end)
			tlb_flush_range(a->space, state.start, state.end);
	}
	mutex_unlock(&cache->rmap_lock);
}

struct look_state {
	struct page *page;
	u64 nr;
};

static int age_entry(struct pte_slot *slot, vaddr_t va, void *argument)
{
	struct look_state *state = argument;
	pte_t e = *slot->entry;

	(void)va;
	if (!pte_is_present(e) || pte_page(e) != state->page || !pte_is_accessed(e))
		return 0;
	pte_clear_accessed(slot);
	state->nr++;
	return 0;
}

static int count_entry(struct pte_slot *slot, vaddr_t va, void *argument)
{
	struct look_state *state = argument;

	(void)va;
	state->nr += pte_is_present(*slot->entry) && pte_page(*slot->entry) == state->page;
	return 0;
}

// rmap_lock held. Visits the entries that may show p.
static void look(struct page *p, struct cache *cache, pte_visitor visit, struct look_state *state)
{
	struct area *a;
	vaddr_t start, end;

	for_each_area(a, cache, p->index, p->index) {
		addresses_of(a, p->index, p->index, &start, &end);
		pgtable_visit(a->space, start, end, visit, state);
	}
}

bool rmap_age(struct page *p)
{
	struct cache *cache = p->cache;
	struct look_state state = { .page = p };

	if (!cache || !mutex_try_lock(&cache->rmap_lock))
		return true;
	look(p, cache, age_entry, &state);
	mutex_unlock(&cache->rmap_lock);
	return state.nr > 0;
}

u64 rmap_count(struct page *p)
{
	struct cache *cache = p->cache;
	struct look_state state = { .page = p };

	mutex_lock(&cache->rmap_lock);
	look(p, cache, count_entry, &state);
	mutex_unlock(&cache->rmap_lock);
	return state.nr;
}

// rmap_lock held. Has one of the areas that may show p been locked into memory?
static bool is_locked(struct page *p, struct cache *cache)
{
	struct area *a;

	for_each_area(a, cache, p->index, p->index) {
		if (READ_ONCE(a->flags) & AREA_LOCKED)
			return true;
	}
	return false;
}

bool rmap_may_be_stored_to(struct cache *cache)
{
	struct area *a;

	for_each_area(a, cache, 0, U64_MAX) {
		u32 flags = READ_ONCE(a->flags);

		if (flags & AREA_SHARED && flags & AREA_MAY_WRITE)
			return true;
	}
	return false;
}

struct take_state {
	struct page *page;
	struct addrspace *space;
	struct tlb_gather *gather;
};

static int take_entry(struct pte_slot *slot, vaddr_t va, void *argument)
{
	struct take_state *state = argument;
	pte_t e = *slot->entry;

	(void)va;
	if (!pte_is_present(e) || pte_page(e) != state->page)
		return 0;
	pte_set(slot, (pte_t){ 0 });
	atomic_sub(&state->page->map_count, 1);
	addrspace_note_peak(state->space);
	resident_sub(state->space, resident_kind(state->page), 1);
	tlb_gather_add(state->gather, state->space);
	page_put(state->page);                  // never the last: the caller holds one
	return 0;
}

enum rmap_take rmap_take(struct page *p, struct tlb_gather *gather)
{
	struct cache *cache = p->cache;
	struct area *a;
	vaddr_t start, end;

	if (!mutex_try_lock(&cache->rmap_lock))
		return TAKE_BUSY;
	bool is_kept = is_locked(p, cache);

	for_each_area(a, cache, p->index, p->index) {
		struct take_state state = { p, a->space, gather };

		if (is_kept)
			break;
		addresses_of(a, p->index, p->index, &start, &end);
		pgtable_visit(a->space, start, end, take_entry, &state);
	}
	mutex_unlock(&cache->rmap_lock);
	return is_kept ? TAKE_LOCKED : TAKE_DONE;
}
