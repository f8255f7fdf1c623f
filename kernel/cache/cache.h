#pragma once
/*
 * cache.h - a file's bytes in memory: pages found by (cache, index).
 *
 * Owns: which page holds which part of which file, the pages' states, write-back errors.
 * Does not own: frames (mm/frame.h), who maps a page (mm/rmap.h), where a page lives on disk (fs/).
 * Everybody who wants bytes of a file - read, write, mmap, exec, directories, block and inode tables -
 * takes the same page from here, so there is nothing to keep coherent.
 *
 * The life of a page of a cache (flags of struct page, mm/page.h):
 *
 *              cache_get: new, LOCKED
 *                   |
 *                 EMPTY ---fill ok---> UPTODATE ---page_mark_dirty---> UPTODATE+DIRTY
 *                   |                    ^   |                            |
 *              fill failed               |   | evict, truncate        write-back: rmap_clean, then
 *              (removed, error           |   v                        DIRTY off, WRITEBACK on (or cache_swapped_out)
 *               to every waiter)         |  GONE (page.cache == NULL)     |
 *                                        +----- done, no error -----------+
 *                                               (error: DIRTY again, the error kept in cache.error)
 *
 *  C1  A page is in cache->pages at index i iff page->cache == cache && page->index == i; both change only
 *      with the page locked and cache->lock held. The tree holds one reference.
 *  C2  Only an UPTODATE page's bytes are seen by anybody: fill, then map.
 *  C3  DIRTY tag in the tree iff PAGE_DIRTY; WRITEBACK tag iff PAGE_WRITEBACK (both under cache->lock).
 *  C4  A page table maps a page of a shared mapping writable only while the page is DIRTY.
 *  C5  No page at or past the end of the file stays in the cache once cache_truncate has returned.
 *  C6  A removed page has no mappings: unmap, then free.
 *  C7  Who maps a page without its lock (a fault) holds a reference, counts the mapping, and looks at LEAVING,
 *      page->cache and the size after that, all under the lock of the page table; who removes a page sets LEAVING,
 *      looks at the count after that, and unmaps where there is one (cache_leave). One of the two sees the other,
 *      so nobody sees the old page when there is a new one at its index. Truncation sets the size first.
 *
 * Who may do what at once (rows start while columns run), and what makes it safe:
 *
 *               read        write       fault       truncate    write-back  evict
 *   read        -           bytes mix   -           size, look  -           look
 *   write       bytes mix   inode.lock  page lock   inode.lock  page lock   page lock
 *   fault       -           page lock   PTE lock    C7          rmap_clean  reference
 *   truncate    size, look  inode.lock  C7          inode.lock  page lock   page lock
 *   write-back  -           page lock   rmap_clean  page lock   WRITEBACK   page lock
 * (look: a frame is given away only when every look (sync/look.h) that may have found it has ended.)
 */
#include "types.h"
#include "lib/interval.h"
#include "lib/list.h"
#include "lib/radix.h"
#include "sync/lock.h"
#include "mm/page.h"
#include "mm/rmap.h"

struct cache;
struct inode;

struct cache_ops {
	// Page locked and not up to date: start to read it, and call page_fill_done (at once or from the
	// completion), which unlocks it. May sleep for metadata, not for the data. nr pages, consecutive
	// indices, for read-ahead; a file system may split them as the disk's layout asks.
	void (*fill)(struct cache *cache, struct page **pages, u32 nr_pages);
	// Pages with PAGE_WRITEBACK set, consecutive indices, unlocked: start to write them, and call
	// page_store_done or pages_store_done for all. They stay in the cache until then.
	// May sleep for metadata, not for the data. NULL: memory only (tmpfs).
	void (*store)(struct cache *cache, struct page **pages, u32 nr_pages);
	// Page locked: make sure that a place on disk exists, before its first store.
	// Sets PAGE_BACKED. May sleep. -ENOSPC, -EIO.
	int (*reserve)(struct cache *cache, struct page *page) MUST_CHECK;
	// Page locked: it leaves the cache (is in it still when its bytes are lost,
	// has just left when it was evicted). Must not sleep. NULL: nothing to do.
	void (*leaves)(struct cache *cache, struct page *page, bool is_lost);
	// Memory only, when memory is short: page locked, dirty.
	// A slot of swap that is its own, named by page.private, to which reclaim writes it; it is clean then.
	// Must not sleep. False: there is none. NULL: its pages never go.
	bool (*swap_place)(struct cache *cache, struct page *page);
	// Page locked, up to date, with such a slot: it is dirty and has none any more.
	void (*swap_give)(struct cache *cache, struct page *page);
	// The first page became dirty, or a store through a mapping happened (times). Must not sleep.
	void (*dirtied)(struct cache *cache);
};

