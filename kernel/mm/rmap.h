#pragma once
/*
 * rmap.h - the one way back: from a page of a cache to every page-table entry that shows it.
 * Verbs return after every CPU has forgotten the old entries.
 * They take cache->rmap_lock and page-table locks; the caller may hold the page lock or the inode lock,
 * never an address-space lock of a lower layer... see RANKs. All may sleep.
 */
#include "types.h"

struct cache;
struct page;

// Private copies too: truncation does, eviction does not.
enum unmap_private { UNMAP_SHARED_ONLY, UNMAP_PRIVATE_TOO };

// Takes pages [first, first + nr) out of every address space.
void rmap_unmap(struct cache *cache, u64 first, u64 nr, enum unmap_private how);
// Makes every entry that shows one of these pages for a shared mapping read-only,
// so that the next store faults and marks the page dirty again. The pages are locked.
void rmap_clean(struct cache *cache, u64 first, u64 nr);
// Harvests and clears the accessed bits of the page's entries. True when one was set. Only tries the lock; no flush: a
// processor that still has the entry keeps it as used a little longer.
bool rmap_age(struct page *p);
// Takes one page of a cache out of every address space, for reclaim: only tries the lock,
// and leaves the shootdown to the caller (tlb_gather_flush), who holds a reference until then. Page locked;
// clean, so that no entry is writable (C4), or dirty and written only after the shootdown (swap).
enum rmap_take { TAKE_DONE, TAKE_BUSY, TAKE_LOCKED };   // LOCKED: an area that shows it is locked into memory
struct tlb_gather;
enum rmap_take rmap_take(struct page *p, struct tlb_gather *gather) MUST_CHECK;
// cache->rmap_lock held: is there a shared mapping that can be stored to, or could be after mprotect?
bool rmap_may_be_stored_to(struct cache *cache);
/* rmap_anon.c: the same for a private page, locked and referenced. Only locks that can be had at once are taken. */
enum rmap_age { AGE_UNUSED, AGE_USED, AGE_LOCKED, AGE_UNKNOWN };        // UNKNOWN: not every entry could be looked at
enum rmap_age rmap_anon_age(struct page *p);
// In the swap cache: its entries become swap entries. True: all of them.
bool rmap_anon_take(struct page *p, struct tlb_gather *gather) MUST_CHECK;

// Clears the one entry that shows it, if its dirty bit is clear (mm/lazy_free.h). The shootdown is the caller's.
enum rmap_drop { DROP_NOT_FOUND, DROP_STORED_TO, DROP_DONE };
enum rmap_drop rmap_anon_drop(struct page *p, struct tlb_gather *gather) MUST_CHECK;

// How many entries show it, by looking (the audit and tests).
u64 rmap_count(struct page *p);
