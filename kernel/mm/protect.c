/*
 * protect.c - mprotect: changes what areas allow, and takes from the page tables what is allowed no longer.
 * Little is added here: a private page that is nobody else's may be stored to at once,
 * as the fault would decide (fault_anon.c) under the same lock, that of the table.
 * A page of a cache stays read-only until it is marked dirty, by a fault.
 */
#include "kernel.h"
#include "lib/atomic.h"
#include "mm/addrspace.h"
#include "mm/area_look.h"
#include "mm/commit.h"
#include "mm/mmap.h"
#include "x86/pgtable.h"
#include "x86/tlb.h"
#include "x86/uaccess.h"
#include <abi/errno.h>
#include <abi/mman.h>

struct protect_state {
	u32 flags;
	vaddr_t start, end;             // what was changed
};

// A locked private page must not wait for its copy at the first store: as on Linux, it is made now.
static bool wants_copies(u32 before, u32 after)
{
	return (before & (AREA_WRITE | AREA_SHARED | AREA_LOCKED | AREA_LOCKED_LATE)) == AREA_LOCKED &&
	       after & AREA_WRITE;
}

// No other space shows it (P2), and fork, which could show it in one more, wants as->lock as we do.
static bool is_ours_alone(const struct page *p)
{
	return p->owner == PAGE_ANON && atomic_load(&p->refs) == 1;
}

static inline void protect_entry(struct pte_slot *slot, vaddr_t va, struct protect_state *state)
{
	pte_t e = *slot->entry;

	if (!pte_is_present(e))
		return;
	// What was writable and still may be stays so: the store that made it so has done what is needed.
	bool is_writable = state->flags & AREA_WRITE && (pte_is_writable(e) || is_ours_alone(pte_page(e)));
	enum pte_access access = is_writable ? PTE_WRITABLE : PTE_READ_ONLY;
	pte_t fresh = pte_with_protection(e, state->flags, access);

	if (fresh.bits == e.bits)
		return;
	pte_set(slot, fresh);
	state->start = min(state->start, va);
	state->end = max(state->end, va + PAGE_SIZE);
}

static int protect_run(struct pte_run *run, void *argument)
{
	u32 nr_left = run->record->nr_entries;

	for (u32 i = 0; i < run->nr && nr_left; i++) {
		struct pte_slot slot = { &run->entries[i], run->record };

		if (pte_is_none(run->entries[i]))
			continue;
		nr_left--;
		protect_entry(&slot, run->start + ((u64)i << PAGE_SHIFT), argument);
	}
	return 0;
}

static int protect_huge(struct addrspace *as, vaddr_t va, pte_t e, void *argument)
{
	struct protect_state *state = argument;
	enum pte_access access = pte_is_writable(e) && state->flags & AREA_WRITE ? PTE_WRITABLE : PTE_READ_ONLY;

	if (!pgtable_huge_change(as, va, e, pte_with_protection(e, state->flags, access)))
		return pgtable_visit_runs(as, va, va + HUGE_SIZE, protect_run, state);  // split meanwhile
	state->start = min(state->start, va);
	state->end = max(state->end, va + HUGE_SIZE);
	return 0;
}

static int protect_area(struct addrspace *as, struct area **a, vaddr_t start, vaddr_t end, u32 prot)
{
	u32 flags = ((*a)->flags & ~(u32)AREA_PROTECTION) | prot;
	u64 nr_pages = (min(end, (*a)->end) - max(start, (*a)->start)) >> PAGE_SHIFT;

	flags |= area_committed_flag(flags);    // and it stays so when it is made read-only again: stores may have come
	bool is_promised = flags & ~(*a)->flags & AREA_COMMITTED;

	if (prot & ~((*a)->flags >> 4) & AREA_PROTECTION)       // AREA_MAY_* are the same bits, four higher
		return -EACCES;
	if (flags == (*a)->flags)
		return 0;
	if (exceeds_data_limit(as, (*a)->flags, flags, nr_pages) || (is_promised && commit_exceeds(as, nr_pages)))
		return -ENOMEM;
	int error = area_fit(as, a, start, end);

	if (error)
		return error;
	struct protect_state state = { flags, U64_MAX, 0 };

	(*a)->flags = flags;
	if (is_promised)
		addrspace_promise(as, (i64)nr_pages);
	atomic_add(&as->nr_flushes_pending, 1);         // see rmap_clean
	pgtable_visit_all(as, (*a)->start, (*a)->end, protect_run, protect_huge, &state);
	if (state.start < state.end)
		tlb_flush_range(as, state.start, state.end);
	atomic_sub(&as->nr_flushes_pending, 1);
	*a = area_merge(as, *a);
	return 0;
}

// 1: there is something to do; 0: nothing; -EINVAL, -ENOMEM.
static int check_request(vaddr_t start, u64 *length, u32 prot)
{
	u32 grows = prot & (PROT_GROWSDOWN | PROT_GROWSUP);

	if (grows == (PROT_GROWSDOWN | PROT_GROWSUP) || start & ~PAGE_MASK)
		return -EINVAL;
	if (*length == 0)
		return 0;
	*length = PAGE_ALIGN_UP(*length);
	if (*length == 0 || !user_range_is_valid((void *)start, *length))
		return -ENOMEM;
	// PROT_SEM asks for memory that atomic operations work on: all does.
	return prot & ~(u32)(AREA_PROTECTION | PROT_SEM | PROT_GROWSDOWN | PROT_GROWSUP) ? -EINVAL : 1;
}

// as->lock held. PROT_GROWSDOWN: the change begins where the area that grows does;
// upwards none grows. a: the first from *start on.
static int extend_to_growing(const struct area *a, vaddr_t *start, vaddr_t end, u32 prot)
{
	if (!(prot & (PROT_GROWSDOWN | PROT_GROWSUP)))
		return 0;
	if (!a || a->start >= (prot & PROT_GROWSDOWN ? end : *start + 1))
		return -ENOMEM;
	if (!(prot & PROT_GROWSDOWN && a->flags & AREA_GROWS_DOWN))
		return -EINVAL;
	*start = a->start;
	return 0;
}

i64 mmap_protect(struct addrspace *as, vaddr_t start, u64 length, u32 prot)
{
	int error = check_request(start, &length, prot);

	if (error <= 0)
		return error;
	vaddr_t end = start + length, copy_start = end, copy_end = start;

	write_lock(&as->lock);
	struct area *a = area_find_from(as, start);

	error = extend_to_growing(a, &start, end, prot);
	looks_close(as, start, end);
	for (vaddr_t at = start; at < end && !error;) {
		if (!a || a->start > at) {
			error = -ENOMEM;        // a hole: what came before it keeps the change, as on Linux
			break;
		}
		vaddr_t next = min(a->end, end);
		u32 before = a->flags;

		error = protect_area(as, &a, at, end, prot & AREA_PROTECTION);
		if (!error && wants_copies(before, prot)) {
			copy_start = min(copy_start, at);
			copy_end = next;
		}
		at = next;
		if (at < end && a->end <= at)   // else it has become one with the next
			a = area_next(a);
	}
	looks_open(as);
	write_unlock(&as->lock);
	if (copy_start < copy_end)
		(void)!populate(as, copy_start, copy_end, POPULATE_NATURAL);
	return error;
}
