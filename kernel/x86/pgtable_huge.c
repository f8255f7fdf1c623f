/*
 * pgtable_huge.c - entries of 2 MiB, one level above the last (Intel SDM 3A 4.5.4, table 4-18).
 * To everybody but this file, the fault and the loops that are faster for it,
 * such an entry is 512 entries of 4 KiB that happen to stand in one word.
 *
 *  H1  A huge entry shows 512 frames that follow one another, and counts as 512 entries: each of the frames has its own
 *      reference and map count for it. So nothing is to be counted anew when it is split.
 *  H2  For each huge entry its space keeps a table in spare_tables (counted in nr_tables), so a split cannot fail.
 *  H3  The word changes from empty to a huge entry, from that to a table, or back to empty,
 *      under addrspace.table_lock. A table comes back to be a huge entry only with addrspace.lock held for
 *      writing and the addresses closed (sync/look.h).
 *
 * A split changes neither frames nor rights, so nobody need forget the old translation at once: the processor may use
 * either (4.10.2.3), and INVLPG of one page forgets the large one too (4.10.4.1).
 */
#include "kernel.h"
#include "lib/atomic.h"
#include "mm/frame.h"
#include "x86/cpu.h"
#include "x86/pgtable_internal.h"
#include "x86/tlb.h"
#include <abi/errno.h>

// Bits that the processor sets by itself.
#define SET_BY_PROCESSOR ((u64)(PTE_ACCESSED | PTE_DIRTY))

pte_t pgtable_huge_at(struct addrspace *as, vaddr_t va)
{
	struct page *parent;
	u64 *word = pgtable_word(as, va, &parent), entry = word ? READ_ONCE(*word) : 0;

	return (pte_t){ entry & PTE_HUGE ? entry : 0 };
}

pte_t pgtable_at(struct addrspace *as, vaddr_t va)
{
	struct pte_slot slot;

	if (pgtable_slot_find(as, va, &slot))
		return READ_ONCE(*slot.entry);
	pte_t huge = pgtable_huge_at(as, va);

	return pte_is_none(huge) ? huge : pte_part_of_huge(huge, va);
}

int pgtable_huge_enter(struct addrspace *as, vaddr_t va, pte_t e)
{
	int error = pgtable_make(as, va, 1);
	struct page *parent, *spare = error ? NULL : frame_alloc(PAGE_TABLE, 0);

	if (!spare)
		return -ENOMEM;
	u64 *word = pgtable_word(as, va, &parent);

	spin_lock(&as->table_lock);
	error = *word ? -EEXIST : 0;
	if (!error) {
		atomic_add(&parent->nr_entries, 1);     // before the entry, as for a table
		page_table_note(parent, word);
		atomic_store(word, e.bits | PTE_HUGE);
		list_push_back(&as->spare_tables, &spare->link);
		atomic_add(&as->nr_tables, 1);
		atomic_add(&pte_page(e)->nr_huge, 1);
	}
	spin_unlock(&as->table_lock);
	if (error)
		page_put(spare);
	return error;
}

static struct page *take_spare(struct addrspace *as)
{
	struct page *spare = list_first(&as->spare_tables, struct page, link);

	list_remove(&spare->link);
	return spare;
}

bool pgtable_huge_change(struct addrspace *as, vaddr_t va, pte_t expected, pte_t fresh)
{
	struct page *parent, *spare = NULL;
	u64 *word = pgtable_word(as, va, &parent);

	spin_lock(&as->table_lock);
	bool is_same = word && !((*word ^ expected.bits) & ~SET_BY_PROCESSOR);

	if (is_same && !pte_is_none(fresh)) {
		atomic_store(word, fresh.bits | PTE_HUGE);
	} else if (is_same) {
		(void)atomic_exchange(word, 0);
		atomic_sub(&parent->nr_entries, 1);
		atomic_sub(&as->nr_tables, 1);
		atomic_sub(&pte_page(expected)->nr_huge, 1);
		spare = take_spare(as);
	}
	spin_unlock(&as->table_lock);
	if (spare)
		page_put(spare);
	return is_same;
}

bool pgtable_huge_split(struct addrspace *as, vaddr_t va)
{
	struct page *parent;
	u64 *word = pgtable_word(as, va, &parent);

	if (!word || !(READ_ONCE(*word) & PTE_HUGE))
		return false;
	spin_lock(&as->table_lock);
	u64 entry = *word;
	bool is_huge = entry & PTE_HUGE;

	if (is_huge) {
		struct page *table = take_spare(as);
		u64 *entries = page_address(table);

		// What the processor may note in the old word from now on is lost:
		// a writable page of private memory is dirty anyway.
		for (u64 i = 0; i < ENTRIES; i++)
			entries[i] = (entry & ~(u64)PTE_HUGE) + (i << PAGE_SHIFT);
		table->nr_entries = ENTRIES;
		table->used_lines = ~0ul;
		atomic_store(word, page_to_physical(table) | PTE_PRESENT | PTE_WRITE | PTE_USER);
		atomic_sub(&pte_page((pte_t){ entry })->nr_huge, 1);
	}
	spin_unlock(&as->table_lock);
	if (is_huge)
		count(COUNTER_THP_SPLIT);
	return true;
}

bool pgtable_has_table(struct addrspace *as, vaddr_t va)
{
	struct pte_slot slot;

	return pgtable_slot_find(as, va, &slot);
}

void pgtable_huge_take_over(struct addrspace *as, vaddr_t va, pte_t e)
{
	struct page *parent;
	u64 *word = pgtable_word(as, va, &parent);
	struct page *table = record_at(*word);

	assert(table->owner == PAGE_TABLE && !table->nr_entries);
	spin_lock(&as->table_lock);
	atomic_store(word, e.bits | PTE_HUGE);
	atomic_add(&pte_page(e)->nr_huge, 1);
	spin_unlock(&as->table_lock);
	// A processor may still go through the table, where it finds nothing. It must not when the table is used again.
	tlb_flush_tables(as);
	spin_lock(&as->table_lock);
	list_push_back(&as->spare_tables, &table->link);
	spin_unlock(&as->table_lock);
}

struct page *pgtable_page_get(struct addrspace *as, vaddr_t va)
{
	struct pte_slot slot;
	struct page *p = NULL;

	if (!pte_is_none(pgtable_huge_at(as, va))) {
		spin_lock(&as->table_lock);
		pte_t huge = pgtable_huge_at(as, va);

		if (!pte_is_none(huge)) {
			p = pte_page(pte_part_of_huge(huge, va));
			page_get(p);
		}
		spin_unlock(&as->table_lock);
		if (p)
			return p;
	}
	if (pgtable_slot_lock(as, va, false, &slot))
		return NULL;
	if (pte_is_present(*slot.entry)) {
		p = pte_page(*slot.entry);
		page_get(p);
	}
	pgtable_slot_unlock(&slot);
	return p;
}
