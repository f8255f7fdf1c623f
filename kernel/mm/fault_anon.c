/*
 * fault_anon.c - the verbs of private memory: a first look or store (ZERO), and a store to a page that somebody
 * else sees too (COPY). The page-table entry is the truth about a private page; what was read there under
 * the table's lock is compared again under it before anything is replaced (fault_install).
 */
#include "kernel.h"
#include "lib/atomic.h"
#include "mm/addrspace.h"
#include "mm/fault_internal.h"
#include "mm/frame.h"
#include "mm/huge.h"
#include "mm/hugetlb.h"
#include "mm/swap.h"
#include "proc/process.h"
#include "sync/look.h"
#include "x86/pgtable.h"
#include "x86/tlb.h"

// As fault_install, for a page that nobody has seen yet where nothing is shown.
static bool install_first(struct addrspace *as, struct fault *f, struct page *p, struct found *found, pte_t fresh)
{
	struct pte_slot *slot = &found->slot;

	if (likely(slot->entry)) {
		pgtable_slot_relock(slot);
	} else if (pgtable_slot_lock(as, f->address, true, slot)) {
		f->error = -ENOMEM;
		return false;
	}
	bool is_empty = pte_is_none(*slot->entry);

	if (is_empty) {
		p->map_count = 1;
		resident_add(as, RESIDENT_ANON, 1);
		page_table_note(slot->table, slot->entry);
		atomic_store(&slot->entry->bits, fresh.bits);   // no processor notes anything in an empty entry
		slot->table->nr_entries++;
	}
	pgtable_slot_unlock(slot);
	return is_empty;
}

static enum fault_result zero_for_store(struct addrspace *as, struct area *a, struct fault *f, struct found *found)
{
	if (!found->slot.entry && huge_is_wanted(as, a, f->address)) {
		if (look_is_on())
			return FAULT_NO_MEMORY; // clearing 2 MiB takes long, a look ends soon: again with the lock
		if (huge_fault_zero(as, a, f))
			return FAULT_OK;
	}
	struct page *p = frame_alloc(PAGE_ANON, FRAME_ZERO);

	if (!p)
		return FAULT_NO_MEMORY;
	p->family = as->family;
	p->anon_index = f->address >> PAGE_SHIFT;
	count(COUNTER_ZERO_FILLS);
	process_count(COUNT_ZERO_FILLS);
	area_note_private_page(a);
	if (install_first(as, f, p, found, pte_make(p, a->flags, PTE_WRITABLE)))
		return FAULT_OK;
	page_put(p);
	return fault_lost_race(f);
}

enum fault_result fault_zero(struct addrspace *as, struct area *a, struct fault *f, struct found *found)
{
	if (unlikely(a->flags & AREA_HUGETLB) && !found->slot.entry)
		return hugetlb_fault(as, a, f);
	if (f->access & FAULT_WRITE)
		return zero_for_store(as, a, f, found);
	return fault_install(as, f, zero_page, found, pte_make(zero_page, a->flags, PTE_READ_ONLY)) ? FAULT_OK :
	       fault_lost_race(f);
}

// Replaces what the slot shows (the shared original, still referenced by the caller) by our own copy.
static enum fault_result install_copy(struct addrspace *as, struct area *a, struct fault *f,
				      struct page *original, struct found *found)
{
	struct page *copy = frame_alloc(PAGE_ANON, 0);

	if (!copy)
		return FAULT_NO_MEMORY;
	copy->family = as->family;
	copy->anon_index = f->address >> PAGE_SHIFT;
	page_copy(page_address(copy), page_address(original));
	area_note_private_page(a);
	vaddr_t va = PAGE_ALIGN_DOWN(f->address);

	if (!fault_install(as, f, copy, found, pte_make(copy, a->flags, PTE_WRITABLE))) {
		page_put(copy);
		return fault_lost_race(f);
	}
	count(COUNTER_COW_COPIES);
	process_count(COUNT_COW_COPIES);
	tlb_flush_range(as, va, va + PAGE_SIZE);        // other threads may still read the original
	if (original != zero_page)
		page_put(original);
	return FAULT_OK;
}

// No other entry shows it, and nobody holds it. The swap cache, which kept it for its slot, lets go of it.
static bool is_alone(struct page *p)
{
	i32 refs = atomic_load(&p->refs);

	if (refs == 2 && atomic_load(&p->map_count) == 1 && swap_cache_give_up(p))
		refs = atomic_load(&p->refs);
	return refs == 1;
}

enum fault_result fault_copy_present(struct addrspace *as, struct area *a, struct fault *f, struct found *found)
{
	struct pte_slot *slot = &found->slot;

	pgtable_slot_relock(slot);
	if (slot->entry->bits != found->entry.bits) {
		pgtable_slot_unlock(slot);
		return FAULT_RETRY;
	}
	struct page *original = pte_page(found->entry);

	// Alone: ours to write. Nobody can join in: fork closes every address.
	if (original->owner == PAGE_ANON && is_alone(original)) {
		original->anon_index = f->address >> PAGE_SHIFT;        // mremap may have moved it while shared
		pte_set(slot, pte_make(original, a->flags, PTE_WRITABLE));
		pgtable_slot_unlock(slot);
		tlb_flush_page_local(f->address);
		f->verb = VERB_DIRTY;
		return FAULT_OK;
	}
	if (original != zero_page)
		page_get(original);
	pgtable_slot_unlock(slot);
	if (original == zero_page) {
		count(COUNTER_ZERO_FILLS);
		process_count(COUNT_ZERO_FILLS);
	}
	enum fault_result result = install_copy(as, a, f, original, found);

	if (original != zero_page)
		page_put(original);
	return result;
}
