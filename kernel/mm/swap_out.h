#pragma once
/*
 * swap_out.h - private pages, and those of tmpfs, on their way out:
 * called by mm/reclaim_batch.c with each page locked and referenced.
 */
#include "types.h"

struct page;
struct tlb_gather;

// It may go, as far as its references and swap's room tell; it is in the swap cache now. False: it stays for now.
bool swap_out_prepare(struct page *p) MUST_CHECK;
// Every entry that shows it becomes a swap entry.
// False: not all of them could be found; those that could stay swap entries.
bool swap_out_unmap(struct page *p, struct tlb_gather *gather) MUST_CHECK;
// The same for a page of a cache that has no disk (tmpfs), locked: it may go if it is clean, or has a slot of swap now.
bool swap_out_prepare_file(struct page *p) MUST_CHECK;
// A page stays in memory: a slot that it has is given back when swap is getting full. Page locked.
void swap_out_stays(struct page *p);
// All CPUs have forgotten the entries: writes what must be written. Pages locked.
void swap_out_write(struct page **pages, u32 nr);
// Takes it out of the swap cache when its bytes are in its slot (or nobody wants them).
// True: the caller's reference is the last.
bool swap_out_finish(struct page *p) MUST_CHECK;
// Puts private pages on the lists of candidates, as long as there is swap for them:
// some of the next address space's, in the order of addresses. By the reclaim thread, which holds no lock:
// the last user of a space may be put here. May sleep.
void swap_out_adopt(u32 nr_entries);
