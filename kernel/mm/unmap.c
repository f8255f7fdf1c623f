/*
 * unmap.c - taking frames out of page tables. The order is always the same: clear the entries, make every CPU forget
 * them, only then give the frames back; areas leave their cache's list after their entries are clear (so the reverse
 * map never misses an entry), and tables go last (so it never meets a freed table).
 */
#include "kernel.h"
#include "lib/atomic.h"
#include "mm/addrspace.h"
#include "mm/unmap.h"
#include "x86/pgtable.h"
#include "x86/tlb.h"
#include "x86/uaccess.h"
#include <abi/errno.h>

struct unmap_state {
	struct tlb_batch batch;
	enum unmap_what what;
	vaddr_t next;                   // where to go on after a full batch
	u64 nr;
};

static int unmap_entry(struct pte_slot *slot, vaddr_t va, void *argument)
{
	struct unmap_state *state = argument;
	pte_t e = *slot->entry;

	if (!pte_is_present(e))
		return 0;
	struct page *p = pte_page(e);

	if (state->what == UNMAP_CACHE_PAGES && (p->owner == PAGE_ANON || p == zero_page))
		return 0;
	e = pte_exchange(slot, (pte_t){ 0 });
	if (p == zero_page) {
		tlb_batch_add_range(&state->batch, va);
		return 0;
	}
	if (pte_is_accessed(e) && p->owner == PAGE_CACHE && !page_has(p, PAGE_REFERENCED))
		page_set(p, PAGE_REFERENCED);
	i32 left = atomic_sub_return(&p->map_count, 1);

	assert(left >= 0);              // P2
	atomic_sub(resident_count(state->batch.space, p), 1);
	state->nr++;
	state->next = va + PAGE_SIZE;
	return tlb_batch_add_page(&state->batch, va, p);
}

u64 unmap_entries(struct addrspace *as, vaddr_t start, vaddr_t end, enum unmap_what what)
{
	struct unmap_state state = { .what = what, .next = start };

	tlb_batch_init(&state.batch, as);
	atomic_add(&as->nr_flushes_pending, 1);         // before the first entry goes: see rmap_clean
	while (pgtable_visit(as, state.next, end, unmap_entry, &state))
		tlb_batch_flush(&state.batch);
	tlb_batch_flush(&state.batch);
	atomic_sub(&as->nr_flushes_pending, 1);
	return state.nr;
}

int unmap_range(struct addrspace *as, vaddr_t start, vaddr_t end, struct list *dead)
{
	struct area *a = area_find_from(as, start);
	int error;

	if (!a || a->start >= end)
		return 0;
	// Only a hole in the middle of one area leaves more areas than before: at the limit munmap must fail before it has
	// done anything.
	if (a->start < start && a->end > end && as->nr_areas >= AREAS_MAX)
		return -ENOMEM;
	if (a->start < start) {
		error = area_cut(as, a, start);
		if (error)
			return error;
		a = area_next(a);
	}
	struct area *last = a->end >= end ? a : area_find(as, end - 1);

	if (last && last->end > end) {
		error = area_cut(as, last, end);
		if (error) {
			area_merge(as, a);      // the first split, undone
			return error;
		}
	}
	unmap_entries(as, start, end, UNMAP_ALL);
	a = area_remove(as, a, end, dead);
	// The tables that only served the range: as far as the neighbours leave them alone.
	pgtable_collect_tables(as, start, end, area_floor(as, a), a ? a->start : USER_END);
	pgtable_free_collected(as);
	return 0;
}

void areas_bury(struct list *dead)
{
	while (!list_is_empty(dead)) {
		struct area *a = list_first(dead, struct area, cache_link);

		list_remove(&a->cache_link);
		area_free(a);
	}
}

void unmap_everything(struct addrspace *as, struct list *dead)
{
	struct unmap_state state = { .what = UNMAP_ALL };
	struct area *a;

	// Area by area, so that only tables that show something are looked at; the frames of all share one flush.
	tlb_batch_init(&state.batch, as);
	atomic_add(&as->nr_flushes_pending, 1);
	for (a = area_find_from(as, 0); a; a = area_next(a)) {
		state.next = a->start;
		while (pgtable_visit(as, state.next, a->end, unmap_entry, &state))
			tlb_batch_flush(&state.batch);
	}
	tlb_batch_flush(&state.batch);
	atomic_sub(&as->nr_flushes_pending, 1);
	a = area_find_from(as, 0);
	if (a)
		area_remove(as, a, USER_END, dead);
	list_for_each(a, dead, cache_link)
		pgtable_collect_tables(as, a->start, a->end, 0, USER_END);
	pgtable_free_collected(as);
}
