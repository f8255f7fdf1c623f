#pragma once
/*
 * unmap.h - taking frames out of page tables: the second half of "unmap, then free".
 */
#include "types.h"
#include "lib/list.h"

struct addrspace;
struct area;

enum unmap_what { UNMAP_ALL, UNMAP_CACHE_PAGES };       // the latter leaves private copies

// Clears the entries of [start, end), flushes all CPUs, gives the references back. The areas stay. as->lock held
// for writing, or the rmap_lock of the cache that the range shows. May sleep. Returns how many frames were shown.
u64 unmap_entries(struct addrspace *as, vaddr_t start, vaddr_t end, enum unmap_what what);
// munmap: entries, areas (split at the ends), tables. The dead areas are linked to dead: the caller frees them with
// areas_bury after it has given up as->lock (the last reference on a file may need
// the inode's lock). -ENOMEM: nothing was done.
int unmap_range(struct addrspace *as, vaddr_t start, vaddr_t end, struct list *dead) MUST_CHECK;
// One empty table that no area reaches may be kept for the next mapping there: not any more. as->lock held for writing.
void unmap_free_kept_table(struct addrspace *as);
void areas_free(struct list *dead);
static inline void areas_bury(struct list *dead)
{
	if (!list_is_empty(dead))
		areas_free(dead);
}
