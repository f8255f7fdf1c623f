/*
 * teardown.c - the end of an address space, by exit or exec. Nobody runs in it, nobody can come back,
 * and no CPU has it loaded: so nothing is flushed, and a frame goes with its entry. All tables are walked once,
 * whatever areas there are. Only the reverse map of files may still look, which knows the areas until
 * they leave their caches: so entries go under their table's lock, then the areas, and the tables last.
 * (That of private memory asks for addrspace.lock, which is held.)
 */
#include "kernel.h"
#include "lib/atomic.h"
#include "mm/addrspace.h"
#include "mm/huge.h"
#include "mm/swap.h"
#include "mm/teardown.h"
#include "x86/pgtable.h"
#include "x86/uaccess.h"

static int drop_run(struct pte_run *run, void *argument)
{
	struct addrspace *as = argument;
	u32 nr_private = 0, nr_file = 0, nr_swapped = 0, nr_zero = 0;

	for (pte_t *entry = run->entries, *end = entry + run->nr; entry < end; entry++) {
		pte_t e = *entry;

		if (pte_is_none(e))
			continue;
		WRITE_ONCE(entry->bits, 0);     // no processor notes anything in it meanwhile
		struct page *p = pte_page(e);

		if (unlikely(!pte_is_present(e))) {
			swap_put((swap_entry_t){ pte_swap_value(e) });
			nr_swapped++;
			continue;
		}
		if (likely(p->owner == PAGE_ANON)) {
			nr_private++;
		} else if (p == zero_page) {
			nr_zero++;
			continue;
		} else {
			nr_file++;
			if (pte_is_accessed(e) && !page_has(p, PAGE_REFERENCED))
				page_set(p, PAGE_REFERENCED);
		}
		page_unshow(p);
	}
	run->record->nr_entries -= nr_private + nr_file + nr_swapped + nr_zero;
	resident_sub(as, RESIDENT_ANON, nr_private);
	resident_sub(as, RESIDENT_FILE, nr_file);
	if (nr_swapped)
		atomic_sub(&as->nr_swapped, nr_swapped);
	return 0;
}

static int drop_huge(struct addrspace *as, vaddr_t va, pte_t e, void *argument)
{
	struct page *head = pte_page(e);
	bool is_same = pgtable_huge_change(as, va, e, (pte_t){ 0 });

	(void)argument;
	assert(is_same);                // as->lock is ours, and no processor writes to it
	huge_map_count_add(head, -1);
	resident_sub(as, RESIDENT_ANON, HUGE_PAGES);
	huge_put(head);
	return 0;
}

void teardown_unmap(struct addrspace *as, struct list *dead)
{
	struct area *a;

	pgtable_visit_all(as, 0, USER_END, drop_run, drop_huge, as);
	areas_remove_all(as, dead);
	list_for_each(a, dead, dead_link)
		area_leave_cache(a);
}
