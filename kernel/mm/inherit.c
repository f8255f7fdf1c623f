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
	const struct area *area;
	bool has_failed;
	vaddr_t next;           // where the child had no table and none could be had without sleeping
};

static int inherit_run(struct pte_run *run, void *argument)
{
	struct inheritance *state = argument;
	u32 nr_left = run->record->nr_entries, nr_pages = 0, nr_zero = 0, nr_swapped = 0;
	pte_t *const end = run->entries + run->nr;
	struct pte_run twin;

	if (!pgtable_twin_lock(state->to, run, &twin)) {
		state->next = run->start;
		return -ENOMEM;
	}
	pte_t *to = twin.entries;

	for (pte_t *from = run->entries; from < end && nr_left; from++, to++) {
		pte_t e = READ_ONCE(*from);

		if (pte_is_none(e))
			continue;
		nr_left--;
		if (unlikely(pte_is_swap(e))) {         // both name the slot; the child finds or reads its page by itself
			swap_hold((swap_entry_t){ pte_swap_value(e) });
			WRITE_ONCE(to->bits, e.bits);
			nr_swapped++;
			continue;
		}
		struct page *p = pte_page(e);

		// Clean pages of the file come back by a fault; a copy of our own does not.
		if (!pte_is_present(e) || (p->owner != PAGE_ANON && p != zero_page))
			continue;
		debug_assert(pte_is_none(*to));
		if (pte_is_writable(e))
			atomic_and(&from->bits, ~(u64)PTE_WRITE);
		if (likely(p->owner == PAGE_ANON)) {
			atomic_add(&p->refs, 1);
			atomic_add(&p->map_count, 1);
			nr_pages++;
		} else {
			nr_zero++;
		}
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

	pte_t shown = state->area->flags & AREA_HUGETLB_SHARED ? e : pte_write_protect(e);

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

int inherit_pages(struct addrspace *from, struct addrspace *to, const struct area *a)
{
	struct inheritance state = { .to = to, .area = a, .next = a->start };

	while (pgtable_visit_all(from, state.next, a->end, inherit_run, inherit_huge, &state)) {
		struct pte_slot slot;

		if (state.has_failed || pgtable_slot_lock(to, state.next, true, &slot))
			return -ENOMEM;
		pgtable_slot_unlock(&slot);
	}
	return 0;
}
