#pragma once
/*
 * reclaim.h - which page leaves when memory is short. Pages of caches stand on lists whose order is the policy's
 * (mm/reclaim_policy.h); candidates are looked at in batches (mm/reclaim_batch.c).
 *
 *      free frames
 *        high  --- the reclaim thread stops
 *        low   --- it starts
 *        min   --- callers help themselves (direct reclaim);
 *              below it is the reserve for FRAME_ATOMIC and for reclaim itself
 */
#include "types.h"

struct page;

extern u64 reclaim_low_mark, reclaim_min_mark;  // in frames; constant
void reclaim_set_marks(u64 nr_frames);
void reclaim_start(void);               // starts the thread; the command line may choose the policy (reclaim=NAME)
void reclaim_wake(void);                // any context
bool reclaim_is_far(void);              // much is free: a page more makes no other leave. May be old news
// A caller found no frame: looks for some itself, waits for write-back when that is not enough. False: nothing
// left to try, the allocation fails. May sleep; never waits for a lock.
bool reclaim_direct(u32 tries, u64 nr_wanted);
void reclaim_add(struct page *p);       // a new page of a cache, at its place already
void reclaim_add_private(struct page *p);       // private, shown by an entry whose table is locked. Twice is harmless
void reclaim_remove(struct page *p);    // it leaves its cache, or is about to be freed
void reclaim_used(struct page *p);      // read() or write() has used it
void reclaim_keep(struct page *p);      // reclaim found it locked into memory: off the lists of candidates
void reclaim_unkeep_all(void);          // some area is locked no longer: all are candidates again
u64 reclaim_list_size(bool active);
u64 reclaim_nr_kept(void);              // pages on the list of those that are locked into memory
const char *reclaim_policy_name(void);
int reclaim_set_policy(const char *name) MUST_CHECK;    // "fifo", "clock", "two-list"; -EINVAL

/* reclaim_batch.c */
#define RECLAIM_BATCH 32
enum reclaim_how { RECLAIM_UNUSED, RECLAIM_ANYHOW };    // spare what was used, or not (MADV_PAGEOUT)
struct reclaim_result {
	u32 nr_freed;
	bool met_dirty;                 // a page could not go because it must be written first
};
// Up to RECLAIM_BATCH pages, each referenced; the references are used up.
// Those that may go leave every address space with one shootdown, and then their cache. May sleep; only tries locks.
struct reclaim_result reclaim_pages(struct page **pages, u32 nr, enum reclaim_how how);
bool reclaim_spares(struct page *p);    // the policy's word on a page that was used

/* reclaim_tables.c */
u64 reclaim_tables(void);               // frees page tables that show nothing; how many. May sleep; only tries locks
