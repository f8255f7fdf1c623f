/*
 * swap_in.c - a page comes back to where it was. The fault finds the page in the swap cache, or lets it be read
 * with no lock held (NEED_SWAP), and shows it in place of the entry. It is always shown read-only first while
 * anybody else names the slot: the store then copies, as after fork. The last one to come gets the page for itself.
 * If he only reads, it stays in the swap cache, shown read-only, as long as swap is not half full: unchanged,
 * it need not be written again (its slot's count is 0 then). The first store takes it out (fault_copy_present),
 * and so does the end of its last entry (swap_cache_unshown).
 */
#include "kernel.h"
#include "cache/cache.h"
#include "lib/atomic.h"
#include "mm/addrspace.h"
#include "mm/fault_internal.h"
#include "mm/page.h"
#include "mm/swap.h"
#include "x86/cpu.h"
#include "x86/pgtable.h"

bool swap_show(struct addrspace *as, vaddr_t va, swap_entry_t entry, struct page *p, u32 area_flags, bool wants_write)
{
	struct pte_slot slot;
	bool keeps_slot = !wants_write && !page_has(p, PAGE_DIRTY) && !swap_is_half_full();

	if (pgtable_slot_lock(as, va, false, &slot))
		return false;
	bool is_same = slot.entry->bits == pte_of_swap(entry.value).bits;

	if (is_same) {
		page_get(p);
		p->family = as->family;
		p->anon_index = va >> PAGE_SHIFT;
		atomic_add(&p->map_count, 1);
		resident_add(as, RESIDENT_ANON, 1);
		atomic_sub(&as->nr_swapped, 1);
		// Not swap_put, which would want the page's lock: it is ours. So the last entry is given up here.
		bool is_mine = swap_entry_taken(entry, p, keeps_slot) && atomic_load(&p->map_count) == 1;

		pte_set(&slot, pte_make(p, area_flags, wants_write && is_mine ? PTE_WRITABLE : PTE_READ_ONLY));
	}
	pgtable_slot_unlock(&slot);
	return is_same;
}

enum fault_result fault_swap(struct addrspace *as, struct area *a, struct fault *f, struct found *found)
{
	swap_entry_t entry = { pte_swap_value(found->entry) };
	struct page *p = swap_cache_find(entry);

	if (f->page)
		page_put(f->page);
	f->page = p;
	f->index = entry.value;
	if (!p || page_has(p, PAGE_FAILED))
		return fault_needs(f, NEED_SWAP);
	if (!page_try_lock(p))
		return fault_needs(f, NEED_UNLOCK);
	// It may have left the swap cache between the look and the lock.
	if (!page_has(p, PAGE_SWAPCACHE) || p->private != entry.value || !page_has(p, PAGE_UPTODATE)) {
		page_unlock(p);
		return fault_needs(f, NEED_NOTHING);
	}
	area_note_private_page(a);
	bool is_shown = swap_show(as, PAGE_ALIGN_DOWN(f->address), entry, p, a->flags,
				  f->access & FAULT_WRITE && a->flags & AREA_WRITE);

	page_unlock(p);
	if (is_shown)
		count(COUNTER_SWAP_FAULTS);
	return is_shown ? FAULT_OK : fault_needs(f, NEED_NOTHING);
}