struct cache {
	const struct cache_ops *ops;    // constant
	struct inode *inode;            // constant; NULL for a block device
	u64 size;                       // bytes; read without a lock, written under inode->lock. An inode's i_size
	u8 page_lock_rank;              // RANK_PAGE, or RANK_META_PAGE for a block device
	struct spinlock lock;           // RANK_CACHE, interrupts closed
	struct radix pages;             // GUARDED_BY(lock) index -> struct page
	u64 nr_dirty;                   // GUARDED_BY(lock)
	u64 nr_stuck;                   // GUARDED_BY(lock) those of them whose last write failed
	u64 nr_writeback;               // GUARDED_BY(lock)
	// GUARDED_BY(lock) when the first of the dirty pages became so, or the flusher last came by.
	u64 dirty_since_ns;
	u32 error_sequence;             // GUARDED_BY(lock) counts write-back errors; see cache_error_check
	int error;                      // GUARDED_BY(lock) the last one
	bool error_is_told;             // GUARDED_BY(lock) some opener has heard of it
	u32 nr_failures;                // GUARDED_BY(lock) failed passes since a write went well: the next comes later
	u64 retry_ns;                   // GUARDED_BY(lock) the flusher leaves stuck pages alone until then
	u32 nr_singly;                  // GUARDED_BY(lock) so many pages go one by one: a bad one hurts itself only
	bool drops_failed;              // constant; a page whose write failed counts as clean (wberr=clean)
	struct mutex rmap_lock;         // RANK_RMAP
	struct interval_tree areas;     // GUARDED_BY(rmap_lock) struct area.pages: shared and private
};

void cache_init(struct cache *cache, const struct cache_ops *ops, struct inode *inode, u64 size);
// Nothing dirty, nothing mapped, no references: frees every page. May sleep.
void cache_destroy(struct cache *cache);

// The page at index, up to date and referenced (page_put gives it back). Reads it when absent. May sleep; takes a page
// lock. Does not look at the size: callers do, before and after. -EIO (or the fill's error), -ENOMEM.
int cache_get(struct cache *cache, pgoff_t index, struct page **out) MUST_CHECK;
// The page if it is here, in whatever state, referenced; else NULL. Never sleeps; takes no lock. Not from interrupts.
struct page *cache_find(struct cache *cache, pgoff_t index);
// Its bytes may be read at once; no new window is to be started by that.
static inline bool page_is_plain(const struct page *p)
{
	return (atomic_load(&p->flags) & (PAGE_UPTODATE | PAGE_READ_AHEAD)) == PAGE_UPTODATE;
}
// The page if it is here and plain, without a reference: only inside a look (sync/look.h), which keeps the frame.
static inline struct page *cache_peek(struct cache *cache, pgoff_t index)
{
	struct page *p = radix_find(&cache->pages, index);

	return p && page_is_plain(p) ? p : NULL;
}
// The page, locked and referenced, present or newly made; up to date or not.
// For writers who overwrite it whole. May sleep. -ENOMEM.
int cache_get_locked(struct cache *cache, pgoff_t index, struct page **out) MUST_CHECK;
// Enters new pages for what is absent from first on, up to nr and up to the first page that is here:
// locked, empty, referenced, to be given to ops->fill together.
// How many; 0: first is here already; -ENOMEM: no frame is free (none is reclaimed).
int cache_add_many(struct cache *cache, pgoff_t first, u32 nr, struct page **pages) MUST_CHECK;

// The lock of one page: a bit and a wait queue. It may be released by another (the completion of a fill).
void page_lock(struct page *p);                 // may sleep
bool page_try_lock(struct page *p);
void page_unlock(struct page *p);
void page_wait_unlocked(struct page *p);        // may sleep
void page_wait_writeback(struct page *p);       // may sleep; the page is referenced

