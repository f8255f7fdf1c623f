#pragma once
/*
 * reclaim.h - which page leaves when memory is short. Pages of caches stand on two lists: seen once and seen
 * again. A page in use (referenced since, or accessed through a mapping) goes round once more.
 */
#include "types.h"

struct page;

extern u64 reclaim_low_mark;            // free frames under which the reclaim thread works; constant
void reclaim_set_marks(u64 nr_frames);
void reclaim_start(void);               // starts the thread
void reclaim_wake(void);                // any context
// A caller found no frame: frees clean pages itself, waits for write-back when that is not enough. False: nothing
// left to try, the allocation fails. May sleep unless a page lock or rmap_lock blocks the way (then it only tries).
bool reclaim_direct(u32 tries, u64 nr_wanted);
void reclaim_add(struct page *p);       // a new page of a cache
void reclaim_remove(struct page *p);    // it leaves its cache
void reclaim_used(struct page *p);      // read() or write() has used it
u64 reclaim_list_size(bool active);
