/*
 * swap_slots.c - the slots of swap areas: how many entries name each, and which page belongs to it.
 * Both are arrays that are made by swapon, so that nothing here allocates: it runs exactly when there is no memory.
 * Slots are given out in ascending order from a hand that goes round, so that pages which leave together, which are
 * mostly neighbours in an address space, get neighbouring slots: one request writes them, and one reads them back.
 */
#include "kernel.h"
#include "cache/cache.h"
#include "lib/atomic.h"
#include "mm/page.h"
#include "mm/swap_internal.h"

struct spinlock swap_lock = SPINLOCK_INIT("swap slots", RANK_SWAP);
struct swap_area swap_areas[SWAP_AREAS_MAX];

// swap_lock held. The active area of highest priority with a free slot; NULL: all are full.
static struct swap_area *best_area(void)
{
	struct swap_area *best = NULL;

	for (u32 i = 0; i < SWAP_AREAS_MAX; i++) {
		struct swap_area *area = &swap_areas[i];

		if (area->is_active && !area->is_leaving && area->nr_used < area->nr_usable &&
		    (!best || area->priority > best->priority))
			best = area;
	}
	return best;
}

// swap_lock held; the area has a free slot.
static u32 take_slot(struct swap_area *area)
{
	u32 slot = area->hand;

	while (area->counts[slot] || area->frames[slot])
		slot = slot + 1 < area->nr_slots ? slot + 1 : 1;
	area->hand = slot + 1 < area->nr_slots ? slot + 1 : 1;
	area->nr_used++;
	return slot;
}

// swap_lock held. The page becomes the slot's; a reference goes with it.
static void bind(struct swap_area *area, u32 slot, struct page *p)
{
	area->frames[slot] = (u32)page_to_pfn(p) + 1;
	area->nr_cached++;
	p->private = swap_entry(area, slot).value;
	page_set(p, PAGE_SWAPCACHE);
}

// swap_lock held, page locked. The slot is free when no entry names it. The reference is the caller's to put.
static void unbind(struct page *p)
{
	swap_entry_t entry = { p->private };
	struct swap_area *area = swap_area_of(entry);
	u32 slot = swap_slot_of(entry);

	debug_assert(area->frames[slot] == page_to_pfn(p) + 1);
	area->frames[slot] = 0;
	area->nr_cached--;
	if (!area->counts[slot])
		area->nr_used--;
	p->private = 0;
	page_clear(p, PAGE_SWAPCACHE | PAGE_DIRTY);
}

bool swap_cache_add(struct page *p)
{
	spin_lock(&swap_lock);
	struct swap_area *area = best_area();

	if (area) {
		page_get(p);
		bind(area, take_slot(area), p);
		page_set(p, PAGE_DIRTY | PAGE_UPTODATE);
	}
	spin_unlock(&swap_lock);
	return area;
}

bool swap_cache_fill(struct page *p, swap_entry_t entry)
{
	struct swap_area *area = swap_area_of(entry);
	u32 slot = swap_slot_of(entry);

	spin_lock(&swap_lock);
	bool is_wanted = area->is_active && slot < area->nr_slots && area->counts[slot] &&
			 area->counts[slot] < SWAP_SLOT_FILE && !area->frames[slot];

	if (is_wanted)
		bind(area, slot, p);
	spin_unlock(&swap_lock);
	return is_wanted;
}

// swap_lock held. Who looks for an entry that he saw a moment ago may find that swapoff has been there meanwhile,
// and that another, smaller area has taken its place: there may be no arrays, or shorter ones.
static bool is_there(const struct swap_area *area, u32 slot)
{
	return area->is_active && slot < area->nr_slots;
}

struct page *swap_cache_find(swap_entry_t entry)
{
	struct swap_area *area = swap_area_of(entry);
	struct page *p = NULL;
	u32 slot = swap_slot_of(entry);

	spin_lock(&swap_lock);
	if (is_there(area, slot) && area->frames[slot]) {
		p = pfn_to_page(area->frames[slot] - 1);
		page_get(p);
	}
	spin_unlock(&swap_lock);
	return p;
}

bool swap_cache_try_evict(struct page *p)
{
	spin_lock(&swap_lock);
	// Two references: the cache's and the caller's. A third is found under swap_lock only,
	// or under the lock of a table that shows the page, so none can come now.
	bool is_gone = page_has(p, PAGE_SWAPCACHE) && !atomic_load(&p->map_count) && atomic_load(&p->refs) == 2;

	if (is_gone)
		unbind(p);
	spin_unlock(&swap_lock);
	if (is_gone)
		page_put(p);
	return is_gone;
}