// By the file system, any context: the fill of a locked page has ended.
// Unlocks it; with an error, removes it from the cache first.
void page_fill_done(struct page *p, int error);
// Any context: the write of WRITEBACK pages of one cache, with consecutive indices, has ended.
void pages_store_done(struct page **pages, u32 nr, int error);
static inline void page_store_done(struct page *p, int error)
{
	pages_store_done(&p, 1, error);
}

// Locked, up to date. Its content has changed or is about to be writable. Never sleeps.
void page_mark_dirty(struct page *p);

enum sync_mode { SYNC_START, SYNC_START_UNSTUCK, SYNC_WAIT };
// Writes the dirty pages among [first, last]; SYNC_WAIT also waits for them and for those already under way;
// SYNC_START_UNSTUCK leaves those alone whose last write failed. 0, or the error of a write that this call
// waited for. May sleep. (Reporting once to each opener: cache_error_check.)
int cache_write_back(struct cache *cache, pgoff_t first, pgoff_t last, enum sync_mode mode) MUST_CHECK;
// Those with that value in page.private, and waits for them. May sleep.
int cache_write_back_private(struct cache *cache, u64 value) MUST_CHECK;
// All of it, without waiting; what could not be written a short while ago is left for later. May sleep.
void cache_write_in_background(struct cache *cache);
// Waits for those that are being written among [first, last], and starts nothing. May sleep.
void cache_wait_written(struct cache *cache, pgoff_t first, pgoff_t last);
// Is nothing of it dirty or being written? May be old when the caller hears it.
static inline bool cache_is_clean(const struct cache *cache)
{
	return !READ_ONCE(cache->nr_dirty) && !READ_ONCE(cache->nr_writeback);
}
// Sets the size; zeroes the tail of the last page when shrinking or growing, takes every page past the end out
// of every address space (private copies too) and out of the cache. inode->lock held for writing. May sleep.
void cache_set_size(struct cache *cache, u64 size);
// Drops what is past new_size from the cache without touching the size (failed writes). May sleep.
void cache_truncate_pages(struct cache *cache, u64 new_size);
// Drops the page at index, dirty or not: its place on disk belongs to another from now on. May sleep.
void cache_discard(struct cache *cache, pgoff_t index);
// Drops [first, last], dirty or not, and unmaps it where it is shared:
// the disk has newer bytes, or is about to. May sleep.
void cache_invalidate(struct cache *cache, pgoff_t first, pgoff_t last);
// Page locked, in its cache: unmaps it, and no fault shows it again until it
// is unlocked and removed, or stays after all. May sleep.
void cache_leave(struct page *p, enum unmap_private how);
void cache_stay(struct page *p);
// After cache_leave, and not being written: takes it out, dirty or not. May sleep.
void cache_remove(struct page *p);
// The first index of [first, behind) that has a page, in whatever state; behind when there is none. Never sleeps.
pgoff_t cache_next_index(struct cache *cache, pgoff_t first, pgoff_t behind);
// The first of [first, behind) that has none; behind when there is none. Never sleeps.
pgoff_t cache_next_absent(struct cache *cache, pgoff_t first, pgoff_t behind);
// The first of [first, behind) whose page is dirty (or, not wants_dirty, is not);
// behind when there is none. Never sleeps.
pgoff_t cache_next_dirty(struct cache *cache, pgoff_t first, pgoff_t behind, bool wants_dirty);
// Drops the clean unmapped pages among [first, last]; returns how many. May sleep.
u64 cache_drop_range(struct cache *cache, pgoff_t first, pgoff_t last);
u64 cache_drop_clean(struct cache *cache);              // all of them

// Any context, page locked and shown nowhere writable: its bytes are in its slot of swap.
void cache_swapped_out(struct page *p);

// Page locked, referenced by the caller. Takes it out of its cache when it is clean,
// unmapped and used by nobody else. True: gone.
bool cache_try_evict(struct page *p);

// Inside the room: wakes who sleeps for LOCKED or WRITEBACK to go, which have gone.
void page_wake(struct page *p);

// errseq: an opener remembers cache_error_mark(), which lies before an error that nobody has heard of yet;
// cache_error_check reports an error that came since, once, and moves the mark.
u32 cache_error_mark(struct cache *cache);
int cache_error_check(struct cache *cache, u32 *seen) MUST_CHECK;

void cache_room_init(void);
