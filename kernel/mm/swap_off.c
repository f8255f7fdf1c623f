/*
 * swap_off.c - everything comes back: swapoff walks every address space for entries of the area, reads their pages, and
 * shows them again. Processes run meanwhile: they fork, exit, and swap pages of their own in;
 * but no new slot of the area is given out, so each round leaves fewer, and rounds go on until none is in use.
 * A space that is about to die is no process's any more: its entries go by themselves.
 */
#include "kernel.h"
#include "cache/cache.h"
#include "fs/tmpfs.h"
#include "mm/addrspace.h"
#include "mm/page.h"
#include "mm/swap_internal.h"
#include "proc/process.h"
#include "proc/signal.h"
#include "proc/timer.h"
#include "x86/clock.h"
#include "x86/pgtable.h"
#include "x86/uaccess.h"
#include <abi/errno.h>

struct search {
	u32 number;
	vaddr_t va;                     // where one was found
	swap_entry_t entry;
};

static int find_entry(struct pte_slot *slot, vaddr_t va, void *argument)
{
	struct search *s = argument;

	if (!pte_is_swap(*slot->entry))
		return 0;
	swap_entry_t entry = { pte_swap_value(*slot->entry) };

	if (swap_area_of(entry)->number != s->number)
		return 0;
	s->va = va;
	s->entry = entry;
	return 1;
}

// as->lock held. Shows the page at va if the entry is still there.
static void show_again(struct addrspace *as, const struct search *s, struct page *p)
{
	struct area *a = area_find(as, s->va);

	page_lock(p);
	if (a && page_has(p, PAGE_SWAPCACHE) && p->private == s->entry.value)
		(void)!swap_show(as, s->va, s->entry, p, a->flags, false);
	page_unlock(p);
}

static int bring_back_to(struct addrspace *as, u32 number)
{
	struct search s = { .number = number };
	vaddr_t at = 0;

	for (;;) {
		struct page *p;

		if (current_must_die())
			return -EINTR;
		read_lock(&as->lock);
		bool is_found = pgtable_visit(as, at, USER_END, find_entry, &s);

		read_unlock(&as->lock);
		if (!is_found)
			return 0;
		int error = swap_read(s.entry, &p);

		if (error)
			return error;
		at = s.va;
		if (!p)
			continue;               // it has been swapped in by its owner
		read_lock(&as->lock);
		show_again(as, &s, p);
		read_unlock(&as->lock);
		page_put(p);
	}
}

static int one_round(u32 number)
{
	struct process *p;
	int error = 0;

	for (int pid = 0; !error && (p = process_next(pid)); process_put(p)) {
		struct addrspace *as = addrspace_of_process(pid = p->pid);

		if (!as)
			continue;
		if (READ_ONCE(as->nr_swapped))
			error = bring_back_to(as, number);
		addrspace_put(as);
	}
	return error;
}

// Pages of the swap cache that no entry names any more, or that were read for nothing.
static void drop_cached(struct swap_area *area)
{
	for (u32 slot = 1; slot < area->nr_slots && READ_ONCE(area->nr_used); slot++) {
		struct page *p = READ_ONCE(area->frames[slot]) ? swap_cache_find(swap_entry(area, slot)) : NULL;

		if (!p)
			continue;
		page_lock(p);
		swap_cache_forget(p);
		page_unlock(p);
		page_put(p);
	}
}

int swap_bring_back(u32 number)
{
	struct swap_area *area = &swap_areas[number];

	for (;;) {
		int error = one_round(number);

		if (!error)
			error = tmpfs_bring_back(number);
		if (error)
			return error;
		drop_cached(area);
		if (!READ_ONCE(area->nr_used))
			return 0;
		// Somebody forks, exits or reads just now.
		(void)!sleep_until(clock_monotonic_ns() + 1000000, WAIT_UNINTERRUPTIBLE);
	}
}
