#pragma once
/*
 * huge.h - private memory in pieces of 2 MiB: when a fault takes a whole one,
 * what becomes of it in fork and at its end.
 * How such an entry looks and when it is split into 512: x86/pgtable_huge.c, whose invariants H1 to H3 hold here too.
 *
 *  H4  The frames of a huge entry are one aligned block of private memory of the space's family, numbered in sequence.
 *      Each may also be shown by entries of 4 KiB (a relative has split his), and is freed by its own last reference.
 */
#include "mm/addrspace.h"
#include "mm/fault.h"
#include "x86/pgtable.h"

enum huge_mode { HUGE_ALWAYS, HUGE_ON_ADVICE, HUGE_NEVER };
extern enum huge_mode huge_mode;        // which areas get them: /proc/sys/vm/transparent_hugepage
const char *huge_mode_name(enum huge_mode mode);

static inline vaddr_t huge_align_down(vaddr_t va) { return va & ~(HUGE_SIZE - 1); }
static inline bool huge_fits(const struct area *a, vaddr_t va)  // does the area cover the 2 MiB around va?
{
	vaddr_t start = huge_align_down(va);

	return a->start <= start && start + HUGE_SIZE <= a->end;
}

// May the 2 MiB around the address be one block?
bool huge_is_wanted(const struct addrspace *as, const struct area *a, vaddr_t address);
// A first store to memory that may be one block, where there is no table yet: takes one if one is free.
// Not in a look: it is cleared here. False: it is left to 4 KiB.
bool huge_fault_zero(struct addrspace *as, struct area *a, struct fault *f);
// A fault on a huge entry. FAULT_RETRY: it is split now.
enum fault_result huge_fault_present(struct addrspace *as, struct area *a, struct fault *f, pte_t e);
// MADV_COLLAPSE: makes huge entries of what lies in [start, end), an area's part. as->lock held for writing, may sleep.
// -EINVAL (not such an area, or a page that somebody else holds), -ENOMEM.
int huge_collapse(struct addrspace *as, struct area *a, vaddr_t start, vaddr_t end) MUST_CHECK;

// A block of private frames that stand for themselves (H4): each has one reference. NULL: none is free.
struct page *huge_take_block(struct family *family, pgoff_t index, u32 frame_flags);
// Counts for one more huge entry (before it is entered) or one less (after it is gone):
// references or map counts of all 512.
void huge_get(struct page *head);
void huge_map_count_add(struct page *head, i32 n);
void huge_put(struct page *head);       // gives the 512 references back, once every CPU has forgotten the entry
