#pragma once
/*
 * page.h - one record for each physical frame: who owns it and in what state it is.
 *
 * The owner decides what the union means:
 *   FREE      in the buddy lists (order) or a CPU's cache
 *   CACHE     a page of a file or block device: (cache, index); the life cycle stands in cache/cache.h
 *   ANON      private memory: (family, index = virtual page number, see mm/rmap_anon.c);
 *             refs == number of PTEs that show it (+ holders)
 *   TABLE     a page table: table_word is the lock of its entries, nr_entries counts those that are not zero,
 *             used_lines says where they may be (x86/pgtable.h)
 *   SLAB      objects of a slab cache
 *   KERNEL    anything else that the kernel keeps
 *
 *  P1  refs > 0 iff the owner is not FREE. The last page_put frees the frame.
 *  P2  map_count = number of user PTEs that show the frame; each of them holds one reference.
 *  P3  flags are changed only by atomic operations; which flag may change when: see each.
 */
#include "types.h"
#include "lib/list.h"
#include "lib/atomic.h"
#include "sync/lock.h"

struct cache;
struct family;
struct slab_cache;

enum page_owner { PAGE_FREE, PAGE_CACHE, PAGE_ANON, PAGE_TABLE, PAGE_SLAB, PAGE_KERNEL, PAGE_RESERVED };

enum page_flag {
	PAGE_LOCKED = 1u << 0,          // the page lock
	PAGE_WAITERS = 1u << 1,         // somebody sleeps for LOCKED or WRITEBACK to go
	PAGE_UPTODATE = 1u << 2,        // the bytes are the file's; set with the page locked
	PAGE_DIRTY = 1u << 3,           // newer than the disk; under cache->lock
	PAGE_WRITEBACK = 1u << 4,       // being written; under cache->lock
	PAGE_BACKED = 1u << 5,          // a place on disk exists; with the page locked
	PAGE_REFERENCED = 1u << 6,      // used again since reclaim last looked
	PAGE_ACTIVE = 1u << 7,          // on the list of pages seen again
	PAGE_ON_LRU = 1u << 8,          // on one of the reclaim lists
	PAGE_FAILED = 1u << 9,          // the fill failed; error says how
	PAGE_POOL = 1u << 10,           // of the pool of huge pages, which holds a reference (mm/hugetlb.h)
	PAGE_SWAPCACHE = 1u << 11,
	PAGE_PINNED = 1u << 12,         // its file system holds a reference for as long as it is mounted
	PAGE_SEEN = 1u << 13,           // used once since it came; the next use makes it REFERENCED
	PAGE_USED_ONCE = 1u << 14,      // reclaim has found it used once; found so again it becomes active
	PAGE_KEPT = 1u << 15,           // on the list of pages that are locked into memory
	PAGE_READ_AHEAD = 1u << 16,     // who comes here starts the next window (cache/readahead.c)
	PAGE_STUCK = 1u << 17,          // DIRTY, and its last write failed; under cache->lock
	PAGE_LEAVING = 1u << 19,        // locked, on its way out of its cache: no fault may show it (C7, cache/cache.h)
	PAGE_LAZY_FREE = 1u << 18,      // private: may lose its bytes, unless its owner stores again (mm/lazy_free.c)
};

struct page {                           // at most 64 bytes
	union {
		struct { i32 refs, map_count; };        // atomic
		u64 counts;             // both: a page-table entry that comes or goes changes them together
	};
	u32 flags;                      // atomic, enum page_flag
	u8 owner;                       // enum page_owner; changes only when the frame is allocated, freed, handed over
	u8 order;                       // of the free or allocated block, in its first page
	union {
		i16 error;              // CACHE, with FAILED: negative errno
		i16 nr_huge;            // ANON, first of 512: how many huge entries show them; atomic
	};
	union {
		struct { struct cache *cache; pgoff_t index; };         // CACHE; see C1
		struct { struct family *family; u64 anon_index; };      // ANON; constant while mapped
		struct { u64 used_lines; u32 nr_entries; u32 table_word; };     // TABLE
		struct { struct slab_cache *slab; void *slab_free; };   // SLAB
	};
	struct list link;               // free list, reclaim list, partial slabs
	u64 private;                    // the owner's own
};
static_assert(sizeof(struct page) <= 64, "one cache line a frame");

extern struct page *page_array;         // constant after frames_init
extern pfn_t nr_page_records;           // frames [0, nr) have a record

static inline pfn_t page_to_pfn(const struct page *p)
{
	return (pfn_t)(p - page_array);
}

static inline struct page *pfn_to_page(pfn_t n)
{
	return page_array + n;
}

static inline paddr_t page_to_physical(const struct page *p)
{
	return page_to_pfn(p) << PAGE_SHIFT;
}

#ifndef LECTERN_HOST
#include "x86/kernel_map.h"
// The page's bytes, in the direct map.
static inline void *page_address(const struct page *p)
{
	return direct_map(page_to_physical(p));
}
#else
void *page_address(const struct page *p);       // the host tests' own
#endif

static inline bool page_has(const struct page *p, u32 flags)
{
	return atomic_load(&p->flags) & flags;
}

static inline void page_set(struct page *p, u32 flags)
{
	atomic_or(&p->flags, flags);
}

static inline void page_clear(struct page *p, u32 flags)
{
	atomic_and(&p->flags, ~flags);
}

static inline void page_get(struct page *p)
{
	atomic_add(&p->refs, 1);
}

// Another entry shows the page, which somebody holds (or else see FROZEN_REFERENCES);
// or one does no more (the last reference frees the frame).
#define PAGE_SHOWN_ONCE (1ul | 1ul << 32)
void page_free_last(struct page *p);    // refs has just become 0
void swap_cache_unshown(struct page *p);        // mm/swap.h

static inline void page_show(struct page *p)
{
	atomic_add(&p->counts, PAGE_SHOWN_ONCE);
}

static inline void page_unshow(struct page *p)
{
	u64 left = atomic_sub_return(&p->counts, PAGE_SHOWN_ONCE);

	assert((i64)left >= 0);         // P2
	if ((u32)left == 0)
		page_free_last(p);
	else if ((u32)left == 1 && unlikely(page_has(p, PAGE_SWAPCACHE)))
		swap_cache_unshown(p);
}

// What cache_try_evict takes off the references while it decides: below 0, and the page is nobody's to take.
// Who has counted nevertheless (fault_file.c) sees it, and takes that back.
#define FROZEN_REFERENCES (1 << 30)
static inline bool page_is_frozen(const struct page *p)
{
	return atomic_load(&p->refs) <= 0;
}

// page_get for who holds no reference: false when the page is frozen.
// Only inside a look (sync/look.h), or the frame may be anybody's.
static inline bool page_try_get(struct page *p)
{
	i32 refs = atomic_load(&p->refs);

	while (refs > 0) {
		if (atomic_compare_exchange(&p->refs, refs, refs + 1))
			return true;
		refs = atomic_load(&p->refs);
	}
	return false;
}


// Gives a reference back; the last one frees the frame. Any context that may take RANK_FRAMES.
void page_put(struct page *p);
void pages_put(struct page **pages, u32 nr);    // one reference of each
// The same from an interrupt, where the frame allocator must not be entered:
// a thread does it. p->link is used for that.
void page_put_later(struct page *p);
