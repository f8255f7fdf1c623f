/*
 * unmap.c - taking frames out of page tables. The order is always the same: clear the entries, make every CPU forget
 * them, only then give the frames back; areas leave the space before (so
 * no fault adds one), their cache's list after their entries are clear (so the reverse map never misses an entry), and tables go
 * last (so it never meets a freed table).
 */
#include "kernel.h"
#include "lib/atomic.h"
#include "mm/addrspace.h"
#include "mm/huge.h"
#include "mm/swap.h"
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

// What of a stretch leaves is counted here and entered into the table's and the space's counts once.
struct unmap_tally {
	u32 nr_cleared, nr_anon, nr_file;
	vaddr_t first, behind;          // of the addresses that were cleared
};

// Private copies of a file's pages can be swapped out, too: an eviction leaves them alone.
static void clear_swap_entry(struct unmap_state *state, pte_t *entry, vaddr_t va, struct unmap_tally *tally)
{
	swap_entry_t swap = { pte_swap_value(*entry) };

	if (state->what != UNMAP_ALL)
		return;
	WRITE_ONCE(entry->bits, 0);
	if (!tally->nr_cleared++)
		tally->first = va;
	tally->behind = va + PAGE_SIZE;
	atomic_sub(&state->batch.space->nr_swapped, 1);
	swap_put(swap);
}

// One entry that is not empty. True when the batch is full.
static inline bool unmap_entry(struct unmap_state *state, pte_t *entry, vaddr_t va, struct unmap_tally *tally)
{
	pte_t e = *entry;

	if (unlikely(pte_is_swap(e))) {
		clear_swap_entry(state, entry, va, tally);
		return false;
	}
	struct page *p = pte_page(e);

	if (!pte_is_present(e) || (state->what == UNMAP_CACHE_PAGES && (p->owner == PAGE_ANON || p == zero_page)))
		return false;
	e.bits = atomic_exchange(&entry->bits, 0);
	if (!tally->nr_cleared++)
		tally->first = va;
	tally->behind = va + PAGE_SIZE;
	if (p == zero_page)
		return false;
	if (p->owner == PAGE_ANON) {
		tally->nr_anon++;
	} else {
		tally->nr_file++;
		if (pte_is_accessed(e) && !page_has(p, PAGE_REFERENCED))
			page_set(p, PAGE_REFERENCED);
	}
	i32 left = atomic_sub_return(&p->map_count, 1);

	assert(left >= 0);              // P2
	return tlb_batch_add_page(&state->batch, p);
}

static int unmap_run(struct pte_run *run, void *argument)
{
	struct unmap_state *state = argument;
	struct addrspace *as = state->batch.space;
	struct unmap_tally tally = { 0 };
	u32 nr_left = run->record->nr_entries;
	bool is_full = false;

	for (u32 i = 0; i < run->nr && nr_left && !is_full; i++) {
		if (pte_is_none(run->entries[i]))
			continue;
		nr_left--;
		is_full = unmap_entry(state, &run->entries[i], run->start + ((u64)i << PAGE_SHIFT), &tally);
	}
	if (!tally.nr_cleared)
		return 0;
	run->record->nr_entries -= tally.nr_cleared;
	if (tally.nr_anon)
		atomic_sub(&as->nr_anon_resident, tally.nr_anon);
	if (tally.nr_file)
		atomic_sub(&as->nr_file_resident, tally.nr_file);
	tlb_batch_add_range(&state->batch, tally.first, tally.behind);
	state->nr += tally.nr_anon + tally.nr_file;
	state->next = tally.behind;
	return is_full;
}

static int unmap_huge(struct addrspace *as, vaddr_t va, pte_t e, void *argument)
{
	struct unmap_state *state = argument;
	struct page *head = pte_page(e);

	if (state->what == UNMAP_CACHE_PAGES)
		return 0;
	state->next = va;
	if (!pgtable_huge_change(as, va, e, (pte_t){ 0 }))
		return 1;               // it was split meanwhile: again
	huge_map_count_add(head, -1);
	atomic_sub(&as->nr_anon_resident, HUGE_PAGES);
	tlb_batch_add_range(&state->batch, va, va + HUGE_SIZE);
	state->nr += HUGE_PAGES;
	state->next = va + HUGE_SIZE;
	return tlb_batch_add_block(&state->batch, head);
}

u64 unmap_entries(struct addrspace *as, vaddr_t start, vaddr_t end, enum unmap_what what)
{
	struct unmap_state state = { .what = what, .next = start };

	tlb_batch_init(&state.batch, as);
	atomic_add(&as->nr_flushes_pending, 1);         // before the first entry goes: see rmap_clean
	while (pgtable_visit_all(as, state.next, end, unmap_run, unmap_huge, &state))
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
	struct list leaving = LIST_INIT(leaving);

	a = area_remove(as, a, end, &leaving);          // from here on nobody adds an entry
	unmap_entries(as, start, end, UNMAP_ALL);
	while (!list_is_empty(&leaving)) {
		struct area *gone = list_first(&leaving, struct area, dead_link);

		area_leave_cache(gone);
		list_remove(&gone->dead_link);
		list_push_back(dead, &gone->dead_link);
	}
	// The tables that only served the range: as far as the neighbours leave them alone.
	pgtable_collect_tables(as, start, end, area_floor(as, a), a ? a->start : USER_END);
	pgtable_free_collected(as);
	return 0;
}

void areas_bury(struct list *dead)
{
	while (!list_is_empty(dead)) {
		struct area *a = list_first(dead, struct area, dead_link);

		list_remove(&a->dead_link);
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
		while (pgtable_visit_all(as, state.next, a->end, unmap_run, unmap_huge, &state))
			tlb_batch_flush(&state.batch);
	}
	tlb_batch_flush(&state.batch);
	atomic_sub(&as->nr_flushes_pending, 1);
	a = area_find_from(as, 0);
	if (a)
		area_remove(as, a, USER_END, dead);
	list_for_each(a, dead, dead_link)
		area_leave_cache(a);
	list_for_each(a, dead, dead_link)
		pgtable_collect_tables(as, a->start, a->end, 0, USER_END);
	pgtable_free_collected(as);
}