bool swap_cache_forget(struct page *p)
{
	if (!page_has(p, PAGE_SWAPCACHE))
		return true;
	spin_lock(&swap_lock);
	swap_entry_t entry = { p->private };
	bool is_unused = !swap_area_of(entry)->counts[swap_slot_of(entry)];

	if (is_unused)
		unbind(p);
	spin_unlock(&swap_lock);
	if (is_unused)
		page_put(p);
	return is_unused;
}

void swap_hold(swap_entry_t entry)
{
	struct swap_area *area = swap_area_of(entry);

	spin_lock(&swap_lock);
	u16 *count = &area->counts[swap_slot_of(entry)];

	assert(*count < SLOT_FULL);             // there are fewer processes than that
	++*count;
	spin_unlock(&swap_lock);
}

void swap_put(swap_entry_t entry)
{
	struct swap_area *area = swap_area_of(entry);
	u32 slot = swap_slot_of(entry);
	struct page *p = NULL;

	spin_lock(&swap_lock);
	assert(area->counts[slot] && area->counts[slot] != SWAP_SLOT_BAD);
	if (--area->counts[slot] == 0) {
		if (!area->frames[slot])
			area->nr_used--;
		else
			page_get(p = pfn_to_page(area->frames[slot] - 1));
	}
	spin_unlock(&swap_lock);
	if (!p)
		return;
	// Whoever has it locked looks when he is done; else reclaim finds it.
	if (page_try_lock(p)) {
		swap_cache_forget(p);
		page_unlock(p);
	}
	page_put(p);
}

bool swap_take_for_file(swap_entry_t *out)
{
	spin_lock(&swap_lock);
	struct swap_area *area = best_area();

	if (area) {
		u32 slot = take_slot(area);

		area->counts[slot] = SWAP_SLOT_FILE;
		*out = swap_entry(area, slot);
	}
	spin_unlock(&swap_lock);
	return area;
}

void swap_free_of_file(swap_entry_t entry)
{
	struct swap_area *area = swap_area_of(entry);

	spin_lock(&swap_lock);
	assert(area->counts[swap_slot_of(entry)] == SWAP_SLOT_FILE);
	area->counts[swap_slot_of(entry)] = 0;
	area->nr_used--;
	spin_unlock(&swap_lock);
}

bool swap_is_half_full(void)
{
	return swap_free_pages() * 2 < swap_total_pages();
}

bool swap_entry_taken(swap_entry_t entry, struct page *p, bool keeps_slot)
{
	struct swap_area *area = swap_area_of(entry);

	spin_lock(&swap_lock);
	assert(area->counts[swap_slot_of(entry)] && area->counts[swap_slot_of(entry)] != SWAP_SLOT_BAD);
	bool is_last = --area->counts[swap_slot_of(entry)] == 0;

	if (is_last && !keeps_slot)
		unbind(p);
	spin_unlock(&swap_lock);
	if (is_last && !keeps_slot)
		page_put(p);                    // never the last reference: the caller has one
	return is_last;
}

bool swap_cache_give_up(struct page *p)
{
	if (!page_has(p, PAGE_SWAPCACHE) || !page_try_lock(p))
		return false;
	bool is_out = swap_cache_forget(p);

	page_unlock(p);
	return is_out;
}

// What p says of its slot may be old by now; what the slot says of its page is not.
void swap_cache_unshown(struct page *p)
{
	swap_entry_t entry = { READ_ONCE(p->private) };
	struct swap_area *area = swap_area_of(entry);
	u32 slot = swap_slot_of(entry);

	spin_lock(&swap_lock);
	bool is_unwanted = is_there(area, slot) && area->frames[slot] == page_to_pfn(p) + 1 && !area->counts[slot] &&
			   !atomic_load(&p->map_count);

	if (is_unwanted)
		page_get(p);
	spin_unlock(&swap_lock);
	if (!is_unwanted)
		return;
	// Reclaim has it locked just now, and will find that nobody wants it.
	if (page_try_lock(p)) {
		swap_cache_forget(p);
		page_unlock(p);
	}
	page_put(p);
}

bool swap_is_named(swap_entry_t entry)
{
	struct swap_area *area = swap_area_of(entry);
	u32 slot = swap_slot_of(entry);

	spin_lock(&swap_lock);
	bool is_named = is_there(area, slot) && area->counts[slot] && area->counts[slot] < SWAP_SLOT_FILE;

	spin_unlock(&swap_lock);
	return is_named;
}

u32 swap_count(swap_entry_t entry)
{
	return READ_ONCE(swap_area_of(entry)->counts[swap_slot_of(entry)]);
}
