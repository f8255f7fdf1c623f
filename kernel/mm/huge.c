/*
 * huge.c - transparent huge pages: the first store to an aligned 2 MiB of private memory takes all of it,
 * where the area asks for that (or huge_mode says so) and an aligned block is free. Nobody waits for one:
 * the fall-back is a page of 4 KiB, and nothing else is different. Everything that changes a part of such memory
 * splits the entry first. Runs in the fault (addrspace.lock for reading; what takes no time also in a look),
 * in fork and madvise (for writing, addresses closed); no lock of its own.
 */
#include "kernel.h"
#include "lib/atomic.h"
#include "mm/fault_internal.h"
#include "mm/frame.h"
#include "mm/huge.h"
#include "mm/area_look.h"
#include "mm/slab.h"
#include "proc/process.h"
#include "x86/cpu.h"
#include "x86/tlb.h"
#include <abi/errno.h>

#define HUGE_ORDER 9

enum huge_mode huge_mode = HUGE_ON_ADVICE;

const char *huge_mode_name(enum huge_mode mode)
{
	static const char *const names[] = { "always", "madvise", "never" };

	return names[mode];
}

bool huge_is_wanted(const struct addrspace *as, const struct area *a, vaddr_t address)
{
	if (a->cache || a->flags & (AREA_SHARED | AREA_HUGETLB | AREA_NO_HUGE | AREA_STACK | AREA_GROWS_DOWN) ||
	    as->never_huge)
		return false;
	return (huge_mode == HUGE_ALWAYS || (huge_mode == HUGE_ON_ADVICE && a->flags & AREA_HUGE)) &&
	       huge_fits(a, address);
}

struct page *huge_take_block(struct family *family, pgoff_t index, u32 flags)
{
	struct page *head = frames_alloc(HUGE_ORDER, PAGE_ANON, flags);

	if (!head)
		return NULL;
	for (u32 i = 0; i < HUGE_PAGES; i++) {
		head[i].order = 0;
		head[i].nr_huge = 0;
		head[i].private = 0;
		head[i].family = family;
		head[i].anon_index = index + i;
		list_init(&head[i].link);
	}
	return head;
}

void huge_get(struct page *head)
{
	for (u32 i = 0; i < HUGE_PAGES; i++)
		page_get(head + i);
}

void huge_map_count_add(struct page *head, i32 n)
{
	for (u32 i = 0; i < HUGE_PAGES; i++)
		atomic_add(&head[i].map_count, n);
}

static bool is_only_ours(const struct page *head)
{
	i32 others = page_has(head, PAGE_POOL) ? 1 : 0;

	for (u32 i = 0; i < HUGE_PAGES; i++) {
		if (atomic_load(&head[i].refs) != 1 + others)
			return false;
	}
	return true;
}

// Reclaim may have met some of them in a space that showed them in pieces.
static bool is_on_lists(const struct page *head)
{
	for (u32 i = 0; i < HUGE_PAGES; i++) {
		if (page_has(head + i, PAGE_ON_LRU))
			return true;
	}
	return false;
}

void huge_put(struct page *head)
{
	if (!page_has(head, PAGE_POOL) && is_only_ours(head) && !is_on_lists(head)) {
		frames_free(head, HUGE_ORDER);
		return;
	}
	for (u32 i = 0; i < HUGE_PAGES; i++)
		page_put(head + i);
}

// Enters the block for one more entry. False: there is a table by now, or no memory for one.
static bool enter_block(struct addrspace *as, vaddr_t va, struct page *head, u32 area_flags)
{
	pte_t e = pte_make(head, area_flags, PTE_WRITABLE);

	huge_map_count_add(head, 1);
	resident_add(as, RESIDENT_ANON, HUGE_PAGES);
	if (pgtable_huge_enter(as, va, e) == 0)
		return true;
	resident_sub(as, RESIDENT_ANON, HUGE_PAGES);
	huge_map_count_add(head, -1);
	return false;
}

bool huge_fault_zero(struct addrspace *as, struct area *a, struct fault *f)
{
	vaddr_t va = huge_align_down(f->address);

	struct page *head = huge_take_block(as->family, va >> PAGE_SHIFT, FRAME_ZERO | FRAME_OPTIONAL);

	if (!head) {
		count(COUNTER_THP_FALLBACK);
		return false;
	}
	area_note_private_page(a);
	if (!enter_block(as, va, head, a->flags)) {
		huge_put(head);
		return false;
	}
	count(COUNTER_THP_FAULT);
	count_add(COUNTER_ZERO_FILLS, HUGE_PAGES);
	process_count(COUNT_ZERO_FILLS);
	return true;
}

enum fault_result huge_fault_present(struct addrspace *as, struct area *a, struct fault *f, pte_t e)
{
	vaddr_t va = huge_align_down(f->address);
	struct page *head = pte_page(e);

