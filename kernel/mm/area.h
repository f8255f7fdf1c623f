#pragma once
/*
 * area.h - the sorted set of ranges of one address space: find, insert, split, merge. Knows nothing of pages.
 * All calls want addrspace.lock: for writing when they change the set. (A fault looks without: mm/area_look.h.)
 *
 *  A1  Areas do not overlap, are not empty, start and end on page boundaries below USER_END.
 *  A2  Two neighbours that touch and are alike (flags, source, consecutive offsets) are one area.
 *  A3  An area of a file is in cache->areas (under rmap_lock) from before it enters the tree until
 *      after it has left it and its entries are gone.
 */
#include "types.h"
#include "lib/interval.h"
#include "lib/list.h"
#include "lib/rbtree.h"
#include "sync/lock.h"

struct addrspace;
struct cache;
struct file;

enum area_flag {
	AREA_READ = 1u << 0, AREA_WRITE = 1u << 1, AREA_EXEC = 1u << 2,         // = PROT_*
	// The most that mprotect may grant.
	AREA_MAY_READ = 1u << 4, AREA_MAY_WRITE = 1u << 5, AREA_MAY_EXEC = 1u << 6,
	AREA_SHARED = 1u << 8,
	AREA_GROWS_DOWN = 1u << 9,
	AREA_LOCKED = 1u << 10,
	AREA_NO_RESERVE = 1u << 11,
	AREA_RANDOM = 1u << 12, AREA_SEQUENTIAL = 1u << 13,     // madvise
	AREA_DONT_FORK = 1u << 14, AREA_WIPE_ON_FORK = 1u << 15,
	AREA_STACK = 1u << 16, AREA_HEAP = 1u << 17,            // for /proc/PID/maps
	AREA_LOCKED_LATE = 1u << 18,                            // with AREA_LOCKED: MLOCK_ONFAULT
	AREA_HUGE = 1u << 19, AREA_NO_HUGE = 1u << 20,          // MADV_HUGEPAGE, MADV_NOHUGEPAGE
	// MAP_HUGETLB; the latter stands for AREA_SHARED (mm/hugetlb.h).
	AREA_HUGETLB = 1u << 21, AREA_HUGETLB_SHARED = 1u << 22,
	AREA_COMMITTED = 1u << 23,                              // counts as promised memory (mm/commit.h)
	AREA_PROTECTION = AREA_READ | AREA_WRITE | AREA_EXEC,
};

// Does an area with these flags count as promised?
// As on Linux: private memory that may be stored to, but for MAP_NORESERVE.
static inline u32 area_committed_flag(u32 flags)
{
	const u32 telling = AREA_WRITE | AREA_SHARED | AREA_NO_RESERVE | AREA_HUGETLB;

	return (flags & telling) == AREA_WRITE ? AREA_COMMITTED : 0;
}

struct area {
	/* what a way through the tree reads, in one line of memory */
	struct rb_node node;            // in addrspace.areas
	vaddr_t start, end;             // [start, end); GUARDED_BY(space->lock), and for files rmap_lock too
	u64 gap;                        // free bytes between the previous area and this one
	u64 largest_gap;                // of the subtree
	/* the rest */
	struct addrspace *space;        // constant
	u32 flags;                      // GUARDED_BY(space->lock)
	// A private area has (had) pages of its own: fork must copy its entries.
	// Set by looks, read after looks_wait_in.
	bool has_private_pages;
	struct file *file;              // holds a reference; NULL: anonymous
	struct cache *cache;            // NULL: private anonymous
	u64 bias;                       // constant: (va >> PAGE_SHIFT) + bias is the page of the cache at va; area_page
	struct interval pages;          // GUARDED_BY(cache->rmap_lock) in cache.areas: the pages that it shows
	struct list dead_link;          // out of the tree: among those that leave together
};

// The page of the cache that is shown at va.
// Private anonymous memory counts from its address (bias 0), unless it was moved.
static inline pgoff_t area_page(const struct area *a, vaddr_t va)
{
	return (va >> PAGE_SHIFT) + a->bias;
}

static inline pgoff_t area_first(const struct area *a)
{
	return area_page(a, a->start);
}

// Read first: faults of many threads write to it once.
static inline void area_note_private_page(struct area *a)
{
	if (!READ_ONCE(a->has_private_pages))
		WRITE_ONCE(a->has_private_pages, true);
}

struct area *area_find(struct addrspace *as, vaddr_t address);          // the area that contains it; NULL
struct area *area_find_from(struct addrspace *as, vaddr_t address);     // that, or the next above; NULL
struct area *area_next(struct area *a);
struct area *area_previous(struct area *a);
// Lowest address (page-aligned) of a free range of size bytes within [low, high), the highest such; 0: none.
// above (may be NULL): the area above it, NULL when there is none.
vaddr_t area_find_gap(struct addrspace *as, u64 size, vaddr_t low, vaddr_t high, struct area **above);
// Takes a reference on file. NULL: no memory.
struct area *area_alloc(struct addrspace *as, vaddr_t start, vaddr_t end, u32 flags, struct file *file, pgoff_t first);
void area_free(struct area *a);                                         // not in the tree
void area_insert(struct addrspace *as, struct area *a, struct area *above);     // right below above (NULL: on top)
// Takes a, and those behind it that start below end, out of the tree; links them to dead.
// Then no look knows them any more, and none adds an entry to a page table of theirs.
// The reverse map still does, until area_leave_cache. Returns the area above.
struct area *area_remove(struct addrspace *as, struct area *a, vaddr_t end, struct list *dead);
// The same where nobody looks yet.
struct area *area_take_out(struct addrspace *as, struct area *a, vaddr_t end, struct list *dead);
void area_enter_cache(struct area *a);  // before it enters the tree: the reverse map must know what a fault enters
void area_leave_cache(struct area *a);
// The end of the area below above (NULL: of the last); 0: there is none.
vaddr_t area_floor(struct addrspace *as, const struct area *above);
// a keeps the lower part. -ENOMEM (also at the mapping limit). _cut: without the limit, as a part is about to leave.
int area_split(struct addrspace *as, struct area *a, vaddr_t at) MUST_CHECK;
int area_cut(struct addrspace *as, struct area *a, vaddr_t at) MUST_CHECK;
// Splits until *a, which then is the part inside, does not reach out of [start, end).
// -ENOMEM (what was split stays so).
int area_fit(struct addrspace *as, struct area **a, vaddr_t start, vaddr_t end) MUST_CHECK;
// New private memory at [start, end), right below above: a neighbour that is alike grows instead (A2). False: none is.
bool area_extend(struct addrspace *as, vaddr_t start, vaddr_t end, u32 flags, struct area *above);
struct area *area_merge(struct addrspace *as, struct area *a);          // with neighbours where A2 asks; the result
void area_set_end(struct addrspace *as, struct area *a, vaddr_t end);   // grow or shrink at the top
void area_set_start(struct addrspace *as, struct area *a, vaddr_t start); // at the bottom
// fork: the areas of from (but for AREA_DONT_FORK) in to, which has none yet. The tree has the same shape,
// so nothing is searched for, balanced or summed up. -ENOMEM: some are there, and to can only be given up.
int areas_copy(struct addrspace *from, struct addrspace *to) MUST_CHECK;
// The end of a space that nobody uses any more: all areas, linked to dead, with no thought for the tree.
void areas_remove_all(struct addrspace *as, struct list *dead);
bool areas_are_valid(struct addrspace *as);                             // A1, A2, gaps: for tests and the audit
void areas_init(void);
