#pragma once
/*
 * lazy_free.h - MADV_FREE: memory that may be taken when it is wanted, and is its owner's as long as it is not.
 */
#include "types.h"

struct addrspace;
struct page;
struct tlb_gather;

// as->lock held for writing. Private anonymous memory at [start, end)
// may be freed from now on; what is in swap is at once.
void lazy_free_range(struct addrspace *as, vaddr_t start, vaddr_t end);
// Page locked, referenced by the caller. May it be thrown away, as far as its references tell?
// No: it is a page as all others now.
bool lazy_free_may_drop(struct page *p) MUST_CHECK;
// Page locked: takes it out of the one page table that shows it, if it has not been stored to.
// The shootdown is the caller's (tlb_gather_flush); then nothing but his reference keeps it.
// False: it stays, and is a page as all others if it was stored to.
bool lazy_free_drop(struct page *p, struct tlb_gather *gather) MUST_CHECK;
