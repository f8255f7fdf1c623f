/*
 * inherit.c - what a child sees of its parent's private pages: the same frames, read-only in both, so that the first
 * store on either side copies. One table of the parent at a time, beside its twin in the child; both are locked, so
 * nothing in the loop waits, and what is counted for all is counted once a table.
 */
#include "kernel.h"
#include "lib/atomic.h"
#include "mm/huge.h"
#include "mm/inherit.h"
#include "mm/swap.h"
#include "x86/pgtable.h"
#include <abi/errno.h>

struct inheritance {
	struct addrspace *to;
	bool has_failed;
	vaddr_t next;           // where the child had no table and none could be had without sleeping
};

// Clean pages of the file come back by a fault; a copy of our own does not.
static inline bool is_inherited(pte_t e)
{
	if (!pte_is_present(e))
		return !pte_is_none(e);
	return pte_page(e)->owner == PAGE_ANON || pte_page(e) == zero_page;
}

static int inherit_run(struct pte_run *run, void *argument)
{
	struct inheritance *state = argument;
	pte_t *from = run->entries, *const end = from + run->nr;
	u32 nr_pages = 0, nr_swapped = 0, nr_zero = 0;
	struct pte_run twin;

	while (from < end && !is_inherited(*from))
		from++;
	if (from == end)
		return 0;
	struct pte_run rest = { from, (u32)(end - from), run->start + ((u64)(from - run->entries) << PAGE_SHIFT),
				run->record };

	if (!pgtable_twin_lock(state->to, &rest, &twin)) {
		state->next = rest.start;
		return -ENOMEM;
	}
	page_table_note_run(twin.record, twin.entries, twin.nr);
	for (pte_t *to = twin.entries; from < end; from++, to++) {
		pte_t e = READ_ONCE(*from);

		if (pte_is_none(e))
			continue;
		struct page *p = pte_page(e);

		if (unlikely(!pte_is_present(e))) {     // both name the slot; the child finds its page by itself
			swap_hold((swap_entry_t){ pte_swap_value(e) });
			nr_swapped++;
		} else if (likely(p->owner == PAGE_ANON)) {
			page_show(p);
			nr_pages++;
		} else if (p == zero_page) {
			nr_zero++;
		} else {
			continue;
		}
		debug_assert(pte_is_none(*to));
		if (pte_is_writable(e))
			atomic_and(&from->bits, ~(u64)PTE_WRITE);
		WRITE_ONCE(to->bits, pte_write_protect(e).bits);
	}
	twin.record->nr_entries += nr_pages + nr_zero + nr_swapped;
	resident_add(state->to, RESIDENT_ANON, nr_pages);
	if (nr_swapped)
		atomic_add(&state->to->nr_swapped, nr_swapped);
	pgtable_twin_unlock(&twin);
	return 0;
}

// All of a huge entry, counted before it can be seen. Nothing is locked here, so this may sleep.
static int inherit_huge(struct addrspace *from, vaddr_t va, pte_t e, void *argument)
{
	struct inheritance *state = argument;
	struct page *head = pte_page(e);

	const struct area *a = area_find(from, va);
	pte_t shown = a->flags & AREA_HUGETLB_SHARED ? e : pte_write_protect(e);

	huge_get(head);
	huge_map_count_add(head, 1);
	resident_add(state->to, RESIDENT_ANON, HUGE_PAGES);
	if (pgtable_huge_enter(state->to, va, shown) == 0) {
		bool is_same = pgtable_huge_change(from, va, e, shown);

		assert(is_same);        // from->lock is ours
		return 0;
	}
	resident_sub(state->to, RESIDENT_ANON, HUGE_PAGES);
	huge_map_count_add(head, -1);
	huge_put(head);
	state->has_failed = true;
	return -ENOMEM;
}

static int inherit_range(struct addrspace *from, struct addrspace *to, vaddr_t start, vaddr_t end)
{
	struct inheritance state = { .to = to, .next = start };

	while (pgtable_visit_all(from, state.next, end, inherit_run, inherit_huge, &state)) {
		struct pte_slot slot;

		if (state.has_failed || pgtable_slot_lock(to, state.next, true, &slot))
			return -ENOMEM;
		pgtable_slot_unlock(&slot);
	}
	return 0;
}

static bool has_inheritance(const struct area *a)
{
	return a->has_private_pages && !(a->flags & (AREA_SHARED | AREA_DONT_FORK | AREA_WIPE_ON_FORK));
}

// A small area with nothing to inherit is walked over: its entries show pages of files.
static bool may_be_walked_over(const struct area *a)
{
	return !(a->flags & (AREA_DONT_FORK | AREA_WIPE_ON_FORK)) && a->end - a->start < HUGE_SIZE;
}

int inherit_pages(struct addrspace *from, struct addrspace *to)
{
	struct area *a = area_find_from(from, 0);
	int error = 0;

	while (a && !error) {
		vaddr_t start = a->start, end;

		if (!has_inheritance(a)) {
			a = area_next(a);
			continue;
		}
		// As many as can be in one walk over the tables.
		do {
			end = a->end;
			a = area_next(a);
		} while (a && (has_inheritance(a) || may_be_walked_over(a)));
		error = inherit_range(from, to, start, end);
	}
	return error;
}
