/*
 * rmap_anon.c - the one way back for private memory. A private page knows its family - the address spaces that came
 * from one exec by fork - and the virtual page number at which it was made. fork shows it at the same address in the
 * child, so its entries are found by looking at that one address in every space of the family. No list for each page,
 * and nothing to maintain at a fault or a fork. mremap moves the number along while the page is shown once;
 * one that was shared and moved in one of its spaces is not found there, and stays in memory until it is alone again.
 *
 * A space is looked into with its lock held for reading (or by the thread that has it for writing), only tried: so its
 * tables stay, and no fork or mremap is half-way. The family itself is kept by a reference (family_of_page).
 */
#include "kernel.h"
#include "lib/atomic.h"
#include "mm/addrspace.h"
#include "mm/page.h"
#include "mm/rmap.h"
#include "mm/swap.h"
#include "x86/pgtable.h"
#include "x86/tlb.h"

struct anon_look {
	struct page *page;
	struct addrspace *space;        // the one being looked at
	struct tlb_gather *gather;
	bool was_used, is_locked;       // answers
	u32 nr_seen;
	enum rmap_drop dropped;
};

// False: a lock could not be had, so some entries may not have been visited.
static bool look_in_family(struct family *family, struct anon_look *look, pte_visitor visit)
{
	vaddr_t va = look->page->anon_index << PAGE_SHIFT;
	struct addrspace *as;
	bool is_complete = true;

	if (!mutex_try_lock(&family->lock))
		return false;
	list_for_each(as, &family->spaces, family_link) {
		bool is_ours = rwlock_is_write_held(&as->lock);

		if (!is_ours && !read_try_lock(&as->lock)) {
			is_complete = false;
			continue;
		}
		look->space = as;
		pgtable_visit(as, va, va + PAGE_SIZE, visit, look);
		if (!is_ours)
			read_unlock(&as->lock);
	}
	mutex_unlock(&family->lock);
	return is_complete;
}

static bool look_everywhere(struct anon_look *look, pte_visitor visit)
{
	struct family *family = family_of_page(look->page);
	bool is_complete = true;

	if (family) {
		is_complete = look_in_family(family, look, visit);
		family_put(family);
	}
	return is_complete;
}

static int age_entry(struct pte_slot *slot, vaddr_t va, void *argument)
{
	struct anon_look *look = argument;
	pte_t e = *slot->entry;

	if (!pte_is_present(e) || pte_page(e) != look->page)
		return 0;
	struct area *a = area_find(look->space, va);

	look->nr_seen++;
	look->is_locked |= a && a->flags & AREA_LOCKED;
	if (pte_is_accessed(e)) {
		pte_clear_accessed(slot);
		look->was_used = true;
	}
	return 0;
}

enum rmap_age rmap_anon_age(struct page *p)
{
	struct anon_look look = { .page = p };
	bool is_complete = look_everywhere(&look, age_entry);

	if (look.is_locked)
		return AGE_LOCKED;
	if (!is_complete || look.nr_seen != (u32)atomic_load(&p->map_count))
		return AGE_UNKNOWN;
	return look.was_used ? AGE_USED : AGE_UNUSED;
}

static int take_entry(struct pte_slot *slot, vaddr_t va, void *argument)
{
	struct anon_look *look = argument;
	struct page *p = look->page;
	swap_entry_t entry = { p->private };

	(void)va;
	if (!pte_is_present(*slot->entry) || pte_page(*slot->entry) != p)
		return 0;
	swap_hold(entry);
	pte_set(slot, pte_of_swap(entry.value));
	atomic_sub(&p->map_count, 1);
	addrspace_note_peak(look->space);
	resident_sub(look->space, RESIDENT_ANON, 1);
	atomic_add(&look->space->nr_swapped, 1);
	tlb_gather_add(look->gather, look->space);
	page_put(p);                            // never the last: the caller holds one
	return 0;
}

bool rmap_anon_take(struct page *p, struct tlb_gather *gather)
{
	struct anon_look look = { .page = p, .gather = gather };

	look_everywhere(&look, take_entry);
	return !atomic_load(&p->map_count);
}

static int drop_entry(struct pte_slot *slot, vaddr_t va, void *argument)
{
	struct anon_look *look = argument;
	struct page *p = look->page;
	pte_t e = *slot->entry;

	(void)va;
	if (!pte_is_present(e) || pte_page(e) != p)
		return 0;
	// A processor may set the accessed bit meanwhile, or the dirty one: only the latter saves the page.
	while (!pte_is_dirty(e) && !atomic_compare_exchange(&slot->entry->bits, e.bits, 0))
		e = READ_ONCE(*slot->entry);
	if (pte_is_dirty(e)) {
		look->dropped = DROP_STORED_TO;
		return 1;
	}
	slot->table->nr_entries--;
	addrspace_note_peak(look->space);
	atomic_sub(&p->map_count, 1);
	resident_sub(look->space, RESIDENT_ANON, 1);
	tlb_gather_add(look->gather, look->space);
	page_put(p);                            // never the last: the caller holds one
	look->dropped = DROP_DONE;
	return 1;
}

enum rmap_drop rmap_anon_drop(struct page *p, struct tlb_gather *gather)
{
	struct anon_look look = { .page = p, .gather = gather, .dropped = DROP_NOT_FOUND };

	look_everywhere(&look, drop_entry);
	return look.dropped;
}
