/*
 * unmap.c - taking frames out of page tables. The order is always the same: clear the entries, make every CPU forget
 * them, only then give the frames back; areas leave the space before (so
 * no fault adds one), their cache's list after their entries are clear (so the reverse map never misses an entry),
 * and tables go last (so it never meets a freed table).
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

// Not by an initializer, which would clear the batch's places, too: they are many and need no value.
static void state_init(struct unmap_state *state, struct addrspace *as, vaddr_t start, enum unmap_what what)
{
	tlb_batch_init(&state->batch, as);
	state->what = what;
	state->next = start;
	state->nr = 0;
}

// What of a stretch leaves is counted here and entered into the table's and the space's counts once.
struct unmap_tally {
	u32 nr_cleared, nr_file;        // the former with, the latter without the zero page
	u32 nr_pages_before;            // in the batch
};

static inline void drop_mapping(struct page *p)
{
	i32 left = atomic_sub_return(&p->map_count, 1);

	assert(left >= 0);              // P2
}

// Private copies of a file's pages can be swapped out, too: an eviction leaves them alone.
static void clear_swap_entry(struct unmap_state *state, pte_t *entry, struct unmap_tally *tally)
{
	swap_entry_t swap = { pte_swap_value(*entry) };

	if (state->what != UNMAP_ALL)
		return;
	WRITE_ONCE(entry->bits, 0);
	tally->nr_cleared++;
	atomic_sub(&state->batch.space->nr_swapped, 1);
	swap_put(swap);
}

// An entry that shows no private page. True when the batch is full.
static bool unmap_other(struct unmap_state *state, pte_t *entry, struct unmap_tally *tally)
{
	if (pte_is_swap(*entry)) {
		clear_swap_entry(state, entry, tally);
		return false;
	}
	struct page *p = pte_page(*entry);

	if (!pte_is_present(*entry) || (state->what == UNMAP_CACHE_PAGES && p == zero_page))
		return false;
	pte_t e = { atomic_exchange(&entry->bits, 0) };

	tally->nr_cleared++;
	if (p == zero_page)
		return false;
	tally->nr_file++;
	if (pte_is_accessed(e) && !page_has(p, PAGE_REFERENCED))
		page_set(p, PAGE_REFERENCED);
	drop_mapping(p);
	return tlb_batch_add_page(&state->batch, p);
}

static void enter_tally(struct unmap_state *state, struct pte_run *run, const struct unmap_tally *tally)
{
	struct addrspace *as = state->batch.space;
	u32 nr_pages = state->batch.nr_pages - tally->nr_pages_before;

	run->record->nr_entries -= tally->nr_cleared;
	if (nr_pages)
		addrspace_note_peak(as);
	if (nr_pages > tally->nr_file)
		resident_sub(as, RESIDENT_ANON, nr_pages - tally->nr_file);
	if (tally->nr_file)
		resident_sub(as, RESIDENT_FILE, tally->nr_file);
	state->nr += nr_pages;
}

static int unmap_run(struct pte_run *run, void *argument)
{
	struct unmap_state *state = argument;
	struct unmap_tally tally = { .nr_pages_before = state->batch.nr_pages };
	const bool takes_all = state->what == UNMAP_ALL;
	pte_t *const end = run->entries + run->nr, *entry = run->entries;
	u32 nr_left = run->record->nr_entries, nr_private = 0;
	bool is_full = false;

	while (entry < end && pte_is_none(*entry))
		entry++;
	vaddr_t first = run->start + ((u64)(entry - run->entries) << PAGE_SHIFT);

	// The loop for private memory is kept short: munmap and exit go through it for every page.
	for (; entry < end && nr_left && !is_full; entry++) {
		pte_t e = READ_ONCE(*entry);

		if (pte_is_none(e))
			continue;
		nr_left--;
		struct page *p = pte_page(e);

		if (unlikely(!pte_is_present(e) || p->owner != PAGE_ANON)) {
			is_full = unmap_other(state, entry, &tally);
		} else if (takes_all) {
			(void)atomic_exchange(&entry->bits, 0);
			nr_private++;
			drop_mapping(p);
			is_full = tlb_batch_add_page(&state->batch, p);
		}
	}
	tally.nr_cleared += nr_private;
	if (!tally.nr_cleared)
		return 0;
	state->next = run->start + ((u64)(entry - run->entries) << PAGE_SHIFT);
	tlb_batch_add_range(&state->batch, first, state->next);
	enter_tally(state, run, &tally);
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
	addrspace_note_peak(as);
	resident_sub(as, RESIDENT_ANON, HUGE_PAGES);
	tlb_batch_add_range(&state->batch, va, va + HUGE_SIZE);
	state->nr += HUGE_PAGES;
	state->next = va + HUGE_SIZE;
	return tlb_batch_add_block(&state->batch, head);
}

u64 unmap_entries(struct addrspace *as, vaddr_t start, vaddr_t end, enum unmap_what what)
{
	struct unmap_state state;

	state_init(&state, as, start, what);
	atomic_add(&as->nr_flushes_pending, 1);         // before the first entry goes: see rmap_clean
	while (pgtable_visit_all(as, state.next, end, unmap_run, unmap_huge, &state))
		tlb_batch_flush(&state.batch);
	if (state.batch.start < state.batch.end)
		tlb_batch_flush(&state.batch);
	atomic_sub(&as->nr_flushes_pending, 1);
	return state.nr;
}

/* --- the tables of a range that was unmapped ------------------------------------------------ */

