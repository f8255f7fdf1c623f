#pragma once
/*
 * fault_internal.h - what the files of the fault share: fault.c decides, fault_anon.c and fault_file.c act.
 * Verbs are called with addrspace.lock held for reading and never wait for the disk: FAULT_RETRY, with fault.need set,
 * asks fault.c to make something ready with no lock held and to look again from the start.
 */
#include "mm/addrspace.h"
#include "mm/fault.h"
#include "x86/pgtable.h"
#include <abi/errno.h>

static inline enum fault_result fault_needs(struct fault *f, enum fault_need need)
{
	f->need = need;
	return FAULT_RETRY;
}

static inline pgoff_t index_in_file(const struct area *a, vaddr_t address)
{
	return area_page(a, address);
}

// Where the entry of f->address stands, and what it holds (without the table's lock: fault_install looks again).
struct found {
	struct pte_slot slot;           // entry NULL: no table yet
	pte_t entry;
};

// Puts the page into the slot when that still holds what the fault found there. The page's reference goes with it; the
// reference of the page that it takes the place of becomes the caller's, who gives it back after the flush.
// False: it did not, and fault_lost_race says what that means.
bool fault_install(struct addrspace *as, struct fault *f, struct page *p, struct found *found, pte_t fresh) MUST_CHECK;

static inline enum fault_result fault_lost_race(struct fault *f)
{
	return f->error == -ENOMEM ? FAULT_NO_MEMORY : FAULT_RETRY;
}

/* fault_anon.c */
enum fault_result fault_zero(struct addrspace *as, struct area *a, struct fault *f, struct found *found);
// A store to a private page that the entry shows read-only.
enum fault_result fault_copy_present(struct addrspace *as, struct area *a, struct fault *f, struct found *found);

/* swap_in.c: the page was swapped out; found names its slot. */
enum fault_result fault_swap(struct addrspace *as, struct area *a, struct fault *f, struct found *found);

/* fault_file.c */
enum fault_result fault_map(struct addrspace *as, struct area *a, struct fault *f, struct found *found);
// A store to a shared page: a place on disk first (a full disk is told now), then dirty, then writable.
enum fault_result fault_dirty(struct addrspace *as, struct area *a, struct fault *f, struct found *found);
// A first store to a private page of a file: the copy is made from the cache's page, which is not mapped at all.
enum fault_result fault_copy_absent(struct addrspace *as, struct area *a, struct fault *f, struct found *found);
