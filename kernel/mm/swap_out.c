/*
 * swap_out.c - private memory on its way to the disk.
 *
 *      shown, DIRTY bytes only here
 *        | swap_out_prepare: a slot, the swap cache            (whoever faults on an entry finds the page there)
 *        | swap_out_unmap: entries become swap entries         (the slot's count goes up by each)
 *        | one shootdown for the batch                         (no processor can store to it any more)
 *        | swap_out_write: neighbours in one request
 *        | swap_out_finish: out of the swap cache              (if nobody has come for it meanwhile)
 *      free
 *
 * The page is locked all the way, so a fault on one of its entries waits for the end.
 * If not every entry could be found, the page stays in the swap cache and in memory,
 * and the rest is tried another time; what is shown of it is read-only.
 *
 * Private pages stand on no list as long as there is memory: a fault that makes one, and the munmap that frees it, pay
 * nothing for reclaim. Only when memory is short swap_out_adopt walks the page tables, a piece at a time,
 * and puts what it finds on the list of candidates. It finds them in the order of addresses, so neighbours
 * become candidates together, get slots side by side, and are written and read back in one request.
 */
#include "kernel.h"
#include "cache/cache.h"
#include "lib/atomic.h"
#include "mm/addrspace.h"
#include "mm/lazy_free.h"
#include "mm/page.h"
#include "mm/reclaim.h"
#include "mm/rmap.h"
#include "mm/swap.h"
#include "mm/swap_out.h"
#include "proc/process.h"
#include "x86/pgtable.h"

bool swap_out_prepare(struct page *p)
{
	bool is_cached = page_has(p, PAGE_SWAPCACHE);

	// Whoever else holds it may be reading it; it would not come free.
	if (atomic_load(&p->refs) != atomic_load(&p->map_count) + (is_cached ? 1 : 0) + 1)
		return false;
	return is_cached || lazy_free_may_drop(p) || swap_cache_add(p);
}

bool swap_out_prepare_file(struct page *p)
{
	struct cache *cache = p->cache;

	if (!cache->ops->swap_place)
		return false;
	if (!page_has(p, PAGE_DIRTY))
		return true;
	// The tree, ourselves, and who shows it: a store that another's reference allows would be lost.
	if (atomic_load(&p->refs) != atomic_load(&p->map_count) + 2)
		return false;
	return p->private || cache->ops->swap_place(cache, p);
}

void swap_out_stays(struct page *p)
{
	struct cache *cache = p->owner == PAGE_CACHE ? p->cache : NULL;

	if (p->owner == PAGE_ANON && page_has(p, PAGE_SWAPCACHE) && swap_is_half_full())
		swap_cache_forget(p);

	if (cache && cache->ops->swap_give && p->private && page_has(p, PAGE_UPTODATE) && swap_is_half_full())
		cache->ops->swap_give(cache, p);
}

bool swap_out_unmap(struct page *p, struct tlb_gather *gather)
{
	if (page_has(p, PAGE_LAZY_FREE))
		return lazy_free_drop(p, gather);
	if (!atomic_load(&p->map_count) || rmap_anon_take(p, gather))
		return true;
	swap_cache_forget(p);                   // if not one entry was found, the slot is free again
	return false;
}

// A page of tmpfs that somebody has come for meanwhile, or whose entry a munmap under way has taken out and not
// flushed, may still be stored to: it stays dirty. (He holds a reference until after his flush.)
static bool must_be_written(struct page *p)
{
	if (!page_has(p, PAGE_DIRTY))
		return false;
	return p->owner == PAGE_CACHE ? atomic_load(&p->refs) == 2 : !swap_cache_forget(p);
}

void swap_out_write(struct page **pages, u32 nr)
{
	struct page *dirty[RECLAIM_BATCH];
	u32 nr_dirty = 0;

	for (u32 i = 0; i < nr; i++)
		if (must_be_written(pages[i]))
			dirty[nr_dirty++] = pages[i];
	if (nr_dirty)
		swap_write(dirty, nr_dirty);
}

bool swap_out_finish(struct page *p)
{
	if (!page_has(p, PAGE_SWAPCACHE))
		return true;                    // nobody wants it any more
	return !page_has(p, PAGE_DIRTY) && swap_cache_try_evict(p);
}

/* --- adoption --------------------------------------------------------------- */

// Where the next piece begins: the reclaim thread's own.
static int next_pid;
static vaddr_t next_address;

struct adoption {
	u32 nr_left;
	vaddr_t next;
};

static int adopt_entry(struct pte_slot *slot, vaddr_t va, void *argument)
{
	struct adoption *state = argument;
	pte_t e = *slot->entry;

	state->next = va + PAGE_SIZE;
	if (pte_is_present(e) && pte_page(e)->owner == PAGE_ANON && !page_has(pte_page(e), PAGE_ON_LRU)) {
		pte_clear_accessed(slot);       // from now on it is watched
		reclaim_add_private(pte_page(e));
	}
	return --state->nr_left == 0;
}

// Looks at entries of private areas from next_address on. False: that was the end of the space.
static bool adopt_from(struct addrspace *as, struct adoption *state)
{
	struct area *a = area_find_from(as, next_address);

	for (; a && state->nr_left; a = area_next(a)) {
		if (!a->has_private_pages || a->flags & (AREA_SHARED | AREA_LOCKED | AREA_HUGETLB))
			continue;
		state->next = max(a->start, next_address);
		if (!pgtable_visit(as, state->next, a->end, adopt_entry, state))
			state->next = a->end;
		next_address = state->next;
	}
	return a || !state->nr_left;
}

void swap_out_adopt(u32 nr_entries)
{
	struct adoption state = { .nr_left = nr_entries };
	struct process *p;

	if (!swap_free_pages())
		return;
	// A few processes at most: many may have nothing to adopt.
	for (u32 i = 0; i < 16 && state.nr_left; i++) {
		p = process_next(next_pid);
		if (!p && !next_pid)
			break;
		if (!p) {
			next_pid = 0;
			continue;
		}
		struct addrspace *as = addrspace_of_process(p->pid);
		bool is_more = false;

		if (as && read_try_lock(&as->lock)) {
			is_more = adopt_from(as, &state);
			read_unlock(&as->lock);
		}
		if (as)
			addrspace_put(as);
		if (!is_more) {
			next_pid = p->pid;
			next_address = 0;
		}
		process_put(p);
	}
}