// What leaves, [start, end), and how far around it there is no area, [floor, ceiling).
struct extent {
	vaddr_t start, end, floor, ceiling;
	bool is_one;                    // few pages, which table shows (NULL: nothing, not even a table)
	struct page *table;
};

static struct extent extent_of(struct addrspace *as, vaddr_t start, vaddr_t end, struct area *above)
{
	struct extent e = { start, end, area_floor(as, above), above ? above->start : USER_END, false, NULL };

	e.is_one = end - start < HUGE_SIZE && pgtable_one_table(as, start, end, &e.table);
	return e;
}

void unmap_free_kept_table(struct addrspace *as)
{
	if (!as->keeps_table)
		return;
	vaddr_t start = as->kept_table_start, end = start + HUGE_SIZE;
	struct area *above = area_find_from(as, start);

	as->keeps_table = false;
	if (above && above->start < end)
		return;                 // it is in use again
	pgtable_collect_tables(as, start, end, area_floor(as, above), above ? above->start : USER_END);
	pgtable_free_collected(as);
}

/*
 * The tables that only served the range are freed, as far as the neighbours leave them alone.
 * But the last one that a few pages have left empty stays where it is: who maps and unmaps in turns would
 * make it again and again, and clear it, and have every CPU forget it. So at most one table that no area
 * reaches is kept, and the next one takes its place.
 */
static void leave_tables(struct addrspace *as, const struct extent *e)
{
	vaddr_t base = huge_align_down(e->start);

	if (!e->is_one) {
		pgtable_collect_tables(as, e->start, e->end, e->floor, e->ceiling);
		pgtable_free_collected(as);
		return;
	}
	if (!e->table || e->table->nr_entries || base < e->floor || base + HUGE_SIZE > e->ceiling)
		return;                 // it shows something, or could at any time
	if (as->keeps_table && as->kept_table_start == base)
		return;
	unmap_free_kept_table(as);
	as->keeps_table = true;
	as->kept_table_start = base;
}

int unmap_range(struct addrspace *as, vaddr_t start, vaddr_t end, struct list *dead)
{
	struct area *a = area_find_from(as, start);
	int error;

	if (!a || a->start >= end)
		return 0;
	// Only a hole in the middle of one area leaves more areas than before:
	// at the limit munmap must fail before it has done anything.
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
	struct list *last_before = dead->previous;

	a = area_remove(as, a, end, dead);              // from here on nobody adds an entry
	struct extent extent = extent_of(as, start, end, a);

	if (!extent.is_one || extent.table)
		unmap_entries(as, start, end, UNMAP_ALL);
	for (struct list *l = last_before->next; l != dead; l = l->next)
		area_leave_cache(list_entry(l, struct area, dead_link));
	leave_tables(as, &extent);
	return 0;
}

void areas_free(struct list *dead)
{
	struct area *a, *following;

	list_for_each_safe(a, following, dead, dead_link)
		area_free(a);
	list_init(dead);
}
