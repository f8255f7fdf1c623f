/*
 * lazy_free.c - MADV_FREE. A program says of memory that its bytes are of no more use;
 * it may still store there again. So the pages stay until memory is short,
 * are then thrown away without being written anywhere, and read as zeros.
 *
 * Whether a store has come since is told by the processor: madvise clears the dirty bit of the entry,
 * and every processor forgets it (a flush), so the next store sets the bit again, in the entry.
 * Reclaim clears an entry only as long as the bit is not set, by one operation that fails when it is;
 * a processor that stores after that finds no entry, and faults.
 *
 *  Z1  A page with PAGE_LAZY_FREE is private, and in no swap cache. As long as the dirty bit of an entry that
 *      shows it is clear, nothing was stored to it by way of that entry since the advice.
 *
 * Pages that are shared after fork are left alone, on both sides: the bytes are of use to the other.
 */
#include "kernel.h"
#include "lib/atomic.h"
#include "mm/addrspace.h"
#include "mm/lazy_free.h"
#include "mm/page.h"
#include "mm/reclaim.h"
#include "mm/rmap.h"
#include "mm/swap.h"
#include "x86/cpu.h"
#include "x86/pgtable.h"
#include "x86/tlb.h"

static void forget_slot(struct addrspace *as, struct pte_slot *slot)
{
	swap_entry_t entry = { pte_swap_value(*slot->entry) };

	pte_set(slot, (pte_t){ 0 });
	atomic_sub(&as->nr_swapped, 1);
	swap_put(entry);
}

static int free_later(struct pte_slot *slot, vaddr_t va, void *argument)
{
	struct addrspace *as = argument;
	pte_t e = *slot->entry;

	(void)va;
	if (pte_is_swap(e)) {
		forget_slot(as, slot);
		return 0;
	}
	struct page *p = pte_page(e);

	// Shared, in the swap cache, or somebody is looking at it just now.
	if (!pte_is_present(e) || p->owner != PAGE_ANON || atomic_load(&p->refs) != 1)
		return 0;
	atomic_and(&slot->entry->bits, ~(u64)(PTE_DIRTY | PTE_ACCESSED));
	page_set(p, PAGE_LAZY_FREE);
	reclaim_add_private(p);
	count(COUNTER_PGLAZYFREE);
	return 0;
}

void lazy_free_range(struct addrspace *as, vaddr_t start, vaddr_t end)
{
	pgtable_visit(as, start, end, free_later, as);
	tlb_flush_range(as, start, end);        // from now on a store is seen
}

bool lazy_free_may_drop(struct page *p)
{
	if (!page_has(p, PAGE_LAZY_FREE))
		return false;
	// Its one entry and the caller.
	if (atomic_load(&p->map_count) == 1 && atomic_load(&p->refs) == 2)
		return true;
	page_clear(p, PAGE_LAZY_FREE);
	return false;
}

bool lazy_free_drop(struct page *p, struct tlb_gather *gather)
{
	switch (rmap_anon_drop(p, gather)) {
	case DROP_DONE:
		count(COUNTER_PGLAZYFREED);
		return true;
	case DROP_STORED_TO:
		page_clear(p, PAGE_LAZY_FREE);
		break;
	case DROP_NOT_FOUND:
		break;
	}
	return false;
}