	f->need = NEED_NOTHING;
	f->verb = VERB_RACE;
	if (pte_allows(e, f->access) || !(f->access & FAULT_WRITE)) {
		count(COUNTER_RACE_FAULTS);
		tlb_flush_page_local(va);
		return FAULT_OK;
	}
	f->verb = VERB_COPY;
	// Alone, as in fault_copy_present. Otherwise this page is copied, and the others stay shared.
	if (huge_fits(a, va) && (a->flags & AREA_HUGETLB_SHARED || is_only_ours(head)) &&
	    pgtable_huge_change(as, va, e, pte_make(head, a->flags, PTE_WRITABLE))) {
		f->verb = VERB_DIRTY;
		tlb_flush_page_local(va);
		return FAULT_OK;
	}
	if (!(a->flags & AREA_HUGETLB_SHARED))
		pgtable_huge_split(as, va);
	return FAULT_RETRY;
}

/* --- collapse --------------------------------------------------------------- */

// Can all 512 entries become one? Those that show a page show one of ours that nobody else holds.
static int check_run(struct pte_run *run, void *argument)
{
	(void)argument;
	for (u32 i = 0; i < run->nr; i++) {
		pte_t e = run->entries[i];

		if (pte_is_none(e) || (pte_is_present(e) && pte_page(e) == zero_page))
			continue;
		if (!pte_is_present(e) || pte_page(e)->owner != PAGE_ANON || atomic_load(&pte_page(e)->refs) != 1)
			return -EINVAL;
	}
	return 0;
}

struct collapse {
	struct addrspace *as;
	struct page *head;
	struct page *old[HUGE_PAGES];
	u32 nr_old;
};

// What the run shows is taken out and copied. Everybody has forgotten that he could store to it.
static int copy_run(struct pte_run *run, void *argument)
{
	struct collapse *c = argument;

	for (u32 i = 0; i < run->nr; i++) {
		struct pte_slot slot = { &run->entries[i], run->record };
		pte_t e = pte_exchange(&slot, (pte_t){ 0 });

		if (pte_is_none(e) || pte_page(e) == zero_page)
			continue;
		page_copy(page_address(c->head + i), page_address(pte_page(e)));
		atomic_sub(&pte_page(e)->map_count, 1);
		c->old[c->nr_old++] = pte_page(e);
	}
	resident_sub(c->as, RESIDENT_ANON, c->nr_old);
	return 0;
}

static int protect_run(struct pte_run *run, void *argument)
{
	(void)argument;
	for (u32 i = 0; i < run->nr; i++)
		atomic_and(&run->entries[i].bits, ~(u64)PTE_WRITE);
	return 0;
}

static int collapse_one(struct addrspace *as, struct area *a, vaddr_t va, struct collapse *c)
{
	vaddr_t end = va + HUGE_SIZE;
	int error = pgtable_visit_runs(as, va, end, check_run, NULL);

	if (error)
		return error;
	c->as = as;
	c->nr_old = 0;
	c->head = huge_take_block(as->family, va >> PAGE_SHIFT, FRAME_ZERO);
	if (!c->head)
		return -ENOMEM;
	// Looking for a block may have swapped out what was here.
	error = pgtable_visit_runs(as, va, end, check_run, NULL);
	if (error) {
		huge_put(c->head);
		return error;
	}
	// Nobody faults meanwhile; who still runs must not store to what is being copied.
	pgtable_visit_runs(as, va, end, protect_run, NULL);
	tlb_flush_range(as, va, end);
	pgtable_visit_runs(as, va, end, copy_run, c);
	huge_map_count_add(c->head, 1);
	resident_add(as, RESIDENT_ANON, HUGE_PAGES);
	pgtable_huge_take_over(as, va,
			       pte_make(c->head, a->flags, a->flags & AREA_WRITE ? PTE_WRITABLE : PTE_READ_ONLY));
	pages_put(c->old, c->nr_old);
	a->has_private_pages = true;
	count(COUNTER_THP_COLLAPSE);
	return 0;
}

int huge_collapse(struct addrspace *as, struct area *a, vaddr_t start, vaddr_t end)
{
	struct collapse *c = kmalloc(sizeof(*c));
	int error = c ? 0 : -ENOMEM;

	if (c && (a->cache || a->flags & (AREA_SHARED | AREA_HUGETLB | AREA_NO_HUGE) || as->never_huge))
		error = -EINVAL;
	looks_close(as, start, end);            // a table that a fault has found must not become a part of a huge entry
	for (vaddr_t va = huge_align_down(start + HUGE_SIZE - 1); va + HUGE_SIZE <= end && !error; va += HUGE_SIZE) {
		if (pte_is_none(pgtable_huge_at(as, va)))
			error = pgtable_has_table(as, va) ? collapse_one(as, a, va, c) : -EINVAL;
	}
	looks_open(as);
	kfree(c);
	return error;
}
