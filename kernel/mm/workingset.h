#pragma once
/*
 * workingset.h - how long ago did a page leave that is wanted again? Time is counted in evictions.
 * When a page leaves, the clock is noted under its name; when it comes back, the difference is its refault distance:
 * the number of pages by which the list of candidates was too short to keep it.
 */
#include "types.h"

struct page;

void workingset_evicted(const struct page *p);  // it leaves; still in its (swap) cache. Any context but interrupts
// A page comes in, at its place already: had it left no more than reach evictions ago? Forgets what was noted; counts.
bool workingset_was_missed(const struct page *p, u64 reach);
